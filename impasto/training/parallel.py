"""Several processes that train one network together, each on a graphics card of its own.

`torchrun` starts them and tells each by its environment who it is; without it there is one. Every
process draws photographs of its own, and before a step all take the mean of their gradients: so a
step sees as many times the batch.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch import distributed as processes

__all__ = ["average", "gathered", "is_first", "rank", "shared", "together", "wait"]


@contextlib.contextmanager
def together() -> Iterator[None]:
    """Meet the other processes that `torchrun` started, if it did."""
    if "WORLD_SIZE" not in os.environ or "RANK" not in os.environ:
        yield
        return
    has_cards = torch.cuda.is_available()
    if has_cards:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    # Tensors of the processor go by gloo, with cards too: --device may be cpu.
    processes.init_process_group("cpu:gloo,cuda:nccl" if has_cards else "gloo")
    try:
        yield
    finally:
        processes.destroy_process_group()


def rank() -> int:
    """This process's number, from 0."""
    return processes.get_rank() if _are_several() else 0


def is_first() -> bool:
    """Whether this is the process that writes."""
    return rank() == 0


def average(parameters: Iterable[Tensor]) -> None:
    """Replace every gradient by its mean over the processes."""
    if not _are_several():
        return
    held = [p.grad for p in parameters if p.grad is not None]
    # In one piece, as each exchange costs a moment.
    whole = torch.cat([gradient.reshape(-1) for gradient in held])
    processes.all_reduce(whole)
    whole /= processes.get_world_size()
    for gradient, mean in zip(held, torch.split(whole, [g.numel() for g in held]), strict=True):
        gradient.copy_(mean.view(gradient.shape))


def gathered(own: Any) -> list[Any]:
    """What each process has, in their order."""
    if not _are_several():
        return [own]
    every: list[Any] = [None] * processes.get_world_size()
    processes.all_gather_object(every, own)
    return every


def shared(own: Any) -> Any:
    """What the first process has, in all of them."""
    if not _are_several():
        return own
    held = [own]
    processes.broadcast_object_list(held)
    return held[0]


def wait() -> None:
    """Go on when all processes are here."""
    if _are_several():
        processes.barrier()


def _are_several() -> bool:
    return processes.is_available() and processes.is_initialized()
