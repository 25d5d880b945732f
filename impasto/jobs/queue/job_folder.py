"""The folder of one job: what it is, who works on it, how far it is, and what came of it.

job.json             what is to be painted (`job`)
claims/000001        who took it when, in turn: only the last one may end it
events.jsonl         what happened, a line each (`journal`)
preview.jpg          the picture so far, at most 512 pixels
run/                 the run's folder, which a killed run continues from
pictures/000001/     what was painted, or made, by claim
result.json          which of these is the result, and its digest; written once
log.txt              what the painting process wrote to standard error
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import secrets
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

from impasto.errors import JobError, PictureError
from impasto.files import atomic
from impasto.files.digests import is_digest, of_bytes, of_file
from impasto.files.names import safe_name
from impasto.files.strict_json import MAX_TEXT, Reader, Shape
from impasto.jobs.queue.job import Job
from impasto.jobs.queue.store import Store
from impasto.jobs.queue.work import Work, read_job

__all__ = ["JobFolder", "Result", "new_id"]

_ID = re.compile(r"[0-9a-f]{8}")
_CLAIM = re.compile(r"\d{6}")
_MOST_CLAIMS = 999_999


def _refuse(reason: str) -> NoReturn:
    raise JobError(f"This is not the result of a job: {reason}.")


_READER = Reader(_refuse)
_RESULT: Shape = {"claim": (int,), "name": (str,), "digest": (str,), "seconds": (float, int)}


@dataclass(frozen=True)
class Result:
    """What a job ended with.

    Attributes:
        claim: that painted it.
        name: of the picture's file, or of the folder that other kinds of jobs leave.
        digest: of that file, or of all files of a folder and their names.
        seconds: that the last process worked on it.

    Raises:
        JobError: a value that is not allowed.
    """

    claim: int
    name: str
    digest: str
    seconds: float

    def __post_init__(self) -> None:
        if not 1 <= self.claim <= _MOST_CLAIMS or safe_name(self.name) != self.name:
            _refuse("it names no picture of the job")
        if not is_digest(self.digest):
            _refuse(f"its digest is {self.digest!r:.80}")


def new_id() -> str:
    """Return a name for a job that no other has: eight hexadecimal digits."""
    return secrets.token_hex(4)


class JobFolder:
    """A job's folder.

    Args:
        id: of the job.

    Raises:
        JobError: it is not the name of a job.
    """

    def __init__(self, store: Store, id: str) -> None:
        if not _ID.fullmatch(id):
            raise JobError(
                f"{id!r:.80} is not the ID of a job: it has eight digits and letters from a to f, "
                "as `impasto jobs list` shows them."
            )
        self.id = id
        self._store = store
        self.path = store.jobs / id
        self.run = self.path / "run"
        self.log = self.path / "log.txt"
        self.preview = self.path / "preview.jpg"
        self.events = self.path / "events.jsonl"

    @property
    def is_away(self) -> bool:
        """Whether the whole folder of jobs is not to be seen now."""
        return self._store.is_away

    def make(self, job: Job | Work) -> None:
        """Write a new job.

        Raises:
            FileExistsError: there is one of this name.
            JobError: it cannot be written.
        """
        try:
            self.path.mkdir()
            for part in ("claims", "pictures"):
                (self.path / part).mkdir()
            data = job.to_json().encode("ascii")
            atomic.replace(self.path / "job.json", data, error=JobError)
            atomic.sync(self.path)
        except FileExistsError:
            raise
        except (OSError, JobError) as problem:
            shutil.rmtree(self.path, ignore_errors=True)
            reason = getattr(problem, "strerror", None) or str(problem).rstrip(".")
            raise JobError(f"The job cannot be written to {self.path}: {reason}.") from problem

    def job(self) -> Job | Work:
        """Read the job.

        Raises:
            JobError: it is not there, or no job.
        """
        path = self.path / "job.json"
        try:
            return read_job(_text_of(path))
        except FileNotFoundError:
            raise JobError(
                f"There is no job {self.id} in {self.path.parent}: this machine does not see the "
                "folder where it was made, or the job was removed."
            ) from None
        except OSError as problem:
            raise JobError(f"{path} cannot be read: {problem.strerror or problem}.") from None

    # Who may end it

    def claim(self, executor: str) -> int:
        """Take the job; return the claim's number, which is larger than those of all before.

        Raises:
            JobError: the folder cannot be written to.
        """
        try:
            while True:
                number = self.last_claim() + 1
                with contextlib.suppress(FileExistsError):
                    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
                    handle = os.open(self.path / "claims" / f"{number:06d}", flags, 0o666)
                    # For people: the number is ours also where a full disc takes no text.
                    with contextlib.suppress(OSError), os.fdopen(handle, "wb", 0) as file:
                        file.write(executor.encode())
                    return number
        except OSError as problem:
            raise JobError(
                f"The job's folder {self.path} cannot be written to: {problem.strerror or problem}."
            ) from problem

    def last_claim(self) -> int:
        """Return the number of the last claim; 0 before the first.

        Raises:
            OSError: it is not known now. Their folder was made with the job, so where it is missing
                the disc is away.
        """
        try:
            names = [path.name for path in (self.path / "claims").iterdir()]
        except FileNotFoundError as problem:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), problem.filename) from problem
        return max((int(name) for name in names if _CLAIM.fullmatch(name)), default=0)

    # What came of it

    def target(self, claim: int, name: str) -> Path:
        """Return where a claim's picture goes; its folder is made."""
        folder = self.path / "pictures" / f"{claim:06d}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name

    def painted(self, name: str) -> Path | None:
        """Return what is complete but was not made the result, as after a kill.

        A picture, or a folder, is put in its place only when it is complete.
        """
        paths = sorted((self.path / "pictures").glob(f"*/{_escaped(name)}"))
        return next((path for path in paths if _CLAIM.fullmatch(path.parent.name)), None)

    def result(self) -> Result | None:
        """Return the result, if there is one.

        Raises:
            JobError: it cannot be read.
        """
        try:
            text = _text_of(self.path / "result.json")
        except FileNotFoundError:
            return None
        except OSError as problem:
            raise JobError(f"{self.path}/result.json cannot be read: {problem}.") from None
        return Result(**_READER.table("a result", _READER.parse(text), _RESULT))

    def finish(self, picture: Path, seconds: float) -> Result:
        """Make what was made in this folder the result, unless there is one; return the result.

        Args:
            picture: a file, or a folder of them.

        Raises:
            ImpastoError: it cannot be read or written.
        """
        digest = _digest_of(picture)
        result = Result(int(picture.parent.name), picture.name, digest, round(seconds, 3))
        target = self.path / "result.json"
        temporary = self.path / f".impasto-{secrets.token_hex(8)}.tmp"
        try:
            with atomic.opened(temporary) as file:
                file.write((json.dumps(asdict(result)) + "\n").encode("ascii"))
            _put(temporary, target)
            atomic.sync(self.path)
        except OSError as problem:
            raise JobError(
                f"{target} cannot be written: {problem.strerror or problem}."
            ) from problem
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        return self.result() or result

    def picture(self, result: Result) -> Path:
        """Return the file of a result; or the folder, as `kinds.KINDS` says."""
        return self.path / "pictures" / f"{result.claim:06d}" / result.name


def _digest_of(made: Path) -> str:
    """Return the digest of a file; of a folder, that of all its files' names and digests.

    Raises:
        PictureError: it cannot be read.
    """
    if not made.is_dir():
        return of_file(made, PictureError)
    files = sorted(path for path in made.rglob("*") if path.is_file())
    names = [[path.relative_to(made).as_posix(), of_file(path, PictureError)] for path in files]
    return of_bytes(json.dumps(names).encode())


def _put(file: Path, target: Path) -> None:
    """Give a file a second name that does not exist yet; keep the one that does."""
    with contextlib.suppress(FileExistsError):
        try:
            os.link(file, target)
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            data = file.read_bytes()
            with target.open("xb") as copy:
                try:
                    copy.write(data)
                    copy.flush()
                except OSError:  # as of a full disc
                    target.unlink(missing_ok=True)
                    raise


def _text_of(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(MAX_TEXT + 1)
    return data.decode("ascii", "replace")


def _escaped(name: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", name)
