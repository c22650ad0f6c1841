"""Builders of ARM bodies, so that tests and the demo say only what matters to them.

Every builder gives a dict that `SimulatorClient.seed` takes as it is, and whose `properties` serve as the
body of a PUT. What is left out is completed by the simulator. Names and addresses are invented. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from local.simulator.values import TENANT, JsonObject, JsonValue, as_list, as_object, fill

SUBSCRIPTION = "5b5d2c1e-0d5f-4a3e-9f50-0d1f7a3d1001"
GROUP = "rg-orders"
LOCATION = "canadacentral"
SERVER = "pg-orders"
NSG = "nsg-data"
VNET = "vnet-orders"
SUBNET = "snet-postgres"
POSTGRES_DELEGATION = "Microsoft.DBforPostgreSQL/flexibleServers"
ADMINISTRATOR = "6f3b0b7e-19c4-4f6d-8a55-0c5d2e7a2001"
KEY_URI = "https://kv-orders.vault.azure.net/keys/pg/0123456789abcdef0123456789abcdef"
KEY_NAME = "kv-orders_pg_0123456789abcdef0123456789abcdef"
PRIVATE_LINK_ZONE = "privatelink.postgres.database.azure.com"
# The heading of Azure's page on this state; how the API itself words it is not published.
HA_BLOCKED = "Network Security Group (NSG) or Virtual Appliance Blocking Connections"


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
    *,
    name: str = SERVER,
    group: str = GROUP,
    public_access: str = "Enabled",
    state: str = "Ready",
    properties: JsonObject | None = None,
) -> JsonObject:
    """A single server; `properties` (TLS, encryption, storage profile, …) are added last."""
    kept: JsonObject = {
        "publicNetworkAccess": public_access,
        "userVisibleState": state,
        **(properties or {}),
    }
    return {"id": single_server_id(name=name, group=group), "location": LOCATION, "properties": kept}


def with_identity(server: JsonObject, *, identities: Sequence[str] = ()) -> JsonObject:
    """A server body with these user-assigned identities (ids), or a system-assigned one where none is
    named.
    """
    named: JsonObject = {one: {} for one in identities}
    assigned: JsonObject = {"type": "UserAssigned", "userAssignedIdentities": named}
    return server | {"identity": assigned if identities else {"type": "SystemAssigned"}}


def customer_key(*, key_uri: str, identity: str, status: str = "Valid", **backup: str) -> JsonObject:
    """`dataEncryption` with a customer's key; `geoBackupKeyURI` and its identity as further fields."""
    return {
        "type": "AzureKeyVault",
        "primaryKeyURI": key_uri,
        "primaryUserAssignedIdentityId": identity,
        "primaryEncryptionKeyStatus": status,
        **backup,
    }


def server_key(*, server: str, name: str = KEY_NAME, uri: str = KEY_URI) -> JsonObject:
    """A customer's key of a single server (id)."""
    return {
        "id": f"{server}/keys/{name}",
        "properties": {"serverKeyType": "AzureKeyVault", "uri": uri},
    }


def replica(*, name: str, source: str, group: str = GROUP, delegated_subnet: str = "") -> JsonObject:
    """A read replica of the flexible server with this id."""
    role: JsonObject = {"replicationRole": "AsyncReplica", "sourceServerResourceId": source}
    return flexible_server(name=name, group=group, delegated_subnet=delegated_subnet, properties=role)


def parameter(*, server: str, name: str, value: str, fields: JsonObject | None = None) -> JsonObject:
    """A parameter of a server (id) that was set; `fields` stand over the catalogue's (`isReadOnly`, …)."""
    kept: JsonObject = {"value": value, "source": "user-override", **(fields or {})}
    return {"id": f"{server}/configurations/{name}", "properties": kept}


def administrator(*, server: str, object_id: str, name: str = "db-admins", kind: str = "Group") -> JsonObject:
    """An Entra administrator of a flexible server (id): `kind` User, Group or ServicePrincipal."""
    kept: JsonObject = {
        "objectId": object_id,
        "principalName": name,
        "principalType": kind,
        "tenantId": TENANT,
    }
    return {"id": f"{server}/administrators/{object_id}", "properties": kept}


