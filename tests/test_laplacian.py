"""The Laplacian pyramid method: two stages, the first of which holds the pyramid."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from commands import QUICK, pixels, recipe_of
from impasto import OptionError
from impasto.cli.main import main
from impasto.config.bases import PhotoConfig
from impasto.config.methods import GatysConfig, LaplacianConfig
from impasto.engine.pyramid_extractor import PyramidExtractor
from impasto.engine.regions import Region
from impasto.engine.snapshots import DEFAULT_EXECUTION, Execution, Snapshot
from impasto.engine.step import last
from impasto.errors import ResumeError
from impasto.features.extractor import Extractor
from impasto.features.weights import load
from impasto.image.pyramid import split
from impasto.methods.gatys import gatys
from impasto.methods.laplacian import laplacian
from impasto.styles.statistics import Painting

SMALL = LaplacianConfig(size=64, smallest=32, iterations=24)


def paint(*args: str, out: str = "out.png") -> int:
    named = ["photo.png", "--style", "painting.png", "-o", out]
    return main(["stylize", *named, "--method", "laplacian", *QUICK, *args])


@pytest.fixture(scope="module")
def painting() -> Tensor:
    return torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(4))


def test_one_stream_of_steps_counts_both_stages(
    picture: Tensor, painting: Tensor, compact: Extractor
) -> None:
    steps = list(laplacian(picture, painting, SMALL, extractor=compact))
    assert len(steps) == 24
    assert {step.scales for step in steps} == {6}
    assert sorted({step.scale for step in steps}) == [1, 2, 3, 4, 5, 6]
    assert [step.width for step in steps[:12]] == [step.width for step in steps[12:]]
    done = [step.done for step in steps]
    assert done == sorted(done)
    assert done[-1] == pytest.approx(1)


def test_the_network_that_was_lent_stays_as_it_was(
    picture: Tensor, painting: Tensor, compact: Extractor
) -> None:
    before = set(compact.state_dict())
    last(laplacian(picture, painting, replace(SMALL, iterations=2), extractor=compact))
    assert set(compact.state_dict()) == before


def test_the_second_stage_takes_the_firsts_picture_as_its_style(
    picture: Tensor, painting: Tensor
) -> None:
    eye = load("compact")
    config = LaplacianConfig(size=64, smallest=64, iterations=16, stage=1)
    first = last(laplacian(picture, painting, config, extractor=eye))
    assert first.scales == 1
    assert first.done == pytest.approx(1)
    steps = laplacian(picture, painting, replace(config, stage=2), extractor=eye)
    pictures = [step.image() for step in steps]
    torch.testing.assert_close(pictures[7], first.image())
    # The rest is the usual way with that picture as the style.
    usual = GatysConfig(size=64, smallest=64, iterations=8, subject="paint", detail_weight=0)
    second = last(gatys(picture, first.image(), usual, extractor=eye))
    torch.testing.assert_close(pictures[-1], second.image())


def test_levels_are_seen_by_the_layers_in_their_order(picture: Tensor) -> None:
    net = load("compact")
    layers = ["relu1_1", "relu2_1", "relu3_1"]
    eye = PyramidExtractor.of(net, layers)
    seen = eye(picture, ["level 1", "level 2", "level 3", "relu4_1"])
    levels = split(picture, 3)
    for i, (layer, level) in enumerate(zip(layers, levels, strict=True), 1):
        assert seen[f"level {i}"].shape == net(level, [layer])[layer].shape
        assert eye.channels(f"level {i}") == net.channels(layer)
    torch.testing.assert_close(seen["relu4_1"], net(picture, ["relu4_1"])["relu4_1"])
    flat = eye(torch.full_like(picture, 0.5), ["level 1", "level 2", "level 3"])
    assert all(float(features.abs().max()) < 1e-4 for features in flat.values())
    # A change of colour over all of the picture is the coarsest level's alone.
    tinted = eye((picture * 0.5 + 0.2), ["level 1", "level 2", "level 3"])
    shifted = eye((picture * 0.5 + 0.3), ["level 1", "level 2", "level 3"])
    for name in ("level 1", "level 2"):
        torch.testing.assert_close(tinted[name], shifted[name], atol=1e-3, rtol=1e-3)
    assert (tinted["level 3"] - shifted["level 3"]).abs().max() > 0.01
    assert not hasattr(net, "levels")
    with pytest.raises(OptionError):
        net(picture, ["level 1"])


def test_the_first_stage_holds_the_photographs_detail(picture: Tensor, painting: Tensor) -> None:
    eye = load("compact")
    config = LaplacianConfig(size=64, smallest=64, iterations=40, stage=1, strength=0.3)
    loose = replace(config, content_weight=0.0)
    fine = split(picture, 3)[0]
    off = [
        float((split(last(laplacian(picture, painting, c, extractor=eye)).image(), 3)[0] - fine)
              .square().mean())
        for c in (config, loose)
    ]  # fmt: skip
    assert off[0] < 0.5 * off[1]


def _differences(
    picture: Tensor, painting: Tensor, eye: Extractor, **options: Any
) -> tuple[float, float]:
    """Return how far the first stage's finest level and small picture are from the photograph's."""
    config = LaplacianConfig(size=64, smallest=64, iterations=40, stage=1)
    painted = last(laplacian(picture, painting, replace(config, **options), extractor=eye)).image()
    levels = zip(split(painted, 4), split(picture, 4), strict=True)
    off = [float((level - photo).square().mean()) for level, photo in levels]
    return off[0], off[-1]


def test_the_weight_of_the_base_sets_how_free_the_colours_are(
    picture: Tensor, painting: Tensor, compact: Extractor
) -> None:
    _, free = _differences(picture, painting, compact)
    _, held = _differences(picture, painting, compact, pyramid_base=10.0)
    assert held < 0.8 * free


def test_the_weight_of_the_pyramid_sets_how_much_detail_stays(
    picture: Tensor, painting: Tensor, compact: Extractor
) -> None:
    loose, _ = _differences(picture, painting, compact, pyramid_weight=0.5)
    tight, _ = _differences(picture, painting, compact, pyramid_weight=8.0)
    assert tight < 0.8 * loose


def test_the_heaviest_content_is_held_still(picture: Tensor, painting: Tensor) -> None:
    config = LaplacianConfig(
        size=64, smallest=64, iterations=2, stage=1, content_weight=1e6, pyramid_weight=100.0
    )
    image = last(laplacian(picture, painting, config, extractor=load("compact"))).image()
    assert float((image - picture).abs().mean()) < 0.02


def test_without_a_pyramid_the_content_weight_is_no_matter(
    picture: Tensor, painting: Tensor, compact: Extractor
) -> None:
    none = {"pyramid_weight": 0.0}
    first = _differences(picture, painting, compact, **none)
    assert first == _differences(picture, painting, compact, **none, content_weight=5.0)


def test_regions_keep_pixels_and_have_their_own_strength(
    picture: Tensor, painting: Tensor, compact: Extractor
) -> None:
    left = torch.zeros(1, 1, 48, 64)
    left[..., :32] = 1
    kept = [Region(Painting(painting), 0.9, left), Region(None, 0.0, 1 - left)]
    config = LaplacianConfig(size=64, smallest=64, iterations=12)
    image = last(laplacian(picture, None, config, regions=kept, extractor=compact)).image()
    torch.testing.assert_close(image[..., 33:], picture[..., 33:])
    assert (image[..., :31] - picture[..., :31]).abs().mean() > 0.02


def test_what_has_no_detail_is_painted_all_the_same(painting: Tensor) -> None:
    # The energy of each level is the unit of its differences, and here it is nought.
    config = LaplacianConfig(size=64, smallest=64, iterations=40, stage=1, strength=0.9)
    flat = torch.full((1, 3, 48, 64), 0.4)
    step = last(laplacian(flat, painting, config, extractor=load("compact")))
    assert (step.image() - flat).abs().mean() > 0.02


def test_thin_pictures_have_fewer_levels(painting: Tensor, compact: Extractor) -> None:
    thin = torch.rand(1, 3, 16, 64, generator=torch.Generator().manual_seed(5))
    config = LaplacianConfig(size=64, smallest=64, iterations=4)
    assert last(laplacian(thin, painting, config, extractor=compact)).height == 16


@pytest.mark.parametrize("stages", [1, 2])
def test_it_goes_on_in_either_stage_and_is_extended(
    picture: Tensor, painting: Tensor, compact: Extractor, stages: int
) -> None:
    config = replace(SMALL, size=48, iterations=12, stage=stages, optimizer="adam")

    def run(execution: Execution) -> list[tuple[Tensor, dict[str, float], float, Snapshot]]:
        steps = laplacian(picture, painting, config, extractor=compact, execution=execution)
        return [(s.image(), s.losses, s.done, copied(s.snapshot())) for s in steps]

    whole, longer = run(DEFAULT_EXECUTION), run(Execution(extra=2))
    half = len(whole) // stages  # the last step of the first stage is among those gone on from
    for at in (2, half, half + 1, len(whole) - 1):
        if at < len(whole):
            same(run(Execution(snapshot=whole[at - 1][3])), whole[at:])
    same(run(Execution(snapshot=whole[-1][3], extra=2)), longer[len(whole) :])
    same(run(Execution(snapshot=whole[-1][3])), whole[-1:])
    assert whole[-1][3].numbers["stage"] == stages


def copied(snapshot: Snapshot) -> Snapshot:
    tensors = {name: tensor.clone() for name, tensor in snapshot.tensors.items()}
    return Snapshot(tensors, snapshot.numbers)


def same(
    run: list[tuple[Tensor, dict[str, float], float, Snapshot]],
    other: list[tuple[Tensor, dict[str, float], float, Snapshot]],
) -> None:
    assert len(run) == len(other) > 0
    for (image, losses, _, _), (wanted, as_before, _, _) in zip(run, other, strict=True):
        assert torch.equal(image, wanted)
        assert losses == as_before


@pytest.mark.parametrize("numbers", [{}, {"stage": 2}, {"stage": 0}, {"stage": 1.5}])
def test_a_snapshot_of_no_stage_of_this_run_is_refused(
    picture: Tensor, painting: Tensor, compact: Extractor, numbers: dict[str, float]
) -> None:
    config = replace(SMALL, stage=1)
    execution = Execution(snapshot=Snapshot({}, numbers))
    with pytest.raises(ResumeError, match="stage"):
        last(laplacian(picture, painting, config, extractor=compact, execution=execution))


@pytest.mark.usefixtures("folder")
class TestCommand:
    """`impasto laplacian`."""

    def test_paints_and_repeats(self) -> None:
        assert paint("--color", "keep", "--strength", "0.7") == 0
        recipe = recipe_of("out.png")
        assert recipe.method == "laplacian"
        assert main(["rerun", "out.png", "-o", "again.png"]) == 0
        assert np.array_equal(pixels("out.png"), pixels("again.png"))
        assert paint("--color", "keep", "--strength", "0.7", "--stage", "1", out="first.png") == 0
        assert not np.array_equal(pixels("out.png"), pixels("first.png"))

    def test_traces_and_tells(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert paint("--json", "-q", "--trace", "run.jsonl", "--preview-every", "1") == 0
        told = json.loads(capsys.readouterr().out)
        assert told["iterations"] == 6  # two stages of three scales, of one iteration or more
        assert Path("run.jsonl").stat().st_size > 0

    def test_takes_regions_and_several_styles(self) -> None:
        image = Image.new("RGB", (64, 48), "#ff0000")
        ImageDraw.Draw(image).rectangle((0, 0, 31, 47), fill="#0000ff")
        image.save("map.png")
        more = ["--style", "starry-night:0.5", "--content-map", "map.png", "--feather", "0"]
        more += ["--iterations", "36"]
        assert paint(*more, "--region", "#0000ff=keep") == 0
        got, photo = pixels("out.png").astype(int), pixels("photo.png").astype(int)
        assert abs(got[:, :30] - photo[:, :30]).max() <= 1
        assert abs(got[:, 34:] - photo[:, 34:]).mean() > 5

    @pytest.mark.parametrize(
        ("option", "named"),
        [
            (("--stage", "3"), "--stage is 3"),
            (("--pyramid-layers", "relu9_1"), "relu9_1"),
            (("--pyramid-layers", "relu1_1:x"), "relu1_1"),
            (("--strength", "2"), "--strength is 2"),
        ],
    )
    def test_refuses_in_one_line(
        self, capsys: pytest.CaptureFixture[str], option: tuple[str, str], named: str
    ) -> None:
        assert paint(*option) == 2
        told = capsys.readouterr().err.strip()
        assert named in told
        assert len(told.splitlines()) == 1
        assert not Path("out.png").exists()


def test_every_option_of_a_photograph_is_there() -> None:
    assert set(PhotoConfig.__dataclass_fields__) < set(LaplacianConfig.__dataclass_fields__)
