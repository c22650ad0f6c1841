"""When an alert is over: a look ends every open alert of its target that is none of its present findings.

It does not matter who opened it: an earlier look, a change that failed, a message that was given up. What
says nothing of an alert leaves it open: a policy that was not asked, a reading that cannot tell.

What comes back and back is not over with a moment in which it is not there: its alert stays open until
nothing was found for a while, so that people are told of one thing once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from shared.alerts.lifecycle import alert_id
from shared.alerts.patterns import LOWERED_BY_TAG, NOT_CONTINUED, NOT_JUDGED, OF_UNKNOWN, POISONED
from shared.controller.visit import Judgement, Visit
from shared.guardrails.exposures import is_restless
from shared.model import ComplianceState
from shared.model.alert_records import AlertRecord
from shared.model.memory import TargetRecord
from shared.model.values import value
from shared.policies import find

OFF: Final = "the policy is switched off here"
LATER_ONE: Final = "a later message went through"
READABLE: Final = "it can be read again"
JUDGED: Final = "it can be judged again"
NOTHING_LEFT: Final = "there is nothing to revert any more"
TAGS_BACK: Final = "no tag lowers anything any more"
TAGS_ACCEPTED: Final = "it was acknowledged: the new tags hold"

_UNDECIDED: Final = frozenset({ComplianceState.UNKNOWN, ComplianceState.ERROR})


@value
class Present:
    """What a look found, by which the alerts of its target stay or end."""

    visit: Visit
    judgements: Mapping[str, Judgement]
    """By policy; those alone that were asked."""
    record: TargetRecord
    """As it is after the look."""
    tags_accepted: bool = False
    """Whether the tags that lower something now were acknowledged."""

    def stay(self) -> frozenset[str]:
        """Ids of the alerts of what is found now, which need no reading."""
        return frozenset(
            alert_id(policy, self.visit.target, fingerprint)
            for policy, judgement in self.judgements.items()
            for fingerprint in (judgement.finding.fingerprint, OF_UNKNOWN)
            if fingerprint and _why_not_found(policy, fingerprint, self) is None
        )


def why_over(alert: AlertRecord, present: Present) -> str | None:
    """Why an open alert of the target is over after this look; None where it stays."""
    rule = _OF_NO_POLICY.get(alert.policy)
    return rule(alert, present) if rule else _why_not_found(alert.policy, alert.fingerprint, present)


def _why_judged(_: AlertRecord, present: Present) -> str | None:
    return None if present.record.not_judged else JUDGED


def _why_not_lowered(_: AlertRecord, present: Present) -> str | None:
    tags = present.record.selecting_tags
    if tags is not None and tags.lowered:
        return None
    return TAGS_ACCEPTED if present.tags_accepted else TAGS_BACK


def _why_not_needed(alert: AlertRecord, present: Present) -> str | None:
    """A change that was not continued; an entry of the journal that somebody else wrote stays told."""
    policy = alert.fingerprint
    if alert.evidence.get("claimed") is False:
        return None
    judgement = present.judgements.get(policy)
    if judgement is None:
        return OFF if _is_off(policy, present) else None
    return NOTHING_LEFT if judgement.finding.state is ComplianceState.COMPLIANT else None


def _why_not_found(policy: str, fingerprint: str, present: Present) -> str | None:
    judgement = present.judgements.get(policy)
    if judgement is not None:
        return _why_ended(judgement, fingerprint, present)
    return OFF if _is_off(policy, present) else None


def _is_off(policy: str, present: Present) -> bool:
    """Whether nobody judges it here any more; what is none of a policy has its own end."""
    on = {one.id for one in present.visit.policies}
    return policy not in on and (find(policy) is not None or policy in present.record.memories)


def _why_ended(judgement: Judgement, fingerprint: str, present: Present) -> str | None:
    """Why the alert of a judged policy with this fingerprint is over.

    A drift is over too where only what is odd is left undecided.
    """
    finding = judgement.finding
    is_unknown = finding.state in _UNDECIDED
    if fingerprint == OF_UNKNOWN:
        told = is_unknown and not judgement.is_exempt
        return None if told else "exempt" if is_unknown else READABLE
    if _stays(judgement, present) or (is_unknown and not finding.undecided):
        return None
    if fingerprint != finding.fingerprint:
        return finding.reason
    return "exempt" if finding.state is ComplianceState.EXEMPT else None


def _stays(judgement: Judgement, present: Present) -> bool:
    """Whether what is not there now has come back again and again."""
    is_gone = judgement.finding.state is ComplianceState.COMPLIANT
    return is_gone and is_restless(judgement.exposure, present.visit.now)


_OF_NO_POLICY: Final[Mapping[str, Callable[[AlertRecord, Present], str | None]]] = {
    POISONED: lambda *_: LATER_ONE,
    NOT_JUDGED: _why_judged,
    NOT_CONTINUED: _why_not_needed,
    LOWERED_BY_TAG: _why_not_lowered,
}
