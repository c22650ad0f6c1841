"""NSG or route that cuts a PostgreSQL server off from its replica in another subnet.

*What it finds.* A subnet delegated to ``Microsoft.DBforPostgreSQL/flexibleServers`` with a server that
replicates with one in another subnet, and whose NSG denies what the two need of it: TCP 5432 from the
other subnet and to it, and TCP 443 outbound to Azure Storage of both regions. The other server, its region
and the prefixes of its subnet are read; what cannot be read is unknown. The same where the route table
loses it: a route for the other subnet, or for Storage of the other region, that leads to ``None``; whether an
appliance or a gateway lets the pair through is unknown. Only this subnet's own NSG and routes are judged: the
other one is judged as itself.

*Why it matters.* The replica falls behind, and the primary keeps its write-ahead log until the disk is
full. At the moment when the region is lost, the copy that was kept for it is old or useless.

*What the change does.* Adds allow rules for what is denied and nothing else, ahead of the lowest rule that
denies: from and to the prefixes of the other subnet, port 5432, and outbound to the tag ``Storage``, port
443. A route is its owner's: the alert tells what mends it.

*What it may break.* Nothing that passes now: it only adds. It asks for approval, because two networks are
opened to each other, and a pair may have been cut on purpose before a replica is promoted or deleted.

*References.* Private access networking of Azure Database for PostgreSQL (replicas across regions: 5432 both
ways, Storage of both regions); Virtual network service tags; Virtual network traffic routing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from shared.model import (
    Aspect,
    Change,
    ComplianceState,
    Edit,
    Finding,
    Json,
    Kind,
    Safety,
    SecurityRule,
    Severity,
    SubnetSnapshot,
)
from shared.model.networks import ReplicaPartner
from shared.nsg import NoFix, traffic_boxes
from shared.posture.client_questions import between_replicas
from shared.posture.controls import MCSB
from shared.posture.findings import Judged, beside_the_point, compliant, drifted, is_drift, unknown
from shared.posture.need_verdicts import beside_routes, can_be_asked, denied_by_group, is_lost, passes_group
from shared.posture.needs import Need, replication, storage, storages
from shared.posture.policy import SUBNETS, Policy, without_caution
from shared.posture.service_questions import STORAGE, Service, letting_pass, service_box
from shared.posture.subnet_answers import ask, wrong_ones
from shared.posture.subnet_facts import delegated, partners, partners_unknown
from shared.posture.subnet_questions import About, settled_without_group
from shared.posture.subnet_rules import RULE_EDITS, adding, additions, puts, with_added
from shared.posture.subnet_verdicts import group_finding
from shared.posture.traffic import SubnetTraffic

ABOUT: Final = About(
    policy="nsg-blocks-postgres-replicas", severity=Severity.HIGH, rule_name="driftward-replicas"
)


def evaluate(subnet: SubnetSnapshot) -> Finding:
    replicating, missing = partners(subnet), partners_unknown(subnet)
    found = _settled(subnet, missing)
    if found and not (replicating and can_be_asked(subnet)):
        applies = delegated(subnet) and bool(replicating or missing)
        return replace(group_finding(ABOUT, subnet, found), applies=applies)
    if not replicating:
        alone = "no server in the subnet replicates with one in another subnet"
        return group_finding(ABOUT, subnet, unknown(missing) if missing else beside_the_point(alone))
    needed = (replication(ABOUT, subnet), *storages(ABOUT, subnet))
    judged = _by_group(subnet, found, needed, missing)
    told = replace(judged, evidence={**judged.evidence, "partners": list(map(_shown, replicating))})
    return beside_routes(told, subnet, filter(partial(_is_ours, subnet), needed))


def _settled(subnet: SubnetSnapshot, missing: str) -> Judged | None:
    """Without an NSG everything passes; not all of it may get there by the routes, whomever it is for."""
    found = settled_without_group(subnet)
    open_ones = missing and subnet.route_table_id is not None and can_be_asked(subnet)
    return unknown(missing) if found and open_ones and found.state is ComplianceState.COMPLIANT else found


def _is_ours(subnet: SubnetSnapshot, need: Need) -> bool:
    """The way to Storage of its own region is judged by nsg-blocks-storage-outbound."""
    return need != storage(ABOUT, subnet, subnet.location)


def _by_group(subnet: SubnetSnapshot, found: Judged | None, needed: Sequence[Need], missing: str) -> Finding:
    if found:
        return group_finding(ABOUT, subnet, found)
    return _joined(subnet, [passes_group(need, subnet) for need in needed], missing)


def plan(found: Finding, subnet: SubnetSnapshot) -> Change | None:
    """Rules after which everything passes; None where they are not enough, or not everything is known."""
    if not is_drift(found) or is_lost(found):
        return None
    rules = _rules(subnet)
    if rules is None or not evaluate(with_added(subnet, rules)).nothing_surely_wrong:
        return None
    return adding(ABOUT, subnet, rules, forbidden(subnet).boxes)


def suggest(found: Finding, subnet: SubnetSnapshot) -> tuple[Edit, ...]:
    """The same rules for people, where a route loses the rest."""
    group = subnet.security_group
    if group is None or not is_lost(found) or not denied_by_group(found):
        return ()
    return puts(group, _rules(subnet) or ())


def forbidden(subnet: SubnetSnapshot) -> SubnetTraffic:
    """The packets that must pass, and those among which Storage's are."""
    if not delegated(subnet) or not partners(subnet):
        return SubnetTraffic()
    questions = between_replicas(subnet).questions
    boxes = (box for question in questions for box in traffic_boxes(question))
    return SubnetTraffic(boxes=(*boxes, *service_box(subnet)))


