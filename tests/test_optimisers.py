"""The optimisers on a bowl, and their memory at another size."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from impasto.engine import half_precision, seamless
from impasto.engine.adam import Adam
from impasto.engine.descent import Descent
from impasto.engine.half_precision import StoredTensor
from impasto.engine.lbfgs import Lbfgs
from impasto.engine.optimiser import Optimiser
from impasto.engine.optimisers import OPTIMISERS, RATES
from impasto.engine.step import Settings


def steps(optimiser: Lbfgs) -> list[Tensor]:
    """The steps that it remembers, oldest first."""
    tensors, numbers = optimiser.state()
    return [tensors[f"lbfgs.step.{i}"] for i in range(int(numbers["lbfgs.pairs"]))]


def gradient(x: Tensor) -> Tensor:
    """Of a bowl around 0.7, twenty times as steep across one half of the picture."""
    steep = torch.ones_like(x)
    steep[..., : x.shape[-1] // 2] = 20.0
    return 2 * steep * (x - 0.7)


def made(name: str, rate: float = 0.0, **settings: Any) -> Optimiser:
    return OPTIMISERS[name](rate or RATES[name], Settings(**settings))


def descend(optimiser: Optimiser, steps: int, side: int = 8) -> Tensor:
    pixels = torch.full((1, 3, side, side), 0.5)
    for _ in range(steps):
        optimiser.step(pixels, gradient(pixels))
    return pixels


@pytest.mark.parametrize("name", list(OPTIMISERS))
@pytest.mark.parametrize("side", [4, 300])
def test_each_reaches_the_bottom_at_every_size(name: str, side: int) -> None:
    pixels = descend(made(name), 200, side)
    assert torch.allclose(pixels, torch.tensor(0.7), atol=0.01)


@pytest.mark.parametrize("name", ["lbfgs", "adam"])
def test_both_agree_with_pytorchs(name: str) -> None:
    """The same path as `torch.optim`'s, whose first step and curvature are the same."""
    ours = descend(made(name, preconditioner="none"), 6)
    theirs = torch.full((1, 3, 8, 8), 0.5).requires_grad_()
    reference: torch.optim.Optimizer = torch.optim.Adam([theirs], lr=0.02, betas=(0.9, 0.99))
    if name == "lbfgs":
        reference = torch.optim.LBFGS([theirs], max_iter=1, tolerance_grad=0, tolerance_change=0)

    def closure() -> float:
        theirs.grad = gradient(theirs.detach())
        return 1.0

    for _ in range(6):
        reference.step(closure)
    assert torch.allclose(ours, theirs.detach(), atol=1e-4)


def test_lbfgs_is_quicker_than_its_gradient() -> None:
    """On an uneven bowl, curvature is what counts."""
    steepest = torch.full((1, 3, 8, 8), 0.5)
    for _ in range(6):
        steepest.sub_(gradient(steepest), alpha=0.025)
    quick = descend(Lbfgs(), 6)
    assert (quick - 0.7).abs().mean() < 0.2 * (steepest - 0.7).abs().mean()


def test_lbfgs_learns_from_where_the_pixels_really_went() -> None:
    optimiser, pixels = Lbfgs(), torch.full((1, 3, 4, 4), 0.5)
    optimiser.step(pixels, gradient(pixels))
    pixels.fill_(0.6)  # held in range, say
    optimiser.step(pixels, gradient(pixels))
    assert torch.allclose(steps(optimiser)[-1], torch.tensor(0.1))


def test_lbfgs_forgets_the_oldest_and_what_has_no_curvature() -> None:
    optimiser = Lbfgs(history=3)
    descend(optimiser, 3)
    pixels = torch.full((1, 3, 8, 8), 0.5)
    for sign in (1.0, 1.0, -1.0):  # uphill: the gradient falls as the pixels rise
        optimiser.step(pixels, torch.full_like(pixels, sign))
    assert len(steps(optimiser)) <= 3
    numbers = optimiser.state()[1].items()
    assert all(number > 0 for name, number in numbers if "curvature" in name)


