"""Whether packets pass the admin rules and the NSG of one subnet, in one direction.

Admin rules of Virtual Network Manager come first: ``Deny`` stops a packet, ``AlwaysAllow`` has it pass the
NSG unasked, ``Allow`` and no rule hand it on. The exact engine answers for both. Where some packets are
stopped and others are not the answer is open, for which packets come is not known, and the fact says which
surely do not pass. Without an NSG everything passes. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from shared.model import Access, Aspect, Direction, SecurityGroup, SecurityRule, Severity, SubnetSnapshot
from shared.model.networks import AdminRule, VirtualNetwork
from shared.model.values import value
from shared.nsg import (
    EVERY_PORT,
    NsgError,
    Outcome,
    Question,
    Side,
    Spans,
    Tags,
    common,
    difference,
    minus,
    spans_of,
    tolerated,
    union,
)
from shared.nsg import State as Word
from shared.nsg.packets.boxes import Box, intersection, subtract
from shared.posture.route_tables import PUBLIC, beside_odd, unread_routes
from shared.posture.subnet_answers import Answer, ask, open_reason, wrong_reason
from shared.posture.subnet_facts import POSTGRES_PORT
from shared.posture.subnet_questions import About, Inquiry, ports_of
from shared.posture.subnet_rules import inquiry_suggestion
from shared.posture.subnet_verdicts import answer_shown
from shared.posture.unread import unread_reason
from shared.posture.ways.answers import Fact, Stage, State

_ABOUT: Final = About(policy="ways", severity=Severity.HIGH, rule_name="driftward-clients")
_PORTS: Final = ports_of([POSTGRES_PORT])


@value
class Leg:
    """Packets that pass the rules of ``subnet`` in one direction."""

    subnet: SubnetSnapshot
    direction: Direction
    source: Side
    destination: Side
    tags: Tags

    @property
    def question(self) -> Question:
        return Question(
            direction=self.direction, source=self.source, destination=self.destination, ports=_PORTS
        )

    @property
    def inquiry(self) -> Inquiry:
        passes = f"tcp/{POSTGRES_PORT} passes {self.direction.lower()} at {self.subnet.id.name}"
        return Inquiry(subnet=self.subnet, questions=(self.question,), tags=self.tags, holds=passes)

    @property
    def whole(self) -> Box:
        """Every packet of the leg."""
        return box_of(self.source.addresses, self.destination.addresses)


@value
class _Stopped:
    """Packets that are surely stopped, and those that may be."""

    surely: tuple[Box, ...] = ()
    perhaps: tuple[Box, ...] = ()


def box_of(sources: Spans, destinations: Spans) -> Box:
    """Every packet to PostgreSQL between two sets of addresses."""
    return Box(sources=sources, destinations=destinations, ports=_PORTS, source_ports=EVERY_PORT)


def beyond(origin: SubnetSnapshot) -> bool:
    """Whether the tag ``VirtualNetwork`` may hold public addresses besides the space of the network and its
    peers: it holds what gateways connect, prefixes of routes and maybe default routes (service tags
    overview).
    """
    network, table = origin.virtual_network, origin.route_table
    if network is None or network.learns_routes is not False or unread_routes(origin):
        return True
    own, odd = beside_odd(origin)
    held = spans_of(step.network for step in own.own if step.network is not None)
    return table is not None and bool(odd or own.tags or common(held, PUBLIC))


def covered(whole: Box, stopped: Iterable[Box]) -> bool:
    """Whether every packet of ``whole`` is in one of ``stopped``."""
    rest = [whole]
    for box in stopped:
        rest = subtract(rest, box)
    return not rest


def nobody_in(whole: Box, stopped: Iterable[Box]) -> tuple[Box, ...]:
    """The packets of ``whole`` to addresses to which ``stopped`` lets nobody, from whatever source."""
    rest = [whole]
    for box in stopped:
        rest = subtract(rest, box)
    let_in = union(span for box in rest for span in box.destinations)
    shut = minus(whole.destinations, let_in)
    return (replace(whole, destinations=shut),) if shut else ()


# --- the verdict -----------------------------------------------------------------------------------


def passing(leg: Leg) -> Fact:
    """Whether the packets pass."""
    found = _group_fact(leg)
    network = leg.subnet.virtual_network
    if network is not None and network.admin_rules == ():
        return found
    return _behind_admin_rules(leg, found, network)


def passing_to_endpoint(leg: Leg) -> Fact:
    """The same at a private endpoint, which admin rules do not reach (article on security admin rules)."""
    return _group_fact(leg)


def _fact(leg: Leg, state: State, says: str, settles: str = "") -> Fact:
    group = leg.subnet.security_group
    where = group.id if group is not None else leg.subnet.id
    return Fact(stage=Stage.NSG, state=state, says=says, settles=settles, resource=str(where))


def _unknown(leg: Leg, why: str) -> Fact:
    return _fact(leg, State.UNKNOWN, why, why)


def _group_fact(leg: Leg) -> Fact:
    subnet = leg.subnet
    if Aspect.SECURITY_GROUP in subnet.unread:
        return _unknown(leg, unread_reason(subnet, Aspect.SECURITY_GROUP))
    group = subnet.security_group
    if subnet.updating or (group is not None and group.updating):
        return _unknown(leg, f"subnet {subnet.id.name} or its NSG is being updated: look again")
    if group is None:
        free = f"subnet {subnet.id.name} has no NSG: everything passes {leg.direction.lower()}"
        return _fact(leg, State.STANDS, free)
    try:
        (answer,) = ask(leg.inquiry)
        return replace(_answered(leg, answer), evidence=answer_shown(answer))
    except NsgError as error:
        return _unknown(leg, f"the rules of NSG {group.id.name} cannot be read: {error}")


def _answered(leg: Leg, answer: Answer) -> Fact:
    match answer.verdict.state:
        case Word.ALLOWED:
            return _fact(leg, State.STANDS, leg.inquiry.holds)
        case Word.DENIED:
            stopped = _fact(leg, State.BLOCKED, wrong_reason(answer))
            remedy = inquiry_suggestion(_ABOUT, leg.inquiry)
            return replace(stopped, denied=(leg.whole,), remedy=remedy)
        case Word.MIXED | Word.DEPENDS:
            return _open(leg, answer)


def _open(leg: Leg, answer: Answer) -> Fact:
    """Some pass, or a tag decides."""
    said = open_reason([answer]) if answer.verdict.depends_on else ""
    partly = wrong_reason(answer) if answer.wrong_ports else ""
    which = f"{partly}; which addresses are used decides" if partly else ""
    told = "; ".join(text for text in (which, said) if text)
    return replace(_unknown(leg, told), denied=_stopped(leg.subnet.security_group, leg).surely)


def _stopped(group: SecurityGroup | None, leg: Leg) -> _Stopped:
    """The packets that the rules of a group stop, exactly."""
    parts = difference(tolerated(group), None, [leg.question], leg.tags).parts
    by_outcome = {outcome: tuple(p.box for p in parts if p.before is outcome) for outcome in Outcome}
    return _Stopped(surely=by_outcome[Outcome.DENIED], perhaps=by_outcome[Outcome.OPEN])


# --- admin rules -----------------------------------------------------------------------------------


def _behind_admin_rules(leg: Leg, found: Fact, network: VirtualNetwork | None) -> Fact:
    if network is None:
        return _unknown(leg, unread_reason(leg.subnet, Aspect.VIRTUAL_NETWORK))
    if network.admin_rules is None:
        why = f": {network.admin_unread}" if network.admin_unread else ""
        unread = (
            f"the security admin rules of network {network.id.name}, asked before any NSG, were not read{why}"
        )
        return replace(_unknown(leg, f"{found.says}; {unread}"), settles=unread)
    ruled = sorted((r for r in network.admin_rules if r.direction is leg.direction), key=lambda r: r.priority)
    return _ruled(leg, found, ruled) if ruled else found


def _ruled(leg: Leg, found: Fact, rules: list[AdminRule]) -> Fact:
    try:
        first = _stopped(_as_group(leg, rules, {"deny"}, Access.ALLOW), leg)
        unpassed = _stopped(_as_group(leg, rules, {"deny", "allow"}, Access.DENY), leg)
    except NsgError as error:
        return _unknown(leg, f"the security admin rules cannot be read: {error}")
    named = ", ".join(repr(rule.name) for rule in rules)
    said = f"security admin rules come first ({named}): {found.says}"
    if covered(leg.whole, first.surely):
        stopped = _fact(leg, State.BLOCKED, f"security admin rules ({named}) stop tcp/{POSTGRES_PORT}")
        return replace(stopped, denied=(leg.whole,), remedy=(_ASK,))
    behind = _met(found, unpassed)
    surely = (*first.surely, *behind.surely)
    if not (surely or first.perhaps or behind.perhaps):
        return replace(found, state=State.STANDS, says=said, settles="", denied=(), remedy=())
    if covered(leg.whole, surely):
        return replace(found, state=State.BLOCKED, says=said, denied=(leg.whole,))
    return replace(_unknown(leg, said), denied=surely)


_ASK: Final = "have whoever keeps the network manager change its rule: it goes before every NSG"


def _met(found: Fact, unpassed: _Stopped) -> _Stopped:
    """What the NSG stops of the packets that come to it, ``unpassed``: surely, or perhaps."""
    if found.state is State.STANDS:
        return _Stopped()
    surely = tuple(common_boxes(found.denied, unpassed.surely))
    if found.state is State.BLOCKED:
        return _Stopped(surely=surely, perhaps=unpassed.perhaps)
    return _Stopped(surely=surely, perhaps=(*unpassed.surely, *unpassed.perhaps))


def common_boxes(boxes: Iterable[Box], others: Iterable[Box]) -> Iterable[Box]:
    """The packets that are in one of both."""
    held = tuple(others)
    found = (intersection(one, other) for one in boxes for other in held)
    return (box for box in found if box is not None)


def _as_group(leg: Leg, rules: list[AdminRule], stops: set[str], otherwise: Access) -> SecurityGroup:
    """Admin rules as an NSG whose rules deny where their access is among ``stops``."""
    read = tuple(_as_rule(rule, number, stops) for number, rule in enumerate(rules))
    last = SecurityRule(
        name="otherwise",
        direction=leg.direction,
        access=otherwise,
        priority=65000,
        protocol="*",
        sources=("*",),
        destinations=("*",),
    )
    return SecurityGroup(id=leg.subnet.id, rules=read, default_rules=(last,))


def _as_rule(rule: AdminRule, number: int, stops: set[str]) -> SecurityRule:
    return SecurityRule(
        name=rule.name,
        direction=rule.direction,
        access=Access.DENY if rule.access.lower() in stops else Access.ALLOW,
        priority=100 + number,
        protocol="*" if rule.protocol.lower() == "any" else rule.protocol,
        sources=rule.sources,
        destinations=rule.destinations,
        source_ports=rule.source_ports,
        destination_ports=rule.ports,
    )
