"""A recipe's task, prepared a second time: from its inputs where they are now, if unchanged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from impasto.config.bases import PictureConfig, StyledConfig
from impasto.config.methods import InstantConfig, RefineConfig
from impasto.config.recipe import ROLES, Input, Recipe, short
from impasto.config.specs import RegionSpec, StyleSpec
from impasto.errors import ImpastoError, WeightsError
from impasto.features.sources import digest
from impasto.image.reading import read
from impasto.networks.trained_metadata import split_source
from impasto.painting.inputs import digest_of
from impasto.painting.instant import digest_with
from impasto.painting.prepare import prepare
from impasto.painting.refine import digest_of_both
from impasto.painting.sources import Sources, Task

__all__ = [
    "Places",
    "change_of_weights",
    "changes",
    "prepare_again",
    "take_threads",
]

# By role, where each of a recipe's inputs is, in the recipe's order.
Places = Mapping[str, Sequence[str]]


def prepare_again(recipe: Recipe, places: Places, weights: Path | None) -> Task:
    """Read everything that the recipe's run needs, as `prepare` does.

    Its own recipe tells of what is there now: compare it by `changes`.

    Args:
        places: for every role of `recipe.ROLES`.

    Raises:
        ImpastoError: whatever cannot be used.
    """
    return prepare(_sources(recipe, places, weights), _placed(recipe, places))


def take_threads(recipe: Recipe) -> None:
    """As many as then: sums, and the last bits of pixels with them, depend on their number."""
    torch.set_num_threads(recipe.threads)


def changes(then: Recipe, now: Recipe) -> list[str]:
    """How inputs of the same roles differ; empty if they do not."""
    told = [
        _change(before, after)
        for role in ROLES
        for before, after in zip(then.of(role), now.of(role), strict=True)
    ]
    return [change for change in told if change]


def change_of_weights(then: Recipe, config: PictureConfig, weights: Path | None) -> str | None:
    """How the weights differ from the recipe's; None if they do not.

    A recipe does not tell whether its weights were named by a file, so any change may mean that.

    Raises:
        WeightsError: there are none here.
    """
    try:
        now = digest(config.eye, weights)
        if isinstance(config, InstantConfig):  # a trained style's network is in its own file
            now = digest_with(now)
        elif isinstance(config, RefineConfig):
            now = digest_of_both(now)
    except WeightsError as error:
        if weights is None:
            error.add_note("If the recipe's came from a file, name it with --weights FILE.")
        raise
    if now == then.backbone_digest:
        return None
    told = f"the weights of {config.eye} are {short(now)} and were "
    told += short(then.backbone_digest)
    return f"{told} (if those came from a file, name it with --weights FILE)"


def _sources(recipe: Recipe, places: Places, weights: Path | None) -> Sources:
    """The recipe's sources where they are now, with the weights and layers of its styles."""
    both = zip(recipe.of("style"), places["style"], strict=True)
    styles = [StyleSpec.used(place, given.use) for given, place in both]
    one = {role: next(iter(places[role]), None) for role in ("content", "init", "content-map")}
    return Sources(
        one["content"],
        tuple(styles),
        one["init"],
        one["content-map"],
        tuple(places["style-map"]),
        weights,
    )


def _placed(recipe: Recipe, places: Places) -> PictureConfig:
    """The config, with its regions' styles where they are now."""
    config = recipe.settings()
    if not isinstance(config, StyledConfig) or not config.region:
        return config
    now = {g.use: place for g, place in zip(recipe.of("region"), places["region"], strict=True)}
    choices = [RegionSpec.parse(text) for text in config.region]
    moved = [_moved(c, now[c.colour]) if c.style else c for c in choices]
    return replace(config, region=tuple(str(choice) for choice in moved))


def _moved(choice: RegionSpec, place: str) -> RegionSpec:
    """A region's style where its file is now; of a trained one still the same of its file's."""
    return replace(choice, style=split_source(place)[0] + split_source(choice.style)[1])


def _change(then: Input, now: Input) -> str | None:
    digest = now.digest if then.name else _digest_of_pixels(now)
    if then.digest == digest:
        return None
    told = f"{short(digest)} now, {short(then.digest)} then"
    return f"the {now.role} {now.name!r} has changed: {told}"


def _digest_of_pixels(now: Input) -> str:
    """What would be recorded of the picture in a file, had it come from memory."""
    try:
        return digest_of(read(now.name))
    except ImpastoError:  # a style card, or the name of one: no picture, so not that picture
        return now.digest
