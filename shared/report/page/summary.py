"""What is read without a script, in the order in which it is asked: how many are watched and as they should
be, what is exposed now, where and how grave; controls; what is exempt, what is not known, what one look
cannot tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from shared.model import ComplianceState, TargetKind
from shared.report.page.breakdown import breakdown
from shared.report.page.control_tables import controls
from shared.report.page.figures import Standings, Stands
from shared.report.page.markup import Markup, Part, el, joined, name
from shared.report.page.parts import (
    FILLS,
    bar,
    figure,
    plural,
    section,
    severity,
    soft,
    spelled,
    table,
    target_link,
)
from shared.report.page.past import past
from shared.report.page.unknowns import beyond, exempt, unread
from shared.report.rows import Report, Row

MOST_LISTED: Final = 12
"""Of a list in the summary; the tables have all of them."""


def headline(report: Report, standings: Standings) -> str:
    """What it comes to, in a sentence without an end."""
    whole, fine = len(standings.of) - standings.count(Stands.UNJUDGED), standings.count(Stands.FINE)
    if not whole:
        return "nothing was judged" if standings.of else "nothing was looked at"
    if fine < whole:
        return f"{fine} of {whole} servers and subnets are as they should be"
    return "every server and subnet is as it should be" if not report.estate.unlisted else _AS_FAR


_AS_FAR: Final = "what was seen is as it should be; not everything could be listed"


def sections(report: Report, standings: Standings) -> tuple[Markup, Markup]:
    """Those before the tables, and those after."""
    before = joined(_overview(report, standings), _exposed(report), breakdown(report, standings))
    remembers = past(report.history) if report.history is not None else beyond()
    return before, joined(controls(report), remembers, exempt(report), unread(report))


# --- at a glance -----------------------------------------------------------------------------------


def _overview(report: Report, standings: Standings) -> Markup:
    said = headline(report, standings)
    order = (Stands.FINE, Stands.UNJUDGED, Stands.UNKNOWN, Stands.WRONG)
    shares = [(FILLS[one], standings.count(one)) for one in order]
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
    when = f", {_taken(report)} {at:%d %B %Y at %H:%M} UTC"
    return soft("Azure Database for PostgreSQL in ", spelled(parts), when)


def _taken(report: Report) -> str:
    """A scan has just read it; an app tells what it knows."""
    return "read on" if report.history is None else "as the app knew it on"


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
    unsure = bool(unknown or report.estate.unlisted or any(row.is_open for row in report.rows))
    yield figure(len(results), "looked at", f"{plural(servers, 'server')}, {plural(subnets, 'subnet')}")
    yield figure(standings.count(Stands.FINE), "as they should be", _but(report, standings), "fine")
    yield figure(reached, "exposed now", _LET_IN[unsure], "wrong" if reached else _SURE[unsure])
    yield figure(wrong, "not as they should be", f"{plural(_wrong(report), 'finding')}{_new(report)}")
    yield figure(unknown, "not known", _SAFE_SO_FAR if unknown else "", "unknown" if unknown else "")
    unjudged = standings.count(Stands.UNJUDGED)
    if unjudged:
        yield figure(unjudged, "not judged", "no policy that was asked says anything of them")


_LET_IN: Final = {
    False: "they let somebody in who should not be",
    True: "they let somebody in who should not be; of what is not known it may be so",
}
_SURE: Final = {False: "fine", True: "unknown"}
"""By whether something is not known: nobody is let in only where everything was seen."""


def _but(report: Report, standings: Standings) -> str:
    """What is exempt is let be, and was found all the same."""
    exempt = {row.finding.target.key for row in report.rows if row.state is ComplianceState.EXEMPT}
    count = sum(standings.of[one] is Stands.FINE for one in exempt)
    return f"{count} of them but for what is exempt" if count else ""


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
    heads = ("Server or subnet", "Severity", "What was found")
    rest = el("p", link) if more > 0 else ""
    since = soft(_SINCE) if report.history is None else ""
    return section(
        "exposed", "Exposed now", table("What lets somebody in", heads, rows, "exposed"), rest, since
    )


_NOBODY: Final = "Nothing was found that lets somebody in who should not be."
_SINCE: Final = "Since when, and by whom, one look cannot tell."


def _exposed_target(rows: Sequence[Row]) -> tuple[Part, ...]:
    reasons = [el("li", row.finding.reason, _since(row)) for row in rows]
    return target_link(rows[0].finding.target), severity(rows[0].severity), el("ul", *reasons, class_="close")


def _since(row: Row) -> Part:
    if row.open_since is None:
        return ""
    said = f"since {row.open_since:%Y-%m-%d %H:%M} UTC"
    return el("small", el("time", said, datetime=row.open_since.isoformat()), class_="soft")
