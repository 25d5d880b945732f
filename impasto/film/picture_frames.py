"""A folder of pictures, or a pattern such as `frames/%05d.png`, as the frames of a film."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from impasto.errors import OptionError, PictureError
from impasto.film.clip_info import ClipInfo
from impasto.film.frame_colours import Levels
from impasto.image.formats import READ_SUFFIXES
from impasto.image.picture import Picture
from impasto.image.reading import depth, read

__all__ = ["PictureFrames", "is_pattern", "numbered_files", "picture_frames"]

_log = logging.getLogger(__name__)

_PLACE = re.compile(r"%0?(\d*)d")
_NUMBER = re.compile(r"(\d+)(?!.*\d)")


@dataclass(frozen=True)
class PictureFrames:
    """Pictures of one size, shown at a constant rate."""

    info: ClipInfo
    times: list[int] = field(repr=False)
    files: list[Path] = field(repr=False)

    def levels(self, start: int) -> Iterator[tuple[int, Levels]]:
        """Yield the pictures from one on, with their indices; damaged ones are left out.

        Raises:
            PictureError: one has another size than the first.
        """
        for index in range(start, len(self.files)):
            try:
                picture = read(self.files[index])
            except PictureError as problem:
                _log.warning("%s", problem)
                continue
            self._check_size(picture, self.files[index])
            yield index, _levels(picture, self.info.has_alpha)

    def _check_size(self, picture: Picture, file: Path) -> None:
        if (picture.width, picture.height) != (self.info.width, self.info.height):
            raise PictureError(
                f"{file} measures {picture.width}×{picture.height} and the first frame "
                f"{self.info.width}×{self.info.height}: all frames must have one size."
            )


def picture_frames(path: Path, rate: Fraction | None) -> PictureFrames:
    """Find the pictures of a folder or a pattern; the first is read.

    Raises:
        PictureError: there are none, one is missing, or the first cannot be read.
        OptionError: no rate is given.
    """
    numbered = numbered_files(path)
    files = [file for _, file in numbered]
    if rate is None:
        raise OptionError(
            f"{path} is a row of pictures, which has no frame rate: give it, such as --fps 24."
        )
    first = read(files[0])
    info = ClipInfo(
        width=first.width,
        height=first.height,
        frames=len(files),
        seconds=float(len(files) / rate),
        time_base=1 / rate,
        rate=rate,
        bits=depth(files[0]),
        has_alpha=first.alpha is not None,
        end=len(files),
        kind="frames",
        codec=files[0].suffix.lower().lstrip("."),
        first_number=numbered[0][0],
    )
    return PictureFrames(info, list(range(len(files))), files)


def _levels(picture: Picture, has_alpha: bool) -> Levels:
    planes = [picture.pixels[0]]
    if has_alpha:
        alpha = picture.alpha
        planes.append(torch.ones_like(planes[0][:1]) if alpha is None else alpha[0])
    return np.ascontiguousarray(torch.cat(planes).permute(1, 2, 0).numpy())


def is_pattern(path: Path) -> bool:
    """Return whether a path names a row of files, as `%05d.png` does."""
    return _PLACE.search(path.name) is not None


def numbered_files(path: Path) -> list[tuple[int, Path]]:
    """Return the files of a folder or a pattern in the order of their numbers, with these.

    Raises:
        PictureError: there are none, a number is missing, or two files have one number.
    """
    numbered = _matching(path) if is_pattern(path) else _in_folder(path)
    if not numbered:
        what = "of this pattern" if is_pattern(path) else "with a number in its name"
        raise PictureError(f"{path} holds no picture {what}: nothing can be painted.")
    for (before, one), (after, other) in pairwise(numbered):
        if after == before:
            raise PictureError(
                f"{one.name} and {other.name} in {one.parent} have the same number: "
                "keep one of them, or name the frames by a pattern such as frame-%05d.png."
            )
        if after != before + 1:
            missing = f"{before + 1}" if after == before + 2 else f"{before + 1} to {after - 1}"
            raise PictureError(
                f"{path}: the frames {missing} are missing between {one.name} and {other.name}. "
                "Add them, or number the frames without a gap."
            )
    return numbered


def _matching(path: Path) -> list[tuple[int, Path]]:
    place = _PLACE.search(path.name)
    assert place is not None
    digits = rf"(\d{{{place[1]},}})" if place[1] else r"(\d+)"
    before, after = path.name[: place.start()], path.name[place.end() :]
    return _sorted(path.parent, re.compile(re.escape(before) + digits + re.escape(after)))


def _in_folder(folder: Path) -> list[tuple[int, Path]]:
    return _sorted(folder, _NUMBER, suffixes=READ_SUFFIXES)


def _sorted(
    folder: Path, name: re.Pattern[str], suffixes: frozenset[str] | None = None
) -> list[tuple[int, Path]]:
    if not folder.is_dir():
        raise PictureError(f"There is no folder {folder}: give that of the frames.")
    found = []
    for file in folder.iterdir():
        if file.name.startswith(".") or not file.is_file():
            continue
        if suffixes is None:
            match = name.fullmatch(file.name)
        elif file.suffix.lower() in suffixes:
            match = name.search(file.stem)
        else:
            continue
        if match:
            found.append((int(match[1]), file))
    return sorted(found)
