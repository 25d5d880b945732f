"""Read the properties of an XMP packet that anybody may have written, and write packets.

XMP is a small part of RDF in XML (ISO 16684-1). Expat reads it with document types refused, so that
there are no entities to expand, and with bounds on size, depth and number of elements.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

__all__ = [
    "IMPASTO",
    "MAX_BYTES",
    "UNWRITABLE",
    "XmpError",
    "element",
    "length",
    "listed",
    "packet",
    "prefixed",
    "read",
]

MAX_BYTES = 2**22
"""Longer packets are not read: they carry histories and pictures."""

UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""A character that XML cannot hold."""

_DEEPEST = 32
_MOST_ELEMENTS = 20_000
_RETURN = {"\r": "&#13;"}  # XML readers turn a bare one into a line feed

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XML = "http://www.w3.org/XML/1998/namespace"

IMPASTO = "urn:x-impasto:1"
"""The namespace of the recipe."""

NAMESPACES = {
    "aux": "http://ns.adobe.com/exif/1.0/aux/",
    "cc": "http://creativecommons.org/ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "exifEX": "http://cipa.jp/exif/1.0/",
    "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "plus": "http://ns.useplus.org/ldf/xmp/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
}
_PREFIXES = {uri: prefix for prefix, uri in NAMESPACES.items()} | {_RDF: "rdf", _XML: "xml"}


class XmpError(ValueError):
    """The packet is damaged, or larger than any description is."""


def read(packet: bytes) -> list[Element]:
    """Return the properties of a packet, in their order.

    Raises:
        XmpError: it is not XMP, or beyond the bounds.
    """
    if len(packet) > MAX_BYTES:
        raise XmpError(f"it has {len(packet):,} bytes, and at most {MAX_BYTES:,} are read")
    try:
        root = _parsed(_utf8(packet))
    except (expat.ExpatError, ValueError, LookupError) as problem:
        raise XmpError(str(problem)) from problem
    rdf = root if root.tag == f"{{{_RDF}}}RDF" else root.find(f".//{{{_RDF}}}RDF")
    if rdf is None:
        raise XmpError("it describes nothing")
    return [part for about in rdf.findall(f"{{{_RDF}}}Description") for part in _properties(about)]


def _utf8(packet: bytes) -> bytes:
    """Return a packet in UTF-8, without what pads it; some have UTF-16 without a mark of order."""
    packet = packet.removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
    for start, encoding in ((b"<\0", "utf-16-le"), (b"\0<", "utf-16-be")):
        if packet.startswith(start):
            packet = packet[: len(packet) // 2 * 2].decode(encoding).encode()
    return packet.strip(b"\0 \r\n\t")


def _properties(about: Element) -> Iterator[Element]:
    """Yield a description's properties; simple ones may have been written as attributes."""
    for name, value in about.attrib.items():
        if name.startswith("{") and not name.startswith((f"{{{_RDF}}}", f"{{{_XML}}}")):
            simple = Element(name)
            simple.text = value
            yield simple
    yield from about


def _parsed(packet: bytes) -> Element:
    tree = TreeBuilder()
    depth = count = 0
    separator = "\n"  # stands in no name
    parser = expat.ParserCreate("utf-8", separator)

    def name_of(text: str) -> str:
        uri, _, local = text.rpartition(separator)
        return f"{{{uri}}}{local}" if uri else local

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, count
        depth, count = depth + 1, count + 1 + len(attributes)
        if depth > _DEEPEST or count > _MOST_ELEMENTS:
            raise XmpError("it has more elements than a description needs")
        tree.start(name_of(name), {name_of(key): value for key, value in attributes.items()})

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        tree.end(name_of(name))

    def refuse(*_: object) -> None:
        raise XmpError("it declares a document type, which XMP does not have")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = tree.data
    parser.StartDoctypeDeclHandler = refuse
    parser.Parse(packet, True)
    return tree.close()


def prefixed(name: str) -> str:
    """Return a name as `dc:creator`; that of an unknown namespace as it is."""
    uri, _, local = name.removeprefix("{").rpartition("}")
    prefix = _PREFIXES.get(uri)
    return name if prefix is None else f"{prefix}:{local}"


def element(name: str, value: str) -> Element:
    """Return a simple property, such as `photoshop:Credit`."""
    prefix, _, local = name.partition(":")
    made = Element(f"{{{NAMESPACES[prefix]}}}{local}")
    made.text = value
    return made


def listed(name: str, kind: str, values: Sequence[str]) -> Element:
    """Return a property of several values.

    Args:
        kind: `Seq` for an order, `Bag` for none, `Alt` for a text in the default language.
    """
    made = element(name, "")
    items = Element(f"{{{_RDF}}}{kind}")
    made.append(items)
    for value in values:
        item = Element(f"{{{_RDF}}}li", {f"{{{_XML}}}lang": "x-default"} if kind == "Alt" else {})
        item.text = value
        items.append(item)
    return made


def packet(properties: Sequence[Element], recipe: str | None = None) -> bytes:
    """Return a packet with these properties, and a recipe of Impasto."""
    spaces = {} if recipe is None else {IMPASTO: "impasto"}
    # The recipe is first, and without attributes: it is searched as text.
    text = "" if recipe is None else escape(recipe, _RETURN)
    body = "" if recipe is None else f"<impasto:recipe>{text}</impasto:recipe>"
    body += "".join(_written(part, spaces) for part in properties)
    declared = "".join(f" xmlns:{prefix}={quoteattr(uri)}" for uri, prefix in spaces.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f'<rdf:RDF xmlns:rdf="{_RDF}"><rdf:Description rdf:about=""{declared}>{body}'
        '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def length(part: Element) -> int:
    """Return the bytes that a property takes in a packet."""
    return len(_written(part, {}).encode())


def _written(part: Element, spaces: dict[str, str]) -> str:
    """Return an element as text.

    Args:
        spaces: gets the prefixes of the namespaces that are used.
    """
    name = _name(part.tag, spaces)
    attributes = "".join(
        f" {_name(key, spaces)}={quoteattr(value)}"
        for key, value in part.attrib.items()
        if key.startswith("{")
    )
    inside = escape(part.text or "", _RETURN) if not len(part) else ""
    inside += "".join(_written(child, spaces) for child in part)
    return f"<{name}{attributes}>{inside}</{name}>"


def _name(name: str, spaces: dict[str, str]) -> str:
    uri, _, local = name.removeprefix("{").rpartition("}")
    prefix = _PREFIXES.get(uri)
    if prefix is None:
        prefix = spaces.get(uri) or f"ns{len(spaces)}"
    if prefix not in ("rdf", "xml"):
        spaces[uri] = prefix
    return f"{prefix}:{local}"
