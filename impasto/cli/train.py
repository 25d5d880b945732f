"""`impasto train`: a fast network for styles of one's own."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto.cli import options as shared
from impasto.cli.console import hush, margin, remark
from impasto.cli.interrupt import INTERRUPTED, TERMINATED, patient
from impasto.errors import OptionError
from impasto.networks.trained_metadata import SUFFIX, read_metadata

if TYPE_CHECKING:
    from impasto.training.loop import Loop

__all__ = ["train"]

_BARS = "▁▂▃▄▅▆▇█"
_HOW = "How it is trained"

Report = Callable[[Mapping[str, Any], "Loop"], None]


def train(
    paintings: Annotated[
        list[str],
        typer.Argument(
            metavar="PAINTING...",
            help="Pictures, style cards or built-in names. Each is a style, called after its file.",
            show_default=False,
        ),
    ],
    content: Annotated[
        str | None,
        typer.Option(
            "--content",
            metavar="DIR|builtin",
            help="A folder of photographs to learn from, some hundreds of all that will be "
            "painted; builtin takes those that come with scikit-image, as --extend does if it is "
            "left out.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE.impasto",
            help="The file of styles; otherwise named after the first painting, here.",
        ),
    ] = None,
    extend: Annotated[
        Path | None,
        typer.Option(
            "--extend",
            metavar="FILE.impasto",
            help="Add the styles to this file, whose others stay as they are. Takes minutes.",
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            "--steps",
            metavar="1…1000000",
            help="At most so many; it ends when nothing is learnt any more. 1500 at first, 300 for "
            "--extend.",
            min=1,
            max=1_000_000,
            rich_help_panel=_HOW,
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            "--size",
            min=32,
            max=16384,
            help="Long side of the pictures to come, 512 if not told: the paintings are looked at "
            "as large as that. --extend takes the file's own.",
            show_default=False,
            rich_help_panel=_HOW,
        ),
    ] = None,
    batch: Annotated[
        int, typer.Option("--batch", min=1, max=1024, help="Crops a step.", rich_help_panel=_HOW)
    ] = 4,
    crop: Annotated[
        int,
        typer.Option(
            "--crop",
            min=32,
            max=2048,
            help="Pixels of a crop's side, a multiple of 16.",
            rich_help_panel=_HOW,
        ),
    ] = 160,
    steady: Annotated[
        float,
        typer.Option(
            "--steady",
            min=0.0,
            max=100.0,
            help="Weight of the difference between a painting that is moved and one of what is "
            "moved, for video; 0.2 makes a step a quarter longer.",
            rich_help_panel=_HOW,
        ),
    ] = 0.0,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="Of everything random.", rich_help_panel=_HOW)
    ] = 0,
    device: Annotated[
        str,
        typer.Option(
            "--device",
            metavar="auto|cpu|cuda|xpu|mps",
            help="Where to compute.",
            rich_help_panel=_HOW,
        ),
    ] = "auto",
    resume: shared.Resume = False,
    force: shared.Force = False,
    quiet: shared.Quiet = False,
    as_json: shared.Json = False,
) -> None:
    """Train a network that paints in your styles at once, for `--method fast`.

    While it trains, OUT.train/preview.jpg shows photographs as they would be painted now. After
    Ctrl-C the same command with --resume goes on where it was, after a kill from the last state,
    which is written about once a minute. Beside the file of styles it leaves their card (OUT.md)
    and a sheet of pictures (OUT-sheet.jpg).
    """
    hush(quiet)
    target = out or extend or Path(f"{Path(paintings[0]).stem}{SUFFIX}")
    if extend is not None:
        _check_size(extend, size)  # what cannot be extended is told before PyTorch is loaded
    if crop % 16:
        raise OptionError(f"--crop is {crop}; it takes a multiple of 16, such as 160.")
    options = {"size": size or 512, "batch": batch, "crop": crop, "steady": steady, "seed": seed}
    order = _order(paintings, content, target, extend, steps, options)

    from impasto.training.fast import FastTraining
    from impasto.training.run_training import TrainingSpec, run_training

    told = FastTraining(**order.pop("options"))
    is_first = os.environ.get("RANK", "0") == "0"  # of those that torchrun starts
    with patient() as interruption, _watching(quiet or not is_first) as show:

        def tell(line: Mapping[str, Any], loop: Loop) -> bool:
            interruption.keeping = True  # before, there is nothing to keep
            show(line, loop)
            return not interruption.asked

        spec = TrainingSpec(**order, options=told, device=device, resume=resume, force=force)
        made = run_training(spec, tell)
    if made is None:
        if not quiet:
            remark("stopped; the same command with --resume goes on from there")
        raise typer.Exit(TERMINATED if interruption.hurried else INTERRUPTED)
    if not is_first:
        return
    if as_json:
        print(json.dumps(_as_json(made)))
    else:
        print(made)


def _order(
    paintings: list[str],
    content: str | None,
    out: Path,
    extends: Path | None,
    steps: int | None,
    options: dict[str, Any],
) -> dict[str, Any]:
    """What is to be trained, from what was typed.

    Raises:
        OptionError: there is nothing to learn from.
    """
    if content is None and extends is None:
        raise OptionError(
            "There are no photographs to learn from. Name a folder of them with --content: some "
            "hundreds, of all that you will paint, with 300 pixels or more on each side. Without "
            "any at hand, --content builtin takes those that come with scikit-image."
        )
    length = steps or (1_500 if extends is None else 300)
    return {
        "paintings": paintings,
        "content": content or "builtin",
        "out": out,
        "extends": extends,
        "options": {"steps": length, **options},
    }


def _check_size(extends: Path, size: int | None) -> None:
    known = read_metadata(extends).size
    if size not in (None, known):
        raise OptionError(
            f"--size is {size}, and the styles of {extends} were looked at with {known}. Leave it "
            "out, or train a file of its own."
        )


def _as_json(made: Path) -> dict[str, Any]:
    return {"out": str(made), "styles": [asdict(entry) for entry in read_metadata(made).entries]}


@contextlib.contextmanager
def _watching(quiet: bool) -> Iterator[Report]:
    """A live bar in a terminal, a line for each measurement elsewhere, or nothing."""
    console = margin()
    if quiet:
        yield lambda _line, _loop: None
    elif console.is_terminal and not console.is_dumb_terminal:
        with _bar() as report:
            yield report
    else:
        yield _line_for_each


@contextlib.contextmanager
def _bar() -> Iterator[Report]:
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.percentage:3.0f} %"),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[losses]}", markup=False),
    )
    with Progress(*columns, console=margin(), transient=True) as bar:
        task = bar.add_task("looking at the pictures", total=1, losses="")

        def report(line: Mapping[str, Any], loop: Loop) -> None:
            steps = loop.schedule.steps
            place = f"step {line['step']}/{steps}"
            bar.update(
                task, total=steps, completed=line["step"], description=place, losses=_losses(loop)
            )

        yield report


def _losses(loop: Loop) -> str:
    """The losses that were measured so far, as a curve of small bars, and the last of them."""
    if not loop.measured:
        return ""
    recent = loop.measured[-24:]
    low, high = min(recent), max(recent)
    heights = [round((value - low) / max(high - low, 1e-9) * (len(_BARS) - 1)) for value in recent]
    return f"loss {''.join(_BARS[height] for height in heights)} {recent[-1]:.3f}"


def _line_for_each(line: Mapping[str, Any], loop: Loop) -> None:
    if found := line.get("held_out"):
        figures = ", ".join(f"{name} {value:.3f}" for name, value in found.items())
        remark(f"step {line['step']} of {loop.schedule.steps}: {figures}")
