"""A style encoded once, to paint any number of photographs with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch

from impasto.errors import OptionError, StyleError
from impasto.features.extractor import Extractor
from impasto.losses.moments import Moments
from impasto.networks.broad_picture import broad_moments, steadied
from impasto.networks.checkpoint import load_version
from impasto.networks.decoder import LEVELS, Decoder
from impasto.networks.instant import STYLE_LAYERS, InstantNetwork, summary
from impasto.networks.trained import TrainedStyle
from impasto.networks.transport import Target, transport
from impasto.styles.blend import Blend, unmasked
from impasto.styles.statistics import Style

__all__ = ["Brush", "brush_of", "trained_size"]


@dataclass(frozen=True)
class Brush:
    """A style at a strength, encoded once, to paint any number of photographs with.

    Attributes:
        decoder: the network as the style steers it.
        goals: by level, the statistics that a photograph's features are moved to.
        strength: from 0, the photograph, to 1.
        broad: by level, the moments that a plain photograph's are mixed with.
        settled: the decoder for all pictures, whatever their own moments; None for one each.
    """

    decoder: Decoder
    goals: Mapping[str, Target]
    strength: float
    broad: Mapping[str, Moments]
    settled: Decoder | None = None

    @staticmethod
    @torch.no_grad()
    def of(
        style: Style,
        strength: float,
        long_side: int,
        extractor: Extractor,
        network: InstantNetwork | None = None,
    ) -> Brush:
        """Encode a style.

        Args:
            long_side: that of the painting: the result's long side times the stroke.
            extractor: `compact`, on the device and in the precision to paint with.
            network: by default the one that comes with the package.
        """
        network = network or load_version()
        like = next(extractor.parameters())
        by_layer = _measured(style, long_side, extractor)
        moments = {name: part.to(torch.device("cpu")) for name, part in by_layer.items()}
        steering = network.steering(summary(moments), torch.tensor([strength]))
        decoder = network.decoder(steering, like)
        goals = {n: Target.of(moments[n]).to(like.device) for n in LEVELS if n in moments}
        return Brush(decoder, goals, strength, broad_moments(extractor))

    def decoder_for(self, moments: Mapping[str, Moments]) -> Decoder:
        """Return the decoder for a photograph, or a region of it, with these moments."""
        share = min(1.0, 2 * self.strength)
        steady = steadied(moments, self.broad)
        moves = {n: transport(steady[n], goal, share) for n, goal in self.goals.items()}
        return self.decoder.after(moves)

    def settled_for(self, moments: Mapping[str, Moments]) -> Brush:
        """Return the brush that paints every picture as one with these moments."""
        return replace(self, settled=self.decoder_for(moments))


def _measured(style: Style, long_side: int, extractor: Extractor) -> Mapping[str, Moments]:
    """Return a style's moments at all layers; of the whole painting where its region is small.

    Raises:
        StyleError: next to nothing of the painting is visible.
    """
    layers = list(STYLE_LAYERS)
    moments = dict(style.at(long_side, extractor, layers))
    if missing := [name for name in layers if name not in moments]:
        moments |= unmasked(style).at(long_side, extractor, missing)
    if len(moments) < len(layers):
        raise StyleError(
            "Too little of the style is visible for the network to see a style in it. Show more of "
            "it, or take --method gatys, which then compares colours and fine strokes alone."
        )
    return moments


@torch.no_grad()
def brush_of(style: Style, strength: float, extractor: Extractor) -> Brush:
    """Return the brush of a style that a network was trained for, or of a blend of several.

    Args:
        extractor: `compact`, on the device and in the precision to paint with.

    Raises:
        OptionError: a style that no network was trained for, or a blend of two files' styles.
    """
    styles, weights = _styles_of(style)
    network = styles[0].trained.network
    numbers = [part.number for part in styles]
    steering = network.blended([part.summary for part in styles], strength, numbers, weights)
    like = next(extractor.parameters())
    moments = style.at(0, extractor, list(STYLE_LAYERS))
    goals = {name: Target.of(moments[name]).to(like.device) for name in LEVELS}
    decoder = network.base.decoder(steering, like)
    return Brush(decoder, goals, strength, broad_moments(extractor))


def trained_size(style: Style) -> int:
    """Return the long side, in pixels, with which trained styles' paintings were looked at.

    Raises:
        OptionError: as `brush_of`.
    """
    return _styles_of(style)[0][0].trained.metadata.size


def _styles_of(style: Style) -> tuple[list[TrainedStyle], list[float]]:
    """Return the styles of a blend, and their weights."""
    shares = [(s.style, s.weight) for s in style.shares] if isinstance(style, Blend) else []
    parts = shares or [(style, 1.0)]
    if isinstance(style, Blend) and any(share.layers != "all" for share in style.shares):
        raise OptionError(
            "--method fast blends whole styles: leave :fine and :coarse out, or use another method."
        )
    styles = [part for part, _ in parts if isinstance(part, TrainedStyle)]
    if len(styles) < len(parts):
        raise OptionError(
            "--method fast paints in styles that a network was trained for, and one of these is "
            "not. Train it first (`impasto train`), or use --method instant."
        )
    if len({id(part.trained.network) for part in styles}) > 1:
        raise OptionError(
            "Only styles of one file can be blended, as one network paints them. Train them "
            "together: `impasto train a.jpg b.jpg`."
        )
    return styles, [weight for _, weight in parts]
