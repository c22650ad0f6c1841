"""NSG that lets the Internet in to PostgreSQL.

*What it finds.* A subnet delegated to ``Microsoft.DBforPostgreSQL/flexibleServers`` whose NSG allows TCP on
the ports (5432 and 6432; 7432 and 8432 as well where a server is an elastic cluster) from addresses of the
service tag ``Internet``, which are the public ones outside the virtual network, or that has no NSG. The
same of a subnet with private endpoints of PostgreSQL servers, on their addresses and port 5432, where
network policies put its NSG in force for them. Public ranges of the network itself and of those peered with
it are not the Internet, nor are the prefixes of declared clients: ``clients`` is what
``nsg-blocks-postgres-clients`` declares unless it is set here. A range that a gateway connects is not in the
reading: declare it. While the network is not read, or a peering of it does not show what it joins, a public
prefix that a rule lists may be its own: unknown.

*Why it matters.* Neither a server in a delegated subnet nor a private endpoint has a public address, so the
exposure is latent today, and its severity Low: it becomes real with the first public path, an address
translation on an appliance or a migration of the server to public access.

*What the change does.* Adds one inbound deny rule per address family, from ``Internet`` (from its prefixes
without those of declared clients, where these are public) to the subnet's own prefixes, or the endpoints'
addresses, and the ports alone, directly ahead of the lowest rule that lets the Internet in. No rule is
edited, moved or removed. It asks for approval.

*What it may break.* Clients that come in from public addresses through an appliance that keeps their
address. Sessions that are open go on, unless the NSG's ``flushConnection`` is set.

*References.* Virtual network service tags (Internet); Network security groups, how they filter traffic;
PSRule for Azure AZR-000137 and CloudSploit openPostgreSQL, which look at a rule's text.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
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
    Kind,
    Safety,
    Severity,
    SubnetSnapshot,
    TrafficBox,
)
from shared.nsg import Side, minus, read_side, spans_of, traffic_boxes
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
from shared.posture.findings import is_drift, unknown
from shared.posture.former_group import with_former_group
from shared.posture.policy import SUBNETS, Assessment, Parameter, Policy
from shared.posture.subnet_facts import PGBOUNCER_PORT, POSTGRES_PORT
from shared.posture.subnet_questions import (
    About,
    Inquiry,
    check_ports,
    check_prefixes,
    internet_tags,
    into,
    may_be_own,
    networks,
    space_unread,
)
from shared.posture.subnet_rules import RULE_EDITS, inquiry_change, inquiry_suggestion
from shared.posture.subnet_verdicts import group_finding, inquiry_finding
from shared.posture.traffic import SubnetTraffic

ABOUT: Final = About(
    policy="nsg-exposes-postgres-to-internet", severity=Severity.LOW, rule_name="driftward-keep-out"
)
"""What is judged has no public path: servers in a delegated subnet, private endpoints."""
INTERNET: Final = "Internet"
LATENT: Final = "latent: neither servers in a delegated subnet nor private endpoints have a public address"


def evaluate(subnet: SubnetSnapshot, *, clients: list[str], ports: list[int]) -> Finding:
    if found := settled_at_databases(subnet):
        return replace(group_finding(ABOUT, subnet, found), applies=concerns(subnet))
    return with_clusters_in_mind(subnet, ports, partial(_asked, subnet, clients))


def _asked(subnet: SubnetSnapshot, clients: list[str], ports: list[int]) -> Finding:
    judged = inquiry_finding(ABOUT, _inquiry(subnet, networks(clients), ports))
    if is_drift(judged) and space_unread(subnet):
        judged = _whatever_is_its_own(judged, subnet, clients, ports)
    evidence = {**judged.evidence, "clients": clients, "ports": ports, "exposure": LATENT}
    return replace(judged, evidence=evidence, applies=concerns(subnet))


def _whatever_is_its_own(
    judged: Finding, subnet: SubnetSnapshot, clients: list[str], ports: list[int]
) -> Finding:
    """What is so even if the network, which was not wholly read, has the public prefixes that rules list."""
    surely = inquiry_finding(ABOUT, _inquiry(subnet, (*networks(clients), *may_be_own(subnet)), ports))
    if is_drift(surely):
        return surely
    its_own = f"unless these are addresses of the network itself: {space_unread(subnet)}"
    said = unknown(f"{judged.reason}, {its_own}")
    return replace(group_finding(ABOUT, subnet, said), evidence=judged.evidence)


def plan(found: Finding, subnet: SubnetSnapshot, *, clients: list[str], ports: list[int]) -> Change | None:
    if not is_drift(found):
        return None
    here = ports_here(subnet, ports)
    proposed = inquiry_change(ABOUT, _guarded(subnet, clients, here), _box(subnet, clients, here))
    return if_enough(proposed, subnet, partial(evaluate, clients=clients, ports=ports))


def suggest(found: Finding, subnet: SubnetSnapshot) -> tuple[Edit, ...]:
    """The guards against what surely passes, also where the rest depends on a tag."""
    if not is_drift(found):
        return ()
    return inquiry_suggestion(ABOUT, _guarded(subnet, found.evidence["clients"], found.evidence["ports"]))


def assess(_subnet: SubnetSnapshot, _baseline: SubnetSnapshot | None) -> Assessment:
    """Who comes in from the Internet is cut off, and only an appliance on the way could let them in."""
    return Assessment(safety=Safety.APPROVAL)


def forbidden(subnet: SubnetSnapshot, *, clients: list[str], ports: list[int]) -> SubnetTraffic:
    """From public addresses outside the network, those of declared clients excepted, to PostgreSQL."""
    return SubnetTraffic(boxes=_box(subnet, clients, ports_here(subnet, ports)))


def met(found: Finding) -> Collection[Control]:
    """CloudSploit asks of 5432 alone."""
    open_ports = {
        port for one in found.evidence.get("directions", ()) for port in one.get("portsAllowed", ())
    }
    return () if POSTGRES_PORT in open_ports else (CLOUDSPLOIT.OPEN_POSTGRESQL,)


def _guarded(subnet: SubnetSnapshot, clients: list[str], ports: list[int]) -> Inquiry:
    """What a rule is made for: one that has to list prefixes lists none that may be the network's own."""
    inquiry = _inquiry(subnet, networks(clients), ports)
    if not space_unread(subnet) or all(question.source.closed for question in inquiry.questions):
        return inquiry
    return _inquiry(subnet, (*networks(clients), *may_be_own(subnet)), ports)


