"""Small photographs with metadata in every format, put together without the code that is tested."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, PngImagePlugin
from PIL.TiffImagePlugin import IFDRational

__all__ = ["FORMATS", "iim", "make", "pillow_exif", "xmp_packet"]

FORMATS = ("jpg", "png", "tif", "webp", "avif", "jp2", "jxl", "heic")

XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF'
    ' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:exif="http://ns.adobe.com/exif/1.0/"'
    ' xmlns:tiff="http://ns.adobe.com/tiff/1.0/"'
    ' xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"'
    ' xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"'
    ' xmlns:xmpGImg="http://ns.adobe.com/xap/1.0/g/img/"'
    ' xmlns:impasto="urn:x-impasto:1"'
    ' xmlns:i="http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"'
    ' xmlns:e="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">'
    '<rdf:Description rdf:about="" photoshop:Credit="Agency &amp; Sons" photoshop:City="Paris-A"'
    ' exif:GPSLatitude="48,51N" tiff:Orientation="6" exif:PixelXDimension="4000">'
    '<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Tour &lt;Eiffel&gt; 塔</rdf:li></rdf:Alt>'
    "</dc:title>"
    "<i:CreatorContactInfo rdf:parseType='Resource'><i:CiEmailWork>me@example.org</i:CiEmailWork>"
    "</i:CreatorContactInfo><i:Location>Paris-B</i:Location>"
    "<e:LocationCreated><rdf:Bag><rdf:li rdf:parseType='Resource'><e:City>Paris-C</e:City></rdf:li>"
    "</rdf:Bag></e:LocationCreated><e:PersonInImage><rdf:Bag><rdf:li>Somebody</rdf:li></rdf:Bag>"
    "</e:PersonInImage><e:DigitalSourceType>digitalCapture</e:DigitalSourceType>"
    "<xmpMM:History><rdf:Seq><rdf:li>saved</rdf:li></rdf:Seq></xmpMM:History>"
    "<xmp:Thumbnails><rdf:Alt><rdf:li>AAAA</rdf:li></rdf:Alt></xmp:Thumbnails>"
    "<xmp:CreatorTool>Another program</xmp:CreatorTool><xmp:Rating>4</xmp:Rating>"
    "<impasto:recipe>{old}</impasto:recipe>"
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
)


def xmp_packet(old: str = "an old recipe") -> bytes:
    """A packet with some of everything."""
    return XMP.replace("{old}", old).encode()


def pillow_exif() -> Image.Exif:
    """EXIF data as a camera writes it, by Pillow."""
    exif = Image.Exif()
    exif.endian = ">"
    exif[0x010F], exif[0x0110], exif[0x0132] = "Cam", "Model X", "2024:05:06 07:08:09"
    exif[0x013B] = "José Müller".encode()  # UTF-8, as most programs write it
    exif[0x8298], exif[0x010E] = "(c) Example Person", "A tower"
    exif[0x0112], exif[0x0131] = 6, "Camera firmware 1.2"
    exif[0x011A], exif[0x011B], exif[0x0128] = 300.0, 300.0, 2
    exif[0x8769] = {
        0x829A: IFDRational(1, 250), 0x8827: 400,
        0x9003: "2024:05:06 07:08:09", 0xA434: "Lens 35mm",
        0x927C: b"MAKERNOTE" * 20, 0xA002: 4000, 0xA003: 3000, 0xA001: 65535,
        0x9286: b"UNICODE\0" + "größe".encode("utf-16-be"),
    }  # fmt: skip
    exif[0x8825] = {1: "N", 2: (48.0, 51.0, 24.0), 3: "E", 4: (2.0, 21.0, 3.0)}
    return exif


def exif_bytes(*, is_upright: bool = False) -> bytes:
    """The same with a thumbnail's directory after the first."""
    exif = pillow_exif()
    if is_upright:
        del exif[0x0112]
    data = bytearray(exif.tobytes())
    start = 6 + 8
    (count,) = struct.unpack_from(">H", data, start)
    struct.pack_into(">I", data, start + 2 + 12 * count, len(data) - 6)
    thumbnail = b"\xff\xd8THUMBNAIL\xff\xd9"
    entries = [(0x0103, 3, 1, 6 << 16), (0x0201, 4, 1, len(data) - 6 + 2 + 36 + 4),
               (0x0202, 4, 1, len(thumbnail))]  # fmt: skip
    data += struct.pack(">H", len(entries))
    data += b"".join(struct.pack(">HHII", *entry) for entry in entries) + bytes(4) + thumbnail
    return bytes(data)


