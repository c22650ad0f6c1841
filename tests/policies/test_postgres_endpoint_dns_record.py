"""The record of a private endpoint: its address, those of others, and of endpoints that share it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest

from shared.model import (
    Aspect,
    ConnectionStatus,
    Finding,
    PrivateEndpointConnection,
    ServerSnapshot,
    Severity,
)
from shared.model.networks import Peering, VirtualNetwork
from shared.model.parts import NetworkDns, PrivateDns, ZoneLink
from shared.model.resource_id import ResourceId
from shared.policies.private_reach.postgres_endpoint_dns_record_wrong import POLICY as RECORD_WRONG
from tests.builders import SERVER, subnet
from tests.policies.endpoint_dns import (
    ADDRESS,
    CENTRAL,
    COMPLIANT,
    FAR,
    GONE_ADDRESS,
    HUB,
    NAME,
    NON_COMPLIANT,
    OTHER_ADDRESS,
    PE,
    SECOND,
    SPOKE,
    TEAM,
    UNKNOWN,
    dns,
    judged,
    placed,
    states,
    with_dns,
    zone,
)

# --- the record ------------------------------------------------------------------------------------


def found_in(*record: IPv4Address) -> Finding:
    return judged(RECORD_WRONG, with_dns(dns(zones=(zone(record=record),))))


def test_a_record_that_is_absent_is_written_anew_by_its_zone_group() -> None:
    finding = found_in()
    missing = f"zone {NAME} has no A record orders.{NAME}"
    unseen = "whether a CNAME or a wildcard record answers was not looked at"
    assert (finding.state, finding.reason) == (NON_COMPLIANT, f"{missing}; {unseen}")
    assert [step.split()[3:5] for step in finding.evidence["whatToDo"]] == [
        ["dns-zone-group", "delete"],
        ["dns-zone-group", "create"],
    ]


@pytest.mark.field(
    "commands",
    "A record that a zone group keeps is written anew by it, and nothing is removed by hand after that.",
    source="azure-cli 2.91.0, `az network private-dns record-set a remove-record` of an absent address fails",
    date="2026-11-29",
)
def test_an_address_that_no_endpoint_has_is_named_and_removed() -> None:
    finding = found_in(GONE_ADDRESS)
    assert finding.reason == f"orders.{NAME} is 10.30.1.9, and endpoint orders-pe has 10.30.1.4"
    assert [step.split()[4] for step in finding.evidence["whatToDo"]] == ["delete", "create"]
    further = found_in(GONE_ADDRESS, ADDRESS)
    assert (further.state, "10.30.1.4, 10.30.1.9" in further.reason) == (NON_COMPLIANT, True)
    (only,) = further.evidence["whatToDo"]
    assert "remove-record" in only
    assert len({found_in().fingerprint, finding.fingerprint, further.fingerprint}) == 3


def test_a_record_kept_by_hand_is_corrected_by_hand() -> None:
    by_hand = dns(placed(group_zones=(), group=""), zones=(zone(record=(GONE_ADDRESS,)),))
    add, remove = judged(RECORD_WRONG, with_dns(by_hand)).evidence["whatToDo"]
    assert add.startswith(f"az network private-dns record-set a add-record --zone-name {NAME} ")
    assert "--record-set-name orders --ipv4-address 10.30.1.4" in add
    assert "--ipv4-address 10.30.1.9" in remove


def connected(*ids: ResourceId) -> tuple[PrivateEndpointConnection, ...]:
    return tuple(
        PrivateEndpointConnection(
            id=SERVER.child("privateEndpointConnections", f"{one.name}.1"),
            status=ConnectionStatus.APPROVED,
            endpoint=one,
        )
        for one in ids
    )


def network(name: ResourceId, *peers: ResourceId, learns: bool = False, **parts: Any) -> NetworkDns:
    whole = NetworkDns(id=name, dns_servers=(), peers=peers, learns_routes=learns)
    return replace(whole, **parts)


def sharing(
    first: NetworkDns, second: NetworkDns, *record: IPv4Address, **parts: Any
) -> tuple[ServerSnapshot, Finding]:
    """Two endpoints whose names are in one zone, which is linked to both networks."""
    both = (
        placed(network=first),
        replace(placed(id=SECOND, addresses=(OTHER_ADDRESS,), network=second), **parts),
    )
    links = tuple(ZoneLink(name=one.id.name, network=one.id, state="Completed") for one in (first, second))
    read = dns(*both, zones=(zone(record=record, links=links),))
    snapshot = with_dns(read, private_endpoints=connected(PE, SECOND))
    return snapshot, judged(RECORD_WRONG, snapshot)


RECORDS = pytest.mark.parametrize(
    "record", [(OTHER_ADDRESS,), (ADDRESS,), (ADDRESS, OTHER_ADDRESS)], ids=["second", "first", "both"]
)


@pytest.mark.field(
    "ways",
    "Endpoints of one server in one network, or in peered ones, that share a record serve all clients: "
    "what remains is that deleting one takes the record away, which is advice.",
    source="https://github.com/MicrosoftDocs/azure-docs/issues/58044",
    date="2026-11-29",
)
@RECORDS
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (network(SPOKE), network(SPOKE)),
        (network(SPOKE, HUB), network(HUB, SPOKE)),
        (NetworkDns(id=SPOKE, dns_servers=()), NetworkDns(id=SPOKE, dns_servers=())),
    ],
    ids=["one network", "peered", "one network, peers unread"],
)
def test_endpoints_in_joined_networks_share_a_record_and_serve_each_other(
    first: NetworkDns, second: NetworkDns, record: tuple[IPv4Address, ...]
) -> None:
    snapshot, finding = sharing(first, second, *record)
    assert (finding.state, finding.severity) == (NON_COMPLIANT, Severity.INFORMATIONAL)
    assert "each serves the clients of all, and deleting one may take the record away" in finding.reason
    assert finding.reason.count("share one record") == 1
    assert ["write the record anew" in step for step in finding.evidence["whatToDo"]] == [True, False]
    assert snapshot.private_dns is not None
    turned = with_dns(
        replace(snapshot.private_dns, endpoints=snapshot.private_dns.endpoints[::-1]),
        private_endpoints=connected(PE, SECOND),
    )
    assert judged(RECORD_WRONG, turned).fingerprint == finding.fingerprint


@RECORDS
def test_endpoints_in_networks_that_are_not_joined_and_share_a_record_are_a_conflict(
    record: tuple[IPv4Address, ...],
) -> None:
    for first, second in (
        (network(SPOKE), network(HUB)),
        (network(SPOKE), network(HUB, FAR, learns=True)),
        (network(SPOKE), NetworkDns(id=HUB, dns_servers=())),
    ):
        _, finding = sharing(first, second, *record)
        assert (finding.state, finding.severity) == (NON_COMPLIANT, Severity.HIGH)
        assert "their networks are not joined" in finding.reason
        assert "a zone of its own" in finding.evidence["whatToDo"][0]


@pytest.mark.field(
    "ways",
    "Where it was not read whether two networks are joined, or further ones may join them, endpoints that "
    "share a record are no conflict that is known.",
    source="https://learn.microsoft.com/azure/virtual-network/virtual-network-peering-overview",
    date="2026-11-29",
)
@RECORDS
def test_whether_networks_are_joined_that_lead_on_or_were_not_read_is_unknown(
    record: tuple[IPv4Address, ...],
) -> None:
    for first, second in (
        (network(SPOKE, peers=None), network(HUB, FAR)),
        (network(SPOKE, HUB), network(HUB)),
        (NetworkDns(id=SPOKE, dns_servers=()), NetworkDns(id=HUB, dns_servers=())),
        (network(SPOKE, FAR), network(HUB, FAR)),
        (network(SPOKE, learns=True), network(HUB, learns=True)),
    ):
        _, finding = sharing(first, second, *record)
        assert (finding.state, finding.severity) == (UNKNOWN, Severity.HIGH)
        assert "whether their networks are joined is not known" in finding.reason


def test_what_an_endpoints_subnet_shows_of_its_network_tells_whether_it_is_joined() -> None:
    snapshot, finding = sharing(network(SPOKE, peers=None), network(HUB, peers=None), OTHER_ADDRESS)
    assert finding.state is UNKNOWN
    spoke = VirtualNetwork(id=SPOKE, peerings=(Peering(network=HUB),), learns_routes=False)
    seen = replace(snapshot, places=(subnet(virtual_network=spoke),))
    assert judged(RECORD_WRONG, seen).severity is Severity.INFORMATIONAL


@pytest.mark.parametrize("parts", [{"addresses": None}, {"addresses": ()}])
def test_an_address_that_was_not_read_may_stand_in_the_record(parts: dict[str, Any]) -> None:
    same = network(SPOKE)
    _, stale = sharing(same, same, ADDRESS, OTHER_ADDRESS, **parts)
    assert (stale.state, "10.30.1.5" in stale.reason) == (UNKNOWN, True)
    _, served = sharing(same, same, ADDRESS, **parts)
    assert (served.state, served.severity) == (NON_COMPLIANT, Severity.INFORMATIONAL)
    one_more = {Aspect.PRIVATE_DNS: "1 of 2 approved private endpoints were not looked at"}
    alone = with_dns(dns(zones=(zone(record=(ADDRESS, GONE_ADDRESS)),)), unread=one_more)
    assert judged(RECORD_WRONG, alone).state is UNKNOWN


def test_a_stale_address_in_a_shared_record_is_found_and_removed_alone() -> None:
    same = network(SPOKE)
    for record in ((ADDRESS, OTHER_ADDRESS, GONE_ADDRESS), (OTHER_ADDRESS, GONE_ADDRESS)):
        _, finding = sharing(same, same, *record)
        assert (finding.state, finding.severity) == (NON_COMPLIANT, Severity.HIGH)
        (gone,) = finding.evidence["whatToDo"]
        assert ("remove-record" in gone, "--ipv4-address 10.30.1.9" in gone) == (True, True)


def test_of_three_endpoints_one_that_is_not_joined_makes_a_conflict() -> None:
    third, far = ResourceId(f"{TEAM}/privateEndpoints/third-pe"), IPv4Address("10.40.1.4")
    joined_ones = (placed(network=network(SPOKE)), placed(id=SECOND, addresses=(OTHER_ADDRESS,)))
    near = placed(id=third, addresses=(IPv4Address("10.30.1.6"),))
    shared = zone(record=(ADDRESS, OTHER_ADDRESS, IPv4Address("10.30.1.6")))
    links = (*(zone().links or ()), ZoneLink(name="far", network=FAR, state="Completed"))
    all_three = connected(PE, SECOND, third)
    advice = with_dns(dns(*joined_ones, near, zones=(shared,)), private_endpoints=all_three)
    assert judged(RECORD_WRONG, advice).severity is Severity.INFORMATIONAL
    apart = tuple(replace(one, network=network(SPOKE)) for one in joined_ones)
    away = placed(id=third, addresses=(far,), network=network(FAR))
    read = dns(*apart, away, zones=(zone(record=(ADDRESS, far), links=links),))
    conflict = judged(RECORD_WRONG, with_dns(read, private_endpoints=all_three))
    assert (conflict.state, conflict.severity) == (NON_COMPLIANT, Severity.HIGH)


def test_networks_that_are_not_joined_may_use_the_same_address() -> None:
    _, finding = sharing(network(SPOKE), network(HUB), ADDRESS, addresses=(ADDRESS,))
    assert finding.state is COMPLIANT


def test_endpoints_in_two_networks_with_a_zone_each_are_no_conflict() -> None:
    far_zone = zone(
        id=CENTRAL, links=(ZoneLink(name="hub", network=HUB, state="Completed"),), record=(OTHER_ADDRESS,)
    )
    far = placed(
        id=SECOND,
        addresses=(OTHER_ADDRESS,),
        network=NetworkDns(id=HUB, dns_servers=()),
        group_zones=(CENTRAL,),
    )
    snapshot = with_dns(dns(placed(), far, zones=(zone(), far_zone)), private_endpoints=connected(PE, SECOND))
    assert states(snapshot) == [COMPLIANT] * 3


def test_of_several_zones_the_one_that_is_linked_answers() -> None:
    unlinked = zone(id=CENTRAL, links=(), record=(GONE_ADDRESS,))
    assert states(with_dns(dns(placed(group_zones=()), zones=(unlinked, zone())))) == [COMPLIANT] * 3
    pending = ZoneLink(name="spoke", network=SPOKE, state="InProgress")
    begun = dns(placed(group_zones=()), zones=(unlinked, zone(links=(pending,))))
    assert states(with_dns(begun)) == [UNKNOWN] * 3
    neither = dns(placed(group_zones=()), zones=(unlinked, zone(links=())))
    assert states(with_dns(neither)) == [NON_COMPLIANT, COMPLIANT, COMPLIANT]


@pytest.mark.parametrize(
    "read",
    [dns(placed(addresses=None, unread="not shown")), dns(zones=(zone(record=None, unread="not shown"),))],
)
def test_an_address_or_a_record_that_is_not_known_is_unknown(read: PrivateDns) -> None:
    finding = judged(RECORD_WRONG, with_dns(read))
    assert (finding.state, "not shown" in finding.reason) == (UNKNOWN, True)
