"""The choice of a route: longest prefix, whose route goes first, and what a reading leaves open."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import IPv4Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model import Aspect, IPNetwork, SubnetSnapshot
from shared.model.networks import Route, RouteTable, VirtualNetwork
from shared.model.resource_id import ResourceId
from shared.nsg import spans_of
from shared.posture.route_tables import (
    Hop,
    Step,
    beside_odd,
    chosen,
    diverted,
    shown,
    spelled,
    to_service,
    unread_routes,
    why_odd,
)

NETWORK = "/subscriptions/0a/resourceGroups/net/providers/Microsoft.Network"
TABLE = ResourceId(f"{NETWORK}/routeTables/rt")
ENTRA = "AzureActiveDirectory"


def route(name: str, prefix: str, hop: str = "VirtualAppliance") -> Route:
    return Route(name=name, prefix=prefix, next_hop=hop, address="10.0.9.4" if "Appl" in hop else "")


def network(*prefixes: str, learns: bool | None = False) -> VirtualNetwork:
    return VirtualNetwork(
        id=ResourceId(f"{NETWORK}/virtualNetworks/hub"),
        prefixes=tuple(map(ip_network, prefixes or ("10.0.0.0/16",))),
        learns_routes=learns,
    )


HUB = network()


def subnet(
    *routes: Route, space: VirtualNetwork | None = HUB, propagation: bool | None = False
) -> SubnetSnapshot:
    return SubnetSnapshot(
        id=ResourceId(f"{NETWORK}/virtualNetworks/hub/subnets/db"),
        read_at=datetime(2026, 11, 1, tzinfo=UTC),
        location="westeurope",
        prefixes=(ip_network("10.0.1.0/24"),),
        delegations=(),
        route_table_id=TABLE,
        route_table=RouteTable(id=TABLE, routes=routes, gateway_propagation=propagation),
        virtual_network=space,
    )


def taken_by(snapshot: SubnetSnapshot) -> tuple[list[str], list[str]]:
    """Names of the routes that take the subnet's own traffic, surely and perhaps."""
    found = diverted(snapshot, beside_odd(snapshot)[0], snapshot.prefixes)
    return [one.step.name for one in found.surely], [one.step.name for one in found.perhaps]


def hops(snapshot: SubnetSnapshot) -> set[Hop]:
    return {one.step.hop for one in to_service(beside_odd(snapshot)[0], ENTRA)}


# --- inside the network ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("routes", "surely"),
    [
        ((), []),
        ((route("all", "0.0.0.0/0"),), []),
        ((route("wide", "10.0.0.0/8"),), []),
        ((route("network", "10.0.0.0/16"),), ["network"]),
        ((route("part", "10.0.1.128/25"),), ["part"]),
        ((route("elsewhere", "10.0.2.0/24"),), []),
        ((route("network", "10.0.0.0/16"), route("own", "10.0.1.0/24", "VnetLocal")), []),
        ((route("network", "10.0.0.0/16"), route("own", "10.0.1.0/25", "vnetlocal")), ["network"]),
        ((route("none", "10.0.1.0/24", "None"),), ["none"]),
        ((route("entra", ENTRA, "Internet"),), []),
    ],
)
def test_a_route_takes_the_networks_own_traffic_if_it_is_as_specific_as_the_networks_space(
    routes: tuple[Route, ...], surely: list[str]
) -> None:
    assert taken_by(subnet(*routes)) == (surely, [])


def test_a_network_with_several_prefixes_is_as_specific_as_the_one_that_holds_the_subnet() -> None:
    space = network("10.0.0.0/22", "10.9.0.0/16")
    assert taken_by(subnet(route("wide", "10.0.0.0/20"), space=space)) == ([], [])
    assert taken_by(subnet(route("equal", "10.0.0.0/22"), space=space)) == (["equal"], [])


@pytest.mark.parametrize(
    ("prefix", "surely", "perhaps"),
    [
        ("10.0.1.0/24", ["r"], []),
        ("10.0.1.0/26", ["r"], []),
        ("10.0.0.0/16", [], ["r"]),
        ("0.0.0.0/0", [], []),
    ],
)
def test_without_the_networks_space_only_a_route_as_specific_as_the_subnet_is_certain(
    prefix: str, surely: list[str], perhaps: list[str]
) -> None:
    assert taken_by(subnet(route("r", prefix), space=None)) == (surely, perhaps)


def test_nothing_is_certain_of_an_address_outside_the_prefixes_that_the_subnet_shows() -> None:
    bare = replace(subnet(route("wide", "10.0.0.0/8"), space=None), prefixes=())
    found = diverted(bare, beside_odd(bare)[0], (ip_network("10.0.1.4/32"),))
    assert (found.surely, [one.step.name for one in found.perhaps]) == ((), ["wide"])


def test_a_type_of_hop_that_is_not_known_is_left_open() -> None:
    assert taken_by(subnet(route("new", "10.0.1.0/24", "Teleport"))) == ([], ["new"])


def test_learned_routes_do_not_touch_the_networks_own_traffic() -> None:
    snapshot = subnet(space=network(learns=True), propagation=True)
    assert taken_by(snapshot) == ([], [])


