"""What is declared for a server: central DNS, and the clients that must reach it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, ip_network

from shared.config.declared import declared_clients, declared_dns
from shared.model.parts import EndpointDns, PrivateDns
from shared.model.resource_id import ResourceId
from shared.posture.ways.world import Declared
from tests.builders import GROUP, SUBNET, endpoint, server, subnet
from tests.config.test_configuration import configuration

CENTRAL = f"{GROUP}/providers/Microsoft.Network/privateDnsZones/privatelink.postgres.database.azure.com"
SPOKE = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/spoke"
LINKS = "postgres-endpoint-dns-zone-not-linked"
CLIENTS = "nsg-blocks-postgres-clients"
AWAY = "/subscriptions/99999999-2222-3333-4444-555555555555"


def scope_with(scope: object, policy: str, parameters: str) -> str:
    return f"  - scope: {scope}\n    policies: {{{policy}: {{effect: off, parameters: {parameters}}}}}\n"


def test_nothing_is_declared_out_of_the_box() -> None:
    assert declared_dns(configuration(), server()) == Declared()
    assert declared_clients(configuration(), server()) == ()


def test_central_dns_is_declared_for_a_scope_also_where_the_policy_is_off() -> None:
    here = f"{{zone: '{CENTRAL}', linkedNetworks: ['{SPOKE}']}}"
    said = configuration("scopes:\n" + scope_with(GROUP, LINKS, here))
    assert declared_dns(said, server()) == Declared(zone=ResourceId(CENTRAL), networks=(ResourceId(SPOKE),))
    elsewhere = configuration("scopes:\n" + scope_with(AWAY, LINKS, here))
    assert declared_dns(elsewhere, server()) == Declared()


def test_the_clients_of_a_server_are_those_of_its_scope_and_of_the_subnets_it_is_reached_in() -> None:
    inside = SUBNET.parent
    lists = scope_with(GROUP, CLIENTS, "{clients: [10.1.0.0/24, 'fd00::/64']}")
    said = configuration(f"scopes:\n{lists}{scope_with(inside, CLIENTS, '{clients: [10.2.0.0/24]}')}")
    of_server, of_subnet = ip_network("10.1.0.0/24"), ip_network("10.2.0.0/24")
    alone = server(private_dns=None, places=None)
    assert declared_clients(said, alone) == (of_server,), "it has no IPv6 address"
    assert declared_clients(said, replace(alone, places=(subnet(),))) == (of_server, of_subnet)
    assert declared_clients(said, replace(alone, delegated_subnet=SUBNET)) == (of_server, of_subnet)
    placed = EndpointDns(id=_endpoint(), addresses=(IPv4Address("10.0.1.4"),), subnet=SUBNET)
    assert declared_clients(said, replace(alone, private_dns=PrivateDns(endpoints=(placed,)))) == (
        of_server,
        of_subnet,
    )


def _endpoint() -> ResourceId:
    found = endpoint().endpoint
    assert found is not None
    return found
