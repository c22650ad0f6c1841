"""Builders of ARM bodies, so that tests and the demo say only what matters to them.

Every builder gives a dict that `SimulatorClient.seed` takes as it is, and whose `properties` serve as the
body of a PUT. What is left out is completed by the simulator. Names and addresses are invented. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from local.simulator.values import JsonObject, JsonValue

SUBSCRIPTION = "5b5d2c1e-0d5f-4a3e-9f50-0d1f7a3d1001"
GROUP = "rg-orders"
LOCATION = "canadacentral"
SERVER = "pg-orders"
NSG = "nsg-data"
VNET = "vnet-orders"
SUBNET = "snet-postgres"
POSTGRES_DELEGATION = "Microsoft.DBforPostgreSQL/flexibleServers"


def group_id(*, group: str = GROUP, subscription: str = SUBSCRIPTION) -> str:
    return f"/subscriptions/{subscription}/resourceGroups/{group}"


def flexible_server_id(*, name: str = SERVER, group: str = GROUP, subscription: str = SUBSCRIPTION) -> str:
    scope = group_id(group=group, subscription=subscription)
    return f"{scope}/providers/Microsoft.DBforPostgreSQL/flexibleServers/{name}"


def single_server_id(*, name: str = SERVER, group: str = GROUP, subscription: str = SUBSCRIPTION) -> str:
    scope = group_id(group=group, subscription=subscription)
    return f"{scope}/providers/Microsoft.DBforPostgreSQL/servers/{name}"


def network_id(*, kind: str, name: str, group: str = GROUP, subscription: str = SUBSCRIPTION) -> str:
    return f"{group_id(group=group, subscription=subscription)}/providers/Microsoft.Network/{kind}/{name}"


def nsg_id(*, name: str = NSG, group: str = GROUP, subscription: str = SUBSCRIPTION) -> str:
    return network_id(kind="networkSecurityGroups", name=name, group=group, subscription=subscription)


def vnet_id(*, name: str = VNET, group: str = GROUP, subscription: str = SUBSCRIPTION) -> str:
    return network_id(kind="virtualNetworks", name=name, group=group, subscription=subscription)


def subnet_id(
    *, name: str = SUBNET, vnet: str = VNET, group: str = GROUP, subscription: str = SUBSCRIPTION
) -> str:
    return f"{vnet_id(name=vnet, group=group, subscription=subscription)}/subnets/{name}"


def endpoint_id(*, name: str, group: str = GROUP, subscription: str = SUBSCRIPTION) -> str:
    return network_id(kind="privateEndpoints", name=name, group=group, subscription=subscription)


def flexible_server(
    *,
    name: str = SERVER,
    group: str = GROUP,
    public_access: str | None = "Enabled",
    delegated_subnet: str = "",
    state: str = "Ready",
    properties: JsonObject | None = None,
) -> JsonObject:
    """A flexible server; `public_access` None leaves the field out. `properties` are added last."""
    network: JsonObject = {} if public_access is None else {"publicNetworkAccess": public_access}
    if delegated_subnet:
        network["delegatedSubnetResourceId"] = delegated_subnet
    kept: JsonObject = {"state": state, "network": network, **(properties or {})}
    return {
        "id": flexible_server_id(name=name, group=group),
        "location": LOCATION,
        "tags": {},
        "properties": kept,
    }


def single_server(
    *, name: str = SERVER, group: str = GROUP, public_access: str = "Enabled", state: str = "Ready"
) -> JsonObject:
    return {
        "id": single_server_id(name=name, group=group),
        "location": LOCATION,
        "properties": {"publicNetworkAccess": public_access, "userVisibleState": state},
    }


def firewall_rule(*, server: str, name: str, start: str, end: str | None = None) -> JsonObject:
    """A rule of the server with this id; one address where `end` is left out."""
    return {
        "id": f"{server}/firewallRules/{name}",
        "properties": {"startIpAddress": start, "endIpAddress": end or start},
    }


def security_rule(
    *,
    name: str,
    priority: int,
    direction: str = "Inbound",
    access: str = "Deny",
    properties: JsonObject | None = None,
) -> JsonObject:
    """An inline rule: any protocol, address and port unless `properties` say otherwise."""
    kept: JsonObject = {
        "protocol": "*",
        "sourcePortRange": "*",
        "destinationPortRange": "*",
        "sourceAddressPrefix": "*",
        "destinationAddressPrefix": "*",
        "access": access,
        "priority": priority,
        "direction": direction,
    }
    added = properties or {}
    # A plural field given here stands instead of the singular one of above.
    for single, plural in (
        ("sourcePortRange", "sourcePortRanges"),
        ("destinationPortRange", "destinationPortRanges"),
        ("sourceAddressPrefix", "sourceAddressPrefixes"),
        ("destinationAddressPrefix", "destinationAddressPrefixes"),
    ):
        if added.get(plural):
            del kept[single]
    return {"name": name, "properties": kept | added}


def nsg(*, name: str = NSG, group: str = GROUP, rules: Sequence[JsonObject] = ()) -> JsonObject:
    listed: list[JsonValue] = list(rules)
    return {
        "id": nsg_id(name=name, group=group),
        "location": LOCATION,
        "properties": {"securityRules": listed},
    }


def subnet(
    *,
    name: str = SUBNET,
    prefix: str = "10.20.1.0/24",
    delegated: bool = True,
    nsg: str = "",
    route_table: str = "",
) -> JsonObject:
    """An inline subnet; `nsg` and `route_table` are ids."""
    kept: JsonObject = {"addressPrefix": prefix}
    if delegated:
        kept["delegations"] = [{"name": "postgres", "properties": {"serviceName": POSTGRES_DELEGATION}}]
    if nsg:
        kept["networkSecurityGroup"] = {"id": nsg}
    if route_table:
        kept["routeTable"] = {"id": route_table}
    return {"name": name, "properties": kept}


def vnet(
    *,
    name: str = VNET,
    group: str = GROUP,
    prefixes: Sequence[str] = ("10.20.0.0/16",),
    subnets: Sequence[JsonObject] = (),
) -> JsonObject:
    listed: list[JsonValue] = list(subnets)
    return {
        "id": vnet_id(name=name, group=group),
        "location": LOCATION,
        "properties": {"addressSpace": {"addressPrefixes": list(prefixes)}, "subnets": listed},
    }


def route_table(*, name: str, group: str = GROUP, routes: Sequence[JsonObject] = ()) -> JsonObject:
    listed: list[JsonValue] = list(routes)
    return {
        "id": network_id(kind="routeTables", name=name, group=group),
        "location": LOCATION,
        "properties": {"routes": listed},
    }


def private_endpoint(*, name: str, server: str, subnet: str, group: str = GROUP) -> JsonObject:
    """An endpoint in a subnet (id) that leads to a server (id); makes an approved connection there."""
    connection: JsonObject = {
        "name": name,
        "properties": {"privateLinkServiceId": server, "groupIds": ["postgresqlServer"]},
    }
    return {
        "id": endpoint_id(name=name, group=group),
        "location": LOCATION,
        "properties": {"subnet": {"id": subnet}, "privateLinkServiceConnections": [connection]},
    }


def private_dns_zone(
    *, name: str = "privatelink.postgres.database.azure.com", group: str = GROUP
) -> JsonObject:
    return {
        "id": network_id(kind="privateDnsZones", name=name, group=group),
        "location": "global",
        "properties": {},
    }


def service_tags(
    *, prefixes: Mapping[str, Sequence[str]], location: str = LOCATION, change_number: str = "1"
) -> JsonObject:
    """The list of service tags that a location answers with, by name."""
    values: list[JsonValue] = [
        {"name": name, "id": name, "properties": {"addressPrefixes": list(listed)}}
        for name, listed in prefixes.items()
    ]
    place = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Network/locations/{location}"
    return {"id": f"{place}/serviceTags/public", "changeNumber": change_number, "values": values}


def lock(*, scope: str, name: str, level: str = "CanNotDelete") -> JsonObject:
    return {"id": f"{scope}/providers/Microsoft.Authorization/locks/{name}", "properties": {"level": level}}
