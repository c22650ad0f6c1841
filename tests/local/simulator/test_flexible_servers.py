"""Flexible servers through azure-mgmt-postgresqlflexibleservers 3.0.0: the wire, the states, the refusals."""

from __future__ import annotations

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.mgmt.postgresqlflexibleservers.models import (
    ConfigurationForUpdate,
    FirewallRule,
    FirewallRuleProperties,
    Network,
    Server,
    ServerForPatch,
    ServerProperties,
    ServerPropertiesForPatch,
)

from local.simulator import seeds
from local.simulator.client import ArmCallFailed, SimulatorClient
from local.simulator.server_children import PRIVATE_SERVER_CODE
from local.simulator.values import JsonObject, dig
from tests.local.simulator.conftest import Sdk

SERVER = seeds.flexible_server_id()
GROUP = seeds.GROUP
NAME = seeds.SERVER


def public_access(value: str) -> ServerForPatch:
    return ServerForPatch(properties=ServerPropertiesForPatch(network=Network(public_network_access=value)))


def firewall_rule(start: str, end: str) -> FirewallRule:
    return FirewallRule(properties=FirewallRuleProperties(start_ip_address=start, end_ip_address=end))


def access_of(server: Server) -> str | None:
    assert server.properties is not None
    assert server.properties.network is not None
    return server.properties.network.public_network_access


def test_closing_public_access_is_one_patch_with_this_body_and_api_version(
    client: SimulatorClient, sdk: Sdk
) -> None:
    client.seed([seeds.flexible_server()])
    closed = sdk.flexible.servers.begin_update(GROUP, NAME, public_access("Disabled")).result()
    assert access_of(closed) == "Disabled"
    [write] = client.calls(kind="write")
    assert write["method"] == "PATCH"
    assert write["apiVersion"] == "2026-10-01"
    assert write["requestBody"] == {"properties": {"network": {"publicNetworkAccess": "Disabled"}}}
    assert write["status"] == 202


def test_a_patch_answers_with_its_operation_and_two_urls_to_poll(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server()])
    body: JsonObject = {"properties": {"network": {"publicNetworkAccess": "Disabled"}}}
    status, headers, answer = client.arm("PATCH", SERVER, body)
    assert status == 202
    assert dig(answer, "operation") == "UpsertServerManagementOperationV2"
    assert "/locations/canadacentral/azureAsyncOperation/" in headers["azure-asyncoperation"]
    assert "/locations/canadacentral/operationResults/" in headers["location"]
    path = headers["azure-asyncoperation"].removeprefix(client.url)
    _, _, poll = client.arm("GET", path.split("?")[0])
    assert dig(poll, "status") == "InProgress"
    assert client.wait_idle()
    _, _, poll = client.arm("GET", path.split("?")[0])
    assert dig(poll, "status") == "Succeeded"
    _, _, result = client.arm("GET", headers["location"].removeprefix(client.url).split("?")[0])
    assert dig(result, "properties", "network", "publicNetworkAccess") == "Disabled"


def test_the_change_is_not_seen_before_its_operation_ends(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server()])
    client.switches(operation_seconds=30)
    client.arm("PATCH", SERVER, {"properties": {"network": {"publicNetworkAccess": "Disabled"}}})
    shown = client.get(SERVER)
    assert dig(shown, "properties", "state") == "Updating"
    assert dig(shown, "properties", "network", "publicNetworkAccess") == "Enabled"


def test_a_server_is_shown_with_its_location_by_display_name_and_its_time_of_creation(
    client: SimulatorClient, sdk: Sdk
) -> None:
    client.seed([seeds.flexible_server()])
    server = sdk.flexible.servers.get(GROUP, NAME)
    assert server.location == "Canada Central"
    assert server.system_data is not None
    assert server.system_data.created_at is not None
    assert server.properties is not None
    assert server.properties.state == "Ready"
    assert server.properties.private_endpoint_connections == []