# --- to a service ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        ((), {Hop.INTERNET}),
        ((route("all", "0.0.0.0/0"),), {Hop.APPLIANCE}),
        ((route("all", "0.0.0.0/0"), route("e", "azureactivedirectory", "Internet")), {Hop.INTERNET}),
        ((route("all", "0.0.0.0/0"), route("c", "AzureCloud", "Internet")), {Hop.INTERNET}),
        ((route("all", "0.0.0.0/0"), route("s", "Storage", "Internet")), {Hop.APPLIANCE}),
        (
            (route("all", "0.0.0.0/0"), route("r", "AzureCloud.westeurope", "Internet")),
            {Hop.APPLIANCE, Hop.INTERNET},
        ),
        (
            (route("all", "0.0.0.0/0"), route("some", "20.190.128.0/18", "Internet")),
            {Hop.APPLIANCE, Hop.INTERNET},
        ),
        ((route("some", "20.190.128.0/18"),), {Hop.APPLIANCE, Hop.INTERNET}),
        ((route("low", "0.0.0.0/1"), route("high", "128.0.0.0/1")), {Hop.APPLIANCE}),
        ((route("private", "10.0.0.0/8"), route("mine", "192.168.0.0/16")), {Hop.INTERNET}),
        ((route("all", "0.0.0.0/0", "None"),), {Hop.NONE}),
        (
            (route("e", ENTRA, "Internet"), route("some", "20.190.128.0/18")),
            {Hop.INTERNET, Hop.APPLIANCE},
        ),
        ((route("e", ENTRA), route("c", "AzureCloud", "Internet")), {Hop.INTERNET, Hop.APPLIANCE}),
    ],
)
def test_where_packets_to_a_service_may_go(routes: tuple[Route, ...], expected: set[Hop]) -> None:
    assert hops(subnet(*routes)) == expected


@pytest.mark.parametrize(
    ("space", "propagation", "learned"),
    [
        (network(learns=True), True, True),
        (network(learns=True), None, True),
        (network(learns=True), False, False),
        (network(learns=False), True, False),
        (network(learns=None), True, True),
        (None, True, True),
        (None, False, False),
    ],
)
def test_learned_routes_are_possible_unless_the_table_or_the_network_excludes_them(
    space: VirtualNetwork | None, propagation: bool | None, learned: bool
) -> None:
    assert (Hop.LEARNED in hops(subnet(space=space, propagation=propagation))) is learned


def test_a_route_for_the_services_tag_goes_before_what_a_gateway_learned() -> None:
    snapshot = subnet(route("e", ENTRA, "Internet"), space=network(learns=True), propagation=True)
    assert hops(snapshot) == {Hop.INTERNET}


# --- reading ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "789", "10.0.0.0/33", "fd00::/200", "a/b"])
def test_a_prefix_that_is_none_is_refused_with_the_routes_name(text: str) -> None:
    (odd,) = beside_odd(subnet(route("odd", text)))[1]
    assert "'odd'" in why_odd(odd)


def test_a_table_that_was_not_read_is_told_and_none_at_all_is_no_gap() -> None:
    refused = replace(subnet(), route_table=None, unread={Aspect.ROUTES: "no right"})
    assert unread_routes(refused) == "the route table could not be read: no right"
    assert unread_routes(replace(subnet(), route_table=None)) == "the route table could not be read"
    assert unread_routes(replace(subnet(), route_table=None, route_table_id=None)) == ""
    assert unread_routes(subnet()) == ""


def test_a_route_is_told_in_azures_words() -> None:
    (one,) = to_service(beside_odd(subnet(route("all", "0.0.0.0/0")))[0], ENTRA)
    assert spelled(one) == "route 'all' (0.0.0.0/0) leads to VirtualAppliance 10.0.9.4"
    assert shown(one) == {
        "name": "all",
        "addressPrefix": "0.0.0.0/0",
        "nextHopType": "VirtualAppliance",
        "nextHopIpAddress": "10.0.9.4",
    }
    (system,) = to_service(beside_odd(subnet())[0], ENTRA)
    assert spelled(system) == "the system route 0.0.0.0/0 leads to Internet"


# --- against the plain way -------------------------------------------------------------------------

PREFIXES = st.builds(
    lambda address, length: ip_network((address, length), strict=False),
    st.integers(int(IPv4Address("10.0.0.0")), int(IPv4Address("10.0.3.255"))),
    st.integers(20, 32),
)


@given(st.lists(PREFIXES, max_size=8, unique=True), st.integers(0, 1023))
def test_every_address_is_decided_by_the_longest_prefix_that_holds_it(
    prefixes: list[IPNetwork], offset: int
) -> None:
    steps = [Step(network=one, hop=Hop.NONE, name=str(one)) for one in prefixes]
    address = ip_network("10.0.0.0/22")[offset]
    holding = [one for one in prefixes if address in one]
    taken = list(chosen(steps, spans_of([ip_network(address)])))
    longest = max(holding, key=lambda one: one.prefixlen, default=None)
    assert [one.step.network for one in taken] == ([] if longest is None else [longest])
