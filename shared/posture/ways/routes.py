"""Where packets go: from a client's subnet to a private address, back again, or to the public endpoint.

The longest prefix decides; of equal ones a user-defined route, then Azure's own: the network's space and that
of joined networks lead straight there. A private endpoint has a route of its own, before which a user-defined
one goes only where network policies put routes in force (article on network policies of private endpoints).
What is not known (whether networks are peered, the mode of those policies) is tried both ways: lost is what
is lost either way. Pure.

What must not live here: which addresses are asked about, and NSGs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product
from typing import Final

from shared.model import Aspect, SubnetSnapshot
from shared.model.networks import Route, VirtualNetwork
from shared.model.resource_id import ResourceId
from shared.model.values import value
from shared.nsg import Spans, common, minus, spans_of, union
from shared.posture.route_commands import dropping
from shared.posture.route_tables import (
    PUBLIC,
    TO_THE_INTERNET,
    Hop,
    Step,
    Table,
    Taken,
    beside_odd,
    chosen,
    hop_of,
    is_for_one_address,
    odd_reason,
    spelled,
    straight,
    unread_routes,
)
from shared.posture.unread import unread_reason
from shared.posture.ways.answers import Fact, Stage, State
from shared.posture.ways.peered import joined

_LOSES: Final = frozenset({Hop.NONE, Hop.INTERNET})
"""Whatever leaves for the Internet with a private server's address reaches nobody."""

SOME_SUBNET: Final = "some subnet"
"""What a network's subnet is called of which nothing is known but the network."""


def _named(origin: SubnetSnapshot) -> str:
    if origin.id.name == SOME_SUBNET and origin.id.parent is not None:
        return f"network {origin.id.parent.name}"
    return f"subnet {origin.id.name}"


@value
class Whither:
    """The other end of a route: its network, and what is known of it."""

    network: ResourceId | None
    read: VirtualNetwork | None
    """The network itself; None where it was not read."""
    wanted: Spans
    """The addresses there."""
    endpoint: bool = False
    """Whether a private endpoint is there, which has a route of its own."""
    overridden: bool | None = True
    """Of an endpoint: whether user-defined routes may go before its own; None: not known."""
    outside: bool = False
    """Whether it is no network of Azure's."""


@value
class Led:
    """What is known of the packets to somewhere."""

    fact: Fact
    lost: Spans = ()
    """The addresses to which they surely do not get."""
    through: Spans = ()
    """Those to which an appliance or a gateway may carry them, which may give them an address of its own."""


@value
class _Split:
    """Addresses that packets surely do not get to, and those of which that is not known."""

    lost: tuple[Taken, ...] = ()
    nowhere: Spans = ()
    """Lost because no route leads there."""
    open: Spans = ()
    through: Spans = ()
    """Of those that are open: where an appliance or a gateway may carry packets."""
    why: tuple[str, ...] = ()

    @property
    def gone(self) -> Spans:
        return union((*(span for one in self.lost for span in one.spans), *self.nowhere))


def private(origin: SubnetSnapshot, to: Whither) -> Led:
    """Whether packets of ``origin`` get there."""
    network = origin.virtual_network
    peered = State.BLOCKED if to.outside else joined(network, to.read, (origin.id.parent, to.network))
    if unread := unread_routes(origin):
        return Led(fact=_fact(origin, State.UNKNOWN, unread, unread), through=to.wanted)
    tried = [
        _split(origin, to, is_joined=is_joined, overridden=overridden)
        for is_joined, overridden in product(_either(peered), _modes(to))
    ]
    return _told(origin, to, tried, peered)


def _either(state: State) -> tuple[bool, ...]:
    return (True, False) if state is State.UNKNOWN else (state is State.STANDS,)


def _modes(to: Whither) -> tuple[bool, ...]:
    return (True, False) if to.overridden is None else (to.overridden,)


def _split(origin: SubnetSnapshot, to: Whither, *, is_joined: bool, overridden: bool) -> _Split:
    """What becomes of packets in one of the cases."""
    table, odd = beside_odd(origin)
    if is_joined and to.endpoint and not overridden:
        return _beside_its_own(to, table, odd)
    reached = _joined_split(origin, to, table) if is_joined else _apart_split(origin, to, table)
    straight = is_joined and all(hop_of(one) is Hop.VIRTUAL_NETWORK for one in odd)
    settled = not odd or (straight and not (reached.gone or reached.open))
    return reached if settled else _beside(reached, to, odd)


