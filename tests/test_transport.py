"""Features that are moved to a style's, and the network that paints from them."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from impasto.losses.moments import Moments, moments
from impasto.losses.statistics import Lift, covariance
from impasto.networks.chroma import CELL
from impasto.networks.decoder import LEVELS, REACH
from impasto.networks.instant import GREY, STYLE_LAYERS, InstantNetwork, summary
from impasto.networks.transport import Target, Transport, transport


def drawn(channels: int, seed: int, size: tuple[int, int] = (24, 20)) -> Tensor:
    """Features whose channels depend on each other."""
    made = torch.Generator().manual_seed(seed)
    mixed = torch.randn(1, channels, *size, generator=made)
    turn = torch.randn(channels, channels, generator=made) / channels**0.5
    return torch.einsum("bchw,dc->bdhw", mixed, turn) + torch.randn(
        1, channels, 1, 1, generator=made
    )


def spread(found: Moments) -> Tensor:
    return covariance(found, Lift.identity(found.mean.shape[1]))


@pytest.mark.parametrize("channels", [3, 16])
def test_moved_features_have_the_styles_mean_and_covariance(channels: int) -> None:
    content, style = drawn(channels, 1), drawn(channels, 2)
    wanted = moments(style)
    got = moments(transport(moments(content), Target.of(wanted))(content))
    torch.testing.assert_close(got.mean, wanted.mean, atol=1e-4, rtol=1e-4)
    off = (spread(got) - spread(wanted)).norm() / spread(wanted).norm()
    assert off < 0.25  # what the floor leaves of it
    before = (spread(moments(content)) - spread(wanted)).norm() / spread(wanted).norm()
    assert before > 0.5


def test_no_share_of_the_way_moves_nothing_and_a_part_lies_between() -> None:
    content, goal = drawn(8, 1), Target.of(moments(drawn(8, 2)))
    found = moments(content)
    torch.testing.assert_close(transport(found, goal, 0.0)(content), content)
    whole = transport(found, goal)(content)
    half = transport(found, goal, 0.5)(content)
    torch.testing.assert_close(half, (content + whole) / 2, atol=1e-4, rtol=1e-4)


def test_it_moves_less_than_whitening_and_colouring() -> None:
    content, style = drawn(8, 1), drawn(8, 2)
    ours, theirs = moments(content), Target.of(moments(style))
    moved = transport(ours, theirs)(content)
    whitening = torch.linalg.inv(Target.of(ours).root[0])
    matrix = (whitening @ theirs.root[0])[None]
    shift = theirs.mean[:, None] - ours.mean[:, None] @ matrix
    turned = Transport(matrix, shift)(content)
    assert (moved - content).square().mean() < (turned - content).square().mean()


def test_a_flat_photograph_is_moved_to_something_finite() -> None:
    flat = torch.full((1, 8, 10, 10), 0.3)
    moved = transport(moments(flat), Target.of(moments(drawn(8, 2))))(flat)
    assert moved.isfinite().all()
    assert moved.std((2, 3)).max() < 0.1


@pytest.fixture(scope="module")
def network() -> InstantNetwork:
    torch.manual_seed(3)
    network = InstantNetwork().eval().requires_grad_(False)
    for stage in network.stages.modules():
        if isinstance(stage, torch.nn.Linear):
            torch.nn.init.normal_(stage.weight, std=0.05)
    network.units.copy_(torch.tensor([2.0, 3.0, 0.5, 1.5]))
    return network


@pytest.fixture(scope="module")
def style() -> dict[str, Moments]:
    return {n: moments(drawn(c, 5 + i)) for i, (n, c) in enumerate(STYLE_LAYERS.items())}


def features(side: int) -> dict[str, Tensor]:
    return {
        name: drawn(channels, 9, (side >> k, side >> k)).relu()
        for (name, channels), k in zip(LEVELS.items(), (3, 2, 1, 0), strict=True)
    }


def test_the_plain_decoder_paints_what_the_network_does(
    network: InstantNetwork, style: dict[str, Moments]
) -> None:
    seen, strength = features(128), torch.tensor([0.7])
    moves = {n: transport(moments(f), Target.of(style[n]), 0.8) for n, f in seen.items()}
    moved = {name: moves[name](f) for name, f in seen.items()}
    steering = network.steering(summary(style), strength)
    wanted = network(moved, steering)
    decoder = network.decoder(steering, torch.zeros(()))
    got = decoder.after(moves)(seen)
    assert wanted.shape == got.shape == (1, 3, 128, 128)
    inner = (..., slice(56, -56), slice(56, -56))  # where no border is seen
    torch.testing.assert_close(got[inner], wanted[inner], atol=2e-3, rtol=2e-3)
    assert float(wanted.std()) > 1e-3
    assert abs(float(wanted.mean()) - GREY) < 10


def test_the_halves_are_the_whole_and_leave_the_features_alone(
    network: InstantNetwork, style: dict[str, Moments]
) -> None:
    seen = features(64)
    before = {name: f.clone() for name, f in seen.items()}
    decoder = network.decoder(
        network.steering(summary(style), torch.tensor([0.7])), torch.zeros(())
    )
    coarse = decoder.coarse(seen)
    assert coarse.shape == (1, 32, 16, 16)
    kept = coarse.clone()
    assert torch.equal(decoder.fine(coarse, seen), decoder(seen))
    assert torch.equal(coarse, kept)
    assert all(torch.equal(seen[name], f) for name, f in before.items())


def test_the_fine_half_looks_no_farther_than_it_says(
    network: InstantNetwork, style: dict[str, Moments]
) -> None:
    """Random weights give little at the far end of the reach, hence double precision."""
    network = copy.deepcopy(network)
    network.cell = CELL
    decoder = network.decoder(
        network.steering(summary(style), torch.tensor([0.7])), torch.zeros((), dtype=torch.double)
    )
    seen = {name: f.double() for name, f in features(64).items()}
    whole = decoder.fine(decoder.coarse(seen), seen)
    near = dict(seen)
    for name, stride in (("relu2_1", 2), ("relu1_1", 1)):
        near[name] = seen[name][..., 16 // stride : 48 // stride, 16 // stride : 48 // stride]
    part = decoder.fine(decoder.coarse(seen)[..., 4:12, 4:12], near)
    inner = slice(REACH, -REACH)
    wanted = whole[..., 16 + REACH : 48 - REACH, 16 + REACH : 48 - REACH]
    torch.testing.assert_close(part[..., inner, inner], wanted)
    less = REACH - CELL  # a cell less: colours are those of whole cells
    outer = whole[..., 16 + less : 48 - less, 16 + less : 48 - less]
    assert not torch.allclose(part[..., less:-less, less:-less], outer)


def test_style_and_strength_steer_it(network: InstantNetwork, style: dict[str, Moments]) -> None:
    seen = features(64)
    other = {name: moments(drawn(c, 50)) for name, c in STYLE_LAYERS.items()}

    def painted(of: dict[str, Moments], strength: float) -> Tensor:
        picture: Tensor = network(seen, network.steering(summary(of), torch.tensor([strength])))
        return picture

    assert not torch.allclose(painted(style, 0.5), painted(other, 0.5))
    assert not torch.allclose(painted(style, 0.5), painted(style, 0.9))
