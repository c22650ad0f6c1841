"""Which NSG of a template or list is meant, and templates whose loops and modules hold other things."""

from __future__ import annotations

import pytest

from shared.model import Json
from shared.nsg.documents.document import Choice, read_for_question, read_group
from shared.nsg.explain import explain
from shared.nsg.rules.reading import NsgError
from shared.nsg.rules.tags import Tags
from tests.nsg.test_templates import GROUPS, beside, declared, inner, nsg, refused, rule, rules_of, template

DEPLOYMENT = "Microsoft.Resources/deployments"
BICEP = "https://github.com/Azure/bicep-registry-modules"
LOOPS = "https://learn.microsoft.com/azure/azure-resource-manager/templates/copy-resources"
MODULES = "https://learn.microsoft.com/azure/azure-resource-manager/templates/linked-templates"
SYMBOLS = "https://learn.microsoft.com/azure/azure-resource-manager/bicep/file#resources"


def chosen(document: Json, name: str | None = None, parameters: Json = None) -> list[str]:
    read = read_for_question(document, Tags(), Choice(name=name, parameters=parameters))
    return [found.name for found in read.group.rules]


def symbolic(**resources: Json) -> dict[str, Json]:
    return {"languageVersion": "2.0", "resources": resources}


def module(*rules: Json, **parts: Json) -> dict[str, Json]:
    """A module as a registry has it: its NSG is called by a parameter, its rules come in one."""
    held = symbolic(
        networkSecurityGroup=nsg(name="[parameters('name')]")
        | {"properties": {"securityRules": "[parameters('rules')]"}}
    ) | {"parameters": {"name": {"type": "string"}, "rules": {"type": "array"}}}
    return inner(held, "inner", name="[uniqueString(deployment().name)]", rules=[*rules]) | parts


MANY = symbolic(web=module(rule("w")), data=module(rule("d")))
ZONES = {
    "type": "Microsoft.Network/privateDnsZones",
    "name": "z",
    "copy": {"name": "zones", "count": "[length(parameters('zones'))]"},
}


@pytest.mark.field(
    "templates",
    "A loop of unknown length that holds no NSG, in whatever module, is skipped",
    source="https://github.com/Azure/bicep-registry-modules",
    date="2026-11-29",
)
def test_a_loop_that_holds_no_nsg_is_skipped_unread() -> None:
    other = inner(template(ZONES), "inner") | {"copy": ZONES["copy"]}
    deep = inner(template(other), "inner") | {"copy": {"name": "x", "count": "[reference('x').count]"}}
    odd = {"type": "Microsoft.Compute/virtualMachines", "copy": {"count": []}, "condition": "[x(]", "name": 3}
    document = template(ZONES, other, deep, odd, nsg(rule("a")), beside("db/b"))
    assert rules_of(document) == ["a", "b"]


@pytest.mark.field(
    "templates",
    "A loop of unknown length over some NSGs refuses these and leaves the others to be chosen",
    source="https://learn.microsoft.com/azure/azure-resource-manager/templates/copy-resources",
    date="2026-11-29",
)
def test_a_loop_of_unknown_length_refuses_only_what_it_holds() -> None:
    loop = {"copy": {"name": "n", "count": "[length(parameters('x'))]"}}
    document = template(nsg(rule("a")), nsg(name="[concat('n', copyIndex())]", **loop))
    assert chosen(document, "db") == ["a"]
    assert refused(document, "#2").field == "copy"
    assert "length(parameters('x'))" in str(refused(document, "#2"))


@pytest.mark.field(
    "templates",
    "NSGs of a loop, and modules of a loop, are unrolled where their number is known",
    source="https://learn.microsoft.com/azure/azure-resource-manager/templates/copy-resources",
    date="2026-11-29",
)
def test_nsgs_and_modules_in_loops_are_unrolled() -> None:
    tiers = declared(tiers=["web", "data"])
    looped = nsg(
        rule("[concat('allow-', parameters('tiers')[copyIndex()])]"),
        name="[concat('nsg-', parameters('tiers')[copyIndex('each')])]",
        copy={"name": "each", "count": "[length(parameters('tiers'))]"},
    )
    document = template(looped, parameters=tiers)
    assert chosen(document, "nsg-web") == ["allow-web"]
    assert chosen(document, "#2") == ["allow-data"]
    modules = symbolic(
        tier=module(rule("[concat('r-', parameters('tiers')[copyIndex()])]"))
        | {"copy": {"name": "tier", "count": "[length(range(0, 2))]"}}
    ) | {"parameters": tiers}
    assert chosen(modules, "tier[1].networkSecurityGroup") == ["r-data"]
    error = refused(modules)
    assert "'tier[0].networkSecurityGroup'" in str(error)


