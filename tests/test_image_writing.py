"""Writing: what goes in comes out, the recipe too; and a file is there whole or not at all."""

from __future__ import annotations

import errno
import io
import os
import re
import resource
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, features

from impasto.errors import OptionError, PictureError
from impasto.files import atomic
from impasto.image import deep_formats, metadata, opening, reading, writing, xmp
from impasto.image.picture import Picture, resize
from impasto.image.writable import check_writable
from impasto.installation import install_hint

KINDS = [(suffix, 8) for suffix in (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".avif")]
KINDS += [(suffix, 16) for suffix in (".png", ".tif", ".tiff")]
RECIPE = '{"style": "Ночь & <звёзды> \\"星月夜\\" 🎨", "seed": 3}\r\n\tend'


def picture(height: int = 9, width: int = 14, *, alpha: bool = False, seed: int = 0) -> Picture:
    draw = torch.Generator().manual_seed(seed)
    mask = torch.rand(1, 1, height, width, generator=draw) if alpha else None
    return Picture(torch.rand(1, 3, height, width, generator=draw), mask)


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# --- round trips ---


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("bits", [8, 16])
@given(st.integers(1, 24), st.integers(1, 24), st.booleans(), st.integers(0, 99))
def test_png_and_tiff_keep_every_level(
    tmp_path_factory: pytest.TempPathFactory,
    suffix: str, bits: int, height: int, width: int, alpha: bool, seed: int,
) -> None:  # fmt: skip
    path = tmp_path_factory.mktemp("round") / f"a{suffix}"
    before = picture(height, width, alpha=alpha, seed=seed)
    writing.write(before, path, bits=bits)  # type: ignore[arg-type]
    after = reading.read(path)
    most = 0.501 / (2**bits - 1)
    assert (after.pixels - before.pixels).abs().max() <= most
    assert (after.alpha is None) == (not alpha)
    if before.alpha is not None and after.alpha is not None:
        assert (after.alpha - before.alpha).abs().max() <= most
    again = path.with_stem("b")
    writing.write(after, again, bits=bits)  # type: ignore[arg-type]
    assert again.read_bytes() == path.read_bytes()


def test_all_65536_levels_survive(tmp_path: Path) -> None:
    levels = torch.arange(65536).view(1, 1, 256, 256).expand(1, 3, 256, 256) / 65535
    for suffix in (".png", ".tif"):
        writing.write(Picture(levels), tmp_path / f"a{suffix}", bits=16)
        assert torch.equal(reading.read(tmp_path / f"a{suffix}").pixels, levels)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("alpha", [False, True])
def test_other_readers_see_the_same_tiff(tmp_path: Path, bits: int, alpha: bool) -> None:
    before = picture(alpha=alpha)
    writing.write(before, tmp_path / "a.tif", bits=bits, recipe="r")  # type: ignore[arg-type]
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        page = file.pages[0]
        assert page.tags["PhotometricInterpretation"].value == 2  # type: ignore[union-attr]
        strips = page.tags["StripByteCounts"].value  # type: ignore[union-attr]
        assert sum(strips) < (tmp_path / "a.tif").stat().st_size
    with Image.open(tmp_path / "a.tif") as image:
        image.load()
        assert image.mode == ("RGBA" if alpha else "RGB")
        high = np.asarray(image).astype(float)
    both = [before.pixels] if before.alpha is None else [before.pixels, before.alpha]
    expected = torch.cat(both, 1)[0].permute(1, 2, 0).numpy()
    # Pillow keeps the high byte of 16 bits: it rounds down.
    assert np.abs(high / 255 - expected).max() <= (0.51 if bits == 8 else 1) / 255


