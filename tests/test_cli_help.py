"""Help: whole sentences, an example, and first what people type first."""

from __future__ import annotations

import itertools
import re
import shlex

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from impasto.cli.help import EXAMPLES, help_of
from impasto.cli.main import app
from impasto.cli.train import train
from impasto.training.preflight import LEAST_PHOTOS

COMMANDS = get_command(app).commands  # type: ignore[attr-defined]


def shown(name: str, columns: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", columns)
    output = CliRunner().invoke(app, [name, "--help"]).output
    return [line.strip() for line in re.sub(r"\x1b\[[\d;]*m", "", output).splitlines()]


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("name", COMMANDS)
def test_sentences_end_where_the_line_does(
    name: str, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line of prose is followed by another of its paragraph only if that word had no room."""
    lines = shown(name, columns, monkeypatch)
    prose = lines[: next((i for i, line in enumerate(lines) if line.startswith("╭")), 0)]
    for line, after in itertools.pairwise(prose):
        if line and after and not line.startswith("Usage"):
            assert len(line) + 1 + len(after.split()[0]) > columns - 2, (line, after)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_can_be_typed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = shown(name, 80, monkeypatch)
    assert lines[5] == f"Example: {EXAMPLES[name]}" or lines[6] == f"Example: {EXAMPLES[name]}"
    program, typed, *words = shlex.split(EXAMPLES[name])
    assert (program, typed) == ("impasto", name)
    command = COMMANDS[name]
    context = command.context_class(command, info_name=name)
    _, rest, _ = command.make_parser(context).parse_args(words)
    assert rest == []


def test_what_people_type_first_is_shown_first(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = shown("stylize", 120, monkeypatch)
    pattern = re.compile(r"│ {1,6}\*? {0,4}(--[a-z-]+)")
    flags = [match[1] for line in lines if (match := pattern.match(line))]
    first = ["--style", "--out", "--size", "--strength", "--method", "--color"]
    assert [flag for flag in flags if flag in first] == first
    assert set(flags[:7]) >= set(first)
    panels = [match[1] for line in lines if (match := re.match(r"╭─ ([A-Z][^─]*) ─", line))]
    assert panels[:2] == ["Arguments", "Options"]
    assert panels[-1] == "What is written and shown"


def test_the_least_number_of_photographs_is_said() -> None:
    content = next(p for p in COMMANDS["train"].params if p.name == "content")
    assert f"{LEAST_PHOTOS} at least" in content.help
    assert "\n" not in help_of(train).replace("\n\n", "")
