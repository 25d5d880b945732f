"""What a picture is of, apart from its background: found without a trained network.

Saliency says where (X. Hou and L. Zhang, "Saliency detection: a spectral residual approach", CVPR
2007), weighted towards the middle; GrabCut says how far (C. Rother, V. Kolmogorov and A. Blake,
"GrabCut", SIGGRAPH 2004); and a guided filter brings the edge to the picture's own pixels (K. He,
J. Sun and X. Tang, "Guided image filtering", ECCV 2010).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from impasto.sketch.drawing import luma
from impasto.sketch.libraries import load_cv2

__all__ = ["Mark", "foreground_of", "grab_cut", "saliency"]

# A place in the picture, in shares of its width and height, and whether it is foreground.
Mark = tuple[float, float, bool]

# Long side in pixels at which the foreground is found, and saliency is looked for.
_LOOK, _SALIENT = 384, 64

# Shares of the picture: probable foreground, probable background, its sure border.
_PROBABLE, _IMPROBABLE, _BORDER = 0.2, 0.4, 0.02
_ITERATIONS = 4
_LEAST = 0.01  # of the picture, of a piece of the foreground

# A foreground that is smaller or larger than this is none: saliency alone says better.
_PLAUSIBLE = (0.02, 0.92)

_MARK = 0.04  # radius of what a mark is sure of, in shares of the long side


def foreground_of(pixels: np.ndarray, marks: Sequence[Mark] = ()) -> np.ndarray:
    """Return where the foreground is; never fails, and is never empty nor all of the picture.

    Args:
        pixels: sRGB (h, w, 3) in [0, 1].
        marks: places that are known.

    Returns:
        Booleans (h, w).
    """
    cv2 = load_cv2()
    height, width = pixels.shape[:2]
    factor = min(1.0, _LOOK / max(height, width))
    size = max(2, round(width * factor)), max(2, round(height * factor))
    small = cv2.resize(pixels.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    salient = saliency(small)
    found = _tidied(grab_cut(small, salient, marks))
    if not _PLAUSIBLE[0] <= found.mean() <= _PLAUSIBLE[1]:
        found = _tidied(salient >= np.quantile(salient, 1 - _PROBABLE))
    found = _marked(found, marks)
    if found.all() or not found.any():  # of one colour: then the middle is what it is of
        found = _middle(found.shape) >= np.quantile(_middle(found.shape), 0.6)
    return _upsampled(found, pixels)


def saliency(pixels: np.ndarray) -> np.ndarray:
    """Return how much each pixel stands out, times how near it is to the middle; from 0 to 1.

    The spectral residual of the lightness, and the distance of its colour from the border's: that
    is where backgrounds are (a departure from Hou and Zhang, who look at lightness alone).
    """
    cv2 = load_cv2()
    height, width = pixels.shape[:2]
    factor = _SALIENT / max(height, width)
    size = max(8, round(width * factor)), max(8, round(height * factor))
    small = cv2.resize(pixels.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    residual = _scaled(_spectral_residual(luma(small)))
    contrast = _scaled(_from_border(cv2.cvtColor(small, cv2.COLOR_RGB2Lab)))
    both = (residual + contrast) * _middle(residual.shape)
    large: np.ndarray = cv2.resize(both.astype(np.float32), (width, height))
    return _scaled(large)


def _spectral_residual(light: np.ndarray) -> np.ndarray:
    cv2 = load_cv2()
    spectrum = np.fft.fft2(light)
    log = np.log(np.abs(spectrum) + 1e-8).astype(np.float32)
    residual = log - cv2.blur(log, (3, 3))
    map = np.abs(np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))) ** 2
    blurred: np.ndarray = cv2.GaussianBlur(map.astype(np.float32), (0, 0), 2.5)
    return blurred


def _from_border(lab: np.ndarray) -> np.ndarray:
    """Return each pixel's distance from the nearest of the border's main colours."""
    edge = max(1, round(0.06 * max(lab.shape)))
    inside = np.zeros(lab.shape[:2], bool)
    inside[edge:-edge, edge:-edge] = True
    border = lab[~inside]
    order = border[np.argsort(border[:, 0], kind="stable")]
    colours = np.stack([part.mean(0) for part in np.array_split(order, 6)])
    nearest: np.ndarray = np.linalg.norm(lab[:, :, None] - colours, axis=-1).min(-1)
    return nearest


def _middle(shape: tuple[int, ...]) -> np.ndarray:
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    near: np.ndarray = np.exp(-(x * x + y * y) / (2 * 0.55**2))
    return near.astype(np.float32)


def _scaled(values: np.ndarray) -> np.ndarray:
    low, high = float(values.min()), float(np.quantile(values, 0.995))
    scaled: np.ndarray = np.clip((values - low) / max(high - low, 1e-6), 0, 1)
    return scaled


def grab_cut(pixels: np.ndarray, salient: np.ndarray, marks: Sequence[Mark] = ()) -> np.ndarray:
    """Return where GrabCut finds the foreground, from what is salient; empty where it cannot."""
    cv2 = load_cv2()
    ranks = np.full(salient.shape, cv2.GC_PR_BGD, np.uint8)
    ranks[salient >= np.quantile(salient, 1 - _PROBABLE)] = cv2.GC_PR_FGD
    ranks[salient < np.quantile(salient, _IMPROBABLE)] = cv2.GC_PR_BGD
    edge = max(1, round(_BORDER * max(salient.shape)))
    border = np.ones(salient.shape, bool)
    border[edge:-edge, edge:-edge] = False
    ranks[border] = cv2.GC_BGD
    for spot, is_foreground in _spots(salient.shape, marks):
        ranks[spot] = cv2.GC_FGD if is_foreground else cv2.GC_BGD
    is_fore = (ranks == cv2.GC_FGD) | (ranks == cv2.GC_PR_FGD)
    if is_fore.sum() < 16 or (~is_fore).sum() < 16:  # OpenCV throws where a class is empty
        return np.zeros(salient.shape, bool)
    image = (pixels * 255).round().astype(np.uint8)
    models = np.zeros((2, 1, 65))
    cv2.setRNGSeed(0)
    try:
        cv2.grabCut(image, ranks, None, models[0], models[1], _ITERATIONS, cv2.GC_INIT_WITH_MASK)
    except cv2.error:
        return np.zeros(salient.shape, bool)
    found: np.ndarray = (ranks == cv2.GC_FGD) | (ranks == cv2.GC_PR_FGD)
    return found


def _spots(shape: tuple[int, ...], marks: Sequence[Mark]) -> list[tuple[np.ndarray, bool]]:
    height, width = shape[:2]
    y, x = np.mgrid[:height, :width]
    radius = _MARK * max(height, width)
    return [
        (np.hypot(x - mx * width, y - my * height) <= radius, is_foreground)
        for mx, my, is_foreground in marks
    ]


def _marked(found: np.ndarray, marks: Sequence[Mark]) -> np.ndarray:
    """Return the foreground with what a person said of it."""
    found = found.copy()
    for spot, is_foreground in _spots(found.shape, marks):
        found[spot] = is_foreground
    return found


def _tidied(found: np.ndarray) -> np.ndarray:
    """Return the foreground without crumbs, and without holes."""
    cv2 = load_cv2()
    least = _LEAST * found.size
    for inverted in (False, True):
        side = (found != inverted).astype(np.uint8)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(side, connectivity=4)
        small = stats[:, cv2.CC_STAT_AREA] < least
        if inverted:  # a hole is a piece of the background that does not reach the border
            edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
            small |= ~np.isin(np.arange(count), edge)
        small[0] = False
        found = found ^ small[labels]
    return found


def _upsampled(found: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Return the foreground at the picture's size, its edge where the picture has one."""
    cv2 = load_cv2()
    height, width = pixels.shape[:2]
    if found.shape == (height, width):
        return found
    mask = cv2.resize(found.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    guide = luma(pixels).astype(np.float32)
    reach = 2 * round(1.5 * width / found.shape[1]) + 1

    def mean(values: np.ndarray) -> np.ndarray:
        blurred: np.ndarray = cv2.boxFilter(values, -1, (reach, reach))
        return blurred

    variance = mean(guide * guide) - mean(guide) ** 2
    slope = (mean(guide * mask) - mean(guide) * mean(mask)) / (variance + 1e-4)
    offset = mean(mask) - slope * mean(guide)
    return np.asarray(mean(slope) * guide + mean(offset) > 0.5)
