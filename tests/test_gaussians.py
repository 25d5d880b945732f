"""Barycentres of Gaussians against closed forms and against what they minimise."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from impasto.losses.gaussians import barycentre
from impasto.losses.moments import Moments, moments
from impasto.losses.statistics import Lift, blend, covariance


def cloud(seed: int, positions: int = 60, channels: int = 4) -> Moments:
    drawn = torch.Generator().manual_seed(seed)
    mixed = torch.randn(channels, channels, generator=drawn)
    points = torch.randn(positions, channels, generator=drawn) @ mixed
    points = points + torch.randn(channels, generator=drawn)
    return moments(points.T[None, :, None])


def diagonal(*deviations: float) -> Moments:
    mean = torch.tensor([[0.5, -1.0, 2.0]])
    spread = torch.diag(torch.tensor(deviations).square())[None]
    return Moments(mean, spread + mean[:, :, None] * mean[:, None, :])


def squared_distance(first: Moments, second: Moments, lift: Lift) -> float:
    one, two = (covariance(part, lift)[0].double().numpy() for part in (first, second))
    shift = (first.mean - second.mean) @ lift.linear.T
    # (Cₛ^½ C Cₛ^½)^½ has the roots of the eigenvalues of C Cₛ.
    cross = np.sqrt(np.linalg.eigvals(one @ two).real.clip(0)).sum()
    return float(shift.square().sum()) + float(np.trace(one + two)) - 2 * float(cross)


def assert_same(got: Moments, wanted: Moments) -> None:
    torch.testing.assert_close(got.mean, wanted.mean, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(got.second, wanted.second, rtol=1e-4, atol=1e-4)


@pytest.fixture(params=["square", "narrow"])
def lift(request: pytest.FixtureRequest) -> Lift:
    """Of four channels, to nine or to three: one that can be inverted, one that cannot."""
    wide = 9 if request.param == "square" else 3
    drawn = torch.Generator().manual_seed(9)
    return Lift.of(torch.randn(wide, 4, generator=drawn), torch.randn(wide, generator=drawn))


def test_one_part_is_its_own_barycentre(lift: Lift) -> None:
    part = cloud(1)
    assert barycentre([part], [3.0], lift) is part
    assert barycentre([cloud(2), part], [0.0, 3.0], lift) is part


def test_equal_parts_are_their_own_barycentre(lift: Lift) -> None:
    assert_same(barycentre([cloud(1), cloud(1), cloud(1)], [1, 2, 5], lift), cloud(1))


def test_deviations_are_averaged_where_channels_do_not_mix() -> None:
    got = barycentre([diagonal(1, 2, 0), diagonal(3, 1, 4)], [3, 1], Lift.identity(3))
    assert_same(got, diagonal(1.5, 1.75, 1))


def test_the_mean_is_the_mean_of_the_means(lift: Lift) -> None:
    got = barycentre([cloud(1), cloud(2)], [3, 1], lift)
    torch.testing.assert_close(got.mean, 0.75 * cloud(1).mean + 0.25 * cloud(2).mean)


def test_nothing_tried_is_nearer_to_the_parts(lift: Lift) -> None:
    parts, weights = [cloud(1), cloud(2), cloud(3)], [0.5, 0.3, 0.2]

    def cost(at: Moments) -> float:
        pairs = zip(parts, weights, strict=True)
        return sum(weight * squared_distance(at, part, lift) for part, weight in pairs)

    got = barycentre(parts, weights, lift)
    mixed = blend(blend(parts[0], parts[1], 0.375), parts[2], 0.2)
    near = [blend(got, other, 0.05) for other in (*parts, mixed)]
    assert cost(got) <= min(map(cost, [*parts, mixed, *near])) + 1e-4
    assert cost(got) < 0.9 * cost(mixed)


def test_it_is_a_barycentre_of_the_lifted_space() -> None:
    drawn = torch.Generator().manual_seed(9)
    stretch = Lift.of(torch.randn(9, 4, generator=drawn) * torch.logspace(0, 2, 4), torch.zeros(9))
    there, here = (barycentre([cloud(1), cloud(2)], [1, 1], x) for x in (stretch, Lift.identity(4)))
    wanted = [squared_distance(there, cloud(s), stretch) for s in (1, 2)]
    plain = [squared_distance(here, cloud(s), stretch) for s in (1, 2)]
    assert sum(wanted) < sum(plain)


@pytest.mark.parametrize("positions", [1, 3])
def test_singular_covariances_have_a_barycentre(positions: int, lift: Lift) -> None:
    few, many = cloud(1, positions=positions), cloud(2)
    got = barycentre([few, many], [1, 1], lift)
    assert got.second.isfinite().all()
    assert torch.linalg.eigvalsh(covariance(got, lift)).min() > -1e-3
    whole = squared_distance(few, many, lift)
    # In the middle of the shortest way from one to the other.
    assert squared_distance(got, many, lift) == pytest.approx(whole / 4, rel=0.01)
    assert squared_distance(got, few, lift) == pytest.approx(whole / 4, rel=0.01)


def test_points_have_a_point_for_barycentre() -> None:
    points = [cloud(seed, positions=1) for seed in (1, 2)]
    got = barycentre(points, [1, 1], Lift.identity(4))
    torch.testing.assert_close(got.second, got.mean[:, :, None] * got.mean[:, None, :])
