"""A study of films compares methods, and how firmly they keep still."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from moving import canvas
from PIL import Image

from impasto.cli.main import main
from impasto.errors import OptionError
from impasto.evaluation.studies.film_registry import FilmVariant, film_variants

pytest.importorskip("cv2")
pytest.importorskip("matplotlib")


def test_a_study_has_two_methods_from_not_at_all_to_firmly() -> None:
    films = film_variants()
    assert films[0] == FilmVariant("instant", 0.0)
    assert {film.method for film in films} == {"instant", "quick"}
    assert len({film.label for film in films}) == len(films) == 6
    assert {film.method for film in film_variants(method="nnst")} == {"nnst"}


def test_values_are_methods_with_or_without_a_number() -> None:
    assert film_variants(["quick", " instant:0.25 ", "quick"]) == [
        FilmVariant("quick", 1.0),
        FilmVariant("instant", 0.25),
    ]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("quik", "did you mean 'quick'"),
        ("0.5", "takes methods"),
        ("quick:2", "a number from 0 to 1, such as quick:0.5"),
        ("quick:much", "a number from 0 to 1"),
        ("quick:nan", "a number from 0 to 1"),
    ],
)
def test_other_values_are_refused(value: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        film_variants([value])


@pytest.fixture
def clip(folder: Path) -> Path:
    """A pan, as a GIF."""
    wide = canvas(48, 120, seed=1)
    pictures = [
        Image.fromarray(
            (wide[0, :, :, 2 * i : 2 * i + 64] * 255).byte().permute(1, 2, 0).contiguous().numpy()
        )
        for i in range(6)
    ]
    path = folder / "pan.gif"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=40)
    return path


def study(*arguments: str) -> int:
    return main(["study", "film", "pan.gif", "--style", "houses", "--size", "64", *arguments])


@pytest.mark.usefixtures("clip")
def test_the_folder_shows_and_tells(capfd: pytest.CaptureFixture[str]) -> None:
    assert study("--values", "instant:0,instant", "-o", "out") == 0
    out = Path("out")
    assert capfd.readouterr().out.strip() == str(out / "index.html")
    rows = list(csv.DictReader((out / "films.csv").read_text("utf-8").splitlines()))
    assert [row["film"] for row in rows] == ["instant, each frame by itself", "instant, steady 1"]
    alone, steady = (float(row["warping_error"]) for row in rows)
    assert steady < alone
    assert all(float(row["style"]) > 0 and float(row["seconds"]) > 0 for row in rows)
    page = (out / "index.html").read_text("utf-8")
    for told in ("6 frames", "1 shot,", "instant, steady 1", "frames.jpg", "strips.jpg"):
        assert told in page
    for name in ("frames.jpg", "strips.jpg"):
        with Image.open(out / name) as picture:
            assert picture.width > 400
    times = list(csv.DictReader((out / "times.csv").read_text("utf-8").splitlines()))
    assert [(line["method"], line["long_side"]) for line in times] == [("instant", "64")]


@pytest.mark.usefixtures("clip")
def test_a_folder_in_use_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    Path("out").mkdir()
    Path("out/mine.txt").touch()
    assert study("--values", "instant", "-o", "out") != 0
    assert "out is not empty" in capfd.readouterr().err
    assert [path.name for path in Path("out").iterdir()] == ["mine.txt"]


@pytest.mark.usefixtures("clip")
def test_what_a_study_of_films_does_not_take_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    assert study("--values", "instnt") != 0
    assert "did you mean 'instant'" in capfd.readouterr().err
    assert study("--values", "instant", "--iterations", "3") != 0  # none of these methods has any
    assert "--iterations is an option of" in capfd.readouterr().err
    assert study("--queue", "local") != 0
    assert "leave --queue out" in capfd.readouterr().err
