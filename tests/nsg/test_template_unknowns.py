"""Values for a template's parameters, and what stays unknown: it matters only where it could decide."""

from __future__ import annotations

import json
from itertools import product

import pytest

from shared.model import Json
from shared.nsg.explain import explain
from tests.nsg.test_templates import RULES, beside, inner, nsg, rule, template

UNSET: dict[str, Json] = {name: {"type": kind} for name, kind in {"from": "string", "port": "string"}.items()}
ANY: dict[str, Json] = {"unset": {}}


def asked(document: Json, parameters: Json = None, **question: Json) -> dict[str, Json]:
    about = {"direction": "Inbound", "source": "10.0.0.7", "destination": "10.0.1.4", "ports": "5432"}
    return explain({"nsg": document, "parameters": parameters, "openTags": True, **about, **question})


def unsure(**fields: Json) -> dict[str, Json]:
    """A rule of which some fields are left to the deployment, before one that lets everything in."""
    odd = rule("odd", **{"access": "Deny", **fields})
    return template(nsg(odd, rule("all", priority=200, sourceAddressPrefix="*")), parameters=ANY)


OPEN = "[parameters('unset')]"


# --- parameters ------------------------------------------------------------------------------------

VALUES = {"from": "10.0.0.0/24", "port": "5432"}
WRAPPED = {name: {"value": value} for name, value in VALUES.items()}
SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#"
FILE = {"$schema": SCHEMA, "contentVersion": "1.0.0.0", "parameters": WRAPPED}
NEEDY = template(
    nsg(
        rule("a", sourceAddressPrefix="[parameters('from')]", destinationPortRange="[parameters('port')]"),
    ),
    parameters=UNSET,
)


@pytest.mark.field(
    "templates",
    "Parameter files of ARM, those made of .bicepparam files and plain values fill a template's parameters",
    source="https://learn.microsoft.com/azure/azure-resource-manager/templates/parameter-files",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    "given",
    [
        FILE,
        {"parameters": WRAPPED},
        WRAPPED,
        VALUES,
        {"FROM": "10.0.0.0/24", "Port": "5432"},
        {"parametersJson": json.dumps(FILE), "templateJson": "{}"},
    ],
    ids=["file", "outer", "wrapped", "plain", "case", "build-params"],
)
def test_a_parameter_file_of_any_form_is_read(given: Json) -> None:
    assert asked(NEEDY)["field"] == "destinationPortRange"
    answer = asked(NEEDY, given)
    assert answer["verdict"] == "allowed"
    assert answer["exposingRules"] == [{"name": "a", "priority": 100}]


@pytest.mark.field(
    "templates",
    "A secret that a parameter file takes from a key vault stays unknown, and so does an external input",
    source="https://learn.microsoft.com/azure/azure-resource-manager/templates/key-vault-parameter",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    "vault",
    [
        {"reference": {"keyVault": {"id": "/x"}, "secretName": "from"}},
        {"expression": "[externalInputs('sys_cli_0')]"},
    ],
)
def test_what_a_parameter_file_does_not_hold_stays_unknown(vault: Json) -> None:
    answer = asked(NEEDY, {**FILE, "parameters": {**WRAPPED, "from": vault}})
    assert answer["verdict"] == "depends"
    assert "[parameters('from')]" in answer["dependsOn"]


@pytest.mark.field(
    "templates",
    "null for a parameter stands for its default value",
    source="https://github.com/Azure/bicep/pull/9454",
    date="2026-11-29",
)
def test_null_stands_for_no_value() -> None:
    parameters = {"from": {"type": "string", "defaultValue": "10.0.0.0/24"}}
    document = template(nsg(rule("a", sourceAddressPrefix="[parameters('from')]")), parameters=parameters)
    assert asked(document, {"from": None})["verdict"] == "allowed"
    held = template(nsg(rule("a", sourceAddressPrefix="[parameters('from')]")), parameters=parameters)
    outer = template(inner(held, "inner", **{"from": "[tryGet(createObject(), 'from')]"}))
    assert asked(outer)["verdict"] == "allowed"


@pytest.mark.field(
    "templates",
    "A value that a deployment would refuse (no such parameter, another type, not allowed) is refused",
    source="https://learn.microsoft.com/azure/azure-resource-manager/templates/parameters",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"form": "x"}, "no parameter 'form'"),
        ({"from": 7}, "type string"),
        ({"on": "true"}, "type bool"),
        ({"number": True}, "type int"),
        ({"size": "L"}, "allowed values"),
        ([], "an object"),
        ("from=x", "an object"),
        ({"from": "x", "FROM": "y"}, "twice"),
        ({"parametersJson": "{"}, "no JSON"),
    ],
)
def test_a_value_that_a_deployment_would_refuse_is_refused(given: Json, said: str) -> None:
    kinds = {"from": "string", "on": "bool", "number": "int"}
    declared: dict[str, Json] = {name: {"type": kind} for name, kind in kinds.items()}
    declared["size"] = {"type": "string", "allowedValues": ["S", "M"]}
    answer = asked(template(nsg(), parameters=declared), given)
    assert answer["field"] in {"parameters", "from"}
    assert said in answer["error"]


