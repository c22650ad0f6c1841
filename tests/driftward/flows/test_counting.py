"""Services by prefixes, tallies with a limit, and groups of flows."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftward.flows.counting import Counting
from driftward.flows.labels import Kind, Label, Setting
from driftward.flows.reader import Named, Origin, Seen
from driftward.flows.services import Services, services_of, without_region
from driftward.flows.tallies import Tally
from driftward.flows.tuples import Packet
from shared.nsg import known_tags, parse_addresses
from shared.nsg.packets.addresses import place


def at(text: str) -> int:
    return place(ip_address(text))


def services(**prefixes: list[str]) -> Services:
    listed = {name.replace("_", "."): prefixes[name] for name in prefixes}
    return services_of(
        known_tags({name: [parse_addresses(p) or () for p in ps] for name, ps in listed.items()})
    )


def test_the_narrowest_tag_comes_first() -> None:
    known = services(
        AzureCloud=["52.0.0.0/8"], Storage=["52.239.0.0/16"], Storage_westeurope=["52.239.130.0/23"]
    )
    assert known.at(at("52.239.130.228")) == ("Storage.westeurope", "Storage", "AzureCloud")
    assert known.at(at("52.239.132.0")) == ("Storage", "AzureCloud")
    assert known.at(at("51.255.255.255")) == ()
    assert known.at(at("53.0.0.0")) == ()
    assert without_region("Storage.westeurope", known.at(at("52.239.130.228"))) == "Storage"
    assert without_region("Sql.westeurope", ("Sql.westeurope",)) == "Sql.westeurope"


def test_ipv6_prefixes_hold_ipv6_addresses_alone() -> None:
    known = services(Storage=["2603:1020:5::/48", "0.0.0.0/1"])
    assert known.at(at("2603:1020:5::7")) == ("Storage",)
    assert known.at(at("2603:1020:6::7")) == ()
    assert known.at(at("127.255.255.255")) == ("Storage",)


def test_what_is_no_service_names_nobody() -> None:
    known = services(Internet=["0.0.0.0/0"], VirtualNetwork=["10.0.0.0/8"], AzureLoadBalancer=["1.1.1.1/32"])
    assert known.at(at("10.0.0.1")) == known.at(at("1.1.1.1")) == ()
    assert known.missing == ("Storage", "AzureActiveDirectory", "AzureKeyVault", "AzureMonitor")


_PREFIX = st.tuples(st.integers(0, 63), st.integers(27, 32)).map(lambda p: f"10.0.0.{p[0]}/{p[1]}")


@given(st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), st.lists(_PREFIX, min_size=1, max_size=4)))
def test_the_stretches_agree_with_asking_each_prefix(prefixes: dict[str, list[str]]) -> None:
    known = services(**prefixes)
    for last in range(70):
        here = at(f"10.0.0.{last}")
        plain = {
            name
            for name, listed in prefixes.items()
            for prefix in listed
            for first, end in parse_addresses(prefix) or ()
            if first <= here <= end
        }
        assert set(known.at(here)) == plain


def test_a_full_tally_counts_on_and_says_that_its_number_is_a_lower_bound() -> None:
    tally: Tally[str] = Tally(2)
    for thing in ("a", "b", "c", "a", "d", "c"):
        tally.add(thing)
    assert (tally.counts, tally.rest, len(tally), tally.is_complete) == ({"a": 2, "b": 1}, 3, 2, False)
    assert list(tally.first(1)) == [("a", 2)]


def test_equals_are_told_in_the_order_in_which_they_came() -> None:
    tally: Tally[str] = Tally()
    for thing in ("z", "a", "m", "a"):
        tally.add(thing)
    assert list(tally.first(3)) == [("a", 2), ("z", 1), ("m", 1)]


OUT = Packet(at("10.1.0.4"), at("104.74.50.201"), 443, "Tcp", True, "")
IN = Packet(at("198.51.100.7"), at("10.1.0.4"), 5432, "Tcp", False, "")


def test_groups_hold_first_and_last_time_whatever_the_order() -> None:
    counting = Counting(Setting())
    counting.take([Seen(2000, OUT, "a"), Seen(1000, OUT, "b"), Seen(5000, None, "c"), Seen(1500, IN, "a")])
    (unknown, inbound) = counting.groups.values()
    assert unknown.label == Label(Kind.UNKNOWN, "", True)
    assert (unknown.count, unknown.first, unknown.last) == (2, 1000, 2000)
    assert unknown.rules.counts == {"a": 1, "b": 1}
    assert inbound.addresses.counts == {at("198.51.100.7"): 1}
    assert inbound.here.counts == {at("10.1.0.4"): 1}
    assert (counting.flows, counting.denied, counting.first, counting.last) == (4, 3, 1000, 5000)


def test_a_rule_that_is_named_later_is_the_rule_of_all_flows_before_it() -> None:
    counting = Counting(Setting())
    counting.take([Seen(1, OUT, None), Seen(2, IN, None), Named("r"), Seen(3, OUT, None), Named("s")])
    counting.take([Origin("", "nsg/2")])
    (unknown, inbound) = counting.groups.values()
    assert unknown.rules.counts == {"r": 1, "s": 1}
    assert inbound.rules.counts == {"r": 1}


@pytest.mark.parametrize(("outbound", "kept"), [(True, 2), (False, 1), (None, 3)])
def test_a_direction_that_was_not_asked_for_is_counted_apart(outbound: bool | None, kept: int) -> None:
    counting = Counting(Setting(), outbound=outbound)
    counting.take([Seen(1, OUT, "a"), Seen(2, OUT, "a"), Seen(3, IN, "a")])
    assert sum(group.count for group in counting.groups.values()) == kept
    assert counting.left_out == 3 - kept
