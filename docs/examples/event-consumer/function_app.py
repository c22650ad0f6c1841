"""A function that takes Driftward's events from the custom topic: a beginning for one of your own.

Subscribe it as a web hook with the CloudEvents schema:

    az eventgrid event-subscription create --name tickets --source-resource-id <the topic's id> \
        --endpoint "https://<app>.azurewebsites.net/api/driftward?code=<key>" \
        --event-delivery-schema cloudeventschemav1_0

Event Grid delivers at least once and in no order: an event is known by its ``id``, and what is newest of an
alert by its ``time``. Every change of an alert's life is an event, of advice and of what an incident tells of
too: whoever wants less filters by ``data.severity`` or ``data.incident``. The schema is
``docs/schemas/driftward-event.schema.json``; fields may be added to it. Texts in an event hold names that
strangers have chosen: escape them where you show them.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from typing import Any

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
_seen: set[str] = set()
"""Of this process: keep it where your tickets are."""


@app.route(route="driftward", methods=["OPTIONS", "POST"])
def driftward(request: func.HttpRequest) -> func.HttpResponse:
    """Answer the handshake of CloudEvents' web hooks, or take one event or several."""
    if request.method == "OPTIONS":
        origin = request.headers.get("WebHook-Request-Origin", "")
        return func.HttpResponse(status_code=200, headers={"WebHook-Allowed-Origin": origin})
    for line in lines_of(json.loads(request.get_body()), _seen):
        logging.info("%s", line)
    return func.HttpResponse(status_code=204)


def lines_of(body: Any, seen: set[str]) -> Iterable[str]:
    """What is to be told of the events that were not seen before."""
    for event in body if isinstance(body, list) else [body]:
        if event["id"] not in seen:
            seen.add(event["id"])
            yield line_of(event)


def line_of(event: Mapping[str, Any]) -> str:
    """``open High postgres-… /subscriptions/…``: what a ticket needs to be found again."""
    data = event["data"]
    match str(event["type"]).split("."):
        case ["Driftward", "Alert", _]:
            return f"{data['id']} {data['status']} {data['severity']} {data['policy']} {event['subject']}"
        case ["Driftward", "Change", what]:
            return f"{data['id']} {what} {data['policy']} {event['subject']}"
        case _:  # a type that is newer than this consumer
            return f"{event['id']} {event['type']} {event['subject']}"