def test_parameters_go_with_a_template_only() -> None:
    assert asked(nsg(rule("a")), {"from": "x"})["field"] == "parameters"
    assert asked(nsg(rule("a")), None)["verdict"] == "allowed"


# --- what stays unknown ----------------------------------------------------------------------------


@pytest.mark.field(
    "templates",
    "A prefix that only the deployment knows is an open set, named by its expression",
    source="https://learn.microsoft.com/azure/azure-resource-manager/templates/parameters",
    date="2026-11-29",
)
def test_an_unknown_prefix_is_an_open_set() -> None:
    for fields in (
        {"sourceAddressPrefix": OPEN},
        {"sourceAddressPrefix": "", "sourceAddressPrefixes": OPEN},
        {"sourceAddressPrefix": "", "sourceAddressPrefixes": ["10.9.0.0/16", OPEN]},
        {"sourceAddressPrefix": "", "sourceApplicationSecurityGroups": [{"id": OPEN}]},
        {"sourceAddressPrefix": "", "sourceApplicationSecurityGroups": OPEN},
        {"sourceAddressPrefix": "*", "destinationAddressPrefix": OPEN},
    ):
        answer = asked(unsure(**fields))
        assert (answer["verdict"], answer["dependsOn"]) == ("depends", [OPEN])
        assert {found["rule"] for found in answer["witnesses"]} <= {"odd", "all"}
    assert asked(unsure(sourceAddressPrefix=OPEN, destinationPortRange="22"))["verdict"] == "allowed"


def test_one_expression_is_one_set_and_two_turns_of_a_loop_are_two() -> None:
    twice = template(
        nsg(
            rule("deny", access="Deny", sourceAddressPrefix=OPEN),
            rule("allow", priority=200, sourceAddressPrefix=OPEN),
            rule("rest", priority=300, access="Deny", sourceAddressPrefix="*"),
        )
    )
    assert asked(twice)["verdict"] == "denied"
    each = rule(
        "[concat('r', copyIndex('securityRules'))]",
        access="[if(equals(copyIndex('securityRules'), 0), 'Deny', 'Allow')]",
        priority="[copyIndex('securityRules', 100)]",
        sourceAddressPrefix="[parameters('unset')[copyIndex('securityRules')]]",
    )
    looped = {"copy": [{"name": "securityRules", "count": 2, "input": each}]}
    answer = asked(template(nsg(properties=looped)))
    assert answer["verdict"] == "depends"
    assert len({name for name in answer["dependsOn"] if "copyIndex" in name}) == 2


@pytest.mark.field(
    "templates",
    "What stays unknown in a rule that cannot match the question refuses nothing",
    source="https://learn.microsoft.com/azure/virtual-network/network-security-groups-overview",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    "fields",
    [
        {"direction": "Outbound", "priority": OPEN},
        {"direction": "Outbound", "protocol": OPEN, "access": OPEN},
        {"protocol": "Udp", "destinationPortRange": OPEN},
        {"destinationPortRange": "22", "protocol": OPEN, "priority": OPEN},
        {"destinationPortRanges": ["22", "80"], "destinationPortRange": "", "access": OPEN},
        {"sourceAddressPrefix": "10.9.0.0/16", "sourcePortRange": OPEN, "direction": OPEN},
        {"priority": 300, "destinationPortRange": OPEN},
        {"priority": 300, "access": OPEN, "protocol": OPEN},
        {"destinationPortRange": "22", "sourceAddressPrefix": "[range(0, 1000000)]"},
    ],
    ids=str,
)
def test_what_cannot_matter_refuses_nothing(fields: Json) -> None:
    answer = asked(unsure(**fields))
    assert answer["verdict"] == "allowed"
    assert any("odd" in caveat for caveat in answer["caveats"])
    assert "odd" not in {found["name"] for found in answer["shadowedRules"]}


@pytest.mark.field(
    "templates",
    "What stays unknown and could decide is an error that names rule, field and expression",
    source="https://learn.microsoft.com/azure/azure-resource-manager/templates/parameters",
    date="2026-11-29",
)
@pytest.mark.parametrize("open_tags", [True, False])
@pytest.mark.parametrize(
    "field",
    ["access", "direction", "priority", "protocol", "destinationPortRange", "sourcePortRanges"],
)
def test_what_could_decide_is_an_error(field: str, open_tags: bool) -> None:
    answer = asked(unsure(**{field: OPEN}), openTags=open_tags)
    assert (answer["rule"], answer["field"]) == ("odd", field)
    assert OPEN in answer["error"]


