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
DNS server; private DNS zone and virtual network peering); MCSB NS-10.
"""

from __future__ import annotations

from typing import Final

from shared.model import Aspect, Finding, Kind, Safety, ServerSnapshot, Severity, TargetKind
from shared.model.parts import NetworkDns, PrivateDns
from shared.model.resource_id import ResourceId
from shared.posture.policy import Control, Parameter, Policy
from shared.posture.private_dns import (
    COMPLIANT,
    NON_COMPLIANT,
    PERMISSIONS,
    UNKNOWN,
    About,
    Declared,
    Verdict,
    custom_dns,
    finding,
    judge_links,
    wrong_networks,
)
from shared.posture.unread import unread_reason

ABOUT: Final = About(policy="postgres-vnet-dns-zone-not-linked", severity=Severity.HIGH)


def evaluate(server: ServerSnapshot, *, linked_networks: list[str]) -> Finding:
    verdict = _judge(server, Declared.of("", linked_networks).networks)
    return finding(ABOUT, server, verdict, verdict.reason)


def _judge(server: ServerSnapshot, declared: tuple[ResourceId, ...]) -> Verdict:
    zone, subnet = server.private_dns_zone, server.delegated_subnet
    if subnet is None or zone is None:
        nothing = "the server has no private DNS zone of its own"
        return Verdict(state=COMPLIANT, reason=nothing, applies=False)
    if server.private_dns is None:
        return Verdict(state=UNKNOWN, reason=unread_reason(server, Aspect.PRIVATE_DNS))
    if not declared and (unsure := _unsure(server.private_dns.network)):
        return Verdict(state=UNKNOWN, reason=unsure)
    own = (subnet.parent,) if subnet.parent is not None else ()
    return _judge_zone(server.private_dns, zone, declared or own)


def _unsure(network: NetworkDns | None) -> str:
    return custom_dns(network) if network is not None else "the network of the delegated subnet is not known"


def _judge_zone(dns: PrivateDns, zone: ResourceId, networks: tuple[ResourceId, ...]) -> Verdict:
    read = next((one for one in dns.zones if one.id == zone), None)
    if read is None or read.exists is None:
        why = f": {read.unread}" if read is not None and read.unread else ""
        return Verdict(state=UNKNOWN, reason=f"zone {zone.name} could not be read{why}")
    if not read.exists:
        return Verdict(
            state=NON_COMPLIANT, reason=f"zone {zone.name} does not exist", facts={"zones": [str(zone)]}
        )
    return judge_links((read,), networks)


POLICY: Policy[ServerSnapshot] = Policy(
    id=ABOUT.policy,
    title="The private DNS zone of a VNet-integrated PostgreSQL server is not linked to its network",
    kind=Kind.CONNECTIVITY,
    targets=frozenset({TargetKind.FLEXIBLE_SERVER}),
    severity=ABOUT.severity,
    safety=Safety.MANUAL,
    reads=frozenset({Aspect.SERVER, Aspect.PRIVATE_DNS}),
    permissions=PERMISSIONS,
    controls=(
        Control(framework="MCSB", version="v1", id="NS-10", title="Ensure Domain Name System (DNS) security"),
    ),
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
