"""What a file is, by its content: which reader takes it, or what it is called if none does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from impasto.errors import PictureError
from impasto.image.formats import FORMATS
from impasto.image.tiff_tags import directories

__all__ = ["Kind", "Reader", "kind_of", "refusal"]

Reader = Literal["pillow", "tiff", "heif", "raw", "jxl"]

_HEAD = 4096  # bytes that are looked at
_TGA_FOOT = 26  # Truevision TGA 2.0, "TGA File Footer"


@dataclass(frozen=True)
class Kind:
    """What a file is.

    Attributes:
        name: with its article, as a message calls it.
        reader: what reads it; None for what is not read.
        pillow: the only format that Pillow may take it for, where its content does not tell.
        is_picture: whether it is a picture, of a kind that is perhaps not read.
        advice: what to do with a file that is not read.
    """

    name: str
    reader: Reader | None = None
    pillow: str | None = None
    is_picture: bool = True
    advice: str = ""


def kind_of(path: Path) -> Kind | None:
    """Return what the file is, or None if it is for Pillow to find out.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
        if head[4:8] == b"ftyp":
            return _of_brand(head)
        for pattern, kind in _SIGNATURES:
            if pattern.match(head):
                return kind
        if _TIFF.match(head):
            return _raw_tiff(file, head, path.suffix.lower()) or _TIFF_KIND
        if (by_suffix := _TAKEN_BY_SUFFIX.get(path.suffix.lower())) and not _PILLOW.match(head):
            return by_suffix
        if _PILLOW.match(head):
            return None
        file.seek(0, 2)
        file.seek(max(0, file.tell() - _TGA_FOOT))
        if file.read().endswith(b"TRUEVISION-XFILE.\0"):
            return _TGA
    return _text(head)


def refusal(kind: Kind | None, name: str) -> PictureError:
    """Return the error for a file that is none of the pictures that are read."""
    if kind is None:
        formats = [row.name for row in FORMATS]
        return PictureError(
            f"{name} is not a picture that can be read, or its beginning is damaged: give a "
            f"{', '.join(formats[:-1])} or {formats[-1]}."
        )
    read = ", a kind of picture that is not read" if kind.is_picture else ", not a picture"
    return PictureError(f"{name} is {kind.name}{read}: {kind.advice}.")


# --- containers of several kinds ---

_FRAME = "save one of its frames as PNG or JPEG first"
_SAVE = "save it as PNG or TIFF first"


def _film(name: str) -> Kind:
    return Kind(f"a film ({name})", is_picture=False, advice=_FRAME)


def _sound(name: str) -> Kind:
    return Kind(f"sound ({name})", is_picture=False, advice="give a photograph or a painting")


def _document(name: str, advice: str) -> Kind:
    return Kind(name, is_picture=False, advice=advice)


def _unread(name: str, advice: str = _SAVE) -> Kind:
    return Kind(name, advice=advice)


_HEIC = Kind("a HEIC picture, as iPhones take them", "heif")
_HEIF = Kind("a HEIF picture", "heif")
_TIFF_KIND = Kind("a TIFF", "tiff")
_TGA = Kind("a TGA", "pillow", "TGA")
_JPEG_XL = Kind("a JPEG XL picture", "jxl")

# Brands of the ISO base media format (mp4ra.org).
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"}
_HEIF_BRANDS = {b"mif1", b"mif2", b"mif3", b"msf1", b"miaf", b"MiHE", b"jpeg", b"vvic", b"evmi"}
_SOUND_BRANDS = {b"M4A ", b"M4B ", b"M4P "}


def _of_brand(head: bytes) -> Kind | None:
    """Return the kind of a file that begins with the brands that it can be read as."""
    length = min(int.from_bytes(head[:4], "big"), len(head))
    major = head[8:12]
    brands = {major, *(head[at : at + 4] for at in range(16, length - 3, 4))}
    if major == b"crx ":
        return Kind("a camera RAW (Canon CR3)", "raw")
    if brands & _AVIF_BRANDS:
        return None
    if brands & _HEIC_BRANDS:
        return _HEIC
    if brands & _HEIF_BRANDS:
        return _HEIF
    if major in _SOUND_BRANDS:
        return _sound("M4A")
    return _film("QuickTime" if major == b"qt  " else "MP4")


# TIFF's own magic; the other two are BigTIFF's and a few programs' wrong order.
_TIFF = re.compile(rb"II[*+]\0|MM\0[*+]|MM\*\0|II\0\*", re.DOTALL)

_PHOTOMETRIC, _COMPRESSION, _DNG_VERSION = 262, 259, 50706
_SENSOR = {32803, 34892}  # photometric: a colour filter array, linear raw
_RAW_COMPRESSIONS = {32767, 34713, 65535}  # Sony, Nikon, Pentax


def _raw_tiff(file: BinaryIO, head: bytes, suffix: str) -> Kind | None:
    """Return the kind of a TIFF that holds what a camera's sensor measured."""
    if head[8:10] == b"CR":
        return Kind("a camera RAW (Canon CR2)", "raw")
    for index, tags in enumerate(directories(file)):
        if index == 0 and _DNG_VERSION in tags:
            return Kind("a camera RAW (DNG)", "raw")
        is_sensor = set(tags.get(_PHOTOMETRIC, ())) & _SENSOR
        if is_sensor or set(tags.get(_COMPRESSION, ())) & _RAW_COMPRESSIONS:
            return Kind(f"a camera RAW ({_maker(suffix)})", "raw")
    if suffix in _RAW_SUFFIXES:
        return Kind(f"a camera RAW ({_maker(suffix)})", "raw")
    return None


