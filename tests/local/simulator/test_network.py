"""Security groups, rules, networks and subnets through azure-mgmt-network 33.1.0."""

from __future__ import annotations

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.core.rest import HttpResponse
from azure.mgmt.network.models import SecurityRule, SecurityRulePropertiesFormat

from local.simulator import seeds
from local.simulator.client import ArmCallFailed, SimulatorClient
from local.simulator.values import JsonObject, as_list, as_object, dig
from tests.local.simulator.conftest import Sdk

GROUP = seeds.GROUP
NSG = seeds.nsg_id()
ALLOW = {
    "protocol": "Tcp",
    "sourcePortRange": "*",
    "destinationPortRanges": ["5432", "6432"],
    "sourceAddressPrefix": "10.20.1.0/24",
    "destinationAddressPrefix": "10.20.1.0/24",
    "access": "Allow",
    "priority": 100,
    "direction": "Inbound",
}


def allow(**changes: object) -> JsonObject:
    return {"properties": {**ALLOW, **changes}}  # type: ignore[dict-item]  # the tests give JSON values


def etag_of(client: SimulatorClient, path: str) -> str:
    return str(client.get(path)["etag"])


def test_a_rule_is_created_updated_and_deleted_with_the_statuses_of_the_recordings(
    client: SimulatorClient,
) -> None:
    client.seed([seeds.nsg()])
    path = f"{NSG}/securityRules/allow-postgres"
    status, headers, body = client.arm("PUT", path, allow())
    assert (status, dig(body, "properties", "provisioningState")) == (201, "Updating")
    assert (
        "/providers/Microsoft.Network/locations/canadacentral/operations/" in headers["azure-asyncoperation"]
    )
    assert "azure-asyncnotification" not in headers
    assert "location" not in headers
    assert client.wait_idle()
    assert client.arm("PUT", path, allow(priority=110))[0] == 200
    assert client.wait_idle()
    status, headers, body = client.arm("DELETE", path)
    assert (status, body) == (202, None)
    assert "/operationResults/" in headers["location"]
    assert client.wait_idle()
    assert client.arm("DELETE", path)[0] == 204


def test_the_poll_of_a_network_operation_holds_its_status_alone(client: SimulatorClient) -> None:
    client.seed([seeds.nsg()])
    _, headers, _ = client.arm("PUT", f"{NSG}/securityRules/allow", allow())
    client.wait_idle()
    poll = headers["azure-asyncoperation"].removeprefix(client.url).split("?")[0]
    assert client.arm("GET", poll)[2] == {"status": "Succeeded"}


