"""Pages for the browser, from the templates in this package: no scripts, nothing remote."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

__all__ = ["render"]


def render(template: str, **values: Any) -> str:
    """Return the HTML of a template; every value in it is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # only where a page is written

    pages = Environment(
        loader=PackageLoader("impasto.sheets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    pages.filters |= {"link": quote, "number": _number}
    return pages.get_template(template).render(values)


def _number(value: float | None) -> str:
    """Write a figure with three decimals, without them from 100 on, and very small ones as 1e−5."""
    if value is None:
        return "–"
    if value != 0 and (abs(value) < 0.001 or abs(value) >= 100_000):
        text = f"{value:.1e}"
    else:
        text = f"{value:.3f}" if abs(value) < 100 else f"{value:,.0f}"
    return text.replace("-", "−")
