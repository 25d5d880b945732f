"""What `mkdocs build` does beside building: generated pages, swatches, and checks.

Every complaint is a warning, which `--strict` makes an error.
"""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from impasto.styles import gallery
from impasto.styles.about import read_about, read_swatch
from tools.site import checks, reference

_log = logging.getLogger("mkdocs.hooks.site")  # below `mkdocs`, so that --strict counts it

# What the theme would fetch from a host for things that no page has: drawings in Mermaid, the stars
# of a repository, and a function that every browser of the last years has.
_HOSTS = ("https://unpkg.com/", "https://api.github.com/", "https://${e}/api/v4/")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the commands where the navigation has the folder `commands/`."""
    config.nav = [_entry(item) for item in config.nav or []]
    return config


def _entry(item: Any) -> Any:
    """Return what a part of the navigation becomes."""
    if not isinstance(item, dict):
        return item
    ((title, value),) = item.items()
    if value == "commands/":
        pages: list[Any] = [{"All commands": "commands/index.md"}]
        pages += [{c.name: f"commands/{c.file}"} for c in reference.subcommands()]
        return {title: pages}
    return {title: list(map(_entry, value)) if isinstance(value, list) else value}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the reference of the command and the pictures of the built-in styles."""
    commands = reference.subcommands()
    pages = {"index.md": reference.index(commands)}
    pages |= {command.file: reference.page(command) for command in commands}
    for name, text in pages.items():
        files.append(File.generated(config, f"commands/{name}", content=text))
    for name in gallery.names():
        swatch = read_swatch(gallery.path(name))
        files.append(File.generated(config, f"pictures/styles/{name}.webp", content=swatch))
    return files


def on_page_markdown(markdown: str, **_more: Any) -> str:
    """Put the built-in styles where a page asks for them."""
    return markdown.replace("<!-- built-in styles -->", _styles())


def _styles() -> str:
    """Return the built-in styles as a list of pictures with their names."""
    items = []
    for name in gallery.names():
        about = read_about(gallery.path(name))
        by = ", ".join(word for word in (about.artist, about.year) if word)
        text = f"A part of {about.title}" + (f" by {about.artist}" if about.artist else "")
        items.append(
            f"-   ![{text}, the style {name}](pictures/styles/{name}.webp)\n\n"
            f"    `{name}`\n\n    *{about.title}*  \n    {by}\n"
        )
    return '<div class="grid styles" markdown>\n\n' + "\n".join(items) + "\n</div>"


def on_page_content(html: str, page: Page, **_more: Any) -> str:
    """Refuse pictures without a text."""
    for complaint in checks.pictures_without_text(html):
        _log.warning("%s: %s", page.file.src_uri, complaint)
    return html


def on_post_build(config: MkDocsConfig) -> None:
    """Take out what would be loaded from another host, and check that nothing is left."""
    site = Path(config.site_dir)
    shutil.rmtree(site / "assets/javascripts/lunr", ignore_errors=True)  # other languages
    for file in site.rglob("*.map"):
        file.unlink()
    for file in site.rglob("*.js"):
        text = changed = file.read_text("utf-8")
        for host in _HOSTS:
            changed = changed.replace(host, "")
        if changed != text:
            file.write_text(changed, "utf-8")
    for complaint in checks.outside_resources(site):
        _log.warning("%s", complaint)
