"""NSG that blocks PostgreSQL inside the subnet of its own servers.

*What it finds.* A subnet delegated to ``Microsoft.DBforPostgreSQL/flexibleServers`` whose NSG denies TCP
on the ports (5432 and 6432) from the subnet to itself, inbound or outbound, for any pair of its
addresses. The rules are evaluated as Azure does, first match by priority with the default rules behind
them; a packet that depends on an unknown tag or an application security group is unknown, not denied.

*Why it matters.* The primary, the standby and PgBouncer of a flexible server talk to each other inside
the subnet and pass its NSG twice: outbound at the sender, inbound at the receiver. A "deny everything"
behind an allow for the application's subnet looks strict and stops high availability and failover.

*What the change does.* Adds one allow rule per blocked direction and address family, for the subnet's
own prefixes and the ports alone, directly ahead of the lowest rule that denies. Where allow rules of the
last compliant reading are gone or were changed, and putting them back lets this traffic pass and no other,
they are restored instead. Else no rule is edited, and none is ever moved or removed. With no free priority
there, or when the rest of the traffic depends on a tag, nothing is changed and the alert says what to do
by hand.

*What it may break.* Nothing that passes now: it only adds. Other subnets that share the NSG are not
named by the new rule. What an NSG does not show is not judged: admin rules of Virtual Network Manager
and routes.

*References.* Private access networking of Azure Database for PostgreSQL (5432 within the subnet); its
major version upgrades (5432 and 6432); Network security groups, how they filter traffic. No framework
among the project's controls states this requirement.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from shared.model import (
    Aspect,
    Change,
    ComplianceState,
    DeleteSecurityRule,
    Direction,
    Edit,
    Finding,
    Json,
    Kind,
    PutSecurityRule,
    Safety,
    SecurityGroup,
    SecurityRule,
    Severity,
    SubnetServer,
    SubnetSnapshot,
    TargetKind,
)
from shared.nsg import (
    Family,
    Fix,
    Goal,
    NoFix,
    NsgError,
    Outcome,
    Program,
    Question,
    Side,
    Spans,
    Tags,
    Verdict,
    decide,
    fix,
    networks_of,
    parse,
    spans_of,
    traffic_boxes,
    union,
    with_rules,
)
from shared.policy import Assessment, Parameter, Policy
from shared.traffic import SubnetTraffic
from shared.values import value

ID: Final = "nsg-blocks-postgres-in-subnet"
SEVERITY: Final = Severity.HIGH
DELEGATION: Final = "microsoft.dbforpostgresql/flexibleservers"
PGBOUNCER_PORT: Final = 6432
PORTS_NEEDED: Final = (
    "5432 is always required within the subnet; 6432 is required where high availability or PgBouncer "
    "is on, otherwise recommended"
)
MOST_RESTORED: Final = 4
"""Where more rules than these are gone, the planned rule is the smaller change."""
CAVEATS: Final = (
    "admin rules of Azure Virtual Network Manager run before the NSG and are not evaluated",
    "routes and network appliances are not evaluated",
)


@value
class Answer:
    """One question of the policy, a direction in one address family, with its verdict."""

    family: Family
    question: Question
    verdict: Verdict
    outcomes: Mapping[int, frozenset[Outcome]]
    """By port, what kinds of packets there are."""

    @property
    def denied_ports(self) -> Spans:
        """Spans of ports on which some packet is surely denied."""
        return union((port, port) for port, kinds in self.outcomes.items() if Outcome.DENIED in kinds)

    @property
    def wholly_denied(self) -> bool:
        """Whether nothing passes on those ports, not even for some membership of an open set."""
        return all(kinds == {Outcome.DENIED} for kinds in self.outcomes.values() if Outcome.DENIED in kinds)


def evaluate(subnet: SubnetSnapshot, *, ports: list[int]) -> Finding:
    if settled := _without_rules(subnet):
        return _finding(subnet, *settled)
    try:
        answers = _answers(subnet, ports)
    except NsgError as error:
        return _finding(subnet, ComplianceState.UNKNOWN, f"the NSG's rules cannot be read: {error}")
    state, reason = _judge(answers)
    return replace(
        _finding(subnet, state, reason),
        evidence=_evidence(subnet, answers),
        fingerprint=_fingerprint(answers) if state is ComplianceState.NON_COMPLIANT else "",
    )


def plan(finding: Finding, subnet: SubnetSnapshot, *, ports: list[int]) -> Change | None:
    group = subnet.security_group
    if finding.state is not ComplianceState.NON_COMPLIANT or group is None:
        return None
    answers = _answers(subnet, ports)
    proposed = _fixes(group, answers, subnet)
    if isinstance(proposed, NoFix) or _still_open(answers):
        return None
    blocked = [answer.question for answer in answers if answer.denied_ports]
    return Change(
        policy=ID,
        target=subnet.target,
        edits=tuple(PutSecurityRule(nsg=group.id, rule=rule) for rule in proposed.rules),
        inverse=tuple(DeleteSecurityRule(nsg=group.id, rule=rule) for rule in reversed(proposed.rules)),
        box=tuple(box for question in blocked for box in traffic_boxes(question)),
    )


def restore(
    finding: Finding, subnet: SubnetSnapshot, baseline: SubnetSnapshot, *, ports: list[int]
) -> tuple[Change, ...]:
    """Changes that put back allow rules of the baseline: each alone, then all of them together.

    A rule that let more pass than the question asks for does not prove, and the plan stands in for it.
    """
    group, former = subnet.security_group, baseline.security_group
    if finding.state is not ComplianceState.NON_COMPLIANT or group is None or former is None:
        return ()
    blocked = [answer.question for answer in _answers(subnet, ports) if answer.denied_ports]
    gone = _gone(group, former, blocked, _tags(subnet))
    if former.id != group.id or len(gone) > MOST_RESTORED:
        return ()
    sets = [(rule,) for rule in gone] + ([gone] if len(gone) > 1 else [])
    return tuple(_restoring(subnet, group, rules, blocked) for rules in sets)


def _gone(
    group: SecurityGroup, former: SecurityGroup, blocked: list[Question], tags: Tags
) -> tuple[SecurityRule, ...]:
    """Allow rules of ``former`` that decided packets of ``blocked``, are not there now, and could be."""
    present = {_effect(rule) for rule in group.rules}
    deciding = _names_that_let_pass(former, blocked, tags)
    missing = [
        rule
        for rule in former.rules
        if rule.name.lower() in deciding and _effect(rule) not in present and _has_room(group, rule)
    ]
    return tuple(sorted(missing, key=lambda rule: (rule.direction, rule.priority)))


def _names_that_let_pass(group: SecurityGroup, questions: Iterable[Question], tags: Tags) -> set[str]:
    """Allow rules that decide some packet under some membership; none where they cannot be read."""
    try:
        program = parse(group, tags)
        verdicts = [decide(program, question) for question in questions]
    except NsgError:
        return set()
    return {rule.name.lower() for verdict in verdicts for rule in verdict.exposing}


def _effect(rule: SecurityRule) -> SecurityRule:
    """The rule in one order and spelling, without what decides no packet: two that are equal do the same."""
    return replace(
        rule,
        name="",
        description="",
        etag=None,
        protocol=rule.protocol.lower(),
        sources=tuple(sorted(text.lower() for text in rule.sources)),
        destinations=tuple(sorted(text.lower() for text in rule.destinations)),
        source_ports=tuple(sorted(rule.source_ports)),
        destination_ports=tuple(sorted(rule.destination_ports)),
        source_groups=tuple(sorted(rule.source_groups, key=lambda group: group.key)),
        destination_groups=tuple(sorted(rule.destination_groups, key=lambda group: group.key)),
    )


def _has_room(group: SecurityGroup, rule: SecurityRule) -> bool:
    """Whether ARM would take the rule: no other has its priority, and its name means no other direction."""
    others = [other for other in group.rules if other.name.lower() != rule.name.lower()]
    namesake = _namesake(group, rule)
    return (namesake is None or namesake.direction is rule.direction) and not any(
        (other.direction, other.priority) == (rule.direction, rule.priority) for other in others
    )


def _namesake(group: SecurityGroup, rule: SecurityRule) -> SecurityRule | None:
    """The rule that a PUT of ``rule`` would replace."""
    return next((other for other in group.rules if other.name.lower() == rule.name.lower()), None)


def _restoring(
    subnet: SubnetSnapshot,
    group: SecurityGroup,
    rules: Iterable[SecurityRule],
    blocked: Iterable[Question],
) -> Change:
    edits = [PutSecurityRule(nsg=group.id, rule=replace(rule, etag=None)) for rule in rules]
    return Change(
        policy=ID,
        target=subnet.target,
        edits=tuple(edits),
        inverse=tuple(_undoing(group, edit) for edit in reversed(edits)),
        box=tuple(box for question in blocked for box in traffic_boxes(question)),
    )


def _undoing(group: SecurityGroup, edit: PutSecurityRule) -> Edit:
    namesake = _namesake(group, edit.rule)
    if namesake is None:
        return DeleteSecurityRule(nsg=group.id, rule=edit.rule)
    return PutSecurityRule(nsg=group.id, rule=namesake)


def suggest(finding: Finding, subnet: SubnetSnapshot) -> tuple[Edit, ...]:
    """The rules for what is surely denied, also where the rest depends on a tag and nothing is planned."""
    group = subnet.security_group
    if finding.state is not ComplianceState.NON_COMPLIANT or group is None:
        return ()
    proposed = _fixes(group, _answers(subnet, finding.evidence["ports"]), subnet)
    rules = () if isinstance(proposed, NoFix) else proposed.rules
    return tuple(PutSecurityRule(nsg=group.id, rule=rule) for rule in rules)


def assess(subnet: SubnetSnapshot, baseline: SubnetSnapshot | None) -> Assessment:
    """Letting the subnet talk to itself cuts nobody off; the notes say what a reader may not expect."""
    notes = []
    if shared := _sharing(subnet):
        what = "other subnets and network interfaces share the NSG"
        notes.append(f"{len(shared)} {what}; the new rules do not name their addresses")
    if baseline is not None and _group_id(baseline) != _group_id(subnet):
        notes.append("the subnet had another NSG at the last compliant reading")
    return Assessment(safety=Safety.AUTO, notes=tuple(notes))


def forbidden(subnet: SubnetSnapshot, *, ports: list[int]) -> SubnetTraffic:
    """The packets that must pass."""
    if not _delegated(subnet):
        return SubnetTraffic()
    questions = (question for _, question in _questions(subnet, ports))
    return SubnetTraffic(boxes=tuple(box for question in questions for box in traffic_boxes(question)))


def _without_rules(subnet: SubnetSnapshot) -> tuple[ComplianceState, str] | None:
    """The state and its reason where no rule needs to be asked; None otherwise."""
    group = subnet.security_group
    if subnet.updating:
        return ComplianceState.UNKNOWN, "the subnet is being updated: look again"
    if not _delegated(subnet):
        return ComplianceState.COMPLIANT, "the subnet is not delegated to PostgreSQL flexible servers"
    if not subnet.prefixes:
        return ComplianceState.UNKNOWN, "the subnet's address prefixes could not be read"
    if group is None:
        return ComplianceState.COMPLIANT, "the subnet has no NSG: everything passes"
    if group.updating:
        return ComplianceState.UNKNOWN, f"the NSG {group.id.name!r} is being updated: look again"
    return None


def _delegated(subnet: SubnetSnapshot) -> bool:
    return any(service.lower() == DELEGATION for service in subnet.delegations)


def _questions(subnet: SubnetSnapshot, ports: Iterable[int]) -> list[tuple[Family, Question]]:
    """From the subnet to itself, in both directions: intra-subnet traffic is filtered once in each."""
    families = {
        Family.IPV4: spans_of(prefix for prefix in subnet.prefixes if prefix.version == 4),
        Family.IPV6: spans_of(prefix for prefix in subnet.prefixes if prefix.version == 6),
    }
    wanted = union((port, port) for port in ports)
    return [
        (
            family,
            Question(direction=direction, source=Side(inside), destination=Side(inside), ports=wanted),
        )
        for direction in Direction
        for family, inside in families.items()
        if inside
    ]


def _tags(subnet: SubnetSnapshot) -> Tags:
    """What is known of the virtual network: the subnet lies in it."""
    return Tags(vnet=spans_of(subnet.prefixes))


def _answers(subnet: SubnetSnapshot, ports: Iterable[int]) -> list[Answer]:
    program = parse(subnet.security_group, _tags(subnet))
    return [_answer(program, family, question) for family, question in _questions(subnet, ports)]


def _answer(program: Program, family: Family, question: Question) -> Answer:
    verdict = decide(program, question)
    asked = [port for first, last in question.ports for port in range(first, last + 1)]
    outcomes = dict.fromkeys(asked, verdict.outcomes)
    if len(verdict.outcomes) > 1:
        by_port = {port: replace(question, ports=((port, port),)) for port in asked}
        outcomes = {port: decide(program, one).outcomes for port, one in by_port.items()}
    return Answer(family=family, question=question, verdict=verdict, outcomes=outcomes)


def _fixes(group: SecurityGroup, answers: Iterable[Answer], subnet: SubnetSnapshot) -> Fix | NoFix:
    """The rules for all blocked answers together, or why there are none."""
    added: list[SecurityRule] = []
    for answer in answers:
        if not answer.denied_ports:
            continue
        goal = Goal(question=answer.question, name=f"driftward-postgres-{subnet.id.name}")
        proposed = fix(group, goal, _tags(subnet), answer.verdict)
        if isinstance(proposed, NoFix):
            return proposed
        added.extend(proposed.rules)
        group = with_rules(group, proposed.rules)
    return Fix(rules=tuple(added))


def _still_open(answers: Iterable[Answer]) -> list[Answer]:
    """Questions that the rules for the denied ones leave open: the subnet would not be compliant."""
    return [answer for answer in answers if answer.verdict.depends_on and not answer.denied_ports]


def _why_no_fix(subnet: SubnetSnapshot, answers: list[Answer]) -> str | None:
    """Why nothing is planned for a denial; None when there is a plan, or nothing to plan."""
    group = subnet.security_group
    if group is None or not any(answer.denied_ports for answer in answers):
        return None
    proposed = _fixes(group, answers, subnet)
    if isinstance(proposed, NoFix):
        return proposed.reason
    left = _still_open(answers)
    return f"no rule here could be proved enough: {_open_reason(left)}" if left else None


def _judge(answers: list[Answer]) -> tuple[ComplianceState, str]:
    if denied := [_denial(answer) for answer in answers if answer.denied_ports]:
        return ComplianceState.NON_COMPLIANT, "; ".join(denied)
    if depends := [answer for answer in answers if answer.verdict.depends_on]:
        return ComplianceState.UNKNOWN, _open_reason(depends)
    prefixes = dict.fromkeys(
        str(n) for answer in answers for n in networks_of(answer.question.source.addresses)
    )
    asked = f"tcp/{_spell(answers[0].question.ports)} from {', '.join(prefixes)} to itself"
    return ComplianceState.COMPLIANT, f"{asked} passes inbound and outbound"


def _open_reason(answers: Iterable[Answer]) -> str:
    sets = dict.fromkeys(repr(name) for answer in answers for name in answer.verdict.depends_on)
    asked = dict.fromkeys(_asked(answer, answer.question.ports) for answer in answers)
    return f"whether {' and '.join(asked)} passes depends on what {', '.join(sets)} holds"


def _denial(answer: Answer) -> str:
    """For example: inbound tcp/5432 from 10.0.1.0/24 to itself is denied by rule 'x' (priority 200)."""
    verdict = answer.verdict
    rules = [f"rule {rule.name!r} (priority {rule.priority})" for rule in verdict.blocking]
    named = " and ".join(rules[:3]) + (f" and {len(rules) - 3} more" if len(rules) > 3 else "")
    how = "" if answer.wholly_denied else "partly "
    return f"{_asked(answer, answer.denied_ports)} is {how}denied by {named}"


def _asked(answer: Answer, ports: Spans) -> str:
    prefixes = ", ".join(map(str, networks_of(answer.question.source.addresses)))
    return f"{answer.question.direction.lower()} tcp/{_spell(ports)} from {prefixes} to itself"


def _spell(ports: Spans) -> str:
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in ports)


def _finding(subnet: SubnetSnapshot, state: ComplianceState, reason: str) -> Finding:
    group = subnet.security_group
    return Finding(
        policy=ID,
        target=subnet.target,
        resource_id=group.id if group and state is ComplianceState.NON_COMPLIANT else subnet.id,
        state=state,
        severity=SEVERITY,
        reason=reason,
        evidence={"nsgId": _group_id(subnet), "caveats": list(CAVEATS)},
        applies=_delegated(subnet),
    )


def _fingerprint(answers: Iterable[Answer]) -> str:
    """Directions and denied ports: whoever denies, under whatever name, it is the same drift."""
    return "; ".join(
        f"{answer.question.direction}/{answer.family}:{_spell(answer.denied_ports)}"
        for answer in answers
        if answer.denied_ports
    )


def _evidence(subnet: SubnetSnapshot, answers: list[Answer]) -> Mapping[str, Json]:
    found = dict.fromkeys(caveat for answer in answers for caveat in answer.verdict.caveats)
    return {
        "nsgId": _group_id(subnet),
        "ports": [port for a, b in answers[0].question.ports for port in range(a, b + 1)],
        "directions": [_direction(answer) for answer in answers],
        "sharedWith": _sharing(subnet),
        "whether6432Matters": _whether_6432_matters(subnet.servers),
        "noFixReason": _why_no_fix(subnet, answers),
        "caveats": [*found, *CAVEATS],
    }


def _direction(answer: Answer) -> Mapping[str, Json]:
    verdict = answer.verdict
    return {
        "direction": str(answer.question.direction),
        "family": str(answer.family),
        "verdict": str(verdict.state),
        "portsDenied": [port for a, b in answer.denied_ports for port in range(a, b + 1)],
        "blockingRules": [{"name": rule.name, "priority": rule.priority} for rule in verdict.blocking],
        "witness": _witness(verdict),
        "dependsOn": list(verdict.depends_on),
    }


def _witness(verdict: Verdict) -> Mapping[str, Json] | None:
    """A packet that is surely denied, and the rule that denies it; None when there is none."""
    shown = next((w for w in verdict.witnesses if w.sure and w.outcome is Outcome.DENIED), None)
    if shown is None:
        return None
    return {
        "protocol": shown.protocol,
        "source": shown.source,
        "sourcePort": shown.source_port,
        "destination": shown.destination,
        "destinationPort": shown.destination_port,
        "rule": shown.rule,
    }


def _whether_6432_matters(servers: tuple[SubnetServer, ...] | None) -> Mapping[str, Json]:
    if servers is None:
        return {"rule": PORTS_NEEDED, "servers": None, "port6432": "unknown"}
    needs = [_need_of_6432(server) for server in servers]
    worst = next((need for need in ("required", "unknown") if need in needs), "recommended")
    listed = [
        {
            "id": str(server.id),
            "highAvailability": server.high_availability,
            "pgbouncer": server.pgbouncer,
            "port6432": need,
        }
        for server, need in zip(servers, needs, strict=True)
    ]
    return {"rule": PORTS_NEEDED, "servers": listed, "port6432": worst}


def _need_of_6432(server: SubnetServer) -> str:
    if server.high_availability or server.pgbouncer:
        return "required"
    return "unknown" if None in (server.high_availability, server.pgbouncer) else "recommended"


def _sharing(subnet: SubnetSnapshot) -> list[str]:
    group = subnet.security_group
    if group is None:
        return []
    others = (other for other in (*group.subnets, *group.network_interfaces) if other != subnet.id)
    return sorted(map(str, others))


def _group_id(subnet: SubnetSnapshot) -> str | None:
    group: SecurityGroup | None = subnet.security_group
    return str(group.id) if group else None


def _check_ports(ports: Json) -> str | None:
    numbers = ports if isinstance(ports, list) else []
    whole = all(isinstance(n, int) and not isinstance(n, bool) and 1 <= n <= 65535 for n in numbers)
    return None if numbers and whole else "a list of at least one port, each from 1 to 65535"


POLICY: Policy[SubnetSnapshot] = Policy(
    id=ID,
    title="An NSG blocks PostgreSQL inside its own subnet",
    kind=Kind.CONNECTIVITY,
    targets=frozenset({TargetKind.SUBNET}),
    severity=SEVERITY,
    safety=Safety.AUTO,
    reads=frozenset({Aspect.SUBNET, Aspect.SECURITY_GROUP, Aspect.SUBNET_SERVERS}),
    permissions=(
        "Microsoft.Network/virtualNetworks/read",
        "Microsoft.Network/virtualNetworks/subnets/read",
        "Microsoft.Network/networkSecurityGroups/read",
        "Microsoft.Network/networkSecurityGroups/securityRules/read",
        "Microsoft.Network/networkSecurityGroups/securityRules/write",
        "Microsoft.Network/networkSecurityGroups/securityRules/delete",
        "Microsoft.Network/networkSecurityGroups/defaultSecurityRules/read",
        "Microsoft.Network/locations/operations/read",
        "Microsoft.Network/locations/operationResults/read",
        "Microsoft.DBforPostgreSQL/flexibleServers/read",
        "Microsoft.DBforPostgreSQL/flexibleServers/configurations/read",
    ),
    controls=(),
    evaluate=evaluate,
    plan=plan,
    restore=restore,
    assess=assess,
    forbidden=forbidden,
    suggest=suggest,
    parameters=(
        Parameter(
            name="ports",
            default=[5432, PGBOUNCER_PORT],
            description="TCP ports that must pass from the subnet to itself.",
            check=_check_ports,
        ),
    ),
    order=50,
    why=(
        "Primary, standby and PgBouncer cannot reach each other: high availability and failover of the "
        "servers in this subnet stop working."
    ),
)
