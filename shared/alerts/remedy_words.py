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
from shared.model import Action, Reason
from shared.model.alert_records import AlertRecord, Alternative, Planned, Reach
from shared.model.sections import Section

NO_FIX_REASON: Final = "noFixReason"
"""Evidence that says why no rule can be added to an NSG, and what a person would do first."""
_LONGEST: Final = 800
"""Characters of what an approval is for."""
_BY_HAND: Final = "To fix it by hand"
LAG: Final = (
    "Azure confirms network changes before they take effect everywhere: the data plane follows within "
    "minutes, and sessions that are already open may persist."
)
_NEW_SERVER: Final = Section(
    lead="When it is over:",
    text="this makes a new server and leaves this one as it is: the alert stays until this server is deleted "
    "or the policy is exempted here.",
)
_TO_HAVE_IT_DONE: Final = "To have it done:"
_AUDITED: Final = "audit mode writes nothing and takes no approval: it is done by hand"


def remedies(alert: AlertRecord) -> list[Section]:
    return [
        *_proved(alert),
        *_approval(alert),
        *_fix(alert),
        *(said for choice in alert.alternatives for said in _choice(choice)),
        *([_NEW_SERVER] if alert.ends_on_new_server else []),
    ]


# --- approval --------------------------------------------------------------------------------------


def _approval(alert: AlertRecord) -> list[Section]:
    given = alert.approval
    if given is not None:
        by = f"by {code(given.by)}, valid until {at(given.expires_at)}"
        return [Section(lead="Approved", text=f"{by}{_for_what(given.planned)}")]
    if alert.decision.reason is not Reason.APPROVAL_REQUIRED:
        return []
    offered = _AUDITED if alert.decision.dry_run else f"{_offer(alert)}{_for_what(alert.planned)}"
    return [Section(lead=_TO_HAVE_IT_DONE, text=offered)]


def _for_what(planned: Planned | None) -> str:
    """``, for this and no more: …``, or nothing where that is not known."""
    return "" if planned is None else clip(f", for this and no more: {_effect(planned)}", _LONGEST)


def _proved(alert: AlertRecord) -> list[Section]:
    """What no brake keeps from being written was proved: it does this and nothing else."""
    if alert.planned is None or alert.decision.action is not Action.REVERT:
        return []
    return [Section(lead="Proved to do this and no more:", text=clip(_effect(alert.planned), _LONGEST))]


def _effect(planned: Planned) -> str:
    said = [*(clean(text) for text in planned.does[:ITEMS_SHOWN])]
    said += [f"and {len(planned.does) - ITEMS_SHOWN} more"] if len(planned.does) > ITEMS_SHOWN else []
    moved = (("loses access", planned.loses), ("gains access", planned.gains))
    said += [f"{verb}: {few(told(reach))}" for verb, reach in moved if reach != Reach()]
    said += [] if planned.is_told else [NOT_TOLD]
    return "; ".join(said)


def _offer(alert: AlertRecord) -> str:
    """The API refuses an approval in audit mode, so it is offered in enforce alone."""
    return (
        f"`POST /api/alerts/{alert.id}/approve`: valid for this drift and a short time, "
        "and proved again before anything is written"
    )


# --- steps -----------------------------------------------------------------------------------------


def _fix(alert: AlertRecord) -> list[Section]:
    told = texts_told(alert.evidence)
    advice = [step for step in told if not is_command(step)]
    if alert.commands:
        return [*_in_order(alert, _steps(alert, told)), Section(text=LAG)]
    none = Section(lead=f"{_BY_HAND}:", text=_why_none(alert))
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


def _in_order(alert: AlertRecord, steps: Iterable[str]) -> list[Section]:
    """Commands that follow each other are one block; a sentence stands where it is its turn."""
    caution = CAUTIONS.get(alert.decision.reason)
    lead, text = (_BY_HAND, f"({caution}):") if caution else (f"{_BY_HAND}:", "")
    said: list[Section] = []
    for commands, run in groupby(steps, is_command):
        listed = list(run)
        said += fenced(lead, text, listed) if commands else _advice(listed)
        lead, text = ("Then:", "") if commands else (lead, text)
    return said


def _advice(steps: Iterable[str]) -> list[Section]:
    said = " ".join(map(step_sentence, steps))
    return [Section(lead="What to do:", text=said)] if said else []


# --- choices ---------------------------------------------------------------------------------------


def _choice(choice: tuple[Alternative, ...]) -> list[Section]:
    first, *others = choice
    head = Section(lead="One of these, not all of them:", text=f"what is above, {clean(first.when)};")
    return [head, *(said for way in others for said in _way(way))]


def _way(way: Alternative) -> list[Section]:
    said = " ".join(map(step_sentence, way.advice))
    advice = [Section(text=said)] if said else []
    return fenced("or instead,", f"{clean(way.when)}:", way.commands) + advice
