"""Private endpoint connections: what the server says of one, and what the endpoint at its other end says.

A connection is made by its endpoint, approved or rejected at the server, and ends with either. Deleted at the
server, or with it, it leaves an endpoint that says `Disconnected` and is good for nothing any more (Azure's
article on private endpoints). What must not live here: calls, and the endpoints themselves.
"""

from __future__ import annotations

from dataclasses import replace

from local.simulator.store import Record
from local.simulator.values import JsonObject, JsonValue, as_list, as_object, as_text, dig, key
from local.simulator.world import World

CONNECTIONS = "privateEndpointConnections"
ENDPOINT_LISTS = ("privateLinkServiceConnections", "manualPrivateLinkServiceConnections")
_STATE = "privateLinkServiceConnectionState"


def endpoint_of(connection: Record) -> str:
    """The id of the endpoint that made a connection."""
    return as_text(dig(connection.properties, "privateEndpoint", "id"))


def connect_endpoint(world: World, server: Record, name: str, properties: JsonObject) -> None:
    """The connection that a new private endpoint makes on its server.

    A second one for the same endpoint is not made: what the server says of the first stands.
    """
    kind = f"{server.type}/{CONNECTIONS}"
    endpoint = key(as_text(dig(properties, "privateEndpoint", "id")))
    for one in world.store.children(server.id, kind):
        if key(endpoint_of(one)) == endpoint:
            tell_endpoint(world, one, as_object(one.properties.get(_STATE)))
            return
    world.save_new(f"{server.id}/{CONNECTIONS}/{name}", kind, {"properties": properties})


def remove_connections(world: World, server: Record, endpoint_id: str) -> None:
    """Take away what an endpoint that is gone had made."""
    for one in world.store.children(server.id, f"{server.type}/{CONNECTIONS}"):
        if key(endpoint_of(one)) == key(endpoint_id):
            world.remove(one.id)


def tell_endpoint(world: World, connection: Record, state: JsonObject) -> None:
    """Show a new state of a connection at its endpoint too, if that is here."""
    endpoint = world.store.get(endpoint_of(connection))
    if endpoint is None:
        return
    changed: JsonObject = {
        name: [
            _with_state(as_object(one), connection.parent, state)
            for one in as_list(endpoint.properties.get(name))
        ]
        for name in ENDPOINT_LISTS
    }
    world.save(replace(endpoint, body=endpoint.body | {"properties": endpoint.properties | changed}))


def _with_state(one: JsonObject, server_id: str, state: JsonObject) -> JsonValue:
    properties = as_object(one.get("properties"))
    if key(as_text(properties.get("privateLinkServiceId"))) != key(server_id):
        return one
    return one | {"properties": properties | {_STATE: as_object(properties.get(_STATE)) | state}}


def cut(world: World, connection: Record) -> None:
    """Tell the endpoint of a connection that the server's side of it is gone."""
    tell_endpoint(world, connection, {"status": "Disconnected", "description": "Removed by the server."})
