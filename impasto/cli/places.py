"""Where a picture goes: what `--out` names, a file or a folder."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from impasto.cli.options import RunFlags
from impasto.cli.streams import STREAM
from impasto.errors import OptionError, PictureError

__all__ = ["check_folder", "names_folder", "new_folder", "picture_path", "placed"]

_SUFFIX = re.compile(r"\.[^\W\d]\w*")  # that of a file: no year or version number


def names_folder(out: Path) -> bool:
    """Return whether a name means a folder: an existing one, or a name without a suffix."""
    if out.is_dir():
        return True
    return not (_SUFFIX.fullmatch(out.suffix) or out.exists() or str(out) == STREAM)


def picture_path(out: Path | None, name: str) -> Path:
    """Return the file of a picture.

    Args:
        out: what was typed: a file, or a folder that it goes into.
        name: the file where none was typed, whose name it has in a folder.
    """
    if out is None:
        return Path(name)
    return out / Path(name).name if names_folder(out) else out


def check_folder(out: Path) -> None:
    """Refuse the name of a file where several pictures go.

    Raises:
        OptionError: it is not the name of a folder.
    """
    if names_folder(out):
        return
    example = "" if out.exists() or not out.suffix else f", such as {out.with_suffix('')}"
    raise OptionError(
        f"{out} is {'a' if out.exists() else 'the name of a'} file, and the pictures go into a "
        f"folder: give the name of one with --out{example}."
    )


@contextlib.contextmanager
def placed(flags: RunFlags, name: str) -> Iterator[RunFlags]:
    """Make the folder that a picture goes into, if `--out` names one.

    Args:
        name: of the picture, where `--out` does not say it.

    Yields:
        The flags, with the picture's file as `out`. A new folder that stays empty is removed.

    Raises:
        PictureError: the folder cannot be made.
    """
    out = flags.out
    if out is None or not names_folder(out):
        yield flags
        return
    with new_folder(out):
        yield replace(flags, out=out / name)


@contextlib.contextmanager
def new_folder(out: Path) -> Iterator[None]:
    """Make a folder; one that is new and stays empty is removed in the end.

    Raises:
        PictureError: it cannot be made.
    """
    new = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        reason = problem.strerror or problem
        raise PictureError(f"The folder {out} cannot be made: {reason}.") from problem
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # not empty
            for folder in new:
                folder.rmdir()