def test_a_server_can_be_created_listed_and_deleted(client: SimulatorClient, sdk: Sdk) -> None:
    made = sdk.flexible.servers.begin_create_or_update(
        GROUP,
        "pg-new",
        Server(
            location="westeurope",
            properties=ServerProperties(administrator_login_password="not-kept", version="17"),
        ),
    ).result()
    assert made.location == "West Europe"
    assert [one.name for one in sdk.flexible.servers.list_by_resource_group(GROUP)] == ["pg-new"]
    assert "not-kept" not in str(client.state())
    sdk.flexible.servers.begin_delete(GROUP, "pg-new").result()
    with pytest.raises(ResourceNotFoundError) as missing:
        sdk.flexible.servers.get(GROUP, "pg-new")
    assert missing.value.error is not None
    assert missing.value.error.code == "ResourceNotFound"


def test_lists_come_in_pages_that_the_client_follows(client: SimulatorClient, sdk: Sdk) -> None:
    client.switches(page_size=2)
    client.seed([seeds.flexible_server(name=f"pg-{number}") for number in range(5)])
    names = [one.name for one in sdk.flexible.servers.list_by_subscription()]
    assert names == [f"pg-{number}" for number in range(5)]
    assert len(client.calls(kind="read")) == 3


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        ("ServerIsBusy", 409, "ServerIsBusy"),
        ("ServerBusy", 409, "ServerBusy"),
        ("emptyCode", 409, ""),
        ("InternalServerError", 500, "InternalServerError"),
    ],
)
def test_a_second_write_finds_the_server_busy_in_the_switched_wording(
    client: SimulatorClient, sdk: Sdk, answer: str, status: int, code: str
) -> None:
    client.seed([seeds.flexible_server()])
    client.switches(busy_answer=answer, operation_seconds=30)
    client.arm("PATCH", SERVER, {"tags": {"owner": "orders"}})
    with pytest.raises(HttpResponseError) as busy:
        sdk.flexible.firewall_rules.begin_create_or_update(
            GROUP, NAME, "office", firewall_rule("9.9.9.9", "9.9.9.9")
        )
    assert busy.value.status_code == status
    assert busy.value.error is not None
    assert (busy.value.error.code or "") == code


def test_the_busy_conflict_surfaces_as_the_class_that_azure_core_picks_for_409(
    client: SimulatorClient, sdk: Sdk
) -> None:
    client.seed([seeds.flexible_server(state="Updating")])
    with pytest.raises(ResourceExistsError):
        sdk.flexible.servers.begin_update(GROUP, NAME, public_access("Disabled"))


def test_a_stopped_server_refuses_writes_until_it_is_started(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([seeds.flexible_server()])
    sdk.flexible.servers.begin_stop(GROUP, NAME).result()
    with pytest.raises(HttpResponseError) as stopped:
        sdk.flexible.servers.begin_update(GROUP, NAME, public_access("Disabled"))
    assert stopped.value.status_code == 400
    assert stopped.value.error is not None
    assert stopped.value.error.code == "ServerStoppedError"
    sdk.flexible.servers.begin_start(GROUP, NAME).result()
    closed = sdk.flexible.servers.begin_update(GROUP, NAME, public_access("Disabled")).result()
    assert access_of(closed) == "Disabled"


def test_public_access_of_a_server_in_a_delegated_subnet_is_accepted_and_ignored(
    client: SimulatorClient, sdk: Sdk
) -> None:
    client.seed([seeds.flexible_server(delegated_subnet=seeds.subnet_id(), public_access="Disabled")])
    answered = sdk.flexible.servers.begin_update(GROUP, NAME, public_access("Enabled")).result()
    assert access_of(answered) == "Disabled"


def test_public_access_is_read_only_under_an_old_api_version(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server()])
    body: JsonObject = {"properties": {"network": {"publicNetworkAccess": "Disabled"}}}
    for version in ("2021-06-01", "2022-12-01", "2023-03-01-preview"):
        status, _, _ = client.arm("PATCH", SERVER, body, api_version=version)
        assert status == 202
        client.wait_idle()
    assert dig(client.get(SERVER), "properties", "network", "publicNetworkAccess") == "Enabled"
    client.arm("PATCH", SERVER, body, api_version="2024-08-01")
    client.wait_idle()
    assert dig(client.get(SERVER), "properties", "network", "publicNetworkAccess") == "Disabled"


