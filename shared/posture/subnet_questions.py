"""What policies ask of a subnet's NSG: questions, what is known of tags, and when nothing need be asked.

A policy says *what* it asks (an ``Inquiry``: questions, what should come of them, what is known of tags)
and who it is (``About``). ``subnet_answers`` puts the questions to the exact engine, ``subnet_verdicts``
makes a finding of the answers, ``subnet_rules`` makes rules of what is wrong. A subnet that cannot be asked
(being updated, not delegated, prefixes unread) is settled before. No policy's question lives here, and
nothing here touches the world.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_network
from types import MappingProxyType
from typing import Final

from shared.model import Access, Aspect, Direction, IPNetwork, Json, Severity, SubnetSnapshot
from shared.model.values import value
from shared.nsg import (
    EVERY_ADDRESS,
    PUBLIC_ADDRESSES,
    WHOLE,
    Family,
    Question,
    Side,
    Spans,
    Tags,
    family_at,
    minus,
    networks_of,
    parse_addresses,
    spans_of,
    union,
)
from shared.nsg.rules.tags import INTERNET, VIRTUAL_NETWORK
from shared.posture.findings import Judged, beside_the_point, compliant, unknown
from shared.posture.subnet_facts import delegated
from shared.posture.unread import unread_reason

_MOST_OWN: Final = {Family.IPV4: 1 << 30, Family.IPV6: 1 << 116}
HOST: Final = ip_network("168.63.129.16/32")


@value
class About:
    """Who asks: the policy's id, how grave its finding is, and what the names of its rules begin with."""

    policy: str
    severity: Severity
    rule_name: str = "driftward-postgres"


@value
class Inquiry:
    """Questions to the NSG of ``subnet``, each of which should be answered with ``want``."""

    subnet: SubnetSnapshot
    questions: tuple[Question, ...]
    tags: Tags
    holds: str
    """What is said when everything is as it should be."""
    want: Access = Access.ALLOW
    source: str = ""
    """What the sources are called, where their prefixes would say little."""


# --- what is asked ---------------------------------------------------------------------------------


def own_addresses(subnet: SubnetSnapshot) -> dict[Family, Spans]:
    """The subnet's addresses by family; a family that it does not have is absent."""
    families = ((Family.IPV4, 4), (Family.IPV6, 6))
    found = {
        family: spans_of(prefix for prefix in subnet.prefixes if prefix.version == version)
        for family, version in families
    }
    return {family: spans for family, spans in found.items() if spans}


def ports_of(numbers: Iterable[int]) -> Spans:
    return union((number, number) for number in numbers)


def virtual_network(subnet: SubnetSnapshot) -> tuple[IPNetwork, ...]:
    """Prefixes that surely lie in ``VirtualNetwork`` here; what gateways and routes add to it stays open.

    The subnet's own; the space of its network and of those peered with it, where that was read; the host's
    virtual address, public by its number, which the load balancer probes from (service tags overview).
    """
    network = subnet.virtual_network
    peered = (prefix for one in network.peerings for prefix in one.prefixes) if network else ()
    space = (*network.prefixes, *peered) if network else ()
    return tuple(dict.fromkeys((*subnet.prefixes, *space, HOST)))


def space_unread(subnet: SubnetSnapshot) -> str:
    """Why more may surely lie in ``VirtualNetwork`` than was read; ``""`` where nothing was left out."""
    network = subnet.virtual_network
    if network is None:
        return unread_reason(subnet, Aspect.VIRTUAL_NETWORK)
    shown = not network.odd_peerings and all(one.prefixes for one in network.peerings)
    return "" if shown else f"a peering of network {network.id.name} does not show what it joins"


def vnet_tags(subnet: SubnetSnapshot, also: Iterable[IPNetwork] = ()) -> Tags:
    """What is known of tags: the virtual network surely holds this, and ``also`` what the caller knows of."""
    return Tags(vnet=spans_of((*virtual_network(subnet), *also)))


def outside_tags(subnet: SubnetSnapshot, known: Mapping[str, Spans] = MappingProxyType({})) -> Tags:
    """``Internet`` is the public space outside the virtual network; ``known`` is what else is, or instead."""
    inside = spans_of(virtual_network(subnet))
    closed = {**Tags().closed, INTERNET: minus(PUBLIC_ADDRESSES, inside), **known}
    return Tags(closed=MappingProxyType(closed), vnet=inside)


def internet_tags(subnet: SubnetSnapshot) -> Tags:
    """What is known of packets whose other end is in ``Internet``, and so not in the virtual network."""
    return outside_tags(subnet, {VIRTUAL_NETWORK: spans_of(virtual_network(subnet))})


def may_be_own(subnet: SubnetSnapshot) -> tuple[IPNetwork, ...]:
    """Sources that inbound allows list and that may be the network's own, which was not read.

    That is what is no more than a network has: of IPv4 a subnet is a /2 at most (virtual network FAQ), of
    IPv6 a whole region's registry has a /12 (IANA, IPv6 global unicast address assignments).
    """
    rules = subnet.security_group.standing if subnet.security_group else ()
    allows = (rule for rule in rules if (rule.direction, rule.access) == (Direction.INBOUND, Access.ALLOW))
    listed = (
        span for rule in allows for text in rule.sources for span in parse_addresses(text.strip()) or ()
    )
    return networks_of(tuple(filter(_is_no_more, union(filter(_is_no_more, listed)))))


def _is_no_more(span: tuple[int, int]) -> bool:
    return span[1] - span[0] < _MOST_OWN[family_at(span[0])]


