"""The children of PostgreSQL servers: firewall rules, private endpoint connections, the rest.

Firewall rules of a server whose public access is not enabled cannot be written or deleted (Azure's
article on firewall rules; a switch, because one thread saw a write succeed). Under api-versions of 2026 a
flexible server's rule shows the CIDR blocks of its range. What must not live here: the servers
themselves.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace
from http import HTTPStatus

from local.simulator.connections import cut, tell_endpoint
from local.simulator.server_refusals import refuse_administrator
from local.simulator.servers import accept_on, is_private, refuse_unless_ready
from local.simulator.shapes import find, id_for, parent_of, show
from local.simulator.store import Record, new_etag
from local.simulator.switches import FirewallWritesOnPrivateServer
from local.simulator.values import (
    TENANT,
    Accepted,
    ArmRequest,
    JsonObject,
    as_object,
    as_text,
    bad_request,
    dig,
    key,
    merge,
)
from local.simulator.world import World

_PREFIXES_SHOWN_FROM = "2026"
_PRINCIPALS = ("User", "Group", "ServicePrincipal", "Unknown")
_RULE_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
# The wording is Azure's. No thread shows the code that comes with it: this one is ours (docs/field-test.md).
PRIVATE_SERVER_CODE = "FirewallRuleNotAllowedOnPrivateServer"
_PRIVATE_SERVER = "Firewall rule operations cannot be requested for a private access enabled server."


def show_firewall_rule(_world: World, record: Record, api_version: str) -> JsonObject:
    shown = show(record)
    if "/flexibleservers/" not in key(record.id) or api_version < _PREFIXES_SHOWN_FROM:
        return shown
    return shown | {
        "properties": record.properties | {"sourceAddressPrefixes": list(_blocks(record.properties))}
    }


def _blocks(properties: JsonObject) -> list[str]:
    first, last = _range(properties)
    return [str(block) for block in ipaddress.summarize_address_range(first, last)]


def _range(properties: JsonObject) -> tuple[ipaddress.IPv4Address, ipaddress.IPv4Address]:
    """The ends of a rule; raises 400 for what is not an IPv4 range."""
    ends = []
    for name in ("startIpAddress", "endIpAddress"):
        try:
            ends.append(ipaddress.IPv4Address(as_text(properties.get(name))))
        except ValueError as error:
            raise bad_request(
                "InvalidParameterValue", f"Invalid value given for parameter {name}: {error}."
            ) from error
    if ends[1] < ends[0]:
        raise bad_request("InvalidParameterValue", "The end of the range must not lie before its start.")
    return ends[0], ends[1]


def put_firewall_rule(world: World, request: ArmRequest, kind: str) -> Accepted:
    server = parent_of(world, request.address)
    _refuse_firewall(world, server)
    if not _RULE_NAME.fullmatch(request.address.name):
        raise bad_request(
            "InvalidResourceName", f"'{request.address.name}' is not a name of a firewall rule."
        )
    first, last = _range(request.properties)
    body: JsonObject = {"properties": {"startIpAddress": str(first), "endIpAddress": str(last)}}
    return _put_child(
        world, request, Record(id=id_for(world, request, kind), type=kind, body=body, etag=new_etag())
    )


def delete_firewall_rule(world: World, request: ArmRequest) -> Accepted:
    _refuse_firewall(world, parent_of(world, request.address))
    return delete_child(world, request)


def _refuse_firewall(world: World, server: Record) -> None:
    refuse_unless_ready(world, server)
    refused = world.switches.firewall_writes_on_private_server is FirewallWritesOnPrivateServer.REFUSED
    if refused and is_private(server):
        raise bad_request(PRIVATE_SERVER_CODE, _PRIVATE_SERVER)


_UPSERT = {
    "firewallrules": "UpsertServerFirewallRulesManagementOperation",
    "privateendpointconnections": "UpsertPrivateEndpointConnectionManagementOperation",
}
_DROP = {
    "firewallrules": "DropServerFirewallRulesManagementOperation",
    "privateendpointconnections": "DropPrivateEndpointConnectionManagementOperation",
}


def _put_child(world: World, request: ArmRequest, record: Record) -> Accepted:
    server = parent_of(world, request.address)
    name = record.type.rsplit("/", 1)[-1].lower()

    def finish() -> None:
        if world.store.get(server.id) is not None:
            world.save(record)

    accepted = accept_on(
        world,
        server,
        _UPSERT.get(name, "UpsertServerChildManagementOperation"),
        finish=finish,
        existed=world.store.get(record.id) is not None,
    )
    return replace(accepted, result=lambda: show(world.store.get(record.id) or record))


def put_child(world: World, request: ArmRequest, kind: str) -> Accepted:
    """Databases, administrators and whatever else a server holds: kept as sent."""
    server = parent_of(world, request.address)
    refuse_unless_ready(world, server)
    body: JsonObject = {"properties": request.properties}
    return _put_child(
        world, request, Record(id=id_for(world, request, kind), type=kind, body=body, etag=new_etag())
    )


def put_administrator(world: World, request: ArmRequest, kind: str) -> Accepted:
    """An Entra administrator, named by its object id; raises 400 for a kind of principal that is none, and on
    a replica.
    """
    refuse_administrator(parent_of(world, request.address))
    principal = as_text(request.properties.get("principalType"))
    if principal not in _PRINCIPALS:
        raise bad_request(
            "InvalidParameterValue", f"Invalid value given for parameter principalType: '{principal}'."
        )
    known: JsonObject = {"objectId": request.address.name, "tenantId": TENANT}
    return put_child(world, replace(request, body={"properties": known | request.properties}), kind)


def delete_administrator(world: World, request: ArmRequest) -> Accepted:
    refuse_administrator(parent_of(world, request.address))
    return delete_child(world, request)


def show_administrator(_world: World, record: Record, _api_version: str = "") -> JsonObject:
    """Without a name: the 2025-08-01 example of the list has none."""
    return {name: value for name, value in show(record).items() if name != "name"}


def put_network_rule(world: World, request: ArmRequest, kind: str) -> Accepted:
    """A subnet whose service endpoint may connect to a single server; raises 400 without a subnet."""
    if not as_text(request.properties.get("virtualNetworkSubnetId")):
        raise bad_request("InvalidParameterValue", "A rule names the subnet that it admits.")
    added: JsonObject = {"ignoreMissingVnetServiceEndpoint": False, **request.properties, "state": "Ready"}
    return put_child(world, replace(request, body={"properties": added}), kind)


def delete_child(world: World, request: ArmRequest) -> Accepted:
    """202, or 204 where there is nothing to delete."""
    server = parent_of(world, request.address)
    refuse_unless_ready(world, server)
    record = world.store.get(request.address.path)
    if record is None:
        return Accepted(status=HTTPStatus.NO_CONTENT, existed=False)
    name = record.type.rsplit("/", 1)[-1].lower()
    operation = _DROP.get(name, "DropServerChildManagementOperation")
    return accept_on(world, server, operation, finish=lambda: world.remove(record.id))


def write_connection(world: World, request: ArmRequest) -> Accepted:
    """Approve or reject a private endpoint connection that exists."""
    server = parent_of(world, request.address)
    refuse_unless_ready(world, server)
    record = find(world, request.address)
    status = as_text(dig(request.body, "properties", "privateLinkServiceConnectionState", "status"))
    if status.lower() not in ("approved", "rejected"):
        raise bad_request(
            "InvalidParameterValue", f"'{status}' is not a status of a connection: Approved, Rejected."
        )
    changed = replace(record, body=merge(record.body, {"properties": request.properties}))
    accepted = _put_child(world, request, changed)

    def finish() -> None:
        accepted.finish()
        tell_endpoint(world, changed, as_object(request.properties.get("privateLinkServiceConnectionState")))

    return replace(accepted, finish=finish)


def delete_connection(world: World, request: ArmRequest) -> Accepted:
    """The server's side of a connection; its endpoint says `Disconnected` from then on."""
    record = world.store.get(request.address.path)
    accepted = delete_child(world, request)

    def finish() -> None:
        accepted.finish()
        if record is not None:
            cut(world, record)

    return replace(accepted, finish=finish)
