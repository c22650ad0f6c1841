"""Sinks against a small HTTP server with state: what goes over the wire, and what a failure becomes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from shared.adapters.sinks import AppriseSink, EventGridSink, cloud_event, event_grid_sink
from shared.config.settings import Settings
from shared.model import Json, Severity
from shared.model.alert_records import Notification, NotificationType
from shared.model.clouds import Cloud
from shared.model.errors import ConfigurationError, SinkError
from shared.model.interfaces import Sink
from shared.model.values import value

SERVER = (
    "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/shop"
    "/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders"
)


@value
class Request:
    path: str
    headers: Mapping[str, str]
    body: Json


class Receiver:
    """A web hook that remembers what it was sent and answers with ``status``."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.status = 200
        self.requests: list[Request] = []

    @property
    def url(self) -> str:
        return f"127.0.0.1:{self.port}"


@contextmanager
def _serving() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): text for name, text in self.headers.items()}
            receiver.requests.append(Request(path=self.path, headers=headers, body=json.loads(body)))
            self.send_response(receiver.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Nothing on standard error."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver = Receiver(server.server_port)
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield receiver
        server.shutdown()
        thread.join()


@pytest.fixture(name="receiver")
def _receiver() -> Iterator[Receiver]:
    with _serving() as serving:
        yield serving


def _notification(
    kind: NotificationType = NotificationType.ALERT_OPENED, severity: Severity = Severity.HIGH
) -> Notification:
    return Notification(
        id="3f2a-opened-1",
        type=kind,
        subject=SERVER,
        time=datetime(2026, 11, 21, 10, 2, 11, tzinfo=UTC),
        title="[High] Public network access is enabled: orders",
        body='**What** It is enabled.\n\n```\naz rest --body \'{"a": "*_b_*"}\'\n```',
        severity=severity,
        data={"id": "3f2a", "status": "open"},
    )


def _topic(receiver: Receiver) -> EventGridSink:
    return event_grid_sink(Settings(alert_topic=f"http://{receiver.url}/_sim/topics/alerts/api/events"))


# --- Event Grid ------------------------------------------------------------------------------------


def test_a_notification_is_published_as_one_cloud_event(receiver: Receiver) -> None:
    _topic(receiver).deliver(_notification())
    [request] = receiver.requests
    assert request.path.startswith("/_sim/topics/alerts/api/events?api-version=")
    assert request.headers["content-type"].startswith("application/cloudevents-batch+json")
    assert request.body == [
        {
            "specversion": "1.0",
            "id": "3f2a-opened-1",
            "source": "/subscriptions/11111111-2222-3333-4444-555555555555/driftward",
            "type": "Driftward.Alert.Opened",
            "subject": SERVER,
            "time": "2026-11-21T10:02:11.000Z",
            "datacontenttype": "application/json",
            "data": {"id": "3f2a", "status": "open"},
        }
    ]


def test_the_data_of_an_event_is_as_it_was_written(receiver: Receiver) -> None:
    _topic(receiver).deliver(replace(_notification(), data={"rule": "@everyone https://evil.example"}))
    [request] = receiver.requests
    assert request.body[0]["data"] == {"rule": "@everyone https://evil.example"}


def test_publishing_logs_no_warning(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    _topic(receiver).deliver(_notification())
    assert [record for record in caplog.records if record.levelname == "WARNING"] == []


def test_a_topic_that_keeps_failing_raises_after_few_attempts(receiver: Receiver) -> None:
    receiver.status = 503
    with pytest.raises(SinkError, match="3f2a-opened-1"):
        _topic(receiver).deliver(_notification())
    assert len(receiver.requests) == 3


@pytest.mark.parametrize("status", [401, 404, 413])
def test_a_topic_that_refuses_raises(receiver: Receiver, status: int) -> None:
    receiver.status = status
    with pytest.raises(SinkError):
        _topic(receiver).deliver(_notification())
    assert len(receiver.requests) == 1


def test_a_topic_that_cannot_be_reached_raises() -> None:
    with _serving() as gone:
        sink = _topic(gone)
    with pytest.raises(SinkError):
        sink.deliver(_notification())


def test_a_topic_is_usable_again_after_it_failed(receiver: Receiver) -> None:
    sink = _topic(receiver)
    receiver.status = 400
    with pytest.raises(SinkError):
        sink.deliver(_notification())
    receiver.status = 200
    sink.deliver(_notification())
    assert len(receiver.requests) == 2


@pytest.mark.parametrize("endpoint", ["http://topic.example.com/api/events", "topic.example.com", ""])
def test_a_topic_elsewhere_must_be_https(endpoint: str) -> None:
    with pytest.raises(ConfigurationError, match="ALERT_TOPIC_ENDPOINT"):
        event_grid_sink(Settings(alert_topic=endpoint))


def test_a_topic_in_azure_is_named_by_its_host() -> None:
    sink = event_grid_sink(Settings(alert_topic="https://alerts.westeurope-1.eventgrid.azure.net/api/events"))
    assert sink.name == "eventgrid://alerts.westeurope-1.eventgrid.azure.net"


@pytest.mark.parametrize(
    ("cloud", "audience"),
    [
        (Cloud.PUBLIC, "https://eventgrid.azure.net/.default"),
        (Cloud.US_GOVERNMENT, "https://eventgrid.azure.us/.default"),
        (Cloud.CHINA, "https://eventgrid.azure.cn/.default"),
    ],
)
def test_a_topic_gets_a_token_of_its_own_cloud(
    cloud: Cloud, audience: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    class Credential:
        def get_token(self, *scopes: str, **_options: object) -> AccessToken:
            asked.extend(scopes)
            raise ClientAuthenticationError("nobody is signed in")

    monkeypatch.setattr("shared.adapters.sinks.azure_credential", lambda _settings: Credential())
    sink = event_grid_sink(Settings(cloud=cloud, alert_topic="https://topic.example/api/events"))
    with pytest.raises(SinkError):
        sink.deliver(_notification())
    assert asked == [audience]


def test_an_alert_about_no_resource_still_has_a_source() -> None:
    notification = Notification(
        id="x",
        type=NotificationType.ALERT_OPENED,
        subject="reconcile-poison",
        time=datetime(2026, 11, 21, tzinfo=UTC),
        title="",
        body="",
        severity=Severity.LOW,
        data={},
    )
    assert cloud_event(notification).source == "/driftward"


# --- apprise ---------------------------------------------------------------------------------------


def test_a_web_hook_gets_title_and_body_unchanged(receiver: Receiver) -> None:
    AppriseSink(f"json://{receiver.url}/").deliver(_notification())
    [request] = receiver.requests
    assert request.body["title"] == _notification().title
    assert request.body["message"] == _notification().body
    assert request.body["type"] == "failure"


@pytest.mark.parametrize(
    ("kind", "severity", "loudness"),
    [
        (NotificationType.ALERT_OPENED, Severity.CRITICAL, "failure"),
        (NotificationType.ALERT_UPDATED, Severity.HIGH, "failure"),
        (NotificationType.ALERT_OPENED, Severity.MEDIUM, "warning"),
        (NotificationType.ALERT_OPENED, Severity.LOW, "info"),
        (NotificationType.ALERT_OPENED, Severity.INFORMATIONAL, "info"),
        (NotificationType.CHANGE_ROLLED_BACK, Severity.HIGH, "failure"),
        (NotificationType.CHANGE_APPLIED, Severity.HIGH, "success"),
        (NotificationType.ALERT_RESOLVED, Severity.CRITICAL, "success"),
    ],
)
def test_severity_says_how_loud_a_message_is(
    receiver: Receiver, kind: NotificationType, severity: Severity, loudness: str
) -> None:
    AppriseSink(f"json://{receiver.url}/").deliver(_notification(kind, severity))
    assert receiver.requests[0].body["type"] == loudness


def test_a_web_hook_that_fails_raises(receiver: Receiver) -> None:
    receiver.status = 500
    with pytest.raises(SinkError, match="3f2a-opened-1"):
        AppriseSink(f"json://{receiver.url}/").deliver(_notification())


def test_a_web_hook_that_cannot_be_reached_raises() -> None:
    with _serving() as gone:
        sink = AppriseSink(f"json://{gone.url}/")
    with pytest.raises(SinkError):
        sink.deliver(_notification())


@pytest.mark.parametrize("url", ["nosuchscheme://token-abcdef/x", "token-abcdef", ""])
def test_a_url_that_apprise_does_not_understand_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        AppriseSink(url)
    assert str(refused.value).startswith("ALERT_URLS: ")
    assert f"({len(url)} characters)" in str(refused.value)
    assert url.partition("://")[1] == "" or "nosuchscheme://…" in str(refused.value)
    assert "token-abcdef" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "name", "secrets"),
    [
        ("json://user:hunter2@127.0.0.1:99/path?key=abcdef", "json://127.0.0.1:99#", ["hunter2", "abcdef"]),
        ("mailto://ops:hunter2@example.com", "mailto://example.com#", ["hunter2"]),
        ("slack://TokenA1234/TokenB1234/TokenC12345678901234567/#ops", "slack#", ["TokenA", "TokenC"]),
        ("pagerduty://IntegrationKey1@ApiKey2/", "pagerduty#", ["IntegrationKey1", "ApiKey2"]),
        ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", "discord#", ["4174216298", "JHMHI8"]),
        (
            "workflows://prod-12.westus.logic.azure.com:443/643e69f83c8944/SignatureOfTheFlow",
            "workflow://prod-12.westus.logic.azure.com:443#",
            ["643e69f83c8944", "SignatureOfTheFlow"],
        ),
    ],
)
def test_a_name_shows_where_and_nothing_secret(url: str, name: str, secrets: list[str]) -> None:
    sink = AppriseSink(url)
    assert sink.name.startswith(name)
    assert not any(secret in sink.name for secret in secrets)


def test_two_channels_of_one_service_have_different_names_and_one_channel_always_the_same() -> None:
    tokens = "slack://TokenA1234/TokenB1234/TokenC12345678901234567"
    names = [AppriseSink(f"{tokens}/#{room}").name for room in ("ops", "database", "ops")]
    assert names[0] == names[2] != names[1]


def test_both_are_sinks() -> None:
    sinks: list[Sink] = [
        AppriseSink("json://127.0.0.1:9/"),
        event_grid_sink(Settings(alert_topic="http://127.0.0.1:9/api/events")),
    ]
    assert [sink.name.partition(":")[0] for sink in sinks] == ["json", "eventgrid"]


def test_importing_the_module_loads_no_library_that_only_a_made_sink_needs() -> None:
    code = (
        "import sys, shared.adapters.sinks; "
        "print([m for m in ('apprise', 'azure.eventgrid', 'azure.identity') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- mentions --------------------------------------------------------------------------------------


def test_no_text_makes_discord_call_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    """apprise looks for mentions in the whole of a message, in commands too."""
    from apprise import Apprise
    from apprise.plugins.discord import NotifyDiscord

    sent: list[str] = []

    def notify(_: Apprise, **parts: str) -> bool:
        sent.append(parts["body"])
        return True

    monkeypatch.setattr(Apprise, "notify", notify)
    url = "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js/?format=markdown"
    told = replace(_notification(), body="az network nsg rule delete --name '@everyone' by jane@here")
    AppriseSink(url).deliver(told)
    AppriseSink("json://localhost").deliver(told)
    plugin = Apprise.instantiate(url)
    assert isinstance(plugin, NotifyDiscord)
    assert plugin.ping_payload("@everyone") != {}
    assert plugin.ping_payload(sent[0]) == {}
    assert sent[0].replace("\u2060", "") == sent[1] == told.body
