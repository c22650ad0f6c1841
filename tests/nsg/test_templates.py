"""NSGs in ARM templates: what the template says is computed, what only a deployment knows is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from shared.model import Access, Json, SecurityRule
from shared.nsg.documents.document import read_group
from shared.nsg.rules.reading import NsgError

GROUPS = "Microsoft.Network/networkSecurityGroups"
RULES = f"{GROUPS}/securityRules"


def rule(name: str = "r", **changes: Json) -> dict[str, Json]:
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
    return {"name": name, "properties": fields | changes}


def nsg(*rules: Json, **parts: Json) -> dict[str, Json]:
    return {"type": GROUPS, "name": "db", "properties": {"securityRules": [*rules]}, **parts}


def beside(name: str, **parts: Json) -> dict[str, Json]:
    return {"type": RULES, "name": name, "properties": rule(priority=200)["properties"], **parts}


def template(*resources: Json, **parts: Json) -> dict[str, Json]:
    return {"contentVersion": "1.0.0.0", "resources": [*resources], **parts}


def declared(**values: Json) -> dict[str, Json]:
    return {name: {"type": "string", "defaultValue": value} for name, value in values.items()}


def rules_of(document: Json) -> list[str]:
    return [found.name for found in read_group(document).rules]


def only_rule(document: Json) -> SecurityRule:
    (found,) = read_group(document).rules
    return found


def refused(document: Json, name: str | None = None) -> NsgError:
    with pytest.raises(NsgError) as caught:
        read_group(document, name=name)
    return caught.value


# --- expressions -----------------------------------------------------------------------------------

PARAMETERS = declared(
    region="WestEurope",
    one="10.0.0.1",
    list=["10.0.0.1", "10.0.0.2"],
    thing={"Deep": [{"prefix": "[parameters('one')]"}]},
    tag="[concat('Storage.', parameters('region'))]",
    on=True,
    off=False,
    literal="[[Storage",
)
VARIABLES: Mapping[str, Json] = {
    "prefix": "[variables('other')]",
    "other": "10.0.0.3",
    "nothing": None,
    "copy": [{"name": "three", "count": 3, "input": "[format('10.0.{0}.0/24', copyIndex('three', 1))]"}],
    "held": {
        "copy": [
            {"name": "two", "count": 2, "input": {"prefix": "[concat('10.9.', copyIndex('two'), '.0/24')]"}}
        ]
    },
}


@pytest.mark.parametrize(
    ("expression", "sources"),
    [
        ("[parameters('one')]", ["10.0.0.1"]),
        ("[ PARAMETERS( 'ONE' ) ]", ["10.0.0.1"]),
        ("[parameters('list')]", ["10.0.0.1", "10.0.0.2"]),
        ("[parameters('list')[1]]", ["10.0.0.2"]),
        ("[last(parameters('list'))]", ["10.0.0.2"]),
        ("[first(parameters('list'))]", ["10.0.0.1"]),
        ("[concat(parameters('list'), createArray('10.0.0.9'))]", ["10.0.0.1", "10.0.0.2", "10.0.0.9"]),
        ("[parameters('thing').deep[0].prefix]", ["10.0.0.1"]),
        ("[parameters('thing')['Deep'][sub]]", None),
        ("[parameters('tag')]", ["Storage.WestEurope"]),
        ("[toLower(format('{0}.{1}', 'Storage', parameters('region')))]", ["storage.westeurope"]),
        ("[toUpper('sql')]", ["SQL"]),
        ("[trim(' Sql ')]", ["Sql"]),
        ("[replace('10-0-0-1', '-', '.')]", ["10.0.0.1"]),
        ("[split('10.0.0.1,10.0.0.2', ',')]", ["10.0.0.1", "10.0.0.2"]),
        ("[variables('prefix')]", ["10.0.0.3"]),
        ("[variables('three')]", ["10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24"]),
        ("[variables('held').two[1].prefix]", ["10.9.1.0/24"]),
        ("[if(parameters('on'), 'Sql', parameters('absent'))]", ["Sql"]),
        ("[if(and(parameters('on'), not(parameters('off'))), 'Sql', 'Storage')]", ["Sql"]),
        ("[if(or(equals('a', 'A'), empty(parameters('list'))), 'Sql', 'Storage')]", ["Storage"]),
        ("[if(contains(parameters('list'), '10.0.0.2'), 'Sql', 'Storage')]", ["Sql"]),
        ("[if(contains(parameters('thing'), 'deep'), 'Sql', 'Storage')]", ["Sql"]),
        ("[if(equals(length(parameters('list')), int('2')), 'Sql', 'Storage')]", ["Sql"]),
        ("[if(equals(variables('nothing'), null()), 'Sql', 'Storage')]", ["Sql"]),
        ("[coalesce(variables('nothing'), parameters('one'))]", ["10.0.0.1"]),
        ("[coalesce(tryGet(parameters('thing'), 'shallow'), 'Sql')]", ["Sql"]),
        ("[tryGet(parameters('thing'), 'deep', 0, 'prefix')]", ["10.0.0.1"]),
        ("[createObject('a', 'Sql').a]", ["Sql"]),
        (
            "[map(parameters('list'), lambda('x', concat(lambdaVariables('X'), '/32')))]",
            ["10.0.0.1/32", "10.0.0.2/32"],
        ),
        ("[map(createArray('a'), lambda('x', parameters('one')))]", ["10.0.0.1"]),
        ("[map('a', lambda('x', 'Sql'))]", None),
        ("[map(parameters('list'), 'Sql')]", None),
        ("[lambdaVariables('x')]", None),
        ("[if(bool('true'), 'it''s', '')]", None),
        ("[concat('10.0.0.', 7)]", ["10.0.0.7"]),
        ("[format('10.0.0.{0}{{', 1)]", None),
        ("[format('10.0.0.{1}', 1)]", None),
        ("[format('10.0.0.{0:D2}', 1)]", None),
        ("[parameters('literal')]", None),
        ("[parameters('absent')]", None),
        ("[parameters('list')[2]]", None),
        ("[parameters('thing').shallow]", None),
        ("[variables('absent')]", None),
        ("[concat('Storage.', resourceGroup().location)]", None),
        ("[reference('subnet').addressPrefix]", None),
        ("[copyIndex()]", None),
        ("[if(equals(resourceGroup().location, 'x'), 'Sql', 'Storage')]", None),
        ("[if(contains(createArray(utcNow()), 'x'), 'Sql', 'Storage')]", None),
        ("[contoso.tag()]", None),
        ("[concat('a'", None),
        ("[concat('a')) ]", None),
        ("[concat('a' 'b')]", None),
        ("['a' 'b']", None),
        ("[]", None),
        ("[#]", None),
    ],
)
def test_a_prefix_is_computed_from_the_template_alone_or_refused(
    expression: str, sources: list[str] | None
) -> None:
    document = template(nsg(rule(sourceAddressPrefix=expression)), parameters=PARAMETERS, variables=VARIABLES)
    if sources is not None:
        assert only_rule(document).sources == tuple(sources)
    else:
        error = refused(document)
        assert (error.rule, error.field) == ("r", "sourceAddressPrefix")


@pytest.mark.parametrize(
    "field",
    ["access", "direction", "priority", "protocol", "sourcePortRange", "destinationPortRanges", "properties"],
)
def test_what_only_a_deployment_knows_is_refused_by_rule_and_field(field: str) -> None:
    odd = rule("odd", **{field: "[parameters('unset')]"})
    if field == "properties":
        odd["properties"] = "[parameters('unset')]"
    error = refused(template(nsg(rule(), odd), parameters={"unset": {"type": "string"}}))
    assert (error.rule, error.field) == ("odd", field)
    assert "[parameters('unset')]" in str(error)


def test_what_does_not_decide_may_stay_unknown() -> None:
    unset = "[reference('x').y]"
    found = only_rule(template(nsg(rule(unset, description=unset, tags=[unset]), location=unset)))
    assert (found.name, found.description, found.access) == (unset, "", Access.ALLOW)


def test_rules_that_only_a_deployment_knows_are_refused() -> None:
    for properties in (
        "[parameters('x')]",
        {"securityRules": "[parameters('x')]"},
        {"securityRules": ["[x()]"]},
    ):
        error = refused(template({"type": GROUPS, "name": "db", "properties": properties}))
        assert error.field in {"properties", "securityRules"}


def test_rules_may_be_a_parameter_or_a_variable_as_a_whole() -> None:
    held = {"securityRules": "[variables('rules')]"}
    document = template({"type": GROUPS, "name": "db", "properties": held}, variables={"rules": [rule("a")]})
    assert rules_of(document) == ["a"]


def test_a_parameter_that_may_be_null_is_null() -> None:
    groups = "[parameters('groups')]"
    held = nsg(rule(sourceApplicationSecurityGroups=groups))
    direct = {"groups": {"type": "array", "nullable": True}}
    assert only_rule(template(held, parameters=direct)).source_groups == ()
    by_type = {"groups": {"$ref": "#/definitions/groupsType"}}
    types = {"groupsType": {"type": "array", "nullable": True}}
    assert only_rule(template(held, parameters=by_type, definitions=types)).source_groups == ()
    assert refused(template(held, parameters=by_type)).field == "sourceApplicationSecurityGroups"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("'Microsoft.Network/applicationSecurityGroups', 'web'", "/resourceGroups/unknown/"),
        ("'data', 'Microsoft.Network/applicationSecurityGroups', 'web'", "/resourceGroups/data/"),
        ("'5ab1', 'data', 'Microsoft.Network/applicationSecurityGroups', 'web'", "/subscriptions/5ab1/"),
    ],
)
def test_the_id_of_an_application_security_group_is_computed(arguments: str, told: str) -> None:
    groups = [{"id": f"[resourceId({arguments})]"}]
    found = only_rule(template(nsg(rule(sourceAddressPrefix="", sourceApplicationSecurityGroups=groups))))
    assert told in str(found.source_groups[0])
    assert found.source_groups[0].type == "microsoft.network/applicationsecuritygroups"


@pytest.mark.parametrize("arguments", ["'a'", "'A/b'", "'A/b', 'c', 'd'", "", "parameters('x'), 'a'"])
def test_an_id_that_cannot_be_computed_is_refused(arguments: str) -> None:
    groups = [{"id": f"[resourceId({arguments})]"}]
    error = refused(template(nsg(rule(destinationApplicationSecurityGroups=groups))))
    assert (error.rule, error.field) == ("r", "destinationApplicationSecurityGroups")


# --- where rules stand -----------------------------------------------------------------------------


def test_a_rule_beside_the_nsg_is_one_of_its_rules() -> None:
    assert rules_of(template(nsg(rule("a")), beside("db/b"), beside("other/c"))) == ["a", "b"]


def test_a_rule_beside_the_nsg_replaces_the_one_of_its_name() -> None:
    found = only_rule(template(nsg(rule("B")), beside("DB/b")))
    assert (found.name, found.priority) == ("b", 200)


def test_rules_nested_in_the_nsg_are_read_in_both_spellings_of_type_and_name() -> None:
    nested = [beside("b", type="securityRules"), beside("db/c", properties=rule(priority=300)["properties"])]
    assert rules_of(template(nsg(rule("a"), resources=nested))) == ["a", "b", "c"]


def test_resources_may_be_an_object_by_symbolic_name() -> None:
    document = template(languageVersion="2.0") | {"resources": {"x": nsg(rule("a")), "y": beside("db/b")}}
    assert rules_of(document) == ["a", "b"]


def test_an_unknown_name_stays_as_it_is_and_still_finds_its_rules() -> None:
    suffix = "uniqueString(resourceGroup().id)"
    document = template(
        nsg(rule("a"), name=f"[format('{{0}}-{{1}}', 'db', {suffix})]"),
        beside(f"[format('{{0}}/{{1}}', format('{{0}}-{{1}}', 'db', {suffix}), 'b')]"),
    )
    assert rules_of(document) == ["a", "b"]
    assert read_group(document, name=f"db-[{suffix}]").id.name == f"db-[{suffix}]"


@pytest.mark.parametrize(
    ("group", "child"), [("[parameters('x')]", "db/b"), ("db", "[concat(parameters('x'), '/b')]")]
)
def test_a_rule_that_may_belong_to_the_nsg_is_not_left_out(group: str, child: str) -> None:
    error = refused(template(nsg(name=group), beside(child)))
    assert (error.rule, error.field) == ("b", "name")


def test_rules_without_their_nsg_are_no_nsg() -> None:
    assert refused(template(beside("db/a"))).field == "nsg"
    existing = {"existing": True, "type": GROUPS, "name": "db"}
    document = template(languageVersion="2.0") | {"resources": {"db": existing, "rule": beside("db/a")}}
    assert refused(document).field == "nsg"


def test_default_rules_in_a_template_are_left_aside_as_a_deployment_does() -> None:
    held = {"securityRules": [], "defaultSecurityRules": [rule("AllowVnetInBound", access="Deny")]}
    assert read_group(template(nsg(properties=held))).default_rules == ()


# --- conditions and loops --------------------------------------------------------------------------


def test_what_is_not_deployed_is_not_there() -> None:
    off = {"condition": "[parameters('off')]"}
    document = template(
        nsg(rule("a")), nsg(name="other", **off), beside("db/b", **off), beside("db/c"), parameters=PARAMETERS
    )
    assert rules_of(document) == ["a", "c"]


def test_a_condition_that_only_a_deployment_knows_is_refused() -> None:
    unknown = {"condition": "[equals(resourceGroup().location, 'x')]"}
    assert refused(template(nsg(**unknown))).field == "condition"
    error = refused(template(nsg(), beside("db/b", **unknown)))
    assert (error.rule, error.field) == ("b", "condition")
    assert rules_of(template(nsg(), beside("other/b", **unknown))) == []
    error = refused(template(nsg(), inner(template(beside("db/b")), "inner") | unknown))
    assert (error.rule, error.field) == ("b", "condition")


def test_rules_in_a_loop_are_unrolled() -> None:
    looped = {
        "name": "securityRules",
        "count": "[length(variables('sources'))]",
        "input": rule(
            "[concat('r', copyIndex('securityRules'))]",
            priority="[copyIndex('securityRules', 100)]",
            sourceAddressPrefix="[variables('sources')[copyIndex('securityRules')]]",
        ),
    }
    document = template(
        {"type": GROUPS, "name": "db", "properties": {"copy": [looped]}},
        beside(
            "[format('db/s{0}', copyIndex())]",
            copy={"name": "more", "count": 2},
            properties=rule(priority="[copyIndex(200)]")["properties"],
        ),
        variables={"sources": ["10.0.0.1", "Sql"]},
    )
    found = read_group(document).rules
    assert [(r.name, r.priority) for r in found] == [("r0", 100), ("r1", 101), ("s0", 200), ("s1", 201)]
    assert found[1].sources == ("Sql",)


@pytest.mark.parametrize("count", ["[parameters('x')]", -1, 2000, True, None, "3"])
def test_a_loop_of_unknown_length_is_refused(count: Json) -> None:
    assert refused(template(nsg(copy={"name": "loop", "count": count}))).field == "copy"
    looped = {"copy": [{"name": "securityRules", "count": count, "input": rule()}]}
    assert refused(template(nsg(properties=looped))).field == "properties"


# --- several and inner templates -------------------------------------------------------------------


def test_several_nsgs_are_refused_with_their_names_and_one_is_read_by_its_name() -> None:
    document = template(nsg(rule("a")), nsg(rule("b"), name="[toLower('WEB')]"), beside("web/c"))
    error = refused(document)
    assert (error.rule, error.field) == ("", "resources")
    assert "db, web" in str(error)
    assert [r.name for r in read_group(document, name="Web").rules] == ["b", "c"]
    assert refused(document, name="third").field == "resources"


def inner(document: Json, scope: str, **values: Json) -> dict[str, Json]:
    properties = {
        "expressionEvaluationOptions": {"scope": scope},
        "parameters": {name: {"value": value} for name, value in values.items()},
        "template": document,
    }
    return {"type": "Microsoft.Resources/deployments", "name": "module", "properties": properties}


@pytest.mark.parametrize(("scope", "sources"), [("inner", ("Sql",)), ("Outer", ("Storage",))])
def test_an_inner_template_asks_the_template_that_its_scope_names(scope: str, sources: tuple[str]) -> None:
    held = template(
        nsg(rule(sourceAddressPrefix="[parameters('tag')]")), parameters=declared(tag="AzureCloud")
    )
    document = template(
        inner(held, scope, tag="[variables('mine')]"),
        parameters=declared(tag="Storage"),
        variables={"mine": "Sql"},
    )
    assert only_rule(document).sources == sources


def test_a_default_value_does_not_stand_in_for_a_value_that_is_handed_in_and_unknown() -> None:
    held = template(nsg(rule(sourceAddressPrefix="[parameters('tag')]")), parameters=declared(tag="Sql"))
    assert refused(template(inner(held, "inner", tag="[reference('x').tag]"))).field == "sourceAddressPrefix"
    vault = inner(held, "inner") | {}
    vault["properties"] |= {"parameters": {"tag": {"reference": {"secretName": "tag"}}}}
    assert refused(template(vault)).field == "sourceAddressPrefix"
    vault["properties"] |= {"parameters": "[parameters('all')]"}
    assert refused(template(vault)).field == "sourceAddressPrefix"


def test_a_rule_of_an_inner_template_belongs_to_the_nsg_outside() -> None:
    assert rules_of(template(nsg(rule("a")), inner(template(beside("db/b")), "inner"))) == ["a", "b"]


def test_one_expression_in_two_templates_may_be_two_names() -> None:
    child = template(beside("[concat(parameters('name'), '/b')]"))
    document = template(nsg(name="[parameters('name')]"), inner(child, "inner", name="[reference('x').name]"))
    assert refused(document).field == "name"
    outer = template(nsg(name="[parameters('name')]"), inner(child, "outer"))
    assert rules_of(outer) == ["b"]


def test_a_linked_template_is_another_document() -> None:
    linked = {"type": "Microsoft.Resources/deployments", "properties": {"templateLink": {"uri": "x"}}}
    assert rules_of(template(nsg(rule("a")), linked)) == ["a"]


def test_the_answer_of_an_export_is_read_like_its_template() -> None:
    assert rules_of({"template": template(nsg(rule("a")))}) == ["a"]


# --- hostile ---------------------------------------------------------------------------------------


def test_values_that_refer_to_themselves_are_refused() -> None:
    variables = {"a": "[variables('b')]", "b": ["[variables('a')]", "[variables('a')]"]}
    document = template(nsg(rule(sourceAddressPrefix="[variables('a')]")), variables=variables)
    assert refused(document).field == "sourceAddressPrefix"


def test_values_that_multiply_come_to_an_end() -> None:
    variables: dict[str, Json] = {f"v{n}": [f"[variables('v{n - 1}')]"] * 10 for n in range(1, 30)}
    document = template(
        nsg(rule(sourceAddressPrefix="[variables('v29')]")), variables=variables | {"v0": "Sql"}
    )
    assert refused(document).field == "sourceAddressPrefix"
    text = "'a'"
    for _ in range(40):
        text = f"replace({text}, 'a', 'aaaaaaaaaa')"
    assert refused(template(nsg(rule(sourceAddressPrefix=f"[{text}]")))).field == "sourceAddressPrefix"


@pytest.mark.parametrize("nested", ["(" * 5000, "concat(" * 5000, "a[" * 5000, "concat(" * 500 + ")" * 500])
def test_expressions_nested_without_end_are_refused(nested: str) -> None:
    assert refused(template(nsg(rule(protocol=f"[{nested}]")))).field == "protocol"


def test_templates_nested_without_end_are_refused() -> None:
    document = template(nsg())
    for _ in range(30):
        document = template(inner(document, "inner"))
    assert refused(json.loads(json.dumps(document))).field == "template"


def test_values_and_resources_nested_without_end_are_read_or_refused() -> None:
    value: Json = "*"
    resource = nsg()
    for _ in range(20_000):
        value = [value]
        resource = nsg(resources=[resource])
    assert refused(template(resource)).field == "resources"
    for field in ("access", "priority", "sourceAddressPrefix"):
        assert refused(template(nsg(rule(**{field: value})))).field == field
        assert refused(nsg(rule(**{field: value}))).field == field
    looped = nsg(copy={"name": value, "count": value})
    assert refused(template(looped)).field == "copy"
    typed = template(nsg(), parameters={"x": {"$ref": value, "defaultValue": value}}, variables={"y": value})
    assert read_group(typed).rules == ()
