"""The recipe inside a picture file: an iTXt chunk in PNG, an XMP packet elsewhere."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, unescape

from PIL import Image

from impasto.errors import PictureError

__all__ = ["KEYWORD", "MAX_BYTES", "clean", "packet", "recipe_of"]

KEYWORD = "impasto"
"""The PNG text chunk that holds the recipe, and its key in `Image.info`."""

MAX_BYTES = 1_000_000
"""Longer recipes are neither written nor read."""

_XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:impasto="urn:x-impasto:1">'
    "<impasto:recipe>{}</impasto:recipe>"
    '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)
# Searched as text: no XML parser reads a file that anybody may have written.
_ELEMENT = re.compile(rb"<impasto:recipe>([^<]*)</impasto:recipe>")
_RETURN = {"\r": "&#13;"}  # XML readers turn a bare one into a line feed
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(recipe: str) -> str:
    r"""Return the recipe as all formats can hold it.

    Control characters and lone surrogates, which XML and UTF-8 cannot hold, become `\uXXXX`:
    inside JSON that means the same character.

    Raises:
        PictureError: it is longer than `MAX_BYTES`.
    """
    recipe = _UNWRITABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", recipe)
    _check_length(len(recipe.encode()), "The picture")
    return recipe


def packet(recipe: str) -> bytes:
    """Return an XMP packet with the recipe as its only property."""
    return _XMP.format(escape(recipe, _RETURN)).encode()


def recipe_of(image: Image.Image, name: str) -> str | None:
    """Return the recipe in the metadata of an opened image, or None.

    Raises:
        PictureError: it is longer than `MAX_BYTES`, or its text is damaged.
    """
    text = image.info.get(KEYWORD)
    if isinstance(text, str):
        _check_length(len(text.encode(errors="replace")), name)
        return str(text)  # Pillow's subclass also has the language
    xmp = image.info.get("xmp")
    match = _ELEMENT.search(xmp) if isinstance(xmp, bytes) else None
    if match is None:
        return None
    _check_length(len(match[1]), name)
    return _decode(match[1], name)


def _decode(escaped: bytes, name: str) -> str:
    try:
        return unescape(escaped.decode(), {escape: char for char, escape in _RETURN.items()})
    except UnicodeDecodeError as problem:
        raise PictureError(f"The recipe in {name} is damaged: {problem}.") from problem


def _check_length(length: int, name: str) -> None:
    if length > MAX_BYTES:
        raise PictureError(
            f"{name} has a recipe of {length:,} bytes; at most {MAX_BYTES:,} are allowed."
        )
