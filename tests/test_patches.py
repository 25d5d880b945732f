"""Patches of features: the match, and the target that overlapping patches fold into."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from whole import patch_distance

from impasto.losses.patches import PatchTarget, match, patch_count, patches, with_map


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("size", "stride"), [(3, 1), (3, 2), (5, 3), (1, 1)])
def test_every_patch_is_a_row(size: int, stride: int) -> None:
    features = drawn(1, 4, 9, 12)
    rows, columns = patch_count(9, 12, size, stride)
    cut = patches(features, size, stride)
    assert len(cut) == rows * columns
    y, x = (rows - 1) * stride, (columns - 1) * stride
    assert torch.equal(cut[-1], features[0, :, y : y + size, x : x + size].flatten())
    assert torch.equal(cut[0], features[0, :, :size, :size].flatten())


def test_a_layer_smaller_than_a_patch_has_none() -> None:
    assert patch_count(2, 9) == (0, 7)


def test_a_cut_out_is_found_where_it_was() -> None:
    """Whatever its contrast: normalised cross-correlation does not see it."""
    candidates = drawn(1, 6, 12, 15)
    values, index = match(0.2 * candidates[..., 3:9, 5:12], candidates)
    down, right = index // 13, index % 13
    assert down.view(4, 5).tolist() == [[3] * 5, [4] * 5, [5] * 5, [6] * 5]
    assert right.view(4, 5).tolist() == [[5, 6, 7, 8, 9]] * 4
    assert torch.allclose(values, torch.ones(20), atol=1e-5)


def test_only_the_allowed_are_asked_and_taken() -> None:
    query, candidates = drawn(1, 3, 8, 8), drawn(1, 3, 9, 9, seed=1)
    allowed, asked = torch.tensor([4, 17, 30]), torch.tensor([0, 35])
    _, index = match(query, candidates, query_index=asked, candidate_index=allowed)
    assert len(index) == 2
    assert set(index.tolist()) <= set(allowed.tolist())


def test_a_map_outweighs_the_features() -> None:
    """Left is to be taken from the left and right from the right, though features say otherwise."""
    candidates = drawn(1, 4, 8, 20)
    query = candidates.flip(3).contiguous()
    sides = torch.zeros(1, 2, 8, 20)
    sides[:, 0, :, :10], sides[:, 1, :, 10:] = 1, 1
    inner = torch.tensor([r * 18 + c for r in range(6) for c in (*range(8), *range(10, 18))])

    def kept(gamma: float) -> float:
        found = match(query, candidates, query_map=sides, candidate_map=sides, gamma=gamma)[1]
        return float(((found[inner] % 18 < 9) == (inner % 18 < 9)).float().mean())

    assert kept(50.0) == 1.0
    assert kept(0.0) < 0.8


def test_the_map_is_in_the_features_unit() -> None:
    features, channels = drawn(1, 4, 6, 6), torch.ones(1, 1, 6, 6)
    small = with_map(0.01 * features, channels, 2.0)[:, 4:]
    assert torch.allclose(100 * small, with_map(features, channels, 2.0)[:, 4:])


def direct(features: Tensor, wanted: Tensor, weight: Tensor, size: int, stride: int) -> Tensor:
    """Eq. 2 as it is written, over the variance of the patches' positions."""
    off = (patches(features, size, stride) - wanted).square().sum(1)
    cells = wanted.view(len(wanted), -1, size * size)
    mean = (cells.mean(2) * weight[:, None]).sum(0) / weight.sum()
    spread = (cells - mean[None, :, None]).square().sum((1, 2))
    return (off * weight).sum() / (spread * weight).sum()


@pytest.mark.parametrize(("size", "stride"), [(3, 1), (3, 2), (5, 2)])
def test_the_folded_target_is_the_sum_over_patches(size: int, stride: int) -> None:
    """In value and in gradient, with patches of two paintings and weights of their own."""
    sources = [drawn(1, 4, 10, 11, seed=1), drawn(1, 4, 8, 14, seed=2)]
    features = drawn(1, 4, 11, 13).requires_grad_()
    rows, columns = patch_count(11, 13, size, stride)
    chosen = torch.arange(rows * columns) % 2
    index = (torch.arange(rows * columns) * 7) % 40
    index %= min(len(patches(s, size)) for s in sources)
    weight = torch.rand(rows * columns, generator=torch.Generator().manual_seed(3))
    cut = torch.stack([patches(s, size)[index] for s in sources])
    wanted = torch.where((chosen == 0)[:, None], cut[0], cut[1])
    target = PatchTarget(
        sources,
        chosen,
        index,
        torch.arange(rows * columns),
        (11, 13),
        size=size,
        stride=stride,
        weight=weight,
    )
    ours, theirs = patch_distance(target, features), direct(features, wanted, weight, size, stride)
    assert float(ours.detach()) == pytest.approx(float(theirs.detach()), rel=1e-5)
    first, second = (torch.autograd.grad(loss, features)[0] for loss in (ours, theirs))
    assert torch.allclose(first, second, atol=1e-6)


def folded(features: Tensor, painting: Tensor) -> float:
    _, index = match(features, painting)
    where = torch.arange(len(index))
    height, width = features.shape[-2:]
    target = PatchTarget([painting], torch.zeros_like(index), index, where, (height, width))
    return float(patch_distance(target, features))


def test_a_picture_of_the_paintings_own_pieces_has_hardly_a_distance() -> None:
    """Rolled around, all its patches but those across the seam are the painting's."""
    painting = drawn(1, 8, 24, 30)
    assert folded(painting, painting) == pytest.approx(0.0, abs=1e-6)
    assert folded(painting.roll((11, 13), (2, 3)), painting) < 0.25
    assert folded(drawn(1, 8, 24, 30, seed=9), painting) > 0.5


def test_nothing_is_asked_of_what_was_not_matched() -> None:
    features = drawn(1, 3, 8, 8).requires_grad_()
    where = torch.tensor([0])
    target = PatchTarget([drawn(1, 3, 5, 5, seed=1)], where * 0, where, where, (8, 8))
    (gradient,) = torch.autograd.grad(patch_distance(target, features), features)
    assert float(gradient[..., :3, :3].abs().min()) > 0
    assert float(gradient[..., 3:, :].abs().max()) == 0
    assert float(gradient[..., 3:].abs().max()) == 0
