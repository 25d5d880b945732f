"""Hostile files: for every reader the files it accepts, made wrong in every way that comes to mind.

`READERS` is the table: a reader gets a file's bytes and either gives a value, which then has to be
what it promises, or raises an `ImpastoError` of one line. `runs/fuzz.py` runs it at length.
"""

from __future__ import annotations

import functools
import importlib.util
import io
import json
import os
import random
import struct
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch
from hypothesis import strategies as st
from PIL import Image
from rich.console import Console
from safetensors.torch import save
from written import write_dng, write_heic

from impasto.cli.cards import show
from impasto.config.methods import GatysConfig
from impasto.config.recipe import ROLES, Input, Recipe, Stop
from impasto.engine.snapshots import Snapshot
from impasto.engine.step import Step
from impasto.errors import ImpastoError
from impasto.features import checkpoint
from impasto.features.backbones import BACKBONES
from impasto.image import opening, reading, writing
from impasto.image.picture import Picture
from impasto.image.reading import depth
from impasto.jobs.manifest import FILE, Entry, MadeOf, Manifest, Sheet
from impasto.jobs.queue.job import Job, Source
from impasto.losses.moments import Moments
from impasto.painting.inputs import read_map
from impasto.run import state as run_state
from impasto.run.folder import locked_folder
from impasto.run.record import Goal, Record
from impasto.sketch.index import Entry as IndexEntry
from impasto.sketch.index import read_index, write_index
from impasto.sketch.signature import Signature
from impasto.styles import card as cards
from impasto.styles.about import About, read_about, read_swatch
from impasto.training import state

__all__ = ["READERS", "Reader", "attempt"]

Bytes = st.SearchStrategy[bytes]

# What a field may be set to: nothing, one, every bound of every width, and their neighbours.
_NUMBERS = sorted({(1 << n) + d for n in (0, 7, 8, 15, 16, 24, 31, 32, 63) for d in (-1, 0, 1)})


@dataclass(frozen=True)
class Reader:
    """A reader of files.

    Attributes:
        files: wrong files, and some that are right.
        valid: makes files that it accepts, once; to be called before any of `files` is drawn.
        name: what the file is called.
        read: reads one; raises AssertionError for a value that is not as promised.
    """

    valid: Callable[[], list[bytes]]
    files: Bytes
    name: str
    read: Callable[[Path], object]


def attempt(reader: Reader, data: bytes, folder: Path) -> bool:
    """Let a reader read these bytes; whether it accepted them.

    Raises:
        AssertionError: it gave something wrong, or a complaint that is none.
    """
    path = folder / reader.name
    path.write_bytes(data)
    try:
        reader.read(path)
    except ImpastoError as error:
        message = str(error)
        assert 10 < len(message) < 1000, message
        assert message.isprintable(), message
        assert "Traceback" not in message
        return False
    return True


# --- making files wrong ---


@st.composite
def spoilt(draw: st.DrawFn, seeds: Callable[[], list[bytes]]) -> bytes:
    """A valid file with up to eight faults: flipped bits, wrong numbers, cuts, repeats, splices."""
    state = random.getstate()  # makers of files name temporary ones by chance
    valid = seeds()
    random.setstate(state)
    data = bytearray(draw(st.sampled_from(valid)))
    # One number draws all faults: a thousand draws a file would take longer than to read it.
    dice = random.Random(draw(st.integers(0, 2**64 - 1)))
    for _ in range(draw(st.integers(0, 8))):
        if data:
            _FAULTS[dice.randrange(len(_FAULTS))](dice, data, valid)
    return bytes(data)


def _at(dice: random.Random, data: bytearray) -> int:
    """Mostly in the beginning, where headers are, or the end."""
    where = dice.random()
    if where < 0.5:
        return dice.randrange(min(len(data), 256))
    return dice.randrange(len(data)) if where < 0.9 else max(0, len(data) - dice.randint(1, 64))


def _flip(dice: random.Random, data: bytearray, _: list[bytes]) -> None:
    data[_at(dice, data)] ^= 1 << dice.randrange(8)


