"""The networks that `compact` learns from."""

from __future__ import annotations

from pathlib import Path

import torch

from impasto.errors import WeightsError
from impasto.features.backbones import COMPACT_LIFTS
from impasto.features.checkpoint import read_tensors
from impasto.features.extractor import Extractor
from impasto.features.plan import vgg
from impasto.features.weights import load

__all__ = ["load_teacher"]


def load_teacher(source: str) -> Extractor:
    """Load the teacher: `vgg19` from its cached weights, or the compressed one from a file.

    Raises:
        WeightsError: the weights are missing or not those of a teacher.
    """
    return load("vgg19") if source == "vgg19" else _compressed(Path(source))


def _compressed(path: Path) -> Extractor:
    """Read VGG-19 in a sixteenth of its weights (Wang et al., CVPR 2020) from its safetensors.

    Its first convolution, 1×1, does the normalisation; it is folded into `conv1_1`. Its names
    `conv42` and `conv41_aux` become `conv4_2` and the lift of `relu4_1`.
    """
    state = read_tensors(path)
    teacher = Extractor(
        vgg((16, 16), (32, 32), (64,) * 4, (128,) * 4, (128,)),
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        padding="reflect",
        lifts=COMPACT_LIFTS,
    )
    try:
        normalise_w, normalise_b = state.pop("conv0.weight"), state.pop("conv0.bias")
        first = state["conv11.weight"]
        state["conv11.bias"] = state["conv11.bias"] + torch.einsum("oikl,i->o", first, normalise_b)
        state["conv11.weight"] = torch.einsum("oikl,ij->ojkl", first, normalise_w[:, :, 0, 0])
        teacher.load_state_dict({_our_name(key): value for key, value in state.items()})
    except (KeyError, RuntimeError) as error:
        raise WeightsError(f"{path} does not hold the compressed VGG-19 teacher: {error}") from None
    return teacher.requires_grad_(False).eval()


def _our_name(key: str) -> str:
    layer, kind = key.rsplit(".", 1)
    stage, number = layer[4], layer[5]
    if layer.endswith("_aux"):
        return f"lifts.relu{stage}_{number}.{kind}"
    return f"convs.conv{stage}_{number}.{kind}"
