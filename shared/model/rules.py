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
    proposed: tuple[SecurityRule, ...] = ()
    """Rules that are proposed and not there: no packet meets them, and planning leaves their priorities and
    names alone. A reading has none."""
