"""Alerts of one NSG side by side: what each of them prints can be pasted, in any order and half-way.

Nobody pastes into an Azure that stands still: after every single edit the app looks, with every policy on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest

from shared.model import (
    Access,
    ComplianceState,
    Edit,
    EnforcementMode,
    Json,
    PutFirewallRule,
    PutSecurityRule,
    SecurityGroup,
    SubnetServer,
    SubnetSnapshot,
    Target,
)
from shared.model.alert_records import AlertRecord, AlertStatus
from shared.model.edits import apply_edit
from shared.model.networks import ReplicaPartner
from shared.model.resource_id import ResourceId
from shared.policies import discover
from shared.posture.policy import bound
from tests.builders import SERVER, public_server, rule
from tests.controller.test_reconcile import seen_compliant
from tests.fakes import World
from tests.nsg.builders import OUT, SUBNET_ID, allow, deny, group, networks
from tests.nsg.builders import in_a_network as subnet

LOCK_DOWN = "nsg-without-final-deny"
TELLING_CLIENTS = ("nsg-blocks-postgres-clients", "nsg-reachable-beyond-clients")
CLIENTS: dict[str, Json] = {"parameters": {"clients": ["10.0.2.0/24"]}}
SCOPE = ResourceId("/subscriptions/0a")
PARTNER = ReplicaPartner(
    server=ResourceId(
        f"{SCOPE}/resourceGroups/g/providers/Microsoft.DBforPostgreSQL/flexibleServers/replica"
    ),
    location="North Europe",
    subnet=ResourceId(str(SUBNET_ID).replace("/hub/", "/far/")),
    prefixes=networks("10.60.1.0/24"),
)
BUSY = SubnetServer(
    id=ResourceId(str(PARTNER.server).replace("replica", "primary")),
    high_availability=True,
    pgbouncer=True,
    entra=True,
    customer_key=True,
    elastic_cluster=True,
    partners=(PARTNER,),
)
"""A server that needs everything that a server can need."""
KEYED = replace(
    BUSY, high_availability=False, pgbouncer=False, entra=False, elastic_cluster=False, partners=()
)
"""One that needs its key and no more."""
OTHER_ID = ResourceId(str(SUBNET_ID).replace("/hub/", "/spoke/"))
"""Another subnet of the same name: only its network tells the two apart."""


def world_of(mode: EnforcementMode, clients: Iterable[str] = ()) -> World:
    """Every policy is on and reverts, and some are told who the clients are."""
    on: dict[str, Json] = {
        one.id: {"effect": "revert", **(CLIENTS if one.id in clients else {})} for one in discover()
    }
    text = json.dumps({"version": 1, "policies": on})
    return World(
        mode=mode, policies_file=text, scopes=(SCOPE, ResourceId(f"/subscriptions/{SERVER.subscription}"))
    )


def looked_at(world: World, *snapshots: SubnetSnapshot) -> None:
    """Put in place, and looked at so often that an alert is open of what cannot be known as well."""
    for _ in range(3):
        for snapshot in snapshots:
            seen_compliant(world, snapshot)


def edits_of(world: World, policy: str, target: Target) -> tuple[Edit, ...]:
    """What the commands of the open alert do."""
    (alert,) = (one for one in still_open(world) if (one.policy, one.target) == (policy, target))
    assert len(alert.commands) == len(alert.edits)
    return alert.edits


def still_open(world: World) -> list[AlertRecord]:
    return [alert for alert in world.store.alerts() if alert.status is not AlertStatus.RESOLVED]


def pasted(world: World, edit: Edit, seconds: float = 60) -> None:
    """A person makes the edit, Azure takes it, and the app looks at every target."""
    assert_taken(world, edit)
    for snapshot in [*world.azure.snapshots.values()]:
        if getattr(edit, "server", snapshot.id) == snapshot.id:
            world.event(world.azure.put(apply_edit(snapshot, edit)))
    world.drain(seconds)


def assert_taken(world: World, edit: Edit) -> None:
    """ARM refuses a priority that another rule of the direction has, and replaces a rule of the same name."""
    if not isinstance(edit, PutSecurityRule):
        return
    assert 100 <= edit.rule.priority <= 4096
    assert len(edit.rule.name) <= 80
    assert len(edit.rule.description) <= 140
    for other in nsg_of(world).rules:
        assert other.name.lower() != edit.rule.name.lower(), edit
        assert (other.direction, other.priority) != (edit.rule.direction, edit.rule.priority), edit


def nsg_of(world: World) -> SecurityGroup:
    held = {s.security_group for s in world.azure.snapshots.values() if isinstance(s, SubnetSnapshot)}
    (found,) = (one for one in held if one is not None)
    return found


# --- a lock-down -----------------------------------------------------------------------------------


@pytest.mark.field(
    "commands",
    "A lock-down lets pass first what must, and denies last: nobody is cut off after any command, "
    "and no alert opens on the way",
    source="https://learn.microsoft.com/en-us/azure/postgresql/flexible-server/concepts-networking-private",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("prefixes", "server"),
    [
        (("10.0.1.0/24", "fd00:1::/64"), KEYED),
        pytest.param(("10.0.1.0/24", "fd00:1::/64"), BUSY, marks=pytest.mark.long),
    ],
    ids=["keyed", "busy"],
)
def test_a_lock_down_pasted_command_by_command_opens_no_alert_and_nothing_is_written(
    prefixes: tuple[str, ...], server: SubnetServer
) -> None:
    world = world_of(EnforcementMode.ENFORCE, clients=[LOCK_DOWN, *TELLING_CLIENTS])
    snapshot = subnet(group(), *prefixes, servers=(server,))
    looked_at(world, snapshot)
    known = {(alert.policy, alert.fingerprint) for alert in still_open(world)}
    edits = edits_of(world, LOCK_DOWN, snapshot.target)
    for edit in edits:
        pasted(world, edit)
        opened = {(alert.policy, alert.fingerprint) for alert in still_open(world)} - known
        assert opened == set(), edit
        assert world.azure.writes == []
    assert LOCK_DOWN not in {alert.policy for alert in still_open(world)}


def test_a_lock_down_lets_pass_before_it_denies_in_each_direction() -> None:
    world = world_of(EnforcementMode.AUDIT, clients=[LOCK_DOWN])
    snapshot = subnet(group(), servers=(KEYED,))
    seen_compliant(world, snapshot)
    rules = [
        one.rule for one in edits_of(world, LOCK_DOWN, snapshot.target) if isinstance(one, PutSecurityRule)
    ]
    for earlier, later in pairwise(rules):
        new_direction = earlier.direction is not later.direction
        assert new_direction or (earlier.access, later.access) != (Access.DENY, Access.ALLOW)


@pytest.mark.field(
    "commands",
    "Without declared clients a lock-down is shown for the way out only; the alert says what to declare, and "
    "that it stays until the way in is locked as well",
    source="https://learn.microsoft.com/en-us/azure/virtual-network/network-security-group-how-it-works",
    date="2026-11-29",
)
def test_without_clients_the_way_out_is_locked_and_the_alert_says_what_to_declare() -> None:
    world = world_of(EnforcementMode.ENFORCE)
    snapshot = subnet(group(), servers=(KEYED,))
    seen_compliant(world, snapshot)
    for edit in edits_of(world, LOCK_DOWN, snapshot.target):
        assert isinstance(edit, PutSecurityRule)
        assert edit.rule.direction is OUT
        pasted(world, edit)
    (alert,) = (one for one in still_open(world) if one.policy == LOCK_DOWN)
    assert alert.commands == ()
    (told,) = alert.evidence["whatToDo"]
    assert "policies.nsg-without-final-deny.parameters.clients in policies.yaml" in told
    assert world.azure.writes == []


@pytest.mark.long
def test_a_lock_down_of_which_a_part_is_done_is_gone_on_with() -> None:
    world = world_of(EnforcementMode.ENFORCE, clients=[LOCK_DOWN, *TELLING_CLIENTS])
    snapshot = subnet(group(), "10.0.1.0/24", "fd00:1::/64", servers=(KEYED,))
    seen_compliant(world, snapshot)
    for _ in range(40):
        left = [one for one in still_open(world) if one.policy == LOCK_DOWN]
        if not left:
            break
        assert left[0].edits, left[0].evidence
        pasted(world, left[0].edits[0])
    assert LOCK_DOWN not in {alert.policy for alert in still_open(world)}
    assert world.azure.writes == []


# --- several alerts --------------------------------------------------------------------------------

WALL = (deny("wall-in", 4000, protocol="*"), deny("wall-out", 200, "* > *", direction=OUT))
HOLE = allow("hole", 150, "Internet > *", "5432")


@pytest.mark.long
def test_the_alerts_of_an_nsg_that_two_subnets_share_are_pasted_in_any_order() -> None:
    world = of_two_subnets()
    alerts = [alert for alert in still_open(world) if alert.edits]
    assert len({alert.policy for alert in alerts}) >= 5
    assert len({alert.target for alert in alerts}) == 2
    unique_everywhere(edit for alert in alerts for edit in alert.edits)
    for order in some_orders(alerts):
        assert_cured_in(order, world)


def of_two_subnets() -> World:
    world = world_of(EnforcementMode.AUDIT, clients=[LOCK_DOWN, *TELLING_CLIENTS])
    shared = group(*WALL, HOLE, subnets=(SUBNET_ID, OTHER_ID))
    one = subnet(shared, servers=(BUSY,))
    two = replace(subnet(shared, "10.0.9.0/24", servers=(BUSY,)), id=OTHER_ID)
    for snapshot in (one, two):
        seen_compliant(world, snapshot)
    return world


def unique_everywhere(edits: Iterable[Edit]) -> None:
    rules = [edit.rule for edit in edits if isinstance(edit, PutSecurityRule)]
    assert len({rule.name.lower() for rule in rules}) == len(rules)
    assert len({(rule.direction, rule.priority) for rule in rules}) == len(rules)
    assert "Added by Driftward" not in "".join(rule.description for rule in rules)


def some_orders(alerts: Sequence[AlertRecord]) -> list[Sequence[AlertRecord]]:
    """As they are, the other way round, and cut like cards."""
    middle = len(alerts) // 2
    return [alerts, alerts[::-1], (*alerts[middle:], *alerts[:middle])]


def assert_cured_in(order: Sequence[AlertRecord], world: World) -> None:
    """Each alert's drift is over when its commands are pasted, and stays so after those of the others."""
    snapshots = {snapshot.target: snapshot for snapshot in world.azure.snapshots.values()}
    cured: list[AlertRecord] = []
    for alert in order:
        for edit in alert.edits:
            snapshots = {target: apply_edit(one, edit) for target, one in snapshots.items()}
        cured.append(alert)
        for one in cured:
            found = POLICIES[one.policy].evaluate(snapshots[one.target])
            assert found.state is ComplianceState.COMPLIANT, (one.policy, alert.policy, found.reason)


