"""The policies about routes: a delegated subnet's own traffic and Entra's, and the way to an endpoint."""

from __future__ import annotations

import shlex
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from shared.model import Aspect, ComplianceState, SubnetServer, SubnetSnapshot
from shared.model.networks import Route, RouteTable, SubnetEndpoint, VirtualNetwork
from shared.model.resource_id import ResourceId
from shared.policies.network.postgres_subnet_routed_through_appliance import POLICY as ROUTED
from shared.policies.private_reach.postgres_endpoint_route_overridden import POLICY as OVERRIDDEN
from tests.nsg.builders import SUBNET_ID, networks
from tests.nsg.builders import subnet as bare_subnet

COMPLIANT, NON_COMPLIANT, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)
GROUP = "/subscriptions/0a/resourceGroups/net/providers"
TABLE = ResourceId(f"{GROUP}/Microsoft.Network/routeTables/rt")
SERVER = ResourceId(f"{GROUP}/Microsoft.DBforPostgreSQL/flexibleServers/db")
HUB = VirtualNetwork(
    id=ResourceId(f"{GROUP}/Microsoft.Network/virtualNetworks/hub"),
    prefixes=networks("10.0.0.0/16"),
    learns_routes=False,
)


def route(name: str, prefix: str, hop: str = "VirtualAppliance") -> Route:
    return Route(name=name, prefix=prefix, next_hop=hop, address="10.0.9.4" if "Appl" in hop else "")


ALL = route("all", "0.0.0.0/0")
NETWORK = route("network", "10.0.0.0/16")
TO_ENTRA = route("entra", "AzureActiveDirectory", "Internet")
OWN = route("own", "10.0.1.0/24", "VnetLocal")


def routed(*routes: Route, entra: bool | None = True, **parts: Any) -> SubnetSnapshot:
    """A delegated subnet with a route table, in a network without a gateway."""
    table = RouteTable(id=TABLE, routes=routes, gateway_propagation=True)
    server = SubnetServer(id=SERVER, entra=entra)
    snapshot = bare_subnet(None, servers=(server,))
    return replace(
        snapshot, **{"route_table_id": TABLE, "route_table": table, "virtual_network": HUB, **parts}
    )


# --- a delegated subnet ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("snapshot", "state", "said"),
    [
        (routed(), COMPLIANT, "stays there"),
        (
            routed(ALL),
            NON_COMPLIANT,
            "traffic to Entra ID: route 'all' (0.0.0.0/0) leads to VirtualAppliance",
        ),
        (routed(ALL, entra=False), COMPLIANT, "stays there"),
        (routed(ALL, entra=None), UNKNOWN, "has Microsoft Entra sign-in on is unknown"),
        (routed(ALL, TO_ENTRA), COMPLIANT, "stays there"),
        (routed(NETWORK), NON_COMPLIANT, "traffic inside the subnet: route 'network' (10.0.0.0/16) leads to"),
        (routed(NETWORK, OWN), COMPLIANT, "stays there"),
        (routed(ALL, NETWORK, TO_ENTRA, OWN), COMPLIANT, "stays there"),
        (routed(route("some", "20.190.128.0/18")), UNKNOWN, "may go elsewhere"),
        (routed(ALL, route("some", "20.190.128.0/18", "Internet")), UNKNOWN, "may go elsewhere"),
        (routed(route("no", "0.0.0.0/0", "None")), NON_COMPLIANT, "leads to None"),
        (routed(virtual_network=replace(HUB, learns_routes=True)), UNKNOWN, "a gateway learned"),
        (routed(ALL, virtual_network=replace(HUB, learns_routes=True)), NON_COMPLIANT, "'all'"),
        (routed(virtual_network=replace(HUB, learns_routes=True), entra=False), COMPLIANT, "stays there"),
        (routed(NETWORK, TO_ENTRA, virtual_network=None), UNKNOWN, "the virtual network could not be read"),
        (routed(TO_ENTRA, virtual_network=None), COMPLIANT, "stays there"),
        (routed(route("odd", "789")), UNKNOWN, "'odd'"),
        (routed(ALL, updating=True), UNKNOWN, "look again"),
        (routed(ALL, prefixes=()), UNKNOWN, "prefixes"),
        (routed(route_table=None), UNKNOWN, "the route table could not be read"),
        (routed(route_table=None, route_table_id=None), COMPLIANT, "stays there"),
    ],
)
def test_where_a_delegated_subnets_traffic_goes(
    snapshot: SubnetSnapshot, state: ComplianceState, said: str
) -> None:
    finding = ROUTED.evaluate(snapshot)
    assert finding.state is state, finding.reason
    assert said in finding.reason
    assert bool(finding.fingerprint) is (state is NON_COMPLIANT)
    assert ROUTED.plan(finding, snapshot) is None


