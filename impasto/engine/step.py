"""What the solver takes and yields: problems, settings and steps."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor

from impasto.config.memory import MemoryPlan
from impasto.engine.half_precision import DTYPE_BYTES
from impasto.engine.snapshots import Snapshot
from impasto.errors import OptionError

__all__ = ["Problem", "Settings", "Step", "last"]


Picture = Float[Tensor, "1 3 h w"]


Objective = Callable[[Picture], tuple[dict[str, float], Picture]]


@dataclass(frozen=True)
class Step:
    """One iteration of a running method, as a progress bar, a preview and a trace read it.

    Attributes:
        scale, scales: which size is being painted, from 1, and how many there are.
        iteration, iterations: within this scale, from 1.
        done: share of the whole run's work, from 0 to 1.
        losses: each term before its weight, and `total`, the weighted sum.
        image: returns the picture as it is when called, in [0, 1]: call it before the next step is
            taken. `losses` are those of the picture from which this step was made.
        snapshot: returns the run's state as it is when called, to go on from later: its tensors are
            the run's own, so write or copy them before the next step is taken.
        note: a message for the user about this step, if any.
    """

    scale: int
    scales: int
    width: int
    height: int
    iteration: int
    iterations: int
    done: float
    losses: dict[str, float]
    image: Callable[[], Picture]
    snapshot: Callable[[], Snapshot]
    note: str | None = None


@dataclass(frozen=True)
class Settings:
    """How to optimise: a name of `OPTIMISERS`, and its numbers; a rate of 0 is its default.

    Attributes:
        wrap: opposite edges of the picture meet.
        dtype: number type of the optimiser's memory: `float32`, or `float16` in half the bytes and
            with a little less precision.
        preconditioner: of `lbfgs`: `spectral` or `none`.
        remembers: what an optimiser learnt at one scale is used at the next.
    """

    optimizer: str = "lbfgs"
    history: int = 10
    learning_rate: float = 0.0
    average: float = 0.95
    wrap: bool = False
    dtype: str = "float32"
    preconditioner: str = "spectral"
    remembers: bool = True

    def within(self, plan: MemoryPlan) -> Settings:
        """Return the same settings with no more memory than a plan allows.

        Raises:
            OptionError: the plan names a number type that the memory cannot have.
        """
        if plan.dtype not in DTYPE_BYTES:
            raise OptionError(
                f"The plan holds memory in {plan.dtype!r}; it can be {' or '.join(DTYPE_BYTES)}."
            )
        history = min(self.history, plan.history or self.history)
        dtype = self.dtype if plan.dtype == MemoryPlan.dtype else plan.dtype
        return replace(self, history=history, dtype=dtype)


@dataclass(frozen=True)
class Problem:
    """One scale: its first picture, its iterations and what is minimised.

    Attributes:
        objective: a picture → each loss and their `total`; and the gradient of the total as a *sum*
            over pixels. The losses are means, whose gradients shrink as pictures grow; a sum's do
            not, so thresholds and an optimiser's memory mean the same at every size.
    """

    start: Picture
    iterations: int
    objective: Objective


def last(steps: Iterator[Step]) -> Step:
    """Run to the end. Keeps one step at a time, as each keeps its scale's optimiser alive."""
    return deque(steps, maxlen=1)[0]
