"""Libraries of pictures: their index, and what is found in them."""

from __future__ import annotations

import json
import os
import shutil
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from impasto.cli.main import main
from impasto.errors import OptionError
from impasto.sketch.builtin import builtin
from impasto.sketch.choices import picked, write_choice
from impasto.sketch.index import FORMAT, Index, read_index, write_index
from impasto.sketch.picture_library import index_folder, open_library
from impasto.sketch.retrieval import Match, find
from impasto.sketch.signature import Signature, sign_file

SHAPES: dict[str, Any] = {
    "disc": lambda pen, ink: pen.ellipse((60, 60, 180, 180), **ink),
    "roof": lambda pen, ink: pen.polygon([(40, 200), (60, 60), (220, 200)], **ink),
    "bars": lambda pen, ink: [pen.rectangle((x, 40, x + 18, 210), **ink) for x in (40, 100, 190)],
    "bolt": lambda pen, ink: pen.polygon(
        [(140, 20), (50, 130), (110, 130), (80, 220), (200, 90), (130, 90)], **ink
    ),
    "key": lambda pen, ink: [
        pen.ellipse((30, 80, 110, 160), **ink),
        pen.rectangle((110, 110, 230, 130), **ink),
    ],
}
COLOURS = {
    "disc": "#c03030",
    "roof": "#3050c0",
    "bars": "#30a040",
    "bolt": "#d0b020",
    "key": "#803090",
}


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a picture of each shape in its colour, one of them in a folder of its own."""
    folder = tmp_path_factory.mktemp("photographs")
    (folder / "more").mkdir()
    for name, draw in SHAPES.items():
        picture = Image.new("RGB", (256, 240), "#e8e4dc")
        draw(ImageDraw.Draw(picture), {"fill": COLOURS[name]})
        picture.save(folder / ("more" if name == "key" else "") / f"{name}.png")
    (folder / "notes.txt").write_text("no picture")
    (folder / ".hidden.png").write_bytes(b"no picture either")
    return folder


def lines(name: str) -> torch.Tensor:
    page = Image.new("L", (256, 240), 0)
    SHAPES[name](ImageDraw.Draw(page), {"outline": 255, "width": 3})
    return torch.from_numpy(np.asarray(page).astype(np.float32) / 255)


def indexed(folder: Path, target: Path) -> Index:
    list(index_folder(folder, target))
    return read_index(target)


@pytest.fixture(scope="module")
def index(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Index:
    return indexed(photographs, tmp_path_factory.mktemp("index") / "photographs.index")


@pytest.mark.parametrize("name", SHAPES)
def test_a_drawing_finds_its_picture(index: Index, name: str) -> None:
    first, second, *_ = find(lines(name), index)
    assert first.path.stem == name
    assert first.path.is_file()
    assert first.fits
    assert first.score > second.score + 0.05


@pytest.mark.parametrize("name", ["roof", "bolt", "key"])
def test_the_mirror_image_is_found_as_such(index: Index, name: str) -> None:
    assert not find(lines(name), index)[0].mirrored
    found = find(lines(name).flip(1), index)[0]
    assert (found.path.stem, found.mirrored) == (name, True)


def test_each_picture_is_found_once_and_the_best_is_first(index: Index) -> None:
    found = find(lines("disc"), index)
    assert len({match.path for match in found}) == len(found) == len(SHAPES)
    assert [m.score for m in found] == sorted((m.score for m in found), reverse=True)
    assert len(find(lines("disc"), index, count=2)) == 2


def test_colours_count_where_they_are_asked_for(index: Index, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), COLOURS["bolt"]).save(tmp_path / "yellow.png")
    plain = {m.path.stem: m.score for m in find(lines("disc"), index)}
    like = {m.path.stem: m.score for m in find(lines("disc"), index, like=tmp_path / "yellow.png")}
    gain = {name: like[name] - plain[name] for name in SHAPES}
    assert max(gain, key=lambda name: gain[name]) == "bolt"


def test_what_fits_nothing_says_so(index: Index) -> None:
    scribble = np.random.default_rng(0).random((300, 300)) > 0.97
    best = find(scribble.astype(np.float32), index)[0]
    assert not best.fits


def test_a_page_without_lines_finds_nothing(index: Index) -> None:
    with pytest.raises(OptionError, match="hardly any line"):
        find(torch.zeros(100, 100), index)


def test_a_fresh_installation_has_something_to_find() -> None:
    found = find(lines("disc"), open_library())
    assert len(found) == 12
    assert {"astronaut", "chelsea"} <= {
        path.stem for path in map(builtin().path, range(len(builtin())))
    }
    assert all(match.path.is_file() for match in found)


# --- the index ---


def test_an_index_is_safetensors_and_says_what_it_is(photographs: Path, tmp_path: Path) -> None:
    from safetensors import safe_open

    indexed(photographs, tmp_path / "a.index")
    with safe_open(tmp_path / "a.index", "np") as file:
        assert file.metadata()["format"] == FORMAT
        assert file.get_tensor("lines").shape == (5, 2, 1764)
    index = read_index(tmp_path / "a.index")
    assert sorted(index.names) == ["bars.png", "bolt.png", "disc.png", "more/key.png", "roof.png"]
    assert isinstance(index.arrays["lines"], np.memmap)


def test_only_what_is_new_is_read(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, target = tmp_path / "photos", tmp_path / "photos.index"
    shutil.copytree(photographs, folder)
    indexed(folder, target)
    looked: list[str] = []

    def look(path: Path) -> Signature:
        looked.append(path.name)
        return sign_file(path)

    monkeypatch.setattr("impasto.sketch.picture_library.sign_file", look)
    assert list(index_folder(folder, target))[-1].kept == 5
    assert looked == []
    (folder / "bars.png").unlink()
    shutil.copy(folder / "disc.png", folder / "round.png")
    os.utime(folder / "roof.png", ns=(1, 1))
    last = list(index_folder(folder, target))[-1]
    assert sorted(looked) == ["roof.png", "round.png"]
    assert (last.done, last.kept, last.dropped) == (2, 3, 1)
    updated = read_index(target)
    assert sorted(updated.names) == [
        "bolt.png",
        "disc.png",
        "more/key.png",
        "roof.png",
        "round.png",
    ]
    afresh = indexed(folder, tmp_path / "afresh.index")
    for name, array in updated.arrays.items():
        order = [afresh.names.index(n) for n in updated.names]
        assert (np.asarray(array) == np.asarray(afresh.arrays[name])[order]).all(), name


def test_what_was_read_before_an_interruption_is_kept(photographs: Path, tmp_path: Path) -> None:
    progress = index_folder(photographs, tmp_path / "a.index")
    next(progress), next(progress)
    progress.close()
    assert len(read_index(tmp_path / "a.index")) == 2
    assert list(index_folder(photographs, tmp_path / "a.index"))[-1].kept == 2


def test_an_unreadable_picture_is_left_out_and_named(photographs: Path, tmp_path: Path) -> None:
    shutil.copytree(photographs, tmp_path / "photos")
    (tmp_path / "photos" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    last = list(index_folder(tmp_path / "photos", tmp_path / "a.index"))[-1]
    assert list(last.unreadable) == ["broken.png"]
    assert len(read_index(tmp_path / "a.index")) == 5


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_names_of_no_other_system_are_left_out(photographs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.png", "b\\c.png", "c:d.png", "é\n.png", os.fsdecode(b"\xff.png")):
        shutil.copy(photographs / "disc.png", folder / name)
    index = indexed(folder, tmp_path / "a.index")
    assert sorted(index.names) == sorted(["a.png", "é\n.png", os.fsdecode(b"\xff.png")])
    assert all(match.path.is_file() for match in find(lines("disc"), index))


def test_library_and_index_move_together(photographs: Path, tmp_path: Path) -> None:
    shutil.copytree(photographs, tmp_path / "old" / "photos")
    indexed(tmp_path / "old" / "photos", tmp_path / "old" / "a.index")
    (tmp_path / "old").rename(tmp_path / "new")
    found = find(lines("bolt"), open_library(tmp_path / "new" / "a.index"))
    assert found[0].path == tmp_path / "new" / "photos" / "bolt.png"


def test_pictures_that_are_gone_are_passed_over(photographs: Path, tmp_path: Path) -> None:
    shutil.copytree(photographs, tmp_path / "photos")
    index = indexed(tmp_path / "photos", tmp_path / "a.index")
    (tmp_path / "photos" / "bolt.png").unlink()
    assert "bolt" not in {match.path.stem for match in find(lines("bolt"), index)}
    shutil.rmtree(tmp_path / "photos")
    with pytest.raises(OptionError, match="Index the library again"):
        find(lines("bolt"), index)


def test_a_folder_is_indexed_in_the_cache(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path))
    before = sorted(photographs.rglob("*"))
    assert find(lines("roof"), open_library(photographs))[0].path.stem == "roof"
    assert sorted(photographs.rglob("*")) == before
    (cached,) = (tmp_path / "libraries").glob("*.index")
    cached.write_bytes(b"of another version")
    assert find(lines("roof"), open_library(photographs))[0].path.stem == "roof"


@pytest.mark.parametrize("names", [[], ["a.txt", "b.mp4"]])
def test_a_library_without_pictures_is_refused(tmp_path: Path, names: list[str]) -> None:
    (tmp_path / "photos").mkdir()
    for name in names:
        (tmp_path / "photos" / name).write_text("x")
    with pytest.raises(OptionError, match="holds no pictures that can be read"):
        list(index_folder(tmp_path / "photos", tmp_path / "a.index"))
    assert not (tmp_path / "a.index").exists()


def test_an_index_of_another_folder_is_not_replaced(photographs: Path, tmp_path: Path) -> None:
    indexed(photographs, tmp_path / "a.index")
    with pytest.raises(OptionError, match="is the index of"):
        list(index_folder(photographs / "more", tmp_path / "a.index"))


# --- files of others' making ---


def changed(path: Path, **about: Any) -> None:
    """Rewrite the header of an index; `metadata` is merged, other keys replace an array's entry."""
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    table = json.loads(data[8 : 8 + length])
    table["__metadata__"] |= about.pop("metadata", {})
    table |= about
    text = json.dumps(table).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])


