"""NSG that keeps the servers of its subnet from Azure Storage.

*What it finds.* A subnet delegated to ``Microsoft.DBforPostgreSQL/flexibleServers`` whose NSG denies TCP 443
outbound to the service tag ``Storage`` of the subnet's region. A rule for the region's tag, for ``Storage``,
for ``Internet`` or for everything lets it pass, and so do the default rules: Azure documents that
``Internet`` holds its own public ranges. What these rules leave open is unknown: whether ``VirtualNetwork``
holds Storage, as it may where a route for everything is in use; whether listed addresses, another region or
``AzureCloud`` are what this region's Storage uses. Only IPv4 is asked about.

*Why it matters.* A flexible server archives its write-ahead log and its backups to Azure Storage, outbound
through the subnet's NSG. Cut off, log piles up on its disk, and there is nothing to restore from.

*What the change does.* Adds one outbound allow rule from the subnet's own prefixes to the tag ``Storage``,
TCP 443, ahead of every rule that may deny it. No rule is edited, moved or put back.

*What it may break.* Nothing that passes now. The tag holds the accounts of every customer, so whoever
counts on the NSG against copying data out will want to narrow the rule to the region by hand.

*References.* Private access networking of Azure Database for PostgreSQL (destination tag Storage, TCP 443,
may be narrowed to the region); Virtual network service tags. No framework states this requirement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from shared.model import (
    Aspect,
    Change,
    ComplianceState,
    Direction,
    Finding,
    Kind,
    Safety,
    Severity,
    SubnetSnapshot,
    TargetKind,
    TrafficBox,
)
from shared.nsg import (
    PUBLIC_ADDRESSES,
    WHOLE,
    Family,
    Fix,
    NoFix,
    Outcome,
    Question,
    Side,
    Spans,
    State,
    Tags,
    common,
    difference,
    minus,
    read_side,
    spans_of,
    traffic_boxes,
    union,
)
from shared.nsg.published_tags import PUBLISHED_TAGS
from shared.policy import Assessment, Policy
from shared.subnet_questions import (
    READS,
    WRITES,
    About,
    Answer,
    Inquiry,
    adding,
    additions,
    another_group_note,
    ask,
    delegated,
    finding,
    own_addresses,
    ports_of,
    settled_without_group,
    sharing_note,
)
from shared.subnet_questions import evaluate as evaluated
from shared.traffic import SubnetTraffic

ABOUT: Final = About(
    policy="nsg-blocks-storage-outbound", severity=Severity.HIGH, rule_name="driftward-storage"
)
STORAGE: Final = "Storage"
HTTPS: Final = (443,)
OTHER_SERVICES: Final = frozenset(name.lower() for name in PUBLISHED_TAGS) - {
    "storage",
    "azurecloud",
    "internet",
    "virtualnetwork",
    "azureloadbalancer",
}
PUBLIC: Final[Spans] = common(PUBLIC_ADDRESSES, WHOLE[Family.IPV4])


def evaluate(subnet: SubnetSnapshot) -> Finding:
    """Compliant is what passes whatever the open sets hold; drift, what is cut wherever Storage lies."""
    if found := settled_without_group(subnet):
        return finding(ABOUT, subnet, *found)
    if Family.IPV4 not in own_addresses(subnet):
        return finding(ABOUT, subnet, ComplianceState.UNKNOWN, "the subnet has no IPv4 prefix")
    judged = evaluated(ABOUT, _inquiry(subnet, regional_tag(subnet)))
    if judged.state is ComplianceState.COMPLIANT or not judged.evidence.get("directions"):
        return judged
    apart = _apart(_inquiry(subnet, regional_tag(subnet)))
    cut = evaluated(ABOUT, apart)
    if cut.state is not ComplianceState.NON_COMPLIANT:
        return judged
    if _is_certain(apart):
        return replace(cut, evidence={**cut.evidence, "noFixReason": _why_no_fix(subnet)})
    said = cut.reason.replace(" is partly denied by ", " may be denied by ")
    reason = f"{said}: that depends on the addresses that {regional_tag(subnet)} holds"
    return replace(finding(ABOUT, subnet, ComplianceState.UNKNOWN, reason), evidence=cut.evidence)


def plan(found: Finding, subnet: SubnetSnapshot) -> Change | None:
    if found.state is not ComplianceState.NON_COMPLIANT:
        return None
    proposed = _additions(subnet)
    if isinstance(proposed, NoFix):
        return None
    return adding(ABOUT, subnet, proposed.rules, _box(subnet))


def assess(subnet: SubnetSnapshot, baseline: SubnetSnapshot | None) -> Assessment:
    """Letting servers reach Storage cuts nobody off."""
    return Assessment(notes=(*sharing_note(subnet), *another_group_note(subnet, baseline)))


def forbidden(subnet: SubnetSnapshot) -> SubnetTraffic:
    """What must pass lies in here: which public addresses are Storage is not known."""
    return SubnetTraffic(boxes=_box(subnet) if delegated(subnet) else ())


def regional_tag(subnet: SubnetSnapshot) -> str:
    """``Storage.westeurope``; of an unknown region the whole tag, which asks for more."""
    region = subnet.location.replace(" ", "").lower()
    return f"{STORAGE}.{region}" if region else STORAGE


def _inquiry(subnet: SubnetSnapshot, tag: str) -> Inquiry:
    tags = _tags(subnet)
    question = Question(
        direction=Direction.OUTBOUND,
        source=Side(own_addresses(subnet).get(Family.IPV4, ())),
        destination=read_side([tag], tags),
        ports=ports_of(HTTPS),
    )
    questions = (question,) if question.source.addresses else ()
    return Inquiry(subnet=subnet, questions=questions, tags=tags, holds=f"tcp/443 to {tag} passes outbound")


def _tags(subnet: SubnetSnapshot) -> Tags:
    """What makes the question exact for packets to Storage; of other packets it says nothing.

    Storage is public, outside the subnet, and Internet holds all of it. ``VirtualNetwork`` stays open:
    compliant is only what passes whether or not it holds Storage.
    """
    inside = spans_of(subnet.prefixes)
    known: Mapping[str, Spans] = {
        **Tags().closed,
        "internet": minus(PUBLIC_ADDRESSES, inside),
        "storage": minus(PUBLIC, inside),
    }
    return Tags(closed=MappingProxyType(known), vnet=inside)


def _apart(inquiry: Inquiry) -> Inquiry:
    """The same, of a Storage address that is in no other service's tag: no service holds all of Storage.

    Other regions of Storage stay open, for a region may have two spellings, and so does ``AzureCloud``,
    which holds all services.
    """
    group = inquiry.subnet.security_group
    rules = group.rules if group else ()
    named = {text.strip().lower() for rule in rules for text in (*rule.sources, *rule.destinations)}
    apart = {key: () for key in named if key.partition(".")[0] in OTHER_SERVICES}
    tags = replace(inquiry.tags, closed=MappingProxyType({**inquiry.tags.closed, **apart}))
    return replace(inquiry, tags=tags)


def _additions(subnet: SubnetSnapshot) -> Fix | NoFix:
    """Rules after which all of Storage passes, in every region and whatever the open sets hold."""
    inquiry = _inquiry(subnet, STORAGE)
    return additions(ABOUT, inquiry, ask(inquiry))


def _why_no_fix(subnet: SubnetSnapshot) -> str | None:
    proposed = _additions(subnet)
    return proposed.reason if isinstance(proposed, NoFix) else None


def _is_certain(inquiry: Inquiry) -> bool:
    """Whether something is denied wherever Storage lies: for each address it could have, from somewhere."""
    return all(_denied_everywhere(inquiry, answer) for answer in ask(inquiry))


def _denied_everywhere(inquiry: Inquiry, answer: Answer) -> bool:
    if answer.verdict.state is State.DENIED:
        return True
    against_none = difference(inquiry.subnet.security_group, None, [answer.question], inquiry.tags)
    denied = union(
        span for part in against_none.parts if part.before is Outcome.DENIED for span in part.box.destinations
    )
    destination = answer.question.destination
    return not minus(inquiry.tags.reach(destination.addresses, destination.sets), denied)


def _box(subnet: SubnetSnapshot) -> tuple[TrafficBox, ...]:
    """From the subnet to every public address, which is the least that surely holds Storage."""
    question = Question(
        direction=Direction.OUTBOUND,
        source=Side(own_addresses(subnet).get(Family.IPV4, ())),
        destination=Side(PUBLIC),
        ports=ports_of(HTTPS),
    )
    return traffic_boxes(question)


POLICY: Policy[SubnetSnapshot] = Policy(
    id=ABOUT.policy,
    title="An NSG blocks Azure Storage outbound from a PostgreSQL subnet",
    kind=Kind.CONNECTIVITY,
    targets=frozenset({TargetKind.SUBNET}),
    severity=ABOUT.severity,
    safety=Safety.AUTO,
    reads=frozenset({Aspect.SUBNET, Aspect.SECURITY_GROUP}),
    permissions=(*READS, *WRITES),
    controls=(),
    evaluate=evaluate,
    plan=plan,
    assess=assess,
    forbidden=forbidden,
    order=51,
    why=(
        "The servers of this subnet cannot archive their write-ahead log and backups: the disk fills up "
        "and a restore to a point in time is lost."
    ),
)
