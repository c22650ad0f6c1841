"""The doctor on set-ups that are well and on ones that are not: each fault by its name, with what mends
it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TypeAlias

import pytest

from driftward.cli import main
from local.simulator import seeds
from local.simulator.client import SimulatorClient
from local.simulator.server import SimulatorServer
from local.simulator.values import JsonObject
from shared.adapters.arm.session.tokens import LOCAL_IDENTITY
from shared.adapters.clock import SystemClock
from shared.controller.doctor import Asked, Check, Report, State, Verdict
from shared.model.errors import StoreError
from shared.model.interfaces import Entity
from shared.model.resource_id import ResourceId
from shared.state.probe import TABLE, probe
from shared.state.store import Store
from shared.wiring import Wiring
from tests.memory import MemoryBlobs, MemoryQueue, MemoryTables

SCOPE = f"/subscriptions/{seeds.SUBSCRIPTION}"
GROUP = f"{SCOPE}/resourceGroups/rg-driftward"
APP = f"{GROUP}/providers/Microsoft.Web/sites/driftward"
TOPIC = f"{GROUP}/providers/Microsoft.EventGrid/systemTopics/driftward-events"
EVENTS = f"{TOPIC}/eventSubscriptions/driftward"
SIGN_IN = f"{APP}/config/authsettingsV2"
DOCS = Path(__file__).parents[2] / "docs"
FILTER = json.loads((DOCS / "event-filter.json").read_text("utf-8"))
READER = json.loads((DOCS / "roles" / "reader.json").read_text("utf-8"))["Actions"]
BY_NAME = {"AzureWebJobsStorage__accountName": "stdriftward"}


class Slow(SystemClock):
    def now(self) -> datetime:
        return datetime.now(UTC) - timedelta(minutes=10)


class DaysLater(SystemClock):
    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(days=2)


class Examined(Wiring):
    """An app over the simulator, whose store is in memory unless an account was named."""

    def __init__(self, environment: Mapping[str, str], clock: SystemClock | None = None) -> None:
        super().__init__(environment)
        self.__dict__["clock"] = clock or SystemClock()
        if "AzureWebJobsStorage" not in environment:
            self.__dict__["store"] = Store(MemoryTables(), MemoryBlobs(), MemoryQueue(self.clock))


@contextmanager
def answering(status: int, headers: Mapping[str, str]) -> Iterator[str]:
    """A server that answers everything alike."""

    class Handler(BaseHTTPRequestHandler):
        def _all(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            for name, text in {**headers, "Content-Length": "0"}.items():
                self.send_header(name, text)
            self.end_headers()

        do_GET = do_PUT = do_POST = do_DELETE = do_PATCH = _all  # noqa: N815  # names that the base class looks up

        def log_message(self, *args: object) -> None:
            """Nothing on standard error."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def receiver() -> Iterator[str]:
    with answering(200, {}) as host:
        yield host


@pytest.fixture
def azure() -> Iterator[SimulatorClient]:
    """A subscription with a server, the reader's role, an event subscription and a sign-in as they should
    be."""
    with SimulatorServer() as server:
        client = SimulatorClient(server.url)
        client.seed([seeds.flexible_server()])
        client.put(TOPIC, topic("SystemAssigned"))
        client.put(EVENTS, events())
        client.put(APP, {"location": "canadacentral", "properties": {}})
        client.put(SIGN_IN, sign_in("/api/health", "/runtime/webhooks/EventGrid"))
        client.roles({str(LOCAL_IDENTITY.app_id): [*READER, "Microsoft.Web/sites/config/read"]})
        yield client


def topic(identity: str) -> JsonObject:
    return {
        "location": "global",
        "identity": {"type": identity},
        "properties": {"source": SCOPE, "topicType": "Microsoft.Resources.Subscriptions"},
    }


def events(filtered: JsonObject = FILTER, *, keyless: bool = True) -> JsonObject:
    place: JsonObject = {"resourceId": f"{GROUP}/s", "blobContainerName": "eventgrid-deadletters"}
    letters: JsonObject = {"endpointType": "StorageBlob", "properties": place}
    own: JsonObject = {"identity": {"type": "SystemAssigned"}, "deadLetterDestination": letters}
    function: JsonObject = {"resourceId": f"{APP}/functions/resource_events"}
    written: JsonObject = (
        {"deadLetterWithResourceIdentity": own} if keyless else {"deadLetterDestination": letters}
    )
    destination: JsonObject = {"endpointType": "AzureFunction", "properties": function}
    return {"properties": {"destination": destination, "filter": filtered, **written}}


def sign_in(*excluded: str) -> JsonObject:
    return {"properties": {"platform": {"enabled": True}, "globalValidation": {"excludedPaths": [*excluded]}}}


