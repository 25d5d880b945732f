"""An optimiser's memory, taken to a picture of another size."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim import LBFGS, Adam, Optimizer

from impasto.methods.carrying import carry


def bowl(x: Tensor) -> Tensor:
    """Twenty times as steep across one half of the picture as across the other."""
    steep = torch.ones_like(x)
    steep[..., : x.shape[-1] // 2] = 20.0
    return (steep * (x - 0.7).square()).sum()


def make(kind: type[Optimizer], pixels: Tensor) -> Optimizer:
    if kind is LBFGS:
        return LBFGS([pixels], lr=1.0, max_iter=1, tolerance_grad=0.0, tolerance_change=0.0)
    return Adam([pixels], lr=0.02, betas=(0.9, 0.99))


def pixels_at(side: int) -> Tensor:
    return torch.full((1, 3, side, side), 0.5).requires_grad_()


def descend(optimiser: Optimizer, pixels: Tensor, steps: int) -> float:
    def closure() -> float:
        optimiser.zero_grad()
        loss = bowl(pixels)
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    for _ in range(steps):
        optimiser.step(closure)
    return float(bowl(pixels.detach()))


def test_adams_moments_arrive_resized() -> None:
    old, new = pixels_at(8), pixels_at(16)
    before, after = make(Adam, old), make(Adam, new)
    descend(before, old, 5)
    carry(before, old, after, new)
    wanted = F.interpolate(before.state[old]["exp_avg"], size=(16, 16), mode="bicubic")
    assert torch.equal(after.state[new]["exp_avg"], wanted)
    assert float(after.state[new]["step"]) == 5
    assert (after.state[new]["exp_avg_sq"] >= 0).all()
    descend(after, new, 1)
    assert float(after.state[new]["step"]) == 6


def test_lbfgs_pairs_arrive_resized_and_are_gone_on_with() -> None:
    old, new = pixels_at(8), pixels_at(16)
    before, after = make(LBFGS, old), make(LBFGS, new)
    descend(before, old, 4)
    carry(before, old, after, new)
    state, learnt = after.state[new], before.state[old]
    count = len(learnt["old_stps"])
    assert 0 < len(state["old_stps"]) <= count
    wanted = F.interpolate(
        learnt["old_stps"][-1].view_as(old), size=(16, 16), mode="bicubic", align_corners=False
    )
    assert torch.equal(state["old_stps"][-1], wanted.flatten())
    assert float(state["H_diag"]) > 0
    held = len(state["old_stps"])
    descend(after, new, 2)
    assert len(after.state[new]["old_stps"]) == held + 1


@pytest.mark.parametrize("kind", [Adam, LBFGS])
def test_nothing_learnt_is_nothing_carried(kind: type[Optimizer]) -> None:
    old, new = pixels_at(8), pixels_at(16)
    after = make(kind, new)
    carry(make(kind, old), old, after, new)
    assert not after.state[new]


def test_another_kind_of_optimiser_starts_afresh() -> None:
    old, new = pixels_at(8), pixels_at(16)
    before, after = make(Adam, old), make(LBFGS, new)
    descend(before, old, 2)
    carry(before, old, after, new)
    assert not after.state[new]
