"""Styles that a network was trained for: the network, its file, and painting by it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

import impasto
from commands import pixels
from impasto.cli.main import main
from impasto.config.methods import FastConfig
from impasto.config.specs import StyleSpec
from impasto.engine.regions import Region
from impasto.errors import OptionError, StyleError
from impasto.features import sources, weights
from impasto.features.extractor import Extractor
from impasto.methods.fast import fast
from impasto.networks import trained
from impasto.networks.brush import Brush, brush_of
from impasto.networks.checkpoint import load_instant
from impasto.networks.fast import FastNetwork
from impasto.networks.instant import STYLE_LAYERS, summary
from impasto.networks.portable import Portable
from impasto.networks.trained import Trained, TrainedStyle, save_trained
from impasto.networks.trained_metadata import Entry, TrainedMetadata, read_metadata, split_source
from impasto.painting import export
from impasto.painting.export_targets import check_export
from impasto.styles.blend import Blend, Share
from impasto.styles.statistics import Painting

DIGEST = f"sha256:{'0' * 64}"


def entry(name: str) -> Entry:
    return Entry(name, DIGEST, 10, 0.4, 0.2, 0.5, 0.7)


def picture(seed: int, height: int = 64, width: int = 96) -> Tensor:
    coarse = torch.rand(1, 3, 6, 8, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, size=(height, width), mode="bilinear")


@pytest.fixture(scope="module")
def eye() -> Extractor:
    return weights.load("compact")


@pytest.fixture(scope="module")
def made(eye: Extractor) -> Trained:
    """Two styles with scales and shifts of their own."""
    torch.manual_seed(5)
    network = FastNetwork(load_instant(), 2).requires_grad_(False).eval()
    network.own.copy_(0.1 * torch.randn_like(network.own))
    layers = list(STYLE_LAYERS)
    moments = [Painting(picture(seed)).at(96, eye, layers) for seed in (1, 2)]
    words = TrainedMetadata((entry("a"), entry("b-2")), 96, sources.digest("compact"))
    return Trained(words, network, moments)


@pytest.fixture(scope="module")
def file(made: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("styles") / "two.impasto"
    save_trained(made, path)
    return path


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    Image.fromarray((picture(9)[0] * 255).byte().permute(1, 2, 0).numpy()).save(path)
    return path


def painted(style: Trained | TrainedStyle | Blend, net: Extractor, strength: float = 0.5) -> Tensor:
    assert not isinstance(style, Trained)
    (step,) = fast(picture(9), style, FastConfig(size=96, strength=strength), extractor=net)
    return step.image()


# ---- the network --------------------------------------------------------------------------------


def test_without_own_scales_it_paints_as_the_network_of_any_style(eye: Extractor) -> None:
    moments = Painting(picture(1)).at(96, eye, list(STYLE_LAYERS))
    words = TrainedMetadata((entry("a"),), 96, sources.digest("compact"))
    plain = Trained(words, FastNetwork(load_instant(), 1).requires_grad_(False), [moments])
    ours = brush_of(plain.style("a", ""), 0.5, eye)
    theirs = Brush.of(Painting(picture(1)), 0.5, 96, eye)
    for one, other in zip(ours.decoder.stages, theirs.decoder.stages, strict=True):
        for (weight, bias), (expected, more) in zip(one, other, strict=True):
            torch.testing.assert_close(weight, expected)
            torch.testing.assert_close(bias, more)


def test_own_scales_and_shifts_steer_their_style_alone(made: Trained, eye: Extractor) -> None:
    a, b = (made.style(name, "") for name in ("a", "b-2"))
    other = replace(made, network=FastNetwork(made.network.base, 2).requires_grad_(False))
    other.network.own[0] = made.network.own[0]
    same, changed = (painted(other.style(name, ""), eye) for name in ("a", "b-2"))
    torch.testing.assert_close(same, painted(a, eye))
    assert (changed - painted(b, eye)).abs().mean() > 1e-3


def test_a_blend_lies_between_its_styles(made: Trained, eye: Extractor) -> None:
    a, b = (made.style(name, "") for name in ("a", "b-2"))
    ends = [painted(style, eye) for style in (a, b)]
    for weight in (0.0, 0.5, 1.0):
        blend = Blend((Share(a, 1 - weight), Share(b, weight)))
        far = [float((painted(blend, eye) - end).abs().mean()) for end in ends]
        if weight in (0.0, 1.0):
            assert far[round(weight)] < 1e-4
        else:
            assert max(far) < float((ends[0] - ends[1]).abs().mean())


def test_blended_steering_is_the_weighted_mean(made: Trained) -> None:
    styles = [summary(made.moments[i]) for i in (0, 1)]
    each = [made.network.blended([s], 0.5, [i], [1.0]) for i, s in enumerate(styles)]
    mixed = made.network.blended(styles, 0.5, [0, 1], [1.0, 3.0])
    torch.testing.assert_close(mixed, 0.25 * each[0] + 0.75 * each[1])


def test_strength_goes_from_the_photograph_on(made: Trained, eye: Extractor) -> None:
    style = made.style("a", "")
    assert torch.equal(painted(style, eye, 0.0), picture(9))
    far = [(painted(style, eye, s) - picture(9)).abs().mean() for s in (0.02, 0.3, 0.6)]
    assert far[0] < far[1] < far[2]


def test_regions_have_styles_each(made: Trained, eye: Extractor) -> None:
    left = torch.zeros(1, 1, 64, 96)
    left[..., :48] = 1
    a, b = (made.style(name, "") for name in ("a", "b-2"))
    areas = (Region(a, 0.5, left), Region(b, 0.5, 1 - left))
    (step,) = fast(picture(9), None, FastConfig(size=96), regions=areas, extractor=eye)
    whole = [painted(style, eye) for style in (a, b)]
    # Each half is nearer to its own style, though its photograph's half is moved alone.
    for half, near, far in ((slice(0, 40), 0, 1), (slice(56, None), 1, 0)):
        off = [(step.image() - whole[i])[..., half].abs().mean() for i in (near, far)]
        assert off[0] < off[1]


def test_what_was_not_trained_for_is_refused(made: Trained, eye: Extractor) -> None:
    with pytest.raises(OptionError, match="impasto train"):
        painted(Blend((Share(Painting(picture(1))),)), eye)
    other = replace(made, network=FastNetwork(made.network.base, 2))
    both = Blend((Share(made.style("a", "")), Share(other.style("a", ""))))
    with pytest.raises(OptionError, match="of one file"):
        painted(both, eye)
    with pytest.raises(OptionError, match=":fine"):
        painted(Blend((Share(made.style("a", ""), 1.0, "fine"),)), eye)


# ---- the file -----------------------------------------------------------------------------------


def test_a_file_holds_what_was_written(made: Trained, file: Path, eye: Extractor) -> None:
    read = trained.load(file)
    assert read.metadata == made.metadata == read_metadata(file)
    assert file.stat().st_size < 2_000_000
    for name in ("a", "b-2"):
        one, other = (painted(t.style(name, file), eye) for t in (made, read))
        assert (one - other).abs().mean() < 2e-3  # half precision


def test_a_style_is_found_by_its_name(made: Trained) -> None:
    assert made.style("b-2", "x").number == 1
    with pytest.raises(StyleError, match=r"x has no style 'b_2'; did you mean 'b-2'\? It has a, b"):
        made.style("b_2", "x")
    with pytest.raises(StyleError, match="holds 2 styles: say which, such as x#a"):
        made.style("", "x")
    only = replace(made.metadata, entries=made.metadata.entries[1:])
    assert only.number("", "x") == 0


def test_nothing_is_overwritten(made: Trained, file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(StyleError, match="exists already"):
        save_trained(made, file)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "damage",
    ["format", "shape", "missing", "infinite", "huge", "units", "kind", "cut", "names", "bright"],
)
def test_damaged_and_other_files_are_told(file: Path, tmp_path: Path, damage: str) -> None:
    tensors, path = load_file(file), tmp_path / "bad.impasto"
    about = read_metadata(file).to_metadata()
    if damage == "format":
        about["format"] = "impasto-trained/9"
    elif damage == "names":
        about["styles"] = about["styles"].replace("b-2", "a")
    elif damage == "shape":
        tensors["own"] = tensors["own"][:, :5].contiguous()
    elif damage == "missing":
        del tensors["styles.1.relu3_1.root"]
    elif damage == "infinite":
        tensors["own"][0, 0] = float("inf")
    elif damage == "huge":
        tensors["own"][0, 0] = 1e30
    elif damage == "units":
        tensors["base.units"][0] = 0
    elif damage == "kind":
        tensors["base.last.bias"] = tensors["base.last.bias"].to(torch.int64)
    elif damage == "bright":
        tensors["styles.0.relu4_1.mean"][0] = 1e30
    save_file(tensors, path, about)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(StyleError, match=r"bad\.impasto .*(version|damaged)") as told:
        trained.load(path)
    assert len(str(told.value)) < 600


def test_names_and_files_are_parted() -> None:
    assert split_source("x/a.impasto#b-2") == ("x/a.impasto", "#b-2")
    assert split_source("a#1.impasto") == ("a#1.impasto", "")
    assert split_source("b#2.jpg") == ("b#2.jpg", "")
    choice = StyleSpec.parse("a.impasto#b:0.3")
    assert (choice.source, choice.weight, choice.use) == ("a.impasto#b", 0.3, "#b:0.3")
    assert StyleSpec.used("y/a.impasto", choice.use) == replace(choice, source="y/a.impasto#b")
    assert choice.label == "b"


# ---- the command --------------------------------------------------------------------------------


def paint(*words: object) -> int:
    return main([str(word) for word in words])


def test_a_photograph_is_painted_and_again_by_its_recipe(
    file: Path, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    style = f"{file}#b-2"
    assert paint("stylize", photo, "--style", style, "--method", "fast", "--size", 96) == 0
    result = Path("photo-b-2-fast.png")
    assert pixels(result).shape == (64, 96, 3)
    assert paint("rerun", result, "-o", "again.png") == 0
    assert Path("again.png").read_bytes() == result.read_bytes()
    moved = tmp_path / "moved.impasto"
    moved.write_bytes(file.read_bytes())
    assert paint("rerun", result, "-o", "third.png", "--style", moved) == 0
    assert np.array_equal(pixels(result), pixels("third.png"))


def test_blends_regions_and_several_photographs(
    file: Path, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    blend = ("--style", f"{file}#a", "--style", f"{file}#b-2:0.5")
    assert paint("stylize", photo, *blend, "--method", "fast", "--size", 96, "-o", "ab.png") == 0
    drawn = Image.new("RGB", (96, 64), (255, 0, 0))
    drawn.paste((0, 0, 255), (48, 0, 96, 64))
    drawn.save("map.png")
    areas = ("--content-map", "map.png", "--region", f"#ff0000={file}#a:0.8")
    words = (*areas, "--region", "#0000ff=keep", "--method", "fast", "--size", 96)
    assert paint("stylize", photo, *words, "-o", "regions.png") == 0
    kept = [
        Image.open(p).convert("RGB").crop((60, 0, 96, 64)).tobytes() for p in ("regions.png", photo)
    ]
    assert kept[0] == kept[1]
    assert paint("rerun", "regions.png", "-o", "again.png") == 0
    assert np.array_equal(pixels("again.png"), pixels("regions.png"))


def test_several_photographs_go_to_a_folder(file: Path, photo: Path, tmp_path: Path) -> None:
    shutil.copy(photo, tmp_path / "other.png")
    words = ("stylize", photo, tmp_path / "other.png", "--style", f"{file}#b-2", "--method", "fast")
    assert paint(*words, "--size", 96, "-o", tmp_path / "out", "--quiet") == 0
    assert {p.name for p in (tmp_path / "out").glob("*b-2.png")} == {
        "photo-b-2.png",
        "other-b-2.png",
    }


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--style", "starry-night", "--method", "fast"), "--method instant"),
        (("--style", "{file}#c", "--method", "fast"), "has no style 'c'"),
        (("--style", "{file}", "--method", "fast"), "say which"),
        (("--style", "{file}#a"), "only --method fast"),
        (("--style", "{file}#a", "--method", "fast", "--stroke", "2"), "--stroke has no effect"),
        (("--style", "gone.impasto#a", "--method", "fast"), "gone.impasto does not exist"),
        (("--style", "{file}#a", "--method", "fast", "--color", "match"), "--color keep"),
    ],
)
def test_what_cannot_be_painted_is_told(
    file: Path,
    photo: Path,
    tmp_path: Path,
    words: tuple[str, ...],
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out.png"
    given = [word.format(file=file) for word in words]
    assert paint("stylize", photo, *given, "-o", out) != 0
    assert told in capsys.readouterr().err
    assert not out.exists()


def test_a_style_is_exported(
    made: Trained, file: Path, tmp_path: Path, eye: Extractor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all that it paints with; that this is written as it paints is for test_portable.py."""
    painters = []

    def write(path: Path, *, strength: float, extractor: Extractor, **parts: Any) -> None:
        painters.append(Portable(extractor, parts["decoder"], parts["goals"], strength))
        path.write_bytes(b"a graph")

    monkeypatch.setattr(export, "export", write)
    out = tmp_path / "out.onnx"
    assert paint("export", f"{file}#a", "--onnx", out, "--strength", 0.6) == 0
    expected = painted(made.style("a", file), eye, 0.6)
    assert (painters[0](picture(9)) - expected).abs().mean() < 2e-3  # half precision
    assert paint("export", f"{file}#a", "--onnx", out) != 0  # it is there


