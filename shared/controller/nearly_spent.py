"""People are warned before a budget ends: what drifts after its last write is told, and waits for room.

A claim that takes a resource group or a subscription past four fifths of a purse opens one alert for the two,
which names what spends it. The sweep resolves it when the hour has less again. The alert's id for policies is
``budget-nearly-spent``; it stands on the target whose write it was and names the scope as its resource.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final

from shared.alerts.lifecycle import Pattern, Sighting, alert_id, open_alert
from shared.controller.deps import Deps
from shared.controller.notifying import end_alert, open_once
from shared.guardrails.budget import Bound, Budget, Purchase, scope_bounds
from shared.model import (
    Action,
    ComplianceState,
    Decision,
    Finding,
    Json,
    Purse,
    Reason,
    Severity,
    Target,
)
from shared.model.alert_records import AlertRecord, AlertStatus
from shared.model.change_records import ChangeRecord
from shared.model.resource_id import ResourceId
from shared.model.values import value

NEARLY_SPENT: Final = Pattern(
    id="budget-nearly-spent",
    title="The budget of writes is nearly spent",
    why="When it is spent, drift here is told and waits for its revert until the hour has room again.",
    no_command="it has room again by itself, an hour after what was written",
)

_NAMED: Final = 3
_LOOKED_THROUGH: Final = 500
"""The newest changes, among which those of the hour are looked for."""


@value
class _Scope:
    """A resource group or subscription with what is spent there of one purse."""

    id: ResourceId
    purse: Purse
    bound: Bound

    @property
    def is_nearly_spent(self) -> bool:
        return self.bound.is_nearly_spent(0)

    def alert_on(self, target: Target) -> str:
        """One id for the scope and the purse, whosever write it was."""
        return alert_id(NEARLY_SPENT.id, Target(kind=target.kind, id=self.id), self.purse)


def warn_of_budget(change: ChangeRecord, purse: Purse, deps: Deps) -> None:
    """Tell people, once, of every budget that the claim of ``change`` took past its mark."""
    target = change.change.target
    spent = deps.store.budget(target.id.subscription, deps.clock.now())
    for scope in _scopes(target, purse, spent, deps):
        if scope.is_nearly_spent:
            told = partial(_warning, scope, change, deps)
            open_once(scope.alert_on(target), told, change.cause, deps)


def end_warnings(deps: Deps) -> None:
    """Resolve the alerts of budgets that have room again."""
    for alert in deps.store.alerts(policy=NEARLY_SPENT.id, limit=None):
        if alert.status is not AlertStatus.RESOLVED and not _still_nearly_spent(alert, deps):
            end_alert(alert, "there is room in the budget again", deps)


def _still_nearly_spent(alert: AlertRecord, deps: Deps) -> bool:
    spent = deps.store.budget(alert.target.id.subscription, deps.clock.now())
    scopes = _scopes(alert.target, Purse(alert.fingerprint), spent, deps)
    return any(scope.id == alert.resource_id and scope.is_nearly_spent for scope in scopes)


def _scopes(target: Target, purse: Purse, spent: Budget, deps: Deps) -> Iterator[_Scope]:
    """The resource group and the subscription of the target, in this order."""
    subscription = f"/subscriptions/{target.id.subscription}"
    ids = (f"{subscription}/resourceGroups/{target.id.resource_group}", subscription)
    nothing_more = Purchase(target=target, writes=0, purse=purse)
    bounds = scope_bounds(nothing_more, spent, deps.configuration.limits, deps.clock.now())
    for scope, bound in zip(ids, bounds, strict=True):
        yield _Scope(id=ResourceId(scope), purse=purse, bound=bound)


def _warning(scope: _Scope, change: ChangeRecord, deps: Deps) -> AlertRecord:
    return open_alert(NEARLY_SPENT, _sighting(scope, change, deps), deps.portal_link(scope.id))


def _sighting(scope: _Scope, change: ChangeRecord, deps: Deps) -> Sighting:
    finding = Finding(
        policy=NEARLY_SPENT.id,
        target=change.change.target,
        state=ComplianceState.ERROR,
        severity=Severity.HIGH,
        reason=scope.bound.told(scope.purse),
        resource_id=scope.id,
        evidence=_evidence(scope, deps),
        fingerprint=scope.purse,
    )
    decision = Decision(policy=NEARLY_SPENT.id, action=Action.ALERT, reason=Reason.BUDGET_NEARLY_SPENT)
    return Sighting(finding=finding, decision=decision, cause=change.cause, now=deps.clock.now())


def _evidence(scope: _Scope, deps: Deps) -> Mapping[str, Json]:
    """What spends it, as far as the journal still lists the writes of the hour."""
    ids = {entry.change for entry in scope.bound.spent}
    changes = [one.change for one in deps.store.changes(limit=_LOOKED_THROUGH) if one.id in ids]
    return {
        "purse": scope.purse,
        "used": scope.bound.used,
        "cap": scope.bound.cap,
        "policies": _most_frequent(change.policy for change in changes),
        "targets": _most_frequent(str(change.target.id) for change in changes),
    }


def _most_frequent(names: Iterator[str]) -> list[str]:
    return [f"{name}: {count}" for name, count in Counter(names).most_common(_NAMED)]
