"""PostgreSQL servers, flexible and single: writes, actions, states, and how they are shown.

Every write is 202 with `{operation, startTime}`; the change is seen when its operation ends, and until
then the server shows `Updating` and refuses other writes. `publicNetworkAccess` is silently ignored on a
server in a delegated subnet (Azure's private-access article) and under api-versions where the field is
read-only (flexible, before 2023-06-01-preview). What must not live here: children of servers
(`server_children.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus

from local.simulator.connections import CONNECTIONS, cut
from local.simulator.server_bodies import SECRET, complete, settle
from local.simulator.server_refusals import refuse_change, refuse_new
from local.simulator.shapes import find, id_for, parent_of, show
from local.simulator.store import Record, new_etag
from local.simulator.switches import BusyAnswer
from local.simulator.values import (
    Accepted,
    ArmError,
    ArmRequest,
    JsonObject,
    JsonValue,
    as_object,
    as_text,
    bad_request,
    dig,
    key,
    merge,
    utc_text,
)
from local.simulator.world import World

FLEXIBLE = "Microsoft.DBforPostgreSQL/flexibleServers"
SINGLE = "Microsoft.DBforPostgreSQL/servers"
STOPPED_STATES = ("Stopped",)

_PUBLIC_ACCESS_WRITABLE_FROM = "2023-06-01"
_READ_ONLY = ("state", "userVisibleState", "fullyQualifiedDomainName", "minorVersion", CONNECTIONS)
_READ_ONLY_WITHIN = {
    "highAvailability": ("state",),
    "dataEncryption": ("primaryEncryptionKeyStatus", "geoBackupEncryptionKeyStatus"),
    "backup": ("earliestRestoreDate",),
    "replica": ("capacity", "replicationState"),
}


def is_flexible(server: Record) -> bool:
    return server.type.lower() == FLEXIBLE.lower()


def is_private(server: Record) -> bool:
    """Integrated into a virtual network, or with public access anything but enabled."""
    access = server.properties.get("publicNetworkAccess")
    if is_flexible(server):
        access = dig(server.body, "properties", "network", "publicNetworkAccess")
    return is_vnet_integrated(server) or as_text(access).lower() != "enabled"


def is_vnet_integrated(server: Record) -> bool:
    return bool(dig(server.body, "properties", "network", "delegatedSubnetResourceId"))


def show_server(world: World, record: Record, _api_version: str = "") -> JsonObject:
    """A server with its state of this moment and its private endpoint connections; a single one says whether
    a customer's key is among its `keys`.
    """
    state_field = "state" if is_flexible(record) else "userVisibleState"
    running = world.operations.holding(record.id)
    connections: list[JsonValue] = [
        show(one) for one in world.store.children(record.id, f"{record.type}/{CONNECTIONS}")
    ]
    properties: JsonObject = {**record.properties, CONNECTIONS: connections}
    if running is not None:
        properties[state_field] = running.state
    if world.store.children(record.id, f"{SINGLE}/keys"):
        properties["byokEnforcement"] = "Enabled"
    return show(record) | {"properties": properties}


def refuse_unless_ready(world: World, server: Record, *, starting: bool = False) -> None:
    """Raise what a server that cannot take a write answers: busy, stopped, or not ready for unknown
    reasons.
    """
    if world.operations.holding(server.id) is not None:
        raise _busy(world.switches.busy_answer, server.name)
    state = as_text(server.properties.get("state" if is_flexible(server) else "userVisibleState"))
    if state in STOPPED_STATES:
        if starting:
            return
        message = f"Operation is not allowed: server '{server.name}' is stopped."
        raise bad_request("ServerStoppedError", message)
    if state in ("Updating", "Starting", "Stopping", "Restarting", "Provisioning"):
        raise _busy(world.switches.busy_answer, server.name)
    if state != "Ready":
        raise _opaque()


def _busy(answer: BusyAnswer, name: str) -> ArmError:
    message = (
        f"Cannot complete operation while server '{name}' is busy processing another operation. "
        "Try again later."
    )
    match answer:
        case BusyAnswer.INTERNAL_SERVER_ERROR:
            return _opaque()
        case BusyAnswer.EMPTY_CODE:
            return ArmError(HTTPStatus.CONFLICT, "", message)
        case BusyAnswer.SERVER_IS_BUSY | BusyAnswer.SERVER_BUSY:
            return ArmError(HTTPStatus.CONFLICT, answer.value, message)


def _opaque() -> ArmError:
    message = "An unexpected error occured while processing the request."
    return ArmError(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalServerError", message)


def accept_on(
    world: World, server: Record, operation: str, *, finish: Callable[[], None], existed: bool = True
) -> Accepted:
    """The 202 that every write on a server and its children gets; `operation` is the service's name for
    it.
    """
    started = utc_text(world.now())
    return Accepted(
        status=HTTPStatus.ACCEPTED,
        existed=existed,
        holds=server.id,
        location=as_text(server.body.get("location")),
        finish=finish,
        body=lambda: {"operation": operation, "startTime": started} if is_flexible(server) else None,
    )


def put_server(world: World, request: ArmRequest, kind: str) -> Accepted:
    """Create, or update what the body names."""
    known = world.store.get(request.address.path)
    if known is not None:
        return patch_server(world, request)
    _check_public_access(request.body)
    if kind == FLEXIBLE:
        refuse_new(world, request.body)
    resource_id = id_for(world, request, kind)
    body = complete(kind == FLEXIBLE, request.address.name, request.body, world.now())
    fresh = Record(id=resource_id, type=kind, body=body, etag=new_etag())
    accepted = accept_on(
        world,
        fresh,
        "UpsertServerManagementOperationV2",
        finish=lambda: world.store.put(fresh, world.now()),
        existed=False,
    )
    return replace(accepted, result=lambda: _current(world, fresh))


def patch_server(world: World, request: ArmRequest) -> Accepted:
    server = find(world, request.address)
    refuse_unless_ready(world, server)
    _check_public_access(request.body)
    patch = _promoted(_writable(server, request))
    if is_flexible(server):
        refuse_change(server, patch)

    def finish() -> None:
        current = world.store.get(server.id)
        if current is not None:
            _keep(world, current, merge(current.body, patch))

    accepted = accept_on(world, server, "UpsertServerManagementOperationV2", finish=finish)
    return replace(accepted, result=lambda: _current(world, server))


def _promoted(patch: JsonObject) -> JsonObject:
    """A replica whose role is taken from it is a server by itself, and forgets where it came from."""
    if as_text(dig(patch, "properties", "replica", "role")) not in ("None", "Primary"):
        return patch
    independent: JsonObject = {"replicationRole": "Primary", "sourceServerResourceId": None}
    kept = {name: value for name, value in as_object(patch["properties"]).items() if name != "replica"}
    return patch | {"properties": kept | independent}


def _keep(world: World, server: Record, body: JsonObject) -> None:
    world.save(replace(server, body=settle(is_flexible(server), body)))


def _current(world: World, server: Record) -> JsonObject | None:
    record = world.store.get(server.id)
    return None if record is None else show_server(world, record)


def _check_public_access(body: JsonObject) -> None:
    for value in (
        dig(body, "properties", "publicNetworkAccess"),
        dig(body, "properties", "network", "publicNetworkAccess"),
    ):
        if value is not None and as_text(value).lower() not in ("enabled", "disabled"):
            raise bad_request(
                "InvalidParameterValue", f"Invalid value given for parameter publicNetworkAccess: {value}."
            )


def _writable(server: Record, request: ArmRequest) -> JsonObject:
    """The part of a body that takes effect on this server under this api-version."""
    patch: JsonObject = {
        name: request.body[name] for name in ("tags", "sku", "identity") if name in request.body
    }
    kept = {name: value for name, value in request.properties.items() if name not in _READ_ONLY + SECRET}
    for name, fields in _READ_ONLY_WITHIN.items():
        if isinstance(kept.get(name), dict):
            kept[name] = {one: value for one, value in as_object(kept[name]).items() if one not in fields}
    network = as_object(kept.pop("network", None))
    if is_flexible(server):
        kept.pop("publicNetworkAccess", None)  # there it is a field of `network` alone
    ignored = ["delegatedSubnetResourceId"]
    if is_vnet_integrated(server) or request.api_version < _PUBLIC_ACCESS_WRITABLE_FROM:
        ignored.append("publicNetworkAccess")
    network = {name: value for name, value in network.items() if name not in ignored}
    if network and is_flexible(server):
        kept["network"] = network
    return patch | ({"properties": kept} if kept else {})


def delete_server(world: World, request: ArmRequest) -> Accepted:
    server = world.store.get(request.address.path)
    if server is None:
        return Accepted(status=HTTPStatus.NO_CONTENT, existed=False)
    refuse_unless_ready(world, server, starting=True)

    def finish() -> None:
        connections = world.store.children(server.id, f"{server.type}/{CONNECTIONS}")
        world.remove(server.id)
        for one in connections:
            cut(world, one)

    accepted = accept_on(world, server, "DropServerManagementOperation", finish=finish)
    return replace(accepted, state="Dropping")


_LOADING = ("start", "restart")
_ACTIONS: dict[str, tuple[str, JsonObject]] = {
    "start": ("Starting", {"state": "Ready"}),
    "stop": ("Stopping", {"state": "Stopped"}),
    "restart": ("Restarting", {}),
    # The migration leaves a server that nothing reaches until it gets an endpoint or a rule.
    "migratenetwork": (
        "Updating",
        {
            "network": {
                "delegatedSubnetResourceId": None,
                "privateDnsZoneArmResourceId": None,
                "publicNetworkAccess": "Disabled",
            }
        },
    ),
}


def act_on_server(world: World, request: ArmRequest) -> Accepted:
    """start, stop, restart, migrateNetwork; raises 400 for any other action."""
    action = request.address.segments[-1].lower()
    server = world.store.get(request.address.parent)
    if action not in _ACTIONS:
        raise bad_request(
            "InvalidResourceAction", f"The action '{request.address.segments[-1]}' is not simulated."
        )
    if server is None:
        raise ArmError(
            HTTPStatus.NOT_FOUND,
            "ResourceNotFound",
            f"The Resource '{request.address.parent}' was not found.",
        )
    refuse_unless_ready(world, server, starting=action == "start")
    state, properties = _ACTIONS[action]

    def finish() -> None:
        current = world.store.get(server.id)
        if current is not None:
            _keep(world, current, merge(current.body, {"properties": properties}))
            if action in _LOADING:
                _load_waiting_parameters(world, server)

    accepted = accept_on(world, server, f"{action.capitalize()}ServerManagementOperation", finish=finish)
    return replace(accepted, state=state)


def _load_waiting_parameters(world: World, server: Record) -> None:
    """The engine came up anew: no parameter waits for a restart any more."""
    for one in world.store.children(server.id, f"{server.type}/configurations"):
        if one.properties.get("isConfigPendingRestart") is True:
            world.save(replace(one, body={"properties": one.properties | {"isConfigPendingRestart": False}}))


def replicas(world: World, request: ArmRequest) -> list[Record]:
    """The servers that were made as replicas of the addressed one."""
    server = parent_of(world, request.address)
    field = "sourceServerResourceId" if is_flexible(server) else "masterServerId"
    return [
        one
        for one in world.store.of_type(server.type, "")
        if one.id != server.id and key(as_text(one.properties.get(field))) == key(server.id)
    ]
