"""The studio's page in a browser, as tests use it."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect
from serving import picture_file

__all__ = ["CHROMIUM", "Visitor", "axe_source", "flat_colours", "photograph"]

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or ""
"""The system's browser; empty where there is none."""

_PATIENCE = 60_000  # milliseconds: a busy machine may be ten times slower than a quiet one
expect.set_options(timeout=_PATIENCE)

_AXE = "axe-core@4.11.0"

# A browser's line for each answer that is no success: the page shows those itself.
_ANSWERED = "Failed to load resource: the server responded"


def photograph(seed: int = 0, name: str = "photo.png", **size: int) -> dict[str, Any]:
    """Return a small photograph as a browser's file chooser takes it."""
    return {"name": name, "mimeType": "image/png", "buffer": picture_file(seed, **size)}


def flat_colours(data: bytes) -> set[str]:
    """Return all colours of a picture file, as `#rrggbb`."""
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    counted: Any = picture.getcolors(maxcolors=10_000) or []
    return {"#{:02x}{:02x}{:02x}".format(*colour) for _, colour in counted}


class Visitor:
    """Somebody at the page; what the browser complains of is kept, and asked for at the end.

    Args:
        browser: that is used.
        url: of the studio.
        options: of the browser's context, such as `viewport`.
    """

    def __init__(self, browser: Browser, url: str, **options: Any) -> None:
        self.url = url
        self.troubles: list[str] = []
        self.hosts: set[str] = set()
        options.setdefault("viewport", {"width": 1280, "height": 800})
        self.context: BrowserContext = browser.new_context(**options)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(_PATIENCE)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("request", self._note)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and _ANSWERED not in message.text:
            self.troubles.append(message.text)

    def _note(self, request: Request) -> None:
        if request.url.startswith("http"):
            self.hosts.add(urlsplit(request.url).netloc)

    def open(self, view: str = "paint") -> Page:
        """Go to a view, and wait until it is there."""
        self.page.goto(f"{self.url}/#/{view}")
        self.page.wait_for_selector("main h1", state="attached")
        return self.page

    def choose(self, selector: str, *files: dict[str, Any]) -> None:
        """Press what opens a file chooser, and choose files."""
        with self.page.expect_file_chooser() as chooser:
            self.page.click(selector)
        chooser.value.set_files(list(files))  # type: ignore[arg-type]

    def drop(self, selector: str, *files: dict[str, Any]) -> None:
        """Drop files onto an element, as from a file manager."""
        sent = [
            {"name": f["name"], "type": f["mimeType"], "data": list(f["buffer"])} for f in files
        ]
        transfer = self.page.evaluate_handle(
            """(files) => {
                const transfer = new DataTransfer();
                for (const { name, type, data } of files) {
                    transfer.items.add(new File([new Uint8Array(data)], name, { type }));
                }
                return transfer;
            }""",
            sent,
        )
        for kind in ("dragenter", "dragover", "drop"):
            self.page.dispatch_event(selector, kind, {"dataTransfer": transfer})

    def leave(self) -> None:
        """Close the page; whatever it complained of is an error, and so is another host."""
        self.context.close()
        assert self.troubles == []
        assert self.hosts <= {urlsplit(self.url).netloc}


def axe_source() -> str:
    """Return axe-core's script, from npm; the test is skipped where npm cannot be reached."""
    kept = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "impasto-tests"
    script = kept / f"{_AXE}.js"
    if not script.is_file():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("axe-core is not here, and there is no npm to fetch it")
        kept.mkdir(parents=True, exist_ok=True)
        try:
            command = [npm, "pack", "--silent", _AXE]
            subprocess.run(command, cwd=kept, check=True, timeout=60, capture_output=True)
        except (subprocess.SubprocessError, OSError):
            pytest.skip("axe-core is not here, and npm cannot fetch it")
        (tarball,) = kept.glob("axe-core-*.tgz")
        shutil.unpack_archive(tarball, kept, filter="data")
        shutil.move(kept / "package" / "axe.min.js", script)
        shutil.rmtree(kept / "package")
        tarball.unlink()
    return script.read_text("utf-8")
