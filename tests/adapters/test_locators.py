"""What private endpoints, route tables and zones name, read by the real clients from the simulator."""

from __future__ import annotations

import pytest

from local.simulator import seeds
from local.simulator.values import JsonObject
from shared.adapters.arm.reading import graph, locators
from shared.model import Locator, LocatorKind, Target, TargetKind
from shared.model.errors import Denied, Gone
from shared.model.resource_id import ResourceId
from tests.adapters.conftest import Azure

SERVER = Target(kind=TargetKind.FLEXIBLE_SERVER, id=ResourceId(seeds.flexible_server_id()))
DELEGATED = Target(kind=TargetKind.SUBNET, id=ResourceId(seeds.subnet_id()))
ENDPOINTS = Target(kind=TargetKind.SUBNET, id=ResourceId(seeds.subnet_id(name="snet-endpoints")))
TABLE = seeds.network_id(kind="routeTables", name="through-hub")
VAULT = f"{seeds.group_id()}/providers/Microsoft.KeyVault/vaults/keys"


def locator(kind: LocatorKind, text: str) -> Locator:
    return Locator(kind=kind, id=ResourceId(text))


ENDPOINT = locator(LocatorKind.PRIVATE_ENDPOINT, seeds.endpoint_id(name="pe"))


def seeded(azure: Azure, *more: JsonObject) -> None:
    """A server with an endpoint; a network with a delegated subnet, one for endpoints, one for neither."""
    inner = [
        seeds.subnet(nsg=seeds.nsg_id(), route_table=TABLE),
        seeds.subnet(name="snet-endpoints", prefix="10.20.3.0/24", delegated=False, route_table=TABLE),
        seeds.subnet(name="snet-web", prefix="10.20.2.0/24", delegated=False),
    ]
    azure.simulator.seed(
        [
            seeds.flexible_server(),
            seeds.nsg(),
            seeds.route_table(name="through-hub"),
            seeds.vnet(subnets=inner),
            seeds.private_endpoint(name="pe", server=str(SERVER.id), subnet=str(ENDPOINTS.id)),
            *more,
        ]
    )


def test_an_endpoint_names_its_server_and_its_subnet(azure: Azure) -> None:
    seeded(azure)
    gateway = azure.gateway()
    found = gateway.find_targets(ENDPOINT)
    assert found.targets == (SERVER, ENDPOINTS)
    assert {(relation.source, relation.target) for relation in found.relations} == {
        (ENDPOINT, SERVER),
        (ENDPOINT, ENDPOINTS),
    }
    assert len(gateway.calls) == 1


@pytest.mark.parametrize("field", ["privateLinkServiceConnections", "manualPrivateLinkServiceConnections"])
def test_both_lists_of_connections_count(field: str) -> None:
    body: JsonObject = {
        "id": str(ENDPOINT.id),
        "properties": {
            "subnet": {"id": str(ENDPOINTS.id)},
            field: [{"properties": {"privateLinkServiceId": str(SERVER.id).lower()}}],
        },
    }
    assert graph.endpoint_targets([body]).targets == (SERVER, ENDPOINTS)


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"privateLinkServiceConnections": None},
        {"privateLinkServiceConnections": [{"properties": {"privateLinkServiceId": VAULT}}]},
        {"privateLinkServiceConnections": [{"properties": {}}], "subnet": {"id": str(ENDPOINTS.id)}},
    ],
)
def test_an_endpoint_that_leads_elsewhere_names_nothing(properties: JsonObject) -> None:
    assert graph.endpoint_targets([{"id": str(ENDPOINT.id), "properties": properties}]).targets == ()


def test_a_route_table_names_its_subnets(azure: Azure) -> None:
    seeded(azure)
    source = locator(LocatorKind.ROUTE_TABLE, TABLE)
    gateway = azure.gateway()
    found = gateway.find_targets(source)
    assert set(found.targets) == {DELEGATED, ENDPOINTS}
    assert {(relation.source, relation.target) for relation in found.relations} == {
        (source, DELEGATED),
        (source, ENDPOINTS),
    }
    assert len(gateway.calls) == 1


@pytest.mark.parametrize(
    ("shown", "ours"),
    [
        (None, True),
        ({}, True),
        ({"addressPrefix": "10.20.2.0/24", "delegations": []}, False),
        ({"addressPrefix": "10.20.2.0/24", "privateEndpoints": []}, False),
        ({"privateEndpoints": [{"id": str(ENDPOINT.id)}]}, True),
        ({"delegations": [{"properties": {"serviceName": "Microsoft.Web/serverFarms"}}]}, False),
        (
            {"delegations": [{"properties": {"serviceName": "microsoft.dbforpostgresql/FlexibleServers"}}]},
            True,
        ),
    ],
)
def test_a_subnet_that_shows_that_it_is_not_postgresqls_is_left_out(
    shown: JsonObject | None, ours: bool
) -> None:
    subnet: JsonObject = {"id": str(DELEGATED.id), **({} if shown is None else {"properties": shown})}
    found = locators.subnets_of_table({"id": TABLE, "properties": {"subnets": [subnet]}})
    assert found.targets == ((DELEGATED,) if ours else ())
    assert len(found.relations) == len(found.targets)


def test_a_route_table_without_subnets_names_nothing() -> None:
    assert locators.subnets_of_table({"id": TABLE, "properties": {"routes": []}}).targets == ()


OTHER_SUBSCRIPTION = "33333333-3333-3333-3333-333333333333"
NETWORK = locator(LocatorKind.VIRTUAL_NETWORK, seeds.vnet_id())


