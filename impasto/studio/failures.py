"""What the API answers where something cannot be done: one shape for all of it."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from impasto.config.film import FilmSettings
from impasto.config.live import LiveSettings
from impasto.config.methods import METHODS
from impasto.config.training import TrainingSettings
from impasto.errors import ImpastoError, JobError, notes_of
from impasto.jobs.queue.engine import is_unreachable
from impasto.jobs.queue.passing import is_passing
from impasto.studio.texts import without_folders
from impasto.studio.warm import SupersededError

__all__ = ["NotFoundError", "QuotaError", "answer_failures", "failure", "told"]

_FLAG = re.compile(r"--(?:no-)?([a-z][a-z-]+)")
_OPTIONS = {name for row in METHODS.values() for name in row.config.__dataclass_fields__}
for _settings in (TrainingSettings, FilmSettings, LiveSettings):
    _OPTIONS |= set(_settings.__dataclass_fields__)
_OPTIONS |= {"method", "preset", "values"}


class NotFoundError(ImpastoError):
    """The user has nothing of that ID."""


class QuotaError(ImpastoError):
    """The user has as much as is allowed.

    Attributes:
        status: of the answer: 413 for bytes, 429 for jobs.
    """

    def __init__(self, message: str, status: int = 413) -> None:
        super().__init__(message)
        self.status = status


def failure(
    status: int, message: str, kind: str = "ImpastoError", headers: dict[str, str] | None = None
) -> JSONResponse:
    """Return an error as the API answers it, with the option that its message is about.

    Args:
        kind: the name of the library's error.
    """
    return JSONResponse(_shaped(message, kind), status, headers)


def told(error: ImpastoError, folder: Path) -> dict[str, Any]:
    """Return an error in the shape of the API's answers, for what is no answer of HTTP.

    Args:
        folder: of jobs, whose path is nobody's business.
    """
    message = without_folders(" ".join([str(error), *notes_of(error)]), folder)
    return _shaped(message, getattr(error, "kind", type(error).__name__))


def _shaped(message: str, kind: str) -> dict[str, Any]:
    names = [name.replace("-", "_") for name in _FLAG.findall(message)]
    option = next((name for name in names if name in _OPTIONS), None)
    return {"error": {"message": message, "option": option, "kind": kind}}


def answer_failures(app: FastAPI) -> None:
    """Let every failure of an application be answered in that shape."""

    @app.exception_handler(ImpastoError)
    async def _ours(request: Request, error: ImpastoError) -> JSONResponse:
        return JSONResponse(told(error, request.app.state.studio.store.path), _status(error))

    @app.exception_handler(sqlite3.Error)
    async def _records(_request: Request, error: sqlite3.Error) -> JSONResponse:
        return failure(503, f"The studio's records cannot be used: {error}. Is the disc full?")

    @app.exception_handler(HTTPException)
    async def _http(_request: Request, error: HTTPException) -> JSONResponse:
        headers = dict(error.headers or {})
        return failure(error.status_code, str(error.detail), headers=headers)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        parts = [str(part) for part in first["loc"] if part not in ("body", "query")]
        if parts == ["file"]:
            return failure(400, "There is no file in this: choose one.")
        place = ".".join(parts) or "The request"
        return failure(400, f"{place} cannot be used: {first['msg']}.", "OptionError")

    @app.exception_handler(Exception)
    async def _bug(_request: Request, _error: Exception) -> JSONResponse:
        # What it was is in the log, which its server writes.
        return failure(500, "This is a bug of the studio: please report it, with its log.")


def _status(error: ImpastoError) -> int:
    if isinstance(error, NotFoundError):
        return 404
    if isinstance(error, QuotaError):
        return error.status
    if isinstance(error, SupersededError):
        return 409
    if isinstance(error, JobError):
        cause = error.__cause__
        is_away = is_passing(error) or (cause is not None and is_unreachable(cause))
        is_away = is_away or isinstance(cause, ConnectionError)
        return 503 if is_away else 409
    return 400
