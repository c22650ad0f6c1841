"""What the handlers of all types share: finding, naming and showing records.

Ids of new resources take the spelling of their parents and the documented spelling of their type; a resource
group comes into being with the first resource put into it. What must not live here: rules of one type.
"""

from __future__ import annotations

from http import HTTPStatus

from local.simulator.store import Record
from local.simulator.values import Address, ArmError, ArmRequest, JsonObject
from local.simulator.world import World

GROUP_TYPE = "Microsoft.Resources/subscriptions/resourceGroups"
DEFAULT_LOCATION = "canadacentral"


def show(record: Record) -> JsonObject:
    """The record with its id, name and type; no etag, which not every provider has."""
    return {"id": record.id, "name": record.name, "type": record.type, **record.body}


def show_with_etag(record: Record) -> JsonObject:
    return show(record) | {"etag": record.etag}


def find(world: World, address: Address) -> Record:
    """The addressed record; raises 404 with the code that fits what is missing."""
    record = world.store.get(address.path)
    if record is None:
        raise not_found(world, address)
    return record


def not_found(world: World, address: Address) -> ArmError:
    group = f"/subscriptions/{address.subscription}/resourceGroups/{address.group}"
    if address.group and world.store.get(group) is None:
        message = f"Resource group '{address.group}' could not be found."
        return ArmError(HTTPStatus.NOT_FOUND, "ResourceGroupNotFound", message)
    kind, name = address.type, "/".join(address.segments[1::2])
    return ArmError(
        HTTPStatus.NOT_FOUND,
        "ResourceNotFound",
        f"The Resource '{kind}/{name}' under resource group '{address.group}' was not found.",
    )


def parent_of(world: World, address: Address) -> Record:
    """The record that holds the addressed child; raises 404 ParentResourceNotFound."""
    parent = world.store.get(address.parent)
    if parent is None:
        raise ArmError(
            HTTPStatus.NOT_FOUND,
            "ParentResourceNotFound",
            "Can not perform requested operation on nested resource. "
            f"Parent resource '{address.parent.rsplit('/', 1)[-1]}' not found.",
        )
    return parent


def id_for(world: World, request: ArmRequest, kind: str) -> str:
    """The id of the addressed item: as stored where it exists, else built from its parent's spelling."""
    address = request.address
    known = world.store.get(address.path)
    if known is not None:
        return known.id
    if len(address.segments) > 2:
        return f"{parent_of(world, address).id}/{kind.rsplit('/', 1)[-1]}/{address.name}"
    return f"{ensure_group(world, address)}/providers/{kind}/{address.name}"


def ensure_group(world: World, address: Address) -> str:
    """The id of the resource group of an address (or of its subscription), creating the group if need be."""
    if not address.group:
        return f"/subscriptions/{address.subscription}"
    wanted = f"/subscriptions/{address.subscription}/resourceGroups/{address.group}"
    known = world.store.get(wanted)
    if known is not None:
        return known.id
    body: JsonObject = {"location": DEFAULT_LOCATION, "properties": {"provisioningState": "Succeeded"}}
    return world.save_new(wanted, GROUP_TYPE, body).id
