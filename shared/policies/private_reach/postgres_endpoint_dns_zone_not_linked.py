"""PostgreSQL private endpoint whose DNS zone does not answer in its network.

*What it finds.* For each approved private endpoint of a flexible server: the zone of the prescribed name is
not linked to the endpoint's virtual network. With a central zone and the networks that must be linked
declared (``zone``, ``linkedNetworks``): the central zone is not linked to one of them. Where the endpoint's
network asks its own DNS servers and nothing is declared, where links cannot be read, or a link is not
Completed yet, it is unknown. Without any zone there is no link to judge: of that
``postgres-endpoint-dns-zone-wrong`` tells.

*Why it matters.* A private zone answers only in the networks that are linked to it. In any other network the
server's name leads to its public address, whatever the zone holds.

*What the change does.* None is made: a link changes what a whole network resolves, and a network can be
linked to one zone of a name only. A person creates the link. Where the network is linked to another zone of
that name, as far as such a zone was read, a person has the zone group name that zone or moves the link.

*What it may break.* Once linked, the zone answers for every PostgreSQL server with a private endpoint: names
that have no record in it no longer resolve in that network. Where a link is moved, names that only the other
zone holds no longer do, and until the new link is Completed none does.

*References.* Private Link for Azure Database for PostgreSQL (Private Link and DNS; hub-and-spoke); private
DNS virtual network links; MicrosoftDocs/azure-docs 122956; MCSB NS-10, NS-2.
"""

from __future__ import annotations

from typing import Final

from shared.model import Aspect, Finding, Kind, Safety, ServerSnapshot, Severity, TargetKind
from shared.posture.policy import Control, Parameter, Policy
from shared.posture.private_dns import (
    COMPLIANT,
    NON_COMPLIANT,
    PERMISSIONS,
    UNKNOWN,
    About,
    Case,
    Declared,
    Verdict,
    judge_endpoints,
    judge_links,
    resolver_unknown,
    serving,
    wrong_networks,
    wrong_zone,
)

ABOUT: Final = About(policy="postgres-endpoint-dns-zone-not-linked", severity=Severity.HIGH)


def evaluate(server: ServerSnapshot, *, zone: str, linked_networks: list[str]) -> Finding:
    return judge_endpoints(ABOUT, server, Declared.of(zone, linked_networks), _judge)


def _judge(case: Case) -> Verdict:
    own = case.endpoint.network
    if not case.declared.networks and (unsure := resolver_unknown(case.endpoint)):
        return Verdict(state=UNKNOWN, reason=unsure)
    answering = serving(case)
    if answering.unknown:
        return Verdict(state=UNKNOWN, reason=answering.unknown)
    if not answering.zones and not answering.more:
        nothing = f"endpoint {case.endpoint.id.name} has no zone that could be linked"
        return Verdict(state=COMPLIANT, reason=nothing, applies=False)
    networks = case.declared.networks or ((own.id,) if own is not None else ())
    judged = judge_links(answering.zones, networks, case.dns.zones) if answering.zones else None
    if judged is not None and (judged.state is not NON_COMPLIANT or not answering.more):
        return judged
    return Verdict(state=UNKNOWN, reason=f"zones called {case.zone_name} exist that were not read")


POLICY: Policy[ServerSnapshot] = Policy(
    id=ABOUT.policy,
    title="The DNS zone of a PostgreSQL private endpoint is not linked to its network",
    kind=Kind.CONNECTIVITY,
    targets=frozenset({TargetKind.FLEXIBLE_SERVER}),
    severity=ABOUT.severity,
    safety=Safety.MANUAL,
    reads=frozenset({Aspect.SERVER, Aspect.PRIVATE_DNS}),
    permissions=PERMISSIONS,
    controls=(
        Control(framework="MCSB", version="v1", id="NS-10", title="Ensure Domain Name System (DNS) security"),
        Control(
            framework="MCSB",
            version="v1",
            id="NS-2",
            title="Secure cloud native services with network controls",
        ),
    ),
    evaluate=evaluate,
    parameters=(
        Parameter(
            name="zone",
            default="",
            description="Resource id of the central private DNS zone; empty: each endpoint's own is judged.",
            check=wrong_zone,
        ),
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
