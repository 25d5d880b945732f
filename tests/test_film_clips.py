"""Films are read as they are seen: each frame, in its order, at its time, upright, in sRGB."""

from __future__ import annotations

import logging
import pickle
from fractions import Fraction
from pathlib import Path
from typing import Any

import filming
import numpy as np
import pytest
import torch
from filming import FRAMES, HEIGHT, WIDTH, film, scene
from PIL import Image
from torch import Tensor

from impasto.errors import OptionError, PictureError
from impasto.film.clip import Clip, open_clip
from impasto.film.libraries import load_av

av = load_av()

SILENT = {"x265-params": "log-level=error"}
OPEN_GROUPS = {"x264-params": "open-gop=1:keyint=10:bframes=3:b-adapt=0"}
# Containers that seek by their index, by bytes, by decode times, or not at all.
KINDS = {
    "a.mp4": ("libx264", {}),
    "open.mp4": ("libx264", OPEN_GROUPS),
    "open.ts": ("libx264", OPEN_GROUPS),
    "a.mkv": ("libx264", {}),
    "a.avi": ("libx264", {"bf": "2"}),
    "old.avi": ("mpeg4", {"bf": "2"}),
    "a.flv": ("libx264", {}),
    "a.mpg": ("mpeg2video", {"bf": "2"}),
    "hevc.mp4": ("libx265", SILENT),
    "a.webm": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8"}),
}


def seen(picture: np.ndarray) -> Tensor:
    return torch.from_numpy(picture.astype(np.float32) / 255).permute(2, 0, 1)[None]


def error(one: Tensor, other: Tensor) -> float:
    """The mean difference in levels of 8 bits."""
    return float((one - other).abs().mean()) * 255


@pytest.mark.parametrize("name", KINDS)
def test_frames_are_the_same_from_wherever_they_are_read(name: str, tmp_path: Path) -> None:
    codec, options = KINDS[name]
    clip = open_clip(film(tmp_path / name, codec, options=options))
    frames = list(clip.frames())
    assert [frame.index for frame in frames] == list(range(FRAMES))
    assert [frame.pts for frame in frames] == clip.times == sorted(clip.times)
    for frame in frames:
        near = range(max(frame.index - 1, 0), min(frame.index + 2, FRAMES))
        errors = {i: error(frame.pixels, seen(scene(i))) for i in near}
        assert min(errors, key=lambda i: errors[i]) == frame.index
    for start in (1, 9, 10, 11, 19, 29):
        again = list(clip.frames(start, min(start + 3, FRAMES)))
        assert [frame.index for frame in again] == list(range(start, min(start + 3, FRAMES)))
        assert all(torch.equal(f.pixels, frames[f.index].pixels) for f in again)


def test_a_clip_says_what_it_holds(tmp_path: Path) -> None:
    info = open_clip(film(tmp_path / "a.mp4", sound="aac")).info
    assert (info.width, info.height, info.frames, info.bits) == (WIDTH, HEIGHT, FRAMES, 8)
    assert info.rate == Fraction(25)
    assert info.seconds == pytest.approx(1.2)
    assert (info.has_sound, info.has_alpha, info.transfer) == (True, False, "sdr")
    assert not open_clip(film(tmp_path / "b.mp4")).info.has_sound


def test_times_of_a_variable_rate_are_kept(tmp_path: Path) -> None:
    times = [0, 1, 2, 5, 6, 10, 11, 12, 20, 21]
    path = film(tmp_path / "a.mp4", frames=10, times=times, time_base=Fraction(1, 25))
    clip = open_clip(path)
    assert clip.info.rate is None
    assert [float(f.seconds) for f in clip.frames()] == pytest.approx([t / 25 for t in times])


@pytest.mark.parametrize("rate", [24, 25, Fraction(30000, 1001), Fraction(24000, 1001)])
def test_a_rate_is_found_though_a_container_rounds_times(rate: Fraction, tmp_path: Path) -> None:
    clip = open_clip(film(tmp_path / "a.mkv", rate=rate))  # type: ignore[arg-type]
    assert clip.info.rate == rate


