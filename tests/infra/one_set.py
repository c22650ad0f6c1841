"""What must be one set, on each of its sides: read from the code, and from what the templates would deploy.

A mutation test changes one side and asks again, so every side is read here and nowhere else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from local.dev.bicep.deploying import Scope, deploy
from local.dev.environments import ROOT
from local.pages.events_page import event_filter
from local.pages.roles import actions_of, roles
from local.pages.sign_in import left_out
from shared.api.rights import ROLES
from shared.config.event_queue import QUEUE
from shared.config.settings_table import AUTHENTICATION, SETTINGS
from shared.state.blob_archive import CONTAINERS
from shared.state.table_layout import TABLES
from tests.infra.azure import HOME, FakeAzure

LOCAL_ONLY: Final = frozenset(
    {
        "POLICIES_FILE",
        "COALESCE_SECONDS",
        "SETTLE_SECONDS",
        "SWEEP_SCHEDULE",
        "ARM_ENDPOINT",
        "ARM_API_VERSIONS",
    }
    | {"OPERATOR_KEYS"}
)
"""Settings with a default that suits every installation; `furtherSettings` of the template takes them."""
PLATFORM: Final = frozenset(
    {
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
        "APPLICATIONINSIGHTS_CONNECTION_STRING",
        "AzureFunctionsJobHost__telemetryMode",
        "AzureWebJobsStorage__blobServiceUri",
        "AzureWebJobsStorage__clientId",
        "AzureWebJobsStorage__credential",
        "AzureWebJobsStorage__queueServiceUri",
        "AzureWebJobsStorage__tableServiceUri",
        "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY",
        "PYTHON_APPLICATIONINSIGHTS_LOGGER_NAME",
        "PYTHON_THREADPOOL_THREAD_COUNT",
    }
)
"""What the host and its worker read, and not Driftward."""
PREMIUM: Final = {
    "FUNCTIONS_EXTENSION_VERSION": "~4",
    "FUNCTIONS_WORKER_RUNTIME": "python",
    "WEBSITE_RUN_FROM_PACKAGE": "1",
    "SCM_DO_BUILD_DURING_DEPLOYMENT": "false",
    "ENABLE_ORYX_BUILD": "false",
}
"""What a plan without Flex Consumption is told besides: the package runs as it was made."""
_TRIGGER: Final = re.compile(r"^@bp\.\w+\((.*?)\)\ndef (\w+)", re.MULTILINE | re.DOTALL)
_QUEUE_NAME: Final = re.compile(r"queue_name=(f?\"[^\"]+\"|\w+)")
EVENT_GRIDS: Final = "eventgrid-deadletters"
PACKAGE: Final = "app-package"


class Deployed:
    """What the templates below a folder would deploy, in every variant that adds something."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._open = self._made(network="public", signInClientId="client", telemetryOf="worker")
        self._closed = self._made(network="closed", enforcementMode="enforce")
        self._premium = self._made("AzureUSGovernment")

    def _made(self, cloud: str = "AzureCloud", **parameters: Any) -> FakeAzure:
        azure, scope = FakeAzure(cloud), Scope(subscription=HOME)
        given = {"environmentName": "dw", "location": "canadacentral", **parameters}
        outputs = deploy(self._root / "infra" / "main.bicep", scope, given, azure)
        of_events = {
            "location": "canadacentral",
            "topicGroup": outputs["AZURE_RESOURCE_GROUP"],
            "appId": outputs["DRIFTWARD_APP_ID"],
            "storageId": outputs["DRIFTWARD_STORAGE_ID"],
            "delivery": outputs["DRIFTWARD_DELIVERY"],
        }
        deploy(self._root / "infra" / "events.bicep", scope, of_events, azure)
        return azure

    def settings(self) -> set[str]:
        sites = [
            azure.named("Microsoft.Web/sites/config", "appsettings") for azure in (self._open, self._closed)
        ]
        return {name for site in sites for name in site.body["properties"]}

    def premium_settings(self) -> dict[str, str]:
        """Those that the other plan has and Flex Consumption has not."""
        held = self._premium.named("Microsoft.Web/sites/config", "appsettings").body["properties"]
        return {name: text for name, text in held.items() if name not in self.settings()}

    def functions(self) -> set[str]:
        """The functions that a template names: those with an instance always ready, and where events go."""
        return {name for azure in (self._open, self._closed) for name in _functions(azure)}

    def filter(self) -> Mapping[str, Any]:
        held: Mapping[str, Any] = self._subscription(self._open)["filter"]
        return held

    def actions(self) -> dict[str, list[str]]:
        """Of each role, without the name of the installation."""
        definitions = self._open.of("Microsoft.Authorization/roleDefinitions")
        bodies = [one.body["properties"] for one in definitions]
        return {
            body["roleName"].removesuffix(" (dw)"): sorted(body["permissions"][0]["actions"], key=str.lower)
            for body in bodies
        }

    def excluded_paths(self) -> set[str]:
        settings = self._open.named("Microsoft.Web/sites/config", "authsettingsV2").body["properties"]
        return set(settings["globalValidation"]["excludedPaths"])

    def containers(self) -> set[str]:
        return self._names("Microsoft.Storage/storageAccounts/blobServices/containers")

    def queues(self) -> set[str]:
        return self._names("Microsoft.Storage/storageAccounts/queueServices/queues")

    def tables(self) -> set[str]:
        return self._names("Microsoft.Storage/storageAccounts/tableServices/tables")

    def written_to(self) -> set[str]:
        """The containers and queues that something is told to write to."""
        return {
            name for azure in (self._open, self._closed) for name in _written_to(self._subscription(azure))
        }

    def _names(self, kind: str) -> set[str]:
        return {one.id.rpartition("/")[2] for one in self._closed.of(kind)}

    def _subscription(self, azure: FakeAzure) -> Mapping[str, Any]:
        kind = "Microsoft.EventGrid/systemTopics/eventSubscriptions"
        held: Mapping[str, Any] = azure.one(kind).body["properties"]
        return held


