"""A proposal as a whole: what it keeps, what it denies, what the proof says, what two engines say of it."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from driftward.flows.labels import Features
from driftward.proposal.fitting import NoRoom
from driftward.proposal.needs import Needed
from driftward.proposal.proposing import Given, Proposal, propose
from driftward.proposal.proving import Asked, Stages, prove
from driftward.proposal.sifting import Keep, Why
from driftward.proposal.traffic import Traffic
from driftward.proposal.wants import Purpose
from shared.model import DeleteSecurityRule, Edit, PutSecurityRule, SecurityGroup, SecurityRule
from shared.nsg import Protocol, Question, Side, State, difference, minus, parse, state_of
from shared.nsg.packets.addresses import address_at
from tests.driftward.proposal.builders import (
    CDN,
    ENTRA,
    PREFIXES,
    STORAGE,
    STORAGE_HERE,
    SUBNET,
    again,
    document,
    given,
    incoming,
    nsg,
    outgoing,
    place,
    proposed,
    rule,
    spans,
    tags,
)
from tests.nsg_check import second_engine

THREAD = tuple(outgoing(address, denied=True) for address in (CDN, "23.0.237.118", STORAGE))
"""What the server called in the NSG thread (Microsoft Q&A 74105480), all of it denied."""
THREADS_NSG = nsg(
    rule("postgres-in", 100, f"{SUBNET} > {SUBNET}", ports="5432"),
    rule("postgres-out", 100, f"{SUBNET} > {SUBNET}", ports="5432", way="Outbound"),
    rule("deny-all-out", 4096, "* > *", access="Deny", way="Outbound"),
)


def verdict(proposal: Proposal, one: Traffic) -> str:
    """What the second engine says of one stream on the NSG as it will be."""
    here, there = SUBNET, str(address_at(one.stream.other))
    ports = "*" if one.protocol not in {"Tcp", "Udp"} else str(one.stream.port)
    return second_engine.verdict(
        {
            "nsg": document(proposal.after),
            "direction": one.direction.value,
            "protocol": one.stream.protocol,
            "source": [here if one.stream.outbound else there],
            "destination": [there if one.stream.outbound else here],
            "ports": [ports],
            "tags": PREFIXES,
            "openTags": True,
        }
    ).value


@pytest.mark.parametrize("group", [nsg(), THREADS_NSG], ids=["without rules", "the thread's rules"])
def test_in_the_threads_situation_storage_and_entra_are_kept_and_never_the_internet(
    group: SecurityGroup,
) -> None:
    found = proposed(*THREAD, group=group)
    outbound = [one.rule for one in found.allows if one.rule.direction == "Outbound"]
    assert {"Storage", "AzureActiveDirectory"} <= {text for one in outbound for text in one.destinations}
    named = {text.lower() for one in found.after.rules for text in (*one.destinations, *one.sources)}
    assert "internet" not in named
    assert not [one for one in outbound if "*" in one.destinations]
    assert found.proof.holds
    assert {(one.why, one.traffic) for one in found.apart} == {(Why.DENIED, one) for one in THREAD[:2]}
    assert [verdict(found, one) for one in THREAD] == ["denied", "denied", "allowed"]


def test_what_was_seen_is_kept_to_the_address_and_the_port() -> None:
    client = incoming("10.1.2.4", flows=7)
    found = proposed(client)
    (seen,) = (one for one in found.allows if one.want.purpose is Purpose.OBSERVED)
    assert (seen.rule.sources, seen.rule.destinations) == (("10.1.2.4/32",), (SUBNET,))
    assert (seen.rule.destination_ports, seen.flows) == (("5432",), 7)
    assert verdict(found, client) == "allowed"
    assert verdict(found, incoming("10.1.2.5")) == "denied"
    assert verdict(found, incoming("10.1.2.4", 5433)) == "denied"


def test_the_internet_is_not_legitimate_because_it_was_let_in() -> None:
    stranger = incoming("203.0.113.7")
    found = proposed(stranger, incoming("10.1.2.4"))
    assert [(one.why, one.traffic) for one in found.apart] == [(Why.INTERNET, stranger)]
    assert verdict(found, stranger) == "denied"


def test_what_is_named_is_kept_and_nothing_else_of_its_sort() -> None:
    named, other = incoming("203.0.113.7"), incoming("203.0.113.8")
    asked = replace(given(named, other), keeps=(Keep(text="203.0.113.7", addresses=spans("203.0.113.7")),))
    found = propose(asked)
    assert [verdict(found, one) for one in (named, other)] == ["allowed", "denied"]
    assert [one.traffic for one in found.apart] == [other]


def test_a_second_run_on_what_came_of_the_first_changes_nothing() -> None:
    before = given(*THREAD, incoming("10.1.2.4"), incoming("10.1.2.9", 6432), group=THREADS_NSG)
    first = propose(before)
    second = again(first, before)
    assert first.edits
    assert not second.edits
    assert second.after == first.after


def test_a_further_client_costs_one_rule_and_one_removal() -> None:
    before = given(incoming("10.1.2.4"), group=nsg())
    first = propose(before)
    later = given(incoming("10.1.2.4"), incoming("10.1.9.4"), group=first.after)
    second = propose(later)
    assert [one.sources for one in second.added] == [("10.1.2.4/32", "10.1.9.4/32")]
    assert [one.sources for one in second.removed] == [("10.1.2.4/32",)]
    assert second.proof.holds


@pytest.mark.parametrize(
    ("features", "purposes"),
    [
        (Features(), {Purpose.WITHIN, Purpose.STORAGE, Purpose.ENTRA, Purpose.KEY_VAULT}),
        (Features(entra=False, customer_key=False), {Purpose.WITHIN, Purpose.STORAGE}),
        (Features(entra=True, customer_key=False), {Purpose.WITHIN, Purpose.STORAGE, Purpose.ENTRA}),
        (
            Features(entra=False, customer_key=True),
            {Purpose.WITHIN, Purpose.STORAGE, Purpose.ENTRA, Purpose.KEY_VAULT},
        ),
    ],
    ids=["unknown", "neither", "sign-in", "key"],
)
def test_what_the_service_needs_follows_from_the_server(features: Features, purposes: set[Purpose]) -> None:
    found = propose(given(incoming("10.1.2.4"), needed=Needed(features=features)))
    assert {one.want.purpose for one in found.allows} - {Purpose.OBSERVED} == purposes
    doubtful = {one.want.purpose for one in found.allows if one.want.depends}
    assert bool(doubtful & {Purpose.ENTRA, Purpose.KEY_VAULT}) is (features == Features())


def test_storage_is_narrowed_to_the_region_while_every_call_went_there() -> None:
    here = given(outgoing(STORAGE_HERE), needed=Needed(region="westeurope"))
    both = given(outgoing(STORAGE_HERE), outgoing(STORAGE), needed=Needed(region="westeurope"))
    names = [
        [one.rule.destinations for one in propose(asked).allows if one.want.purpose is Purpose.STORAGE]
        for asked in (here, both)
    ]
    assert names == [[("Storage.westeurope",)], [("Storage",)]]


def test_storage_is_not_narrowed_where_replicas_may_need_another_regions() -> None:
    needed = Needed(region="westeurope", replicas=spans("10.5.0.0/28"))
    found = propose(given(outgoing(STORAGE_HERE), needed=needed))
    storage = [one.rule.destinations for one in found.allows if one.want.purpose is Purpose.STORAGE]
    assert storage == [("Storage",)]


@pytest.mark.parametrize(
    ("server", "rules"), [("168.63.129.16", 0), ("10.9.0.4", 2)], ids=["Azure's own", "the network's"]
)
def test_dns_servers_of_the_network_are_kept_and_azures_needs_no_rule(server: str, rules: int) -> None:
    found = propose(given(incoming("10.1.2.4"), needed=Needed(dns=spans(server))))
    dns = [one.rule for one in found.allows if one.want.purpose is Purpose.DNS]
    assert len(dns) == rules
    assert {one.destinations for one in dns} <= {("10.9.0.4/32",)}


def test_what_needs_cover_has_no_rule_of_its_own() -> None:
    found = proposed(outgoing(STORAGE), outgoing(ENTRA), incoming("10.1.0.5"), outgoing("10.1.0.5", 5432))
    assert Purpose.OBSERVED not in {one.want.purpose for one in found.allows}
    assert found.proof.kept == 4


def test_an_allowed_call_to_a_stranger_is_kept_to_that_address() -> None:
    found = proposed(outgoing(CDN), outgoing("10.9.0.1", 53, "Udp"))
    seen = [one.rule.destinations for one in found.allows if one.want.purpose is Purpose.OBSERVED]
    assert sorted(seen) == [("10.9.0.1/32",), (f"{CDN}/32",)]


def test_an_nsg_that_other_subnets_share_keeps_its_rules() -> None:
    others = rule("others", 400, "10.7.0.0/24 > 10.7.1.0/24"), rule("wide", 500, "* > *")
    found = proposed(incoming("10.1.2.4"), group=nsg(*others, subnets=2))
    assert not found.removed
    assert max(one.priority for one in found.added if one.direction == "Inbound") < 400
    assert found.proof.holds
    assert verdict(found, incoming("10.1.2.5")) == "denied"


def test_a_wide_rule_of_the_subnets_own_nsg_goes_once_the_others_stand() -> None:
    found = proposed(incoming("10.1.2.4"), group=nsg(rule("wide", 100, "VirtualNetwork > *")))
    assert [one.name for one in found.removed] == ["wide"]
    assert found.edits[-1] == DeleteSecurityRule(nsg=nsg().id, rule=found.removed[0])
    assert found.proof.holds


def test_a_rule_that_says_the_right_thing_behind_a_deny_does_not_stay() -> None:
    late = replace(rule("late", 300, f"10.1.2.4/32 > {SUBNET}", ports="5432"), protocol="Tcp")
    found = proposed(incoming("10.1.2.4"), group=nsg(rule("deny", 200, "* > *", access="Deny"), late))
    assert [one.name for one in found.removed] == ["late"]
    assert verdict(found, incoming("10.1.2.4")) == "allowed"


def test_a_rule_that_says_the_right_thing_ahead_of_the_deny_stays() -> None:
    early = replace(rule("early", 150, f"10.1.2.4/32 > {SUBNET}", ports="5432"), protocol="Tcp")
    found = proposed(incoming("10.1.2.4"), group=nsg(rule("deny", 200, "* > *", access="Deny"), early))
    assert not found.removed
    (seen,) = (one for one in found.allows if one.want.purpose is Purpose.OBSERVED)
    assert (seen.rule, seen.stood) == (early, True)


def test_what_passes_with_something_else_is_told_apart() -> None:
    """Rules for traffic within the subnet name the subnet, whichever server was seen."""
    kept, refused = incoming("10.1.0.5", 9000), incoming("10.1.0.6", 9000, denied=True)
    found = proposed(kept, refused)
    assert [one.traffic for one in found.beside] == [refused]
    assert found.proof.holds


def test_each_rule_names_the_subnet_in_its_own_family() -> None:
    asked = replace(given(incoming("10.1.2.4"), incoming("fd00:2::4")), place=place(SUBNET, "fd00:1::/64"))
    found = propose(asked)
    ends = {(one.rule.sources, one.rule.destinations) for one in found.allows if "seen" in one.rule.name}
    assert ends == {(("10.1.2.4/32",), (SUBNET,)), (("fd00:2::4/128",), ("fd00:1::/64",))}
    assert {one.destinations for one in found.denies if one.direction == "Inbound"} == {
        (SUBNET,),
        ("fd00:1::/64",),
    }
    assert found.proof.holds


def test_a_shared_nsg_without_room_ahead_of_the_others_is_told() -> None:
    with pytest.raises(NoRoom, match="priorities are free there: give the subnet an NSG of its own"):
        proposed(incoming("10.1.2.4"), group=nsg(rule("others", 102, "* > *"), subnets=2))


def test_the_proof_finds_a_proposal_that_was_tampered_with() -> None:
    """Each of its four parts can fail."""
    found, asked = proposed(incoming("10.1.2.4"), *THREAD), given()
    kept = (incoming("10.1.2.4"),)
    stranger = incoming("203.0.113.9")
    ours = frozenset(one.name for one in found.after.rules)
    without = replace(found.after, rules=tuple(r for r in found.after.rules if "seen" not in r.name))
    open_to_all = replace(
        found.after, rules=(rule("hole", 100, "203.0.113.0/24 > *"), *found.after.rules[1:])
    )

    def proved(end: SecurityGroup, now: SecurityGroup) -> tuple[bool, ...]:
        proof = prove(
            Asked(kept=kept, wants=(), apart=(stranger,), ours=ours),
            Stages(now=now, between=end, end=end),
            asked.place,
            asked.tags,
        )
        return bool(proof.lost), bool(proof.leaking), bool(proof.deciding), bool(proof.broken)

    assert proved(found.after, nsg()) == (False, False, False, False)
    assert proved(without, found.after) == (True, False, False, True)
    assert proved(open_to_all, nsg()) == (False, True, True, False)


# --- many of them ----------------------------------------------------------------------------------


def some_traffic(random: Random) -> list[Traffic]:
    """Streams of every sort over few addresses, so that they meet."""
    others = [
        "10.1.2.4",
        "10.1.2.5",
        "10.1.2.6",
        "10.1.0.5",
        "203.0.113.9",
        STORAGE,
        STORAGE_HERE,
        ENTRA,
        CDN,
    ]
    found = {}
    for _ in range(random.randint(1, 14)):
        make = random.choice([incoming, outgoing])
        one = make(
            random.choice(others),
            random.choice([443, 5432, 5433, 6432, 53]),
            random.choice(["Tcp", "Tcp", "Tcp", "Udp", "Icmp"]),
            denied=random.random() < 0.3,
            last=random.randint(1, 100),
        )
        if one.stream.protocol == "Icmp":
            one = one._replace(stream=one.stream._replace(port=0))
        found[one.stream, one.denied] = one
    return [*found.values()]


def some_rules(random: Random) -> list[SecurityRule]:
    sides = ["*", SUBNET, "10.1.2.0/30", "VirtualNetwork", "Storage", "10.1.0.0/16"]
    made: list[SecurityRule] = []
    for way in ("Inbound", "Outbound"):
        for number in sorted(random.sample(range(100, 110), random.randint(0, 6))):
            ends = f"{random.choice(sides)} > {random.choice(sides)}"
            access = random.choice(["Allow", "Deny"])
            ports = random.choice(["*", "5432", "443", "5000-6000"])
            made.append(rule(f"{way}{number}", number, ends, ports=ports, access=access, way=way))
    return made


@pytest.mark.parametrize("seed", range(12))
def test_every_proposal_is_what_the_second_engine_says_it_is(seed: int) -> None:
    agrees_with_the_second_engine(seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 400))
def test_many_proposals_are_what_the_second_engine_says_they_are(seed: int) -> None:
    agrees_with_the_second_engine(seed)


def agrees_with_the_second_engine(seed: int) -> None:
    """What is kept passes and what is set apart does not, on every NSG that a proposal may find."""
    random = Random(seed)
    asked: Given = given(*some_traffic(random), group=nsg(*some_rules(random)))
    found = propose(asked)
    assert found.proof.holds, found.proof
    apart = {one.traffic for one in (*found.apart, *found.beside)}
    for one in asked.observed.traffic:
        if one not in apart and one not in found.unfiltered:
            assert verdict(found, one) == "allowed", one
    for set_apart in found.apart:
        assert verdict(found, set_apart.traffic) == "denied", set_apart
    assert not again(found, asked).edits


@pytest.mark.parametrize("seed", range(2000, 2012))
def test_nothing_changes_for_other_subnets_that_share_the_nsg(seed: int) -> None:
    random = Random(seed)
    standing = [replace(one, priority=one.priority + 300) for one in some_rules(random)]
    asked = given(*some_traffic(random), group=nsg(*standing, subnets=2))
    found = propose(asked)
    assert found.proof.holds, found.proof
    assert not found.removed
    for part in difference(asked.group, found.after, None, tags()).parts:
        own = part.box.destinations if part.direction == "Inbound" else part.box.sources
        assert not minus(own, spans(SUBNET)), part
    for set_apart in found.apart:
        assert verdict(found, set_apart.traffic) == "denied", set_apart


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_worse_after_any_of_the_commands(seed: int) -> None:
    """What passes and is kept passes on the way; what is denied and is set apart is denied on the way."""
    random = Random(1000 + seed)
    asked = given(*some_traffic(random), group=nsg(*some_rules(random)))
    found = propose(asked)
    group, apart = asked.group, [one.traffic for one in found.apart]
    kept = [one for one in asked.observed.traffic if engine(found.after, one) is State.ALLOWED]
    passing = {one for one in kept if engine(group, one) is State.ALLOWED}
    closed = {one for one in apart if engine(group, one) is State.DENIED}
    for edit in found.edits:
        group = edited(group, edit)
        assert {one for one in passing if engine(group, one) is not State.ALLOWED} == set(), edit
        assert {one for one in closed if engine(group, one) is not State.DENIED} == set(), edit
    assert {one.name: one for one in group.rules} == {one.name: one for one in found.after.rules}


def test_a_second_run_needs_no_room_where_everything_stands() -> None:
    """A shared NSG with just so many priorities ahead of somebody else's rule."""
    theirs = rule("theirs", 105, "10.3.0.0/24 > *", ports="443", way="Outbound")
    asked = given(incoming("10.1.2.4"), group=nsg(theirs, subnets=2))
    found = propose(asked)
    assert sorted(one.priority for one in found.after.rules if one.direction == "Outbound") == [
        *range(100, 106)
    ]
    assert not again(found, asked).edits


