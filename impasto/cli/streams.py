"""Pictures from standard input and to standard output, which a command line calls `-`."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from impasto.cli.options import RunFlags
from impasto.errors import OptionError, PictureError
from impasto.image import header_limits
from impasto.painting.sources import Sources, StandardInput

__all__ = ["STREAM", "is_output", "label", "refuse_stream", "send", "streams"]

STREAM = "-"

_BLOCK = 2**20
_STEM = "picture"  # of the file that goes to standard output in the end


def label(source: str) -> str:
    """Return what a picture is called in names of files: that of its file, without the suffix."""
    return "stdin" if source == STREAM else Path(source).stem


def is_output(flags: RunFlags) -> bool:
    """Return whether the picture goes to standard output."""
    return flags.out is not None and str(flags.out) == STREAM


def refuse_stream(names: list[str]) -> None:
    """Refuse standard input among several pictures.

    Raises:
        OptionError: it is there.
    """
    if STREAM in names:
        raise OptionError(
            "Standard input (-) is one photograph: paint it by a command of its own, without "
            "others beside it."
        )


@contextlib.contextmanager
def streams(sources: Sources, flags: RunFlags) -> Iterator[tuple[Sources, Path | None, bool]]:
    """Receive the picture that is to come from standard input, and make room for one that goes out.

    Yields:
        The sources; the picture's file, if one was typed or it goes to standard output, where
        `send` is to write it; and whether the run keeps a folder. All files are removed at the end.

    Raises:
        OptionError: an option that makes no sense with them, or a terminal at their end.
        PictureError: there is nothing on standard input, or no picture.
    """
    count, goes_out = _inputs(sources), is_output(flags)
    if flags.format is not None and not goes_out:
        raise OptionError("--format is for -o -: the suffix of OUT says the format of a file.")
    if not count and not goes_out:
        yield sources, flags.out, True
        return
    _check(flags, count)
    with tempfile.TemporaryDirectory(prefix="impasto-") as folder:
        if count:
            sources = _filled(sources, _received(Path(folder)))
        out = Path(folder, f"{_STEM}.{flags.format or 'png'}") if goes_out else flags.out
        yield sources, out, False


def send(path: Path) -> None:
    """Write a file's bytes to standard output."""
    sys.stdout.flush()
    with path.open("rb") as file:
        shutil.copyfileobj(file, sys.stdout.buffer, _BLOCK)
    sys.stdout.buffer.flush()


def _inputs(sources: Sources) -> int:
    """Return how many of the pictures are to come from standard input."""
    styles = [spec.source for spec in sources.styles]
    pictures = [sources.content, *styles, sources.content_map, *sources.style_maps]
    return sum(str(source) == STREAM for source in pictures)


def _check(flags: RunFlags, count: int) -> None:
    if count > 1:
        raise OptionError(f"Standard input (-) is one picture, and {count} are named so.")
    if count and (sys.stdin is None or sys.stdin.isatty()):
        what = "closed" if sys.stdin is None else "the terminal"
        raise OptionError(f"Standard input is {what}: send a picture into it, or name a file.")
    kept = {"--run": flags.run, "--keep-run": flags.keep_run, "--resume": flags.resume}
    if names := [name for name, typed in kept.items() if typed]:
        raise OptionError(
            f"{', '.join(names)}: a run from standard input or to standard output (-) has no "
            "folder to be continued from. Leave it out, or name files."
        )
    if not is_output(flags):
        return
    if flags.preview_every is not None:
        raise OptionError("--preview-every writes beside OUT, and -o - is standard output.")
    if flags.as_json:
        raise OptionError("--json prints to standard output, where -o - puts the picture.")
    if sys.stdout is None or (sys.stdout.isatty() and not flags.dry_run):
        what = "closed" if sys.stdout is None else "the terminal"
        raise OptionError(f"Standard output is {what}: send the picture on, or name a file.")


def _received(folder: Path) -> StandardInput:
    """Keep what standard input holds in a file.

    Raises:
        PictureError: nothing, too much, or no picture.
    """
    source = StandardInput(folder / "input")
    size = 0
    with source.file.open("wb") as file:
        while block := sys.stdin.buffer.read(_BLOCK):
            size += len(block)
            if size > header_limits.MAX_BYTES:
                raise PictureError(
                    f"Standard input has more than {header_limits.MAX_BYTES:,} bytes, the most "
                    "that are read of a picture."
                )
            file.write(block)
    if not size:
        raise PictureError("Standard input is empty: send a picture into it, or name a file.")
    from impasto.painting.preflight import check_picture

    try:
        check_picture(source)
    except PictureError as error:
        raise PictureError(str(error).replace(str(source.file), str(source))) from error
    return source


def _filled(sources: Sources, received: StandardInput) -> Sources:
    """Return sources with what was received where they say `-`."""

    def of(source: Any) -> Any:
        return received if str(source) == STREAM else source

    return replace(
        sources,
        content=of(sources.content),
        styles=tuple(replace(spec, source=of(spec.source)) for spec in sources.styles),
        content_map=of(sources.content_map),
        style_maps=tuple(of(source) for source in sources.style_maps),
    )
