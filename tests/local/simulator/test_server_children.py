"""Administrators, threat protection and virtual network rules of servers, through the real clients."""

from __future__ import annotations

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.postgresqlflexibleservers.models import (
    AdministratorMicrosoftEntraAdd,
    AdvancedThreatProtectionSettingsModel,
    AdvancedThreatProtectionSettingsProperties,
)
from azure.mgmt.rdbms.postgresql.models import (
    ServerAdministratorResource,
    ServerSecurityAlertPolicy,
    VirtualNetworkRule,
)

from local.simulator import seeds
from local.simulator.client import ArmCallFailed, SimulatorClient
from local.simulator.values import dig
from tests.local.simulator.conftest import Sdk, Webhook
from tests.local.simulator.test_events import listen, operations

SERVER = seeds.flexible_server_id()
OLD = seeds.single_server_id(name="pg-legacy")
GROUP = seeds.GROUP
ADMINISTRATOR = "11111111-2222-4333-8444-555555555501"
PROVIDER = "Microsoft.DBforPostgreSQL"


def added(kind: str) -> AdministratorMicrosoftEntraAdd:
    return AdministratorMicrosoftEntraAdd(
        {"properties": {"principalType": kind, "principalName": "db-admins"}}
    )


def test_an_administrator_is_added_listed_and_removed(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([seeds.flexible_server()])
    administrators = sdk.flexible.administrators_microsoft_entra
    administrators.begin_create_or_update(GROUP, seeds.SERVER, ADMINISTRATOR, added("Group")).result()
    [shown] = administrators.list_by_server(GROUP, seeds.SERVER)
    assert shown.properties is not None
    assert (shown.properties.object_id, shown.properties.principal_type) == (ADMINISTRATOR, "Group")
    assert shown.properties.tenant_id
    assert administrators.get(GROUP, seeds.SERVER, ADMINISTRATOR).id == shown.id
    administrators.begin_delete(GROUP, seeds.SERVER, ADMINISTRATOR).result()
    assert list(administrators.list_by_server(GROUP, seeds.SERVER)) == []


def test_an_administrator_in_a_list_has_no_name(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server(), seeds.administrator(server=SERVER, object_id=ADMINISTRATOR)])
    [shown] = client.list_all(f"{SERVER}/administrators")
    assert "name" not in shown
    assert dig(shown, "properties", "principalName") == "db-admins"


def test_an_administrator_is_a_user_a_group_or_an_application(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([seeds.flexible_server()])
    with pytest.raises(HttpResponseError) as refused:
        sdk.flexible.administrators_microsoft_entra.begin_create_or_update(
            GROUP, seeds.SERVER, ADMINISTRATOR, added("Robot")
        )
    assert refused.value.status_code == 400


def test_threat_protection_is_off_until_it_is_switched_on(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([seeds.flexible_server()])
    [setting] = sdk.flexible.advanced_threat_protection_settings.list_by_server(GROUP, seeds.SERVER)
    assert setting.name == "Default"
    assert setting.properties is not None
    assert setting.properties.state == "Disabled"
    change = AdvancedThreatProtectionSettingsModel(
        properties=AdvancedThreatProtectionSettingsProperties(state="Enabled")
    )
    sdk.flexible.server_threat_protection_settings.begin_create_or_update(
        GROUP, seeds.SERVER, "Default", change
    ).result()
    shown = sdk.flexible.advanced_threat_protection_settings.get(GROUP, seeds.SERVER, "Default")
    assert shown.properties is not None
    assert (shown.properties.state, shown.properties.creation_time is None) == ("Enabled", False)


def test_threat_protection_takes_a_patch_and_knows_one_name_and_two_states(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server(), seeds.threat_protection(server=SERVER)])
    path = f"{SERVER}/advancedThreatProtectionSettings"
    shown = client.patch(f"{path}/Default", {"properties": {"state": "Disabled"}})
    assert dig(shown, "properties", "state") == "Disabled"
    with pytest.raises(ArmCallFailed) as unknown:
        client.get(f"{path}/Other")
    assert unknown.value.status == 404
    with pytest.raises(ArmCallFailed) as unusable:
        client.patch(f"{path}/Default", {"properties": {"state": "Perhaps"}})
    assert unusable.value.status == 400


def test_a_single_server_has_its_alert_policy(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([seeds.single_server(name="pg-legacy")])
    policies = sdk.single.server_security_alert_policies
    assert policies.get(GROUP, "pg-legacy", "Default").state == "Disabled"
    changed = ServerSecurityAlertPolicy(state="Enabled", email_account_admins=True)
    policies.begin_create_or_update(GROUP, "pg-legacy", "Default", changed).result()
    [shown] = policies.list_by_server(GROUP, "pg-legacy")
    assert (shown.state, shown.email_account_admins, shown.retention_days) == ("Enabled", True, 0)


def test_a_single_servers_administrator_is_called_active_directory(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([seeds.single_server(name="pg-legacy")])
    administrators = sdk.single.server_administrators
    with pytest.raises(ResourceNotFoundError):
        administrators.get(GROUP, "pg-legacy")
    admin = ServerAdministratorResource(
        administrator_type="ActiveDirectory", login="db-admins", sid=ADMINISTRATOR, tenant_id=ADMINISTRATOR
    )
    administrators.begin_create_or_update(GROUP, "pg-legacy", admin).result()
    assert administrators.get(GROUP, "pg-legacy").login == "db-admins"
    assert [one.name for one in administrators.list(GROUP, "pg-legacy")] == ["activeDirectory"]


def test_a_virtual_network_rule_becomes_ready(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([seeds.single_server(name="pg-legacy")])
    rules = sdk.single.virtual_network_rules
    rule = VirtualNetworkRule(virtual_network_subnet_id=seeds.subnet_id(name="apps"))
    rules.begin_create_or_update(GROUP, "pg-legacy", "apps", rule).result()
    [shown] = rules.list_by_server(GROUP, "pg-legacy")
    assert (shown.state, shown.ignore_missing_vnet_service_endpoint) == ("Ready", False)
    rules.begin_delete(GROUP, "pg-legacy", "apps").result()
    client.seed([seeds.virtual_network_rule(server=OLD, name="other", subnet=seeds.subnet_id())])
    assert [one.name for one in rules.list_by_server(GROUP, "pg-legacy")] == ["other"]


def test_each_of_them_is_told_by_an_event_of_its_own(client: SimulatorClient, webhook: Webhook) -> None:
    client.seed([seeds.flexible_server(), seeds.single_server(name="pg-legacy")])
    listen(client, webhook)
    client.put(
        f"{SERVER}/administrators/{ADMINISTRATOR}",
        {"properties": {"principalType": "User", "principalName": "ada@orders.example"}},
    )
    client.put(f"{SERVER}/configurations/log_checkpoints", {"properties": {"value": "off"}})
    client.put(f"{SERVER}/advancedThreatProtectionSettings/Default", {"properties": {"state": "Enabled"}})
    client.put(f"{OLD}/securityAlertPolicies/Default", {"properties": {"state": "Enabled"}})
    client.delete(f"{SERVER}/administrators/{ADMINISTRATOR}")
    assert operations(client, webhook) == [
        f"{PROVIDER}/flexibleServers/administrators/write",
        f"{PROVIDER}/flexibleServers/configurations/write",
        f"{PROVIDER}/flexibleServers/advancedThreatProtectionSettings/write",
        f"{PROVIDER}/servers/securityAlertPolicies/write",
        f"{PROVIDER}/flexibleServers/administrators/delete",
    ]
