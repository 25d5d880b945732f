"""The window of `impasto live`."""

from __future__ import annotations

import contextlib
import gc
import importlib
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.cli.streams import label
from impasto.config.live import LiveSettings
from impasto.config.specs import StyleSpec
from impasto.errors import ImpastoError, OptionError
from impasto.film.newest import Newest

if TYPE_CHECKING:
    from impasto.film.live import LivePicture
    from impasto.film.live_painter import Look
    from impasto.film.live_sources import LiveSource

__all__ = ["LiveWindow"]

_WIDTH, _HEIGHT = 960, 600  # pixels of the window at first
_POLL = 10  # milliseconds between two looks for a new picture
_STEP = 0.05  # of the strength, by a key
_STUDIO = "or open the page Live of `impasto studio` in a browser."


class LiveWindow:
    """A window with the newest painted picture, and what changes how it is painted.

    It belongs to the main thread; pictures are painted in another one.

    Args:
        styles: to go through.
        folder: where pictures are saved.

    Raises:
        OptionError: there is no window here.
    """

    def __init__(self, styles: list[StyleSpec], settings: LiveSettings, folder: Path) -> None:
        self._tk, self._image_tk = _libraries()
        self._styles, self._settings, self._folder = styles, settings, folder
        self._place = 0
        self._error: BaseException | None = None
        self._is_over = threading.Event()
        self._wanted: Newest[LivePicture] = Newest()  # to be saved
        self._told: Newest[str] = Newest()
        self._message = ""
        self._picture: LivePicture | None = None
        self._root = self._opened()
        self._build()

    @property
    def look(self) -> Look:
        """How the next picture is painted."""
        from impasto.film.live_painter import look_of

        return look_of((self._styles[self._place],), self._settings)

    def show(self, source: LiveSource) -> None:
        """Show a source until the window is closed, or the source ends.

        Raises:
            ImpastoError: the source failed, or cannot be painted.
        """
        shown: Newest[LivePicture] = Newest()
        painting = threading.Thread(target=self._paint, args=(source, shown), daemon=True)
        painting.start()
        self._root.after(_POLL, self._poll, shown)
        try:
            self._root.mainloop()
        finally:
            self._is_over.set()
            painting.join(5)
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Close the window, for good."""
        with contextlib.suppress(self._tk.TclError):  # its user has done so
            self._root.destroy()
        # Tcl aborts the process where another thread than its own frees what is left of a window.
        del self._root, self._title, self._slider, self._status, self._canvas
        gc.collect()

    # In the thread that paints

    def _paint(self, source: LiveSource, shown: Newest[LivePicture]) -> None:
        from impasto.film.live import paint_live
        from impasto.film.live_size import SizeController

        settings = self._settings
        sizes = SizeController(settings.rate, source.long_side, settings.size)
        try:
            for picture in paint_live(source, lambda: self.look, sizes):
                shown.put(picture)
                if (wanted := self._wanted.take(0)) is not None:
                    self._save(wanted)
                if self._is_over.is_set():
                    break
        except Exception as error:  # is raised where the window is
            shown.end(error)
        else:
            shown.end()

    def _save(self, picture: LivePicture) -> None:
        from impasto.film.live_saving import save_live

        try:
            self._told.put(f"Saved {save_live(picture, self._folder).name}")
        except ImpastoError as error:
            self._told.put(str(error))

    # In the thread of the window

    def _opened(self) -> Any:
        try:
            return self._tk.Tk(className="Impasto")
        except self._tk.TclError as problem:
            raise OptionError(
                f"There is no display for a window here ({problem}): take this command to a "
                f"desktop, {_STUDIO}"
            ) from problem

    def _build(self) -> None:
        tk, root = self._tk, self._root
        root.title("Impasto live")
        root.geometry(f"{_WIDTH}x{_HEIGHT}")
        root.configure(background="#14161d")
        root.report_callback_exception = self._fail
        root.protocol("WM_DELETE_WINDOW", root.quit)
        bar = tk.Frame(root, padx=8, pady=6)
        bar.pack(side="bottom", fill="x")
        tk.Button(bar, text="‹", command=lambda: self.turn(-1)).pack(side="left")
        self._title = tk.Label(bar, width=24)
        self._title.pack(side="left")
        tk.Button(bar, text="›", command=lambda: self.turn(1)).pack(side="left")
        tk.Label(bar, text="Strength").pack(side="left", padx=(16, 4))
        self._slider = tk.Scale(
            bar, from_=0, to=100, orient="horizontal", length=200, command=self._slide
        )
        self._slider.pack(side="left")
        tk.Button(bar, text="Save", command=self.save).pack(side="left", padx=12)
        self._status = tk.Label(bar, anchor="e", text="Loading…")
        self._status.pack(side="right", fill="x", expand=True)
        self._canvas = tk.Label(root, background="#14161d", borderwidth=0)
        self._canvas.pack(side="top", fill="both", expand=True)
        for keys, action in self._keys():
            for key in keys.split():
                root.bind(key, action)
        self._tell()

    def _keys(self) -> list[tuple[str, Any]]:
        return [
            ("<Right> n", lambda _: self.turn(1)),
            ("<Left> p", lambda _: self.turn(-1)),
            ("<Up> +", lambda _: self.strengthen(_STEP)),
            ("<Down> -", lambda _: self.strengthen(-_STEP)),
            ("s", lambda _: self.save()),
            ("q <Escape>", lambda _: self._root.quit()),
        ]

    def turn(self, by: int) -> None:
        """Go to the next style, or back."""
        self._place = (self._place + by) % len(self._styles)
        self._tell()

    def strengthen(self, by: float) -> None:
        """Raise the strength, or lower it."""
        strength = min(1.0, max(0.0, round(self._settings.strength + by, 2)))
        self._settings = replace(self._settings, strength=strength)
        self._tell()

    def save(self) -> None:
        """Save the picture that is seen."""
        if self._picture is not None:
            self._wanted.put(self._picture)

    def _slide(self, percent: str) -> None:
        self._settings = replace(self._settings, strength=float(percent) / 100)

    def _tell(self) -> None:
        self._title.configure(text=label(str(self._styles[self._place].source)))
        self._slider.set(round(100 * self._settings.strength))

    def _poll(self, shown: Newest[LivePicture]) -> None:
        if shown.is_over:
            self._root.quit()
        picture = shown.take(0)
        if picture is not None:
            self._draw(picture)
        if (message := self._told.take(0)) is not None:
            self._message = f"{message}   "
        self._root.after(_POLL, self._poll, shown)

    def _draw(self, picture: LivePicture) -> None:
        from PIL import Image

        self._picture = picture
        image = Image.fromarray(picture.painted)
        room = max(1, self._canvas.winfo_width()), max(1, self._canvas.winfo_height())
        scale = min(room[0] / image.width, room[1] / image.height)
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        photo = self._image_tk.PhotoImage(image.resize(size, Image.Resampling.BILINEAR))
        self._canvas.configure(image=photo)
        self._canvas.image = photo  # Tk itself keeps no reference
        self._status.configure(
            text=f"{self._message}{picture.size} px   {picture.rate:.0f} a second"
        )

    def _fail(self, _kind: type, error: BaseException, _trace: object) -> None:
        """End the window over an error, of which Tk would only print the traceback."""
        self._error = error
        self._root.quit()


def _libraries() -> tuple[Any, Any]:
    """Return tkinter, and Pillow's module for it.

    Raises:
        OptionError: one is not installed.
    """
    try:
        return importlib.import_module("tkinter"), importlib.import_module("PIL.ImageTk")
    except ImportError as problem:
        raise OptionError(
            f"A window takes tkinter, which this Python lacks ({problem}): install it, on Debian "
            f"and Ubuntu by `apt install python3-tk`, {_STUDIO}"
        ) from problem
