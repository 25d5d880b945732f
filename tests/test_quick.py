"""`--method quick`: painted at once, then a few evaluations; with the networks of the package."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import impasto
from commands import pixels, recipe_of
from impasto.cli.main import main
from impasto.config.methods import InstantConfig, QuickConfig
from impasto.engine.regions import Region
from impasto.engine.setup import backbone_of, scales_of
from impasto.engine.snapshots import Execution
from impasto.engine.step import Step, last
from impasto.errors import OptionError, PictureError
from impasto.evaluation.judge import Judge
from impasto.image.picture import resize
from impasto.image.reading import read
from impasto.methods.instant import instant
from impasto.methods.quick import between, quick
from impasto.painting import stylizer
from impasto.painting.task import paint as real_paint
from impasto.run import folder as run_folder
from impasto.run import runner
from impasto.styles import card, gallery
from impasto.styles.statistics import Painting

pytestmark = pytest.mark.usefixtures("folder")

SMALL = ["--method", "quick", "--size", "96", "--smallest", "48", "--iterations", "6"]
COFFEE = resize(
    read(Path(__file__).resolve().parents[1] / "docs" / "pictures" / "coffee.jpg").pixels, 96, 128
)
STYLE = card.load(gallery.path("starry-night"))


def paint(*args: str, out: str = "out.png", style: str = "starry-night") -> int:
    return main(["stylize", "photo.png", "--style", style, "-o", out, *SMALL, *args])


def steps_of(config: QuickConfig, **more: Any) -> list[Step]:
    return list(quick(COFFEE, STYLE, config, **more))


def at_once(size: int) -> torch.Tensor:
    return last(instant(COFFEE, STYLE, InstantConfig(size=size))).image()


# What it paints


def test_it_improves_what_instant_paints_from_the_first_evaluation_on() -> None:
    config = QuickConfig(size=128, smallest=128, iterations=8)
    losses = [s.losses["total"] for s in steps_of(config, execution=Execution(extra=1))]
    start = at_once(128)
    given = steps_of(config, start=start)[0].losses["total"]
    assert losses[0] == given  # from the very picture that instant paints
    assert losses[1] < 0.9 * losses[0]  # the usual first step of L-BFGS moves next to nothing
    assert losses[-1] < 0.7 * losses[0]


def test_coarse_scales_come_first_and_leave_large_forms() -> None:
    one = steps_of(QuickConfig(size=128, smallest=128, iterations=3))[-1].image()
    steps = steps_of(QuickConfig(size=128, smallest=64, iterations=8))
    assert [s.width for s in steps] == [64] * 5 + [128] * 3
    start = between(COFFEE, at_once(128), [Region(STYLE, 0.5)])
    with_coarse, without, start = (resize(p, 12, 16) for p in (steps[-1].image(), one, start))
    assert (with_coarse - start).abs().mean() > 1.4 * (without - start).abs().mean()


def test_a_scale_gets_the_detail_of_what_it_started_from() -> None:
    """Nor is it left without any, or with the photograph's alone."""
    start = torch.rand(1, 3, 96, 128, generator=torch.Generator().manual_seed(1))
    start = between(COFFEE, start, [Region(STYLE, 0.5)])
    config = QuickConfig(size=128, smallest=64, iterations=2)
    steps = steps_of(config, start=2 * start - COFFEE)
    fine = steps[-1].image()

    def detail(picture: torch.Tensor) -> torch.Tensor:
        return (picture - resize(resize(picture, 48, 64), 96, 128)).flatten()

    pair = torch.stack([detail(fine), detail(start)])
    assert torch.corrcoef(pair)[0, 1] > 0.8


@pytest.mark.parametrize(("size", "sides"), [(96, 1), (256, 2), (512, 3), (1920, 4), (3840, 5)])
def test_it_takes_octaves_and_few_evaluations_of_large_pictures(size: int, sides: int) -> None:
    sizes, counts = scales_of(QuickConfig(size=size), 3 * size, 4 * size)
    assert len(sizes) == sides
    assert all(abs(2 * a[1] - b[1]) <= 1 for a, b in pairwise(sizes))
    assert sum(counts) == QuickConfig.iterations
    cost = sum(n * w * w for n, (_, w) in zip(counts, sizes, strict=True)) / size**2
    assert cost <= {96: 26, 256: 15, 512: 9, 1920: 5, 3840: 4}[size]


@pytest.mark.parametrize("iterations", [1, 2, 3, 4, 7, 12])
@pytest.mark.parametrize("size", [512, 1024, 3840])
def test_the_iterations_are_the_evaluations(iterations: int, size: int) -> None:
    sizes, counts = scales_of(QuickConfig(size=size, iterations=iterations), 3, 4)
    assert sum(counts) == iterations
    assert max(sizes[-1]) == size


def test_strength_goes_all_the_way() -> None:
    """Content rises and style falls from each strength to the next, also above 0.5."""
    eye = backbone_of(QuickConfig(precision="float32"))
    photo, painting = read("photo.png").pixels, read("painting.png").pixels
    for content, style in ((COFFEE, painting), (photo, painting)):
        judge = Judge(eye, "compact", content, Painting(style))
        figures = []
        for strength in (0.1, 0.3, 0.5, 0.7, 0.9):
            config = QuickConfig(size=128, smallest=64, iterations=12, strength=strength)
            figures.append(judge.distances(last(quick(content, style, config)).image()))
        for (low, far), (high, near) in pairwise(figures):
            assert far is not None
            assert near is not None
            assert low < high, figures
            assert far > near, figures


