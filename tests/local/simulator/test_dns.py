"""Private DNS: zones, links, records, and what zone groups keep in them."""

from __future__ import annotations

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.privatedns.models import (
    ARecord,
    PrivateZone,
    RecordSet,
    RecordSetProperties,
    SubResource,
    VirtualNetworkLink,
    VirtualNetworkLinkProperties,
)

from local.simulator import seeds
from local.simulator.client import ArmCallFailed, SimulatorClient
from local.simulator.values import JsonObject, as_list, as_object, dig
from tests.local.simulator.conftest import Sdk, Webhook
from tests.local.simulator.test_events import events, listen

GROUP = seeds.GROUP
SERVER = seeds.flexible_server_id()
SUBNET = seeds.subnet_id(name="apps")
NETWORK = seeds.vnet(subnets=[seeds.subnet(name="apps", prefix="10.20.2.0/24", delegated=False)])
ENDPOINT = seeds.endpoint_id(name="pe-orders")
ZONE = seeds.zone_id()
NAME = seeds.PRIVATE_LINK_ZONE
GROUPS = f"{ENDPOINT}/privateDnsZoneGroups"
WORLD: list[JsonObject] = [
    seeds.flexible_server(),
    NETWORK,
    seeds.private_dns_zone(),
    seeds.private_endpoint(name="pe-orders", server=SERVER, subnet=SUBNET),
]
ZONES_OF = seeds.zone_group(endpoint=ENDPOINT, zones=[ZONE])
TYPE = "Microsoft.Network/privateDnsZones"


def addresses(sdk: Sdk, record: str = seeds.SERVER) -> list[str | None]:
    shown = sdk.dns.record_sets.get(GROUP, NAME, "A", record)
    assert shown.properties is not None
    return [one.ipv4_address for one in shown.properties.a_records or []]


def record_set(address: str) -> RecordSet:
    return RecordSet(properties=RecordSetProperties(ttl=300, a_records=[ARecord(ipv4_address=address)]))


