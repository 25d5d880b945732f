"""Colours by code points of ITU-T H.273, against the standards' formulas and tables."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from impasto.image import primaries, tone_mapping, transfers
from impasto.image.cicp import CodePoints, to_srgb
from impasto.image.gamut import encoded

PQ, HLG = 16, 18


def pq_code(light: float) -> float:
    """The inverse EOTF of BT.2100, table 4."""
    y = (light / 10_000) ** 0.1593017578125
    return float(((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375)


def srgb_code(light: float) -> float:
    return 12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055


def camera(a: float, slope: float, edge: float) -> Callable[[float], float]:
    return lambda light: slope * light if light < edge else (1 + a) * light**0.45 - a


def grey(code: float, like: type = np.float32) -> np.ndarray:
    value = like(code) if like is np.float32 else like(round(code * np.iinfo(like).max))
    return np.full((2, 3, 3), value, like)


def test_pq_is_in_candelas() -> None:
    assert transfers.from_pq(np.array([0.5081])) == pytest.approx(100, rel=0.002)
    assert transfers.from_pq(np.array([1.0])) == pytest.approx(10_000)
    assert transfers.from_pq(np.array([0.0])) == 0
    for light in (0.01, 1, 203, 4000):
        assert transfers.from_pq(np.array([pq_code(light)])) == pytest.approx(light, rel=1e-5)
        assert transfers.to_pq(np.array([float(light)])) == pytest.approx(pq_code(light))


# BT.2408, table 1: cd/m² on a display of 1000 cd/m², and per cent of HLG and PQ.
@pytest.mark.parametrize(("light", "hlg", "pq"), [(26, 38, 38), (162, 71, 56), (203, 75, 58)])
def test_reference_levels(light: float, hlg: float, pq: float) -> None:
    scene = transfers.CURVES[HLG](grey(hlg / 100))
    shown = transfers.hlg_light(scene, primaries.luminance(primaries.BT2020))
    tolerance = light * 0.06  # the table's per cents have no decimals
    assert np.allclose(shown, light, atol=tolerance)
    assert transfers.from_pq(np.array([pq / 100])) == pytest.approx(light, abs=tolerance)


CAMERAS: dict[int, Callable[[float], float]] = {
    7: camera(0.1115, 4, 0.0228),
    **dict.fromkeys((1, 6, 14, 15), srgb_code),  # as screens show them
    4: lambda light: light ** (1 / 2.2),
    5: lambda light: light ** (1 / 2.8),
    8: lambda light: light,
    9: lambda light: 1 + math.log10(light) / 2,
    10: lambda light: 1 + math.log10(light) / 2.5,
    13: srgb_code,
    17: lambda light: (48 * light / 52.37) ** (1 / 2.6),
}


@pytest.mark.parametrize("transfer", CAMERAS)
@pytest.mark.parametrize("light", [0.0125, 0.18, 0.75])
@pytest.mark.parametrize("kind", [np.float32, np.uint16])
def test_sdr_curves(transfer: int, light: float, kind: type) -> None:
    pixels = to_srgb(grey(CAMERAS[transfer](light), kind), CodePoints(1, transfer), "a")
    assert pixels.dtype == np.float32
    assert np.allclose(pixels, srgb_code(light), atol=3e-4)


def test_words_of_fewer_bits() -> None:
    pixels = to_srgb(np.full((2, 2, 3), 512, np.uint16), CodePoints(1, 8), "a", bits=10)
    assert np.allclose(pixels, srgb_code(512 / 1023), atol=1e-5)


@pytest.mark.parametrize("bits", [8, 16])
def test_narrow_range(bits: int) -> None:
    kind, scale = (np.uint8, 1) if bits == 8 else (np.uint16, 256)
    levels = np.array([[[16 * scale, 126 * scale, 235 * scale]] * 2], kind)
    pixels = to_srgb(levels, CodePoints(1, 13, is_full_range=False), "a")
    assert np.allclose(pixels[0, 0], [0, 110 / 219, 1], atol=1e-6)


def test_matrix_of_bt2020() -> None:
    """BT.2407, section 2."""
    right = [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]
    assert np.allclose(primaries.matrix(primaries.BT2020, primaries.BT709), right, atol=1e-4)


@pytest.mark.parametrize("code", primaries.PRIMARIES)
def test_white_stays_white(code: int) -> None:
    pixels = to_srgb(grey(0.5), CodePoints(code, 13), "a")
    assert np.allclose(pixels, 0.5, atol=1e-3)


def test_colours_of_display_p3() -> None:
    """The P3 values of an sRGB colour, as CSS Color 4 converts them, give that colour."""
    p3 = np.array([[[0.4584, 0.4985, 0.9240]] * 2], np.float32)  # of cornflower blue's neighbour
    linear = transfers.srgb(p3.astype(np.float64))
    to_709 = np.array([
        [1.2249402, -0.2249402, 0.0],
        [-0.0420570, 1.0420570, 0.0],
        [-0.0196376, -0.0786361, 1.0982736],
    ])  # fmt: skip
    right = [srgb_code(v) for v in to_709 @ linear[0, 0]]
    assert np.allclose(to_srgb(p3, CodePoints(12, 13), "a")[0, 0], right, atol=1e-4)


def test_degenerate_primaries_are_refused() -> None:
    line = primaries.Primaries((0.1, 0.1), (0.2, 0.2), (0.3, 0.3))
    dark = primaries.Primaries((0.6, 0.3), (0.3, 0.6), (0.1, 0.1), (0.3, 0.0))
    for bad in (line, dark):
        with pytest.raises(ValueError, match="Primaries"):
            primaries.matrix(bad, primaries.BT709)


def hue(light: np.ndarray) -> np.ndarray:
    """Oklab's, in radians."""
    lms = np.cbrt(light @ np.array([
        [0.4122214708, 0.2119034982, 0.0883024619],
        [0.5363325363, 0.6806995451, 0.2817188376],
        [0.0514459929, 0.1073969566, 0.6299787005],
    ]))  # fmt: skip
    a = lms @ [1.9779984951, -2.4285922050, 0.4505937099]
    b = lms @ [0.0259040371, 0.7827717662, -0.8086757660]
    angle: np.ndarray = np.arctan2(b, a)
    return angle


