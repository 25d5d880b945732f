"""Small, strong structure of a photograph stays where the style would drown it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from impasto.config.memory import MemoryPlan
from impasto.config.methods import GatysConfig
from impasto.engine.snapshots import Execution
from impasto.engine.step import last
from impasto.features.extractor import Extractor
from impasto.features.weights import load
from impasto.losses.small_structure import small_structure
from impasto.methods.gatys import gatys


@pytest.fixture(scope="module")
def net() -> Extractor:
    return load("compact")


def with_eye(height: int = 96, width: int = 96) -> Tensor:
    """A plain picture with a dark spot of six pixels."""
    pixels = torch.full((1, 3, height, width), 0.7)
    pixels[..., 40:46, 50:56] = 0.1
    return pixels


def texture(size: int = 96) -> Tensor:
    return torch.rand(1, 1, size, size, generator=torch.Generator().manual_seed(0)).repeat(
        1, 3, 1, 1
    )


def test_a_spot_stands_out_and_its_surroundings_do_not() -> None:
    share = small_structure(with_eye())
    assert float(share[..., 40:46, 50:56].min()) == 4
    share[..., 28:58, 38:68] = 0
    assert float(share.max()) == 0


def test_plain_pictures_textures_and_noise_have_none() -> None:
    ramp = torch.linspace(0, 1, 96).expand(1, 3, 96, 96)
    noise = 0.5 + 0.01 * (texture() - 0.5)
    assert float(small_structure(torch.full((1, 3, 96, 96), 0.4)).max()) == 0
    assert float(small_structure(ramp[..., 8:-8]).mean()) < 0.01
    assert float(small_structure(noise).max()) == 0
    assert float(small_structure(texture()).mean()) < 0.1


def test_large_forms_are_no_details() -> None:
    """Edges between large areas count less than a spot does."""
    halves = torch.cat([torch.full((1, 3, 96, 48), v) for v in (0.2, 0.8)], 3)
    assert float(small_structure(halves).mean()) < 0.5


@pytest.mark.parametrize("size", [(1, 1), (5, 120), (16, 16)])
def test_any_size_has_shares(size: tuple[int, int]) -> None:
    assert small_structure(torch.rand(1, 3, *size)).shape == (1, 1, *size)


def painted(net: Extractor, weight: float, photo: Tensor, **options: object) -> Tensor:
    config = GatysConfig(
        size=96, smallest=96, iterations=25, strength=0.8, precision="float32", detail_weight=weight
    )
    return last(gatys(photo, texture(), config, extractor=net, **options)).image()  # type: ignore[arg-type]


def contrast(picture: Tensor) -> float:
    """The mean difference of an eye from what is around it."""
    around = picture[..., 34:52, 44:62].mean()
    return float(around - picture[..., 41:45, 51:55].mean())


def test_an_eye_stays_in_the_painting(net: Extractor) -> None:
    without, default = (contrast(painted(net, weight, with_eye())) for weight in (0.0, 2.0))
    assert default > without + 0.05


def test_a_plain_photograph_is_painted_as_without(net: Extractor) -> None:
    plain = torch.full((1, 3, 96, 96), 0.5)
    assert torch.equal(painted(net, 0.0, plain), painted(net, 2.0, plain))


def test_tiles_measure_the_same(net: Extractor) -> None:
    config = GatysConfig(size=96, smallest=96, iterations=4, precision="float32")
    losses = [
        last(gatys(with_eye(), texture(), config, extractor=net, execution=execution)).losses
        for execution in (Execution(), Execution(plan=MemoryPlan(tile=2**18)))
    ]
    assert losses[0]["detail"] > 1e-4
    assert losses[0]["detail"] == pytest.approx(losses[1]["detail"], rel=0.05)
