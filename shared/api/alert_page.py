"""The page of an alert, to which a link in a message leads: the alert as it is told, and what one may do.

To look at it changes nothing, for chats and mail servers follow links as well. What is done is done by a
form, which takes the same role as the API's own route, comes from this app's page (``browsers``), and brings
back what the person was shown (``form_tokens``): where the alert or its plan is another by then, nothing is
done and the page shows what is there now.

Whoever did not sign in is shown nothing of any alert, not even whether there is one. Where the platform's
authentication is off nobody can sign in, and a function key in an address would lie in histories and logs:
then the page names the commands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final, TypeAlias

from shared.alerts.approving import wrote
from shared.alerts.lifecycle import APPROVAL_LASTS, IllegalTransition
from shared.alerts.page_link import OPEN_RESOURCE, page_path, sign_in_path
from shared.alerts.views import planned_view
from shared.alerts.words import alert_sections, alert_title
from shared.api.alerts import Consent, acknowledged, approved, find
from shared.api.bodies import PageForm, id_in, read_form
from shared.api.form_tokens import Form, Shower, form_for, refuse_forged, shown
from shared.api.html import (
    Markup,
    anchor,
    command,
    elsewhere,
    form,
    heading,
    listed,
    page,
    paragraph,
    sections_shown,
    takes_html,
)
from shared.api.http import ApiRequest, ApiResponse, Refused
from shared.api.operator import called, operator
from shared.api.principal import Who
from shared.api.problems import refusal
from shared.api.rights import ROLES, Right, Standing, standing
from shared.api.sources import Sources
from shared.controller.deps import Deps
from shared.controller.runs import EnforcementDisabled
from shared.model import EnforcementMode, Reason
from shared.model.alert_records import AlertRecord, AlertStatus, Planned
from shared.model.sections import Link
from shared.model.values import value

ACKNOWLEDGE: Final = "acknowledge"
APPROVE: Final = "approve"
_RIGHTS: Final = {ACKNOWLEDGE: Right.OPERATE, APPROVE: Right.APPROVE}
_BUTTONS: Final = {ACKNOWLEDGE: "Acknowledge: I look after it", APPROVE: "Approve exactly this"}
_CHANGED: Final = "the alert is not what you were shown: nothing was done, this is how it is now"
_AUDITED: Final = "Audit mode writes nothing and takes no approval."
_OWN: Final = "You wrote to this since the alert opened: somebody else has to approve."
_LASTS: Final = (
    f"An approval is valid for {APPROVAL_LASTS.total_seconds() // 60:.0f} minutes and for this drift, and is "
    "proved again before anything is written."
)

_Step: TypeAlias = Callable[[str, Callable[[AlertRecord], None]], AlertRecord]
"""Takes a step with the alert of this id, unless the second part raises for what the alert is by then."""


@value
class _View:
    """One person's view of one alert."""

    alert: AlertRecord
    request: ApiRequest
    deps: Deps
    now: datetime

    def shower(self, step: str) -> Shower:
        return _shower(self.request, self.alert.id, step, self.deps)

    def may(self, right: Right) -> bool:
        return standing(right, self.request.caller, self.deps.settings) is Standing.ADMITTED


# --- what is asked ---------------------------------------------------------------------------------


def show_alert_page(request: ApiRequest, sources: Sources) -> ApiResponse:
    """The page; for whoever did not sign in how to, or how to act without."""
    alert_id = id_in(request, "alert")
    if request.caller.who is not Who.SIGNED_IN:
        return _signed_out(request, alert_id, signs_in=sources.settings.authentication)
    return _shown(request, sources.deps(), None)


def acknowledge_on_page(request: ApiRequest, deps: Deps) -> ApiResponse:
    actor = operator(request)
    return _act(request, ACKNOWLEDGE, lambda one, refuse: acknowledged(one, actor, deps, refuse), deps)


def approve_on_page(request: ApiRequest, deps: Deps) -> ApiResponse:
    actor = operator(request)

    def step(one: str, refuse: Callable[[AlertRecord], None]) -> AlertRecord:
        return approved(one, actor, Consent(lasts=APPROVAL_LASTS, refuse=refuse), deps)

    return _act(request, APPROVE, step, deps)


