"""One style's painter as a graph: as `paint_with` paints, in PyTorch and in ONNX Runtime."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from impasto.errors import OptionError, WeightsError
from impasto.features import weights
from impasto.features.extractor import Extractor
from impasto.image.picture import resize
from impasto.installation import install_hint
from impasto.losses.moments import Moments, moments
from impasto.networks import onnx_export
from impasto.networks.broad_picture import steadied
from impasto.networks.brush import Brush
from impasto.networks.brush_painting import paint_with
from impasto.networks.decoder import SMALLEST_SIDE
from impasto.networks.newton_schulz import orthogonal, roots, transport_by_products
from impasto.networks.portable import Portable
from impasto.networks.transport import Target, transport
from impasto.styles import card, gallery

LEVEL = 1 / 255
ABOUT = {"style": "The Starry Night", "licence": "public domain"}


def drawn(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def photograph(height: int, width: int) -> Tensor:
    """Smooth colours with some grain."""
    smooth = resize(drawn(4, 1, 3, 6, 7).sigmoid(), height, width)
    return (smooth + 0.05 * drawn(5, 1, 3, height, width)).clamp(0, 1)


@pytest.fixture(scope="module")
def eye() -> Extractor:
    return weights.load("compact")


@pytest.fixture(scope="module")
def brush(eye: Extractor) -> Callable[[float], Brush]:
    style = card.load(gallery.path("starry-night"))
    return lambda strength: Brush.of(style, strength, 256, eye)


def portable(brush: Brush, eye: Extractor) -> Portable:
    return Portable(eye, brush.decoder, brush.goals, brush.strength)


def off(painted: Tensor, wanted: Tensor) -> tuple[float, float]:
    """The largest and the mean difference, in levels of an eight-bit picture."""
    assert painted.shape == wanted.shape
    each = (painted - wanted).abs() / LEVEL
    return float(each.max()), float(each.mean())


@pytest.mark.parametrize("spread", [1.0, 40.0])
def test_roots_are_those_of_the_eigenvalues(spread: float) -> None:
    turned = torch.linalg.qr(drawn(1, 64, 64)).Q
    values = torch.linspace(1, spread, 64)
    root, inverse = roots(turned @ values.square().diag() @ turned.T)
    torch.testing.assert_close(root, turned @ values.diag() @ turned.T, atol=1e-3, rtol=1e-4)
    torch.testing.assert_close(root @ inverse, torch.eye(64), atol=1e-3, rtol=0)


def test_the_orthogonal_part_is_that_of_the_singular_vectors() -> None:
    left, right = (torch.linalg.qr(drawn(seed, 24, 24)).Q for seed in (1, 2))
    matrix = left @ torch.linspace(0.02, 3, 24).diag() @ right
    torch.testing.assert_close(orthogonal(matrix), left @ right, atol=1e-3, rtol=0)


def features(seed: int, rank: int, channels: int = 32) -> Tensor:
    """Rows of channels that vary in so many directions, unlike much in each."""
    mixed = drawn(seed, 900, rank) * torch.logspace(0, -1.5, rank)
    return (mixed @ drawn(seed + 1, rank, channels)).relu() + 0.1


def moments_of(rows: Tensor) -> Moments:
    return moments(rows.T.reshape(1, rows.shape[1], 30, -1))


@pytest.mark.parametrize("share", [1.0, 0.3])
@pytest.mark.parametrize("rank", [32, 5, 1])
def test_products_find_the_transport_that_eigenvectors_find(rank: int, share: float) -> None:
    rows = features(1, 32)
    style = drawn(7, 900, rank) @ drawn(8, rank, 32)  # not rectified: it lacks directions
    goal = Target.of(moments_of(style))
    wanted = transport(moments_of(rows), goal, share)
    found = transport_by_products(rows, goal, share)
    ours, theirs = (rows @ way.matrix[0] + way.shift[0] for way in (found, wanted))
    assert float((ours - theirs).norm() / theirs.norm()) < 2e-3
    assert float((ours - rows).norm() / rows.norm()) > 0.1


@pytest.mark.parametrize("contrast", [0.0, 0.1])
def test_products_mix_a_plain_photograph_as_the_brush_does(contrast: float) -> None:
    rows, broad = 1 + contrast * features(1, 32), moments_of(features(3, 32))
    goal = Target.of(moments_of(drawn(7, 900, 32)))
    steady = steadied({"relu4_1": moments_of(rows)}, {"relu4_1": broad})["relu4_1"]
    wanted = transport(steady, goal)
    found = transport_by_products(rows, goal, broad=broad)
    ours, theirs = (rows @ way.matrix[0] + way.shift[0] for way in (found, wanted))
    assert float((ours - theirs).norm() / theirs.norm()) < 2e-3
    alone = transport_by_products(rows, goal)
    assert float((rows @ alone.matrix[0] + alone.shift[0] - theirs).norm() / theirs.norm()) > 0.05


def test_features_that_do_not_vary_move_to_something_finite() -> None:
    found = transport_by_products(torch.ones(50, 16), Target.of(moments_of(features(1, 16, 16))))
    assert found.matrix.isfinite().all()
    assert found.shift.isfinite().all()


@pytest.mark.parametrize(
    "size", [(64, 48), (41, 67), (97, 33), (16, 120), (17, 23), (24, 40), (25, 25)]
)
def test_it_paints_as_the_brush_does(
    size: tuple[int, int], brush: Callable[[float], Brush], eye: Extractor
) -> None:
    wanted = paint_with(brush(0.5), photograph(*size), eye)
    most, mean = off(portable(brush(0.5), eye)(photograph(*size)), wanted)
    assert most < 0.5
    assert mean < 0.05


@pytest.mark.parametrize("strength", [0.03, 0.2, 1.0])
def test_it_paints_at_every_strength(
    strength: float, brush: Callable[[float], Brush], eye: Extractor
) -> None:
    content = photograph(64, 80)
    wanted = paint_with(brush(strength), content, eye)
    assert off(portable(brush(strength), eye)(content), wanted)[0] < 0.5
    assert off(wanted, content)[0] > 1


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_picture_of_one_colour_is_painted_in_colours(
    value: float, brush: Callable[[float], Brush], eye: Extractor
) -> None:
    painted = portable(brush(0.5), eye)(torch.full((1, 3, 40, 50), value))
    assert painted.isfinite().all()
    assert 0 <= painted.min() <= painted.max() <= 1


@pytest.mark.parametrize("size", [(SMALLEST_SIDE - 1, 40), (40, SMALLEST_SIDE - 1)])
def test_too_small_a_picture_is_refused(
    size: tuple[int, int], brush: Callable[[float], Brush], eye: Extractor
) -> None:
    with pytest.raises(OptionError, match=rf"{size[1]}×{size[0]} pixels .* at least 16"):
        portable(brush(0.5), eye)(photograph(*size))


def test_it_computes_in_single_precision_whatever_the_brush_does(
    brush: Callable[[float], Brush], eye: Extractor
) -> None:
    half = weights.load("compact", precision=torch.bfloat16)
    style = card.load(gallery.path("starry-night"))
    coarse = Brush.of(style, 0.5, 256, half)
    painted = portable(coarse, half)(photograph(32, 40))
    assert painted.dtype == torch.float32
    assert off(painted, paint_with(brush(0.5), photograph(32, 40), eye))[1] < 4


def write(path: Path, brush: Brush, eye: Extractor, force: bool = False) -> None:
    onnx_export.export(
        path,
        extractor=eye,
        decoder=brush.decoder,
        goals=brush.goals,
        strength=brush.strength,
        about=ABOUT,
        force=force,
    )


@pytest.fixture(scope="module")
def written(
    tmp_path_factory: pytest.TempPathFactory, brush: Callable[[float], Brush], eye: Extractor
) -> Path:
    """The one export of these tests, of a faint brush: its graph has all that others' have."""
    path = tmp_path_factory.mktemp("onnx") / "starry.onnx"
    write(path, brush(0.08), eye)
    return path


