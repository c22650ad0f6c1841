"""`driftward break-glass` and `freeze`, through the API: writes stop, come back, and end by themselves."""

from __future__ import annotations

import json

import pytest

from driftward.cli import main
from shared.controller.journaling import keep_journal
from shared.model import Json
from shared.state.journal import NO_TARGETS, SWITCHES
from tests.api.calling import call, drifted, problem
from tests.builders import public_server
from tests.driftward.test_day import Serve, serve
from tests.fakes import SUBSCRIPTION, World

__all__ = ["serve"]

FIREWALL = "postgres-firewall-allows-all-azure"


def throw(world: World, **body: Json) -> int:
    return call(world, "set_break_glass", {"on": True, "reason": "incident 4711", **body}).status


def writes_after_a_look(world: World) -> int:
    world.event(public_server().target)
    world.drain(30)
    return len(world.azure.writes)


def deeds(world: World) -> list[tuple[str, str]]:
    links = [entry.link() for entry in world.store.journal.read(NO_TARGETS, SWITCHES)]
    return [(link.kind, str(link.what.get("switch"))) for link in links if "switch" in link.what]


def test_a_switch_that_is_thrown_stops_writes_and_taking_it_back_looks_at_what_was_left() -> None:
    world = drifted()
    assert throw(world, by="jane") == 200
    assert writes_after_a_look(world) == 0
    assert ("switchOn", "break-glass") in deeds(world)
    answer = call(world, "set_break_glass", {"on": False, "reason": "it is over"})
    assert [one["switch"] for one in answer.body["breakGlass"]] == ["off"]
    assert ("switchOff", "break-glass") in deeds(world)
    world.drain(60)
    assert len(world.azure.writes) == 1


def test_a_switch_that_is_thrown_for_a_while_ends_by_itself_and_the_journal_says_so() -> None:
    world = drifted()
    assert throw(world, expiresAt="2026-11-02T10:00:00Z") == 200
    world.clock.advance(7000)
    assert writes_after_a_look(world) == 0
    keep_journal(world.deps())
    assert len(list(world.blobs.names("control"))) == 1
    world.clock.advance(200)
    assert writes_after_a_look(world) == 1
    assert call(world, "status").body["breakGlass"][0]["switch"] == "off"
    keep_journal(world.deps())
    assert deeds(world)[-1] == ("switchOff", "break-glass/until-20261102t100000z")
    assert list(world.blobs.names("control")) == []


@pytest.mark.parametrize(
    "name",
    [
        "break-glass/until-20261102T070000Z.txt",
        "break-glass until-20261102T070000Z",
        "break-glass/until-20269902T070000Z",
        "break-glass/until-2026-11-02T07:00Z",
        "break-glass/until-noon",
    ],
)
def test_an_end_that_is_not_said_as_we_say_it_is_none(name: str) -> None:
    world = drifted()
    world.blobs.put("control", name, b"somebody")
    assert writes_after_a_look(world) == 0


def test_what_a_switch_may_be_is_checked() -> None:
    world = World()
    ask = {"on": True, "reason": "incident"}
    problem(call(world, "set_break_glass", {"on": True}), 400, "invalid-input", "reason")
    other = {**ask, "subscription": "22222222-2222-3333-4444-555555555555"}
    problem(call(world, "set_break_glass", other), 400, "invalid-input", "subscription")
    past = {**ask, "expiresAt": "2026-11-02T07:00:00Z"}
    problem(call(world, "set_break_glass", past), 400, "invalid-input", "expiresAt")
    late = {"on": False, "reason": "over", "expiresAt": "2026-11-02T09:00:00Z"}
    problem(call(world, "set_break_glass", late), 400, "invalid-input", "expiresAt")
    assert list(world.blobs.names("control")) == []


def test_the_command_throws_shows_and_takes_back(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    app = serve(drifted())
    assert main(["break-glass", "status"]) == 0
    assert main(["break-glass", "on", "--reason", "incident 4711", "--by", "jane"]) == 0
    assert "incident 4711" in capsys.readouterr().out
    assert main(["break-glass", "status", "--json"]) == 1
    (state,) = json.loads(capsys.readouterr().out)["breakGlass"]
    assert (state["switch"], state["subscription"]) == ("on", SUBSCRIPTION)
    assert main(["status"]) == 0
    assert "break-glass  on in" in capsys.readouterr().out
    assert main(["break-glass", "off", "--reason", "over"]) == 2
    off = ["break-glass", "off", "--reason", "over", "--yes"]
    assert main([*off, "--subscription", SUBSCRIPTION]) == 1
    assert main(off) == 0
    assert main(["freeze", "--for", "2h", "--reason", "cutover", "--subscription", SUBSCRIPTION]) == 0
    assert app.deeds()[-1][1] == {
        "on": True,
        "reason": "cutover",
        "expiresAt": "2026-11-02T10:00:00+00:00",
        "subscription": SUBSCRIPTION,
    }
    assert main(["break-glass", "status"]) == 1
    assert "until 2026-11-02T10:00:00Z" in capsys.readouterr().out
    assert main(["freeze", "--reason", "cutover"]) == 2
