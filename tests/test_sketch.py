"""Sketches: lines, areas, foreground, parts, pairs, and what is painted from them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

pytest.importorskip("cv2", reason="the extra `sketch` is not installed")
pytest.importorskip("skimage", reason="the extra `sketch` is not installed")

import impasto
from commands import pixels, recipe_of
from impasto import OptionError
from impasto.cli.main import main
from impasto.config.methods import SketchConfig
from impasto.image.exchange import read
from impasto.sketch.areas import areas_of
from impasto.sketch.drawing import Drawing, drawing_of
from impasto.sketch.foreground import foreground_of
from impasto.sketch.matching import matched
from impasto.sketch.pairs_file import pairs_text, read_pairs
from impasto.sketch.parts import parts_of_drawing, parts_of_picture
from tools.drawings import DRAWINGS, draw

pytestmark = pytest.mark.usefixtures("scene")

QUICK = ["--size", "96", "--engine", "colour", "--quiet"]
Pen = Callable[[ImageDraw.ImageDraw], None]


def sheet(*pens: Pen, size: tuple[int, int] = (160, 120)) -> Image.Image:
    """Dark lines on white."""
    image = Image.new("L", size, 255)
    for pen in pens:
        pen(ImageDraw.Draw(image))
    return image


def ball(pen: ImageDraw.ImageDraw) -> None:
    pen.ellipse((50, 20, 110, 80), outline=0, width=2)


def ground(pen: ImageDraw.ImageDraw) -> None:
    pen.line((0, 96, 160, 96), fill=0, width=2)


def lines_of(image: Any) -> Drawing:
    return drawing_of(read(image))


@pytest.fixture
def scene(folder: Path) -> Path:
    """A drawing of a ball over a ground, and a red ball on green under blue."""
    sheet(ball, ground).save("drawing.png")
    picture = Image.new("RGB", (160, 120), (60, 110, 200))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 90, 160, 120), fill=(40, 140, 50))
    pen.ellipse((50, 25, 110, 85), fill=(210, 40, 30))
    noise = np.random.default_rng(0).normal(0, 4, (120, 160, 3))
    Image.fromarray((np.asarray(picture) + noise).clip(0, 255).astype(np.uint8)).save("ball.png")
    return folder


def sketch(*args: str, out: str = "out.png") -> int:
    return main(["sketch", "drawing.png", "--style", "ball.png", *QUICK, "-o", out, *args])


# Lines


def test_lines_are_dark_and_paper_is_not() -> None:
    drawing = lines_of(sheet(ball, ground))
    assert float(drawing.lines[96, 5]) > 0.95
    assert float(drawing.lines[50, 80]) == 0.0
    assert 0 < int(drawing.thin.sum()) < int(drawing.strokes.sum())


def test_light_and_colour_of_the_paper_are_taken_out() -> None:
    clean = np.asarray(draw("cat", 512), np.float32)[..., None] / 255
    rows, columns = np.mgrid[0 : 1 : clean.shape[0] * 1j, 0 : 1 : clean.shape[1] * 1j]
    light = (0.45 + 0.5 * columns * (1 - 0.4 * rows))[..., None] * np.array([1, 0.94, 0.82])
    noise = np.random.default_rng(1).normal(0, 0.012, (*clean.shape[:2], 3))
    photographed = (clean * light + noise).clip(0, 1).astype(np.float32)
    found, wanted = lines_of(photographed), lines_of(np.repeat(clean, 3, 2))
    assert float((found.lines - wanted.lines).abs().mean()) < 0.02
    assert areas_of(found).max() == areas_of(wanted).max()
    assert found.paper[0] > found.paper[2] + 0.1


@pytest.mark.parametrize("kind", ["chalk", "transparent", "white on transparent"])
def test_other_grounds_have_the_same_areas(kind: str) -> None:
    image = sheet(ball, ground)
    ink = Image.fromarray(255 - np.asarray(image))
    if kind == "chalk":
        image = Image.merge("RGB", [ink.point(lambda v: int(40 + 0.8 * v))] * 3)
    else:
        shade = 255 if kind.startswith("white") else 0
        image = Image.merge("RGBA", [Image.new("L", image.size, shade)] * 3 + [ink])
    assert int(areas_of(lines_of(image)).max()) + 1 == 3


def test_what_is_no_drawing_is_refused() -> None:
    noise = np.random.default_rng(0).random((60, 80, 3))
    photograph = (0.2 + 0.5 * noise).astype(np.float32)
    with pytest.raises(OptionError, match=r"photograph or a painting.*impasto stylize"):
        lines_of(photograph)
    with pytest.raises(OptionError, match="blank page"):
        lines_of(sheet())


# Areas


def test_areas_keep_to_their_lines() -> None:
    labels = areas_of(lines_of(sheet(ball, ground)))
    assert int(labels.max()) + 1 == 3
    inside, above, below = labels[50, 80], labels[5, 5], labels[110, 80]
    assert len({int(inside), int(above), int(below)}) == 3
    rows, columns = np.mgrid[:120, :160]
    disc = np.hypot(rows - 50, columns - 80) < 27
    assert (labels.numpy()[disc] == int(inside)).all()
    assert (labels.numpy()[100:] == int(below)).all()


def test_a_small_gap_does_not_let_an_area_out() -> None:
    def gap(pen: ImageDraw.ImageDraw) -> None:
        pen.rectangle((78, 16, 82, 24), fill=255)

    labels = areas_of(lines_of(sheet(ball, ground, gap)))
    assert int(labels[50, 80]) != int(labels[5, 5])


def test_a_wide_opening_makes_one_area() -> None:
    def opening(pen: ImageDraw.ImageDraw) -> None:
        pen.rectangle((60, 10, 100, 40), fill=255)

    labels = areas_of(lines_of(sheet(ball, ground, opening)))
    assert int(labels[50, 80]) == int(labels[5, 5])


def test_hatching_is_one_area() -> None:
    def hatched(pen: ImageDraw.ImageDraw) -> None:
        for x in range(60, 140, 4):
            pen.line((x, 20, x - 12, 80), fill=0, width=2)

    labels = areas_of(lines_of(sheet(ground, hatched)))[35:65, 75:110]
    assert np.bincount(labels.numpy().ravel()).max() > 0.95 * labels.numel()


@pytest.mark.parametrize("name", DRAWINGS)
def test_every_drawing_has_a_few_areas(name: str) -> None:
    labels = areas_of(lines_of(draw(name, 384)))
    numbers, counts = np.unique(labels.numpy(), return_counts=True)
    assert 5 <= len(numbers) <= 24
    assert (np.diff(counts) <= 0).all()  # the largest first
    assert (numbers == np.arange(len(numbers))).all()


def test_one_line_encloses_nothing() -> None:
    def stroke(pen: ImageDraw.ImageDraw) -> None:
        pen.line((40, 40, 90, 60), fill=0, width=2)

    with pytest.raises(OptionError, match="one area only"):
        areas_of(lines_of(sheet(stroke)))


# Foreground and parts


def blob(background: int = 60) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    rows, columns = np.mgrid[:96, :128]
    inside = np.hypot((rows - 50) / 30, (columns - 60) / 24) < 1
    colours = np.where(inside[..., None], (210, 60, 40), (background, 90, 150))
    return (colours + rng.normal(0, 6, (96, 128, 3))).clip(0, 255).astype(np.float32) / 255, inside


def test_the_foreground_is_found() -> None:
    picture, inside = blob()
    found = foreground_of(picture)
    assert (found & inside).sum() / (found | inside).sum() > 0.9


def test_marks_correct_the_foreground() -> None:
    picture, _ = blob()
    found = foreground_of(picture, [(0.05, 0.5, True), (0.47, 0.5, False)])
    assert found[48, 6]
    assert not found[48, 60]


@pytest.mark.parametrize("shape", [(1, 1), (2, 60), (60, 2), (40, 40)])
def test_the_foreground_never_fails(shape: tuple[int, int]) -> None:
    found = foreground_of(np.full((*shape, 3), 0.5, np.float32))
    assert found.shape == shape


def test_parts_are_of_the_foreground_or_of_the_background() -> None:
    picture, inside = blob()
    parts = parts_of_picture(picture)
    fore = parts.is_foreground[parts.labels]
    assert (fore & inside).sum() / (fore | inside).sum() > 0.9
    assert 2 <= len(parts) <= 14
    assert np.isfinite(parts.statistics).all()


def test_what_reaches_along_the_edge_is_background() -> None:
    drawing = lines_of(sheet(ball, ground))
    labels = areas_of(drawing).numpy()
    parts = parts_of_drawing(labels, drawing.lines.numpy())
    assert parts.is_foreground[labels[50, 80]]
    assert not parts.is_foreground[labels[5, 5]]
    marked = parts_of_drawing(labels, drawing.lines.numpy(), [(0.5, 0.4, False)])
    assert not marked.is_foreground[labels[50, 80]]


def test_alike_parts_are_matched_whatever_their_order() -> None:
    drawing = lines_of(sheet(ball, ground))
    labels = areas_of(drawing).numpy()
    areas = parts_of_drawing(labels, drawing.lines.numpy())
    turned = parts_of_drawing(labels.max() - labels, drawing.lines.numpy())
    assert matched(areas, turned) == [len(areas) - 1 - k for k in range(len(areas))]


# Pairs


def test_pairs_return_from_their_file(tmp_path: Path) -> None:
    file = tmp_path / "pairs.json"
    file.write_text(pairs_text([2, None, 0]))
    assert read_pairs(file) == ("0=2", "1=none", "2=0")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "JSON cannot be read"),
        ('{"format": 2, "pairs": []}', "format is 2"),
        ('{"format": 1, "pairs": [{"area": 0}]}', "lacks part"),
        ('{"format": 1, "pairs": [{"area": 0, "part": 1.5}]}', "part 1.5"),
        ("[]", "must be an object"),
    ],
)
def test_other_files_hold_no_pairs(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "pairs.json"
    file.write_text(text)
    with pytest.raises(OptionError, match=f"holds no pairs: .*{message}"):
        read_pairs(file)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("pair", ("3",), "--?pair is '3'|pair is '3'"),
        ("pair", ("3=0", "3=1"), "area 3 twice"),
        ("foreground", ("40",), "foreground is '40'"),
        ("background", ("40x101",), "background is '40x101'"),
        ("line_color", "red", "#rrggbb"),
    ],
)
def test_options_that_say_nothing_are_refused(option: str, value: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        SketchConfig(**{option: value})


# The command


def test_a_sketch_has_the_colours_of_the_picture() -> None:
    assert sketch() == 0
    got = pixels("out.png").astype(int)
    assert got.shape == (72, 96, 3)
    red, green, blue = got[30, 48], got[66, 10], got[5, 5]
    assert red[0] > red[1:].max() + 60
    assert green[1] > max(green[0], green[2]) + 40
    assert blue[2] > blue[:2].max() + 40
    assert got[58, 10].max() < 90  # the line


def test_no_colour_goes_across_a_line() -> None:
    assert sketch("--line-weight", "0") == 0
    got = pixels("out.png").astype(int)
    reddish = got[..., 0] > got[..., 2] + 40
    rows, columns = np.mgrid[:72, :96]
    distance = np.hypot(rows - 29.5, columns - 47.5)
    assert reddish[distance < 16].all()
    assert not reddish[distance > 20].any()


def test_lines_have_a_weight_and_a_colour() -> None:
    assert sketch("--line-weight", "0.4", "--line-color", "#0000ff") == 0
    assert sketch("--line-weight", "0", out="bare.png") == 0
    line, bare = pixels("out.png")[57:60, 10].min(0), pixels("bare.png")[57:60, 10].min(0)
    assert line[0] < 0.75 * bare[0] + 1
    assert abs(int(line[2]) - int(bare[2])) < 30


def test_pairs_are_shown_changed_and_used() -> None:
    assert sketch("--show-pairs", "pairs.json") == 0
    assert not Path("out.png").exists()
    assert pixels("pairs-shown.png").shape[1] > 1000
    data = json.loads(Path("pairs.json").read_text())
    number = int(areas_of(lines_of("drawing.png"))[50, 80])
    data["pairs"][number]["part"] = None
    Path("pairs.json").write_text(json.dumps(data))
    assert sketch("--pairs", "pairs.json") == 0
    assert (pixels("out.png")[26:34, 44:52] == 255).all()  # white paper
    assert main(["rerun", "out.png", "-o", "again.png", "--quiet"]) == 0
    assert (pixels("again.png") == pixels("out.png")).all()


def test_areas_and_parts_keep_their_numbers_at_every_size() -> None:
    texts = []
    draw("house", 1024).save("drawing.png")
    for size in ("128", "512", "1024"):
        assert sketch("--size", size, "--show-pairs", f"{size}.json") == 0
        texts.append(Path(f"{size}.json").read_text())
    assert texts[0] == texts[1] == texts[2]


def test_maps_say_which_part_an_area_has() -> None:
    for name, box in (("parts.png", (0, 60, 160, 120)), ("picture-parts.png", (45, 20, 115, 90))):
        image = Image.new("RGB", (160, 120), "#00ff00")
        ImageDraw.Draw(image).rectangle(box, fill="#ff0000")
        image.save(name)
    assert sketch("--parts", "parts.png", "--style-parts", "picture-parts.png") == 0
    got = pixels("out.png").astype(int)
    assert got[68, 48, 0] > got[68, 48, 2] + 40  # the ball's part, though it is below
    assert recipe_of("out.png").of("style-map")[0].name == "picture-parts.png"


def test_a_mirrored_picture_gives_the_other_side() -> None:
    image = Image.new("RGB", (160, 120), (30, 60, 200))
    ImageDraw.Draw(image).rectangle((80, 0, 160, 120), fill=(220, 200, 30))
    image.save("ball.png")
    sheet(lambda pen: pen.line((80, 0, 80, 120), fill=0, width=2)).save("drawing.png")
    assert sketch() == 0
    assert sketch("--mirror", out="mirrored.png") == 0
    plain, mirrored = pixels("out.png").astype(int), pixels("mirrored.png").astype(int)
    assert plain[36, 10, 2] > plain[36, 10, 0] + 60
    assert mirrored[36, 10, 0] > mirrored[36, 10, 2] + 60


@pytest.mark.parametrize("engine", ["quick", "gatys", "nnst", "mrf"])
def test_every_engine_paints(engine: str) -> None:
    picture = impasto.sketch(
        "drawing.png", "ball.png", size=64, engine=engine, iterations=3, smallest=45
    )
    got = np.asarray(picture.convert("RGB")).astype(int)
    assert got[20, 32, 0] > got[20, 32, 2]
    assert json.loads(picture.info["impasto"])["method"] == "sketch"


def test_the_package_of_that_name_can_be_called() -> None:
    import impasto.sketch.areas

    picture = impasto.sketch("drawing.png", "ball.png", size=64, engine="colour")
    assert picture.size == (64, 48)


def test_the_pictures_that_fit_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    Path("photos").mkdir()
    Path("ball.png").rename("photos/ball.png")
    args = ["sketch", "drawing.png", "--library", "photos", "--choose", "--json"]
    assert main(args) == 0
    found = json.loads(capsys.readouterr().out)
    assert [Path(row["path"]).name for row in found["pictures"]] == ["ball.png"]
    assert "--library photos --pick 1" in Path(found["sheet"]).read_text()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--pair", "99=0"], "areas 0 to 2"),
        (["--pair", "0=99"], "the picture has the parts"),
        (["--pair", "0=0", "--pairs", "pairs.json"], "--pairs and --pair"),
        (["--iterations", "5"], "--iterations has no effect"),
        (["--pick", "2"], "--pick: a picture is looked for"),
        (["--pair", "0=none", "--pair", "1=none", "--pair", "2=none"], "all would stay white"),
    ],
)
def test_what_cannot_be_is_refused(
    capsys: pytest.CaptureFixture[str], args: list[str], message: str
) -> None:
    assert sketch(*args) == 2
    assert message in capsys.readouterr().err
    assert not Path("out.png").exists()


def test_a_built_in_style_has_a_swatch_to_colour_from() -> None:
    style = ["--style", "starry-night"]
    assert main(["sketch", "drawing.png", *style, *QUICK, "-o", "out.png"]) == 0
    assert pixels("out.png").std() > 10


def test_a_picture_is_found_in_a_library(capsys: pytest.CaptureFixture[str]) -> None:
    Path("photos").mkdir()
    Path("ball.png").rename("photos/ball.png")
    Image.fromarray(np.tile(np.array([[0, 255], [255, 0]], np.uint8), (40, 60))).save(
        "photos/other.png"
    )
    found = ["sketch", "drawing.png", "--library", "photos", "--size", "96", "--engine", "colour"]
    assert main([*found, "-o", "out.png"]) == 0
    assert "ball.png" in capsys.readouterr().err
    assert recipe_of("out.png").of("style")[0].name.endswith("ball.png")
