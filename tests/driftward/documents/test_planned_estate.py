"""What a plan makes, body by body: what is joined from several resources, and what each version calls it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from driftward.scanning.documents.holdings import Holdings
from driftward.scanning.documents.terraform.estate import PlannedEstate
from driftward.scanning.documents.terraform.plan import plan_of
from local.simulator import seeds
from tests.driftward.documents.planned import DB, LINK, NAMES, PG, SERVER, SUBNET, VNET, ZONE, made
from tests.driftward.documents.plans import (
    GROUP,
    SERVER_UNKNOWN,
    Planned,
    network,
    refer,
    rule,
    security_group,
    server,
    subnet,
    to,
)

FIREWALL = f"{SERVER}_firewall_rule"
V, OTHER = seeds.vnet_id(name="vnet"), seeds.vnet_id(name="other")


def holdings(plan: Planned) -> Holdings:
    return PlannedEstate(plan_of(plan.document(), "tfplan.json")).holdings()


def properties(found: Holdings, resource: str) -> Mapping[str, Any]:
    held: Mapping[str, Any] = found.bodies[resource.lower()]["properties"]
    return held


def peered(plan: Planned, name: str, there: str) -> Planned:
    return plan.add(
        f"azurerm_virtual_network_peering.{name}",
        {"name": f"to-{there}", "resource_group_name": GROUP, "virtual_network_name": name},
        unknown=("id", "remote_virtual_network_id"),
        refers={"remote_virtual_network_id": to(f"{VNET}.{there}")},
    )


def two_networks() -> Planned:
    plan = made().add(f"{VNET}.vnet", network()).add(f"{VNET}.other", network("other"))
    return peered(plan, "vnet", "other")


def test_a_peering_is_connected_once_both_ends_are_planned() -> None:
    (half,) = properties(holdings(two_networks()), V)["virtualNetworkPeerings"]
    assert "peeringState" not in half["properties"]
    (whole,) = properties(holdings(peered(two_networks(), "other", "vnet")), V)["virtualNetworkPeerings"]
    assert whole["properties"]["peeringState"] == "Connected"
    assert whole["properties"]["remoteVirtualNetwork"]["id"] == OTHER
    assert whole["properties"]["remoteAddressSpace"] == {"addressPrefixes": ["10.20.0.0/16"]}


def test_dns_servers_may_be_a_resource_of_their_own() -> None:
    plan = made().add(f"{VNET}.vnet", network())
    plan.add(
        "azurerm_virtual_network_dns_servers.d",
        {"dns_servers": ["10.0.0.4"]},
        unknown=("id", "virtual_network_id"),
        refers={"virtual_network_id": to(f"{VNET}.vnet")},
    )
    assert properties(holdings(plan), V)["dhcpOptions"] == {"dnsServers": ["10.0.0.4"]}


@pytest.mark.parametrize(
    ("given", "refers"),
    [
        ({}, {"private_dns_zone_id": to(f"{ZONE}.z")}),
        ({"private_dns_zone_name": NAMES, "resource_group_name": GROUP}, {}),
        ({"resource_group_name": GROUP}, {"private_dns_zone_name": to(f"{ZONE}.z", "name")}),
    ],
    ids=["azurerm-5", "azurerm-4", "azurerm-4-unknown"],
)
def test_a_zones_link_is_found_by_its_id_or_its_name(given: Any, refers: Any) -> None:
    plan = made().add(f"{ZONE}.z", {"name": NAMES, "resource_group_name": GROUP}).add(f"{VNET}.v", network())
    unknown = ("id", "virtual_network_id", *refers)
    link = {"virtual_network_id": to(f"{VNET}.v"), **refers}
    plan.add(f"{LINK}.l", {"name": "to-vnet", **given}, unknown=unknown, refers=link)
    (found,) = holdings(plan).lists[f"{seeds.zone_id()}/virtualNetworkLinks".lower()]
    assert found["properties"]["virtualNetwork"] == {"id": V}
    assert found["properties"]["virtualNetworkLinkState"] == "Completed"


@pytest.mark.parametrize(
    "given",
    [{"service_endpoint": [{"service": "Microsoft.Storage"}]}, {"service_endpoints": ["Microsoft.Storage"]}],
    ids=["azurerm-5", "azurerm-4"],
)
def test_service_endpoints_are_blocks_or_names(given: Any) -> None:
    plan = made().add(f"{SUBNET}.db", subnet("db", "10.20.1.0/24", **given))
    assert properties(holdings(plan), DB)["serviceEndpoints"] == [{"service": "Microsoft.Storage"}]


def test_a_write_only_group_is_not_taken_for_none() -> None:
    held = subnet("db", "10.20.1.0/24", network_security_group_id_wo_version=1)
    named = properties(holdings(made().add(f"{SUBNET}.db", held)), DB)["networkSecurityGroup"]["id"]
    assert named == "(write-only: network_security_group_id_wo)"


@pytest.mark.parametrize(("switch", "disabled"), [("bgp_route_propagation_enabled", False), ("old", True)])
def test_the_switch_of_propagation_was_turned_round(switch: str, disabled: bool) -> None:
    name = switch if switch != "old" else "disable_bgp_route_propagation"
    table = {"name": "r", "resource_group_name": GROUP, "route": [], name: True}
    found = properties(
        holdings(made().add("azurerm_route_table.r", table)), seeds.network_id(kind="routeTables", name="r")
    )
    assert found["disableBgpRoutePropagation"] is disabled


def test_an_update_of_azapi_is_laid_over_what_it_names() -> None:
    plan = made().add(f"{SERVER}.pg", server("pg"), unknown=SERVER_UNKNOWN)
    plan.add(
        "azapi_update_resource.u",
        {"type": "x", "body": {"properties": {"network": {"publicNetworkAccess": "Disabled"}}}},
        unknown=("id", "resource_id"),
        refers={"resource_id": to(f"{SERVER}.pg")},
    )
    assert properties(holdings(plan), PG)["network"] == {"publicNetworkAccess": "Disabled"}
    assert properties(holdings(plan), PG)["version"] == "17"


def test_a_rule_whose_server_nobody_sees_leaves_every_servers_rules_unknown() -> None:
    plan = made().add(f"{SERVER}.pg", server("pg"), unknown=SERVER_UNKNOWN)
    rule = {"name": "r", "start_ip_address": "0.0.0.0", "end_ip_address": "0.0.0.0"}
    refers = {"server_id": refer("local.server")}
    plan.add(f"{FIREWALL}.r", rule, unknown=("id", "server_id"), refers=refers)
    found = holdings(plan)
    place = f"{PG}/firewallRules".lower()
    assert place not in found.lists
    assert found.lacks(place).startswith(f"{FIREWALL}.r belongs to a {SERVER} that is known only after")


@pytest.mark.parametrize(
    ("index", "reference", "known"),
    [
        ("pg", refer("each.key", f"{SERVER}.all"), True),
        (None, to(f'{SERVER}.all["pg"]'), True),
        (None, refer(f"{SERVER}.all"), False),
        ("nobody", refer("each.key", f"{SERVER}.all"), False),
    ],
    ids=["each", "static", "any", "another-key"],
)
def test_of_several_instances_one_is_meant_or_none(index: str | None, reference: Any, known: bool) -> None:
    plan = made()
    for key in ("pg", "other"):
        plan.add(f"{SERVER}.all", server(key), unknown=SERVER_UNKNOWN, index=key)
    rule = {"name": "r", "start_ip_address": "0.0.0.0", "end_ip_address": "0.0.0.0"}
    plan.add(f"{FIREWALL}.r", rule, unknown=("id", "server_id"), refers={"server_id": reference}, index=index)
    lists = holdings(plan).lists
    assert (len(lists.get(f"{PG}/firewallRules".lower(), ())) == 1) is known
    assert (f"{seeds.flexible_server_id(name='other')}/firewallRules".lower() in lists) is known


def test_a_diagnostic_setting_that_refers_elsewhere_is_no_servers() -> None:
    place = f"{PG}/providers/Microsoft.Insights/diagnosticSettings".lower()
    for reference, known in ((to("azurerm_key_vault.k"), True), (refer("local.target"), False)):
        plan = made().add(f"{SERVER}.pg", server("pg"), unknown=SERVER_UNKNOWN)
        plan.add("azurerm_key_vault.k", {"name": "k"})
        plan.add(
            "azurerm_monitor_diagnostic_setting.d",
            {"name": "d"},
            unknown=("id", "target_resource_id"),
            refers={"target_resource_id": reference},
        )
        assert (place in holdings(plan).lists) is known


def test_single_servers_are_told_and_not_judged() -> None:
    plan = made().add("azurerm_postgresql_server.old", {"name": "old", "resource_group_name": GROUP})
    estate = PlannedEstate(plan_of(plan.document(), "tfplan.json"))
    told = "single servers are not read from a plan, and not judged"
    assert estate.says == (f"azurerm_postgresql_server: {told}",)


@pytest.mark.parametrize(
    ("refers", "known", "sign_in"),
    [
        ({}, {}, {"activeDirectoryAuth": "Disabled", "passwordAuth": "Enabled"}),
        ({"authentication": refer("var.sign_in")}, {}, {}),
        (
            {},
            {"authentication": [{"active_directory_auth_enabled": True}]},
            {"activeDirectoryAuth": "Enabled"},
        ),
    ],
    ids=["left-to-azure", "not-known", "given"],
)
def test_only_what_a_new_server_does_not_say_is_azures_default(refers: Any, known: Any, sign_in: Any) -> None:
    unknown = tuple(one for one in SERVER_UNKNOWN if one not in known)
    plan = made().add(f"{SERVER}.pg", server("pg", **known), unknown=unknown, refers=refers)
    assert properties(holdings(plan), PG).get("authConfig", {}) == sign_in


def test_a_rule_that_is_deleted_is_not_in_the_group_that_the_state_shows() -> None:
    """azurerm reads every rule of an NSG into its state, those that are resources of their own too."""
    nsg = seeds.nsg_id(name="nsg")
    kept, gone = rule("kept", 100), rule("gone", 200)
    held = {**security_group(rules=[kept, gone]), "id": nsg}
    plan = made().add("azurerm_network_security_group.n", held, unknown=(), actions=("no-op",), before=held)
    for name, one, actions in (("kept", kept, ["update"]), ("gone", gone, ["delete"])):
        before = {**one, "id": f"{nsg}/securityRules/{name}", "network_security_group_name": "nsg"}
        before["resource_group_name"] = GROUP
        after = {**before, "access": "Allow"}
        address = f"azurerm_network_security_rule.{name}"
        plan.add(address, after, unknown=(), actions=actions, before=before)
    (found,) = properties(holdings(plan), nsg)["securityRules"]
    assert (found["name"], found["properties"]["access"]) == ("kept", "Allow")


def test_a_block_that_is_known_after_apply_is_not_taken_for_none() -> None:
    plan = made()
    blocks = ("high_availability", "identity", "customer_managed_key")
    given = {name: one for name, one in server("pg").items() if name not in blocks}
    plan.add(f"{SERVER}.pg", given, unknown=(*SERVER_UNKNOWN, *blocks))
    held = {name: one for name, one in subnet("db", "10.20.1.0/24").items() if name != "delegation"}
    plan.add(f"{SUBNET}.db", held, unknown=("id", "delegation"))
    found = holdings(plan)
    told = f"(known after apply: {SERVER}.pg.{{}})".format
    assert properties(found, PG)["highAvailability"] == {"mode": told("high_availability")}
    assert properties(found, PG)["dataEncryption"] == {"type": told("customer_managed_key")}
    assert found.bodies[PG.lower()]["identity"] == {"type": told("identity")}
    (delegation,) = properties(found, DB)["delegations"]
    assert "properties" not in delegation


@pytest.mark.parametrize(
    "unknown", ["private_dns_zone_group", "private_dns_zone_group.0.private_dns_zone_ids"]
)
def test_zones_that_nobody_can_say_leave_the_group_unknown(unknown: str) -> None:
    whole = "." not in unknown
    held = {
        "name": "pe",
        "resource_group_name": GROUP,
        "private_service_connection": [{"name": "c", "is_manual_connection": False}],
        **({} if whole else {"private_dns_zone_group": [{"name": "default"}]}),
    }
    plan = made().add("azurerm_private_endpoint.e", held, unknown=("id", "subnet_id", unknown))
    place = f"{seeds.endpoint_id(name='pe')}/privateDnsZoneGroups".lower()
    found = holdings(plan)
    assert place not in found.lists
    assert "known only after apply" in found.lacks(place)


@pytest.mark.parametrize(
    ("reference", "connections"),
    [(to(f"{SERVER}.pg"), 1), (to("azurerm_key_vault.k"), 0), (refer("local.target"), None)],
    ids=["server", "elsewhere", "nobody-knows"],
)
def test_an_endpoint_that_may_lead_to_any_server_leaves_their_connections_unknown(
    reference: Any, connections: int | None
) -> None:
    plan = made().add(f"{SERVER}.pg", server("pg"), unknown=SERVER_UNKNOWN)
    plan.add("azurerm_key_vault.k", {"name": "k"})
    held = {
        "name": "pe",
        "resource_group_name": GROUP,
        "private_service_connection": [{"name": "c", "is_manual_connection": False}],
    }
    plan.add(
        "azurerm_private_endpoint.e",
        held,
        unknown=("id", "subnet_id", "private_service_connection.0.private_connection_resource_id"),
        refers={"private_service_connection": [{"private_connection_resource_id": reference}]},
    )
    found = properties(holdings(plan), PG).get("privateEndpointConnections")
    assert (None if found is None else len(found)) == connections
