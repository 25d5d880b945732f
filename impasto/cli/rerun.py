"""`impasto rerun`: the same picture again, or the reason why not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from impasto import __version__
from impasto.cli import options as shared
from impasto.cli.console import hush, remark
from impasto.cli.info import recipe_in, short
from impasto.cli.inputs import ROLES, change, depth, found_in
from impasto.cli.outputs import Wanted, with_output
from impasto.errors import RecipeError, WeightsError
from impasto.features.sources import digest
from impasto.methods.choices import RegionChoice, StyleChoice
from impasto.methods.configs import PhotoConfig, PixelConfig
from impasto.recipe import Recipe

__all__ = ["rerun"]

_MOVED = "Where the inputs are now"


def _moved(role: str, what: str, metavar: str = "FILE") -> typer.models.OptionInfo:
    info: typer.models.OptionInfo = typer.Option(
        f"--{role}", metavar=metavar, help=what, rich_help_panel=_MOVED, show_default=False
    )
    return info


@with_output(without=("out",))
def rerun(
    picture: Annotated[
        Path, typer.Argument(metavar="OUT", help="A picture made by Impasto.", show_default=False)
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="AGAIN", help="Where the same goes again.", show_default=False
        ),
    ],
    content: Annotated[str | None, _moved("content", "The photograph.")] = None,
    style: Annotated[
        list[str] | None, _moved("style", "The painting or style card; several in their order.")
    ] = None,
    content_map: Annotated[str | None, _moved("content-map", "The photograph's map.")] = None,
    style_map: Annotated[
        list[str] | None, _moved("style-map", "The painting's map; several in their order.")
    ] = None,
    region: Annotated[
        list[str] | None, _moved("region", "The style of a region.", "#RRGGBB=FILE")
    ] = None,
    init: Annotated[str | None, _moved("init", "The picture that was started from.")] = None,
    weights: shared.Weights = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Paint even though an input has changed.")
    ] = False,
    *,
    wanted: Wanted,
) -> None:
    """Paint a picture again from the recipe inside it: the same pixels on the same machine.

    A picture that was stopped early is stopped at the same step.
    """
    hush(wanted.quiet)
    recipe = recipe_in(picture)
    config = recipe.settings()
    moved = {
        "content": _several(content),
        "style": style or [],
        "content-map": _several(content_map),
        "style-map": style_map or [],
        "region": region or [],
        "init": _several(init),
    }
    places = found_in(recipe, moved, picture.parent)

    from impasto.cli.easel import output_of, present, run
    from impasto.painting import prepare

    output = output_of(replace(wanted, out=out), out, _bits(picture, out))
    output.check(config.size)
    _tell_version(recipe, wanted.quiet)
    _refuse([_change_of_weights(recipe, config, weights)], anyway=anyway, quiet=wanted.quiet)
    _take_threads(recipe)
    task = prepare(_sources(recipe, places, weights), _placed(config, recipe, places))
    changes = [
        change(then, now)
        for role in ROLES
        for then, now in zip(recipe.of(role), task.recipe.of(role), strict=True)
    ]
    _refuse(changes, anyway=anyway, quiet=wanted.quiet)
    result = run(task, output, until=recipe.stopped_at)
    present(result, quiet=wanted.quiet, as_json=wanted.as_json)


def _several(one: str | None) -> list[str]:
    return [] if one is None else [one]


def _sources(recipe: Recipe, places: dict[str, list[str]], weights: Path | None) -> Any:
    """The recipe's sources where they are now, with the weights and layers of its styles."""
    from impasto.painting import Sources

    both = zip(recipe.of("style"), places["style"], strict=True)
    styles = [StyleChoice.used(place, given.use) for given, place in both]
    one = {role: next(iter(places[role]), None) for role in ("content", "init", "content-map")}
    return Sources(
        one["content"],
        tuple(styles),
        one["init"],
        one["content-map"],
        tuple(places["style-map"]),
        weights,
    )


def _placed(config: PixelConfig, recipe: Recipe, places: dict[str, list[str]]) -> PixelConfig:
    """The config, with its regions' styles where they are now."""
    if not isinstance(config, PhotoConfig) or not config.region:
        return config
    now = {g.use: place for g, place in zip(recipe.of("region"), places["region"], strict=True)}
    choices = [RegionChoice.parse(text) for text in config.region]
    moved = [replace(c, style=now[c.colour]) if c.style else c for c in choices]
    return replace(config, region=tuple(str(choice) for choice in moved))


def _take_threads(recipe: Recipe) -> None:
    """As many as then: sums, and the last bits of pixels with them, depend on their number."""
    import torch

    torch.set_num_threads(recipe.threads)


def _tell_version(recipe: Recipe, quiet: bool) -> None:
    if recipe.version != __version__ and not quiet:
        remark(f"made by Impasto {recipe.version}, this is {__version__}: pixels may differ")


def _bits(picture: Path, out: Path) -> int:
    """As many as the picture has; a format without 16 bits takes 8."""
    return depth(picture) if out.suffix.lower() in (".png", ".tif", ".tiff") else 8


def _change_of_weights(then: Recipe, config: PixelConfig, weights: Path | None) -> str | None:
    """How the weights differ from the recipe's; None if they do not.

    A recipe does not tell whether its weights were named by a file, so any change may mean that.

    Raises:
        WeightsError: there are none here.
    """
    try:
        now = digest(config.backbone, weights)
    except WeightsError as error:
        if weights is None:
            error.add_note("If the recipe's came from a file, name it with --weights FILE.")
        raise
    if now == then.backbone_digest:
        return None
    told = f"the weights of {config.backbone} are {short(now)} and were "
    told += short(then.backbone_digest)
    return f"{told} (if those came from a file, name it with --weights FILE)"


def _refuse(changes: Iterable[str | None], *, anyway: bool, quiet: bool) -> None:
    """Stop before another picture is painted, unless it is to be painted `anyway`.

    Raises:
        RecipeError: something is not the same.
    """
    told = "; ".join(change for change in changes if change)
    if told and not anyway:
        raise RecipeError(
            f"This would be another picture: {told}. --anyway paints it nevertheless."
        )
    if told and not quiet:
        remark(f"this will be another picture: {told}")
