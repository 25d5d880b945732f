"""A photograph's metadata goes along: each format in, each format out, as other readers see it."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from photographs import FORMATS, iim, make, pillow_exif, tags
from PIL import Image

import impasto
from commands import recipe_of
from impasto.cli.main import main
from impasto.errors import OptionError
from impasto.image import exif, opening, reading, writing

BY_PILLOW = ("jpg", "png", "tif", "webp", "avif")
WRITTEN = (*BY_PILLOW, "jxl")
RECIPE = '{"painted": "again"}'
PLACES = ("GPS", "Paris", "48,51N")
PRINTED = {"jpg", "png", "tif"}  # formats with a place of their own for the resolution


@pytest.fixture(autouse=True)
def _codec(request: pytest.FixtureRequest) -> None:
    parameters = getattr(request.node, "callspec", None)
    if parameters is not None and "jxl" in parameters.params.values():
        pytest.importorskip("imagecodecs")


def painted(source: Path, suffix: str, keeping: Any = "keep", **more: Any) -> Path:
    """The photograph written as its painting would be."""
    out = source.with_name(f"{keeping}.{suffix}")
    writing.write(reading.read(source), out, metadata=keeping, recipe=RECIPE, force=True, **more)
    return out


def about(path: Path) -> dict[Any, Any]:
    """What another reader finds in a file, as plain values: Pillow, but for JPEG XL's boxes."""
    if path.suffix == ".jxl":
        parts = boxes_of(path)
        data = Image.Exif()
        data.load(parts["exif"])
        return _plain(data, parts, path)
    with Image.open(path) as image:
        image.load()
        info = dict(image.info)
        if info.get("jfif_unit", 1) == 0:  # Pillow says 72
            info.pop("dpi", None)
        return _plain(image.getexif(), info, path)


def _plain(data: Image.Exif, info: Mapping[Any, Any], path: Path) -> dict[Any, Any]:
    has: dict[Any, Any] = dict(data) | {f"x{k:x}": v for k, v in data.get_ifd(0x8769).items()}
    has["gps"] = dict(data.get_ifd(0x8825))
    has["thumbnail"] = dict(data.get_ifd(0x0001))
    packet = info.get("xmp", b"")
    has["xmp"] = packet if isinstance(packet, str) else packet.decode()
    has["dpi"] = info.get("dpi")
    has["bytes"] = path.read_bytes()
    return has


def boxes_of(path: Path) -> dict[str, bytes]:
    """EXIF and XMP in the boxes of a JPEG XL."""
    data, at, has = path.read_bytes(), 0, {}
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        has[data[at + 4 : at + 8]] = data[at + 8 : at + length]
        at += length
    return {"exif": has.get(b"Exif", b"")[4:], "xmp": has.get(b"xml ", b"")}


def latin(text: str) -> str:
    """A text in UTF-8 as Pillow reads EXIF."""
    return text.encode().decode("latin-1")


@pytest.mark.parametrize("into", WRITTEN)
@pytest.mark.parametrize("source", FORMATS)
def test_every_format_keeps_all_but_the_place(tmp_path: Path, source: str, into: str) -> None:
    out = painted(make(tmp_path / f"photo.{source}"), into)
    has = about(out)
    assert (has[0x010F], has[0x0110], has[0x8298]) == ("Cam", "Model X", "(c) Example Person")
    assert has[0x013B] == latin("José Müller")
    assert has["x9003"] == "2024:05:06 07:08:09"
    assert (has["xa434"], has["x8827"]) == ("Lens 35mm", 400)
    assert float(has["x829a"]) == 1 / 250
    assert has[0x0131] == f"Impasto {impasto.__version__}"
    assert has.get(0x0112, 1) == 1
    assert has["xa001"] == 1
    # The orientation is 6, in EXIF or XMP; in these two it does not count.
    size = (48, 32) if source in ("jp2", "jxl") else (32, 48)
    assert (has["xa002"], has["xa003"]) == size
    assert [round(float(v)) for v in has["dpi"] or (has[0x011A], has[0x011B])] == [300, 300]
    assert has["gps"] == {}
    assert has["thumbnail"] == {}
    assert "x927c" not in has
    assert b"MAKERNOTE" not in has["bytes"]
    assert b"THUMBNAIL" not in has["bytes"]
    for text in (
        "Tour &lt;Eiffel&gt; 塔",
        "Agency &amp; Sons",
        "me@example.org",
        "Somebody",
        ">4<",
    ):
        assert text in has["xmp"], text
    if source not in ("webp", "avif", "jxl", "heic"):  # which have no IPTC
        assert "José Müller" in has["xmp"]
        assert "job 7" in has["xmp"]
    for text in (*PLACES, "saved", "AAAA", "Another program", "digitalCapture", "4000", "Orient"):
        assert text not in has["xmp"], text
    assert not re.search(rb"Paris", has["bytes"])


