"""What people are told of a judgement: alerts are opened, counted and refreshed.

Which are is in ``announcing``, when one is over in ``resolving``; what an alert is and what it says in
``shared.alerts``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from shared.alerts.approving import writers_before
from shared.alerts.edit_words import change_words
from shared.alerts.lifecycle import (
    Sighting,
    alert_id,
    named_controls,
    open_alert,
    recur,
    reworded,
)
from shared.alerts.patterns import OF_UNKNOWN
from shared.alerts.planned import planned_of
from shared.alerts.steps import commands_told, resolved, started_first, ways_started_first
from shared.config.configuration import tags_of
from shared.controller.deps import Deps
from shared.controller.exempted import as_judged
from shared.controller.for_machines import write_for_machines
from shared.controller.notifying import write_and_tell
from shared.controller.open_alerts import is_open, list_alert
from shared.controller.visit import Judgement, Visit
from shared.guardrails.approvals import wider
from shared.guardrails.exposures import lets_in, openers, slow_in
from shared.model import (
    Action,
    Cause,
    CauseKind,
    ComplianceState,
    Decision,
    Edit,
    Finding,
    Json,
    Outcome,
    Reason,
    Severity,
    Snapshot,
    Target,
)
from shared.model.alert_records import AlertRecord, NotificationType
from shared.model.change_records import ChangeKind, ChangeRecord
from shared.model.errors import GatewayError
from shared.policies import find
from shared.posture.policy import AnyPolicy
from shared.posture.subnet_rules import by_hand
from shared.posture.ways.reach import with_reach
from shared.state.baseline import evidence_since, found_since, recorded_baseline

NOT_ENDED: Final = "its revert has not ended yet"
_OPENED_BY: Final = "openedBy"
_DEPENDANTS: Final = ("likelyDependants", "likelyDependantsError")


def sighting_of(visit: Visit, judgement: Judgement, decision: Decision) -> Sighting:
    """What an alert shows of a judgement; the commands are those of the planned edits or of what a person
    could do, and behind them those that the policy tells: a restart, or all of it where no edit fits."""
    finding, change = _told_here(judgement.finding, visit.snapshot, visit.deps), judgement.change
    edits = tuple(map(by_hand, judgement.edits))
    since = evidence_since(judgement.baseline, visit.snapshot, judgement.policy, visit.cause)
    planned = {"plannedChange": change_words(change, judgement.restored_from)} if change else {}
    return Sighting(
        finding=_escalated(_with_evidence(finding, since, planned), judgement, decision),
        decision=decision,
        cause=visit.cause,
        now=visit.now,
        commands=_commands(edits, finding, visit.snapshot, visit.deps),
        edits=edits,
        planned=planned_of(change, visit.snapshot),
        tags=visit.deps.configuration.routed_tags(visit.snapshot),
        baseline_lost=judgement.baseline.lost,
    )


def _escalated(finding: Finding, judgement: Judgement, decision: Decision) -> Finding:
    """A fight is graver than what is fought about; who undoes it is named."""
    if decision.reason is not Reason.FIGHTING:
        return finding
    told = {"openings": len(judgement.exposure.openings), _OPENED_BY: list(openers(judgement.exposure))}
    return replace(_with_evidence(finding, told), severity=Severity.CRITICAL)


def _commands(edits: tuple[Edit, ...], finding: Finding, snapshot: Snapshot, deps: Deps) -> tuple[str, ...]:
    """What is pasted in order; ``finding`` tells its steps for this cloud."""
    return started_first(snapshot, (*deps.commands(edits), *commands_told(finding.evidence)))


def _told_here(finding: Finding, snapshot: Snapshot, deps: Deps) -> Finding:
    """The finding with its steps for this cloud's ARM, which no policy knows, each way ready to be pasted."""
    settings = deps.settings
    told = resolved(finding.evidence, settings.management_endpoint, settings.management_audience)
    return replace(finding, evidence=ways_started_first(snapshot, told))


def _with_evidence(finding: Finding, *more: Mapping[str, Json]) -> Finding:
    """What an alert shows beyond the reading: that needs the journal, which no policy knows."""
    evidence = dict(finding.evidence)
    for part in more:
        evidence |= part
    return replace(finding, evidence=evidence)


