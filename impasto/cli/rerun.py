"""`impasto rerun`: the same picture again, or the reason why not."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

import typer

from impasto import __version__
from impasto.cli import options as shared
from impasto.cli.console import hush, remark
from impasto.cli.info import recipe_in, short
from impasto.cli.inputs import ROLES, change, depth, find
from impasto.errors import RecipeError, WeightsError
from impasto.features.sources import digest
from impasto.methods.configs import GatysConfig
from impasto.recipe import Recipe

__all__ = ["rerun"]

_MOVED = "Where the inputs are now"


def _moved(role: str, what: str) -> typer.models.OptionInfo:
    info: typer.models.OptionInfo = typer.Option(
        f"--{role}", metavar="FILE", help=what, rich_help_panel=_MOVED
    )
    return info


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
    style: Annotated[str | None, _moved("style", "The painting or style card.")] = None,
    init: Annotated[str | None, _moved("init", "The picture that was started from.")] = None,
    weights: shared.Weights = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Paint even though an input has changed.")
    ] = False,
    force: shared.Force = False,
    bits: shared.BitsAsBefore = None,
    quality: shared.Quality = 95,
    no_recipe: shared.NoRecipe = False,
    preview_every: shared.PreviewEvery = None,
    trace: shared.Trace = None,
    quiet: shared.Quiet = False,
    as_json: shared.Json = False,
) -> None:
    """Paint a picture again from the recipe inside it: the same pixels on the same machine.

    A picture that was stopped early is stopped at the same step.
    """
    hush(quiet)
    recipe = recipe_in(picture)
    config = recipe.settings()
    moved = {"content": content, "style": style, "init": init}
    sources = {role: find(recipe, role, path, picture.parent) for role, path in moved.items()}

    from impasto.cli.easel import Output, present, run
    from impasto.painting import prepare

    output = Output(
        path=out,
        bits=_bits(bits, picture, out),
        quality=quality,
        force=force,
        recipe=not no_recipe,
        preview_every=preview_every,
        trace=trace,
        quiet=quiet,
    )
    output.check(config.size)
    if recipe.version != __version__ and not quiet:
        remark(f"made by Impasto {recipe.version}, this is {__version__}: pixels may differ")
    _refuse([_change_of_weights(recipe, config, weights)], anyway=anyway, quiet=quiet)
    task = prepare(
        sources["content"], sources["style"], config, init=sources["init"] or None, weights=weights
    )
    changes = (change(role, recipe.input(role), task.recipe.input(role)) for role in ROLES)
    _refuse(changes, anyway=anyway, quiet=quiet)
    present(run(task, output, until=recipe.stopped_at), quiet=quiet, as_json=as_json)


def _bits(told: str | None, picture: Path, out: Path) -> Literal[8, 16]:
    """As told, else as many as the picture has; a format without 16 bits takes 8."""
    if told is not None:
        return 16 if told == "16" else 8
    return depth(picture) if out.suffix.lower() in (".png", ".tif", ".tiff") else 8


def _change_of_weights(then: Recipe, config: GatysConfig, weights: Path | None) -> str | None:
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
