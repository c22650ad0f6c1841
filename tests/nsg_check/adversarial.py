"""Lines of ``explain-nsg --batch`` to measure on: ordinary ones, the largest one, and hard ones.

``Storage`` and other sets are open in all of them. The hard ones are those on which an engine that cuts
boxes may fall behind: exact partitions of the question in two, three and four dimensions (whole, so that
every rule is needed, or with one cell missing), disjoint boxes before a rule for everything, and prefixes
that all overlap. A seed decides everything. Nothing here knows an engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, ip_network
from random import Random
from typing import Final

from tests.nsg_check.instances import Object, properties_of

MOST_RULES: Final = 1000
"""Of one NSG (network limits), and of the prefixes 4,000 on each side."""
_MOST_GROUPS: Final = 100
"""Application security groups that all rules of an NSG name together (network limits)."""
_SOURCES: Final = "10.0.0.0/16"
_DESTINATIONS: Final = "10.1.0.0/16"
_SUBNETS: Final = (IPv4Network(_SOURCES), IPv4Network(_DESTINATIONS))
_EVERY_PORT: Final = (0, 65535)
_TWO_PORTS: Final = ("5432", "6432")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A part of the question."""

    source: IPv4Network = _SUBNETS[0]
    destination: IPv4Network = _SUBNETS[1]
    ports: tuple[int, int] = _EVERY_PORT
    source_ports: tuple[int, int] = _EVERY_PORT


def random_rules(count: int, seed: int) -> Object:
    """``count`` rules in both directions, half of the addresses in and around the question's subnet."""
    random = Random(seed)
    rules = []
    for n, priority in enumerate(sorted(random.sample(range(100, 4097), count))):
        ends = [_scattered(random, 1), _scattered(random, 1)]
        access, port = (
            random.choice(["Allow", "Deny"]),
            random.choice(["*", "5432", "6432", "22", "5000-6000"]),
        )
        rule = _rule((n, priority), ends, [port], access)
        rules.append(_turned(rule, random.choice(["Inbound", "Outbound"])))
    return _line(rules, [_SOURCES], [_SOURCES], ["5432"])


def largest(seed: int) -> Object:
    """As large as Azure permits: a grid of 25 by 40 rules of 4 + 4 prefixes; all of them are needed."""
    random = Random(seed)
    rows = _fours(random, _SOURCES, 100)
    columns = _fours(random, _DESTINATIONS, 160)
    cells = [(row, column) for row in rows for column in columns]
    random.shuffle(cells)
    rules = [_rule((n, 100 + n), ends, _TWO_PORTS, "Allow") for n, ends in enumerate(cells)]
    return _line(rules, [_SOURCES], [_DESTINATIONS], _TWO_PORTS)


def largest_parts(seed: int) -> Object:
    """As large, with other texts in each rule: 1,000 cells of two /8, each listed as 4 blocks a side."""
    random = Random(seed)
    wide = Cell(source=IPv4Network("10.0.0.0/8"), destination=IPv4Network("11.0.0.0/8"))
    cells = _cells(random, wide, 2, MOST_RULES)
    rules = [
        _rule(
            (n, 100 + n), [_quarters(random, c.source), _quarters(random, c.destination)], _TWO_PORTS, "Allow"
        )
        for n, c in enumerate(cells)
    ]
    return _line(rules, ["10.0.0.0/8"], ["11.0.0.0/8"], _TWO_PORTS)


def largest_random(seed: int) -> Object:
    """1,000 inbound rules of 4 + 4 prefixes in and around the question, Allow and Deny mixed."""
    random = Random(seed)
    rules = [
        _rule(
            (n, 100 + n),
            [_scattered(random, 4), _scattered(random, 4)],
            _TWO_PORTS,
            random.choice(["Allow", "Deny"]),
        )
        for n in range(MOST_RULES)
    ]
    return _line(rules, [_SOURCES], [_SOURCES], _TWO_PORTS)


def partition(dimensions: int, count: int, seed: int, *, missing: int = 0) -> Object:
    """``count`` allow rules that together are the question, without ``missing`` of them, then deny all.

    Dimensions in this order: source, destination, destination port, source port.
    """
    random = Random(seed)
    cells = _cells(random, Cell(), dimensions, count)
    random.shuffle(cells)
    ports = _TWO_PORTS if dimensions == 2 else ["*"]
    rules = [_cell_rule(n, cell, ports, "Allow") for n, cell in enumerate(cells[missing:])]
    rules.append(_rule((count, 4096), [["*"], ["*"]], ["*"], "Deny"))
    return _line(rules, [_SOURCES], [_DESTINATIONS], ports)


