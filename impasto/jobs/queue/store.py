"""The folder that all workers of a queue see: photographs, jobs, their runs and results.

    DIR/impasto-store.json         the store's name, which its queues have too
    DIR/inputs/DIGEST/photo.jpg    what is painted from, once for all jobs
    DIR/jobs/ID/                   a job (`job_folder`)
    DIR/workers/                   heartbeats (`heartbeat`)

Paths in it are written relative to it: two machines may see it under two names.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from pathlib import Path
from typing import NoReturn

import platformdirs

from impasto.errors import JobError, PictureError
from impasto.files import atomic
from impasto.files.digests import of_file
from impasto.files.names import safe_name
from impasto.files.strict_json import Reader

__all__ = ["Store", "default_folder"]

_MARKER = "impasto-store.json"
_FORMAT = 1
_NAME = re.compile(r"[0-9a-f]{8}")


def _refuse(reason: str) -> NoReturn:
    raise JobError(f"its {_MARKER} cannot be used: {reason}")


_READER = Reader(_refuse)


def default_folder() -> Path:
    """Return the folder of jobs of whoever runs this, on this machine."""
    return Path(platformdirs.user_data_dir("impasto", False)) / "jobs"


class Store:
    """A folder of jobs.

    Attributes:
        path: absolute.
        name: eight hexadecimal digits, chosen when the folder was made.
        is_new: whether it was made just now.
    """

    def __init__(self, path: Path, name: str, *, is_new: bool = False) -> None:
        self.path, self.name, self.is_new = path, name, is_new

    @classmethod
    def open(cls, folder: Path | None = None) -> Store:
        """Open a folder of jobs, and make it if it is not there.

        Args:
            folder: by default the user's own. Its parent must exist: where a shared folder is not
                mounted, none takes its place.

        Raises:
            JobError: it cannot be made or used.
        """
        path = (folder or default_folder()).absolute()
        try:
            path.mkdir(parents=folder is None, exist_ok=True)
            for part in ("inputs", "jobs", "workers"):
                (path / part).mkdir(exist_ok=True)
            is_new = not (path / _MARKER).exists()
            return cls(path, _name_of(path), is_new=is_new)
        except (OSError, JobError) as problem:
            reason = getattr(problem, "strerror", None) or str(problem).rstrip(".")
            raise JobError(
                f"The folder of jobs {path} cannot be used: {reason}. Check that this machine sees "
                "it and may write to it, or name another with --files."
            ) from None

    @property
    def is_away(self) -> bool:
        """Whether the folder is not to be seen now, as where a shared one is not mounted."""
        try:
            return not (self.path / _MARKER).exists()
        except OSError:
            return True

    @property
    def jobs(self) -> Path:
        """The folder of the jobs' own folders."""
        return self.path / "jobs"

    @property
    def workers(self) -> Path:
        """The folder of the workers' heartbeats."""
        return self.path / "workers"

    def keep(self, file: Path) -> tuple[str, str]:
        """Copy a file into the store unless it is there; return its digest and its name in it.

        Raises:
            PictureError: it cannot be read.
            JobError: it cannot be written.
        """
        digest = of_file(file, PictureError)
        # As text that any system writes: the name is kept only to be recognised.
        name = safe_name(file.name.encode("utf-8", "replace").decode())
        target = self.path / self.place(digest, name)
        if not target.exists():
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                with file.open("rb") as source, atomic.opened(target) as copy:
                    shutil.copyfileobj(source, copy, 2**20)
            except OSError as problem:
                raise JobError(
                    f"{file} cannot be copied to {self.path}, where workers look for it: "
                    f"{problem.strerror or problem}."
                ) from problem
        return digest, name

    @staticmethod
    def place(digest: str, name: str) -> str:
        """Return where a file is kept, relative to the store."""
        return f"inputs/{digest.removeprefix('sha256:')}/{name}"


def _name_of(path: Path) -> str:
    """Return the name in the marker, which is written if it is missing."""
    marker = path / _MARKER
    if not marker.exists():
        data = {"format": _FORMAT, "name": secrets.token_hex(4)}
        temporary = path / f".impasto-{secrets.token_hex(8)}.tmp"
        temporary.write_text(json.dumps(data) + "\n", "ascii")
        try:
            os.link(temporary, marker)  # not over that of another process
        except FileExistsError:
            pass
        except OSError:  # a file system without links
            temporary.replace(marker)
        finally:
            temporary.unlink(missing_ok=True)
    text = marker.read_text("utf-8")
    table = _READER.table("it", _READER.parse(text), {"format": (int,), "name": (str,)})
    if table["format"] != _FORMAT:
        _refuse(f"it has format {table['format']!r:.80}, and this Impasto reads {_FORMAT}")
    if not _NAME.fullmatch(table["name"]):
        _refuse(f"its name is {table['name']!r:.80}")
    return str(table["name"])
