"""An exemption that a person gives for a scope: written with the link that tells of it, and heeded at once.

From then on nothing is done about what the policy finds there, so people hear of it where the policy is High
or Critical: one alert stands for as long as the exemption does. What is drifting in the scope is looked at
now, when it begins as when it ends. Whoever dies between leaves a rest that the sweep does
(``ended_scopes``), and whoever asks again for the same gets the one that there is.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final

from shared.alerts import patterns
from shared.alerts.lifecycle import Pattern, Sighting, alert_id, open_alert
from shared.controller.deps import Deps
from shared.controller.exemptions import digest_of, known_within
from shared.controller.notifying import open_once, resolve_if_open
from shared.model import (
    Action,
    Cause,
    CauseKind,
    ComplianceState,
    Decision,
    Finding,
    Reason,
    Severity,
    Target,
    TargetKind,
)
from shared.model.alert_records import AlertRecord
from shared.model.errors import EntityChanged
from shared.model.happened import scope_exemption_begun, scope_exemption_ended
from shared.model.memory import Exemption, TargetRecord
from shared.model.messages import Message, MessageKind
from shared.model.resource_id import ResourceId
from shared.model.scope_exemptions import ScopeExemption
from shared.model.targets import Actor
from shared.policies import find
from shared.posture.policy import AnyPolicy

GIVEN: Final = Pattern(
    id=patterns.EXEMPTED,
    title="Somebody exempted a scope from a policy",
    why="Until it ends nothing is done about what the policy finds there, and nobody is told of it.",
    no_command="`driftward exemptions revoke` with the id of the exemption ends it",
)
_RACES: Final = 3
_DRIFTING: Final = frozenset({ComplianceState.NON_COMPLIANT, ComplianceState.EXEMPT, ComplianceState.UNKNOWN})


def exemption_given(exemption: Exemption, scope: ResourceId, actor: Actor, now: datetime) -> ScopeExemption:
    """The exemption as it is kept; what says the same has the same id."""
    said = (exemption.policy, scope.key, exemption.reason, exemption.approver)
    named = digest_of(*said, exemption.expires_at.isoformat())
    return ScopeExemption(id=f"given-{named}", scope=scope, exemption=exemption, given_at=now, actor=actor)


def give(wanted: ScopeExemption, deps: Deps) -> ScopeExemption:
    """Give an exemption. Raises ``EntityChanged`` when others are faster again and again."""
    given = _kept(wanted, deps)
    cause = _cause(given.actor, deps)
    tell_of_given(given, cause, deps)
    look_there(given, cause, deps)
    return given


def end_exemption(given: ScopeExemption, actor: Actor, deps: Deps) -> None:
    """End one before its time. Raises ``EntityChanged`` when somebody else was faster."""
    now = deps.clock.now()
    if given.ended_at is None:
        ended = replace(given, ended_at=now)
        deps.store.exemptions.put(ended, scope_exemption_ended(given, now, "revoked", actor))
        deps.log({"exemption": given.id, "scope": str(given.scope), "revokedBy": actor.name})
    no_more(given, f"the exemption was revoked by {actor.name or actor.object_id or 'an operator'}", deps)
    look_there(given, _cause(actor, deps), deps)


def tell_of_given(given: ScopeExemption, cause: Cause, deps: Deps) -> None:
    """People hear once of an exemption from what is grave; it stands as an alert."""
    policy = find(given.exemption.policy)
    if policy is not None and policy.severity.rank >= Severity.HIGH.rank:
        open_once(_alert_of(given), partial(_news, given, policy, cause, deps), cause, deps)


def no_more(given: ScopeExemption, why: str, deps: Deps) -> None:
    """The alert that the exemption stands is over."""
    resolve_if_open(_alert_of(given), why, deps)


def look_there(given: ScopeExemption, cause: Cause, deps: Deps) -> None:
    """Have looked at what is drifting, or exempt, where the exemption begins or ends."""
    policy, now = given.exemption.policy, deps.clock.now()
    for record in covered(given, deps):
        memory = record.memories.get(policy)
        if memory is not None and memory.state in _DRIFTING:
            deps.store.arm(Message(kind=MessageKind.LOOK, target=record.target, cause=cause), now, 0)


def covered(given: ScopeExemption, deps: Deps) -> list[TargetRecord]:
    """The targets that are known in its scope and that its policy is about, in order."""
    policy = find(given.exemption.policy)
    kinds = policy.targets if policy is not None else frozenset()
    held = (record for record in known_within(given.scope, deps) if record.target.kind in kinds)
    return sorted(held, key=lambda record: record.target.key)


def _kept(wanted: ScopeExemption, deps: Deps) -> ScopeExemption:
    for _ in range(_RACES - 1):
        with suppress(EntityChanged):
            return _written(wanted, deps)
    return _written(wanted, deps)


def _written(wanted: ScopeExemption, deps: Deps) -> ScopeExemption:
    known = deps.store.exemptions.find(wanted.id)
    if known is not None and known.ended_at is None:
        return known
    given = replace(wanted, etag=known.etag if known is not None else None)
    deps.store.exemptions.put(given, scope_exemption_begun(given))
    ends, by = given.exemption.expires_at.isoformat(), given.exemption.approver
    deps.log({"exemption": given.id, "scope": str(given.scope), "givenBy": by, "until": ends})
    return given


def _cause(actor: Actor, deps: Deps) -> Cause:
    return Cause(kind=CauseKind.OPERATOR, time=deps.clock.now(), actor=actor)


# --- what is told ----------------------------------------------------------------------------------


def _alert_of(given: ScopeExemption) -> str:
    """One for the exemption, whichever target shows it."""
    return alert_id(GIVEN.id, Target(kind=TargetKind.SUBNET, id=given.scope), given.id)


def _news(given: ScopeExemption, policy: AnyPolicy, cause: Cause, deps: Deps) -> AlertRecord:
    there = [record.target for record in covered(given, deps)]
    decision = Decision(policy=GIVEN.id, action=Action.ALERT, reason=Reason.EXEMPT)
    finding = _finding(given, policy, there)
    sighting = Sighting(finding=finding, decision=decision, cause=cause, now=deps.clock.now())
    return open_alert(GIVEN, sighting, deps.portal_link(given.scope))


def _finding(given: ScopeExemption, policy: AnyPolicy, there: list[Target]) -> Finding:
    """It stands on the first target that is exempt, or on the scope where none is known yet."""
    exemption, until = given.exemption, given.exemption.expires_at.isoformat()
    said = f"{exemption.approver} exempted {given.scope} from {policy.id} until {until}"
    return Finding(
        policy=GIVEN.id,
        target=there[0] if there else Target(kind=min(policy.targets), id=given.scope),
        state=ComplianceState.ERROR,
        severity=policy.severity,
        reason=f"{said}: {exemption.reason}",
        resource_id=given.scope,
        evidence={
            "exemption": given.id,
            "policy": policy.id,
            "scope": str(given.scope),
            "reason": exemption.reason,
            "approver": exemption.approver,
            "expires": until,
            "targets": len(there),
        },
        fingerprint=given.id,
    )