@pytest.mark.slow
def test_onnx_runtime_paints_as_the_brush_does_at_any_size(
    written: Path, brush: Callable[[float], Brush], eye: Extractor
) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(written, providers=["CPUExecutionProvider"])
    for size in [(64, 96), (131, 77), (16, 30)]:
        content = photograph(*size)
        (painted,) = session.run(None, {"photograph": content.numpy()})
        assert painted.dtype == np.float32
        wanted = paint_with(brush(0.08), content, eye)
        assert off(torch.from_numpy(painted), wanted)[0] < 0.5
        assert off(wanted, content)[0] > 1


@pytest.mark.slow
def test_the_file_is_one_and_says_what_it_is_but_not_where_it_was_made(written: Path) -> None:
    import onnx

    assert list(written.parent.iterdir()) == [written]
    model = onnx.load(written, load_external_data=False)
    onnx.checker.check_model(model, full_check=True)
    assert all(not tensor.external_data for tensor in model.graph.initializer)
    said = {prop.key: prop.value for prop in model.metadata_props}
    assert said.items() >= {**ABOUT, "strength": "0.08", "smallest_side": "16"}.items()
    assert {"impasto_version", "input_range"} <= said.keys()
    sides = model.graph.input[0].type.tensor_type.shape.dim
    assert [side.dim_param or side.dim_value for side in sides] == [1, 3, "height", "width"]
    assert b".py" not in written.read_bytes()


@pytest.mark.slow
def test_a_file_that_paints_something_else_is_not_let_through(
    written: Path, brush: Callable[[float], Brush], eye: Extractor
) -> None:
    with pytest.raises(WeightsError, match="51×75 pixels differently from PyTorch"):
        onnx_export._check(portable(brush(0.5), eye), written.read_bytes())


def test_a_file_that_is_there_stays(
    tmp_path: Path, brush: Callable[[float], Brush], eye: Extractor
) -> None:
    path = tmp_path / "mine.onnx"
    path.write_text("mine")
    with pytest.raises(WeightsError, match="force=True"):
        write(path, brush(0.5), eye)
    assert path.read_text() == "mine"


@pytest.mark.parametrize("library", ["onnx", "onnxscript", "onnxruntime"])
def test_a_missing_library_is_named_before_any_work(
    library: str,
    tmp_path: Path,
    brush: Callable[[float], Brush],
    eye: Extractor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    command = re.escape(install_hint("onnx"))
    with pytest.raises(OptionError, match=rf"{library} is not installed here.*`{command}`"):
        write(tmp_path / "a.onnx", brush(0.5), eye)
    assert not list(tmp_path.iterdir())