def test_the_alert_lists_the_routes_that_the_service_asks_for() -> None:
    finding = ROUTED.evaluate(routed(ALL, NETWORK))
    assert finding.resource_id == TABLE
    inside, entra = map(shlex.split, finding.evidence["whatToDo"])
    assert inside[:5] == ["az", "network", "route-table", "route", "create"]
    assert inside[-4:] == ["--address-prefix", "10.0.1.0/24", "--next-hop-type", "VnetLocal"]
    assert entra[-4:] == ["--address-prefix", "AzureActiveDirectory", "--next-hop-type", "Internet"]
    names = {words[words.index("--name") + 1] for words in (inside, entra)}
    assert len(names - {"network", "all"}) == 2
    assert [one["name"] for one in finding.evidence["routes"]] == ["network", "all"]
    assert finding.fingerprint == (
        "traffic inside the subnet: 10.0.1.0/24 to VirtualAppliance; traffic to Entra ID: VirtualAppliance"
    )


def test_a_route_that_is_there_is_changed_because_a_table_holds_one_for_a_prefix() -> None:
    wrong = replace(TO_ENTRA, name="Sign-in", prefix="azureactivedirectory", next_hop="VirtualAppliance")
    (command,) = ROUTED.evaluate(routed(wrong)).evidence["whatToDo"]
    words = shlex.split(command)
    assert words[4] == "create", "an update would keep the address of the appliance"
    assert words[words.index("--name") + 1] == "Sign-in"


def test_a_route_of_a_part_of_the_subnet_goes_before_and_is_mended_too() -> None:
    part, wide = route("part", "10.0.1.128/25"), route("wide", "10.0.0.0/20")
    told = ROUTED.evaluate(routed(part, wide)).evidence["whatToDo"]
    made = {words[words.index("--name") + 1]: words for words in map(shlex.split, told)}
    assert made["part"][-4:] == ["--address-prefix", "10.0.1.128/25", "--next-hop-type", "VnetLocal"]
    assert [words[-3] for words in map(shlex.split, told)] == ["10.0.1.0/24", "10.0.1.128/25"]


def test_a_subnet_that_is_not_delegated_is_not_judged() -> None:
    finding = ROUTED.evaluate(routed(ALL, NETWORK, delegations=()))
    assert (finding.state, finding.applies) == (COMPLIANT, False)


def test_what_may_not_be_read_is_named() -> None:
    refused = "our identity may not perform Microsoft.Network/routeTables/read"
    snapshot = routed(route_table=None, unread={Aspect.ROUTES: refused})
    assert refused in ROUTED.evaluate(snapshot).reason


# --- a private endpoint's subnet -------------------------------------------------------------------

ENDPOINT = SubnetEndpoint(id=SUBNET_ID.child("x", "pe"), server=SERVER, addresses=(ip_address("10.0.1.5"),))


def holding(*routes: Route, mode: str = "Enabled", **parts: Any) -> SubnetSnapshot:
    """A subnet with one endpoint and a route table."""
    more = {"delegations": (), "endpoint_network_policies": mode, "private_endpoints": (ENDPOINT,), **parts}
    return routed(*routes, **more)


UNPLACED = (replace(ENDPOINT, addresses=()),)


