"""One ARM call from its parts to its answer: what is asked of every call, in this order.

Token, api-version, injected fault, role, then by kind: a poll, Resource Graph, a question, a read, or a write
(lock, handler, operation, event). Every call is logged. What a type of resource does is the handlers'
(`handlers.py`); what must not live here: any rule of one type, and the sockets.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus

from local.simulator import graph, handlers, listing, polls, questions
from local.simulator.access import caller_of, refuse_if_locked, require
from local.simulator.calls import HEADERS_OF_INTEREST, Call, CallKind
from local.simulator.events import Deed, Outcome, Verb
from local.simulator.faults import Drop, Hang, Refuse
from local.simulator.operations import Operation, OperationFailure
from local.simulator.switches import EventAt
from local.simulator.values import Accepted, Answer, ArmError, ArmRequest, Caller, bad_request
from local.simulator.world import World

_VERBS = {"PUT": Verb.WRITE, "PATCH": Verb.WRITE, "DELETE": Verb.DELETE, "POST": Verb.ACTION}

_WRITES = (CallKind.WRITE, CallKind.DELETE, CallKind.ACTION)


class Dropped(Exception):
    """The connection is to be closed without an answer (an injected fault)."""


def serve(world: World, request: ArmRequest) -> Answer:
    """Answer one call and log it. Raises Dropped."""
    status, caller = 0, Caller(app_id="")
    counted: dict[str, str] = {}
    try:
        caller = caller_of(request.headers.get("authorization", ""))
        if world.switches.throttling:
            with world.lock:
                counted = world.buckets.take(replace(request, caller=caller), world.now())
        answer = _serve_known(world, replace(request, caller=caller))
        status = answer.status
    except ArmError as error:
        answer = error.answer()
        status = error.status
    finally:
        _log(world, replace(request, caller=caller), status)
    return replace(answer, headers=dict(answer.headers) | _common_headers(world, request) | counted)


def _serve_known(world: World, request: ArmRequest) -> Answer:
    if not request.api_version:
        raise bad_request(
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    meet_fault(world, request.method, request.address.path, request.caller.app_id)
    with world.lock:
        if polls.is_poll(request.address):
            require(world.roles, request.caller, polls.poll_action(request.address), request.address.path)
            return polls.answer_poll(world, request)
        if graph.is_query(request):
            return graph.answer_query(world, request)
        kind = handlers.canonical_type(request)
        require(world.roles, request.caller, _action(request, kind), handlers.scope_of(request))
        if (answer := questions.answer(world, request, kind)) is not None:
            return answer
        if request.method == "GET":
            return listing.read(world, request)
        return _write(world, request)


def meet_fault(world: World, method: str, path: str, app_id: str) -> None:
    """Let an injected fault happen: raises ArmError or Dropped, or waits. Called without the lock."""
    with world.lock:
        then = world.faults.take(method, path, app_id)
    match then:
        case Refuse():
            raise then.error()
        case Hang(seconds=seconds):
            world.stopping.wait(seconds)
        case Drop():
            raise Dropped
        case None:
            return


def _write(world: World, request: ArmRequest) -> Answer:
    refuse_if_locked(world.store, request.method, handlers.scope_of(request))
    accepted = handlers.begin(world, request)
    if accepted.status == HTTPStatus.NO_CONTENT:
        return Answer(status=accepted.status)
    deed = Deed(
        verb=_VERBS[request.method],
        operation=_action(request, handlers.operation_name(handlers.canonical_type(request))),
        subject=handlers.subject_of(request),
        existed=accepted.existed,
    )
    return _perform(world, request, accepted, deed)


def _perform(world: World, request: ArmRequest, accepted: Accepted, deed: Deed) -> Answer:
    """Do it now, or begin its operation; either way the event follows."""
    if not accepted.holds:
        accepted.finish()
        world.raise_event(request, deed, Outcome.SUCCESS)
        return Answer(status=accepted.status, body=accepted.body(), headers=accepted.headers)
    failure = world.faults.take_failure(request.method, request.address.path, request.caller.app_id)
    early = world.switches.event_at is EventAt.ACCEPTED
    if early:
        world.raise_event(request, deed, Outcome.SUCCESS)
    ending = _Ending(world=world, request=request, accepted=accepted, deed=deed, failure=failure, told=early)
    now = world.now()
    operation = Operation(
        method=request.method,
        subject=deed.subject,
        holds=accepted.holds,
        state=accepted.state,
        started=now,
        due=now + world.switches.operation_seconds,
        failure=failure,
        done=ending.reach,
        result=accepted.result,
    )
    world.operations.begin(operation)
    headers = polls.operation_headers(world, request, accepted, operation.id)
    return Answer(status=accepted.status, body=accepted.body(), headers=dict(accepted.headers) | headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ending:
    """What happens when an operation ends: the change or its undoing, and the event that was not yet told."""

    world: World
    request: ArmRequest
    accepted: Accepted
    deed: Deed
    failure: OperationFailure | None
    told: bool

    def reach(self) -> None:
        settle: Callable[[], None] = self.accepted.undo if self.failure else self.accepted.finish
        settle()
        status = "Failed" if self.failure else "Succeeded"
        self.world.activity.add(
            self.request, self.deed.operation, self.deed.subject, status, self.world.now()
        )
        if self.failure:
            self.world.raise_event(self.request, self.deed, Outcome.FAILURE)
        elif not self.told:
            self.world.raise_event(self.request, self.deed, Outcome.SUCCESS)


def _action(request: ArmRequest, kind: str) -> str:
    """The action that a role must hold, which is also the event's operation name."""
    match request.method:
        case "GET":
            return f"{kind}/read"
        case "PUT" | "PATCH":
            return f"{kind}/write"
        case "DELETE":
            return f"{kind}/delete"
        case _:
            return f"{kind}/action"


