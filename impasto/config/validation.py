"""Options as a person gives them: none that could have no effect. Knows no PyTorch.

A recipe holds every option, also those that its run had no use for; so only the options that a
person gave are checked here, not a config.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from impasto.config.bases import PictureConfig, PixelConfig
from impasto.config.fields import Need, from_dict, from_text
from impasto.config.sizes import RelativeSize
from impasto.errors import OptionError

__all__ = ["checked_config"]

Config = TypeVar("Config", bound=PictureConfig)

_MAP = Need(lambda _: False, "--content-map")


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
    options = from_text(kind, options)
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
