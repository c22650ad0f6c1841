"""What policies about one server parameter share: is it as wanted and in force, and may it be set.

A parameter is judged by its value, by whether that value is in force, and by its companions: other
parameters that can leave it without effect, whatever it says. It is set only where Azure says
that it can be written and takes a new value at once: what is read-only, what needs a restart, what this
version's list of allowed values lacks is told and left to a person, with the restart where one has to
follow. A parameter that this version of PostgreSQL does not have is for the policy to judge (``absent``).
Pure.

What must not live here: which value is right, and why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

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
from shared.posture.allowed_values import allows, members
from shared.posture.findings import Judged, compliant, drifted, finding, unknown
from shared.posture.policy import Assessment
from shared.posture.server_findings import az
from shared.posture.unread import unread_reason

READS = frozenset({Aspect.SERVER, Aspect.PARAMETERS})
NAMELESS: Final = "a parameter without a name"
RESTART_ENDS_SESSIONS: Final = "a restart of the server has to follow, which ends every session"

SWITCH: Final = {
    **dict.fromkeys(("on", "true", "yes", "1"), True),
    **dict.fromkeys(("off", "false", "no", "0"), False),
}
"""How PostgreSQL spells a switch, in lower case."""

Holds: TypeAlias = Callable[[ServerParameter], bool | None]
"""Whether a parameter's value is as wanted; None for a value that cannot be judged."""
Pair: TypeAlias = tuple[ServerParameter, str]
"""A parameter, and the value that it should get."""


@value
class Companion:
    """Another parameter that can leave a policy's own one without effect, whatever that one says."""

    parameter: str
    leaves: Callable[[str], bool | None]
    """Whether its value leaves the policy's parameter in effect; None for a value that cannot be judged."""
    wanted: str
    """A value that does."""
    otherwise: str
    """What follows from a value that does not, in words."""


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
    companions: tuple[Companion, ...] = ()
    """One that the server does not list leaves everything as it is."""

    def name_on(self, server: ServerSnapshot) -> str:
        is_single = server.kind is TargetKind.SINGLE_SERVER
        return self.single if is_single and self.single else self.parameter


def parameter(server: ServerSnapshot, name: str) -> ServerParameter | None:
    """The parameter with this name, compared without case; None where the server has none."""
    return next((p for p in server.parameters or () if p.name.lower() == name.lower()), None)


def parameter_finding(
    about: About,
    server: ServerSnapshot,
    holds: Holds,
    absent: Judged | None = None,
) -> Finding:
    """Whether the parameter's value is as wanted, and in force; ``holds`` judges the value alone.

    ``absent`` is what to say where this server has no such parameter; None means Unknown.
    """
    found = parameter(server, about.name_on(server))
    if server.parameters is None:
        return finding_about(about, server, unknown(unread_reason(server, Aspect.PARAMETERS)))
    if found is None:
        return finding_about(about, server, replace(_not_listed(about, server, absent), applies=False))
    judged = judged_value(about, server, found, holds(found))
    return finding_about(about, server, beside_companions(about, server, judged))


def _not_listed(about: About, server: ServerSnapshot, absent: Judged | None) -> Judged:
    said = f"the server does not list {about.name_on(server)}"
    if has_nameless(server):
        return unknown(f"{said}, but {_hidden(server)}")
    return absent or unknown(said)


def judged_value(about: About, server: ServerSnapshot, found: ServerParameter, right: bool | None) -> Judged:
    """The parameter by itself."""
    said, fingerprint = value_said(found), f"{about.parameter}={found.value.lower()}"
    if found.odd:
        return unknown(said)
    if right is None:
        return unknown(f"{said}, which cannot be judged: wanted is {about.wanted}")
    if not right:
        wrong = f"{said}, wanted is {about.wanted}{_hindrance(found)}"
        return drifted(wrong, fingerprint, what_to_do=_then_restart(server, found))
    if found.pending_restart:
        waiting = f"{said}, but that is in force only after a restart of the server"
        return drifted(waiting, fingerprint, what_to_do=(restart(server),))
    return compliant(said)


def beside_companions(about: About, server: ServerSnapshot, judged: Judged) -> Judged:
    """What was judged, with the companions in mind; what surely has no effect is a drift in any case."""
    voiding = [(one, found) for one, found in _listed(about, server) if _leaves(one, found) is False]
    unclear = [value_said(found) for one, found in _listed(about, server) if _leaves(one, found) is None]
    unclear += _perhaps_hidden(about, server)
    if voiding:
        link = "; " if judged.is_drift else ", but "
        told = (f"{found.name} is {found.value!r}: {one.otherwise}" for one, found in voiding)
        prints = (f"{one.parameter}={found.value.lower()}" for one, found in voiding)
        return drifted(
            link.join([judged.reason, "; ".join(told)]),
            "; ".join(filter(None, [judged.fingerprint, *prints])),
            what_to_do=judged.what_to_do,
        )
    if unclear and judged.state is ComplianceState.COMPLIANT:
        return unknown(f"{judged.reason}, but {', '.join(unclear)}, which cannot be judged")
    return judged


def value_said(found: ServerParameter) -> str:
    """What a parameter is, or why that is not known."""
    if found.odd:
        return f"the server shows no value of {found.name or NAMELESS}: {found.odd}"
    return f"{found.name} is {found.value!r}"