@pytest.mark.parametrize("alpha", [False, True])
def test_a_tiff_beyond_four_gigabytes_has_wider_offsets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alpha: bool
) -> None:
    monkeypatch.setattr(deep_formats, "_TIFF_MOST", 0)
    before = picture(alpha=alpha)
    writing.write(before, tmp_path / "a.tif", bits=16, recipe="r")
    data = (tmp_path / "a.tif").read_bytes()
    assert data[:4] == b"II+\0"
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        page = file.pages[0]
        assert page.tags[305].value.startswith("Impasto")  # type: ignore[union-attr]
        assert page.tags[34665].value["ColorSpace"] == 1  # type: ignore[union-attr]
        assert page.asarray().shape == (9, 14, 4 if alpha else 3)
    assert (reading.read(tmp_path / "a.tif").pixels - before.pixels).abs().max() < 1e-4
    assert opening.read_recipe(tmp_path / "a.tif") == "r"
    assert reading.read(tmp_path / "a.tif").metadata.exif


def test_a_large_tiff_is_compressed_in_strips(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(deep_formats, "_TIFF_STRIP", 100)
    before = picture(64, 64)
    writing.write(before, tmp_path / "a.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert len(file.pages[0].tags["StripOffsets"].value) == 64  # type: ignore[union-attr]
    assert (reading.read(tmp_path / "a.tif").pixels - before.pixels).abs().max() < 0.502 / 255


def test_another_reader_accepts_the_deep_png(tmp_path: Path) -> None:
    before = picture(alpha=True)
    writing.write(before, tmp_path / "a.png", bits=16, recipe="r")
    with Image.open(tmp_path / "a.png") as image:
        image.verify()  # all the checksums
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == "RGBA"
        high = torch.from_numpy(np.asarray(image).astype(np.float32) / 255)
    assert (high[..., :3] - before.pixels[0].permute(1, 2, 0)).abs().max() <= 1 / 255


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".avif"])
def test_lossy_formats_stay_close(tmp_path: Path, suffix: str) -> None:
    smooth = resize(picture(6, 6).pixels, 64, 64)
    writing.write(Picture(smooth), tmp_path / f"a{suffix}")
    assert (reading.read(tmp_path / f"a{suffix}").pixels - smooth).abs().mean() < 0.01


def test_quality_counts_and_a_webp_of_100_is_lossless(tmp_path: Path) -> None:
    before = picture(32, 32, alpha=True)
    for suffix in (".jpg", ".webp", ".avif"):
        sizes = []
        for quality in (20, 90):
            writing.write(before, tmp_path / f"{quality}{suffix}", quality=quality)
            sizes.append((tmp_path / f"{quality}{suffix}").stat().st_size)
        assert sizes[0] < sizes[1]
    writing.write(before, tmp_path / "a.webp", quality=100)
    after = reading.read(tmp_path / "a.webp")
    assert (after.pixels - before.pixels).abs().max() <= 0.501 / 255


