"""NSG or route that keeps declared clients from PostgreSQL.

*What it finds.* A subnet delegated to ``Microsoft.DBforPostgreSQL/flexibleServers`` whose NSG denies
inbound TCP on the ports (5432; 7432 and 8432 as well where a server is an elastic cluster) from one of the
prefixes that the parameter ``clients`` declares, in whole or in part. The same of a subnet with private
endpoints of PostgreSQL servers, on their addresses and port 5432, where network policies put its NSG in
force for them. Where 6432 alone is denied and no server runs PgBouncer, that is advice. A rule for
``VirtualNetwork``, as the default rules have one, surely concerns the space of the subnet's network and of
the networks peered with it; whether it concerns other clients is unknown. And a route table of the delegated
subnet by which the answers to a client go nowhere: ``None``, or the Internet for a private address. An
appliance or a gateway on the way back is ordinary, as behind the firewall of a hub: it is told in the
evidence. Nothing is declared by default, and then there is nothing to find.

*Why it matters.* The applications in those networks cannot connect, whatever else is right: name, route,
password. A rule that was deleted or moved behind a deny looks like an outage of the database.

*What the change does.* Adds one inbound allow rule per address family, from the declared prefixes to the
subnet's own, or to the endpoints' addresses, and the ports alone, directly ahead of the lowest rule that
denies. Where allow rules of the last compliant reading are gone and putting them back is enough, they are
restored instead. A route is its owner's: the alert tells what mends it.

*What it may break.* Nothing that passes now: it only adds. It asks for approval, because a deny for a
client may be meant, as in an incident: then the declaration is what should change.

*References.* Private access networking of Azure Database for PostgreSQL (network security groups); Network
security groups, how they filter traffic; Virtual network traffic routing. No framework among the project's
controls states it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from shared.model import (
    Aspect,
    Change,
    ComplianceState,
    Edit,
    Finding,
    Kind,
    Safety,
    Severity,
    SubnetSnapshot,
    TrafficBox,
)
from shared.nsg import traffic_boxes
from shared.posture.client_questions import (
    concerns,
    if_enough,
    ports_here,
    settled_without_group_at_databases,
    with_clusters_in_mind,
)
from shared.posture.findings import compliant, is_drift, unknown
from shared.posture.need_verdicts import beside_routes, denied_by_group, is_lost
from shared.posture.needs import declared, from_clients
from shared.posture.policy import SUBNETS, Parameter, Policy, without_caution
from shared.posture.pooled_port import as_advice, nobody_pools
from shared.posture.subnet_facts import POSTGRES_PORT, delegated
from shared.posture.subnet_questions import About, Inquiry, check_ports, check_prefixes
from shared.posture.subnet_restoring import restorations
from shared.posture.subnet_rules import RULE_EDITS, inquiry_change, inquiry_suggestion
from shared.posture.subnet_verdicts import group_finding, inquiry_finding
from shared.posture.traffic import SubnetTraffic
from shared.posture.unread import unread_reason

ABOUT: Final = About(
    policy="nsg-blocks-postgres-clients", severity=Severity.HIGH, rule_name="driftward-clients"
)


def evaluate(subnet: SubnetSnapshot, *, clients: list[str], ports: list[int]) -> Finding:
    if found := settled_without_group_at_databases(subnet):
        told = replace(group_finding(ABOUT, subnet, found), applies=concerns(subnet) and bool(clients))
        return beside_routes(told, subnet, [declared(ABOUT, subnet, clients, ports)])
    if not clients:
        nobody = group_finding(ABOUT, subnet, compliant("no clients are declared"))
        return replace(nobody, applies=False)
    asked = with_clusters_in_mind(subnet, ports, partial(_asked, subnet, clients))
    return as_advice(
        asked, unneeded=delegated(subnet) and nobody_pools(subnet.servers) and not is_lost(asked)
    )


def _asked(subnet: SubnetSnapshot, clients: list[str], ports: list[int]) -> Finding:
    need = declared(ABOUT, subnet, clients, ports)
    inquiry = from_clients(subnet, clients, ports)
    if not inquiry.questions:
        apart = "no declared client has addresses of a family that the subnet has"
        unasked = group_finding(ABOUT, subnet, unknown(apart))
        return replace(unasked, applies=concerns(subnet))
    judged = inquiry_finding(ABOUT, inquiry)
    if judged.state is ComplianceState.UNKNOWN and subnet.virtual_network is None:
        missing = unread_reason(subnet, Aspect.VIRTUAL_NETWORK)
        judged = replace(judged, reason=f"{judged.reason}; {missing}")
    evidence = {**judged.evidence, "clients": clients, "ports": ports}
    return beside_routes(replace(judged, evidence=evidence, applies=concerns(subnet)), subnet, [need])


def plan(found: Finding, subnet: SubnetSnapshot, *, clients: list[str], ports: list[int]) -> Change | None:
    if not is_drift(found):
        return None
    inquiry = from_clients(subnet, clients, ports_here(subnet, ports))
    proposed = inquiry_change(ABOUT, inquiry, _box(inquiry))
    return if_enough(proposed, subnet, partial(evaluate, clients=clients, ports=ports))


def restore(
    found: Finding, subnet: SubnetSnapshot, baseline: SubnetSnapshot, *, clients: list[str], ports: list[int]
) -> tuple[Change, ...]:
    """Changes that put back allow rules of the baseline."""
    if not is_drift(found):
        return ()
    inquiry = from_clients(subnet, clients, ports_here(subnet, ports))
    # Rules are put back, and undone, as they are and not as a private endpoint has them.
    return restorations(ABOUT, replace(inquiry, subnet=subnet), baseline, _box(inquiry))


def suggest(found: Finding, subnet: SubnetSnapshot) -> tuple[Edit, ...]:
    """The rules for what is surely denied, also where the rest depends on a tag and nothing is planned."""
    if not is_drift(found) or not denied_by_group(found):
        return ()
    return inquiry_suggestion(ABOUT, from_clients(subnet, found.evidence["clients"], found.evidence["ports"]))


def forbidden(subnet: SubnetSnapshot, *, clients: list[str], ports: list[int]) -> SubnetTraffic:
    """The packets that must pass."""
    return SubnetTraffic(boxes=_box(from_clients(subnet, clients, ports_here(subnet, ports))))


def _box(inquiry: Inquiry) -> tuple[TrafficBox, ...]:
    return tuple(box for question in inquiry.questions for box in traffic_boxes(question))


POLICY: Policy[SubnetSnapshot] = Policy(
    id=ABOUT.policy,
    title="An NSG or a route cuts declared clients off from PostgreSQL",
    kind=Kind.CONNECTIVITY,
    targets=SUBNETS,
    severity=ABOUT.severity,
    safety=Safety.APPROVAL,
    reads=frozenset(
        {Aspect.SUBNET, Aspect.SECURITY_GROUP, Aspect.SUBNET_SERVERS, Aspect.SUBNET_ENDPOINTS}
        | {Aspect.ROUTES, Aspect.VIRTUAL_NETWORK}
    ),
    edits=RULE_EDITS,
    evaluate=evaluate,
    plan=plan,
    restore=restore,
    assess=without_caution,
    forbidden=forbidden,
    suggest=suggest,
    parameters=(
        Parameter(
            name="clients",
            default=[],
            description="Prefixes of the networks whose clients must reach PostgreSQL.",
            check=check_prefixes,
            example=["10.20.8.0/24"],
        ),
        Parameter(
            name="ports",
            default=[POSTGRES_PORT],
            description="TCP ports on which they must reach it.",
            check=check_ports,
        ),
    ),
    order=52,
    why="The applications that this database is there for cannot connect to it.",
)
