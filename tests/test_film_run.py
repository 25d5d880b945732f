"""A film from beginning to end: painted in chunks, stopped, killed, gone on with, and joined."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filming import FRAMES, film
from PIL import Image
from torch import Tensor

from commands import ROOT
from impasto.config.film import CODECS, FilmSettings
from impasto.config.methods import InstantConfig
from impasto.config.specs import StyleSpec
from impasto.errors import ImpastoError, OptionError, PictureError, ResumeError
from impasto.film import formats, painting_here
from impasto.film.clip import open_clip
from impasto.film.frame import Frame
from impasto.film.progress import Progress
from impasto.film.run_film import run_film
from impasto.film.segments import write_segment
from impasto.film.spec import FilmSpec
from impasto.film.trial import try_film
from impasto.painting.sources import Sources

# Small chunks, of which the clip of 30 frames has five.
CHUNKS = FilmSettings(chunk=9, overlap=3)


class Trailing:
    """Paints a negative, and drags what it painted before along, as far as it knows it."""

    def __init__(self) -> None:
        self.before: Tensor | None = None
        self.begun = 0

    def begin(self, sample: Sequence[Frame]) -> None:
        assert 1 <= len(sample) <= 4
        self.before, self.begun = None, self.begun + 1

    def paint(self, frame: Frame) -> Tensor:
        painted = 1 - frame.pixels
        if self.before is not None:
            painted = painted.lerp(self.before, 0.5)
        self.before = painted
        return painted


@pytest.fixture(autouse=True)
def painter(monkeypatch: pytest.MonkeyPatch) -> Trailing:
    trailing = Trailing()
    monkeypatch.setattr(painting_here, "painter_of", lambda *_: trailing)
    return trailing


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("clip") / "clip.mp4", sound="aac")


def asked(clip: Path, out: Path, settings: FilmSettings = CHUNKS, **more: Any) -> FilmSpec:
    opened = open_clip(clip)
    size = max(opened.info.width, opened.info.height)
    sources = Sources(None, (StyleSpec("starry-night"),))
    return FilmSpec(opened, out, sources, InstantConfig(size=size), settings, **more)


def frames_of(path: Path) -> list[np.ndarray]:
    return [(frame.pixels[0] * 255).round().byte().numpy() for frame in open_clip(path).frames()]


def same(one: Path, other: Path) -> bool:
    pairs = zip(frames_of(one), frames_of(other), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


@pytest.fixture(scope="module")
def whole(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The film, painted without being stopped."""
    out = tmp_path_factory.mktemp("whole") / "out.mp4"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(painting_here, "painter_of", lambda *_: Trailing())
        run_film(asked(clip, out))
    return out


# ---- a film that is not stopped -----------------------------------------------------------------


def test_a_film_has_the_frames_times_and_sound_of_its_clip(clip: Path, tmp_path: Path) -> None:
    outcome = run_film(asked(clip, tmp_path / "out.mp4"))
    assert outcome.path == tmp_path / "out.mp4"
    assert (outcome.frames, outcome.missing, outcome.kept) == (FRAMES, 0, 0)
    assert outcome.chunks > 3
    before, after = open_clip(clip), open_clip(outcome.path)
    assert after.info.has_sound
    seconds = [
        [float((t - c.times[0]) * c.info.time_base) for t in c.times] for c in (before, after)
    ]
    assert seconds[0] == pytest.approx(seconds[1], abs=1e-3)
    painted = frames_of(outcome.path)
    assert np.abs(painted[0].astype(int) - (255 - frames_of(clip)[0].astype(int))).mean() < 8


def test_what_a_film_was_painted_in_is_gone_in_the_end(clip: Path, tmp_path: Path) -> None:
    run_film(asked(clip, tmp_path / "out.mp4"))
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_a_part_of_a_film(clip: Path, tmp_path: Path) -> None:
    settings = replace(CHUNKS, start=0.4, stop=0.8)
    outcome = run_film(asked(clip, tmp_path / "out.mp4", settings))
    assert outcome.path is not None
    assert outcome.frames == open_clip(outcome.path).info.frames == 10


