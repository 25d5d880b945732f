"""Each loss against a law or an independent reference."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage
from scipy.linalg import sqrtm
from whole import distance_of

from impasto.features.tiles import Tile
from impasto.losses import functional as losses
from impasto.losses.gaussians import GaussianTarget, gaussian
from impasto.losses.moments import Moments, moments
from impasto.losses.objective import PIXELS, Distance, Measurement, Term, evaluate
from impasto.losses.statistics import Lift, gram
from impasto.losses.tiled_losses import laplacian_distance


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def double(held: Moments) -> Moments:
    return Moments(held.mean.double(), held.second.double())


@pytest.fixture
def lift() -> Lift:
    return Lift.of(random(9, 4, seed=5) - 0.5, random(9, seed=6) - 0.5)


def test_content_of_a_copy_is_zero_and_of_nothing_is_one() -> None:
    features = random(1, 4, 6, 5)
    lift = Lift.identity(4)
    unit = losses.energy(moments(features), lift)
    assert losses.content(features, features, lift, unit) == 0
    assert losses.content(torch.zeros_like(features), features, lift, unit) == pytest.approx(1)


def test_content_is_measured_after_the_lift(lift: Lift) -> None:
    weight, bias = random(9, 4, seed=5) - 0.5, random(9, seed=6) - 0.5
    got, wanted = random(1, 4, 6, 5, seed=1), random(1, 4, 6, 5, seed=2)
    wide = [torch.einsum("oc,bchw->bohw", weight, f) + bias[:, None, None] for f in (got, wanted)]
    expected = (wide[0] - wide[1]).square().sum() / wide[1].square().sum()
    unit = losses.energy(moments(wanted), lift)
    assert losses.content(got, wanted, lift, unit) == pytest.approx(float(expected), rel=1e-4)


def test_content_does_not_depend_on_the_size() -> None:
    got, wanted = random(1, 4, 6, 5, seed=1), random(1, 4, 6, 5, seed=2)
    lift = Lift.identity(4)
    small = losses.content(got, wanted, lift, losses.energy(moments(wanted), lift))
    got, wanted = got.repeat(1, 1, 2, 3), wanted.repeat(1, 1, 2, 3)
    assert losses.content(got, wanted, lift, losses.energy(moments(wanted), lift)) == pytest.approx(
        float(small)
    )


def test_content_counts_each_pixel_as_much_as_its_weight() -> None:
    got, wanted = random(1, 4, 6, 5, seed=1), random(1, 4, 6, 5, seed=2)
    lift, left = Lift.identity(4), torch.zeros(6, 5)
    left[:, :2] = 1
    unit = losses.energy(moments(wanted), lift)
    whole = losses.content(got, wanted, lift, unit)
    assert losses.content(got, wanted, lift, unit, torch.ones(6, 5)) == pytest.approx(float(whole))
    part = losses.content(got[..., :2], wanted[..., :2], lift, unit)
    # The average is over all pixels, of which two in five are on the left.
    weighted = losses.content(got, wanted, lift, unit, left)
    assert weighted == pytest.approx(0.4 * float(part), rel=1e-5)
    assert losses.content(got, wanted, lift, unit, 3 * left) == pytest.approx(3 * float(weighted))


def test_gram_distance_is_relative() -> None:
    wanted = gram(moments(random(1, 4, 6, 5)), Lift.identity(4))
    assert losses.gram_distance(wanted, wanted) == 0
    assert losses.gram_distance(torch.zeros_like(wanted), wanted) == pytest.approx(1)
    assert losses.gram_distance(2 * wanted, wanted) == pytest.approx(1)


def test_gaussian_distance_is_the_formula_with_scipys_root(lift: Lift) -> None:
    got, wanted = (moments(random(1, 4, 6, 5, seed=s) * (s + 1)) for s in (1, 2))
    weight, bias = random(9, 4, seed=5).numpy() - 0.5, random(9, seed=6).numpy() - 0.5
    means, covariances = [], []
    for held in (got, wanted):
        mean = held.mean[0].numpy()
        means.append(weight @ mean + bias)
        covariances.append(weight @ (held.second[0].numpy() - np.outer(mean, mean)) @ weight.T)
    root = np.real(sqrtm(covariances[1]))
    cross = np.real(np.trace(sqrtm(root @ covariances[0] @ root)))
    distance = np.square(means[0] - means[1]).sum() + np.trace(sum(covariances)) - 2 * cross
    unit = np.trace(covariances[1]) + np.square(means[1]).sum()
    result = gaussian(got, GaussianTarget(wanted, lift))
    assert float(result) == pytest.approx(distance / unit, rel=1e-2)


def test_gaussian_distance_to_itself_is_zero(lift: Lift) -> None:
    held = moments(random(1, 4, 6, 5))
    assert float(gaussian(held, GaussianTarget(held, lift))) == pytest.approx(0, abs=1e-4)


def test_gaussian_distance_of_shifted_clouds_is_the_shift() -> None:
    features = random(1, 4, 6, 5)
    held, moved = moments(features), moments(features + 0.5)
    target = GaussianTarget(held, Lift.identity(4))
    expected = 4 * 0.25 / float(held.second.diagonal(dim1=1, dim2=2).sum())
    assert float(gaussian(moved, target)) == pytest.approx(expected, rel=1e-3)


def test_gaussian_distance_has_the_right_gradient() -> None:
    identity = Lift.identity(3)
    lift = Lift(identity.factor.double(), identity.linear.double())
    target = GaussianTarget(double(moments(random(1, 3, 5, 5, seed=3))), lift)
    held = double(moments(random(1, 3, 5, 5, seed=4)))

    def distance(mean: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return gaussian(Moments(mean, (second + second.transpose(1, 2)) / 2), target)

    inputs = (held.mean.requires_grad_(), held.second.requires_grad_())
    assert torch.autograd.gradcheck(distance, inputs, atol=1e-5)


def test_gaussian_gradient_is_finite_for_a_rank_deficient_style() -> None:
    few = random(1, 16, 2, 2)  # 4 positions for 16 channels, as at relu5_1 of a small picture
    features = random(1, 16, 2, 2, seed=1).requires_grad_()
    loss = gaussian(moments(features), GaussianTarget(moments(few), Lift.identity(16)))
    loss.backward()  # type: ignore[no-untyped-call]
    assert features.grad is not None
    assert features.grad.isfinite().all()


def total_variation(
    image: torch.Tensor, kind: str, wrap: bool = False, weight: torch.Tensor | None = None
) -> torch.Tensor:
    mode = "circular" if wrap else "replicate"
    return losses.variation(torch.nn.functional.pad(image, (0, 1, 0, 1), mode), kind, weight)


def laplacian(image: torch.Tensor, target: torch.Tensor, pool: int = 4) -> torch.Tensor:
    return distance_of(laplacian_distance(target, pool), {PIXELS: image})


@pytest.mark.parametrize("kind", ["l1", "l2"])
def test_total_variation_of_a_flat_picture_is_zero(kind: str) -> None:
    assert total_variation(torch.full((1, 3, 5, 4), 0.3), kind) == 0


def test_total_variation_l1_of_a_ramp_is_its_slope() -> None:
    ramp = (torch.arange(8.0) / 10).expand(1, 3, 8, 8)
    assert total_variation(ramp, "l1") == pytest.approx(0.1 * 7 / 8, rel=1e-4)


def test_total_variation_l2_favours_no_diagonal_and_no_axis() -> None:
    picture = random(1, 3, 16, 16)
    turned = picture.transpose(2, 3)
    straight = total_variation(picture, "l2")
    assert total_variation(turned, "l2") == pytest.approx(float(straight), rel=1e-5)
    ramp = (torch.arange(64.0) / 100).expand(1, 3, 64, 64)
    # dx² counts a third, both diagonals a twelfth each, all doubled: 2·(1/3 + 2/12) = 1.
    assert total_variation(ramp, "l2") == pytest.approx(1e-4 * 63 / 64, rel=1e-3)


@pytest.mark.parametrize("kind", ["l1", "l2"])
def test_total_variation_has_the_right_gradient(kind: str) -> None:
    picture = random(1, 3, 4, 5).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: total_variation(x, kind), (picture,))


def rolled(picture: torch.Tensor) -> torch.Tensor:
    return picture.roll((3, 2), (2, 3))


@pytest.mark.parametrize("kind", ["l1", "l2"])
def test_wrapped_total_variation_does_not_see_where_a_tile_begins(kind: str) -> None:
    tile = random(1, 3, 8, 9)
    wrapped = float(total_variation(tile, kind, wrap=True))
    assert total_variation(rolled(tile), kind, wrap=True) == pytest.approx(wrapped, rel=1e-5)
    tiled = total_variation(tile.repeat(1, 1, 2, 3), kind, wrap=True)
    assert tiled == pytest.approx(wrapped, rel=1e-5)
    assert total_variation(tile, kind) < wrapped


@pytest.mark.parametrize("kind", ["l1", "l2"])
def test_total_variation_counts_each_pixel_as_much_as_its_weight(kind: str) -> None:
    picture = torch.zeros(1, 3, 8, 8)
    picture[..., 6, 6] = 1
    weight = torch.ones(8, 8)
    whole = total_variation(picture, kind)
    assert total_variation(picture, kind, weight=weight) == pytest.approx(float(whole))
    weight[5:, 5:] = 0
    assert total_variation(picture, kind, weight=weight) == 0


def test_laplacian_of_a_copy_is_zero_and_of_a_flat_picture_one() -> None:
    target = random(1, 3, 24, 32)
    assert laplacian(target, target) == 0
    assert laplacian(torch.full_like(target, 0.4), target) == pytest.approx(1, rel=1e-5)


def test_laplacian_is_that_of_averages() -> None:
    image, target = random(1, 3, 24, 32), random(1, 3, 24, 32, seed=1)
    kernel = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])

    def edges(picture: torch.Tensor) -> np.ndarray:
        small = picture[0].numpy().reshape(3, 6, 4, 8, 4).mean((2, 4))
        return np.stack([ndimage.convolve(c, kernel, mode="nearest") for c in small])

    expected = np.square(edges(image) - edges(target)).sum() / np.square(edges(target)).sum()
    assert laplacian(image, target) == pytest.approx(float(expected), rel=1e-4)


def test_laplacian_sees_opposing_edges_of_colours() -> None:
    target = torch.full((1, 3, 24, 24), 0.5)
    target[:, 0, :, 12:] += 0.4
    target[:, 1, :, 12:] -= 0.4  # the sum of the channels has no edge
    assert laplacian(torch.full_like(target, 0.5), target) == pytest.approx(1)


@pytest.mark.parametrize(("size", "pool"), [((9, 11), 4), ((3, 2), 4), ((7, 5), 1), ((9, 9), 8)])
def test_laplacian_of_any_size_has_the_right_gradient(size: tuple[int, int], pool: int) -> None:
    target = random(1, 3, *size, seed=1).double()
    picture = random(1, 3, *size).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: laplacian(x, target, pool), (picture,))


def test_laplacian_does_not_enlarge_the_noise_of_a_flat_picture() -> None:
    flat = torch.full((1, 3, 32, 32), 0.5)
    noisy = flat + 0.01 * (random(1, 3, 32, 32) - 0.5)
    assert laplacian(noisy, flat) < 0.1


def test_l2_is_the_mean_square() -> None:
    assert losses.l2(torch.ones(1, 3, 2, 2), torch.zeros(1, 3, 2, 2)) == 1


def test_the_objective_is_the_weighted_sum_and_reports_raw_values() -> None:
    image = torch.ones(1, 3, 2, 2)
    terms = [
        Term("a", 2.0, Distance.sum(Measurement(PIXELS, lambda x, _: (x.mean(),)))),
        Term("b", 0.5, Distance.sum(Measurement("relu1_1", lambda f, _: (f.sum(),)))),
    ]
    layers = {PIXELS: image, "relu1_1": torch.full((1, 1, 2, 2), 1.0)}
    found = [
        [m.compute(layers[m.layer], Tile.full(layers[m.layer])) for m in term.distance.measurements]
        for term in terms
    ]
    total, values = evaluate(terms, found)
    assert total == 4.0
    assert {name: float(v) for name, v in values.items()} == {"a": 1.0, "b": 4.0}
