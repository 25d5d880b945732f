"""Choose what of a photograph's metadata goes into the file of its painting.

What is damaged is left out with a warning in the log: it never stops a painting.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from xml.etree.ElementTree import Element

from impasto.image import exif, iptc, xmp
from impasto.image.exif import Directory, Exif
from impasto.image.formats import Keeping
from impasto.image.kept_tags import (
    EXIF,
    IPTC,
    IPTC_PLACES,
    PNG_TO_XMP,
    XMP_OF_IPTC,
    is_kept_property,
    is_never_kept,
    is_place,
)
from impasto.image.metadata import Metadata
from impasto.image.samples import ORIENTATION
from impasto.version import __version__

__all__ = ["SOFTWARE", "Kept", "kept"]

SOFTWARE = f"Impasto {__version__}"

_log = logging.getLogger(__name__)

_LONGEST_PROPERTY = 2**15  # bytes of XMP
_MOST_PROPERTIES = 500  # a photograph has some hundred
_MOST_NAMES, _LONGEST_NAME = 20, 80  # of properties in a message
_MOST_EXIF = 60_000  # bytes; a JPEG holds 65,527
_MOST_IPTC = 60_000
_MOST_XMP = 2**20
_DPI = (1, 30_000)

_SOFTWARE = 305
_RESOLUTIONS, _UNIT, _PER_INCH, _PER_CM = (282, 283), 296, 2, 3
_VERSION, _COLOR_SPACE, _SIZE = 36864, 40961, (40962, 40963)

_CHARACTERS, _IPTC_VERSION = (1, 90), (2, 0)


@dataclass(frozen=True)
class Kept:
    """The metadata of a painting.

    Attributes:
        exif: None for none.
        properties: of XMP.
        iptc: IPTC's older form (IIM), for formats that hold it.
        texts: for PNG, by keyword.
        dpi: pixels per inch, across and down, if the photograph's file says them.
    """

    exif: Exif | None = None
    properties: tuple[Element, ...] = ()
    iptc: bytes = b""
    texts: dict[str, str] = field(default_factory=dict)
    dpi: tuple[float, float] | None = None

    def exif_data(self, *, with_orientation: bool = True) -> bytes:
        """Return the EXIF data, without the `Exif` that JPEG puts first.

        Args:
            with_orientation: name the orientation, which is upright, as it is without a name.
        """
        if self.exif is None:
            return b""
        if with_orientation:
            return exif.write(self.exif)
        image = {tag: f for tag, f in self.exif.image.items() if tag != ORIENTATION}
        return exif.write(replace(self.exif, image=image))

    def packet(self, recipe: str | None, room: int = _MOST_XMP, name: str = "") -> bytes | None:
        """Return the XMP packet with the recipe; None if it would be empty.

        Args:
            room: bytes of a packet. Where they do not suffice, the longest properties are left
                out, with a warning; the recipe never is.
        """
        parts = list(self.properties)
        whole = xmp.packet(parts, recipe)
        if len(whole) > room:
            parts, left_out = _fitting(parts, len(whole) - room)
            whole = xmp.packet(parts, recipe)
            _log.warning(
                "%s: there is no room for all of the photograph's XMP beside the recipe; left out: "
                "%s.", name, _names(left_out),
            )  # fmt: skip
        return whole if parts or recipe is not None else None


def _fitting(parts: list[Element], excess: int) -> tuple[list[Element], list[Element]]:
    """Return the properties that stay, and the longest, left out for so many bytes."""
    lengths = [xmp.length(part) for part in parts]
    left_out: set[int] = set()
    for index in sorted(range(len(parts)), key=lambda at: -lengths[at]):
        if excess <= 0:
            break
        left_out.add(index)
        excess -= lengths[index]
    return (
        [part for at, part in enumerate(parts) if at not in left_out],
        [parts[at] for at in sorted(left_out)],
    )


def _names(parts: Sequence[Element]) -> str:
    """Return the names of properties as a message lists them."""
    names = [xmp.prefixed(part.tag)[:_LONGEST_NAME] for part in parts[:_MOST_NAMES]]
    more = len(parts) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def kept(metadata: Metadata, keeping: Keeping, size: tuple[int, int]) -> Kept:
    """Return what is written into a picture of a size (width and height)."""
    if keeping == "none":
        return Kept()
    with_place = keeping == "all"
    about = _exif(metadata)
    dpi = _dpi(metadata, about)
    sets = _iptc(metadata, with_place)
    texts = {key: xmp.UNWRITABLE.sub("", value) for key, value in metadata.texts}
    properties = _properties(metadata, with_place)
    present = {xmp.prefixed(part.tag) for part in properties}
    for part in (*_of_iptc(sets), *_of_texts(texts)):
        if (name := xmp.prefixed(part.tag)) not in present:
            present.add(name)
            properties.append(part)
    if properties:
        properties.append(xmp.element("xmp:CreatorTool", SOFTWARE))
    return Kept(
        exif=_completed(about, size, dpi, with_place, metadata.name),
        properties=tuple(properties),
        iptc=_iptc_data(sets, metadata.name),
        texts={**texts, "Software": SOFTWARE},
        dpi=dpi,
    )


def _exif(metadata: Metadata) -> Exif:
    if not metadata.exif:
        return Exif()
    try:
        about = exif.read(io.BytesIO(metadata.exif), EXIF)
    except exif.ExifError as problem:
        _log.warning(
            "%s: its EXIF data cannot be used and is left out (%s).", metadata.name, problem
        )
        return Exif()
    if about.damaged:
        _log.warning(
            "%s: fields of its EXIF data are damaged or too long and left out (%s).",
            metadata.name, ", ".join(f"0x{tag:04x}" for tag in about.damaged),
        )  # fmt: skip
    return about


def _completed(
    about: Exif, size: tuple[int, int], dpi: tuple[float, float] | None, with_place: bool, name: str
) -> Exif:
    """Return EXIF data that is true of the picture: upright, sRGB, of this size."""
    upright: Directory = {
        ORIENTATION: exif.number(1),
        _SOFTWARE: exif.text(SOFTWARE),
        **_resolution(dpi),
    }
    image = {tag: f for tag, f in about.image.items() if tag not in (*_RESOLUTIONS, _UNIT)}
    written: Directory = {
        _COLOR_SPACE: exif.number(1),
        **{tag: exif.number(side, is_long=True) for tag, side in zip(_SIZE, size, strict=True)},
    }
    photo = {_VERSION: exif.undefined(b"0232")} | about.photo
    place = about.place if with_place else {}
    room = _MOST_EXIF - len(exif.write(Exif(upright, written)))
    fields = [(part, tag) for part in (image, photo, place) for tag in part]
    left_out = []
    for part, tag in sorted(fields, key=lambda at: -len(at[0][at[1]].data)):
        if len(exif.write(Exif(image, photo, place))) <= room:
            break
        del part[tag]
        left_out.append(f"0x{tag:04x}")
    if left_out:
        _log.warning(
            "%s: there is no room for all of its EXIF data; left out: %s.",
            name, ", ".join(left_out),
        )  # fmt: skip
    return Exif(image | upright, photo | written, place)


def _resolution(dpi: tuple[float, float] | None) -> Directory:
    if dpi is None:
        return {}
    fields = zip(_RESOLUTIONS, dpi, strict=True)
    return {tag: exif.rational(value) for tag, value in fields} | {_UNIT: exif.number(_PER_INCH)}


def _dpi(metadata: Metadata, about: Exif) -> tuple[float, float] | None:
    """Return the resolution, as the format itself or EXIF says it, if it makes sense."""
    dpi = metadata.dpi
    if dpi is None:
        values = [exif.numbers(about.image.get(tag)) for tag in _RESOLUTIONS]
        unit = exif.numbers(about.image.get(_UNIT)) or [_PER_INCH]
        if unit[0] not in (_PER_INCH, _PER_CM) or not all(values):
            return None
        scale = 2.54 if unit[0] == _PER_CM else 1.0
        dpi = values[0][0] * scale, values[1][0] * scale
    least, most = _DPI
    if not all(least <= value <= most for value in dpi):
        return None
    # PNG counts pixels per metre: 300 dpi come back as 299.9994.
    across, down = (round(v) if abs(v - round(v)) < 0.02 else round(v, 2) for v in dpi)
    return float(across), float(down)


def _properties(metadata: Metadata, with_place: bool) -> list[Element]:
    if not metadata.xmp:
        return []
    try:
        properties = xmp.read(metadata.xmp)
    except xmp.XmpError as problem:
        _log.warning("%s: its XMP cannot be used and is left out (%s).", metadata.name, problem)
        return []
    chosen: dict[str, Element] = {}
    too_long = []
    for part in properties:
        is_known = is_kept_property(part.tag) or is_place(part.tag)
        if not is_known or not _is_allowed(part.tag, with_place):
            continue
        _prune(part, with_place)
        if xmp.length(part) > _LONGEST_PROPERTY:
            too_long.append(part)
        else:
            chosen.setdefault(part.tag, part)
    if too_long:
        _log.warning(
            "%s: what is too long in its XMP is left out (%s).", metadata.name, _names(too_long)
        )
    if len(chosen) > _MOST_PROPERTIES:
        _log.warning(
            "%s: of the %d properties in its XMP the first %d are kept.",
            metadata.name, len(chosen), _MOST_PROPERTIES,
        )  # fmt: skip
    return list(chosen.values())[:_MOST_PROPERTIES]


def _is_allowed(name: str, with_place: bool) -> bool:
    return not is_never_kept(name) and (with_place or not is_place(name))


def _prune(part: Element, with_place: bool) -> None:
    """Remove from a property's inside what is left out wherever it stands."""
    for name in list(part.attrib):
        if not _is_allowed(name, with_place):
            del part.attrib[name]
    for child in list(part):
        if _is_allowed(child.tag, with_place):
            _prune(child, with_place)
        else:
            part.remove(child)


