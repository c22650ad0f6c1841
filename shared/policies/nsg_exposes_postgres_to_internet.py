"""NSG that lets the Internet in to PostgreSQL.

*What it finds.* A subnet delegated to ``Microsoft.DBforPostgreSQL/flexibleServers`` whose NSG allows TCP on
the ports (5432 and 6432) from addresses of the service tag ``Internet``, which are the public ones outside
the virtual network, or that has no NSG. A public range that is somebody's own, connected by a gateway,
belongs to the virtual network in truth; a reading does not show it, and an exemption can say it.

*Why it matters.* A server in a delegated subnet has no public address, so the exposure is latent today, and
its severity Low: it becomes real with the first public path, an address translation on an appliance or a
migration of the server to public access.

*What the change does.* Adds one inbound deny rule per address family, from ``Internet`` to the subnet's own
prefixes and the ports alone, directly ahead of the lowest rule that lets the Internet in. No rule is edited,
moved or removed. It asks for approval.

*What it may break.* Clients that come in from public addresses through an appliance that keeps their address.
Sessions that are open go on, unless the NSG's ``flushConnection`` is set.

*References.* Virtual network service tags (Internet); Network security groups, how they filter traffic. No
framework among the project's controls states it of the subnet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from shared.model import (
    Access,
    Aspect,
    Change,
    ComplianceState,
    Edit,
    Finding,
    Kind,
    Safety,
    Severity,
    SubnetSnapshot,
    TargetKind,
    TrafficBox,
)
from shared.nsg import PUBLIC_ADDRESSES, Side, Spans, Tags, minus, read_side, spans_of, traffic_boxes
from shared.policy import Assessment, Parameter, Policy
from shared.subnet_facts import PGBOUNCER_PORT, POSTGRES_PORT, delegated
from shared.subnet_questions import (
    READS,
    WRITES,
    About,
    Inquiry,
    check_ports,
    finding,
    into,
    settled,
    sharing_note,
    suggestion,
    virtual_network,
)
from shared.subnet_questions import evaluate as evaluated
from shared.subnet_questions import plan as planned
from shared.traffic import SubnetTraffic

ABOUT: Final = About(
    policy="nsg-exposes-postgres-to-internet", severity=Severity.LOW, rule_name="driftward-keep-out"
)
"""Every subnet that is judged is delegated, and its servers have no public path."""
INTERNET: Final = "Internet"
LATENT: Final = "latent: servers in a delegated subnet have no public address"


def evaluate(subnet: SubnetSnapshot, *, ports: list[int]) -> Finding:
    if found := settled(subnet):
        return finding(ABOUT, subnet, *found)
    judged = evaluated(ABOUT, _inquiry(subnet, ports))
    return replace(judged, evidence={**judged.evidence, "ports": ports, "exposure": LATENT})


def plan(found: Finding, subnet: SubnetSnapshot, *, ports: list[int]) -> Change | None:
    if found.state is not ComplianceState.NON_COMPLIANT:
        return None
    return planned(ABOUT, _inquiry(subnet, ports), _box(subnet, ports))


def suggest(found: Finding, subnet: SubnetSnapshot) -> tuple[Edit, ...]:
    """The guards against what surely passes, also where the rest depends on a tag."""
    if found.state is not ComplianceState.NON_COMPLIANT:
        return ()
    return suggestion(ABOUT, _inquiry(subnet, found.evidence["ports"]))


def assess(subnet: SubnetSnapshot, _baseline: SubnetSnapshot | None) -> Assessment:
    """Who comes in from the Internet is cut off, and only an appliance on the way could let them in."""
    return Assessment(safety=Safety.APPROVAL, notes=sharing_note(subnet))


def forbidden(subnet: SubnetSnapshot, *, ports: list[int]) -> SubnetTraffic:
    """From public addresses outside the subnet to PostgreSQL."""
    return SubnetTraffic(boxes=_box(subnet, ports) if delegated(subnet) else ())


def _inquiry(subnet: SubnetSnapshot, ports: list[int]) -> Inquiry:
    tags = _tags(subnet)
    return Inquiry(
        subnet=subnet,
        questions=into(subnet, read_side([INTERNET], tags), ports),
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
    return tuple(box for question in into(subnet, public, ports) for box in traffic_boxes(question))


POLICY: Policy[SubnetSnapshot] = Policy(
    id=ABOUT.policy,
    title="An NSG lets the Internet in to PostgreSQL",
    kind=Kind.TIGHTENING,
    targets=frozenset({TargetKind.SUBNET}),
    severity=Severity.HIGH,
    safety=Safety.APPROVAL,
    reads=frozenset({Aspect.SUBNET, Aspect.SECURITY_GROUP}),
    permissions=(*READS, *WRITES),
    controls=(),
    evaluate=evaluate,
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
