"""The sections that a memory adds: what was fixed and how fast, who caused it, what waits for an approval,
which exemptions end soon, the trend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from shared.report.history import Day, History, Waiting
from shared.report.page.changes_shown import changes
from shared.report.page.markup import Markup, Part, el, joined, name
from shared.report.page.parts import figure, plural, section, severity, soft, table, target_link

MOST_LISTED: Final = 25
_WIDTH, _HEIGHT, _LEFT, _FOOT = 1000, 200, 34, 24


def past(history: History) -> Markup:
    told = changes(history.changes)
    return joined(_fixed(history), told, _waiting(history.waiting), _ending(history), _trend(history))


def _fixed(history: History) -> Markup:
    since = f"since {history.since:%d %B %Y}, as far as alerts and changes are kept"
    figures = [
        figure(history.closed, "alerts closed", f"{history.opened} opened in that time"),
        figure(history.reverted, "changes put back", "by Driftward, each proved before it was made"),
        figure(history.exposures, "exposures", f"{_time(history.exposed)} open, all together"),
    ]
    if history.median_open is not None:
        half = el("strong", _time(history.median_open))
        speed: Part = soft("Half of the exposures that are over were open for no longer than ", half, ".")
    else:
        speed = soft("No exposure of that time is over, so how fast they end is not known.")
    return section(
        "fixed",
        "Fixed, and how fast",
        soft(since),
        el("dl", *figures, class_="figures"),
        speed,
        _causes(history),
    )


def _causes(history: History) -> Part:
    if not history.causes:
        return ""
    rows = [(name(who), str(number)) for who, number in history.causes]
    told = soft("Who had written last when alerts opened, as Azure's events named them.")
    return joined(el("h3", "Who caused it"), told, table("Who caused it", ("Who", "Alerts"), rows))


def _time(span: timedelta) -> str:
    """In minutes up to two hours, then in hours, then in days."""
    minutes = span.total_seconds() / 60
    if minutes < 120:
        return plural(round(minutes), "minute")
    if minutes < 2 * 24 * 60:
        return plural(round(minutes / 60), "hour")
    return plural(round(minutes / 24 / 60), "day")


def _waiting(waiting: Sequence[Waiting]) -> Markup:
    if not waiting:
        return section("waiting", "Waits for approval", soft("Nothing waits for anybody's approval."))
    rows = [
        (
            target_link(one.target),
            severity(one.severity),
            joined(one.title, el("small", "; ".join(one.does), class_="soft") if one.does else ""),
            f"{one.since:%Y-%m-%d %H:%M} UTC",
            el("code", f"driftward alert approve {one.alert}"),
        )
        for one in waiting[:MOST_LISTED]
    ]
    heads = ("Server or subnet", "Severity", "What would be done", "Since", "How")
    more = len(waiting) - MOST_LISTED
    rest = soft(f"{more} more: driftward alerts") if more > 0 else ""
    return section("waiting", "Waits for approval", table("What waits for approval", heads, rows), rest)


def _ending(history: History) -> Markup:
    if not history.ending:
        return section("ending", "Exemptions that end soon", soft("None ends within two weeks."))
    rows = [
        (
            one.policy,
            el("code", name(one.scope)),
            one.reason,
            one.approver,
            f"{one.expires_at:%Y-%m-%d %H:%M} UTC",
        )
        for one in history.ending[:MOST_LISTED]
    ]
    heads = ("Policy", "Scope", "Why", "Approved by", "Ends")
    return section("ending", "Exemptions that end soon", table("Exemptions that end soon", heads, rows))


# --- the trend -------------------------------------------------------------------------------------


def _trend(history: History) -> Markup:
    days = history.days
    first, last = days[0], days[-1]
    most = max(one.stands for one in days)
    stood = f"{plural(first.stands, 'alert')} stood on {first.day:%d %B}"
    told = f"{stood}, {last.stands} now, and {most} at the most."
    chart = el(
        "div", _chart(days, most, told), class_="wide-box", tabindex=0, role="region", aria_label="Trend"
    )
    return section(
        "trend", "Alerts that stand, over 90 days", soft(told), el("figure", chart, class_="picture")
    )


def _chart(days: Sequence[Day], most: int, told: str) -> Markup:
    top = max(most, 1)
    points = [(_across(number, len(days)), _up(one.stands, top)) for number, one in enumerate(days)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    ground = _HEIGHT - _FOOT
    area = f"{_LEFT},{ground} {line} {_WIDTH},{ground}"
    return el(
        "svg",
        *_axes(days, top),
        el("polygon", points=area, class_="area"),
        el("polyline", points=line, class_="curve"),
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        class_="trend",
        role="img",
        aria_label=told,
    )


def _across(number: int, count: int) -> float:
    return _LEFT + (_WIDTH - _LEFT) * number / max(count - 1, 1)


def _up(stands: int, top: int) -> float:
    return (_HEIGHT - _FOOT) - (_HEIGHT - _FOOT - 12) * stands / top


def _axes(days: Sequence[Day], top: int) -> Iterator[Markup]:
    for level in sorted({0, top // 2, top}):
        y = f"{_up(level, top):.1f}"
        yield el("line", x1=_LEFT, x2=_WIDTH, y1=y, y2=y, class_="level")
        yield el("text", str(level), x=_LEFT - 6, y=f"{_up(level, top) + 4:.1f}", class_="number-of")
    for number, one in enumerate(days):
        if number % 15 == 0 and number < len(days) - 5:
            yield el(
                "text", f"{one.day:%d %b}", x=f"{_across(number, len(days)):.1f}", y=_HEIGHT - 6, class_="day"
            )
