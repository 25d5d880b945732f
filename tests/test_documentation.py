"""The documentation holds: its commands run, its pictures exist, and no option is left out."""

from __future__ import annotations

import importlib
import re
import shlex
import shutil
from dataclasses import fields
from pathlib import Path

import pytest
from typer.main import get_command

from commands import ROOT
from impasto.cli.main import app, main
from impasto.cli.options import RunFlags
from impasto.config.fields import flag_of
from impasto.config.methods import METHODS
from impasto.config.output import OutputSettings

DOCS = ROOT / "docs"
PAGES = [DOCS / "README.md", *sorted((DOCS / "controls").glob("*.md"))]
NAMES = [page.relative_to(DOCS).as_posix() for page in PAGES]
DEVELOP = [page.relative_to(DOCS).as_posix() for page in sorted((DOCS / "develop").glob("*.md"))]

# What makes a command quick, where it has the option.
QUICK = {"size": "64", "smallest": "45", "iterations": "2"}


def text_of(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def commands(text: str) -> list[list[str]]:
    """The words of a page's shell lines that run us."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.S)
    lines = [line for b in blocks for line in b.replace("\\\n", " ").splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("impasto ")]


def quick(words: list[str]) -> list[str]:
    """The same command with a small picture and hardly any iterations."""
    command = get_command(app).commands[words[0]]  # type: ignore[attr-defined]
    has = {parameter.name for parameter in command.params}
    chosen = dict(QUICK)
    if words[0] == "doodle":
        chosen |= {"size": "128", "smallest": "90"}  # its map has small parts
    elif words[0] == "train":
        chosen = {"steps": "2", "size": "64", "crop": "32", "batch": "1"}
    elif {"instant", "fast", "draft"} & set(words):
        chosen = {"size": QUICK["size"]}
    if "--epochs" in words:
        chosen |= {"epochs": "1", "steps": "2"}
        del chosen["iterations"]
    more = [word for n, value in chosen.items() if n in has for word in ("--" + n, value)]
    return [*words, *more, *(f"--{flag}" for flag in ("force", "quiet") if flag in has)]


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of docs/, as the working directory."""
    there = tmp_path / "docs"
    shutil.copytree(DOCS, there)
    monkeypatch.chdir(there)
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    return there


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_command_of_a_page_runs(
    name: str, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = commands(text_of(name))
    assert told, f"{name} shows no command"
    for words in told:
        status = main(quick(words))
        said = capsys.readouterr().err
        assert status == 0, f"`impasto {shlex.join(words)}`: {said}"
        if "-o" in words:
            assert (copy / words[words.index("-o") + 1]).exists()


@pytest.mark.parametrize("name", [*NAMES, *DEVELOP])
def test_links_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text_of(name)):
        if not target.startswith("http"):
            assert ((DOCS / name).parent / target).exists(), f"{name} links to {target}"


@pytest.mark.parametrize("name", NAMES)
def test_strips_are_made_of_what_the_page_paints(name: str) -> None:
    text = text_of(name)
    painted = {words[words.index("-o") + 1] for words in commands(text) if "-o" in words}
    for body, after in re.findall(r"<!-- strip \d+ \d+\n(.*?)-->\n([^\n]*)", text, re.S):
        assert after.startswith("!["), f"{name}: a strip without a picture below it"
        for line in body.splitlines():
            source = line.partition("|")[0].strip()
            made = source in painted or source.partition("/")[0] in painted
            assert made or (DOCS / source).exists(), f"{name}: no command makes {source}"


def test_every_page_is_in_the_index() -> None:
    index = text_of("README.md")
    assert [name for name in (*NAMES[1:], *DEVELOP) if f"({name})" not in index] == []


@pytest.mark.parametrize("name", DEVELOP)
def test_files_and_functions_that_are_named_exist(name: str) -> None:
    """`run/runner.py` names a file of the package, and a name after it what that file defines."""
    named = re.findall(r"`(?:impasto/)?(\w+(?:/\w+)+\.py)`(?:,? `(\w+)`)?", text_of(name))
    assert named
    for file, definition in named:
        if file.startswith("tests/") or "posterise" in file:  # which a reader makes
            continue
        text = (ROOT / "impasto" / file).read_text("utf-8")
        assert not definition or re.search(rf"^(def |class |){definition}\b", text, re.M), file


@pytest.mark.parametrize("name", DEVELOP)
def test_what_an_example_imports_exists(name: str) -> None:
    """Except what the page itself defines."""
    text = text_of(name)
    own = set(re.findall(r"^(?:def|class) (\w+)", text, re.M))
    for module, names in re.findall(r"^from (impasto[\w.]*) import ([\w, ]+)$", text, re.M):
        for wanted in set(names.split(", ")) - own:
            assert hasattr(importlib.import_module(module), wanted), f"{module}.{wanted}"


def test_every_picture_is_used_and_all_are_small() -> None:
    pictures = list((DOCS / "pictures").iterdir())
    text = "".join(map(text_of, NAMES))
    assert [p.name for p in pictures if p.name not in text and p.suffix != ".png"] == []
    assert sum(picture.stat().st_size for picture in pictures) < 3_500_000


# The pages of what is no `impasto stylize`; all other pages are about that.
OF_OTHERS = {name: f"controls/{name}.md" for name in ("batch", "doodle", "study", "texture")} | {
    "train": "controls/fast.md"
}


def flags_of(command: str) -> set[str]:
    """A command's options, without those that say what is written and shown."""
    parameters = get_command(app).commands[command].params  # type: ignore[attr-defined]
    output = {spec.name for spec in (*fields(RunFlags), *fields(OutputSettings))}
    flags = {(p.opts or p.secondary_opts)[0] for p in parameters if p.name not in output}
    return {flag for flag in flags if flag.startswith("--")}


def shown(*names: str) -> set[str]:
    return set(re.findall(r"--[a-z][a-z0-9-]*", "".join(map(text_of, names))))


def test_every_option_of_stylize_is_on_a_page_about_it() -> None:
    pages = [name for name in NAMES if name not in OF_OTHERS.values()]
    assert flags_of("stylize") - shown(*pages) == set()


@pytest.mark.parametrize("command", OF_OTHERS)
def test_every_option_of_another_command_is_on_its_own_page(command: str) -> None:
    """Those that it has alone, or with a default or a meaning of its own."""
    own: set[str] = set()
    if command in METHODS:
        own = {flag_of(name) for name in vars(METHODS[command].config)["__annotations__"]}
    alone = flags_of(command) - flags_of("stylize")
    assert (alone | own & flags_of(command)) - shown(OF_OTHERS[command]) == set()
