"""Where a server is reached privately, read with the real clients: in how many requests, what is refused."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from local.simulator import seeds
from local.simulator.values import JsonObject
from shared.adapters.arm.session.tokens import LOCAL_IDENTITY
from shared.model import Aspect, ServerSnapshot, SubnetSnapshot, Target, TargetKind
from shared.model.networks import SubnetEndpoint
from shared.model.resource_id import ResourceId
from tests.adapters.conftest import Azure

SERVER = seeds.flexible_server_id(name="orders")
TARGET = Target(kind=TargetKind.FLEXIBLE_SERVER, id=ResourceId(SERVER))
PLACES = frozenset({Aspect.SERVER, Aspect.PLACES})
BOTH = PLACES | {Aspect.PRIVATE_DNS}
ZONE = seeds.zone_id()
TABLE = seeds.route_table_id(name="rt")
NSG = "Microsoft.Network/networkSecurityGroups/read"
FIRST = IPv4Address("10.20.1.4")


def endpoint(name: str, subnet: str = seeds.SUBNET, server: str = SERVER) -> JsonObject:
    return seeds.private_endpoint(name=name, server=server, subnet=seeds.subnet_id(name=subnet))


def spread(*endpoints: JsonObject, policies: str = "Disabled", **inner: str) -> list[JsonObject]:
    """A server, and a network with two subnets, one of which keeps network policies like this."""
    kept: JsonObject = {"privateEndpointNetworkPolicies": policies}
    subnet = seeds.subnet(delegated=False, properties=kept, **inner)
    other = seeds.subnet(name="more", prefix="10.20.2.0/24", delegated=False)
    return [
        seeds.flexible_server(name="orders"),
        seeds.nsg(),
        seeds.route_table(name="rt"),
        seeds.vnet(subnets=[subnet, other]),
        *endpoints,
    ]


def grouped(name: str) -> list[JsonObject]:
    """An endpoint whose zone group tells its address."""
    return [
        endpoint(name),
        seeds.private_dns_zone(),
        seeds.zone_group(endpoint=seeds.endpoint_id(name=name), zones=[ZONE]),
    ]


def read(
    azure: Azure, aspects: frozenset[Aspect] = PLACES, target: Target = TARGET
) -> tuple[ServerSnapshot, list[str]]:
    """The reading, and the last steps of what was asked beyond the server itself."""
    gateway = azure.gateway()
    snapshot = gateway.read(target, aspects)
    assert isinstance(snapshot, ServerSnapshot)
    return snapshot, ["/".join(call.path.rsplit("/", 2)[1:]) for call in gateway.calls[1:]]


def places_of(snapshot: ServerSnapshot) -> tuple[SubnetSnapshot, ...]:
    assert snapshot.places is not None, snapshot.unread
    return snapshot.places


def held(place: SubnetSnapshot) -> list[tuple[str, tuple[object, ...]]]:
    return [(one.id.name, one.addresses) for one in place.private_endpoints or ()]


AROUND = [f"virtualNetworks/{seeds.VNET}"]
"""What is asked of the network of a private endpoint, to which admin rules do not apply."""
ADMIN_RULES = f"{seeds.VNET}/listNetworkManagerEffectiveSecurityAdminRules"
ITSELF = f"subnets/{seeds.SUBNET}"


# --- what is asked ---------------------------------------------------------------------------------


def test_a_delegated_subnet_is_read_with_all_that_decides_there(azure: Azure) -> None:
    inner = seeds.subnet(nsg=seeds.nsg_id(), route_table=TABLE)
    azure.simulator.seed(
        [
            seeds.nsg(),
            seeds.route_table(name="rt"),
            seeds.vnet(subnets=[inner]),
            seeds.flexible_server(name="orders", public_access=None, delegated_subnet=seeds.subnet_id()),
        ]
    )
    snapshot, asked = read(azure)
    (place,) = places_of(snapshot)
    assert sorted(asked) == sorted(
        [ITSELF, f"networkSecurityGroups/{seeds.NSG}", "routeTables/rt", *AROUND, ADMIN_RULES]
    )
    assert (place.id, place.private_endpoints) == (ResourceId(seeds.subnet_id()), ())
    assert place.security_group is not None
    assert place.route_table is not None
    assert place.virtual_network is not None
    assert place.virtual_network.admin_rules == ()
    assert (snapshot.unread, place.unread) == ({}, {})


def test_one_endpoint_whose_private_dns_was_read_costs_two_requests_more(azure: Azure) -> None:
    azure.simulator.seed(spread(*grouped("pe"), nsg=seeds.nsg_id(), route_table=TABLE))
    dns, before = read(azure, BOTH - {Aspect.PLACES})
    snapshot, asked = read(azure, BOTH)
    assert asked[len(before) :] == [ITSELF, *AROUND]
    (place,) = places_of(snapshot)
    assert held(place) == [("pe", (FIRST,))]
    assert (place.security_group, place.route_table) == (None, None), "neither decides anything there"
    assert place.location == seeds.LOCATION
    assert snapshot.private_dns == dns.private_dns
    (found,) = snapshot.private_dns.endpoints if snapshot.private_dns else ()
    assert found.subnet == ResourceId(seeds.subnet_id())


def test_without_the_private_dns_each_endpoint_is_read(azure: Azure) -> None:
    azure.simulator.seed(spread(endpoint("pe")))
    snapshot, asked = read(azure)
    assert asked == ["privateEndpoints/pe", ITSELF, *AROUND]
    assert held(places_of(snapshot)[0]) == [("pe", (FIRST,))]
    assert snapshot.private_dns is None


def test_an_address_that_the_private_dns_did_not_need_is_learned_and_told_there_too(azure: Azure) -> None:
    azure.simulator.seed(spread(endpoint("pe")))
    before, _ = read(azure, BOTH - {Aspect.PLACES})
    assert before.private_dns is not None
    assert [one.addresses for one in before.private_dns.endpoints] == [None]
    snapshot, asked = read(azure, BOTH)
    assert "privateEndpoints/pe" in asked
    assert snapshot.private_dns is not None
    assert [one.addresses for one in snapshot.private_dns.endpoints] == [(FIRST,)]


@pytest.mark.parametrize(
    ("policies", "counts"),
    [
        ("Disabled", False),
        ("RouteTableEnabled", False),
        ("Enabled", True),
        ("NetworkSecurityGroupEnabled", True),
        ("Sometimes", True),
    ],
)
def test_the_group_is_read_where_it_may_apply_to_the_endpoint(
    azure: Azure, policies: str, counts: bool
) -> None:
    azure.simulator.seed(spread(endpoint("pe"), policies=policies, nsg=seeds.nsg_id()))
    snapshot, _ = read(azure)
    assert (places_of(snapshot)[0].security_group is not None) is counts


def test_two_endpoints_of_one_subnet_are_one_place(azure: Azure) -> None:
    foreign = seeds.flexible_server_id(name="billing")
    azure.simulator.seed(
        [
            seeds.flexible_server(name="billing"),
            *spread(endpoint("a-pe"), endpoint("b-pe"), endpoint("c-pe", server=foreign)),
        ]
    )
    snapshot, asked = read(azure)
    (place,) = places_of(snapshot)
    assert place.private_endpoints == (
        SubnetEndpoint(id=ResourceId(seeds.endpoint_id(name="a-pe")), server=TARGET.id, addresses=(FIRST,)),
        SubnetEndpoint(
            id=ResourceId(seeds.endpoint_id(name="b-pe")),
            server=TARGET.id,
            addresses=(IPv4Address("10.20.1.5"),),
        ),
    )
    assert asked.count(ITSELF) == 1


def test_two_places_in_one_network_share_what_is_asked_of_it(azure: Azure) -> None:
    azure.simulator.seed(spread(endpoint("a-pe"), endpoint("b-pe", "more")))
    snapshot, asked = read(azure)
    first, second = places_of(snapshot)
    assert [held(first), held(second)] == [[("a-pe", (FIRST,))], [("b-pe", (IPv4Address("10.20.2.4"),))]]
    assert first.virtual_network == second.virtual_network is not None
    assert [step for step in asked if step in AROUND] == AROUND


def test_a_server_without_an_endpoint_has_no_place_and_costs_nothing(azure: Azure) -> None:
    azure.simulator.seed(
        spread(seeds.private_endpoint(name="waits", server=SERVER, subnet=seeds.subnet_id(), manual=True))
    )
    snapshot, asked = read(azure)
    assert (snapshot.places, snapshot.unread, asked) == ((), {}, [])


def test_a_single_server_has_places_and_a_private_name_like_a_flexible_one(azure: Azure) -> None:
    old = seeds.single_server_id(name="orders")
    target = Target(kind=TargetKind.SINGLE_SERVER, id=ResourceId(old))
    bodies = [one for one in spread(endpoint("pe", server=old)) if one["id"] != SERVER]
    azure.simulator.seed([seeds.single_server(name="orders"), *bodies])
    snapshot, _ = read(azure, BOTH, target)
    assert held(places_of(snapshot)[0]) == [("pe", (FIRST,))]
    assert snapshot.private_dns is not None
    assert [one.id.name for one in snapshot.private_dns.endpoints] == ["pe"]


def test_places_are_read_later_as_they_would_have_been_at_once(azure: Azure) -> None:
    azure.simulator.seed(spread(*grouped("pe")))
    at_once, asked = read(azure, BOTH)
    gateway = azure.gateway()
    first = gateway.read(TARGET, frozenset({Aspect.SERVER}))
    assert gateway.more(first, BOTH) == at_once
    assert len(gateway.calls) == 1 + len(asked)
    assert gateway.more(at_once, BOTH) == at_once
    assert len(gateway.calls) == 1 + len(asked)


# --- what is refused -------------------------------------------------------------------------------


def test_more_than_two_endpoints_are_told_and_not_looked_at(azure: Azure) -> None:
    azure.simulator.seed(spread(endpoint("a-pe"), endpoint("b-pe"), endpoint("c-pe", "more")))
    snapshot, _ = read(azure)
    assert [one.id.name for one in places_of(snapshot)] == [seeds.SUBNET]
    assert snapshot.unread == {Aspect.PLACES: "1 of 3 approved private endpoints were not looked at"}


def test_a_place_that_is_refused_is_told_and_the_others_are_kept(azure: Azure) -> None:
    azure.simulator.seed(spread(endpoint("a-pe"), endpoint("b-pe", "more")))
    azure.simulator.fault(
        {"status": 404, "code": "NotFound", "message": "gone"}, path_contains="/subnets/more"
    )
    snapshot, _ = read(azure)
    assert [held(place) for place in places_of(snapshot)] == [[("a-pe", (FIRST,))]]
    assert snapshot.unread == {Aspect.PLACES: "subnet more: gone"}


def test_an_endpoint_that_is_refused_is_told_and_the_others_are_kept(azure: Azure) -> None:
    azure.simulator.seed(spread(endpoint("a-pe"), endpoint("b-pe")))
    azure.simulator.fault(
        {"status": 404, "code": "ResourceNotFound", "message": "gone"}, path_contains="privateEndpoints/a-pe"
    )
    snapshot, _ = read(azure)
    assert [held(place)[0][0] for place in places_of(snapshot)] == ["b-pe"]
    assert snapshot.unread == {Aspect.PLACES: "a-pe: gone"}


def test_without_its_connections_a_server_has_no_places_that_are_known(azure: Azure) -> None:
    gateway = azure.gateway()
    azure.simulator.seed([seeds.flexible_server(name="orders")])
    server = gateway.read(TARGET, frozenset({Aspect.SERVER}))
    assert isinstance(server, ServerSnapshot)
    found = gateway.more(replace(server, private_endpoints=None), PLACES)
    assert isinstance(found, ServerSnapshot)
    assert found.places is None
    assert found.unread == {Aspect.PLACES: "its private endpoint connections are not known"}


def test_where_no_place_can_be_read_there_are_none(azure: Azure) -> None:
    azure.simulator.seed(spread(endpoint("pe")))
    action = "Microsoft.Network/virtualNetworks/subnets/read"
    azure.simulator.deny(LOCAL_IDENTITY.app_id or "", [action])
    snapshot, _ = read(azure)
    assert snapshot.places is None
    assert f": our identity may not perform {action} on /" in snapshot.unread[Aspect.PLACES]


def test_what_is_refused_at_a_place_is_told_there(azure: Azure) -> None:
    azure.simulator.seed(spread(endpoint("pe"), policies="Enabled", nsg=seeds.nsg_id()))
    azure.simulator.deny(LOCAL_IDENTITY.app_id or "", [NSG, "Microsoft.Network/virtualNetworks/read"])
    snapshot, _ = read(azure)
    (place,) = places_of(snapshot)
    assert place.virtual_network is None
    assert set(place.unread) == {Aspect.SECURITY_GROUP, Aspect.VIRTUAL_NETWORK}
    assert snapshot.unread == {}


def test_every_place_of_a_network_that_is_refused_tells_why(azure: Azure) -> None:
    azure.simulator.seed(spread(endpoint("a-pe"), endpoint("b-pe", "more")))
    action = "Microsoft.Network/virtualNetworks/read"
    azure.simulator.deny(LOCAL_IDENTITY.app_id or "", [action])
    snapshot, asked = read(azure)
    said = f"our identity may not perform {action} on {seeds.vnet_id()}"
    assert [place.unread[Aspect.VIRTUAL_NETWORK] for place in places_of(snapshot)] == [said, said]
    assert asked.count(AROUND[0]) == 1


def test_an_endpoint_without_an_address_is_at_its_place_all_the_same(azure: Azure) -> None:
    azure.simulator.seed(spread(endpoint("pe")))
    azure.simulator.amend(
        seeds.endpoint_id(name="pe"), {"properties": {"customDnsConfigs": [], "networkInterfaces": []}}
    )
    snapshot, _ = read(azure)
    assert held(places_of(snapshot)[0]) == [("pe", ())]


def test_a_place_that_is_throttled_is_unread(azure: Azure) -> None:
    azure.simulator.seed(spread(endpoint("pe")))
    azure.simulator.fault(
        {"status": 429, "code": "TooManyRequests", "headers": {"Retry-After": "30"}},
        path_contains="/subnets/",
    )
    snapshot, *_ = read(azure)
    assert snapshot.places is None
    assert "TooManyRequests" in snapshot.unread[Aspect.PLACES]
