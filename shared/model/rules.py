"""Rules as values: a rule is a server's firewall rule or an NSG's security rule, and nothing else."""

from __future__ import annotations

from ipaddress import IPv4Address

from shared.model.kinds import Access, Direction
from shared.model.resource_id import ResourceId
from shared.model.values import value


@value
class FirewallRule:
    """A range of IPv4 addresses that may connect. 0.0.0.0–0.0.0.0 means every Azure address."""

    name: str
    start: IPv4Address
    end: IPv4Address

    @property
    def allows_all_azure(self) -> bool:
        """Decided by the range, never by the name: the name is free."""
        return int(self.start) == 0 and int(self.end) == 0


@value
class OddRule:
    """A rule of a server that does not say whom it admits: ``field`` is at fault and ``why`` says how.

    A firewall rule keeps the ends that can be read; where both can, the range ends before it starts. A
    virtual network rule has none. What is odd may admit somebody and may admit nobody.
    """

    name: str
    field: str
    why: str
    start: IPv4Address | None = None
    end: IPv4Address | None = None

    @property
    def described(self) -> str:
        """``'office': endIpAddress is absent``."""
        return f"{self.name!r}: {self.why}"


@value
class SecurityRule:
    """A rule of an NSG with singular and plural fields joined; order and spelling as ARM sent them.

    ``sources`` and ``destinations`` hold prefixes, ``*`` or a service tag; ``source_groups`` and
    ``destination_groups`` the ids of application security groups. Ports are ``N``, ``A-B`` or ``*``.
    """

    name: str
    direction: Direction
    access: Access
    priority: int
    protocol: str
    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    source_ports: tuple[str, ...] = ("*",)
    destination_ports: tuple[str, ...] = ("*",)
    source_groups: tuple[ResourceId, ...] = ()
    destination_groups: tuple[ResourceId, ...] = ()
    description: str = ""
    etag: str | None = None


@value
class OddSecurityRule:
    """A rule of an NSG of which some field cannot be read: ``field`` is at fault and ``why`` says how.

    ``may_be`` is what it may be at the widest, each field that cannot be read being ``*``, a direction or an
    access each of both, a priority ahead of all others; ``surely`` what it is whatever that field means.
    """

    name: str
    field: str
    why: str
    may_be: tuple[SecurityRule, ...]
    surely: tuple[SecurityRule, ...] = ()


@value
class SecurityGroup:
    """An NSG: custom rules and the default rules behind them."""

    id: ResourceId
    rules: tuple[SecurityRule, ...]
    default_rules: tuple[SecurityRule, ...]
    subnets: tuple[ResourceId, ...] = ()
    """Every subnet that shares this NSG."""
    network_interfaces: tuple[ResourceId, ...] = ()
    """Every network interface that names this NSG."""
    etag: str | None = None
    updating: bool = False
    odd_rules: tuple[OddSecurityRule, ...] = ()
    """Custom rules that cannot be read whole; they stand beside ``rules``."""
    proposed: tuple[SecurityRule, ...] = ()
    """Rules that are proposed and not there: no packet meets them, and planning leaves their priorities and
    names alone. A reading has none."""

    @property
    def standing(self) -> tuple[SecurityRule, ...]:
        """Every custom rule, odd ones at the widest."""
        return (*self.rules, *(rule for odd in self.odd_rules for rule in odd.may_be))

    @property
    def taken(self) -> tuple[SecurityRule, ...]:
        """The rules whose names and priorities are taken: those that stand, and those that are proposed."""
        return (*self.proposed, *self.standing)


@value
class GroupReading:
    """An NSG that was read for its own sake."""

    group: SecurityGroup
    location: str
    """Its region, as Azure spells it; whose copy of the service tags holds for its rules."""
