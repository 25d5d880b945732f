"""Requests to a studio, and what its refusals are raised as."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from impasto import errors
from impasto.errors import ImpastoError, JobError, OptionError, PictureError
from impasto.installation import install_hint

if TYPE_CHECKING:
    import httpx

__all__ = ["Connection", "UnreachableError", "checked_id"]

_API = "/api/v1"
_PAGE = 100  # things that are asked for at once
# What an answer without the name of an error means.
_ERRORS: dict[int, type[ImpastoError]] = {400: OptionError, 401: OptionError, 413: PictureError}


class UnreachableError(JobError):
    """The studio does not answer."""


class Connection:
    """A connection to a studio, which signs in by itself.

    Args:
        account: the user's name and password; without a name nobody signs in.
        timeout: seconds that the studio may take for an answer.

    Raises:
        JobError: the studio cannot be reached.
        OptionError: the name or password is wrong or missing, or httpx is not installed.
    """

    def __init__(self, url: str, account: tuple[str, str], timeout: float) -> None:
        self._url = url.rstrip("/")
        self._account = dict(zip(("user", "password"), account, strict=True))
        self._http = self._connected(timeout)
        try:
            self._enter()
        except ImpastoError:
            self.close()
            raise

    def close(self) -> None:
        """End the connection."""
        self._http.close()

    def pages(self, path: str, search: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the things of a list, page by page.

        Args:
            search: what to look for; None is left out.
        """
        query = {name: value for name, value in search.items() if value is not None}
        query["limit"] = _PAGE
        while True:
            page = self.json("GET", path, params=query)
            yield from page["items"]
            if page["next"] is None:
                return
            query["before"] = page["next"]

    def json(self, method: str, path: str, **options: Any) -> Any:
        """Return what a request is answered with.

        Raises:
            ImpastoError: the studio refuses it, or cannot be reached.
        """
        answer = self.ask(method, path, **options)
        try:
            return answer.json() if answer.content else None
        except ValueError:
            raise JobError(f"{self._url} is not a studio: its answer is no JSON.") from None

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Return the answer to a request.

        Raises:
            ImpastoError: the studio refuses it, or cannot be reached.
        """
        answer = self._sent(method, path, options)
        if answer.status_code == 401 and path != "/session" and self._account["user"]:
            self._sign_in()  # the session was over
            answer = self._sent(method, path, options)
        if answer.is_success:
            return answer
        raise _error_of(answer)

    def _enter(self) -> None:
        about = self.json("GET", "/about")
        if not about.get("is_closed"):
            return
        if not self._account["user"]:
            raise OptionError(f"{self._url} asks for a password: give user and password.")
        self._sign_in()

    def _sign_in(self) -> None:
        self.json("POST", "/session", json=self._account)

    def _sent(self, method: str, path: str, options: Mapping[str, Any]) -> httpx.Response:
        import httpx

        for _, file in (options.get("files") or {}).values():
            if isinstance(file, io.IOBase):
                file.seek(0)
        try:
            return self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            reason = str(error).rstrip(".") or type(error).__name__
            raise UnreachableError(
                f"The studio {self._url} cannot be reached: {reason}. `impasto studio` starts one."
            ) from error

    def _connected(self, timeout: float) -> httpx.Client:
        try:
            import httpx
        except ImportError:
            raise OptionError(
                "A client needs httpx, which is not installed here. Install it with "
                f"`{install_hint('studio')}`."
            ) from None
        parts = urlsplit(self._url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise OptionError(
                f"The studio's address is {self._url!r:.80}. It takes one such as "
                "http://127.0.0.1:7700."
            )
        # No proxy leads back to this machine.
        is_here = parts.hostname in ("127.0.0.1", "localhost", "::1")
        return httpx.Client(base_url=self._url + _API, timeout=timeout, trust_env=not is_here)


def _error_of(answer: httpx.Response) -> ImpastoError:
    """Return what to raise for an answer that refuses."""
    status = answer.status_code
    kind, message = _ERRORS.get(status, JobError), f"The studio answered with status {status}."
    try:
        said = answer.json()["error"]
        message, named = str(said["message"]), said.get("kind")
    except (ValueError, KeyError, TypeError):
        return kind(message)
    if named in errors.__all__:
        error = getattr(errors, str(named))
        if isinstance(error, type) and issubclass(error, ImpastoError) and error != ImpastoError:
            kind = error
    return kind(message)


def checked_id(text: str) -> str:
    """Return an ID as it may stand in an address.

    Raises:
        JobError: it is none.
    """
    if not (text.isascii() and text.isalnum()):
        raise JobError(f"{text!r:.80} is no ID: they have digits and letters alone.")
    return text
