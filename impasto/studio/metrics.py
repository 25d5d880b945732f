"""What those who run a studio look at: `/healthz`, and figures for Prometheus at `/metrics`.

The text format of Prometheus (version 0.0.4) is a line for each figure, so no library writes it.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol, runtime_checkable

import psutil
from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from impasto.studio.accounts import Accounts, TooManyTries, user_of
from impasto.studio.guard import Seen
from impasto.version import __version__

__all__ = ["Figures", "State", "can_write", "router"]

_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
_HELP = {
    "impasto_info": "gauge Version of Impasto.",
    "impasto_jobs": "gauge Jobs by state.",
    "impasto_queue_reachable": "gauge Whether the queue's database answers.",
    "impasto_disc_writable": "gauge Whether the folder of jobs can be written to.",
    "impasto_disc_free_bytes": "gauge Bytes that are free where the folder of jobs is.",
    "impasto_memory_bytes": "gauge Resident memory of the studio's processes.",
    "impasto_requests_total": "counter Requests by method, route and status.",
    "impasto_received_bytes_total": "counter Bytes of bodies that came.",
    "impasto_sent_bytes_total": "counter Bytes of bodies that were sent.",
    "impasto_request_seconds": "histogram Seconds from a request to the end of its answer.",
    "impasto_looks_total": "counter Live looks by what came of them.",
    "impasto_look_seconds": "histogram Seconds of a live look.",
}


@runtime_checkable
class State(Protocol):
    """What is asked of the studio, each time that somebody looks."""

    @property
    def figures(self) -> Figures:
        """What was counted."""

    @property
    def folder(self) -> Path:
        """The folder of jobs."""

    def is_queue_there(self) -> bool:
        """Whether the queue's database answers."""

    def jobs_by_state(self) -> Mapping[str, int]:
        """How many jobs are in each state, as far as is known."""


class Figures:
    """Counts requests and looks; of any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, str], float] = {}
        self._times = {
            name: _Histogram() for name in ("impasto_request_seconds", "impasto_look_seconds")
        }

    def observe(self, seen: Seen) -> None:
        """Count a request."""
        # The route, not the path, and of the methods those that there are: strangers choose both.
        method = seen.method if seen.method in _METHODS else "other"
        labels = _labels(method=method, route=seen.route, status=str(seen.status))
        with self._lock:
            self._add("impasto_requests_total", labels, 1)
            self._add("impasto_received_bytes_total", "", seen.received)
            self._add("impasto_sent_bytes_total", "", seen.sent)
            if not seen.route.endswith("/events"):  # which last as long as a page is open
                self._times["impasto_request_seconds"].add(seen.seconds)

    def look(self, outcome: str, seconds: float | None = None) -> None:
        """Count a live look.

        Args:
            outcome: a word: `shown`, `superseded` or `failed`.
            seconds: that it took, if it was shown.
        """
        with self._lock:
            self._add("impasto_looks_total", _labels(outcome=outcome), 1)
            if seconds is not None:
                self._times["impasto_look_seconds"].add(seconds)

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield the names of all figures, each with a line of it."""
        with self._lock:
            counts = sorted(self._counts.items())
            times = [(name, list(histogram.lines(name))) for name, histogram in self._times.items()]
        for (name, labels), value in counts:
            yield name, _line(name, labels, value)
        for name, lines in times:
            yield from ((name, line) for line in lines)

    def _add(self, name: str, labels: str, value: float) -> None:
        key = (name, labels)
        self._counts[key] = self._counts.get(key, 0) + value


_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class _Histogram:
    """How many times were at most so long."""

    def __init__(self) -> None:
        self._counts = [0] * (len(_BOUNDS) + 1)
        self._sum = 0.0

    def add(self, seconds: float) -> None:
        self._counts[sum(seconds > bound for bound in _BOUNDS)] += 1
        self._sum += seconds

    def lines(self, name: str) -> Iterator[str]:
        total = 0
        for bound, count in zip((*_BOUNDS, "+Inf"), self._counts, strict=True):
            total += count
            yield _line(f"{name}_bucket", _labels(le=str(bound)), total)
        yield _line(f"{name}_sum", "", self._sum)
        yield _line(f"{name}_count", "", total)


