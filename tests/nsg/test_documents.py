"""Every document that a person may hold is read as the same rules, or refused by rule and field."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from shared.model import Access, Direction, Json, SecurityGroup, SecurityRule
from shared.model.resource_id import ResourceId
from shared.nsg.documents.document import decode, read_group, read_rule, read_text
from shared.nsg.rules.reading import NsgError, effective_rules

FILES = Path(__file__).parent / "documents"
NETWORK = (
    "/subscriptions/6e0c2f5a-8d1b-4c07-9a34-51f2b7c0d9e8/resourceGroups/data/providers/Microsoft.Network"
)
NSG = f"{NETWORK}/networkSecurityGroups/db-nsg"
WEB = f"{NETWORK}/applicationSecurityGroups/web"

COMPLETE = ("rest", "page", "az_show", "az_show_old", "az_list", "az_create", "powershell")
"""Documents that Azure made of an NSG that exists."""
PARTIAL = ("put", "portal_export", "template_by_hand", "bicep")
"""Documents of which Azure would make one."""


def file(name: str) -> SecurityGroup:
    return read_text(decode((FILES / f"{name}.json").read_bytes()))


def said(rules: Iterable[SecurityRule]) -> list[SecurityRule]:
    """What the rules say, in one order: etags differ, and a template has no order."""
    plain = (replace(rule, etag=None) for rule in rules)
    return sorted(plain, key=lambda rule: (rule.direction, rule.priority))


def rule(**changes: Json) -> dict[str, Json]:
    """A rule's body; a field that is changed to ``...`` is left out."""
    fields: dict[str, Json] = {
        "protocol": "Tcp",
        "access": "Allow",
        "direction": "Inbound",
        "priority": 100,
        "sourceAddressPrefix": "10.0.0.0/24",
        "destinationAddressPrefix": "*",
        "sourcePortRange": "*",
        "destinationPortRange": "5432",
    }
    return {"name": "r", "properties": {k: v for k, v in (fields | changes).items() if v is not ...}}


def group(*rules: Json) -> dict[str, Json]:
    return {"name": "nsg", "properties": {"securityRules": [*rules]}}


def refused(document: Json, name: str | None = None) -> NsgError:
    with pytest.raises(NsgError) as caught:
        read_group(document, name=name)
    return caught.value


# --- shapes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*COMPLETE, *PARTIAL])
def test_every_document_of_one_nsg_says_the_same_rules(name: str) -> None:
    assert said(file(name).rules) == [
        SecurityRule(
            name="allow-postgres-within",
            direction=Direction.INBOUND,
            access=Access.ALLOW,
            priority=200,
            protocol="Tcp",
            sources=("10.20.1.0/24",),
            destinations=("10.20.1.0/24",),
            destination_ports=("5432", "6432"),
            description="replicas and PgBouncer",
        ),
        SecurityRule(
            name="allow-apps",
            direction=Direction.INBOUND,
            access=Access.ALLOW,
            priority=210,
            protocol="TCP",
            sources=(),
            destinations=("10.20.1.0/24",),
            destination_ports=("5432",),
            source_groups=(ResourceId(WEB),),
        ),
        SecurityRule(
            name="deny-rest",
            direction=Direction.INBOUND,
            access=Access.DENY,
            priority=4000,
            protocol="*",
            sources=("*",),
            destinations=("*",),
        ),
        SecurityRule(
            name="allow-storage",
            direction=Direction.OUTBOUND,
            access=Access.ALLOW,
            priority=200,
            protocol="Tcp",
            sources=("VirtualNetwork",),
            destinations=("Storage.WestEurope",),
            destination_ports=("443",),
        ),
        SecurityRule(
            name="allow-dns",
            direction=Direction.OUTBOUND,
            access=Access.ALLOW,
            priority=300,
            protocol="Udp",
            sources=("10.20.1.0/25", "10.20.1.128/25"),
            destinations=("10.9.0.4",),
            destination_ports=("53",),
        ),
        SecurityRule(
            name="deny-internet",
            direction=Direction.OUTBOUND,
            access=Access.DENY,
            priority=4096,
            protocol="*",
            sources=("*",),
            destinations=("Internet",),
        ),
    ]


@pytest.mark.parametrize("name", COMPLETE)
def test_a_document_that_azure_made_names_everything_that_shares_the_nsg(name: str) -> None:
    found = file(name)
    assert str(found.id) == NSG
    assert [subnet.name for subnet in found.subnets] == ["db", "db-replica"]
    assert [interface.name for interface in found.network_interfaces] == ["jump-nic"]
    assert (len(found.default_rules), found.updating) == (6, False)


