"""What a PNG's chunks say of its colours: cICP, iCCP, sRGB, gAMA and cHRM.

The first of them that there is counts (W3C PNG, third edition, 4.3).
"""

from __future__ import annotations

import logging
import struct
from functools import partial
from pathlib import Path

from PIL import Image

from impasto.image import transfers
from impasto.image.cicp import CodePoints, Conversion, curve_to_srgb, to_srgb
from impasto.image.primaries import BT709, Primaries, matrix

__all__ = ["conversion"]

_KINDS = {b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM"}
_AFTER = {b"PLTE", b"IDAT", b"IEND"}  # they come before these
_MOST_BYTES = 32  # of those that are looked at; a profile is read by Pillow
_SRGB_GAMMA = 45_455  # the specification's, 1/2.2, for sRGB
_SRGB_CHROMATICITIES = (31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000)
_SAME = 100  # hundred-thousandths of x and y that programs round differently

_IGNORED = "%s: its colour information is ignored (%s)."

_log = logging.getLogger(__name__)


def conversion(path: Path, image: Image.Image, name: str) -> Conversion | None:
    """Return what turns the decoded colours into sRGB; None if they are, or have a profile.

    Code points take precedence over a profile, which is then taken from the image. Chunks that
    cannot be used are ignored, with a warning in the log: the next ones count.

    Args:
        image: the file, opened by Pillow.
        name: of the file, for messages.
    """
    chunks = _chunks(path)
    if b"cICP" in chunks:
        try:
            converted = _of_code_points(chunks[b"cICP"], name)
        except (struct.error, ValueError) as problem:
            _log.warning(_IGNORED, name, problem)
        else:
            image.info.pop("icc_profile", None)
            return converted
    if b"iCCP" in chunks or b"sRGB" in chunks:
        return None
    try:
        return _of_gamma(chunks)
    except (struct.error, ValueError) as problem:
        _log.warning(_IGNORED, name, problem)
        return None


def _of_code_points(data: bytes, name: str) -> Conversion | None:
    primaries, transfer, matrix_code, is_full_range = struct.unpack(">4B", data)
    if matrix_code != 0:  # 11.3.2.6: "only RGB"
        raise ValueError(f"a cICP chunk with the matrix {matrix_code}, and not 0")
    points = CodePoints(primaries, transfer, is_full_range != 0)
    return None if points.is_srgb else partial(to_srgb, points=points, name=name)


def _of_gamma(chunks: dict[bytes, bytes]) -> Conversion | None:
    """Return the conversion by gAMA, cHRM or both; each alone leaves the other as sRGB's."""
    curve: transfers.Curve = transfers.srgb
    source, is_gamma_srgb = BT709, True
    if b"gAMA" in chunks:
        (gamma,) = struct.unpack(">I", chunks[b"gAMA"])
        if gamma == 0:
            raise ValueError("a gamma of 0")
        is_gamma_srgb = gamma == _SRGB_GAMMA
        curve = transfers.power(100_000 / gamma)
    if b"cHRM" in chunks:
        numbers = struct.unpack(">8I", chunks[b"cHRM"])
        if any(abs(a - b) > _SAME for a, b in zip(numbers, _SRGB_CHROMATICITIES, strict=True)):
            source = _primaries(numbers)
    if source is BT709 and is_gamma_srgb:
        return None
    matrix(source, BT709)  # fails now, and not when the pixels are decoded
    return partial(curve_to_srgb, curve=curve, source=source)


def _primaries(numbers: tuple[int, ...]) -> Primaries:
    x, y = ([n / 100_000 for n in numbers[start::2]] for start in (0, 1))
    white, red, green, blue = zip(x, y, strict=True)
    return Primaries(red, green, blue, white)


def _chunks(path: Path) -> dict[bytes, bytes]:
    """Return the first chunk of each kind; `header_limits` has counted them."""
    chunks: dict[bytes, bytes] = {}
    with path.open("rb") as file:
        file.seek(8)
        while len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            if kind in _AFTER:
                break
            data = file.read(min(length, _MOST_BYTES)) if kind in _KINDS else b""
            if kind in _KINDS:
                chunks.setdefault(kind, data)
            file.seek(length - len(data) + 4, 1)
    return chunks
