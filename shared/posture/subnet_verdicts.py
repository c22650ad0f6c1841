"""The finding of a policy that asks a subnet's NSG: what the answers come to, with who decides as evidence.

Pure; no policy's question lives here.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from shared.model import Access, Finding, Json, SubnetSnapshot
from shared.model.rules import OddSecurityRule
from shared.nsg import NsgError, TooComplex, tolerated
from shared.posture.findings import Judged, compliant, drifted, finding, unknown
from shared.posture.subnet_answers import Answer, ask, open_reason, spell_ports, wrong_ones, wrong_reason
from shared.posture.subnet_facts import delegated
from shared.posture.subnet_questions import About, Inquiry, group_id, sharing
from shared.posture.subnet_rules import why_no_fix

ROUTES_UNJUDGED: Final = "routes and network appliances are not evaluated"
"""Told where nothing is asked of the routes."""
CAVEATS: Final = (
    "admin rules of Azure Virtual Network Manager run before the NSG and are not evaluated",
    ROUTES_UNJUDGED,
)
_ODD: Final = "oddRules"
"""Where evidence tells of the rules that cannot be read."""
_KEPT: Final = frozenset({_ODD, "whatToDo"})


def inquiry_finding(about: About, inquiry: Inquiry) -> Finding:
    """The finding of a policy whose inquiry says everything; ``settled`` is asked by the caller."""
    try:
        answers = ask(inquiry)
    except NsgError as error:
        return group_finding(about, inquiry.subnet, not_decided(error))
    judged = _with_a_group(inquiry.subnet, _judge(answers, inquiry.holds))
    found = group_finding(about, inquiry.subnet, judged)
    more = {name: told for name, told in found.evidence.items() if name in _KEPT}
    return replace(found, evidence={**_evidence(about, inquiry, answers), **more})


def _with_a_group(subnet: SubnetSnapshot, judged: Judged) -> Judged:
    """Where there is no NSG, there is none to add a rule to: the subnet gets one."""
    missing = judged.is_drift and subnet.security_group is None
    return replace(judged, what_to_do=group_command(subnet)) if missing else judged


def group_command(subnet: SubnetSnapshot) -> str:
    update = f"az network vnet subnet update --ids {shlex.quote(str(subnet.id))}"
    return f"{update} --network-security-group '<id of an NSG of the same region>'"


def not_decided(error: NsgError) -> Judged:
    """Why the NSG says nothing: its rules have no one meaning, or it is beyond the engine's budget."""
    return unknown(
        str(error) if isinstance(error, TooComplex) else f"the NSG's rules cannot be read: {error}"
    )


def group_finding(about: About, subnet: SubnetSnapshot, judged: Judged) -> Finding:
    """The finding on the NSG where it is at fault, else on the subnet; of no other than a delegated one."""
    group, odd = subnet.security_group, _odd_rules(subnet)
    placed = replace(
        judged,
        reason=f"{judged.reason}{_odd_note(odd, judged.reason)}",
        resource_id=group.id if group and judged.is_drift else None,
        applies=judged.applies and delegated(subnet),
    )
    facts = {"nsgId": group_id(subnet), "caveats": list(CAVEATS), **_odd_evidence(odd)}
    return finding(about.policy, about.severity, subnet, placed, facts)


def _odd_rules(subnet: SubnetSnapshot) -> tuple[OddSecurityRule, ...]:
    group = tolerated(subnet.security_group)
    return group.odd_rules if group else ()


def _odd_note(odd: Iterable[OddSecurityRule], said: str) -> str:
    """The end of a reason that names the rules which cannot be read, but for those that it names already."""
    named = dict.fromkeys(one.why for one in odd if one.why not in said)
    return f"; cannot be read: {'; '.join(named)}" if named else ""


def _odd_evidence(odd: Iterable[OddSecurityRule]) -> Mapping[str, Json]:
    told = [{"name": one.name, "field": one.field, "why": one.why} for one in odd]
    return {_ODD: told} if told else {}


def _judge(answers: Sequence[Answer], holds: str) -> Judged:
    if wrong := [wrong_reason(answer) for answer in wrong_ones(answers)]:
        return drifted("; ".join(wrong), _fingerprint(answers))
    if depends := [answer for answer in answers if answer.verdict.depends_on]:
        return unknown(open_reason(depends))
    return compliant(holds)


def _fingerprint(answers: Iterable[Answer]) -> str:
    """Directions and ports: whoever decides, under whatever name, it is the same drift."""
    return "; ".join(
        f"{answer.question.direction}/{answer.family}:{spell_ports(answer.wrong_ports)}"
        for answer in answers
        if answer.wrong_ports
    )


def _evidence(about: About, inquiry: Inquiry, answers: Sequence[Answer]) -> Mapping[str, Json]:
    found = dict.fromkeys(caveat for answer in answers for caveat in answer.verdict.caveats)
    return {
        "nsgId": group_id(inquiry.subnet),
        "directions": [answer_shown(answer) for answer in answers],
        "sharedWith": sharing(inquiry.subnet),
        "noFixReason": why_no_fix(about, inquiry, answers),
        "caveats": [*found, *CAVEATS],
    }


def answer_shown(answer: Answer) -> Mapping[str, Json]:
    """An answer for evidence: the verdict, the rules that decide as they should not, and a packet."""
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
