"""Parts of a map take the light and the colours of their style, which the network hardly sees."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from impasto.config.memory import MemoryPlan
from impasto.config.methods import GatysConfig
from impasto.engine.regions import Region
from impasto.engine.snapshots import Execution
from impasto.engine.step import Step, last
from impasto.features.extractor import Extractor
from impasto.features.weights import load
from impasto.methods.gatys import gatys
from impasto.methods.quick import in_light_of
from impasto.styles import card as cards
from impasto.styles import gallery
from impasto.styles.blend import Blend, Share
from impasto.styles.colours import colours_of
from impasto.styles.statistics import Painting, Style

SIDE = 64
CONFIG = GatysConfig(
    size=SIDE, smallest=SIDE, iterations=25, strength=0.8, precision="float32", subject="paint"
)


@pytest.fixture(scope="module")
def net() -> Extractor:
    return load("compact")


def painting(red: float, green: float, blue: float) -> Tensor:
    noise = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0)) * 0.1
    return noise + torch.tensor([red, green, blue]).view(1, 3, 1, 1)


def halves() -> tuple[Tensor, Tensor]:
    left = torch.zeros(1, 1, SIDE, SIDE)
    left[..., : SIDE // 2] = 1
    return left, 1 - left


def steps(
    net: Extractor, styles: tuple[Style, Style | None], weight: float, tile: int = 0
) -> list[Step]:
    regions = [Region(s, 0.8, mask) for s, mask in zip(styles, halves(), strict=True)]
    config = replace(CONFIG, region_color=weight)
    return list(
        gatys(painting(0.8, 0.8, 0.85), None, config, regions=regions, extractor=net,
              execution=Execution(MemoryPlan(tile)))
    )  # fmt: skip


def dark_and_light() -> tuple[Style, Style]:
    return Painting(painting(0.4, 0.05, 0.05)), Painting(painting(0.7, 0.75, 0.85))


def test_a_light_half_gets_the_dark_of_its_style(net: Extractor) -> None:
    off = []
    for weight in (0.0, 30.0):
        painted = steps(net, dark_and_light(), weight)[-1].image()
        mean = painted[..., 4 : SIDE // 2 - 4].mean((0, 2, 3))
        off.append(float((mean - painting(0.4, 0.05, 0.05).mean((0, 2, 3))).norm()))
    assert off[1] < 0.8 * off[0]


def test_a_start_gets_the_light_of_what_was_painted_part_by_part() -> None:
    left, right = halves()
    start, painted = painting(0.6, 0.6, 0.6), painting(0.2, 0.3, 0.4)
    style = Painting(painted)
    nothing = left * painted + right * start
    lit = in_light_of(start, nothing, [Region(style, 0.5, left), Region(style, 0.5, right)])
    assert torch.allclose(lit[..., : SIDE // 2], painted[..., : SIDE // 2], atol=1e-5)
    assert torch.equal(lit[..., SIDE // 2 :], start[..., SIDE // 2 :])
    for single in ([Region(style, 0.5)], [Region(style, 0.5, left), Region(None, 1.0, right)]):
        assert torch.equal(in_light_of(start, painted, single), start)


def test_tiles_see_the_same_colours(net: Extractor) -> None:
    once, tiled = (steps(net, dark_and_light(), 2.5, tile)[0].losses for tile in (0, 1_000_000))
    assert tiled["color"] == pytest.approx(once["color"], rel=1e-4)
    assert tiled["total"] == pytest.approx(once["total"], rel=1e-3)


def test_neither_a_whole_picture_nor_a_single_part_nor_a_card_has_the_term(net: Extractor) -> None:
    whole = last(gatys(painting(0.8, 0.8, 0.8), painting(0.4, 0, 0), CONFIG, extractor=net))
    assert "color" not in whole.losses
    card = cards.load(gallery.path("starry-night"))
    assert "color" not in steps(net, (card, card), 2.5)[0].losses
    assert "color" not in steps(net, (dark_and_light()[0], None), 2.5)[0].losses
    assert "color" in steps(net, dark_and_light(), 2.5)[0].losses
    assert "color" not in steps(net, dark_and_light(), 0.0)[0].losses


def test_colours_are_those_of_the_part_that_is_visible() -> None:
    left, right = halves()
    pixels = left * painting(0.4, 0.05, 0.05) + right * painting(0.1, 0.6, 0.6)
    for part in (Painting(pixels, mask=left), Painting(pixels, alpha=left)):
        found = colours_of(part, SIDE)
        assert found is not None
        expected = pixels[..., : SIDE // 2].mean((2, 3))
        assert torch.allclose(found.mean, expected, atol=1e-5)


def test_a_blends_colours_are_those_of_its_fine_layers() -> None:
    first, second = Painting(painting(0.4, 0.05, 0.05)), Painting(painting(0.1, 0.6, 0.6))
    blend = Blend((Share(first, layers="fine"), Share(second, layers="coarse")))
    found, alone = colours_of(blend, SIDE), colours_of(first, SIDE)
    assert found is not None
    assert alone is not None
    assert torch.allclose(found.mean, alone.mean)
    assert torch.allclose(found.second, alone.second)
