"""docs/uninstall.md pasted behind either way to install, in a subscription that is not empty."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.deploy.programs import Pasted
from tests.deploy.walking import DEPLOY, INFRASTRUCTURE, NSG, UNINSTALL, Walk, blocks, walking

STORAGE = "5. Delete the storage"
TOPIC_GOES = "az eventgrid system-topic delete"
BY_HAND = ("$APP_ID", "$HOST")
"""Whose blocks of the other page `azd` makes needless."""
PEOPLE = "az login\nAPP=driftward-people\nTENANT=$(az account show --query tenantId --output tsv)\n"
MAY_WRITE = """
az role assignment create --role "Driftward Network Remediator${OF:-}" --scope /subscriptions/$SUBSCRIPTION \\
  --assignee-object-id $IDENTITY --assignee-principal-type ServicePrincipal
"""
ENFORCES = "azd env set ENFORCEMENT_MODE enforce\nazd provision\n"


def install_by_az(reader: Walk) -> Pasted:
    return reader.paste([*blocks(DEPLOY, until="Removing it"), MAY_WRITE])


def install_by_azd(reader: Walk) -> Pasted:
    """People sign in as the other page has it, up to where that switches it on by hand."""
    every = blocks(DEPLOY, since="Who may write", until="Events")
    sign_in = [block for block in every if not any(name in block for name in BY_HAND)]
    first, *then = blocks(INFRASTRUCTURE, since="Deploying", until="Private")
    return reader.paste([first, PEOPLE, *sign_in, *then, ENFORCES])


def installed(folder: Path, way: str) -> Iterator[Walk]:
    """Installed, at work, and with a rule of its own in somebody's NSG."""
    with walking(folder / "at", with_topic=way == "azd") as reader:
        done = install_by_azd(reader) if way == "azd" else install_by_az(reader)
        assert done.code == 0, done.errors
        assert reader.cloud.all_of("Microsoft.EventGrid/systemTopics/eventSubscriptions")
        reader.drift()
        yield reader


@pytest.fixture(scope="module", params=["az", "azd"])
def walk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    yield from installed(tmp_path_factory.mktemp("walk"), request.param)


def page(reader: Walk) -> str:
    """What is pasted: the topic goes where nobody else is subscribed."""
    others = [one for one in reader.before if one.endswith("/eventsubscriptions/billing")]
    return "\n".join(one for one in blocks(UNINSTALL) if not (others and TOPIC_GOES in one))


@pytest.fixture(scope="module")
def removed(walk: Walk) -> Pasted:
    """The page, whose reader comes to the storage twice: the second time when its anchors may be deleted."""
    storage = "\n".join(blocks(UNINSTALL, since=STORAGE))
    done = walk.paste([page(walk).replace(storage, "")])
    assert done.code == 0, done.errors
    walk.cloud.are_anchors_kept = True
    early = walk.paste([storage])
    assert "(ContainerImmutabilityPolicyFailure)" in early.errors
    walk.cloud.are_anchors_kept = False
    late = walk.paste([storage])
    assert late.code == 0, late.errors
    return done


def test_every_command_of_the_page_does_in_its_turn(walk: Walk, removed: Pasted) -> None:
    asked = [words[0] for words in walk.running.asked]
    assert asked[asked.index("break-glass") :] == [
        *("break-glass", "changes", "added", "exemptions", "alerts", "verify-journal", "use"),
    ]
    assert "The journal holds." in removed.printed


def test_nothing_has_to_be_invented() -> None:
    text = "\n".join(blocks(UNINSTALL))
    assert not re.findall(r"<[a-z][\w-]*>|…|your-", text)
    assert re.findall(r"(?m)^([A-Z_]+)=(?!\$\()", text) == ["SOURCE"]


def test_nothing_is_left_but_rules_that_are_listed_with_what_removes_them(
    walk: Walk, removed: Pasted
) -> None:
    """And everything that was there before stands as it was."""
    left = {name for name, one in walk.everything().items() if walk.before.get(name) != one}
    commands = re.findall(r"(?m)^ *(az network nsg rule delete .*)$", removed.printed)
    assert len(commands) == len(left - {NSG.lower()}) > 0
    assert all(name.startswith(NSG.lower()) for name in left)
    assert walk.paste(commands).code == 0
    assert walk.everything() == walk.before
    assert walk.cloud.registrations == {}


def _without(beginning: str) -> Callable[[str], str]:
    command = re.compile(rf"(?m)^ *{re.escape(beginning)}(?:[^\n]*\\\n)*[^\n]*\n")
    return lambda text: command.sub("", text)


def _app_first(text: str) -> str:
    app = "az functionapp delete --name $APP --resource-group $GROUP\n"
    return text.replace(app, "").replace("az role assignment list", f"{app}az role assignment list", 1)


@pytest.mark.long
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            _without("az eventgrid system-topic event-subscription delete"),
            "has event subscriptions: driftward",
        ),
        (_without("az role assignment delete --ids"), "(RoleDefinitionHasAssignments)"),
        (_app_first, "Cannot find user or service principal"),
        (_without("export AzureWebJobsStorage__blobServiceUri"), "AzureWebJobsStorage"),
        (_without("  az role assignment create --role"), "403: "),
    ],
    ids=["the event subscription", "the assignments", "the app first", "an address", "who may read it"],
)
def test_the_walk_fails_where_a_step_is_left_out_or_too_early(
    change: Callable[[str], str], said: str, tmp_path: Path
) -> None:
    for reader in installed(tmp_path, "az"):
        text = page(reader)
        assert change(text) != text
        done = reader.paste([change(text)])
        assert done.code != 0
        assert said in done.errors + done.printed
