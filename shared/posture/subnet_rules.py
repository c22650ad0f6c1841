"""Rules that make a subnet's NSG answer as wanted: proved by the exact engine, made a change or a proposal.

Rules are only ever added: none is edited, moved or removed. Pure; no policy's question lives here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
from shared.nsg import (
    LAST_PRIORITY,
    LONGEST_DESCRIPTION,
    Fix,
    Goal,
    NoFix,
    fix,
    shares_a_priority,
    tolerated,
    with_rules,
)
from shared.posture.subnet_answers import Answer, ask, open_reason, still_open, wrong_ones
from shared.posture.subnet_questions import About, Inquiry

RULE_EDITS: Final[frozenset[type[Edit]]] = frozenset({PutSecurityRule, DeleteSecurityRule})
"""What a change of an NSG's rules, and what undoes it, is made of."""


LAST_AHEAD: Final = LAST_PRIORITY - 96
"""Behind it are the final denies, and room for rules that somebody wants behind all of ours."""
_SIGNATURE: Final = "Added by Driftward: "


def additions(about: About, inquiry: Inquiry, answers: Iterable[Answer]) -> Fix | NoFix:
    """The rules that make all of ``answers`` as wanted together, or why there are none."""
    group = tolerated(inquiry.subnet.security_group)
    added: list[SecurityRule] = []
    for answer in answers:
        name = f"{about.rule_name}-{name_here(inquiry.subnet)}"
        goal = Goal(question=answer.question, want=inquiry.want, name=name, last=LAST_AHEAD)
        proposed = fix(group, goal, inquiry.tags, None if added else answer.verdict)
        if isinstance(proposed, NoFix) or group is None:
            return proposed
        added.extend(proposed.rules)
        group = with_rules(group, proposed.rules)
    return Fix(rules=tuple(added))


def name_here(subnet: SubnetSnapshot) -> str:
    """What names of rules call the subnet: with its network, where another one of that name has the NSG."""
    others = subnet.security_group.subnets if subnet.security_group else ()
    alike = [one for one in others if one != subnet.id and one.name.lower() == subnet.id.name.lower()]
    network = subnet.id.parent
    return f"{network.name}-{subnet.id.name}" if alike and network is not None else subnet.id.name


def inquiry_change(about: About, inquiry: Inquiry, box: Iterable[TrafficBox]) -> Change | None:
    """The rules for all that is wrong as one change; None without room, or where the rest stays open."""
    answers = ask(inquiry)
    proposed = additions(about, inquiry, wrong_ones(answers))
    if isinstance(proposed, NoFix) or still_open(answers):
        return None
    return adding(about, inquiry.subnet, proposed.rules, box)


def adding(
    about: About, subnet: SubnetSnapshot, rules: Sequence[SecurityRule], box: Iterable[TrafficBox]
) -> Change | None:
    """The change that adds ``rules``; None where there are none, or no sound NSG to add them to."""
    group = subnet.security_group
    if group is None or not rules or shares_a_priority(group):
        return None
    rules = tuple(map(_signed, rules))
    return Change(
        policy=about.policy,
        target=subnet.target,
        edits=puts(group, rules),
        inverse=tuple(DeleteSecurityRule(nsg=group.id, rule=rule) for rule in reversed(rules)),
        box=tuple(box),
    )


def inquiry_suggestion(about: About, inquiry: Inquiry) -> tuple[Edit, ...]:
    """The rules for what is surely wrong, also where the rest depends on a tag and nothing is planned.

    Where something is planned, it is the same.
    """
    group = inquiry.subnet.security_group
    if group is None:
        return ()
    proposed = additions(about, inquiry, wrong_ones(ask(inquiry)))
    return () if isinstance(proposed, NoFix) else puts(group, map(_signed, proposed.rules))


def with_added(subnet: SubnetSnapshot, rules: Iterable[SecurityRule]) -> SubnetSnapshot:
    """The subnet as it would be with ``rules`` in its NSG."""
    group = subnet.security_group
    return subnet if group is None else replace(subnet, security_group=with_rules(group, rules))


def _signed(rule: SecurityRule) -> SecurityRule:
    """The rule as Driftward writes it."""
    said = f"{rule.description[:1].lower()}{rule.description[1:]}"
    return replace(rule, description=f"{_SIGNATURE}{said}"[:LONGEST_DESCRIPTION])


def by_hand(edit: Edit) -> Edit:
    """The edit as a person makes it: what they add was not added by Driftward."""
    if not isinstance(edit, PutSecurityRule) or not edit.rule.description.startswith(_SIGNATURE):
        return edit
    said = edit.rule.description.removeprefix(_SIGNATURE)
    return replace(edit, rule=replace(edit.rule, description=f"{said[:1].upper()}{said[1:]}"))


def puts(group: SecurityGroup, rules: Iterable[SecurityRule]) -> tuple[Edit, ...]:
    return tuple(PutSecurityRule(nsg=group.id, rule=rule) for rule in rules)


def why_no_fix(about: About, inquiry: Inquiry, answers: Sequence[Answer]) -> str | None:
    """Why nothing is planned for what is wrong; None when there is a plan, or nothing to plan."""
    if not any(answer.wrong_ports for answer in answers):
        return None
    proposed = additions(about, inquiry, wrong_ones(answers))
    if isinstance(proposed, NoFix):
        return proposed.reason
    left = still_open(answers)
    return f"no rule here could be proved enough: {open_reason(left)}" if left else None
