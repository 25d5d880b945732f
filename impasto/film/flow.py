"""Optical flow between two frames of a film, and where it can be trusted.

The flow leads from a pixel of the current frame to where the previous one shows the same, by dense
inverse search (Kroeger et al., ECCV 2016). It is found both ways: where forth and back do not lead
home, at the borders of what moves apart, and outside the frame, it is not trusted (Ruder et al.,
"Artistic style transfer for videos", 2016, section 4.2).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, UInt8
from torch import Tensor
from torch.nn import functional as F

from impasto.film.libraries import load_cv2

__all__ = ["Flow", "Sampling", "composed", "flow_between", "sample", "still", "visible", "warp"]

Pixels = Float[Tensor, "1 3 h w"]
Offsets = Float[Tensor, "1 2 h w"]
Sampling = Literal["bilinear", "bicubic", "nearest"]

_SIDE = 640  # the long side at which the flow is found: finer costs more than it tells
_LEAST = 32  # the short side below which dense inverse search has no pyramid

# How far colours may differ, in values of [0, 1], where the flow is right: full and no confidence.
_SAME, _OTHER = 0.08, 0.20
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
        ValueError: the frames differ in size.
        OptionError: OpenCV is not installed.
    """
    if current.shape != previous.shape:
        raise ValueError(f"frames of {tuple(current.shape)} and {tuple(previous.shape)}")
    if torch.equal(current, previous):  # what a film holds, or shows twice
        return still(current.cpu())
    size = _flow_size(*current.shape[-2:], side)
    now, before = (_reduced(frame, size) for frame in (current, previous))
    start = None if guess is None else _field(_resized(guess.pixels, size))
    forth, back = _search(now, before, start)
    confidence = _confidence(forth, back, now, before)
    height, width = current.shape[-2:]
    enlarged = F.interpolate(
        torch.from_numpy(confidence)[None, None], (height, width), mode="bilinear"
    )
    return Flow(_resized(_offsets(forth), (height, width)), enlarged.clamp(0, 1))


def warp(
    picture: Float[Tensor, "1 c h w"], flow: Flow | Offsets, sampling: Sampling = "bilinear"
) -> Float[Tensor, "1 c h w"]:
    """Draw what the previous frame shows, a picture or any map of it, on the current frame's grid.

    Differentiable in the picture. What lies outside is taken from the nearest border.

    Args:
        picture: of the previous frame.
        flow: from the current frame to the previous; only its offsets count.
        sampling: "nearest" for labels; "bicubic" blurs least where warping is repeated, and may
            leave the range of the picture's values.
    """
    offsets = flow.pixels if isinstance(flow, Flow) else flow
    return sample(picture, _grid(offsets) + offsets, sampling)


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


Field = Float32[np.ndarray, "h w 2"]
Grey = UInt8[np.ndarray, "h w"]
Map = Float32[np.ndarray, "h w"]
_Calc = Callable[[Any, Any, Any], Any]


def _search(
    now: UInt8[np.ndarray, "h w 3"], before: UInt8[np.ndarray, "h w 3"], guess: Field | None
) -> tuple[Field, Field]:
    """Return the flow from now to before, and that back, each on its own grid."""
    cv2 = load_cv2()
    # The search shares a picture out among threads, and its result depends on how many: one alone
    # finds the same flow on every machine. The two ways run beside each other instead.
    cv2.setNumThreads(1)
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (now, before)]
    starts = (None, None) if guess is None else (guess.copy(), -guess)
    pairs = ((grey[0], grey[1], starts[0]), (grey[1], grey[0], starts[1]))
    with ThreadPoolExecutor(2) as pool:
        forth, back = pool.map(_one_way, *zip(*pairs, strict=True))
    return forth, back


def _one_way(first: Grey, second: Grey, guess: Field | None) -> Field:
    cv2 = load_cv2()
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    found: Field = search.calc(first, second, guess)
    return found


def _confidence(
    forth: Field, back: Field, now: UInt8[np.ndarray, "h w 3"], before: UInt8[np.ndarray, "h w 3"]
) -> Map:
    """Return how far `forth` is trusted, softened so that what is not trusted grows outwards."""
    cv2 = load_cv2()
    trusted = _visible(forth, back).astype(np.float32) * _alike(now, before, forth)
    radius = 2 * round(2 * _GROWTH) + 1
    worst = cv2.erode(trusted, np.ones((radius, radius), np.uint8))
    # A blur of the eroded mask reaches as far as the erosion did: it never exceeds the mask itself.
    soft = cv2.GaussianBlur(worst, (radius, radius), _GROWTH, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(np.minimum(soft, trusted), np.float32)


def _alike(
    now: UInt8[np.ndarray, "h w 3"], before: UInt8[np.ndarray, "h w 3"], forth: Field
) -> Map:
    """Return how alike both frames are along the flow, in [0, 1].

    A departure from Ruder et al.: dense inverse search errs more than their DeepFlow, in both
    directions alike where something small moves fast; and what changes its colour, as in a flash,
    is to be painted anew.
    """
    cv2 = load_cv2()
    moved = _remapped(before, forth)
    off = cv2.blur(cv2.absdiff(now, moved), (5, 5)).max(2).astype(np.float32) / 255
    alike: Map = np.clip((_OTHER - off) / (_OTHER - _SAME), 0, 1)
    return alike


def _visible(forth: Field, back: Field) -> Bool[np.ndarray, "h w"]:
    height, width = forth.shape[:2]
    x, y = np.arange(width) + forth[..., 0], np.arange(height)[:, None] + forth[..., 1]
    inside = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    returned = _remapped(back, forth)
    length = (forth**2).sum(2) + (returned**2).sum(2)
    occluded = ((forth + returned) ** 2).sum(2) >= 0.01 * length + 0.5
    # Of the flow that is compared with the boundary, as in the authors' code.
    steep = sum((np.gradient(forth[..., i], axis=j) ** 2) for i in (0, 1) for j in (0, 1))
    boundary = steep > 0.01 * (forth**2).sum(2) + 0.002
    seen: Bool[np.ndarray, "h w"] = inside & ~occluded & ~boundary
    return seen


def _remapped(picture: Any, forth: Field) -> Any:
    cv2 = load_cv2()
    height, width = forth.shape[:2]
    x = np.arange(width, dtype=np.float32) + forth[..., 0]
    y = np.arange(height, dtype=np.float32)[:, None] + forth[..., 1]
    return cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _flow_size(height: int, width: int, side: int) -> tuple[int, int]:
    """Return the size at which the flow is found: never a side too short for the search."""
    factor = min(1.0, side / max(height, width))
    factor = max(factor, _LEAST / min(height, width))
    return max(_LEAST, round(height * factor)), max(_LEAST, round(width * factor))


def _reduced(frame: Pixels, size: tuple[int, int]) -> UInt8[np.ndarray, "h w 3"]:
    """Return a frame in bytes at a size, reduced by area."""
    cv2 = load_cv2()
    pixels = (frame.detach()[0].clamp(0, 1) * 255).round().to(torch.uint8)
    array = np.ascontiguousarray(pixels.permute(1, 2, 0).cpu().numpy())
    height, width = size
    if array.shape[:2] == size:
        return array
    how = cv2.INTER_AREA if height * width < array.shape[0] * array.shape[1] else cv2.INTER_LINEAR
    reduced: UInt8[np.ndarray, "h w 3"] = cv2.resize(array, (width, height), interpolation=how)
    return reduced


def _resized(offsets: Offsets, size: tuple[int, int]) -> Offsets:
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
