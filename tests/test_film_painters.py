"""Painters of films: steady where the same is to be seen, and painted anew where it is not."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from impasto.config.film import FilmSettings
from impasto.config.methods import METHODS, StyledConfig, configs_with
from impasto.config.times import clock, seconds_of
from impasto.config.validation import checked_config
from impasto.errors import OptionError
from impasto.features.tiles import Tile
from impasto.film.changing import weights_at
from impasto.film.flow import flow_between, warp
from impasto.film.frame import Frame
from impasto.film.optimising import carried_painting
from impasto.film.painter import FilmPainter
from impasto.film.painters import film_painter
from impasto.film.steadying import Steadier, with_contrast_of
from impasto.film.stillness import Stillness
from impasto.image.color import to_lab
from impasto.image.exchange import write
from impasto.image.labels import LabelMap
from impasto.image.picture import Picture, resize
from impasto.image.reading import read
from impasto.losses.temporal import CarriedPainting, temporal_term
from impasto.networks.brushes import PassMoments, paint_sized
from impasto.painting.sources import Sources
from impasto.painting.stylizer import instant

PHOTOGRAPH = resize(
    read(Path(__file__).resolve().parents[1] / "docs" / "pictures" / "coffee.jpg").pixels, 120, 160
)
HEIGHT, WIDTH = 80, 112
# Fast methods are trained for their styles.
NAMES = [name for name in configs_with(StyledConfig) if not METHODS[name].takes_trained]
LEVEL = 1 / 255


def film(count: int, step: int = 2, noise: float = 0.0) -> list[Frame]:
    """A camera that moves over a photograph, with the noise of a sensor."""
    random = torch.Generator().manual_seed(0)
    frames = []
    for i in range(count):
        pixels = PHOTOGRAPH[..., 8 : 8 + HEIGHT, i * step : i * step + WIDTH]
        pixels = pixels + noise * torch.randn(pixels.shape, generator=random)
        frames.append(Frame(i, i, i / 24, pixels.clamp(0, 1).contiguous()))
    return frames


def painter(method: str = "instant", *styles: str, **options: Any) -> FilmPainter:
    settings = {name: options.pop(name) for name in ("steady", "change") if name in options}
    labels = options.pop("labels", None)
    map = options.pop("content_map", None)
    if METHODS[method].optimises:
        options = {"iterations": 6, **options}
    config: Any = checked_config(
        METHODS[method].config, {"size": WIDTH, **options}, has_map=bool(labels or map)
    )
    sources = Sources.of(None, *(styles or ("starry-night",)), content_map=map)
    return film_painter(sources, config, FilmSettings(**settings), labels=labels)


def painted(paint: FilmPainter, frames: Sequence[Frame]) -> list[Tensor]:
    paint.begin(frames[:: max(1, len(frames) // 3)])
    return [paint.paint(frame) for frame in frames]


def unsteadiness(pictures: Sequence[Tensor], step: int = 2) -> float:
    """How much pictures change that are moved back by as much as the camera has moved."""
    off = [b[..., : -step or None] - a[..., step:] for a, b in pairwise(pictures)]
    return float(torch.stack([part[..., 8:-8, 8:-8].square().mean() for part in off]).mean().sqrt())


@pytest.mark.parametrize("method", [n for n in NAMES if n not in ("nnst", "mrf")])
def test_every_method_paints_a_film_steadier_than_its_frames(method: str) -> None:
    frames = film(4, noise=0.02)
    alone = painted(painter(method, steady=0.0), frames)
    steady = painted(painter(method), frames)
    assert unsteadiness(steady) < 0.75 * unsteadiness(alone)
    assert all(p.shape == f.pixels.shape for p, f in zip(steady, frames, strict=True))
    assert all(float(p.min()) >= 0 and float(p.max()) <= 1 for p in steady)


@pytest.mark.parametrize("method", ["nnst", "mrf"])
def test_methods_that_match_places_need_a_painting_and_are_steadier_too(
    method: str, style_file: Path
) -> None:
    frames = film(4, noise=0.02)
    alone = painted(painter(method, str(style_file), steady=0.0), frames)
    steady = painted(painter(method, str(style_file)), frames)
    assert unsteadiness(steady) < 0.75 * unsteadiness(alone)


@pytest.fixture
def style_file(tmp_path: Path) -> Path:
    file = tmp_path / "painting.png"
    write(Picture(PHOTOGRAPH.flip(1)), file)
    return file


@pytest.mark.parametrize("method", ["instant", "quick"])
def test_a_chunk_that_begins_anew_paints_the_same_frames(method: str) -> None:
    frames = film(4)
    paint = painter(method)
    first = painted(paint, frames)
    assert all(torch.equal(a, b) for a, b in zip(first, painted(paint, frames), strict=True))


@pytest.mark.parametrize("method", ["instant", "quick"])
def test_nothing_of_a_shot_is_left_after_a_cut(method: str) -> None:
    frames = film(3)
    paint = painter(method)
    fresh = painted(paint, frames)[0]
    painted(paint, [Frame(9, 9, 0.3, 1 - f.pixels) for f in frames])
    assert torch.equal(painted(paint, frames)[0], fresh)


@pytest.mark.parametrize("method", ["instant", "quick", "gatys"])
def test_a_still_film_does_not_drift(method: str) -> None:
    still = [Frame(i, i, i / 24, PHOTOGRAPH) for i in range(60 if method == "instant" else 12)]
    pictures = painted(painter(method, size=160), still)
    assert float((pictures[-1] - pictures[0]).abs().max()) < LEVEL


def test_a_blend_of_a_thousand_frames_does_not_drift() -> None:
    random = torch.Generator().manual_seed(0)
    steadier = Steadier()
    first = steadier.blended(PHOTOGRAPH, PHOTOGRAPH)
    for _ in range(1000):
        noise = 0.02 * torch.randn(first.shape, generator=random)
        last = steadier.blended(PHOTOGRAPH, (PHOTOGRAPH + noise).clamp(0, 1))
    assert float((last - first).mean().abs()) < LEVEL / 4
    assert float((last - first).square().mean().sqrt()) < 0.01  # half of the noise of one


def test_what_comes_into_a_frame_does_not_change_all_of_it() -> None:
    plain = Frame(0, 0, 0.0, PHOTOGRAPH)
    pixels = PHOTOGRAPH.clone()
    pixels[..., 40:, 100:] = torch.tensor([1.0, 0.9, 0.1])[:, None, None]
    lit = Frame(1, 1, 1 / 24, pixels)
    later = Frame(2, 2, 2.0, PHOTOGRAPH)
    film_of = painter(size=160, steady=0.0)
    film_of.begin([plain, later])
    one = instant("starry-night", size=160)
    rest = (..., slice(0, 80), slice(0, 40))
    shot = (film_of.paint(lit) - film_of.paint(plain))[rest].abs().mean()
    single = (one(lit.pixels) - one(plain.pixels))[rest].abs().mean()
    assert float(shot) < 0.3 * float(single)


def test_a_brush_that_is_settled_by_a_photograph_paints_it_as_before() -> None:
    for side in (160, 90):
        paint = instant("starry-night", size=side)
        for limit in (side, side // 2):
            brushes = type(paint.brushes)(paint.brushes.coarse, paint.brushes.fine, limit)
            photograph = resize(PHOTOGRAPH, side * 3 // 4, side)
            moments = PassMoments.of(photograph, brushes, paint.extractor)
            settled = paint_sized(brushes.settled_by(moments), photograph, paint.extractor)
            assert torch.allclose(
                settled, paint_sized(brushes, photograph, paint.extractor), atol=1e-5
            )
            assert moments.fine is None if limit == side else moments.fine is not None


def test_the_temporal_loss_has_a_gradient_where_the_flow_is_trusted() -> None:
    before = torch.rand(1, 3, 6, 8, dtype=torch.float64)
    trust = torch.zeros(1, 1, 6, 8, dtype=torch.float64)
    trust[..., :4] = 0.5
    term = temporal_term(CarriedPainting(before, trust, 3.0))
    assert (term.name, term.weight) == ("temporal", 3.0)
    pixels = torch.rand(1, 3, 6, 8, dtype=torch.float64, requires_grad=True)
    (measurement,) = term.distance.measurements
    tile = Tile.full(before)

    def loss(x: Tensor) -> Tensor:
        return term.distance.value([measurement.compute(x, tile)])

    assert torch.autograd.gradcheck(loss, pixels)
    (gradient,) = torch.autograd.grad(loss(pixels), pixels)
    assert bool((gradient[..., :4] != 0).all())
    assert bool((gradient[..., 4:] == 0).all())
    assert float(loss(before)) == 0


def test_a_painting_is_carried_from_the_nearest_frame_that_shows_the_same() -> None:
    frames = [frame.pixels for frame in film(3)]
    paintings = [1 - pixels for pixels in frames]
    hidden = frames[1].clone()
    hidden[..., 30:60, 40:70] = 0.5
    before = [(frames[0], paintings[0]), (hidden, torch.zeros_like(hidden))]
    carried = carried_painting(frames[2], before)
    behind, open_ = (..., slice(38, 52), slice(44, 60)), (..., slice(10, 24), slice(20, 90))
    assert float(carried.trust[behind].mean()) > 0.8
    assert float((carried.pixels[behind] - paintings[2][behind]).abs().mean()) < 0.03
    assert float(carried.pixels[open_].mean()) < 0.01  # the nearest frame, which was painted black
    nearest = carried_painting(frames[2], before[1:])
    assert float(nearest.trust[behind].mean()) < 0.2


def test_where_nothing_can_be_carried_a_frame_is_painted_by_itself() -> None:
    frames = film(2)
    other = Frame(1, 1, 1 / 24, torch.rand(1, 3, HEIGHT, WIDTH))
    paint = painter("gatys", iterations=12)
    pictures = painted(paint, [frames[0], other])
    carried = carried_painting(other.pixels, [(frames[0].pixels, pictures[0])])
    assert float(carried.trust.mean()) < 0.05
    assert float((pictures[1] - other.pixels).abs().mean()) < float(
        (pictures[1] - pictures[0]).abs().mean()
    )


class _MovingLabels:
    """A band that moves with the camera."""

    colours = ("#ff0000", "#00ff00")

    def at(self, frame: Frame) -> LabelMap:
        labels = torch.zeros(HEIGHT, WIDTH, dtype=torch.long)
        labels[:, max(0, 60 - 2 * frame.index) :] = 1
        return LabelMap(labels, self.colours)


@pytest.mark.parametrize("method", ["instant", "gatys"])
def test_regions_move_with_the_map_of_each_frame(method: str) -> None:
    frames = film(3)
    map = torch.zeros(1, 3, HEIGHT, WIDTH)
    map[:, 0, :, :60], map[:, 1, :, 60:] = 1, 1
    paint = painter(
        method, labels=_MovingLabels(), content_map=Picture(map), region=("#00ff00=keep",)
    )
    for frame, picture in zip(frames, painted(paint, frames), strict=True):
        edge = 60 - 2 * frame.index
        off = (picture - frame.pixels).abs()
        assert float(off[..., edge + 1 :].max()) < LEVEL / 2
        assert float(off[..., : edge - 4].mean()) > 0.03


def test_a_region_that_a_frame_does_not_show_is_left_out() -> None:
    class Gone(_MovingLabels):
        def at(self, frame: Frame) -> LabelMap:
            whole = torch.full((HEIGHT, WIDTH), frame.index % 2)
            return LabelMap(whole, self.colours)

    frames = film(2)
    map = torch.zeros(1, 3, HEIGHT, WIDTH)
    map[:, 0, :, :60], map[:, 1, :, 60:] = 1, 1
    paint = painter(labels=Gone(), content_map=Picture(map), region=("#00ff00=keep",))
    first, second = painted(paint, frames)
    assert torch.equal(second, frames[1].pixels)
    assert float((first - frames[0].pixels).abs().mean()) > 0.03


def test_colours_of_the_film_are_kept() -> None:
    frames = film(3)
    for frame, picture in zip(frames, painted(painter(color="keep"), frames), strict=True):
        ours, theirs = to_lab(picture)[:, 1:], to_lab(frame.pixels)[:, 1:]
        assert float((ours - theirs).abs().median()) < 1.0
        assert float((picture - frame.pixels).abs().mean()) > 0.02


def test_colours_are_matched_to_all_of_a_shot(style_file: Path) -> None:
    frames = [Frame(i, i, i / 24, PHOTOGRAPH * (0.6 + 0.2 * i)) for i in range(3)]
    paint = painter("instant", str(style_file), color="match", size=160, steady=0.0)
    paint.begin(frames)
    middle = paint.paint(frames[1])
    paint.begin([frames[1]])
    assert float((paint.paint(frames[1]) - middle).abs().mean()) < 0.1
    assert float((painted(painter("instant", str(style_file), size=160), frames)[1] - middle)
                 .abs().mean()) > 0.01  # fmt: skip


def test_one_style_turns_into_the_next() -> None:
    frames = [Frame(i, i, float(i), PHOTOGRAPH) for i in range(4)]
    turning = painter("instant", "starry-night", "great-wave", size=160, steady=0.0, change=2.0)
    pictures = painted(turning, frames)
    first = painted(painter(size=160, steady=0.0), frames)[0]
    last = painted(painter("instant", "great-wave", size=160, steady=0.0), frames)[0]
    assert torch.allclose(pictures[0], first, atol=1e-5)
    assert torch.allclose(pictures[2], last, atol=1e-5)
    assert torch.allclose(pictures[3], last, atol=1e-5)
    for end in (first, last):
        assert float((pictures[1] - end).abs().mean()) > 0.01


def test_styles_turn_with_optimised_pixels_too_even_where_a_film_is_still() -> None:
    frames = [Frame(i, i, float(i), PHOTOGRAPH) for i in range(3)]
    pictures = painted(painter("quick", "starry-night", "great-wave", size=160, change=2.0), frames)
    assert float((pictures[2] - pictures[0]).abs().mean()) > 0.02


def test_a_change_needs_two_styles() -> None:
    with pytest.raises(OptionError, match="change says how long"):
        painter("instant", change=2.0)


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 0.3, 1.0, 1.7, 2.0, 99.0])
def test_weights_sum_to_one(seconds: float) -> None:
    weights = weights_at(seconds, 3, 1.0)
    assert sum(weights) == pytest.approx(1)
    assert min(weights) >= 0
    middle = min(max(seconds, 0.0), 2.0)
    assert sum(i * w for i, w in enumerate(weights)) == pytest.approx(middle, abs=0.01)


def detail(picture: Tensor) -> float:
    return float((picture[..., 1:] - picture[..., :-1]).square().mean())


def test_contrast_is_given_back_and_never_taken() -> None:
    blurred = resize(resize(PHOTOGRAPH, 60, 80), 120, 160)
    given = with_contrast_of(blurred, PHOTOGRAPH)
    assert detail(blurred) < detail(given) <= 1.1 * detail(PHOTOGRAPH)
    assert torch.allclose(with_contrast_of(PHOTOGRAPH, PHOTOGRAPH), PHOTOGRAPH, atol=1e-6)
    assert torch.allclose(with_contrast_of(PHOTOGRAPH, blurred), PHOTOGRAPH, atol=1e-6)


def test_stillness_overlooks_noise_and_notices_what_changes_slowly() -> None:
    random = torch.Generator().manual_seed(0)
    stillness = Stillness()
    stillness.of(PHOTOGRAPH, [None])
    noisy = PHOTOGRAPH + 0.005 * torch.randn(PHOTOGRAPH.shape, generator=random)
    assert float(stillness.of(noisy, [None]).mean()) > 0.7
    stillness.forget()
    stillness.of(PHOTOGRAPH, [None])
    slow = [float(stillness.of(PHOTOGRAPH + i * LEVEL / 2, [None]).min()) for i in (1, 2, 3, 4)]
    assert slow[:2] == [1, 1]
    assert min(slow[2:]) == 0
    assert float(stillness.of(PHOTOGRAPH, [torch.ones(1, 1, 120, 160)]).max()) == 0


def test_a_blend_does_not_smear_over_what_moves() -> None:
    """A trail behind a disc would have its colour, which nothing else of the frame has."""
    frames, paintings = [], []
    for i in range(6):
        pixels = PHOTOGRAPH.clone()
        pixels[..., 40:70, 10 + 18 * i : 40 + 18 * i] = torch.tensor([1.0, 0, 0])[:, None, None]
        frames.append(pixels)
        paintings.append(pixels)
    steadier = Steadier()
    last = [steadier.blended(f, p) for f, p in zip(frames, paintings, strict=True)][-1]
    assert float((last - frames[-1]).abs().mean()) < 0.02
    flow = flow_between(frames[1], frames[0])
    assert warp(frames[0], flow).shape == frames[0].shape


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("12.5", 12.5), ("12.5s", 12.5), ("0:12", 12), ("1:02:30.5", 3750.5), ("90", 90), (" 3 ", 3)],
)
def test_times_are_read(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds
    assert seconds_of(clock(seconds)) == seconds


@pytest.mark.parametrize("text", ["", "a", "1:60", "1:60:00", "1:2:3:4", "-3", "0,5"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"such as|at most|point"):
        seconds_of(text)
