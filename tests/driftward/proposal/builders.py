"""Streams and NSGs in the making, for tests of proposals."""

from __future__ import annotations

from dataclasses import replace

from driftward.proposal.needs import Needed
from driftward.proposal.proposing import Given, Proposal, propose
from driftward.proposal.traffic import Observed, Place, Stream, Traffic
from shared.model import Access, Direction, Json, SecurityGroup, SecurityRule
from shared.model.resource_id import ResourceId
from shared.nsg import Spans, Tags, known_tags, parse_addresses
from shared.nsg.rules.spelling import rule_body

SUBNET = "10.1.0.0/28"
STORAGE, STORAGE_HERE, ENTRA, VAULT = "52.239.130.228", "20.60.1.9", "20.190.130.4", "20.61.103.225"
CDN = "104.74.50.201"
PREFIXES = {
    "Storage": ["52.239.128.0/18", "20.60.0.0/16"],
    "Storage.WestEurope": ["20.60.0.0/16"],
    "AzureActiveDirectory": ["20.190.128.0/18"],
    "AzureKeyVault": ["20.61.103.224/29"],
    "AzureMonitor": ["20.61.99.192/26"],
}
START = 1_763_632_800_000
"""2025-11-20 10:00:00 UTC, in milliseconds."""


def spans(*texts: str) -> Spans:
    return tuple(sorted(span for text in texts for span in parse_addresses(text) or ()))


def tags() -> Tags:
    return Tags(
        closed=known_tags({name: [spans(text) for text in texts] for name, texts in PREFIXES.items()})
    )


def place(*subnet: str, network: tuple[str, ...] = ()) -> Place:
    return Place(subnet=spans(*(subnet or (SUBNET,))), network=spans(*network))


def incoming(other: str, port: int = 5432, protocol: str = "Tcp", **more: int | bool) -> Traffic:
    return _traffic(False, other, port, protocol, more)


def outgoing(other: str, port: int = 443, protocol: str = "Tcp", **more: int | bool) -> Traffic:
    return _traffic(True, other, port, protocol, more)


def _traffic(outbound: bool, other: str, port: int, protocol: str, more: dict[str, int | bool]) -> Traffic:
    ((at, _),) = parse_addresses(other) or ()
    one = Traffic(Stream(outbound, protocol, port, at), False, 1, START, START, 1)
    return one._replace(**more)  # type: ignore[arg-type]  # the fields are numbers and a truth value


def observed(*traffic: Traffic) -> Observed:
    return Observed(
        traffic=tuple(sorted(traffic)),
        flows=sum(one.flows for one in traffic),
        elsewhere=0,
        first=START,
        last=START,
        since=START,
        over={},
    )


def rule(
    name: str, priority: int, ends: str, *, ports: str = "*", access: str = "Allow", way: str = "Inbound"
) -> SecurityRule:
    """``ends`` are ``source > destination``."""
    source, destination = ends.split(" > ")
    return SecurityRule(
        name=name,
        direction=Direction(way),
        access=Access(access),
        priority=priority,
        protocol="*",
        sources=tuple(source.split(",")),
        destinations=tuple(destination.split(",")),
        destination_ports=(ports,),
    )


def nsg(*rules: SecurityRule, subnets: int = 1) -> SecurityGroup:
    prefix = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network"
    served = (ResourceId(f"{prefix}/virtualNetworks/v/subnets/s{number}") for number in range(subnets))
    return SecurityGroup(
        id=ResourceId(f"{prefix}/networkSecurityGroups/nsg-pg"),
        rules=rules,
        default_rules=(),
        subnets=tuple(served),
    )


def given(*traffic: Traffic, group: SecurityGroup | None = None, needed: Needed | None = None) -> Given:
    return Given(
        observed=observed(*traffic),
        place=place(),
        needed=needed or Needed(),
        group=nsg() if group is None else group,
        tags=tags(),
    )


def proposed(*traffic: Traffic, group: SecurityGroup | None = None) -> Proposal:
    return propose(given(*traffic, group=group))


def again(proposal: Proposal, before: Given) -> Proposal:
    """The proposal for the same flows on the NSG that came of the first one."""
    return propose(replace(before, group=proposal.after))


def document(group: SecurityGroup) -> Json:
    return {"properties": {"securityRules": [rule_body(one) for one in group.rules]}}
