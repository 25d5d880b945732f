"""Which workers live: each renews a file, and holds a lock on another.

A worker counts as dead if its file was not renewed for a minute, by the clock of whoever looks: no
two machines' clocks are compared, and a clock that is set back changes nothing. On the same machine
its lock says so at once: the system releases it however the process ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import secrets
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from impasto.files import atomic
from impasto.files.names import safe_name

__all__ = ["DEAD", "EVERY", "Beat", "Heart", "Watcher", "beats", "this_machine"]

EVERY = 10.0  # seconds between two beats
DEAD = 60.0  # seconds without a beat after which a worker counts as dead

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def this_machine() -> str:
    """Return what no other machine has, nor this one after it was started again."""
    try:
        return _BOOT.read_text("ascii").strip()
    except OSError:
        return f"{uuid.getnode():012x}"


@dataclass(frozen=True)
class Beat:
    """What a worker says of itself.

    Attributes:
        executor: its name, which no other worker has or had.
        count: of its beats.
        device: that it paints on.
    """

    executor: str
    count: int
    machine: str
    host: str
    process: int
    device: str
    version: str


class Heart:
    """The heartbeat of this process.

    Args:
        workers: the folder of all workers' files.
        device, version: of this worker.
    """

    def __init__(self, workers: Path, device: str, version: str) -> None:
        host = safe_name(platform.node() or "host")[:40]
        executor = f"{host}-{os.getpid()}-{secrets.token_hex(3)}"
        self._beat = Beat(executor, 0, this_machine(), host, os.getpid(), device, version)
        self._file = workers / f"{executor}.json"
        self._lock = FileLock(
            workers / f"{executor}.lock", timeout=0, fallback_to_soft=False, thread_local=False
        )
        with contextlib.suppress(OSError):  # a file system without locks
            self._lock.acquire()

    @property
    def executor(self) -> str:
        """The worker's name."""
        return self._beat.executor

    def beat(self) -> None:
        """Renew the file; a folder that cannot be written to now may be again in time."""
        self._beat = Beat(**{**asdict(self._beat), "count": self._beat.count + 1})
        with contextlib.suppress(OSError), atomic.opened(self._file) as file:
            file.write(json.dumps(asdict(self._beat)).encode("ascii"))

    def stop(self) -> None:
        """Remove the worker's files."""
        with contextlib.suppress(OSError):
            self._file.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            Path(self._lock.lock_file).unlink(missing_ok=True)
        self._lock.release()


def beats(workers: Path) -> Iterator[Beat]:
    """Yield what each worker last said of itself, dead or alive."""
    for path in sorted(workers.glob("*.json")):
        with contextlib.suppress(OSError, ValueError, TypeError):
            yield Beat(**json.loads(path.read_bytes()))


class Watcher:
    """Tells which workers are dead.

    Args:
        workers: the folder of all workers' files.
        now: a clock that never goes back, in seconds.
    """

    def __init__(self, workers: Path, now: Callable[[], float] = time.monotonic) -> None:
        self._workers, self._now = workers, now
        self._machine = this_machine()
        self._seen: dict[str, tuple[int, float]] = {}

    def is_dead(self, executor: str) -> bool:
        """Return whether a worker is dead. To be asked again and again: it takes a minute to see.

        A worker without a file may have lost it: that takes as long.
        """
        beat = self._beat(executor)
        if beat is not None and beat.machine == self._machine and self._is_free(executor):
            return True
        count, now = 0 if beat is None else beat.count, self._now()
        before = self._seen.get(executor)
        if before is None or before[0] != count:
            self._seen[executor] = (count, now)
            return False
        return now - before[1] > DEAD

    def bury(self) -> None:
        """Remove the files of workers that are dead."""
        for beat in list(beats(self._workers)):
            if self.is_dead(beat.executor):
                for suffix in ("json", "lock"):
                    with contextlib.suppress(OSError):
                        (self._workers / f"{beat.executor}.{suffix}").unlink(missing_ok=True)

    def _beat(self, executor: str) -> Beat | None:
        with contextlib.suppress(OSError, ValueError, TypeError):
            return Beat(**json.loads((self._workers / f"{safe_name(executor)}.json").read_bytes()))
        return None

    def _is_free(self, executor: str) -> bool:
        """Return whether nobody holds a worker's lock, on the machine that it ran on."""
        path = self._workers / f"{safe_name(executor)}.lock"
        if not path.exists():
            return False
        lock = FileLock(path, timeout=0, fallback_to_soft=False, thread_local=False)
        try:
            lock.acquire()
        except (Timeout, OSError):
            return False
        lock.release()
        return True
