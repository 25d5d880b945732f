"""What the classic recipe costs: an independent, plain version of Gatys et al., CVPR 2016.

    python benchmarks/classic.py --content photo.jpg

VGG-19 at its published shapes with random values (they cost what the published ones do), zero
padding, maximum pooling, float32 in PyTorch's default layout with its default allocator; content
at relu4_2, Gram matrices at relu1_1 to relu5_1; L-BFGS with a history of 100; one scale. Time runs
from one evaluation to the next. Nothing of Impasto is used.

With `--save FILE` it only writes its random network under the published names.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

WIDTHS = (64, 64, 0, 128, 128, 0, 256, 256, 256, 256, 0, 512, 512, 512, 512, 0, 512, 512, 512, 512)
# Indices in the sequence below, after the ReLU.
CONTENT = 22  # relu4_2
STYLE = (1, 6, 11, 20, 29)  # relu1_1, 2_1, 3_1, 4_1, 5_1


def vgg19() -> nn.Sequential:
    """Return the convolutions of VGG-19, as torchvision numbers them; a width of 0 is a pooling."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    inputs = 3
    for width in WIDTHS:
        if not width:
            layers.append(nn.MaxPool2d(2, 2))
            continue
        conv = nn.Conv2d(inputs, width, 3, padding=1)
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
        layers += [conv, nn.ReLU()]
        inputs = width
    return nn.Sequential(*layers).requires_grad_(False).eval()


def load(path: Path, width: int, height: int) -> Tensor:
    """Read a picture at a size, normalised as ImageNet is."""
    with Image.open(path) as picture:
        small = picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    pixels = torch.from_numpy(np.array(small)).permute(2, 0, 1)[None].contiguous().float() / 255
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    return (pixels - mean) / std


def features(net: nn.Sequential, x: Tensor) -> dict[int, Tensor]:
    """Return the activations of the compared layers, in one pass that ends at the last of them."""
    activations = {}
    for index, layer in enumerate(list(net)[: STYLE[-1] + 1]):
        x = layer(x)
        if index == CONTENT or index in STYLE:
            activations[index] = x
    return activations


def gram(f: Tensor) -> Tensor:
    """Return co-activations over the number of activations."""
    flat = f.flatten(2)[0]
    return flat @ flat.T / flat.numel()


def time_iterations(content: Tensor, style: Tensor, warm_up: int, measured: int) -> list[float]:
    """Return the seconds of each measured iteration: evaluation, gradient and L-BFGS update."""
    net = vgg19()
    with torch.no_grad():
        content_target = features(net, content)[CONTENT]
        style_features = features(net, style)
        style_targets = {index: gram(style_features[index]) for index in STYLE}
    image = content.clone().requires_grad_()
    starts: list[float] = []

    def closure() -> Tensor:
        starts.append(time.perf_counter())
        optimiser.zero_grad()
        now = features(net, image)
        loss = 5 * F.mse_loss(now[CONTENT], content_target)
        for index, target in style_targets.items():
            loss = loss + 100 * F.mse_loss(gram(now[index]), target)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    # Negative tolerances: it never stops early.
    optimiser = torch.optim.LBFGS(
        [image],
        max_iter=warm_up + measured + 1,
        history_size=100,
        tolerance_grad=-1,
        tolerance_change=-1,
    )
    optimiser.step(closure)  # type: ignore[no-untyped-call]
    return [after - before for before, after in pairwise(starts)][warm_up:]


def peak_megabytes() -> float:
    """Return the peak memory of this process."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def save(path: Path) -> None:
    """Write the random VGG-19 as torchvision names its tensors."""
    from safetensors.torch import save_file

    state = vgg19().state_dict()
    save_file({f"features.{key}": value.contiguous() for key, value in state.items()}, path)


def main() -> None:
    """Read the command line, measure, and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--content", type=Path)
    parser.add_argument("--style", type=Path, help="without it, noise: the cost is the same")
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--height", type=int, default=384)
    parser.add_argument("--warm-up", type=int, default=3)
    parser.add_argument("--measured", type=int, default=6)
    parser.add_argument("--iterations", type=int, default=1000, help="of a complete run")
    parser.add_argument("--save", type=Path, metavar="FILE")
    options = parser.parse_args()
    if options.save:
        save(options.save)
        return
    if not options.content:
        parser.error("--content is needed")
    width, height = options.width, options.height
    content = load(options.content, width, height)
    style = load(options.style, width, height) if options.style else torch.randn_like(content)
    times = time_iterations(content, style, options.warm_up, options.measured)
    each = statistics.median(times)
    figures = {
        "width": width,
        "height": height,
        "iterations": options.iterations,
        "seconds_each": [round(t, 4) for t in times],
        "seconds_per_iteration": round(each, 4),
        "seconds": round(each * options.iterations, 1),
        "peak_megabytes": round(peak_megabytes()),
        "threads": torch.get_num_threads(),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
