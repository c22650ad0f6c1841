"""PostgreSQL server with a delegated subnet and no private DNS zone, or the other way round.

*What it finds.* A flexible server of which only one of ``network.delegatedSubnetResourceId`` and
``network.privateDnsZoneArmResourceId`` is set. A VNet-integrated server has both, any other neither. Where
the answer shows nothing of the server's network, not even ``publicNetworkAccess``, it is unknown.

*Why it matters.* A server in a subnet is reached by its private address, which only its private DNS zone
tells: without one its name leads nowhere. A zone without a subnet belongs to a network mode that the server
does not have, and Azure Policy judges such a server as if it were public.

*What the change does.* None is made: the zone is another resource, often of another team, and a subnet cannot
be given afterwards. A person gives the server a zone and links it to the network.

*What it may break.* The zone of a server cannot be changed while high availability is on; clients that
resolve the name from a cache keep the old answer for a while.

*References.* Networking with private access for Azure Database for PostgreSQL (use a private DNS zone).
"""

from __future__ import annotations

from typing import Final

from shared.model import Finding, Kind, ServerSnapshot, Severity
from shared.posture.controls import AZURE_POLICY, MCSB
from shared.posture.findings import Judged, compliant, drifted, unknown
from shared.posture.own_zone_steps import giving_one
from shared.posture.policy import FLEXIBLE_SERVERS, SERVER_ALONE, Policy
from shared.posture.private_dns import finding_with_steps

ID: Final = "postgres-subnet-and-dns-zone-inconsistent"
SEVERITY: Final = Severity.HIGH


def evaluate(server: ServerSnapshot) -> Finding:
    return finding_with_steps(ID, SEVERITY, server, _judge(server))


def _judge(server: ServerSnapshot) -> Judged:
    subnet, zone = server.delegated_subnet, server.private_dns_zone
    facts = {
        "delegatedSubnetResourceId": str(subnet) if subnet is not None else None,
        "privateDnsZoneArmResourceId": str(zone) if zone is not None else None,
    }
    if subnet is None and zone is None and server.public_access_text is None:
        return unknown("the server shows nothing of its network", facts)
    if (subnet is None) == (zone is None):
        said = "neither a delegated subnet nor" if subnet is None else "a delegated subnet and"
        return compliant(f"the server has {said} a private DNS zone", facts)
    if zone is None:
        reason = "the server is in a delegated subnet and has no private DNS zone"
        return drifted(reason, "no zone", what_to_do=giving_one(server), evidence=facts)
    reason = "the server has a private DNS zone and no delegated subnet"
    no_way_back = (
        "A subnet cannot be given to an existing server, and the zone cannot be taken away:"
        " ask who set it, and report it to Azure's support where nobody did."
    )
    return drifted(reason, "no subnet", what_to_do=(no_way_back,), evidence=facts)


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="A PostgreSQL server has only one of delegated subnet and private DNS zone",
    kind=Kind.CONNECTIVITY,
    targets=FLEXIBLE_SERVERS,
    severity=SEVERITY,
    reads=SERVER_ALONE,
    controls=(AZURE_POLICY.PUBLIC_ACCESS_FLEXIBLE, MCSB.NS_1),
    evaluate=evaluate,
    why="The name of a server in a subnet leads nowhere without its private DNS zone.",
)
