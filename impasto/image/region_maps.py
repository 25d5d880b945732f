"""Region maps: labels from a drawing in flat colours.

A map comes from a painting program: it has a few flat colours, but also edges that blend them
(anti-aliasing) and, saved as JPEG, noise around the edges. Such pixels would make regions that
nobody drew: grey ones between black and white. So only colours of flat places count, and all other
pixels get one of those around them.
"""

from __future__ import annotations

from itertools import combinations, combinations_with_replacement

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from impasto.errors import OptionError
from impasto.image.labels import ALIKE, LabelMap

__all__ = ["quantise"]

# In steps of 1/255, in the channel that differs most.
_FLAT = 12  # a pixel is flat if its 3×3 neighbourhood spans no more
_JOIN = 12  # flat colours this close are one, varied by JPEG
_NOISE = 32  # so are those this close, if one has ten times as many flat pixels
_CLOSE = 3  # most flat places of a map are this close to its colours

# In shares of the map's area.
_SMALLEST = 2e-4  # the least flat area of a colour: that of noise is smaller
_THINNEST = 1e-3  # or the least area of lines too thin for a flat place
# At least 86 % of a map's flat places, and 57 % of all its places, are close to its colours, even
# as JPEG of quality 30; of nearly all photographs and paintings less than 66 % and 62 %.
_PURE = 0.75  # share of the flat places close to a real colour
_COVERED = 0.4  # share of the map close to one

_MOST = 16  # colours of a map
_TRIES = 100  # colours tried to find them
_NEAR, _FAR = 2, 5  # pixels from an edge to the flat colours that it blends


def quantise(pixels: Float[Tensor, "1 3 h w"]) -> LabelMap:
    """Return the regions of a map (sRGB in [0, 1]), without blended edges and JPEG noise.

    A colour is real if the map is flat in it on at least 0.02 % of its area; lines of one or two
    pixels keep a colour that is real elsewhere.

    Raises:
        OptionError: the picture has more than 16 flat colours or hardly any: it is not a map.
    """
    values = (pixels * 255).round()
    flat = _flat(values)
    colours = _real(values, flat)
    labels = _assign(values, flat, colours)
    counts = torch.bincount(labels.flatten(), minlength=len(colours))
    order = [i for i in counts.argsort(descending=True, stable=True).tolist() if counts[i]]
    rank = torch.zeros_like(counts)
    rank[order] = torch.arange(len(order), device=rank.device)
    return LabelMap(rank[labels], tuple(_hex(colours[i]) for i in order))


def _flat(values: Float[Tensor, "1 3 h w"], window: int = 3) -> Bool[Tensor, "h w"]:
    """Return where a window hardly varies: one centred on the pixel, or, if even, any around it."""
    reach = window // 2
    high, low = (F.max_pool2d(sign * values, window, 1, reach) for sign in (1, -1))
    flat = (high + low <= _FLAT).all(dim=1, keepdim=True)
    if window % 2 == 0:
        flat = F.max_pool2d(flat.float(), window, 1) > 0
    # A map of a few pixels, or one drawn in lines, has no flat place: then all of it counts.
    return flat[0, 0] if flat.any() else torch.ones_like(flat[0, 0])


def _real(values: Float[Tensor, "1 3 h w"], flat: Bool[Tensor, "h w"]) -> Float[Tensor, "k 3"]:
    """Return the map's real colours: first those of areas, then those of lines, by flat share."""
    peaks: list[tuple[Tensor, int]] = []
    for where, share in ((flat, _SMALLEST), (_flat(values, 2), _THINNEST)):
        points, counts = _census(values, where)
        # A line's colour is neither one of an area, nor a blend of two.
        for (a, _), (b, _) in combinations_with_replacement(tuple(peaks), 2):
            is_new = ~_between(points, a, b)
            points, counts = points[is_new], counts[is_new]
        _find(points, counts, share * flat.numel(), peaks)
    colours = torch.stack([peak for peak, _ in peaks]) if peaks else values.new_zeros(0, 3)
    _check(values, flat, colours)
    return colours