def threat_protection(*, server: str, state: str = "Enabled") -> JsonObject:
    """Threat protection of a server (id), flexible or single."""
    flexible = "/flexibleservers/" in server.lower()
    child = "advancedThreatProtectionSettings" if flexible else "securityAlertPolicies"
    return {"id": f"{server}/{child}/Default", "properties": {"state": state}}


def diagnostic_setting(
    *, resource: str, name: str = "to-workspace", groups: Sequence[str] = ("allLogs",), workspace: str = ""
) -> JsonObject:
    """A diagnostic setting of any resource (id) that sends category groups to a workspace (id)."""
    where = workspace or f"{group_id()}/providers/Microsoft.OperationalInsights/workspaces/logs"
    logs: list[JsonValue] = [
        {"categoryGroup": one, "enabled": True, "retentionPolicy": {"enabled": False, "days": 0}}
        for one in groups
    ]
    kept: JsonObject = {"workspaceId": where, "logs": logs, "metrics": []}
    return {"id": f"{resource}/providers/Microsoft.Insights/diagnosticSettings/{name}", "properties": kept}


def health(
    *, resource: str, state: str = "Degraded", title: str = "Degraded", summary: str = HA_BLOCKED
) -> JsonObject:
    """What Resource Health says of a resource (id); high availability that an NSG blocks unless told
    otherwise.
    """
    kept: JsonObject = {
        "availabilityState": state,
        "title": title,
        "summary": summary,
        "reasonType": "Unplanned",
        "reasonChronicity": "Persistent",
    }
    return {
        "id": f"{resource}/providers/Microsoft.ResourceHealth/availabilityStatuses/current",
        "properties": kept,
    }


def well_kept(server: JsonObject, *, version: str = "17") -> list[JsonObject]:
    """The body of a flexible server with everything that is asked of one besides its network.

    Entra sign-in alone with an administrator and an identity, a customer's key, backups in two regions,
    high availability, logging, audit, diagnostic settings and threat protection. What Azure has right by
    itself is left alone; a body's own properties stand over these.
    """
    server_id = str(server["id"])
    identity = f"{group_id()}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-keys"
    kept: JsonObject = {
        "version": version,
        "authConfig": {"activeDirectoryAuth": "Enabled", "passwordAuth": "Disabled"},
        "dataEncryption": customer_key(
            key_uri=KEY_URI,
            identity=identity,
            geoBackupKeyURI=KEY_URI.replace("kv-", "kv-paired-"),
            geoBackupUserAssignedIdentityId=identity,
        ),
        "backup": {"backupRetentionDays": 35, "geoRedundantBackup": "Enabled"},
        "highAvailability": {"mode": "ZoneRedundant"},
    }
    properties = fill(as_object(server.get("properties")), kept)
    return [
        with_identity(server, identities=[identity]) | {"properties": properties},
        administrator(server=server_id, object_id=ADMINISTRATOR),
        threat_protection(server=server_id),
        diagnostic_setting(resource=server_id),
        *(parameter(server=server_id, name=name, value=value) for name, value in _logged(version)),
    ]


def _logged(version: str) -> list[tuple[str, str]]:
    values = [
        ("azure.accepted_password_auth_method", "scram-sha-256"),
        ("log_duration", "on"),
        ("logfiles.download_enable", "on"),
        ("logfiles.retention_days", "7"),
        ("password_encryption", "scram-sha-256"),
        ("pgaudit.log", "all"),
        ("shared_preload_libraries", "pg_cron,pg_stat_statements,pgaudit"),
    ]
    # The service has the parameter up to version 15 (`parameter_defaults.py`).
    throttled = version.isdigit() and int(version) <= 15
    return [*values, ("connection_throttle.enable", "on")] if throttled else values


