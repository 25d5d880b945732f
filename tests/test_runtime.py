"""The machine: devices, memory, allocator, seeds."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from functools import partial
from pathlib import Path

import pytest
import torch

from impasto import runtime
from impasto.config.methods import GatysConfig
from impasto.errors import OptionError
from impasto.runtime import (
    LARGEST_KEPT,
    eigh,
    generator,
    has_native_bfloat16,
    keep_freed_memory,
    memory_of,
    peak_memory,
    pick_device,
    pick_precision,
)


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


@pytest.mark.parametrize(
    ("there", "expected"),
    [({"mps"}, "mps"), ({"mps", "xpu"}, "xpu"), ({"cuda", "mps", "xpu"}, "cuda"), (set(), "cpu")],
)
def test_the_fastest_device_that_is_there_is_taken(
    there: set[str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("cuda", "xpu", "mps"):
        monkeypatch.setitem(runtime._DEVICES, kind, partial(bool, kind in there))
    assert pick_device().type == expected
    for kind in there:
        assert pick_device(kind).type == kind


def test_every_device_can_be_asked_for_by_an_option() -> None:
    (device,) = (spec for spec in fields(GatysConfig) if spec.name == "device")
    assert set(device.metadata["choices"]) == {"auto", *runtime._DEVICES}


def test_only_a_processor_is_asked_for_what_a_processor_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runtime, "has_native_bfloat16", lambda: True)
    assert pick_precision("auto", torch.device("cpu")) == torch.bfloat16
    assert pick_precision("auto", torch.device("xpu")) == torch.bfloat16
    assert pick_precision("auto", torch.device("mps")) == torch.float32
    monkeypatch.setattr(runtime, "has_native_bfloat16", lambda: False)
    assert pick_precision("auto", torch.device("cpu")) == torch.float32
    for kind in ("cpu", "mps"):
        assert pick_precision("bfloat16", torch.device(kind)) == torch.bfloat16
        assert pick_precision("float32", torch.device(kind)) == torch.float32


@pytest.mark.parametrize("by_way", [False, True])
def test_decompositions_put_the_matrix_together_again(
    by_way: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if by_way:  # as where the device cannot: there and back
        monkeypatch.setattr(runtime, "_DECOMPOSING", set())
    root = torch.randn(2, 5, 5, generator=generator(0), requires_grad=True)
    matrix = root @ root.mT
    values, vectors = eigh(matrix)
    assert (values.diff() >= 0).all()
    torch.testing.assert_close(vectors * values[:, None] @ vectors.mT, matrix)
    assert (values.dtype, values.device) == (matrix.dtype, matrix.device)
    (slope,) = torch.autograd.grad(values.sum(), root)  # their sum is that of the root's squares
    torch.testing.assert_close(slope, 2 * root.detach())


def test_a_generator_neither_reads_nor_moves_the_global_one() -> None:
    before = torch.get_rng_state()
    first = torch.rand(5, generator=generator(3))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(99)
    assert torch.equal(first, torch.rand(5, generator=generator(3)))
    assert not torch.equal(first, torch.rand(5, generator=generator(4)))


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="Linux lists what a processor has")
def test_native_bfloat16_is_what_the_processor_says() -> None:
    flags = set(Path("/proc/cpuinfo").read_text("ascii", errors="replace").split())
    assert has_native_bfloat16() == bool(flags & {"avx512_bf16", "amx_tile"})


# In a process of its own: the setting lasts for the process. Page faults are the kernel's clearing
# of pages that the allocator gave back and retook. 36 MB are more than glibc ever learns to keep
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


_RETURNED = """
import sys, torch
from pathlib import Path
from impasto.runtime import keep_freed_memory
def held():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
small, large = 2_000_000, 25_000_000
keep_freed_memory()
torch.ones(large)
kept = held()
if not keep_freed_memory(32 * 2**20):
    print("unknown"); sys.exit()
print(kept - held())
torch.ones(large)
print(kept - held())
import resource
for _ in range(40):  # finds its places
    torch.ones(small)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    torch.ones(small)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
