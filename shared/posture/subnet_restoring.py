"""Changes that put back what a compliant reading held: allow rules of an NSG that are gone or changed.

A rule that somebody deleted is the smallest answer to what its absence blocks, and the one that its owner
knows. Which rules those are is found by asking the exact engine who let the packets pass then; what they
do now is proved like any other change. Pure; no policy's question lives here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from shared.model import (
    Change,
    DeleteSecurityRule,
    Edit,
    PutSecurityRule,
    SecurityGroup,
    SecurityRule,
    SubnetSnapshot,
    TrafficBox,
)
from shared.nsg import NsgError, Question, Tags, decide, parse, parse_addresses, shares_a_priority
from shared.posture.subnet_answers import ask, wrong_ones
from shared.posture.subnet_questions import About, Inquiry

MOST_RESTORED: Final = 4
"""Where more rules than these are gone, the planned rule is the smaller change."""


def restorations(
    about: About, inquiry: Inquiry, baseline: SubnetSnapshot, box: Iterable[TrafficBox]
) -> tuple[Change, ...]:
    """Changes that put back allow rules of the baseline: each alone, then all of them together.

    A rule that let more pass than the question asks for does not prove, and the plan stands in for it.
    """
    group, former = inquiry.subnet.security_group, baseline.security_group
    if group is None or former is None or shares_a_priority(group):
        return ()
    blocked = [answer.question for answer in wrong_ones(ask(inquiry))]
    gone = _gone(group, former, blocked, inquiry.tags)
    if former.id != group.id or len(gone) > MOST_RESTORED:
        return ()
    sets = [(rule,) for rule in gone] + ([gone] if len(gone) > 1 else [])
    permitted = tuple(box)
    return tuple(_restoring(about, inquiry.subnet, group, (rules, permitted)) for rules in sets)


def _gone(
    group: SecurityGroup, former: SecurityGroup, blocked: list[Question], tags: Tags
) -> tuple[SecurityRule, ...]:
    """Allow rules of ``former`` that decided packets of ``blocked``, are not there now, and could be.

    Rules that name a tag or a security group are not among them, nor those that would replace one: a
    packet that is open before and after counts as unchanged, also where other sets decide it then.
    """
    present = {_effect(rule) for rule in group.rules}
    odd = {rule.name.lower() for rule in group.odd_rules}
    deciding = _names_that_let_pass(former, blocked, tags)
    missing = [
        rule
        for rule in former.rules
        if rule.name.lower() in deciding
        and _effect(rule) not in present
        and _has_room(group, rule)
        and rule.name.lower() not in odd
        and not any(_names_sets(one) for one in (rule, _namesake(group, rule)) if one is not None)
    ]
    return tuple(sorted(missing, key=lambda rule: (rule.direction, rule.priority)))


def _names_sets(rule: SecurityRule) -> bool:
    """Whether it names what is not listed: a tag, an application security group."""
    texts = (text.strip() for text in (*rule.sources, *rule.destinations))
    listed = all(text == "*" or parse_addresses(text) for text in texts)
    return not listed or bool(rule.source_groups or rule.destination_groups)


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
    others = [other for other in group.taken if other.name.lower() != rule.name.lower()]
    namesake = _namesake(group, rule)
    return (namesake is None or namesake.direction is rule.direction) and not any(
        (other.direction, other.priority) == (rule.direction, rule.priority) for other in others
    )


def _namesake(group: SecurityGroup, rule: SecurityRule) -> SecurityRule | None:
    """The rule that a PUT of ``rule`` would replace."""
    return next((other for other in group.rules if other.name.lower() == rule.name.lower()), None)


def _restoring(
    about: About,
    subnet: SubnetSnapshot,
    group: SecurityGroup,
    put_back: tuple[tuple[SecurityRule, ...], tuple[TrafficBox, ...]],
) -> Change:
    """The change for some rules, with the packets that it may touch."""
    rules, box = put_back
    edits = [PutSecurityRule(nsg=group.id, rule=replace(rule, etag=None)) for rule in rules]
    return Change(
        policy=about.policy,
        target=subnet.target,
        edits=tuple(edits),
        inverse=tuple(_undoing(group, edit) for edit in reversed(edits)),
        box=box,
    )


def _undoing(group: SecurityGroup, edit: PutSecurityRule) -> Edit:
    namesake = _namesake(group, edit.rule)
    if namesake is None:
        return DeleteSecurityRule(nsg=group.id, rule=edit.rule)
    return PutSecurityRule(nsg=group.id, rule=namesake)
