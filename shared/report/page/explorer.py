"""The tables that the script fills: their filters, their heads, and what stands there without a script."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from shared.report.page.markup import Markup, el

_GRAVE: Final = (("severity", "Severity"), ("state", "State"))
_NO_SCRIPT: Final = (
    "These tables are made by the page's script, which does not run here. The summary needs none."
)


def explorer() -> Markup:
    """Two sections: what was found, and where."""
    return Markup(
        _section(
            "findings",
            "Findings",
            "What is not as it should be, and what is not known. Choose one to see why and what mends it.",
            (*_GRAVE, ("family", "Family"), ("policy", "Policy"), ("exposed", "Exposed")),
        )
        + _section(
            "targets",
            "Servers and subnets",
            "Everything that was looked at.",
            (("stands", "Stands"), ("kind", "Kind")),
        )
    )


def _section(name: str, title: str, about: str, filters: Iterable[tuple[str, str]]) -> Markup:
    return el(
        "section",
        el("h2", title, id=f"{name}-title"),
        el("p", about, class_="soft"),
        el("noscript", el("p", _NO_SCRIPT, class_="notice")),
        el("div", *_controls(name, filters), class_="filters", role="search", aria_label=f"Filter: {title}"),
        el("p", class_="count", id=f"{name}-count", role="status"),
        el("div", id=f"{name}-table", class_="table-box"),
        el("div", id=f"{name}-pages", class_="pages"),
        id=name,
        class_="made",
        aria_labelledby=f"{name}-title",
        tabindex="-1",
    )


def _controls(name: str, filters: Iterable[tuple[str, str]]) -> Iterator[Markup]:
    """Scope stands in both; what can be chosen the script knows."""
    search = el("input", type="search", id=f"{name}-text", autocomplete="off", spellcheck="false")
    yield el("label", el("span", "Contains"), search, class_="wide")
    for key, label in (*filters, ("group", "Resource group")):
        chosen = el("select", el("option", "all", value=""), id=f"{name}-{key}", data_filter=key)
        yield el("label", el("span", label), chosen)
    yield el("button", "Show all", type="button", id=f"{name}-clear")
    yield el("button", "Download as CSV", type="button", id=f"{name}-csv")