def test_jpeg_lays_transparency_over_white(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    black = Picture(torch.zeros(1, 3, 16, 16), torch.full((1, 1, 16, 16), 0.25))
    writing.write(black, tmp_path / "a.jpg")
    after = reading.read(tmp_path / "a.jpg")
    assert after.alpha is None
    assert (after.pixels - 0.75).abs().max() < 2 / 255
    assert "laid over white" in caplog.text


@pytest.mark.parametrize(("suffix", "bits"), KINDS)
def test_every_file_carries_an_srgb_profile(tmp_path: Path, suffix: str, bits: int) -> None:
    path = tmp_path / f"a{suffix.upper()}"
    writing.write(picture(), path, bits=bits)  # type: ignore[arg-type]
    with Image.open(path) as image:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
    assert "sRGB" in ImageCms.getProfileDescription(profile)


# --- Pillow images ---


@pytest.mark.parametrize("alpha", [False, True])
def test_to_pil_is_the_picture_at_8_bits(alpha: bool) -> None:
    before = picture(alpha=alpha)
    image = writing.to_pil(before, recipe=RECIPE)
    assert image.mode == ("RGBA" if alpha else "RGB")
    assert image.size == (before.width, before.height)
    assert image.info["impasto"] == RECIPE
    assert "impasto" not in writing.to_pil(before).info
    after = reading.read(image)
    assert (after.pixels - before.pixels).abs().max() <= 0.501 / 255


# --- recipes ---


@pytest.mark.parametrize(("suffix", "bits"), KINDS)
def test_the_recipe_travels_in_the_file(tmp_path: Path, suffix: str, bits: int) -> None:
    path = tmp_path / f"a{suffix}"
    writing.write(picture(), path, recipe=RECIPE, bits=bits)  # type: ignore[arg-type]
    assert opening.read_recipe(path) == RECIPE
    writing.write(picture(), path, bits=bits, force=True, metadata="none")  # type: ignore[arg-type]
    assert opening.read_recipe(path) is None
    assert b"impasto" not in path.read_bytes().lower()


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
@given(text=st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\t\r\n")))
def test_any_recipe_comes_back(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, text: str
) -> None:
    text = "".join(char for char in text if char not in "\ufffe\uffff")  # no characters, in XML
    path = tmp_path_factory.mktemp("recipe") / f"a{suffix}"
    writing.write(picture(2, 2), path, recipe=text)
    assert opening.read_recipe(path) == text


def test_what_no_format_holds_is_escaped_as_in_json() -> None:
    assert metadata.clean('{"name": "a\udc80\0"}') == '{"name": "a\\udc80\\u0000"}'


def test_the_packet_is_well_formed_xml() -> None:
    root = ElementTree.fromstring(xmp.packet([], RECIPE).decode())
    assert [e.text for e in root.iter("{urn:x-impasto:1}recipe")] == [RECIPE]


def test_a_file_without_a_recipe_or_not_a_picture(tmp_path: Path) -> None:
    Image.new("L", (2, 2)).save(tmp_path / "a.gif")
    assert opening.read_recipe(tmp_path / "a.gif") is None
    (tmp_path / "b.png").write_bytes(b"none")
    with pytest.raises(PictureError, match="not a picture"):
        opening.read_recipe(tmp_path / "b.png")
    with pytest.raises(PictureError, match="does not exist"):
        opening.read_recipe(tmp_path / "c.png")


def test_recipes_have_a_limit_both_ways(tmp_path: Path) -> None:
    long = "x" * 1_000_001
    with pytest.raises(PictureError, match="at most 1,000,000"):
        writing.write(picture(), tmp_path / "a.png", recipe=long)
    assert listing(tmp_path) == []
    Image.new("RGB", (2, 2)).save(tmp_path / "a.webp", xmp=xmp.packet([], long))
    with pytest.raises(PictureError, match="at most 1,000,000"):
        opening.read_recipe(tmp_path / "a.webp")


def test_a_recipe_too_long_for_jpeg(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"65,504.*\.png"):
        writing.write(picture(), tmp_path / "a.jpg", recipe="x" * 70_000)
    writing.write(picture(), tmp_path / "a.webp", recipe="x" * 70_000)
    assert opening.read_recipe(tmp_path / "a.webp") == "x" * 70_000


# --- refusals ---


def refused(path: Path, match: str, **options: Any) -> None:
    """Both the check before the work and the writing refuse, in the same words."""
    for call in (check_writable, lambda p, **o: writing.write(picture(), p, **o)):
        with pytest.raises(PictureError, match=match) as caught:
            call(path, **options)
        assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["a.xyz", "a", "a.jpgg", ".png"])
def test_an_unknown_suffix(tmp_path: Path, name: str) -> None:
    refused(tmp_path / name, r"allowed are \.png, ")
    assert listing(tmp_path) == []


def test_a_near_suffix_is_suggested(tmp_path: Path) -> None:
    refused(tmp_path / "a.jpgg", "did you mean '.jpg'")


def test_an_existing_file_is_kept_without_force(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"precious")
    refused(path, "exists already")
    assert path.read_bytes() == b"precious"
    writing.write(picture(), path, force=True)
    assert reading.read(path).width == 14


def test_no_such_folder(tmp_path: Path) -> None:
    refused(tmp_path / "none" / "a.png", "no folder")
    assert listing(tmp_path) == []


def test_a_folder_that_is_a_file_and_a_file_that_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "a.png").mkdir()
    refused(tmp_path / "file" / "a.png", "no folder")
    refused(tmp_path / "a.png", "is a folder", force=True)


