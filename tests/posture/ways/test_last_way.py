"""What is left of a server's ways in: the public path, and why a client is not sure of a private one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.model import ConnectionStatus, PublicAccess, ServerState
from shared.model.resource_id import ResourceId
from shared.posture.ways.last_way import never_privately, stays_public, why_cut_off
from shared.posture.ways.reach import networks_meant
from shared.posture.ways.world import AnyAzure, Declared, NetworkClient, World
from tests.builders import (
    ALL_AZURE,
    GROUP,
    HUB,
    OFFICE,
    SUBNET,
    endpoint,
    private_dns,
    public_server,
    rule,
    server,
    single_server,
    subnet_rule,
)

SPOKE = ResourceId(f"{GROUP}/providers/Microsoft.Network/virtualNetworks/spoke")

PUBLIC: dict[str, tuple[Any, bool]] = {
    "a rule": (public_server(), True),
    "a rule for all of Azure": (public_server(firewall_rules=(ALL_AZURE,)), True),
    "a rule while public access is off": (server(firewall_rules=(OFFICE,)), False),
    "a rule while public access is not known": (public_server(public_access=PublicAccess.UNKNOWN), False),
    "no rule": (public_server(firewall_rules=()), False),
    "rules that were not read": (public_server(firewall_rules=None), False),
    "private addresses": (public_server(firewall_rules=(rule("a", "10.0.0.0", "10.9.9.9"),)), False),
    "an empty range": (public_server(firewall_rules=(rule("a", "198.51.100.9", "198.51.100.1"),)), False),
    "in a subnet": (public_server(delegated_subnet=SUBNET), False),
    "a virtual network rule": (
        single_server(firewall_rules=(), virtual_network_rules=(subnet_rule(),)),
        True,
    ),
    "one that is not ready": (
        single_server(firewall_rules=(), virtual_network_rules=(replace(subnet_rule(), state="InProgress"),)),
        False,
    ),
}


@pytest.mark.parametrize(("snapshot", "stays"), PUBLIC.values(), ids=PUBLIC.keys())
def test_a_public_way_stays_where_somebody_surely_comes_in_by_it(snapshot: Any, *, stays: bool) -> None:
    assert stays_public(snapshot) is stays


def test_without_an_approved_endpoint_no_private_way_stands_and_it_is_said_why() -> None:
    assert never_privately(server()) == ""
    assert "nobody could connect" in never_privately(server(private_endpoints=()))
    assert "nobody could connect" in never_privately(
        server(private_endpoints=(endpoint(ConnectionStatus.PENDING),))
    )
    assert "is not known" in never_privately(server(private_endpoints=(endpoint(ConnectionStatus.UNKNOWN),)))
    assert "privateEndpointConnections" in never_privately(server(private_endpoints=None))


@pytest.mark.parametrize("state", list(ServerState))
def test_a_change_waits_for_the_server_so_its_state_is_no_part_of_the_question(state: ServerState) -> None:
    world = World(server=server(state=state, state_text=state))
    assert why_cut_off(world, NetworkClient(network=HUB)) == ""


def test_any_azure_address_is_cut_off_from_a_closed_server() -> None:
    said = why_cut_off(World(server=server()), AnyAzure())
    assert said.startswith("clients anywhere in Azure cannot connect: ")
    assert said.endswith("public network access is disabled")


def test_the_endpoints_network_is_meant_first_then_what_is_declared_then_what_is_linked() -> None:
    other = ResourceId(f"{GROUP}/providers/Microsoft.Network/virtualNetworks/other")
    world = World(server=server(private_dns=private_dns(SPOKE)), declared=Declared(networks=(other,)))
    assert networks_meant(world) == (HUB, other, SPOKE)
