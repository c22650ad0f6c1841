"""The composition root: settings in, ``Deps`` out; the only place that knows which adapter is used.

Adapters are imported on first use, inside functions: importing the app must not load an Azure SDK
(importing the network client alone costs more than an empty app). What can be shared between
invocations is made once per process; the gateway is made for each.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from shared.alerts.commands import fix_commands
from shared.alerts.page_link import page_link
from shared.alerts.portal import portal_link
from shared.config.configuration import Configuration
from shared.config.event_queue import events_come_by_queue
from shared.config.file_reading import parse_policies_file
from shared.config.settings import Settings, read_settings
from shared.controller.deps import Deps
from shared.model import Json
from shared.model.alert_records import Notification
from shared.model.errors import ConfigurationError, SinkError
from shared.model.interfaces import Sink
from shared.model.measures import Measure
from shared.model.resource_id import ResourceId, parse_resource_id
from shared.policies import discover

if TYPE_CHECKING:
    from shared.adapters.arm.service_tags import TagLists
    from shared.adapters.arm.session.clients import ArmClients
    from shared.adapters.clock import SystemClock
    from shared.adapters.storage.connection import Connection
    from shared.controller.doctor import Asked, Report
    from shared.model.interfaces import Gateway
    from shared.model.surroundings import Surroundings
    from shared.state.store import Store

ROOT: Final = Path(__file__).resolve().parent.parent
_LOG: Final = logging.getLogger("driftward")


class Wiring:
    """Everything that one process shares, each part made when it is first needed."""

    def __init__(self, environment: Mapping[str, str], root: Path = ROOT) -> None:
        self._environment = environment
        self._root = root

    def deps(self) -> Deps:
        """What one invocation works with."""
        from shared.adapters.arm.service_tags import ArmServiceTags

        return Deps(
            gateway=self.gateway(),
            service_tags=ArmServiceTags(self._clients, self.clock, self.clock.sleep, self._tag_lists),
            store=self.store,
            clock=self.clock,
            settings=self.settings,
            configuration=self.configuration,
            policies=discover(),
            sinks=tuple(self._sinks),
            deliver=self._deliver,
            log=write_line,
            measure=self._measure,
            new_id=lambda: uuid4().hex,
            commands=partial(
                fix_commands,
                management_endpoint=self.settings.management_endpoint,
                audience=self.settings.management_audience,
            ),
            portal_link=partial(portal_link, cloud=self.settings.cloud),
            page_link=self._page_link,
            judged_by=lambda: self._judged_by,
            site=self._environment.get("WEBSITE_SITE_NAME", ""),
            events_by_queue=self.events_by_queue,
        )

    @cached_property
    def _measure(self) -> Callable[[Measure], None] | None:
        from shared.adapters.meters import measures

        return measures(self._environment)

    def _page_link(self, alert_id: str) -> str:
        host = self._environment.get("WEBSITE_HOSTNAME", "")
        return page_link(alert_id, host, signs_in=self.settings.authentication)

    def examined(self, asked: Asked) -> Report:
        """What the installation lacks; of the app that we are, where nobody says which."""
        from shared.controller.doctor import examine

        return examine(
            self, asked if asked.app is not None else replace(asked, app=_own_app(self._environment))
        )

    def gateway(self) -> Gateway:
        from shared.adapters.arm.gateway import ArmGateway

        return ArmGateway(self._clients, self.clock, self.clock.sleep)

    def surroundings(self) -> Surroundings:
        from shared.adapters.arm.reading.installation import ArmSurroundings
        from shared.adapters.arm.session.session import Session

        return ArmSurroundings(Session(self._clients, self.clock, self.clock.sleep))

    @property
    def sinks(self) -> tuple[Sink, ...]:
        return tuple(self._sinks.values())

    @property
    def has_sinks(self) -> bool:
        return bool(self._sinks)

    @property
    def events_by_queue(self) -> bool:
        return events_come_by_queue(self._environment)

    @property
    def by_key(self) -> bool:
        return bool(self._connection.text)

    @property
    def by_name(self) -> bool:
        return self._connection.by_name

    @cached_property
    def _connection(self) -> Connection:
        from shared.adapters.storage.connection import read_connection

        return read_connection(self._environment, self.settings.cloud)

    @cached_property
    def settings(self) -> Settings:
        return read_settings(self._environment)

    @cached_property
    def _policies_text(self) -> str:
        path = self._root / self.settings.policies_file
        try:
            return path.read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"POLICIES_FILE: {error}") from error

    @cached_property
    def _judged_by(self) -> str:
        """A digest of ``policies.yaml``, of how long is waited for quiet, and of the code that judges."""
        digest = hashlib.sha256(f"{self.settings.settle_seconds}\n{self._policies_text}".encode())
        for path in sorted((ROOT / "shared").rglob("*.py")):
            digest.update(path.read_bytes())
        return digest.hexdigest()[:32]

    @cached_property
    def configuration(self) -> Configuration:
        """``policies.yaml``; raises ``ConfigurationError`` when it is absent or wrong."""
        text, name = self._policies_text, Path(self.settings.policies_file).name
        file = parse_policies_file(text, discover(), name=name)
        return Configuration(file, settle_seconds=self.settings.settle_seconds)

    @cached_property
    def store(self) -> Store:
        from shared.adapters.identity import azure_credential
        from shared.adapters.storage.account import storage_account
        from shared.adapters.storage.blobs import AzureBlobs
        from shared.adapters.storage.queues import AzureQueue
        from shared.adapters.storage.tables import AzureTables
        from shared.state.store import Store

        settings = self.settings
        account = storage_account(self._environment, partial(azure_credential, settings), settings.cloud)
        sleep = self.clock.sleep
        return Store(
            AzureTables(account, sleep),
            AzureBlobs(account, sleep),
            AzureQueue(account, sleep),
            notices=AzureQueue(account, sleep, "notify"),
        )

    @cached_property
    def clock(self) -> SystemClock:
        from shared.adapters.clock import SystemClock

        return SystemClock()

    @cached_property
    def _clients(self) -> ArmClients:
        from shared.adapters.arm.session.clients import ArmClients

        return ArmClients(self.settings)

    @cached_property
    def _tag_lists(self) -> TagLists:
        from shared.adapters.arm.service_tags import TagLists

        return TagLists()

    @cached_property
    def _sinks(self) -> Mapping[str, Sink]:
        """By name; two channels of one host differ in their number."""
        if not (self.settings.alert_topic or self.settings.alert_urls):
            _LOG.warning("no sink is set: alerts open, and nobody is told (ALERT_URLS, ALERT_TOPIC_ENDPOINT)")
            return {}
        from shared.adapters.sinks import channel_sink, event_grid_sink
        from shared.alerts.channels.forms import RENDERINGS

        sinks = [channel_sink(url, RENDERINGS) for url in self.settings.alert_urls]
        if self.settings.alert_topic:
            sinks.append(event_grid_sink(self.settings))
        return {f"{number} {sink.name}": sink for number, sink in enumerate(sinks, start=1)}

    def _deliver(self, name: str, notification: Notification) -> None:
        sink = self._sinks.get(name)
        if sink is None:
            raise SinkError(f"no sink is named {name}: the settings have changed since")
        sink.deliver(notification)


def _own_app(environment: Mapping[str, str]) -> ResourceId | None:
    """The Function App that we are, as the platform's settings say; None elsewhere
    (learn.microsoft.com/azure/app-service/reference-app-settings)."""
    names = ("WEBSITE_OWNER_NAME", "WEBSITE_RESOURCE_GROUP", "WEBSITE_SITE_NAME")
    owner, group, site = (environment.get(name, "").strip() for name in names)
    subscription = owner.partition("+")[0]
    if not (subscription and group and site):
        return None
    return parse_resource_id(
        f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Web/sites/{site}"
    )


@lru_cache(maxsize=1)
def wiring() -> Wiring:
    """The process's wiring, over the environment."""
    return Wiring(os.environ)


def deps() -> Deps:
    """What one invocation works with. Raises ``ConfigurationError``."""
    return wiring().deps()


def write_line(line: Mapping[str, Json]) -> None:
    """The canonical line: one JSON object, for people and for queries."""
    _LOG.info("%s", json.dumps(line, default=str, separators=(",", ":")))