POLICIES = {
    one.id: bound(one, {"clients": ["10.0.2.0/24"]} if one.id in {LOCK_DOWN, *TELLING_CLIENTS} else {})
    for one in discover()
}


@pytest.mark.field(
    "commands",
    "The commands of all alerts of one NSG can be pasted in any order: each rule has a priority and a name "
    "of its own, also where subnets share the NSG, and what one alert cures stays cured after the others",
    source="https://learn.microsoft.com/en-us/azure/virtual-network/network-security-groups-overview",
    date="2026-11-29",
)
def test_the_alerts_of_an_nsg_leave_alone_what_the_others_propose() -> None:
    world = world_of(EnforcementMode.AUDIT)
    walled = group(*WALL, subnets=(SUBNET_ID, OTHER_ID))
    seen_compliant(world, subnet(walled, servers=(KEYED,)))
    seen_compliant(world, replace(subnet(walled, "10.0.9.0/24", servers=(KEYED,)), id=OTHER_ID))
    alerts = [alert for alert in still_open(world) if alert.edits]
    assert len({(alert.policy, alert.target) for alert in alerts}) >= 6
    unique_everywhere(edit for alert in alerts for edit in alert.edits)
    assert_cured_in(alerts[::-1], world)


def test_a_later_alert_leaves_alone_what_an_open_one_proposes() -> None:
    """And when both are there, each look proposes the same again: what a message said stays right."""
    world = world_of(EnforcementMode.AUDIT)
    first = subnet(group(deny("to-storage", 200, "* > Storage", direction=OUT)), servers=(KEYED,))
    seen_compliant(world, first)
    (storage,) = edits_of(world, "nsg-blocks-storage-outbound", first.target)
    worse = subnet(group(deny("to-all", 200, "* > *", direction=OUT)), servers=(KEYED,))
    world.event(world.azure.put(worse))
    world.drain(60)
    unique_everywhere(edit for alert in still_open(world) for edit in alert.edits)
    assert edits_of(world, "nsg-blocks-storage-outbound", first.target) == (storage,)
    before = {alert.id: alert.commands for alert in still_open(world)}
    world.event(worse.target)
    world.drain(60)
    assert before.items() <= {alert.id: alert.commands for alert in still_open(world)}.items()


