"""Rules that lock a PostgreSQL subnet down: an allow for what must pass, and behind it a final deny.

They are made in this order, so that whoever stops on the way has cut nobody off.

What must pass is the one list of ``needs``. The rules are found by the exact engine and proved together:
each of those questions is asked again of the NSG with them. Where something that must pass is not known,
or there is no room, there are none, and the reason is told. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Final

from shared.model import Access, ComplianceState, Direction, SecurityRule, SubnetSnapshot
from shared.model.values import value
from shared.nsg import (
    LAST_PRIORITY,
    LONGEST_DESCRIPTION,
    Family,
    Fix,
    NoFix,
    NsgError,
    common,
    free_rule_name,
    networks_of,
    parse_addresses,
    spans_of,
)
from shared.posture.default_rules import left_to_defaults
from shared.posture.need_verdicts import passes_group
from shared.posture.needs import Need, dns_unknown, in_one_direction, needs
from shared.posture.service_questions import Service, letting_pass
from shared.posture.subnet_answers import ask
from shared.posture.subnet_facts import POSTGRES_PORT, partners_unknown
from shared.posture.subnet_questions import About, from_networks, networks, own_addresses
from shared.posture.subnet_rules import additions, name_here, with_added

DENIES: Final = "driftward-final-deny"
"""What the names of the final denies begin with."""
NO_ROOM: Final = "there is no room for a final deny behind the rules of this direction"
NO_CLIENTS: Final = "no clients are declared whom the subnet could admit"
_VERSIONS: Final[Mapping[Family, int]] = {Family.IPV4: 4, Family.IPV6: 6}


@value
class LockDown:
    """The rules of one direction in the order in which they are made, proved for ``needs``; or none, and
    ``reason`` says why."""

    direction: Direction
    rules: tuple[SecurityRule, ...] = ()
    needs: tuple[Need, ...] = ()
    reason: str = ""


def lock_downs(
    about: About, subnet: SubnetSnapshot, directions: list[Direction], clients: list[str], ports: list[int]
) -> list[LockDown]:
    """One for each direction, each on the NSG as the one before leaves it."""
    steps: list[LockDown] = []
    for direction in directions:
        steps.append(_lock_down(about, subnet, direction, clients, ports))
        subnet = with_added(subnet, steps[-1].rules)
    return steps


def _lock_down(
    about: About, subnet: SubnetSnapshot, direction: Direction, clients: list[str], ports: list[int]
) -> LockDown:
    if reason := _not_known(subnet, direction, clients):
        return LockDown(direction=direction, reason=reason)
    try:
        wanted = tuple(_wanted(needs(about, subnet, clients, ports), direction))
        return _proved(subnet, direction, wanted, ports)
    except NsgError as error:
        return LockDown(direction=direction, reason=f"it cannot be proved: {error}")


def _wanted(listed: Iterable[Need], direction: Direction) -> Iterator[Need]:
    """What of them passes in this direction."""
    for need in listed:
        if part := in_one_direction(need, direction):
            yield part


def _not_known(subnet: SubnetSnapshot, direction: Direction, clients: list[str]) -> str:
    """What must pass and is not known; ``""`` where everything is."""
    inbound = direction is Direction.INBOUND
    if inbound and not from_networks(subnet, networks(clients), [POSTGRES_PORT]):
        return NO_CLIENTS
    if missing := partners_unknown(subnet):
        return f"what replication needs is not known: {missing}"
    asked = "" if inbound else dns_unknown(subnet)
    return f"whom names are asked of is not known: {asked}" if asked else ""


def _proved(
    subnet: SubnetSnapshot, direction: Direction, wanted: tuple[Need, ...], ports: list[int]
) -> LockDown:
    """Final denies, ahead of them what ``wanted`` needs, and all of it asked again. Raises ``NsgError``."""
    denies = _final_denies(subnet, direction, ports)
    if not denies:
        return LockDown(direction=direction, reason=NO_ROOM)
    locked = with_added(subnet, denies)
    allows: list[SecurityRule] = []
    for need in wanted:
        proposed = _letting_pass(need, locked)
        if isinstance(proposed, NoFix):
            return LockDown(direction=direction, reason=f"{need.name}: {proposed.reason}")
        allows += [_described(rule, need) for rule in proposed.rules]
        locked = with_added(subnet, (*denies, *allows))
    if left_to_defaults(locked, direction, ports) or not all(_holds(one, locked) for one in wanted):
        return LockDown(direction=direction, reason="the rules that were found are not proved to be enough")
    return LockDown(direction=direction, rules=(*allows, *denies), needs=wanted)


def _letting_pass(need: Need, subnet: SubnetSnapshot) -> Fix | NoFix:
    """The rules after which it passes; none where it does already. Raises ``NsgError``."""
    if isinstance(need.asked, Service):
        return letting_pass(need.asked, subnet)
    inquiry = replace(need.asked, subnet=subnet)
    return additions(need.about, inquiry, ask(inquiry))


def _holds(need: Need, subnet: SubnetSnapshot) -> bool:
    return passes_group(need, subnet).state is ComplianceState.COMPLIANT


def _described(rule: SecurityRule, need: Need) -> SecurityRule:
    said = f"Must pass ahead of the final deny: {need.name}."
    return replace(rule, description=said[:LONGEST_DESCRIPTION])


# --- the final denies ------------------------------------------------------------------------------


def _final_denies(subnet: SubnetSnapshot, direction: Direction, ports: list[int]) -> list[SecurityRule]:
    """A deny for each family in which the default rules have the last word; none without room for all."""
    versions = _left_versions(subnet, direction, ports)
    families = [family for family in own_addresses(subnet) if _VERSIONS[family] in versions]
    places = _last_places(subnet, direction, len(families))
    if len(places) < len(families):
        return []
    return [
        _final_deny(subnet, direction, family, priority)
        for family, priority in zip(families, places, strict=True)
    ]


def _left_versions(subnet: SubnetSnapshot, direction: Direction, ports: list[int]) -> set[int]:
    left = left_to_defaults(subnet, direction, ports)
    return {network.version for part in left for network in part.traffic.sources}


def _last_places(subnet: SubnetSnapshot, direction: Direction, count: int) -> list[int]:
    """The last free priorities behind every allow that may be for the subnet: such a rule keeps its word."""
    group = subnet.security_group
    rules = group.taken if group else ()
    custom = [rule for rule in rules if rule.direction is direction]
    used = {rule.priority for rule in custom}
    last = max((rule.priority for rule in custom if _may_let_pass(rule, subnet)), default=0)
    free = (number for number in range(LAST_PRIORITY, last, -1) if number not in used)
    return sorted(islice(free, count))


def _may_let_pass(rule: SecurityRule, subnet: SubnetSnapshot) -> bool:
    """Whether it is an allow whose end in the subnet may be an address of it, for all that is known."""
    inbound = rule.direction is Direction.INBOUND
    texts, groups = (
        (rule.destinations, rule.destination_groups) if inbound else (rule.sources, rule.source_groups)
    )
    own = spans_of(subnet.prefixes)
    listed = [parse_addresses(text) for text in texts]
    concerned = bool(groups) or any(spans is None or common(spans, own) for spans in listed)
    return rule.access is Access.ALLOW and concerned


def _final_deny(subnet: SubnetSnapshot, direction: Direction, family: Family, priority: int) -> SecurityRule:
    inbound = direction is Direction.INBOUND
    own = tuple(map(str, networks_of(own_addresses(subnet)[family])))
    name = f"{DENIES}-{name_here(subnet)}-{direction}-{family}".lower()
    return SecurityRule(
        name=free_rule_name(name, subnet.security_group) if subnet.security_group else name,
        direction=direction,
        access=Access.DENY,
        priority=priority,
        protocol="*",
        sources=("*",) if inbound else own,
        destinations=own if inbound else ("*",),
        description=f"The last word on {direction.lower()} traffic here, ahead of the default rules.",
    )