def _functions(azure: FakeAzure) -> Iterator[str]:
    config = azure.one("Microsoft.Web/sites").body["properties"]["functionAppConfig"]
    for ready in config["scaleAndConcurrency"]["alwaysReady"]:
        yield ready["name"].removeprefix("function:")
    subscription = azure.one("Microsoft.EventGrid/systemTopics/eventSubscriptions").body["properties"]
    if "destination" in subscription:
        yield subscription["destination"]["properties"]["resourceId"].rpartition("/functions/")[2]


def _written_to(subscription: Mapping[str, Any]) -> Iterator[str]:
    letters = subscription["deadLetterWithResourceIdentity"]["deadLetterDestination"]
    yield letters["properties"]["blobContainerName"]
    if "deliveryWithResourceIdentity" in subscription:
        yield subscription["deliveryWithResourceIdentity"]["destination"]["properties"]["queueName"]


def differences(root: Path) -> list[str]:
    """Every set of which two sides differ, a line each."""
    deployed, triggers = Deployed(root), triggers_below(root)
    ours = {setting.name for setting in SETTINGS} - {AUTHENTICATION, "AzureWebJobsStorage"}
    queues = {queue for queue in triggers.values() if queue}
    sample = json.loads((root / "local.settings.sample.json").read_text("utf-8"))["Values"]
    page = (root / "docs" / "infrastructure.md").read_text("utf-8")
    sides: Mapping[str, tuple[Any, Any]] = {
        "settings": (ours - LOCAL_ONLY | PLATFORM, deployed.settings()),
        "settings of the premium plan": (PREMIUM, deployed.premium_settings()),
        "named on the page for the premium plan": (set(), _unset(page, PREMIUM)),
        "settings of the sample": (ours, set(sample) & ours),
        "functions": ({"resource_events", "queued_events"} & set(triggers), deployed.functions()),
        "event filter": (event_filter(), deployed.filter()),
        "role actions": ({role.name: actions_of(role) for role in roles()}, deployed.actions()),
        "excluded paths": (set(left_out()), deployed.excluded_paths()),
        "containers": ({*CONTAINERS, PACKAGE, EVENT_GRIDS}, deployed.containers()),
        "queues": (queues, deployed.queues()),
        "tables": (set(TABLES), deployed.tables()),
        "what is written to": ({EVENT_GRIDS, QUEUE}, deployed.written_to()),
        "app roles": (set(ROLES.values()), _roles_of_registration(root)),
        "named on the page": (
            set(),
            _unnamed(page, {*triggers.values(), *CONTAINERS, *TABLES, EVENT_GRIDS} - {""}),
        ),
    }
    return [f"{name}: {_apart(one, two)}" for name, (one, two) in sides.items() if one != two]


def _roles_of_registration(root: Path) -> set[str]:
    held = json.loads((root / "docs" / "sign-in" / "app-roles.json").read_text("utf-8"))
    return {role["value"] for role in held}


def _unnamed(page: str, names: set[str]) -> set[str]:
    return {name for name in names if f"`{name}`" not in page}


def _unset(page: str, settings: Mapping[str, str]) -> set[str]:
    """Those that keep a build away, where the page does not say so."""
    told = ("WEBSITE_RUN_FROM_PACKAGE", "SCM_DO_BUILD_DURING_DEPLOYMENT")
    return {name for name in told if f"`{name}={settings[name]}`" not in page}


def _apart(one: Any, two: Any) -> str:
    if isinstance(one, set):
        return f"{sorted(one ^ two)}"
    return "the two differ"


def triggers_below(root: Path) -> dict[str, str]:
    """The functions of `functions/`, each with the queue that it reads, or ""."""
    modules = [path.read_text("utf-8") for path in sorted((root / "functions").glob("*.py"))]
    found = [trigger for module in modules for trigger in _TRIGGER.findall(module)]
    return {name: _queue_in(arguments) for arguments, name in found}


def _queue_in(arguments: str) -> str:
    named = _QUEUE_NAME.search(arguments)
    if named is None:
        return ""
    return named[1].replace("{QUEUE}", QUEUE).replace("QUEUE", QUEUE).strip('f"')


def azure_yaml(root: Path = ROOT) -> dict[str, Any]:
    held: dict[str, Any] = yaml.safe_load((root / "azure.yaml").read_text("utf-8"))
    return held
