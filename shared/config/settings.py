"""The settings, from a mapping of names to texts: what each means, its default, and what is wrong with it.

The environment is passed in; nothing here reads it. ``SETTINGS`` is the table that the README and
``local.settings.sample.json`` are generated from, so that a setting cannot exist undocumented.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from ipaddress import ip_address
from typing import Final, TypeVar
from urllib.parse import urlsplit

from shared.model import Edit, EnforcementMode
from shared.model.changes import owner_of
from shared.model.errors import ConfigurationError
from shared.model.resource_id import InvalidResourceId, ResourceId
from shared.model.values import value

EnumT = TypeVar("EnumT", bound=StrEnum)

SCOPE_TYPES: Final = frozenset(
    {"microsoft.resources/subscriptions", "microsoft.resources/subscriptions/resourcegroups"}
)
AUTHENTICATION: Final = "WEBSITE_AUTH_ENABLED"
_API_VERSION: Final = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?", re.ASCII)


class Cloud(StrEnum):
    PUBLIC = "public"
    US_GOVERNMENT = "usgovernment"
    CHINA = "china"


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
    Setting(name="SWEEP_SCHEDULE", default="0 */30 * * * *", meaning="NCRONTAB schedule of the sweep."),
    Setting(
        name="CLOUD",
        default="public",
        meaning="`public`, `usgovernment` or `china`: endpoints, token audience and portal.",
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
        meaning="Client id of the user-assigned managed identity; empty for the system-assigned one.",
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
    Setting(name="EVENTS_QUEUE", default="", meaning="`events` where events come by the queue of that name."),
    Setting(
        name="AzureWebJobsStorage",
        default="UseDevelopmentStorage=true",
        meaning="Storage account of the Functions host and of our tables, blobs and queue: a connection "
        "string, or keyless `AzureWebJobsStorage__blobServiceUri`, `__queueServiceUri`, `__tableServiceUri`.",
    ),
)


_ARM: Final = {
    Cloud.PUBLIC: "https://management.azure.com",
    Cloud.US_GOVERNMENT: "https://management.usgovcloudapi.net",
    Cloud.CHINA: "https://management.chinacloudapi.cn",
}


@value
class Settings:
    """The settings as typed values."""

    mode: EnforcementMode = EnforcementMode.AUDIT
    scopes: tuple[ResourceId, ...] = ()
    policies_file: str = "policies.yaml"
    coalesce_seconds: float = 5.0
    settle_seconds: float = 60.0
    cloud: Cloud = Cloud.PUBLIC
    arm_endpoint: str = ""
    api_versions: tuple[tuple[str, str], ...] = ()
    client_id: str = ""
    operator_keys: bool = False
    """Whether a function key is enough to write."""
    authentication: bool = False
    """Whether the platform has checked who asks."""
    alert_topic: str = ""
    alert_urls: tuple[str, ...] = ()

    @property
    def management_endpoint(self) -> str:
        """Where ARM is: ``ARM_ENDPOINT``, or the cloud's own."""
        return self.arm_endpoint or _ARM[self.cloud]

    @property
    def management_audience(self) -> str:
        """Whom tokens for ARM are for, where its address does not tell; ``""`` where it does."""
        own = _ARM[self.cloud]
        return "" if self.management_endpoint == own else f"{own}/"

    def covers(self, resource: ResourceId) -> bool:
        """Whether events are followed to the resource, and whether it may be written.

        Without scopes audit looks at every one, and nothing else is done anywhere.
        """
        if not self.scopes:
            return self.mode is EnforcementMode.AUDIT
        return any(resource.within(scope) for scope in self.scopes)

    def outside(self, edits: Iterable[Edit]) -> tuple[ResourceId, ...]:
        """The NSGs and servers of ``edits`` that lie outside the scopes: these are never written."""
        edited = dict.fromkeys(map(owner_of, edits))
        return tuple(resource for resource in edited if not self.covers(resource))


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Parse the settings; raises ``ConfigurationError`` that names the setting and what is wrong."""
    settings = _parsed(environment)
    if settings.mode is EnforcementMode.ENFORCE and not settings.scopes:
        raise ConfigurationError(
            "SCOPES: is empty, and ENFORCEMENT_MODE=enforce writes within SCOPES alone: "
            "name the subscriptions and resource groups that may be written"
        )
    return settings


def _parsed(environment: Mapping[str, str]) -> Settings:
    defaults = {setting.name: setting.default for setting in SETTINGS}
    text = {name: environment.get(name, "").strip() or default for name, default in defaults.items()}
    return Settings(
        mode=_member(EnforcementMode, "ENFORCEMENT_MODE", text["ENFORCEMENT_MODE"]),
        scopes=_scopes(text["SCOPES"]),
        policies_file=text["POLICIES_FILE"],
        coalesce_seconds=_seconds("COALESCE_SECONDS", text["COALESCE_SECONDS"]),
        settle_seconds=_seconds("SETTLE_SECONDS", text["SETTLE_SECONDS"]),
        cloud=_member(Cloud, "CLOUD", text["CLOUD"]),
        arm_endpoint=_endpoint("ARM_ENDPOINT", text["ARM_ENDPOINT"]),
        api_versions=_api_versions(text["ARM_API_VERSIONS"]),
        client_id=text["AZURE_CLIENT_ID"],
        operator_keys=_operator_keys(text["OPERATOR_KEYS"]),
        authentication=authentication_is_on(environment),
        alert_topic=text["ALERT_TOPIC_ENDPOINT"],
        alert_urls=tuple(text["ALERT_URLS"].split()),
    )


def authentication_is_on(environment: Mapping[str, str]) -> bool:
    """Whether App Service authentication is on, as the platform says it: ``True`` or ``False``
    (learn.microsoft.com/azure/app-service/reference-app-settings). Any other word is no, and not an error: it
    is nobody's to mend, and no is the careful answer, since keys are asked for and no header is believed."""
    return environment.get(AUTHENTICATION, "").strip().lower() == "true"


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine's loopback interface."""
    host = _parts(url)[1]
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _parts(url: str) -> tuple[str, str]:
    """Scheme and host in lower case; a text that is no URL has neither."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    return parts.scheme, parts.hostname or ""


def _endpoint(name: str, url: str) -> str:
    scheme, host = _parts(url)
    if url and not (scheme in {"http", "https"} and host):
        raise ConfigurationError(f"{name}: {url!r} is not an http or https URL")
    if scheme == "http" and not is_loopback(url):
        raise ConfigurationError(f"{name}: plain http is accepted for a loopback address only")
    return url.rstrip("/")


def _member(kind: type[EnumT], name: str, text: str) -> EnumT:
    try:
        return kind(text.lower())
    except ValueError:
        choices = ", ".join(str(member) for member in kind)
        raise ConfigurationError(f"{name}: {text!r} is none of {choices}") from None


def _operator_keys(text: str) -> bool:
    if text.lower() not in {"", "allow"}:
        raise ConfigurationError(f"OPERATOR_KEYS: {text!r} is neither empty nor allow")
    return bool(text)


def _seconds(name: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        raise ConfigurationError(f"{name}: {text!r} is not a number of seconds") from None
    if not 0 <= seconds <= 86_400:
        raise ConfigurationError(f"{name}: {text} is not between 0 and 86400 seconds")
    return seconds


def _scopes(text: str) -> tuple[ResourceId, ...]:
    return tuple(parse_scope(part, "SCOPES") for part in text.replace(",", " ").split())


def parse_scope(text: str, field: str) -> ResourceId:
    """A subscription or a resource group; raises ``ConfigurationError`` naming ``field``."""
    try:
        scope = ResourceId(text)
    except InvalidResourceId as error:
        raise ConfigurationError(f"{field}: {error}") from None
    if scope.type not in SCOPE_TYPES:
        raise ConfigurationError(f"{field}: {text!r} is neither a subscription nor a resource group")
    return scope


def _api_versions(text: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for part in text.replace(",", " ").split():
        name, _, version = part.partition("=")
        if name not in {"flexible", "single", "network"} or not _API_VERSION.fullmatch(version):
            raise ConfigurationError(
                f"ARM_API_VERSIONS: {part!r} is not flexible|single|network=<YYYY-MM-DD>"
            )
        pairs.append((name, version))
    return tuple(pairs)
