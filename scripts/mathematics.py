"""Turn the formulas of the documentation into MathML while it is built, so that no page loads a script."""

from __future__ import annotations

import html
import re

from latex2mathml.converter import convert

_FORMULA = re.compile(r'<(span|div) class="arithmatex">(.*?)</\1>', re.DOTALL)
_DELIMITERS = {"span": (r"\(", r"\)"), "div": (r"\[", r"\]")}


def on_page_content(page_html: str, **_: object) -> str:
    """Return a page with its formulas as MathML; mkdocs calls this for every page."""
    return _FORMULA.sub(_as_mathml, page_html)


def _as_mathml(match: re.Match[str]) -> str:
    kind, formula = match[1], html.unescape(match[2]).strip()
    start, end = _DELIMITERS[kind]
    tex = formula.removeprefix(start).removesuffix(end).strip()
    return convert(tex, display="block" if kind == "div" else "inline")
