"""Colour that is averaged over cells: what stays, what fades, and the same in one convolution."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from impasto.networks.checkpoint import load_instant, load_version
from impasto.networks.chroma import CELL, joined, separated

LUMA = torch.tensor([0.299, 0.587, 0.114])[:, None, None]


def noise(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


def luma(picture: Tensor) -> Tensor:
    return (picture * LUMA).sum(1)


def averaged_chroma(picture: Tensor, cell: int) -> Tensor:
    """Colours painted as they come, then divided."""
    weight = torch.eye(3)[:, :, None, None]
    return joined(F.conv2d(picture, *separated(weight, torch.zeros(3))), cell)


def test_brightness_stays_at_every_pixel() -> None:
    picture = noise(2, 3, 16, 24)
    torch.testing.assert_close(luma(averaged_chroma(picture, CELL)), luma(picture))


def test_grey_pixels_and_plain_colours_stay() -> None:
    grey, plain = noise(1, 1, 8, 8).expand(1, 3, 8, 8), noise(1, 3, 1, 1).expand(1, 3, 8, 8)
    for picture in (grey, plain):
        torch.testing.assert_close(averaged_chroma(picture, CELL), picture)


def test_a_fringe_of_one_pixel_pales() -> None:
    fringed = torch.full((1, 3, 16, 16), 0.5)
    fringed[:, 0, :, 7], fringed[:, 2, :, 8] = 1.0, 1.0
    chroma = fringed - luma(fringed)[:, None]
    softer = averaged_chroma(fringed, CELL)
    assert (softer - luma(softer)[:, None]).abs().max() < 0.4 * chroma.abs().max()


def test_cells_are_averages_of_what_the_convolution_paints() -> None:
    weight, bias, x = noise(3, 5, 3, 3) - 0.5, noise(3), noise(1, 5, 12, 20)
    painted = F.conv2d(x, weight, bias, padding=1)
    by_cells = joined(F.conv2d(x, *separated(weight, bias), padding=1), CELL)
    level = luma(painted)[:, None]
    means = F.avg_pool2d(painted - level, CELL)
    smooth = F.interpolate(means, scale_factor=CELL, mode="bilinear")
    torch.testing.assert_close(by_cells, level + smooth)


def test_networks_of_now_have_cells_and_those_of_before_none() -> None:
    assert load_version("first").cell == load_instant().cell == 1
    assert load_version().cell == CELL
    like = torch.zeros(())
    now, before = (
        load_version(name).decoder(torch.zeros(1, 1152), like) for name in ("second", "first")
    )
    assert (now.cell, before.cell) == (CELL, 1)
    assert (len(now.last[0]), len(before.last[0])) == (4, 3)
