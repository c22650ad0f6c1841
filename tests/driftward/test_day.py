"""The commands of the day against an app over HTTP: alerts, changes, rollbacks and runs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace

import click
import pytest

from driftward.app import App
from driftward.cli import main
from driftward.consenting import Duration
from driftward.day.run_text import came_to, lines
from shared.adapters.clock import SystemClock
from shared.controller.sweep import sweep
from shared.model import EnforcementMode, Json, Outcome, Severity
from shared.model.alert_records import AlertRecord, AlertStatus
from shared.model.errors import StoreError
from shared.model.resource_id import ResourceId
from tests.api.calling import PUBLIC, SCOPE, alerted, call, drifted, reverted
from tests.builders import ALL_AZURE, GROUP, OFFICE, SERVER, public_server, server, subnet
from tests.driftward.serving import Served, served
from tests.fakes import World

Serve = Callable[[World], Served]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Serves worlds; commands go by a world's clock, and wait for nothing."""
    with ExitStack() as stack:

        def serving(world: World) -> Served:
            monkeypatch.setattr(SystemClock, "now", lambda _: world.clock.now())
            held = stack.enter_context(served(world))
            monkeypatch.setenv("DRIFTWARD_URL", held.url)
            return held

        monkeypatch.setattr(time, "sleep", lambda _: None)
        yield serving


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """Exit code and what is said on standard output."""
    capsys.readouterr()
    code = main(list(words))
    return code, capsys.readouterr().out


def listed(capsys: pytest.CaptureFixture[str], *words: str) -> list[Json]:
    code, text = told(capsys, *words, "--json")
    assert code == 0
    found: list[Json] = json.loads(text)
    return found


# --- alerts ----------------------------------------------------------------------------------------


