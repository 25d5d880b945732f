"""The first guess of the inverse Hessian, in the picture's spectrum."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from impasto.engine.lbfgs import Lbfgs
from impasto.engine.spectral import SpectralGuess

SHAPES = [(8, 8), (9, 12), (12, 9), (7, 15), (1, 6), (6, 1)]


def noise(height: int, width: int, seed: int = 0) -> Tensor:
    return torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def guess(height: int, width: int) -> SpectralGuess:
    return SpectralGuess(height, width, torch.device("cpu"))


@pytest.mark.parametrize(("height", "width"), SHAPES)
def test_it_multiplies_each_frequency(height: int, width: int) -> None:
    values = noise(height, width)
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)
    gain = 0.02 / (np.hypot(rows, columns) + 0.02)
    expected = np.fft.ifft2(np.fft.fft2(values[0].double().numpy()) * gain).real
    result = guess(height, width).apply(values.clone())
    np.testing.assert_allclose(result[0], expected, atol=1e-5)


@pytest.mark.parametrize(("height", "width"), SHAPES)
def test_its_square_is_that_of_what_it_makes(height: int, width: int) -> None:
    values, operator = noise(height, width), guess(height, width)
    expected = float((values * operator.apply(values.clone())).sum())
    assert operator.square(values[0]) == pytest.approx(expected, rel=1e-5)
    assert expected > 0


def test_it_is_symmetric() -> None:
    first, second, operator = noise(9, 12), noise(9, 12, 1), guess(9, 12)
    left = (first * operator.apply(second.clone())).sum()
    torch.testing.assert_close(left, (second * operator.apply(first.clone())).sum())


def bowl(height: int, width: int) -> Callable[[Tensor], Tensor]:
    """The gradient of a bowl that is steeper the finer the detail."""
    rows, columns = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)
    steepness = 1 + torch.hypot(rows, columns) / 0.02
    goal = 0.5 + 0.1 * noise(height, width).cumsum(-1).cumsum(-2).div(30).clamp(-3, 3)

    def gradient(pixels: Tensor) -> Tensor:
        spectrum = torch.fft.rfft2(pixels - goal) * steepness
        slopes: Tensor = torch.fft.irfft2(spectrum, s=(height, width))
        return slopes

    return gradient


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_coarse_forms_are_soon_where_they_belong(dtype: str) -> None:
    errors = {}
    for spectral in (True, False):
        gradient, pixels = bowl(48, 64), torch.full((1, 3, 48, 64), 0.5)
        optimiser = Lbfgs(dtype=dtype, spectral=spectral)
        start = gradient(pixels).norm()
        for _ in range(8):
            optimiser.step(pixels, gradient(pixels))
        errors[spectral] = float(gradient(pixels).norm() / start)
    assert errors[True] < 0.02
    assert errors[True] < 0.2 * errors[False]


@pytest.mark.parametrize("factor", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_the_first_step_is_as_long_whatever_the_gradient(factor: float, dtype: str) -> None:
    pixels = torch.full((1, 3, 20, 30), 0.5)
    Lbfgs(dtype=dtype).step(pixels, factor * noise(20, 30))
    assert float((pixels - 0.5).square().mean().sqrt()) == pytest.approx(0.02, rel=1e-2)


def test_the_first_step_ends_where_the_slope_would_meet_a_loss_of_zero() -> None:
    slope, loss = noise(20, 30), 0.5
    pixels = torch.full((1, 3, 20, 30), 0.5)
    Lbfgs().step(pixels, slope.clone(), loss)
    descent = (0.5 - pixels) * slope
    assert float(descent.sum()) == pytest.approx(loss, rel=1e-2)
    Lbfgs().step(pixels, slope.clone(), 0.0)
    torch.testing.assert_close(((0.5 - pixels) * slope).sum(), descent.sum())


def test_the_first_step_is_not_much_longer_where_the_gradient_has_a_peak() -> None:
    gradient = noise(20, 30)
    gradient[..., 10:12, 10:12] += 100  # without a bound that place moves by a fifth of the range
    pixels = torch.full((1, 3, 20, 30), 0.5)
    Lbfgs().step(pixels, gradient)
    assert 0.05 < float((pixels - 0.5).abs().max()) < 0.061


def test_without_the_guess_the_first_step_has_length_one() -> None:
    pixels = torch.full((1, 3, 20, 30), 0.5)
    Lbfgs(spectral=False).step(pixels, 1e6 * noise(20, 30), 0.0)
    assert float((pixels - 0.5).abs().sum()) == pytest.approx(1, rel=1e-3)


def test_no_slope_is_no_step() -> None:
    pixels = torch.full((1, 3, 20, 30), 0.5)
    Lbfgs().step(pixels, torch.zeros(1, 3, 20, 30))
    assert (pixels == 0.5).all()
