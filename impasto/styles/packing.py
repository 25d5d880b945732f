"""Moments in half precision, as files of styles store them.

Of the second moment the symmetric root is stored: its square remains a matrix of moments (positive
semi-definite), and rounded moments would not.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.losses.moments import Moments
from impasto.losses.statistics import matrix_root

__all__ = ["floats", "pack", "unpack"]

_MOST_CHANNELS = 4096  # VGG-19 has 512, and a matrix of 512 × 512


def pack(key: str, moments: Moments) -> dict[str, Tensor]:
    """Return two tensors for a layer's moments, `KEY.mean` and `KEY.root`."""
    root = matrix_root(moments.second)[0]
    peak = root.abs().max().clamp(min=1e-12)
    rows, columns = _triangle(len(root))
    return {
        f"{key}.mean": torch.cat([peak[None], moments.mean[0].cpu()]),
        f"{key}.root": (root / peak)[rows, columns].half().cpu(),
    }


def unpack(tensors: Mapping[str, Tensor], key: str) -> Moments:
    """Return the moments that `pack` packed.

    Raises:
        ValueError: they are missing, do not fit each other, or are not finite.
    """
    mean, packed = floats(tensors, f"{key}.mean"), floats(tensors, f"{key}.root")
    if mean.dim() != 1 or len(mean) < 2:
        raise ValueError("a mean is missing")
    peak, mean = mean[0], mean[1:]
    size = len(mean)
    # Before the indices are made, which take sixteen times the memory of the file.
    if size > _MOST_CHANNELS or packed.shape != (size * (size + 1) // 2,):
        raise ValueError("a matrix does not fit its mean")
    second = _square(packed * peak, size)
    if not (second.isfinite().all() and mean.isfinite().all()):
        raise ValueError("it holds values that are not finite")
    return Moments(mean[None], second[None])


def floats(tensors: Mapping[str, Tensor], key: str) -> Tensor:
    """Return a tensor of floating point, in float32.

    Raises:
        ValueError: it is missing or of another type.
    """
    if key not in tensors:
        raise ValueError(f"{key!r} is missing")
    if tensors[key].dtype not in (torch.float16, torch.float32):
        raise ValueError(f"{key!r} is of type {tensors[key].dtype}")
    return tensors[key].float()


def _square(packed: Float[Tensor, " t"], size: int) -> Float[Tensor, "c c"]:
    rows, columns = _triangle(size)
    root = torch.zeros(size, size)
    root[rows, columns] = packed
    root[columns, rows] = packed
    return root @ root


def _triangle(size: int) -> tuple[Tensor, Tensor]:
    rows, columns = torch.triu_indices(size, size)
    return rows, columns
