"""How a picture is written: the options that flags, a batch, a run's record and a form share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from impasto.config.fields import check, option
from impasto.image.formats import Keeping

__all__ = ["SHOWN", "OutputSettings"]

SHOWN = "What is written and shown"
"""The heading that help shows these options under."""


@dataclass(frozen=True)
class OutputSettings:
    """What a picture's file holds. Each field is an option: a new one needs a field and its page.

    Whether a format holds 16 bits is checked where the file is named, by `image.writing`.

    Raises:
        OptionError: a value out of its range or not among its choices.
    """

    bits: int = option(
        8,
        "Per channel; 16 in PNG, TIFF and JPEG XL. `impasto rerun` takes as many as the picture "
        "has.",
        choices=(8, 16),
        panel=SHOWN,
    )
    quality: int = option(95, "Of JPEG, WebP, AVIF and JPEG XL.", low=1, high=100, panel=SHOWN)
    recipe: bool = option(
        True,
        "Keep the recipe in the picture's metadata.",
        off="Leave the recipe out of the picture's metadata.",
        panel=SHOWN,
    )
    metadata: str = option(
        "keep",
        "What of the photograph's own is written into the picture: keep leaves out where it was "
        "taken, all keeps that too, none writes nothing. Pixels per inch belong to it; the recipe "
        "does not.",
        choices=get_args(Keeping),
        panel=SHOWN,
    )

    def __post_init__(self) -> None:
        check(self)

    @property
    def depth(self) -> Literal[8, 16]:
        """The bits, as `image.writing` takes them."""
        return 16 if self.bits == 16 else 8
