"""The rules that a fix proposes, and when it proposes none."""

from __future__ import annotations

import re

import pytest

from shared.nsg import Fix, NoFix, State, changed, outside, traffic_boxes, with_rules
from tests.nsg.builders import OUT, allow, decide, deny, fix, group, networks, question


def rules_of(found: Fix | NoFix) -> list[tuple[str, int, tuple[str, ...]]]:
    assert isinstance(found, Fix)
    return [(rule.name, rule.priority, rule.sources) for rule in found.rules]


def test_one_rule_with_all_ports_stands_directly_ahead_of_the_deny() -> None:
    nsg = group(allow("app", 100, "10.0.2.0/24 > *"), deny("all", 4096))
    found = fix(nsg, question())
    assert rules_of(found) == [("db-inbound-ipv4", 4095, ("10.0.1.0/24",))]
    assert isinstance(found, Fix)
    assert found.rules[0].destinations == ("10.0.1.0/24",)
    assert found.rules[0].destination_ports == ("5432", "6432")


def test_used_numbers_of_the_same_direction_are_skipped() -> None:
    others = allow("a", 199, "10.9.0.0/16 > *"), allow("b", 198, direction=OUT)
    nsg = group(*others, deny("all", 200))
    assert rules_of(fix(nsg, question()))[0][1] == 198


def test_the_lowest_of_several_denies_counts() -> None:
    nsg = group(deny("late", 900, ports="5432"), deny("early", 300, ports="6432"))
    assert rules_of(fix(nsg, question()))[0][1] == 299


def test_a_deny_that_only_a_tag_could_make_match_is_overtaken_too_where_the_question_fails() -> None:
    nsg = group(deny("maybe", 300, "CorpNet > *"), deny("all", 900))
    found = fix(nsg, question())
    assert rules_of(found)[0][1] == 299
    assert isinstance(found, Fix)
    assert decide(with_rules(nsg, found.rules), question()).state is State.ALLOWED


def test_a_default_deny_is_met_at_the_largest_custom_priority() -> None:
    nsg = group(defaults=(deny("DenyAllInBound", 65500, protocol="*"),))
    assert rules_of(fix(nsg, question()))[0][1] == 4096


def test_each_family_gets_its_rule_and_its_number() -> None:
    dual = question("10.0.1.0/24, fd00::/64")
    assert rules_of(fix(group(deny("all", 200)), dual)) == [
        ("db-inbound-ipv4", 199, ("10.0.1.0/24",)),
        ("db-inbound-ipv6", 198, ("fd00::/64",)),
    ]
    assert rules_of(fix(group(deny("six", 200, "::/0 > *")), dual)) == [
        ("db-inbound-ipv6", 199, ("fd00::/64",))
    ]


def test_overlapping_prefixes_are_collapsed() -> None:
    asked = question("10.0.1.0/25, 10.0.1.128/25, 10.0.1.16/28")
    assert rules_of(fix(group(deny("all", 200)), asked))[0][2] == ("10.0.1.0/24",)


@pytest.mark.parametrize("taken", ["db-inbound-ipv4", "DB-Inbound-IPv4"])
def test_a_name_that_the_nsg_has_in_either_direction_gets_a_number(taken: str) -> None:
    nsg = group(allow(taken, 4000, "10.9.0.0/16 > *", direction=OUT), deny("all", 200))
    assert rules_of(fix(nsg, question()))[0][0] == "db-inbound-ipv4-2"


@pytest.mark.parametrize("name", ["x" * 200, "_.-", "dé b/ä", "9-lives.", "a" * 64])
def test_names_follow_arms_grammar(name: str) -> None:
    found = rules_of(fix(group(deny("all", 200)), question(), name))[0][0]
    assert re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?", found)


def test_long_names_that_differ_at_the_end_stay_different() -> None:
    nsg = group(deny("all", 200))
    one, two = (rules_of(fix(nsg, question(), "x" * 100 + end))[0][0] for end in "ab")
    assert one != two


def test_a_deny_at_the_first_priority_leaves_no_room_and_the_renumbering_is_said() -> None:
    found = fix(group(deny("wall", 100), allow("next", 101)), question())
    assert isinstance(found, NoFix)
    assert found.reason == (
        "inbound deny 'wall' has priority 100 and no lower number is free: "
        "move 'next' from 101 to 102, then 'wall' from 100 to 101, and put an allow rule at 100"
    )


def test_no_free_number_anywhere_is_said() -> None:
    full = [deny("wall", 100), *(allow(f"r{n}", n, "10.9.0.0/16 > *") for n in range(101, 4097))]
    found = fix(group(*full), question())
    assert isinstance(found, NoFix)
    assert "merged" in found.reason


def test_a_full_nsg_takes_no_further_rule() -> None:
    full = [deny("wall", 4000), *(allow(f"r{n}", 100 + n, "10.9.0.0/16 > *") for n in range(999))]
    found = fix(group(*full), question())
    assert isinstance(found, NoFix)
    assert "1000" in found.reason


def test_a_question_that_holds_needs_no_rule() -> None:
    assert fix(group(), question()) == Fix(rules=())
    assert fix(None, question()) == Fix(rules=())


def test_the_fix_allows_the_question_and_nothing_else() -> None:
    nsg = group(allow("app", 100, "10.0.2.0/24 > *"), deny("corp", 150, "CorpNet > *"), deny("all", 4096))
    found = fix(nsg, question())
    assert isinstance(found, Fix)
    difference = changed(nsg, with_rules(nsg, found.rules), networks("10.0.1.0/24"))
    assert not difference.newly_denied
    assert not difference.newly_open
    assert difference.newly_allowed
    assert not outside(difference.newly_allowed, traffic_boxes(question().question))


def test_a_wider_rule_is_seen_outside_the_box() -> None:
    nsg = group(deny("all", 200))
    wider = with_rules(nsg, [allow("wide", 199, "10.0.0.0/16 > *", "5432")])
    found = changed(nsg, wider, networks("10.0.1.0/24"))
    assert outside(found.newly_allowed, traffic_boxes(question().question))


def test_a_new_deny_is_told_once_where_it_does_the_same_to_every_protocol() -> None:
    ends = "10.0.1.0/24 > 10.0.1.0/24"
    found = changed(group(), group(deny("all", 200, ends, protocol="*")), networks("10.0.1.0/24"))
    assert [box.protocol for box in found.newly_denied] == ["*"]
    before = group(deny("udp", 100, ends, protocol="Udp"), allow("tcp", 110, "10.9.0.0/16 > *"))
    after = with_rules(before, [deny("all", 200, ends, protocol="*")])
    found = changed(before, after, networks("10.0.1.0/24"))
    assert {box.protocol for box in found.newly_denied} == {"Tcp", "Icmp", "Esp", "Ah", "other"}


def test_a_renamed_rule_changes_nothing() -> None:
    assert not changed(group(deny("a", 200)), group(deny("b", 200))).parts


def test_taking_the_nsg_away_lets_everything_in() -> None:
    found = changed(group(deny("all", 200, protocol="*")), None)
    assert {str(n) for box in found.newly_allowed for n in box.sources} >= {"0.0.0.0/0", "::/0"}
