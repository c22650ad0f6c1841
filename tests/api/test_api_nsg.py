"""`POST /api/nsg/explain`: an NSG in the request or in Azure, its tags, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import TypeAdapter

from shared.api import ApiResponse
from shared.api.http import LONGEST_NSG_BODY
from shared.api.nsg_views import ExplanationView
from shared.api.openapi import document
from shared.api.routes import ROUTES
from shared.model import Access, Direction, EnforcementMode, Json, SecurityRule
from shared.model.errors import Denied, Throttled
from shared.state.store import Store
from tests.api.calling import call, problem
from tests.builders import GROUP, NSG, SERVER, SUBNET, security_rule, subnet
from tests.fakes import World
from tests.memory import MemoryTables

INSIDE = {
    "direction": "Inbound",
    "source": ["10.0.1.0/24"],
    "destination": ["10.0.1.0/24"],
    "ports": ["5432", "6432"],
}
TO_STORAGE = {
    "direction": "Outbound",
    "source": "10.0.1.0/24",
    "destination": "20.60.1.0/28",
    "ports": 443,
}
DENY_ALL = security_rule("DenyAll", 4096)


def to(tag: str, priority: int = 100, **parts: Any) -> SecurityRule:
    """An outbound allow rule to a service tag."""
    named = {"direction": Direction.OUTBOUND, "access": Access.ALLOW, "destinations": (tag,), **parts}
    return security_rule(f"to-{tag}", priority, **named)


DENY_OUT = security_rule("DenyOut", 4096, direction=Direction.OUTBOUND)


def written(*rules: tuple[str, int, str]) -> Json:
    """An NSG as a document: inbound rules for every protocol, address and port."""
    return {
        "name": "nsg-data",
        "properties": {
            "securityRules": [
                {
                    "name": name,
                    "properties": {
                        "priority": priority,
                        "access": access,
                        "direction": "Inbound",
                        "protocol": "*",
                        "sourceAddressPrefix": "*",
                        "sourcePortRange": "*",
                        "destinationAddressPrefix": "*",
                        "destinationPortRange": "*",
                    },
                }
                for name, priority, access in rules
            ]
        },
    }


def ask(world: World, line: Json, nsg: Json = None, **more: Json) -> ApiResponse:
    return call(world, "explain_nsg", {"nsg": str(NSG) if nsg is None else nsg, **line, **more})


def world_of(*rules: SecurityRule) -> World:
    world = World()
    world.azure.put(subnet(*rules))
    return world


# --- what is answered ------------------------------------------------------------------------------


def test_an_nsg_in_the_request_is_explained_with_the_fix() -> None:
    open_tags = {"openTags": True, "want": "allow", "id": 7}
    response = ask(World(), INSIDE, written(("DenyAll", 4096, "Deny")), **open_tags)
    found = response.body
    assert (response.status, found["id"], found["verdict"]) == (200, 7, "denied")
    assert found["blockingRules"] == [{"name": "DenyAll", "priority": 4096}]
    (rule,) = found["fix"]["rules"]
    assert rule["properties"]["priority"] == 4095
    assert (found["nsgId"], found["tagsAsOf"]) == (None, None)


def test_an_nsg_in_azure_is_read_by_its_id_in_any_spelling() -> None:
    response = ask(world_of(DENY_ALL), INSIDE, str(NSG).upper())
    assert (response.status, response.body["verdict"]) == (200, "denied")
    assert response.body["nsgId"] == str(NSG)
    assert response.body["sharedWith"]["subnets"] == [str(SUBNET)]


def test_the_prefixes_of_tags_are_those_that_azure_lists() -> None:
    world = world_of(to("Storage"), DENY_OUT)
    world.azure.service_tags = {"STORAGE": ("20.60.0.0/16",)}
    world.azure.tags_changed = 84
    found = ask(world, TO_STORAGE).body
    assert (found["verdict"], found["dependsOn"]) == ("allowed", [])
    assert found["tagsAsOf"] == {"changeNumber": "84", "readAt": "2026-11-02T08:00:00Z"}


def test_a_tag_that_the_question_alone_names_is_looked_up_too() -> None:
    allow = to("20.60.0.0/16", destinations=("20.60.0.0/16",))
    world = world_of(allow, DENY_OUT)
    world.azure.service_tags = {"Storage": ("20.60.1.0/24",)}
    assert ask(world, {**TO_STORAGE, "destination": "storage"}).body["verdict"] == "allowed"


def test_a_tag_that_azure_does_not_list_stays_open() -> None:
    world = world_of(to("CorpNetPublic"), DENY_OUT)
    found = ask(world, TO_STORAGE).body
    assert (found["verdict"], found["dependsOn"]) == ("depends", ["CorpNetPublic"])
    assert found["tagsAsOf"]["changeNumber"] == "1"


def test_no_list_is_read_where_no_rule_of_the_direction_names_a_tag_in_it() -> None:
    world = world_of(to("Storage"), DENY_ALL)
    world.azure.tag_errors.append(Denied("nobody should ask"))
    found = ask(world, INSIDE).body
    assert found["tagsAsOf"] is None
    assert len(world.azure.tag_errors) == 1


def test_the_load_balancer_is_its_documented_address() -> None:
    found = ask(world_of(), {**INSIDE, "source": "198.51.100.7"}).body
    assert (found["verdict"], found["dependsOn"]) == ("depends", ["VirtualNetwork"])


FROM_INTERNET = {**INSIDE, "source": "Internet", "want": "deny"}


@pytest.mark.field(
    "nsg",
    "`POST /api/nsg/explain` takes `Internet` and `AzureLoadBalancer` for what Azure defines, and says so, "
    "of an NSG in the request and of one in Azure",
    source="https://learn.microsoft.com/azure/virtual-network/service-tags-overview",
    date="2026-11-29",
)
@pytest.mark.parametrize("nsg", [None, written()])
@pytest.mark.parametrize("more", [{}, {"openTags": True}, {"tags": {"Storage": ["20.60.0.0/16"]}}])
def test_the_internet_is_denied_where_no_rule_lets_it_in(nsg: Json, more: Json) -> None:
    found = ask(world_of(), FROM_INTERNET, nsg, **more).body
    assert (found["verdict"], found["dependsOn"], found["fix"]) == ("denied", [], None)
    assert "outside the virtual network" in found["assumptions"][0]


def test_the_load_balancer_is_not_in_the_internet_in_azure_either() -> None:
    no_net = security_rule("no-net", 100, sources=("Internet",))
    found = ask(world_of(no_net), {**INSIDE, "source": "AzureLoadBalancer"}, openTags=True).body
    assert (found["verdict"], found["blockingRules"]) == ("allowed", [])
    assert "168.63.129.16" in found["assumptions"][0]


@pytest.mark.field(
    "http",
    "A question over HTTP about a tag that is nobody's is refused with the field, and asks what was meant",
    source="https://learn.microsoft.com/azure/virtual-network/service-tags-overview",
    date="2026-11-29",
)
@pytest.mark.parametrize("nsg", [None, written(("DenyAll", 4096, "Deny"))])
@pytest.mark.parametrize("field", ["source", "destination"])
@pytest.mark.parametrize("open_tags", [{}, {"openTags": True}])
def test_a_side_that_is_nobodys_tag_is_refused(nsg: Json, field: str, open_tags: Json) -> None:
    response = ask(world_of(DENY_ALL), {**INSIDE, field: ["Internets"]}, nsg, **open_tags)
    problem(response, 400, "invalid-input", field)
    assert "did you mean 'Internet'?" in response.body["detail"]


def test_a_rule_in_azure_with_a_tag_that_is_not_published_is_named_in_the_answer() -> None:
    found = ask(world_of(to("CorpNetPublic"), DENY_OUT), TO_STORAGE).body
    assert any("rule 'to-CorpNetPublic'" in caveat and "publishes" in caveat for caveat in found["caveats"])


@pytest.mark.parametrize("error", [Denied("no role", code="NoServiceTags"), Throttled("slow down")])
def test_tags_that_cannot_be_read_are_open_and_the_answer_says_why(error: Any) -> None:
    world = world_of(to("Storage"), DENY_OUT)
    world.azure.tag_errors.append(error)
    found = ask(world, TO_STORAGE).body
    assert (found["verdict"], found["dependsOn"], found["tagsAsOf"]) == ("depends", ["Storage"], None)
    (said,) = [caveat for caveat in found["caveats"] if "Storage" in caveat]
    assert str(error) in said


def test_who_insists_on_closed_tags_is_told_that_they_cannot_be_read() -> None:
    world = world_of(to("Storage"), DENY_OUT)
    world.azure.tag_errors.append(Throttled("slow down", retry_after=9))
    response = ask(world, TO_STORAGE, openTags=False)
    problem(response, 503, "azure-throttled")
    assert response.headers["Retry-After"] == "9"


def test_tags_in_the_request_stand_instead_of_those_of_azure() -> None:
    world = world_of(to("Storage"), DENY_OUT)
    world.azure.service_tags = {"Storage": ("20.60.0.0/16",)}
    found = ask(world, TO_STORAGE, tags={"Storage": ["20.99.0.0/16"]}).body
    assert (found["verdict"], found["tagsAsOf"]) == ("denied", None)


def test_an_nsg_that_is_being_written_is_told() -> None:
    world = World()
    held = subnet(DENY_ALL).security_group
    assert held is not None
    changing = type(held)(id=held.id, rules=held.rules, default_rules=(), updating=True)
    world.azure.put(subnet(security_group=changing))
    assert any("being written" in caveat for caveat in ask(world, INSIDE).body["caveats"])


def test_nothing_is_written_in_any_mode_and_nothing_is_stored() -> None:
    for mode in EnforcementMode:
        world = World(mode=mode)
        world.azure.put(subnet(DENY_ALL))
        tables = MemoryTables()
        world.store = Store(tables, world.blobs, world.queue)
        assert ask(world, INSIDE, want="allow").status == 200
        assert world.azure.writes == []
        assert len(world.queue) == 0
        assert [*tables.query("runs"), *tables.query("changes"), *tables.query("targets")] == []


def test_an_answer_has_exactly_the_fields_that_the_document_says() -> None:
    world = world_of(to("Storage"), DENY_OUT)
    found = ask(world, TO_STORAGE, want="allow", id="a").body
    schemas = document(ROUTES)["components"]["schemas"]
    assert set(found) == set(schemas["Explanation"]["properties"]) == set(schemas["Explanation"]["required"])
    assert found["witnesses"]
    for witness in found["witnesses"]:
        assert set(witness) == set(schemas["WitnessView"]["required"])
    TypeAdapter(ExplanationView).validate_json(json.dumps(found), strict=True)


# --- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"nsg": "nsg-data"}, "nsg"),
        ({"nsg": str(SERVER)}, "nsg"),
        ({"nsg": str(NSG) + "/securityRules/a"}, "nsg"),
        ({"nsg": f"{GROUP}"}, "nsg"),
        ({"nsg": None}, "nsg"),
        ({"nsg": 7}, "nsg"),
        ({"nsg": {}}, "nsg"),
        ({"nsg": []}, "nsg"),
        ({"direction": "Sideways"}, "direction"),
        ({"protocol": "Sctp"}, "protocol"),
        ({"source": []}, "source"),
        ({"source": "10.0.0.300"}, "source"),
        ({"ports": ["70000"]}, "ports"),
        ({"sourcePorts": {}}, "sourcePorts"),
        ({"tags": ["Storage"]}, "tags"),
        ({"tags": {"Storage": ["x"]}}, "tags"),
        ({"openTags": "true"}, "openTags"),
        ({"want": "maybe"}, "want"),
        ({"privateEndpointNetworkPolicies": "off"}, "privateEndpointNetworkPolicies"),
        ({"sourcePort": "*"}, "sourcePort"),
        ({"id": {"a": 1}}, "id"),
        ({"name": "db"}, "name"),
        ({"parameters": {"x": 1}}, "parameters"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_by_the_name_of_the_field(more: Json, field: str) -> None:
    world = world_of(DENY_ALL)
    problem(call(world, "explain_nsg", {"nsg": str(NSG), **INSIDE, **more}), 400, "invalid-input", field)
    assert world.azure.reads == 0


@pytest.mark.parametrize("field", ["nsg", "direction", "source", "destination", "ports"])
def test_a_field_that_is_needed_is_asked_for(field: str) -> None:
    body = {"nsg": str(NSG), **INSIDE}
    del body[field]
    problem(call(World(), "explain_nsg", body), 400, "invalid-input", field)


def test_a_rule_that_cannot_be_read_is_named() -> None:
    twice = written(("first", 100, "Deny"), ("second", 100, "Allow"))
    response = ask(World(), INSIDE, twice, openTags=True)
    problem(response, 400, "invalid-input", "priority")
    assert response.body["rule"] == "second"


@pytest.mark.field(
    "templates",
    "The API takes name and parameters with an NSG in the request, and refuses them with an id",
    source="https://learn.microsoft.com/azure/azure-resource-manager/templates/parameter-files",
    date="2026-11-29",
)
def test_an_nsg_of_a_template_in_the_request_is_chosen_and_filled_in() -> None:
    groups = [
        {"type": "Microsoft.Network/networkSecurityGroups", "name": "db", **written(("r", 100, access))}
        for access in ("Deny", "[parameters('access')]")
    ]
    template = {"parameters": {"access": {"type": "string"}}, "resources": groups}
    asked = {**INSIDE, "openTags": True}
    problem(ask(World(), asked, template), 400, "invalid-input", "resources")
    problem(ask(World(), asked, template, name="#2"), 400, "invalid-input", "access")
    response = ask(World(), asked, template, name="#2", parameters={"access": "Allow"})
    assert response.body["verdict"] == "allowed"


def test_a_tag_without_prefixes_is_an_error_where_the_nsg_comes_with_the_request() -> None:
    response = ask(World(), INSIDE, written(("DenyAll", 4096, "Deny")))
    problem(response, 400, "invalid-input", "tags")
    assert response.body["rule"] == "AllowVnetInBound"


def test_an_nsg_that_is_not_there_is_not_found() -> None:
    assert str(NSG) in problem(ask(World(), INSIDE), 404, "not-found", "nsg")


def test_an_azure_that_refuses_is_a_problem_and_no_verdict() -> None:
    world = world_of(DENY_ALL)
    world.azure.read_errors.append(Denied("no role", code="AuthorizationFailed", status=403))
    problem(ask(world, INSIDE), 502, "azure-denied")
    world.azure.read_errors.append(Throttled("slow down", retry_after=17))
    response = ask(world, INSIDE)
    problem(response, 503, "azure-throttled")
    assert response.headers["Retry-After"] == "17"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b'{"nsg": ' + b"[" * 5000, b'{"nsg": {}, "id": 1e999}', b'{"id": NaN}']
)
def test_a_body_that_is_no_json_is_refused(body: bytes) -> None:
    assert call(World(), "explain_nsg", body).status == 400


def test_a_body_of_more_than_a_megabyte_is_refused_unread() -> None:
    problem(call(World(), "explain_nsg", b" " * (LONGEST_NSG_BODY + 1)), 413, "too-large", "body")
