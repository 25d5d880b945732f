"""How the scales are laid out, and how the iterations are divided among them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch

from impasto.config.bases import PixelConfig
from impasto.config.methods import (
    DoodleConfig,
    GatysConfig,
    LaplacianConfig,
    MrfConfig,
    NnstConfig,
    TextureConfig,
)
from impasto.engine.setup import iterations_of, scales_of, sides_of, with_layers
from impasto.engine.step import Step
from impasto.methods.gatys import gatys
from impasto.methods.texture import texture
from impasto.styles.statistics import Painting

KINDS = [GatysConfig, NnstConfig, MrfConfig, LaplacianConfig, DoodleConfig]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [64, 200, 256, 300, 512, 1000, 4096])
def test_each_scale_is_an_octave_from_the_next(kind: type[PixelConfig], size: int) -> None:
    config = with_layers(kind(size=size, scales="octaves"))
    sides = sides_of(config, 300, 400)
    assert sides[-1] == size
    assert config.smallest <= sides[0] + 1 or len(sides) == 1
    assert len(sides) == 1 or sides[0] < 2 * config.smallest
    assert all(b / a == pytest.approx(2, rel=0.02) for a, b in pairwise(sides))


def test_half_octaves_are_as_they_were() -> None:
    config = with_layers(GatysConfig(scales="half-octaves", smallest=180, iterations=200))
    assert sides_of(config, 300, 400) == [181, 256, 362, 512]
    assert scales_of(config, 300, 400)[1] == [75, 50, 37, 38]


@pytest.mark.parametrize("octaves", [0.5, 1.0])
@pytest.mark.parametrize("sides", [[512], [128, 256], [128, 256, 512, 1024, 2048, 4096]])
def test_all_iterations_are_divided(octaves: float, sides: list[int]) -> None:
    counts = iterations_of(97, sides, octaves)
    assert sum(counts) == 97
    assert len(counts) == len(sides)


def test_of_octaves_the_last_gets_the_most_and_large_ones_get_fewer() -> None:
    counts = iterations_of(100, [128, 256, 512], 1.0)
    assert counts == sorted(counts)
    assert counts[2] > counts[1] > counts[0]
    large = iterations_of(1000, [512, 1024, 2048, 4096], 1.0)
    assert large[2] < large[1]
    assert iterations_of(1, [128, 256, 512], 1.0) == [1, 1, 1]


def widths(steps: Any) -> list[int]:
    seen: list[Step] = list(steps)
    return sorted({step.width for step in seen})


@pytest.mark.parametrize(
    ("scales", "expected"), [("octaves", [32, 64]), ("half-octaves", [32, 45, 64])]
)
def test_pictures_and_textures_are_painted_so(scales: str, expected: list[int]) -> None:
    options: dict[str, Any] = {"size": 64, "smallest": 32, "iterations": 3, "scales": scales}
    photo, style = torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64)
    assert widths(gatys(photo, style, GatysConfig(**options))) == expected
    texture_steps = texture(Painting(style), TextureConfig(**options), height=64, width=64)
    assert widths(texture_steps) == expected