def router(state: State, accounts: Accounts | None = None) -> APIRouter:
    """Return the routes `/healthz`, which everybody may ask, and `/metrics`.

    Args:
        accounts: with them only users see the figures: by their session, or by name and password
            in each request, as Prometheus sends them.
    """
    routes = APIRouter(include_in_schema=False)

    @routes.get("/healthz")
    def healthz() -> Response:
        health = {"queue": state.is_queue_there(), "disc": can_write(state.folder)}
        words = {name: "ok" if is_well else "away" for name, is_well in health.items()}
        return JSONResponse(words, 200 if all(health.values()) else 503)

    @routes.get("/metrics")
    def metrics(request: Request) -> Response:
        if accounts is not None:
            _check(request, accounts)
        return Response(_text(state), media_type=_TYPE)

    return routes


def can_write(folder: Path) -> bool:
    """Return whether a few bytes can be written into a folder now: a full disc takes none."""
    probe = folder / f".impasto-health-{os.getpid()}-{threading.get_ident()}.tmp"
    try:
        probe.write_bytes(b"\0" * 4096)
    except OSError:
        return False
    finally:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)
    return True


def _check(request: Request, accounts: Accounts) -> None:
    """Raise HTTPException 401, or 429, unless a user asks."""
    kind, _, credentials = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        user_of(request)
        return
    try:
        user, _, password = (
            base64.b64decode(credentials, validate=True).decode("utf-8").partition(":")
        )
    except (binascii.Error, UnicodeError):
        raise HTTPException(401, "The name and password cannot be read.") from None
    try:
        if accounts.check(user, password, request.client.host if request.client else ""):
            return
    except TooManyTries as error:
        raise HTTPException(429, str(error)) from None
    raise HTTPException(401, "The name or password is wrong.")


def _text(state: State) -> str:
    lines: dict[str, list[str]] = {}
    for name, line in [*_gauges(state), *state.figures.lines()]:
        lines.setdefault(name, []).append(line)
    return "".join(
        "".join([f"# HELP {name} {text}\n", f"# TYPE {name} {kind}\n", *lines[name]])
        for name, (kind, _, text) in ((n, h.partition(" ")) for n, h in _HELP.items())
        if name in lines
    )


def _gauges(state: State) -> Iterator[tuple[str, str]]:
    def gauge(name: str, value: float, labels: str = "") -> tuple[str, str]:
        return name, _line(name, labels, value)

    yield gauge("impasto_info", 1, _labels(version=__version__))
    is_there = state.is_queue_there()
    yield gauge("impasto_queue_reachable", is_there)
    if is_there:
        for name, count in sorted(state.jobs_by_state().items()):
            yield gauge("impasto_jobs", count, _labels(state=name))
    yield gauge("impasto_disc_writable", can_write(state.folder))
    with contextlib.suppress(OSError):
        yield gauge("impasto_disc_free_bytes", psutil.disk_usage(str(state.folder)).free)
    for role, size in _memory().items():
        yield gauge("impasto_memory_bytes", size, _labels(process=role))


def _memory() -> dict[str, int]:
    """Return the resident bytes of the studio's process, and of those that it has started."""
    own, sizes = psutil.Process(), {}
    readers: list[tuple[str, Callable[[], int]]] = [
        ("studio", lambda: own.memory_info().rss),
        ("children", lambda: sum(child.memory_info().rss for child in own.children(True))),
    ]
    for role, read in readers:
        with contextlib.suppress(psutil.Error):  # a child that ends while it is looked at
            sizes[role] = int(read())
    return sizes


def _labels(**values: str) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in values.items())


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _line(name: str, labels: str, value: float) -> str:
    number = f"{value:d}" if isinstance(value, int) else f"{value:.6g}"
    if isinstance(value, float) and value.is_integer():
        number = f"{value:.0f}"
    return f"{name}{{{labels}}} {number}\n" if labels else f"{name} {number}\n"
