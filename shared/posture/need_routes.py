"""Where the packets of a need go by the routes of a subnet: straight there, nowhere, or to somebody between.

A need is for a service, by the addresses of its tag, or for networks. A packet that a user-defined route
takes to ``None`` is lost; whether an appliance or a gateway lets it pass is not known. A service endpoint
brings routes of its own, which no route table overrides (article on virtual network traffic routing). What
a gateway learned is in no reading: it may go before Azure's default route, and before a user-defined one to
what is in no network that is joined.

Pure; which of this is a finding, and whose, is said elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final, TypeAlias

from shared.model import Aspect, IPNetwork, SubnetSnapshot
from shared.model.networks import Route, VirtualNetwork
from shared.model.values import value
from shared.nsg import PUBLIC_ADDRESSES, common, minus, spans_of
from shared.posture.route_tables import (
    Hop,
    Step,
    Table,
    Taken,
    anywhere,
    beside_odd,
    chosen,
    diverted,
    is_for_one_address,
    odd_reason,
    spelled,
    still_sure,
    straight,
    to_service,
    unread_routes,
)
from shared.posture.service_questions import is_elsewhere
from shared.posture.unread import unread_reason

_NOT_LOST: Final = frozenset(Hop) - {Hop.NONE}
_UNLESS_LEARNED: Final = "unless a route that a gateway learned goes before"
_UNLESS_PEERED: Final = "unless a peering leads there of which that cannot be read"
_UNSURE_ENDPOINT: Final = "unless a service endpoint of the subnet leads there"
_NO_HOP: Final = "which is no type of hop that is known"


@value
class ToService:
    """To the public addresses of a service tag."""

    tag: str
    """``Storage``."""
    asked: str
    """``Storage.westeurope``, or the tag itself."""
    endpoints: frozenset[str] = frozenset()
    """Service endpoints, in lower case, with one of which every route of Azure's leads straight there."""
    offered: str = ""
    """The one of them that is proposed, in Azure's spelling."""
    maybe: frozenset[str] = frozenset()
    """Such that may lead there: ``Microsoft.Storage`` serves its own region and the one paired with it."""


@value
class ToNetworks:
    """To these prefixes: the subnet's own, a replica's, those of clients on the way back."""

    prefixes: tuple[IPNetwork, ...]


Whither: TypeAlias = ToService | ToNetworks


@value
class Routed:
    """What routes do with the packets of one need; nothing where they go straight there."""

    lost: tuple[Taken, ...] = ()
    """User-defined routes that surely lose some of them; for a service: all."""
    astray: tuple[Taken, ...] = ()
    """What surely takes them elsewhere than straight there, some or, for a service, all."""
    perhaps: tuple[Taken, ...] = ()
    """What may take or lose them."""
    notes: tuple[str, ...] = ()
    """Why that is not known."""
    odd: str = ""
    """The routes that cannot be read and may be for some of them."""

    @property
    def learned_only(self) -> bool:
        """Whether nothing is in doubt but what a gateway may have learned."""
        open_ones = (*self.lost, *self.astray, *self.perhaps)
        return not (self.notes or self.odd) and all(one.step.hop is Hop.LEARNED for one in open_ones)


def routed(subnet: SubnetSnapshot, whither: Whither) -> Routed:
    """By the subnet's own route table; what it cannot say is in ``notes``.

    Nothing is sent with addresses of a family that the subnet has none of; to a service none but IPv4.
    """
    families = {prefix.version for prefix in subnet.prefixes}
    asked = {4} if isinstance(whither, ToService) else {one.version for one in whither.prefixes}
    if not families & asked:
        return Routed()
    if unread := unread_routes(subnet):
        return Routed(notes=(unread,))
    table, odd = beside_odd(subnet)
    if isinstance(whither, ToService):
        return _past_endpoints(subnet, whither, _to_service(table, odd, whither))
    reached = tuple(one for one in whither.prefixes if one.version in families)
    found = _to_networks(subnet, table, odd, reached)
    return replace(found, odd=odd_reason(odd)) if odd else found


# --- to a service ----------------------------------------------------------------------------------


def _to_service(table: Table, odd: tuple[Route, ...], whither: ToService) -> Routed:
    """Certain is what all routes say that may decide."""
    here = tuple(step for step in table.tags if not is_elsewhere(step.prefix.lower(), whither.asked))
    listed = to_service(replace(table, tags=here), whither.tag, whither.asked)
    taken = (*listed, *anywhere(odd))
    elsewhere = tuple(one for one in taken if one.step.hop is not Hop.INTERNET)
    if len(elsewhere) < len(taken) or any(one.step.hop is Hop.UNKNOWN for one in taken):
        return Routed(perhaps=elsewhere, odd=odd_reason(odd) if odd and elsewhere else "")
    if all(one.step.hop is Hop.NONE for one in taken):
        return Routed(lost=listed)
    return Routed(astray=listed)


