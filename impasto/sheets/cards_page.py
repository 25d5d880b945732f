"""Style cards as a page for the browser."""

from __future__ import annotations

import base64
import html
from pathlib import Path
from string import Template

from impasto.styles.about import About, read_about, read_swatch

__all__ = ["page"]


def page(cards: dict[str, Path]) -> str:
    """One HTML page with every card's picture inside it: no other file, no network, no script."""
    figures = "\n".join(_figure(name, read_about(path), path) for name, path in cards.items())
    return _PAGE.substitute(count=len(cards), figures=figures)


def _figure(name: str, about: About, path: Path) -> str:
    swatch = base64.b64encode(read_swatch(path)).decode("ascii")
    told = {key: html.escape(getattr(about, key)) for key in ("title", "artist", "year", "licence")}
    palette = "".join(f'<i style="background:{colour}"></i>' for colour in about.palette)
    return _FIGURE.substitute(told, name=html.escape(name), swatch=swatch, palette=palette)


_FIGURE = Template("""\
<figure id="$name">
  <img alt="A texture in the style of $title" width="192" height="192"
    src="data:image/webp;base64,$swatch">
  <div class="palette" aria-hidden="true">$palette</div>
  <figcaption>
    <h2>$title</h2>
    <p>$artist <span>$year</span></p>
    <p class="quiet">$licence</p>
    <code>--style $name</code>
  </figcaption>
</figure>""")


_PAGE = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Impasto: the built-in styles</title>
<style>
:root { color-scheme: light dark; --paper: #faf8f4; --card: #fff; --ink: #221f1a; --quiet: #6d665b;
  --line: #e6e0d5; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #171512; --card: #211e1a; --ink: #efeae0; --quiet: #a59d8f; --line: #37322b; }
}
* { box-sizing: border-box; margin: 0; }
body { background: var(--paper); color: var(--ink); padding: clamp(1rem, 4vw, 4rem);
  font: 1rem/1.5 Georgia, "Iowan Old Style", "Times New Roman", serif; }
header, main { max-width: 78rem; margin: 0 auto; }
header { margin-bottom: clamp(1.5rem, 4vw, 3rem); }
h1 { font-size: clamp(1.8rem, 5vw, 3rem); font-weight: 400; line-height: 1.15; }
header p, .quiet { color: var(--quiet); }
main { display: grid; gap: clamp(1rem, 2.5vw, 2rem);
  grid-template-columns: repeat(auto-fill, minmax(min(15rem, 100%), 1fr)); }
figure { background: var(--card); border: 1px solid var(--line); border-radius: 6px;
  overflow: hidden; display: flex; flex-direction: column; }
img { display: block; width: 100%; height: auto; aspect-ratio: 1; object-fit: cover; }
.palette { display: flex; height: .6rem; }
.palette i { flex: 1; }
figcaption { padding: 1rem; display: flex; flex-direction: column; gap: .2rem; flex: 1; }
h2 { font-size: 1.15rem; font-weight: 600; line-height: 1.25; }
figcaption span { color: var(--quiet); margin-left: .35em; }
.quiet { font-size: .8rem; }
code { margin-top: auto; padding-top: .6rem; color: var(--quiet); user-select: all;
  font: .8rem/1.4 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
</style>
</head>
<body>
<header>
<h1>The built-in styles</h1>
<p>$count paintings. Each picture is a texture, painted from the statistics on the style's card
alone.</p>
</header>
<main>
$figures
</main>
</body>
</html>
""")
