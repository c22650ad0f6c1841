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
from dataclasses import replace

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
from shared.posture.findings import Judged, compliant, drifted, finding, unknown
from shared.posture.policy import Assessment
from shared.posture.unread import unread_reason

READS = frozenset({Aspect.SERVER, Aspect.PARAMETERS})


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


def parameter_finding(
    about: About,
    server: ServerSnapshot,
    holds: Callable[[ServerParameter], bool | None],
    absent: Judged | None = None,
) -> Finding:
    """Whether the parameter's value is as wanted; ``holds`` answers None for a value that it cannot judge.

    ``absent`` is what to say where this server has no such parameter; None means Unknown.
    """
    found = parameter(server, about.name_on(server))
    if server.parameters is None:
        return finding_about(about, server, unknown(unread_reason(server, Aspect.PARAMETERS)))
    if found is None:
        missing = absent or unknown(f"the server does not list {about.name_on(server)}")
        return finding_about(about, server, replace(missing, applies=False))
    return finding_about(about, server, _judge(about, found, holds(found)))


def _judge(about: About, found: ServerParameter, right: bool | None) -> Judged:
    if found.odd:
        return unknown(f"the server shows no value of {found.name}: {found.odd}")
    said, fingerprint = f"{found.name} is {found.value!r}", f"{about.parameter}={found.value.lower()}"
    if right is None:
        return unknown(f"{said}, which cannot be judged: wanted is {about.wanted}")
    if not right:
        return drifted(f"{said}, wanted is {about.wanted}{_hindrance(found)}", fingerprint)
    if found.pending_restart:
        return drifted(f"{said}, but that is in force only after a restart of the server", fingerprint)
    return compliant(said)


def _hindrance(found: ServerParameter) -> str:
    if found.read_only:
        return "; Azure does not let it be written"
    return "; a new value is in force only after a restart of the server" if needs_restart(found) else ""


def needs_restart(found: ServerParameter) -> bool:
    """Whether a new value, or the one shown, is in force only after a restart."""
    return found.dynamic is False or found.pending_restart is True


def finding_about(about: About, server: ServerSnapshot, judged: Judged) -> Finding:
    found = parameter(server, about.name_on(server))
    facts = {"parameter": shown(found) if found else None}
    return finding(about.policy, about.severity, server, judged, facts)


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


def parameter_change(about: About, found: Finding, server: ServerSnapshot, wanted: str) -> Change | None:
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


def parameter_suggestion(
    about: About, found: Finding, server: ServerSnapshot, wanted: str
) -> tuple[Edit, ...]:
    """What a person could set, also where a restart has to follow; nothing that Azure would refuse."""
    current = parameter(server, about.name_on(server))
    if found.state is not ComplianceState.NON_COMPLIANT or current is None:
        return ()
    if current.read_only or current.value == wanted or not allows(current, wanted):
        return ()
    return (SetParameter(server=server.id, name=current.name, value=wanted),)


def cuts_nobody_off(_server: ServerSnapshot, _baseline: ServerSnapshot | None) -> Assessment:
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
