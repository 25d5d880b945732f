"""What a studio knows: uploads, styles, jobs and pictures of each user, in one SQLite file.

Pictures and photographs themselves are files of the store. All lists go from the newest to the
oldest, by keyset: a page begins after a row, not after so many rows, so it is as quick far down.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from impasto.errors import JobError
from impasto.studio.rows import JobRow, Page, PictureRow, StyleRow, UploadRow

__all__ = ["Records"]

_VERSION = 2
_TABLES = """
CREATE TABLE uploads (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, owner TEXT NOT NULL,
  name TEXT NOT NULL, digest TEXT NOT NULL, bytes INTEGER NOT NULL, width INTEGER NOT NULL,
  height INTEGER NOT NULL, kind TEXT NOT NULL, recipe TEXT, created REAL NOT NULL);
CREATE INDEX uploads_by_digest ON uploads (owner, digest);
CREATE TABLE styles (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, owner TEXT NOT NULL,
  title TEXT NOT NULL, upload TEXT NOT NULL, part TEXT NOT NULL, created REAL NOT NULL);
CREATE TABLE jobs (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, owner TEXT NOT NULL,
  title TEXT NOT NULL, task TEXT NOT NULL, method TEXT NOT NULL, state TEXT NOT NULL,
  done REAL NOT NULL, message TEXT NOT NULL, worker TEXT NOT NULL, priority INTEGER NOT NULL,
  picture TEXT, cluster TEXT, request TEXT, is_taken_in INTEGER NOT NULL, created REAL NOT NULL);
CREATE INDEX jobs_by_owner ON jobs (owner, number);
CREATE INDEX jobs_by_state ON jobs (state);
CREATE TABLE pictures (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, owner TEXT NOT NULL,
  job TEXT UNIQUE, title TEXT NOT NULL, name TEXT NOT NULL, place TEXT NOT NULL,
  digest TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, bytes INTEGER NOT NULL,
  method TEXT NOT NULL, styles TEXT NOT NULL, photograph TEXT, words TEXT NOT NULL,
  created REAL NOT NULL, removed REAL);
