"""What was drawn or painted for some frames is carried to the others, sharp and in its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch
from moving import as_film, canvas, paste
from torch import Tensor

from impasto.errors import OptionError
from impasto.film.carrying import CarriedMaps
from impasto.film.frame import Frame
from impasto.film.key_tracks import KeyTracks
from impasto.film.keyframes import KeyframePainter
from impasto.image.labels import LabelMap

pytest.importorskip("cv2")

WIDE = canvas(96, 420, seed=1)
PATCH = canvas(40, 40, seed=2)
RED, GREEN, BLUE = "#ff0000", "#00ff00", "#0000ff"


class Clip:
    """A film in memory, that counts how often its frames are read."""

    def __init__(self, pictures: Sequence[Tensor]) -> None:
        self.film = as_film(pictures)
        self.read = 0

    def frames(
        self, start: int = 0, stop: int | None = None, size: int | None = None
    ) -> Iterator[Frame]:
        assert size is not None, "only small frames are needed"
        for frame in self.film[start:stop]:
            self.read += 1
            yield frame


def ground(i: int, speed: float = 2) -> Tensor:
    whole = round(speed * i)
    return WIDE[..., whole : whole + 160]


def scene(count: int) -> list[Tensor]:
    """A pan by two pixels a frame, with something before it that goes three to the left."""
    return [paste(ground(i), PATCH, 28, 100 - 3 * i) for i in range(count)]


def drawn(i: int) -> LabelMap:
    """The region of what moves in a frame of the scene."""
    labels = torch.zeros(96, 160, dtype=torch.long)
    left = 100 - 3 * i
    labels[28:68, left : left + 40] = 1
    return LabelMap(labels, (RED, GREEN))


def tracks(clip: Clip, keys: Sequence[int], folder: Path, shots: Sequence[range] = ()) -> KeyTracks:
    return KeyTracks(clip, keys, shots or [range(len(clip.film))], folder / "tracks")


def agreement(found: LabelMap, meant: LabelMap) -> float:
    return (found.labels == meant.labels).float().mean().item()


def test_a_map_follows_what_it_was_drawn_for(tmp_path: Path) -> None:
    clip = Clip(scene(16))
    carried = CarriedMaps(tracks(clip, [0], tmp_path), {0: drawn(0)})
    assert agreement(carried.at(clip.film[0]), drawn(0)) == 1
    for i in (1, 8, 15):
        found = carried.at(clip.film[i])
        assert found.colours == (RED, GREEN)
        assert agreement(found, drawn(i)) > 0.96
        assert agreement(found, drawn(i)) > agreement(drawn(0), drawn(i))


def test_a_later_map_is_carried_back(tmp_path: Path) -> None:
    clip = Clip(scene(12))
    carried = CarriedMaps(tracks(clip, [11], tmp_path), {11: drawn(11)})
    assert agreement(carried.at(clip.film[0]), drawn(0)) > 0.96


def test_between_two_maps_the_nearer_one_decides(tmp_path: Path) -> None:
    """The second map calls the ground by another name."""
    clip = Clip(scene(11))
    later = LabelMap(drawn(10).labels, (BLUE, GREEN))
    carried = CarriedMaps(tracks(clip, [0, 10], tmp_path), {0: drawn(0), 10: later})
    assert carried.colours == (RED, GREEN, BLUE)
    early, late = carried.at(clip.film[2]).labels, carried.at(clip.film[8]).labels
    assert (early == 0).sum() > 10 * (early == 2).sum()
    assert (late == 2).sum() > 10 * (late == 0).sum()
    assert agreement(LabelMap((early == 1).long(), ()), drawn(2)) > 0.96


def test_no_region_appears_that_was_not_drawn(tmp_path: Path) -> None:
    """Regions 0 and 2 meet in many places; between their numbers lies 1, which is nowhere there."""
    clip = Clip(scene(12))
    stripes = (torch.arange(160) // 20 % 2 * 2).expand(96, 160).clone()
    maps = {0: LabelMap(stripes, (RED, GREEN, BLUE))}
    carried = CarriedMaps(tracks(clip, [0], tmp_path), maps)
    for i in (1, 6, 11):
        assert set(carried.at(clip.film[i]).labels.flatten().tolist()) <= {0, 2}


def test_what_comes_into_the_frame_takes_its_neighbours_region(tmp_path: Path) -> None:
    clip = Clip([ground(i, speed=4) for i in range(12)])
    labels = torch.zeros(96, 160, dtype=torch.long)
    labels[:, 130:] = 1
    carried = CarriedMaps(tracks(clip, [0], tmp_path), {0: LabelMap(labels, (RED, GREEN))})
    last = carried.at(clip.film[11]).labels
    assert (last[:, 130:] == 1).float().mean() > 0.98
    assert (last[:, :75] == 0).float().mean() > 0.98


def test_maps_come_in_any_order_and_are_found_once(tmp_path: Path) -> None:
    clip = Clip(scene(10))
    carried = CarriedMaps(tracks(clip, [0], tmp_path), {0: drawn(0)})
    late = carried.at(clip.film[9]).labels
    carried.at(clip.film[3])
    assert clip.read == 10
    again = CarriedMaps(tracks(clip, [0], tmp_path), {0: drawn(0)})
    assert torch.equal(again.at(clip.film[9]).labels, late)
    assert clip.read == 10


def test_nothing_is_carried_over_a_cut(tmp_path: Path) -> None:
    clip = Clip(scene(6) + scene(6))
    found = tracks(clip, [0], tmp_path, [range(6), range(6, 12)])
    found.check(range(6))
    for call in (lambda: found.check(range(3, 8)), lambda: found.of(7)):
        with pytest.raises(OptionError, match="Frames 6 to 11 are a shot of their own"):
            call()


def test_a_key_outside_the_film_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="Frame 99 is not among those painted, 0 to 5"):
        tracks(Clip(scene(6)), [2, 99], tmp_path)


def test_a_key_that_cannot_be_decoded_is_named(tmp_path: Path) -> None:
    clip = Clip(scene(6))
    del clip.film[0]
    with pytest.raises(OptionError, match="Frame 0 cannot be decoded"):
        tracks(clip, [0], tmp_path, [range(6)]).of(2)


def painting(i: int) -> Tensor:
    """As an artist would paint a frame of the scene: other colours, the same places."""
    return 1 - scene(i + 1)[i].flip(1)


def detail(picture: Tensor) -> float:
    return (picture[..., 1:] - picture[..., :-1]).abs().mean().item()


def test_a_painted_frame_is_carried_to_the_others(tmp_path: Path) -> None:
    clip = Clip(scene(12))
    painter = KeyframePainter(tracks(clip, [0, 11], tmp_path), {0: painting(0), 11: painting(11)})
    painter.begin([])
    for i in (0, 11):
        assert torch.allclose(painter.paint(clip.film[i]), painting(i), atol=1e-3)
    for i in (3, 6, 9):
        off = (painter.paint(clip.film[i]) - painting(i)).abs()
        assert off.mean() < 0.03
        assert off.mean() < 0.3 * (painting(0) - painting(i)).abs().mean()


def test_two_paintings_are_blended_by_time(tmp_path: Path) -> None:
    clip = Clip([ground(i) for i in range(9)])
    grey = {i: torch.full((1, 3, 96, 160), value) for i, value in ((0, 0.2), (8, 0.6))}
    painter = KeyframePainter(tracks(clip, list(grey), tmp_path), grey)
    for i, value in ((2, 0.3), (4, 0.4), (6, 0.5)):
        middle = painter.paint(clip.film[i])[..., 20:-20]
        assert middle.mean() == pytest.approx(value, abs=0.01)


def test_what_one_painting_does_not_show_comes_from_the_other(tmp_path: Path) -> None:
    """A pan far to the right: the right part of early frames is seen in the second painting."""
    clip = Clip([ground(i, speed=6) for i in range(9)])
    paints = {0: torch.full((1, 3, 96, 160), 0.2), 8: torch.full((1, 3, 96, 160), 0.6)}
    painter = KeyframePainter(tracks(clip, [0, 8], tmp_path), paints)
    second = painter.paint(clip.film[2])
    assert second[..., 20:-20, -8:].mean() > 0.55
    assert second[..., 20:-20, 4:24].mean() < 0.25


def test_carrying_over_sixty_frames_does_not_blur(tmp_path: Path) -> None:
    clip = Clip([WIDE[..., 10:170] if i % 2 else WIDE[..., 11:171] for i in range(61)])
    whole = torch.nn.functional.interpolate(clip.film[0].pixels, scale_factor=2, mode="nearest")
    painter = KeyframePainter(tracks(clip, [0], tmp_path), {0: whole})
    last = painter.paint(clip.film[60])
    assert detail(last[..., 8:-8]) > 0.97 * detail(clip.film[60].pixels[..., 8:-8])
    assert (last - clip.film[60].pixels).abs()[..., 8:-8].mean() < 0.01


def test_carrying_over_sixty_frames_does_not_drift(tmp_path: Path) -> None:
    clip = Clip([ground(i, speed=0.8) for i in range(61)])
    marked = paste(clip.film[0].pixels, torch.ones(1, 3, 6, 6), 45, 80)
    painter = KeyframePainter(tracks(clip, [0], tmp_path), {0: marked})
    painter.paint(clip.film[60])
    last = painter.paint(clip.film[60])[0, :, 20:76].sum(0)  # moved left by 48
    bright = (last > 2.9).nonzero().float()
    assert bright.mean(0).tolist() == pytest.approx([27.5, 34.5], abs=0.7)


def test_steps_leave_nothing_on_disc(tmp_path: Path) -> None:
    clip = Clip(scene(8))
    found = tracks(clip, [0, 7], tmp_path)
    assert [track.key for track in found.of(3)] == [0, 7]
    suffixes = sorted(path.suffix for path in found.folder.iterdir())
    assert suffixes == [".done"] + [".track"] * 14


def test_a_larger_frame_is_drawn_from_the_painting_at_its_size(tmp_path: Path) -> None:
    clip = Clip([ground(i) for i in range(5)])
    large = torch.nn.functional.interpolate(WIDE, scale_factor=3, mode="bicubic").clamp(0, 1)
    painter = KeyframePainter(tracks(clip, [0], tmp_path), {0: large[..., :480]})
    frame = Frame(4, 4, 0.0, large[..., 24:504])
    off = (painter.paint(frame) - frame.pixels).abs()[..., 12:-48]
    assert off.mean() < 0.01
