"""The painter of a film, by its method and options."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from impasto.config.bases import PhotoConfig, StyledConfig
from impasto.config.film import FilmSettings
from impasto.config.methods import InstantConfig, RefineConfig
from impasto.engine.setup import backbone_of, with_layers
from impasto.errors import OptionError
from impasto.features.extractor import Extractor
from impasto.film.at_once import AtOncePainter, Encode, ShotBrushes
from impasto.film.frame import Frame
from impasto.film.optimising import OptimisingPainter
from impasto.film.painter import FilmLabels, FilmPainter
from impasto.film.regions import FilmRegions
from impasto.film.steadying import Steadier
from impasto.image.labels import LabelMap
from impasto.methods.instant import brushes_of
from impasto.networks.brushes import Brushes, trained_brushes
from impasto.painting.common import network_of
from impasto.painting.inputs import read_map
from impasto.painting.preflight import check_choices, check_weights
from impasto.painting.regions import ReadStyles
from impasto.painting.sources import Sources
from impasto.styles.statistics import Style

__all__ = ["film_painter"]


def film_painter(
    sources: Sources,
    config: StyledConfig,
    settings: FilmSettings | None = None,
    *,
    labels: FilmLabels | None = None,
    start: float = 0.0,
    extractor: Extractor | None = None,
) -> FilmPainter:
    """Read the styles and the networks, and return what paints the frames of a film.

    Args:
        sources: styles, maps of them, and a file of weights. A content map holds for every frame
            if there are no `labels`.
        config: of the method; its size is the frames' long side.
        settings: those of the film; by default its own.
        labels: the regions of each frame.
        start: seconds of the film at which the first style begins to turn into the next.
        extractor: the backbone, if it is loaded already.

    Raises:
        ImpastoError: anything that cannot be used.
    """
    settings = settings or FilmSettings()
    config = with_layers(config)
    check_choices(sources, config)
    check_weights(sources, config)
    _check_change(sources, settings)
    network, digest = network_of(config, sources, extractor)
    if labels is None and sources.content_map is not None:
        labels = _Still(read_map("content-map", sources.content_map).labels)
    colours = None if labels is None else LabelMap(torch.zeros(1, 1).long(), labels.colours)
    read = ReadStyles.of(sources, config, network, digest, colours)
    regions = FilmRegions(read, labels, settings.change, start)
    if not isinstance(config, PhotoConfig):
        brushes = ShotBrushes(_encoding(config, network), network)
        return AtOncePainter(regions, brushes, Steadier(settings.steady))
    return OptimisingPainter(regions, config, network, settings.steady, _first_pass(config))


def _encoding(config: StyledConfig, extractor: Extractor) -> Encode:
    """Return what makes a method's brushes."""
    if not isinstance(config, (InstantConfig, RefineConfig)):
        return lambda style, strength, _: trained_brushes(style, strength, extractor)

    def encode(style: Style, strength: float, long_side: int) -> Brushes:
        return brushes_of(style, strength, config=config, long_side=long_side, extractor=extractor)

    return encode


def _first_pass(config: PhotoConfig) -> ShotBrushes | None:
    """Return what paints at once where the method starts from that."""
    if not isinstance(config, RefineConfig):
        return None
    eye = backbone_of(InstantConfig(device=config.device, precision=config.precision))
    return ShotBrushes(_encoding(config, eye), eye)


def _check_change(sources: Sources, settings: FilmSettings) -> None:
    if settings.change and len(sources.styles) < 2:
        raise OptionError(
            "--change says how long one style takes to turn into the next, and there are not two: "
            "name each with a --style of its own."
        )


@dataclass(frozen=True)
class _Still:
    """One map for all frames."""

    map: LabelMap

    @property
    def colours(self) -> tuple[str, ...]:
        return self.map.colours

    def at(self, frame: Frame) -> LabelMap:  # noqa: ARG002
        return self.map
