"""The way of the packets: out of the client's subnet, along the routes, into the server's subnet. Pure.

A private endpoint has an address; a server in a delegated subnet has one of the subnet's, which Azure does
not tell: what holds for some of those only is not proved. What must not live here: names, the public path.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from driftward.diagnosis.case import (
    Case,
    Result,
    Stage,
    Step,
    addresses,
    doubted,
    ipv4,
    joined,
    over_every_way,
    result_of,
    said,
)
from shared.alerts.commands import ACTIVE_CLOUD, fix_commands
from shared.model import Aspect, Direction, Severity, SubnetSnapshot
from shared.model.values import value
from shared.nsg import Question, Side, Spans, Tags, minus, spans_of, union
from shared.posture.client_questions import as_enforced
from shared.posture.route_tables import Hop, RoutesUnreadable, Taken, chosen, spelled, table_of, unread_routes
from shared.posture.route_tables import Step as Hopping
from shared.posture.subnet_answers import ask
from shared.posture.subnet_facts import (
    POSTGRES_PORT,
    delegated,
    groups_reach_endpoints,
    routes_reach_endpoints,
)
from shared.posture.subnet_questions import About, Inquiry, ports_of
from shared.posture.subnet_rules import inquiry_suggestion
from shared.posture.subnet_verdicts import inquiry_finding
from shared.posture.unread import unread_reason

_ABOUT: Final = About(policy="diagnose", severity=Severity.HIGH, rule_name="driftward-clients")
_INSIDE: Final = "nsg-blocks-postgres-in-subnet"
_ROUTED: Final = ("postgres-subnet-routed-through-appliance", "postgres-endpoint-route-overridden")
POLICIES: Final = (_INSIDE, *_ROUTED)
_PUBLIC_PATH: Final = "the public path leads through no {} of the server's"
_NO_PLACE: Final = "no subnet in which the server is reached could be read"
_SOMEWHERE: Final = "which of the subnet's addresses the server has is not known"


@value
class _Way:
    """From the client to one place."""

    client: SubnetSnapshot
    place: SubnetSnapshot

    @property
    def tags(self) -> Tags:
        """What surely lies in the virtual network of either end: with a peering, both networks do."""
        ends = (self.client, self.place)
        networks = (end.virtual_network for end in ends if end.virtual_network is not None)
        prefixes = [
            *self.client.prefixes,
            *self.place.prefixes,
            *(p for one in networks for p in one.prefixes),
        ]
        return Tags(vnet=spans_of(prefixes if joined(*ends) else ()))


# --- NSGs ------------------------------------------------------------------------------------------


def groups(case: Case) -> Iterator[Step]:
    """Out of the client's subnet, then into the server's."""
    for reason in case.unread:
        yield Step(stage=Stage.NSG, result=Result.UNKNOWN, says=reason)
    if not case.is_private:
        yield Step(stage=Stage.NSG, result=Result.NOT_CONCERNED, says=_PUBLIC_PATH.format("NSG"))
        return
    if not case.places and not case.unread:
        yield Step(stage=Stage.NSG, result=Result.UNKNOWN, says=_NO_PLACE)
    yield from over_every_way(case, _through_groups)


def _through_groups(case: Case, place: SubnetSnapshot) -> Iterator[Step]:
    if case.client is not None:
        way = _Way(client=case.client, place=place)
        yield _passes(way, Direction.OUTBOUND)
    yield _into(case, place)


def _into(case: Case, place: SubnetSnapshot) -> Step:
    step = Step(stage=Stage.NSG, result=Result.UNKNOWN, says="", resource=str(place.id))
    if not delegated(place):
        if (reached := groups_reach_endpoints(place)) is None:
            return replace(step, says=_unknown_mode(place))
        if not reached:
            off = f"network policies are off in subnet {place.id.name}: its NSG does not reach the endpoint"
            return replace(step, result=Result.NOT_CONCERNED, says=off)
    if case.client is None:
        return said(Stage.NSG, case, _INSIDE, place)
    return _passes(_Way(client=case.client, place=place), Direction.INBOUND)


def _unplaced(place: SubnetSnapshot) -> str:
    return f"the address of the server in subnet {place.id.name} could not be read"


def _unknown_mode(place: SubnetSnapshot) -> str:
    mode = place.endpoint_network_policies
    return f"privateEndpointNetworkPolicies of subnet {place.id.name} is {mode!r}, which cannot be judged"


def _passes(way: _Way, direction: Direction) -> Step:
    """Whether the port passes the NSG of the sender, outbound, or of the receiver, inbound."""
    subnet = way.client if direction is Direction.OUTBOUND else as_enforced(way.place)
    step = Step(stage=Stage.NSG, result=Result.UNKNOWN, says="", resource=str(subnet.id))
    if Aspect.SECURITY_GROUP in subnet.unread:
        return replace(step, says=unread_reason(subnet, Aspect.SECURITY_GROUP))
    if subnet.updating:
        return replace(step, says=f"subnet {subnet.id.name} or its NSG is being updated: look again")
    if subnet.security_group is None:
        free = f"subnet {subnet.id.name} has no NSG: everything passes {direction.lower()}"
        return replace(step, result=Result.WELL, says=free)
    inquiry = _inquiry(way, subnet, direction)
    if inquiry is None:
        return replace(step, says=_unplaced(way.place))
    return _answered(replace(step, resource=str(subnet.security_group.id)), way, inquiry)


def _answered(step: Step, way: _Way, inquiry: Inquiry) -> Step:
    found = inquiry_finding(_ABOUT, inquiry)
    step = replace(step, result=result_of(found.state), says=found.reason, evidence=found.evidence)
    if step.result is not Result.FAULT:
        return step
    if delegated(way.place) and not all(answer.wholly_wrong for answer in ask(inquiry)):
        return doubted(step, _SOMEWHERE)
    return replace(step, fix=fix_commands(inquiry_suggestion(_ABOUT, inquiry), ACTIVE_CLOUD))


def _inquiry(way: _Way, subnet: SubnetSnapshot, direction: Direction) -> Inquiry | None:
    """None where the server has no address that is known."""
    source, destination = ipv4(spans_of(way.client.prefixes)), addresses(way.place)
    if not source or not destination:
        return None
    question = Question(
        direction=direction,
        source=Side(source),
        destination=Side(destination),
        ports=ports_of([POSTGRES_PORT]),
    )
    return Inquiry(
        subnet=subnet,
        questions=(question,),
        tags=way.tags,
        holds=f"tcp/{POSTGRES_PORT} passes {direction.lower()} at {subnet.id.name}",
    )


# --- routes ----------------------------------------------------------------------------------------


def routes(case: Case) -> Iterator[Step]:
    """Is anything sent to an appliance, or nowhere?

    A client's packets, and the answers to them, are followed; without a client the policies say what may be
    in the way. Whether an appliance lets packets pass is nothing that Azure shows.
    """
    if not case.is_private:
        yield Step(stage=Stage.ROUTES, result=Result.NOT_CONCERNED, says=_PUBLIC_PATH.format("route"))
        return
    if not case.places:
        yield Step(stage=Stage.ROUTES, result=Result.UNKNOWN, says=_NO_PLACE)
    yield from over_every_way(case, _along_routes)


def _along_routes(case: Case, place: SubnetSnapshot) -> Iterator[Step]:
    if case.client is not None:
        yield _there(case.client, place)
        if delegated(place) and (place.route_table_id is not None or unread_routes(place)):
            yield _sent(place, case.client, ipv4(spans_of(case.client.prefixes)))
        return
    for policy in _ROUTED:
        step = said(Stage.ROUTES, case, policy, place)
        if step.result is not Result.NOT_CONCERNED:
            yield step if _drops(step) else doubted(step, "whether it lets the packets pass is not known")


def _drops(step: Step) -> bool:
    """Whether a route that a policy found leads nowhere."""
    found = step.evidence.get("routes") or ()
    return any(route["nextHopType"] == Hop.NONE for route in found)


def _there(client: SubnetSnapshot, place: SubnetSnapshot) -> Step:
    """Where the client's packets go. An endpoint brings a route of its own, the most specific there is, which
    others override only where network policies let them (article on network policies)."""
    wanted = addresses(place)
    if delegated(place):
        return _sent(client, place, wanted)
    if not wanted:
        return Step(stage=Stage.ROUTES, result=Result.UNKNOWN, says=_unplaced(place), resource=str(place.id))
    overridden = routes_reach_endpoints(place)
    if overridden is False and joined(client, place):
        straight = f"the endpoint's own route goes before every other in subnet {client.id.name}"
        return Step(stage=Stage.ROUTES, result=Result.WELL, says=straight, resource=str(place.id))
    step = _sent(client, place, wanted)
    return doubted(step, _unknown_mode(place)) if overridden is None else step


def _sent(origin: SubnetSnapshot, other: SubnetSnapshot, wanted: Spans) -> Step:
    """Where ``origin`` sends packets to ``wanted``, which lies in ``other``."""
    step = Step(stage=Stage.ROUTES, result=Result.UNKNOWN, says="", resource=str(origin.route_table_id or ""))
    if unread := unread_routes(origin):
        return replace(step, says=unread)
    try:
        own = table_of(origin).own
    except RoutesUnreadable as error:
        return replace(step, says=str(error))
    taken = tuple(chosen([*own, *_system(origin, other)], wanted))
    return _by_hops(step, origin, taken, wanted)


def _system(origin: SubnetSnapshot, other: SubnetSnapshot) -> list[Hopping]:
    """Azure's own routes: the network's space, and that of the other end where they are peered."""
    ends = (origin, other) if joined(origin, other) else (origin,)
    networks = (end.virtual_network for end in ends if end.virtual_network is not None)
    return [
        Hopping(network=prefix, hop=Hop.VIRTUAL_NETWORK, prefix=str(prefix))
        for network in networks
        for prefix in network.prefixes
    ]


def _by_hops(step: Step, origin: SubnetSnapshot, taken: tuple[Taken, ...], wanted: Spans) -> Step:
    if dropped := [one for one in taken if one.step.hop is Hop.NONE]:
        lost = f"{spelled(dropped[0])}: packets from subnet {origin.id.name} are dropped"
        step = replace(step, result=Result.FAULT, says=lost, fix=(_route_command(origin, dropped[0]),))
        return doubted(step, "other packets take another way") if minus(wanted, _spans(dropped)) else step
    if elsewhere := [one for one in taken if one.step.hop is not Hop.VIRTUAL_NETWORK]:
        return replace(step, says=f"{spelled(elsewhere[0])}; whether it lets the packets pass is not known")
    if minus(wanted, _spans(taken)):
        nowhere = (
            f"no route of subnet {origin.id.name} that was read leads there: the networks are not peered"
        )
        return replace(step, says=f"{nowhere}, as far as is known")
    return replace(step, result=Result.WELL, says=f"subnet {origin.id.name} sends packets straight there")


def _spans(taken: Iterable[Taken]) -> Spans:
    return union(span for one in taken for span in one.spans)


def _route_command(origin: SubnetSnapshot, taken: Taken) -> str:
    table = origin.route_table_id
    if table is None:
        return "remove the route"
    return (
        f"az network route-table route delete --subscription {table.subscription} --resource-group"
        f" {shlex.quote(table.resource_group)} --route-table-name {shlex.quote(table.name)}"
        f" --name {shlex.quote(taken.step.name)}"
    )
