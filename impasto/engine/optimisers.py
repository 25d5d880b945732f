"""The three optimisers of pixels.

Not those of `torch.optim`, which take 1.2 seconds to import (`torch._dynamo`). Here L-BFGS sees
where the pixels really went after they were clamped, and the memory is plain tensors that can be
resized from scale to scale.
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
    """Return the bytes per value of the picture at the peak of a step.

    The pixels and their gradient are not counted, nor is the picture that the scale began from, nor
    what the objective takes, nor some megabytes for chunks.

    In tensors of the picture's size, with float32 / float16 memory:

        lbfgs   the origin of the last step, the last gradient (or the direction), and the pairs:
                2 + 2·history of 4 bytes / 2 of 4 bytes and 2·history of 2
        adam    the origin, the running average, and both moments: 4 / 2 and 2 halves
        gd      the origin and the last gradient: 2

    Args:
        history: pairs; read for `lbfgs` only.
        dtype: `float32` or `float16`.
    """
    values = {"lbfgs": 2 * history, "adam": 2, "gd": 0}[optimizer]
    return 4.0 * 2 + DTYPE_BYTES[dtype] * values


RATES = {"lbfgs": 1.0, "adam": 0.02, "gd": 0.06}
"""The default rates."""

# Called with the rate, the history, and the number type of the memory.
OPTIMISERS: dict[str, Callable[..., Optimiser]] = {
    "lbfgs": Lbfgs,
    "adam": lambda rate, history, dtype="float32": Adam(rate, dtype=dtype),  # noqa: ARG005
    "gd": lambda rate, history, dtype="float32": Descent(rate),  # noqa: ARG005
}
