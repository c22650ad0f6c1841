"""`driftward replay EVENT.json --to URL`: recorded events to a webhook, as Event Grid posts them.

The file holds one event or a list, in the Event Grid schema or as CloudEvents 1.0; each event goes in a
request of its own, with the headers that belong to its schema. What an event says is not looked at here: the
webhook's answer is the point. Exit codes: 0 all accepted (2xx), 1 one was refused or got no answer, 2 the
file or the URL is unusable.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click

from driftward.documents import document
from driftward.options import debug
from driftward.refusing import plain, refuse
from shared.model import Json
from shared.model.values import value
from shared.nsg.asking import BadInput

_ANSWER_SECONDS: Final = 30
_SHOWN_CHARACTERS: Final = 200
_HELP: Final = """\
Posts recorded events to a webhook, each in a request of its own, as Event Grid would. The file holds one
event or a list, in the Event Grid schema or as CloudEvents 1.0.

\b
  driftward replay event.json --to "http://127.0.0.1:7071/runtime/webhooks/..."
"""
_EPILOG: Final = """\
Exit codes: 0 all events were accepted; 1 one was refused or got no answer; 2 the file or the URL cannot be
used.
"""


class Unusable(ValueError):
    """The file or the URL is not what it should be."""


@value
class Delivery:
    """One request to a webhook."""

    label: str
    body: bytes
    headers: Mapping[str, str]


@click.command("replay", help=_HELP, epilog=_EPILOG)
@click.argument("file", metavar="EVENT.json", type=click.Path(path_type=Path))
@click.option("--to", "url", metavar="URL", required=True, help="The webhook, with its key.")
@debug
def replay(file: Path, url: str) -> int:
    """Post every event of the file; a line per event says what the webhook answered."""
    try:
        _check_url(url)
        deliveries = read_deliveries(file)
    except Unusable as error:
        return refuse(error)
    accepted = [_post(delivery, url) for delivery in deliveries]
    return 0 if all(accepted) else 1


def read_deliveries(path: Path) -> list[Delivery]:
    """The requests that deliver the file's events. Raises Unusable."""
    try:
        content = document(str(path), "file")
    except BadInput as error:
        raise Unusable(str(error)) from error
    events = content if isinstance(content, list) else [content]
    if not events:
        raise Unusable(f"{path}: the list holds no event")
    return [_delivery(event, f"{path}: event {number}") for number, event in enumerate(events, start=1)]


def _delivery(event: Json, where: str) -> Delivery:
    if not isinstance(event, dict):
        raise Unusable(f"{where} is not an object")
    body: Json
    if "specversion" in event:
        body, media = event, "application/cloudevents+json"
    elif "eventType" in event:
        body, media = [event], "application/json"
    else:
        raise Unusable(f"{where} has neither eventType (Event Grid schema) nor specversion (CloudEvents)")
    return Delivery(
        label=f"{event.get('type') or event.get('eventType')} {event.get('subject', '')}".strip(),
        body=json.dumps(body).encode(),
        headers={"Content-Type": f"{media}; charset=utf-8", "aeg-event-type": "Notification"},
    )


def _check_url(url: str) -> None:
    if not _is_usable(url):
        raise Unusable(f"--to {url}: an http:// or https:// URL is expected")


def _is_usable(url: str) -> bool:
    """Whether a request can be sent there; blanks and letters beyond ASCII have to be escaped in a URL."""
    try:
        parts = urlsplit(url)
        told = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none, brackets without an address
        return False
    return told and url.isascii() and url.isprintable() and " " not in url


def _post(delivery: Delivery, url: str) -> bool:
    status, said = _answer(delivery, url)
    accepted = 200 <= status < 300
    shown = f"{status} {said}".strip() if status else said
    told = f"{'accepted' if accepted else 'refused'} ({shown[:_SHOWN_CHARACTERS]}): {delivery.label}"
    print(plain(told), flush=True)
    return accepted


def _answer(delivery: Delivery, url: str) -> tuple[int, str]:
    """Status and text; status 0 where there was no answer."""
    request = urllib.request.Request(url, data=delivery.body, headers=dict(delivery.headers), method="POST")
    try:
        with urllib.request.urlopen(request, timeout=_ANSWER_SECONDS) as reply:
            return reply.status, reply.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        return 0, f"no answer: {error}"
