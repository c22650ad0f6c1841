"""The finding on what servers need: what the NSG does with it, and the routes, in one.

What a route surely loses is drift as what the NSG denies is, told with the route, its table and what mends
it: a route is nobody's but its owner's, so nothing is planned. What goes to an appliance or a gateway is
unknown, for whether that lets it pass is nothing that Azure shows; such doubts stand beside what the NSG
says and take no plan away. That a gateway may have learned a route is no finding but a caveat: every
network with a gateway would be unknown. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from shared.model import Change, ComplianceState, Edit, Finding, Json, SubnetSnapshot
from shared.model.values import value
from shared.nsg import Fix, minus, networks_of, spans_of
from shared.posture.findings import beside_the_point, is_drift, unknown
from shared.posture.need_routes import Routed, ToNetworks, ToService, routed, told
from shared.posture.needs import Need
from shared.posture.route_commands import drop_command, route_commands, service_endpoint_command
from shared.posture.route_tables import DEFAULT_ROUTE, Hop, Taken, shown
from shared.posture.service_questions import Service, letting_pass, service_change, service_finding
from shared.posture.steps import OneOf, Step, Way, as_json
from shared.posture.subnet_facts import delegated, server_facts, servers_unknown, some_server
from shared.posture.subnet_questions import settled, settled_without_group
from shared.posture.subnet_rules import puts
from shared.posture.subnet_verdicts import ROUTES_UNJUDGED, group_finding, inquiry_finding

_LEARNED: Final = "routes that a gateway learned are not in a reading, and may go before Azure's own"
_LOST: Final = "routes"
"""Where evidence tells of the routes that lose what is needed."""


def judge(need: Need, subnet: SubnetSnapshot) -> Finding:
    """Compliant where it surely passes the NSG and no route loses it or takes it elsewhere.

    Drift only where it is surely cut and surely needed: what depends is never more than unknown.
    """
    if found := _beside(need, subnet):
        return found
    return _as_needed(need, subnet, beside_routes(_by_group(need, subnet), subnet, [need]))


def _beside(need: Need, subnet: SubnetSnapshot) -> Finding | None:
    """What is said of a subnet that cannot be asked, or in which nobody needs it."""
    needed = need.by is None or some_server(subnet, need.by.fact)
    if not can_be_asked(subnet) and (found := settled(subnet)):
        asked = replace(found, applies=found.applies and needed is not False)
        return group_finding(need.about, subnet, asked)
    if need.by is None or needed is not False:
        return None
    return group_finding(need.about, subnet, beside_the_point(f"no server in the subnet {need.by.words}"))


def can_be_asked(subnet: SubnetSnapshot) -> bool:
    """Whether its NSG and its routes say anything of servers now."""
    return not subnet.updating and delegated(subnet) and bool(subnet.prefixes)


def _by_group(need: Need, subnet: SubnetSnapshot) -> Finding:
    """What the NSG does with it, also where there is none, or none that can be asked."""
    if found := settled_without_group(subnet):
        return group_finding(need.about, subnet, found)
    return passes_group(need, subnet)


def passes_group(need: Need, subnet: SubnetSnapshot) -> Finding:
    """The finding on the NSG's answer alone."""
    if isinstance(need.asked, Service):
        return service_finding(need.asked, subnet)
    return inquiry_finding(need.about, replace(need.asked, subnet=subnet))


def _as_needed(need: Need, subnet: SubnetSnapshot, found: Finding) -> Finding:
    """The finding with who needs it: drift only where somebody surely does."""
    if need.by is not None:
        servers = server_facts(subnet, need.by.name, need.by.fact)
        found = replace(found, evidence={**found.evidence, "servers": servers})
    unsure = _why_not_needed(need, subnet)
    if not unsure or not is_drift(found):
        return found
    doubted = group_finding(need.about, subnet, unknown(f"{found.reason}; {unsure}"))
    return replace(doubted, evidence=found.evidence)


