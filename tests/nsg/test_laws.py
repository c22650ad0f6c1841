"""What makes no difference to a verdict: order, letter case, singular or plural, how prefixes are cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from ipaddress import IPv4Network, collapse_addresses, ip_network

from hypothesis import given
from hypothesis import strategies as st

from shared.model import IPNetwork, Json, SecurityGroup, SecurityRule
from shared.nsg import Verdict
from shared.nsg.documents.document import read_group
from tests.nsg import plain
from tests.nsg.builders import Asked, decide
from tests.nsg.strategies import NAMED, engine_question, groups, knowledge, questions

READABLE = tuple(name for name in NAMED if name != "789")
"""Documents refuse a text that is no address and no tag."""


def said(verdict: Verdict) -> tuple[object, ...]:
    """All of a verdict but its witnesses, names without letter case."""
    rules = verdict.blocking, verdict.exposing, verdict.shadowed
    return (
        verdict.state,
        verdict.outcomes,
        [[rule.name for rule in some] for some in rules],
        [plain.key_of(name) for name in verdict.depends_on],
    )


def with_each(nsg: SecurityGroup, change: Callable[[SecurityRule], SecurityRule]) -> SecurityGroup:
    return replace(nsg, rules=tuple(map(change, nsg.rules)))


@given(groups(), knowledge(), questions(), st.data())
def test_the_order_in_which_rules_are_listed_does_not_matter(
    nsg: SecurityGroup, taken: plain.Known, asked: plain.Asked, data: st.DataObject
) -> None:
    question = engine_question(asked, taken)
    shuffled = replace(nsg, rules=tuple(data.draw(st.permutations(nsg.rules))))
    assert decide(shuffled, question) == decide(nsg, question)


@given(groups(), knowledge(), questions())
def test_the_order_and_repetition_of_what_a_rule_lists_do_not_matter(
    nsg: SecurityGroup, taken: plain.Known, asked: plain.Asked
) -> None:
    question = engine_question(asked, taken)
    turned = with_each(
        nsg,
        lambda rule: replace(
            rule,
            sources=rule.sources[::-1] + rule.sources,
            destinations=rule.destinations[::-1],
            destination_ports=rule.destination_ports[::-1] + rule.destination_ports,
        ),
    )
    assert said(decide(turned, question)) == said(decide(nsg, question))


@given(groups(), knowledge(), questions())
def test_letter_case_does_not_matter(nsg: SecurityGroup, taken: plain.Known, asked: plain.Asked) -> None:
    shouted = with_each(
        nsg,
        lambda rule: replace(
            rule,
            protocol=rule.protocol.swapcase(),
            sources=tuple(map(str.swapcase, rule.sources)),
            destinations=tuple(map(str.upper, rule.destinations)),
        ),
    )
    loud = asked._replace(sources=tuple(map(str.upper, asked.sources)))
    assert said(decide(shouted, engine_question(loud, taken))) == said(
        decide(nsg, engine_question(asked, taken))
    )


@given(groups(READABLE), knowledge(), questions(), st.booleans())
def test_singular_and_plural_fields_mean_the_same(
    nsg: SecurityGroup, taken: plain.Known, asked: plain.Asked, plural: bool
) -> None:
    question = engine_question(asked, taken)
    document: Json = {
        "name": "nsg",
        "properties": {"securityRules": [_document(rule, plural=plural) for rule in nsg.rules]},
    }
    assert decide(read_group(document), question) == decide(nsg, question)


def _document(rule: SecurityRule, *, plural: bool) -> Json:
    """A rule as REST has it; with ``plural`` every list stands in the plural field."""
    lists = {
        ("sourceAddressPrefix", "sourceAddressPrefixes"): rule.sources,
        ("destinationAddressPrefix", "destinationAddressPrefixes"): rule.destinations,
        ("sourcePortRange", "sourcePortRanges"): rule.source_ports,
        ("destinationPortRange", "destinationPortRanges"): rule.destination_ports,
    }
    fields: dict[str, Json] = {}
    for (one, many), texts in lists.items():
        if plural or len(texts) > 1:
            fields[many] = list(texts)
        else:
            fields |= {one: "".join(texts), many: []}
    groups = {
        "sourceApplicationSecurityGroups": rule.source_groups,
        "destinationApplicationSecurityGroups": rule.destination_groups,
    }
    fields |= {name: [{"id": str(group)} for group in ids] for name, ids in groups.items() if ids}
    words: dict[str, Json] = {
        "protocol": rule.protocol,
        "access": rule.access.value,
        "direction": rule.direction.value,
        "priority": rule.priority,
    }
    return {"name": rule.name, "properties": {**words, **fields}}


@given(groups(), knowledge(), questions(), st.integers(1, 3))
def test_prefixes_may_be_split_in_rules_and_in_the_question(
    nsg: SecurityGroup, taken: plain.Known, asked: plain.Asked, bits: int
) -> None:
    def split(texts: Iterable[str]) -> tuple[str, ...]:
        return tuple(part for text in texts for part in _halved(text, bits))

    cut = with_each(
        nsg, lambda rule: replace(rule, sources=split(rule.sources), destinations=split(rule.destinations))
    )
    parts = asked._replace(sources=split(asked.sources), destinations=split(asked.destinations))
    whole, pieces = engine_question(asked, taken), engine_question(parts, taken)
    assert pieces == whole
    assert decide(cut, pieces) == decide(nsg, whole)


def _halved(text: str, bits: int) -> list[str]:
    """The prefix as up to ``2 ** bits`` smaller ones, listed backwards; any other text as it stands."""
    if "/" not in text:
        return [text]
    network: IPNetwork = ip_network(text, strict=False)
    longer = min(bits, network.max_prefixlen - network.prefixlen)
    return [str(part) for part in network.subnets(prefixlen_diff=longer)][::-1]


@given(st.integers(0, 255), st.integers(24, 32), st.integers(0, 3))
def test_split_prefixes_join_to_what_they_were(last: int, length: int, bits: int) -> None:
    """Guards the test above: what it cuts is the same addresses."""
    network = IPv4Network(f"10.0.0.{last}/{length}", strict=False)
    assert list(collapse_addresses(map(IPv4Network, _halved(str(network), bits)))) == [network]


@given(groups(), knowledge(), questions(), st.integers(1, 65535))
def test_ports_may_be_cut_anywhere(
    nsg: SecurityGroup, taken: plain.Known, asked: plain.Asked, at: int
) -> None:
    def cut(texts: Iterable[str]) -> tuple[str, ...]:
        return tuple(part for text in texts for part in _cut(text, at))

    ranged = with_each(nsg, lambda rule: replace(rule, destination_ports=cut(rule.destination_ports)))
    parts = asked._replace(ports=cut(asked.ports))
    assert decide(ranged, engine_question(parts, taken)) == decide(nsg, engine_question(asked, taken))


def _cut(text: str, at: int) -> list[str]:
    first, _, last = ("0-65535" if text == "*" else text).partition("-")
    low, high = int(first), int(last or first)
    return [f"{low}-{at - 1}", f"{at}-{high}"] if low < at <= high else [text]


@given(groups(), knowledge(), questions())
def test_a_wider_question_has_every_outcome_of_a_narrower_one(
    nsg: SecurityGroup, taken: plain.Known, asked: plain.Asked
) -> None:
    wider = asked._replace(protocol="*", ports=("*",), source_ports=("*",))
    narrow, wide = _both(nsg, engine_question(asked, taken), engine_question(wider, taken))
    assert narrow.outcomes <= wide.outcomes
    assert {rule.name for rule in narrow.blocking} <= {rule.name for rule in wide.blocking}
    assert {rule.name for rule in narrow.exposing} <= {rule.name for rule in wide.exposing}
    assert _names(narrow.depends_on) <= _names(wide.depends_on)


def _names(sets: Iterable[str]) -> set[str]:
    """A name is told in the spelling of the first rule that has it: they are compared without case."""
    return {name.lower() for name in sets}


def _both(nsg: SecurityGroup, narrow: Asked, wide: Asked) -> tuple[Verdict, Verdict]:
    return decide(nsg, narrow), decide(nsg, wide)
