"""What clients ask for: the bodies of requests, each checked for its shape alone."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from impasto.studio.texts import PlainText

__all__ = ["JobRequest", "LiveRequest", "LookRequest", "SourceRef", "StyleRef", "Value"]

_KEY = r"^[0-9a-f]{16}$"
_MOST = 256  # photographs of one request

Value = bool | int | float | str | list[str]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SourceRef(_Body):
    """A picture of the user's: an upload, or one that was painted here."""

    upload: str | None = Field(default=None, pattern=_KEY)
    picture: str | None = Field(default=None, pattern=_KEY)


class StyleRef(_Body):
    """A style by its ID, or an upload; how much of it, and on which layers.

    Attributes:
        part: which of the styles in an upload of trained ones.
    """

    style: str | None = Field(default=None, max_length=200)
    upload: str | None = Field(default=None, pattern=_KEY)
    weight: float = Field(1.0, ge=0, le=1e6)
    use: Literal["", "fine", "coarse"] = ""
    part: str = Field("", pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,63})?$")


class JobRequest(_Body):
    """What is to be painted: a picture for each photograph, each a job; trained, studied; a film.

    Attributes:
        contents: photographs; of a training those to learn from, none for the built-in ones; a
            film.
        styles: blended; of a training the styles that it learns.
        options: of the method, and of a film; or of a training.
        each_style: paint a picture in each of the styles, instead of one in all of them.
        study: what to vary, a name in `/schema`; and its values, or none for its own.
    """

    task: Literal["stylize", "texture", "doodle", "train", "study", "film"] = "stylize"
    contents: list[SourceRef] = Field(default_factory=list, max_length=_MOST)
    styles: list[StyleRef] = Field(default_factory=list, max_length=32)
    method: str | None = Field(default=None, max_length=40)
    preset: str | None = Field(default=None, max_length=40)
    options: dict[str, Value] = Field(default_factory=dict, max_length=64)
    content_map: SourceRef | None = None
    style_maps: list[SourceRef] = Field(default_factory=list, max_length=32)
    init: SourceRef | None = None
    output: dict[str, Value] = Field(default_factory=dict, max_length=16)
    title: PlainText | None = Field(default=None, max_length=200)
    each_style: bool = False
    study: str | None = Field(default=None, max_length=40)
    values: list[Annotated[str, Field(max_length=200)]] = Field(default_factory=list, max_length=64)


class LookRequest(_Body):
    """What a photograph would look like, at a small size and at once."""

    content: SourceRef
    styles: list[StyleRef] = Field(default_factory=list, max_length=32)
    options: dict[str, Value] = Field(default_factory=dict, max_length=64)
    content_map: SourceRef | None = None
    size: int = Field(512, ge=64, le=1024)


class LiveRequest(_Body):
    """How pictures of a camera are painted from now on.

    Attributes:
        options: of live painting: strength, size, rate and others.
        long_side: of the camera's own pictures, in pixels.
    """

    styles: list[StyleRef] = Field(min_length=1, max_length=8)
    options: dict[str, Value] = Field(default_factory=dict, max_length=16)
    long_side: int = Field(1280, ge=16, le=16384)
