"""What is planned beside other proposals: commands of several alerts that can be pasted in any order.

Rules that others propose and that are not there yet keep their priorities and names: planning is told of
them beside the rules of the NSG, and nothing is judged otherwise. Of firewall rules, which have no priority,
a name is left to the one who chose it first: a second write under it would replace the first one's range.
Pure; who has proposed what is the caller's to know.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from shared.model import (
    Edit,
    FirewallRule,
    PutFirewallRule,
    PutSecurityRule,
    Snapshot,
)
from shared.model.resource_id import free_name
from shared.model.snapshots import ServerSnapshot, SubnetSnapshot


def beside(snapshot: Snapshot, proposed: Iterable[Edit]) -> Snapshot:
    """The reading as planning is to see it: priorities and names of ``proposed`` rules are taken."""
    if isinstance(snapshot, ServerSnapshot) or snapshot.security_group is None:
        return snapshot
    group = snapshot.security_group
    rules = tuple(e.rule for e in proposed if isinstance(e, PutSecurityRule) and e.nsg == group.id)
    return replace(snapshot, security_group=replace(group, proposed=rules))


def apart(edits: Iterable[Edit], proposed: Iterable[Edit], snapshot: Snapshot) -> tuple[Edit, ...]:
    """``edits`` with another name for each firewall rule whose name ``proposed`` has for another range."""
    if isinstance(snapshot, SubnetSnapshot):
        return tuple(edits)
    others = [edit.rule for edit in proposed if isinstance(edit, PutFirewallRule)]
    taken = {rule.name.lower() for rule in (*others, *(snapshot.firewall_rules or ()))}
    return tuple(
        replace(edit, rule=replace(edit.rule, name=free_name(edit.rule.name, taken)))
        if isinstance(edit, PutFirewallRule) and _meets(edit.rule, others)
        else edit
        for edit in edits
    )


def _meets(rule: FirewallRule, others: Iterable[FirewallRule]) -> bool:
    """Whether another range is proposed under the rule's name."""
    return any(
        other.name.lower() == rule.name.lower() and (other.start, other.end) != (rule.start, rule.end)
        for other in others
    )