def test_the_start_lies_between_the_photograph_and_what_is_painted_as_the_strength_says() -> None:
    left = (torch.arange(128) < 64).float().view(1, 1, 1, 128).expand(1, 1, 96, 128)
    regions = [Region(STYLE, 0.25, left), Region(STYLE, 1.0, 1 - left)]
    start = between(COFFEE, torch.ones_like(COFFEE), regions)
    assert torch.allclose(start[..., :64], 0.75 * COFFEE[..., :64] + 0.25, atol=1e-6)
    assert torch.equal(start[..., 64:], torch.ones_like(start[..., 64:]))


def test_regions_are_kept_and_painted() -> None:
    red = np.where(np.arange(64)[None, :, None] < 32, [255, 0, 0], [0, 0, 255])
    Image.fromarray(red.repeat(48, 0).astype(np.uint8)).save("map.png")
    args = ["--content-map", "map.png", "--region", "#ff0000=keep", "--feather", "0"]
    assert paint(*args, "--size", "64", "--smallest", "32") == 0
    painted, photo = pixels("out.png").astype(int), pixels("photo.png").astype(int)
    assert np.abs(painted[:, :32] - photo[:, :32]).max() <= 1
    assert np.abs(painted[:, 34:] - photo[:, 34:]).mean() > 10


def test_options_change_the_picture() -> None:
    assert paint(style="painting.png") == 0
    for args in (
        ["--color", "keep"],
        ["--strength", "0.9"],
        ["--stroke", "2"],
        ["--iterations", "9"],
        ["--style", "starry-night:0.5"],
    ):
        assert paint(*args, "--force", out="other.png", style="painting.png") == 0
        assert not np.array_equal(pixels("out.png"), pixels("other.png")), args


def test_a_start_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert paint("--init", "noise") == 2
    assert "nor with quick" in capsys.readouterr().err


# How it is carried out


def test_a_run_stopped_at_any_scale_goes_on_to_the_same_pixels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run_folder, "LEAST", 0.0)
    monkeypatch.setattr(run_folder, "SHARE", 1.0)
    assert paint(out="straight.png") == 0
    for stop in (2, 5):

        def broken(*args: Any, stop: int = stop) -> Iterator[Step]:
            every = real_paint(*args)
            yield from (next(every) for _ in range(stop))
            raise PictureError("It broke.")

        with monkeypatch.context() as patch:
            patch.setattr(runner, "paint", broken)
            assert paint(out=f"{stop}.png") == 1
        assert main(["resume", f"{stop}.run"]) == 0
        assert np.array_equal(pixels(f"{stop}.png"), pixels("straight.png"))
        assert recipe_of(f"{stop}.png") == recipe_of("straight.png")


def test_a_batch_of_tensors_is_painted_as_each_picture_alone() -> None:
    other = resize(read("photo.png").pixels, 96, 128)
    options: dict[str, Any] = {
        "strength": 0.7,
        "iterations": 3,
        "smallest": 64,
        "precision": "float32",
    }
    painter = impasto.quick("starry-night", **options)
    assert isinstance(painter, stylizer.Stylizer)
    batch = painter(torch.cat([COFFEE, other]))
    assert batch.shape == (2, 3, 96, 128)
    assert 0 <= batch.min() <= batch.max() <= 1
    for picture, painted in zip((COFFEE, other), batch, strict=True):
        alone = last(quick(picture, STYLE, QuickConfig(size=128, **options))).image()
        assert (painted - alone[0]).abs().mean() < 1e-3
    assert (batch[0] - COFFEE[0]).abs().mean() > 0.05


def test_the_network_sees_a_batch_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    painter, seen = impasto.quick("starry-night", iterations=2, smallest=128), []
    forward = type(painter.extractor).forward

    def watched(self: Any, pictures: torch.Tensor, layers: Any) -> Any:
        seen.append((len(pictures), pictures.requires_grad))
        return forward(self, pictures, layers)

    monkeypatch.setattr(type(painter.extractor), "forward", watched)
    painter(torch.cat([COFFEE, COFFEE.flip(3)]))
    assert [count for count, requires_grad in seen if requires_grad] == [2, 2]


def test_a_large_picture_of_a_batch_is_painted_in_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    painter = impasto.quick("starry-night", iterations=3, precision="float32")
    whole = painter(COFFEE)
    monkeypatch.setattr(stylizer, "_TOGETHER", 1000)
    monkeypatch.setattr(stylizer, "_TILE", 2**20)
    assert (painter(COFFEE) - whole).abs().mean() < 0.01


def test_a_batch_takes_no_options_without_a_meaning() -> None:
    refused: list[dict[str, Any]] = [
        {"size": 512},
        {"color": "keep"},
        {"region": ("#ff0000=keep",)},
    ]
    for options in refused:
        with pytest.raises(OptionError, match="batch of tensors does not take"):
            impasto.quick("starry-night", **options)
    with pytest.raises(OptionError, match="too small"):
        impasto.quick("starry-night")(torch.rand(1, 3, 8, 64))
