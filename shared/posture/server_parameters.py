"""What policies about one server parameter share: is it as wanted, and may it be set.

A parameter is judged by its value and by whether that value is in force. It is set only where Azure says
that it can be written and takes a new value at once: what is read-only, what needs a restart, what this
version's list of allowed values lacks is told and left to a person. A parameter that this version of
PostgreSQL does not have is for the policy to judge (``absent``). Pure.

What must not live here: which value is right, and why.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from shared.model import (
    Aspect,
    Change,
    ComplianceState,
    Edit,
    Finding,
    Json,
    ServerSnapshot,
    SetParameter,
    Severity,
    TargetKind,
)
from shared.model.parts import ServerParameter
from shared.model.values import value
from shared.posture.policy import Assessment
from shared.posture.traffic import reach_evidence
from shared.posture.unread import unread_reason

FLEXIBLE = "Microsoft.DBforPostgreSQL/flexibleServers"
SINGLE = "Microsoft.DBforPostgreSQL/servers"
PERMISSIONS = (
    f"{FLEXIBLE}/read",
    f"{FLEXIBLE}/configurations/read",
    f"{FLEXIBLE}/configurations/write",
    f"{SINGLE}/read",
    f"{SINGLE}/configurations/read",
    f"{SINGLE}/configurations/write",
    "Microsoft.DBforPostgreSQL/locations/azureAsyncOperation/read",
    "Microsoft.DBforPostgreSQL/locations/operationResults/read",
)
"""What reading and setting a parameter needs on both kinds of server."""
READING = tuple(action for action in PERMISSIONS if action.endswith("/read") and "/locations/" not in action)
FLEXIBLE_READING = tuple(action for action in READING if not action.startswith(f"{SINGLE}/"))
"""The same without writing, for policies that only alert."""
READS = frozenset({Aspect.SERVER, Aspect.PARAMETERS})
FLEXIBLE_SERVERS = frozenset({TargetKind.FLEXIBLE_SERVER})
ALL_SERVERS = frozenset({TargetKind.FLEXIBLE_SERVER, TargetKind.SINGLE_SERVER})


@value
class About:
    """One policy's parameter: how it is called on each kind of server, and what is asked of its value."""

    policy: str
    severity: Severity
    parameter: str
    wanted: str
    """What is right, in words, for example ``on`` or ``at least 7``."""
    single: str | None = None
    """Its name on a single server; None where it is the same."""

    def name_on(self, server: ServerSnapshot) -> str:
        is_single = server.kind is TargetKind.SINGLE_SERVER
        return self.single if is_single and self.single else self.parameter


def parameter(server: ServerSnapshot, name: str) -> ServerParameter | None:
    """The parameter with this name, compared without case; None where the server has none."""
    return next((p for p in server.parameters or () if p.name.lower() == name.lower()), None)


def evaluate(
    about: About,
    server: ServerSnapshot,
    holds: Callable[[ServerParameter], bool | None],
    absent: tuple[ComplianceState, str] | None = None,
) -> Finding:
    """Whether the parameter's value is as wanted; ``holds`` answers None for a value that it cannot judge.

    ``absent`` is what to say where this server has no such parameter; None means Unknown.
    """
    found = parameter(server, about.name_on(server))
    if server.parameters is None:
        return finding(about, server, ComplianceState.UNKNOWN, unread_reason(server, Aspect.PARAMETERS))
    if found is None:
        missing = (ComplianceState.UNKNOWN, f"the server does not list {about.name_on(server)}")
        return finding(about, server, *(absent or missing), applies=False)
    return finding(about, server, *_judge(about, found, holds(found)))


def _judge(about: About, found: ServerParameter, right: bool | None) -> tuple[ComplianceState, str]:
    said = f"{found.name} is {found.value!r}"
    if right is None:
        return ComplianceState.UNKNOWN, f"{said}, which cannot be judged: wanted is {about.wanted}"
    if not right:
        return ComplianceState.NON_COMPLIANT, f"{said}, wanted is {about.wanted}{_hindrance(found)}"
    if found.pending_restart:
        reason = f"{said}, but that is in force only after a restart of the server"
        return ComplianceState.NON_COMPLIANT, reason
    return ComplianceState.COMPLIANT, said


def _hindrance(found: ServerParameter) -> str:
    if found.read_only:
        return "; Azure does not let it be written"
    return "; a new value is in force only after a restart of the server" if needs_restart(found) else ""


