"""DBOS, an extra of the package, which keeps the queue: it is loaded when a queue is used.

What it stores is JSON, in both directions: nothing that is read from the database is executed.
"""

from __future__ import annotations

import logging
import warnings
from typing import Any

from impasto.errors import JobError, OptionError
from impasto.installation import install_hint

__all__ = [
    "WORKFLOW",
    "application",
    "is_unreachable",
    "load",
    "queue_names",
    "release",
    "unreachable",
    "version_name",
]

WORKFLOW = "impasto.job"
"""What the database calls a job of ours."""

_KINDS = ("any", "cpu", "cuda", "xpu", "mps")


def load() -> Any:
    """Return the module `dbos`.

    Raises:
        OptionError: it is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import dbos
    except ImportError:
        raise OptionError(
            "A queue needs DBOS, which is not installed here. Install it with "
            f"`{install_hint('jobs')}`."
        ) from None
    logging.getLogger("dbos").setLevel(logging.CRITICAL)  # what is wrong is said by us, once
    return dbos


def application(store: str) -> str:
    """Return what the database calls the jobs of a store: others' are not even seen."""
    return f"impasto-{store}"


def queue_names(store: str) -> dict[str, str]:
    """Return the queues of a store: `any`, and one for each kind of device."""
    return {kind: f"{application(store)}-{kind}" for kind in _KINDS}


def version_name(store: str, version: str) -> str:
    """Return what the database calls a version of Impasto, which is unique to a store there."""
    return f"{version}-{store}"


def release(name: str) -> str:
    """Return the version of Impasto that `version_name` was called with."""
    return name.rpartition("-")[0] or name


def is_unreachable(error: BaseException) -> bool:
    """Return whether an error says that the database is not there now, but may be again."""
    from sqlalchemy import exc

    if isinstance(error, exc.TimeoutError):
        return True
    if not isinstance(error, exc.DBAPIError):
        return False
    if error.connection_invalidated or isinstance(error, exc.InterfaceError):
        return True
    text = str(error.orig).lower()
    is_lasting = any(words in text for words in ("no such table", "does not exist", "password"))
    return isinstance(error, exc.OperationalError) and not is_lasting


def unreachable(place: object, error: BaseException) -> JobError:
    """Return what to raise where a database cannot be used."""
    cause = getattr(error, "orig", None) or error
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    reason = (lines[0] if lines else type(cause).__name__).rstrip(".")
    return JobError(f"The queue {place} cannot be used: {reason:.300}.")
