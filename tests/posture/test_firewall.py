"""Sets of firewall rules: what counts as the whole Internet, and how rules are told apart and shown."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

import pytest

from shared.posture.firewall import (
    admits_whole_internet,
    admitted_by,
    named,
    ranges_of,
    ranges_print,
    wrong_count,
    wrong_prefixes,
)
from shared.posture.traffic import PUBLIC_ADDRESSES, AddressSet
from tests.builders import ALL_AZURE, OFFICE, rule


def is_public(address: str) -> bool:
    number = int(IPv4Address(address))
    return AddressSet(spans=((number, number),)).within(PUBLIC_ADDRESSES)


@pytest.mark.parametrize(
    "first",
    ["1.0.0.0", "11.0.0.0", "100.128.0.0", "172.32.0.0", "192.169.0.0", "198.51.100.7", "223.255.255.255"],
)
def test_addresses_of_the_internet_are_public(first: str) -> None:
    assert is_public(first)


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255"),
        *("127.0.0.1", "169.254.169.254", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255"),
        *("224.0.0.0", "239.255.255.255", "240.0.0.0", "255.255.255.255"),
    ],
)
def test_addresses_that_cannot_come_from_the_internet_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    ("start", "end", "whole"),
    [
        ("0.0.0.0", "255.255.255.255", True),
        ("0.0.0.1", "255.255.255.254", True),
        ("1.0.0.0", "223.255.255.255", True),
        ("1.0.0.1", "223.255.255.255", False),
        ("1.0.0.0", "223.255.255.254", False),
        ("0.0.0.0", "127.255.255.255", False),
        ("255.255.255.255", "0.0.0.0", False),
        ("0.0.0.0", "0.0.0.0", False),
    ],
)
def test_one_rule_admits_the_whole_internet_when_no_public_address_is_left_out(
    start: str, end: str, whole: bool
) -> None:
    assert admits_whole_internet(rule("any name", start, end)) is whole


def test_all_of_azure_is_no_range() -> None:
    assert admitted_by([ALL_AZURE]) == AddressSet()
    assert admitted_by([ALL_AZURE, OFFICE]) == ranges_of(["198.51.100.0/24"])


def test_ranges_are_the_same_whatever_the_names_order_and_number_of_their_rules() -> None:
    one, two = rule("a", "198.51.100.7"), rule("b", "203.0.113.0", "203.0.113.255")
    twin = rule("c", "198.51.100.7")
    assert ranges_print([one, two]) == ranges_print([two, twin, one])
    assert ranges_print([one]) != ranges_print([two])


def test_rules_are_named_with_their_ranges() -> None:
    assert named([OFFICE]) == "'office' (198.51.100.0–198.51.100.255)"


@pytest.mark.parametrize("prefixes", [[], ["198.51.100.0/24"], ["198.51.100.7", "203.0.113.0/28"]])
def test_prefixes_are_taken(prefixes: Any) -> None:
    assert wrong_prefixes(prefixes) is None


@pytest.mark.parametrize(
    "prefixes", [None, "198.51.100.0/24", [1], ["198.51.100.1/24"], ["office"], ["2001:db8::/32"], [None]]
)
def test_what_is_no_list_of_prefixes_is_refused_with_the_reason(prefixes: Any) -> None:
    assert "IPv4 prefixes" in (wrong_prefixes(prefixes) or "")


@pytest.mark.parametrize(
    ("count", "fits"), [(0, True), (65536, True), (-1, False), (True, False), ("1", False), (1.5, False)]
)
def test_a_count_of_addresses_is_a_whole_number(count: Any, fits: bool) -> None:
    assert (wrong_count(count) is None) is fits
