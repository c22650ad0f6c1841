"""Resources that hang on the id of any other: diagnostic settings, availability statuses, management locks.

Diagnostic settings come back with the resource's id in lower case and are listed whole, without pages. Every
resource is `Available` to Resource Health until a seed says otherwise: the state is Azure's own observation,
so no ARM call writes it. A lock is listed at its scope, above and below it; `atScope()` leaves out what is
below. What must not live here: what a lock forbids (`access.py`).
"""

from __future__ import annotations

from http import HTTPStatus

from local.simulator.access import LOCKS
from local.simulator.shapes import find, show
from local.simulator.store import Record
from local.simulator.values import (
    Accepted,
    ArmError,
    ArmRequest,
    JsonObject,
    as_text,
    bad_request,
    fill,
    key,
    parse_address,
    short_location,
    utc_text,
)
from local.simulator.world import World

DIAGNOSTICS = "Microsoft.Insights/diagnosticSettings"
STATUSES = "Microsoft.ResourceHealth/availabilityStatuses"
_CURRENT = "current"
MOST_SETTINGS = 5
"""Azure's article on diagnostic settings; the code of the refusal is ours."""
_DESTINATIONS = (
    "workspaceId",
    "storageAccountId",
    "eventHubAuthorizationRuleId",
    "marketplacePartnerId",
    "serviceBusRuleId",
)


def diagnostics_of(world: World, request: ArmRequest) -> list[Record]:
    """The settings of the resource itself, not of what lies below; raises 404 where there is none."""
    return world.store.children(_owner(world, request).id, DIAGNOSTICS)


def _owner(world: World, request: ArmRequest) -> Record:
    return find(world, parse_address(request.address.scope))


def put_diagnostics(world: World, request: ArmRequest, kind: str) -> Accepted:
    """200 for a new one too, as the specification has it; raises 400 where nothing is to be sent anywhere and
    for one setting too many.
    """
    owner = _owner(world, request)
    if not any(as_text(request.properties.get(name)) for name in _DESTINATIONS):
        raise bad_request("BadRequest", "At least one data sink needs to be specified.")
    named: JsonObject = {name: [] for name in ("logs", "metrics") if name not in request.properties}
    body: JsonObject = {"properties": request.properties | named}
    resource_id = diagnostics_id(owner.id, request.address.name)
    existed = world.store.get(resource_id) is not None
    if not existed and len(world.store.children(owner.id, DIAGNOSTICS)) >= MOST_SETTINGS:
        raise bad_request("BadRequest", f"The limit of {MOST_SETTINGS} diagnostic settings was reached.")

    def finish() -> None:
        world.save_new(resource_id, kind, body)

    return Accepted(
        status=HTTPStatus.OK,
        existed=existed,
        finish=finish,
        body=lambda: show(find(world, request.address)),
    )


def diagnostics_id(owner_id: str, name: str) -> str:
    return f"{key(owner_id)}/providers/microsoft.insights/diagnosticSettings/{name}"


def status_of(world: World, request: ArmRequest) -> Record:
    """What Resource Health says of a resource; raises 404 for any name but `current`."""
    owner = _owner(world, request)
    if request.address.name.lower() != _CURRENT:
        raise ArmError(HTTPStatus.NOT_FOUND, "NotFound", f"No availability status '{request.address.name}'.")
    return _status(world, owner)


def statuses_under(world: World, request: ArmRequest) -> list[Record]:
    """The current status of every server at or below a scope."""
    scope = request.address.scope
    servers = [
        one
        for kind in ("Microsoft.DBforPostgreSQL/flexibleServers", "Microsoft.DBforPostgreSQL/servers")
        for one in world.store.of_type(kind, scope)
    ]
    return [_status(world, one) for one in servers]


def _status(world: World, owner: Record) -> Record:
    status_id = f"{owner.id}/providers/{STATUSES}/{_CURRENT}"
    known = world.store.get(status_id)
    healthy: JsonObject = {
        "availabilityState": "Available",
        "title": "Available",
        "summary": "No problem of the platform affects this resource.",
        "reasonType": "",
        "reasonChronicity": "Persistent",
        "detailedStatus": "",
        # Azure's own spelling.
        "occuredTime": utc_text(world.now()),
        "reportedTime": utc_text(world.now()),
    }
    body: JsonObject = {"location": short_location(as_text(owner.body.get("location")))}
    kept = known.properties if known else {}
    return Record(id=status_id, type=STATUSES, body=body | {"properties": fill(kept, healthy)}, etag="")


def locks_at(world: World, request: ArmRequest) -> list[Record]:
    scope = key(request.address.scope)
    at_scope = request.query.get("$filter", "").replace(" ", "").lower() == "atscope()"
    return [
        lock
        for lock in world.store.of_type(LOCKS, "")
        if f"{scope}/".startswith(f"{key(lock.parent)}/")
        or (not at_scope and key(lock.parent).startswith(f"{scope}/"))
    ]
