"""Options as a person gives them: none that could have no effect. Knows no PyTorch.

A recipe holds every option, also those that its run had no use for; so only what was given is held
to this, not a config.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from impasto.config.bases import PhotoConfig, PictureConfig, PixelConfig, StyledConfig
from impasto.config.fields import from_dict
from impasto.config.methods import DoodleConfig, FastConfig, LaplacianConfig, RefineConfig
from impasto.config.specs import RegionSpec
from impasto.errors import OptionError

__all__ = ["checked_config"]

Config = TypeVar("Config", bound=PictureConfig)


@dataclass(frozen=True)
class _Need:
    """What an option needs to have any effect.

    Attributes:
        of: the configs that need it; another may have the same option and another use for it.
        words: what is needed, as a person types it.
        is_met: whether a config has it.
    """

    option: str
    of: type[PictureConfig]
    words: str
    is_met: Callable[[Any], bool]


def _matches(config: StyledConfig) -> bool:
    regions = [RegionSpec.parse(text) for text in config.region]
    return "match" in (config.color, *(region.color for region in regions))


_NEEDS = (
    _Need("history", PixelConfig, "--optimizer lbfgs", lambda c: c.optimizer == "lbfgs"),
    _Need("tv", PixelConfig, "a --tv-weight above 0", lambda c: c.tv_weight > 0),
    _Need("match", StyledConfig, "--color match, also of a region", _matches),
    _Need(
        "laplacian_pool",
        PhotoConfig,
        "a --laplacian-weight above 0",
        lambda c: c.laplacian_weight > 0,
    ),
    # The first stage holds the photograph's pyramid instead.
    _Need("content_layers", LaplacianConfig, "--stage 2", lambda c: c.stage == 2),
    _Need("stroke", FastConfig, "a --method that looks at the painting itself", lambda _: False),
    _Need("map_weight", DoodleConfig, "--engine patches", lambda c: c.engine == "patches"),
    _Need("style_loss", DoodleConfig, "--engine statistics", lambda c: c.engine == "statistics"),
)


def checked_config(
    kind: type[Config], options: Mapping[str, Any], *, has_map: bool = False
) -> Config:
    """The config of the options that were given, all others as they are by default.

    Args:
        has_map: whether a map of the photograph was given besides.

    Raises:
        OptionError: a value that is not allowed, or an option that would have no effect.
    """
    config = from_dict(kind, dict(options))
    for need in _NEEDS:
        if need.option in options and isinstance(config, need.of) and not need.is_met(config):
            _refuse(need.option, need.words)
    if "init" in options and isinstance(config, RefineConfig):
        raise config.another_start()
    if "feather" in options and not has_map:
        _refuse("feather", "--content-map")
    # The config cannot tell a default that was given from one that was not.
    if (
        isinstance(config, PixelConfig)
        and config.epochs
        and options.get("iterations", config.length) != config.length
    ):
        raise config.two_lengths()
    return config


def _refuse(option: str, words: str) -> None:
    flag = "--" + option.replace("_", "-")
    raise OptionError(f"{flag} has no effect without {words}. Leave it out, or give both.")
