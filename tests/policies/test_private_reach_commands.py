"""What a person is told to do about private reach is what azure-cli itself understands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from shared.model import ConnectionStatus, ServerSnapshot
from shared.model.parts import Availability, DnsZone, EndpointDns, PrivateDns, ZoneConfig, ZoneLink
from shared.model.resource_id import ResourceId
from shared.policies import discover
from shared.posture.policy import AnyPolicy, bound, examples
from tests.alerts.test_commands import parsed
from tests.policies.stored import stored
from tests.policies.told import every_command

FAMILY = [
    policy
    for policy in discover()
    if any(word in policy.id for word in ("private-endpoint", "endpoint-dns", "vnet-dns", "dns-zone"))
]
FURTHER = ResourceId(
    "/subscriptions/22222222-3333-4444-5555-666666666666/resourceGroups/network/providers/Microsoft.Network"
    "/privateDnsZones/private.example.com"
)
LOGIN = "Please run 'az login' to setup account."
"""Where azure-cli asks Azure for the resource group's region: after it has parsed everything."""


def variants(drifted: ServerSnapshot) -> Iterator[ServerSnapshot]:
    """A drifted reading, and what leads to further commands."""
    yield drifted
    yield replace(drifted, private_endpoints=())
    yield replace(drifted, high_availability=True, availability=Availability(mode="SameZone"))
    for status in (ConnectionStatus.PENDING, ConnectionStatus.DISCONNECTED):
        connections = tuple(replace(one, status=status) for one in drifted.private_endpoints or ())
        yield replace(drifted, private_endpoints=connections)
    dns = drifted.private_dns
    if dns is None:
        return
    for named in ({"group_zones": (), "group": ""}, {"group": "default"}):
        endpoints = tuple(replace(one, **named) for one in dns.endpoints)
        zones = tuple(replace(one, record=()) for one in dns.zones)
        yield replace(drifted, private_dns=replace(dns, endpoints=endpoints, zones=zones))
        pending = tuple(
            replace(zone, links=tuple(replace(link, state="InProgress") for link in zone.links or ()))
            for zone in dns.zones
        )
        yield replace(drifted, private_dns=replace(dns, endpoints=endpoints, zones=pending))
    yield replace(drifted, private_dns=replace(dns, zones=tuple(linked_elsewhere(dns))))
    unrecorded = tuple(replace(zone, record=()) for zone in dns.zones)
    for further in ((), (FURTHER,)):
        endpoints = tuple(grouped(one, *further) for one in dns.endpoints)
        yield replace(drifted, private_dns=replace(dns, endpoints=endpoints, zones=unrecorded))
    yield replace(drifted, private_dns=PrivateDns(endpoints=dns.endpoints, found=()))


def linked_elsewhere(dns: PrivateDns) -> Iterator[DnsZone]:
    """The zones without links, and another of each name to which the endpoints' networks are linked."""
    networks = [one.network.id for one in dns.endpoints if one.network is not None]
    links = tuple(ZoneLink(name="theirs", network=network, state="Completed") for network in networks)
    for zone in dns.zones:
        yield replace(zone, links=())
        other = ResourceId(str(zone.id).replace("/resourceGroups/", "/resourceGroups/other-"))
        yield replace(zone, id=other, links=links)


def grouped(endpoint: EndpointDns, *further: ResourceId) -> EndpointDns:
    """The endpoint with a zone group whose entries have names; ``further`` zones are among them."""
    zones = (*(endpoint.group_zones or ()), *further)
    entries = tuple(ZoneConfig(name=f"zone-{at}", zone=zone) for at, zone in enumerate(zones))
    return replace(endpoint, group="default", group_zones=zones, group_configs=entries)


def commands_of(policy: AnyPolicy) -> Iterator[str]:
    for kind in sorted(policy.targets):
        drifted = stored(policy.id, kind, "drifted")
        assert isinstance(drifted, ServerSnapshot)
        for snapshot in variants(drifted):
            yield from every_command(bound(policy, examples(policy)).evaluate(snapshot).evidence)


def test_every_policy_of_the_family_tells_a_command() -> None:
    assert len(FAMILY) >= 9
    assert all(list(commands_of(policy)) for policy in FAMILY)


@pytest.mark.az
def test_azure_cli_understands_what_a_person_is_told() -> None:
    told = sorted({command for policy in FAMILY for command in commands_of(policy)})
    replies = dict(zip(told, parsed(told), strict=True))
    wrong = {
        command: reply
        for command, reply in replies.items()
        if not reply["ok"] and LOGIN not in str(reply["error"])
    }
    assert wrong == {}
    assert sum(bool(reply["ok"]) for reply in replies.values()) > len(told) / 2
