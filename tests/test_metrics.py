"""Figures of quality, held to laws and to scikit-image's independent versions; and of cost."""

from __future__ import annotations

import argparse
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.color import rgb2lab
from skimage.metrics import structural_similarity
from torch import Tensor
from torch.nn import functional as F

from impasto.errors import OptionError, PictureError
from impasto.evaluation.metrics import Row, evaluate
from impasto.evaluation.similarity import colour_distance, ssim
from impasto.image.picture import Picture


def noise(height: int, width: int, seed: int, smooth: int = 1) -> Tensor:
    """A random picture; `smooth` is the size of its patches."""
    generator = torch.Generator().manual_seed(seed)
    small = torch.rand(1, 3, height // smooth, width // smooth, generator=generator)
    return F.interpolate(small, size=(height, width), mode="bilinear")


def as_array(picture: Tensor) -> np.ndarray:
    return picture[0].permute(1, 2, 0).double().numpy()


@pytest.fixture(scope="module")
def photograph() -> Picture:
    return Picture(noise(48, 64, seed=0, smooth=8))


@pytest.fixture(scope="module")
def painting() -> Picture:
    stripes = (torch.arange(64) // 4 % 2).float().expand(64, 64)
    return Picture(torch.stack([stripes, 0.3 * stripes, 1 - stripes])[None] * 0.9 + 0.05)


@pytest.fixture(scope="module")
def rows(photograph: Picture, painting: Picture) -> dict[str, Row]:
    half = Picture(0.5 * photograph.pixels + 0.5 * painting.pixels[..., :48, :])
    return {row.name: row for row in evaluate(half, photograph, painting)}


def test_there_is_a_row_for_the_result_and_for_each_copy(rows: dict[str, Row]) -> None:
    assert list(rows) == ["result", "content copied", "style copied"]


def test_a_copy_of_the_photograph_keeps_all_of_it_and_none_of_the_style(
    rows: dict[str, Row],
) -> None:
    copied = rows["content copied"]
    assert copied.content == pytest.approx(0, abs=1e-9)
    assert copied.ssim == pytest.approx(1)
    assert copied.style > rows["style copied"].style
    assert copied.colour > rows["style copied"].colour


def test_a_copy_of_the_painting_of_its_own_shape_keeps_all_of_the_style(painting: Picture) -> None:
    photograph = Picture(noise(64, 64, seed=1, smooth=8))
    copied = evaluate(photograph, photograph, painting)[2]
    assert copied.style == pytest.approx(0, abs=1e-9)
    assert copied.colour == pytest.approx(0, abs=1e-9)
    assert copied.content > 0.01
    assert copied.ssim < 0.9


def test_a_painting_of_another_shape_is_copied_to_nearly_the_same_style(
    rows: dict[str, Row],
) -> None:
    assert rows["style copied"].style < 0.2 * rows["content copied"].style
    assert rows["style copied"].colour < 0.2 * rows["content copied"].colour


def test_a_blend_lies_between_the_copies(rows: dict[str, Row]) -> None:
    blend, photograph, painting = rows.values()
    assert photograph.content < blend.content < painting.content
    assert painting.ssim < blend.ssim < photograph.ssim
    assert painting.colour < blend.colour < photograph.colour


def test_files_give_the_figures_of_the_pictures_in_them(
    tmp_path: Path, photograph: Picture, painting: Picture
) -> None:
    paths = []
    for name, picture in {"photograph": photograph, "painting": painting}.items():
        pixels = np.round(as_array(picture.pixels) * 255).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
        paths.append(tmp_path / f"{name}.png")
    by_file = evaluate(paths[0], paths[0], str(paths[1]))[1]
    by_picture = evaluate(photograph, photograph, painting)[1]
    assert by_file.style == pytest.approx(by_picture.style, rel=0.02)
    assert by_file.colour == pytest.approx(by_picture.colour, rel=0.02)


def test_pictures_are_compared_at_the_size_of_the_result(
    photograph: Picture, painting: Picture
) -> None:
    big = Picture(F.interpolate(photograph.pixels, scale_factor=2, mode="bilinear"))
    row = evaluate(photograph, big, painting)[0]
    assert row.ssim > 0.97
    assert row.content < 0.05


@pytest.mark.parametrize("role", ["result", "photograph", "painting"])
def test_a_picture_too_small_is_named(role: str, photograph: Picture) -> None:
    roles = dict.fromkeys(("result", "photograph", "painting"), photograph)
    roles[role] = Picture(noise(3, 200, seed=0))
    with pytest.raises(PictureError, match=f"{role} is 200×3 pixels"):
        evaluate(roles["result"], roles["photograph"], roles["painting"])


def test_a_painting_that_becomes_too_narrow_is_refused(photograph: Picture) -> None:
    with pytest.raises(PictureError, match="painting, at the result's size"):
        evaluate(photograph, photograph, Picture(noise(40, 800, seed=0)))


def test_an_unknown_backbone_is_refused(photograph: Picture) -> None:
    with pytest.raises(OptionError, match="resnet"):
        evaluate(photograph, photograph, photograph, backbone="resnet")


@pytest.mark.parametrize("strength", [0.0, 0.02, 0.3])
def test_ssim_is_that_of_scikit_image(strength: float) -> None:
    first = noise(40, 53, seed=2, smooth=4)
    second = (first + strength * torch.randn_like(first)).clamp(0, 1)
    grey = [as_array(picture) @ [0.299, 0.587, 0.114] for picture in (first, second)]
    wanted = structural_similarity(
        *grey, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert ssim(first, second) == pytest.approx(wanted, abs=1e-9)


def test_ssim_is_symmetric_and_one_for_flat_pictures() -> None:
    first, second = noise(20, 20, seed=3), noise(20, 20, seed=4)
    assert ssim(first, second) == pytest.approx(ssim(second, first))
    assert ssim(torch.full_like(first, 0.4), torch.full_like(first, 0.4)) == pytest.approx(1)


def test_colour_distance_of_two_flat_pictures_is_that_of_their_colours() -> None:
    first = torch.tensor([0.8, 0.2, 0.3]).view(1, 3, 1, 1).expand(1, 3, 12, 9)
    second = torch.tensor([0.1, 0.6, 0.5]).view(1, 3, 1, 1).expand(1, 3, 20, 7)
    wanted = np.linalg.norm(rgb2lab([0.8, 0.2, 0.3]) - rgb2lab([0.1, 0.6, 0.5]))
    # scikit-image's white is rounded to five digits.
    assert colour_distance(first, second) == pytest.approx(wanted, abs=0.03)
    assert colour_distance(first, first) < 1e-9


def test_colour_distance_sees_no_places() -> None:
    picture = noise(24, 24, seed=6, smooth=4)
    other = noise(24, 24, seed=7)
    order = torch.randperm(24 * 24, generator=torch.Generator().manual_seed(0))
    shuffled = picture.flatten(2)[..., order].view_as(picture)
    assert colour_distance(picture, shuffled) == pytest.approx(0, abs=1e-6)
    assert colour_distance(shuffled, other) == pytest.approx(colour_distance(picture, other))
    assert colour_distance(picture, other) == pytest.approx(colour_distance(other, picture))


def test_colour_distance_of_a_big_picture_is_that_of_a_sample() -> None:
    small, other = noise(64, 64, seed=8), noise(64, 64, seed=9) ** 2
    tiled = small.tile(1, 1, 6, 6)
    assert colour_distance(tiled, other) == pytest.approx(colour_distance(small, other), rel=0.02)


# ---- of cost ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def benchmark() -> dict[str, Any]:
    return runpy.run_path(str(Path(__file__).parents[1] / "benchmarks" / "stylize.py"))


def test_the_classic_recipe_paints_a_picture_of_the_same_shape(
    benchmark: dict[str, Any], tmp_path: Path
) -> None:
    Image.new("RGB", (30, 50)).save(tmp_path / "a.png")
    options = argparse.Namespace(content=tmp_path / "a.png", classic_size=32, style="starry-night")
    ours = [
        benchmark["Measurement"](
            "quick", "compact", "own", size, size * 3 // 5, size, 0.5, 100, [0.5]
        )
        for size in (64, 32)
    ]
    classic = benchmark["measure_classic"](options, ours, tmp_path)
    assert (classic["width"], classic["height"]) == (19, 32)
    assert benchmark["ratios"](ours, classic) == {"quick": round(classic["seconds"] / 0.5, 1)}
    with pytest.raises(AssertionError, match="unequal"):
        benchmark["ratios"](ours, classic | {"width": 24})
    assert benchmark["ratios"](ours, classic | {"height": 48}) == {}


def test_a_report_that_could_not_be_written_is_told_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, benchmark: dict[str, Any]
) -> None:
    (tmp_path / "stylize.json").mkdir()
    monkeypatch.setattr("sys.argv", ["stylize.py", "--out", str(tmp_path)])
    with pytest.raises(SystemExit, match="is a folder"):
        benchmark["main"]()
    monkeypatch.setattr("sys.argv", ["stylize.py", "--sizes", "256", "--classic-size", "512"])
    with pytest.raises(SystemExit, match="2"):
        benchmark["main"]()
