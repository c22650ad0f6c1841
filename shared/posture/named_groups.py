"""Which rules of an NSG name application security groups, and which may.

A rule that cannot be read whole names those that all its readings have; where its addresses are what cannot
be read, groups may stand there. Pure.

What must not live here: what is wrong with naming one.
"""

from __future__ import annotations

from typing import Final

from shared.model import SecurityGroup, SecurityRule
from shared.model.resource_id import ResourceId
from shared.nsg import tolerated

_ELSEWHERE: Final = frozenset(
    {"name", "direction", "access", "priority", "protocol"}
    | {f"{end}PortRange{several}" for end in ("source", "destination") for several in ("", "s")}
)
"""Fields of a rule that say nothing of groups."""


def naming(group: SecurityGroup | None) -> list[SecurityRule]:
    """The rules that surely name groups, by direction and priority."""
    sound = tolerated(group)
    if sound is None:
        return []
    odd = [one.may_be[0] for one in sound.odd_rules if one.may_be and all(map(groups_of, one.may_be))]
    return sorted(filter(groups_of, (*sound.rules, *odd)), key=lambda rule: (rule.direction, rule.priority))


def may_name(group: SecurityGroup | None) -> list[str]:
    """Why it is not known of other rules, in words."""
    sound = tolerated(group)
    odd = sound.odd_rules if sound is not None else ()
    return [one.why for one in odd if one.field not in _ELSEWHERE]


def groups_of(rule: SecurityRule) -> tuple[ResourceId, ...]:
    return (*rule.source_groups, *rule.destination_groups)
