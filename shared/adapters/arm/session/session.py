"""One run's conversation with ARM: every request is counted, guarded, classified; reads are retried.

The SDK calls back for each request and each answer (``raw_request_hook`` and ``raw_response_hook``, given
per call, so that clients can be shared between runs): also for refusals and for every further page of a
list. A request that got no answer is counted with status 0.

tenacity lives here and only here: a read or a poll that fails in passing is asked again, at most three
times and ten seconds in all. A write is sent once: whether it is worth sending again is not ARM's to say
but the caller's, after a new reading. What must not live here: resource shapes, policy words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final, NotRequired, TypedDict, TypeVar
from urllib.parse import urlsplit

from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.rest import HttpRequest, HttpResponse
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, stop_before_delay

from shared.adapters.arm.session.clients import READ_SECONDS, ArmClients, same_host
from shared.adapters.arm.session.errors import SDK_ERRORS, Asked, retry_after, translate
from shared.adapters.arm.session.pace import RESERVE
from shared.adapters.identity import no_token
from shared.model import ArmCall, Json, ServerState
from shared.model.errors import Busy, GatewayError, Permanent, Throttled, Transient
from shared.model.interfaces import Clock
from shared.model.values import value

ATTEMPTS: Final = 3
BUDGET_SECONDS: Final = 10.0
READING_SECONDS: Final = 45.0
"""For all that one reading of a target asks. A look that verifies a change is minded for a minute."""
LONGEST_WAIT_SECONDS: Final = 5.0
MOST_PAGES: Final = 50
"""Of one list, whoever goes through them. A page of Resource Graph has 1,000 rows, any other some hundred."""


class TookTooLong(Transient):
    """A reading has used up its time: what is left of it is not asked for."""


_T = TypeVar("_T")
Request = PipelineRequest[HttpRequest]
Response = PipelineResponse[HttpRequest, HttpResponse]


class Hooks(TypedDict):
    """Keyword arguments that every SDK operation takes."""

    raw_request_hook: Callable[[Request], None]
    raw_response_hook: Callable[[Response], None]
    read_timeout: NotRequired[float]


@value
class Accepted:
    """What ARM said to a write that it took."""

    status: int
    async_operation: str | None = None
    location: str | None = None
    correlation_id: str | None = None
    retry_after_seconds: float | None = None


class Session:
    """The clients, the clock and the calls of one run. Not for several threads at once."""

    def __init__(self, clients: ArmClients, clock: Clock, sleep: Callable[[float], None]) -> None:
        self.clients = clients
        self.clock = clock
        self.reserve = RESERVE
        """How much of a bucket is left to others; what can wait leaves ``SWEEP_RESERVE``."""
        self.calls: list[ArmCall] = []
        self.troubles: list[Transient] = []
        self._sleep = sleep
        self._reading_until: datetime | None = None

    def begin_reading(self) -> None:
        """What is asked from now on belongs to one reading of a target, which has a time to be done in."""
        self._reading_until = self.clock.now() + timedelta(seconds=READING_SECONDS)

    def ask(
        self,
        request: Callable[[Hooks], _T],
        asked: Asked = Asked.READ,
        server: ServerState | None = None,
    ) -> _T:
        """Send a read or a poll, again where that helps. Raises a classified ``GatewayError``; one that
        passes is among the ``troubles``, whoever catches it. A read is not sent any more when the reading of
        which it is a part has taken too long."""
        retrying = Retrying(
            retry=retry_if_exception(_is_worth_asking_again),
            stop=stop_after_attempt(ATTEMPTS) | stop_before_delay(BUDGET_SECONDS),
            wait=_wait,
            sleep=self._pause,
            reraise=True,
        )
        try:
            return retrying(lambda: self.classified(lambda: request(self._hooks(asked)), asked, server))
        except Transient as passing:
            self.trouble(passing)
            raise

    def trouble(self, passing: Transient) -> Transient:
        """The error, noted: what it kept from being read may be read a little later."""
        self.troubles.append(passing)
        return passing

    def tell(self, request: Callable[[Hooks], object], server: ServerState | None) -> Accepted:
        """Send a write, once. ``server`` is the state in which the written server was last seen."""
        answers: list[Accepted] = []

        def note(response: Response) -> None:
            self._answered(response)
            answers.append(self._accepted(response))

        hooks: Hooks = {"raw_request_hook": self._asked, "raw_response_hook": note}
        try:
            self.classified(lambda: request(hooks), Asked.WRITE, server)
        except GatewayError:
            # The SDK refuses a success that its specification does not list (200 for 202) and a body that
            # it cannot read. ARM took the write all the same: what it did is read back, not guessed here.
            if not (answers and answers[-1].status < 300):
                raise
        return answers[-1]

    def classified(
        self, send: Callable[[], _T], asked: Asked = Asked.READ, server: ServerState | None = None
    ) -> _T:
        """Do it once; what the SDK raises becomes a ``GatewayError``."""
        try:
            return send()
        except SDK_ERRORS as error:
            raise self._named(translate(error, asked, now=self.clock.now(), server=server)) from error

    def _hooks(self, asked: Asked) -> Hooks:
        """For one operation of an SDK, which asks for page after page by itself."""
        left = self._left() if asked is Asked.READ else READ_SECONDS
        pages = count(1)

        def ask(request: Request) -> None:
            if next(pages) > MOST_PAGES:
                raise endless(urlsplit(request.http_request.url).path)
            self._asked(request)

        return {"raw_request_hook": ask, "raw_response_hook": self._answered, "read_timeout": left}

    def _left(self) -> float:
        """Seconds that a read may wait for its answer. Raises ``Transient`` where none are left."""
        if self._reading_until is None:
            return READ_SECONDS
        left = (self._reading_until - self.clock.now()).total_seconds()
        if left <= 0:
            said = f"not asked: what was read of the target before took {READING_SECONDS:.0f} s"
            raise TookTooLong(said, code="ReadingTooSlow")
        return min(left, READ_SECONDS)

    def _asked(self, request: Request) -> None:
        """Count the request; refuse one that a link in an answer would send to another host."""
        method, url = request.http_request.method, request.http_request.url
        if not same_host(url, self.clients.endpoint):
            raise Permanent(f"refused to follow a link to {urlsplit(url).hostname!r}", code="ForeignHost")
        path = urlsplit(url).path
        self._keep_pace(method, path)
        self.calls.append(ArmCall(method=method, path=path, status=0))

    def _keep_pace(self, method: str, path: str) -> None:
        """Wait a moment where a bucket runs low. What would take longer is not asked now: the queue waits."""
        wait = self.clients.pace.wait(method, path, self.clock.now(), self.reserve)
        if wait > LONGEST_WAIT_SECONDS:
            raise Throttled(f"{method} {path} is throttled for {wait:.0f} s", code="Paced", retry_after=wait)
        self._pause(wait)

    def _pause(self, seconds: float) -> None:
        if seconds:
            self._sleep(seconds)

    def _answered(self, response: Response) -> None:
        last, answer = self.calls[-1], response.http_response
        self.calls[-1] = ArmCall(method=last.method, path=last.path, status=answer.status_code)
        self.clients.pace.note(last.method, last.path, answer.headers, self.clock.now())

    def _named(self, error: GatewayError) -> GatewayError:
        """The error with the request that it answers; a 429 is remembered by all runs."""
        if not self.calls:
            return error
        last = self.calls[-1]
        error.request = f"{last.method} {last.path}"
        if isinstance(error, Throttled):
            self.clients.pace.refused(last.method, last.path, error, self.clock.now())
        return error

    def _accepted(self, response: Response) -> Accepted:
        headers = response.http_response.headers
        return Accepted(
            status=response.http_response.status_code,
            async_operation=headers.get("Azure-AsyncOperation"),
            location=headers.get("Location"),
            correlation_id=headers.get("x-ms-correlation-request-id"),
            retry_after_seconds=retry_after(headers, self.clock.now()),
        )


def endless(what: str) -> Permanent:
    """What is raised instead of going through pages for ever."""
    return Permanent(f"the list of {what} has no end: {MOST_PAGES} pages were read", code="EndlessList")


def body_of(response: Response, _model: object, _headers: object) -> Json:
    """For an operation's ``cls``: the answer's own JSON instead of a model that knows only some fields."""
    return response.http_response.json()


def bodies_of(pages: Iterable[Any]) -> list[Json]:
    """The items of a list of models as plain JSON; one that is no object stays what it is."""
    return [one if _is_plain(one) else one.as_dict() for one in items_of(pages)]


def items_of(pages: Iterable[Any]) -> list[Any]:
    """The items of all pages. Raises ``Permanent`` for a page without a list: the SDKs go through whatever
    stands there, and fall over null, and over a page that is no object."""
    try:
        return [*pages]
    except (TypeError, AttributeError) as error:
        raise Permanent("the answer holds no list", code="MalformedAnswer") from error


def _is_plain(one: object) -> bool:
    """Whether it is JSON already, and no model of an SDK."""
    return one is None or isinstance(one, str | int | float | list | dict)


def _is_worth_asking_again(error: BaseException) -> bool:
    if not isinstance(error, Transient) or isinstance(error, Busy | TookTooLong):
        return False
    if no_token(error):  # azure-identity asks its own services again; that nobody is signed in does not pass
        return False
    return error.retry_after is None or error.retry_after <= LONGEST_WAIT_SECONDS


def _wait(state: RetryCallState) -> float:
    """As long as ARM asks; otherwise one second, then two. After a 429 the pace waits before the request."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, Throttled):
        return 0.0
    if isinstance(error, Transient) and error.retry_after is not None:
        return error.retry_after
    return float(2 ** (state.attempt_number - 1))
