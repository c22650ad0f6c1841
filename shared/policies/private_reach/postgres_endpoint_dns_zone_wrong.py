"""PostgreSQL private endpoint whose name no private DNS zone of the right name answers for.

*What it finds.* For each approved private endpoint of a flexible server: its DNS zone group names a zone with
another name than Azure prescribes (``privatelink.postgres.database.azure.com`` in public Azure), or a zone
that does not exist; or it has no zone group, and no zone of that name is linked to its network: a zone that
others keep for other networks answers nobody here. With a central zone declared (``zone``): the zone group
names another zone than the central one, or the central zone does not exist. Where the endpoint's network asks
its own DNS servers, or a zone or its links cannot be read, and no central zone is declared, it is unknown.

*Why it matters.* Public DNS answers for the server with an alias into the prescribed zone. Where no such zone
answers, clients get the public address: they are refused, or leave the private network.

*What the change does.* None is made: DNS is shared by many, and central in most networks. A person creates
the zone in the server's own resource group, has the endpoint's zone group name it, which also writes the
record, and links it. No zone of others is written into, unless ``policies.yaml`` names it.

*What it may break.* Taking a wrong zone out of the zone group removes the record that it keeps there: whoever
reaches the server by that name must use the server's own. Of several zones under other names none is taken
out.

*References.* Private Link for Azure Database for PostgreSQL (Private Link and DNS; hub-and-spoke); private
endpoint DNS zone values; MicrosoftDocs/azure-docs 98098.
"""

from __future__ import annotations

from typing import Final

from shared.model import Aspect, Finding, Kind, ServerSnapshot, Severity
from shared.model.dns_names import canonical
from shared.posture.controls import MCSB
from shared.posture.dns_commands import names
from shared.posture.dns_steps import serving_steps
from shared.posture.findings import Judged, compliant, drifted, unknown
from shared.posture.policy import FLEXIBLE_SERVERS, Policy
from shared.posture.private_dns import (
    CENTRAL_ZONE,
    Case,
    finding_with_steps,
    group_unread,
    judge_endpoints,
    resolver_unknown,
    rightly_named,
    serving,
)
from shared.posture.ways.world import Declared
from shared.posture.ways.zones import zones_of

ID: Final = "postgres-endpoint-dns-zone-wrong"
SEVERITY: Final = Severity.HIGH


def evaluate(server: ServerSnapshot, *, zone: str) -> Finding:
    return finding_with_steps(ID, SEVERITY, server, judge_endpoints(server, Declared.of(zone), _judge))


def _judge(case: Case) -> Judged:
    misnamed = _misnamed(case)
    if misnamed and not _nothing_claimed(case):
        return misnamed
    answering = serving(case)
    if answering.unknown:
        return unknown(answering.unknown)
    if answering.zones:
        if unread := group_unread(case.endpoint):
            return unknown(unread)
        found = names(one.id for one in answering.zones)
        return compliant(f"{_why(case)} endpoint {case.endpoint.id.name}", {"found": found})
    if answering.more:
        return unknown(f"zones called {case.zone_name} exist that were not read")
    return _absent(case)


def _nothing_claimed(case: Case) -> bool:
    """Whether custom DNS, or a declared zone that cannot be the right one, keeps us from any word."""
    if case.declared.zone is None:
        return bool(resolver_unknown(case.endpoint))
    return canonical(case.declared.zone.name) != case.zone_name


def _why(case: Case) -> str:
    if case.declared.zone is not None:
        return f"the central zone {case.zone_name} exists for"
    if rightly_named(case):
        return f"zone {case.zone_name} is named by the zone group of"
    return f"zone {case.zone_name} is linked to the network of"


def _misnamed(case: Case) -> Judged | None:
    """The zone group names only zones that do not answer for the server."""
    named, declared = case.endpoint.group_zones or (), case.declared.zone
    if not named or (declared in named if declared is not None else rightly_named(case)):
        return None
    wanted = f"the central zone {declared}" if declared is not None else f"a zone called {case.zone_name}"
    where = ", ".join(names(named) if declared is not None else (one.name for one in sorted(named)))
    reason = f"the zone group of endpoint {case.endpoint.id.name} names {where}, not {wanted}"
    facts = {"expected": str(declared or case.zone_name), "found": names(named)}
    return drifted(reason, reason.lower(), what_to_do=serving_steps(case), evidence=facts)


def _absent(case: Case) -> Judged:
    name = case.endpoint.id.name
    if case.declared.zone is not None:
        reason = f"the central zone {case.declared.zone} does not exist"
    elif case.endpoint.group_zones:
        reason = f"the zone {case.zone_name} that the zone group of endpoint {name} names does not exist"
    else:
        reason = (
            f"endpoint {name} has no DNS zone group, and no zone called {case.zone_name} that may be read is"
            " linked to its network; where another is to answer, name it in policies.yaml"
        )
    elsewhere = names(zone.id for zone in zones_of(case.server))
    facts = {"expected": str(case.declared.zone or case.zone_name), "found": [], "elsewhere": elsewhere}
    return drifted(reason, reason.lower(), what_to_do=serving_steps(case), evidence=facts)


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="No private DNS zone of the right name answers for a PostgreSQL private endpoint",
    kind=Kind.CONNECTIVITY,
    targets=FLEXIBLE_SERVERS,
    severity=SEVERITY,
    reads=frozenset({Aspect.SERVER, Aspect.PRIVATE_DNS}),
    controls=(MCSB.NS_10, MCSB.NS_2),
    evaluate=evaluate,
    parameters=(CENTRAL_ZONE,),
    opt_in=True,
    why="Clients in the private network get the server's public address: they are refused, or leave it.",
)