def test_an_impossible_value_of_public_access_is_refused(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server()])
    with pytest.raises(ArmCallFailed) as refused:
        client.patch(SERVER, {"properties": {"network": {"publicNetworkAccess": "Sometimes"}}})
    assert refused.value.code == "InvalidParameterValue"


def test_a_firewall_rule_is_written_shown_with_its_blocks_and_deleted(
    client: SimulatorClient, sdk: Sdk
) -> None:
    client.seed([seeds.flexible_server()])
    rules = sdk.flexible.firewall_rules
    made = rules.begin_create_or_update(GROUP, NAME, "office", firewall_rule("9.9.9.9", "9.9.9.12")).result()
    assert made.id == f"{SERVER}/firewallRules/office"
    shown = client.get(f"{SERVER}/firewallRules/office")
    assert dig(shown, "properties", "sourceAddressPrefixes") == ["9.9.9.9/32", "9.9.9.10/31", "9.9.9.12/32"]
    older = client.get(f"{SERVER}/firewallRules/office", api_version="2024-08-01")
    assert dig(older, "properties", "sourceAddressPrefixes") is None
    rules.begin_delete(GROUP, NAME, "office").result()
    assert list(rules.list_by_server(GROUP, NAME)) == []


def test_firewall_writes_answer_with_the_names_of_their_operations(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server()])
    path = f"{SERVER}/firewallRules/office"
    body: JsonObject = {"properties": {"startIpAddress": "9.9.9.9", "endIpAddress": "9.9.9.9"}}
    status, _, answer = client.arm("PUT", path, body)
    assert (status, dig(answer, "operation")) == (202, "UpsertServerFirewallRulesManagementOperation")
    client.wait_idle()
    status, headers, answer = client.arm("DELETE", path)
    assert (status, dig(answer, "operation")) == (202, "DropServerFirewallRulesManagementOperation")
    assert "x-ms-ratelimit-remaining-subscription-deletes" in headers
    client.wait_idle()
    assert client.arm("DELETE", path)[0] == 204


@pytest.mark.parametrize(
    ("start", "end"), [("9.9.9.9", "9.9.9.8"), ("9.9.9", "9.9.9.9"), ("::1", "::2"), ("", "")]
)
def test_a_firewall_rule_must_be_an_ipv4_range(client: SimulatorClient, start: str, end: str) -> None:
    client.seed([seeds.flexible_server()])
    body: JsonObject = {"properties": {"startIpAddress": start, "endIpAddress": end}}
    status, _, answer = client.arm("PUT", f"{SERVER}/firewallRules/odd", body)
    assert (status, dig(answer, "error", "code")) == (400, "InvalidParameterValue")


@pytest.mark.parametrize("server", [{"public_access": "Disabled"}, {"delegated_subnet": seeds.subnet_id()}])
def test_firewall_rules_of_a_server_without_public_access_can_neither_be_written_nor_deleted(
    client: SimulatorClient, sdk: Sdk, server: dict[str, str]
) -> None:
    rule = seeds.firewall_rule(server=SERVER, name="all", start="0.0.0.0")
    client.seed([seeds.flexible_server(**server), rule])  # type: ignore[arg-type]  # only texts are given here
    rules = sdk.flexible.firewall_rules
    for write in (
        lambda: rules.begin_create_or_update(GROUP, NAME, "more", firewall_rule("9.9.9.9", "9.9.9.9")),
        lambda: rules.begin_delete(GROUP, NAME, "all"),
    ):
        with pytest.raises(HttpResponseError) as refused:
            write()
        assert refused.value.status_code == 400
        assert refused.value.error is not None
        assert refused.value.error.code == PRIVATE_SERVER_CODE
    assert [one.name for one in rules.list_by_server(GROUP, NAME)] == ["all"]


