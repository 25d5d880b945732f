"""A studio, on this machine or another, as a Python program uses it.

    with impasto.Client("http://127.0.0.1:7700") as client:
        job = client.stylize("photo.jpg", style="starry-night")
        job.result().save("out.png")

It needs the extra `studio`. What goes wrong is raised as the package's own errors, with the words
of the studio.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from impasto.client.connection import Connection, checked_id
from impasto.client.jobs import RemoteJob, State
from impasto.client.pictures import RemotePicture
from impasto.client.sending import Sender, Style, several
from impasto.config.specs import STARTS, means_file

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Client"]

Json = dict[str, Any]


class Client:
    """A connection to a studio; a context manager that ends it.

    Args:
        url: of the studio, such as `http://127.0.0.1:7700`.
        user: whose jobs and pictures these are, where the studio asks for a password. Over http
            whoever is in between reads it: from another machine, use https.
        password: the user's.
        timeout: seconds that the studio may take for an answer.

    Raises:
        JobError: the studio cannot be reached.
        OptionError: the name or password is wrong or missing, or httpx is not installed.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:7700",
        *,
        user: str | None = None,
        password: str | None = None,
        timeout: float = 60.0,
    ) -> None:
        self._connection = Connection(url, (user or "", password or ""), timeout)
        self._sender = Sender(self._connection)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection; jobs go on."""
        self._connection.close()

    # What is painted

    def stylize(
        self,
        content: Any,
        style: Any = (),
        method: str | None = None,
        *,
        preset: str | None = None,
        content_map: Any = None,
        style_map: Any = (),
        title: str | None = None,
        output: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> RemoteJob:
        """Give a photograph the look of a painting, as `impasto.stylize` does, by the studio.

        Args:
            content: a photograph: a file, its bytes, a Pillow image, an array, or a picture that
                the studio has painted. Files are sent once.
            style: likewise, or the name or ID of a style that the studio has; or several, with
                weights and layers, as in `impasto.stylize`.
            method: as in `impasto.stylize`.
            preset: likewise.
            content_map: likewise.
            style_map: likewise.
            title: what the job is called.
            output: how the file is written: `suffix`, such as ".jpg", and the options of output.
            options: fields of the method's config, such as `size=1024`.

        Raises:
            ImpastoError: the studio refuses it, in its words.
        """
        return self.stylize_all(
            [content], style, method, preset=preset, content_map=content_map, style_map=style_map,
            title=title, output=output, **options,
        )[0]  # fmt: skip

    def stylize_all(
        self, contents: Sequence[Any], style: Any = (), method: str | None = None, **options: Any
    ) -> list[RemoteJob]:
        """Paint several photographs in the same way: a job for each, as `stylize` does it.

        Raises:
            ImpastoError: the studio refuses them, in its words.
        """
        values: Json = {name: options.pop(name, None) for name in ("preset", "title", "output")}
        maps = {
            "content_map": self._map(options.pop("content_map", None)),
            "style_maps": [
                self._sender.source(one) for one in several(options.pop("style_map", ()))
            ],
        }
        return self._submit(
            "stylize", style, options, **values, **maps, method=method,
            contents=[self._sender.source(content) for content in contents],
        )  # fmt: skip

    def texture(self, *styles: Any, title: str | None = None, **options: Any) -> RemoteJob:
        """Paint a texture, as `impasto.texture` does, by the studio.

        Raises:
            ImpastoError: the studio refuses it, in its words.
        """
        return self._submit("texture", styles, options, title=title)[0]

    def doodle(
        self, map: Any, style: Any, style_map: Any, *, title: str | None = None, **options: Any
    ) -> RemoteJob:
        """Paint a map of colours, as `impasto.doodle` does, by the studio.

        Raises:
            ImpastoError: the studio refuses it, in its words.
        """
        maps = {
            "content_map": self._sender.source(map),
            "style_maps": [self._sender.source(style_map)],
        }
        return self._submit("doodle", style, options, title=title, **maps)[0]

    def film(
        self,
        clip: Any,
        style: Any = (),
        method: str | None = None,
        *,
        preset: str | None = None,
        content_map: Any = None,
        title: str | None = None,
        output: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> RemoteJob:
        """Paint a film, as `impasto.film` does, by the studio; `save` of the job writes the film.

        Args:
            clip: a film's file, or a film that the studio has painted.
            style: as in `stylize`, and so are `method`, `preset` and `title`.
            content_map: a map of regions, drawn for the first frame.
            output: `suffix` of the film's file; ".mp4" is what it is otherwise.
            options: of the method and of the film, such as `start="0:12"`, `size="720p"`.

        Raises:
            ImpastoError: the studio refuses it, in its words.
        """
        return self._submit(
            "film", style, options, method=method, preset=preset, title=title,
            contents=[self._sender.source(clip)], content_map=self._map(content_map),
            output={"suffix": ".mp4", **(output or {})},
        )[0]  # fmt: skip

    # What there is

    def jobs(self, state: State | None = None) -> Iterator[RemoteJob]:
        """Yield the user's jobs, the newest first.

        Args:
            state: only those.
        """
        for data in self._connection.pages("/jobs", {"state": state}):
            yield RemoteJob(self._connection, data)

    def job(self, id: str) -> RemoteJob:
        """Return a job.

        Raises:
            JobError: there is none of this ID.
        """
        data = self._connection.json("GET", f"/jobs/{checked_id(id)}")
        return RemoteJob(self._connection, data)

    def pictures(
        self,
        words: str = "",
        *,
        style: str | None = None,
        method: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[RemotePicture]:
        """Yield the user's pictures, the newest first.

        Args:
            words: that the title or name has.
            style: that was used.
            method: likewise.
            since: when they were painted, at the earliest.
            until: and at the latest.
        """
        times = {"since": since and since.isoformat(), "until": until and until.isoformat()}
        search = {"q": words or None, "style": style, "method": method, **times}
        for data in self._connection.pages("/pictures", search):
            yield RemotePicture(self._connection, data)

    def picture(self, id: str) -> RemotePicture:
        """Return a picture.

        Raises:
            JobError: there is none of this ID.
        """
        data = self._connection.json("GET", f"/pictures/{checked_id(id)}")
        return RemotePicture(self._connection, data)

    def styles(self) -> list[Style]:
        """Return the styles that the studio has: the user's own, and those that it came with."""
        return self._sender.styles()

    def _submit(
        self, task: str, style: Any, options: Mapping[str, Any], **values: Any
    ) -> list[RemoteJob]:
        options = dict(options)
        init = options.get("init")
        if init is not None and not (isinstance(init, str) and not means_file(init, STARTS)):
            values["init"] = self._sender.source(options.pop("init"))
        if regions := several(options.get("region")):
            options["region"] = [self._sender.region(str(region)) for region in regions]
        request = {
            "task": task,
            "styles": [self._sender.style(one) for one in several(style)],
            "options": {name: _plain(value) for name, value in options.items()},
            **{name: value for name, value in values.items() if value is not None},
        }
        answer = self._connection.json("POST", "/jobs", json=request)
        return [RemoteJob(self._connection, data) for data in answer["jobs"]]

    def _map(self, given: Any) -> Json | None:
        return None if given is None else self._sender.source(given)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
