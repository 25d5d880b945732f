"""What a file is called that is no picture, and which pictures of a folder are known."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from impasto.errors import PictureError
from impasto.image import reading
from impasto.image.formats import FORMATS, READ_SUFFIXES, WRITTEN
from impasto.image.left_out import is_read
from impasto.jobs.photographs import find_photographs


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "words")
    return buffer.getvalue()


def box(kind: bytes, brand: bytes) -> bytes:
    return b"\0\0\0\x18" + kind + brand + b"\0\0\2\0" + brand + b"mp41" + bytes(64)


OTHERS = {
    "film.mp4": (box(b"ftyp", b"isom"), "a film (MP4), not a picture"),
    "film.mov": (box(b"ftyp", b"qt  "), "a film (QuickTime), not a picture"),
    "old.mov": (b"\0\0\1\0moov" + bytes(64), "a film (QuickTime), not a picture"),
    "film.mkv": (b"\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska", "a film (Matroska), not a picture"),
    "film.webm": (b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm" + bytes(9), "a film (WebM), not a"),
    "film.avi": (b"RIFF\0\0\1\0AVI LIST", "a film (AVI), not a picture"),
    "sound.m4a": (box(b"ftyp", b"M4A "), "sound (M4A), not a picture"),
    "sound.mp3": (b"ID3\x04\0\0" + bytes(64), "sound (MP3), not a picture"),
    "sound.wav": (b"RIFF\0\0\1\0WAVEfmt ", "sound (WAV), not a picture"),
    "a.pdf": (b"%PDF-1.7\n%\xe2\xe3", "a PDF document, not a picture"),
    "a.svg": (b'<?xml version="1.0"?>\n<svg xmlns="x"/>', "an SVG drawing"),
    "b.svg": (b"<svg xmlns='x'></svg>", "an SVG drawing"),
    "a.psd": (b"8BPS\0\1" + bytes(64), "a Photoshop document (PSD), a kind of picture"),
    "a.xcf": (b"gimp xcf v011\0", "a GIMP document (XCF), a kind of picture"),
    "a.eps": (b"%!PS-Adobe-3.0 EPSF-3.0", "a PostScript drawing (EPS), not a picture"),
    "a.ico": (b"\0\0\1\0\1\0\x10\x10" + bytes(64), "an icon (ICO), a kind of picture"),
    "a.exr": (b"v/1\x01\2\0\0\0" + bytes(64), "an OpenEXR picture, a kind of picture"),
    "a.hdr": (b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n", "a Radiance HDR picture, a kind of"),
    "a.zip": (zipped(), "a ZIP archive, or a document in one, not a picture"),
    "saved.jpg": (b"\n<!DOCTYPE html>\n<html><head>", "a web page (HTML), not a picture"),
    "notes.txt": ("Grün, from a notebook.\n".encode(), "text, not a picture"),
    "noise.jpg": (bytes(range(128, 256)) * 9, "not a picture that can be read"),
}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("renamed", [None, "a.jpg"])
def test_what_is_no_picture_is_called_by_its_name(
    name: str, renamed: str | None, tmp_path: Path
) -> None:
    content, says = OTHERS[name]
    path = tmp_path / (renamed or name)
    path.write_bytes(content)
    with pytest.raises(PictureError) as caught:
        reading.read(path)
    assert f"{path} is {says}" in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_tga_is_read(tmp_path: Path) -> None:
    data = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    for name in ("a.tga", "a.jpg"):  # by its suffix, or by its end
        Image.fromarray(data).save(tmp_path / name, "TGA")
        pixels = reading.read(tmp_path / name).pixels[0].permute(1, 2, 0)
        np.testing.assert_allclose(pixels, data / 255, atol=1e-6)
    whole = (tmp_path / "a.tga").read_bytes()
    assert whole.endswith(b"TRUEVISION-XFILE.\0")
    (tmp_path / "old.tga").write_bytes(whole[:-26])  # as before 1989
    assert reading.read(tmp_path / "old.tga").width == 7
    (tmp_path / "false.tga").write_bytes((tmp_path / "a.tga").read_bytes()[:20])
    with pytest.raises(PictureError, match="damaged"):
        reading.read(tmp_path / "false.tga")


def test_a_png_that_is_called_tga_is_a_png(tmp_path: Path) -> None:
    Image.new("RGB", (5, 4)).save(tmp_path / "a.tga", "PNG")
    assert reading.read(tmp_path / "a.tga").width == 5


JPEG_XL_SIZES = [(1, 1), (8, 8), (256, 16), (257, 3), (300, 300), (1000, 1), (640, 480), (4, 700)]


@pytest.mark.parametrize("size", JPEG_XL_SIZES)
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_jpeg_xl_is_read_within_its_limits(
    size: tuple[int, int], kind: type, tmp_path: Path
) -> None:
    codecs = pytest.importorskip("imagecodecs")
    top = np.iinfo(kind).max
    data = np.random.default_rng(0).integers(0, top, (*size, 3), dtype=kind, endpoint=True)
    path = tmp_path / "a.jxl"
    path.write_bytes(codecs.jpegxl_encode(data, lossless=True))
    pixels = reading.read(path).pixels[0].permute(1, 2, 0)
    np.testing.assert_allclose(pixels, data / top, atol=1e-6)
    assert reading.depth(path) == (8 if top == 255 else 16)
    with pytest.raises(PictureError, match=f"measures {size[1]}×{size[0]}"):
        reading.read(path, max_pixels=size[0] * size[1] - 1)


def test_each_suffix_is_known_once() -> None:
    suffixes = [suffix for row in FORMATS for suffix in row.suffixes + row.read_suffixes]
    assert len(suffixes) == len(set(suffixes)) == len(READ_SUFFIXES)
    assert set(WRITTEN) <= READ_SUFFIXES
    assert not {".mpo", ".apng", ".heic", ".dng"} & set(WRITTEN)
    assert {row.extra for row in FORMATS} == {None, "codecs", "heif", "raw"}


FOLDER = ".jfif .jpe .mpo .j2k .jpf .jpx .pnm .apng .tga .dib .ppm .heic .dng .cr3 .nef .jxl"


@pytest.mark.parametrize("suffix", FOLDER.split())
def test_a_folder_s_pictures_are_known_by_their_suffix(suffix: str, tmp_path: Path) -> None:
    (tmp_path / f"a{suffix.upper()}").touch()
    (tmp_path / "a.txt").touch()
    if not is_read(Path(name := f"a{suffix.upper()}")):
        pytest.skip("needs an extra that is not installed")
    photographs = find_photographs([tmp_path], tmp_path / "out")
    assert [path.name for path in photographs.files] == [name]


# --- several pictures in a file ---


def frames(number: int) -> list[Image.Image]:
    return [Image.new("RGB", (8, 8), (60 * n, 0, 0)) for n in range(number)]


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".avif"])
def test_of_an_animation_the_first_frame_is_taken_with_a_note(
    suffix: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, *others = frames(3)
    path = tmp_path / f"a{suffix}"
    first.save(path, save_all=True, append_images=others)
    assert reading.read(path).pixels[0, 0].max() < 0.1
    assert f"{path} is an animation: the first of its 3 frames is taken." in caplog.text
    caplog.clear()
    first.save(path)
    reading.read(path)
    assert not caplog.text


def test_of_an_mpo_the_first_picture_is_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, *others = frames(2)
    for name in ("a.mpo", "a.jpg"):
        first.save(tmp_path / name, "MPO", save_all=True, append_images=others)
        assert reading.read(tmp_path / name).pixels[0, 0].max() < 0.1
    # A phone's JPEG has a second picture for its own use, of which there is nothing to say.
    assert caplog.messages == [f"{tmp_path / 'a.mpo'} holds 2 pictures: the first is taken."]
