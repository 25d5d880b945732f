"""Reading: every kind of picture gives the right values, every wrong file one clear message."""

from __future__ import annotations

import hashlib
import io
import itertools
import logging
import os
import struct
import subprocess
import sys
import typing
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from impasto.errors import OptionError, PictureError
from impasto.files import digests
from impasto.image import opening, reading
from impasto.image.icc import srgb_profile
from impasto.image.picture import Picture, fit, resize

Order = typing.Literal["<", ">"]

# Top left red, top right green, bottom left blue: every orientation of it looks different.
CORNERS = np.full((4, 6, 3), 255, dtype=np.uint8)
CORNERS[:2, :2] = (250, 10, 20)
CORNERS[:2, 4:] = (10, 200, 30)
CORNERS[2:, :2] = (20, 30, 180)


def noise(*shape: int, top: int = 255, seed: int = 0) -> np.ndarray:
    kind = np.uint8 if top == 255 else np.uint16
    return np.random.default_rng(seed).integers(0, top, shape, dtype=kind, endpoint=True)


def array(picture: Picture) -> np.ndarray:
    return picture.pixels[0].permute(1, 2, 0).numpy()


def alpha(picture: Picture) -> np.ndarray:
    assert picture.alpha is not None
    return picture.alpha[0, 0].numpy()


def saved(image: Image.Image, path: Path, **options: object) -> Path:
    image.save(path, **options)  # type: ignore[arg-type]
    return path


def png(data: np.ndarray, colour_type: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A 16-bit PNG as the specification says, with each of the five filters in turn."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + checksum

    height, width, channels = data.shape
    step = 2 * channels
    rows = data.astype(">u2").reshape(height, -1).view(np.uint8).astype(int)
    body, above = b"", np.zeros(rows.shape[1], int)
    for y, row in enumerate(rows):
        left = np.concatenate([np.zeros(step, int), row[:-step]])
        corner = np.concatenate([np.zeros(step, int), above[:-step]])
        guess = left + above - corner
        distances = np.abs([guess - left, guess - above, guess - corner])
        paeth = np.choose(distances.argmin(axis=0), [left, above, corner])
        predictions = (np.zeros_like(row), left, above, (left + above) // 2, paeth)
        body += bytes([y % 5]) + ((row - predictions[y % 5]) % 256).astype(np.uint8).tobytes()
        above = row
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(body)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


# --- what comes out ---


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".ppm", ".webp", ".jp2"])
def test_rgb_is_read_exactly(tmp_path: Path, suffix: str) -> None:
    data = noise(7, 5, 3)
    options = {".webp": {"lossless": True}, ".jp2": {"irreversible": False}}.get(suffix, {})
    picture = reading.read(saved(Image.fromarray(data), tmp_path / f"a{suffix}", **options))
    assert (picture.width, picture.height) == (5, 7)
    assert picture.alpha is None
    assert picture.pixels.dtype == torch.float32
    np.testing.assert_allclose(array(picture), data / 255.0, atol=1e-6)


def test_a_name_a_path_and_a_pillow_image_are_the_same(tmp_path: Path) -> None:
    path = saved(Image.fromarray(CORNERS), tmp_path / "a.png")
    with Image.open(path) as image:
        pictures = [reading.read(path), reading.read(str(path)), reading.read(image)]
    for picture in pictures:
        np.testing.assert_allclose(array(picture), CORNERS / 255.0, atol=1e-6)


@pytest.mark.parametrize("mode", ["1", "L"])
def test_grey_becomes_three_equal_channels(tmp_path: Path, mode: str) -> None:
    data = noise(6, 9) if mode == "L" else (noise(6, 9) > 127).astype(np.uint8) * 255
    picture = reading.read(saved(Image.fromarray(data).convert(mode), tmp_path / "a.png"))
    for channel in picture.pixels[0]:
        np.testing.assert_allclose(channel, data / 255.0, atol=1e-6)