def _set(dice: random.Random, data: bytearray, _: list[bytes]) -> None:
    data[_at(dice, data)] = dice.choice([0, 1, 0x7F, 0x80, 0xFF, dice.randrange(256)])


def _number(dice: random.Random, data: bytearray, _: list[bytes]) -> None:
    code = dice.choice(["<H", ">H", "<I", ">I", "<Q", ">Q"])
    size = struct.calcsize(code)
    at = _at(dice, data)
    data[at : at + size] = struct.pack(code, dice.choice(_NUMBERS) % (1 << 8 * size))


def _cut(dice: random.Random, data: bytearray, _: list[bytes]) -> None:
    del data[_at(dice, data) :]


def _remove(dice: random.Random, data: bytearray, _: list[bytes]) -> None:
    at = _at(dice, data)
    del data[at : at + dice.randint(1, 64)]


def _repeat(dice: random.Random, data: bytearray, _: list[bytes]) -> None:
    at = _at(dice, data)
    data[at:at] = data[at : at + dice.randint(1, 64)] * dice.choice([1, 2, 100])


def _insert(dice: random.Random, data: bytearray, _: list[bytes]) -> None:
    at = _at(dice, data)
    data[at:at] = dice.choice([dice.randbytes(dice.randint(1, 32)), bytes(16), b"\xff" * 16])


def _splice(dice: random.Random, data: bytearray, valid: list[bytes]) -> None:
    other = dice.choice(valid)
    data[_at(dice, data) :] = other[dice.randrange(len(other)) :]


_FAULTS = [_flip, _flip, _set, _number, _number, _cut, _remove, _repeat, _insert, _splice]


# --- pictures ---


def _levels(height: int, width: int, channels: int) -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)
    return noise.squeeze(2) if channels == 1 else noise


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@functools.cache
def _pictures() -> list[bytes]:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x0131] = "a camera"
    colour, alpha = (Image.fromarray(_levels(13, 17, n)) for n in (3, 4))
    grey = Image.fromarray(_levels(13, 17, 1))
    tagged = {"exif": exif, "icc_profile": writing.to_pil(_blank()).info["icc_profile"]}
    found = [_saved(colour, kind, **tagged) for kind in ("PNG", "JPEG", "WEBP", "TIFF", "AVIF")]
    found += [_saved(alpha, kind) for kind in ("PNG", "WEBP", "TIFF", "JPEG2000")]
    found += [_saved(grey, kind) for kind in ("PNG", "JPEG", "GIF", "BMP", "PPM", "JPEG2000")]
    found += [_saved(grey.convert("1"), kind) for kind in ("PNG", "TIFF", "PPM", "BMP")]
    found += [_saved(colour.convert("P"), kind) for kind in ("PNG", "GIF", "TIFF", "BMP")]
    found += [_saved(colour.convert("CMYK"), kind) for kind in ("JPEG", "TIFF")]
    found += [_saved(colour, "JPEG", progressive=True), _saved(colour, "JPEG", comment=b"words")]
    found += [
        _saved(colour, "TIFF", compression=execution)
        for execution in ("tiff_lzw", "packbits", "tiff_adobe_deflate", "jpeg")
    ]
    found += [_saved(grey.convert("F"), "TIFF"), _saved(grey.convert("I;16"), "PNG")]
    found += [_saved(grey.convert("1"), "TIFF", compression="group4")]
    found.append(_saved(colour, "GIF", save_all=True, append_images=[colour.rotate(90)]))
    found += _coloured(colour)
    found += [*_painted(), b"P3 2 1 9 1 2 3 4 5 6\n", b"P6 2 2 77 " + bytes(range(12))]
    return found


