"""Reads: one resource, a list with pages, and the few reads that are neither.

Lists come in the order of creation; with the switch `pageSize`, or asked for with `$top`, a page ends in a
`nextLink` that carries the position. Which records a type has, and how one is found, is its handler's to say
where they are not simply those of the store. What must not live here: Resource Graph (`graph.py`).
"""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import quote

from local.simulator import dns, handlers, network, plain, service_tags
from local.simulator.shapes import GROUP_TYPE, find, not_found
from local.simulator.store import Record
from local.simulator.switches import Expand
from local.simulator.values import (
    Answer,
    ArmRequest,
    JsonObject,
    as_list,
    bad_request,
    parse_address,
)
from local.simulator.world import World

_DEFAULT_RULES = f"{network.NSG}/defaultSecurityRules"
_SERVICE_TAGS = "Microsoft.Network/locations/serviceTags"
_SKIP = "$skiptoken"


def read(world: World, request: ArmRequest) -> Answer:
    """Answer a GET; raises 404 for what is not there."""
    kind = handlers.canonical_type(request)
    if kind == _SERVICE_TAGS and not request.address.is_item:
        listed = service_tags.service_tags(world, request)
        return Answer(status=HTTPStatus.OK, body=_page(world, request, listed, "values"))
    if kind == plain.TAGS and request.address.is_item:
        return Answer(status=HTTPStatus.OK, body=plain.show_tags(world, request))
    if request.address.is_item:
        return _item(world, request, kind)
    if kind == _DEFAULT_RULES:
        defaults: JsonObject = {"value": network.default_rule(world, request)}
        return Answer(status=HTTPStatus.OK, body=_page(world, request, defaults, "value"))
    records = _records(world, request, kind)
    if not handlers.handler_for(kind).paged:
        return Answer(status=HTTPStatus.OK, body={"value": [_shown(world, request, one) for one in records]})
    start, end = _span(world, request, len(records))
    shown: JsonObject = {"value": [_shown(world, request, record) for record in records[start:end]]}
    return Answer(status=HTTPStatus.OK, body=shown | _next(request, end, len(records)))


def _item(world: World, request: ArmRequest, kind: str) -> Answer:
    if kind == _DEFAULT_RULES:
        found = network.default_rule(world, request)
        if not found:
            raise not_found(world, request.address)
        return Answer(status=HTTPStatus.OK, body=found[0])
    record = handlers.handler_for(kind).find(world, request)
    shown = _shown(world, request, record)
    expand = handlers.handler_for(kind).expand
    if expand is not None and world.switches.expand is Expand.HONOURED:
        shown = expand(world, shown, request.query.get("$expand", ""))
    etag = shown.get("etag")
    return Answer(status=HTTPStatus.OK, body=shown, headers={"ETag": etag} if isinstance(etag, str) else {})


def _shown(world: World, request: ArmRequest, record: Record) -> JsonObject:
    return handlers.show(world, record, request.api_version)


def _records(world: World, request: ArmRequest, kind: str) -> list[Record]:
    address = request.address
    members = handlers.handler_for(kind).members
    if members is not None:
        return members(world, request)
    if kind.startswith("Microsoft.Resources/subscriptions") and kind != GROUP_TYPE:
        raise bad_request("InvalidResourceType", f"The list {address.path} is not simulated.")
    if len(address.segments) == 1 or kind == GROUP_TYPE:
        if address.group and "/providers/" in address.path and world.store.get(address.scope) is None:
            raise not_found(world, parse_address(f"{address.scope}/providers/{kind}/any"))
        return world.store.of_type(kind, address.scope)
    owner = find(world, parse_address(address.parent))
    if kind == f"{dns.ZONE}/ALL":
        return world.store.children(owner.id, dns.A_RECORD)
    return world.store.children(owner.id, kind)


def _page(world: World, request: ArmRequest, whole: JsonObject, field: str) -> JsonObject:
    """The asked page of an answer whose list is in `field`."""
    items = as_list(whole[field])
    start, end = _span(world, request, len(items))
    return {**whole, field: items[start:end]} | _next(request, end, len(items))


def _span(world: World, request: ArmRequest, count: int) -> tuple[int, int]:
    """From where to where the asked page goes."""
    top = request.query.get("$top", "")
    sizes = [size for size in (world.switches.page_size, int(top) if top.isdigit() else 0) if size]
    token = request.query.get(_SKIP) or request.query.get("$skipToken") or "0"
    if not token.isdigit():
        raise bad_request("InvalidSkipToken", f"'{token}' is no skip token of this list.")
    return int(token), int(token) + min(sizes, default=count)


def _next(request: ArmRequest, end: int, count: int) -> JsonObject:
    """The link to the page behind, where there is one."""
    if end >= count:
        return {}
    path, top = quote(request.address.path), request.query.get("$top", "")
    asked = f"&$top={top}" if top else ""
    return {"nextLink": f"{request.base_url}{path}?api-version={request.api_version}{asked}&{_SKIP}={end}"}
