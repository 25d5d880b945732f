"""Read a backbone's state from a file, ours or torchvision's, and check it."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from impasto.errors import WeightsError
from impasto.features.backbones import BACKBONES, Backbone
from impasto.features.plan import Conv, relu_name
from impasto.files import limits

__all__ = ["MAX_BYTES", "read_state", "read_tensors", "shapes", "torchvision_names"]

MAX_BYTES = 2**31
"""The largest file of weights that is read; VGG-19's has 575 MB."""

Shape = tuple[int, ...]

# How PyTorch says that a pickle asks for more than tensors; damaged ones are refused otherwise.
_REFUSAL = re.compile(r"unsupported global|can only (build|create)|call reduce", re.IGNORECASE)


def shapes(spec: Backbone) -> dict[str, Shape]:
    """Return the keys and shapes of the state of an `Extractor` with this backbone's plan."""
    keys: dict[str, Shape] = {}
    for op in spec.plan:
        if not isinstance(op, Conv):
            continue
        keys[f"convs.{op.name}.weight"] = (op.outputs, op.inputs, op.kernel, op.kernel)
        keys[f"convs.{op.name}.bias"] = (op.outputs,)
        if (width := spec.lifts.get(relu_name(op.name))) is not None:
            keys[f"lifts.{relu_name(op.name)}.weight"] = (width, op.outputs, 1, 1)
            keys[f"lifts.{relu_name(op.name)}.bias"] = (width,)
    return keys


def torchvision_names(spec: Backbone) -> dict[str, str]:
    """Map torchvision's keys to ours: `features.28.weight` → `convs.conv5_1.weight` for VGG-19.

    There a backbone is an `nn.Sequential` whose ReLUs and poolings are counted too.
    """
    names: dict[str, str] = {}
    index = 0
    for op in spec.plan:
        if isinstance(op, Conv):
            for kind in ("weight", "bias"):
                names[f"features.{index}.{kind}"] = f"convs.{op.name}.{kind}"
            index += 1  # its ReLU
        index += 1
    return names


def read_state(spec: Backbone, path: Path) -> dict[str, Tensor]:
    """Read the state of an `Extractor` with this backbone's plan, in float32, on the processor.

    Args:
        path: `.pth`, `.pt` or `.safetensors` with torchvision's keys or with ours. The classifier
            is dropped.

    Raises:
        WeightsError: the file is missing or damaged, or it holds code, another network or values
            that are not finite.
    """
    tensors = read_tensors(path)
    state = _rename(spec, tensors)
    _check_shapes(spec, state, tensors, path)
    state = {key: tensor.float() for key, tensor in state.items()}
    for key, tensor in state.items():
        if not tensor.isfinite().all():
            raise WeightsError(
                f"{path} holds values in {key!r} that are infinite or not a number, so nothing can "
                f"be computed with it. Get the file of {spec.name} again."
            )
    return state


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read the named tensors of a `.pth`, `.pt` or `.safetensors` file; no code in it is run.

    Raises:
        WeightsError: it is missing, damaged or holds anything else.
    """
    limits.check(path, MAX_BYTES, WeightsError)
    suffix = path.suffix.lower()
    if suffix not in {".pth", ".pt", ".safetensors"}:
        raise WeightsError(
            f"{path} is neither a .pth (or .pt) nor a .safetensors file, the two kinds of weights "
            "that can be read. Give the file its right ending, or another file."
        )
    if suffix == ".safetensors":
        limits.check_tensors(path, MAX_BYTES, WeightsError)
        return _read_safetensors(path)
    _check_archive(path)
    return _read_pickle(path)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except Exception as error:  # for example a KeyError for an unknown type
        is_clear = isinstance(error, SafetensorError | OSError)
        raise _damaged(path, str(error) if is_clear else "not valid safetensors") from None


def _check_archive(path: Path) -> None:
    """Refuse a `.pth` that unpacks to too much: PyTorch stores without compression."""
    try:
        if not zipfile.is_zipfile(path):  # PyTorch's older format
            return
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except Exception as error:  # damaged archives raise all kinds of errors
        raise _damaged(path, limits.short_message(error)) from None
    if size > MAX_BYTES:
        raise WeightsError(
            f"{path} unpacks to {size:,} bytes; at most {MAX_BYTES:,} are read. Check that it is "
            "the right file."
        )


def _read_pickle(path: Path) -> dict[str, Tensor]:
    try:
        content: object = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        if _REFUSAL.search(str(error)):
            raise WeightsError(
                f"{path} holds Python objects or code beside its weights, which Impasto never "
                "runs. Give a file with tensors only, as `torch.save(model.state_dict(), FILE)` "
                "writes, or a .safetensors file."
            ) from None
        raise _damaged(path, "not a valid pickle") from None
    except Exception as error:  # a damaged pickle raises all kinds of errors
        is_clear = isinstance(error, RuntimeError | OSError)
        raise _damaged(path, str(error) if is_clear else "not a valid pickle") from None
    if isinstance(content, dict) and all(isinstance(x, Tensor) for x in content.values()):
        return {str(key): tensor for key, tensor in content.items()}
    raise WeightsError(
        f"{path} holds a {type(content).__name__} with other things than named tensors. Give a "
        "file with those only, as `torch.save(model.state_dict(), FILE)` writes."
    )


def _damaged(path: Path, reason: str) -> WeightsError:
    reason = limits.short_message(reason.split("\n", 1)[0][:100]) or "it ends too early"
    return WeightsError(
        f"{path} cannot be read: it is damaged, cut short or of another kind than its ending says "
        f"({reason}). Get the file again."
    )


def _rename(spec: Backbone, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename torchvision's keys, if these they are, to ours, without the classifier."""
    published = {k: v for k, v in tensors.items() if k.startswith("features.")}
    if not published:
        return tensors
    names = torchvision_names(spec)
    return {names.get(key, key): tensor for key, tensor in published.items()}


def _fits(spec: Backbone, state: dict[str, Tensor]) -> bool:
    floating = all(tensor.is_floating_point() for tensor in state.values())
    return floating and {k: tuple(v.shape) for k, v in state.items()} == shapes(spec)


def _check_shapes(
    spec: Backbone, state: dict[str, Tensor], tensors: dict[str, Tensor], path: Path
) -> None:
    if _fits(spec, state):
        return
    for other in BACKBONES.values():
        if _fits(other, _rename(other, tensors)):
            reason = f"it holds those of {other.name}"
            break
    else:
        reason = _difference(spec, state)
    raise WeightsError(
        f"{path} does not hold the weights of {spec.name}: {reason}. Give torchvision's file of "
        f"{spec.name}, or one that Impasto wrote for it."
    )


def _difference(spec: Backbone, state: dict[str, Tensor]) -> str:
    """Describe the first difference of a state from what the backbone needs."""
    expected = shapes(spec)
    labels = {
        new: f"{new!r} ({old!r} in torchvision)" for old, new in torchvision_names(spec).items()
    }
    if missing := [key for key in expected if key not in state]:
        content = f"it holds {next(iter(state))!r}" if state else "it holds no tensor"
        return f"{labels.get(missing[0], repr(missing[0]))} is missing, {content}"
    if extra := [key for key in state if key not in expected]:
        return f"{extra[0]!r} has no place in it"
    for key, shape in expected.items():
        if tuple(state[key].shape) != shape:
            actual = "×".join(map(str, state[key].shape)) or "a single number"
            return f"{key!r} is {actual} where {'×'.join(map(str, shape))} is needed"
    key = next(k for k, v in state.items() if not v.is_floating_point())
    return f"{key!r} is of type {state[key].dtype}, not floating point"