def test_adams_moments_arrive_resized() -> None:
    optimiser = Adam()
    descend(optimiser, 5)
    wanted = F.interpolate(optimiser.state()[0]["adam.mean"], size=(16, 16), mode="bicubic")
    optimiser.resize(16, 16)
    assert torch.equal(optimiser.state()[0]["adam.mean"], wanted)
    assert optimiser.steps == 5
    assert (optimiser.state()[0]["adam.square"] >= 0).all()


def test_lbfgs_pairs_arrive_resized_and_are_gone_on_with() -> None:
    optimiser = Lbfgs()
    descend(optimiser, 5)
    held, wanted = len(steps(optimiser)), steps(optimiser)[-1]
    optimiser.resize(16, 16)
    assert 0 < len(steps(optimiser)) <= held
    wanted = F.interpolate(wanted, size=(16, 16), mode="bicubic")
    assert torch.equal(steps(optimiser)[-1], wanted)
    held = len(steps(optimiser))
    descend(optimiser, 2, side=16)
    assert len(steps(optimiser)) == held + 1


def test_descent_moves_as_far_whatever_the_gradient_s_size() -> None:
    """The same path for a loss a million times as large, or small."""
    paths = []
    for scale in (1e-6, 1.0, 1e6):
        optimiser, pixels = Descent(0.03), torch.full((1, 3, 8, 8), 0.5)
        for _ in range(5):
            optimiser.step(pixels, scale * gradient(pixels))
        paths.append(pixels)
    torch.testing.assert_close(paths[0], paths[1])
    torch.testing.assert_close(paths[2], paths[1])
    first = torch.full((1, 3, 8, 8), 0.5)
    Descent(0.03).step(first, gradient(first))
    assert float((first - 0.5).square().mean().sqrt()) == pytest.approx(0.03, rel=1e-4)


def test_descent_goes_along_the_gradient_with_one_length() -> None:
    optimiser, pixels = Descent(0.01), torch.full((1, 3, 8, 8), 0.5)
    lengths = []
    for _ in range(4):
        before, slope = pixels.clone(), gradient(pixels)
        optimiser.step(pixels, slope)
        lengths.append(((before - pixels) / slope).mean())
        torch.testing.assert_close(before - pixels, lengths[-1] * slope)
    torch.testing.assert_close(torch.stack(lengths), lengths[0].expand(4), rtol=1e-3, atol=0)


def test_descent_that_starts_too_long_finds_the_bottom_and_grows_again() -> None:
    optimiser, pixels = Descent(2.0), torch.full((1, 3, 8, 8), 0.5)
    shortest = 1.0
    for _ in range(200):
        optimiser.step(pixels, gradient(pixels))
        shortest = min(shortest, optimiser.length / optimiser.full)
    assert torch.allclose(pixels, torch.tensor(0.7), atol=0.02)
    assert shortest < 0.3
    calm = torch.full_like(pixels, 0.5)
    for _ in range(60):  # a slope without an end
        optimiser.step(calm, torch.ones_like(calm))
    assert optimiser.length == optimiser.full


def test_descent_stays_where_there_is_no_slope() -> None:
    optimiser, pixels = Descent(), torch.full((1, 3, 4, 4), 0.5)
    optimiser.step(pixels, torch.zeros_like(pixels))
    assert torch.equal(pixels, torch.full_like(pixels, 0.5))
    optimiser.step(pixels, gradient(pixels))
    assert not torch.equal(pixels, torch.full_like(pixels, 0.5))


def test_descent_keeps_its_length_at_another_size() -> None:
    optimiser = Descent(0.03)
    descend(optimiser, 3)
    length = optimiser.length
    optimiser.resize(16, 16)
    assert optimiser.length == length > 0


