"""A run in the terminal: its events as a progress bar, notes and a result.

Imports PyTorch: commands import it when they run.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import typer

from impasto.cli.console import print_note, print_path
from impasto.cli.interrupt import Interruption, handling_signals
from impasto.cli.options import RunFlags
from impasto.cli.progress import ProgressBar, progress_bar
from impasto.cli.streams import is_output, send
from impasto.config.memory import gigabytes
from impasto.config.methods import PictureConfig
from impasto.errors import notes_of
from impasto.image.opening import digest
from impasto.painting.prepare import prepare
from impasto.painting.sources import Sources
from impasto.painting.task import Task
from impasto.run.events import Event, Events, Noted, Result, Started, Stepped, consume
from impasto.run.forecast import Forecast
from impasto.run.launch import RunOptions, begin, begin_unkept
from impasto.run.memory_fallback import plan_in_words
from impasto.run.output import Output
from impasto.run.trace import finite
from impasto.runtime import peak_memory

__all__ = ["follow", "follow_new"]


def follow_new(
    sources: Sources, config: PictureConfig, output: Output, flags: RunFlags, *, is_kept: bool
) -> None:
    """Begin a run, and follow it to its end.

    Args:
        is_kept: whether it has a folder that it could be continued from.

    Raises:
        ImpastoError: as `prepare` and a run do.
        Exit: with the status of an interrupted command.
    """
    prepared = partial(prepare, sources, config)
    if is_kept:
        start = partial(begin, prepared, output, long_side=config.size, weights=sources.weights)
    else:
        start = partial(begin_unkept, prepared, output, long_side=config.size)
    follow(start, flags, is_kept=is_kept)


def follow(start: Callable[[RunOptions], Events], flags: RunFlags, *, is_kept: bool = True) -> None:
    """Follow a run to its end, and print its result.

    The first Ctrl-C after the first step writes the picture so far; SIGTERM and SIGHUP keep only
    the state.

    Args:
        start: begins the run.
        is_kept: whether it has a folder that it could be continued from.

    Raises:
        ImpastoError: the run's own error.
        Exit: with the status of an interrupted command.
    """
    is_silent = flags.quiet or flags.dry_run
    with (
        handling_signals() as interruption,
        progress_bar("looking at the pictures", quiet=is_silent, width=10) as bar,
    ):
        options = RunOptions(
            folder=flags.run,
            keep=flags.keep_run,
            resume=flags.resume,
            memory=flags.memory_bytes(),
            dry_run=flags.dry_run,
            stop=interruption.halt,
        )
        try:
            result = consume(start(options), partial(_show, flags, bar, interruption))
        except (KeyboardInterrupt, SystemExit) as error:  # they end without a message of their own
            for note in notes_of(error):
                print_note(note)
            raise
    if result is None:
        return
    if result.interrupted and not is_kept and not flags.quiet:
        print_note("from standard input or to standard output, it cannot be continued")
    _print_result(result, flags, interruption.status)


def _show(
    flags: RunFlags, bar: ProgressBar | None, interruption: Interruption, event: Event
) -> None:
    if isinstance(event, Started):
        if flags.dry_run:
            _print_forecast(event.task, event.forecast, as_json=flags.as_json)
        elif event.forecast.seconds is not None and not flags.quiet:
            time = _time_in_words(event.forecast.seconds)
            plan = _plan_in_words(event.task, event.forecast)
            print_note(f"this takes {time} and {gigabytes(event.forecast.memory)}; {plan}")
    elif isinstance(event, Noted) and not flags.quiet:
        print_note(event.message)
    elif isinstance(event, Stepped):
        interruption.has_progress = True
        if not flags.quiet:
            _show_step(event, bar)


def _show_step(step: Stepped, bar: ProgressBar | None) -> None:
    """Move the bar, or print a line for each scale."""
    place = f"scale {step.scale}/{step.scales} {step.width}×{step.height}"
    if step.note:
        (bar.note if bar else print_note)(step.note)
    if bar is not None:
        names = (name for name in ("content", "style") if name in step.losses)
        losses = " ".join(f"{name} {step.losses[name]:.3f}" for name in names)
        bar(step.done, f"{place} {step.iteration:>3}/{step.iterations}", losses)
    elif step.iteration == 1:
        print_note(f"{place}, {step.iterations} iterations")


def _print_result(result: Result, flags: RunFlags, status: int) -> None:
    """Print the picture's file to standard output, all else to standard error.

    Args:
        status: of an interrupted command.

    Raises:
        Exit: with the status of an interrupted command, if it was.
    """
    if result.picture is None:  # SIGTERM or SIGHUP, of a system that will not wait for a picture
        if result.folder is not None:
            print_note(f"terminated; `impasto resume {result.folder}` continues it")
        raise typer.Exit(status)
    if not flags.quiet:
        early = ", stopped early" if result.interrupted else ""
        size = f"{result.picture.width}×{result.picture.height}"
        print_note(f"{size} pixels in {result.seconds:.1f} s{early}")
        if result.interrupted and result.folder is not None:
            print_note(f"`impasto resume {result.folder}` continues it")
    if is_output(flags):
        assert result.path is not None
        send(result.path)
    elif flags.as_json:
        print(_result_as_json(result))
    else:
        print_path(result.path or "")
    if result.interrupted:
        raise typer.Exit(status)


def _result_as_json(result: Result) -> str:
    """Return one line for scripts, with the written file's digest."""
    assert result.path is not None
    picture = result.painted
    return json.dumps(
        {
            "output": str(result.path),
            "digest": digest(result.path),
            "seconds": round(result.seconds, 3),
            "width": picture.width,
            "height": picture.height,
            "iterations": result.iterations,
            "losses": finite(result.losses),
            "peak_memory": peak_memory(),
            "forecast": _forecast_as_dict(result.forecast),
            "interrupted": result.interrupted,
            "run": None if result.folder is None else str(result.folder),
            "recipe": result.recipe.to_dict(),
        }
    )


