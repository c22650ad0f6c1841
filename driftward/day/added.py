"""Which rules an app has added and still stand as far as its own changes tell, with what removes each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from driftward.day.saying import objects, text_of
from shared.model import (
    DeleteFirewallRule,
    DeleteSecurityRule,
    Edit,
    Json,
    PutFirewallRule,
    PutSecurityRule,
    codec,
)
from shared.model.errors import StoreError
from shared.model.resource_id import ResourceId
from shared.model.values import value


@value
class Added:
    """A rule that was not there before a change made it."""

    resource_id: ResourceId
    """Of the server or the NSG."""
    rule: str
    policy: str
    change: str
    since: str
    command: str
    """What removes it."""


def added(changes: list[dict[str, Json]]) -> list[Added]:
    """The newest edit of a rule says whether it stands. ``changes`` come newest first."""
    told: set[tuple[str, str]] = set()
    return [one for change in changes for one in _of_change(change, told)]


def lines(found: list[Added]) -> Iterator[str]:
    """Each rule with its command on a line of its own."""
    for one in found:
        yield f"{one.rule}  on {one.resource_id}"
        yield f"    since {one.since}, for {one.policy} (change {one.change})"
        yield f"    {one.command}"
    if not found:
        yield "There is no rule that was added and stands still."


def _of_change(change: dict[str, Json], told: set[tuple[str, str]]) -> Iterator[Added]:
    before = {_key(edit) for edit in _edits(change.get("inverse")) if not _is_removal(edit)}
    for edit in _edits(change.get("applied")):
        key = _key(edit)
        if key in told:
            continue
        told.add(key)
        if key not in before and not _is_removal(edit) and not _is_undone(change):
            yield _added(edit, change)


def _is_undone(change: dict[str, Json]) -> bool:
    """What was put back as it had been before is no addition either."""
    return bool(change.get("restoredFrom") or change.get("rolledBackBy"))


def _edits(listed: Json) -> Iterator[Any]:
    """Those about rules; what a newer app does is left out."""
    for one in objects(listed):
        try:
            edit: Edit = codec.load(Edit, json.dumps(one))
        except StoreError:
            continue
        if isinstance(edit, PutFirewallRule | DeleteFirewallRule | PutSecurityRule | DeleteSecurityRule):
            yield edit


def _is_removal(edit: Any) -> bool:
    return isinstance(edit, DeleteFirewallRule | DeleteSecurityRule)


def _where(edit: Any) -> ResourceId:
    where: ResourceId = edit.nsg if hasattr(edit, "nsg") else edit.server
    return where


def _key(edit: Any) -> tuple[str, str]:
    return _where(edit).key, edit.rule.name.lower()


def _added(edit: PutFirewallRule | PutSecurityRule, change: dict[str, Json]) -> Added:
    from shared.alerts.commands import ACTIVE_CLOUD, fix_commands

    removal = (
        DeleteFirewallRule(server=edit.server, rule=edit.rule)
        if isinstance(edit, PutFirewallRule)
        else DeleteSecurityRule(nsg=edit.nsg, rule=edit.rule)
    )
    return Added(
        resource_id=_where(edit),
        rule=edit.rule.name,
        policy=text_of(change.get("policy")),
        change=text_of(change.get("id")),
        since=text_of(change.get("finishedAt") or change.get("createdAt")),
        command=fix_commands([removal], ACTIVE_CLOUD)[0],
    )