# --- what is asked ---------------------------------------------------------------------------------


def _shown(partner: ReplicaPartner) -> Json:
    return {
        "server": str(partner.server),
        "location": partner.location,
        "subnet": str(partner.subnet),
        "prefixes": list(map(str, partner.prefixes)),
    }


def _joined(subnet: SubnetSnapshot, parts: Sequence[Finding], missing: str) -> Finding:
    """One finding of several: drift where one is, unknown where one is or something was not read."""
    wrong = [part for part in parts if is_drift(part)]
    open_ones = [part.reason for part in parts if part.state is ComplianceState.UNKNOWN]
    judged = compliant(f"{parts[0].reason}, and so does Storage of both regions")
    if wrong:
        told_apart = "; ".join(dict.fromkeys(part.fingerprint for part in wrong))
        judged = drifted("; ".join(part.reason for part in wrong), told_apart)
    elif open_ones or missing:
        judged = unknown("; ".join([*open_ones, *([missing] if missing else [])]))
    evidence = {
        **parts[0].evidence,
        "directions": [one for part in parts for one in part.evidence.get("directions", ())],
        "caveats": list(dict.fromkeys(caveat for part in parts for caveat in part.evidence["caveats"])),
        "noFixReason": _why_no_fix(wrong, missing),
    }
    return replace(group_finding(ABOUT, subnet, judged), evidence=evidence)


def _why_no_fix(wrong: Sequence[Finding], missing: str) -> str | None:
    if wrong and missing:
        return f"not everything is known: {missing}"
    return next((why for part in wrong if (why := part.evidence["noFixReason"])), None)


# --- what is done ----------------------------------------------------------------------------------


def _rules(subnet: SubnetSnapshot) -> list[SecurityRule] | None:
    """The rules for the pair, and behind them one for Storage where that is still not sure to pass."""
    between = between_replicas(subnet)
    proposed = additions(ABOUT, between, wrong_ones(ask(between)))
    if isinstance(proposed, NoFix):
        return None
    rules = list(proposed.rules)
    with_pair = with_added(subnet, rules)
    for need in storages(ABOUT, with_pair):
        if passes_group(need, with_pair).state is not ComplianceState.COMPLIANT:
            storage = letting_pass(Service(about=ABOUT, tag=STORAGE, asked=STORAGE), with_pair)
            return None if isinstance(storage, NoFix) else [*rules, *storage.rules]
    return rules


POLICY: Policy[SubnetSnapshot] = Policy(
    id=ABOUT.policy,
    title="An NSG or a route cuts a PostgreSQL server off from its replica",
    kind=Kind.CONNECTIVITY,
    targets=SUBNETS,
    severity=ABOUT.severity,
    safety=Safety.APPROVAL,
    reads=frozenset(
        {Aspect.SUBNET, Aspect.SECURITY_GROUP, Aspect.SUBNET_SERVERS, Aspect.SUBNET_REPLICAS}
        | {Aspect.ROUTES, Aspect.VIRTUAL_NETWORK}
    ),
    edits=RULE_EDITS,
    controls=(MCSB.NS_1,),
    evaluate=evaluate,
    plan=plan,
    assess=without_caution,
    forbidden=forbidden,
    suggest=suggest,
    opt_in=True,
    order=54,
    why="The replica falls behind until it is useless, and the primary's disk fills with log kept for it.",
)
