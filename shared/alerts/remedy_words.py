"""What a person can do about an alert, in words: the approval, the steps in order, the choices among them.

Pure wording. Which steps there are is the policy's to say (``shared.alerts.steps`` reads them).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Final

from shared.alerts.commands import is_command
from shared.alerts.decision_words import CAUTIONS
from shared.alerts.phrases import ITEMS_SHOWN, at, clean, clip, code, fenced, few, step_sentence
from shared.alerts.steps import commands_told, texts_told
from shared.guardrails.approvals import NOT_TOLD, told
from shared.model import Reason
from shared.model.alert_records import AlertRecord, Alternative, Planned, Reach

NO_FIX_REASON: Final = "noFixReason"
"""Evidence that says why no rule can be added to an NSG, and what a person would do first."""
_LONGEST: Final = 800
"""Characters of what an approval is for."""
LAG: Final = (
    "Azure confirms network changes before they take effect everywhere: the data plane follows within "
    "minutes, and sessions that are already open may persist."
)
_NEW_SERVER: Final = (
    "**When it is over:** this makes a new server and leaves this one as it is: the alert stays until this "
    "server is deleted or the policy is exempted here."
)
_AUDITED: Final = "**To have it done:** audit mode writes nothing and takes no approval: it is done by hand"


def remedy_lines(alert: AlertRecord) -> list[str]:
    return [
        *_approval_lines(alert),
        *_fix_lines(alert),
        *(line for choice in alert.alternatives for line in _choice_lines(choice)),
        *([_NEW_SERVER] if alert.ends_on_new_server else []),
    ]


# --- approval --------------------------------------------------------------------------------------


def _approval_lines(alert: AlertRecord) -> list[str]:
    given = alert.approval
    if given is not None:
        by = f"**Approved** by {code(given.by)}, valid until {at(given.expires_at)}"
        return [f"{by}{_for_what(given.planned)}"]
    if alert.decision.reason is not Reason.APPROVAL_REQUIRED:
        return []
    return [_AUDITED if alert.decision.dry_run else f"{_offer(alert)}{_for_what(alert.planned)}"]


def _for_what(planned: Planned | None) -> str:
    """``, for this and no more: …``, or nothing where that is not known."""
    if planned is None:
        return ""
    said = [*(clean(text) for text in planned.does[:ITEMS_SHOWN])]
    said += [f"and {len(planned.does) - ITEMS_SHOWN} more"] if len(planned.does) > ITEMS_SHOWN else []
    moved = (("loses access", planned.loses), ("gains access", planned.gains))
    said += [f"{verb}: {few(told(reach))}" for verb, reach in moved if reach != Reach()]
    said += [] if planned.is_told else [NOT_TOLD]
    return clip(f", for this and no more: {'; '.join(said)}", _LONGEST)


def _offer(alert: AlertRecord) -> str:
    """The API refuses an approval in audit mode, so it is offered in enforce alone."""
    return (
        f"**To have it done:** `POST /api/alerts/{alert.id}/approve`: valid for this drift and a short time, "
        "and proved again before anything is written"
    )


# --- steps -----------------------------------------------------------------------------------------


def _fix_lines(alert: AlertRecord) -> list[str]:
    told = texts_told(alert.evidence)
    advice = [step for step in told if not is_command(step)]
    if alert.commands:
        return [*_in_order(alert, _steps(alert, told)), LAG]
    none = f"**To fix it by hand:** {_why_none(alert)}"
    return [*_advice(advice), *([none] if alert.no_command or not advice else [])]


def _steps(alert: AlertRecord, told: tuple[str, ...]) -> tuple[str, ...]:
    """What the policy tells follows what our edits say; sentences alone come before them."""
    own = commands_told(alert.evidence)
    if not own or alert.commands[-len(own) :] != own:
        return (*(step for step in told if not is_command(step)), *alert.commands)
    return (*alert.commands[: -len(own)], *told)


def _why_none(alert: AlertRecord) -> str:
    if alert.no_command:
        return f"no command exists: {step_sentence(alert.no_command)}"
    if why := alert.evidence.get(NO_FIX_REASON):
        return step_sentence(str(why))
    return "no single command is known that would be safe to print"


def _in_order(alert: AlertRecord, steps: Iterable[str]) -> list[str]:
    """Commands that follow each other are one block; a sentence stands where it is its turn."""
    caution = CAUTIONS.get(alert.decision.reason)
    heading = f"**To fix it by hand** ({caution}):" if caution else "**To fix it by hand:**"
    lines: list[str] = []
    for commands, run in groupby(steps, is_command):
        listed = list(run)
        lines += fenced(heading, listed) if commands else _advice(listed)
        heading = "**Then:**" if commands else heading
    return lines


def _advice(steps: Iterable[str]) -> list[str]:
    said = " ".join(map(step_sentence, steps))
    return [f"**What to do:** {said}"] if said else []


# --- choices ---------------------------------------------------------------------------------------


def _choice_lines(choice: tuple[Alternative, ...]) -> list[str]:
    first, *others = choice
    head = f"**One of these, not all of them:** what is above, {clean(first.when)};"
    return [head, *(line for way in others for line in _way_lines(way))]


def _way_lines(way: Alternative) -> list[str]:
    said = " ".join(map(step_sentence, way.advice))
    return fenced(f"**or instead,** {clean(way.when)}:", way.commands) + ([said] if said else [])
