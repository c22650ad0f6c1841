"""Emulates the Event Grid extension of the Functions host: `/runtime/webhooks/EventGrid?functionName=NAME`.

The behaviour is that of the extension's source (azure-sdk-for-net,
Microsoft.Azure.WebJobs.Extensions.EventGrid: `EventGridExtensionConfigProvider`, `HttpRequestProcessor`):
the header `aeg-event-type` selects the branch, every event of a notification is one execution, all of them
run in parallel, and one failure makes the whole request a 500, which Event Grid redelivers. A function that
does not exist (or has another trigger) is a 404, its name compared with case. A body that is not JSON, or
neither an array nor an object, throws in the extension: 500 without any execution. An element that is no
object reaches the engine, whose converter fails it.

`OPTIONS` answers the CloudEvents 1.0 webhook handshake (HTTP 1.1 Web Hooks for Event Delivery, §4). The key
that Azure asks for here (a system key in `?code=`) is not asked for.
"""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import Future

from werkzeug import Request, Response

from local.host.engine import FunctionInfo, InvocationResult, JsonPayload, Metadata, Payload

Execute = Callable[[FunctionInfo, Payload, Metadata], "Future[InvocationResult]"]
"""Begins one execution of a function, with its trigger's payload and metadata."""


def answer_event_grid(request: Request, functions: Mapping[str, FunctionInfo], execute: Execute) -> Response:
    """Answer one request; `functions` are all functions by name."""
    name = request.args.get("functionName", "")
    function = functions.get(name)
    if function is None or function.trigger_type != "eventGridTrigger":
        return Response(f"cannot find function: '{name}'", 404)
    if request.method == "OPTIONS":
        return _allow_delivery(request)
    match request.headers.get("aeg-event-type", "").lower():
        case "subscriptionvalidation":
            return _handshake(request)
        case "notification":
            return _deliver(request, function, execute)
        case "unsubscribe":
            return Response(status=202)
        case _:
            return Response("the header aeg-event-type is missing or unknown", 400)


def _allow_delivery(request: Request) -> Response:
    origin = request.headers.get("WebHook-Request-Origin")
    if origin is None:
        return Response("the header WebHook-Request-Origin is missing", 400)
    rate = request.headers.get("WebHook-Request-Rate", "*")
    return Response(status=200, headers={"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": rate})


def _handshake(request: Request) -> Response:
    """Event Grid schema: an array of one. CloudEvents: one object whose `data` is JSON inside a string."""
    try:
        match _parse(request):
            case [{"data": {"validationCode": code}}, *_]:
                pass
            case {"data": str(encoded)}:
                code = json.loads(encoded)["validationCode"]
            case {"data": {"validationCode": code}}:
                pass
            case _:
                return Response("no validationCode in the body", 500)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        return Response(f"unreadable validation event: {error}", 500)
    return Response(json.dumps({"validationResponse": str(code)}), mimetype="application/json")


def _deliver(request: Request, function: FunctionInfo, execute: Execute) -> Response:
    try:
        content = _parse(request)
    except (ValueError, RecursionError) as error:
        return Response(f"the body is not JSON: {error}", 500)
    if not isinstance(content, list | dict):
        return Response("the body is neither a JSON array nor an object", 500)
    events = content if isinstance(content, list) else [content]
    running = [execute(function, JsonPayload(text=json.dumps(event)), {}) for event in events]
    results = [future.result() for future in running]
    failures = [result.error for result in results if not result.ok]
    return Response(failures[0], 500) if failures else Response(status=202)


def _parse(request: Request) -> object:
    # The extension reads the body as text before it parses: a byte that is no UTF-8 fails nothing by itself.
    parsed: object = json.loads(request.get_data().decode("utf-8", "replace"))
    return parsed
