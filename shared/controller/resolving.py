"""When an alert is over: its drift is gone, its policy is off, what was unknown is known.

What comes back and back is not over with a moment in which it is not there: its alert stays open until
nothing was found for a while, so that people are told of one thing once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shared.alerts.lifecycle import alert_id
from shared.controller.notifying import resolve_if_open
from shared.controller.visit import Judgement, Visit
from shared.guardrails.exposures import is_restless
from shared.model import ComplianceState
from shared.model.memory import PolicyMemory, TargetRecord

UNKNOWN_FINGERPRINT: Final = "unknown"


def resolve_what_is_off(visit: Visit, record: TargetRecord) -> None:
    """Nobody judges a policy that was switched off: its alert would stay open for ever."""
    on = {policy.id for policy in visit.policies}
    for policy_id, memory in record.memories.items():
        for fingerprint in alerts_of(memory) if policy_id not in on else ():
            alert = alert_id(policy_id, visit.target, fingerprint)
            resolve_if_open(alert, "the policy is switched off here", visit.deps, visit.now)


def alerts_of(memory: PolicyMemory) -> set[str]:
    """The fingerprints whose alerts may be open by what is remembered of a policy."""
    unknown = UNKNOWN_FINGERPRINT if memory.unknown_since is not None else ""
    return {memory.fingerprint, unknown, *memory.kept_open} - {""}


def resolve_what_ended(visit: Visit, judgement: Judgement, memory: PolicyMemory | None) -> None:
    """Resolve the alert of a drift that is over, and of an unknown that is known now."""
    if memory is None:
        return
    for fingerprint, why in _ended(judgement, memory, stays=_stays(visit, judgement)):
        alert = alert_id(judgement.policy.id, visit.target, fingerprint)
        resolve_if_open(alert, why, visit.deps, visit.now)


def _stays(visit: Visit, judgement: Judgement) -> bool:
    """Whether what is not there now has come back again and again."""
    is_gone = judgement.finding.state is ComplianceState.COMPLIANT
    return is_gone and is_restless(judgement.exposure, visit.now)


def _ended(judgement: Judgement, memory: PolicyMemory, *, stays: bool) -> Iterator[tuple[str, str]]:
    """Fingerprints whose alerts are over, each with why.

    A drift is over too where only what is odd is left undecided.
    """
    finding = judgement.finding
    is_unknown = finding.state in {ComplianceState.UNKNOWN, ComplianceState.ERROR}
    if memory.unknown_since is not None and (not is_unknown or judgement.is_exempt):
        yield UNKNOWN_FINGERPRINT, "exempt" if is_unknown else "it can be read again"
    if stays or (is_unknown and not finding.undecided):
        return
    for fingerprint in alerts_of(memory) - {UNKNOWN_FINGERPRINT}:
        if fingerprint != finding.fingerprint:
            yield fingerprint, finding.reason
        elif finding.state is ComplianceState.EXEMPT:
            yield fingerprint, "exempt"
