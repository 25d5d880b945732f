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
from impasto.engine.step import Settings

__all__ = ["OPTIMISERS", "RATES", "footprint", "scratch"]


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


def scratch(optimizer: str, dtype: str) -> float:
    """Return the bytes per value that a step takes besides, once the objective has none.

    That is what transforms of a channel take, a third of a picture, measured in its own size: its
    spectrum, two copies and the gains, 3.5; half precision has to be widened first, 4.
    """
    if optimizer != "lbfgs":
        return 0.0
    return 4.0 * ((1 + 2 + 1) / 3 if dtype == "float16" else (1 + 2 + 0.5) / 3)


RATES = {"lbfgs": 1.0, "adam": 0.02, "gd": 0.06}
"""The default rates."""

# Called with the rate and the settings.
OPTIMISERS: dict[str, Callable[[float, Settings], Optimiser]] = {
    "lbfgs": lambda rate, s: Lbfgs(rate, s.history, s.dtype, s.preconditioner == "spectral"),
    "adam": lambda rate, s: Adam(rate, dtype=s.dtype),
    "gd": lambda rate, _: Descent(rate),
}