@pytest.mark.parametrize("into", WRITTEN)
@pytest.mark.parametrize("source", FORMATS)
def test_the_place_is_kept_where_all_is_asked_for(tmp_path: Path, source: str, into: str) -> None:
    has = about(painted(make(tmp_path / f"photo.{source}"), into, "all"))
    assert has["gps"][1] == "N"
    assert [float(v) for v in has["gps"][2]] == [48, 51, 24]
    for text in ("Paris-A", "Paris-B", "Paris-C", "48,51N"):
        assert text in has["xmp"], text
    assert b"MAKERNOTE" not in has["bytes"]
    assert "AAAA" not in has["xmp"]


@pytest.mark.parametrize("into", WRITTEN)
@pytest.mark.parametrize("source", FORMATS)
def test_none_leaves_only_the_recipe(tmp_path: Path, source: str, into: str) -> None:
    out = painted(make(tmp_path / f"photo.{source}"), into, "none")
    assert opening.read_recipe(out) == RECIPE
    has = about(out)
    for text in (b"Example", b"Cam", b"Lens", b"Paris", b"Eiffel", b"Impasto"):
        assert text not in has["bytes"], text
    assert has["dpi"] is None
    assert 0x8769 not in has


@pytest.mark.parametrize("into", WRITTEN)
@pytest.mark.parametrize("source", FORMATS)
def test_the_new_recipe_replaces_an_old_one(tmp_path: Path, source: str, into: str) -> None:
    photo = make(tmp_path / f"photo.{source}")
    out = painted(photo, into)
    assert opening.read_recipe(out) == RECIPE
    assert b"old recipe" not in out.read_bytes()
    writing.write(reading.read(photo), out, force=True)
    assert opening.read_recipe(out) is None


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_sixteen_bits_have_metadata_too(tmp_path: Path, name: str) -> None:
    source = make(tmp_path / "photo.jpg")
    has = about(painted(source, name.partition(".")[2], bits=16))
    assert has[0x013B] == latin("José Müller")
    assert [round(v) for v in has["dpi"]] == [300, 300]
    assert "Eiffel" in has["xmp"]


def test_a_photograph_on_its_side_comes_out_upright(tmp_path: Path) -> None:
    for into in BY_PILLOW:
        out = painted(make(tmp_path / "photo.jpg"), into)  # its orientation is 6
        with Image.open(out) as image:
            assert image.size == (32, 48)
        assert about(out)["xa002"] == 32
        assert (reading.read(out).width, reading.read(out).height) == (32, 48)


def test_letters_outside_ascii_come_through_every_format(tmp_path: Path) -> None:
    """Which Pillow's own writer turns into question marks."""
    path = make(tmp_path / "photo.jpg")
    for into in BY_PILLOW:
        path = painted(path, into)
        assert "José Müller".encode() in path.read_bytes()
        assert b"?" not in exif_comment(path)
        assert "größe".encode("utf-16-le") in exif_comment(path)


def exif_comment(path: Path) -> bytes:
    value: Any = about(path)["x9286"]
    return value if isinstance(value, bytes) else value.encode("latin-1")


def test_iptc_stays_iptc_where_the_format_has_it(tmp_path: Path) -> None:
    source = make(tmp_path / "photo.jpg", xmp=None)
    with Image.open(painted(source, "jpg")) as image:
        block = image.info["photoshop"][0x0404]
    assert b"tower" in block
    assert "José Müller".encode() in block
    assert b"Paris" not in block
    value = tags(painted(source, "tif"))[33723]
    assert b"tower" in (value if isinstance(value, bytes) else bytes(value))
    has = about(painted(source, "webp"))  # which has none: XMP says the same
    for text in ("tower", "iron", "José Müller"):
        assert f"{text}</rdf:li>" in has["xmp"]


