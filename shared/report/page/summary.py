"""What is read without a script, in the order in which it is asked: how many are watched and as they should
be, what is exposed now, where and how grave; controls; what is exempt, what is not known, what one look
cannot tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import quote

from shared.model import ComplianceState, Severity, TargetKind
from shared.report.controls import ControlState, Framework, Standing, frameworks_of
from shared.report.page.figures import (
    NotRead,
    Place,
    Standings,
    Stands,
    Tally,
    by_family,
    by_place,
    not_read,
)
from shared.report.page.markup import Markup, Part, el, joined, name
from shared.report.page.parts import (
    bar,
    count,
    figure,
    plural,
    section,
    severity,
    soft,
    spelled,
    table,
    target_link,
)
from shared.report.rows import Report, Row

MOST_LISTED: Final = 12
"""Of a list in the summary; the tables have all of them."""
MOST_PLACES: Final = 25
_GRAVE: Final = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW, Severity.INFORMATIONAL)
_WRONG: Final = ComplianceState.NON_COMPLIANT
_FILLS: Final = {Stands.WRONG: "wrong", Stands.UNKNOWN: "unknown", Stands.FINE: "fine"}


def headline(report: Report, standings: Standings) -> str:
    """What it comes to, in a sentence without an end."""
    whole, fine = len(standings.of), standings.count(Stands.FINE)
    if not whole:
        return "nothing was looked at"
    if fine < whole:
        return f"{fine} of {whole} servers and subnets are as they should be"
    return "every server and subnet is as it should be" if not report.estate.unlisted else _AS_FAR


_AS_FAR: Final = "what was seen is as it should be; not everything could be listed"


def sections(report: Report, standings: Standings) -> tuple[Markup, Markup]:
    """Those before the tables, and those after."""
    before = joined(_overview(report, standings), _exposed(report), _breakdown(report, standings))
    return before, joined(_controls(report), _exempt(report), _unread(report), _beyond())


# --- at a glance -----------------------------------------------------------------------------------


def _overview(report: Report, standings: Standings) -> Markup:
    said = headline(report, standings)
    shares = [(_FILLS[one], standings.count(one)) for one in (Stands.FINE, Stands.UNKNOWN, Stands.WRONG)]
    return el(
        "section",
        el("h1", f"{said[0].upper()}{said[1:]}", id="overview-title"),
        _where(report),
        _warning(report),
        el("div", bar(shares), class_="whole"),
        el("dl", *_figures(report, standings), class_="figures"),
        id="overview",
        aria_labelledby="overview-title",
        tabindex="-1",
    )


def _where(report: Report) -> Markup:
    at = report.estate.taken_at
    scopes = [name(one) for one in report.estate.scopes[:MOST_LISTED]]
    more = len(report.estate.scopes) - len(scopes)
    parts: list[Part] = [*scopes, *([f"{more} more"] if more else [])]
    return soft("Azure Database for PostgreSQL in ", spelled(parts), f", read on {at:%d %B %Y at %H:%M} UTC")


def _warning(report: Report) -> Part:
    """That not everything was seen goes before every number."""
    unlisted, unread = len(report.estate.unlisted), report.counts.unread
    if not unlisted and not unread:
        return ""
    said = [f"{plural(unlisted, 'scope')} could not be listed whole"] if unlisted else []
    said += [f"{plural(unread, 'target')} could not be read"] if unread else []
    link = el("a", "what is missing, and what that takes", href="#unread")
    return el("p", el("strong", f"{' and '.join(said)}: "), link, ".", class_="notice")


def _figures(report: Report, standings: Standings) -> Iterator[Markup]:
    results = report.estate.results
    subnets = sum(one.target.kind is TargetKind.SUBNET for one in results)
    servers = len(results) - subnets
    exposed = _exposures(report)
    reached = len({row.finding.target.key for row in exposed})
    wrong, unknown = standings.count(Stands.WRONG), standings.count(Stands.UNKNOWN)
    yield figure(len(results), "looked at", f"{plural(servers, 'server')}, {plural(subnets, 'subnet')}")
    yield figure(standings.count(Stands.FINE), "as they should be", "", "fine")
    yield figure(
        reached, "exposed now", "they let somebody in who should not be", "wrong" if reached else "fine"
    )
    yield figure(wrong, "not as they should be", f"{plural(_wrong(report), 'finding')}{_new(report)}")
    yield figure(unknown, "not known", _SAFE_SO_FAR if unknown else "", "unknown" if unknown else "")


_SAFE_SO_FAR: Final = "nothing wrong was seen there, and not everything was seen"


def _wrong(report: Report) -> int:
    return report.counts.by_state[ComplianceState.NON_COMPLIANT]


def _new(report: Report) -> str:
    new = report.counts.is_new
    return f", {new} new" if new != _wrong(report) else ""


def _exposures(report: Report) -> list[Row]:
    return [row for row in report.rows if row.is_exposure and row.is_wrong]


def _exposed(report: Report) -> Markup:
    found: dict[str, list[Row]] = {}
    for row in _exposures(report):
        found.setdefault(row.finding.target.key, []).append(row)
    if not found:
        return section("exposed", "Exposed now", soft(_NOBODY))
    rows = [_exposed_target(several) for several in list(found.values())[:MOST_LISTED]]
    more = len(found) - len(rows)
    link = el("a", f"{more} more", href="#findings?exposed=yes")
    told = table("What lets somebody in", ("Server or subnet", "Severity", "What was found"), rows, "exposed")
    return section("exposed", "Exposed now", told, el("p", link) if more > 0 else "", soft(_SINCE))


_NOBODY: Final = "Nothing was found that lets somebody in who should not be."
_SINCE: Final = "Since when, and by whom, one look cannot tell."


def _exposed_target(rows: Sequence[Row]) -> tuple[Part, ...]:
    reasons = [el("li", row.finding.reason) for row in rows]
    return target_link(rows[0].finding.target), severity(rows[0].severity), el("ul", *reasons, class_="close")


# --- by family, by place ---------------------------------------------------------------------------


def _breakdown(report: Report, standings: Standings) -> Markup:
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
    heads = ("Resource group", "Worst", "Looked at", *(str(one) for one in Stands), "Shares")
    yield table("Servers and subnets by resource group", heads, map(_place, places[:MOST_PLACES]), "counts")
    more = len(places) - MOST_PLACES
    if more > 0:
        yield soft(f"{more} more resource groups, less grave: the tables below can be filtered by each.")


def _place(place: Place) -> Iterator[Part]:
    group = quote(place.id, safe="/")
    yield joined(
        el("a", name(place.name), href=f"#targets?group={group}"),
        el("small", place.subscription, class_="soft"),
    )
    yield severity(place.worst) if place.worst is not None else count(0)
    yield str(place.targets)
    for one in Stands:
        yield count(place.stand[one])
    yield bar([(_FILLS[one], place.stand[one]) for one in reversed(Stands)])


# --- controls --------------------------------------------------------------------------------------


def _controls(report: Report) -> Markup:
    frameworks = frameworks_of(report.estate.results)
    heads = ("Framework", *(str(one) for one in Standing), "Shares")
    told = table("Controls by framework", heads, map(_framework, frameworks), "counts")
    about = soft(
        "Controls that a policy of Driftward supports. Met is said where everything was judged and nothing "
        "speaks against it. Controls that take a person, such as a procedure or a review, are manual: no "
        "reading of Azure answers them, and they are not counted here."
    )
    return section("controls", "Controls", about, told, *map(_in_full, frameworks))


def _framework(framework: Framework) -> Iterator[Part]:
    yield joined(framework.name, " ", el("span", framework.version, class_="soft"))
    for one in Standing:
        yield count(framework.count(one))
    fills = {Standing.UNMET: "wrong", Standing.UNKNOWN: "unknown", Standing.MET: "fine"}
    yield bar([(fills.get(one, "none"), framework.count(one)) for one in reversed(Standing)])


def _in_full(framework: Framework) -> Markup:
    label = f"{framework.name} {framework.version}"
    heads = ("Control", "Standing", "Not met on", "Not known on", "Title")
    rows = map(_control, framework.controls)
    return el("details", el("summary", label), table(f"Controls of {label}", heads, rows))


def _control(one: ControlState) -> Iterator[Part]:
    yield el("span", one.control.id, class_="id")
    yield el("span", str(one.standing), class_=f"standing {one.standing.name.lower()}")
    yield count(one.unmet)
    yield count(one.unknown)
    asked = f" (not asked: {', '.join(one.not_asked)})" if one.not_asked else ""
    yield joined(one.control.title, el("small", asked, class_="soft") if asked else "")


# --- exempt, not known, beyond one look ------------------------------------------------------------


def _exempt(report: Report) -> Markup:
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


def _unread(report: Report) -> Markup:
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


def _beyond() -> Markup:
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
