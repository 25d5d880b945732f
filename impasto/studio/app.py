"""The studio as an application: the API, the page, and what both pass first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from anyio import to_thread
from fastapi import APIRouter, FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.types import ASGIApp

from impasto.studio import metrics
from impasto.studio.core import Studio
from impasto.studio.failures import answer_failures
from impasto.studio.guard import Guard, hosts_for
from impasto.studio.routes import (
    about,
    events,
    films,
    jobs,
    live,
    looks,
    pictures,
    sessions,
    styles,
    uploads,
)
from impasto.studio.settings import StudioSettings
from impasto.studio.views import API
from impasto.version import __version__

__all__ = ["create_app"]

PAGE = Path(__file__).parent / "page"

_THREADS = 100  # requests at once: a look waits in one for those before it
_FORM = 2**16  # bytes of an upload's form beside its file


def create_app(settings: StudioSettings) -> ASGIApp:
    """Return the studio as an ASGI application, which starts its parts with its lifespan.

    Raises:
        ImpastoError: its folder, records, password file or queue cannot be used.
    """
    studio = Studio(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = _THREADS
        await run_in_threadpool(studio.start)
        try:
            yield
        finally:
            await run_in_threadpool(studio.stop)

    app = FastAPI(
        title="Impasto Studio",
        version=__version__,
        description="Paints pictures, as the studio's page does.",
        openapi_url=f"{API}/openapi.json",
        docs_url=None,  # its pages come from another host; `/api` is ours
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.studio, app.state.sessions = studio, studio.sessions
    answer_failures(app)
    api = APIRouter(prefix=API)
    parts = (about, sessions, uploads, styles, looks, films, jobs, pictures, events, live)
    for part in parts:
        api.include_router(part.router)
    app.include_router(api)
    app.include_router(metrics.router(studio, studio.accounts))

    @app.get("/api", include_in_schema=False)
    def _calls() -> FileResponse:
        return FileResponse(PAGE / "api.html")

    app.mount("/", StaticFiles(directory=PAGE, html=True), name="page")
    return Guard(
        app,
        hosts=hosts_for(settings.host, settings.names),
        is_secure=settings.is_secure,
        max_body=max(settings.upload_bytes, settings.film_bytes) + _FORM,
        sessions=studio.sessions,
        observe=studio.figures.observe,
    )
