"""A worker that ends with the studio that started it, even where the studio is killed."""

from __future__ import annotations

import os
import signal
import sys
import threading

from impasto.cli.main import main

__all__: list[str] = []


def _end_with_studio() -> None:
    sys.stdin.buffer.read()  # returns once the other end is closed, by whatever
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_end_with_studio, daemon=True).start()
    sys.exit(main(["worker", "--quiet", *sys.argv[1:]]))
