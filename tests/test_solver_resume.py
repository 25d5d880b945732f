"""A run that goes on from a snapshot is the run that was never stopped."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import partial
from itertools import product

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from impasto.config.memory import MemoryPlan
from impasto.engine.optimisers import OPTIMISERS
from impasto.engine.snapshots import DEFAULT_EXECUTION, Execution, Snapshot
from impasto.engine.solver import solve
from impasto.engine.step import Problem, Settings, Step
from impasto.errors import OptionError, ResumeError
from impasto.image.picture import resize
from impasto.losses.objective import differentiated

START = torch.rand(1, 3, 10, 12, generator=torch.Generator().manual_seed(1))
EYE = torch.randn(4, 3, 3, 3, generator=torch.Generator().manual_seed(2)) / 5

# Sides of each scale, iterations, and the calls whose loss is not a number: two rounds of one size.
SCALES = ((10, 5, ()), (14, 6, (2, 3)), (14, 4, ()), (20, 5, ()))


class Course:
    """Scales whose targets come from the picture so far; says which of them were made."""

    def __init__(self, skipped: int = 0) -> None:
        self.made: list[int] = []
        self.skipped = skipped  # calls of the first scale's objective that an earlier run made

    def __call__(self, index: int, before: Tensor) -> Problem:
        side, iterations, bad = SCALES[index]
        self.made.append(index)
        start = resize(before, side, side + 2)
        target = F.conv2d(start, EYE).mean() + 0.2
        calls = iter(range(self.skipped, 100))

        def objective(x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
            seen = F.conv2d(x, EYE)
            loss = (seen - target).square().mean() + 0.1 * (x - 0.7).square().mean()
            return loss * (math.nan if next(calls) in bad else 1), {"seen": seen.mean().detach()}

        return Problem(start, iterations, partial(differentiated, objective))

    def run(
        self, settings: Settings, execution: Execution = DEFAULT_EXECUTION
    ) -> list[tuple[Step, Tensor, Snapshot]]:
        """Every step, with its picture and what would be saved of it."""
        makes = [partial(self, i) for i in range(len(SCALES))]
        steps = solve(START, makes, [1.0, 2.0, 2.0, 4.0], settings, execution)
        return [(step, step.image(), saved(step.snapshot())) for step in steps]


def saved(snapshot: Snapshot) -> Snapshot:
    """As it comes back from a file: copies of the tensors, and numbers as JSON holds them."""
    tensors = {name: tensor.clone() for name, tensor in snapshot.tensors.items()}
    return Snapshot(tensors, json.loads(json.dumps(dict(snapshot.numbers))))


def same(
    steps: list[tuple[Step, Tensor, Snapshot]], others: list[tuple[Step, Tensor, Snapshot]]
) -> bool:
    """Whether places, losses, notes and pictures are those of another run, to the last bit."""
    told = [
        [(s.scale, s.iteration, s.width, s.done, repr(s.losses), s.note) for s, _, _ in run]
        for run in (steps, others)
    ]
    pictures = zip(steps, others, strict=True)
    return told[0] == told[1] and all(torch.equal(a[1], b[1]) for a, b in pictures)


@pytest.mark.parametrize(
    ("optimizer", "held", "wrap"),
    [*product(["lbfgs", "adam"], ["float32", "float16"], [False, True]), ("gd", "float32", False)],
)
def test_it_goes_on_from_wherever_it_stopped(optimizer: str, held: str, wrap: bool) -> None:
    settings = Settings(optimizer, history=3, wrap=wrap, dtype=held)
    whole = Course().run(settings)
    assert len(whole) == 20
    assert [s.iteration for s, _, _ in whole if s.note] == [3, 4]
    # The first, the last of a scale, before, between and after retreats, within rounds.
    for at in (1, 5, 7, 8, 9, 11, 13, 15, 18, 19):
        step, _, snapshot = whole[at - 1]
        course = Course(step.iteration if step.scale == 2 else 0)
        assert same(course.run(settings, Execution(snapshot=snapshot)), whole[at:]), at
        first = step.scale if step.iteration == SCALES[step.scale - 1][1] else step.scale - 1
        assert course.made == [0, 1, 2, 3][first:]


def test_a_snapshot_is_not_changed_by_the_run_that_goes_on_from_it() -> None:
    snapshot = Course().run(Settings())[13][2]
    before = saved(snapshot)
    Course().run(Settings(), Execution(snapshot=snapshot))
    assert all(torch.equal(snapshot.tensors[name], x) for name, x in before.tensors.items())


@pytest.mark.parametrize("optimizer", OPTIMISERS)
def test_a_finished_run_is_extended(optimizer: str) -> None:
    """As if it had had so many more from the beginning, also when it is extended again."""
    settings = Settings(optimizer, history=3)
    whole, longer = Course().run(settings), Course().run(settings, Execution(extra=5))
    assert len(longer) == 25
    assert same(Course().run(settings, Execution(snapshot=whole[-1][2], extra=5)), longer[20:])
    halfway = longer[21][2]
    assert same(Course().run(settings, Execution(snapshot=halfway, extra=5)), longer[22:])
    assert [s.iterations for s, _, _ in longer[-6:]] == [10] * 6
    assert longer[-1][0].done == pytest.approx(1)


def test_with_nothing_left_there_is_one_step_with_the_picture_as_it_is() -> None:
    longer = Course().run(Settings(), Execution(extra=2))
    for execution in (
        Execution(snapshot=longer[-1][2], extra=2),
        Execution(snapshot=longer[-1][2]),
    ):
        course = Course()
        assert same(course.run(Settings(), execution), longer[-1:])
        assert not course.made
    again = Course().run(Settings(), Execution(snapshot=longer[-1][2]))[0][2]
    assert same(
        Course().run(Settings(), Execution(snapshot=again, extra=5)),
        Course().run(Settings(), Execution(extra=5))[22:],
    )


def test_the_plan_lowers_the_history_and_says_how_memory_is_held() -> None:
    run = Course().run(Settings(history=10), Execution(MemoryPlan(history=2, dtype="float16")))
    assert same(run, Course().run(Settings(history=2, dtype="float16")))
    assert not same(run, Course().run(Settings(history=2)))
    assert run[-1][2].tensors["lbfgs.step.1"].dtype == torch.float16
    assert "lbfgs.step.2" not in run[-1][2].tensors
    assert Settings(history=3).within(MemoryPlan(history=5)).history == 3
    with pytest.raises(OptionError, match="float8"):
        Course().run(Settings(), Execution(MemoryPlan(dtype="float8")))


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("kinds", [("float32", "float16"), ("float16", "float32")])
def test_memory_that_was_held_otherwise_is_taken_over(
    optimizer: str, kinds: tuple[str, str]
) -> None:
    before, after = (Settings(optimizer, history=3, dtype=kind) for kind in kinds)
    whole = Course().run(before)
    gone_on = Course().run(after, Execution(snapshot=whole[16][2]))
    assert len(gone_on) == 3
    torch.testing.assert_close(gone_on[-1][1], whole[-1][1], atol=5e-3, rtol=0)


def broken(snapshot: Snapshot, **other: object) -> Snapshot:
    """With tensors and numbers replaced, or left out if None."""
    tensors, numbers = dict(snapshot.tensors), dict(snapshot.numbers)
    for key, value in other.items():
        name = key.replace("__", ".")
        for kind in (tensors, numbers):
            if value is None:
                kind.pop(name, None)
        if isinstance(value, Tensor):
            tensors[name] = value
        elif isinstance(value, (int, float)):
            numbers[name] = value
    return Snapshot(tensors, numbers)


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"pixels": None}, "'pixels' is missing"),
        ({"before": None}, "'before' is missing"),
        ({"before": torch.zeros(3, 4)}, "'before' measures"),
        ({"pixels": torch.zeros(1, 3, 9, 9)}, "'pixels' measures"),
        ({"pixels": torch.zeros(1, 3, 20, 22, dtype=torch.int8)}, "int8"),
        ({"pixels": torch.zeros(1, 3, 20, 22, dtype=torch.float16)}, "float16, and not"),
        ({"rate": 10**400}, "'rate' is not a number"),
        ({"lbfgs__origin": None}, "'lbfgs.origin' is missing"),
        ({"lbfgs__step__0": torch.zeros(1, 3, 9, 9)}, "'lbfgs.step.0' measures"),
        ({"lbfgs__curvature__0": 0.0}, "curvature 0"),
        ({"lbfgs__pairs": 1e300}, "is not a number"),
        ({"lbfgs__pairs": math.inf}, "not a count"),
        ({"iteration": 2.5}, "not a count"),
        ({"scale": 0}, "scale 0 of 4"),
        ({"scales": 5}, "this run has 4"),
        ({"iterations": 7}, "7 iterations"),
        ({"rate": math.nan}, "'rate' is not a number"),
        ({"first": None}, "'first' is not a number"),
    ],
)
def test_a_damaged_snapshot_is_refused(other: dict[str, object], told: str) -> None:
    snapshot = Course().run(Settings(history=3))[17][2]
    with pytest.raises(ResumeError, match=told):
        Course().run(Settings(history=3), Execution(snapshot=broken(snapshot, **other)))


def test_a_snapshot_of_another_optimiser_is_refused() -> None:
    snapshot = Course().run(Settings("gd"))[7][2]
    with pytest.raises(ResumeError, match="of gd, and this run's optimiser is lbfgs"):
        Course().run(Settings(), Execution(snapshot=snapshot))
    with pytest.raises(ResumeError, match="of an unknown optimiser"):
        Course().run(Settings(), Execution(snapshot=replace(snapshot, numbers={})))
