"""The losses, as pure functions of tensors.

Each is an average, over pixels or over the style's own energy, so that a weight keeps its meaning
at every size and for every picture.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from impasto.features.tiles import Window
from impasto.losses.gaussians import GaussianTarget, gaussian
from impasto.losses.moments import Moments
from impasto.losses.statistics import Lift, gram

__all__ = [
    "GaussianTarget",
    "averages",
    "content",
    "edges",
    "energy",
    "gaussian",
    "gram_distance",
    "gram_distances",
    "l2",
    "laplacian",
    "total_variation",
    "variation",
]

Scalar = Float[Tensor, ""]

# The least energy of Laplacians that is taken for a picture's own: a hundredth of the range of a
# pixel. Below it a picture is flat, and its noise no measure.
FLAT = 1e-4


def energy(moments: Moments, lift: Lift) -> Scalar:
    """Mean squared activation after the lift: the unit in which content is measured."""
    return gram(moments, lift).diagonal(dim1=1, dim2=2).sum(1).mean()


def content(
    features: Float[Tensor, "b c h w"],
    target: Float[Tensor, "b c h w"],
    lift: Lift,
    unit: Scalar,
    weight: Float[Tensor, "h w"] | None = None,
) -> Scalar:
    """Squared difference of lifted features, averaged over pixels, over `unit`: 0 for a copy.

    Gatys et al. 2016, eq. 1, over the content's own energy instead of a half: so its weight does
    not depend on the layer, the backbone or the picture.

    Args:
        unit: `energy` of the target.
        weight: what each pixel counts, ≥ 0; none for 1 everywhere. The average is over all pixels.
    """
    difference = (features.float() - target.float()).movedim(1, -1)
    return _mean((difference @ lift.linear.T).square().sum(-1), weight) / unit


def gram_distance(got: Float[Tensor, "b k k"], wanted: Float[Tensor, "b k k"]) -> Scalar:
    """Squared difference of two lifted Gram matrices over the energy of the second.

    Gatys et al. 2016, eq. 4, with that energy in place of 4N²M².
    """
    return gram_distances(got, wanted).mean()


def gram_distances(
    got: Float[Tensor, "b k k"], wanted: Float[Tensor, "b k k"]
) -> Float[Tensor, " b"]:
    """The same for several pairs at once."""
    return (got - wanted).square().sum((1, 2)) / wanted.square().sum((1, 2))


def laplacian(
    image: Float[Tensor, "b 3 h w"],
    target: Float[Tensor, "b 3 h w"],
    pool: int = 4,
    weight: Float[Tensor, "h w"] | None = None,
) -> Scalar:
    """Squared difference of the Laplacians of two pictures over the energy of the second's.

    Li, Xu, Nie and Liu 2017, "Laplacian-steered neural style transfer": averages over `pool` ×
    `pool` pixels, then a 3×3 Laplacian. It holds lines and details where they are. 0 for a copy;
    1 for a flat picture, unless the target is all but flat itself.

    Args:
        pool: in pixels, ≥ 1. Where it does not divide the size, the last averages are over fewer.
        weight: what each pixel counts; none for 1 everywhere.
    """
    whole = Window.whole(image)
    wanted = edges(target, whole, pool)
    unit = wanted.square().mean().clamp(min=FLAT)
    pooled = None if weight is None else averages(weight[None], pool)[0]
    return _mean((edges(image, whole, pool) - wanted).square(), pooled) / unit


def averages(values: Float[Tensor, "*b c h w"], pool: int) -> Float[Tensor, "*b c h2 w2"]:
    """Averages over `pool` × `pool`; where that does not divide the size, the last over fewer."""
    return F.avg_pool2d(values, pool, ceil_mode=True)


def edges(image: Float[Tensor, "b 3 h w"], window: Window, pool: int) -> Float[Tensor, "b 3 h2 w2"]:
    """The Laplacian of a window's averages; 0 across the picture's border, where it goes on flat.

    Args:
        image: what was cut out, with at least `pool` pixels on each side of the window's own where
            the picture goes on there; the window begins at a multiple of `pool`.
    """
    height, width = window.size
    above, left = min(window.above, pool), min(window.left, pool)
    below = min(image.shape[-2] - window.above - height, pool)
    right = min(image.shape[-1] - window.left - width, pool)
    rows = slice(window.above - above, window.above + height + below)
    columns = slice(window.left - left, window.left + width + right)
    small = averages(image[..., rows, columns], pool)
    # A border cell beyond which nothing was cut out is the picture's.
    lacking = [int(not there) for there in (left, right, above, below)]
    padded = F.pad(small, lacking, "replicate") if any(lacking) else small
    vertical = padded[..., :-2, 1:-1] + padded[..., 2:, 1:-1]
    horizontal = padded[..., 1:-1, :-2] + padded[..., 1:-1, 2:]
    # Departs from the paper, which sums over the channels: there opposing colour edges cancel.
    return vertical + horizontal - 4 * padded[..., 1:-1, 1:-1]


def total_variation(
    image: Float[Tensor, "b 3 h w"],
    kind: str = "l2",
    wrap: bool = False,
    weight: Float[Tensor, "h w"] | None = None,
) -> Scalar:
    """How much neighbouring pixels differ, averaged over pixels and channels; 0 for a flat picture.

    `l2`: squares at nine points, 2·(dx²/3 + dy²/3 + d↘²/12 + d↙²/12), which favours no direction
    (style-transfer-pytorch, K. Crowson, 2021). `l1`: absolute differences (neural-style,
    J. Johnson, 2015), which keeps edges.

    Args:
        kind: "l1" or "l2".
        wrap: the right edge meets the left and the bottom the top, as in a tile.
        weight: what each pixel's differences to the right and below count; none for 1 everywhere.
    """
    padded = F.pad(image, (0, 1, 0, 1), "circular" if wrap else "replicate")
    return variation(padded, kind, weight)


def variation(
    padded: Float[Tensor, "b 3 h1 w1"], kind: str, weight: Float[Tensor, "h w"] | None = None
) -> Scalar:
    """The same of a picture with one more row and column, which are only looked at."""
    here, right = padded[..., :-1, :-1], padded[..., :-1, 1:]
    below, across = padded[..., 1:, :-1], padded[..., 1:, 1:]
    if kind == "l1":
        return _mean((right - here).abs(), weight) + _mean((below - here).abs(), weight)
    straight = _mean((right - here).square(), weight) + _mean((below - here).square(), weight)
    diagonal = _mean((across - here).square(), weight) + _mean((below - right).square(), weight)
    return 2 * (straight / 3 + diagonal / 12)


def _mean(values: Float[Tensor, "*b h w"], weight: Float[Tensor, "h w"] | None) -> Scalar:
    """The average over all pixels, each counted as much as its weight."""
    return values.mean() if weight is None else (values * weight).mean()


def l2(
    image: Float[Tensor, "b 3 h w"],
    target: Float[Tensor, "b 3 h w"],
    weight: Float[Tensor, "h w"] | None = None,
) -> Scalar:
    """Mean squared difference of pixels.

    Args:
        weight: what each pixel counts; none for 1 everywhere.
    """
    return _mean((image - target).square(), weight)
