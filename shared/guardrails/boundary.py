"""The brake that keeps every write within ``SCOPES``, the boundary that the owner of the app has drawn.

A drift outside is looked at and told: an operator may look at anything, and an NSG may lie elsewhere than the
subnet that it guards. Nothing opens this brake, neither an approval nor a run. Before each edit is sent the
settings are asked again (``shared.controller.before_edits``), so that no other way leads past it.
"""

from __future__ import annotations

from collections.abc import Iterable

from shared.guardrails.question import Question
from shared.model import Action, Decision, Reason
from shared.model.resource_id import ResourceId


def outside_scopes(question: Question) -> Decision | None:
    """Alert where the change would edit something outside of the scopes."""
    context = question.context
    if not context.outside:
        return None
    return question.answered(Action.ALERT, Reason.OUTSIDE_SCOPES, lies_outside(context.outside))


def lies_outside(resources: Iterable[ResourceId]) -> str:
    """What to say of resources that are not written, and of the setting that says so."""
    return f"not in SCOPES: {', '.join(map(str, resources))}"
