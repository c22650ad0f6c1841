"""Rows of Resource Graph, lists of rules and effective rules are read as the NSGs that they tell of."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.model import Direction, Json
from shared.nsg import decide, effective_rules, networks_of, parse
from shared.nsg.asking import read_question
from shared.nsg.documents.document import read_group
from shared.nsg.documents.exports import tags_in
from tests.nsg.test_documents import FILES, NETWORK, NSG, WEB, file, refused, said

REST = json.loads((FILES / "rest.json").read_text())
FLAT = json.loads((FILES / "az_show.json").read_text())
OTHER = f"{NETWORK}/networkSecurityGroups/other-nsg"


def row(**more: Json) -> dict[str, Json]:
    """A row of ``resources``: the resource with the columns that Resource Graph adds."""
    added = {"tenantId": "t", "kind": "", "managedBy": "", "sku": None, "plan": None, "zones": None}
    return {**REST, "type": "microsoft.network/networksecuritygroups", **added, **more}


def page(*rows: Json) -> dict[str, Json]:
    return {"count": len(rows), "data": list(rows), "skip_token": None, "total_records": len(rows)}


TABLE = {
    "columns": [{"name": "id", "type": "string"}, {"name": "properties", "type": "object"}],
    "rows": [[NSG, REST["properties"]]],
}
PROJECTED = {"id": NSG, "properties_securityRules": REST["properties"]["securityRules"]}


@pytest.mark.field(
    "nsg",
    "The output of `az graph query` is read: whole rows, what a query projected, and tables",
    source="https://learn.microsoft.com/azure/governance/resource-graph/concepts/work-with-data",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    "document",
    [
        page(row()),
        {"totalRecords": 1, "count": 1, "data": [row()], "facets": [], "resultTruncated": "false"},
        {"totalRecords": 1, "count": 1, "data": TABLE, "facets": [], "resultTruncated": "false"},
        page(PROJECTED),
        page({"name": "db-nsg", "properties": REST["properties"]}),
        [row()],
    ],
)
def test_rows_of_resource_graph_are_nsgs(document: Json) -> None:
    found = read_group(document)
    assert found.id.name == "db-nsg"
    assert said(found.rules) == said(file("rest").rules)


def test_one_of_several_rows_is_read_by_its_name() -> None:
    several = page(row(), row(id=OTHER, name="other-nsg"))
    assert read_group(several, name="other-nsg").id.name == "other-nsg"
    assert "db-nsg, other-nsg" in str(refused(several))


def test_rows_that_tell_of_no_nsg_are_refused() -> None:
    assert refused(page({"name": "db-nsg", "location": "westeurope"})).field == "nsg"
    assert refused(page()).field == "nsg"
    assert refused({"count": 1, "data": "x"}).field == "nsg"
    assert refused({"count": 1, "data": {"columns": [], "rows": None}}).field == "nsg"


@pytest.mark.field(
    "nsg",
    "The output of `az network nsg rule list` is read, with the default rules or without",
    source="https://learn.microsoft.com/cli/azure/network/nsg/rule#az-network-nsg-rule-list",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("document", "defaults"),
    [
        (FLAT["securityRules"], 0),
        ([*FLAT["securityRules"], *FLAT["defaultSecurityRules"]], 6),
        ({"value": REST["properties"]["securityRules"]}, 0),
        ({"value": REST["properties"]["securityRules"], "nextLink": None}, 0),
    ],
)
def test_a_list_of_rules_is_the_nsg_that_they_are_of(document: Json, defaults: int) -> None:
    found = read_group(document)
    assert str(found.id) == NSG
    assert said(found.rules) == said(file("rest").rules)
    assert len(found.default_rules) == defaults
    assert effective_rules(found)[-1].name == "DenyAllOutBound"


def test_rules_of_several_nsgs_are_chosen_by_name_and_rules_without_ids_are_of_one() -> None:
    (first, *rest) = FLAT["securityRules"]
    moved = {**first, "id": first["id"].replace("db-nsg", "other-nsg")}
    assert "db-nsg, other-nsg" in str(refused([*rest, moved]))
    assert [rule.name for rule in read_group([*rest, moved], name="other-nsg").rules] == [first["name"]]
    nameless = [{k: v for k, v in rule.items() if k not in {"id", "type"}} for rule in (first, *rest)]
    assert said(read_group(nameless).rules) == said(file("rest").rules)


# --- effective rules -------------------------------------------------------------------------------

VNET = ["10.1.0.0/24", "168.63.129.16/32"]
INTERNET = ["1.0.0.0/8", "2.0.0.0/7", "4.0.0.0/6", "8.0.0.0/7", "11.0.0.0/8", "12.0.0.0/6", "16.0.0.0/5"]


def effective(name: str, priority: int, access: str, ends: str, **more: Json) -> dict[str, Any]:
    """As ``az network nic list-effective-nsg`` prints a rule."""
    source, destination = ends.split(" > ")
    return {
        "access": access,
        "destinationAddressPrefix": destination,
        "destinationAddressPrefixes": [destination],
        "destinationPortRange": "0-65535",
        "destinationPortRanges": ["0-65535"],
        "direction": "Inbound",
        "expandedDestinationAddressPrefix": None,
        "expandedSourceAddressPrefix": None,
        "name": name,
        "priority": priority,
        "protocol": "All",
        "sourceAddressPrefix": source,
        "sourceAddressPrefixes": [source],
        "sourcePortRange": "0-65535",
        "sourcePortRanges": ["0-65535"],
        **more,
    }


RULES = [
    effective(
        "securityRules/allow-app",
        200,
        "Allow",
        "10.1.0.0/24 > 0.0.0.0/0",
        protocol="Tcp",
        destinationPortRange="5432-5432",
        destinationPortRanges=["5432-5432"],
    ),
    effective("UserRule_no-net", 300, "Deny", "Internet > 0.0.0.0/0", expandedSourceAddressPrefix=INTERNET),
    effective(
        "defaultSecurityRules/AllowVnetInBound",
        65000,
        "Allow",
        "VirtualNetwork > VirtualNetwork",
        expandedSourceAddressPrefix=VNET,
        expandedDestinationAddressPrefix=VNET,
    ),
    effective("defaultSecurityRules/DenyAllInBound", 65500, "Deny", "0.0.0.0/0 > 0.0.0.0/0"),
]


def listed(*rules: Json, nsg: str = NSG, **more: Json) -> dict[str, Json]:
    return {
        "association": {"subnet": {"id": f"{NETWORK}/virtualNetworks/hub/subnets/db"}},
        "effectiveSecurityRules": list(rules),
        "networkSecurityGroup": {"id": nsg, "resourceGroup": "data"},
        "tagMap": None,
        **more,
    }


ADMIN = listed(RULES[0], networkSecurityGroup=None, association={"networkManager": {"id": "nm"}})
POWERSHELL = {
    "NetworkSecurityGroup": {"Id": NSG},
    "Association": {"Subnet": {"Id": f"{NETWORK}/virtualNetworks/hub/subnets/db"}},
    "EffectiveSecurityRules": [
        {key[0].upper() + key[1:]: value for key, value in rule.items() if not key.endswith(("es", "Ranges"))}
        for rule in RULES
    ],
}


@pytest.mark.field(
    "nsg",
    "Effective rules of a network interface are read as the rules of their NSG, and what their tags hold "
    "there is used",
    source="https://learn.microsoft.com/azure/virtual-network/diagnose-network-traffic-filter-problem",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    "document",
    [
        {"value": [listed(*RULES)]},
        {"nextLink": None, "value": [ADMIN, listed(*RULES), listed(*RULES)]},
        [listed(*RULES)],
        [POWERSHELL],
    ],
)
def test_effective_rules_are_the_rules_of_their_nsg(document: Json) -> None:
    found = read_group(document)
    assert str(found.id) == NSG
    assert [subnet.name for subnet in found.subnets] == ["db"]
    app, net = found.rules
    assert (app.name, app.protocol, app.sources, app.destinations) == (
        "allow-app",
        "Tcp",
        ("10.1.0.0/24",),
        ("*",),
    )
    assert (net.name, net.protocol, net.sources, net.direction) == (
        "no-net",
        "*",
        ("Internet",),
        Direction.INBOUND,
    )
    assert len(effective_rules(found)) == 8
    tags = tags_in(document)
    assert [str(network) for network in networks_of(tags.closed["virtualnetwork"])] == VNET
    assert "20.0.0.0" not in map(str, networks_of(tags.closed["internet"]))


def test_what_tags_hold_on_the_interface_settles_what_would_depend_on_them() -> None:
    document = {"value": [listed(*RULES)]}
    asked = {"direction": "Inbound", "source": "10.1.0.9", "destination": "10.1.0.4", "ports": 22}
    found = read_question({**asked, "openTags": True}, tags_in(document))
    verdict = decide(parse(read_group(document), found.tags), found.question)
    assert (verdict.state, verdict.depends_on) == ("allowed", ())


def test_what_tags_are_said_to_hold_in_two_ways_stays_open_and_so_does_what_cannot_be_read() -> None:
    two = [*RULES[:1], effective("b", 210, "Deny", "Sql > *", expandedSourceAddressPrefix=["1.0.0.0/8"])]
    other = [effective("b", 210, "Deny", "Sql > *", expandedSourceAddressPrefix=["2.0.0.0/8"])]
    odd = [effective("c", 220, "Deny", "Storage > *", expandedSourceAddressPrefix=["1.0.0.0/8", "?"])]
    named = listed(*two, tagMap={"AzureMonitor": ["3.0.0.0/8"], "AzureBackup": None})
    assert set(tags_in({"value": [named]}).closed) == {"sql", "azuremonitor"}
    both = {"value": [named, listed(*other, *odd, nsg=OTHER)]}
    assert set(tags_in(both).closed) == {"azuremonitor"}


@pytest.mark.parametrize("document", [None, [], {}, "x", {"value": [1]}, {"data": [None]}, REST, [REST]])
def test_other_documents_tell_nothing_of_tags(document: Json) -> None:
    assert tags_in(document).closed == {}


def test_a_security_group_stays_one_in_rows_and_lists() -> None:
    assert [str(group) for rule in read_group(page(row())).rules for group in rule.source_groups] == [WEB]