@pytest.mark.parametrize(
    ("snapshot", "state", "said"),
    [
        (holding(), COMPLIANT, "no route here overrides"),
        (holding(ALL), COMPLIANT, "no route here overrides"),
        (holding(NETWORK), NON_COMPLIANT, "route 'network' (10.0.0.0/16) leads to VirtualAppliance"),
        (holding(NETWORK, mode="RouteTableEnabled"), NON_COMPLIANT, "'network'"),
        (holding(NETWORK, mode="routetableenabled"), NON_COMPLIANT, "'network'"),
        (holding(NETWORK, mode="NetworkSecurityGroupEnabled"), COMPLIANT, "are off"),
        (holding(NETWORK, mode="Disabled"), COMPLIANT, "are off"),
        (holding(NETWORK, mode=""), COMPLIANT, "are off"),
        (holding(NETWORK, mode="Sometimes"), UNKNOWN, "'Sometimes'"),
        (holding(route("wide", "10.0.0.0/8")), COMPLIANT, "no route here overrides"),
        (holding(route("other", "10.0.1.8/29")), COMPLIANT, "no route here overrides"),
        (holding(NETWORK, OWN), COMPLIANT, "no route here overrides"),
        (holding(route("one", "10.0.1.5/32", "None")), NON_COMPLIANT, "leads to None"),
        (holding(NETWORK, virtual_network=None), UNKNOWN, "the virtual network could not be read"),
        (holding(route("subnet", "10.0.1.0/24"), virtual_network=None), NON_COMPLIANT, "'subnet'"),
        (
            holding(route("one", "10.0.1.5/32", "None"), private_endpoints=(ENDPOINT, *UNPLACED)),
            NON_COMPLIANT,
            "leads to None",
        ),
        (holding(NETWORK, private_endpoints=UNPLACED), UNKNOWN, "private endpoint pe shows no address"),
        (holding(ALL, private_endpoints=UNPLACED), COMPLIANT, "no route here overrides"),
        (holding(NETWORK, private_endpoints=None), UNKNOWN, "the private endpoints in the subnet could not"),
        (holding(route_table=None), UNKNOWN, "the route table could not be read"),
        (holding(route("odd", "789")), UNKNOWN, "'odd'"),
        (holding(NETWORK, updating=True), UNKNOWN, "look again"),
    ],
)
def test_whether_a_route_goes_before_an_endpoints_own(
    snapshot: SubnetSnapshot, state: ComplianceState, said: str
) -> None:
    finding = OVERRIDDEN.evaluate(snapshot)
    assert finding.state is state, finding.reason
    assert said in finding.reason
    assert bool(finding.fingerprint) is (state is NON_COMPLIANT)
    assert OVERRIDDEN.plan(finding, snapshot) is None


@pytest.mark.field(
    "commands",
    "A route to an endpoint that is overridden is put right by a command: a route for its address, or the "
    "switch that lets routes alone.",
    source="https://learn.microsoft.com/azure/private-link/disable-private-endpoint-network-policy",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("mode", "without"),
    [("Enabled", "NetworkSecurityGroupEnabled"), ("RouteTableEnabled", "Disabled")],
)
def test_a_route_that_overrides_an_endpoints_own_is_cured_by_a_command(mode: str, without: str) -> None:
    found = OVERRIDDEN.evaluate(holding(NETWORK, mode=mode))
    (choice,) = found.evidence["whatToDo"]
    routes, switch = (way["steps"] for way in choice["oneOf"])
    (command,) = routes
    words = shlex.split(command)
    assert words[1:5] == ["network", "route-table", "route", "create"]
    assert words[words.index("--address-prefix") + 1] == f"{ENDPOINT.addresses[0]}/32"
    assert words[words.index("--next-hop-type") + 1] == "VnetLocal"
    assert switch[0].endswith(f"--private-endpoint-network-policies {without}")
    own = route("mine", f"{ENDPOINT.addresses[0]}/32")
    (changed,) = OVERRIDDEN.evaluate(holding(own, mode=mode)).evidence["whatToDo"][0]["oneOf"][0]["steps"]
    assert "route create" in changed
    assert "--name mine" in changed


def test_what_cannot_be_seen_of_other_subnets_is_said() -> None:
    for routes in ((), (NETWORK,)):
        finding = OVERRIDDEN.evaluate(holding(*routes))
        assert "clients in other subnets" in finding.evidence["caveats"][0]
    assert OVERRIDDEN.evaluate(holding(NETWORK)).resource_id == TABLE