CREATE INDEX pictures_by_owner ON pictures (owner, removed, number);
"""
# What each format has more than the one before; the first is that of `_TABLES`.
_LATER = {
    2: "ALTER TABLE uploads ADD COLUMN film TEXT; ALTER TABLE pictures ADD COLUMN seconds REAL",
}


class Records:
    """The studio's SQLite file.

    Args:
        path: of the file, which is made if it is missing.

    Raises:
        JobError: it cannot be opened, or a later Impasto wrote it.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._base = sqlite3.connect(
                path, timeout=30, check_same_thread=False, isolation_level=None
            )
            self._base.row_factory = sqlite3.Row
            self._base.execute("PRAGMA journal_mode=WAL")
            self._make_tables(path)
        except (OSError, sqlite3.Error) as problem:
            raise JobError(f"The studio's records {path} cannot be opened: {problem}.") from problem

    def _make_tables(self, path: Path) -> None:
        with self._writing() as base:
            (version,) = base.execute("PRAGMA user_version").fetchone()
            if version > _VERSION:
                raise JobError(
                    f"{path} has format {version}, and this Impasto reads {_VERSION}: start the "
                    "Impasto that wrote it, or another studio with --files."
                )
            later = [text for number, text in _LATER.items() if number > version]
            for text in later if version else [_TABLES, *later]:
                for statement in text.split(";"):
                    base.execute(statement)
            base.execute(f"PRAGMA user_version={_VERSION}")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._base.close()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection in a transaction of its own."""
        with self._lock:
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield self._base
            except BaseException:
                self._base.rollback()
                raise
            self._base.commit()

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        with self._lock:
            return self._base.execute(query, values).fetchall()

    # Uploads and styles

    def add_upload(self, row: UploadRow) -> UploadRow:
        """Note a file; return its row, or that of the same file under the same name."""
        same = self._rows(
            "SELECT * FROM uploads WHERE owner=? AND digest=? AND name=?",
            (row.owner, row.digest, row.name),
        )
        if same:
            return UploadRow(**dict(same[0]))
        self._insert("uploads", row)
        return row

    def upload(self, owner: str, id: str) -> UploadRow | None:
        """Return a user's upload."""
        rows = self._rows("SELECT * FROM uploads WHERE owner=? AND id=?", (owner, id))
        return UploadRow(**dict(rows[0])) if rows else None

    def upload_of(self, owner: str, digest: str) -> UploadRow | None:
        """Return a user's upload of those bytes."""
        query = "SELECT * FROM uploads WHERE owner=? AND digest=? ORDER BY number DESC LIMIT 1"
        rows = self._rows(query, (owner, digest))
        return UploadRow(**dict(rows[0])) if rows else None

    def uploads(self, owner: str, limit: int, before: int | None) -> Page:
        """Return a page of a user's uploads."""
        return self._page("uploads", UploadRow, owner, limit, before, [])

    def remove_upload(self, owner: str, id: str) -> bool:
        """Forget an upload and the style that it is; return whether nobody else has its bytes."""
        with self._writing() as base:
            rows = base.execute("SELECT digest FROM uploads WHERE id=?", (id,)).fetchall()
            base.execute("DELETE FROM styles WHERE owner=? AND upload=?", (owner, id))
            base.execute("DELETE FROM uploads WHERE owner=? AND id=?", (owner, id))
            query = "SELECT count(*) FROM uploads WHERE digest=?"
            ((count,),) = base.execute(query, (rows[0]["digest"],)).fetchall() if rows else [(1,)]
        return bool(count == 0)

    def bytes_of(self, owner: str) -> int:
        """Return how many bytes a user's uploads and pictures have."""
        ((uploads,),) = self._rows("SELECT total(bytes) FROM uploads WHERE owner=?", (owner,))
        ((pictures,),) = self._rows("SELECT total(bytes) FROM pictures WHERE owner=?", (owner,))
        return int(uploads + pictures)

    def add_style(self, row: StyleRow) -> None:
        """Keep a painting as a style."""
        self._insert("styles", row)

    def styles(self, owner: str) -> list[StyleRow]:
        """Return a user's styles, from the newest."""
        rows = self._rows("SELECT * FROM styles WHERE owner=? ORDER BY number DESC", (owner,))
        return [StyleRow(**dict(row)) for row in rows]

    def remove_style(self, owner: str, id: str) -> bool:
        """Remove a user's style; return whether there was one."""
        with self._writing() as base:
            done = base.execute("DELETE FROM styles WHERE owner=? AND id=?", (owner, id))
            return done.rowcount > 0

    # Jobs

    def add_job(self, row: JobRow) -> None:
        """Note a job, unless it is known."""
        self._insert("jobs", row, "OR IGNORE")

    def job(self, owner: str, id: str) -> JobRow | None:
        """Return a user's job."""
        rows = self._rows("SELECT * FROM jobs WHERE owner=? AND id=?", (owner, id))
        return JobRow(**dict(rows[0])) if rows else None

    def unfinished(self) -> list[JobRow]:
        """Return the jobs of all users that wait or run, or whose picture is not there yet."""
        rows = self._rows(
            "SELECT * FROM jobs WHERE state IN ('waiting','running','interrupted') "
            "OR (state='done' AND NOT is_taken_in) ORDER BY number"
        )
        return [JobRow(**dict(row)) for row in rows]

    def count_open(self, owner: str) -> int:
        """Return how many jobs of a user wait or run."""
        query = (
            "SELECT count(*) FROM jobs WHERE owner=? AND state IN "
            "('waiting','running','interrupted')"
        )
        ((count,),) = self._rows(query, (owner,))
        return int(count)

    def counts(self) -> dict[str, int]:
        """Return how many jobs of all users are in each state."""
        rows = self._rows("SELECT state, count(*) AS count FROM jobs GROUP BY state")
        return {row["state"]: row["count"] for row in rows}

    def known_jobs(self, ids: Sequence[str]) -> set[str]:
        """Return which of some jobs are known."""
        marks = ",".join("?" * len(ids))
        return {row[0] for row in self._rows(f"SELECT id FROM jobs WHERE id IN ({marks})", ids)}

    def jobs(
        self, owner: str, limit: int, before: int | None, state: str = "", cluster: str = ""
    ) -> Page:
        """Return a page of a user's jobs.

        Args:
            before: the number of the last row of the page before.
            state: only those in it.
            cluster: only those that were asked for together.
        """
        clauses = [("state=?", state), ("cluster=?", cluster)]
        return self._page("jobs", JobRow, owner, limit, before, clauses)

    def reopen_job(self, id: str, state: str) -> None:
        """Note that a job that was over was put back meanwhile, as by another command's `retry`."""
        query = "UPDATE jobs SET state=? WHERE id=? AND state IN ('failed','cancelled','paused')"
        if state in ("waiting", "running", "interrupted", "done"):
            with self._writing() as base:
                base.execute(query, (state, id))

    def change_job(self, id: str, **values: Any) -> None:
        """Change columns of a job."""
        names = ", ".join(f"{name}=?" for name in values)
        with self._writing() as base:
            base.execute(f"UPDATE jobs SET {names} WHERE id=?", (*values.values(), id))

    # Pictures

    def add_picture(self, row: PictureRow) -> None:
        """Note a job's picture, and in the job which it is; once for each job."""
        with self._writing() as base:
            _insert_into(base, "pictures", row, "OR IGNORE")
            base.execute(
                "UPDATE jobs SET picture=(SELECT id FROM pictures WHERE job=?), is_taken_in=1 "
                "WHERE id=?",
                (row.job, row.job),
            )

    def picture(self, owner: str, id: str) -> PictureRow | None:
        """Return a user's picture, also one that was deleted a moment ago."""
        rows = self._rows("SELECT * FROM pictures WHERE owner=? AND id=?", (owner, id))
        return _picture(rows[0]) if rows else None

    def pictures(
        self,
        owner: str,
        limit: int,
        before: int | None,
        *,
        words: str = "",
        style: str = "",
        method: str = "",
        since: float | None = None,
        until: float | None = None,
    ) -> Page:
        """Return a page of a user's pictures.

        Args:
            before: the number of the last row of the page before.
            words: all of which must occur.
            style: one of the styles' names.
            since, until: when they were made, in seconds since 1970.
        """
        conditions = _searched(words, style, method, since, until)
        return self._page("pictures", _picture, owner, limit, before, conditions)

    def count_pictures(self, owner: str, **search: Any) -> int:
        """Return how many pictures a search finds."""
        conditions = [(c, v) for c, v in _searched(**search) if v not in ("", None)]
        where = " AND ".join(["owner=?", *(c for c, _ in conditions)])
        values = [owner, *(v for _, v in conditions if v is not True)]
        ((count,),) = self._rows(f"SELECT count(*) FROM pictures WHERE {where}", values)
        return int(count)

    def remove_picture(self, owner: str, id: str, *, is_removed: bool = True) -> bool:
        """Delete a picture, or restore it; return whether there is one."""
        when = time.time() if is_removed else None
        with self._writing() as base:
            query = "UPDATE pictures SET removed=? WHERE owner=? AND id=?"
            return base.execute(query, (when, owner, id)).rowcount > 0

    def forget_pictures(self, before: float) -> list[PictureRow]:
        """Forget the pictures that were deleted before a time, and return them."""
        with self._writing() as base:
            rows = base.execute("SELECT * FROM pictures WHERE removed<?", (before,)).fetchall()
            base.execute("DELETE FROM pictures WHERE removed<?", (before,))
        return [_picture(row) for row in rows]

    # All of them

    def _insert(self, table: str, row: Any, way: str = "") -> None:
        with self._writing() as base:
            _insert_into(base, table, row, way)

    def _page(
        self,
        table: str,
        kind: Any,
        owner: str,
        limit: int,
        before: int | None,
        conditions: list[tuple[str, Any]],
    ) -> Page:
        asked = [("number<?", before), *conditions]
        used = [(condition, value) for condition, value in asked if value not in ("", None)]
        where = " AND ".join(["owner=?", *(condition for condition, _ in used)])
        values = [owner, *(value for _, value in used if value is not True), limit + 1]
        query = f"SELECT * FROM {table} WHERE {where} ORDER BY number DESC LIMIT ?"
        rows = self._rows(query, values)
        more = str(rows[limit - 1]["number"]) if len(rows) > limit else None
        made = [kind(row) if kind is _picture else kind(**dict(row)) for row in rows[:limit]]
        return Page(made, more)


