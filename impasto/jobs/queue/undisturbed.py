"""Lets the process that jobs' processes are copies of outlive what ends its worker gently.

A terminal that closes, or a system that stops a service, signals all processes of a worker at once.
The worker is to end its job by itself, and this process is needed until then: it ends when the
worker's end of a pipe is closed. Imported by that process alone (`nursery`).
"""

from __future__ import annotations

import signal

__all__: list[str] = []

for _name in ("SIGTERM", "SIGHUP"):
    if hasattr(signal, _name):
        signal.signal(getattr(signal, _name), signal.SIG_IGN)
