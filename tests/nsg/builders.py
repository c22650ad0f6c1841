"""Short ways to write rules, groups, subnets and questions in tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from ipaddress import ip_network

from shared.model import (
    Access,
    Direction,
    IPNetwork,
    SecurityGroup,
    SecurityRule,
    SubnetServer,
    SubnetSnapshot,
)
from shared.nsg import Question, spans_of
from shared.resource_id import ResourceId

IN, OUT = Direction.INBOUND, Direction.OUTBOUND
_NETWORK = "/subscriptions/0a/resourceGroups/net/providers/Microsoft.Network"
NSG_ID = ResourceId(f"{_NETWORK}/networkSecurityGroups/nsg-db")
SUBNET_ID = ResourceId(f"{_NETWORK}/virtualNetworks/hub/subnets/db")
DELEGATION = "Microsoft.DBforPostgreSQL/flexibleServers"


def asg(name: str) -> ResourceId:
    return ResourceId(f"{_NETWORK}/applicationSecurityGroups/{name}")


def rule(
    name: str,
    priority: int,
    ends: str = "* > *",
    ports: str = "*",
    *,
    access: Access,
    direction: Direction = IN,
    protocol: str = "Tcp",
    source_ports: str = "*",
    groups: tuple[Sequence[str], Sequence[str]] = ((), ()),
) -> SecurityRule:
    """A rule; ``ends`` is ``sources > destinations``, comma separated, and empty where groups stand."""
    source, destination = ends.split(">")
    return SecurityRule(
        name=name,
        direction=direction,
        access=access,
        priority=priority,
        protocol=protocol,
        sources=_listed(source),
        destinations=_listed(destination),
        source_ports=_listed(source_ports),
        destination_ports=_listed(ports),
        source_groups=tuple(map(asg, groups[0])),
        destination_groups=tuple(map(asg, groups[1])),
    )


allow = partial(rule, access=Access.ALLOW)
deny = partial(rule, access=Access.DENY)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def group(
    *rules: SecurityRule, defaults: tuple[SecurityRule, ...] = (), subnets: tuple[ResourceId, ...] = ()
) -> SecurityGroup:
    return SecurityGroup(id=NSG_ID, rules=rules, default_rules=defaults, subnets=subnets or (SUBNET_ID,))


def networks(*texts: str) -> tuple[IPNetwork, ...]:
    return tuple(map(ip_network, texts))


def question(
    source: str = "10.0.1.0/24",
    destination: str = "",
    ports: tuple[tuple[int, int], ...] = ((5432, 5432), (6432, 6432)),
    *,
    direction: Direction = IN,
    vnet: str = "",
) -> Question:
    """From ``source`` to ``destination`` (else to itself); both known to lie in the virtual network."""
    sources = spans_of(networks(*_listed(source)))
    destinations = spans_of(networks(*_listed(destination or source)))
    inside = spans_of(networks(*_listed(vnet or f"{source},{destination}")))
    return Question(direction=direction, sources=sources, destinations=destinations, ports=ports, vnet=inside)


def subnet(
    security_group: SecurityGroup | None,
    *prefixes: str,
    delegations: tuple[str, ...] = (DELEGATION,),
    servers: tuple[SubnetServer, ...] | None = (),
    updating: bool = False,
) -> SubnetSnapshot:
    return SubnetSnapshot(
        id=SUBNET_ID,
        read_at=datetime(2026, 11, 1, tzinfo=UTC),
        location="westeurope",
        prefixes=networks(*(prefixes or ("10.0.1.0/24",))),
        delegations=delegations,
        security_group=security_group,
        servers=servers,
        updating=updating,
    )
