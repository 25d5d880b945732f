"""The flow between frames that move as we know, and where it is trusted."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from moving import canvas, paste
from torch import Tensor

from impasto.film.flow import Flow, composed, flow_between, sample, still, visible, warp

pytest.importorskip("cv2")

WIDE = canvas(144, 320, seed=1)
LEFT, TOP, SIZE = 100, 50, 60  # of what moves over it
PATCH = canvas(SIZE, SIZE, seed=2)


def view(x: float, y: int = 0) -> Tensor:
    """What a camera sees that has moved right by x and down by y."""
    whole = int(x)
    return WIDE[..., 8 + y : 136 + y, 20 + whole : 276 + whole]


def over(x: int) -> Tensor:
    """A still ground, with a patch before it that has moved right by x."""
    return paste(view(0), PATCH, TOP, LEFT + x)


@pytest.mark.parametrize(("x", "y"), [(3, 0), (-6, 2), (0, 5)])
def test_a_moving_camera_gives_its_motion(x: int, y: int) -> None:
    flow = flow_between(view(x, y), view(0))
    inner = flow.pixels[..., 12:-12, 12:-12]
    assert inner[:, 0].median() == pytest.approx(x, abs=0.1)
    assert inner[:, 1].median() == pytest.approx(y, abs=0.1)
    off = (warp(view(0), flow) - view(x, y)).abs()[..., 12:-12, 12:-12]
    assert off.mean() < 0.01
    assert flow.confidence[..., 12:-12, 12:-12].mean() > 0.95


def test_what_comes_into_the_frame_is_not_trusted() -> None:
    flow = flow_between(view(8), view(0))
    assert flow.confidence[..., -8:].max() == 0
    assert flow.confidence[..., :40].mean() > 0.9


@pytest.mark.parametrize("frame", [view(0), torch.full((1, 3, 40, 60), 0.5)])
def test_a_picture_that_stands_still_has_no_flow_and_all_trust(frame: Tensor) -> None:
    flow = flow_between(frame, frame.clone())
    assert flow.pixels.abs().max() == 0
    assert flow.confidence.min() == 1
    assert torch.equal(warp(frame, flow), frame)


def test_noise_does_not_move_a_picture() -> None:
    drawn = torch.Generator().manual_seed(3)
    noisy = (view(0) + 0.01 * torch.randn(view(0).shape, generator=drawn)).clamp(0, 1)
    flow = flow_between(view(0), noisy)
    assert flow.pixels.abs().mean() < 0.05
    assert flow.confidence.min() > 0.9


def test_the_mask_lies_on_the_current_frame() -> None:
    """A patch moved right by 12: what it uncovered, left of it now, was nowhere to be seen."""
    flow = flow_between(over(12), over(0))
    rows = slice(TOP + 8, TOP + SIZE - 8)
    uncovered = flow.confidence[..., rows, LEFT : LEFT + 12]
    assert (uncovered < 0.5).float().mean() > 0.9
    # On the previous frame's grid the mask would lie to the right, where the patch is now.
    inside = flow.confidence[..., rows, LEFT + 12 + 14 : LEFT + 12 + SIZE - 14]
    assert inside.mean() > 0.95
    far = flow.confidence[..., rows, LEFT + 12 + SIZE + 25 : -12]
    assert far.mean() > 0.95


def test_what_is_uncovered_leads_not_home() -> None:
    forth = flow_between(over(12), over(0)).pixels
    back = flow_between(over(0), over(12)).pixels
    seen = visible(forth, back)[..., TOP + 8 : TOP + SIZE - 8, :].float()
    assert seen[..., LEFT : LEFT + 12].mean() < 0.2
    assert seen[..., LEFT + 30 : LEFT + SIZE].mean() > 0.95


def test_softening_grows_the_mask_outwards() -> None:
    """Where it is not trusted it stays not trusted, and the places next to it lose their trust."""
    forth = flow_between(over(12), over(0))
    back = flow_between(over(0), over(12))
    unseen = ~visible(forth.pixels, back.pixels)
    core = torch.nn.functional.avg_pool2d(unseen.float(), 5, 1, 2) == 1  # no specks, no edges
    assert core.sum() > 200
    assert forth.confidence[core].max() == 0
    grown = torch.nn.functional.max_pool2d(core.float(), 7, 1, 3) == 1
    assert forth.confidence[grown].mean() < 0.5
    soft = (forth.confidence > 0.05) & (forth.confidence < 0.95)
    assert soft.sum() > 100


def test_what_changes_its_colour_is_not_trusted() -> None:
    lit = paste(view(0), (PATCH * 0.4 + 0.6), TOP, LEFT)
    flow = flow_between(lit, over(0))
    assert flow.confidence[..., TOP + 10 : TOP + 50, LEFT + 10 : LEFT + 50].mean() < 0.2
    assert flow.confidence[..., :30, :].mean() > 0.95


def test_a_guess_finds_what_is_far() -> None:
    """Four steps of one motion, each the next one's guess."""
    guess = None
    for step in range(1, 4):
        guess = flow_between(view(10 * step), view(10 * (step - 1)), guess)
    assert guess is not None
    assert guess.pixels[:, 0, 20:-20, 20:-30].median() == pytest.approx(10, abs=0.1)


