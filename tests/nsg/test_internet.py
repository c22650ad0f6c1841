"""`Internet` is what `VirtualNetwork` leaves of the public space: the engine beside a plain loop."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.model import SecurityGroup
from tests.nsg import plain
from tests.nsg.builders import decide, networks
from tests.nsg.strategies import INSIDE, UNIVERSE, engine_question, groups, one_packet, packets, questions
from tests.nsg.test_agreement import agree_about_outcomes, names

HOST = networks("168.63.129.16/32")
DEFINED = st.sampled_from(
    [plain.Known(vnet=HOST, apart=True), plain.Known(vnet=(*HOST, *INSIDE), apart=True)]
)
POOL = ("VirtualNetwork", "internet", "internet", "AzureLoadBalancer", "Storage", "CorpNet")


@given(groups(POOL), DEFINED, questions())
def test_a_verdict_is_what_a_plain_loop_finds_where_the_internet_lies_outside_the_network(
    nsg: SecurityGroup, taken: plain.Known, asked: plain.Asked
) -> None:
    agree_about_outcomes(nsg, taken, asked, UNIVERSE)


@given(groups(POOL), DEFINED, packets())
def test_one_packet_is_decided_by_the_rules_that_a_plain_loop_finds_in_the_worlds_left(
    nsg: SecurityGroup, taken: plain.Known, packet: plain.Packet
) -> None:
    verdict = decide(nsg, engine_question(one_packet(packet), taken))
    deciders = plain.deciders(plain.all_rules(nsg), packet, taken)
    assert verdict.outcomes == {plain.outcome(rule.access for rule in deciders)}
    assert names((*verdict.blocking, *verdict.exposing)) == {rule.name for rule in deciders}