keep_freed_memory()
torch.ones(large)
print(kept - held())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc elsewhere")
def test_large_buffers_are_returned_and_small_ones_kept() -> None:
    root = Path(runtime.__file__).parents[1]
    call = [sys.executable, "-c", _RETURNED]
    done = subprocess.run(call, capture_output=True, text=True, check=True, cwd=root)
    if done.stdout.strip() == "unknown":
        pytest.skip("this platform's allocator has no such setting")
    switched, large, faults, again = map(int, done.stdout.split())
    assert switched > 80_000_000  # what was kept before is returned
    assert large > 80_000_000  # so is every further large buffer
    assert faults < 100  # of 20 times 2,000 pages
    assert again < 20_000_000  # and all are kept again


@pytest.mark.parametrize("below", [0, -1, LARGEST_KEPT + 1])
def test_the_size_of_kept_buffers_is_bounded(below: int) -> None:
    with pytest.raises(OptionError, match=r"give 1 to 33,554,432"):
        keep_freed_memory(below)


def test_the_processor_has_memory() -> None:
    assert 100_000_000 < memory_of(torch.device("cpu")) < 2**50


def placed(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_a_container_of_the_second_version_limits_memory(tmp_path: Path) -> None:
    group = "sys/fs/cgroup/user/job/"
    root = placed(
        tmp_path,
        {
            "proc/self/cgroup": "0::/user/job\n",
            group + "memory.max": "4000\n",
            group + "memory.high": "max\n",
            group + "memory.current": "3000\n",
            group + "memory.stat": "anon 1\nfile 900\ninactive_file 500\nactive_file 200\n",
            "sys/fs/cgroup/user/memory.max": "max\n",
            "sys/fs/cgroup/user/memory.high": "9000\n",
            "sys/fs/cgroup/user/memory.current": "8500\n",
        },
    )
    assert sorted(runtime._left_in_groups(root)) == [500, 1700]


def test_a_container_of_the_first_version_limits_memory(tmp_path: Path) -> None:
    # As Docker mounts it: the path is the host's, and the group itself is the mount's root.
    group = "sys/fs/cgroup/memory/"
    root = placed(
        tmp_path,
        {
            "proc/self/cgroup": "5:cpu:/docker/1a\n4:hugetlb,memory:/docker/1a\n0::/\n",
            group + "memory.limit_in_bytes": "4000\n",
            group + "memory.usage_in_bytes": "3000\n",
            group + "memory.stat": "active_file 9\ntotal_active_file 100\ntotal_inactive_file 1\n",
        },
    )
    assert runtime._left_in_groups(root) == [1101]


@pytest.mark.parametrize("text", ["", "nonsense", "0::", ":::\n4:memory"])
def test_strange_groups_limit_nothing(text: str, tmp_path: Path) -> None:
    assert runtime._left_in_groups(placed(tmp_path, {"proc/self/cgroup": text})) == []


def test_a_limit_is_the_memory_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_left_in_groups", lambda: [12_345, 2**60])
    assert memory_of(torch.device("cpu")) == 12_345
    monkeypatch.setattr(runtime, "_left_in_groups", lambda: [-1])
    assert memory_of(torch.device("cpu")) == 0


def test_an_accelerator_has_what_is_free_and_what_pytorch_keeps_unused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (torch.cuda, torch.xpu):
        monkeypatch.setattr(module, "mem_get_info", lambda _: (1000, 5000))
        monkeypatch.setattr(module, "memory_reserved", lambda _: 300)
        monkeypatch.setattr(module, "memory_allocated", lambda _: 200)
    assert memory_of(torch.device("cuda")) == memory_of(torch.device("xpu", 0)) == 1100
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 5000)
    monkeypatch.setattr(torch.mps, "current_allocated_memory", lambda: 4000)
    assert memory_of(torch.device("mps")) == 1000
    monkeypatch.setattr(runtime, "_left_in_groups", lambda: [12])
    assert memory_of(torch.device("mps")) == 12


def test_the_peak_is_kept_after_the_memory_is_gone() -> None:
    before = peak_memory()
    torch.ones(before // 4)  # so many bytes as were ever held, on top of what is held now
    assert peak_memory() > before * 1.2
    assert peak_memory() < before * 4