def _past_endpoints(subnet: SubnetSnapshot, whither: ToService, found: Routed) -> Routed:
    """What a service endpoint leaves of it: nothing, or doubts."""
    known = {name.lower() for name in subnet.service_endpoints or ()}
    if known & whither.endpoints or found == Routed():
        return Routed()
    unread = subnet.service_endpoints is None and bool(whither.endpoints)
    if not (unread or known & whither.maybe) or found.learned_only:
        return found
    doubted = (*found.lost, *found.astray, *found.perhaps)
    return Routed(perhaps=doubted, notes=(*found.notes, _UNSURE_ENDPOINT), odd=found.odd)


# --- to networks -----------------------------------------------------------------------------------


def _to_networks(
    subnet: SubnetSnapshot, table: Table, odd: tuple[Route, ...], prefixes: tuple[IPNetwork, ...]
) -> Routed:
    if set(prefixes) <= set(subnet.prefixes):
        return _inside(subnet, table, odd, prefixes)
    azures, wanted = _of_azure(subnet), minus(spans_of(prefixes), spans_of(subnet.prefixes))
    taken = [one for one in chosen([*table.own, *azures], wanted) if one.step not in azures]
    lost = tuple(one for one in taken if _loses(one))
    sure = _surely_lost((one for one in lost if _is_first(subnet, table, one)), odd)
    others = [one for one in taken if one not in lost and one.step.hop not in _LEADS]
    unknown = tuple(one for one in others if one.step.hop is Hop.UNKNOWN)
    doubted = tuple(one for one in lost if one not in sure)
    return Routed(
        lost=sure,
        astray=tuple(one for one in others if one not in unknown),
        perhaps=(*doubted, *unknown),
        notes=(*_why_doubted(subnet, table, doubted), *([_NO_HOP] if unknown else [])),
    )


_LEADS: Final = frozenset({Hop.VIRTUAL_NETWORK, Hop.INTERNET})
"""Of a public address, the Internet too may lead there."""


def _inside(
    subnet: SubnetSnapshot, table: Table, odd: tuple[Route, ...], prefixes: Iterable[IPNetwork]
) -> Routed:
    """Between addresses of the subnet itself."""
    found = diverted(subnet, table, prefixes)
    surely = still_sure(found.surely, odd)
    lost = _surely_lost((one for one in surely if _loses(one)), odd)
    astray = tuple(one for one in surely if one not in lost)
    return Routed(
        lost=lost,
        astray=astray,
        perhaps=found.perhaps,
        notes=(_why_open(subnet),) if found.perhaps else (),
    )


def _why_open(subnet: SubnetSnapshot) -> str:
    if subnet.virtual_network is not None:
        return _NO_HOP
    unread = unread_reason(subnet, Aspect.VIRTUAL_NETWORK)
    return f"which matters unless the network's space is more specific; {unread}"


def _of_azure(subnet: SubnetSnapshot) -> list[Step]:
    """Azure's own routes, to the network and to those peered with it, as far as they are surely there."""
    network = subnet.virtual_network
    if network is None:
        return []
    peered = (prefix for peering in network.peerings if peering.whole for prefix in peering.prefixes)
    return straight((*network.prefixes, *peered))


def _may_be_peered(network: VirtualNetwork, taken: Taken) -> bool:
    """Whether a peering may lead there: one of some subnets only, or one that does not show what it joins."""
    return network.odd_peerings or any(
        not one.prefixes or (not one.whole and common(taken.spans, spans_of(one.prefixes)))
        for one in network.peerings
    )


def _loses(taken: Taken) -> bool:
    """``None`` drops a packet, and the Internet one to an address that is not public."""
    private = taken.step.hop is Hop.INTERNET and bool(minus(taken.spans, PUBLIC_ADDRESSES))
    return taken.step.hop is Hop.NONE or private


def _is_first(subnet: SubnetSnapshot, table: Table, taken: Taken) -> bool:
    """Whether no route that was not read goes before it: a learned one does only where none of Azure's own
    leads there, and those are known where the network was read with what it is joined to."""
    network = subnet.virtual_network
    if is_for_one_address(taken) or network is None:
        return is_for_one_address(taken)
    joined = not minus(taken.spans, spans_of(step.network for step in _of_azure(subnet) if step.network))
    return joined or not (table.learns or _may_be_peered(network, taken))


def _surely_lost(taken: Iterable[Taken], odd: tuple[Route, ...]) -> tuple[Taken, ...]:
    return still_sure(taken, odd, _NOT_LOST)


def _why_doubted(subnet: SubnetSnapshot, table: Table, doubted: tuple[Taken, ...]) -> tuple[str, ...]:
    if not doubted:
        return ()
    network = subnet.virtual_network
    if network is None:
        return (unread_reason(subnet, Aspect.VIRTUAL_NETWORK),)
    peered = any(_may_be_peered(network, one) for one in doubted)
    return (*((_UNLESS_LEARNED,) if table.learns else ()), *((_UNLESS_PEERED,) if peered else ()))


# --- told ------------------------------------------------------------------------------------------


def told(taken: Iterable[Taken]) -> str:
    return ", ".join(dict.fromkeys(spelled(one) for one in taken))
