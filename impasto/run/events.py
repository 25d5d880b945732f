"""What a run reports while it paints, and how its events are consumed."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field, fields
from pathlib import Path

from impasto.config.recipe import Recipe
from impasto.engine.step import Step
from impasto.image.picture import Picture
from impasto.painting.task import Task
from impasto.run.forecast import Forecast

__all__ = [
    "Event",
    "Events",
    "Failed",
    "Finished",
    "Noted",
    "Result",
    "Started",
    "Stepped",
    "consume",
]


@dataclass(frozen=True)
class Started:
    """A run is about to paint its first step.

    Attributes:
        forecast: its memory plan, memory and time.
    """

    task: Task
    forecast: Forecast


@dataclass(frozen=True)
class Stepped:
    """An iteration is done: the numbers of its `Step`.

    It has no reference to the step, whose optimiser may need all memory.

    Attributes:
        picture, recipe: make the picture so far, and its recipe; only until the next event is
            asked for.
    """

    scale: int
    scales: int
    width: int
    height: int
    iteration: int
    iterations: int
    done: float
    losses: dict[str, float]
    note: str | None
    picture: Callable[[], Picture] = field(repr=False)
    recipe: Callable[[], Recipe] = field(repr=False)

    @staticmethod
    def of(step: Step, picture: Callable[[], Picture], recipe: Callable[[], Recipe]) -> Stepped:
        """Return the event of a step."""
        numbers = {spec.name: getattr(step, spec.name) for spec in fields(Stepped)[:-2]}
        return Stepped(**numbers, picture=picture, recipe=recipe)


@dataclass(frozen=True)
class Noted:
    """A message to a person; the run continues."""

    message: str


@dataclass(frozen=True)
class Result:
    """The result of a run.

    Attributes:
        picture: None if the run was halted at once.
        path: the picture's file, if one was written.
        iterations: their number, without those before a run was resumed.
        interrupted: it was ended early.
        folder: where it can be resumed or extended, if anywhere.
    """

    picture: Picture | None
    path: Path | None
    seconds: float
    iterations: int
    losses: dict[str, float]
    interrupted: bool
    recipe: Recipe
    forecast: Forecast
    folder: Path | None = None

    @property
    def painted(self) -> Picture:
        """The picture of a run that was not halted at once."""
        assert self.picture is not None, "the run was halted before there was a picture"
        return self.picture


@dataclass(frozen=True)
class Finished:
    """The run ended, by itself or by its stop flag."""

    result: Result


@dataclass(frozen=True)
class Failed:
    """The run failed; the error's notes say what was kept and where."""

    error: Exception


Event = Started | Stepped | Noted | Finished | Failed
Events = Generator[Event, None, None]


def consume(events: Events, handle: Callable[[Event], None] = lambda _: None) -> Result | None:
    """Take a run to its end.

    Args:
        handle: is called with every event. What it raises ends the run, whose state is kept.

    Returns:
        The result; None if nothing was painted, as by `--dry-run`.

    Raises:
        Exception: the error of a run that failed.
    """
    result = None
    try:
        for event in events:
            handle(event)
            if isinstance(event, Finished):
                result = event.result
            elif isinstance(event, Failed):
                raise event.error
    except BaseException as error:
        events.throw(error)  # lets the run keep its state, and add notes to the error
        raise
    return result
