"""NSG that lets the Internet in to PostgreSQL.

*What it finds.* A subnet delegated to ``Microsoft.DBforPostgreSQL/flexibleServers`` whose NSG allows TCP on
the ports (5432 and 6432; 7432 and 8432 as well where a server is an elastic cluster) from addresses of the
service tag ``Internet``, which are the public ones outside the virtual network, or that has no NSG. The
same of a subnet with private endpoints of PostgreSQL servers, on their addresses and port 5432, where
network policies put its NSG in force for them. A public range that is somebody's own, connected by a
gateway, belongs to the virtual network in truth; a reading does not show it, and an exemption can say it.

*Why it matters.* Neither a server in a delegated subnet nor a private endpoint has a public address, so the
exposure is latent today, and its severity Low: it becomes real with the first public path, an address
translation on an appliance or a migration of the server to public access.

*What the change does.* Adds one inbound deny rule per address family, from ``Internet`` to the subnet's own
prefixes, or the endpoints' addresses, and the ports alone, directly ahead of the lowest rule that lets the
Internet in. No rule is edited, moved or removed. It asks for approval.

*What it may break.* Clients that come in from public addresses through an appliance that keeps their
address. Sessions that are open go on, unless the NSG's ``flushConnection`` is set.

*References.* Virtual network service tags (Internet); Network security groups, how they filter traffic;
PSRule for Azure AZR-000137 and CloudSploit openPostgreSQL, which look at a rule's text.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Final

from shared.model import (
    Access,
    Aspect,
    Change,
    Edit,
    Finding,
    Kind,
    Safety,
    Severity,
    SubnetSnapshot,
    TrafficBox,
)
from shared.nsg import PUBLIC_ADDRESSES, Side, Spans, Tags, minus, read_side, spans_of, traffic_boxes
from shared.posture.client_questions import (
    as_enforced,
    concerns,
    databases,
    if_enough,
    ports_here,
    settled_at_databases,
    with_clusters_in_mind,
)
from shared.posture.controls import CLOUDSPLOIT, MCSB, PSRULE, Control
from shared.posture.findings import is_drift
from shared.posture.former_group import with_former_group
from shared.posture.policy import SUBNETS, Assessment, Parameter, Policy
from shared.posture.subnet_facts import PGBOUNCER_PORT, POSTGRES_PORT
from shared.posture.subnet_questions import About, Inquiry, check_ports, into, sharing_note, virtual_network
from shared.posture.subnet_rules import RULE_EDITS, inquiry_change, inquiry_suggestion
from shared.posture.subnet_verdicts import group_finding, inquiry_finding
from shared.posture.traffic import SubnetTraffic

ABOUT: Final = About(
    policy="nsg-exposes-postgres-to-internet", severity=Severity.LOW, rule_name="driftward-keep-out"
)
"""What is judged has no public path: servers in a delegated subnet, private endpoints."""
INTERNET: Final = "Internet"
LATENT: Final = "latent: neither servers in a delegated subnet nor private endpoints have a public address"


def evaluate(subnet: SubnetSnapshot, *, ports: list[int]) -> Finding:
    if found := settled_at_databases(subnet):
        return replace(group_finding(ABOUT, subnet, found), applies=concerns(subnet))
    return with_clusters_in_mind(subnet, ports, partial(_asked, subnet))


def _asked(subnet: SubnetSnapshot, ports: list[int]) -> Finding:
    judged = inquiry_finding(ABOUT, _inquiry(subnet, ports))
    evidence = {**judged.evidence, "ports": ports, "exposure": LATENT}
    return replace(judged, evidence=evidence, applies=concerns(subnet))


def plan(found: Finding, subnet: SubnetSnapshot, *, ports: list[int]) -> Change | None:
    if not is_drift(found):
        return None
    here = ports_here(subnet, ports)
    proposed = inquiry_change(ABOUT, _inquiry(subnet, here), _box(subnet, here))
    return if_enough(proposed, subnet, partial(evaluate, ports=ports))


def suggest(found: Finding, subnet: SubnetSnapshot) -> tuple[Edit, ...]:
    """The guards against what surely passes, also where the rest depends on a tag."""
    if not is_drift(found):
        return ()
    return inquiry_suggestion(ABOUT, _inquiry(subnet, found.evidence["ports"]))


def assess(subnet: SubnetSnapshot, _baseline: SubnetSnapshot | None) -> Assessment:
    """Who comes in from the Internet is cut off, and only an appliance on the way could let them in."""
    return Assessment(safety=Safety.APPROVAL, notes=sharing_note(subnet))


def forbidden(subnet: SubnetSnapshot, *, ports: list[int]) -> SubnetTraffic:
    """From public addresses outside the subnet to PostgreSQL."""
    return SubnetTraffic(boxes=_box(subnet, ports_here(subnet, ports)))


def met(found: Finding) -> Collection[Control]:
    """CloudSploit asks of 5432 alone."""
    open_ports = {
        port for one in found.evidence.get("directions", ()) for port in one.get("portsAllowed", ())
    }
    return () if POSTGRES_PORT in open_ports else (CLOUDSPLOIT.OPEN_POSTGRESQL,)


def _inquiry(subnet: SubnetSnapshot, ports: list[int]) -> Inquiry:
    tags = _tags(subnet)
    return Inquiry(
        subnet=as_enforced(subnet),
        questions=into(subnet, read_side([INTERNET], tags), ports, databases(subnet)),
        tags=tags,
        holds="the Internet is kept out",
        want=Access.DENY,
    )


def _tags(subnet: SubnetSnapshot) -> Tags:
    """What is known of a packet from the Internet: it does not come from the virtual network."""
    inside = virtual_network(subnet)
    known: Mapping[str, Spans] = {**Tags().closed, "virtualnetwork": inside}
    return Tags(closed=MappingProxyType(known), vnet=inside)


def _box(subnet: SubnetSnapshot, ports: list[int]) -> tuple[TrafficBox, ...]:
    public = Side(minus(PUBLIC_ADDRESSES, spans_of(subnet.prefixes)))
    questions = into(subnet, public, ports, databases(subnet))
    return tuple(box for question in questions for box in traffic_boxes(question))


POLICY: Policy[SubnetSnapshot] = Policy(
    id=ABOUT.policy,
    title="An NSG lets the Internet in to PostgreSQL",
    kind=Kind.TIGHTENING,
    targets=SUBNETS,
    severity=Severity.HIGH,
    safety=Safety.APPROVAL,
    reads=frozenset({Aspect.SUBNET, Aspect.SECURITY_GROUP, Aspect.SUBNET_SERVERS, Aspect.SUBNET_ENDPOINTS}),
    edits=RULE_EDITS,
    controls=(MCSB.NS_1, PSRULE.AZR_000137, CLOUDSPLOIT.OPEN_POSTGRESQL),
    met=met,
    evaluate=evaluate,
    since=with_former_group,
    plan=plan,
    assess=assess,
    forbidden=forbidden,
    suggest=suggest,
    parameters=(
        Parameter(
            name="ports",
            default=[POSTGRES_PORT, PGBOUNCER_PORT],
            description="TCP ports that the Internet must not reach.",
            check=check_ports,
        ),
    ),
    order=53,
    why="Once this subnet gets a public path, anybody on the Internet can try passwords on its databases.",
)