@pytest.mark.parametrize("name", PARTIAL)
def test_default_rules_that_a_document_lacks_are_those_that_azure_gives_every_nsg(name: str) -> None:
    stated, supplied = effective_rules(file("rest")), effective_rules(file(name))
    for direction in Direction:
        asked = [[r for r in rules if r.direction is direction] for rules in (stated, supplied)]
        assert asked[0] == asked[1]


@pytest.mark.parametrize("name", ["portal_export", "template_by_hand", "bicep"])
def test_an_nsg_of_a_template_gets_an_id_with_its_name(name: str) -> None:
    assert file(name).id.name == "db-nsg"


def test_an_nsg_without_any_name_gets_an_id_all_the_same() -> None:
    found = read_group({"securityRules": []})
    assert found.id.type == "microsoft.network/networksecuritygroups"
    assert found.id.subscription.strip("0-") == ""


@pytest.mark.parametrize("text", ["db-nsg", "a/b", "50%", "[parameters('name')]", " "])
def test_an_id_that_is_a_mere_name_stands_for_an_nsg(text: str) -> None:
    assert read_group({"id": text, "securityRules": []}).id.type == "microsoft.network/networksecuritygroups"


def test_application_security_groups_may_be_told_by_mere_names() -> None:
    sides = {"sourceApplicationSecurityGroups": [{"id": "a/b"}, {"id": "a%2Fb"}, {"id": "web"}]}
    found = read_group(group(rule(sourceAddressPrefix="", **sides))).rules[0]
    assert len(set(found.source_groups)) == 3
    assert found.source_groups[2].name == "web"


def test_keys_and_members_are_read_in_any_letter_case() -> None:
    body = json.loads((FILES / "rest.json").read_text(encoding="utf-8"))
    assert said(read_group(_shouted(body)).rules) == said(file("rest").rules)


def _shouted(found: Json) -> Json:
    match found:
        case Mapping():
            members = ("access", "direction", "type")
            return {k.upper(): v.upper() if k in members else _shouted(v) for k, v in found.items()}
        case list():
            return [*map(_shouted, found)]
        case _:
            return found


def test_a_rule_is_read_alone_in_both_shapes() -> None:
    flat = {"name": "r", "resourceGroup": "data", **rule()["properties"]}
    assert read_rule(flat) == read_rule(rule())
    assert read_rule(rule(priority=65000)).priority == 65000


# --- fields ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "sources"),
    [
        ({"sourceAddressPrefix": "10.0.0.0/24"}, ("10.0.0.0/24",)),
        ({"sourceAddressPrefix": " 10.0.0.0/24 "}, ("10.0.0.0/24",)),
        ({"sourceAddressPrefix": "*", "sourceAddressPrefixes": []}, ("*",)),
        ({"sourceAddressPrefix": "*", "sourceAddressPrefixes": None}, ("*",)),
        ({"sourceAddressPrefix": ..., "sourceAddressPrefixes": ["10.0.0.1"]}, ("10.0.0.1",)),
        ({"sourceAddressPrefix": "", "sourceAddressPrefixes": ["10.0.0.1", ""]}, ("10.0.0.1",)),
        ({"sourceAddressPrefix": None, "sourceAddressPrefixes": ["10.0.0.1"]}, ("10.0.0.1",)),
        ({"sourceAddressPrefix": ["10.0.0.1", "10.0.0.2"]}, ("10.0.0.1", "10.0.0.2")),
        ({"sourceAddressPrefix": ..., "sourceAddressPrefixes": "10.0.0.1"}, ("10.0.0.1",)),
        (
            {"sourceAddressPrefix": "10.0.0.1", "sourceAddressPrefixes": ["10.0.0.2", "10.0.0.1"]},
            ("10.0.0.1", "10.0.0.2"),
        ),
    ],
)
def test_the_singular_and_the_plural_field_are_one_list(fields: Json, sources: tuple[str, ...]) -> None:
    assert read_group(group(rule(**fields))).rules[0].sources == sources


@pytest.mark.parametrize(
    "text",
    [
        *("*", "10.0.0.7", "10.0.0.7/24", "10.0.0.0-10.0.0.9", "0.0.0.0/0", "10.0.0.0/32"),
        *("fd00:1::/64", "fd00::1", "fd00::1-fd00::9", "::/0"),
        *("Internet", "VirtualNetwork", "VIRTUAL_NETWORK", "storage.westeurope", "CorpNetSaw", "any"),
        *("AzureFrontDoor.Backend", "Sql.EastUS2"),
    ],
)
def test_addresses_ranges_and_tags_are_read_as_they_stand(text: str) -> None:
    found = read_group(group(rule(sourceAddressPrefix=text))).rules[0]
    assert found.sources == (text,)


