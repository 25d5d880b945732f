"""`impasto library`: indices of pictures, in which those that fit a drawing are found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from impasto.cli import options as shared
from impasto.cli.console import print_note, print_path, set_quiet
from impasto.cli.progress import progress_bar
from impasto.errors import OptionError
from impasto.files import atomic

if TYPE_CHECKING:
    from impasto.sketch.picture_library import Indexing

__all__ = ["app"]

app = typer.Typer(
    help="Index folders of pictures, so that a drawing finds the one that fits.",
    no_args_is_help=True,
)

_SUFFIX = ".index"
_NAMED = 3  # unreadable pictures that are named


@app.callback()
def _library() -> None:
    """Index folders of pictures, so that a drawing finds the one that fits."""


@app.command()
def index(
    folder: Annotated[
        Path, shared.argument("FOLDER", "A folder of pictures; its own folders count too.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="INDEX",
            help="A name that ends in .index; otherwise FOLDER.index, here. An index that is "
            "there is updated: only new and changed pictures are read.",
        ),
    ] = None,
    as_json: shared.Json = False,
    quiet: shared.Quiet = False,
) -> None:
    """Index the pictures of a folder once, for `impasto sketch --library INDEX`.

    After Ctrl-C the same command continues: what was read is in the index.
    """
    set_quiet(quiet)
    target = out or Path(f"{folder.resolve().name or 'pictures'}{_SUFFIX}")
    if target.suffix.lower() != _SUFFIX:
        raise OptionError(f"{target} is no name for an index: it must end in {_SUFFIX}.")
    atomic.check_target(target, force=True, error=OptionError)

    from impasto.sketch.picture_library import index_folder

    state: Indexing | None = None
    with progress_bar("indexing", quiet=quiet) as bar:
        for state in index_folder(folder, target):
            if bar is not None:
                bar(state.done / max(1, state.new), "indexing", f"{state.done:,} of {state.new:,}")
    assert state is not None
    _present(state, target, quiet=quiet, as_json=as_json)


def _present(state: Indexing, target: Path, *, quiet: bool, as_json: bool) -> None:
    """Print what was indexed, and what could not be read."""
    added = state.done - len(state.unreadable)
    if as_json:
        counts = {"added": added, "kept": state.kept, "dropped": state.dropped}
        print(json.dumps({"index": str(target), **counts, "unreadable": state.unreadable}))
        return
    if not quiet:
        print_note(f"added: {added:,}, kept: {state.kept:,}, dropped: {state.dropped:,}")
        for message in list(state.unreadable.values())[:_NAMED]:
            print_note(f"left out: {message}")
        if len(state.unreadable) > _NAMED:
            print_note(f"left out: {len(state.unreadable) - _NAMED:,} more")
    print_path(target)
