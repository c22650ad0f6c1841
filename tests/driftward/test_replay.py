"""`driftward replay`: one request per event, with the headers of its schema, and stable exit codes."""

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from driftward.cli import main
from local.dev.processes import free_port

_EVENT_GRID = {
    "id": "1",
    "eventType": "Microsoft.Resources.ResourceWriteSuccess",
    "subject": "/s",
    "data": {},
}
_CLOUD = {"specversion": "1.0", "id": "2", "type": "t", "source": "/s", "subject": "/s", "data": {}}


@dataclass
class Webhook:
    """An endpoint that notes what it gets and answers as it is told."""

    status: int = 202
    url: str = ""
    got: list[tuple[dict[str, str], object]] = field(default_factory=list)


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    held = Webhook()

    class Handler(BaseHTTPRequestHandler):
        webhook: ClassVar[Webhook] = held

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            headers = {name.lower(): text for name, text in self.headers.items()}
            self.webhook.got.append((headers, body))
            self.send_response(self.webhook.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Silence."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        held.url = f"http://127.0.0.1:{server.server_address[1]}/hook?code=k"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield held
        server.shutdown()
        thread.join()


def _file(folder: Path, content: object) -> str:
    path = folder / "event.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


def test_an_event_grid_event_travels_alone_in_an_array(webhook: Webhook, tmp_path: Path) -> None:
    assert main(["replay", _file(tmp_path, [_EVENT_GRID, _EVENT_GRID]), "--to", webhook.url]) == 0
    assert [body for _, body in webhook.got] == [[_EVENT_GRID], [_EVENT_GRID]]
    assert webhook.got[0][0]["aeg-event-type"] == "Notification"
    assert webhook.got[0][0]["content-type"] == "application/json; charset=utf-8"


def test_a_cloud_event_travels_as_an_object(webhook: Webhook, tmp_path: Path) -> None:
    assert main(["replay", _file(tmp_path, _CLOUD), "--to", webhook.url]) == 0
    assert [body for _, body in webhook.got] == [_CLOUD]
    assert webhook.got[0][0]["content-type"] == "application/cloudevents+json; charset=utf-8"


def test_a_refused_event_is_exit_1_and_the_rest_is_delivered(
    webhook: Webhook, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    webhook.status = 500
    assert main(["replay", _file(tmp_path, [_EVENT_GRID, _CLOUD]), "--to", webhook.url]) == 1
    assert len(webhook.got) == 2
    assert "refused (500)" in capsys.readouterr().out


def test_no_answer_is_a_refusal(tmp_path: Path) -> None:
    assert main(["replay", _file(tmp_path, _CLOUD), "--to", f"http://127.0.0.1:{free_port()}/"]) == 1


@pytest.mark.parametrize("content", [{"neither": 1}, [], ["text"], [_CLOUD, {"id": "3"}]])
def test_a_file_that_holds_no_events_is_unusable_and_nothing_is_sent(
    content: object, webhook: Webhook, tmp_path: Path
) -> None:
    assert main(["replay", _file(tmp_path, content), "--to", webhook.url]) == 2
    assert webhook.got == []


def test_a_file_that_is_absent_or_no_json_is_unusable(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("[{", encoding="utf-8")
    assert main(["replay", str(tmp_path / "broken.json"), "--to", "http://127.0.0.1/"]) == 2
    assert main(["replay", str(tmp_path / "absent.json"), "--to", "http://127.0.0.1/"]) == 2


@pytest.mark.parametrize("url", ["localhost:7071", "ftp://127.0.0.1/", "http://"])
def test_a_url_that_is_no_web_address_is_unusable(url: str, tmp_path: Path) -> None:
    assert main(["replay", _file(tmp_path, _CLOUD), "--to", url]) == 2


@pytest.mark.parametrize(
    "url",
    ["http://[::1", "http://h:99999/", "http://h:port/", "http://a b/", "http://h/x\ny", "http://h/é", "x"],
)
def test_a_url_that_is_none_is_exit_2(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", _file(tmp_path, _CLOUD), "--to", url]) == 2
    assert "an http:// or https:// URL is expected" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a": \x00}', "", "no JSON"])
def test_a_file_that_is_no_json_is_told_in_words(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "event.json"
    path.write_text(text, encoding="utf-8")
    assert main(["replay", str(path), "--to", "http://127.0.0.1:9/"]) == 2
    assert "event.json: no JSON" in capsys.readouterr().err


def test_an_answer_that_is_no_http_is_no_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(b"\x00\x01\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        assert main(["replay", _file(tmp_path, {**_CLOUD, "type": "\x1b[31m\ud800"}), "--to", url]) == 1
        thread.join()
    said = capsys.readouterr().out
    assert said.startswith("refused (no answer: ")
    assert "\x1b" not in said
