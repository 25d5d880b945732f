"""Bombs in a TIFF's strips and tiles: what they may unpack to, and how many there may be."""

from __future__ import annotations

import lzma
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from impasto.errors import PictureError
from impasto.image import header_limits, reading

MEGABYTES = 2**20


def refused(path: Path, **options: int) -> str:
    with pytest.raises(PictureError) as caught:
        reading.read(path, **options)
    return str(caught.value)


def tiff(path: Path, strip: bytes, **tags: tuple[int, tuple[int, ...]]) -> Path:
    """A TIFF of 64×64 pixels of 16 bits in one strip, whatever the strip holds."""
    entries: dict[int, tuple[int, tuple[int, ...]]] = {
        256: (4, (64,)), 257: (4, (64,)), 258: (3, (16,)), 259: (3, (8,)), 262: (3, (1,)),
        273: (4, (8,)), 277: (3, (1,)), 278: (4, (64,)), 279: (4, (len(strip),)),
    }  # fmt: skip
    entries |= {int(tag[1:]): value for tag, value in tags.items()}
    body, beyond = b"", b""
    start = 8 + len(strip) + len(strip) % 2
    after = start + 2 + 12 * len(entries) + 4
    for tag, (kind, values) in sorted(entries.items()):
        data = struct.pack(f"<{len(values)}{'HI'[kind == 4]}", *values)
        if len(data) > 4:
            beyond += data
            data = struct.pack("<I", after + len(beyond) - len(data))
        body += struct.pack("<HHI", tag, kind, len(values)) + data.ljust(4, b"\0")
    whole = b"II*\0" + struct.pack("<I", start) + strip + bytes(len(strip) % 2)
    path.write_bytes(whole + struct.pack("<H", len(entries)) + body + bytes(4) + beyond)
    return path


def peak(path: Path) -> int:
    """The most bytes that reading a file takes, read or refused."""
    reading.read(tiff(path.with_name("first.tif"), zlib.compress(bytes(8192))))
    tracemalloc.start()
    try:
        reading.read(path, max_pixels=2**22)
    except PictureError:
        pass
    finally:
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return most


def test_a_strip_unpacks_to_no_more_than_its_tags_say(tmp_path: Path) -> None:
    whole = bytes(60 * MEGABYTES)
    for code, strip in ((8, zlib.compress(whole)), (34925, lzma.compress(whole, preset=0))):
        path = tiff(tmp_path / "a.tif", strip, t259=(3, (code,)))
        assert peak(path) < 20 * MEGABYTES
        assert reading.read(path).width == 64


CODES = {"jpeg": 7, "webp": 50001, "jpegxl": 50002, "jpeg2k": 34712, "png": 34933, "lerc": 34887}


@pytest.mark.parametrize("codec", CODES)
def test_a_picture_in_a_strip_is_no_larger_than_the_strip(codec: str, tmp_path: Path) -> None:
    codecs = pytest.importorskip("imagecodecs")
    strip = getattr(codecs, f"{codec}_encode")(np.zeros((1500, 1500, 3), np.uint8))
    colour = {"t258": (3, (8, 8, 8)), "t262": (3, (2,)), "t277": (3, (3,)), "t338": (3, (0,))}
    tags = {} if codec == "jpeg" else colour  # a JPEG of RGB would be Pillow's
    path = tiff(tmp_path / "a.tif", strip, t259=(3, (CODES[codec],)), **tags)
    assert "1500×1500 in a piece of 4096 pixels" in refused(path)


def test_strips_that_claim_the_same_bytes_again_and_again(tmp_path: Path) -> None:
    strip = zlib.compress(np.random.default_rng(0).bytes(2**21))
    rows = {"t278": (4, (1,)), "t273": (4, (8,) * 64), "t279": (4, (len(strip),) * 64)}
    assert "larger than its pixels" in refused(tiff(tmp_path / "a.tif", strip, **rows))


