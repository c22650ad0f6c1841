"""The estate as an app remembers it: what its last look at each target came to, without another look.

A target's memory has the state of each policy, and the open alerts have what was found. What was found and
has no open alert, because the policy alerts nobody or somebody resolved it by hand, is told with that. What
is remembered of a policy that was switched off since, nobody judges any more, so nothing is told of it. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from shared.alerts.lifecycle import alert_id
from shared.model import Action, ComplianceState, Decision, Finding, Reason, Target
from shared.model.alert_records import AlertRecord, AlertStatus
from shared.model.memory import PolicyMemory, TargetRecord
from shared.model.resource_id import ResourceId
from shared.model.results import TargetResult
from shared.model.values import value
from shared.policies import find
from shared.posture.policy import AnyPolicy
from shared.report.estate import Estate, Seen, Unlisted
from shared.report.history import Ending

_Alerts: TypeAlias = Mapping[tuple[str, str], Sequence[AlertRecord]]
"""Those that are not over, by policy and target."""
_WITHOUT_ALERT: Final = "found when it was last looked at; no open alert tells more"
_NOT_KNOWN: Final = "it was not known when it was last looked at"
_EXEMPT: Final = "found when it was last looked at, and exempt"
_AS_REMEMBERED: Final[Mapping[ComplianceState, str]] = {
    ComplianceState.COMPLIANT: "as it should be when it was last looked at",
    ComplianceState.NON_COMPLIANT: _WITHOUT_ALERT,
    ComplianceState.EXEMPT: _EXEMPT,
}


@value
class InForce:
    """What holds now, whatever was remembered: which policies are on, and what is exempt."""

    may_be_on: Callable[[AnyPolicy, ResourceId], bool]
    """Whether a policy is on for a target, or is with some tags."""
    exemptions: Sequence[Ending]
    now: datetime

    def why_exempt(self, policy: str, target: Target) -> Decision | None:
        """As the look that finds it decides; the one that ends last."""
        held = [
            one
            for one in self.exemptions
            if one.policy == policy and one.expires_at > self.now and target.id.within(ResourceId(one.scope))
        ]
        if not held:
            return None
        last = max(held, key=lambda one: one.expires_at)
        detail = f"{last.reason} (until {last.expires_at.isoformat()})"
        return Decision(policy=policy, action=Action.SKIP, reason=Reason.EXEMPT, detail=detail)


def remembered(
    records: Iterable[TargetRecord],
    alerts: Iterable[AlertRecord],
    scopes: Sequence[str],
    unlisted: Sequence[Unlisted],
    in_force: InForce,
) -> Estate:
    held = _by_policy(alerts)
    seen = sorted((_seen(one, held, in_force) for one in records), key=lambda one: one.result.target.key)
    return Estate(taken_at=in_force.now, scopes=tuple(scopes), seen=tuple(seen), unlisted=tuple(unlisted))


def _by_policy(alerts: Iterable[AlertRecord]) -> _Alerts:
    found: dict[tuple[str, str], list[AlertRecord]] = {}
    for one in alerts:
        if one.status is not AlertStatus.RESOLVED:
            found.setdefault((one.policy, one.target.key), []).append(one)
    return found


def _seen(record: TargetRecord, alerts: _Alerts, in_force: InForce) -> Seen:
    told = [
        one
        for policy, memory in _judged(record, in_force)
        for one in _found(record, policy, memory, alerts.get((policy.id, record.target.key), ()))
    ]
    held = [one.alert for one in told if one.alert is not None]
    exempt = (one.finding for one in told if one.finding.state is ComplianceState.EXEMPT)
    exempted = (in_force.why_exempt(one.policy, one.target) for one in exempt)
    unread = record.unread
    result = TargetResult(
        target=record.target,
        findings=tuple(one.finding for one in told),
        decisions=(*(one.decision for one in held), *(one for one in exempted if one is not None)),
        error=unread.why if unread is not None and unread.whole else "",
    )
    commands = {one.id: one.commands for one in held if one.commands}
    return Seen(result=result, commands=commands, exposed=_exposed(record, result))


def _judged(record: TargetRecord, in_force: InForce) -> Iterator[tuple[AnyPolicy, PolicyMemory]]:
    """What is remembered of the policies that are on."""
    for name, memory in record.memories.items():
        policy = find(name)
        if policy is not None and in_force.may_be_on(policy, record.target.id):
            yield policy, memory


@value
class _Told:
    """A finding with the alert that it is of, where there is one."""

    finding: Finding
    alert: AlertRecord | None = None


def _found(
    record: TargetRecord, policy: AnyPolicy, memory: PolicyMemory, alerts: Sequence[AlertRecord]
) -> Iterator[_Told]:
    """What is remembered of one policy; of what is wrong one finding for each alert that stands."""
    if memory.state is ComplianceState.NON_COMPLIANT and alerts:
        yield from (_Told(finding=_of_alert(one, memory.state), alert=one) for one in alerts)
        return
    unknown = _NOT_KNOWN if record.unread is None else record.unread.why
    found = Finding(
        policy=policy.id,
        target=record.target,
        state=memory.state,
        severity=policy.severity,
        reason=_AS_REMEMBERED.get(memory.state, unknown),
        resource_id=record.target.id,
        fingerprint=memory.fingerprint,
        applies=_applies(memory),
    )
    yield _Told(finding=found)


def _applies(memory: PolicyMemory) -> bool:
    """Whether the policy ever had something to ask of the target: a reading of which it asks nothing is
    compliant, and no baseline."""
    return memory.state is not ComplianceState.COMPLIANT or memory.last_compliant_at is not None


def _of_alert(alert: AlertRecord, state: ComplianceState) -> Finding:
    return Finding(
        policy=alert.policy,
        target=alert.target,
        state=state,
        severity=alert.severity,
        reason=alert.reason,
        resource_id=alert.resource_id,
        evidence=alert.evidence,
        fingerprint=alert.fingerprint,
    )


def _exposed(record: TargetRecord, result: TargetResult) -> dict[str, datetime | None]:
    """Since when somebody may come in, by the clocks of the memory."""
    return {
        alert_id(one.policy, one.target, one.fingerprint): exposure.openings[-1].seen_at
        for one in result.findings
        if (exposure := record.memories[one.policy].exposure).is_open
    }