def _census(
    values: Float[Tensor, "1 3 h w"], where: Bool[Tensor, "h w"]
) -> tuple[Float[Tensor, "u 3"], Int[Tensor, " u"]]:
    """Return the different colours there, and how many pixels have each."""
    r, g, b = values[0, :, where].long()
    codes, counts = torch.unique(r * 65536 + g * 256 + b, return_counts=True)
    points = torch.stack([codes // 65536, codes // 256 % 256, codes % 256], dim=1)
    return points.to(values.dtype), counts


def _find(
    points: Float[Tensor, "u 3"],
    counts: Int[Tensor, " u"],
    least: float,
    peaks: list[tuple[Tensor, int]],
) -> None:
    """Add the most common colour with those close to it, then the most common of the others, …"""
    for _ in range(_TRIES):
        if len(peaks) > _MOST or counts.sum() < max(1.0, least):
            return
        peak = points[counts.argmax()]
        group = _apart(points, peak) <= _JOIN
        size = int(counts[group].sum())
        stray = any(size * 10 < other and _apart(peak, at) <= _NOISE for at, other in peaks)
        if size >= least and not stray:
            peaks.append((peak, size))
        points, counts = points[~group], counts[~group]


def _check(
    values: Float[Tensor, "1 3 h w"], flat: Bool[Tensor, "h w"], colours: Float[Tensor, "k 3"]
) -> None:
    """Refuse a picture that is not a map."""
    points = values[0].permute(1, 2, 0)
    close = torch.zeros_like(flat)
    for colour in colours:
        close |= _apart(points, colour) <= _CLOSE
    many = len(colours) > _MOST
    if many or close[flat].float().mean() < _PURE or close.float().mean() < _COVERED:
        what = f"more than {_MOST} flat colours" if many else "shades, and few flat colours or none"
        raise OptionError(
            f"This picture has {what}, so it is not a map of regions. A map is a drawing in 1 to "
            f"{_MOST} flat colours, one colour for each region: paint one over the picture in any "
            "painting program, without shading, and save it as PNG."
        )


def _apart(points: Float[Tensor, "*n 3"], colour: Float[Tensor, "3"]) -> Float[Tensor, "*n"]:
    return (points - colour).abs().amax(dim=-1)


def _assign(
    values: Float[Tensor, "1 3 h w"], flat: Bool[Tensor, "h w"], colours: Float[Tensor, "k 3"]
) -> Int[Tensor, "h w"]:
    """Return the index of each pixel's colour: its own if sure, else one of those around it."""
    points = values[0].permute(1, 2, 0)
    labels = torch.zeros(flat.shape, dtype=torch.long, device=flat.device)
    best = torch.full(flat.shape, torch.inf, device=flat.device)
    for i, colour in enumerate(colours):
        distance = _apart(points, colour)
        closer = distance < best
        labels[closer], best[closer] = i, distance[closer]
    sure = flat & (best <= ALIKE)
    seeds = torch.stack([sure & (labels == i) for i in range(len(colours))])[:, None]
    near, far = (_around(seeds, r)[:, ~sure].T for r in (_NEAR, _FAR))
    labels[~sure] = _choose(points[~sure], near, far, colours)
    return labels


def _around(seeds: Bool[Tensor, "k 1 h w"], radius: int) -> Bool[Tensor, "k h w"]:
    return F.max_pool2d(seeds.float(), 2 * radius + 1, 1, radius)[:, 0] > 0


def _choose(
    points: Float[Tensor, "n 3"],
    near: Bool[Tensor, "n k"],
    far: Bool[Tensor, "n k"],
    colours: Float[Tensor, "k 3"],
) -> Int[Tensor, " n"]:
    """Return the colour of each stray pixel.

    A pixel of a real colour, as in thin lines, keeps it, unless it is a blend of two of the colours
    around it. All others get the nearest of the colours around them.
    """
    distance = (points[:, None] - colours).abs().amax(dim=-1)
    nearest = distance.argmin(dim=1)
    around = torch.where(near.sum(dim=1, keepdim=True) > 1, near, far)
    around |= ~around.any(dim=1, keepdim=True)
    neighbour = distance.masked_fill(~around, torch.inf).argmin(dim=1)
    thin = (distance.amin(dim=1) <= ALIKE) & ~_blended(points, far, colours, nearest)
    return torch.where(thin, nearest, neighbour)


def _blended(
    points: Float[Tensor, "n 3"],
    far: Bool[Tensor, "n k"],
    colours: Float[Tensor, "k 3"],
    nearest: Int[Tensor, " n"],
) -> Bool[Tensor, " n"]:
    """Return whether a pixel may be a blend of two colours around it, other than its own."""
    blended = torch.zeros_like(nearest, dtype=torch.bool)
    for i, j in combinations(range(len(colours)), 2):
        at = far[:, i] & far[:, j] & (nearest != i) & (nearest != j)
        if at.any():
            blended[at] |= _between(points[at], colours[i], colours[j])
    return blended


def _between(
    points: Float[Tensor, "n 3"], a: Float[Tensor, "3"], b: Float[Tensor, "3"]
) -> Bool[Tensor, " n"]:
    """Return whether a point is near the straight line from `a` to `b`; the two may be the same."""
    direction = b - a
    share = ((points - a) @ direction / direction.square().sum().clamp(min=1)).clamp(0, 1)
    return (points - a - share[:, None] * direction).abs().amax(dim=1) <= ALIKE


def _hex(colour: Float[Tensor, "3"]) -> str:
    r, g, b = colour.int().tolist()
    return f"#{r:02x}{g:02x}{b:02x}"
