"""What must hold of a page's HTML and of the built site, each as a list of complaints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

__all__ = ["outside_resources", "pictures_without_text", "resources_of"]

_LEAST_WORDS = 3

# Attributes by which a page loads something; a link to another site, `<a href>`, loads nothing.
_LOADS = {
    "audio": ("src",), "embed": ("src",), "iframe": ("src",), "img": ("src", "srcset"),
    "input": ("src",), "link": ("href",), "object": ("data",), "script": ("src",),
    "source": ("src", "srcset"), "track": ("src",), "video": ("src", "poster"),
}  # fmt: skip

_OUTSIDE = re.compile(r"(?:https?:)?//[^\s\"'`)]+")
# In styles: what url() and @import name; in scripts: every address in quotes, whatever it is for.
_IN_STYLE = re.compile(r"""(?:url\(\s*|@import\s+)["']?((?:https?:)?//[^\s"')]+)""")
_IN_SCRIPT = re.compile(r"""["'`](https?://[^\s"'`)]+)""")
# Names of vocabularies, which nobody loads.
_NAMESPACES = ("http://www.w3.org/",)


class _Page(HTMLParser):
    """What a page loads, and its pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.pictures: list[tuple[str, str | None]] = []
        self.inline = ""
        self._kind = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if not (tag == "link" and values.get("rel") in ("canonical", "license")):
            self.loaded += [values[name] or "" for name in _LOADS.get(tag, ()) if name in values]
        if tag == "img":
            self.pictures.append((values.get("src") or "", values.get("alt")))
        self.inline += f"\nurl({m})" if (m := _style_address(values.get("style"))) else ""
        self._kind = tag if tag in ("script", "style") else ""

    def handle_endtag(self, _tag: str) -> None:
        self._kind = ""

    def handle_data(self, data: str) -> None:
        if self._kind:
            self.inline += "\n" + data


# Addresses in these are text: of the pages of the site, and of what is read in them.
_TEXTS = ("sitemap.xml", "search_index.js")


def _style_address(style: str | None) -> str:
    match = _IN_STYLE.search(style or "")
    return match.group(1) if match else ""


def _parsed(html: str) -> _Page:
    page = _Page()
    page.feed(html)
    page.close()
    return page


def pictures_without_text(html: str) -> list[str]:
    """Return a complaint about each picture whose text says nothing of what it shows."""
    return [
        f"the picture {source} has the text {text!r}: say what it shows, in {_LEAST_WORDS} words "
        "or more"
        for source, text in _parsed(html).pictures
        if text is None or len(text.split()) < _LEAST_WORDS
    ]


def resources_of(file: Path) -> list[str]:
    """Return what a page, style or script would load from another host."""
    text = file.read_text("utf-8")
    if file.suffix == ".css":
        loaded = _IN_STYLE.findall(text)
    elif file.suffix == ".js":
        loaded = _IN_SCRIPT.findall(text)
    else:
        page = _parsed(text)
        loaded = [address for value in page.loaded for address in _OUTSIDE.findall(value)]
        loaded += _IN_STYLE.findall(page.inline) + _IN_SCRIPT.findall(page.inline)
    return [address for address in loaded if not address.startswith(_NAMESPACES)]


def outside_resources(site: Path) -> Iterator[str]:
    """Yield a complaint about each resource of another host in a built site."""
    for file in sorted(site.rglob("*")):
        if file.suffix in (".html", ".css", ".js", ".svg", ".xml") and file.name not in _TEXTS:
            for address in resources_of(file):
                yield f"{file.relative_to(site)} loads {address}"
