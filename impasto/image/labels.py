"""Regions by the names of their colours: which of one map is which of another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from jaxtyping import Int
from PIL import ImageColor
from torch import Tensor

from impasto.errors import OptionError

__all__ = ["ALIKE", "LabelMap", "matched", "named"]

# A pixel shows a colour, and colours of two maps are the same, within so many steps of 1/255 in the
# channel that differs most.
ALIKE = 24


@dataclass(frozen=True)
class LabelMap:
    """Which region each pixel belongs to.

    Attributes:
        labels: indices into `colours`.
        colours: the regions' names, `#rrggbb`; from `quantise`, the largest region first.
    """

    labels: Int[Tensor, "h w"]
    colours: tuple[str, ...]


def matched(
    content: LabelMap, style: LabelMap, needed: Sequence[str] | None = None
) -> tuple[LabelMap, LabelMap]:
    """Two maps with the same colours: the style's are named as those of the content they match.

    Colours match within 24 steps of 255 in every channel, each with the nearest. The regions stay
    in their own orders; find them by their colour.

    Args:
        needed: colours of the content that the style must have; by default all of them.

    Raises:
        OptionError: a colour of either map is missing in the other.
    """
    pairs = _pairs(content.colours, style.colours)
    wanted = content.colours if needed is None else needed
    lone = tuple(c for i, c in enumerate(content.colours) if i not in pairs and c in wanted)
    extra = tuple(name for j, name in enumerate(style.colours) if j not in pairs.values())
    if lone or extra:
        raise OptionError(_unmatched(lone, extra))
    names = {j: content.colours[i] for i, j in pairs.items()}
    return content, replace(style, colours=tuple(names[j] for j in range(len(names))))


def _unmatched(lone: Sequence[str], extra: Sequence[str]) -> str:
    faults = [
        f"{_listed(names)} {'is' if len(names) == 1 else 'are'} in the {here}'s map only"
        for names, here in ((lone, "content"), (extra, "style"))
        if names
    ]
    return (
        f"The two maps must show the same colours, but {' and '.join(faults)}. Paint each region "
        "of the content in the colour of the style's region that it shall look like."
    )


def named(label_map: LabelMap, colours: Sequence[str]) -> LabelMap:
    """The map with the regions that `colours` name called by those names, just as they are typed.

    A colour is anything that CSS and Pillow know, such as `#ff0000`, `#f00` or `red`; it names the
    nearest region within 24 steps of 255 in every channel. Other regions keep their names.

    Raises:
        OptionError: one is no colour, no region has it, or two of them name one region.
    """
    pairs = _pairs(colours, label_map.colours)
    strange = tuple(name for i, name in enumerate(colours) if i not in pairs)
    if strange:
        raise OptionError(
            f"The map has no region of its own for {_listed(strange)}: its colours are "
            f"{_listed(label_map.colours)}. Name each region once, by one of these."
        )
    names = {j: colours[i] for i, j in pairs.items()}
    return replace(
        label_map, colours=tuple(names.get(j, own) for j, own in enumerate(label_map.colours))
    )


def _pairs(first: Sequence[str], second: Sequence[str]) -> dict[int, int]:
    """Which of `first` is which of `second`: the nearest pair, the nearest of the rest, …"""
    distances = sorted(
        (max(abs(x - y) for x, y in zip(_rgb(a), _rgb(b), strict=True)), i, j)
        for i, a in enumerate(first)
        for j, b in enumerate(second)
    )
    pairs: dict[int, int] = {}
    for distance, i, j in distances:
        if distance <= ALIKE and i not in pairs and j not in pairs.values():
            pairs[i] = j
    return pairs


def _rgb(name: str) -> tuple[int, ...]:
    try:
        return ImageColor.getrgb(name)[:3]
    except ValueError:
        raise OptionError(
            f"{name!r} is no colour: write it as #rrggbb, such as #ff0000, or by name, such as red."
        ) from None


def _listed(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
