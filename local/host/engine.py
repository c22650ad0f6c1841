"""Drives the real Functions engine (`azure-functions-runtime`) in this process.

It is the engine that Azure runs for Python 3.13 and later: it imports `function_app.py`, checks every
decorator against its function, decodes payloads with the library's converters, runs synchronous functions on
its thread pool and coroutines on its loop. What the host around it does (routes, queues, timers, keys) is not
here.

One app per process: the engine keeps its registry of functions in module globals, and an imported
`function_app` cannot be unimported. A second `Engine` is refused; tests use one child process per app.

The engine keeps quiet about two mistakes, so this module does not: a missing `function_app.py` and an app
without functions both initialise successfully with nothing in them; here they are `NoFunctions`.
"""

import asyncio
import importlib
import json
import sys
import threading
import time
import uuid
from collections.abc import Awaitable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Protocol, assert_never, cast

from werkzeug.http import dump_cookie

from local.host import engine_messages as messages

Binding = Mapping[str, object]


class EngineError(Exception):
    """The app cannot be served."""


class IndexingFailed(EngineError):
    """The engine refused the app. The text is the engine's own; `stack` is its traceback."""

    def __init__(self, message: str, stack: str) -> None:
        super().__init__(message)
        self.stack = stack


class NoFunctions(EngineError):
    """The engine took the app and found no function in it."""


class EngineInUse(EngineError):
    """This process already holds an app."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionInfo:
    """A function as the engine reports it. Bindings have the names and values of a `function.json`."""

    name: str
    trigger: Binding
    bindings: tuple[Binding, ...]
    script_file: str
    entry_point: str
    function_id: str = field(repr=False)

    @property
    def trigger_type(self) -> str:
        """`httpTrigger`, `eventGridTrigger`, `queueTrigger`, `timerTrigger`, …"""
        return str(self.trigger["type"])

    @property
    def trigger_parameter(self) -> str:
        return str(self.trigger["name"])


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonPayload:
    """JSON text: what an Event Grid or a timer trigger takes."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPayload:
    """Plain text: what a queue trigger takes (the host has undone base64)."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BytesPayload:
    """A queue message that is no UTF-8."""

    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpPayload:
    """What an HTTP trigger takes; `params` are the route parameters."""

    method: str
    url: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    params: Mapping[str, str]
    body: bytes


Payload = JsonPayload | TextPayload | BytesPayload | HttpPayload
Metadata = Mapping[str, str]
NO_METADATA: Metadata = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """What an HTTP function answered. A header may occur more than once (`Set-Cookie`)."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class InvocationResult:
    """One execution. `error` is `Type: message` and `stack` the traceback; both None when `ok`."""

    invocation_id: str
    ok: bool
    milliseconds: float
    returned: str | bytes | None = None
    http: HttpAnswer | None = None
    error: str | None = None
    stack: str | None = None


class _Runtime(Protocol):
    """The part of the untyped `azure_functions_runtime` that is used, as its 1.3.0 source has it."""

    def worker_init_request(self, request: object) -> Awaitable[messages.WorkerInitResponse]: ...
    def functions_metadata_request(self, request: object) -> Awaitable[messages.FunctionMetadataResponse]: ...
    def invocation_request(self, request: object) -> Awaitable[messages.InvocationResponse]: ...
    def start_threadpool_executor(self) -> None: ...


_claimed = threading.Lock()


