"""Films are written in parts and joined: each frame at its time, and all that the source has."""

from __future__ import annotations

import hashlib
import logging
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from filming import FRAMES, HEIGHT, WIDTH, film, scene
from PIL import Image, ImageSequence

from impasto.errors import OptionError, PictureError
from impasto.film.clip import Clip, open_clip
from impasto.film.formats import CODECS, CONTAINERS, film_format
from impasto.film.frame import Frame
from impasto.film.joining import join
from impasto.film.libraries import load_av
from impasto.film.recipes import film_recipe
from impasto.film.segments import read_segment, write_segment
from impasto.image.opening import read_recipe

av = load_av()

CHAPTERS = [
    {"id": 1, "start": 0, "end": 600, "time_base": Fraction(1, 1000), "metadata": {"title": "One"}},
    {
        "id": 2,
        "start": 600,
        "end": 1200,
        "time_base": Fraction(1, 1000),
        "metadata": {"title": "2"},
    },
]


def joined(
    clip: Clip,
    out: Path,
    start: int = 0,
    stop: int | None = None,
    *,
    cuts: tuple[int, ...] = (7, 19),
    recipe: str | None = None,
    size: int | None = None,
    **options: Any,
) -> Clip:
    """Copy a part of a clip by segments, and open it."""
    form = film_format(out, has_alpha=clip.info.has_alpha, **options)
    stop = clip.info.frames if stop is None else stop
    bounds = [start, *(cut for cut in cuts if start < cut < stop), stop]
    parts = []
    for i in range(len(bounds) - 1):
        path = clip.path.parent / f"part-{i}.mov"
        frames = clip.frames(bounds[i], bounds[i + 1], size=size)
        parts.append(write_segment(path, frames, clip.info, form).path)
    join(parts, clip, out, form, start, stop, recipe)
    rate = clip.info.rate if "%" in out.name else None
    return open_clip(out, rate)


def sound(path: Path) -> list[str]:
    with av.open(str(path)) as container:
        packets = container.demux(container.streams.audio[0])
        return [hashlib.md5(bytes(packet)).hexdigest() for packet in packets if packet.size]


def error(one: Clip, other: Clip, start: int = 0) -> float:
    """The largest mean difference of two clips' frames, in levels of 8 bits."""
    pairs = zip(one.frames(), other.frames(start, start + one.info.frames), strict=True)
    return max(float((a.pixels - b.pixels).abs().mean()) for a, b in pairs) * 255


@pytest.fixture
def clip(tmp_path: Path) -> Clip:
    return open_clip(film(tmp_path / "source.mkv", sound="aac", pixels="yuv444p"))


ALL = [(suffix, codec) for suffix, row in CONTAINERS.items() for codec in row.codecs or (None,)]


@pytest.mark.parametrize(("suffix", "codec"), ALL)
def test_every_format_holds_the_same_frames_at_the_same_times(
    suffix: str, codec: str | None, clip: Clip, tmp_path: Path
) -> None:
    made = joined(clip, tmp_path / f"out{suffix}", codec=codec, quality=95)
    assert made.info.frames == FRAMES
    shown = [frame.seconds for frame in made.frames()]
    assert shown == pytest.approx([frame.seconds for frame in clip.frames()], abs=1e-6)
    assert made.info.seconds == pytest.approx(1.2, abs=0.001)
    assert error(made, clip) < (12 if suffix == ".gif" else 6)
    assert made.info.has_sound == (CONTAINERS[suffix].kind == "film")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_sound_is_copied_packet_by_packet(suffix: str, clip: Clip, tmp_path: Path) -> None:
    out = tmp_path / f"out{suffix}"
    joined(clip, out)
    assert sound(out) == sound(clip.path)


