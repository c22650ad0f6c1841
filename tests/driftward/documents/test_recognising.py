"""A document is known by what stands in it: its shape, its id and its type."""

from __future__ import annotations

from typing import Any

import pytest

from driftward.scanning.documents.recognising import held_in, is_stub
from local.simulator import seeds

SERVER = seeds.flexible_server_id(name="pg")
GROUP = seeds.nsg_id(name="nsg")
RULE: dict[str, Any] = {
    "id": f"{SERVER}/firewallRules/office",
    "name": "office",
    "startIpAddress": "192.0.2.1",
    "endIpAddress": "192.0.2.1",
    "resourceGroup": "rg",
}


def test_a_bare_list_of_children_is_all_of_their_parents() -> None:
    held = held_in([RULE])
    assert list(held.lists) == [f"{SERVER}/firewallRules".lower()]
    assert held.bodies[0]["properties"] == {"startIpAddress": "192.0.2.1", "endIpAddress": "192.0.2.1"}


@pytest.mark.parametrize(
    "document",
    [
        [{"id": SERVER, "location": "westeurope"}],
        [RULE, {**RULE, "id": f"{SERVER}2/firewallRules/office"}],
        [RULE, {"name": "without an id"}],
        {"value": [], "nextLink": None},
        {"value": [RULE], "nextLink": "https://management.azure.com/next"},
        {"data": [RULE], "count": 1, "skip_token": None},
        {"data": [RULE], "count": 1, "skip_token": "more"},
    ],
    ids=["servers", "of-two", "nameless", "empty", "goes-on", "graph", "graph-goes-on"],
)
def test_what_may_be_a_part_is_no_list(document: Any) -> None:
    assert held_in(document).lists == {}


def test_an_empty_list_with_its_address_is_believed() -> None:
    held = held_in({"id": f"{SERVER}/firewallRules", "value": []})
    assert held.lists == {f"{SERVER}/firewallRules".lower(): ()}


def test_rules_in_a_group_are_put_below_their_properties() -> None:
    rule = {"id": f"{GROUP}/securityRules/deny", "name": "deny", "priority": 100, "access": "Deny"}
    held = held_in({"id": GROUP, "name": "nsg", "resourceGroup": "rg", "securityRules": [rule]})
    (shown,) = held.bodies[0]["properties"]["securityRules"]
    assert shown["properties"] == {"priority": 100, "access": "Deny"}
    assert shown["name"] == "deny"


def test_what_resource_list_shows_is_a_name_alone() -> None:
    (body,) = held_in([{"id": SERVER, "name": "pg", "provisioningState": "Succeeded", "kind": None}]).bodies
    assert is_stub(body)
    shown = {"state": "Ready", "network": {"publicNetworkAccess": "Enabled"}}
    assert not is_stub(held_in({"id": SERVER, "properties": shown}).bodies[0])


def test_a_list_of_service_tags_is_known_by_its_number() -> None:
    tag = {"name": "Storage", "id": "Storage", "properties": {"addressPrefixes": ["20.38.98.0/24"]}}
    held = held_in({"changeNumber": 12, "cloud": "Public", "values": [tag]})
    assert held.tags is not None
    assert held.tags["changeNumber"] == "12"
    assert held.tags["values"][0]["properties"] == {"addressPrefixes": ["20.38.98.0/24"]}


@pytest.mark.parametrize("document", [None, 3, "text", {}, {"id": "pg"}, [], [3], {"value": []}])
def test_what_is_none_of_these_says_so_and_holds_nothing(document: Any) -> None:
    held = held_in(document)
    assert held.says
    assert not held.bodies
    assert not held.lists


@pytest.mark.parametrize(
    "document",
    [
        [{"id": seeds.vnet_id(), "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}],
        [{"id": SERVER, "version": "17"}],
        {"data": [{"id": SERVER, "network": {"publicNetworkAccess": "Disabled"}}]},
    ],
    ids=["network", "server", "columns"],
)
def test_fields_that_somebody_picked_are_no_body(document: Any) -> None:
    (body,) = held_in(document).bodies
    assert is_stub(body)
