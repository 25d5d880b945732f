"""What the machine offers: device, number type, allocator, seed.

Nothing here knows pictures or networks; everything above may call it.
"""

from __future__ import annotations

import ctypes
import functools
import platform
import sys
from collections.abc import Callable

import torch

from impasto.errors import OptionError

__all__ = ["generator", "has_native_bfloat16", "keep_freed_memory", "pick_device", "pick_precision"]

# From the fastest to the one that is always there.
_DEVICES: dict[str, Callable[[], bool]] = {
    "cuda": torch.cuda.is_available,
    "xpu": torch.xpu.is_available,
    "cpu": lambda: True,
}

# glibc's <malloc.h>: parameter numbers of mallopt(3).
_M_TRIM_THRESHOLD = -1
_M_MMAP_MAX = -4


@functools.cache
def keep_freed_memory() -> bool:
    """Ask glibc to keep big buffers instead of returning them to the kernel at every free.

    Each step of an optimiser frees and takes the same feature maps again; by default glibc hands
    them back and the kernel clears every page anew. Keeping them made a training step 1.9 times
    faster on two cores (see LOG.md). The setting lasts for the process, and the process keeps its
    peak memory until it ends.

    Returns:
        Whether the platform has the setting. It has an effect only on allocations made later.
    """
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    never = 2**31 - 1
    return bool(libc.mallopt(_M_MMAP_MAX, 0)) and bool(libc.mallopt(_M_TRIM_THRESHOLD, never))


@functools.cache
def has_native_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 in hardware (AVX512_BF16 or AMX).

    Elsewhere PyTorch emulates it, which can be a thousand times slower than float32.
    """
    if platform.machine() not in {"x86_64", "AMD64"}:
        return False
    # Private, but the same name since 2.6; the public `torch.cpu.get_capabilities` came after 2.8.
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def pick_device(name: str = "auto") -> torch.device:
    """The device called `name`; `auto` prefers CUDA, then XPU, then the processor.

    Raises:
        OptionError: a device that this machine, or this build of PyTorch, does not have.
    """
    there = [kind for kind, found in _DEVICES.items() if found()]
    if name == "auto":
        return torch.device(there[0])
    if name not in there:
        raise OptionError(
            f"--device is {name!r}, which this machine, or its PyTorch, does not have. "
            f"It has {', '.join(there)}."
        )
    return torch.device(name)


def pick_precision(name: str, device: torch.device) -> torch.dtype:
    """The number type called `name`; `auto` takes bfloat16 where the device computes in it."""
    if name == "auto":
        return torch.bfloat16 if _computes_bfloat16(device) else torch.float32
    return torch.float32 if name == "float32" else torch.bfloat16


def _computes_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "xpu" or has_native_bfloat16()


def generator(seed: int) -> torch.Generator:
    """A random generator of its own, so that a run neither reads nor moves PyTorch's global one."""
    return torch.Generator().manual_seed(seed)
