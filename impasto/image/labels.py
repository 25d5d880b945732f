"""Regions by the names of their colours, and how those of two maps correspond."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from jaxtyping import Int
from PIL import ImageColor
from torch import Tensor

from impasto.errors import OptionError

__all__ = ["ALIKE", "LabelMap", "matched", "named"]

# Two colours are the same if no channel differs by more than this, in steps of 1/255.
ALIKE = 24


@dataclass(frozen=True)
class LabelMap:
    """The region of each pixel.

    Attributes:
        labels: indices into `colours`.
        colours: the regions' names, `#rrggbb`; from `quantise`, the largest region first.
    """

    labels: Int[Tensor, "h w"]
    colours: tuple[str, ...]


def matched(
    content: LabelMap, style: LabelMap, needed: Sequence[str] | None = None
) -> tuple[LabelMap, LabelMap]:
    """Rename the style's colours as the colours of the content that they match.

    Colours match within 24 steps of 255 in each channel, each with the nearest. The order of the
    regions does not change; find them by their colour.

    Args:
        needed: colours of the content that the style must have; by default all.

    Raises:
        OptionError: a colour of either map is missing in the other.
    """
    pairs = _pairs(content.colours, style.colours)
    needed = content.colours if needed is None else needed
    lone = tuple(c for i, c in enumerate(content.colours) if i not in pairs and c in needed)
    extra = tuple(name for j, name in enumerate(style.colours) if j not in pairs.values())
    if lone or extra:
        raise OptionError(_unmatched(lone, extra))
    names = {j: content.colours[i] for i, j in pairs.items()}
    return content, replace(style, colours=tuple(names[j] for j in range(len(names))))


def _unmatched(lone: Sequence[str], extra: Sequence[str]) -> str:
    faults = [
        f"{_listed(names)} {'is' if len(names) == 1 else 'are'} in the {name}'s map only"
        for names, name in ((lone, "content"), (extra, "style"))
        if names
    ]
    return (
        f"The two maps must show the same colours, but {' and '.join(faults)}. Paint each region "
        "of the content in the colour of the style's region that it should look like."
    )


def named(label_map: LabelMap, colours: Sequence[str]) -> LabelMap:
    """Rename the regions that `colours` select to these names, as they are typed.

    A colour is any that CSS and Pillow know, such as `#ff0000`, `#f00` or `red`; it selects the
    nearest region within 24 steps of 255 in each channel. Other regions keep their names.

    Raises:
        OptionError: a name is not a colour, no region has it, or two of them select one region.
    """
    pairs = _pairs(colours, label_map.colours)
    unknown = tuple(name for i, name in enumerate(colours) if i not in pairs)
    if unknown:
        raise OptionError(
            f"The map has no region of its own for {_listed(unknown)}: its colours are "
            f"{_listed(label_map.colours)}. Name each region once, by one of these."
        )
    names = {j: colours[i] for i, j in pairs.items()}
    return replace(
        label_map, colours=tuple(names.get(j, name) for j, name in enumerate(label_map.colours))
    )


def _pairs(first: Sequence[str], second: Sequence[str]) -> dict[int, int]:
    """Pair `first` with `second`: the nearest pair, then the nearest of the others, …"""
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
            f"{name!r} is not a colour: write it as #rrggbb, such as #ff0000, or by name, such as "
            "red."
        ) from None


def _listed(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
