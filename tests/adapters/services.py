"""Services on this machine that take and refuse what the real ones do, as far as their limits are documented.

Everything is HTTP but mail. A path begins with the host that it was meant for. PagerDuty and Opsgenie keep
their incidents, so that one which was opened by one process can be ended by another.
"""

from __future__ import annotations

import json
import re
import socketserver
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field, replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Final
from urllib.parse import unquote, urlsplit

from shared.adapters.channels import Answer, Outgoing, exchange
from shared.model import Json
from shared.model.values import value


@value
class Taken:
    """A request that a service took."""

    host: str
    path: str
    body: Json


class Refused(Exception):
    """The service answers 400 and says why."""


class Services:
    def __init__(self, port: int) -> None:
        self._port = port
        self.is_down = False
        self.taken: list[Taken] = []
        self.incidents: dict[str, str] = {}
        """What is open at PagerDuty and Opsgenie, by key: its state."""

    def ask(self, request: Outgoing) -> Answer:
        """The request over the network, to this machine."""
        parts = urlsplit(request.url)
        here = f"http://127.0.0.1:{self._port}/{parts.netloc}{parts.path}?{parts.query}"
        return exchange(replace(request, url=here))

    def answer(self, path: str, body: bytes) -> tuple[int, str]:
        host, _, rest = path.lstrip("/").partition("/")
        if self.is_down:
            return 503, "down"
        document = json.loads(body)
        try:
            _CHECKS[host](f"/{rest}", document, body, self)
        except Refused as why:
            return 400, str(why)
        self.taken.append(Taken(host=host, path=f"/{rest}", body=document))
        return 202, "{}"


def _need(holds: object, why: str) -> None:
    if not holds:
        raise Refused(why)


# --- Teams -----------------------------------------------------------------------------------------


def _teams(path: str, message: Json, body: bytes, _: Services) -> None:
    _need(len(body) <= 28 * 1024, "the message is too large")
    _need("sig=" in path, "no signature")
    _need(message["type"] == "message", "no message")
    (attachment,) = message["attachments"]
    _need(attachment["contentType"] == "application/vnd.microsoft.card.adaptive", "no card")
    card = attachment["content"]
    _need(
        card["type"] == "AdaptiveCard" and card["version"] in {"1.0", "1.1", "1.2"},
        "a mobile shows no such card",
    )
    _need(card["body"], "an empty card")
    for block in card["body"]:
        _need(block["type"] == "RichTextBlock" and block["inlines"], "an empty or unknown block")
        _need(all(run["type"] == "TextRun" and run["text"] for run in block["inlines"]), "an empty run")
        _need(all(map(_leads_well, block["inlines"])), "letters that lead nowhere")
    _need(all(one["url"].startswith("https://") for one in card["actions"]), "a link that is none")


def _leads_well(run: Json) -> bool:
    """``TextRun.selectAction``, which letters need not have."""
    action = run.get("selectAction", {"type": "Action.OpenUrl", "url": "https://"})
    return bool(action["type"] == "Action.OpenUrl" and action["url"].startswith("https://"))


# --- Slack -----------------------------------------------------------------------------------------


def _slack(_path: str, message: Json, _body: bytes, _services: Services) -> None:
    blocks = message["blocks"]
    _need(0 < len(blocks) <= 50, "invalid_blocks")
    _need(len(json.dumps(blocks, ensure_ascii=False)) <= 13_000, "msg_blocks_too_long")
    _need(re.search(r"<[!@#]", message["text"]) is None, "a mention")
    for block in blocks:
        match block["type"]:
            case "header":
                _need(
                    block["text"]["type"] == "plain_text" and 0 < len(block["text"]["text"]) <= 150, "header"
                )
            case "rich_text":
                _need(block["elements"], "an empty block")
                list(map(_rich, block["elements"]))
            case _:
                raise Refused("a block of letters that format")


def _rich(element: Json) -> None:
    match element["type"]:
        case "text":
            _need(0 < len(element["text"]) <= 3_000, "a text that is empty or too long")
        case "link":
            _need(0 < len(element["url"]) <= 3_000 and element["url"].startswith("https://"), "link")
        case "rich_text_section" | "rich_text_list" | "rich_text_preformatted":
            _need(element["elements"], "an empty element")
            list(map(_rich, element["elements"]))
        case _:
            raise Refused("an element that mentions or is unknown")