@pytest.mark.field(
    "templates",
    "Modules whose NSGs all have one expression for a name are chosen by symbolic name or position",
    source="https://learn.microsoft.com/azure/azure-resource-manager/bicep/file#resources",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("web.networkSecurityGroup", ["w"]),
        ("DATA.networkSecurityGroup", ["d"]),
        ("#1", ["w"]),
        ("#2", ["d"]),
        (" 2 ", ["d"]),
    ],
)
def test_an_nsg_is_chosen_by_symbolic_name_or_position(name: str, rules: list[str]) -> None:
    assert chosen(MANY, name) == rules


def test_a_symbolic_name_is_enough_by_its_end_where_that_is_one() -> None:
    document = symbolic(web=nsg(rule("w"), name="[parameters('x')]"), data=module(rule("d")))
    assert chosen(document, "web") == ["w"]
    assert chosen(document, "networkSecurityGroup") == ["d"]
    assert refused(MANY, "networkSecurityGroup").field == "resources"


@pytest.mark.parametrize("name", ["", "#0", "#3", "third", "web.", "/subscriptions/x", "#"])
def test_who_names_none_is_told_which_there_are(name: str) -> None:
    error = refused(MANY, name)
    assert error.field == "resources"
    assert "no network security group named" in str(error)
    assert "web.networkSecurityGroup (" in str(error)


def pasted(document: Json) -> list[str]:
    """What the error that asks to choose lists, without what stands beside it for people."""
    with pytest.raises(NsgError) as caught:
        read_group(document)
    listed = str(caught.value).split("name: ", 1)[1]
    return [part.split(" (", 1)[0].strip("'") for part in listed.split(", ")]


HERE = "/subscriptions/5ab1/resourceGroups/{}/providers/Microsoft.Network/networkSecurityGroups/db"


@pytest.mark.field(
    "templates",
    "NSGs of one name in two resource groups are told apart by their ids, in lists and in templates",
    source="https://learn.microsoft.com/azure/azure-resource-manager/templates/deploy-to-resource-group",
    date="2026-11-29",
)
def test_nsgs_of_one_name_are_chosen_by_id() -> None:
    listed = [nsg(rule(group), id=HERE.format(group)) for group in ("one", "two")]
    assert pasted(listed) == [HERE.format("one"), HERE.format("two")]
    assert chosen(listed, HERE.format("TWO")) == ["two"]
    assert chosen({"value": listed}, "#1") == ["one"]
    document = template(
        *(
            inner(template(nsg(rule(group))), "inner") | {"resourceGroup": group, "name": group}
            for group in ("one", "two")
        )
    )
    assert chosen(document, HERE.format("two")) == ["two"]
    assert read_group(document, name=HERE.format("two")).id.resource_group == "two"
    with pytest.raises(NsgError):
        chosen(document, HERE.format("three"))


def test_an_id_means_an_nsg_of_a_template_that_does_not_say_its_group() -> None:
    document = template(nsg(rule("a")), nsg(rule("b"), name="web"))
    assert chosen(document, HERE.format("any")) == ["a"]


@pytest.mark.field(
    "templates",
    "The error that asks to choose lists every NSG in a form that chooses it when pasted",
    source="https://github.com/Azure/bicep-registry-modules",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    "document",
    [
        MANY,
        template(nsg(rule("a")), nsg(rule("b"), name="web"), nsg(rule("c"), name="[parameters('x')]")),
        template(nsg(rule("a"), name="[parameters('x')]"), nsg(rule("b"), name="[parameters('x')]")),
        [nsg(rule("a")), nsg(rule("b")), nsg(rule("c"), name="")],
        [nsg(rule("a"), id=HERE.format("one")), nsg(rule("b"), id=HERE.format("two"))],
    ],
    ids=["modules", "names", "expressions", "list", "ids"],
)
def test_what_the_error_lists_can_be_pasted(document: Json) -> None:
    names = pasted(document)
    found = [tuple(chosen(document, name)) for name in names]
    assert len({*found}) == len(names) > 1