def _leaves(one: Companion, found: ServerParameter) -> bool | None:
    return None if found.odd else one.leaves(found.value)


def _perhaps_hidden(about: About, server: ServerSnapshot) -> list[str]:
    """A companion that is not listed may be a parameter that stands there without its name."""
    missing = len(_listed(about, server)) < len(about.companions)
    return [f"the list has {_hidden(server)}"] if missing and has_nameless(server) else []


def _hidden(server: ServerSnapshot) -> str:
    """What stands in the list without a name, with what is said there."""
    found = next((one for one in server.parameters or () if not one.name), None)
    return f"{NAMELESS} ({found.value})" if found is not None and found.value else NAMELESS


def has_nameless(server: ServerSnapshot) -> bool:
    return any(not found.name for found in server.parameters or ())


def _listed(about: About, server: ServerSnapshot) -> list[tuple[Companion, ServerParameter]]:
    named = ((one, parameter(server, one.parameter)) for one in about.companions)
    return [(one, found) for one, found in named if found is not None]


def _hindrance(found: ServerParameter) -> str:
    if found.read_only:
        return "; Azure does not let it be written"
    return "; a new value is in force only after a restart of the server" if needs_restart(found) else ""


def needs_restart(found: ServerParameter) -> bool:
    """Whether a new value, or the one shown, is in force only after a restart."""
    return found.dynamic is False or found.pending_restart is True


def _then_restart(server: ServerSnapshot, found: ServerParameter) -> tuple[str, ...]:
    follows = needs_restart(found) and not found.read_only
    return (RESTART_ENDS_SESSIONS, restart(server)) if follows else ()


def restart(server: ServerSnapshot) -> str:
    """What brings a value into force that waits; only flexible servers say that one does."""
    return az(server, "restart", "")


def finding_about(about: About, server: ServerSnapshot, judged: Judged) -> Finding:
    found = parameter(server, about.name_on(server))
    facts: dict[str, Json] = {"parameter": shown(found) if found else None}
    if listed := _listed(about, server):
        facts["companions"] = [shown(companion) for _, companion in listed]
    return finding(about.policy, about.severity, server, judged, facts)


def shown(found: ServerParameter) -> Mapping[str, Json]:
    """A parameter as evidence shows it."""
    return {
        "name": found.name,
        "value": found.value,
        **({"odd": found.odd} if found.odd else {}),
        "allowedValues": found.allowed,
        "isReadOnly": found.read_only,
        "isDynamicConfig": found.dynamic,
        "isConfigPendingRestart": found.pending_restart,
    }


# --- what is set -----------------------------------------------------------------------------------


def parameter_change(
    about: About, found: Finding, server: ServerSnapshot, wanted: str, holds: Holds = lambda _: None
) -> Change | None:
    """Set what is wrong: the parameter to ``wanted``, unless ``holds`` says that it is right, and companions
    to what leaves it in effect. None where Azure would refuse one of them or a restart would be needed."""
    current = parameter(server, about.name_on(server))
    if found.state is not ComplianceState.NON_COMPLIANT or current is None or current.pending_restart:
        return None
    pairs = _wrong_ones(about, server, wanted, holds)
    if not pairs or any(refused(one, text) or needs_restart(one) for one, text in pairs):
        return None
    return Change(
        policy=about.policy,
        target=server.target,
        edits=setting(server, pairs),
        inverse=setting(server, [(one, one.value) for one, _ in reversed(pairs)]),
    )


def parameter_suggestion(
    about: About, found: Finding, server: ServerSnapshot, wanted: str, holds: Holds = lambda _: None
) -> tuple[Edit, ...]:
    """What a person could set, also where a restart has to follow; nothing that Azure would refuse, and
    nothing that is there in another spelling."""
    if found.state is not ComplianceState.NON_COMPLIANT:
        return ()
    pairs = _wrong_ones(about, server, wanted, holds)
    return setting(server, [(p, text) for p, text in pairs if not refused(p, text) and not says(p, text)])


def _wrong_ones(about: About, server: ServerSnapshot, wanted: str, holds: Holds) -> list[Pair]:
    current = parameter(server, about.name_on(server))
    own = [(current, wanted)] if current is not None and not current.odd and not holds(current) else []
    return [*own, *companions_to_set(about, server)] if current is not None else []


def companions_to_set(about: About, server: ServerSnapshot) -> list[Pair]:
    return [(p, one.wanted) for one, p in _listed(about, server) if _leaves(one, p) is False]


def refused(current: ServerParameter, wanted: str) -> bool:
    return current.read_only is True or not allows(current, wanted)


def says(current: ServerParameter, wanted: str) -> bool:
    """Whether the parameter has this value already, whatever the letter case and the order of a set."""
    if current.data_type.lower() == "set":
        return members(current.value) == members(wanted)
    return current.value.strip().lower() == wanted.strip().lower()


def setting(server: ServerSnapshot, pairs: Iterable[Pair]) -> tuple[Edit, ...]:
    return tuple(SetParameter(server=server.id, name=one.name, value=text) for one, text in pairs)


def cuts_nobody_off(_server: ServerSnapshot, _baseline: ServerSnapshot | None) -> Assessment:
    """A parameter that only says what is logged, or for how long, cuts nobody off."""
    return Assessment()


def is_on(found: ServerParameter) -> bool | None:
    """A switch; None for a value that is neither on nor off."""
    return SWITCH.get(found.value.strip().lower())
