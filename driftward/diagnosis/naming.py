"""The server's name: what the client's own network answers, and what the policies say of the zone. Pure.

A client asks the resolver of its own network, so that network's link and the record behind it decide. How
the endpoint's network resolves the name does not matter to a client elsewhere. What must not live here: the
way of the packets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Final

from driftward.diagnosis.case import Case, Result, Stage, Step, doubted, said, ways_in
from shared.model import Aspect, ServerSnapshot, SubnetSnapshot
from shared.model.dns_names import canonical, endpoint_zone_name, record_name
from shared.model.parts import DnsZone, NetworkDns, PrivateDns, VirtualNetwork
from shared.posture.dns_commands import link_command, link_names, record_command
from shared.posture.private_dns import unclaimed
from shared.posture.unread import unread_reason
from shared.posture.ways.zones import completed, linked

_INTEGRATED: Final = (
    "postgres-subnet-and-dns-zone-inconsistent",
    "postgres-vnet-dns-zone-name-invalid",
)
_INTEGRATED_LINK: Final = "postgres-vnet-dns-zone-not-linked"
_ENDPOINT: Final = ("postgres-endpoint-dns-zone-wrong", "postgres-endpoint-dns-record-wrong")
_ENDPOINT_LINK: Final = "postgres-endpoint-dns-zone-not-linked"
_NO_RECORD: Final = "which has no A record of the server (a CNAME or a wildcard record was not looked at)"
POLICIES: Final = (*_INTEGRATED, _INTEGRATED_LINK, *_ENDPOINT, _ENDPOINT_LINK)


def names(case: Case) -> Iterator[Step]:
    """Does the server's name lead to its private address?"""
    if not case.is_private:
        everywhere = "the server's public name resolves everywhere"
        yield Step(stage=Stage.DNS, result=Result.NOT_CONCERNED, says=everywhere)
    elif case.client is None:
        yield from _by_policies(case)
    elif case.server.vnet_integrated:
        for policy in _INTEGRATED:
            yield said(Stage.DNS, case, policy, case.server)
        yield _resolves(case, case.client)
    else:
        yield from _by_client(case, case.client)


def _by_policies(case: Case) -> Iterator[Step]:
    integrated = (*_INTEGRATED, _INTEGRATED_LINK)
    endpoint = (_ENDPOINT[0], _ENDPOINT_LINK, _ENDPOINT[1])
    for policy in integrated if case.server.vnet_integrated else endpoint:
        yield said(Stage.DNS, case, policy, case.server)


def _by_client(case: Case, client: SubnetSnapshot) -> Iterator[Step]:
    """What a policy finds of the zone is in this client's way where its own resolver does not lead there."""
    resolved = _resolves(case, client)
    if resolved.result is not Result.WELL:
        near = _near(case)
        for policy in _ENDPOINT:
            step = said(Stage.DNS, case, policy, near)
            surely = resolved.result is Result.FAULT
            yield step if surely else doubted(step, "what the client's network answers is not known")
    yield resolved


def _near(case: Case) -> ServerSnapshot:
    """The server with the endpoints by which the client comes in, where they are known."""
    dns = case.server.private_dns
    ids = {one.id for place in ways_in(case) for one in place.private_endpoints or ()}
    if dns is None or not any(endpoint.id in ids for endpoint in dns.endpoints):
        return case.server
    near = replace(dns, endpoints=tuple(one for one in dns.endpoints if one.id in ids))
    return replace(case.server, private_dns=near)


# --- the client's own network ----------------------------------------------------------------------


def _resolves(case: Case, client: SubnetSnapshot) -> Step:
    """Whether the client's own network is linked to a zone that answers for the server."""
    network, dns = client.virtual_network, case.server.private_dns
    if network is None or dns is None:
        part = Aspect.VIRTUAL_NETWORK if network is None else Aspect.PRIVATE_DNS
        return _step(Result.UNKNOWN, unread_reason(client if network is None else case.server, part))
    step = _step(Result.UNKNOWN, "", network)
    if unsure := unclaimed(NetworkDns(id=network.id, dns_servers=network.dns_servers)):
        return replace(step, says=unsure)
    zones = _answering(case, dns)
    links = [(zone, link) for zone in zones if (link := linked(zone, network.id)) is not None]
    for zone, link in links:
        if completed(link):
            return _holds(case, zone, step)
    if links:
        begun = f"the link of network {network.id.name} is {links[0][1].state or 'without a state'}"
        return replace(step, says=begun)
    return _unlinked(step, network, zones, others=_others(case, dns, zones))


def _step(result: Result, says: str, network: VirtualNetwork | None = None) -> Step:
    return Step(stage=Stage.DNS, result=result, says=says, resource=str(network.id) if network else "")


def _answering(case: Case, dns: PrivateDns) -> list[DnsZone]:
    """The zones that could answer, but for those that are known not to exist."""
    own, name = case.server.private_dns_zone, endpoint_zone_name(case.server.host_name)
    named = (zone for zone in dns.zones if zone.id == own or canonical(zone.id.name) == name)
    return [zone for zone in named if zone.exists is not False]


def _others(case: Case, dns: PrivateDns, zones: list[DnsZone]) -> bool:
    """Whether there may be zones of the name that were not read."""
    if case.server.vnet_integrated:
        return False
    return dns.found is None or bool(set(dns.found) - {zone.id for zone in zones})


def _unlinked(step: Step, network: VirtualNetwork, zones: list[DnsZone], *, others: bool) -> Step:
    if others or any(zone.links is None for zone in zones):
        unsure = f"whether network {network.id.name} is linked to a private DNS zone of the name is not known"
        return replace(step, says=unsure)
    if not zones:
        nothing = "no private DNS zone that could answer for the server exists, as far as may be read"
        return replace(step, result=Result.FAULT, says=nothing, fix=("create the zone, and link it",))
    zone = zones[0].id
    lost = f"network {network.id.name} is not linked to zone {zone.name}: no private address is answered"
    fix = (link_command(zone, network.id, link_names([network.id], zones[0].links)[network.id]),)
    return replace(step, result=Result.FAULT, says=lost, resource=str(zone), fix=fix)


def _holds(case: Case, zone: DnsZone, step: Step) -> Step:
    """The record in the zone that answers. That of a server in a subnet is kept by Azure, and not read."""
    well = f"the client's network is linked to zone {zone.id.name}"
    if case.server.vnet_integrated:
        return replace(step, result=Result.WELL, says=well)
    own, near = _addresses(case.server.private_dns), _addresses(_near(case).private_dns)
    if zone.record is None or not own:
        return replace(step, says=f"{well}; whether its record is an endpoint's address is not known")
    if zone.record and set(zone.record) <= (near or own):
        return replace(step, result=Result.WELL, says=f"{well}, which answers with an endpoint's address")
    held = ", ".join(map(str, zone.record))
    if set(zone.record) & own or Aspect.PRIVATE_DNS in case.server.unread:
        return replace(step, says=f"{well}, which answers {held}: not the nearest endpoint's address alone")
    answers = f"which answers {held}: no endpoint's address" if held else _NO_RECORD
    label = record_name(case.server.host_name)
    fix = tuple(record_command(zone.id, "add-record", label, str(address)) for address in sorted(near or own))
    return replace(step, result=Result.FAULT, says=f"{well}, {answers}", resource=str(zone.id), fix=fix)


def _addresses(dns: PrivateDns | None) -> set[IPv4Address]:
    return {address for one in dns.endpoints for address in one.addresses or ()} if dns is not None else set()
