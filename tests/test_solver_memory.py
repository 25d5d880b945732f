"""What the optimisers hold beside the picture, as PyTorch's allocator counts it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import accumulate, product

import pytest
import torch
from torch import Tensor
from torch.profiler import profile

from impasto.engine import half_precision
from impasto.engine.optimisers import OPTIMISERS, footprint, scratch
from impasto.engine.solver import solve
from impasto.engine.step import Problem, Settings, Step
from impasto.image.picture import resize

SIDE = 192
VALUES = 3 * SIDE * SIDE
STEEP = 1 + 30 * torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


def objective(pixels: Tensor) -> tuple[dict[str, float], Tensor]:
    """A bowl, nowhere as steep as elsewhere; takes no memory but for its gradient."""
    gradient = pixels - 0.7
    gradient.mul_(STEEP[..., : pixels.shape[-2], : pixels.shape[-1]])
    return {"total": float(torch.dot(gradient.view(-1), gradient.view(-1)))}, gradient


def peak(run: Callable[[], object]) -> float:
    """The most that is held at a time beyond what was at first, in bytes per value."""
    with profile(profile_memory=True) as seen:
        run()
    assert seen.profiler is not None
    assert seen.profiler.kineto_results is not None
    events = [e for e in seen.profiler.kineto_results.events() if e.name() == "[memory]"]
    taken = [event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]
    return max(accumulate(taken), default=0) / VALUES


def last(steps: list[Callable[[Tensor], Problem]], start: Tensor, settings: Settings) -> Step:
    for step in solve(start, steps, [1.0] * len(steps), settings):
        kept = step  # as a caller does, who holds it while the next is made
    return kept


CASES = [("gd", 1, "float32"), *product(["adam"], [1], ["float32", "float16"]),
         *product(["lbfgs"], [1, 3, 6], ["float32", "float16"])]  # fmt: skip


@pytest.mark.parametrize(("optimizer", "history", "held"), CASES)
def test_a_step_takes_what_is_estimated(
    monkeypatch: pytest.MonkeyPatch, optimizer: str, history: int, held: str
) -> None:
    monkeypatch.setattr(half_precision, "_CHUNK", 2**11)
    settings = Settings(optimizer, history=history, dtype=held)
    start = torch.full((1, 3, SIDE, SIDE), 0.5)
    make = partial(lambda start, _: Problem(start, 10, objective), start)
    got = peak(lambda: last([make], start, settings))
    pixels_and_gradient = 2 * 4
    expected = footprint(optimizer, history, held) + scratch(optimizer, held)
    assert got - pixels_and_gradient == pytest.approx(expected, abs=0.5)


@pytest.mark.parametrize(("optimizer", "history", "held"), CASES)
def test_a_change_of_scale_takes_no_more_than_a_step(
    monkeypatch: pytest.MonkeyPatch, optimizer: str, history: int, held: str
) -> None:
    """Nor the first step after it, though the picture that the scale was made from is held."""
    monkeypatch.setattr(half_precision, "_CHUNK", 2**11)
    settings = Settings(optimizer, history=history, dtype=held)
    small = SIDE * 7 // 10

    def larger(before: Tensor) -> Problem:
        return Problem(resize(before, SIDE, SIDE), 10, objective)

    start = torch.full((1, 3, small, small), 0.5)
    makes = [lambda start: Problem(start, 10, objective), larger]
    got = peak(lambda: last(makes, start, settings))
    before = 4 * 0.7**2
    expected = footprint(optimizer, history, held) + scratch(optimizer, held)
    assert got - 8 - before == pytest.approx(expected, abs=0.5)


def test_a_picture_is_copied_once() -> None:
    """Also when it is made of Adam's average."""
    for optimizer in OPTIMISERS:
        start = torch.full((1, 3, SIDE, SIDE), 0.5)
        step = last([lambda start: Problem(start, 3, objective)], start, Settings(optimizer))
        assert peak(step.image) == pytest.approx(4, abs=0.1), optimizer
        assert peak(step.snapshot) < 0.1