def disjoint_denies(count: int, seed: int) -> Object:
    """``count`` disjoint deny boxes in four dimensions, then a rule that allows everything."""
    random = Random(seed)
    cells = random.sample(_cells(random, Cell(), 4, count + count // 8), count)
    rules = [_cell_rule(n, cell, ["*"], "Deny") for n, cell in enumerate(cells)]
    rules.append(_rule((count, 4096), [["*"], ["*"]], ["*"], "Allow"))
    return _line(rules, [_SOURCES], [_DESTINATIONS], ["*"])


def nested(count: int, seed: int) -> Object:
    """``count`` rules, Allow and Deny in turn, whose prefixes and ports all hold one packet."""
    random = Random(seed)
    rules = []
    for n in range(count):
        source, destination = (
            str(ip_network((address, random.randint(8, 32)), strict=False))
            for address in ("10.0.77.7", "10.1.99.9")
        )
        ports = f"{random.randint(0, 5432)}-{random.randint(5432, 65535)}"
        rules.append(_rule((n, 100 + n), [[source], [destination]], [ports], "Deny" if n % 2 else "Allow"))
    return _line(rules, [_SOURCES], [_DESTINATIONS], ["*"])


def between_groups(count: int, seed: int) -> Object:
    """``count`` rules, Allow and Deny in turn, between ten application security groups on each side.

    They are ten of the hundred that an NSG may name, so that rules tell most of them apart.
    """
    random = Random(seed)
    rules = []
    for n in range(count):
        rule = _rule((n, 100 + n), [["*"], ["*"]], ["5432"], "Deny" if n % 2 else "Allow")
        properties = properties_of(rule)
        for side in ("source", "destination"):
            del properties[f"{side}AddressPrefix"]
            properties[f"{side}ApplicationSecurityGroups"] = [
                {"id": f"/asg/{number}"} for number in random.sample(range(_MOST_GROUPS), 10)
            ]
        rules.append(rule)
    return _line(rules, [_SOURCES], [_SOURCES], ["5432"])


def typical() -> tuple[Object, ...]:
    """One NSG of 50 rules and the contracts C1 to C9 of a server with a replica; C7 goes both ways."""
    random = Random(0)
    servers, replica, clients = "10.0.1.0/28", "10.9.1.0/28", "10.0.2.0/24"
    inside = [_rule((n, 100 + n), [[servers], [servers]], _TWO_PORTS, "Allow") for n in range(2)]
    rules = [inside[0], _turned(inside[1], "Outbound")]
    rules.append(_rule((2, 110), [[clients], [servers]], _TWO_PORTS, "Allow"))
    rules.append(_turned(_rule((3, 110), [["*"], ["Storage"]], ["443"], "Allow"), "Outbound"))
    for n in range(4, 48):
        ends = [_scattered(random, 1), random.choice([[servers], ["10.0.3.0/24"], ["Sql"], ["*"]])]
        rule = _rule(
            (n, 200 + n), ends, [random.choice(["22", "443", "5432"])], random.choice(["Allow", "Deny"])
        )
        rules.append(_turned(rule, random.choice(["Inbound", "Outbound"])))
    rules.append(_rule((48, 4096), [["*"], ["*"]], ["*"], "Deny"))
    rules.append(_turned(_rule((49, 4096), [["*"], ["Internet"]], ["*"], "Deny"), "Outbound"))
    asked = [
        *(("Inbound", servers, servers, port) for port in _TWO_PORTS),
        *(("Outbound", servers, servers, port) for port in _TWO_PORTS),
        ("Outbound", servers, "Storage.WestEurope", "443"),
        ("Outbound", servers, "AzureActiveDirectory", "443"),
        ("Inbound", replica, servers, "5432"),
        ("Outbound", servers, replica, "5432"),
        ("Outbound", servers, "Storage.NorthEurope", "443"),
        ("Inbound", clients, servers, "5432"),
    ]
    first = _line(rules, [servers], [servers], ["5432"])
    return tuple(
        {**first, "direction": direction, "source": [source], "destination": [destination], "ports": [port]}
        for direction, source, destination, port in asked
    )


def _line(
    rules: Sequence[Object], sources: list[str], destinations: list[str], ports: Sequence[str]
) -> Object:
    return {
        "id": 0,
        "nsg": {"name": "nsg", "properties": {"securityRules": list(rules)}},
        "direction": "Inbound",
        "protocol": "Tcp",
        "source": sources,
        "destination": destinations,
        "ports": list(ports),
        "openTags": True,
    }


def _rule(place: tuple[int, int], ends: Sequence[list[str]], ports: Sequence[str], access: str) -> Object:
    """Inbound; ``place`` is the number in the name and the priority."""
    fields: Object = {
        "priority": place[1],
        "direction": "Inbound",
        "access": access,
        "protocol": "Tcp",
        "sourcePortRange": "*",
        **_spelled("destinationPortRange", list(ports)),
        **_spelled("sourceAddressPrefix", ends[0]),
        **_spelled("destinationAddressPrefix", ends[1]),
    }
    return {"name": f"rule-{place[0]}", "properties": fields}


def _spelled(singular: str, texts: list[str]) -> Object:
    plural = f"{singular}es" if singular.endswith("x") else f"{singular}s"
    return {singular: texts[0], plural: []} if len(texts) == 1 else {plural: texts}


def _turned(rule: Object, direction: str) -> Object:
    return {**rule, "properties": {**properties_of(rule), "direction": direction}}


def _scattered(random: Random, count: int) -> list[str]:
    """Blocks that do not overlap, half of them in the question's subnet."""
    found: list[IPv4Network] = []
    while len(found) < count:
        inside = random.random() < 0.5
        number = random.getrandbits(16) + (10 << 24) if inside else random.getrandbits(32)
        block = IPv4Network(
            (number, random.randint(17, 28) if inside else random.randint(8, 28)), strict=False
        )
        if not any(block.overlaps(other) for other in found):
            found.append(block)
    return [str(block) for block in found]


def _fours(random: Random, whole: str, count: int) -> list[list[str]]:
    """``whole`` cut into ``count`` blocks, and these shuffled and taken by four."""
    blocks = [IPv4Network(whole)]
    while len(blocks) < count:
        blocks.extend(blocks.pop(random.randrange(len(blocks))).subnets())
    random.shuffle(blocks)
    return [[str(block) for block in blocks[n : n + 4]] for n in range(0, count, 4)]


def _quarters(random: Random, network: IPv4Network) -> list[str]:
    """``network`` cut into four blocks."""
    blocks = [network]
    while len(blocks) < 4:
        blocks.extend(blocks.pop(random.randrange(len(blocks))).subnets())
    return [str(block) for block in blocks]


def _cells(random: Random, whole: Cell, dimensions: int, count: int) -> list[Cell]:
    """``whole`` cut in two again and again, each time a cell and a dimension drawn anew."""
    cells = [whole]
    while len(cells) < count:
        place = random.randrange(len(cells))
        halves = _halves(random, cells[place], random.randrange(dimensions))
        if halves:
            cells[place : place + 1] = halves
    return cells


def _halves(random: Random, cell: Cell, dimension: int) -> list[Cell]:
    """Nothing where the cell is one address or one port thick."""
    match dimension:
        case 0:
            return [replace(cell, source=block) for block in _blocks(cell.source)]
        case 1:
            return [replace(cell, destination=block) for block in _blocks(cell.destination)]
        case 2:
            return [replace(cell, ports=ports) for ports in _cut(random, cell.ports)]
        case _:
            return [replace(cell, source_ports=ports) for ports in _cut(random, cell.source_ports)]


def _blocks(network: IPv4Network) -> list[IPv4Network]:
    return list(network.subnets()) if network.prefixlen < network.max_prefixlen else []


def _cut(random: Random, ports: tuple[int, int]) -> list[tuple[int, int]]:
    first, last = ports
    if first == last:
        return []
    middle = random.randint(first, last - 1)
    return [(first, middle), (middle + 1, last)]


def _cell_rule(n: int, cell: Cell, ports: Sequence[str], access: str) -> Object:
    texts = list(ports) if cell.ports == _EVERY_PORT else [f"{cell.ports[0]}-{cell.ports[1]}"]
    rule = _rule((n, 100 + n), [[str(cell.source)], [str(cell.destination)]], texts, access)
    if cell.source_ports != _EVERY_PORT:
        fields = {"sourcePortRange": f"{cell.source_ports[0]}-{cell.source_ports[1]}"}
        rule["properties"] = {**properties_of(rule), **fields}
    return rule