def test_the_sdk_writes_and_deletes_a_rule(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([seeds.nsg()])
    rule = SecurityRule(
        properties=SecurityRulePropertiesFormat(
            protocol="Tcp",
            source_port_range="*",
            destination_port_ranges=["5432", "6432"],
            source_address_prefix="10.20.1.0/24",
            destination_address_prefix="10.20.1.0/24",
            access="Allow",
            priority=100,
            direction="Inbound",
        )
    )
    made = sdk.network.security_rules.begin_create_or_update(GROUP, seeds.NSG, "allow", rule).result()
    assert made.properties is not None
    assert made.properties.provisioning_state == "Succeeded"
    [write] = client.calls(kind="write")
    assert write["apiVersion"] == "2026-03-01"
    sdk.network.security_rules.begin_delete(GROUP, seeds.NSG, "allow").result()
    assert list(sdk.network.security_rules.list(GROUP, seeds.NSG)) == []


def test_a_rule_comes_back_with_every_plural_array_and_without_the_singular_of_a_filled_one(
    client: SimulatorClient,
) -> None:
    client.seed([seeds.nsg()])
    shown = client.put(f"{NSG}/securityRules/allow", allow())
    properties = as_object(shown["properties"])
    assert properties["destinationPortRanges"] == ["5432", "6432"]
    assert "destinationPortRange" not in properties
    assert properties["sourceAddressPrefixes"] == []
    assert properties["sourceAddressPrefix"] == "10.20.1.0/24"


def test_the_etag_of_group_and_rules_is_one_and_changes_with_every_write(client: SimulatorClient) -> None:
    client.seed([seeds.nsg(rules=[seeds.security_rule(name="deny", priority=200)])])
    before = etag_of(client, NSG)
    _, _, answered = client.arm("PUT", f"{NSG}/securityRules/allow", allow())
    assert client.wait_idle()
    shown = client.get(NSG)
    etags = {as_object(one)["etag"] for one in as_list(dig(shown, "properties", "securityRules"))}
    assert etags == {shown["etag"]}
    assert len({before, dig(answered, "etag"), shown["etag"]}) == 3
    _, headers, _ = client.arm("GET", f"{NSG}/securityRules/deny")
    assert headers["etag"] == shown["etag"]


def test_a_second_write_to_a_group_is_refused_while_one_runs(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([seeds.nsg()])
    client.switches(operation_seconds=30)
    client.arm("PUT", f"{NSG}/securityRules/first", allow())
    with pytest.raises(HttpResponseError) as refused:
        sdk.network.security_rules.begin_create_or_update(GROUP, seeds.NSG, "second", allow(priority=101))  # type: ignore[call-overload]  # a plain dict is accepted
    error = refused.value
    assert error.status_code == 429
    assert error.error is not None
    assert error.error.code == "RetryableError"
    assert [one.code for one in error.error.details] == ["RetryableErrorDueToAnotherOperation"]
    assert isinstance(error.response, HttpResponse)
    assert error.response.headers["Retry-After"] == "1"


def test_two_rules_of_one_direction_cannot_share_a_priority_and_the_message_names_the_older_first(
    client: SimulatorClient,
) -> None:
    client.seed([seeds.nsg(rules=[seeds.security_rule(name="older", priority=100)])])
    with pytest.raises(ArmCallFailed) as refused:
        client.put(f"{NSG}/securityRules/newer", allow())
    assert refused.value.code == "SecurityRuleConflict"
    assert refused.value.message.index("older") < refused.value.message.index("newer")
    client.put(f"{NSG}/securityRules/newer", allow(direction="Outbound"))


def test_rewriting_a_rule_in_place_is_no_conflict_with_itself(client: SimulatorClient) -> None:
    client.seed([seeds.nsg(rules=[seeds.security_rule(name="allow", priority=100)])])
    shown = client.put(f"{NSG}/securityRules/ALLOW", allow(access="Deny"))
    assert shown["name"] == "allow"
    assert len(client.list_all(f"{NSG}/securityRules")) == 1


def test_the_six_default_rules_are_always_there_and_readable(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([seeds.nsg()])
    names = [one.name for one in sdk.network.default_security_rules.list(GROUP, seeds.NSG)]
    assert names == [
        "AllowVnetInBound",
        "AllowAzureLoadBalancerInBound",
        "DenyAllInBound",
        "AllowVnetOutBound",
        "AllowInternetOutBound",
        "DenyAllOutBound",
    ]
    one = sdk.network.default_security_rules.get(GROUP, seeds.NSG, "DenyAllInBound")
    assert one.properties is not None
    assert one.properties.priority == 65500


def test_if_match_with_an_old_etag_fails_where_the_switch_enforces_it(client: SimulatorClient) -> None:
    client.seed([seeds.nsg(rules=[seeds.security_rule(name="allow", priority=100)])])
    path = f"{NSG}/securityRules/allow"
    old = etag_of(client, path)
    client.put(path, allow())
    status, _, body = client.arm("PUT", path, allow(), headers={"If-Match": old})
    assert (status, dig(body, "error", "code")) == (412, "PreconditionFailed")
    assert client.arm("PUT", path, allow(), headers={"If-Match": etag_of(client, path)})[0] == 200
    client.wait_idle()
    assert client.arm("PUT", path, allow(), headers={"If-None-Match": "*"})[0] == 412
    assert client.arm("DELETE", path, headers={"If-Match": old})[0] == 412
    missing = f"{NSG}/securityRules/missing"
    assert client.arm("PUT", missing, allow(priority=300), headers={"If-Match": old})[0] == 412
    assert client.arm("PUT", missing, allow(priority=300), headers={"If-None-Match": "*"})[0] == 201


def test_if_match_counts_for_nothing_where_the_switch_ignores_it(client: SimulatorClient) -> None:
    client.seed([seeds.nsg(rules=[seeds.security_rule(name="allow", priority=100)])])
    client.switches(if_match_on_rules="ignored")
    path = f"{NSG}/securityRules/allow"
    assert client.arm("PUT", path, allow(), headers={"If-Match": 'W/"old"', "If-None-Match": "*"})[0] == 200
    [call] = client.calls(method="PUT")
    assert call["requestHeaders"] == {"if-match": 'W/"old"', "if-none-match": "*"}


def test_the_sdk_reports_a_failed_precondition_by_its_status(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([seeds.nsg(rules=[seeds.security_rule(name="allow", priority=100)])])
    with pytest.raises(HttpResponseError) as stale:
        sdk.network.security_rules.begin_delete(GROUP, seeds.NSG, "allow", headers={"If-Match": 'W/"old"'})
    assert stale.value.status_code == 412


def test_a_whole_put_replaces_every_rule(client: SimulatorClient) -> None:
    client.seed([seeds.nsg(rules=[seeds.security_rule(name="old", priority=100)])])
    rules = [seeds.security_rule(name="new", priority=100)]
    status, headers, _ = client.arm(
        "PUT", NSG, {"location": "canadacentral", "properties": {"securityRules": [*rules]}}
    )
    assert (status, headers["azure-asyncnotification"]) == (200, "Enabled")
    client.wait_idle()
    assert [one["name"] for one in client.list_all(f"{NSG}/securityRules")] == ["new"]


def test_a_whole_put_with_two_rules_in_conflict_is_refused_and_changes_nothing(
    client: SimulatorClient,
) -> None:
    client.seed([seeds.nsg(rules=[seeds.security_rule(name="old", priority=100)])])
    rules = [seeds.security_rule(name=name, priority=300) for name in ("one", "two")]
    with pytest.raises(ArmCallFailed) as refused:
        client.put(NSG, {"location": "canadacentral", "properties": {"securityRules": [*rules]}})
    assert refused.value.code == "SecurityRuleConflict"
    assert [one["name"] for one in client.list_all(f"{NSG}/securityRules")] == ["old"]


def test_a_rule_write_whose_operation_fails_leaves_the_group_as_it_was(client: SimulatorClient) -> None:
    client.seed([seeds.nsg(rules=[seeds.security_rule(name="old", priority=100)])])
    failure: JsonObject = {"code": "CanceledAndSupersededDueToAnotherOperation", "message": "Superseded."}
    client.fault({"operationFails": failure}, method="PUT")
    with pytest.raises(ArmCallFailed) as failed:
        client.put(f"{NSG}/securityRules/new", allow(priority=200))
    assert failed.value.code == failure["code"]
    assert [one["name"] for one in client.list_all(f"{NSG}/securityRules")] == ["old"]


def test_a_group_lists_the_subnets_that_use_it_and_cannot_be_deleted_meanwhile(
    client: SimulatorClient, sdk: Sdk
) -> None:
    client.seed([seeds.nsg(), seeds.vnet(subnets=[seeds.subnet(nsg=NSG)])])
    group = sdk.network.network_security_groups.get(GROUP, seeds.NSG)
    assert group.properties is not None
    assert [one.id for one in group.properties.subnets or []] == [seeds.subnet_id()]
    with pytest.raises(HttpResponseError) as used:
        sdk.network.network_security_groups.begin_delete(GROUP, seeds.NSG)
    assert used.value.error is not None
    assert used.value.error.code == "InUseNetworkSecurityGroupCannotBeDeleted"


def test_a_subnet_put_replaces_the_whole_subnet(client: SimulatorClient) -> None:
    client.seed([seeds.nsg(), seeds.vnet(subnets=[seeds.subnet(nsg=NSG)])])
    shown = client.put(seeds.subnet_id(), {"properties": {"addressPrefix": "10.20.1.0/24"}})
    assert dig(shown, "properties", "networkSecurityGroup") is None
    assert dig(shown, "properties", "delegations") == []
    assert dig(client.get(NSG), "properties", "subnets") is None


def test_a_virtual_network_carries_its_subnets_inline_and_lists_them(
    client: SimulatorClient, sdk: Sdk
) -> None:
    body = seeds.vnet(
        subnets=[seeds.subnet(), seeds.subnet(name="apps", prefix="10.20.2.0/24", delegated=False)]
    )
    client.put(seeds.vnet_id(), body)
    network = sdk.network.virtual_networks.get(GROUP, seeds.VNET)
    assert network.properties is not None
    assert [one.name for one in network.properties.subnets or []] == [seeds.SUBNET, "apps"]
    assert [one.name for one in sdk.network.subnets.list(GROUP, seeds.VNET)] == [seeds.SUBNET, "apps"]
    sdk.network.subnets.begin_delete(GROUP, seeds.VNET, "apps").result()
    with pytest.raises(ResourceNotFoundError):
        sdk.network.subnets.get(GROUP, seeds.VNET, "apps")


def test_a_network_put_that_does_not_mention_subnets_keeps_them(client: SimulatorClient) -> None:
    client.seed([seeds.vnet(subnets=[seeds.subnet()])])
    space: JsonObject = {"addressSpace": {"addressPrefixes": ["10.20.0.0/15"]}}
    client.put(seeds.vnet_id(), {"location": "canadacentral", "properties": space})
    assert [one["name"] for one in client.list_all(f"{seeds.vnet_id()}/subnets")] == [seeds.SUBNET]
    client.put(seeds.vnet_id(), {"location": "canadacentral", "properties": space | {"subnets": []}})
    assert client.list_all(f"{seeds.vnet_id()}/subnets") == []


def test_under_an_old_api_version_such_a_put_removes_them(client: SimulatorClient) -> None:
    client.seed([seeds.vnet(subnets=[seeds.subnet()])])
    client.arm("PUT", seeds.vnet_id(), {"location": "canadacentral"}, api_version="2021-08-01")
    assert client.wait_idle()
    assert client.list_all(f"{seeds.vnet_id()}/subnets") == []


def test_a_patch_changes_the_tags_and_the_etag_of_a_group_alone(client: SimulatorClient) -> None:
    client.seed([seeds.nsg(rules=[seeds.security_rule(name="deny", priority=100)])])
    before = client.get(NSG)
    status, _, after = client.arm(
        "PATCH", NSG, {"tags": {"owner": "orders"}, "properties": {"securityRules": []}}
    )
    assert status == 200
    assert dig(after, "tags") == {"owner": "orders"}
    assert dig(after, "etag") != before["etag"]
    assert len(as_list(dig(after, "properties", "securityRules"))) == 1


def test_one_write_at_a_time_goes_to_a_virtual_network(client: SimulatorClient) -> None:
    client.seed([seeds.vnet(subnets=[seeds.subnet()])])
    client.switches(operation_seconds=30)
    client.arm("PUT", seeds.subnet_id(), {"properties": {"addressPrefix": "10.20.1.0/24"}})
    with pytest.raises(ArmCallFailed) as refused:
        client.put(seeds.subnet_id(name="other"), {"properties": {"addressPrefix": "10.20.2.0/24"}})
    assert (refused.value.status, refused.value.code) == (409, "AnotherOperationInProgress")


def test_a_subnet_cannot_link_a_group_that_does_not_exist(client: SimulatorClient) -> None:
    client.seed([seeds.vnet()])
    with pytest.raises(ArmCallFailed) as refused:
        client.put(
            seeds.subnet_id(),
            {"properties": {"addressPrefix": "10.20.1.0/24", "networkSecurityGroup": {"id": NSG}}},
        )
    assert refused.value.code == "InvalidResourceReference"


def test_route_tables_and_service_tags_can_be_read(client: SimulatorClient, sdk: Sdk) -> None:
    route: JsonObject = {
        "name": "all",
        "properties": {"addressPrefix": "0.0.0.0/0", "nextHopType": "VirtualAppliance"},
    }
    table = seeds.route_table(name="rt-data", routes=[route])
    client.seed([table, seeds.vnet(subnets=[seeds.subnet(route_table=str(table["id"]))])])
    shown = sdk.network.route_tables.get(GROUP, "rt-data")
    assert shown.properties is not None
    assert [one.name for one in shown.properties.routes or []] == ["all"]
    assert [one.id for one in shown.properties.subnets or []] == [seeds.subnet_id()]
    tags = sdk.network.service_tags.list("canadacentral")
    assert "Storage" in [one.name for one in tags.values_property or []]
