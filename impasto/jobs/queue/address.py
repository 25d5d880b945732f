"""Where the queue is: a file on this machine, or a PostgreSQL server."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from impasto.errors import JobError, OptionError
from impasto.jobs.queue.store import Store

__all__ = ["LOCAL", "Address"]

LOCAL = "local"
"""What the queue in the folder of jobs itself is called."""

_FILE = "queue.sqlite"
_SERVER = re.compile(r"postgres(?:ql)?(?:\+psycopg)?://\S+")


@dataclass(frozen=True)
class Address:
    """A queue's address.

    Attributes:
        url: as DBOS takes it.
        file: of a queue on this machine.
    """

    url: str
    file: Path | None = None

    @classmethod
    def parse(cls, text: str | None, store: Store) -> Address:
        """Parse what `--queue` names: `local`, or the URL of a PostgreSQL database.

        Raises:
            OptionError: another text.
        """
        if text is None or text == LOCAL:
            file = store.path / _FILE
            return cls(f"sqlite:///{file}", file)
        if not _SERVER.fullmatch(text) or not cls._database(text):
            raise OptionError(
                f"--queue is {cls.without_password(text)!r}. It takes {LOCAL}, for a queue on "
                "this machine, or postgresql://USER@HOST/DATABASE."
            )
        return cls("postgresql://" + text.partition("://")[2])

    def __str__(self) -> str:
        return str(self.file) if self.file else self.without_password(self.url)

    @staticmethod
    def without_password(url: str) -> str:
        """Return a URL as it may be shown."""
        try:
            parts = urlsplit(url)
        except ValueError:  # no URL: as much of it as holds no password
            return url.partition(":")[0]
        user, at, host = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=user.partition(":")[0] + at + host, query=""))

    @staticmethod
    def _database(url: str) -> str:
        try:
            return urlsplit(url).path.strip("/")
        except ValueError:
            return ""

    def prepare(self) -> None:
        """Make the file of a queue on this machine, in the mode where readers do not wait.

        Raises:
            JobError: it cannot be made.
        """
        if self.file is None or self.file.exists():
            return
        try:
            with contextlib.closing(sqlite3.connect(self.file, timeout=30)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.Error as problem:
            raise JobError(f"The queue {self.file} cannot be made: {problem}.") from problem