@functools.cache
def _tiffs() -> list[bytes]:
    """TIFFs that Pillow does not read."""
    colour = _levels(13, 17, 3)
    deep, planes = colour.astype(np.uint16) * 257, np.moveaxis(colour, -1, 0)
    written: list[tuple[np.ndarray, dict[str, Any]]] = [
        (deep, {"photometric": "rgb", "compression": "zlib", "predictor": True}),
        (deep, {"photometric": "rgb", "byteorder": ">", "bigtiff": True, "tile": (16, 16)}),
        (planes, {"photometric": "rgb", "planarconfig": "separate", "rowsperstrip": 4}),
        (planes, {"photometric": "rgb", "planarconfig": "separate", "compression": "lzma"}),
        (colour / 255, {"photometric": "rgb"}),
        ((colour / 255).astype(np.float16), {"photometric": "rgb", "compression": "zlib"}),
        (colour[..., 0].astype(np.uint32) << 24, {"photometric": "miniswhite"}),
        (colour, {"photometric": "cielab"}),
        (_levels(13, 17, 4).astype(np.uint16), {"photometric": "separated"}),
        (_levels(13, 17, 2), {"photometric": "minisblack", "planarconfig": "contig",
                              "extrasamples": ["assocalpha"]}),
    ]  # fmt: skip
    if importlib.util.find_spec("imagecodecs"):
        codecs = ("lzw", "zstd", "webp", "jpegxl", "lerc", "jpeg2000", "png", "packbits")
        written += [(colour, {"photometric": "rgb", "compression": name}) for name in codecs]
        written += [(planes, {"photometric": "rgb", "planarconfig": "separate",
                              "compression": "jpeg"})]  # fmt: skip
    files = []
    for values, options in written:
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, values, metadata=None, **options)
        files.append(buffer.getvalue())
    return files


@functools.cache
def _of_extras() -> list[bytes]:
    """HEIC, camera RAW and JPEG XL, as far as what reads them is installed."""
    files = [_tiffs()[0]]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        if importlib.util.find_spec("rawpy"):
            files.append(write_dng(path, _levels(32, 48, 3) / 255).read_bytes())
        if importlib.util.find_spec("pillow_heif"):
            files += [write_heic(path, _levels(16, 24, 3), bits).read_bytes() for bits in (8, 10)]
        if importlib.util.find_spec("imagecodecs"):
            from imagecodecs import jpegxl_encode

            files += [bytes(jpegxl_encode(_levels(16, 24, n), lossless=True)) for n in (1, 3)]
    return files


def _coloured(image: Image.Image) -> list[bytes]:
    """Pictures that describe their colours, and the order of their channels."""
    plain, avif, jp2 = (_saved(image, kind) for kind in ("PNG", "AVIF", "JPEG2000"))
    chunks = [(b"cICP", bytes([9, 16, 0, 1])), (b"gAMA", struct.pack(">I", 100_000))]
    chunks.append(
        (b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 1500, 600))
    )
    files = [plain[:33] + _chunk(*part) + plain[33:] for part in chunks]
    at = avif.index(b"colrnclx") + 8
    files += [
        avif[:at] + struct.pack(">HH", *points) + avif[at + 4 :] for points in ((9, 16), (12, 18))
    ]
    order = b"cdef" + struct.pack(">10H", 3, 0, 0, 3, 1, 0, 2, 2, 0, 1)
    entries = b"pclr" + struct.pack(">HB", 2, 3) + b"\7\7\7" + bytes(range(6))
    columns = b"cmap" + struct.pack(">HBB", 0, 1, 2) * 3
    for parts in ([order], [entries, columns], [entries, columns, order]):
        boxes = b"".join(struct.pack(">I", 4 + len(part)) + part for part in parts)
        head = jp2.index(b"jp2h") - 4
        size = int.from_bytes(jp2[head : head + 4], "big")
        inner = jp2[head + 4 : head + size] + boxes
        files.append(jp2[:head] + struct.pack(">I", size + len(boxes)) + inner + jp2[head + size :])
    return files


def _blank() -> Picture:
    return Picture(torch.rand(1, 3, 9, 11, generator=torch.Generator().manual_seed(0)))


def _recipe() -> Recipe:
    given = (
        Input("content", "photos/a.jpg", "sha256:" + "0" * 64),
        Input("style", "starry-night", "sha256:" + "1" * 64, ":0.5:fine"),
        Input("region", "b.png", "sha256:" + "2" * 64, "#ff0000"),
    )
    digest = "sha256:" + "3" * 64
    return Recipe("gatys", asdict(GatysConfig()), given, digest, "1.0", 2, Stop(1, 4))


