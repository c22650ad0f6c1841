"""Last way in: a change that takes a way in away is made only while the clients that matter still come in."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, ip_network
from typing import Any

import pytest

from shared.model import (
    Action,
    Aspect,
    ConnectionStatus,
    Direction,
    EnforcementMode,
    Locator,
    LocatorKind,
    PublicAccess,
    Reason,
    ServerSnapshot,
    ServerState,
    SubnetSnapshot,
)
from shared.model.alert_records import AlertRecord
from shared.model.networks import NetworkSubnet, Peering, VirtualNetwork
from shared.model.parts import PrivateDns
from shared.model.resource_id import ResourceId
from shared.model.results import TargetResult
from tests.builders import (
    ALL_AZURE,
    ENDPOINT,
    GROUP,
    HUB,
    OFFICE,
    READ_AT,
    SERVER,
    SUBNET,
    endpoint,
    endpoints_subnet,
    hub,
    private_dns,
    rule,
    security_rule,
    server,
    subnet,
)
from tests.fakes import World

PUBLIC = "postgres-public-access-enabled"
AZURE_RULE = "postgres-firewall-allows-all-azure"
WHOLE_RULE = "postgres-firewall-allows-whole-internet"
WHOLE = rule("everybody", "0.0.0.0", "255.255.255.255")
SPOKE = ResourceId(f"{GROUP}/providers/Microsoft.Network/virtualNetworks/spoke")
APPS = HUB.child("subnets", "apps")


def declaring(*prefixes: str) -> str:
    policy = "nsg-blocks-postgres-clients"
    return f"version: 1\npolicies: {{{policy}: {{parameters: {{clients: [{', '.join(prefixes)}]}}}}}}\n"


def drifted(world: World, **parts: Any) -> list[TargetResult]:
    """Seen compliant, and then somebody opens public access."""
    world.look(world.azure.put(server(**parts)))
    world.drain()
    world.event(world.azure.put(server(**{"public_access": PublicAccess.ENABLED, **parts})))
    return world.drain(60)


def the_alert(world: World, policy: str = PUBLIC) -> AlertRecord:
    (alert,) = world.open_alerts(policy)
    return alert


def held(world: World) -> str:
    """Why the change was held by *last way in*, which is said in the alert; nothing was written."""
    assert world.azure.writes == []
    decision = the_alert(world).decision
    assert (decision.action, decision.reason) == (Action.ALERT, Reason.LAST_WAY_IN)
    return decision.detail


def closed(world: World) -> bool:
    return [edit.kind for edit in world.azure.writes] == ["setPublicAccess"]


def read_besides(results: list[TargetResult]) -> list[str]:
    """The parts that were asked for after the reading itself."""
    calls = [call.path for result in results for call in result.arm_calls]
    return [path for path in calls if path != str(SERVER) and path.startswith(str(SERVER) + "/")]


# --- a private way that stands ---------------------------------------------------------------------


def test_public_access_is_closed_while_a_linked_network_reaches_the_endpoint() -> None:
    world = World()
    drifted(world)
    assert closed(world)


WITHOUT: dict[str, PrivateDns] = {
    "no zone": PrivateDns(endpoints=private_dns().endpoints, found=()),
    "no link": private_dns(),
    "no record": private_dns(HUB, record=()),
    "a record of somebody else": private_dns(HUB, record=(IPv4Address("10.0.2.99"),)),
    "a link to a network that no peering joins": private_dns(SPOKE),
}


@pytest.mark.field(
    "ways",
    "An approved endpoint whose name nobody can resolve is no way in: public access is not closed over it",
    source="https://learn.microsoft.com/en-us/azure/postgresql/network/concepts-networking-private-link",
    date="2026-11-29",
)
@pytest.mark.parametrize("dns", WITHOUT.values(), ids=WITHOUT.keys())
def test_an_endpoint_whose_name_nobody_resolves_is_no_way_in(dns: PrivateDns) -> None:
    world = World()
    drifted(world, private_dns=dns)
    assert "network hub" in held(world) or "network spoke" in held(world)


def test_what_was_read_for_the_answer_makes_its_events_lead_here() -> None:
    """Whoever links the zone as they were told need not wait for the sweep."""
    world = World()
    drifted(world, private_dns=private_dns())
    (zone,) = private_dns().zones
    found = world.store.related(Locator(kind=LocatorKind.PRIVATE_DNS_ZONE, id=zone.id))
    assert [target.id for target in found] == [SERVER]


def test_the_alert_tells_that_the_name_leads_nobody_to_the_endpoint() -> None:
    world = World()
    drifted(world, private_dns=private_dns())
    told = f"private endpoint {ENDPOINT}, to which the server's name leads in no network"
    assert told in the_alert(world).evidence["waysIn"]


@pytest.mark.parametrize(
    "endpoints",
    [(), None, *((endpoint(status),) for status in ConnectionStatus if status != "Approved")],
)
def test_without_an_approved_endpoint_nothing_more_is_read_and_nothing_closed(endpoints: Any) -> None:
    world = World()
    results = drifted(world, private_endpoints=endpoints)
    assert held(world)
    assert read_besides(results) == []


def test_a_gate_that_network_policies_shut_is_no_way_in() -> None:
    world = World()
    shut = subnet(security_rule("deny-all", 100)).security_group
    drifted(world, places=(endpoints_subnet(security_group=shut, endpoint_network_policies="Enabled"),))
    assert "deny-all" in held(world)


# --- declared clients ------------------------------------------------------------------------------


def apps(*rules: Any, **parts: Any) -> SubnetSnapshot:
    group = subnet(*rules).security_group
    prefixes = (ip_network("10.0.8.0/24"),)
    inside = subnet(id=APPS, prefixes=prefixes, delegations=(), virtual_network=hub(), service_endpoints=())
    return replace(inside, security_group=group if rules else None, **parts)


def test_a_declared_client_in_the_endpoints_network_is_read_and_reaches_it() -> None:
    world = World(policies_file=declaring("10.0.8.0/24"))
    world.azure.put(apps())
    drifted(world)
    assert closed(world)


@pytest.mark.field(
    "ways",
    "Public access stays open while a declared client has no private way, whatever other networks have one",
    source="https://learn.microsoft.com/en-us/azure/postgresql/network/concepts-networking-private-link",
    date="2026-11-29",
)
def test_a_declared_client_whose_own_nsg_denies_the_endpoint_is_not_cut_off() -> None:
    world = World(policies_file=declaring("10.0.8.0/24"))
    out = security_rule("no-private", 100, direction=Direction.OUTBOUND, destinations=("10.0.0.0/8",))
    world.azure.put(apps(out))
    drifted(world)
    assert "no-private" in held(world)


def test_a_declared_client_that_may_not_be_read_is_not_known_to_come_in() -> None:
    world = World(policies_file=declaring("10.0.8.0/24"))
    drifted(world)
    assert "apps" in held(world)


def spoke(**parts: Any) -> VirtualNetwork:
    network = VirtualNetwork(
        id=SPOKE,
        prefixes=(ip_network("10.1.0.0/16"),),
        learns_routes=False,
        peerings=(Peering(network=HUB, prefixes=(ip_network("10.0.0.0/16"),)),),
        subnets=(NetworkSubnet(id=SPOKE.child("subnets", "web"), prefixes=(ip_network("10.1.1.0/24"),)),),
        admin_rules=(),
    )
    return replace(network, **parts)


def in_spoke(name: str, network: VirtualNetwork) -> SubnetSnapshot:
    return SubnetSnapshot(
        id=SPOKE.child("subnets", name),
        read_at=READ_AT,
        location="westeurope",
        prefixes=(ip_network("10.1.1.0/24"),),
        delegations=(),
        virtual_network=network,
        service_endpoints=(),
    )


def peered(world: World, network: VirtualNetwork) -> tuple[SubnetSnapshot, ...]:
    """The spoke as it can be read, and the place of the endpoint in a hub that is peered with it."""
    for name in ("-", "web"):
        world.azure.put(in_spoke(name, network))
    peering = Peering(network=SPOKE, prefixes=network.prefixes)
    return (endpoints_subnet(virtual_network=hub(peerings=(peering,))),)


@pytest.mark.parametrize("is_linked", [True, False])
def test_a_declared_client_in_a_peered_network_needs_its_own_link(*, is_linked: bool) -> None:
    world = World(policies_file=declaring("10.1.1.0/24"))
    links = (HUB, SPOKE) if is_linked else (HUB,)
    drifted(world, places=peered(world, spoke()), private_dns=private_dns(*links))
    if is_linked:
        assert closed(world)
    else:
        assert "not linked" in held(world)


@pytest.mark.parametrize("gateway", [True, False, None])
def test_a_declared_range_on_premises_is_never_surely_served(*, gateway: bool | None) -> None:
    world = World(policies_file=declaring("192.168.0.0/16"))
    drifted(world, places=(endpoints_subnet(virtual_network=hub(learns_routes=gateway)),))
    assert "192.168.0.0/16" in held(world)


# --- what could not be read ------------------------------------------------------------------------


@pytest.mark.parametrize("part", [Aspect.PRIVATE_DNS, Aspect.PLACES])
def test_a_refused_reading_is_no_way_in_and_names_the_permission(part: Aspect) -> None:
    world = World()
    field = {Aspect.PRIVATE_DNS: "private_dns", Aspect.PLACES: "places"}[part]
    action = "our identity may not perform Microsoft.Network/privateEndpoints/read"
    drifted(world, **{field: None}, unread={part: action})
    assert action in held(world)


# --- a public way that stays -----------------------------------------------------------------------


@pytest.mark.parametrize("odd", [ALL_AZURE, WHOLE])
def test_a_rule_is_deleted_without_another_look_while_a_public_one_stays(odd: Any) -> None:
    world = World()
    world.look(world.azure.put(meant_public(OFFICE)))
    world.drain()
    world.event(world.azure.put(meant_public(OFFICE, odd)))
    results = world.drain(60)
    assert [edit.kind for edit in world.azure.writes] == ["deleteFirewallRule"]
    assert read_besides(results) == []


@pytest.mark.parametrize(
    ("kept", "dns", "reverts"),
    [
        ((), private_dns(HUB), True),
        ((), private_dns(), False),
        ((rule("inside", "10.0.0.0", "10.255.255.255"),), private_dns(), False),
        ((rule("inside", "10.0.0.9", "10.0.0.1"),), private_dns(), False),
    ],
)
def test_the_only_public_rule_is_deleted_where_the_endpoint_is_a_way_in(
    kept: Any, dns: PrivateDns, *, reverts: bool
) -> None:
    for odd, policy in ((ALL_AZURE, AZURE_RULE), (WHOLE, WHOLE_RULE)):
        world = World(policies_file=f"version: 1\npolicies: {{{PUBLIC}: {{effect: alert}}}}\n")
        world.look(world.azure.put(meant_public(*kept, private_dns=dns)))
        world.drain()
        world.event(world.azure.put(meant_public(*kept, odd, private_dns=dns)))
        world.drain(60)
        assert bool(world.azure.writes) is reverts
        reasons = [alert.decision.reason for alert in world.open_alerts(policy)]
        assert reasons == ([] if reverts else [Reason.LAST_WAY_IN])


def meant_public(*rules: Any, **parts: Any) -> ServerSnapshot:
    return server(public_access=PublicAccess.ENABLED, firewall_rules=rules, **parts)


# --- when it is asked ------------------------------------------------------------------------------

EARLIER: dict[str, str] = {
    "the effect is alert": f"policies: {{{PUBLIC}: {{effect: alert}}}}",
    "the policy is off": f"policies: {{{PUBLIC}: {{effect: 'off'}}}}",
    "the server is exempt": f"exemptions: [{{scope: {SERVER}, policy: {PUBLIC}, reason: built, "
    "approver: jane, expires: 2027-01-01T00:00:00Z}]",
}


@pytest.mark.parametrize("said", EARLIER.values(), ids=EARLIER.keys())
def test_nothing_more_is_read_where_a_brake_before_it_holds(said: str) -> None:
    world = World(policies_file=f"version: 1\n{said}\n")
    assert read_besides(drifted(world)) == []
    assert world.azure.writes == []


def test_nothing_more_is_read_of_a_server_that_was_never_compliant_and_of_a_compliant_one() -> None:
    world = World()
    world.look(world.azure.put(server(public_access=PublicAccess.ENABLED)))
    assert read_besides(world.drain(60)) == []
    assert the_alert(world).decision.reason is Reason.INHERITED
    world.look(world.azure.put(server()))
    assert read_besides(world.drain(60)) == []


def test_what_it_asks_is_read_once_for_all_changes_of_a_look() -> None:
    world = World()
    results = drifted(world, private_dns=private_dns(), firewall_rules=(ALL_AZURE,))
    looks = [read_besides([result]) for result in results if read_besides([result])]
    assert looks == [[f"{SERVER}/places", f"{SERVER}/privateDns"]] * len(looks)
    assert looks


def test_audit_decides_as_enforce_would() -> None:
    for dns, action in ((private_dns(HUB), Action.REVERT), (private_dns(), Action.ALERT)):
        world = World(mode=EnforcementMode.AUDIT)
        results = drifted(world, private_dns=dns)
        decided = [one for result in results for one in result.decisions if one.policy == PUBLIC]
        assert {one.action for one in decided} == {action}
        assert all(one.dry_run for one in decided)
        assert world.azure.writes == []


def test_a_server_at_work_is_looked_at_again_and_no_way_in_is_said_to_be_lost() -> None:
    world = World()
    world.look(world.azure.put(server()))
    world.drain()
    busy = server(public_access=PublicAccess.ENABLED, state=ServerState.BUSY, state_text="Updating")
    world.event(world.azure.put(busy))
    world.drain(20)
    assert world.open_alerts(PUBLIC) == []
    world.event(world.azure.put(replace(busy, state=ServerState.READY, state_text="Ready")))
    world.drain(60)
    assert closed(world)


def test_a_server_in_a_subnet_has_no_such_change() -> None:
    world = World()
    inside = {"delegated_subnet": SUBNET, "private_endpoints": (), "private_dns_zone": None}
    results = drifted(world, **inside)
    assert (world.azure.writes, read_besides(results)) == ([], [])
