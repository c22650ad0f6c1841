"""Peerings of virtual networks: a child to the caller, one entry of the network's own list to the service.

A peering is `Initiated` until the other network has one that leads back; then both are `Connected`. Where one
of the two is deleted the other says `Disconnected`. What must not live here: the networks themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus

from local.simulator.network import refuse_if_busy
from local.simulator.peered_spaces import with_spaces
from local.simulator.shapes import find, parent_of, show_with_etag
from local.simulator.store import Record
from local.simulator.values import (
    Accepted,
    ArmError,
    ArmRequest,
    JsonObject,
    JsonValue,
    as_list,
    as_object,
    as_text,
    bad_request,
    dig,
    key,
    parse_address,
)
from local.simulator.world import World

PEERING = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings"
_LIST = "virtualNetworkPeerings"


def peerings(world: World, request: ArmRequest) -> list[Record]:
    """Those of the addressed network."""
    network = find(world, parse_address(request.address.parent))
    entries = [as_object(one) for one in as_list(network.properties.get(_LIST))]
    return [_record(network, with_spaces(world, one)) for one in entries]


def peering(world: World, request: ArmRequest) -> Record:
    """Raises 404 for one that is not there."""
    for one in peerings(world, request):
        if one.name.lower() == request.address.name.lower():
            return one
    raise ArmError(HTTPStatus.NOT_FOUND, "NotFound", f"Resource {request.address.path} not found.")


def _record(network: Record, entry: JsonObject) -> Record:
    body: JsonObject = {
        "properties": {"provisioningState": "Succeeded", **as_object(entry.get("properties"))}
    }
    name = as_text(entry.get("name"))
    return Record(id=f"{network.id}/{_LIST}/{name}", type=PEERING, body=body, etag=network.etag)


def put_peering(world: World, request: ArmRequest, _kind: str) -> Accepted:
    """201 or 200; raises 400 without the network at the other end."""
    network = parent_of(world, request.address)
    refuse_if_busy(world, network)
    remote_id = as_text(dig(request.body, "properties", "remoteVirtualNetwork", "id"))
    if not remote_id:
        raise bad_request("InvalidRequestFormat", "A peering names its remoteVirtualNetwork.")
    name = request.address.name
    known = any(one.name.lower() == name.lower() for one in peerings(world, request))
    back = _leading_to(world.store.get(remote_id), network.id)
    state = "Connected" if back else "Initiated"
    entry: JsonObject = {"name": name, "properties": {**request.properties, "peeringState": state}}

    def finish() -> None:
        _rewrite(world, network.id, lambda entries: [*_without(entries, name), entry])
        _set_state_back(world, remote_id, network.id, "Connected")

    accepted = _on(network, HTTPStatus.OK if known else HTTPStatus.CREATED, finish)
    return replace(
        accepted,
        existed=known,
        body=lambda: show_with_etag(_record(network, with_spaces(world, entry))),
        sends_location=False,
    )


def delete_peering(world: World, request: ArmRequest) -> Accepted:
    network = parent_of(world, request.address)
    refuse_if_busy(world, network)
    name = request.address.name
    entries = [as_object(one) for one in as_list(network.properties.get(_LIST))]
    if len(_without(entries, name)) == len(entries):
        return Accepted(status=HTTPStatus.NO_CONTENT, existed=False)
    gone = as_text(dig(peering(world, request).body, "properties", "remoteVirtualNetwork", "id"))

    def finish() -> None:
        _rewrite(world, network.id, lambda kept: _without(kept, name))
        _set_state_back(world, gone, network.id, "Disconnected")

    return _on(network, HTTPStatus.ACCEPTED, finish)


def _on(network: Record, status: int, finish: Callable[[], None]) -> Accepted:
    return Accepted(
        status=status,
        existed=True,
        holds=network.id,
        location=as_text(network.body.get("location")),
        finish=finish,
    )


def _without(entries: list[JsonObject], name: str) -> list[JsonObject]:
    return [one for one in entries if as_text(one.get("name")).lower() != name.lower()]


def _leads_to(entry: JsonObject, network_id: str) -> bool:
    return key(as_text(dig(entry, "properties", "remoteVirtualNetwork", "id"))) == key(network_id)


def _leading_to(network: Record | None, remote_id: str) -> bool:
    listed = as_list(network.properties.get(_LIST)) if network else []
    return any(_leads_to(as_object(one), remote_id) for one in listed)


def _set_state_back(world: World, network_id: str, remote_id: str, state: str) -> None:
    """What the other network's peering says now; no matter where there is none."""

    def stated(entry: JsonObject) -> JsonObject:
        if not _leads_to(entry, remote_id):
            return entry
        return entry | {"properties": as_object(entry.get("properties")) | {"peeringState": state}}

    if _leading_to(world.store.get(network_id), remote_id):
        _rewrite(world, network_id, lambda entries: [stated(one) for one in entries])


def _rewrite(world: World, network_id: str, change: Callable[[list[JsonObject]], list[JsonObject]]) -> None:
    network = world.store.get(network_id)
    if network is None:
        return
    entries = [as_object(one) for one in as_list(network.properties.get(_LIST))]
    changed: list[JsonValue] = [*change(entries)]
    world.save(replace(network, body=network.body | {"properties": network.properties | {_LIST: changed}}))