@pytest.mark.parametrize(
    "changes",
    [
        {"sourceAddressPrefix": ..., "sourceAddressPrefixes": ["10.0.0.0/8", "10.1.0.0/16"]},
        {"sourceAddressPrefix": ..., "sourceAddressPrefixes": ["Storage", "10.1.0.0/16", "*"]},
        {"destinationPortRange": ..., "destinationPortRanges": ["80", "80", "70-90"]},
        {"sourceAddressPrefix": "10.0.0.77/24"},
        {"destinationPortRange": "22-22"},
        {"destinationPortRange": 5432},
        {"priority": 4999},
        {"priority": 0},
        {"priority": "100"},
        {"priority": 100.0},
        {"description": "x" * 200},
        {"description": None},
        {"name-of-tomorrow": {"a": []}},
    ],
)
def test_what_azure_would_not_write_is_read(changes: Json) -> None:
    assert len(effective_rules(read_group(group(rule(**changes))))) == 7


def test_two_rules_may_share_a_name_and_two_directions_a_priority() -> None:
    found = read_group(group(rule(), rule(priority=101), rule(direction="Outbound")))
    assert [r.name for r in found.rules] == ["r", "r", "r"]


# --- refusals --------------------------------------------------------------------------------------


ODD: Mapping[str, list[Json]] = {
    "protocol": [..., None, "", "Sctp", "TCP/IP", "6", 6, ["Tcp"], {}],
    "access": [..., None, "", "Permit", True, ["Allow"]],
    "direction": [..., None, "", "Sideways", 0],
    "priority": [
        *(..., None, "", "first", True, 1.5, -1, 65536),
        *(float("inf"), float("nan"), [100], "1_0", "٣", "1" * 5000),
    ],
    "sourcePortRange": [..., "http", "65536"],
    "destinationPortRange": [
        *(..., None, "", [], "70000", "-1", "80-70", "abc", "80-", "-", "80,443", "1.5", "٨٠"),
        *(70000, -1, 1.5, True, {}, [["80"]]),
    ],
    "sourceAddressPrefix": [
        *(..., None, "", [], "10.0.0.300", "10.0.0.0/33", "999", "10.0.0", "10.0.0.0/", "10.0.0.0/-1"),
        *("fd00::/129", "10.0.0.9-10.0.0.1", "10.0.0.1-fd00::1", "fe80::1%e0", "10.0.0.0/24,10.0.1.0/24"),
        *("12:34", "a/8", "two words", "10.0.0.0/255.0.0.0", "**", "ünï", 7, 1.5, True, {}),
    ],
    "destinationAddressPrefix": ["1.2.3.4.5", "10.0.0.0/٨", ["Sql", "0x7f000001"]],
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field in ODD for value in ODD[field]])
def test_a_field_that_cannot_be_meant_is_refused_by_rule_and_field(field: str, value: Json) -> None:
    odd = rule(**{"priority": 300, field: value}) | {"name": "odd"}
    error = refused(group(rule(), rule(direction="Outbound"), odd))
    assert (error.rule, error.field) == ("odd", field)
    assert "odd" in str(error)


@pytest.mark.parametrize("field", ["priority", "destinationPortRange", "protocol", "sourceAddressPrefix"])
def test_a_number_too_large_to_print_is_refused_like_any_other(field: str) -> None:
    assert refused(group(rule(**{field: 10**5000}))).field == field


@pytest.mark.parametrize(
    "changes",
    [
        {"sourceAddressPrefix": "10.0.0.0/8", "destinationAddressPrefix": "fd00::/8"},
        {"sourceAddressPrefix": ..., "sourceAddressPrefixes": ["10.0.0.0/8", "fd00::/8"]},
    ],
)
def test_both_families_in_one_rule_are_refused(changes: Json) -> None:
    error = refused(group(rule(**changes)))
    assert (error.rule, error.field) == ("r", "sourceAddressPrefix")


def test_two_rules_of_one_priority_in_one_direction_are_refused() -> None:
    error = refused(group(rule(), rule() | {"name": "s"}))
    assert (error.rule, error.field) == ("s", "priority")


def test_a_custom_rule_with_the_priority_of_a_default_rule_is_refused() -> None:
    assert refused(group(rule(priority=65000))).field == "priority"


def test_a_rule_without_a_name_is_refused() -> None:
    assert refused(group(rule() | {"name": " "})).field == "name"


@pytest.mark.parametrize("value", [[{}], [{"id": ""}], [{"id": 7}], ["web"], "web", {"id": "web"}])
def test_an_application_security_group_without_an_id_is_refused(value: Json) -> None:
    error = refused(group(rule(sourceApplicationSecurityGroups=value)))
    assert (error.rule, error.field) == ("r", "sourceApplicationSecurityGroups")


