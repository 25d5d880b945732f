"""The machine: device, number type, memory, allocator, seed."""

from __future__ import annotations

import ctypes
import functools
import platform
import re
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.errors import OptionError

__all__ = [
    "LARGEST_KEPT",
    "eigh",
    "generator",
    "has_native_bfloat16",
    "keep_freed_memory",
    "memory_of",
    "peak_memory",
    "pick_device",
    "pick_precision",
    "prefer_device",
]

# From the fastest to the one that always exists.
_DEVICES: dict[str, Callable[[], bool]] = {
    "cuda": torch.cuda.is_available,
    "xpu": torch.xpu.is_available,
    "mps": torch.backends.mps.is_available,
    "cpu": lambda: True,
}

# Where PyTorch decomposes matrices. XPU and MPS leave it to the processor, fail, or can do it only
# in the newest versions.
_DECOMPOSING = {"cuda", "cpu"}

# glibc's <malloc.h>: parameter numbers of mallopt(3), and their default values.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_MMAP_MAX = -4
_MMAP_MAX = 65_536
_NEVER = 2**31 - 1

LARGEST_KEPT = 32 * 2**20
"""The most that `keep_freed_memory` takes for `below`, in bytes: glibc's own bound (mallopt(3))."""


def keep_freed_memory(below: int | None = None) -> bool:
    """Ask glibc to keep big buffers instead of returning them to the kernel at every free.

    Each step of an optimiser frees and allocates the same feature maps; by default glibc returns
    them and the kernel clears all pages again. Keeping them made a training step 1.9 times
    faster on two cores (see LOG.md). The setting holds for the process until the next call, and
    affects only later allocations.

    Args:
        below: keep buffers smaller than this number of bytes, at most `LARGEST_KEPT`, and return
            larger ones at once: for a run in tiles, whose few whole pictures would leave holes.
            None keeps all, and the process keeps its peak memory.

    Returns:
        Whether the platform has the setting.

    Raises:
        OptionError: `below` is not positive, or more than `LARGEST_KEPT`.
    """
    if below is not None and not 0 < below <= LARGEST_KEPT:
        raise OptionError(
            f"Freed buffers cannot be kept below {below:,} bytes: give 1 to {LARGEST_KEPT:,}."
        )
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    if below is None:
        settings = {_M_MMAP_MAX: 0, _M_TRIM_THRESHOLD: _NEVER}
    else:
        settings = {
            _M_MMAP_MAX: _MMAP_MAX,
            _M_MMAP_THRESHOLD: below,
            _M_TRIM_THRESHOLD: _NEVER,
        }
    libc.malloc_trim(0)  # returns what was kept until now
    return all(libc.mallopt(parameter, value) for parameter, value in settings.items())


@functools.cache
def has_native_bfloat16() -> bool:
    """Return whether this processor multiplies bfloat16 in hardware (AVX512_BF16 or AMX).

    Elsewhere PyTorch emulates it, which can be a thousand times slower than float32.
    """
    if platform.machine() not in {"x86_64", "AMD64"}:
        return False
    # Private, but the same name since 2.6; the public `torch.cpu.get_capabilities` came after 2.8.
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


_preferred = "auto"  # what `auto` means in this process


def prefer_device(name: str) -> torch.device:
    """Let `auto` be the device called `name` in this process; return it.

    Raises:
        OptionError: as `pick_device`.
    """
    global _preferred
    device = pick_device(name)
    _preferred = device.type
    return device


def pick_device(name: str = "auto") -> torch.device:
    """Return the device called `name`; `auto` prefers CUDA, then XPU, then MPS, then the processor.

    After `prefer_device` it is the one that was named there.

    Raises:
        OptionError: this machine, or its build of PyTorch, does not have the device.
    """
    available = [kind for kind, is_available in _DEVICES.items() if is_available()]
    if name == "auto":
        return torch.device(available[0] if _preferred == "auto" else _preferred)
    if name not in available:
        raise OptionError(
            f"--device is {name!r}, which this machine, or its PyTorch, does not have. "
            f"It has {', '.join(available)}."
        )
    return torch.device(name)


