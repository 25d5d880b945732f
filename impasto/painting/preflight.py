"""What is wrong with a run's sources, as far as their files' headers say. Needs no PyTorch.

`prepare` checks all of it again, on the pictures that it reads. Here it takes a moment, where
loading PyTorch alone takes many on a busy machine.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from impasto.config.bases import PictureConfig, StyledConfig
from impasto.config.methods import MatchingConfig, method_of
from impasto.config.specs import layer_weights
from impasto.errors import OptionError
from impasto.features import sources as networks
from impasto.features.plan import check_layers
from impasto.image.long_side import size_in_header
from impasto.image.size_limits import check_size
from impasto.networks import trained_metadata
from impasto.painting.kinds import (
    Kind,
    card_file,
    check_card,
    kind_of,
    without_colours,
    without_parts,
    without_styles,
)
from impasto.painting.sources import Sources, is_named

__all__ = [
    "check_choices",
    "check_network",
    "check_picture",
    "check_sources",
    "check_style",
    "check_weights",
]


def check_sources(sources: Sources, config: PictureConfig) -> None:
    """Check what a run paints from, before any of it is decoded.

    Raises:
        ImpastoError: a file that is missing or of another kind, a style that does not exist,
            weights that are not here, layers that the backbone does not have, or sources that
            do not go together.
    """
    if isinstance(config, StyledConfig):
        check_choices(sources, config)
    check_weights(sources, config)
    check_network(config.eye, sources.weights)
    _check_layers(config)
    for source in (sources.content, sources.init, sources.content_map, *sources.style_maps):
        if source is not None:
            check_picture(source)
    kinds = [check_style(spec.source, config, sources.weights) for spec in sources.styles]
    for spec, kind in zip(sources.styles, kinds, strict=True):
        if isinstance(config, MatchingConfig) and kind != "picture":
            raise config.without_features(method_of(config).name)
        if sources.style_maps and kind != "picture":
            raise without_parts(spec.source)
    if isinstance(config, StyledConfig):
        for region in config.regions:
            if not region.style:
                continue
            kind = check_style(region.style, config, sources.weights)
            if isinstance(config, MatchingConfig) and kind != "picture":
                raise config.without_features(method_of(config).name)
        if config.color == "match" and sources.content_map is None and set(kinds) != {"picture"}:
            raise without_colours()


def check_picture(source: Any) -> None:
    """Check a picture's file by its header; one in memory is left to its reader.

    Raises:
        PictureError: it is missing, no picture, or too large.
    """
    if is_named(source) and (size := size_in_header(Path(source))) is not None:
        check_size(size, str(source))


def check_style(source: Any, config: PictureConfig, weights: Path | None = None) -> Kind:
    """Check a style's file by its header; return what it is.

    Raises:
        ImpastoError: it is missing, no style, or none for this method and network.
    """
    kind = kind_of(source, config)
    if kind == "picture":
        check_picture(source)
    elif kind == "card":
        check_card(card_file(source), source, config, networks.digest(config.eye, weights))
    else:
        place, name = trained_metadata.split_source(str(source))
        metadata = trained_metadata.read_metadata(Path(place))
        metadata.check_backbone(networks.digest(config.eye), place)
        metadata.number(name.removeprefix("#"), place)
    return kind


def check_weights(sources: Sources, config: PictureConfig) -> None:
    """Check that a file of weights is named only where one is read.

    Raises:
        OptionError: the method takes none.
    """
    method = method_of(config)
    if sources.weights is not None and not method.optimises:
        raise OptionError(
            f"--weights are those of a backbone, and --method {method.name} knows only its own. "
            "Leave them out, or take another method."
        )


def check_choices(sources: Sources, config: StyledConfig) -> None:
    """Check that styles, maps and regions go together.

    Raises:
        OptionError: one needs another that is not there.
    """
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
        raise without_styles()


def check_network(backbone: str, weights: Path | None) -> None:
    """Check that a backbone exists, and its weights do.

    Raises:
        OptionError: there is no such backbone.
        WeightsError: its weights, or the file of them, are missing.
    """
    networks.backbone(backbone)
    if weights is None:
        networks.require(backbone)
    else:
        networks.check_file(weights)


def _check_layers(config: PictureConfig) -> None:
    named = (config.style_names, config.content_names, config.further_names)
    layers = [name for names in named for name in layer_weights(names)]
    check_layers(networks.backbone(config.eye).plan, layers)
