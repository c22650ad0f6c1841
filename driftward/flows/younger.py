"""Rules that are younger than the log: what the log shows and what the NSG says now do not agree.

An NSG tells no times of its rules. That one is younger shows in what it does: it decides flows now that the
log shows as decided by another, or denies what the service needs and the log never shows as denied. The
rule may then have been made or changed since; so may a tag's prefixes, hence *may*. And a log can be about
another NSG altogether: what this one lets pass says nothing of its flows.

Pure.
"""

from __future__ import annotations

from typing import Final

from driftward.flows.advice import Denied, Present
from driftward.flows.counting import Group
from driftward.flows.deniers import bare
from driftward.flows.tallies import Tally
from shared.model import SecurityGroup
from shared.model.resource_id import ResourceId, parse_resource_id
from shared.nsg import State
from shared.nsg.documents.places import UNKNOWN_GROUP
from shared.nsg.rules.reading import FIRST_DEFAULT_PRIORITY

_NSG: Final = "microsoft.network/networksecuritygroups"
LONGEST_LOGGED: Final = 65
"""Longer names of rules may be cut in a log (NSG flow logs overview, best practices)."""


def younger(found: Group, present: Present) -> tuple[str, ...]:
    """The NSG's own rules that decide now, and that the log does not name for these flows."""
    deciding = present.allowing if present.state is State.ALLOWED else present.blocking
    logged = [bare(name).lower() for name in found.rules.counts]
    own = (rule.name for rule in deciding if rule.priority < FIRST_DEFAULT_PRIORITY)
    return tuple(name for name in own if not any(is_logged(name, one) for one in logged))


def is_logged(name: str, logged: str) -> bool:
    """Whether the log may mean the rule ``name`` by ``logged``, a name without prefix."""
    short, whole = logged.lower(), name.lower()
    return short == whole or (len(short) >= LONGEST_LOGGED and whole.startswith(short))


def about_denied(denied: Denied, group: SecurityGroup, last: str | None) -> list[str]:
    """What to say where the NSG denies what the log never shows as denied."""
    return [
        f"{group.id.name} denies {label.name} now, by {' and '.join(repr(rule.name) for rule in rules)}, and "
        f"the log, whose last flow is of {last}, shows none of that as denied: the rule may be younger than "
        "the log"
        for label, rules in denied.items()
    ]


def other_groups(resources: Tally[str], group: SecurityGroup | None) -> list[ResourceId]:
    """The NSGs that the log is about where the one that was given is not among them, else none."""
    logged = [found for found in map(parse_resource_id, resources.counts) if found and found.type == _NSG]
    is_known = group is not None and not group.id.key.startswith(UNKNOWN_GROUP.lower())
    is_ours = not is_known or group is None or group.id in logged or not resources.is_complete
    return [] if is_ours else logged