@functools.cache
def _painted() -> list[bytes]:
    """Pictures that carry a recipe."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for suffix, bits in ((".png", 8), (".png", 16), (".tif", 16), (".jpg", 8), (".webp", 8)):
            path = Path(folder) / f"{bits}{suffix}"
            writing.write(_blank(), path, recipe=_recipe().to_json(), bits=bits)  # type: ignore[arg-type]
            found.append(path.read_bytes())
    return found


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


_KINDS = (
    b"IDAT IEND PLTE tRNS iCCP iTXt zTXt tEXt eXIf gAMA cHRM sRGB cICP sBIT pHYs acTL fcTL fdAT"
)
_side = st.one_of(st.integers(0, 9), st.sampled_from([2**14, 2**16, 2**31 - 1, 2**31, 2**32 - 1]))
_blob = st.one_of(
    st.binary(max_size=40),
    st.binary(max_size=40).map(zlib.compress),
    st.binary(max_size=20).map(lambda more: b"impasto\0" + more),
    st.sampled_from([b"icc\0\0" + zlib.compress(bytes(10**6)), b"a\0\0" + b"x" * 3000]),
    st.just(b"impasto\0\1\0\0\0" + zlib.compress(b" " * 3 * 10**6)),
)


@st.composite
def _chunks(draw: st.DrawFn) -> bytes:
    """A PNG of any header and any chunks, each with the right checksum."""
    header = struct.pack(
        ">IIBBBBB",
        draw(_side),
        draw(_side),
        draw(st.sampled_from([1, 2, 4, 8, 16, 3, 255])),
        draw(st.sampled_from([0, 2, 3, 4, 6, 1, 255])),
        *(draw(st.sampled_from([0, 0, 0, 1, 255])) for _ in range(3)),
    )
    kinds = st.sampled_from(_KINDS.split())
    rest = draw(st.lists(st.tuples(kinds, _blob), max_size=8))
    body = b"".join(_chunk(*part) for part in [(b"IHDR", header), *rest])
    return b"\x89PNG\r\n\x1a\n" + body + draw(st.sampled_from([b"", _chunk(b"IEND", b"")]))


_TAGS = [254, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 282, 284, 317, 318, 320, 322]
_TAGS += [323, 324, 325, 330, 338, 339, 347, 529, 530, 532, 700, 33723, 34665, 34675, 34853, 40965]
_VALUES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 64, 0x7FFF, 0xFFFF, 2**31, 2**32 - 1]


@st.composite
def _directories(draw: st.DrawFn, prefix: bytes = b"") -> bytes:
    """A TIFF, or EXIF data, whose directory has any tags, of any type and number."""
    order = draw(st.sampled_from("<>"))
    # What makes a picture, then whatever else; a later entry of the same tag is the other's fault.
    size = draw(st.integers(1, 9))
    entries = {256: (4, 1, size), 257: (4, 1, size), 258: (3, 1, 8), 259: (3, 1, 1)}
    entries |= {262: (3, 1, 1), 273: (4, 1, 8), 277: (3, 1, 1), 279: (4, 1, size * size)}
    more = st.tuples(
        st.integers(1, 18),
        st.sampled_from([0, 1, 1, 1, 2, 3, 4, 100, 65536, 2**31, 2**32 - 1]),
        st.one_of(st.sampled_from(_VALUES), st.integers(0, 300)),
    )
    entries |= draw(st.dictionaries(st.sampled_from(_TAGS), more, max_size=6))
    data = bytes(range(100))
    start = 8 + len(data)
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, start)
    fields = b"".join(struct.pack(order + "HHII", tag, *rest) for tag, rest in entries.items())
    after = struct.pack(order + "I", draw(st.sampled_from([0, start, 8, 2**32 - 1])))
    return prefix + head + data + struct.pack(order + "H", len(entries)) + fields + after


@st.composite
def _segments(draw: st.DrawFn) -> bytes:
    """A JPEG with EXIF data, profiles and other segments that nobody checked."""
    whole = _pictures()[1]
    profile = draw(st.binary(max_size=200))
    exif = draw(_directories(prefix=b"Exif\0\0"))
    choices = [
        (0xE1, exif),
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0<impasto:recipe>" + profile + b"</impasto:recipe>"),
        (0xE2, b"ICC_PROFILE\0\1\1" + profile),
        (0xE2, b"MPF\0" + exif[6:]),
        (0xED, b"Photoshop 3.0\x008BIM" + profile),
        (0xFE, profile),
        (0xC4, profile[:60]),
        (0xDB, profile[:60]),
    ]
    parts = draw(st.lists(st.sampled_from(choices), max_size=4))
    return (
        whole[:2]
        + b"".join(struct.pack(">BBH", 255, kind, len(body) + 2) + body for kind, body in parts)
        + whole[2:]
    )


@st.composite
def _profiled(draw: st.DrawFn) -> bytes:
    """A PNG of any mode with a spoilt colour profile."""
    profile = draw(spoilt(lambda: [writing.to_pil(_blank()).info["icc_profile"]]))
    mode = draw(st.sampled_from(["RGB", "L", "RGBA", "P", "I;16", "LA"]))
    image = Image.fromarray(_levels(5, 4, 1)).convert("L").convert(mode)
    return _saved(image, "PNG", icc_profile=profile or b"x")


_any_picture = st.one_of(
    spoilt(_pictures), spoilt(_pictures), _chunks(), _directories(), _segments(), _profiled()
)


def _check_picture(path: Path) -> None:
    picture = reading.read(path, max_pixels=2**22)
    for values, channels in ((picture.pixels, 3), (picture.alpha, 1)):
        if values is not None:
            assert values.shape == (1, channels, picture.height, picture.width)
            assert values.dtype == torch.float32
            assert 0 <= values.min() <= values.max() <= 1
    assert opening.digest(path).startswith("sha256:")


# --- recipes ---


def _check_recipe(recipe: Recipe) -> None:
    assert Recipe.from_json(recipe.to_json()) == recipe
    recipe.settings()


def _check_painted(path: Path) -> None:
    text = opening.read_recipe(path)
    assert depth(path) in (8, 16)
    if text is not None:
        _check_recipe(Recipe.from_json(text))


def _check_text(path: Path) -> None:
    _check_recipe(Recipe.from_json(path.read_text("utf-8", errors="surrogateescape")))


_json = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.sampled_from([2**63, -(2**64), 10**400, 1e308, float("inf"), float("nan"), 0.5]),
        st.text(max_size=12),
        st.sampled_from(["../../etc/passwd", "/dev/zero", "a\nb", "\x1b[2J", "\ud800", "x" * 9000]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
_RAW = [b"[" * 100_000, b'{"a":' * 50_000, b"1" * 6000, b" ", b"\xff\xfe{}", b"{}", b"{" * 10**7]
_raw = st.integers(0, len(_RAW) - 1).map(lambda index: _RAW[index])


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value, as the keys on the way there."""
    found = [path]
    if isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in inner:
            found += _places(part, (*path, key))
    return found


