"""What policies about a subnet's NSG share: questions asked of it, judged, told and answered with rules.

A policy says *what* it asks (an ``Inquiry``: questions, what should come of them, what is known of tags)
and who it is (``About``). Here the questions are put to the exact engine, the answers become a state with
its reason and evidence, and what is wrong becomes rules that the engine has proved. A subnet that cannot
be asked (being updated, not delegated, prefixes unread) is settled before. No policy's question lives
here, and nothing here touches the world.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_network
from types import MappingProxyType
from typing import Final

from shared.model import (
    Access,
    Aspect,
    Change,
    ComplianceState,
    DeleteSecurityRule,
    Direction,
    Edit,
    Finding,
    IPNetwork,
    Json,
    PutSecurityRule,
    SecurityGroup,
    SecurityRule,
    Severity,
    SubnetSnapshot,
    TrafficBox,
)
from shared.model.values import value
from shared.nsg import (
    EVERY_ADDRESS,
    WHOLE,
    Family,
    Fix,
    Goal,
    NoFix,
    NsgError,
    Outcome,
    Program,
    Question,
    Rule,
    Side,
    Spans,
    Tags,
    Verdict,
    decide,
    family_at,
    fix,
    minus,
    networks_of,
    parse,
    spans_of,
    union,
    with_rules,
)
from shared.posture.subnet_facts import delegated
from shared.posture.unread import unread_reason

CAVEATS: Final = (
    "admin rules of Azure Virtual Network Manager run before the NSG and are not evaluated",
    "routes and network appliances are not evaluated",
)
READS: Final = (
    "Microsoft.Network/virtualNetworks/read",
    "Microsoft.Network/virtualNetworks/subnets/read",
    "Microsoft.Network/networkSecurityGroups/read",
    "Microsoft.Network/networkSecurityGroups/securityRules/read",
    "Microsoft.Network/networkSecurityGroups/defaultSecurityRules/read",
)
"""ARM actions that reading a subnet with its NSG needs."""
WRITES: Final = (
    "Microsoft.Network/networkSecurityGroups/securityRules/write",
    "Microsoft.Network/networkSecurityGroups/securityRules/delete",
    "Microsoft.Network/locations/operations/read",
    "Microsoft.Network/locations/operationResults/read",
)
"""ARM actions that adding a rule, taking it back and following both need."""
HOST: Final = spans_of([ip_network("168.63.129.16/32")])


@value
class About:
    """Who asks: the policy's id, how grave its finding is, and what the names of its rules begin with."""

    policy: str
    severity: Severity
    rule_name: str = "driftward-postgres"


@value
class Inquiry:
    """Questions to the NSG of ``subnet``, each of which should be answered with ``want``."""

    subnet: SubnetSnapshot
    questions: tuple[Question, ...]
    tags: Tags
    holds: str
    """What is said when everything is as it should be."""
    want: Access = Access.ALLOW
    source: str = ""
    """What the sources are called, where their prefixes would say little."""


@value
class Answer:
    """One question, a direction in one address family, with its verdict."""

    question: Question
    want: Access
    source: str
    verdict: Verdict
    outcomes: Mapping[int, frozenset[Outcome]]
    """By port, what kinds of packets there are."""

    @property
    def family(self) -> Family:
        """The family of the subnet's own end."""
        return family_at(_own_end(self.question).addresses[0][0])

    @property
    def wrong(self) -> Outcome:
        return Outcome.DENIED if self.want is Access.ALLOW else Outcome.ALLOWED

    @property
    def wrong_ports(self) -> Spans:
        """Spans of ports on which some packet is surely treated as it should not be."""
        return union((port, port) for port, kinds in self.outcomes.items() if self.wrong in kinds)

    @property
    def wholly_wrong(self) -> bool:
        """Whether that is so of all packets on those ports, for every membership of the open sets."""
        return all(kinds == {self.wrong} for kinds in self.outcomes.values() if self.wrong in kinds)

    @property
    def culprits(self) -> tuple[Rule, ...]:
        """The rules that decide as they should not."""
        return self.verdict.blocking if self.want is Access.ALLOW else self.verdict.exposing


# --- what is asked ---------------------------------------------------------------------------------


