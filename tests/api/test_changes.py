"""Changes over HTTP: listed, shown, rolled back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.model import EnforcementMode, Json
from tests.api.calling import (
    FIREWALL,
    IN_AN_HOUR,
    call,
    problem,
    reverted,
)
from tests.builders import (
    SERVER,
    public_server,
)
from tests.fakes import START, World


def test_changes_are_listed_and_shown() -> None:
    world, change = reverted()
    assert [c["id"] for c in call(world, "list_changes").body] == [change.id]
    query = {"policy": FIREWALL, "resourceId": str(SERVER), "outcome": "Reverted"}
    assert [c["id"] for c in call(world, "list_changes", query=query).body] == [change.id]
    assert call(world, "list_changes", query={"outcome": "Failed"}).body == []
    shown = call(world, "get_change", id=change.id).body
    assert (shown["policy"], shown["outcome"], shown["target"]["id"]) == (FIREWALL, "Reverted", str(SERVER))
    assert shown["edits"][0]["kind"] == "deleteFirewallRule"


def test_a_rollback_is_a_change_of_its_own_that_can_be_followed() -> None:
    world, change = reverted()
    body = {"reason": "the migration needs it", "expiresAt": IN_AN_HOUR}
    response = call(world, "rollback_change", body, id=change.id)
    assert response.status == 202
    assert response.headers["Location"] == f"/api/changes/{response.body['id']}"
    assert (response.body["kind"], response.body["rollbackOf"]) == ("rollback", change.id)
    world.drain(30)
    ended = call(world, "get_change", id=response.body["id"]).body
    assert (ended["outcome"], ended["reason"]) == ("RolledBack", "the migration needs it")
    again = call(world, "rollback_change", body, id=change.id)
    problem(again, 409, "already-rolled-back")


def test_a_rollback_of_nothing_is_not_found() -> None:
    body = {"reason": "why not", "expiresAt": IN_AN_HOUR}
    problem(call(World(), "rollback_change", body, id="nothing"), 404, "not-found")


def test_a_rollback_is_refused_when_somebody_changed_the_resource_since() -> None:
    world, change = reverted()
    world.azure.put(public_server(firewall_rules=()))
    body = {"reason": "the migration needs it", "expiresAt": IN_AN_HOUR}
    problem(call(world, "rollback_change", body, id=change.id), 409, "changed-since")


def test_a_rollback_needs_enforcement() -> None:
    world, change = reverted()
    world.mode = EnforcementMode.AUDIT
    body = {"reason": "the migration needs it", "expiresAt": IN_AN_HOUR}
    problem(call(world, "rollback_change", body, id=change.id), 409, "enforcement-disabled")


def at(**span: float) -> str:
    return (START + timedelta(**span)).isoformat()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"expiresAt": IN_AN_HOUR}, "reason"),
        ({"reason": "  a  ", "expiresAt": IN_AN_HOUR}, "reason"),
        ({"reason": 7, "expiresAt": IN_AN_HOUR}, "reason"),
        ({"reason": "long enough"}, "expiresAt"),
        ({"reason": "long enough", "expiresAt": at(hours=-1)}, "expiresAt"),
        ({"reason": "long enough", "expiresAt": at(days=91)}, "expiresAt"),
        ({"reason": "long enough", "expiresAt": "tomorrow"}, "expiresAt"),
        ({"reason": "long enough", "expiresAt": "2026-11-02T09:00:00"}, "expiresAt"),
        ({"reason": "long enough", "expiresAt": 1793606400}, "expiresAt"),
        ({"reason": "long enough", "expiresAt": IN_AN_HOUR, "force": True}, "force"),
    ],
)
def test_a_rollback_that_makes_no_sense_is_refused(body: Json, field: str) -> None:
    world, change = reverted()
    problem(call(world, "rollback_change", body, id=change.id), 400, "invalid-input", field)
