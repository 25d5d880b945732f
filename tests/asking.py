"""A browser's memory without a browser: requests to an application in this process."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

__all__ = ["Asker"]


class Asker:
    """Asks an ASGI application, and keeps its cookies.

    Args:
        origin: where the application seems to be.
    """

    def __init__(self, app: Any, origin: str = "http://127.0.0.1:7700") -> None:
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._origin, self._cookies = origin, httpx.Cookies()

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The answer to a request; 500 where the application raises an error."""

        async def answer() -> httpx.Response:
            async with httpx.AsyncClient(
                transport=self._transport, base_url=self._origin, cookies=self._cookies
            ) as client:
                answer = await client.request(method, path, **options)
                self._cookies = client.cookies
                return answer

        return asyncio.run(answer())

    def get(self, path: str, **options: Any) -> httpx.Response:
        """The answer to a GET."""
        return self.ask("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        """The answer to a POST."""
        return self.ask("POST", path, **options)