def test_a_file_of_styles_is_exported_to_a_file_each(file: Path, tmp_path: Path) -> None:
    checked = check_export(str(file), tmp_path / "out.onnx")
    assert checked == {f"{file}#{n}": tmp_path / f"out-{n}.onnx" for n in ("a", "b-2")}
    assert check_export(f"{file}#a", tmp_path / "o.onnx") == {f"{file}#a": tmp_path / "o.onnx"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("{file}#a", "--onnx", "out.pt"), "must end in .onnx"),
        (("{file}#a", "--onnx", "out.onnx", "--size", "64"), "Leave it out"),
        (("{file}#c", "--onnx", "out.onnx"), "has no style 'c'"),
    ],
)
def test_what_cannot_be_exported_is_told(
    file: Path,
    tmp_path: Path,
    words: tuple[str, ...],
    told: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert paint("export", *(word.format(file=file) for word in words)) != 0
    assert told in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_info_shows_a_files_styles(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert paint("info", file) == 0
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("b-2", "10", "0.700", "0.500", "0.400", "0.200"))
    assert paint("info", file, "--json") == 0
    assert json.loads(capsys.readouterr().out)["entries"][1]["name"] == "b-2"


def test_it_paints_from_python(file: Path, photo: Path) -> None:
    made = impasto.stylize(photo, f"{file}#a", method="fast", size=96)
    assert made.size == (96, 64)
    with pytest.raises(OptionError, match="A trained style does not have stroke"):
        impasto.fast(f"{file}#a", stroke=2)
    made = impasto.stylize(photo, Path(f"{file}#b-2"), method="fast", size=96)
    assert '"#b-2"' in made.info["impasto"]
    paint = impasto.fast(f"{file}#a")
    batch = torch.cat([picture(9), picture(4)])
    assert paint(batch).shape == batch.shape