def own_addresses(subnet: SubnetSnapshot) -> dict[Family, Spans]:
    """The subnet's addresses by family; a family that it does not have is absent."""
    families = ((Family.IPV4, 4), (Family.IPV6, 6))
    found = {
        family: spans_of(prefix for prefix in subnet.prefixes if prefix.version == version)
        for family, version in families
    }
    return {family: spans for family, spans in found.items() if spans}


def ports_of(numbers: Iterable[int]) -> Spans:
    return union((number, number) for number in numbers)


def vnet_tags(subnet: SubnetSnapshot) -> Tags:
    """What is known of the virtual network: the subnet lies in it."""
    return Tags(vnet=spans_of(subnet.prefixes))


def within_itself(subnet: SubnetSnapshot, ports: Iterable[int]) -> tuple[Question, ...]:
    """From the subnet to itself, in both directions: intra-subnet traffic is filtered once in each."""
    return tuple(
        Question(direction=direction, source=Side(inside), destination=Side(inside), ports=ports_of(ports))
        for direction in Direction
        for inside in own_addresses(subnet).values()
    )


def into(
    subnet: SubnetSnapshot, source: Side, ports: Iterable[int], ends: Mapping[Family, Spans] | None = None
) -> tuple[Question, ...]:
    """Inbound from ``source``, an open tag, to the subnet or to ``ends`` in it; one question per family."""
    inside = own_addresses(subnet) if ends is None else ends
    return tuple(
        Question(direction=Direction.INBOUND, source=source, destination=Side(one), ports=ports_of(ports))
        for one in inside.values()
    )


def from_networks(
    subnet: SubnetSnapshot,
    sources: Iterable[IPNetwork],
    ports: Iterable[int],
    ends: Mapping[Family, Spans] | None = None,
) -> tuple[Question, ...]:
    """Inbound from ``sources`` to the subnet or to ``ends`` in it, each family by itself."""
    inside = own_addresses(subnet) if ends is None else ends
    return tuple(
        Question(
            direction=Direction.INBOUND, source=Side(outside), destination=Side(one), ports=ports_of(ports)
        )
        for one, outside in _by_family(inside, tuple(sources))
    )


def to_networks(
    subnet: SubnetSnapshot, destinations: Iterable[IPNetwork], ports: Iterable[int]
) -> tuple[Question, ...]:
    """Outbound from the subnet to ``destinations``, each family by itself."""
    return tuple(
        Question(
            direction=Direction.OUTBOUND, source=Side(one), destination=Side(outside), ports=ports_of(ports)
        )
        for one, outside in _by_family(own_addresses(subnet), tuple(destinations))
    )


def _by_family(
    inside: Mapping[Family, Spans], networks: tuple[IPNetwork, ...]
) -> Iterator[tuple[Spans, Spans]]:
    """``inside`` and the addresses of ``networks``, for each family that both have."""
    for family, spans in inside.items():
        version = 4 if family is Family.IPV4 else 6
        if outside := spans_of(network for network in networks if network.version == version):
            yield spans, outside


def virtual_network(subnet: SubnetSnapshot) -> Spans:
    """Addresses that surely lie in the virtual network: the subnet's, and the host's virtual address.

    The latter is public by its number and what the load balancer probes from (service tags overview).
    """
    return union((*spans_of(subnet.prefixes), *HOST))


def vnet_at_large(subnet: SubnetSnapshot) -> Tags:
    """What is known of packets whose other end lies in the virtual network, wherever that extends to.

    Such an end may have any address, and it is not in ``Internet``, which is the space outside.
    """
    known: Mapping[str, Spans] = {**Tags().closed, "virtualnetwork": EVERY_ADDRESS, "internet": ()}
    return Tags(closed=MappingProxyType(known), vnet=spans_of(subnet.prefixes))


def from_others(
    subnet: SubnetSnapshot, but: Iterable[IPNetwork], ports: Iterable[int]
) -> tuple[Question, ...]:
    """Inbound to the subnet from every address that is neither its own, nor the host's, nor in ``but``."""
    excepted = union((*virtual_network(subnet), *spans_of(but)))
    return tuple(
        Question(
            direction=Direction.INBOUND,
            source=Side(minus(WHOLE[family], excepted)),
            destination=Side(inside),
            ports=ports_of(ports),
        )
        for family, inside in own_addresses(subnet).items()
    )