def test_a_subnet_without_such_an_endpoint_is_not_judged() -> None:
    finding = OVERRIDDEN.evaluate(holding(NETWORK, private_endpoints=()))
    assert (finding.state, finding.applies) == (COMPLIANT, False)


def test_a_second_endpoint_on_a_diverted_way_is_another_drift_and_a_renamed_route_is_none() -> None:
    other = replace(ENDPOINT, id=SUBNET_ID.child("x", "pe-2"), addresses=(ip_address("10.0.1.200"),))
    first = str(ENDPOINT.addresses[0])
    one, renamed, both = (
        OVERRIDDEN.evaluate(holding(*routes, private_endpoints=(ENDPOINT, other))).fingerprint
        for routes in (
            (route("a", f"{first}/32"),),
            (route("b", f"{first}/32"),),
            (route("a", f"{first}/32"), route("c", "10.0.1.200/32")),
        )
    )
    assert one == renamed != both


def test_a_drift_that_leads_to_several_hops_is_told_in_one_order() -> None:
    hops = ("VirtualAppliance", "Internet", "VirtualNetworkGateway", "None")
    parts = ("10.0.1.0/26", "10.0.1.64/26", "10.0.1.128/26", "10.0.1.192/26")
    routes = [route(hop, prefix, hop) for hop, prefix in zip(hops, parts, strict=True)]
    assert ROUTED.evaluate(routed(*routes)).fingerprint == (
        "traffic inside the subnet: 10.0.1.64/26 to Internet; 10.0.1.192/26 to None;"
        " 10.0.1.0/26 to VirtualAppliance; 10.0.1.128/26 to VirtualNetworkGateway"
    )


def test_another_part_of_the_subnet_that_is_diverted_is_another_drift() -> None:
    half, whole = (ROUTED.evaluate(routed(route("r", prefix))) for prefix in ("10.0.1.0/25", "10.0.1.0/24"))
    assert half.fingerprint != whole.fingerprint


def test_one_of_two_endpoints_on_a_diverted_way_is_enough() -> None:
    other = replace(ENDPOINT, id=SUBNET_ID.child("x", "pe-2"), addresses=(ip_address("10.0.1.200"),))
    snapshot = holding(route("upper", "10.0.1.128/25"), private_endpoints=(ENDPOINT, other))
    assert OVERRIDDEN.evaluate(snapshot).state is NON_COMPLIANT


@pytest.mark.field(
    "odd-items",
    "A route that diverts is found beside one whose prefix cannot be read, where that cannot undo it",
    source="https://learn.microsoft.com/en-us/azure/virtual-network/virtual-networks-udr-overview",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("wrong", "odd_hop", "state"),
    [
        ("10.0.1.0/24", "VirtualAppliance", NON_COMPLIANT),
        ("10.0.1.0/24", "None", NON_COMPLIANT),
        ("10.0.1.0/24", "VnetLocal", UNKNOWN),
        ("10.0.1.0/24", "SomethingNew", UNKNOWN),
        ("10.0.1.5/32", "VnetLocal", NON_COMPLIANT),
        ("192.0.2.0/24", "VnetLocal", UNKNOWN),
    ],
)
def test_a_route_that_diverts_is_found_beside_an_odd_one(
    wrong: str, odd_hop: str, state: ComplianceState
) -> None:
    for text, said in (("10.0.0.0/33", "'10.0.0.0/33' is no prefix"), ("", "has no addressPrefix")):
        found = OVERRIDDEN.evaluate(holding(route("one", wrong, "None"), route("odd", text, odd_hop)))
        assert (found.state, said in found.reason) == (state, True), found.reason


@pytest.mark.parametrize(("odd_hop", "state"), [("None", NON_COMPLIANT), ("VnetLocal", UNKNOWN)])
def test_traffic_inside_the_subnet_is_judged_beside_an_odd_route(
    odd_hop: str, state: ComplianceState
) -> None:
    found = ROUTED.evaluate(routed(route("one", "10.0.1.0/24", "None"), route("odd", "789", odd_hop)))
    assert (found.state, "'odd'" in found.reason) == (state, True), found.reason
