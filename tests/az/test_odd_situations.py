"""What is printed in situations that no scenario has, pasted: azure-cli runs it against the simulator."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from local.simulator import seeds
from local.simulator.values import JsonObject
from shared.model import ComplianceState
from tests.az.closed_loop import app_on, open_alerts
from tests.az.filled_in import fill_in
from tests.az.session import AzureCli
from tests.catalogue.stage import Stage

pytestmark = [pytest.mark.az, pytest.mark.long]

SUBNET = seeds.subnet_id(vnet="vnet-odd", name="db")
TABLE = seeds.route_table_id(name="rt-odd")
SERVER = seeds.flexible_server_id(name="odd")
GROUP = "-odd_(1)"


def routed(*routes: JsonObject) -> tuple[JsonObject, ...]:
    """A server in a subnet 10.20.1.0/24 with these routes."""
    return (
        seeds.route_table(name="rt-odd", routes=routes),
        seeds.vnet(name="vnet-odd", subnets=[seeds.subnet(name="db", route_table=TABLE)]),
        seeds.flexible_server(name="odd", delegated_subnet=SUBNET),
    )


def mended(
    stage: Stage, cli: AzureCli, seed: Sequence[JsonObject], about: tuple[str, str], settings: str = ""
) -> tuple[str, ...]:
    """The commands of one alert (policy and resource), after which it is over."""
    policy, resource = about
    play = app_on(stage, seed, resource, settings)
    play.sweep()
    alert = open_alerts(play)[resource.lower(), policy]
    for command in map(fill_in, alert.commands):
        said = cli.run(command)
        assert said.code == 0, (command, said.errors)
        stage.settle()
    found = play.findings()[policy]
    assert found.state is ComplianceState.COMPLIANT, found.reason
    return alert.commands


@pytest.mark.field(
    "commands",
    "A route of the subnet's own prefix is made anew: an update would keep the appliance's address, which "
    "Azure takes for no other type of hop. One of a part of the prefix goes before it, and is mended too.",
    source="https://learn.microsoft.com/azure/virtual-network/virtual-networks-udr-overview",
    date="2026-11-29",
)
@pytest.mark.parametrize("prefixes", [["10.20.1.0/24"], ["10.20.1.0/25"], ["10.20.0.0/16", "10.20.1.128/25"]])
def test_routes_of_the_same_and_of_a_narrower_prefix_are_mended(
    stage: Stage, cli: AzureCli, prefixes: list[str]
) -> None:
    routes = [seeds.route(name=f"to firewall-{at}", prefix=one) for at, one in enumerate(prefixes)]
    mended(stage, cli, routed(*routes), ("postgres-subnet-routed-through-appliance", SUBNET))


@pytest.mark.field(
    "commands",
    "Logs are sent to a kind of destination that counts here.",
    source="azure-cli 2.91.0, `az monitor diagnostic-settings create`",
    date="2026-11-29",
)
@pytest.mark.parametrize("kind", ["storage", "eventHub", "logAnalytics"])
def test_logs_are_sent_where_the_scope_wants_them(stage: Stage, cli: AzureCli, kind: str) -> None:
    policy = "postgres-diagnostic-settings-missing"
    settings = f"policies: {{{policy}: {{parameters: {{destinations: [{kind}]}}}}}}"
    mended(stage, cli, [seeds.flexible_server(name="odd")], (policy, SERVER), settings)


@pytest.mark.field(
    "commands",
    "The link of a second network of the same name gets a name of its own: a link that is there cannot lead "
    "to another network.",
    source="https://learn.microsoft.com/azure/dns/private-dns-virtual-network-links",
    date="2026-11-29",
)
def test_networks_of_one_name_are_linked_under_two(stage: Stage, cli: AzureCli) -> None:
    zone = seeds.zone_id(name="ready.private.postgres.database.azure.com")
    elsewhere = seeds.vnet_id(name="vnet-odd", group="rg-elsewhere")
    network: JsonObject = {
        "publicNetworkAccess": "Disabled",
        "delegatedSubnetResourceId": SUBNET,
        "privateDnsZoneArmResourceId": zone,
    }
    seed = [
        seeds.vnet(name="vnet-odd", subnets=[seeds.subnet(name="db")]),
        seeds.vnet(name="vnet-odd", group="rg-elsewhere", prefixes=["10.80.0.0/16"], subnets=[]),
        seeds.zone_link(zone=zone, vnet=elsewhere, name="vnet-odd"),
        seeds.flexible_server(name="odd", properties={"network": network}),
    ]
    (command,) = mended(stage, cli, seed, ("postgres-vnet-dns-zone-not-linked", SERVER))
    assert "--name vnet-odd-2" in command


@pytest.mark.field(
    "commands",
    "A resource group whose name begins with a hyphen is given with `=`, else azure-cli takes it for an "
    "option.",
    source="https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules",
    date="2026-11-29",
)
def test_a_group_whose_name_begins_with_a_hyphen_is_no_option(stage: Stage, cli: AzureCli) -> None:
    resource = seeds.flexible_server_id(name="odd", group=GROUP)
    seed = [seeds.flexible_server(name="odd", group=GROUP)]
    mended(stage, cli, seed, ("postgres-managed-identity-missing", resource))
