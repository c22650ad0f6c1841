"""Resource Graph: `POST /providers/Microsoft.ResourceGraph/resources` over the simulator's records.

Rows are the top-level resources as they stood `graphLagSeconds` ago, `type` and `resourceGroup` in lower
case, those that the caller may read. Pages by `$top` and `$skipToken` (only a query that keeps `id` can
be paged); `resultTruncated` is a text. What is not simulated of the query language is refused by name.
What must not live here: the language (`kql.py`).
"""

from __future__ import annotations

from http import HTTPStatus

from local.simulator import handlers
from local.simulator.access import may
from local.simulator.kql import Unsupported, run
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
        rows = run(as_text(request.body.get("query")), _rows(world, request))
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


def _rows(world: World, request: ArmRequest) -> list[JsonObject]:
    subscriptions = [as_text(one).lower() for one in as_list(request.body.get("subscriptions"))]
    shown = {kind.lower() for kind in handlers.row_types()}
    records = (
        world.store.as_of(world.now() - world.switches.graph_lag_seconds)
        if world.switches.graph_lag_seconds
        else world.store
    )
    return [
        _row(world, record)
        for record in records
        if record.type.lower() in shown
        and (not subscriptions or parse_address(record.id).subscription.lower() in subscriptions)
        and may(world.roles, request.caller, f"{record.type}/read")
    ]


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
