"""An approval is for what the alert showed: the same or less is written, more is asked again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.alerts.lifecycle import approve
from shared.alerts.planned import planned_of
from shared.alerts.views import alert_view
from shared.guardrails.approvals import NOT_TOLD, wider
from shared.model import (
    Access,
    Change,
    DeleteFirewallRule,
    DeleteSecurityRule,
    PublicAccess,
    PutSecurityRule,
    Reason,
    ServerSnapshot,
    SetPublicAccess,
)
from shared.model.alert_records import AlertRecord, NotificationType, Planned
from shared.model.codec import dump, load
from tests.builders import NSG, OFFICE, SERVER, public_server, rule, security_rule, server, subnet
from tests.fakes import World

PUBLIC = "postgres-public-access-enabled"
HOME = rule("home", "203.0.113.7")
SERVER_TARGET = server().target


def opened(*rules: Any) -> ServerSnapshot:
    return public_server(firewall_rules=(OFFICE, *rules))


def waiting(world: World, *rules: Any) -> AlertRecord:
    """Public access was opened over rules that are older, so that closing it waits for an approval."""
    world.azure.put(server(firewall_rules=(OFFICE, *rules)))
    world.look(SERVER_TARGET)
    world.drain()
    world.event(world.azure.put(opened(*rules)))
    world.drain()
    return alert_of(world)


def alert_of(world: World) -> AlertRecord:
    (alert,) = world.store.alerts(policy=PUBLIC)
    return alert


def approved(world: World, alert: AlertRecord) -> AlertRecord:
    return world.approve(alert, lasts=timedelta(hours=2))


def looked(world: World, snapshot: ServerSnapshot) -> AlertRecord:
    world.event(world.azure.put(snapshot))
    world.drain(5)
    return alert_of(world)


def test_an_alert_shows_what_an_approval_would_be_for() -> None:
    world = World()
    alert = waiting(world)
    assert alert.planned is not None
    assert alert_view(alert)["planned"] == {
        "digest": alert.planned.digest,
        "does": ["sets public network access to Disabled"],
        "losesAccess": ["198.51.100.0-198.51.100.255"],
        "gainsAccess": [],
    }
    assert "for this and no more: sets public network access to Disabled; loses access: 198" in told(world)


def told(world: World) -> str:
    world.drain(5)
    return [n.body for n in world.delivered if n.data["policy"] == PUBLIC][-1]


def test_an_approval_holds_what_the_alert_showed_and_the_api_its_digest() -> None:
    world = World()
    alert = approved(world, waiting(world))
    assert alert.approval is not None
    assert alert.approval.planned == alert.planned
    view = alert_view(alert)
    assert view["approval"]["digest"] == view["planned"]["digest"]
    assert "planned" not in view["approval"]


def test_an_approval_that_only_stands_in_the_alert_is_nobodys_consent() -> None:
    world = World()
    alert = waiting(world)
    world.store.put_alert(approve(alert, "jane", world.clock.now(), timedelta(hours=2)))
    asked = looked(world, opened())
    assert (world.azure.writes, asked.decision.reason) == ([], Reason.APPROVAL_REQUIRED)
    approved(world, asked)
    looked(world, opened())
    assert len(world.azure.writes) == 1


@pytest.mark.field(
    "brakes",
    "A change that writes or cuts off more than was approved asks again and shows the difference",
    source="docs/adr/0014-the-exposure-clock.md",
    date="2026-11-29",
)
def test_who_would_lose_more_than_was_approved_is_asked_for_again_and_people_are_told() -> None:
    world = World()
    approved(world, waiting(world))
    world.delivered.clear()
    alert = looked(world, opened(HOME))
    assert world.azure.writes == []
    assert alert.decision.reason is Reason.APPROVAL_REQUIRED
    assert "more than what was approved: also loses access: 203.0.113.7" in alert.decision.detail
    assert [n.type for n in world.delivered if n.data["policy"] == PUBLIC] == [NotificationType.ALERT_UPDATED]
    approved(world, alert)
    looked(world, opened(HOME))
    assert world.azure.writes == [SetPublicAccess(server=SERVER, access=PublicAccess.DISABLED)]


def test_people_are_told_once_of_the_same_difference() -> None:
    world = World()
    approved(world, waiting(world))
    for _ in range(3):
        looked(world, opened(HOME))
    updates = [n for n in world.delivered if n.type is NotificationType.ALERT_UPDATED]
    assert len([n for n in updates if n.data["policy"] == PUBLIC]) == 1


@pytest.mark.parametrize("less", [(), (rule("home", "203.0.113.4", "203.0.113.5"),)])
def test_what_is_less_than_was_approved_is_written(less: tuple[Any, ...]) -> None:
    world = World()
    approved(world, waiting(world, rule("home", "203.0.113.4", "203.0.113.7")))
    looked(world, opened(*less))
    assert [edit.kind for edit in world.azure.writes] == ["setPublicAccess"]


def test_an_approval_that_is_older_than_what_it_holds_asks_again() -> None:
    world = World()
    alert = approved(world, waiting(world))
    assert alert.approval is not None
    old = replace(alert, planned=None, approval=replace(alert.approval, planned=None))
    text = dump(old).replace('"planned":null,', "")
    world.store.put_alert(replace(load(AlertRecord, text), etag=alert.etag))
    asked = looked(world, opened())
    assert world.azure.writes == []
    assert "the approval does not say what it is for" in asked.decision.detail
    approved(world, asked)
    looked(world, opened())
    assert [edit.kind for edit in world.azure.writes] == ["setPublicAccess"]


# --- what is wider ---------------------------------------------------------------------------------


def of_server(*deleted: Any, there: tuple[Any, ...]) -> Planned:
    edits = tuple(DeleteFirewallRule(server=SERVER, rule=one) for one in deleted)
    change = Change(policy=PUBLIC, target=SERVER_TARGET, edits=edits, inverse=())
    planned = planned_of(change, public_server(firewall_rules=there))
    assert planned is not None
    return planned


A, B = rule("a", "192.0.2.0", "192.0.2.9"), rule("b", "192.0.2.20")


def test_another_edit_and_whom_another_rule_held_before_are_wider() -> None:
    both = of_server(A, B, there=(A, B))
    one = of_server(A, there=(A, B))
    assert wider(both, one) == ""
    assert wider(one, both) == "also deletes firewall rule 'b'; also loses access: 192.0.2.20"
    covered = of_server(A, there=(A, rule("same", "192.0.2.0", "192.0.2.9")))
    assert wider(covered, one) == "also loses access: 192.0.2.0-192.0.2.9"
    assert wider(one, covered) == ""
    assert wider(one, None) == ""
    assert NOT_TOLD in wider(one, replace(one, is_told=False))


def of_subnet(rule_there: Any) -> Planned:
    change = Change(
        policy="p",
        target=subnet().target,
        edits=(DeleteSecurityRule(nsg=NSG, rule=rule_there),),
        inverse=(PutSecurityRule(nsg=NSG, rule=rule_there),),
    )
    planned = planned_of(change, subnet(rule_there))
    assert planned is not None
    return planned


def test_packets_are_compared_as_sets_and_an_etag_is_no_part_of_an_edit() -> None:
    wide = replace(security_rule("x", 300), access=Access.ALLOW, sources=("203.0.113.0/24",))
    narrow = replace(wide, sources=("203.0.113.0/25",), etag="another")
    assert of_subnet(wide).edits == of_subnet(replace(wide, etag="another")).edits
    assert of_subnet(wide).digest == of_subnet(replace(wide, etag="another")).digest
    assert "loses access" not in wider(of_subnet(wide), of_subnet(narrow))
    assert "203.0.113.128/25" in wider(of_subnet(narrow), of_subnet(wide))
