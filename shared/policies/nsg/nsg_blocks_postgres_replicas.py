"""NSG that cuts a PostgreSQL server off from its replica in another subnet.

*What it finds.* A subnet delegated to ``Microsoft.DBforPostgreSQL/flexibleServers`` with a server that
replicates with one in another subnet, and whose NSG denies what the two need of it: TCP 5432 from the other
subnet and to it, and TCP 443 outbound to Azure Storage of both regions. The other server, its region and
the prefixes of its subnet are read; what cannot be read is unknown. Only this subnet's own NSG is judged:
the other subnet is judged as itself.

*Why it matters.* The replica falls behind, and the primary keeps its write-ahead log until the disk is
full. At the moment when the region is lost, the copy that was kept for it is old or useless.

*What the change does.* Adds allow rules for what is denied and nothing else, ahead of the lowest rule that
denies: from and to the prefixes of the other subnet, port 5432, and outbound to the tag ``Storage``, port
443.

*What it may break.* Nothing that passes now: it only adds. It asks for approval, because two networks are
opened to each other, and a pair may have been cut on purpose before a replica is promoted or deleted.

*References.* Private access networking of Azure Database for PostgreSQL (replicas across regions: 5432 both
ways, Storage of both regions); Virtual network service tags. MCSB v1 NS-1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from shared.model import (
    Aspect,
    Change,
    ComplianceState,
    Finding,
    Json,
    Kind,
    Safety,
    SecurityRule,
    Severity,
    SubnetSnapshot,
    TargetKind,
)
from shared.model.parts import ReplicaPartner
from shared.nsg import NoFix, traffic_boxes, with_rules
from shared.posture.client_questions import between_replicas
from shared.posture.policy import Assessment, Control, Policy
from shared.posture.service_questions import judge, letting_pass, service_box, storages
from shared.posture.subnet_facts import REPLICA_READS, SERVER_READS, delegated, partners, partners_unknown
from shared.posture.subnet_questions import (
    READS,
    WRITES,
    About,
    adding,
    additions,
    another_group_note,
    ask,
    finding,
    settled_without_group,
    sharing_note,
    wrong_ones,
)
from shared.posture.subnet_questions import evaluate as evaluated
from shared.posture.traffic import SubnetTraffic

ABOUT: Final = About(
    policy="nsg-blocks-postgres-replicas", severity=Severity.HIGH, rule_name="driftward-replicas"
)


def evaluate(subnet: SubnetSnapshot) -> Finding:
    replicating, missing = partners(subnet), partners_unknown(subnet)
    if found := settled_without_group(subnet):
        applies = delegated(subnet) and bool(replicating or missing)
        return replace(finding(ABOUT, subnet, *found), applies=applies)
    if not replicating:
        alone = "no server in the subnet replicates with one in another subnet"
        state = ComplianceState.UNKNOWN if missing else ComplianceState.COMPLIANT
        return replace(finding(ABOUT, subnet, state, missing or alone), applies=bool(missing))
    judged = _joined(
        subnet, [evaluated(ABOUT, between_replicas(subnet)), *_storage_findings(subnet)], missing
    )
    return replace(judged, evidence={**judged.evidence, "partners": list(map(_shown, replicating))})


def plan(found: Finding, subnet: SubnetSnapshot) -> Change | None:
    """Rules after which everything passes; None where they are not enough, or not everything is known."""
    if found.state is not ComplianceState.NON_COMPLIANT:
        return None
    rules = _rules(subnet)
    if rules is None or evaluate(_with(subnet, rules)).state is not ComplianceState.COMPLIANT:
        return None
    return adding(ABOUT, subnet, rules, forbidden(subnet).boxes)


def assess(subnet: SubnetSnapshot, baseline: SubnetSnapshot | None) -> Assessment:
    """Letting a pair replicate cuts nobody off."""
    return Assessment(notes=(*sharing_note(subnet), *another_group_note(subnet, baseline)))


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


def _storage_findings(subnet: SubnetSnapshot) -> list[Finding]:
    return [judge(service, subnet) for service in storages(ABOUT, subnet)]


def _joined(subnet: SubnetSnapshot, parts: Sequence[Finding], missing: str) -> Finding:
    """One finding of several: drift where one is, unknown where one is or something was not read."""
    wrong = [part for part in parts if part.state is ComplianceState.NON_COMPLIANT]
    open_ones = [part for part in parts if part.state is ComplianceState.UNKNOWN]
    state, reason = ComplianceState.COMPLIANT, f"{parts[0].reason}, and so does Storage of both regions"
    if wrong:
        state, reason = ComplianceState.NON_COMPLIANT, "; ".join(part.reason for part in wrong)
    elif open_ones or missing:
        reasons = [*(part.reason for part in open_ones), *([missing] if missing else [])]
        state, reason = ComplianceState.UNKNOWN, "; ".join(reasons)
    caveats = dict.fromkeys(caveat for part in parts for caveat in part.evidence["caveats"])
    evidence = {
        **parts[0].evidence,
        "directions": [one for part in parts for one in part.evidence.get("directions", ())],
        "caveats": list(caveats),
        "noFixReason": _why_no_fix(wrong, missing),
    }
    fingerprint = "; ".join(dict.fromkeys(part.fingerprint for part in wrong))
    return replace(finding(ABOUT, subnet, state, reason), evidence=evidence, fingerprint=fingerprint)


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
    with_pair = _with(subnet, rules)
    for service in storages(ABOUT, with_pair):
        if judge(service, with_pair).state is not ComplianceState.COMPLIANT:
            storage = letting_pass(service, with_pair)
            return None if isinstance(storage, NoFix) else [*rules, *storage.rules]
    return rules


def _with(subnet: SubnetSnapshot, rules: Sequence[SecurityRule]) -> SubnetSnapshot:
    group = subnet.security_group
    return subnet if group is None else replace(subnet, security_group=with_rules(group, rules))


POLICY: Policy[SubnetSnapshot] = Policy(
    id=ABOUT.policy,
    title="An NSG cuts a PostgreSQL server off from its replica",
    kind=Kind.CONNECTIVITY,
    targets=frozenset({TargetKind.SUBNET}),
    severity=ABOUT.severity,
    safety=Safety.APPROVAL,
    reads=frozenset({Aspect.SUBNET, Aspect.SECURITY_GROUP, Aspect.SUBNET_SERVERS, Aspect.SUBNET_REPLICAS}),
    permissions=(*READS, *WRITES, *SERVER_READS, *REPLICA_READS),
    controls=(
        Control(framework="MCSB", version="v1", id="NS-1", title="Establish network segmentation boundaries"),
    ),
    evaluate=evaluate,
    plan=plan,
    assess=assess,
    forbidden=forbidden,
    opt_in=True,
    order=54,
    why="The replica falls behind until it is useless, and the primary's disk fills with log kept for it.",
)
