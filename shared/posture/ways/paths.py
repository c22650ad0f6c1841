"""The routes of one way to a private address: there, by the client's subnet or a gateway, and back. Pure.

What must not live here: which route decides, and NSGs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shared.model import SubnetSnapshot
from shared.model.networks import VirtualNetwork
from shared.nsg import Spans, minus
from shared.posture.subnet_facts import routes_reach_endpoints
from shared.posture.ways import routes
from shared.posture.ways.answers import Fact, Stage, State
from shared.posture.ways.case import Case
from shared.posture.ways.groups import box_of
from shared.posture.ways.names import network_read


def there(case: Case) -> routes.Led:
    origin = case.origin
    return routes.private(origin, _whither(case)) if origin is not None else _through_gateway(case)


def facts(case: Case, led: routes.Led) -> Iterator[Fact]:
    place = case.place
    yield replace(led.fact, denied=(box_of(case.sources, led.lost),) if led.lost else ())
    if place is not None and case.to.inside:
        yield _answered(case, place, led.through)
    elif case.to.inside:
        yield unplaced(case, Stage.ROUTES)


def _answered(case: Case, place: SubnetSnapshot, through: Spans) -> Fact:
    """The way back; to packets that somebody carried it may lead to an address of theirs."""
    back, straight = routes.private(place, _back(case)), minus(case.destinations, through)
    denied = (box_of(back.lost, straight),) if back.lost and straight else ()
    if not (through and back.fact.state is State.BLOCKED):
        return replace(back.fact, denied=denied)
    told = f"{back.fact.says}, unless an appliance or a gateway gives them an address of its own"
    return replace(back.fact, state=State.UNKNOWN, says=told, settles=told, denied=denied, remedy=())


def _whither(case: Case) -> routes.Whither:
    place = case.place
    read = place.virtual_network if place is not None else network_read(case.world, case.network)
    return routes.Whither(
        network=case.network,
        read=read,
        wanted=case.destinations,
        endpoint=case.to.endpoint is not None,
        overridden=routes_reach_endpoints(place) if place is not None else None,
    )


def _back(case: Case) -> routes.Whither:
    origin = case.origin
    network = origin.virtual_network if origin is not None else None
    where = origin.id.parent if origin is not None else None
    return routes.Whither(network=where, read=network, wanted=case.sources, outside=origin is None)


def _through_gateway(case: Case) -> routes.Led:
    """From on premises: by a gateway of the server's network, or by a peer that has one or an appliance."""
    network = network_read(case.world, case.network)
    name = case.network.name if case.network is not None else "the server's network"
    fact = Fact(stage=Stage.ROUTES, state=State.UNKNOWN, says="", resource=str(case.network or ""))
    if network is not None and _is_apart(network):
        none = f"network {name} has no gateway and no peers: nothing leads there from on premises"
        return routes.Led(fact=replace(fact, state=State.BLOCKED, says=none))
    unsure = f"whether a gateway leads to network {name} from on premises is not read"
    return routes.Led(fact=replace(fact, says=unsure, settles=unsure), through=case.destinations)


def _is_apart(network: VirtualNetwork) -> bool:
    return network.learns_routes is False and not network.peerings and not network.odd_peerings


def unplaced(case: Case, stage: Stage) -> Fact:
    why = "the subnet in which the server is met was not read"
    return Fact(stage=stage, state=State.UNKNOWN, says=why, settles=why, resource=str(case.world.server.id))
