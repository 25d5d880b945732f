"""Who may use the studio: a file of passwords, sessions, and a limit on tries.

The file has a line `name:hash` for each user. Hashes are scrypt's (RFC 7914), which Python brings
along, with a cost of 32 MiB and a quarter of a second. What a session's cookie holds is random, and
only its digest is kept: who reads the database has no session by that.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import ipaddress
import os
import re
import secrets
import sqlite3
import threading
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response

from impasto.errors import OptionError
from impasto.files import atomic

__all__ = [
    "COOKIE",
    "Accounts",
    "Sessions",
    "TooManyTries",
    "add_user",
    "give_cookie",
    "take_cookie",
    "user_of",
]

COOKIE = "impasto_session"
"""The cookie's name."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_LEAST, _MOST = 8, 1024  # characters of a password
# OWASP's password storage cheat sheet: N = 2^15, r = 8, p = 3.
_COST, _BLOCK, _LANES = 15, 8, 3
_HASH = re.compile(r"scrypt\$(\d{1,2})\$(\d{1,2})\$(\d{1,2})\$([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+)")
_LIFE = 14 * 24 * 3600.0  # seconds of a session


class TooManyTries(Exception):  # noqa: N818 (the word says what it is)
    """So many passwords were wrong that the next may be tried only later.

    Attributes:
        seconds: until then.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"Too many wrong passwords. Try again in {max(1, round(seconds))} s.")
        self.seconds = seconds


class Accounts:
    """The users of a password file, which is read again when it has changed.

    Args:
        now: a clock that never goes back, in seconds.

    Raises:
        OptionError: the file cannot be read.
    """

    def __init__(self, path: Path, now: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._hashes = _read(path)
        self._stamp = _stamp(path)
        self._tries = _Tries(now)
        self._one_at_a_time = threading.Lock()  # a hash takes memory, and tries are to be counted
        self._nobody = _hashed(secrets.token_hex(16))

    @classmethod
    def from_file(cls, path: Path) -> Accounts:
        """Read a password file.

        Raises:
            OptionError: it cannot be read, a line of it is wrong, or it names nobody.
        """
        return cls(path)

    def check(self, user: str, password: str, address: str) -> bool:
        """Return whether a password is the user's; it takes as long where there is no such user.

        Args:
            address: that the request came from.

        Raises:
            TooManyTries: of this user, or from this address, too many were wrong.
        """
        keys = (f"user {user[:64]}", f"address {_network(address)}")
        self._tries.check(keys)
        with self._one_at_a_time:
            self._tries.check(keys)
            self._read_again()
            is_right = _is_of(password, self._hashes.get(user, self._nobody))
            is_right = is_right and user in self._hashes
            if is_right:
                self._tries.forget(keys[0])
            else:
                self._tries.note(keys)
            return is_right

    def mark(self, user: str) -> str | None:
        """Return what changes with a user's password; None for whom there is none."""
        self._read_again()
        hash = self._hashes.get(user)
        return None if hash is None else hashlib.sha256(hash.encode("ascii")).hexdigest()[:16]

    def _read_again(self) -> None:
        """Read the file if it has changed; one that cannot be read now changes nothing."""
        if (stamp := _stamp(self._path)) != self._stamp:
            with contextlib.suppress(OptionError):
                self._hashes, self._stamp = _read(self._path), stamp


