"""The optimisers on a bowl, and their memory at another size."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from impasto.methods import _tile
from impasto.methods.optimisers import OPTIMISERS, RATES, Adam, Descent, Lbfgs, Optimiser


def gradient(x: Tensor) -> Tensor:
    """Of a bowl around 0.7, twenty times as steep across one half of the picture."""
    steep = torch.ones_like(x)
    steep[..., : x.shape[-1] // 2] = 20.0
    return 2 * steep * (x - 0.7)


def descend(optimiser: Optimiser, steps: int, side: int = 8) -> Tensor:
    pixels = torch.full((1, 3, side, side), 0.5)
    for _ in range(steps):
        optimiser.step(pixels, gradient(pixels))
    return pixels


@pytest.mark.parametrize("name", list(OPTIMISERS))
@pytest.mark.parametrize("side", [4, 300])
def test_each_reaches_the_bottom_at_every_size(name: str, side: int) -> None:
    pixels = descend(OPTIMISERS[name](RATES[name], 10), 200, side)
    assert torch.allclose(pixels, torch.tensor(0.7), atol=0.01)


@pytest.mark.parametrize("name", ["lbfgs", "adam"])
def test_both_agree_with_pytorchs(name: str) -> None:
    """The same path as `torch.optim`'s, whose first step and curvature are the same."""
    ours = descend(OPTIMISERS[name](0.02 if name == "adam" else 1.0, 10), 6)
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
    assert torch.allclose(optimiser.pairs[-1][0], torch.tensor(0.1))


def test_lbfgs_forgets_the_oldest_and_what_has_no_curvature() -> None:
    optimiser = Lbfgs(history=3)
    descend(optimiser, 3)
    pixels = torch.full((1, 3, 8, 8), 0.5)
    for sign in (1.0, 1.0, -1.0):  # uphill: the gradient falls as the pixels rise
        optimiser.step(pixels, torch.full_like(pixels, sign))
    assert len(optimiser.pairs) <= 3
    assert all(curvature > 0 for _, _, curvature in optimiser.pairs)


def test_adams_moments_arrive_resized() -> None:
    before = Adam()
    descend(before, 5)
    after = before.resized(16, 16)
    assert before.mean is not None
    assert after.mean is not None
    assert after.square is not None
    wanted = F.interpolate(before.mean, size=(16, 16), mode="bicubic")
    assert torch.equal(after.mean, wanted)
    assert after.steps == 5
    assert (after.square >= 0).all()


def test_lbfgs_pairs_arrive_resized_and_are_gone_on_with() -> None:
    before = Lbfgs()
    descend(before, 5)
    after = before.resized(16, 16)
    assert 0 < len(after.pairs) <= len(before.pairs)
    wanted = F.interpolate(before.pairs[-1][0], size=(16, 16), mode="bicubic")
    assert torch.equal(after.pairs[-1][0], wanted)
    held = len(after.pairs)
    descend(after, 2, side=16)
    assert len(after.pairs) == held + 1


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
    before = Descent(0.03)
    descend(before, 3)
    assert before.resized(16, 16).length == before.length > 0


def test_a_tile_s_memory_wraps() -> None:
    before = Adam()
    descend(before, 5)
    after = before.resized(16, 16, wrap=True)
    assert before.mean is not None
    assert after.mean is not None
    assert torch.equal(after.mean, _tile.resized(before.mean, 16, 16))


@pytest.mark.parametrize("name", list(OPTIMISERS))
def test_nothing_learnt_is_nothing_carried(name: str) -> None:
    fresh = OPTIMISERS[name](0.02, 10).resized(8, 8)
    assert torch.equal(descend(fresh, 3), descend(OPTIMISERS[name](0.02, 10), 3))
