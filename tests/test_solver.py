"""The one loop, on problems whose answer is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from impasto.engine.lbfgs import Lbfgs
from impasto.engine.optimisers import OPTIMISERS
from impasto.engine.solver import solve
from impasto.engine.step import Problem, Settings, Step
from impasto.errors import DivergedError
from impasto.image.picture import resize
from impasto.losses.objective import differentiated

# A loss and its parts, which autograd differentiates.
Objective = Callable[[Tensor], tuple[Tensor, dict[str, Tensor]]]


def pull(target: float) -> Objective:
    def objective(x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        loss = (x - target).square().mean()
        return loss, {"pull": loss.detach()}

    return objective


@dataclass(frozen=True)
class Scale:
    """A scale that starts from the picture so far, at its own size."""

    height: int
    width: int
    iterations: int
    objective: Objective

    def __call__(self, before: Tensor) -> Problem:
        start = resize(before, self.height, self.width)
        return Problem(start, self.iterations, partial(differentiated, self.objective))


def run(*scales: Scale, settings: Settings | None = None) -> list[Step]:
    start = torch.full((1, 3, 4, 4), 0.5)
    work = [float(s.height * s.width * s.iterations) for s in scales]
    return list(solve(start, scales, work, settings or Settings()))


@pytest.mark.parametrize("optimizer", OPTIMISERS)
def test_it_reaches_the_minimum(optimizer: str) -> None:
    steps = run(Scale(4, 4, 120, pull(0.8)), settings=Settings(optimizer))
    assert torch.allclose(steps[-1].image(), torch.tensor(0.8), atol=0.02)
    assert steps[-1].losses["total"] < steps[0].losses["total"] / 100


def test_pictures_stay_in_range() -> None:
    steps = run(Scale(4, 4, 60, pull(3.0)))
    assert float(steps[-1].image().max()) == 1.0


def test_steps_count_scales_iterations_and_work() -> None:
    steps = run(Scale(2, 4, 3, pull(0.8)), Scale(4, 8, 2, pull(0.8)))
    where = [(s.scale, s.iteration, s.width, s.height) for s in steps]
    assert where == [(1, 1, 4, 2), (1, 2, 4, 2), (1, 3, 4, 2), (2, 1, 8, 4), (2, 2, 8, 4)]
    done = [s.done for s in steps]
    assert done == sorted(done)
    assert done[-1] == pytest.approx(1)
    assert steps[-1].image().shape == (1, 3, 4, 8)


def test_a_scale_starts_where_the_one_before_ended() -> None:
    steps = run(Scale(4, 4, 60, pull(0.8)), Scale(8, 8, 1, pull(0.8)))
    assert steps[-1].losses["total"] < 1e-3


def test_a_scale_is_made_from_the_picture_so_far_when_its_turn_comes() -> None:
    seen: list[float] = []

    def first(before: Tensor) -> Problem:
        return Problem(before, 60, partial(differentiated, pull(0.8)))

    def second(before: Tensor) -> Problem:
        seen.append(float(before.mean()))
        return Problem(before, 1, partial(differentiated, pull(0.8)))

    start = torch.full((1, 3, 4, 4), 0.5)
    steps = solve(start, [first, second], [60.0, 1.0], Settings())
    next(steps)
    assert not seen
    list(steps)
    assert seen == [pytest.approx(0.8, abs=0.02)]


def poisoned(at: set[int], value: float) -> Objective:
    calls = iter(range(10**6))

    def objective(x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        loss = (x - 0.8).square().mean()
        if next(calls) in at:
            loss = loss + value
        return loss, {}

    return objective


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("value", [math.nan, math.inf, 1e12])
def test_after_a_bad_loss_it_goes_back_says_so_and_goes_on(value: float, optimizer: str) -> None:
    steps = run(Scale(4, 4, 150, poisoned({5, 9}, value)), settings=Settings(optimizer))
    assert [s.iteration for s in steps if s.note] == [6, 10]
    assert "half the step" in (steps[5].note or "")
    assert all(s.image().isfinite().all() for s in steps)
    assert torch.allclose(steps[-1].image(), torch.tensor(0.8), atol=0.03)


def test_a_gradient_that_is_not_finite_does_not_reach_the_picture() -> None:
    calls = iter(range(10**6))

    def objective(x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        loss = (x - 0.8).square().mean()
        if next(calls) == 4:
            loss = loss + (x * 0).sum().sqrt()  # 0 as a value, ∞·0 as a gradient
        return loss, {}

    steps = run(Scale(4, 4, 40, objective))
    assert steps[-1].image().isfinite().all()
    assert [s.iteration for s in steps if s.note] == [5]


def test_a_loss_that_stays_bad_ends_the_run() -> None:
    with pytest.raises(DivergedError, match="nan again and again"):
        run(Scale(4, 4, 50, poisoned(set(range(3, 50)), math.nan)))


def test_adam_averages_its_steps() -> None:
    """The picture that it hands out is smoother than the pixels that jump about."""

    def jumping(x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        loss = (x - 0.5).abs().mean()
        return loss, {}

    settings = Settings("adam", learning_rate=0.2)
    start, scale = torch.full((1, 3, 4, 4), 0.53), Scale(4, 4, 60, jumping)
    pictures = [s.image() for s in solve(start, [scale], [1.0], settings)]  # taken on the way
    jumps = [float((b - a).abs().mean()) for a, b in pairwise(pictures[-10:])]
    assert 0 < max(jumps) < 0.05


def test_a_step_that_was_halved_stays_so_at_the_next_scale() -> None:
    """Adam's first step is as long as its rate, here halved once in each scale."""
    start = torch.full((1, 3, 4, 4), 0.5)
    twice = [poisoned({0}, math.nan), poisoned({0}, math.nan)]
    makes = [lambda _, bad=bad: Problem(start, 2, partial(differentiated, bad)) for bad in twice]
    steps = solve(start, makes, [1.0, 1.0], Settings("adam"))
    moved = float(list(steps)[-1].image().mean()) - 0.5
    assert moved == pytest.approx(0.02 / 4, rel=0.05)


