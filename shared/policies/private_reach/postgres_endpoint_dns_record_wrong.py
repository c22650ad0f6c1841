"""PostgreSQL private endpoint whose DNS record is absent or holds another address.

*What it finds.* For each approved private endpoint of a flexible server: the A record with the server's name
in the zone that answers is absent, does not hold the endpoint's address, or holds further ones. Endpoints
that have their names from one zone share its record, and the one that was written last has it: in one
network, or in peered ones, each serves the clients of all, and that is advice (Informational); in networks
that are not joined it is a conflict; where it is not known whether they are joined, it is unknown. An address
that no endpoint of the server has is most often that of a deleted one. With a central zone declared
(``zone``) its record is judged, whoever answers in the network. Where none is declared and the network asks
its own DNS servers, or the record or an address that matters cannot be read, it is unknown. IPv6 is not
judged. Only the A record is read: a CNAME with the server's name or a wildcard record may answer instead, and
the reason says that it was not looked at.

*Why it matters.* Clients go to an address where nobody answers, to another network's endpoint, or, without a
record, nowhere: a linked zone without the record makes the name unresolvable, or public where its link falls
back to public DNS. Where a record is shared, deleting either endpoint takes it away from the other.

*What the change does.* None is made: records of a zone group belong to Azure, others to whoever keeps them. A
person has the zone group write the record anew, or corrects it. Endpoints in networks that are not connected
need a zone each, linked to their own network.

*What it may break.* Until caches expire (the record's TTL) clients keep the old answer.

*References.* Private Link for Azure Database for PostgreSQL (troubleshoot; DNS); MicrosoftDocs/azure-docs
58044 and 122192 (endpoints that overwrite and delete each other's record).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Final

from shared.model import Aspect, Finding, Kind, PublicAccess, ServerSnapshot, Severity
from shared.model.dns_names import record_name
from shared.model.parts import DnsZone, ZoneLink
from shared.posture.controls import MCSB
from shared.posture.dns_commands import FALLS_BACK
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
from shared.posture.shared_records import (
    A_ZONE_EACH,
    Held,
    addresses_missing,
    held_by,
    mending,
    shared_record,
)
from shared.posture.ways.world import Declared
from shared.posture.ways.zones import answering_zone, completed

ID: Final = "postgres-endpoint-dns-record-wrong"
SEVERITY: Final = Severity.HIGH

_ONLY_A: Final = "whether a CNAME or a wildcard record answers was not looked at"
_LEAVE: Final = "and leave the private network or are refused"


def evaluate(server: ServerSnapshot, *, zone: str) -> Finding:
    return finding_with_steps(ID, SEVERITY, server, judge_endpoints(server, Declared.of(zone), _judge))


def _judge(case: Case) -> Judged:
    answering = serving(case)
    if answering.unknown:
        return unknown(answering.unknown)
    if not answering.zones and not answering.more:
        return beside_the_point(f"no zone answers for endpoint {case.endpoint.id.name}: it has no record")
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
    if network is not None and (found := answering_zone(answering.zones, network.id)) is not None:
        return found[0]
    return answering.zones[0] if len(answering.zones) == 1 and not answering.more else None


def _judge_record(case: Case, zone: DnsZone) -> Judged:
    own, record = case.endpoint.addresses, zone.record
    if record is None:
        why = f": {zone.unread}" if zone.unread else ""
        return unknown(f"the record in zone {zone.id.name} could not be read{why}")
    name = f"{record_name(case.server.host_name)}.{case.zone_name}"
    facts = {"record": name, "zone": str(zone.id), "expected": _texts(own or ()), "found": _texts(record)}
    held = held_by(case, record)
    if unsure := _unsure(case, zone, held, name):
        return unknown(unsure, facts)
    if record and held.own == set(record):
        return compliant(f"{name} is {_listed(record)}", facts)
    if record and not (held.apart or held.nobodys):
        return replace(shared_record(name, record), evidence=facts)
    reason, todo = _fault(case, zone, name, held)
    told = reason if record else f"{reason}{_instead(case, zone)}"
    return drifted(told, reason.lower(), what_to_do=todo, evidence=facts)


def _unsure(case: Case, zone: DnsZone, held: Held, name: str) -> str:
    """What keeps the record from being judged; ``""`` where it is surely right, wrong or shared."""
    if held.apart:
        return ""
    if not (case.endpoint.addresses or held.joined):
        why = f": {case.endpoint.unread}" if case.endpoint.unread else ""
        return f"the address of endpoint {case.endpoint.id.name} is not known{why}"
    if held.nobodys and addresses_missing(case):
        return f"whether an endpoint of the server has {_listed(held.nobodys)}, which {name} is, is not known"
    if zone.odd_record and not held.nobodys:
        listed = ", ".join(zone.odd_record)
        return f"{name} holds {listed}, which is no address: what it leads to is not known"
    if held.unsure and not held.nobodys:
        shared = f"{name} is {_listed(zone.record or ())}: endpoints of the server share one record"
        return f"{shared}, and whether their networks are joined is not known"
    return ""


def _fault(case: Case, zone: DnsZone, name: str, held: Held) -> tuple[str, tuple[str, ...]]:
    """What is wrong with the record, and what a person does about it."""
    if not zone.record:
        return f"zone {zone.id.name} has no A record {name}; {_ONLY_A}", mending(case, zone)
    listed, own = _listed(zone.record), _listed(case.endpoint.addresses or ())
    if held.apart:
        shared = "endpoints of the server share one record, and their networks are not joined"
        told = f"{name} is {listed}: {shared}, and {case.endpoint.id.name} has {own or 'none that is known'}"
        return told, (A_ZONE_EACH,)
    if held.own or held.joined:
        further = f"{name} is {listed}: no endpoint of the server that was read has {_listed(held.nobodys)}"
        return further, mending(case, zone)
    return f"{name} is {listed}, and endpoint {case.endpoint.id.name} has {own}", mending(case, zone)


def _instead(case: Case, zone: DnsZone) -> str:
    """What is answered without the record where a link asks public DNS then; else the name does not exist.

    Another link makes no other drift of it.
    """
    falls = [
        link.network.name
        for link in zone.links or ()
        if link.network is not None and completed(link) and _falls_back(link)
    ]
    if not falls:
        return ""
    refused = "which refuses them" if case.server.public_access is PublicAccess.DISABLED else _LEAVE
    return f"; clients in {', '.join(sorted(falls))} get the public address instead ({FALLS_BACK}), {refused}"


def _falls_back(link: ZoneLink) -> bool:
    return link.resolution_policy.lower() == FALLS_BACK.lower()


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
