"""Verdicts on the shapes that Azure's documents and recorded NSGs show."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.model import SecurityRule
from shared.nsg import NsgError, Outcome, Protocol, State
from tests.nsg.builders import OUT, allow, decide, deny, group, question


def names(rules: tuple[object, ...]) -> list[str]:
    return [getattr(rule, "name", "") for rule in rules]


def test_without_an_nsg_everything_passes() -> None:
    verdict = decide(None, question("10.0.1.0/24", "203.0.113.0/24"))
    assert verdict.state is State.ALLOWED
    assert verdict.witnesses[0].rule == "no network security group"


def test_an_empty_nsg_lets_the_virtual_network_talk_to_itself() -> None:
    verdict = decide(group(), question())
    assert verdict.state is State.ALLOWED
    assert [w.rule for w in verdict.witnesses] == ["AllowVnetInBound"]


def test_default_rules_in_the_reading_are_taken_and_those_of_the_other_direction_supplied() -> None:
    closed = group(defaults=(deny("DenyAllInBound", 65500, protocol="*"),))
    assert decide(closed, question()).state is State.DENIED
    assert decide(closed, question(direction=OUT)).state is State.ALLOWED


def test_deny_all_behind_an_allow_for_the_app_subnet_blocks_the_database_subnet_itself() -> None:
    nsg = group(allow("app", 100, "10.0.2.0/24 > 10.0.1.0/24", "5432"), deny("DenyAll", 4096, protocol="*"))
    verdict = decide(nsg, question())
    assert verdict.state is State.DENIED
    assert names(verdict.blocking) == ["DenyAll"]
    assert decide(nsg, question("10.0.2.0/24", "10.0.1.0/24", ((5432, 5432),))).state is State.ALLOWED
    assert decide(nsg, question(direction=OUT)).state is State.ALLOWED


@pytest.mark.parametrize(
    ("ends", "state"),
    [
        ("VirtualNetwork > VirtualNetwork", State.DENIED),
        ("virtualnetwork > *", State.DENIED),
        ("VIRTUAL_NETWORK > *", State.DENIED),
        ("Internet > *", State.ALLOWED),
        ("* > internet", State.ALLOWED),
        ("AzureLoadBalancer > *", State.ALLOWED),
        ("Storage > *", State.ALLOWED),
        ("storage.westeurope > *", State.ALLOWED),
        ("AzureFrontDoor.Backend > *", State.ALLOWED),
        ("CorpNetPublic > *", State.DEPENDS),
        ("Storeage.WestEurope > *", State.DEPENDS),
        ("789 > 1234", State.DEPENDS),
        ("* > *", State.DENIED),
        ("0.0.0.0/0 > *", State.DENIED),
        ("::/0 > *", State.ALLOWED),
        ("0.0.0.0/1, 128.0.0.0/1 > *", State.DENIED),
        ("10.0.1.77/24 > *", State.DENIED),
        ("10.0.1.0-10.0.1.255 > *", State.DENIED),
        ("10.0.1.9 > 10.0.1.8", State.MIXED),
        ("10.0.2.0/24 > *", State.ALLOWED),
    ],
)
def test_a_deny_reaches_exactly_the_addresses_that_it_names(ends: str, state: State) -> None:
    verdict = decide(group(deny("no", 200, ends)), question())
    assert verdict.state is state


@pytest.mark.parametrize(
    ("ports", "state"),
    [
        ("*", State.DENIED),
        ("5432, 6432", State.DENIED),
        ("5432-5432, 6000-7000", State.DENIED),
        ("0-65535", State.DENIED),
        ("5432", State.MIXED),
        ("5433-6431", State.ALLOWED),
    ],
)
def test_a_deny_reaches_exactly_the_ports_that_it_names(ports: str, state: State) -> None:
    assert decide(group(deny("no", 200, ports=ports)), question()).state is state


@pytest.mark.parametrize(
    ("protocol", "state"),
    [
        ("Tcp", State.DENIED),
        ("TCP", State.DENIED),
        ("*", State.DENIED),
        ("Udp", State.ALLOWED),
        ("icmp", State.ALLOWED),
    ],
)
def test_only_rules_for_tcp_or_any_protocol_matter_to_tcp(protocol: str, state: State) -> None:
    assert decide(group(deny("no", 200, protocol=protocol)), question()).state is state


def test_a_deny_for_some_source_ports_leaves_the_others() -> None:
    verdict = decide(group(deny("no", 200, source_ports="1024-65535")), question())
    assert verdict.state is State.MIXED
    denied = next(w for w in verdict.witnesses if w.outcome is Outcome.DENIED)
    assert denied.source_port >= 1024


def test_the_lower_priority_number_decides_where_rules_overlap() -> None:
    nsg = group(
        deny("later", 300),
        allow("first", 100, "10.0.1.0/25 > *"),
        deny("part", 200, "10.0.1.0/26 > *", "5432"),
    )
    verdict = decide(nsg, question())
    assert verdict.state is State.MIXED
    assert names(verdict.blocking) == ["later"]


def test_rules_that_together_cover_the_subnet_hide_the_deny_behind_them() -> None:
    halves = allow("low", 100, "10.0.1.0/25 > *"), allow("high", 110, "10.0.1.128/25 > *")
    assert decide(group(*halves, deny("all", 120)), question()).state is State.ALLOWED


def test_all_blocking_rules_are_named_by_priority() -> None:
    nsg = group(
        deny("b", 300, ports="6432"), deny("c", 100, "* > 10.0.1.4", "5432"), deny("a", 200, ports="5432")
    )
    assert names(decide(nsg, question()).blocking) == ["c", "a", "b"]


def test_an_application_security_group_is_open_and_named() -> None:
    nsg = group(deny("no", 200, " > *", groups=(["web"], [])))
    verdict = decide(nsg, question())
    assert (verdict.state, verdict.depends_on) == (State.DEPENDS, ("web",))
    told = {(w.outcome, w.rule, w.source_in) for w in verdict.witnesses}
    assert told == {
        (Outcome.DENIED, "no", ("VirtualNetwork", "web")),
        (Outcome.ALLOWED, "AllowVnetInBound", ("VirtualNetwork",)),
    }


def test_the_same_unknown_tag_cannot_be_left_by_one_rule_and_entered_by_the_next() -> None:
    nsg = group(allow("in", 100, "CorpNet > *"), deny("never", 200, "CorpNet > *"))
    assert decide(nsg, question()).state is State.ALLOWED


def test_a_region_lies_in_its_tag() -> None:
    nsg = group(allow("in", 100, "Corp > *"), deny("never", 200, "Corp.WestEurope > *"))
    assert decide(nsg, question()).state is State.ALLOWED
    other = group(allow("in", 100, "Corp.WestEurope > *"), deny("rest", 200, "Corp > *"))
    assert decide(other, question()).depends_on == ("Corp", "Corp.WestEurope")


def test_one_address_on_both_sides_answers_a_tag_on_both_sides_alike() -> None:
    nsg = group(allow("in", 100, "Corp > *"), deny("out", 200, "* > Corp"))
    assert decide(nsg, question("10.0.1.4/32")).state is State.ALLOWED
    assert decide(nsg, question("10.0.1.4/31")).state is State.DEPENDS


def test_a_published_tag_may_hold_public_addresses() -> None:
    nsg = group(deny("no", 200, "Sql.WestEurope > *"))
    assert decide(nsg, question("20.0.1.0/24")).state is State.DEPENDS
    assert decide(nsg, question("100.64.1.0/24")).state is State.ALLOWED


def test_the_load_balancers_address_is_known() -> None:
    nsg = group(deny("probes", 200, "AzureLoadBalancer > *"))
    assert decide(nsg, question("168.63.129.16/32", "10.0.1.0/24")).state is State.DENIED


def test_a_space_not_known_to_lie_in_the_virtual_network_is_open_to_it_and_to_the_internet() -> None:
    verdict = decide(group(), question("10.9.0.0/24", "10.0.1.0/24", vnet="10.0.1.0/24"))
    assert (verdict.state, verdict.depends_on) == (State.DEPENDS, ("VirtualNetwork",))


def test_each_family_is_judged_by_itself() -> None:
    dual = question("10.0.1.0/24, fd00:1::/64")
    verdict = decide(group(deny("six", 200, "fd00::/8 > *")), dual)
    assert verdict.state is State.MIXED
    assert {w.source for w in verdict.witnesses if w.outcome is Outcome.DENIED} == {"fd00:1::4"}


def test_an_odd_text_is_a_caveat_where_its_rule_could_match() -> None:
    nsg = group(allow("web", 1000, "789 > 1234", "5432"))
    assert decide(nsg, question()).caveats == (
        "rule 'web' has '789' for an address: it may match anything",
        "rule 'web' has '1234' for an address: it may match anything",
    )
    assert not decide(nsg, question(ports=((22, 22),))).caveats


def test_spelling_and_order_do_not_matter() -> None:
    rules = [
        allow("a", 100, "Storage, 10.0.1.0/25 > *", "5432"),
        deny("b", 200, "VirtualNetwork > *", protocol="tcp"),
    ]
    shouted = [
        replace(r, protocol=r.protocol.upper(), sources=tuple(s.upper() for s in reversed(r.sources)))
        for r in rules
    ]
    first, *others = (decide(group(*some), question()) for some in (rules, rules[::-1], shouted))
    assert (first.state, names(first.blocking)) == (State.MIXED, ["b"])
    for other in others:
        assert other.outcomes == first.outcomes
        assert other.witnesses == first.witnesses
        assert names(other.exposing) == names(first.exposing)
        assert names(other.blocking) == names(first.blocking)


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (allow("odd", 200, protocol="Gre"), "protocol"),
        (allow("odd", 200, protocol=""), "protocol"),
        (allow("odd", 200, ports="70000"), "destinationPortRange"),
        (allow("odd", 200, ports="6432-5432"), "destinationPortRange"),
        (allow("odd", 200, ports="postgres"), "destinationPortRange"),
        (allow("odd", 200, ports=""), "destinationPortRange"),
        (allow("odd", 200, source_ports="-1"), "sourcePortRange"),
        (allow("odd", 200, " > *"), "sourceAddressPrefix"),
        (allow("odd", 200, "10.0.0.0/8, fd00::/8 > *"), "sourceAddressPrefix"),
        (allow("odd", 100), "priority"),
    ],
)
def test_what_has_no_one_meaning_is_an_error_that_names_rule_and_field(bad: SecurityRule, field: str) -> None:
    with pytest.raises(NsgError, match="'odd'") as caught:
        decide(group(deny("fine", 100), bad), question())
    assert (caught.value.rule, caught.value.field) == ("odd", field)


def test_one_priority_in_both_directions_is_no_conflict() -> None:
    nsg = group(deny("in", 200), allow("out", 200, direction=OUT))
    assert decide(nsg, question()).state is State.DENIED
    assert decide(nsg, question(direction=OUT)).state is State.ALLOWED


def test_packets_that_no_rule_decides_are_an_error() -> None:
    nsg = group(defaults=(allow("only", 65000, "10.9.0.0/16 > *"),))
    with pytest.raises(NsgError):
        decide(nsg, question())


def test_a_thousand_rules_that_do_not_concern_the_question_play_no_part() -> None:
    many = [
        deny(f"r{n}", 100 + n, f"10.{n // 256}.{n % 256}.0/24 > 172.16.0.0/12", "1-65535")
        for n in range(1000)
    ]
    verdict = decide(group(*many), question("192.168.1.0/24"))
    assert verdict.state is State.ALLOWED
    assert names(verdict.exposing) == ["AllowVnetInBound"]
    assert not verdict.blocking
    assert not verdict.shadowed


def test_rules_that_match_and_decide_nothing_are_shadowed() -> None:
    behind = (
        deny("last", 4096, "10.0.1.4 > *"),
        allow("tag", 310, "CorpNet > *"),
        deny("six", 320, "::/0 > *"),
    )
    part = allow("part", 100, "10.0.1.0/25 > *"), deny("inside", 110, "10.0.1.8/29 > *", "5432")
    verdict = decide(group(*part, deny("wall", 200, protocol="*"), *behind), question())
    assert names(verdict.blocking) == ["wall"]
    assert names(verdict.shadowed) == ["inside", "tag", "last"]


def test_halves_together_shadow_what_neither_hides_alone() -> None:
    halves = allow("low", 100, "10.0.1.0/25 > *"), allow("high", 110, "10.0.1.128/25 > *")
    verdict = decide(group(*halves, deny("middle", 120, "10.0.1.64/26, 10.0.1.128/26 > *")), question())
    assert names(verdict.shadowed) == ["middle"]


def test_a_question_about_a_tag_is_answered_by_rules_for_the_tag() -> None:
    nsg = group(
        allow("storage", 100, "* > Storage", "443", direction=OUT),
        deny("internet", 200, "* > Internet", direction=OUT),
    )
    web = ((443, 443),)
    for tag in ("Storage", "storage.westeurope"):
        verdict = decide(nsg, question("10.0.1.0/24", tag, web, direction=OUT))
        assert (verdict.state, names(verdict.exposing)) == (State.ALLOWED, ["storage"])
    other = decide(nsg, question("10.0.1.0/24", "Sql", web, direction=OUT))
    assert (other.state, other.depends_on) == (
        State.DEPENDS,
        ("Internet", "Storage", "VirtualNetwork"),
    )


def test_a_closed_tag_is_its_prefixes() -> None:
    nsg = group(deny("corp", 200, "CorpNet > *"))
    for inside, state in (
        ("10.0.1.0/24", State.DENIED),
        ("10.0.1.0/25", State.MIXED),
        ("10.9.0.0/24", State.ALLOWED),
    ):
        closed = {"corpnet": [inside]}
        assert decide(nsg, question(closed=closed)).state is state


def test_what_is_known_of_a_tag_bounds_its_region_and_the_other_way_about() -> None:
    whole, region = {"Corp": ["10.0.2.0/24"]}, {"Corp.West": ["10.0.1.0/24"]}
    assert decide(group(deny("no", 200, "Corp.West > *")), question(closed=whole)).state is State.ALLOWED
    assert decide(group(deny("no", 200, "Corp > *")), question(closed=region)).state is State.DENIED


def test_a_security_group_lies_in_a_virtual_network_that_is_known() -> None:
    nsg = group(deny("no", 200, " > *", groups=(["web"], [])))
    inside = {"VirtualNetwork": ["10.0.0.0/16"]}
    assert decide(nsg, question(closed=inside)).state is State.DEPENDS
    assert decide(nsg, question("10.9.0.0/24", "10.0.1.0/24", closed=inside)).state is State.DENIED
    assert decide(nsg, question("10.9.0.0/24", "10.0.1.0/24", closed=inside)).depends_on == ()


def test_a_question_about_every_protocol_counts_those_that_only_a_star_matches() -> None:
    named = [
        allow(p, 100 + n, "* > *", protocol=p) for n, p in enumerate(["Tcp", "Udp", "Icmp", "Esp", "Ah"])
    ]
    nsg = group(*named, deny("rest", 200, protocol="*"))
    verdict = decide(nsg, question(protocol=Protocol.ANY))
    assert verdict.state is State.MIXED
    assert [w.protocol for w in verdict.witnesses if w.rule == "rest"] == ["other"]
