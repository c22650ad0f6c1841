"""Network resources with inline children: security groups, virtual networks, route tables.

A PUT is 201 (new) or 200 with the whole body and `provisioningState: Updating`; what was written is seen
at once, the etag changes then and again when the operation ends, and a child's etag is its parent's. A
whole PUT replaces the children. While one write runs another on the same parent is refused. How a rule or
subnet is checked and shown is next door (`rules.py`, `subnets.py`). What must not live here: private
endpoints and DNS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus

from local.simulator import subnets
from local.simulator.peered_spaces import with_spaces
from local.simulator.rules import check_conflicts, check_rule, default_rules, spell_rule
from local.simulator.shapes import find, id_for, parent_of, show_with_etag
from local.simulator.store import Record
from local.simulator.switches import IfMatchOnRules
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
    key,
)
from local.simulator.world import World

NSG = "Microsoft.Network/networkSecurityGroups"
RULES = f"{NSG}/securityRules"
VNET = "Microsoft.Network/virtualNetworks"
SUBNETS = f"{VNET}/subnets"
ROUTE_TABLE = "Microsoft.Network/routeTables"
ROUTES = f"{ROUTE_TABLE}/routes"
_CHILDREN = {NSG: RULES, VNET: SUBNETS, ROUTE_TABLE: ROUTES}
_NEXT_HOPS = ("VirtualNetworkGateway", "VnetLocal", "Internet", "VirtualAppliance", "None")
_SUBNETS_KEPT_FROM = "2023-09-01"
_NOTIFIES = {"Azure-AsyncNotification": "Enabled"}


def child_type(kind: str) -> str:
    return _CHILDREN[kind]


def state_of(world: World, root_id: str, shown_id: str) -> str:
    """`Succeeded`, or what the operation that touches this resource makes of it."""
    running = world.operations.holding(root_id)
    # A write of the parent touches all of it; a write of a child touches that child and the parent.
    touched = (key(root_id), key(running.subject)) if running else ()
    if running is None or (key(running.subject) != key(root_id) and key(shown_id) not in touched):
        return "Succeeded"
    deleted = running.method == "DELETE" and key(running.subject) == key(shown_id)
    return "Deleting" if deleted else "Updating"


def show_root(world: World, record: Record, _api_version: str = "") -> JsonObject:
    """A group, network or route table with its children inline."""
    kind = _CHILDREN[record.type]
    children: list[JsonValue] = [show_child(world, one) for one in world.store.children(record.id, kind)]
    state = state_of(world, record.id, record.id)
    properties: JsonObject = {
        "provisioningState": state,
        **record.properties,
        kind.rsplit("/", 1)[-1]: children,
    }
    if record.type == NSG:
        properties["defaultSecurityRules"] = default_rules(record.id, record.etag, state)
        using = subnets.using(world, "networkSecurityGroup", record.id)
        properties |= {"subnets": using} if using else {}
    elif record.type == ROUTE_TABLE:
        using = subnets.using(world, "routeTable", record.id)
        properties |= {"subnets": using} if using else {}
    elif record.type == VNET:
        peerings = as_list(record.properties.get("virtualNetworkPeerings"))
        properties["virtualNetworkPeerings"] = [with_spaces(world, as_object(one)) for one in peerings]
    return show_with_etag(record) | {"properties": properties}


def expand_root(world: World, shown: JsonObject, expanded: str) -> JsonObject:
    """A shown group or table with whole subnets where `subnets` is asked for."""
    properties = as_object(shown.get("properties"))
    if "subnets" not in expanded.lower() or "subnets" not in properties:
        return shown
    held = [world.store.get(as_text(as_object(one).get("id"))) for one in as_list(properties["subnets"])]
    whole: list[JsonValue] = [show_child(world, one) for one in held if one is not None]
    return shown | {"properties": properties | {"subnets": whole}}


def show_plain_with_etag(_world: World, record: Record, _api_version: str = "") -> JsonObject:
    return show_with_etag(record)


def show_child(world: World, record: Record, _api_version: str = "") -> JsonObject:
    """A rule, subnet or route, under its parent's etag."""
    root = world.store.get(record.parent)
    etag = root.etag if root else record.etag
    properties: JsonObject = {
        "provisioningState": state_of(world, record.parent, record.id),
        **record.properties,
    }
    if record.type == SUBNETS:
        properties |= subnets.extras(world, record, etag)
    return {"name": record.name, "id": record.id, "etag": etag, "type": record.type, "properties": properties}


