"""Plans, each with the resources that applying it makes, as whoever applies them would find them in Azure.

Both are written by hand and know nothing of each other. Every plan has a resource group of its own, so that
one simulator holds what all of them make.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local.simulator import seeds
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

SUB = seeds.SUBSCRIPTION
SERVER = "azurerm_postgresql_flexible_server"
FIREWALL = f"{SERVER}_firewall_rule"
NSG, NSG_RULE = "azurerm_network_security_group", "azurerm_network_security_rule"
SUBNET, VNET = "azurerm_subnet", "azurerm_virtual_network"
NSG_OF = "azurerm_subnet_network_security_group_association"
ROUTES_OF = "azurerm_subnet_route_table_association"
ENDPOINT, ZONE = "azurerm_private_endpoint", "azurerm_private_dns_zone"
LINK = f"{ZONE}_virtual_network_link"
NAMES = seeds.PRIVATE_LINK_ZONE
PG, OTHER = seeds.flexible_server_id(name="pg"), seeds.flexible_server_id(name="other")
DB = seeds.subnet_id(name="db", vnet="vnet")


@dataclass(frozen=True, kw_only=True)
class Case:
    """``wrong`` are drifts that the plan has to show, ``unknown`` what it cannot know, by policy."""

    plan: Planned
    applied: Sequence[Mapping[str, Any]]
    wrong: Sequence[str] = ()
    unknown: Mapping[str, str] = field(default_factory=dict)

    def document(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(json.dumps(self.plan.document()).replace(GROUP, f"rg-{name}"))
        return found

    def resources(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(json.dumps([*self.applied]).replace(GROUP, f"rg-{name}"))
        return found


def made() -> Planned:
    return Planned(subscription=SUB)


def firewall(name: str, start: str, end: str | None = None) -> dict[str, Any]:
    return {"name": name, "start_ip_address": start, "end_ip_address": end or start}


def of_server(address: str = f"{SERVER}.pg") -> dict[str, Any]:
    return {"server_id": to(address)}


UNKNOWN_PARENT = ("id", "server_id")


def within(plan: Planned, *, rules: Sequence[Mapping[str, Any]] = ()) -> Planned:
    """A network with a delegated subnet, an NSG on it, and a server in it."""
    plan.add(f"{VNET}.v", network(), unknown=("id", "guid", "subnet"))
    plan.add(
        f"{SUBNET}.db", subnet("db", "10.20.1.0/24"), refers={"virtual_network_name": to(f"{VNET}.v", "name")}
    )
    plan.add(f"{NSG}.n", security_group(rules=rules))
    plan.add(
        f"{NSG_OF}.a",
        {},
        unknown=("id", "subnet_id", "network_security_group_id"),
        refers={"subnet_id": to(f"{SUBNET}.db"), "network_security_group_id": to(f"{NSG}.n")},
    )
    return plan.add(
        f"{SERVER}.pg",
        server("pg", public_network_access_enabled=False),
        unknown=(*SERVER_UNKNOWN, "delegated_subnet_id"),
        refers={"delegated_subnet_id": to(f"{SUBNET}.db")},
    )


def applied_within(rules: Sequence[Any] = (), **properties: Any) -> list[dict[str, Any]]:
    return [
        seeds.nsg(name="nsg", rules=list(rules)),
        seeds.vnet(
            name="vnet",
            subnets=[
                seeds.subnet(
                    name="db",
                    nsg=seeds.nsg_id(name="nsg"),
                    properties={"privateEndpointNetworkPolicies": "Disabled", **properties},
                )
            ],
        ),
        seeds.flexible_server(name="pg", public_access="Disabled", delegated_subnet=DB),
    ]


def _flat() -> Case:
    plan = made().add(f"{SERVER}.pg", server("pg"), unknown=SERVER_UNKNOWN)
    plan.add(f"{FIREWALL}.azure", firewall("azure", "0.0.0.0"), unknown=UNKNOWN_PARENT, refers=of_server())
    return Case(
        plan=plan,
        applied=[
            seeds.flexible_server(name="pg"),
            seeds.firewall_rule(server=PG, name="azure", start="0.0.0.0"),
        ],
        wrong=["postgres-public-access-enabled", "postgres-firewall-allows-all-azure"],
    )


def _for_each() -> Case:
    plan, each = made(), refer("each.key", f"{SERVER}.all")
    for key, public in (("pg", True), ("other", False)):
        given = server(key, public_network_access_enabled=public)
        plan.add(f"{SERVER}.all", given, unknown=SERVER_UNKNOWN, index=key)
        plan.add(
            f"{FIREWALL}.all",
            firewall("wide", "0.0.0.0", "255.255.255.255") if key == "pg" else firewall("one", "192.0.2.7"),
            unknown=UNKNOWN_PARENT,
            refers={"server_id": each},
            index=key,
        )
    return Case(
        plan=plan,
        applied=[
            seeds.flexible_server(name="pg"),
            seeds.firewall_rule(server=PG, name="wide", start="0.0.0.0", end="255.255.255.255"),
            seeds.flexible_server(name="other", public_access="Disabled"),
            seeds.firewall_rule(server=OTHER, name="one", start="192.0.2.7"),
        ],
        wrong=["postgres-firewall-allows-whole-internet"],
    )


def _for_each_of_servers() -> Case:
    """``for_each = azurerm_postgresql_flexible_server.all``, ``server_id = each.value.id``."""
    plan, over = made(), refer(f"{SERVER}.all")
    for key in ("pg", "other"):
        plan.add(f"{SERVER}.all", server(key), unknown=SERVER_UNKNOWN, index=key)
        plan.add(
            f"{FIREWALL}.all",
            firewall("office", "192.0.2.7") if key == "pg" else firewall("azure", "0.0.0.0"),
            unknown=UNKNOWN_PARENT,
            refers={"server_id": refer("each.value.id", "each.value")},
            index=key,
            for_each=over,
        )
    return Case(
        plan=plan,
        applied=[
            seeds.flexible_server(name="pg"),
            seeds.firewall_rule(server=PG, name="office", start="192.0.2.7"),
            seeds.flexible_server(name="other"),
            seeds.firewall_rule(server=OTHER, name="azure", start="0.0.0.0"),
        ],
        wrong=["postgres-firewall-allows-all-azure"],
    )


def _count() -> Case:
    plan = made()
    for number, key in enumerate(("pg", "other")):
        plan.add(f"{SERVER}.all", server(key), unknown=SERVER_UNKNOWN, index=number)
    plan.add(
        f"{FIREWALL}.second",
        firewall("azure", "0.0.0.0"),
        unknown=UNKNOWN_PARENT,
        refers={"server_id": to(f"{SERVER}.all[1]")},
    )
    return Case(
        plan=plan,
        applied=[
            seeds.flexible_server(name="pg"),
            seeds.flexible_server(name="other"),
            seeds.firewall_rule(server=OTHER, name="azure", start="0.0.0.0"),
        ],
        wrong=["postgres-firewall-allows-all-azure"],
    )


def _inline_rules() -> Case:
    rules = [rule("deny-all", 200), rule("office", 100, access="Allow", source_address_prefix="192.0.2.0/24")]
    return Case(
        plan=within(made(), rules=rules),
        applied=applied_within(
            [
                seeds.security_rule(name="deny-all", priority=200),
                seeds.security_rule(
                    name="office",
                    priority=100,
                    access="Allow",
                    properties={"sourceAddressPrefix": "192.0.2.0/24"},
                ),
            ]
        ),
        wrong=["nsg-blocks-postgres-in-subnet"],
    )


def _standalone_rules() -> Case:
    plan = within(made())
    plan.add(
        f"{NSG_RULE}.any",
        {
            **rule("any", 100, access="Allow", destination_port_range="5432", protocol="Tcp"),
            "resource_group_name": GROUP,
            "network_security_group_name": "nsg",
        },
        refers={"network_security_group_name": to(f"{NSG}.n", "name")},
    )
    return Case(
        plan=plan,
        applied=applied_within(
            [
                seeds.security_rule(
                    name="any",
                    priority=100,
                    access="Allow",
                    properties={"destinationPortRange": "5432", "protocol": "Tcp"},
                )
            ]
        ),
        wrong=["nsg-without-final-deny"],
    )


def _modules() -> Case:
    """The subnet comes out of one module and goes into another, which has an instance ``a``."""
    plan, inside = made(), 'module.db["a"]'
    plan.add(f"{VNET}.v", network(), module="module.net")
    plan.add(f"{SUBNET}.db", subnet("db", "10.20.1.0/24"), module="module.net")
    plan.add(f"{NSG}.n", security_group(rules=[rule("deny-all", 100)]), module="module.net")
    plan.add(
        f"{NSG_OF}.a",
        {},
        unknown=("id", "subnet_id", "network_security_group_id"),
        refers={"subnet_id": to(f"{SUBNET}.db"), "network_security_group_id": to(f"{NSG}.n")},
        module="module.net",
    )
    plan.output("net", "subnet_id", to(f"{SUBNET}.db"))
    given = server("pg", public_network_access_enabled=False)
    plan.add(
        f"{SERVER}.this",
        given,
        unknown=(*SERVER_UNKNOWN, "delegated_subnet_id"),
        refers={"delegated_subnet_id": refer("var.subnet_id")},
        module=inside,
    )
    plan.call("net").call("db", subnet_id=refer("module.net.subnet_id", "module.net"))
    return Case(
        plan=plan,
        applied=applied_within([seeds.security_rule(name="deny-all", priority=100)]),
        wrong=["nsg-blocks-postgres-in-subnet"],
    )


def _with_endpoint(*, manual: bool) -> Planned:
    plan = made().add(f"{VNET}.v", network())
    plan.add(f"{SUBNET}.pe", subnet("pe", "10.20.2.0/24", delegated=False))
    plan.add(f"{SERVER}.pg", server("pg", public_network_access_enabled=False), unknown=SERVER_UNKNOWN)
    connection = {"name": "pg", "is_manual_connection": manual, "subresource_names": ["postgresqlServer"]}
    return plan.add(
        f"{ENDPOINT}.e",
        {
            "name": "pe-pg",
            "resource_group_name": GROUP,
            "location": "canadacentral",
            "private_service_connection": [connection],
            "private_dns_zone_group": [] if manual else [{"name": "default"}],
            "ip_configuration": [],
        },
        unknown=(
            *("id", "subnet_id", "network_interface", "custom_dns_configs", "private_dns_zone_configs"),
            "private_service_connection.0.private_connection_resource_id",
            *(() if manual else ("private_dns_zone_group.0.private_dns_zone_ids",)),
        ),
        refers={
            "subnet_id": to(f"{SUBNET}.pe"),
            "private_service_connection": [{"private_connection_resource_id": to(f"{SERVER}.pg")}],
            "private_dns_zone_group": [{"private_dns_zone_ids": to(f"{ZONE}.z")}],
        },
    )


def _applied_with_endpoint(*, manual: bool) -> list[dict[str, Any]]:
    policies: dict[str, Any] = {"privateEndpointNetworkPolicies": "Disabled"}
    shown = seeds.subnet(name="pe", prefix="10.20.2.0/24", delegated=False, properties=policies)
    place = seeds.subnet_id(name="pe", vnet="vnet")
    return [
        seeds.vnet(name="vnet", subnets=[shown]),
        seeds.flexible_server(name="pg", public_access="Disabled"),
        seeds.private_endpoint(name="pe-pg", server=PG, subnet=place, manual=manual),
    ]


def _endpoint() -> Case:
    plan = _with_endpoint(manual=False).add(f"{ZONE}.z", {"name": NAMES, "resource_group_name": GROUP})
    plan.add(
        f"{LINK}.l",
        {"name": "to-vnet", "registration_enabled": False},
        unknown=("id", "private_dns_zone_id", "virtual_network_id"),
        refers={"private_dns_zone_id": to(f"{ZONE}.z"), "virtual_network_id": to(f"{VNET}.v")},
    )
    zone = seeds.zone_id()
    return Case(
        plan=plan,
        applied=[
            *_applied_with_endpoint(manual=False),
            seeds.private_dns_zone(),
            seeds.zone_link(zone=zone, vnet=seeds.vnet_id(name="vnet"), name="to-vnet"),
            seeds.zone_group(endpoint=seeds.endpoint_id(name="pe-pg"), zones=[zone]),
        ],
    )


def _manual_endpoint() -> Case:
    return Case(
        plan=_with_endpoint(manual=True),
        applied=_applied_with_endpoint(manual=True),
        wrong=["postgres-private-endpoint-not-approved", "postgres-no-approved-private-endpoint"],
    )


def _routes() -> Case:
    plan = within(made(), rules=[])
    plan.add(
        "azurerm_route_table.r",
        {
            "name": "routes",
            "resource_group_name": GROUP,
            "location": "canadacentral",
            "bgp_route_propagation_enabled": True,
            "route": [],
        },
    )
    plan.add(
        "azurerm_route.out",
        {
            "name": "out",
            "resource_group_name": GROUP,
            "route_table_name": "routes",
            "address_prefix": "0.0.0.0/0",
            "next_hop_type": "VirtualAppliance",
            "next_hop_in_ip_address": "10.20.9.4",
        },
        refers={"route_table_name": to("azurerm_route_table.r", "name")},
    )
    plan.add(
        f"{ROUTES_OF}.a",
        {},
        unknown=("id", "subnet_id", "route_table_id"),
        refers={"subnet_id": to(f"{SUBNET}.db"), "route_table_id": to("azurerm_route_table.r")},
    )
    table = seeds.network_id(kind="routeTables", name="routes")
    route = {
        "name": "out",
        "properties": {
            "addressPrefix": "0.0.0.0/0",
            "nextHopType": "VirtualAppliance",
            "nextHopIpAddress": "10.20.9.4",
        },
    }
    return Case(
        plan=plan,
        applied=[
            {"id": table, "location": seeds.LOCATION, "properties": {"routes": [route]}},
            *applied_within([], routeTable={"id": table}),
        ],
        unknown={"nsg-blocks-storage-outbound": "(0.0.0.0/0) leads to VirtualAppliance 10.20.9.4"},
    )


def _inline_subnets() -> Case:
    held = subnet("db", "10.20.1.0/24")
    inline = {name: one for name, one in held.items() if not name.endswith("_name")} | {"name": "db"}
    plan = made().add(f"{NSG}.n", security_group(rules=[rule("deny-all", 100)]))
    plan.add(f"{VNET}.v", network(subnet=[inline]), unknown=("id", "subnet.0.id"))
    plan.add(
        f"{NSG_OF}.a",
        {"subnet_id": DB},
        unknown=("id", "network_security_group_id"),
        refers={"network_security_group_id": to(f"{NSG}.n")},
    )
    given = server("pg", delegated_subnet_id=DB, public_network_access_enabled=False)
    plan.add(f"{SERVER}.pg", given, unknown=SERVER_UNKNOWN)
    return Case(
        plan=plan,
        applied=applied_within([seeds.security_rule(name="deny-all", priority=100)]),
        wrong=["nsg-blocks-postgres-in-subnet"],
    )


def _azapi() -> Case:
    group = {"name": GROUP, "location": "canadacentral"}
    plan = made().add("azurerm_resource_group.g", group)
    kind = "Microsoft.DBforPostgreSQL/flexibleServers"
    plan.add(
        "azapi_resource.pg",
        {
            "type": f"{kind}@2025-08-01",
            "name": "pg",
            "location": "canadacentral",
            "body": {
                "sku": {"name": "Standard_D2ads_v5", "tier": "GeneralPurpose"},
                "properties": {
                    "version": "17",
                    "network": {"publicNetworkAccess": "Enabled"},
                    "authConfig": {"activeDirectoryAuth": "Enabled", "passwordAuth": "Disabled"},
                },
            },
        },
        unknown=("id", "parent_id", "output"),
        refers={"parent_id": to("azurerm_resource_group.g")},
    )
    plan.add(
        "azapi_resource.rule",
        {
            "type": f"{kind}/firewallRules@2025-08-01",
            "name": "azure",
            "body": json.dumps({"properties": {"startIpAddress": "0.0.0.0", "endIpAddress": "0.0.0.0"}}),
        },
        unknown=("id", "parent_id"),
        refers={"parent_id": to("azapi_resource.pg")},
    )
    sign_in: dict[str, Any] = {"authConfig": {"activeDirectoryAuth": "Enabled", "passwordAuth": "Disabled"}}
    return Case(
        plan=plan,
        applied=[
            seeds.flexible_server(name="pg", properties=sign_in),
            seeds.firewall_rule(server=PG, name="azure", start="0.0.0.0"),
        ],
        wrong=["postgres-firewall-allows-all-azure", "postgres-entra-administrator-missing"],
    )


def _known_before() -> Case:
    """A server that is there already is opened; a rule of it is deleted, another one stays."""
    before = server(
        "pg", id=PG, authentication=[{"active_directory_auth_enabled": False, "password_auth_enabled": True}]
    )
    before |= {
        "public_network_access_enabled": False,
        "backup_retention_days": 7,
        "fqdn": "pg.postgres.database.azure.com",
    }
    plan = made().add(
        f"{SERVER}.pg",
        {**before, "public_network_access_enabled": True},
        unknown=(),
        actions=("update",),
        before=before,
    )
    azure = {**firewall("azure", "0.0.0.0"), "server_id": PG, "id": f"{PG}/firewallRules/azure"}
    plan.add(f"{FIREWALL}.azure", azure, unknown=(), actions=("delete",), before=azure)
    wide = {
        **firewall("wide", "0.0.0.0", "255.255.255.255"),
        "server_id": PG,
        "id": f"{PG}/firewallRules/wide",
    }
    plan.add(f"{FIREWALL}.wide", wide, unknown=(), actions=("no-op",), before=wide)
    others = "those that are not shown here"
    return Case(
        plan=plan,
        applied=[
            seeds.flexible_server(name="pg"),
            seeds.firewall_rule(server=PG, name="wide", start="0.0.0.0", end="255.255.255.255"),
        ],
        wrong=["postgres-public-access-enabled", "postgres-firewall-allows-whole-internet"],
        unknown={"postgres-firewall-allows-all-azure": others},
    )


def _unknown_address() -> Case:
    plan = made().add(f"{SERVER}.pg", server("pg"), unknown=SERVER_UNKNOWN)
    plan.add(
        f"{FIREWALL}.nat",
        {"name": "nat"},
        unknown=(*UNKNOWN_PARENT, "start_ip_address", "end_ip_address"),
        refers={**of_server(), "start_ip_address": to("azurerm_public_ip.nat", "ip_address")},
    )
    return Case(
        plan=plan,
        applied=[
            seeds.flexible_server(name="pg"),
            seeds.firewall_rule(server=PG, name="nat", start="0.0.0.0"),
        ],
        wrong=["postgres-public-access-enabled"],
        unknown={"postgres-firewall-allows-all-azure": f"known after apply: {FIREWALL}.nat.start_ip_address"},
    )


def _unknown_group() -> Case:
    """Through a local nobody sees which NSG a rule goes to."""
    plan = within(made(), rules=[rule("deny-all", 200)])
    plan.add(
        f"{NSG_RULE}.odd",
        {**rule("odd", 100, access="Allow"), "resource_group_name": GROUP},
        unknown=("id", "network_security_group_name"),
        refers={"network_security_group_name": refer("local.nsg")},
    )
    rules = [
        seeds.security_rule(name="deny-all", priority=200),
        seeds.security_rule(name="odd", priority=100, access="Allow"),
    ]
    return Case(
        plan=plan,
        applied=applied_within(rules),
        unknown={"nsg-blocks-postgres-in-subnet": f"{NSG_RULE}.odd belongs to a {NSG} that is known only"},
    )


CASES: Mapping[str, Case] = {
    "flat": _flat(),
    "for-each": _for_each(),
    "for-each-of-servers": _for_each_of_servers(),
    "count": _count(),
    "inline-rules": _inline_rules(),
    "standalone-rules": _standalone_rules(),
    "modules": _modules(),
    "endpoint": _endpoint(),
    "manual-endpoint": _manual_endpoint(),
    "routes": _routes(),
    "inline-subnets": _inline_subnets(),
    "azapi": _azapi(),
    "known-before": _known_before(),
    "unknown-address": _unknown_address(),
    "unknown-group": _unknown_group(),
}
