"""Alerts for people: a few lines each in a list, and one in full with the commands as they are pasted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from driftward.day.saying import labelled, objects, of, paragraph, pretty, text_of, who
from shared.model import Json

_SEVERITY: Final = 13
_STATUS: Final = 12


def listed(alerts: list[dict[str, Json]]) -> Iterator[str]:
    """Each alert with what names it."""
    for alert in alerts:
        yield _heading(alert)
        yield from labelled(
            [
                ("id", alert.get("id")),
                ("on", alert.get("resourceId")),
                ("found", alert.get("reason")),
                ("decided", _decision(alert)),
                ("looked after by", alert.get("acknowledgedBy")),
            ]
        )
    if not alerts:
        yield "There is no such alert."


def in_full(alert: dict[str, Json]) -> Iterator[str]:
    """Everything that a person needs to decide, and to act."""
    yield _heading(alert)
    yield text_of(alert.get("title"))
    yield ""
    yield from labelled(_facts(alert), indent=0)
    yield from _planned(alert.get("planned"))
    yield from paragraph("Seen", pretty(alert.get("evidence")))
    yield from paragraph("Commands, in their order", _commands(alert))
    for choice in alert.get("alternatives") or []:
        yield from paragraph("Or one of these", (line for way in objects(choice) for line in _way(way)))


def planned_lines(alert: dict[str, Json]) -> Iterator[str]:
    """What an approval of the alert would be for."""
    yield from labelled([("on", alert.get("resourceId")), ("policy", alert.get("policy"))], indent=0)
    yield from _planned(alert.get("planned"))


def _heading(alert: dict[str, Json]) -> str:
    severity, status = (text_of(alert.get(name)) for name in ("severity", "status"))
    since, policy = alert.get("firstSeen"), alert.get("policy")
    return f"{severity.ljust(_SEVERITY)} {status.ljust(_STATUS)} {since}  {policy}"


def _facts(alert: dict[str, Json]) -> Iterator[tuple[str, Json]]:
    cause, approval = alert.get("cause"), alert.get("approval")
    yield "id", alert.get("id")
    yield "on", alert.get("resourceId")
    yield "found", alert.get("reason")
    yield "why it matters", alert.get("why")
    yield "decided", _decision(alert)
    yield "by", who(of(cause, "actor"))
    yield "operation", of(cause, "operationName")
    yield "seen", f"{alert.get('firstSeen')} to {alert.get('lastSeen')}, {alert.get('count')} times opened"
    yield "looked after by", alert.get("acknowledgedBy")
    yield "approved by", f"{of(approval, 'by')} until {of(approval, 'expiresAt')}" if approval else None
    yield "resolved", alert.get("resolution")
    yield "no command", alert.get("noCommand")
    yield "portal", alert.get("portal")


def _decision(alert: dict[str, Json]) -> str:
    decision = alert.get("decision")
    action = of(decision, "action")
    if action == "Revert" and of(decision, "dryRun"):
        action = "WouldRevert"
    said = f"{action} ({of(decision, 'reason')})"
    return f"{said}: {of(decision, 'detail')}" if of(decision, "detail") else said


def _planned(planned: Json) -> Iterator[str]:
    yield from paragraph("An approval would write", of(planned, "does") or [])
    yield from paragraph("Who loses access", of(planned, "losesAccess") or [])
    yield from paragraph("Who gains access", of(planned, "gainsAccess") or [])


def _commands(alert: dict[str, Json]) -> list[str]:
    return [line for command in alert.get("commands") or [] for line in str(command).splitlines()]


def _way(way: dict[str, Json]) -> Iterator[str]:
    yield text_of(way.get("when"))
    yield from (f"  {line}" for line in _commands(way))
    yield from (f"  {advice}" for advice in way.get("advice") or [])