def test_grey_with_alpha(tmp_path: Path) -> None:
    data = noise(6, 9, 2)
    image = Image.merge("LA", [Image.fromarray(data[..., i].copy()) for i in range(2)])
    picture = reading.read(saved(image, tmp_path / "a.png"))
    np.testing.assert_allclose(array(picture), data[..., [0, 0, 0]] / 255.0, atol=1e-6)
    np.testing.assert_allclose(alpha(picture), data[..., 1] / 255.0, atol=1e-6)


def test_alpha_comes_back_and_leaves_the_colours_alone(tmp_path: Path) -> None:
    data = noise(6, 9, 4)
    picture = reading.read(saved(Image.fromarray(data), tmp_path / "a.png"))
    np.testing.assert_allclose(array(picture), data[..., :3] / 255.0, atol=1e-6)
    np.testing.assert_allclose(alpha(picture), data[..., 3] / 255.0, atol=1e-6)


@pytest.mark.parametrize("transparency", [2, bytes([255, 128, 0])])
def test_a_palette_and_its_transparency(tmp_path: Path, transparency: int | bytes) -> None:
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    indices = np.array([[0, 1, 2], [2, 1, 0]], dtype=np.uint8)
    image = Image.fromarray(indices).convert("P")
    image.putdata(indices.ravel().tolist())
    image.putpalette([level for colour in colours for level in colour])
    picture = reading.read(saved(image, tmp_path / "a.png", transparency=transparency))
    table = [255, 255, 0] if transparency == 2 else [255, 128, 0]
    np.testing.assert_allclose(array(picture), np.array(colours)[indices] / 255.0, atol=1e-6)
    np.testing.assert_allclose(alpha(picture), np.array(table)[indices] / 255.0, atol=1e-6)


def test_cmyk_without_a_profile(tmp_path: Path) -> None:
    data = noise(4, 5, 4)
    picture = reading.read(
        saved(Image.frombytes("CMYK", (5, 4), data.tobytes()), tmp_path / "a.tif")
    )
    ink = data / 255.0
    expected = (1 - ink[..., :3]) * (1 - ink[..., 3:])
    np.testing.assert_allclose(array(picture), expected, atol=1.01 / 255)


def test_the_first_frame_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    path = tmp_path / "a.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    with Image.open(path) as image:
        assert len(list(ImageSequence.Iterator(image))) == 2
    np.testing.assert_allclose(array(reading.read(path))[0, 0], [1, 0, 0], atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (3, 20_000), (20_000, 3)])
def test_extreme_shapes_are_read(tmp_path: Path, shape: tuple[int, int]) -> None:
    picture = reading.read(saved(Image.new("RGB", shape[::-1], "white"), tmp_path / "a.png"))
    assert (picture.height, picture.width) == shape


