"""Bombs and traps, one by one: what is refused, at what bound, and that it takes no time."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save

from impasto import runtime
from impasto.errors import ImpastoError, PictureError, StyleError, WeightsError
from impasto.features import checkpoint
from impasto.features.checkpoint import read_tensors
from impasto.files import digests, limits
from impasto.image import header_limits, opening, reading, size_limits
from impasto.styles import card as cards
from impasto.styles import gallery
from impasto.styles.about import check_swatch, read_about, read_swatch


def encoded(kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((40, 30)).convert("RGB").save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def refused(path: Path, data: bytes | None = None) -> str:
    """What `read` says of a file, which has to be soon."""
    if data is not None:
        path.write_bytes(data)
    began = time.monotonic()
    with pytest.raises(PictureError) as caught:
        reading.read(path)
    assert time.monotonic() - began < 300  # nothing hangs
    return str(caught.value)


# --- what is beside the pixels ---


def png_of(*parts: bytes) -> bytes:
    whole = encoded("PNG")
    return whole[:33] + b"".join(parts) + whole[33:]


@pytest.mark.parametrize("name", ["PNG", "JPEG", "TIFF", "GIF", "JPEG2000", "PPM"])
def test_what_programs_write_is_within_the_bounds(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(encoded(name))
    header_limits.check(path)
    assert reading.read(path).width == 40


JPEG_XL = b"\0\0\0\x0cJXL \r\n\x87\n"


def test_metadata_of_many_megabytes_are_refused(tmp_path: Path) -> None:
    kept = [chunk(b"prVt", bytes(2**20)) for _ in range(8)]
    path = tmp_path / "a.png"
    path.write_bytes(png_of(*kept))
    assert reading.read(path).width == 40
    assert "beside its pixels" in refused(path, png_of(*kept * 9))


def test_a_text_that_unpacks_to_much_is_refused(tmp_path: Path) -> None:
    text = chunk(b"zTXt", b"impasto\0\0" + zlib.compress(bytes(50_000_000)))
    assert "damaged" in refused(tmp_path / "a.png", png_of(text))
    with pytest.raises(PictureError, match="damaged"):
        opening.read_recipe(tmp_path / "a.png")


def test_endless_pieces_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(header_limits, "MAX_PIECES", 2000)
    assert "pieces" in refused(tmp_path / "a.png", png_of(chunk(b"prVt", b"") * 3000))
    jpeg = encoded("JPEG")
    assert "pieces" in refused(tmp_path / "a.jpg", jpeg[:2] + b"\xff\xfe\0\2" * 3000 + jpeg[2:])
    gif = encoded("GIF")
    at = 13 + (3 << ((gif[10] & 7) + 1))
    words = b"!\xfe" + b"\1a" * 3000 + b"\0"
    assert "pieces" in refused(tmp_path / "a.gif", gif[:at] + words + gif[at:])
    boxes = encoded("JPEG2000")
    assert "pieces" in refused(tmp_path / "a.jp2", boxes[:12] + b"\0\0\0\x08free" * 3000)
    assert "pieces" in refused(tmp_path / "a.jxl", JPEG_XL + b"\0\0\0\x08free" * 3000)


def tiff(*entries: tuple[int, int, int, int]) -> bytes:
    fields = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + fields + bytes(4)


def test_tags_that_claim_the_same_bytes_again_and_again_are_refused(tmp_path: Path) -> None:
    entries = [(tag, 7, 2**20, 8) for tag in range(40_000, 40_100)]
    assert "beside its pixels" in refused(tmp_path / "a.tif", tiff(*entries))
    inner = tiff((34665, 4, 1, 26), (256, 4, 1, 1))[:-4]
    nested = inner + struct.pack("<HHHII", 1, 40_000, 7, 2**31, 8)
    nested = nested.replace(struct.pack("<I", 26), struct.pack("<I", len(inner)), 1)
    assert "beside its pixels" in refused(tmp_path / "b.tif", nested)


def test_a_directory_within_itself_ends(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(tiff((330, 13, 1, 8)))
    header_limits.check(tmp_path / "a.tif")


def test_a_jpeg_of_endless_scans_is_refused(tmp_path: Path) -> None:
    whole = encoded("JPEG", progressive=True)
    scan = whole.rindex(b"\xff\xda")
    assert reading.read(_written(tmp_path / "a.jpg", whole)).width == 40
    many = whole[:-2] + whole[scan:-2] * header_limits.MAX_SCANS + whole[-2:]
    assert "100 scans" in refused(tmp_path / "b.jpg", many)
    # A false end within a segment between two scans hides none of them.
    hidden = whole[:scan] + b"\xff\xfe\0\4\xff\xd9" + many[scan:]
    assert "100 scans" in refused(tmp_path / "c.jpg", hidden)


def test_an_endless_header_is_refused(tmp_path: Path) -> None:
    words = b"#" + b"a" * 100_000 + b"\n"
    assert "beside its pixels" in refused(tmp_path / "a.ppm", b"P6 " + words + b"1 1 255 abc")
    assert reading.read(_written(tmp_path / "b.ppm", b"P6 # made by me\n1 1 255 abc")).width == 1


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


# --- formats and decoders ---


def test_formats_beyond_the_list_are_refused(tmp_path: Path) -> None:
    image = Image.new("RGB", (4, 4))
    says = {
        ".eps": "a PostScript drawing (EPS), not a picture",
        ".pcx": "not a picture that can be read",
        ".ico": "an icon (ICO), a kind of picture that is not read",
        ".sgi": "not a picture that can be read",
        ".dds": "a DirectDraw surface (DDS), a kind of picture that is not read",
    }
    for suffix, words in says.items():
        image.save(tmp_path / f"a{suffix}")
        assert words in refused(tmp_path / f"a{suffix}")


def test_no_program_is_started_for_postscript(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "Popen", None)
    Image.new("RGB", (4, 4)).save(tmp_path / "a.eps")
    (tmp_path / "a.eps").rename(tmp_path / "a.png")
    assert "not a picture" in refused(tmp_path / "a.png")


def test_slow_decoders_get_little(tmp_path: Path) -> None:
    assert "written as text" in refused(tmp_path / "a.ppm", b"P3 1 1 255 1 2 3")
    assert "rare kind" in refused(tmp_path / "b.ppm", b"P6 9000 9000 77 " + bytes(999))
    small = _written(tmp_path / "c.ppm", b"P6 1 1 51 " + bytes([0, 51, 17]))
    torch.testing.assert_close(
        reading.read(small).pixels.flatten(), torch.tensor([0, 1, 85 / 255]), atol=1e-6, rtol=0
    )


def test_a_picture_that_memory_cannot_hold_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("L", (500, 400)).save(tmp_path / "a.png")
    monkeypatch.setattr(runtime, "memory_of", lambda _: 4_000_000)
    assert reading.read(tmp_path / "a.png").width == 500  # a small one is read in any case
    monkeypatch.setattr(size_limits, "_FEW_PIXELS", 1000)
    assert "500×400, which takes 0.0 GB to read" in refused(tmp_path / "a.png")
    monkeypatch.setattr(runtime, "memory_of", lambda _: 5_000_000)
    assert reading.read(tmp_path / "a.png").width == 500


def test_a_poster_is_within_the_limit() -> None:
    assert size_limits.MAX_PIXELS >= 16_384 * 16_384


def test_a_file_of_terabytes_is_refused(tmp_path: Path) -> None:
    files = {kind: encoded(kind) for kind in ("PNG", "WEBP", "AVIF")}
    files |= {"codestream": b"\xff\x0a" + bytes(30), "JPEG XL": JPEG_XL}
    for kind, data in files.items():
        most = "4,294,967,296" if kind == "PNG" else "536,870,912"
        path = _written(tmp_path / kind, data)
        with path.open("r+b") as file:
            file.truncate(2**33)  # without taking room
        assert f"at most {most} are read" in refused(path)


# --- what is no file ---

READERS: dict[str, Callable[[Path], object]] = {
    "picture.png": reading.read,
    "painted.png": opening.read_recipe,
    "digest.png": opening.digest,
    "card.style": cards.load,
    "words.style": read_about,
    "swatch.style": read_swatch,
    "weights.safetensors": read_tensors,
    "weights.pth": read_tensors,
    "digest": lambda path: digests.of_file(path, StyleError),
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("kind", ["pipe", "device", "link", "folder", "empty", "missing", "loop"])
def test_what_is_no_regular_file_is_refused_at_once(name: str, kind: str, tmp_path: Path) -> None:
    if kind in ("device", "link") and not Path("/dev/zero").exists():
        pytest.skip("there is no /dev/zero here")
    path = tmp_path / name
    if kind == "pipe":
        os.mkfifo(path)
    elif kind in ("device", "link"):
        path.symlink_to("/dev/zero" if kind == "device" else "/dev/stdin")
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "empty":
        path.touch()
    call = [sys.executable, "-c", _READ, str(path)] if kind == "link" else None
    if call:  # standard input is a pipe that nothing is written to
        done = subprocess.run(call, stdin=subprocess.PIPE, timeout=600, check=False)
        assert done.returncode == 0
        return
    with pytest.raises(ImpastoError) as caught:
        READERS[name](path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


_READ = """
import sys
from pathlib import Path
from impasto.files import limits
from impasto.errors import ImpastoError
try:
    limits.check(Path(sys.argv[1]), 10, ImpastoError)
