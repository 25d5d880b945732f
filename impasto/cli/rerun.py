"""`impasto rerun`: the same picture again, or the reason why not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli import options as shared
from impasto.cli.console import hush, remark
from impasto.cli.info import recipe_in, short
from impasto.errors import RecipeError
from impasto.recipe import Input, Recipe
from impasto.styles import gallery

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
    bits: shared.Bits = "8",
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
    sources = {role: _find(recipe, role, path, picture.parent) for role, path in moved.items()}

    from impasto.cli.easel import Output, present, run
    from impasto.painting import prepare

    output = Output(
        path=out,
        bits=16 if bits == "16" else 8,
        quality=quality,
        force=force,
        recipe=not no_recipe,
        preview_every=preview_every,
        trace=trace,
        quiet=quiet,
    )
    output.check()
    task = prepare(
        sources["content"], sources["style"], config, init=sources["init"] or None, weights=weights
    )
    _compare(recipe, task.recipe, anyway=anyway, quiet=quiet)
    present(run(task, output, until=recipe.stopped_at), quiet=quiet, as_json=as_json)


def _find(recipe: Recipe, role: str, moved: str | None, beside: Path) -> str:
    """Where an input is: as told, as it was given, beside the picture, or in the gallery.

    Returns:
        Its name; empty if there was none to start from.

    Raises:
        RecipeError: it is at none of these places.
    """
    given = recipe.input(role)
    if moved is not None:
        return moved
    if given is None and role == "init":
        return ""
    if given is None:
        raise RecipeError(f"The recipe names no {role}. Say which it was with --{role} FILE.")
    file = Path(given.name)
    for place in (file, beside / file, beside / file.name):
        if given.name and place.is_file():
            return str(place)
    if role == "style" and given.name in gallery.names():
        return given.name
    where = (
        f"{given.name!r} is neither here nor beside the picture" if given.name else "it was no file"
    )
    raise RecipeError(
        f"The {role} of the recipe is missing: {where}. Say where it is now with --{role} FILE."
    )


def _compare(then: Recipe, now: Recipe, *, anyway: bool, quiet: bool) -> None:
    """Hold what is here against what was there.

    Raises:
        RecipeError: something is not the same, and it is not to be painted `anyway`.
    """
    if then.version != now.version and not quiet:
        remark(f"made by Impasto {then.version}, this is {now.version}: pixels may differ")
    changed = [_change(role, then.input(role), now.input(role)) for role in _ROLES]
    if then.backbone_digest != now.backbone_digest:
        now_, then_ = short(now.backbone_digest), short(then.backbone_digest)
        changed.append(f"the weights of {now.config['backbone']} are {now_} and were {then_}")
    told = "; ".join(change for change in changed if change)
    if told and not anyway:
        raise RecipeError(
            f"This would be another picture: {told}. --anyway paints it nevertheless."
        )
    if told and not quiet:
        remark(f"this will be another picture: {told}")


_ROLES = ("content", "style", "init")


def _change(role: str, then: Input | None, now: Input | None) -> str | None:
    if then is None or now is None:
        return None if then is now else f"the recipe has no {role}"
    if then.digest == now.digest:
        return None
    return (
        f"the {role} {now.name!r} has changed: {short(now.digest)} now, {short(then.digest)} then"
    )
