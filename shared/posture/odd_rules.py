"""Firewall rules that do not say whom they admit, and what a verdict on the others is worth beside them.

An odd rule stands for a set of addresses of which bounds are known: nobody at the least; at the most what its
ends leave possible. What is wrong about the readable rules is so *surely*, whatever the odd ones mean; where
only an odd one may be wrong (*perhaps*) the policy is Unknown, names the rule and the field, and lists it in
``undecided``. Pure.

What must not live here: which range is wrong, and the reading of rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from ipaddress import IPv4Address
from itertools import product
from typing import Final

from shared.model import ComplianceState, FirewallRule, Json, ServerSnapshot
from shared.model.rules import OddRule
from shared.posture.findings import Judged

_FIRST, _LAST = IPv4Address(0), IPv4Address(2**32 - 1)
_MOST_CHOICES: Final = 6
"""Of more odd rules than these everything that they may mean is taken together: 2 ** 6 worlds are enough."""
_CORRECT: Final = "correct the ends of the firewall rule that cannot be read, or delete it if nobody needs it"


def widest(rule: OddRule) -> tuple[FirewallRule, ...]:
    """The widest ranges that the rule may mean; every other one lies in one of these."""
    known = rule.start if rule.end is None else rule.end
    if rule.start is not None and rule.end is not None:
        spans = [(rule.end, rule.start)]
    elif known is not None:
        spans = [(_FIRST, known), (known, _LAST)]
    else:
        spans = [(_FIRST, _LAST)]
    return tuple(FirewallRule(name=rule.name, start=first, end=last) for first, last in spans)


def may_be_all_azure(rule: OddRule) -> bool:
    """Whether it may be 0.0.0.0-0.0.0.0."""
    return all(end is None or int(end) == 0 for end in (rule.start, rule.end))


def may_admit(server: ServerSnapshot, address: IPv4Address) -> bool:
    """Whether one of the odd rules may be for this address."""
    ranges = (one for rule in server.odd_rules for one in widest(rule))
    return any(one.start <= address <= one.end for one in ranges)


def perhaps(server: ServerSnapshot, wrong: Callable[[FirewallRule], bool]) -> tuple[OddRule, ...]:
    """The odd rules that are wrong in one of the widest ranges that they may mean."""
    return tuple(rule for rule in server.odd_rules if any(map(wrong, widest(rule))))


def worlds(server: ServerSnapshot) -> Iterable[tuple[FirewallRule, ...]]:
    """What the odd rules may mean together, at the widest."""
    choices = [widest(rule) for rule in server.odd_rules]
    if len(choices) > _MOST_CHOICES:
        return [tuple(rule for choice in choices for rule in choice)]
    return product(*choices)


def beside_odd(judged: Judged, server: ServerSnapshot, could: Iterable[OddRule], asked: str) -> Judged:
    """What is said of the readable rules, with the odd ones: those that ``could`` be wrong, and the rest.

    ``asked`` is what could be so: ``a firewall rule admits the whole Internet``.
    """
    undecided = tuple(rule.described for rule in could)
    if judged.state is ComplianceState.COMPLIANT and undecided:
        reason = f"whether {asked} is unknown: firewall rule {'; '.join(undecided)}"
        unknown = replace(judged, state=ComplianceState.UNKNOWN, reason=reason, what_to_do=_CORRECT)
        return replace(unknown, undecided=undecided)
    return replace(judged, reason=f"{judged.reason}{_odd_note(server)}", undecided=undecided)


def _odd_note(server: ServerSnapshot) -> str:
    named = "; ".join(rule.described for rule in server.odd_rules)
    return f"; whom it admits cannot be read of firewall rule {named}" if named else ""


def odd_evidence(server: ServerSnapshot) -> Mapping[str, Json]:
    """For evidence: the odd rules by name and field; nothing where there are none."""
    if not server.odd_rules:
        return {}
    return {"oddRules": [odd_shown(rule) for rule in server.odd_rules]}


def odd_shown(rule: OddRule) -> Mapping[str, Json]:
    return {"name": rule.name, "field": rule.field, "why": rule.why}
