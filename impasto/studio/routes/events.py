"""What happens to a user's jobs and pictures, as server-sent events."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from impasto.studio.accounts import COOKIE
from impasto.studio.core import Studio
from impasto.studio.routes.common import Owner, StudioOf

__all__ = ["router"]

router = APIRouter(tags=["events"])

_PULSE = 15.0  # seconds after which a comment shows that the line is alive
_OPEN = ("waiting", "running", "interrupted", "paused")
_FIRST = 200  # open jobs that are sent at the beginning, at most, of each state


@router.get("/events", response_class=StreamingResponse)
async def _events(studio: StudioOf, owner: Owner, request: Request) -> StreamingResponse:
    """Send `job`, `picture` and `gone`; at first all jobs that wait, run or are paused."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    stream = _stream(studio, owner, request.cookies.get(COOKIE, ""))
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


async def _stream(studio: Studio, owner: str, token: str) -> AsyncIterator[str]:
    subscriber = studio.hub.subscribe(owner)
    try:
        yield "retry: 2000\n\n"
        for view in await run_in_threadpool(_open_jobs, studio, owner):
            yield _event("job", view)
        while studio.sessions is None or studio.sessions.user(token) == owner:
            taken = await subscriber.take(_PULSE)
            for kind, data in taken:
                yield _event(kind, data)
            if not taken:
                yield ": alive\n\n"
    finally:
        studio.hub.leave(subscriber)


def _open_jobs(studio: Studio, owner: str) -> list[dict[str, Any]]:
    rows = [row for state in _OPEN for row in studio.records.jobs(owner, _FIRST, None, state).rows]
    return [studio.follower.view(row) for row in rows]


def _event(kind: str, data: dict[str, Any]) -> str:
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n"
