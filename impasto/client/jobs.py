"""Jobs of a studio."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from impasto.client.connection import Connection, UnreachableError
from impasto.client.pictures import RemotePicture
from impasto.errors import JobError

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["RemoteJob", "State"]

State = Literal["waiting", "running", "interrupted", "done", "failed", "cancelled", "paused"]

_OVER = ("done", "failed", "cancelled", "paused")
_FIRST_LOOK, _LAST_LOOK = 0.1, 1.0  # seconds between two looks at a job
_AWAY = 60.0  # seconds that a studio may be away, as while it is started again


class RemoteJob:
    """A picture that the studio paints; as `Client.stylize` returns it.

    Attributes:
        id: of the job.
    """

    def __init__(self, connection: Connection, data: dict[str, Any]) -> None:
        self._connection, self._data = connection, data
        self.id = str(data["id"])

    def __repr__(self) -> str:
        return f"<RemoteJob {self.id} {self._data['state']} {self._data['done']:.0%}>"

    @property
    def title(self) -> str:
        """What it is called."""
        return str(self._data["title"])

    @property
    def state(self) -> State:
        """Where it is, by the studio's word now."""
        return cast(State, self.refresh()._data["state"])

    @property
    def done(self) -> float:
        """The share that is painted, from 0 to 1, by the studio's word now."""
        return float(self.refresh()._data["done"])

    @property
    def message(self) -> str:
        """Why it failed, as last heard."""
        return str(self._data.get("message") or "")

    @property
    def data(self) -> dict[str, Any]:
        """All that was last heard of it, as the API says it."""
        return dict(self._data)

    def refresh(self) -> RemoteJob:
        """Ask the studio for news; return the job."""
        return self._take("GET", f"/jobs/{self.id}")

    def wait(
        self,
        timeout: float | None = None,
        on_progress: Callable[[RemoteJob], None] = lambda _: None,
    ) -> RemoteJob:
        """Wait until it is over, however it ends; return it.

        A studio that is away for less than a minute, as while it is started again, is waited for.

        Args:
            timeout: seconds; without it for ever.
            on_progress: is called after each look.

        Raises:
            TimeoutError: it took longer.
            JobError: the studio was away for longer than a minute.
        """
        end = None if timeout is None else time.monotonic() + timeout
        pause, heard = _FIRST_LOOK, time.monotonic()
        while True:
            try:
                self.refresh()
                heard = time.monotonic()
                on_progress(self)
            except UnreachableError:
                if time.monotonic() - heard > _AWAY:
                    raise
            if self._is_over:
                return self
            if end is not None and time.monotonic() + pause > end:
                raise TimeoutError(f"The job {self.id} is not over after {timeout:g} s.")
            time.sleep(pause)
            pause = min(_LAST_LOOK, 1.3 * pause)

    def result(self, timeout: float | None = None) -> Image.Image:
        """Wait until it is painted, and return the picture; `save` keeps the file as it is.

        Raises:
            TimeoutError: it took longer than `timeout` seconds.
            JobError: it failed, with the reason, or was cancelled or paused.
        """
        return self.picture(timeout).open()

    def save(
        self, path: str | os.PathLike[str], *, timeout: float | None = None, force: bool = False
    ) -> Path:
        """Wait until it is painted, and write the studio's file, with its recipe and metadata.

        Args:
            force: replace an existing file.

        Raises:
            TimeoutError: it took longer than `timeout` seconds.
            ImpastoError: it failed, was cancelled or paused, or the file cannot be written.
        """
        return self.picture(timeout).save(path, force=force)

    def picture(self, timeout: float | None = None) -> RemotePicture:
        """Wait until it is painted, and return the picture of the gallery.

        Raises:
            TimeoutError: it took longer than `timeout` seconds.
            JobError: it failed, with the reason, or was cancelled or paused.
        """
        self.wait(timeout)
        if self._data["state"] != "done":
            reason = f": {self.message}" if self.message else "."
            raise JobError(f"The job {self.id} was {self._data['state']}{reason}")
        if self._data["picture"] is None:
            raise JobError(
                f"The job {self.id} has left files and no picture: GET {self._data['files']}."
            )
        data = self._connection.json("GET", f"/pictures/{self._data['picture']}")
        return RemotePicture(self._connection, data)

    def cancel(self) -> RemoteJob:
        """End it; return it.

        Raises:
            JobError: it is over.
        """
        return self._take("POST", f"/jobs/{self.id}/cancel")

    def pause(self) -> RemoteJob:
        """End it so that `retry` goes on from there; return it.

        Raises:
            JobError: it is over.
        """
        return self._take("POST", f"/jobs/{self.id}/pause")

    def retry(self) -> RemoteJob:
        """Go on with it after it was paused or cancelled, or failed; return it.

        Raises:
            JobError: there is nothing to go on with.
        """
        return self._take("POST", f"/jobs/{self.id}/retry")

    def next(self) -> RemoteJob:
        """Let it run before the others that wait; return it.

        Raises:
            JobError: it does not wait.
        """
        return self._take("POST", f"/jobs/{self.id}/next")

    def extend(self, iterations: int = 50) -> RemoteJob:
        """Return a new job that paints on from its picture.

        Raises:
            ImpastoError: it is not done, or its method cannot go on.
        """
        more = {"iterations": iterations}
        data = self._connection.json("POST", f"/jobs/{self.id}/extend", json=more)
        return RemoteJob(self._connection, data["jobs"][0])

    @property
    def _is_over(self) -> bool:
        state = self._data["state"]
        has_result = bool(self._data["picture"] or self._data["files"])
        return state in _OVER and (state != "done" or has_result)

    def _take(self, method: str, path: str) -> RemoteJob:
        self._data = self._connection.json(method, path)
        return self
