"""Seeded random lines of ``explain-nsg --batch``: the same seed, the same line, on every Python.

Half of the addresses and ports of the rules lie in and around the question, so that all four verdicts
and fine structure occur; an early rule that covers the question (or names an open set) is put in now
and then, or large NSGs would be mixed all the time. Fields are spelled in all the ways in which recorded
responses spell them. Every line can be answered: one IP version per rule, no priority twice in one
direction, a question that has packets, at most ``MOST_OPEN`` open sets. Nothing here knows an engine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from random import Random
from typing import Final, TypeAlias

Object: TypeAlias = dict[str, object]
Network: TypeAlias = IPv4Network | IPv6Network

MOST_OPEN: Final = 5
_ALWAYS_NAMED: Final = ("VirtualNetwork", "AzureLoadBalancer", "Internet")
_EXTRAS: Final = ("Storage", "Storage.WestEurope", "AzureActiveDirectory", "CorpNetSaw")
_SUBSCRIPTION: Final = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/net"
_PROVIDER: Final = f"{_SUBSCRIPTION}/providers/Microsoft.Network"
_PROTOCOLS: Final = ("Tcp", "TCP", "Udp", "Icmp", "Esp", "Ah", "*")
_DEFAULTS: Final = (
    ("AllowVnetInBound", "Inbound", 65000, "VirtualNetwork", "VirtualNetwork", "Allow"),
    ("AllowAzureLoadBalancerInBound", "Inbound", 65001, "AzureLoadBalancer", "*", "Allow"),
    ("DenyAllInBound", "Inbound", 65500, "*", "*", "Deny"),
    ("AllowVnetOutBound", "Outbound", 65000, "VirtualNetwork", "VirtualNetwork", "Allow"),
    ("AllowInternetOutBound", "Outbound", 65001, "*", "Internet", "Allow"),
    ("DenyAllOutBound", "Outbound", 65500, "*", "*", "Deny"),
)
_EVERYTHING: Final = {
    4: (["0.0.0.0/0"], ["0.0.0.0/1", "128.0.0.0/1"]),
    6: (["::/0"], ["::/1", "8000::/1"]),
}


def instance(seed: int) -> Object:
    """A line that can be answered, in the shape of a line of ``--batch``."""
    return _Maker(Random(seed)).line(seed)


def properties_of(rule: Object) -> Object:
    """The fields of a rule as ARM nests them."""
    properties = rule["properties"]
    assert isinstance(properties, dict)
    return properties


@dataclass(frozen=True, slots=True, kw_only=True)
class _World:
    """What the rules and the question of one line are drawn from."""

    versions: tuple[int, ...]
    """Of the question."""
    homes: tuple[dict[int, Network], dict[int, Network]]
    """Around the question's source and destination, by IP version."""
    direction: str
    protocol: str
    port: int
    tags: tuple[str, ...]
    groups: tuple[str, ...]
    closed: dict[str, list[str]]


