"""`impasto live`: a camera or a clip, painted as it is seen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from impasto.cli import options as shared
from impasto.cli.console import print_note, set_quiet
from impasto.cli.flags import with_flags
from impasto.config.fields import from_dict
from impasto.config.live import LiveSettings
from impasto.config.specs import StyleSpec
from impasto.errors import OptionError
from impasto.painting.misplaced import check_style

__all__ = ["live"]

_MOST_CAMERAS = 63


@with_flags(LiveSettings)
def live(
    options: dict[str, Any],
    style: Annotated[
        list[str] | None,
        shared.option(
            "--style",
            "-s",
            metavar="STYLE",
            help="A painting, a style card, the name of a built-in one, or a trained one, "
            "FILE.impasto#NAME. Keys go through all that are given, and then the built-in ones.",
            autocompletion=shared.style_names,
        ),
    ] = None,
    camera: Annotated[
        int | None,
        shared.number(
            "--camera",
            int,
            0,
            _MOST_CAMERAS,
            metavar="N",
            help="Which camera: 0 is the first, and taken where none is named.",
            show_default=False,
        ),
    ] = None,
    file: Annotated[
        str | None,
        shared.option(
            "--file",
            metavar="CLIP",
            help="A film instead of a camera; it is shown again and again.",
        ),
    ] = None,
    quiet: shared.Quiet = False,
) -> None:
    """Paint what a camera or a film shows, as it shows it, in a window.

    Pictures that come too fast are left out, so that none is late. In the window the arrows change
    style and strength, s saves the picture, and q ends it.
    """
    set_quiet(quiet)
    if camera is not None and file is not None:
        raise OptionError("--camera and --file cannot both be painted. Leave one out.")
    settings = from_dict(LiveSettings, options)
    styles = _styles(style or ())
    from impasto.film.libraries import check_libraries

    check_libraries()
    from impasto.cli.live_window import LiveWindow

    window = LiveWindow(styles, settings, Path.cwd())
    try:
        from impasto.film.live_sources import CameraSource, ClipSource

        source = CameraSource(camera or 0) if file is None else ClipSource.of(file)
        print_note("Arrows: style and strength. s: save. q: end.")
        window.show(source)
    finally:
        window.close()


def _styles(given: list[str] | tuple[()]) -> list[StyleSpec]:
    """Return the styles to go through, those that were given first."""
    from impasto.styles import gallery

    first = [StyleSpec.parse(text) for text in given]
    for spec in first:
        check_style(spec.source)
    names = {str(spec.source) for spec in first}
    return [*first, *(StyleSpec(name) for name in gallery.names() if name not in names)]
