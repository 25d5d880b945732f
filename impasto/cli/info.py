"""`impasto info`: the recipe inside a picture, and what a file of trained styles holds."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from impasto.cli import options as shared
from impasto.cli.console import results, visible
from impasto.config.memory import MemoryPlan
from impasto.config.methods import METHODS
from impasto.config.recipe import Input, Recipe, short
from impasto.errors import RecipeError
from impasto.networks.trained_metadata import is_trained, read_metadata, split_source

__all__ = ["info", "recipe_in"]


def info(
    picture: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help="A picture made by Impasto, or a file of trained styles.",
            show_default=False,
        ),
    ],
    as_json: shared.Json = False,
) -> None:
    """Show the recipe inside a picture: what it was made from, and how; or a file's styles."""
    if is_trained(picture):
        _show_styles(Path(split_source(str(picture))[0]), as_json=as_json)
        return
    recipe = recipe_in(picture)
    if as_json:
        print(json.dumps(recipe.to_dict(), indent=2, sort_keys=True))
    else:
        results().print(_table(recipe))


def _show_styles(path: Path, *, as_json: bool) -> None:
    words = read_metadata(path)
    if as_json:
        print(json.dumps(asdict(words), indent=2))
        return
    table = Table(box=None, padding=(0, 2), header_style="dim")
    for heading in ("style", "steps", "loss before", "loss", "content", "style distance"):
        table.add_column(heading, justify="left" if heading == "style" else "right")
    for entry in words.entries:
        figures = (entry.before, entry.loss, entry.content, entry.style)
        table.add_row(entry.name, str(entry.steps), *(f"{figure:.3f}" for figure in figures))
    results().print(table)


def recipe_in(picture: Path) -> Recipe:
    """The recipe that a picture carries.

    Raises:
        PictureError: no such picture.
        RecipeError: it carries none, or not one of ours.
    """
    from impasto.image.reading import read_recipe

    text = read_recipe(picture)
    if text is None:
        raise RecipeError(
            f"There is no recipe in {picture}: Impasto did not make it, or --no-recipe or another "
            "program left it out."
        )
    return Recipe.from_json(text)


def _table(recipe: Recipe) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(style="dim", no_wrap=True)
    for given in recipe.inputs:
        table.add_row(given.role, Text(_named(given), "bold"), short(given.digest))
    table.add_row("method", visible(recipe.method), f"impasto {visible(recipe.version)}")
    if (stop := recipe.stopped_at) is not None:
        table.add_row("stopped", f"in scale {stop.scale}, after iteration {stop.iteration}")
    if recipe.replanned:
        table.add_row("plan changed", "on the way: its last bits cannot be repeated")
    if recipe.extended:
        table.add_row("extended", f"by {recipe.extended} iterations")
    if recipe.plan != MemoryPlan():
        told = (f"{name} {value}" for name, value in recipe.plan.to_dict().items())
        table.add_row("plan", visible(", ".join(told)))
    method = METHODS.get(recipe.method, METHODS["gatys"])
    usual = {spec.name: spec.default for spec in fields(method.config)}
    for name, value in recipe.config.items():
        note = short(recipe.backbone_digest) if name == "backbone" else ""
        changed = name in usual and not _same(value, usual[name])
        table.add_row(
            visible(name.replace("_", "-")), Text(_shown(value), "bold" if changed else ""), note
        )
    return table


def _named(given: Input) -> str:
    """An input as it was typed: a region's style after its colour, another's weight behind it."""
    name = visible(given.name) or "no file"
    use = visible(given.use)
    return f"{use}={name}" if given.role == "region" else name + use


def _same(value: Any, usual: Any) -> bool:
    return bool(value == (list(usual) if isinstance(usual, tuple) else usual))


def _shown(value: Any) -> str:
    return visible(", ".join(value) if isinstance(value, list) else str(value))
