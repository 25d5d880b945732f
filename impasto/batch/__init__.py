"""Every photograph in every style: painted by several processes, continued where it stopped.

Needs no PyTorch itself: only the workers load it, and the network once each.
"""

from __future__ import annotations

from impasto.batch.conduct import Outcome, Progress, conduct
from impasto.batch.order import Batch, Look, find_photographs
from impasto.batch.survey import Item, survey

__all__ = [
    "Batch",
    "Item",
    "Look",
    "Outcome",
    "Progress",
    "conduct",
    "find_photographs",
    "survey",
]
