"""docs/deploy.md pasted from its first block to its last, as a newcomer does, beside a stand-in for Azure."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from driftward.cli import driftward
from local.dev.environments import ROOT
from local.pages.events_page import event_filter
from shared.model.values import value
from tests.deploy.azure_stand_in import PROGRAMS, SUBSCRIPTION

PAGE = ROOT / "docs" / "deploy.md"
NAMES = {"GROUP", "APP", "STORAGE", "LOCATION", "REPOSITORY", "ENVIRONMENT"}
"""What a reader chooses."""
_BLOCK = re.compile(r"(?ms)^```bash\n(.*?)^```$")
_STAND_IN = Path(__file__).with_name("azure_stand_in.py")


@value
class Walked:
    """How the walk ended, what was called, and what Azure would hold then."""

    code: int
    errors: str
    state: dict[str, Any]

    def az(self, command: str) -> list[list[str]]:
        return [call[1:] for call in self.state["calls"] if " ".join(call).startswith(f"az {command} ")]


def blocks() -> list[str]:
    return _BLOCK.findall(PAGE.read_text(encoding="utf-8"))


def walk(folder: Path, pasted: list[str]) -> Walked:
    """Paste the blocks into one shell, where nothing may fail and no variable be used before it is set."""
    programs, project = folder / "bin", folder / "project"
    for path in (programs, project):
        path.mkdir(parents=True)
    for name in ("docs", ".ci"):
        (project / name).symlink_to(ROOT / name)
    for name in PROGRAMS:
        (programs / name).write_text(
            f'#!/bin/sh\nexec "{sys.executable}" -I -S "{programs}/.{name}/{name}" "$@"\n'
        )
        (programs / name).chmod(0o755)
        (programs / f".{name}").mkdir()
        (programs / f".{name}" / name).symlink_to(_STAND_IN)
    state = folder / "state.json"
    done = subprocess.run(
        ["bash", "-c", "\n".join(["set -euo pipefail", *pasted])],
        cwd=project,
        env={
            "PATH": f"{programs}{os.pathsep}{os.defpath}",
            "STAND_IN_STATE": str(state),
            "HOME": str(folder),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return Walked(code=done.returncode, errors=done.stderr, state=json.loads(state.read_text("utf-8")))


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Walked:
    return walk(tmp_path_factory.mktemp("walk"), blocks())


def test_every_command_of_the_page_does_in_its_turn(walked: Walked) -> None:
    assert (walked.code, walked.errors) == (0, "")
    assert len(walked.state["calls"]) > 50


def test_nothing_has_to_be_invented_but_names() -> None:
    """A variable is a chosen name or an answer; and no argument waits for somebody to fill it in."""
    text = "\n".join(blocks())
    chosen = re.findall(r"(?m)^([A-Z_]+)=(?!\$\()", text)
    assert set(chosen) == NAMES
    assert not re.findall(r"<[a-z][\w-]*>|…|your-", text)


@pytest.mark.field(
    "deploy",
    "What is not delivered is written to a keyless account by the topic's identity, which may do so before",
    source="https://learn.microsoft.com/azure/event-grid/security-authentication",
    date="2026-11-30",
)
def test_what_is_not_delivered_is_put_aside_by_an_identity_that_may(walked: Walked) -> None:
    (account,) = walked.az("storage account create")
    assert account[account.index("--allow-shared-key-access") + 1] == "false"
    put = walked.state["subscription"]
    assert "deadLetterDestination" not in put
    assert put["deadLetterWithResourceIdentity"]["identity"] == {"type": "SystemAssigned"}
    assert "topic-identity is Storage Blob Data Contributor" in walked.state["there"]


def test_the_events_are_those_of_the_derived_filter(walked: Walked) -> None:
    put = walked.state["subscription"]
    assert put["filter"] == json.loads(json.dumps(event_filter()))
    assert put["destination"]["properties"]["resourceId"].endswith("/functions/resource_events")
    assert put["destination"]["properties"]["maxEventsPerBatch"] == 1


def test_nothing_may_be_written_until_one_policy_is_enforced(walked: Walked) -> None:
    modes = [word for call in walked.az("functionapp config appsettings set") for word in call]
    assert [word for word in modes if word.startswith("ENFORCEMENT_MODE=")] == [
        "ENFORCEMENT_MODE=audit",
        "ENFORCEMENT_MODE=enforce",
    ]
    calls = [" ".join(call) for call in walked.state["calls"]]
    first = next(at for at, call in enumerate(calls) if "assignment" in call and "Remediator" in call)
    assert first > next(at for at, call in enumerate(calls) if call == "driftward alerts")
    assert any("Driftward Reader" in call and SUBSCRIPTION in call for call in calls[:first])


def test_the_command_understands_what_the_page_asks_of_it(walked: Walked) -> None:
    asked = [call[1:] for call in walked.state["calls"] if call[0] == "driftward"]
    assert [words[0] for words in asked] == ["use", "status", "run", "alerts"]
    for name, *words in asked:
        with click.Context(driftward) as context:
            command = driftward.get_command(context, name)
            assert command is not None
            command.make_context(name, words, parent=context)


def test_the_package_is_sent_as_it_was_made(walked: Walked) -> None:
    sent = [call for call in walked.state["calls"] if call[0] == "curl" and "publish" in " ".join(call)]
    assert sent
    assert all("RemoteBuild=false" in " ".join(call) for call in sent)
    assert not walked.az("functionapp deployment")


def test_at_the_end_of_the_page_nothing_is_left_that_could_act(walked: Walked) -> None:
    left = {"event subscription", "registration a-client", "group rg-driftward"}
    assert not left & set(walked.state["there"])
    assert not [thing for thing in walked.state["there"] if "Driftward " in thing]


@pytest.mark.parametrize(
    ("missing", "refusal"),
    [
        ("az group create", "is not there yet"),
        ("'Storage Blob Data Contributor'", "topic-identity is Storage Blob Data Contributor is not there"),
    ],
)
def test_the_walk_fails_where_a_step_is_left_out(tmp_path: Path, missing: str, refusal: str) -> None:
    """Otherwise a page without it would pass as well."""
    left = [block for block in blocks() if missing not in block]
    assert len(left) < len(blocks())
    ended = walk(tmp_path, left)
    assert ended.code != 0
    assert refusal in ended.errors
