"""Put a finished distillation into the package, with its figures.

    python -m tools.embed --run runs/compact --teacher FILE --photos DIR

Writes the averaged weights in half precision to `impasto/features/data/compact.safetensors`, and
into the run's folder `figures.json` (errors of those weights on the held-out photographs) and
`training.png`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from safetensors.torch import save

from impasto.errors import ImpastoError, WeightsError
from impasto.features import weights
from impasto.files import atomic
from impasto.training import state
from impasto.training.curves import plot_log
from impasto.training.measuring import held_out_errors, square
from impasto.training.photographs import find_pictures
from tools.distil import GOALS, HELD_OUT_EVERY
from tools.teacher import load_teacher

__all__ = ["embed", "publish"]

_TARGET = Path(weights.__file__).parent / "data" / "compact.safetensors"


def publish(run: Path, teacher: str, photos: Path, target: Path = _TARGET) -> None:
    """Embed a run, and write its figures and its curves into its folder.

    Everything needed to measure is read first: if something is missing, nothing is replaced.

    Raises:
        WeightsError: no teacher, or no state in the run's folder.
        PictureError: no photographs.
    """
    extractor = load_teacher(teacher)
    held_out = [square(path) for path in find_pictures(photos)[::HELD_OUT_EVERY]]
    embed(run, target, "average.net.")
    errors = held_out_errors(weights.load("compact", weights=target), extractor, held_out)
    figures = {"held_out": errors, "bytes": target.stat().st_size, "photographs": len(held_out)}
    text = json.dumps(figures, indent=2) + "\n"
    atomic.replace(run / "figures.json", text.encode(), force=True, error=WeightsError)
    title = "compact: error on held-out photographs (dotted: the goals)"
    plot_log(run / "train.jsonl", run / "training.png", title, GOALS)


def embed(run: Path, target: Path, prefix: str = "average.") -> None:
    """Write the run's averaged weights, in half precision, into the package.

    Args:
        prefix: of the names of the weights to write.
    """
    tensors, _ = state.read(run / "state.safetensors")
    averaged = state.under(tensors, prefix)
    halves = {key: value.half().contiguous() for key, value in averaged.items()}
    atomic.replace(target, save(halves), force=True, error=WeightsError)


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