def test_colours_beyond_srgb_keep_their_hue() -> None:
    draw = np.random.default_rng(0).uniform(0, 1, (40, 50, 3))
    wide = (draw @ primaries.matrix(primaries.BT2020, primaries.BT709).T).astype(np.float32)
    beyond = ((wide < -0.02) | (wide > 1.02)).any(axis=-1)
    assert beyond.mean() > 0.3
    result = encoded(wide)
    assert result.min() >= 0
    assert result.max() <= 1
    turned = hue(transfers.srgb(result.astype(np.float64))) - hue(wide.astype(np.float64))
    turned = np.abs((turned + np.pi) % (2 * np.pi) - np.pi)[beyond]
    clipped = hue(np.clip(wide, 1e-6, 1).astype(np.float64)) - hue(wide.astype(np.float64))
    clipped = np.abs((clipped + np.pi) % (2 * np.pi) - np.pi)[beyond]
    assert turned.max() < 0.02 < clipped.max()


def method_a(light: float, peak: float) -> float:
    """SDR's signal of a grey by BT.2446-1, section 4.2, before its gamma."""
    p_hdr, p_sdr = 1 + 32 * (peak / 10_000) ** (1 / 2.4), 1 + 32 * (100 / 10_000) ** (1 / 2.4)
    p = math.log(1 + (p_hdr - 1) * (light / peak) ** (1 / 2.4)) / math.log(p_hdr)
    if p <= 0.7399:
        c = 1.077 * p
    elif p < 0.9909:
        c = -1.1510 * p**2 + 2.7811 * p - 0.6302
    else:
        c = 0.5 * p + 0.5
    return float((p_sdr**c - 1) / (p_sdr - 1))