def test_where_a_shared_nsg_denies_at_once_there_must_be_room_ahead_of_that() -> None:
    """Behind a deny that stays no rule lets pass."""
    deny = rule("deny", 102, "* > *", access="Deny", way="Outbound")
    behind = rule("late", 109, "10.1.0.0/16 > *", access="Deny", way="Outbound")
    with pytest.raises(NoRoom, match="4 outbound rules must stand ahead of the others, and 2 priorities"):
        propose(given(incoming("10.1.2.4"), group=nsg(deny, behind, subnets=2)))
    found = propose(given(incoming("10.1.2.4"), group=nsg(replace(deny, priority=105), behind, subnets=2)))
    assert found.proof.holds
    assert "deny" in {one.name for one in found.denies}


def test_a_deny_of_one_family_that_stays_needs_one_for_the_other_alone() -> None:
    here = place(SUBNET, "fd00:1::/64")
    deny = rule("deny", 140, f"{SUBNET} > *", access="Deny", way="Outbound")
    found = propose(replace(given(incoming("10.1.2.4"), group=nsg(deny, subnets=2)), place=here))
    assert found.proof.holds, found.proof
    outbound = [one for one in found.denies if one.direction == "Outbound"]
    assert [one.sources for one in outbound] == [(SUBNET,), ("fd00:1::/64",)]
    assert [one.name for one in found.added if one.access == "Deny" and one in outbound] == ["deny-other-out"]