def _beside_its_own(to: Whither, table: Table, odd: tuple[Route, ...]) -> _Split:
    """Without network policies a route for the one address of the endpoint is as specific as the endpoint's
    own, and has been seen to go before it."""
    taken = chosen([step for step in table.own if _is_one(step)], to.wanted)
    split = _split_of((), [one for one in taken if one.step.hop is not Hop.VIRTUAL_NETWORK])
    if not odd:
        return split
    through = split.through if all(hop_of(one) in _LOSES for one in odd) else to.wanted
    return replace(split, open=to.wanted, through=through, why=(*split.why, odd_reason(odd)))


def _joined_split(origin: SubnetSnapshot, to: Whither, table: Table) -> _Split:
    """A user-defined route goes before Azure's own where it is at least as specific; one for everything never
    is. What no route holds that was read is the joined network's all the same."""
    own = [step for step in table.own if step.network is not None and step.network.prefixlen > 0]
    taken = tuple(chosen([*own, *_system(origin, to)], to.wanted))
    first = _space_is_known(origin, to)
    lost = tuple(one for one in taken if one.step.hop in _LOSES and (first or is_for_one_address(one)))
    return _split_of(lost, [one for one in taken if one.step.hop is not Hop.VIRTUAL_NETWORK])


def _apart_split(origin: SubnetSnapshot, to: Whither, table: Table) -> _Split:
    """Without a peering: by what somebody routed there, or a gateway learned, which may be more specific."""
    taken = tuple(chosen([*table.own, *_own(origin)], to.wanted))
    learned = table.learns and (to.read is None or to.read.learns_routes is not False)
    lost = tuple(one for one in taken if one.step.hop in _LOSES and (not learned or is_for_one_address(one)))
    split = _split_of(lost, [one for one in taken if one.step.name])
    left = minus(to.wanted, union((*split.gone, *split.open)))
    if not learned:
        return replace(split, nowhere=left)
    why = f"a gateway may lead from {_named(origin)} there; what it learned is not read"
    unsure = union((*split.open, *left))
    return replace(split, open=unsure, through=unsure, why=(*split.why, why))


def _split_of(lost: tuple[Taken, ...], leaving: Iterable[Taken]) -> _Split:
    """``leaving`` are the packets that are sent elsewhere than straight there; lost, or not known."""
    unsure = [one for one in leaving if one not in lost]
    return _Split(
        lost=lost,
        open=union(span for one in unsure for span in one.spans),
        through=union(span for one in unsure if one.step.hop not in _LOSES for span in one.spans),
        why=tuple(f"{spelled(one)}; whether packets get there that way is not known" for one in unsure),
    )


def _beside(split: _Split, to: Whither, odd: tuple[Route, ...]) -> _Split:
    """A route whose prefix cannot be read may be for any address, and more specific than all but a /32."""
    if all(hop_of(one) in _LOSES for one in odd):
        kept = _Split(lost=split.lost, nowhere=split.nowhere, through=split.through)
        unsure = minus(to.wanted, kept.gone)
    else:
        kept = _Split(lost=tuple(one for one in split.lost if is_for_one_address(one)))
        unsure = minus(to.wanted, kept.gone)
        kept = replace(kept, through=unsure)
    return replace(kept, open=unsure, why=(*split.why, odd_reason(odd)))


def _is_one(step: Step) -> bool:
    return step.network is not None and step.network.num_addresses == 1


def _system(origin: SubnetSnapshot, to: Whither) -> Iterator[Step]:
    """Azure's own routes: the network's space, and that of its peers, as far as they are known."""
    yield from _own(origin)
    yield from straight(to.read.prefixes if to.read is not None else ())
    network = origin.virtual_network
    peerings = network.peerings if network is not None else ()
    yield from straight(prefix for peering in peerings for prefix in peering.prefixes)


def _own(origin: SubnetSnapshot) -> list[Step]:
    network = origin.virtual_network
    return straight(network.prefixes if network is not None else ())


def _space_is_known(origin: SubnetSnapshot, to: Whither) -> bool:
    """Whether the prefix is known of Azure's own route to the other end."""
    return not minus(to.wanted, spans_of(step.network for step in _system(origin, to) if step.network))


# --- told ------------------------------------------------------------------------------------------