def needs_restart(found: ServerParameter) -> bool:
    """Whether a new value, or the one shown, is in force only after a restart."""
    return found.dynamic is False or found.pending_restart is True


def finding(
    about: About, server: ServerSnapshot, state: ComplianceState, reason: str, *, applies: bool = True
) -> Finding:
    found = parameter(server, about.name_on(server))
    drifted = state is ComplianceState.NON_COMPLIANT
    return Finding(
        policy=about.policy,
        target=server.target,
        resource_id=server.id,
        state=state,
        severity=about.severity,
        reason=reason,
        evidence={"parameter": shown(found) if found else None, **reach_evidence(server)},
        fingerprint=f"{about.parameter}={found.value.lower()}" if drifted and found else "",
        applies=applies,
    )


def shown(found: ServerParameter) -> Mapping[str, Json]:
    """A parameter as evidence shows it."""
    return {
        "name": found.name,
        "value": found.value,
        "allowedValues": found.allowed,
        "isReadOnly": found.read_only,
        "isDynamicConfig": found.dynamic,
        "isConfigPendingRestart": found.pending_restart,
    }


def plan(about: About, found: Finding, server: ServerSnapshot, wanted: str) -> Change | None:
    """Set the parameter to ``wanted``; None where Azure would refuse it or a restart would be needed."""
    current = parameter(server, about.name_on(server))
    if found.state is not ComplianceState.NON_COMPLIANT or current is None:
        return None
    if current.read_only or needs_restart(current) or not allows(current, wanted):
        return None
    return Change(
        policy=about.policy,
        target=server.target,
        edits=(SetParameter(server=server.id, name=current.name, value=wanted),),
        inverse=(SetParameter(server=server.id, name=current.name, value=current.value),),
    )


def suggestion(about: About, found: Finding, server: ServerSnapshot, wanted: str) -> tuple[Edit, ...]:
    """What a person could set, also where a restart has to follow; nothing that Azure would refuse."""
    current = parameter(server, about.name_on(server))
    if found.state is not ComplianceState.NON_COMPLIANT or current is None:
        return ()
    if current.read_only or current.value == wanted or not allows(current, wanted):
        return ()
    return (SetParameter(server=server.id, name=current.name, value=wanted),)


def assess(_server: ServerSnapshot, _baseline: ServerSnapshot | None) -> Assessment:
    """A parameter that only says what is logged, or for how long, cuts nobody off."""
    return Assessment()


def is_on(found: ServerParameter) -> bool | None:
    """A switch; None for a value that is neither on nor off."""
    return {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}.get(
        found.value.strip().lower()
    )


# --- allowed values --------------------------------------------------------------------------------

_NUMBER = r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_RANGE = re.compile(rf"\s*({_NUMBER})\s*-\s*({_NUMBER})\s*", re.IGNORECASE)


def allows(found: ServerParameter, wanted: str) -> bool:
    """Whether Azure's list of allowed values holds ``wanted``; a list that is absent forbids nothing.

    ``Boolean`` and ``Enumeration`` list members, a ``Set`` lists what its members may be, numbers give
    ranges, and a String gives a pattern (list of configurations, 2025-08-01). A ``Set`` that is empty by
    default may be emptied, also where the list has no empty member: ``azure.extensions`` is one.
    """
    if not found.allowed:
        return True
    match found.data_type.lower():
        case "boolean" | "enumeration":
            return wanted.strip().lower() in members(found.allowed)
        case "set":
            emptied = not wanted.strip() and found.default == ""
            return emptied or members(wanted) <= members(found.allowed) or _matches(found.allowed, wanted)
        case "integer" | "numeric":
            return _in_range(found.allowed, wanted)
        case _:
            return _matches(found.allowed, wanted)


def members(text: str) -> frozenset[str]:
    """The members of a comma-separated list, in lower case; an empty text has the empty member only."""
    return frozenset(part.strip().lower() for part in text.split(","))


def _in_range(allowed: str, wanted: str) -> bool:
    try:
        number = float(wanted)
    except ValueError:
        return False
    ranges = (_RANGE.fullmatch(part) for part in allowed.split(","))
    return any(found and float(found[1]) <= number <= float(found[2]) for found in ranges)


def _matches(pattern: str, wanted: str) -> bool:
    """False for a pattern that is none: what cannot be read is not known to be allowed."""
    try:
        return re.fullmatch(pattern, wanted) is not None
    except re.error:
        return False
