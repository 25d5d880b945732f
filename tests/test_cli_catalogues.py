"""What the command lists and measures: layers, weights, styles, figures."""

from __future__ import annotations

import functools
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image
from safetensors.torch import save_file

from commands import QUICK
from impasto.cli.main import main
from impasto.config.methods import TextureConfig
from impasto.features.backbones import BACKBONES
from impasto.features.extractor import Extractor
from impasto.features.plan import layers as layers_of
from impasto.painting import cards
from impasto.styles import gallery

pytestmark = pytest.mark.usefixtures("folder")

# Layers, weights, styles, figures


@pytest.mark.parametrize("name", BACKBONES)
def test_layers_lists_each_with_its_size(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["layers", name]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    for layer in layers_of(BACKBONES[name].plan):
        row = [layer.name, str(layer.channels), str(layer.stride), str(layer.receptive_field)]
        assert row in [found[:4] for found in rows]


def test_weights_are_imported_in_either_order_and_then_listed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = BACKBONES["alexnet"]
    save_file(Extractor(spec.plan, spec.mean, spec.std).state_dict(), "alexnet-mine.safetensors")
    assert main(["weights", "path", "alexnet"]) == 1
    assert "impasto weights fetch alexnet" in capsys.readouterr().err
    for args in (["alexnet", "alexnet-mine.safetensors"], ["alexnet-mine.safetensors", "alexnet"]):
        assert main(["weights", "import", *args, "--force"]) == 0
    assert main(["weights", "import", "alexnet-mine.safetensors"]) == 1
    assert "is here already" in capsys.readouterr().err
    assert main(["weights", "path", "alexnet"]) == 0
    kept = Path(capsys.readouterr().out.strip())
    assert kept.is_relative_to(folder / "cache")
    assert main(["weights", "list"]) == 0
    listed = capsys.readouterr().out
    assert re.search(r"alexnet +yes +9\.\d MB", listed)
    assert re.search(r"vgg19 +no", listed)


def test_weights_of_an_unknown_name_ask_whose_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "import", "mine.pth"]) == 2
    assert "impasto weights import BACKBONE mine.pth" in capsys.readouterr().err


def test_styles_lists_the_gallery(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["styles"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert listed == gallery.names()


def test_styles_paints_a_picture_of_each_in_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "70")
    name = gallery.names()[0]
    assert main(["style", "info", name]) == 0
    shown = capsys.readouterr().out
    assert shown.count("▀") == 24 * 12
    about = gallery.describe()[name]
    red, green, blue = (int(about.palette[0][i : i + 2], 16) for i in (1, 3, 5))
    assert f"38;2;{red};{green};{blue}m" in shown
    assert about.artist in shown


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_styles_as_a_page_that_needs_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["styles", "--html", "styles.html"]) == 0
    assert capsys.readouterr().out == "styles.html\n"
    text = Path("styles.html").read_text("utf-8")
    page = Page()
    page.feed(text)
    pictures = [attrs["src"] or "" for tag, attrs in page.tags if tag == "img"]
    assert len(pictures) == len(gallery.names())
    assert all(src.startswith("data:image/webp;base64,") for src in pictures)
    assert not re.search(r"https?://|<script|<link|url\(|\$\w", text)
    assert main(["styles", "--html", "styles.html"]) == 1
    assert "exists already" in capsys.readouterr().err


@pytest.mark.slow
def test_a_card_of_ones_own_is_made_shown_and_painted_with(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = functools.partial(replace, iterations=2)
    monkeypatch.setattr(cards, "TextureConfig", lambda **given: quick(TextureConfig(**given)))
    Image.open("painting.png").resize((256, 192)).save("big.png")
    make = ["style", "make", "big.png", "-o", "mine.style", "--title", "<Mine>", "--quiet"]
    assert main(make) == 0
    assert main(["style", "info", "mine.style"]) == 0
    assert "<Mine>" in capsys.readouterr().out
    assert main(make) == 1
    assert "exists already" in capsys.readouterr().err
    args = ["stylize", "photo.png", "--style", "mine.style", *QUICK, "--quiet"]
    assert main(args) == 0
    assert capsys.readouterr().out == "photo-mine-quick.png\n"


def test_evaluate_shows_the_result_between_both_copies(
    capsys: pytest.CaptureFixture[str],
) -> None:
    args = ["evaluate", "photo.png", "--content", "photo.png", "--style", "painting.png"]
    assert main([*args, "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert set(rows) == {"result", "content copied", "style copied"}
    assert rows["result"]["content"] == pytest.approx(0, abs=1e-6)
    assert rows["result"]["ssim"] == pytest.approx(1)
    assert main(args) == 0
    assert "content copied" in capsys.readouterr().out
