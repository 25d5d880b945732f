"""The Laplacian pyramid."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from impasto.image.pyramid import split


@pytest.mark.parametrize("size", [(48, 64), (47, 61), (5, 64), (1, 9)])
@pytest.mark.parametrize("levels", [1, 2, 4])
def test_levels_make_the_picture_again(picture: Tensor, size: tuple[int, int], levels: int) -> None:
    cut = picture[..., : size[0], : size[1]]
    parts = split(cut, levels)
    assert len(parts) == levels
    *details, merged = parts
    for detail in reversed(details):
        double = F.interpolate(merged, scale_factor=2.0, mode="bilinear", align_corners=False)
        merged = double[..., : detail.shape[-2], : detail.shape[-1]] + detail
    torch.testing.assert_close(merged, cut)


def test_each_level_is_half_the_one_before_rounded_up(picture: Tensor) -> None:
    shapes = [tuple(part.shape[-2:]) for part in split(picture[..., :47, :61], 4)]
    assert shapes == [(47, 61), (24, 31), (12, 16), (6, 8)]


def test_details_lie_around_nought_and_the_rest_is_the_picture(picture: Tensor) -> None:
    *details, rest = split(picture, 3)
    for detail in details:
        torch.testing.assert_close(detail.mean(), torch.tensor(0.0), atol=0.02, rtol=0)
    torch.testing.assert_close(rest.mean(), picture.mean(), atol=0.02, rtol=0)


def test_fine_and_coarse_waves_come_to_different_levels() -> None:
    x = torch.arange(64.0)
    for period, loudest in ((2.5, 0), (6.0, 1), (12.0, 2)):
        waves = (x * 2 * torch.pi / period).sin().expand(1, 1, 64, 64) * 0.5 + 0.5
        energies = [float(part.square().mean()) for part in split(waves, 4)[:-1]]
        assert energies.index(max(energies)) == loudest


def test_a_flat_picture_has_no_details() -> None:
    for detail in split(torch.full((1, 3, 20, 30), 0.3), 3)[:-1]:
        torch.testing.assert_close(detail, torch.zeros_like(detail))
