"""Short ways to write rules, groups, subnets and questions in tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
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
from shared.model.networks import Peering, VirtualNetwork
from shared.model.resource_id import ResourceId
from shared.model.values import value
from shared.nsg import (
    Fix,
    Goal,
    NoFix,
    Program,
    Protocol,
    Question,
    Spans,
    Tags,
    Verdict,
    known_tags,
    parse,
    read_side,
    spans_of,
)
from shared.nsg import decide as decide_program
from shared.nsg import fix as fix_group
from shared.nsg.packets.spans import EVERY_PORT

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


@value
class Asked:
    """A question, and what is known of the sets that rules name."""

    question: Question
    tags: Tags


def question(
    source: str = "10.0.1.0/24",
    destination: str = "",
    ports: Spans = ((5432, 5432), (6432, 6432)),
    *,
    direction: Direction = IN,
    protocol: Protocol = Protocol.TCP,
    source_ports: Spans = EVERY_PORT,
    vnet: str | None = None,
    closed: Mapping[str, Sequence[str]] | None = None,
) -> Asked:
    """From ``source`` to ``destination`` (else to itself); their prefixes are known to lie in the VNet.

    ``vnet`` lists other ones that do; ``closed`` holds the prefixes of tags, instead of those known anyhow.
    """
    destination = destination or source
    inside = _prefixes(source, destination) if vnet is None else _listed(vnet)
    tags = known(closed, networks(*inside))
    asked = Question(
        direction=direction,
        protocol=protocol,
        source=read_side(_listed(source), tags),
        destination=read_side(_listed(destination), tags),
        ports=ports,
        source_ports=source_ports,
    )
    return Asked(question=asked, tags=tags)


def known(closed: Mapping[str, Sequence[str]] | None, vnet: Iterable[IPNetwork] = ()) -> Tags:
    """What is known of tags: the prefixes of those in ``closed``; None is what is known anyhow."""
    inside = spans_of(vnet)
    if closed is None:
        return Tags(vnet=inside)
    listed = {name: [spans_of(networks(*prefixes))] for name, prefixes in closed.items()}
    return Tags(closed=known_tags(listed), vnet=inside)


def _prefixes(*texts: str) -> list[str]:
    return [part for text in texts for part in _listed(text) if "/" in part]


def decide(nsg: SecurityGroup | None, asked: Asked) -> Verdict:
    return decide_program(program(nsg, asked), asked.question)


def program(nsg: SecurityGroup | None, asked: Asked) -> Program:
    return parse(nsg, asked.tags)


def fix(
    nsg: SecurityGroup | None, asked: Asked, name: str = "db", *, want: Access = Access.ALLOW
) -> Fix | NoFix:
    return fix_group(nsg, Goal(question=asked.question, want=want, name=name), asked.tags)


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


def in_a_network(
    security_group: SecurityGroup | None,
    *prefixes: str,
    servers: tuple[SubnetServer, ...] | None = (),
    delegations: tuple[str, ...] = (DELEGATION,),
    dns: tuple[str, ...] = (),
) -> SubnetSnapshot:
    """The same with its network, which has no gateway; ``dns`` are DNS servers that it names."""
    alone = subnet(security_group, *prefixes, servers=servers, delegations=delegations)
    hub = VirtualNetwork(
        id=ResourceId(f"{_NETWORK}/virtualNetworks/hub"),
        prefixes=networks("10.0.0.0/16", "fd00:1::/48"),
        dns_servers=dns,
        learns_routes=False,
    )
    return replace(alone, virtual_network=hub)


def in_network(snapshot: SubnetSnapshot, *prefixes: str, peers: Sequence[str] = ()) -> SubnetSnapshot:
    """The subnet in a network that was read; each of ``peers`` is the space of one that is peered with it."""
    network = snapshot.id.parent
    assert network is not None
    ids = (ResourceId(f"{network}-peer-{number}") for number in range(len(peers)))
    peerings = tuple(
        Peering(network=one, prefixes=networks(space)) for one, space in zip(ids, peers, strict=True)
    )
    return replace(
        snapshot,
        virtual_network=VirtualNetwork(id=network, prefixes=networks(*prefixes), peerings=peerings),
    )
