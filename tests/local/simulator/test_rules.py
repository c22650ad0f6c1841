"""ARM's checks of a security rule, one by one."""

from __future__ import annotations

import pytest

from local.simulator.rules import check_rule, spell_rule
from local.simulator.values import ArmError, JsonObject, JsonValue

GOOD: JsonObject = {
    "protocol": "Tcp",
    "sourcePortRange": "*",
    "destinationPortRange": "5432",
    "sourceAddressPrefix": "VirtualNetwork",
    "destinationAddressPrefix": "10.20.1.0/24",
    "access": "Allow",
    "priority": 100,
    "direction": "Inbound",
}
FAMILIES = "ResourceCannotContainAddressPrefixesFromDifferentAddressFamilies"


def plural(name: str, values: list[JsonValue]) -> JsonObject:
    single = name.removesuffix("es") if name.endswith("xes") else name.removesuffix("s")
    return {single: None, name: values}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"priority": 99}, "SecurityRuleInvalidPriority"),
        ({"priority": 4097}, "SecurityRuleInvalidPriority"),
        ({"priority": None}, "SecurityRuleInvalidPriority"),
        ({"priority": True}, "SecurityRuleInvalidPriority"),
        ({"protocol": "Sctp"}, "SecurityRuleInvalidProtocol"),
        ({"access": "Maybe"}, "SecurityRuleInvalidAccess"),
        ({"direction": "Sideways"}, "SecurityRuleInvalidDirection"),
        ({"description": "x" * 141}, "SecurityRuleInvalidDescription"),
        ({"destinationPortRange": "70000"}, "SecurityRuleInvalidPortRange"),
        ({"destinationPortRange": "6432-5432"}, "SecurityRuleInvalidPortRange"),
        ({"destinationPortRange": "postgres"}, "SecurityRuleInvalidPortRange"),
        ({"destinationPortRange": None}, "RequiredSecurityRuleParameterMissing"),
        (plural("destinationPortRanges", ["5432", "*"]), "SecurityRuleInvalidPortRange"),
        ({"destinationPortRanges": ["6432"]}, "SecurityRuleParameterConflict"),
        ({"sourceAddressPrefixes": ["10.0.0.0/8"]}, "SecurityRuleParameterConflict"),
        ({"sourceAddressPrefix": "any"}, "SecurityRuleInvalidAddressPrefix"),
        ({"sourceAddressPrefix": "10.0.0.0/33"}, "SecurityRuleInvalidAddressPrefix"),
        (plural("sourceAddressPrefixes", ["10.0.0.0/8", "nonsense"]), "SecurityRuleInvalidAddressPrefix"),
        (
            plural("sourceAddressPrefixes", ["VirtualNetwork"]),
            "SecurityRuleParameterContainsUnsupportedValue",
        ),
        (
            plural("sourceAddressPrefixes", ["Storage.CanadaCentral"]),
            "SecurityRuleParameterContainsUnsupportedValue",
        ),
        (plural("sourceAddressPrefixes", ["*"]), "SecurityRuleParameterContainsUnsupportedValue"),
        (
            plural("sourceAddressPrefixes", ["10.0.0.0/8", "10.0.0.0/16"]),
            "OverlappingSubnetsNotPermittedInSecurityRule",
        ),
        (
            plural("sourceAddressPrefixes", ["10.0.0.1", "10.0.0.1"]),
            "OverlappingSubnetsNotPermittedInSecurityRule",
        ),
        (plural("sourceAddressPrefixes", ["10.0.0.0/8", "fd00::/8"]), FAMILIES),
        ({"sourceAddressPrefix": "fd00::/8"}, FAMILIES),
    ],
)
def test_a_rule_is_refused_with_the_code_that_says_why(changes: JsonObject, code: str) -> None:
    with pytest.raises(ArmError) as refused:
        check_rule("allow-postgres", GOOD | changes)
    assert (refused.value.status, refused.value.code) == (400, code)


@pytest.mark.parametrize("name", ["", "-a", "a-", "a b", "x" * 81, ".a"])
def test_a_name_outside_the_grammar_is_refused(name: str) -> None:
    with pytest.raises(ArmError) as refused:
        check_rule(name, GOOD)
    assert refused.value.code == "InvalidResourceName"


@pytest.mark.parametrize("name", ["a", "x" * 80, "Allow.5432-in_", "_a", "9"])
def test_a_name_within_the_grammar_is_taken(name: str) -> None:
    check_rule(name, GOOD)


@pytest.mark.parametrize(
    "changes",
    [
        {"priority": 4096},
        {"protocol": "tcp", "direction": "INBOUND", "access": "allow"},
        {"destinationPortRange": "0-65535"},
        {"sourceAddressPrefix": "*"},
        {"sourceAddressPrefix": "789"},
        {"sourceAddressPrefix": "Storage.CanadaCentral"},
        {"description": "x" * 140},
        plural("sourceAddressPrefixes", ["10.0.0.0/24", "10.0.1.0/24"]),
        plural("destinationPortRanges", ["5432", "6000-6010"]),
        {"sourceAddressPrefix": "", "sourceApplicationSecurityGroups": [{"id": "/asg"}]},
    ],
)
def test_a_good_rule_is_taken(changes: JsonObject) -> None:
    check_rule("allow-postgres", GOOD | changes)


def test_the_refusal_of_an_overlap_names_both_prefixes() -> None:
    with pytest.raises(ArmError) as refused:
        check_rule("allow", GOOD | plural("sourceAddressPrefixes", ["10.0.0.0/8", "10.1.0.0/16"]))
    assert "10.0.0.0/8" in refused.value.message
    assert "10.1.0.0/16" in refused.value.message


def test_a_rule_is_spelled_with_all_plural_arrays() -> None:
    spelled = spell_rule(GOOD)
    assert [spelled[name] for name in ("sourcePortRanges", "destinationAddressPrefixes")] == [[], []]
    assert spelled["destinationPortRange"] == "5432"
