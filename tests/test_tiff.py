"""TIFF of every kind: what tifffile writes, or what is written by hand, is read at its depth."""

from __future__ import annotations

import struct
import sys
import typing
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.color
import tifffile
from PIL import Image
from test_image_profiles import SRGB, cmyk_profile, encode

from impasto.errors import PictureError
from impasto.image import reading
from impasto.image.picture import Picture
from impasto.installation import install_hint
from impasto.training.pictures import load_bytes

Order = typing.Literal["<", ">"]

needs_codecs = pytest.mark.usefixtures("codecs")


@pytest.fixture
def codecs() -> Any:
    return pytest.importorskip("imagecodecs")


@pytest.fixture(params=[True, False], ids=["with imagecodecs", "alone"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read is the same with and without imagecodecs."""
    if request.param:
        pytest.importorskip("imagecodecs")
    else:
        without_codecs(monkeypatch)


def without_codecs(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where imagecodecs is not installed: tifffile then has its own few codecs."""
    from tifffile import _imagecodecs

    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    monkeypatch.setattr(tifffile.tifffile, "imagecodecs", _imagecodecs)
    monkeypatch.setattr(
        tifffile.TIFF, "DECOMPRESSORS", tifffile.tifffile.CompressionCodec(encode=False)
    )
    monkeypatch.setattr(
        tifffile.TIFF, "UNPREDICTORS", tifffile.tifffile.PredictorCodec(encode=False)
    )


def noise(*shape: int, top: int = 65535) -> np.ndarray:
    kind = np.uint8 if top <= 255 else np.uint16 if top <= 65535 else np.uint32
    return np.random.default_rng(0).integers(0, top, shape, dtype=kind, endpoint=True)


def array(picture: Picture) -> np.ndarray:
    return picture.pixels[0].permute(1, 2, 0).numpy()


def alpha(picture: Picture) -> np.ndarray:
    assert picture.alpha is not None
    return picture.alpha[0, 0].numpy()


def write(path: Path, data: np.ndarray, **options: Any) -> Path:
    options.setdefault("metadata", None)
    tifffile.imwrite(path, data, **options)
    return path


def seen(path: Path, data: np.ndarray, **options: Any) -> np.ndarray:
    return array(reading.read(write(path, data, **options)))


def message(path: Path) -> str:
    with pytest.raises(PictureError) as caught:
        reading.read(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


# --- layouts ---


@pytest.mark.parametrize("compression", [None, "zlib", "lzma"])
@pytest.mark.parametrize("top", [255, 65535])
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.usefixtures("either_way")
def test_planes(channels: int, top: int, compression: str | None, tmp_path: Path) -> None:
    data = noise(channels, 9, 7, top=top)
    path = write(
        tmp_path / "a.tif", data, photometric="rgb", planarconfig="separate", rowsperstrip=4,
        compression=compression, predictor=compression == "zlib",
        extrasamples=["unassalpha"] if channels == 4 else None,
    )  # fmt: skip
    picture = reading.read(path)
    np.testing.assert_allclose(array(picture), data[:3].transpose(1, 2, 0) / top, atol=1e-6)
    if channels == 4:
        np.testing.assert_allclose(alpha(picture), data[3] / top, atol=1e-6)
    assert reading.depth(path) == (8 if top == 255 else 16)


@needs_codecs
@pytest.mark.parametrize("top", [255, 65535])
@pytest.mark.parametrize("compression", ["lzw", "packbits", "zstd"])
def test_planes_of_rarer_codecs(compression: str, top: int, tmp_path: Path) -> None:
    data = noise(3, 9, 7, top=top)
    pixels = seen(
        tmp_path / "a.tif",
        data,
        photometric="rgb",
        planarconfig="separate",
        compression=compression,
    )
    np.testing.assert_allclose(pixels, data.transpose(1, 2, 0) / top, atol=1e-6)


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("order", typing.get_args(Order))
@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.usefixtures("either_way")
def test_tiles_byte_orders_and_bigtiff(
    bigtiff: bool, order: Order, compression: str | None, tmp_path: Path
) -> None:
    for kind, planar in ((np.uint8, "contig"), (np.uint16, "contig"), (np.uint16, "separate")):
        top = np.iinfo(kind).max
        data = noise(40, 23, 3, top=top)
        written = data if planar == "contig" else np.moveaxis(data, -1, 0)
        pixels = seen(
            tmp_path / "a.tif", written, photometric="rgb", planarconfig=planar, tile=(16, 16),
            byteorder=order, bigtiff=bigtiff, compression=compression, predictor=bool(compression),
        )  # fmt: skip
        np.testing.assert_allclose(pixels, data / top, atol=1e-6)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_picture_is_upright(orientation: int, kind: type, tmp_path: Path) -> None:
    data = noise(3, 4, 6, top=np.iinfo(kind).max)  # planar, so that Pillow is not asked
    path = write(
        tmp_path / "a.tif", data, photometric="rgb", planarconfig="separate",
        extratags=[(274, 3, 1, orientation, True)],
    )  # fmt: skip
    shown = data.transpose(1, 2, 0) / np.iinfo(kind).max
    if orientation > 4:
        shown = shown.transpose(1, 0, 2)
    flips = {2: (1, -1), 3: (-1, -1), 4: (-1, 1), 6: (1, -1), 7: (-1, -1), 8: (-1, 1)}
    y, x = flips.get(orientation, (1, 1))
    np.testing.assert_allclose(array(reading.read(path)), shown[::y, ::x], atol=1e-6)


def test_the_first_of_several_pictures_is_taken_with_a_note(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for kind in (np.uint8, np.float32):
        with tifffile.TiffWriter(tmp_path / "a.tif") as file:
            for level in (0, 1):
                file.write(np.full((5, 5, 3), level, kind), photometric="rgb", metadata=None)
        assert not array(reading.read(tmp_path / "a.tif")).any()
        assert "several pictures: the first" in caplog.text
        caplog.clear()


def test_a_smaller_copy_is_not_the_picture(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = noise(20, 30, 3, top=255)
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:  # before it
        file.write(whole[::2, ::2], photometric="rgb", subfiletype=1, metadata=None)
        file.write(whole, photometric="rgb", metadata=None)
    with tifffile.TiffWriter(tmp_path / "b.tif") as file:  # after it
        file.write(whole, photometric="rgb", metadata=None)
        file.write(whole[::2, ::2], photometric="rgb", subfiletype=1, metadata=None)
    with tifffile.TiffWriter(tmp_path / "c.tif") as file:  # around it
        file.write(whole[::2, ::2], photometric="rgb", subfiletype=1, subifds=1, metadata=None)
        file.write(whole, photometric="rgb", metadata=None)
    for name in ("a.tif", "b.tif", "c.tif"):
        pixels = array(reading.read(tmp_path / name))
        np.testing.assert_allclose(pixels, whole / 255, atol=1e-6)
    assert "several" not in caplog.text


def test_a_volume_is_called_one(tmp_path: Path) -> None:
    write(tmp_path / "a.tif", noise(5, 16, 16, top=255), volumetric=True, tile=(1, 16, 16))
    assert "a volume of 5 slices" in message(tmp_path / "a.tif")


def test_further_channels_are_left_out_with_a_note(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = noise(8, 9, 6)
    pixels = seen(
        tmp_path / "a.tif",
        data,
        photometric="rgb",
        extrasamples=["unspecified"] * 3,
    )
    np.testing.assert_allclose(pixels, data[..., :3] / 65535, atol=1e-6)
    assert "3 more channels" in caplog.text


# --- numbers ---


def packed(path: Path, data: np.ndarray, bits: int, order: Order = "<", **tags: int) -> Path:
    """A TIFF by hand of numbers that lie bit by bit behind one another, rows from whole bytes."""
    height, width, channels = data.shape
    places = (data.reshape(height, -1, 1) >> np.arange(bits)[::-1] & 1).astype(np.uint8)
    rows = b"".join(np.packbits(row.ravel()).tobytes() for row in places)
    strip = zlib.compress(rows) if tags.get("compression") == 8 else rows
    depth = struct.pack(f"{order}{channels}H", *[bits] * channels)
    entries = {
        256: (4, 1, width), 257: (4, 1, height), 258: (3, channels, bits),
        259: (3, 1, tags.get("compression", 1)), 262: (3, 1, tags.get("photometric", 1)),
        273: (4, 1, 16), 277: (3, 1, channels), 278: (4, 1, height), 279: (4, 1, len(strip)),
    }  # fmt: skip
    body = b"".join(
        struct.pack(order + "HHI", tag, kind, number)
        + (
            struct.pack(order + "I", 8) if tag == 258 and channels > 2
            else struct.pack(order + ("I" if kind == 4 else "H"), value).ljust(4, b"\0")
        )
        for tag, (kind, number, value) in entries.items()
    )  # fmt: skip
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 16 + len(strip))
    path.write_bytes(
        head + depth.ljust(8, b"\0") + strip + struct.pack(order + "H", len(entries)) + body
        + bytes(4)
    )  # fmt: skip
    return path


@pytest.mark.parametrize("bits", [2, 4, 6, 10, 12, 14])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("compression", [1, 8])
@pytest.mark.usefixtures("either_way")
def test_packed_numbers_are_scaled_by_their_range(
    compression: int, channels: int, bits: int, tmp_path: Path
) -> None:
    top = 2**bits - 1
    data = noise(9, 7, channels) % (top + 1)
    data[0, 0], data[0, 1] = 0, top
    for order in typing.get_args(Order):
        path = packed(
            tmp_path / "a.tif", data, bits, order, compression=compression,
            photometric=1 if channels == 1 else 2,
        )  # fmt: skip
        pixels = array(reading.read(path))
        np.testing.assert_allclose(pixels, np.broadcast_to(data / top, (9, 7, 3)), atol=1 / 65535)
        assert reading.depth(path) == (16 if bits > 8 else 8)


@pytest.mark.usefixtures("either_way")
def test_unsigned_32_bits_are_not_signed(tmp_path: Path) -> None:
    data = np.array([[0, 2**31, 2**32 - 1]], np.uint32)
    np.testing.assert_allclose(seen(tmp_path / "a.tif", data)[0, :, 0], [0, 0.5, 1], atol=1e-6)
    data = np.array([[0, 1000, 65535]], np.uint32)  # as an instrument writes 16 bits
    np.testing.assert_allclose(seen(tmp_path / "b.tif", data)[0, :, 0], data[0] / 65535, atol=1e-6)


def test_signed_numbers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = np.array([[0, 16384, 32767]], np.int16)
    np.testing.assert_allclose(seen(tmp_path / "a.tif", data)[0, :, 0], data[0] / 32767, atol=1e-6)
    assert not caplog.text
    data = np.array([[-100, 0, 100]], np.int16)
    np.testing.assert_allclose(seen(tmp_path / "b.tif", data)[0, :, 0], [0, 0.5, 1], atol=1e-6)
    assert "stretched" in caplog.text


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("order", typing.get_args(Order))
@pytest.mark.usefixtures("either_way")
def test_floats(order: Order, channels: int, kind: type, tmp_path: Path) -> None:
    data: np.ndarray = np.random.default_rng(0).random((9, 7, channels)).astype(kind)
    path = tmp_path / "a.tif"
    pixels = seen(
        path, data if channels == 3 else data[..., 0], byteorder=order, compression="zlib",
        photometric="rgb" if channels == 3 else "minisblack",
    )  # fmt: skip
    np.testing.assert_allclose(pixels, np.broadcast_to(data, (9, 7, 3)), atol=1e-6)
    assert reading.depth(path) == 16


@needs_codecs
def test_floats_by_differences(tmp_path: Path) -> None:
    data = np.random.default_rng(0).random((9, 7, 3)).astype(np.float32)
    for planar in ("contig", "separate"):
        written = data if planar == "contig" else np.moveaxis(data, -1, 0)
        pixels = seen(
            tmp_path / "a.tif", written, photometric="rgb", planarconfig=planar,
            compression="zlib", predictor=3,
        )  # fmt: skip
        np.testing.assert_allclose(pixels, data, atol=1e-6)


def test_floats_beyond_one_are_stretched_with_a_note(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = np.array([[[-1, 0, 3], [np.nan, 1, np.inf]]], np.float32)
    pixels = seen(tmp_path / "a.tif", data, photometric="rgb")
    np.testing.assert_allclose(pixels, [[[0, 0.25, 1], [0, 0.5, 1]]], atol=1e-6)
    assert "-1 to 3, are stretched" in caplog.text


def test_complex_numbers_are_no_picture(tmp_path: Path) -> None:
    write(tmp_path / "a.tif", np.ones((4, 4), np.complex64))
    assert "complex numbers of 64 bits" in message(tmp_path / "a.tif")


# --- colours ---


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 3])
def test_premultiplied_alpha(channels: int, kind: type, tmp_path: Path) -> None:
    top = 1 if kind is np.float32 else np.iinfo(kind).max
    colours = np.random.default_rng(0).random((9, 7, channels))
    share = np.linspace(0, 1, 63).reshape(9, 7, 1)
    data = np.dstack([colours * share, share]) * top
    picture = reading.read(
        write(
            tmp_path / "a.tif", data.round().astype(kind) if top > 1 else data.astype(kind),
            photometric="rgb" if channels == 3 else "minisblack", planarconfig="contig",
            extrasamples=["assocalpha"],
        )
    )  # fmt: skip
    visible = share[..., 0] > 0.2
    expected = np.broadcast_to(colours, (9, 7, 3))[visible]
    np.testing.assert_allclose(array(picture)[visible], expected, atol=4 / 255)
    np.testing.assert_allclose(alpha(picture), share[..., 0], atol=1 / 255)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_straight_alpha_of_grey(kind: type, tmp_path: Path) -> None:
    data = noise(9, 7, 2, top=np.iinfo(kind).max)
    picture = reading.read(
        write(
            tmp_path / "a.tif", data, photometric="minisblack", planarconfig="contig",
            extrasamples=["unassalpha"],
        )
    )  # fmt: skip
    top = np.iinfo(kind).max
    np.testing.assert_allclose(array(picture), data[..., [0, 0, 0]] / top, atol=1e-6)
    np.testing.assert_allclose(alpha(picture), data[..., 1] / top, atol=1e-6)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_white_is_zero(kind: type, tmp_path: Path) -> None:
    top = 1 if kind is np.float32 else np.iinfo(kind).max
    data: np.ndarray = (np.linspace(0, 1, 12).reshape(3, 4) * top).astype(kind)
    pixels = seen(tmp_path / "a.tif", data, photometric="miniswhite")
    np.testing.assert_allclose(pixels[..., 0], 1 - data / top, atol=1e-6)


@pytest.mark.parametrize("deep", [False, True])
def test_a_palette(deep: bool, tmp_path: Path) -> None:
    indices = noise(9, 7, top=255)
    table = noise(3, 256) if deep else noise(3, 256, top=255).astype(np.uint16)
    pixels = seen(tmp_path / "a.tif", indices, photometric="palette", colormap=table)
    # A palette of bytes, by programs that did not know better, is not black.
    np.testing.assert_allclose(
        pixels, table.T[indices] / (65535 if deep else 255), atol=1.01 / 255 if deep else 1e-6
    )


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_cmyk(planar: str, kind: type, tmp_path: Path) -> None:
    top = np.iinfo(kind).max
    data = noise(9, 7, 4, top=top)
    written = data if planar == "contig" else np.moveaxis(data, -1, 0)
    options: dict[str, Any] = {"photometric": "separated", "planarconfig": planar}
    ink = data / top
    pixels = seen(tmp_path / "a.tif", written, **options)
    expected = (1 - ink[..., :3]) * (1 - ink[..., 3:])
    np.testing.assert_allclose(pixels, expected, atol=1.01 / 255 if kind is np.uint8 else 1e-4)
    # This profile sees only cyan: the black ink does not count.
    data[:], data[..., 3] = 0, top
    written = data if planar == "contig" else np.moveaxis(data, -1, 0)
    assert seen(tmp_path / "b.tif", written, iccprofile=cmyk_profile(), **options).min() > 0.85


def test_other_inks_are_said_to_be(tmp_path: Path) -> None:
    write(
        tmp_path / "a.tif", noise(9, 7, 6), photometric="separated", planarconfig="contig",
        extratags=[(332, 3, 1, 2, True)],
    )  # fmt: skip
    assert "6 inks that are not CMYK" in message(tmp_path / "a.tif")


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("space", ["cielab", "icclab"])
def test_lab(space: str, kind: type, tmp_path: Path) -> None:
    lab = np.array([[[60.0, 20, -15], [50, 0, 0], [70, -20, 25], [100, 0, 0]]])
    step = 1 if kind is np.uint8 else 256
    lightness = (255 if space == "icclab" else 256 - 1 / step) * step / 100
    if space == "icclab":
        stored = np.dstack([lab[..., :1] * lightness, (lab[..., 1:] + 128) * step])
    else:
        stored = np.dstack([lab[..., :1] * lightness, lab[..., 1:] * step % (256 * step)])
    pixels = seen(tmp_path / "a.tif", stored.round().astype(kind), photometric=space)
    light = skimage.color.lab2xyz(lab, illuminant="D50") @ np.linalg.inv(SRGB).T
    tolerance = 2.5 / 255 if kind is np.uint8 else 4e-3
    np.testing.assert_allclose(pixels, encode(light).clip(0, 1), atol=tolerance)


@pytest.mark.usefixtures("either_way")
def test_jpeg_in_ycbcr(tmp_path: Path) -> None:
    image = Image.linear_gradient("L").resize((48, 32)).convert("RGB")
    image.save(tmp_path / "a.tif", compression="jpeg", quality=95)
    pixels = array(reading.read(tmp_path / "a.tif"))
    np.testing.assert_allclose(pixels, np.asarray(image) / 255, atol=4 / 255)


# --- codecs ---


@needs_codecs
@pytest.mark.parametrize(
    ("compression", "kind", "tolerance"),
    [
        ("webp", np.uint8, 0.1),
        ("zstd", np.uint8, 1e-6),
        ("zstd", np.float32, 1e-6),
        ("jpegxl", np.uint8, 0.1),
        ("jpegxl", np.uint16, 0.1),
        ("lerc", np.uint8, 1e-6),
        ("lerc", np.float32, 1e-6),
        ("jpeg2000", np.uint16, 0.1),
        ("png", np.uint16, 1e-6),
    ],
)
def test_rare_codecs(compression: str, kind: type, tolerance: float, tmp_path: Path) -> None:
    top = 1 if kind is np.float32 else np.iinfo(kind).max
    data: np.ndarray = np.zeros((32, 48, 3))
    data[..., 0], data[..., 1] = np.linspace(0, 1, 48), np.linspace(0, 1, 32)[:, None]
    data = (data * top).astype(kind)
    for options in ({}, {"tile": (16, 16)}):
        pixels = seen(
            tmp_path / "a.tif", data, photometric="rgb", compression=compression, **options
        )
        np.testing.assert_allclose(pixels, data / top, atol=tolerance)


@needs_codecs
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("LZW", {"compression": "lzw", "planarconfig": "separate"}),
        ("Zstandard", {"compression": "zstd"}),
        ("WebP", {"compression": "webp"}),
        ("JPEG XL", {"compression": "jpegxl"}),
        ("LERC", {"compression": "lerc"}),
    ],
)
def test_without_imagecodecs_the_codec_is_named(
    name: str, options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = noise(32, 32, 3, top=255)
    planar = options.get("planarconfig") == "separate"
    path = tmp_path / "a.tif"
    write(path, np.moveaxis(data, -1, 0) if planar else data, photometric="rgb", **options)
    assert reading.read(path).width == 32
    without_codecs(monkeypatch)
    said = message(path)
    assert f"a codec for {name}:" in said
    assert f"`{install_hint('codecs')}` reads it." in said


def lzw(data: bytes) -> bytes:
    """LZW (TIFF 6.0, section 13) that forgets its table before a code takes more than 9 bits."""
    codes = []
    for at, byte in enumerate(data):
        codes += [256, byte] if at % 200 == 0 else [byte]
    bits = "".join(f"{code:09b}" for code in [*codes, 257])
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.usefixtures("either_way")
def test_lzw_as_most_programs_write_it_needs_no_extra(kind: type, tmp_path: Path) -> None:
    data = noise(9, 7, 3, top=np.iinfo(kind).max)
    strip = lzw(data.astype(data.dtype.newbyteorder("<")).tobytes())
    path = packed(tmp_path / "a.tif", data, data.itemsize * 8, photometric=2)
    body = bytearray(path.read_bytes())
    at = body.index(struct.pack("<HHI", 259, 3, 1)) + 8
    body[at] = 5
    at = body.index(struct.pack("<HHI", 273, 4, 1)) + 8
    body[at : at + 4] = struct.pack("<I", len(body))
    at = body.index(struct.pack("<HHI", 279, 4, 1)) + 8
    body[at : at + 4] = struct.pack("<I", len(strip))
    path.write_bytes(bytes(body) + strip)
    picture = reading.read(path)
    np.testing.assert_allclose(array(picture), data / np.iinfo(kind).max, atol=1e-6)


def test_training_reads_such_pictures_too(tmp_path: Path) -> None:
    data = noise(3, 40, 60)
    path = write(tmp_path / "a.tif", data, photometric="rgb", planarconfig="separate")
    expected = (data / 257).round()
    np.testing.assert_array_equal(load_bytes(path).numpy(), expected)
    assert load_bytes(path, short=20).shape == (3, 20, 30)
