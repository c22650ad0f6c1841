"""Wants as rules of an NSG, and the denies behind them; ``placing`` finds names and priorities. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from driftward.proposal.needs import families
from driftward.proposal.traffic import Place
from driftward.proposal.wants import WORDS, Purpose, Want
from shared.model import Access, Direction, SecurityRule
from shared.nsg import EVERY_PORT, LONGEST_DESCRIPTION, WHOLE, Family, Protocol, Spans, common, networks_of
from shared.nsg.engine.additions import port_texts

NOWHERE: Final = 0
"""The priority of a rule that has no place yet."""
_SLUGS: Final = {
    Purpose.WITHIN: "subnet",
    Purpose.STORAGE: "storage",
    Purpose.ENTRA: "entra",
    Purpose.KEY_VAULT: "key-vault",
    Purpose.DNS: "dns",
    Purpose.REPLICAS: "replicas",
    Purpose.CLIENTS: "clients",
    Purpose.PROBES: "probes",
    Purpose.OBSERVED: "seen",
    Purpose.NAMED: "named",
}
_BY_TAG: Final = frozenset({Purpose.STORAGE, Purpose.ENTRA, Purpose.KEY_VAULT})
_SEVERAL: Final = frozenset({Purpose.OBSERVED, Purpose.NAMED})
"""Purposes that have a rule for each set of ports."""
_WAYS: Final = {Direction.INBOUND: "in", Direction.OUTBOUND: "out"}
_MOST_PORTS_IN_NAME: Final = 3


def allow_rule(want: Want, place: Place) -> SecurityRule:
    """The rule that lets a want pass, and nothing else."""
    inbound = want.direction is Direction.INBOUND
    own = tuple(map(str, networks_of(own_side(want, place))))
    return SecurityRule(
        name=_name(want),
        direction=want.direction,
        access=Access.ALLOW,
        priority=NOWHERE,
        protocol=want.protocol.value,
        sources=want.other if inbound else own,
        destinations=own if inbound else want.other,
        destination_ports=port_texts(want.ports),
        description=_description(WORDS[want.purpose]),
    )


def own_side(want: Want, place: Place) -> Spans:
    """The subnet's addresses of the want's family; of a tag, which may hold both, the IPv4 ones if any."""
    family = next(
        (whole for whole in WHOLE.values() if common(want.addresses, whole) and common(place.subnet, whole)),
        WHOLE[Family.IPV4],
    )
    return common(place.subnet, family) or place.subnet


def deny_rules(place: Place, direction: Direction) -> Iterator[SecurityRule]:
    """A deny of all else for each family of the subnet: it names the subnet, and so concerns no other one."""
    inbound = direction is Direction.INBOUND
    for own in families(place.subnet):
        here = tuple(map(str, networks_of(own)))
        yield SecurityRule(
            name=f"deny-other-{_WAYS[direction]}",
            direction=direction,
            access=Access.DENY,
            priority=NOWHERE,
            protocol="*",
            sources=("*",) if inbound else here,
            destinations=here if inbound else ("*",),
            destination_ports=("*",),
            description=_description("whatever no rule ahead of it lets pass"),
        )


def _name(want: Want) -> str:
    """``allow-storage``, ``allow-subnet-in``, ``allow-seen-in-5432``, ``allow-dns-out-udp``."""
    name = f"allow-{_SLUGS[want.purpose]}"
    if want.purpose in _BY_TAG:
        return name
    ports = port_texts(want.ports if want.purpose in _SEVERAL else EVERY_PORT)
    said = "-".join(ports) if len(ports) <= _MOST_PORTS_IN_NAME else f"{len(ports)}-ports"
    protocol = () if want.protocol is Protocol.TCP else (want.protocol.lower(),)
    return "-".join((name, _WAYS[want.direction], *protocol, *([] if ports == ("*",) else [said])))


def _description(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."[:LONGEST_DESCRIPTION]
