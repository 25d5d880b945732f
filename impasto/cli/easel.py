"""A task, painted before a person's eyes. Imports PyTorch: commands import it when they run."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import typer

from impasto.cli import trace as traces
from impasto.cli.console import remark
from impasto.cli.interrupt import INTERRUPTED, Interruption, patient
from impasto.cli.outputs import Wanted
from impasto.cli.progress import watching
from impasto.errors import OptionError, PictureError
from impasto.image.files import Picture, check_writable, digest, write
from impasto.methods.configs import PixelConfig
from impasto.methods.solver import Step
from impasto.painting import Sources, Task, finish, paint, prepare
from impasto.recipe import Recipe, Stop

__all__ = ["Output", "Result", "launch", "output_of", "present", "run"]


@dataclass(frozen=True)
class Output:
    """What a run writes and shows.

    Attributes:
        path: the picture's file.
        recipe: whether the picture carries its recipe.
        preview_every: iterations between two previews, if any.
        trace: where each step goes as a line of JSON, if anywhere.
    """

    path: Path
    bits: Literal[8, 16] = 8
    quality: int = 95
    force: bool = False
    recipe: bool = True
    preview_every: int | None = None
    trace: Path | None = None
    quiet: bool = False

    @property
    def preview(self) -> Path:
        """Where the picture so far goes: `out.preview.png` beside `out.jpg`."""
        return self.path.with_name(f"{self.path.stem}.preview.png")

    def check(self, long_side: int) -> None:
        """Fail before the work rather than after it.

        A preview that is there already is one that an earlier run left: it is replaced.

        Args:
            long_side: what the picture will measure.

        Raises:
            ImpastoError: a file that is there already, without `force`, or that cannot be written.
        """
        check_writable(self.path, bits=self.bits, force=self.force, long_side=long_side)
        if self.preview_every is not None:
            check_writable(self.preview, force=True)
        if self.trace is not None:
            if self.trace.resolve() in (self.path.resolve(), self.preview.resolve()):
                raise OptionError(f"{self.trace} cannot be both --trace and a picture of the run.")
            traces.check(self.trace, force=self.force)


@dataclass(frozen=True)
class Result:
    """What came of a run; `interrupted` if somebody ended it before its time."""

    path: Path
    seconds: float
    width: int
    height: int
    iterations: int
    losses: dict[str, float]
    interrupted: bool
    recipe: Recipe

    def to_json(self) -> str:
        """One line for scripts, with the written file's digest."""
        return json.dumps(
            {
                "output": str(self.path),
                "digest": digest(self.path),
                "seconds": round(self.seconds, 3),
                "width": self.width,
                "height": self.height,
                "iterations": self.iterations,
                "losses": traces.finite(self.losses),
                "interrupted": self.interrupted,
                "recipe": json.loads(self.recipe.to_json()),
            }
        )


def output_of(wanted: Wanted, otherwise: str | Path, bits: int = 8) -> Output:
    """What was typed, for a run.

    Args:
        otherwise: the picture's file, if none was named.
        bits: per channel, if not told.
    """
    return Output(
        path=wanted.out or Path(otherwise),
        bits=16 if (wanted.bits or str(bits)) == "16" else 8,
        quality=wanted.quality,
        force=wanted.force,
        recipe=not wanted.no_recipe,
        preview_every=wanted.preview_every,
        trace=wanted.trace,
        quiet=wanted.quiet,
    )


def launch(
    sources: Sources, config: PixelConfig, wanted: Wanted, otherwise: str, long_side: int = 0
) -> None:
    """All that a command does once it knows what it is to paint.

    Args:
        otherwise: the result's file, if none was named.
        long_side: what the picture will measure, if that is not the config's size.

    Raises:
        ImpastoError: as `prepare`, `paint` and `write` do.
        Exit: with the status of an interrupted command.
    """
    output = output_of(wanted, otherwise)
    output.check(long_side or config.size)
    result = run(prepare(sources, config), output)
    present(result, quiet=wanted.quiet, as_json=wanted.as_json)


