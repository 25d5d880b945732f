"""`impasto train`: a fast network for styles of your own."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto.cli import options as shared
from impasto.cli.console import print_note, print_path, set_quiet
from impasto.cli.interrupt import handling_signals
from impasto.cli.progress import ProgressBar, progress_bar
from impasto.config.sizes import LEAST, MOST, PIXELS
from impasto.errors import OptionError
from impasto.files.names import safe_name
from impasto.networks.trained_metadata import SUFFIX, read_metadata

if TYPE_CHECKING:
    from impasto.training.loop import Loop

__all__ = ["train"]

_BARS = "▁▂▃▄▅▆▇█"


_TRAINING = "How it is trained"


def _number(flag: str, kind: type, low: float, high: float | None = None, **more: Any) -> Any:
    return shared.number(flag, kind, low, high, rich_help_panel=_TRAINING, **more)


def train(
    paintings: Annotated[
        list[str],
        shared.argument(
            "PAINTING",
            "Pictures, style cards or built-in names. Each is a style, called after its file.",
        ),
    ],
    content: Annotated[
        str | None,
        shared.option(
            "--content",
            metavar="DIR|builtin",
            help="A folder of photographs to learn from, some hundreds of all kinds that will be "
            "painted, 8 at least; builtin takes those that come with scikit-image, as --extend "
            "does if it is left out.",
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
            help="Add the styles to this file, without changing its own. Takes minutes.",
        ),
    ] = None,
    steps: Annotated[
        int | None,
        _number(
            "--steps",
            int,
            1,
            1_000_000,
            help="The most steps; training ends when nothing more is learnt. By default 1500, with "
            "--extend 300.",
        ),
    ] = None,
    size: Annotated[
        int | None,
        _number(
            "--size",
            int,
            LEAST,
            MOST,
            read=PIXELS.read,
            help="Long side of the pictures to be painted, by default 512: the paintings are "
            "looked at in that size. --extend takes the file's own.",
            show_default=False,
        ),
    ] = None,
    batch: Annotated[int, _number("--batch", int, 1, 1024, help="Crops a step.")] = 4,
    crop: Annotated[
        int,
        _number("--crop", int, 32, 2048, help="Pixels of a crop's side, a multiple of 16."),
    ] = 160,
    steady: Annotated[
        float,
        _number(
            "--steady",
            float,
            0.0,
            100.0,
            help="Weight of the difference between a shifted painting and the painting of a "
            "shifted picture, for video; 0.2 makes a step a quarter longer.",
        ),
    ] = 0.0,
    seed: Annotated[int, _number("--seed", int, 0, help="Of everything random.")] = 0,
    device: Annotated[
        str,
        typer.Option(
            "--device",
            metavar="auto|cpu|cuda|xpu|mps",
            help="Where to compute.",
            rich_help_panel=_TRAINING,
        ),
    ] = "auto",
    resume: shared.Resume = False,
    force: shared.Force = False,
    quiet: shared.Quiet = False,
    as_json: shared.Json = False,
    queue: shared.Queue = None,
    files: shared.QueueFiles = None,
    wait: shared.Wait = False,
) -> None:
    """Train a network that paints in your styles at once, for `--method fast`.

    While it trains, OUT.train/preview.jpg shows photographs as they would be painted now. After
    Ctrl-C the same command with --resume continues; after a kill, from the last state, which is
    written about once a minute. Beside the file of styles it leaves their card (OUT.md) and a sheet
    of pictures (OUT-sheet.jpg). With --queue a worker trains, and continues by itself.
    """
    from impasto.training.preflight import BUILTIN, check_training

    set_quiet(quiet)
    flags = shared.RunFlags(
        force=force, quiet=quiet, as_json=as_json, queue=queue, files=files, wait=wait
    )
    flags.check_queue()
    _check(content, extend, size, crop)
    _check_here(queue, resume=resume)
    target = out or extend or Path(f"{safe_name(Path(paintings[0]).stem)}{SUFFIX}")
    check_training(
        paintings, content or BUILTIN, target, extend, resume=resume, force=force
    )  # before PyTorch is loaded

    from impasto.training.fast import FastTraining
    from impasto.training.run_training import TrainingSpec, run_training

    spec = TrainingSpec(
        paintings=paintings,
        content=content or BUILTIN,
        out=target,
        extends=extend,
        options=FastTraining(
            steps=steps or (1_500 if extend is None else 300),
            size=size or 512,
            batch=batch,
            crop=crop,
            steady=steady,
            seed=seed,
        ),
        device=device,
        resume=resume,
        force=force,
    )
    if queue is not None:
        from impasto.cli.queued import send
        from impasto.training.queued import packed_training

        send(lambda store: packed_training(spec, store), target.parent, flags)
        return
    is_first = os.environ.get("RANK", "0") == "0"  # of the processes that torchrun starts
    is_silent, start = quiet or not is_first, "looking at the pictures"
    with handling_signals() as interruption, progress_bar(start, quiet=is_silent) as bar:
        most = spec.options.steps

        def watch(line: Mapping[str, Any], loop: Loop) -> bool:
            nonlocal most
            interruption.has_progress = True  # before, there is nothing to keep
            if not is_silent:
                if (steps := loop.schedule.steps) < most:
                    end = f"nothing more is learnt: it ends after {steps} steps instead of {most}"
                    (bar.note if bar else print_note)(end)
                    most = steps
                _show(line, loop, bar)
            return not interruption.is_requested

        path = run_training(spec, watch)
    if path is None:
        if not quiet:
            print_note("stopped; the same command with --resume continues")
        raise typer.Exit(interruption.status)
    if is_first:
        if as_json:
            styles = [asdict(entry) for entry in read_metadata(path).entries]
            print(json.dumps({"out": str(path), "styles": styles}))
        else:
            print_path(path)


def _check(content: str | None, extends: Path | None, size: int | None, crop: int) -> None:
    """Refuse what cannot be trained.

    Raises:
        OptionError: a size that is not the extended file's, a crop that is not a multiple of 16,
            or nothing to learn from.
    """
    if extends is not None and size not in (None, stored := read_metadata(extends).size):
        raise OptionError(
            f"--size is {size}, and the styles of {extends} were trained at {stored}. Leave it "
            "out, or train a file of its own."
        )
    if crop % 16:
        raise OptionError(f"--crop is {crop}; it takes a multiple of 16, such as 160.")
    if content is None and extends is None:
        raise OptionError(
            "There are no photographs to learn from. Name a folder of them with --content: some "
            "hundreds, of all that you will paint, with 300 pixels or more on each side. Without "
            "any at hand, --content builtin takes those that come with scikit-image."
        )


def _check_here(queue: str | None, *, resume: bool) -> None:
    """Refuse to resume what a worker trains.

    Raises:
        OptionError: that was asked for.
    """
    if queue is not None and resume:
        raise OptionError(
            "--resume: for a training in this process, and --queue lets a worker train, which "
            "continues by itself. Leave it out."
        )


def _show(line: Mapping[str, Any], loop: Loop, bar: ProgressBar | None) -> None:
    """Move the bar, or print a line for each measurement."""
    step, steps = line["step"], loop.schedule.steps
    if bar is not None:
        bar(step / steps, f"step {step}/{steps}", _losses(loop))
    elif losses := line.get("held_out"):
        text = ", ".join(f"{name} {value:.3f}" for name, value in losses.items())
        print_note(f"step {step} of {steps}: {text}")


def _losses(loop: Loop) -> str:
    """Return the latest losses as a curve of small bars, and the last of them as a number."""
    if not loop.measured:
        return ""
    recent = loop.measured[-24:]
    low, high = min(recent), max(recent)
    heights = [round((value - low) / max(high - low, 1e-9) * (len(_BARS) - 1)) for value in recent]
    return f"loss {''.join(_BARS[height] for height in heights)} {recent[-1]:.3f}"
