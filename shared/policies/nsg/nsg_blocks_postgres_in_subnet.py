"""NSG that blocks PostgreSQL inside the subnet of its own servers.

*What it finds.* A subnet delegated to ``Microsoft.DBforPostgreSQL/flexibleServers`` whose NSG denies TCP
on the ports (5432 and 6432) from the subnet to itself, inbound or outbound, for any pair of its
addresses. The rules are evaluated as Azure does, first match by priority with the default rules behind
them; a packet that depends on an unknown tag or an application security group is unknown, not denied. Where
6432 alone is denied, and every server was read and has neither high availability nor PgBouncer, that is
advice.

*Why it matters.* The primary, the standby and PgBouncer of a flexible server talk to each other inside
the subnet and pass its NSG twice: outbound at the sender, inbound at the receiver. A "deny everything"
behind an allow for the application's subnet looks strict and stops high availability and failover.

*What the change does.* Adds one allow rule per blocked direction and address family, for the subnet's
own prefixes and the ports alone, directly ahead of the lowest rule that denies. Where allow rules of the
last compliant reading are gone or were changed, and putting them back lets this traffic pass and no other,
they are restored instead. Else no rule is edited, and none is ever moved or removed. With no free priority
there, or when the rest of the traffic depends on a tag, nothing is changed and the alert says what to do
by hand.

*What it may break.* Nothing that passes now: it only adds. It asks for approval where the NSG is not the one
of the last compliant reading, or others have it whom the rules name, or may name for all that is known.
What an NSG does not show is not judged: admin rules of Virtual Network Manager,
and routes, which postgres-subnet-routed-through-appliance judges.

*References.* Private access networking of Azure Database for PostgreSQL (5432 within the subnet); its
major version upgrades (5432 and 6432); Network security groups, how they filter traffic. No framework
among the project's controls states this requirement.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from shared.model import (
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
from shared.nsg import traffic_boxes
from shared.posture.findings import is_drift
from shared.posture.needs import to_itself
from shared.posture.policy import SUBNETS, Parameter, Policy, without_caution
from shared.posture.pooled_port import RECOMMENDED, as_advice, whether_6432_matters
from shared.posture.subnet_answers import ask
from shared.posture.subnet_facts import PGBOUNCER_PORT, POSTGRES_PORT, delegated
from shared.posture.subnet_questions import About, Inquiry, check_ports, settled_without_group
from shared.posture.subnet_restoring import restorations
from shared.posture.subnet_rules import RULE_EDITS, inquiry_change, inquiry_suggestion
from shared.posture.subnet_verdicts import group_finding, inquiry_finding
from shared.posture.traffic import SubnetTraffic

ABOUT: Final = About(policy="nsg-blocks-postgres-in-subnet", severity=Severity.HIGH)


def evaluate(subnet: SubnetSnapshot, *, ports: list[int]) -> Finding:
    if found := settled_without_group(subnet):
        return group_finding(ABOUT, subnet, found)
    judged = inquiry_finding(ABOUT, to_itself(subnet, ports))
    matters = whether_6432_matters(subnet.servers)
    more = {"ports": sorted(set(ports)), "whether6432Matters": matters}
    told = replace(judged, evidence={**judged.evidence, **more})
    return as_advice(told, unneeded=matters["port6432"] == RECOMMENDED)


def plan(found: Finding, subnet: SubnetSnapshot, *, ports: list[int]) -> Change | None:
    if not is_drift(found):
        return None
    inquiry = to_itself(subnet, ports)
    return inquiry_change(ABOUT, inquiry, _box(inquiry))


def restore(
    found: Finding, subnet: SubnetSnapshot, baseline: SubnetSnapshot, *, ports: list[int]
) -> tuple[Change, ...]:
    """Changes that put back allow rules of the baseline."""
    if not is_drift(found):
        return ()
    inquiry = to_itself(subnet, ports)
    return restorations(ABOUT, inquiry, baseline, _box(inquiry))


def suggest(found: Finding, subnet: SubnetSnapshot) -> tuple[Edit, ...]:
    """The rules for what is surely denied, also where the rest depends on a tag and nothing is planned."""
    if not is_drift(found):
        return ()
    return inquiry_suggestion(ABOUT, to_itself(subnet, found.evidence["ports"]))


def forbidden(subnet: SubnetSnapshot, *, ports: list[int]) -> SubnetTraffic:
    """The packets that must pass."""
    if not delegated(subnet):
        return SubnetTraffic()
    questions = to_itself(subnet, ports).questions
    return SubnetTraffic(boxes=tuple(box for question in questions for box in traffic_boxes(question)))


def _box(inquiry: Inquiry) -> tuple[TrafficBox, ...]:
    """The blocked directions and families, whole."""
    blocked = [answer.question for answer in ask(inquiry) if answer.wrong_ports]
    return tuple(box for question in blocked for box in traffic_boxes(question))


POLICY: Policy[SubnetSnapshot] = Policy(
    id=ABOUT.policy,
    title="An NSG blocks PostgreSQL inside its own subnet",
    kind=Kind.CONNECTIVITY,
    targets=SUBNETS,
    severity=ABOUT.severity,
    safety=Safety.AUTO,
    reads=frozenset({Aspect.SUBNET, Aspect.SECURITY_GROUP, Aspect.SUBNET_SERVERS}),
    edits=RULE_EDITS,
    evaluate=evaluate,
    plan=plan,
    restore=restore,
    assess=without_caution,
    forbidden=forbidden,
    suggest=suggest,
    parameters=(
        Parameter(
            name="ports",
            default=[POSTGRES_PORT, PGBOUNCER_PORT],
            description="TCP ports that must pass from the subnet to itself.",
            check=check_ports,
        ),
    ),
    order=50,
    why="Primary, standby and PgBouncer cannot reach each other: high availability and failover of the "
    "servers in this subnet stop working.",
)
