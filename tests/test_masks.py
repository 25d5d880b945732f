"""Region maps as painting programs save them, and the masks made of them."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from impasto.errors import OptionError
from impasto.image import labels, masks
from impasto.image.labels import LabelMap
from impasto.image.region_maps import quantise

SIDE = 96
FINE = 4


def tensor(picture: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(picture.convert("RGB"))).permute(2, 0, 1)[None].float() / 255


def smooth(picture: Image.Image) -> Image.Image:
    """As an anti-aliasing brush leaves it: each pixel the average of 4×4 finer ones."""
    return picture.resize((SIDE, SIDE), Image.Resampling.BOX)


def as_jpeg(picture: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file)


def discs(ground: str, *colours: str) -> Image.Image:
    """Overlapping discs on a ground, at four times the size."""
    picture = Image.new("RGB", (SIDE * FINE, SIDE * FINE), ground)
    draw = ImageDraw.Draw(picture)
    for i, colour in enumerate(colours):
        x, y = SIDE * FINE * (0.3 + 0.4 * (i % 2)), SIDE * FINE * (0.3 + 0.2 * i)
        r = SIDE * FINE * 0.22
        draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)
    return picture


def stripes(*parts: tuple[str, int], height: int = 12) -> Tensor:
    """Upright stripes of the given colours and widths."""
    picture = Image.new("RGB", (sum(width for _, width in parts), height))
    left = 0
    for colour, width in parts:
        picture.paste(colour, (left, 0, left + width, height))
        left += width
    return tensor(picture)


def named_labels(label_map: LabelMap) -> list[str]:
    return [label_map.colours[i] for i in label_map.labels.flatten().tolist()]


def areas(label_map: labels.LabelMap) -> dict[str, float]:
    """The share of the map that each region covers."""
    counts = torch.bincount(label_map.labels.flatten(), minlength=len(label_map.colours))
    return dict(zip(label_map.colours, (counts / label_map.labels.numel()).tolist(), strict=True))


def test_a_clean_map_is_what_it_was_largest_first() -> None:
    found = quantise(stripes(("#ff0000", 6), ("#0000ff", 12), ("#00ff00", 9)))
    assert found.colours == ("#0000ff", "#00ff00", "#ff0000")
    assert found.labels[0].tolist() == [2] * 6 + [0] * 12 + [1] * 9


@pytest.mark.parametrize("quality", [None, 95, 75, 60])
@pytest.mark.parametrize(
    "colours",
    [("#ff0000", "#0000ff"), ("#000000", "#ffffff"), ("#ffff00", "#0000ff", "#ff00ff")],
)
def test_edges_make_no_regions(colours: tuple[str, ...], quality: int | None) -> None:
    fine = discs(*colours)
    drawn = smooth(fine) if quality is None else as_jpeg(smooth(fine), quality)
    found = quantise(tensor(drawn))
    assert len(found.colours) == len(colours)
    sharp = quantise(tensor(fine.resize((SIDE, SIDE), Image.Resampling.NEAREST)))
    _, found = labels.matched(sharp, found)
    pairs = zip(named_labels(sharp), named_labels(found), strict=True)
    assert sum(a != b for a, b in pairs) < 0.03 * SIDE**2


def test_edges_between_black_and_white_are_not_the_grey_region() -> None:
    # The grey disc lies apart from the white one, so no grey may touch white.
    picture = Image.new("RGB", (SIDE * FINE, SIDE * FINE), "black")
    draw = ImageDraw.Draw(picture)
    draw.ellipse((20, 20, 180, 180), fill="white")
    draw.ellipse((220, 220, 370, 370), fill="#808080")
    found = quantise(tensor(smooth(picture)))
    assert sorted(found.colours) == ["#000000", "#808080", "#ffffff"]
    grey = (found.labels == found.colours.index("#808080")).nonzero()
    assert grey.min() >= 220 // FINE - 1
    assert len(grey) == pytest.approx(np.pi * (75 / FINE) ** 2, rel=0.05)


def test_a_small_region_survives() -> None:
    picture = Image.new("RGB", (SIDE * FINE, SIDE * FINE), "blue")
    ImageDraw.Draw(picture).line((60, 80, 60, 250), fill="red", width=24)
    share = 25 * 171 / (FINE * SIDE) ** 2
    for drawn in (smooth(picture), as_jpeg(smooth(picture), 90)):
        found = quantise(tensor(drawn))
        assert len(found.colours) == 2
        assert min(areas(found).values()) == pytest.approx(share, rel=0.3)


def test_a_line_too_thin_for_flat_places_is_a_region_too() -> None:
    found = quantise(stripes(("#000000", 40), ("#ff8000", 2), ("#ffffff", 38), height=40))
    assert areas(found)["#ff8000"] == pytest.approx(2 / 80)


def test_thin_parts_keep_a_colour_that_is_elsewhere() -> None:
    # A grey table with legs of one pixel, on white.
    pixels = stripes(("#ffffff", 32), height=32)
    pixels[..., 4:12, 4:28] = 128 / 255
    pixels[..., 12:30, 8] = 128 / 255
    found = quantise(pixels)
    legs = found.labels[12:30] == found.colours.index("#808080")
    assert legs[:, 8].all()
    assert legs.sum() == 18


def test_nearly_the_same_colours_are_two_regions_if_both_are_large() -> None:
    assert len(quantise(stripes(("#202020", 20), ("#343434", 20))).colours) == 2


def test_one_colour_is_one_region() -> None:
    found = quantise(torch.full((1, 3, 9, 9), 0.4))
    assert found.colours == ("#666666",)
    for feather in (0.0, 5.0):
        assert torch.equal(masks.masks(found, 20, 30, feather), torch.ones(1, 1, 20, 30))


def test_the_smallest_maps() -> None:
    assert len(quantise(stripes(("#ff0000", 1), ("#0000ff", 1), height=1)).colours) == 2
    assert quantise(torch.ones(1, 3, 1, 1)).colours == ("#ffffff",)


def test_a_photograph_is_no_map(picture: Tensor) -> None:
    with pytest.raises(OptionError, match=r"not a map of regions.*one colour for each"):
        quantise(picture)
    ramp = torch.linspace(0, 1, 200).expand(1, 3, 200, 200)
    with pytest.raises(OptionError, match=r"more than 16 flat colours.*not a map"):
        quantise(ramp)
    sky = torch.cat([ramp[..., :140], torch.ones(1, 3, 200, 60)], dim=3)
    with pytest.raises(OptionError, match=r"shades.*not a map"):
        quantise(sky)
    many = [(f"#{i * 14:02x}{255 - i * 14:02x}80", 8) for i in range(17)]
    assert len(quantise(stripes(*many[:16])).colours) == 16
    with pytest.raises(OptionError, match=r"more than 16"):
        quantise(stripes(*many))


def test_maps_match_by_their_colours() -> None:
    content = quantise(stripes(("#ff0000", 20), ("#0000ff", 10)))
    style = quantise(stripes(("#0a06f0", 30), ("#f80408", 12)))
    first, second = labels.matched(content, style)
    assert first == content
    assert second.colours == ("#0000ff", "#ff0000")
    assert torch.equal(second.labels, style.labels)


def test_close_colours_match_the_nearest_each() -> None:
    one = torch.zeros(1, 1, dtype=torch.long)
    content = LabelMap(one, ("#202020", "#343434"))
    _, style = labels.matched(content, LabelMap(one, ("#333333", "#212121")))
    assert style.colours == ("#343434", "#202020")


def test_unmatched_colours_are_named_with_their_side() -> None:
    content = quantise(stripes(("#ff0000", 20), ("#0000ff", 10), ("#ffffff", 9)))
    style = quantise(stripes(("#ff0000", 20), ("#00ff00", 10)))
    with pytest.raises(OptionError) as caught:
        labels.matched(content, style)
    assert "#0000ff and #ffffff are in the content's map only" in str(caught.value)
    assert "#00ff00 is in the style's map only" in str(caught.value)
    with pytest.raises(OptionError, match="#00ff00 is in the content's map only"):
        labels.matched(style, quantise(stripes(("#ff0000", 20))))


def test_typed_colours_name_regions() -> None:
    content = quantise(stripes(("#fe0103", 20), ("#0000ff", 10), ("#808080", 9)))
    assert labels.named(content, ["blue", "#f00"]).colours == ("#f00", "blue", "#808080")
    with pytest.raises(OptionError, match=r"#00ff00: its colours are #fe0103, #0000ff and #808080"):
        labels.named(content, ["#00ff00", "red"])
    with pytest.raises(OptionError, match="once"):
        labels.named(content, ["red", "#ff0000"])
    with pytest.raises(OptionError, match="'bleu' is not a colour"):
        labels.named(content, ["bleu"])


@pytest.mark.parametrize("feather", [0.0, 0.7, 1.5, 3.0, 8.0, 15.3, 200.0])
def test_masks_share_out_every_pixel(feather: float) -> None:
    found = quantise(tensor(smooth(discs("#000000", "#ff0000", "#00ff00", "#0000ff"))))
    soft = masks.masks(found, 60, 80, feather)
    assert soft.shape == (4, 1, 60, 80)
    torch.testing.assert_close(soft.sum(dim=0), torch.ones(1, 60, 80), atol=1e-6, rtol=0)
    assert soft.min() >= 0
    assert (feather >= 2) == bool(((soft > 0) & (soft < 1)).any())


def test_without_a_feather_masks_are_the_labels() -> None:
    found = LabelMap(torch.tensor([[0, 1], [2, 0]]), ("#ff0000", "#00ff00", "#0000ff"))
    hard = masks.masks(found, 4, 6)
    assert set(hard.flatten().tolist()) == {0, 1}
    assert hard.argmax(dim=0)[0].tolist() == [[0, 0, 0, 1, 1, 1]] * 2 + [[2, 2, 2, 0, 0, 0]] * 2


@pytest.mark.parametrize("feather", [3.0, 5.0, 9.0, 17.0])
def test_the_feather_is_as_wide_as_asked_and_on_the_border(feather: float) -> None:
    found = LabelMap(torch.tensor([[0, 1]]), ("#ff0000", "#0000ff"))
    first, second = masks.masks(found, 10, 64, feather)[:, 0]
    x = torch.arange(64) + 0.5 - 32
    ramp = (0.5 - x / feather).clamp(0, 1)
    assert (first - ramp).abs().max() < 0.5 / feather
    assert torch.equal(first, second.flip(1))
    assert (first.diff(dim=1) <= 0).all()
    far = x.abs() > feather / 2 + 1
    assert set(first[:, far].flatten().tolist()) == {0, 1}


def test_a_feather_is_the_same_lying_and_upright() -> None:
    found = quantise(tensor(smooth(discs("#000000", "#ff0000", "#0000ff"))))
    turned = LabelMap(found.labels.T, found.colours)
    torch.testing.assert_close(
        masks.masks(found, 40, 70, 6.5), masks.masks(turned, 70, 40, 6.5).mT, atol=1e-6, rtol=0
    )


def test_no_negative_feather() -> None:
    with pytest.raises(OptionError, match="0 or more"):
        masks.masks(LabelMap(torch.zeros(2, 2, dtype=torch.long), ("#ff0000",)), 4, 4, -1.0)


def test_pooling_averages_areas() -> None:
    mask = torch.zeros(1, 1, 8, 12)
    mask[..., :6] = 1
    mask[..., :2, 6] = 1
    cells = masks.pooled(mask, 4, 3)
    torch.testing.assert_close(cells[:, 0], torch.ones(4))
    torch.testing.assert_close(cells[:, 1], torch.tensor([0.75, 0.5, 0.5, 0.5]))
    assert cells.mean() == pytest.approx(float(mask.mean()))
