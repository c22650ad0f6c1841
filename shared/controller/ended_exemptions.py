"""An exemption that came with a rollback, or that a person gave, is told when it ends: from then on what it
covered is drift again.

The sweep looks after it. The alert is one for each exemption, on a target that it covered, under the same
pattern as an entry of ``policies.yaml`` that has ended. An exemption that nobody was told of yet stays where
it is; once its alert is written it goes. The alert is resolved when nothing of what was covered is left, or
when it is exempt again. One that was revoked has no end to tell: whoever revoked it knows.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Final

from shared.alerts.lifecycle import Sighting, alert_id, open_alert, resolve
from shared.controller.deps import Deps
from shared.controller.exempted_scopes import ExemptedScopes
from shared.controller.exemptions import Given, Source, known_within, of_record
from shared.controller.expired_exemptions import EXPIRED, OF_OTHERS, OF_ROLLBACK, OF_SCOPE
from shared.controller.notifying import write_and_tell
from shared.model import Action, Cause, ComplianceState, Decision, Finding, Reason, Severity, Target
from shared.model.alert_records import AlertRecord, AlertStatus, NotificationType
from shared.model.errors import EntityChanged
from shared.model.memory import TargetRecord

_OVER: Final = "nothing of what was exempt is left, or it is exempt again"


def tell_of_ended_exemptions(record: TargetRecord, cause: Cause, deps: Deps) -> None:
    """Open an alert for each exemption of the memory that has ended, and take it out of the memory."""
    now = deps.clock.now()
    if record.exemptions:
        deps.store.exempt.enter(record)
    ended = [given for given in record.exemptions if given.expires_at <= now]
    for given in ended:
        tell_of_end(of_record(given, record), record.target, cause, deps)
    if ended:
        standing = tuple(given for given in record.exemptions if given not in ended)
        with suppress(EntityChanged):  # the next sweep finds the alert written
            deps.store.save(replace(record, exemptions=standing))


def resolve_what_is_over(cause: Cause, deps: Deps) -> None:
    """Resolve the alerts of exemptions whose end concerns nobody any more."""
    now = deps.clock.now()
    for alert in deps.store.alerts(policy=EXPIRED.id, limit=None):
        is_ours = alert.fingerprint.startswith(OF_OTHERS) and alert.status is not AlertStatus.RESOLVED
        if is_ours and _is_over(alert, deps):
            write_and_tell(resolve(alert, _OVER, now), NotificationType.ALERT_RESOLVED, cause, deps)


def _is_over(alert: AlertRecord, deps: Deps) -> bool:
    """On the target of a rollback, or wherever a person had exempted."""
    policy, exempted = str(alert.evidence.get("policy")), ExemptedScopes(deps)
    if alert.fingerprint.startswith(OF_ROLLBACK):
        records = [deps.store.recall(alert.target, deps.clock.now())]
    else:
        records = known_within(alert.resource_id, deps)
    return all(_is_over_on(record, policy, exempted, deps) for record in records)


def _is_over_on(record: TargetRecord, policy: str, exempted: ExemptedScopes, deps: Deps) -> bool:
    """By what the last look found; a memory that still says Exempt may be older than the end."""
    now, target = deps.clock.now(), record.target.id
    memory = record.memories.get(policy)
    if memory is None or memory.state is ComplianceState.COMPLIANT or not memory.fingerprint:
        return True
    again = any(given.policy == policy and given.expires_at > now for given in record.exemptions)
    elsewhere = deps.configuration.exemption(policy, target, now) or exempted.exemption(policy, target, now)
    return memory.state is ComplianceState.EXEMPT and (again or elsewhere is not None)


def tell_of_end(given: Given, target: Target, cause: Cause, deps: Deps) -> None:
    """Open the alert that it has ended, once; it stands on a target that was covered."""
    fingerprint = f"{OF_ROLLBACK if given.source is Source.ROLLBACK else OF_SCOPE}{given.id}"
    if deps.store.alert(alert_id(EXPIRED.id, target, fingerprint)) is not None:
        return
    finding = Finding(
        policy=EXPIRED.id,
        target=target,
        state=ComplianceState.ERROR,
        severity=Severity.MEDIUM,
        reason=f"the exemption from {given.policy} ended at {given.expires_at.isoformat()}",
        resource_id=given.scope,
        evidence={
            "policy": given.policy,
            "scope": str(given.scope),
            "reason": given.reason,
            "approver": given.approver,
            "expired": given.expires_at.isoformat(),
            "rollback": given.rollback,
            "rolledBack": list(given.covers),
        },
        fingerprint=fingerprint,
    )
    decision = Decision(policy=EXPIRED.id, action=Action.ALERT, reason=Reason.EXEMPTION_EXPIRED)
    sighting = Sighting(finding=finding, decision=decision, cause=cause, now=deps.clock.now())
    alert = open_alert(EXPIRED, sighting, deps.portal_link(given.scope))
    write_and_tell(alert, NotificationType.ALERT_OPENED, cause, deps)