def test_chunks_are_joined_without_a_seam(clip: Path, tmp_path: Path) -> None:
    """Where a chunk begins, nothing was painted before: without an overlap that would show."""
    one = run_film(asked(clip, tmp_path / "one.mkv", FilmSettings(codec="ffv1"))).path
    many = run_film(asked(clip, tmp_path / "many.mkv", replace(CHUNKS, codec="ffv1"))).path
    assert one is not None
    assert many is not None
    pairs = zip(frames_of(one), frames_of(many), strict=True)
    assert max(np.abs(a.astype(int) - b).max() for a, b in pairs) <= 30


def test_the_painter_begins_anew_with_each_chunk(
    clip: Path, tmp_path: Path, painter: Trailing
) -> None:
    outcome = run_film(asked(clip, tmp_path / "out.mp4"))
    assert painter.begun == outcome.chunks


@pytest.mark.parametrize("name", ["out.gif", "out.webm", "frames/%03d.png"])
def test_other_files_are_written_too(clip: Path, tmp_path: Path, name: str) -> None:
    outcome = run_film(asked(clip, tmp_path / name))
    rate = 25 if "%" in name else None
    assert open_clip(tmp_path / name, rate).info.frames == FRAMES == outcome.frames


def test_pictures_become_a_film(tmp_path: Path, clip: Path) -> None:
    run_film(asked(clip, tmp_path / "frames" / "%03d.png"))
    opened = open_clip(tmp_path / "frames", 25)
    spec = replace(asked(clip, tmp_path / "out.mp4"), clip=opened)
    outcome = run_film(spec)
    assert outcome.frames == FRAMES


def test_the_film_says_how_it_was_painted(clip: Path, tmp_path: Path) -> None:
    import av

    out = run_film(asked(clip, tmp_path / "out.mp4")).path
    with av.open(str(out)) as container:
        assert '"method": "instant"' in container.metadata["comment"]


def test_codecs_are_those_that_are_written() -> None:
    assert ("auto", *formats.CODECS) == CODECS


# ---- a film that is stopped ---------------------------------------------------------------------


def stopping(after: int) -> Callable[[Progress], bool]:
    count = 0

    def watch(progress: Progress) -> bool:
        nonlocal count
        count += progress.frame is not None
        return count < after

    return watch


@pytest.mark.parametrize(("after", "kept"), [(1, 0), (8, 0), (9, 1), (20, 2), (40, 4)])
def test_a_film_that_was_stopped_goes_on_to_the_same_frames(
    clip: Path, whole: Path, tmp_path: Path, after: int, kept: int
) -> None:
    spec = asked(clip, tmp_path / "out.mp4")
    stopped = run_film(spec, stopping(after))
    assert stopped.path is None
    assert stopped.folder == tmp_path / "out.film"
    assert not spec.out.exists()
    outcome = run_film(replace(spec, resume=True))
    assert outcome.kept == kept
    assert outcome.path is not None
    assert same(outcome.path, whole)


def test_a_chunk_that_is_done_is_not_painted_again(clip: Path, tmp_path: Path) -> None:
    spec = asked(clip, tmp_path / "out.mp4")
    run_film(spec, stopping(30))
    painted: list[int] = []

    def watch(progress: Progress) -> bool:
        painted.extend([] if progress.frame is None else [progress.frame.index])
        return True

    run_film(replace(spec, resume=True), watch)
    assert min(painted) > 9


def test_a_damaged_chunk_is_painted_again(clip: Path, whole: Path, tmp_path: Path) -> None:
    spec = asked(clip, tmp_path / "out.mp4")
    run_film(spec, stopping(30))
    segment = tmp_path / "out.film" / "00000" / "body.mov"
    segment.write_bytes(segment.read_bytes()[:-100])
    run_film(replace(spec, resume=True))
    assert same(spec.out, whole)


def test_a_film_is_not_begun_over_one_that_is_half_done(clip: Path, tmp_path: Path) -> None:
    spec = asked(clip, tmp_path / "out.mp4")
    run_film(spec, stopping(20))
    with pytest.raises(ResumeError, match="resume=True continues it"):
        run_film(spec)
    assert run_film(replace(spec, force=True)).kept == 0


def test_another_film_is_not_continued(clip: Path, tmp_path: Path) -> None:
    spec = asked(clip, tmp_path / "out.mp4")
    run_film(spec, stopping(20))
    assert spec.config is not None
    stronger = replace(spec, config=replace(spec.config, strength=0.9), resume=True)
    with pytest.raises(ResumeError, match=r"strength was 0.5 and is 0.9"):
        run_film(stronger)
    with pytest.raises(ResumeError, match=r"quality was 80 and is 20"):
        run_film(replace(spec, settings=replace(CHUNKS, quality=20), resume=True))
    other = replace(spec, sources=Sources(None, (StyleSpec("tahiti"),)), resume=True)
    with pytest.raises(ResumeError, match="its style was different"):
        run_film(other)


