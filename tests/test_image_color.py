"""Colour against scikit-image, and palettes of pictures whose colours are known."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.color
import torch

from impasto.errors import OptionError
from impasto.image import color


def random(height: int = 12, width: int = 10) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))


def patches(*parts: tuple[str, int]) -> torch.Tensor:
    """Stripes of the given colours and heights, 40 wide."""
    rows = [
        [int(name[i : i + 2], 16) / 255 for i in (1, 3, 5)] for name, n in parts for _ in range(n)
    ]
    return torch.tensor(rows).T[None, :, :, None].expand(1, 3, len(rows), 40)


def test_lab_agrees_with_scikit_image() -> None:
    pixels = random()
    expected = skimage.color.rgb2lab(pixels[0].permute(1, 2, 0).double().numpy())
    np.testing.assert_allclose(color.to_lab(pixels)[0].permute(1, 2, 0), expected, atol=0.02)


def test_lab_of_dark_colours_agrees_too() -> None:
    pixels = random() * 0.06  # both straight pieces, of sRGB and of Lab
    expected = skimage.color.rgb2lab(pixels[0].permute(1, 2, 0).double().numpy())
    np.testing.assert_allclose(color.to_lab(pixels)[0].permute(1, 2, 0), expected, atol=0.02)


def test_greys_have_no_hue_and_white_is_100() -> None:
    grey = torch.linspace(0, 1, 32).view(1, 1, 1, 32).expand(1, 3, 1, 32)
    lightness, a, b = color.to_lab(grey)[0]
    assert a.abs().max() < 1e-3
    assert b.abs().max() < 1e-3
    assert lightness.diff().min() > 0
    assert lightness[0, [0, -1]].tolist() == pytest.approx([0, 100], abs=1e-3)


def test_lab_has_finite_gradients_everywhere() -> None:
    pixels = torch.zeros(1, 3, 2, 2).requires_grad_()
    (gradient,) = torch.autograd.grad(color.to_lab(pixels).sum(), pixels)
    assert torch.isfinite(gradient).all()


def test_lab_gradients_in_double_precision() -> None:
    pixels = random(2, 2).double().requires_grad_()
    assert torch.autograd.gradcheck(color.to_lab, (pixels,))


def test_the_palette_is_the_colours_by_their_share() -> None:
    parts = [("#102030", 20), ("#e0c040", 14), ("#f4f4f0", 9), ("#a02020", 6), ("#207040", 3)]
    expected = tuple(name for name, _ in parts)
    shuffled = patches(*[parts[i] for i in (3, 0, 4, 1, 2)])
    assert color.palette(shuffled) == expected


def test_the_palette_joins_what_is_alike() -> None:
    near = patches(("#ff0000", 12), ("#fd0302", 11), ("#0000ff", 9), ("#0301fd", 8))
    first, second = color.palette(near, n=2)
    assert first in {"#ff0000", "#fd0302"}
    assert second in {"#0000ff", "#0301fd"}


def test_a_large_picture_keeps_its_palette() -> None:
    small = patches(("#102030", 30), ("#e0c040", 10))
    large = small.repeat_interleave(6, dim=2).repeat_interleave(6, dim=3)
    assert color.palette(large, n=2) == ("#102030", "#e0c040")


def test_the_palette_is_the_same_every_time_and_moves_no_global_state() -> None:
    pixels = random(64, 64)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = color.palette(pixels)
    assert len(first) == 6
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(2)
    assert color.palette(pixels) == first


def test_few_colours_give_few() -> None:
    assert color.palette(torch.full((1, 3, 1, 1), 0.2)) == ("#333333",)
    with pytest.raises(OptionError, match="1 or more"):
        color.palette(random(), n=0)
