"""ARM's JSON as snapshots: what is tolerated, what stays unknown, and what is refused by name."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import IPv4Address, ip_network

import pytest

from shared.adapters.arm.wire import dns, fields, networks, security_groups, server_parts, servers, subnets
from shared.model import (
    Access,
    ConnectionStatus,
    Direction,
    FirewallRule,
    Json,
    PublicAccess,
    SecurityRule,
    ServerState,
)
from shared.model.errors import Permanent
from shared.model.resource_id import ResourceId

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
GROUP = "/subscriptions/5ab1/resourceGroups/rg"
FLEXIBLE = f"{GROUP}/providers/Microsoft.DBforPostgreSQL/flexibleServers/db"
SINGLE = f"{GROUP}/providers/Microsoft.DBforPostgreSQL/servers/old"
NETWORK = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet"
SUBNET = f"{NETWORK}/subnets/db"
TABLE = NETWORK.replace("virtualNetworks", "routeTables")
NSG = f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/nsg"
ENDPOINT = f"{GROUP}/providers/Microsoft.Network/privateEndpoints/pe"


def flexible(**properties: Json) -> Json:
    return {"id": FLEXIBLE, "name": "db", "location": "Canada Central", "properties": properties}


def single(**properties: Json) -> Json:
    return {"id": SINGLE, "name": "old", "location": "westus", "properties": properties}


def rule(**changes: Json) -> Json:
    properties = {
        "protocol": "Tcp",
        "access": "Allow",
        "direction": "Inbound",
        "priority": 100,
        "sourceAddressPrefix": "10.0.0.0/24",
        "destinationAddressPrefix": "*",
        "sourcePortRange": "*",
        "destinationPortRange": "5432",
    }
    merged = {k: v for k, v in (properties | changes).items() if v is not None}
    return {"id": f"{NSG}/securityRules/r", "name": "r", "etag": 'W/"1"', "properties": merged}


def read_rule(body: Json) -> SecurityRule:
    """The one rule of an NSG that Azure answers with."""
    (found,) = security_groups.security_group(
        {"id": NSG, "name": "nsg", "properties": {"securityRules": [body]}}
    ).rules
    return found


# --- servers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("Ready", ServerState.READY),
        ("ready", ServerState.READY),
        ("Stopped", ServerState.STOPPED),
        ("Disabled", ServerState.STOPPED),
        ("Inaccessible", ServerState.STOPPED),
        *((name, ServerState.BUSY) for name in ("Updating", "Starting", "Stopping", "Dropping")),
        *((name, ServerState.BUSY) for name in ("Provisioning", "Restarting", "Fermenting", "")),
    ],
)
def test_only_states_that_are_known_to_be_settled_are_not_busy(text: str, state: ServerState) -> None:
    server = servers.flexible_server(flexible(state=text), (), NOW)
    assert (server.state, server.state_text) == (state, text)
    assert servers.single_server(single(userVisibleState=text), (), NOW).state is state


@pytest.mark.parametrize(
    ("network", "access", "shown"),
    [
        ({"publicNetworkAccess": "Enabled"}, PublicAccess.ENABLED, "Enabled"),
        ({"PublicNetworkAccess": "disabled"}, PublicAccess.DISABLED, "disabled"),
        ({"publicNetworkAccess": "SecuredByPerimeter"}, PublicAccess.UNKNOWN, "SecuredByPerimeter"),
        ({"publicNetworkAccess": None}, PublicAccess.UNKNOWN, None),
        ({"publicNetworkAccess": ""}, PublicAccess.UNKNOWN, None),
        ({}, PublicAccess.UNKNOWN, None),
        (None, PublicAccess.UNKNOWN, None),
    ],
)
def test_public_access_that_is_absent_or_new_is_unknown(
    network: Json, access: PublicAccess, shown: str | None
) -> None:
    server = servers.flexible_server(flexible(network=network), (), NOW)
    assert (server.public_access, server.public_access_text) == (access, shown)


def test_a_server_in_a_subnet_that_shows_no_endpoints_has_none() -> None:
    server = servers.flexible_server(
        flexible(network={"delegatedSubnetResourceId": SUBNET.upper()}), None, NOW
    )
    assert server.delegated_subnet == ResourceId(SUBNET)
    assert server.private_endpoints == ()


def test_a_public_server_that_shows_no_endpoints_leaves_them_unknown() -> None:
    assert servers.flexible_server(flexible(network={}), None, NOW).private_endpoints is None
    assert servers.flexible_server(flexible(privateEndpointConnections=[]), None, NOW).private_endpoints == ()


def test_a_single_server_of_old_answers_shows_neither_access_nor_endpoints() -> None:
    server = servers.single_server(single(userVisibleState="Ready"), (), NOW)
    assert server.public_access is PublicAccess.UNKNOWN
    assert server.private_endpoints is None


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("Approved", ConnectionStatus.APPROVED),
        ("approved", ConnectionStatus.APPROVED),
        ("Pending", ConnectionStatus.PENDING),
        ("Migrating", ConnectionStatus.UNKNOWN),
        (None, ConnectionStatus.UNKNOWN),
    ],
)
def test_an_endpoint_connection_keeps_its_status(status: str | None, expected: ConnectionStatus) -> None:
    connection = {
        "id": f"{FLEXIBLE}/privateEndpointConnections/pe.1",
        "properties": {
            "privateEndpoint": {"id": ENDPOINT},
            "privateLinkServiceConnectionState": {"status": status},
        },
    }
    (found,) = servers.private_endpoints(flexible(privateEndpointConnections=[connection])) or ()
    assert (found.status, found.endpoint) == (expected, ResourceId(ENDPOINT))


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("Disabled", False), ("ZoneRedundant", True), ("samezone", True), ("Quantum", None), (None, None)],
)
def test_high_availability_is_unknown_where_it_is_not_said(mode: str | None, expected: bool | None) -> None:
    assert servers.high_availability(flexible(highAvailability={"mode": mode})) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-06-13T01:22:39.4679221Z", datetime(2026, 6, 13, 1, 22, 39, 467922, UTC)),
        ("2026-06-13T03:22:39+02:00", datetime(2026, 6, 13, 1, 22, 39, tzinfo=UTC)),
        ("2026-06-13T01:22:39", datetime(2026, 6, 13, 1, 22, 39, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
    ],
)
def test_the_time_of_creation_is_read_in_every_spelling(text: str, expected: datetime | None) -> None:
    assert fields.created_at({"systemData": {"createdAt": text}}) == expected
    assert fields.created_at({}) is None


def test_a_server_keeps_its_spelling_tags_and_firewall_rules() -> None:
    rules = server_parts.firewall_rules(
        [{"name": "azure", "properties": {"startIpAddress": "0.0.0.0", "endIpAddress": "0.0.0.0"}}]
    )
    server = servers.flexible_server(flexible() | {"tags": {"env": "prod"}}, rules, NOW)
    assert (str(server.id), server.location, server.tags) == (FLEXIBLE, "Canada Central", {"env": "prod"})
    nowhere = IPv4Address("0.0.0.0")
    assert server.firewall_rules == (FirewallRule(name="azure", start=nowhere, end=nowhere),)


def ranged(start: Json, end: Json, name: str = "office") -> Json:
    return {"name": name, "properties": {"startIpAddress": start, "endIpAddress": end}}


@pytest.mark.field(
    "odd-items",
    "Leading zeros in a firewall rule's address are decimal: 100.0.00.000 is 100.0.0.0",
    source="https://github.com/Azure/azure-cli/pull/29224",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("text", "address"),
    [("100.0.00.000", "100.0.0.0"), ("010.08.0.0255", "10.8.0.255"), (" 1.2.3.4 ", "1.2.3.4")],
)
def test_leading_zeros_of_an_address_are_decimal(text: str, address: str) -> None:
    (found,) = server_parts.firewall_rules([ranged(text, text)])
    assert (found.start, found.end) == (IPv4Address(address), IPv4Address(address))


@pytest.mark.field(
    "odd-items",
    "A firewall rule whose range cannot be read is kept by name and field beside those that can be",
    source="https://github.com/hashicorp/terraform-provider-azurerm/issues/30488",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("end", "why"),
    [
        ("10.0.0.300", "endIpAddress is '10.0.0.300', which is no IPv4 address"),
        ("::1", "endIpAddress is '::1', which is no IPv4 address"),
        ("١.1.1.1", "endIpAddress is '١.1.1.1', which is no IPv4 address"),
        (7, "endIpAddress is 7, which is no IPv4 address"),
        ("", "endIpAddress is absent"),
        (None, "endIpAddress is absent"),
        ("9.255.255.255", "endIpAddress 9.255.255.255 is before startIpAddress 10.0.0.1"),
    ],
)
def test_a_firewall_rule_whose_range_cannot_be_read_is_kept_beside_the_others(end: Json, why: str) -> None:
    bodies = [
        ranged("1.2.3.4", "1.2.3.4", "good"),
        ranged("10.0.0.1", end),
        ranged("5.6.7.8", "5.6.7.9", "too"),
    ]
    assert [rule.name for rule in server_parts.firewall_rules(bodies)] == ["good", "too"]
    (odd,) = server_parts.odd_firewall_rules(bodies)
    assert (odd.name, odd.field, odd.why, odd.start) == (
        "office",
        "endIpAddress",
        why,
        IPv4Address("10.0.0.1"),
    )


def test_a_firewall_rule_without_anything_is_named_by_its_id_and_both_fields() -> None:
    (odd,) = server_parts.odd_firewall_rules([{"id": f"{FLEXIBLE}/firewallRules/x"}])
    assert (odd.name, odd.field) == ("x", "startIpAddress")
    assert odd.why == "startIpAddress is absent and endIpAddress is absent"


def test_an_id_that_is_none_is_refused_and_an_empty_one_is_absent() -> None:
    assert (
        servers.flexible_server(flexible(network={"delegatedSubnetResourceId": ""}), (), NOW).delegated_subnet
        is None
    )
    with pytest.raises(Permanent, match="delegatedSubnetResourceId"):
        servers.flexible_server(flexible(network={"delegatedSubnetResourceId": "subnet-1"}), (), NOW)
    with pytest.raises(Permanent, match="id"):
        servers.flexible_server({"name": "db", "properties": {}}, (), NOW)


@pytest.mark.field(
    "odd-items",
    "A field of a server that is absent is said to be absent, and one that is odd is told with what it is",
    source="https://learn.microsoft.com/en-us/rest/api/postgresql/servers/get",
    date="2026-11-29",
)
def test_an_odd_field_of_a_server_is_told_apart_from_an_absent_one() -> None:
    absent = servers.flexible_server(flexible(backup={}, authConfig=None), None, NOW)
    assert (absent.backup.retention_days, absent.sign_in.entra, absent.odd_fields) == (None, None, {})
    odd = servers.flexible_server(
        flexible(
            backup={"backupRetentionDays": "seven", "geoRedundantBackup": "Perhaps"},
            authConfig={"passwordAuth": 1, "activeDirectoryAuth": "Enabled"},
            privateEndpointConnections={"a": "b"},
        ),
        None,
        NOW,
    )
    assert (odd.backup.retention_days, odd.sign_in.entra, odd.private_endpoints) == (None, True, None)
    assert sorted(odd.odd_fields) == [
        "authConfig.passwordAuth",
        "backupRetentionDays",
        "geoRedundantBackup",
        "privateEndpointConnections",
    ]
    assert odd.odd_fields["geoRedundantBackup"] == (
        "geoRedundantBackup is 'Perhaps', which is neither Enabled nor Disabled"
    )


@pytest.mark.field(
    "odd-items",
    "A private endpoint connection without an id is known by its name; one that is odd hides no other",
    source="https://learn.microsoft.com/en-us/rest/api/postgresql/private-endpoint-connections/list-by-server",
    date="2026-11-29",
)
def test_a_private_endpoint_connection_that_is_odd_hides_no_other() -> None:
    def connection(**parts: Json) -> Json:
        return {"properties": {"privateLinkServiceConnectionState": {"status": "Pending"}}, **parts}

    listed = [connection(id=f"{FLEXIBLE}/privateEndpointConnections/pe.1"), connection(name="x"), "odd"]
    found = servers.private_endpoints(flexible(privateEndpointConnections=listed)) or ()
    assert [(one.id.name, str(one.status)) for one in found] == [
        ("pe.1", "Pending"),
        ("x", "Pending"),
        ("connection-3", "Unknown"),
    ]
    assert servers.private_endpoints(flexible(privateEndpointConnections="none")) is None


def test_an_address_of_an_endpoint_that_is_none_is_told_beside_the_others() -> None:
    addresses, odd = networks.addresses_in(["10.0.00.5", "10.0.0.300", "fd00::1", ""])
    assert ([str(one) for one in addresses], odd) == (["10.0.0.5", "fd00::1"], "'10.0.0.300' is no address")


# --- networks --------------------------------------------------------------------------------------


def test_singular_and_plural_fields_are_joined() -> None:
    found = read_rule(
        rule(
            sourceAddressPrefix="",
            sourceAddressPrefixes=["10.0.0.0/24", "11.0.0.0/24"],
            destinationPortRange=None,
            destinationPortRanges=["500-1000", "2000"],
        )
    )
    assert found.sources == ("10.0.0.0/24", "11.0.0.0/24")
    assert found.destination_ports == ("500-1000", "2000")
    assert (found.source_ports, found.destinations) == (("*",), ("*",))


def test_keys_and_members_in_another_case_say_the_same() -> None:
    plain = rule()
    shouted = {"NAME": "r", "Id": plain["id"], "ETag": plain["etag"]}
    shouted["PROPERTIES"] = {
        key.upper(): value.upper() if key in ("access", "direction") else value
        for key, value in plain["properties"].items()
    }
    assert read_rule(shouted) == read_rule(plain)


def test_a_rule_for_application_security_groups_has_no_prefixes() -> None:
    group = f"{GROUP}/providers/Microsoft.Network/applicationSecurityGroups/web"
    found = read_rule(rule(sourceAddressPrefix=None, sourceApplicationSecurityGroups=[{"id": group}]))
    assert (found.sources, found.source_groups) == ((), (ResourceId(group),))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("priority", None),
        ("priority", "first"),
        ("priority", True),
        ("direction", "Sideways"),
        ("access", None),
        ("protocol", ""),
        ("sourceAddressPrefix", None),
        ("destinationPortRange", ""),
    ],
)
def test_a_rule_that_lacks_what_decides_is_kept_by_name_and_field_beside_the_others(
    field: str, value: Json
) -> None:
    other = rule(priority=200) | {"name": "s", "id": f"{NSG}/securityRules/s"}
    bodies = [rule(**{field: value}), other]
    group = security_groups.security_group({"id": NSG, "properties": {"securityRules": bodies}})
    assert [found.name for found in group.rules] == ["s"]
    assert [(odd.name, odd.field) for odd in group.odd_rules] == [("r", field)]
    assert group.odd_rules[0].why.startswith(f"rule 'r': {field}")


@pytest.mark.parametrize(
    ("own", "of_rule", "updating"),
    [
        ("Succeeded", "Succeeded", False),
        ("Updating", "Succeeded", True),
        ("Succeeded", "Updating", True),
        ("Failed", "Succeeded", False),
        (None, None, False),
    ],
)
def test_a_group_is_updating_while_it_or_a_rule_is(
    own: str | None, of_rule: str | None, updating: bool
) -> None:
    body: Json = {"id": NSG, "properties": {"provisioningState": own}}
    body["properties"] |= {"securityRules": [rule(provisioningState=of_rule)], "subnets": [{"id": SUBNET}]}
    group = security_groups.security_group(body)
    assert group.updating is updating
    assert group.subnets == (ResourceId(SUBNET),)


def test_a_group_names_the_network_interfaces_that_share_it() -> None:
    interface = f"{GROUP}/providers/Microsoft.Network/networkInterfaces/vm-nic"
    group = security_groups.security_group(
        {"id": NSG, "properties": {"networkInterfaces": [{"id": interface}]}}
    )
    assert (group.network_interfaces, group.subnets) == ((ResourceId(interface),), ())


@pytest.mark.parametrize(
    "odd",
    [
        {"sourceAddressPrefix": "789"},
        {"destinationAddressPrefix": "10.0.0.0/33"},
        {"destinationPortRange": "70000"},
        {"protocol": "Sctp"},
        {"priority": 70000},
    ],
)
def test_what_azure_says_is_kept_also_where_a_document_would_be_refused(odd: Json) -> None:
    assert read_rule(rule(**odd)).name == "r"


def test_two_rules_of_one_priority_are_kept_as_azure_says_them() -> None:
    other = rule() | {"name": "s", "id": f"{NSG}/securityRules/s"}
    group = security_groups.security_group({"id": NSG, "properties": {"securityRules": [rule(), other]}})
    assert [found.name for found in group.rules] == ["r", "s"]


@pytest.mark.parametrize("rules", [{"deny": {}}, "none"])
def test_rules_that_are_no_list_are_refused_and_not_left_out(rules: Json) -> None:
    with pytest.raises(Permanent, match=r"'nsg': securityRules") as caught:
        security_groups.security_group({"id": NSG, "name": "nsg", "properties": {"securityRules": rules}})
    assert caught.value.code == "MalformedAnswer"


def test_a_group_without_an_id_is_refused() -> None:
    with pytest.raises(Permanent, match=r"'nsg': id"):
        security_groups.security_group({"name": "nsg", "properties": {"securityRules": []}})


def test_a_subnet_joins_its_prefixes_and_names_its_services() -> None:
    delegation = {"name": "0", "properties": {"serviceName": "Microsoft.DBForPostgreSQL/flexibleServers"}}
    properties = {
        "addressPrefix": "10.0.1.0/24",
        "addressPrefixes": ["10.0.1.0/24", "fd00::/64"],
        "delegations": [delegation],
        "provisioningState": "Updating",
        "serviceEndpoints": [{"service": "Microsoft.Storage"}, {}],
        "routeTable": {"id": TABLE},
    }
    body = {"id": SUBNET, "etag": 'W/"9"', "properties": properties}
    found = subnets.subnet(body, NOW)
    assert found.prefixes == (ip_network("10.0.1.0/24"), ip_network("fd00::/64"))
    assert found.updating
    assert found.etag == 'W/"9"'
    assert subnets.is_postgres_subnet(body)
    assert (found.service_endpoints, found.route_table_id) == (("Microsoft.Storage",), ResourceId(TABLE))
    assert found.endpoint_network_policies == ""


def test_a_subnet_with_an_unusable_prefix_shows_none_and_says_why() -> None:
    found = subnets.subnet({"id": SUBNET, "properties": {"addressPrefix": "789"}}, NOW)
    assert found.prefixes == ()
    assert found.odd_fields == {"addressPrefix": "addressPrefix is '789', which is no prefix"}


# --- what is written -------------------------------------------------------------------------------


def security_rule(sources: tuple[str, ...], ports: tuple[str, ...]) -> SecurityRule:
    return SecurityRule(
        name="allow",
        direction=Direction.OUTBOUND,
        access=Access.ALLOW,
        priority=110,
        protocol="Tcp",
        sources=sources,
        destinations=("VirtualNetwork",),
        destination_ports=ports,
        description="why",
    )


def test_one_value_is_written_singular_and_several_plural() -> None:
    body = security_groups.security_rule_body(security_rule(("10.0.0.0/24", "10.0.1.0/24"), ("5432", "6432")))
    assert body == {
        "name": "allow",
        "properties": {
            "protocol": "Tcp",
            "access": "Allow",
            "priority": 110,
            "direction": "Outbound",
            "sourceAddressPrefixes": ["10.0.0.0/24", "10.0.1.0/24"],
            "destinationAddressPrefix": "VirtualNetwork",
            "sourcePortRange": "*",
            "destinationPortRanges": ["5432", "6432"],
            "description": "why",
        },
    }


@pytest.mark.parametrize("sources", [("10.0.0.0/24",), ("10.0.0.0/24", "10.0.2.0/24")])
def test_a_rule_that_was_written_reads_back_the_same(sources: tuple[str, ...]) -> None:
    written = security_rule(sources, ("5432",))
    assert read_rule(security_groups.security_rule_body(written)) == written


@pytest.mark.parametrize(
    ("text", "expected"),
    [("on", True), ("TRUE", True), ("off", False), ("false", False), ("maybe", None), (None, None)],
)
def test_a_server_parameter_that_is_a_switch(text: str | None, expected: bool | None) -> None:
    assert server_parts.setting({"properties": {"value": text}}) is expected


@pytest.mark.field(
    "odd-items",
    "A record that holds something odd beside an endpoint's address is Unknown, not right and not absent",
    source="https://learn.microsoft.com/en-us/rest/api/dns/privatedns/record-sets/get",
    date="2026-11-29",
)
def test_what_a_record_holds_besides_addresses_is_kept() -> None:
    body = {"properties": {"aRecords": [{"ipv4Address": "10.0.0.05"}, {"ipv4Address": "10.0.0.300"}, {}]}}
    assert dns.zone_record(body) == ((IPv4Address("10.0.0.5"),), ("'10.0.0.300'", "None"))
