"""What passes otherwise than before, in words: of servers and subnets, whole or within a question."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest

from shared.guardrails.traffic_difference import difference_between, difference_made
from shared.model import (
    Change,
    ConnectionStatus,
    Direction,
    PublicAccess,
    PutSecurityRule,
    SecurityRule,
    SetPublicAccess,
    Snapshot,
)
from shared.model.change_records import TrafficDifference
from shared.policies import find
from shared.posture.policy import AnyPolicy, bound
from shared.posture.traffic import SubnetTraffic
from tests.builders import (
    ALL_AZURE,
    NSG,
    OFFICE,
    SERVER,
    endpoint,
    public_server,
    rule,
    security_rule,
    server,
    subnet,
)


def policy(policy_id: str) -> AnyPolicy:
    found = find(policy_id)
    assert found is not None
    return bound(found, {})


PUBLIC = policy("postgres-public-access-enabled")
FIREWALL = policy("postgres-firewall-allows-all-azure")
BLOCKED = policy("nsg-blocks-postgres-in-subnet")
NOTHING = TrafficDifference()
DENY_ALL = security_rule("deny-all", 200)
INSIDE = "Inbound 10.0.1.0/24 → 10.0.1.0/24 tcp/5432,6432"


# --- within a policy's question --------------------------------------------------------------------


def test_a_deny_all_newly_denies_what_the_policy_asks_for_and_no_more_is_told() -> None:
    found = difference_between(subnet(), subnet(DENY_ALL), BLOCKED)
    assert found == TrafficDifference(newly_denied=(INSIDE,))


def test_the_same_rules_differ_in_nothing_whatever_they_are_called() -> None:
    renamed = replace(DENY_ALL, name="renamed", description="ours", etag="1")
    assert difference_between(subnet(DENY_ALL), subnet(renamed), BLOCKED) == NOTHING


def test_a_deny_of_part_of_it_is_told_as_that_part() -> None:
    partly = replace(
        DENY_ALL,
        protocol="TCP",
        sources=("10.0.0.0/23",),
        destinations=("10.0.1.7",),
        destination_ports=("5432",),
    )
    found = difference_between(subnet(), subnet(partly), BLOCKED)
    assert found == TrafficDifference(newly_denied=("Inbound 10.0.1.0/24 → 10.0.1.7/32 tcp/5432",))


@pytest.mark.parametrize(
    "elsewhere",
    [
        replace(DENY_ALL, protocol="Udp"),
        replace(DENY_ALL, destination_ports=("22",)),
        replace(DENY_ALL, sources=("10.0.2.0/24",)),
        replace(DENY_ALL, destinations=("10.0.2.0/24",)),
    ],
    ids=["another protocol", "another port", "another source", "another destination"],
)
def test_traffic_that_the_policy_does_not_ask_for_is_left_out(elsewhere: SecurityRule) -> None:
    assert difference_between(subnet(), subnet(elsewhere), BLOCKED) == NOTHING


def test_the_other_direction_is_left_out_where_the_policy_asks_for_one() -> None:
    asked = BLOCKED.forbidden(subnet())
    assert isinstance(asked, SubnetTraffic)
    inbound = tuple(box for box in asked.boxes if box.direction is Direction.INBOUND)
    one_way = replace(BLOCKED, forbidden=lambda _snapshot: SubnetTraffic(boxes=inbound))
    outbound = replace(DENY_ALL, direction=Direction.OUTBOUND)
    assert difference_between(subnet(), subnet(outbound), one_way) == NOTHING
    assert difference_between(subnet(), subnet(DENY_ALL), one_way).newly_denied == (INSIDE,)


def test_both_directions_and_families_are_told_apart() -> None:
    prefixes = (ip_network("10.0.1.0/24"), ip_network("fd00:1::/64"))
    outbound = replace(DENY_ALL, name="out", direction=Direction.OUTBOUND)
    found = difference_between(subnet(prefixes=prefixes), subnet(outbound, prefixes=prefixes), BLOCKED)
    assert set(found.newly_denied) == {
        "Outbound 10.0.1.0/24 → 10.0.1.0/24 tcp/5432,6432",
        "Outbound fd00:1::/64 → fd00:1::/64 tcp/5432,6432",
    }


def test_what_a_tag_decides_from_now_on_is_newly_open() -> None:
    perhaps = replace(DENY_ALL, sources=("CorpNetSaw",))
    assert difference_between(subnet(), subnet(perhaps), BLOCKED) == TrafficDifference(newly_open=(INSIDE,))


def test_an_nsg_that_is_taken_away_lets_everything_pass() -> None:
    found = difference_between(subnet(DENY_ALL), subnet(security_group=None), BLOCKED)
    assert found == TrafficDifference(newly_allowed=(INSIDE,))


def test_two_parts_that_differ_in_the_source_port_alone_are_told_once() -> None:
    low = replace(DENY_ALL, source_ports=("0-1000", "2000-3000"))
    assert difference_between(subnet(), subnet(low), BLOCKED) == TrafficDifference(newly_denied=(INSIDE,))


def test_rules_of_no_one_meaning_are_told_as_far_as_they_say_something() -> None:
    told = difference_between(subnet(), subnet(DENY_ALL, replace(DENY_ALL, name="twin")), BLOCKED)
    assert told == TrafficDifference(newly_denied=(INSIDE,))


def test_of_a_server_the_sources_are_told_that_the_policy_is_about() -> None:
    opened = public_server(firewall_rules=(OFFICE, ALL_AZURE))
    both = ("198.51.100.0-198.51.100.255", "every Azure address")
    assert difference_between(server(), opened, PUBLIC) == TrafficDifference(newly_allowed=both)
    assert difference_between(server(), opened, FIREWALL) == TrafficDifference(newly_allowed=both[1:])


def test_a_dormant_rule_lets_nobody_in() -> None:
    assert difference_between(server(), server(firewall_rules=(ALL_AZURE,)), FIREWALL) == NOTHING


def test_a_target_that_became_another_kind_is_not_compared() -> None:
    assert difference_between(server(), subnet(DENY_ALL), BLOCKED) == NOTHING


# --- what a change makes ---------------------------------------------------------------------------


def planned(by: AnyPolicy, snapshot: Snapshot) -> Change:
    change: Change | None = by.plan(by.evaluate(snapshot), snapshot)
    assert change is not None
    return change


def test_a_planned_rule_newly_allows_its_box() -> None:
    blocking = subnet(DENY_ALL)
    found = difference_made(planned(BLOCKED, blocking), blocking)
    assert found == TrafficDifference(newly_allowed=(INSIDE,))


def test_closing_public_access_newly_denies_every_source_and_keeps_the_endpoints() -> None:
    opened = public_server(firewall_rules=(OFFICE, rule("host", "203.0.113.7")))
    found = difference_made(planned(PUBLIC, opened), opened)
    assert found == TrafficDifference(newly_denied=("198.51.100.0-198.51.100.255", "203.0.113.7"))


def test_a_change_is_told_whole_and_not_only_within_a_question() -> None:
    put = PutSecurityRule(nsg=NSG, rule=replace(DENY_ALL, protocol="Udp", destination_ports=("53",)))
    change = Change(policy=BLOCKED.id, target=subnet().target, edits=(put,), inverse=())
    found = difference_made(change, subnet())
    assert found is not None
    assert all(text.startswith("Inbound ") and text.endswith(" udp/53") for text in found.newly_denied)
    assert found.newly_denied


def test_a_change_that_leads_to_rules_which_cannot_be_read_has_no_difference_to_tell() -> None:
    twin = PutSecurityRule(nsg=NSG, rule=replace(DENY_ALL, name="twin"))
    change = Change(policy=BLOCKED.id, target=subnet().target, edits=(twin,), inverse=())
    assert difference_made(change, subnet(DENY_ALL)) is None


def test_opening_a_server_tells_who_comes_in_and_an_approved_endpoint_is_no_news() -> None:
    closed = server(firewall_rules=(OFFICE,), private_endpoints=(endpoint(ConnectionStatus.APPROVED),))
    opening = SetPublicAccess(server=SERVER, access=PublicAccess.ENABLED)
    change = Change(policy=PUBLIC.id, target=closed.target, edits=(opening,), inverse=())
    assert difference_made(change, closed) == TrafficDifference(
        newly_allowed=("198.51.100.0-198.51.100.255",)
    )
