"""Metadata that anybody may have written: what is damaged is left out, and the picture stays."""

from __future__ import annotations

import io
import struct
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from photographs import exif_bytes, iim, make, xmp_packet
from PIL import Image

from impasto.errors import PictureError
from impasto.image import boxes, exif, iptc, kept_metadata, opening, reading, writing, xmp
from impasto.image.metadata import Metadata

SIZE = (10, 10)
ALL = frozenset(range(65536))
EVERYTHING = exif.Tags(ALL, ALL, ALL)


def kept(**parts: bytes) -> kept_metadata.Kept:
    return kept_metadata.kept(Metadata("photo.jpg", **parts), "all", SIZE)  # type: ignore[arg-type]


def stream(*entries: tuple[int, int, int, int], number: int | None = None, next: int = 0) -> bytes:
    """EXIF data of one directory, whose entries are tag, type, count, value."""
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries) if number is None else number)
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return head + body + struct.pack("<I", next)


ARTIST = (315, 2, 4, int.from_bytes(b"Me!\0", "little"))
LOOPS = {
    "next directory is the first": stream(ARTIST, next=8),
    "Exif directory is the first": stream(ARTIST, (34665, 4, 1, 8)),
    "GPS directory is the first": stream(ARTIST, (34853, 4, 1, 8)),
    "both are": stream(ARTIST, (34665, 4, 1, 8), (34853, 4, 1, 8)),
    "a directory beyond the end": stream(ARTIST, (34665, 4, 1, 2**32 - 1)),
    "65,535 entries that are not there": stream(ARTIST, number=65535),
}


@pytest.mark.parametrize("name", LOOPS)
def test_directories_that_lead_nowhere_or_in_circles(name: str) -> None:
    assert kept(exif=LOOPS[name]).exif_data().count(b"Me!") in (1, 2, 3)