def pick_precision(name: str, device: torch.device) -> torch.dtype:
    """Return the number type called `name`; `auto` takes bfloat16 if the device computes in it.

    On MPS that depends on the chip and the version of macOS, and was not faster in tests, so `auto`
    takes float32 there.
    """
    if name == "auto":
        return torch.bfloat16 if _computes_bfloat16(device) else torch.float32
    return torch.float32 if name == "float32" else torch.bfloat16


def _computes_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "xpu" or (device.type == "cpu" and has_native_bfloat16())


def eigh(matrix: Float[Tensor, "*b c c"]) -> tuple[Float[Tensor, "*b c"], Float[Tensor, "*b c c"]]:
    """Compute `torch.linalg.eigh` on all devices, if need be on the processor.

    Returns:
        Eigenvalues, from the least, and eigenvectors as columns, in the matrix's number type and on
        its device.
    """
    source = matrix if matrix.device.type in _DECOMPOSING else matrix.cpu()
    values, vectors = torch.linalg.eigh(source)
    return values.to(matrix.device), vectors.to(matrix.device)


def memory_of(device: torch.device) -> int:
    """Return the bytes that a run could allocate on a device now without evicting anything.

    On the processor: memory that is free or caches files, within the limits of its control groups
    (containers, batch systems). On an accelerator: free memory, and what PyTorch has reserved and
    does not use.
    """
    if device.type in ("cuda", "xpu"):
        module = torch.cuda if device.type == "cuda" else torch.xpu
        free, _ = module.mem_get_info(device)
        return int(free + module.memory_reserved(device) - module.memory_allocated(device))
    system = _system_memory()
    if device.type == "mps":  # it shares the system's memory, and Metal recommends a limit
        recommended = torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()
        return max(0, min(system, recommended))
    return system


def _system_memory() -> int:
    import psutil  # only when needed: most commands do not

    return max(0, min([int(psutil.virtual_memory().available), *_left_in_groups()]))


# Of a control group: its limits, its use, and the names of cached files in its statistics. Version
# 2 has one tree of groups, version 1 has one for memory alone (kernel: cgroup-v2.rst,
# cgroup-v1/memory.rst).
_GROUPS = {
    "unified": (
        ("sys/fs/cgroup", "sys/fs/cgroup/unified"),
        ("memory.max", "memory.high"),
        "memory.current",
        r"^(?:in)?active_file (\d+)$",
    ),
    "memory": (
        ("sys/fs/cgroup/memory",),
        ("memory.limit_in_bytes",),
        "memory.usage_in_bytes",
        r"^total_(?:in)?active_file (\d+)$",
    ),
}


def _left_in_groups(root: Path = Path("/")) -> list[int]:
    """Return the bytes left in each control group of this process that has a limit."""
    left = []
    for line in _text(root / "proc/self/cgroup").splitlines():
        number, controllers, path = ([*line.split(":", 2), "", ""])[:3]
        is_unified = number == "0" and not controllers
        if not is_unified and "memory" not in controllers.split(","):
            continue
        mounts, limits, used, cached = _GROUPS["unified" if is_unified else "memory"]
        # In a container the path may be the host's, of which only the end or nothing is mounted; a
        # group's limit also holds for the groups inside it.
        inside = Path(path.lstrip("/"))
        for mount in mounts:
            for folder in (root / mount / part for part in (inside, *inside.parents)):
                left += _left(folder, limits, used, cached)
    return left


def _left(folder: Path, limits: tuple[str, ...], used: str, cached: str) -> list[int]:
    bounds = [int(text) for name in limits if (text := _text(folder / name).strip()).isdecimal()]
    current = _text(folder / used).strip()
    if not bounds or not current.isdecimal():
        return []
    statistics = _text(folder / "memory.stat")
    files = sum(int(number) for number in re.findall(cached, statistics, re.MULTILINE))
    return [min(bounds) - int(current) + files]


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii", errors="replace")
    except OSError:
        return ""


def peak_memory() -> int:
    """Return the most bytes of physical memory that this process has used at once; 0 if unknown."""
    # Not getrusage on Linux, where a new process begins at the peak of the one that started it.
    status = _text(Path("/proc/self/status"))
    if match := re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE):
        return int(match[1]) * 1024
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def generator(seed: int) -> torch.Generator:
    """Return a new random generator: a run does not use PyTorch's global one."""
    return torch.Generator().manual_seed(seed)
