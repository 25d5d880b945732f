"""The libraries that an ONNX file is made with. Needs none of them, nor PyTorch."""

from __future__ import annotations

from importlib.util import find_spec

from impasto.errors import OptionError
from impasto.installation import install_hint

__all__ = ["SUFFIX", "check_libraries"]

SUFFIX = ".onnx"

_LIBRARIES = ("onnx", "onnxruntime", "onnxscript")


def check_libraries() -> None:
    """Check that the libraries for an export are installed.

    Raises:
        OptionError: one is not.
    """
    if missing := [name for name in _LIBRARIES if find_spec(name) is None]:
        raise OptionError(
            f"An ONNX file is made with onnx, onnxscript and onnxruntime, and {missing[0]} is "
            f"not installed here. Install them with `{install_hint('onnx')}`."
        )
