"""Signing in and out."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from impasto.studio.accounts import COOKIE, TooManyTries, give_cookie, take_cookie
from impasto.studio.failures import NotFoundError
from impasto.studio.routes.common import StudioOf

__all__ = ["SignIn", "router"]

router = APIRouter(tags=["studio"])


class SignIn(BaseModel):
    """A user's name and password."""

    model_config = ConfigDict(extra="forbid")
    user: str = Field(max_length=64)
    password: str = Field(max_length=1024)


@router.post("/session", status_code=204)
def _sign_in(studio: StudioOf, request: Request, response: Response, body: SignIn) -> None:
    """Sign in: the answer sets a cookie."""
    if studio.accounts is None or studio.sessions is None:
        raise NotFoundError("This studio asks for no password.")
    address = request.client.host if request.client else ""
    try:
        is_right = studio.accounts.check(body.user, body.password, address)
    except TooManyTries as error:
        headers = {"Retry-After": str(max(1, round(error.seconds)))}
        raise HTTPException(429, str(error), headers) from None
    if not is_right:
        raise HTTPException(401, "The name or password is wrong.")
    give_cookie(response, studio.sessions.open(body.user), is_secure=studio.settings.is_secure)


@router.delete("/session", status_code=204)
def _sign_out(studio: StudioOf, request: Request, response: Response) -> None:
    """Sign out."""
    if studio.sessions is not None:
        studio.sessions.close(request.cookies.get(COOKIE, ""))
    take_cookie(response, is_secure=studio.settings.is_secure)
