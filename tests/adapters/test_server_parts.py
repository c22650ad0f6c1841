"""A server's small optional parts, read with the real clients: shapes, numbers of calls, what is refused."""

from __future__ import annotations

import pytest

from local.simulator import seeds
from local.simulator.values import JsonObject
from shared.adapters.arm.gateway import ArmGateway
from shared.adapters.arm.session.tokens import LOCAL_IDENTITY
from shared.adapters.arm.wire import server_parts
from shared.model import Aspect, ServerSnapshot, ServerState, Target, TargetKind
from shared.model.errors import Permanent
from shared.model.parts import Administrator, DiagnosticSetting, Health, VirtualNetworkRule
from shared.model.resource_id import ResourceId
from shared.policies import find
from shared.posture.policy import bound
from tests.adapters.conftest import Azure, Bench
from tests.adapters.scripted_arm import Reply
from tests.builders import server

FLEXIBLE = Target(kind=TargetKind.FLEXIBLE_SERVER, id=ResourceId(seeds.flexible_server_id()))
SINGLE = Target(kind=TargetKind.SINGLE_SERVER, id=ResourceId(seeds.single_server_id()))
ENTRA: JsonObject = {"authConfig": {"activeDirectoryAuth": "Enabled", "passwordAuth": "Disabled"}}
ADMINS = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"


def read(gateway: ArmGateway, target: Target, *aspects: Aspect) -> ServerSnapshot:
    snapshot = gateway.read(target, frozenset({Aspect.SERVER, *aspects}))
    assert isinstance(snapshot, ServerSnapshot)
    return snapshot


def paths(gateway: ArmGateway) -> list[str]:
    """What was asked for after the server itself, without the server's id."""
    return [call.path.partition(f"/{seeds.SERVER}")[2] for call in gateway.calls[1:]]


# --- administrators --------------------------------------------------------------------------------


def test_administrators_of_a_flexible_server_are_one_list_call(azure: Azure) -> None:
    admins = seeds.administrator(server=str(FLEXIBLE.id), object_id=ADMINS)
    azure.simulator.seed([seeds.flexible_server(properties=ENTRA), admins])
    gateway = azure.gateway()
    snapshot = read(gateway, FLEXIBLE, Aspect.ADMINISTRATORS)
    assert snapshot.administrators == (Administrator(object_id=ADMINS, name="db-admins", type="Group"),)
    assert paths(gateway) == ["/administrators"]


def test_administrators_are_not_asked_for_where_entra_sign_in_is_off(azure: Azure) -> None:
    azure.simulator.seed([seeds.flexible_server()])
    gateway = azure.gateway()
    snapshot = read(gateway, FLEXIBLE, Aspect.ADMINISTRATORS)
    assert (snapshot.administrators, snapshot.unread, paths(gateway)) == (None, {}, [])


def test_the_administrator_of_a_single_server_is_read_through_its_own_api(azure: Azure) -> None:
    properties: JsonObject = {
        "administratorType": "ActiveDirectory",
        "login": "dba@example.com",
        "sid": ADMINS,
        "tenantId": ADMINS,
    }
    admin: JsonObject = {"id": f"{SINGLE.id}/administrators/activeDirectory", "properties": properties}
    azure.simulator.seed([seeds.single_server(), admin])
    gateway = azure.gateway()
    snapshot = read(gateway, SINGLE, Aspect.ADMINISTRATORS)
    assert snapshot.administrators == (Administrator(object_id=ADMINS, name="dba@example.com"),)
    assert len(gateway.calls) == 2


@pytest.mark.parametrize("target", [FLEXIBLE, SINGLE], ids=lambda target: target.kind)
def test_a_server_without_administrators_has_none(azure: Azure, target: Target) -> None:
    azure.simulator.seed([seeds.flexible_server(properties=ENTRA), seeds.single_server()])
    assert read(azure.gateway(), target, Aspect.ADMINISTRATORS).administrators == ()


# --- threat protection -----------------------------------------------------------------------------


