"""Behaviour of Azure that documentation does not settle, as named switches.

Each switch has a default that we believe and at least one other variant that tests also run; what would
settle it on a real subscription stands in `docs/field-test.md`. Delays and sizes that a test or a demo wants
to choose are here too. JSON names are camelCase. Nothing here does anything: other modules ask.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import TypeAlias

from local.simulator.values import JsonObject, JsonValue


class EventAt(StrEnum):
    """When an event of a long-running write is raised."""

    ACCEPTED = "accepted"
    COMPLETED = "completed"


class IfMatchOnRules(StrEnum):
    """Whether If-Match and If-None-Match count on security rules."""

    ENFORCED = "enforced"
    IGNORED = "ignored"


class FirewallWritesOnPrivateServer(StrEnum):
    """Whether firewall rules of a server without public access can be written."""

    REFUSED = "refused"
    ACCEPTED = "accepted"


class DelegationOfUsedSubnet(StrEnum):
    """Whether the delegation of a subnet can be taken away while a server stands in it."""

    KEPT = "kept"
    REMOVABLE = "removable"


class Expand(StrEnum):
    """Whether `$expand` of network resources brings whole bodies or leaves the bare references."""

    HONOURED = "honoured"
    IGNORED = "ignored"


class BusyAnswer(StrEnum):
    """What a PostgreSQL server answers to a write while another operation runs."""

    SERVER_IS_BUSY = "ServerIsBusy"
    SERVER_BUSY = "ServerBusy"
    EMPTY_CODE = "emptyCode"
    INTERNAL_SERVER_ERROR = "InternalServerError"


SwitchValue: TypeAlias = StrEnum | bool | int | float | tuple[float, ...]


class BadInput(ValueError):
    """Unusable input of the admin interface; names the field."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """All switches. Seconds are fractions allowed; `retry_after_seconds` 0 omits the header on polls,
    and `page_size` 0 returns every list in one page. `throttling` counts requests (`buckets.py`)."""

    event_at: EventAt = EventAt.COMPLETED
    if_match_on_rules: IfMatchOnRules = IfMatchOnRules.ENFORCED
    firewall_writes_on_private_server: FirewallWritesOnPrivateServer = FirewallWritesOnPrivateServer.REFUSED
    delegation_of_used_subnet: DelegationOfUsedSubnet = DelegationOfUsedSubnet.KEPT
    expand: Expand = Expand.HONOURED
    busy_answer: BusyAnswer = BusyAnswer.SERVER_IS_BUSY
    operation_seconds: float = 0.2
    retry_after_seconds: int = 0
    page_size: int = 0
    throttling: bool = False
    duplicate_events: bool = False
    reorder_events: bool = False
    event_delay_seconds: float = 0.0
    graph_lag_seconds: float = 0.0
    delivery_retry_seconds: tuple[float, ...] = (0.2, 0.5, 1.0, 2.0)


def json_name(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


_NAMES = {json_name(one.name): one.name for one in fields(Switches)}


def switches_to_json(switches: Switches) -> JsonObject:
    shown: JsonObject = {}
    for name, attribute in _NAMES.items():
        value: SwitchValue = getattr(switches, attribute)
        shown[name] = list(value) if isinstance(value, tuple) else value
    return shown


def patch_switches(current: Switches, patch: JsonObject) -> Switches:
    """The switches with some set anew; BadInput names an unknown switch or an unusable value."""
    changes: dict[str, SwitchValue] = {}
    for name, value in patch.items():
        if name not in _NAMES:
            raise BadInput(name, f"unknown switch; known are {', '.join(sorted(_NAMES))}")
        attribute = _NAMES[name]
        changes[attribute] = _parse(name, getattr(current, attribute), value)
    # replace() cannot be told which attribute has which type; _parse kept each one's own.
    return replace(current, **changes)  # type: ignore[arg-type]


def _parse(name: str, current: SwitchValue, value: JsonValue) -> SwitchValue:
    """`value` in the type that the switch has now."""
    match current:
        case StrEnum():
            return _member(name, type(current), value)
        case bool():
            if isinstance(value, bool):
                return value
            raise BadInput(name, "true or false is expected")
        case int():
            if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
                return value
            raise BadInput(name, "a whole number, 0 or more, is expected")
        case float():
            return _seconds(name, value)
        case _:
            if isinstance(value, list):
                return tuple(_seconds(name, item) for item in value)
            raise BadInput(name, "a list of seconds is expected")


def _seconds(name: str, value: JsonValue) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return float(value)
    raise BadInput(name, "seconds, 0 or more, are expected")


def _member(name: str, kind: type[StrEnum], value: JsonValue) -> StrEnum:
    for member in kind:
        if member.value == value:
            return member
    raise BadInput(name, f"one of {', '.join(kind)} is expected")
