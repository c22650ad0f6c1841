"""What is exempt, what is not known and which permission that takes, and what one look cannot tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from shared.model import ComplianceState
from shared.report.page.figures import NotRead, not_read
from shared.report.page.markup import Markup, Part, el, joined, name
from shared.report.page.parts import plural, section, soft, spelled, table, target_link
from shared.report.rows import Report

MOST_LISTED: Final = 12
"""Of a list; the tables have all of them."""


def exempt(report: Report) -> Markup:
    found = [row for row in report.rows if row.state is ComplianceState.EXEMPT]
    if not found:
        return section("exempt", "Exempt", soft("Nothing is exempt."))
    rows = [
        (target_link(row.finding.target), row.title, row.decision.detail if row.decision else "")
        for row in found[:MOST_LISTED]
    ]
    more = len(found) - len(rows)
    link = el("a", f"{more} more", href=f"#findings?state={ComplianceState.EXEMPT}")
    told = table("What is exempt", ("Server or subnet", "Policy", "Why and until when"), rows)
    return section("exempt", "Exempt", told, el("p", link) if more > 0 else "")


def unread(report: Report) -> Markup:
    found, unlisted = not_read(report), report.estate.unlisted
    if not found and not unlisted:
        return section("unread", "Not known", soft("Everything was read, and everything could be judged."))
    return section(
        "unread", "Not known", *_unlisted(report), *map(_missing, found[:MOST_LISTED]), _others(found)
    )


def _unlisted(report: Report) -> Iterator[Markup]:
    for one in report.estate.unlisted:
        said = joined("Not all of ", el("code", name(one.scope)), " could be listed: ", one.reason)
        yield el("div", el("p", said), class_="missing")


def _missing(one: NotRead) -> Markup:
    shown = [target_link(target) for target in one.targets[:MOST_LISTED]]
    more = len(one.targets) - len(shown)
    whom: list[Part] = [*shown, *([f"{more} more"] if more else [])]
    concerned = f"{plural(len(one.policies), 'policy', 'policies')} on " if one.policies else "Everything on "
    return el(
        "div",
        el("p", one.reason),
        soft(concerned, spelled(whom)),
        _takes(one.permissions),
        class_="missing",
    )


def _takes(permissions: Sequence[str]) -> Part:
    if not permissions:
        return ""
    return el("p", "It takes ", spelled([el("code", one) for one in permissions]), ".")


def _others(found: Sequence[NotRead]) -> Part:
    more = len(found) - MOST_LISTED
    return el("p", el("a", f"{plural(more, 'more reason')}", href="#findings?state=open")) if more > 0 else ""


def beyond() -> Markup:
    """What is asked of every report and one look has no answer to: said, and never made up."""
    return section(
        "beyond",
        "What one look cannot tell",
        soft(
            "Since when something is exposed, who caused it, what was fixed and how fast, what waits for "
            "approval and how all that changes over time take a memory: a deployed app keeps it. Exemptions "
            "that were given to an app are not known here either; those of policies.yaml are."
        ),
    )