@pytest.mark.parametrize("target", [FLEXIBLE, SINGLE], ids=lambda target: target.kind)
@pytest.mark.parametrize("state", ["Enabled", "Disabled"])
def test_threat_protection_is_one_read_of_the_setting_named_default(
    azure: Azure, target: Target, state: str
) -> None:
    protection = seeds.threat_protection(server=str(target.id), state=state)
    azure.simulator.seed([seeds.flexible_server(), seeds.single_server(), protection])
    gateway = azure.gateway()
    assert read(gateway, target, Aspect.THREAT_PROTECTION).threat_protection == state
    (path,) = paths(gateway)
    assert path.lower().endswith("/default")


# --- virtual network rules -------------------------------------------------------------------------


def test_the_subnets_that_a_single_server_admits_are_one_list_call(azure: Azure) -> None:
    rule = seeds.virtual_network_rule(server=str(SINGLE.id), name="apps", subnet=seeds.subnet_id(name="apps"))
    azure.simulator.seed([seeds.single_server(), rule])
    gateway = azure.gateway()
    snapshot = read(gateway, SINGLE, Aspect.VIRTUAL_NETWORK_RULES)
    assert snapshot.virtual_network_rules == (
        VirtualNetworkRule(name="apps", subnet=ResourceId(seeds.subnet_id(name="apps")), state="Ready"),
    )
    assert paths(gateway) == ["/virtualNetworkRules"]


def test_a_flexible_server_has_no_such_rules_and_nobody_asks(azure: Azure) -> None:
    azure.simulator.seed([seeds.flexible_server()])
    gateway = azure.gateway()
    assert read(gateway, FLEXIBLE, Aspect.VIRTUAL_NETWORK_RULES).virtual_network_rules is None
    assert paths(gateway) == []


def test_a_virtual_network_rule_that_names_no_subnet_is_kept_by_name_and_field() -> None:
    good = {"name": "web", "properties": {"virtualNetworkSubnetId": seeds.subnet_id(name="apps")}}
    bodies = [good, {"name": "apps", "properties": {}}]
    assert [rule.name for rule in server_parts.virtual_network_rules(bodies)] == ["web"]
    (odd,) = server_parts.odd_network_rules(bodies)
    assert odd.described == "'apps': virtualNetworkSubnetId is absent"


# --- diagnostic settings ---------------------------------------------------------------------------


@pytest.mark.parametrize("target", [FLEXIBLE, SINGLE], ids=lambda target: target.kind)
def test_diagnostic_settings_are_one_call_below_the_servers_id(azure: Azure, target: Target) -> None:
    setting = seeds.diagnostic_setting(resource=str(target.id), groups=("allLogs", "audit"))
    azure.simulator.seed([seeds.flexible_server(), seeds.single_server(), setting])
    gateway = azure.gateway()
    snapshot = read(gateway, target, Aspect.DIAGNOSTIC_SETTINGS)
    assert snapshot.diagnostic_settings == (
        DiagnosticSetting(name="to-workspace", logs=("allLogs", "audit"), destinations=("logAnalytics",)),
    )
    assert paths(gateway) == ["/providers/Microsoft.Insights/diagnosticSettings"]


def test_a_server_without_diagnostic_settings_has_none(azure: Azure) -> None:
    azure.simulator.seed([seeds.flexible_server()])
    assert read(azure.gateway(), FLEXIBLE, Aspect.DIAGNOSTIC_SETTINGS).diagnostic_settings == ()


def test_only_what_is_switched_on_and_really_sent_somewhere_counts() -> None:
    properties: JsonObject = {
        "storageAccountId": "/subscriptions/x/y",
        "workspaceId": "",
        "eventHubAuthorizationRuleId": "/subscriptions/x/z",
        "serviceBusRuleId": "/subscriptions/x/z",
        "marketplacePartnerId": None,
        "logs": [
            {"category": "PostgreSQLLogs", "categoryGroup": None, "enabled": True},
            {"category": "PostgreSQLFlexSessions", "enabled": False},
            {"categoryGroup": "audit"},
            {"enabled": True},
        ],
    }
    (setting,) = server_parts.diagnostic_settings({"value": [{"name": "s", "properties": properties}]})
    assert setting == DiagnosticSetting(
        name="s", logs=("PostgreSQLLogs",), destinations=("storage", "eventHub")
    )


