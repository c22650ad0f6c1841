"""Azure's Activity Log as the adapter reads it, from the simulator and from lines as Azure writes them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from urllib.parse import quote

import pytest

from local.simulator import seeds
from local.simulator.client import Actor, ArmCallFailed, SimulatorClient
from local.simulator.server import SimulatorServer
from local.simulator.values import JsonObject
from shared.adapters.arm.reading.activity_log import logged_writes
from shared.adapters.arm.session.clients import ArmClients
from shared.adapters.arm.session.session import Session
from shared.adapters.clock import SystemClock
from shared.config.settings import Settings
from shared.model.errors import Denied, GatewayError
from shared.model.operations import LoggedWrite

SERVER = seeds.flexible_server_id(name="orders")
RULE = f"{SERVER}/firewallRules/office"
BODY: JsonObject = {"properties": {"startIpAddress": "198.51.100.0", "endIpAddress": "198.51.100.255"}}
JANE = Actor(app_id="portal-app", object_id="jane-object", name="Jane Doe", upn="jane@example.com")
BOT = Actor(app_id="bot-app", object_id="bot-object", name="bot")
HOUR = timedelta(hours=1)


@pytest.fixture
def simulator() -> Iterator[SimulatorServer]:
    with SimulatorServer() as server:
        SimulatorClient(server.url).seed([seeds.flexible_server(name="orders")])
        yield server


@pytest.fixture
def session(simulator: SimulatorServer) -> Iterator[Session]:
    clients = ArmClients(Settings(arm_endpoint=simulator.url))
    yield Session(clients, SystemClock(), lambda _: None)
    clients.close()


def read(session: Session, since: timedelta = HOUR, until: timedelta = HOUR) -> list[LoggedWrite]:
    now = datetime.now(UTC)
    return list(logged_writes(session, seeds.SUBSCRIPTION, now - since, now + until))


def test_every_write_is_there_with_its_caller_and_what_came_of_it(
    simulator: SimulatorServer, session: Session
) -> None:
    jane, bot = SimulatorClient(simulator.url, actor=JANE), SimulatorClient(simulator.url, actor=BOT)
    jane.put(RULE, BODY)
    bot.delete(RULE)
    with pytest.raises(ArmCallFailed):
        bot.put(RULE, {"properties": {"startIpAddress": "nonsense"}})
    bot.get(SERVER)
    found = read(session)
    told = {(one.operation.rpartition("/")[2], one.status, one.caller.object_id) for one in found}
    assert told >= {
        ("write", "Succeeded", "jane-object"),
        ("delete", "Succeeded", "bot-object"),
        ("write", "Failed", "bot-object"),
    }
    assert {one.resource for one in found} == {RULE}
    assert all(one.operation.startswith("Microsoft.DBforPostgreSQL/flexibleServers/") for one in found)
    long = [one for one in found if one.status == "Accepted" and one.caller.app_id == "bot-app"]
    ended = [one for one in found if one.correlation_id == long[0].correlation_id]
    assert [one.status for one in ended] == ["Succeeded", "Accepted"], "one request, the newest line first"


def test_the_log_is_read_to_its_last_page_and_within_its_time(
    simulator: SimulatorServer, session: Session
) -> None:
    client = SimulatorClient(simulator.url, actor=JANE)
    for _ in range(205):
        client.arm("DELETE", RULE)
    assert len(read(session)) >= 205
    assert len(session.calls) > 1
    assert read(session, since=2 * HOUR, until=-HOUR) == []


def test_the_simulator_takes_no_filter_that_azure_would_refuse(simulator: SimulatorServer) -> None:
    place = f"/subscriptions/{seeds.SUBSCRIPTION}/providers/Microsoft.Insights/eventtypes/management/values"
    client = SimulatorClient(simulator.url)
    for wanted in ("", "caller eq 'x'", "eventTimestamp ge '2026-01-01T00:00:00Z' and caller eq 'x'"):
        status, *_ = client.arm("GET", f"{place}?api-version=2015-04-01&$filter={quote(wanted)}")
        assert status == HTTPStatus.BAD_REQUEST, wanted


def test_a_log_that_may_not_be_read_is_denied(simulator: SimulatorServer, session: Session) -> None:
    identity = session.clients.identity()
    SimulatorClient(simulator.url).roles({identity.app_id or "": ["Microsoft.Network/*/read"]})
    with pytest.raises(Denied):
        read(session)


def test_a_line_of_another_category_is_no_write(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    line = {
        "eventTimestamp": "2026-11-29T08:00:00.1234567Z",
        "operationName": {"value": "Microsoft.Authorization/policies/audit/action"},
        "category": {"value": "Policy"},
        "caller": "bot-object",
    }
    _answers(monkeypatch, {"value": [line]})
    assert read(session) == []


def test_the_caller_stands_for_the_claims_where_these_are_left_out(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = {
        "eventTimestamp": "2026-11-29T08:00:00.1234567Z",
        "eventDataId": "1",
        "operationName": {"value": "MICROSOFT.DBFORPOSTGRESQL/FLEXIBLESERVERS/WRITE"},
        "resourceId": SERVER,
        "caller": "bot-object",
        "status": {"value": "Started"},
    }
    _answers(monkeypatch, {"value": [line]})
    (found,) = read(session)
    assert (found.caller.object_id, found.time.year) == ("bot-object", 2026)
    _answers(monkeypatch, {"value": [{**line, "eventTimestamp": "yesterday"}]})
    with pytest.raises(GatewayError):
        read(session)


def _answers(monkeypatch: pytest.MonkeyPatch, body: object) -> None:
    monkeypatch.setattr("shared.adapters.arm.reading.activity_log.page_at", lambda *_: body)