def _log(world: World, request: ArmRequest, status: int) -> None:
    with world.lock:
        call = Call(
            seq=world.calls.next_seq(),
            time=world.now(),
            method=request.method,
            path=request.address.path,
            api_version=request.api_version,
            status=status,
            kind=_kind(request),
            caller=request.caller,
            body=request.body or None,
            headers={name: request.headers[name] for name in HEADERS_OF_INTEREST if name in request.headers},
            correlation_id=request.correlation_id,
        )
        world.calls.add(call)
        if call.kind in _WRITES and request.caller.app_id and status:
            _log_activity(world, request, status)
    world.log(f"{call.method} {call.path} {call.status} {call.caller.name or call.caller.app_id}")


def _log_activity(world: World, request: ArmRequest, status: int) -> None:
    """What Azure's own log tells of a write, also of one that was refused."""
    told = "Accepted" if status == HTTPStatus.ACCEPTED else "Succeeded" if status < 300 else "Failed"
    operation = _action(request, handlers.operation_name(handlers.canonical_type(request)))
    world.activity.add(request, operation, handlers.subject_of(request), told, world.now())


def _kind(request: ArmRequest) -> CallKind:
    if polls.is_poll(request.address):
        return CallKind.POLL
    if request.method == "GET" or graph.is_query(request) or _is_question(request):
        return CallKind.READ
    if request.method == "POST":
        return CallKind.ACTION
    return CallKind.DELETE if request.method == "DELETE" else CallKind.WRITE


def _is_question(request: ArmRequest) -> bool:
    return questions.is_one(request.method, handlers.canonical_type(request))


def _common_headers(world: World, request: ArmRequest) -> dict[str, str]:
    """Ids to correlate by, and a remaining quota that only looks real while nothing is throttled."""
    budget = {"GET": "reads", "DELETE": "deletes"}.get(request.method, "writes")
    remaining = 11999 - world.calls.last % 11000
    return {
        "x-ms-request-id": str(uuid.uuid4()),
        "x-ms-correlation-request-id": request.correlation_id,
        f"x-ms-ratelimit-remaining-subscription-{budget}": str(remaining),
        f"x-ms-ratelimit-remaining-subscription-global-{budget}": str(remaining),
    }
