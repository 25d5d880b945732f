"""Colours that PNG's chunks and AVIF's boxes describe, on files made here byte by byte."""

from __future__ import annotations

import io
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from impasto.image import reading
from impasto.image.bmff import ColourInformation, colour_information
from impasto.image.cicp import CodePoints
from impasto.installation import install_hint

GAMMA_1 = struct.pack(">I", 100_000)
SRGB_CHRM = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
P3_CHRM = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
# Linear Display P3 to linear sRGB, as CSS Color 4 has it.
FROM_P3 = np.array([
    [1.2249402, -0.2249402, 0.0],
    [-0.0420570, 1.0420570, 0.0],
    [-0.0196376, -0.0786361, 1.0982736],
])  # fmt: skip
RGB = np.array([[[100, 120, 90], [60, 80, 70], [200, 190, 180]]] * 2, np.uint8)


def srgb_code(light: np.ndarray) -> np.ndarray:
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def srgb_light(code: np.ndarray) -> np.ndarray:
    return np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(values: np.ndarray, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of grey, RGB or RGBA at 8 or 16 bits, with chunks before its pixels."""
    height, width, channels = values.shape
    kind = {1: 0, 3: 2, 4: 6}[channels]
    big = values.astype(values.dtype.newbyteorder(">"))
    rows = b"".join(b"\0" + row.tobytes() for row in big)
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8 * values.dtype.itemsize, kind, 0, 0, 0)),
        *chunks,
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def read(path: Path, data: bytes) -> np.ndarray:
    """The pixels (height, width, 3) that are read of a file."""
    path.write_bytes(data)
    pixels: np.ndarray = reading.read(path).pixels[0].numpy().transpose(1, 2, 0)
    return pixels


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.png"


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("gamma", [100_000, 55_556, 30_000])
def test_png_of_a_gamma(kind: type, gamma: int, path: Path) -> None:
    """A sample is light to the power of gAMA/100,000 (11.3.2.2); without cHRM it is sRGB's."""
    values: np.ndarray = RGB.astype(kind) * (1 if kind is np.uint8 else 257)
    pixels = read(path, png(values, (b"gAMA", struct.pack(">I", gamma))))
    assert np.allclose(pixels, srgb_code((RGB / 255) ** (100_000 / gamma)), atol=1e-4)


def test_png_of_sixteen_bits_keeps_them(path: Path) -> None:
    values = np.arange(40_000, 40_064, dtype=np.uint16).reshape(1, 64, 1).repeat(3, axis=2)
    pixels = read(path, png(values, (b"gAMA", GAMMA_1)))
    assert np.allclose(pixels, srgb_code(values / 65535), atol=2e-6)
    assert len(np.unique(pixels)) == 64


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_grey_png_of_a_gamma(kind: type, path: Path) -> None:
    values: np.ndarray = RGB[..., :1].astype(kind) * (1 if kind is np.uint8 else 257)
    pixels = read(path, png(values, (b"gAMA", GAMMA_1)))
    assert np.allclose(pixels, srgb_code(RGB[..., :1] / 255), atol=1e-4)


def test_palette_png_of_a_gamma(path: Path) -> None:
    image = Image.fromarray(RGB).quantize(3)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    whole = buffer.getvalue()
    pixels = read(path, whole[:33] + chunk(b"gAMA", GAMMA_1) + whole[33:])
    assert np.allclose(pixels, srgb_code(RGB / 255), atol=1e-4)


def test_transparency_is_not_converted(path: Path) -> None:
    values = np.concatenate([RGB, np.full((2, 3, 1), 100, np.uint8)], axis=-1)
    read(path, png(values, (b"gAMA", GAMMA_1)))
    alpha = reading.read(path).alpha
    assert alpha is not None
    assert np.allclose(alpha.numpy(), 100 / 255)


@pytest.mark.parametrize("chunks", [
    [(b"gAMA", struct.pack(">I", 45_455))],
    [(b"gAMA", struct.pack(">I", 45_455)), (b"cHRM", SRGB_CHRM)],
    [(b"cHRM", SRGB_CHRM)],
    [(b"cICP", bytes([1, 13, 0, 1]))],
    [(b"cICP", bytes([1, 13, 0, 1])), (b"gAMA", GAMMA_1)],
    [(b"sRGB", b"\0"), (b"gAMA", GAMMA_1)],
    [(b"gAMA", GAMMA_1), (b"sRGB", b"\0")],
])  # fmt: skip
def test_png_that_is_srgb(chunks: list[tuple[bytes, bytes]], path: Path) -> None:
    assert np.array_equal(read(path, png(RGB, *chunks)), read(path, png(RGB)))


def test_png_of_chromaticities(path: Path) -> None:
    """cHRM with gAMA is a gamut and a power; alone its curve is sRGB's."""
    light = (RGB / 255) ** 2.2
    chunks = [(b"gAMA", struct.pack(">I", 45_455)), (b"cHRM", P3_CHRM)]
    right = srgb_code(light @ FROM_P3.T)
    assert np.allclose(read(path, png(RGB, *chunks)), right, atol=2e-3)
    right = srgb_code(srgb_light(RGB / 255) @ FROM_P3.T)
    assert np.allclose(read(path, png(RGB, (b"cHRM", P3_CHRM))), right, atol=2e-3)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_png_of_code_points(kind: type, path: Path) -> None:
    values: np.ndarray = RGB.astype(kind) * (1 if kind is np.uint8 else 257)
    right = srgb_code(srgb_light(RGB / 255) @ FROM_P3.T)
    pixels = read(path, png(values, (b"cICP", bytes([12, 13, 0, 1]))))
    assert np.allclose(pixels, right, atol=2e-3)


def test_narrow_png(path: Path) -> None:
    values = np.array([[[16, 126, 235]] * 3], np.uint8)
    pixels = read(path, png(values, (b"cICP", bytes([1, 13, 0, 0]))))
    assert np.allclose(pixels[0, 0], [0, 110 / 219, 1], atol=1e-5)


def profile() -> bytes:
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert isinstance(made, bytes)
    return b"p\0\0" + zlib.compress(made)


def linear_profile() -> bytes:
    """sRGB's profile with linear curves, which all three channels share (ICC.1, 10.6)."""
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    at = made.index(b"rTRC") + 4
    offset = int.from_bytes(made[at : at + 4], "big")
    curve = b"curv" + bytes(8)
    return b"p\0\0" + zlib.compress(made[:offset] + curve + made[offset + len(curve) :])


def test_code_points_precede_a_profile(path: Path) -> None:
    icc = (b"iCCP", linear_profile())
    linear = srgb_code(RGB / 255)
    assert np.allclose(read(path, png(RGB, icc)), linear, atol=0.01)
    for points, right in (
        ([1, 13, 0, 1], RGB / 255),
        ([1, 4, 0, 1], srgb_code((RGB / 255) ** 2.2)),
    ):
        for chunks in ([icc, (b"cICP", bytes(points))], [(b"cICP", bytes(points)), icc]):
            assert np.allclose(read(path, png(RGB, *chunks)), right, atol=1e-4)


def test_a_profile_precedes_gamma(path: Path) -> None:
    chunks = [(b"gAMA", GAMMA_1), (b"cHRM", P3_CHRM), (b"iCCP", profile())]
    assert np.allclose(read(path, png(RGB, *chunks)), RGB / 255, atol=0.01)


@pytest.mark.parametrize("bad", [
    (b"gAMA", bytes(4)),
    (b"cHRM", struct.pack(">8I", *[10_000] * 8)),
    (b"cHRM", bytes(32)),
    (b"cHRM", b"\xff" * 32),
    (b"cICP", bytes([1, 8, 5, 1])),
    (b"cICP", bytes([1, 8])),
])  # fmt: skip
def test_chunks_without_sense_are_ignored(
    bad: tuple[bytes, bytes], path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert np.allclose(read(path, png(RGB, bad)), RGB / 255)
    assert "colour information is ignored" in caplog.text


@pytest.mark.parametrize("points", [[1, 13, 5, 1], [1, 13]])
def test_what_follows_counts_where_code_points_make_no_sense(
    points: list[int], path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    linear = srgb_code(RGB / 255)
    for next_one in ((b"iCCP", linear_profile()), (b"gAMA", GAMMA_1)):
        pixels = read(path, png(RGB, (b"cICP", bytes(points)), next_one))
        assert np.allclose(pixels, linear, atol=0.01)
    assert "colour information is ignored" in caplog.text


def test_gamma_so_great_that_all_is_black(path: Path) -> None:
    pixels = read(path, png(RGB, (b"gAMA", struct.pack(">I", 1))))
    assert np.isfinite(pixels).all()
    assert pixels.max() == 0


def pq_code(light: float) -> float:
    y = (light / 10_000) ** 0.1593017578125
    return float(((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375)


def test_png_of_high_dynamic_range(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """As HDR screenshots are: 16 bits, BT.2020 and PQ. White of 203 cd/m² is sRGB's white."""
    levels = [round(pq_code(light) * 65535) for light in (203, 100, 1)]
    values = np.array([[[v] * 3 for v in levels]] * 2, np.uint16)
    pixels = read(path, png(values, (b"cICP", bytes([9, 16, 0, 1]))))
    assert np.allclose(pixels, pixels[..., :1], atol=1e-3)  # greys stay grey
    assert pixels[0, 0, 0] == pytest.approx(1, abs=0.005)
    assert 0.7 < pixels[0, 1, 0] < 0.95
    assert 0.05 < pixels[0, 2, 0] < 0.2
    assert "high dynamic range" in caplog.text


# --- AVIF ---


def avif(values: np.ndarray = RGB, **options: object) -> bytes:
    buffer = io.BytesIO()
    image = Image.fromarray(values)
    image.save(buffer, "AVIF", quality=100, subsampling="4:4:4", **options)
    return buffer.getvalue()


def with_points(data: bytes, primaries: int, transfer: int) -> bytes:
    at = data.index(b"colrnclx") + 8
    return data[:at] + struct.pack(">HH", primaries, transfer) + data[at + 4 :]


FLAT = np.full((16, 16, 3), 128, np.uint8)


@pytest.mark.parametrize("transfer", [1, 4, 8, 13])
def test_avif_of_code_points(transfer: int, tmp_path: Path) -> None:
    path = tmp_path / "a.avif"
    pixels = read(path, with_points(avif(FLAT), 1, transfer))
    code = np.array(128 / 255)
    light = {
        1: srgb_light(code),
        4: code**2.2,
        8: code,
        13: srgb_light(code),
    }[transfer]
    assert np.allclose(pixels, srgb_code(light), atol=0.006)  # Y'CbCr rounds


def test_avif_of_display_p3(tmp_path: Path) -> None:
    flat = np.zeros((16, 16, 3), np.uint8) + RGB[0, 0]
    pixels = read(tmp_path / "a.avif", with_points(avif(flat), 12, 13))
    right = srgb_code(srgb_light(RGB[0, 0] / 255) @ FROM_P3.T)
    assert np.allclose(pixels, right, atol=0.01)


def test_a_profile_precedes_avifs_code_points(tmp_path: Path) -> None:
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = avif(FLAT, icc_profile=made)
    if b"colrnclx" in data:
        data = with_points(data, 9, 16)
    pixels = read(tmp_path / "a.avif", data)
    assert b"colrprof" in data
    assert np.allclose(pixels, 128 / 255, atol=0.01)


def deep_avif(light: np.ndarray, bits: int, **options: object) -> bytes:
    codecs = pytest.importorskip("imagecodecs", reason="it makes AVIF of 10 bits")
    codes = np.vectorize(pq_code)(np.maximum(light, 1e-9))
    levels = (codes * (2**bits - 1)).round().astype(np.uint16)
    points = {"primaries": 9, "transfer": 16, "matrix": 9, "pixelformat": "444", **options}
    data = codecs.avif_encode(levels, level=100, bitspersample=bits, **points)
    assert isinstance(data, bytes)
    return data


@pytest.mark.parametrize("bits", [10, 12])
def test_deep_avif_of_high_dynamic_range(bits: int, tmp_path: Path) -> None:
    """A smooth sky has more steps than 8 bits have."""
    light = np.linspace(50, 120, 128).reshape(1, 128, 1).repeat(32, 0).repeat(3, 2)
    pixels = read(tmp_path / "a.avif", deep_avif(light, bits))
    steps = len(np.unique(pixels[0, :, 1].round(4)))
    assert steps > 60
    assert (np.diff(pixels[0, :, 1]) > -1e-3).all()


def test_without_the_codec_eight_bits_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.avif"
    light = np.linspace(50, 200, 128).reshape(1, 128, 1).repeat(32, 0).repeat(3, 2)
    deep = read(path, deep_avif(light, 10))
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    shallow = read(path, path.read_bytes())
    assert np.abs(deep - shallow).max() < 0.03
    assert len(np.unique(shallow[0, :, 1].round(4))) < len(np.unique(deep[0, :, 1].round(4)))
    assert f"10 bits, of which 8 are read: `{install_hint('codecs')}`" in caplog.text


def test_deep_avif_is_turned_as_it_says(tmp_path: Path) -> None:
    light = np.full((24, 32, 3), 5.0)
    light[:8, :8] = 150  # at the top left
    data = deep_avif(light, 10)
    path = tmp_path / "a.avif"
    assert read(path, data).shape == (24, 32, 3)
    # An irot property (HEIF, 6.5.10), in place of the free space that is made after the others.
    turned = read(path, with_property(data, b"irot", b"\1"))
    assert turned.shape == (32, 24, 3)
    # Once anti-clockwise: the top left comes to the bottom left.
    assert turned[-4:, :4].mean() > 0.8
    assert turned[:8].max() < 0.5


def with_property(data: bytes, kind: bytes, body: bytes) -> bytes:
    """Add a property to all items; the offsets of the pixels follow."""
    box = struct.pack(">I", 8 + len(body)) + kind + body
    ipco = data.index(b"ipco")
    count, at = 0, ipco + 4
    end = ipco - 4 + int.from_bytes(data[ipco - 4 : ipco], "big")
    while at < end:
        at += int.from_bytes(data[at : at + 4], "big")
        count += 1
    ipma = data.index(b"ipma")
    assert data[ipma + 4 : ipma + 12] == bytes(7) + b"\1"  # one item, with short indices
    number = data[ipma + 14]
    after = ipma + 15 + number
    whole = bytearray(data[:after] + bytes([0x80 | (count + 1)]) + data[after:])
    whole[ipma + 14] += 1
    whole[end:end] = box
    longer = len(box) + 1
    for name, more in ((b"ipco", len(box)), (b"ipma", 1), (b"iprp", longer), (b"meta", longer)):
        place = whole.index(name) - 4
        size = int.from_bytes(whole[place : place + 4], "big") + more
        whole[place : place + 4] = struct.pack(">I", size)
    iloc = whole.index(b"iloc")
    # Version 0, offsets and lengths of 4 bytes: count, item, reference, extents, offset, length.
    assert whole[iloc + 4 : iloc + 10] == bytes(4) + b"\x44\0"
    place = iloc + 18
    offset = int.from_bytes(whole[place : place + 4], "big") + longer
    whole[place : place + 4] = struct.pack(">I", offset)
    return bytes(whole)


def test_what_boxes_say(tmp_path: Path) -> None:
    path = tmp_path / "a.avif"
    path.write_bytes(with_points(avif(FLAT), 12, 8))
    assert colour_information(path) == ColourInformation(CodePoints(12, 8), False, 8)
    path.write_bytes(deep_avif(np.full((16, 16, 3), 5.0), 12))
    assert colour_information(path) == ColourInformation(CodePoints(9, 16), False, 12)


@pytest.mark.parametrize("length", [0, 1, 7, 2**31, 2**32 - 1])
def test_boxes_of_any_length_end(length: int, tmp_path: Path) -> None:
    """Whatever a length says, it is held to the file, and nothing is read twice."""
    path = tmp_path / "a.avif"
    whole = avif(FLAT)
    for name in (b"ftyp", b"meta", b"pitm", b"iprp", b"ipco", b"colr", b"ipma", b"pixi"):
        at = whole.index(name) - 4
        path.write_bytes(whole[:at] + struct.pack(">I", length) + whole[at + 4 :])
        assert colour_information(path).bits in (None, 8)


def test_counts_of_any_size_end(tmp_path: Path) -> None:
    path = tmp_path / "a.avif"
    whole = avif(FLAT)
    at = whole.index(b"ipma") + 8
    path.write_bytes(whole[:at] + b"\xff\xff\xff\xff" + b"\0\7" + whole[at + 6 :])
    assert colour_information(path) == ColourInformation()
    path.write_bytes(whole[:16] + (struct.pack(">I", 8) + b"free") * 100_000 + whole[16:])
    assert colour_information(path) == ColourInformation()


def test_cut_short_everywhere(tmp_path: Path) -> None:
    path = tmp_path / "a.avif"
    whole = avif(FLAT)
    for end in range(0, min(len(whole), 500), 3):
        path.write_bytes(whole[:end])
        assert colour_information(path).bits in (None, 8)
