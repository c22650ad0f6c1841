"""A diagnosis of servers in the simulator, read by the real clients: what is proved, and what mends it.

Each story begins where everything is well and breaks one thing in the way from a client to the server.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from driftward.diagnosis.asking import asked
from driftward.diagnosis.azure import case_of
from driftward.diagnosis.who import client_named, server_named
from driftward.diagnosis.words import Diagnosis, Result, Told, in_the_way, who_said
from local.simulator import seeds
from local.simulator.values import JsonObject, JsonValue
from shared.config.configuration import Configuration
from shared.config.file_reading import parse_policies_file
from shared.config.settings import read_settings
from shared.model.resource_id import ResourceId
from shared.policies import discover
from shared.posture.ways.answers import Fact, Stage, State
from tests.catalogue.scenario import delete, patch, put
from tests.catalogue.stage import Play
from tests.catalogue.stage import Stage as Theatre

SERVER = seeds.flexible_server_id(name="behind")
NETWORK = seeds.vnet_id(name="vnet-behind")
PLACE = seeds.subnet_id(vnet="vnet-behind", name="endpoints")
CLIENT = seeds.subnet_id(vnet="vnet-behind", name="app")
ZONE = seeds.zone_id(name="privatelink.postgres.database.azure.com")
SETTINGS = read_settings({})
NAT = "203.0.113.7"


def behind_an_endpoint(stage: Theatre, *more: JsonObject, **parts: JsonObject) -> Play:
    """A server that is reached through a private endpoint, from a subnet of the same network."""
    app = seeds.subnet(name="app", delegated=False, prefix="10.20.7.0/24", properties=parts.get("app", {}))
    place = seeds.subnet(name="endpoints", delegated=False, properties=parts.get("endpoints", {}))
    bodies = (
        *more,
        seeds.flexible_server(name="behind", public_access="Disabled"),
        seeds.vnet(name="vnet-behind", subnets=[place, app]),
        seeds.private_dns_zone(name="privatelink.postgres.database.azure.com"),
        seeds.zone_link(zone=ZONE, name="behind", vnet=NETWORK),
        seeds.private_endpoint(name="behind-endpoint", server=SERVER, subnet=PLACE),
        seeds.zone_group(endpoint=seeds.endpoint_id(name="behind-endpoint"), zones=[ZONE]),
    )
    return stage.play_on(bodies, "version: 1", ResourceId(SERVER))


def told_of(
    play: Play, who: str | None = None, *, nat: Sequence[str] = (), policies: str = "version: 1"
) -> tuple[Told, ...]:
    """What is told of each client."""
    return diagnosis(play, who, nat=nat, policies=policies).clients


def diagnosis(
    play: Play, who: str | None = None, *, nat: Sequence[str] = (), policies: str = "version: 1"
) -> Diagnosis:
    configuration = Configuration(parse_policies_file(policies, discover(), name="policies.yaml"))
    target = server_named(str(play.resource))
    case = case_of(target, client_named(who, nat), play.deps().gateway, configuration)
    return asked(case, SETTINGS)


def told(play: Play, who: str, *, nat: Sequence[str] = (), policies: str = "version: 1") -> Told:
    (one,) = told_of(play, who, nat=nat, policies=policies)
    return one


def fault(one: Told) -> Fact:
    """The one fact that is proved to be in the way."""
    assert one.verdict.state is State.BLOCKED, one
    (fact,) = in_the_way(one.verdict)
    return fact


def states(told: Sequence[Told]) -> dict[str, State]:
    return {who_said(one.verdict.client): one.verdict.state for one in told}


def test_where_everything_is_well_it_connects_and_nothing_is_unknown(stage: Theatre) -> None:
    one = told(behind_an_endpoint(stage), CLIENT)
    assert {fact.state for way in one.verdict.ways for fact in way.facts} == {State.STANDS}, one
    assert one.mends == ()


def test_a_server_without_an_approved_endpoint_has_nobody_come_in(stage: Theatre) -> None:
    play = behind_an_endpoint(stage)
    play.drift([delete(seeds.endpoint_id(name="behind-endpoint"))])
    assert told(play, CLIENT).verdict.state is State.BLOCKED
    assert told(play, CLIENT).mends


def test_an_nsg_of_the_clients_subnet_that_denies_the_port_is_found_with_the_rule_that_helps(
    stage: Theatre,
) -> None:
    group = seeds.nsg(name="nsg-app")
    play = behind_an_endpoint(
        stage, group, app={"networkSecurityGroup": {"id": seeds.nsg_id(name="nsg-app")}}
    )
    deny = seeds.security_rule(name="no-way-out", priority=200, direction="Outbound")
    play.drift(
        [put(f"{seeds.nsg_id(name='nsg-app')}/securityRules/no-way-out", {"properties": deny["properties"]})]
    )
    one = told(play, CLIENT)
    assert fault(one).stage is Stage.NSG
    assert "no-way-out" in fault(one).says
    assert one.mends[0].startswith("az network nsg rule create")


def test_a_route_of_the_client_that_drops_the_packets_is_found(stage: Theatre) -> None:
    table = seeds.route_table(
        name="rt-app", routes=[seeds.route(name="nowhere", prefix="10.20.1.0/24", next_hop="None")]
    )
    play = behind_an_endpoint(
        stage,
        table,
        app={"routeTable": {"id": seeds.route_table_id(name="rt-app")}},
        endpoints={"privateEndpointNetworkPolicies": "Enabled"},
    )
    one = told(play, CLIENT)
    assert fault(one).stage is Stage.ROUTES
    assert "nowhere" in fault(one).says
    assert one.mends[0].startswith(
        "route 'nowhere' loses packets to all of 10.20.1.0/24: delete it only where"
    )
    assert one.mends[1].startswith("az network route-table route delete")


def test_a_zone_that_is_not_linked_is_found_with_the_command_that_links_it(stage: Theatre) -> None:
    play = behind_an_endpoint(stage)
    play.drift([delete(f"{ZONE}/virtualNetworkLinks/behind")])
    one = told(play, CLIENT)
    assert one.verdict.state is State.BLOCKED
    assert any("link vnet create" in command for command in one.mends), one


# --- two networks ----------------------------------------------------------------------------------


def two_networks(stage: Theatre, *, peered: bool = False, **parts: JsonObject) -> Play:
    """Endpoint and zone in one network, a client in another; public access is on for a NAT address."""
    far, near = seeds.vnet_id(name="vnet-far"), NETWORK
    app = seeds.subnet(name="far", delegated=False, prefix="10.9.0.0/24", properties=parts.get("far", {}))
    place = seeds.subnet(name="endpoints", delegated=False)
    there: list[JsonValue] = [seeds.peering(name="near", remote=near)] if peered else []
    back: list[JsonValue] = [seeds.peering(name="far", remote=far)] if peered else []
    bodies: tuple[JsonObject, ...] = (
        seeds.flexible_server(name="behind"),
        seeds.firewall_rule(server=SERVER, name="nat", start=NAT),
        seeds.vnet(
            name="vnet-far",
            subnets=[app],
            prefixes=["10.9.0.0/16"],
            properties={"virtualNetworkPeerings": there},
        ),
        seeds.vnet(name="vnet-behind", subnets=[place], properties={"virtualNetworkPeerings": back}),
        seeds.private_dns_zone(name="privatelink.postgres.database.azure.com"),
        seeds.zone_link(zone=ZONE, name="behind", vnet=NETWORK),
        seeds.private_endpoint(name="behind-endpoint", server=SERVER, subnet=PLACE),
        seeds.zone_group(endpoint=seeds.endpoint_id(name="behind-endpoint"), zones=[ZONE]),
    )
    return stage.play_on(bodies, "version: 1", ResourceId(SERVER))


FAR = seeds.subnet_id(vnet="vnet-far", name="far")


def test_a_client_in_a_network_of_its_own_takes_the_public_path(stage: Theatre) -> None:
    play = two_networks(stage)
    assert told(play, FAR, nat=[NAT]).verdict.state is State.STANDS
    assert told(play, FAR).verdict.state is State.UNKNOWN
    other = told(play, FAR, nat=["203.0.113.9"])
    assert fault(other).stage is Stage.FIREWALL
    assert [text.split(" --")[0] for text in other.mends] == [
        "az postgres flexible-server firewall-rule create"
    ]


def test_a_peered_client_is_mended_by_a_link(stage: Theatre) -> None:
    play = two_networks(stage, peered=True)
    one = told(play, FAR, nat=["203.0.113.9"])
    warned, command = one.mends
    assert warned.startswith("a link takes all of network vnet-far off the public path")
    assert "link vnet create" in command
    assert "vnet-far" in command


def test_a_range_is_the_subnets_that_hold_it_else_on_premises(stage: Theatre) -> None:
    play = two_networks(stage, peered=True)
    assert states(told_of(play, "10.9.0.4", nat=[NAT])) == {
        "Subnet far of network vnet-far (10.9.0.4/32), which leaves by 203.0.113.7": State.STANDS
    }
    (outside,) = told_of(play, "192.168.0.0/16")
    assert who_said(outside.verdict.client) == "On-premises 192.168.0.0/16"


def test_nothing_is_written_into_a_zone_of_others_that_is_linked_elsewhere(stage: Theatre) -> None:
    theirs = seeds.zone_id(name="privatelink.postgres.database.azure.com", group="others")
    far = seeds.subnet(name="far", delegated=False, prefix="10.9.0.0/24")
    bodies: tuple[JsonObject, ...] = (
        seeds.flexible_server(name="behind", public_access="Disabled"),
        seeds.vnet(name="vnet-far", subnets=[far], prefixes=["10.9.0.0/16"]),
        seeds.vnet(
            name="vnet-behind",
            subnets=[
                seeds.subnet(name="endpoints", delegated=False),
                seeds.subnet(name="app", delegated=False, prefix="10.20.7.0/24"),
            ],
        ),
        seeds.private_dns_zone(name="privatelink.postgres.database.azure.com", group="others"),
        seeds.zone_link(zone=theirs, name="far", vnet=seeds.vnet_id(name="vnet-far")),
        seeds.private_endpoint(name="behind-endpoint", server=SERVER, subnet=PLACE),
    )
    play = stage.play_on(bodies, "version: 1", ResourceId(SERVER))
    one = told(play, CLIENT)
    assert one.verdict.state is State.BLOCKED
    assert [text.split(" --")[0] for text in one.mends] == [
        "az network private-dns zone create",
        "az network private-endpoint dns-zone-group create",
        "az network private-dns link vnet create",
    ]
    assert not any("others" in text for text in one.mends), one.mends
    named = (
        f"version: 1\npolicies: {{postgres-endpoint-dns-zone-not-linked: {{parameters: {{zone: {theirs}}}}}}}"
    )
    assert any("others" in text for text in told(play, CLIENT, policies=named).mends)


PEER = "peer the two networks, or make a private endpoint of the server in vnet-far"


@pytest.mark.field(
    "ways",
    "Where a network is linked to the zone and no route leads to the endpoint, no firewall rule is advised: "
    "the name does not lead to the public path there.",
    source="https://learn.microsoft.com/azure/dns/private-dns-fallback",
    date="2026-11-29",
)
@pytest.mark.parametrize("is_recorded", [True, False])
def test_a_linked_network_without_a_route_is_not_sent_to_the_firewall(
    stage: Theatre, *, is_recorded: bool
) -> None:
    play = two_networks(stage)
    link = seeds.zone_link(zone=ZONE, name="far", vnet=seeds.vnet_id(name="vnet-far"))
    group = seeds.endpoint_id(name="behind-endpoint") + "/privateDnsZoneGroups/default"
    play.drift([put(str(link["id"]), link), *(() if is_recorded else (delete(group),))])
    one = told(play, FAR, nat=[NAT])
    assert one.verdict.state is State.BLOCKED
    assert [text.split(":")[0] for text in one.mends] == [
        PEER,
        "where all of network vnet-far is to take the public path",
    ]
    assert told(two_networks(stage), FAR, nat=["203.0.113.9"]).mends[0].startswith("az postgres")


def test_a_client_in_the_subnet_of_the_endpoint_is_read_as_a_client(stage: Theatre) -> None:
    group = seeds.nsg(
        name="nsg-place", rules=[seeds.security_rule(name="no", priority=300, direction="Outbound")]
    )
    place: JsonObject = {"networkSecurityGroup": {"id": seeds.nsg_id(name="nsg-place")}}
    play = behind_an_endpoint(stage, group, endpoints=place)
    assert "'no'" in fault(told(play, "10.20.1.9")).says
    assert told(behind_an_endpoint(stage), "10.20.1.9").verdict.state is State.STANDS


def test_the_subnets_that_a_single_server_admits_are_asked_about_without_a_client(stage: Theatre) -> None:
    server = seeds.single_server_id(name="old")
    apps = seeds.subnet(
        name="apps",
        prefix="10.20.2.0/24",
        delegated=False,
        properties=seeds.service_endpoints("Microsoft.Sql"),
    )
    bodies = (
        seeds.single_server(name="old"),
        seeds.vnet(subnets=[apps]),
        seeds.virtual_network_rule(server=server, name="apps", subnet=seeds.subnet_id(name="apps")),
    )
    play = stage.play_on(bodies, "version: 1", ResourceId(server))
    assert states(told_of(play)) == {"Subnet apps of network vnet-orders (10.20.2.0/24)": State.STANDS}


# --- where nobody is named -------------------------------------------------------------------------


def test_without_a_client_the_linked_networks_are_asked_about(stage: Theatre) -> None:
    assert states(told_of(behind_an_endpoint(stage))) == {
        "Network vnet-behind, a subnet without rules of its own": State.STANDS
    }


@pytest.mark.field(
    "ways",
    "An NSG in force at a private endpoint that denies everybody is a fault without a client too.",
    source="https://learn.microsoft.com/azure/private-link/disable-private-endpoint-network-policy",
    date="2026-11-29",
)
def test_an_endpoint_that_its_nsg_shuts_is_a_fault_without_a_client_too(stage: Theatre) -> None:
    shut = seeds.nsg(name="nsg-shut", rules=[seeds.security_rule(name="nobody", priority=300)])
    place: JsonObject = {
        "networkSecurityGroup": {"id": seeds.nsg_id(name="nsg-shut")},
        "privateEndpointNetworkPolicies": "Enabled",
    }
    (one,) = told_of(behind_an_endpoint(stage, shut, endpoints=place))
    assert fault(one).stage is Stage.NSG
    assert one.mends[0].startswith("az network nsg rule create")


def test_declared_clients_are_asked_about_each_by_itself(stage: Theatre) -> None:
    declared = (
        "version: 1\npolicies: {nsg-blocks-postgres-clients: {parameters:"
        " {clients: [10.20.7.0/25, 192.168.0.0/16, 198.51.100.0/24]}}}"
    )
    assert states(told_of(behind_an_endpoint(stage), policies=declared)) == {
        "Subnet app of network vnet-behind (10.20.7.0/25)": State.STANDS,
        "On-premises 192.168.0.0/16": State.BLOCKED,
        "Public address 198.51.100.0": State.BLOCKED,
    }


def test_a_public_address_is_admitted_by_a_rule_or_told_which_rule_would(stage: Theatre) -> None:
    server = seeds.flexible_server_id(name="open")
    bodies = (
        seeds.flexible_server(name="open"),
        seeds.firewall_rule(server=server, name="office", start="198.51.100.0", end="198.51.100.255"),
    )
    play = stage.play_on(bodies, "version: 1", ResourceId(server))
    assert told(play, "198.51.100.9").verdict.state is State.STANDS
    other = told(play, "203.0.113.9")
    assert fault(other).stage is Stage.FIREWALL
    assert "--start-ip-address 203.0.113.9" in other.mends[0]
    assert states(told_of(play)) == {"Public address 198.51.100.0": State.STANDS}


def test_a_public_server_without_rules_lets_nobody_in(stage: Theatre) -> None:
    play = stage.play_on(
        (seeds.flexible_server(name="shut"),), "version: 1", ResourceId(seeds.flexible_server_id(name="shut"))
    )
    assert "no firewall rule" in fault(told(play, "203.0.113.9")).says
    assert states(told_of(play)) == {"Any Azure address": State.BLOCKED}


def test_public_access_that_is_off_is_the_fault_of_the_public_path(stage: Theatre) -> None:
    play = behind_an_endpoint(stage)
    play.drift([patch(SERVER, {"tags": {"seen": "yes"}})])
    one = told(play, "203.0.113.9")
    assert fault(one).stage is Stage.FIREWALL
    assert "disabled" in fault(one).says
    assert not any("--public-access" in text for text in one.mends), "an endpoint is there"


def test_what_may_not_be_read_is_unknown_and_never_called_well(stage: Theatre) -> None:
    play = behind_an_endpoint(stage)
    everything = {action for policy in discover() for action in policy.permissions}
    play.allow(*(everything - {"Microsoft.Network/privateDnsZones/virtualNetworkLinks/read"}))
    one = told(play, CLIENT)
    assert one.verdict.state is State.UNKNOWN
    assert one.verdict.settles


# --- hub and spoke ---------------------------------------------------------------------------------


def hub_and_spoke(stage: Theatre, *, linked: bool = True) -> Play:
    """A central zone linked to the hub, spokes that are peered, and a resolver in the hub that all ask."""
    central = seeds.zone_id(name="privatelink.postgres.database.azure.com", group="rg-dns")
    hub, spoke = seeds.vnet_id(name="hub"), seeds.vnet_id(name="spoke")
    asks = seeds.dns_servers("10.0.0.4")
    to_spoke: list[JsonValue] = [seeds.peering(name="spoke", remote=spoke)]
    to_hub: list[JsonValue] = [seeds.peering(name="hub", remote=hub)]
    web = seeds.subnet(name="web", prefix="10.1.1.0/24", delegated=False)
    place = seeds.subnet(name="endpoints", prefix="10.0.1.0/24", delegated=False)
    bodies: tuple[JsonObject, ...] = (
        seeds.flexible_server(name="behind", public_access="Disabled"),
        seeds.vnet(
            name="hub",
            prefixes=["10.0.0.0/16"],
            subnets=[place],
            properties={**asks, "virtualNetworkPeerings": to_spoke},
        ),
        seeds.vnet(
            name="spoke",
            prefixes=["10.1.0.0/16"],
            subnets=[web],
            properties={**asks, "virtualNetworkPeerings": to_hub},
        ),
        seeds.private_dns_zone(name="privatelink.postgres.database.azure.com", group="rg-dns"),
        *([seeds.zone_link(zone=central, name="hub", vnet=hub)] if linked else []),
        seeds.private_endpoint(
            name="behind-endpoint", server=SERVER, subnet=seeds.subnet_id(vnet="hub", name="endpoints")
        ),
        seeds.zone_group(endpoint=seeds.endpoint_id(name="behind-endpoint"), zones=[central]),
    )
    return stage.play_on(bodies, "version: 1", ResourceId(SERVER))


CENTRAL = (
    "version: 1\npolicies: {postgres-endpoint-dns-zone-not-linked: {parameters: {zone: "
    f"{seeds.zone_id(name='privatelink.postgres.database.azure.com', group='rg-dns')},"
    f" linkedNetworks: [{seeds.vnet_id(name='hub')}]}}}}}}"
)
WEB = seeds.subnet_id(vnet="spoke", name="web")


@pytest.mark.field(
    "ways",
    "A spoke that asks the hub's resolver is judged by the declared central zone, else not known.",
    source="https://learn.microsoft.com/azure/postgresql/network/concepts-networking-private-link",
    date="2026-11-29",
)
def test_a_spoke_is_judged_by_the_declared_central_zone(stage: Theatre) -> None:
    play = hub_and_spoke(stage)
    assert told(play, WEB, policies=CENTRAL).verdict.state is State.STANDS
    assert told(play, WEB).verdict.state is State.UNKNOWN


def test_a_central_zone_that_lost_its_link_is_mended_by_that_link_and_no_other(stage: Theatre) -> None:
    one = told(hub_and_spoke(stage, linked=False), WEB, policies=CENTRAL)
    assert one.verdict.state is State.BLOCKED
    (command,) = one.mends
    assert "link vnet create" in command
    assert "virtualNetworks/hub " in command
    assert command.endswith("rg-dns")


# --- what the server itself needs ------------------------------------------------------------------


@pytest.mark.field(
    "ways",
    "Without a client `diagnose` finds what the server itself needs and is denied: exit 1, not no fault.",
    source="https://learn.microsoft.com/azure/postgresql/network/concepts-networking-private",
    date="2026-11-29",
)
def test_storage_that_an_nsg_denies_is_a_fault_without_a_client(stage: Theatre) -> None:
    deny = seeds.security_rule(name="no-internet", priority=300, direction="Outbound")
    found = diagnosis(in_a_subnet(stage, seeds.nsg(rules=[deny])))
    storage = next(one for one in found.needs if "Storage" in one.name)
    assert (storage.result, found.result) == (Result.FAULT, Result.FAULT)
    assert storage.mends[0].startswith("az network nsg rule create ")


def in_a_subnet(stage: Theatre, group: JsonObject, *more: JsonObject, table: str = "") -> Play:
    """A server in a subnet of its own, with this NSG."""
    zone = seeds.zone_id(name="shop.private.postgres.database.azure.com")
    network: JsonObject = {
        "publicNetworkAccess": "Disabled",
        "delegatedSubnetResourceId": seeds.subnet_id(),
        "privateDnsZoneArmResourceId": zone,
    }
    bodies: tuple[JsonObject, ...] = (
        group,
        *more,
        seeds.vnet(subnets=[seeds.subnet(nsg=seeds.nsg_id(), route_table=table)]),
        seeds.private_dns_zone(name="shop.private.postgres.database.azure.com"),
        seeds.zone_link(zone=zone, vnet=seeds.vnet_id()),
        seeds.flexible_server(name="behind", properties={"network": network}),
    )
    return stage.play_on(bodies, "version: 1", ResourceId(SERVER))


def options(texts: Sequence[str], name: str) -> list[str]:
    return [text.split(f"--{name} ")[1].split()[0] for text in texts if text.startswith("az ")]


def of_needs(found: Diagnosis) -> list[str]:
    return [text for one in found.needs for text in one.mends]


@pytest.mark.field(
    "ways",
    "What mends several things at once can be pasted whole: no two rules of an NSG get one priority, and no "
    "two routes one name.",
    source="https://learn.microsoft.com/azure/virtual-network/network-security-groups-overview",
    date="2026-11-29",
)
def test_the_commands_of_one_answer_do_not_undo_each_other(stage: Theatre) -> None:
    deny = [
        seeds.security_rule(name=f"no-{way}", priority=300, direction=way) for way in ("Inbound", "Outbound")
    ]
    found = diagnosis(in_a_subnet(stage, seeds.nsg(rules=list(deny))))
    fixes = [*found.clients[0].mends, *of_needs(found)]
    told_once = list(zip(options(fixes, "direction"), options(fixes, "priority"), strict=True))
    assert len(told_once) == len(set(told_once)) == 3
    lost = seeds.route_table(
        name="rt", routes=[seeds.route(name="lost", prefix="0.0.0.0/0", next_hop="None")]
    )
    routed = in_a_subnet(stage, seeds.nsg(), lost, table=seeds.route_table_id(name="rt"))
    routed.drift([patch(SERVER, {"properties": {"authConfig": {"activeDirectoryAuth": "Enabled"}}})])
    routes = of_needs(diagnosis(routed))
    assert options([text for text in routes if "route-table" in text], "name") == [
        "driftward-storage",
        "driftward-azureactivedirectory",
    ]


def test_what_an_earlier_command_mends_is_not_told_again(stage: Theatre) -> None:
    shut = seeds.nsg(rules=[seeds.security_rule(name="shut", priority=300)])
    found = diagnosis(in_a_subnet(stage, shut))
    assert found.clients[0].mends[0].startswith("az network nsg rule create")
    assert of_needs(found) == ["what is told above mends it too"]
