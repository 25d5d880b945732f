"""Options of a training, each declared once: flags, the studio's form and a job's checks share it.

Needs no PyTorch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from impasto.config.fields import check, option
from impasto.config.sizes import LEAST, MOST, PIXELS
from impasto.errors import OptionError

__all__ = ["TRAINED", "TrainingSettings"]

TRAINED = "How it is trained"
"""The heading that help shows these options under."""


def _option(default: Any, help: str, **more: Any) -> Any:
    return option(default, help, panel=TRAINED, **more)


@dataclass(frozen=True)
class TrainingSettings:
    """What may be chosen of a training.

    Raises:
        OptionError: a value out of its range.
    """

    steps: int = _option(
        1_500,
        "The most steps; training ends when nothing more is learnt. With --extend, 300 are usual.",
        low=1,
        high=1_000_000,
    )
    size: int = _option(
        512,
        "Long side of the pictures to be painted: the paintings are looked at in that size. "
        "--extend takes the file's own.",
        low=LEAST,
        high=MOST,
        spelling=PIXELS,
    )
    batch: int = _option(4, "Crops a step.", low=1, high=1024)
    crop: int = _option(160, "Pixels of a crop's side, a multiple of 16.", low=32, high=2048)
    steady: float = _option(
        0.0,
        "Weight of the difference between a shifted painting and the painting of a shifted "
        "picture, for video; 0.2 makes a step a quarter longer.",
        low=0.0,
        high=100.0,
    )
    seed: int = _option(0, "Of everything random.", low=0, high=2**63 - 1)

    def __post_init__(self) -> None:
        check(self)
        if self.crop % 16:
            raise OptionError(f"--crop is {self.crop}; it takes a multiple of 16, such as 160.")
