"""Findings by severity and family, targets by resource group: each number leads to what it counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import quote

from shared.model import ComplianceState, Severity
from shared.report.page.figures import Place, Standings, Stands, Tally, by_family, by_place
from shared.report.page.markup import Markup, Part, el, joined, name
from shared.report.page.parts import FILLS, bar, count, section, severity, soft, table
from shared.report.rows import Report

MOST_PLACES: Final = 25
_GRAVE: Final = tuple(Severity)
_WRONG: Final = ComplianceState.NON_COMPLIANT


def breakdown(report: Report, standings: Standings) -> Markup:
    heads = ("Family", *(str(one) for one in _GRAVE), "Not known", "Exempt")
    families = table("Findings by family and severity", heads, map(_family, by_family(report.rows)), "counts")
    total = [count(report.counts.by_severity[one], f"severity={one}&state={_WRONG}") for one in _GRAVE]
    whole = el(
        "dl", *(_severity_total(one, part) for one, part in zip(_GRAVE, total, strict=True)), class_="row"
    )
    return joined(
        section("severity", "By severity and family", whole, families),
        section("scopes", "By resource group", *_places(by_place(report, standings))),
    )


def _severity_total(one: Severity, number: Part) -> Markup:
    return el("div", el("dt", severity(one)), el("dd", number))


def _family(tally: Tally) -> Iterator[Part]:
    yield tally.name.replace("_", " ")
    for one in _GRAVE:
        yield count(tally.wrong[one], f"family={tally.name}&severity={one}&state={_WRONG}")
    yield count(tally.unknown, f"family={tally.name}&state=open")
    yield count(tally.exempt, f"family={tally.name}&state={ComplianceState.EXEMPT}")


def _places(places: Sequence[Place]) -> Iterator[Part]:
    told = [one for one in Stands if one is not Stands.UNJUDGED or any(place.stand[one] for place in places)]
    heads = ("Resource group", "Worst", "Looked at", *(str(one) for one in told), "Shares")
    rows = (_place(one, told) for one in places[:MOST_PLACES])
    yield table("Servers and subnets by resource group", heads, rows, "counts")
    more = len(places) - MOST_PLACES
    if more > 0:
        yield soft(f"{more} more resource groups, less grave: the tables below can be filtered by each.")


def _place(place: Place, told: Sequence[Stands]) -> Iterator[Part]:
    group = quote(place.id, safe="/")
    yield joined(
        el("a", name(place.name), href=f"#targets?group={group}"),
        el("small", place.subscription, class_="soft"),
    )
    yield severity(place.worst) if place.worst is not None else count(0)
    yield str(place.targets)
    for one in told:
        yield count(place.stand[one])
    yield bar([(FILLS[one], place.stand[one]) for one in reversed(told)])
