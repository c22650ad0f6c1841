"""Security admin rules read with the real clients: what is asked, what is refused, what is odd."""

from __future__ import annotations

from dataclasses import replace

import pytest

from local.simulator import seeds
from local.simulator.values import JsonObject, JsonValue
from shared.adapters.arm.session.tokens import LOCAL_IDENTITY
from shared.adapters.arm.wire.admin_rules import admin_rules
from shared.model import Aspect, Direction, SubnetSnapshot, Target, TargetKind
from shared.model.errors import Permanent
from shared.model.networks import AdminRule, VirtualNetwork
from shared.model.resource_id import ResourceId
from tests.adapters.conftest import Azure, Bench
from tests.adapters.scripted_arm import Reply

SUBNET = Target(kind=TargetKind.SUBNET, id=ResourceId(seeds.subnet_id()))
NETWORK = seeds.vnet_id()
LIST = f"{NETWORK}/listNetworkManagerEffectiveSecurityAdminRules"
ACTION = "Microsoft.Network/virtualNetworks/listNetworkManagerEffectiveSecurityAdminRules/action"
ASPECTS = frozenset({Aspect.SUBNET, Aspect.VIRTUAL_NETWORK, Aspect.ADMIN_RULES})
ANYTHING = AdminRule(
    name="no-databases",
    priority=5,
    direction=Direction.INBOUND,
    access="Deny",
    protocol="Any",
    source_ports=("0-65535",),
    ports=("0-65535",),
)


def network_of(snapshot: object) -> VirtualNetwork:
    assert isinstance(snapshot, SubnetSnapshot)
    assert snapshot.virtual_network is not None, snapshot.unread
    return snapshot.virtual_network


def scripted(bench: Bench, *pages: JsonValue) -> None:
    """A delegated subnet in a network that answers with these pages."""
    delegated: JsonObject = {"name": "pg", "properties": {"serviceName": seeds.POSTGRES_DELEGATION}}
    held: JsonObject = {"addressPrefix": "10.20.1.0/24", "delegations": [delegated]}
    bench.arm.on("GET", seeds.subnet_id(), Reply(body={"id": seeds.subnet_id(), "properties": held}))
    space: JsonObject = {"addressSpace": {"addressPrefixes": ["10.20.0.0/16"]}}
    bench.arm.on("GET", NETWORK, Reply(body={"id": NETWORK, "properties": space}))
    bench.arm.on("POST", LIST, *(Reply(body=page) for page in pages))


def rule(**properties: JsonValue) -> JsonObject:
    body = seeds.admin_rule(name="no-databases", priority=5, networks=[NETWORK])
    kept = body["properties"]
    assert isinstance(kept, dict)
    return body | {"properties": {**kept, **properties}}


# --- what is asked, and what is there --------------------------------------------------------------


@pytest.mark.field(
    "ways",
    "A network that no network manager manages has no security admin rules, and says so",
    source="https://learn.microsoft.com/en-us/azure/virtual-network-manager/concept-security-admins",
    date="2026-11-29",
)
def test_a_network_without_a_manager_has_no_rules(azure: Azure) -> None:
    azure.simulator.seed([seeds.vnet(subnets=[seeds.subnet()])])
    gateway = azure.gateway()
    found = network_of(gateway.read(SUBNET, ASPECTS))
    assert (found.admin_rules, found.admin_unread) == ((), "")
    assert [(call.method, call.path) for call in gateway.calls][1:] == [("GET", NETWORK), ("POST", LIST)]


def test_the_rules_that_hold_in_the_network_are_read_in_azures_spelling(azure: Azure) -> None:
    azure.simulator.seed(
        [
            seeds.vnet(subnets=[seeds.subnet()]),
            seeds.vnet(name="other"),
            seeds.admin_rule(
                name="no-databases", priority=5, networks=[NETWORK, seeds.vnet_id(name="other")]
            ),
            seeds.admin_rule(
                name="hub",
                priority=3,
                networks=[NETWORK.upper()],
                access="AlwaysAllow",
                direction="Outbound",
                properties={
                    "protocol": "Tcp",
                    "sources": [{"addressPrefix": "10.20.0.0/16", "addressPrefixType": "IPPrefix"}],
                    "destinations": [{"addressPrefix": "AzureKeyVault", "addressPrefixType": "ServiceTag"}],
                    "sourcePortRanges": [],
                    "destinationPortRanges": ["443", "5432-5433"],
                },
            ),
            seeds.admin_rule(name="elsewhere", priority=1, networks=[seeds.vnet_id(name="other")]),
        ]
    )
    found = network_of(azure.gateway().read(SUBNET, ASPECTS))
    hub = AdminRule(
        name="hub",
        priority=3,
        direction=Direction.OUTBOUND,
        access="AlwaysAllow",
        protocol="Tcp",
        sources=("10.20.0.0/16",),
        destinations=("AzureKeyVault",),
        ports=("443", "5432-5433"),
    )
    assert found.admin_rules == (hub, ANYTHING)


def test_every_page_is_read(bench: Bench) -> None:
    scripted(
        bench,
        {"value": [rule()], "skipToken": "more"},
        {"value": [{**rule(), "kind": "Default"}], "skipToken": ""},
    )
    found = network_of(bench.gateway.read(SUBNET, ASPECTS))
    assert found.admin_rules == (ANYTHING, ANYTHING)
    assert [asked.body for asked in bench.arm.asked if asked.method == "POST"] == [{}, {"skipToken": "more"}]


