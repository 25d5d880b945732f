"""Exporting a network for one style as an ONNX file, for any program with an ONNX runtime.

A single file holds the weights and describes itself in its metadata. Before it is written, ONNX
Runtime runs it, and the result is compared with PyTorch's.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from impasto.errors import WeightsError
from impasto.features.extractor import Extractor
from impasto.files import atomic
from impasto.networks.decoder import SMALLEST_SIDE, Decoder
from impasto.networks.onnx_libraries import check_libraries
from impasto.networks.portable import Portable
from impasto.networks.transport import Target
from impasto.version import __version__

__all__ = ["export"]

# The oldest version that has all of the graph's operations, for old runtimes.
_OPSET = 18

# The size that the graph is traced at, and those that it is tested with: odd ones, and one that is
# small enough to be extended by its border instead of mirrored.
_TRACED, _TRIED = (45, 67), ((75, 51), (24, 41))

# The largest difference allowed between ONNX Runtime and PyTorch: a quarter of an 8-bit step.
_MOST = 0.25 / 255

_INPUT, _OUTPUT = "photograph", "painting"


def export(
    path: Path,
    *,
    extractor: Extractor,
    decoder: Decoder,
    goals: Mapping[str, Target],
    strength: float,
    about: Mapping[str, str],
    force: bool = False,
) -> None:
    """Write the network for one style at one strength as an ONNX file.

    Its input `photograph` is (1, 3, height, width), sRGB from 0 to 1 in float32, of any size from
    `SMALLEST_SIDE` pixels each way; its output `painting` is the same.

    Args:
        extractor: `compact`.
        decoder: the network as the style steers it.
        goals: by level, where a photograph's features are moved.
        about: further metadata, such as `style` and `licence`.
        force: replace an existing file.

    Raises:
        OptionError: a library is not installed.
        WeightsError: the file cannot be written, or ONNX Runtime paints differently from PyTorch.
    """
    check_libraries()
    atomic.check_target(path, force=force, error=WeightsError)
    painter = Portable(extractor, decoder, goals, strength)
    data = _described(_traced(painter), {**about, **_facts(strength)}).SerializeToString()
    _check(painter, data)
    atomic.replace(path, data, force=force, error=WeightsError)


def _facts(strength: float) -> dict[str, str]:
    return {
        "strength": f"{strength:g}",
        "impasto_version": __version__,
        "input_range": "sRGB from 0 to 1, float32, (1, 3, height, width)",
        "smallest_side": str(SMALLEST_SIDE),
    }


def _traced(painter: Portable) -> Any:
    """Return the graph as ONNX's ModelProto, with free height and width."""
    free = {2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
    with _quiet():
        program = torch.onnx.export(
            painter,
            (_noise(*_TRACED),),
            input_names=[_INPUT],
            output_names=[_OUTPUT],
            opset_version=_OPSET,
            dynamo=True,
            dynamic_shapes=(free,),
            verbose=False,
        )
    assert program is not None
    return program.model_proto


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress what PyTorch logs for its developers during an export."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        log.setLevel(logging.ERROR)
        try:
            yield
        finally:
            log.setLevel(level)


def _described(model: Any, about: Mapping[str, str]) -> Any:
    """Add metadata to a model, and remove that of the lines of code it was traced from."""
    from onnx.helper import set_model_props

    graph = model.graph
    del graph.value_info[:], graph.metadata_props[:]
    for part in (*graph.node, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("doc_string")
        del part.metadata_props[:]
    for value in (graph.input[0], graph.output[0]):
        _, _, height, width = value.type.tensor_type.shape.dim
        height.dim_param, width.dim_param = "height", "width"
    model.producer_name, model.producer_version = "impasto", __version__
    set_model_props(model, dict(about))
    return model


def _check(painter: Portable, data: bytes) -> None:
    """Check that ONNX Runtime and PyTorch paint the same."""
    import onnxruntime

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    for height, width in _TRIED:
        photograph = _noise(height, width)
        (painted,) = session.run([_OUTPUT], {_INPUT: photograph.numpy()})
        with torch.no_grad():
            difference = float((painter(photograph) - torch.from_numpy(painted)).abs().max())
        if not difference <= _MOST:
            raise WeightsError(
                f"ONNX Runtime paints a picture of {width}×{height} pixels differently from "
                f"PyTorch: they differ by {difference:.4f}, and {_MOST:.4f} is allowed. Nothing "
                "was written. Try other versions of onnxruntime and torch."
            )


def _noise(height: int, width: int) -> Float[Tensor, "1 3 h w"]:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))
