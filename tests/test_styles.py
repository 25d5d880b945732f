"""Style cards: what goes in comes out, and nothing else gets in."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from skimage import data
from torch import Tensor

from impasto.errors import StyleError
from impasto.features.extractor import Extractor
from impasto.features.sources import digest
from impasto.features.weights import load
from impasto.image.picture import fit
from impasto.styles import card as cards
from impasto.styles import gallery
from impasto.styles.about import About, read_about, read_swatch
from impasto.styles.card import StyleCard
from impasto.styles.statistics import Painting, Style

LAYERS = ("relu1_1", "relu4_1")
ABOUT = About(
    "Tëst", "Nobody", "1889", "public domain", ("#102030",), "compact", "sha256:" + "0" * 64
)


@pytest.fixture(scope="module")
def net() -> Extractor:
    return load("compact")


@pytest.fixture(scope="module")
def painting() -> Tensor:
    pixels = torch.as_tensor(data.immunohistochemistry()).permute(2, 0, 1)[None].float() / 255
    return fit(pixels, 500)


@pytest.fixture(scope="module")
def card(net: Extractor, painting: Tensor) -> StyleCard:
    swatch = (fit(painting, 64)[0] * 255).byte()
    return cards.make(Painting(painting), net, LAYERS, ABOUT, swatch)


@pytest.fixture
def file(card: StyleCard, tmp_path: Path) -> Path:
    path = tmp_path / "a.style"
    cards.save(card, path)
    return path


def test_a_card_comes_back_as_it_was_saved(card: StyleCard, file: Path) -> None:
    back = cards.load(file)
    assert back.about == card.about
    assert sorted(back.measured) == [180, 430, 500]
    for size, layers in card.measured.items():
        for name, held in layers.items():
            got = back.measured[size][name]
            assert torch.allclose(got.mean, held.mean, rtol=1e-5)
            error = (got.second - held.second).norm() / held.second.norm()
            assert float(error) < 1e-3
    difference = (back.swatch.float() - card.swatch.float()).abs().mean()
    assert float(difference) < 8  # WebP is lossy


def test_moments_from_a_card_are_positive_semi_definite(file: Path) -> None:
    for layers in cards.load(file).measured.values():
        for held in layers.values():
            values = torch.linalg.eigvalsh(held.second.double())
            assert float(values.min()) > -1e-6 * float(values.max())


def test_at_a_measured_size_a_card_says_what_the_painting_says(
    card: StyleCard, painting: Tensor, net: Extractor
) -> None:
    for side in (180, 430, 500, 2000):  # a painting is never enlarged
        by_card = card.at(side, net, LAYERS)
        by_picture = Painting(painting).at(side, net, LAYERS)
        for name in LAYERS:
            assert torch.allclose(by_card[name].second, by_picture[name].second)


def test_between_sizes_a_card_is_close_to_the_painting(
    card: StyleCard, painting: Tensor, net: Extractor
) -> None:
    by_card, by_picture = (s.at(280, net, LAYERS) for s in (card, Painting(painting)))
    for name in LAYERS:
        wanted = by_picture[name].second
        assert float((by_card[name].second - wanted).norm() / wanted.norm()) < 0.1


def test_both_kinds_of_style_fit_the_protocol(card: StyleCard, painting: Tensor) -> None:
    assert isinstance(card, Style)
    assert isinstance(Painting(painting), Style)


def test_a_card_is_refused_for_layers_and_pooling_it_does_not_know(
    card: StyleCard, net: Extractor
) -> None:
    with pytest.raises(StyleError, match="does not hold relu2_2; it has relu1_1, relu4_1"):
        card.at(256, net, ["relu2_2"])
    with pytest.raises(StyleError, match="max pooling"):
        card.at(256, load("compact", pooling="average"), LAYERS)


def test_a_card_is_not_overwritten(card: StyleCard, file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(StyleError, match="exists already"):
        cards.save(replace(card, about=replace(ABOUT, title="Other")), file)
    assert file.read_bytes() == before
    cards.save(card, file, force=True)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StyleError, match=r"none\.style does not exist"):
        cards.load(tmp_path / "none.style")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_cut_file_is_refused(file: Path, share: float) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(StyleError):
        cards.load(file)


def spoil(file: Path, **changes: Tensor | None) -> None:
    tensors = {**load_file(file)}
    for key, value in changes.items():
        name = key.replace("__", ".")
        if value is None:
            del tensors[name]
        else:
            tensors[name] = value
    save_file(tensors, file, read_about(file).to_metadata())


@pytest.mark.parametrize(
    "changes",
    [
        {"swatch": None},
        {"swatch": torch.zeros(10, dtype=torch.uint8)},
        {"180__relu1_1__root": None},
        {"180__relu1_1__root": torch.zeros(7)},
        {"180__relu1_1__root": torch.full((136,), torch.nan)},
        {"180__relu1_1__mean": torch.full((17,), torch.inf)},
        {"180__relu1_1__mean": torch.zeros(0)},
        {"180__relu1_1__mean": torch.zeros(2, 2)},
        {"0__relu1_1__mean": torch.zeros(17), "0__relu1_1__root": torch.zeros(136)},
        {"99__relu1_1__mean": torch.zeros(17), "99__relu1_1__root": torch.zeros(136)},
    ],
)
def test_a_card_that_does_not_hold_together_is_refused(
    file: Path, changes: dict[str, Tensor | None]
) -> None:
    spoil(file, **changes)
    with pytest.raises(StyleError, match="damaged"):
        cards.load(file)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", "impasto-style/2"),
        ("palette", "[1, 2]"),
        ("palette", '["red"]'),
        ("palette", "["),
        ("title", "x" * 5000),
        ("backbone_digest", "md5:0"),
        ("extra", "anything"),
    ],
)
def test_words_that_no_card_has_are_refused(file: Path, key: str, value: str) -> None:
    words = {**ABOUT.to_metadata(), key: value}
    save_file(load_file(file), file, words)
    with pytest.raises(StyleError):
        cards.load(file)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.data())
def test_no_spoilt_byte_gets_past(drawn: st.DataObject, file: Path) -> None:
    """Whatever is changed in a card, it is read or refused; nothing else happens."""
    whole = bytearray(file.read_bytes())
    spoilt = file.with_name("spoilt.style")
    head = 2400  # the header and its lengths, where all the structure is
    for _ in range(drawn.draw(st.integers(1, 4))):
        whole[drawn.draw(st.integers(0, head))] = drawn.draw(st.integers(0, 255))
    spoilt.write_bytes(whole)
    with contextlib.suppress(StyleError):
        cards.load(spoilt)


def test_the_gallery_has_a_dozen_cards_that_fit_the_embedded_network() -> None:
    names = gallery.names()
    assert len(names) >= 12
    for name in names:
        card = cards.load(gallery.path(name))
        assert card.about.backbone_digest == digest("compact"), name
        assert card.about.title
        assert card.about.licence == "public domain"
        assert card.about.palette
        assert card.swatch.shape == (3, 192, 192)
        assert read_swatch(gallery.path(name))[8:12] == b"WEBP"
    assert set(gallery.describe()) == set(names)


def test_an_unknown_style_is_named_with_a_guess() -> None:
    with pytest.raises(StyleError, match="did you mean 'starry-night'"):
        gallery.path("stary-night")
