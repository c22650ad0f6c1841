"""Can this client connect? Stories of one way, and of several that it may take."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, ip_network

import pytest

from shared.model import (
    Aspect,
    ConnectionStatus,
    Direction,
    PrivateEndpointConnection,
    PublicAccess,
    ServerSnapshot,
    ServerState,
    SubnetSnapshot,
    TargetKind,
)
from shared.model.parts import NetworkDns, VirtualNetworkRule
from shared.model.resource_id import ResourceId
from shared.posture.ways.answers import Stage, State, Verdict
from shared.posture.ways.world import (
    AnyAzure,
    Declared,
    NetworkClient,
    OnPremises,
    PublicClient,
    SubnetClient,
)
from tests.builders import rule, single_server
from tests.posture.ways.builders import (
    ADDRESS,
    CENTRAL,
    CLIENT,
    DATABASES,
    FAR,
    FAR_CLIENT,
    FAR_NETWORK,
    FAR_PEERED,
    HUB,
    HUB_NETWORK,
    HUB_PEERED,
    NAT,
    PE,
    PLACE,
    ZONE,
    admin_rule,
    asked,
    behind_an_endpoint,
    deny,
    dns,
    endpoint_dns,
    guarded,
    in_a_subnet,
    in_network,
    link,
    nat_rule,
    network,
    routed,
    zone,
)

OUT, IN = Direction.OUTBOUND, Direction.INBOUND


def blocked_by(found: Verdict, stage: Stage) -> None:
    assert found.state is State.BLOCKED, found
    assert {fact.stage for way in found.ways for fact in way.blocking} == {stage}, found


@pytest.mark.parametrize("whole", [behind_an_endpoint(), in_a_subnet()])
def test_where_everything_is_well_every_fact_of_the_one_way_stands(whole: ServerSnapshot) -> None:
    found = asked(whole)
    (way,) = found.ways
    assert (found.state, {fact.state for fact in way.facts}) == (State.STANDS, {State.STANDS})
    assert found.settles == ()


def test_nobody_connects_to_a_server_that_is_stopped_and_one_at_work_may_refuse() -> None:
    blocked_by(asked(behind_an_endpoint(state=ServerState.STOPPED, state_text="Stopped")), Stage.ADDRESS)
    assert asked(behind_an_endpoint(state=ServerState.BUSY, state_text="Updating")).state is State.UNKNOWN


# --- names -----------------------------------------------------------------------------------------


def test_a_network_that_is_not_linked_gets_the_public_address() -> None:
    """Not a fault where the public path lets the client in; unknown where its public address is not told."""
    open_to_nat = behind_an_endpoint(public_access=PublicAccess.ENABLED, firewall_rules=(nat_rule(),))
    told = asked(open_to_nat, SubnetClient(subnet=FAR_CLIENT, nat=(NAT,)))
    assert told.state is State.STANDS
    untold = asked(open_to_nat, FAR_CLIENT)
    assert (untold.state, untold.settles) == (
        State.UNKNOWN,
        ("the public address by which the client leaves",),
    )
    closed = asked(behind_an_endpoint(), FAR_CLIENT)
    blocked_by(closed, Stage.FIREWALL)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("Default", State.BLOCKED),
        ("", State.BLOCKED),
        ("NxDomainRedirect", State.STANDS),
        ("New", State.UNKNOWN),
    ],
)
def test_a_linked_zone_without_the_record_ends_the_name_unless_its_link_falls_back_to_the_internet(
    policy: str, expected: State
) -> None:
    whole = behind_an_endpoint(
        public_access=PublicAccess.ENABLED,
        firewall_rules=(nat_rule(),),
        private_dns=dns(zone(links=(link(HUB, policy=policy),), record=())),
    )
    assert asked(whole, SubnetClient(subnet=CLIENT, nat=(NAT,))).state is expected


def test_a_zone_that_is_linked_elsewhere_does_not_answer_here() -> None:
    elsewhere = behind_an_endpoint(private_dns=dns(zone(CENTRAL, links=(link(FAR),))))
    blocked_by(asked(elsewhere), Stage.FIREWALL)


def test_a_record_with_the_address_of_nobody_leads_nowhere() -> None:
    stranger = dns(zone(record=(IPv4Address("10.0.2.77"),)))
    blocked_by(asked(behind_an_endpoint(private_dns=stranger)), Stage.DNS)
    unread = dns(zone(record=(IPv4Address("10.0.2.77"),)), endpoints=(endpoint_dns(addresses=None),))
    assert asked(behind_an_endpoint(private_dns=unread)).state is State.UNKNOWN


def test_of_several_addresses_in_a_record_the_client_may_take_any() -> None:
    both = dns(zone(record=(ADDRESS, IPv4Address("10.0.2.77"))))
    assert asked(behind_an_endpoint(private_dns=both)).state is State.UNKNOWN


def test_a_private_zone_does_not_matter_to_a_server_that_has_no_endpoint() -> None:
    bare = behind_an_endpoint(
        private_endpoints=(),
        private_dns=dns(zone(record=())),
        public_access=PublicAccess.ENABLED,
        firewall_rules=(nat_rule(),),
    )
    assert asked(bare, SubnetClient(subnet=CLIENT, nat=(NAT,))).state is State.STANDS


@pytest.mark.parametrize("servers", [("10.0.0.5",), ("10.0.0.5", "168.63.129.16")])
def test_what_dns_servers_of_ones_own_answer_is_unknown_unless_central_dns_is_declared(
    servers: tuple[str, ...],
) -> None:
    own = in_network(CLIENT, replace(HUB_NETWORK, dns_servers=servers))
    assert asked(behind_an_endpoint(), own).state is State.UNKNOWN
    declared = Declared(zone=ZONE, networks=(HUB,))
    assert asked(behind_an_endpoint(), own, declared).state is State.STANDS
    other = Declared(zone=ZONE, networks=(HUB, FAR))
    assert asked(behind_an_endpoint(), own, other).state is State.UNKNOWN
    nowhere = Declared(zone=ZONE, networks=(FAR,))
    blocked_by(asked(behind_an_endpoint(), own, nowhere), Stage.FIREWALL)


def test_a_fault_that_stands_whatever_the_name_resolves_to_is_proved() -> None:
    """Who answers is not known, but neither the endpoint nor the public path can be reached."""
    own = replace(HUB_NETWORK, dns_servers=("10.0.0.5",))
    shut = guarded(in_network(CLIENT, own), deny(OUT))
    assert asked(behind_an_endpoint(), shut).state is State.BLOCKED
    assert asked(behind_an_endpoint(public_access=PublicAccess.ENABLED), shut).state is State.BLOCKED


@pytest.mark.parametrize(
    "private_dns",
    [
        dns(zone(links=None)),
        dns(zone(links=(link(HUB, "InProgress"),))),
        dns(zone(links=()), found=(ZONE, CENTRAL)),
        dns(zone(links=()), found=None),
        dns(zone(record=None)),
        None,
    ],
)
def test_links_zones_and_records_that_are_not_known_leave_the_name_open(private_dns: object) -> None:
    found = asked(behind_an_endpoint(private_dns=private_dns, unread={Aspect.PRIVATE_DNS: "refused"}))
    assert found.state is State.UNKNOWN
    assert found.settles


def test_an_endpoint_that_waits_is_none_and_may_have_its_alias_or_not() -> None:
    waiting = PrivateEndpointConnection(
        id=PE.child("privateEndpointConnections", "w"), status=ConnectionStatus.PENDING, endpoint=PE
    )
    whole = behind_an_endpoint(
        private_endpoints=(waiting,),
        public_access=PublicAccess.ENABLED,
        firewall_rules=(nat_rule(),),
        private_dns=dns(zone(record=()), endpoints=()),
    )
    somebody = SubnetClient(subnet=CLIENT, nat=(NAT,))
    assert asked(whole, somebody).state is State.UNKNOWN
    assert asked(replace(whole, private_dns=dns(zone(links=()))), somebody).state is State.STANDS


# --- routes ----------------------------------------------------------------------------------------


def linked_far(**parts: object) -> ServerSnapshot:
    """The same, and the far network is linked to the zone."""
    return behind_an_endpoint(private_dns=dns(zone(links=(link(HUB), link(FAR)))), **parts)


def test_a_peered_network_reaches_the_endpoint_and_one_that_is_not_does_not() -> None:
    here = (in_network(PLACE, HUB_PEERED),)
    assert asked(linked_far(places=here), in_network(FAR_CLIENT, FAR_PEERED)).state is State.STANDS
    blocked_by(asked(linked_far(), FAR_CLIENT), Stage.ROUTES)
    one_sided = asked(linked_far(), in_network(FAR_CLIENT, FAR_PEERED))
    assert one_sided.state is State.UNKNOWN
    assert "at both ends" in one_sided.settles[0]


def test_a_peering_of_some_subnets_may_leave_these_out_and_an_odd_one_may_lead_anywhere() -> None:
    here, there = in_network(PLACE, HUB_PEERED), in_network(FAR_CLIENT, FAR_PEERED)
    assert FAR_PEERED.peerings[0].whole
    some = replace(FAR_PEERED, peerings=(replace(FAR_PEERED.peerings[0], whole=False),))
    assert asked(linked_far(places=(here,)), in_network(there, some)).state is State.UNKNOWN
    odd = in_network(FAR_CLIENT, replace(FAR_NETWORK, odd_peerings=True))
    assert asked(linked_far(places=(in_network(PLACE, HUB_PEERED),)), odd).state is State.UNKNOWN


def test_gateways_at_both_ends_may_connect_networks_that_are_not_peered() -> None:
    here = in_network(PLACE, replace(HUB_NETWORK, learns_routes=True))
    there = in_network(FAR_CLIENT, replace(FAR_NETWORK, learns_routes=True))
    assert asked(linked_far(places=(here,)), there).state is State.UNKNOWN
    blocked_by(asked(linked_far(places=(here,)), FAR_CLIENT), Stage.ROUTES)
    shut_out = routed(there, gateway_propagation=False)
    blocked_by(asked(linked_far(places=(here,)), shut_out), Stage.ROUTES)


@pytest.mark.parametrize(
    ("mode", "prefix", "hop", "expected"),
    [
        ("Disabled", "10.0.2.4/32", "None", State.UNKNOWN),
        ("Disabled", "10.0.2.4/31", "None", State.STANDS),
        ("Disabled", "10.0.2.4/32", "VnetLocal", State.STANDS),
        ("RouteTableEnabled", "10.0.2.0/24", "None", State.BLOCKED),
        ("Enabled", "10.0.0.0/16", "None", State.BLOCKED),
        ("Enabled", "10.0.0.0/8", "None", State.STANDS),
        ("Enabled", "0.0.0.0/0", "None", State.STANDS),
        ("Enabled", "10.0.2.0/24", "VirtualAppliance", State.UNKNOWN),
        ("Enabled", "10.0.2.0/24", "VnetLocal", State.STANDS),
        ("NetworkSecurityGroupEnabled", "10.0.2.0/24", "None", State.STANDS),
        ("SomethingNew", "10.0.2.0/24", "None", State.UNKNOWN),
    ],
)
def test_a_route_goes_before_the_endpoints_own_where_network_policies_let_it(
    mode: str, prefix: str, hop: str, expected: State
) -> None:
    place = replace(PLACE, endpoint_network_policies=mode)
    assert asked(behind_an_endpoint(places=(place,)), routed(CLIENT, (prefix, hop))).state is expected


@pytest.mark.field(
    "ways",
    "Packets that an appliance carries may come from an address of its own: that the NSG denies the client "
    "is no proof then, only that it lets nobody in.",
    source="https://learn.microsoft.com/azure/firewall/snat-private-range",
    date="2026-11-29",
)
@pytest.mark.parametrize("mode", ["Enabled", "NetworkSecurityGroupEnabled"])
def test_an_nsg_that_denies_the_client_proves_nothing_where_an_appliance_carries_the_packets(
    mode: str,
) -> None:
    place = replace(PLACE, endpoint_network_policies=mode)
    carried = routed(CLIENT, ("10.0.2.4/32", "VirtualAppliance"))
    denies_client = guarded(place, deny(IN, sources=("10.0.7.0/24",)))
    denies_all = guarded(place, deny(IN, sources=("*",)))
    blocked_by(asked(behind_an_endpoint(places=(denies_client,))), Stage.NSG)
    assert asked(behind_an_endpoint(places=(denies_client,)), carried).state is State.UNKNOWN
    blocked_by(asked(behind_an_endpoint(places=(denies_all,)), carried), Stage.NSG)


def test_the_way_back_to_packets_that_an_appliance_carried_may_lead_to_it() -> None:
    carried = routed(CLIENT, ("10.0.1.0/24", "VirtualAppliance"))
    back = routed(DATABASES, ("10.0.7.0/24", "None"))
    blocked_by(asked(in_a_subnet(places=(back,))), Stage.ROUTES)
    assert asked(in_a_subnet(places=(back,)), carried).state is State.UNKNOWN


def test_faults_for_some_addresses_are_not_joined_where_packets_may_come_from_others() -> None:
    halves = ("10.0.7.0/25", "10.0.7.128/25")
    out = guarded(CLIENT, deny(OUT, sources=halves[:1]))
    place = guarded(DATABASES, deny(IN, sources=halves[1:]))
    blocked_by(asked(in_a_subnet(places=(place,)), out), Stage.NSG)
    carried = routed(out, ("10.0.1.0/24", "VirtualAppliance"))
    assert asked(in_a_subnet(places=(place,)), carried).state is State.UNKNOWN


@pytest.mark.parametrize(
    ("prefix", "hop", "expected"),
    [
        ("10.0.1.0/24", "None", State.BLOCKED),
        ("10.0.1.128/25", "None", State.UNKNOWN),
        ("0.0.0.0/0", "VirtualAppliance", State.STANDS),
        ("10.0.1.0/24", "VirtualAppliance", State.UNKNOWN),
    ],
)
def test_a_route_to_the_servers_subnet_decides_and_so_does_the_one_back(
    prefix: str, hop: str, expected: State
) -> None:
    assert asked(in_a_subnet(), routed(CLIENT, (prefix, hop))).state is expected
    back = routed(DATABASES, (prefix.replace("10.0.1.", "10.0.7."), hop))
    assert asked(in_a_subnet(places=(back,))).state is expected


def test_a_route_for_everything_to_an_appliance_may_lead_to_a_network_that_is_not_peered() -> None:
    assert asked(linked_far(), routed(FAR_CLIENT, ("0.0.0.0/0", "VirtualAppliance"))).state is State.UNKNOWN
    blocked_by(asked(linked_far(), routed(FAR_CLIENT, ("0.0.0.0/0", "None"))), Stage.ROUTES)


def test_the_public_path_hangs_on_the_route_to_the_internet() -> None:
    whole = behind_an_endpoint(
        private_endpoints=(),
        private_dns=None,
        public_access=PublicAccess.ENABLED,
        firewall_rules=(nat_rule(),),
    )

    def state(client: SubnetSnapshot) -> State:
        return asked(whole, SubnetClient(subnet=client, nat=(NAT,))).state

    assert state(routed(CLIENT, ("10.0.0.0/8", "None"))) is State.STANDS
    assert state(routed(CLIENT, ("0.0.0.0/0", "None"))) is State.BLOCKED
    assert state(routed(CLIENT, ("0.0.0.0/0", "VirtualAppliance"))) is State.UNKNOWN
    assert state(routed(CLIENT, ("0.0.0.0/0", "None"), ("Sql", "Internet"))) is State.UNKNOWN
    gateway = in_network(CLIENT, replace(HUB_NETWORK, learns_routes=True))
    assert state(gateway) is State.UNKNOWN


@pytest.mark.field(
    "ways",
    "A subnet without default outbound access and a NAT gateway does not surely get to a public server",
    source="https://learn.microsoft.com/en-us/azure/virtual-network/ip-services/default-outbound-access",
    date="2026-11-29",
)
def test_a_subnet_without_a_default_way_out_may_have_another() -> None:
    shut_in = replace(CLIENT, shut_in=True)
    open_to_azure = public_server(ALL_AZURE)
    assert asked(open_to_azure, CLIENT).state is State.STANDS
    found = asked(open_to_azure, shut_in)
    assert (found.state, "no default outbound access" in found.settles[0]) == (State.UNKNOWN, True)
    assert asked(open_to_azure, SubnetClient(subnet=shut_in, nat=(NAT,))).state is State.STANDS
    assert asked(behind_an_endpoint(), shut_in).state is State.STANDS


# --- admin rules and NSGs --------------------------------------------------------------------------


def test_what_lies_in_the_network_and_its_peers_lies_in_the_tag_of_the_network() -> None:
    """With the default rules alone everything passes between them."""
    here, there = guarded(in_network(PLACE, HUB_PEERED)), guarded(in_network(FAR_CLIENT, FAR_PEERED))
    enforced = replace(here, endpoint_network_policies="Enabled")
    assert asked(linked_far(places=(enforced,)), there).state is State.STANDS


def test_which_address_the_client_has_decides_where_an_nsg_denies_some() -> None:
    some = guarded(CLIENT, deny(OUT, sources=("10.0.7.0/25",)))
    assert asked(behind_an_endpoint(), some).state is State.UNKNOWN


def test_what_an_nsg_decides_is_told_with_its_rule_and_a_packet() -> None:
    (way,) = asked(behind_an_endpoint(), guarded(CLIENT, deny(OUT))).ways
    (fact,) = way.blocking
    assert fact.evidence["blockingRules"] == [{"name": "no-200", "priority": 200}]
    assert fact.evidence["witness"]["destination"] == str(ADDRESS)


def test_faults_that_stop_some_packets_each_are_a_fault_together_where_they_stop_all() -> None:
    half = guarded(CLIENT, deny(OUT, sources=("10.0.7.0/25",)))
    place = guarded(DATABASES, deny(IN, sources=("10.0.7.128/25",)))
    found = asked(in_a_subnet(places=(place,)), half)
    assert found.state is State.BLOCKED
    assert [len(way.blocking) for way in found.ways] == [2]
    back = routed(DATABASES, ("10.0.7.128/25", "None"))
    assert asked(in_a_subnet(places=(back,)), half).state is State.BLOCKED


@pytest.mark.parametrize(
    ("access", "nsg_denies", "expected"),
    [
        ("Deny", False, State.BLOCKED),
        ("Allow", False, State.STANDS),
        ("Allow", True, State.BLOCKED),
        ("AlwaysAllow", True, State.STANDS),
    ],
)
def test_admin_rules_are_asked_before_the_nsg(access: str, *, nsg_denies: bool, expected: State) -> None:
    ruled = in_network(CLIENT, replace(HUB_NETWORK, admin_rules=(admin_rule(access, OUT, ports=("5432",)),)))
    client = guarded(ruled, *([deny(OUT)] if nsg_denies else []))
    assert asked(behind_an_endpoint(), client).state is expected


def test_an_admin_rule_for_some_hands_the_others_on() -> None:
    some = admin_rule("AlwaysAllow", OUT, sources=("10.0.7.0/25",))
    ruled = in_network(CLIENT, replace(HUB_NETWORK, admin_rules=(some,)))
    assert asked(behind_an_endpoint(), guarded(ruled, deny(OUT))).state is State.UNKNOWN
    over = admin_rule("Allow", OUT, priority=5)
    handed = in_network(CLIENT, replace(HUB_NETWORK, admin_rules=(some, over)))
    assert asked(behind_an_endpoint(), guarded(handed, deny(OUT))).state is State.BLOCKED


def test_admin_rules_that_were_not_read_may_stop_anything_and_let_anything_pass() -> None:
    unread = in_network(CLIENT, replace(HUB_NETWORK, admin_rules=None, admin_unread="refused"))
    found = asked(behind_an_endpoint(), unread)
    assert (found.state, "refused" in found.settles[0]) == (State.UNKNOWN, True)
    assert asked(behind_an_endpoint(), guarded(unread, deny(OUT))).state is State.UNKNOWN


# --- gates -----------------------------------------------------------------------------------------


def public_server(*rules: object, **parts: object) -> ServerSnapshot:
    held = {"private_endpoints": (), "public_access": PublicAccess.ENABLED, "firewall_rules": rules}
    return behind_an_endpoint(**{**held, **parts})


ALL_AZURE, EVERYBODY = rule("azure", "0.0.0.0"), rule("all", "0.0.0.0", "255.255.255.255")


@pytest.mark.parametrize(
    ("rules", "nat", "address", "azure"),
    [
        ((), State.BLOCKED, State.BLOCKED, State.BLOCKED),
        ((nat_rule(),), State.UNKNOWN, State.STANDS, State.UNKNOWN),
        ((ALL_AZURE,), State.STANDS, State.UNKNOWN, State.STANDS),
        ((EVERYBODY,), State.STANDS, State.STANDS, State.STANDS),
        ((rule("private", "10.0.0.0", "10.0.0.9"),), State.BLOCKED, State.BLOCKED, State.BLOCKED),
    ],
)
def test_whom_the_firewall_admits(
    rules: tuple[object, ...], nat: State, address: State, azure: State
) -> None:
    whole = public_server(*rules)
    assert asked(whole).state is nat
    assert asked(whole, PublicClient(address=NAT)).state is address
    assert asked(whole, AnyAzure()).state is azure


def test_public_access_that_is_not_known_decides_only_where_a_rule_would_admit() -> None:
    assert asked(public_server(EVERYBODY, public_access=PublicAccess.UNKNOWN)).state is State.UNKNOWN
    assert asked(public_server(public_access=PublicAccess.UNKNOWN)).state is State.BLOCKED


@pytest.mark.parametrize(
    ("service_endpoints", "state", "expected"),
    [
        (("Microsoft.Sql",), "Ready", State.STANDS),
        (("Microsoft.Sql",), "InProgress", State.UNKNOWN),
        ((), "Ready", State.BLOCKED),
        (None, "Ready", State.UNKNOWN),
    ],
)
def test_a_single_servers_network_rule_admits_the_subnet_that_has_the_service_endpoint(
    service_endpoints: tuple[str, ...] | None, state: str, expected: State
) -> None:
    admitted = VirtualNetworkRule(name="apps", subnet=CLIENT.id, state=state)
    single = single_server(virtual_network_rules=(admitted,), firewall_rules=(), private_endpoints=())
    client = replace(CLIENT, service_endpoints=service_endpoints)
    said = [fact.says for way in asked(single, client).ways for fact in way.facts]
    assert any("needs its service endpoint" in text for text in said) is (service_endpoints == ())
    assert asked(single, client).state is expected
    assert asked(single, FAR_CLIENT).state is State.BLOCKED


@pytest.mark.field(
    "ways",
    "With a service endpoint a client comes with its private address, which a firewall rule does not admit, "
    "and past a default route.",
    source="https://learn.microsoft.com/azure/virtual-network/virtual-network-service-endpoints-overview",
    date="2026-11-29",
)
def test_a_service_endpoint_leads_past_firewall_rules_and_past_a_default_route() -> None:
    ready = VirtualNetworkRule(name="apps", subnet=CLIENT.id, state="Ready")
    ruled = single_server(virtual_network_rules=(ready,), firewall_rules=(), private_endpoints=())
    walled = replace(ruled, virtual_network_rules=(), firewall_rules=(nat_rule(),))

    def state(server: ServerSnapshot, *services: str) -> State:
        lost = routed(replace(CLIENT, service_endpoints=services), ("0.0.0.0/0", "None"))
        return asked(server, SubnetClient(subnet=lost, nat=(NAT,))).state

    assert state(ruled, "Microsoft.Sql") is State.UNKNOWN
    assert state(ruled) is State.BLOCKED
    assert state(walled, "Microsoft.Sql") is State.BLOCKED
    straight = SubnetClient(subnet=CLIENT, nat=(NAT,))
    with_endpoint = replace(straight, subnet=replace(CLIENT, service_endpoints=("Microsoft.Sql",)))
    assert asked(walled, straight).state is State.STANDS
    assert asked(walled, with_endpoint).state is State.UNKNOWN
    assert asked(replace(walled, kind=TargetKind.FLEXIBLE_SERVER), with_endpoint).state is State.STANDS


def test_a_network_by_an_id_of_something_else_is_not_known() -> None:
    odd = NetworkClient(network=ResourceId("/subscriptions/11111111-2222-3333-4444-555555555555"))
    assert asked(in_a_subnet(), odd).state is not State.STANDS


# --- other clients ---------------------------------------------------------------------------------


def test_a_network_that_is_linked_reaches_the_server_whatever_its_own_subnets_do() -> None:
    assert asked(behind_an_endpoint(), NetworkClient(network=HUB)).state is State.STANDS
    assert asked(in_a_subnet(), NetworkClient(network=HUB)).state is State.STANDS
    unlinked = behind_an_endpoint(private_dns=dns(zone(links=())))
    assert asked(unlinked, NetworkClient(network=HUB)).state is State.BLOCKED


def test_from_on_premises_nothing_leads_to_a_network_without_a_gateway() -> None:
    office = OnPremises(prefixes=(ip_network("192.168.0.0/24"),))
    central = Declared(zone=ZONE, networks=(HUB,))
    assert asked(behind_an_endpoint(), office).state is State.BLOCKED
    blocked_by(asked(behind_an_endpoint(), office, central), Stage.ROUTES)
    connected = in_network(PLACE, replace(HUB_NETWORK, learns_routes=True))
    assert asked(behind_an_endpoint(places=(connected,)), office, central).state is State.UNKNOWN


@pytest.mark.field(
    "ways",
    "A peer's gateway or appliance may lead from on premises to a network that learns no routes itself.",
    source="https://blog.cloudtrooper.net/2025/01/22/private-link-reality-bites-your-routes-could-be-lying",
    date="2026-11-29",
)
def test_from_on_premises_a_peer_may_lead_to_a_network_without_a_gateway() -> None:
    office = OnPremises(prefixes=(ip_network("192.168.0.0/24"),))
    central = Declared(zone=ZONE, networks=(HUB,))
    spoke = replace(PLACE, endpoint_network_policies="Enabled", virtual_network=HUB_PEERED)
    denies = guarded(spoke, deny(IN, sources=("192.168.0.0/16",)))
    for place in (spoke, denies):
        assert asked(behind_an_endpoint(places=(place,)), office, central).state is State.UNKNOWN
    shut = guarded(spoke, deny(IN, sources=("*",)))
    blocked_by(asked(behind_an_endpoint(places=(shut,)), office, central), Stage.NSG)
    odd = in_network(PLACE, replace(HUB_NETWORK, odd_peerings=True))
    assert asked(behind_an_endpoint(places=(odd,)), office, central).state is State.UNKNOWN


def test_a_server_in_a_subnet_has_no_public_path() -> None:
    blocked_by(asked(in_a_subnet(), PublicClient(address=NAT)), Stage.DNS)
    blocked_by(asked(in_a_subnet(), AnyAzure()), Stage.DNS)


def test_a_client_whose_network_was_not_read_is_not_judged_by_a_guess() -> None:
    found = asked(behind_an_endpoint(), in_network(CLIENT, None))
    assert found.state is State.UNKNOWN
    known = behind_an_endpoint(private_dns=dns(endpoints=(endpoint_dns(network=NetworkDns(id=HUB)),)))
    assert asked(known, in_network(FAR_CLIENT, network(FAR, "10.9.0.0/16"))).state is State.BLOCKED
