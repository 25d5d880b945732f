"""Moments under a guide against NumPy, and against those of the region cut out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from impasto.losses.guides import Guide
from impasto.losses.moments import Moments, moments, region_moments


@pytest.fixture
def features() -> torch.Tensor:
    return torch.rand(2, 5, 7, 9, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def mask() -> torch.Tensor:
    """A third of the positions under 1, a third under 0, the rest between."""
    drawn = torch.rand(7, 9, generator=torch.Generator().manual_seed(2))
    return (3 * drawn - 1).clamp(0, 1)


def halves(features: torch.Tensor) -> tuple[Guide, Guide]:
    left = torch.zeros(features.shape[2:])
    left[:, :4] = 1
    return Guide(left), Guide(1 - left)


def test_guided_moments_are_the_papers_sums(features: torch.Tensor, mask: torch.Tensor) -> None:
    got = moments(features, Guide(mask))
    flat, square = features.flatten(2).numpy(), mask.flatten().square().numpy()
    mean = np.einsum("bin,n->bi", flat, square) / square.sum()
    second = np.einsum("bin,bjn,n->bij", flat, flat, square) / square.sum()
    np.testing.assert_allclose(got.mean, mean, rtol=1e-5)
    np.testing.assert_allclose(got.second, second, rtol=1e-5)


def test_a_hard_region_has_the_moments_of_what_is_cut_out(features: torch.Tensor) -> None:
    left, right = region_moments(features, halves(features))
    torch.testing.assert_close(left.second, moments(features[..., :4]).second)
    torch.testing.assert_close(right.mean, moments(features[..., 4:]).mean)


def test_nothing_outside_a_region_counts(features: torch.Tensor, mask: torch.Tensor) -> None:
    changed = torch.where(mask > 0, features, torch.nan)
    guide = Guide(mask)
    assert torch.equal(moments(changed, guide).second, moments(features, guide).second)


def test_a_guide_of_ones_is_no_guide(features: torch.Tensor) -> None:
    guided, plain = moments(features, Guide(torch.ones(7, 9))), moments(features)
    assert torch.equal(guided.mean, plain.mean)
    assert torch.equal(guided.second, plain.second)


def test_a_constant_weight_does_not_matter(features: torch.Tensor) -> None:
    guided = moments(features, Guide(torch.full((7, 9), 0.3)))
    torch.testing.assert_close(guided.second, moments(features).second)


def test_a_guide_counts_its_positions() -> None:
    guide = Guide(torch.tensor([[1.0, 0.5], [0.0, 0.0]]))
    assert guide.count == 2


def test_an_empty_region_says_so_and_has_no_moments(features: torch.Tensor) -> None:
    guide = Guide(torch.zeros(7, 9))
    assert guide.count == 0
    picture = features.requires_grad_()
    got = moments(picture, guide)
    assert not got.second.any()
    (gradient,) = torch.autograd.grad(got.second.sum(), picture)
    assert not gradient.any()


def test_a_guide_of_another_size_is_refused(features: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"guide of \(9, 7\)"):
        moments(features, Guide(torch.ones(9, 7)))


def flat(parts: tuple[Moments, ...]) -> tuple[torch.Tensor, ...]:
    return tuple(tensor for part in parts for tensor in (part.mean, part.second))


def test_guided_moments_have_the_right_gradient(features: torch.Tensor, mask: torch.Tensor) -> None:
    picture = features.double()[..., :3, :4].requires_grad_()
    soft = mask[2:5, :4]
    guides = [Guide(soft), Guide((soft > 0.5).float()), None]  # overlapping
    assert torch.autograd.gradcheck(lambda x: flat((moments(x, guides[0]),)), (picture,))
    assert torch.autograd.gradcheck(lambda x: flat(region_moments(x, guides)), (picture,))


def test_the_gradient_keeps_type_and_layout(features: torch.Tensor, mask: torch.Tensor) -> None:
    picture = features.bfloat16().to(memory_format=torch.channels_last).requires_grad_()
    got = moments(picture, Guide(mask))
    assert got.second.dtype == torch.float32
    (gradient,) = torch.autograd.grad(got.second.square().sum(), picture)
    exact = picture.detach().float().requires_grad_()
    second = moments(exact, Guide(mask)).second
    (expected,) = torch.autograd.grad(second.square().sum(), exact)
    assert gradient.dtype == torch.bfloat16
    assert gradient.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(gradient.float(), expected, rtol=0.03, atol=1e-4)


def test_regions_together_are_those_one_by_one(features: torch.Tensor, mask: torch.Tensor) -> None:
    guides = [Guide(mask), None, *halves(features)]
    together, single = region_moments(features, guides), tuple(moments(features, g) for g in guides)
    assert all(torch.equal(a, b) for a, b in zip(flat(together), flat(single), strict=True))