def _why_not_needed(need: Need, subnet: SubnetSnapshot) -> str:
    if need.by is not None and some_server(subnet, need.by.fact) is None:
        return servers_unknown(subnet, need.by.words)
    return need.depends


# --- routes beside the NSG -------------------------------------------------------------------------


@value
class _OnTheWay:
    """What the routes do with one need, in words."""

    need: Need
    found: Routed

    @property
    def lost(self) -> str:
        if not self.found.lost:
            return ""
        return f"{self.need.name}: {told(self.found.lost)}"

    @property
    def open(self) -> str:
        """Why it is not known whether it gets there."""
        if self.found.learned_only:
            return ""
        between = () if self.need.appliances_serve else self.found.astray
        said = [f"whether {self.need.name} passes is not known: {told(between)}"] if between else []
        perhaps = [f"{self.need.name}: {told(self.found.perhaps)}"] if self.found.perhaps else []
        odd = [self.found.odd] if self.found.odd else []
        return ", ".join([*said, *perhaps, *self.found.notes, *odd])


def beside_routes(found: Finding, subnet: SubnetSnapshot, needs: Iterable[Need]) -> Finding:
    """What was found of the NSG, with what the routes do with ``needs``: one finding."""
    asked = [one for one in needs if one.whither is not None]
    if not asked or not can_be_asked(subnet):
        return found
    ways = [_OnTheWay(need=one, found=routed(subnet, one.whither)) for one in asked if one.whither]
    told_of = replace(found, evidence={**found.evidence, **_evidence(found, subnet, ways)})
    if any(way.lost for way in ways):
        return _lost(told_of, subnet, ways)
    return _doubted(told_of, ways)


def _doubted(found: Finding, ways: Sequence[_OnTheWay]) -> Finding:
    open_ones = tuple(dict.fromkeys(way.open for way in ways if way.open))
    if not open_ones:
        return found
    if found.state is ComplianceState.COMPLIANT:
        return replace(found, state=ComplianceState.UNKNOWN, reason="; ".join(open_ones), undecided=open_ones)
    undecided = open_ones if is_drift(found) or found.undecided else ()
    said = "; ".join((found.reason, *open_ones))
    return replace(found, reason=said, undecided=(*found.undecided, *undecided))


def _lost(found: Finding, subnet: SubnetSnapshot, ways: Sequence[_OnTheWay]) -> Finding:
    """Drift, whatever the NSG says; what that denies is told first.

    It is one drift however much of the need is lost: what is known of that hangs on what else was read.
    """
    reasons = list(dict.fromkeys(way.lost for way in ways if way.lost))
    table = subnet.route_table_id.name if subnet.route_table_id else ""
    said = f"lost by route table {table!r}: {', '.join(reasons)}"
    denied, known = is_drift(found), found.state is ComplianceState.COMPLIANT
    told_apart = "; ".join(f"{way.need.name}: lost by routes" for way in ways if way.lost)
    return replace(
        found,
        state=ComplianceState.NON_COMPLIANT,
        reason=f"{found.reason}; {said}" if denied else said if known else f"{said}; {found.reason}",
        fingerprint=f"{found.fingerprint}; {told_apart}" if denied else told_apart,
        resource_id=found.resource_id if denied else subnet.route_table_id or found.resource_id,
        evidence={**found.evidence, "whatToDo": _steps(found, subnet, ways)},
    )


def _evidence(found: Finding, subnet: SubnetSnapshot, ways: Sequence[_OnTheWay]) -> dict[str, Json]:
    caveats = [one for one in found.evidence.get("caveats", ()) if one != ROUTES_UNJUDGED]
    learned = any(way.found.learned_only and way.found != Routed() for way in ways)
    lost = [shown(one) for way in ways for one in way.found.lost]
    via = [shown(one) for way in ways for one in (*way.found.astray, *way.found.perhaps) if one.step.name]
    table = str(subnet.route_table_id) if subnet.route_table_id else None
    routes = {"routeTableId": table, _LOST: _each(lost), "mayTake": _each(via)} if lost or via else {}
    return {"caveats": [*caveats, *([_LEARNED] if learned else [])], **routes}


