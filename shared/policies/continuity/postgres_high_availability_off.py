"""PostgreSQL flexible server without a standby of the wanted kind.

*What it finds.* A flexible server whose ``highAvailability.mode`` is not among ``modes``: ZoneRedundant and
SameZone unless configured. A read replica is passed over: it cannot have a standby. Off unless
``policies.yaml`` names the policy: a standby doubles the price of the server.

*Why it matters.* Without a standby the failure of one machine, or of one zone, is an outage until the server
has been built anew.

*What the change does.* None is made: it doubles the cost, and the burstable tier cannot have it. A person
turns it on; the server stays up meanwhile.

*What it may break.* Commits wait for the standby and take a little longer; on a delegated subnet the NSG must
let the servers of the subnet reach each other.

*References.* High availability in Azure Database for PostgreSQL.
"""

from __future__ import annotations

from typing import Final

from shared.model import Finding, Json, Kind, ServerSnapshot, Severity
from shared.posture.controls import AZURE_POLICY, PSRULE
from shared.posture.findings import Judged, beside_the_point, compliant, drifted, finding
from shared.posture.policy import FLEXIBLE_SERVERS, SERVER_ALONE, Parameter, Policy
from shared.posture.server_findings import is_replica, plainly, unsaid, wrong_names
from shared.posture.server_steps import standby_steps

ID: Final = "postgres-high-availability-off"
SEVERITY: Final = Severity.MEDIUM
CONTROLS: Final = (AZURE_POLICY.ZONE_RESILIENT_FLEXIBLE, PSRULE.AZR_000434)
"""Both ask for a standby in another zone, whatever a scope accepts."""
ZONE_REDUNDANT: Final = "ZoneRedundant"
_MODES: Final = (ZONE_REDUNDANT, "SameZone")


def evaluate(server: ServerSnapshot, *, modes: list[str]) -> Finding:
    facts = {
        "highAvailabilityMode": server.availability.mode or None,
        "acceptedModes": modes,
        "replicationRole": server.replication.role or None,
    }
    return finding(ID, SEVERITY, server, _judge(server, plainly(modes)), facts)


def _judge(server: ServerSnapshot, accepted: frozenset[str]) -> Judged:
    if is_replica(server):
        return beside_the_point("a read replica cannot have a standby")
    mode = server.availability.mode
    if mode.lower() in accepted:
        return compliant(f"highAvailability.mode is {mode}")
    if mode.lower() not in plainly(_MODES) | {"disabled"}:
        return unsaid(server, "highAvailability.mode", mode)
    return drifted(
        f"highAvailability.mode is {mode}, wanted is {' or '.join(sorted(accepted))}",
        fingerprint=f"highAvailability.mode={mode.lower()}",
        what_to_do=standby_steps(server, accepted),
    )


def _wrong_modes(modes: Json) -> str | None:
    known = wrong_names(modes) is None and modes and plainly(modes) <= plainly(_MODES)
    return None if known else f"a list of {' and '.join(_MODES)}, at least one"


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="A PostgreSQL server has no standby of the wanted kind",
    kind=Kind.SETTING,
    targets=FLEXIBLE_SERVERS,
    severity=SEVERITY,
    reads=SERVER_ALONE,
    controls=CONTROLS,
    met=lambda found: CONTROLS if found.evidence.get("highAvailabilityMode") == ZONE_REDUNDANT else (),
    evaluate=evaluate,
    parameters=(
        Parameter(
            name="modes",
            default=["ZoneRedundant", "SameZone"],
            description="Modes of high availability that will do: ZoneRedundant, SameZone.",
            check=_wrong_modes,
        ),
    ),
    opt_in=True,
    why="The failure of one machine, or of one zone, is an outage of the database.",
)
