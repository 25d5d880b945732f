"""`impasto rerun`: the same picture again, or the reason why not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from impasto.cli import options as shared
from impasto.cli.console import hush, remark, tell_version
from impasto.cli.info import recipe_in
from impasto.errors import RecipeError
from impasto.image.formats import format_of

if TYPE_CHECKING:
    from impasto.painting.sources import Task

__all__ = ["rerun"]

_MOVED = "Where the inputs are now"


def _moved(role: str, what: str, metavar: str = "FILE") -> typer.models.OptionInfo:
    info: typer.models.OptionInfo = typer.Option(
        f"--{role}", metavar=metavar, help=what, rich_help_panel=_MOVED, show_default=False
    )
    return info


@shared.with_run_flags(without=("out", "memory", "dry_run"))
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
    flags: shared.RunFlags,
) -> None:
    """Paint a picture again from the recipe inside it: the same pixels on the same machine.

    A picture that was stopped early is stopped at the same step.
    """
    hush(flags.quiet)
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
    from impasto.cli.running import follow, output_of
    from impasto.image.reading import depth
    from impasto.painting import rerun
    from impasto.painting.recipe_inputs import locate
    from impasto.run.launch import begin

    places = locate(recipe, moved, picture.parent)
    # As many bits as the picture has; a format without 16 bits takes 8.
    written = format_of(out)
    bits = depth(picture) if written is not None and written.bits == 16 else 8
    output = output_of(replace(flags, out=out), out, bits=bits)
    tell_version(recipe.version, quiet=flags.quiet)
    if recipe.replanned and not flags.quiet:
        remark("its plan was changed on the way, for want of memory: pixels will differ a little")
    of_weights = rerun.change_of_weights(recipe, config, weights)
    _refuse([of_weights] if of_weights else [], anyway=anyway, quiet=flags.quiet)
    rerun.take_threads(recipe)

    def prepared() -> Task:
        task = rerun.prepare_again(recipe, places, weights)
        _refuse(rerun.changes(recipe, task.recipe), anyway=anyway, quiet=flags.quiet)
        return task

    follow(
        lambda options: begin(
            prepared, output, options, config.size, weights=weights, repeats=recipe
        ),
        flags,
    )


def _several(one: str | None) -> list[str]:
    return [] if one is None else [one]


def _refuse(changes: Iterable[str], *, anyway: bool, quiet: bool) -> None:
    """Stop before another picture is painted, unless it is to be painted `anyway`.

    Raises:
        RecipeError: something is not the same.
    """
    message = "; ".join(changes)
    if message and not anyway:
        raise RecipeError(
            f"This would be another picture: {message}. --anyway paints it nevertheless."
        )
    if message and not quiet:
        remark(f"this will be another picture: {message}")
