"""Colour profiles, against profiles assembled here byte by byte from the ICC specification."""

from __future__ import annotations

import struct
import sys
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import skimage.color
import tifffile
from PIL import Image
from test_image_files import png

from impasto.image import icc_matrix, reading
from impasto.image.icc import srgb_profile

# The primaries of sRGB and Adobe RGB (1998), adapted to D50, as columns.
SRGB = np.array([
    [0.4360747, 0.3850649, 0.1430804],
    [0.2225045, 0.7168786, 0.0606169],
    [0.0139322, 0.0971045, 0.7141733],
])  # fmt: skip
ADOBE = np.array([
    [0.6097559, 0.2052401, 0.1492240],
    [0.3111242, 0.6256560, 0.0632197],
    [0.0194811, 0.0608902, 0.7448387],
])  # fmt: skip
RGB = np.random.default_rng(1).integers(0, 256, (8, 9, 3), dtype=np.uint8)


def profile(kind: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    """ICC.1:2001-04 (version 2.4): a header of 128 bytes, a table of tags, their data."""
    white = b"XYZ " + bytes(4) + fixed(0.9642, 1.0, 0.8249)
    text = b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(78)
    tags = {b"desc": text, b"wtpt": white, b"cprt": b"text" + bytes(4) + b"none\0", **tags}
    at = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += name + struct.pack(">II", at + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = bytes(8) + b"\x02\x40\0\0" + kind + space + connection
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    head += fixed(0.9642, 1.0, 0.8249)
    whole = head.ljust(128, b"\0") + table + body
    return struct.pack(">I", len(whole)) + whole[4:]


def fixed(*numbers: float) -> bytes:
    return b"".join(struct.pack(">i", round(number * 65536)) for number in numbers)


def gamma(value: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(value * 256))


def matrix_profile(primaries: np.ndarray, curve: bytes) -> bytes:
    tags = {}
    for i, name in enumerate((b"r", b"g", b"b")):
        tags[name + b"XYZ"] = b"XYZ " + bytes(4) + fixed(*primaries[:, i])
        tags[name + b"TRC"] = curve
    return profile(b"mntr", b"RGB ", b"XYZ ", tags)


def srgb_curve() -> bytes:
    levels = decode(np.linspace(0, 1, 1024))
    return b"curv" + bytes(4) + struct.pack(">I1024H", 1024, *(levels * 65535).round().astype(int))


def decode(v: np.ndarray) -> np.ndarray:
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def encode(v: np.ndarray) -> np.ndarray:
    return np.where(v <= 0.0031308, v * 12.92, 1.055 * v.clip(0) ** (1 / 2.4) - 0.055)


def read(image: Image.Image, path: Path, icc: bytes) -> np.ndarray:
    image.save(path, icc_profile=icc)
    return reading.read(path).pixels[0].permute(1, 2, 0).numpy()


def test_adobe_rgb_is_converted(tmp_path: Path) -> None:
    seen = read(Image.fromarray(RGB), tmp_path / "a.png", matrix_profile(ADOBE, gamma(563 / 256)))
    light = (RGB / 255.0) ** (563 / 256) @ ADOBE.T @ np.linalg.inv(SRGB).T
    expected = encode(light).clip(0, 1)
    assert np.abs(seen - expected).max() < 3 / 255
    assert np.abs(seen - RGB / 255.0).max() > 20 / 255


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_exchanged_primaries_exchange_the_channels(tmp_path: Path, suffix: str) -> None:
    icc = matrix_profile(SRGB[:, [1, 0, 2]], srgb_curve())
    image = Image.fromarray(np.kron(RGB, np.ones((4, 4, 1), dtype=np.uint8)))
    path = tmp_path / f"a{suffix}"
    image.save(path, icc_profile=icc, lossless=True)
    decoded = reading.read(path).pixels[0].permute(1, 2, 0).numpy()
    assert np.abs(decoded - np.asarray(image)[..., [1, 0, 2]] / 255.0).max() < 3 / 255


def test_alpha_and_palette_are_converted_too(tmp_path: Path) -> None:
    icc = matrix_profile(SRGB[:, [1, 0, 2]], srgb_curve())
    image = Image.new("RGBA", (3, 3), (200, 100, 50, 77))
    image.save(tmp_path / "a.png", icc_profile=icc)
    picture = reading.read(tmp_path / "a.png")
    assert picture.alpha is not None
    np.testing.assert_allclose(picture.alpha, 77 / 255, atol=1e-6)
    expected = [100 / 255, 200 / 255, 50 / 255]
    np.testing.assert_allclose(picture.pixels[0, :, 0, 0], expected, atol=2 / 255)
    indexed = image.convert("RGB").quantize(2)
    seen = read(indexed, tmp_path / "p.png", icc)
    np.testing.assert_allclose(seen[0, 0], expected, atol=2 / 255)


def test_another_srgb_profile_changes_no_value(tmp_path: Path) -> None:
    for icc in (srgb_profile(), matrix_profile(SRGB, srgb_curve())):
        np.testing.assert_array_equal(
            read(Image.fromarray(RGB), tmp_path / "a.png", icc), RGB.astype(np.float32) / 255
        )


@pytest.mark.parametrize("deep", [False, True])
def test_grey_with_a_linear_profile(tmp_path: Path, deep: bool) -> None:
    tags = {b"kTRC": b"curv" + bytes(8)}  # a curve of no entries: the identity
    icc = profile(b"mntr", b"GRAY", b"XYZ ", tags)
    data = np.arange(256, dtype=np.uint16)[None] * 257
    image = Image.fromarray(data if deep else data.astype(np.uint8))
    seen = read(image, tmp_path / "a.png", icc)
    assert np.abs(seen - encode(data[..., None] / 65535)).max() < 2.5 / 255


def test_tags_that_are_the_same_megabytes_take_them_once() -> None:
    data = bytearray(matrix_profile(np.eye(3), gamma(1.8)))
    (count,) = struct.unpack_from(">I", data, 128)
    table = b"".join(struct.pack(">4sII", b"x%03d" % n, 4, 2**22) for n in range(100))
    data[132:132] = table
    struct.pack_into(">I", data, 128, count + 100)
    for at in range(132 + len(table), 132 + len(table) + 12 * count, 12):
        (offset,) = struct.unpack_from(">I", data, at + 4)
        struct.pack_into(">I", data, at + 4, offset + len(table))
    whole = bytes(data).ljust(2**22, b"\0")
    tracemalloc.start()
    try:
        assert icc_matrix.parse(whole) is not None
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


def test_grey_with_an_rgb_profile(tmp_path: Path) -> None:
    icc = matrix_profile(SRGB, gamma(1.0))
    data = np.arange(256, dtype=np.uint8)[None]
    decoded = read(Image.fromarray(data), tmp_path / "a.png", icc)
    assert np.abs(decoded - encode(data[..., None] / 255)).max() < 2.5 / 255


def parametric(kind: int, *numbers: float) -> bytes:
    return b"para" + bytes(4) + struct.pack(">HH", kind, 0) + fixed(*numbers)


CURVES = {
    "power": (gamma(563 / 256), lambda v: v ** (563 / 256)),
    "formula 0": (parametric(0, 2.2), lambda v: v**2.2),
    "formula 3": (parametric(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045), None),
    "formula 4": (parametric(4, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045, 0, 0), None),
    "table": (srgb_curve(), None),
    "identity": (b"curv" + bytes(8), lambda v: v),
}


def save_deep(path: Path, data: np.ndarray, icc: bytes) -> Path:
    """16 bits of colour or grey, as PNG by hand or as TIFF."""
    if path.suffix == ".tif":
        tifffile.imwrite(path, data, photometric="rgb", iccprofile=icc, metadata=None)
    else:
        path.write_bytes(png(data, 2, (b"iCCP", b"icc\0\0" + zlib.compress(icc))))
    return path


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("curve", CURVES)
def test_deep_colour_keeps_its_depth_through_a_profile(
    suffix: str, curve: str, tmp_path: Path
) -> None:
    stored, to_light = CURVES[curve]
    data = np.random.default_rng(2).integers(0, 65536, (8, 9, 3), dtype=np.uint16)
    data[0, :, :] = np.arange(9, dtype=np.uint16)[:, None] + 30_000  # neighbours stay apart
    path = save_deep(tmp_path / f"a{suffix}", data, matrix_profile(ADOBE, stored))
    decoded = reading.read(path).pixels[0].permute(1, 2, 0).numpy()
    light = (to_light or decode)(data / 65535) @ ADOBE.T @ np.linalg.inv(SRGB).T
    assert np.abs(decoded - encode(light).clip(0, 1)).max() < 1e-3  # the profile's own digits
    assert len(np.unique(decoded[0, :, 1])) > 5  # of 8 bits there would be one
    assert np.abs(decoded - data / 65535).max() > 20 / 255


def test_deep_grey_keeps_its_depth_through_a_profile(tmp_path: Path) -> None:
    icc = profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": gamma(1)})
    data = np.arange(200, 400, dtype=np.uint16)[None] * 3
    decoded = read(Image.fromarray(data), tmp_path / "a.png", icc)
    assert np.abs(decoded[..., 0] - encode(data / 65535)).max() < 1e-4
    assert len(np.unique(decoded)) == 200


def swapping_tables() -> bytes:
    """A profile of tables (lut16Type) from RGB to XYZ: red and green exchanged, all linear."""
    nodes = np.array([[r, g, b] for r in (0, 1) for g in (0, 1) for b in (0, 1)], float)
    xyz = nodes @ SRGB[:, [1, 0, 2]].T
    words = (xyz * 32768).round().clip(0, 65535).astype(int).ravel()
    table = b"mft2" + bytes(4) + bytes([3, 3, 2, 0]) + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    table += struct.pack(">HH6H", 2, 2, *[0, 65535] * 3) + struct.pack(">24H", *words)
    table += struct.pack(">6H", *[0, 65535] * 3)
    return profile(b"scnr", b"RGB ", b"XYZ ", {b"A2B0": table})


@pytest.mark.parametrize("has_codecs", [True, False])
def test_a_profile_of_tables_keeps_16_bits_with_imagecodecs(
    has_codecs: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    if has_codecs:
        pytest.importorskip("imagecodecs")
    else:
        monkeypatch.setitem(sys.modules, "imagecodecs", None)
    data = np.random.default_rng(2).integers(0, 65536, (40, 40, 3), dtype=np.uint16)
    path = save_deep(tmp_path / "a.png", data, swapping_tables())
    decoded = reading.read(path).pixels[0].permute(1, 2, 0).numpy()
    expected = encode(data[..., [1, 0, 2]] / 65535)
    assert np.abs(decoded - expected).max() < (4e-3 if has_codecs else 0.06)
    levels = len(np.unique(decoded))
    assert levels > 2000 if has_codecs else levels <= 256
    assert has_codecs != ('[codecs]"` keeps 16' in caplog.text)


def cmyk_profile() -> bytes:
    """Ink to Lab by a table of two points for each ink: L is high without cyan, a and b are 0."""
    nodes = b"".join(bytes([20 if node & 8 else 240, 128, 128]) for node in range(16))
    identity = bytes(range(256))
    one = fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + one
    return profile(
        b"prtr", b"CMYK", b"Lab ", {b"A2B0": table + identity * 4 + nodes + identity * 3}
    )


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_cmyk_with_a_profile_follows_it(tmp_path: Path, suffix: str) -> None:
    # Full black ink would be black by the plain formula; this profile sees only cyan.
    for ink, low, high in (((0, 0, 0, 255), 0.85, 1.0), ((255, 0, 0, 0), 0.0, 0.25)):
        image = Image.new("CMYK", (16, 16), ink)
        seen = read(image, tmp_path / f"a{suffix}", cmyk_profile())
        assert seen.shape == (16, 16, 3)
        assert low <= seen.min() <= seen.max() <= high
        assert np.ptp(seen, axis=2).max() < 0.03


def test_lab_is_converted(tmp_path: Path) -> None:
    lab = np.array([[[60.0, 20, -15], [50, 0, 0], [70, -20, 25], [100, 0, 0]]])
    stored = (lab * [2.55, 1, 1]).round().astype(int) % 256  # a and b in two's complement
    tifffile.imwrite(tmp_path / "a.tif", stored.astype(np.uint8), photometric="cielab")
    seen = reading.read(tmp_path / "a.tif").pixels[0].permute(1, 2, 0).numpy()
    light = skimage.color.lab2xyz(lab, illuminant="D50") @ np.linalg.inv(SRGB).T
    assert np.abs(seen - encode(light)).max() < 2.5 / 255


@pytest.mark.parametrize(
    ("mode", "icc"),
    [
        ("RGB", b"no profile at all"),
        ("RGB", matrix_profile(SRGB, gamma(1))[:200]),
        ("RGB", cmyk_profile()),
        ("RGB", profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": gamma(1)})),
        ("CMYK", matrix_profile(SRGB, gamma(1))),
    ],
)
def test_an_unusable_profile_is_ignored_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: str, icc: bytes
) -> None:
    image = Image.new("RGB", (4, 4), (200, 100, 50)).convert(mode)
    seen = read(image, tmp_path / "a.tif", icc)
    np.testing.assert_allclose(seen[0, 0], np.array([200, 100, 50]) / 255, atol=1.5 / 255)
    assert "profile is ignored" in caplog.text
    assert "a.tif" in caplog.text