def run(task: Task, output: Output, *, until: Stop | None = None) -> Result:
    """Paint, report and write; the first Ctrl-C writes the picture so far.

    Args:
        until: a step after which to stop, as the run did that is being repeated.

    Raises:
        ImpastoError: as `paint` and `write` do.
        KeyboardInterrupt: Ctrl-C before the first step was done, or twice.
    """
    began = time.monotonic()
    _spare_inputs(task, output)
    with patient() as interruption, _pointing_to_preview(output):
        step, count = _paint(task, output, interruption, until)
        recipe = task.recipe if _is_last(step) else task.recipe.stopped(step.scale, step.iteration)
        picture = finish(task, step)
        _write(picture, recipe, output)
        if output.preview_every is not None:
            output.preview.unlink(missing_ok=True)
    return Result(
        path=output.path,
        seconds=time.monotonic() - began,
        width=picture.width,
        height=picture.height,
        iterations=count,
        losses=step.losses,
        interrupted=interruption.asked and not _is_last(step),
        recipe=recipe,
    )


def present(result: Result, *, quiet: bool, as_json: bool) -> None:
    """Say what came of it: the file to standard output, the rest beside it.

    Raises:
        Exit: with the status of an interrupted command, if it was.
    """
    if not quiet:
        early = ", stopped early" if result.interrupted else ""
        remark(f"{result.width}×{result.height} pixels in {result.seconds:.1f} s{early}")
    print(result.to_json() if as_json else result.path)
    if result.interrupted:
        raise typer.Exit(INTERRUPTED)


def _paint(
    task: Task, output: Output, interruption: Interruption, until: Stop | None
) -> tuple[Step, int]:
    """Go through the steps, as far as one may; the last one, and how many there were."""
    with (
        watching(output.quiet) as report,
        traces.tracing(output.trace, force=output.force) as trace,
    ):
        for count, step in enumerate(paint(task), start=1):
            interruption.keeping = True
            report(step)
            trace(step)
            if output.preview_every is not None and count % output.preview_every == 0:
                write(finish(task, step), output.preview, force=True)
            if interruption.asked or Stop(step.scale, step.iteration) == until:
                break
    return step, count


def _write(picture: Picture, recipe: Recipe, output: Output) -> None:
    try:
        write(
            picture,
            output.path,
            recipe=recipe.to_json() if output.recipe else None,
            bits=output.bits,
            force=output.force,
            quality=output.quality,
        )
    except PictureError as error:
        error.add_note("Nothing was overwritten.")
        raise


def _spare_inputs(task: Task, output: Output) -> None:
    """Refuse to write over what this run paints from, even with `--force`."""
    targets = {"where the result goes": output.path}
    if output.preview_every is not None:
        targets["where --preview-every puts the picture so far"] = output.preview
    for given in task.recipe.inputs:
        for what, target in targets.items():
            if given.name and Path(given.name).resolve() == target.resolve():
                raise OptionError(
                    f"The {given.role} {given.name} is {what}: "
                    "move one of them, or give --out another name."
                )


@contextlib.contextmanager
def _pointing_to_preview(output: Output) -> Iterator[None]:
    """Say of a run that fails where its last preview is, if it wrote one."""
    before = _stamp(output)
    try:
        yield
    except BaseException as error:
        if _stamp(output) not in (None, before):
            told = f"The picture so far is in {output.preview}."
            if isinstance(error, KeyboardInterrupt):  # which ends without a message of its own
                remark(told)
            error.add_note(told)
        raise


def _stamp(output: Output) -> tuple[int, int] | None:
    """What tells one preview from another at the same place."""
    if output.preview_every is None or not output.preview.is_file():
        return None
    found = output.preview.stat()
    return found.st_ino, found.st_mtime_ns


def _is_last(step: Step) -> bool:
    return (step.scale, step.iteration) == (step.scales, step.iterations)
