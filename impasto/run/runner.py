"""The one place where a task is painted: a task in, events out.

The command, batches, studies and the Python API all use `run`.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from impasto.config.recipe import Recipe, Stop
from impasto.engine.snapshots import Execution, Snapshot
from impasto.engine.step import Step
from impasto.errors import ResumeError
from impasto.files.atomic import sync
from impasto.image.opening import digest
from impasto.image.picture import Picture
from impasto.painting.task import Task, finish, paint
from impasto.run import trace
from impasto.run.events import Events, Failed, Finished, Noted, Result, Started, Stepped
from impasto.run.folder import RunFolder
from impasto.run.forecast import Forecast, forecast
from impasto.run.halt import Halt
from impasto.run.memory_fallback import leaner_plan, plan_in_words
from impasto.run.output import Output, Previewer

__all__ = ["run"]

_LOG = logging.getLogger("impasto")

# Pixels from which on the optimiser is released before the picture's file is put together.
_LARGE = 4_000_000


def run(
    task: Task,
    output: Output | None = None,
    *,
    execution: Execution | None = None,
    memory: int | None = None,
    expected: Forecast | None = None,
    folder: RunFolder | None = None,
    stop: Callable[[], Halt] = lambda: Halt.NO,
) -> Events:
    """Paint a task and write its picture.

    A task whose recipe has `stopped_at` stops there. Where memory runs out, the run continues by a
    leaner plan, from its last state.

    Args:
        output: what is written; None writes nothing, and the picture is in the result.
        execution: the plan and the state to continue from; by default a plan that fits into
            memory, from the beginning.
        memory: bytes that the process may hold; by default four fifths of what is free.
        expected: the forecast, if it was made already.
        folder: where the run's states go. It is removed once the picture is written, unless it
            is to be kept or the run was interrupted.
        stop: is called after every iteration.

    Yields:
        `Started`; `Stepped` after every iteration; `Noted`; and at the end `Finished` or `Failed`.
        An exception thrown into it, Ctrl-C too, leaves the run's last state in its folder.

    Raises:
        OptionError: no plan needs so little memory.
    """
    if expected is None:
        plan = None if execution is None else execution.plan
        expected = forecast(task, memory, plan=plan)
    execution = replace(execution or Execution(), plan=expected.plan)
    painting = _Run(task, output, execution, expected, folder, stop)
    try:
        yield from painting.events()
    except Exception as error:
        yield Failed(error)


@dataclass(eq=False)
class _Run:
    """A run while it is painted.

    Attributes:
        step: the last one; the only reference to it, so that its memory can be released.
        is_complete: the last step's picture is unchanged: no iteration is under way.
        is_saved: its last state is written, and needs no step any more.
        rescue: writes the picture elsewhere, once there is one.
    """

    task: Task
    output: Output | None
    execution: Execution
    expected: Forecast
    folder: RunFolder | None
    stop: Callable[[], Halt]
    step: Step | None = None
    count: int = 0
    halt: Halt = Halt.NO
    replanned: bool = False
    is_complete: bool = False
    is_saved: bool = False
    is_over: bool = False
    rescue: Callable[[BaseException], None] | None = None

    def __post_init__(self) -> None:
        self.previewer = Previewer(self.output)

    def events(self) -> Events:
        """Paint, write, and keep or remove the folder."""
        began = time.monotonic()
        with self._saving_on_failure():
            yield Started(self.task, self.expected)
            with trace.tracing(
                self.output.trace if self.output else None,
                force=self.output is not None and self.output.force,
                append=self.output is not None and self.output.resumes,
            ) as write_trace:
                yield from self._paint(write_trace)
            ended = self._is_last or self._is_at_stop
            self._save_at_the_end(ended)
            if self.halt is Halt.AT_ONCE and not ended:
                result = self._result(began, None, self.task.recipe, self._last.losses)
            else:
                result = self._written(began, ended)
            self.is_over = True
        yield Finished(result)

    # Painting

    def _paint(self, write_trace: Callable[[Stepped], None]) -> Events:
        """Take steps until the run ends or is stopped."""
        for step in self._steps():
            if isinstance(step, Noted):
                yield step
                continue
            self.step, self.is_complete = step, True
            del step  # `self` has the only reference, to release its memory
            self.count += 1
            event = Stepped.of(self._last, self._picture, self._recipe)
            write_trace(event)
            self.previewer.step(self.count, self._picture)
            yield event
            self.halt = self.stop()
            if self.halt is not Halt.NO or self._is_at_stop:
                return
            if self.folder is not None:
                self.folder.save_if_due(self._last)
            self.is_complete = False  # the next step changes it in place
        self.is_complete = True

    def _steps(self) -> Iterator[Step | Noted]:
        """Yield the run's steps; by a leaner plan where memory runs out."""
        while True:
            try:
                yield from paint(self.task, self.execution)
                return
            except Exception as error:
                itemsize = next(self.task.network.parameters()).dtype.itemsize
                plan = leaner_plan(error, self.task.workload, self.execution.plan, itemsize)
                if plan is None:
                    raise
                error.__traceback__ = None  # it refers to the run's tensors
            self.step = None
            gc.collect()
            snapshot = self._saved_snapshot()
            how = "begins again" if snapshot is None else "continues"
            yield Noted(f"memory ran out: the run {how}, {plan_in_words(plan)}")
            self.execution = replace(self.execution, plan=plan, snapshot=snapshot)
            self._record_plan()

    def _saved_snapshot(self) -> Snapshot | None:
        """Return the last state; without one the run begins again."""
        saved = None if self.folder is None else self.folder.saved()
        return None if saved is None else saved.snapshot

    def _record_plan(self) -> None:
        if self.folder is None:
            return
        self.replanned |= self.folder.has_state
        recipe, plan = self.folder.record.recipe, self.execution.plan
        self.folder.change(recipe=replace(recipe, plan=plan, replanned=self.replanned))

    # The last step

    @property
    def _last(self) -> Step:
        assert self.step is not None, "the run has no step"
        return self.step

    def _picture(self) -> Picture:
        return finish(self.task, self._last)

    @property
    def _is_last(self) -> bool:
        step = self._last
        return (step.scale, step.iteration) == (step.scales, step.iterations)

    @property
    def _is_at_stop(self) -> bool:
        return self.task.recipe.stopped_at == _stop_of(self._last)

    # The end

    def _save_at_the_end(self, ended: bool) -> None:
        """Write the state of a run that may be resumed or extended, or whose picture is large."""
        if self.folder is None:
            return
        is_resumable = self.output is None or self.folder.record.keep or not ended
        if is_resumable or self.task.workload.pixels >= _LARGE:
            self.is_saved = self._try_to_save()

    def _written(self, began: float, ended: bool) -> Result:
        """Write the picture, keep or remove the folder, and return the result."""
        step = self._last
        recipe = self._recipe()
        picture, losses = finish(self.task, step), step.losses
        del step
        if self.output is not None:
            self.rescue = partial(self.output.rescue, picture, recipe)
            if self.task.workload.pixels >= _LARGE:
                self.step = None
            if self.folder is not None:
                self.output.restore_parent()
            self.output.write(picture, recipe)
            self.previewer.remove()
            self._put_away(ended)
        return self._result(began, picture, recipe, losses, interrupted=not ended)

    def _recipe(self) -> Recipe:
        return replace(
            self.task.recipe,
            plan=self.execution.plan,
            extended=self.execution.extra,
            replanned=self.task.recipe.replanned or self.replanned,
            stopped_at=None if self._is_last else _stop_of(self._last),
        )

    def _result(
        self,
        began: float,
        picture: Picture | None,
        recipe: Recipe,
        losses: dict[str, float],
        *,
        interrupted: bool = True,
    ) -> Result:
        has_folder = self.folder is not None and self.folder.has_state
        return Result(
            picture=picture,
            path=self.output.path if self.output and picture is not None else None,
            seconds=time.monotonic() - began,
            iterations=self.count,
            losses=losses,
            interrupted=interrupted,
            recipe=recipe,
            forecast=self.expected,
            folder=self.folder.path if self.folder is not None and has_folder else None,
        )

    def _put_away(self, ended: bool) -> None:
        """Keep or remove the folder of a run whose picture is written."""
        if self.folder is None or self.output is None:
            return
        path, record = self.output.path, self.folder.record
        sync(path)
        sync(path.parent)  # the picture outlives a power cut before anything else is removed
        if self.folder.has_state and (record.keep or not ended):
            self.folder.change(finished=ended, goal=record.goal.owning(digest(path)))
        else:
            self.folder.remove()

    def _try_to_save(self) -> bool:
        """Write the state; if that fails, warn and continue, as there may still be a picture."""
        assert self.folder is not None
        try:
            self.folder.save(self._last)
        except ResumeError as error:
            _LOG.warning("%s", error)
            return False
        return True

    # Failures

    @contextlib.contextmanager
    def _saving_on_failure(self) -> Iterator[None]:
        """Save what there is of a run that fails, and add to the error how to continue."""
        try:
            yield
        except BaseException as error:
            if not self.is_over:
                self.previewer.point_to(error)
                self._save_after(error)
            raise

    def _save_after(self, error: BaseException) -> None:
        if self.folder is None:
            return
        # Ctrl-C twice means at once.
        if self.is_complete and isinstance(error, Exception) and not self.folder.is_young:
            is_saved = self.is_saved if self.step is None else self._try_to_save()
            if not is_saved and self.rescue is not None:
                self.rescue(error)
        if not self.folder.has_state:
            if self.output is not None and not self.output.resumes:  # it was begun just now
                self.folder.remove()
            return
        error.add_note(f"`impasto resume {self.folder.path}` continues from its last state.")


def _stop_of(step: Step) -> Stop:
    return Stop(step.scale, step.iteration)
