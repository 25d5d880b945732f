"""Options as a person gives them: none that could have no effect. Knows no PyTorch.

A recipe holds every option, also those that its run had no use for; so only the options that a
person gave are checked here, not a config.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

from impasto.config.bases import PictureConfig, PixelConfig
from impasto.config.fields import Need, flag_of, from_dict, from_text
from impasto.config.sizes import RelativeSize
from impasto.errors import OptionError

__all__ = ["check_owners", "checked_config"]

Config = TypeVar("Config", bound=PictureConfig)

_MAP = Need(lambda _: False, "--content-map")

# Iterations that are enough for the optimisers that know no curvature.
_UNHURRIED = 200


def check_owners(
    kinds: Mapping[str, type[PictureConfig]],
    method: str,
    options: Iterable[str],
    preset: str | None = None,
) -> None:
    """Check that a method has the options that were given.

    Args:
        kinds: the configs of the methods that there are to choose from.
        options: their names; unknown ones are left to `checked_config`.
        preset: that the method is of, if one was chosen.

    Raises:
        OptionError: one is an option of other methods.
    """
    known = {name for spec in fields(kinds[method]) for name in (spec.name, spec.metadata["also"])}
    for name in options:
        owners = [m for m, kind in kinds.items() if name in kind.__dataclass_fields__]
        if name in known or not owners:
            continue
        if preset:
            raise OptionError(
                f"{flag_of(name)} is an option of {', '.join(owners)}, and --preset {preset} is "
                f"--method {method}. Leave one of them out."
            )
        raise OptionError(
            f"{flag_of(name)} is an option of {', '.join(owners)}, and --method is {method}. "
            "Leave it out, or take that method."
        )


def checked_config(
    kind: type[Config],
    options: Mapping[str, Any],
    *,
    has_map: bool = False,
    photograph: Any = None,
) -> Config:
    """Return the config of the options that were given; all others have their defaults.

    Args:
        options: numbers may be texts as people write them: `4k`, `70%`.
        has_map: whether a map of the photograph was given besides.
        photograph: the file or picture that a size such as `50%` is a part of.

    Raises:
        ImpastoError: a value that is not allowed, an option that would have no effect, or a
            photograph whose size cannot be read though it is needed.
    """
    options = _long_enough(kind, from_text(kind, options))
    if isinstance(size := options.get("size"), RelativeSize):
        if photograph is None:
            raise OptionError(f"--size is {size.text}, and there is no photograph here.")
        from impasto.image.long_side import long_side  # with it Pillow, which help does not need

        options["size"] = size.of(long_side(photograph))
    config = from_dict(kind, options)
    for spec in fields(kind):
        need = spec.metadata["need"]
        if spec.name in options and need is not None and not need.is_met(config):
            raise need.refusal(spec.name)
    if "feather" in options and not has_map:
        raise _MAP.refusal("feather")
    # The config cannot tell a default that was given from one that was not.
    if (
        isinstance(config, PixelConfig)
        and config.epochs
        and options.get("iterations", config.length) != config.length
    ):
        raise config.two_lengths()
    return config


def _long_enough(kind: type[PictureConfig], options: dict[str, Any]) -> dict[str, Any]:
    """Return options with more iterations than the default where the optimiser needs them."""
    is_told = not {"iterations", "epochs", "steps"}.isdisjoint(options)
    if is_told or options.get("optimizer") not in ("adam", "gd"):
        return options
    if not issubclass(kind, PixelConfig):  # which refuses the optimiser itself
        return options
    return {**options, "iterations": max(kind.iterations, _UNHURRIED)}
