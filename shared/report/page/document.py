"""The page whole: head, what is read without a script, what the script fills, the data, the script."""

from __future__ import annotations

from collections.abc import Iterator

from shared.report.page.assets import assets
from shared.report.page.data import embedded
from shared.report.page.explorer import explorer
from shared.report.page.figures import Standings, standings_of
from shared.report.page.markup import Markup, el, joined
from shared.report.page.summary import headline, sections
from shared.report.rows import Report


def text(report: Report) -> str:
    """One file that needs nothing else."""
    standings = standings_of(report)
    body = el(
        "body", _body(report, standings), embedded(report, standings), el("script", Markup(assets().script))
    )
    return f"<!doctype html>\n{el('html', _head(report, standings), body, lang='en')}\n"


def _head(report: Report, standings: Standings) -> Markup:
    held = assets()
    return el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=held.policy),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", name="referrer", content="no-referrer"),
        el("title", f"Driftward: {headline(report, standings)}"),
        el("style", Markup(held.style)),
    )


def _body(report: Report, standings: Standings) -> Iterator[Markup]:
    yield el("a", "To the report", href="#report", class_="skip")
    yield _top()
    yield el("main", *_views(report, standings), id="report", tabindex="-1")
    yield el("main", id="target", tabindex="-1", hidden="")
    yield el("div", id="said", role="status", class_="unseen")
    yield _foot(report)


def _views(report: Report, standings: Standings) -> Iterator[Markup]:
    before, after = sections(report, standings)
    yield before
    yield explorer()
    yield after


def _top() -> Markup:
    links = (("overview", "Overview"), ("findings", "Findings"), ("targets", "Servers and subnets"))
    more = (("controls", "Controls"), ("unread", "Not known"))
    nav = [el("a", label, href=f"#{name}") for name, label in (*links, *more)]
    brand = el("p", el("span", "Driftward", class_="name"), class_="brand")
    return el("header", brand, el("nav", *nav, aria_label="Sections"), class_="top")


def _foot(report: Report) -> Markup:
    at = report.estate.taken_at
    when = el("time", f"{at:%d %B %Y, %H:%M} UTC", datetime=at.isoformat())
    version = f" {report.version}" if report.version else ""
    how = "read" if report.history is None else "known"
    said = joined(f"Made by Driftward{version} from what was {how} on ", when, ". ")
    return el("footer", el("p", said, "This page is one file: it loads nothing and sends nothing."))
