"""What the log says of alerts, from which Azure Monitor makes its own."""

from __future__ import annotations

import json
from dataclasses import replace

from local.dev.environments import ROOT
from shared.controller.notifying import end_alert, write_and_tell
from shared.controller.sweep import sweep
from shared.model import Cause, CauseKind, Json, Severity
from shared.model.alert_records import AlertRecord, AlertStatus, NotificationType
from tests.alerts.test_lifecycle import opened as an_alert
from tests.fakes import START, World

CAUSE = Cause(kind=CauseKind.SWEEP, time=START)


def lines(world: World) -> list[dict[str, Json]]:
    return [dict(line) for line in world.lines if line.get("message") == "alert"]


def opened(world: World, severity: Severity = Severity.HIGH) -> AlertRecord:
    alert = replace(an_alert(), severity=severity, id=severity)
    return write_and_tell(alert, NotificationType.ALERT_OPENED, CAUSE, world.deps())


def test_an_alerts_life_is_in_the_log() -> None:
    world = World()
    alert = opened(world)
    world.clock.advance(300)
    end_alert(alert, "compliant again", world.deps())
    assert [line["status"] for line in lines(world)] == [AlertStatus.OPEN, AlertStatus.RESOLVED]
    assert {line["alert"] for line in lines(world)} == {alert.id}


def test_every_sweep_tells_what_is_open_and_no_advice() -> None:
    world = World()
    alert = opened(world)
    opened(world, Severity.INFORMATIONAL)
    world.lines.clear()
    sweep(world.deps())
    assert [line["alert"] for line in lines(world)] == [alert.id]


def test_the_lines_begin_as_the_queries_look_for_them() -> None:
    world = World()
    opened(world)
    text = json.dumps(lines(world)[0], separators=(",", ":"))
    for query in ("open-alerts", "budget"):
        assert 'startswith \'{"message":"alert"\'' in (ROOT / f"infra/queries/{query}.kql").read_text("utf-8")
    assert text.startswith('{"message":"alert"')
