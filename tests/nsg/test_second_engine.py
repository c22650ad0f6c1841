"""The second engine against trying every packet, in universes small enough for that."""

from __future__ import annotations

from random import Random

import pytest

from local.nsg_check.instances import Object, instance
from local.nsg_check.second_engine import Verdict, blame, fix_holds, verdict
from tests.nsg.enumeration import Answer, by_trying, holds_by_trying

TINY_V4 = [
    "10.0.0.0/30",
    "10.0.0.1",
    "10.0.0.1-10.0.0.2",
    "20.0.0.0/31",
    "20.0.0.1",
    "0.0.0.0/0",
    "0.0.0.0/4",
]
TINY_V6 = ["fd00::/126", "fd00::1", "fd00::1-fd00::2", "2600::/127", "2600::1", "::/0", "8000::/1"]
TINY_TAGS = ["VirtualNetwork", "Internet", "Storage", "Storage.WestEurope", "CorpNetSaw"]
GROUPS = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/applicationSecurityGroups"
CLOSED = {
    "VirtualNetwork": ["10.0.0.0/30", "fd00::/16"],
    "AzureLoadBalancer": ["168.63.129.16", "fe80::1"],
    "Internet": ["16.0.0.0/4", "2000::/3"],
    "Storage": ["20.0.0.0/31", "2600::/127"],
    "Storage.WestEurope": ["20.0.0.1/32", "2600::1"],
}
CLOSING = {
    "VirtualNetwork": 0.7,
    "AzureLoadBalancer": 1.0,
    "Internet": 0.7,
    "Storage": 0.3,
    "Storage.WestEurope": 0.3,
}


@pytest.mark.parametrize("chunk", range(10))
def test_z3_finds_what_trying_every_packet_and_every_membership_finds(chunk: int) -> None:
    for seed in range(chunk * 12, chunk * 12 + 12):
        line = tiny(seed)
        found = blame(line)
        assert Answer(
            verdict=verdict(line),
            blocking=found.blocking,
            exposing=found.exposing,
            shadowed=found.shadowed,
            depends_on=found.depends_on,
        ) == by_trying(line), seed


@pytest.mark.parametrize("chunk", range(4))
def test_z3_accepts_the_same_added_rules_as_trying_every_packet(chunk: int) -> None:
    for seed in range(chunk * 8, chunk * 8 + 8):
        line = tiny(seed, most_rules=3, named=1)
        line["want"] = Random(seed).choice(["allow", "deny"])
        added = [patch(line, Random(seed))]
        assert fix_holds(line, added) == holds_by_trying(line, added), seed


def test_among_the_tried_lines_are_all_verdicts_and_both_kinds_of_patches() -> None:
    assert {verdict(tiny(seed)) for seed in range(120)} == set(Verdict)
    accepted = set()
    for seed in range(32):
        line = tiny(seed, most_rules=3, named=1)
        line["want"] = Random(seed).choice(["allow", "deny"])
        accepted.add(fix_holds(line, [patch(line, Random(seed))]))
    assert accepted == {True, False}


def test_an_instance_is_the_same_each_time_and_each_verdict_is_a_tenth_of_them_at_least() -> None:
    assert instance(7) == instance(7) != instance(8)
    found = [verdict(instance(seed)) for seed in range(150)]
    assert all(found.count(one) >= 15 for one in Verdict)


def test_a_packet_between_two_addresses_of_a_tag_is_surely_matched_by_a_rule_for_the_tag() -> None:
    line = {**asking("Storage", "Storage"), "nsg": group(rule("deny", 100, "storage", "STORAGE", "Deny"))}
    assert verdict(line) is Verdict.DENIED
    assert blame(line).depends_on == set()


def test_a_region_lies_in_its_tag_and_not_the_other_way_round() -> None:
    rules = [rule("a", 100, "Storage", "*", "Deny"), rule("z", 4096, "*", "*", "Allow")]
    assert verdict({**asking("Storage.WestEurope", "*"), "nsg": group(*rules)}) is Verdict.DENIED
    rules[0] = rule("a", 100, "Storage.WestEurope", "*", "Deny")
    assert verdict({**asking("Storage", "*"), "nsg": group(*rules)}) is Verdict.DEPENDS