except ImpastoError:
    sys.exit(0)
sys.exit(1)
"""


def test_a_name_that_no_file_can_have_is_refused() -> None:
    for name in ("a\0b", "x" * 5000):
        with pytest.raises(StyleError, match="cannot be read"):
            limits.check(Path(name), 10, StyleError)


def test_a_file_may_have_so_many_bytes_and_no_more(tmp_path: Path) -> None:
    path = _written(tmp_path / "a", b"0123456789")
    limits.check(path, 10, WeightsError)
    with pytest.raises(WeightsError, match="has 10 bytes; at most 9 are read"):
        limits.check(path, 9, WeightsError)


def test_what_libraries_say_is_told_in_one_short_printable_line() -> None:
    assert limits.short_message(ValueError("a\nb\t\x1b[2J c.")) == "a b \\x1b[2J c"
    assert len(limits.short_message("x" * 9999)) == 201


# --- tensors ---


def test_a_header_of_megabytes_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    text = b"{" + b" " * 2 * limits.MAX_HEADER + b"}"
    data = struct.pack("<Q", len(text)) + text
    for name, error in (("a.style", StyleError), ("a.safetensors", WeightsError)):
        path = _written(tmp_path / name, data)
        read = read_about if error is StyleError else read_tensors
        with pytest.raises(error, match="header would have 2,097,154 bytes"):
            read(path)


def test_an_archive_that_unpacks_to_gigabytes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "MAX_BYTES", 10_000_000)
    path = tmp_path / "a.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(20_000_000))
    assert path.stat().st_size < 100_000
    with pytest.raises(WeightsError, match="unpacks to 20,000,000 bytes"):
        read_tensors(path)


def changed(tensors: dict[str, torch.Tensor], path: Path) -> Path:
    """A card of the gallery with some of its tensors replaced."""
    from safetensors import safe_open

    with safe_open(gallery.path("starry-night"), "pt") as file:
        held = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        return _written(path, save(held | tensors, file.metadata()))


def test_a_card_that_asks_for_a_huge_matrix_is_refused(tmp_path: Path) -> None:
    many = {"180.relu1_1.mean": torch.zeros(200_000), "180.relu1_1.root": torch.zeros(7).half()}
    with pytest.raises(StyleError, match="a matrix does not fit its mean"):
        cards.load(changed(many, tmp_path / "a.style"))
    several = {f"{n}.relu1_1.mean": torch.zeros(2) for n in range(600)}
    with pytest.raises(StyleError, match="it holds"):
        cards.load(changed(several, tmp_path / "b.style"))
    integers = {"180.relu1_1.mean": torch.zeros(9, dtype=torch.int64)}
    with pytest.raises(StyleError, match=r"of type torch\.int64"):
        cards.load(changed(integers, tmp_path / "c.style"))


@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize("alpha", [False, True])
def test_the_size_of_a_swatch_is_read_from_its_header(lossless: bool, alpha: bool) -> None:
    def webp(width: int, height: int) -> bytes:
        buffer = io.BytesIO()
        image = Image.new("RGBA" if alpha else "RGB", (width, height), (9, 8, 7, 100)[: 3 + alpha])
        image.save(buffer, "WEBP", lossless=lossless)
        return buffer.getvalue()

    check_swatch(webp(1000, 1000))
    check_swatch(webp(1, 1))
    with pytest.raises(ValueError, match="too big"):
        check_swatch(webp(1001, 1000))
    with pytest.raises(ValueError, match="damaged"):
        check_swatch(b"RIFF")


def test_a_card_whose_swatch_is_a_bomb_is_refused(tmp_path: Path) -> None:
    webp = bytearray(encoded("WEBP"))
    at = webp.index(b"\x9d\x01\x2a") + 3  # what begins a frame, before its width and height
    assert webp[at : at + 4] == struct.pack("<HH", 40, 30)
    webp[at : at + 4] = struct.pack("<HH", 16_383, 16_383)
    swatch = torch.frombuffer(webp, dtype=torch.uint8)
    path = changed({"swatch": swatch}, tmp_path / "a.style")
    for read in (cards.load, read_swatch):
        with pytest.raises(StyleError, match="too big"):
            read(path)
