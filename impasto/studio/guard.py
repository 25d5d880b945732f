"""What every request passes first: foreign hosts and pages are refused, bodies are counted.

A page of another site that is open in the same browser can send requests to 127.0.0.1. So three
things are asked of each request: the name that it was sent to is one of ours (otherwise any name
may have been led here: DNS rebinding), the page that sent it is ours, and its body is no larger
than allowed, by counting it as it comes.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import socket
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.requests import cookie_parser

from impasto.studio.accounts import COOKIE, Sessions
from impasto.studio.turns import Turns

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["ANY_ADDRESS", "CSP", "LOOPBACK", "Guard", "Seen", "hosts_for", "log_requests"]

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""The names of this machine to itself."""

ANY_ADDRESS = "*"
"""Among the allowed hosts: every numeric address. DNS, which an attacker may rule, gives none."""

CSP = (
    "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
"""The content security policy: nothing from other hosts, and no script or style within a page."""

_HEADERS = (
    (b"content-security-policy", CSP.encode("ascii")),
    (b"x-content-type-options", b"nosniff"),
    # Not `no-referrer`, with which browsers send a form's Origin as `null`.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-embedder-policy", b"require-corp"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(self), geolocation=(), microphone=(), payment=()"),
)
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_OWN_SITES = {"", "same-origin", "none"}  # `none` is what the user typed or kept as a bookmark
_MOST_JSON = 2**20  # bytes of a body that is no file
_PATIENCE = 60.0  # seconds without a byte of a body
_AT_ONCE = 24  # requests of a user, of the 100 that have a thread
_DRAIN = 5.0  # seconds in which the rest of a refused body is read, so that the answer is seen

_LOG = logging.getLogger("impasto.studio")


@dataclass
class Seen:
    """A request that was answered.

    Attributes:
        route: its path with the names of its parts, such as `/api/v1/jobs/{id}`; "" if none fits.
        path: as it was asked for, without its query.
        status: 0 if the connection ended before.
        received, sent: bytes of the bodies.
        address: of the client.
        user: "" without an account.
    """

    method: str
    path: str
    address: str
    began: float = field(default_factory=time.perf_counter)
    route: str = ""
    status: int = 0
    seconds: float = 0.0
    received: int = 0
    sent: int = 0
    user: str = ""


class Guard:
    """Wraps an application.

    Args:
        hosts: names under which it may be reached, in lower case and without ports.
        is_secure: whether browsers reach it by https, through a proxy: then no page that came by
            http is its own, and who asks is whom the proxy names in X-Forwarded-For.
        max_body: bytes of an upload.
        sessions: with them only who is signed in may send an upload; others' are not even read.
            And so many requests of one user wait that all others are answered.
        observe: is called after each request.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: frozenset[str],
        is_secure: bool,
        max_body: int,
        sessions: Sessions | None = None,
        observe: Callable[[Seen], None] = lambda _: None,
    ) -> None:
        self._app, self._is_secure = app, is_secure
        self._turns = Turns(_AT_ONCE)
        self._hosts, self._takes_addresses = hosts - {ANY_ADDRESS}, ANY_ADDRESS in hosts
        self._max_body, self._sessions, self._observe = max_body, sessions, observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket" and self._refusal(scope):
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = dict(scope.get("state", {}))
        scope = {**scope, "client": (self._address(scope), 0), "state": state}
        seen = Seen(scope["method"], scope["path"], scope["client"][0])
        exchange = _Exchange(scope, receive, send, seen)
        try:
            if reason := self._refusal(scope):
                await exchange.refuse(403, reason)
            else:
                await self._passed(exchange, scope)
        finally:
            seen.seconds = time.perf_counter() - seen.began
            seen.route = str(getattr(scope.get("route"), "path", ""))
            seen.user = str(scope.get("state", {}).get("user", ""))
            _write(seen)
            self._observe(seen)

    async def _passed(self, exchange: _Exchange, scope: Scope) -> None:
        if self._sessions is None:
            exchange.limit = self._limit(scope)
            await exchange.run(self._app)
            return
        token = cookie_parser(_header(scope, b"cookie")).get(COOKIE, "")
        user = self._sessions.user(token)
        exchange.limit = self._limit(scope) if user else min(self._max_body, _MOST_JSON)
        # Events last as long as a page is open, and take no thread.
        kind = "events of" if scope["path"].endswith("/events") else "requests of"
        async with self._turns.turn(f"{kind} {user or scope['client'][0]}"):
            await exchange.run(self._app)

    def _limit(self, scope: Scope) -> int:
        is_upload = _header(scope, b"content-type").lower().startswith("multipart/form-data")
        return self._max_body if is_upload else min(self._max_body, _MOST_JSON)

    def _address(self, scope: Scope) -> str:
        """Return where a request comes from: before a proxy, as that says."""
        near = str((scope.get("client") or ("", 0))[0])
        if not self._is_secure:
            return near
        # The last is what our proxy has added; those before it are whatever the client claims.
        named = _headers_of(scope, b"x-forwarded-for")
        last = named[-1].rpartition(",")[2].strip() if named else ""
        return last if _is_address(last) else near

    def _refusal(self, scope: Scope) -> str:
        """Return why a request is refused; "" if it is not."""
        host = _header(scope, b"host")
        if not self._is_own_host(host):
            return (
                f"The studio is not served as {host!r:.80}. Open it by the address that it printed "
                "when it began, or name this one with --hostname."
            )
        is_safe = scope["type"] == "http" and scope["method"] in _SAFE_METHODS
        origin = _header(scope, b"origin")
        if origin and not is_safe and not self._is_own_origin(origin, host):
            return f"A page of {origin!r:.80} may not do this: only the studio's own page may."
        site, mode = _header(scope, b"sec-fetch-site"), _header(scope, b"sec-fetch-mode")
        if site not in _OWN_SITES and not (is_safe and mode == "navigate"):
            return "Another site's page may not ask for this; a link to it may lead here."
        return ""

    def _is_own_host(self, host: str) -> bool:
        name = _without_port(host)
        return name in self._hosts or (self._takes_addresses and _is_address(name))

    def _is_own_origin(self, origin: str, host: str) -> bool:
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        schemes = {"https"} if self._is_secure else {"http", "https"}
        ports = {"http": ":80", "https": ":443"}
        if parts.scheme not in schemes:
            return False
        usual = ports[parts.scheme]
        return parts.netloc.lower().removesuffix(usual) == host.lower().removesuffix(usual)


class _Exchange:
    """A request and its answer, both counted."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, seen: Seen) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self.seen, self.limit = seen, 0
        self._is_whole = False  # whether the body has come
        self._is_refused = False  # whether the answer is ours, and the application's is not sent

    async def run(self, app: ASGIApp) -> None:
        """Let the application answer."""
        if self._announced() > self.limit:
            await self._refuse_size()
            return
        try:
            await app(self._scope, self.receive, self.send)
        except Exception:
            if not self._is_refused:  # otherwise it only says that its client went
                raise

    async def receive(self) -> Message:
        """Pass on a part of the body, unless it is one too many."""
        if self._is_refused:
            return {"type": "http.disconnect"}
        if self._is_whole:  # what comes now is the end of the connection, at any time
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), _PATIENCE)
        except TimeoutError:
            await self.refuse(408, f"Nothing came for {_PATIENCE:.0f} seconds. Send it again.")
            return {"type": "http.disconnect"}
        self._count(message)
        if self.seen.received > self.limit:
            await self._refuse_size()
            return {"type": "http.disconnect"}
        return message

    async def send(self, message: Message) -> None:
        """Pass on a part of the answer, with our headers."""
        if self._is_refused:
            return
        if message["type"] == "http.response.start":
            self.seen.status = message["status"]
            message = {**message, "headers": self._headers(message.get("headers", []))}
        elif message["type"] == "http.response.body":
            self.seen.sent += len(message.get("body", b""))
        await self._send(message)

    async def refuse(self, status: int, reason: str) -> None:
        """Answer in the application's place, unless it has begun to."""
        if not self.seen.status:
            body = json.dumps({"error": {"message": reason, "option": None}}).encode()
            headers = [
                (b"content-type", b"application/json"),
                (b"content-length", b"%d" % len(body)),
                (b"connection", b"close"),
            ]
            await self.send({"type": "http.response.start", "status": status, "headers": headers})
            await self.send({"type": "http.response.body", "body": body})
        self._is_refused = True

    async def _refuse_size(self) -> None:
        # Read first: a connection that is closed on a client that still sends is reset, and the
        # client sees no answer.
        try:
            async with asyncio.timeout(_DRAIN):
                while not self._is_whole and self.seen.received < 2 * self.limit + _MOST_JSON:
                    message = await self._receive()
                    self._count(message)
                    if message["type"] == "http.disconnect":
                        break
        except TimeoutError:
            pass
        await self.refuse(413, f"This is larger than {_amount(self.limit)}, the most allowed.")

    def _count(self, message: Message) -> None:
        self.seen.received += len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)

    def _announced(self) -> int:
        length = _header(self._scope, b"content-length")
        return int(length) if length.isascii() and length.isdigit() else 0

    def _headers(self, given: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        ours = dict(_HEADERS)
        headers = [(name, value) for name, value in given if name.lower() not in ours]
        if not any(name.lower() == b"cache-control" for name, _ in headers):
            is_data = self._scope["path"].startswith("/api/")
            headers.append((b"cache-control", b"no-store" if is_data else b"no-cache"))
        return [*headers, *_HEADERS]


def hosts_for(host: str, names: Iterable[str] = ()) -> frozenset[str]:
    """Return the hosts that `Guard` allows where the studio listens at `host`.

    Args:
        host: that it listens at; 0.0.0.0 and :: are all addresses of this machine.
        names: others that lead here, such as that of a proxy.
    """
    name = f"[{host}]" if ":" in host and not host.startswith("[") else host
    own = {name.lower(), *(given.lower() for given in names)}
    if name in ("0.0.0.0", "[::]"):
        machine = socket.gethostname().lower()
        own |= {ANY_ADDRESS, machine, f"{machine.partition('.')[0]}.local"}
    return frozenset(own | LOOPBACK)


def log_requests() -> None:
    """Let a line of JSON be written to standard error for each request."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    _LOG.handlers = [handler]
    _LOG.setLevel(logging.INFO)
    _LOG.propagate = False  # the command's own handler is for its user, in sentences


def _write(seen: Seen) -> None:
    """Log a request, without its query: that may hold what is nobody's business."""
    values = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "method": seen.method,
        "path": seen.path[:200],
        "status": seen.status,
        "seconds": round(seen.seconds, 4),
        "received": seen.received,
        "sent": seen.sent,
        "address": seen.address,
        "user": seen.user,
    }
    _LOG.info("%s", json.dumps(values))


def _header(scope: Scope, name: bytes) -> str:
    """Return a header's value; "" if it is missing, and for one that came twice what fits none."""
    values = _headers_of(scope, name)
    if len(values) > 1:
        return "\0"
    return values[0] if values else ""


def _headers_of(scope: Scope, name: bytes) -> list[str]:
    values = [value for key, value in scope["headers"] if key.lower() == name]
    return [value.decode("latin-1").strip() for value in values]


def _without_port(host: str) -> str:
    """Return a host's name in lower case; that of an IPv6 address keeps its brackets."""
    name, colon, port = host.rpartition(":")
    is_port = colon and not host.endswith("]") and port.isascii() and port.isdigit()
    return (name if is_port else host).lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def _amount(size: int) -> str:
    return f"{size / 2**20:.0f} MiB" if size >= 2**20 else f"{size / 2**10:.0f} KiB"