def _maker(suffix: str) -> str:
    return suffix[1:].upper() if suffix in _RAW_SUFFIXES else "TIFF"


_RAW_SUFFIXES = {suffix for row in FORMATS if row.extra == "raw" for suffix in row.suffixes}


# --- signatures ---


def _signatures(*rows: tuple[bytes, Kind]) -> list[tuple[re.Pattern[bytes], Kind]]:
    return [(re.compile(pattern, re.DOTALL), kind) for pattern, kind in rows]


_UNPACK = "unpack it and give the pictures in it"
_SVG = _document("an SVG drawing, made of lines and not of pixels", "export it as PNG first")
_WEB = _document(
    "a web page (HTML)", "open it in a browser and save the picture that you want by itself"
)

_SIGNATURES = _signatures(
    # Pictures that are read.
    (rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n", _JPEG_XL),
    (rb"IIR[OS]|MMOR", Kind("a camera RAW (Olympus ORF)", "raw")),
    (rb"IIU\0", Kind("a camera RAW (Panasonic RW2)", "raw")),
    (rb"FUJIFILMCCD-RAW", Kind("a camera RAW (Fujifilm RAF)", "raw")),
    (rb"II\x1a\0\0\0HEAPCCDR", Kind("a camera RAW (Canon CRW)", "raw")),
    (rb"\0MRM", Kind("a camera RAW (Minolta MRW)", "raw")),
    (rb"FOVb", Kind("a camera RAW (Sigma X3F)", "raw")),
    # Pictures that are not.
    (rb"8BPS", _unread("a Photoshop document (PSD)")),
    (rb"gimp xcf", _unread("a GIMP document (XCF)")),
    (rb"v/1\x01", _unread("an OpenEXR picture", "tone-map it, and save it as 16-bit PNG or TIFF")),
    (rb"#\?(RADIANCE|RGBE)", _unread("a Radiance HDR picture", "tone-map it, and save it as PNG")),
    (rb"\0\0[\x01\x02]\0[\x01-\xff]\0", _unread("an icon (ICO)")),
    (rb"icns", _unread("an icon (ICNS)")),
    (rb"SIMPLE  = ", _unread("a FITS picture", "stretch it, and save it as 16-bit PNG or TIFF")),
    (rb".{128}DICM", _unread("a DICOM picture", "export it as PNG or TIFF first")),
    (rb"DDS ", _unread("a DirectDraw surface (DDS)")),
    (rb"qoif", _unread("a QOI picture")),
    (rb"AT&TFORM", _unread("a DjVu document", "export the page as PNG first")),
    (rb"II\xbc\x01", _unread("a JPEG XR picture")),
    # Documents.
    (rb"%PDF-", _document("a PDF document", "export the page or the picture in it as PNG first")),
    (rb"%!PS|\xc5\xd0\xd3\xc6", _document("a PostScript drawing (EPS)", "export it as PNG first")),
    (rb"(\xef\xbb\xbf)?\s*(<\?xml.*?)?(<!--.*?-->\s*)?(<!DOCTYPE svg|<svg[\s>])", _SVG),
    (rb"(?i)(\xef\xbb\xbf)?\s*(<\?xml.*?)?(<!--.*?-->\s*)?(<!doctype html|<html[\s>])", _WEB),
    (rb"PK\x03\x04|PK\x05\x06", _document("a ZIP archive, or a document in one", _UNPACK)),
    (rb"Rar!|7z\xbc\xaf|\x1f\x8b|BZh\d|\xfd7zXZ|\x28\xb5\x2f\xfd", _document("packed", _UNPACK)),
    # Films and sound.
    (rb"....(moov|mdat|wide|pnot)", _film("QuickTime")),
    (rb"\x1a\x45\xdf\xa3.{,64}webm", _film("WebM")),
    (rb"\x1a\x45\xdf\xa3", _film("Matroska")),
    (rb"RIFF....AVI ", _film("AVI")),
    (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", _film("Windows Media")),
    (rb"FLV\x01", _film("Flash")),
    (rb"\0\0\x01[\xba\xb3]", _film("MPEG")),
    (rb"G.{187}G.{187}G", _film("MPEG-TS")),
    (rb"OggS.{24,40}(theora|\x80theora)", _film("Ogg")),
    (rb"OggS", _sound("Ogg")),
    (rb"RIFF....WAVE|RIFX....WAVE", _sound("WAV")),
    (rb"fLaC", _sound("FLAC")),
    (rb"ID3|\xff[\xfb\xf3\xf2]", _sound("MP3")),
    (rb"FORM....AIF", _sound("AIFF")),
    (rb"MThd", _sound("MIDI")),
)  # fmt: skip

# Formats without a signature are taken at their suffix's word.
_TAKEN_BY_SUFFIX = {".tga": _TGA, ".dib": Kind("a DIB", "pillow", "DIB")}
_PILLOW = re.compile(
    rb"\x89PNG|\xff\xd8|GIF8|BM|RIFF....WEBP|P[\dFfyY]|\xff\x4f\xff\x51|\0\0\0\x0cjP  ", re.DOTALL
)


def _text(head: bytes) -> Kind | None:
    """Return the kind of a file that consists of letters."""
    try:
        words = head.decode("utf-8", errors="strict" if len(head) < _HEAD else "ignore")
    except UnicodeDecodeError:
        return None
    if all(c.isprintable() or c in "\t\n\r\f" for c in words):
        return _document("text", "give a photograph or a painting")
    return None
