"""A million flows become rules in memory that does not grow with them, and a second engine lets each pass."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from local.bench.proposals import SUBNET, TAGS, flows, kept, run, write_log
from local.dev.environments import ROOT
from tests.nsg_check import second_engine

MILLION = 1_000_000
NEVER = {
    "clients of the Internet": ("Inbound", "203.0.0.0/8", "5432"),
    "refused ones": ("Inbound", "185.0.0.0/8", "0-65535"),
    "a scan": ("Inbound", "10.6.6.6", "0-65535"),
    "a refused way out": ("Outbound", "45.0.0.0/8", "8443"),
    "the Internet": ("Outbound", "8.8.8.8", "443"),
}
"""Whom no rule lets pass, of what is in the log and beside it."""


def proposed(log: Path) -> tuple[int, dict[str, Any]]:
    tags = log.with_name("tags.json")
    tags.write_text(json.dumps(TAGS), encoding="utf-8")
    words = ("propose-nsg", "--flows", str(log), "--subnet", SUBNET, "--tags", str(tags), "-o", "json")
    done = subprocess.run(
        [sys.executable, "-m", "driftward", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.returncode, json.loads(done.stdout)


def line(found: dict[str, Any], direction: str, others: list[str], ports: str, protocol: str = "*") -> Any:
    inbound = direction == "Inbound"
    return {
        "nsg": {"properties": {"securityRules": [*found["rules"], *found["denies"]]}},
        "direction": direction,
        "protocol": protocol,
        "source": others if inbound else [SUBNET],
        "destination": [SUBNET] if inbound else others,
        "ports": [ports],
        "tags": TAGS,
        "openTags": True,
    }


def by_port(tuples: Iterable[str]) -> dict[tuple[str, str, str], set[str]]:
    """The other ends by direction, protocol and port, read off the log's own texts."""
    found: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
    for text in tuples:
        _, source, destination, _, port, protocol, way, *_ = text.split(",")
        other = source if way == "I" else destination
        found[way, protocol, port].add(other)
    return found


def lets_pass_what_is_legitimate(found: dict[str, Any], count: int) -> None:
    ways, protocols = {"I": "Inbound", "O": "Outbound"}, {"6": "Tcp", "17": "Udp"}
    for (way, protocol, port), others in by_port(kept(count)).items():
        asked = line(found, ways[way], sorted(others), port, protocols[protocol])
        assert second_engine.verdict(asked) == "allowed", (way, protocol, port)
    for name, (direction, other, ports) in NEVER.items():
        assert second_engine.verdict(line(found, direction, [other], ports)) == "denied", name


def test_a_thousand_flows_pass_by_the_second_engine(tmp_path: Path) -> None:
    log = tmp_path / "log.json"
    write_log(log, 1_000)
    code, found = proposed(log)
    assert (code, found["log"]["flows"]) == (0, 1_000)
    lets_pass_what_is_legitimate(found, 1_000)


@pytest.mark.long
def test_a_million_flows_pass_by_the_second_engine_in_memory_that_stays_flat(tmp_path: Path) -> None:
    log, third = tmp_path / "log.json", tmp_path / "third.json"
    write_log(log, MILLION)
    write_log(third, MILLION // 3)
    code, found = proposed(log)
    assert (code, found["log"]["flows"], found["proof"]["holds"]) == (0, MILLION, True)
    lets_pass_what_is_legitimate(found, MILLION)
    counted = sum(one["flows"] for one in found["rules"])
    assert counted == sum(1 for _ in kept(MILLION))
    assert set(found["log"]["overTheBound"]) == {"fromInternet", "denied"}
    words = ("--subnet", SUBNET, "--json")
    large, small = (run("propose-nsg", "--flows", str(path), *words) for path in (log, third))
    assert large.megabytes < 1.15 * small.megabytes, (large, small)


def test_the_log_of_the_benchmark_holds_what_it_says(tmp_path: Path) -> None:
    log = tmp_path / "log.json"
    write_log(log, 1_234)
    records = json.loads(log.read_text(encoding="utf-8"))["records"]
    groups = (record["flowRecords"]["flows"][0]["flowGroups"][0] for record in records)
    assert [text for group in groups for text in group["flowTuples"]] == list(flows(1_234))
