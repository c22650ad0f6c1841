"""A diagnosis of servers in the simulator, read by the real clients: which fault is proved, and its fix.

Each story begins where everything is well and breaks one thing in the way from a client to the server.
"""

from __future__ import annotations

from ipaddress import IPv4Address

from driftward.diagnosis.azure import case_of
from driftward.diagnosis.case import Result, Stage, Step
from driftward.diagnosis.walk import walk
from local.simulator import seeds
from local.simulator.values import JsonObject
from shared.config.configuration import Configuration
from shared.config.file_reading import parse_policies_file
from shared.model import Target, TargetKind
from shared.model.resource_id import ResourceId
from shared.policies import discover
from tests.catalogue.scenario import delete, patch, put
from tests.catalogue.stage import Play
from tests.catalogue.stage import Stage as Theatre

SERVER = seeds.flexible_server_id(name="behind")
NETWORK = seeds.vnet_id(name="vnet-behind")
PLACE = seeds.subnet_id(vnet="vnet-behind", name="endpoints")
CLIENT = seeds.subnet_id(vnet="vnet-behind", name="app")
ZONE = seeds.zone_id(name="privatelink.postgres.database.azure.com")
CONFIGURATION = Configuration(parse_policies_file("version: 1", discover(), name="policies.yaml"))


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


def steps_of(play: Play, client: ResourceId | IPv4Address | None = None) -> tuple[Step, ...]:
    target = Target(kind=TargetKind.FLEXIBLE_SERVER, id=play.resource)
    return walk(case_of(target, client, play.deps().gateway, CONFIGURATION))


def fault_of(steps: tuple[Step, ...]) -> Step:
    """The last step, which is the only fault."""
    assert [step.result for step in steps].count(Result.FAULT) == 1, steps
    assert steps[-1].result is Result.FAULT, steps
    return steps[-1]


APP = ResourceId(CLIENT)


def test_where_everything_is_well_no_fault_is_found_and_nothing_is_unknown(stage: Theatre) -> None:
    steps = steps_of(behind_an_endpoint(stage), APP)
    assert {step.result for step in steps} <= {Result.WELL, Result.NOT_CONCERNED}, steps
    assert list(dict.fromkeys(step.stage for step in steps)) == list(Stage)


def test_a_server_without_an_approved_endpoint_is_the_first_fault(stage: Theatre) -> None:
    play = behind_an_endpoint(stage)
    play.drift([delete(seeds.endpoint_id(name="behind-endpoint"))])
    fault = fault_of(steps_of(play, APP))
    assert fault.stage is Stage.ADDRESS
    assert fault.fix


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
    fault = fault_of(steps_of(play, APP))
    assert fault.stage is Stage.NSG
    assert "no-way-out" in fault.says
    assert fault.fix[0].startswith("az network nsg rule create")


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
    fault = fault_of(steps_of(play, APP))
    assert fault.stage is Stage.ROUTES
    assert "nowhere" in fault.says
    assert "az network route-table route delete" in fault.fix[0]


def test_a_zone_that_is_not_linked_is_found_with_the_command_that_links_it(stage: Theatre) -> None:
    play = behind_an_endpoint(stage)
    play.drift([delete(f"{ZONE}/virtualNetworkLinks/behind")])
    fault = fault_of(steps_of(play, APP))
    assert fault.stage is Stage.DNS
    assert any("link vnet create" in command for command in fault.fix), fault


def test_a_client_in_a_network_of_its_own_needs_a_link_of_its_own(stage: Theatre) -> None:
    far = seeds.subnet(name="far", delegated=False, prefix="10.9.0.0/24")
    elsewhere = seeds.vnet(name="vnet-far", subnets=[far], prefixes=["10.9.0.0/16"])
    play = behind_an_endpoint(stage, elsewhere)
    steps = steps_of(play, ResourceId(seeds.subnet_id(vnet="vnet-far", name="far")))
    fault = fault_of(steps)
    assert fault.stage is Stage.DNS
    assert "vnet-far" in fault.says


def test_a_public_address_is_admitted_by_a_rule_or_told_which_rule_would(stage: Theatre) -> None:
    name = "open"
    server = seeds.flexible_server_id(name=name)
    bodies = (
        seeds.flexible_server(name=name),
        seeds.firewall_rule(server=server, name="office", start="198.51.100.0", end="198.51.100.255"),
    )
    play = stage.play_on(bodies, "version: 1", ResourceId(server))
    admitted = steps_of(play, IPv4Address("198.51.100.9"))
    assert [step.result for step in admitted if step.stage is Stage.FIREWALL] == [Result.WELL]
    fault = fault_of(steps_of(play, IPv4Address("203.0.113.9")))
    assert fault.stage is Stage.FIREWALL
    assert "--start-ip-address 203.0.113.9" in fault.fix[0]


def test_a_public_server_without_rules_lets_nobody_in(stage: Theatre) -> None:
    play = stage.play_on(
        (seeds.flexible_server(name="shut"),), "version: 1", ResourceId(seeds.flexible_server_id(name="shut"))
    )
    fault = fault_of(steps_of(play, IPv4Address("203.0.113.9")))
    assert "no firewall rule" in fault.says


def test_public_access_that_is_off_is_the_fault_of_the_public_path(stage: Theatre) -> None:
    play = behind_an_endpoint(stage)
    play.drift([patch(SERVER, {"tags": {"seen": "yes"}})])
    fault = fault_of(steps_of(play, IPv4Address("203.0.113.9")))
    assert fault.stage is Stage.FIREWALL
    assert "disabled" in fault.says


def test_what_may_not_be_read_is_unknown_and_never_called_well(stage: Theatre) -> None:
    play = behind_an_endpoint(stage)
    everything = {action for policy in discover() for action in policy.permissions}
    play.allow(*(everything - {"Microsoft.Network/privateDnsZones/virtualNetworkLinks/read"}))
    steps = steps_of(play, APP)
    assert Result.UNKNOWN in {step.result for step in steps if step.stage is Stage.DNS}
    assert Result.FAULT not in {step.result for step in steps}