def _print_forecast(task: Task, forecast: Forecast, *, as_json: bool) -> None:
    """Print all that is known of a run before it starts."""
    scales = task.workload.scales
    if as_json:
        recipe = task.recipe.to_dict()
        print(json.dumps({"forecast": _forecast_as_dict(forecast), "recipe": recipe}))
        return
    first, last = scales[0], scales[-1]
    count = sum(scale.iterations for scale in scales)
    print(f"size     {first.width}×{first.height} to {last.width}×{last.height}")
    if forecast.seconds is not None:
        print(f"work     {count} iterations at {len(scales)} scales")
    print(f"memory   {gigabytes(forecast.memory)} of the allowed {gigabytes(forecast.allowed)}")
    if forecast.seconds is None:
        print("plan     painted at once, in parts if it is large")
        return
    print(f"time     {_time_in_words(forecast.seconds)}")
    print(f"plan     {_plan_in_words(task, forecast)}")


def _forecast_as_dict(forecast: Forecast) -> dict[str, Any]:
    """Return a forecast as JSON holds it, in bytes and seconds."""
    seconds = None if forecast.seconds is None else round(forecast.seconds, 2)
    return {"plan": forecast.plan.to_dict(), "memory": forecast.memory, "seconds": seconds}


def _plan_in_words(task: Task, forecast: Forecast) -> str:
    plan = forecast.plan
    parts = [plan_in_words(plan)]
    if plan.history:
        steps = "1 step" if plan.history == 1 else f"{plan.history} steps"
        parts.append(f"L-BFGS remembers {steps} instead of {task.workload.history}")
    if plan.dtype == "float16":
        parts.append("the optimiser's memory is kept in half precision")
    return "; ".join(parts)


def _time_in_words(seconds: float) -> str:
    if seconds < 100:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 6000 else f"about {seconds / 3600:.1f} h"
