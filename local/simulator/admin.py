"""The simulator's own interface, `/_sim/…`: calls, faults, subscribers, state, roles, switches, topics,
idle.

Routes are a werkzeug map; every view takes the world and a request and gives JSON. Unusable input is 400
with `{"error": {"code": "BadInput", "field", "message"}}`. `/_sim/topics/{name}/api/events` stands in for
a custom topic and accepts what `EventGridPublisherClient` sends. What must not live here: ARM.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TypeAlias

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule

from local.simulator import seeding
from local.simulator.access import Role
from local.simulator.arm import meet_fault
from local.simulator.calls import CallFilter
from local.simulator.delivery import Subscription
from local.simulator.events import EventSchema
from local.simulator.switches import BadInput, patch_switches, switches_to_json
from local.simulator.values import Answer, ArmError, JsonObject, JsonValue, as_list, as_text, utc_text
from local.simulator.world import World

PREFIX = "/_sim"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminRequest:
    """One admin call; `args` are the parts of its route."""

    method: str
    path: str
    query: Mapping[str, str]
    body: JsonValue
    args: Mapping[str, str]

    @property
    def fields(self) -> JsonObject:
        if not isinstance(self.body, dict):
            raise BadInput("body", "a JSON object is expected")
        return self.body


View: TypeAlias = Callable[[World, AdminRequest], JsonValue]


def serve_admin(world: World, request: AdminRequest) -> Answer:
    """Answer one admin call; `args` of the request are filled in here."""
    try:
        view, args = _MAP.bind("simulator").match(request.path, method=request.method)
        return Answer(status=HTTPStatus.OK, body=_VIEWS[view](world, replace(request, args=args)))
    except BadInput as error:
        return _error(HTTPStatus.BAD_REQUEST, "BadInput", error.message, field=error.field)
    except ArmError as error:
        return error.answer()
    except MethodNotAllowed as error:
        allowed = ", ".join(sorted(error.valid_methods or ()))
        return _error(HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed", f"allowed here: {allowed}")
    except HTTPException as error:
        return _error(
            error.code or 404, "NotFound", f"nothing is at {request.path}; GET {PREFIX}/ lists what is"
        )


def _error(status: int, code: str, message: str, *, field: str = "") -> Answer:
    error: JsonObject = {"code": code, "message": message}
    return Answer(status=status, body={"error": error | ({"field": field} if field else {})})


def _index(_world: World, _request: AdminRequest) -> JsonValue:
    """This list."""
    described: list[JsonValue] = []
    for method, path, view in _ROUTES:
        described.append({"method": method, "path": path, "does": (_VIEWS[view].__doc__ or "").strip()})
    return {"routes": described}


def _calls(world: World, request: AdminRequest) -> JsonValue:
    """Log of ARM calls; filters ?method= &path= &under= &kind= &appId= &correlationId= &since="""
    since = request.query.get("since", "0")
    if not since.isdigit():
        raise BadInput("since", "a whole number is expected")
    wanted = CallFilter(
        method=request.query.get("method", ""),
        path=request.query.get("path", ""),
        under=request.query.get("under", ""),
        kind=request.query.get("kind", ""),
        correlation_id=request.query.get("correlationId", ""),
        app_id=request.query.get("appId", ""),
        since=int(since),
    )
    with world.lock:
        return {"calls": [call.to_json() for call in world.calls.matching(wanted)]}


def _forget_calls(world: World, _request: AdminRequest) -> JsonValue:
    """Empty the log."""
    with world.lock:
        world.calls.clear()
    return {}


def _faults(world: World, _request: AdminRequest) -> JsonValue:
    """The faults that wait."""
    with world.lock:
        return {"faults": world.faults.to_json()}


def _add_fault(world: World, request: AdminRequest) -> JsonValue:
    """Inject one: {"match", "times", "then"}."""
    with world.lock:
        return world.faults.add(request.fields).to_json()


def _forget_faults(world: World, _request: AdminRequest) -> JsonValue:
    """Take all faults back."""
    with world.lock:
        world.faults.clear()
    return {}


def _subscribers(world: World, _request: AdminRequest) -> JsonValue:
    """Event subscriptions with their counts and dead letters."""
    with world.lock:
        subscribers = list(world.subscribers.values())
    return {"subscribers": [subscriber.to_json() for subscriber in subscribers]}


def _subscribe(world: World, request: AdminRequest) -> JsonValue:
    """Subscribe: {"url", "schema", "includedEventTypes"?}; the endpoint must answer the validation."""
    url = as_text(request.fields.get("url"))
    if not url.startswith("http://"):
        raise BadInput("url", "an http:// URL is expected")
    schema = as_text(request.fields.get("schema")) or EventSchema.EVENT_GRID.value
    if schema not in list(EventSchema):
        raise BadInput("schema", f"one of {', '.join(EventSchema)} is expected")
    included = tuple(as_text(one) for one in as_list(request.fields.get("includedEventTypes")))
    return world.subscribe(Subscription(url=url, schema=EventSchema(schema), included=included)).to_json()


def _unsubscribe(world: World, request: AdminRequest) -> JsonValue:
    """End one subscription."""
    if not world.unsubscribe(request.args["subscriber"]):
        raise BadInput("id", f"no subscriber '{request.args['subscriber']}'")
    return {}


def _unsubscribe_all(world: World, _request: AdminRequest) -> JsonValue:
    """End all subscriptions."""
    with world.lock:
        known = list(world.subscribers)
    for subscriber in known:
        world.unsubscribe(subscriber)
    return {}


def _state(world: World, _request: AdminRequest) -> JsonValue:
    """Everything that is held."""
    with world.lock:
        return seeding.state(world)


def _replace_state(world: World, request: AdminRequest) -> JsonValue:
    """Replace the state by a seed {"resources": [...]}; raises no events."""
    with world.lock:
        seeding.check(request.fields)
        world.store.clear()
        world.operations.clear()
        return {"seeded": seeding.seed(world, request.fields)}


def _merge_state(world: World, request: AdminRequest) -> JsonValue:
    """Add a seed to the state; raises no events."""
    with world.lock:
        return {"seeded": seeding.seed(world, request.fields)}


def _amend_state(world: World, request: AdminRequest) -> JsonValue:
    """Merge bodies {"resources": [{"id", …}]} into what is held; raises no events."""
    with world.lock:
        return {"amended": seeding.amend(world, request.fields)}


def _roles(world: World, _request: AdminRequest) -> JsonValue:
    """What each restricted caller may do."""
    with world.lock:
        return {app_id: role.to_json() for app_id, role in world.roles.items()}


def _set_roles(world: World, request: AdminRequest) -> JsonValue:
    """Replace the roles: {appId: [action, …]} or {appId: {"actions", "notActions"}}; callers not listed may
    do everything.
    """
    roles = {app_id.lower(): _role(app_id, source) for app_id, source in request.fields.items()}
    with world.lock:
        world.roles = roles
    return _roles(world, request)


def _role(app_id: str, source: JsonValue) -> Role:
    if not isinstance(source, dict):
        return Role(actions=_actions(app_id, source))
    unknown = source.keys() - {"actions", "notActions"}
    if unknown:
        raise BadInput(f"{app_id}.{min(unknown)}", "unknown; known are actions, notActions")
    return Role(
        actions=_actions(f"{app_id}.actions", source.get("actions", ["*"])),
        not_actions=_actions(f"{app_id}.notActions", source.get("notActions", [])),
    )


def _actions(field: str, listed: JsonValue) -> tuple[str, ...]:
    if not isinstance(listed, list) or not all(isinstance(action, str) for action in listed):
        raise BadInput(field, "a list of actions is expected")
    return tuple(as_text(action) for action in listed)


def _switches(world: World, _request: AdminRequest) -> JsonValue:
    """The switches."""
    with world.lock:
        return switches_to_json(world.switches)


def _set_switches(world: World, request: AdminRequest) -> JsonValue:
    """Set some switches."""
    with world.lock:
        world.switches = patch_switches(world.switches, request.fields)
        return switches_to_json(world.switches)


def _publish(world: World, request: AdminRequest) -> JsonValue:
    """A custom topic: takes events as EventGridPublisherClient sends them."""
    meet_fault(world, "POST", request.path, "")
    events = request.body if isinstance(request.body, list) else [request.body]
    if not all(isinstance(event, dict) for event in events):
        raise BadInput("body", "an event or a list of events is expected")
    received = utc_text(world.now())
    with world.lock:
        kept = world.topics.setdefault(request.args["topic"], [])
        kept += [{"time": received, "event": event} for event in events]
    return {}


def _topic(world: World, request: AdminRequest) -> JsonValue:
    """What a custom topic has got."""
    with world.lock:
        return {"events": list(world.topics.get(request.args["topic"], []))}


def _clear_topic(world: World, request: AdminRequest) -> JsonValue:
    """Forget what a custom topic has got."""
    with world.lock:
        world.topics.pop(request.args["topic"], None)
    return {}


def _idle(world: World, request: AdminRequest) -> JsonValue:
    """Wait until no operation runs and no event waits; ?timeout= seconds, 30 unless told."""
    text = request.query.get("timeout", "30")
    try:
        timeout = float(text)
    except ValueError as error:
        raise BadInput("timeout", "seconds are expected") from error
    return {"idle": world.wait_idle(timeout)}


_ROUTES: tuple[tuple[str, str, str], ...] = (
    ("GET", "/_sim/", "index"),
    ("GET", "/_sim/calls", "calls"),
    ("DELETE", "/_sim/calls", "forget_calls"),
    ("GET", "/_sim/faults", "faults"),
    ("POST", "/_sim/faults", "add_fault"),
    ("DELETE", "/_sim/faults", "forget_faults"),
    ("GET", "/_sim/subscribers", "subscribers"),
    ("POST", "/_sim/subscribers", "subscribe"),
    ("DELETE", "/_sim/subscribers", "unsubscribe_all"),
    ("DELETE", "/_sim/subscribers/<subscriber>", "unsubscribe"),
    ("GET", "/_sim/state", "state"),
    ("PUT", "/_sim/state", "replace_state"),
    ("POST", "/_sim/state", "merge_state"),
    ("PATCH", "/_sim/state", "amend_state"),
    ("GET", "/_sim/roles", "roles"),
    ("PUT", "/_sim/roles", "set_roles"),
    ("GET", "/_sim/switches", "switches"),
    ("PATCH", "/_sim/switches", "set_switches"),
    ("POST", "/_sim/topics/<topic>/api/events", "publish"),
    ("GET", "/_sim/topics/<topic>", "topic"),
    ("DELETE", "/_sim/topics/<topic>", "clear_topic"),
    ("GET", "/_sim/idle", "idle"),
)
_VIEWS: dict[str, View] = {
    "index": _index,
    "calls": _calls,
    "forget_calls": _forget_calls,
    "faults": _faults,
    "add_fault": _add_fault,
    "forget_faults": _forget_faults,
    "subscribers": _subscribers,
    "subscribe": _subscribe,
    "unsubscribe_all": _unsubscribe_all,
    "unsubscribe": _unsubscribe,
    "state": _state,
    "replace_state": _replace_state,
    "merge_state": _merge_state,
    "amend_state": _amend_state,
    "roles": _roles,
    "set_roles": _set_roles,
    "switches": _switches,
    "set_switches": _set_switches,
    "publish": _publish,
    "topic": _topic,
    "clear_topic": _clear_topic,
    "idle": _idle,
}
_MAP = Map(
    [Rule(path, methods=[method], endpoint=view) for method, path, view in _ROUTES], strict_slashes=False
)


def parse_json(raw: bytes) -> JsonValue:
    """The body of a request; None for none. Raises BadInput for what is not JSON."""
    if not raw.strip():
        return None
    try:
        value: JsonValue = json.loads(raw)
    except ValueError as error:
        raise BadInput("body", f"not JSON: {error}") from error
    return value
