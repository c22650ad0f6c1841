"""Names, settings, filters and roles are one set in code, templates and pages."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from local.dev.environments import ROOT
from shared.config.event_queue import SETTING
from tests.infra.azure import whole_settings
from tests.infra.one_set import differences, triggers_below

COPIED = (
    "infra",
    "functions",
    "docs/roles",
    "docs/sign-in",
    "docs/event-filter.json",
    "docs/infrastructure.md",
    "local.settings.sample.json",
)
TAKEN_AWAY: Mapping[str, tuple[str, str, str]] = {
    "an action of a role": (
        "docs/roles/reader.json",
        r' *"Microsoft.Authorization/locks/read",\n',
        "role actions",
    ),
    "an action of a remediator": (
        "docs/roles/network-remediator.json",
        r' *"Microsoft.Network/networkSecurityGroups/securityRules/delete",\n',
        "role actions",
    ),
    "a role": ("infra/main.bicep", r", networkRemediator\]", "role actions"),
    "a value of the filter": (
        "docs/event-filter.json",
        r' *"Microsoft.Network/routeTables/",\n',
        "event filter",
    ),
    "a type of event": (
        "docs/event-filter.json",
        r' *"Microsoft.Resources.ResourceDeleteSuccess",\n',
        "event filter",
    ),
    "a setting of the template": ("infra/app.bicep", r" *SCOPES: .*\n", "settings"),
    "a setting of the queue": ("infra/modules/function.bicep", r"\{ EVENTS_QUEUE: 'events' \}", "settings"),
    "a setting of the sample": ("local.settings.sample.json", r' *"CLOUD": .*\n', "settings of the sample"),
    "an excluded path": ("docs/sign-in/auth-settings.json", r' *"/api/health",\n', "excluded paths"),
    "the webhook among them": (
        "docs/sign-in/auth-settings.json",
        r' *"/runtime/webhooks/eventgrid",\n',
        "excluded paths",
    ),
    "an app role": ("docs/sign-in/app-roles.json", r"Driftward\.Approver", "app roles"),
    "the function of events": ("functions/resource_events.py", r"def resource_events", "functions"),
    "the function of the queue": ("functions/queued_events.py", r"def queued_events\(", "functions"),
    "the function in the template": (
        "infra/modules/event-subscription.bicep",
        r"/functions/resource_events",
        "functions",
    ),
    "a queue that is read": ("functions/notify.py", r'queue_name="notify-poison"', "queues"),
    "a queue that is made": ("infra/modules/storage.bicep", r", 'notify-poison'", "queues"),
    "a container": ("infra/modules/storage.bicep", r"'snapshots', ", "containers"),
    "the container of dead letters": (
        "infra/modules/event-subscription.bicep",
        r"eventgrid-deadletters",
        "what is written to",
    ),
    "a table": ("infra/modules/storage.bicep", r"'runs', ", "tables"),
    "a setting of the worker's telemetry": (
        "infra/app.bicep",
        r" *PYTHON_APPLICATIONINSIGHTS_LOGGER_NAME: .*\n",
        "settings",
    ),
    "the build that is off on the premium plan": (
        "infra/modules/function.bicep",
        r" *SCM_DO_BUILD_DURING_DEPLOYMENT: .*\n",
        "settings of the premium plan",
    ),
    "the package that runs as it is, on the page": (
        "docs/infrastructure.md",
        r"`WEBSITE_RUN_FROM_PACKAGE=1`",
        "named on the page for the premium plan",
    ),
    "a name on the page": ("docs/infrastructure.md", r"`events-poison`", "named on the page"),
}
"""What is taken away: the file, a pattern in it, and the set that is told of."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in COPIED:
        source, goal = ROOT / name, tmp_path / name
        goal.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, goal)
        else:
            shutil.copy(source, goal)
    return tmp_path


def test_all_sides_are_one_set() -> None:
    assert differences(ROOT) == []


def test_the_functions_that_are_read_are_those_of_the_app(functions: Mapping[str, object]) -> None:
    only_by_setting = {"queued_events", "queued_events_poison"}
    assert set(triggers_below(ROOT)) - only_by_setting == set(functions)


@pytest.mark.parametrize("what", TAKEN_AWAY)
def test_what_one_side_lacks_is_told(what: str, copy: Path) -> None:
    name, pattern, said = TAKEN_AWAY[what]
    path = copy / name
    source = path.read_text("utf-8")
    changed = re.sub(pattern, lambda found: _without_a_name(found[0]), source, count=1)
    assert changed != source
    path.write_text(changed, encoding="utf-8")
    assert said in {difference.partition(":")[0] for difference in differences(copy)}


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("event_filter", "event filter"),
        ("actions_of", "role actions"),
        ("left_out", "excluded paths"),
        ("CONTAINERS", "containers"),
        ("TABLES", "tables"),
        ("SETTINGS", "settings"),
        ("ROLES", "app roles"),
    ],
    ids=lambda one: one if one[0].isupper() or "_" in one else None,
)
def test_what_the_code_lacks_is_told(what: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    empty: Mapping[str, object] = {
        "event_filter": lambda: {"includedEventTypes": [], "advancedFilters": []},
        "actions_of": lambda role: [],
        "left_out": lambda: ["/api/health"],
        "ROLES": {},
    }
    monkeypatch.setattr(f"tests.infra.one_set.{what}", empty.get(what, ()))
    assert said in {difference.partition(":")[0] for difference in differences(ROOT)}


def test_the_page_switches_the_workers_telemetry_on_with_what_the_template_does() -> None:
    """And with the host's: without it each line would come twice."""
    page = (ROOT / "docs" / "deploy.md").read_text("utf-8").split("## Telemetry of the worker")[1]
    told = dict(re.findall(r"(?m)^  (\w+)=(\w+)", page.split("```")[1]))
    held = whole_settings("public", telemetryOf="worker")
    assert told == {name: held[name] for name in told}
    assert {name for name in held if "PYTHON_APPLICATIONINSIGHTS" in name or "telemetryMode" in name} == set(
        told
    )


def test_the_worker_has_a_thread_for_every_message_of_every_queue_that_is_read() -> None:
    for network in ("public", "closed"):
        settings = whole_settings(network)
        queues = [queue for queue in triggers_below(ROOT).values() if queue]
        read = [queue for queue in queues if SETTING in settings or not queue.startswith("events")]
        assert int(settings["PYTHON_THREADPOOL_THREAD_COUNT"]) == 8 * len(read) + 8


def _without_a_name(found: str) -> str:
    """The lines go; a word inside a line becomes another, so that what is left can be read."""
    if found.endswith("\n"):
        return ""
    if found == ", networkRemediator]":
        return "]"
    if found.startswith((", '", "'")):
        return ""
    if found.startswith("{"):
        return "{}"
    return re.sub(r"[A-Za-z_]+(?=[^A-Za-z_]*$)", "other", found, count=1)
