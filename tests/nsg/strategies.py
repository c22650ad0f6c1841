"""NSGs and questions that Hypothesis draws: a small universe of addresses, few open sets per group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from random import Random

from hypothesis import strategies as st

from shared.model import Access, Direction, SecurityGroup, SecurityRule
from shared.model.resource_id import ResourceId
from shared.nsg import Protocol, Question, Tags, read_side, union
from shared.nsg.rules.reading import read_ports
from tests.nsg import plain
from tests.nsg.builders import Asked, asg, group, known, networks

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
    "CorpNet.West",
    "789",
]
GROUPS = [asg("web"), asg("app"), asg("pool")]
PORTS = ["*", "5432", "22-22", "5000-6000", "6432"]
INSIDE = networks("10.0.0.0/30", "fd00::/127")
PUBLIC_INSIDE = networks("10.0.0.0/30", "20.0.0.0/32", "2600::/127")
"""A virtual network may use public addresses for its own."""
UNIVERSE = plain.Universe(
    # Those that literals tell apart, and two of every other kind that bounds tell apart.
    addresses=tuple(
        ip_address(f"{network}{last}")
        for network, ends in {
            "10.0.0.": "0123",
            "10.9.0.": "01",
            "1.0.0.": "01",
            "20.0.0.": "01",
            "192.168.0.": "01",
            "203.0.113.": "01",
            "168.63.129.1": "6",
            "fd00::": "01",
            "fd01::": "01",
            "2600::": "01",
            "2a00::": "01",
        }.items()
        for last in ends
    ),
    ports=(22, 443, 5432, 5500, 6432),
    source_ports=(80, 50000),
)
SMALL = plain.Universe(
    addresses=tuple(
        ip_address(f"{network}{last}")
        for network, ends in {
            "10.0.0.": "012",
            "10.9.0.": "0",
            "20.0.0.": "01",
            "203.0.113.": "0",
            "fd00::": "01",
            "2600::": "0",
            "2a00::": "0",
        }.items()
        for last in ends
    ),
    ports=(22, 5432, 5500, 6432),
    source_ports=(80, 50000),
    protocols=("Tcp", "Udp", "Esp", "other"),
)
"""Enough to compare every packet before and after in each example."""
CLOSED = {
    "AzureLoadBalancer": ("168.63.129.16/32",),
    "VirtualNetwork": ("10.0.0.0/30", "fd00::/127"),
    "Internet": ("20.0.0.0/31", "2600::/127", "10.0.0.2/32"),
    "Storage": ("20.0.0.0/32", "10.0.0.0/31", "2600::/128"),
    "Storage.WestEurope": ("20.0.0.0/31", "fd00::/128"),
    "corpnet": ("10.0.0.0/30",),
    "CorpNet.West": ("10.0.0.1/32", "20.0.0.0/31"),
}


def rules(name: str, named: list[str], direction: Direction | None = None) -> st.SearchStrategy[SecurityRule]:
    """A rule is made of a number: drawing its dozen parts one by one took most of the time of the tests."""
    return SEEDS.map(lambda seed: _rule(Random(seed), name, named, direction))


SEEDS = st.integers(0, 2**32)


def _rule(random: Random, name: str, named: list[str], direction: Direction | None) -> SecurityRule:
    texts = [*LITERALS[random.choice([4, 6])], *named]
    ends = [_end(random, texts) for _ in "sd"]
    return SecurityRule(
        name=name,
        direction=direction or random.choice(list(Direction)),
        access=random.choice(list(Access)),
        priority=random.choice([random.randint(100, 4096), random.randint(100, 4096), 100, 4095, 4096]),
        protocol=random.choice(["Tcp", "TCP", "*", "*", "Udp", "Esp"]),
        sources=ends[0][0],
        source_groups=ends[0][1],
        destinations=ends[1][0],
        destination_groups=ends[1][1],
        source_ports=random.choice([("*",), ("*",), ("1024-65535",)]),
        destination_ports=_one_or_two(random, PORTS),
    )


def _end(random: Random, texts: list[str]) -> tuple[tuple[str, ...], tuple[ResourceId, ...]]:
    """An application security group in a quarter of the rules, else texts, and of these a third is ``*``."""
    if random.random() < 0.25:
        return (), (GROUPS[0],)
    return random.choice([_one_or_two(random, texts), _one_or_two(random, texts), ("*",)]), ()


def _one_or_two(random: Random, texts: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(random.choices(texts, k=random.choice([1, 2]))))


@st.composite
def groups(draw: st.DrawFn, pool: tuple[str, ...] = tuple(NAMED)) -> SecurityGroup:
    """Up to seven rules that name few open sets, so that all worlds can be tried."""
    named = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=3, unique=True))
    direction = draw(st.sampled_from([Direction.INBOUND, Direction.OUTBOUND, None]))
    drawn = [draw(rules(f"r{n}", named, direction)) for n in range(draw(st.integers(0, 7)))]
    unique = {(rule.direction, rule.priority): rule for rule in drawn}
    return group(*unique.values())


def grouped() -> st.SearchStrategy[SecurityGroup]:
    """Up to five rules of one direction, nearly all of them between application security groups."""
    return st.tuples(SEEDS, st.sampled_from(Direction), st.integers(1, 5)).map(
        lambda drawn: group(*_grouped(Random(drawn[0]), drawn[1], drawn[2]))
    )


def _grouped(random: Random, direction: Direction, count: int) -> Iterator[SecurityRule]:
    for n, priority in enumerate(random.sample(range(100, 4097), count)):
        (sources, source_groups), (destinations, destination_groups) = (_some(random) for _ in "sd")
        yield replace(
            _rule(random, f"r{n}", [], direction),
            priority=priority,
            sources=sources,
            source_groups=source_groups,
            destinations=destinations,
            destination_groups=destination_groups,
        )


def _some(random: Random) -> tuple[tuple[str, ...], tuple[ResourceId, ...]]:
    if random.random() < 0.2:
        return random.choice([("*",), ("10.0.0.0/30",), ("10.0.0.1",)]), ()
    return (), tuple(random.sample(GROUPS, random.choice([1, 2, 2, 3])))


BOUNDED = plain.Known(
    closed=tuple((name.lower(), networks(*CLOSED[name])) for name in ("VirtualNetwork", "Internet")), vnet=()
)
"""What leaves nothing open but groups, and those within the network."""
NETWORK = plain.Universe(
    addresses=tuple(
        map(ip_address, ("10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3", "20.0.0.0", "20.0.0.1"))
    ),
    ports=(5432,),
    source_ports=(50000,),
    protocols=("Tcp",),
)


def one_service() -> st.SearchStrategy[plain.Asked]:
    """Questions about packets of ``NETWORK``."""
    sides = st.sampled_from([("10.0.0.0/30",), ("10.0.0.1/32",), ("10.0.0.0-10.0.0.2",), ("20.0.0.0/31",)])
    return st.builds(
        plain.Asked,
        direction=st.sampled_from(Direction),
        protocol=st.just("Tcp"),
        sources=sides,
        destinations=sides,
        ports=st.just(("5432",)),
        source_ports=st.just(("50000",)),
    )


@st.composite
def knowledge(draw: st.DrawFn) -> plain.Known:
    """Which tags are closed, and whether prefixes of the virtual network are known."""
    names = draw(
        st.one_of(
            st.just(["AzureLoadBalancer"]),
            st.lists(st.sampled_from(sorted(CLOSED)), max_size=3, unique=True),
        )
    )
    closed = tuple((name.lower(), networks(*CLOSED[name])) for name in names)
    return plain.Known(closed=closed, vnet=draw(st.sampled_from([INSIDE, INSIDE, PUBLIC_INSIDE, ()])))


SIDES = ["10.0.0.0/30", "10.0.0.1/32", "20.0.0.0/31", "fd00::/127", "2600::/128", "10.0.0.0-10.0.0.2"]
TAG_SIDES = ["Storage", "storage.westeurope", "CorpNet", "CorpNet.West", "Internet", "VirtualNetwork"]
SOURCE_PORTS: list[tuple[str, ...]] = [("*",), ("*",), ("80", "50000"), ("1024-65535",)]
ASKED_PORTS = [("5432",), ("5432", "6432"), ("22",), ("5000-6000",), ("*",)]


def questions(*, mixed: bool = True) -> st.SearchStrategy[plain.Asked]:
    """Made of a number too."""
    return SEEDS.map(lambda seed: _question(Random(seed), mixed=mixed))


def _question(random: Random, *, mixed: bool) -> plain.Asked:
    source = _side(random, mixed=mixed)
    return plain.Asked(
        direction=random.choice(list(Direction)),
        protocol=random.choice(["Tcp", "Tcp", "Udp", "Icmp", "*"]),
        sources=source,
        destinations=random.choice([source, _side(random, mixed=mixed)]),
        ports=random.choice(ASKED_PORTS),
        source_ports=random.choice(SOURCE_PORTS),
    )


def _side(random: Random, *, mixed: bool) -> tuple[str, ...]:
    """Prefixes, every address, or a tag; a tag and prefixes together where ``mixed``."""
    listed, tagged = _one_or_two(random, SIDES), (random.choice(TAG_SIDES),)
    alone: list[tuple[str, ...]] = [listed, listed, ("*",), tagged, tagged]
    return random.choice([*alone, (random.choice(SIDES), *tagged)] if mixed else alone)


def tags_of(taken: plain.Known) -> Tags:
    """The same knowledge in the engine's words."""
    closed = {name: [str(prefix) for prefix in prefixes] for name, prefixes in taken.closed}
    return replace(known(closed, taken.vnet), apart=taken.apart)


