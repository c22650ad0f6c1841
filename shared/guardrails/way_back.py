"""A change that would take the last way in away, begun by putting back what let people in before.

Whoever deletes the one good firewall rule and adds one for everybody has made the hole the only way in, and
*last way in* must not become its shield. So the good rules of an earlier reading are put back first, and
then what the plan deletes is deleted, as one change: after every edit somebody surely comes in publicly. What
is put back admits nobody whom another policy would keep out, and nobody whom neither the reading before
nor the earlier one let in; that is proved as a whole (``prove``). Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from shared.guardrails.prove import is_new
from shared.model import (
    Change,
    ComplianceState,
    DeleteFirewallRule,
    Edit,
    FirewallRule,
    PublicAccess,
    PutFirewallRule,
    ServerSnapshot,
    Snapshot,
)
from shared.model.edits import apply_to
from shared.posture.firewall import admits_whole_internet, public_in
from shared.posture.policy import AnyPolicy, applies_to
from shared.posture.traffic import ServerTraffic, public_sources

MOST_PUT_BACK: Final = 8
"""Rules at most, those for the most addresses: with the deletion they are within a target's hourly budget."""


def has_good_way(server: ServerSnapshot) -> bool:
    """Whether a rule that is for some people lets them in publicly: not one for the Internet or for Azure."""
    return _in_force(server) and any(
        public_in(rule).spans and not admits_whole_internet(rule) for rule in server.firewall_rules or ()
    )


def way_back(
    plan: Change, server: ServerSnapshot, former: ServerSnapshot, enabled: Sequence[AnyPolicy]
) -> Change | None:
    """``plan`` with the good rules of ``former`` put back before it; None where none may be, or where the
    plan does something else than write firewall rules."""
    if not _in_force(former) or not all(map(_writes_a_rule, plan.edits)):
        return None
    after = apply_to(server, plan)
    good: list[FirewallRule] = []
    for rule in _gone(after, server, former):
        tried = apply_to(server, _begun_with((*good, rule), plan, server))
        if len(good) < MOST_PUT_BACK and not _finds_more(enabled, tried, after):
            good.append(rule)
    return _begun_with(good, plan, server) if good else None


def _in_force(server: ServerSnapshot) -> bool:
    return not server.vnet_integrated and server.public_access is PublicAccess.ENABLED


def _writes_a_rule(edit: Edit) -> bool:
    return isinstance(edit, PutFirewallRule | DeleteFirewallRule)


def _gone(after: Snapshot, server: ServerSnapshot, former: ServerSnapshot) -> list[FirewallRule]:
    """The rules of ``former`` that let somebody in who would not come in after the plan, the largest first.

    One whose name an odd rule has is not among them: a PUT would replace that, and nothing could undo it.
    """
    left = public_sources(after) if isinstance(after, ServerSnapshot) else ServerTraffic()
    odd = {rule.name.lower() for rule in server.odd_rules}
    missing = [
        rule
        for rule in former.firewall_rules or ()
        if rule.name.lower() not in odd
        and ((rule.allows_all_azure and not left.all_azure) or not public_in(rule).within(left.sources))
    ]
    return sorted(missing, key=lambda rule: (-public_in(rule).size, rule.name.lower()))


def _finds_more(enabled: Iterable[AnyPolicy], with_rule: Snapshot, without: Snapshot) -> bool:
    """Whether a policy finds something with a rule that it does not find without."""
    asked = (policy for policy in enabled if applies_to(policy, with_rule))
    found = ((policy.evaluate(with_rule), policy.evaluate(without)) for policy in asked)
    return any(now.state is not ComplianceState.COMPLIANT and is_new(now, before) for now, before in found)


def _begun_with(good: Iterable[FirewallRule], plan: Change, server: ServerSnapshot) -> Change:
    """The change: what is put back under a name that the plan deletes stands in for that deletion."""
    puts = tuple(PutFirewallRule(server=server.id, rule=rule) for rule in good)
    names = {put.rule.name.lower() for put in puts}
    rest = tuple(edit for edit in plan.edits if _rule_of(edit).name.lower() not in names)
    edits = (*puts, *rest)
    inverse = tuple(_undoing(edit, server) for edit in reversed(edits))
    return replace(plan, edits=edits, inverse=inverse, keeps_way_in=True)


def _rule_of(edit: Edit) -> FirewallRule:
    if not isinstance(edit, PutFirewallRule | DeleteFirewallRule):
        raise TypeError(f"an edit of a firewall rule was expected, not {edit.kind}")
    return edit.rule


def _undoing(edit: Edit, server: ServerSnapshot) -> Edit:
    """What puts back what stood there under the edit's name: the rule as it was, or nothing."""
    rule = _rule_of(edit)
    there = next((one for one in server.firewall_rules or () if one.name.lower() == rule.name.lower()), None)
    if there is None:
        return DeleteFirewallRule(server=server.id, rule=rule)
    return PutFirewallRule(server=server.id, rule=there)