def raise_alert(policy: AnyPolicy, sighting: Sighting, deps: Deps) -> AlertRecord:
    """Open the alert of this drift outside a look, or count and refresh the one that is open."""
    target = sighting.finding.target
    alert = alert_of(policy, sighting.finding)
    known = deps.store.alert(alert)
    if not is_open(known):
        list_alert(target, alert, deps)
    return raise_from(known, policy, sighting, deps)


def alert_of(policy: AnyPolicy, finding: Finding) -> str:
    """The id of the alert that tells of a finding; all that a policy cannot tell of a target is one."""
    unknown = finding.state is ComplianceState.UNKNOWN
    return alert_id(policy.id, finding.target, OF_UNKNOWN if unknown else finding.fingerprint)


def raise_from(known: AlertRecord | None, policy: AnyPolicy, sighting: Sighting, deps: Deps) -> AlertRecord:
    """The same of an alert that the target's memory lists, as it was read."""
    finding = sighting.finding
    if finding.state is ComplianceState.UNKNOWN:
        finding = replace(finding, fingerprint=OF_UNKNOWN)
    stands = is_open(known)
    if known is not None and stands and _says_less(known, sighting):
        return known
    if known is not None and stands and not _is_news(known, sighting):
        return _with_what_works_now(known, sighting, deps)
    dependants = _kept_dependants(known) if stands else _dependants(policy, finding.target, deps)
    sighting = replace(sighting, finding=_with_evidence(finding, dependants))
    sighting = _as_fought_about(known, sighting) if known is not None and stands else sighting
    alert = (
        replace(
            recur(known, sighting),
            writers=writers_before(known),
            controls=named_controls(policy, finding),
            no_command=policy.no_command,
        )
        if known is not None
        else open_alert(policy, sighting, deps.portal_link(finding.resource_id))
    )
    if known is None or not stands or _is_told(known, sighting):
        kind = NotificationType.ALERT_UPDATED if stands else NotificationType.ALERT_OPENED
        return write_and_tell(alert, kind, sighting.cause, deps)
    return _as_seen(known, alert, sighting.cause, deps)


def _as_seen(known: AlertRecord, alert: AlertRecord, cause: Cause, deps: Deps) -> AlertRecord:
    """Write an open alert of which people hear nothing new; machines do where it is in another light."""
    if _light(known) == _light(alert):
        return deps.store.put_alert(alert)
    return write_for_machines(alert, NotificationType.ALERT_UPDATED, cause, deps)


def _light(alert: AlertRecord) -> tuple[Severity, Reason | None, str]:
    """What whoever follows an alert would act on: how grave it is, what was decided and what is planned."""
    reason = None if alert.decision.reason in _ON_ITS_WAY else alert.decision.reason
    return alert.severity, reason, alert.planned.digest if alert.planned is not None else ""


def _with_what_works_now(known: AlertRecord, sighting: Sighting, deps: Deps) -> AlertRecord:
    now = reworded(known, sighting)
    told = (now.commands, now.edits, now.alternatives, now.planned)
    known_told = (known.commands, known.edits, known.alternatives, known.planned)
    return known if told == known_told else _as_seen(known, now, sighting.cause, deps)


def _kept_dependants(known: AlertRecord | None) -> Mapping[str, Json]:
    """They are asked for when an alert opens, and stay with it."""
    evidence = known.evidence if known is not None else {}
    return {name: evidence[name] for name in _DEPENDANTS if name in evidence}


def _is_news(known: AlertRecord, sighting: Sighting) -> bool:
    """An open alert changes when the drift was written again, and with what people are told of."""
    cause = sighting.cause
    written_again = cause.kind is CauseKind.EVENT and cause.event_id != known.cause.event_id
    return written_again or _is_told(known, sighting)


def _is_told(known: AlertRecord, sighting: Sighting) -> bool:
    """Whether people hear of an open alert again: the decision is another one, the drift is graver, or what
    they approved has become more."""
    graver = sighting.finding.severity.rank > known.severity.rank
    stands = known.approval is not None and known.approval.expires_at > sighting.now
    more = stands and bool(wider(known.planned, sighting.planned))
    before, now = known.decision.reason, sighting.decision.reason
    same = before is now or {before, now} <= _ON_ITS_WAY or _is_fought_about(known, sighting)
    return graver or more or not same


def _is_fought_about(known: AlertRecord, sighting: Sighting) -> bool:
    """Whether the alert was told of a fight that goes on, whatever delays the next revert for a moment."""
    return _OPENED_BY in known.evidence and sighting.decision.reason in {Reason.FIGHTING, *_ON_ITS_WAY}


