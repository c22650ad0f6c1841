"""The rules that a fix proposes, and when it proposes none."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import ip_network

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from shared.model import Access, Direction, SecurityGroup, SecurityRule
from shared.nsg import Fix, Goal, NoFix, Protocol, State, changed, outside, traffic_boxes, with_rules
from shared.nsg import fix as fix_group
from shared.nsg.engine.difference import difference
from shared.nsg.packets.addresses import parse_addresses
from tests.nsg import plain
from tests.nsg.builders import OUT, allow, decide, deny, fix, group, networks, question
from tests.nsg.strategies import SMALL, UNIVERSE, engine_question, groups, knowledge, questions


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


# --- tags, every address, guards ---------------------------------------------------------------------


def spelled(found: Fix | NoFix) -> list[tuple[str, int, tuple[str, ...], tuple[str, ...]]]:
    assert isinstance(found, Fix), found
    return [(rule.name, rule.priority, rule.sources, rule.destinations) for rule in found.rules]


WALL = deny("wall", 200, direction=OUT, protocol="*")


def test_a_tag_gets_a_rule_of_its_own_for_each_family_of_the_other_side() -> None:
    storage = question("10.0.1.0/24, fd00::/64", "Storage.WestEurope", ((443, 443),), direction=OUT)
    assert spelled(fix(group(WALL), storage)) == [
        ("db-outbound-ipv4-storage.westeurope", 199, ("10.0.1.0/24",), ("Storage.WestEurope",)),
        ("db-outbound-ipv6-storage.westeurope", 198, ("fd00::/64",), ("Storage.WestEurope",)),
    ]


def test_prefixes_and_tags_of_one_side_get_a_rule_each() -> None:
    asked = question("10.0.1.0/24", "10.0.2.0/24, Storage, Sql", ((443, 443),), direction=OUT)
    assert [(rule[1], rule[3]) for rule in spelled(fix(group(WALL), asked))] == [
        (199, ("10.0.2.0/24",)),
        (198, ("Sql",)),
        (197, ("Storage",)),
    ]


def test_a_tag_that_passes_already_gets_no_rule() -> None:
    passing = allow("storage", 100, "* > Storage", direction=OUT)
    asked = question("10.0.1.0/24", "Storage.WestEurope, Sql", ((443, 443),), direction=OUT)
    assert [rule[3] for rule in spelled(fix(group(passing, WALL), asked))] == [("Sql",)]


def test_a_closed_tag_is_named_and_not_its_prefixes() -> None:
    asked = question(
        "10.0.1.0/24", "Storage", ((443, 443),), direction=OUT, closed={"storage": ["20.0.0.0/24"]}
    )
    assert [rule[3] for rule in spelled(fix(group(WALL), asked))] == [("Storage",)]


def test_every_address_is_one_rule_for_both_families() -> None:
    asked = question("*", "10.0.1.0/24, fd00::/64", vnet="10.0.1.0/24, fd00::/64")
    assert spelled(fix(group(deny("all", 200)), asked)) == [
        ("db-inbound-ipv4", 199, ("*",), ("10.0.1.0/24",)),
        ("db-inbound-ipv6", 198, ("*",), ("fd00::/64",)),
    ]
    assert spelled(fix(group(WALL), question("*", "*", direction=OUT))) == [
        ("db-outbound-any", 199, ("*",), ("*",))
    ]


def test_protocol_and_source_ports_of_the_question_are_kept() -> None:
    asked = question(protocol=Protocol.ANY, source_ports=((1024, 65535),), ports=((0, 65535),))
    found = fix(group(deny("all", 200, protocol="*")), asked)
    assert isinstance(found, Fix)
    (rule,) = found.rules
    assert (rule.protocol, rule.source_ports, rule.destination_ports) == ("*", ("1024-65535",), ("*",))


EXPOSED = allow("open", 300, "* > *", "5432"), allow("later", 400, "Internet > *")
TO_DATABASE = question("Internet", "10.0.1.0/24", vnet="10.0.1.0/24")


def test_a_guard_denies_exactly_the_question_above_the_lowest_allow() -> None:
    found = fix(group(*EXPOSED, allow("two", 299, "10.9.0.0/16 > *")), TO_DATABASE, want=Access.DENY)
    assert isinstance(found, Fix)
    (guard,) = found.rules
    assert (guard.access, guard.priority, guard.protocol) == (Access.DENY, 298, "Tcp")
    assert (guard.sources, guard.destinations) == (("Internet",), ("10.0.1.0/24",))
    assert (guard.source_ports, guard.destination_ports) == (("*",), ("5432", "6432"))
    assert guard.name == "db-inbound-internet-ipv4"


def test_a_guard_stands_below_the_lowest_allow_that_can_decide_under_some_membership() -> None:
    maybe = allow("maybe", 150, "CorpNet > *", "6432")
    assert spelled(fix(group(maybe, *EXPOSED), TO_DATABASE, want=Access.DENY))[0][1] == 149
    hidden = deny("hidden", 120, "CorpNet > *"), maybe
    assert spelled(fix(group(*hidden, *EXPOSED), TO_DATABASE, want=Access.DENY))[0][1] == 299


def test_a_default_rule_that_exposes_is_met_at_the_largest_custom_priority() -> None:
    inside = question("VirtualNetwork", "10.0.1.0/24")
    assert spelled(fix(group(), inside, want=Access.DENY)) == [
        ("db-inbound-virtualnetwork-ipv4", 4096, ("VirtualNetwork",), ("10.0.1.0/24",))
    ]


def test_a_guard_of_both_families_is_two_rules() -> None:
    dual = question("Internet", "10.0.1.0/24, fd00::/64", vnet="10.0.1.0/24, fd00::/64")
    assert [rule[1:] for rule in spelled(fix(group(*EXPOSED), dual, want=Access.DENY))] == [
        (299, ("Internet",), ("10.0.1.0/24",)),
        (298, ("Internet",), ("fd00::/64",)),
    ]


@pytest.mark.parametrize(
    "ends", [("Internet", "*"), ("Internet", "0.0.0.0/0"), ("Internet", "10.0.0.0/8, ::/0")]
)
def test_a_guard_for_every_destination_is_refused(ends: tuple[str, str]) -> None:
    found = fix(group(*EXPOSED), question(*ends, vnet="10.0.1.0/24"), want=Access.DENY)
    assert isinstance(found, NoFix)
    assert found.reason == (
        "a guard must name what it protects: ask with the destination's own prefixes instead of all addresses"
    )


def test_a_guard_for_what_leaves_must_name_the_source() -> None:
    found = fix(group(), question("*", "Internet", direction=OUT), want=Access.DENY)
    assert isinstance(found, NoFix)
    assert "the source's own prefixes" in found.reason
    assert spelled(fix(group(), question("10.0.1.0/24", "*", direction=OUT), want=Access.DENY))[0][3] == (
        "*",
    )


def test_an_allow_at_the_first_priority_leaves_no_room_for_a_guard() -> None:
    found = fix(group(allow("open", 100, "* > *")), TO_DATABASE, want=Access.DENY)
    assert isinstance(found, NoFix)
    assert found.reason == (
        "inbound allow 'open' has priority 100 and no lower number is free: "
        "move 'open' from 100 to 101, and put a deny rule at 100"
    )


def test_room_for_one_family_alone_is_no_fix() -> None:
    dual = question("10.0.1.0/24, fd00::/64")
    found = fix(group(deny("all", 101)), dual)
    assert isinstance(found, NoFix)
    assert found.reason.startswith("inbound deny 'all' has priority 101 and ")


def test_nothing_can_be_guarded_without_an_nsg() -> None:
    found = fix(None, TO_DATABASE, want=Access.DENY)
    assert isinstance(found, NoFix)
    assert "there is no NSG" in found.reason


def test_what_is_denied_already_needs_no_guard() -> None:
    closed = group(deny("all", 4096, "Internet > *"))
    assert fix(closed, TO_DATABASE, want=Access.DENY) == Fix(rules=())


def test_a_question_without_packets_is_let_pass_and_cannot_be_guarded() -> None:
    nobody, nsg = question("10.0.1.0/24", "fd00::/64"), group(deny("all", 200))
    assert fix(nsg, nobody) == Fix(rules=())
    found = fix(nsg, nobody, want=Access.DENY)
    assert found == NoFix(reason="no packet goes between addresses of different families")


def test_a_family_in_which_no_packet_can_go_gets_no_rule() -> None:
    """A region lies in its tag, and this tag is known to hold IPv4 alone."""
    taken = plain.Known(closed=(("corpnet", (ip_network("10.0.0.0/30"),)),), vnet=())
    asked = plain.Asked(
        direction=OUT,
        protocol="Tcp",
        sources=("CorpNet.West",),
        destinations=("fd00::/127", "10.0.0.0/30"),
        ports=("5432",),
        source_ports=("*",),
    )
    found = fix(group(allow("all", 200, direction=OUT)), engine_question(asked, taken), want=Access.DENY)
    assert isinstance(found, Fix)
    assert [rule.destinations for rule in found.rules] == [("10.0.0.0/30",)]


# --- laws over generated NSGs ------------------------------------------------------------------------

wanted = st.sampled_from(list(Access))


@given(groups(), knowledge(), questions(), wanted)
def test_a_fix_makes_the_question_hold_and_decides_no_other_packet_otherwise(
    nsg: SecurityGroup, taken: plain.Known, asked: plain.Asked, want: Access
) -> None:
    found = fix(nsg, engine_question(asked, taken), want=want)
    event(f"{want}: {'none' if isinstance(found, NoFix) else len(found.rules)}")
    if isinstance(found, NoFix):
        assert _is_reasonable(found, nsg, asked, taken, want)
        return
    fixed = with_rules(nsg, found.rules)
    assert not list(plain.otherwise_decided((nsg, fixed), asked, want, taken, SMALL))
    assert holds(fixed, asked, taken, want)


@given(groups(), knowledge(), questions(mixed=False), wanted)
def test_no_rule_of_a_fix_could_be_left_out(
    nsg: SecurityGroup, taken: plain.Known, asked: plain.Asked, want: Access
) -> None:
    found = fix(nsg, engine_question(asked, taken), want=want)
    if isinstance(found, NoFix):
        return
    for rule in found.rules:
        others = with_rules(nsg, [other for other in found.rules if other is not rule])
        assert not holds(others, asked, taken, want), f"{rule.name} is not needed"


def holds(nsg: SecurityGroup, asked: plain.Asked, taken: plain.Known, want: Access) -> bool:
    outcome = "allowed" if want is Access.ALLOW else "denied"
    return plain.survey(nsg, asked, taken, UNIVERSE).outcomes <= {outcome}


def _is_reasonable(
    found: NoFix, nsg: SecurityGroup, asked: plain.Asked, taken: plain.Known, want: Access
) -> bool:
    if not decide(nsg, engine_question(asked, taken)).outcomes:
        return "different families" in found.reason
    protected = asked.destinations if asked.direction is Direction.INBOUND else asked.sources
    if want is Access.DENY and "*" in protected:
        return "must name what it protects" in found.reason
    return min(rule.priority for rule in nsg.rules) < 104 and "lower number" in found.reason


@given(groups(), knowledge(), questions(), wanted)
def test_added_rules_stand_at_the_largest_free_numbers_below_the_first_that_is_in_the_way(
    nsg: SecurityGroup, taken: plain.Known, asked: plain.Asked, want: Access
) -> None:
    found = fix(nsg, engine_question(asked, taken), want=want)
    if isinstance(found, NoFix) or not found.rules:
        return
    survey = plain.survey(nsg, asked, taken, UNIVERSE)
    names = survey.blocking if want is Access.ALLOW else survey.exposing
    first = min(rule.priority for rule in plain.all_rules(nsg) if rule.name in names)
    used = {rule.priority for rule in nsg.rules if rule.direction is asked.direction}
    free = [number for number in range(min(first, 4097) - 1, 99, -1) if number not in used]
    assert [rule.priority for rule in found.rules] == free[: len(found.rules)]
    for rule in found.rules:
        assert (rule.access, rule.direction) == (want, asked.direction)
        _assert_arm_takes(rule)
    every = [rule.name.lower() for rule in (*plain.all_rules(nsg), *found.rules)]
    assert len(set(every)) == len(every)


def _assert_arm_takes(rule: SecurityRule) -> None:
    assert 100 <= rule.priority <= 4096
    assert len(rule.description) <= 140
    assert re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?", rule.name)
    for texts in (rule.sources, rule.destinations):
        listed = [text for text in texts if parse_addresses(text)]
        assert listed == list(texts) or len(texts) == 1
        assert len({":" in text for text in listed}) < 2
    assert rule.source_groups == rule.destination_groups == ()


@given(groups(), knowledge(), questions(), wanted)
def test_a_fix_converges_and_its_rules_can_be_taken_away_again(
    nsg: SecurityGroup, taken: plain.Known, asked: plain.Asked, want: Access
) -> None:
    engine = engine_question(asked, taken)
    found = fix(nsg, engine, want=want)
    if isinstance(found, NoFix):
        return
    fixed = with_rules(nsg, found.rules)
    assert fix(fixed, engine, want=want) == Fix(rules=())
    # frame: nobody's rule is edited, moved or removed
    assert fixed.rules[: len(nsg.rules)] == nsg.rules
    # inverse: what has an added name is exactly what was added
    added = {rule.name.lower() for rule in found.rules}
    back = replace(fixed, rules=tuple(rule for rule in fixed.rules if rule.name.lower() not in added))
    assert back == nsg
    assert decide(back, engine) == decide(nsg, engine)
    there, again = (difference(*pair, None, engine.tags) for pair in ((nsg, fixed), (fixed, back)))
    assert {(p.after, p.before) for p in there.parts} == {(p.before, p.after) for p in again.parts}
    assert found.rules or not there.parts


@given(groups(), knowledge(), questions(), wanted)
def test_a_fix_is_the_same_each_time_and_with_the_verdict_at_hand(
    nsg: SecurityGroup, taken: plain.Known, asked: plain.Asked, want: Access
) -> None:
    engine = engine_question(asked, taken)
    turned = replace(nsg, rules=nsg.rules[::-1])
    goal = Goal(question=engine.question, want=want, name="db")
    assert fix_group(turned, goal, engine.tags, decide(turned, engine)) == fix(nsg, engine, want=want)


# --- what a fix changes ------------------------------------------------------------------------------


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
