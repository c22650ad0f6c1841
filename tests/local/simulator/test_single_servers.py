"""Single servers through azure-mgmt-rdbms 10.1.1, which speaks api-version 2017-12-01."""

from __future__ import annotations

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.rdbms.postgresql.models import FirewallRule, ServerUpdateParameters

from local.simulator import seeds
from local.simulator.client import SimulatorClient
from local.simulator.values import JsonObject, dig
from tests.local.simulator.conftest import Sdk

SERVER = seeds.single_server_id(name="pg-legacy")
GROUP = seeds.GROUP


def test_closing_public_access_is_one_patch_with_this_body_and_api_version(
    client: SimulatorClient, sdk: Sdk
) -> None:
    client.seed([seeds.single_server(name="pg-legacy")])
    change = ServerUpdateParameters(public_network_access="Disabled")
    closed = sdk.single.servers.begin_update(GROUP, "pg-legacy", change).result()
    assert closed.public_network_access == "Disabled"
    [write] = client.calls(kind="write")
    assert write["method"] == "PATCH"
    assert write["apiVersion"] == "2017-12-01"
    assert write["requestBody"] == {"properties": {"publicNetworkAccess": "Disabled"}}


def test_a_single_server_keeps_its_location_as_sent_and_has_no_system_data(
    client: SimulatorClient, sdk: Sdk
) -> None:
    client.seed([seeds.single_server(name="pg-legacy")])
    server = sdk.single.servers.get(GROUP, "pg-legacy")
    assert server.location == "canadacentral"
    assert server.user_visible_state == "Ready"
    assert "systemData" not in client.get(SERVER)


def test_firewall_rules_are_written_and_deleted(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([seeds.single_server(name="pg-legacy")])
    rules = sdk.single.firewall_rules
    rule = FirewallRule(start_ip_address="0.0.0.0", end_ip_address="0.0.0.0")
    rules.begin_create_or_update(GROUP, "pg-legacy", "AllowAllWindowsAzureIps", rule).result()
    [kept] = rules.list_by_server(GROUP, "pg-legacy")
    assert (kept.name, kept.start_ip_address) == ("AllowAllWindowsAzureIps", "0.0.0.0")
    assert (
        dig(client.get(f"{SERVER}/firewallRules/{kept.name}"), "properties", "sourceAddressPrefixes") is None
    )
    rules.begin_delete(GROUP, "pg-legacy", "AllowAllWindowsAzureIps").result()
    assert list(rules.list_by_server(GROUP, "pg-legacy")) == []


def test_firewall_writes_are_refused_once_public_access_is_closed(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed(
        [
            seeds.single_server(name="pg-legacy", public_access="Disabled"),
            seeds.firewall_rule(server=SERVER, name="all", start="0.0.0.0"),
        ]
    )
    with pytest.raises(HttpResponseError) as refused:
        sdk.single.firewall_rules.begin_delete(GROUP, "pg-legacy", "all")
    assert refused.value.status_code == 400


def test_virtual_network_rules_and_parameters_can_be_read(client: SimulatorClient, sdk: Sdk) -> None:
    rule: JsonObject = {
        "id": f"{SERVER}/virtualNetworkRules/app",
        "properties": {"virtualNetworkSubnetId": seeds.subnet_id()},
    }
    client.seed([seeds.single_server(name="pg-legacy"), rule])
    [kept] = sdk.single.virtual_network_rules.list_by_server(GROUP, "pg-legacy")
    assert kept.virtual_network_subnet_id == seeds.subnet_id()
    parameters = {one.name for one in sdk.single.configurations.list_by_server(GROUP, "pg-legacy")}
    assert "log_connections" in parameters


@pytest.mark.field(
    "simulator",
    "A single server says that a customer's key is enforced as soon as one is among its keys.",
    source="https://learn.microsoft.com/rest/api/postgresql/singleserver/server-keys/create-or-update",
    date="2026-11-29",
)
def test_a_key_of_a_customer_is_enforced_while_it_is_there(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([seeds.single_server(name="pg-legacy")])
    key = seeds.server_key(server=SERVER)
    client.put(str(key["id"]), key)
    assert sdk.single.servers.get(GROUP, "pg-legacy").byok_enforcement == "Enabled"
    client.delete(str(key["id"]))
    assert sdk.single.servers.get(GROUP, "pg-legacy").byok_enforcement == "Disabled"
