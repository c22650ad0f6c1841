"""PostgreSQL private endpoint whose DNS record is absent or holds another address.

*What it finds.* For each approved private endpoint of a flexible server: the A record with the server's name
in the zone that answers is absent, does not hold the endpoint's address, or holds further ones. Two endpoints
that share a zone are a conflict: a record has one name, and the endpoint that was written last has it. An
address that no endpoint of the server has is most often that of a deleted one. With a central zone declared
(``zone``) its record is judged, whoever answers in the network. Where none is declared and the network asks
its own DNS servers, or the record or the address cannot be read, it is unknown. IPv6 is not judged. Only the
A record is read: a CNAME with the server's name or a wildcard record may answer instead, and the reason says
that it was not looked at.

*Why it matters.* Clients go to an address where nobody answers, to another network's endpoint, or, without a
record, nowhere: a linked zone without the record makes the name unresolvable.

*What the change does.* None is made: records of a zone group belong to Azure, others to whoever keeps them. A
person has the zone group write the record anew, or corrects it. Endpoints in networks that are not connected
need a zone each, linked to their own network.

*What it may break.* Until caches expire (the record's TTL) clients keep the old answer.

*References.* Private Link for Azure Database for PostgreSQL (troubleshoot; DNS); MicrosoftDocs/azure-docs
58044 and 122192 (endpoints that overwrite and delete each other's record).
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address
from typing import Final

from shared.model import Aspect, Finding, Kind, ServerSnapshot, Severity
from shared.model.dns_names import record_name
from shared.model.parts import DnsZone
from shared.posture.controls import MCSB
from shared.posture.dns_commands import group_commands, record_command
from shared.posture.dns_links import completed, linked
from shared.posture.findings import Judged, beside_the_point, compliant, drifted, unknown
from shared.posture.policy import FLEXIBLE_SERVERS, Policy
from shared.posture.private_dns import (
    CENTRAL_ZONE,
    Case,
    Serving,
    finding_with_steps,
    judge_endpoints,
    serving,
)
from shared.posture.ways.world import Declared

ID: Final = "postgres-endpoint-dns-record-wrong"
SEVERITY: Final = Severity.HIGH

_ONLY_A: Final = "whether a CNAME or a wildcard record answers was not looked at"


def evaluate(server: ServerSnapshot, *, zone: str) -> Finding:
    return finding_with_steps(ID, SEVERITY, server, judge_endpoints(server, Declared.of(zone), _judge))


def _judge(case: Case) -> Judged:
    answering = serving(case)
    if answering.unknown:
        return unknown(answering.unknown)
    if not answering.zones and not answering.more:
        return beside_the_point(f"endpoint {case.endpoint.id.name} has no zone that could hold its record")
    zone = _answering_zone(case, answering)
    if zone is None:
        several = (
            f"which of several zones called {case.zone_name} answers for {case.endpoint.id.name} is not known"
        )
        return unknown(several)
    return _judge_record(case, zone)


def _answering_zone(case: Case, answering: Serving) -> DnsZone | None:
    """The only zone, or of several the one that is linked to the endpoint's network."""
    network = case.endpoint.network
    if network is not None:
        for zone in answering.zones:
            link = linked(zone, network.id)
            if link is not None and completed(link):
                return zone
    return answering.zones[0] if len(answering.zones) == 1 and not answering.more else None


def _judge_record(case: Case, zone: DnsZone) -> Judged:
    own, held = case.endpoint.addresses, zone.record
    if held is None:
        why = f": {zone.unread}" if zone.unread else ""
        return unknown(f"the record in zone {zone.id.name} could not be read{why}")
    if not own:
        why = f": {case.endpoint.unread}" if case.endpoint.unread else ""
        return unknown(f"the address of endpoint {case.endpoint.id.name} is not known{why}")
    name = f"{record_name(case.server.host_name)}.{case.zone_name}"
    facts = {"record": name, "zone": str(zone.id), "expected": _texts(own), "found": _texts(held)}
    if zone.odd_record and set(held) <= set(own):
        listed = ", ".join(zone.odd_record)
        return unknown(f"{name} holds {listed}, which is no address: what it leads to is not known", facts)
    if set(held) == set(own):
        return compliant(f"{name} is {_listed(own)}", facts)
    reason, todo = _fault(case, zone, name)
    return drifted(reason, reason.lower(), what_to_do=todo, evidence=facts)


def _fault(case: Case, zone: DnsZone, name: str) -> tuple[str, tuple[str, ...]]:
    """What is wrong with the record, and what a person does about it."""
    own, held = set(case.endpoint.addresses or ()), set(zone.record or ())
    if not held:
        return f"zone {zone.id.name} has no A record {name}; {_ONLY_A}", _anew(case, zone)
    others = _of_other_endpoints(case)
    if held & others:
        shared = "endpoints of the server share one record"
        told = f"{name} is {_listed(held)}: {shared}, and {case.endpoint.id.name} has {_listed(own)}"
        return told, ("Give each network that is not connected to the other a zone of its own.",)
    stale = sorted(held - own)
    gone = [record_command(zone.id, "remove-record", _label(case), str(address)) for address in stale]
    if own <= held:
        further = f"{name} is {_listed(held)}: no endpoint of the server that was read has {_listed(stale)}"
        return further, tuple(gone)
    astray = f"{name} is {_listed(held)}, and endpoint {case.endpoint.id.name} has {_listed(own)}"
    return astray, _anew(case, zone) if _is_kept(case, zone) else (*_anew(case, zone), *gone)


def _is_kept(case: Case, zone: DnsZone) -> bool:
    """Whether a zone group keeps the record: made anew it writes the whole, and nothing stale is left."""
    return zone.id in (case.endpoint.group_zones or ())


def _anew(case: Case, zone: DnsZone) -> tuple[str, ...]:
    """A zone group writes its record when it is made; another record is corrected by hand."""
    if _is_kept(case, zone):
        return group_commands(case.endpoint, zone.id)
    own = sorted(case.endpoint.addresses or ())
    return tuple(record_command(zone.id, "add-record", _label(case), str(address)) for address in own)


def _of_other_endpoints(case: Case) -> set[IPv4Address]:
    others = (one for one in case.dns.endpoints if one.id != case.endpoint.id)
    return {address for one in others for address in one.addresses or ()}


def _label(case: Case) -> str:
    return record_name(case.server.host_name)


def _texts(addresses: Iterable[IPv4Address]) -> list[str]:
    return [str(address) for address in sorted(addresses)]


def _listed(addresses: Iterable[IPv4Address]) -> str:
    return ", ".join(_texts(addresses))


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="The DNS record of a PostgreSQL private endpoint is absent or holds another address",
    kind=Kind.CONNECTIVITY,
    targets=FLEXIBLE_SERVERS,
    severity=SEVERITY,
    reads=frozenset({Aspect.SERVER, Aspect.PRIVATE_DNS}),
    controls=(MCSB.NS_10, MCSB.NS_2),
    evaluate=evaluate,
    parameters=(CENTRAL_ZONE,),
    opt_in=True,
    why="Clients are sent to an address where the server does not answer, or to none at all.",
)
