"""PostgreSQL flexible server whose standby could not take over.

*What it finds.* A flexible server with high availability whose ``highAvailability.state`` is NotEnabled, or
whose standby Resource Health says is held up by something that does not pass: an NSG or a virtual appliance
that blocks connections, a server that became read-only. While a standby is being made, synchronised, removed
or failed over to, and nothing of the kind is known, the state is Unknown and looked at again: what lasts for
an hour opens an alert. Azure raises no resource event: only the sweep finds it. Resource Health is asked only
where the standby is not healthy, so that a healthy server costs no request.

*Why it matters.* High availability that is paid for and does not work is noticed on the day it is needed.

*What the change does.* None is made: the cause lies in the network, in the storage or with Azure. The alert
names it; where an NSG of the subnet is to blame, the policies on the NSG propose its change.

*What it may break.* Turning high availability off and on again builds a new standby; until it is synchronised
there is none.

*References.* High availability (HA) health status monitoring for Azure Database for PostgreSQL. No framework
among the project's controls states it.
"""

from __future__ import annotations

from typing import Final

from shared.model import Aspect, Finding, Json, Kind, ServerSnapshot, ServerState, Severity
from shared.model.parts import Health
from shared.posture.findings import Facts, Judged, beside_the_point, compliant, drifted, finding
from shared.posture.policy import FLEXIBLE_SERVERS, Policy, RaisedBy
from shared.posture.server_findings import az, unknown_of, unsaid
from shared.posture.server_steps import standby_command
from shared.posture.unread import unread_reason

ID: Final = "postgres-high-availability-unhealthy"
SEVERITY: Final = Severity.HIGH
_PASSING: Final = frozenset(
    {
        "creatingstandby",
        "recreatingstandby",
        "replicatingdata",
        "failingover",
        "removingstandby",
        "computeupdatingbyfailover",
    }
)
"""States that pass by themselves (``highAvailability.state``, 2026-10-01)."""
_BLOCKED: Final = "an NSG or a virtual appliance blocks its connections"
_READ_ONLY: Final = "the server is read-only"
_CAUSES: Final = (
    ("network security group", _BLOCKED),
    ("nsg", _BLOCKED),
    ("virtual appliance", _BLOCKED),
    ("read-only", _READ_ONLY),
    ("read only", _READ_ONLY),
)
"""How Resource Health's words name a cause that does not pass; a failover is told like them and does."""


def evaluate(server: ServerSnapshot) -> Finding:
    return finding(ID, SEVERITY, server, _judge(server), _facts(server))


def _judge(server: ServerSnapshot) -> Judged:
    mode, state = server.availability.mode, server.availability.state
    if server.high_availability is False:
        return beside_the_point("high availability is off")
    if server.high_availability is None:
        return unsaid(server, "highAvailability.mode", mode)
    if state.lower() == "healthy":
        return compliant(f"the standby is Healthy ({mode})")
    if server.state is ServerState.STOPPED:
        return unknown_of(server, f"the state of the standby is {state or 'not told'}")
    return _judge_unhealthy(server, state)


def _judge_unhealthy(server: ServerSnapshot, state: str) -> Judged:
    cause = _lasting_cause(server.health)
    if cause:
        reason = f"the standby could not take over: {cause} (state {state or 'not told'})"
        return drifted(reason, fingerprint=cause, what_to_do=_remedy(server, cause))
    if state.lower() == "notenabled":
        reason = f"the mode is {server.availability.mode}, and there is no standby: state {state}"
        return drifted(reason, fingerprint="state=notenabled", what_to_do=_remedy(server, cause))
    if state.lower() in _PASSING:
        return unknown_of(server, f"the standby is not ready: {state}, which passes{_unheard(server)}")
    return unsaid(server, "highAvailability.state", state)


def _unheard(server: ServerSnapshot) -> str:
    """Why Resource Health could not say whether something holds the standby up."""
    return f"; {unread_reason(server, Aspect.HEALTH)}" if Aspect.HEALTH in server.unread else ""


def _lasting_cause(health: Health | None) -> str:
    """What Resource Health blames, where it is something that does not pass by itself; ``""`` otherwise."""
    if health is None or health.state.lower() not in {"degraded", "unavailable"}:
        return ""
    said = health.summary.lower()
    return next((cause for words, cause in _CAUSES if words in said), "")


def _remedy(server: ServerSnapshot, cause: str) -> str | tuple[str, ...]:
    if cause == _BLOCKED:
        where = f"subnet {server.delegated_subnet}" if server.delegated_subnet else "the server's subnet"
        return (
            f"let the servers of {where} reach each other on 5432 and 6432, and Storage on 443: in its NSG, "
            "and past the appliance of its route table"
        )
    if cause == _READ_ONLY:
        more = az(server, "update", "--storage-size '<GiB, more than now>' --yes")
        return "free storage, or add some, which cannot be taken back", more
    return (
        "see what Resource Health says in the portal (the server, Resource health), then make a new standby",
        az(server, "update", "--zonal-resiliency Disabled"),
        standby_command(server, {server.availability.mode.lower()}),
    )


def _facts(server: ServerSnapshot) -> Facts:
    return {
        "highAvailabilityMode": server.availability.mode or None,
        "highAvailabilityState": server.availability.state or None,
        "resourceHealth": _shown(server),
    }


def _shown(server: ServerSnapshot) -> Json:
    """Resource Health's word, why it could not be read, or None where nobody needed to ask."""
    if server.health is None:
        return server.unread.get(Aspect.HEALTH)
    health = server.health
    return {"availabilityState": health.state, "reasonType": health.reason, "summary": health.summary}


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="The standby of a PostgreSQL server could not take over",
    kind=Kind.SETTING,
    targets=FLEXIBLE_SERVERS,
    severity=SEVERITY,
    reads=frozenset({Aspect.SERVER, Aspect.HEALTH}),
    evaluate=evaluate,
    raised_by=RaisedBy.SWEEP,
    why="A failover that is needed does not happen, and the database is down until somebody rebuilds it.",
)
