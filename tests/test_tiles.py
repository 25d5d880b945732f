"""Every method paints the same picture whether a network sees it whole or by windows.

The two differ in the last bits of sums, and painting enlarges these without bound: a search along
a line that stops one step earlier leads elsewhere. So each step is taken from the same state, and
what is compared are one step's losses and its picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType

import pytest
import torch
from torch import Tensor
from whole import patch_distance

from impasto.config.bases import PixelConfig
from impasto.config.memory import MemoryPlan
from impasto.config.methods import DoodleConfig, GatysConfig, MrfConfig, NnstConfig, TextureConfig
from impasto.engine.regions import Region
from impasto.engine.snapshots import DEFAULT_EXECUTION, Execution, Snapshot
from impasto.engine.step import Step
from impasto.features import tiles as windows
from impasto.features.backbones import BACKBONES
from impasto.features.extractor import Extractor
from impasto.features.plan import Conv, Operation
from impasto.features.tiles import Tile
from impasto.losses.cells import Grid, on_grid
from impasto.losses.patches import PatchTarget
from impasto.methods.doodle import doodle
from impasto.methods.gatys import gatys
from impasto.methods.mrf import mrf
from impasto.methods.nnst import nnst
from impasto.methods.texture import texture
from impasto.styles.statistics import Painting

Run = Callable[[Execution], Iterator[Step]]

SMALLEST = 1  # bytes: windows of 16 cells, which no stage's can be less than
QUICK = MappingProxyType({"smallest": 64, "iterations": 4, "precision": "float32"})
# A run that goes on from its own state with the last bit of each number changed departs in one step
# by up to 2e-5 of a loss and by 5e-4 of a pixel's range, where the pictures are thinnest.
LOSSES = 5e-5
PIXELS = 1 / 255  # the last bits differ by machine too, and one level is not seen


def waves(seed: int, height: int, width: int) -> Tensor:
    drawn = torch.Generator().manual_seed(seed)
    down, right = torch.rand(2, 3, 1, 1, generator=drawn) * 1.2
    each: Tensor = torch.arange(height)[:, None] * down + torch.arange(width) * right
    noise = torch.rand(3, height, width, generator=drawn)
    return (0.5 + 0.35 * each.sin() + 0.15 * (noise - 0.5))[None].clamp(0, 1)


@pytest.fixture(scope="module")
def painting() -> Painting:
    return Painting(waves(1, 80, 72))


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Matches are looked up in float32: in bfloat16 many are tied, and last bits decide."""
    monkeypatch.setattr(Tensor, "bfloat16", Tensor.float)


def narrow(backbone: str) -> Extractor:
    """A backbone with a few channels and random weights."""
    spec, inputs, plan = BACKBONES[backbone], 3, list[Operation]()
    for op in spec.plan:
        if isinstance(op, Conv):
            op = replace(op, inputs=inputs, outputs=6)
            inputs = 6
        plan.append(op)
    net = Extractor(plan, spec.mean, spec.std, spec.padding)
    drawn = torch.Generator().manual_seed(2)
    for weight in net.parameters():
        deviation = (2 / weight[0].numel()) ** 0.5 if weight.dim() == 4 else 0.1
        weight.data.normal_(0, deviation, generator=drawn)
    return net.requires_grad_(False).eval()


