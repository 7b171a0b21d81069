"""Pieces of HTML: the page around it, tables, figures with words for those who don't see them."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Sequence
from html import escape
from typing import Final

from training.evaluation.bootstrap import Estimate
from training.evaluation.drawing import Drawn

_STYLE: Final = """
:root { color: #222; background: #fff; font: 16px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif }
body { max-width: 62rem; margin: 0 auto; padding: 1rem 1.25rem 3rem }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 1rem 0 .25rem }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; border-top: 1px solid #ccc; padding-top: 1rem }
p { max-width: 46rem }
.synthetic { font-size: 2rem; font-weight: 700; letter-spacing: .06em; text-align: center;
  color: #7a2e00; border: 3px solid #7a2e00; padding: .4rem; margin: 1rem 0 0; max-width: none }
.synthetic small { display: block; font-size: 1rem; font-weight: 400; letter-spacing: 0 }
.warnings { border-left: .4rem solid #d55e00; background: #fdf3ec; padding: .6rem 1rem; margin: 1rem 0 }
.warnings ul { margin: 0; padding-left: 1.2rem }
figure { margin: 1rem 0 } figure img { width: 100%; height: auto; background: #fff }
figcaption, .note { color: #555; font-size: .9rem; max-width: 52rem }
.scroll { overflow-x: auto }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; margin: .75rem 0 }
caption { text-align: left; color: #555; padding-bottom: .3rem }
caption span { display: inline-block; position: sticky; left: 0; max-width: min(52rem, calc(100vw - 3rem)) }
th, td { padding: .25rem .6rem; border-bottom: 1px solid #ddd; text-align: right; vertical-align: top }
th { font-weight: 600 } tbody th, thead th:first-child, .text { text-align: left }
tbody th { font-weight: 400; position: sticky; left: 0; background: #fff }
td small { color: #666; display: block; white-space: nowrap }
summary { cursor: pointer; padding: .2rem 0; color: #0b5394 }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .75rem 0 }
dt { color: #555 } dd { margin: 0; overflow-wrap: anywhere }
@media screen and (max-width: 48rem) { figure { overflow-x: auto }
  figure img { width: 48rem; max-width: none } figcaption { position: sticky; left: 0 } }
@media print { body { max-width: none; padding: 0; font-size: 10pt } h2 { break-after: avoid }
  figure, table { break-inside: avoid } .scroll { overflow: visible } }
"""


_IN_WORDS: Final = ' class="text"'


class Html(str):
    """Text that is HTML already; any other text is escaped."""


def document(title: str, body: str) -> str:
    """A page of ``body``, which is HTML."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"{body}\n</main>\n</body>\n</html>\n"
    )


def figure(drawing: Drawn, caption: str) -> str:
    """``drawing`` inside the page, with a caption."""
    data = base64.b64encode(drawing.svg).decode()
    return (
        f'<figure><img src="data:image/svg+xml;base64,{data}" alt="{escape(drawing.alt)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def folded(summary: str, body: str) -> str:
    """``body``, which is HTML, out of sight until somebody asks for it."""
    return f"<details><summary>{escape(summary)}</summary>{body}</details>"


def cell(estimate: Estimate | None, digits: str) -> str:
    """An estimate with its interval, for a table, ``digits`` being their format; a dash for none."""
    if estimate is None or estimate.value is None:
        return "–"
    value = f"{estimate.value:{digits}}"
    if estimate.lower is None or estimate.upper is None:
        return value
    return Html(f"{value}<small>{estimate.lower:{digits}} to {estimate.upper:{digits}}</small>")


def table(
    caption: str, headers: Sequence[str], rows: Iterable[Sequence[str]], words: Collection[str] = ()
) -> str:
    """A table whose first column heads its rows; a row that is too short says something in words.

    ``words`` are the headers of columns that hold words and not numbers.
    """
    in_words = [header in words for header in headers[1:]]
    head = "".join(
        f'<th scope="col"{_IN_WORDS if name in words else ""}>{escape(name)}</th>'
        for name in headers
    )
    body = []
    for first, *cells in rows:
        short = len(headers) - 1 - len(cells)
        made = []
        for i, content in enumerate(cells):
            text = content if isinstance(content, Html) else escape(content)
            wide = f' class="text" colspan="{1 + short}"' if short and i == len(cells) - 1 else ""
            wide = wide or (_IN_WORDS if in_words[i] else "")
            made.append(f"<td{wide}>{text}</td>")
        body.append(f'<tr><th scope="row">{escape(first)}</th>{"".join(made)}</tr>')
    return (
        f'<div class="scroll"><table><caption><span>{escape(caption)}</span></caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )
