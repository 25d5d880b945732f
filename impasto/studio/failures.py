"""What the API answers where something cannot be done: one shape for all of it."""

from __future__ import annotations

import re

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from impasto.config.methods import METHODS
from impasto.errors import ImpastoError, JobError, notes_of
from impasto.jobs.queue.engine import is_unreachable
from impasto.studio.desks import SupersededError

__all__ = ["NotFoundError", "QuotaError", "answer_failures", "failure"]

_FLAG = re.compile(r"--(?:no-)?([a-z][a-z-]+)")
_OPTIONS = {name for row in METHODS.values() for name in row.config.__dataclass_fields__}


class NotFoundError(ImpastoError):
    """The user has nothing of that ID."""


class QuotaError(ImpastoError):
    """The user has as much as is allowed."""


def failure(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return an error as the API answers it, with the option that its message is about."""
    names = [name.replace("-", "_") for name in _FLAG.findall(message)]
    option = next((name for name in names if name in _OPTIONS), None)
    data = {"error": {"message": message, "option": option}}
    return JSONResponse(data, status, headers)


def answer_failures(app: FastAPI) -> None:
    """Let every failure of an application be answered in that shape."""

    @app.exception_handler(ImpastoError)
    async def _ours(_request: Request, error: ImpastoError) -> JSONResponse:
        return failure(_status(error), " ".join([str(error), *notes_of(error)]))

    @app.exception_handler(HTTPException)
    async def _http(_request: Request, error: HTTPException) -> JSONResponse:
        return failure(error.status_code, str(error.detail), dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def _invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"] if part not in ("body", "query"))
        return failure(400, f"{place or 'The request'} cannot be used: {first['msg']}.")


def _status(error: ImpastoError) -> int:
    if isinstance(error, NotFoundError):
        return 404
    if isinstance(error, QuotaError):
        return 413
    if isinstance(error, SupersededError):
        return 409
    if isinstance(error, JobError):
        is_away = error.__cause__ is not None and (
            is_unreachable(error.__cause__) or isinstance(error.__cause__, OSError)
        )
        return 503 if is_away else 409
    return 400