def default_rule(world: World, request: ArmRequest) -> list[JsonValue]:
    """The default rules of the addressed group: all, or the one that is named."""
    nsg = parent_of(world, request.address)
    shown = default_rules(nsg.id, nsg.etag, state_of(world, nsg.id, nsg.id))
    wanted = request.address.name.lower()
    return [one for one in shown if wanted in ("", as_text(as_object(one).get("name")).lower())]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Family:
    """A parent with its children as they stood before a write, to go back to when the operation fails."""

    root: Record | None
    root_id: str
    children: tuple[Record, ...]

    def restore(self, world: World) -> None:
        world.remove(self.root_id)
        if self.root is not None:
            world.save(self.root)
            for child in self.children:
                world.save(child)


def _family(world: World, root_id: str, kind: str) -> _Family:
    root = world.store.get(root_id)
    return _Family(root=root, root_id=root_id, children=tuple(world.store.children(root_id, kind)))


def put_root(world: World, request: ArmRequest, kind: str) -> Accepted:
    """The whole resource: what the body leaves out is gone, children included."""
    known = world.store.get(request.address.path)
    if known is not None:
        refuse_if_busy(world, known)
    properties = _with_kept_subnets(world, request, known)
    children = _inline_children(properties, kind)
    for position, child in enumerate(children):
        _check_child(world, request, _CHILDREN[kind], child, children[:position])
    root_id = id_for(world, request, kind)
    before = _family(world, root_id, _CHILDREN[kind])
    _refuse_losses(world, before.children, dict(children))
    put_family(world, root_id, kind, request.body | {"properties": properties})
    return _accept(world, root_id, before, shown=lambda: show_root(world, _held(world, root_id)))


def patch_root(world: World, request: ArmRequest) -> Accepted:
    """The tags, at once: nothing else of these types can be changed by PATCH."""
    root = find(world, request.address)
    refuse_if_busy(world, root)
    changed = replace(root, body=root.body | {"tags": as_object(request.body.get("tags"))})

    def finish() -> None:
        world.save(changed)

    return Accepted(
        status=HTTPStatus.OK,
        existed=True,
        finish=finish,
        body=lambda: show_root(world, _held(world, root.id)),
    )


def _refuse_losses(world: World, held: tuple[Record, ...], children: dict[str, JsonObject]) -> None:
    """Raise 400 where a whole PUT takes a subnet, or its delegation, from what stands in it."""
    named = {name.lower(): properties for name, properties in children.items()}
    for subnet in held:
        if subnet.type == SUBNETS and subnet.name.lower() not in named:
            subnets.refuse_if_used(world, subnet)
        elif subnet.type == SUBNETS:
            _refuse_loss(world, subnet, named[subnet.name.lower()])


def _refuse_loss(world: World, subnet: Record, properties: JsonObject) -> None:
    subnets.refuse_other_range(world, subnet, properties)
    subnets.refuse_without_delegation(world, subnet.id, properties)


def _inline_children(properties: JsonObject, kind: str) -> list[tuple[str, JsonObject]]:
    """Name and properties of each child that a whole PUT names."""
    listed = [as_object(one) for one in as_list(properties.get(_CHILDREN[kind].rsplit("/", 1)[-1]))]
    return [(as_text(one.get("name")), as_object(one.get("properties"))) for one in listed]


def _with_kept_subnets(world: World, request: ArmRequest, known: Record | None) -> JsonObject:
    """A network PUT without the field `subnets` keeps those that exist; an empty list removes them.

    Announced by the networking team for api-versions from 2023-09-01; before, it removed them too.
    """
    properties = request.properties
    if known is None or known.type != VNET or "subnets" in properties:
        return properties
    if request.api_version < _SUBNETS_KEPT_FROM:
        return properties
    kept = world.store.children(known.id, SUBNETS)
    return properties | {"subnets": [{"name": one.name, "properties": one.properties} for one in kept]}