@pytest.fixture
def hostile(photographs: Path, tmp_path: Path) -> Path:
    indexed(photographs, tmp_path / "a.index")
    return tmp_path / "a.index"


def test_an_index_of_another_version_is_refused(hostile: Path) -> None:
    changed(hostile, metadata={"format": "impasto-index/2"})
    with pytest.raises(OptionError, match=r"impasto-index/2.*Remove it, and make it again"):
        read_index(hostile)


@pytest.mark.parametrize("cut", [4, 60, 5000, -1])
def test_a_cut_index_is_refused(hostile: Path, cut: int) -> None:
    hostile.write_bytes(hostile.read_bytes()[:cut])
    with pytest.raises(OptionError, match="index"):
        read_index(hostile)


def test_a_giant_header_is_refused_unread(hostile: Path) -> None:
    data = hostile.read_bytes()
    hostile.write_bytes(struct.pack("<Q", 2**40) + data[8:])
    with pytest.raises(OptionError, match="header would have"):
        read_index(hostile)


def test_arrays_that_disagree_are_refused(hostile: Path) -> None:
    size = 5 * 144
    begin = 5 * 2 * (1764 + 2048)
    changed(
        hostile, colours={"dtype": "U8", "shape": [size], "data_offsets": [begin, begin + size]}
    )
    with pytest.raises(OptionError, match="colours have another shape"):
        read_index(hostile)


