"""The reference of the command: a page for each subcommand, from the options that it declares."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

from typer.main import get_command

from impasto.cli.main import app

__all__ = ["Subcommand", "index", "page", "subcommands"]

# What help texts say of a default, as the command shows it.
_DEFAULT = re.compile(r"\s*\\?\[default: (.*?)\]\s*$", re.S)

_BOUNDLESS = 100_000  # as in the command's own help: nobody reaches a larger bound


@dataclass(frozen=True)
class Subcommand:
    """One command as it is typed, without the program's name.

    Attributes:
        name: such as `stylize`, or `style make`.
        command: as Typer made it.
    """

    name: str
    command: Any

    @property
    def file(self) -> str:
        """The page's file name."""
        return self.name.replace(" ", "-") + ".md"

    @property
    def summary(self) -> str:
        """What it does, in one sentence."""
        return str(self.command.help or "").strip().partition("\n\n")[0].replace("\n", " ")


def subcommands() -> list[Subcommand]:
    """Return all that the command lists, in its order."""
    return list(_walk(get_command(app), ""))


def _walk(command: Any, name: str) -> Iterator[Subcommand]:
    for word, child in getattr(command, "commands", {}).items():
        if not child.hidden:
            yield from _walk(child, f"{name} {word}".strip())
    if not getattr(command, "commands", {}):
        yield Subcommand(name, command)


def index(commands: list[Subcommand]) -> str:
    """Return the page that lists the commands."""
    rows = [f"| [`impasto {c.name}`]({c.file}) | {_cell(c.summary)} |" for c in commands]
    return "\n".join(
        [
            "# Commands",
            "",
            "Every command with every option, as this version has them. `impasto COMMAND --help` "
            "prints the same.",
            "",
            "| command | what it does |",
            "|---|---|",
            *rows,
            "",
        ]
    )


def page(command: Subcommand) -> str:
    """Return a command's page: how it is called, then its options under their headings."""
    parameters = [p for p in command.command.params if not getattr(p, "hidden", False)]
    arguments = [p for p in parameters if p.param_type_name == "argument"]
    options = [p for p in parameters if p.param_type_name == "option" and p.name != "help"]
    call = " ".join(
        ["impasto", command.name, *map(_metavar, arguments), *(["[OPTIONS]"] if options else [])]
    )
    lines = [f"# impasto {command.name}", "", *_paragraphs(str(command.command.help or ""))]
    lines += ["```text", call, "```", ""]
    if command.command.epilog:
        lines += _paragraphs(str(command.command.epilog))
    if arguments:
        lines += ["## Arguments", "", *_each(arguments)]
    panels: dict[str, list[Any]] = {}
    for option in options:
        panels.setdefault(option.rich_help_panel or "Options", []).append(option)
    for panel, members in panels.items():
        lines += [f"## {panel}", "", *_each(members)]
    return "\n".join(lines)


def _paragraphs(text: str) -> list[str]:
    """Return a help text as Markdown: an indented block stays as it is typed."""
    lines: list[str] = []
    for block in re.split(r"\n\s*\n", text.replace("\b", "").strip("\n")):
        block = block.removeprefix("Example: ")
        if block.startswith((" ", "impasto ", "$ ")):
            lines += ["```text", *(line.strip() for line in block.splitlines()), "```", ""]
        elif block.strip():
            lines += [_inline(" ".join(block.split())), ""]
    return lines


def _each(parameters: list[Any]) -> Iterator[str]:
    for parameter in parameters:
        yield from _parameter(parameter)


def _parameter(parameter: Any) -> Iterator[str]:
    """Yield what a page says of an argument or option."""
    text = str(parameter.help or "")
    default = _DEFAULT.search(text)
    text = _DEFAULT.sub("", text)
    facts = [(name, fact) for name, fact in _facts(parameter, default) if fact]
    yield f"### {_title(parameter)} {{: .option }}"
    yield ""
    yield _inline(" ".join(text.split()))
    yield ""
    if facts:
        items = (f"<span>{n}</span> <code>{escape(f)}</code>" if f != n else n for n, f in facts)
        yield f'<p class="facts">{" · ".join(items)}</p>'
        yield ""


def _facts(parameter: Any, default: re.Match[str] | None) -> Iterator[tuple[str, str]]:
    """Yield what an option takes, from where to where, and what it is otherwise."""
    names = [*parameter.opts, *parameter.secondary_opts]
    short = [name.strip() for name in names if not name.strip().startswith("--")]
    if parameter.param_type_name == "option":
        yield "short", ", ".join(short)
        yield "takes", _takes(parameter)
    else:
        yield ("required",) * 2 if parameter.required else ("optional",) * 2
    if getattr(parameter, "multiple", False) or parameter.nargs != 1:
        yield ("several are possible",) * 2
    value = parameter.default
    if default:
        yield "default", default.group(1)
    elif value not in (None, False, (), []) and not callable(value):
        yield "default", str(value)


def _takes(parameter: Any) -> str:
    """Return an option's values as text: a name for them, choices, or a range."""
    if getattr(parameter, "is_flag", False):
        return ""
    low, high = getattr(parameter, "min", None), getattr(parameter, "max", None)
    metavar = str(parameter.metavar or "")
    if "…" in metavar or "|" in metavar or (low is None and high is None):
        return metavar or "a text"
    if high is None or high > _BOUNDLESS:
        return f"{low:g}…"
    return f"{0 if low is None else low:g}…{high:g}"


def _title(parameter: Any) -> str:
    """Return an option's long names, or an argument's name."""
    if parameter.param_type_name == "argument":
        return f"`{_metavar(parameter)}`"
    names = [name.strip() for name in (*parameter.opts, *parameter.secondary_opts)]
    return " / ".join(f"`{name}`" for name in names if name.startswith("--"))


def _metavar(argument: Any) -> str:
    name = str(argument.metavar or argument.name.upper())
    return name if argument.required or name.startswith("[") else f"[{name}]"


def _inline(text: str) -> str:
    """Return plain text as Markdown: options and names in quotes become code."""
    text = text.replace("\\[", "[")
    parts = re.split(r"(`[^`]*`)", text)
    for i in range(0, len(parts), 2):
        plain = escape(parts[i], quote=False).replace("*", r"\*").replace("_", r"\_")
        parts[i] = re.sub(r"(?<![\w-])(--[a-z][a-z0-9-]*)", r"`\1`", plain).replace("|", r"\|")
    return "".join(parts)


def _cell(text: str) -> str:
    return _inline(text)
