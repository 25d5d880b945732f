"""`impasto worker`: it paints what others put into a queue."""

from __future__ import annotations

from typing import Annotated

import typer

from impasto.cli import options as shared
from impasto.cli.console import print_note, set_quiet

__all__ = ["worker"]


def worker(
    queue: shared.QueueUrl = None,
    files: shared.Files = None,
    device: Annotated[
        str,
        typer.Option(
            "--device",
            metavar="auto|cuda|xpu|mps|cpu",
            help="What it paints on, where a job does not say it.",
        ),
    ] = "auto",
    quiet: shared.Quiet = False,
) -> None:
    """Paint what is in a queue, one job at a time, until Ctrl-C or SIGTERM.

    As many as wanted may work on one queue, on one machine or on many that see the same folder. A
    job whose worker ends, however that happens, is taken up by another where it was.
    """
    set_quiet(quiet)
    from impasto.jobs.queue.address import Address
    from impasto.jobs.queue.engine import load
    from impasto.jobs.queue.serve import device_here, serve
    from impasto.jobs.queue.store import Store

    store = Store.open(files)
    address = Address.parse(queue, store)
    load()  # refused before anything else takes time
    serve(address, store, device_here(device), (lambda _: None) if quiet else print_note)
