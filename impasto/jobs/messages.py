"""Messages between a batch and its workers. Needs no PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from impasto.config.specs import StyleSpec

__all__ = ["DrawJob", "Job", "PaintJob", "Report", "SheetPicture"]


@dataclass(frozen=True)
class PaintJob:
    """A photograph to paint, and the name of its file in the staging folder."""

    photograph: Path
    styles: tuple[StyleSpec, ...]
    output: str


@dataclass(frozen=True)
class SheetPicture:
    """A picture on a contact sheet.

    Attributes:
        sources: the file, or those that stand side by side; styles by their names.
        instead: the label of the empty field where there is no picture.
    """

    sources: tuple[str, ...]
    instead: str = ""


@dataclass(frozen=True)
class DrawJob:
    """A contact sheet to draw: styles above, photographs on the left.

    Attributes:
        columns: each style and its caption.
        rows: each photograph, its caption, and its pictures in the styles' order.
        width: of each picture, in pixels.
    """

    output: str
    columns: tuple[tuple[SheetPicture, str], ...]
    rows: tuple[tuple[SheetPicture, str, tuple[SheetPicture, ...]], ...]
    width: int


Job = PaintJob | DrawJob


@dataclass(frozen=True)
class Report:
    """A report of a worker.

    Attributes:
        kind: `ready` for the first job; `step` within a job; `note` for a warning; `done` or
            `failed` after a job; `lost` if the worker died and the job will be tried again;
            `unusable` if no job can succeed.
        share: of the job, from 0 to 1.
        seconds: that the job took.
        digest: of the file that was written.
        message: a warning, or why the job failed.
        error: why no job can succeed.
    """

    kind: Literal["ready", "step", "note", "done", "failed", "lost", "unusable"]
    share: float = 0.0
    seconds: float = 0.0
    digest: str = ""
    message: str = ""
    error: Exception | None = None