PEAK = """
import sys
from pathlib import Path
from impasto.image.reading import read
def peak():
    # Not getrusage, which starts a child at its parent's peak.
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
read(sys.argv[1])
before = peak()
picture = read(sys.argv[2])
print((peak() - before) / (picture.width * picture.height))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc elsewhere")
def test_a_camera_picture_is_read_with_one_copy_as_floats(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    paths = [tmp_path / "small.png", tmp_path / "big.png"]
    for path, size in zip(paths, [(40, 30), (4000, 3000)], strict=True):
        image = Image.new("RGB", size, (200, 100, 50))
        saved(image, path, exif=exif, icc_profile=srgb_profile())
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *paths], capture_output=True, text=True, check=True
    )
    # For each pixel 3 bytes as decoded and 12 as floats; there is no room for another 12.
    assert 12 < float(done.stdout) < 20


# --- 16 bits and floats ---


@pytest.mark.parametrize("colour_type", [0, 4, 2, 6])
def test_sixteen_bit_png_keeps_its_depth(tmp_path: Path, colour_type: int) -> None:
    channels = {0: 1, 4: 2, 2: 3, 6: 4}[colour_type]
    data = noise(11, 7, channels, top=65535)
    path = tmp_path / "a.png"
    path.write_bytes(png(data, colour_type))
    picture = reading.read(path)
    colours = data[..., :1].repeat(3, axis=2) if channels < 3 else data[..., :3]
    np.testing.assert_allclose(array(picture) * 65535, colours, atol=0.01)
    if channels % 2:
        assert picture.alpha is None
    else:
        np.testing.assert_allclose(alpha(picture) * 65535, data[..., -1], atol=0.01)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("compression", [None, "deflate"])
@pytest.mark.parametrize("order", typing.get_args(Order))
def test_sixteen_bit_tiff_keeps_its_depth(
    tmp_path: Path, channels: int, compression: str | None, order: Order
) -> None:
    data = noise(9, 7, channels, top=65535)
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        data[..., 0] if channels == 1 else data,
        photometric="minisblack" if channels == 1 else "rgb",
        extrasamples=["unassalpha"] if channels == 4 else None,
        compression=compression,
        byteorder=order,
    )
    picture = reading.read(path)
    colours = data.repeat(3, axis=2) if channels == 1 else data[..., :3]
    np.testing.assert_allclose(array(picture) * 65535, colours, atol=0.01)
    if channels == 4:
        np.testing.assert_allclose(alpha(picture) * 65535, data[..., 3], atol=0.01)


@pytest.mark.parametrize(("colour_type", "channels"), [(0, 1), (2, 3)])
def test_a_transparent_colour_is_compared_at_all_16_bits(
    tmp_path: Path, colour_type: int, channels: int
) -> None:
    data = np.full((2, 2, channels), 0x1234, dtype=np.uint16)
    data[0, 0] = 0x1235  # the same high byte
    path = tmp_path / "a.png"
    key = struct.pack(">H", 0x1234) * channels
    path.write_bytes(png(data, colour_type, (b"tRNS", key)))
    assert alpha(reading.read(path)).tolist() == [[1, 0], [0, 0]]


@pytest.mark.parametrize(("top", "scale"), [(1.0, 1), (200.0, 255), (60_000.0, 65535)])
def test_floats_count_to_the_range_that_holds_them(
    tmp_path: Path, top: float, scale: float
) -> None:
    data = np.linspace(0, top, 12, dtype=np.float32).reshape(3, 4)
    picture = reading.read(saved(Image.fromarray(data), tmp_path / "a.tif"))
    np.testing.assert_allclose(array(picture)[..., 1], data / scale, atol=1e-5)


def test_other_numbers_are_stretched_and_said_to_be(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = np.array([[-5, 0, 5], [np.nan, 1, -np.inf]], dtype=np.float32)
    picture = reading.read(saved(Image.fromarray(data), tmp_path / "a.tif"))
    np.testing.assert_allclose(array(picture)[..., 0], [[0, 0.5, 1], [0, 0.6, 0]], atol=1e-6)
    assert "stretched" in caplog.text


# --- orientation ---


def placed(data: np.ndarray, orientation: int) -> np.ndarray:
    """What a viewer shows, by the table of the EXIF standard (0th row, 0th column)."""
    flipped = {1: data, 2: data[:, ::-1], 3: data[::-1, ::-1], 4: data[::-1]}
    if orientation <= 4:
        return flipped[orientation]
    turned = data.transpose(1, 0, *range(2, data.ndim))
    return {5: turned, 6: turned[:, ::-1], 7: turned[::-1, ::-1], 8: turned[::-1]}[orientation]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_pictures_stand_upright(tmp_path: Path, orientation: int, suffix: str) -> None:
    big = CORNERS.repeat(16, axis=0).repeat(16, axis=1)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(big)
    path = saved(image, tmp_path / f"a{suffix}", exif=exif, quality=95)
    seen = array(reading.read(path))
    expected = placed(big, orientation)
    assert seen.shape == expected.shape
    assert np.abs(seen - expected / 255.0).mean() < 0.02


@pytest.mark.parametrize("orientation", range(1, 9))
def test_deep_pictures_with_alpha_stand_upright_too(tmp_path: Path, orientation: int) -> None:
    data = noise(4, 6, 4, top=65535)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "a.png"
    path.write_bytes(png(data, 6, (b"eXIf", exif.tobytes()[6:])))
    picture = reading.read(path)
    expected = placed(data, orientation)
    np.testing.assert_allclose(array(picture) * 65535, expected[..., :3], atol=0.01)
    np.testing.assert_allclose(alpha(picture) * 65535, expected[..., 3], atol=0.01)


def test_a_pillow_image_is_turned_but_stays_as_it_was() -> None:
    image = Image.fromarray(CORNERS)
    image.getexif()[0x0112] = 6
    np.testing.assert_allclose(array(reading.read(image)), placed(CORNERS, 6) / 255.0, atol=1e-6)
    assert image.size == (6, 4)
    assert image.getexif()[0x0112] == 6


def test_damaged_exif_is_ignored(tmp_path: Path) -> None:
    image = Image.fromarray(CORNERS)
    path = saved(image, tmp_path / "a.png", exif=b"Exif\0\0II*\0\xff\xff\xff\x00 broken")
    assert reading.read(path).width == 6


# --- wrong input ---


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(noise(40, 40, 3)).save(buffer, kind)
    return buffer.getvalue()


ENCODED = {kind: encoded(kind) for kind in ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP")}


def message(path: Path, **options: int) -> str:
    with pytest.raises(PictureError) as caught:
        reading.read(path, **options)
    text = str(caught.value)
    assert str(path) in text
    assert "\n" not in text
    return text


def test_a_missing_file(tmp_path: Path) -> None:
    assert "does not exist" in message(tmp_path / "none.png")
    assert "does not exist" in message(saved(Image.new("L", (1, 1)), tmp_path / "a.png") / "b.png")


def test_a_folder(tmp_path: Path) -> None:
    assert "is a folder" in message(tmp_path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in message(tmp_path / "pipe")


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    assert "empty" in message(tmp_path / "a.png")


@pytest.mark.parametrize("data", [b"hello", bytes(1000), b"\x89PNG\r\n\x1a\n", b"%PDF-1.7\n"])
def test_no_picture(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.png").write_bytes(data)
    assert "not a picture" in message(tmp_path / "a.png")


@pytest.mark.parametrize("kind", ENCODED)
@pytest.mark.parametrize("share", [0.01, 0.3, 0.6, 0.9])
def test_a_truncated_file(tmp_path: Path, kind: str, share: float) -> None:
    path = tmp_path / "a"
    path.write_bytes(ENCODED[kind][: int(len(ENCODED[kind]) * share)])
    assert "damaged" in message(path)


@given(st.sampled_from(sorted(ENCODED)), st.data())
def test_damage_gives_a_picture_or_a_picture_error(
    tmp_path_factory: pytest.TempPathFactory, kind: str, data: st.DataObject
) -> None:
    spoilt = bytearray(ENCODED[kind])
    for _ in range(data.draw(st.integers(1, 8))):
        # Most of the fields that matter lie in the beginning.
        at = data.draw(st.integers(0, 120) | st.integers(0, len(spoilt) - 1))
        spoilt[at] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damage") / "a"
    path.write_bytes(spoilt)
    try:
        picture = reading.read(path, max_pixels=1_000_000)
    except PictureError as error:
        module = type(error.__cause__).__module__
        is_ours = module.startswith(("beartype", "jaxtyping"))
    else:
        is_ours = not torch.isfinite(picture.pixels).all()
    assert not is_ours


def bomb(path: Path, side: int) -> Path:
    """A PNG of a few bytes whose header promises side × side pixels."""
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(10))), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


@pytest.mark.parametrize("side", [16_385, 100_000])
def test_a_bomb_is_refused_by_its_header(tmp_path: Path, side: int) -> None:
    text = message(bomb(tmp_path / "a.png", side))
    assert f"{side}×{side}" in text
    assert "268,435,456" in text


def test_the_limit_is_exact_and_ours(tmp_path: Path) -> None:
    path = saved(Image.new("L", (10, 10)), tmp_path / "a.png")
    before = Image.MAX_IMAGE_PIXELS
    assert reading.read(path, max_pixels=100).width == 10
    assert "at most 99 " in message(path, max_pixels=99)
    with pytest.raises(PictureError, match="at most 99 "):
        reading.read(Image.new("L", (10, 10)), max_pixels=99)
    assert before == Image.MAX_IMAGE_PIXELS


def test_pictures_between_pillows_limit_and_ours_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(Image.new("L", (10, 10)), tmp_path / "a.tif")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert reading.read(path).width == 10


def test_threads_share_the_limit_and_leave_it(tmp_path: Path) -> None:
    path = saved(Image.fromarray(noise(30, 30, 3)), tmp_path / "a.tif")
    before = Image.MAX_IMAGE_PIXELS
    with ThreadPoolExecutor(8) as pool:
        pictures = list(pool.map(reading.read, [path] * 40))
    assert all(torch.equal(picture.pixels, pictures[0].pixels) for picture in pictures)
    assert before == Image.MAX_IMAGE_PIXELS


def test_an_image_without_pixels() -> None:
    with pytest.raises(PictureError, match="no pixels"):
        reading.read(Image.new("RGB", (0, 5)))


def test_reading_warns_no_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    data = ENCODED["TIFF"]
    entries = struct.unpack_from("<I", data, 4)[0]
    spoilt = bytearray(data)
    spoilt[entries + 2 + 2 : entries + 2 + 4] = b"\xff\xff"  # a tag of a type that does not exist
    (tmp_path / "a.tif").write_bytes(bytes(spoilt))
    message(tmp_path / "a.tif")  # and no warning, which the test run would turn into a failure


# --- digest, fit, resize ---


def test_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"paint")
    assert opening.digest(tmp_path / "a") == "sha256:" + hashlib.sha256(b"paint").hexdigest()
    assert digests.of_file(tmp_path / "a", OptionError) == digests.of_bytes(b"paint")
    assert digests.of_bytes(b"paint") == opening.digest(tmp_path / "a")
    with pytest.raises(PictureError, match="does not exist"):
        opening.digest(tmp_path / "b")
    with pytest.raises(OptionError, match=r"b does not exist:"):
        digests.of_file(tmp_path / "b", OptionError)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 60))
def test_fit_keeps_the_proportions(height: int, width: int, side: int) -> None:
    fitted = fit(torch.rand(1, 3, height, width), side)
    assert max(fitted.shape[-2:]) == side
    for have, had in zip(fitted.shape[-2:], (height, width), strict=True):
        assert abs(have - max(1, had * side / max(height, width))) <= 0.5
    assert 0 <= fitted.min() <= fitted.max() <= 1


def test_resize_agrees_with_pillow() -> None:
    data = noise(40, 60, 3)
    ours = resize(torch.from_numpy(data / 255.0).permute(2, 0, 1)[None].float(), 13, 21)
    theirs = Image.fromarray(data).resize((21, 13), Image.Resampling.BICUBIC)
    assert np.abs(ours[0].permute(1, 2, 0).numpy() - np.asarray(theirs) / 255.0).max() < 2 / 255


def test_resize_to_the_same_size_changes_nothing() -> None:
    pixels = torch.rand(1, 1, 5, 4)
    assert torch.equal(resize(pixels, 5, 4), pixels)


def test_no_size_below_one() -> None:
    pixels = torch.rand(1, 3, 4, 4)
    for height, width in itertools.permutations((0, 3)):
        with pytest.raises(OptionError, match="sides of 1 or more"):
            resize(pixels, height, width)
    with pytest.raises(OptionError, match="long side"):
        fit(pixels, 0)


def test_alpha_has_the_size_of_the_pixels() -> None:
    with pytest.raises(Exception, match=r"(?i)alpha"):
        Picture(torch.rand(1, 3, 4, 4), torch.rand(1, 1, 4, 5))