def test_alerts_that_nobody_has_ended_are_listed_and_chosen_from(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    world, alert = alerted()
    serve(world)
    assert alert.id in {one["id"] for one in listed(capsys, "alerts")}
    assert [one["id"] for one in listed(capsys, "alerts", "--policy", PUBLIC)] == [alert.id]
    assert listed(capsys, "alerts", "--severity", "critical") == []
    assert alert.id in {one["id"] for one in listed(capsys, "alerts", "--family", "public_reach")}
    assert listed(capsys, "alerts", "--family", "nsg") == []
    assert listed(capsys, "alerts", "--scope", SCOPE.upper()) == listed(capsys, "alerts")
    assert listed(capsys, "alerts", "--scope", f"{SCOPE}/resourceGroups/dat") == []
    code, text = told(capsys, "alerts")
    assert (code, PUBLIC in text, alert.id in text) == (0, True, True)


def test_what_somebody_looks_after_is_still_listed_and_what_is_resolved_is_not(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    world, alert = alerted()
    serve(world)
    code, text = told(capsys, "alert", "ack", alert.id, "--by", "jane")
    assert (code, "jane" in text) == (0, True)
    (found,) = listed(capsys, "alerts", "--policy", PUBLIC)
    assert (found["status"], listed(capsys, "alerts", "--state", "open", "--policy", PUBLIC)) == (
        "acknowledged",
        [],
    )
    world.store.put_alert(replace(alert_of(world, alert.id), status=AlertStatus.RESOLVED))
    assert listed(capsys, "alerts", "--policy", PUBLIC) == []
    assert len(listed(capsys, "alerts", "--policy", PUBLIC, "--state", "all")) == 1


def test_an_alert_is_shown_with_its_commands_on_lines_of_their_own(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    world, alert = alerted()
    serve(world)
    code, text = told(capsys, "alert", "show", alert.id)
    assert code == 0
    for part in (alert.why, alert.reason, "Jane Doe", "An approval would write", *alert.commands):
        assert part in text
    assert told(capsys, "alert", "show", "0" * 16)[0] == 1
    assert told(capsys, "alert", "show", "../status")[0] == 2


def test_what_audit_only_would_revert_is_not_told_as_reverted(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World(mode=EnforcementMode.AUDIT)
    world.azure.put(public_server())
    world.look(public_server().target)
    world.drain()
    world.azure.put(public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    world.event(public_server().target)
    world.drain()
    serve(world)
    (found,) = listed(capsys, "alerts", "--policy", "postgres-firewall-allows-all-azure")
    assert found["decision"]["dryRun"] is True
    for command in (["alerts"], ["alert", "show", str(found["id"])]):
        _, text = told(capsys, *command)
        assert "WouldRevert (drift)" in text
        assert " Revert (" not in text


def test_what_is_approved_is_what_was_shown(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    world, alert = alerted()
    app = serve(world)
    assert main(["alert", "approve", alert.id]) == 2
    assert "say --yes" in capsys.readouterr().err
    assert app.deeds() == []
    assert main(["alert", "approve", alert.id, "--for", "30m", "--yes", "--by", "joe"]) == 0
    said = capsys.readouterr()
    assert "sets public network access to Disabled" in said.err
    assert "approved until 2026-11-02T08:30:00Z" in said.out
    assert alert.planned is not None
    assert app.deeds() == [
        (
            f"POST /api/alerts/{alert.id}/approve",
            {"by": "joe", "expiresInMinutes": 30, "digest": alert.planned.digest},
        )
    ]


def test_an_approval_of_what_has_become_another_change_is_refused(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    world, alert = alerted()
    app = serve(world)
    app.meanwhile = lambda: world.store.put_alert(replace(alert_of(world, alert.id), planned=None))
    assert main(["alert", "approve", alert.id, "--yes"]) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("the app answered 409: The resource was changed since")


def test_hostile_texts_of_an_alert_move_no_cursor(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    world, alert = alerted()
    serve(world)
    hostile = "\x1b[2J\x1b]0;gone\x07\r"
    cause = replace(alert.cause, actor=replace(alert.cause.actor, name=hostile))
    evil = replace(alert, reason=hostile, evidence={hostile: hostile}, commands=(hostile,), cause=cause)
    world.store.put_alert(evil)
    for words in (["alerts"], ["alert", "show", alert.id]):
        code, text = told(capsys, *words)
        assert (code, {"\x1b", "\x07", "\r"} & set(text)) == (0, set())


# --- changes ---------------------------------------------------------------------------------------


def test_a_change_is_listed_shown_and_undone(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    world, change = reverted()
    app = serve(world)
    assert [one["id"] for one in listed(capsys, "changes", "--outcome", "reverted")] == [change.id]
    assert listed(capsys, "changes", "--scope", f"{SCOPE}/resourceGroups/other") == []
    code, text = told(capsys, "change", "show", change.id)
    assert (code, "every Azure address" in text, "holds: the inverse" in text) == (0, True, True)
    ask = ["rollback", change.id, "--for", "14d", "--reason", "it is needed"]
    assert main(ask) == 2
    assert app.deeds() == []
    code, text = told(capsys, *ask, "--yes")
    assert (code, text.startswith("rollback ")) == (0, True)
    (_, body), *_ = app.deeds()
    assert body == {"reason": "it is needed", "expiresAt": "2026-11-16T08:00:30+00:00"}
    assert main([*ask, "--yes"]) == 1


@pytest.mark.parametrize("outcome", [*Outcome, "inprogress"])
def test_an_outcome_is_asked_for_by_the_word_that_the_app_says(
    outcome: str, serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    world, change = reverted()
    serve(world)
    found = listed(capsys, "changes", "--outcome", str(outcome))
    assert [one["id"] for one in found] == [change.id] * (outcome == change.outcome)


def test_nothing_is_undone_by_somebody_who_answers_no(
    serve: Serve, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, change = reverted()
    app = serve(world)
    monkeypatch.setattr("driftward.consenting._is_answered", lambda: True)
    monkeypatch.setattr(click, "confirm", lambda *_, **__: False)
    assert main(["rollback", change.id, "--for", "1h", "--reason", "why not"]) == 1
    assert (app.deeds(), "nothing was done" in capsys.readouterr().err) == ([], True)
    monkeypatch.setattr(click, "confirm", lambda *_, **__: True)
    assert main(["rollback", change.id, "--for", "1h", "--reason", "why not"]) == 0


@pytest.mark.parametrize("text", ["", "2", "h", "2w", "0h", "-1h", "1.5h", "99999999d", "2h30m", "٣h"])
def test_a_duration_is_a_number_and_a_unit(text: str) -> None:
    with pytest.raises(click.BadParameter):
        Duration().convert(text, None, None)


# --- runs ------------------------------------------------------------------------------------------


def test_a_run_says_what_it_found_and_whether_that_is_well(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    world = drifted()
    app = serve(world)
    code, text = told(capsys, "run", str(SERVER), "--enforcement", "audit")
    assert (code, "WouldRevert" in text, "Alerted" in text) == (1, True, True)
    code, text = told(
        capsys, "run", str(SERVER), "--policies", "postgres-tls-not-required,postgres-pgaudit-not-set"
    )
    assert app.deeds()[-1][1] == {
        "resourceId": str(SERVER),
        "policies": ["postgres-tls-not-required", "postgres-pgaudit-not-set"],
        "adopt": False,
    }
    assert told(capsys, "run", str(SERVER), "--policies", "no-such-policy")[0] == 1


def test_a_run_of_a_scope_is_waited_for_and_tells_how_far_it_is(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    world = drifted()
    world.azure.put(subnet())
    app = serve(world)
    assert main(["run", "--scope", SCOPE, "--enforcement", "audit", "--json"]) == 3
    begun = json.loads(capsys.readouterr().out)["id"]
    app.works = True
    assert main(["run", "--id", begun, "--wait"]) == 1
    said = capsys.readouterr()
    assert f"run {begun}: Done, 2 of 2 targets" in said.out
    assert main(["run", "--scope", SCOPE, "--enforcement", "audit", "--wait", "--json"]) == 1
    said = capsys.readouterr()
    assert "0 of ? targets" in said.err
    assert json.loads(said.out)["progress"] == {"done": 2, "total": 2}


def test_a_run_that_writes_is_asked_about_and_one_that_puts_right_is_well(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    world = drifted()
    app = serve(world)
    policy = "postgres-firewall-allows-all-azure"
    ask = ["run", str(SERVER), "--enforcement", "enforce", "--policies", policy]
    assert main(ask) == 2
    assert main(["run", str(SERVER), "--adopt"]) == 2
    assert app.deeds() == []
    code, text = told(capsys, *ask, "--yes")
    assert (code, "Reverted" in text) == (0, True)
    assert len(world.azure.writes) == 1


@pytest.mark.parametrize("words", [[], [str(SERVER), "--scope", SCOPE], ["--id", "a/b"]])
def test_a_run_of_nothing_is_refused(serve: Serve, words: list[str]) -> None:
    app = serve(World())
    assert main(["run", *words]) == 2
    assert app.asked == []


def test_a_lost_answer_ends_no_waiting(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    world = drifted()
    app = serve(world)
    app.works, app.lost = True, 2
    assert main(["run", "--scope", SCOPE, "--enforcement", "audit", "--wait"]) == 1
    assert capsys.readouterr().err.count("is asked about again") == 2


@pytest.mark.parametrize(
    ("run", "code"),
    [
        ({"status": "Done", "findings": [], "outcomes": {}}, 0),
        ({"status": "Queued", "targets": []}, 3),
        ({"status": "Failed", "targets": []}, 1),
        ({"status": "Done", "findings": [{"policy": "p", "state": "Unknown"}], "outcomes": {}}, 3),
        ({"status": "Done", "findings": [{"policy": "p", "state": "Error"}], "outcomes": {}}, 3),
        ({"status": "Done", "findings": [{"policy": "p", "state": "Exempt"}], "outcomes": {}}, 0),
    ],
)
def test_what_a_run_came_to_is_its_exit_code(run: dict[str, Json], code: int) -> None:
    assert came_to(run) == code


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        ("Reverted", 0),
        ("AlreadyCompliant", 0),
        ("WouldRevert", 1),
        ("Alerted", 1),
        ("Failed", 1),
        ("Skipped", 1),
        ("Ineffective", 1),
        (None, 1),
    ],
)
def test_a_drift_is_well_only_where_it_was_put_right(outcome: str | None, code: int) -> None:
    finding = {"policy": "p", "state": "NonCompliant"}
    run = {"status": "Done", "findings": [finding], "outcomes": {"p": outcome}}
    assert came_to(run) == code
    assert came_to({"status": "Done", "targets": [run, {"findings": [], "outcomes": {}}]}) == code


# --- who may ---------------------------------------------------------------------------------------


def test_a_refusal_is_one_line_that_says_what_it_takes(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    world, alert = alerted()
    world.operator_keys = False
    serve(world)
    assert main(["alert", "ack", alert.id]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "403" in line
    assert "Driftward.Operator" in line
    world.authentication = True
    assert main(["alerts"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "--client-id to sign in" in line


def alert_of(world: World, alert_id: str) -> AlertRecord:
    found = world.store.alert(alert_id)
    assert found is not None
    return found


def test_a_server_that_is_compliant_is_well(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    world = World()
    world.azure.put(public_server())
    serve(world)
    assert told(capsys, "run", str(SERVER), "--policies", "postgres-tls-not-required")[0] == 0


# --- status ----------------------------------------------------------------------------------------


def test_the_status_tells_of_the_last_sweep_of_what_is_open_and_of_the_hours_writes(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    world, _ = reverted()
    serve(world)
    text = told(capsys, "status")[1]
    assert "sweep        none yet" in text
    sweep(world.deps())
    world.drain()
    said = json.loads(told(capsys, "status", "--json")[1])
    (last,) = said["sweeps"]
    assert (last["began"], last["targets"], last["failed"]) == ("2026-11-02T08:00:30Z", 1, "")
    assert {one["purse"]: (one["used"], one["cap"]) for one in said["budgets"]} == {
        "ordinary": (0, 100),
        "exposure": (1, 100),
    }
    assert said["openAlerts"] == {
        str(severity): len([a for a in world.store.alerts(AlertStatus.OPEN) if a.severity is severity])
        for severity in Severity
    }
    text = told(capsys, "status")[1]
    assert "2026-11-02T08:00:30Z, 1 targets" in text
    assert "1 of 100 in this hour (exposure)" in text


def test_a_status_of_which_a_part_cannot_be_read_tells_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()

    def down(*_: object) -> object:
        raise StoreError("the account does not answer")

    monkeypatch.setattr(world.store, "budget", down)
    said = call(world, "status").body
    assert (said["budgets"], said["mode"], len(said["sweeps"])) == (None, "enforce", 1)


# --- verdicts of a run, lists of a scope -----------------------------------------------------------


def test_a_run_says_how_many_policies_hold_though_nothing_is_amiss(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World()
    world.azure.put(server())
    serve(world)
    code, text = told(capsys, "run", str(SERVER), "--enforcement", "audit", "--policies", PUBLIC)
    assert (code, "policies: 1 compliant" in text) == (0, True)
    begun = text.split()[1].rstrip(":")
    assert "policies: 1 compliant" in told(capsys, "run", "--id", begun)[1]


def test_a_run_of_a_scope_says_how_many_targets_hold(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    world = drifted()
    world.azure.put(server(id=ResourceId(f"{SERVER}-2")))
    serve(world).works = True
    policies = f"{PUBLIC},postgres-firewall-allows-all-azure"
    ask = ("run", "--scope", SCOPE, "--enforcement", "audit", "--policies", policies, "--wait")
    assert "targets: 1 compliant, 1 drifted" in told(capsys, *ask)[1]


@pytest.mark.parametrize(
    ("run", "said"),
    [
        ({"findings": []}, "policies: none asked"),
        ({"findings": [{"state": "Exempt"}, {"state": "Error"}]}, "policies: 1 exempt, 1 unknown"),
        ({"targets": [], "progress": {"done": 3, "total": 3}}, "targets: 3 compliant"),
        (
            {"targets": [{"error": "no"}], "progress": {"done": 3, "total": 3}},
            "targets: 2 compliant, 1 unknown",
        ),
    ],
)
def test_the_verdicts_of_a_run_are_counted(run: dict[str, Json], said: str) -> None:
    assert said in "\n".join(lines({"id": "a", "status": "Done", **run}))


@pytest.mark.parametrize("path", ["alerts", "changes"])
def test_a_list_of_a_server_is_the_apps_to_choose_and_that_of_a_group_is_chosen_here(
    path: str, serve: Serve, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Mapping[str, str]] = []
    real = App.get_all

    def noting(app: App, at: str, query: Mapping[str, str] | None = None) -> list[Json]:
        asked.append(query or {})
        return real(app, at, query)

    monkeypatch.setattr(App, "get_all", noting)
    serve(reverted()[0])
    everything = listed(capsys, path)
    rule = f"{SERVER}/firewallRules/a"
    assert listed(capsys, path, "--scope", str(SERVER)) == everything
    assert listed(capsys, path, "--scope", rule) == [one for one in everything if one["resourceId"] == rule]
    assert {one.get("target") for one in asked[-2:]} == {str(SERVER)}
    assert listed(capsys, path, "--scope", GROUP) == everything
    assert "target" not in asked[-1]


def test_a_switch_that_is_on_says_who_threw_it_and_why_in_words(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World()
    serve(world)
    assert told(capsys, "break-glass", "on", "--reason", "incident 4711", "--by", "jane")[0] == 0
    code, text = told(capsys, "break-glass", "status")
    assert (code, "{" in text) == (1, False)
    assert "incident 4711 (jane (claimed, by function key), since 2026-11-02T08:00:00Z)" in text
    world.blobs.put("control", "break-glass.txt", b'{"by": 1}')
    assert '{"by": 1}' in told(capsys, "break-glass", "status")[1]