def test_without_open_tags_an_unknown_prefix_that_could_decide_is_an_error() -> None:
    tags: dict[str, Json] = {"VirtualNetwork": [], "AzureLoadBalancer": [], "Internet": []}
    answer = asked(unsure(sourceAddressPrefix=OPEN), openTags=False, tags=tags)
    assert (answer["rule"], answer["field"]) == ("odd", "sourceAddressPrefix")
    harmless = unsure(sourceAddressPrefix=OPEN, destinationPortRange="22")
    assert asked(harmless, openTags=False, tags=tags)["verdict"] == "allowed"


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"condition": "[equals(resourceGroup().location, 'x')]"}, "condition"),
        ({"copy": {"name": "c", "count": "[parameters('n')]"}}, "copy"),
    ],
)
def test_a_rule_that_may_be_deployed_matters_where_it_could_decide(parts: Json, field: str) -> None:
    odd = {"type": RULES, "name": "db/odd", "properties": rule(access="Deny")["properties"], **parts}
    document = template(nsg(rule("all", priority=200, sourceAddressPrefix="*")), odd)
    answer = asked(document)
    assert (answer["rule"], answer["field"]) == ("odd", field)
    assert asked(document, ports="443", source="10.9.0.1")["verdict"] == "depends"


@pytest.mark.field(
    "templates",
    "A value that no deployment can compute is an error where it could decide, never an open set",
    source="https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-array#range",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    "expression",
    [
        "[range(0, 1000000)]",
        "[variables('a')]",
        "[variables('deep')]",
        "[concat('a'",
        "[concat('a'))]",
        "[cidrSubnet('10.0.0.0/24', 26, 9)]",
        "[string(reduce(range(0, 60), createArray(1), lambda('a', 'b', "
        "createArray(lambdaVariables('a'), lambdaVariables('a')))))]",
        "[x.f(0)]",
    ],
)
def test_a_value_that_no_deployment_computes_is_refused(expression: str) -> None:
    deep: Json = "*"
    for _ in range(100):
        deep = [deep]
    again = {"parameters": [{"name": "n"}], "output": {"value": "[x.f(add(parameters('n'), 1))]"}}
    document = template(
        nsg(rule("odd", sourceAddressPrefix=expression)),
        variables={"a": "[variables('b')]", "b": "[variables('a')]", "deep": deep},
        functions=[{"namespace": "x", "members": {"f": again}}],
    )
    answer = asked(document)
    assert (answer["rule"], answer["field"]) == ("odd", "sourceAddressPrefix")


# --- the law ---------------------------------------------------------------------------------------

CHOICES: dict[str, tuple[Json, ...]] = {
    "access": ("Allow", "Deny"),
    "direction": ("Inbound", "Outbound"),
    "priority": (150, 250, 350),
    "protocol": ("Tcp", "Udp", "*"),
    "destinationPortRange": ("5432", "22", "*"),
    "sourceAddressPrefix": ("10.0.0.0/24", "10.9.0.0/16", "*"),
}
NEIGHBOURS = (
    rule("first", priority=200, sourceAddressPrefix="10.0.0.0/29"),
    rule("then", priority=300, access="Deny", sourceAddressPrefix="*"),
)


def test_an_answer_holds_for_every_value_that_a_deployment_may_bring() -> None:
    """All pairs of fields are left open, and every value for both is asked: what is sure stays so."""
    answered = 0
    for (one, ones), (two, twos) in product(CHOICES.items(), repeat=2):
        if one >= two:
            continue
        left = {one: "[parameters('a')]", two: "[parameters('b')]"}
        base = rule("odd", **{"priority": 400, "access": "Deny", **left})
        document = template(nsg(*NEIGHBOURS, base), parameters={"a": {}, "b": {}})
        for source in ("10.0.0.1", "10.0.0.64"):
            unknown = asked(document, source=source)
            if "error" in unknown:
                assert unknown["rule"] == "odd"
                continue
            answered += 1
            known = {
                asked(document, {"a": a, "b": b}, source=source)["verdict"] for a, b in product(ones, twos)
            }
            assert known == {unknown["verdict"]} or unknown["verdict"] == "depends"
    assert answered > 10


def test_a_rule_beside_its_nsg_in_a_module_keeps_its_own_expressions_apart() -> None:
    child = template(
        beside("db/b", properties=rule(sourceAddressPrefix="[parameters('unset')]")["properties"])
    )
    document = template(
        nsg(rule("a", access="Deny", priority=90, sourceAddressPrefix=OPEN)),
        inner(child, "inner") | {"name": "module"},
    )
    answer = asked(document)
    assert {OPEN, "[parameters('unset') in module]"} <= set(answer["dependsOn"])
