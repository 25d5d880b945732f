"""Camera RAW: developed by rawpy, and never taken for the small picture that is inside of it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from written import write_dng

from impasto.errors import PictureError
from impasto.image import reading
from impasto.image.kinds import kind_of


def quarters(height: int = 64, width: int = 96) -> np.ndarray:
    """Grey at the top left, red, green and blue in the other quarters."""
    colours = np.full((height, width, 3), 0.4)
    y, x = height // 2, width // 2
    colours[:y, x:] = (0.7, 0.1, 0.1)
    colours[y:, :x] = (0.1, 0.7, 0.1)
    colours[y:, x:] = (0.1, 0.1, 0.7)
    return colours


def pixels(path: Path) -> np.ndarray:
    return reading.read(path).pixels[0].permute(1, 2, 0).numpy()


def quarter(values: np.ndarray, y: int, x: int) -> np.ndarray:
    height, width = values.shape[0] // 2, values.shape[1] // 2
    part = values[y * height : (y + 1) * height, x * width : (x + 1) * width]
    return np.asarray(part[8:-8, 8:-8].mean(axis=(0, 1)))


@pytest.mark.parametrize("suffix", [".dng", ".tif", ".nef"])
def test_a_raw_is_developed_at_full_size_with_the_camera_s_white(
    suffix: str, tmp_path: Path
) -> None:
    pytest.importorskip("rawpy")
    path = write_dng(tmp_path / f"a{suffix}", quarters())
    decoded = pixels(path)
    assert decoded.shape == (64, 96, 3)
    grey = quarter(decoded, 0, 0)
    assert np.ptp(grey) < 0.02, "the camera's white balance"
    assert grey.mean() > 0.3
    for place, channel in (((0, 1), 0), ((1, 0), 1), ((1, 1), 2)):
        colour = quarter(decoded, *place)
        assert colour[channel] > 1.5 * np.delete(colour, channel).max()
    assert reading.depth(path) == 16


def test_a_raw_has_16_bits(tmp_path: Path) -> None:
    pytest.importorskip("rawpy")
    ramp = np.linspace(0.2, 0.21, 96)[None, :, None] * np.ones((64, 1, 3))
    decoded = pixels(write_dng(tmp_path / "a.dng", ramp))
    assert len(np.unique(decoded[32, 8:-8, 1])) > 40  # of 8 bits there would be two or three


def test_a_raw_is_upright(tmp_path: Path) -> None:
    pytest.importorskip("rawpy")
    decoded = pixels(write_dng(tmp_path / "a.dng", quarters(), orientation=6))
    assert decoded.shape == (96, 64, 3)  # the file's first row is shown at the right
    assert quarter(decoded, 0, 0).argmax() == 1
    assert quarter(decoded, 1, 0).argmax() == 2
    assert np.ptp(quarter(decoded, 0, 1)) < 0.02


def test_without_rawpy_a_raw_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_dng(tmp_path / "a.dng", quarters())
    monkeypatch.setitem(sys.modules, "rawpy", None)
    with pytest.raises(PictureError, match=r"a\.dng is a camera RAW \(DNG\): .*\[raw\]"):
        reading.read(path)


def test_a_raw_that_libraw_does_not_know(tmp_path: Path) -> None:
    pytest.importorskip("rawpy")
    path = tmp_path / "a.orf"
    path.write_bytes(b"IIRO\x08\0\0\0" + bytes(1000))
    with pytest.raises(PictureError, match=r"a\.orf"):
        reading.read(path)


@pytest.mark.parametrize(
    ("name", "head", "says"),
    [
        ("a.orf", b"IIRO\x08\0\0\0", "Olympus ORF"),
        ("a.rw2", b"IIU\0\x18\0\0\0", "Panasonic RW2"),
        ("a.raf", b"FUJIFILMCCD-RAW 0201", "Fujifilm RAF"),
        ("a.cr2", b"II*\0\x10\0\0\0CR\2\0", "Canon CR2"),
        ("a.cr3", b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "Canon CR3"),
        ("a.crw", b"II\x1a\0\0\0HEAPCCDR", "Canon CRW"),
        ("a.mrw", b"\0MRM\0\0\0\0", "Minolta MRW"),
        ("a.x3f", b"FOVb\0\0\0\0", "Sigma X3F"),
        ("a.pef", b"MM\0*\0\0\0\x08\0\0\0\0\0\0\0\0", "PEF"),
        ("a.arw", b"II*\0\x08\0\0\0\0\0\0\0\0\0\0\0", "ARW"),
    ],
)
def test_a_raw_is_known_by_its_content(name: str, head: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(head + bytes(64))
    kind = kind_of(tmp_path / name)
    assert kind is not None
    assert kind.reader == "raw"
    assert says in kind.name
