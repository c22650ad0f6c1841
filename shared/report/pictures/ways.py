"""The ways into a server, as the one verdict about ways has them: whoever can be meant to come in, and the
Internet."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Final

from shared.model import ConnectionStatus, PublicAccess, ServerSnapshot
from shared.posture.traffic import PUBLIC_ADDRESSES, AddressSet, public_sources
from shared.posture.ways.answers import Fact, Resolved, Stage, State, Verdict, Way
from shared.posture.ways.reach import networks_meant
from shared.posture.ways.verdict import verdict
from shared.posture.ways.world import AnyAzure, Client, NetworkClient, PublicClient, World
from shared.report.pictures.values import DrawnWay, Gate

MOST_NETWORKS: Final = 4
MOST_RULES: Final = 4
MOST_WAYS: Final = 2
"""Of one client, where it is not known what the name leads to for it."""
_NOT_READ: Final = (
    "where it lies and who finds it was not read: no policy that is on asks for the private DNS"
)
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
    verdicts = (
        _drawn(client, name, way) for client, name in _clients(world) for way in _ways(verdict(world, client))
    )
    return (*_by_endpoints_unread(world.server), *verdicts)


def _ways(found: Verdict) -> tuple[Way, ...]:
    return found.ways[:MOST_WAYS]


def _by_endpoints_unread(server: ServerSnapshot) -> Iterator[DrawnWay]:
    """Approved endpoints of which nobody read where they lie and who finds them: ways that may stand."""
    if server.private_dns is not None:
        return
    said = Gate(stage=_CALLED[Stage.DNS], state=str(State.UNKNOWN), says=_NOT_READ)
    for one in server.private_endpoints or ():
        if one.status is ConnectionStatus.APPROVED and one.endpoint is not None:
            name = f"by private endpoint {one.endpoint.name}"
            yield DrawnWay(client="its network", about=name, state=str(State.UNKNOWN), gates=(said,))


def _clients(world: World) -> Iterator[tuple[Client, str]]:
    """The networks from which it is meant to be reached, those whom a rule admits, Azure, all others."""
    server = world.server
    own = server.delegated_subnet.parent if server.delegated_subnet is not None else None
    networks = dict.fromkeys((*((own,) if own is not None else ()), *networks_meant(world)))
    for network in list(networks)[:MOST_NETWORKS]:
        yield NetworkClient(network=network), f"network {network.name}"
    yield from _public(server)
    yield AnyAzure(), "every Azure address"
    for address in _outside(server):
        yield PublicClient(address=address), "the rest of the Internet"


def _public(server: ServerSnapshot) -> Iterator[tuple[Client, str]]:
    """One public address of each rule that admits any: it stands for its like."""
    if server.vnet_integrated or server.public_access is PublicAccess.DISABLED:
        return
    if PUBLIC_ADDRESSES.within(public_sources(server).sources):
        first, _ = PUBLIC_ADDRESSES.spans[0]
        yield PublicClient(address=IPv4Address(first)), "the whole Internet"
        return
    for rule in (server.firewall_rules or ())[:MOST_RULES]:
        held = AddressSet.of([(int(rule.start), int(rule.end))]).common(PUBLIC_ADDRESSES)
        for first, _ in held.spans[:1]:
            yield PublicClient(address=IPv4Address(first)), f"rule {rule.name}"


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
