"""Regions from what a person says: maps, styles, strengths and colours for each."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.config.bases import PictureConfig, StyledConfig
from impasto.config.recipe import Input
from impasto.config.specs import RegionSpec, StyleSpec, layer_weights
from impasto.engine.regions import Region
from impasto.errors import OptionError
from impasto.features.extractor import Extractor
from impasto.features.plan import layers as describe
from impasto.image.labels import LabelMap, matched, named
from impasto.image.masks import masks
from impasto.image.picture import Picture
from impasto.image.recolor import matched_colours
from impasto.painting.inputs import LoadedInput, Map, read_map, read_style
from impasto.painting.sources import Source, Sources
from impasto.styles.blend import Blend, Share
from impasto.styles.statistics import LEAST_CELLS, Painting, Style

__all__ = ["Plan", "blended", "plan_regions", "tell_size"]

_LOG = logging.getLogger("impasto")

Mask = Float[Tensor, "1 1 h w"]


@dataclass(frozen=True)
class Plan:
    """The regions to paint, and where the photograph's colours come back.

    Attributes:
        keeps_colour: how much of each pixel's colour is the photograph's; 1 for all of the picture;
            None for nothing.
        inputs: entries in the recipe.
    """

    regions: tuple[Region, ...]
    keeps_colour: Float[Tensor, "1 1 h w"] | float | None
    inputs: tuple[Input, ...]


@dataclass(frozen=True)
class _Part:
    """One colour of the content's map, and what shall happen there."""

    choice: RegionSpec
    mask: Mask | None
    shares: tuple[Share, ...]

    def mode(self, config: StyledConfig) -> str:
        return self.choice.color or config.color


def plan_regions(
    sources: Sources,
    config: StyledConfig,
    photograph: LoadedInput,
    extractor: Extractor,
    network: str,
) -> Plan:
    """Read styles and maps, match their colours, and say what is painted where.

    Raises:
        OptionError: colours without a counterpart, a region that is too small, or options that
            contradict each other.
    """
    _check(sources, config)
    styles = [
        (choice, read_style(choice.source, config, extractor, network, use=choice.use))
        for choice in sources.styles
    ]
    inputs = [given.input for _, given in styles]
    if sources.content_map is None:
        shares = tuple(Share(_styled(given), c.weight, c.layers) for c, given in styles)
        parts = [_Part(RegionSpec(""), None, shares)]
    else:
        parts, more = _mapped(sources, config, photograph, extractor, network, styles)
        inputs += more
    _check_sizes(parts, config, extractor)
    regions = tuple(_region(part, config, photograph.shown) for part in parts)
    return Plan(regions, _colour_mask(parts, config), tuple(inputs))


def _styled(given: LoadedInput) -> Style:
    assert given.style is not None
    return given.style


def _check(sources: Sources, config: StyledConfig) -> None:
    if config.region and sources.content_map is None:
        raise OptionError("--region says what to do with a colour of --content-map: give that map.")
    if sources.style_maps and sources.content_map is None:
        raise OptionError(
            "--style-map says which part of the painting goes where --content-map has the same "
            "colour: give both."
        )
    if sources.style_maps and len(sources.style_maps) != len(sources.styles):
        raise OptionError(
            f"There are {len(sources.styles)} styles and {len(sources.style_maps)} style maps: "
            "give one map for each style, in their order, or none."
        )
    if not sources.styles and not config.region:
        raise OptionError(
            "There is nothing to paint with: name a painting, a style card or a built-in style "
            "with --style (see `impasto styles`)."
        )


def _mapped(
    sources: Sources,
    config: StyledConfig,
    photograph: LoadedInput,
    extractor: Extractor,
    network: str,
    styles: Sequence[tuple[StyleSpec, LoadedInput]],
) -> tuple[list[_Part], list[Input]]:
    """The parts of a photograph that has a map, and the recipe's entries of all that was read."""
    assert sources.content_map is not None
    drawn = read_map("content-map", sources.content_map)
    tell_size("content map", drawn, photograph.size)
    labels = drawn.labels
    choices = _chosen(labels, config)
    own = {
        colour: read_style(choice.style, config, extractor, network, "region", choice.colour)
        for colour, choice in choices.items()
        if choice.style
    }
    shared = [c for c in labels.colours if c not in own and not _keeps(choices, c)]
    if shared and not styles:
        raise OptionError(
            f"The content map has {', '.join(shared)}, for which there is no style. Give one with "
            f"--region '{shared[0]}=STYLE', keep the pixels with '{shared[0]}=keep', or give "
            "--style for all the rest."
        )
    shares, maps = _shared_out(sources, labels, shared, styles)
    shares |= {colour: [Share(_styled(given))] for colour, given in own.items()}
    parts = _parts(labels, choices, shares, photograph.shown, config)
    return parts, [drawn.input, *maps, *(given.input for given in own.values())]