def environment(azure: SimulatorClient, receiver: str) -> dict[str, str]:
    return {"ARM_ENDPOINT": azure.url, "SCOPES": SCOPE, "ALERT_URLS": f"json://{receiver}/", **BY_NAME}


ASKED = Asked(send=True, app=ResourceId(APP))


def shown(report: Report) -> dict[str, Check]:
    """The first check of each name that is not well."""
    return {one.name: one for one in reversed(report.checks) if one.state is not State.OK}


def test_an_installation_that_has_everything_is_well(azure: SimulatorClient, receiver: str) -> None:
    azure.reset_calls()
    report = Examined(environment(azure, receiver)).examined(ASKED)
    assert (report.verdict, shown(report)) == (Verdict.WELL, {})
    assert [call for call in azure.calls() if call["method"] not in {"GET", "POST"}] == []


@pytest.mark.field(
    "steady",
    "When Event Grid last delivered to us is told by its own count",
    source="https://learn.microsoft.com/azure/azure-monitor/reference/supported-metrics/microsoft-eventgrid-systemtopics-metrics",
    date="2026-11-30",
)
def test_it_is_told_when_events_were_last_delivered(azure: SimulatorClient, receiver: str) -> None:
    def said(clock: SystemClock | None = None) -> str:
        report = Examined(environment(azure, receiver), clock).examined(Asked(app=ResourceId(APP)))
        return "; ".join(one.said for one in report.checks if one.name.startswith("events"))

    assert "last delivered to 'driftward' at 2" in said()
    assert "nothing was delivered to 'driftward' for a day" in said(DaysLater())
    reader = [one for one in READER if one != "Microsoft.Insights/metrics/read"]
    azure.roles({str(LOCAL_IDENTITY.app_id): [*reader, "Microsoft.Web/sites/config/read"]})
    assert "deliveries are not shown" in said()


def test_nothing_is_sent_unless_that_is_asked_for(azure: SimulatorClient, receiver: str) -> None:
    report = Examined(environment(azure, receiver)).examined(Asked(app=ResourceId(APP)))
    assert report.verdict is Verdict.WELL
    assert shown(report)["sinks"].state is State.NOT_ASKED


def test_without_a_sink_it_is_said_that_nobody_is_told(azure: SimulatorClient, receiver: str) -> None:
    report = Examined({**environment(azure, receiver), "ALERT_URLS": " "}).examined(ASKED)
    assert (report.verdict, shown(report)["sinks"].said) == (
        Verdict.MISSING,
        "no sink is set: alerts open, and nobody is told",
    )


def no_role(azure: SimulatorClient) -> dict[str, str]:
    azure.roles({str(LOCAL_IDENTITY.app_id): []})
    return {}


def wrong_filter(azure: SimulatorClient) -> dict[str, str]:
    azure.put(EVENTS, events({"includedEventTypes": ["Microsoft.Resources.ResourceWriteSuccess"]}))
    return {}


def no_topic_identity(azure: SimulatorClient) -> dict[str, str]:
    azure.put(TOPIC, topic("None"))
    azure.put(EVENTS, events(keyless=False))
    return {}


def excluded_path_missing(azure: SimulatorClient) -> dict[str, str]:
    azure.put(SIGN_IN, sign_in("/api/health"))
    return {}


def setting(name: str, text: str, _: SimulatorClient) -> dict[str, str]:
    return {name: text}


KEY = "a2V5"
Broken: TypeAlias = tuple[Callable[[SimulatorClient], dict[str, str]], str, str, str]
BROKEN: dict[str, Broken] = {
    "no role": (no_role, f"permissions {SCOPE}", "no role", "Driftward Reader"),
    "wrong filter": (
        wrong_filter,
        f"events {seeds.SUBSCRIPTION}",
        "is sure to be let through",
        "event-filter.json",
    ),
    "no topic identity": (
        no_topic_identity,
        f"events {seeds.SUBSCRIPTION}",
        "without an identity",
        "identity.type=SystemAssigned",
    ),
    "key disabled": (
        partial(setting, "AzureWebJobsStorage", "key"),
        "store",
        "the account takes no keys",
        "AzureWebJobsStorage__accountName=",
    ),
    "wrong schedule": (
        partial(setting, "SWEEP_SCHEDULE", "00:30:00"),
        "settings",
        "'00:30:00' is a time span",
        "'SWEEP_SCHEDULE=0 */30 * * * *'",
    ),
    "unreachable sink": (
        partial(setting, "ALERT_URLS", "json://127.0.0.1:1/"),
        "sink json://127.0.0.1:1",
        "did not take",
        "ALERT_URLS=",
    ),
    "clock skew": (partial(setting, "clock", "slow"), "clock", "s apart from Azure's", "timedatectl"),
    "wrong cloud": (
        partial(setting, "CLOUD", "usgovernment"),
        "cloud",
        "is in the cloud public, and CLOUD is usgovernment",
        "CLOUD=public",
    ),
    "excluded path missing": (
        excluded_path_missing,
        "sign-in",
        "does not leave out /runtime/webhooks/eventgrid",
        "docs/deploy.md#who-may-write",
    ),
    "storage by account name": (
        partial(setting, "CLOUD", "china"),
        "host-storage",
        "looked for in the public cloud by the host",
        "AzureWebJobsStorage__blobServiceUri=https://$STORAGE.blob.core.chinacloudapi.cn",
    ),
}
"""What is broken: how, and the check that names it with what it says and what mends it."""


