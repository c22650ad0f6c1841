"""Resources without behaviour of their own: groups, tags, locks, service tags, and every type nobody
simulates.

They are kept as sent and answered at once, so that a policy can read whatever a seed holds (diagnostic
settings, administrators, health). What must not live here: anything with an operation.
"""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus

from local.simulator.access import LOCKS
from local.simulator.shapes import GROUP_TYPE, find, id_for, show
from local.simulator.store import Record
from local.simulator.values import (
    Accepted,
    Address,
    ArmRequest,
    JsonObject,
    as_object,
    as_text,
    bad_request,
    key,
    merge,
    parse_address,
)
from local.simulator.world import World

TAGS = "Microsoft.Resources/tags"
_NOT_STORED = ("id", "name", "type", "etag")


def show_plain(_world: World, record: Record, _api_version: str = "") -> JsonObject:
    return show(record)


def put_plain(world: World, request: ArmRequest, kind: str) -> Accepted:
    """Keep a body as sent: 201 for a new one, 200 otherwise."""
    known = world.store.get(request.address.path)
    resource_id = known.id if known else _new_id(world, request, kind)
    body: JsonObject = {name: value for name, value in request.body.items() if name not in _NOT_STORED}
    if known and request.method == "PATCH":
        body = merge(known.body, body)
    return _save_at_once(world, Record(id=resource_id, type=kind, body=body, etag=""), known is not None)


def _new_id(world: World, request: ArmRequest, kind: str) -> str:
    if kind in (GROUP_TYPE, LOCKS) or request.address.scope.lower().count("/providers/"):
        return request.address.path
    return id_for(world, request, kind)


def _save_at_once(world: World, record: Record, existed: bool) -> Accepted:
    return Accepted(
        status=HTTPStatus.OK if existed else HTTPStatus.CREATED,
        existed=existed,
        finish=lambda: _save(world, record),
        body=lambda: show(world.store.get(record.id) or record),
    )


def _save(world: World, record: Record) -> None:
    world.save(record)


def patch_plain(world: World, request: ArmRequest) -> Accepted:
    return put_plain(world, request, find(world, request.address).type)


def delete_plain(world: World, request: ArmRequest) -> Accepted:
    """200 at once, 204 where there is nothing. A deleted group takes everything in it along."""
    record = world.store.get(request.address.path)
    if record is None:
        return Accepted(status=HTTPStatus.NO_CONTENT, existed=False)

    def finish() -> None:
        for one in [one for one in world.store if key(one.id).startswith(f"{key(record.id)}/")]:
            world.remove(one.id)
        world.remove(record.id)

    return Accepted(status=HTTPStatus.OK, existed=True, finish=finish)


def write_tags(world: World, request: ArmRequest) -> Accepted:
    """PUT replaces the tags of the scope; PATCH merges, replaces or deletes by its `operation`."""
    target = find(world, _scope_address(request.address))
    asked = as_object(request.properties.get("tags"))
    current = as_object(target.body.get("tags"))
    operation = as_text(request.body.get("operation")) or "Merge"
    if request.method == "PUT" or operation == "Replace":
        tags = asked
    elif operation == "Merge":
        tags = current | asked
    elif operation == "Delete":
        tags = {name: value for name, value in current.items() if name not in asked}
    else:
        raise bad_request(
            "InvalidRequestContent", f"'{operation}' is no tag operation: Merge, Replace, Delete."
        )
    changed = replace(target, body=target.body | {"tags": tags})
    return Accepted(
        status=HTTPStatus.OK,
        existed=True,
        finish=lambda: _save(world, changed),
        body=lambda: _tags_body(changed),
    )


def show_tags(world: World, request: ArmRequest) -> JsonObject:
    return _tags_body(find(world, _scope_address(request.address)))


def _scope_address(address: Address) -> Address:
    return parse_address(address.scope)


def _tags_body(target: Record) -> JsonObject:
    tags = as_object(target.body.get("tags"))
    return {
        "id": f"{target.id}/providers/{TAGS}/default",
        "name": "default",
        "type": TAGS,
        "properties": {"tags": tags},
    }