class Sessions:
    """Who is signed in, kept in a file: a restart ends no session.

    A session ends after two weeks, when the user signs out, and when the password changes.

    Args:
        path: of the SQLite file.
        now: seconds since 1970.

    Raises:
        OptionError: the file cannot be made.
    """

    def __init__(
        self, path: Path, accounts: Accounts, now: Callable[[], float] = time.time
    ) -> None:
        self._accounts, self._now = accounts, now
        self._lock = threading.Lock()
        try:
            path.touch(0o600)
            self._base = sqlite3.connect(
                path, timeout=10, isolation_level=None, check_same_thread=False
            )
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute(
                "CREATE TABLE IF NOT EXISTS sessions (digest TEXT PRIMARY KEY, user TEXT NOT NULL, "
                "mark TEXT NOT NULL, ends REAL NOT NULL) WITHOUT ROWID"
            )
        except (OSError, sqlite3.Error) as problem:
            raise OptionError(f"The sessions cannot be kept in {path}: {problem}.") from problem

    def open(self, user: str) -> str:
        """Begin a session of a user whose password was right; return its token."""
        token, mark = secrets.token_urlsafe(32), self._accounts.mark(user)
        row = (_digest(token), user, mark or "", self._now() + _LIFE)
        with self._lock:
            self._base.execute("DELETE FROM sessions WHERE ends < ?", (self._now(),))
            self._base.execute("INSERT INTO sessions VALUES (?, ?, ?, ?)", row)
        return token

    def user(self, token: str) -> str | None:
        """Return whose session it is; None if it is over, or never was."""
        query = "SELECT user, mark FROM sessions WHERE digest = ? AND ends >= ?"
        with self._lock:
            row = self._base.execute(query, (_digest(token), self._now())).fetchone()
        if row is None or row[1] != self._accounts.mark(row[0]):
            return None
        return str(row[0])

    def close(self, token: str) -> None:
        """End a session."""
        with self._lock:
            self._base.execute("DELETE FROM sessions WHERE digest = ?", (_digest(token),))

    def shut(self) -> None:
        """Close the file."""
        with self._lock:
            self._base.close()


def user_of(request: HTTPConnection) -> str:
    """Return who is signed in; "" where the studio has no passwords.

    A dependency of FastAPI's, also of a WebSocket. `app.state.sessions` is a `Sessions`, or None
    without passwords.

    Raises:
        HTTPException: 401, nobody is.
    """
    sessions: Sessions | None = request.app.state.sessions
    if sessions is None:
        return ""
    user = sessions.user(request.cookies.get(COOKIE, ""))
    if user is None:
        raise HTTPException(401, "Sign in first: the session is over, or there was none.")
    request.state.user = user  # for the log
    return user


def give_cookie(response: Response, token: str, *, is_secure: bool) -> None:
    """Give a browser its session: to this site's pages alone, and to no script.

    Args:
        is_secure: whether browsers come by https, through a proxy.
    """
    response.set_cookie(
        COOKIE, token, max_age=int(_LIFE), httponly=True, samesite="strict", secure=is_secure
    )


def take_cookie(response: Response, *, is_secure: bool) -> None:
    """Let a browser forget its session."""
    response.delete_cookie(COOKIE, httponly=True, samesite="strict", secure=is_secure)


def add_user(path: Path, user: str, password: str) -> None:
    """Write a user's line into a password file that only its owner may read; make it if need be.

    Raises:
        OptionError: the name or password is not allowed, or the file cannot be read or written.
    """
    if not _NAME.fullmatch(user):
        raise OptionError(
            f"--add-user is {user!r:.80}. It takes up to 64 letters, digits and . _ @ -, and "
            "begins with a letter or digit."
        )
    if not _LEAST <= len(password) <= _MOST:
        raise OptionError(f"A password has {_LEAST} to {_MOST} characters; this has another count.")
    if path.exists():
        _read(path)
    try:
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        others = [line for line in lines if line.partition(":")[0].strip() != user]
        text = "\n".join([*others, f"{user}:{_hashed(password)}"]) + "\n"
        with atomic.replacing(path.resolve()) as temporary:
            handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
    except (OSError, UnicodeError) as problem:
        raise OptionError(f"{path} cannot be written: {_reason(problem)}.") from problem


@dataclass
class _Failures:
    count: int = 0
    last: float = 0.0


