"""Moments, lifts and roots against NumPy and against the long way round."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from impasto.losses.moments import Moments, moments
from impasto.losses.statistics import Lift, blend, covariance, gram, matrix_root


@pytest.fixture
def features() -> torch.Tensor:
    return torch.rand(2, 5, 7, 9, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def layer() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    return torch.randn(12, 5, generator=generator), torch.randn(12, generator=generator)


def test_moments_are_those_of_numpy(features: torch.Tensor) -> None:
    flat = features.numpy().reshape(2, 5, -1)
    got = moments(features)
    np.testing.assert_allclose(got.mean, flat.mean(2), rtol=1e-5)
    expected = np.einsum("bin,bjn->bij", flat, flat) / flat.shape[2]
    np.testing.assert_allclose(got.second, expected, rtol=1e-5)


def test_moments_do_not_see_where_pixels_are(features: torch.Tensor) -> None:
    order = torch.randperm(63, generator=torch.Generator().manual_seed(0))
    shuffled = features.flatten(2)[:, :, order].view_as(features)
    assert torch.allclose(moments(features).second, moments(shuffled).second, atol=1e-6)


def test_moments_do_not_depend_on_the_size(features: torch.Tensor) -> None:
    tiled = features.repeat(1, 1, 3, 2)
    assert torch.allclose(moments(features).second, moments(tiled).second, atol=1e-6)


def test_moments_of_bfloat16_are_summed_in_float32() -> None:
    ones = torch.ones(1, 2, 300, 300, dtype=torch.bfloat16)  # a bfloat16 sum would stop at 256
    got = moments(ones)
    assert got.mean.dtype == got.second.dtype == torch.float32
    assert torch.equal(got.second, torch.ones(1, 2, 2))


def test_moments_have_the_right_gradient(features: torch.Tensor) -> None:
    picture = features.double()[..., :3, :4].requires_grad_()

    def both(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        held = moments(x)
        return held.mean, held.second

    assert torch.autograd.gradcheck(both, (picture,))
    assert torch.autograd.gradcheck(both, (picture.to(memory_format=torch.channels_last),))


def test_lifted_grams_are_as_far_apart_as_the_wide_ones(
    features: torch.Tensor, layer: tuple[torch.Tensor, torch.Tensor]
) -> None:
    weight, bias = layer
    other = features.flip(1) * 0.5
    lift = Lift.of(weight, bias)
    short = gram(moments(features), lift) - gram(moments(other), lift)
    wide = [
        moments(torch.einsum("oc,bchw->bohw", weight, f) + bias[:, None, None]).second
        for f in (features, other)
    ]
    assert torch.allclose(short.norm(dim=(1, 2)), (wide[0] - wide[1]).norm(dim=(1, 2)), rtol=1e-4)


def test_lifted_covariance_has_the_wide_ones_spectrum(
    features: torch.Tensor, layer: tuple[torch.Tensor, torch.Tensor]
) -> None:
    weight, bias = layer
    short = covariance(moments(features), Lift.of(weight, bias))[0]
    lifted = torch.einsum("oc,bchw->bohw", weight, features) + bias[:, None, None]
    wide = np.cov(lifted[0].flatten(1).numpy(), bias=True)
    spectrum = np.linalg.eigvalsh(wide)[-5:]
    np.testing.assert_allclose(np.linalg.eigvalsh(short), spectrum, rtol=1e-3, atol=1e-5)


def test_the_identity_lift_is_the_plain_gram_matrix(features: torch.Tensor) -> None:
    held = moments(features)
    assert torch.allclose(gram(held, Lift.identity(5)), held.second)


def test_the_root_squared_is_the_matrix(features: torch.Tensor) -> None:
    second = moments(features).second
    root = matrix_root(second)
    assert torch.allclose(root @ root, second, atol=1e-5)
    assert torch.allclose(root, root.transpose(1, 2), atol=1e-6)


def test_blending_moves_from_the_first_to_the_second(features: torch.Tensor) -> None:
    first, second = moments(features), moments(features * 2)
    assert torch.equal(blend(first, second, 0.0).second, first.second)
    assert torch.allclose(blend(first, second, 1.0).mean, second.mean)
    half = blend(first, second, 0.5)
    assert isinstance(half, Moments)
    assert torch.allclose(half.mean, first.mean * 1.5)
