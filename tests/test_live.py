"""Live painting: the newest picture, at a size that keeps the rate, in the look of now."""

from __future__ import annotations

import errno
import itertools
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("av", reason="the extra `film` is not installed")
pytest.importorskip("cv2", reason="the extra `film` is not installed")

import av
from living import flat, made_clip, noise

from impasto.config.live import LiveSettings
from impasto.config.methods import FastConfig, InstantConfig
from impasto.config.specs import StyleSpec
from impasto.errors import ImpastoError, OptionError, PictureError, StyleError
from impasto.film import live_sources
from impasto.film.frame import Frame
from impasto.film.live import paint_live
from impasto.film.live_painter import LivePainter, Look, look_of
from impasto.film.live_size import SizeController
from impasto.film.live_sources import CameraSource, ClipSource, Rgb
from impasto.film.newest import Newest


def look_in(*styles: str, **settings: Any) -> Look:
    return look_of(tuple(map(StyleSpec.parse, styles)), LiveSettings(**settings))


STARRY = look_in("starry-night")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Ten frames, each of a grey of its own: 0, 20, 40…"""
    return made_clip(tmp_path / "clip.mkv", [flat(20 * n) for n in range(10)])


class Clock:
    """A clock that goes on only while somebody sleeps, or as it is told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Copier:
    """Paints nothing: a frame is its own painting."""

    def __init__(self) -> None:
        self.samples: list[Sequence[Frame]] = []

    def begin(self, sample: Sequence[Frame]) -> None:
        self.samples.append(sample)

    def paint(self, frame: Frame) -> Any:
        return frame.pixels


class Machine:
    """A machine on which a picture of 320 pixels takes so many seconds."""

    def __init__(self, seconds: float, noise: float = 0.0) -> None:
        self.seconds, self.noise = seconds, noise
        self.random = random.Random(1)

    def run(self, sizes: SizeController, pictures: int) -> list[int]:
        """Return the sizes of these pictures."""
        seen = []
        for _ in range(pictures):
            seen.append(sizes.size)
            blur = 1 + self.random.uniform(-self.noise, self.noise)
            sizes.note(self.seconds * (sizes.size / 320) ** 2 * blur)
        return seen


def changes(seen: list[int]) -> int:
    return sum(a != b for a, b in itertools.pairwise(seen))


# The newest


def test_what_nobody_took_is_replaced() -> None:
    newest = Newest[int]()
    for number in range(5):
        newest.put(number)
    assert newest.take() == 4
    assert newest.dropped == 4
    newest.put(5)
    newest.end()
    assert newest.take() == 5, "what is there at the end can still be taken"
    assert newest.take() is None
    assert newest.is_over


def test_an_error_of_the_other_side_is_raised() -> None:
    newest = Newest[int]()
    newest.end(PictureError("unplugged"))
    with pytest.raises(PictureError, match="unplugged"):
        newest.take()


def test_waits_no_longer_than_it_is_told() -> None:
    assert Newest[int]().take(0.01) is None


# The size


@pytest.mark.parametrize(("seconds", "size"), [(1 / 15, 320), (0.01, 768), (0.3, 128), (5.0, 128)])
def test_finds_the_size_that_keeps_the_rate(seconds: float, size: int) -> None:
    sizes = SizeController(15)
    assert Machine(seconds).run(sizes, 400)[-1] == size


def test_a_few_measured_pictures_are_enough() -> None:
    seen = Machine(0.01).run(SizeController(15), 6)
    assert seen[0] == 224
    assert seen[-1] == 768


@pytest.mark.parametrize("seconds", [0.02, 0.045, 0.066, 0.08, 0.11])
def test_does_not_hunt_on_a_busy_machine(seconds: float) -> None:
    seen = Machine(seconds, noise=0.5).run(SizeController(15), 6000)
    assert changes(seen[300:]) <= 6


def test_gives_way_at_once_and_comes_back() -> None:
    sizes, machine = SizeController(15), Machine(0.05)
    before = machine.run(sizes, 200)[-1]
    machine.seconds = 0.2
    busy = machine.run(sizes, 40)[-1]
    assert 0.2 * (busy / 320) ** 2 <= 1.1 / 15
    machine.seconds = 0.05
    assert machine.run(sizes, 2000)[-1] >= before * 0.85


def test_a_source_is_not_enlarged_and_a_fixed_size_stays() -> None:
    assert max(Machine(0.001).run(SizeController(15, most=320), 400)) == 320
    assert set(Machine(1.0).run(SizeController(15, fixed=448), 100)) == {448}
    assert SizeController(15, most=40).size == 40
    assert SizeController(15, most=320, fixed=640).size == 320


# Sources


