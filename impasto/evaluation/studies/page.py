"""A study as a page for the browser: links within its folder, no script, nothing from elsewhere."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from string import Template
from urllib.parse import quote

from impasto.evaluation.judge import GramRow

__all__ = ["Entry", "Sheet", "page"]


@dataclass(frozen=True)
class Entry:
    """A picture of the study as the page shows it; `file` is seen from the page."""

    label: str
    file: str
    width: int
    height: int
    seconds: float
    iterations: int
    content: float | None
    style: float | None
    ssim: float | None
    colour: float | None
    row: str = ""
    column: str = ""


@dataclass(frozen=True)
class Sheet:
    """Everything on the page.

    Attributes:
        told: lines below the heading: what was painted, and how.
        painted, planned: how many pictures there are, and were to be.
        film: its file, or None.
        grams: rows for photograph, painting and results.
    """

    title: str
    about: str
    told: Sequence[tuple[str, str]]
    photograph: str
    painting: str
    painting_note: str
    entries: Sequence[Entry]
    planned: int
    film: str | None
    grams: Sequence[GramRow]
    command: str
    backbone: str


def page(sheet: Sheet) -> str:
    """The page's HTML."""
    return _PAGE.substitute(
        title=_text(sheet.title),
        about=_text(sheet.about),
        told="".join(f"<div><dt>{_text(k)}</dt><dd>{_text(v)}</dd></div>" for k, v in sheet.told),
        unfinished=_unfinished(sheet),
        photograph=_picture(sheet.photograph, "The photograph", "Photograph"),
        painting=_picture(sheet.painting, "The painting", "Painting", sheet.painting_note),
        pictures=_pictures(sheet.entries),
        film="" if sheet.film is None else _FILM.substitute(file=_link(sheet.film)),
        figures=_figures(sheet.entries),
        grams=_grams(sheet.grams),
        backbone=_text(sheet.backbone),
        command=_text(sheet.command),
    )


def _text(value: object) -> str:
    return html.escape(str(value))


def _link(file: str) -> str:
    return html.escape(quote(file))


def _unfinished(sheet: Sheet) -> str:
    if len(sheet.entries) == sheet.planned:
        return ""
    return (
        f'<p class="note">{len(sheet.entries)} of {sheet.planned} pictures are painted: the run '
        "was interrupted. The command below goes on where it was.</p>"
    )


def _picture(file: str, alt: str, caption: str, note: str = "") -> str:
    told = f"<span>{_text(note)}</span>" if note else ""
    return (
        f'<figure><a href="{_link(file)}"><img src="{_link(file)}" alt="{_text(alt)}"></a>'
        f"<figcaption><b>{_text(caption)}</b>{told}</figcaption></figure>"
    )


