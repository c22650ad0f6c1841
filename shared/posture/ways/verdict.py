"""Can this client connect? Every way that it may take, and what they come to.

A way's facts are the name, the route there and back, admin rules and NSGs out and in, and the gate; which
facts a way has hangs on what the name resolves to. Facts that stop some packets only are joined: together
they may stop all. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from typing import Final

from shared.model import Aspect, Direction, SubnetSnapshot
from shared.nsg import (
    Side,
    Spans,
    Tags,
    common,
    minus,
    read_side,
    spans_of,
    union,
)
from shared.nsg.packets.boxes import Box
from shared.posture.client_questions import as_enforced
from shared.posture.route_tables import PUBLIC
from shared.posture.subnet_facts import delegated, groups_reach_endpoints
from shared.posture.subnet_questions import outside_tags, virtual_network
from shared.posture.ways import gates, paths, routes
from shared.posture.ways.answers import Fact, Stage, State, Verdict, Way, among
from shared.posture.ways.case import ANYWHERE, Case
from shared.posture.ways.groups import (
    Leg,
    beyond,
    box_of,
    common_boxes,
    covered,
    nobody_in,
    passing,
    passing_to_endpoint,
)
from shared.posture.ways.names import Answer, answers, network_read
from shared.posture.ways.peered import joined
from shared.posture.ways.world import (
    AnyAzure,
    Client,
    NetworkClient,
    OnPremises,
    PublicClient,
    SubnetClient,
    World,
)

_ORDER: Final = {stage: number for number, stage in enumerate(Stage)}


def verdict(world: World, client: Client) -> Verdict:
    """Whether ``client`` can connect to the server, in every completion of what is unknown."""
    ways = tuple(_way(world, client, answer) for answer in answers(world, client))
    return Verdict(client=client, state=among(way.state for way in ways), ways=ways)


def _way(world: World, client: Client, answer: Answer) -> Way:
    found = [*gates.running(world.server), answer.fact]
    whole: Box | None = None
    if answer.resolved.leads:
        case = Case(world=world, client=client, to=answer.resolved)
        whole = box_of(case.sources, case.destinations)
        found += _facts(case)
    facts = tuple(sorted(found, key=lambda fact: _ORDER[fact.stage]))
    blocking = _blocking(facts, whole)
    state = State.BLOCKED if blocking else _of_facts(facts)
    return Way(answer=answer.resolved, state=state, facts=facts, blocking=blocking)


def _of_facts(facts: tuple[Fact, ...]) -> State:
    """What facts come to none of which, nor several together, stop everything."""
    return State.STANDS if all(fact.state is State.STANDS for fact in facts) else State.UNKNOWN


def _blocking(facts: tuple[Fact, ...], whole: Box | None) -> tuple[Fact, ...]:
    """The fewest facts that stop every packet; none where they do not."""
    for fact in facts:
        if fact.state is State.BLOCKED:
            return (fact,)
    partly = [fact for fact in facts if fact.denied]
    if whole is None or not covered(whole, [box for fact in partly for box in fact.denied]):
        return ()
    for count in range(2, len(partly) + 1):
        for several in combinations(partly, count):
            if covered(whole, [box for fact in several for box in fact.denied]):
                return several
    return ()


# --- the facts of a way ----------------------------------------------------------------------------


def _facts(case: Case) -> Iterator[Fact]:
    """All but the name, and whether the server runs."""
    yield from _addressed(case)
    yield from _by_public(case) if case.to.public else _by_private(case)


def _addressed(case: Case) -> Iterator[Fact]:
    """The service has IPv4 addresses only, and packets from one family to the other do not exist."""
    prefixes = case.client.subnet.prefixes if isinstance(case.client, SubnetClient) else ()
    if prefixes and not common(spans_of(prefixes), ANYWHERE):
        yield Fact(stage=Stage.ADDRESS, state=State.BLOCKED, says="the client has no IPv4 address")


def _by_public(case: Case) -> Iterator[Fact]:
    straight, client = State.UNKNOWN, case.client
    if case.origin is not None:
        fact, lost = routes.public(case.origin)
        straight = State.STANDS if fact.state is State.STANDS else State.UNKNOWN
        yield _out(case, _beside_service_endpoint(case, fact, lost))
    if isinstance(client, SubnetClient):
        yield passing(_out_to_public(case, client.subnet))
    yield gates.public(case.world.server, _coming(client, straight))


def _out(case: Case, fact: Fact) -> Fact:
    """Who has no default way to the Internet may have another, as whoever names its address says it has."""
    client = case.client
    if fact.state is not State.STANDS or not isinstance(client, SubnetClient):
        return fact
    if client.nat or not client.subnet.shut_in:
        return fact
    told = (
        f"subnet {client.subnet.id.name} has no default outbound access: whether another way out is not read"
    )
    return replace(fact, state=State.UNKNOWN, says=told, settles=told)


def _beside_service_endpoint(case: Case, fact: Fact, lost: Spans) -> Fact:
    """A service endpoint brings routes of its own, which go before one for everything: where it may open the
    gate no packet is surely lost."""
    subnet = case.client.subnet if isinstance(case.client, SubnetClient) else None
    if not lost or gates.by_network_rules(case.world.server, subnet) is None:
        return replace(fact, denied=(box_of(case.sources, lost),) if lost else ())
    told = f"{fact.says}, unless the service endpoint Microsoft.Sql leads there"
    return replace(fact, state=State.UNKNOWN, says=told, settles=told, remedy=())


def _coming(client: Client, straight: State) -> gates.Coming:
    match client:
        case SubnetClient():
            return gates.Coming(addresses=client.nat, azure=straight, subnet=client.subnet)
        case PublicClient():
            return gates.Coming(addresses=(client.address,))
        case OnPremises():
            return gates.Coming(addresses=client.nat)
        case AnyAzure():
            return gates.Coming(azure=State.STANDS)
        case NetworkClient():
            return gates.Coming(azure=straight)


def _out_to_public(case: Case, subnet: SubnetSnapshot) -> Leg:
    """To the public endpoint: in ``Internet`` where the virtual network surely holds no more than its
    space.
    """
    inside = spans_of(virtual_network(subnet))
    if beyond(subnet):
        anywhere = Side(minus(PUBLIC, inside))
        return _leg_out(case, subnet, anywhere, Tags(vnet=inside, apart=True))
    tags = outside_tags(subnet)
    destination = read_side(["Internet"], tags)
    whither = destination._replace(addresses=common(destination.addresses, ANYWHERE))
    return _leg_out(case, subnet, whither, tags)


def _leg_out(case: Case, subnet: SubnetSnapshot, whither: Side, tags: Tags) -> Leg:
    return Leg(
        subnet=subnet,
        direction=Direction.OUTBOUND,
        source=Side(case.sources),
        destination=whither,
        tags=tags,
    )


def _by_private(case: Case) -> Iterator[Fact]:
    led = paths.there(case)
    yield from _groups(case, led.through)
    yield from paths.facts(case, led)
    if case.to.endpoint is not None:
        yield gates.private(case.world.server, case.to.endpoint)


# --- NSGs ------------------------------------------------------------------------------------------


def _groups(case: Case, through: Spans) -> Iterator[Fact]:
    if isinstance(case.client, SubnetClient):
        yield passing(_leg(case, case.client.subnet, Direction.OUTBOUND))
    place = case.place
    if place is None:
        yield _at_unread_place(case, through)
    elif delegated(place):
        yield _let_in(case, place, through, passing)
    else:
        yield _at_place(case, as_enforced(place), through)


def _let_in(case: Case, place: SubnetSnapshot, through: Spans, asked: Callable[[Leg], Fact]) -> Fact:
    """Whoever carries packets may give them an address of its own: to addresses in ``through`` they may come
    from anywhere, and are surely stopped only where nobody gets in."""
    leg = _leg(case, place, Direction.INBOUND)
    found = asked(leg)
    if not through:
        return found
    anybody = replace(leg, source=Side(ANYWHERE), destination=Side(through))
    other = asked(anybody)
    if other.state is found.state is not State.UNKNOWN:
        return found
    straight = box_of(case.sources, minus(case.destinations, through))
    denied = (*common_boxes(found.denied, [straight]), *nobody_in(anybody.whole, other.denied))
    told = f"{found.says}; an appliance or a gateway on the way may give packets an address of its own"
    return replace(found, state=State.UNKNOWN, says=told, settles=told, denied=denied, remedy=())


def _at_unread_place(case: Case, through: Spans) -> Fact:
    """Of a subnet that was not read the admin rules of its network are known, where that was."""
    subnet, unplaced = case.world.server.delegated_subnet, paths.unplaced(case, Stage.NSG)
    network = network_read(case.world, case.network) if case.to.inside else None
    if subnet is None or network is None:
        return unplaced
    place = SubnetSnapshot(
        id=subnet,
        read_at=case.world.server.read_at,
        location=case.world.server.location,
        prefixes=(),
        delegations=(),
        virtual_network=network,
        unread={Aspect.SECURITY_GROUP: unplaced.says},
    )
    return _let_in(case, place, through, passing)


def _at_place(case: Case, place: SubnetSnapshot, through: Spans) -> Fact:
    reached = groups_reach_endpoints(place)
    if reached:
        return _let_in(case, place, through, passing_to_endpoint)
    mode = place.endpoint_network_policies
    off = f"network policies are off in subnet {place.id.name}: its NSG does not reach the endpoint"
    stands = Fact(stage=Stage.NSG, state=State.STANDS, says=off, resource=str(place.id))
    if reached is False:
        return stands
    unsure = f"privateEndpointNetworkPolicies of subnet {place.id.name} is {mode!r}, which cannot be judged"
    if _let_in(case, place, through, passing_to_endpoint).state is State.STANDS:
        return stands
    return replace(stands, state=State.UNKNOWN, says=unsure, settles=unsure)


def _leg(case: Case, subnet: SubnetSnapshot, direction: Direction) -> Leg:
    return Leg(
        subnet=subnet,
        direction=direction,
        source=Side(case.sources),
        destination=Side(case.destinations),
        tags=Tags(vnet=union((*spans_of(virtual_network(subnet)), *_other_end(case, subnet))), apart=True),
    )


def _other_end(case: Case, subnet: SubnetSnapshot) -> Spans:
    """What a peering, or a gateway, connects lies in the virtual network of both ends."""
    if isinstance(case.client, OnPremises):
        return case.sources
    origin = case.origin
    if origin is None or _joined(case) is not State.STANDS:
        return ()
    return case.destinations if subnet.id == origin.id else case.sources


def _joined(case: Case) -> State:
    origin, place = case.origin, case.place
    here = origin.virtual_network if origin is not None else None
    there = place.virtual_network if place is not None else network_read(case.world, case.network)
    return joined(here, there, (origin.id.parent if origin is not None else None, case.network))