def _chosen(labels: LabelMap, config: StyledConfig) -> dict[str, RegionSpec]:
    """What is to happen, by the colours as the map has them, which may be typed a little off."""
    typed = {choice.colour: choice for choice in map(RegionSpec.parse, config.region)}
    renamed = named(labels, tuple(typed)).colours
    pairs = zip(labels.colours, renamed, strict=True)
    return {own: typed[name] for own, name in pairs if name in typed}


def _shared_out(
    sources: Sources,
    labels: LabelMap,
    shared: Sequence[str],
    styles: Sequence[tuple[StyleSpec, LoadedInput]],
) -> tuple[dict[str, list[Share]], list[Input]]:
    """What the styles of the whole picture give to each colour: all, or what their maps say."""
    shares: dict[str, list[Share]] = {colour: [] for colour in shared}
    entries = []
    for i, (choice, given) in enumerate(styles):
        found: dict[str, Mask | None] = dict.fromkeys(shared)
        if sources.style_maps:
            found, entry = _style_masks(sources.style_maps[i], labels, shared, given)
            entries.append(entry)
        for colour in shared:
            part = _part_of(given, found[colour])
            shares[colour].append(Share(part, choice.weight, choice.layers))
    return shares, entries


def _parts(
    labels: LabelMap,
    choices: dict[str, RegionSpec],
    shares: dict[str, list[Share]],
    photograph: Picture,
    config: StyledConfig,
) -> list[_Part]:
    """Each colour of the map with its mask; one colour alone needs none."""
    height, width = photograph.height, photograph.width
    each = masks(labels, height, width, config.feather * max(height, width))
    each = _outside(each, [_keeps(choices, colour) for colour in labels.colours])
    only = len(labels.colours) == 1
    return [
        _Part(
            choices.get(colour, RegionSpec(colour)),
            None if only else each[i : i + 1],
            tuple(shares.get(colour, ())),
        )
        for i, colour in enumerate(labels.colours)
    ]


def _outside(each: Float[Tensor, "k 1 h w"], keeps: Sequence[bool]) -> Float[Tensor, "k 1 h w"]:
    """The masks with the transitions of kept regions outside them: inside, pixels are untouched."""
    kept = torch.tensor(keeps)[:, None, None, None]
    if not bool(kept.any()):
        return each
    whole = (2 * each).clamp(max=1) * kept
    whole = whole / whole.sum(0).clamp(min=1)  # where two of them meet
    rest = 1 - whole.sum(0)
    others = each * ~kept
    return whole + others * rest / others.sum(0).clamp(min=1e-6)


def _keeps(choices: dict[str, RegionSpec], colour: str) -> bool:
    return colour in choices and choices[colour].keep


def _style_masks(
    source: Source, labels: LabelMap, shared: Sequence[str], given: LoadedInput
) -> tuple[dict[str, Mask | None], Input]:
    """Where a painting's map has each of the colours that the content shares with it."""
    if given.picture is None:
        raise OptionError(
            f"--style-map chooses parts of a painting, and {given.input.name!r} is a style card, "
            "which has none. Give the painting's file."
        )
    drawn = read_map("style-map", source)
    tell_size("style map", drawn, given.size)
    _, found = matched(labels, drawn.labels, shared)
    each = masks(found, given.picture.height, given.picture.width)
    only = len(found.colours) == 1
    return {c: None if only else each[i : i + 1] for i, c in enumerate(found.colours)}, drawn.input


def _part_of(given: LoadedInput, mask: Mask | None) -> Style:
    if mask is None:
        return _styled(given)
    assert given.picture is not None
    return Painting(given.picture.pixels, mask)


