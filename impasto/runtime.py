"""What the machine offers: device, number type, memory, allocator, seed.

Nothing here knows pictures or networks; everything above may call it.
"""

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
]

# From the fastest to the one that is always there.
_DEVICES: dict[str, Callable[[], bool]] = {
    "cuda": torch.cuda.is_available,
    "xpu": torch.xpu.is_available,
    "mps": torch.backends.mps.is_available,
    "cpu": lambda: True,
}

# Where PyTorch decomposes matrices itself. XPU and MPS hand it to the processor, refuse, or do so
# only in the newest versions.
_DECOMPOSING = {"cuda", "cpu"}

# glibc's <malloc.h>: parameter numbers of mallopt(3), and their values where nobody set them.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_MMAP_MAX = -4
_MMAP_MAX = 65_536
_NEVER = 2**31 - 1

LARGEST_KEPT = 32 * 2**20
"""The most that `keep_freed_memory` takes for `below`, in bytes: glibc's own bound (mallopt(3))."""


def keep_freed_memory(below: int | None = None) -> bool:
    """Ask glibc to keep big buffers instead of returning them to the kernel at every free.

    Each step of an optimiser frees and takes the same feature maps again; by default glibc hands
    them back and the kernel clears every page anew. Keeping them made a training step 1.9 times
    faster on two cores (see LOG.md). The setting lasts for the process, until the next call, and
    has an effect only on allocations made later.

    Args:
        below: keep buffers smaller than so many bytes, at most `LARGEST_KEPT`, and return larger
            ones at once: for a run in tiles, whose tiles are small and whose few whole pictures
            would leave holes behind. None keeps all, and the process keeps its peak memory.

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
        wanted = {_M_MMAP_MAX: 0, _M_TRIM_THRESHOLD: _NEVER}
    else:
        wanted = {
            _M_MMAP_MAX: _MMAP_MAX,
            _M_MMAP_THRESHOLD: below,
            _M_TRIM_THRESHOLD: _NEVER,
        }
    libc.malloc_trim(0)  # what was kept until now
    return all(libc.mallopt(which, value) for which, value in wanted.items())


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
    """The device called `name`; `auto` prefers CUDA, then XPU, then MPS, then the processor.

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
    """The number type called `name`; `auto` takes bfloat16 where the device computes in it.

    On MPS that depends on the chip and the version of macOS, and gained no speed where it was
    tried, so `auto` stays with float32 there.
    """
    if name == "auto":
        return torch.bfloat16 if _computes_bfloat16(device) else torch.float32
    return torch.float32 if name == "float32" else torch.bfloat16


def _computes_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "xpu" or (device.type == "cpu" and has_native_bfloat16())


def eigh(matrix: Float[Tensor, "*b c c"]) -> tuple[Float[Tensor, "*b c"], Float[Tensor, "*b c c"]]:
    """`torch.linalg.eigh` on every device: by way of the processor where it cannot be done there.

    Returns:
        Eigenvalues, from the least, and eigenvectors as columns, in the matrix's own number type
        and on its device.
    """
    there = matrix if matrix.device.type in _DECOMPOSING else matrix.cpu()
    values, vectors = torch.linalg.eigh(there)
    return values.to(matrix.device), vectors.to(matrix.device)


def memory_of(device: torch.device) -> int:
    """Bytes that a run could take on a device now without pushing anything else out.

    On the processor: what is free or holds only copies of files, less what the system and the
    limits of its control groups (containers, batch systems) keep back. On an accelerator: what
    is free there, with what PyTorch holds and does not use.
    """
    if device.type in ("cuda", "xpu"):
        module = torch.cuda if device.type == "cuda" else torch.xpu
        free, _ = module.mem_get_info(device)
        return int(free + module.memory_reserved(device) - module.memory_allocated(device))
    system = _system_memory()
    if device.type == "mps":  # its memory is the system's, and Metal advises how much of it
        advised = torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()
        return max(0, min(system, advised))
    return system


def _system_memory() -> int:
    import psutil  # only here and below: most commands never ask

    return max(0, min([int(psutil.virtual_memory().available), *_left_in_groups()]))


# Of a control group: its limit, what it uses, and how its statistics call cached files. The second
# version's groups are in one tree, the first's have one for memory alone (kernel: cgroup-v2.rst,
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
    """Bytes left in every control group that this process is in and that has a limit."""
    found = []
    for line in _words(root / "proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        is_unified = number == "0" and not controllers
        if not is_unified and "memory" not in controllers.split(","):
            continue
        mounts, limits, used, cached = _GROUPS["unified" if is_unified else "memory"]
        # In a container the path may be one of the host, of which only the end or nothing is
        # mounted; a group's limit holds for those inside it.
        inside = Path(path.lstrip("/"))
        for mount in mounts:
            for folder in (root / mount / part for part in (inside, *inside.parents)):
                left = _left(folder, limits, used, cached)
                found += [] if left is None else [left]
    return found


def _left(folder: Path, limits: tuple[str, ...], used: str, cached: str) -> int | None:
    bounds = [int(text) for name in limits if (text := _words(folder / name).strip()).isdecimal()]
    taken = _words(folder / used).strip()
    if not bounds or not taken.isdecimal():
        return None
    statistics = _words(folder / "memory.stat")
    files = sum(int(number) for number in re.findall(cached, statistics, re.MULTILINE))
    return min(bounds) - int(taken) + files


def _words(path: Path) -> str:
    try:
        return path.read_text("ascii", errors="replace")
    except OSError:
        return ""


def peak_memory() -> int:
    """The most bytes of physical memory that this process has held at once; 0 if nobody knows."""
    # Not getrusage on Linux, where a process that was started by another begins at that one's peak.
    if found := re.search(r"^VmHWM:\s+(\d+) kB$", _words(Path("/proc/self/status")), re.MULTILINE):
        return int(found[1]) * 1024
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def generator(seed: int) -> torch.Generator:
    """A random generator of its own, so that a run neither reads nor moves PyTorch's global one."""
    return torch.Generator().manual_seed(seed)
