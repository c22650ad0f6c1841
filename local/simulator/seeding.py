"""Seeds: ARM bodies taken into the state without checks, operations or events, and the state given out
again.

A body needs its `id`; everything that the service would add is completed. Inline children (rules,
subnets, routes, connections) become records of their own. What must not live here: HTTP.
"""

from __future__ import annotations

from dataclasses import replace

from local.simulator import dns, endpoints, extensions, handlers, network, servers
from local.simulator.connections import CONNECTIONS
from local.simulator.server_bodies import complete
from local.simulator.shapes import ensure_group
from local.simulator.switches import BadInput
from local.simulator.values import (
    JsonObject,
    JsonValue,
    as_list,
    as_object,
    as_text,
    merge,
    parse_address,
)
from local.simulator.world import World

_NOT_STORED = ("id", "name", "type", "etag")


def seed(world: World, source: JsonObject) -> int:
    """Take in `{"resources": [body, …]}`; how many. Raises BadInput and then has changed nothing."""
    bodies = check(source)
    # Endpoints late: they make connections on servers of the same seed, and their groups write records.
    for body in sorted(bodies, key=_rank):
        _take(world, body)
    return len(bodies)


def amend(world: World, source: JsonObject) -> int:
    """Merge `{"resources": [body, …]}` into what is held (RFC 7396); how many. A body whose id is not held
    is taken in as a seed. Raises BadInput and then has changed nothing.

    For what Azure changes by itself, without a call and an event: a server that becomes `Inaccessible`, a
    health status, a connection that a provider cuts.
    """
    bodies = check(source)
    for body in bodies:
        known = world.store.get(as_text(body.get("id")))
        if known is None:
            _take(world, body)
            continue
        change: JsonObject = {name: value for name, value in body.items() if name not in _NOT_STORED}
        world.save(replace(known, body=merge(known.body, change)))
    return len(bodies)


def check(source: JsonObject) -> list[JsonObject]:
    """The bodies of a seed; raises BadInput that names the unusable field."""
    resources = source.get("resources")
    if not isinstance(resources, list):
        raise BadInput("resources", "a list of ARM bodies is expected")
    return [_checked(position, body) for position, body in enumerate(resources)]


def _checked(position: int, body: JsonValue) -> JsonObject:
    field = f"resources[{position}]"
    if not isinstance(body, dict):
        raise BadInput(field, "an object is expected")
    address = parse_address(as_text(body.get("id")))
    if not address.subscription or not address.is_item:
        raise BadInput(f"{field}.id", "a resource id (/subscriptions/…) is expected")
    if not isinstance(body.get("properties", {}), dict):
        raise BadInput(f"{field}.properties", "an object is expected")
    return body


def _rank(body: JsonObject) -> int:
    kind = parse_address(as_text(body.get("id"))).type.lower()
    return {endpoints.ENDPOINT.lower(): 1, dns.ZONE_GROUP.lower(): 2}.get(kind, 0)


def _take(world: World, body: JsonObject) -> None:
    resource_id = as_text(body.get("id")).rstrip("/")
    address = parse_address(resource_id)
    kind = handlers.spelling(address.type)
    ensure_group(world, address)
    kept: JsonObject = {name: value for name, value in body.items() if name not in _NOT_STORED}
    if kind in (servers.FLEXIBLE, servers.SINGLE):
        _take_server(world, resource_id, kind, body)
    elif kind in (network.NSG, network.VNET, network.ROUTE_TABLE):
        network.put_family(world, resource_id, kind, kept)
    elif kind in (network.RULES, network.SUBNETS):
        network.put_inline(world, resource_id, kind, as_object(body.get("properties")))
        world.store.touch(address.parent, world.now())
    elif kind == endpoints.ENDPOINT:
        endpoints.keep_endpoint(world, resource_id, kept)
        endpoints.connect(world, resource_id)
    elif kind == dns.ZONE_GROUP:
        dns.write_records(world, world.save_new(resource_id, kind, kept), only_missing=True)
    elif kind == extensions.DIAGNOSTICS:
        world.save_new(extensions.diagnostics_id(address.scope, address.name), kind, kept)
    else:
        world.save_new(resource_id, kind, kept)


def _take_server(world: World, resource_id: str, kind: str, body: JsonObject) -> None:
    name = resource_id.rsplit("/", 1)[-1]
    completed = complete(kind == servers.FLEXIBLE, name, body, world.now())
    properties = as_object(completed.get("properties"))
    connections = as_list(properties.pop(CONNECTIONS, []))
    world.save_new(resource_id, kind, completed)
    for position, one in enumerate(connections):
        name = as_text(as_object(one).get("name")) or f"connection-{position}"
        child = {"properties": as_object(as_object(one).get("properties"))}
        world.save_new(f"{resource_id}/{CONNECTIONS}/{name}", f"{kind}/{CONNECTIONS}", dict(child))


def state(world: World) -> JsonObject:
    """Everything that is held, as ARM would show it, with the running operations."""
    shown: list[JsonValue] = [handlers.show(world, record, "2026-01-01") for record in world.store]
    return {"resources": shown, "operationsRunning": world.operations.any_running()}