def put_family(world: World, root_id: str, kind: str, body: JsonObject) -> None:
    """Keep a parent and its inline children without checks; used for seeds too."""
    inline = _CHILDREN[kind].rsplit("/", 1)[-1]
    properties = as_object(body.get("properties"))
    derived = (inline, "defaultSecurityRules", "provisioningState", *([] if kind == VNET else ["subnets"]))
    kept: JsonObject = {name: value for name, value in properties.items() if name not in derived}
    root: JsonObject = {
        name: value for name, value in body.items() if name not in ("id", "name", "type", "etag")
    }
    root.setdefault("location", "canadacentral")
    world.remove(root_id)
    world.save_new(root_id, kind, root | {"properties": _with_root_defaults(kind, kept)})
    for name, child in _inline_children(properties, kind):
        put_inline(world, f"{root_id}/{inline}/{name}", _CHILDREN[kind], child)


def put_inline(world: World, child_id: str, kind: str, properties: JsonObject) -> None:
    """Keep one child in the spelling of its type."""
    spelled = spell_rule(properties) if kind == RULES else subnets.without_derived(properties)
    world.save_new(child_id, kind, {"properties": spelled})


def _with_root_defaults(kind: str, properties: JsonObject) -> JsonObject:
    defaults: dict[str, JsonObject] = {
        VNET: {
            "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
            "virtualNetworkPeerings": [],
            "enableDdosProtection": False,
        },
        ROUTE_TABLE: {"disableBgpRoutePropagation": False},
    }
    return defaults.get(kind, {}) | properties


def put_child(world: World, request: ArmRequest, kind: str) -> Accepted:
    """One rule, subnet or route, as a whole."""
    root = parent_of(world, request.address)
    refuse_if_busy(world, root)
    child_id = id_for(world, request, kind)
    known = world.store.get(child_id)
    _check_preconditions(world, request, root, known)
    others = [(one.name, one.properties) for one in world.store.children(root.id, kind)]
    _check_child(world, request, kind, (request.address.name, request.properties), others)
    if kind == SUBNETS and known is not None:
        _refuse_loss(world, known, request.properties)
    before = _family(world, root.id, kind)
    put_inline(world, child_id, kind, request.properties)
    world.store.touch(root.id, world.now())
    accepted = _accept(world, root.id, before, shown=lambda: show_child(world, _held(world, child_id)))
    return replace(
        accepted,
        status=HTTPStatus.OK if known else HTTPStatus.CREATED,
        existed=known is not None,
        headers={} if kind == RULES else _NOTIFIES,
    )


def _accept(world: World, root_id: str, before: _Family, shown: Callable[[], JsonObject]) -> Accepted:
    root = _held(world, root_id)
    return Accepted(
        status=HTTPStatus.OK if before.root else HTTPStatus.CREATED,
        existed=before.root is not None,
        holds=root_id,
        location=as_text(root.body.get("location")),
        finish=lambda: world.store.touch(root_id, world.now()),
        undo=lambda: before.restore(world),
        body=shown,
        result=shown,
        headers=_NOTIFIES,
        sends_location=False,
    )


def _held(world: World, resource_id: str) -> Record:
    record = world.store.get(resource_id)
    if record is None:
        raise ArmError(HTTPStatus.NOT_FOUND, "NotFound", f"Resource {resource_id} not found.")
    return record


def delete_root(world: World, request: ArmRequest) -> Accepted:
    """202 with an empty body; 204 where there is nothing; 400 while a subnet uses the group or table."""
    record = world.store.get(request.address.path)
    if record is None:
        return Accepted(status=HTTPStatus.NO_CONTENT, existed=False)
    refuse_if_busy(world, record)
    field = {NSG: "networkSecurityGroup", ROUTE_TABLE: "routeTable"}.get(record.type)
    if field and subnets.using(world, field, record.id):
        what = record.type.rsplit("/", 1)[-1].removesuffix("s")
        message = f"{record.id} cannot be deleted because it is in use."
        raise bad_request(f"InUse{what[0].upper()}{what[1:]}CannotBeDeleted", message)
    for child in world.store.children(record.id, SUBNETS):
        subnets.refuse_if_used(world, child)
    return _accept_delete(world, record, record, _NOTIFIES)


