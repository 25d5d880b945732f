"""What a studio is started with. Needs neither FastAPI nor PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from impasto.jobs.queue.address import Address
from impasto.jobs.queue.store import Store
from impasto.studio.film_files import is_film_name

__all__ = ["LOOPBACK", "StudioSettings"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""What a studio listens at for this machine alone."""


@dataclass(frozen=True)
class StudioSettings:
    """What a studio is started with.

    Attributes:
        store: the folder of jobs, photographs and results, which its workers see.
        address: of the queue.
        host, port: that it listens on.
        names: further names that browsers reach it by, such as that of a proxy before it.
        password_file: of its users; without one it is open to everybody who reaches it.
        is_secure: it is reached by TLS, so its cookie travels by that alone.
        workers: that it starts and ends itself.
        upload_bytes: of one file, at most.
        film_bytes: of one film.
        most_bytes: that one user's files may take together.
        most_jobs: of one user, that wait or run.
        most_live: browsers whose cameras are painted at once.
    """

    store: Store
    address: Address
    host: str = "127.0.0.1"
    port: int = 7700
    names: tuple[str, ...] = ()
    password_file: Path | None = None
    is_secure: bool = False
    workers: int = 1
    upload_bytes: int = 256 * 2**20
    film_bytes: int = 2 * 2**30
    most_bytes: int = 20 * 2**30
    most_jobs: int = 200
    most_live: int = 2

    def most_bytes_of(self, name: str) -> int:
        """Return how large a file of that name may be."""
        return self.film_bytes if is_film_name(name) else self.upload_bytes

    @property
    def folder(self) -> Path:
        """The studio's own folder in the store."""
        return self.store.path / "studio"