def _pictures(entries: Sequence[Entry]) -> str:
    rows = list(dict.fromkeys(entry.row for entry in entries))
    columns = list(dict.fromkeys(entry.column for entry in entries))
    if len(rows) * len(columns) <= 1:
        return f'<div class="grid">{"".join(map(_entry, entries))}</div>'
    heads = "".join(f'<th scope="col">{_text(name)}</th>' for name in columns)
    found = {(entry.row, entry.column): entry for entry in entries}
    body = "".join(
        f'<tr><th scope="row">{_text(row)}</th>'
        + "".join(f"<td>{_cell(found.get((row, column)))}</td>" for column in columns)
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="wide"><table class="pictures"><thead><tr><td></td>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(entry: Entry | None) -> str:
    return "" if entry is None else _entry(entry, caption=False)


def _entry(entry: Entry, caption: bool = True) -> str:
    name = f"<b>{_text(entry.label)}</b>" if caption else ""
    return (
        f'<figure><a href="{_link(entry.file)}"><img src="{_link(entry.file)}" '
        f'width="{entry.width}" height="{entry.height}" loading="lazy" '
        f'alt="{_text(entry.label)}"></a><figcaption>{name}'
        f"<span>content {_number(entry.content)} · style {_number(entry.style)}</span>"
        "</figcaption></figure>"
    )


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    if value != 0 and (abs(value) < 0.001 or abs(value) >= 100_000):
        told = f"{value:.1e}"
    else:
        told = f"{value:.3f}" if abs(value) < 100 else f"{value:,.0f}"
    return told.replace("-", "−")


_FIGURES = (
    ("picture", ""),
    ("iterations", ""),
    ("seconds", ""),
    ("content", "↓"),
    ("style", "↓"),
    ("SSIM", "↑"),
    ("colour", "↓"),
)


def _figures(entries: Sequence[Entry]) -> str:
    lines = [
        (
            f'<a href="{_link(entry.file)}">{_text(entry.label)}</a>',
            str(entry.iterations),
            f"{entry.seconds:.1f}",
            *(_number(v) for v in (entry.content, entry.style, entry.ssim, entry.colour)),
        )
        for entry in entries
    ]
    return _table([f"{name} {sign}".strip() for name, sign in _FIGURES], lines)


def _grams(rows: Sequence[GramRow]) -> str:
    """A table for photograph and painting at once, and one for each result, folded if several."""
    names = list(dict.fromkeys(row.picture for row in rows))
    parents, results = names[:2], names[2:]
    first = [*parents, *results[:1]] if len(results) == 1 else parents
    out = _gram_table([row for row in rows if row.picture in first])
    if len(results) <= 1:
        return out
    folded = "".join(
        f"<details><summary>{_text(name)}</summary>"
        f"{_gram_table([row for row in rows if row.picture == name])}</details>"
        for name in results
    )
    return out + folded


def _gram_table(rows: Sequence[GramRow]) -> str:
    heads = ("layer", "picture", "Gram matrix", "min", "max", "mean", "distance to the painting")
    layers = list(dict.fromkeys(row.layer for row in rows))
    lines = [
        (
            _text(row.layer),
            _text(row.picture),
            f"{row.size} × {row.size}",
            *(_number(value) for value in (row.minimum, row.maximum, row.mean, row.distance)),
        )
        for layer in layers
        for row in rows
        if row.layer == layer
    ]
    return _table(heads, lines)


def _table(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table whose first cells are names and all others numbers; cells are HTML already."""
    top = "".join(f'<th scope="col">{_text(head)}</th>' for head in heads)
    body = "".join(
        "<tr>"
        + f'<th scope="row">{line[0]}</th>'
        + "".join(f"<td>{cell}</td>" for cell in line[1:])
        + "</tr>"
        for line in lines
    )
    return (
        f'<div class="wide"><table class="numbers"><thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


_FILM = Template("""\
<section>
<h2>The film</h2>
<video src="$file" controls loop muted playsinline preload="metadata"></video>
</section>""")

_PAGE = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark; --paper: #faf8f4; --card: #fff; --ink: #221f1a; --quiet: #6d665b;
  --line: #e6e0d5; --link: #1a5f8a; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #171512; --card: #211e1a; --ink: #efeae0; --quiet: #a59d8f; --line: #37322b;
    --link: #7cc0ea; }
}
* { box-sizing: border-box; margin: 0; }
body { background: var(--paper); color: var(--ink); padding: clamp(1rem, 4vw, 3.5rem);
  font: 1rem/1.55 Georgia, "Iowan Old Style", "Times New Roman", serif; }
header, main { max-width: 84rem; margin: 0 auto; }
h1 { font-size: clamp(1.8rem, 5vw, 3rem); font-weight: 400; line-height: 1.15; }
h2 { font-size: 1.4rem; font-weight: 400; margin-bottom: .8rem; }
header > p { max-width: 48rem; margin-top: .6rem; }
section { margin-top: clamp(2rem, 5vw, 3.5rem); }
section > p { max-width: 48rem; color: var(--quiet); margin-bottom: .9rem; }
a { color: var(--link); }
dl { display: flex; flex-wrap: wrap; gap: .3rem 2rem; margin-top: 1.1rem; }
dl div { display: flex; gap: .5rem; }
dt { color: var(--quiet); }
.note { border-left: 3px solid #d55e00; padding-left: .8rem; }
.parents { display: flex; flex-wrap: wrap; gap: 1.2rem; margin-top: 1.6rem; }
.parents figure { width: auto; }
.parents img { width: auto; height: clamp(9rem, 18vw, 14rem); max-width: 100%; }
.grid { display: grid; gap: 1.2rem;
  grid-template-columns: repeat(auto-fill, minmax(min(16rem, 100%), 1fr)); }
figure { background: var(--card); border: 1px solid var(--line); border-radius: 6px;
  overflow: hidden; }
figure a { display: block; }
img { display: block; width: 100%; height: auto; }
figcaption { padding: .55rem .8rem .65rem; line-height: 1.35; }
figcaption b { font-weight: 600; display: block; }
figcaption span { color: var(--quiet); font-size: .85rem; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
.pictures th { font-weight: 600; font-size: .9rem; text-align: left; vertical-align: top;
  padding: .3rem .5rem; line-height: 1.3; }
.pictures td { padding: .3rem; min-width: 11rem; }
.pictures figcaption { padding: .3rem .5rem .4rem; }
.numbers { font-variant-numeric: tabular-nums; font-size: .95rem; }
.numbers th, .numbers td { padding: .35rem .9rem; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--line); font-weight: 400; }
.numbers thead th { color: var(--quiet); font-size: .85rem; }
.numbers th:first-child { text-align: left; padding-left: 0; }
details { margin-top: .6rem; }
summary { cursor: pointer; color: var(--link); }
video { max-width: min(100%, 60rem); border-radius: 6px; border: 1px solid var(--line);
  display: block; }
.plot { border-radius: 6px; border: 1px solid var(--line); margin-bottom: 1.2rem;
  max-width: 100%; }
/* A white plot turned dark: its hues stay, and its black lets the page through. */
@media (prefers-color-scheme: dark) {
  .plot { filter: invert(1) hue-rotate(180deg); mix-blend-mode: screen; border: 0; }
}
.plot.small { width: min(100%, 46rem); }
pre { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 6px;
  padding: .8rem 1rem; font: .85rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
ul { padding-left: 1.2rem; margin-top: .9rem; }
</style>
</head>
<body>
<header>
<h1>$title</h1>
<p>$about</p>
<dl>$told</dl>
$unfinished
<div class="parents">
$photograph
$painting
</div>
</header>
<main>
<section>
<h2>The pictures</h2>
<p>Below each: its distance to the photograph's content and to the painting's style, seen through
$backbone at that network's own layers; 0 is a copy. <a href="sheet.png">All on one sheet</a>.</p>
$pictures
</section>
$film
<section>
<h2>Losses and time</h2>
<p>Each term before its weight; only the panel of all terms has weights in it, so runs of different
weights cannot be compared there.</p>
<img class="plot" src="losses.png" alt="Losses over iterations">
<img class="plot small" src="time.png" alt="Seconds over iterations">
</section>
<section>
<h2>Figures</h2>
<p>Content and style as above; SSIM is structural similarity to the photograph, colour the distance
to the painting's colours in CIE Lab. Less is better at ↓, more at ↑.</p>
$figures
</section>
<section>
<h2>Gram matrices</h2>
<p>How often channels of a layer are active together: what a painting's style is made of. Averages
over pixels, seen through $backbone; the distance is squared, over the painting's own square.</p>
$grams
</section>
<section>
<h2>How it was made</h2>
<pre>$command</pre>
<ul>
<li><a href="runs.csv">runs.csv</a>: every picture with its settings and figures</li>
<li><a href="steps.csv">steps.csv</a>: every iteration</li>
<li><a href="gram.csv">gram.csv</a>: the Gram matrices</li>
</ul>
<p>Each picture carries its recipe: <code>impasto rerun</code> paints it again.</p>
</section>
</main>
</body>
</html>
""")
