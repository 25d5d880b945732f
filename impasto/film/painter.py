"""What paints a film: frame after frame, each in keeping with those before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from impasto.film.frame import Frame
from impasto.image.labels import LabelMap

__all__ = ["FilmLabels", "FilmPainter"]


@runtime_checkable
class FilmLabels(Protocol):
    """The regions of each frame of a film."""

    @property
    def colours(self) -> tuple[str, ...]:
        """All colours that any frame has."""
        ...

    def at(self, frame: Frame) -> LabelMap:
        """Return a frame's regions, of any size and the frame's proportions.

        Its colours are those of the whole film, in their order, whether they are seen or not.
        """
        ...


@runtime_checkable
class FilmPainter(Protocol):
    """Paints the frames of a film, in the order in which they are shown.

    What it paints depends on the sample and on the frames since `begin` alone: a chunk that begins
    anew with the same sample paints the same frames again.
    """

    def begin(self, sample: Sequence[Frame]) -> None:
        """Forget what was painted, and get ready for a shot.

        Args:
            sample: a few frames from all over the shot, of the size of the result. What holds for
                the whole shot is measured on them, so that nothing pumps from frame to frame. Each
                chunk of a shot gets the same ones.
        """
        ...

    def paint(self, frame: Frame) -> Float[Tensor, "1 3 h w"]:
        """Paint the shot's next frame, at its own size.

        Raises:
            DivergedError: no step was small enough.
        """
        ...
