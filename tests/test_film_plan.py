"""A film in chunks, and the folder that keeps them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impasto.config.film import FilmSettings
from impasto.errors import OptionError, PictureError, ResumeError
from impasto.film.disc import bytes_needed, check_room
from impasto.film.folder import FilmFolder, folder_beside
from impasto.film.plan import Chunk, planned
from impasto.film.request import placed_files
from impasto.film.spec import FIRST, PlacedFile, within

LENGTHS = st.lists(st.integers(1, 400), min_size=1, max_size=6)


def shots_of(lengths: list[int]) -> list[range]:
    stops = [sum(lengths[: i + 1]) for i in range(len(lengths))]
    return [range(stop - length, stop) for length, stop in zip(lengths, stops, strict=True)]


@given(LENGTHS, st.integers(1, 12), st.integers(0, 90))
def test_every_frame_is_painted_and_only_those_of_an_overlap_twice(
    lengths: list[int], overlap: int, more: int
) -> None:
    shots, length = shots_of(lengths), 3 * overlap + more
    chunks = planned(shots, length, overlap)
    assert [chunk.number for chunk in chunks] == list(range(len(chunks)))
    joined = [
        frame
        for chunk in chunks
        for frame in [*chunk.body, *range(chunk.stop - chunk.tail, chunk.stop)]
    ]
    assert joined == list(range(shots[-1].stop))
    for chunk in chunks:
        assert len(chunk.frames) <= length
        assert chunk.shot[0] <= chunk.start < chunk.stop <= chunk.shot[1]
        assert chunk.head + chunk.tail <= len(chunk.frames)


@given(LENGTHS, st.integers(1, 12), st.integers(0, 90))
def test_chunks_overlap_within_a_shot_and_never_across_a_cut(
    lengths: list[int], overlap: int, more: int
) -> None:
    chunks = planned(shots_of(lengths), 3 * overlap + more, overlap)
    for before, after in pairwise(chunks):
        shared = range(max(before.start, after.start), min(before.stop, after.stop))
        assert len(shared) == before.tail == after.head
        assert bool(shared) == (before.shot == after.shot)


def test_the_chunks_of_a_shot_are_equally_long() -> None:
    lengths = {len(chunk.frames) for chunk in planned([range(250)], 96, 8)}
    assert max(lengths) - min(lengths) <= 1


def test_a_part_of_a_film_has_the_shots_that_lie_in_it() -> None:
    shots = [range(10), range(10, 30), range(30, 40)]
    assert within(shots, range(12, 35)) == [range(12, 30), range(30, 35)]


def test_a_chunk_is_shorter_where_pixels_are_optimised() -> None:
    settings = FilmSettings()
    assert settings.chunk_length(optimises=True) < settings.chunk_length(optimises=False)
    assert FilmSettings(chunk=30).chunk_length(optimises=True) == 30


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"start": 20.0, "stop": 12.0}, "the end comes after the beginning"),
        ({"chunk": 10, "overlap": 6}, "three overlaps, 18 frames"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    options: dict[str, float], words: str
) -> None:
    with pytest.raises(OptionError, match=words):
        FilmSettings(**options)  # type: ignore[arg-type]


# ---- pictures of single frames ------------------------------------------------------------------


def test_pictures_belong_to_frames() -> None:
    assert placed_files("--key", ["90=b.png", "0=a=c.png"]) == (
        PlacedFile(0, Path("a=c.png")),
        PlacedFile(90, Path("b.png")),
    )
    assert placed_files("--content-map", ["map.png"]) == (PlacedFile(FIRST, Path("map.png")),)


def test_two_pictures_for_a_frame_are_refused() -> None:
    with pytest.raises(OptionError, match="two files for frame 3"):
        placed_files("--key", ["3=a.png", "3=b.png"])


# ---- the folder ---------------------------------------------------------------------------------

CHUNK = Chunk(0, 0, 5, 0, 0, (0, 5))


@pytest.mark.parametrize(
    ("out", "folder"),
    [
        ("a/clip-x.mp4", "a/clip-x.film"),
        ("frames/%05d.png", "frames.film"),
        ("%05d.png", "05d.film"),
    ],
)
def test_the_folder_is_beside_the_film(out: str, folder: str) -> None:
    assert folder_beside(Path(out)) == Path(folder)


def begun(path: Path) -> FilmFolder:
    folder = FilmFolder(path)
    folder.begin({"recipe": {}, "shots": []})
    return folder


def test_a_chunk_is_done_when_all_of_it_is_there_as_it_was(tmp_path: Path) -> None:
    chunk = begun(tmp_path / "a.film").chunk(CHUNK)
    chunk.clear()
    chunk.segment("body").write_bytes(b"frames")
    assert not chunk.is_done
    chunk.finish(["body"], [3], 1.0)
    assert chunk.is_done
    assert chunk.missing == [3]
    chunk.segment("body").write_bytes(b"frame")
    assert not chunk.is_done
    chunk.segment("body").unlink()
    assert not chunk.is_done


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": 3}'])
def test_a_damaged_record_of_a_chunk_means_that_it_is_painted_again(
    tmp_path: Path, text: str
) -> None:
    chunk = begun(tmp_path / "a.film").chunk(CHUNK)
    chunk.clear()
    (chunk.path / "done.json").write_text(text)
    assert not chunk.is_done


def test_a_film_that_is_half_done_is_not_begun_again_without_a_word(tmp_path: Path) -> None:
    folder = begun(tmp_path / "a.film")
    folder.chunk(CHUNK).clear()
    folder.release()
    with pytest.raises(ResumeError, match=r"half done: resume=True continues it"):
        FilmFolder(folder.path).check_free()
    FilmFolder(folder.path).check_free(force=True)
    again = begun(folder.path)
    assert not again.chunk(CHUNK).path.exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.film").mkdir()
    (tmp_path / "a.film" / "notes.txt").write_text("mine")
    with pytest.raises(ResumeError, match="without a film in it"):
        FilmFolder(tmp_path / "a.film").check_free(force=True)


def test_what_others_put_into_the_folder_outlives_it(tmp_path: Path) -> None:
    folder = begun(tmp_path / "a.film")
    (folder.path / "notes.txt").write_text("mine")
    folder.remove()
    assert [path.name for path in folder.path.iterdir()] == ["notes.txt"]


def test_two_processes_do_not_paint_one_film(tmp_path: Path) -> None:
    first = begun(tmp_path / "a.film")
    with pytest.raises(ResumeError, match="Another process"):
        FilmFolder(first.path).open()


def test_a_damaged_record_is_refused(tmp_path: Path) -> None:
    folder = begun(tmp_path / "a.film")
    folder.release()
    (folder.path / "film.json").write_text("[1")
    with pytest.raises(ResumeError, match="cannot be used"):
        FilmFolder(folder.path).open()


def test_a_disc_without_room_is_refused_before_anything_is_painted(tmp_path: Path) -> None:
    needed = bytes_needed([Chunk(0, 0, 10**9, 0, 0, (0, 10**9))], 10**6, is_lossless=False)
    with pytest.raises(PictureError, match="Make room"):
        check_room(needed, tmp_path / "new" / "a.film")
