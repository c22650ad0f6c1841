"""Alerts over HTTP: list, read, acknowledge, approve.

An approval is consent to revert one drift. It is written down, then a look is queued that reads the
target, proves the change anew and makes it; nothing is reverted on the strength of what was read then.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from shared.alerts.approving import not_known, wrote
from shared.alerts.lifecycle import acknowledge, approve
from shared.alerts.views import alert_view
from shared.api.bodies import (
    AcknowledgeBody,
    ApproveBody,
    id_in,
    read_body,
)
from shared.api.http import ApiRequest, ApiResponse, Refused, not_found
from shared.api.operator import called, operator
from shared.api.paging import paged, place_in
from shared.api.queries import AlertQuery, policies_of, read_query, target_of
from shared.controller.deps import Deps
from shared.controller.notifying import write_and_tell
from shared.controller.runs import refuse_under_audit
from shared.model import Actor, Cause, CauseKind
from shared.model.alert_records import AlertRecord, NotificationType
from shared.model.errors import EntityChanged
from shared.model.happened import approval_given
from shared.model.messages import Message, MessageKind
from shared.model.values import value
from shared.state.listings import Wanted

_PATH: Final = "alerts"
_RACES: Final = 3

_Step: TypeAlias = Callable[[AlertRecord, datetime], AlertRecord]
"""From where an alert is to where it goes, at this time."""


def list_alerts(request: ApiRequest, deps: Deps) -> ApiResponse:
    query = read_query(AlertQuery, request)
    wanted = Wanted(
        target=target_of(query), policies=policies_of(query), state=query.status, severity=query.severity
    )
    page = deps.store.alert_page(wanted, query.limit, place_in(query.after, _PATH))
    return paged(request, _PATH, page, alert_view)


def get_alert(request: ApiRequest, deps: Deps) -> ApiResponse:
    return ApiResponse(status=200, body=alert_view(find(id_in(request, "alert"), deps)))


def acknowledge_alert(request: ApiRequest, deps: Deps) -> ApiResponse:
    """Somebody looks after it."""
    body = read_body(AcknowledgeBody, request, optional=True)
    alert = acknowledged(id_in(request, "alert"), operator(request, body.by), deps)
    return ApiResponse(status=200, body=alert_view(alert))


def approve_alert(request: ApiRequest, deps: Deps) -> ApiResponse:
    """Write the approval down and have the target looked at. Raises ``Refused`` for one's own write."""
    body = read_body(ApproveBody, request, optional=True)
    consent = Consent(
        lasts=timedelta(minutes=body.expires_in_minutes),
        refuse=lambda found: _refuse_another(found, body.digest),
    )
    alert = approved(id_in(request, "alert"), operator(request, body.by), consent, deps)
    return ApiResponse(status=202, body=alert_view(alert), headers={"Location": f"/api/alerts/{alert.id}"})


def acknowledged(
    alert_id: str, actor: Actor, deps: Deps, refuse: Callable[[AlertRecord], None] = lambda _: None
) -> AlertRecord:
    """The alert, acknowledged by somebody. ``refuse`` raises ``Refused`` where it is not what they saw."""

    def step(found: AlertRecord, _: datetime) -> AlertRecord:
        refuse(found)
        return acknowledge(found, called(actor))

    return _step(alert_id, actor, step, deps)


@value
class Consent:
    """How long an approval lasts, and what raises ``Refused`` where an alert is not what its giver saw."""

    lasts: timedelta
    refuse: Callable[[AlertRecord], None]


def approved(alert_id: str, actor: Actor, consent: Consent, deps: Deps) -> AlertRecord:
    """The alert with somebody's approval written down; a look is queued that acts on it."""
    refuse_under_audit(deps, wants_to_write=True)

    def step(found: AlertRecord, now: datetime) -> AlertRecord:
        consent.refuse(found)
        return _approved(found, actor, now, consent.lasts)

    alert = _step(alert_id, actor, step, deps)
    look = Message(kind=MessageKind.LOOK, target=alert.target, cause=_cause(actor, deps))
    deps.store.arm(look, deps.clock.now(), 0)
    return alert


def _refuse_another(alert: AlertRecord, digest: str | None) -> None:
    """What is planned may have become another change since the caller read the alert."""
    planned = alert.planned.digest if alert.planned is not None else ""
    if digest is not None and digest != planned:
        raise Refused("changed-since", "what is planned is not what you read: read the alert again")


def _approved(alert: AlertRecord, actor: Actor, now: datetime, lasts: timedelta) -> AlertRecord:
    """The alert with the approval, which says who gave it and what is not known of them."""
    if wrote(alert, actor):
        raise Refused("own-write", "you wrote to this since the alert opened: somebody else has to approve")
    given = approve(alert, called(actor), now, lasts)
    assert given.approval is not None  # it has just been given
    whole = replace(given.approval, actor=actor, not_known=not_known(alert, actor))
    return replace(given, approval=whole)


def find(alert_id: str, deps: Deps) -> AlertRecord:
    """The alert of this id. Raises ``Refused`` where there is none."""
    alert = deps.store.alert(alert_id)
    if alert is None:
        raise not_found("alert with this id")
    return alert


def _step(alert_id: str, actor: Actor, step: _Step, deps: Deps) -> AlertRecord:
    """Take a step in the alert's life and tell the sinks.

    A look may write the alert at the same time; then the step is taken from where the alert is now.
    """
    for _ in range(_RACES):
        with suppress(EntityChanged):
            return _take(alert_id, step, _cause(actor, deps), deps)
    return _take(alert_id, step, _cause(actor, deps), deps)


def _take(alert_id: str, step: _Step, cause: Cause, deps: Deps) -> AlertRecord:
    """The step, written together with what the sinks are told of it.

    An approval is entered into the journal first: one that is not there is nobody's consent.
    """
    found = find(alert_id, deps)
    stepped = step(found, deps.clock.now())
    if stepped.approval is not None and stepped.approval != found.approval:
        deps.store.journal.append(stepped.target, approval_given(stepped, stepped.approval))
    return write_and_tell(stepped, NotificationType.ALERT_UPDATED, cause, deps)


def _cause(actor: Actor, deps: Deps) -> Cause:
    return Cause(kind=CauseKind.OPERATOR, time=deps.clock.now(), actor=actor)