def test_a_tile_s_memory_wraps() -> None:
    optimiser = Adam()
    descend(optimiser, 5)
    wanted = seamless.resized(optimiser.state()[0]["adam.mean"], 16, 16)
    optimiser.resize(16, 16, wrap=True)
    assert torch.equal(optimiser.state()[0]["adam.mean"], wanted)


@pytest.mark.parametrize("name", list(OPTIMISERS))
def test_nothing_learnt_is_nothing_carried(name: str) -> None:
    fresh = made(name, 0.02)
    fresh.resize(8, 8)
    assert torch.equal(descend(fresh, 3), descend(made(name, 0.02), 3))


@pytest.mark.parametrize("name", ["lbfgs", "adam"])
@pytest.mark.parametrize("side", [4, 300])
def test_memory_in_half_precision_reaches_the_bottom_too(name: str, side: int) -> None:
    pixels = descend(made(name, dtype="float16"), 200, side)
    assert torch.allclose(pixels, torch.tensor(0.7), atol=0.01)


@pytest.mark.parametrize("name", ["lbfgs", "adam"])
@pytest.mark.parametrize("factor", [1e-6, 1.0, 1e6])
def test_half_precision_follows_the_same_path(name: str, factor: float) -> None:
    """Whatever the gradient's size; and for Adam where it hardly is any."""
    uneven = torch.ones(1, 3, 8, 8)
    if name == "adam":
        uneven[..., :2, :] = 1e-4
    paths = []
    for held in ("float32", "float16"):
        optimiser, pixels = made(name, dtype=held), torch.full((1, 3, 8, 8), 0.5)
        for iteration in range(6):
            if iteration == 4:
                optimiser.resize(8, 8)
            optimiser.step(pixels, factor * uneven * gradient(pixels))
        paths.append(pixels)
    torch.testing.assert_close(paths[1], paths[0], atol=2e-3, rtol=0)


def test_where_there_is_no_slope_adam_s_half_precision_does_not_leap() -> None:
    """The root of a square that is next to nothing must not round to nought under a step."""
    optimiser, pixels = Adam(0.02, dtype="float16"), torch.full((1, 3, 4, 4), 0.5)
    for size in (1e6, 1e-9, 0.0, 1e-9):
        before = pixels.clone()
        optimiser.step(pixels, torch.full_like(pixels, size))
        assert (pixels - before).abs().max() < 0.05


@pytest.mark.parametrize("values", [[0.0, 0.0], [1e-30, -3e-31], [65504.0, 0.1], [-1e30, 1e25]])
def test_half_precision_counts_in_what_suits_the_largest_value(values: list[float]) -> None:
    tensor = torch.tensor(values)
    held = StoredTensor.of(tensor, "float16")
    torch.testing.assert_close(held.to_float32(), tensor, rtol=1e-3, atol=0)
    other = torch.tensor([2.0, 1.0])
    assert held.dot(other) == pytest.approx(float(torch.dot(tensor, other)), rel=1e-3)
    assert held.square() == pytest.approx(sum(v * v for v in values), rel=2e-3, abs=1e-70)


def test_chunks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """To what is kept in full, none at all; to halves, what their sums round."""
    for name, held, off in (("adam", "float32", 0.0), ("adam", "float16", 0.0),
                            ("lbfgs", "float32", 0.0), ("lbfgs", "float16", 1e-5)):  # fmt: skip
        whole = descend(made(name, dtype=held), 5)
        with monkeypatch.context() as patched:
            patched.setattr(half_precision, "_CHUNK", 16)
            parts = descend(made(name, dtype=held), 5)
        torch.testing.assert_close(parts, whole, atol=off, rtol=0)


def test_values_that_are_not_finite_are_found() -> None:
    for value in (math.nan, math.inf, -math.inf):
        values = torch.zeros(1000)
        assert half_precision.is_finite(values)
        values[531] = value
        assert not half_precision.is_finite(values)
