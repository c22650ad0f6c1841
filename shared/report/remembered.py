"""The estate as an app remembers it: what its last look at each target came to, without another look.

A target's memory has the state of each policy, and the open alerts have what was found. What was found and
has no open alert, because the policy alerts nobody or somebody resolved it by hand, is told with that. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from shared.alerts.lifecycle import alert_id
from shared.model import ComplianceState, Finding
from shared.model.alert_records import AlertRecord, AlertStatus
from shared.model.memory import PolicyMemory, TargetRecord
from shared.model.results import TargetResult
from shared.model.values import value
from shared.policies import find
from shared.posture.policy import AnyPolicy
from shared.report.estate import Estate, Seen, Unlisted

_Alerts: TypeAlias = Mapping[tuple[str, str], Sequence[AlertRecord]]
"""Those that are not over, by policy and target."""
_WITHOUT_ALERT: Final = "found when it was last looked at; no open alert tells more"
_NOT_KNOWN: Final = "it was not known when it was last looked at"


def remembered(
    records: Iterable[TargetRecord],
    alerts: Iterable[AlertRecord],
    scopes: Sequence[str],
    unlisted: Sequence[Unlisted],
    now: datetime,
) -> Estate:
    held = _by_policy(alerts)
    seen = sorted((_seen(one, held) for one in records), key=lambda one: one.result.target.key)
    return Estate(taken_at=now, scopes=tuple(scopes), seen=tuple(seen), unlisted=tuple(unlisted))


def _by_policy(alerts: Iterable[AlertRecord]) -> _Alerts:
    found: dict[tuple[str, str], list[AlertRecord]] = {}
    for one in alerts:
        if one.status is not AlertStatus.RESOLVED:
            found.setdefault((one.policy, one.target.key), []).append(one)
    return found


def _seen(record: TargetRecord, alerts: _Alerts) -> Seen:
    told = [
        one
        for name, memory in record.memories.items()
        if (policy := find(name)) is not None
        for one in _found(record, policy, memory, alerts.get((name, record.target.key), ()))
    ]
    held = [one.alert for one in told if one.alert is not None]
    unread = record.unread
    result = TargetResult(
        target=record.target,
        findings=tuple(one.finding for one in told),
        decisions=tuple(one.decision for one in held),
        error=unread.why if unread is not None and unread.whole else "",
    )
    commands = {one.id: one.commands for one in held if one.commands}
    return Seen(result=result, commands=commands, exposed=_exposed(record, result))


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
    reason = _NOT_KNOWN if record.unread is None else record.unread.why
    is_wrong = memory.state is ComplianceState.NON_COMPLIANT
    found = Finding(
        policy=policy.id,
        target=record.target,
        state=memory.state,
        severity=policy.severity,
        reason=_WITHOUT_ALERT if is_wrong else reason,
        resource_id=record.target.id,
        fingerprint=memory.fingerprint,
    )
    yield _Told(finding=found)


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