def test_what_reverts_in_a_group_alone_needs_its_permissions_as_well(
    azure: SimulatorClient, receiver: str, tmp_path: Path
) -> None:
    """What holds for the subscription says nothing of the sections within it."""
    policies = tmp_path / "policies.yaml"
    scope = f"{{scope: {SCOPE}/resourceGroups/prod, effect: revert}}"
    text = f"version: 1\ndefaults: {{effect: alert}}\nscopes:\n  - {scope}\n"
    policies.write_text(text, encoding="utf-8")
    settings = {"ENFORCEMENT_MODE": "enforce", "POLICIES_FILE": str(policies)}
    report = Examined({**environment(azure, receiver), **settings}).examined(ASKED)
    said = [one.said for one in report.checks if one.name == f"permissions {SCOPE}"]
    assert report.verdict is Verdict.MISSING
    assert [one.partition(":")[0] for one in said] == [
        "Driftward PostgreSQL Remediator",
        "Driftward Network Remediator",
    ]


class Forgetful(MemoryTables):
    """Tables that cannot be read for a while."""

    is_read = False

    def get(self, table: str, partition: str, row: str) -> Entity | None:
        if not self.is_read:
            raise StoreError("reading: no answer")
        return super().get(table, partition, row)


def test_the_row_of_the_doctor_goes_where_it_could_not_be_read_as_well() -> None:
    tables = Forgetful()
    with pytest.raises(StoreError, match="no answer"):
        probe(tables, "r1")
    tables.is_read = True
    assert tables.get(TABLE, "doctor", "r1") is None


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_named_with_its_remedy(
    what: str,
    azure: SimulatorClient,
    receiver: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    broken, name, said, remedy = BROKEN[what]
    settings = environment(azure, receiver) | broken(azure)
    clock = Slow() if settings.pop("clock", "") else None
    headers = {"x-ms-error-code": "KeyBasedAuthenticationNotPermitted"}
    with answering(403, headers) as account:
        if "AzureWebJobsStorage" in settings:
            settings["AzureWebJobsStorage"] = connection_string(account)
        monkeypatch.setattr("shared.wiring.Wiring", lambda _: Examined(settings, clock))
        code = main(["doctor", "--send", "--app", APP, "-o", "json"])
    report = json.loads(capsys.readouterr().out)
    (check, *_) = [
        one for one in report["checks"] if one["name"].startswith(name) and one["state"] == "missing"
    ]
    assert code == 1
    assert said in check["said"]
    assert any(remedy in command for command in check["remedy"])


def connection_string(host: str) -> str:
    services = "".join(f"{one}Endpoint=http://{host}/st;" for one in ("Blob", "Queue", "Table"))
    return f"DefaultEndpointsProtocol=http;AccountName=st;AccountKey={KEY};{services}"


@pytest.mark.parametrize(("verdict", "code"), [("well", 0), ("missing", 1), ("unread", 2), ("unknown", 3)])
def test_the_exit_code_is_the_verdict(
    verdict: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    check = Check(name="store", state=State.OK, said="fine", remedy=("az login",))
    report = Report(verdict=Verdict(verdict), checks=(check,))
    monkeypatch.setattr(Wiring, "examined", lambda _self, _asked: report)
    assert main(["doctor", "--here"]) == code
    assert capsys.readouterr().out == "ok         store: fine\n             az login\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--app", "driftward"],
        ["--url", "https://a.example", "--send"],
        ["--url", "https://a.example", "--app", APP],
        ["--url", "https://a.example", "--here"],
        ["--url", "x"],
    ],
)
def test_unusable_input_is_refused(arguments: list[str]) -> None:
    assert main(["doctor", *arguments]) == 2


def test_where_nothing_can_be_read_nothing_is_known(receiver: str) -> None:
    with answering(500, {}) as arm:
        settings = {"ARM_ENDPOINT": f"http://{arm}", "SCOPES": SCOPE, "ALERT_URLS": f"json://{receiver}/"}
        report = Examined({**settings, **BY_NAME}).examined(Asked())
    states = {check.name: check.state for check in report.checks}
    assert report.verdict is Verdict.UNKNOWN
    assert (states["cloud"], states[f"read {SCOPE}"]) == (State.UNKNOWN, State.UNKNOWN)