def test_what_driftward_writes_takes_nothing_that_an_open_alert_proposes() -> None:
    world = world_of(EnforcementMode.ENFORCE)
    vault = subnet(group(deny("to-vault", 201, "* > AzureKeyVault", direction=OUT)), servers=(KEYED,))
    seen_compliant(world, vault)
    (proposed,) = edits_of(world, "nsg-blocks-key-vault-outbound", vault.target)
    assert isinstance(proposed, PutSecurityRule)
    within = deny("within", 202, "10.0.1.0/24 > 10.0.1.0/24", direction=OUT)
    assert vault.security_group is not None
    held = replace(vault.security_group, rules=(*vault.security_group.rules, within))
    world.event(world.azure.put(replace(vault, security_group=held)))
    world.drain(60)
    (written,) = world.azure.writes
    assert isinstance(written, PutSecurityRule)
    assert written.rule.priority == proposed.rule.priority - 1
    pasted(world, proposed)
    assert len(world.azure.writes) == 1


# --- whose rule it is ------------------------------------------------------------------------------


@pytest.mark.field(
    "commands",
    "A rule that a person adds says what it is for, and not that Driftward added it",
    source="https://learn.microsoft.com/en-us/rest/api/virtualnetwork/security-rules/create-or-update",
    date="2026-11-29",
)
@pytest.mark.parametrize("mode", list(EnforcementMode))
def test_a_rule_that_is_pasted_does_not_say_that_driftward_added_it_and_one_that_driftward_writes_does(
    mode: EnforcementMode,
) -> None:
    only = '{"version": 1, "defaults": {"effect": "off"}, "policies": {"nsg-blocks-storage-outbound": {}}}'
    world = World(mode=mode, policies_file=only.replace("{}", '{"effect": "revert"}'), scopes=(SCOPE,))
    seen_compliant(world, subnet(group()))
    world.event(world.azure.put(subnet(group(WALL[1]))))
    world.drain(60)
    written = [edit.rule.description for edit in world.azure.writes if isinstance(edit, PutSecurityRule)]
    printed = [command for alert in still_open(world) for command in alert.commands]
    if mode is EnforcementMode.ENFORCE:
        assert written == ["Added by Driftward: lets Tcp 443 pass ahead of a deny rule."]
    else:
        (command,) = printed
        assert command.endswith("--description 'Lets Tcp 443 pass ahead of a deny rule.'")