@st.composite
def altered(draw: st.DrawFn, seeds: Callable[[], list[bytes]]) -> bytes:
    """A valid document with one to three of its values replaced, removed, renamed or doubled."""
    value = json.loads(seeds()[0])
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(_places(value)))
        if not path:
            continue
        holder = functools.reduce(lambda part, key: part[key], path[:-1], value)
        execution = draw(st.sampled_from(["replace", "replace", "remove", "add"]))
        if execution == "replace":
            holder[path[-1]] = draw(_json)
        elif execution == "remove":
            del holder[path[-1]]
        elif isinstance(holder, dict):
            holder[draw(st.text(max_size=6))] = draw(_json)
        else:
            holder.extend([draw(_json)] * draw(st.sampled_from([1, 100])))
    text = json.dumps(value)
    if draw(st.integers(0, 9)) == 0:  # a key twice
        text = text.replace("{", '{"format": 2, ', 1)
    return text.encode()


def documents(seeds: Callable[[], list[bytes]]) -> Bytes:
    """JSON like this, and not quite like it."""
    return st.one_of(altered(seeds), altered(seeds), spoilt(seeds), _raw)


# --- tensors ---

_DTYPES = ["F64", "F32", "F16", "BF16", "I64", "U8", "I8", "BOOL", "F8_E4M3", "C64", "F4", "x", ""]


