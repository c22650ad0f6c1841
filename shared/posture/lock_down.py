"""Rules that lock a PostgreSQL subnet down: an allow for what must pass, and behind it a final deny.

They are made in this order, so that whoever stops on the way has cut nobody off.

What must pass is what the policies about cut connections ask for. The rules are found by the exact engine and
proved together: each of those questions is asked again of the NSG with them. Where something that must pass
is not known, or there is no room, there are none, and the reason is told. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from typing import Final, TypeAlias

from shared.model import Access, ComplianceState, Direction, SecurityRule, SubnetServer, SubnetSnapshot
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
from shared.posture.client_questions import between_replicas
from shared.posture.default_rules import left_to_defaults
from shared.posture.service_questions import (
    CUSTOMER_KEY,
    ENTRA,
    ENTRA_SIGN_IN,
    KEY_VAULT,
    Service,
    in_region,
    letting_pass,
    service_finding,
    storages,
)
from shared.posture.subnet_answers import ask, spell_ports
from shared.posture.subnet_facts import (
    CLUSTER_PORTS,
    PGBOUNCER_PORT,
    POSTGRES_PORT,
    partners_unknown,
    some_server,
)
from shared.posture.subnet_questions import (
    About,
    Inquiry,
    from_networks,
    networks,
    own_addresses,
    ports_of,
    vnet_tags,
    within_itself,
)
from shared.posture.subnet_rules import additions, name_here, with_added
from shared.posture.subnet_verdicts import inquiry_finding

DENIES: Final = "driftward-final-deny"
"""What the names of the final denies begin with."""
NO_ROOM: Final = "there is no room for a final deny behind the rules of this direction"
NO_CLIENTS: Final = "no clients are declared whom the subnet could admit"
_VERSIONS: Final[Mapping[Family, int]] = {Family.IPV4: 4, Family.IPV6: 6}


@value
class LockDown:
    """The rules of one direction in the order in which they are made, proved for ``contracts``; or none, and
    ``reason`` says why."""

    direction: Direction
    rules: tuple[SecurityRule, ...] = ()
    contracts: tuple[str, ...] = ()
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
        return _proved(about, subnet, direction, contracts(about, subnet, direction, clients, ports), ports)
    except NsgError as error:
        return LockDown(direction=direction, reason=f"it cannot be proved: {error}")


def _not_known(subnet: SubnetSnapshot, direction: Direction, clients: list[str]) -> str:
    """What must pass and is not known; ``""`` where everything is."""
    if direction is Direction.INBOUND and not from_networks(subnet, networks(clients), [POSTGRES_PORT]):
        return NO_CLIENTS
    missing = partners_unknown(subnet)
    return f"what replication needs is not known: {missing}" if missing else ""


def _proved(
    about: About, subnet: SubnetSnapshot, direction: Direction, wanted: tuple[Contract, ...], ports: list[int]
) -> LockDown:
    """Final denies, ahead of them what ``wanted`` needs, and all of it asked again. Raises ``NsgError``."""
    denies = _final_denies(subnet, direction, ports)
    if not denies:
        return LockDown(direction=direction, reason=NO_ROOM)
    locked = with_added(subnet, denies)
    allows: list[SecurityRule] = []
    for contract in wanted:
        proposed = _letting_pass(about, contract, locked)
        if isinstance(proposed, NoFix):
            return LockDown(direction=direction, reason=f"{_what(contract)}: {proposed.reason}")
        allows += [_described(rule, contract) for rule in proposed.rules]
        locked = with_added(subnet, (*denies, *allows))
    if left_to_defaults(locked, direction, ports) or not all(_holds(about, one, locked) for one in wanted):
        return LockDown(direction=direction, reason="the rules that were found are not proved to be enough")
    return LockDown(direction=direction, rules=(*allows, *denies), contracts=tuple(map(_what, wanted)))


def _described(rule: SecurityRule, contract: Contract) -> SecurityRule:
    said = f"Must pass ahead of the final deny: {_what(contract)}."
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


# --- what must pass --------------------------------------------------------------------------------


Contract: TypeAlias = Inquiry | Service
"""What a policy about cut connections asks of the NSG; here it is asked of the lock-down."""


def contracts(
    about: About, subnet: SubnetSnapshot, direction: Direction, clients: list[str], ports: list[int]
) -> tuple[Contract, ...]:
    """What must pass, also what is needed only if a server has what could not be read of it.

    So it may be more than is needed. Only what replicas need can be less, for it hangs on addresses that
    are read or not: ``partners_unknown`` says when.
    """
    asked, tags = _ports_needed(subnet, ports), vnet_tags(subnet)
    within = f"tcp/{spell_ports(ports_of(asked))} within the subnet"
    admitted = from_networks(subnet, networks(clients), asked)
    inquiries = (
        Inquiry(subnet=subnet, questions=within_itself(subnet, asked), tags=tags, holds=within),
        Inquiry(subnet=subnet, questions=admitted, tags=tags, holds="the declared clients"),
        replace(between_replicas(subnet), holds="replication with other subnets"),
    )
    here = (_in_one_direction(inquiry, direction) for inquiry in inquiries)
    services = _services(about, subnet) if direction is Direction.OUTBOUND else ()
    return (*(inquiry for inquiry in here if inquiry.questions), *services)


def _in_one_direction(inquiry: Inquiry, direction: Direction) -> Inquiry:
    return replace(inquiry, questions=tuple(q for q in inquiry.questions if q.direction is direction))


def _ports_needed(subnet: SubnetSnapshot, ports: list[int]) -> list[int]:
    """``ports``, and those on which a server listens that has PgBouncer, a standby, or nodes of a cluster."""
    listening = (
        ((PGBOUNCER_PORT,), _has_standby_or_pool),
        (CLUSTER_PORTS, lambda server: server.elastic_cluster),
    )
    more = (port for held, fact in listening if some_server(subnet, fact) is not False for port in held)
    return sorted({*ports, *more})


def _has_standby_or_pool(server: SubnetServer) -> bool | None:
    known = (server.high_availability, server.pgbouncer)
    if True in known:
        return True
    return None if None in known else False


def _services(about: About, subnet: SubnetSnapshot) -> tuple[Service, ...]:
    """``AzureKeyVault`` depends on ``AzureActiveDirectory`` (service tags overview): a key brings both."""
    vault = in_region(KEY_VAULT, subnet.location)
    needs = ((ENTRA, ENTRA, (ENTRA_SIGN_IN, CUSTOMER_KEY)), (KEY_VAULT, vault, (CUSTOMER_KEY,)))
    needed = (
        Service(about=about, tag=tag, asked=asked)
        for tag, asked, any_of in needs
        if any(some_server(subnet, need.fact) is not False for need in any_of)
    )
    return (*storages(about, subnet), *needed)


def _what(contract: Contract) -> str:
    return f"tcp/443 to {contract.asked}" if isinstance(contract, Service) else contract.holds


def _letting_pass(about: About, contract: Contract, subnet: SubnetSnapshot) -> Fix | NoFix:
    """The rules after which ``contract`` holds; none where it holds already. Raises ``NsgError``."""
    if isinstance(contract, Service):
        return letting_pass(contract, subnet)
    inquiry = replace(contract, subnet=subnet)
    return additions(about, inquiry, ask(inquiry))


def _holds(about: About, contract: Contract, subnet: SubnetSnapshot) -> bool:
    """Whether the policy that asks this would call the subnet compliant."""
    if isinstance(contract, Service):
        judged = service_finding(contract, subnet)
    else:
        judged = inquiry_finding(about, replace(contract, subnet=subnet))
    return judged.state is ComplianceState.COMPLIANT
