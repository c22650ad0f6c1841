"""The functions that real templates use: each as Microsoft's documentation of template functions says."""

from __future__ import annotations

import pytest

from shared.model import Json
from shared.nsg.documents.declared import outer_scope
from shared.nsg.documents.expressions import resolve
from shared.nsg.documents.scope import Unknown, unknown_part

DOCS = "https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions"
DOGS = [{"name": "Evie", "age": 5}, {"name": "Casper", "age": 3}, {"name": "Kira", "age": 8}]
VARIABLES = {
    "dogs": DOGS,
    "one": {"a": 1, "in": {"x": "1", "y": "2"}, "list": [1, 2]},
    "two": {"A": 2, "b": 3, "in": {"y": "3"}, "list": [3]},
    "entities": {"item002": {"n": 2}, "item001": {"n": 1}},
}
PARAMETERS = {"unset": {"type": "string"}, "word": {"type": "string", "defaultValue": "Postgres"}}


def computed(expression: str, **parts: Json) -> Json:
    template = {"resources": [], "variables": VARIABLES, "parameters": PARAMETERS, **parts}
    return resolve(f"[{expression}]", outer_scope(template))


@pytest.mark.field(
    "templates",
    "Numbers and texts are compared and computed as a deployment does",
    source="https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-numeric",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("greater(2, 1)", True),
        ("GREATER(1, 1)", False),
        ("greaterOrEquals(1, 1)", True),
        ("less('apple', 'pear')", True),
        ("less(1, 2)", True),
        ("lessOrEquals(3, 2)", False),
        ("add(2, 3)", 5),
        ("sub(2, 3)", -1),
        ("mul(2, 3)", 6),
        ("div(-7, 2)", -3),
        ("mod(-7, 2)", -1),
        ("mod(7, 3)", 1),
        ("min(3, 1, 2)", 1),
        ("max(createArray(3, 1, 2))", 3),
        ("int('42')", 42),
        ("bool(1)", True),
        ("bool('FALSE')", False),
        ("and(false(), equals(parameters('unset'), 'x'))", False),
        ("or(equals(parameters('unset'), 'x'), true())", True),
    ],
)
def test_numbers_and_truths(expression: str, value: Json) -> None:
    assert computed(expression) == value


@pytest.mark.field(
    "templates",
    "Texts are cut, searched and put together from zero; searching means no letter case",
    source="https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-string",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("substring('one two', 4)", "two"),
        ("substring('one two', 4, 2)", "tw"),
        ("take('abc', 2)", "ab"),
        ("take('abc', 9)", "abc"),
        ("take('abc', -1)", ""),
        ("skip('abc', 1)", "bc"),
        ("padLeft(7, 3, '0')", "007"),
        ("startsWith('Postgres', 'POST')", True),
        ("endsWith('Postgres', 'GRES')", True),
        ("indexOf('Postgres', 'G')", 4),
        ("lastIndexOf('abcabc', 'B')", 4),
        ("indexOf('abc', 'x')", -1),
        ("split('a;b,c', createArray(';', ','))", ["a", "b", "c"]),
        ("join(createArray('a', 1), '-')", "a-1"),
        ("trim(' a ')", "a"),
        ("string(createObject('a', 1))", '{"a":1}'),
        ("string(true())", "True"),
        ("format('{0}-{1}', 'a', createArray(1))", "a-[1]"),
        ("json('{\"a\": [1]}').a[0]", 1),
        ("replace('a.b.c', '.', '')", "abc"),
        ("first('abc')", "a"),
        ("last('')", ""),
        ("contains('Postgres', 'post')", False),
        ("toUpper(parameters('word'))", "POSTGRES"),
    ],
)
def test_texts(expression: str, value: Json) -> None:
    assert computed(expression) == value


