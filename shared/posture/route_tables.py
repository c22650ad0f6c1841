"""Where packets of a subnet go: user-defined and system routes by longest prefix, as Azure chooses.

The most specific prefix decides; of equal prefixes a user-defined route goes before a learned one (BGP),
and that before Azure's own; of two user-defined ones an explicit prefix goes before a service tag (article
on virtual network traffic routing). So a route for 0.0.0.0/0 does not touch the virtual network's own
space. Routes that a gateway learned are not in a reading: ``Table.learns`` says whether there may be some;
inside the virtual network its own system route wins over them. Which prefixes a service tag stands for is
not in the reading either: ``to_service`` answers with every hop that may be taken.

Pure; which hop is right, and for whom, is the policies' affair.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from ipaddress import ip_network
from typing import Final

from shared.model import Aspect, IPNetwork, Json, SubnetSnapshot
from shared.model.networks import Route
from shared.model.values import value
from shared.nsg import PUBLIC_ADDRESSES, WHOLE, Family, Spans, common, minus, networks_of, spans_of, union
from shared.posture.unread import unread_reason

DEFAULT_ROUTE: Final = ip_network("0.0.0.0/0")
HOLDS_ALL: Final = "azurecloud"
"""The tag that holds the addresses of every service beside the service's own."""
PUBLIC: Final[Spans] = common(PUBLIC_ADDRESSES, WHOLE[Family.IPV4])


class Hop(StrEnum):
    """Types of next hop, in Azure's spelling."""

    VIRTUAL_NETWORK = "VnetLocal"
    INTERNET = "Internet"
    APPLIANCE = "VirtualAppliance"
    GATEWAY = "VirtualNetworkGateway"
    NONE = "None"
    LEARNED = "learned by a gateway"
    """Not Azure's word: whatever a route that is not in the reading says."""
    UNKNOWN = "unknown"


class RoutesUnreadable(ValueError):
    """A route's prefix is neither a prefix nor a service tag."""


@value
class Step:
    """A route as it takes part in the choice; ``name`` is ``""`` for one of Azure's own."""

    network: IPNetwork | None
    """None for a service tag."""
    hop: Hop
    name: str = ""
    prefix: str = ""
    address: str = ""


TO_THE_INTERNET: Final = Step(network=DEFAULT_ROUTE, hop=Hop.INTERNET, prefix=str(DEFAULT_ROUTE))
"""Azure's own default route."""


@value
class Taken:
    """Addresses that one route decides."""

    step: Step
    spans: Spans


@value
class Table:
    """The routes of a subnet."""

    own: tuple[Step, ...]
    """User-defined ones for prefixes."""
    tags: tuple[Step, ...]
    """User-defined ones for service tags."""
    learns: bool
    """Whether there may be routes that a gateway or a route server brought in."""


def unread_routes(subnet: SubnetSnapshot) -> str:
    """Why the subnet's routes are not known; ``""`` where they are."""
    named = subnet.route_table_id is not None and subnet.route_table is None
    return unread_reason(subnet, Aspect.ROUTES) if named or Aspect.ROUTES in subnet.unread else ""


def beside_odd(subnet: SubnetSnapshot) -> tuple[Table, tuple[Route, ...]]:
    """The table of the routes that can be read, and the others, which may be for any address."""
    routes = subnet.route_table.routes if subnet.route_table else ()
    odd = tuple(route for route in routes if why_odd(route))
    return _table(subnet, [route for route in routes if route not in odd]), odd


def why_odd(route: Route) -> str:
    """Why the route's prefix cannot be read; ``""`` where it can."""
    try:
        _step(route)
    except RoutesUnreadable as error:
        return str(error)
    return ""


def odd_reason(odd: Iterable[Route]) -> str:
    return f"the routes cannot be read: {'; '.join(map(why_odd, odd))}"


_STRAIGHT: Final = frozenset({Hop.VIRTUAL_NETWORK, Hop.UNKNOWN})


