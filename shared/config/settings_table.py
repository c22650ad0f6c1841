"""The settings by name: what each means, and its default.

``SETTINGS`` is the table that the README and ``local.settings.sample.json`` are generated from, so that a
setting cannot exist undocumented. What the Functions host itself reads (``AzureWebJobsStorage__…``) is named
with the setting to which it belongs.
"""

from __future__ import annotations

from typing import Final

from shared.config import sweep_schedule
from shared.model.values import value

AUTHENTICATION: Final = "WEBSITE_AUTH_ENABLED"


@value
class Setting:
    name: str
    default: str
    meaning: str


SETTINGS: Final = (
    Setting(
        name="ENFORCEMENT_MODE",
        default="audit",
        meaning="`audit` writes nothing to Azure and reports what `enforce` would do; `enforce` reverts.",
    ),
    Setting(
        name="SCOPES",
        default="",
        meaning="Subscriptions and resource groups to sweep, separated by commas or blanks: "
        "`/subscriptions/<id>` or `/subscriptions/<id>/resourceGroups/<name>`. "
        "Nothing outside is ever written, whatever asks for it: `enforce` without any is refused. "
        "Events of other targets are ignored; when this is empty, none is. "
        "An operator's run may look at any.",
    ),
    Setting(
        name="POLICIES_FILE",
        default="policies.yaml",
        meaning="Effects, scopes, parameters, exemptions and budgets; relative to the app's folder.",
    ),
    Setting(
        name="COALESCE_SECONDS",
        default="5",
        meaning="Events of one target within this time cause one reading, "
        "counted from the first unprocessed event.",
    ),
    Setting(
        name="SETTLE_SECONDS",
        default="60",
        meaning="Quiet time after the last foreign write before a revert; alerts never wait.",
    ),
    Setting(
        name=sweep_schedule.NAME,
        default=sweep_schedule.DEFAULT,
        meaning="NCRONTAB schedule of the sweep: six fields, seconds first. With one that cannot be read or "
        "never comes nothing works, and the sweep comes by the default to say so.",
    ),
    Setting(
        name="CLOUD",
        default="public",
        meaning="`public`, `usgovernment` or `china`: endpoints, sign-in, token audiences and portal.",
    ),
    Setting(
        name="ARM_ENDPOINT",
        default="",
        meaning="Another Azure Resource Manager endpoint. Plain http, and the fake credential that goes "
        "with it, are accepted for a loopback address only (the simulator).",
    ),
    Setting(
        name="ARM_API_VERSIONS",
        default="",
        meaning="Lower api-versions for clouds that lag behind, for example "
        "`flexible=2025-08-01,network=2024-05-01`.",
    ),
    Setting(
        name="AZURE_CLIENT_ID",
        default="",
        meaning="Client id of the user-assigned managed identity with which Azure Resource Manager and the "
        "topic are asked; empty for the system-assigned one. The storage account has its own, below.",
    ),
    Setting(
        name="OPERATOR_KEYS",
        default="",
        meaning="`allow` lets every holder of a function key approve, roll back and start runs that write, "
        "while the platform's authentication is off; the journal then says *claimed, by function key*. "
        "Empty: only who signed in with an app role may.",
    ),
    Setting(
        name=AUTHENTICATION,
        default="",
        meaning="Set by the platform and never by hand: `true` where App Service authentication stands "
        "before the app, and its word on who asks is believed.",
    ),
    Setting(
        name="ALERT_TOPIC_ENDPOINT",
        default="",
        meaning="Event Grid custom topic that receives our CloudEvents (role: EventGrid Data Sender).",
    ),
    Setting(
        name="ALERT_URLS",
        default="",
        meaning="apprise URLs separated by blanks: Teams workflows, Slack, PagerDuty, e-mail…; "
        "each holds a secret: use Key Vault references.",
    ),
    Setting(
        name="EVENTS_QUEUE",
        default="",
        meaning="`events` where events come by the queue of that name, the only value that it takes.",
    ),
    Setting(
        name="AzureWebJobsStorage",
        default="",
        meaning="Needed. Storage account of the Functions host and of our tables, blobs and queue: a "
        "connection string (`UseDevelopmentStorage=true` for the emulator), or keyless "
        "`AzureWebJobsStorage__accountName` (outside of the public cloud the three addresses instead: "
        "`__blobServiceUri`, `__queueServiceUri`, `__tableServiceUri`), with `__credential=managedidentity` "
        "and, for a user-assigned identity, `__clientId` or `__managedIdentityResourceId`. They are read as "
        "the host reads them.",
    ),
)
