"""A browser's camera, painted as it is seen: pictures come and go over a WebSocket.

The browser sends texts, each a `LiveRequest` that holds from then on, and JPEG files. For each
picture that is painted it gets a text with `frame`, the number of that picture among those that
it has sent, from 1, and `size`, the long side that is wanted of the next; then the JPEG file. A
picture that comes while another is painted takes the place of one that waits. What cannot be done
is told by a text with `error`, in the shape of all answers of the API.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import secrets
import time
from typing import Any

from fastapi import APIRouter, WebSocket
from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError
from starlette.websockets import WebSocketDisconnect

from impasto.config.fields import from_dict, from_text
from impasto.config.live import LiveSettings
from impasto.errors import ImpastoError, JobError, OptionError
from impasto.studio.accounts import COOKIE
from impasto.studio.bodies import LiveRequest
from impasto.studio.core import Studio
from impasto.studio.failures import told
from impasto.studio.routes.common import Owner, StudioOf
from impasto.studio.warm import WarmProcess

__all__ = ["LONGEST_MESSAGE", "router"]

LONGEST_MESSAGE = 2**20
"""Bytes of a message from a browser."""

router = APIRouter(tags=["live"])

_PAINTING = 60.0  # seconds of a picture, the first of which loads a network
_IDLE = 60.0  # seconds without a picture: a page that was left open keeps no process
_CHECK = 5.0  # seconds between two looks whether the session still holds
_OVER = 1000  # WebSocket's codes: all is well; the other side may not; it failed
_FORBIDDEN, _FAILED = 1008, 1011


@router.websocket("/live")
async def _live(socket: WebSocket, studio: StudioOf, owner: Owner) -> None:
    """Paint a browser's camera until it leaves."""
    await socket.accept()
    try:
        with studio.live.desk(owner) as process:
            await _Visit(socket, studio, owner, process).last()
    except WebSocketDisconnect:
        pass
    except ImpastoError as error:
        await _say(socket, studio, error)
        await _close(socket, _FAILED if isinstance(error, JobError) else _FORBIDDEN)


class _Visit:
    """One browser's camera: what it sent last, and how it is painted."""

    def __init__(self, socket: WebSocket, studio: Studio, owner: str, process: WarmProcess) -> None:
        self._socket, self._studio, self._owner = socket, studio, owner
        self._process, self._name = process, secrets.token_hex(8)
        self._look: dict[str, Any] | None = None
        self._count, self._frame = 0, b""
        self._is_there, self._is_over = asyncio.Event(), False
        self._checked = time.monotonic()

    async def last(self) -> None:
        """Paint until the browser leaves.

        Raises:
            ImpastoError: it goes on no longer.
        """
        receiving = asyncio.create_task(self._receive())
        try:
            while not self._is_over:
                await self._wait()
                if self._look is not None and self._frame:
                    await self._paint()
        finally:
            receiving.cancel()
            await asyncio.gather(receiving, return_exceptions=True)

    async def _receive(self) -> None:
        """Keep the newest picture and the newest request."""
        try:
            while True:
                message = await self._socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                if (data := message.get("bytes")) is not None:
                    self._count, self._frame = self._count + 1, data
                    self._is_there.set()
                else:
                    await self._ask(message["text"])
        finally:
            self._is_over = True
            self._is_there.set()

    async def _ask(self, text: str) -> None:
        try:
            request = LiveRequest.model_validate_json(text)
            self._look = await run_in_threadpool(self._looked, request)
            if self._frame:  # it came while there was no look to paint it by
                self._is_there.set()
        except ValidationError as problem:
            first = problem.errors()[0]
            place = ".".join(map(str, first["loc"])) or "The request"
            await self._complain(OptionError(f"{place} cannot be used: {first['msg']}."))
        except ImpastoError as error:
            await self._complain(error)

    def _looked(self, request: LiveRequest) -> dict[str, Any]:
        """Return a request as the process takes it: files instead of IDs."""
        from_dict(LiveSettings, options := from_text(LiveSettings, request.options))
        places = self._studio.places(self._owner)
        styles = [places.style(style) for style in request.styles]
        packed = [[str(spec.source), spec.weight, spec.layers] for spec in styles]
        return {"styles": packed, "options": options, "long_side": request.long_side}

    async def _wait(self) -> None:
        """Wait for a picture.

        Raises:
            OptionError: none came for long, or the session is over.
        """
        try:
            await asyncio.wait_for(self._is_there.wait(), _IDLE)
        except TimeoutError:
            raise OptionError("No picture came for a minute: begin again.") from None
        self._is_there.clear()
        if time.monotonic() - self._checked > _CHECK:
            self._check_session()
            self._checked = time.monotonic()

    def _check_session(self) -> None:
        sessions = self._studio.sessions
        token = self._socket.cookies.get(COOKIE, "")
        if sessions is not None and sessions.user(token) != self._owner:
            raise OptionError("Sign in first: the session is over.")

    async def _paint(self) -> None:
        number, frame, self._frame = self._count, self._frame, b""
        jpeg = base64.b64encode(frame).decode("ascii")
        values = {"sitting": self._name, "jpeg": jpeg, **(self._look or {})}
        try:
            answer = await run_in_threadpool(self._process.ask, "live", _PAINTING, **values)
        except JobError:
            raise
        except ImpastoError as error:
            self._look = None  # until there is another: or each picture would say so
            await self._complain(error)
            return
        painted = base64.b64decode(answer.pop("jpeg"))
        if not self._is_over:
            await self._socket.send_json({"frame": number, **answer})
            await self._socket.send_bytes(painted)

    async def _complain(self, error: ImpastoError) -> None:
        if not self._is_over:
            await _say(self._socket, self._studio, error)


async def _say(socket: WebSocket, studio: Studio, error: ImpastoError) -> None:
    with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # it may have left
        await socket.send_json(told(error, studio.store.path))


async def _close(socket: WebSocket, code: int) -> None:
    with contextlib.suppress(RuntimeError):
        await socket.close(code)
