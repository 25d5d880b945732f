"""The losses, as pure functions of tensors.

Each is an average, over pixels or over the style's own energy, so that a weight keeps its meaning
at every size and for every picture.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from impasto.features.tiles import Tile
from impasto.losses.moments import Moments
from impasto.losses.statistics import Lift, gram

__all__ = [
    "FLAT",
    "averages",
    "content",
    "edges",
    "energy",
    "gram_distance",
    "gram_distances",
    "l2",
    "variation",
]

Scalar = Float[Tensor, ""]

FLAT = 1e-4
"""The least energy of a picture's Laplacians; below it a picture is flat, and only its noise left.

It is the square of a hundredth of a pixel's range.
"""


def energy(moments: Moments, lift: Lift) -> Scalar:
    """Return the mean squared activation after the lift: the unit of the content loss."""
    return gram(moments, lift).diagonal(dim1=1, dim2=2).sum(1).mean()


def content(
    features: Float[Tensor, "b c h w"],
    target: Float[Tensor, "b c h w"],
    lift: Lift,
    unit: Scalar,
    weight: Float[Tensor, "h w"] | None = None,
) -> Scalar:
    """Return the squared difference of lifted features, averaged over pixels, over `unit`.

    0 for a copy. Gatys et al. 2016, eq. 1, over the content's own energy instead of a half: so its
    weight does not depend on the layer, the backbone or the picture.

    Args:
        unit: `energy` of the target.
        weight: what each pixel counts, ≥ 0; none for 1 everywhere. The average is over all pixels.
    """
    difference = (features.float() - target.float()).movedim(1, -1)
    return _mean((difference @ lift.linear.T).square().sum(-1), weight) / unit


def gram_distance(gram: Float[Tensor, "b k k"], target: Float[Tensor, "b k k"]) -> Scalar:
    """Return the squared difference of two lifted Gram matrices over the energy of the second.

    Gatys et al. 2016, eq. 4, with that energy in place of 4N²M².
    """
    return gram_distances(gram, target).mean()


def gram_distances(
    grams: Float[Tensor, "b k k"], targets: Float[Tensor, "b k k"]
) -> Float[Tensor, " b"]:
    """Return the `gram_distance` of several pairs."""
    return (grams - targets).square().sum((1, 2)) / targets.square().sum((1, 2))


def averages(values: Float[Tensor, "*b c h w"], pool: int) -> Float[Tensor, "*b c h2 w2"]:
    """Average over `pool` × `pool`; where that does not divide the size, the last over fewer."""
    return F.avg_pool2d(values, pool, ceil_mode=True)


def edges(image: Float[Tensor, "b 3 h w"], tile: Tile, pool: int) -> Float[Tensor, "b 3 h2 w2"]:
    """Return the Laplacian of a tile's averages; the picture continues flat beyond its border.

    Args:
        image: what was cut out, with at least `pool` pixels on each side of the tile's own where
            the picture goes on there; the tile begins at a multiple of `pool`.
    """
    height, width = tile.size
    above, left = min(tile.above, pool), min(tile.left, pool)
    below = min(image.shape[-2] - tile.above - height, pool)
    right = min(image.shape[-1] - tile.left - width, pool)
    rows = slice(tile.above - above, tile.above + height + below)
    columns = slice(tile.left - left, tile.left + width + right)
    small = averages(image[..., rows, columns], pool)
    # A border cell beyond which nothing was cut out is the picture's.
    missing = [int(not cells) for cells in (left, right, above, below)]
    padded = F.pad(small, missing, "replicate") if any(missing) else small
    vertical = padded[..., :-2, 1:-1] + padded[..., 2:, 1:-1]
    horizontal = padded[..., 1:-1, :-2] + padded[..., 1:-1, 2:]
    # Departs from the paper, which sums over the channels: there opposing colour edges cancel.
    return vertical + horizontal - 4 * padded[..., 1:-1, 1:-1]


def variation(
    padded: Float[Tensor, "b 3 h1 w1"], kind: str, weight: Float[Tensor, "h w"] | None = None
) -> Scalar:
    """Return how much neighbouring pixels differ, averaged over pixels and channels; 0 if flat.

    `l2`: squares at nine points, 2·(dx²/3 + dy²/3 + d↘²/12 + d↙²/12), which favours no direction
    (style-transfer-pytorch, K. Crowson, 2021). `l1`: absolute differences (neural-style,
    J. Johnson, 2015), which keeps edges.

    Args:
        padded: the picture with one more row and column, for the differences of the last ones.
        kind: "l1" or "l2".
        weight: what each pixel's differences to the right and below count; none for 1 everywhere.
    """
    pixels, right = padded[..., :-1, :-1], padded[..., :-1, 1:]
    below, across = padded[..., 1:, :-1], padded[..., 1:, 1:]
    if kind == "l1":
        return _mean((right - pixels).abs(), weight) + _mean((below - pixels).abs(), weight)
    straight = _mean((right - pixels).square(), weight) + _mean((below - pixels).square(), weight)
    diagonal = _mean((across - pixels).square(), weight) + _mean((below - right).square(), weight)
    return 2 * (straight / 3 + diagonal / 12)


def _mean(values: Float[Tensor, "*b h w"], weight: Float[Tensor, "h w"] | None) -> Scalar:
    """Return the average over all pixels, each counted as much as its weight."""
    return values.mean() if weight is None else (values * weight).mean()


def l2(
    image: Float[Tensor, "b 3 h w"],
    target: Float[Tensor, "b 3 h w"],
    weight: Float[Tensor, "h w"] | None = None,
) -> Scalar:
    """Return the mean squared difference of pixels.

    Args:
        weight: what each pixel counts; none for 1 everywhere.
    """
    return _mean((image - target).square(), weight)
