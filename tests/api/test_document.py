"""The OpenAPI document against the routes and what they answer."""

from __future__ import annotations

import json
from collections.abc import Iterator

from local.dev.environments import ROOT
from shared.api.http import PROBLEMS
from shared.api.openapi import document
from shared.api.routes import BY_NAME, ROUTES
from shared.model import Json
from tests.api.calling import (
    alerted,
    call,
    reverted,
)
from tests.builders import (
    SERVER,
)
from tests.fakes import World


def references(part: Json) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for inner in part.values():
            yield from references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from references(inner)


def test_the_document_describes_every_route_and_every_reference_leads_somewhere() -> None:
    assert len(BY_NAME) == len(ROUTES)
    whole = document(ROUTES)
    described = {
        (operation["operationId"], method, path)
        for path, operations in whole["paths"].items()
        for method, operation in operations.items()
    }
    assert described == {(r.name, r.method.lower(), f"/api/{r.path}") for r in ROUTES}
    components = {f"#/components/schemas/{name}" for name in whole["components"]["schemas"]}
    used = set(references(whole))
    assert used == components


def test_the_document_names_every_problem_a_route_can_answer() -> None:
    responses = document(ROUTES)["paths"]["/api/changes/{id}/rollback"]["post"]["responses"]
    assert "/problems/changed-since" in responses["409"]["description"]
    assert "Retry-After" in responses["503"]["headers"]


def test_every_problem_type_is_answered_by_some_route() -> None:
    at_the_door = {"sign-in-required", "not-permitted", "from-elsewhere", "wrong-media-type"}
    everywhere = {"unexpected", "not-configured", "store-unavailable"} | at_the_door
    assert {name for route in ROUTES for name in route.problems} | everywhere == set(PROBLEMS)


def test_the_document_is_served_and_the_file_is_up_to_date() -> None:
    assert call(World(), "openapi").body == document(ROUTES)
    assert json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")) == document(ROUTES)


def test_what_is_shown_has_exactly_the_fields_that_the_document_says() -> None:
    world, alert = alerted()
    other, change = reverted()
    run = call(other, "start_run", {"resourceId": str(SERVER)}).body
    shown = {
        "Alert": call(world, "get_alert", id=alert.id).body,
        "Change": call(other, "get_change", id=change.id).body,
        "Run": run,
        "Policy": call(other, "list_policies").body[0],
        "Health": call(other, "health").body,
        "Status": call(other, "status").body,
    }
    schemas = document(ROUTES)["components"]["schemas"]
    for name, body in shown.items():
        assert set(body) == set(schemas[name]["properties"]) == set(schemas[name]["required"]), name