def test_arrays_without_rows_are_refused(hostile: Path) -> None:
    begin = 5 * (2 * (1764 + 2048) + 144)
    changed(hostile, sizes={"dtype": "I64", "shape": [], "data_offsets": [begin, begin + 8]})
    with pytest.raises(OptionError, match="not an index"):
        read_index(hostile)


@pytest.mark.parametrize("name", ["../../x.png", "/etc/x.png", "C:/x.pn", "..\\x.png", "\\\\a\\b"])
def test_names_outside_the_library_are_refused(hostile: Path, name: str) -> None:
    data = hostile.read_bytes()
    old = b"bars.png"
    packed = name.encode().ljust(len(old), b"g")
    at = data.rindex(old)
    tail = data[at:].replace(old, packed[: len(packed)], 1)
    hostile.write_bytes(data[:at] + tail)
    begin = 5 * (2 * (1764 + 2048) + 144 + 16)
    size = len(tail)
    changed(hostile, names={"dtype": "U8", "shape": [size], "data_offsets": [begin, begin + size]})
    with pytest.raises(OptionError, match="a name outside its library"):
        read_index(hostile)


@pytest.mark.parametrize("folder", ["", "//host/share", "\\\\host\\share", "a\0b"])
def test_a_folder_elsewhere_is_refused(hostile: Path, folder: str) -> None:
    changed(hostile, metadata={"folder": folder})
    with pytest.raises(OptionError, match="folder of its library"):
        read_index(hostile)