def _inquiry(subnet: SubnetSnapshot, apart: Iterable[IPNetwork], ports: list[int]) -> Inquiry:
    """From the Internet without ``apart``; by its tag where that holds none of it."""
    tags = internet_tags(subnet)
    internet = read_side([INTERNET], tags)
    others = minus(internet.addresses, spans_of(apart))
    source = internet if others == internet.addresses else Side(others)
    return Inquiry(
        subnet=as_enforced(subnet),
        questions=into(subnet, source, ports, databases(subnet)),
        tags=tags,
        holds="the Internet is kept out",
        want=Access.DENY,
        source=INTERNET,
    )


def _box(subnet: SubnetSnapshot, clients: list[str], ports: list[int]) -> tuple[TrafficBox, ...]:
    questions = _inquiry(subnet, networks(clients), ports).questions
    return tuple(box for question in questions for box in traffic_boxes(question))


POLICY: Policy[SubnetSnapshot] = Policy(
    id=ABOUT.policy,
    title="An NSG lets the Internet in to PostgreSQL",
    kind=Kind.TIGHTENING,
    targets=SUBNETS,
    severity=Severity.HIGH,
    safety=Safety.APPROVAL,
    reads=frozenset(
        {
            Aspect.SUBNET,
            Aspect.SECURITY_GROUP,
            Aspect.SUBNET_SERVERS,
            Aspect.SUBNET_ENDPOINTS,
            Aspect.VIRTUAL_NETWORK,
        }
    ),
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
            name="clients",
            default=[],
            description="Prefixes of clients, which are not the Internet; unless it is set, those of "
            "`nsg-blocks-postgres-clients`.",
            check=check_prefixes,
            follows="nsg-blocks-postgres-clients",
        ),
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