def test_a_clip_plays_at_its_own_pace(clip: Path) -> None:
    clock = Clock()
    source = ClipSource.of(clip, loops=False, clock=clock, sleep=clock.sleep)
    assert source.long_side == 64
    shown = [(round(clock.now - 100, 3), int(p[0, 0, 0])) for p in source.pictures()]
    assert shown == [(n / 10, 20 * n) for n in range(10)]
    assert clock.now == pytest.approx(101.0), "the last frame has its time too"


def test_late_frames_of_a_clip_are_passed_over(clip: Path) -> None:
    clock = Clock()
    shown = []
    for picture in ClipSource.of(clip, loops=False, clock=clock, sleep=clock.sleep).pictures():
        shown.append((round(clock.now - 100, 3), int(picture[0, 0, 0]) // 20))
        clock.now += 0.35  # somebody was slow
    assert len(shown) < 5
    assert all(at - number / 10 <= 0.1001 for at, number in shown), "none is late"


def test_a_clip_begins_again(clip: Path) -> None:
    clock = Clock()
    pictures = ClipSource.of(clip, clock=clock, sleep=clock.sleep).pictures()
    shown = [int(p[0, 0, 0]) // 20 for p in itertools.islice(pictures, 23)]
    assert shown == [*range(10), *range(10), 0, 1, 2]


def test_a_file_without_pictures_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    with pytest.raises(PictureError, match="no moving pictures"):
        ClipSource.of(path)


@pytest.fixture
def as_on_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.film.live_sources.sys.platform", "linux")


@pytest.mark.usefixtures("as_on_linux")
@pytest.mark.parametrize(
    ("code", "message"),
    [
        (errno.ENOENT, "There is no camera 7 here"),
        (errno.ENODEV, "There is no camera 7 here"),
        (errno.EBUSY, "in use by another program"),
        (errno.EACCES, "may not be used by you"),
        (errno.EINVAL, "cannot be used"),
    ],
)
def test_says_what_a_camera_lacks(code: int, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str, **_: Any) -> None:
        assert name == "/dev/video7"
        raise OSError(code, "a message of the system")

    monkeypatch.setattr(av, "open", fail)
    with pytest.raises(OptionError, match=message):
        CameraSource(7)


@pytest.mark.usefixtures("as_on_linux")
def test_a_camera_that_is_not_there() -> None:
    with pytest.raises(OptionError, match="There is no camera 97"):
        CameraSource(97)


def test_other_systems_have_the_studio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.film.live_sources.sys.platform", "plan9")
    with pytest.raises(OptionError, match="impasto studio"):
        CameraSource(0)


def test_a_camera_gives_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    pattern = ("testsrc=size=96x64:rate=30", "lavfi")
    monkeypatch.setattr(live_sources, "_address", lambda _: pattern)
    monkeypatch.setattr(live_sources, "_WISHES", ({"no such": "wish"}, {}))
    with CameraSource(0) as camera:
        assert camera.long_side == 96
        first, second = itertools.islice(camera.pictures(), 2)
    assert first.shape == second.shape == (64, 96, 3)
    assert first.dtype == np.uint8


def test_a_camera_that_is_unplugged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_sources, "_address", lambda _: ("testsrc=size=96x64", "lavfi"))
    camera = CameraSource(0)

    class Unplugged:
        def decode(self, **_: Any) -> Iterator[Any]:
            raise av.FFmpegError(errno.ENODEV, "No such device")

        def close(self) -> None:
            pass

    camera.__exit__()
    monkeypatch.setattr(camera, "_container", Unplugged())
    with pytest.raises(PictureError, match="unplugged"):
        next(camera.pictures())


# The painter


def counting(made: list[tuple[Look, int]]) -> Callable[[Look, int], Copier]:
    def make(look: Look, size: int) -> Copier:
        made.append((look, size))
        return Copier()

    return make


def test_is_made_anew_for_another_look_or_size_alone() -> None:
    made: list[tuple[Look, int]] = []
    painter, picture = LivePainter(counting(made)), noise(0)
    other = look_in("great-wave", strength=0.2)
    anew = []
    for look, size in [(STARRY, 64), (STARRY, 64), (STARRY, 96), (other, 96), (other, 96)]:
        assert max(painter.paint(picture, look, size).shape) == size
        anew.append(painter.is_anew)
    assert made == [(STARRY, 64), (STARRY, 96), (other, 96)]
    assert anew == [True, False, True, True, False]


def test_small_pictures_are_not_enlarged_and_levels_stay() -> None:
    picture = noise(1)
    assert np.array_equal(LivePainter(counting([])).paint(picture, STARRY, 1280), picture)


def test_another_scene_begins_anew_and_a_moving_one_does_not() -> None:
    painter = LivePainter(counting([]))
    anew = []
    for number in range(40):
        dark = number < 30
        picture = noise(number, 0, 100) if dark else noise(number, 150, 256)
        painter.paint(picture, STARRY, 128)
        anew.append(painter.is_anew)
    assert [n for n, is_anew in enumerate(anew) if is_anew] == [0, 30]


def test_paints_in_a_style(tmp_path: Path) -> None:
    from PIL import Image

    path = tmp_path / "painting.png"
    Image.fromarray(noise(3)).save(path)
    painter, picture = LivePainter(), noise(2)
    plain = painter.paint(picture, look_in(str(path), strength=0.0), 96)
    strong = painter.paint(picture, look_in(str(path), strength=1.0), 96)
    wave = painter.paint(picture, look_in("great-wave", strength=1.0), 96)
    assert plain.shape == strong.shape == (72, 96, 3)
    assert np.abs(plain.astype(int) - strong).mean() > 5
    assert np.abs(wave.astype(int) - strong).mean() > 5


def test_a_style_that_is_not_there() -> None:
    with pytest.raises(StyleError, match="starry"):
        LivePainter().paint(noise(0), look_in("stary-night"), 96)


def test_trained_styles_go_by_fast() -> None:
    look = look_in("a.impasto#b", strength=0.3, stroke=2.0)
    assert look.config == FastConfig(strength=0.3)
    assert STARRY.config == InstantConfig()
    with pytest.raises(OptionError, match="trained ones alone"):
        look_in("a.impasto#b", "starry-night")
    with pytest.raises(OptionError, match="There is no style"):
        look_in()


# All together


class Script:
    """A source whose next picture comes when it is told to."""

    long_side = 64

    def __init__(self, pictures: int) -> None:
        self.go = threading.Semaphore(0)
        self.came = threading.Semaphore(0)
        self.is_closed = False
        self._pictures = pictures

    def __enter__(self) -> Script:
        return self

    def __exit__(self, *_: object) -> None:
        self.is_closed = True

    def pictures(self) -> Iterator[Rgb]:
        for number in range(self._pictures):
            self.go.acquire(timeout=20)
            yield flat(number)
            self.came.release()

    def advance(self, count: int) -> None:
        """Let so many pictures come, and wait until they have; the last may still be under way."""
        for _ in range(count):
            self.go.release()
            self.came.acquire(timeout=20)


def test_the_newest_is_painted_and_the_look_of_now() -> None:
    source, looks, sizes = Script(20), [STARRY], SizeController(15, 64)
    other = look_in("great-wave")
    made: list[tuple[Look, int]] = []
    live = paint_live(source, lambda: looks[-1], sizes, LivePainter(counting(made)))
    source.go.release()
    first = next(live)
    source.advance(7)
    looks.append(other)
    second = next(live)
    live.close()  # type: ignore[attr-defined]
    assert (first.look, second.look) == (STARRY, other)
    assert (int(first.photograph[0, 0, 0]), first.dropped) == (0, 0)
    # The seventh may still be on its way when the painter looks.
    assert int(second.photograph[0, 0, 0]) in (6, 7)
    assert second.dropped == int(second.photograph[0, 0, 0]) - 1
    assert [look for look, _ in made] == [STARRY, STARRY, other]
    source.go.release()
    for _ in range(200):
        if source.is_closed:
            break
        threading.Event().wait(0.05)
    assert source.is_closed, "the camera is let go of"


def test_a_clip_is_painted_to_its_end(clip: Path) -> None:
    source = ClipSource.of(clip, loops=False)
    pictures = list(paint_live(source, lambda: STARRY, SizeController(15, 64, fixed=64)))
    levels = [int(picture.photograph[0, 0, 0]) // 20 for picture in pictures]
    assert levels == sorted(set(levels)), "each once, in order"
    assert levels[-1] == 9, "the last is not lost"
    assert pictures[0].painted.shape == (48, 64, 3)
    assert all(picture.seconds > 0 for picture in pictures)


def test_a_failure_of_the_source_is_raised() -> None:
    class Broken(Script):
        def pictures(self) -> Iterator[Rgb]:
            raise PictureError("gives no more pictures")

    with pytest.raises(ImpastoError, match="no more pictures"):
        list(paint_live(Broken(1), lambda: STARRY, SizeController(15), LivePainter(counting([]))))


# Options


@pytest.mark.parametrize("size", [0, 96, 1280])
def test_sizes_that_can_be_asked_for(size: int) -> None:
    assert LiveSettings(size=size).size == size


@pytest.mark.parametrize("values", [{"size": 50}, {"size": 4000}, {"rate": 0.0}, {"rate": 200.0}])
def test_what_cannot_be_asked_for(values: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match="It takes"):
        LiveSettings(**values)
