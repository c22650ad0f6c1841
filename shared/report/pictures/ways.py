"""The ways into a server, as the one verdict about ways has them: whoever can be meant to come in, and the
Internet."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Final

from shared.model import PublicAccess, ServerSnapshot
from shared.posture.traffic import PUBLIC_ADDRESSES, AddressSet, public_sources
from shared.posture.ways.answers import Fact, Resolved, Stage, Verdict, Way
from shared.posture.ways.reach import networks_meant
from shared.posture.ways.verdict import verdict
from shared.posture.ways.world import AnyAzure, Client, NetworkClient, PublicClient, World
from shared.report.pictures.values import DrawnWay, Gate

MOST_NETWORKS: Final = 4
MOST_RANGES: Final = 3
MOST_WAYS: Final = 2
"""Of one client, where it is not known what the name leads to for it."""
_ORDER: Final = (Stage.DNS, Stage.ADDRESS, Stage.ROUTES, Stage.NSG, Stage.FIREWALL)
"""As a packet meets them, from left to right."""
_CALLED: Final = {
    Stage.DNS: "name",
    Stage.ADDRESS: "address",
    Stage.ROUTES: "route",
    Stage.NSG: "NSG",
    Stage.FIREWALL: "gate",
}


def ways_of(world: World) -> tuple[DrawnWay, ...]:
    return tuple(
        _drawn(client, name, way) for client, name in _clients(world) for way in _ways(verdict(world, client))
    )


def _ways(found: Verdict) -> tuple[Way, ...]:
    return found.ways[:MOST_WAYS]


def _clients(world: World) -> Iterator[tuple[Client, str]]:
    """The networks from which it is meant to be reached, those whom a range admits, Azure, all others."""
    for network in networks_meant(world)[:MOST_NETWORKS]:
        yield NetworkClient(network=network), f"network {network.name}"
    yield from _public(world.server)
    yield AnyAzure(), "every Azure address"
    for address in _outside(world.server):
        yield PublicClient(address=address), "the rest of the Internet"


def _public(server: ServerSnapshot) -> Iterator[tuple[Client, str]]:
    """One address of each of the ranges that are admitted, or would be: it stands for its like."""
    if server.vnet_integrated or server.public_access is PublicAccess.DISABLED:
        return
    admitted = public_sources(server).sources.common(PUBLIC_ADDRESSES)
    if PUBLIC_ADDRESSES.within(admitted):
        yield PublicClient(address=IPv4Address(admitted.spans[0][0])), "the whole Internet"
        return
    for first, last in admitted.spans[:MOST_RANGES]:
        shown = f"{IPv4Address(first)}–{IPv4Address(last)}" if last > first else str(IPv4Address(first))
        yield PublicClient(address=IPv4Address(first)), shown


def _outside(server: ServerSnapshot) -> Iterator[IPv4Address]:
    """One public address that no rule holds, where there is one."""
    held = public_sources(server).sources
    rest = AddressSet(spans=PUBLIC_ADDRESSES.minus(held).spans)
    yield from (IPv4Address(first) for first, _ in rest.spans[:1])


def _drawn(client: Client, name: str, way: Way) -> DrawnWay:
    gates = sorted(way.facts, key=lambda fact: _ORDER.index(fact.stage))
    return DrawnWay(
        client=name,
        about=_about(client, way.answer),
        state=str(way.state),
        gates=tuple(_gate(fact, way) for fact in gates),
    )


def _about(client: Client, answer: Resolved) -> str:
    if answer.endpoint is not None:
        return f"by private endpoint {answer.endpoint.name}"
    if answer.inside:
        return "by its own subnet"
    if answer.public:
        return "by the public address" if not isinstance(client, PublicClient) else f"as {client.address}"
    return "the name leads nowhere"


def _gate(fact: Fact, way: Way) -> Gate:
    return Gate(stage=_CALLED[fact.stage], state=str(fact.state), says=fact.says, blocks=fact in way.blocking)
