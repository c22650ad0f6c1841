"""How an app is set, for people."""

from __future__ import annotations

from collections.abc import Iterator

from driftward.day.saying import objects
from shared.model import Json


def switch_lines(states: list[dict[str, Json]]) -> Iterator[str]:
    """A line for each subscription, and under it what throws the switch."""
    for state in states:
        yield f"break-glass  {state.get('switch')} in {state.get('subscription')}"
        for blob in objects(state.get("blobs")):
            ends_at = f" until {blob.get('until')}" if blob.get("until") else ""
            yield f"    {blob.get('name')}{ends_at}: {blob.get('note')}"
    if not states:
        yield "break-glass  no subscription is watched"
