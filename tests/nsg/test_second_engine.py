"""The second engine against trying every packet, in universes small enough for that."""

from __future__ import annotations

from random import Random

import pytest

from tests.nsg.enumeration import Answer, by_trying, holds_by_trying
from tests.nsg.seeds import seeds
from tests.nsg.tiny import asking, group, patch, rule, tiny
from tests.nsg_check.instances import instance
from tests.nsg_check.second_engine import Verdict, blame, fix_holds, verdict


@pytest.mark.parametrize("chunk", range(10))
def test_z3_finds_what_trying_every_packet_and_every_membership_finds(chunk: int) -> None:
    for seed in seeds(120, chunk, 10):
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
    for seed in seeds(32, chunk, 4):
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
    found = [verdict(instance(seed)) for seed in range(60)]
    assert all(found.count(one) >= 6 for one in Verdict)


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
