"""Small parts that the summary is made of: figures, bars, tables, links. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import quote

from shared.model import Severity, Target
from shared.report.page.figures import Stands
from shared.report.page.markup import Markup, Part, el, joined

FILLS: Final[Mapping[Stands, str]] = {
    Stands.WRONG: "wrong",
    Stands.UNKNOWN: "unknown",
    Stands.FINE: "fine",
    Stands.UNJUDGED: "none",
}
"""The colours of shares, by their names in the style."""


def figure(number: int, label: str, about: str = "", kind: str = "") -> Markup:
    """A number that answers at a glance, and what it counts."""
    told = el("dd", f"{number:,}".replace(",", "\u202f"), class_=f"number {kind}".strip())
    return el("div", el("dt", label), told, el("dd", about, class_="soft") if about else "", class_="figure")


def bar(shares: Sequence[tuple[str, int]]) -> Markup:
    """Shares of a whole side by side. A picture only: whoever does not see it has the numbers beside it."""
    whole = sum(number for _, number in shares) or 1
    parts, at = [], 0.0
    for kind, number in shares:
        width = 100 * number / whole
        if number:
            parts.append(
                el("rect", x=f"{at:.3f}", y=0, width=f"{width:.3f}", height=4, class_=f"fill-{kind}")
            )
        at += width
    return el(
        "svg", *parts, class_="bar", viewBox="0 0 100 4", preserveAspectRatio="none", aria_hidden="true"
    )


def table(label: str, heads: Iterable[str], rows: Iterable[Iterable[Part]], kind: str = "") -> Markup:
    """A table with its first cell as the row's head; cells name their column where the screen is narrow.

    The roles stand there because a narrow screen shows rows as blocks, which take them away.
    """
    heads = list(heads)
    head = el("tr", *(el("th", one, scope="col", role="columnheader") for one in heads), role="row")
    body = [el("tr", *_cells(heads, row), role="row") for row in rows]
    return el(
        "table",
        el("caption", label, class_="unseen"),
        el("thead", head, role="rowgroup"),
        el("tbody", *body, role="rowgroup"),
        class_=f"plain {kind}".strip(),
        role="table",
    )


def _cells(heads: Sequence[str], row: Iterable[Part]) -> Iterable[Markup]:
    for number, (head, cell) in enumerate(zip(heads, row, strict=True)):
        if number:
            yield el("td", cell, data_label=head, role="cell")
        else:
            yield el("th", cell, scope="row", role="rowheader")


def count(number: int, search: str = "") -> Part:
    """A number that leads to what it counts; none is a quiet dash."""
    if not number:
        return el(
            "span", el("span", "none", class_="unseen"), el("span", "–", aria_hidden="true"), class_="none"
        )
    return el("a", str(number), href=f"#findings?{search}") if search else str(number)


def severity(one: Severity) -> Markup:
    return el("span", str(one), class_=f"severity {one.lower()}")


def target_link(target: Target) -> Markup:
    return el("a", el("bdi", target.id.name), href=f"#{quote(str(target.id), safe='/')}")


def section(name: str, title: str, *parts: Part) -> Markup:
    heading = el("h2", title, id=f"{name}-title")
    return el("section", heading, *parts, id=name, aria_labelledby=f"{name}-title", tabindex="-1")


def soft(*parts: Part) -> Markup:
    return el("p", *parts, class_="soft")


def plural(number: int, one: str, several: str = "") -> str:
    """``1 server``, ``2 servers``."""
    return f"{number} {one if number == 1 else several or f'{one}s'}"


def spelled(parts: Sequence[Part]) -> Markup:
    """Parts with commas between them."""
    return joined(*(joined(", " if number else "", part) for number, part in enumerate(parts)))
