"""What a client asks to be painted, and the job that it becomes.

No path comes from outside: a request names uploads, pictures and styles by their IDs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from impasto.config.bases import PhotoConfig, PictureConfig, StyledConfig
from impasto.config.fields import from_dict
from impasto.config.methods import DoodleConfig, TextureConfig, configs_with
from impasto.config.output import OutputSettings
from impasto.config.presets import expanded
from impasto.config.specs import STARTS
from impasto.config.validation import check_owners, checked_config
from impasto.errors import OptionError, suggestion
from impasto.files.names import LONGEST, safe_name
from impasto.image.formats import WRITTEN
from impasto.networks.trained_metadata import is_trained
from impasto.painting.misplaced import has_card
from impasto.painting.sources import Sources
from impasto.studio.bodies import JobRequest, Value
from impasto.studio.places import Places

__all__ = ["Painting", "library_options", "paintings", "shortened", "single", "study_base"]


@dataclass(frozen=True)
class Painting:
    """One picture of a request.

    Attributes:
        sources: files of the store, and built-in styles.
        config: of its method.
        name: of the picture's file.
        output: how that is written.
    """

    sources: Sources
    config: PictureConfig
    name: str
    output: OutputSettings


def paintings(request: JobRequest, places: Places) -> list[Painting]:
    """Return what a request asks for, checked.

    Raises:
        ImpastoError: something in it cannot be used.
    """
    suffix, output = _output(request.output)
    if request.task == "texture":
        return [_texture(request, places, suffix, output)]
    if request.task == "doodle":
        return [_doodle(request, places, suffix, output)]
    if not request.contents:
        raise OptionError("There is no photograph: add one.")
    if request.each_style and not request.styles:
        raise OptionError("There is no style to paint a picture in: add one.")
    return [_stylized(request, places, suffix, output) for request in single(request)]


def single(request: JobRequest) -> list[JobRequest]:
    """Return the requests of one picture each that a request stands for."""
    if request.task != "stylize":
        return [request]
    blends = [[style] for style in request.styles] if request.each_style else [request.styles]
    return [
        request.model_copy(update={"contents": [ref], "styles": blend, "each_style": False})
        for ref in request.contents
        for blend in blends
    ]


def _stylized(request: JobRequest, places: Places, suffix: str, output: OutputSettings) -> Painting:
    photograph = places.of(request.contents[0])
    styles = tuple(places.style(style) for style in request.styles)
    options = library_options(request.options, places)
    regions = options.get("region", ())
    is_a_card = has_card([style.source for style in styles], regions)
    kinds = configs_with(StyledConfig)
    preset, method = request.preset, request.method
    if method is None and any(is_trained(style.source) for style in styles):
        preset, method = None, "fast"  # the only one that paints in those
    method, options = expanded(preset, method, options, has_card=is_a_card)
    if method not in kinds:
        raise OptionError(
            f"--method is {method!r:.80}{suggestion(method, kinds)} It may be {', '.join(kinds)}."
        )
    check_owners(kinds, method, options, preset)
    has_map = request.content_map is not None
    config = checked_config(kinds[method], options, has_map=has_map, photograph=photograph)
    init = None
    if request.init is not None:
        if "init" not in kinds[method].__dataclass_fields__:
            raise OptionError(f"--init is no option of --method {method}: take gatys.")
        init = places.of(request.init)
    sources = Sources(
        photograph,
        styles,
        init,
        places.of(request.content_map) if request.content_map else None,
        tuple(places.of(ref) for ref in request.style_maps),
    )
    names = "+".join(style.label for style in styles) or "regions"
    name = f"{request.title or photograph.stem}-{names}-{method}"
    return Painting(sources, config, _name(name, suffix), output)


def _texture(request: JobRequest, places: Places, suffix: str, output: OutputSettings) -> Painting:
    options = library_options(request.options, places)
    sides = [options[name] for name in ("width", "height") if name in options]
    if sides and all(isinstance(side, int) for side in sides):
        options.setdefault("size", max(sides))
    config = checked_config(TextureConfig, options)
    styles = tuple(places.style(style) for style in request.styles)
    if not styles:
        raise OptionError("A texture is made from a style: choose one.")
    names = request.title or "+".join(style.label for style in styles)
    return Painting(Sources(styles=styles), config, _name(f"{names}-texture", suffix), output)


def _doodle(request: JobRequest, places: Places, suffix: str, output: OutputSettings) -> Painting:
    if request.content_map is None or len(request.styles) != 1 or len(request.style_maps) != 1:
        raise OptionError("A doodle takes a drawing, one painting, and a map of the painting.")
    config = checked_config(DoodleConfig, library_options(request.options, places))
    style = places.style(request.styles[0])
    sources = Sources(
        styles=(style,),
        content_map=places.of(request.content_map),
        style_maps=(places.of(request.style_maps[0]),),
    )
    name = f"{request.title or 'drawing'}-{style.label}-doodle"
    return Painting(sources, config, _name(name, suffix), output)


def study_base(request: JobRequest, places: Places) -> tuple[Sources, PhotoConfig]:
    """Return the photograph, style and options of which a study changes one.

    Raises:
        ImpastoError: something in it cannot be used.
    """
    if len(request.contents) != 1 or len(request.styles) != 1:
        raise OptionError("A study takes one photograph and one style.")
    kinds = configs_with(PhotoConfig)
    method = request.method or "gatys"
    if method not in kinds:
        raise OptionError(
            f"--method is {method!r:.80}{suggestion(method, kinds)} It may be {', '.join(kinds)}."
        )
    options = {"size": 256, **library_options(request.options, places)}
    check_owners(kinds, method, options)
    photograph = places.of(request.contents[0])
    config = checked_config(kinds[method], options, photograph=photograph)
    return Sources(photograph, (places.style(request.styles[0]),)), config


def library_options(options: dict[str, Value], places: Places) -> dict[str, Any]:
    """Return options as the library takes them, none of which names a file from outside.

    Raises:
        ImpastoError: one does.
    """
    taken: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in options.items()}
    if taken.get("init", STARTS[0]) not in STARTS:
        raise OptionError(
            f"--init is {taken['init']!r:.80}. It may be {', '.join(STARTS)}; a picture is named "
            "by its ID."
        )
    if isinstance(regions := taken.get("region"), tuple):
        taken["region"] = tuple(places.region(text) for text in regions)
    return taken


def _output(options: dict[str, Value]) -> tuple[str, OutputSettings]:
    values = dict(options)
    suffix = str(values.pop("suffix", ".png"))
    if suffix not in WRITTEN:
        raise OptionError(f"The suffix is {suffix!r:.20}. It may be {', '.join(WRITTEN)}.")
    return suffix, from_dict(OutputSettings, values)


def _name(stem: str, suffix: str) -> str:
    return shortened(stem, suffix) + suffix


def shortened(stem: str, suffix: str) -> str:
    """Return the stem of a file's name that any system takes with that suffix."""
    safe = safe_name(stem)
    while len(safe.encode("utf-8", "surrogatepass")) > LONGEST - len(suffix):
        safe = safe[:-1]
    return safe
