"""Optical flow between two frames of a film, and where it can be trusted.

The flow leads from a pixel of the current frame to where the previous one shows the same, by dense
inverse search (Kroeger et al., ECCV 2016). It is found both ways: where forth and back do not lead
home, at the borders of what moves apart, and outside the frame, it is not trusted (Ruder et al.,
"Artistic style transfer for videos", 2016, section 4.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32
from torch import Tensor
from torch.nn import functional as F

from impasto.film.libraries import load_cv2
from impasto.film.search import Bytes, Field, both_ways, in_bytes, moved, size_for

__all__ = [
    "Flow",
    "Sampling",
    "both_flows",
    "composed",
    "flow_between",
    "sample",
    "still",
    "visible",
    "warp",
]

Pixels = Float[Tensor, "1 3 h w"]
Offsets = Float[Tensor, "1 2 h w"]
Map = Float32[np.ndarray, "h w"]
Sampling = Literal["bilinear", "bicubic", "nearest"]

_SIDE = 640  # the long side at which the flow is found: finer costs more than it tells

# How far colours may differ, in values of [0, 1], where the flow is right: full and no confidence.
_SAME, _OTHER = 0.08, 0.20
_STILL = 1 / 64  # in pixels
_GROWTH = 1.5  # standard deviation, in pixels of the flow's grid, by which the mask is softened


@dataclass(frozen=True)
class Flow:
    """Where the pixels of the current frame were in the previous one.

    Attributes:
        pixels: offsets from the current frame to the previous, in pixels: x, then y.
        confidence: how far the flow is trusted, in [0, 1], on the *current* frame's grid.
    """

    pixels: Offsets
    confidence: Float[Tensor, "1 1 h w"]


def still(frame: Float[Tensor, "1 c h w"]) -> Flow:
    """Return the flow of a picture that does not move, which is trusted everywhere."""
    height, width = frame.shape[-2:]
    return Flow(frame.new_zeros(1, 2, height, width), frame.new_ones(1, 1, height, width))


def flow_between(
    current: Pixels, previous: Pixels, guess: Flow | None = None, side: int = _SIDE
) -> Flow:
    """Find the flow from the current frame to the previous one.

    It is found at a long side of at most `side` pixels and enlarged to the frames' size.

    Args:
        current, previous: frames of one size, in [0, 1].
        guess: the flow of the step before, from which the search starts.
        side: the long side at which it is found.

    Returns:
        The flow on the CPU, whatever the frames' device.

    Raises:
        OptionError: OpenCV is not installed.
    """
    height, width = current.shape[-2:]
    size = size_for(height, width, side)
    now, before = (in_bytes(frame, size) for frame in (current, previous))
    if np.array_equal(now, before):  # what a film holds, or shows twice
        return still(current.cpu())
    start = None if guess is None else _field(_resized(guess.pixels, size))
    forth, back = both_ways(now, before, start)
    confidence = _confidence(forth, back, now, before)
    enlarged = F.interpolate(
        torch.from_numpy(confidence)[None, None], (height, width), mode="bilinear"
    )
    return Flow(_resized(_offsets(forth), (height, width)), enlarged.clamp(0, 1))


def both_flows(first: Pixels, second: Pixels, side: int = _SIDE) -> tuple[Offsets, Offsets]:
    """Find the flow from the first frame to the second, and that back, for `visible`.

    Raises:
        OptionError: OpenCV is not installed.
    """
    height, width = first.shape[-2:]
    size = size_for(height, width, side)
    forth, back = both_ways(*(in_bytes(frame, size) for frame in (first, second)))
    return _resized(_offsets(forth), (height, width)), _resized(_offsets(back), (height, width))


def warp(
    picture: Float[Tensor, "1 c h w"], flow: Flow | Offsets, sampling: Sampling = "bilinear"
) -> Float[Tensor, "1 c h w"]:
    """Draw what the previous frame shows, a picture or any map of it, on the current frame's grid.

    Differentiable in the picture. What lies outside is taken from the nearest border. What moves by
    less than a 64th of a pixel stays as it is: drawn over and over, it neither blurs nor drifts.

    Args:
        picture: of the previous frame, of the flow's size.
        flow: from the current frame to the previous; only its offsets count.
        sampling: "nearest" for labels; "bicubic" blurs least where warping is repeated, and may
            leave the range of the picture's values.
    """
    offsets = flow.pixels if isinstance(flow, Flow) else flow
    offsets = offsets.to(picture.device)
    stays = (offsets.abs() < _STILL).all(1, keepdim=True)
    return torch.where(stays, picture, sample(picture, _grid(offsets) + offsets, sampling))


def sample(
    picture: Float[Tensor, "1 c H W"],
    places: Float[Tensor, "1 2 h w"],
    sampling: Sampling = "bilinear",
) -> Float[Tensor, "1 c h w"]:
    """Draw a picture at places in it, given in pixels from the centre of its first: x, then y."""
    height, width = picture.shape[-2:]
    size = places.new_tensor([width, height]).view(1, 2, 1, 1)
    grid = ((2 * places + 1) / size - 1).permute(0, 2, 3, 1)
    grid = grid.to(picture.device, picture.dtype)
    return F.grid_sample(picture, grid, sampling, "border", align_corners=False)


def composed(recent: Flow, earlier: Flow) -> Flow:
    """Follow a flow by the one before it, to reach back over both steps.

    Args:
        recent: from the current frame to the previous one.
        earlier: from the previous frame to one before it.
    """
    offsets = recent.pixels + warp(earlier.pixels, recent)
    return Flow(offsets, recent.confidence * warp(earlier.confidence, recent))


def visible(forth: Offsets, back: Offsets) -> Bool[Tensor, "1 1 h w"]:
    """Return where a flow leads to what is seen in both frames, on its own grid.

    No pixel may lie outside, be occluded (forth and back do not lead home) or stand on a border of
    what moves apart (Ruder et al. 2016, equations 5 and 6).

    Args:
        forth: from this frame to the other.
        back: from the other frame to this one, on the other's grid.
    """
    return torch.from_numpy(_visible(_field(forth), _field(back)))[None, None]


def _confidence(forth: Field, back: Field, now: Bytes, before: Bytes) -> Map:
    """Return how far `forth` is trusted, softened so that what is not trusted grows outwards."""
    cv2 = load_cv2()
    seen = cv2.medianBlur(_visible(forth, back).astype(np.uint8), 5)  # without specks, which grow
    trusted = seen * _alike(now, before, forth)
    radius = 2 * round(2 * _GROWTH) + 1
    worst = cv2.erode(trusted, np.ones((radius, radius), np.uint8))
    # A blur of the eroded mask reaches as far as the erosion did: it never exceeds the mask itself.
    soft = cv2.GaussianBlur(worst, (radius, radius), _GROWTH, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(np.minimum(soft, trusted), np.float32)


def _alike(now: Bytes, before: Bytes, forth: Field) -> Map:
    """Return how alike both frames are along the flow, in [0, 1].

    A departure from Ruder et al.: dense inverse search errs more than their DeepFlow, in both
    directions alike where something small moves fast; and what changes its colour, as in a flash,
    is to be painted anew.
    """
    cv2 = load_cv2()
    off = cv2.blur(cv2.absdiff(now, moved(before, forth)), (5, 5)).max(2).astype(np.float32) / 255
    alike: Map = np.clip((_OTHER - off) / (_OTHER - _SAME), 0, 1)
    return alike


def _visible(forth: Field, back: Field) -> Bool[np.ndarray, "h w"]:
    height, width = forth.shape[:2]
    x, y = np.arange(width) + forth[..., 0], np.arange(height)[:, None] + forth[..., 1]
    inside = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    returned = moved(back, forth)
    length = (forth**2).sum(2) + (returned**2).sum(2)
    occluded = ((forth + returned) ** 2).sum(2) >= 0.01 * length + 0.5
    steep = sum((np.gradient(forth[..., i], axis=j) ** 2) for i in (0, 1) for j in (0, 1))
    # Ruder et al. have 0.002. Dense inverse search leaves gentle slopes in flat places, where that
    # would have a wall painted anew in every frame.
    boundary = steep > 0.01 * (forth**2).sum(2) + 0.02
    seen: Bool[np.ndarray, "h w"] = inside & ~occluded & ~boundary
    return seen


def _resized(offsets: Float[Tensor, "1 2 H W"], size: tuple[int, int]) -> Offsets:
    """Return offsets for pictures of another size."""
    height, width = offsets.shape[-2:]
    if (height, width) == size:
        return offsets
    factors = offsets.new_tensor([size[1] / width, size[0] / height]).view(1, 2, 1, 1)
    return F.interpolate(offsets, size, mode="bilinear") * factors


def _field(offsets: Offsets) -> Field:
    return np.ascontiguousarray(offsets[0].permute(1, 2, 0).float().cpu().numpy())


def _offsets(field: Field) -> Offsets:
    return torch.from_numpy(field).permute(2, 0, 1)[None].contiguous()


def _grid(offsets: Offsets) -> Offsets:
    height, width = offsets.shape[-2:]
    rows, columns = torch.meshgrid(
        torch.arange(height, dtype=offsets.dtype, device=offsets.device),
        torch.arange(width, dtype=offsets.dtype, device=offsets.device),
        indexing="ij",
    )
    return torch.stack([columns, rows])[None]
