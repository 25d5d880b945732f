"""Options as a person gives them: none that could have no effect. Knows no PyTorch.

A recipe holds every option, also those that its run had no use for; so only the options that a
person gave are checked here, not a config.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from impasto.config.bases import PictureConfig, PixelConfig
from impasto.config.fields import Need, from_dict

__all__ = ["checked_config"]

Config = TypeVar("Config", bound=PictureConfig)

_MAP = Need(lambda _: False, "--content-map")


def checked_config(
    kind: type[Config], options: Mapping[str, Any], *, has_map: bool = False
) -> Config:
    """Return the config of the options that were given; all others have their defaults.

    Args:
        has_map: whether a map of the photograph was given besides.

    Raises:
        OptionError: a value that is not allowed, or an option that would have no effect.
    """
    config = from_dict(kind, dict(options))
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
