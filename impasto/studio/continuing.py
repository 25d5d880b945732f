"""Going on from a picture that is finished, with more iterations."""

from __future__ import annotations

from impasto.config.methods import METHODS
from impasto.studio.bodies import JobRequest, SourceRef
from impasto.studio.rows import PictureRow

__all__ = ["continued"]

_STARTING = ("gatys", "nnst", "mrf")  # methods that start from any picture
_METHOD = "gatys"  # for all others, which lower its loss, or would if they went on
_LENGTHS = ("iterations", "epochs", "steps", "smallest", "init", "evaluations")


def continued(request: JobRequest, picture: PictureRow, iterations: int) -> JobRequest:
    """Return the request of painting a picture further, at its own size alone.

    Coarse scales would undo what is painted already, so there are none.
    """
    method = picture.method if picture.method in _STARTING else _METHOD
    known = METHODS[method].config.__dataclass_fields__
    options = {n: v for n, v in request.options.items() if n in known and n not in _LENGTHS}
    size = max(picture.width, picture.height)
    return request.model_copy(
        update={
            "method": method,
            "preset": None,
            "init": SourceRef(picture=picture.id),
            "options": {**options, "iterations": iterations, "size": size, "smallest": size},
        }
    )
