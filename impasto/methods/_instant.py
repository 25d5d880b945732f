"""Any style at once: a photograph goes through a network once, and nothing is optimised."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from impasto.features.extractor import Extractor
from impasto.image.files import fitted, resize
from impasto.image.masks import pooled
from impasto.losses.statistics import Guide, Moments, moments
from impasto.methods._painter import backbone_of, regions_of
from impasto.methods._panes import STEP, look, paint
from impasto.methods.configs import InstantConfig
from impasto.methods.scene import Region
from impasto.methods.solver import Step
from impasto.methods.way import PLAIN, Snapshot, Way
from impasto.networks.checkpoint import load_instant
from impasto.networks.instant import LEVELS, STYLE_LAYERS, Decoder, InstantNetwork, summary
from impasto.networks.portable import FAINT, MARGIN
from impasto.networks.transport import Target, transport
from impasto.styles.statistics import LEAST_CELLS, Style

__all__ = ["SMALLEST", "WHOLE", "Brush", "at_once", "instant", "paint_with", "shown"]

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


def instant(
    content: Float[Tensor, "1 3 h w"],
    style: Style | Float[Tensor, "1 3 sh sw"] | None,
    config: InstantConfig | None = None,
    *,
    regions: Sequence[Region] = (),
    extractor: Extractor | None = None,
    network: InstantNetwork | None = None,
    way: Way = PLAIN,  # noqa: ARG001
) -> Iterator[Step]:
    """Paint `content` in `style` at once; yields a single step.

    Args:
        content: a photograph in [0, 1], of any size; painted at `config.size`.
        style: a painting in [0, 1], or a style card; not read if there are regions.
        config: every option.
        regions: parts of the picture with a style and a strength each, instead of one style.
        extractor: `compact`; by default in the precision that the config names.
        network: what paints; by default the one that comes with the package.
        way: as every method has it; of one step there is nothing to go on with.
    """
    config = config or InstantConfig()
    extractor = extractor or backbone_of(config)
    photograph = shown(content, config.size, extractor)
    areas = regions_of(style, regions, config.strength, photograph.device)
    long_side = round(max(photograph.shape[-2:]) * config.stroke)
    encode = partial(Brush.of, long_side=long_side, extractor=extractor, network=network)
    yield from at_once(photograph, areas, encode, extractor)


def shown(
    content: Float[Tensor, "1 3 h w"], size: int, extractor: Extractor
) -> Float[Tensor, "1 3 _ _"]:
    """A photograph as large as the result, on the extractor's device."""
    photograph = content.to(next(extractor.parameters()).device)
    height, width = fitted(content.shape[-2], content.shape[-1], size)
    if content.shape[-2:] == (height, width):
        return photograph
    return resize(photograph, height, width)


def at_once(
    photograph: Float[Tensor, "1 3 _ _"],
    regions: Sequence[Region],
    encode: Callable[[Style, float], Brush],
    extractor: Extractor,
) -> Iterator[Step]:
    """Paint a photograph, of the size of the result and on the extractor's device; one step.

    Args:
        encode: makes a brush of a style and a strength.
    """
    painted = _painted(photograph, regions, encode, extractor)
    height, width = photograph.shape[-2:]
    yield Step(
        1, 1, width, height, 1, 1, 1.0, {}, lambda: painted, lambda: Snapshot({"picture": painted})
    )


def _painted(
    photograph: Picture,
    regions: Sequence[Region],
    encode: Callable[[Style, float], Brush],
    extractor: Extractor,
) -> Picture:
    """Every region painted, and put together by their masks."""
    whole = torch.zeros_like(photograph)
    for region in regions:
        mask = (
            None
            if region.mask is None
            else resize(region.mask.to(photograph), *photograph.shape[-2:])
        )
        part = photograph
        if region.style is not None and region.strength > 0:
            brush = encode(region.style, region.strength)
            part = paint_with(brush, photograph, extractor, mask)
        whole += part if mask is None else mask * part
    return whole


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