def _as_fought_about(known: AlertRecord, sighting: Sighting) -> Sighting:
    """A fight stays one, and as grave, while something else delays its next revert."""
    if not _is_fought_about(known, sighting) or _OPENED_BY in sighting.finding.evidence:
        return sighting
    kept = {name: known.evidence[name] for name in ("openings", _OPENED_BY) if name in known.evidence}
    return replace(sighting, finding=replace(_with_evidence(sighting.finding, kept), severity=known.severity))


_ON_ITS_WAY: Final = frozenset(
    {
        *(Reason.SETTLING, Reason.TARGET_BUSY, Reason.TARGET_STOPPED),
        *(Reason.DRIFT, Reason.NEW_RESOURCE, Reason.ADOPTED),
    }
)
"""A revert that is made, or would be, now or in a moment: which of them it is, is no news."""


def _says_less(known: AlertRecord, sighting: Sighting) -> bool:
    """What an open alert says by the last compliant reading stands when that is there no more."""
    return sighting.baseline_lost and sighting.finding.severity.rank < known.severity.rank


def _dependants(policy: AnyPolicy, target: Target, deps: Deps) -> Mapping[str, Json]:
    """Workloads that may rely on what was found. For people only: what cannot be read is said to be so."""
    if not policy.shows_dependants:
        return {}
    try:
        return {"likelyDependants": deps.gateway.dependants(target)}
    except GatewayError as error:
        return {"likelyDependants": None, "likelyDependantsError": error.code or type(error).__name__}


def alert_failed_change(change: ChangeRecord, deps: Deps) -> None:
    """A revert that Azure refused for good, or too often, becomes an alert on the same drift."""
    policy = find(change.change.policy)
    before = deps.store.snapshot(change.before)
    if policy is None or before is None or change.kind is ChangeKind.ROLLBACK:
        return
    raise_alert(policy, _sighting_of_failure(change, policy, before, deps), deps)


def tell_of_slow_revert(change: ChangeRecord, deps: Deps) -> None:
    """A change on its way is a delay as well: what lets somebody in is told when its revert takes long."""
    if change.outcome is not Outcome.IN_PROGRESS or slow_in(change.created_at, deps.clock.now()):
        return
    if _shuts_an_exposure(change, deps):
        alert_failed_change(replace(change, detail=NOT_ENDED), deps)


def tell_of_long_wait(change: ChangeRecord, deps: Deps) -> None:
    """So is a refusal that is to be waited out: what lets somebody in until then is told now."""
    if change.ask_at is None or slow_in(change.created_at, change.ask_at):
        return
    if _shuts_an_exposure(change, deps):
        alert_failed_change(change, deps)


def _shuts_an_exposure(change: ChangeRecord, deps: Deps) -> bool:
    policy, before = find(change.change.policy), deps.store.snapshot(change.before)
    if change.kind is ChangeKind.ROLLBACK or policy is None or before is None:
        return False
    bound = deps.configuration.bind(policy, change.change.target.id, tags_of(before))
    return lets_in(bound, bound.evaluate(before), before)


def _sighting_of_failure(change: ChangeRecord, policy: AnyPolicy, before: Snapshot, deps: Deps) -> Sighting:
    """The drift as it was when the change was begun, and how its revert came to nothing."""
    bound = deps.configuration.bind(policy, change.change.target.id, tags_of(before))
    record = deps.store.recall(change.change.target, change.created_at)
    baseline = recorded_baseline(record.memories.get(policy.id), deps.store)
    judged = as_judged(before, policy.id, record, change.created_at)
    found = found_since(baseline, with_reach(bound.evaluate(judged), before), judged, bound)
    finding = _told_here(found, before, deps)
    since = evidence_since(baseline, before, bound, change.cause)
    planned = {"plannedChange": change_words(change.change, change.restored_from)}
    edits = tuple(map(by_hand, change.change.edits))
    reason = Reason.FAILED if change.outcome is Outcome.FAILED else Reason.TARGET_BUSY
    return Sighting(
        finding=_with_evidence(finding, since, planned),
        decision=replace(
            change.decision, action=Action.ALERT, reason=reason, detail=change.detail, dry_run=False
        ),
        cause=change.cause,
        now=deps.clock.now(),
        commands=_commands(edits, finding, before, deps),
        edits=edits,
        planned=planned_of(change.change, before),
        tags=deps.configuration.routed_tags(before),
    )