# --- PagerDuty and Opsgenie ------------------------------------------------------------------------


def _pagerduty(path: str, event: Json, body: bytes, services: Services) -> None:
    _need(len(body) <= 512 * 1024 and event["routing_key"], "too large, or nobody's")
    payload = event["payload"]
    _need(0 < len(payload["summary"]) <= 1_024 and payload["source"] and payload["timestamp"], "payload")
    if path.startswith("/v2/change/enqueue"):
        return
    key = event["dedup_key"]
    _need(path.startswith("/v2/enqueue") and 0 < len(key) <= 255, "dedup_key")
    _need(payload["severity"] in {"critical", "error", "warning", "info"}, "severity")
    _need(event["event_action"] in {"trigger", "acknowledge", "resolve"}, "event_action")
    _move(services.incidents, key, event["event_action"])


def _opsgenie(path: str, asked: Json, _body: bytes, services: Services) -> None:
    parts = urlsplit(path)
    if parts.path == "/v2/alerts":
        _need(0 < len(asked["message"]) <= 130, "message")
        _need(0 < len(asked["alias"]) <= 512 and len(asked["entity"]) <= 512, "alias, entity")
        _need(len(asked["description"]) <= 15_000, "description")
        _need(asked["priority"] in {"P1", "P2", "P3", "P4", "P5"}, "priority")
        _need(sum(len(f"{name}{text}") for name, text in asked["details"].items()) <= 8_000, "details")
        _move(services.incidents, asked["alias"], "trigger")
        return
    _need(parts.query == "identifierType=alias", "an identifier that nobody here knows")
    _need(len(asked.get("note", "")) <= 25_000, "note")
    alias, _, verb = parts.path.removeprefix("/v2/alerts/").partition("/")
    _move(services.incidents, unquote(alias), {"close": "resolve"}.get(verb, verb))


def _move(incidents: dict[str, str], key: str, action: str) -> None:
    """What is not open cannot be acknowledged or ended; a trigger of what is open changes nothing."""
    match action:
        case "trigger":
            incidents.setdefault(key, "triggered")
        case "acknowledge" if key in incidents:
            incidents[key] = "acknowledged"
        case "resolve":
            incidents.pop(key, None)


_CHECKS: Final[Mapping[str, Callable[[str, Json, bytes, Services], None]]] = {
    "prod-12.westus.logic.azure.com:443": _teams,
    "hooks.slack.com": _slack,
    "events.pagerduty.com": _pagerduty,
    "api.opsgenie.com": _opsgenie,
}


@contextmanager
def serving() -> Iterator[Services]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, text = services.answer(self.path, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def do_PUT(self) -> None:
            self.do_POST()

        def log_message(self, *args: object) -> None:
            """Nothing on standard error."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        services = Services(server.server_port)
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield services
        server.shutdown()
        thread.join()


# --- mail ------------------------------------------------------------------------------------------


@value
class Mailbox:
    """A mail server: what it took, with whom each was for."""

    port: int = 0
    mails: list[tuple[tuple[str, ...], EmailMessage]] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    """Addresses that it refuses."""


class _MailHandler(socketserver.StreamRequestHandler):
    box: Mailbox

    def handle(self) -> None:
        self._say("220 here")
        receivers: list[str] = []
        for line in self.rfile:
            self._answer(line, receivers)

    def _answer(self, line: bytes, receivers: list[str]) -> None:
        match line[:4].upper():
            case b"RCPT":
                address = line.decode().partition("<")[2].partition(">")[0]
                is_known = address not in self.box.unknown
                receivers += [address] if is_known else []
                self._say("250 fine" if is_known else "550 nobody")
            case b"DATA":
                self._say("354 go on")
                self.box.mails.append((tuple(receivers), self._mail()))
                self._say("250 fine")
            case _:
                self._say("250 fine")

    def _mail(self) -> EmailMessage:
        lines: list[bytes] = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            assert len(line) <= 1_000  # RFC 5321, 4.5.3.1.6
            lines.append(line[1:] if line.startswith(b"..") else line)
        mail = message_from_bytes(b"".join(lines), policy=policy.default)
        assert isinstance(mail, EmailMessage)
        return mail

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    box = Mailbox()
    handler = type("Handler", (_MailHandler,), {"box": box})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield replace(box, port=server.server_address[1])
        server.shutdown()
        thread.join()
