"""Events of what is no target itself: a read and what was seen before say whom they concern."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.controller.arrivals import Arrived, receive_event
from shared.controller.deps import Deps
from shared.controller.dispatch import dispatch
from shared.model import Json, Locator, LocatorKind, Snapshot, Target, TargetKind
from shared.model.errors import Denied
from shared.model.interfaces import Enumerated, Relation
from shared.model.networks import RouteTable, SubnetEndpoint
from shared.model.parts import DnsZone, EndpointDns, NetworkDns, PrivateDns
from shared.model.resource_id import ResourceId
from shared.state.relation_index import depends_on
from tests.builders import GROUP, NSG, SERVER, SUBNET, endpoint, server, subnet
from tests.fakes import FakeGateway, World

NET = f"{GROUP}/providers/Microsoft.Network"
ENDPOINT = ResourceId(f"{NET}/privateEndpoints/orders-endpoint")
TABLE = ResourceId(f"{NET}/routeTables/through-hub")
ZONE = ResourceId(f"{NET}/privateDnsZones/orders.private.postgres.database.azure.com")
CENTRAL = ResourceId(f"{NET}/privateDnsZones/privatelink.postgres.database.azure.com")
VNET = ResourceId(f"{NET}/virtualNetworks/hub")
HUB = "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-hub"
LOCK = "/providers/Microsoft.Authorization/locks/keep"


def locator(kind: LocatorKind, resource: ResourceId) -> Locator:
    return Locator(kind=kind, id=resource)


AT_ENDPOINT = locator(LocatorKind.PRIVATE_ENDPOINT, ENDPOINT)
AT_TABLE = locator(LocatorKind.ROUTE_TABLE, TABLE)
AT_ZONE = locator(LocatorKind.PRIVATE_DNS_ZONE, ZONE)
AT_CENTRAL = locator(LocatorKind.PRIVATE_DNS_ZONE, CENTRAL)
AT_VNET = locator(LocatorKind.VIRTUAL_NETWORK, VNET)
AT_NSG = locator(LocatorKind.NSG, NSG)


# --- what a reading shows --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("snapshot", "shown"),
    [
        (server(private_dns=None), {AT_ENDPOINT}),
        (server(private_dns=None, private_endpoints=None), set()),
        (server(private_dns=None, private_endpoints=(endpoint(), endpoint())), {AT_ENDPOINT}),
        (server(private_dns=None, private_endpoints=(replace(endpoint(), endpoint=None),)), set()),
        (
            server(private_dns=None, private_endpoints=(), delegated_subnet=SUBNET, private_dns_zone=ZONE),
            {AT_ZONE},
        ),
        (server(private_dns=PrivateDns()), {AT_ENDPOINT}),
        (server(private_dns=PrivateDns(zones=(DnsZone(id=ZONE),))), {AT_ENDPOINT, AT_ZONE}),
        (server(private_dns=PrivateDns(found=(ZONE, CENTRAL))), {AT_ENDPOINT, AT_ZONE, AT_CENTRAL}),
        (server(private_dns=PrivateDns(network=NetworkDns(id=VNET))), {AT_ENDPOINT, AT_VNET}),
        (
            server(
                private_dns=PrivateDns(
                    endpoints=(
                        EndpointDns(id=ENDPOINT, group_zones=(CENTRAL,), network=NetworkDns(id=VNET)),
                        EndpointDns(id=ENDPOINT, group_zones=None, network=None),
                    ),
                    zones=(DnsZone(id=CENTRAL),),
                )
            ),
            {AT_ENDPOINT, AT_CENTRAL, AT_VNET},
        ),
        (subnet(), {AT_VNET, AT_NSG}),
        (subnet(security_group=None), {AT_VNET}),
        (subnet(route_table_id=TABLE), {AT_VNET, AT_NSG, AT_TABLE}),
        (subnet(route_table_id=TABLE, route_table=RouteTable(id=TABLE)), {AT_VNET, AT_NSG, AT_TABLE}),
        (
            subnet(private_endpoints=(SubnetEndpoint(id=ENDPOINT, server=SERVER),)),
            {AT_VNET, AT_NSG, AT_ENDPOINT},
        ),
    ],
)
def test_a_reading_shows_what_the_target_depends_on(snapshot: Snapshot, shown: set[Locator]) -> None:
    found = depends_on(snapshot)
    assert set(found) == shown
    assert len(found) == len(shown)


# --- through the queue -----------------------------------------------------------------------------

WITH_PRIVATE_DNS = "version: 1\npolicies:\n  postgres-vnet-dns-zone-not-linked:\n    effect: alert\n"


def arrive(world: World, operation: str, subject: str, deps: Deps | None = None) -> None:
    data: dict[str, Json] = {"operationName": operation}
    event = Arrived(
        id=f"event {operation} {subject}",
        type="Microsoft.Resources.ResourceDeleteSuccess",
        subject=subject,
        time=world.clock.now(),
        data=data,
        original="{}",
    )
    receive_event(event, deps or world.deps())


def seen(world: World, snapshot: Snapshot) -> Target:
    """The target exists and was looked at, and everything after that is quiet."""
    target = world.azure.put(snapshot)
    world.event(target)
    world.drain(60)
    return target


def looked_at(world: World, deps: Deps | None = None) -> list[Target]:
    """The targets that the queued messages lead to, in order."""
    found: list[Target] = []
    for _ in range(120):
        received = world.queue.receive()
        if received is None:
            world.clock.advance(1)
            continue
        result = dispatch(world.store.read_message(received.body), deps or world.deps())
        world.queue.delete(received)
        found += [result.target] if result is not None else []
    return found


@pytest.mark.parametrize(
    ("operation", "subject", "snapshot"),
    [
        ("Microsoft.Network/privateEndpoints/delete", str(ENDPOINT), server()),
        (
            "Microsoft.Network/privateEndpoints/privateDnsZoneGroups/delete",
            f"{ENDPOINT}/privateDnsZoneGroups/default".lower(),
            server(),
        ),
        (
            "Microsoft.Network/privateDnsZones/A/delete",
            f"{ZONE}/A/orders".replace("resourceGroups", "resourcegroups"),
            server(private_endpoints=(), delegated_subnet=SUBNET, private_dns_zone=ZONE),
        ),
        (
            "Microsoft.Authorization/locks/write",
            str(ZONE) + LOCK,
            server(private_endpoints=(), delegated_subnet=SUBNET, private_dns_zone=ZONE),
        ),
        (
            "Microsoft.Network/virtualNetworks/write",
            str(VNET),
            server(private_dns=PrivateDns(network=NetworkDns(id=VNET))),
        ),
        ("Microsoft.Network/routeTables/delete", str(TABLE), subnet(route_table_id=TABLE)),
        ("Microsoft.Network/routeTables/routes/write", f"{TABLE}/routes/all", subnet(route_table_id=TABLE)),
        ("Microsoft.Network/networkSecurityGroups/delete", str(NSG), subnet()),
    ],
)
def test_what_was_deleted_still_leads_to_the_targets_that_depended_on_it(
    operation: str, subject: str, snapshot: Snapshot
) -> None:
    world = World(policies_file=WITH_PRIVATE_DNS)
    target = seen(world, snapshot)
    arrive(world, operation, subject)
    assert looked_at(world) == [target]


def test_an_endpoint_that_nobody_depends_on_is_looked_up_and_forgotten() -> None:
    world = World()
    seen(world, server(private_endpoints=()))
    arrive(world, "Microsoft.Network/privateEndpoints/write", str(ENDPOINT))
    assert looked_at(world) == []
    assert world.store.related(AT_ENDPOINT) == ()


class NewEndpoint(FakeGateway):
    """Sees an endpoint that no reading of its server has shown yet."""

    def find_targets(self, locator: Locator) -> Enumerated:
        target = Target(kind=TargetKind.FLEXIBLE_SERVER, id=SERVER)
        return Enumerated(targets=(target,), relations=(Relation(source=locator, target=target),))


def test_what_a_read_names_is_looked_at_and_remembered() -> None:
    world = World()
    target = seen(world, server(private_endpoints=()))
    deps = replace(world.deps(), gateway=NewEndpoint(world.azure))
    arrive(world, "Microsoft.Network/privateEndpoints/write", str(ENDPOINT), deps)
    assert looked_at(world, deps) == [target]
    assert world.store.related(AT_ENDPOINT) == (target,)


class Closed(FakeGateway):
    """Our identity may not read what events name."""

    def find_targets(self, locator: Locator) -> Enumerated:
        raise Denied(f"no role on {locator.id}", code="AuthorizationFailed", status=403)


def test_what_our_identity_may_not_read_still_leads_to_what_is_known() -> None:
    world = World()
    target = seen(world, server())
    deps = replace(world.deps(), gateway=Closed(world.azure))
    arrive(world, "Microsoft.Network/privateEndpoints/write", str(ENDPOINT), deps)
    assert looked_at(world, deps) == [target]
    (line,) = [line for line in world.lines if line.get("message") == "locator-not-readable"]
    assert line["locator"] == AT_ENDPOINT.key
    assert "no role" in str(line["reason"])


def test_a_lock_on_a_resource_group_looks_at_the_targets_in_it() -> None:
    world = World()
    target = seen(world, server())
    arrive(world, "Microsoft.Authorization/locks/write", GROUP + LOCK)
    assert looked_at(world) == [target]


IN_HUB = replace(
    server(private_endpoints=(), delegated_subnet=SUBNET),
    private_dns_zone=ResourceId(
        f"{HUB}/providers/Microsoft.Network/privateDnsZones/orders.postgres.database.azure.com"
    ),
)


def test_a_lock_on_the_hubs_resource_group_looks_at_the_servers_whose_names_are_there() -> None:
    world = World()
    target = seen(world, IN_HUB)
    arrive(world, "Microsoft.Authorization/locks/write", f"{HUB}-2{LOCK}")
    assert looked_at(world) == []
    arrive(world, "Microsoft.Authorization/locks/write", f"{HUB.replace('/rg', '/RG')}{LOCK}")
    assert looked_at(world) == [target]


def test_where_our_identity_may_not_list_a_group_what_is_known_is_looked_at() -> None:
    world = World()
    target = seen(world, IN_HUB)
    world.azure.closed_scopes.add(ResourceId(HUB))
    arrive(world, "Microsoft.Authorization/locks/write", f"{HUB}{LOCK}")
    assert looked_at(world) == [target]
    (line,) = [line for line in world.lines if line.get("message") == "locator-not-readable"]
    assert "no role" in str(line["reason"])


def test_a_server_that_is_gone_is_forgotten_in_the_hubs_subscription_too() -> None:
    world = World()
    target = seen(world, IN_HUB)
    zone = locator(LocatorKind.PRIVATE_DNS_ZONE, ResourceId(str(IN_HUB.private_dns_zone)))
    assert world.store.related(zone) == (target,)
    del world.azure.snapshots[target.key]
    world.event(target)
    world.drain(60)
    assert world.store.related(zone) == ()


def test_a_lock_on_the_subscription_waits_for_the_sweep() -> None:
    world = World()
    seen(world, server())
    arrive(world, "Microsoft.Authorization/locks/write", GROUP.split("/resourceGroups")[0] + LOCK)
    assert looked_at(world) == []
    assert world.lines[-1]["cameTo"] == "ignored"
