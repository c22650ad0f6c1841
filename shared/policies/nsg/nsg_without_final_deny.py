"""NSG of a PostgreSQL subnet that leaves the last word to the default rules.

*What it finds.* A subnet delegated to ``Microsoft.DBforPostgreSQL/flexibleServers`` whose NSG's default
rules let the virtual network at large in on the PostgreSQL ports (7432 and 8432 as well where a server is an
elastic cluster), or the servers out to the Internet: no custom rule denies the rest. What the default rules
let through is found by setting the NSG against the same one with its default rules turned to deny.

*Why it matters.* The default rules allow everything from the virtual network, with all that is peered or
connected to it, and everything to the Internet: the ways by which an intruder comes in and data goes out.

*What the change does.* Nothing is changed; it is advice. The alert shows the rules of a lock-down: a final
deny, and ahead of it an allow for each thing that the policies about cut connections ask for. Outbound that
is the subnet itself, Azure Storage (of the partners' regions too), Microsoft Entra ID where a server has
sign-in with it on, Azure Key Vault where one is encrypted with a customer's key (and Entra ID, on which
that tag depends), and port 5432 to replicas in other subnets. Inbound, where the parameter ``clients``
declares some, it is these, the subnet itself and the same replicas; 6432, 7432 and 8432 are among the ports
where a server listens there. What could not be read of a server counts as needed. The rules are shown only
when each of those questions, asked again of the NSG with them, is surely answered with yes; where a
replica's network is not known there are none, and the evidence says for what the rules are proved, or why
there are none. Custom rules keep their word, but for a deny of what must pass: the allow stands ahead of
it. No rule is edited, moved or removed.

*What it may break.* The final denies cut off whatever only the default rules let through and nobody
declared: clients, jump hosts, monitoring, servers that Resource Graph does not show to us.

*References.* Private access networking of Azure Database for PostgreSQL (within the subnet, Storage, Entra
ID, replicas); Network security groups, how they filter traffic (default rules); MCSB v1 NS-1 (deny by
default, permit by exception).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Final, TypeAlias

from shared.model import (
    Access,
    Aspect,
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
    SubnetServer,
    SubnetSnapshot,
    TargetKind,
)
from shared.model.values import value
from shared.nsg import (
    DEFAULT_RULES,
    EVERY_PORT,
    LAST_PRIORITY,
    PUBLIC_ADDRESSES,
    WHOLE,
    Changed,
    Fix,
    NoFix,
    NsgError,
    Outcome,
    Protocol,
    Question,
    Side,
    Spans,
    Tags,
    common,
    difference,
    minus,
    networks_of,
    spans_of,
    traffic_boxes,
    with_rules,
)
from shared.posture.client_questions import between_replicas, ports_here, with_clusters_in_mind
from shared.posture.policy import Control, Parameter, Policy
from shared.posture.service_questions import (
    CUSTOMER_KEY,
    ENTRA,
    ENTRA_SIGN_IN,
    KEY_VAULT,
    Service,
    in_region,
    judge,
    letting_pass,
    storages,
)
from shared.posture.subnet_facts import (
    CLUSTER_PORTS,
    PGBOUNCER_PORT,
    POSTGRES_PORT,
    REPLICA_READS,
    SERVER_READS,
    delegated,
    partners_unknown,
    some_server,
)
from shared.posture.subnet_questions import (
    READS,
    About,
    Inquiry,
    additions,
    ask,
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
    spell_ports,
    vnet_at_large,
    vnet_tags,
    within_itself,
)
from shared.posture.subnet_questions import evaluate as evaluated
from shared.posture.traffic import SubnetTraffic

ABOUT: Final = About(
    policy="nsg-without-final-deny", severity=Severity.INFORMATIONAL, rule_name="driftward-lock-down"
)
DENIES: Final = "driftward-final-deny"
SAID: Final = {
    Direction.INBOUND: "inbound the virtual network at large is let in by default",
    Direction.OUTBOUND: "outbound the Internet is reached by default",
}


def evaluate(subnet: SubnetSnapshot, *, clients: list[str], ports: list[int]) -> Finding:
    if found := settled_without_group(subnet):
        has_group = subnet.security_group is not None
        return replace(finding(ABOUT, subnet, *found), applies=delegated(subnet) and has_group)
    return with_clusters_in_mind(subnet, ports, partial(_asked, subnet, clients))


def _asked(subnet: SubnetSnapshot, clients: list[str], ports: list[int]) -> Finding:
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
        "lockDown": [_told(step) for step in _lock_downs(subnet, sure, clients, ports)],
    }
    fingerprint = "; ".join(map(str, sure))
    return replace(judged, evidence={**judged.evidence, **more}, fingerprint=fingerprint)


def suggest(found: Finding, subnet: SubnetSnapshot) -> tuple[Edit, ...]:
    """The lock-down of each direction without a final deny; nothing where that does not prove."""
    group = subnet.security_group
    if found.state is not ComplianceState.NON_COMPLIANT or group is None:
        return ()
    directions = list(map(Direction, found.evidence["directions"]))
    steps = _lock_downs(subnet, directions, found.evidence["clients"], found.evidence["ports"])
    return puts(group, (rule for step in steps for rule in step.rules))


def forbidden(subnet: SubnetSnapshot, *, ports: list[int], **_settings: Json) -> SubnetTraffic:
    """What a final deny is for: others in on the ports, the servers out to public addresses."""
    if not delegated(subnet):
        return SubnetTraffic()
    asked = ports_here(subnet, ports)
    questions = [q for direction in Direction for q in _at_large(subnet, direction, asked)]
    return SubnetTraffic(boxes=tuple(box for question in questions for box in traffic_boxes(question)))


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


# --- what must pass under a lock-down --------------------------------------------------------------


Contract: TypeAlias = Inquiry | Service
"""What a policy about cut connections asks of the NSG; here it is asked of the lock-down."""


def contracts(
    subnet: SubnetSnapshot, direction: Direction, clients: list[str], ports: list[int]
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
    services = _services(subnet) if direction is Direction.OUTBOUND else ()
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


def _services(subnet: SubnetSnapshot) -> tuple[Service, ...]:
    """``AzureKeyVault`` depends on ``AzureActiveDirectory`` (service tags overview): a key brings both."""
    vault = in_region(KEY_VAULT, subnet.location)
    needs = ((ENTRA, ENTRA, (ENTRA_SIGN_IN, CUSTOMER_KEY)), (KEY_VAULT, vault, (CUSTOMER_KEY,)))
    needed = (
        Service(about=ABOUT, tag=tag, asked=asked)
        for tag, asked, any_of in needs
        if any(some_server(subnet, need.fact) is not False for need in any_of)
    )
    return (*storages(ABOUT, subnet), *needed)


def _what(contract: Contract) -> str:
    return f"tcp/443 to {contract.asked}" if isinstance(contract, Service) else contract.holds


def _letting_pass(contract: Contract, subnet: SubnetSnapshot) -> Fix | NoFix:
    """The rules after which ``contract`` holds; none where it holds already. Raises ``NsgError``."""
    if isinstance(contract, Service):
        return letting_pass(contract, subnet)
    inquiry = replace(contract, subnet=subnet)
    return additions(ABOUT, inquiry, ask(inquiry))


def _holds(contract: Contract, subnet: SubnetSnapshot) -> bool:
    """Whether the policy that asks this would call the subnet compliant."""
    if isinstance(contract, Service):
        judged = judge(contract, subnet)
    else:
        judged = evaluated(ABOUT, replace(contract, subnet=subnet))
    return judged.state is ComplianceState.COMPLIANT


# --- the lock-down ---------------------------------------------------------------------------------


@value
class LockDown:
    """The rules of one direction, proved for ``contracts``; or none, and ``reason`` says why."""

    direction: Direction
    rules: tuple[SecurityRule, ...] = ()
    contracts: tuple[str, ...] = ()
    reason: str = ""


def _lock_downs(
    subnet: SubnetSnapshot, directions: list[Direction], clients: list[str], ports: list[int]
) -> list[LockDown]:
    """One for each direction, each on the NSG as the one before leaves it."""
    steps: list[LockDown] = []
    for direction in directions:
        steps.append(_lock_down(subnet, direction, clients, ports))
        subnet = _with(subnet, steps[-1].rules)
    return steps


def _lock_down(
    subnet: SubnetSnapshot, direction: Direction, clients: list[str], ports: list[int]
) -> LockDown:
    if reason := _not_known(subnet, direction, clients):
        return LockDown(direction=direction, reason=reason)
    try:
        return _proved(subnet, direction, contracts(subnet, direction, clients, ports), ports)
    except NsgError as error:
        return LockDown(direction=direction, reason=f"it cannot be proved: {error}")


def _not_known(subnet: SubnetSnapshot, direction: Direction, clients: list[str]) -> str:
    """What must pass and is not known; ``""`` where everything is."""
    if direction is Direction.INBOUND and not from_networks(subnet, networks(clients), [POSTGRES_PORT]):
        return "no clients are declared whom the subnet could admit"
    missing = partners_unknown(subnet)
    return f"what replication needs is not known: {missing}" if missing else ""


def _proved(
    subnet: SubnetSnapshot, direction: Direction, wanted: tuple[Contract, ...], ports: list[int]
) -> LockDown:
    """Final denies, ahead of them what ``wanted`` needs, and all of it asked again. Raises ``NsgError``."""
    denies = _final_denies(subnet, direction)
    if not denies:
        reason = "there is no room for a final deny behind the rules of this direction, or its name is taken"
        return LockDown(direction=direction, reason=reason)
    locked = _with(subnet, denies)
    rules = list(denies)
    for contract in wanted:
        proposed = _letting_pass(contract, locked)
        if isinstance(proposed, NoFix):
            return LockDown(direction=direction, reason=f"{_what(contract)}: {proposed.reason}")
        locked = _with(locked, proposed.rules)
        rules.extend(proposed.rules)
    if _left_to_defaults(locked, direction, ports) or not all(_holds(one, locked) for one in wanted):
        return LockDown(direction=direction, reason="the rules that were found are not proved to be enough")
    return LockDown(direction=direction, rules=tuple(rules), contracts=tuple(map(_what, wanted)))


def _with(subnet: SubnetSnapshot, rules: Iterable[SecurityRule]) -> SubnetSnapshot:
    group = subnet.security_group
    return subnet if group is None else replace(subnet, security_group=with_rules(group, rules))


def _told(step: LockDown) -> Json:
    """For evidence: for what the rules shown are proved, or why none are shown."""
    return {
        "direction": str(step.direction),
        "provedFor": list(step.contracts),
        "noRulesReason": step.reason or None,
    }


def _final_denies(subnet: SubnetSnapshot, direction: Direction) -> list[SecurityRule]:
    """A deny for each family behind every custom rule of the direction; none without room there."""
    families = own_addresses(subnet)
    group = subnet.security_group
    custom = group.rules if group is not None else ()
    last = max((rule.priority for rule in custom if rule.direction is direction), default=0)
    first = LAST_PRIORITY - len(families) + 1
    names = [f"{DENIES}-{subnet.id.name}-{direction}-{family}".lower()[:80] for family in families]
    if last >= first or {rule.name.lower() for rule in custom} & set(names):
        return []
    sides = [tuple(map(str, networks_of(spans))) for spans in families.values()]
    return [
        _final_deny(name, direction, first + number, side)
        for number, (name, side) in enumerate(zip(names, sides, strict=True))
    ]


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
    reads=frozenset({Aspect.SUBNET, Aspect.SECURITY_GROUP, Aspect.SUBNET_SERVERS, Aspect.SUBNET_REPLICAS}),
    permissions=(*READS, *SERVER_READS, *REPLICA_READS),
    controls=(
        Control(framework="MCSB", version="v1", id="NS-1", title="Establish network segmentation boundaries"),
    ),
    evaluate=evaluate,
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
