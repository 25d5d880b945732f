"""A task, painted before a person's eyes. Imports PyTorch: commands import it when they run."""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TextIO

import typer

from impasto.cli.console import remark
from impasto.cli.interrupt import INTERRUPTED, Interruption, patient
from impasto.cli.progress import Reporter, watching
from impasto.errors import OptionError
from impasto.image.files import check_writable, digest, write
from impasto.methods.solver import Step
from impasto.painting import Task, finish, paint
from impasto.recipe import Recipe, Stop

__all__ = ["Output", "Result", "present", "run"]


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

    def check(self) -> None:
        """Fail before the work rather than after it.

        Raises:
            ImpastoError: a file that is there already, without `force`, or that cannot be written.
        """
        check_writable(self.path, bits=self.bits, force=self.force)
        if self.preview_every is not None:
            check_writable(self.preview, force=self.force)
        if self.trace is not None and self.trace.exists() and not self.force:
            raise OptionError(f"{self.trace} exists already: give another name, or --force.")


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
                "losses": _finite(self.losses),
                "interrupted": self.interrupted,
                "recipe": json.loads(self.recipe.to_json()),
            }
        )


def run(task: Task, output: Output, *, until: Stop | None = None) -> Result:
    """Paint, report and write; the first Ctrl-C writes the picture so far.

    Args:
        until: a step after which to stop, as the run did that is being repeated.

    Raises:
        ImpastoError: as `paint` and `write` do.
        KeyboardInterrupt: Ctrl-C before the first step was done, or twice.
    """
    began = time.monotonic()
    with patient() as interruption:
        step, count = _paint(task, output, interruption, until)
        recipe = task.recipe if _is_last(step) else task.recipe.stopped(step.scale, step.iteration)
        picture = finish(task, step)
        text = recipe.to_json() if output.recipe else None
        write(
            picture,
            output.path,
            recipe=text,
            bits=output.bits,
            force=output.force,
            quality=output.quality,
        )
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
    with watching(output.quiet) as report, _tracing(output) as trace:
        for count, step in enumerate(paint(task), start=1):
            interruption.keeping = True
            report(step)
            trace(step)
            if output.preview_every is not None and count % output.preview_every == 0:
                write(finish(task, step), output.preview, force=True)
            if interruption.asked or Stop(step.scale, step.iteration) == until:
                break
    return step, count


def _is_last(step: Step) -> bool:
    return (step.scale, step.iteration) == (step.scales, step.iterations)


@contextlib.contextmanager
def _tracing(output: Output) -> Iterator[Reporter]:
    if output.trace is None:
        yield lambda _: None
        return
    began = time.monotonic()
    # A trace is read while it grows, so it is no temporary file that is renamed at the end.
    with output.trace.open("w" if output.force else "x", encoding="utf-8") as file:
        yield lambda step: _trace(step, time.monotonic() - began, file)


def _trace(step: Step, seconds: float, file: TextIO) -> None:
    record: dict[str, Any] = {
        name: getattr(step, name)
        for name in (
            "scale",
            "scales",
            "width",
            "height",
            "iteration",
            "iterations",
            "done",
            "note",
        )
    }
    record |= {"seconds": round(seconds, 3), "losses": _finite(step.losses)}
    file.write(json.dumps(record) + "\n")
    file.flush()


def _finite(losses: dict[str, float]) -> dict[str, float | None]:
    """JSON knows neither NaN nor infinity: null stands for both."""
    return {name: value if math.isfinite(value) else None for name, value in losses.items()}
