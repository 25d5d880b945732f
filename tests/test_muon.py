"""Muon: what orthogonalising does, and that its steps lead down."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from impasto.training.muon import Muon, orthogonalise

SHAPES = [(16, 16), (16, 144), (144, 16), (128, 40), (2, 300)]


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
def test_singular_values_come_near_one(shape: tuple[int, int], size: float) -> None:
    near = orthogonalise(size * drawn(*shape))
    values = torch.linalg.svdvals(near)
    assert near.shape == shape
    # A square matrix has a value near zero, which five rounds bring only part of the way.
    assert values.median() > 0.6
    assert values.max() < 1.3
    if shape[0] != shape[1]:
        assert values.min() > 0.6


@pytest.mark.parametrize("shape", SHAPES)
def test_directions_are_kept(shape: tuple[int, int]) -> None:
    # The nearest orthogonal matrix by an SVD: u vᵀ. The quintic moves values, never vectors.
    matrix = drawn(*shape)
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    cosine = torch.nn.functional.cosine_similarity(
        orthogonalise(matrix).flatten(), (u @ v).flatten(), dim=0
    )
    assert cosine > 0.96


def test_transposing_commutes() -> None:
    matrix = drawn(24, 60)
    torch.testing.assert_close(orthogonalise(matrix.T), orthogonalise(matrix).T)


def test_a_step_is_as_long_as_the_rate_says() -> None:
    weight = torch.nn.Parameter(torch.zeros(32, 8, 3, 3))
    weight.grad = 1e4 * drawn(32, 8, 3, 3)
    Muon([weight], lr=0.1).step()
    values = torch.linalg.svdvals(weight.detach().reshape(32, -1))
    assert 0.06 < values.min() <= values.max() < 0.13
    assert (weight * weight.grad).sum() < 0  # downhill


def test_it_solves_a_least_squares() -> None:
    inputs, truth = drawn(200, 12), drawn(6, 12)
    weight = torch.nn.Parameter(torch.zeros(6, 12))
    untouched = torch.nn.Parameter(torch.ones(2, 2))
    muon = Muon([weight, untouched], lr=0.2)
    for step in range(150):
        muon.param_groups[0]["lr"] = 0.2 * (1 - step / 150)
        loss = (inputs @ weight.T - inputs @ truth.T).square().mean()
        loss.backward()  # type: ignore[no-untyped-call]
        muon.step()
        muon.zero_grad()
    assert (weight - truth).norm() < 0.05 * truth.norm()
    assert torch.equal(untouched, torch.ones(2, 2))


def test_a_closure_is_refused() -> None:
    with pytest.raises(TypeError, match="no closure"):
        Muon([torch.nn.Parameter(torch.ones(2, 2))]).step(lambda: 0.0)