def _iptc(metadata: Metadata, with_place: bool) -> list[iptc.DataSet]:
    numbers = IPTC | IPTC_PLACES if with_place else IPTC
    return [
        (record, number, value)
        for record, number, value in iptc.read(metadata.iptc)
        if (record == 2 and number in numbers) or (record, number) == _CHARACTERS
    ]


def _iptc_data(sets: list[iptc.DataSet], name: str) -> bytes:
    if not any(record == 2 for record, _, _ in sets):
        return b""
    data = iptc.write([*sets, (*_IPTC_VERSION, b"\0\4")])
    if len(data) > _MOST_IPTC:
        _log.warning("%s: its IPTC data is too long: what fits is in XMP.", name)
        return b""
    return data


def _of_iptc(sets: list[iptc.DataSet]) -> Iterator[Element]:
    for number, (name, kind) in XMP_OF_IPTC.items():
        yield from _listed(name, kind, iptc.values(sets, number))


def _of_texts(texts: dict[str, str]) -> Iterator[Element]:
    for keyword, (name, kind) in PNG_TO_XMP.items():
        if keyword in texts:
            yield from _listed(name, kind, [texts[keyword]])


def _listed(name: str, kind: str, values: Iterable[str]) -> Iterator[Element]:
    values = [cleaned for value in values if (cleaned := xmp.UNWRITABLE.sub("", value))]
    if values:
        yield xmp.listed(name, kind, values) if kind else xmp.element(name, values[0])