class _Maker:
    """Draws one line; every choice comes from one generator of random numbers."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def line(self, seed: int) -> Object:
        world = self._world()
        random = self._random
        line: Object = {
            "id": random.choice([seed, f"seed-{seed}"]),
            "nsg": self._nsg(world),
            "direction": world.direction,
            "source": self._asked_side(world, 0),
            "destination": self._asked_side(world, 1),
            "ports": self._asked_ports(world.port),
            "tags": {name: list(texts) for name, texts in world.closed.items()},
            "openTags": len(world.closed) < len(world.tags) or random.random() < 0.2,
            "want": random.choice([None, None, "allow", "allow", "deny"]),
        }
        if world.protocol != "Tcp" or random.random() < 0.5:
            line["protocol"] = world.protocol
        if random.random() < 0.25:
            line["sourcePorts"] = random.choice([["*"], ["1024-65535"], ["50000"], ["1000", "2000-2010"]])
        return line

    def _world(self) -> _World:
        random = self._random
        versions = random.choices([(4,), (6,), (4, 6)], [6, 2, 2])[0]
        source = self._home()
        extras = random.sample(_EXTRAS, random.choice([0, 1, 1, 2, 3]))
        tags = (*_ALWAYS_NAMED, *extras)
        closing = random.choice([0.0, 0.5, 1.0])
        closed = [tag for tag in tags if random.random() < closing]
        groups = random.sample(["web", "db"], random.choice([0, 0, 0, 1, 1, 2]))
        while len(tags) - len(closed) + len(groups) > MOST_OPEN:
            closed.append(next(tag for tag in tags if tag not in closed))
        homes = (source, source if random.random() < 0.3 else self._home())
        return _World(
            versions=versions,
            homes=homes,
            direction=random.choice(["Inbound", "Outbound"]),
            protocol=random.choices([*_PROTOCOLS], [10, 3, 2, 1, 1, 1, 3])[0],
            port=random.choice([5432, 6432, 443, 0, 65535]),
            tags=tags,
            groups=tuple(groups),
            closed={tag: self._closed_tag(tag, homes) for tag in closed},
        )

    def _home(self) -> dict[int, Network]:
        """A private or a public neighbourhood."""
        random = self._random
        here, small, large = random.randrange(200), random.choice([24, 26, 28, 30]), random.choice([64, 112])
        if random.random() < 0.6:
            return {4: ip_network(f"10.1.{here}.0/{small}"), 6: ip_network(f"fd00:1:{here:x}::/{large}")}
        return {4: ip_network(f"20.1.{here}.0/{small}"), 6: ip_network(f"2603:1:{here:x}::/{large}")}

    def _closed_tag(self, tag: str, homes: Sequence[dict[int, Network]]) -> list[str]:
        """Prefixes of both IP versions, for a published tag public ones."""
        random = self._random
        if tag == "AzureLoadBalancer":
            return ["168.63.129.16/32", "fe80::1234:5678:9abc/128"]
        if tag == "Internet" and random.random() < 0.7:
            return ["0.0.0.0/5", "11.0.0.0/8", "12.0.0.0/6", "16.0.0.0/4", "32.0.0.0/3", "2000::/3"]
        always = {
            "VirtualNetwork": ["10.1.0.0/16", "fd00:1::/32"],
            "CorpNetSaw": ["10.1.7.0/24", "fd00:1:7::/64"],
        }.get(tag, ["20.1.0.0/18", "2603:1:10::/44"])
        public = tag not in {"VirtualNetwork", "CorpNetSaw"}
        near = [home[version] for home in homes for version in (4, 6)]
        parts = [self._part(network) for network in near if not (public and network.is_private)]
        return [*random.sample(always, 2), *random.sample(parts, random.randint(0, min(3, len(parts))))]

    def _nsg(self, world: _World) -> Object:
        random = self._random
        rules = self._rules(world)
        random.shuffle(rules)
        properties: Object = {"securityRules": rules}
        defaults = random.choice(["given", "empty", "absent", "null"])
        if defaults == "given":
            properties["defaultSecurityRules"] = [self._default(*row) for row in _DEFAULTS]
        elif defaults != "absent":
            properties["defaultSecurityRules"] = [] if defaults == "empty" else None
        group: Object = {
            "id": f"{_PROVIDER}/networkSecurityGroups/nsg",
            "name": "nsg",
            "type": "Microsoft.Network/networkSecurityGroups",
            "location": "westeurope",
        }
        if random.random() < 0.1:
            flat = [{"name": rule["name"], **properties_of(rule)} for rule in rules]
            return {**group, **properties, "securityRules": flat}
        return {**group, "properties": {"provisioningState": "Succeeded", **properties}}

    def _rules(self, world: _World) -> list[Object]:
        random = self._random
        count = min(199, round(10 * 20 ** random.random()))
        crowded = random.random() < 0.1
        free = {way: self._priorities(count, crowded) for way in ("Inbound", "Outbound")}
        rules = []
        for n in range(count):
            other = random.random() < 0.2
            way = world.direction if not other else random.choice(["Inbound", "Outbound"])
            rules.append(self._rule(world, n, way, free[way].pop()))
        if random.random() < 0.75:
            rules.append(self._covering(world, count, free[world.direction][0]))
        return rules

    def _priorities(self, count: int, crowded: bool) -> list[int]:
        """Free ones; the first is kept for a covering rule, the others are taken from the end."""
        if crowded:
            start = self._random.choice([100, 100, 103])
            return [start, *self._random.sample(range(start + 1, start + count + 1), count)]
        drawn = sorted(self._random.sample(range(100, 4097), count + 1))
        early = drawn.pop(min(self._random.choice([0, 0, 1, 2, 5, 20]), count))
        self._random.shuffle(drawn)
        return [early, *drawn]

    def _rule(self, world: _World, n: int, direction: str, priority: int) -> Object:
        random = self._random
        version = random.choice(world.versions) if random.random() < 0.9 else random.choice([4, 6])
        narrow = random.random() < 0.6
        protocol = world.protocol if random.random() < 0.5 else random.choice([*_PROTOCOLS, "*"])
        fields: Object = {
            "priority": priority,
            "direction": direction if random.random() < 0.9 else direction.lower(),
            "access": random.choice(["Allow", "Deny"]),
            "protocol": protocol if random.random() < 0.9 else protocol.lower(),
            **self._spelled("sourcePortRange", self._rule_source_ports()),
            **self._spelled("destinationPortRange", self._rule_ports(world.port, narrow)),
            **self._end(world, "source", version),
            **self._end(world, "destination", version),
        }
        return self._named(f"rule-{n}" if random.random() < 0.8 else f"Rule_{n}.x", fields)

    def _covering(self, world: _World, n: int, priority: int) -> Object:
        """A rule for all packets of the question, or for those between open sets."""
        random = self._random
        wide = [["*"], ["*"], *_EVERYTHING[world.versions[0]]]
        sides = [random.choice(wide), random.choice(wide)]
        if random.random() < 0.5:
            sides[random.randrange(2)] = [random.choice(world.tags)]
        fields: Object = {
            "priority": priority,
            "direction": world.direction,
            "access": random.choice(["Allow", "Deny"]),
            "protocol": "*",
            "sourcePortRange": "*",
            "destinationPortRange": "*",
            **self._spelled("sourceAddressPrefix", sides[0]),
            **self._spelled("destinationAddressPrefix", sides[1]),
        }
        return self._named(f"rule-{n}", fields)

    def _named(self, name: str, fields: Object) -> Object:
        more: Object = {"id": f"{_PROVIDER}/networkSecurityGroups/nsg/securityRules/{name}", "etag": "W/x"}
        return {"name": name, **more, "properties": {"provisioningState": "Succeeded", **fields}}

    def _default(
        self, name: str, direction: str, priority: int, source: str, destination: str, access: str
    ) -> Object:
        fields: Object = {
            "priority": priority,
            "direction": direction,
            "access": access,
            "protocol": "*",
            **self._spelled("sourcePortRange", ["*"]),
            **self._spelled("destinationPortRange", ["*"]),
            **self._spelled("sourceAddressPrefix", [source]),
            **self._spelled("destinationAddressPrefix", [destination]),
        }
        return {"name": name, "properties": fields}

    def _end(self, world: _World, side: str, version: int) -> Object:
        random = self._random
        field = f"{side}ApplicationSecurityGroups"
        if world.groups and random.random() < 0.15:
            groups = [{"id": f"{_PROVIDER}/applicationSecurityGroups/{name}"} for name in world.groups]
            some = random.sample(groups, random.randint(1, len(groups)))
            return {field: some, **self._empty(f"{side}AddressPrefix", ["", None, ...])}
        texts = self._addresses(world, ("source", "destination").index(side), version)
        empty: Object = random.choice([{}, {field: []}, {field: None}])
        return {**empty, **self._spelled(f"{side}AddressPrefix", texts)}

    def _addresses(self, world: _World, side: int, version: int) -> list[str]:
        """What a rule names on one side, as texts of one IP version."""
        random = self._random
        kind = random.random()
        if kind < 0.15:
            return ["*"]
        if kind < 0.3:
            return [self._cased(random.choice(world.tags))]
        if kind < 0.36:
            return random.choice(_EVERYTHING[version])
        near = world.homes[side if random.random() < 0.8 else 1 - side][version]
        texts = [
            self._around(near) if random.random() < 0.7 else self._anywhere(version)
            for _ in range(random.choice([1, 1, 1, 2, 3, 8]))
        ]
        if random.random() < 0.02:  # ARM refuses a tag in an array, but a file may hold it
            texts.append(random.choice(world.tags))
        return texts

    def _around(self, home: Network) -> str:
        """In, at the edge of, or around ``home``."""
        random = self._random
        match random.randrange(6):
            case 0:
                return str(home)
            case 1:
                return str(home.supernet(random.randint(1, 8)))
            case 2:
                return self._host(home)
            case 3:
                return f"{self._host(home)}/{random.randint(home.prefixlen, home.max_prefixlen)}"
            case 4:
                return self._range(home)
            case _:
                return self._part(home)

    def _part(self, home: Network) -> str:
        length = min(home.max_prefixlen, home.prefixlen + self._random.choice([0, 1, 1, 2, 3]))
        return str(ip_network((self._host(home), length), strict=False))

    def _whole(self, home: Network) -> str:
        return str(home)

    def _host(self, home: Network) -> str:
        offset = self._random.randrange(min(home.num_addresses, 2**16))
        return str(home[offset if self._random.random() < 0.8 else -1 - offset])

    def _range(self, home: Network) -> str:
        """``a-b``, sometimes beyond the edges."""
        first, last = sorted(int(ip_address(self._host(home))) for _ in "ab")
        beyond = self._random.choice([0, 0, home.num_addresses])
        kind = type(home.network_address)
        return f"{kind(first - beyond)}-{kind(last + beyond)}"

    def _anywhere(self, version: int) -> str:
        number = self._random.getrandbits(32 if version == 4 else 128)
        kind = IPv4Network if version == 4 else IPv6Network
        return str(kind((number, self._random.choice([1, 2, 8, 16, 24, 32])), strict=False))

    def _asked_side(self, world: _World, side: int) -> list[str]:
        random = self._random
        kind = random.random()
        if kind < 0.1:
            return ["*"]
        if kind < 0.3:
            return [self._cased(random.choice(world.tags))]
        homes = [world.homes[side][version] for version in world.versions]
        draw: Callable[[Network], str] = random.choice(
            [self._host, self._host, self._part, self._part, self._range, self._whole]
        )
        texts = [draw(home) for home in homes]
        return [*texts, *(self._part(random.choice(homes)) for _ in range(random.choice([0, 0, 0, 1, 2])))]

    def _asked_ports(self, port: int) -> list[str]:
        near = f"{max(0, port - 5)}-{min(65535, port + 5)}"
        every: list[str] = ["*"]
        return self._random.choice(
            [[str(port)], [str(port)], [str(port), "6432"], [near], [near, "22"], every]
        )

    def _rule_ports(self, port: int, narrow: bool) -> list[str]:
        random = self._random
        if not narrow:
            return ["*"]
        low, high = max(0, port - random.randint(0, 6)), min(65535, port + random.randint(0, 6))
        texts = [
            str(port),
            f"{port}-{port}",
            f"{low}-{high}",
            "22-22",
            "443",
            "0-65535",
            str(low),
            "6000-7000",
        ]
        return random.sample(texts, random.choice([1, 1, 2, 3]))

    def _rule_source_ports(self) -> list[str]:
        every: list[str] = ["*"]
        return self._random.choice([*[every] * 8, ["0-65535"], ["1024-65535"], ["50000", "1000-2005"]])

    def _spelled(self, singular: str, texts: list[str]) -> Object:
        """The texts in the singular field or in the plural one; the other one is empty or absent."""
        plural = f"{singular}es" if singular.endswith("x") else f"{singular}s"
        is_list = len(texts) > 1 or (self._random.random() < 0.15 and not texts[0].isalpha())
        if is_list:
            return {plural: texts, **self._empty(singular, ["", None, ...])}
        return {singular: texts[0], **self._empty(plural, [[], None, ...])}

    def _empty(self, field: str, spellings: list[object]) -> Object:
        spelling = self._random.choice(spellings)
        return {} if spelling is ... else {field: spelling}

    def _cased(self, name: str) -> str:
        return self._random.choice([name, name, name.lower(), name.upper()])
