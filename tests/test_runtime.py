"""The machine: devices, allocator, seeds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from impasto import runtime
from impasto.errors import OptionError
from impasto.runtime import generator, has_native_bfloat16, keep_freed_memory, pick_device


def test_a_device_that_is_there_is_taken() -> None:
    assert pick_device("cpu") == torch.device("cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_device_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(OptionError, match=r"'cuda', which this machine.*cpu"):
        pick_device("cuda")


def test_the_automatic_device_works() -> None:
    device = pick_device()
    assert (torch.ones(2, device=device) + 1).sum().item() == 4
    if torch.cuda.is_available():
        assert device.type == "cuda"


def test_a_generator_neither_reads_nor_moves_the_global_one() -> None:
    before = torch.get_rng_state()
    first = torch.rand(5, generator=generator(3))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(99)
    assert torch.equal(first, torch.rand(5, generator=generator(3)))
    assert not torch.equal(first, torch.rand(5, generator=generator(4)))


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="Linux tells what a processor has")
def test_native_bfloat16_is_what_the_processor_says() -> None:
    flags = set(Path("/proc/cpuinfo").read_text("ascii", errors="replace").split())
    assert has_native_bfloat16() == bool(flags & {"avx512_bf16", "amx_tile"})


# In a process of its own: the setting lasts for the process. Page faults are the kernel's clearing
# of pages that the allocator gave back and took anew. 36 MB are more than glibc ever learns to keep
# by itself (32 MB); the first rounds let its heap find its size.
_FAULTS = """
import resource, sys, torch
from impasto.runtime import keep_freed_memory
if sys.argv[1] == "keep" and not keep_freed_memory():
    print("unknown"); sys.exit()
def work():
    torch.ones(9_000_000)
for _ in range(20):
    work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="page faults are not told there")
def test_kept_memory_is_not_cleared_again() -> None:
    root = Path(runtime.__file__).parents[1]

    def faults(mode: str) -> str:
        call = [sys.executable, "-c", _FAULTS, mode]
        return subprocess.run(call, capture_output=True, text=True, check=True, cwd=root).stdout

    kept = faults("keep").strip()
    if kept == "unknown":
        assert not keep_freed_memory()
        pytest.skip("this platform's allocator has no such setting")
    assert int(kept) < 0.1 * int(faults("default"))