def test_what_the_rules_are_about_is_read_once_however_often_it_is_asked_for(azure: Azure) -> None:
    azure.simulator.seed([seeds.vnet(subnets=[seeds.subnet()])])
    gateway = azure.gateway()
    whole = gateway.read(SUBNET, ASPECTS)
    before = len(gateway.calls)
    assert gateway.more(whole, ASPECTS) == whole
    assert len(gateway.calls) == before
    network = gateway.read(SUBNET, ASPECTS - {Aspect.ADMIN_RULES})
    assert gateway.more(network, ASPECTS) == whole
    assert gateway.calls[-1].method == "POST"


# --- what is refused or odd ------------------------------------------------------------------------


def test_rules_that_may_not_be_read_are_unknown_and_the_missing_action_is_named(azure: Azure) -> None:
    azure.simulator.seed([seeds.vnet(subnets=[seeds.subnet()])])
    azure.simulator.deny(LOCAL_IDENTITY.app_id or "", [ACTION])
    snapshot = azure.gateway().read(SUBNET, ASPECTS)
    found, said = network_of(snapshot), f"our identity may not perform {ACTION} on {SUBNET.id.parent}"
    assert (found.admin_rules, found.admin_unread) == (None, said)
    assert snapshot.unread == {Aspect.ADMIN_RULES: said}
    assert found.prefixes, "the network itself was read"


@pytest.mark.field(
    "ways",
    "Security admin rules are asked for by POST, which a ReadOnly lock forbids: they are unknown then",
    source="https://learn.microsoft.com/en-us/azure/azure-resource-manager/management/lock-resources",
    date="2026-11-29",
)
def test_a_read_only_lock_on_the_network_keeps_its_rules_unknown(azure: Azure) -> None:
    keep = seeds.lock(scope=NETWORK, name="keep", level="ReadOnly")
    azure.simulator.seed([seeds.vnet(subnets=[seeds.subnet()]), keep])
    found = network_of(azure.gateway().read(SUBNET, ASPECTS))
    assert found.admin_rules is None
    assert "locked" in found.admin_unread


def test_rules_that_are_throttled_are_unread_and_asked_for_again(azure: Azure) -> None:
    azure.simulator.seed([seeds.vnet(subnets=[seeds.subnet()])])
    azure.simulator.fault(
        {"status": 429, "code": "TooManyRequests", "headers": {"Retry-After": "30"}},
        path_contains="listNetworkManager",
    )
    gateway = azure.gateway()
    found = gateway.read(SUBNET, ASPECTS)
    assert isinstance(found, SubnetSnapshot)
    assert found.virtual_network is not None
    assert found.virtual_network.admin_unread == found.unread[Aspect.ADMIN_RULES] != ""
    assert [trouble.retry_after for trouble in gateway.troubles] == [30]


@pytest.mark.field(
    "ways",
    "A security admin rule that does not say what it does leaves all of them unknown: it may deny",
    source="https://learn.microsoft.com/en-us/azure/virtual-network-manager/concept-security-admins",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    "odd",
    [
        None,
        5,
        "x",
        {},
        rule(access="Maybe"),
        rule(direction=None),
        rule(priority="5"),
        rule(priority=True),
        rule(protocol="Sctp"),
        rule(sources=[{}]),
        rule(sources=[None]),
        rule(destinations="10.0.0.0/8"),
        rule(sourcePortRanges=[5]),
        rule(destinationPortRanges=[""]),
    ],
)
def test_an_odd_rule_leaves_all_unknown_and_nothing_else(bench: Bench, odd: JsonValue) -> None:
    scripted(bench, {"value": [rule(), odd]})
    found = network_of(bench.gateway.read(SUBNET, ASPECTS))
    assert found.admin_rules is None
    assert "security admin rule" in found.admin_unread
    assert found.prefixes


@pytest.mark.parametrize("page", [{}, {"value": None}, {"value": {}}, {"value": [], "skipToken": "again"}])
def test_an_answer_without_a_list_or_an_end_leaves_them_unknown(bench: Bench, page: JsonValue) -> None:
    scripted(bench, page)
    found = network_of(bench.gateway.read(SUBNET, ASPECTS))
    assert found.admin_rules is None
    assert found.admin_unread


def test_what_a_rule_leaves_out_is_anything() -> None:
    bare = rule(sources=None, destinations=[], sourcePortRanges=None, destinationPortRanges=[])
    assert admin_rules([bare]) == (replace(ANYTHING, source_ports=("*",), ports=("*",)),)


def test_a_network_group_is_a_name_whose_addresses_are_not_known() -> None:
    group = f"{seeds.group_id()}/providers/Microsoft.Network/networkManagers/central/networkGroups/apps"
    (found,) = admin_rules([rule(sources=[{"addressPrefix": group, "addressPrefixType": "NetworkGroup"}])])
    assert found.sources == (group,)


def test_an_odd_rule_is_named(bench: Bench) -> None:
    with pytest.raises(Permanent, match=r"no-databases.*access cannot be used: 'Maybe'"):
        admin_rules([rule(access="Maybe")])
