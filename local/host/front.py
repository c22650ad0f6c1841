"""The HTTP side of the emulated Functions host: `/api/*`, the Event Grid webhook and `/admin/*`.

A request becomes the payload that the host would send to the worker: header names in lower case, several
values of one name joined by commas, empty query values dropped, a body only where `Content-Length` says so
(all of it in azure-functions-host, `GrpcMessageConversionExtensions.ToRpcHttp`). A function that raises is
a 500 without a body, and one that takes longer than the limit is a 504 while it runs on; Azure's load
balancer cuts at 230 s.

Keys: only where the host was given one are they asked for, in `x-functions-key` or `?code=`, for functions
whose level is not anonymous and for `/admin/functions`. There is one key that is function, host and
master key at once; Azure tells them apart, and the Core Tools ask for none.
"""

import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from werkzeug import Request, Response

from local.host.engine import FunctionInfo, HttpPayload, InvocationResult, JsonPayload, Payload, TextPayload
from local.host.http_paths import Route, RouteMatch, compile_routes, match_route
from local.host.settings import HostOptions
from local.host.webhook import Execute, answer_event_grid

HTTP_LIMIT_SECONDS = 230.0
EMULATION = "an emulation of the Azure Functions host, not the Core Tools"


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """Answers requests; holds no state but the functions it serves."""

    functions: Mapping[str, FunctionInfo]
    routes: tuple[Route, ...]
    execute: Execute
    key: str | None
    limit_seconds: float

    def answer(self, request: Request) -> Response:
        path = request.path.rstrip("/").lower()
        if path == "/runtime/webhooks/eventgrid":
            return answer_event_grid(request, self.functions, self.execute)
        if path == "/admin" or path.startswith("/admin/"):
            return self._admin(request, path)
        found = match_route(self.routes, request.method, _raw_path(request))
        if found is not None:
            return self._call(request, found)
        return Response(EMULATION, 200) if not path else Response(status=404)

    def _call(self, request: Request, found: RouteMatch) -> Response:
        level = str(found.function.trigger.get("authLevel", "FUNCTION")).upper()
        if level != "ANONYMOUS" and not self._admitted(request):
            return Response(status=401)
        running = self.execute(found.function, _http_payload(request, found.params), {})
        try:
            return _http_response(running.result(timeout=self.limit_seconds))
        except TimeoutError:
            return Response(f"no answer within {self.limit_seconds:g} s", 504)

    def _admin(self, request: Request, path: str) -> Response:
        match path.split("/")[2:], request.method:
            case ["host", "ping"], "GET" | "POST":
                return Response(status=200)
            case ["host", "status"], "GET":
                return _json({"state": "Running", "emulation": EMULATION, "functions": len(self.functions)})
            case ["functions", *_], _ if not self._admitted(request):
                return Response(status=401)
            case ["functions"], "GET":
                return _json([_described(function) for function in self.functions.values()])
            case ["functions", name], "GET" | "POST":
                return self._function(request, name)
            case _:
                return Response(status=404)

    def _function(self, request: Request, name: str) -> Response:
        function = next((held for held in self.functions.values() if held.name.lower() == name), None)
        if function is None:
            return Response(status=404)
        if request.method == "GET":
            return _json(_described(function))
        try:
            wanted = json.loads(request.get_data())
        except ValueError as error:
            return Response(f'the body must be {{"input": …}}: {error}', 400)
        if not isinstance(wanted, dict):
            return Response('the body must be {"input": …}', 400)
        given = wanted.get("input", "")
        self.execute(
            function, _manual_payload(function, given if isinstance(given, str) else json.dumps(given)), {}
        )
        return Response(status=202)

    def _admitted(self, request: Request) -> bool:
        if self.key is None:
            return True
        given = request.headers.get("x-functions-key") or request.args.get("code") or ""
        return hmac.compare_digest(given.encode(), self.key.encode())


def build_front(
    functions: Iterable[FunctionInfo],
    execute: Execute,
    options: HostOptions,
    *,
    key: str | None = None,
    limit_seconds: float = HTTP_LIMIT_SECONDS,
) -> Front:
    """The front for these functions. SettingsError where a route template is not emulated."""
    held = {function.name: function for function in functions}
    return Front(
        functions=held,
        routes=compile_routes(held.values(), options.route_prefix),
        execute=execute,
        key=key,
        limit_seconds=limit_seconds,
    )


def timer_payload() -> JsonPayload:
    """What a timer function is given. No run is ever late here: there is no schedule monitor."""
    return JsonPayload(text=json.dumps({"Schedule": {"AdjustForDST": True}, "IsPastDue": False}))


def _manual_payload(function: FunctionInfo, given: str) -> Payload:
    match function.trigger_type:
        case "httpTrigger":
            return HttpPayload(method="POST", url="", headers={}, query={}, params={}, body=given.encode())
        case "timerTrigger":
            return timer_payload()
        case "eventGridTrigger":
            return JsonPayload(text=given)
        case _:
            return TextPayload(text=given)


def _http_payload(request: Request, params: Mapping[str, str]) -> HttpPayload:
    queries = {name: ",".join(values) for name, values in request.args.lists()}
    return HttpPayload(
        method=request.method,
        url=f"{request.host_url.rstrip('/')}{_sent_target(request)}",
        headers={name.lower(): value for name, value in request.headers.items()},
        query={name: value for name, value in queries.items() if value},
        params=params,
        body=request.get_data() if request.content_length else b"",
    )


def _http_response(result: InvocationResult) -> Response:
    if not result.ok:
        return Response(status=500)
    if result.http is not None:
        return Response(result.http.body, result.http.status, headers=list(result.http.headers))
    return Response(result.returned or "", 200, mimetype="text/plain")


def _described(function: FunctionInfo) -> dict[str, object]:
    return {
        "name": function.name,
        "language": "python",
        "isDisabled": False,
        "config": {
            "name": function.name,
            "entryPoint": function.entry_point,
            "scriptFile": function.script_file,
            "bindings": list(function.bindings),
        },
    }


def _json(content: object) -> Response:
    return Response(json.dumps(content), mimetype="application/json")


def _raw_path(request: Request) -> str:
    """The path as it was sent: decoding first would let `%2F` split a route parameter."""
    return _sent_target(request).partition("?")[0]


def _sent_target(request: Request) -> str:
    """Path and query as they stood in the request line; the environment has them from Werkzeug's server."""
    return str(request.environ.get("REQUEST_URI") or request.full_path)
