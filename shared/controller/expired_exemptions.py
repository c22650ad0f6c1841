"""An exemption of ``policies.yaml`` that has ended is told once: nobody reads the file on that day.

The sweep looks after it. The alert's id for policies is ``exemption-expired``; it is one alert for an entry
(scope and policy), however many targets the scope holds: it stands on one target that the entry covered and
names the scope as its resource. It is resolved when the entry is removed or renewed, or covers nothing any
more. An entry that covers no known target is told when it covers one.

The drift itself is no business of this module: from that moment on every look judges it as any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from shared.alerts.lifecycle import Pattern, Sighting, alert_id, open_alert, recur, resolve
from shared.config.policies_file import ExemptionSection
from shared.controller.deps import Deps
from shared.controller.notifying import write_and_tell
from shared.model import Action, Cause, ComplianceState, Decision, Finding, Reason, Severity, Target
from shared.model.alert_records import AlertRecord, AlertStatus, NotificationType
from shared.model.values import value

EXPIRED: Final = Pattern(
    id="exemption-expired",
    title="An exemption has ended",
    why="What it covered is judged again: drift that was left alone until now is reverted or alerts.",
)

OF_ROLLBACK: Final = "rollback "
OF_SCOPE: Final = "given "
OF_OTHERS: Final = (OF_ROLLBACK, OF_SCOPE)
"""What the fingerprint begins with where the exemption came with a rollback, or a person gave it
(``ended_exemptions``); that of an entry of the file begins with its scope."""


@value
class _Ended:
    """An entry that has ended, with the known targets that it covered, in order."""

    section: ExemptionSection
    place: str
    targets: tuple[Target, ...]

    @property
    def fingerprint(self) -> str:
        return f"{self.section.scope.key} {self.section.policy}"


def tell_of_expired_exemptions(cause: Cause, deps: Deps) -> None:
    """Open the alerts of entries that have ended, and resolve those of entries that are gone or renewed."""
    now = deps.clock.now()
    ended = {entry.fingerprint: entry for entry in _ended(now, deps) if entry.targets}
    known = {alert.fingerprint: alert for alert in _open_alerts(deps)}
    for fingerprint in sorted(ended.keys() - known.keys()):
        _open(ended[fingerprint], cause, deps)
    for fingerprint in sorted(known.keys() - ended.keys()):
        resolved = resolve(known[fingerprint], "the exemption was removed or renewed", now)
        write_and_tell(resolved, NotificationType.ALERT_RESOLVED, cause, deps)


def _ended(now: datetime, deps: Deps) -> list[_Ended]:
    kinds = {policy.id: policy.targets for policy in deps.policies}
    remembered: dict[str, tuple[Target, ...]] = {}
    found = []
    for section, path in deps.configuration.expired_exemptions(now):
        subscription = section.scope.subscription.lower()
        if subscription not in remembered:
            remembered[subscription] = tuple(r.target for r in deps.store.known_targets(subscription))
        covered = [
            target
            for target in remembered[subscription]
            if target.id.within(section.scope) and target.kind in kinds.get(section.policy, ())
        ]
        targets = tuple(sorted(covered, key=lambda target: target.key))
        found.append(_Ended(section=section, place=deps.configuration.file.place(path), targets=targets))
    return found


def _open_alerts(deps: Deps) -> list[AlertRecord]:
    alerts = deps.store.alerts(policy=EXPIRED.id, limit=None)
    standing = (alert for alert in alerts if alert.status is not AlertStatus.RESOLVED)
    return [alert for alert in standing if not alert.fingerprint.startswith(OF_OTHERS)]


def _open(entry: _Ended, cause: Cause, deps: Deps) -> None:
    """One that was resolved on the same target opens again."""
    sighting = _sighting(entry, cause, deps)
    known = deps.store.alert(alert_id(EXPIRED.id, entry.targets[0], entry.fingerprint))
    alert = (
        recur(known, sighting)
        if known is not None
        else open_alert(EXPIRED, sighting, deps.portal_link(entry.section.scope))
    )
    write_and_tell(alert, NotificationType.ALERT_OPENED, cause, deps)


def _sighting(entry: _Ended, cause: Cause, deps: Deps) -> Sighting:
    section = entry.section
    finding = Finding(
        policy=EXPIRED.id,
        target=entry.targets[0],
        state=ComplianceState.ERROR,
        severity=Severity.MEDIUM,
        reason=f"the exemption from {section.policy} ended at {section.expires.isoformat()}",
        resource_id=section.scope,
        evidence=_evidence(entry),
        fingerprint=entry.fingerprint,
    )
    decision = Decision(policy=EXPIRED.id, action=Action.ALERT, reason=Reason.EXEMPTION_EXPIRED)
    return Sighting(finding=finding, decision=decision, cause=cause, now=deps.clock.now())


def _evidence(entry: _Ended) -> Mapping[str, object]:
    section = entry.section
    return {
        "policy": section.policy,
        "scope": str(section.scope),
        "reason": section.reason,
        "approver": section.approver,
        "expired": section.expires.isoformat(),
        "place": entry.place,
        "targets": len(entry.targets),
    }
