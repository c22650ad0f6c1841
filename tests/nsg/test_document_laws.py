"""Laws of reading: any NSG reads back equal from every shape, and nothing but ``NsgError`` is ever raised."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from shared.model import Access, Direction, Json, SecurityGroup, SecurityRule
from shared.model.resource_id import ResourceId
from shared.nsg.documents.document import decode, read_group, read_rule, read_text
from shared.nsg.rules.reading import NsgError
from shared.nsg.rules.spelling import rule_body

FILES = sorted((Path(__file__).parent / "documents").glob("*.json"))
GROUP_TYPE = "Microsoft.Network/networkSecurityGroups"
NETWORK = "/subscriptions/5ab1/resourceGroups/data/providers/Microsoft.Network"
NSG = ResourceId(f"{NETWORK}/networkSecurityGroups/db")

# --- groups ----------------------------------------------------------------------------------------

_SIDES = (
    ("*", "10.0.1.0/24", "10.0.1.7", "10.0.2.9/26", "10.0.1.64-10.0.1.90", "VirtualNetwork", "Sql.EastUS2"),
    ("*", "fd00:1::/64", "fd00:1::5", "2001:db8::/32", "Internet", "CorpNetSaw"),
)
_PORTS = ("*", "5432", "6432", "5000-7000", "0-65535", "22-22")
_PLACES = st.tuples(st.sampled_from(Direction), st.integers(100, 4096))


def _some(texts: Sequence[str], least: int = 1) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(texts), min_size=least, max_size=3, unique=True).map(tuple)


@st.composite
def _ends(draw: st.DrawFn, side: Sequence[str]) -> tuple[tuple[str, ...], tuple[ResourceId, ...]]:
    """Prefixes, or application security groups, and at times both."""
    names = draw(st.sampled_from([(), (), (), ("web",), ("web", "jobs")]))
    groups = tuple(ResourceId(f"{NETWORK}/applicationSecurityGroups/{name}") for name in names)
    return draw(_some(side, least=0 if groups else 1)), groups


@st.composite
def rules(draw: st.DrawFn, name: str, direction: Direction, priority: int) -> SecurityRule:
    side = draw(st.sampled_from(_SIDES))
    sources, source_groups = draw(_ends(side))
    destinations, destination_groups = draw(_ends(side))
    return SecurityRule(
        name=name,
        direction=direction,
        access=draw(st.sampled_from(Access)),
        priority=priority,
        protocol=draw(st.sampled_from(["*", "Tcp", "TCP", "udp", "Icmp", "Esp", "Ah"])),
        sources=sources,
        destinations=destinations,
        source_ports=draw(_some(_PORTS)),
        destination_ports=draw(_some(_PORTS)),
        source_groups=source_groups,
        destination_groups=destination_groups,
        description=draw(st.sampled_from(["", "why", "[no expression", "it's {0}"])),
    )


@st.composite
def groups(draw: st.DrawFn) -> SecurityGroup:
    places = draw(st.lists(_PLACES, max_size=6, unique=True))
    return SecurityGroup(
        id=NSG,
        rules=tuple(draw(rules(f"rule-{n}", *place)) for n, place in enumerate(places)),
        default_rules=(),
        subnets=(NSG.child("subnets", "a"),) if draw(st.booleans()) else (),
        network_interfaces=(ResourceId(f"{NETWORK}/networkInterfaces/nic"),) if draw(st.booleans()) else (),
        etag=draw(st.sampled_from([None, 'W/"1"'])),
    )


# --- shapes ----------------------------------------------------------------------------------------


def rest(group: SecurityGroup) -> dict[str, Json]:
    """As the REST API answers: lists are always there, the singular field is not where a list is."""
    empty: dict[str, Json] = {"sourceAddressPrefixes": [], "destinationPortRanges": []}
    bodies = [rule_body(rule) for rule in group.rules]
    held = [{**body, "properties": {**empty, **body["properties"]}} for body in bodies]
    properties = {
        "provisioningState": "Succeeded",
        "securityRules": held,
        "subnets": [{"id": str(subnet)} for subnet in group.subnets],
        "networkInterfaces": [{"id": str(interface)} for interface in group.network_interfaces],
    }
    return {"id": str(group.id), "name": group.id.name, "etag": group.etag, "properties": properties}


def az(group: SecurityGroup) -> dict[str, Json]:
    """As ``az network nsg show`` prints: no ``properties``, null where there is nothing."""
    body = rest(group)
    properties = body.pop("properties")
    flat = [
        {"description": None, **_flat(rule), "resourceGroup": "data"} for rule in properties["securityRules"]
    ]
    return {**body, **properties, "securityRules": flat, "resourceGroup": "data", "tags": None}


def _flat(rule: Mapping[str, Json]) -> dict[str, Json]:
    return {"name": rule["name"], **rule["properties"]}


def exported(group: SecurityGroup) -> Json:
    """As the portal exports: every rule in the NSG and once more beside it."""
    held = rest(group)["properties"]["securityRules"]
    name = "parameters('nsg_name')"
    beside = [
        {
            "type": f"{GROUP_TYPE}/securityRules",
            "name": f"[concat({name}, '/{rule['name']}')]",
            "properties": rule["properties"],
        }
        for rule in held
    ]
    return {
        "parameters": {"nsg_name": {"type": "String", "defaultValue": group.id.name}},
        "resources": [
            {"type": GROUP_TYPE, "name": f"[{name}]", "properties": {"securityRules": held}},
            *beside,
        ],
    }


def compiled(group: SecurityGroup) -> Json:
    """As Bicep compiles a loop over a variable: every field is an expression."""
    held = [_flat(rule) for rule in rest(group)["properties"]["securityRules"]]
    item = "variables('rules')[copyIndex('securityRules')]"
    names = sorted({name for rule in held for name in rule} - {"name"})
    loop = {
        "name": "securityRules",
        "count": "[length(variables('rules'))]",
        "input": {
            "name": f"[{item}.name]",
            "properties": {name: f"[tryGet({item}, '{name}')]" for name in names},
        },
    }
    nsg = {
        "type": GROUP_TYPE,
        "name": f"[format('{{0}}', '{group.id.name}')]",
        "properties": {"copy": [loop]},
    }
    return {"languageVersion": "2.0", "variables": {"rules": held}, "resources": {"nsg": nsg}}


@given(groups(), st.sampled_from([str, str.lower, str.upper]))
def test_any_group_reads_back_equal_from_azures_shapes(
    group: SecurityGroup, case: Callable[[str], str]
) -> None:
    for shape in (rest, az):
        assert read_group(_keys(shape(group), case)) == group


@given(groups())
def test_any_group_reads_back_equal_from_templates(group: SecurityGroup) -> None:
    for shape in (exported, compiled):
        found = read_group(shape(group))
        assert found.id.name == group.id.name
        assert found.rules == group.rules


@given(groups())
def test_any_rule_reads_back_alone(group: SecurityGroup) -> None:
    for rule in group.rules:
        assert read_rule(rule_body(rule)) == rule


@given(groups(), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_any_group_reads_back_from_a_file(group: SecurityGroup, encoding: str) -> None:
    data = json.dumps(rest(group)).encode(encoding)
    assert read_text(decode(data)) == group


def _keys(found: Json, case: Callable[[str], str]) -> Json:
    match found:
        case Mapping():
            return {case(key): _keys(item, case) for key, item in found.items()}
        case list():
            return [_keys(item, case) for item in found]
        case _:
            return found


# --- anything --------------------------------------------------------------------------------------

_WORDS = st.sampled_from(
    [
        *("value", "resources", "properties", "securityRules", "defaultSecurityRules", "type", "name", "id"),
        *("template", "NewNSG", "copy", "count", "input", "condition", "parameters", "variables", "existing"),
        *("priority", "access", "direction", "protocol", "sourceAddressPrefix", "subnets", "languageVersion"),
        *(
            "sourceApplicationSecurityGroups",
            "destinationPortRanges",
            "defaultValue",
            "nullable",
            "SECURITYRULES",
        ),
    ]
)
_PIECES = st.sampled_from(
    [
        *(
            "[",
            "]",
            "(",
            ")",
            ",",
            ".",
            "'",
            "''",
            "'a'",
            "0",
            "-1",
            "{0}",
            " ",
            "/",
            "concat",
            "format",
            "if",
        ),
        *("parameters('a')", "variables('a')", "resourceId(", "copyIndex()", "length(", "createArray(", "é"),
        *(
            "equals(",
            "first(",
            "int(",
            "split(",
            "tryGet(",
            "coalesce(",
            "true()",
            "null()",
            "{{",
            "}}",
            "{9}",
        ),
    ]
)
_EXPRESSIONS = st.lists(_PIECES, max_size=10).map(lambda pieces: f"[{''.join(pieces)}]")
_TEXTS = st.one_of(
    st.text(max_size=8),
    _EXPRESSIONS,
    _WORDS,
    st.sampled_from([GROUP_TYPE, f"{GROUP_TYPE}/securityRules", "Microsoft.Resources/deployments", str(NSG)]),
    st.sampled_from(["*", "Allow", "Inbound", "10.0.0.0/8", "10.0.0.300", "80-70", "Tcp", "999", "a/b"]),
)
_LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), _TEXTS)
ANYTHING: st.SearchStrategy[Json] = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4) | _WORDS, inner, max_size=6)
    ),
    max_leaves=30,
)


def survives(document: Json) -> None:
    """Reading answers or refuses; a refusal says something and names a field."""
    for read in (read_group, read_rule):
        error = _refusal(partial(read, document))
        assert error is None or (str(error) and error.field)


def _refusal(read: Callable[[], object]) -> NsgError | None:
    try:
        read()
    except NsgError as error:
        return error
    return None


@given(ANYTHING)
@example({"resources": {"a": {"type": GROUP_TYPE, "copy": {"name": "a", "count": "[parameters('a')]"}}}})
@example([[[]]])
def test_anything_is_read_or_refused(document: Json) -> None:
    survives(document)


@given(_EXPRESSIONS, ANYTHING)
def test_any_expression_is_computed_or_refused(expression: str, held: Json) -> None:
    rule = {"name": expression, "properties": {"priority": expression, "access": expression}}
    nsg = {"type": GROUP_TYPE, "name": expression, "properties": {"securityRules": [rule]}}
    parameters, variables = {"a": {"defaultValue": held}}, {"a": held}
    survives({"resources": [nsg], "parameters": parameters, "variables": variables})


@given(st.data())
def test_a_document_with_any_one_part_replaced_is_read_or_refused(data: st.DataObject) -> None:
    document = json.loads(data.draw(st.sampled_from(FILES)).read_text(encoding="utf-8"))
    survives(_replaced(document, data))


def _replaced(found: Json, data: st.DataObject) -> Json:
    """``found`` with a part of it, drawn on the way down, replaced by anything."""
    if not found or not isinstance(found, (dict, list)) or data.draw(st.integers(0, 5)) == 0:
        return data.draw(ANYTHING)
    steps = sorted(found) if isinstance(found, dict) else range(len(found))
    step = data.draw(st.sampled_from(steps))
    inner = _replaced(found[step], data)
    if isinstance(found, dict):
        return {**found, step: inner}
    return [*found[:step], inner, *found[step + 1 :]]


@given(st.binary(max_size=40) | st.text(max_size=40).map(lambda text: text.encode("utf-16")))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    error = _refusal(lambda: read_text(decode(data)))
    assert error is None or error.field
