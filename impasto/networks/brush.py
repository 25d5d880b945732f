"""A style encoded once, and photographs painted with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from impasto.errors import OptionError
from impasto.features.extractor import Extractor
from impasto.image.masks import pooled
from impasto.losses.guides import Guide
from impasto.losses.moments import Moments, moments
from impasto.networks.checkpoint import load_instant
from impasto.networks.decoder import LEVELS, Decoder
from impasto.networks.instant import STYLE_LAYERS, InstantNetwork, summary
from impasto.networks.portable import FAINT, MARGIN
from impasto.networks.tiles import STEP, look, paint
from impasto.networks.trained import TrainedStyle
from impasto.networks.transport import Target, transport
from impasto.styles.blend import Blend
from impasto.styles.statistics import LEAST_CELLS, Style

__all__ = ["SMALLEST", "WHOLE", "Brush", "brush_of", "paint_with"]


# How far, in pixels, the networks look beyond what they paint; a multiple of an eighth's step.
HALO = 96


# Pixels of the shortest side that shows anything.
SMALLEST = 16


WHOLE = 9_500_000
"""Pixels of the largest picture that is painted whole, not in parts."""


# The longest side of a part, in pixels.
_PART = 3072


# A large photograph's features are counted in so many parts of it, of such sides.
_SAMPLES, _SAMPLE = 64, 128


# Of layers of this stride and finer every second row and column is counted: neighbours are alike,
# and to count them all takes a fifth of the time that painting does.
_FINE = 2


Picture = Float[Tensor, "1 3 _ _"]


Features = Mapping[str, Float[Tensor, "1 _ _ _"]]


@dataclass(frozen=True)
class Brush:
    """A style at a strength, encoded once: what paints any number of photographs.

    Attributes:
        decoder: the network as the style steers it.
        goals: by level, where a photograph's features are moved.
        strength: from 0, the photograph, to 1.
    """

    decoder: Decoder
    goals: Mapping[str, Target]
    strength: float

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
            long_side: what the painting is looked at with: the result's times the stroke.
            extractor: `compact`, on the device and in the precision to paint with.
            network: by default the one that comes with the package.
        """
        network = network or load_instant()
        like = next(extractor.parameters())
        found = {
            name: part.to(torch.device("cpu"))
            for name, part in style.at(long_side, extractor, list(STYLE_LAYERS)).items()
        }
        steering = network.steering(summary(found), torch.tensor([strength]))
        decoder = network.decoder(steering, like)
        goals = {name: Target.of(found[name]).to(like.device) for name in LEVELS if name in found}
        return Brush(decoder, goals, strength)

    def ready(self, found: Mapping[str, Moments]) -> Decoder:
        """The decoder for a photograph, or a region of it, with these features."""
        share = min(1.0, 2 * self.strength)
        moves = {name: transport(found[name], goal, share) for name, goal in self.goals.items()}
        return self.decoder.after(moves)


@torch.no_grad()
def paint_with(
    brush: Brush,
    photograph: Picture,
    extractor: Extractor,
    mask: Float[Tensor, "1 1 _ _"] | None = None,
) -> Picture:
    """A photograph painted with a brush, in parts if it is large, without a seam.

    A part's features are those of the whole picture, as far as any network looks; what is moved
    where is counted once for all parts.

    Args:
        photograph: at the size of the result.
        mask: counts the photograph's features only there.
    """
    height, width = photograph.shape[-2:]
    framed = _framed(photograph, MARGIN)
    if height * width <= WHOLE:
        seen = look(framed, extractor)
        decoder = brush.ready(_counted(seen.levels, mask, (height, width)))
        painted = paint(seen, framed, decoder, extractor)[..., :height, :width]
        return _faint(painted, photograph, brush.strength)
    decoder = brush.ready(_sampled(photograph, extractor, mask))
    painted = torch.empty_like(photograph)
    for top, bottom in _parts(height):
        for left, right in _parts(width):
            part = _part(framed, (top, bottom), (left, right), decoder, extractor)
            painted[..., top:bottom, left:right] = part
    return _faint(painted, photograph, brush.strength)


def _faint(painted: Picture, photograph: Picture, strength: float) -> Picture:
    if strength >= FAINT:
        return painted
    return torch.lerp(photograph, painted, strength / FAINT)