def still_sure(
    taken: Iterable[Taken], odd: Iterable[Route], saved_by: frozenset[Hop] = _STRAIGHT
) -> tuple[Taken, ...]:
    """Of diverted packets those that are so whatever the odd routes are for.

    An odd route that leads elsewhere too only changes whither; one to a hop of ``saved_by`` may be more
    specific, but not than a route for one address.
    """
    if all(hop_of(route) not in saved_by for route in odd):
        return tuple(taken)
    return tuple(filter(is_for_one_address, taken))


def is_for_one_address(taken: Taken) -> bool:
    """Whether by a route that none is more specific than."""
    return taken.step.network is not None and taken.step.network.num_addresses == 1


def straight(prefixes: Iterable[IPNetwork]) -> list[Step]:
    """Azure's own routes to the space of a network, or of one that is joined to it."""
    return [Step(network=one, hop=Hop.VIRTUAL_NETWORK, prefix=str(one)) for one in prefixes]


def anywhere(odd: Iterable[Route]) -> tuple[Taken, ...]:
    """The odd routes as they may take any packet to a public address."""
    steps = (Step(network=None, hop=hop_of(one), name=one.name, prefix=one.prefix) for one in odd)
    return tuple(Taken(step=step, spans=PUBLIC) for step in steps)


def _table(subnet: SubnetSnapshot, routes: Iterable[Route]) -> Table:
    ordered = sorted(map(_step, routes), key=lambda step: step.name.lower())
    return Table(
        own=tuple(step for step in ordered if step.network is not None),
        tags=tuple(step for step in ordered if step.network is None),
        learns=_learns(subnet),
    )


def _learns(subnet: SubnetSnapshot) -> bool:
    """A table can shut learned routes out; a network without any gateway has none to let in."""
    shut_out = subnet.route_table is not None and subnet.route_table.gateway_propagation is False
    has_none = subnet.virtual_network is not None and subnet.virtual_network.learns_routes is False
    return not (shut_out or has_none)


def _step(route: Route) -> Step:
    hop, text = hop_of(route), route.prefix.strip()
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        if not text:
            raise RoutesUnreadable(f"route {route.name!r} has no addressPrefix") from None
        if not text[0].isalpha() or ":" in text or "/" in text:
            raise RoutesUnreadable(f"route {route.name!r}: {text!r} is no prefix") from None
        return Step(network=None, hop=hop, name=route.name, prefix=text, address=route.address)
    return Step(network=network, hop=hop, name=route.name, prefix=text, address=route.address)


def hop_of(route: Route) -> Hop:
    """The type of its next hop."""
    return next((hop for hop in Hop if hop.lower() == route.next_hop.strip().lower()), Hop.UNKNOWN)


# --- the choice ------------------------------------------------------------------------------------


@value
class Diverted:
    """What user-defined routes take out of the virtual network, surely, or depending on what was not read."""

    surely: tuple[Taken, ...] = ()
    perhaps: tuple[Taken, ...] = ()


def diverted(subnet: SubnetSnapshot, table: Table, destinations: Iterable[IPNetwork]) -> Diverted:
    """Packets to addresses in the subnet that are sent elsewhere than straight there.

    A user-defined route does so if it is at least as specific as the prefix of the network's space. Where
    that space was not read it lies between the subnet's own prefix and everything.
    """
    wanted = spans_of(destinations)
    if subnet.virtual_network is not None:
        return _split(_inside(table, subnet.virtual_network.prefixes, wanted))
    surely = _split(_inside(table, subnet.prefixes, common(wanted, spans_of(subnet.prefixes))))
    most = _inside(table, (), wanted)
    known = {taken.step for taken in surely.surely}
    return Diverted(
        surely=surely.surely,
        perhaps=(*surely.perhaps, *(one for one in most if _leaves(one) and one.step not in known)),
    )


def _split(taken: Iterable[Taken]) -> Diverted:
    leaving = [one for one in taken if _leaves(one)]
    return Diverted(
        surely=tuple(one for one in leaving if one.step.hop is not Hop.UNKNOWN),
        perhaps=tuple(one for one in leaving if one.step.hop is Hop.UNKNOWN),
    )