def test_a_zone_group_writes_the_servers_record_into_the_zone(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed(WORLD)
    client.put(f"{GROUPS}/default", {"properties": ZONES_OF["properties"]})
    [record] = sdk.dns.record_sets.list_by_type(GROUP, NAME, "A")
    assert record.name == seeds.SERVER
    assert addresses(sdk) == ["10.20.2.4"]
    assert record.properties is not None
    assert record.properties.fqdn == f"{seeds.SERVER}.{NAME}."


def test_a_zone_group_tells_the_records_that_it_keeps(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([*WORLD, ZONES_OF])
    [group] = sdk.network.private_dns_zone_groups.list("pe-orders", GROUP)
    assert group.properties is not None
    [config] = group.properties.private_dns_zone_configs or []
    assert config.properties is not None
    assert config.properties.private_dns_zone_id == ZONE
    [record] = config.properties.record_sets or []
    assert (record.fqdn, record.ip_addresses) == (f"{seeds.SERVER}.{NAME}", ["10.20.2.4"])


def test_an_endpoint_with_a_zone_group_shows_no_names_of_its_own(client: SimulatorClient) -> None:
    client.seed(WORLD)
    assert as_list(dig(client.get(ENDPOINT), "properties", "customDnsConfigs"))
    client.put(f"{GROUPS}/default", {"properties": ZONES_OF["properties"]})
    assert dig(client.get(ENDPOINT), "properties", "customDnsConfigs") == []
    client.put(ENDPOINT, client.get(ENDPOINT))
    client.delete(f"{GROUPS}/default")
    assert as_list(dig(client.get(ENDPOINT), "properties", "customDnsConfigs"))


@pytest.mark.parametrize("deleted", [f"{GROUPS}/default", ENDPOINT])
def test_the_record_goes_with_its_zone_group_and_with_the_endpoint(
    client: SimulatorClient, sdk: Sdk, deleted: str
) -> None:
    client.seed([*WORLD, ZONES_OF])
    assert addresses(sdk) == ["10.20.2.4"]
    client.delete(deleted)
    with pytest.raises(ResourceNotFoundError):
        addresses(sdk)


def test_a_record_that_somebody_changed_stays_when_the_zone_group_goes(
    client: SimulatorClient, sdk: Sdk
) -> None:
    client.seed([*WORLD, ZONES_OF])
    sdk.dns.record_sets.create_or_update(GROUP, NAME, "A", seeds.SERVER, record_set("10.9.9.9"))
    client.delete(f"{GROUPS}/default")
    assert addresses(sdk) == ["10.9.9.9"]


def test_a_seeded_record_stands_before_that_of_a_seeded_zone_group(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([ZONES_OF, *WORLD, seeds.a_record(zone=ZONE, addresses=["10.20.2.99"])])
    assert addresses(sdk) == ["10.20.2.99"]


def test_records_are_written_updated_and_deleted(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed(WORLD)
    sdk.dns.record_sets.create_or_update(GROUP, NAME, "A", "db", record_set("10.20.2.4"))
    sdk.dns.record_sets.update(GROUP, NAME, "A", "db", record_set("10.20.2.5"))
    assert addresses(sdk, "db") == ["10.20.2.5"]
    with pytest.raises(HttpResponseError) as refused:
        sdk.dns.record_sets.create_or_update(GROUP, NAME, "A", "db", record_set("10.20.2.500"))
    assert refused.value.status_code == 400
    sdk.dns.record_sets.delete(GROUP, NAME, "A", "db")
    assert list(sdk.dns.record_sets.list_by_type(GROUP, NAME, "A")) == []


def test_zones_and_links_are_written_and_counted(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([NETWORK])
    sdk.dns.private_zones.begin_create_or_update(
        GROUP, "example.org", PrivateZone(location="global")
    ).result()
    link = VirtualNetworkLink(
        location="global",
        properties=VirtualNetworkLinkProperties(
            virtual_network=SubResource(id=seeds.vnet_id()), registration_enabled=True
        ),
    )
    sdk.dns.virtual_network_links.begin_create_or_update(GROUP, "example.org", "link", link).result()
    zone = sdk.dns.private_zones.get(GROUP, "example.org")
    assert zone.properties is not None
    assert zone.properties.number_of_virtual_network_links == 1
    assert zone.properties.number_of_virtual_network_links_with_registration == 1
    [shown] = sdk.dns.virtual_network_links.list(GROUP, "example.org")
    assert shown.properties is not None
    assert shown.properties.virtual_network_link_state == "Completed"
    assert [one.name for one in sdk.dns.private_zones.list()] == ["example.org"]


def test_a_link_can_be_seeded_in_another_state(client: SimulatorClient, sdk: Sdk) -> None:
    link = seeds.zone_link(zone=ZONE, vnet=seeds.vnet_id(), state="InProgress")
    client.seed([*WORLD, link])
    shown = sdk.dns.virtual_network_links.get(GROUP, NAME, "link")
    assert shown.properties is not None
    assert shown.properties.virtual_network_link_state == "InProgress"
    assert shown.properties.provisioning_state == "Succeeded"


def test_a_link_keeps_its_resolution_policy_through_every_write(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([*WORLD, seeds.zone_link(zone=ZONE, vnet=seeds.vnet_id())])
    path = f"{ZONE}/virtualNetworkLinks/link"

    def policy() -> str | None:
        shown = sdk.dns.virtual_network_links.get(GROUP, NAME, "link")
        return shown.properties.resolution_policy if shown.properties else None

    assert policy() == "Default"
    client.patch(path, {"properties": {"resolutionPolicy": "NxDomainRedirect"}})
    assert policy() == "NxDomainRedirect"
    client.patch(path, {"tags": {"team": "hub"}})
    assert policy() == "NxDomainRedirect"
    client.put(path, {"location": "global", "properties": {"virtualNetwork": {"id": seeds.vnet_id()}}})
    assert policy() == "Default"


def test_a_resolution_policy_that_is_none_is_refused_and_so_is_fallback_where_no_public_name_is(
    client: SimulatorClient,
) -> None:
    own = seeds.zone_id(name="orders.private.postgres.database.azure.com")
    client.seed([*WORLD, seeds.private_dns_zone(name="orders.private.postgres.database.azure.com")])
    for zone, policy in ((ZONE, "Sometimes"), (own, "NxDomainRedirect")):
        held: JsonObject = {"virtualNetwork": {"id": seeds.vnet_id()}, "resolutionPolicy": policy}
        with pytest.raises(ArmCallFailed, match="resolution policy"):
            client.put(f"{zone}/virtualNetworkLinks/link", {"location": "global", "properties": held})


def test_links_come_in_pages_of_the_size_that_is_asked_for(client: SimulatorClient, sdk: Sdk) -> None:
    links = [
        seeds.zone_link(zone=ZONE, vnet=seeds.vnet_id(name=f"vnet-{number}"), name=f"link-{number}")
        for number in range(5)
    ]
    client.seed([*WORLD, *links])
    listed = [one.name for one in sdk.dns.virtual_network_links.list(GROUP, NAME, top=2)]
    assert listed == [f"link-{number}" for number in range(5)]
    assert len(client.calls(kind="read", under=f"{ZONE}/virtualNetworkLinks")) == 3


def test_a_linked_zone_is_not_deleted(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([*WORLD, seeds.zone_link(zone=ZONE, vnet=seeds.vnet_id())])
    with pytest.raises(ArmCallFailed) as refused:
        client.delete(ZONE)
    assert refused.value.code == "CannotDeleteResource"
    sdk.dns.virtual_network_links.begin_delete(GROUP, NAME, "link").result()
    sdk.dns.private_zones.begin_delete(GROUP, NAME).result()
    assert list(sdk.dns.private_zones.list()) == []


def test_a_zone_in_the_way_of_a_lock_is_not_written(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([*WORLD, seeds.lock(scope=ZONE, name="keep", level="ReadOnly")])
    with pytest.raises(HttpResponseError) as refused:
        sdk.dns.record_sets.create_or_update(GROUP, NAME, "A", "db", record_set("10.20.2.4"))
    assert refused.value.status_code == 409


def test_links_records_and_zone_groups_are_told(client: SimulatorClient, webhook: Webhook) -> None:
    client.seed(WORLD)
    listen(client, webhook)
    link = seeds.zone_link(zone=ZONE, vnet=seeds.vnet_id())
    record = seeds.a_record(zone=ZONE, name="db", addresses=["10.20.2.4"])
    for body in (link, record):
        client.put(str(body["id"]), {"properties": body["properties"]})
        client.delete(str(body["id"]))
    client.put(f"{GROUPS}/default", {"properties": ZONES_OF["properties"]})
    client.delete(ZONE)
    told = [(dig(one, "data", "operationName"), one["subject"]) for one in events(client, webhook)]
    assert told == [
        (f"{TYPE}/virtualNetworkLinks/write", link["id"]),
        (f"{TYPE}/virtualNetworkLinks/delete", link["id"]),
        (f"{TYPE}/A/write", record["id"]),
        (f"{TYPE}/A/delete", record["id"]),
        ("Microsoft.Network/privateEndpoints/privateDnsZoneGroups/write", f"{GROUPS}/default"),
        (f"{TYPE}/delete", ZONE),
    ]
    assert as_object(client.get(f"{GROUPS}/default"))["name"] == "default"
