"""Resources that were written one by one, joined as ARM shows them: rules in NSGs, endpoints at servers.

A plan and a what-if hold what somebody writes; ARM shows what belongs to it too. What was made by what is
written has no other parts than these. What was there before may have parts that nobody wrote here: where
a list can hold a part that says nothing, one stands for them, and readers know that it may be any; else the
list is not known. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from driftward.scanning.documents.holdings import ENDPOINTS, FLEXIBLE, NETWORKS, ZONES
from shared.model import Json
from shared.model.resource_id import ResourceId, parse_resource_id
from shared.model.values import value

Body: TypeAlias = Mapping[str, Json]
_GROUPS: Final = "microsoft.network/networksecuritygroups"
_TABLES: Final = "microsoft.network/routetables"
_WITHIN: Final[Mapping[str, tuple[str, ...]]] = {
    _GROUPS: ("securityRules",),
    _TABLES: ("routes",),
    NETWORKS: ("subnets", "virtualNetworkPeerings"),
}
"""The lists that a resource shows within its own body."""
_DIAGNOSTICS: Final = "providers/microsoft.insights/diagnosticsettings"
_LISTS: Final[Mapping[str, tuple[str, ...]]] = {
    FLEXIBLE: ("firewallrules", "configurations", "administrators", _DIAGNOSTICS),
    ENDPOINTS: ("privatednszonegroups",),
    ZONES: ("virtualnetworklinks",),
}
_PARAMETERS: Final = "configurations"
_DEFAULTS: Final = "what is not set has a default of Azure's"
_NO_PARAMETERS: Final = "none is set, and which defaults Azure has is not in what is planned"
_ONE_IS_ENOUGH: Final = frozenset({"administrators", "privatednszonegroups"})
_CAN_BE_ANY: Final = frozenset({"firewallrules", "virtualnetworklinks"})
"""Lists in which a part that says nothing is told of as one that may be any."""
_CONNECTIONS: Final = ("privateLinkServiceConnections", "manualPrivateLinkServiceConnections")
OTHERS: Final = "(those that are not shown here)"


@value
class Joined:
    bodies: Mapping[str, Body]
    lists: Mapping[str, tuple[Json, ...]]
    others: tuple[Body, ...]
    """Networks that nobody writes here, with those of their subnets that somebody does."""
    why_not: Mapping[str, str]
    """Why a list is not known, by its path."""


def joined(written: Iterable[Body], there: Collection[str], gone: Collection[str] = ()) -> Joined:
    """``there`` are the keys of what was there before, ``gone`` of what is deleted."""
    flat = {str(one["id"]).lower(): dict(one) for one in written}
    children = _by_collection(flat)
    bodies = {key: _whole(key, one, children, gone) for key, one in flat.items()}
    bodies |= dict(_subnets_of(bodies))
    _join_endpoints(bodies, there)
    _join_peerings(bodies, there)
    found = {place: held for key in bodies for place, held in _lists(key, bodies, children, there)}
    return Joined(
        bodies=_with_subnets(bodies),
        lists={place: held for place, held in found.items() if not isinstance(held, str)},
        others=tuple(_others(bodies)),
        why_not={place: held for place, held in found.items() if isinstance(held, str)},
    )


def listed(found: Json) -> list[Json]:
    return found if isinstance(found, list) else []


def properties(body: Body) -> dict[str, Json]:
    found = body.get("properties")
    return found if isinstance(found, dict) else {}


def _by_collection(flat: Mapping[str, Body]) -> Mapping[str, list[Body]]:
    found: dict[str, list[Body]] = defaultdict(list)
    for key, body in flat.items():
        found[key.rpartition("/")[0]].append(body)
    return found


# --- what stands within ----------------------------------------------------------------------------


def _whole(
    key: str, body: Body, children: Mapping[str, list[Body]], gone: Collection[str]
) -> dict[str, Json]:
    """A body with the children that were written on their own, in the place of those of the same name."""
    held = dict(properties(body))
    for name in _WITHIN.get(ResourceId(key).type, ()):
        own = children.get(f"{key}/{name.lower()}", [])
        inline = held.get(name)
        if isinstance(inline, list) or inline is None:
            held[name] = [*_inline(key, name, inline or [], {*gone, *map(_key, own)}), *own]
    return {**body, "properties": held}


def _inline(key: str, name: str, inline: list[Json], but: Collection[str]) -> Iterator[Json]:
    """Those that are not written elsewhere and not deleted, each with its id."""
    for one in inline:
        if isinstance(one, Mapping):
            place = str(one.get("id") or f"{key}/{name}/{one.get('name')}")
            if place.lower() not in but and f"{key}/{name}/{one.get('name')}".lower() not in but:
                yield {**one, "id": place} if parse_resource_id(place) is not None else one
        else:
            yield one


def _key(body: Body) -> str:
    return str(body.get("id")).lower()


def _subnets_of(bodies: Mapping[str, Body]) -> Iterator[tuple[str, dict[str, Json]]]:
    """The subnets within networks, as bodies of their own that endpoints are added to."""
    for key, body in bodies.items():
        if ResourceId(key).type == NETWORKS:
            for one in listed(properties(body).get("subnets")):
                if isinstance(one, Mapping) and parse_resource_id(one.get("id")) is not None:
                    yield _key(one), {**one, "properties": dict(properties(one))}


def _with_subnets(bodies: Mapping[str, Body]) -> dict[str, Body]:
    """Networks show their subnets as these are now."""
    found = dict(bodies)
    for key, body in bodies.items():
        if ResourceId(key).type == NETWORKS and isinstance(held := properties(body).get("subnets"), list):
            shown = [found.get(_key(one), one) if isinstance(one, Mapping) else one for one in held]
            found[key] = {**body, "properties": {**properties(body), "subnets": shown}}
    return found


def _others(bodies: Mapping[str, Body]) -> Iterator[Body]:
    by_network: dict[str, list[Body]] = defaultdict(list)
    for key, body in bodies.items():
        if ResourceId(key).type == f"{NETWORKS}/subnets":
            by_network[str(body["id"])[: key.index("/subnets/")]].append(body)
    for network, subnets in by_network.items():
        if network.lower() not in bodies:
            yield {"id": network, "properties": {"subnets": subnets}}


# --- private endpoints and peerings ----------------------------------------------------------------


def _join_endpoints(bodies: Mapping[str, Body], there: Collection[str]) -> None:
    """Servers and subnets show the endpoints that lead to them, or stand in them."""
    connections: dict[str, list[Json]] = defaultdict(list)
    leading_anywhere: list[str] = []
    for key, body in bodies.items():
        if ResourceId(key).type == ENDPOINTS:
            _stand_in(bodies, body)
            for target, status in _targets(body):
                if target in bodies:
                    connections[target].append(_connection(bodies[target], body, status))
                elif parse_resource_id(target) is None:
                    leading_anywhere.append(key.rpartition("/")[2])
    for key, body in bodies.items():
        if ResourceId(key).type == FLEXIBLE and "privateEndpointConnections" not in properties(body):
            _show(body, connections[key], is_whole=key not in there and not leading_anywhere)


def _show(server: Body, connections: list[Json], *, is_whole: bool) -> None:
    """There may be others at a server that was there before, or where an endpoint does not say whither it
    leads; where none is known, nothing is."""
    if connections or is_whole:
        others: list[Json] = [] if is_whole else [{"name": OTHERS}]
        properties(server)["privateEndpointConnections"] = [*connections, *others]


def _targets(endpoint: Body) -> Iterator[tuple[str, str]]:
    """What an endpoint leads to, and how its connection will stand: a manual one waits for a person."""
    for name, status in zip(_CONNECTIONS, ("Approved", "Pending"), strict=True):
        for one in listed(properties(endpoint).get(name)):
            held = properties(one) if isinstance(one, Mapping) else {}
            state = held.get("privateLinkServiceConnectionState")
            said = state.get("status") if isinstance(state, Mapping) else None
            yield str(held.get("privateLinkServiceId")).lower(), str(said or status)


def _connection(server: Body, endpoint: Body, status: str) -> dict[str, Json]:
    name = str(endpoint["id"]).rpartition("/")[2]
    return {
        "id": f"{server['id']}/privateEndpointConnections/{name}",
        "name": name,
        "properties": {
            "privateEndpoint": {"id": endpoint["id"]},
            "privateLinkServiceConnectionState": {"status": status},
        },
    }


def _stand_in(bodies: Mapping[str, Body], endpoint: Body) -> None:
    subnet = properties(endpoint).get("subnet")
    place = bodies.get(str(subnet.get("id")).lower()) if isinstance(subnet, Mapping) else None
    if place is not None:
        held = listed(properties(place).get("privateEndpoints"))
        if not any(_key(one) == _key(endpoint) for one in held if isinstance(one, Mapping)):
            properties(place)["privateEndpoints"] = [*held, {"id": endpoint["id"]}]


def _join_peerings(bodies: Mapping[str, Body], there: Collection[str]) -> None:
    """A peering works once both ends have it; what was there may have others."""
    networks = {key: body for key, body in bodies.items() if ResourceId(key).type == NETWORKS}
    for key, body in networks.items():
        held = properties(body).get("virtualNetworkPeerings")
        if isinstance(held, list):
            found: list[Json] = [_peering(key, one, networks) for one in held]
            others: list[Json] = [{"name": OTHERS, "properties": {}}] if key in there else []
            properties(body)["virtualNetworkPeerings"] = [*found, *others]


def _peering(key: str, peering: Json, networks: Mapping[str, Body]) -> Json:
    if not isinstance(peering, Mapping) or "peeringState" in properties(peering):
        return peering
    other = networks.get(_remote(peering))
    back = [] if other is None else properties(other).get("virtualNetworkPeerings") or []
    if other is None or not any(_remote(one) == key for one in back if isinstance(one, Mapping)):
        return peering
    added = {"peeringState": "Connected", "remoteAddressSpace": properties(other).get("addressSpace")}
    return {**peering, "properties": {**properties(peering), **added}}


def _remote(peering: Body) -> str:
    found = properties(peering).get("remoteVirtualNetwork")
    return str(found.get("id")).lower() if isinstance(found, Mapping) else ""


# --- lists -----------------------------------------------------------------------------------------


def _lists(
    key: str, bodies: Mapping[str, Body], children: Mapping[str, list[Body]], there: Collection[str]
) -> Iterator[tuple[str, tuple[Json, ...] | str]]:
    """The lists of what belongs to a resource; of one that is not known, why."""
    kind, name = ResourceId(key).type, str(bodies[key]["id"]).rpartition("/")[2]
    before = f"{name} was there before: what else belongs to it is not in what is planned"
    for place in _LISTS.get(kind, ()):
        found = children.get(f"{key}/{place}", [])
        if place == _PARAMETERS:
            yield f"{key}/{place}", (*found, *_other(place)) if found else _NO_PARAMETERS
        elif key not in there:
            yield f"{key}/{place}", tuple(found)
        elif place in _CAN_BE_ANY and found:
            yield f"{key}/{place}", (*found, *_other(place))
        else:
            yield f"{key}/{place}", tuple(found) if place in _ONE_IS_ENOUGH and found else before
    if kind == FLEXIBLE:
        replicas = tuple(one for one in bodies.values() if _is_replica(one, key))
        yield f"{key}/replicas", before if key in there else replicas


def _other(name: str) -> list[Json]:
    """A parameter is known by its name: the one that may be any has none."""
    return [
        {"properties": {"value": _DEFAULTS}} if name == _PARAMETERS else {"name": OTHERS, "properties": {}}
    ]


def _is_replica(body: Body, source: str) -> bool:
    named = str(properties(body).get("sourceServerResourceId")).lower()
    return named == source and _key(body) != source