@pytest.mark.field(
    "templates",
    "union, range, objectKeys, take and their siblings make the lists and objects that a deployment makes",
    source="https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-array",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("range(5, 3)", [5, 6, 7]),
        ("range(0, 0)", []),
        ("union(createArray('b', 'a'), createArray('a', 'c'))", ["b", "a", "c"]),
        (
            "union(variables('one'), variables('two'))",
            {"a": 2, "b": 3, "in": {"x": "1", "y": "3"}, "list": [3]},
        ),
        ("shallowMerge(createArray(variables('one'), createObject('in', 1)))['in']", 1),
        ("intersection(createArray('a', 'b', 'c'), createArray('c', 'a'))", ["a", "c"]),
        ("intersection(createObject('a', 1, 'b', 2), createObject('a', 1, 'b', 3))", {"a": 1}),
        ("objectKeys(variables('entities'))", ["item001", "item002"]),
        ("items(variables('entities'))[0].value.n", 1),
        ("take(createArray(1, 2, 3), 2)", [1, 2]),
        ("skip(createArray(1, 2, 3), 2)", [3]),
        ("flatten(createArray(createArray(1), createArray(2, 3)))", [1, 2, 3]),
        ("indexFromEnd(createArray(1, 2, 3), 1)", 3),
        ("indexOf(createArray('a', 'b'), 'b')", 1),
        ("lastIndexOf(createArray('a', 'b', 'a'), 'a')", 2),
        ("empty(createArray())", True),
        ("contains(createArray(1, 2), 2)", True),
        ("length(variables('entities'))", 2),
        ("array('a')", ["a"]),
    ],
)
def test_lists_and_objects(expression: str, value: Json) -> None:
    assert computed(expression) == value


@pytest.mark.field(
    "templates",
    "map, filter, reduce, sort, toObject, groupBy and mapValues apply the lambda of the template",
    source="https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-lambda",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("map(range(0, 3), lambda('i', mul(lambdaVariables('i'), 2)))", [0, 2, 4]),
        ("map(createArray('a', 'b'), lambda('x', 'i', lambdaVariables('i')))", [0, 1]),
        ("filter(range(0, 6), lambda('i', equals(0, mod(lambdaVariables('i'), 2))))", [0, 2, 4]),
        ("filter(range(5, 3), lambda('x', 'i', greater(lambdaVariables('i'), 1)))", [7]),
        (
            "reduce(range(1, 4), 1, lambda('cur', 'next', mul(lambdaVariables('cur'), "
            "lambdaVariables('next'))))",
            24,
        ),
        (
            "map(sort(variables('dogs'), lambda('a', 'b', less(lambdaVariables('a').age, "
            "lambdaVariables('b').age))), lambda('d', lambdaVariables('d').name))",
            ["Casper", "Evie", "Kira"],
        ),
        (
            "toObject(variables('dogs'), lambda('d', lambdaVariables('d').name), "
            "lambda('d', lambdaVariables('d').age))",
            {"Evie": 5, "Casper": 3, "Kira": 8},
        ),
        ("groupBy(createArray('ab', 'ac', 'b'), lambda('x', first(lambdaVariables('x')))).a", ["ab", "ac"]),
        ("mapValues(createObject('a', 1), lambda('v', add(lambdaVariables('v'), 1)))", {"a": 2}),
    ],
)
def test_lambdas(expression: str, value: Json) -> None:
    assert computed(expression) == value


