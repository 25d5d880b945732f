"""How steady the frames of a film are when each is painted by itself.

    python benchmarks/steady.py --frames DIR --style starry-night --out benchmarks/results

The warping error of Lai et al. (ECCV 2018): each painted frame is warped onto the one before it,
by the flow of the original frames, and compared where both show the same. The original frames' own
error is the least possible, as the flow is an estimate. Needs
scikit-image. Writes `steady.json`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from stylize import ROOT, machine
from torch import Tensor
from torch.nn import functional as F

import impasto
from impasto.errors import ImpastoError
from impasto.files import atomic
from impasto.image.picture import fit
from impasto.image.reading import read
from impasto.runtime import keep_freed_memory
from impasto.training.photographs import find_pictures

Frame = Float[Tensor, "1 3 h w"]
Flow = Float[Tensor, "1 2 h w"]


def flow(first: Frame, second: Frame) -> Flow:
    """Estimate where each pixel of the first frame is in the second: rows, then columns."""
    from skimage.registration import optical_flow_ilk

    grey = [frame.mean(1)[0].numpy() for frame in (first, second)]
    offsets = optical_flow_ilk(*grey, radius=9)
    return torch.from_numpy(np.asarray(offsets, np.float32))[None]


def warped(frame: Float[Tensor, "1 c h w"], along: Flow) -> Float[Tensor, "1 c h w"]:
    """Warp a frame onto the one that the flow starts from."""
    height, width = frame.shape[-2:]
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    x = 2 * (columns + along[:, 1] + 0.5) / width - 1
    y = 2 * (rows + along[:, 0] + 0.5) / height - 1
    return F.grid_sample(frame, torch.stack([x, y], -1), "bilinear", "border", align_corners=False)


def visible(forward: Flow, back: Flow) -> Bool[Tensor, "1 1 h w"]:
    """Return where forward and back lead near the start (Ruder et al. 2016, section 4.2)."""
    returned = warped(back, forward)
    off = (forward + returned).square().sum(1, keepdim=True)
    length = forward.square().sum(1, keepdim=True) + returned.square().sum(1, keepdim=True)
    return off < 0.01 * length + 0.5


def error(pictures: Sequence[Frame], flows: Sequence[tuple[Flow, Tensor]]) -> float:
    """Return the root mean square over what is visible, the mean over frames."""
    each = []
    for (before, after), (along, mask) in zip(pairwise(pictures), flows, strict=True):
        off = (warped(after, along) - before).square().mean(1, keepdim=True)
        each.append(float((off * mask).sum() / mask.sum().clamp(min=1)) ** 0.5)
    return statistics.fmean(each)


def painters(options: argparse.Namespace) -> Iterator[tuple[str, Callable[[Frame], Frame]]]:
    """Yield what paints a frame, by name."""
    yield "frames themselves", lambda frame: frame
    yield "instant", impasto.instant(options.style, size=options.size)
    if options.trained:
        yield "fast", impasto.fast(options.trained)


def rows(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure every painter's error."""
    frames = [fit(read(path).pixels, options.size) for path in find_pictures(options.frames)]
    flows = []
    for before, after in pairwise(frames):
        forward, back = flow(before, after), flow(after, before)
        flows.append((forward, visible(forward, back)))
    measured = []
    for name, paint in painters(options):
        value = error([paint(frame) for frame in frames], flows)
        measured.append({"painter": name, "warping_error": round(value, 5)})
        print(measured[-1], flush=True)
    return measured


def main() -> None:
    """Read the command line, measure, write the report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--frames", type=Path, required=True, help="a folder of frames, by name")
    parser.add_argument("--style", default="starry-night")
    parser.add_argument("--trained", help="a trained style, FILE.impasto#NAME")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    keep_freed_memory()
    try:
        report = {"style": options.style, "rows": rows(options), "machine": machine()}
        target = options.out / "steady.json"
        atomic.replace(target, (json.dumps(report, indent=2) + "\n").encode(), force=True)
    except ImpastoError as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
