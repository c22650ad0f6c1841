"""What a denied flow is, and whether the service needs it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftward.flows.labels import (
    AZURE_DNS,
    DNS,
    INBOUND,
    OTHER_PORTS,
    PGBOUNCER,
    PLATFORM_ADDRESS,
    POSTGRES,
    PRIVATE,
    RESERVED,
    Features,
    Kind,
    Label,
    Need,
    Setting,
    label,
    need,
    reason,
)
from driftward.flows.services import ENTRA, KEY_VAULT, MONITOR, STORAGE, services_of
from driftward.flows.tuples import Packet
from shared.nsg import known_tags, parse_addresses
from shared.nsg.packets.addresses import place

PREFIXES = {
    "Storage": ["52.239.128.0/17", "2603:1020:5::/48"],
    "Storage.WestEurope": ["52.239.130.0/23"],
    "AzureActiveDirectory": ["20.190.128.0/18"],
    "AzureKeyVault": ["52.174.76.224/27"],
    "AzureMonitor": ["20.50.68.0/25", "52.239.130.0/30"],
    "Sql": ["52.236.184.0/24"],
    "AzureCloud": ["52.224.0.0/11"],
}
CLOSED = known_tags({name: [parse_addresses(p) or () for p in listed] for name, listed in PREFIXES.items()})
SUBNET = (*(parse_addresses("10.1.0.0/28") or ()), *(parse_addresses("fd00:1::/64") or ()))
KNOWN = Setting(subnet=SUBNET, services=services_of(CLOSED))


def packet(
    destination: str,
    *,
    source: str = "10.1.0.4",
    port: int = 443,
    protocol: str = "Tcp",
    outbound: bool = True,
    encryption: str = "",
) -> Packet:
    source_at, destination_at = (place(ip_address(text)) for text in (source, destination))
    return Packet(source_at, destination_at, port, protocol, outbound, encryption)


@pytest.mark.parametrize(
    ("destination", "kind", "name", "tag"),
    [
        ("52.239.130.228", Kind.PLATFORM, STORAGE, "Storage.westeurope"),
        ("52.239.130.1", Kind.PLATFORM, STORAGE, "Storage.westeurope"),
        ("52.239.200.1", Kind.PLATFORM, STORAGE, "Storage"),
        ("20.190.128.1", Kind.PLATFORM, ENTRA, "AzureActiveDirectory"),
        ("52.174.76.230", Kind.PLATFORM, KEY_VAULT, "AzureKeyVault"),
        ("20.50.68.1", Kind.PLATFORM, MONITOR, "AzureMonitor"),
        ("104.74.50.201", Kind.UNKNOWN_CDN, "", ""),
        ("23.0.237.118", Kind.UNKNOWN_CDN, "", ""),
        ("52.236.184.9", Kind.OTHER, "Sql", "Sql"),
        ("52.230.0.1", Kind.OTHER, "AzureCloud", "AzureCloud"),
        ("10.9.0.8", Kind.OTHER, PRIVATE, ""),
        ("100.64.0.1", Kind.OTHER, PRIVATE, ""),
        ("10.1.0.5", Kind.OTHER, PRIVATE, ""),
        ("168.63.129.16", Kind.OTHER, PLATFORM_ADDRESS, ""),
        ("169.254.169.254", Kind.OTHER, PLATFORM_ADDRESS, ""),
        ("239.1.2.3", Kind.OTHER, RESERVED, ""),
        ("169.254.1.1", Kind.OTHER, RESERVED, ""),
    ],
)
def test_where_an_outbound_flow_went(destination: str, kind: Kind, name: str, tag: str) -> None:
    found = label(packet(destination), KNOWN)
    assert found is not None
    assert found == (Label(kind, name, True), tag)


def test_ipv6_flows_are_told_apart_like_ipv4_flows() -> None:
    storage = label(packet("2603:1020:5::7", source="fd00:1::4"), KNOWN)
    stranger = label(packet("2a02:26f0::1", source="fd00:1::4"), KNOWN)
    private = label(packet("fd00:2::1", source="fd00:1::4"), KNOWN)
    assert storage is not None
    assert stranger is not None
    assert private is not None
    assert storage.label == Label(Kind.PLATFORM, STORAGE, True)
    assert stranger.label == Label(Kind.UNKNOWN_CDN, "", True)
    assert private.label == Label(Kind.OTHER, PRIVATE, True)


@pytest.mark.parametrize(("protocol", "port"), [("Tcp", 80), ("Udp", 443), ("Icmp", 0), ("Tcp", 445)])
def test_other_ports_are_somebody_elses_even_at_storage(protocol: str, port: int) -> None:
    for destination in ("52.239.130.228", "104.74.50.201"):
        found = label(packet(destination, port=port, protocol=protocol), KNOWN)
        assert found is not None
        assert found.label == Label(Kind.OTHER, OTHER_PORTS, True)


@pytest.mark.parametrize(("outbound", "port"), list(product([True, False], [5432, 6432])))
def test_servers_of_the_subnet_talk_to_each_other(outbound: bool, port: int) -> None:
    found = label(packet("10.1.0.5", port=port, outbound=outbound), KNOWN)
    assert found is not None
    name = POSTGRES if port == 5432 else PGBOUNCER
    assert found.label == Label(Kind.PLATFORM, name, outbound)


def test_inbound_denials_are_somebody_elses() -> None:
    for source, port in (("198.51.100.7", 5432), ("10.9.0.8", 5432), ("10.1.0.5", 22)):
        found = label(packet("10.1.0.4", source=source, port=port, outbound=False), KNOWN)
        assert found is not None
        assert found.label == Label(Kind.OTHER, INBOUND, False)


def test_flows_of_other_subnets_are_nobody_of_ours() -> None:
    assert label(packet("52.239.130.228", source="10.2.0.4"), KNOWN) is None
    assert label(packet("10.2.0.4", source="198.51.100.7", outbound=False), KNOWN) is None


def test_without_a_subnet_every_flow_counts_and_none_stays_within() -> None:
    found = label(packet("10.1.0.5", port=5432), Setting(services=services_of(CLOSED)))
    assert found is not None
    assert found.label == Label(Kind.OTHER, PRIVATE, True)


def test_without_prefixes_a_public_address_is_unknown_and_a_private_one_is_not() -> None:
    unknown, private = label(packet("52.239.130.228"), Setting()), label(packet("10.9.0.8"), Setting())
    assert unknown is not None
    assert private is not None
    assert (unknown.label.kind, private.label.kind) == (Kind.UNKNOWN, Kind.OTHER)


def test_public_addresses_of_the_virtual_network_are_like_private_ones() -> None:
    own = Setting(services=services_of(CLOSED), virtual_network=parse_addresses("104.74.0.0/16") or ())
    found = label(packet("104.74.50.201"), own)
    assert found is not None
    assert found.label == Label(Kind.OTHER, PRIVATE, True)


@pytest.mark.parametrize("state", ["NX_SW_NOT_READY", "NX_NOT_ACCEPTED", "NX_NOT_SUPPORTED", "NX"])
def test_what_a_flow_is_does_not_hang_on_who_denied_it(state: str) -> None:
    found = label(packet("52.239.130.228", encryption=state), KNOWN)
    assert found is not None
    assert found.label == Label(Kind.PLATFORM, STORAGE, True)


@pytest.mark.parametrize("protocol", ["Udp", "Tcp"])
@pytest.mark.parametrize(
    ("destination", "name"),
    [("10.9.0.4", DNS), ("10.1.0.5", DNS), ("8.8.8.8", DNS), ("168.63.129.16", AZURE_DNS)],
)
def test_asking_for_a_name_is_needed_where_it_is_the_networks_server(
    destination: str, name: str, protocol: str
) -> None:
    asked = packet(destination, port=53, protocol=protocol)
    unknown = label(asked, KNOWN)
    given = replace(KNOWN, dns=parse_addresses(destination) or ())
    other = label(asked, replace(KNOWN, dns=parse_addresses("10.9.9.9") or ()))
    assert unknown == label(asked, given) == (Label(Kind.PLATFORM, name, True), "")
    assert other is not None
    assert other.label.kind is Kind.OTHER


@pytest.mark.parametrize(
    ("name", "features", "wanted"),
    [
        (STORAGE, Features(), Need.REQUIRED),
        (POSTGRES, Features(), Need.REQUIRED),
        (PGBOUNCER, Features(), Need.DEPENDS),
        (PGBOUNCER, Features(pooled=True), Need.REQUIRED),
        (PGBOUNCER, Features(pooled=False), Need.OPTIONAL),
        (ENTRA, Features(), Need.DEPENDS),
        (ENTRA, Features(entra=True), Need.REQUIRED),
        (ENTRA, Features(entra=False), Need.DEPENDS),
        (ENTRA, Features(entra=False, customer_key=False), Need.OPTIONAL),
        (ENTRA, Features(entra=False, customer_key=True), Need.REQUIRED),
        (KEY_VAULT, Features(), Need.DEPENDS),
        (KEY_VAULT, Features(customer_key=True), Need.REQUIRED),
        (KEY_VAULT, Features(customer_key=False), Need.OPTIONAL),
        (DNS, Features(), Need.DEPENDS),
        (AZURE_DNS, Features(dns=True), Need.REQUIRED),
        (MONITOR, Features(entra=True, customer_key=True, pooled=True), Need.OPTIONAL),
    ],
)
def test_what_a_server_needs_follows_from_its_features(name: str, features: Features, wanted: Need) -> None:
    assert need(Label(Kind.PLATFORM, name, True), features) is wanted


@pytest.mark.parametrize("kind", [Kind.UNKNOWN, Kind.UNKNOWN_CDN, Kind.OTHER])
def test_nothing_else_is_needed(kind: Kind) -> None:
    assert need(Label(kind, STORAGE, True), Features(entra=True)) is Need.NONE
    assert reason(Label(kind, "Sql", True))


_ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)


@given(_ADDRESSES, st.sampled_from([443, 5432, 80]), st.booleans())
def test_every_flow_of_the_subnet_is_something(other: str, port: int, outbound: bool) -> None:
    ends = (
        {"source": "10.1.0.4", "destination": other}
        if outbound
        else {"source": other, "destination": "10.1.0.4"}
    )
    found = label(packet(**ends, port=port, outbound=outbound), KNOWN)
    assert found is not None
    assert reason(found.label)
    assert (found.label.kind is Kind.PLATFORM) <= (port in {443, 5432, 6432})