def virtual_network_rule(*, server: str, name: str, subnet: str) -> JsonObject:
    """A rule of a single server (id) that admits a subnet (id)."""
    kept: JsonObject = {
        "virtualNetworkSubnetId": subnet,
        "ignoreMissingVnetServiceEndpoint": False,
        "state": "Ready",
    }
    return {"id": f"{server}/virtualNetworkRules/{name}", "properties": kept}


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
    properties: JsonObject | None = None,
) -> JsonObject:
    """An inline subnet; `nsg` and `route_table` are ids. `properties` are added last."""
    kept: JsonObject = {"addressPrefix": prefix}
    if delegated:
        kept["delegations"] = [{"name": "postgres", "properties": {"serviceName": POSTGRES_DELEGATION}}]
    if nsg:
        kept["networkSecurityGroup"] = {"id": nsg}
    if route_table:
        kept["routeTable"] = {"id": route_table}
    return {"name": name, "properties": kept | (properties or {})}


def vnet(
    *,
    name: str = VNET,
    group: str = GROUP,
    prefixes: Sequence[str] = ("10.20.0.0/16",),
    subnets: Sequence[JsonObject] = (),
    properties: JsonObject | None = None,
) -> JsonObject:
    """A network; `properties` (`dns_servers`, peerings, …) are added last."""
    kept: JsonObject = {"addressSpace": {"addressPrefixes": list(prefixes)}, "subnets": list(subnets)}
    return {
        "id": vnet_id(name=name, group=group),
        "location": LOCATION,
        "properties": kept | (properties or {}),
    }


def dns_servers(*addresses: str) -> JsonObject:
    """The property of a network that sends its questions to these resolvers and not to Azure's."""
    return {"dhcpOptions": {"dnsServers": list(addresses)}}


def service_endpoints(*services: str) -> JsonObject:
    """The property of a subnet that has service endpoints (`Microsoft.Storage`, …)."""
    return {"serviceEndpoints": [{"service": one} for one in services]}


def peering(
    *,
    name: str,
    remote: str,
    state: str = "Connected",
    gateway: bool = False,
    properties: JsonObject | None = None,
) -> JsonObject:
    """An inline peering with the network of this id; `gateway` uses the remote one's. `properties` (a
    `remoteAddressSpace` that was not synchronized, …) are added last.
    """
    kept: JsonObject = {
        "remoteVirtualNetwork": {"id": remote},
        "peeringState": state,
        "allowVirtualNetworkAccess": True,
        "useRemoteGateways": gateway,
    }
    return {"name": name, "properties": kept | (properties or {})}


def peered(one: JsonObject, other: JsonObject) -> list[JsonObject]:
    """Two networks (bodies) with a peering from each to the other, besides those that they have."""
    return [_with_peering(one, str(other["id"])), _with_peering(other, str(one["id"]))]


def _with_peering(network: JsonObject, remote: str) -> JsonObject:
    properties = as_object(network.get("properties"))
    held = as_list(properties.get("virtualNetworkPeerings"))
    added = peering(name=f"to-{remote.rsplit('/', 1)[-1]}", remote=remote)
    return network | {"properties": properties | {"virtualNetworkPeerings": [*held, added]}}


def admin_rule(
    *,
    name: str,
    priority: int,
    networks: Sequence[str],
    access: str = "Deny",
    direction: str = "Inbound",
    properties: JsonObject | None = None,
) -> JsonObject:
    """A security admin rule that holds in these networks (ids): any protocol, address and port unless
    `properties` say otherwise.
    """
    collection = network_id(kind="networkManagers", name="central", group="rg-hub")
    every: JsonObject = {"addressPrefix": "*", "addressPrefixType": "IPPrefix"}
    kept: JsonObject = {
        "access": access,
        "direction": direction,
        "priority": priority,
        "protocol": "Any",
        "sources": [every],
        "destinations": [every],
        "sourcePortRanges": ["0-65535"],
        "destinationPortRanges": ["0-65535"],
    }
    return {
        "id": f"{collection}/securityAdminConfigurations/guardrails/ruleCollections/all/rules/{name}",
        "kind": "Custom",
        "appliesTo": list(networks),
        "properties": kept | (properties or {}),
    }


def route_table_id(*, name: str, group: str = GROUP, subscription: str = SUBSCRIPTION) -> str:
    return network_id(kind="routeTables", name=name, group=group, subscription=subscription)


