"""A worker that ends with the studio that started it, even where the studio is killed.

Its arguments are the queue, as `--queue` names it, and the folder of jobs.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

from impasto.errors import ImpastoError, speaking_flags
from impasto.jobs.queue.address import Address
from impasto.jobs.queue.serve import device_here, serve
from impasto.jobs.queue.store import Store

__all__ = ["main"]


def main(queue: str, files: str) -> int:
    """Work until the studio ends; return the status of a worker that could not begin."""
    threading.Thread(target=_end_with_studio, daemon=True).start()
    with speaking_flags():
        try:
            store = Store.open(Path(files))
            serve(Address.parse(queue, store), store, device_here("auto"), _note)
        except ImpastoError as error:
            _note(str(error))
    return 1


def _end_with_studio() -> None:
    # Not by `sys.stdin`, whose lock a thread that waits would hold at the end of the program.
    while os.read(0, 1024):  # until the other end is closed, by whatever
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _note(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