def _act(request: ApiRequest, name: str, step: _Step, deps: Deps) -> ApiResponse:
    """Do what the form asks for, or show the page with why not."""
    alert_id, brought = id_in(request, "alert"), read_form(PageForm, request)
    form_brought = Form(seen=brought.seen, until=brought.until, token=brought.token)
    try:
        refuse_forged(_shower(request, alert_id, name, deps), form_brought, deps.clock.now())
        step(alert_id, lambda found: _refuse_another(found, form_brought))
    except (Refused, IllegalTransition, EnforcementDisabled) as error:
        return _shown(request, deps, refusal(error))
    return elsewhere(page_path(alert_id))


def _refuse_another(alert: AlertRecord, brought: Form) -> None:
    if shown(alert) != brought.seen:
        raise Refused("changed-since", _CHANGED)


def _shower(request: ApiRequest, alert_id: str, step: str, deps: Deps) -> Shower:
    return Shower(key=deps.store.page_key.read(), caller=request.caller, alert=alert_id, step=step)


# --- the page --------------------------------------------------------------------------------------


def _shown(request: ApiRequest, deps: Deps, refused: Refused | None) -> ApiResponse:
    alert = find(id_in(request, "alert"), deps)
    view = _View(alert=alert, request=request, deps=deps, now=deps.clock.now())
    return page(alert_title(alert), _parts(view, refused), 200 if refused is None else refused.kind.status)


def _parts(view: _View, refused: Refused | None) -> Iterator[Markup]:
    if refused is not None:
        yield paragraph(f"{refused.kind.title}: {refused}.", "notice")
    yield paragraph(f"Signed in as {called(operator(view.request))}.", "soft")
    yield from sections_shown(alert_sections(view.alert))
    yield anchor(Link(label=OPEN_RESOURCE, url=view.alert.portal))
    yield from _acknowledging(view)
    yield from _approving(view)


def _acknowledging(view: _View) -> Iterator[Markup]:
    if view.alert.status is AlertStatus.OPEN:
        yield heading("Look after it")
        yield _button(view, ACKNOWLEDGE)


def _approving(view: _View) -> Iterator[Markup]:
    """What an approval would do, for whoever may not give one too."""
    alert = view.alert
    is_over = alert.status is AlertStatus.RESOLVED or alert.decision.reason is not Reason.APPROVAL_REQUIRED
    if alert.planned is None or is_over:
        return
    yield heading("What an approval would do, and no more")
    yield from _planned(alert.planned)
    if alert.approval is not None and alert.approval.expires_at > view.now:
        return
    why_not = _why_nobody(view)
    yield from (paragraph(why_not),) if why_not else (paragraph(_LASTS), _button(view, APPROVE))


def _planned(planned: Planned) -> Iterator[Markup]:
    shown_plan = planned_view(planned)
    yield listed(shown_plan.does)
    for lead, part in (
        ("Loses access:", shown_plan.loses_access),
        ("Gains access:", shown_plan.gains_access),
    ):
        if part:
            yield paragraph(lead)
            yield listed(part)
    if not planned.is_told:
        yield paragraph("Who loses or gains access cannot be told: the rules are too many.")


def _why_nobody(view: _View) -> str:
    if view.alert.decision.dry_run or view.deps.settings.mode is EnforcementMode.AUDIT:
        return _AUDITED
    return _OWN if wrote(view.alert, operator(view.request)) else ""


def _button(view: _View, step: str) -> Markup:
    """The form, or which role it takes."""
    right = _RIGHTS[step]
    if not view.may(right):
        return paragraph(f"This takes the app role {ROLES[right]}, which you do not have.")
    made = form_for(view.shower(step), shown(view.alert), view.now)
    fields = {"seen": made.seen, "until": made.until, "token": made.token}
    return form(f"{page_path(view.alert.id)}/{step}", _BUTTONS[step], fields)


# --- without a sign-in -----------------------------------------------------------------------------


def _signed_out(request: ApiRequest, alert_id: str, *, signs_in: bool) -> ApiResponse:
    if signs_in and not takes_html(request):
        raise Refused("sign-in-required", "sign in, or ask with a token of Microsoft Entra ID for this app")
    if signs_in:
        way = anchor(Link(label="Sign in", url=sign_in_path(alert_id)))
        said = page("Sign in to see the alert", [paragraph("It is shown to whoever may read it."), way], 401)
        return ApiResponse(
            status=401,
            body=said.body,
            headers={**said.headers, "WWW-Authenticate": "Bearer"},
            media_type=said.media_type,
        )
    return page("Nobody can sign in to this app", _commands(alert_id))


def _commands(alert_id: str) -> Iterator[Markup]:
    yield paragraph("Its authentication is off, so this page shows nothing. The command does:")
    yield from (command(f"driftward alert {verb} {alert_id}") for verb in ("show", "ack", "approve"))