def engine_question(asked: plain.Asked, taken: plain.Known) -> Asked:
    """The same question in the engine's words."""
    tags = tags_of(taken)
    question = Question(
        direction=asked.direction,
        protocol=Protocol(asked.protocol),
        source=read_side(asked.sources, tags),
        destination=read_side(asked.destinations, tags),
        ports=union(span for text in asked.ports for span in read_ports(text) or ()),
        source_ports=union(span for text in asked.source_ports for span in read_ports(text) or ()),
    )
    return Asked(question=question, tags=tags)


def one_packet(packet: plain.Packet) -> plain.Asked:
    """A question about a single packet."""
    return plain.Asked(
        direction=packet.direction,
        protocol=packet.protocol,
        sources=(str(packet.source),),
        destinations=(str(packet.destination),),
        ports=(str(packet.port),),
        source_ports=(str(packet.source_port),),
    )


@st.composite
def packets(draw: st.DrawFn, direction: Direction | None = None) -> plain.Packet:
    source = draw(st.sampled_from(UNIVERSE.addresses))
    alike = [address for address in UNIVERSE.addresses if address.version == source.version]
    return plain.Packet(
        direction=direction or draw(st.sampled_from(list(Direction))),
        protocol=draw(st.sampled_from(plain.PROTOCOLS)),
        source=source,
        source_port=draw(st.sampled_from(UNIVERSE.source_ports)),
        destination=draw(st.sampled_from([source, *alike])),
        port=draw(st.sampled_from(UNIVERSE.ports)),
    )
