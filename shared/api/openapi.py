"""The OpenAPI 3.1 document, from the table of routes and the models that the handlers use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from shared.alerts.views import KEPT_BACK, NOT_SHOWN, PlannedView
from shared.api.break_glass import BreakGlassState
from shared.api.browsers import FORM
from shared.api.dashboards import ComplianceView, SummaryView
from shared.api.exemptions import ExemptionView
from shared.api.health import HealthView
from shared.api.http import HTML, PROBLEMS, Problem, ProblemType
from shared.api.nsg_views import ExplanationView
from shared.api.rights import ROLES, Right
from shared.api.route import Route, Success
from shared.api.status import StatusView
from shared.api.views import PolicyView, RunView
from shared.controller.doctor import Report
from shared.model import Json
from shared.model.alert_records import AlertRecord
from shared.model.change_records import ChangeRecord

VERSION: Final = "1.0.0"
"""Of the API, not of the app: fields may be added within a version."""

_Schema = dict[str, Json]
_REFERENCE: Final = "#/components/schemas/"
_EVERYWHERE: Final = ("invalid-input", "unexpected", "not-configured", "store-unavailable")
"""A query parameter that no route knows is invalid input to each of them."""
_LOCATED: Final[_Schema] = {
    "Location": {"description": "Where to ask what became of it", "schema": {"type": "string"}}
}
_PAGED: Final[_Schema] = {
    "Link": {
        "description": 'The next page, as `<…>; rel="next"` (RFC 8288); absent on the last one',
        "schema": {"type": "string"},
    },
    "X-Total-Count": {
        "description": "How many there are on all pages; left out of long lists",
        "schema": {"type": "integer"},
    },
}
_TOKEN: Final = (
    "A token of Microsoft Entra ID, asked for where App Service authentication is on. Writing takes an app "
    "role: "
    + ", ".join(f"`{role}`" for role in ROLES.values())
    + ". Function keys are asked for where it is off, and write only with `OPERATOR_KEYS=allow`."
)
_SHOWN: Final[Mapping[str, Any]] = {
    "Run": RunView,
    "Alert": AlertRecord,
    "Change": ChangeRecord,
    "Policy": PolicyView,
    "Explanation": ExplanationView,
    "Exemption": ExemptionView,
    "Health": HealthView,
    "Status": StatusView,
    "BreakGlass": BreakGlassState,
    "Examination": Report,
    "Summary": SummaryView,
    "Compliance": ComplianceView,
    "Problem": Problem,
    "Planned": PlannedView,
}
"""What is shown, by the name that the table uses."""
_NAMES: Final = {form.__name__: name for name, form in _SHOWN.items()}
_NOT_SHOWN: Final = frozenset({"Change", "Operation", "Phase", "Planned", "Reach", "TrafficBox"})
"""Parts of the records that no answer holds as such."""
_DESCRIPTION: Final = (
    "Keeps the network posture of Azure Database for PostgreSQL where its owners want it. "
    "Times are RFC 3339 in UTC; resource ids keep the spelling that Azure returned and compare without "
    "case. Errors are problem details (RFC 9457) with a stable `type`."
)


@cache
def document(routes: tuple[Route, ...]) -> _Schema:
    """The whole document, of the table of routes."""
    paths: dict[str, _Schema] = {}
    for route in routes:
        paths.setdefault(f"/api/{route.path}", {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Driftward", "version": VERSION, "description": _DESCRIPTION},
        "paths": paths,
        "components": {
            "schemas": _schemas(routes),
            "securitySchemes": {
                "functionKey": {"type": "apiKey", "in": "header", "name": "x-functions-key"},
                "functionCode": {"type": "apiKey", "in": "query", "name": "code"},
                "entra": {"type": "http", "scheme": "bearer", "description": _TOKEN},
            },
        },
        "security": _security(),
    }


# --- operations ------------------------------------------------------------------------------------


def _operation(route: Route) -> _Schema:
    operation: _Schema = {"operationId": route.name, "summary": route.summary}
    parameters = _parameters(route)
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        schema = {"$ref": _REFERENCE + route.body.__name__}
        content = {FORM if route.page else "application/json": {"schema": schema}}
        operation["requestBody"] = {"required": route.body_required, "content": content}
    operation["responses"] = _responses(route)
    if route.anonymous:
        operation["security"] = []
    elif route.page:
        operation["security"] = [*([{}] if route.right is Right.SIGN_IN else []), {"entra": _roles(route)}]
    elif route.right in ROLES:
        operation["security"] = _security(*_roles(route))
    return operation


def _roles(route: Route) -> list[Json]:
    return [ROLES[route.right]] if route.right in ROLES else []


def _security(*roles: str) -> list[Json]:
    """A key where the platform's authentication is off, a token where it is on; OpenAPI 3.1 (4.8.30) lets a
    requirement name roles."""
    return [{"functionKey": []}, {"functionCode": []}, {"entra": [*roles]}]


def _refusals(route: Route) -> tuple[str, ...]:
    """How the door answers."""
    if route.anonymous:
        return ()
    elsewhere = () if route.method == "GET" else ("from-elsewhere", "wrong-media-type")
    writes = any(right in ROLES for right, _ in route.rights)
    return ("sign-in-required", *(("not-permitted",) if writes else ()), *elsewhere)


def _parameters(route: Route) -> list[_Schema]:
    found: list[_Schema] = []
    if "{id}" in route.path:
        found.append({"name": "id", "in": "path", "required": True, "schema": {"type": "string"}})
    if route.query is not None:
        properties = route.query.model_json_schema(ref_template=_REFERENCE + "{model}")["properties"]
        found += [
            {"name": name, "in": "query", "required": False, "schema": _without_null(schema)}
            for name, schema in properties.items()
        ]
    return found


def _without_null(schema: _Schema) -> _Schema:
    """A query parameter is absent rather than null."""
    kept = {key: part for key, part in schema.items() if key not in {"anyOf", "title", "default"}}
    if "anyOf" in schema:
        (only,) = [choice for choice in schema["anyOf"] if choice != {"type": "null"}]
        kept |= only
    return kept | ({"default": schema["default"]} if schema.get("default") is not None else {})


def _responses(route: Route) -> _Schema:
    successes = {str(success.status): _success(success) for success in route.successes}
    by_status: dict[int, list[ProblemType]] = {}
    for name in dict.fromkeys((*route.problems, *_refusals(route), *_EVERYWHERE)):
        by_status.setdefault(PROBLEMS[name].status, []).append(PROBLEMS[name])
    problems = {str(status): _problems(kinds, page=route.page) for status, kinds in sorted(by_status.items())}
    return {**problems, **successes} if route.anonymous else {**successes, **problems}


def _success(success: Success) -> _Schema:
    reference = {"$ref": _REFERENCE + success.shown} if success.shown in _SHOWN else {"type": "object"}
    schema = {"type": "array", "items": reference} if success.many else reference
    content: _Schema = {"application/json": {"schema": schema}}
    if success.shown == "Page":
        content = {HTML: {"schema": {"type": "string"}}}
    response: _Schema = {"description": success.text, "content": content}
    if headers := {**(_LOCATED if success.located else {}), **(_PAGED if success.paged else {})}:
        response["headers"] = headers
    return response


def _problems(kinds: Iterable[ProblemType], *, page: bool) -> _Schema:
    listed = list(kinds)
    as_html: _Schema = {HTML: {"schema": {"type": "string"}}} if page else {}
    response: _Schema = {
        "description": "; ".join(f"`{kind.uri}`: {kind.title}" for kind in listed),
        "content": {
            "application/problem+json": {"schema": {"$ref": f"{_REFERENCE}Problem"}},
            **as_html,
        },
    }
    if any(kind.status == 503 for kind in listed):
        waits = {"description": "Seconds to wait", "schema": {"type": "integer"}}
        response["headers"] = {"Retry-After": waits}
    return response


# --- schemas ---------------------------------------------------------------------------------------


def _schemas(routes: Iterable[Route]) -> dict[str, _Schema]:
    """Every component: what is shown and what it consists of, then the bodies that are taken."""
    shown = _definitions((form, "serialization") for form in _SHOWN.values())
    taken = _definitions((route.body, "validation") for route in routes if route.body is not None)
    shown["ChangeRecord"] = _change(shown)
    shown["AlertRecord"] = _alert(shown["AlertRecord"])
    shown["Approval"] = _approval(shown["Approval"])
    kept = {name: schema for name, schema in shown.items() if name not in _NOT_SHOWN}
    named = {_NAMES.get(name, name): _complete(schema) for name, schema in kept.items()}
    schemas: dict[str, _Schema] = _tidy({**taken, **named})
    return dict(sorted(schemas.items()))


def _definitions(forms: Iterable[tuple[Any, JsonSchemaMode]]) -> dict[str, _Schema]:
    adapters = [(number, mode, TypeAdapter(form)) for number, (form, mode) in enumerate(forms)]
    _, schema = TypeAdapter.json_schemas(adapters, ref_template=_REFERENCE + "{model}")
    definitions: dict[str, _Schema] = schema["$defs"]
    return definitions


def _alert(record: _Schema) -> _Schema:
    """As ``alert_view`` shows it."""
    kept = _shown_part(record, {*KEPT_BACK}, "An alert: one drift, from when it was seen until it is over.")
    planned = {"anyOf": [{"$ref": f"{_REFERENCE}{PlannedView.__name__}"}, {"type": "null"}]}
    return {**kept, "properties": {**kept["properties"], "planned": planned}}


def _approval(record: _Schema) -> _Schema:
    """As ``alert_view`` shows it: what was approved is known by its digest."""
    kept = _shown_part(record, {"planned"}, record["description"])
    digest = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    return {**kept, "properties": {**kept["properties"], "digest": digest}}


def _change(definitions: Mapping[str, _Schema]) -> _Schema:
    """As ``change_view`` shows it: the parts of the inner change stand beside the rest."""
    hidden = {*NOT_SHOWN, "change"}
    kept = _shown_part(
        definitions["ChangeRecord"], hidden, "A change that was claimed, with its inverse, proof and outcome."
    )
    inner = definitions["Change"]["properties"]
    lifted = {name: inner[name] for name in ("policy", "target", "edits", "inverse")}
    lifted["applied"] = {**inner["edits"], "description": "The edits that it left in Azure, once it is over."}
    return {**kept, "properties": {**kept["properties"], **lifted, "resourceId": {"type": "string"}}}


def _shown_part(schema: _Schema, hidden: set[str], description: str) -> _Schema:
    kept = {name: part for name, part in schema["properties"].items() if name not in hidden}
    return {**schema, "properties": kept, "description": description}


def _complete(schema: _Schema) -> _Schema:
    """Whatever is shown has all its fields, those that hold their default too."""
    has_fields = "properties" in schema and schema["title"] != Problem.__name__
    return {**schema, "required": list(schema["properties"])} if has_fields else schema


def _tidy(part: Json) -> Json:
    """Without generated titles, with our names, and with descriptions in Markdown."""
    match part:
        case dict():
            return {
                name: _tidy_entry(name, inner) for name, inner in part.items() if not _is_title(name, inner)
            }
        case list():
            return [_tidy(inner) for inner in part]
        case _:
            return part


def _tidy_entry(name: str, inner: Json) -> Json:
    if name == "$ref" and isinstance(inner, str):
        model = inner.removeprefix(_REFERENCE)
        return _REFERENCE + _NAMES.get(model, model)
    if name == "description" and isinstance(inner, str):
        return inner.replace("``", "`")
    return _tidy(inner)


def _is_title(name: str, inner: Json) -> bool:
    """A property may be called title as well; that one holds a schema."""
    return name == "title" and isinstance(inner, str)
