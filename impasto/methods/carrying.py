"""Taking an optimiser's memory from one scale to the next."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim import LBFGS, Adam, Optimizer

__all__ = ["carry"]

State = dict[str, Any]


def carry(before: Optimizer, old: Tensor, after: Optimizer, new: Tensor) -> None:
    """Give `after`, which moves the pixels `new`, what `before` learnt at the size of `old`.

    Values carry over as they are: the solver descends a sum over pixels, of which a pixel's
    gradient does not depend on how many others there are.
    """
    state = before.state.get(old)
    if not state:
        return
    if isinstance(before, Adam) and isinstance(after, Adam):
        after.state[new] = _adam(state, new)
    elif isinstance(before, LBFGS) and isinstance(after, LBFGS) and state.get("old_dirs"):
        after.state[new] = _lbfgs(state, old, new)


def _adam(state: State, new: Tensor) -> State:
    """Both moments, resized; the second stays positive under bilinear weights."""
    return {
        "step": state["step"].clone(),
        "exp_avg": _resize(state["exp_avg"], new, "bicubic"),
        "exp_avg_sq": _resize(state["exp_avg_sq"], new, "bilinear"),
    }


def _lbfgs(state: State, old: Tensor, new: Tensor) -> State:
    """The pairs of steps and gradient changes, resized, without those that lost their curvature."""
    steps = [_resize(s.view_as(old), new, "bicubic").flatten() for s in state["old_stps"]]
    changes = [_resize(y.view_as(old), new, "bicubic").flatten() for y in state["old_dirs"]]
    pairs = [(s, y) for s, y in zip(steps, changes, strict=True) if float(y.dot(s)) > 1e-10]
    if not pairs:
        return {}
    last_step, last_change = pairs[-1]
    return {
        # Not the first iteration: that one would forget the pairs. No step has been made here yet.
        "n_iter": 1,
        "func_evals": 0,
        "d": torch.zeros_like(last_step),
        "t": 1.0,
        "prev_flat_grad": torch.zeros_like(last_step),
        "prev_loss": state["prev_loss"],
        "old_dirs": [y for _, y in pairs],
        "old_stps": [s for s, _ in pairs],
        "ro": [1.0 / y.dot(s) for s, y in pairs],
        "H_diag": last_change.dot(last_step) / last_change.dot(last_change),
    }


def _resize(values: Tensor, new: Tensor, mode: str) -> Tensor:
    return F.interpolate(values, size=new.shape[-2:], mode=mode, align_corners=False)
