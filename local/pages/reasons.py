"""What each reason and each outcome means to an operator, and what to do: the text of `docs/reasons.md`.

The one place for these sentences. A member of the enums without one fails the generation of the docs, and so
`make check`; alerts have their own, shorter words. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.model import Outcome, Reason
from shared.model.values import value


@value
class Explained:
    """What it means, and what a person can do; `then` is empty where nothing is to be done."""

    means: str
    then: str = ""


REASONS: Final[Mapping[Reason, Explained]] = {
    Reason.BREAK_GLASS: Explained(
        means="Somebody has switched all writes off, for this subscription or for everything.",
        then="Fix it by hand with the alert's command, or take the switch back (runbook, break-glass).",
    ),
    Reason.BREAK_GLASS_UNREADABLE: Explained(
        means="The switch could not be read. Not knowing means not writing.",
        then="Look at the storage account and at the identity's role on blobs; the next look tries again.",
    ),
    Reason.EXEMPT: Explained(
        means="A stated exemption covers this target: from `policies.yaml`, or from a rollback.",
        then="Nothing until it expires. One from `policies.yaml` can be removed there.",
    ),
    Reason.UNKNOWN: Explained(
        means="It could not be told whether the resource is compliant: a value was missing, unknown or "
        "unreadable. It is recorded, never acted upon, and alerts after 3 such runs in a row or 1 hour.",
        then="Read the finding's reason: usually a missing permission, or a value that is new to Azure.",
    ),
    Reason.EFFECT_OFF: Explained(means="`policies.yaml` switches this policy off for this target."),
    Reason.EFFECT_ALERT: Explained(
        means="`policies.yaml` says that this policy only alerts here.",
        then="Fix it with the alert's command, or set the effect to `revert`.",
    ),
    Reason.NO_PLAN: Explained(
        means="No change is known that is minimal and safe: for example a dormant firewall rule, which Azure "
        "refuses to delete while public access is off, or an NSG without a free priority ahead of the deny.",
        then="The alert says why and, where there is one, by which command a person can mend it.",
    ),
    Reason.NOT_PROVED: Explained(
        means="A change was planned, and applied to the reading in memory it did not keep every promise: the "
        "finding goes, nothing gets worse, traffic changes only where it may.",
        then="Read the detail, which names the claim that failed, and fix it by hand.",
    ),
    Reason.INHERITED: Explained(
        means="It was never seen compliant, so it is somebody's decision and no drift.",
        then="Decide: fix it by hand, exempt it, or say `adopt` (in `policies.yaml`, or for one run).",
    ),
    Reason.LAST_WAY_IN: Explained(
        means="After the change nobody could reach the server any more, and somebody can now.",
        then="Give the server a private endpoint (or another rule) first; then close the path.",
    ),
    Reason.MANUAL: Explained(
        means="The policy's changes are left to people.",
        then="Use the alert's command after a look at its evidence.",
    ),
    Reason.APPROVAL_REQUIRED: Explained(
        means="The change may cut somebody off; the detail says whom.",
        then="`POST /api/alerts/{id}/approve`: it holds for this drift and a short time, and the change "
        "is proved again before it is written.",
    ),
    Reason.EXEMPT_BY_TAG: Explained(
        means="A tag on the server asks to leave this alone, and `policies.yaml` lets tags do so. It is not "
        "reverted for seven days at most, counted once for each drift; the detail says who wrote last "
        "before the tag was first seen, and until when it holds.",
        then="Find out whether the author may ask for that. Approve the change to have it made now, or "
        "exempt it in `policies.yaml`, with a reason and an approver.",
    ),
    Reason.CHANGE_FREEZE: Explained(
        means="`policies.yaml` has a change freeze for this target, and nothing is written until it ends. "
        "An approval does not open it.",
        then="Nothing: it is looked at again at the end. What cannot wait: the alert's command, or "
        "`duringFreeze: revert` for the policy.",
    ),
    Reason.OUTSIDE_WINDOW: Explained(
        means="`policies.yaml` has maintenance windows for this target, and none is open now.",
        then="Nothing: it is looked at again when one opens. Approve the change to have it made now.",
    ),
    Reason.TARGET_BUSY: Explained(
        means="Another operation runs on the resource, and Azure would refuse the write.",
        then="Nothing: it is looked at again, ever less often. A drift that waits for an hour is alerted: "
        "find out what keeps the resource busy.",
    ),
    Reason.TARGET_STOPPED: Explained(
        means="The server is stopped and refuses writes.",
        then="Nothing while it is stopped: nobody can connect either. Its start is looked at again.",
    ),
    Reason.SETTLING: Explained(
        means="Somebody wrote to the resource moments ago; a revert waits for `SETTLE_SECONDS` of quiet.",
        then="Nothing: it is looked at again when that time is over. When there was no quiet for ten such "
        "times an alert says so: somebody keeps writing.",
    ),
    Reason.INEFFECTIVE: Explained(
        means="The same revert was accepted by Azure before and changed nothing.",
        then="Find out what keeps the value: a platform rule, another writer, a field that Azure ignores.",
    ),
    Reason.FLAPPING: Explained(
        means="The same drift was reverted several times and came back: two writers are at odds.",
        then="Find the other writer in the alert (often a pipeline), and change what it deploys.",
    ),
    Reason.BUDGET: Explained(
        means="The budget of writes for this resource or subscription is used up for this hour.",
        then="Look why so much drifts at once before you raise `budgets` in `policies.yaml`.",
    ),
    Reason.DRIFT: Explained(means="It was compliant before and is not now: this is what Driftward reverts."),
    Reason.NEW_RESOURCE: Explained(
        means="The resource was created after the first complete pass, so nobody's old decision is undone."
    ),
    Reason.ADOPTED: Explained(
        means="The scope, or whoever asked for this run, says that what was inherited is reverted too."
    ),
    Reason.APPROVED: Explained(means="A person approved this very change, or asked for this rollback."),
    Reason.FAILED: Explained(
        means="The change was sent, and Azure refused it or its operation failed.",
        then="The detail holds ARM's own code: usually a lock, a policy assignment or a missing role. It is "
        "not sent again within the hour, unless an operator's run or an approval asks for it.",
    ),
    Reason.POISONED: Explained(
        means="Looking at the target failed on every attempt; its message was given up, drift may go unseen.",
        then="Read the dead letter and the log (runbook, poison), mend the cause, then ask for a run.",
    ),
    Reason.EXEMPTION_EXPIRED: Explained(
        means="An exemption in `policies.yaml` has ended. What it covered is judged, and reverted, again.",
        then="Remove the entry, or renew it with a later `expires` and the word of its approver.",
    ),
}

OUTCOMES: Final[Mapping[Outcome, str]] = {
    Outcome.COMPLIANT: "Read completely, evaluated, nothing found.",
    Outcome.WOULD_REVERT: "Audit mode: enforce would have made this change; nothing was written.",
    Outcome.IN_PROGRESS: "A change was begun and waits for its operation or its verification.",
    Outcome.REVERTED: "Written, read again, and compliant.",
    Outcome.ROLLED_BACK: "A change was undone, and the reach is the recorded one.",
    Outcome.ALREADY_COMPLIANT: "Somebody else had mended it before the change was sent.",
    Outcome.INEFFECTIVE: "Accepted by Azure, and still not compliant when read again.",
    Outcome.CONFLICTED: "Overtaken by another write or operation; it is looked at again.",
    Outcome.FAILED: "Refused by Azure, or it could not be verified in time.",
    Outcome.ALERTED: "Not written; an alert says why and how to fix it.",
    Outcome.SKIPPED: "Nothing is done for now; the reason says why.",
}
