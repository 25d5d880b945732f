"""Colour transfers: what they must reach, keep and survive."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from impasto.errors import OptionError
from impasto.image import recolor
from impasto.image.color import from_lab, to_lab

WAYS = ("symmetric", "cholesky", "pca")


def noise(seed: int, height: int = 24, width: int = 20) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def narrow(seed: int) -> Tensor:
    """Correlated colours around the middle, so that no transfer between two of them is clamped."""
    drawn = torch.Generator().manual_seed(seed)
    mixing = 0.04 * torch.eye(3) + 0.03 * torch.rand(3, 3, generator=drawn)
    values = torch.randn(3, 600, generator=drawn).clamp(-2.5, 2.5)
    middle = 0.45 + 0.1 * torch.rand(3, 1, generator=drawn)
    return (middle + mixing @ values).view(1, 3, 30, 20)


def moments(pixels: Tensor) -> tuple[Tensor, Tensor]:
    colours = pixels[0].flatten(1).double()
    return colours.mean(dim=1), torch.cov(colours, correction=0)


def test_lab_and_back() -> None:
    pixels = torch.cat([noise(0), noise(1) * 0.05, torch.ones(1, 3, 24, 20)], dim=3)
    torch.testing.assert_close(from_lab(to_lab(pixels)), pixels, atol=1e-5, rtol=0)


def test_colours_beyond_srgb_come_back_from_lab_too() -> None:
    lab = to_lab(noise(2)) * torch.tensor([1, 1.5, 1.5])[:, None, None]
    pixels = from_lab(lab)
    assert torch.isfinite(pixels).all()
    assert pixels.max() > 1.02
    assert pixels.min() < -0.02


def test_a_photograph_painted_as_itself_stays() -> None:
    photograph = noise(3)
    kept = recolor.with_colours_of(photograph, photograph)
    torch.testing.assert_close(kept, photograph, atol=1e-3, rtol=0)


def test_the_lightness_is_painted_and_the_hue_photographed() -> None:
    painted, photograph = noise(4), noise(5)
    lightness, a, b = to_lab(recolor.with_colours_of(painted, photograph))[0]
    _, old_a, old_b = to_lab(photograph)[0]
    torch.testing.assert_close(lightness, to_lab(painted)[0, 0], atol=0.1, rtol=0)
    # Same hue: the sine of the angle between old and new chroma, where there is enough to see.
    seen = torch.hypot(a, b) > 3
    turned = (a * old_b - b * old_a) / (torch.hypot(a, b) * torch.hypot(old_a, old_b))
    assert turned[seen].abs().max() < 0.02
    assert (torch.hypot(a, b) <= torch.hypot(old_a, old_b) + 0.1).all()


def test_chroma_is_reduced_only_where_it_must() -> None:
    photograph = torch.tensor([0.9, 0.1, 0.1]).view(1, 3, 1, 1).expand(1, 3, 1, 3)
    painted = torch.tensor([0.02, 0.45, 1.0]).view(1, 1, 1, 3).expand(1, 3, 1, 3)
    _, a, b = to_lab(recolor.with_colours_of(painted, photograph))[0]
    dark, alike, white = torch.hypot(a, b)[0].tolist()
    full = float(torch.hypot(*to_lab(photograph)[0, 1:, 0, 0]))
    assert 0 < dark < full / 2
    assert alike == pytest.approx(full, rel=1e-3)
    assert white == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize("how", WAYS)
def test_the_map_reaches_the_covariance(how: str) -> None:
    (_, source), (_, target) = moments(noise(6)), moments(narrow(7))
    matrix = recolor.colour_map(source, target, how)
    torch.testing.assert_close(matrix @ source @ matrix.T, target, atol=1e-10, rtol=1e-6)


@pytest.mark.parametrize("how", WAYS)
def test_the_painting_takes_mean_and_covariance(how: str) -> None:
    painting, photograph = narrow(8), narrow(9)
    moved = recolor.matched_colours(painting, photograph, how)
    for got, wanted in zip(moments(moved), moments(photograph), strict=True):
        torch.testing.assert_close(got, wanted, atol=1e-4, rtol=0.02)
    same = recolor.matched_colours(painting, painting, how)
    torch.testing.assert_close(same, painting, atol=1e-5, rtol=0)


def test_the_symmetric_map_moves_colours_least() -> None:
    for seed in range(5):
        (_, source), (_, target) = moments(narrow(seed)), moments(narrow(seed + 10))
        matrices = {how: recolor.colour_map(source, target, how) for how in WAYS}
        moved = {
            how: float(((m - torch.eye(3)) @ source @ (m - torch.eye(3)).T).trace())
            for how, m in matrices.items()
        }
        assert moved["symmetric"] < min(moved["pca"], moved["cholesky"])
        torch.testing.assert_close(matrices["symmetric"], matrices["symmetric"].T)


@pytest.mark.parametrize("how", WAYS)
def test_grey_and_flat_pictures(how: str) -> None:
    grey = noise(11)[:, :1].expand(1, 3, 24, 20)
    flat = torch.full((1, 3, 8, 8), 0.3)
    for painting in (noise(12), grey, flat):
        for photograph in (noise(13), grey, flat):
            moved = recolor.matched_colours(painting, photograph, how)
            assert torch.isfinite(moved).all()
            wanted = photograph.mean(dim=(2, 3))
            torch.testing.assert_close(moved.mean(dim=(2, 3)), wanted, atol=0.03, rtol=0)
    turned = recolor.matched_colours(noise(12), grey, how)
    torch.testing.assert_close(turned[:, 0], turned[:, 2], atol=1e-3, rtol=0)


def test_a_grey_painting_does_not_show_the_noise_of_its_file() -> None:
    speckle = (noise(14) - 0.5) / 255
    grey = noise(11)[:, :1] + speckle
    moved = recolor.matched_colours(grey, noise(15))
    assert to_lab(moved)[0, 1:].std(dim=(1, 2)).max() < 5


@pytest.mark.parametrize("how", WAYS)
def test_results_are_clamped(how: str) -> None:
    moved = recolor.matched_colours(narrow(16), noise(17).round(), how)
    assert moved.min() == 0
    assert moved.max() == 1


def test_masks_choose_whose_colours() -> None:
    red, blue = narrow(18) + 0.2, narrow(19) - 0.2
    both = torch.cat([red, blue], dim=3)
    left = torch.cat([torch.ones(1, 1, 30, 20), torch.zeros(1, 1, 30, 20)], dim=3)
    painting = narrow(20)
    cases = {
        "photograph": (
            recolor.matched_colours(painting, both, photograph_mask=left),
            recolor.matched_colours(painting, red),
        ),
        "painting": (
            recolor.matched_colours(both, painting, painting_mask=1 - left)[..., 20:],
            recolor.matched_colours(blue, painting),
        ),
    }
    for got, wanted in cases.values():
        torch.testing.assert_close(got, wanted, atol=1e-5, rtol=0)


def test_refusals() -> None:
    with pytest.raises(OptionError, match="symmetric, cholesky, pca"):
        recolor.matched_colours(noise(0), noise(1), "histogram")
    with pytest.raises(OptionError, match="empty"):
        recolor.matched_colours(noise(0), noise(1), photograph_mask=torch.zeros(1, 1, 24, 20))