@pytest.mark.field(
    "templates",
    "cidrSubnet, cidrHost and parseCidr count subnets and usable hosts from zero, IPv6 too",
    source="https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-cidr",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("cidrSubnet('10.144.0.0/20', 24, 4)", "10.144.4.0/24"),
        ("cidrSubnet('fdad:3236:5555::/48', 52, 3)", "fdad:3236:5555:3000::/52"),
        ("cidrSubnet('::/0', 8, 0)", "::/8"),
        ("cidrHost('10.144.3.0/24', 0)", "10.144.3.1"),
        ("cidrHost('fdad:3236:5555:3000::/52', 4)", "fdad:3236:5555:3000::5"),
        ("parseCidr('10.144.0.0/20').lastUsable", "10.144.15.254"),
        ("parseCidr('10.144.0.0/20').netmask", "255.255.240.0"),
        ("parseCidr('fdad:3236:5555::/48').firstUsable", "fdad:3236:5555::"),
        ("length(parseCidr('fdad:3236:5555::/48'))", 5),
    ],
)
def test_addresses(expression: str, value: Json) -> None:
    assert computed(expression) == value


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (
            "subscriptionResourceId('A/b', 'c')",
            "/subscriptions/00000000-0000-0000-0000-000000000000/providers/A/b/c",
        ),
        ("subscriptionResourceId('5ab1', 'A/b', 'c')", "/subscriptions/5ab1/providers/A/b/c"),
        ("tenantResourceId('A/b', 'c')", "/providers/A/b/c"),
        ("extensionResourceId('/subscriptions/5ab1', 'A/b', 'c')", "/subscriptions/5ab1/providers/A/b/c"),
    ],
)
def test_ids(expression: str, value: Json) -> None:
    assert computed(expression) == value


@pytest.mark.parametrize(
    "expression",
    [
        "cidrSubnet('10.0.0.0/24', 20, 0)",
        "cidrSubnet('10.0.0.0/24', 26, 4)",
        "cidrHost('10.0.0.0/32', 0)",
        "parseCidr('10.0.0.0')",
        "substring('abc', 2, 5)",
        "div(1, 0)",
        "max()",
        "range(0, 10001)",
        "union(createArray(1), 'a')",
        "createObject('a')",
        "first(createArray())",
        "split('a', '')",
        "json('{')",
        "padLeft('a', 30000)",
        "indexFromEnd(createArray(1), 2)",
        "add('1', 2)",
        "variables('dogs')[3]",
        "variables('one').absent",
    ],
)
def test_what_no_deployment_computes_is_a_fault(expression: str) -> None:
    found = computed(expression)
    assert isinstance(found, Unknown)
    assert found.fault


@pytest.mark.parametrize(
    "expression",
    [
        "uniqueString('a')",
        "guid('a')",
        "utcNow()",
        "reference('x').outputs.y",
        "resourceGroup().location",
        "deployment().name",
        "parameters('unset')",
        "less('a', 'B')",
        "less('B', 'a')",
        "format('{0:D2}', 1)",
        "contains(createArray(parameters('unset')), 'x')",
        "union(createArray(parameters('unset')), createArray('a'))",
        "coalesce(parameters('unset'), '*')",
        "string(createArray(parameters('unset')))",
    ],
)
def test_what_only_a_deployment_knows_is_not_guessed(expression: str) -> None:
    found = computed(expression)
    assert isinstance(found, Unknown)
    assert (found.text, found.fault) == (f"[{expression}]", "")


def test_a_list_keeps_what_is_known_beside_what_is_not() -> None:
    found = computed("createArray(createObject('name', 'a', 'prefix', parameters('unset')), 'b')")
    assert found[0]["name"] == "a"
    assert found[1] == "b"
    assert unknown_part(found) == "[parameters('unset')]"
    both = computed(
        "union(createArray(createObject('name', 'a', 'p', parameters('unset'))), "
        "createArray(createObject('name', 'b', 'p', '*')))"
    )
    assert [item["name"] for item in both] == ["a", "b"]


@pytest.mark.field(
    "templates",
    "A function that the template declares knows its arguments only",
    source="https://learn.microsoft.com/azure/azure-resource-manager/templates/user-defined-functions",
    date="2026-11-29",
)
def test_functions_of_the_template() -> None:
    double = {"parameters": [{"name": "x", "type": "int"}], "output": {"value": "[mul(parameters('X'), 2)]"}}
    odd = {"parameters": [], "output": {"value": "[parameters('word')]"}}
    space = [{"namespace": "__bicep", "members": {"double": double, "odd": odd}}]
    assert computed("__BICEP.Double(21)", functions=space) == 42
    for expression in ("__bicep.double()", "__bicep.odd()", "__bicep.absent()"):
        assert isinstance(computed(expression, functions=space), Unknown)