def test_the_flow_of_a_large_frame_is_found_small_and_given_large() -> None:
    large = torch.nn.functional.interpolate(WIDE, scale_factor=4, mode="bicubic").clamp(0, 1)
    now, before = large[..., 40:1240], large[..., 28:1228]
    flow = flow_between(now, before, side=300)
    assert flow.pixels.shape == (1, 2, *now.shape[-2:])
    assert flow.confidence.shape == (1, 1, *now.shape[-2:])
    assert flow.pixels[:, 0, 50:-50, 50:-50].median() == pytest.approx(12, abs=0.3)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 40), (17, 9), (33, 65)])
def test_small_and_odd_frames_have_a_flow(height: int, width: int) -> None:
    frames = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(3))
    flow = flow_between(frames[:1], frames[1:])
    assert flow.pixels.shape == (1, 2, height, width)
    assert flow.pixels.isfinite().all()


def test_the_same_frames_give_the_same_flow() -> None:
    flows = [flow_between(over(12), over(0)) for _ in range(2)]
    assert torch.equal(flows[0].pixels, flows[1].pixels)
    assert torch.equal(flows[0].confidence, flows[1].confidence)


def shifted(x: float, y: float = 0) -> Flow:
    offsets = torch.tensor([float(x), float(y)]).view(1, 2, 1, 1).expand(1, 2, 20, 30).clone()
    return Flow(offsets, torch.full((1, 1, 20, 30), 0.5))


@pytest.mark.parametrize("sampling", ["bilinear", "bicubic", "nearest"])
def test_warping_by_whole_pixels_moves_them(sampling: Any) -> None:
    picture = canvas(20, 30, seed=4)
    moved = warp(picture, shifted(3, -2), sampling)
    assert torch.allclose(moved[..., 2:, :-3], picture[..., :-2, 3:], atol=1e-4)
    assert torch.allclose(
        moved[..., 2:, -3:], picture[..., :-2, -1:].expand(1, 3, 18, 3), atol=1e-4
    )


def test_warping_passes_the_gradient_on() -> None:
    picture = canvas(20, 30, seed=4).requires_grad_()
    warp(picture, shifted(0.5)).sum().backward()  # type: ignore[no-untyped-call]
    assert picture.grad is not None
    assert picture.grad[..., 5:-5].min() > 0.5


def test_warping_without_motion_changes_nothing_however_often() -> None:
    picture = drawn = canvas(20, 30, seed=4)
    for _ in range(200):
        drawn = warp(drawn, shifted(0.001), "bilinear")
    assert torch.equal(drawn, picture)


def test_labels_stay_labels() -> None:
    labels = torch.randint(0, 5, (1, 1, 20, 30)).float()
    assert set(warp(labels, shifted(0.4, 0.7), "nearest").flatten().tolist()) <= {0, 1, 2, 3, 4}


def test_flows_follow_each_other() -> None:
    both = composed(shifted(3, 1), shifted(2, -4))
    assert torch.allclose(both.pixels, shifted(5, -3).pixels)
    assert torch.allclose(both.confidence, torch.tensor(0.25))
    assert torch.equal(composed(still(PATCH), still(PATCH)).pixels, still(PATCH).pixels)


def test_a_picture_is_sampled_at_places_in_it() -> None:
    picture = canvas(20, 30, seed=4)
    places = torch.tensor([[4.0, 7.5], [3.0, 3.0]]).view(1, 2, 1, 2)
    found = sample(picture, places)
    assert torch.allclose(found[0, :, 0, 0], picture[0, :, 3, 4], atol=1e-5)
    between = picture[0, :, 3, 7:9].mean(-1)
    assert torch.allclose(found[0, :, 0, 1], between, atol=1e-5)
