"""The regions to paint, from maps, styles, and what is said of each colour."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
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
from impasto.image.transparency import visible_mask
from impasto.painting.inputs import LoadedPicture, LoadedStyle, read_map, read_style
from impasto.painting.kinds import without_colours, without_parts
from impasto.painting.preflight import check_choices
from impasto.painting.shapes import check_map
from impasto.painting.sources import Source, Sources
from impasto.styles.blend import Blend, Share
from impasto.styles.statistics import LEAST_CELLS, Painting, Style

__all__ = [
    "Part",
    "PlannedRegions",
    "ReadStyles",
    "blended",
    "colour_mask",
    "matched_part",
    "plan_regions",
    "read_styles",
    "region_of",
    "shares_of",
    "visible",
]

_LOG = logging.getLogger("impasto")

Mask = Float[Tensor, "1 1 h w"]

# A style of the whole picture, and how much of it.
SpecifiedStyle = tuple[StyleSpec, LoadedStyle]


@dataclass(frozen=True)
class PlannedRegions:
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
class Part:
    """One colour of the content's map, and what is to happen there.

    Attributes:
        mask: None for the whole picture.
        shares: of its style; none if its pixels are kept.
    """

    spec: RegionSpec
    mask: Mask | None
    shares: tuple[Share, ...]

    def mode(self, config: StyledConfig) -> str:
        """Return whose colours it has."""
        return self.spec.color or config.color


@dataclass(frozen=True)
class ReadStyles:
    """The styles of a run, by the colours of the content's map that they go to.

    Attributes:
        specs: what is said of colours.
        shares: the styles of colours that are painted.
        shared: colours that the picture's styles go to, rather than one of their own.
        inputs: entries in the recipe: of the picture's styles.
        more: of maps of them, and of styles that colours have of their own.
    """

    config: StyledConfig
    specs: Mapping[str, RegionSpec]
    shares: Mapping[str, Sequence[Share]]
    shared: tuple[str, ...]
    inputs: tuple[Input, ...]
    more: tuple[Input, ...] = ()

    @staticmethod
    def of(
        sources: Sources,
        config: StyledConfig,
        extractor: Extractor,
        network: str,
        labels: LabelMap | None,
    ) -> ReadStyles:
        """Read styles and their maps.

        Args:
            network: the digest of the backbone's weights.
            labels: the content's map, whose colours count; None for the whole picture.

        Raises:
            OptionError: colours without a counterpart.
        """
        styles = read_styles(sources, config, extractor, network)
        inputs = tuple(style.input for _, style in styles)
        if labels is None:
            return ReadStyles(config, {}, {"": shares_of(styles)}, ("",), inputs)
        specs = _specs_by_colour(labels, config)
        region_styles = {
            colour: read_style(spec.style, config, extractor, network, "region", spec.colour)
            for colour, spec in specs.items()
            if spec.style
        }
        shared = [c for c in labels.colours if c not in region_styles and not _keeps(specs, c)]
        if shared and not styles:
            raise OptionError(
                f"The content map has {', '.join(shared)}, for which there is no style. Give one "
                f"with --region '{shared[0]}=STYLE', keep the pixels with '{shared[0]}=keep', or "
                "give --style for all the rest."
            )
        shares, map_inputs = _shares_by_colour(sources, labels, shared, styles)
        shares |= {colour: [Share(style.style)] for colour, style in region_styles.items()}
        more = (*map_inputs, *(style.input for style in region_styles.values()))
        return ReadStyles(config, specs, shares, tuple(shared), inputs, more)

    def parts(self, labels: LabelMap | None, photograph: Picture) -> list[Part]:
        """Return each colour of a map with its mask; one colour alone needs none."""
        if labels is None:
            return [Part(RegionSpec(""), None, tuple(self.shares[""]))]
        return _parts(labels, self.specs, self.shares, photograph, self.config)


def plan_regions(
    sources: Sources,
    config: StyledConfig,
    photograph: LoadedPicture,
    extractor: Extractor,
    network: str,
) -> PlannedRegions:
    """Read styles and maps, match their colours, and decide what is painted where.

    Args:
        network: the digest of the backbone's weights.

    Raises:
        OptionError: colours without a counterpart, a region that is too small, or options that
            contradict each other.
    """
    check_choices(sources, config)
    map = None
    if sources.content_map is not None:
        map = read_map("content-map", sources.content_map)
        check_map("content map", map.size, "photograph", photograph.size)
    labels = None if map is None else map.labels
    read = ReadStyles.of(sources, config, extractor, network, labels)
    parts = read.parts(labels, photograph.picture)
    _check_sizes(parts, config, extractor)
    parts = visible(parts, photograph.picture)
    regions = tuple(region_of(matched_part(p, config, photograph.picture), config) for p in parts)
    inputs = [*read.inputs, *(() if map is None else (map.input,)), *read.more]
    return PlannedRegions(regions, colour_mask(parts, config), tuple(inputs))


def read_styles(
    sources: Sources,
    config: PictureConfig,
    extractor: Extractor,
    network: str,
    view: int | None = None,
) -> list[SpecifiedStyle]:
    """Read the styles of the whole picture; the arguments are those of `read_style`."""
    return [
        (spec, read_style(spec.source, config, extractor, network, use=spec.use, view=view))
        for spec in sources.styles
    ]


def shares_of(styles: Sequence[SpecifiedStyle]) -> tuple[Share, ...]:
    """Return styles with their weights and layers."""
    return tuple(Share(style.style, spec.weight, spec.layers) for spec, style in styles)


def _specs_by_colour(labels: LabelMap, config: StyledConfig) -> dict[str, RegionSpec]:
    """Return what is to happen by the map's own colours; those typed may be a little off."""
    typed = {spec.colour: spec for spec in config.regions}
    renamed = named(labels, tuple(typed)).colours
    pairs = zip(labels.colours, renamed, strict=True)
    return {colour: typed[name] for colour, name in pairs if name in typed}


