"""What really happens to a drift: the effect is one word of several, and the others may overrule it.

The order is that of the brakes in ``shared.guardrails.decide``, as far as they are known without reading
Azure: scope, exemption, effect, safety, tag, freeze, window. ENFORCEMENT_MODE comes last, because in audit
mode the decision is the one that enforce would take.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from shared.config.sayings import Sayings
from shared.guardrails.schedule import WhenClosed
from shared.model import Effect, EnforcementMode, Safety
from shared.model.values import value
from shared.posture.policy import AnyPolicy


class Verb(StrEnum):
    """What is done about a drift where nothing stands in the way."""

    REVERTS = "reverts"
    REVERTS_AFTER_APPROVAL = "reverts after approval"
    ALERTS = "alerts"
    OFF = "off"


@value
class Situation:
    """What overrules a policy's settings on one resource at one time."""

    mode: EnforcementMode
    in_scope: bool
    exempt_until: datetime | None
    exempt_by_tag: bool
    frozen_until: datetime | None
    closed_until: datetime | None


def verb_of(policy: AnyPolicy, effect: Effect, *, without_approval: bool) -> Verb:
    """What the policy does with this effect."""
    if effect is Effect.OFF:
        return Verb.OFF
    if effect is Effect.ALERT or policy.safety is Safety.MANUAL:
        return Verb.ALERTS
    if policy.safety is Safety.APPROVAL and not without_approval:
        return Verb.REVERTS_AFTER_APPROVAL
    return Verb.REVERTS


def outcome_of(policy: AnyPolicy, said: Sayings, situation: Situation) -> str:
    """What happens in this situation, and why it is not more."""
    verb = verb_of(policy, said.effect.setting, without_approval=said.without_approval.setting)
    if not situation.in_scope:
        return "outside SCOPES: events are ignored"
    if situation.exempt_until is not None:
        return f"nothing: exempt until {at(situation.exempt_until)}"
    match verb:
        case Verb.OFF:
            return verb.value
        case Verb.ALERTS:
            is_choice = said.effect.setting is Effect.ALERT
            return f"alerts only: {'its effect is alert' if is_choice else policy.safety.value}"
        case _:
            return _held_up(verb, said, situation) or _reverts(verb, situation.mode)


def _held_up(verb: Verb, said: Sayings, situation: Situation) -> str | None:
    """What a revert waits for. An approval is the stronger word than a tag and chooses its time, but opens no
    freeze."""
    frozen = situation.frozen_until
    if frozen is not None and said.during_freeze.setting is not WhenClosed.REVERT:
        return f"alerts only: frozen until {at(frozen)}"
    if verb is Verb.REVERTS_AFTER_APPROVAL:
        return None
    if situation.exempt_by_tag:
        return "alerts only: exempt by tag"
    closed = situation.closed_until
    if closed is not None and said.outside_window.setting is not WhenClosed.REVERT:
        return f"alerts only: no window until {at(closed)}"
    return None


def _reverts(verb: Verb, mode: EnforcementMode) -> str:
    if mode is EnforcementMode.ENFORCE:
        return verb.value
    return f"would {verb.value.replace('reverts', 'revert', 1)}; mode is {mode}"


def at(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M}Z"
