"""Where live pictures come from: a camera, or a clip that plays at its own pace."""

from __future__ import annotations

import errno
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from impasto.errors import OptionError, PictureError
from impasto.film.clip import Clip, open_clip
from impasto.film.libraries import load_av

__all__ = ["CameraSource", "ClipSource", "LiveSource", "Rgb"]

Rgb = UInt8[np.ndarray, "_ _ 3"]
"""A live picture: sRGB levels of 8 bits."""

# FFmpeg's devices for cameras, by the beginning of Python's name of the system.
_FORMATS = {"linux": "v4l2", "darwin": "avfoundation", "win32": "dshow"}

# What is asked of a camera first; one that cannot do that is asked for whatever it does.
_WISHES: tuple[dict[str, str], ...] = (
    {"video_size": "1280x720", "framerate": "30"},
    {"video_size": "640x480", "framerate": "30"},
    {"framerate": "30"},
    {},
)

_CLIP_SIDE = 960  # pixels of the long side that a clip is read at, if it is larger


@runtime_checkable
class LiveSource(AbstractContextManager[Any], Protocol):
    """What pictures come from, at their own pace; open as long as its `with` block lasts.

    Attributes:
        long_side: of its pictures, in pixels.
    """

    @property
    def long_side(self) -> int:
        """The long side of its pictures, in pixels."""

    def pictures(self) -> Iterator[Rgb]:
        """Yield pictures when they are due.

        Raises:
            ImpastoError: nothing more comes, and it did not end.
        """


class CameraSource:
    """A camera of this machine.

    Args:
        number: which of them, from 0.

    Raises:
        OptionError: there is none of that number, or it cannot be used.
    """

    def __init__(self, number: int = 0) -> None:
        self._name = f"--camera {number}"
        self._container = _opened_camera(number)
        stream = self._container.streams.video[0]
        self.long_side = max(stream.width, stream.height)

    def __enter__(self) -> CameraSource:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the camera."""
        self._container.close()

    def pictures(self) -> Iterator[Rgb]:
        """Yield pictures as the camera gives them.

        Raises:
            PictureError: it was taken away.
        """
        av = load_av()
        try:
            for frame in self._container.decode(video=0):
                yield frame.to_ndarray(format="rgb24")
        except av.FFmpegError as problem:
            raise PictureError(
                f"{self._name} gives no more pictures ({_reason(problem)}): was it unplugged?"
            ) from problem


class ClipSource:
    """A clip that plays as fast as it was recorded, over and over again.

    Args:
        clip: that plays.
        loops: whether it begins again at its end.
        clock, sleep: of seconds, for tests.
    """

    def __init__(
        self,
        clip: Clip,
        *,
        loops: bool = True,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clip, self._loops = clip, loops
        self._clock, self._sleep = clock, sleep
        self._size = min(_CLIP_SIDE, max(clip.sides()))
        self.long_side = self._size

    @staticmethod
    def of(path: str | Path, **options: Any) -> ClipSource:
        """Open a clip.

        Raises:
            PictureError: it cannot be read, or is no film.
        """
        return ClipSource(open_clip(path), **options)

    def __enter__(self) -> ClipSource:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing: a clip is open only while its frames are read."""

    def pictures(self) -> Iterator[Rgb]:
        """Yield each frame when its time has come; those that are late are passed over.

        Raises:
            PictureError: none of its frames can be decoded.
        """
        while True:
            yield from self._once()
            if not self._loops:
                return

    def _once(self) -> Iterator[Rgb]:
        began, is_empty = self._clock(), True
        info = self._clip.info
        gap = info.seconds / info.frames
        for frame in self._clip.frames(size=self._size):
            is_first, is_empty = is_empty, False
            early = began + frame.seconds - self._clock()
            if early < -gap and not is_first:
                continue
            if early > 0:
                self._sleep(early)
            levels = frame.pixels[0].permute(1, 2, 0).mul(255).round().byte()
            yield np.ascontiguousarray(levels.numpy())
        if is_empty:
            raise PictureError(
                f"{self._clip.path} holds no frame that can be decoded: get it again from where "
                "it came from."
            )
        left = began + info.seconds - self._clock()
        if left > 0:  # the last frame has its time too
            self._sleep(left)


def _opened_camera(number: int) -> Any:
    av = load_av()
    name, kind = _address(number)
    problem: Exception | None = None
    for wishes in _WISHES:
        try:
            container = av.open(name, format=kind, options=wishes)
        except (OSError, ValueError, av.FFmpegError) as error:
            problem = problem or error
            if getattr(error, "errno", None) in _EXPLAINED:
                break
            continue
        if container.streams.video:
            return container
        container.close()
    raise OptionError(_explained(number, name, problem))


def _address(number: int) -> tuple[str, str]:
    """Return what FFmpeg calls a camera, and the device that reads it.

    Raises:
        OptionError: this system has no device for cameras, or no such camera.
    """
    kind = next((f for system, f in _FORMATS.items() if sys.platform.startswith(system)), None)
    if kind is None:
        raise OptionError(
            "Cameras are read on Linux, macOS and Windows only: take --file, or the page Live of "
            "`impasto studio`, which takes the browser's camera."
        )
    if kind == "v4l2":
        return f"/dev/video{number}", kind
    if kind == "avfoundation":
        return f"{number}:none", kind
    # On Windows cameras go by their names alone.
    names = [device.name for device in load_av().enumerate_input_devices(kind)]
    if number >= len(names):
        raise OptionError(_missing(number))
    return f"video={names[number]}", kind


_EXPLAINED = {errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EBUSY, errno.EACCES, errno.EPERM}


def _explained(number: int, name: str, problem: Exception | None) -> str:
    code = getattr(problem, "errno", None)
    if code in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return _missing(number)
    if code == errno.EBUSY:
        return f"--camera {number} is in use by another program: end that one, and try again."
    if code in (errno.EACCES, errno.EPERM):
        return (
            f"--camera {number} may not be used by you ({name}): on Linux join the group `video`, "
            "on macOS allow it in System Settings, Privacy."
        )
    return f"--camera {number} cannot be used ({_reason(problem)}): take another, or --file."


def _missing(number: int) -> str:
    return (
        f"There is no camera {number} here: connect one, give another --camera, or a clip with "
        "--file."
    )


def _reason(problem: Exception | None) -> str:
    if problem is None:
        return "it gives no pictures"
    return str(getattr(problem, "strerror", None) or problem)
