"""What was decided and why, in words, and what to mind before doing it by hand all the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, assert_never

from shared.alerts.phrases import clean, clean_with_ids
from shared.model import Action, Decision, Reason

_REASONS: Final[Mapping[Reason, str]] = {
    Reason.BREAK_GLASS: "the break-glass switch is on",
    Reason.BREAK_GLASS_UNREADABLE: "the break-glass switch could not be read, which means no writes",
    Reason.EXEMPT: "an exemption is in force",
    Reason.UNKNOWN: "it could not be told whether the resource is compliant",
    Reason.EFFECT_OFF: "this policy is off here",
    Reason.EFFECT_ALERT: "this policy only alerts here",
    Reason.NO_PLAN: "no change is known that would be safe",
    Reason.NOT_PROVED: "the change could not be proved safe",
    Reason.OUTSIDE_SCOPES: "nothing is written outside of SCOPES",
    Reason.INHERITED: "it was never seen compliant, so it is somebody's decision and not drift",
    Reason.LAST_WAY_IN: "after the change no way in would surely be left",
    Reason.MANUAL: "this change is left to a person",
    Reason.APPROVAL_REQUIRED: "a person has to approve this change",
    Reason.EXEMPT_BY_TAG: "a tag on the server holds the revert back for a while",
    Reason.CHANGE_FREEZE: "a change freeze is in force",
    Reason.OUTSIDE_WINDOW: "reverts wait for the maintenance window here",
    Reason.TARGET_BUSY: "Azure is still working on the resource",
    Reason.TARGET_STOPPED: "the server is stopped and refuses writes",
    Reason.SETTLING: "somebody is still writing; it is looked at again when things are quiet",
    Reason.INEFFECTIVE: "reverting it had no effect before",
    Reason.FLAPPING: "it was reverted several times and keeps coming back: two writers are at odds",
    Reason.FIGHTING: "it was reverted and opened again several times; it is reverted again after a pause",
    Reason.BUDGET: "the budget of writes is used up",
    Reason.DRIFT: "it was compliant before, so this is drift",
    Reason.NEW_RESOURCE: "the resource is new and was never compliant",
    Reason.ADOPTED: "the scope, or whoever asked for this run, adopts what was there before",
    Reason.APPROVED: "a person approved this change",
    Reason.FAILED: "Azure refused the change",
    Reason.POISONED: "looking at it failed again and again",
    Reason.UNDELIVERED: "a sink takes no notifications",
    Reason.NO_LONGER_PROVED: "what was still to be written could not be proved on what is there now",
    Reason.EXEMPTION_EXPIRED: "the exemption has ended, so drift is judged again",
    Reason.EFFECT_LOWERED_BY_TAG: "a change of the server's tags lowers what is done about its drift",
    Reason.MASS_DRIFT: "many targets drifted at once, and people are told of them together",
    Reason.EVENT_PATH_LOST: "a write was found of which no event has told",
    Reason.BUDGET_NEARLY_SPENT: "most writes of the hour are used up; drift that comes after them waits",
}

CAUTIONS: Final[Mapping[Reason, str]] = {
    Reason.LAST_WAY_IN: "first make another way in: after this nobody may get in",
    Reason.NOT_PROVED: "this could not be proved safe: read the decision first",
    Reason.OUTSIDE_SCOPES: "it lies outside of SCOPES: ask its owner first",
    Reason.INHERITED: "it may be wanted: ask the owner first",
    Reason.APPROVAL_REQUIRED: "read the decision first",
    Reason.EXEMPT_BY_TAG: "somebody has asked for time with a tag: ask them first",
    Reason.CHANGE_FREEZE: "no changes are wanted before the freeze ends",
    Reason.OUTSIDE_WINDOW: "it is done by itself when the window opens",
    Reason.NO_PLAN: "not known to be safe: read what was seen first",
    Reason.FLAPPING: "find the other writer first",
    Reason.FIGHTING: "find out who opens it again first",
    Reason.FAILED: "Azure refused it before: read the decision first",
}
"""What to mind before running a command that Driftward itself would not run."""


def decision_text(decision: Decision, done: bool = False) -> str:
    """What was decided and why, in words."""
    why = clean(_REASONS[decision.reason])
    detail = f" ({clean_with_ids(decision.detail)})" if decision.detail else ""
    return f"{_action_text(decision, done)}: {why}{detail}."


def _action_text(decision: Decision, done: bool) -> str:
    match decision.action:
        case Action.REVERT if done:
            return "Reverted"
        case Action.REVERT if decision.dry_run:
            return "Would be reverted, but audit mode writes nothing"
        case Action.REVERT:
            return "Being reverted"
        case Action.ALERT:
            return "Not reverted"
        case Action.SKIP:
            return "Nothing is done for now"
        case _:
            assert_never(decision.action)