def test_an_answer_that_is_no_list_of_settings_is_refused() -> None:
    with pytest.raises(Permanent, match="no list"):
        server_parts.diagnostic_settings({"error": "?"})


def test_diagnostic_settings_without_logs_send_nothing() -> None:
    (setting,) = server_parts.diagnostic_settings({"value": [{"name": "metrics", "properties": {}}]})
    assert (setting.logs, setting.destinations) == ((), ())


# --- Resource Health -------------------------------------------------------------------------------


def highly_available(state: str, mode: str = "ZoneRedundant") -> JsonObject:
    return seeds.flexible_server(properties={"highAvailability": {"mode": mode, "state": state}, **ENTRA})


def test_resource_healths_word_is_read_where_a_standby_is_not_healthy(azure: Azure) -> None:
    azure.simulator.seed([highly_available("ReplicatingData"), seeds.health(resource=str(FLEXIBLE.id))])
    gateway = azure.gateway()
    snapshot = read(gateway, FLEXIBLE, Aspect.HEALTH)
    assert snapshot.health == Health(
        state="Degraded", reason="Unplanned", summary=f"Degraded: {seeds.HA_BLOCKED}"
    )
    assert paths(gateway) == ["/providers/Microsoft.ResourceHealth/availabilityStatuses/current"]


@pytest.mark.parametrize("body", [highly_available("Healthy"), highly_available("", "Disabled")])
def test_a_healthy_standby_and_none_at_all_cost_no_call(azure: Azure, body: JsonObject) -> None:
    azure.simulator.seed([body])
    gateway = azure.gateway()
    snapshot = read(gateway, FLEXIBLE, Aspect.HEALTH)
    assert (snapshot.health, snapshot.unread, paths(gateway)) == (None, {}, [])


# --- what is refused -------------------------------------------------------------------------------

REFUSED = {
    (FLEXIBLE, Aspect.ADMINISTRATORS): "Microsoft.DBforPostgreSQL/flexibleServers/administrators/read",
    (SINGLE, Aspect.ADMINISTRATORS): "Microsoft.DBforPostgreSQL/servers/administrators/read",
    (
        FLEXIBLE,
        Aspect.THREAT_PROTECTION,
    ): "Microsoft.DBforPostgreSQL/flexibleServers/advancedThreatProtectionSettings/read",
    (SINGLE, Aspect.THREAT_PROTECTION): "Microsoft.DBforPostgreSQL/servers/securityAlertPolicies/read",
    (SINGLE, Aspect.VIRTUAL_NETWORK_RULES): "Microsoft.DBforPostgreSQL/servers/virtualNetworkRules/read",
    (FLEXIBLE, Aspect.DIAGNOSTIC_SETTINGS): "Microsoft.Insights/diagnosticSettings/read",
    (SINGLE, Aspect.DIAGNOSTIC_SETTINGS): "Microsoft.Insights/diagnosticSettings/read",
    (FLEXIBLE, Aspect.HEALTH): "Microsoft.ResourceHealth/availabilityStatuses/",
}
"""What is missing, or how its name begins: ARM asks for a more exact action than the list of all statuses."""


