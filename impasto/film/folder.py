"""A film's folder while it is painted: what a kill cannot take away.

    out.film/film.json           the recipe, and the shots that were found
    out.film/00003/body.mov      the frames that a chunk alone paints, as they will be in the film
    out.film/00003/head.mov      those that the chunk before it paints too, without loss
    out.film/00003/tail.mov      those that the chunk after it paints too, without loss
    out.film/00003/done.json     written last, with the digests of these
    out.film/tracks/             how maps and keyframes are carried along
    out.film/joint-00003.mov     the tail of a chunk faded into the head of the next

A chunk without its `done.json` is painted again.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impasto.errors import PictureError, ResumeError
from impasto.files import atomic, locks
from impasto.files.digests import of_file
from impasto.files.strict_json import MAX_TEXT
from impasto.film.plan import Chunk
from impasto.film.segments import SUFFIX

__all__ = ["JOBS", "PARTS", "TRACKS", "ChunkFolder", "FilmFolder", "folder_beside", "locked_folder"]

PARTS = ("head", "body", "tail")
"""The files of a chunk, in the order of their frames."""

JOBS = "jobs.json"
"""The file that names the jobs of chunks which the workers of a queue paint."""

TRACKS = "tracks"
"""The folder of how pictures of single frames are carried along."""

_RECORD, _DONE = "film.json", "done.json"


def folder_beside(out: Path) -> Path:
    """Return a film's folder: `out.film` beside `out.mp4`, `frames.film` beside `frames/%05d.png`.

    Args:
        out: a film's file, or a pattern of files.
    """
    place = out.parent if "%" in out.name and out.parent.name else out
    return place.with_name(f"{place.stem.replace('%', '')}.film")


@dataclass(frozen=True)
class ChunkFolder:
    """What was painted of a chunk."""

    path: Path

    def segment(self, part: str) -> Path:
        """Return the file of one of its `PARTS`."""
        return self.path / f"{part}{SUFFIX}"

    @property
    def is_done(self) -> bool:
        """Whether all of it is there, and as it was written."""
        try:
            files = self.read()["files"]
            return all(of_file(self.path / n, PictureError) == d for n, d in files.items())
        except (OSError, ValueError, KeyError, AttributeError, PictureError):
            return False

    def read(self) -> dict[str, Any]:
        """Return what `finish` wrote.

        Raises:
            OSError, ValueError: it is not there, or damaged.
        """
        data = json.loads((self.path / _DONE).read_text("ascii"))
        if not isinstance(data, dict):
            raise ValueError("no record of a chunk")
        return data

    @property
    def missing(self) -> list[int]:
        """The frames that could not be decoded."""
        return list(self.read()["missing"])

    def finish(self, parts: Sequence[str], missing: Sequence[int], seconds: float) -> None:
        """Note that all of the chunk is there.

        Args:
            parts: those that it has.
            missing: frames that could not be decoded.
            seconds: that it took.
        """
        names = [self.segment(part).name for part in parts]
        files = {name: of_file(self.path / name, PictureError) for name in names}
        data = json.dumps({"files": files, "missing": [*missing], "seconds": seconds})
        atomic.replace(self.path / _DONE, data.encode("ascii"), force=True)
        atomic.sync(self.path)

    def clear(self) -> None:
        """Make the folder, with nothing in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(parents=True, exist_ok=True)


class FilmFolder:
    """A folder for a film, locked from `begin` or `open` until `release`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = locks.FolderLock(path)

    @property
    def has_film(self) -> bool:
        """Whether a film was begun here."""
        return os.path.lexists(self.path / _RECORD)

    def chunk(self, chunk: Chunk) -> ChunkFolder:
        """Return what was painted of a chunk."""
        return ChunkFolder(self.path / f"{chunk.number:05d}")

    def joint(self, chunk: Chunk) -> Path:
        """Return the file of the joint between a chunk and the next."""
        return self.path / f"joint-{chunk.number:05d}{SUFFIX}"

    def check_free(self, *, force: bool = False) -> None:
        """Check that a film can begin here.

        Args:
            force: replace one that was begun.

        Raises:
            ResumeError: one was, or the folder is of something else.
        """
        if not os.path.lexists(self.path):
            return
        if not self.path.is_dir():
            raise ResumeError(f"{self.path} is not a folder: name the film otherwise with --out.")
        if self.has_film and not force:
            raise ResumeError(
                f"{self.path} holds a film that is half done: --resume continues it, and --force "
                "begins again."
            )
        names = {path.name for path in self.path.iterdir()} - {locks.LOCK_FILE}
        if not self.has_film and names:
            raise ResumeError(
                f"{self.path} is a folder without a film in it: name the film otherwise with --out."
            )

    def begin(self, record: dict[str, Any]) -> None:
        """Make the folder, empty it, and write its record.

        Raises:
            ResumeError: another process works in it, or it cannot be written.
        """
        try:
            self.path.mkdir(exist_ok=True)
        except OSError as problem:
            raise ResumeError(f"{self.path} cannot be made: {problem.strerror}.") from problem
        self._acquire()
        self.empty()
        data = json.dumps(record, sort_keys=True, indent=1, allow_nan=False).encode("ascii")
        atomic.replace(self.path / _RECORD, data, force=True, error=ResumeError)
        atomic.sync(self.path)

    def open(self) -> dict[str, Any]:
        """Return the record of the film that was begun here.

        Raises:
            ResumeError: there is none, it is damaged, or another process works on it.
        """
        self._acquire()
        path = self.path / _RECORD
        try:
            with path.open("rb") as file:
                data = json.loads(file.read(MAX_TEXT + 1).decode("ascii"))
            if not isinstance(data, dict) or not {"recipe", "shots"} <= set(data):
                raise ValueError("it is no record of a film")
        except (OSError, ValueError) as error:
            raise ResumeError(
                f"{path} cannot be used: {error!s:.200}. --force begins again."
            ) from None
        for left in self.path.glob(f"**/{atomic.TEMPORARY}"):
            with contextlib.suppress(OSError):
                left.unlink()
        return data

    def empty(self) -> None:
        """Remove what was painted, and the record first: without it there is no film."""
        with contextlib.suppress(OSError):
            (self.path / _RECORD).unlink(missing_ok=True)
        for path in sorted(self.path.iterdir()):
            is_ours = path.name.isdecimal() or path.name == TRACKS
            if is_ours and path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name == JOBS or path.match("joint-*") or path.match(atomic.TEMPORARY):
                with contextlib.suppress(OSError):
                    path.unlink()

    def remove(self) -> None:
        """Remove the film's folder, once the film is written."""
        with contextlib.suppress(OSError):
            self.empty()
        self.release()
        with contextlib.suppress(OSError):
            self.path.rmdir()

    def release(self) -> None:
        """Release the folder."""
        self._lock.release()

    def _acquire(self) -> None:
        try:
            self._lock.acquire()
        except BlockingIOError:
            raise ResumeError(f"Another process paints this film in {self.path}.") from None
        except OSError as problem:
            raise ResumeError(f"{self.path} cannot be used: {problem.strerror}.") from None


@contextlib.contextmanager
def locked_folder(path: Path) -> Iterator[FilmFolder]:
    """Yield a film's folder, and release it at the end."""
    folder = FilmFolder(path)
    try:
        yield folder
    finally:
        folder.release()
