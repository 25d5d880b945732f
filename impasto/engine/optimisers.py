"""The three ways to move pixels down a gradient, and how their memory goes from scale to scale.

Not those of `torch.optim`: making one of these takes no 1.2 seconds (that is what importing
`torch._dynamo` costs, which they do), L-BFGS sees where the pixels really went after they were held
in range, and the memory is plain tensors that can be resized.
"""

from __future__ import annotations

from collections.abc import Callable

from impasto.engine.adam import Adam
from impasto.engine.descent import Descent
from impasto.engine.half_precision import DTYPE_BYTES
from impasto.engine.lbfgs import Lbfgs
from impasto.engine.optimiser import Optimiser

__all__ = ["OPTIMISERS", "RATES", "footprint"]


def footprint(optimizer: str, history: int, dtype: str) -> float:
    """Bytes per value of the picture at the peak of a step, beside the pixels and their gradient.

    In tensors of the picture's size, with float32 / float16 memory:

        lbfgs   the origin of the last step, the last gradient (or the direction), and the pairs:
                2 + 2·history of 4 bytes / 2 of 4 bytes and 2·history of 2
        adam    the origin, the running average, and both moments: 4 / 2 and 2 halves
        gd      the origin and the last gradient: 2

    Not counted: the picture that the scale began from, of the size of the scale before; what the
    objective takes; and some megabytes for chunks.

    Args:
        history: pairs; read for `lbfgs` only.
        dtype: `float32` or `float16`.
    """
    kept = {"lbfgs": 2 * history, "adam": 2, "gd": 0}[optimizer]
    return 4.0 * 2 + DTYPE_BYTES[dtype] * kept


# What each takes as its rate where nothing else is said.
RATES = {"lbfgs": 1.0, "adam": 0.02, "gd": 0.06}

# By rate, history, and the number type of their memory.
OPTIMISERS: dict[str, Callable[..., Optimiser]] = {
    "lbfgs": Lbfgs,
    "adam": lambda rate, history, dtype="float32": Adam(rate, dtype=dtype),  # noqa: ARG005
    "gd": lambda rate, history, dtype="float32": Descent(rate),  # noqa: ARG005
}