def _searched(
    words: str = "",
    style: str = "",
    method: str = "",
    since: float | None = None,
    until: float | None = None,
) -> list[tuple[str, Any]]:
    """Return the conditions of a search; True stands for a condition without a value."""
    with_words = [
        ("words LIKE ? ESCAPE '\\'", f"%{_literal(w)}%") for w in words.lower().split()[:8]
    ]
    named = f'%"{_literal(style)}"%' if style else ""
    return [
        ("removed IS NULL", True),
        *with_words,
        ("styles LIKE ? ESCAPE '\\'", named),
        ("method=?", method),
        ("created>=?", since),
        ("created<?", until),
    ]


def _literal(text: str) -> str:
    """Return a text that LIKE takes as it is."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _insert_into(base: sqlite3.Connection, table: str, row: Any, way: str) -> None:
    values = {name: value for name, value in vars(row).items() if name != "number"}
    if "styles" in values:
        values["styles"] = json.dumps(list(values["styles"]), ensure_ascii=False)
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    query = f"INSERT {way} INTO {table} ({names}) VALUES ({marks})"
    base.execute(query, list(values.values()))


def _picture(row: sqlite3.Row) -> PictureRow:
    values = dict(row)
    return PictureRow(**values | {"styles": tuple(json.loads(values["styles"]))})
