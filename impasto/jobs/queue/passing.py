"""Errors of a disc that is full or away: they may pass, and fail no job."""

from __future__ import annotations

import errno

__all__ = ["is_passing"]

_PASSING = {errno.ENOSPC, errno.EDQUOT, errno.ESTALE, errno.EIO, errno.ETIMEDOUT, errno.ENOTCONN}


def is_passing(error: BaseException | None) -> bool:
    """Return whether an error, or what it came of, is of a disc that is full or away."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _PASSING:
            return True
        error = error.__cause__ or error.__context__
    return False
