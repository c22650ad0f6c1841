"""Changes for people: a few lines each in a list, and one in full with its proof."""

from __future__ import annotations

from collections.abc import Iterator

from driftward.day.saying import labelled, objects, of, paragraph, pretty, text_of, who
from shared.model import Json


def listed(changes: list[dict[str, Json]]) -> Iterator[str]:
    """Each change with what names it."""
    for change in changes:
        yield _heading(change)
        yield from labelled(
            [
                ("id", change.get("id")),
                ("on", change.get("resourceId")),
                ("did", of(change, "decision", "detail")),
                ("came to", change.get("detail")),
                ("undoes", change.get("rollbackOf")),
                ("undone by", change.get("rolledBackBy")),
            ]
        )
    if not changes:
        yield "There is no such change."


def in_full(change: dict[str, Json]) -> Iterator[str]:
    """What was written, why it was allowed, and what undoes it."""
    yield _heading(change)
    yield from labelled(_facts(change), indent=0)
    difference = change.get("difference")
    yield from paragraph("Nobody had access before", of(difference, "newlyAllowed") or [])
    yield from paragraph("Lost access", of(difference, "newlyDenied") or [])
    yield from paragraph("Not known", of(difference, "newlyOpen") or [])
    yield from paragraph("Proof", map(_step, objects(of(change, "proof", "steps"))))
    yield from paragraph("Written", pretty(change.get("edits")))
    yield from paragraph("What undoes it", pretty(change.get("inverse")))


def begun(rollback: dict[str, Json]) -> str:
    """What was begun, and where it goes on."""
    change = rollback.get("id")
    return f"rollback {change}: {rollback.get('outcome')}; `driftward change show {change}` tells of its end"


def _heading(change: dict[str, Json]) -> str:
    outcome = text_of(change.get("outcome")).ljust(16)
    return f"{outcome} {change.get('createdAt')}  {change.get('kind')}  {change.get('policy')}"


def _facts(change: dict[str, Json]) -> Iterator[tuple[str, Json]]:
    yield "id", change.get("id")
    yield "on", change.get("resourceId")
    yield "did", of(change, "decision", "detail")
    yield "came to", change.get("detail")
    yield "caused by", f"{of(change, 'cause', 'kind')}: {who(of(change, 'cause', 'actor'))}"
    yield "because", change.get("reason") or of(change, "decision", "reason")
    yield "finished", change.get("finishedAt")
    yield "undoes", change.get("rollbackOf")
    yield "undone by", change.get("rolledBackBy")


def _step(step: dict[str, Json]) -> str:
    mark = "holds" if step.get("holds") else "does not hold"
    detail = text_of(step.get("detail"))
    return f"{mark}: {step.get('claim')}" + (f" ({detail})" if detail else "")