class Engine:
    """The engine with one app loaded. `submit` and `invoke` may be called from any thread."""

    def __init__(self, app_root: Path) -> None:
        """Index the app. Raises IndexingFailed, NoFunctions or EngineInUse."""
        if not _claimed.acquire(blocking=False):
            raise EngineInUse("this process already holds an app: the engine keeps it in module globals")
        self._runtime = cast(_Runtime, importlib.import_module("azure_functions_runtime"))
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="engine", daemon=True).start()
        self._runtime.start_threadpool_executor()
        self.functions = asyncio.run_coroutine_threadsafe(
            self._index(app_root.resolve()), self._loop
        ).result()
        self._by_name = {info.name: info for info in self.functions}

    def submit(
        self, name: str, inputs: Mapping[str, Payload], metadata: Metadata = NO_METADATA
    ) -> "Future[InvocationResult]":
        """Begin one execution. `inputs` are payloads by parameter name; an unknown function is a KeyError."""
        invocation = SimpleNamespace(
            invocation_id=str(uuid.uuid4()),
            function_id=self._by_name[name].function_id,
            input_data=[
                messages.ParameterBinding(name=key, data=_typed(value)) for key, value in inputs.items()
            ],
            trigger_metadata={key: messages.TypedData(string=value) for key, value in metadata.items()},
            trace_context=SimpleNamespace(trace_parent="", trace_state="", attributes={}),
            retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
        )
        return asyncio.run_coroutine_threadsafe(self._execute(invocation), self._loop)

    def invoke(
        self, name: str, inputs: Mapping[str, Payload], metadata: Metadata = NO_METADATA
    ) -> InvocationResult:
        """Execute and wait. A function that raises is a result that is not `ok`, never an exception here."""
        return self.submit(name, inputs, metadata).result()

    async def _index(self, app_root: Path) -> tuple[FunctionInfo, ...]:
        # The worker process of Azure starts with the app root on its path; the engine relies on it.
        sys.path.insert(0, str(app_root))
        started = await self._runtime.worker_init_request(
            _request(
                worker_init_request=SimpleNamespace(capabilities={}, function_app_directory=str(app_root))
            )
        )
        if started.result.exception is not None:
            raise IndexingFailed(started.result.exception.message, started.result.exception.stack_trace)
        reported = await self._runtime.functions_metadata_request(_request())
        if not reported.function_metadata_results:
            raise NoFunctions(f"no functions found in {app_root}: is there a function_app.py that adds any?")
        return tuple(_function(found) for found in reported.function_metadata_results)

    async def _execute(self, invocation: SimpleNamespace) -> InvocationResult:
        begun = time.perf_counter()
        try:
            response = await self._runtime.invocation_request(_request(invocation_request=invocation))
        except SystemExit as left:
            # The engine lets it through and Azure's worker process ends; here it would end the loop unseen.
            response = _failed(invocation.invocation_id, f"SystemExit: {left}")
        return _result(response, (time.perf_counter() - begun) * 1000)


def _failed(invocation_id: str, message: str) -> messages.InvocationResponse:
    failure = messages.StatusResult(
        status=messages.StatusResult.Failure, exception=messages.RpcException(message=message)
    )
    return messages.InvocationResponse(invocation_id=invocation_id, result=failure)


def _result(response: messages.InvocationResponse, milliseconds: float) -> InvocationResult:
    failure = response.result.exception
    returned = response.return_value
    http = returned.value if returned is not None and returned.kind == "http" else None
    return InvocationResult(
        invocation_id=response.invocation_id,
        ok=response.result.status == messages.StatusResult.Success,
        milliseconds=milliseconds,
        returned=None if returned is None or http is not None else cast("str | bytes", returned.value),
        http=None if http is None else _http_answer(cast(messages.RpcHttp, http)),
        error=None if failure is None else failure.message,
        stack=None if failure is None else failure.stack_trace,
    )


def _request(**request: SimpleNamespace) -> SimpleNamespace:
    return SimpleNamespace(
        request=SimpleNamespace(**request), properties={"host": "127.0.0.1", "protos": messages}
    )


def _function(found: messages.RpcFunctionMetadata) -> FunctionInfo:
    bindings = tuple(cast(Binding, json.loads(raw)) for raw in found.raw_bindings)
    return FunctionInfo(
        name=found.name,
        trigger=next(binding for binding in bindings if str(binding["type"]).lower().endswith("trigger")),
        bindings=bindings,
        script_file=found.script_file,
        entry_point=found.entry_point,
        function_id=found.function_id,
    )


def _typed(payload: Payload) -> messages.TypedData:
    match payload:
        case JsonPayload(text=text):
            return messages.TypedData(json=text)
        case TextPayload(text=text):
            return messages.TypedData(string=text)
        case BytesPayload(data=data):
            return messages.TypedData(bytes=data)
        case HttpPayload():
            http = SimpleNamespace(
                method=payload.method,
                url=payload.url,
                headers=payload.headers,
                query=payload.query,
                params=payload.params,
                # The worker asks for raw bytes (capability RawHttpBodyBytes), so the host never sends text.
                body=messages.TypedData(bytes=payload.body),
            )
            return messages.TypedData(http=http)
        case _:
            assert_never(payload)


def _http_answer(http: messages.RpcHttp) -> HttpAnswer:
    cookies = tuple(("Set-Cookie", _cookie(cookie)) for cookie in http.cookies or ())
    body = http.body.value if http.body is not None else b""
    return HttpAnswer(
        status=int(http.status_code),
        headers=(*http.headers.items(), *cookies),
        body=body.encode() if isinstance(body, str) else cast(bytes, body),
    )


def _cookie(cookie: messages.RpcHttpCookie) -> str:
    def value(name: str) -> object:
        held = getattr(cookie, name)
        return None if held is None else held.value

    expires = cast("messages.Timestamp | None", value("expires"))
    max_age = cast("float | None", value("max_age"))
    return dump_cookie(
        cookie.name,
        cookie.value,
        max_age=None if max_age is None else int(max_age),
        expires=None if expires is None else expires.seconds,
        path=cast("str | None", value("path")) or None,
        domain=cast("str | None", value("domain")) or None,
        secure=bool(value("secure")),
        httponly=bool(value("http_only")),
        samesite=cookie.same_site,
    )
