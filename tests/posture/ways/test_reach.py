"""How a server can be reached, in words, as every finding on it tells."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

import pytest

from shared.model import ConnectionStatus, PublicAccess, Severity
from shared.model.parts import PrivateDns
from shared.model.resource_id import ResourceId
from shared.posture.findings import compliant, finding
from shared.posture.ways.reach import Reach, reach, reach_evidence, with_reach
from tests.builders import (
    ALL_AZURE,
    ENDPOINT,
    GROUP,
    HUB,
    OFFICE,
    SUBNET,
    endpoint,
    private_dns,
    server,
    single_server,
    subnet,
    subnet_rule,
)

ELSEWHERE = ResourceId(f"{GROUP}/providers/Microsoft.Network/virtualNetworks/elsewhere")

REACHES: list[tuple[dict[str, Any], Reach]] = [
    ({"public_access": PublicAccess.ENABLED, "firewall_rules": (OFFICE,)}, Reach.PUBLIC_WITH_RULES),
    ({"public_access": PublicAccess.ENABLED, "firewall_rules": (ALL_AZURE,)}, Reach.PUBLIC_WITH_RULES),
    ({"public_access": PublicAccess.ENABLED, "firewall_rules": ()}, Reach.PUBLIC_WITHOUT_RULES),
    ({"firewall_rules": (OFFICE,)}, Reach.PRIVATE_ONLY),
    ({"firewall_rules": (OFFICE,), "private_endpoints": ()}, Reach.UNREACHABLE),
    ({"private_endpoints": None}, Reach.UNKNOWN),
    ({"firewall_rules": None}, Reach.PRIVATE_ONLY),
    ({"firewall_rules": None, "private_endpoints": ()}, Reach.UNREACHABLE),
    ({"public_access": PublicAccess.ENABLED, "firewall_rules": None}, Reach.UNKNOWN),
    ({"public_access": PublicAccess.UNKNOWN}, Reach.UNKNOWN),
    ({"public_access": PublicAccess.ENABLED, "delegated_subnet": SUBNET}, Reach.PRIVATE_ONLY),
    ({"public_access": PublicAccess.UNKNOWN, "delegated_subnet": SUBNET}, Reach.PRIVATE_ONLY),
]


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"virtual_network_rules": (subnet_rule(),), "firewall_rules": ()}, Reach.PUBLIC_WITH_RULES),
        ({"virtual_network_rules": None, "firewall_rules": (OFFICE,)}, Reach.PUBLIC_WITH_RULES),
        ({"virtual_network_rules": None, "firewall_rules": ()}, Reach.UNKNOWN),
        ({"virtual_network_rules": (subnet_rule(),), "firewall_rules": None}, Reach.UNKNOWN),
        ({"virtual_network_rules": (), "firewall_rules": ()}, Reach.PUBLIC_WITHOUT_RULES),
        (
            {"virtual_network_rules": (subnet_rule(),), "public_access": PublicAccess.DISABLED},
            Reach.PRIVATE_ONLY,
        ),
    ],
)
def test_a_single_servers_virtual_network_rules_count_as_rules(parts: dict[str, Any], words: Reach) -> None:
    assert reach(single_server(**parts)) is words


@pytest.mark.parametrize(("parts", "words"), REACHES)
def test_a_servers_reach_in_words(parts: dict[str, Any], words: Reach) -> None:
    assert reach(server(**parts)) is words


WAYS_IN: list[tuple[dict[str, Any], list[str]]] = [
    (
        {
            "public_access": PublicAccess.ENABLED,
            "firewall_rules": (OFFICE, ALL_AZURE),
            "private_endpoints": (),
        },
        ["198.51.100.0-198.51.100.255", "every Azure address"],
    ),
    (
        {"public_access": PublicAccess.ENABLED, "firewall_rules": ()},
        [f"private endpoint {endpoint().endpoint}"],
    ),
    ({"firewall_rules": (OFFICE,), "private_endpoints": (endpoint(ConnectionStatus.PENDING),)}, []),
    (
        {"public_access": PublicAccess.UNKNOWN, "firewall_rules": None, "private_endpoints": None},
        ["firewall rules that were not read", "private endpoints that the server does not show"],
    ),
    (
        {"delegated_subnet": SUBNET, "firewall_rules": (OFFICE,)},
        [f"the virtual network, through subnet {SUBNET}"],
    ),
]


@pytest.mark.parametrize(
    ("parts", "ways"),
    [
        (
            {"virtual_network_rules": (subnet_rule("a"), subnet_rule("b"))},
            ["198.51.100.0-198.51.100.255", f"the service endpoint of subnet {SUBNET}"],
        ),
        (
            {"virtual_network_rules": None},
            ["198.51.100.0-198.51.100.255", "virtual network rules that were not read"],
        ),
        (
            {"virtual_network_rules": (subnet_rule(),), "firewall_rules": None},
            ["firewall rules that were not read", f"the service endpoint of subnet {SUBNET}"],
        ),
        ({"virtual_network_rules": (subnet_rule(),), "public_access": PublicAccess.DISABLED}, []),
    ],
)
def test_the_ways_in_of_a_single_server_name_the_subnets(parts: dict[str, Any], ways: list[str]) -> None:
    assert reach_evidence(single_server(**{"private_endpoints": (), **parts}))["waysIn"] == ways


@pytest.mark.parametrize(("parts", "ways"), WAYS_IN)
def test_the_evidence_of_a_servers_reach_names_the_ways_in(parts: dict[str, Any], ways: list[str]) -> None:
    snapshot = server(**parts)
    assert reach_evidence(snapshot) == {
        "publicNetworkAccess": snapshot.public_access_text,
        "reach": str(reach(snapshot)),
        "waysIn": ways,
    }


def test_of_a_server_the_reach_is_told_and_of_a_subnet_it_is_not() -> None:
    judged = compliant("fine", {"x": 1})
    told = with_reach(finding("p", Severity.LOW, server(), judged), server())
    assert told.evidence == {"x": 1, **reach_evidence(server())}
    of_subnet = finding("p", Severity.LOW, subnet(), judged)
    assert with_reach(of_subnet, subnet()) == of_subnet


# --- the name of an endpoint -----------------------------------------------------------------------

UNRESOLVED = f"private endpoint {ENDPOINT}, to which the server's name leads in no network"


@pytest.mark.field(
    "ways",
    "An approved endpoint to which the server's name leads in no network is told as that in every finding",
    source="https://learn.microsoft.com/en-us/azure/postgresql/network/concepts-networking-private-link",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("dns", "told"),
    [
        (private_dns(HUB), f"private endpoint {ENDPOINT}"),
        (private_dns(ELSEWHERE), f"private endpoint {ENDPOINT}"),
        (None, f"private endpoint {ENDPOINT}"),
        (private_dns(), UNRESOLVED),
        (private_dns(HUB, record=()), UNRESOLVED),
        (private_dns(HUB, record=(IPv4Address("10.9.9.9"),)), UNRESOLVED),
    ],
    ids=["linked", "linked to another network", "not read", "no link", "no record", "a wrong record"],
)
def test_an_endpoint_is_told_with_what_its_name_comes_to(dns: PrivateDns | None, told: str) -> None:
    assert reach_evidence(server(private_dns=dns))["waysIn"] == [told]
