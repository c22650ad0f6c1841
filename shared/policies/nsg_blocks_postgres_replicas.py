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
from shared.nsg import NoFix, Tags, spans_of, traffic_boxes, with_rules
from shared.policy import Assessment, Control, Policy
from shared.readings import ReplicaPartner
from shared.service_questions import Service, in_region, judge, letting_pass, service_box
from shared.subnet_facts import POSTGRES_PORT, SERVER_READS, delegated
from shared.subnet_questions import (
    READS,
    WRITES,
    About,
    Inquiry,
    adding,
    additions,
    another_group_note,
    ask,
    finding,
    from_networks,
    settled_without_group,
    sharing_note,
    to_networks,
    wrong_ones,
)
from shared.subnet_questions import evaluate as evaluated
from shared.traffic import SubnetTraffic
from shared.unread import unread_reason

ABOUT: Final = About(
    policy="nsg-blocks-postgres-replicas", severity=Severity.HIGH, rule_name="driftward-replicas"
)
STORAGE: Final = "Storage"


def evaluate(subnet: SubnetSnapshot) -> Finding:
    partners, missing = _partners(subnet), _missing(subnet)
    if found := settled_without_group(subnet):
        applies = delegated(subnet) and bool(partners or missing)
        return replace(finding(ABOUT, subnet, *found), applies=applies)
    if not partners:
        alone = "no server in the subnet replicates with one in another subnet"
        state = ComplianceState.UNKNOWN if missing else ComplianceState.COMPLIANT
        return replace(finding(ABOUT, subnet, state, missing or alone), applies=bool(missing))
    judged = _joined(subnet, [evaluated(ABOUT, _between(subnet)), *_storage_findings(subnet)], missing)
    return replace(judged, evidence={**judged.evidence, "partners": list(map(_shown, partners))})


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
    if not delegated(subnet) or not _partners(subnet):
        return SubnetTraffic()
    questions = _between(subnet).questions
    boxes = (box for question in questions for box in traffic_boxes(question))
    return SubnetTraffic(boxes=(*boxes, *service_box(subnet)))


# --- who replicates --------------------------------------------------------------------------------


def _partners(subnet: SubnetSnapshot) -> tuple[ReplicaPartner, ...]:
    """The servers in other subnets that those of this one replicate with, each once, in one order."""
    listed = (partner for server in subnet.servers or () for partner in server.partners or ())
    apart = {one.server: one for one in listed if one.subnet is not None and one.subnet != subnet.id}
    return tuple(apart[server] for server in sorted(apart))


def _missing(subnet: SubnetSnapshot) -> str:
    """What is not known of replicas, as a reason; ``""`` where everything is."""
    if subnet.servers is None:
        return unread_reason(subnet, Aspect.SUBNET_SERVERS)
    if any(server.partners is None for server in subnet.servers):
        return unread_reason(subnet, Aspect.SUBNET_REPLICAS)
    unplaced = [one.server.name for one in _partners(subnet) if not one.prefixes or not one.location]
    return f"the subnet or the region of {', '.join(unplaced)} could not be read" if unplaced else ""


def _shown(partner: ReplicaPartner) -> Json:
    return {
        "server": str(partner.server),
        "location": partner.location,
        "subnet": str(partner.subnet),
        "prefixes": list(map(str, partner.prefixes)),
    }


# --- what is asked ---------------------------------------------------------------------------------


def _between(subnet: SubnetSnapshot) -> Inquiry:
    """Port 5432 from and to the other subnets.

    Packets between the two travel through peerings or a gateway, and ``VirtualNetwork`` holds what those
    connect (service tags overview): so both ends are known to lie in it.
    """
    others = sorted({prefix for partner in _partners(subnet) for prefix in partner.prefixes}, key=str)
    ports = (POSTGRES_PORT,)
    return Inquiry(
        subnet=subnet,
        questions=(*from_networks(subnet, others, ports), *to_networks(subnet, others, ports)),
        tags=Tags(vnet=spans_of([*subnet.prefixes, *others])),
        holds=f"replication with {', '.join(map(str, others))} passes, and Storage of both regions",
    )


def _storages(subnet: SubnetSnapshot) -> list[Service]:
    """Storage of this region and of the partners'."""
    regions = {subnet.location, *(partner.location for partner in _partners(subnet))}
    asked = sorted({in_region(STORAGE, region) for region in regions})
    return [Service(about=ABOUT, tag=STORAGE, asked=tag) for tag in asked]


def _storage_findings(subnet: SubnetSnapshot) -> list[Finding]:
    return [judge(service, subnet) for service in _storages(subnet)]


def _joined(subnet: SubnetSnapshot, parts: Sequence[Finding], missing: str) -> Finding:
    """One finding of several: drift where one is, unknown where one is or something was not read."""
    wrong = [part for part in parts if part.state is ComplianceState.NON_COMPLIANT]
    open_ones = [part for part in parts if part.state is ComplianceState.UNKNOWN]
    state, reason = ComplianceState.COMPLIANT, parts[0].reason
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
    between = _between(subnet)
    proposed = additions(ABOUT, between, wrong_ones(ask(between)))
    if isinstance(proposed, NoFix):
        return None
    rules = list(proposed.rules)
    with_pair = _with(subnet, rules)
    for service in _storages(with_pair):
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
    permissions=(
        *READS,
        *WRITES,
        *SERVER_READS,
        "Microsoft.DBforPostgreSQL/flexibleServers/replicas/read",
    ),
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