def settled(subnet: SubnetSnapshot) -> tuple[ComplianceState, str] | None:
    """The state and its reason where the NSG need not be looked at; None otherwise."""
    group = subnet.security_group
    if subnet.updating:
        return ComplianceState.UNKNOWN, "the subnet is being updated: look again"
    if not delegated(subnet):
        return ComplianceState.COMPLIANT, "the subnet is not delegated to PostgreSQL flexible servers"
    if not subnet.prefixes:
        return ComplianceState.UNKNOWN, "the subnet's address prefixes could not be read"
    if Aspect.SECURITY_GROUP in subnet.unread:
        return ComplianceState.UNKNOWN, unread_reason(subnet, Aspect.SECURITY_GROUP)
    if group is not None and group.updating:
        return ComplianceState.UNKNOWN, f"the NSG {group.id.name!r} is being updated: look again"
    return None


def settled_without_group(subnet: SubnetSnapshot) -> tuple[ComplianceState, str] | None:
    """As ``settled``, for a policy that asks for what must pass: without an NSG everything does."""
    if found := settled(subnet):
        return found
    if subnet.security_group is None:
        return ComplianceState.COMPLIANT, "the subnet has no NSG: everything passes"
    return None


# --- what is answered ------------------------------------------------------------------------------


def ask(inquiry: Inquiry) -> list[Answer]:
    """The answers, in the order of the questions. Raises ``NsgError``."""
    program = parse(inquiry.subnet.security_group, inquiry.tags)
    return [_answer(program, question, inquiry) for question in inquiry.questions]


def _answer(program: Program, question: Question, inquiry: Inquiry) -> Answer:
    verdict = decide(program, question)
    asked = [port for first, last in question.ports for port in range(first, last + 1)]
    outcomes = dict.fromkeys(asked, verdict.outcomes)
    if len(verdict.outcomes) > 1:
        by_port = {port: replace(question, ports=((port, port),)) for port in asked}
        outcomes = {port: decide(program, one).outcomes for port, one in by_port.items()}
    return Answer(
        question=question,
        want=inquiry.want,
        source=inquiry.source,
        verdict=verdict,
        outcomes=outcomes,
    )


def evaluate(about: About, inquiry: Inquiry) -> Finding:
    """The finding of a policy whose inquiry says everything; ``settled`` is asked by the caller."""
    subnet = inquiry.subnet
    try:
        answers = ask(inquiry)
    except NsgError as error:
        return finding(about, subnet, ComplianceState.UNKNOWN, f"the NSG's rules cannot be read: {error}")
    state, reason = _judge(answers, inquiry.holds)
    return replace(
        finding(about, subnet, state, reason),
        evidence=_evidence(about, inquiry, answers),
        fingerprint=_fingerprint(answers) if state is ComplianceState.NON_COMPLIANT else "",
    )


def finding(about: About, subnet: SubnetSnapshot, state: ComplianceState, reason: str) -> Finding:
    group = subnet.security_group
    return Finding(
        policy=about.policy,
        target=subnet.target,
        resource_id=group.id if group and state is ComplianceState.NON_COMPLIANT else subnet.id,
        state=state,
        severity=about.severity,
        reason=reason,
        evidence={"nsgId": group_id(subnet), "caveats": list(CAVEATS)},
        applies=delegated(subnet),
    )


def _judge(answers: Sequence[Answer], holds: str) -> tuple[ComplianceState, str]:
    if wrong := [_wrong(answer) for answer in wrong_ones(answers)]:
        return ComplianceState.NON_COMPLIANT, "; ".join(wrong)
    if depends := [answer for answer in answers if answer.verdict.depends_on]:
        return ComplianceState.UNKNOWN, _open_reason(depends)
    return ComplianceState.COMPLIANT, holds


def _wrong(answer: Answer) -> str:
    """For example: inbound tcp/5432 from 10.0.1.0/24 to itself is denied by rule 'x' (priority 200)."""
    how = "" if answer.wholly_wrong else "partly "
    done = f"{how}{answer.wrong.lower()} by {name_rules(answer.culprits)}"
    return f"{_asked(answer, answer.wrong_ports)} is {done}"


