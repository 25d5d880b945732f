"""What a training needs, and the files it writes: checked before any work. Needs no PyTorch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from impasto.config.methods import InstantConfig
from impasto.errors import OptionError, PictureError, StyleError
from impasto.features import sources
from impasto.files import atomic, locks
from impasto.files.names import resolved
from impasto.networks.trained_metadata import (
    MOST_STYLES,
    NAME,
    SUFFIX,
    TrainedMetadata,
    read_metadata,
)
from impasto.painting.preflight import check_style
from impasto.training.builtin import builtin_pictures
from impasto.training.photographs import find_pictures

__all__ = [
    "BUILTIN",
    "CURVES",
    "LEAST_PHOTOS",
    "OURS",
    "PREVIEW",
    "check_files",
    "check_folder",
    "check_names",
    "check_photos",
    "check_training",
    "files_of",
    "folder_of",
    "name_of",
    "photographs",
    "report_files",
]

BUILTIN = "builtin"
"""The name of the pictures that come with scikit-image."""

LEAST_PHOTOS = 8
"""Fewest photographs of a training; some hundreds are better."""

STATE, PREVIEW, CURVES = "state.safetensors", "preview.jpg", "curves.png"
OURS = {STATE, PREVIEW, CURVES, "train.jsonl"}
"""The files in a training's folder."""


def check_training(
    paintings: Sequence[str],
    content: str,
    out: Path,
    extends: Path | None,
    *,
    resume: bool = False,
    force: bool = False,
) -> None:
    """Check what a training is made of and where it is written; pictures by their headers.

    The arguments are the attributes of `run_training.TrainingSpec`.

    Raises:
        ImpastoError: any of it cannot be used.
    """
    check_files(out, extends, resume=resume, force=force)
    base = None if extends is None else read_metadata(extends)
    if base is not None:
        base.check_backbone(sources.digest("compact"), str(extends))
    check_photos(photographs(content))
    for painting in paintings:
        check_style(painting, InstantConfig())
    check_names([name_of(painting) for painting in paintings], base)


def folder_of(out: Path) -> Path:
    """Return the folder of a training: `out.train` for `out.impasto`."""
    return out.with_suffix(".train")


def report_files(out: Path) -> tuple[Path, Path, Path]:
    """Return the card, the sheet and the curves of a file of styles."""
    stem = out.stem
    return (
        out.with_suffix(".md"),
        out.with_name(f"{stem}-sheet.jpg"),
        out.with_name(f"{stem}-curves.png"),
    )


def name_of(source: str) -> str:
    """Return the name of a painting's style: its file's, without what needs quoting in a shell.

    Raises:
        OptionError: nothing is left of the name.
    """
    stem = Path(source).stem
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-._")[:64]
    if not NAME.fullmatch(name):
        raise OptionError(f"A style cannot be named after {source!r}: rename the file.")
    return name


def photographs(content: str) -> list[Path]:
    """Return the photographs to learn from.

    Args:
        content: a folder, or `BUILTIN`.

    Raises:
        OptionError: there is no such folder, or scikit-image is not installed.
        PictureError: the folder has no pictures.
    """
    if content == BUILTIN:
        return builtin_pictures()
    folder = Path(content)
    if not folder.is_dir():
        raise OptionError(
            f"There is no folder {content} of photographs to learn from. Name one (some hundreds, "
            "of everything that you will paint, with 300 pixels or more on each side), or use "
            "--content builtin: the pictures that come with scikit-image."
        )
    return find_pictures(folder)


def check_photos(photos: Sequence[Path]) -> None:
    """Check that there are enough photographs to learn from and to measure with.

    Raises:
        PictureError: there are too few.
    """
    if len(photos) < LEAST_PHOTOS:
        raise PictureError(
            f"There are {len(photos)} photographs to learn from, and {LEAST_PHOTOS} at least are "
            "needed; some hundreds are better: your own, of everything that you will paint, with "
            "300 pixels or more on each side. --content builtin uses those of scikit-image."
        )


def check_names(names: Sequence[str], base: TrainedMetadata | None) -> None:
    """Check that every style of a file has a name of its own.

    Args:
        base: what the file holds that these are added to.

    Raises:
        OptionError: two have one name, or there are too many.
    """
    every = [*names, *(entry.name for entry in (base.entries if base else ()))]
    if twice := sorted({name for name in every if every.count(name) > 1}):
        raise OptionError(
            f"Two styles would be called {twice[0]!r}, after their files. Rename one of them."
        )
    if len(every) > MOST_STYLES:
        raise OptionError(
            f"The file would have {len(every)} styles; {MOST_STYLES} are the most. Make two files."
        )


def check_files(
    out: Path, extends: Path | None, *, resume: bool = False, force: bool = False
) -> None:
    """Check, before any work, that nothing would be lost and everything can be written.

    Raises:
        ImpastoError: a file exists, without `force`, or cannot be written.
    """
    folder = folder_of(out)
    if out.suffix.lower() != SUFFIX:
        raise OptionError(f"{out} is not the name of a file of styles: it should end in {SUFFIX}.")
    is_same = extends is not None and resolved(extends) == resolved(out)
    is_resumed = resume and (folder / STATE).is_file()
    for path in (out, *report_files(out)):
        atomic.check_target(path, force=force or is_same or is_resumed, error=StyleError)
    if folder.exists():
        check_folder(folder, resume=resume, force=force)


def check_folder(folder: Path, *, resume: bool = False, force: bool = False) -> None:
    """Check that a training can have a folder.

    Raises:
        OptionError: something else is in it, or a stopped training that is neither resumed nor
            replaced.
    """
    foreign = [path.name for path in files_of(folder) if path.name not in OURS]
    if foreign or not folder.is_dir():
        problem = f"holds {foreign[0]}" if foreign else "is not a folder"
        raise OptionError(
            f"{folder} {problem}, and the training's files would go there. Give another name with "
            "-o, or move it away."
        )
    if (folder / STATE).is_file() and not (resume or force):
        raise OptionError(
            f"{folder} holds a training that was stopped: --resume continues it, --force starts "
            "again."
        )


def files_of(folder: Path) -> list[Path]:
    """Return the files in a training's folder, without its lock."""
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in files if path.name != locks.LOCK_FILE]
