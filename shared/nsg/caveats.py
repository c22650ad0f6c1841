"""What an answer about an NSG does not know or takes for granted, said in the answer, where it applies.

``docs/nsg.md`` explains each. Sources: network security groups overview, how NSGs filter traffic, what
is 168.63.129.16, disable private endpoint network policy, security admin rules (all MicrosoftDocs), and
the networking article of Azure Database for PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shared.model import Access, Direction, SecurityGroup
from shared.nsg.asking import Asked
from shared.nsg.engine.outcomes import Outcome
from shared.nsg.engine.verdict import Verdict
from shared.nsg.packets.addresses import PUBLIC_ADDRESSES
from shared.nsg.packets.spans import common, minus, union
from shared.nsg.rules.nobodys_tags import unpublished
from shared.nsg.rules.reading import Protocol, Side, read_side
from shared.nsg.rules.tags import (
    AZURE_LOAD_BALANCER,
    INTERNET,
    LOAD_BALANCER,
    VIRTUAL_NETWORK,
    SetKind,
    Tags,
    tag_key,
)


def caveats(group: SecurityGroup, asked: Asked, verdict: Verdict) -> Iterator[str]:
    """Each thing that a reader of this answer must know besides."""
    yield "security admin rules of Azure Virtual Network Manager run before an NSG and are not evaluated"
    yield "an NSG on a network interface filters as well and is not evaluated"
    yield "routes, peerings and appliances are not evaluated: allowed means that this NSG lets it pass"
    yield from verdict.caveats
    yield from _about_endpoints(asked)
    yield from _about_sets(asked, verdict)
    yield from _about_traffic(asked, verdict)
    yield from _about_fixes(group, asked)


def taken_for_granted(asked: Asked, verdict: Verdict) -> Iterator[str]:
    """What Azure defines of tags, of those that made a difference or could have made one."""
    rules = (*verdict.blocking, *verdict.exposing, *verdict.shadowed)
    named = set(
        map(tag_key, (tag for rule in rules for side in (rule.source, rule.destination) for tag in side.tags))
    )
    for side in (asked.question.source, asked.question.destination):
        about = set(map(tag_key, side.tags))
        named |= about | ({INTERNET} if VIRTUAL_NETWORK in about else set())
        named |= {LOAD_BALANCER} if common(side.addresses, AZURE_LOAD_BALANCER) else set()
    yield from (said for tag, said in (asked.assumed or {}).items() if tag in named)


def _about_endpoints(asked: Asked) -> Iterator[str]:
    if asked.endpoint_policies is None:
        return
    if not asked.is_enforced:
        said = f"the subnet's privateEndpointNetworkPolicies is {asked.endpoint_policies}"
        yield f"{said}: the NSG does not filter its endpoints"
    else:
        yield "source ports act as * for private endpoints, whatever a rule says"


def _about_sets(asked: Asked, verdict: Verdict) -> Iterator[str]:
    deciding = (*verdict.blocking, *verdict.exposing)
    kinds = {s.kind for rule in deciding for s in rule.sets}
    if SetKind.SECURITY_GROUP in kinds:
        yield (
            "who belongs to an application security group is not read; flexible servers do not support rules "
            "with one on their subnet"
        )
    if SetKind.VIRTUAL_NETWORK in kinds and verdict.depends_on:
        yield "VirtualNetwork also holds peered networks, on-premises ranges and prefixes of routes"
    named = {s.key: s for side in (asked.question.source, asked.question.destination) for s in side.sets}
    for key, open_set in named.items():
        if key not in (asked.assumed or {}):  # those stand among what is taken for granted
            yield f"which addresses {open_set.name} holds is not known: the answer is for those it holds"
        if open_set.kind is SetKind.UNKNOWN_TAG:
            yield unpublished(open_set.name)


def _about_traffic(asked: Asked, verdict: Verdict) -> Iterator[str]:
    question = asked.question
    if question.protocol not in {Protocol.TCP, Protocol.UDP}:
        yield "whether ports matter to protocols without ports is not documented: they are compared here"
    ends = (*question.source.addresses, *question.destination.addresses)
    if common(union(ends), _PLATFORM.addresses):
        yield (
            "DNS, DHCP and metadata of the platform (168.63.129.16 and 169.254.169.254) are not subject to "
            "NSGs, unless a rule names a tag such as AzurePlatformDNS; a load balancer's health probes are, "
            "and come from 168.63.129.16"
        )
    passes = verdict.outcomes & {Outcome.ALLOWED, Outcome.OPEN}
    if question.direction is Direction.INBOUND and passes and _is_public(question.source):
        yield (
            "an exposure is only latent where no public path leads to the destination: a server in a "
            "delegated subnet has no public address today"
        )


_PLATFORM: Final = read_side(["168.63.129.16", "169.254.169.254"], Tags())


_PUBLIC: Final = minus(PUBLIC_ADDRESSES, AZURE_LOAD_BALANCER)


def _is_public(side: Side) -> bool:
    named = any(s.kind in {SetKind.INTERNET, SetKind.PUBLIC_TAG} for s in side.sets)
    return named or bool(common(side.addresses, _PUBLIC))


def _about_fixes(group: SecurityGroup, asked: Asked) -> Iterator[str]:
    if asked.want is None:
        return
    if asked.want is Access.DENY:
        yield (
            "a new rule concerns new connections: open ones go on, unless the NSG's flushConnection is set"
        )
    if (shared := len(group.subnets) + len(group.network_interfaces)) > 1:
        yield f"{shared} subnets and network interfaces share this NSG: a fix takes effect in all of them"