@pytest.mark.parametrize("text", ['{"recipe": {}, "shots": []}', '{"recipe": 1, "shots": 2}', "["])
def test_a_damaged_record_is_said(clip: Path, tmp_path: Path, text: str) -> None:
    spec = asked(clip, tmp_path / "out.mp4")
    run_film(spec, stopping(9))
    (tmp_path / "out.film" / "film.json").write_text(text)
    with pytest.raises(ResumeError, match=r"force=True( without resume=True)? begins again"):
        run_film(replace(spec, resume=True))


def test_a_disc_that_is_full_keeps_what_is_painted(
    clip: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, count = asked(clip, tmp_path / "out.mp4"), 0

    def full(*arguments: Any) -> Any:
        nonlocal count
        count += 1
        if count == 5:
            raise PictureError("no space left")
        return write_segment(*arguments)

    monkeypatch.setattr("impasto.film.chunk_painting.write_segment", full)
    with pytest.raises(PictureError) as caught:
        run_film(spec)
    assert "resume=True goes on" in " ".join(caught.value.__notes__)
    assert run_film(replace(spec, resume=True)).kept == 1
    assert same(spec.out, whole)


def test_nothing_is_left_of_a_film_that_failed_at_once(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OptionError("nothing can be painted")

    monkeypatch.setattr(painting_here, "painter_of", broken)
    with pytest.raises(OptionError, match="nothing can be painted"):
        run_film(asked(clip, tmp_path / "out.mp4"))
    assert not list(tmp_path.iterdir())


KILLED = """
import sys, time
from pathlib import Path
from test_film_run import CHUNKS, Trailing, asked
from impasto.film import painting_here
from impasto.film.run_film import run_film
from dataclasses import replace

class Slow(Trailing):
    def paint(self, frame):
        time.sleep(0.02)
        return super().paint(frame)

painting_here.painter_of = lambda *_: Slow()
print("begun", flush=True)
run_film(replace(asked(Path(sys.argv[1]), Path(sys.argv[2])), resume=True))
"""


def test_a_film_outlives_kills_at_any_moment(clip: Path, whole: Path, tmp_path: Path) -> None:
    out, moments = tmp_path / "out.mp4", random.Random(3)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "tests"), str(ROOT), *sys.path])}
    for _ in range(3):
        command = [sys.executable, "-c", KILLED, str(clip), str(out)]
        process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(moments.uniform(0.1, 0.6))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    if not out.exists():
        run_film(replace(asked(clip, out), resume=True))
    assert same(out, whole)


# ---- a trial ------------------------------------------------------------------------------------


def test_a_trial_shows_three_frames_and_what_the_film_takes(clip: Path, tmp_path: Path) -> None:
    trial = try_film(asked(clip, tmp_path / "out.mp4"))
    assert trial.sheet == tmp_path / "out-try.jpg"
    assert [path.name for path in tmp_path.iterdir()] == ["out-try.jpg"]
    with Image.open(trial.sheet) as sheet:
        thirds = np.split(np.asarray(sheet.resize((90, 60)), int), 3, axis=1)
        assert all(third.std() > 30 for third in thirds)
    assert trial.frames == FRAMES
    assert trial.seconds > 0
    assert trial.room > 10_000
    assert "30 frames of 96×64 pixels" in trial.in_words()


# ---- what cannot be painted ---------------------------------------------------------------------


def test_a_part_without_frames_is_refused(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="There is no frame from 0:40"):
        run_film(asked(clip, tmp_path / "out.mp4", replace(CHUNKS, start=40.0)))


def test_an_existing_film_is_not_replaced(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "out.mp4").write_bytes(b"mine")
    with pytest.raises(ImpastoError, match="exists already"):
        run_film(asked(clip, tmp_path / "out.mp4"))
    assert (tmp_path / "out.mp4").read_bytes() == b"mine"


def test_a_film_that_cannot_be_written_is_refused_at_once(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="suffix"):
        run_film(asked(clip, tmp_path / "out.xyz"))