def _each(listed: Iterable[Json]) -> list[Json]:
    """Each once: two needs may go by one route."""
    held = tuple(listed)
    return [one for place, one in enumerate(held) if one not in held[:place]]


# --- what is done about it -------------------------------------------------------------------------


def is_lost(found: Finding) -> bool:
    """Whether a route loses what is needed: then no rule is enough."""
    return bool(found.evidence.get(_LOST))


def denied_by_group(found: Finding) -> bool:
    return any(one.get("portsDenied") for one in found.evidence.get("directions", ()))


def service_plan(need: Need, found: Finding, subnet: SubnetSnapshot) -> Change | None:
    """The rule that lets all of a service pass; None where that would not be enough."""
    if not is_drift(found) or is_lost(found) or not isinstance(need.asked, Service):
        return None
    return service_change(need.asked, subnet)


def service_suggestion(need: Need, found: Finding, subnet: SubnetSnapshot) -> tuple[Edit, ...]:
    """The same rule for people, where the NSG denies it; nothing without room for it."""
    group = subnet.security_group
    if group is None or not is_drift(found) or not denied_by_group(found):
        return ()
    proposed = letting_pass(need.asked, subnet) if isinstance(need.asked, Service) else None
    return puts(group, proposed.rules) if isinstance(proposed, Fix) else ()


def _steps(found: Finding, subnet: SubnetSnapshot, ways: Sequence[_OnTheWay]) -> Json:
    before = found.evidence.get("whatToDo", ())
    kept = [before] if isinstance(before, str) else list(before)
    steps = [step for way in ways if way.lost for step in _mending(subnet, way)]
    return [*kept, *_each(as_json(steps))]


def _mending(subnet: SubnetSnapshot, way: _OnTheWay) -> tuple[Step, ...]:
    if isinstance(way.need.whither, ToService):
        return _to_the_internet(subnet, way.need.whither, way.found.lost)
    if isinstance(way.need.whither, ToNetworks):
        return tuple(_out_of_the_way(subnet, way.need, one) for one in way.found.lost)
    return ()


def _to_the_internet(subnet: SubnetSnapshot, whither: ToService, lost: Sequence[Taken]) -> tuple[Step, ...]:
    """A route for the tag, which goes before a default route; or a service endpoint, which goes before
    all."""
    tagged = [one.step.prefix for one in lost if one.step.network is None]
    routes = route_commands(subnet, ((tag, Hop.INTERNET) for tag in tagged or [whither.tag]))
    by_route = Way(when=f"where a route for {whither.tag} may pass what loses the rest", steps=routes)
    if not whither.endpoints:
        return routes
    endpoint = service_endpoint_command(subnet, whither.offered)
    by_endpoint = Way(
        when="where the subnet may have a service endpoint, past every route", steps=(endpoint,)
    )
    listed = [one for one in lost if one.step.network not in {None, DEFAULT_ROUTE}]
    return (OneOf(ways=(by_endpoint,) if listed else (by_route, by_endpoint)),)


def _out_of_the_way(subnet: SubnetSnapshot, need: Need, taken: Taken) -> Step:
    """The command that takes the route away where it decides on nothing else; else what to see to."""
    network = taken.step.network
    asked = need.whither.prefixes if isinstance(need.whither, ToNetworks) else ()
    alone = network is not None and not minus(spans_of([network]), spans_of(asked))
    if alone:
        return drop_command(subnet, taken.step.name)
    there = ", ".join(map(str, networks_of(taken.spans)))
    route = f"route {taken.step.name!r} ({taken.step.prefix})"
    return f"Have {route} hold {there} no more: put narrower routes in its place, or delete it if unneeded."
