"""`driftward verify-journal` as its user calls it: an app over the simulator, its store in memory."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from driftward.cli import main
from local.simulator import seeds
from local.simulator.client import Actor, SimulatorClient
from local.simulator.server import SimulatorServer
from local.simulator.values import JsonObject
from shared.adapters.clock import SystemClock
from shared.controller.dispatch import dispatch
from shared.controller.sweep import sweep
from shared.model import Cause, CauseKind, Outcome, Target, TargetKind
from shared.model.errors import StoreError
from shared.model.messages import Message, MessageKind
from shared.model.resource_id import ResourceId
from shared.state.store import Store
from shared.wiring import Wiring
from tests.memory import FakeClock, MemoryBlobs, MemoryQueue, MemoryTables

SERVER = seeds.flexible_server_id(name="orders")
TARGET = Target(kind=TargetKind.FLEXIBLE_SERVER, id=ResourceId(SERVER))
RULE = f"{SERVER}/firewallRules/everybody"
EVERY_ADDRESS: JsonObject = {"properties": {"startIpAddress": "0.0.0.0", "endIpAddress": "255.255.255.255"}}
JANE = Actor(app_id="portal-app", object_id="jane-object", name="Jane Doe")
US = Actor(
    app_id="d21f7a2d-0000-4000-8000-00000000a001",
    object_id="d21f7a2d-0000-4000-8000-00000000b001",
    name="driftward",
)


@dataclass
class App:
    """An app that enforces, and whoever works beside it."""

    url: str
    store: Store
    queue: MemoryQueue
    wiring: Wiring

    def look(self) -> None:
        cause = Cause(kind=CauseKind.OPERATOR, time=SystemClock().now())
        self.store.send(Message(kind=MessageKind.RECHECK, target=TARGET, cause=cause))
        self.drain()

    def drain(self) -> None:
        for _ in range(200):
            message = self.queue.receive()
            if message is None:
                return
            dispatch(self.store.read_message(message.body), self.wiring.deps())
            self.queue.delete(message)

    def sweep(self) -> None:
        sweep(self.wiring.deps())


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    queue = MemoryQueue(FakeClock())
    store = Store(MemoryTables(), MemoryBlobs(), queue)
    monkeypatch.setattr(Wiring, "store", store)
    with SimulatorServer() as simulator:
        client = SimulatorClient(simulator.url, actor=JANE)
        office = seeds.firewall_rule(server=SERVER, name="office", start="198.51.100.0", end="198.51.100.9")
        client.seed([seeds.flexible_server(name="orders"), office])
        for name, text in {
            "ARM_ENDPOINT": simulator.url,
            "SCOPES": f"/subscriptions/{seeds.SUBSCRIPTION}",
            "ENFORCEMENT_MODE": "enforce",
            "SETTLE_SECONDS": "0",
        }.items():
            monkeypatch.setenv(name, text)
        made = App(url=simulator.url, store=store, queue=queue, wiring=_wiring())
        made.sweep()
        made.look()
        client.put(RULE, EVERY_ADDRESS)
        made.look()
        yield made


def _wiring() -> Wiring:
    return Wiring(os.environ)


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    capsys.readouterr()
    code = main(["verify-journal", *arguments])
    captured = capsys.readouterr()
    return code, captured.out + captured.err


def kinds(text: str) -> list[str]:
    return [one["kind"] for one in json.loads(text)["faults"]]


def test_the_journal_of_an_app_that_reverted_a_drift_holds_and_says_how_much_that_is(
    app: App, capsys: pytest.CaptureFixture[str]
) -> None:
    change = app.store.changes()[0]
    code, told = answer(capsys, "--json")
    found = json.loads(told)
    assert (code, found["holds"], found["faults"], found["unknown"]) == (0, True, [], [])
    assert (found["changes"], found["writes"] >= 2) == (1, True)
    assert change.outcome in {Outcome.REVERTED, Outcome.IN_PROGRESS}
    code, told = answer(capsys)
    assert code == 0
    assert "The journal holds." in told
    assert "links in 2 chains" in told


def test_a_write_with_our_token_that_the_journal_does_not_hold_is_named(
    app: App, capsys: pytest.CaptureFixture[str]
) -> None:
    stolen = SimulatorClient(app.url, actor=US)
    stolen.wait_idle()
    stolen.patch(SERVER, {"tags": {"mine": "now"}})
    code, told = answer(capsys, "--json")
    assert (code, kinds(told)) == (1, ["write-unknown"])
    assert json.loads(told)["faults"][0]["where"] == SERVER
    code, told = answer(capsys, "--no-activity-log", "--json")
    assert (code, json.loads(told)["writes"]) == (0, None)


def test_a_forged_change_is_named_for_people_too(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    app.store.put_change(replace(app.store.changes()[0], id="forged", etag=None))
    code, told = answer(capsys)
    assert code == 1
    assert "The journal does not hold." in told
    assert "entry-forged" in told
    assert "change forged" in told


def test_a_log_that_may_not_be_read_leaves_the_answer_open(
    app: App, capsys: pytest.CaptureFixture[str]
) -> None:
    SimulatorClient(app.url).roles({US.app_id: ["Microsoft.Network/*/read"]})
    code, told = answer(capsys)
    assert code == 3
    assert "the Activity Log could not be read" in " ".join(told.split())


def test_an_anchor_kept_elsewhere_must_be_there(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    newest = app.store.journal.newest_anchor()
    assert newest is not None
    assert answer(capsys, "--anchor", newest.hash)[0] == 0
    assert answer(capsys, "--anchor", "0" * 64)[0] == 1


def test_a_store_that_cannot_be_read_is_no_answer(
    app: App, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object) -> object:
        raise StoreError("listing targets: the account does not answer")

    monkeypatch.setattr(app.store.evidence, "read", down)
    code, told = answer(capsys)
    assert (code, "the account does not answer" in told) == (2, True)


def test_days_that_azure_does_not_keep_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    code, told = answer(capsys, "--since", "91")
    assert code == 2
    assert "90" in told


# --- driftward export-journal ----------------------------------------------------------------------


def test_an_exported_journal_is_checked_without_the_storage(
    app: App, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = str(tmp_path / "journal.sqlite")
    _, of_storage = answer(capsys, "--no-activity-log", "--json")
    assert main(["export-journal", "--out", out, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["file"], told["rows"] > 5, told["texts"] > 3) == (out, True, True)
    assert main(["export-journal", "--out", out]) == 2
    assert "is there already" in capsys.readouterr().err
    assert answer(capsys, "--from", out)[0] == 0
    monkeypatch.delattr(Wiring, "store")
    for name in ("ARM_ENDPOINT", "SCOPES", "ENFORCEMENT_MODE"):
        monkeypatch.delenv(name)
    code, of_export = answer(capsys, "--from", out, "--json")
    assert (code, json.loads(of_export)) == (0, json.loads(of_storage))


def test_an_exported_journal_is_compared_with_azures_log_where_that_is_asked_for(
    app: App, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "journal.sqlite")
    assert main(["export-journal", "--out", out]) == 0
    assert f"driftward verify-journal --from {out}" in capsys.readouterr().out
    code, told = answer(capsys, "--from", out, "--activity-log", "--json")
    assert (code, json.loads(told)["writes"] >= 2) == (0, True)


def test_a_journal_that_was_forged_before_it_was_exported_does_not_hold(
    app: App, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app.store.put_change(replace(app.store.changes()[0], id="forged", etag=None))
    out = str(tmp_path / "journal.sqlite")
    assert main(["export-journal", "--out", out]) == 0
    code, told = answer(capsys, "--from", out, "--json")
    assert (code, kinds(told)) == (1, ["entry-forged"])


@pytest.mark.parametrize("words", [["--from", "nowhere.sqlite"], ["--from", "."]])
def test_what_is_no_exported_journal_cannot_be_read(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = answer(capsys, *words)
    assert (code, "there is no such file" in told) == (2, True)


def test_a_store_that_cannot_be_read_leaves_no_export(
    app: App, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object) -> object:
        raise StoreError("listing targets: the account does not answer")

    monkeypatch.setattr(app.store.copy, "pieces", down)
    assert main(["export-journal", "--out", str(tmp_path / "journal.sqlite")]) == 2
    assert "the account does not answer" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
