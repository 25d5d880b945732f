"""A study's folder: what belongs to it, which pictures are painted already. Needs no PyTorch."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from impasto.config.recipe import Recipe
from impasto.errors import ImpastoError, OptionError
from impasto.files import atomic
from impasto.files.digests import of_bytes
from impasto.image.opening import digest, read_recipe

__all__ = ["Record", "Tick", "check_free", "claim", "name_of", "recall", "remember"]

_FORMAT = 1
_ABOUT = "study.json"


@dataclass(frozen=True)
class Tick:
    """One iteration: counted over all scales, `seconds` since the run began."""

    iteration: int
    scale: int
    width: int
    height: int
    seconds: float
    losses: dict[str, float]


@dataclass(frozen=True)
class Record:
    """A picture that is painted: its file, and every iteration on the way to it."""

    file: Path
    ticks: tuple[Tick, ...]

    @property
    def seconds(self) -> float:
        """Seconds from the start of the run to this picture."""
        return self.ticks[-1].seconds


def name_of(number: int, label: str) -> str:
    """Return what a picture's files are called: `03-strength-0.3`."""
    text = label.replace("α/β = ", "ratio ").replace("…", "to")
    return f"{number:02d}-" + re.sub(r"[^\w.]+", "-", text, flags=re.ASCII).strip("-.").lower()


def claim(
    folder: Path, kind: str, contents: Sequence[tuple[str, Recipe]], *, force: bool = False
) -> None:
    """Make the folder this study's, or check that it is.

    Args:
        contents: its pictures' names, and the recipe of the run that each belongs to.

    Raises:
        OptionError: something else is in it and `force` is not set, or it cannot be made.
    """
    stamp = {"format": _FORMAT, "study": kind, "settings": _settings(contents)}
    about = folder / _ABOUT
    try:
        if not force and not _is_empty(folder):
            _check_same(folder, stamp)
        (folder / "runs").mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        reason = problem.strerror or problem
        raise OptionError(f"{folder} cannot be used: {reason}. Give another folder.") from problem
    if not about.is_file() or _read(about) != stamp:
        atomic.replace(about, _json(stamp), force=True, error=OptionError)


def check_free(folder: Path, kind: str, *, force: bool = False) -> None:
    """Check, as far as that is known before anything is read, that `claim` could have the folder.

    Raises:
        OptionError: something else is in it and `force` is not set.
    """
    if not force and not _is_empty(folder):
        stored = _read(folder / _ABOUT) if (folder / _ABOUT).is_file() else None
        _check_same(folder, {**(stored or {}), "study": kind})


def _is_empty(folder: Path) -> bool:
    """Return whether nothing is in a folder, or it does not exist.

    Raises:
        OptionError: it cannot be looked into.
    """
    try:
        return not folder.exists() or not any(folder.iterdir())
    except OSError as problem:
        reason = problem.strerror or problem
        raise OptionError(f"{folder} cannot be used: {reason}. Give another folder.") from problem


def _check_same(folder: Path, stamp: dict[str, Any]) -> None:
    about = folder / _ABOUT
    stored = _read(about) if about.is_file() else None
    if stored is None:
        raise OptionError(
            f"{folder} is not empty and holds no study. Give a new folder with --out, or --force "
            "to write into this one."
        )
    if stored != stamp:
        raise OptionError(
            f"{folder} holds a study of {stored.get('study', 'something else')!s:.40} with other "
            "settings or pictures. Give another folder with --out, or --force to replace what has "
            "changed."
        )


def recall(folder: Path, name: str, recipe: Recipe, after: int | None) -> Record | None:
    """Return the picture that was painted by that recipe, if there is one."""
    picture, notes = folder / "runs" / f"{name}.png", folder / "runs" / f"{name}.json"
    if not (picture.is_file() and notes.is_file()):
        return None
    stored, text = _read(notes), _recipe(picture)
    if stored is None or text is None or stored.get("digest") != digest(picture):
        return None
    try:
        painted_by = Recipe.from_json(text)
        ticks = tuple(Tick(**tick) for tick in stored["ticks"])
    except (ImpastoError, KeyError, TypeError):
        return None
    if not ticks or (after is not None and ticks[-1].iteration != after):
        return None
    # A picture for which memory was short has another plan, and is the same study's all the same.
    same = replace(painted_by, stopped_at=None, plan=recipe.plan, replanned=recipe.replanned)
    return Record(picture, ticks) if same == recipe else None


def remember(file: Path, ticks: Sequence[Tick]) -> Record:
    """Write a file next to a picture that records how it was painted."""
    notes = {"digest": digest(file), "ticks": [asdict(tick) for tick in ticks]}
    atomic.replace(file.with_suffix(".json"), _json(notes, indent=None), force=True)
    return Record(file, tuple(ticks))


def _recipe(picture: Path) -> str | None:
    try:
        return read_recipe(picture)
    except ImpastoError:
        return None


def _settings(contents: Sequence[tuple[str, Recipe]]) -> str:
    text = json.dumps([[name, recipe.to_json()] for name, recipe in contents])
    return of_bytes(text.encode())


def _json(data: Any, indent: int | None = 2) -> bytes:
    return (json.dumps(data, indent=indent) + "\n").encode()


def _read(path: Path) -> dict[str, Any] | None:
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None
