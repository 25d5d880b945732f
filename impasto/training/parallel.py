"""Several processes that train one network together, each on its own graphics card.

`torchrun` starts them and numbers them by environment variables; without it there is one. Each
process draws different photographs, and before a step all take the mean of their gradients: with n
processes a step uses n batches.
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
    """Join the processes that `torchrun` started, if it did."""
    if "WORLD_SIZE" not in os.environ or "RANK" not in os.environ:
        yield
        return
    has_cards = torch.cuda.is_available()
    if has_cards:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    # Tensors on the processor use gloo even where there are cards: --device may be cpu.
    processes.init_process_group("cpu:gloo,cuda:nccl" if has_cards else "gloo")
    try:
        yield
    finally:
        processes.destroy_process_group()


def rank() -> int:
    """Return this process's number, from 0."""
    return processes.get_rank() if _are_several() else 0


def is_first() -> bool:
    """Return whether this is the process that writes."""
    return rank() == 0


def average(parameters: Iterable[Tensor]) -> None:
    """Replace every gradient by its mean over the processes."""
    if not _are_several():
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    # In one piece, as each exchange costs time.
    means = torch.cat([gradient.reshape(-1) for gradient in gradients])
    processes.all_reduce(means)
    means /= processes.get_world_size()
    pieces = torch.split(means, [gradient.numel() for gradient in gradients])
    for gradient, mean in zip(gradients, pieces, strict=True):
        gradient.copy_(mean.view(gradient.shape))


def gathered(value: Any) -> list[Any]:
    """Return the values of all processes, in their order."""
    if not _are_several():
        return [value]
    values: list[Any] = [None] * processes.get_world_size()
    processes.all_gather_object(values, value)
    return values


def shared(value: Any) -> Any:
    """Return the first process's value in all of them."""
    if not _are_several():
        return value
    values = [value]
    processes.broadcast_object_list(values)
    return values[0]


def wait() -> None:
    """Wait until all processes have come here."""
    if _are_several():
        processes.barrier()


def _are_several() -> bool:
    return processes.is_available() and processes.is_initialized()
