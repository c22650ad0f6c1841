"""Rules that cannot be read whole: bounds of what they match, and a verdict for every packet all the same."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from shared.model import Access, Direction, Json, SecurityGroup, SecurityRule
from shared.nsg import NsgError, Outcome, State, changed, parse, tolerated, with_rules
from shared.nsg.rules.odd_rules import group_with_odd
from shared.nsg.rules.spelling import rule_body
from tests.nsg.builders import NSG_ID, allow, decide, deny, group, question

IN, OUT = Direction.INBOUND, Direction.OUTBOUND


def told(*rules: SecurityRule) -> SecurityGroup:
    found = tolerated(group(*rules))
    assert found is not None
    return found


def state(*rules: SecurityRule) -> State:
    return decide(told(*rules), question()).state


def fields(rule: SecurityRule, **changed_fields: Json) -> Json:
    body = rule_body(rule)
    properties = {**body["properties"], **changed_fields}
    return {**body, "properties": {name: found for name, found in properties.items() if found != "absent"}}


def read(*bodies: Json) -> SecurityGroup:
    """As the gateway reads it and a policy asks it."""
    found = tolerated(group_with_odd({"id": str(NSG_ID), "properties": {"securityRules": [*bodies]}}))
    assert found is not None
    return found


GRE = replace(deny("odd", 200), protocol="Gre")


@pytest.mark.field(
    "odd-items",
    "An NSG rule with an unknown protocol behind the rule that decides changes no verdict",
    source="https://learn.microsoft.com/en-us/azure/virtual-network/network-security-groups-overview",
    date="2026-11-29",
)
def test_a_rule_that_cannot_be_read_decides_nothing_behind_the_one_that_does() -> None:
    assert state(deny("first", 100), replace(allow("odd", 200), protocol="Gre")) is State.DENIED
    assert state(allow("first", 100), GRE) is State.ALLOWED
    assert state(deny("behind", 300), GRE) is State.DENIED  # whether it matches or not
    assert state(allow("behind", 300), GRE) is State.DEPENDS


def test_what_depends_on_an_odd_rule_names_it_and_its_field() -> None:
    verdict = decide(told(GRE, allow("behind", 300)), question())
    assert verdict.depends_on == ("rule 'odd' has the unknown protocol 'Gre'",)
    (odd,) = told(GRE).odd_rules
    assert (odd.name, odd.field, odd.may_be[0].protocol) == ("odd", "protocol", "*")


def test_what_a_document_says_is_refused_as_before() -> None:
    with pytest.raises(NsgError, match="unknown protocol"):
        parse(group(GRE))


ODD: dict[str, SecurityRule] = {
    "protocol": replace(deny("odd", 200), protocol="Gre"),
    "destinationPortRange": replace(deny("odd", 200), destination_ports=("postgres",)),
    "sourcePortRange": replace(deny("odd", 200), source_ports=("-1",)),
    "sourceAddressPrefix": replace(deny("odd", 200), sources=("10.0.0.0/8", "fd00::/8")),
    "destinationAddressPrefix": replace(deny("odd", 200), destinations=()),
}


@pytest.mark.parametrize("field", sorted(ODD))
def test_a_field_that_cannot_be_read_is_as_wide_as_can_be_and_may_be_nothing(field: str) -> None:
    nsg = told(ODD[field], allow("behind", 300))
    (odd,) = nsg.odd_rules
    assert odd.field == field
    assert decide(nsg, question()).state is State.DEPENDS
    assert state(allow("before", 100), ODD[field]) is State.ALLOWED


def test_an_odd_rule_matches_nothing_beyond_its_readable_fields() -> None:
    elsewhere = replace(GRE, sources=("192.0.2.0/24",))
    assert state(elsewhere, allow("behind", 300)) is State.ALLOWED


def test_the_ports_of_an_odd_rule_that_can_be_read_are_surely_its_own() -> None:
    some = replace(deny("odd", 200), destination_ports=("5432", "99999"))
    assert decide(told(some, allow("behind", 300)), question(ports=((5432, 5432),))).state is State.DENIED
    assert decide(told(some, allow("behind", 300)), question(ports=((6432, 6432),))).state is State.DEPENDS


def test_two_rules_of_one_priority_are_asked_in_either_order() -> None:
    one, other = allow("one", 200), deny("other", 200)
    assert state(one, other, deny("behind", 300)) is State.DEPENDS
    assert state(one, replace(other, access=Access.ALLOW), deny("behind", 300)) is State.ALLOWED
    assert state(deny("before", 100), one, other) is State.DENIED
    assert (
        decide(told(one, other), question(direction=OUT)).state
        is decide(group(), question(direction=OUT)).state
    )


@pytest.mark.field(
    "odd-items",
    "An NSG rule without direction, access or priority leaves open what it could decide, and nothing else",
    source="https://learn.microsoft.com/en-us/rest/api/virtualnetwork/security-rules/get",
    date="2026-11-29",
)
@pytest.mark.parametrize("field", ["direction", "access", "priority"])
@pytest.mark.parametrize("value", ["absent", None, "odd", ["odd"]])
def test_a_rule_without_a_place_or_an_access_leaves_open_what_it_could_decide(
    field: str, value: Json
) -> None:
    odd = fields(deny("odd", 200, "192.0.2.0/24 > *"), **{field: value})
    nsg = read(odd, fields(allow("all", 300)))
    assert [rule.name for rule in nsg.rules] == ["all"]
    assert (nsg.odd_rules[0].name, nsg.odd_rules[0].field) == ("odd", field)
    assert decide(nsg, question()).state is State.ALLOWED
    assert decide(nsg, question("192.0.2.7", "10.0.1.0/24")).state is State.DEPENDS
    absent = value in ("absent", None)
    assert nsg.odd_rules[0].why.endswith(
        f"{field} is missing" if absent else f"{field} cannot be used: {_said(value)}"
    )


def _said(value: Json) -> str:
    return "a list" if isinstance(value, list) else repr(value)


def test_a_rule_of_which_nothing_can_be_read_may_be_any_rule() -> None:
    nsg = read({"properties": {}}, fields(allow("all", 300)))
    assert len(nsg.odd_rules[0].may_be) == 4
    for way in Direction:
        assert decide(nsg, question(direction=way)).state is State.DEPENDS


def test_the_rest_of_an_nsg_with_an_odd_rule_is_read_as_ever() -> None:
    body = {
        "id": str(NSG_ID),
        "properties": {
            "provisioningState": "Updating",
            "securityRules": [fields(deny("odd", 200), access="absent"), fields(allow("fine", 300))],
            "defaultSecurityRules": [fields(deny("DenyAllInBound", 65500), priority=None)],
            "subnets": [{"id": "none"}, {"id": f"{NSG_ID}"}],
        },
    }
    found = group_with_odd(body)
    assert (found.updating, found.default_rules, found.subnets) == (True, (), (NSG_ID,))
    assert decide(found, question("192.0.2.1", "10.0.1.0/24", ((22, 22),))).state is State.DEPENDS


@pytest.mark.parametrize("access", sorted(Access))
def test_every_meaning_of_an_odd_rule_lies_within_the_verdict(access: Access) -> None:
    """Whatever the odd rule means, a packet that is surely treated is treated so."""
    odd = replace(deny("odd", 200), access=access, protocol="Gre")
    meanings = [replace(odd, protocol=protocol) for protocol in ("Tcp", "Udp", "*")]
    around = [None, allow("before", 100, "10.0.0.0/9 > *"), deny("before", 100, "10.0.0.0/9 > *")]
    behind = [allow("behind", 300), deny("behind", 300, "10.0.1.0/24 > *")]
    for first, last in product(around, behind):
        others = [rule for rule in (first, last) if rule is not None]
        for source in ("10.0.1.5", "10.200.0.5", "198.51.100.7"):
            asked = question(source, "10.0.1.0/24")
            outcomes = {decide(group(*others, one), asked).state for one in meanings}
            verdict = decide(told(*others, odd), asked)
            assert verdict.state is (outcomes.pop() if len(outcomes) == 1 else State.DEPENDS)


def test_an_odd_rule_that_stays_is_no_difference() -> None:
    before = told(GRE, allow("behind", 300))
    after = with_rules(before, [deny("added", 400)])
    assert changed(before, after).parts == ()
    ahead = changed(before, with_rules(before, [allow("ahead", 150)])).parts
    assert {(part.before, part.after) for part in ahead} == {(Outcome.OPEN, Outcome.ALLOWED)}
