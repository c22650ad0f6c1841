"""The looks of a scan: the very look that a deployed app makes, in audit, with a memory that ends with the
look.

So a scan finds what an app finds that looks for the first time. Nothing is written to Azure: the mode is
audit, whatever the environment says. Targets are looked at side by side; a look mostly waits for ARM.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import islice
from threading import Event
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from driftward.scanning.documents.holdings import FOUND_BY
from driftward.scanning.waiting import wait_after
from shared.alerts.commands import fix_commands
from shared.alerts.lifecycle import alert_id
from shared.alerts.portal import portal_link
from shared.config.configuration import Configuration
from shared.config.declared import declared_dns
from shared.config.settings import Settings
from shared.controller.deps import Deps
from shared.controller.dispatch import look_at
from shared.controller.judging import policies_in_question
from shared.controller.unjudged import target_is_unreadable
from shared.model import (
    Cause,
    CauseKind,
    ComplianceState,
    EnforcementMode,
    Json,
    ServerSnapshot,
    Snapshot,
    Target,
)
from shared.model.alert_records import AlertRecord, Notification
from shared.model.errors import GatewayError, SinkError, Transient
from shared.model.interfaces import Gateway
from shared.model.messages import RunOptions
from shared.model.resource_id import ResourceId
from shared.model.results import TargetResult
from shared.policies import discover
from shared.report.estate import Seen
from shared.report.pictures.drawing import picture_of
from shared.report.pictures.values import Picture, Proposed
from shared.report.rows import OPEN, WRONG
from shared.state.store import Store

if TYPE_CHECKING:
    from shared.adapters.arm.gateway import ArmGateway
    from shared.adapters.arm.session.clients import ArmClients
    from shared.adapters.arm.session.session import Session

TRIES: Final = 6
"""Of a target that ARM throttles or that fails in passing."""
SIDE_BY_SIDE: Final = 8


class Looks:
    """Looks at targets for one scan."""

    def __init__(
        self,
        settings: Settings,
        configuration: Configuration,
        policies: tuple[str, ...] | None = None,
        clients: ArmClients | None = None,
    ) -> None:
        """``policies`` are the only ones that are judged; None means all. ``clients`` are Azure's own where
        none are given."""
        from shared.adapters.arm.service_tags import TagLists
        from shared.adapters.arm.session.clients import ArmClients
        from shared.adapters.clock import SystemClock

        self._settings = replace(settings, mode=EnforcementMode.AUDIT, scopes=())
        self._configuration = configuration
        self._options = RunOptions(enforcement=EnforcementMode.AUDIT, policies=policies)
        self._clock = SystemClock()
        self._clients = clients or ArmClients(self._settings)
        self._tag_lists = TagLists()
        self._is_over = Event()
        self._cause = Cause(kind=CauseKind.OPERATOR, time=self._clock.now())

    def now(self) -> datetime:
        return self._clock.now()

    def pause(self, seconds: float) -> None:
        """Raises ``CancelledError`` for a look that nobody waits for any more."""
        if self._is_over.wait(seconds):
            raise CancelledError

    def close(self) -> None:
        self._clients.close()

    def gateway(self) -> ArmGateway:
        from shared.adapters.arm.gateway import ArmGateway

        return ArmGateway(self._clients, self._clock, self.pause)

    def subscriptions_below(self, group: str) -> tuple[ResourceId, ...]:
        """Those of a management group. Raises ``GatewayError``."""
        from shared.adapters.arm.reading.management_groups import subscriptions_below

        return subscriptions_below(self._session(), group)

    def may_list(self, scope: ResourceId) -> bool:
        """Whether what targets are found by may be read in a whole scope: what is not found is not there."""
        from shared.adapters.arm.reading.installation import ArmSurroundings

        try:
            grants = ArmSurroundings(self._session()).permissions(scope)
        except GatewayError:
            return False
        return all(any(grant.allows(f"{one}/read") for grant in grants) for one in FOUND_BY)

    def _session(self) -> Session:
        from shared.adapters.arm.session.session import Session

        return Session(self._clients, self._clock, self.pause)

    def at_all(self, targets: Iterable[Target], together: int = SIDE_BY_SIDE) -> Iterator[Seen]:
        """What was seen of each, in the order in which looks end; no more are begun than are awaited."""
        coming = iter(targets)
        with ThreadPoolExecutor(together) as pool:
            running = {pool.submit(self.at, target) for target in islice(coming, together)}
            try:
                while running:
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    running |= {pool.submit(self.at, target) for target in islice(coming, len(done))}
                    yield from map(_result, done)
            finally:
                self._is_over.set()
                pool.shutdown(cancel_futures=True)

    def at(self, target: Target) -> Seen:
        """One target. What cannot be read is Unknown to every policy, with the reason."""
        for attempt in range(TRIES):
            gateway = self.gateway()
            deps = self._deps(gateway)
            try:
                result = look_at(target, self._cause, deps, self._options)
                return self._seen(result, deps, gateway.reading(target))
            except Transient as trouble:
                if attempt == TRIES - 1:
                    return Seen(result=self._unread(target, trouble, deps))
                self.pause(wait_after(attempt, trouble))
            except GatewayError as error:
                return Seen(result=self._unread(target, error, deps))
        raise AssertionError("the last try answers")

    def _unread(self, target: Target, error: GatewayError, deps: Deps) -> TargetResult:
        record = deps.store.recall(target, self._clock.now())
        asked = self._options.policies
        policies = tuple(
            one for one in policies_in_question(target, deps) if asked is None or one.id in asked
        )
        return target_is_unreadable(record, policies, self._cause, error, deps)

    def _seen(self, result: TargetResult, deps: Deps, reading: Snapshot | None) -> Seen:
        found = (alert_id(one.policy, one.target, one.fingerprint) for one in result.findings)
        alerts = [alert for one in found if (alert := deps.store.alert(one)) is not None]
        commands = {alert.id: alert.commands for alert in alerts if alert.commands}
        exposed = self._exposed(result, deps)
        picture = self._picture(result, reading, alerts)
        return Seen(result=_as_reported(result), commands=commands, exposed=exposed, picture=picture)

    def _picture(
        self, result: TargetResult, reading: Snapshot | None, alerts: list[AlertRecord]
    ) -> Picture | None:
        """Of what is as it should be nobody needs one."""
        if reading is None or not any(one.state in WRONG or one.state in OPEN for one in result.findings):
            return None
        if isinstance(reading, ServerSnapshot):
            return picture_of(reading, declared_dns(self._configuration, reading))
        gravest = sorted(alerts, key=lambda one: -one.severity.rank)
        proposed = (Proposed(title=one.title, edits=one.edits) for one in gravest)
        return picture_of(reading, proposed=proposed)

    def _exposed(self, result: TargetResult, deps: Deps) -> dict[str, None]:
        """What lets somebody in, as the look's own clock has it; since when, one look cannot tell."""
        known = deps.store.recall(result.target, self._clock.now()).memories
        return {
            alert_id(one.policy, one.target, one.fingerprint): None
            for one in result.findings
            if one.policy in known and known[one.policy].exposure.is_open
        }

    def _memory(self) -> Store:
        """For one look: what is remembered of thousands would fill a small machine, and none asks for it."""
        from shared.adapters.memory import MemoryBlobs, MemoryTables, NoQueue

        return Store(MemoryTables(), MemoryBlobs(self._clock), NoQueue())

    def _deps(self, gateway: Gateway) -> Deps:
        from shared.adapters.arm.service_tags import ArmServiceTags

        settings = self._settings
        return Deps(
            gateway=gateway,
            service_tags=ArmServiceTags(self._clients, self._clock, self.pause, self._tag_lists),
            store=self._memory(),
            clock=self._clock,
            settings=settings,
            configuration=self._configuration,
            policies=discover(),
            sinks=(),
            deliver=_nobody,
            log=_unheard,
            new_id=lambda: uuid4().hex,
            commands=partial(
                fix_commands,
                management_endpoint=settings.management_endpoint,
                audience=settings.management_audience,
            ),
            portal_link=partial(portal_link, cloud=settings.cloud),
        )


def _as_reported(result: TargetResult) -> TargetResult:
    """Without what no report tells: thousands of targets are held until the last one is seen."""
    findings = tuple(
        replace(one, evidence={}) if one.state is ComplianceState.COMPLIANT else one
        for one in result.findings
    )
    return replace(result, findings=findings, arm_calls=(), outcomes={})


def _result(done: Future[Seen]) -> Seen:
    return done.result()


def _nobody(sink: str, notification: Notification) -> None:
    raise SinkError(f"a scan tells nobody: {sink}, {notification.id}")


def _unheard(_line: Mapping[str, Json]) -> None:
    """A scan has no log."""
