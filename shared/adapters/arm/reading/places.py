"""Where a server is reached privately: its delegated subnet, or those of its approved private endpoints.

Where an endpoint is, and with which address, is known from the reading of the private DNS as a rule; the
endpoint is read only where it is not. Then each subnet costs its GET and what decides who gets in there, each
network its GET, however many places it holds, and that of a delegated subnet the list of its security admin
rules: two requests for one endpoint to which no NSG applies, five for a delegated subnet with an NSG and a
route table.

A place that is refused is told, and the others are kept. What must not live here: what decides at a place
(``subnets``), what any of it means.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from shared.adapters.arm.reading import private_dns, subnets
from shared.adapters.arm.reading.optional_parts import why
from shared.adapters.arm.session.session import Session
from shared.model import Aspect, ServerSnapshot, SubnetSnapshot
from shared.model.dns_names import record_name
from shared.model.errors import GatewayError
from shared.model.networks import SubnetEndpoint
from shared.model.parts import EndpointDns
from shared.model.resource_id import ResourceId

_NETWORK: Final = frozenset({Aspect.VIRTUAL_NETWORK})
_RULED: Final = _NETWORK | {Aspect.ADMIN_RULES}
"""Admin rules do not apply to private endpoints (article on security admin rules)."""


def places(session: Session, server: ServerSnapshot) -> ServerSnapshot:
    """The snapshot with its places; none for a server without an approved endpoint. What was learned of an
    endpoint stands in the private DNS too, where that was read.
    """
    if server.delegated_subnet is not None:
        return _with_places(session, server, {server.delegated_subnet: ()}, [])
    if server.private_endpoints is None:
        return _with_places(session, server, {}, ["its private endpoint connections are not known"])
    named, missed = private_dns.looked_at(server)
    endpoints = list(_located(session, server, named))
    lost = (f"{one.id.name}: {one.unread or 'it names no subnet'}" for one in endpoints if one.subnet is None)
    learned = _with_endpoints(server, endpoints)
    return _with_places(
        session, learned, _by_subnet(server, endpoints), [*lost, *([missed] if missed else [])]
    )


# --- endpoints -------------------------------------------------------------------------------------


def _located(session: Session, server: ServerSnapshot, named: Iterable[ResourceId]) -> Iterator[EndpointDns]:
    """The endpoints with their subnets and addresses, read where one of these is not known."""
    dns = server.private_dns
    known = {one.id: one for one in (dns.endpoints if dns is not None else ())}
    for endpoint in named:
        found = known.get(endpoint, EndpointDns(id=endpoint))
        whole = found.subnet is not None and found.addresses is not None
        yield found if whole else private_dns.endpoint_itself(session, found, record_name(server.host_name))


def _with_endpoints(server: ServerSnapshot, endpoints: Iterable[EndpointDns]) -> ServerSnapshot:
    dns = server.private_dns
    if dns is None:
        return server
    learned = {one.id: one for one in endpoints}
    known = tuple(learned.get(one.id, one) for one in dns.endpoints)
    return replace(server, private_dns=replace(dns, endpoints=known))


def _by_subnet(
    server: ServerSnapshot, endpoints: Iterable[EndpointDns]
) -> Mapping[ResourceId, tuple[SubnetEndpoint, ...]]:
    held: dict[ResourceId, tuple[SubnetEndpoint, ...]] = {}
    for one in endpoints:
        if one.subnet is not None:
            known = one.addresses or ()
            told = "" if known else one.unread
            shown = SubnetEndpoint(id=one.id, server=server.id, addresses=known, unread=told)
            held[one.subnet] = (*held.get(one.subnet, ()), shown)
    return held


# --- subnets ---------------------------------------------------------------------------------------


def _with_places(
    session: Session,
    server: ServerSnapshot,
    held: Mapping[ResourceId, tuple[SubnetEndpoint, ...]],
    told: Sequence[str],
) -> ServerSnapshot:
    """With the subnets of ``held`` that can be read; why others cannot is told behind ``told``."""
    found: list[SubnetSnapshot] = []
    refused = [*told]
    for subnet, endpoints in held.items():
        try:
            place = subnets.place(session, subnet, delegated=server.vnet_integrated)
        except GatewayError as error:
            refused.append(f"subnet {subnet.name}: {why(error)}")
            continue
        found.append(replace(place, private_endpoints=endpoints))
    network = _RULED if server.vnet_integrated else _NETWORK
    known = tuple(_in_networks(session, found, network)) if found or not refused else None
    unread = {Aspect.PLACES: "; ".join(refused)} if refused else {}
    return replace(server, places=known, unread={**server.unread, **unread})


def _in_networks(
    session: Session, found: Iterable[SubnetSnapshot], parts: frozenset[Aspect]
) -> Iterator[SubnetSnapshot]:
    """The places with their networks, each of which is read once."""
    read: dict[ResourceId | None, SubnetSnapshot] = {}
    for place in found:
        if (first := read.get(place.id.parent)) is None:
            read[place.id.parent] = first = subnets.more(session, place, parts)
        yield replace(
            place,
            virtual_network=first.virtual_network,
            location=place.location or first.location,
            unread={
                **place.unread,
                **{part: said for part, said in first.unread.items() if part in parts},
            },
        )
