"""Any style at once: whole and in parts, in regions, at every size and strength."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

import impasto
from impasto.config.methods import InstantConfig
from impasto.engine.regions import Region
from impasto.features import weights
from impasto.features.extractor import Extractor
from impasto.image.picture import resize
from impasto.losses.moments import Moments, moments
from impasto.methods.instant import instant
from impasto.networks import brush_painting, tiles
from impasto.networks.broad_picture import broad_moments, broad_picture, steadied
from impasto.networks.brush import Brush
from impasto.networks.brush_painting import paint_with
from impasto.networks.brushes import Brushes, paint_sized
from impasto.networks.chroma import CELL
from impasto.networks.decoder import LEVELS, MARGIN
from impasto.networks.enlarging import enlarged
from impasto.networks.instant import InstantNetwork
from impasto.networks.photograph_moments import moments_of, sampled_moments
from impasto.styles.statistics import Painting


def waves(seed: int, height: int, width: int) -> Tensor:
    """Coloured waves and a little grain."""
    rows = torch.linspace(0, height / 9, height)[:, None]
    columns = torch.linspace(0, width / 7, width)[None]
    each = [(rows * (seed + c) / 3).sin() * (columns + c).cos() for c in range(3)]
    grain = torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))
    return (0.5 + 0.35 * torch.stack(each) + 0.15 * (grain - 0.5))[None].clamp(0, 1)


@pytest.fixture(scope="module")
def network() -> InstantNetwork:
    """One that is not trained, but steered and of a picture's range."""
    torch.manual_seed(3)
    network = InstantNetwork().eval().requires_grad_(False)
    for part in network.stages.modules():
        if isinstance(part, torch.nn.Linear):
            torch.nn.init.normal_(part.weight, std=0.05)
    network.last.weight.mul_(0.02)
    network.units.fill_(2.0)
    network.cell = CELL
    return network


@pytest.fixture
def brush(compact: Extractor, network: InstantNetwork) -> Brush:
    return Brush.of(Painting(waves(5, 96, 80)), 0.5, 96, compact, network)


def one(
    content: Tensor, network: InstantNetwork, net: Extractor, areas: Any = (), **options: Any
) -> Tensor:
    style = None if areas else Painting(waves(5, 96, 80))
    config = InstantConfig(**{"size": max(content.shape[-2:]), **options})
    steps = list(instant(content, style, config, regions=areas, extractor=net, network=network))
    assert len(steps) == 1
    assert (steps[0].scale, steps[0].iteration) == (steps[0].scales, steps[0].iterations)
    return steps[0].image()


@pytest.mark.parametrize(
    "size", [(64, 64), (41, 67), (97, 33), (16, 120), (128, 96), (1, 40), (17, 23)]
)
def test_pictures_of_every_size_and_shape(
    size: tuple[int, int], compact: Extractor, brush: Brush
) -> None:
    painted = paint_with(brush, waves(1, *size), compact)
    assert painted.shape == (1, 3, *size)
    assert 0 <= painted.min() <= painted.max() <= 1
    assert painted.isfinite().all()


def whole_moments(photograph: Tensor, net: Extractor, mask: Tensor | None) -> Mapping[str, Moments]:
    """What a small picture's features are counted as."""
    framed = brush_painting._framed(photograph, MARGIN)
    size = photograph.shape[-2], photograph.shape[-1]
    return moments_of(tiles.features_of(framed, net).levels, mask, size)


