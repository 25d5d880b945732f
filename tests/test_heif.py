"""HEIC: depth, orientation, profile and code points, and what is said without pillow-heif."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_image_profiles import ADOBE, SRGB, encode, gamma, matrix_profile, srgb_curve
from written import write_heic

from impasto.errors import PictureError
from impasto.image import reading
from impasto.installation import install_hint

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"


def ramp(height: int = 32, width: int = 64) -> np.ndarray:
    """Words: a ramp of red to the right, of green downwards, half of blue."""
    words = np.full((height, width, 3), 32768, np.uint16)
    words[..., 0] = np.linspace(0, 65535, width).round()[None]
    words[..., 1] = np.linspace(0, 65535, height).round()[:, None]
    return words


def write(path: Path, words: np.ndarray, bits: int, **options: object) -> Path:
    pytest.importorskip("pillow_heif")
    return write_heic(path, words if bits > 8 else (words >> 8).astype(np.uint8), bits, **options)


def pixels(path: Path) -> np.ndarray:
    return reading.read(path).pixels[0].permute(1, 2, 0).numpy()


def test_eight_bits(tmp_path: Path) -> None:
    path = write(tmp_path / "a.heic", ramp(), 8)
    np.testing.assert_allclose(pixels(path), (ramp() >> 8) / 255, atol=2 / 255)
    assert reading.depth(path) == 8


def test_ten_bits_are_kept_and_scaled_by_their_range(tmp_path: Path) -> None:
    words = np.full((64, 256, 3), 20_000, np.uint16)
    words[...] += (np.arange(256, dtype=np.uint16) * 16)[None, :, None]
    words[:8, :8] = 65535
    path = write(tmp_path / "a.heic", words, 10)
    decoded = pixels(path)
    np.testing.assert_allclose(decoded, words / 65535, atol=2 / 1023)
    assert len(np.unique(decoded[32, :, 1])) > 50  # of 8 bits there would be 17
    assert decoded[2, 2].min() > 0.999  # white is white
    assert reading.depth(path) == 16


def test_transparency(tmp_path: Path) -> None:
    words = np.dstack([ramp(), ramp()[..., :1]])
    picture = reading.read(write(tmp_path / "a.heic", words, 8))
    assert picture.alpha is not None
    decoded = picture.alpha[0, 0].numpy()
    np.testing.assert_allclose(decoded, (words[..., 3] >> 8) / 255, atol=2 / 255)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_picture_is_turned_once(orientation: int, tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif")
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray((ramp() >> 8).astype(np.uint8))
    heif.from_pillow(image).save(
        tmp_path / "a.heic", quality=-1, chroma=444, matrix_coefficients=0, exif=exif.tobytes()
    )
    turns = {3: 2, 6: 3, 8: 1}[orientation]  # of 90° against the clock
    expected = np.rot90((ramp() >> 8) / 255, turns)
    decoded = pixels(tmp_path / "a.heic")
    assert decoded.shape == expected.shape
    np.testing.assert_allclose(decoded, expected, atol=3 / 255)


@pytest.mark.parametrize("bits", [8, 10])
def test_its_profile_is_followed(bits: int, tmp_path: Path) -> None:
    icc = matrix_profile(ADOBE, gamma(563 / 256))
    words = ramp()
    decoded = pixels(write(tmp_path / "a.heic", words, bits, icc_profile=icc))
    words = words if bits > 8 else (words >> 8) * 257
    light = (words / 65535) ** (563 / 256) @ ADOBE.T @ np.linalg.inv(SRGB).T
    assert np.abs(decoded - encode(light).clip(0, 1)).max() < 4 / 255
    assert np.abs(decoded - words / 65535).max() > 20 / 255


def test_a_profile_takes_precedence_over_code_points(tmp_path: Path) -> None:
    icc = matrix_profile(SRGB, srgb_curve())
    hdr = {"color_primaries": 9, "transfer_characteristics": 16}
    decoded = pixels(write(tmp_path / "a.heic", ramp(), 10, icc_profile=icc, **hdr))
    np.testing.assert_allclose(decoded, ramp() / 65535, atol=2 / 1023)


def test_pq_is_mapped_with_a_note(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    hdr = {"color_primaries": 9, "transfer_characteristics": 16}
    white = np.full((16, 16, 3), round(0.58 * 65535), np.uint16)  # of 203 cd/m² by BT.2408
    decoded = pixels(write(tmp_path / "a.heic", white, 10, **hdr))
    assert decoded.mean() > 0.8
    assert "high dynamic range" in caplog.text


def test_without_pillow_heif_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    for name in ("phone.heic", "phone.jpg"):  # by its content
        (tmp_path / name).write_bytes(HEIC)
        with pytest.raises(PictureError) as caught:
            reading.read(tmp_path / name)
        assert str(caught.value) == (
            f"{tmp_path / name} is a HEIC picture, as iPhones take them: "
            f"`{install_hint('heif')}` reads it."
        )


def test_too_many_pixels_and_damage_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.heic", ramp(), 8)
    with pytest.raises(PictureError, match="at most 100 are read"):
        reading.read(path, max_pixels=100)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(PictureError, match="damaged"):
        reading.read(path)


ALONE = """
import sys
from PIL import Image
from impasto.image.reading import read
Image.new("RGB", (4, 4)).save(sys.argv[1])
read(sys.argv[1])
assert not {"pillow_heif", "rawpy", "imagecodecs", "tifffile"} & set(sys.modules)
read(sys.argv[2])
assert "HEIF" not in Image.OPEN
"""


def test_other_files_load_no_library_and_pillow_is_not_changed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.heic", ramp(), 8)
    subprocess.run([sys.executable, "-c", ALONE, tmp_path / "a.png", path], check=True)