def test_iptc_in_latin_1_is_read(tmp_path: Path) -> None:
    data = iim()[8 + 7 :].replace("José Müller".encode(), b"Jos\xe9 M\xfcller  ")
    source = make(tmp_path / "photo.jpg", xmp=None, iptc=data)
    assert "José Müller" in about(painted(source, "png"))["xmp"]


@pytest.mark.parametrize("is_swapped", [False, True])
@pytest.mark.parametrize("order", "<>")
def test_iptc_as_numbers_in_a_tiff(tmp_path: Path, order: Any, is_swapped: bool) -> None:
    """As Photoshop writes it, and as programs do that swap the words."""
    data = iim() + bytes(-len(iim()) % 4)
    words = np.frombuffer(data, f"{order}u4")
    field = (33723, 4, len(words), words.byteswap() if is_swapped else words, True)
    black = np.zeros((8, 8, 3), np.uint8)
    path = tmp_path / "photo.tif"
    tifffile.imwrite(path, black, byteorder=order, photometric="rgb", extratags=[field])
    assert "José Müller" in about(painted(path, "png"))["xmp"]


def test_png_keeps_its_own_texts(tmp_path: Path) -> None:
    source = make(tmp_path / "photo.png", exif=None, xmp=None, iptc=None)
    with Image.open(painted(source, "png")) as image:
        assert image.info["Author"] == "José Müller"
        assert image.info["Software"].startswith("Impasto")
    assert "José Müller" in about(painted(source, "jpg"))["xmp"]


@pytest.mark.parametrize("into", sorted(PRINTED))
def test_dpi_in_the_place_of_each_format(tmp_path: Path, into: str) -> None:
    for dpi in ((240, 240), (72, 144), (11.5, 11.5)):
        source = make(tmp_path / "photo.tif", exif=None, xmp=None, iptc=None, dpi=dpi)
        (tmp_path / f"keep.{into}").unlink(missing_ok=True)
        expected = [round(v) for v in dpi] if into == "jpg" else dpi
        assert about(painted(source, into))["dpi"] == pytest.approx(expected, abs=0.02)


def test_centimetres_become_inches(tmp_path: Path) -> None:
    data = pillow_exif()
    data[282], data[283], data[296] = 100.0, 100.0, 3
    source = make(tmp_path / "photo.webp", exif=data.tobytes(), xmp=None)
    assert about(painted(source, "jpg"))["dpi"] == (254, 254)


@pytest.mark.parametrize("values", [(0.0, 0.0, 2), (1e9, 1e9, 2), (72.0, 72.0, 1)])
def test_no_dpi_of_nonsense(tmp_path: Path, values: tuple[float, float, int]) -> None:
    data = pillow_exif()
    data[282], data[283], data[296] = values
    source = make(tmp_path / "photo.webp", exif=data.tobytes())
    assert about(painted(source, "png"))["dpi"] is None


@pytest.mark.parametrize("into", WRITTEN)
def test_a_picture_without_a_photograph_names_the_software_alone(tmp_path: Path, into: str) -> None:
    source = Image.new("RGB", (20, 20), "teal")
    writing.write(reading.read(source), tmp_path / f"a.{into}")
    has = about(tmp_path / f"a.{into}")
    assert has[0x0131] == f"Impasto {impasto.__version__}"
    assert has["dpi"] is None
    assert has["xmp"] == ""
    assert 0x010F not in has


# --- from Python and by the command ---


def test_a_pillow_picture_keeps_its_own(tmp_path: Path) -> None:
    with Image.open(make(tmp_path / "photo.jpg")) as image:
        result = writing.to_pil(reading.read(image), recipe=RECIPE)
    result.save(tmp_path / "a.jpg", exif=result.info["exif"], xmp=result.info["xmp"],
                dpi=result.info["dpi"])  # fmt: skip
    has = about(tmp_path / "a.jpg")
    assert has[0x8298] == "(c) Example Person"
    assert has["dpi"] == (300, 300)
    assert has["gps"] == {}
    assert opening.read_recipe(tmp_path / "a.jpg") == RECIPE
    writing.write(reading.read(result), tmp_path / "b.png", recipe=result.info["impasto"])
    assert about(tmp_path / "b.png")[0x8298] == "(c) Example Person"
    assert "exif" not in writing.to_pil(reading.read(result), metadata="none").info


