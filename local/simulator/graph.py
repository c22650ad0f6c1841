"""Resource Graph: `POST /providers/Microsoft.ResourceGraph/resources` over the simulator's records.

Rows are the top-level resources as they stood `graphLagSeconds` ago, `type` and `resourceGroup` in lower
case, those that the caller may read. Pages by `$top` and `$skipToken` (only a query that keeps `id` can
be paged); `resultTruncated` is a text. What is not simulated of the query language is refused by name.
What must not live here: the language (`kql.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus

from local.simulator import handlers
from local.simulator.access import may
from local.simulator.kql import Unsupported, ask
from local.simulator.store import Record
from local.simulator.values import (
    TENANT,
    Answer,
    ArmRequest,
    JsonObject,
    JsonValue,
    as_list,
    as_object,
    as_text,
    bad_request,
    parse_address,
    short_location,
    utc_text,
)
from local.simulator.world import World

_PATH = "/providers/microsoft.resourcegraph/resources"
_LARGEST_PAGE = 1000
_COLUMNS = ("kind", "sku", "tags", "identity", "zones", "managedBy", "plan", "properties")


def is_query(request: ArmRequest) -> bool:
    return request.method == "POST" and request.address.path.lower() == _PATH


def answer_query(world: World, request: ArmRequest) -> Answer:
    """Raises 400 BadRequest that names what is not simulated."""
    options = as_object(request.body.get("options"))
    if as_text(options.get("resultFormat") or "objectArray").lower() != "objectarray":
        raise bad_request("BadRequest", "resultFormat table is not simulated; objectArray is.")
    try:
        tables = {
            "resources": lambda: _rows(world, request),
            "resourcechanges": lambda: _changes(world, request),
        }
        rows = ask(as_text(request.body.get("query")), tables)
    except Unsupported as error:
        raise bad_request("BadRequest", f"The query is not supported by the simulator: {error}.") from error
    return Answer(status=HTTPStatus.OK, body=_page(world, options, rows), headers=_quota())


def _quota() -> dict[str, str]:
    return {"x-ms-user-quota-remaining": "14", "x-ms-user-quota-resets-after": "00:00:05"}


def _page(world: World, options: JsonObject, rows: list[JsonObject]) -> JsonObject:
    start = _whole(options, "$skipToken") or _whole(options, "$skip")
    top = min(_whole(options, "$top") or _LARGEST_PAGE, world.switches.page_size or _LARGEST_PAGE)
    page: list[JsonValue] = list(rows[start : start + top])
    more = start + top < len(rows)
    pageable = not more or "id" in rows[0]
    body: JsonObject = {
        "totalRecords": len(rows),
        "count": len(page),
        "resultTruncated": "false" if pageable else "true",
        "facets": [],
        "data": page,
    }
    return body | ({"$skipToken": str(start + top)} if more and pageable else {})


def _whole(options: JsonObject, name: str) -> int:
    value = options.get(name)
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else "0"
    if not text.isdigit():
        raise bad_request("BadRequest", f"{name} '{text}' is not usable.")
    return int(text)


def _subscriptions(request: ArmRequest) -> list[str]:
    return [as_text(one).lower() for one in as_list(request.body.get("subscriptions"))]


def _changes(world: World, request: ArmRequest) -> list[JsonObject]:
    """What was written of resources that are rows, as far as the kept past reaches: not of their children."""
    asked, shown = _subscriptions(request), {kind.lower() for kind in handlers.row_types()}
    until = world.now() - world.switches.graph_lag_seconds
    rows: list[JsonObject] = []
    for number, (written, record, deed) in enumerate(world.store.past()):
        subscription = parse_address(record.id).subscription
        listed = record.type.lower() in shown and (not asked or subscription.lower() in asked)
        if not listed or written > until or not may(world.roles, request.caller, f"{record.type}/read"):
            continue
        properties: JsonObject = {
            "targetResourceId": record.id,
            "targetResourceType": record.type.lower(),
            "changeType": deed,
            "changeAttributes": {"timestamp": utc_text(written)},
        }
        change = f"{record.id}/providers/Microsoft.Resources/changes/{number:012d}"
        rows.append({"id": change, "subscriptionId": subscription, "properties": properties})
    return rows


def _rows(world: World, request: ArmRequest) -> list[JsonObject]:
    subscriptions = _subscriptions(request)
    rows = _cached(world) if not world.switches.graph_lag_seconds else _made(world, _as_of_then(world))
    kinds = _first_asked(as_text(request.body.get("query")))
    return [
        row
        for kind, listed in rows.items()
        if (not kinds or kind.lower() in kinds) and may(world.roles, request.caller, f"{kind}/read")
        for row in listed
        if not subscriptions or as_text(row["subscriptionId"]).lower() in subscriptions
    ]


_ONE_TYPE = re.compile(r"\s*resources\s*\|\s*where\s+type\s*=~\s*'([^']+)'\s*\|")
_SOME_TYPES = re.compile(r"\s*resources\s*\|\s*where\s+type\s+in~\s*\(([^)]*)\)\s*\|")


def _first_asked(query: str) -> set[str]:
    """The types that a query's first stage asks for and nothing else; none where it says something else."""
    one, some = _ONE_TYPE.match(query), _SOME_TYPES.match(query)
    if one:
        return {one[1].lower()}
    return {text.lower() for text in re.findall(r"'([^']+)'", some[1])} if some else set()


def _cached(world: World) -> dict[str, list[JsonObject]]:
    """The rows by type, made anew only after something was written or while an operation runs."""
    if world.operations.any_running():
        return _made(world, world.store)
    version, rows = world.graph_rows
    if version != world.store.version:
        rows = _made(world, world.store)
        world.graph_rows = world.store.version, rows
    return rows


def _as_of_then(world: World) -> list[Record]:
    return world.store.as_of(world.now() - world.switches.graph_lag_seconds)


def _made(world: World, records: Iterable[Record]) -> dict[str, list[JsonObject]]:
    shown = {kind.lower() for kind in handlers.row_types()}
    rows: dict[str, list[JsonObject]] = {}
    for record in records:
        if record.type.lower() in shown:
            rows.setdefault(record.type, []).append(_row(world, record))
    return rows


def _row(world: World, record: Record) -> JsonObject:
    shown = handlers.show(world, record, "2026-01-01")
    address = parse_address(record.id)
    row: JsonObject = {
        "id": record.id,
        "name": record.name,
        "type": record.type.lower(),
        "tenantId": TENANT,
        "location": short_location(as_text(shown.get("location"))),
        "resourceGroup": address.group.lower(),
        "subscriptionId": address.subscription,
    }
    return row | {name: shown.get(name) for name in _COLUMNS}
