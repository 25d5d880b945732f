"""What a study needs, checked before any work. Needs no PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from impasto.config.specs import StyleSpec
from impasto.errors import OptionError
from impasto.evaluation.studies.registry import Variant
from impasto.files.names import resolved
from impasto.installation import install_hint
from impasto.painting.preflight import check_sources
from impasto.painting.sources import Sources
from impasto.sheets.plots import check_plots

__all__ = ["check_film", "check_study"]


def check_study(
    variants: Sequence[Variant],
    content: str,
    style: str,
    folder: Path,
    *,
    weights: Path | None = None,
    film: bool = True,
) -> None:
    """Check what a study is made of; pictures by their headers.

    The arguments are the attributes of `run_study.StudySpec`.

    Raises:
        ImpastoError: a library is not installed, a picture or style cannot be used, or one of them
            is in the study's folder.
    """
    check_plots()
    if film:
        check_film()
    starts = [variant.init for variant in variants if variant.init]
    for source in (content, style, *map(str, starts)):
        file = Path(source)
        if file.is_file() and resolved(file).is_relative_to(resolved(folder)):
            raise OptionError(
                f"{source} is in {folder}, where the study's files go. Give another folder "
                "with --out."
            )
    for config, init in {(variant.config, variant.init) for variant in variants}:
        check_sources(Sources(content, (StyleSpec(style),), init, weights=weights), config)


def check_film() -> None:
    """Check that a film can be written.

    Raises:
        OptionError: PyAV is not installed.
    """
    if find_spec("av") is None:
        raise OptionError(
            "A study's film is written with PyAV, which is not installed here. Install it with "
            f"`{install_hint('study')}`, or leave the film out with --no-video."
        )
