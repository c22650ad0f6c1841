"""NSG of a PostgreSQL subnet that leaves the last word to the default rules.

*What it finds.* A subnet delegated to ``Microsoft.DBforPostgreSQL/flexibleServers`` whose NSG's default
rules let the virtual network at large in on the PostgreSQL ports (7432 and 8432 as well where a server is an
elastic cluster), or the servers out to the Internet: no custom rule denies the rest. What the default rules
let through is found by setting the NSG against the same one with its default rules turned to deny.

*Why it matters.* The default rules allow everything from the virtual network, with all that is peered or
connected to it, and everything to the Internet: the ways by which an intruder comes in and data goes out.

*What the change does.* Nothing is changed; it is advice. The alert shows the rules of a lock-down: an
allow for each thing that the policies about cut connections ask for, and then, behind it, a final deny.
Who makes them in this order has cut nobody off wherever they stop, and the alert stays until the last.
Outbound that is the subnet itself, Azure Storage (of the partners' regions too), Microsoft Entra ID where
a server has sign-in with it on, Azure Key Vault where one is encrypted with a customer's key (and Entra
ID, on which that tag depends), port 5432 to replicas in other subnets, and DNS to the servers that the
network names as its own: no article says that the service asks them, and none that it does not. Inbound,
where the parameter ``clients`` declares some, it is these, the subnet itself and the same replicas; where
it declares none, the alert says to declare them, shows the outbound half alone, and stays. 6432, 7432 and
8432 are among the ports where a server listens there. What could not be read of a server counts as needed.
The rules are shown only when each of those questions, asked again of the NSG with them, is surely answered
with yes; where a replica's network, or who answers for names, is not known there are none, and the
evidence says for what the rules are proved, or why there are none. Custom rules keep their word, but for a
deny of what must pass: the allow stands ahead of it. No rule is edited, moved or removed.

*What it may break.* The final denies cut off whatever only the default rules let through and nobody
declared: clients, jump hosts, monitoring, servers that Resource Graph does not show to us.

*References.* Private access networking of Azure Database for PostgreSQL (within the subnet, Storage, Entra
ID, replicas); Network security groups, how they filter traffic (default rules); MCSB v1 NS-1 (deny by
default, permit by exception).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from shared.model import Aspect, Direction, Edit, Finding, Json, Kind, Severity, SubnetSnapshot
from shared.nsg import Changed, NsgError, Outcome, traffic_boxes
from shared.posture.client_questions import ports_here, with_clusters_in_mind
from shared.posture.controls import MCSB
from shared.posture.default_rules import at_large, left_to_defaults
from shared.posture.findings import Judged, compliant, drifted, is_drift, unknown, with_evidence
from shared.posture.lock_down import NO_CLIENTS, LockDown, lock_downs
from shared.posture.policy import SUBNETS, Parameter, Policy
from shared.posture.subnet_facts import PGBOUNCER_PORT, POSTGRES_PORT, delegated
from shared.posture.subnet_questions import About, check_ports, check_prefixes, settled_without_group, sharing
from shared.posture.subnet_rules import puts
from shared.posture.subnet_verdicts import group_finding, not_decided
from shared.posture.traffic import SubnetTraffic

ABOUT: Final = About(
    policy="nsg-without-final-deny", severity=Severity.INFORMATIONAL, rule_name="driftward-lock-down"
)
SAID: Final = {
    Direction.INBOUND: "inbound the virtual network at large is let in by default",
    Direction.OUTBOUND: "outbound the Internet is reached by default",
}

DECLARE: Final = (
    f"declare who may come in, as a list of prefixes: policies.{ABOUT.policy}.parameters.clients in "
    "policies.yaml; the inbound half of the lock-down is shown then, and until it is made the finding stays"
)


def evaluate(subnet: SubnetSnapshot, *, clients: list[str], ports: list[int]) -> Finding:
    if found := settled_without_group(subnet):
        has_group = subnet.security_group is not None
        return replace(group_finding(ABOUT, subnet, found), applies=delegated(subnet) and has_group)
    return with_clusters_in_mind(subnet, ports, partial(_asked, subnet, clients))


def _asked(subnet: SubnetSnapshot, clients: list[str], ports: list[int]) -> Finding:
    try:
        left = {direction: left_to_defaults(subnet, direction, ports) for direction in Direction}
    except NsgError as error:
        return group_finding(ABOUT, subnet, not_decided(error))
    sure = [direction for direction, parts in left.items() if any(map(_is_sure, parts))]
    steps = lock_downs(ABOUT, subnet, sure, clients, ports)
    facts = {
        "directions": list(map(str, sure)),
        "clients": clients,
        "ports": ports,
        "sharedWith": sharing(subnet),
        "lockDown": [_told(step) for step in steps],
    }
    judged = _judge(sure, [direction for direction, parts in left.items() if parts])
    first = tuple(_first(step) for step in steps if step.reason)
    return group_finding(ABOUT, subnet, with_evidence(replace(judged, what_to_do=first or ""), facts))


def suggest(found: Finding, subnet: SubnetSnapshot) -> tuple[Edit, ...]:
    """The lock-down of each direction without a final deny; nothing where that does not prove."""
    group = subnet.security_group
    if not is_drift(found) or group is None:
        return ()
    directions = list(map(Direction, found.evidence["directions"]))
    steps = lock_downs(ABOUT, subnet, directions, found.evidence["clients"], found.evidence["ports"])
    return puts(group, (rule for step in steps for rule in step.rules))


def forbidden(subnet: SubnetSnapshot, *, ports: list[int], **_settings: Json) -> SubnetTraffic:
    """What a final deny is for: others in on the ports, the servers out to public addresses."""
    if not delegated(subnet):
        return SubnetTraffic()
    asked = ports_here(subnet, ports)
    questions = [q for direction in Direction for q in at_large(subnet, direction, asked)]
    return SubnetTraffic(boxes=tuple(box for question in questions for box in traffic_boxes(question)))


def _is_sure(part: Changed) -> bool:
    return (part.before, part.after) == (Outcome.ALLOWED, Outcome.DENIED)


def _judge(sure: list[Direction], some: list[Direction]) -> Judged:
    if sure:
        return drifted("; ".join(SAID[direction] for direction in sure), "no final deny")
    if some:
        said = " and ".join(SAID[direction] for direction in some)
        return unknown(f"whether {said} depends on tags or groups that rules name")
    return compliant("custom rules have the last word, inbound and outbound")


def _first(step: LockDown) -> str:
    """What a person does first where no rules are shown."""
    if step.reason == NO_CLIENTS:
        return DECLARE
    return f"no {step.direction.lower()} rules are shown, and the finding stays without them: {step.reason}"


def _told(step: LockDown) -> Json:
    """For evidence: for what the rules shown are proved, or why none are shown."""
    depends = [f"{need.name}: {need.depends}" for need in step.needs if need.depends]
    return {
        "direction": str(step.direction),
        "provedFor": [need.name for need in step.needs],
        "noRulesReason": step.reason or None,
        **({"depends": depends} if depends else {}),
    }


POLICY: Policy[SubnetSnapshot] = Policy(
    id=ABOUT.policy,
    title="The NSG of a PostgreSQL subnet has no final deny",
    kind=Kind.TIGHTENING,
    targets=SUBNETS,
    severity=ABOUT.severity,
    reads=frozenset(
        {Aspect.SUBNET, Aspect.SECURITY_GROUP, Aspect.SUBNET_SERVERS, Aspect.SUBNET_REPLICAS}
        | {Aspect.VIRTUAL_NETWORK}
    ),
    controls=(MCSB.NS_1,),
    evaluate=evaluate,
    forbidden=forbidden,
    suggest=suggest,
    parameters=(
        Parameter(
            name="clients",
            default=[],
            description="Prefixes of the networks to let in; none: no inbound rules are shown.",
            check=check_prefixes,
        ),
        Parameter(
            name="ports",
            default=[POSTGRES_PORT, PGBOUNCER_PORT],
            description="TCP ports of PostgreSQL.",
            check=check_ports,
        ),
    ),
    order=63,
    why="What no rule names comes in from the whole virtual network, and goes out to the whole Internet.",
)
