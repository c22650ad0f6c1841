"""Whether somebody surely still comes in after a change: what the brake *last way in* asks.

A public way that surely stays is enough: nobody is cut off from a server that is meant to be public. Else it
is the private ways that count, of the clients that matter: each that is declared, or without any at least one
network. A way that is not known is none here; what is said then is which fact blocks it, or what would settle
it. Pure: who the clients are, and what has to be read for them, is the caller's affair.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shared.model import Aspect, PublicAccess, ServerSnapshot, ServerState
from shared.posture.traffic import PUBLIC_ADDRESSES, public_sources
from shared.posture.unread import connections_missing, status_unknown, unread_reason
from shared.posture.ways.answers import Fact, Stage, State, Verdict, Way
from shared.posture.ways.endpoints import approved
from shared.posture.ways.verdict import verdict
from shared.posture.ways.world import Client, NetworkClient, OnPremises, PublicClient, SubnetClient, World


def stays_public(server: ServerSnapshot) -> bool:
    """Whether somebody surely comes in by the server's public path, whatever its odd rules mean."""
    if server.vnet_integrated or server.public_access is not PublicAccess.ENABLED:
        return False
    admitted = public_sources(server)
    ready = any(rule.state.lower() == "ready" for rule in server.virtual_network_rules or ())
    return bool(admitted.sources.common(PUBLIC_ADDRESSES).spans) or admitted.all_azure or ready


def never_privately(server: ServerSnapshot) -> str:
    """Why no private way into the server can surely stand, whatever else is read; ``""`` where one may."""
    if server.private_endpoints is None:
        return connections_missing(server)
    if approved(server):
        return ""
    return (
        status_unknown(server) or "no approved private endpoint: without public access nobody could connect"
    )


def why_cut_off(world: World, client: Client) -> str:
    """Why the client does not surely come in to the server as it is in ``world``; ``""`` where it does.

    A change is made when the server is ready, so that it is not so now is no part of the question.
    """
    server = world.server
    found = verdict(replace(world, server=replace(server, state=ServerState.READY)), client)
    if found.state is State.STANDS:
        return ""
    how = "cannot connect" if found.state is State.BLOCKED else "may not connect"
    asked = (Aspect.PRIVATE_DNS, Aspect.PLACES)
    unread = [unread_reason(server, aspect) for aspect in asked if aspect in server.unread]
    return f"{_named(client)} {how}: {'; '.join(dict.fromkeys([*_because(found), *unread]))}"


# --- in words --------------------------------------------------------------------------------------


def _because(found: Verdict) -> Iterator[str]:
    """What blocks the ways, and then what would settle the rest. What the name resolves to is told where that
    is known."""
    facts = [fact for way in found.ways for fact in _in_the_way(way)]
    known = [fact for fact in found.ways[0].facts if fact.stage is Stage.DNS] if len(found.ways) == 1 else []
    yield from (fact.says for fact in (*known, *facts) if not fact.settles)
    yield from (fact.settles for fact in facts if fact.settles)


def _in_the_way(way: Way) -> Iterator[Fact]:
    """The fewest facts that block it, or those that are not known; the name among them where that hangs."""
    if way.state is State.BLOCKED:
        yield from way.blocking
    yield from (fact for fact in way.facts if fact.settles)


def _named(client: Client) -> str:
    match client:
        case SubnetClient():
            held = ", ".join(map(str, client.subnet.prefixes))
            return f"clients in {held} (subnet {client.subnet.id.name})"
        case NetworkClient():
            return f"clients in network {client.network.name}"
        case PublicClient():
            return f"clients at {client.address}"
        case OnPremises():
            return f"clients in {', '.join(map(str, client.prefixes))}"
        case _:
            return "clients anywhere in Azure"
