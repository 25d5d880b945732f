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
from impasto.cli.flags import with_flags
from impasto.cli.interrupt import handling_signals
from impasto.cli.progress import ProgressBar, progress_bar
from impasto.config.fields import from_dict
from impasto.config.training import TRAINED, TrainingSettings
from impasto.errors import OptionError
from impasto.files.names import safe_name
from impasto.networks.trained_metadata import SUFFIX, read_metadata

if TYPE_CHECKING:
    from impasto.training.loop import Loop

__all__ = ["train"]

_BARS = "▁▂▃▄▅▆▇█"
_STEPS_TO_ADD = 300  # of a style to a file of others


@with_flags(TrainingSettings)
def train(
    paintings: Annotated[
        list[str],
        shared.argument(
            "PAINTING",
            "Pictures, style cards or built-in names. Each is a style, called after its file.",
        ),
    ],
    options: dict[str, Any],
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
    device: Annotated[
        str,
        typer.Option(
            "--device",
            metavar="auto|cpu|cuda|xpu|mps",
            help="Where to compute.",
            rich_help_panel=TRAINED,
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
    _check(content, extend, options)
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
        options=FastTraining(**asdict(_settings(options, extend))),
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


def _settings(options: dict[str, Any], extends: Path | None) -> TrainingSettings:
    """Return what was typed, and defaults: fewer steps where styles are only added."""
    added = {} if extends is None else {"steps": _STEPS_TO_ADD}
    return from_dict(TrainingSettings, {**added, **options})


def _check(content: str | None, extends: Path | None, options: dict[str, Any]) -> None:
    """Refuse what cannot be trained.

    Raises:
        OptionError: a size that is not the extended file's, a value that is not allowed, or nothing
            to learn from.
    """
    size = options.get("size")
    if extends is not None and size not in (None, stored := read_metadata(extends).size):
        raise OptionError(
            f"--size is {size}, and the styles of {extends} were trained at {stored}. Leave it "
            "out, or train a file of its own."
        )
    _settings(options, extends)
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
