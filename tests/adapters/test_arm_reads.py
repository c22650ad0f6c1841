"""Reading, resolving, enumerating with the real clients against the simulator: shapes, numbers of calls."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from local.simulator import seeds
from local.simulator.values import JsonObject
from shared.adapters.arm.session.tokens import LOCAL_IDENTITY
from shared.model import (
    Aspect,
    ConnectionStatus,
    Locator,
    LocatorKind,
    PublicAccess,
    ServerSnapshot,
    ServerState,
    Target,
    TargetKind,
)
from shared.model.errors import Denied, Gone, Throttled, Transient
from shared.model.resource_id import ResourceId
from tests.adapters.conftest import NOW, Azure

FLEXIBLE = Target(kind=TargetKind.FLEXIBLE_SERVER, id=ResourceId(seeds.flexible_server_id()))
SINGLE = Target(kind=TargetKind.SINGLE_SERVER, id=ResourceId(seeds.single_server_id()))
SUBNET = Target(kind=TargetKind.SUBNET, id=ResourceId(seeds.subnet_id()))
SERVER_ASPECTS = frozenset({Aspect.SERVER, Aspect.FIREWALL_RULES})


def flexible(azure: Azure, aspects: frozenset[Aspect] = SERVER_ASPECTS) -> tuple[ServerSnapshot, list[int]]:
    gateway = azure.gateway()
    snapshot = gateway.read(FLEXIBLE, aspects)
    assert isinstance(snapshot, ServerSnapshot)
    return snapshot, [call.status for call in gateway.calls]


def seeded_subnet(azure: Azure) -> None:
    rule = seeds.security_rule(name="deny-all", priority=200)
    azure.simulator.seed([seeds.nsg(rules=[rule]), seeds.vnet(subnets=[seeds.subnet(nsg=seeds.nsg_id())])])


# --- servers ---------------------------------------------------------------------------------------


def test_a_flexible_server_with_its_rules_costs_two_reads(azure: Azure) -> None:
    azure.simulator.seed(
        [
            seeds.flexible_server(),
            seeds.firewall_rule(server=seeds.flexible_server_id(), name="azure", start="0.0.0.0"),
            seeds.vnet(subnets=[seeds.subnet(delegated=False)]),
            seeds.private_endpoint(name="pe", server=seeds.flexible_server_id(), subnet=seeds.subnet_id()),
        ]
    )
    azure.simulator.reset_calls()
    snapshot, statuses = flexible(azure)
    assert statuses == [200, 200]
    assert len(azure.simulator.calls()) == 2
    assert (snapshot.state, snapshot.public_access) == (ServerState.READY, PublicAccess.ENABLED)
    assert [rule.allows_all_azure for rule in snapshot.firewall_rules or ()] == [True]
    (connection,) = snapshot.private_endpoints or ()
    assert connection.status is ConnectionStatus.APPROVED
    assert connection.endpoint == ResourceId(seeds.endpoint_id(name="pe"))
    assert snapshot.read_at == NOW


def test_a_server_alone_costs_one_read(azure: Azure) -> None:
    azure.simulator.seed([seeds.flexible_server()])
    snapshot, statuses = flexible(azure, frozenset({Aspect.SERVER}))
    assert statuses == [200]
    assert snapshot.firewall_rules is None


def test_rules_are_read_over_all_pages(azure: Azure) -> None:
    server = seeds.flexible_server_id()
    rules = [seeds.firewall_rule(server=server, name=f"r{n}", start=f"10.0.0.{n}") for n in range(5)]
    azure.simulator.seed([seeds.flexible_server(), *rules])
    azure.simulator.switches(page_size=2)
    snapshot, statuses = flexible(azure)
    assert statuses == [200, 200, 200, 200]
    assert [rule.start for rule in snapshot.firewall_rules or ()] == [
        IPv4Address(f"10.0.0.{n}") for n in range(5)
    ]


def test_a_single_server_is_read_with_its_rules_through_its_own_api(azure: Azure) -> None:
    rule = seeds.firewall_rule(
        server=seeds.single_server_id(), name="all", start="0.0.0.0", end="255.255.255.255"
    )
    azure.simulator.seed([seeds.single_server(), rule])
    gateway = azure.gateway()
    snapshot = gateway.read(SINGLE, SERVER_ASPECTS)
    assert isinstance(snapshot, ServerSnapshot)
    assert (snapshot.kind, snapshot.public_access) == (TargetKind.SINGLE_SERVER, PublicAccess.ENABLED)
    assert [(str(rule.start), str(rule.end)) for rule in snapshot.firewall_rules or ()] == [
        ("0.0.0.0", "255.255.255.255")
    ]
    assert [call["apiVersion"] for call in azure.simulator.calls()] == ["2017-12-01", "2017-12-01"]
    assert len(gateway.calls) == 2


def test_a_server_that_does_not_exist_is_gone(azure: Azure) -> None:
    azure.simulator.seed([seeds.flexible_server(name="another")])
    with pytest.raises(Gone) as caught:
        flexible(azure)
    assert (caught.value.status, caught.value.code) == (404, "ResourceNotFound")


def test_rules_that_vanish_with_the_server_are_unknown(azure: Azure) -> None:
    azure.simulator.seed([seeds.flexible_server()])
    azure.simulator.fault({"status": 404, "code": "ResourceNotFound"}, path_contains="/firewallRules")
    snapshot, statuses = flexible(azure)
    assert snapshot.firewall_rules is None
    assert statuses == [200, 404]


def in_a_subnet(azure: Azure) -> None:
    azure.simulator.seed(
        [
            seeds.vnet(subnets=[seeds.subnet()]),
            seeds.flexible_server(public_access="Disabled", delegated_subnet=seeds.subnet_id()),
        ]
    )


def test_rules_of_a_server_in_a_subnet_are_read_though_they_have_no_effect(azure: Azure) -> None:
    in_a_subnet(azure)
    azure.simulator.seed(
        [seeds.firewall_rule(server=seeds.flexible_server_id(), name="old", start="1.2.3.4")]
    )
    snapshot, statuses = flexible(azure)
    assert [rule.name for rule in snapshot.firewall_rules or ()] == ["old"]
    assert (snapshot.vnet_integrated, snapshot.private_endpoints, statuses) == (True, (), [200, 200])


def test_a_server_in_a_subnet_whose_rules_azure_refuses_to_list_has_none(azure: Azure) -> None:
    in_a_subnet(azure)
    refusal: JsonObject = {"status": 400, "code": "FirewallRuleNotAllowedOnPrivateServer"}
    azure.simulator.fault(refusal, path_contains="/firewallRules")
    snapshot, statuses = flexible(azure)
    assert (snapshot.firewall_rules, statuses) == ((), [200, 400])


def test_the_same_refusal_for_a_server_with_a_firewall_leaves_its_rules_unknown(azure: Azure) -> None:
    azure.simulator.seed([seeds.flexible_server()])
    azure.simulator.fault({"status": 400, "code": "Strange"}, path_contains="/firewallRules")
    snapshot, _ = flexible(azure)
    assert snapshot.firewall_rules is None
    assert Aspect.FIREWALL_RULES in snapshot.unread


def test_a_stopped_server_that_hides_its_rules_is_still_read(azure: Azure) -> None:
    azure.simulator.seed([seeds.flexible_server(state="Stopped")])
    azure.simulator.fault({"status": 500, "code": "InternalServerError"}, path_contains="/firewallRules")
    snapshot, statuses = flexible(azure)
    assert (snapshot.state, snapshot.firewall_rules) == (ServerState.STOPPED, None)
    assert (statuses, azure.slept) == ([200, 500], [])


def test_an_updating_server_that_hides_its_rules_is_read_as_busy_without_them(azure: Azure) -> None:
    azure.simulator.seed([seeds.flexible_server(state="Updating")])
    azure.simulator.fault({"status": 500, "code": "InternalServerError"}, path_contains="/firewallRules")
    snapshot, _ = flexible(azure)
    assert (snapshot.state, snapshot.firewall_rules) == (ServerState.BUSY, None)
    assert azure.slept == []


def test_rules_that_may_not_be_read_are_unread_and_the_missing_action_is_named(azure: Azure) -> None:
    azure.simulator.seed([seeds.flexible_server()])
    allowed = ["Microsoft.DBforPostgreSQL/flexibleServers/read"]
    azure.simulator.roles({LOCAL_IDENTITY.app_id or "": allowed})
    snapshot, _ = flexible(azure)
    assert snapshot.firewall_rules is None
    assert snapshot.unread[Aspect.FIREWALL_RULES] == (
        "our identity may not perform Microsoft.DBforPostgreSQL/flexibleServers/firewallRules/read"
        f" on {FLEXIBLE.id}"
    )


# --- repeating -------------------------------------------------------------------------------------


def test_a_read_that_is_throttled_waits_as_long_as_arm_asks(azure: Azure) -> None:
    azure.simulator.seed([seeds.flexible_server()])
    azure.simulator.fault({"status": 429, "code": "TooManyRequests", "headers": {"Retry-After": "3"}})
    _, statuses = flexible(azure, frozenset({Aspect.SERVER}))
    assert (statuses, azure.slept) == ([429, 200], [3.0])


def test_a_long_wait_is_the_queues_business(azure: Azure) -> None:
    azure.simulator.seed([seeds.flexible_server()])
    azure.simulator.fault({"status": 429, "code": "TooManyRequests", "headers": {"Retry-After": "17"}})
    with pytest.raises(Throttled) as caught:
        flexible(azure)
    assert (caught.value.retry_after, azure.slept) == (17.0, [])


def test_a_read_is_tried_three_times_at_most(azure: Azure) -> None:
    azure.simulator.seed([seeds.flexible_server()])
    azure.simulator.fault({"status": 503, "code": "ServiceUnavailable"}, times=9)
    gateway = azure.gateway()
    with pytest.raises(Transient):
        gateway.read(FLEXIBLE, frozenset())
    assert [call.status for call in gateway.calls] == [503, 503, 503]
    assert azure.slept == [1.0, 2.0]


def test_a_dropped_connection_is_counted_and_tried_again(azure: Azure) -> None:
    azure.simulator.seed([seeds.flexible_server()])
    azure.simulator.fault({"drop": True})
    _, statuses = flexible(azure, frozenset({Aspect.SERVER}))
    assert statuses == [0, 200]


def test_a_denied_read_is_not_tried_again(azure: Azure) -> None:
    azure.simulator.seed([seeds.flexible_server()])
    azure.simulator.fault({"status": 403, "code": "AuthorizationFailed"}, times=9)
    with pytest.raises(Denied):
        flexible(azure)
    assert azure.slept == []


# --- from a locator --------------------------------------------------------------------------------


def test_a_group_names_its_subnets(azure: Azure) -> None:
    seeded_subnet(azure)
    locator = Locator(kind=LocatorKind.NSG, id=ResourceId(seeds.nsg_id()))
    gateway = azure.gateway()
    found = gateway.find_targets(locator)
    assert found.targets == (SUBNET,)
    assert [(relation.source, relation.target) for relation in found.relations] == [(locator, SUBNET)]
    assert len(gateway.calls) == 1


def test_a_virtual_network_names_its_postgres_subnets_only(azure: Azure) -> None:
    inner = [
        seeds.subnet(nsg=seeds.nsg_id()),
        seeds.subnet(name="web", prefix="10.20.2.0/24", delegated=False),
    ]
    azure.simulator.seed([seeds.nsg(), seeds.vnet(subnets=inner)])
    locator = Locator(kind=LocatorKind.VIRTUAL_NETWORK, id=ResourceId(seeds.vnet_id()))
    found = azure.gateway().find_targets(locator)
    assert found.targets == (SUBNET,)
    assert [relation.source.kind for relation in found.relations] == [
        LocatorKind.VIRTUAL_NETWORK,
        LocatorKind.NSG,
    ]


@pytest.mark.parametrize("kind", [LocatorKind.NSG, LocatorKind.VIRTUAL_NETWORK])
def test_a_locator_of_something_deleted_is_gone(azure: Azure, kind: LocatorKind) -> None:
    text = seeds.nsg_id() if kind is LocatorKind.NSG else seeds.vnet_id()
    with pytest.raises(Gone):
        azure.gateway().find_targets(Locator(kind=kind, id=ResourceId(text)))


# --- a scope ---------------------------------------------------------------------------------------


def seeded_scope(azure: Azure) -> None:
    azure.simulator.seed(
        [
            *(seeds.flexible_server(name=f"pg-{index}") for index in range(3)),
            seeds.flexible_server(name="elsewhere", group="rg-other"),
            seeds.single_server(name="old"),
            seeds.nsg(),
            seeds.vnet(subnets=[seeds.subnet(nsg=seeds.nsg_id())]),
        ]
    )


def test_a_subscription_is_enumerated_page_by_page(azure: Azure) -> None:
    seeded_scope(azure)
    azure.simulator.switches(page_size=2)
    gateway = azure.gateway()
    pages = list(gateway.enumerate(ResourceId(f"/subscriptions/{seeds.SUBSCRIPTION}")))
    targets = [target for page in pages for target in page.targets]
    assert sorted(target.id.name for target in targets) == [
        "elsewhere",
        "old",
        "pg-0",
        "pg-1",
        "pg-2",
        seeds.SUBNET,
    ]
    assert {target.kind for target in targets} == set(TargetKind)
    assert {relation.source.kind for page in pages for relation in page.relations} == {
        LocatorKind.NSG,
        LocatorKind.VIRTUAL_NETWORK,
    }
    assert [len(page.targets) for page in pages] == [2, 2, 1, 1]
    assert [call.method for call in gateway.calls] == ["POST"] * 5


def test_a_resource_group_is_enumerated_alone(azure: Azure) -> None:
    seeded_scope(azure)
    pages = azure.gateway().enumerate(ResourceId(seeds.group_id(group="RG-OTHER")))
    assert [target.id.name for page in pages for target in page.targets] == ["elsewhere"]


def test_a_scope_as_a_locator_gives_the_same_in_one_piece(azure: Azure) -> None:
    seeded_scope(azure)
    scope = ResourceId(seeds.group_id())
    whole = azure.gateway().find_targets(Locator(kind=LocatorKind.SCOPE, id=scope))
    pages = list(azure.gateway().enumerate(scope))
    assert whole.targets == tuple(target for page in pages for target in page.targets)
    assert len(whole.relations) == 2


# --- what may rely on the public path --------------------------------------------------------------


def test_a_server_shows_what_may_rely_on_its_public_path(azure: Azure) -> None:
    azure.simulator.seed([seeds.flexible_server()])
    azure.simulator.patch(
        f"{seeds.flexible_server_id()}/configurations/wal_level",
        {"properties": {"value": "logical", "source": "user-override"}},
    )
    found = azure.gateway().dependants(FLEXIBLE)
    assert found["logicalReplication"] is True
    assert set(found) == {"logicalReplication", "fabricMirroring", "runningMigrations"}


def test_what_cannot_be_read_about_dependants_is_unknown(azure: Azure) -> None:
    azure.simulator.seed([seeds.flexible_server()])
    azure.simulator.fault({"status": 403, "code": "AuthorizationFailed"}, times=9)
    assert set(azure.gateway().dependants(FLEXIBLE).values()) == {None}


def test_a_subnet_has_no_dependants_to_show(azure: Azure) -> None:
    gateway = azure.gateway()
    assert (gateway.dependants(SUBNET), gateway.calls) == ({}, ())


# --- an NSG by its id ------------------------------------------------------------------------------


def test_an_nsg_is_read_by_its_id_with_its_region_in_one_request(azure: Azure) -> None:
    seeded_subnet(azure)
    gateway = azure.gateway()
    reading = gateway.security_group(ResourceId(seeds.nsg_id().upper()))
    assert [(call.method, call.status) for call in gateway.calls] == [("GET", 200)]
    assert (reading.group.id, reading.location) == (ResourceId(seeds.nsg_id()), seeds.LOCATION)
    assert [rule.name for rule in reading.group.rules] == ["deny-all"]
    assert len(reading.group.default_rules) == 6
    assert reading.group.subnets == (ResourceId(seeds.subnet_id()),)


def test_an_nsg_that_does_not_exist_is_gone(azure: Azure) -> None:
    with pytest.raises(Gone):
        azure.gateway().security_group(ResourceId(seeds.nsg_id(name="nowhere")))
