"""The HTTP server around a world: sockets and bytes only.

Requests are served by one thread per connection, HTTP/1.1 with keep-alive. This is the standard library's
server: werkzeug's development server closes every connection and waits 10 ms for leftovers after each
request, which would dominate every figure that a benchmark reads here. `stop` cuts the open connections
and joins every thread.
"""

from __future__ import annotations

import json
import socket
import threading
import uuid
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import parse_qsl, unquote, urlsplit

from local.simulator import cloud
from local.simulator.admin import PREFIX, AdminRequest, parse_json, serve_admin
from local.simulator.arm import Dropped, serve
from local.simulator.switches import BadInput, Switches
from local.simulator.values import (
    Answer,
    ArmRequest,
    Caller,
    JsonValue,
    as_object,
    bad_request,
    parse_address,
)
from local.simulator.world import World

_CORRELATION = "x-ms-correlation-request-id"


def _ignore(_line: str) -> None:
    """The log of those who want none."""


class _Server(ThreadingHTTPServer):
    """Knows its open connections, so that a stop does not wait for idle clients."""

    daemon_threads = False
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], world: World) -> None:
        self.world = world
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(address, _Handler)

    def track(self, connection: socket.socket) -> None:
        with self._open_lock:
            self._open.add(connection)

    def forget(self, connection: socket.socket) -> None:
        with self._open_lock:
            self._open.discard(connection)

    def cut_connections(self) -> None:
        with self._open_lock:
            for connection in self._open:
                _cut(connection)


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the client was faster: it is closed already


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        threading.current_thread().name = "simulator-connection"
        self.server.track(self.connection)

    def finish(self) -> None:
        self.server.forget(self.connection)
        super().finish()

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True  # the client went away, which is its right

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
        """Silence: the world logs calls."""

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            answer = self._answer(raw)
        except Dropped:
            self.close_connection = True
            _cut(self.connection)
            return
        self._send(answer)

    do_HEAD = do_GET = do_PUT = do_PATCH = do_POST = do_DELETE = _serve  # noqa: N815  # names that the base class looks up

    def _answer(self, raw: bytes) -> Answer:
        if self.headers.get("Transfer-Encoding"):
            self.close_connection = True  # an unread body would be taken for the next request
            return Answer(status=HTTPStatus.LENGTH_REQUIRED)
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            body = parse_json(raw)
        except BadInput as error:
            return bad_request("InvalidRequestContent", str(error)).answer()
        if path == PREFIX or path.startswith(f"{PREFIX}/"):
            admin = AdminRequest(method=self.command, path=path, query=query, body=body, args={})
            return serve_admin(self.server.world, admin)
        if cloud.is_asked(self.command, path):
            return cloud.metadata(_base_url(headers), query.get("api-version", ""))
        if self.command == "HEAD":
            found = serve(self.server.world, _arm_request("GET", path, query, headers, body))
            return _existence(found)
        return serve(self.server.world, _arm_request(self.command, path, query, headers, body))

    def _send(self, answer: Answer) -> None:
        payload = b"" if answer.body is None else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if payload:
            self.send_header("Content-Type", "application/json; charset=utf-8")
        if answer.status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)


def _existence(found: Answer) -> Answer:
    """What HEAD tells of what GET would: 204 where it is there, and never a body."""
    status = HTTPStatus.NO_CONTENT if found.status == HTTPStatus.OK else found.status
    return Answer(status=status, headers=found.headers)


def _arm_request(
    method: str, path: str, query: dict[str, str], headers: dict[str, str], body: JsonValue
) -> ArmRequest:
    """The call as ARM sees it; the caller is found out later."""
    return ArmRequest(
        method=method,
        address=parse_address(path),
        query=query,
        body=as_object(body),
        headers=headers,
        caller=Caller(app_id=""),
        correlation_id=headers.get(_CORRELATION) or str(uuid.uuid4()),
        base_url=_base_url(headers),
    )


def _base_url(headers: dict[str, str]) -> str:
    """The address by which the caller came, also where something in between speaks TLS for us."""
    return f"{headers.get('x-forwarded-proto', 'http')}://{headers.get('host') or 'localhost'}"


class SimulatorServer:
    """A simulator that listens on loopback. `log` gets one line per ARM call."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        switches: Switches | None = None,
        log: Callable[[str], None] | None = None,
    ) -> None:
        self.world = World(switches or Switches(), log or _ignore)
        self._server = _Server((host, port), self.world)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="simulator-http"
        )

    @property
    def url(self) -> str:
        host, port = self._server.server_address[:2]
        return f"http://{host if isinstance(host, str) else host.decode()}:{port}"

    def start(self) -> None:
        self.world.start()
        self._thread.start()

    def stop(self) -> None:
        """End everything and wait for it: no thread and no socket is left."""
        self._server.shutdown()
        self.world.stop()
        self._server.cut_connections()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> SimulatorServer:
        self.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()
