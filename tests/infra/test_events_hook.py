"""The hook that subscribes to events, with a stub of `az` that records what it is asked."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.hooks import events
from local.dev.bicep.reading import read
from tests.infra.azure import HOME, OTHER, installed

STUB = """#!{python}
import json, sys
folder = {folder!r}
words = sys.argv[1:]
with open(folder + "/asked", "a") as log:
    log.write(json.dumps(words) + chr(10))
answers = json.load(open(folder + "/answers"))
key = next((key for key in answers if " ".join(words).startswith(key)), None)
if key is None:
    sys.exit("az " + " ".join(words) + ": not expected")
code, said = answers[key].pop(0) if len(answers[key]) > 1 else answers[key][0]
json.dump(answers, open(folder + "/answers", "w"))
print(said, file=sys.stderr if code else sys.stdout)
sys.exit(code)
"""
LIST, DEPLOY, PATCH, EXISTS = "eventgrid system-topic list", "deployment sub create", "rest", "group exists"
SYSTEM_TOPICS = "providers/Microsoft.EventGrid/systemTopics"
NOT_FOUND = (1, "ERROR: (Endpoint validation) Destination endpoint not found. Resource details: func")


class Az:
    """What is answered, each in turn and the last one ever after; and what was asked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.said: list[str] = []
        self.pauses: list[float] = []

    def answers(self, told: Mapping[str, list[tuple[int, str]]]) -> None:
        usual: Mapping[str, list[tuple[int, str]]] = {
            LIST: [(0, "[]")],
            DEPLOY: [(0, "{}")],
            EXISTS: [(0, "true")],
            PATCH: [(0, "{}")],
        }
        (self._folder / "answers").write_text(json.dumps({**usual, **told}), "utf-8")

    def asked(self, beginning: str) -> list[list[str]]:
        lines = (self._folder / "asked").read_text("utf-8").splitlines()
        return [words for words in map(json.loads, lines) if " ".join(words).startswith(beginning)]

    def run(self, **changed: str) -> int:
        _, outputs = installed()
        return events.main({**outputs, **changed}, self.said.append, self.pauses.append)


@pytest.fixture
def az(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Az:
    program = tmp_path / "az"
    program.write_text(STUB.format(python=sys.executable, folder=str(tmp_path)), encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    stub = Az(tmp_path)
    stub.answers({})
    return stub


def parameters_of(words: list[str]) -> dict[str, str]:
    return dict(word.split("=", 1) for word in words[words.index("--parameters") + 1 : -2])


def topic(**changed: Any) -> str:
    found = {
        "id": f"/subscriptions/{HOME}/resourceGroups/rg-theirs/{SYSTEM_TOPICS}/theirs",
        "source": f"/SUBSCRIPTIONS/{HOME.upper()}",
        "topicType": "microsoft.resources.subscriptions",
        "identity": {"type": "SystemAssigned", "principalId": "p"},
        **changed,
    }
    other = {**found, "id": "x", "source": f"/subscriptions/{HOME}/resourceGroups/rg"}
    return json.dumps([other, found])


def test_a_topic_is_made_where_there_is_none(az: Az) -> None:
    assert az.run() == 0
    (words,) = az.asked(DEPLOY)
    given = parameters_of(words)
    assert (given["topicExists"], given["groupExists"], given["topicGroup"]) == ("false", "true", "rg-dw")
    assert set(given) <= set(read(events.TEMPLATE).parameters)
    assert words[words.index("--subscription") + 1] == HOME


def test_a_topic_that_is_there_is_used_however_its_source_is_spelled(az: Az) -> None:
    az.answers({LIST: [(0, topic())]})
    assert az.run() == 0
    given = parameters_of(az.asked(DEPLOY)[0])
    assert (given["topicName"], given["topicGroup"], given["topicExists"]) == ("theirs", "rg-theirs", "true")
    assert az.asked(PATCH) == az.asked(EXISTS) == []


def test_a_topic_without_an_identity_gets_one_and_keeps_those_that_it_has(az: Az) -> None:
    az.answers(
        {LIST: [(0, topic(identity={"type": "UserAssigned", "userAssignedIdentities": {"/a": {"x": 1}}}))]}
    )
    assert az.run() == 0
    (words,) = az.asked(PATCH)
    assert json.loads(words[words.index("--body") + 1])["identity"] == {
        "type": "SystemAssigned, UserAssigned",
        "userAssignedIdentities": {"/a": {}},
    }


def test_it_is_repeated_while_the_function_is_not_indexed(az: Az) -> None:
    az.answers({DEPLOY: [NOT_FOUND, (1, "Azure Function supports EventGrid Trigger type only"), (0, "{}")]})
    assert az.run() == 0
    assert len(az.asked(DEPLOY)) == 3
    assert az.pauses == [events.PAUSE] * 2


def test_it_gives_up_after_minutes_and_says_why(az: Az, monkeypatch: pytest.MonkeyPatch) -> None:
    assert events.PAUSE * events.ATTEMPTS == 300
    monkeypatch.setattr(events, "ATTEMPTS", 3)
    az.answers({DEPLOY: [NOT_FOUND]})
    assert az.run() == 1
    assert az.pauses == [events.PAUSE] * 2
    assert az.said[-1] == f"not subscribed to {HOME}: the app has not indexed its functions yet"


def test_a_topic_that_somebody_makes_meanwhile_is_found(az: Az) -> None:
    az.answers(
        {
            LIST: [(0, "[]"), (0, topic())],
            DEPLOY: [(1, "InvalidRequest: Only one system topic is allowed per source."), (0, "{}")],
        }
    )
    assert az.run() == 0
    assert parameters_of(az.asked(DEPLOY)[1])["topicName"] == "theirs"


@pytest.mark.parametrize(
    "reason", [one for one in events.REASONS if not one.passes], ids=lambda one: one.words
)
def test_what_does_not_pass_ends_it_at_once_with_its_remedy(reason: events.Reason, az: Az) -> None:
    az.answers({DEPLOY: [(1, f"ERROR: {reason.words}: more words")]})
    assert az.run() == 1
    assert az.pauses == []
    assert az.said[-1].endswith(reason.means.format(subscription=HOME))


def test_every_watched_subscription_is_subscribed_and_gets_a_group_where_it_has_none(az: Az) -> None:
    az.answers({EXISTS: [(0, "true"), (0, "false")]})
    assert az.run(DRIFTWARD_SUBSCRIPTIONS=f"{HOME} {OTHER}") == 0
    assert [parameters_of(words)["groupExists"] for words in az.asked(DEPLOY)] == ["true", "false"]


def test_what_is_absent_is_named(az: Az) -> None:
    assert az.run(DRIFTWARD_STORAGE_ID="") == 2
    assert "DRIFTWARD_STORAGE_ID" in az.said[0]


def test_without_az_it_says_where_to_get_it(az: Az, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert az.run() == 1
    assert "az is not on the path" in az.said[0]


def test_the_variables_that_it_needs_are_outputs_of_the_template() -> None:
    _, outputs = installed()
    assert set(events.NEEDED) <= set(outputs)