def delete_child(world: World, request: ArmRequest) -> Accepted:
    root = parent_of(world, request.address)
    refuse_if_busy(world, root)
    record = world.store.get(request.address.path)
    _check_preconditions(world, request, root, record)
    if record is None:
        return Accepted(status=HTTPStatus.NO_CONTENT, existed=False)
    if record.type == SUBNETS:
        subnets.refuse_if_used(world, record)
    return _accept_delete(world, root, record, {} if record.type == RULES else _NOTIFIES)


def _accept_delete(world: World, root: Record, record: Record, headers: dict[str, str]) -> Accepted:
    def finish() -> None:
        world.remove(record.id)
        world.store.touch(root.id, world.now())

    world.store.touch(root.id, world.now())
    return Accepted(
        status=HTTPStatus.ACCEPTED,
        existed=True,
        holds=root.id,
        location=as_text(root.body.get("location")),
        finish=finish,
        headers=headers,
    )


def refuse_if_busy(world: World, root: Record) -> None:
    """Raise what Microsoft.Network answers to a second write while one runs: a group 429, a network 409."""
    running = world.operations.holding(root.id)
    if running is None:
        return
    if root.type != NSG:
        raise ArmError(
            HTTPStatus.CONFLICT,
            "AnotherOperationInProgress",
            f"Another operation on this or dependent resource is in progress: {running.id}.",
            details=[],
        )
    detail: JsonObject = {
        "code": "RetryableErrorDueToAnotherOperation",
        "message": f"Operation {running.method} ({running.id}) is updating resource {root.id}.",
    }
    raise ArmError(
        HTTPStatus.TOO_MANY_REQUESTS,
        "RetryableError",
        "A retryable error occurred.",
        details=[detail],
        headers={"Retry-After": str(max(1, world.switches.retry_after_seconds))},
    )


def _check_preconditions(world: World, request: ArmRequest, root: Record, known: Record | None) -> None:
    """412 for If-Match and If-None-Match on rules, where the switch says that they count."""
    if root.type != NSG or world.switches.if_match_on_rules is IfMatchOnRules.IGNORED:
        return
    wanted, unwanted = request.headers.get("if-match"), request.headers.get("if-none-match")
    stale = wanted is not None and (known is None or wanted not in ("*", root.etag))
    if stale or (unwanted == "*" and known is not None):
        raise ArmError(
            HTTPStatus.PRECONDITION_FAILED,
            "PreconditionFailed",
            f"Precondition failed. Etag provided does not match the etag of {request.address.path}.",
        )


def _check_child(
    world: World,
    request: ArmRequest,
    kind: str,
    child: tuple[str, JsonObject],
    others: list[tuple[str, JsonObject]],
) -> None:
    name, properties = child
    if kind == RULES:
        check_rule(name, properties)
        check_conflicts(name, properties, others)
    elif kind == SUBNETS:
        subnets.check(world, request, child, others, _network_of(world, request))
    else:
        _check_route(name, properties)


def _network_of(world: World, request: ArmRequest) -> JsonObject:
    """The properties of the network that a write of it, or of a subnet of it, leaves."""
    if len(request.address.segments) == 2:
        return request.properties
    return parent_of(world, request.address).properties


def _check_route(name: str, properties: JsonObject) -> None:
    """Raise 400 for a hop that is none, and for an appliance without an address or anything else with one."""
    hop = as_text(properties.get("nextHopType"))
    if hop not in _NEXT_HOPS:
        raise bad_request("InvalidRequestFormat", f"Route {name} has an unknown nextHopType '{hop}'.")
    if not as_text(properties.get("addressPrefix")):
        raise bad_request("InvalidRequestFormat", f"Route {name} has no address prefix.")
    if bool(as_text(properties.get("nextHopIpAddress"))) != (hop == "VirtualAppliance"):
        message = f"Route {name} with nextHopType {hop} must {'' if hop == 'VirtualAppliance' else 'not '}"
        raise bad_request("InvalidNextHopIpAddress", f"{message}have a nextHopIpAddress.")


def find_child(world: World, request: ArmRequest) -> Record:
    """The addressed child; a missing parent is 404 ResourceNotFound, a missing child 404 NotFound, as the
    network provider words it."""
    if world.store.get(request.address.parent) is None:
        return find(world, request.address)
    return _held(world, request.address.path)