def test_sound_is_cut_with_the_pictures_and_stays_in_step(clip: Clip, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    made = joined(clip, out, 10, 20)
    assert made.info.frames == 10
    whole, part = sound(clip.path), sound(out)
    first = whole.index(part[0])
    assert part == whole[first : first + len(part)]
    with av.open(str(clip.path)) as source, av.open(str(out)) as cut:
        stream = source.streams.audio[0]
        before = [float(p.pts * p.time_base) for p in source.demux(stream) if p.size]
        after = [float(p.pts * p.time_base) for p in cut.demux(cut.streams.audio[0]) if p.size]
    assert before[first] - after[0] == pytest.approx(0.4, abs=0.002)
    assert after[-1] < 0.4


def test_sound_that_a_container_refuses_is_encoded_anew(
    clip: Clip, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = tmp_path / "out.webm"
    with caplog.at_level(logging.WARNING, "impasto"):
        joined(clip, out)
    assert "encoded anew" in caplog.text
    with av.open(str(out)) as container:
        stream = container.streams.audio[0]
        assert stream.codec_context.name == "opus"
        samples = [f.to_ndarray() for f in container.decode(stream)]
    wave = np.concatenate(samples, axis=1)[0, 4800:43200]
    spectrum = np.abs(np.fft.rfft(wave))
    assert np.argmax(spectrum) * 48000 / len(wave) == pytest.approx(440, abs=3)


@pytest.mark.parametrize("late", [False, True])
def test_times_of_a_variable_rate_survive_joints(late: bool, tmp_path: Path) -> None:
    """An encoder's decode times end with its segment: at a joint of two rates they would jump."""
    gaps = [1, 1, 1, 1, 9, 9, 9, 1, 1, 1, 30, 1, 1, 1, 1, 1, 1, 9, 1, 1, 1]
    times = [sum(gaps[:i]) + (50 if late else 0) for i in range(21)]
    clip = open_clip(
        film(tmp_path / "a.mp4", frames=21, times=times, time_base=Fraction(1, 90), sound="aac")
    )
    for name in ("out.mp4", "out.mkv", "hevc.mp4"):
        codec = "hevc" if name == "hevc.mp4" else None
        made = joined(clip, tmp_path / name, cuts=(4, 7, 10, 12), codec=codec)
        expected = [(t - times[0]) / 90 for t in times]
        assert [f.seconds for f in made.frames()] == pytest.approx(expected, abs=6e-4)
        with av.open(str(tmp_path / name)) as container:
            packets = [p for p in container.demux(video=0) if p.size]
            decoded = [p.dts for p in packets if p.dts is not None]
        assert decoded == sorted(set(decoded))
        assert all(p.dts is None or p.dts <= p.pts for p in packets)
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.video[0]
        assert float(stream.duration * stream.time_base) == pytest.approx(
            clip.info.seconds, abs=0.001
        )


def test_a_segment_begins_anew_and_is_the_same_bytes_each_time(clip: Clip, tmp_path: Path) -> None:
    for name, codec in CODECS.items():
        out = {"prores": "a.mov", "ffv1": "a.mkv", "vp9": "a.webm"}.get(name, "a.mp4")
        form = film_format(out, codec=name)
        files = [tmp_path / f"{name}-{i}.mov" for i in range(2)]
        for file in files:
            made = write_segment(file, clip.frames(5, 17), clip.info, form)
        assert files[0].read_bytes() == files[1].read_bytes(), name
        assert made == replace(read_segment(files[0]), path=files[1])
        assert made.times == clip.times[5:17]
        assert made.encoder == codec.encoder
        with av.open(str(files[0])) as container:
            packets = [p for p in container.demux(video=0) if p.size]
        assert packets[0].is_keyframe
        # Nothing is shown before the first: no frame needs one of the segment before.
        assert packets[0].pts == min(p.pts for p in packets)


def test_what_is_painted_is_not_darkened_each_time_it_is_written(tmp_path: Path) -> None:
    """Written and read five times, greys stay within a level."""
    ramp = torch.linspace(0, 1, WIDTH).expand(1, 3, HEIGHT, WIDTH)
    for bits in (8, 10):
        clip = open_clip(film(tmp_path / "a.mkv", "ffv1", pixels="bgr0", frames=2))
        frame = Frame(0, 0, 0.0, ramp)
        form = film_format("a.mp4", codec="hevc", quality=100, bits=bits)
        for i in range(5):
            path = tmp_path / f"{bits}-{i}.mov"
            write_segment(path, [frame, replace(frame, pts=40)], clip.info, form)
            frame = replace(next(open_clip(path).frames()), pts=0)
        difference = (frame.pixels - ramp) * 255
        assert difference.mean().abs() < 0.25
        assert difference.abs().max() < 3


@pytest.mark.parametrize("suffix", [".webm", ".mkv", ".mov", ".gif", ".webp"])
def test_coverage_is_written(suffix: str, tmp_path: Path) -> None:
    pictures = []
    for i in range(6):
        picture = np.dstack([scene(i), np.full((HEIGHT, WIDTH), 255, np.uint8)])
        picture[30:50, 10 : 20 + 4 * i, 3] = 0
        pictures.append(picture)
    images = [Image.fromarray(picture) for picture in pictures]
    source = tmp_path / "source.webp"
    images[0].save(source, save_all=True, append_images=images[1:], duration=40, lossless=True)
    made = joined(open_clip(source), tmp_path / f"out{suffix}", cuts=(3,))
    assert made.info.has_alpha
    for frame, picture in zip(made.frames(), pictures, strict=True):
        assert frame.alpha is not None
        wanted = torch.from_numpy(picture[..., 3] / 255).float()
        assert (frame.alpha[0, 0] - wanted).abs().mean() < 0.02


def test_without_room_for_coverage_what_is_transparent_is_white(tmp_path: Path) -> None:
    picture = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    picture[:, : WIDTH // 2, 3] = 255
    image = Image.fromarray(picture)
    other = Image.fromarray(np.roll(picture, 2, 1))
    source = tmp_path / "source.png"
    image.save(source, save_all=True, append_images=[other], duration=40)
    made = joined(open_clip(source), tmp_path / "out.mp4", cuts=())
    pixels = next(made.frames()).pixels
    assert pixels[..., :40].max() < 0.1
    assert pixels[..., 56:].min() > 0.9


def test_odd_sides_are_kept_where_they_can_be_and_else_made_even(tmp_path: Path) -> None:
    clip = open_clip(film(tmp_path / "a.mkv", "ffv1", pixels="bgr0", size=(65, 49), frames=4))
    even = joined(clip, tmp_path / "out.mp4", cuts=())
    assert (even.info.width, even.info.height) == (66, 50)
    last = next(even.frames()).pixels
    assert (last[..., -1] - last[..., -2]).abs().mean() < 0.03
    for name in ("out.gif", "out.webp", "lossless.mkv"):
        codec = "ffv1" if name == "lossless.mkv" else None
        odd = joined(clip, tmp_path / name, cuts=(), codec=codec)
        assert (odd.info.width, odd.info.height) == (65, 49)


def test_ten_bits_are_written(tmp_path: Path) -> None:
    ramp = np.zeros((HEIGHT, WIDTH, 3), np.uint16)
    ramp[:] = np.linspace(20000, 23000, WIDTH)[None, :, None]
    path = film(
        tmp_path / "a.mkv", "ffv1", pixels="yuv444p10le", frames=3, pictures=[ramp] * 3,
        tags=(1, 1, 1, 1),
    )  # fmt: skip
    clip = open_clip(path)
    for name, codec, bits in (
        ("a.mp4", "hevc", 10),
        ("b.mp4", "h264", 10),
        ("c.mov", "prores", None),
        ("d.mkv", "ffv1", 10),
        ("e.webm", "av1", 10),
    ):
        made = joined(clip, tmp_path / name, cuts=(), codec=codec, bits=bits, quality=100)
        assert made.info.bits >= 10
        assert len(set(next(made.frames()).pixels[0, 0, 5].tolist())) > 24  # 12 levels of 8 bits
        assert error(made, clip) < 0.5


def test_a_film_is_tagged_as_what_it_is(clip: Clip, tmp_path: Path) -> None:
    joined(clip, tmp_path / "out.mp4", codec="hevc")
    with av.open(str(tmp_path / "out.mp4")) as container:
        frame = next(container.decode(video=0))
        assert container.streams.video[0].codec_context.codec_tag == "hvc1"
    assert (frame.colorspace, frame.color_range) == (1, 1)
    assert (frame.color_primaries, frame.color_trc) == (1, 1)


def test_an_index_stands_before_the_pictures(clip: Clip, tmp_path: Path) -> None:
    joined(clip, tmp_path / "out.mp4")
    data = (tmp_path / "out.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.fixture
def rich(tmp_path: Path) -> Clip:
    path = film(
        tmp_path / "rich.mkv", sound="aac", subtitles="ass", chapters=CHAPTERS,
        words={"title": "A ride", "comment": "By me"},
    )  # fmt: skip
    return open_clip(path)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov", ".webm"])
def test_subtitles_chapters_and_words_go_along(suffix: str, rich: Clip, tmp_path: Path) -> None:
    out = tmp_path / f"out{suffix}"
    joined(rich, out, recipe='{"method": "instant"}')
    with av.open(str(out)) as container:
        words = {key.lower(): value for key, value in container.metadata.items()}
        assert words["title"] == "A ride"
        assert words["comment"] == '{"method": "instant"}'
        found = container.chapters()
        assert [chapter["metadata"]["title"] for chapter in found] == ["One", "2"]
        ends = [float(chapter["end"] * chapter["time_base"]) for chapter in found]
        assert ends == pytest.approx([0.6, 1.2], abs=0.002)
        stream = container.streams.subtitles[0]
        packets = [p for p in container.demux(stream) if p.size and b"Title" in bytes(p)]
        shown = [float(p.pts * p.time_base) for p in packets]
        assert shown == pytest.approx([0.2, 0.8], abs=0.002)
        assert b"Title 1" in bytes(packets[1])


def test_subtitles_and_chapters_are_cut_with_the_pictures(rich: Clip, tmp_path: Path) -> None:
    joined(rich, tmp_path / "out.mkv", 10, 25)  # 0.4 to 1.0 seconds
    with av.open(str(tmp_path / "out.mkv")) as container:
        chapters = [
            (float(c["start"] * c["time_base"]), float(c["end"] * c["time_base"]))
            for c in container.chapters()
        ]
        assert chapters == [pytest.approx((0, 0.2)), pytest.approx((0.2, 0.6))]
        packets = [p for p in container.demux(container.streams.subtitles[0]) if p.size]
    assert [float(p.pts * p.time_base) for p in packets] == pytest.approx([0.4])


def test_a_recipe_is_kept_by_all_that_can(clip: Clip, tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mov", "a.mkv", "a.webm"):
        joined(clip, tmp_path / name, recipe='{"a": "é"}')
        assert film_recipe(tmp_path / name) == '{"a": "é"}'
    for name in ("a.webp", "out/%03d.png"):
        joined(clip, tmp_path / name, recipe='{"a": "é"}')
        assert read_recipe(Path(str(tmp_path / name).replace("%03d", "004"))) == '{"a": "é"}'
    assert film_recipe(clip.path) is None


def test_frames_keep_the_numbers_of_what_they_were_painted_after(tmp_path: Path) -> None:
    for i in range(90, 96):
        Image.fromarray(scene(i - 90)).save(tmp_path / f"in-{i}.png")
    clip = open_clip(tmp_path / "in-%d.png", rate=24)
    made = joined(clip, tmp_path / "out" / "frame-%04d.png", 2, 5, cuts=(), bits=16)
    names = sorted(path.name for path in (tmp_path / "out").glob("frame-*"))
    assert names == ["frame-0092.png", "frame-0093.png", "frame-0094.png"]
    assert made.info.bits == 16
    assert error(made, clip, 2) < 0.01
    film_of_them = joined(clip, tmp_path / "out.mp4", cuts=())
    assert film_of_them.info.rate == 24


def test_frames_that_were_passed_over_leave_their_time_to_the_one_before(
    clip: Clip, tmp_path: Path
) -> None:
    form = film_format(tmp_path / "out.mp4")
    frames = [frame for frame in clip.frames() if frame.index not in (4, 12)]
    parts = [
        write_segment(tmp_path / "0.mov", frames[:9], clip.info, form).path,
        write_segment(tmp_path / "1.mov", frames[9:], clip.info, form).path,
    ]
    join(parts, clip, tmp_path / "out.mp4", form)
    made = open_clip(tmp_path / "out.mp4")
    assert [f.seconds for f in made.frames()] == pytest.approx([f.seconds for f in frames])


def test_a_gif_has_no_frame_shorter_than_browsers_show(tmp_path: Path) -> None:
    clip = open_clip(film(tmp_path / "a.mkv", frames=30, rate=120))
    joined(clip, tmp_path / "out.gif", cuts=(10,))
    with Image.open(tmp_path / "out.gif") as image:
        frames = list(ImageSequence.all_frames(image))
        assert len(frames) == 13  # 50 a second at most
        for frame in frames:
            assert frame.info["duration"] >= 20
        assert image.info["loop"] == 0


def test_segments_that_do_not_belong_together_are_refused(clip: Clip, tmp_path: Path) -> None:
    form, out = film_format("a.mp4"), tmp_path / "out.mp4"
    one = write_segment(tmp_path / "0.mov", clip.frames(0, 5), clip.info, form).path
    small = write_segment(tmp_path / "1.mov", clip.frames(5, 9, size=48), clip.info, form).path
    other = write_segment(
        tmp_path / "2.mov", clip.frames(5, 9), clip.info, film_format("a.mp4", codec="hevc")
    ).path
    (tmp_path / "3.mov").write_bytes(b"no film")
    for parts, words in [
        ([one, small], "at another size or for another codec"),
        ([one, other], "at another size or for another codec"),
        ([one, one], "overlap or are out of order"),
        ([], "nothing to join"),
        ([one, clip.path], "is no segment"),
        ([one, tmp_path / "3.mov"], "damaged or cut short"),
        ([one, tmp_path / "4.mov"], "There is no file"),
    ]:
        with pytest.raises(PictureError, match=words):
            join(parts, clip, out, form, 0, 9)
    assert not out.exists()
    with pytest.raises(PictureError, match="no frames for it"):
        write_segment(tmp_path / "5.mov", [], clip.info, form)
    frames = [*clip.frames(0, 1), *clip.frames(1, 2, size=48)]
    with pytest.raises(PictureError, match="measures 48×32 and those before it 96×64"):
        write_segment(tmp_path / "5.mov", frames, clip.info, form)
    assert not (tmp_path / "5.mov").exists()


@contextmanager
def full_disc(space: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (space, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "out.gif", "out.webp", "out-%02d.png"])
def test_without_space_one_message_and_nothing_is_left(
    name: str, clip: Clip, tmp_path: Path
) -> None:
    out = tmp_path / "there" / name
    out.parent.mkdir()
    form = film_format(out, quality=100)
    noise = torch.rand(1, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(0))
    frames = [replace(frame, pixels=noise.roll(frame.index, 3)) for frame in clip.frames()]
    part = write_segment(tmp_path / "0.mov", frames, clip.info, form).path
    with full_disc(4000), pytest.raises(PictureError, match="no space left"):
        join([part], clip, out, form)
    with full_disc(4000), pytest.raises(PictureError, match="no space left"):
        write_segment(out.parent / "1.mov", frames, clip.info, form)
    assert list(out.parent.iterdir()) == []


def test_a_film_that_cannot_be_written_says_what_can() -> None:
    for name, options, words in [
        ("a.avi", {}, r"'\.avi' is none that films are written in.*\.mp4.*%05d\.png"),
        ("a", {}, "'a' has no suffix"),
        ("a.webm", {"codec": "h264"}, r"H\.264 cannot be written into \.webm.*vp9, av1.*\.mp4"),
        ("a.mp4", {"codec": "h265"}, "codec h265 is none.*hevc"),
        ("a.mp4", {"bits": 12}, r"bits.12.*H\.264 is written with 8 or 10"),
        ("a.webm", {"bits": 10, "has_alpha": True}, "VP9 with transparency is written with 8"),
        ("a.mp4", {"quality": 0}, "quality of 0"),
        ("a.gif", {"codec": "h264"}, "codec=.h264. is for films"),
        ("%d.jpg", {"bits": 16}, "8 bits"),
        ("%d.xyz", {}, "cannot be written: give them one of the suffixes"),
    ]:
        with pytest.raises(OptionError, match=f"(?s){words}"):
            film_format(name, **options)  # type: ignore[arg-type]


def test_a_higher_quality_is_a_larger_file(clip: Clip, tmp_path: Path) -> None:
    for name, codec in CODECS.items():
        if codec.has_quality:
            out = "a.mkv"
            sizes = []
            for quality in (20, 60, 100):
                form = film_format(out, codec=name, quality=quality)
                path = write_segment(tmp_path / "0.mov", clip.frames(0, 6), clip.info, form).path
                sizes.append(path.stat().st_size)
            assert sizes == sorted(sizes)
            assert sizes[0] < sizes[2]
