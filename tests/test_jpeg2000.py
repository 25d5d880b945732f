"""JPEG 2000: what its boxes say of its channels, on files put together here box by box."""

from __future__ import annotations

import contextlib
import io
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from impasto.errors import PictureError
from impasto.image import reading
from impasto.installation import install_hint

COLOURS = [200, 100, 50]
OPACITY = 128
SRGB, GREY, SYCC, CMYK = 16, 17, 18, 12
NO_KIND = 65535


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body


def cdef(*rows: tuple[int, int, int]) -> bytes:
    """A Channel Definition box: channel, type (0 colour, 1 opacity, 2 premultiplied), colour."""
    return box(
        b"cdef", struct.pack(">H", len(rows)) + b"".join(struct.pack(">3H", *r) for r in rows)
    )


def flat(values: list[int]) -> np.ndarray:
    return np.zeros((8, 10, len(values)), np.uint8) + np.array(values, np.uint8)


def codestream(components: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    image = Image.fromarray(components if components.shape[-1] > 1 else components[..., 0])
    image.save(buffer, "JPEG2000", no_jp2=True)  # reversible, without a colour transform
    return buffer.getvalue()


def jp2(data: bytes, count: int, colour: bytes, *more: bytes, bits: int = 8) -> bytes:
    """A JP2 file of a codestream of 8 rows and 10 columns."""
    ihdr = box(b"ihdr", struct.pack(">IIHBBBB", 8, 10, count, bits - 1, 7, 0, 0))
    head = box(b"jp2h", ihdr + colour + b"".join(more))
    signature = box(b"jP  ", b"\r\n\x87\n") + box(b"ftyp", b"jp2 \0\0\0\0jp2 ")
    return signature + head + box(b"jp2c", data)


def enumerated(space: int) -> bytes:
    return box(b"colr", bytes([1, 0, 0]) + struct.pack(">I", space))


def read(path: Path, data: bytes) -> tuple[list[float], float | None]:
    """The colour and the opacity, 0 to 255, of the first pixel."""
    path.write_bytes(data)
    picture = reading.read(path)
    assert picture.pixels.shape == (1, 3, 8, 10)
    alpha = None if picture.alpha is None else float(picture.alpha[0, 0, 0, 0] * 255)
    return [float(v) for v in picture.pixels[0, :, 0, 0] * 255], alpha


def made(values: list[int], space: int, *more: bytes) -> bytes:
    return jp2(codestream(flat(values)), len(values), enumerated(space), *more)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.jp2"


R, G, B = COLOURS
ALPHA = OPACITY
ORDERS = {
    "as stored": ([R, G, B], (), None),
    "said to be so": ([R, G, B], ((0, 0, 1), (1, 0, 2), (2, 0, 3)), None),
    "blue first": ([B, G, R], ((0, 0, 3), (1, 0, 2), (2, 0, 1)), None),
    "rows in another order": ([B, G, R], ((2, 0, 1), (0, 0, 3), (1, 0, 2)), None),
    "opacity last": ([R, G, B, ALPHA], ((0, 0, 1), (1, 0, 2), (2, 0, 3), (3, 1, 0)), ALPHA),
    "opacity first": ([ALPHA, R, G, B], ((0, 1, 0), (1, 0, 1), (2, 0, 2), (3, 0, 3)), ALPHA),
    "both": ([ALPHA, B, G, R], ((0, 1, 0), (1, 0, 3), (2, 0, 2), (3, 0, 1)), ALPHA),
    "something else": (
        [R, G, B, ALPHA],
        ((0, 0, 1), (1, 0, 2), (2, 0, 3), (3, NO_KIND, NO_KIND)),
        None,
    ),
    "no definitions": ([R, G, B, ALPHA], (), ALPHA),
}


@pytest.mark.parametrize("name", ORDERS)
def test_channels_are_in_the_order_that_is_defined(name: str, path: Path) -> None:
    values, rows, opacity = ORDERS[name]
    definitions = [cdef(*rows)] if rows else []
    assert read(path, made(values, SRGB, *definitions)) == ([R, G, B], opacity)


def test_premultiplied_colours_are_divided(path: Path) -> None:
    stored = [round(c * OPACITY / 255) for c in COLOURS]
    rows = ((0, 0, 1), (1, 0, 2), (2, 0, 3), (3, 2, 0))
    colours, opacity = read(path, made([*stored, OPACITY], SRGB, cdef(*rows)))
    assert colours == pytest.approx(COLOURS, abs=1)
    assert opacity == OPACITY
    colours, _ = read(path, made([0, 0, 0, 0], SRGB, cdef(*rows)))
    assert colours == [0, 0, 0]


def test_grey_with_opacity_first(path: Path) -> None:
    data = made([OPACITY, 90], GREY, cdef((0, 1, 0), (1, 0, 1)))
    assert read(path, data) == ([90, 90, 90], OPACITY)


def test_sycc_of_another_order(path: Path) -> None:
    """IEC 61966-2-1, annex F: BT.601's Y'CbCr of full range."""
    y = 0.299 * R + 0.587 * G + 0.114 * B
    cb, cr = 128 + (B - y) / 1.772, 128 + (R - y) / 1.402
    stored = [round(v) for v in (y, cb, cr)]
    right = pytest.approx(COLOURS, abs=2)
    assert read(path, made(stored, SYCC))[0] == right
    reverse = cdef((0, 0, 3), (1, 0, 2), (2, 0, 1))
    assert read(path, made(stored[::-1], SYCC, reverse))[0] == right


def palette(*entries: list[int], bits: int = 8) -> bytes:
    columns = len(entries[0])
    layout = f">{columns}{'B' if bits == 8 else 'H'}"
    head = struct.pack(">HB", len(entries), columns) + bytes([bits - 1] * columns)
    return box(b"pclr", head + b"".join(struct.pack(layout, *entry) for entry in entries))


def cmap(*columns: int) -> bytes:
    return box(b"cmap", b"".join(struct.pack(">HBB", 0, 1, column) for column in columns))


PALETTE = [[1, 2, 3], COLOURS]


@pytest.mark.parametrize(("columns", "right"), [((0, 1, 2), [R, G, B]), ((2, 1, 0), [B, G, R])])
def test_palettes(columns: tuple[int, ...], right: list[int], path: Path) -> None:
    data = made([1], SRGB, palette(*PALETTE), cmap(*columns))
    assert read(path, data) == (right, None)


def test_palette_of_more_bits(path: Path) -> None:
    wide = [[c * 257 for c in entry] for entry in PALETTE]
    data = made([1], SRGB, palette(*wide, bits=16), cmap(0, 1, 2))
    assert read(path, data) == (COLOURS, None)


def test_palette_with_opacity_and_definitions(path: Path) -> None:
    entries = [[0, 0, 0, 0], [OPACITY, B, G, R]]
    rows = ((0, 1, 0), (1, 0, 3), (2, 0, 2), (3, 0, 1))
    data = made([1], SRGB, palette(*entries), cmap(0, 1, 2, 3), cdef(*rows))
    assert read(path, data) == (COLOURS, OPACITY)


def test_an_index_beyond_the_palette_is_its_last(path: Path) -> None:
    data = made([200], SRGB, palette(*PALETTE), cmap(0, 1, 2))
    assert read(path, data) == (COLOURS, None)


def test_a_restricted_profile_counts(path: Path) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # The same profile with linear curves: a gamma of 1 in place of sRGB's (ICC.1, 10.6).
    at = lab.index(b"rTRC")
    offset = int.from_bytes(lab[at + 4 : at + 8], "big")
    linear = b"curv" + bytes(4) + struct.pack(">I", 0)
    data = lab[:offset] + linear + lab[offset + len(linear) :]
    colour = box(b"colr", bytes([2, 0, 0]) + data)
    colours, _ = read(path, jp2(codestream(flat(COLOURS)), 3, colour))
    light = np.array(COLOURS) / 255
    right = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    assert colours == pytest.approx([float(v) * 255 for v in right], abs=2)


def deep(values: list[int], bits: int, *more: bytes) -> bytes:
    codecs = pytest.importorskip("imagecodecs", reason="it makes JPEG 2000 of 16 bits")
    components = np.zeros((8, 10, len(values)), np.uint16) + np.array(values, np.uint16)
    data = codecs.jpeg2k_encode(
        components, level=0, codecformat="j2k", reversible=True, mct=False, bitspersample=bits
    )
    return jp2(data, len(values), enumerated(SRGB), *more, bits=bits)


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_all_bits_are_read(bits: int, path: Path) -> None:
    values = [2**bits - 2, 2 ** (bits - 1) + 1, 3]
    colours, _ = read(path, deep(values, bits))
    assert colours == pytest.approx([v / (2**bits - 1) * 255 for v in values], abs=0.005)
    reverse = cdef((0, 0, 3), (1, 0, 2), (2, 0, 1))
    assert read(path, deep(values[::-1], bits, reverse))[0] == pytest.approx(colours)


def test_deep_indices_among_several_components_are_refused(path: Path) -> None:
    data = deep([1, 1, 1], 10, palette(*PALETTE), cmap(0, 1, 2))
    with pytest.raises(PictureError, match="indices of 10 bits, of which 8 can be read"):
        read(path, data)


def test_deep_opacity_first(path: Path) -> None:
    data = deep([30_000, 50_000, 1000, 7], 16, cdef((0, 1, 0), (1, 0, 1), (2, 0, 2), (3, 0, 3)))
    colours, opacity = read(path, data)
    assert colours == pytest.approx([v / 257 for v in (50_000, 1000, 7)], abs=0.002)
    assert opacity == pytest.approx(30_000 / 257, abs=0.002)


def test_without_the_codec_eight_bits_are_read(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    data = deep([50_003, 1000, 7], 16, cdef((0, 0, 3), (1, 0, 2), (2, 0, 1)))
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    colours, _ = read(path, data)
    assert colours == pytest.approx([0, 1000 / 257, 50_003 / 257], abs=1)
    assert f"16 bits, of which 8 are read: `{install_hint('codecs')}`" in caplog.text


@pytest.mark.parametrize("bad", [
    cdef((0, 0, 1), (1, 0, 1), (2, 0, 1)),
    cdef((0, 0, 1), (1, 0, 2), (2, 0, 7)),
    cdef((0, 1, 0), (1, 1, 0), (2, 1, 0)),
])  # fmt: skip
def test_definitions_without_sense_are_ignored(
    bad: bytes, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert read(path, made(COLOURS, SRGB, bad)) == (COLOURS, None)
    assert "channels is ignored" in caplog.text


@pytest.mark.parametrize("bad", [
    cdef((0, 0, 1), (0, 0, 2), (0, 0, 3)),
    cdef((0, 0, 1), (1, 0, 2), (7, 0, 3)),
    box(b"cdef", b"\xff\xff" + bytes(12)),
    box(b"cdef", b"\1"),
    box(b"pclr", b"\xff\xff\xff" + bytes(40)),
    box(b"pclr", b"\0\0\3\7\7\7"),
    box(b"colr", b""),
])  # fmt: skip
def test_boxes_that_are_damaged(bad: bytes, path: Path) -> None:
    """They are ignored, or Pillow's decoder does not get over them."""
    path.write_bytes(made(COLOURS, SRGB, bad))
    with contextlib.suppress(PictureError):
        assert reading.read(path).pixels.shape == (1, 3, 8, 10)


@pytest.mark.parametrize("columns", [(0, 1, 9), tuple([0] * 4000)])
def test_palettes_that_do_not_fit_are_used_in_order(
    columns: tuple[int, ...], path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = made([1], SRGB, palette(*PALETTE), cmap(*columns))
    assert read(path, data) == (COLOURS, None)
    assert "channels is ignored" in caplog.text


def test_a_codestream_of_another_size_is_refused(path: Path) -> None:
    other = codestream(np.zeros((9, 9, 1), np.uint8))
    path.write_bytes(jp2(other, 1, enumerated(SRGB), palette(*PALETTE), cmap(0, 1, 2)))
    with pytest.raises(PictureError, match="damaged"):
        reading.read(path)


def test_cut_short_anywhere_it_ends(path: Path) -> None:
    whole = made([1], SRGB, palette(*PALETTE), cmap(2, 1, 0), cdef((0, 0, 1), (1, 0, 2), (2, 0, 3)))
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        try:
            assert reading.read(path).width == 10
        except PictureError:
            continue
