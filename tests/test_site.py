"""The documentation's site is whole: every option, every name, nothing from another host."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

import impasto
from commands import ROOT
from impasto.cli.main import app
from impasto.config.methods import METHODS
from impasto.config.schema import option_specs
from tools.site.checks import outside_resources, pictures_without_text, resources_of
from tools.site.reference import page, subcommands

pytest.importorskip("material", reason="the extra `docs` is not installed")


def build(config: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """Build a site as `make docs` does."""
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(config), "-d", str(site)],
        cwd=config.parent,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = build(ROOT / "mkdocs.yml", folder)
    assert done.returncode == 0, done.stderr
    return folder


class Text(HTMLParser):
    """A page's text, and the ids and classes of its elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.ids = "", set[str]()
        self.feed(html)

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids |= {value or "" for name, value in attrs if name == "id"}

    def handle_data(self, data: str) -> None:
        self.text += data


def read(file: Path) -> Text:
    return Text(file.read_text("utf-8"))


def leaves(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every command that can be run, as the command itself lists them."""
    for word, child in getattr(command, "commands", {}).items():
        yield from leaves(child, f"{name} {word}".strip())
    if not getattr(command, "commands", {}) and not command.hidden:
        yield name, command


@pytest.mark.slow
def test_every_command_has_a_page_with_every_option(site: Path) -> None:
    commands = dict(leaves(get_command(app)))
    assert len(commands) > 15
    for name, command in commands.items():
        text = read(site / "commands" / f"{name.replace(' ', '-')}.html").text
        flags = [f.strip() for p in command.params for f in (*p.opts, *p.secondary_opts)]
        assert [flag for flag in flags if flag.startswith("-") and flag not in text] in (
            [],
            ["--help", "-h"],
        ), name
        assert f"impasto {name}" in text


@pytest.mark.parametrize("name", ["default", "low", "help"])
def test_the_reference_says_of_an_option_what_its_field_says(name: str) -> None:
    (stylize,) = (c for c in subcommands() if c.name == "stylize")
    text = page(stylize)
    (size,) = (s for s in option_specs(METHODS["gatys"].config) if s.name == "size")
    section = text.partition("### `--size`")[2].partition("###")[0]
    assert str(getattr(size, name)) in section


@pytest.mark.slow
def test_every_public_name_is_in_the_reference(site: Path) -> None:
    ids = read(site / "reference.html").ids
    names = {name for name in impasto.__all__ if name != "__version__"}
    missing = {name for name in names if not any(re.search(rf"\b{name}$", i) for i in ids)}
    assert missing == set()


@pytest.mark.slow
def test_nothing_is_loaded_from_another_host(site: Path) -> None:
    assert list(outside_resources(site)) == []


@pytest.mark.slow
def test_search_knows_options_and_messages(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text("utf-8"))
    titles = {re.sub("<.*?>", "", entry["title"]) for entry in index["docs"]}
    assert {"--strength", "--no-recipe", "Strength"} <= titles
    assert any("is not a picture that can be read" in title for title in titles)


@pytest.mark.slow
def test_strict_refuses_what_is_broken(tmp_path: Path) -> None:
    """Each fault is reported; the same site without them is built above."""
    for name in ("docs", "tools"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "mkdocs.yml", tmp_path / "mkdocs.yml")
    (tmp_path / "impasto").symlink_to(ROOT / "impasto")
    docs = tmp_path / "docs"
    (docs / "lonely.md").write_text("# A page that no other leads to\n")
    with (docs / "faq.md").open("a") as file:
        file.write(
            "\n[away](nowhere.md) [astray](index.md#nothing)\n\n![](demo.jpg)\n\n"
            '<script src="https://cdn.example.org/x.js"></script>\n'
        )
    (docs / "assets" / "site.css").write_text("@import 'https://fonts.example.org/font.css';")
    done = build(tmp_path / "mkdocs.yml", tmp_path / "site")
    assert done.returncode != 0
    for complaint in (
        "lonely.md",
        "nowhere.md",
        "#nothing",
        "faq.md: the picture demo.jpg has the text ''",
        "faq.html loads https://cdn.example.org/x.js",
        "site.css loads https://fonts.example.org/font.css",
    ):
        assert complaint in done.stderr


@pytest.mark.parametrize(
    ("name", "text", "address"),
    [
        ("a.html", '<link rel="stylesheet" href="//host/a.css">', "//host/a.css"),
        ("a.html", '<img alt="x" srcset="a.png 1x, http://host/b.png 2x">', "http://host/b.png"),
        ("a.html", '<p style="background: url(https://host/a.png)">', "https://host/a.png"),
        ("a.html", '<style>p { background: url("//host/a.png") }</style>', "//host/a.png"),
        ("a.html", '<script>fetch("https://host/a")</script>', "https://host/a"),
        ("a.css", "@font-face { src: url('https://host/a.woff') }", "https://host/a.woff"),
        ("a.js", "import('https://host/a.js')", "https://host/a.js"),
    ],
)
def test_a_resource_of_another_host_is_noticed(
    name: str, text: str, address: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    assert resources_of(tmp_path / name) == [address]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.html", '<a href="https://host/">a link loads nothing</a>'),
        ("a.html", '<svg xmlns="http://www.w3.org/2000/svg"></svg>'),
        ("a.html", '<img src="pictures/a.png" alt="x">'),
        ("a.css", "/* https://host/licence */ p { background: url(a.png) }"),
        ("a.js", 'document.createElementNS("http://www.w3.org/2000/svg", "path")'),
    ],
)
def test_what_loads_nothing_is_allowed(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    assert resources_of(tmp_path / name) == []


def test_a_picture_needs_a_text_that_says_something() -> None:
    complaints = pictures_without_text(
        '<img src="a.png"><img src="b.png" alt="b.png"><img src="c.png" alt="A cat, painted">'
    )
    assert [complaint.split()[2] for complaint in complaints] == ["a.png", "b.png"]
