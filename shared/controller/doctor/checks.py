"""What the doctor says: one check after the other, what is missing, and the command that mends it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Protocol

from shared.config.configuration import Configuration
from shared.config.settings import Settings
from shared.model.interfaces import Clock, Gateway, Sink
from shared.model.resource_id import ResourceId
from shared.model.surroundings import Surroundings
from shared.model.values import value
from shared.state.store import Store


class State(StrEnum):
    OK = "ok"
    MISSING = "missing"
    UNKNOWN = "unknown"
    """It could not be found out."""
    NOT_ASKED = "notAsked"
    """Nobody asked for it, or it means nothing as the app is set."""


@value
class Check:
    name: str
    state: State
    said: str
    remedy: tuple[str, ...] = ()
    """Commands, or the place in the documentation where there is no single one."""


class Verdict(StrEnum):
    WELL = "well"
    MISSING = "missing"
    UNREAD = "unread"
    """Nothing could be read."""
    UNKNOWN = "unknown"


@value
class Report:
    verdict: Verdict
    checks: tuple[Check, ...]


class Installation(Protocol):
    """What is examined. Each part may raise ``ConfigurationError`` when it is first asked for."""

    @property
    def settings(self) -> Settings: ...

    @property
    def configuration(self) -> Configuration: ...

    @property
    def store(self) -> Store: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def sinks(self) -> Sequence[Sink]: ...

    def gateway(self) -> Gateway: ...

    def surroundings(self) -> Surroundings: ...

    @property
    def events_by_queue(self) -> bool: ...

    @property
    def by_key(self) -> bool:
        """Whether the storage account is asked with a key."""
        ...

    @property
    def by_name(self) -> bool:
        """Whether an address of the storage account follows from its name."""
        ...


@value
class Asked:
    """What the doctor is to do beside looking."""

    send: bool = False
    """Whether every sink gets a test message."""
    app: ResourceId | None = None
    """The Function App, where it is known: ``Microsoft.Web/sites``."""


def verdict_of(checks: Iterable[Check]) -> Verdict:
    """What is missing goes before what is not known; where only unknowns are left, nothing was read."""
    states = {check.state for check in checks}
    if State.MISSING in states:
        return Verdict.MISSING
    if State.UNKNOWN not in states:
        return Verdict.WELL
    return Verdict.UNKNOWN if State.OK in states else Verdict.UNREAD


def set_command(*settings: str) -> str:
    """The command that sets app settings."""
    said = " ".join(settings)
    return f"az functionapp config appsettings set --name $APP --resource-group $GROUP --settings {said}"


def assign_command(role: str, scope: str) -> str:
    """The command that gives the app's identity a role."""
    return (
        f"az role assignment create --role '{role}' --scope {scope} --assignee-object-id $IDENTITY "
        "--assignee-principal-type ServicePrincipal"
    )