def test_the_switch_lets_firewall_rules_of_a_private_server_be_deleted(
    client: SimulatorClient, sdk: Sdk
) -> None:
    client.seed(
        [
            seeds.flexible_server(public_access="Disabled"),
            seeds.firewall_rule(server=SERVER, name="all", start="0.0.0.0"),
        ]
    )
    client.switches(firewall_writes_on_private_server="accepted")
    sdk.flexible.firewall_rules.begin_delete(GROUP, NAME, "all").result()
    assert list(sdk.flexible.firewall_rules.list_by_server(GROUP, NAME)) == []


def test_closing_first_leaves_a_rule_that_nobody_can_delete(client: SimulatorClient) -> None:
    rule = seeds.firewall_rule(server=SERVER, name="all", start="0.0.0.0")
    client.seed([seeds.flexible_server(), rule])
    client.patch(SERVER, {"properties": {"network": {"publicNetworkAccess": "Disabled"}}})
    with pytest.raises(ArmCallFailed):
        client.delete(f"{SERVER}/firewallRules/all")
    client.patch(SERVER, {"properties": {"network": {"publicNetworkAccess": "Enabled"}}})
    assert [one["name"] for one in client.list_all(f"{SERVER}/firewallRules")] == ["all"]


def test_parameters_are_listed_read_and_set(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([seeds.flexible_server()])
    configurations = sdk.flexible.configurations
    assert "require_secure_transport" in [one.name for one in configurations.list_by_server(GROUP, NAME)]
    configurations.begin_update(
        GROUP,
        NAME,
        "require_secure_transport",
        ConfigurationForUpdate({"properties": {"value": "off", "source": "user-override"}}),
    ).result()
    shown = client.get(f"{SERVER}/configurations/require_secure_transport")
    assert dig(shown, "properties", "value") == "off"
    assert dig(shown, "properties", "defaultValue") == "on"
    assert dig(shown, "properties", "source") == "user-override"


def test_a_value_that_a_parameter_does_not_allow_is_refused(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server()])
    path = f"{SERVER}/configurations/ssl_min_protocol_version"
    with pytest.raises(ArmCallFailed) as refused:
        client.put(path, {"properties": {"value": "SSLv3"}})
    assert refused.value.status == 400
    with pytest.raises(ArmCallFailed) as unknown:
        client.get(f"{SERVER}/configurations/no_such_parameter")
    assert unknown.value.status == 404


def test_migrating_the_network_leaves_a_server_that_is_closed_and_in_no_subnet(
    client: SimulatorClient,
) -> None:
    client.seed([seeds.flexible_server(delegated_subnet=seeds.subnet_id())])
    client.post(f"{SERVER}/migrateNetwork", {})
    network = dig(client.get(SERVER), "properties", "network")
    assert network == {"publicNetworkAccess": "Disabled"}


def test_an_operation_that_fails_changes_nothing_and_says_so_at_the_poll(
    client: SimulatorClient, sdk: Sdk
) -> None:
    client.seed([seeds.flexible_server()])
    client.fault({"operationFails": {"code": "InternalServerError", "message": "Try again."}}, method="PATCH")
    with pytest.raises(HttpResponseError):
        sdk.flexible.servers.begin_update(GROUP, NAME, public_access("Disabled")).result()
    assert access_of(sdk.flexible.servers.get(GROUP, NAME)) == "Enabled"
    assert (
        access_of(sdk.flexible.servers.begin_update(GROUP, NAME, public_access("Disabled")).result())
        == "Disabled"
    )


def test_the_retry_after_of_polls_is_a_switch(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server()])
    client.switches(retry_after_seconds=7, operation_seconds=30)
    _, headers, _ = client.arm("PATCH", SERVER, {"tags": {"a": "b"}})
    assert headers["retry-after"] == "7"
