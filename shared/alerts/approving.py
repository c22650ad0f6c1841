"""Whether somebody may approve what an alert proposes, or exempt what it is about: nobody decides about their
own write. Pure.

The writers of an alert are all those whose writes it was seen with while it was open, not the newest alone:
a harmless write under another name would otherwise make room for whoever made the drift. Names are no proof,
for anybody can bear one: object ids are compared, and app ids where one of the two has no other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from shared.model import Actor, Cause, CauseKind
from shared.model.alert_records import AlertRecord, AlertStatus, Approval

WRITER_UNKNOWN: Final = "the writer is not known"
APPROVER_UNKNOWN: Final = "the approver is not known"
_MOST_WRITERS: Final = 16
_BEFORE_IT_WAS_SEEN: Final = timedelta(minutes=15)
"""How long before its alert a write may have made a drift: its event may come after the look that saw it."""


def writers(alert: AlertRecord) -> tuple[Actor, ...]:
    """Who is known to have written what the alert is about, since it opened."""
    causes = (alert.cause, *alert.cause.earlier)
    found = tuple(dict.fromkeys((*alert.writers, *(cause.actor for cause in causes if _names(cause)))))
    return found if len(found) <= _MOST_WRITERS else (*found[: _MOST_WRITERS - 1], found[-1])


def writers_before(alert: AlertRecord) -> tuple[Actor, ...]:
    """Who is remembered when the alert is seen again; what was over and comes back has other writers."""
    return () if alert.status is AlertStatus.RESOLVED else writers(alert)


def wrote(alert: AlertRecord, approver: Actor) -> bool:
    """Whether the approver is one of the writers, as far as ids tell."""
    return any(_same(approver, writer) for writer in writers(alert))


def standing(alert: AlertRecord, causes: Iterable[Cause]) -> Approval | None:
    """The approval, unless whoever gave it wrote: events come late, and ``causes`` may say by now what nobody
    knew when it was given."""
    approval, since = alert.approval, alert.first_seen - _BEFORE_IT_WAS_SEEN
    if approval is None or approval.actor is None:
        return approval
    heard = [cause.actor for cause in causes if _names(cause) and cause.time >= since]
    own = any(_same(approval.actor, writer) for writer in (*writers(alert), *heard))
    return None if own else approval


def exempted_own(
    giver: Actor, given_at: datetime, causes: Iterable[Cause], alert: AlertRecord | None
) -> bool:
    """Whether an exemption covers what its giver had just written when it was given, and nobody knew yet.

    What its giver writes afterwards was announced by it. ``alert`` is the one of the finding: once it is
    open it remembers the writers, whoever writes next.
    """
    since = given_at - _BEFORE_IT_WAS_SEEN
    heard = any(_names(one) and since <= one.time <= given_at and _same(giver, one.actor) for one in causes)
    stands = alert is not None and alert.status is not AlertStatus.RESOLVED and alert.first_seen >= since
    return heard or (alert is not None and stands and wrote(alert, giver))


def without_ended(alert: AlertRecord, now: datetime) -> AlertRecord | None:
    """The alert without an approval that has ended unused; None where there is none."""
    ended = alert.approval is not None and alert.approval.expires_at <= now
    return replace(alert, approval=None) if ended else None


def not_known(alert: AlertRecord, approver: Actor) -> str:
    """What keeps the two from being compared, for the record; ``""`` where both are known."""
    unknown = [] if _is_known(approver) else [APPROVER_UNKNOWN]
    unknown += [] if writers(alert) else [WRITER_UNKNOWN]
    return "; ".join(unknown)


def _names(cause: Cause) -> bool:
    """Whether the cause is a write by somebody with an id; an operator's look writes nothing."""
    return cause.kind is CauseKind.EVENT and _is_known(cause.actor)


def _is_known(actor: Actor) -> bool:
    return bool(actor.object_id or actor.app_id)


def _same(one: Actor, other: Actor) -> bool:
    if one.object_id and other.object_id:
        return one.object_id.lower() == other.object_id.lower()
    return bool(one.app_id) and (one.app_id or "").lower() == (other.app_id or "").lower()
