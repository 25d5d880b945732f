"""Colour that is averaged over cells: what stays, what fades, and the same in one convolution."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional as F

from impasto.errors import WeightsError
from impasto.networks.checkpoint import INSTANT, instant_file, load_instant
from impasto.networks.chroma import CELL, averaged_chroma, joined, separated

LUMA = torch.tensor([0.299, 0.587, 0.114])[:, None, None]


def noise(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


def luma(picture: Tensor) -> Tensor:
    return (picture * LUMA).sum(1)


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


def test_one_convolution_paints_what_two_steps_do() -> None:
    weight, bias, x = noise(3, 5, 3, 3) - 0.5, noise(3), noise(1, 5, 12, 20)
    steps = averaged_chroma(F.conv2d(x, weight, bias, padding=1), CELL)
    torch.testing.assert_close(
        joined(F.conv2d(x, *separated(weight, bias), padding=1), CELL), steps
    )


def test_a_network_of_before_has_no_cells() -> None:
    assert load_instant(instant_file("0.1")).cell == 1
    assert load_instant(INSTANT).cell == CELL


@pytest.mark.parametrize("cell", [torch.tensor(3.0), torch.tensor(float("nan")), torch.ones(2)])
def test_other_cells_are_refused(cell: Tensor, tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({**load_file(INSTANT), "cell": cell}, path)
    with pytest.raises(WeightsError, match="cells of 1, 2, 4 pixels"):
        load_instant(path)