def tell_size(what: str, drawn: Map, size: tuple[int, int]) -> None:
    """Note that a map is not as large as its picture, and more so that it has another shape."""
    (width, height), (wide, high) = drawn.size, size
    if (wide, high) == (width, height):
        return
    skewed = abs(height * wide - width * high) > 0.02 * width * high
    how = "stretched over it" if skewed else "resized to it by nearest neighbour"
    _LOG.warning(
        "the %s has %d×%d pixels and its picture %d×%d: it is %s",
        what, width, height, wide, high, how,
    )  # fmt: skip


def _region(part: _Part, config: StyledConfig, photograph: Picture) -> Region:
    choice = part.choice
    strength = config.strength if choice.strength is None else choice.strength
    if choice.keep or (strength == 0 and part.mask is not None):
        return Region(None, 0.0, part.mask, choice.colour)
    shares = part.shares
    if part.mode(config) == "match":
        shares = tuple(
            replace(s, style=_matched(s.style, photograph, part.mask, config)) for s in shares
        )
    style = blended([(s.style, s.weight, s.layers) for s in shares], config)
    return Region(style, strength, part.mask, choice.colour)


def blended(styles: Sequence[tuple[Style, float, str]], config: PictureConfig) -> Style:
    """Several styles as one, by weight and layers; a single one is itself."""
    style, weight, layers = styles[0]
    if len(styles) == 1 and layers == "all" and weight > 0:
        return style
    names = tuple(layer_weights(config.style_names))
    return Blend(tuple(Share(*parts) for parts in styles), names)


def _matched(style: Style, photograph: Picture, mask: Mask | None, config: StyledConfig) -> Style:
    if not isinstance(style, Painting):
        raise OptionError(
            "--color match moves a painting's colours, and a style card has only statistics of "
            "them. Give the painting's file, or take --color keep."
        )
    pixels = matched_colours(style.pixels, photograph.pixels, config.match, style.mask, mask)
    return replace(style, pixels=pixels)


def _colour_mask(parts: Sequence[_Part], config: StyledConfig) -> Tensor | float | None:
    """How much of a pixel's painted colour is the photograph's: of a transition to a region that is
    kept, which has the photograph's colours anyway, all of the rest counts.
    """
    coloured = [p.mask for p in parts if p.mode(config) == "keep" and not p.choice.keep]
    if not coloured:
        return None
    held = [mask for mask in coloured if mask is not None]
    if not held:
        return 1.0
    kept = [p.mask for p in parts if p.choice.keep and p.mask is not None]
    rest = 1 - sum(kept, torch.zeros_like(held[0]))
    share: Tensor = sum(held[1:], held[0]) / rest.clamp(min=1e-6)
    return share.clamp(max=1)


def _check_sizes(parts: Sequence[_Part], config: StyledConfig, extractor: Extractor) -> None:
    """Refuse a region that no layer can see, and tell where one is too small for some.

    Raises:
        OptionError: a region of fewer pixels than the first layer's cells.
    """
    strides = {info.name: info.stride for info in describe(extractor.plan)}
    layers = layer_weights(config.style_names)
    for part in parts:
        if part.mask is None:
            continue
        if float(part.mask.max()) < 0.5:
            raise OptionError(
                f"The region {part.choice.colour} has no pixel left at this size. Make it larger, "
                "or the picture (--size), or leave it out of the map."
            )
        if part.choice.keep:
            continue
        enlarged = config.size / max(part.mask.shape[-2:])  # a photograph smaller than the result
        pixels = float(part.mask.sum()) * enlarged**2
        blind = [name for name in layers if pixels / strides[name] ** 2 < LEAST_CELLS]
        if len(blind) == len(layers):
            raise OptionError(
                f"The region {part.choice.colour} has {pixels:.0f} pixels at this size, too few "
                "for the network to see a style in. Make it larger, or the picture (--size), or "
                f"keep its pixels: --region '{part.choice.colour}=keep'."
            )
        if blind:
            _LOG.warning(
                "the region %s is too small for %s and is left out there",
                part.choice.colour, ", ".join(blind),
            )  # fmt: skip
    if parts and all(part.choice.keep for part in parts):
        raise OptionError("Every region is kept, so there is nothing to paint.")
