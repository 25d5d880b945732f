"""What a client asks to be painted, and the job that it becomes.

No path comes from outside: a request names uploads, pictures and styles by their IDs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from impasto.config.bases import PictureConfig, StyledConfig
from impasto.config.fields import from_dict
from impasto.config.methods import DoodleConfig, TextureConfig, configs_with
from impasto.config.output import OutputSettings
from impasto.config.presets import expanded
from impasto.config.specs import STARTS, RegionSpec, StyleSpec
from impasto.config.validation import check_owners, checked_config
from impasto.errors import OptionError, PictureError, StyleError, suggestion
from impasto.files.names import LONGEST, safe_name
from impasto.image.formats import WRITTEN
from impasto.jobs.queue.store import Store
from impasto.painting.misplaced import has_card
from impasto.painting.sources import Sources
from impasto.studio.records import Records
from impasto.styles import gallery

__all__ = ["JobRequest", "LookRequest", "Painting", "Places", "SourceRef", "StyleRef", "paintings"]

_KEY = r"^[0-9a-f]{16}$"
_MOST = 256  # photographs of one request
_UPLOAD = re.compile(r"UPLOAD:([0-9a-f]{16})")

Value = bool | int | float | str | list[str]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SourceRef(_Body):
    """A picture of the user's: an upload, or one that was painted here."""

    upload: str | None = Field(default=None, pattern=_KEY)
    picture: str | None = Field(default=None, pattern=_KEY)


class StyleRef(_Body):
    """A style by its ID, or an upload; how much of it, and on which layers."""

    style: str | None = Field(default=None, max_length=200)
    upload: str | None = Field(default=None, pattern=_KEY)
    weight: float = Field(1.0, ge=0, le=1e6)
    use: Literal["", "fine", "coarse"] = ""


class JobRequest(_Body):
    """What is to be painted: a picture for each photograph, each a job."""

    task: Literal["stylize", "texture", "doodle"] = "stylize"
    contents: list[SourceRef] = Field(default_factory=list, max_length=_MOST)
    styles: list[StyleRef] = Field(default_factory=list, max_length=32)
    method: str | None = Field(default=None, max_length=40)
    preset: str | None = Field(default=None, max_length=40)
    options: dict[str, Value] = Field(default_factory=dict, max_length=64)
    content_map: SourceRef | None = None
    style_maps: list[SourceRef] = Field(default_factory=list, max_length=32)
    init: SourceRef | None = None
    output: dict[str, Value] = Field(default_factory=dict, max_length=16)
    title: str | None = Field(default=None, max_length=200)


class LookRequest(_Body):
    """What a photograph would look like, at a small size and at once."""

    content: SourceRef
    styles: list[StyleRef] = Field(default_factory=list, max_length=32)
    options: dict[str, Value] = Field(default_factory=dict, max_length=64)
    content_map: SourceRef | None = None
    size: int = Field(512, ge=64, le=1024)


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


class Places:
    """Where a user's files are.

    Args:
        owner: the user.
    """

    def __init__(self, owner: str, records: Records, store: Store) -> None:
        self._owner, self._records, self._store = owner, records, store

    def of(self, ref: SourceRef) -> Path:
        """Return the file of a picture.

        Raises:
            PictureError: the user has none of that ID.
        """
        if (ref.upload is None) == (ref.picture is None):
            raise PictureError(
                "A picture is named by the ID of an upload, or by that of a picture."
            )
        if ref.upload is not None:
            return self.upload(ref.upload)
        row = self._records.picture(self._owner, str(ref.picture))
        if row is None or row.removed is not None:
            raise PictureError(f"There is no picture {ref.picture!r}: it was deleted, perhaps.")
        return self._store.path / row.place

    def upload(self, id: str) -> Path:
        """Return the file of an upload.

        Raises:
            PictureError: the user has none of that ID.
        """
        row = self._records.upload(self._owner, id)
        if row is None:
            raise PictureError(f"There is no upload {id!r}: send the file again.")
        return self._store.path / Store.place(row.digest, row.name)

    def style(self, ref: StyleRef) -> StyleSpec:
        """Return a style.

        Raises:
            ImpastoError: the user has none of that ID.
        """
        layers = ref.use or "all"
        if (ref.style is None) == (ref.upload is None):
            raise StyleError("A style is named by its ID, or by that of an upload.")
        if ref.upload is not None:
            return StyleSpec(str(self.upload(ref.upload)), ref.weight, layers)
        return StyleSpec(self._named(str(ref.style)), ref.weight, layers)

    def region(self, text: str) -> str:
        """Return a region as the library takes it, with the file of an upload in it.

        Raises:
            ImpastoError: it names no style that the user has.
        """
        colour, equals, action = text.partition("=")
        if match := _UPLOAD.match(action):
            return f"{colour}{equals}{self.upload(match[1])}{action[match.end() :]}"
        spec = RegionSpec.parse(text)
        return str(replace(spec, style=self._named(spec.style)) if spec.style else spec)

    def _named(self, id: str) -> str:
        """Return a built-in style's name, or the file of an own one."""
        if id in gallery.names():
            return id
        for row in self._records.styles(self._owner):
            if row.id == id:
                return str(self.upload(row.upload))
        raise StyleError(f"There is no style {id!r:.80}{suggestion(id, gallery.names())}")


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
    return [_stylized(request, ref, places, suffix, output) for ref in request.contents]


def _stylized(
    request: JobRequest, ref: SourceRef, places: Places, suffix: str, output: OutputSettings
) -> Painting:
    photograph = places.of(ref)
    styles = tuple(places.style(style) for style in request.styles)
    options = _options(request.options, places)
    regions = options.get("region", ())
    is_a_card = has_card([style.source for style in styles], regions)
    kinds = configs_with(StyledConfig)
    method, options = expanded(request.preset, request.method, options, has_card=is_a_card)
    if method not in kinds:
        raise OptionError(
            f"--method is {method!r:.80}{suggestion(method, kinds)} It may be {', '.join(kinds)}."
        )
    check_owners(kinds, method, options, request.preset)
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
    options = _options(request.options, places)
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
    config = checked_config(DoodleConfig, _options(request.options, places))
    style = places.style(request.styles[0])
    sources = Sources(
        styles=(style,),
        content_map=places.of(request.content_map),
        style_maps=(places.of(request.style_maps[0]),),
    )
    name = f"{request.title or 'drawing'}-{style.label}-doodle"
    return Painting(sources, config, _name(name, suffix), output)


def _options(options: dict[str, Value], places: Places) -> dict[str, Any]:
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
    safe = safe_name(stem)
    while len(safe.encode("utf-8", "surrogatepass")) > LONGEST - len(suffix):
        safe = safe[:-1]
    return safe + suffix
