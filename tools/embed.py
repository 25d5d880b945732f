"""Put a finished distillation into the package, with its figures.

    python -m tools.embed --run runs/compact --teacher FILE --photos DIR

Writes the averaged weights in half precision to `impasto/features/data/compact.safetensors`, and
beside the training log `figures.json` (errors of just those weights on the held-out photographs)
and `training.png`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from safetensors.torch import save

from impasto.errors import ImpastoError, WeightsError
from impasto.features import weights
from impasto.features.backbones import COMPACT_LIFTS
from impasto.files import atomic
from impasto.training import state
from impasto.training.measuring import held_out_errors, square
from impasto.training.pictures import find_pictures
from tools.distil import GOALS, HELD_OUT_EVERY
from tools.teacher import load_teacher

__all__ = ["embed", "plot", "publish"]

_TARGET = Path(weights.__file__).parent / "data" / "compact.safetensors"


def publish(run: Path, teacher: str, photos: Path, target: Path = _TARGET) -> None:
    """Embed a run, and leave its figures and its curves in its folder.

    Whatever the measuring needs is read first: nothing is replaced where it is missing.

    Raises:
        WeightsError: no teacher, or no state in the run's folder.
        PictureError: no photographs.
    """
    taught = load_teacher(teacher)
    held_out = [square(path) for path in find_pictures(photos)[::HELD_OUT_EVERY]]
    embed(run, target, "average.net.")
    errors = held_out_errors(weights.load("compact", weights=target), taught, held_out)
    figures = {"held_out": errors, "bytes": target.stat().st_size, "photographs": len(held_out)}
    text = json.dumps(figures, indent=2) + "\n"
    atomic.replace(run / "figures.json", text.encode(), force=True, error=WeightsError)
    plot(run / "train.jsonl", run / "training.png")


def embed(run: Path, target: Path, prefix: str = "average.") -> None:
    """The run's averaged weights, in half precision, as a part of the package.

    Args:
        prefix: what the names of those that are wanted begin with.
    """
    tensors, _ = state.read(run / "state.safetensors")
    averaged = state.under(tensors, prefix)
    halves = {key: value.half().contiguous() for key, value in averaged.items()}
    atomic.replace(target, save(halves), force=True, error=WeightsError)


def plot(log: Path, target: Path) -> None:
    """The held-out errors against the steps, with their goals."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    lines = [json.loads(line) for line in log.read_text().splitlines()]
    lines = [line for line in lines if "held_out" in line]
    steps = [line["step"] / 1000 for line in lines]
    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    for name in COMPACT_LIFTS:
        curve = axes.plot(steps, [100 * line["held_out"][name] for line in lines], label=name)
        axes.axhline(100 * GOALS[name], color=curve[0].get_color(), linewidth=0.6, linestyle=":")
    axes.set(
        yscale="log",
        xlabel="steps, in thousands",
        ylabel="error on held-out photographs, %",
        title="compact against its teacher (dotted: the goals)",
    )
    axes.legend(frameon=False, ncols=5, loc="upper right")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(target, dpi=110)
    pyplot.close(figure)


def main() -> None:
    """Read the command line; embed, measure and plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--teacher", required=True, help="a file, or vgg19")
    parser.add_argument("--photos", type=Path, required=True)
    options = parser.parse_args()
    try:
        publish(options.run, options.teacher, options.photos)
    except ImpastoError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