def test_a_network_names_the_subnets_of_servers_and_of_their_endpoints(azure: Azure) -> None:
    elsewhere = seeds.private_endpoint(name="pe-vault", server=VAULT, subnet=seeds.subnet_id(name="snet-web"))
    seeded(azure, elsewhere)
    gateway = azure.gateway()
    found = gateway.find_targets(NETWORK)
    assert found.targets == (DELEGATED, ENDPOINTS)
    related = {(relation.source.key, relation.target) for relation in found.relations}
    assert (NETWORK.key, ENDPOINTS) in related
    assert (locator(LocatorKind.ROUTE_TABLE, TABLE).key, ENDPOINTS) in related
    assert len(gateway.calls) == 2


def test_a_network_names_a_subnet_that_a_server_stands_in_though_it_is_not_delegated(azure: Azure) -> None:
    web = seeds.subnet_id(name="snet-web")
    far = seeds.flexible_server_id(name="far").replace(seeds.SUBSCRIPTION, OTHER_SUBSCRIPTION)
    seeded(azure, {**seeds.flexible_server(delegated_subnet=web), "id": far})
    found = azure.gateway().find_targets(NETWORK)
    assert [str(target.id) for target in found.targets] == [str(DELEGATED.id), str(ENDPOINTS.id), web]


def test_an_endpoint_in_a_network_of_a_longer_name_is_another_networks(azure: Azure) -> None:
    twin = f"{seeds.vnet_id().rsplit('/', 1)[1]}-2"
    seeded(
        azure,
        seeds.vnet(
            name=twin, subnets=[seeds.subnet(name="snet-web", prefix="10.20.2.0/24", delegated=False)]
        ),
        seeds.private_endpoint(
            name="pe-twin", server=str(SERVER.id), subnet=seeds.subnet_id(vnet=twin, name="snet-web")
        ),
    )
    assert azure.gateway().find_targets(NETWORK).targets == (DELEGATED, ENDPOINTS)


def test_a_network_of_delegated_subnets_needs_no_more_than_its_own_word(azure: Azure) -> None:
    azure.simulator.seed([seeds.nsg(), seeds.vnet(subnets=[seeds.subnet(nsg=seeds.nsg_id())])])
    gateway = azure.gateway()
    assert gateway.find_targets(NETWORK).targets == (DELEGATED,)
    assert len(gateway.calls) == 1


def test_where_resource_graph_may_not_be_asked_the_delegated_subnets_are_named(azure: Azure) -> None:
    seeded(azure)
    then: JsonObject = {"status": 403, "code": "AuthorizationFailed"}
    azure.simulator.fault(then, path_contains="Microsoft.ResourceGraph")
    assert azure.gateway().find_targets(NETWORK).targets == (DELEGATED,)


def test_a_zone_is_not_read(azure: Azure) -> None:
    gateway = azure.gateway()
    zone = seeds.network_id(kind="privateDnsZones", name="privatelink.postgres.database.azure.com")
    assert gateway.find_targets(locator(LocatorKind.PRIVATE_DNS_ZONE, zone)).targets == ()
    assert not gateway.calls


@pytest.mark.parametrize("source", [ENDPOINT, locator(LocatorKind.ROUTE_TABLE, TABLE)])
def test_a_locator_of_something_deleted_is_gone(azure: Azure, source: Locator) -> None:
    with pytest.raises(Gone):
        azure.gateway().find_targets(source)


def test_an_endpoint_that_our_identity_may_not_read_is_denied(azure: Azure) -> None:
    seeded(azure)
    then: JsonObject = {"status": 403, "code": "AuthorizationFailed"}
    azure.simulator.fault(then, path_contains="privateEndpoints")
    with pytest.raises(Denied):
        azure.gateway().find_targets(ENDPOINT)


def test_the_sweep_lists_subnets_that_hold_a_servers_endpoint(azure: Azure) -> None:
    elsewhere = seeds.private_endpoint(name="pe-vault", server=VAULT, subnet=seeds.subnet_id(name="snet-web"))
    seeded(azure, elsewhere)
    pages = list(azure.gateway().enumerate(ResourceId(f"/subscriptions/{seeds.SUBSCRIPTION}")))
    assert [target for page in pages for target in page.targets] == [SERVER, DELEGATED, ENDPOINTS]
    related = {(r.source.key, r.target) for page in pages for r in page.relations}
    network = locator(LocatorKind.VIRTUAL_NETWORK, seeds.vnet_id())
    assert related == {
        (network.key, DELEGATED),
        (network.key, ENDPOINTS),
        (locator(LocatorKind.NSG, seeds.nsg_id()).key, DELEGATED),
        (locator(LocatorKind.ROUTE_TABLE, TABLE).key, DELEGATED),
        (locator(LocatorKind.ROUTE_TABLE, TABLE).key, ENDPOINTS),
        (ENDPOINT.key, SERVER),
        (ENDPOINT.key, ENDPOINTS),
    }


def test_an_endpoint_in_another_group_makes_its_subnet_a_target_of_the_subnets_group(azure: Azure) -> None:
    seeded(
        azure,
        seeds.private_endpoint(
            name="far", server=str(SERVER.id), subnet=seeds.subnet_id(name="snet-web"), group="rg-apps"
        ),
    )
    pages = list(azure.gateway().enumerate(ResourceId(seeds.group_id())))
    assert seeds.subnet_id(name="snet-web") in [str(t.id) for page in pages for t in page.targets]
    alone = list(azure.gateway().enumerate(ResourceId(seeds.group_id(group="rg-apps"))))
    assert [target for page in alone for target in page.targets] == []
