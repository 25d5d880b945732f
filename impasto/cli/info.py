"""`impasto info`: the recipe inside a picture, and what a file of trained styles holds."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any

from rich.table import Table
from rich.text import Text

from impasto.cli import options as shared
from impasto.cli.console import stdout_console, visible
from impasto.config.memory import MemoryPlan
from impasto.config.methods import METHODS
from impasto.config.recipe import Input, Recipe, short
from impasto.networks.trained_metadata import is_trained, read_metadata, split_source

__all__ = ["info"]


def info(
    picture: Annotated[
        Path,
        shared.argument("OUT", "A picture made by Impasto, or a file of trained styles."),
    ],
    as_json: shared.Json = False,
) -> None:
    """Show the recipe inside a picture: what it was made from, and how; or a file's styles."""
    if is_trained(picture):
        _show_styles(Path(split_source(str(picture))[0]), as_json=as_json)
        return
    from impasto.painting.recipes import recipe_of

    recipe = recipe_of(picture)
    if as_json:
        print(json.dumps(recipe.to_dict(), indent=2, sort_keys=True))
    else:
        stdout_console().print(_table(recipe))


def _show_styles(path: Path, *, as_json: bool) -> None:
    metadata = read_metadata(path)
    if as_json:
        print(json.dumps(asdict(metadata), indent=2))
        return
    table = Table(box=None, padding=(0, 2), header_style="dim")
    for heading in ("style", "steps", "loss before", "loss", "content", "style distance"):
        table.add_column(heading, justify="left" if heading == "style" else "right")
    for entry in metadata.entries:
        figures = (entry.before, entry.loss, entry.content, entry.style)
        table.add_row(entry.name, str(entry.steps), *(f"{figure:.3f}" for figure in figures))
    stdout_console().print(table)


def _table(recipe: Recipe) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(style="dim", no_wrap=True)
    for entry in recipe.inputs:
        table.add_row(entry.role, Text(_input_text(entry), "bold"), short(entry.digest))
    table.add_row("method", visible(recipe.method), f"impasto {visible(recipe.version)}")
    if (stop := recipe.stopped_at) is not None:
        table.add_row("stopped", f"in scale {stop.scale}, after iteration {stop.iteration}")
    if recipe.replanned:
        table.add_row("plan changed", "while it was painted: its last bits cannot be repeated")
    if recipe.extended:
        table.add_row("extended", f"by {recipe.extended} iterations")
    if recipe.plan != MemoryPlan():
        parts = (f"{name} {value}" for name, value in recipe.plan.to_dict().items())
        table.add_row("plan", visible(", ".join(parts)))
    method = METHODS.get(recipe.method, METHODS["gatys"])
    defaults = {spec.name: spec.default for spec in fields(method.config)}
    for name, value in recipe.config.items():
        note = short(recipe.backbone_digest) if name == "backbone" else ""
        is_changed = name in defaults and not _equals(value, defaults[name])
        text = visible(", ".join(value) if isinstance(value, list) else str(value))
        label = visible(name.replace("_", "-"))
        table.add_row(label, Text(text, "bold" if is_changed else ""), note)
    return table


def _input_text(entry: Input) -> str:
    """Return an input as it was typed: a region's colour before its style, a weight after it."""
    name, use = visible(entry.name) or "no file", visible(entry.use)
    return f"{use}={name}" if entry.role == "region" else name + use


def _equals(value: Any, default: Any) -> bool:
    return bool(value == (list(default) if isinstance(default, tuple) else default))
