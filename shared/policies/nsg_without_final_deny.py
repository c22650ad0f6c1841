"""NSG of a PostgreSQL subnet that leaves the last word to the default rules.

*What it finds.* A subnet delegated to ``Microsoft.DBforPostgreSQL/flexibleServers`` whose NSG's default
rules let the virtual network at large in on the PostgreSQL ports, or the servers out to the Internet: no
custom rule denies the rest. What the default rules let through is found by setting the NSG against the same
one with its default rules turned to deny.

*Why it matters.* The default rules allow everything from the virtual network, with all that is peered or
connected to it, and everything to the Internet: the ways by which an intruder comes in and data goes out.

*What the change does.* Nothing is changed; it is advice. The alert shows the rules of a lock-down, proved
on the NSG as it stands: outbound allows for the subnet itself, Azure Storage and Microsoft Entra ID, and a
final deny; inbound, where the parameter ``clients`` declares some, allows for them and for the subnet
itself, and a final deny. What custom rules decide stays as it is.

*What it may break.* The final denies cut off whatever only the default rules let through: undeclared
clients, key vaults of customer-managed keys, replicas in other subnets. The rules shown name none of these.

*References.* Private access networking of Azure Database for PostgreSQL (within the subnet, Storage, Entra
ID); Network security groups, how they filter traffic (default rules). No framework among the project's
controls states it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from shared.model import (
    Access,
    Aspect,
    Change,
    ComplianceState,
    Direction,
    Edit,
    Finding,
    Json,
    Kind,
    Safety,
    SecurityGroup,
    SecurityRule,
    Severity,
    SubnetSnapshot,
    TargetKind,
)
from shared.nsg import (
    DEFAULT_RULES,
    EVERY_PORT,
    LAST_PRIORITY,
    PUBLIC_ADDRESSES,
    WHOLE,
    Changed,
    Goal,
    NoFix,
    NsgError,
    Outcome,
    Protocol,
    Question,
    Side,
    Spans,
    State,
    Tags,
    common,
    decide,
    difference,
    fix,
    minus,
    networks_of,
    parse,
    read_side,
    spans_of,
    traffic_boxes,
    with_rules,
)
from shared.policy import Assessment, Parameter, Policy
from shared.subnet_facts import PGBOUNCER_PORT, POSTGRES_PORT, delegated
from shared.subnet_questions import (
    READS,
    About,
    check_ports,
    check_prefixes,
    finding,
    from_networks,
    from_others,
    networks,
    own_addresses,
    ports_of,
    puts,
    settled_without_group,
    sharing,
    vnet_at_large,
    vnet_tags,
    within_itself,
)
from shared.traffic import SubnetTraffic

ABOUT: Final = About(policy="nsg-without-final-deny", severity=Severity.INFORMATIONAL)
ALLOWS: Final = "driftward-lock-down"
DENIES: Final = "driftward-final-deny"
OUTBOUND_NEEDS: Final = ("Storage", "AzureActiveDirectory")
SAID: Final = {
    Direction.INBOUND: "inbound the virtual network at large is let in by default",
    Direction.OUTBOUND: "outbound the Internet is reached by default",
}


def evaluate(subnet: SubnetSnapshot, *, clients: list[str], ports: list[int]) -> Finding:
    if found := settled_without_group(subnet):
        has_group = subnet.security_group is not None
        return replace(finding(ABOUT, subnet, *found), applies=delegated(subnet) and has_group)
    try:
        left = {direction: _left_to_defaults(subnet, direction, ports) for direction in Direction}
    except NsgError as error:
        unread = f"the NSG's rules cannot be read: {error}"
        return finding(ABOUT, subnet, ComplianceState.UNKNOWN, unread)
    sure = [direction for direction, parts in left.items() if any(map(_is_sure, parts))]
    state, reason = _judge(sure, [direction for direction, parts in left.items() if parts])
    judged = finding(ABOUT, subnet, state, reason)
    more = {
        "directions": list(map(str, sure)),
        "clients": clients,
        "ports": ports,
        "sharedWith": sharing(subnet),
    }
    fingerprint = "; ".join(map(str, sure))
    return replace(judged, evidence={**judged.evidence, **more}, fingerprint=fingerprint)


def plan(_found: Finding, _subnet: SubnetSnapshot, **_settings: Json) -> Change | None:
    """Who relies on the default rules is nothing that the reading says."""
    return None


def suggest(found: Finding, subnet: SubnetSnapshot) -> tuple[Edit, ...]:
    """The lock-down of each direction without a final deny; nothing where that does not prove."""
    group = subnet.security_group
    if found.state is not ComplianceState.NON_COMPLIANT or group is None:
        return ()
    clients, ports = found.evidence["clients"], found.evidence["ports"]
    locked = group
    for direction in map(Direction, found.evidence["directions"]):
        if direction is Direction.INBOUND and not clients:
            continue
        wanted = tuple(contracts(subnet, direction, clients, ports))
        step = _locked_down(locked, subnet, direction, wanted)
        locked = step if step is not None else locked
    return puts(group, locked.rules[len(group.rules) :])


def assess(_subnet: SubnetSnapshot, _baseline: SubnetSnapshot | None) -> Assessment:
    return Assessment(safety=Safety.MANUAL)


def forbidden(subnet: SubnetSnapshot, *, ports: list[int], **_settings: Json) -> SubnetTraffic:
    """What a final deny is for: others in on the ports, the servers out to public addresses."""
    if not delegated(subnet):
        return SubnetTraffic()
    questions = [q for direction in Direction for q in _at_large(subnet, direction, ports)]
    return SubnetTraffic(boxes=tuple(box for question in questions for box in traffic_boxes(question)))


def contracts(
    subnet: SubnetSnapshot, direction: Direction, clients: list[str], ports: list[int]
) -> Iterator[Question]:
    """What must pass under a lock-down: the subnet within itself, declared clients, Storage and Entra ID."""
    yield from (q for q in within_itself(subnet, ports) if q.direction is direction)
    if direction is Direction.INBOUND:
        yield from from_networks(subnet, networks(clients), ports)
        return
    for tag in OUTBOUND_NEEDS:
        yield Question(
            direction=direction,
            source=Side(spans_of(subnet.prefixes)),
            destination=read_side([tag], vnet_tags(subnet)),
            ports=ports_of([443]),
        )


# --- what the default rules decide -----------------------------------------------------------------


def _left_to_defaults(subnet: SubnetSnapshot, direction: Direction, ports: list[int]) -> tuple[Changed, ...]:
    """The packets that would be treated otherwise if the default rules denied. Raises ``NsgError``."""
    group = subnet.security_group
    if group is None:
        return ()
    tags = vnet_at_large(subnet) if direction is Direction.INBOUND else _internet(subnet)
    return difference(group, _denying_by_default(group), _at_large(subnet, direction, ports), tags).parts


def _denying_by_default(group: SecurityGroup) -> SecurityGroup:
    given = {rule.direction for rule in group.default_rules}
    defaults = (*group.default_rules, *(rule for rule in DEFAULT_RULES if rule.direction not in given))
    return replace(group, default_rules=tuple(replace(rule, access=Access.DENY) for rule in defaults))


def _at_large(subnet: SubnetSnapshot, direction: Direction, ports: list[int]) -> tuple[Question, ...]:
    if direction is Direction.INBOUND:
        return from_others(subnet, (), ports)
    public = minus(PUBLIC_ADDRESSES, spans_of(subnet.prefixes))
    return tuple(
        Question(
            direction=direction,
            protocol=Protocol.ANY,
            source=Side(inside),
            destination=Side(common(public, WHOLE[family])),
            ports=EVERY_PORT,
        )
        for family, inside in own_addresses(subnet).items()
    )


def _internet(subnet: SubnetSnapshot) -> Tags:
    """What is known of packets to the Internet: the space outside the virtual network."""
    inside = spans_of(subnet.prefixes)
    outside = minus(PUBLIC_ADDRESSES, inside)
    known: Mapping[str, Spans] = {**Tags().closed, "virtualnetwork": inside, "internet": outside}
    return Tags(closed=MappingProxyType(known), vnet=inside)


def _is_sure(part: Changed) -> bool:
    return (part.before, part.after) == (Outcome.ALLOWED, Outcome.DENIED)


def _judge(sure: list[Direction], some: list[Direction]) -> tuple[ComplianceState, str]:
    if sure:
        return ComplianceState.NON_COMPLIANT, "; ".join(SAID[direction] for direction in sure)
    if some:
        said = " and ".join(SAID[direction] for direction in some)
        return ComplianceState.UNKNOWN, f"whether {said} depends on tags or groups that rules name"
    return ComplianceState.COMPLIANT, "custom rules have the last word, inbound and outbound"


# --- the lock-down ---------------------------------------------------------------------------------


def _locked_down(
    group: SecurityGroup, subnet: SubnetSnapshot, direction: Direction, wanted: tuple[Question, ...]
) -> SecurityGroup | None:
    """``group`` with final denies and, ahead of them, what ``wanted`` needs; None when it does not prove."""
    locked = _with_final_denies(group, subnet, direction)
    tags = vnet_tags(subnet)
    for question in wanted if locked is not None else ():
        proposed = fix(locked, Goal(question=question, name=f"{ALLOWS}-{subnet.id.name}"), tags)
        if isinstance(proposed, NoFix) or locked is None:
            return None
        locked = with_rules(locked, proposed.rules)
    if locked is None:
        return None
    program = parse(locked, tags)
    proved = all(decide(program, question).state is State.ALLOWED for question in wanted)
    return locked if proved else None


def _with_final_denies(
    group: SecurityGroup, subnet: SubnetSnapshot, direction: Direction
) -> SecurityGroup | None:
    """A deny for each family behind every custom rule of the direction; None without room there."""
    families = own_addresses(subnet)
    last = max((rule.priority for rule in group.rules if rule.direction is direction), default=0)
    first = LAST_PRIORITY - len(families) + 1
    taken = {rule.name.lower() for rule in group.rules}
    names = [f"{DENIES}-{subnet.id.name}-{direction}-{family}".lower()[:80] for family in families]
    if last >= first or taken & set(names):
        return None
    sides = [tuple(map(str, networks_of(spans))) for spans in families.values()]
    rules = [
        _final_deny(name, direction, first + number, side)
        for number, (name, side) in enumerate(zip(names, sides, strict=True))
    ]
    return with_rules(group, rules)


def _final_deny(name: str, direction: Direction, priority: int, subnet: tuple[str, ...]) -> SecurityRule:
    inbound = direction is Direction.INBOUND
    return SecurityRule(
        name=name,
        direction=direction,
        access=Access.DENY,
        priority=priority,
        protocol="*",
        sources=("*",) if inbound else subnet,
        destinations=subnet if inbound else ("*",),
        description="Added by Driftward: the last word before the default rules.",
    )


POLICY: Policy[SubnetSnapshot] = Policy(
    id=ABOUT.policy,
    title="The NSG of a PostgreSQL subnet has no final deny",
    kind=Kind.TIGHTENING,
    targets=frozenset({TargetKind.SUBNET}),
    severity=ABOUT.severity,
    safety=Safety.MANUAL,
    reads=frozenset({Aspect.SUBNET, Aspect.SECURITY_GROUP}),
    permissions=READS,
    controls=(),
    evaluate=evaluate,
    plan=plan,
    assess=assess,
    forbidden=forbidden,
    suggest=suggest,
    parameters=(
        Parameter(
            name="clients",
            default=[],
            description="Prefixes of the networks to let in; none: no inbound rules are shown.",
            check=check_prefixes,
        ),
        Parameter(
            name="ports",
            default=[POSTGRES_PORT, PGBOUNCER_PORT],
            description="TCP ports of PostgreSQL.",
            check=check_ports,
        ),
    ),
    order=63,
    why="What no rule names comes in from the whole virtual network, and goes out to the whole Internet.",
)