def test_a_million_tiles_are_too_many(tmp_path: Path) -> None:
    side = 16 * 1024
    path = tiff(
        tmp_path / "a.tif", bytes(9), t256=(4, (side,)), t257=(4, (side,)), t322=(4, (16,)),
        t323=(4, (16,)), t324=(4, (8,)), t325=(4, (9,)),
    )  # fmt: skip
    assert "1,048,576 pieces; at most 262,144 are read" in refused(path)


def test_tiles_beyond_all_size(tmp_path: Path) -> None:
    path = tiff(
        tmp_path / "a.tif", bytes(9), t322=(4, (2**20,)), t323=(4, (2**20,)), t324=(4, (8,)),
        t325=(4, (9,)),
    )  # fmt: skip
    assert "damaged" in refused(path)
    assert peak(path) < 5 * MEGABYTES


def test_many_tiles_that_are_mostly_beyond_the_picture(tmp_path: Path) -> None:
    tile = zlib.compress(bytes(2**23), 9)
    path = tiff(
        tmp_path / "a.tif", tile, t256=(4, (2048,)), t257=(4, (1,)), t322=(4, (16,)),
        t323=(4, (2**18,)), t324=(4, (8,) * 128), t325=(4, (len(tile),) * 128),
    )  # fmt: skip
    assert path.stat().st_size < 10_000
    assert "its tiles are larger than its pixels" in refused(path)


def test_large_tiles_of_a_thin_picture_are_read(tmp_path: Path) -> None:
    thin = np.random.default_rng(0).integers(0, 65536, (2, 9000), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", thin, tile=(512, 512), compression="zlib")
    assert reading.read(tmp_path / "a.tif").width == 9000


def test_pixels_that_are_not_there(tmp_path: Path) -> None:
    assert "damaged" in refused(tiff(tmp_path / "a.tif", b"x", t279=(4, (0,))))
    assert "damaged" in refused(tiff(tmp_path / "b.tif", zlib.compress(bytes(100))))
    assert "damaged" in refused(tiff(tmp_path / "c.tif", bytes(8), t259=(3, (1,))))


def test_values_of_a_microscope_that_are_multiplied_are_refused(tmp_path: Path) -> None:
    strip = zlib.compress(bytes(8192))
    path = tiff(tmp_path / "a.tif", strip, t33628=(4, (0,) * 300))
    assert "beside its pixels" in refused(path)


def test_the_directories_that_are_looked_at_are_bounded_too(tmp_path: Path) -> None:
    path = tiff(tmp_path / "a.tif", zlib.compress(bytes(8192)))
    whole = bytearray(path.read_bytes())
    second = struct.pack("<HHHII", 1, 273, 4, 2**31, 8) + bytes(4)
    whole[-4:] = struct.pack("<I", len(whole))
    path.write_bytes(whole + second)
    with pytest.raises(PictureError, match="beside its pixels"):
        header_limits.check(path)


def test_a_raw_of_too_many_pixels_is_refused_before_it_is_developed(tmp_path: Path) -> None:
    pytest.importorskip("rawpy")
    from written import write_dng

    path = write_dng(tmp_path / "a.dng", np.zeros((64, 96, 3)))
    assert "measures 96×64" in refused(path, max_pixels=1000)


def test_a_jpeg_xl_of_too_many_pixels_is_refused_by_its_header(tmp_path: Path) -> None:
    pytest.importorskip("imagecodecs")
    # SizeHeader: not small, height by 30 bits, no ratio, width by 30 bits; all ones.
    (tmp_path / "a.jxl").write_bytes(b"\xff\x0a" + b"\xfe\xff\xff\xff\xf1" + b"\xff" * 20)
    assert "pixels; at most" in refused(tmp_path / "a.jxl")


def test_pillow_is_not_asked_for_what_it_reads_wrong(tmp_path: Path) -> None:
    data = np.random.default_rng(0).integers(0, 65536, (3, 8, 8), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", data, photometric="rgb", planarconfig="separate")
    decoded = reading.read(tmp_path / "a.tif").pixels[0].numpy()
    np.testing.assert_allclose(decoded, data / 65535, atol=1e-6)
    with Image.open(tmp_path / "a.tif") as image:
        assert np.abs(np.asarray(image.convert("RGB")).transpose(2, 0, 1) - data / 257).mean() > 20
