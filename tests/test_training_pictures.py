"""The pictures of a folder as a training reads them: all kinds, and in their colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from impasto.errors import ImpastoError, PictureError
from impasto.image.left_out import LeftOut
from impasto.image.reading import read
from impasto.training.fast import FastTraining
from impasto.training.photographs import find_pictures, left_out_of
from impasto.training.pictures import load_bytes
from impasto.training.run_training import TrainingSpec, run_training


def gradient(width: int = 64, height: int = 48) -> Image.Image:
    return Image.linear_gradient("L").resize((width, height)).convert("RGB")


def test_a_folder_gives_all_kinds_that_can_be_read(tmp_path: Path) -> None:
    names = ["a.jpe", "b.avif", "c.JP2", "d.gif", "e.ppm", "f.tga"]
    for name in [*names, ".hidden.jpg", "film.mp4", "notes.txt"]:
        (tmp_path / name).touch()
    (tmp_path / "folder.jpg").mkdir()
    assert [path.name for path in find_pictures(tmp_path)] == names
    assert str(left_out_of(tmp_path)) == "1 film (.mp4), 1 .txt"


def test_heic_is_taken_where_it_can_be_read(tmp_path: Path) -> None:
    pytest.importorskip("pillow_heif")
    (tmp_path / "a.heic").touch()
    assert find_pictures(tmp_path) == [tmp_path / "a.heic"]
    assert not left_out_of(tmp_path)


def test_a_folder_of_other_files_is_told_what_it_has(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").touch()
    with pytest.raises(PictureError, match=r"no pictures in .*It has 1 film \(\.mp4\)"):
        find_pictures(tmp_path)
    with pytest.raises(PictureError, match="missing cannot be read"):
        left_out_of(tmp_path / "missing")
    assert left_out_of(tmp_path) == LeftOut.of([Path("film.mp4")])


@pytest.mark.parametrize("short", [None, 30])
def test_a_gamma_is_converted(tmp_path: Path, short: int | None) -> None:
    about = PngImagePlugin.PngInfo()
    about.add(b"gAMA", (100_000).to_bytes(4, "big"))  # linear light
    Image.new("RGB", (64, 48), (55, 55, 55)).save(tmp_path / "a.png", pnginfo=about)
    # IEC 61966-2-1: 1.055 (55/255)^(1/2.4) - 0.055 = 0.5018
    assert set(load_bytes(tmp_path / "a.png", short).flatten().tolist()) == {128}


def test_grey_of_16_bits_keeps_its_tones(tmp_path: Path) -> None:
    Image.fromarray(np.full((48, 64), 0x8080, np.uint16)).save(tmp_path / "a.png")
    assert set(load_bytes(tmp_path / "a.png").flatten().tolist()) == {0x80}


def test_a_large_jpeg_is_decoded_at_a_fraction_in_its_colours(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    gradient(1600, 1200).save(path, exif=exif, icc_profile=profile, quality=95)
    picture = read(path, short=300)
    assert (picture.width, picture.height) == (300, 400)
    whole = read(path)
    assert (whole.width, whole.height) == (1200, 1600)
    small = load_bytes(path, 299)
    assert small.shape == (3, 399, 299)
    # Upright, its gradient goes from right to left.
    assert small[0, 200, 5] > 240
    assert small[0, 200, -5] < 15


def test_a_fraction_of_a_jpeg_is_never_below_what_is_asked(tmp_path: Path) -> None:
    gradient(1600, 1201).save(tmp_path / "a.jpg")
    for short in (1201, 1200, 601, 600, 301, 299, 149, 20):
        picture = read(tmp_path / "a.jpg", short=short)
        assert min(picture.width, picture.height) >= short


def test_a_training_says_what_it_leaves_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("film.mp4", *(f"{i}.png" for i in range(8))):
        (photos / name).touch()
    order = TrainingSpec(
        [str(tmp_path / "no.png")], str(photos), tmp_path / "a.impasto", FastTraining()
    )
    with pytest.raises(ImpastoError, match=r"no\.png"):
        run_training(order, lambda *_: True)
    assert f"left out of {photos}: 1 film (.mp4)" in caplog.text
