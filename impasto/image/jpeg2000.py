"""The channels of a JPEG 2000 as its header's boxes define them (ISO/IEC 15444-1, annex I).

Pillow takes components for channels in the order in which they are stored, whatever cdef says, and
palettes for palettes of RGB; and it decodes colours to 8 bits.
"""

from __future__ import annotations

import io
import logging
from pathlib import Path

import numpy as np
from jaxtyping import UInt8, UInt16
from PIL import Image

from impasto.image.jp2_header import SYCC, Header, read_codestream, read_header
from impasto.image.samples import levels, straight
from impasto.installation import install_hint

__all__ = ["arranged", "deep"]

Bytes = UInt8[np.ndarray, "h w _"]
Words = UInt16[np.ndarray, "h w _"]
Levels = Bytes | Words

_log = logging.getLogger(__name__)


def arranged(path: Path, image: Image.Image, name: str) -> Image.Image:
    """Return the picture with its channels in order, at 8 bits, and with its ICC profile.

    Args:
        image: the file, opened by Pillow.
        name: of the file, for messages.

    Raises:
        ValueError: the header contradicts the pixels.
        Exception: as Pillow, for damaged pixels.
    """
    try:
        header = read_header(path)
        is_rearranged = header.is_rearranged
    except ValueError as problem:
        _log.warning("%s: what it says of its channels is ignored (%s).", name, problem)
        return image
    if header.profile is not None:
        image.info["icc_profile"] = header.profile
    # Pillow takes subsampled components of any order for sYCC's.
    if not is_rearranged or header.is_subsampled:
        return image
    channels = _channels(_components(path, image, header), header, 8)
    made = _as_image(channels, header)
    made.info, made.format = image.info, image.format
    return made


def deep(path: Path, image: Image.Image, name: str) -> Words | None:
    """Return RGB or RGBA of more than 8 bits a channel, at 16.

    None for others, for grey alone, which Pillow decodes at 16 bits, and without imagecodecs.

    Args:
        image: what `arranged` returned.
        name: of the file, for messages.
    """
    try:
        header = read_header(path)
    except ValueError:  # `arranged` has said so
        return None
    if header.bits <= 8 or header.is_subsampled or image.mode not in ("RGB", "RGBA", "LA"):
        return None
    try:
        from imagecodecs import jpeg2k_decode
    except ImportError:
        _log.warning(
            "%s has %d bits, of which 8 are read: `%s` reads all.",
            name, header.bits, install_hint("codecs"),
        )  # fmt: skip
        return None
    try:
        values = np.asarray(jpeg2k_decode(read_codestream(path)))
    except Exception as problem:  # of many kinds; Pillow has decoded it
        _log.info("%s: read at 8 bits (%s).", name, problem)
        return None
    if values.dtype != np.uint16 or values.shape[:2] != image.size[::-1]:
        return None
    channels = _channels(values if values.ndim == 3 else values[..., None], header, header.bits)
    colours, alpha = _separated(channels, header)
    if colours.shape[-1] not in (1, 3):
        return None
    colours = np.broadcast_to(colours, (*colours.shape[:2], 3))
    return np.concatenate([colours] if alpha is None else [colours, alpha], axis=-1)


def _components(path: Path, image: Image.Image, header: Header) -> Levels:
    """Return the components as they are stored, at 8 bits; indices of a palette as numbers."""
    with Image.open(io.BytesIO(read_codestream(path)), formats=["JPEG2000"]) as stored:
        if stored.size != image.size:
            raise ValueError("its header and its pixels have two sizes")
        stored.load()
        values = np.asarray(stored)
    if header.palette is not None:
        # Pillow shifts numbers of fewer bits to the top of 8 or 16.
        shift = 8 * values.dtype.itemsize - header.bits
        if shift < 0:
            raise ValueError(f"indices of {header.bits} bits, of which 8 can be read")
        values = values >> shift
    elif values.dtype == np.uint16:
        values = (values >> 8).astype(np.uint8)
    return values if values.ndim == 3 else values[..., None]


def _as_image(channels: Levels, header: Header) -> Image.Image:
    colours, alpha = _separated(channels, header)
    count = colours.shape[-1]
    parts = colours if alpha is None else np.concatenate([colours, alpha], axis=-1)
    if count == 1:
        return Image.fromarray(parts[..., 0] if alpha is None else parts)
    if count == 3:
        return Image.fromarray(np.ascontiguousarray(parts))
    if count == 4:  # CMYK, whose transparency no mode of Pillow has
        return Image.frombytes("CMYK", colours.shape[1::-1], colours.tobytes())
    raise ValueError(f"it has {count} colours")


def _channels(components: np.ndarray, header: Header, bits: int) -> Levels:
    """Return channels at 8 or 16 bits: components, or what a palette makes of them.

    Args:
        components: of so many bits, 8 or more.
    """
    if header.palette is None:
        return levels(components, bits)
    top, kind = (255, np.uint8) if bits <= 8 else (65535, np.uint16)
    columns = []
    for component, is_mapped, column in header.mapping:
        values = components[..., component]
        if is_mapped:
            entries = (header.palette[:, column] * top).round().astype(kind)
            values = entries.take(values, mode="clip")  # an index beyond the palette is its last
        columns.append(values)
    return np.stack(columns, axis=-1)


def _separated(channels: Levels, header: Header) -> tuple[Levels, Levels | None]:
    """Return the colours in order, and the opacity."""
    count = channels.shape[-1]
    colours, opacity, is_premultiplied = header.order(count)
    picked = channels[..., colours]
    alpha = None if opacity is None else channels[..., opacity : opacity + 1]
    if header.colour_space == SYCC and len(colours) == 3:
        picked = _from_sycc(picked)
    if alpha is not None and is_premultiplied:
        picked = straight(picked, alpha)
    return picked, alpha


def _from_sycc(colours: Levels) -> Levels:
    """Return sRGB of sYCC (IEC 61966-2-1, annex F)."""
    top = np.iinfo(colours.dtype).max
    y, cb, cr = (colours[..., c].astype(np.float32) for c in range(3))
    cb, cr = cb - (top + 1) / 2, cr - (top + 1) / 2
    rgb = [y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb]
    converted: Levels = np.stack(rgb, axis=-1).clip(0, top).round().astype(colours.dtype)
    return converted