def name_rules(rules: Sequence[Rule]) -> str:
    named = [f"rule {rule.name!r} (priority {rule.priority})" for rule in rules]
    return " and ".join(named[:3]) + (f" and {len(named) - 3} more" if len(named) > 3 else "")


def _open_reason(answers: Iterable[Answer]) -> str:
    listed = tuple(answers)
    sets = dict.fromkeys(repr(name) for answer in listed for name in answer.verdict.depends_on)
    asked = dict.fromkeys(_asked(answer, answer.question.ports) for answer in listed)
    return f"whether {' and '.join(asked)} passes depends on what {', '.join(sets)} holds"


def _asked(answer: Answer, ports: Spans) -> str:
    question = answer.question
    source, destination = (spell_side(side) for side in (question.source, question.destination))
    whither = "itself" if question.source == question.destination else destination
    protocol = question.protocol.lower()
    what = f"{question.direction.lower()} {protocol}/{spell_ports(ports)}"
    return f"{what} from {answer.source or source} to {whither}"


def spell_side(side: Side) -> str:
    """Tags by their names, other addresses as prefixes."""
    named = [name for name, _ in side.closed] + [open_set.name for open_set in side.sets]
    return ", ".join(named or map(str, networks_of(side.addresses)))


def spell_ports(ports: Spans) -> str:
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in ports)


def _fingerprint(answers: Iterable[Answer]) -> str:
    """Directions and ports: whoever decides, under whatever name, it is the same drift."""
    return "; ".join(
        f"{answer.question.direction}/{answer.family}:{spell_ports(answer.wrong_ports)}"
        for answer in answers
        if answer.wrong_ports
    )


# --- what is told ----------------------------------------------------------------------------------


def _evidence(about: About, inquiry: Inquiry, answers: Sequence[Answer]) -> Mapping[str, Json]:
    found = dict.fromkeys(caveat for answer in answers for caveat in answer.verdict.caveats)
    return {
        "nsgId": group_id(inquiry.subnet),
        "directions": [_direction(answer) for answer in answers],
        "sharedWith": sharing(inquiry.subnet),
        "noFixReason": _why_no_fix(about, inquiry, answers),
        "caveats": [*found, *CAVEATS],
    }


def _direction(answer: Answer) -> Mapping[str, Json]:
    verdict = answer.verdict
    ports, rules = (
        ("portsDenied", "blockingRules") if answer.want is Access.ALLOW else ("portsAllowed", "exposingRules")
    )
    return {
        "direction": str(answer.question.direction),
        "family": str(answer.family),
        "verdict": str(verdict.state),
        ports: [port for a, b in answer.wrong_ports for port in range(a, b + 1)],
        rules: [{"name": rule.name, "priority": rule.priority} for rule in answer.culprits],
        "witness": _witness(answer),
        "dependsOn": list(verdict.depends_on),
    }


def _witness(answer: Answer) -> Mapping[str, Json] | None:
    """A packet that is surely treated as it should not be, and the rule that does it; None without one."""
    witnesses = answer.verdict.witnesses
    shown = next((w for w in witnesses if w.sure and w.outcome is answer.wrong), None)
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


def sharing(subnet: SubnetSnapshot) -> list[str]:
    """Ids of the other subnets and the network interfaces that have the same NSG."""
    group = subnet.security_group
    if group is None:
        return []
    others = (other for other in (*group.subnets, *group.network_interfaces) if other != subnet.id)
    return sorted(map(str, others))


def sharing_note(subnet: SubnetSnapshot) -> tuple[str, ...]:
    """What the decision says where others have the same NSG."""
    shared = sharing(subnet)
    what = "other subnets and network interfaces share the NSG"
    return (f"{len(shared)} {what}; the new rules do not name their addresses",) if shared else ()


def another_group_note(subnet: SubnetSnapshot, baseline: SubnetSnapshot | None) -> tuple[str, ...]:
    """What the decision says where the subnet was given another NSG since ``baseline``."""
    if baseline is None or group_id(baseline) == group_id(subnet):
        return ()
    return ("the subnet had another NSG at the last compliant reading",)


def group_id(subnet: SubnetSnapshot) -> str | None:
    return str(subnet.security_group.id) if subnet.security_group else None


# --- what is done ----------------------------------------------------------------------------------


