"""What a batch leaves out of folders: counted, named by kind, and not more than that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from impasto.cli.main import main
from impasto.errors import PictureError
from impasto.image import left_out
from impasto.image.formats import READ_SUFFIXES, PictureFormat
from impasto.image.left_out import LeftOut, is_read
from impasto.installation import install_hint
from impasto.jobs.photographs import find_photographs

pytestmark = pytest.mark.usefixtures("folder")


def fill(*names: str) -> None:
    for name in names:
        Path("in", name).parent.mkdir(parents=True, exist_ok=True)
        Path("in", name).write_bytes(Path("photo.png").read_bytes())


def test_kinds_are_counted_and_named() -> None:
    fill(
        "a.png", "b.mp4", "c.MOV", "d.mov", "e.txt", "f.txt", "g.psd", "README", ".hidden", "h.xmp"
    )
    chosen = find_photographs([Path("in")], Path("out"))
    assert list(map(str, chosen.files)) == ["in/a.png"]
    assert str(chosen.left_out) == (
        "3 films (.mov, .mp4), 1 picture of a kind that is not read (.psd), "
        "2 .txt, 1 .xmp, 1 file without a suffix"
    )
    assert not find_photographs([Path("in/a.png")], Path("out")).left_out


def test_all_suffixes_that_are_read_are_taken() -> None:
    names = [f"{suffix[1:]}{suffix.upper()}" for suffix in READ_SUFFIXES]
    fill(*names)
    chosen = find_photographs([Path("in")], Path("out"))
    taken = {path.name for path in chosen.files}
    assert taken == {name for name in names if is_read(Path(name))}
    assert taken >= {"png.PNG", "jpg.JPG", "tif.TIF"}


def test_what_needs_an_extra_is_named_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    heic = PictureFormat("HEIC", "", (".heic", ".heif"), extra="heif")
    monkeypatch.setattr(left_out, "READ_SUFFIXES", READ_SUFFIXES | {".heic", ".heif"})
    monkeypatch.setattr(left_out, "_NEEDY", dict.fromkeys(heic.suffixes, heic))
    monkeypatch.setattr(left_out, "find_spec", lambda _: None)
    fill("a.png", "b.heic", "c.HEIF")
    chosen = find_photographs([Path("in")], Path("out"))
    assert [path.name for path in chosen.files] == ["a.png"]
    assert str(chosen.left_out) == (
        f"2 HEIC pictures (.heic, .heif): `{install_hint('heif')}` reads them"
    )
    assert chosen.left_out.to_list() == [
        {"kind": "HEIC pictures", "suffixes": [".heic", ".heif"], "count": 2, "extra": "heif"}
    ]
    monkeypatch.setattr(left_out, "find_spec", lambda name: name)
    assert len(find_photographs([Path("in")], Path("out")).files) == 3
    assert find_photographs([Path("in/b.heic")], Path("out")).files  # which is named


def test_a_folder_of_nothing_else_says_what_it_has() -> None:
    fill("b.mp4")
    with pytest.raises(PictureError, match=r"It has 1 film \(\.mp4\)\."):
        find_photographs([Path("in")], Path("out"))


def test_what_a_batch_has_written_is_no_photograph_and_not_mentioned(
    capsys: pytest.CaptureFixture[str],
) -> None:
    draft = ["--preset", "draft", "--size", "64"]
    style = ["--style", "painting.png"]
    assert main(["batch", "photo.png", *style, "-o", "in", *draft, "--quiet"]) == 0
    Path("in/notes.txt").touch()
    assert sorted(path.name for path in Path("in").iterdir()) == [
        "contact.jpg", "manifest.json", "notes.txt", "photo-painting.png",
    ]  # fmt: skip
    capsys.readouterr()
    assert main(["batch", "in", *style, "-o", "out", *draft, "--dry-run", "--json"]) == 0
    said = capsys.readouterr()
    assert said.err.splitlines()[0] == "left out: 1 .txt"
    result = json.loads(said.out)
    assert [item["photograph"] for item in result["items"]] == ["in/photo-painting.png"]
    assert result["left_out"] == [{"kind": ".txt", "suffixes": [".txt"], "count": 1, "extra": ""}]
    Path("in/manifest.json").write_text("{}")  # of another program
    assert main(["batch", "in", *style, "-o", "out", *draft, "--dry-run"]) == 0
    assert "left out: 1 .json, 1 .txt" in capsys.readouterr().err
    assert main(["batch", "in", *style, "-o", "out", *draft, "--dry-run", "--quiet"]) == 0
    assert "left out" not in capsys.readouterr().err


def test_counts_are_of_each_kind_whatever_its_case() -> None:
    files = [Path(name) for name in ("a.MP4", "b.mp4", "c.flac", "d.zip", "e.svg")]
    assert str(LeftOut.of(files)) == (
        "1 archive (.zip), 1 drawing (.svg), 2 films (.mp4), 1 sound (.flac)"
    )
    assert not LeftOut.of([])
