"""NSG that lets others than the declared clients in to PostgreSQL.

*What it finds.* A subnet delegated to ``Microsoft.DBforPostgreSQL/flexibleServers`` whose NSG allows TCP on
the ports (5432 and 6432; 7432 and 8432 as well where a server is an elastic cluster) from addresses of the
virtual network that are neither the subnet's own, nor of a subnet with which its servers replicate, nor
among those that the parameter ``clients`` declares.
How far the virtual network extends, by peerings and gateways, is not read: every address counts that would
be let in if it lay there. Nothing is declared by default, and then there is nothing to find.

*Why it matters.* The default rules let the whole virtual network in, and with it every peered network: one
machine taken over anywhere there may try passwords on the database.

*What the change does.* Nothing is changed; it is advice. The alert shows deny rules for everybody but the
clients and the subnet, proved to keep out exactly those. Where only few clients are declared, two rules of
your own say it more shortly: an allow for the clients, and a deny for the rest. Where it is not known with
whom the servers replicate no rule is shown, for it could cut off a replica.

*What it may break.* Whoever comes in and was forgotten in ``clients`` would be cut off by the rules shown.

*References.* Virtual network service tags (VirtualNetwork); Network security groups, how they filter
traffic; MCSB v1 NS-1 (deny by default, permit by exception).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from shared.model import (
    Access,
    Aspect,
    Change,
    Edit,
    Finding,
    IPNetwork,
    Json,
    Kind,
    Safety,
    Severity,
    SubnetSnapshot,
)
from shared.nsg import traffic_boxes
from shared.posture.client_questions import ports_here, with_clusters_in_mind
from shared.posture.controls import MCSB
from shared.posture.findings import compliant, is_drift
from shared.posture.former_group import with_former_group
from shared.posture.policy import SUBNETS, Assessment, Parameter, Policy
from shared.posture.subnet_facts import PGBOUNCER_PORT, POSTGRES_PORT, delegated, partners, partners_unknown
from shared.posture.subnet_questions import (
    About,
    Inquiry,
    check_ports,
    check_prefixes,
    from_others,
    networks,
    settled,
    sharing_note,
    vnet_at_large,
)
from shared.posture.subnet_rules import by_hand, inquiry_suggestion
from shared.posture.subnet_verdicts import group_finding, inquiry_finding
from shared.posture.traffic import SubnetTraffic

ABOUT: Final = About(
    policy="nsg-reachable-beyond-clients", severity=Severity.INFORMATIONAL, rule_name="driftward-keep-out"
)

BEYOND: Final = "beyond the declared clients"
"""One drift, however much of it is cured: a person who shuts one family out after the other has one alert."""


def evaluate(subnet: SubnetSnapshot, *, clients: list[str], ports: list[int]) -> Finding:
    if found := settled(subnet):
        return replace(group_finding(ABOUT, subnet, found), applies=delegated(subnet) and bool(clients))
    if not clients:
        nobody = group_finding(ABOUT, subnet, compliant("no clients are declared"))
        return replace(nobody, applies=False)
    return with_clusters_in_mind(subnet, ports, partial(_asked, subnet, clients))


def _asked(subnet: SubnetSnapshot, clients: list[str], ports: list[int]) -> Finding:
    judged = inquiry_finding(ABOUT, _inquiry(subnet, clients, ports))
    more = {
        "clients": clients,
        "ports": ports,
        "replicas": [str(prefix) for prefix in _replicas(subnet)],
        "replicasUnknown": partners_unknown(subnet) or None,
    }
    if not is_drift(judged):
        return replace(judged, evidence={**judged.evidence, **more}, fingerprint="")
    if missing := partners_unknown(subnet):
        more["noFixReason"] = f"what replication needs is not known, and must not be kept out: {missing}"
    return replace(judged, evidence={**judged.evidence, **more}, fingerprint=BEYOND)


def plan(_found: Finding, _subnet: SubnetSnapshot, **_settings: Json) -> Change | None:
    """Whoever comes in undeclared may have been forgotten: a person decides."""
    return None


def suggest(found: Finding, subnet: SubnetSnapshot) -> tuple[Edit, ...]:
    """Guards against everybody but the clients, the replicas and the subnet itself."""
    if not is_drift(found) or partners_unknown(subnet):
        return ()
    guards = inquiry_suggestion(ABOUT, _inquiry(subnet, found.evidence["clients"], found.evidence["ports"]))
    return tuple(map(by_hand, guards))


def assess(subnet: SubnetSnapshot, _baseline: SubnetSnapshot | None) -> Assessment:
    return Assessment(safety=Safety.MANUAL, notes=sharing_note(subnet))


def forbidden(subnet: SubnetSnapshot, *, clients: list[str], ports: list[int]) -> SubnetTraffic:
    """From everybody but the clients, the replicas and the subnet itself to PostgreSQL."""
    if not delegated(subnet) or not clients:
        return SubnetTraffic()
    questions = _inquiry(subnet, clients, ports_here(subnet, ports)).questions
    return SubnetTraffic(boxes=tuple(box for question in questions for box in traffic_boxes(question)))


def _inquiry(subnet: SubnetSnapshot, clients: list[str], ports: list[int]) -> Inquiry:
    return Inquiry(
        subnet=subnet,
        questions=from_others(subnet, (*networks(clients), *_replicas(subnet)), ports),
        tags=vnet_at_large(subnet),
        holds=f"of the virtual network only the declared clients ({', '.join(clients)}) are let in",
        want=Access.DENY,
        source="VirtualNetwork beyond the declared clients",
    )


def _replicas(subnet: SubnetSnapshot) -> tuple[IPNetwork, ...]:
    """The networks with which the servers of the subnet replicate, as far as they are known."""
    return tuple(prefix for partner in partners(subnet) for prefix in partner.prefixes)


POLICY: Policy[SubnetSnapshot] = Policy(
    id=ABOUT.policy,
    title="An NSG lets others than the declared clients in to PostgreSQL",
    kind=Kind.TIGHTENING,
    targets=SUBNETS,
    severity=ABOUT.severity,
    reads=frozenset({Aspect.SUBNET, Aspect.SECURITY_GROUP, Aspect.SUBNET_SERVERS, Aspect.SUBNET_REPLICAS}),
    controls=(MCSB.NS_1,),
    evaluate=evaluate,
    since=with_former_group,
    plan=plan,
    assess=assess,
    forbidden=forbidden,
    suggest=suggest,
    parameters=(
        Parameter(
            name="clients",
            default=[],
            description="Prefixes of the networks whose clients may reach PostgreSQL; none: not judged.",
            check=check_prefixes,
            example=["10.20.8.0/24"],
        ),
        Parameter(
            name="ports",
            default=[POSTGRES_PORT, PGBOUNCER_PORT],
            description="TCP ports that nobody else may reach.",
            check=check_ports,
        ),
    ),
    order=62,
    why="Any machine of the virtual network and of its peers can try passwords on this database.",
)