@pytest.mark.parametrize(("size", "part"), [((300, 260), 64), ((257, 401), 128), ((64, 500), 64)])
def test_parts_have_no_seam(
    size: tuple[int, int],
    part: int,
    compact: Extractor,
    brush: Brush,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    photograph = waves(1, *size)
    whole = paint_with(brush, photograph, compact)
    monkeypatch.setattr(brush_painting, "LARGEST_AT_ONCE", 0)
    monkeypatch.setattr(brush_painting, "_PART", part)
    monkeypatch.setattr(brush_painting, "sampled_moments", whole_moments)
    torch.testing.assert_close(paint_with(brush, photograph, compact), whole, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("size", "side", "deep"),
    [
        ((300, 260), 32, 4000),
        ((257, 401), 90, 4000),
        ((257, 401), 4000, 48),
        ((300, 260), 4000, 90),
        ((257, 401), 64, 96),
        ((64, 500), 32, 4000),
        ((64, 500), 64, 96),
    ],
)
def test_panes_have_no_seam(
    size: tuple[int, int],
    side: int,
    deep: int,
    compact: Extractor,
    brush: Brush,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    photograph = waves(1, *size)
    whole = paint_with(brush, photograph, compact)
    monkeypatch.setattr(tiles, "_SIDE", side)
    monkeypatch.setattr(tiles, "_DEEP_SIDE", deep)
    assert len(tiles.tile_spans(320, min(side, deep))) > 1
    torch.testing.assert_close(paint_with(brush, photograph, compact), whole, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("reach", "less"), [("REACH", 4), ("_DEEP_REACH", 8), ("COARSE_REACH", 16)]
)
def test_panes_that_see_too_little_leave_seams(
    reach: str, less: int, compact: Extractor, brush: Brush, monkeypatch: pytest.MonkeyPatch
) -> None:
    photograph = waves(1, 200, 160)
    whole = paint_with(brush, photograph, compact)
    monkeypatch.setattr(tiles, "_SIDE", 64)
    monkeypatch.setattr(tiles, "_DEEP_SIDE", 64)
    monkeypatch.setattr(tiles, reach, less)
    assert (paint_with(brush, photograph, compact) - whole).abs().max() > 1e-3


@pytest.mark.parametrize("size", [(64, 48), (41, 67), (300, 260)])
def test_panes_paint_what_the_networks_do_at_once(
    size: tuple[int, int], compact: Extractor, brush: Brush, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Extractor and decoder over all of the framed picture, and the margin cut off."""
    monkeypatch.setattr(tiles, "_SIDE", 64)
    monkeypatch.setattr(tiles, "_DEEP_SIDE", 96)
    photograph = waves(1, *size)
    framed = brush_painting._framed(photograph, MARGIN)
    decoder = brush.decoder_for(whole_moments(photograph, compact, None))
    rows, columns = (slice(MARGIN, MARGIN + n) for n in size)
    wanted = decoder(compact(framed, LEVELS))[..., rows, columns].clamp(0, 1)
    painted = paint_with(brush, photograph, compact)
    torch.testing.assert_close(painted, wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize("inner", [16, 520, 528, 1920, 3000])
def test_panes_meet_and_cover_everything(inner: int) -> None:
    side = inner + 2 * MARGIN
    spans = tiles.tile_spans(side, 512)
    assert (spans[0].start, spans[-1].end) == (MARGIN, side - MARGIN)
    assert (spans[0].first, spans[-1].last) == (0, side)
    for before, after in pairwise(spans):
        assert before.end == after.start == before.last == after.first
        assert after.start % tiles.STEP == 0
    lengths = [span.end - span.start for span in spans]
    assert max(lengths) < 1.6 * 512
    assert max(lengths) - min(lengths) <= 2 * tiles.STEP


def test_parts_meet_and_are_of_about_the_same_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brush_painting, "_PART", 1000)
    parts = brush_painting._parts(2161)
    assert parts == [(0, 720), (720, 1440), (1440, 2161)]
    assert brush_painting._parts(1000) == [(0, 1000)]


def test_a_halo_too_narrow_leaves_seams(
    compact: Extractor, brush: Brush, monkeypatch: pytest.MonkeyPatch
) -> None:
    photograph = waves(1, 300, 260)
    whole = paint_with(brush, photograph, compact)
    monkeypatch.setattr(brush_painting, "LARGEST_AT_ONCE", 0)
    monkeypatch.setattr(brush_painting, "_PART", 64)
    monkeypatch.setattr(brush_painting, "sampled_moments", whole_moments)
    monkeypatch.setattr(brush_painting, "HALO", MARGIN)
    off = (paint_with(brush, photograph, compact) - whole).abs().max()
    assert off > 1e-3


def test_parts_of_a_large_photograph_tell_what_all_of_it_would(compact: Extractor) -> None:
    photograph = waves(1, 400, 600)
    sampled = sampled_moments(photograph, compact, None)
    counted = whole_moments(photograph, compact, None)
    for name in LEVELS:
        got, wanted = sampled[name].second, counted[name].second
        assert (got - wanted).norm() < 0.1 * wanted.norm(), name


def test_strength_goes_from_the_photograph_on(network: InstantNetwork, compact: Extractor) -> None:
    content = waves(1, 64, 64)
    torch.testing.assert_close(one(content, network, compact, strength=0.0), content)
    faint, usual = (one(content, network, compact, strength=s) for s in (0.02, 0.5))
    assert (faint - content).abs().mean() < 0.3 * (usual - content).abs().mean()


def test_the_result_has_the_size_asked_for(network: InstantNetwork, compact: Extractor) -> None:
    assert one(waves(1, 50, 100), network, compact, size=64).shape == (1, 3, 32, 64)
    assert one(waves(1, 50, 100), network, compact, size=200).shape == (1, 3, 100, 200)


def test_regions_have_styles_of_their_own_and_kept_ones_none(
    network: InstantNetwork, compact: Extractor
) -> None:
    content = waves(1, 64, 96)
    left = torch.zeros(1, 1, 64, 96)
    left[..., :32] = 1
    right = torch.zeros_like(left)
    right[..., 64:] = 1
    styles = Painting(waves(5, 96, 80)), Painting(waves(9, 64, 64))
    areas = [
        Region(styles[0], 0.5, left),
        Region(None, 0.0, 1 - left - right),
        Region(styles[1], 0.9, right),
    ]
    painted = one(content, network, compact, areas)
    torch.testing.assert_close(painted[..., 32:64], content[..., 32:64])
    first = Brush.of(styles[0], 0.5, 96, compact, network)
    alone = paint_sized(Brushes(first, first), content, compact, left)
    torch.testing.assert_close(painted[..., :32], alone[..., :32])
    assert not torch.allclose(painted[..., 64:], alone[..., 64:], atol=1e-3)


def test_a_region_of_the_whole_picture_is_the_picture(
    network: InstantNetwork, compact: Extractor
) -> None:
    content = waves(1, 64, 72)
    everywhere = [Region(Painting(waves(5, 96, 80)), 0.5, torch.ones(1, 1, 64, 72))]
    painted = one(content, network, compact, everywhere)
    torch.testing.assert_close(painted, one(content, network, compact), atol=1e-4, rtol=0)


def test_a_smaller_picture_looks_like_the_larger(
    network: InstantNetwork, compact: Extractor
) -> None:
    content = waves(1, 128, 128)
    large = one(content, network, compact)
    small = one(resize(content, 64, 64), network, compact)
    assert (resize(large, 64, 64) - small).abs().mean() < 0.3


def test_a_photograph_of_one_colour_becomes_a_plain_picture() -> None:
    net = weights.load("compact")
    plain = torch.full((1, 3, 120, 160), 0.4) + torch.tensor([0.1, 0.0, -0.2])[:, None, None]
    style = Painting(waves(5, 96, 80))
    (step,) = instant(plain, style, InstantConfig(size=160), extractor=net)
    assert step.image().isfinite().all()
    assert step.image().std((2, 3)).max() < 0.05  # no frame either


def test_white_grey_and_black_become_the_paintings_lights_and_darks() -> None:
    paint = impasto.instant("starry-night", size=64)
    plain = torch.tensor([0.0, 0.5, 1.0])[:, None, None, None].expand(3, 3, 64, 64)
    black, grey, white = paint(plain).mean((1, 2, 3)).tolist()
    assert black < grey - 0.05
    assert white > grey + 0.05


def test_a_plain_photograph_alone_has_something_of_the_broad_picture(
    compact: Extractor,
) -> None:
    broad = broad_moments(compact)
    ordinary = broad_moments_of(compact, broad_picture().flip(3))
    plain = broad_moments_of(compact, torch.full((1, 3, 64, 64), 0.4))
    for name in LEVELS:
        assert torch.equal(steadied(ordinary, broad)[name].second, ordinary[name].second)
        torch.testing.assert_close(steadied(plain, broad)[name].second, broad[name].second)


def broad_moments_of(net: Extractor, picture: Tensor) -> dict[str, Moments]:
    return {name: moments(part) for name, part in net(picture, LEVELS).items()}


def test_what_is_beyond_a_region_does_not_change_it(compact: Extractor, brush: Brush) -> None:
    content = waves(1, 64, 96)
    left = torch.zeros(1, 1, 64, 96)
    left[..., :40] = 1
    beyond = content.clone()
    beyond[..., 40:] = torch.tensor([1.0, 0.0, 0.5])[:, None, None]
    brushes = Brushes(brush, brush)
    ours, theirs = (paint_sized(brushes, each, compact, left) for each in (content, beyond))
    torch.testing.assert_close(ours[..., :40], theirs[..., :40], atol=1e-5, rtol=0)


@pytest.mark.parametrize(("side", "share"), [(96, 0.6), (64, 0.9)])
def test_a_large_picture_has_the_strokes_of_the_small_one(side: int, share: float) -> None:
    """Reduced, it is nearer to what is painted at the first pass's size than one pass would be."""
    painter = impasto.instant("starry-night", size=96)
    brush, net, content = painter.brushes.coarse, painter.extractor, waves(1, 192, 192)
    small = paint_with(brush, resize(content, side, side), net)
    large = resize(paint_sized(Brushes(brush, brush, side), content, net), side, side)
    single = resize(paint_with(brush, content, net), side, side)
    assert (large - small).abs().mean() < share * (single - small).abs().mean()


def test_the_size_makes_no_jump(compact: Extractor, brush: Brush) -> None:
    """Neither where the coarse pass begins to be enlarged, nor where the second pass begins."""
    for side, long_side in ((96, 97), (58, 97)):
        content = waves(1, 97, 97)
        before = paint_sized(Brushes(brush, brush, side + 1), content, compact)
        after = paint_sized(Brushes(brush, brush, side), content, compact)
        assert (after - before).abs().mean() < 0.03, long_side


def test_strokes_follow_the_stroke_and_not_the_size(brush: Brush) -> None:
    sides: list[int] = []

    def encode(long_side: int) -> Brush:
        sides.append(long_side)
        return brush

    assert Brushes.of(encode, 500, 1.0).side == 768
    assert Brushes.of(encode, 3840, 0.5).side == 1536
    assert Brushes.of(encode, 3840, 2.0).side == 768
    assert sides == [500, 768, 1152, 1536, 4608]


def test_detail_is_added_as_the_painting_has_the_coarser_forms() -> None:
    photograph = waves(1, 120, 160).mean(1, keepdim=True).expand(-1, 3, -1, -1).contiguous()
    colours = torch.tensor([0.5, -0.3, 0.2])[:, None, None]
    small = resize(photograph, 60, 80)
    painted = enlarged(0.4 + colours * small, small, photograph)
    wanted = 0.4 + colours * photograph
    blurred = torch.nn.functional.interpolate(0.4 + colours * small, scale_factor=2, mode="bicubic")
    assert (painted - wanted).abs().mean() < 0.4 * (blurred - wanted).abs().mean()


def test_at_no_strength_a_large_picture_is_nearly_the_photograph(
    compact: Extractor, network: InstantNetwork
) -> None:
    content = waves(1, 96, 96)
    brush = Brush.of(Painting(waves(5, 96, 80)), 0.001, 96, compact, network)
    painted = paint_sized(Brushes(brush, brush, 40), content, compact)
    assert (painted - content).abs().mean() < 0.01


def test_where_a_styles_region_is_too_small_its_whole_painting_is_seen(compact: Extractor) -> None:
    pixels = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., :16, :16] = 1
    small, whole = Painting(pixels, mask), Painting(pixels)
    assert "relu5_1" not in small.at(64, compact, ["relu1_1", "relu5_1"])
    part, all_of_it = (Brush.of(style, 0.5, 64, compact) for style in (small, whole))
    assert (part.goals["relu1_1"].mean != all_of_it.goals["relu1_1"].mean).any()
    torch.testing.assert_close(part.goals["relu4_1"].mean, all_of_it.goals["relu4_1"].mean)