def within_itself(subnet: SubnetSnapshot, ports: Iterable[int]) -> tuple[Question, ...]:
    """From the subnet to itself, in both directions: intra-subnet traffic is filtered once in each."""
    return tuple(
        Question(direction=direction, source=Side(inside), destination=Side(inside), ports=ports_of(ports))
        for direction in Direction
        for inside in own_addresses(subnet).values()
    )


def into(
    subnet: SubnetSnapshot, source: Side, ports: Iterable[int], ends: Mapping[Family, Spans] | None = None
) -> tuple[Question, ...]:
    """Inbound from ``source``, an open tag, to the subnet or to ``ends`` in it; one question per family."""
    inside = own_addresses(subnet) if ends is None else ends
    return tuple(
        Question(direction=Direction.INBOUND, source=source, destination=Side(one), ports=ports_of(ports))
        for one in inside.values()
    )


def from_networks(
    subnet: SubnetSnapshot,
    sources: Iterable[IPNetwork],
    ports: Iterable[int],
    ends: Mapping[Family, Spans] | None = None,
) -> tuple[Question, ...]:
    """Inbound from ``sources`` to the subnet or to ``ends`` in it, each family by itself."""
    inside = own_addresses(subnet) if ends is None else ends
    return tuple(
        Question(
            direction=Direction.INBOUND, source=Side(outside), destination=Side(one), ports=ports_of(ports)
        )
        for one, outside in _by_family(inside, tuple(sources))
    )


def to_networks(
    subnet: SubnetSnapshot, destinations: Iterable[IPNetwork], ports: Iterable[int]
) -> tuple[Question, ...]:
    """Outbound from the subnet to ``destinations``, each family by itself."""
    return tuple(
        Question(
            direction=Direction.OUTBOUND, source=Side(one), destination=Side(outside), ports=ports_of(ports)
        )
        for one, outside in _by_family(own_addresses(subnet), tuple(destinations))
    )


def _by_family(
    inside: Mapping[Family, Spans], networks: tuple[IPNetwork, ...]
) -> Iterator[tuple[Spans, Spans]]:
    """``inside`` and the addresses of ``networks``, for each family that both have."""
    for family, spans in inside.items():
        version = 4 if family is Family.IPV4 else 6
        if outside := spans_of(network for network in networks if network.version == version):
            yield spans, outside


def vnet_at_large(subnet: SubnetSnapshot) -> Tags:
    """What is known of packets whose other end lies in the virtual network, wherever that extends to.

    Such an end may have any address, and it is not in ``Internet``, which is the space outside.
    """
    return outside_tags(subnet, {VIRTUAL_NETWORK: EVERY_ADDRESS, INTERNET: ()})


def from_others(
    subnet: SubnetSnapshot, but: Iterable[IPNetwork], ports: Iterable[int]
) -> tuple[Question, ...]:
    """Inbound to the subnet from every address that is neither its own, nor the host's, nor in ``but``."""
    excepted = spans_of((*subnet.prefixes, HOST, *but))
    return tuple(
        Question(
            direction=Direction.INBOUND,
            source=Side(minus(WHOLE[family], excepted)),
            destination=Side(inside),
            ports=ports_of(ports),
        )
        for family, inside in own_addresses(subnet).items()
    )


def settled(subnet: SubnetSnapshot) -> Judged | None:
    """What is said where the NSG need not be looked at; None otherwise."""
    group = subnet.security_group
    if subnet.updating:
        return unknown("the subnet is being updated: look again")
    if not delegated(subnet):
        return beside_the_point("the subnet is not delegated to PostgreSQL flexible servers")
    if not subnet.prefixes:
        return unknown("the subnet shows no address prefixes")
    if Aspect.SECURITY_GROUP in subnet.unread:
        return unknown(unread_reason(subnet, Aspect.SECURITY_GROUP))
    if group is not None and group.updating:
        return unknown(f"the NSG {group.id.name!r} is being updated: look again")
    return None


def settled_without_group(subnet: SubnetSnapshot) -> Judged | None:
    """As ``settled``, for a policy that asks for what must pass: without an NSG everything does."""
    if found := settled(subnet):
        return found
    if subnet.security_group is None:
        return compliant("the subnet has no NSG: everything passes")
    return None


def sharing(subnet: SubnetSnapshot) -> list[str]:
    """Ids of the other subnets and the network interfaces that have the same NSG."""
    group = subnet.security_group
    if group is None:
        return []
    others = (other for other in (*group.subnets, *group.network_interfaces) if other != subnet.id)
    return sorted(map(str, others))


def sharing_note(subnet: SubnetSnapshot) -> tuple[str, ...]:
    """What the decision says where others have the same NSG."""
    shared = sharing(subnet)
    return (f"{len(shared)} other subnets and network interfaces share the NSG",) if shared else ()


def group_id(subnet: SubnetSnapshot) -> str | None:
    return str(subnet.security_group.id) if subnet.security_group else None


# --- parameters ------------------------------------------------------------------------------------


def check_ports(ports: Json) -> str | None:
    numbers = ports if isinstance(ports, list) else []
    whole = all(isinstance(n, int) and not isinstance(n, bool) and 1 <= n <= 65535 for n in numbers)
    return None if numbers and whole else "a list of at least one port, each from 1 to 65535"


def check_prefixes(prefixes: Json) -> str | None:
    """An empty list is a list: nobody is declared."""
    wrong = "a list of prefixes such as 10.1.2.0/24"
    if not isinstance(prefixes, list) or not all(isinstance(text, str) for text in prefixes):
        return wrong
    try:
        networks(prefixes)
    except ValueError as error:
        return f"{wrong}: {error}"
    return None


def networks(prefixes: Iterable[str]) -> tuple[IPNetwork, ...]:
    """Declared prefixes as values. Raises ``ValueError`` for a text that is none, host bits included."""
    return tuple(map(ip_network, prefixes))
