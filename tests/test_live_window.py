"""The window of `impasto live`, on a display of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

pytest.importorskip("av", reason="the extra `film` is not installed")
pytest.importorskip("cv2", reason="the extra `film` is not installed")
pytest.importorskip("tkinter", reason="this Python has no tkinter")

from living import made_clip, noise

import impasto
from commands import recipe_of
from impasto.cli.live_window import LiveWindow
from impasto.cli.main import main
from impasto.config.live import LiveSettings
from impasto.config.specs import StyleSpec
from impasto.errors import OptionError, PictureError
from impasto.film.live_sources import ClipSource

STYLES = [StyleSpec("starry-night"), StyleSpec("great-wave"), StyleSpec("etching")]
SMALL = LiveSettings(size=96, strength=0.5)
PATIENCE = 60.0  # seconds: a busy machine may be ten times slower than a quiet one


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """A screen that nobody sees."""
    if shutil.which("Xvfb") is None:
        pytest.skip("there is no Xvfb here, which a window needs where there is no screen")
    reading, writing = os.pipe()
    command = [
        "Xvfb",
        "-displayfd",
        str(writing),
        "-screen",
        "0",
        "1024x768x24",
        "-nolisten",
        "tcp",
    ]
    server = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as told:
        number = told.readline().strip()
    assert number, "Xvfb did not begin"
    yield f":{number}"
    server.terminate()
    server.wait(20)


@pytest.fixture
def window(display: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveWindow]:
    monkeypatch.setenv("DISPLAY", display)
    window = LiveWindow(STYLES, SMALL, tmp_path)
    yield window
    window.close()


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return made_clip(tmp_path / "clip.mkv", [noise(n) for n in range(10)])


def through(window: LiveWindow, *steps: Callable[[], Any]) -> None:
    """Take steps one after the other while the window is shown, each until it returns true."""
    left, until = list(steps), time.monotonic() + PATIENCE

    def tick() -> None:
        assert time.monotonic() < until, f"{len(left)} steps were not reached"
        if left and left[0]():
            left.pop(0)
        window._root.after(30, tick)

    window._root.after(30, tick)


def press(window: LiveWindow, key: str) -> bool:
    window._root.focus_force()
    window._root.event_generate(key)
    window._root.update_idletasks()
    return True


def note(seen: list[Any], thing: Any) -> bool:
    seen.append(thing)
    return True


def status(window: LiveWindow) -> str:
    return str(window._status.cget("text"))


def test_shows_a_clip_and_obeys_its_keys(window: LiveWindow, clip: Path, tmp_path: Path) -> None:
    seen: list[Any] = []
    through(
        window,
        lambda: "96 px" in status(window) and "a second" in status(window),
        lambda: press(window, "<Right>"),
        lambda: press(window, "<Up>"),
        lambda: note(seen, (window.look, window._title.cget("text"))),
        lambda: press(window, "<Left>") and press(window, "<Left>"),
        lambda: note(seen, window._title.cget("text")),
        lambda: window._slider.set(70) or True,
        lambda: window._picture is not None and window._picture.look.config.strength == 0.7,
        lambda: press(window, "s"),
        lambda: "Saved live-1.png" in status(window),
        lambda: press(window, "q"),
    )
    window.show(ClipSource.of(clip))
    (look, title), last = seen
    assert (title, last) == ("great-wave", "etching")
    assert look.styles == (StyleSpec("great-wave"),)
    assert look.config.strength == 0.55
    assert "capture" not in {thread.name for thread in threading.enumerate()}

    recipe = recipe_of(str(tmp_path / "live-1.png"))
    assert (recipe.method, recipe.config["strength"], recipe.config["size"]) == ("instant", 0.7, 96)
    assert recipe.of("style")[0].name == "etching"
    again = impasto.rerun(tmp_path / "live-1.png")
    with Image.open(tmp_path / "live-1.png") as saved:
        assert saved.size == again.size == (96, 72)
        assert saved.tobytes() == again.tobytes()


def test_an_error_of_the_source_ends_it(window: LiveWindow) -> None:
    class Unplugged:
        long_side = 64

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def pictures(self) -> Iterator[Any]:
            raise PictureError("--camera 0 gives no more pictures")
            yield

    with pytest.raises(PictureError, match="no more pictures"):
        window.show(Unplugged())


def test_a_closed_window_ends_it(window: LiveWindow, clip: Path) -> None:
    through(window, lambda: "px" in status(window), lambda: window._root.quit() or True)
    window.show(ClipSource.of(clip))


def test_there_is_no_display(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(OptionError, match="no display for a window") as refused:
        LiveWindow(STYLES, SMALL, tmp_path)
    assert "impasto studio" in str(refused.value)


def test_there_is_no_tkinter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "tkinter", None)
    with pytest.raises(OptionError, match="takes tkinter"):
        LiveWindow(STYLES, SMALL, tmp_path)


def refusal(capfd: pytest.CaptureFixture[str], *args: str) -> str:
    assert main(["live", *args]) == 2
    text = capfd.readouterr().err
    assert text.count("impasto: ") == 1
    return text


def test_refuses_what_cannot_be(
    display: str,
    clip: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DISPLAY", display)
    assert "Leave one out" in refusal(capfd, "--camera", "1", "--file", str(clip))
    assert "auto, or pixels" in refusal(capfd, "--size", "huge", "--file", str(clip))
    assert "no camera 63" in refusal(capfd, "--camera", "63")
    assert main(["live", "--file", "nothing.mp4"]) == 1
    assert "There is no file nothing.mp4" in capfd.readouterr().err


def test_ctrl_c_ends_the_command(display: str, clip: Path) -> None:
    command = [sys.executable, "-m", "impasto", "live", "--file", str(clip), "--size", "96"]
    running = subprocess.Popen(
        command,
        env={**os.environ, "DISPLAY": display},
        stderr=subprocess.PIPE,
        text=True,
        # A shell starts what runs in the background with Ctrl-C ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert running.stderr is not None
    assert "Arrows" in running.stderr.readline()
    time.sleep(2)
    running.send_signal(signal.SIGINT)
    assert running.wait(PATIENCE) == 130
    assert "Traceback" not in running.stderr.read()
    running.stderr.close()
