"""How an app is set, for people."""

from __future__ import annotations

from collections.abc import Iterator

from driftward.day.saying import objects, text_of, who
from driftward.documents import NotJson, read_json
from shared.model import Json


def switch_lines(states: list[dict[str, Json]]) -> Iterator[str]:
    """A line for each subscription, and under it what throws the switch."""
    for state in states:
        yield f"break-glass  {state.get('switch')} in {state.get('subscription')}"
        for blob in objects(state.get("blobs")):
            ends_at = f" until {blob.get('until')}" if blob.get("until") else ""
            yield f"    {blob.get('name')}{ends_at}: {_note(blob.get('note'))}"
    if not states:
        yield "break-glass  no subscription is watched"


def standing_lines(told: dict[str, Json]) -> Iterator[str]:
    """The last sweep and event, what is open, and the hour's writes; of an older app, which does not say,
    nothing."""
    for one in objects(told.get("sweeps")):
        yield f"sweep        {_pass(one)} of {one.get('subscription')}"
    for one in objects(told.get("events")):
        yield f"event        {_event(one)} in {one.get('subscription')}"
    counted = told.get("openAlerts")
    if isinstance(counted, dict):
        said = ", ".join(f"{number} {severity}" for severity, number in counted.items() if number)
        yield f"open         {said or 'no alert'}"
    for one in objects(told.get("budgets")):
        spent = f"{one.get('used')} of {one.get('cap')} in this hour"
        yield f"writes       {spent} ({one.get('purse')}) in {one.get('subscription')}"


def _pass(one: dict[str, Json]) -> str:
    if one.get("began") is None:
        return "none yet"
    found = "not everything was listed" if one.get("targets") is None else f"{one.get('targets')} targets"
    failed = f" ({one.get('failed')})" if one.get("failed") else ""
    return f"{one.get('began')}, {found}{failed},"


def _event(one: dict[str, Json]) -> str:
    if one.get("time") is None:
        return "none yet"
    told = f"{one.get('time')}, {one.get('operation')} by {who(one.get('actor'))}"
    return f"{told}, of {one.get('target')}," if one.get("target") else f"{told},"


def _note(text: Json) -> str:
    """What a switch says: who threw it, why and since when, where it was thrown by us."""
    try:
        said = read_json(text) if isinstance(text, str) else None
    except NotJson:
        said = None
    match said:
        case {"by": str(by), "reason": str(reason), "time": str(time)}:
            return f"{reason} ({by}, since {time})"
    return text_of(text)
