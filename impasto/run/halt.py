"""What a run's stop flag answers. Needs no PyTorch."""

from __future__ import annotations

from enum import Enum

__all__ = ["Halt"]


class Halt(Enum):
    """What a run is to do after an iteration."""

    NO = "continue"
    WITH_PICTURE = "end and write the picture so far"
    AT_ONCE = "end and keep only the run's state"