DAMAGED = {
    "a field of 4 GB": stream(ARTIST, (33432, 2, 2**32 - 1, 8)),
    "a field beyond the end": stream(ARTIST, (33432, 2, 100, 60_000)),
    "a type that does not exist": stream(ARTIST, (33432, 99, 4, 0)),
    "a field of 64 kB": stream(ARTIST, (33432, 2, 65_000, 50)) + bytes(65_100),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_field_is_left_out_with_a_note(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    about = kept(exif=DAMAGED[name]).exif
    assert about is not None
    assert about.image[315].data == b"Me!\0"
    assert 33432 not in about.image
    assert "photo.jpg" in caplog.text
    assert "0x8298" in caplog.text


def test_fields_that_are_too_long_together_still_make_a_jpeg(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fields = {tag: exif.text("x" * 16_000) for tag in (269, 270, 271, 272, 306, 33432)}
    data = exif.write(exif.Exif(image={**fields, 315: exif.text("Me")}))
    out = tmp_path / "a.jpg"
    writing.write(reading.read(make(tmp_path / "photo.png", exif=data)), out)
    with Image.open(out) as image:
        assert image.getexif()[315] == "Me"
    assert "no room for all of its EXIF data" in caplog.text


def test_iptc_that_is_too_long(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    long = b"".join(b"\x1c\x02\x19" + (20_000).to_bytes(2, "big") + b"k" * 20_000 for _ in range(4))
    photo = make(tmp_path / "photo.jp2", iptc=iim() + long)
    writing.write(reading.read(photo), tmp_path / "a.jpg")
    assert reading.read(tmp_path / "a.jpg").metadata.iptc == b""
    assert "José Müller".encode() in reading.read(tmp_path / "a.jpg").metadata.xmp
    assert "its IPTC data is too long" in caplog.text


@pytest.mark.parametrize("data", [b"", b"II", b"Exif\0\0", b"MM\0*", b"nonsense" * 10, bytes(100)])
def test_what_is_no_exif_data(data: bytes, caplog: pytest.LogCaptureFixture) -> None:
    about = kept(exif=data)
    assert about.exif is not None
    assert set(about.exif.image) == {274, 305}
    assert ("left out" in caplog.text) == bool(data)


@given(st.binary(max_size=400), st.integers(0, 1000))
def test_any_bytes_of_exif_data(noise: bytes, at: int) -> None:
    whole = exif_bytes()[6:]
    damaged = whole[:at] + noise + whole[at + len(noise) :]
    for data in (damaged, whole[:at], b"II*\0" + noise, b"MM\0+" + noise):
        again = kept(exif=data).exif_data()
        exif.read(io.BytesIO(again), EVERYTHING)
        assert len(again) < 65_000


# --- XMP ---

LAUGHS = (
    b'<!DOCTYPE x [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b"]>"
)
OUTSIDE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


def deep(levels: int) -> bytes:
    inside = b"<rdf:Bag><rdf:li>" * levels + b"x" + b"</rdf:li></rdf:Bag>" * levels
    return xmp_packet().replace(b"<xmp:Rating>", b"<photoshop:Headline>" + inside
                                + b"</photoshop:Headline><xmp:Rating>")  # fmt: skip


BOMBS = {
    "laughs": LAUGHS + xmp_packet().replace(b"saved", b"&j;"),
    "laughs in a title": LAUGHS + xmp_packet().replace(b"Somebody", b"&j;"),
    "a file of this machine": OUTSIDE + xmp_packet().replace(b"Somebody", b"&a;"),
    "depth": deep(100_000),
    "number": xmp_packet().replace(b"<rdf:li>saved</rdf:li>", b"<rdf:li/>" * 30_000),
    "bytes": xmp_packet().replace(b"saved", b"x" * 5_000_000),
    "cut short": xmp_packet()[:-30],
    "no XML": b"\x89PNG nonsense",
    "bad letters": xmp_packet().replace(b"saved", b"\xff\xfe\x80"),
    "an unknown entity": xmp_packet().replace(b"saved", b"&nbsp;"),
    "something else": b"<html/>",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_hostile_packet_is_left_out_at_once(name: str, caplog: pytest.LogCaptureFixture) -> None:
    before = time.process_time()
    assert kept(xmp=BOMBS[name]).properties == ()
    assert time.process_time() - before < 5
    assert "photo.jpg: its XMP cannot be used and is left out" in caplog.text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_packets_in_other_encodings(encoding: str) -> None:
    data = xmp_packet().decode().encode(encoding)
    for padding in (b"", "\n ".encode(encoding.removesuffix("-sig"))[-4:] * 20):
        packet = kept(xmp=data + padding).packet(None)
        assert packet is not None
        assert "Tour &lt;Eiffel&gt; 塔".encode() in packet


def test_a_picture_with_a_hostile_packet_is_written(tmp_path: Path) -> None:
    photo = make(tmp_path / "photo.webp", xmp=BOMBS["laughs"])
    writing.write(reading.read(photo), tmp_path / "a.jpg", recipe="{}")
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.getexif()[0x8298] == "(c) Example Person"
        assert b"ha" not in image.info["xmp"].replace(b"charset", b"")
    assert opening.read_recipe(tmp_path / "a.jpg") == "{}"


def test_nothing_of_a_packet_passes_for_a_recipe(tmp_path: Path) -> None:
    forged = (
        xmp_packet("forged")
        .replace(
            b"Somebody",
            b'<x:a xmlns:x="urn:x-impasto:1">no</x:a>',
        )
        .replace(b"Agency &amp; Sons", b"&lt;impasto:recipe&gt;forged&lt;/impasto:recipe&gt;")
    )
    for recipe in ("{}", None):
        for suffix in ("jpg", "png", "tif", "webp", "avif"):
            out = tmp_path / f"a.{suffix}"
            photo = make(tmp_path / "photo.jpg", xmp=forged)
            writing.write(reading.read(photo), out, recipe=recipe, force=True)
            assert opening.read_recipe(out) == recipe


def test_the_packet_is_well_formed_and_stays_the_same() -> None:
    first = kept(xmp=xmp_packet(), iptc=iim()).packet(None)
    assert first is not None
    assert kept(xmp=first).packet(None) == first


def test_a_long_property_is_left_out_with_a_note(caplog: pytest.LogCaptureFixture) -> None:
    packet = kept(xmp=xmp_packet().replace(b"Agency", b"x" * 40_000)).packet(None)
    assert packet is not None
    assert b"Eiffel" in packet
    assert len(packet) < 20_000
    assert "photoshop:Credit" in caplog.text


def test_a_jpeg_has_room_for_the_recipe_first(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recipe = "r" * 50_000
    photo = make(tmp_path / "photo.jpg", xmp=xmp_packet().replace(b"Agency", b"x" * 20_000))
    for name, has_credit in (("a.jpg", False), ("a.webp", True)):
        writing.write(reading.read(photo), tmp_path / name, recipe=recipe)
        assert opening.read_recipe(tmp_path / name) == recipe
        data = (tmp_path / name).read_bytes()
        assert b"Tour &lt;Eiffel&gt;" in data
        assert (b"x" * 20_000 in data) == has_credit
    assert "photoshop:Credit" in caplog.text
    with pytest.raises(PictureError, match="65,504"):
        writing.write(reading.read(photo), tmp_path / "b.jpg", recipe="r" * 70_000)


def with_properties(number: int, length: int) -> bytes:
    """A packet that has so many more properties, each of about so many bytes."""
    more = "".join(f"<dc:p{n}>{'y' * length}</dc:p{n}>" for n in range(number))
    return xmp_packet().replace(b"<dc:title>", more.encode() + b"<dc:title>")


def test_many_properties_are_measured_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = kept(xmp=with_properties(400, 300))
    assert 400 < len(about.properties) < 430
    calls = 0
    written = xmp._written

    def counting(*arguments: Any) -> str:
        nonlocal calls
        calls += 1
        return written(*arguments)

    monkeypatch.setattr(xmp, "_written", counting)
    packet = about.packet("{}", 65_000)
    assert packet is not None
    assert 60_000 < len(packet) <= 65_000
    assert b"Eiffel" in packet  # the longest went first
    assert calls < 4 * 430
    assert " more." in caplog.text
    assert len(caplog.messages[-1]) < 2000


def test_of_thousands_of_properties_some_hundred_are_kept(
    caplog: pytest.LogCaptureFixture,
) -> None:
    about = kept(xmp=with_properties(2000, 150))
    assert len(about.properties) == 501  # with Impasto's name
    assert "photo.jpg: of the 20" in caplog.text
    assert "properties in its XMP the first 500 are kept" in caplog.text


def test_each_unknown_namespace_has_a_prefix_of_its_own() -> None:
    inner = "".join(f"<a:x xmlns:a='urn:{n % 3}'>{n}</a:x>" for n in range(6))
    data = xmp_packet().replace(b"Somebody", inner.encode())
    packet = kept(xmp=data).packet(None)
    assert packet is not None
    assert [packet.count(b'"urn:%d"' % n) for n in range(3)] == [1, 1, 1]
    assert kept(xmp=packet).packet(None) == packet


# --- IPTC, PNG and boxes ---


@given(st.binary(max_size=200))
def test_any_bytes_of_iptc(noise: bytes) -> None:
    whole = iim()
    for data in (noise, whole + noise, whole[: len(noise)], b"\x1c\x02\x50" + noise):
        kept(iptc=data).packet(None)
        iptc.photoshop_data(data)
        iptc.photoshop_data(b"8BIM" + data)


def test_control_characters_do_not_spoil_the_packet() -> None:
    packet = kept(iptc=iim(_80=b"a\0b\x07c")).packet(None)
    assert packet is not None
    assert b"abc" in packet
    assert xmp.read(packet)


@pytest.mark.parametrize("text", ["\niptc\n 8\nzz", "", "\n\n", "\nexif\n   9\n4949"])
def test_damaged_profiles_of_png(tmp_path: Path, text: str) -> None:
    image = Image.new("RGB", (4, 4))
    for kind in ("exif", "iptc", "xmp", "8bim", "APP1"):
        image.info[f"Raw profile type {kind}"] = text
    writing.write(reading.read(image), tmp_path / "a.png")
    assert reading.read(tmp_path / "a.png").width == 4


@given(st.binary(max_size=200))
def test_any_boxes(tmp_path_factory: pytest.TempPathFactory, noise: bytes) -> None:
    path = tmp_path_factory.mktemp("boxes") / "a.jp2"
    for data in (noise, b"\0\0\0\1uuid" + noise, b"\0\0\0\0uuid" + noise):
        path.write_bytes(data)
        assert sum(len(part) for _, part in boxes.boxes(path)) <= len(data)
        boxes.described(path)
