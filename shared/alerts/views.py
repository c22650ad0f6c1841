"""Alerts and changes as the HTTP API answers them, and as notifications carry them."""

from __future__ import annotations

from typing import Final

from shared.guardrails.approvals import told
from shared.model import Json
from shared.model.alert_records import AlertRecord, Planned
from shared.model.change_life import what_stands
from shared.model.change_records import ChangeRecord
from shared.model.codec import to_json
from shared.model.values import value

KEPT_BACK: Final = frozenset({"etag", "unsent", "told", "toldTo", "edits", "planned", "listed", "tags"})
_MOST_SHOWN: Final = 50
NOT_SHOWN: Final = frozenset(
    {"etag", "operation", "nextEdit", "phase", "revision", "watch", "listed", "tags"}
)
"""Of a change: how it is gone on with, which its copy among the changes may tell late."""


@value
class PlannedView:
    """The change that an approval of the alert would be for."""

    digest: str
    """The same as long as the change does the same to the same traffic."""
    does: tuple[str, ...]
    """What is written, in order."""
    loses_access: tuple[str, ...]
    gains_access: tuple[str, ...]


def alert_view(alert: AlertRecord) -> dict[str, Json]:
    """The alert as ``GET /api/alerts`` shows it: without what only the store needs."""
    document = {name: part for name, part in to_json(alert).items() if name not in KEPT_BACK}
    if alert.approval is not None:
        approved = document["approval"].pop("planned")
        document["approval"]["digest"] = approved["digest"] if approved else None
    document["planned"] = None if alert.planned is None else to_json(planned_view(alert.planned))
    return document


def planned_view(planned: Planned) -> PlannedView:
    return PlannedView(
        digest=planned.digest,
        does=planned.does,
        loses_access=_cut(told(planned.loses)),
        gains_access=_cut(told(planned.gains)),
    )


def _cut(texts: tuple[str, ...]) -> tuple[str, ...]:
    more = len(texts) - _MOST_SHOWN
    return (*texts[:_MOST_SHOWN], f"and {more} more") if more > 0 else texts


def change_view(change: ChangeRecord) -> dict[str, Json]:
    """The change as ``GET /api/changes`` shows it: edits, inverse and target are fields of its own, and
    ``applied`` are the edits that it left in Azure, once it is over."""
    document = to_json(change)
    inner = document.pop("change")
    kept = {name: part for name, part in document.items() if name not in NOT_SHOWN}
    applied = what_stands(change)
    return {
        **kept,
        "policy": inner["policy"],
        "target": inner["target"],
        "resourceId": str(change.change.resource_id),
        "edits": inner["edits"],
        "inverse": inner["inverse"],
        "applied": [to_json(edit) for edit in applied.edits] if applied is not None else [],
    }
