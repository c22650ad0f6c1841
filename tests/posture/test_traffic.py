"""Who may come in to a server: sets of addresses against plain sets."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model import ConnectionStatus, PublicAccess, ServerSnapshot, TargetKind
from shared.posture.traffic import (
    AddressSet,
    ServerTraffic,
    public_sources,
    server_traffic,
)
from tests.builders import (
    ALL_AZURE,
    SUBNET,
    endpoint,
    public_server,
    rule,
    server,
    single_server,
    subnet_rule,
)
from tests.strategies import servers

_NUMBER = st.integers(0, 40)
_SPANS = st.lists(st.tuples(_NUMBER, _NUMBER).map(lambda ends: (min(ends), max(ends))), max_size=5)


def members(spans: list[tuple[int, int]] | tuple[tuple[int, int], ...]) -> set[int]:
    return {number for low, high in spans for number in range(low, high + 1)}


# --- sets of addresses -----------------------------------------------------------------------------


@given(_SPANS)
def test_a_set_holds_exactly_the_addresses_of_its_spans(spans: list[tuple[int, int]]) -> None:
    assert members(AddressSet.of(spans).spans) == members(spans)


@given(_SPANS)
def test_a_set_has_one_form(spans: list[tuple[int, int]]) -> None:
    one = AddressSet.of(spans)
    assert AddressSet.of((n, n) for n in members(spans)) == one
    assert all(left[1] + 1 < right[0] for left, right in zip(one.spans, one.spans[1:], strict=False))


@given(_SPANS, _SPANS)
def test_difference_and_inclusion_are_those_of_sets(
    one: list[tuple[int, int]], other: list[tuple[int, int]]
) -> None:
    left, right = AddressSet.of(one), AddressSet.of(other)
    difference = left.minus(right)
    assert members(difference.spans) == members(one) - members(other)
    assert difference == AddressSet.of(difference.spans)
    assert left.within(right) is (members(one) <= members(other))


def test_an_empty_span_holds_nobody() -> None:
    assert AddressSet.of([(5, 3)]) == AddressSet()


def test_a_rule_that_ends_before_it_starts_admits_nobody() -> None:
    backwards = public_server(firewall_rules=(rule("odd", "10.0.0.9", "10.0.0.1"),), private_endpoints=())
    assert server_traffic(backwards).nobody


def test_addresses_are_described_as_people_write_them() -> None:
    spans = [(int(IPv4Address("1.2.3.4")),) * 2, (int(IPv4Address("1.2.4.0")), int(IPv4Address("1.2.4.255")))]
    assert AddressSet.of(spans).describe() == ["1.2.3.4", "1.2.4.0-1.2.4.255"]


# --- who may come in -------------------------------------------------------------------------------


@given(servers(TargetKind.FLEXIBLE_SERVER), servers(TargetKind.FLEXIBLE_SERVER))
def test_what_one_admits_beyond_another_is_nobody_exactly_when_it_lies_within(
    one: ServerSnapshot, other: ServerSnapshot
) -> None:
    left, right = server_traffic(one), server_traffic(other)
    assert left.minus(right).nobody is left.within(right)
    assert left.minus(right).within(left)
    assert left.within(left)
    assert left.minus(left).nobody


@given(servers(TargetKind.SINGLE_SERVER))
def test_closing_public_access_leaves_the_endpoints_and_nobody_else(open_or_not: ServerSnapshot) -> None:
    closed = server_traffic(replace(open_or_not, public_access=PublicAccess.DISABLED))
    assert closed == ServerTraffic(endpoints=server_traffic(open_or_not).endpoints)


def test_the_range_of_zeros_is_all_of_azure_and_no_address() -> None:
    traffic = server_traffic(public_server(firewall_rules=(ALL_AZURE,)))
    assert (traffic.all_azure, traffic.sources) == (True, AddressSet())


def test_a_range_that_begins_with_zero_is_addresses() -> None:
    whole = public_server(firewall_rules=(rule("all", "0.0.0.0", "255.255.255.255"),))
    assert server_traffic(whole).all_azure is False
    assert server_traffic(whole).sources.describe() == ["0.0.0.0-255.255.255.255"]


def test_overlapping_rules_admit_their_union() -> None:
    rules = (rule("a", "10.0.0.1", "10.0.0.5"), rule("b", "10.0.0.4", "10.0.0.9"), rule("c", "10.0.0.10"))
    assert public_sources(public_server(firewall_rules=rules)).sources.describe() == ["10.0.0.1-10.0.0.10"]


@pytest.mark.parametrize(
    "parts",
    [{"public_access": PublicAccess.DISABLED}, {"delegated_subnet": SUBNET}],
)
def test_rules_admit_nobody_while_there_is_no_public_path(parts: dict[str, Any]) -> None:
    traffic = server_traffic(public_server(**{"private_endpoints": (), **parts}))
    assert traffic.nobody


def test_public_access_that_is_not_known_to_be_off_counts_as_on() -> None:
    unsure = public_server(public_access=PublicAccess.UNKNOWN, private_endpoints=())
    assert server_traffic(unsure).sources.describe() == ["198.51.100.0-198.51.100.255"]


@pytest.mark.parametrize("status", ConnectionStatus)
def test_only_an_approved_endpoint_lets_anybody_in(status: ConnectionStatus) -> None:
    traffic = server_traffic(server(private_endpoints=(endpoint(status),)))
    assert traffic.nobody is (status is not ConnectionStatus.APPROVED)


def test_endpoints_that_were_not_read_let_nobody_in() -> None:
    assert server_traffic(server(private_endpoints=None)).nobody


def test_the_subnets_of_virtual_network_rules_come_in_while_public_access_is_on() -> None:
    admitting = single_server(firewall_rules=(), virtual_network_rules=(subnet_rule(),))
    assert server_traffic(admitting) == ServerTraffic(
        subnets=frozenset({SUBNET.key}), endpoints=server_traffic(server()).endpoints
    )
    assert server_traffic(replace(admitting, public_access=PublicAccess.UNKNOWN)).subnets
    assert not server_traffic(replace(admitting, public_access=PublicAccess.DISABLED)).subnets


def test_a_subnet_more_is_somebody_more() -> None:
    one = server_traffic(single_server(virtual_network_rules=(subnet_rule(),), private_endpoints=()))
    none = server_traffic(single_server(virtual_network_rules=(), private_endpoints=()))
    assert none.within(one)
    assert not one.within(none)
    assert one.minus(none) == ServerTraffic(subnets=frozenset({SUBNET.key}))
    assert not one.minus(none).nobody
    assert one.minus(none).describe() == [SUBNET.key]


# --- what sets of addresses have in common ---------------------------------------------------------


@given(_SPANS, _SPANS)
def test_what_two_sets_have_in_common_is_in_both(
    left: list[tuple[int, int]], right: list[tuple[int, int]]
) -> None:
    common = AddressSet.of(left).common(AddressSet.of(right))
    assert members(common.spans) == members(left) & members(right)
    assert common.size == len(members(left) & members(right))


def test_prefixes_hold_the_same_addresses_and_are_as_few_as_can_be() -> None:
    ends = (IPv4Address("10.0.0.0"), IPv4Address("10.0.2.255"))
    addresses = AddressSet.of([(int(ends[0]), int(ends[1]))])
    assert [str(prefix) for prefix in addresses.prefixes()] == ["10.0.0.0/23", "10.0.2.0/24"]
    assert sum(prefix.num_addresses for prefix in addresses.prefixes()) == addresses.size
