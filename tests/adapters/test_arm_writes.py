"""Writes with the real clients against the simulator: what is on the wire, and how each operation ends."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from local.simulator import seeds
from local.simulator.values import JsonObject, JsonValue, as_object
from shared.adapters.arm.session.tokens import LOCAL_IDENTITY
from shared.model import (
    Access,
    Aspect,
    DeleteFirewallRule,
    DeleteSecurityRule,
    Direction,
    Edit,
    FirewallRule,
    Operation,
    PublicAccess,
    PutFirewallRule,
    PutSecurityRule,
    SecurityRule,
    ServerSnapshot,
    SetPublicAccess,
    SubnetSnapshot,
    Target,
    TargetKind,
)
from shared.model.errors import (
    Busy,
    Conflict,
    Denied,
    GatewayError,
    Locked,
    Permanent,
    Stopped,
    Throttled,
    Transient,
)
from shared.model.resource_id import ResourceId
from tests.adapters.conftest import Azure

FLEXIBLE = ResourceId(seeds.flexible_server_id())
SINGLE = ResourceId(seeds.single_server_id())
NSG = ResourceId(seeds.nsg_id())
OPEN = FirewallRule(name="azure", start=IPv4Address("0.0.0.0"), end=IPv4Address("0.0.0.0"))
CLOSE = SetPublicAccess(server=FLEXIBLE, access=PublicAccess.DISABLED)
ALLOW = SecurityRule(
    name="allow-postgres",
    direction=Direction.INBOUND,
    access=Access.ALLOW,
    priority=150,
    protocol="Tcp",
    sources=("10.20.1.0/24",),
    destinations=("10.20.1.0/24",),
    destination_ports=("5432", "6432"),
)


def server(azure: Azure, server: ResourceId) -> ServerSnapshot:
    kind = TargetKind.FLEXIBLE_SERVER if server == FLEXIBLE else TargetKind.SINGLE_SERVER
    snapshot = azure.gateway().read(Target(kind=kind, id=server), frozenset({Aspect.FIREWALL_RULES}))
    assert isinstance(snapshot, ServerSnapshot)
    return snapshot


def subnet(azure: Azure) -> SubnetSnapshot:
    target = Target(kind=TargetKind.SUBNET, id=ResourceId(seeds.subnet_id()))
    snapshot = azure.gateway().read(target, frozenset({Aspect.SUBNET, Aspect.SECURITY_GROUP}))
    assert isinstance(snapshot, SubnetSnapshot)
    return snapshot


def seed_servers(azure: Azure) -> None:
    azure.simulator.seed(
        [
            seeds.flexible_server(),
            seeds.single_server(),
            seeds.firewall_rule(server=str(FLEXIBLE), name="azure", start="0.0.0.0"),
            seeds.firewall_rule(server=str(SINGLE), name="azure", start="0.0.0.0"),
        ]
    )


def seed_network(azure: Azure, *rules: JsonObject) -> None:
    azure.simulator.seed([seeds.nsg(rules=rules), seeds.vnet(subnets=[seeds.subnet(nsg=seeds.nsg_id())])])


def written(azure: Azure, method: str) -> JsonObject:
    (call,) = azure.simulator.calls(method=method)
    return call


def header(call: JsonObject, name: str) -> JsonValue:
    return as_object(call["requestHeaders"]).get(name)


# --- servers ---------------------------------------------------------------------------------------


def test_closing_a_flexible_server_is_exactly_one_property_on_the_wire(azure: Azure) -> None:
    seed_servers(azure)
    before = server(azure, FLEXIBLE)
    gateway = azure.gateway()
    operation = gateway.submit(CLOSE, before)
    call = written(azure, "PATCH")
    assert call["requestBody"] == {"properties": {"network": {"publicNetworkAccess": "Disabled"}}}
    assert call["apiVersion"] == "2026-10-01"
    assert str(call["path"]).lower() == FLEXIBLE.key
    assert operation.style == "asyncOperation"
    assert operation.correlation_id == call["correlationId"]
    azure.finish(gateway, operation)
    assert server(azure, FLEXIBLE).public_access is PublicAccess.DISABLED


def test_closing_a_single_server_is_exactly_one_property_on_the_wire(azure: Azure) -> None:
    seed_servers(azure)
    gateway = azure.gateway()
    edit = SetPublicAccess(server=SINGLE, access=PublicAccess.DISABLED)
    operation = gateway.submit(edit, server(azure, SINGLE))
    call = written(azure, "PATCH")
    assert call["requestBody"] == {"properties": {"publicNetworkAccess": "Disabled"}}
    assert call["apiVersion"] == "2017-12-01"
    azure.finish(gateway, operation)
    assert server(azure, SINGLE).public_access is PublicAccess.DISABLED


def test_a_wish_for_unknown_access_is_refused_before_it_is_sent(azure: Azure) -> None:
    seed_servers(azure)
    gateway = azure.gateway()
    with pytest.raises(Permanent, match="Enabled or Disabled"):
        gateway.submit(SetPublicAccess(server=FLEXIBLE, access=PublicAccess.UNKNOWN), server(azure, FLEXIBLE))
    assert gateway.calls == ()


@pytest.mark.parametrize("id_", [FLEXIBLE, SINGLE])
def test_a_firewall_rule_is_deleted_and_put_back(azure: Azure, id_: ResourceId) -> None:
    seed_servers(azure)
    gateway = azure.gateway()
    azure.finish(gateway, gateway.submit(DeleteFirewallRule(server=id_, rule=OPEN), server(azure, id_)))
    assert server(azure, id_).firewall_rules == ()
    azure.finish(gateway, gateway.submit(PutFirewallRule(server=id_, rule=OPEN), server(azure, id_)))
    assert server(azure, id_).firewall_rules == (OPEN,)
    assert written(azure, "PUT")["requestBody"] == {
        "properties": {"startIpAddress": "0.0.0.0", "endIpAddress": "0.0.0.0"}
    }


@pytest.mark.parametrize("id_", [FLEXIBLE, SINGLE])
def test_deleting_a_rule_that_is_gone_has_ended_at_once(azure: Azure, id_: ResourceId) -> None:
    seed_servers(azure)
    gateway = azure.gateway()
    absent = FirewallRule(name="absent", start=OPEN.start, end=OPEN.end)
    operation = gateway.submit(DeleteFirewallRule(server=id_, rule=absent), server(azure, id_))
    assert (operation.url, operation.style) == (None, "none")
    assert gateway.poll(operation) is None


# --- NSGs ------------------------------------------------------------------------------------------


def test_a_new_rule_is_written_on_condition_that_there_is_none(azure: Azure) -> None:
    seed_network(azure)
    gateway = azure.gateway()
    operation = gateway.submit(PutSecurityRule(nsg=NSG, rule=ALLOW), subnet(azure))
    call = written(azure, "PUT")
    assert header(call, "if-none-match") == "*"
    assert header(call, "if-match") is None
    assert call["apiVersion"] == "2026-03-01"
    assert call["requestBody"] == {
        "name": "allow-postgres",
        "properties": {
            "protocol": "Tcp",
            "access": "Allow",
            "priority": 150,
            "direction": "Inbound",
            "sourceAddressPrefix": "10.20.1.0/24",
            "destinationAddressPrefix": "10.20.1.0/24",
            "sourcePortRange": "*",
            "destinationPortRanges": ["5432", "6432"],
        },
    }
    azure.finish(gateway, operation)
    group = subnet(azure).security_group
    assert group is not None
    assert [rule.name for rule in group.rules] == ["allow-postgres"]


def test_a_rule_is_replaced_and_deleted_by_the_etag_that_was_read(azure: Azure) -> None:
    seed_network(azure, seeds.security_rule(name="Allow-Postgres", priority=300))
    before = subnet(azure)
    assert before.security_group is not None
    etag = before.security_group.rules[0].etag
    gateway = azure.gateway()
    azure.finish(gateway, gateway.submit(PutSecurityRule(nsg=NSG, rule=ALLOW), before))
    put = written(azure, "PUT")
    assert (header(put, "if-match"), header(put, "if-none-match")) == (etag, None)
    after = subnet(azure)
    assert after.security_group is not None
    azure.finish(gateway, gateway.submit(DeleteSecurityRule(nsg=NSG, rule=ALLOW), after))
    assert header(written(azure, "DELETE"), "if-match") == after.security_group.rules[0].etag


def test_a_rule_that_somebody_wrote_meanwhile_is_a_conflict(azure: Azure) -> None:
    seed_network(azure)
    before = subnet(azure)
    somebody = seeds.security_rule(name="allow-postgres", priority=151)
    azure.simulator.put(f"{NSG}/securityRules/allow-postgres", somebody)
    with pytest.raises(Conflict) as caught:
        azure.gateway().submit(PutSecurityRule(nsg=NSG, rule=ALLOW), before)
    assert caught.value.status == 412


def test_a_priority_that_somebody_took_is_a_conflict(azure: Azure) -> None:
    seed_network(azure)
    before = subnet(azure)
    azure.simulator.put(f"{NSG}/securityRules/other", seeds.security_rule(name="other", priority=150))
    with pytest.raises(Conflict) as caught:
        azure.gateway().submit(PutSecurityRule(nsg=NSG, rule=ALLOW), before)
    assert caught.value.code == "SecurityRuleConflict"


def test_deleting_a_security_rule_that_is_gone_has_ended_at_once(azure: Azure) -> None:
    seed_network(azure)
    operation = azure.gateway().submit(DeleteSecurityRule(nsg=NSG, rule=ALLOW), subnet(azure))
    assert operation.style == "none"


# --- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("then", "expected"),
    [
        ({"status": 409, "code": "ServerIsBusy"}, Busy),
        ({"status": 409, "code": "ScopeLocked"}, Locked),
        ({"status": 409, "emptyCode": True}, Busy),
        ({"status": 400, "code": "ServerStoppedError"}, Stopped),
        ({"status": 403, "code": "RequestDisallowedByPolicy"}, Denied),
        ({"status": 500, "code": "InternalServerError"}, Transient),
        ({"status": 400, "code": "InvalidParameterValue"}, Permanent),
        ({"drop": True}, Transient),
    ],
)
def test_a_refused_write_is_classified_and_sent_once(
    azure: Azure, then: JsonObject, expected: type[GatewayError]
) -> None:
    seed_servers(azure)
    before = server(azure, FLEXIBLE)
    azure.simulator.fault(then, method="PATCH", times=9)
    gateway = azure.gateway()
    with pytest.raises(GatewayError) as caught:
        gateway.submit(CLOSE, before)
    assert type(caught.value) is expected
    assert len(azure.simulator.calls(method="PATCH")) == 1
    assert (len(gateway.calls), azure.slept) == (1, [])


def test_a_throttled_write_says_how_long_to_wait(azure: Azure) -> None:
    seed_servers(azure)
    before = server(azure, FLEXIBLE)
    azure.simulator.fault(
        {"status": 429, "code": "TooManyRequests", "headers": {"Retry-After": "1"}}, method="PATCH", times=9
    )
    with pytest.raises(Throttled) as caught:
        azure.gateway().submit(CLOSE, before)
    assert (caught.value.retry_after, azure.slept) == (1.0, [])


@pytest.mark.parametrize("answer", ["ServerIsBusy", "ServerBusy", "emptyCode", "InternalServerError"])
def test_a_server_that_is_updating_is_busy_whatever_it_answers(azure: Azure, answer: str) -> None:
    seed_servers(azure)
    azure.simulator.switches(busy_answer=answer, operation_seconds=30.0)
    gateway = azure.gateway()
    gateway.submit(DeleteFirewallRule(server=FLEXIBLE, rule=OPEN), server(azure, FLEXIBLE))
    with pytest.raises(Busy):
        gateway.submit(CLOSE, server(azure, FLEXIBLE))


def test_a_lock_on_the_server_locks_its_rules(azure: Azure) -> None:
    seed_servers(azure)
    azure.simulator.seed([seeds.lock(scope=str(FLEXIBLE), name="keep")])
    with pytest.raises(Locked):
        azure.gateway().submit(DeleteFirewallRule(server=FLEXIBLE, rule=OPEN), server(azure, FLEXIBLE))


def test_a_missing_role_is_denied(azure: Azure) -> None:
    seed_servers(azure)
    azure.simulator.roles({LOCAL_IDENTITY.app_id or "": ["*/read"]})
    with pytest.raises(Denied):
        azure.gateway().submit(CLOSE, server(azure, FLEXIBLE))


def test_a_firewall_write_on_a_closed_server_is_refused_for_good(azure: Azure) -> None:
    azure.simulator.seed([seeds.flexible_server(public_access="Disabled")])
    edit: Edit = PutFirewallRule(server=FLEXIBLE, rule=OPEN)
    with pytest.raises(Permanent):
        azure.gateway().submit(edit, server(azure, FLEXIBLE))


# --- operations ------------------------------------------------------------------------------------


def test_an_operation_is_looked_at_once_per_poll_until_it_has_succeeded(azure: Azure) -> None:
    seed_servers(azure)
    azure.simulator.switches(operation_seconds=0.3, retry_after_seconds=7)
    gateway = azure.gateway()
    begun = gateway.submit(CLOSE, server(azure, FLEXIBLE))
    running = gateway.poll(begun)
    assert isinstance(running, Operation)
    assert (running.url, running.correlation_id) == (begun.url, begun.correlation_id)
    assert running.retry_after_seconds == 7.0
    assert len(gateway.calls) == 2
    azure.simulator.wait_idle()
    assert gateway.poll(running) is None


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("AnotherOperationInProgress", Busy),
        ("CanceledAndSupersededDueToAnotherOperation", Conflict),
        ("InternalServerError", Transient),
        ("SomethingElse", Permanent),
    ],
)
def test_an_operation_that_fails_late_is_classified(
    azure: Azure, code: str, expected: type[GatewayError]
) -> None:
    seed_network(azure)
    azure.simulator.fault({"operationFails": {"code": code, "message": "late"}}, method="PUT")
    gateway = azure.gateway()
    operation = gateway.submit(PutSecurityRule(nsg=NSG, rule=ALLOW), subnet(azure))
    azure.simulator.wait_idle()
    with pytest.raises(GatewayError, match="late") as caught:
        gateway.poll(operation)
    assert type(caught.value) is expected
    assert azure.slept == []


def test_a_poll_that_fails_in_passing_is_repeated(azure: Azure) -> None:
    seed_servers(azure)
    gateway = azure.gateway()
    operation = gateway.submit(CLOSE, server(azure, FLEXIBLE))
    azure.simulator.wait_idle()
    azure.simulator.fault({"status": 503, "code": "ServiceUnavailable"}, path_contains="azureAsyncOperation")
    assert gateway.poll(operation) is None
    assert [call.status for call in gateway.calls] == [202, 503, 200]
