"""What is set apart is told in few rows, whatever there is of it."""

from __future__ import annotations

from driftward.proposal.digest import digest
from driftward.proposal.sifting import SetApart, Why
from tests.driftward.proposal.builders import incoming, outgoing


def test_a_scan_is_one_row_a_flood_is_one_row_and_a_few_are_told_singly() -> None:
    scan = [SetApart(traffic=incoming("10.6.6.6", port), why=Why.SCAN) for port in range(100, 140)]
    flood = [
        SetApart(traffic=incoming(f"203.0.113.{n}", flows=2, denied=n % 2 == 0), why=Why.INTERNET)
        for n in range(20)
    ]
    few = [SetApart(traffic=outgoing(f"104.74.50.{n}", denied=True), why=Why.DENIED) for n in range(3)]
    found = digest([*few, *flood, *scan])
    told = [(row["why"], row["addresses"], row["ports"], row["flows"], row["passed"]) for row in found]
    assert told == [
        ("scan", 1, 40, 40, 40),
        ("internet", 20, 1, 40, 20),
        *[("denied", 1, 1, 1, 0)] * 3,
    ]
    assert [row["address"] for row in found[2:]] == ["104.74.50.0", "104.74.50.1", "104.74.50.2"]


def test_two_scanners_are_two_rows_and_both_ways_are_apart() -> None:
    scans = [
        SetApart(traffic=incoming(f"10.6.6.{n}", port), why=Why.SCAN) for n in (6, 7) for port in range(12)
    ]
    ways = [SetApart(traffic=incoming(f"10.8.0.{n}", denied=True), why=Why.DENIED) for n in range(9)]
    ways += [SetApart(traffic=outgoing(f"10.8.0.{n}", denied=True), why=Why.DENIED) for n in range(9)]
    told = [(row["why"], row["direction"], row["addresses"]) for row in digest([*scans, *ways])]
    assert told == [
        ("scan", "Inbound", 1),
        ("scan", "Inbound", 1),
        ("denied", "Outbound", 9),
        ("denied", "Inbound", 9),
    ]
