"""Whose the addresses of a record are, as one private endpoint of several sees it: a record has one name, so
endpoints of a server that have their names from one zone share it.

Clients of a network are served by any endpoint in it, or in one that is joined to it. Two networks are joined
where they are peered. Where they are not, and both lead on to further networks (a hub, a gateway), those may
connect them: then it is not known. Deleting an endpoint deletes the record too, whosever
address it holds (MicrosoftDocs/azure-docs 58044). Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Final

from shared.model import Aspect, Severity
from shared.model.dns_names import record_name
from shared.model.networks import Peering, VirtualNetwork
from shared.model.parts import DnsZone, EndpointDns, NetworkDns
from shared.model.values import value
from shared.posture.dns_commands import group_commands, record_command
from shared.posture.findings import Judged, drifted
from shared.posture.private_dns import Case
from shared.posture.ways import peered
from shared.posture.ways.answers import State
from shared.posture.ways.names import network_read
from shared.posture.ways.world import World

A_ZONE_EACH: Final = "Give each network that is not connected to the other a zone of its own."
_KEEPING: Final = (
    "Whenever one of the endpoints is deleted, have the zone group of one that stays write the record anew at"
    " once: delete that zone group, and make it again.",
    "Where one is enough, which serves peered networks too, delete the others when a short outage of"
    " the name does no harm.",
)


@value
class Held:
    """The addresses of a record, each once: two networks that are not joined may use the same."""

    own: frozenset[IPv4Address]
    joined: frozenset[IPv4Address]
    """Of other endpoints, which are reached from the network of this one."""
    apart: frozenset[IPv4Address]
    """Of endpoints that are surely not reached from there."""
    unsure: frozenset[IPv4Address]
    """Of endpoints of which that is not known."""
    nobodys: frozenset[IPv4Address]
    """Of no endpoint of the server whose address was read."""


def held_by(case: Case, record: Iterable[IPv4Address]) -> Held:
    held, own = frozenset(record), frozenset(case.endpoint.addresses or ())
    reached = {
        so: _addresses(one for one in _others(case) if joined(case, case.endpoint.network, one.network) is so)
        for so in (True, False, None)
    }
    others = held - own, held - own - reached[True], held - own - reached[True] - reached[None]
    return Held(
        own=held & own,
        joined=others[0] & reached[True],
        unsure=others[1] & reached[None],
        apart=others[2] & reached[False],
        nobodys=others[2] - reached[False],
    )


def _others(case: Case) -> list[EndpointDns]:
    return [one for one in case.dns.endpoints if one.id != case.endpoint.id]


def _addresses(endpoints: Iterable[EndpointDns]) -> frozenset[IPv4Address]:
    return frozenset(address for one in endpoints for address in one.addresses or ())


def addresses_missing(case: Case) -> bool:
    """Whether an endpoint of the server may have an address that was not read."""
    return Aspect.PRIVATE_DNS in case.server.unread or not all(one.addresses for one in case.dns.endpoints)


def joined(case: Case, one: NetworkDns | None, other: NetworkDns | None) -> bool | None:
    """Whether what is in one network is reached from the other; None where that is not known."""
    if one is None or other is None:
        return None
    ends = _seen(case, one), _seen(case, other)
    state = peered.joined(*ends, (one.id, other.id))
    if state is State.BLOCKED:
        return None if all(_leads_on(end) for end in ends) else False
    return True if state is State.STANDS else None


def _seen(case: Case, network: NetworkDns) -> VirtualNetwork | None:
    """What a network is joined to, as its endpoint's subnet shows it where nothing else does."""
    if network.peers is None:
        return network_read(World(server=case.server), network.id)
    peerings = tuple(Peering(network=peer) for peer in network.peers)
    return VirtualNetwork(id=network.id, peerings=peerings, learns_routes=network.learns_routes)


def _leads_on(network: VirtualNetwork | None) -> bool:
    return network is None or bool(network.peerings) or network.learns_routes is not False


def mending(case: Case, zone: DnsZone) -> tuple[str, ...]:
    """What has the record lead to the endpoint and to nobody else; nothing where it does, or is not known.

    A zone group writes its record, the whole of it, when it is made; another record is corrected by hand.
    """
    own, label = set(case.endpoint.addresses or ()), record_name(case.server.host_name)
    if zone.record is None or not own or set(zone.record) == own:
        return ()
    held = held_by(case, zone.record)
    stale = sorted(held.nobodys) if not addresses_missing(case) else []
    gone = [record_command(zone.id, "remove-record", label, str(one)) for one in stale]
    if held.own or held.joined:
        return tuple(gone)
    if zone.id in (case.endpoint.group_zones or ()):
        return group_commands(case.endpoint, zone.id)
    added = (record_command(zone.id, "add-record", label, str(one)) for one in sorted(own))
    return (*added, *gone)


def shared_record(name: str, record: Iterable[IPv4Address]) -> Judged:
    """Each endpoint serves the clients of all: advice on what happens when one is deleted."""
    held = ", ".join(map(str, sorted(record)))
    told = (
        f"{name} is {held}: endpoints of the server in one network, or in peered ones, share one record; each"
        " serves the clients of all, and deleting one may take the record away"
    )
    return replace(drifted(told, told.lower(), what_to_do=_KEEPING), severity=Severity.INFORMATIONAL)