def test_a_step_that_is_not_finite_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = Lbfgs.step, iter(range(10**6))

    def step(self: Lbfgs, pixels: Tensor, gradient: Tensor, loss: float) -> None:
        real(self, pixels, gradient, loss)
        if next(calls) == 3:
            pixels[0, 0, 0, 0] = math.inf

    monkeypatch.setattr(Lbfgs, "step", step)
    steps = run(Scale(4, 4, 40, pull(0.8)))
    assert [s.note for s in steps if s.note] == [
        "the step was not finite: back to the last good picture, with half the step"
    ]
    assert torch.allclose(steps[-1].image(), torch.tensor(0.8), atol=0.02)


def test_a_big_picture_converges_as_a_small_one_does() -> None:
    """Averaged losses have tiny gradients at big sizes; thresholds must not swallow them."""
    for optimizer in ("lbfgs", "adam"):
        steps = run(Scale(512, 512, 40, pull(0.8)), settings=Settings(optimizer))
        assert torch.allclose(steps[-1].image(), torch.tensor(0.8), atol=0.02), optimizer


def test_a_matrix_that_is_not_a_number_is_a_bad_loss_too() -> None:
    """`eigvalsh` of NaN raises where other operations hand the NaN on."""
    calls = iter(range(10**6))

    def objective(x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        matrix = x[0, 0] @ x[0, 0].T
        if next(calls) == 3:
            matrix = matrix * math.nan
        loss = (x - 0.8).square().mean() + 0 * torch.linalg.eigvalsh(matrix).sum()
        return loss, {}

    steps = run(Scale(4, 4, 30, objective))
    assert [s.iteration for s in steps if s.note] == [4]
    assert torch.allclose(steps[-1].image(), torch.tensor(0.8), atol=0.02)
