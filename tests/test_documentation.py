"""The documentation holds: its commands run, its pictures exist, and no option is left out."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
import shutil
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from filming import film, scene
from PIL import Image
from typer.main import get_command

import impasto
from commands import ROOT
from impasto.cli.main import app, main
from impasto.cli.options import RunFlags
from impasto.config.fields import flag_of
from impasto.config.methods import METHODS
from impasto.config.output import OutputSettings
from impasto.config.validation import checked_config

DOCS = ROOT / "docs"
README = "../README.md"
PAGES = [*sorted(DOCS.glob("*.md")), *sorted((DOCS / "controls").glob("*.md"))]
NAMES = [README, *(page.relative_to(DOCS).as_posix() for page in PAGES)]
DEVELOP = [page.relative_to(DOCS).as_posix() for page in sorted((DOCS / "develop").glob("*.md"))]

# Pages that are read, not typed from.
WITHOUT_COMMANDS = {
    "compact.md", "faq.md", "figures.md", "how-it-works.md", "instant.md", "many-machines.md",
    "live.md", "python.md", "reference.md", "troubleshooting.md", "controls/workers.md",
}  # fmt: skip

# What pages call a reader's own files, and what stands in for them.
STAND_INS = {
    "docs/demo.jpg": "demo.jpg",
    "photo.jpg": "demo.jpg",
    "me.jpg": "pictures/cat.jpg",
    "old-bw.jpg": "pictures/cat-grey.jpg",
    "photos/1.jpg": "demo.jpg",
    "photos/2.jpg": "pictures/coffee.jpg",
    "painting.jpg": "pictures/cafe.jpg",
    "a.jpg": "pictures/cafe.jpg",
    "b.jpg": "pictures/night.jpg",
    "stone.jpg": "pictures/gravel.jpg",
    "map.png": "pictures/cat-map.png",
    "scene.png": "pictures/two-cups-map.png",
    "drawing.png": "pictures/mug-drawing.png",
    "painting-map.png": "pictures/cup-parts-map.png",
}

# What makes a command quick, where it has the option.
QUICK = {"size": "64", "smallest": "45", "iterations": "2"}


def text_of(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def commands(text: str) -> list[list[str]]:
    """The words of a page's shell lines that run us."""
    return [shlex.split(line)[1:] for line in shell_lines(text) if line.startswith("impasto ")]


def shell_lines(text: str) -> list[str]:
    """The lines of a page's shell blocks, those inside of tabs too."""
    blocks = re.findall(r"^ *```sh\n(.*?)```", text, re.S | re.M)
    return [line.strip() for b in blocks for line in b.replace("\\\n", " ").splitlines()]


def quick(words: list[str]) -> list[str]:
    """The same command with a small picture and hardly any iterations."""
    command: Any = get_command(app)
    for word in words:
        command = getattr(command, "commands", {}).get(word, command)
    has = {parameter.name for parameter in command.params}
    chosen = dict(QUICK)
    if words[0] == "doodle":
        chosen |= {"size": "128", "smallest": "90"}  # its map has small parts
    elif words[0] == "film":
        chosen = {"size": "64"}
    elif words[0] == "train":
        chosen = {"steps": "2", "size": "64", "crop": "32", "batch": "1"}
    elif {"instant", "fast", "draft"} & set(words):
        chosen = {"size": QUICK["size"]}
    if words[0] == "sketch" and {"colour", "--show-pairs", "--choose"} & set(words):
        del chosen["iterations"]  # which have no effect there
    if "--epochs" in words:
        chosen |= {"epochs": "1", "steps": "2"}
        del chosen["iterations"]
    more = [word for n, value in chosen.items() if n in has for word in ("--" + n, value)]
    return [*words, *more, *(f"--{flag}" for flag in ("force", "quiet") if flag in has)]


