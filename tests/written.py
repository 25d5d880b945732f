"""Pictures of kinds that only their extras read, written for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile

__all__ = ["write_dng", "write_heic"]

Tags = list[tuple[int | str, int | str, int | None, Any, bool]]

WHITE = 16383
NEUTRAL = (0.5, 1.0, 0.8)  # what the sensor sees of grey


def _ratios(*numbers: float) -> tuple[int, ...]:
    return tuple(part for number in numbers for part in (round(number * 10_000), 10_000))


def write_dng(path: Path, colours: np.ndarray, orientation: int = 1) -> Path:
    """A Bayer DNG (1.4) of linear light in [0, 1], sRGB's primaries, after a preview."""
    height, width, _ = colours.shape
    sensor = colours * NEUTRAL
    mosaic = np.empty((height, width))
    for y, x, channel in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2)):
        mosaic[y::2, x::2] = sensor[y::2, x::2, channel]
    to_camera = np.diag(NEUTRAL) @ np.array([  # XYZ (D65) → linear sRGB → camera
        [3.2406, -1.5372, -0.4986],
        [-0.9689, 1.8758, 0.0415],
        [0.0557, -0.2040, 1.0570],
    ])  # fmt: skip
    camera: Tags = [
        (274, 3, 1, orientation, True),
        (50706, 1, 4, (1, 4, 0, 0), True),
        (50707, 1, 4, (1, 1, 0, 0), True),
        (50708, 2, 0, "Impasto Test", True),
        (50721, 10, 9, _ratios(*to_camera.ravel()), True),
        (50728, 5, 3, _ratios(*NEUTRAL), True),
        (50778, 3, 1, 21, True),  # the matrix is for D65
    ]
    mosaics: Tags = [
        (33421, 3, 2, (2, 2), True),
        (33422, 1, 4, (0, 1, 1, 2), True),
        (50717, 4, 1, WHITE, True),
    ]
    with tifffile.TiffWriter(path, byteorder="<") as file:
        preview = np.zeros((8, 12, 3), np.uint8)
        file.write(
            preview, photometric="rgb", subifds=1, subfiletype=1, extratags=camera, metadata=None
        )
        file.write(
            (mosaic * WHITE).round().astype(np.uint16),
            photometric=32803,
            extratags=mosaics,
            metadata=None,
        )
    return path


def write_heic(path: Path, values: np.ndarray, bits: int, **options: object) -> Path:
    """A HEIC without loss, of bytes for 8 bits and of words for more."""
    import pillow_heif

    height, width, channels = values.shape
    mode = ("RGB" if channels == 3 else "RGBA") + (";16" if bits > 8 else "")
    data = values if bits == 8 else values.astype(np.uint16)
    image = pillow_heif.from_bytes(mode, (width, height), data.tobytes())
    image.save(path, quality=-1, chroma=444, matrix_coefficients=0, **options)
    return path
