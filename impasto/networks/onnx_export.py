"""One style's painter as an ONNX file, which any program can run that has an ONNX runtime.

The file is one, weights and all, and says what it is in its metadata. It is run before it is
written: what another program computes with it was compared with what PyTorch does.
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

from impasto.errors import OptionError, WeightsError
from impasto.features.extractor import Extractor
from impasto.files import atomic
from impasto.networks.decoder import Decoder
from impasto.networks.portable import SMALLEST_SIDE, Portable
from impasto.networks.transport import Target
from impasto.version import __version__

__all__ = ["SUFFIX", "check_libraries", "export"]

SUFFIX = ".onnx"

# Of the graph's operations: as old a version as has all of them, for runtimes that are old too.
_OPSET = 18

# The size that the graph is traced at, and those that it is tried at: odd ones, and one that is
# small enough to be continued by its border instead of a mirror.
_TRACED, _TRIED = (45, 67), ((75, 51), (24, 41))

# How far ONNX Runtime may be from PyTorch: a quarter of a step of an eight-bit picture.
_MOST = 0.25 / 255

_INPUT, _OUTPUT = "photograph", "painting"


def check_libraries() -> None:
    """Fail now if an export would lack a library later.

    Raises:
        OptionError: one is not installed.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as problem:
        raise OptionError(
            f"An ONNX file is made with onnx, onnxscript and onnxruntime, and {problem.name} is "
            "not installed here. Install them with `pip install 'impasto[onnx]'`."
        ) from problem


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
    """Write what paints in one style at one strength as an ONNX file.

    Its input `photograph` is (1, 3, height, width), sRGB from 0 to 1 in float32, of any size from
    `SMALLEST_SIDE` pixels each way; its output `painting` is the same.

    Args:
        extractor: `compact`.
        decoder: the network as the style steers it.
        goals: by level, where a photograph's features are moved.
        about: what else the file's metadata says, such as `style` and `licence`.
        force: replace a file that is there.

    Raises:
        OptionError: a library is not installed.
        WeightsError: the file cannot be written, or ONNX Runtime paints otherwise than PyTorch.
    """
    check_libraries()
    atomic.check_target(path, force=force, error=WeightsError)
    painter = Portable(extractor, decoder, goals, strength)
    data = _described(_traced(painter), {**about, **_facts(strength)}).SerializeToString()
    _try(painter, data)
    atomic.replace(path, data, force=force, error=WeightsError)


def _facts(strength: float) -> dict[str, str]:
    return {
        "strength": f"{strength:g}",
        "impasto_version": __version__,
        "input_range": "sRGB from 0 to 1, float32, (1, 3, height, width)",
        "smallest_side": str(SMALLEST_SIDE),
    }


def _traced(painter: Portable) -> Any:
    """The graph as ONNX's ModelProto, with its height and width left open."""
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
    """Without what PyTorch tells its own developers while it exports."""
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
    """The same, saying what it is, and not how and from which lines of code it was traced."""
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


def _try(painter: Portable, data: bytes) -> None:
    """Paint with ONNX Runtime and with PyTorch, and fail if they differ."""
    import onnxruntime

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    for height, width in _TRIED:
        photograph = _noise(height, width)
        (painted,) = session.run([_OUTPUT], {_INPUT: photograph.numpy()})
        with torch.no_grad():
            off = float((painter(photograph) - torch.from_numpy(painted)).abs().max())
        if not off <= _MOST:
            raise WeightsError(
                f"ONNX Runtime paints a picture of {width}×{height} pixels otherwise than PyTorch: "
                f"they differ by {off:.4f}, and {_MOST:.4f} is allowed. Nothing was written. Try "
                "other versions of onnxruntime and torch."
            )


def _noise(height: int, width: int) -> Float[Tensor, "1 3 h w"]:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))