@st.composite
def tensors(draw: st.DrawFn, seeds: Callable[[], list[bytes]]) -> bytes:
    """A safetensors file whose header lies: names, types, shapes, places, words."""
    data = draw(st.sampled_from(seeds()))
    (length,) = struct.unpack("<Q", data[:8])
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    for _ in range(draw(st.integers(0, 3))):
        key = draw(st.sampled_from(sorted(header)))
        entry = header[key]
        what = draw(st.sampled_from(["dtype", "shape", "data_offsets", "fit", "name", "gone"]))
        if what == "gone":
            del header[key]
        elif what == "name":
            header[draw(st.one_of(st.text(max_size=9), st.just("../x")))] = header.pop(key)
        elif key == "__metadata__":
            entry[draw(st.sampled_from([*entry, "more"]))] = draw(st.one_of(st.text(), _json))
        elif what == "dtype":
            entry["dtype"] = draw(st.sampled_from(_DTYPES))
        elif (
            what == "fit" and len(entry.get("data_offsets", ())) == 2
        ):  # another shape of as many values
            begin, end = (int(place) for place in entry["data_offsets"])
            size = {"F16": 2, "F32": 4}.get(entry["dtype"], 1)
            entry["shape"] = draw(st.sampled_from([[(end - begin) // size], [1, end - begin], []]))
        elif what != "fit":
            numbers = st.one_of(st.integers(0, 9), st.sampled_from([-1, 2**31, 2**63, 2**64, 1e9]))
            entry[what] = draw(st.lists(numbers, max_size=4))
        if not header:
            break
    text = json.dumps(header).encode()
    length = draw(st.sampled_from([len(text)] * 6 + [0, 1, len(text) - 1, 2**20, 2**40, 2**64 - 1]))
    return struct.pack("<Q", length) + text + body


@functools.cache
def _cards() -> list[bytes]:
    digest = "sha256:" + "0" * 64
    about = About("A title", "A painter", "1889", "CC0", ("#102030",), "compact", digest)
    drawn = torch.Generator().manual_seed(0)
    rows = torch.rand(1, 6, 9, generator=drawn)
    held = Moments(rows.mean(2), rows @ rows.mT / 9)
    swatch = torch.randint(0, 256, (3, 12, 10), generator=drawn, dtype=torch.uint8)
    card = cards.StyleCard(about, {n: {"relu1_1": held, "relu2_1": held} for n in (20, 40)}, swatch)
    with tempfile.TemporaryDirectory() as folder:
        cards.save(card, Path(folder) / "a.style")
        data = (Path(folder) / "a.style").read_bytes()
    # The same with a picture that claims far more than a swatch has.
    big = bytearray(data)
    at = big.index(b"VP8 ") + 14
    big[at : at + 4] = struct.pack("<HH", 16383, 16383)
    return [data, data, bytes(big)]


def _check_card(path: Path) -> None:
    card = cards.load(path)
    assert card.swatch.dtype == torch.uint8
    assert card.swatch[0].numel() <= 1_000_000
    for layers in card.measured.values():
        for held in layers.values():
            assert held.mean.isfinite().all()
            assert held.second.isfinite().all()
            assert held.second.shape == (1, held.mean.shape[1], held.mean.shape[1])


def _check_words(path: Path) -> None:
    about = read_about(path)
    assert About.from_metadata(about.to_metadata()) == about
    assert read_swatch(path)
    terminal = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor")
    show({"a": path}, terminal)


@functools.cache
def _weights() -> list[bytes]:
    drawn = torch.Generator().manual_seed(0)
    whole = {
        key: torch.randn(shape, generator=drawn).half()
        for key, shape in checkpoint.shapes(BACKBONES["compact"]).items()
    }
    few = {key: tensor for key, tensor in whole.items() if tensor.numel() < 500}
    return [save(whole), save(few), save(few, {"backbone": "compact"}), save({"a": torch.ones(2)})]


def _check_weights(path: Path) -> None:
    spec = BACKBONES["compact"]
    found = checkpoint.read_state(spec, path)
    assert {key: tuple(value.shape) for key, value in found.items()} == checkpoint.shapes(spec)
    assert all(value.isfinite().all() for value in found.values())


@functools.cache
def _pickles() -> list[bytes]:
    found = []
    tensors = {"features.0.weight": torch.ones(2, 3), "features.0.bias": torch.ones(2).half()}
    for value in (tensors, {"epoch": 1, **tensors}, [torch.ones(3)]):
        for is_zip in (True, False):
            buffer = io.BytesIO()
            torch.save(value, buffer, _use_new_zipfile_serialization=is_zip)
            found.append(buffer.getvalue())
    return found


def _check_pickle(path: Path) -> None:
    found = checkpoint.read_tensors(path)
    assert all(isinstance(key, str) for key in found)
    assert all(isinstance(value, torch.Tensor) for value in found.values())


def _check_training(path: Path) -> None:
    found, words = state.read(path)
    assert all(isinstance(value, torch.Tensor) for value in found.values())
    assert all(isinstance(value, str) for value in words.values())


# --- maps ---


@functools.cache
def _maps() -> list[bytes]:
    values = np.zeros((24, 30, 3), np.uint8)
    values[:12, :, 0], values[12:, 15:, 2] = 255, 200
    image = Image.fromarray(values)
    return [_saved(image, kind) for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")]


def _check_map(path: Path) -> None:
    found = read_map("content-map", path)
    assert 1 <= len(found.labels.colours) <= 16
    assert 0 <= found.labels.labels.min() <= found.labels.labels.max() < len(found.labels.colours)


@functools.cache
def _recipes() -> list[bytes]:
    return [_recipe().to_json().encode()]


# --- what a run and a batch leave ---

_MARK = "0123456789abcdef" * 2


@functools.cache
def _runs() -> list[bytes]:
    recipe, at = _recipe(), str(Path("/pictures/a.png"))
    digests = ("sha256:" + "4" * 64,)
    goal = Goal(at, preview_every=5, replaces=digests)
    places = {role: tuple(at for _ in recipe.of(role)) for role in ROLES}
    return [Record(recipe, places, goal, weights=at, mark=_MARK).to_json().encode()]


@functools.cache
def _jobs() -> list[bytes]:
    recipe, digest = _recipe(), "sha256:" + "5" * 64
    sources = (
        Source("content", "a.png", digest),
        Source("style", "b.png", digest, ":0.5"),
        Source("style", "starry-night", digest, is_kept=False),
        Source("weights", "vgg.pth", digest),
    )
    job = Job("a", recipe.method, recipe.config, sources, digest, "out.png", memory=10**9)
    return [job.to_json().encode()]


def _check_job(path: Path) -> None:
    job = Job.from_json(path.read_bytes().decode("ascii", "replace"))
    assert Job.from_json(job.to_json()) == job
    for source in job.sources:  # nothing outside of the folder is ever named
        parts = Path(source.place).parts
        assert parts[0] == "inputs" if source.is_kept else len(parts) == 1
        assert ".." not in parts


def _check_run(path: Path) -> None:
    with locked_folder(path.parent) as folder:
        record = folder.open()
    assert Record.from_json(record.to_json()) == record
    assert Path(record.goal.path).is_absolute()


def _step() -> Step:
    drawn = torch.Generator().manual_seed(0)
    whole = {name: torch.rand(1, 3, 7, 5, generator=drawn) for name in ("pixels", "before", "good")}
    whole["pair.0"] = torch.rand(1, 3, 7, 5, generator=drawn).half()
    snapshot = Snapshot(whole, {"rate": 0.5, "first": float("inf"), "retreats": 2})
    return Step(
        scale=1,
        scales=2,
        width=5,
        height=7,
        iteration=3,
        iterations=9,
        done=0.2,
        losses={"total": 1.0},
        image=lambda: whole["pixels"],
        snapshot=lambda: snapshot,
    )


@functools.cache
def _states() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.safetensors"
        run_state.save(path, _step(), _MARK)
        return [path.read_bytes()]


def _check_state(path: Path) -> None:
    saved = run_state.load(path, _MARK, longest=64)
    for name in saved.snapshot.tensors:
        tensor = saved.snapshot.tensors[name]
        assert tensor.shape[:2] == (1, 3)
        assert max(tensor.shape) <= 64
    for name in saved.snapshot.numbers:
        assert isinstance(saved.snapshot.number(name), float)


@functools.cache
def _batches() -> list[bytes]:
    digest = "sha256:" + "5" * 64
    made = MadeOf(digest, digest, digest)
    done = Entry("a.jpg", "b.jpg", "a-b.png", "done", digest, made, 1.5)
    failed = Entry("c.jpg", "b.jpg", "c-b.png", "failed", message="It is damaged.")
    sheet = Sheet("sheet.jpg", digest, digest)
    manifest = Manifest({e.output: e for e in (done, failed)}, {sheet.output: sheet})
    with tempfile.TemporaryDirectory() as folder:
        manifest.write(Path(folder))
        return [(Path(folder) / FILE).read_bytes()]


def _check_batch(path: Path) -> None:
    manifest = Manifest.read(path.parent)
    for name in (*manifest.entries, *manifest.sheets):
        assert (path.parent / name).parent == path.parent
        assert Path(name).name == name


@functools.cache
def _indices() -> list[bytes]:
    signature = Signature(*(np.full(n, 7, np.uint8) for n in ((2, 1764), (2, 2048), (144,))))
    rows = [(IndexEntry(name, 9, 8), signature) for name in ("a.png", "more/b.png")]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.index"
        write_index(path, Path(folder), rows)
        return [path.read_bytes()]


def _check_index(path: Path) -> None:
    index = read_index(path)
    for number in range(len(index)):
        assert os.path.normpath(index.path(number)).startswith(str(index.folder))
    for array in index.arrays.values():
        assert len(array) == len(index)
        assert array.tobytes() is not None  # all of it lies in the file


def _tensors_like(seeds: Callable[[], list[bytes]]) -> Bytes:
    return st.one_of(spoilt(seeds), tensors(seeds))


_spoilt_tiffs = st.one_of(spoilt(_tiffs), _directories())
_spoilt_maps = st.one_of(spoilt(_maps), _chunks(), _directories())
_spoilt_painted = st.one_of(spoilt(_painted), spoilt(_painted), _chunks(), _segments())
_weights_file = "weights.safetensors"

READERS: dict[str, Reader] = {
    "pictures": Reader(_pictures, _any_picture, "picture.png", _check_picture),
    "tiffs": Reader(_tiffs, _spoilt_tiffs, "picture.tif", _check_picture),
    "pictures of extras": Reader(_of_extras, spoilt(_of_extras), "picture", _check_picture),
    "maps": Reader(_maps, _spoilt_maps, "map.png", _check_map),
    "painted pictures": Reader(_painted, _spoilt_painted, "out.png", _check_painted),
    "recipes": Reader(_recipes, documents(_recipes), "recipe.json", _check_text),
    "cards": Reader(_cards, _tensors_like(_cards), "card.style", _check_card),
    "cards' words": Reader(_cards, _tensors_like(_cards), "card.style", _check_words),
    "weights": Reader(_weights, _tensors_like(_weights), _weights_file, _check_weights),
    "published weights": Reader(_pickles, spoilt(_pickles), "weights.pth", _check_pickle),
    "training checkpoints": Reader(
        _weights, _tensors_like(_weights), _weights_file, _check_training
    ),
    "jobs": Reader(_jobs, documents(_jobs), "job.json", _check_job),
    "runs": Reader(_runs, documents(_runs), "run.json", _check_run),
    "states of runs": Reader(_states, _tensors_like(_states), "state.safetensors", _check_state),
    "indices": Reader(_indices, _tensors_like(_indices), "a.index", _check_index),
    "batches": Reader(_batches, documents(_batches), FILE, _check_batch),
}