@pytest.mark.parametrize("light", [0.5, 26, 203, 600])
def test_hdr_greys(light: float) -> None:
    """In a picture that reaches 1000 cd/m²."""
    values = np.full((20, 20, 3), pq_code(1000), np.float32)
    values[:5] = pq_code(light)
    pixels = to_srgb(values, CodePoints(9, PQ), "a")
    assert np.allclose(pixels[10:], 1, atol=0.002)
    assert np.allclose(pixels[:5], srgb_code(method_a(light, 1000) ** 2.4), atol=0.002)


def test_hlg_and_pq_of_the_same_light_are_alike() -> None:
    codes = np.linspace(0.05, 1, 40, dtype=np.float32).repeat(3).reshape(1, 40, 3)
    scene = transfers.CURVES[HLG](codes)
    light = transfers.hlg_light(scene, primaries.luminance(primaries.BT2020))
    hlg = to_srgb(codes, CodePoints(9, HLG), "a")
    pq = to_srgb(transfers.to_pq(light).astype(np.float32), CodePoints(9, PQ), "a")
    assert np.allclose(hlg, pq, atol=2e-3)
    assert (np.diff(hlg[0, :, 0]) > 0).all()


def test_the_brightest_does_not_darken_what_is_dark() -> None:
    """Light beyond 1000 cd/m² is rolled off, so that greys stay as they are beside 1000."""
    values = np.full((20, 20, 3), pq_code(50), np.float32)
    results = []
    for top in (1000, 9000):
        values[:2] = pq_code(top)
        results.append(to_srgb(values, CodePoints(9, PQ), "a"))
    assert np.allclose(results[0][5:], results[1][5:], atol=0.005)
    assert np.allclose(results[1][:2], 1, atol=0.002)


def test_lights_beyond_1000_candelas_differ() -> None:
    values = np.full((1, 50, 3), pq_code(9000), np.float32)
    lights = [500, 1000, 1500, 3000]
    values[0, :4] = np.array([pq_code(light) for light in lights])[:, None]
    pixels = to_srgb(values, CodePoints(9, PQ), "a")[0, :5, 0]
    assert (np.diff(pixels) > 0.004).all()
    assert pixels[4] == pytest.approx(1, abs=0.002)


def test_a_dark_picture_stays_dark() -> None:
    pixels = to_srgb(grey(pq_code(1)), CodePoints(9, PQ), "a")
    assert np.allclose(pixels, srgb_code(method_a(1, tone_mapping.LEAST_PEAK) ** 2.4), atol=0.002)
    assert pixels.max() < 0.25


def test_hdr_is_noted(caplog: pytest.LogCaptureFixture) -> None:
    to_srgb(grey(pq_code(600)), CodePoints(9, PQ), "photo.avif")
    assert "photo.avif has a high dynamic range (PQ, up to 600 cd/m²)" in caplog.text
    assert "BT.2446" in caplog.text


def test_large_pictures_are_converted_alike() -> None:
    """Beyond the pixels of a band."""
    draw = np.random.default_rng(0).integers(0, 256, (700, 900, 3), dtype=np.uint8)
    whole = to_srgb(draw, CodePoints(9, 14), "a")
    assert np.array_equal(whole[-3:], to_srgb(draw[-3:], CodePoints(9, 14), "a"))
    assert np.array_equal(whole[289:293], to_srgb(draw[289:293], CodePoints(9, 14), "a"))


def test_what_is_srgb() -> None:
    assert CodePoints().is_srgb
    assert CodePoints(2, 2).is_srgb
    assert CodePoints(1, 1).is_srgb
    assert not CodePoints(9, 1).is_srgb
    assert not CodePoints(12, 13).is_srgb
    assert not CodePoints(1, 13, is_full_range=False).is_srgb
    assert CodePoints(9, PQ).is_hdr
    assert CodePoints(12, HLG).is_hdr
    assert not CodePoints(9, 14).is_hdr


def test_reserved_code_points_count_as_srgb(caplog: pytest.LogCaptureFixture) -> None:
    pixels = to_srgb(grey(0.4), CodePoints(99, 250), "a")
    assert np.allclose(pixels, 0.4, atol=1e-6)
    assert "colour primaries, code 99" in caplog.text
    assert "transfer curve, code 250" in caplog.text
    caplog.clear()
    to_srgb(grey(0.4), CodePoints(2, 2), "a")
    assert not caplog.text