# --- firewall rules --------------------------------------------------------------------------------


@pytest.mark.field(
    "commands",
    "Two alerts of one server propose no two ranges under one name: the second write would replace the first",
    source="https://learn.microsoft.com/en-us/rest/api/postgresql/firewall-rules/create-or-update",
    date="2026-11-29",
)
def test_two_alerts_of_a_server_write_no_two_ranges_under_one_name() -> None:
    ranges = ["198.51.100.0/24"]
    corporate: dict[str, Json] = {"effect": "alert", "parameters": {"corporateRanges": ranges}}
    on = dict.fromkeys(
        ("postgres-firewall-range-too-wide", "postgres-firewall-covers-whole-internet-in-pieces"), corporate
    )
    text = json.dumps({"version": 1, "defaults": {"effect": "off"}, "policies": on})
    world = World(policies_file=text)
    low, high = rule("low", "0.0.0.1", "198.51.100.127"), rule("high", "198.51.100.128", "255.255.255.255")
    part = rule("part", "198.51.100.64", "203.0.113.255")
    seen_compliant(world, public_server(firewall_rules=(low, high, part)))
    puts = [
        edit.rule for alert in still_open(world) for edit in alert.edits if isinstance(edit, PutFirewallRule)
    ]
    assert len(still_open(world)) == 2
    named = {
        one.name.lower(): {(o.start, o.end) for o in puts if o.name.lower() == one.name.lower()}
        for one in puts
    }
    assert all(len(found) == 1 for found in named.values()), named