@pytest.mark.parametrize("rules", [5, "none", {"r": {}}, [5], [None], [[]]])
def test_rules_that_are_no_list_of_objects_are_refused(rules: Json) -> None:
    assert refused({"properties": {"securityRules": rules}}).field == "securityRules"


def test_a_key_that_is_given_in_two_letter_cases_is_refused() -> None:
    assert refused(group(rule(Access="Deny"))).field == "access"


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (7, "a number"),
        (1.5, "a number"),
        ("nsg", "a text"),
        (None, "None"),
        (True, "True"),
        ({}, "an object without securityRules"),
        ({"properties": {}}, "an object without securityRules"),
        ({"properties": "securityRules"}, "an object without securityRules"),
        ([], "a list without one"),
        ([7], "a list without one"),
        ({"value": []}, "a list without one"),
        ({"type": "Microsoft.Network/virtualNetworks", "properties": {"subnets": []}}, "virtualNetworks"),
        ({"type": "Microsoft.DBforPostgreSQL/flexibleServers", "properties": {}}, "flexibleServers"),
        ({"id": f"{NETWORK}/virtualNetworks/hub", "properties": {"securityRules": []}}, "object"),
        ({"type": "Microsoft.Network/networkSecurityGroups/securityRules", **rule()}, "securityRules"),
        ({"resources": []}, "a template without one"),
    ],
)
def test_what_is_no_nsg_is_refused_and_told_what_it_is(document: Json, told: str) -> None:
    error = refused(document)
    assert (error.rule, error.field) == ("", "nsg")
    assert told in str(error)


@pytest.mark.parametrize("properties", [None, {}, {"provisioningState": "Succeeded"}])
def test_an_nsg_of_a_list_of_resources_is_not_taken_for_one_without_rules(properties: Json) -> None:
    error = refused({"type": "Microsoft.Network/networkSecurityGroups", "id": NSG, "properties": properties})
    assert error.field == "securityRules"
    assert "db-nsg" in str(error)


# --- several ---------------------------------------------------------------------------------------

SEVERAL = [
    group(rule()),
    {"type": "Microsoft.Network/virtualNetworks"},
    {"name": "Other", "securityRules": []},
]


@pytest.mark.parametrize("document", [SEVERAL, {"value": SEVERAL}, {"value": SEVERAL, "nextLink": "next"}])
def test_a_list_with_several_nsgs_is_refused_with_their_names(document: Json) -> None:
    error = refused(document)
    assert "nsg, Other" in str(error)
    assert error.field == "nsg"


def test_one_of_several_nsgs_is_read_by_its_name() -> None:
    assert read_group(SEVERAL, name="OTHER").rules == ()
    assert len(read_group(SEVERAL, name="nsg").rules) == 1
    assert "nsg, Other" in str(refused(SEVERAL, name="third"))


def test_a_name_is_asked_for_also_where_there_is_one_nsg() -> None:
    assert "named 'other'" in str(refused(group(), name="other"))


def test_an_nsg_that_is_not_asked_for_need_not_be_readable() -> None:
    assert read_group([group(7), {"name": "sound", "securityRules": []}], name="sound").rules == ()


# --- texts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_file_is_decoded_as_windows_and_everyone_else_write_it(encoding: str) -> None:
    text = json.dumps(group(rule(description="für Büro")), ensure_ascii=False)
    found = read_text(decode(text.encode(encoding)))
    assert found.rules[0].description == "für Büro"


def test_a_text_that_still_has_its_byte_order_mark_is_read() -> None:
    assert read_text("\ufeff" + json.dumps(group())).rules == ()


@pytest.mark.parametrize("data", [b'{"securityRules": [\xff]}', "Büro".encode("latin-1"), b"\xff\xfe\x00"])
def test_bytes_that_are_no_text_are_refused(data: bytes) -> None:
    with pytest.raises(NsgError, match="byte"):
        decode(data)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1, column 1"),
        ('{\n  "name": "nsg",\n  "properties": {', "line 3, column 18"),
        ('{"securityRules": []} extra', "line 1, column 23"),
        ("{'securityRules': []}", "line 1, column 2"),
        ('{"securityRules": [' + "9" * 5000 + "]}", "no JSON that can be read"),
        ("[" * 100_000, "no JSON that can be read"),
    ],
)
def test_a_text_that_is_no_json_is_refused_with_its_place(text: str, told: str) -> None:
    with pytest.raises(NsgError, match=told) as caught:
        read_text(text)
    assert (caught.value.rule, caught.value.field) == ("", "nsg")


def test_every_truncation_of_a_file_is_refused() -> None:
    text = json.dumps(group(rule()))
    for end in range(len(text)):
        with pytest.raises(NsgError):
            read_text(text[:end])