def test_a_device_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "full.png").symlink_to("/dev/full")
    refused(tmp_path / "full.png", "not a regular file", force=True)
    assert Path("/dev/full").is_char_device()


@pytest.mark.parametrize("name", ["a.jpg", "a.webp"])
def test_sixteen_bits_need_a_format_that_has_them(tmp_path: Path, name: str) -> None:
    refused(tmp_path / name, r"8 bits, not 16.*\.png", bits=16)


def test_a_codec_that_is_missing_is_known_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    refused(tmp_path / "a.jxl", re.escape(install_hint("codecs")))
    monkeypatch.setattr(features, "check", lambda name: name != "avif")
    refused(tmp_path / "a.avif", r"pip install .*pillow")
    assert listing(tmp_path) == []


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("alpha", [False, True])
def test_jpeg_xl(tmp_path: Path, bits: int, alpha: bool) -> None:
    pytest.importorskip("imagecodecs")
    smooth = Picture(resize(picture(6, 6).pixels, 64, 64), picture(64, 64, alpha=alpha).alpha)
    path, sizes = tmp_path / "a.jxl", []
    for quality, most in ((20, 0.05), (95, 0.01), (100, 0.502 / (2**bits - 1))):
        writing.write(smooth, path, bits=bits, quality=quality, recipe=RECIPE, force=True)  # type: ignore[arg-type]
        after = reading.read(path)
        assert (after.pixels - smooth.pixels).abs().mean() < most
        assert (after.alpha is None) != alpha
        assert opening.read_recipe(path) == RECIPE
        assert reading.depth(path) == bits
        sizes.append(path.stat().st_size)
    assert sizes == sorted(sizes)


def test_avif_keeps_colour_at_full_resolution(tmp_path: Path) -> None:
    """Red and blue columns, which half as many samples would mix."""
    columns = torch.zeros(1, 3, 32, 32)
    columns[:, 0, :, ::2] = columns[:, 2, :, 1::2] = 1
    writing.write(Picture(columns), tmp_path / "a.avif")
    assert (reading.read(tmp_path / "a.avif").pixels - columns).abs().mean() < 0.05


@pytest.mark.parametrize("quality", [0, 101])
def test_quality_has_a_range(tmp_path: Path, quality: int) -> None:
    with pytest.raises(OptionError, match="1 to 100"):
        writing.write(picture(), tmp_path / "a.jpg", quality=quality)


def test_sides_too_long_for_the_format(tmp_path: Path) -> None:
    wide = Picture(torch.zeros(1, 3, 1, 16_384))
    with pytest.raises(PictureError, match="16,383"):
        writing.write(wide, tmp_path / "a.webp")
    with pytest.raises(PictureError, match="65,500"):
        writing.write(Picture(torch.zeros(1, 3, 65_501, 1)), tmp_path / "a.jpg")
    writing.write(wide, tmp_path / "a.jpg")
    assert listing(tmp_path) == ["a.jpg"]


@pytest.mark.parametrize(("suffix", "most"), [(".webp", 16_383), (".jpg", 65_500)])
def test_sides_too_long_for_the_format_are_known_before(
    tmp_path: Path, suffix: str, most: int
) -> None:
    path = tmp_path / f"a{suffix}"
    check_writable(path, long_side=most)
    with pytest.raises(PictureError, match=f"{most:,}.*{most + 1:,}"):
        check_writable(path, long_side=most + 1)
    check_writable(tmp_path / "a.png", long_side=most + 1)


def test_no_numbers_no_file(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="not numbers"):
        writing.write(Picture(torch.full((1, 3, 2, 2), torch.nan)), tmp_path / "a.png")
    assert listing(tmp_path) == []


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without the administrator's right to do what permissions forbid."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Unlike `tmp_path` one whose parents anyone may pass."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)
        Path(name).chmod(0o755)


@pytest.mark.parametrize("mode", [0o555, 0o000])
def test_a_folder_without_permission(folder: Path, mode: int) -> None:
    folder.chmod(mode)
    with as_nobody():
        refused(folder / "a.png", "Permission denied")
    folder.chmod(0o755)
    assert listing(folder) == []