class _Tries:
    """How many passwords were wrong, by user and by address, and how long to wait by now."""

    # Many may share an address, as in a class, and whoever knows a user's name may keep that user
    # waiting: so one has more tries, and the other shorter waits.
    _FREE = {"user": 5, "address": 20}  # noqa: RUF012
    _LONGEST = {"user": 60.0, "address": 600.0}  # noqa: RUF012
    _FORGOTTEN = 3600.0  # seconds after the last wrong one
    _MOST = 10_000  # that are remembered

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._failures: dict[str, _Failures] = {}
        self._lock = threading.Lock()

    def check(self, keys: tuple[str, ...]) -> None:
        """Raise `TooManyTries` as long as one is to wait."""
        with self._lock:
            wait = max(self._wait(key) for key in keys)
        if wait > 0:
            raise TooManyTries(wait)

    def note(self, keys: tuple[str, ...]) -> None:
        """Note a wrong password."""
        with self._lock:
            self._clear()
            for key in keys:
                failures = self._failures.pop(key, _Failures())  # to the end: the latest
                self._failures[key] = _Failures(failures.count + 1, self._now())

    def forget(self, key: str) -> None:
        """Forget wrong passwords."""
        with self._lock:
            self._failures.pop(key, None)

    def _wait(self, key: str) -> float:
        failures, kind = self._failures.get(key), key.partition(" ")[0]
        if failures is None or failures.count < self._FREE[kind]:
            return 0.0
        grown = 2.0 ** min(failures.count - self._FREE[kind], 20)
        return failures.last + min(grown, self._LONGEST[kind]) - self._now()

    def _clear(self) -> None:
        oldest = self._now() - self._FORGOTTEN
        while self._failures:
            key = next(iter(self._failures))
            if len(self._failures) < self._MOST and self._failures[key].last >= oldest:
                return
            del self._failures[key]


def _read(path: Path) -> dict[str, str]:
    """Return the hashes of a password file, by users."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeError) as problem:
        raise OptionError(
            f"The password file {path} cannot be read: {_reason(problem)}. Make one with "
            f"`impasto studio --password-file {path} --add-user NAME`."
        ) from problem
    hashes = {}
    for number, line in enumerate(lines, start=1):
        user, _, hash = (part.strip() for part in line.partition(":"))
        if not user or user.startswith("#"):
            continue
        if not _NAME.fullmatch(user) or not _HASH.fullmatch(hash):
            raise OptionError(
                f"Line {number} of {path} is not `name:hash`, as `impasto studio --add-user NAME` "
                "writes it. A password is never written there itself."
            )
        hashes[user] = hash
    if not hashes:
        raise OptionError(f"{path} names nobody: add somebody with --add-user NAME.")
    return hashes


def _hashed(password: str) -> str:
    salt = secrets.token_bytes(16)
    key = _scrypt(password, salt, _COST, _BLOCK, _LANES)
    salted, keyed = (base64.b64encode(part).decode("ascii") for part in (salt, key))
    return f"scrypt${_COST}${_BLOCK}${_LANES}${salted}${keyed}"


def _is_of(password: str, hash: str) -> bool:
    """Return whether a password gives a hash."""
    parts = _HASH.fullmatch(hash)
    if parts is None:
        return False
    cost, block, lanes = (int(part) for part in parts.groups()[:3])
    salt, key = (base64.b64decode(part) for part in parts.groups()[3:])
    try:
        return hmac.compare_digest(_scrypt(password, salt, cost, block, lanes), key)
    except (ValueError, MemoryError):  # a cost that nobody can pay
        return False


def _scrypt(password: str, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    # Composed as most keyboards give it: the same letters are the same password on every system.
    text = unicodedata.normalize("NFC", password[:_MOST]).encode("utf-8", "surrogatepass")
    most = 64 * 2**20 if cost <= _COST else 2**30
    return hashlib.scrypt(text, salt=salt, n=2**cost, r=block, p=lanes, maxmem=most, dklen=32)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _network(address: str) -> str:
    """Return what one person has of an address: of IPv6 the first half."""
    with contextlib.suppress(ValueError):
        numeric = ipaddress.ip_address(address.partition("%")[0])
        if numeric.version == 6:
            mapped = numeric.ipv4_mapped
            return str(mapped or ipaddress.ip_network((int(numeric) >> 64 << 64, 64)))
    return address


def _stamp(path: Path) -> tuple[int, int, int] | None:
    with contextlib.suppress(OSError):
        status = path.stat()
        return status.st_ino, status.st_mtime_ns, status.st_size
    return None


def _reason(problem: Exception) -> str:
    return str(getattr(problem, "strerror", None) or problem)