def _told(origin: SubnetSnapshot, to: Whither, tried: list[_Split], peered: State) -> Led:
    lost = to.wanted
    for one in tried:
        lost = common(lost, one.gone)
    if lost and not minus(to.wanted, lost):
        return Led(fact=_lost(origin, to, tried[0]), lost=lost)
    if all(not one.gone and not one.open for one in tried):
        return Led(fact=_fact(origin, State.STANDS, f"{_named(origin)} sends packets straight there"))
    why = dict.fromkeys(text for one in tried for text in (*one.why, *map(_drops, one.lost)))
    if peered is State.UNKNOWN:
        why[_peering(origin, to)] = None
    told = "; ".join(why) or f"whether packets of {_named(origin)} get there is not known"
    through = union(span for one in tried for span in one.through)
    return Led(fact=_fact(origin, State.UNKNOWN, told, told), lost=lost, through=through)


def _peering(origin: SubnetSnapshot, to: Whither) -> str:
    here, there = (one.name if one else "one that is not known" for one in (origin.id.parent, to.network))
    return f"whether networks {here} and {there} are peered, at both ends, is not known"


def _drops(taken: Taken) -> str:
    return f"{spelled(taken)}, which loses packets"


def _lost(origin: SubnetSnapshot, to: Whither, split: _Split) -> Fact:
    if split.lost:
        said = f"{'; '.join(map(spelled, split.lost))}: packets from {_named(origin)} are lost"
        remedy = tuple(step for one in split.lost for step in dropping(origin, one))
        return replace(_fact(origin, State.BLOCKED, said), remedy=remedy)
    there = f"to network {to.network.name}" if to.network is not None else "there"
    return _fact(origin, State.BLOCKED, f"no route of {_named(origin)} leads {there}")


def _fact(origin: SubnetSnapshot, state: State, says: str, settles: str = "") -> Fact:
    where = str(origin.route_table_id or (origin.id.parent if origin.id.name == SOME_SUBNET else origin.id))
    return Fact(stage=Stage.ROUTES, state=state, says=says, settles=settles, resource=where)


# --- to the public endpoint ------------------------------------------------------------------------


def public(origin: SubnetSnapshot) -> tuple[Fact, Spans]:
    """Whether packets get to a public address that is not known, and those to which they surely do not."""
    if unread := unread_routes(origin):
        return _fact(origin, State.UNKNOWN, unread, unread), ()
    if origin.route_table is None and origin.virtual_network is None:
        unread = unread_reason(origin, Aspect.VIRTUAL_NETWORK)
        return _fact(origin, State.UNKNOWN, unread, unread), ()
    table, odd = beside_odd(origin)
    taken = tuple(chosen([*table.own, TO_THE_INTERNET], PUBLIC))
    hops = {*map(hop_of, odd), *(step.hop for step in table.tags)}
    unsettled = table.learns or bool(hops - {Hop.NONE})
    nowhere = tuple(one for one in taken if one.step.hop is Hop.NONE)
    lost = tuple(filter(is_for_one_address, nowhere)) if unsettled else nowhere
    elsewhere = tuple(one for one in odd if hop_of(one) is not Hop.INTERNET)
    vague = [*_vague(taken, table, lost), *([odd_reason(elsewhere)] if elsewhere else [])]
    return _public_told(origin, lost, vague)


def _vague(taken: tuple[Taken, ...], table: Table, lost: tuple[Taken, ...]) -> Iterator[str]:
    """What keeps it from being known that packets go straight to the Internet, or are lost."""
    for one in taken:
        if one.step.hop is not Hop.INTERNET and one not in lost:
            yield f"{spelled(one)}; whether packets get there that way is not known"
    for step in table.tags:
        if step.hop is not Hop.INTERNET:
            yield f"route {step.name!r} leads to {step.hop}: whether {step.prefix} holds the address is open"
    if table.learns:
        yield "a gateway may have learned a route to the Internet, which is not read"


def _public_told(origin: SubnetSnapshot, lost: tuple[Taken, ...], vague: list[str]) -> tuple[Fact, Spans]:
    gone = union(span for one in lost for span in one.spans)
    if gone and not minus(PUBLIC, gone):
        split = _Split(lost=lost)
        return _lost(origin, Whither(network=None, read=None, wanted=PUBLIC), split), gone
    if not gone and not vague:
        return _fact(origin, State.STANDS, f"{_named(origin)} sends packets to the Internet"), ()
    told = "; ".join((*vague, *map(_drops, lost)))
    return _fact(origin, State.UNKNOWN, told, told), gone