def test_a_file_that_may_not_be_read(folder: Path) -> None:
    writing.write(picture(), folder / "a.png")
    for locked, mode in ((folder / "a.png", 0o000), (folder, 0o000)):
        locked.chmod(mode)
        for call in (reading.read, opening.read_recipe, opening.digest):
            with as_nobody(), pytest.raises(PictureError, match=r"a\.png.*Permission denied"):
                call(folder / "a.png")
        locked.chmod(0o755)


# --- whole or not at all ---


@contextmanager
def little_room() -> Iterator[None]:
    """No file may grow beyond 2 kB, as on a full disc or past a quota.

    No fixture: the log that the tests report to, while those last, is a file as well.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2048, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_a_write_that_fails_half_way_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    with little_room(), pytest.raises(PictureError, match="no space left"):
        writing.write(picture(64, 64), path)
    assert listing(tmp_path) == []
    path.write_bytes(b"precious")
    with little_room(), pytest.raises(PictureError, match="no space left"):
        writing.write(picture(64, 64), path, force=True)
    assert path.read_bytes() == b"precious"
    assert listing(tmp_path) == [path.name]


FULL_DISC = """
from pathlib import Path
from impasto.errors import PictureError
from impasto.files import atomic
folder = Path({folder!r})
try:
    atomic.replace(folder / "a.png", bytes(1 << 20))
except PictureError as error:
    print(error)
print(sorted(p.name for p in folder.iterdir()))
"""


def test_a_disc_that_is_full(tmp_path: Path) -> None:
    unshare = shutil.which("unshare")
    script = FULL_DISC.format(folder=str(tmp_path))
    mount = f"mount -t tmpfs -o size=16k tmpfs '{tmp_path}' || exit 77; exec \"$@\""
    if unshare is None:
        pytest.skip("needs unshare(1)")
    command = [unshare, "-rm", "sh", "-c", mount, "sh", sys.executable, "-c", script]
    root = Path(__file__).parents[1]
    run = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)
    if run.returncode in {1, 77} and "Traceback" not in run.stderr:
        pytest.skip("needs the right to mount a disc of its own")
    assert run.returncode == 0, run.stderr
    text, names = run.stdout.splitlines()
    assert "no space left" in text
    assert names == "[]"


def test_an_interruption_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        assert len(listing(tmp_path)) == 1  # the temporary file is in the same folder
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        writing.write(picture(), tmp_path / "a.png")
    assert listing(tmp_path) == []


def test_a_link_is_followed_and_the_umask_respected(tmp_path: Path) -> None:
    (tmp_path / "real.png").write_bytes(b"old")
    (tmp_path / "link.png").symlink_to("real.png")
    before = os.umask(0o027)
    try:
        writing.write(picture(), tmp_path / "link.png", force=True)
    finally:
        os.umask(before)
    assert (tmp_path / "link.png").is_symlink()
    assert reading.read(tmp_path / "real.png").width == 14
    assert stat.S_IMODE((tmp_path / "real.png").stat().st_mode) == 0o640


def test_other_errors_can_be_asked_for(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="no folder"):
        atomic.replace(tmp_path / "none" / "a", b"", error=OptionError)


def test_a_file_is_on_the_disc_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    seen: list[int] = []

    def synced(handle: int) -> None:
        assert path.read_bytes() == b"old"
        seen.append(os.fstat(handle).st_size)

    monkeypatch.setattr(os, "fsync", synced)
    atomic.replace(path, b"new one", force=True)
    assert seen == [7]
    assert path.read_bytes() == b"new one"


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EINVAL])
def test_a_disc_that_fails_at_last_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def failing(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", failing)
    if number == errno.EINVAL:  # a file system that has no such thing
        atomic.replace(path, b"new", force=True)
        assert path.read_bytes() == b"new"
    else:
        with pytest.raises(PictureError, match=re.escape(os.strerror(number))):
            atomic.replace(path, b"new", force=True)
        assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