@pytest.mark.parametrize("degrees", [90, 180, -90])
def test_a_turned_film_is_upright(degrees: int, tmp_path: Path) -> None:
    clip = open_clip(film(tmp_path / "a.mp4", rotation=degrees))
    stored = seen(scene(3))
    upright = torch.rot90(stored, (degrees // 90) % 4, (2, 3))
    assert (clip.info.height, clip.info.width) == tuple(upright.shape[-2:])
    frame = next(clip.frames(3))
    assert error(frame.pixels, upright) < 6
    assert error(frame.pixels, torch.rot90(upright, 2, (2, 3))) > 12


def test_odd_sides_and_pixels_that_are_not_square(tmp_path: Path) -> None:
    odd = open_clip(film(tmp_path / "a.mp4", size=(65, 49), pixels="yuv444p"))
    assert next(odd.frames()).pixels.shape[-2:] == (49, 65)
    path = tmp_path / "b.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(3, 2)
        for i in range(4):
            frame = av.VideoFrame.from_ndarray(scene(i), "rgb24")
            frame.pts = i
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    wide = open_clip(path)
    assert (wide.info.width, wide.info.height) == (WIDTH * 3 // 2, HEIGHT)
    assert next(wide.frames()).pixels.shape[-2:] == (HEIGHT, WIDTH * 3 // 2)


def test_ten_bits_give_levels_between_those_of_eight(tmp_path: Path) -> None:
    ramp = np.zeros((HEIGHT, WIDTH, 3), np.uint16)
    ramp[:] = np.linspace(20000, 24000, WIDTH)[None, :, None]
    path = film(
        tmp_path / "a.mkv", "ffv1", pixels="yuv444p10le", frames=2, pictures=[ramp, ramp],
        tags=(1, 1, 1, 1),
    )  # fmt: skip
    clip = open_clip(path)
    assert clip.info.bits == 10
    pixels = next(clip.frames()).pixels
    assert len(set(pixels[0, 0, 0].tolist())) > 40  # 16 levels of 8 bits lie in this ramp
    assert error(pixels, torch.from_numpy(ramp / 65535).float().permute(2, 0, 1)[None]) < 0.6


@pytest.mark.parametrize("pixels", ["yuv444p", "yuv420p", "yuv444p10le", "yuv420p10le", "bgr0"])
@pytest.mark.parametrize("limited", [1, 2])
def test_black_white_and_grey_stay_what_they_are(pixels: str, limited: int, tmp_path: Path) -> None:
    """FFmpeg's quick conversions darken each frame by up to two levels of 255."""
    greys = [np.full((HEIGHT, WIDTH, 3), level, np.uint8) for level in (0, 64, 127, 200, 255)]
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixels
        if pixels != "bgr0":
            stream.codec_context.color_range = limited
        for i, grey in enumerate(greys):
            frame = _grey(int(grey[0, 0, 0]), pixels, limited)
            frame.pts = i
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    for frame, grey in zip(open_clip(path).frames(), greys, strict=True):
        assert frame.pixels.mean().item() * 255 == pytest.approx(grey.mean(), abs=0.75)
        assert frame.pixels.std() < 1e-3


def _grey(level: int, pixels: str, color_range: int) -> Any:
    """A frame whose planes are computed here, by the formulas of BT.709."""
    frame = av.VideoFrame(WIDTH, HEIGHT, pixels)
    bits = frame.format.components[0].bits
    unit = level / 255
    if pixels == "bgr0":
        values = [level, level, level]
    else:
        luma = (16 + 219 * unit) * 2 ** (bits - 8) if color_range == 1 else unit * (2**bits - 1)
        values = [round(luma), 2 ** (bits - 1), 2 ** (bits - 1)]
        frame.color_range, frame.colorspace = color_range, 1
    for plane, value in zip(frame.planes, values, strict=False):
        kind = np.uint8 if bits == 8 else np.dtype("<u2")
        size = plane.buffer_size // np.dtype(kind).itemsize
        plane.update(np.full(size, value, kind).tobytes())
    return frame


@pytest.mark.parametrize(("lines", "matrix"), [(64, 6), (720, 1)])
def test_a_film_without_tags_has_the_colours_of_its_size(
    lines: int, matrix: int, tmp_path: Path
) -> None:
    """BT.601 below 720 lines, and BT.709 from there on, as players take it."""
    green = np.zeros((lines, 2 * lines, 3), np.uint8)
    green[..., 1] = 200
    made = av.VideoFrame.from_ndarray(green, "rgb24").reformat(
        format="yuv444p", dst_colorspace={6: "ITU601", 1: "ITU709"}[matrix], dst_color_range="MPEG"
    )
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 2 * lines, lines, "yuv444p"
        for i in range(2):
            made.colorspace, made.pts = 2, i
            out.mux(stream.encode(made))
        out.mux(stream.encode(None))
    pixels = next(open_clip(path).frames()).pixels
    assert torch.tensor([0, 200, 0]).sub(pixels.mean((0, 2, 3)) * 255).abs().max() < 3


@pytest.mark.parametrize(("transfer", "name"), [(16, "pq"), (18, "hlg")])
def test_a_high_range_is_mapped_alike_in_all_frames(
    transfer: int, name: str, tmp_path: Path
) -> None:
    """One peak for the film: a frame with a bright spot must not darken, which would pump."""
    calm = np.full((HEIGHT, WIDTH, 3), 28000, np.uint16)
    bright = calm.copy()
    bright[:20, :40] = 60000
    path = film(
        tmp_path / "a.mkv", "ffv1", pixels="yuv444p10le", frames=6,
        pictures=[calm, bright, calm, bright, calm, calm], tags=(9, 1, transfer, 9),
    )  # fmt: skip
    clip = open_clip(path)
    assert clip.info.transfer == name
    levels = [frame.pixels[0, 0, 40:, 60:].mean().item() for frame in clip.frames()]
    assert max(levels) - min(levels) < 1e-4
    assert 0.1 < levels[0] < 0.9
    assert next(clip.frames(3)).pixels[0, 0, 40:, 60:].mean().item() == pytest.approx(levels[3])


def test_fields_are_joined(tmp_path: Path) -> None:
    pictures = []
    for i in range(8):
        picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        picture[::2, i * 8 : i * 8 + 24] = 255  # the first field
        picture[1::2, i * 8 + 4 : i * 8 + 28] = 255  # the second, half a frame later
        pictures.append(picture)
    options = {"x264-params": "tff=1:bframes=0", "flags": "+ildct", "crf": "5"}
    path = film(
        tmp_path / "a.mp4", pixels="yuv444p", frames=8, pictures=pictures, options=options, gop=3
    )
    clip = open_clip(path)
    assert clip.info.is_interlaced
    frames = list(clip.frames())
    assert len(frames) == 8
    assert [frame.pts for frame in frames] == clip.times
    for frame, picture in list(zip(frames, pictures, strict=True))[1:-1]:
        rows = frame.pixels[0, 0, 20:40]
        combed = seen(picture)[0, 0, 20:40]
        assert (rows[1:] - rows[:-1]).abs().mean() < 0.3 * (combed[1:] - combed[:-1]).abs().mean()
    for start in (3, 4, 5):
        assert torch.equal(next(clip.frames(start)).pixels, frames[start].pixels)


def covered(i: int) -> np.ndarray:
    picture = np.dstack([scene(i), np.full((HEIGHT, WIDTH), 255, np.uint8)])
    picture[30:50, 10 : 20 + i, 3] = 0
    return picture


@pytest.mark.parametrize("name", ["a.webm", "a.mov", "a.png", "a.webp", "a.gif"])
def test_coverage_is_read(name: str, tmp_path: Path) -> None:
    path, pictures = tmp_path / name, [covered(i) for i in range(6)]
    if name == "a.webm":
        film(path, "libvpx-vp9", pixels="yuva420p", frames=6, pictures=pictures)
    elif name == "a.mov":
        options = {"profile": "4444"}
        film(path, "prores_ks", pixels="yuva444p10le", frames=6, pictures=pictures, options=options)
    else:
        images = [Image.fromarray(picture) for picture in pictures]
        more: dict[str, Any] = {"lossless": True} if name == "a.webp" else {}
        images[0].save(
            path, save_all=True, append_images=images[1:], duration=40, disposal=2, **more
        )
    clip = open_clip(path)
    assert clip.info.has_alpha
    assert clip.info.frames == 6
    for frame, picture in zip(clip.frames(), pictures, strict=True):
        assert frame.alpha is not None
        expected = torch.from_numpy(picture[..., 3] / 255).float()
        assert error(frame.alpha[0, 0], expected) < 4
    last, again = list(clip.frames())[5].alpha, next(clip.frames(5)).alpha
    assert last is not None
    assert again is not None
    assert torch.equal(last, again)


def test_opaque_animations_have_no_coverage(tmp_path: Path) -> None:
    images = [Image.fromarray(scene(i)) for i in range(4)]
    for name in ("a.gif", "a.webp", "a.png", "a.avif"):
        path = tmp_path / name
        images[0].save(path, save_all=True, append_images=images[1:], duration=[40, 80, 120, 500])
        clip = open_clip(path)
        assert not clip.info.has_alpha
        assert [round(f.seconds * 1000) for f in clip.frames()] == [0, 40, 120, 240]
        assert clip.info.seconds == pytest.approx(0.74)


def test_frames_are_resized_by_area(tmp_path: Path) -> None:
    stripes = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    stripes[:, ::2] = 255
    clip = open_clip(
        film(tmp_path / "a.mkv", "ffv1", pixels="bgr0", pictures=[stripes] * 2, frames=2)
    )
    small = next(clip.frames(size=WIDTH // 2)).pixels
    assert small.shape[-2:] == (HEIGHT // 2, WIDTH // 2) == clip.sides(WIDTH // 2)
    assert (small - 0.5).abs().max() < 0.01
    assert max(next(clip.frames(size=200)).pixels.shape[-2:]) == 200


def test_what_is_transparent_does_not_bleed_when_resized(tmp_path: Path) -> None:
    picture = np.zeros((64, 64, 4), np.uint8)
    picture[..., 0] = 255  # red, which nobody sees
    picture[:, 33:] = (0, 0, 255, 255)
    other = picture.copy()
    other[50:, 40:] = (0, 255, 255, 255)
    Image.fromarray(picture).save(
        tmp_path / "a.png", save_all=True, append_images=[Image.fromarray(other)],
        duration=40,
    )  # fmt: skip
    frame = next(open_clip(tmp_path / "a.png").frames(size=32))
    assert frame.alpha is not None
    seen_ones = frame.alpha[0, 0] > 0.1
    assert frame.pixels[0, 0][seen_ones].max() < 0.02


def test_a_row_of_pictures_is_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    for i in range(8, 13):  # 8, 9, 10: by name 10 comes first
        Image.fromarray(scene(i)).save(tmp_path / f"frame-{i}.png")
    (tmp_path / ".hidden-99.png").write_bytes(b"")
    (tmp_path / "notes-3.txt").write_text("no picture")
    for path in (tmp_path, tmp_path / "frame-%d.png"):
        clip = open_clip(path, rate=24)
        assert (clip.info.frames, clip.info.first_number) == (5, 8)
        assert clip.info.rate == Fraction(24)
        for frame, i in zip(clip.frames(), range(8, 13), strict=True):
            assert error(frame.pixels, seen(scene(i))) < 0.01
            assert frame.seconds == pytest.approx((i - 8) / 24)


def test_a_clip_is_sent_to_another_process(tmp_path: Path) -> None:
    clip = open_clip(film(tmp_path / "a.mp4"))
    copy: Clip = pickle.loads(pickle.dumps(clip))
    assert torch.equal(next(copy.frames(7)).pixels, next(clip.frames(7)).pixels)


def test_memory_holds_one_frame(tmp_path: Path) -> None:
    """A frame is decoded when it is asked for, and no earlier but for what a decoder needs."""
    clip = open_clip(film(tmp_path / "a.mov", "prores_ks", pixels="yuv422p10le"))
    taken = []
    rest = clip.source.levels(0)
    for index, _ in rest:
        taken.append(index)
        if index == 2:
            break
    assert taken == [0, 1, 2]
    rest.close()  # type: ignore[attr-defined]


def damage(path: Path, packet: int) -> None:
    with av.open(str(path)) as container:
        found = [p for p in container.demux(video=0) if p.size][packet]
        place, size = found.pos, found.size
    data = bytearray(path.read_bytes())
    data[place : place + size] = b"\xff" * size
    path.write_bytes(data)


def test_a_frame_that_does_not_decode_is_passed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = film(tmp_path / "a.mov", "prores_ks", pixels="yuv422p10le")
    damage(path, 12)
    clip = open_clip(path)
    with caplog.at_level(logging.WARNING, "impasto"):
        for _ in range(2):
            assert [f.index for f in clip.frames()] == [*range(12), *range(13, FRAMES)]
    assert clip.damaged == 1
    assert caplog.text.count("frame 12 cannot be decoded") == 1


def test_a_picture_that_does_not_decode_is_passed_over(tmp_path: Path) -> None:
    for i in range(4):
        Image.fromarray(scene(i)).save(tmp_path / f"{i}.png")
    (tmp_path / "2.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    clip = open_clip(tmp_path, rate=10)
    assert [f.index for f in clip.frames()] == [0, 1, 3]
    assert clip.damaged == 1


def test_a_film_that_is_cut_is_read_to_where_it_ends(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = film(tmp_path / "a.mkv", frames=60)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 4 // 10])
    with caplog.at_level(logging.WARNING, "impasto"):
        clip = open_clip(path)
    assert 1 < clip.info.frames < 40
    assert "cut short" in caplog.text
    assert len(list(clip.frames())) + clip.damaged == clip.info.frames


def test_a_bare_stream_is_read_at_a_rate_that_is_given(tmp_path: Path) -> None:
    path = film(tmp_path / "a.h264", muxer="h264")
    clip = open_clip(path, rate=30)
    assert clip.info.rate == 30
    assert [round(f.seconds * 30) for f in clip.frames(5, 9)] == [5, 6, 7, 8]
    with pytest.raises(OptionError, match="has no frame rate: give it"):
        open_clip(path)


def _write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_wrong_inputs_give_one_message_each(tmp_path: Path) -> None:
    Image.fromarray(scene(0)).save(tmp_path / "one.png")
    (tmp_path / "empty").mkdir()
    gap = tmp_path / "gap"
    gap.mkdir()
    for i in (1, 2, 5):
        Image.fromarray(scene(i)).save(gap / f"{i:03}.png")
    sound = tmp_path / "a.m4a"
    with av.open(str(sound), "w", format="mp4") as out:
        filming._hum(out, out.add_stream("aac", rate=48000), 0.5)
    cut = film(tmp_path / "cut.mp4")
    cut.write_bytes(cut.read_bytes()[:1000])
    one = film(tmp_path / "one.mp4", frames=1)
    film_frames = tmp_path / "frames"
    film_frames.mkdir()
    for i in range(2):
        Image.fromarray(scene(i)).save(film_frames / f"{i}.png")
    for path, error, words in [
        (tmp_path / "none.mp4", PictureError, "There is no file"),
        (_write(tmp_path / "text.mp4", b"no film\n" * 99), PictureError, "is no film that FFmpeg"),
        (_write(tmp_path / "zero.mp4", b""), PictureError, "is no film that FFmpeg"),
        (cut, PictureError, "damaged or cut short"),
        (sound, PictureError, "holds no moving pictures"),
        (one, PictureError, "one frame only.*impasto stylize"),
        (tmp_path / "one.png", PictureError, "one frame only.*impasto stylize"),
        (tmp_path / "empty", PictureError, "holds no picture with a number"),
        (tmp_path / "no" / "%03d.png", PictureError, "There is no folder"),
        (tmp_path / "empty" / "%03d.png", PictureError, "holds no picture of this pattern"),
        (gap, PictureError, "frames 3 to 4 are missing between 002.png and 005.png"),
    ]:
        with pytest.raises(error, match=f"(?s){words}"):
            open_clip(path, rate=24 if "%" in path.name or path.is_dir() else None)
    with pytest.raises(OptionError, match="has no frame rate"):
        open_clip(film_frames / "%d.png")
    with pytest.raises(OptionError, match="leave out"):
        open_clip(film(tmp_path / "a.mp4"), rate=24)
    with pytest.raises(OptionError, match="not possible"):
        open_clip(gap, rate=-1)
    with pytest.raises(OptionError, match="frames 0 to 29"):
        next(open_clip(tmp_path / "a.mp4").frames(5, 40))


def test_frames_of_different_sizes_are_refused(tmp_path: Path) -> None:
    Image.fromarray(scene(0)).save(tmp_path / "1.png")
    Image.fromarray(scene(1, 50, 40)).save(tmp_path / "2.png")
    with pytest.raises(PictureError, match=r"2\.png measures 50×40 and the first frame 96×64"):
        list(open_clip(tmp_path, rate=5).frames())


def test_two_files_of_one_number_are_refused(tmp_path: Path) -> None:
    for name in ("a1.png", "b1.png", "a2.png"):
        Image.fromarray(scene(0)).save(tmp_path / name)
    with pytest.raises(PictureError, match="have the same number"):
        open_clip(tmp_path, rate=5)
