"""An app over HTTP for the commands that ask one: the routes of the API over a world, keys written down."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar, Protocol, TypeVar
from urllib.parse import parse_qsl, urlsplit

from shared.api import ApiResponse
from shared.api.routes import ROUTES
from shared.model import Json
from tests.api.calling import call
from tests.fakes import World

Held = TypeVar("Held", bound="Answering")


class Answering(Protocol):
    """What answers over HTTP; `lost` is how many readings get no answer."""

    url: str
    lost: int

    def answer(self, handler: BaseHTTPRequestHandler, body: Json) -> ApiResponse: ...


@dataclass
class Served:
    """An app over HTTP, with what it was asked and the keys that came along."""

    world: World
    url: str = ""
    keys: list[str | None] = field(default_factory=list)
    asked: list[tuple[str, Json]] = field(default_factory=list)
    """Method and path, and the body."""
    page: int = 100
    link: str | None = None
    redirect: str | None = None
    lost: int = 0
    """Answers to readings that never come."""
    meanwhile: Callable[[], object] | None = None
    """What happens before the next deed."""
    works: bool = False
    """Whether its queue is drained before each answer."""

    def deeds(self) -> list[tuple[str, Json]]:
        return [(path, body) for path, body in self.asked if path.startswith("POST")]

    def answer(self, handler: BaseHTTPRequestHandler, body: Json) -> ApiResponse:
        """What the app says to a request."""
        self.keys.append(handler.headers["x-functions-key"] or handler.headers["Authorization"])
        parts = urlsplit(handler.path)
        self.asked.append((f"{handler.command} {parts.path}", body))
        self._let_happen(handler.command)
        name, parameter = route_of(handler.command, parts.path.removeprefix("/api/"))
        query = {**self._paging(name), **dict(parse_qsl(parts.query))}
        headers = {"host": handler.headers["Host"], "x-forwarded-proto": "http"}
        found = call(self.world, name, body, id=parameter, query=query, headers=headers)
        moved = {"Location": self.redirect} if self.redirect else {}
        link = {"Link": self.link} if self.link else {}
        status = 302 if self.redirect else found.status
        return replace(found, status=status, headers={**found.headers, **link, **moved})

    def _let_happen(self, method: str) -> None:
        if self.works:
            self.world.drain(5)
        if method == "POST" and self.meanwhile is not None:
            self.meanwhile()

    def _paging(self, name: str) -> dict[str, str]:
        listings = {"list_alerts", "list_changes", "list_exemptions"}
        return {"limit": str(self.page)} if name in listings else {}


class _Handler(BaseHTTPRequestHandler):
    held: ClassVar[Answering]

    def do_GET(self) -> None:
        if self.held.lost:
            self.held.lost -= 1
            return
        self._say(self.held.answer(self, None))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._say(self.held.answer(self, body))

    def _say(self, found: ApiResponse) -> None:
        self.send_response(found.status)
        for name, text in found.headers.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(json.dumps(found.body).encode())

    def log_message(self, *_: object) -> None:
        """Silence."""


@contextmanager
def served(world: World) -> Iterator[Served]:
    with serving(Served(world)) as held:
        yield held


@contextmanager
def serving(held: Held) -> Iterator[Held]:
    handler = type("Handler", (_Handler,), {"held": held})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        held.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield held
        server.shutdown()
        thread.join()


def route_of(method: str, path: str) -> tuple[str, str | None]:
    for route in ROUTES:
        found = re.fullmatch(re.escape(route.path).replace(r"\{id\}", "([^/]+)"), path)
        if found is not None and route.method == method:
            return route.name, found[1] if found.groups() else None
    raise LookupError(f"{method} {path}")
