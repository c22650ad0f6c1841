"""The main job end to end: a write to Azure in, the drift reverted or an alert opened.

The real engine runs the app, the real SDK clients talk to the simulator, Azurite keeps the state. Call
budgets are asserted from the simulator's log.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from local.simulator import seeds
from local.simulator.values import JsonObject
from tests.e2e.conftest import COALESCE_SECONDS, Installation, Site, kinds, stays, until

pytestmark = [pytest.mark.engine, pytest.mark.azurite]

PUBLIC = "postgres-public-access-enabled"
FIREWALL = "postgres-firewall-allows-all-azure"
NSG_POLICY = "nsg-blocks-postgres-in-subnet"
ALL_AZURE = "AllowAllAzureServicesAndResourcesWithinAzureIps_2026-11-2_8-0-0"
ANY_AZURE_ADDRESS: JsonObject = {"properties": {"startIpAddress": "0.0.0.0", "endIpAddress": "0.0.0.0"}}
EVERY_ADDRESS: JsonObject = {"properties": {"startIpAddress": "0.0.0.0", "endIpAddress": "255.255.255.255"}}
ENABLED: JsonObject = {"properties": {"network": {"publicNetworkAccess": "Enabled"}}}
DENY_ALL = seeds.security_rule(name="deny-all", priority=200)


def public_access(installation: Installation, server: str) -> Any:
    return installation.simulator.get(server)["properties"]["network"]["publicNetworkAccess"]  # type: ignore[index, call-overload]


def rule_names(installation: Installation, server: str) -> set[Any]:
    return {rule["name"] for rule in installation.simulator.list_all(f"{server}/firewallRules")}


def database_subnet(installation: Installation, name: str) -> tuple[str, str]:
    """A delegated subnet with an NSG of its own; ids of NSG and subnet."""
    nsg, vnet = f"nsg-{name}", f"vnet-{name}"
    installation.simulator.seed(
        [
            seeds.nsg(name=nsg),
            seeds.vnet(name=vnet, subnets=[seeds.subnet(name="db", nsg=seeds.nsg_id(name=nsg))]),
        ]
    )
    return seeds.nsg_id(name=nsg), seeds.subnet_id(vnet=vnet, name="db")


def integrated(name: str, subnet: str, public_access: str = "Disabled") -> JsonObject:
    """The body of a server in a subnet, with a private DNS zone."""
    network: JsonObject = {
        "publicNetworkAccess": public_access,
        "delegatedSubnetResourceId": subnet,
        "privateDnsZoneArmResourceId": seeds.zone_id(name="shop.private.postgres.database.azure.com"),
    }
    return seeds.flexible_server(name=name, properties={"network": network})


def test_an_event_on_a_compliant_server_costs_at_most_five_reads_and_no_write(
    enforcing: Installation,
) -> None:
    server = enforcing.server("calm", public=False)
    enforcing.look(server)
    since = enforcing.last_call()
    enforcing.simulator.patch(server, {"tags": {"team": "orders"}})
    enforcing.settle()
    until(lambda: enforcing.our_calls("calm", since), "the look that the event caused")

    def within_budget() -> bool:
        counted = kinds(enforcing.our_calls("calm", since))
        return counted.keys() == {"read"} and counted["read"] <= 5

    assert stays(within_budget, 3)


def test_an_all_azure_rule_is_deleted_within_its_budget_of_calls(enforcing: Installation) -> None:
    server = enforcing.server("rules", public=True, rules=["office"])
    enforcing.look(server)
    since = enforcing.last_call()
    enforcing.simulator.put(f"{server}/firewallRules/{ALL_AZURE}", ANY_AZURE_ADDRESS)
    change = enforcing.wait_for_change(server, "Reverted")
    enforcing.settle()
    assert rule_names(enforcing, server) == {"office"}
    assert change["cause"]["actor"]["name"] == "Jane Doe"

    def within_budget() -> bool:
        # 5 reads to judge, 1 delete and its polling, 5 reads to verify, 5 for the event of our own write
        counted = kinds(enforcing.our_calls("rules", since))
        return counted.get("read", 0) <= 15 and counted.get("delete") == 1 and "write" not in counted

    assert stays(within_budget, 4), enforcing.our_calls("rules", since)


def test_a_rule_for_the_whole_internet_is_deleted_and_an_inherited_one_is_not(
    enforcing: Installation,
) -> None:
    server = enforcing.server("everybody", public=True, rules=["office"])
    enforcing.look(server)
    enforcing.simulator.put(f"{server}/firewallRules/mine", EVERY_ADDRESS)
    change = enforcing.wait_for_change(server, "Reverted")
    assert change["policy"] == "postgres-firewall-allows-whole-internet"
    assert rule_names(enforcing, server) == {"office"}
    body = {"reason": "a fair needs it today", "expiresAt": until_tomorrow()}
    status, _ = enforcing.api("POST", f"changes/{change['id']}/rollback", body)
    assert status == 202
    until(lambda: rule_names(enforcing, server) == {"office", "mine"}, "the rule to be back")

    old = enforcing.server("always-everybody", public=True, rules=["office"])
    rule = seeds.firewall_rule(server=old, name="mine", start="0.0.0.0", end="255.255.255.255")
    enforcing.simulator.seed([rule])
    enforcing.look(old)
    alert = enforcing.wait_for_alert(old, "postgres-firewall-allows-whole-internet")
    assert (alert["decision"]["reason"], alert["severity"]) == ("inherited", "Critical")
    assert rule_names(enforcing, old) == {"office", "mine"}


def test_the_whole_internet_in_halves_and_a_wide_range_are_alerts(enforcing: Installation) -> None:
    server = enforcing.server("halves", public=True, rules=["office"])
    enforcing.look(server)
    lower: JsonObject = {"properties": {"startIpAddress": "0.0.0.0", "endIpAddress": "127.255.255.255"}}
    upper: JsonObject = {"properties": {"startIpAddress": "128.0.0.0", "endIpAddress": "255.255.255.255"}}
    enforcing.simulator.put(f"{server}/firewallRules/lower", lower)
    wide = enforcing.wait_for_alert(server, "postgres-firewall-range-too-wide")
    assert wide["evidence"]["rules"][0]["name"] == "lower"
    enforcing.simulator.put(f"{server}/firewallRules/upper", upper)
    alert = enforcing.wait_for_alert(server, "postgres-firewall-covers-whole-internet-in-pieces")
    assert [rule["name"] for rule in alert["evidence"]["rules"]] == ["lower", "upper"]
    assert alert["evidence"]["reach"] == "public with rules"
    assert rule_names(enforcing, server) == {"office", "lower", "upper"}


def test_public_access_beside_an_endpoint_is_closed_by_exactly_this_request(enforcing: Installation) -> None:
    server = enforcing.server("opened", public=False)
    enforcing.look(server)
    since = enforcing.last_call()
    enforcing.simulator.patch(server, ENABLED)
    enforcing.wait_for_change(server, "Reverted")
    assert public_access(enforcing, server) == "Disabled"
    (patch,) = [call for call in enforcing.our_calls("opened", since) if call["method"] == "PATCH"]
    assert patch["requestBody"] == {"properties": {"network": {"publicNetworkAccess": "Disabled"}}}
    assert patch["apiVersion"] == "2026-10-01"


def test_a_single_server_is_closed_by_its_own_request(enforcing: Installation) -> None:
    way_in = seeds.way_in(
        name="legacy-endpoint",
        server=seeds.single_server_id(name="legacy"),
        vnet="vnet-legacy",
        subnet="endpoints",
    )
    network = seeds.vnet(name="vnet-legacy", subnets=[seeds.subnet(name="endpoints", delegated=False)])
    single = seeds.single_server(name="legacy", public_access="Disabled")
    enforcing.simulator.seed([single, network, *way_in])
    server = seeds.single_server_id(name="legacy")
    enforcing.look(server)
    since = enforcing.last_call()
    enforcing.simulator.patch(server, {"properties": {"publicNetworkAccess": "Enabled"}})
    enforcing.wait_for_change(server, "Reverted")
    (patch,) = [call for call in enforcing.our_calls("legacy", since) if call["method"] == "PATCH"]
    assert patch["requestBody"] == {"properties": {"publicNetworkAccess": "Disabled"}}
    assert patch["apiVersion"] == "2017-12-01"


def test_public_access_without_an_endpoint_is_left_open_and_alerted(enforcing: Installation) -> None:
    server = enforcing.server("lonely", public=False, endpoint=False, rules=["office"])
    enforcing.look(server)
    enforcing.simulator.patch(server, ENABLED)
    alert = enforcing.wait_for_alert(server, PUBLIC)
    assert alert["decision"]["reason"] == "last-way-in"
    assert alert["evidence"]["losesAccess"]["firewallRules"][0]["name"] == "office"
    assert public_access(enforcing, server) == "Enabled"


def test_both_drifts_of_one_server_are_reverted_rule_first(enforcing: Installation) -> None:
    server = enforcing.server("both", public=False)
    enforcing.look(server)
    since = enforcing.last_call()
    enforcing.simulator.patch(server, ENABLED)
    enforcing.simulator.put(f"{server}/firewallRules/{ALL_AZURE}", ANY_AZURE_ADDRESS)
    enforcing.wait_for_change(server, "Reverted", count=2)
    assert (rule_names(enforcing, server), public_access(enforcing, server)) == (set(), "Disabled")
    methods = [c["method"] for c in enforcing.our_calls("both", since) if c["kind"] in {"write", "delete"}]
    assert methods == ["DELETE", "PATCH"]


def test_the_reverse_order_fails_because_azure_refuses_firewall_writes(enforcing: Installation) -> None:
    server = enforcing.server("reverse", public=True)
    enforcing.simulator.put(f"{server}/firewallRules/{ALL_AZURE}", ANY_AZURE_ADDRESS)
    enforcing.simulator.patch(server, {"properties": {"network": {"publicNetworkAccess": "Disabled"}}})
    status, _, body = enforcing.simulator.arm("DELETE", f"{server}/firewallRules/{ALL_AZURE}")
    assert status == 400
    assert "private access" in str(body)
    assert rule_names(enforcing, server) == {ALL_AZURE}


def test_a_deny_all_in_the_database_subnet_is_overruled_ahead_of_it(enforcing: Installation) -> None:
    nsg, subnet = database_subnet(enforcing, "blocked")
    enforcing.look(subnet)
    enforcing.simulator.put(f"{nsg}/securityRules/deny-all", DENY_ALL)
    change = enforcing.wait_for_change(subnet, "Reverted")
    (edit,) = change["edits"]
    assert edit["rule"]["priority"] == 199
    rules = enforcing.simulator.list_all(f"{nsg}/securityRules")
    assert {rule["name"] for rule in rules} == {"deny-all", edit["rule"]["name"]}
    assert enforcing.look(subnet)["findings"][0]["state"] == "Compliant"


def test_a_deployment_of_31_rules_is_at_most_two_expansions_and_two_looks(enforcing: Installation) -> None:
    nsg, subnet = database_subnet(enforcing, "deployed")
    enforcing.look(subnet)
    enforcing.settle()
    since = enforcing.last_call()
    enforcing.simulator.switches(operation_seconds=0.02)
    began = time.monotonic()
    for number in range(30):
        harmless = seeds.security_rule(name=f"r{number}", priority=300 + number, access="Allow")
        enforcing.simulator.put(f"{nsg}/securityRules/r{number}", harmless)
    enforcing.simulator.put(f"{nsg}/securityRules/last", seeds.security_rule(name="last", priority=150))
    # A deployment that takes longer than its events are waited for is looked at while it goes on.
    later = 2 * int((time.monotonic() - began) / COALESCE_SECONDS)
    enforcing.simulator.switches(operation_seconds=0.2)
    written = enforcing.last_call()
    enforcing.wait_for_change(subnet, "Reverted")
    calls = enforcing.our_calls("deployed", since)
    begun = next(int(call["seq"]) for call in calls if call["kind"] == "write")
    before = [call for call in calls if int(call["seq"]) < begun and call["method"] == "GET"]
    looks = [call for call in before if call["path"].lower().endswith("/subnets/db")]
    nsg_reads = [call for call in before if call["path"].lower().endswith("/nsg-deployed")]
    assert 1 <= len(looks) <= 2 + later
    assert len(nsg_reads) - len(looks) <= 2 + later, "expansions of the locator"
    assert begun > written - 31


def test_a_drift_whose_event_never_came_is_found_by_the_sweep(enforcing: Installation) -> None:
    server = enforcing.server("silent", public=False)
    enforcing.look(server)
    enforcing.simulator.seed([seeds.flexible_server(name="silent", public_access="Enabled")])
    assert public_access(enforcing, server) == "Enabled"
    status = enforcing.host.call("POST", "/admin/functions/sweep", body=b'{"input": ""}').status
    assert status == 202
    enforcing.wait_for_change(server, "Reverted")
    assert public_access(enforcing, server) == "Disabled"


def test_what_was_never_compliant_stays_until_an_operator_adopts_it(enforcing: Installation) -> None:
    server = enforcing.server("inherited", public=True)
    enforcing.simulator.patch(server, {"tags": {"seen": "yes"}})
    alert = enforcing.wait_for_alert(server, PUBLIC)
    assert alert["decision"]["reason"] == "inherited"
    assert public_access(enforcing, server) == "Enabled"
    run = enforcing.look(server, adopt=True)
    assert run["outcomes"][PUBLIC] == "Reverted"
    assert public_access(enforcing, server) == "Disabled"
    assert enforcing.wait_for_alert(server, PUBLIC, status="resolved")["id"] == alert["id"]


def test_a_rollback_restores_the_recorded_reach_and_is_not_reverted(enforcing: Installation) -> None:
    server = enforcing.server("undone", public=False)
    enforcing.look(server)
    enforcing.simulator.patch(server, ENABLED)
    change = enforcing.wait_for_change(server, "Reverted")
    body = {"reason": "the partner needs it", "expiresAt": "2099-01-01T00:00:00Z"}
    status, problem = enforcing.api("POST", f"changes/{change['id']}/rollback", body)
    assert (status, problem["field"]) == (400, "expiresAt")
    soon = until_tomorrow()
    status, _ = enforcing.api("POST", f"changes/{change['id']}/rollback", {**body, "expiresAt": soon})
    assert status == 202
    enforcing.wait_for_change(server, "RolledBack")
    enforcing.settle()
    assert public_access(enforcing, server) == "Enabled"
    assert enforcing.look(server)["findings"][0]["state"] in {"Exempt", "Compliant"}
    assert public_access(enforcing, server) == "Enabled"


def until_tomorrow() -> str:
    from datetime import UTC, datetime, timedelta

    return (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_an_approval_lets_a_revert_through_that_needed_one(enforcing: Installation) -> None:
    server = enforcing.server("approved", public=False, rules=["office"])
    enforcing.look(server)
    enforcing.simulator.patch(server, ENABLED)
    alert = enforcing.wait_for_alert(server, PUBLIC)
    assert alert["decision"]["reason"] == "approval-required"
    status, _ = enforcing.api("POST", f"alerts/{alert['id']}/approve", {})
    assert status == 202
    change = enforcing.wait_for_change(server, "Reverted")
    assert change["decision"]["reason"] == "approved"
    assert public_access(enforcing, server) == "Disabled"


@pytest.mark.parametrize("at", ["accepted", "completed"])
def test_drift_is_reverted_whenever_azure_raises_the_event(
    site: Site, enforcing: Installation, at: str
) -> None:
    enforcing.simulator.switches(event_at=at, duplicate_events=True, reorder_events=True)
    server = enforcing.server(f"event-{at}", public=False)
    enforcing.look(server)
    enforcing.simulator.patch(server, ENABLED)
    enforcing.wait_for_change(server, "Reverted")
    enforcing.simulator.switches(event_at="completed", duplicate_events=False, reorder_events=False)
    assert public_access(enforcing, server) == "Disabled"
    assert len(enforcing.changes(server)) == 1


def test_a_vnet_integrated_server_is_compliant_whatever_its_field_says(enforcing: Installation) -> None:
    _, subnet = database_subnet(enforcing, "inside")
    enforcing.simulator.seed(seeds.well_kept(integrated("inside", subnet, public_access="Enabled")))
    run = enforcing.look(seeds.flexible_server_id(name="inside"))
    assert {finding["state"] for finding in run["findings"]} == {"Compliant"}


def test_rules_of_a_vnet_integrated_server_are_advice_and_dormant_ones_a_low_alert(
    enforcing: Installation,
) -> None:
    _, subnet = database_subnet(enforcing, "idle")
    idle = seeds.flexible_server_id(name="idle")
    enforcing.simulator.seed(
        [
            *seeds.well_kept(integrated("idle", subnet)),
            seeds.firewall_rule(server=idle, name="office", start="198.51.100.7"),
        ]
    )
    enforcing.look(idle)
    advice = enforcing.wait_for_alert(idle, "postgres-firewall-rules-on-vnet-integrated")
    assert (advice["severity"], advice["evidence"]["reach"]) == ("Informational", "private only")
    opened = until(
        lambda: enforcing.published(idle).get("Driftward.Alert.Opened"),
        "whoever follows by program to hear of it",
    )
    assert opened["data"]["severity"] == "Informational"
    asleep = enforcing.server("asleep", public=False, rules=["office"])
    enforcing.look(asleep)
    dormant = enforcing.wait_for_alert(asleep, "postgres-firewall-dormant-rules")
    assert (dormant["severity"], dormant["evidence"]["opensAgain"]) == ("Low", ["198.51.100.7"])


def test_the_alert_on_a_dormant_rule_names_what_may_depend_on_it(enforcing: Installation) -> None:
    server = enforcing.server("dormant", public=False)
    enforcing.look(server)
    mirrored: JsonObject = {"properties": {"value": "on", "source": "user-override"}}
    enforcing.simulator.put(f"{server}/configurations/azure.fabric_mirror_enabled", mirrored)
    enforcing.simulator.seed(
        [
            seeds.firewall_rule(server=server, name="azure", start="0.0.0.0"),
            {
                "id": f"{server}/migrations/from-onprem",
                "properties": {"currentStatus": {"state": "InProgress"}},
            },
        ]
    )
    enforcing.look(server)
    (alert,) = enforcing.alerts(server, policy=FIREWALL)
    assert alert["decision"]["reason"] == "no-plan"
    dependants = alert["evidence"]["likelyDependants"]
    assert (dependants["fabricMirroring"], dependants["runningMigrations"]) == (True, ["from-onprem"])


def test_a_revert_is_published_on_our_topic_as_a_cloud_event(enforcing: Installation) -> None:
    server = enforcing.server("published", public=False)
    enforcing.look(server)
    enforcing.simulator.patch(server, ENABLED)
    enforcing.wait_for_change(server, "Reverted")
    event = until(
        lambda: enforcing.published("published").get("Driftward.Change.Applied"), "the event about the change"
    )
    assert event["specversion"] == "1.0"
    assert event["data"]["outcome"] == "Reverted"


def test_a_failing_sink_blocks_nothing_and_is_tried_again(site: Site) -> None:
    broken = site.install()
    broken.simulator.fault(
        {"status": 403, "code": "Down"}, method="POST", path_contains="/_sim/topics/", times=1
    )
    server = broken.server("unheard", public=False)
    broken.look(server)
    broken.simulator.patch(server, ENABLED)
    broken.wait_for_change(server, "Reverted")
    until(
        lambda: broken.published("unheard").get("Driftward.Change.Applied"), "the second attempt", patience=60
    )
    assert [fault["hits"] for fault in broken.simulator.faults()] == [1]
