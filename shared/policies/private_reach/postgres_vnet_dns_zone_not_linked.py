"""VNet-integrated PostgreSQL server whose private DNS zone does not answer in its network.

*What it finds.* The private DNS zone of a VNet-integrated flexible server is not linked to the network of its
delegated subnet, or does not exist any more. With the networks that must be linked declared
(``linkedNetworks``): the zone is not linked to one of them. Where the network asks its own DNS servers and
nothing is declared, where the links cannot be read, or a link is not Completed yet, it is unknown.

*Why it matters.* Azure no longer checks at a server's creation that its zone is linked. Where it is not, the
server's name does not resolve, and the server has no other address to be reached by.

*What the change does.* None is made: a link changes what a whole network resolves. A person creates it;
clients in peered networks need a link of their own each.

*What it may break.* A network can be linked to one zone of a name only; names in the zone then hide those
that other DNS servers answer for.

*References.* Networking with private access for Azure Database for PostgreSQL (use a private DNS zone; custom
DNS server; private DNS zone and virtual network peering).
"""

from __future__ import annotations

from typing import Final

from shared.model import Aspect, Finding, Kind, ServerSnapshot, Severity
from shared.model.parts import NetworkDns
from shared.model.resource_id import ResourceId
from shared.posture.controls import MCSB
from shared.posture.dns_links import judge_links
from shared.posture.findings import Judged, beside_the_point, drifted, unknown
from shared.posture.own_zone_steps import making_again
from shared.posture.policy import FLEXIBLE_SERVERS, Parameter, Policy
from shared.posture.private_dns import finding_with_steps, unclaimed, wrong_networks
from shared.posture.unread import unread_reason
from shared.posture.ways.world import Declared

ID: Final = "postgres-vnet-dns-zone-not-linked"
SEVERITY: Final = Severity.HIGH


def evaluate(server: ServerSnapshot, *, linked_networks: list[str]) -> Finding:
    declared = Declared.of("", linked_networks).networks
    return finding_with_steps(ID, SEVERITY, server, _judge(server, declared))


def _judge(server: ServerSnapshot, declared: tuple[ResourceId, ...]) -> Judged:
    zone, subnet = server.private_dns_zone, server.delegated_subnet
    if subnet is None or zone is None:
        return beside_the_point("the server has no private DNS zone of its own")
    if server.private_dns is None:
        return unknown(unread_reason(server, Aspect.PRIVATE_DNS))
    if not declared and (unsure := _unsure(server.private_dns.network)):
        return unknown(unsure)
    own = (subnet.parent,) if subnet.parent is not None else ()
    return _judge_zone(server, zone, declared or own)


def _unsure(network: NetworkDns | None) -> str:
    return unclaimed(network) if network is not None else "the network of the delegated subnet is not known"


def _judge_zone(server: ServerSnapshot, zone: ResourceId, networks: tuple[ResourceId, ...]) -> Judged:
    zones = server.private_dns.zones if server.private_dns is not None else ()
    read = next((one for one in zones if one.id == zone), None)
    if read is None or read.exists is None:
        why = f": {read.unread}" if read is not None and read.unread else ""
        return unknown(f"zone {zone.name} could not be read{why}")
    if not read.exists:
        reason = f"zone {zone.name} does not exist"
        steps = making_again(server, zone, networks)
        return drifted(reason, reason.lower(), what_to_do=steps, evidence={"zones": [str(zone)]})
    return judge_links((read,), networks)


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="The private DNS zone of a VNet-integrated PostgreSQL server is not linked to its network",
    kind=Kind.CONNECTIVITY,
    targets=FLEXIBLE_SERVERS,
    severity=SEVERITY,
    reads=frozenset({Aspect.SERVER, Aspect.PRIVATE_DNS}),
    controls=(MCSB.NS_10,),
    evaluate=evaluate,
    parameters=(
        Parameter(
            name="linkedNetworks",
            default=[],
            description="Resource ids of the networks that must be linked; empty: the delegated subnet's.",
            check=wrong_networks,
        ),
    ),
    opt_in=True,
    why="The server's name does not resolve in its network, and there is no other way to reach it.",
)
