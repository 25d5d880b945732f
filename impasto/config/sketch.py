"""The options of colouring a sketch. Knows no PyTorch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from impasto.config.bases import PixelConfig, StyledConfig
from impasto.config.fields import Need, option, otherwise
from impasto.errors import OptionError

__all__ = ["SketchConfig"]

_PAINTS = Need(lambda config: config.engine != "colour", "an --engine other than colour")
_PLACE = re.compile(r"(\d{1,3}(?:\.\d{1,3})?)[xX×](\d{1,3}(?:\.\d{1,3})?)")
_PAIR = re.compile(r"(\d{1,3})=(\d{1,3}|none)")
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_PARTS = "Parts of the drawing and of the picture"


@dataclass(frozen=True)
class SketchConfig(PixelConfig):
    """Options of giving a drawing the colours and the look of a picture, area by area.

    Options of the optimiser that are as here by default are the engine's own.
    """

    engine: str = option(
        "quick",
        "What paints the areas: quick, gatys, nnst or mrf, as --method of impasto stylize; or "
        "colour, which gives each area the colours of its part and no texture.",
        choices=("quick", "gatys", "nnst", "mrf", "colour"),
    )
    iterations: int = otherwise(
        PixelConfig,
        "iterations",
        0,
        help="Iterations in all, divided among the scales; 0 for as many as the engine takes.",
        low=0,
        need=_PAINTS,
    )
    strength: float = otherwise(
        StyledConfig,
        "strength",
        0.5,
        help="How far to go from flat colours (0) to the picture's texture (1), also as a "
        "percentage.",
        need=_PAINTS,
    )
    line_weight: float = option(
        1.0, "How dark the lines are that are laid over at the end; 0 for none.", low=0.0, high=2.0
    )
    line_color: str = option("#000000", "The colour of the lines, as #rrggbb.", also="line_colour")
    mirror: bool = option(False, "Take the picture's mirror image.")
    pair: tuple[str, ...] = option(
        (),
        "Which part of the picture an area of the drawing has its colours from, by their numbers, "
        "such as 3=0; 3=none leaves it white. Repeat it for each area.",
        metavar="AREA=PART",
        panel=_PARTS,
    )
    foreground: tuple[str, ...] = option(
        (),
        "A place of the picture that belongs to what it is of, in percent from the left and from "
        "the top, such as 40x55. Repeat it for further ones.",
        metavar="ACROSSxDOWN",
        panel=_PARTS,
    )
    background: tuple[str, ...] = option(
        (),
        "A place of the picture that belongs to its background, likewise.",
        metavar="ACROSSxDOWN",
        panel=_PARTS,
    )
    drawn_foreground: tuple[str, ...] = option(
        (),
        "A place of the drawing that belongs to what it is of, likewise.",
        metavar="ACROSSxDOWN",
        panel=_PARTS,
    )
    drawn_background: tuple[str, ...] = option(
        (),
        "A place of the drawing that belongs to its background, likewise.",
        metavar="ACROSSxDOWN",
        panel=_PARTS,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not _COLOUR.fullmatch(self.line_color.lower()):
            raise OptionError(
                f"--line-color is {self.line_color!r}. It is written as #rrggbb, such as #203040."
            )
        for name in ("foreground", "background", "drawn_foreground", "drawn_background"):
            for text in getattr(self, name):
                _place(name, text)
        _ = self.pairs

    @cached_property
    def pairs(self) -> dict[int, int | None]:
        """The part of each area that `pair` names; None for white paper.

        Raises:
            OptionError: a text that is no pair, or an area that is named twice.
        """
        found: dict[int, int | None] = {}
        for text in self.pair:
            match = _PAIR.fullmatch(text.replace(" ", ""))
            if not match:
                raise OptionError(
                    f"--pair is {text!r}. It takes the number of an area and that of a part, such "
                    "as 3=0, or 3=none."
                )
            if int(match[1]) in found:
                raise OptionError(f"--pair names the area {match[1]} twice. Say it once.")
            found[int(match[1])] = None if match[2] == "none" else int(match[2])
        return found

    @property
    def marks(self) -> tuple[tuple[float, float, bool], ...]:
        """Places of the picture, in shares of its sides, and whether they are foreground."""
        return _marks(self.foreground, self.background)

    @property
    def drawn_marks(self) -> tuple[tuple[float, float, bool], ...]:
        """Places of the drawing, likewise."""
        return _marks(self.drawn_foreground, self.drawn_background)

    @property
    def line_rgb(self) -> tuple[float, float, float]:
        """The colour of the lines, sRGB in [0, 1]."""
        red, green, blue = (int(self.line_color[k : k + 2], 16) / 255 for k in (1, 3, 5))
        return red, green, blue


def _marks(
    foreground: tuple[str, ...], background: tuple[str, ...]
) -> tuple[tuple[float, float, bool], ...]:
    fore = [(*_place("foreground", text), True) for text in foreground]
    back = [(*_place("background", text), False) for text in background]
    return (*fore, *back)


def _place(name: str, text: str) -> tuple[float, float]:
    match = _PLACE.fullmatch(text.replace(" ", "").replace("%", ""))
    if not match or max(float(match[1]), float(match[2])) > 100:
        raise OptionError(
            f"--{name.replace('_', '-')} is {text!r}. It takes a place in percent from the left "
            "and from the top, such as 40x55."
        )
    return float(match[1]) / 100, float(match[2]) / 100
