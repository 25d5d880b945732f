"""The workers that a studio starts for itself, so that nobody needs a second command."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time

from impasto.jobs.queue.address import LOCAL
from impasto.studio.settings import StudioSettings

__all__ = ["OwnWorkers"]

_PAUSE = 5.0  # seconds before a worker that ended by itself is started again
_LAST_STATE = 20.0  # seconds that a worker has to write the state of its job


class OwnWorkers:
    """Starts workers, and starts them again where they end.

    Args:
        settings: say how many.
    """

    def __init__(self, settings: StudioSettings) -> None:
        queue = LOCAL if settings.address.file else settings.address.url
        module = "impasto.studio.own_worker"
        self._command = [sys.executable, "-m", module, queue, str(settings.store.path)]
        self._count = settings.workers
        self._processes: list[subprocess.Popen[bytes]] = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="workers", daemon=True)

    def start(self) -> None:
        """Start them."""
        if self._count:
            self._thread.start()

    def stop(self) -> None:
        """End them, once each has written the state of its job."""
        self._is_over.set()
        if self._thread.is_alive():
            self._thread.join()
        for process in self._processes:
            with contextlib.suppress(OSError):
                if process.stdin is not None:
                    process.stdin.close()
        until = time.monotonic() + _LAST_STATE
        for process in self._processes:
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _keep(self) -> None:
        while not self._is_over.is_set():
            self._processes = [one for one in self._processes if one.poll() is None]
            while len(self._processes) < self._count and not self._is_over.is_set():
                self._processes.append(self._started())
            self._is_over.wait(_PAUSE)

    def _started(self) -> subprocess.Popen[bytes]:
        # In a session of its own: Ctrl-C in the terminal is the studio's to pass on.
        return subprocess.Popen(self._command, stdin=subprocess.PIPE, start_new_session=True)
