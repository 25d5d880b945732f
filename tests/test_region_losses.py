"""What a region's style loss counts, where it pulls, and at which layers it has a say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from impasto.config.methods import GatysConfig
from impasto.engine.comparison import Comparison
from impasto.engine.regions import Region, region_views
from impasto.engine.statistics import statistics_engine
from impasto.engine.terms import style_terms
from impasto.features.extractor import Extractor
from impasto.features.weights import load
from impasto.losses.objective import Term
from impasto.losses.viewer import PictureView, Viewer
from impasto.styles.statistics import Painting


@pytest.fixture(scope="module")
def net() -> Extractor:
    return load("compact")


def tiled(net: Extractor) -> tuple[Tensor, Tensor]:
    """A wallpaper of a pattern of 16 pixels, the same everywhere; and a painting."""
    part = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(3))
    paper = part.repeat(1, 1, 8, 8)
    style = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(4)) * 0.3
    assert next(net.parameters()).device == paper.device
    return paper, style


def measured(comparison: Comparison, view: PictureView) -> Mapping[str, Tensor]:
    """Each part's distances of a picture."""
    return comparison.measure(view.measure(comparison.measurements))


def distance(term: Term, view: PictureView) -> Tensor:
    """A term's own value of a picture, before its weight."""
    return term.distance.value(view.measure(term.distance.measurements))


@pytest.mark.parametrize("kind", ["gaussian", "gram"])
def test_a_regions_distance_does_not_depend_on_its_area(net: Extractor, kind: str) -> None:
    paper, style = tiled(net)
    layers = ("relu1_1", "relu3_1", "relu4_1")
    view = Viewer(net, layers).view(paper)
    found = []
    for columns in (32, 64, 128):
        mask = torch.zeros(1, 1, 128, 128)
        mask[..., :columns] = 1
        regions = [Region(Painting(style), 0.5, mask)]
        areas = list(region_views(regions, 96, net, view, view))
        assert areas[0].share == pytest.approx(columns / 128)
        found.append(measured(statistics_engine(layers, kind).compare(areas), view))
    for name in layers:
        distances = [float(parts[name]) for parts in found]
        assert distances == pytest.approx([distances[-1]] * 3, rel=0.05), name


def test_regions_count_by_their_area_and_begin_at_one(net: Extractor) -> None:
    paper, style = tiled(net)
    layers = ("relu1_1", "relu2_1")
    config = GatysConfig(style_layers=layers, strength=0.5)
    view = Viewer(net, layers).view(paper)
    engine = statistics_engine(layers, "gaussian")
    mask = torch.zeros(1, 1, 128, 128)
    mask[..., :32] = 1
    both = [Region(Painting(style), 0.5, mask), Region(Painting(1 - style), 0.5, 1 - mask)]

    def term(regions: Sequence[Region]) -> tuple[float, float]:
        areas = list(region_views(regions, 96, net, view, view))
        (only,) = style_terms(areas, engine, config)
        return only.weight, float(distance(only, view))

    assert term(both) == pytest.approx((engine.weight, 1.0), rel=1e-4)
    assert term(both[:1]) == pytest.approx((0.25 * engine.weight, 1.0), rel=1e-4)
    kept = [both[0], replace(both[1], style=None)]
    assert term(kept) == pytest.approx((0.25 * engine.weight, 1.0), rel=1e-4)


def test_a_gradient_stays_in_its_region(net: Extractor) -> None:
    """Nothing is pulled beyond what the network's first layer sees of the region."""
    paper, style = tiled(net)
    mask = torch.zeros(1, 1, 128, 128)
    mask[..., :64] = 1
    config = GatysConfig(style_layers=("relu1_1",))
    regions = [Region(Painting(style), 0.5, mask)]
    image = paper.clone().requires_grad_()
    eye = Viewer(net, ("relu1_1",))
    held = eye.view(paper)
    areas = list(region_views(regions, 96, net, held, held))
    (term,) = style_terms(areas, statistics_engine(("relu1_1",), "gaussian"), config)
    (gradient,) = torch.autograd.grad(distance(term, eye.view(image)), image)
    assert gradient[..., :60].abs().amax((0, 1, 2)).min() > 0
    assert gradient[..., 66:].abs().max() == 0


def test_a_layer_that_hardly_sees_a_region_has_nothing_to_say_of_it(net: Extractor) -> None:
    paper, style = tiled(net)
    layers = ("relu1_1", "relu4_1", "relu5_1")
    view = Viewer(net, layers).view(paper)
    mask = torch.zeros(1, 1, 128, 128)
    mask[..., :32, :32] = 1  # 4×4 cells of relu4_1, 2×2 of relu5_1
    (area,) = region_views([Region(Painting(style), 0.5, mask)], 96, net, view, view)
    assert set(area.guides) == set(area.weights) == {"relu1_1", "relu4_1"}
    parts = measured(statistics_engine(layers, "gaussian").compare([area]), view)
    assert set(parts) == {"relu1_1", "relu4_1"}