def test_an_empty_index_says_so(tmp_path: Path) -> None:
    write_index(tmp_path / "a.index", tmp_path, [])
    with pytest.raises(OptionError, match="has no pictures"):
        find(lines("disc"), read_index(tmp_path / "a.index"))


# --- choosing ---


@pytest.mark.parametrize("suffix", [".html", ".jpg"])
def test_a_sheet_shows_every_picture(
    index: Index, photographs: Path, tmp_path: Path, suffix: str
) -> None:
    target = tmp_path / f"sheet{suffix}"
    found = find(lines("disc"), index)
    write_choice(photographs / "roof.png", found, target, "impasto sketch roof.png")
    if suffix == ".html":
        text = target.read_text()
        assert text.count("data:image/jpeg;base64,") == 1 + len(found)
        assert all(match.path.name in text for match in found)
        assert "impasto sketch roof.png --pick 1" in text
    else:
        with Image.open(target) as sheet:
            assert sheet.width > 1200


def test_a_sheet_shows_swatches_too(photographs: Path, tmp_path: Path) -> None:
    write_choice(
        photographs / "disc.png", find(lines("disc"), open_library()), tmp_path / "a.html", "x"
    )
    assert "great-wave (a built-in style)" in (tmp_path / "a.html").read_text()


def test_a_number_that_is_not_there_is_refused() -> None:
    matches = [Match(Path("a.png"), 0.5, False), Match(Path("b.png"), 0.4, True)]
    assert picked(matches, 2).path.name == "b.png"
    for number in (0, 3):
        with pytest.raises(OptionError, match="from 1 to 2"):
            picked(matches, number)


# --- the command ---


def test_the_command_makes_and_updates_an_index(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "photos.index"
    assert main(["library", "index", str(photographs), "-o", str(target)]) == 0
    printed = capsys.readouterr()
    assert printed.out.strip() == str(target)
    assert "added: 5" in printed.err
    assert main(["library", "index", str(photographs), "-o", str(target), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["added"], report["kept"], report["unreadable"]) == (0, 5, {})


def test_the_command_refuses_another_kind_of_file(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["library", "index", str(photographs), "-o", str(tmp_path / "a.jpg")]) == 2
    assert "must end in .index" in capsys.readouterr().err