@pytest.mark.parametrize(
    ("target", "aspect", "action"),
    [(target, aspect, action) for (target, aspect), action in REFUSED.items()],
    ids=[f"{target.kind}-{aspect}" for target, aspect in REFUSED],
)
def test_a_part_that_may_not_be_read_is_unread_with_the_missing_action_and_loses_no_other(
    azure: Azure, target: Target, aspect: Aspect, action: str
) -> None:
    azure.simulator.seed([highly_available("ReplicatingData"), seeds.single_server()])
    servers = ["Microsoft.DBforPostgreSQL/flexibleServers", "Microsoft.DBforPostgreSQL/servers"]
    kept = [f"{server}{part}/read" for server in servers for part in ("", "/firewallRules")]
    azure.simulator.roles({LOCAL_IDENTITY.app_id or "": kept})
    snapshot = read(azure.gateway(), target, Aspect.FIREWALL_RULES, aspect)
    assert list(snapshot.unread) == [aspect]
    reason = snapshot.unread[aspect].lower()
    assert reason.startswith(f"our identity may not perform {action}".lower())
    assert snapshot.firewall_rules == ()


def test_a_stopped_server_that_hides_its_threat_protection_is_still_read(azure: Azure) -> None:
    azure.simulator.seed([seeds.flexible_server(state="Stopped")])
    azure.simulator.fault(
        {"status": 400, "code": "ServerStoppedError"}, path_contains="/advancedThreatProtectionSettings"
    )
    snapshot = read(azure.gateway(), FLEXIBLE, Aspect.THREAT_PROTECTION)
    assert (snapshot.state, snapshot.threat_protection) == (ServerState.STOPPED, None)
    assert Aspect.THREAT_PROTECTION in snapshot.unread


def test_an_extension_that_is_throttled_is_unread_with_its_reason(azure: Azure) -> None:
    azure.simulator.seed([seeds.flexible_server()])
    fault: JsonObject = {"status": 429, "code": "TooManyRequests", "headers": {"Retry-After": "60"}}
    azure.simulator.fault(fault, path_contains="/diagnosticSettings")
    snapshot = read(azure.gateway(), FLEXIBLE, Aspect.DIAGNOSTIC_SETTINGS)
    assert "TooManyRequests" in snapshot.unread[Aspect.DIAGNOSTIC_SETTINGS]


def test_resource_health_is_asked_in_a_version_that_is_stated_and_may_know_nothing(bench: Bench) -> None:
    server = {
        "id": str(FLEXIBLE.id),
        "properties": {"state": "Ready", "highAvailability": {"mode": "SameZone"}},
    }
    bench.arm.on("GET", str(FLEXIBLE.id), Reply(body=server))
    status = f"{FLEXIBLE.id}/providers/Microsoft.ResourceHealth/availabilityStatuses/current"
    bench.arm.on("GET", status, Reply(body={"properties": {"availabilityState": "Unknown"}}))
    snapshot = read(bench.gateway, FLEXIBLE, Aspect.HEALTH)
    assert snapshot.health == Health(state="Unknown")
    assert bench.arm.asked[-1].target == f"{status}?api-version=2025-05-01"


@pytest.mark.field(
    "odd-items",
    "One server parameter without a readable value is Unknown by its name, and all others are judged",
    source="https://learn.microsoft.com/en-us/rest/api/postgresql/configurations/list-by-server",
    date="2026-11-29",
)
def test_a_parameter_without_a_readable_value_is_told_beside_the_others() -> None:
    bodies = [
        {"name": "log_checkpoints", "properties": {"value": "off"}},
        {"name": "log_connections", "properties": {}},
        {"name": "log_disconnections", "properties": {"value": ["on"]}},
        {"name": "log_duration", "properties": {"value": ""}},
    ]
    read = server_parts.server_parameters(bodies)
    assert [(one.value, one.odd) for one in read] == [
        ("off", ""),
        ("", "value is absent"),
        ("", "value is ['on'], which is no text"),
        ("", ""),
    ]
    judged = [find("postgres-log-checkpoints-off"), find("postgres-log-disconnections-off")]
    found = {one.id: bound(one, {}).evaluate(server(parameters=read)) for one in judged if one}
    assert {name: str(one.state) for name, one in found.items()} == {
        "postgres-log-checkpoints-off": "NonCompliant",
        "postgres-log-disconnections-off": "Unknown",
    }
    assert "no value of log_disconnections" in found["postgres-log-disconnections-off"].reason