def test_an_address_that_sends_to_itself_is_in_the_same_sets_at_both_ends() -> None:
    rules = [rule("a", 100, "CorpNetSaw", "CorpNetSaw", "Deny"), rule("b", 200, "*", "CorpNetSaw", "Allow")]
    line = {**asking("10.0.0.1", "10.0.0.1"), "nsg": group(*rules, rule("z", 300, "*", "*", "Deny"))}
    assert verdict(line) is Verdict.DENIED


def test_a_question_without_packets_has_no_verdict() -> None:
    with pytest.raises(ValueError, match="no packet"):
        verdict({**asking("10.0.0.1", "fd00::1"), "nsg": group()})


def asking(source: str, destination: str) -> Object:
    return {
        "direction": "Inbound",
        "source": [source],
        "destination": [destination],
        "ports": ["5432"],
        "openTags": True,
    }


def group(*rules: Object) -> Object:
    return {"properties": {"securityRules": list(rules)}}


def rule(name: str, priority: int, source: str, destination: str, access: str) -> Object:
    fields: Object = {
        "priority": priority,
        "direction": "Inbound",
        "access": access,
        "protocol": "*",
        "sourcePortRange": "*",
        "destinationPortRange": "*",
        "sourceAddressPrefix": source,
        "destinationAddressPrefix": destination,
    }
    return {"name": name, "properties": fields}


def tiny(seed: int, most_rules: int = 6, named: int = 2) -> Object:
    """A line of few rules over few addresses, ports and open sets."""
    random = Random(seed)
    literal = random.sample(random.choice([TINY_V4, TINY_V4, TINY_V6]), 4)
    tags = random.sample(TINY_TAGS, named)
    texts = [*literal, *tags, *tags, "*"]
    rules = [_tiny_rule(random, n, texts) for n in range(random.randint(1, most_rules))]
    if random.random() < 0.5:
        everything = {"sourceAddressPrefix": "*", "destinationAddressPrefix": "*", "protocol": "*"}
        rules[-1]["properties"] = {**_fields(rules[-1]), **everything, "direction": "Inbound"}
    # Two sets that are always named are open one at a time: every further set doubles what is tried twice.
    closing = CLOSING | {random.choice(["VirtualNetwork", "Internet"]): 1.0}
    return {
        "nsg": group(*rules),
        "direction": "Inbound",
        "protocol": random.choice(["Tcp", "Tcp", "*"]),
        "source": [random.choice([*literal, *tags])],
        "destination": [random.choice([*literal, *tags])],
        "ports": random.choice([["5432"], ["5430-5440"]]),
        "tags": {name: texts for name, texts in CLOSED.items() if random.random() < closing[name]},
        "openTags": True,
    }


def _tiny_rule(random: Random, n: int, texts: list[str]) -> Object:
    made = rule(f"r{n}", 100 + 10 * n, random.choice(texts), random.choice(texts), "Allow")
    fields = _fields(made)
    fields["access"] = random.choice(["Allow", "Deny"])
    fields["direction"] = random.choices(["Inbound", "Outbound"], [9, 1])[0]
    fields["protocol"] = random.choice(["*", "Tcp", "Udp"])
    fields["destinationPortRange"] = random.choice(["*", "*", "5432", "5435-6000"])
    if random.random() < 0.15:
        fields["sourceAddressPrefix"] = ""
        fields["sourceApplicationSecurityGroups"] = [{"id": f"{GROUPS}/Web"}]
    return made


def _fields(made: Object) -> Object:
    fields = made["properties"]
    assert isinstance(fields, dict)
    return fields


def patch(line: Object, random: Random) -> Object:
    """One rule for the question, as it should be or a little wrong."""
    source, destination = line["source"], line["destination"]
    assert isinstance(source, list)
    assert isinstance(destination, list)
    access = "Allow" if line["want"] == "allow" else "Deny"
    made = rule("fix", random.choice([99, 99, 99, 105, 115]), source[0], destination[0], access)
    fields = _fields(made)
    fields["protocol"] = line["protocol"]
    fields["direction"] = random.choices(["Inbound", "Outbound"], [9, 1])[0]
    del fields["destinationPortRange"]
    fields["destinationPortRanges"] = line["ports"] if random.random() < 0.8 else ["5000-6000"]
    return made
