"""What the import hook checks annotations with (named in pyproject's `addopts`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from beartype import BeartypeConf, beartype

# PEP 484's rule that an int will do where a float is written, which type checkers follow too.
_check = beartype(conf=BeartypeConf(is_pep484_tower=True))
_checked: dict[Any, Callable[..., Any]] = {}


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Check a function's arguments and its result at each call.

    What comes is a stub of jaxtyping's: a signature without a body. A function within another is
    decorated at each call of that, a thousand times in a painting; its checks are compiled once.
    """
    code = function.__code__
    try:
        key = (
            function.__module__,
            function.__qualname__,
            code.co_code,
            code.co_varnames,
            code.co_argcount,
            code.co_posonlyargcount,
            code.co_kwonlyargcount,
            code.co_flags,
            function.__defaults__ is None or len(function.__defaults__),
            tuple(function.__kwdefaults__ or ()),
            tuple(function.__annotations__.items()),
        )
        if key not in _checked:
            _checked[key] = _check(function)
        return _checked[key]
    except TypeError:  # an annotation that cannot be hashed
        return _check(function)