def additions(about: About, inquiry: Inquiry, answers: Iterable[Answer]) -> Fix | NoFix:
    """The rules that make all of ``answers`` as wanted together, or why there are none."""
    group = inquiry.subnet.security_group
    added: list[SecurityRule] = []
    for answer in answers:
        name = f"{about.rule_name}-{inquiry.subnet.id.name}"
        goal = Goal(question=answer.question, want=inquiry.want, name=name)
        proposed = fix(group, goal, inquiry.tags, None if added else answer.verdict)
        if isinstance(proposed, NoFix) or group is None:
            return proposed
        added.extend(proposed.rules)
        group = with_rules(group, proposed.rules)
    return Fix(rules=tuple(added))


def wrong_ones(answers: Iterable[Answer]) -> list[Answer]:
    return [answer for answer in answers if answer.wrong_ports]


def _still_open(answers: Iterable[Answer]) -> list[Answer]:
    """Questions that the rules for what is wrong leave open: the subnet would not be compliant."""
    return [answer for answer in answers if answer.verdict.depends_on and not answer.wrong_ports]


def _why_no_fix(about: About, inquiry: Inquiry, answers: Sequence[Answer]) -> str | None:
    """Why nothing is planned for what is wrong; None when there is a plan, or nothing to plan."""
    if not any(answer.wrong_ports for answer in answers):
        return None
    proposed = additions(about, inquiry, wrong_ones(answers))
    if isinstance(proposed, NoFix):
        return proposed.reason
    left = _still_open(answers)
    return f"no rule here could be proved enough: {_open_reason(left)}" if left else None


def plan(about: About, inquiry: Inquiry, box: Iterable[TrafficBox]) -> Change | None:
    """The rules for all that is wrong as one change; None without room, or where the rest stays open."""
    answers = ask(inquiry)
    proposed = additions(about, inquiry, wrong_ones(answers))
    if isinstance(proposed, NoFix) or _still_open(answers):
        return None
    return adding(about, inquiry.subnet, proposed.rules, box)


def adding(
    about: About, subnet: SubnetSnapshot, rules: Sequence[SecurityRule], box: Iterable[TrafficBox]
) -> Change | None:
    """The change that adds ``rules``; None where there are none, or no NSG to add them to."""
    group = subnet.security_group
    if group is None or not rules:
        return None
    return Change(
        policy=about.policy,
        target=subnet.target,
        edits=puts(group, rules),
        inverse=tuple(DeleteSecurityRule(nsg=group.id, rule=rule) for rule in reversed(rules)),
        box=tuple(box),
    )


def suggestion(about: About, inquiry: Inquiry) -> tuple[Edit, ...]:
    """The rules for what is surely wrong, also where the rest depends on a tag and nothing is planned."""
    group = inquiry.subnet.security_group
    if group is None:
        return ()
    proposed = additions(about, inquiry, wrong_ones(ask(inquiry)))
    return () if isinstance(proposed, NoFix) else puts(group, proposed.rules)


def puts(group: SecurityGroup, rules: Iterable[SecurityRule]) -> tuple[Edit, ...]:
    return tuple(PutSecurityRule(nsg=group.id, rule=rule) for rule in rules)


# --- parameters ------------------------------------------------------------------------------------


def check_ports(ports: Json) -> str | None:
    numbers = ports if isinstance(ports, list) else []
    whole = all(isinstance(n, int) and not isinstance(n, bool) and 1 <= n <= 65535 for n in numbers)
    return None if numbers and whole else "a list of at least one port, each from 1 to 65535"


def check_prefixes(prefixes: Json) -> str | None:
    """An empty list is a list: nobody is declared."""
    wrong = "a list of prefixes such as 10.1.2.0/24"
    if not isinstance(prefixes, list) or not all(isinstance(text, str) for text in prefixes):
        return wrong
    try:
        networks(prefixes)
    except ValueError as error:
        return f"{wrong}: {error}"
    return None


def networks(prefixes: Iterable[str]) -> tuple[IPNetwork, ...]:
    """Declared prefixes as values. Raises ``ValueError`` for a text that is none, host bits included."""
    return tuple(map(ip_network, prefixes))


def _own_end(question: Question) -> Side:
    """The subnet's side of a question."""
    return question.destination if question.direction is Direction.INBOUND else question.source