def _shares_by_colour(
    sources: Sources,
    labels: LabelMap,
    shared: Sequence[str],
    styles: Sequence[SpecifiedStyle],
) -> tuple[dict[str, list[Share]], list[Input]]:
    """Return what the picture's styles give to each colour: all, or what their maps say."""
    shares: dict[str, list[Share]] = {colour: [] for colour in shared}
    inputs = []
    for i, (spec, style) in enumerate(styles):
        style_masks: dict[str, Mask | None] = dict.fromkeys(shared)
        if sources.style_maps:
            style_masks, entry = _style_masks(sources.style_maps[i], labels, shared, style)
            inputs.append(entry)
        for colour in shared:
            part = _part_of(style, style_masks[colour])
            shares[colour].append(Share(part, spec.weight, spec.layers))
    return shares, inputs


def _parts(
    labels: LabelMap,
    specs: Mapping[str, RegionSpec],
    shares: Mapping[str, Sequence[Share]],
    photograph: Picture,
    config: StyledConfig,
) -> list[Part]:
    """Return each colour of the map with its mask; one colour alone needs none."""
    height, width = photograph.height, photograph.width
    each = masks(labels, height, width, config.feather * max(height, width))
    each = _outside(each, [_keeps(specs, colour) for colour in labels.colours])
    only = len(labels.colours) == 1
    return [
        Part(
            specs.get(colour, RegionSpec(colour)),
            None if only else each[i : i + 1],
            tuple(shares.get(colour, ())),
        )
        for i, colour in enumerate(labels.colours)
    ]


def visible(parts: Sequence[Part], photograph: Picture) -> list[Part]:
    """Return the parts where the photograph shows anything, and one that keeps what is hidden.

    So the visible parts have all of the style, however much is hidden beside them.
    """
    mask = visible_mask(photograph.alpha)
    if mask is None:
        return list(parts)
    shown = [replace(p, mask=mask if p.mask is None else p.mask * mask) for p in parts]
    hidden = Part(RegionSpec("", keep=True), 1 - mask, ())
    return [*(p for p in shown if p.mask is not None and float(p.mask.max()) > 0), hidden]


def _outside(each: Float[Tensor, "k 1 h w"], keeps: Sequence[bool]) -> Float[Tensor, "k 1 h w"]:
    """Return masks with the transitions of kept regions outside them: inside, no pixel changes."""
    is_kept = torch.tensor(keeps)[:, None, None, None]
    if not bool(is_kept.any()):
        return each
    unchanged = (2 * each).clamp(max=1) * is_kept
    unchanged = unchanged / unchanged.sum(0).clamp(min=1)  # where two of them meet
    remainder = 1 - unchanged.sum(0)
    painted = each * ~is_kept
    return unchanged + painted * remainder / painted.sum(0).clamp(min=1e-6)


def _keeps(specs: Mapping[str, RegionSpec], colour: str) -> bool:
    return colour in specs and specs[colour].keep


def _style_masks(
    source: Source, labels: LabelMap, shared: Sequence[str], style: LoadedStyle
) -> tuple[dict[str, Mask | None], Input]:
    """Return where a painting's map has each of the colours that the content shares with it."""
    if style.picture is None:
        raise without_parts(style.input.name)
    map = read_map("style-map", source)
    check_map("style map", map.size, "painting", style.size)
    _, theirs = matched(labels, map.labels, shared)
    each = masks(theirs, style.picture.height, style.picture.width)
    only = len(theirs.colours) == 1
    return {c: None if only else each[i : i + 1] for i, c in enumerate(theirs.colours)}, map.input