def iim(**more: bytes) -> bytes:
    """IPTC's older form, in UTF-8."""
    sets = [(1, 90, b"\x1b%G"), (2, 0, b"\0\4"), (2, 80, "José Müller".encode()),
            (2, 25, b"tower"), (2, 25, b"iron"), (2, 90, b"Paris-D"), (2, 103, b"job 7"),
            *((2, int(number[1:]), value) for number, value in more.items())]  # fmt: skip
    return b"".join(struct.pack(">BBBH", 28, r, n, len(v)) + v for r, n, v in sets)


def make(path: Path, *, width: int = 48, height: int = 32, **parts: Any) -> Path:
    """Write a photograph by Pillow, of the suffix's format.

    `exif`, `xmp` and `iptc` may be bytes; None leaves a part out.
    """
    kind = path.suffix
    # Pillow would write an orientation into an AVIF's own field, and the names as ASCII.
    exif = parts.get("exif", exif_bytes(is_upright=kind == ".avif"))
    xmp = parts.get("xmp", xmp_packet())
    iptc = parts.get("iptc", iim())
    dpi = parts.get("dpi", (300, 300))
    ramp = np.linspace(40, 210, width * height * 3).reshape(height, width, 3).astype(np.uint8)
    image = Image.fromarray(ramp)
    more: dict[str, Any] = {} if dpi is None else {"dpi": dpi}
    if kind == ".jpg":
        block = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(iptc or b"")) + (iptc or b"")
        block = b"Photoshop 3.0\0" + block + bytes(len(block) % 2)
        extra = b"\xff\xed" + struct.pack(">H", len(block) + 2) + block if iptc else b""
        image.save(path, exif=exif or b"", xmp=xmp, extra=extra, **more)
    elif kind == ".png":
        texts = PngImagePlugin.PngInfo()
        texts.add_text("Author", "José Müller")
        texts.add_text("impasto", "an old recipe")
        texts.add_itxt("XML:com.adobe.xmp", (xmp or b"").decode("utf-8", "replace"))
        if iptc:
            lines = f"\niptc\n{len(iptc):8}\n{iptc.hex()}\n"
            texts.add_text("Raw profile type iptc", lines, zip=True)
        image.save(path, pnginfo=texts, exif=exif or b"", **more)
    elif kind == ".tif":
        _tiff(path, image, exif, xmp, iptc, dpi)
    elif kind == ".jxl":
        _jxl(path, ramp, exif, xmp)
    elif kind == ".heic":
        library = pytest.importorskip("pillow_heif")
        library.from_pillow(image).save(path, quality=90, exif=exif, xmp=xmp)
    elif kind == ".jp2":
        _jp2(path, image, exif, xmp, iptc)
    else:
        image.save(path, exif=exif or b"", xmp=xmp or b"")
    return path


def _tiff(path: Path, image: Image.Image, exif: Any, xmp: Any, iptc: Any, dpi: Any) -> None:
    fields = {} if dpi is None else {282: dpi[0], 283: dpi[1], 296: 2}
    info: Any = Image.Exif()
    if exif:
        info.load(exif)
        info[315] = "José Müller".encode()  # which Pillow would write as ASCII
    for tag, value in fields.items():
        info[tag] = value
    if xmp:
        info[700] = xmp
    if iptc:
        info[33723] = iptc
    image.save(path, exif=info)


def _jp2(path: Path, image: Image.Image, exif: Any, xmp: Any, iptc: Any) -> None:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG2000")
    kinds = {b"JpgTiffExif->JP2": (exif or b"").removeprefix(b"Exif\0\0"),
             bytes.fromhex("be7acfcb97a942e89c71999491e3afac"): xmp,
             bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38"): iptc}  # fmt: skip
    data = buffer.getvalue()
    for name, part in kinds.items():
        if part:
            data += struct.pack(">I4s", 24 + len(part), b"uuid") + name + part
    path.write_bytes(data)


def _jxl(path: Path, ramp: Any, exif: Any, xmp: Any) -> None:
    codecs = pytest.importorskip("imagecodecs")
    data = codecs.jpegxl_encode(ramp, usecontainer=True)
    exif = bytes(4) + (exif or b"").removeprefix(b"Exif\0\0")
    for kind, part in ((b"Exif", exif), (b"xml ", xmp or b"")):
        data += struct.pack(">I4s", 8 + len(part), kind) + part
    path.write_bytes(data)


def tags(path: Path) -> dict[int, Any]:
    """The tags of a TIFF file's first directory, by tifffile."""
    with tifffile.TiffFile(path) as file:
        return {tag.code: tag.value for tag in file.pages[0].tags}  # type: ignore[union-attr]
