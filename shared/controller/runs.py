"""Runs that an operator starts: one resource straight through, a scope by the queue.

The same code as for events; only the cause differs. The stricter of the request and
``ENFORCEMENT_MODE`` wins: asking to enforce while the app audits is refused, not quietly lowered.
"""

from __future__ import annotations

from dataclasses import replace

from shared.controller.deps import Deps
from shared.controller.dispatch import look_at
from shared.controller.event_targets import locate
from shared.model import Actor, Cause, CauseKind, EnforcementMode, Locator, LocatorKind, Target
from shared.model.errors import GatewayError, StoreError
from shared.model.messages import Message, MessageKind, RunOptions
from shared.model.resource_id import ResourceId
from shared.model.results import RunRecord, RunStatus, with_status
from shared.model.values import value


class EnforcementDisabled(Exception):
    """A write was asked for while ``ENFORCEMENT_MODE`` is audit."""


class NotATarget(ValueError):
    """The resource is of a type that nothing is known about."""


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

    Raises ``EnforcementDisabled``, ``NotATarget``, and a ``GatewayError`` when the resource cannot
    be read at all.
    """
    refuse_under_audit(deps, wants_to_write=request.enforcement is EnforcementMode.ENFORCE)
    found = locate(request.resource) if request.resource is not None else None
    if request.resource is not None and found is None:
        raise NotATarget(f"{request.resource.type} is no resource type that a policy looks at")
    run = deps.store.put_run(_new_run(request, found, deps))
    options = RunOptions(
        run_id=run.id,
        enforcement=request.enforcement,
        policies=request.policies,
        adopt=request.adopt,
    )
    if isinstance(found, Target):
        return _straight_through(run, found, options, deps)
    if found is not None:
        return _through_the_queue(run, found, options, deps)
    assert request.scope is not None
    return _enqueue_scope(run, request.scope, options, deps)


def read_run(run_id: str, deps: Deps) -> RunRecord | None:
    """The run with what has arrived so far."""
    run = deps.store.run(run_id)
    return with_status(run) if run is not None else None


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


def _through_the_queue(run: RunRecord, locator: Locator, options: RunOptions, deps: Deps) -> RunRecord:
    """What is no target itself: those that it names are found by a read and by the relation index, which
    alone knows whose names a DNS zone resolves, and looked at through the queue."""
    read = deps.gateway.find_targets(locator).targets
    targets = tuple(dict.fromkeys((*read, *deps.store.related(locator))))
    for target in targets:
        deps.store.send(Message(kind=MessageKind.RECHECK, target=target, cause=run.cause, options=options))
    return with_status(deps.store.put_run(replace(run, total=len(targets))))


def _enqueue_scope(run: RunRecord, scope: ResourceId, options: RunOptions, deps: Deps) -> RunRecord:
    deps.store.send(
        Message(
            kind=MessageKind.SCOPE,
            locator=Locator(kind=LocatorKind.SCOPE, id=scope),
            cause=run.cause,
            options=options,
        )
    )
    return run