@pytest.mark.field(
    "templates",
    "A batch line says by name which NSG it means, and gives the template's parameters",
    source="https://learn.microsoft.com/azure/azure-resource-manager/templates/parameter-files",
    date="2026-11-29",
)
def test_a_line_of_a_batch_has_a_name_and_parameters() -> None:
    question = {"direction": "Inbound", "source": "10.0.0.7", "destination": "10.0.1.4", "ports": "5432"}
    document = template(
        nsg(rule("a", sourceAddressPrefix="[parameters('from')]")),
        nsg(name="web"),
        parameters={"from": {"type": "string"}},
    )
    line = {"id": 1, "nsg": document, "openTags": True, **question}
    answer = explain({**line, "name": "#1", "parameters": {"from": "10.0.0.0/24"}})
    assert answer["verdict"] == "allowed"
    assert explain(line)["field"] == "resources"
    assert explain({**line, "name": 2})["field"] == "name"
    assert explain({**line, "name": "db", "parameters": []})["field"] == "parameters"


def test_nsgs_that_are_not_deployed_are_said_to_be_so() -> None:
    document = template(
        module(rule("a"), condition="[parameters('private')]"),
        parameters={"private": {"type": "bool", "defaultValue": False}},
    )
    error = refused(document)
    assert error.field == "nsg"
    assert "[parameters('private')] is false" in str(error)
    assert chosen(document, None, {"private": True}) == ["a"]


def test_a_rule_that_may_be_another_modules_does_not_matter_where_it_cannot_decide() -> None:
    child = beside("[concat(parameters('x'), '/b')]", properties=rule(direction="Outbound")["properties"])
    document = template(nsg(rule("a")), child, parameters={"x": {"type": "string"}})
    assert refused(document).field == "name"
    question = {"source": "10.0.0.7", "destination": "10.0.1.4", "ports": "5432", "openTags": True}
    assert explain({"nsg": document, "direction": "Inbound", **question})["verdict"] == "allowed"
    assert explain({"nsg": document, "direction": "Outbound", **question})["field"] == "name"


@pytest.mark.field(
    "templates",
    "A rule in a module of its own belongs to the NSG whose name it is handed, known or not",
    source="https://github.com/Azure/avdaccelerator",
    date="2026-11-29",
)
def test_a_rule_in_a_module_belongs_to_the_nsg_whose_name_it_is_handed() -> None:
    child = template(
        beside("[format('{0}/{1}', parameters('group'), parameters('name'))]"),
        parameters={"group": {"type": "string"}, "name": {"type": "string"}},
    )
    whole = template(
        nsg(rule("a"), name="[parameters('name')]"),
        inner(child, "inner", group="[parameters('name')]", name="b"),
        parameters={"name": {"type": "string"}},
    )
    names = ("[uniqueString(deployment().name)]", "[concat('n-', parameters('x'))]")
    document = template(*(inner(whole, "inner", name=name) | {"name": name} for name in names))
    assert chosen(document, "#1") == chosen(document, names[1]) == ["a", "b"]
    again = template(inner(whole, "inner", name=names[0]) | {"copy": {"name": "c", "count": 2}})
    assert chosen(again, "#2") == ["a", "b"]


@pytest.mark.field(
    "templates",
    "Templates that multiply resources in loops within loops are refused within bounded steps",
    source="https://learn.microsoft.com/azure/azure-resource-manager/templates/best-practices#template-limits",
    date="2026-11-29",
)
def test_resources_that_multiply_come_to_an_end() -> None:
    document = template({"type": GROUPS, "name": "x", "properties": {}})
    for _ in range(8):
        held = inner(document, "inner")
        document = template(held | {"copy": {"name": "c", "count": 800}}, held, held)
    error = refused(document)
    assert error.field == "resources"
    assert "more resources" in str(error)