def regions(height: int, width: int, kept: bool = True) -> list[Region]:
    """Two that fade into each other, of different strengths, and a corner that is kept."""
    across = (torch.arange(width) / (width - 1) - 0.3).clamp(0, 0.4) / 0.4
    soft = across.expand(1, 1, height, width)
    corner = torch.zeros_like(soft)
    if kept:
        corner[..., : height // 2, -width // 3 :] = 1
    found = [
        Region(Painting(waves(1, 80, 72)), 0.5, (1 - soft) * (1 - corner)),
        Region(Painting(waves(2, 64, 64)), 0.8, soft * (1 - corner)),
    ]
    return [*found, Region(None, 0.0, corner)] if kept else found


def copied(snapshot: Snapshot) -> Snapshot:
    tensors = {name: tensor.clone() for name, tensor in snapshot.tensors.items()}
    return Snapshot(tensors, snapshot.numbers)


def departures(run: Run, tile: int, every: int) -> tuple[float, float]:
    """How far tiled steps are from whole ones: of a loss, as a share of it, and of a pixel."""
    snapshot, losses, pixels = None, 0.0, 0.0
    for number, step in enumerate(run(DEFAULT_EXECUTION)):
        wanted = step.image()
        if number % every == 0 or step.iteration == 1:
            execution = Execution(plan=MemoryPlan(tile=tile), snapshot=snapshot)
            other = next(iter(run(execution)))
            assert (other.scale, other.iteration) == (step.scale, step.iteration)
            assert other.losses.keys() == step.losses.keys()
            off = [abs(v - other.losses[n]) / max(abs(v), 1e-3) for n, v in step.losses.items()]
            losses = max(losses, *off)
            pixels = max(pixels, float((other.image() - wanted).abs().max()))
        snapshot = copied(step.snapshot())
    return losses, pixels


def agree(run: Run, tile: int = SMALLEST, every: int = 2) -> None:
    losses, pixels = departures(run, tile, every)
    assert losses < LOSSES
    assert pixels < PIXELS


def painted(
    method: Callable[..., Iterator[Step]],
    config: PixelConfig,
    net: Extractor,
    style: Painting | None,
    size: tuple[int, int],
    areas: Sequence[Region] = (),
) -> Run:
    photograph = waves(3, *size)
    return lambda execution: method(
        photograph, style, config, regions=areas, extractor=net, execution=execution
    )


STATISTICS = {
    "plain": {},
    "gram": {"style_loss": "gram"},
    "pixel losses": {"tv": "l1", "l2_weight": 1.0, "laplacian_weight": 1.0, "laplacian_pool": 3},
    "wide laplacian": {"laplacian_weight": 1.0, "laplacian_pool": 8},
    "no content": {"content_weight": 0.0},
    "content everywhere": {"content_layers": ("relu1_1", "conv3_2", "relu5_1")},
    "average": {"pooling": "average"},
    "descent": {"optimizer": "gd"},
}


@pytest.mark.parametrize("options", list(STATISTICS.values()), ids=list(STATISTICS))
def test_gatys(options: dict[str, object], painting: Painting, compact: Extractor) -> None:
    config = GatysConfig(size=96, **{**QUICK, **options})  # type: ignore[arg-type]
    agree(painted(gatys, config, compact, painting, (67, 96)))


@pytest.mark.parametrize(
    ("size", "tile"),
    [
        ((96, 95), SMALLEST),
        ((41, 96), SMALLEST),
        ((33, 96), SMALLEST),
        ((96, 35), SMALLEST),
        ((96, 95), 2_000_000),
    ],
)
def test_odd_and_thin_pictures(
    size: tuple[int, int], tile: int, painting: Painting, compact: Extractor
) -> None:
    config = GatysConfig(size=96, **QUICK)  # type: ignore[arg-type]
    agree(painted(gatys, config, compact, painting, size), tile)


@pytest.mark.parametrize(
    ("backbone", "pooling"),
    [("vgg19", "max"), ("vgg16", "average"), ("alexnet", "max"), ("alexnet", "average")],
)
def test_other_backbones(backbone: str, pooling: str, painting: Painting) -> None:
    net = narrow(backbone)
    net.pooling = pooling  # type: ignore[assignment]
    config = GatysConfig(size=96, backbone=backbone, **QUICK)  # type: ignore[arg-type]
    agree(painted(gatys, config, net, painting, (79, 96)))


@pytest.mark.parametrize("kind", ["gaussian", "gram"])
def test_regions_and_kept_pixels(kind: str, compact: Extractor) -> None:
    options = {"style_loss": kind, "l2_weight": 1.0, "laplacian_weight": 1.0}
    config = GatysConfig(size=96, **{**QUICK, **options})  # type: ignore[arg-type]
    agree(painted(gatys, config, compact, None, (67, 96), regions(67, 96)))


@pytest.mark.usefixtures("exact")
@pytest.mark.parametrize(
    ("size", "with_regions"), [((51, 64), True), ((64, 35), False), ((64, 35), True)]
)
def test_nnst(
    size: tuple[int, int], with_regions: bool, painting: Painting, compact: Extractor
) -> None:
    config = NnstConfig(size=64, **QUICK)  # type: ignore[arg-type]
    areas = regions(*size) if with_regions else ()
    agree(painted(nnst, config, compact, painting, size, areas), every=3)


@pytest.mark.usefixtures("exact")
@pytest.mark.parametrize("backbone", ["vgg19", "alexnet"])
def test_nnst_of_other_backbones(backbone: str, painting: Painting) -> None:
    """The grid of one is a stage's, and that of the other has no multiples of its size."""
    config = NnstConfig(size=64, backbone=backbone, **QUICK)  # type: ignore[arg-type]
    agree(painted(nnst, config, narrow(backbone), painting, (59, 64)), every=3)


@pytest.mark.usefixtures("exact")
@pytest.mark.parametrize(("stride", "with_regions"), [(1, False), (2, True)])
def test_mrf(stride: int, with_regions: bool, painting: Painting, compact: Extractor) -> None:
    config = MrfConfig(size=80, patch_stride=stride, **QUICK)  # type: ignore[arg-type]
    areas = regions(67, 80) if with_regions else ()
    agree(painted(mrf, config, compact, painting, (67, 80), areas), every=3)


@pytest.mark.parametrize(
    ("size", "seamless"), [((67, 90), False), ((64, 96), True), ((16, 112), True)]
)
def test_texture(
    size: tuple[int, int], seamless: bool, painting: Painting, compact: Extractor
) -> None:
    config = TextureConfig(**QUICK)  # type: ignore[arg-type]
    height, width = size
    run = partial(texture, painting, config, height=height, width=width, extractor=compact)
    agree(lambda execution: run(seamless=seamless, execution=execution))


def test_seamless_textures_of_alexnet(painting: Painting) -> None:
    config = TextureConfig(backbone="alexnet", **QUICK)  # type: ignore[arg-type]
    run = partial(texture, painting, config, height=64, width=96, extractor=narrow("alexnet"))
    agree(lambda execution: run(seamless=True, execution=execution))


@pytest.mark.usefixtures("exact")
@pytest.mark.parametrize("engine", ["statistics", "patches"])
def test_doodle(engine: str, compact: Extractor) -> None:
    pixels, left = waves(1, 80, 72), torch.zeros(1, 1, 80, 72)
    left[..., :36] = 1
    areas = [
        replace(region, style=Painting(pixels, mask))
        for region, mask in zip(regions(67, 96, kept=False), (left, 1 - left), strict=True)
    ]
    config = DoodleConfig(size=96, engine=engine, **QUICK)  # type: ignore[arg-type]
    run = partial(doodle, areas, config, height=67, width=96, extractor=compact)
    agree(lambda execution: run(execution=execution), every=3)


# That these would fail


def pinched(monkeypatch: pytest.MonkeyPatch, before: int, after: int) -> None:
    """Windows that see fewer cells around their own than a stage looks at."""

    note = windows._StageBuilder.note

    def noted(building: windows._StageBuilder, name: str) -> None:
        note(building, name)
        stride, first, last = building.fields[name]
        building.fields[name] = (stride, max(0, first - before), max(0, last - after))

    monkeypatch.setattr(windows._StageBuilder, "note", noted)


@pytest.mark.parametrize(
    ("kind", "before", "after"), [("gaussian", 2, 0), ("gaussian", 0, 3), ("gram", 0, 3)]
)
def test_a_halo_too_narrow_is_seen(
    kind: str,
    before: int,
    after: int,
    painting: Painting,
    compact: Extractor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By one step of a stage: what is cut out is rounded to whole steps, which hides less."""
    config = GatysConfig(size=96, style_loss=kind, **{**QUICK, "iterations": 6})  # type: ignore[arg-type]
    pinched(monkeypatch, before, after)
    losses, pixels = departures(painted(gatys, config, compact, painting, (67, 96)), SMALLEST, 6)
    assert losses > 10 * LOSSES
    assert pixels > 3 * PIXELS


# Grids and patches by themselves


SHAPES = [  # a layer, the grid's size
    ((64, 96), (16, 24)),  # finer, a multiple
    ((67, 101), (16, 25)),  # finer, no multiple
    ((67, 48), (16, 24)),  # along one axis only a multiple
    ((37, 41), (37, 41)),  # the grid itself
    ((33, 40), (66, 79)),  # coarser
    ((33, 90), (66, 45)),  # coarser along one axis, finer along the other
    ((17, 200), (16, 13)),
]


def spans(cells: int, side: int) -> list[tuple[int, int]]:
    return [(first, min(cells, first + side)) for first in range(0, cells, side)]


def cut_up(layer: Tensor, side: int, reach: int) -> Iterator[tuple[Tensor, Tile]]:
    """Windows of a layer with so many cells around each."""
    height, width = layer.shape[-2:]
    for rows in spans(height, side):
        for columns in spans(width, side):
            top, left = max(0, rows[0] - reach), max(0, columns[0] - reach)
            part = layer[..., top : rows[1] + reach, left : columns[1] + reach]
            yield part, Tile(rows, columns, (height, width), rows[0] - top, columns[0] - left)


@pytest.mark.parametrize(("shape", "size"), SHAPES)
@pytest.mark.parametrize("side", [5, 16])
@pytest.mark.parametrize("picked", [False, True])
def test_a_grid_by_windows_is_that_of_the_whole(
    shape: tuple[int, int], size: tuple[int, int], side: int, picked: bool
) -> None:
    layer = torch.rand(1, 3, *shape, generator=torch.Generator().manual_seed(4))
    wanted, where = on_grid(layer, *size), None
    if picked:
        drawn = torch.rand(len(wanted), generator=torch.Generator().manual_seed(5))
        where = (drawn > 0.7).nonzero()[:, 0]
        wanted = wanted[where]
    grid = Grid(*size, where)
    assert grid.count == len(wanted)
    assert torch.equal(grid.rows(layer, Tile.full(layer)), wanted)
    found, seen = torch.full_like(wanted, torch.nan), torch.zeros(len(wanted))
    for part, window in cut_up(layer, side, grid.reach(shape)):
        rows, (places, count) = grid.rows(part, window), grid.positions(window)
        assert (len(rows), count) == (len(places), len(wanted))
        found[places] = rows
        seen[places] += 1
    assert bool((seen == 1).all())
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("shape", "size"), [SHAPES[1], SHAPES[4], SHAPES[5]])
def test_a_grid_by_windows_has_the_gradient_of_the_whole(
    shape: tuple[int, int], size: tuple[int, int]
) -> None:
    layer = torch.rand(1, 3, *shape, generator=torch.Generator().manual_seed(4)).requires_grad_()
    grid, slope = Grid(*size), torch.rand(size[0] * size[1], 3)
    (wanted,) = torch.autograd.grad((on_grid(layer, *size) * slope).sum(), layer)
    parts = [
        (grid.rows(part, window) * slope[grid.positions(window)[0]]).sum()
        for part, window in cut_up(layer, 9, grid.reach(shape))
    ]
    (found,) = torch.autograd.grad(torch.stack(parts).sum(), layer)
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-6)


def test_a_grid_of_no_wanted_cells_in_a_window_gives_none() -> None:
    layer, grid = torch.rand(1, 3, 40, 40), Grid(10, 10, torch.tensor([0, 99]))
    counts = [len(grid.rows(part, w)) for part, w in cut_up(layer, 20, grid.reach((40, 40)))]
    assert counts == [1, 0, 0, 1]


@pytest.mark.parametrize("side", [4, 9])
def test_a_patch_target_by_windows_is_that_of_the_whole(side: int) -> None:
    features, source = waves(5, 21, 26), waves(6, 15, 15)
    where = torch.arange(19 * 24)[::3]
    index = (where * 7) % (13 * 13)
    weight = torch.rand(len(where), generator=torch.Generator().manual_seed(3))
    target = PatchTarget([source], 0 * where, index, where, (21, 26), weight=weight)
    distance = target.distance("relu")
    (reading,) = distance.measurements
    parts = [reading.compute(part, window)[0] for part, window in cut_up(features, side, 2)]
    whole = float(patch_distance(target, features))
    assert float(distance.value([(torch.stack(parts).sum(),)])) == pytest.approx(whole, rel=1e-5)
