"""An NSG that was on the subnet at the last compliant reading and is gone: told as that until one is back."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from shared.model import EnforcementMode, Reason, SecurityGroup, Severity
from shared.model.alert_records import AlertRecord, AlertStatus, NotificationType
from shared.model.networks import SubnetEndpoint
from shared.model.resource_id import ResourceId
from tests.builders import GROUP, NSG, SUBNET, security_rule, subnet
from tests.controller.test_reconcile import drift, seen_compliant
from tests.fakes import START, World

MISSING: Final = "nsg-missing-on-postgres-subnet"
GUARDED = subnet(security_rule("deny-all", 4000))
BARE = subnet(security_group=None)
UPDATE = f"az network vnet subnet update --ids {SUBNET} --network-security-group"
PUT_BACK = f"{UPDATE} {NSG}"
ADVISED = f"{UPDATE} '<id of an NSG of the same region>'"


def alert(world: World) -> AlertRecord:
    (found,) = world.store.alerts(policy=MISSING)
    return found


def told(world: World) -> list[tuple[NotificationType, Severity]]:
    return [(one.type, one.severity) for one in world.delivered if one.data["policy"] == MISSING]


def forget_baseline(world: World) -> None:
    """The blob of the last compliant reading is gone; the record still names it."""
    record = world.store.recall(GUARDED.target, START)
    memory = replace(record.memories[MISSING], baseline="gone")
    world.store.save(replace(record, memories={**record.memories, MISSING: memory}))


@pytest.mark.parametrize("mode", list(EnforcementMode))
@pytest.mark.field(
    "ways",
    "An NSG that is taken off a PostgreSQL subnet is High, with the command that puts that very NSG back.",
    source="https://learn.microsoft.com/en-us/azure/virtual-network/network-security-group-how-it-works",
    date="2026-11-29",
)
def test_an_nsg_that_is_taken_off_is_told_with_the_command_that_puts_it_back(mode: EnforcementMode) -> None:
    world = World(mode=mode)
    seen_compliant(world, GUARDED)
    world.clock.advance(600)
    drift(world, BARE)
    opened = alert(world)
    assert (opened.severity, opened.status, opened.commands) == (Severity.HIGH, AlertStatus.OPEN, (PUT_BACK,))
    assert (
        "at the last compliant reading, 2026-11-02 08:00:00 UTC, it had the NSG 'postgres-nsg'"
        in opened.reason
    )
    assert opened.evidence["formerNsgId"] == str(NSG)
    assert opened.evidence["newlyAllowed"]
    assert world.azure.writes == []
    drift(world, GUARDED)
    assert alert(world).status is AlertStatus.RESOLVED
    kinds = (NotificationType.ALERT_OPENED, NotificationType.ALERT_RESOLVED)
    assert told(world) == [(kind, Severity.HIGH) for kind in kinds]


def test_whoever_switches_network_policies_off_first_takes_the_nsg_off_all_the_same() -> None:
    endpoint = SubnetEndpoint(id=ResourceId(f"{GROUP}/providers/Microsoft.Network/privateEndpoints/pe"))
    holding = replace(GUARDED, delegations=(), private_endpoints=(endpoint,))
    world = World()
    seen_compliant(world, replace(holding, endpoint_network_policies="Enabled"))
    drift(world, replace(holding, endpoint_network_policies="Disabled"))
    (ignored,) = world.store.alerts(policy="postgres-endpoint-subnet-ignores-network-policies")
    assert ignored.severity is Severity.HIGH
    drift(world, replace(holding, endpoint_network_policies="Disabled", security_group=None))
    both = f"{PUT_BACK} --private-endpoint-network-policies Enabled"
    assert (alert(world).severity, alert(world).commands) == (Severity.HIGH, (both,))


def test_time_does_not_make_it_less_grave() -> None:
    world = World()
    seen_compliant(world, GUARDED)
    drift(world, BARE)
    for _ in range(3):
        world.clock.advance(30 * 86_400)
        drift(world, BARE)
    assert (alert(world).severity, alert(world).commands) == (Severity.HIGH, (PUT_BACK,))


def test_a_subnet_that_never_had_one_is_advised_and_nobody_is_woken() -> None:
    world = World()
    drift(world, BARE)
    assert (alert(world).severity, alert(world).commands) == (Severity.INFORMATIONAL, (ADVISED,))
    assert alert(world).decision.reason is Reason.EFFECT_ALERT
    assert told(world) == []
    drift(world, GUARDED)
    drift(world, BARE)
    assert (alert(world).severity, alert(world).commands) == (Severity.HIGH, (PUT_BACK,))
    assert told(world) == [(NotificationType.ALERT_OPENED, Severity.HIGH)]


def test_an_open_piece_of_advice_that_turns_out_graver_is_told() -> None:
    world = World()
    seen_compliant(world, GUARDED)
    known = world.store.recall(GUARDED.target, START)
    world.store.save(replace(known, memories={}))
    drift(world, BARE)
    assert alert(world).severity is Severity.INFORMATIONAL
    bare = world.store.recall(GUARDED.target, START)
    former = known.memories[MISSING]
    memory = replace(
        bare.memories[MISSING], last_compliant_at=former.last_compliant_at, baseline=former.baseline
    )
    world.store.save(replace(bare, memories={**bare.memories, MISSING: memory}))
    world.look(BARE.target)
    world.drain()
    assert alert(world).severity is Severity.HIGH
    assert told(world) == [(NotificationType.ALERT_UPDATED, Severity.HIGH)]


def test_another_nsg_in_its_place_is_no_missing_one() -> None:
    world = World()
    seen_compliant(world, GUARDED)
    other = SecurityGroup(id=ResourceId(f"{NSG}-new"), rules=(), default_rules=(), subnets=(SUBNET,))
    drift(world, replace(GUARDED, security_group=other))
    assert world.store.alerts(policy=MISSING) == []


def test_where_the_compliant_reading_is_lost_that_is_said_and_nothing_is_raised() -> None:
    world = World()
    seen_compliant(world, GUARDED)
    forget_baseline(world)
    drift(world, BARE)
    opened = alert(world)
    assert (opened.severity, opened.commands) == (Severity.INFORMATIONAL, (ADVISED,))
    assert "the compliant reading of 2026-11-02T08:00:00Z is not there any more" in opened.reason


def test_what_was_told_before_the_compliant_reading_was_lost_stands() -> None:
    world = World()
    seen_compliant(world, GUARDED)
    drift(world, BARE)
    forget_baseline(world)
    drift(world, BARE)
    assert (alert(world).severity, alert(world).commands) == (Severity.HIGH, (PUT_BACK,))
    drift(world, GUARDED)
    assert alert(world).status is AlertStatus.RESOLVED


def test_an_exemption_holds_for_it_as_for_the_advice() -> None:
    file = (
        "version: 1\n"
        "exemptions:\n"
        f"  - scope: {SUBNET}\n"
        f"    policy: {MISSING}\n"
        "    reason: guarded by admin rules\n"
        "    approver: jane.doe@example.com\n"
        "    expires: 2026-12-31\n"
    )
    world = World(policies_file=file)
    seen_compliant(world, GUARDED)
    drift(world, BARE)
    assert world.store.alerts(policy=MISSING) == []
