"""docs/deploy.md pasted from its first block to its last, as a newcomer does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from local.pages.events_page import event_filter
from tests.deploy.az import ASKS
from tests.deploy.programs import Pasted
from tests.deploy.walking import DEPLOY, INFRASTRUCTURE, SUBSCRIPTION, UNINSTALL, Walk, blocks, walking

NAMES = {"GROUP", "APP", "STORAGE", "LOCATION", "REPOSITORY", "ENVIRONMENT"}
"""What a reader chooses."""
REMOVAL = "Removing it"
Change = Callable[[str], str]


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    with walking(tmp_path_factory.mktemp("walk") / "at") as reader:
        yield reader


@pytest.fixture(scope="module")
def deployed(walk: Walk) -> Pasted:
    return walk.paste(blocks(DEPLOY, until=REMOVAL))


@pytest.fixture(scope="module")
def subscription(walk: Walk, deployed: Pasted) -> Mapping[str, Any]:
    """The event subscription as it is then."""
    (found,) = walk.cloud.all_of("Microsoft.EventGrid/systemTopics/eventSubscriptions")
    held: Mapping[str, Any] = found["properties"]
    return held


@pytest.fixture(scope="module")
def removed(walk: Walk, deployed: Pasted, subscription: Mapping[str, Any]) -> Pasted:
    return walk.paste(blocks(DEPLOY, since=REMOVAL))


def test_every_command_of_the_page_does_in_its_turn(walk: Walk, deployed: Pasted) -> None:
    assert deployed.code == 0, deployed.errors
    assert len(walk.calls) > 50


def test_nothing_has_to_be_invented_but_names() -> None:
    """A variable is a chosen name or an answer; and no argument waits for somebody to fill it in."""
    text = "\n".join(blocks(DEPLOY))
    chosen = re.findall(r"(?m)^([A-Z_]+)=(?!\$\()", text)
    assert set(chosen) == NAMES
    assert not re.findall(r"<[a-z][\w-]*>|…|your-", text)


@pytest.mark.field(
    "deploy",
    "What is not delivered is written to a keyless account by the topic's identity, which may do so before",
    source="https://learn.microsoft.com/azure/event-grid/security-authentication",
    date="2026-11-30",
)
def test_what_is_not_delivered_is_put_aside_by_an_identity(subscription: Mapping[str, Any]) -> None:
    assert "deadLetterDestination" not in subscription
    assert subscription["deadLetterWithResourceIdentity"]["identity"] == {"type": "SystemAssigned"}


def test_the_events_are_those_of_the_derived_filter(subscription: Mapping[str, Any]) -> None:
    assert subscription["filter"].items() >= json.loads(json.dumps(event_filter())).items()
    assert subscription["destination"]["properties"]["resourceId"].endswith("/functions/resource_events")
    assert subscription["destination"]["properties"]["maxEventsPerBatch"] == 1


def test_nothing_may_be_written_until_one_policy_is_enforced(walk: Walk, deployed: Pasted) -> None:
    settings = [word for call in walk.called("az functionapp config appsettings set") for word in call.words]
    assert [word for word in settings if word.startswith("ENFORCEMENT_MODE=")] == [
        "ENFORCEMENT_MODE=audit",
        "ENFORCEMENT_MODE=enforce",
    ]
    calls = [str(call) for call in walk.calls]
    first = next(at for at, call in enumerate(calls) if "assignment" in call and "Remediator" in call)
    assert first > calls.index("driftward alerts")
    assert any("Driftward Reader" in call and SUBSCRIPTION in call for call in calls[:first])


def test_the_app_answers_its_commands_with_what_it_was_given(walk: Walk, deployed: Pasted) -> None:
    assert [words[0] for words in walk.running.asked] == ["use", "status", "run", "alerts"]
    assert "Mode     audit" in re.sub(r"(?i)mode +", "Mode     ", deployed.printed)


def test_the_package_is_sent_as_it_was_made_and_the_token_is_among_no_words(
    walk: Walk, deployed: Pasted
) -> None:
    sent = [call for call in walk.called("curl") if "/api/publish" in str(call)]
    assert sent
    assert all("RemoteBuild=false" in str(call) for call in sent)
    assert not [call for call in walk.calls if "token for arm" in str(call)]


def test_at_the_end_of_the_page_all_is_as_it_was(walk: Walk, removed: Pasted) -> None:
    assert removed.code == 0, removed.errors
    assert walk.everything() == walk.before
    assert walk.cloud.registrations == {}


@pytest.mark.parametrize("page", [DEPLOY, INFRASTRUCTURE, UNINSTALL], ids=lambda page: page.name)
def test_what_asks_a_person_is_the_last_line_of_its_block(page: Path) -> None:
    """Whatever is pasted behind it would be taken for the answer."""
    for block in blocks(page):
        lines = block.replace("\\\n", " ").strip().splitlines()
        assert not [line for line in lines[:-1] if line.startswith(ASKS) and "--yes" not in line]


def _without(beginning: str) -> Change:
    """The page without the commands that begin so, each with the lines that continue it."""
    command = re.compile(rf"(?m)^ *{re.escape(beginning)}(?:[^\n]*\\\n)*[^\n]*\n")
    return lambda text: command.sub("", text)


def _with(old: str, new: str = "") -> Change:
    return lambda text: text.replace(old, new)


CHANGED: dict[str, tuple[Change, str]] = {
    "the group": (_without("az group create"), "(ResourceNotFound)"),
    "a provider": (
        _with(" Microsoft.EventGrid "),
        "is not registered to use namespace 'Microsoft.EventGrid'",
    ),
    "one role on its storage": (
        _with("'Storage Queue Data Contributor' "),
        "not Storage Queue Data Contributor",
    ),
    "the key is not deleted": (_without("az functionapp config appsettings delete"), "has a key"),
    "an address": (_with("queue.core", "queue.cor"), "the host does not start"),
    "an identity of the app": (_with("--assign-identity '[system]' "), "--assignee-object-id is empty"),
    "the package": (_without("make package"), "is no package"),
    "the publication": (_without("bash .ci/publish"), "404: no app runs"),
    "the app behind its events": (
        lambda text: _without("curl -s https://$HOST/api/status")(text).replace(
            "bash .ci/publish $APP $GROUP\nAPP_ID", "APP_ID"
        ),
        "Destination endpoint not found",
    ),
    "the container": (_without("az storage container-rm create --storage-account $STORAGE"), "is not there"),
    "the topic's role": (
        _without("az role assignment create --role 'Storage Blob Data Contributor'"),
        "(Forbidden) the topic's identity",
    ),
    "the topic's identity": (_with(" --identity systemassigned"), "--assignee-object-id is empty"),
    "the registration": (_without("CLIENT_ID=$(az ad app create"), "CLIENT_ID: unbound variable"),
    "the trust in az": (_with("azure-cli.json", "scope.json"), "nobody has consented"),
    "a person's role": (_without("az rest --method POST"), "no role of"),
    "sign-in": (_without("az rest --method PUT --url"), "the app answered 401"),
    "the reader": (_without("az role assignment create --role 'Driftward Reader'"), "driftward"),
    "the definitions": (_without("az role definition create"), "Role 'Driftward Reader' doesn't exist"),
}
"""What is changed on the page, and what says so."""
FEW = ("the group", "the app behind its events", "the topic's role")


@pytest.mark.parametrize(
    "what", [pytest.param(one, marks=() if one in FEW else pytest.mark.long) for one in CHANGED]
)
def test_the_walk_fails_where_a_step_is_left_out_or_wrong(what: str, tmp_path: Path) -> None:
    """Otherwise a page without it would pass as well."""
    change, said = CHANGED[what]
    text = "\n".join(blocks(DEPLOY, until=REMOVAL))
    assert change(text) != text
    with walking(tmp_path / "at") as reader:
        ended = reader.paste([change(text)])
    assert ended.code != 0
    assert said in ended.errors