def route(
    *, name: str, prefix: str, next_hop: str = "VirtualAppliance", address: str = "10.20.250.4"
) -> JsonObject:
    """An inline route; the address counts for an appliance only."""
    kept: JsonObject = {"addressPrefix": prefix, "nextHopType": next_hop}
    if next_hop == "VirtualAppliance":
        kept["nextHopIpAddress"] = address
    return {"name": name, "properties": kept}


def route_table(
    *,
    name: str,
    group: str = GROUP,
    routes: Sequence[JsonObject] = (),
    gateway_routes: bool = True,
) -> JsonObject:
    """A route table; without `gateway_routes` what a gateway learned is not added to it."""
    kept: JsonObject = {"routes": list(routes), "disableBgpRoutePropagation": not gateway_routes}
    return {
        "id": route_table_id(name=name, group=group),
        "location": LOCATION,
        "properties": kept,
    }


def private_endpoint(
    *, name: str, server: str, subnet: str, group: str = GROUP, manual: bool = False, address: str = ""
) -> JsonObject:
    """An endpoint in a subnet (id) that leads to a server (id) and makes a connection there.

    The connection is approved, or `Pending` for a `manual` one; `address` is static, or the next free one of
    the subnet.
    """
    connection: JsonObject = {
        "name": name,
        "properties": {"privateLinkServiceId": server, "groupIds": ["postgresqlServer"]},
    }
    listed = "manualPrivateLinkServiceConnections" if manual else "privateLinkServiceConnections"
    kept: JsonObject = {"subnet": {"id": subnet}, listed: [connection]}
    if address:
        static: JsonObject = {"groupId": "postgresqlServer", "memberName": "postgresqlServer"}
        kept["ipConfigurations"] = [{"name": "static", "properties": static | {"privateIPAddress": address}}]
    return {"id": endpoint_id(name=name, group=group), "location": LOCATION, "properties": kept}


def zone_group(*, endpoint: str, zones: Sequence[str], name: str = "default") -> JsonObject:
    """The zone group of an endpoint (id): writes the server's record into these zones (ids), where a seed
    has none of that name.
    """
    configs: list[JsonValue] = [
        {"name": f"zone-{position}", "properties": {"privateDnsZoneId": zone}}
        for position, zone in enumerate(zones)
    ]
    return {
        "id": f"{endpoint}/privateDnsZoneGroups/{name}",
        "properties": {"privateDnsZoneConfigs": configs},
    }


def zone_id(*, name: str = PRIVATE_LINK_ZONE, group: str = GROUP, subscription: str = SUBSCRIPTION) -> str:
    return network_id(kind="privateDnsZones", name=name, group=group, subscription=subscription)


def way_in(*, name: str, server: str, vnet: str = VNET, subnet: str) -> list[JsonObject]:
    """A private endpoint by which the network reaches a server (id): with a zone that is linked to it and
    holds the server's record. Networks share the zone.
    """
    endpoint = private_endpoint(name=name, server=server, subnet=subnet_id(vnet=vnet, name=subnet))
    return [
        private_dns_zone(),
        zone_link(zone=zone_id(), vnet=vnet_id(name=vnet), name=vnet),
        endpoint,
        zone_group(endpoint=endpoint_id(name=name), zones=[zone_id()]),
    ]


def zone_link(
    *, zone: str, vnet: str, name: str = "link", state: str = "Completed", resolution: str = "Default"
) -> JsonObject:
    """A link of a zone (id) to a virtual network (id); `resolution` is its `resolutionPolicy`."""
    kept: JsonObject = {
        "virtualNetwork": {"id": vnet},
        "registrationEnabled": False,
        "virtualNetworkLinkState": state,
        "resolutionPolicy": resolution,
    }
    return {"id": f"{zone}/virtualNetworkLinks/{name}", "location": "global", "properties": kept}


def a_record(*, zone: str, name: str = SERVER, addresses: Sequence[str], ttl: int = 10) -> JsonObject:
    """An A record of a zone (id)."""
    listed: list[JsonValue] = [{"ipv4Address": one} for one in addresses]
    return {"id": f"{zone}/A/{name}", "properties": {"ttl": ttl, "aRecords": listed}}


def private_dns_zone(*, name: str = PRIVATE_LINK_ZONE, group: str = GROUP) -> JsonObject:
    return {
        "id": zone_id(name=name, group=group),
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
