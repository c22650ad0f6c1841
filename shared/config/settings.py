"""The settings, from a mapping of names to texts: what they are as values, and what hangs on several of them.

The environment is passed in; nothing here reads it. Which settings there are says ``settings_table``, how one
text is read ``setting_values``. A blank text is an absent one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shared.config.event_queue import is_by_queue
from shared.config.setting_values import (
    api_versions,
    endpoint,
    is_allowed,
    member,
    scopes_in,
    seconds,
    text_of,
)
from shared.config.settings_table import AUTHENTICATION, SETTINGS
from shared.config.sweep_schedule import DEFAULT, checked_schedule
from shared.model import Edit, EnforcementMode
from shared.model.changes import owner_of
from shared.model.clouds import PLACES, Cloud
from shared.model.errors import ConfigurationError
from shared.model.resource_id import ResourceId
from shared.model.values import value


@value
class Settings:
    """The settings as typed values."""

    mode: EnforcementMode = EnforcementMode.AUDIT
    scopes: tuple[ResourceId, ...] = ()
    policies_file: str = "policies.yaml"
    coalesce_seconds: float = 5.0
    settle_seconds: float = 60.0
    sweep_schedule: str = DEFAULT
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
    events_by_queue: bool = False

    @property
    def management_endpoint(self) -> str:
        """Where ARM is: ``ARM_ENDPOINT``, or the cloud's own."""
        return self.arm_endpoint or PLACES[self.cloud].management

    @property
    def management_audience(self) -> str:
        """Whom tokens for ARM are for, where its address does not tell; ``""`` where it does."""
        own = PLACES[self.cloud].management
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
    text = {setting.name: text_of(environment, setting.name) or setting.default for setting in SETTINGS}
    return Settings(
        mode=member(EnforcementMode, "ENFORCEMENT_MODE", text["ENFORCEMENT_MODE"]),
        scopes=scopes_in(text["SCOPES"], "SCOPES"),
        policies_file=text["POLICIES_FILE"],
        coalesce_seconds=seconds("COALESCE_SECONDS", text["COALESCE_SECONDS"]),
        settle_seconds=seconds("SETTLE_SECONDS", text["SETTLE_SECONDS"]),
        sweep_schedule=checked_schedule(text["SWEEP_SCHEDULE"]),
        cloud=member(Cloud, "CLOUD", text["CLOUD"]),
        arm_endpoint=endpoint("ARM_ENDPOINT", text["ARM_ENDPOINT"]),
        api_versions=api_versions(text["ARM_API_VERSIONS"]),
        client_id=text["AZURE_CLIENT_ID"],
        operator_keys=is_allowed("OPERATOR_KEYS", text["OPERATOR_KEYS"]),
        authentication=authentication_is_on(environment),
        alert_topic=text["ALERT_TOPIC_ENDPOINT"],
        alert_urls=tuple(text["ALERT_URLS"].split()),
        events_by_queue=is_by_queue(text["EVENTS_QUEUE"]),
    )


def authentication_is_on(environment: Mapping[str, str]) -> bool:
    """Whether App Service authentication is on, as the platform says it: ``True`` or ``False``
    (learn.microsoft.com/azure/app-service/reference-app-settings). Any other word is no, and not an error: it
    is nobody's to mend, and no is the careful answer, since keys are asked for and no header is believed."""
    return environment.get(AUTHENTICATION, "").strip().lower() == "true"
