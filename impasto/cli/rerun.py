"""`impasto rerun`: the same picture again, or why that is impossible."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto.cli import options as shared
from impasto.cli.console import print_note, set_quiet
from impasto.cli.painting import output_of
from impasto.cli.places import picture_path
from impasto.errors import RecipeError

if TYPE_CHECKING:
    from impasto.painting.task import Task

__all__ = ["rerun"]

_PANEL = "Where the inputs are now"


def _input(role: str, help: str, metavar: str = "FILE") -> Any:
    return shared.option(f"--{role}", metavar=metavar, help=help, rich_help_panel=_PANEL)


@shared.with_run_flags(without=("out", "format", "memory", "dry_run", *shared.QUEUED))
def rerun(
    picture: Annotated[Path, shared.argument("OUT", "A picture made by Impasto.")],
    out: Annotated[
        Path,
        shared.option(
            "--out", "-o", metavar="AGAIN", help="The new picture, or an existing folder."
        ),
    ],
    content: Annotated[str | None, _input("content", "The photograph.")] = None,
    style: Annotated[
        list[str] | None,
        _input("style", "The painting or style card; several in their order."),
    ] = None,
    content_map: Annotated[str | None, _input("content-map", "The photograph's map.")] = None,
    style_map: Annotated[
        list[str] | None, _input("style-map", "The painting's map; several in their order.")
    ] = None,
    region: Annotated[
        list[str] | None, _input("region", "The style of a region.", "#RRGGBB=FILE")
    ] = None,
    init: Annotated[str | None, _input("init", "The picture that was started from.")] = None,
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
    from impasto.image.writable import written_format
    from impasto.painting.recipe_inputs import changed_files, locate
    from impasto.painting.recipes import recipe_of
    from impasto.run.preflight import check_output

    set_quiet(flags.quiet)
    out = picture_path(out, picture.name)
    recipe = recipe_of(picture)
    config = recipe.settings()
    replacements = {
        "content": [] if content is None else [content],
        "style": style or [],
        "content-map": [] if content_map is None else [content_map],
        "style-map": style_map or [],
        "region": region or [],
        "init": [] if init is None else [init],
    }
    places = locate(recipe, replacements, picture.parent)
    _refuse(changed_files(recipe, places), anyway=anyway, quiet=True)  # noted once all are known
    written = written_format(out)
    output = output_of(flags, out)
    check_output(output, config.size, chosen=flags.run, resume=flags.resume)

    from impasto.cli.running import follow
    from impasto.image.reading import depth
    from impasto.painting import rerun
    from impasto.run.launch import begin

    # As many bits as the picture has; a format without 16 bits takes 8.
    bits = depth(picture) if written.bits == 16 else 8
    output = output_of(flags, out, bits=bits)
    if recipe.replanned and not flags.quiet:
        print_note("its plan was changed for lack of memory: pixels will differ a little")
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


def _refuse(changes: Iterable[str], *, anyway: bool, quiet: bool) -> None:
    """Refuse to paint a different picture, unless `anyway`.

    Raises:
        RecipeError: there are changes.
    """
    message = "; ".join(changes)
    if message and not anyway:
        raise RecipeError(f"This would be another picture: {message}. --anyway paints it even so.")
    if message and not quiet:
        print_note(f"this will be another picture: {message}")