def _leaves(taken: Taken) -> bool:
    return taken.step.hop is not Hop.VIRTUAL_NETWORK


def _inside(table: Table, space: Iterable[IPNetwork], destinations: Spans) -> tuple[Taken, ...]:
    own = [step for step in table.own if step.network is not None and step.network.prefixlen > 0]
    return tuple(chosen([*own, *straight(space)], destinations))


def chosen(steps: Sequence[Step], destinations: Spans) -> Iterator[Taken]:
    """Who decides on packets to ``destinations``, the most specific first; what no route holds is left out.

    Of equal prefixes the one that comes first decides. Steps for tags take no part.
    """
    left = destinations
    listed = [(step.network, step) for step in steps if step.network is not None]
    for network, step in sorted(listed, key=lambda one: -one[0].prefixlen):
        if spans := common(left, spans_of([network])):
            yield Taken(step=step, spans=spans)
            left = minus(left, spans)


def to_service(table: Table, tag: str, asked: str = "") -> tuple[Taken, ...]:
    """The routes that may decide on packets to a service's public IPv4 addresses, and what each may decide.

    What all of them say is certain. A route for the service's own tag goes before every default route, and
    one for its part of a region, where that is what is ``asked`` for, before that for all of it; what
    somebody lists by prefixes, or a region's tag, may be more specific for a part.
    """
    named = {step.prefix.lower() for step in table.tags}
    own = asked.lower() if asked.lower() in named else tag.lower()
    whole = [step for step in table.tags if step.prefix.lower() in {own, HOLDS_ALL}]
    regional = (f"{HOLDS_ALL}.", f"{tag.lower()}.")
    parts = [step for step in table.tags if step.prefix.lower().startswith(regional) and step not in whole]
    tagged = [Taken(step=step, spans=PUBLIC) for step in (*whole, *parts)]
    if whole:
        listed = [step for step in table.own if step.network != DEFAULT_ROUTE]
        return (*tagged, *chosen(listed, PUBLIC))
    taken = (*tagged, *chosen([*table.own, TO_THE_INTERNET], PUBLIC))
    return (*taken, *_learned(taken)) if table.learns else taken


def _learned(taken: Iterable[Taken]) -> Iterator[Taken]:
    """A learned route goes before Azure's own, and may be more specific than somebody's default route."""
    for one in taken:
        if one.step.network == DEFAULT_ROUTE:
            yield Taken(step=Step(network=None, hop=Hop.LEARNED), spans=one.spans)


# --- told ------------------------------------------------------------------------------------------


def spelled(taken: Taken) -> str:
    """For example: route 'all' (0.0.0.0/0) leads to VirtualAppliance 10.0.9.4."""
    step = taken.step
    if step.hop is Hop.LEARNED:
        return "a route that a gateway learned may go before"
    who = f"route {step.name!r} ({step.prefix})" if step.name else f"the system route {step.prefix}"
    whither = f"{step.hop} {step.address}" if step.address else str(step.hop)
    return f"{who} leads to {whither}"


def leading(taken: Iterable[Taken]) -> str:
    """For a fingerprint, which addresses go where: ``10.0.1.0/24 to VirtualAppliance``.

    Whatever the routes are called, and however many there are, the same diversion has the same text.
    """
    held = tuple(taken)
    by_hop = {
        str(hop): union(span for one in held if one.step.hop is hop for span in one.spans)
        for hop in {one.step.hop for one in held}
    }
    return "; ".join(f"{','.join(map(str, networks_of(by_hop[hop])))} to {hop}" for hop in sorted(by_hop))


def shown(taken: Taken) -> Json:
    """A route for evidence, in Azure's names."""
    step = taken.step
    return {
        "name": step.name,
        "addressPrefix": step.prefix,
        "nextHopType": str(step.hop),
        "nextHopIpAddress": step.address,
    }
