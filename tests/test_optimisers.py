"""Both optimisers on a bowl, and their memory at another size."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from impasto.methods.optimisers import OPTIMISERS, Adam, Lbfgs, Optimiser


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
def test_both_reach_the_bottom_at_every_size(name: str, side: int) -> None:
    rate = {"lbfgs": 1.0, "adam": 0.02}[name]
    pixels = descend(OPTIMISERS[name](rate, 10), 80, side)
    assert torch.allclose(pixels, torch.tensor(0.7), atol=0.01)


@pytest.mark.parametrize("name", list(OPTIMISERS))
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


@pytest.mark.parametrize("name", list(OPTIMISERS))
def test_nothing_learnt_is_nothing_carried(name: str) -> None:
    fresh = OPTIMISERS[name](0.02, 10).resized(8, 8)
    assert torch.equal(descend(fresh, 3), descend(OPTIMISERS[name](0.02, 10), 3))