def _part_of(style: LoadedStyle, mask: Mask | None) -> Style:
    if mask is None:
        return style.style
    assert style.picture is not None
    alpha = style.picture.alpha
    if alpha is not None and float((mask * alpha).max()) < 0.5 * float(alpha.max()):
        raise OptionError(
            f"{style.input.name} is transparent wherever its map has one of the colours: there is "
            "nothing to take from there. Draw the map over what is visible."
        )
    return Painting(style.picture.pixels, mask, style.picture.alpha)


def matched_part(part: Part, config: StyledConfig, photograph: Picture) -> Part:
    """Return a part with its paintings' colours matched to the photograph's, if they are to be."""
    if part.mode(config) != "match" or _stays(part, config):
        return part
    return replace(
        part,
        shares=tuple(
            replace(s, style=_matched(s.style, photograph, part.mask, config)) for s in part.shares
        ),
    )


def region_of(part: Part, config: StyledConfig) -> Region:
    """Return the region that a part is painted as."""
    if _stays(part, config):
        return Region(None, 0.0, part.mask, part.spec.colour)
    style = blended(part.shares, config)
    return Region(style, _strength(part, config), part.mask, part.spec.colour)


def _strength(part: Part, config: StyledConfig) -> float:
    return config.strength if part.spec.strength is None else part.spec.strength


def _stays(part: Part, config: StyledConfig) -> bool:
    """Return whether the photograph's pixels stay as they are."""
    return part.spec.keep or (_strength(part, config) == 0 and part.mask is not None)


def blended(shares: Sequence[Share], config: PictureConfig) -> Style:
    """Return several styles as one, by weight and layers; a single one is itself."""
    first = shares[0]
    if len(shares) == 1 and first.layers == "all" and first.weight > 0:
        return first.style
    return Blend(tuple(shares), tuple(layer_weights(config.style_names)))


def _matched(style: Style, photograph: Picture, mask: Mask | None, config: StyledConfig) -> Style:
    if not isinstance(style, Painting):
        raise without_colours()
    pixels = matched_colours(
        style.pixels,
        photograph.pixels,
        config.match,
        _product(style.mask, style.alpha),
        _product(mask, photograph.alpha),
    )
    return replace(style, pixels=pixels)


def _product(mask: Mask | None, alpha: Mask | None) -> Mask | None:
    """Return how much each pixel counts, by a mask and by its opacity; None for 1."""
    if mask is None or alpha is None:
        return alpha if mask is None else mask
    return mask * alpha


def colour_mask(parts: Sequence[Part], config: StyledConfig) -> Tensor | float | None:
    """Return how much of each pixel's painted colour is the photograph's.

    In a transition to a region that is kept, which has the photograph's colours anyway, all of the
    remainder counts.
    """
    coloured = [p.mask for p in parts if p.mode(config) == "keep" and not p.spec.keep]
    if not coloured:
        return None
    colour_masks = [mask for mask in coloured if mask is not None]
    if not colour_masks:
        return 1.0
    keep_masks = [p.mask for p in parts if p.spec.keep and p.mask is not None]
    remainder = 1 - sum(keep_masks, torch.zeros_like(colour_masks[0]))
    share: Tensor = sum(colour_masks[1:], colour_masks[0]) / remainder.clamp(min=1e-6)
    return share.clamp(max=1)


def _check_sizes(parts: Sequence[Part], config: StyledConfig, extractor: Extractor) -> None:
    """Refuse a region that no layer can see, and warn of one that is too small for some layers.

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
                f"The region {part.spec.colour} has no pixel left at this size. Make it larger, "
                "or the picture (--size), or leave it out of the map."
            )
        if part.spec.keep:
            continue
        enlarged = config.size / max(part.mask.shape[-2:])  # a photograph smaller than the result
        pixels = float(part.mask.sum()) * enlarged**2
        blind = [name for name in layers if pixels / strides[name] ** 2 < LEAST_CELLS]
        if len(blind) == len(layers):
            raise OptionError(
                f"The region {part.spec.colour} has {pixels:.0f} pixels at this size, too few "
                "for the network to see a style in. Make it larger, or the picture (--size), or "
                f"keep its pixels: --region '{part.spec.colour}=keep'."
            )
        if blind:
            _LOG.warning(
                "the region %s is too small for %s and is left out there",
                part.spec.colour, ", ".join(blind),
            )  # fmt: skip
    if parts and all(part.spec.keep for part in parts):
        raise OptionError("Every region is kept, so there is nothing to paint.")
