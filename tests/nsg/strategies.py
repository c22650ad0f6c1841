"""NSGs that Hypothesis draws: a small universe of addresses, and few open sets per group."""

from __future__ import annotations

from ipaddress import ip_address

from hypothesis import strategies as st

from shared.model import Access, Direction, SecurityGroup, SecurityRule
from tests.nsg.builders import asg, group, networks

LITERALS = {
    4: [
        "10.0.0.0/30",
        "10.0.0.1",
        "10.0.0.3/31",
        "10.0.0.1-10.0.0.2",
        "20.0.0.0/31",
        "0.0.0.0/0",
        "0.0.0.0/1",
    ],
    6: ["fd00::/127", "fd00::1", "2600::/127", "::/0", "fd00::-fd00::1"],
}
NAMED = [
    "*",
    "VirtualNetwork",
    "internet",
    "AzureLoadBalancer",
    "Storage",
    "Storage.WestEurope",
    "CorpNet",
    "789",
]
GROUPS = [asg("web")]
PORTS = ["*", "5432", "22-22", "5000-6000", "6432"]
INSIDE = networks("10.0.0.0/30", "fd00::/127")
ADDRESSES = [
    *map(ip_address, ["10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3", "20.0.0.0", "20.0.0.1"]),
    *map(ip_address, ["fd00::", "fd00::1", "2600::"]),
]


@st.composite
def rules(draw: st.DrawFn, name: str, named: list[str], direction: Direction | None = None) -> SecurityRule:
    family = draw(st.sampled_from([4, 6]))
    texts = st.lists(st.sampled_from([*LITERALS[family], *named]), min_size=1, max_size=2, unique=True)
    grouped = st.lists(st.sampled_from(GROUPS), min_size=1, max_size=1)
    by_group = st.sampled_from([False, False, False, True])
    ends = [((), tuple(draw(grouped))) if draw(by_group) else (tuple(draw(texts)), ()) for _ in "sd"]
    ports = st.lists(st.sampled_from(PORTS), min_size=1, max_size=2, unique=True)
    return SecurityRule(
        name=name,
        direction=direction or draw(st.sampled_from(list(Direction))),
        access=draw(st.sampled_from(list(Access))),
        priority=draw(st.integers(100, 4096)),
        protocol=draw(st.sampled_from(["Tcp", "TCP", "*", "Udp", "Esp"])),
        sources=ends[0][0],
        source_groups=ends[0][1],
        destinations=ends[1][0],
        destination_groups=ends[1][1],
        source_ports=draw(st.sampled_from([("*",), ("*",), ("1024-65535",)])),
        destination_ports=tuple(draw(ports)),
    )


@st.composite
def groups(draw: st.DrawFn) -> SecurityGroup:
    """Up to seven rules that name few open sets, so that all worlds can be tried."""
    named = draw(st.lists(st.sampled_from(NAMED), min_size=1, max_size=2, unique=True))
    direction = draw(st.sampled_from([Direction.INBOUND, Direction.OUTBOUND, None]))
    drawn = [draw(rules(f"r{n}", named, direction)) for n in range(draw(st.integers(0, 7)))]
    unique = {(rule.direction, rule.priority): rule for rule in drawn}
    return group(*unique.values())
