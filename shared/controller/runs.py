"""Runs that an operator starts: one resource straight through, a scope by the queue.

The same code as for events; only the cause differs. What names no target is refused: a run that looked at
nothing and is done would read like one that found nothing. The stricter of the request and
``ENFORCEMENT_MODE`` wins: asking to enforce while the app audits is refused, not quietly lowered.
"""

from __future__ import annotations

from dataclasses import replace

from shared.controller.deps import Deps
from shared.controller.dispatch import look_at, nothing_in
from shared.controller.event_targets import locate
from shared.model import Actor, Cause, CauseKind, EnforcementMode, Locator, LocatorKind, Target
from shared.model.errors import GatewayError, Gone, StoreError, Transient
from shared.model.messages import Message, MessageKind, RunOptions
from shared.model.resource_id import ResourceId
from shared.model.results import RunRecord, RunStatus, with_status
from shared.model.values import value


class EnforcementDisabled(Exception):
    """A write was asked for while ``ENFORCEMENT_MODE`` is audit."""


class NotATarget(ValueError):
    """The resource is of a type that nothing is known about."""


class NamesNothing(ValueError):
    """No target is found where the request says; ``field`` is the part of the request that says it."""

    def __init__(self, detail: str, field: str) -> None:
        super().__init__(detail)
        self.field = field


@value
class RunRequest:
    """Exactly one of ``resource`` and ``scope`` is set."""

    actor: Actor
    resource: ResourceId | None = None
    scope: ResourceId | None = None
    enforcement: EnforcementMode | None = None
    policies: tuple[str, ...] | None = None
    adopt: bool = False


def refuse_under_audit(deps: Deps, *, wants_to_write: bool) -> None:
    """Raises ``EnforcementDisabled`` when a write is asked for and the app only audits."""
    if wants_to_write and deps.settings.mode is EnforcementMode.AUDIT:
        raise EnforcementDisabled("ENFORCEMENT_MODE is audit: nothing is written to Azure")


def start_run(request: RunRequest, deps: Deps) -> RunRecord:
    """Start a run and return it: finished, in progress, or queued.

    Raises ``EnforcementDisabled``, ``NotATarget``, ``NamesNothing``, and a ``GatewayError`` when the resource
    cannot be read at all.
    """
    refuse_under_audit(deps, wants_to_write=request.enforcement is EnforcementMode.ENFORCE)
    found = locate(request.resource) if request.resource is not None else None
    if request.resource is not None and found is None:
        raise NotATarget(f"{request.resource.type} is no resource type that a policy looks at")
    if isinstance(found, Locator):
        return _through_the_queue(request, found, _named_by(found, deps), deps)
    if found is None:
        assert request.scope is not None
        _refuse_empty(request.scope, deps)
    run = deps.store.put_run(_new_run(request, found, deps))
    if found is not None:
        return _straight_through(run, found, _options(run, request), deps)
    return _enqueue_scope(run, request, deps)


def read_run(run_id: str, deps: Deps) -> RunRecord | None:
    """The run with what has arrived so far."""
    run = deps.store.run(run_id)
    return with_status(run) if run is not None else None


def _named_by(locator: Locator, deps: Deps) -> tuple[Target, ...]:
    """The targets that a read and the relation index know; the latter alone knows whose names a DNS zone
    resolves. Raises ``NamesNothing``."""
    try:
        read = deps.gateway.find_targets(locator).targets
    except Gone as gone:
        raise NamesNothing(f"there is no resource {locator.id}", "resourceId") from gone
    targets = tuple(dict.fromkeys((*read, *deps.store.related(locator))))
    if not targets:
        detail = f"nothing of PostgreSQL hangs on {locator.id}: there is nothing to look at"
        raise NamesNothing(detail, "resourceId")
    return targets


def _refuse_empty(scope: ResourceId, deps: Deps) -> None:
    """Raises ``NamesNothing`` for a scope in which no target is found. Where that cannot be told now, it is
    when the queue comes to the run."""
    try:
        if any(page.targets for page in deps.gateway.enumerate(scope)):
            return
    except Transient:
        return
    raise NamesNothing(nothing_in(scope), "scope")


def _options(run: RunRecord, request: RunRequest) -> RunOptions:
    return RunOptions(
        run_id=run.id,
        enforcement=request.enforcement,
        policies=request.policies,
        adopt=request.adopt,
    )


def _new_run(request: RunRequest, found: Target | Locator | None, deps: Deps) -> RunRecord:
    now = deps.clock.now()
    return RunRecord(
        id=deps.new_id(),
        status=RunStatus.QUEUED,
        cause=Cause(kind=CauseKind.OPERATOR, time=now, actor=request.actor),
        enforcement=request.enforcement or deps.settings.mode,
        created_at=now,
        target=found if isinstance(found, Target) else None,
        scope=request.scope,
        policies=request.policies,
        adopt=request.adopt,
        total=1 if isinstance(found, Target) else None,
    )


def _straight_through(run: RunRecord, target: Target, options: RunOptions, deps: Deps) -> RunRecord:
    try:
        look_at(target, run.cause, deps, options)
    except (GatewayError, StoreError) as error:
        deps.store.put_run(replace(run, error=str(error)))
        raise
    finished = deps.store.run(run.id)
    assert finished is not None  # put before the look
    return with_status(finished)


def _through_the_queue(
    request: RunRequest, locator: Locator, targets: tuple[Target, ...], deps: Deps
) -> RunRecord:
    """What is no target itself: those that it names are looked at through the queue."""
    run = deps.store.put_run(replace(_new_run(request, locator, deps), total=len(targets)))
    options = _options(run, request)
    for target in targets:
        deps.store.send(Message(kind=MessageKind.RECHECK, target=target, cause=run.cause, options=options))
    return with_status(run)


def _enqueue_scope(run: RunRecord, request: RunRequest, deps: Deps) -> RunRecord:
    assert request.scope is not None
    deps.store.send(
        Message(
            kind=MessageKind.SCOPE,
            locator=Locator(kind=LocatorKind.SCOPE, id=request.scope),
            cause=run.cause,
            options=_options(run, request),
        )
    )
    return run
