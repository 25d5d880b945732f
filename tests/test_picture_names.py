"""What messages call a picture: its name, never the file in which a pipe's bytes are kept."""

from __future__ import annotations

import io
import logging
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from impasto.errors import PictureError
from impasto.image.exchange import read
from impasto.image.picture import Picture
from impasto.painting.sources import StandardInput

SIZE = (24, 16)


def piped(data: bytes, folder: Path) -> StandardInput:
    """Return a picture as one from standard input is handed on."""
    source = StandardInput(folder / "input")
    source.file.write_bytes(data)
    return source


def read_piped(data: bytes, folder: Path) -> Picture:
    return read(piped(data, folder))


def saved(pillow: str, **more: object) -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").resize(SIZE).convert("RGB").save(file, pillow, **more)
    return file.getvalue()


def animation() -> bytes:
    return saved("GIF", save_all=True, append_images=[Image.new("RGB", SIZE, "red")])


def pages() -> bytes:
    return saved("TIFF", save_all=True, append_images=[Image.new("RGB", SIZE, "red")])


def odd_colours() -> bytes:
    about = PngImagePlugin.PngInfo()
    about.add(b"cICP", bytes([9, 16, 7, 1]))  # PNG's matrix is 0
    return saved("PNG", pnginfo=about)


def run_lengths() -> bytes:
    """Return a BMP of 4×2 pixels in runs of 8 bits."""
    palette = bytes(4 * 256)
    pixels = b"\x04\x01\0\0\x04\x02\0\0\0\x01"
    start = 14 + 40 + len(palette)
    header = struct.pack("<IiiHHIIiiII", 40, 4, 2, 1, 8, 1, len(pixels), 0, 0, 256, 0)
    return (
        struct.pack("<2sIHHI", b"BM", start + len(pixels), 0, 0, start) + header + palette + pixels
    )


def grey_of_100() -> bytes:
    return b"P5 24 16 100\n" + bytes(range(24)) * 16


@pytest.mark.parametrize("make", [grey_of_100, run_lengths])
def test_what_a_slow_decoder_reads_may_come_from_a_pipe(
    make: Callable[[], bytes], tmp_path: Path
) -> None:
    picture = read_piped(make(), tmp_path)
    assert picture.pixels.shape[-1] in (24, 4)


@pytest.mark.parametrize("make", [animation, pages, odd_colours])
def test_a_remark_names_standard_input(
    make: Callable[[], bytes], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        picture = read_piped(make(), tmp_path)
    assert "standard input" in caplog.text
    assert str(tmp_path) not in caplog.text
    assert picture.metadata.name == "standard input"


def damaged_tiff() -> bytes:
    return saved("TIFF", compression="tiff_adobe_deflate")[:-300] + bytes(300)


def broken_png() -> bytes:
    data = saved("PNG")
    at = data.index(b"IDAT")
    return data[: at + 4] + zlib.compress(b"")[:4]


@pytest.mark.parametrize("make", [broken_png, lambda: b"\x89PNG\r\n\x1a\n", damaged_tiff])
def test_an_error_names_standard_input(make: Callable[[], bytes], tmp_path: Path) -> None:
    with pytest.raises(PictureError) as error:
        read_piped(make(), tmp_path)
    assert "standard input" in str(error.value)
    assert str(tmp_path) not in str(error.value)


@pytest.mark.parametrize("pillow", ["TIFF", "PNG"])
def test_a_picture_over_the_limit_is_named(pillow: str, tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="standard input"):
        read(piped(saved(pillow), tmp_path), max_pixels=100)


def test_other_readers_name_standard_input(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif")
    codecs = pytest.importorskip("imagecodecs")
    image = Image.linear_gradient("L").resize((64, 64)).convert("RGB")
    file = io.BytesIO()
    heif.from_pillow(image).save(file)
    for data in (file.getvalue(), codecs.jpegxl_encode(np.asarray(image))):
        assert read_piped(data, tmp_path).metadata.name == "standard input"
        with pytest.raises(PictureError) as error:
            read(piped(data, tmp_path), max_pixels=100)
        assert "standard input" in str(error.value)
        assert str(tmp_path) not in str(error.value)
