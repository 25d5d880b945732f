"""Trials of films: three painted frames, and what the whole film would take."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool

from impasto.errors import OptionError
from impasto.studio.bodies import JobRequest
from impasto.studio.core import Studio
from impasto.studio.routes.common import Owner, StudioOf
from impasto.studio.works import asked_film

__all__ = ["router"]

router = APIRouter(tags=["films"])

_EVERY = 0.5  # seconds between two looks whether somebody still waits for an answer


@router.post("/trials")
async def _try(studio: StudioOf, owner: Owner, job: JobRequest, request: Request) -> dict[str, Any]:
    """Paint three frames of a film, and estimate seconds and bytes of disc of all of it.

    Of several at a time only the last is painted; it ends when whoever asked for it leaves.
    """
    who = f"{owner} {request.headers.get('x-look', '')[:64]}"
    trial = asyncio.ensure_future(run_in_threadpool(_tried, studio, owner, who, job))
    while not (await asyncio.wait([trial], timeout=_EVERY))[0]:
        if await request.is_disconnected():
            await run_in_threadpool(studio.desks.trials.leave, who)
    return await trial


def _tried(studio: Studio, owner: str, who: str, job: JobRequest) -> dict[str, Any]:
    if job.task != "film":
        raise OptionError("A trial is of a film: its task is film.")
    return studio.desks.trials.paint(who, asked_film(job, studio.places(owner)))