def test_what_passes_now_is_asked_one_by_one_where_not_all_of_it_does() -> None:
    """Two clients on one port, and only one of them is let in: that one must not be cut on the way."""
    now = nsg(rule("one", 200, f"10.1.2.4 > {SUBNET}"), rule("deny", 300, "* > *", access="Deny"))
    broken = nsg(rule("ahead", 150, "* > *", access="Deny"), *now.rules)
    end = nsg(rule("ours", 100, f"10.1.2.0/24 > {SUBNET}"), rule("deny", 300, "* > *", access="Deny"))
    asked = Asked(
        kept=(incoming("10.1.2.4"), incoming("10.1.9.9"), incoming("10.1.2.9")),
        wants=(),
        apart=(),
        ours=frozenset({"ours", "deny"}),
    )
    proof = prove(asked, Stages(now=now, between=broken, end=end), place(), tags())
    assert proof.broken == ("Inbound Tcp 5432 from 10.1.2.4/32",)
    assert prove(asked, Stages(now=now, between=now, end=end), place(), tags()).broken == ()


def edited(group: SecurityGroup, edit: Edit) -> SecurityGroup:
    """As ARM does it: a rule of that name is replaced, and no priority is given out twice."""
    assert isinstance(edit, PutSecurityRule | DeleteSecurityRule)
    others = [one for one in group.rules if one.name.lower() != edit.rule.name.lower()]
    put = [edit.rule] if isinstance(edit, PutSecurityRule) else []
    assert (len(others) < len(group.rules)) is isinstance(edit, DeleteSecurityRule)
    return replace(group, rules=(*others, *put))


def engine(group: SecurityGroup, one: Traffic) -> State:
    here, there = Side(spans(SUBNET)), Side(((one.stream.other, one.stream.other),))
    return state_of(
        parse(group, tags()),
        Question(
            direction=one.direction,
            protocol=one.protocol or Protocol.ANY,
            source=here if one.stream.outbound else there,
            destination=there if one.stream.outbound else here,
            ports=one.ports,
        ),
    )