def check_studio(flags: list[str]) -> None:
    """A studio that is started so shows its page; Ctrl-C ends it."""
    pytest.importorskip("fastapi", reason="the extra `studio` is not installed")
    httpx = pytest.importorskip("httpx", reason="the extra `studio` is not installed")
    from serving import StudioServer

    server = StudioServer(Path("studio").absolute(), *flags)
    try:
        assert "<title>Impasto" in httpx.get(server.url).text
    finally:
        server.close()


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of docs/ with what stands in for a reader's files, as the working directory."""
    there = tmp_path / "docs"
    shutil.copytree(DOCS, there)
    for name, source in STAND_INS.items():
        (there / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(DOCS / source, there / name)
    film_of_a_reader(there)
    monkeypatch.chdir(there)
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    return there


def film_of_a_reader(there: Path) -> None:
    """Write a film with sound, and pictures of one."""
    film(there / "clip.mp4", sound="aac")
    (there / "frames").mkdir()
    for number in range(3):
        Image.fromarray(scene(number)).save(there / "frames" / f"{number + 1:05}.png")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_command_of_a_page_runs(
    name: str, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown_commands = commands(text_of(name))
    assert bool(shown_commands) == (name not in WITHOUT_COMMANDS), name
    for words in shown_commands:
        if words[0] == "studio":
            check_studio(words[1:])
            continue
        status = main(quick(words))
        said = capsys.readouterr().err
        assert status == 0, f"`impasto {shlex.join(words)}`: {said}"
        if "-o" in words and "--dry-run" not in words:
            made = copy / words[words.index("-o") + 1]
            assert (made.parent if "%" in made.name else made).exists()


@pytest.mark.parametrize("name", [*NAMES, *DEVELOP])
def test_links_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text_of(name)):
        if target.startswith("commands/"):  # made with the site, and checked there
            assert name != README
        elif not target.startswith("http"):
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


@pytest.mark.parametrize("name", [README, "first-painting.md", "index.md"])
def test_what_else_is_typed_at_first_is_run_by_the_checks(name: str) -> None:
    """`make demo` and the like are targets, and what .ci/run runs; the rest is shell."""
    made = {line for line in shell_lines(text_of(name)) if line.startswith("make ")}
    assert "make demo" in made
    checks = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert {line.partition("  #")[0].strip() for line in made} <= set(checks)


def test_the_readme_is_short() -> None:
    """Whoever wants to know more is led to a page."""
    text = text_of(README)
    assert len(text.splitlines()) <= 100
    assert len(text.split()) <= 780


@pytest.mark.slow
@pytest.mark.usefixtures("copy")
@pytest.mark.parametrize("name", [n for n in NAMES if "```python" in (DOCS / n).read_text("utf-8")])
def test_every_example_in_python_runs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def small(kind: Any, options: dict[str, Any], **more: Any) -> Any:
        least = {"size": 64, "smallest": 45, "iterations": 2}
        if kind.__name__ == "DoodleConfig":
            least |= {"size": 128, "smallest": 90}  # its map has small parts
        elif "width" in options:
            options = options | {"width": 64, "height": 32}
        names = kind.__dataclass_fields__
        if options.get("engine") == "colour":
            least = {"size": 64}  # nothing is optimised
        return checked_config(
            kind, options | {n: v for n, v in least.items() if n in names}, **more
        )

    monkeypatch.setattr("impasto.api.checked_config", small)
    names = {"__name__": "a page", "impasto": impasto}  # a script's own part would start workers
    for block in re.findall(r"^```python\n(.*?)```", text_of(name), re.S | re.M):
        exec(block.replace("GatysConfig(size=384)", "GatysConfig(size=64, iterations=2)"), names)


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
    for folder in ("studio", "develop"):
        text += "".join(page.read_text("utf-8") for page in (DOCS / folder).glob("*.md"))
    assert [p.name for p in pictures if p.name not in text and p.suffix != ".png"] == []
    assert sum(picture.stat().st_size for picture in pictures) < 5_500_000


def messages() -> list[str]:
    """All texts in the package, with an ellipsis for what is filled in."""
    texts = []
    for path in (ROOT / "impasto").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = (p.value if isinstance(p, ast.Constant) else "…" for p in node.values)
                texts.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    return texts


# Headings of Troubleshooting that quote a shell, make or pip.
OF_OTHER_PROGRAMS = {
    "impasto: command not found",
    "There is no 'python3.11' here",
    "No matching distribution found for impasto",
}


def test_messages_that_troubleshooting_explains_are_messages() -> None:
    headings = set(re.findall(r"^### `(.+)`$", text_of("troubleshooting.md"), re.M))
    assert len(headings) > 30
    texts = messages()
    for heading in headings - OF_OTHER_PROGRAMS:
        pattern = ".*".join(re.escape(part.strip()) for part in heading.split("…"))
        assert any(re.search(pattern, text, re.S) for text in texts), heading


# The pages of what is no `impasto stylize`; all other pages are about that.
OF_OTHERS = {
    name: f"controls/{name}.md" for name in ("batch", "doodle", "sketch", "study", "texture")
} | {"train": "controls/fast.md"}


def flags_of(command: str) -> set[str]:
    """A command's options, without those that say what is written and shown."""
    parameters = get_command(app).commands[command].params  # type: ignore[attr-defined]
    output = {spec.name for spec in (*fields(RunFlags), *fields(OutputSettings))}
    flags = {(p.opts or p.secondary_opts)[0] for p in parameters if p.name not in output}
    return {flag for flag in flags if flag.startswith("--")}


def shown(*names: str) -> set[str]:
    return set(re.findall(r"--[a-z][a-z0-9-]*", "".join(map(text_of, names))))


def test_every_option_of_stylize_is_on_a_page_about_it() -> None:
    pages = [n for n in NAMES if n.startswith("controls/") and n not in OF_OTHERS.values()]
    assert flags_of("stylize") - shown(*pages) == set()


@pytest.mark.parametrize("command", OF_OTHERS)
def test_every_option_of_another_command_is_on_its_own_page(command: str) -> None:
    """Those that it has alone, or with a default or a meaning of its own."""
    own: set[str] = set()
    if command in METHODS:
        own = {flag_of(name) for name in vars(METHODS[command].config)["__annotations__"]}
    alone = flags_of(command) - flags_of("stylize")
    assert (alone | own & flags_of(command)) - shown(OF_OTHERS[command]) == set()
