"""What a rollback exempts: the edits that it undid, as long as what it put back is as it was put back.

A reading is judged as if these edits were made still. What is compliant then is covered; anything else is
judged as ever, and what is planned against it must leave alone what was put back: the rules themselves, and
whoever they let in. An edit whose undoing does not stand any more (the rule is wider, another, gone) covers
nothing; a firewall rule that has become narrower is still what was put back. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final, TypeVar

from shared.guardrails.approvals import more_of, moved, told
from shared.guardrails.prove import prove_harmless
from shared.model import (
    Change,
    DeleteFirewallRule,
    DeleteSecurityRule,
    Edit,
    FirewallRule,
    Proof,
    ProofStep,
    PutFirewallRule,
    PutSecurityRule,
    SecurityRule,
    ServerSnapshot,
    SetParameter,
    SetPublicAccess,
    SetServerTls,
    Snapshot,
    SubnetSnapshot,
)
from shared.model.changes import edited_resource
from shared.model.edits import EditDoesNotFit, apply_edit, apply_to, normalised
from shared.nsg import NsgError
from shared.posture.policy import AnyPolicy

_Rule = TypeVar("_Rule", FirewallRule, SecurityRule)
_CLAIM: Final = "what was rolled back is left alone"


def standing_edits(snapshot: Snapshot, changes: Iterable[Change]) -> tuple[Edit, ...]:
    """The edits of changes that were rolled back, as far as what the rollback put back stands."""
    return tuple(edit for change in changes for edit in change.edits if _is_undone(snapshot, change, edit))


def as_if_made(snapshot: Snapshot, edits: Iterable[Edit]) -> Snapshot:
    """The reading as if ``edits`` were made; one that fits no more is left out."""
    for edit in edits:
        try:
            snapshot = apply_edit(snapshot, edit)
        except EditDoesNotFit:
            continue
    return snapshot


def leaving_alone(
    proof: Proof,
    change: Change,
    snapshot: Snapshot,
    alone: tuple[Edit, ...],
    policies: tuple[AnyPolicy, tuple[AnyPolicy, ...]],
) -> Proof:
    """The proof of ``change``, planned as if ``alone`` were made, with what has to hold on the reading.

    ``policies`` are the one that planned it and all that are on.
    """
    policy, enabled = policies
    if not proof.holds:
        return proof
    steps = prove_harmless(change, snapshot, policy, enabled).steps
    if not all(step.holds for step in steps):
        return Proof(steps=(*proof.steps, *steps))
    return Proof(steps=(*proof.steps, _left_alone(change, snapshot, alone)))


def _left_alone(change: Change, snapshot: Snapshot, alone: tuple[Edit, ...]) -> ProofStep:
    why = "; ".join(_touched(change, snapshot, alone))
    return ProofStep(claim=_CLAIM, holds=not why, detail=why)


def _touched(change: Change, snapshot: Snapshot, alone: tuple[Edit, ...]) -> Iterator[str]:
    both = {edited_resource(edit) for edit in change.edits} & {edited_resource(edit) for edit in alone}
    if both:
        yield f"writes {', '.join(sorted(one.name for one in both))}, which was rolled back"
        return
    made = as_if_made(snapshot, alone)
    after, after_made = apply_to(snapshot, change), apply_to(made, change)
    if normalised(as_if_made(after, alone)) != normalised(after_made):
        yield "the change and what was rolled back do not stand side by side"
    try:
        loses, expected = moved(snapshot, after)[0], moved(made, after_made)[0]
    except NsgError as error:
        yield str(error)
        return
    if more := told(more_of(loses, expected)):
        yield f"cuts off whom the rollback lets in: {', '.join(more)}"


# --- what stands -----------------------------------------------------------------------------------


def _is_undone(snapshot: Snapshot, change: Change, edit: Edit) -> bool:
    """Whether the resource of the edit is as the rollback left it."""
    undoing = [one for one in change.inverse if edited_resource(one) == edited_resource(edit)]
    return bool(undoing) and all(_stands(snapshot, one) for one in undoing) and _has_room(snapshot, edit)


def _stands(snapshot: Snapshot, undoing: Edit) -> bool:
    match undoing:
        case PutSecurityRule() | DeleteSecurityRule():
            return isinstance(snapshot, SubnetSnapshot) and _rule_stands(snapshot, undoing)
        case _:
            server = isinstance(snapshot, ServerSnapshot) and snapshot.id == undoing.server
            return server and isinstance(snapshot, ServerSnapshot) and _server_stands(snapshot, undoing)


def _server_stands(
    server: ServerSnapshot,
    undoing: PutFirewallRule | DeleteFirewallRule | SetPublicAccess | SetParameter | SetServerTls,
) -> bool:
    match undoing:
        case PutFirewallRule():
            there = _named(server.firewall_rules or (), undoing.rule.name)
            return there is not None and _is_no_wider(there, undoing.rule)
        case DeleteFirewallRule():
            rules = server.firewall_rules
            return rules is not None and _named(rules, undoing.rule.name) is None
        case SetPublicAccess() | SetParameter() | SetServerTls():
            return _is_as(server, undoing)


def _is_as(server: ServerSnapshot, undoing: SetPublicAccess | SetParameter | SetServerTls) -> bool:
    """Whether the edit would change nothing; whether a value waits for a restart is another question."""
    match undoing:
        case SetPublicAccess():
            return server.public_access is undoing.access
        case SetParameter():
            name, listed = undoing.name.lower(), server.parameters or ()
            return any(one.name.lower() == name and one.value == undoing.value for one in listed)
        case SetServerTls():
            return server.tls is not None and apply_edit(server, undoing) == server


def _is_no_wider(rule: FirewallRule, than: FirewallRule) -> bool:
    """Every Azure address is a meaning of its own, whatever range holds 0.0.0.0."""
    same_kind = rule.allows_all_azure is than.allows_all_azure
    return same_kind and than.start <= rule.start and rule.end <= than.end


def _rule_stands(subnet: SubnetSnapshot, undoing: PutSecurityRule | DeleteSecurityRule) -> bool:
    group = subnet.security_group
    if group is None or group.id != undoing.nsg:
        return False
    if any(odd.name.lower() == undoing.rule.name.lower() for odd in group.odd_rules):
        return False
    there = _named(group.rules, undoing.rule.name)
    if isinstance(undoing, DeleteSecurityRule):
        return there is None
    return there is not None and replace(there, etag=None) == replace(undoing.rule, etag=None)


def _has_room(snapshot: Snapshot, edit: Edit) -> bool:
    """Whether the place of a rule that would be written has not been taken by another."""
    group = snapshot.security_group if isinstance(snapshot, SubnetSnapshot) else None
    if not isinstance(edit, PutSecurityRule) or group is None:
        return True
    taken = ((rule.direction, rule.priority) for rule in group.standing if rule.name != edit.rule.name)
    return (edit.rule.direction, edit.rule.priority) not in taken


def _named(rules: Iterable[_Rule], name: str) -> _Rule | None:
    return next((rule for rule in rules if rule.name.lower() == name.lower()), None)
