"""Servers whose endpoints are named in private DNS, for the policies about zones, links and records."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest

from shared.model import (
    ComplianceState,
    Finding,
    ServerSnapshot,
)
from shared.model.parts import DnsZone, EndpointDns, NetworkDns, PrivateDns, ZoneLink
from shared.model.resource_id import ResourceId
from shared.policies.private_reach.postgres_endpoint_dns_record_wrong import POLICY as RECORD_WRONG
from shared.policies.private_reach.postgres_endpoint_dns_zone_not_linked import POLICY as NOT_LINKED
from shared.policies.private_reach.postgres_endpoint_dns_zone_wrong import POLICY as ZONE_WRONG
from shared.posture.policy import AnyPolicy, bound
from tests.builders import server

COMPLIANT, NON_COMPLIANT, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)
NAME = "privatelink.postgres.database.azure.com"
TEAM = (
    "/subscriptions/22222222-3333-4444-5555-666666666666/resourceGroups/network/providers/Microsoft.Network"
)
ZONE = ResourceId(f"{TEAM}/privateDnsZones/{NAME}")
CENTRAL = ResourceId(f"{TEAM.replace('network/providers', 'hub/providers')}/privateDnsZones/{NAME}")
OTHER_NAME = ResourceId(f"{TEAM}/privateDnsZones/private.example.com")
THIRD_NAME = ResourceId(f"{TEAM}/privateDnsZones/internal.example.com")
SPOKE = ResourceId(f"{TEAM}/virtualNetworks/spoke")
HUB = ResourceId(f"{TEAM}/virtualNetworks/hub")
FAR = ResourceId(f"{TEAM}/virtualNetworks/far")
PE = ResourceId(f"{TEAM}/privateEndpoints/orders-pe")
SECOND = ResourceId(f"{TEAM}/privateEndpoints/second-pe")
ADDRESS, OTHER_ADDRESS, GONE_ADDRESS = map(IPv4Address, ("10.30.1.4", "10.30.1.5", "10.30.1.9"))
ALL = (ZONE_WRONG, NOT_LINKED, RECORD_WRONG)

every_policy = pytest.mark.parametrize("policy", ALL, ids=lambda policy: policy.id)


def placed(**parts: Any) -> EndpointDns:
    """An endpoint in the spoke, which Azure's resolver answers; its zone group names the zone."""
    whole = EndpointDns(
        id=PE,
        addresses=(ADDRESS,),
        network=NetworkDns(id=SPOKE, dns_servers=()),
        group_zones=(ZONE,),
        group="default",
    )
    return replace(whole, **parts)


def zone(**parts: Any) -> DnsZone:
    """The zone, linked to the spoke, with the endpoint's record."""
    link = ZoneLink(name="spoke", network=SPOKE, state="Completed")
    return replace(DnsZone(id=ZONE, exists=True, links=(link,), record=(ADDRESS,)), **parts)


def dns(*endpoints: EndpointDns, zones: tuple[DnsZone, ...] | None = None, **parts: Any) -> PrivateDns:
    read = (zone(),) if zones is None else zones
    found = tuple(one.id for one in read if one.exists)
    whole = PrivateDns(endpoints=endpoints or (placed(),), zones=read, found=found)
    return replace(whole, **parts)


def with_dns(read: PrivateDns | None, **parts: Any) -> ServerSnapshot:
    return server(
        **{
            "host_name": "orders.postgres.database.azure.com",
            "private_dns": read,
            "firewall_rules": None,
            **parts,
        }
    )


def judged(policy: AnyPolicy, snapshot: ServerSnapshot, **settings: Any) -> Finding:
    finding: Finding = bound(policy, settings).evaluate(snapshot)
    assert bound(policy, settings).plan(finding, snapshot) is None
    return finding


def states(snapshot: ServerSnapshot, **settings: Any) -> list[ComplianceState]:
    """What the three policies say: zone, link, record."""
    return [judged(policy, snapshot, **settings).state for policy in ALL]


CUSTOM = NetworkDns(id=SPOKE, dns_servers=("10.10.0.5", "10.10.0.4"))