def _parts(side: int) -> list[tuple[int, int]]:
    """Where parts of about the same length begin and end along a side."""
    count = -(-side // _PART)
    cuts = [*(side * i // count // STEP * STEP for i in range(count)), side]
    return list(pairwise(cuts))


def _part(
    framed: Picture,
    rows: tuple[int, int],
    columns: tuple[int, int],
    decoder: Decoder,
    extractor: Extractor,
) -> Picture:
    """A part of a picture, painted with as much around it as the networks look at."""
    around, inner = [], []
    for (start, end), whole in zip((rows, columns), framed.shape[-2:], strict=True):
        first = max(0, start + MARGIN - HALO)
        around.append(slice(first, min(whole, _up(end) + MARGIN + HALO)))
        inner.append(slice(start - first, end - first))
    seen = framed[..., around[0], around[1]]
    painted = paint(look(seen, extractor), seen, decoder, extractor)
    return painted[..., inner[0], inner[1]]


def _up(number: int) -> int:
    return -(-number // STEP) * STEP


def _framed(photograph: Picture, margin: int) -> Picture:
    """The picture continued as in a mirror, by the margin and to whole steps."""
    height, width = photograph.shape[-2:]
    below, after = _up(height) - height + margin, _up(width) - width + margin
    mode = "reflect" if min(height, width) > margin + STEP else "replicate"
    return F.pad(photograph, (margin, after, margin, below), mode)


def _counted(levels: Features, mask: Tensor | None, size: tuple[int, int]) -> dict[str, Moments]:
    """The moments of features inside the margin, the finest of which are thinned out already."""
    found = {}
    for number, name in enumerate(LEVELS):
        stride = STEP >> number
        edge, (rows, columns) = MARGIN // stride, (max(1, n // stride) for n in size)
        every = 2 if stride <= _FINE else 1
        thin = 2 if stride == 1 else 1
        here = [slice(edge // thin, -(-(edge + n) // thin), every // thin) for n in (rows, columns)]
        inner = levels[name][..., here[0], here[1]]
        guide = None
        if mask is not None:
            seen = pooled(mask, rows, columns)[::every, ::every].contiguous()
            guide = Guide(seen) if float(seen.sum()) >= LEAST_CELLS else None
        found[name] = moments(inner.contiguous(memory_format=torch.channels_last), guide)
    return found


def _sampled(photograph: Picture, extractor: Extractor, mask: Tensor | None) -> dict[str, Moments]:
    """The moments of a large photograph's features, of parts that lie all over it."""
    height, width = photograph.shape[-2:]
    across = max(1, round((_SAMPLES * width / height) ** 0.5))
    down = max(1, round(_SAMPLES / across))
    means: dict[str, Tensor] = {}
    seconds: dict[str, Tensor] = {}
    weights = 0.0
    for row in range(down):
        for column in range(across):
            top = round((height - _SAMPLE) * (row + 0.5) / down)
            left = round((width - _SAMPLE) * (column + 0.5) / across)
            share = 1.0
            if mask is not None:
                share = float(mask[..., top : top + _SAMPLE, left : left + _SAMPLE].mean())
            if share < 0.01:
                continue
            seen = photograph[..., top : top + _SAMPLE, left : left + _SAMPLE]
            for name, features in extractor(seen, LEVELS).items():
                found = moments(features)
                means[name] = share * found.mean + means.get(name, 0)
                seconds[name] = share * found.second + seconds.get(name, 0)
            weights += share
    if not weights:  # the region lies between all of the parts
        return _sampled(photograph, extractor, None)
    return {name: Moments(means[name] / weights, seconds[name] / weights) for name in means}


@torch.no_grad()
def brush_of(style: Style, strength: float, extractor: Extractor) -> Brush:
    """What paints in a style that was trained for, or between several.

    Args:
        extractor: `compact`, on the device and in the precision to paint with.

    Raises:
        OptionError: a style that no network was trained for, or a blend of two files' styles.
    """
    styles, weights = _styles_of(style)
    network = styles[0].trained.network
    numbers = [one.number for one in styles]
    steering = network.blended([one.summary for one in styles], strength, numbers, weights)
    like = next(extractor.parameters())
    found = style.at(0, extractor, list(STYLE_LAYERS))
    goals = {name: Target.of(found[name]).to(like.device) for name in LEVELS}
    return Brush(network.base.decoder(steering, like), goals, strength)


def _styles_of(style: Style) -> tuple[list[TrainedStyle], list[float]]:
    """The styles of a blend, and their weights."""
    shares = [(s.style, s.weight) for s in style.shares] if isinstance(style, Blend) else []
    parts = shares or [(style, 1.0)]
    if isinstance(style, Blend) and any(share.layers != "all" for share in style.shares):
        raise OptionError(
            "--method fast blends whole styles: leave :fine and :coarse out, or take another "
            "method."
        )
    styles = [one for one, _ in parts if isinstance(one, TrainedStyle)]
    if len(styles) < len(parts):
        raise OptionError(
            "--method fast paints in styles that a network was trained for, and one of these is "
            "none. Train it first (`impasto train`), or take --method instant."
        )
    if len({id(one.trained.network) for one in styles}) > 1:
        raise OptionError(
            "Only styles of one file can be blended, as one network paints them. Train them "
            "together: `impasto train a.jpg b.jpg`."
        )
    return styles, [weight for _, weight in parts]
