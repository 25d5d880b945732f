"""What every command that paints is told of its output: one list of flags for all of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from typing import Any, get_type_hints

from impasto.cli import options as shared

__all__ = ["Wanted", "with_output"]

Command = Callable[..., Any]


@dataclass(frozen=True)
class Wanted:
    """The flags that say what is written and shown, as they were typed."""

    out: shared.Out = None
    force: shared.Force = False
    bits: shared.Bits = None
    quality: shared.Quality = 95
    no_recipe: shared.NoRecipe = False
    preview_every: shared.PreviewEvery = None
    trace: shared.Trace = None
    run: shared.Run = None
    keep_run: shared.KeepRun = False
    resume: shared.Resume = False
    memory: shared.Memory = None
    dry_run: shared.DryRun = False
    quiet: shared.Quiet = False
    as_json: shared.Json = False


def with_output(*, without: tuple[str, ...] = ()) -> Callable[[Command], Command]:
    """Give a Typer command the flags of `Wanted`; it receives them in its parameter `wanted`.

    Args:
        without: those that the command has another way to say.
    """

    def decorate(function: Command) -> Command:
        own = inspect.signature(function, eval_str=True).parameters
        types = get_type_hints(Wanted, include_extras=True)
        added = [
            inspect.Parameter(
                spec.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=spec.default,
                annotation=types[spec.name],
            )
            for spec in fields(Wanted)
            if spec.name not in without
        ]
        kept = [p for p in own.values() if p.name != "wanted"]
        positional = [p for p in kept if p.kind is not p.KEYWORD_ONLY]
        named = [p for p in kept if p.kind is p.KEYWORD_ONLY]
        parameters = [*positional, *added, *named]

        @wraps(function)
        def command(**given: Any) -> Any:
            typed = {p.name: given.pop(p.name) for p in added}
            return function(**given, wanted=Wanted(**typed))

        vars(command)["__signature__"] = inspect.Signature(parameters)
        command.__annotations__ = {p.name: p.annotation for p in parameters}
        return command

    return decorate