def test_a_word_that_is_no_choice(tmp_path: Path) -> None:
    picture = reading.read(Image.new("RGB", (4, 4)))
    with pytest.raises(OptionError, match="keep, all, none"):
        writing.write(picture, tmp_path / "a.png", metadata="some")
    with pytest.raises(OptionError, match="keep, all, none"):
        writing.to_pil(picture, metadata="some")
    assert list(tmp_path.iterdir()) == []


QUICK = ["--size", "48", "--smallest", "48", "--iterations", "2", "--quiet"]


def test_the_command_keeps_and_leaves_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make(Path("photo.jpg"), width=64, height=64)
    styled = ["stylize", "photo.jpg", "-s", "starry-night", *QUICK]
    for keeping, has_place in (("keep", False), ("all", True), ("none", False)):
        more = [] if keeping == "keep" else ["--metadata", keeping]
        assert main([*styled, "-o", f"{keeping}.jpg", *more]) == 0
        has = about(Path(f"{keeping}.jpg"))
        assert bool(has["gps"]) == has_place
        assert (0x8298 in has) == (keeping != "none")
        assert recipe_of(f"{keeping}.jpg").method == "quick"
    assert main([*styled, "-o", "bare.jpg", "--no-recipe"]) == 0
    assert about(Path("bare.jpg"))[0x8298] == "(c) Example Person"
    assert opening.read_recipe(Path("bare.jpg")) is None
    assert main(["rerun", "none.jpg", "-o", "again.png", "--quiet"]) == 0
    assert about(Path("again.png"))[0x8298] == "(c) Example Person"
    # A painting is painted again: one recipe, the new one.
    assert main(["stylize", "keep.jpg", "-s", "starry-night", "--method", "instant", "--size", "48",
                 "-q", "-o", "twice.webp"]) == 0  # fmt: skip
    assert recipe_of("twice.webp").method == "instant"
    assert about(Path("twice.webp"))["xmp"].count("impasto:recipe>") == 2
    assert about(Path("twice.webp"))[0x8298] == "(c) Example Person"


def test_a_resumed_run_writes_what_it_began_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make(Path("photo.jpg"), width=64, height=64)
    for keeping, has_place in (("all", True), ("none", False)):
        out = f"{keeping}.jpg"
        assert main(["stylize", "photo.jpg", "-s", "starry-night", "-o", out, "--metadata", keeping,
                     "--keep-run", *QUICK]) == 0  # fmt: skip
        assert main(["extend", f"{keeping}.run", "--iterations", "1", "-f", "-q"]) == 0
        assert bool(about(Path(out))["gps"]) == has_place
        assert (0x8298 in about(Path(out))) == has_place


def test_from_python(tmp_path: Path) -> None:
    options: Any = {"size": 48, "method": "instant"}
    with Image.open(make(tmp_path / "photo.jpg", width=64, height=64)) as image:
        result = impasto.stylize(image, "starry-night", **options)
        place = impasto.stylize(image, "starry-night", metadata="all", **options)
        bare = impasto.stylize(image, "starry-night", metadata="none", **options)
    own = exif.read(io.BytesIO(result.info["exif"][6:]), exif.Tags(frozenset({315})))
    assert own.image[315].data == "José Müller".encode() + b"\0"
    assert b"Paris" not in result.info["xmp"]
    assert b"Paris" in place.info["xmp"]
    assert "exif" not in bare.info
    assert "dpi" not in bare.info
    assert np.array_equal(np.asarray(result), np.asarray(place))


@pytest.mark.parametrize("source", FORMATS)
def test_the_photographs_have_what_is_left_out(tmp_path: Path, source: str) -> None:
    """Without that, the tests above could not fail."""
    data = make(tmp_path / f"photo.{source}").read_bytes()
    for text in (b"MAKERNOTE", b"Paris-A", b"Paris-B", b"Paris-C", b"48,51N", b"saved", b"Another"):
        assert text in data, text
    if source != "tif":  # whose thumbnail would be a second picture
        assert b"THUMBNAIL" in data
