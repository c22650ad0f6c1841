"""PostgreSQL private endpoint whose DNS zone does not answer in its network.

*What it finds.* For each approved private endpoint of a flexible server: the zone of the prescribed name is
not linked to the endpoint's virtual network. With a central zone and the networks that must be linked
declared (``zone``, ``linkedNetworks``): the central zone is not linked to one of them. Where the endpoint's
network asks its own DNS servers and nothing is declared, where links cannot be read, or a link is not
Completed yet, it is unknown. Of an endpoint without a zone group the zone is judged that is linked to its
network; where there is none, ``postgres-endpoint-dns-zone-wrong`` tells.

*Why it matters.* A private zone answers only in the networks that are linked to it. In any other network the
server's name leads to its public address, whatever the zone holds.

*What the change does.* None is made: a link changes what a whole network resolves, and a network can be
linked to one zone of a name only. A person creates the link. Where the network is linked to another zone of
that name, as far as such a zone was read, a person has the zone group name that zone or moves the link.

*What it may break.* Once linked, the zone answers for every PostgreSQL server with a private endpoint: for
names that it does not hold, a new link falls back to public DNS (``NxDomainRedirect``). A link that is
moved keeps its policy: names that only the other zone holds, and all until it is Completed, resolve no more.

*References.* Private Link for Azure Database for PostgreSQL (Private Link and DNS; hub-and-spoke); private
DNS virtual network links; MicrosoftDocs/azure-docs 122956.
"""

from __future__ import annotations

from typing import Final

from shared.model import Aspect, Finding, Kind, ServerSnapshot, Severity
from shared.posture.controls import MCSB
from shared.posture.dns_links import judge_case_links, without_zone
from shared.posture.findings import Judged, unknown
from shared.posture.policy import FLEXIBLE_SERVERS, Parameter, Policy
from shared.posture.private_dns import (
    CENTRAL_ZONE,
    Case,
    finding_with_steps,
    judge_endpoints,
    resolver_unknown,
    serving,
    wrong_networks,
)
from shared.posture.ways.world import Declared

ID: Final = "postgres-endpoint-dns-zone-not-linked"
SEVERITY: Final = Severity.HIGH


def evaluate(server: ServerSnapshot, *, zone: str, linked_networks: list[str]) -> Finding:
    judged = judge_endpoints(server, Declared.of(zone, linked_networks), _judge)
    return finding_with_steps(ID, SEVERITY, server, judged)


def _judge(case: Case) -> Judged:
    if not case.declared.networks and (unsure := resolver_unknown(case.endpoint)):
        return unknown(unsure)
    answering = serving(case)
    if answering.unknown:
        return unknown(answering.unknown)
    if not answering.zones and not answering.more:
        return without_zone(case)
    judged = judge_case_links(case, answering.zones) if answering.zones else None
    if judged is not None and (not judged.is_drift or not answering.more):
        return judged
    return unknown(f"zones called {case.zone_name} exist that were not read")


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="The DNS zone of a PostgreSQL private endpoint is not linked to its network",
    kind=Kind.CONNECTIVITY,
    targets=FLEXIBLE_SERVERS,
    severity=SEVERITY,
    reads=frozenset({Aspect.SERVER, Aspect.PRIVATE_DNS}),
    controls=(MCSB.NS_10, MCSB.NS_2),
    evaluate=evaluate,
    parameters=(
        CENTRAL_ZONE,
        Parameter(
            name="linkedNetworks",
            default=[],
            description="Resource ids of the networks that must be linked; empty: each endpoint's own.",
            check=wrong_networks,
        ),
    ),
    opt_in=True,
    why="The server's name leads to its public address in the very network that has its private endpoint.",
)
