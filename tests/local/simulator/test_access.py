"""What is asked of every call: a token, an api-version, a role, no lock."""

from __future__ import annotations

import http.client
import json
from urllib.parse import urlsplit

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

from local.simulator import seeds
from local.simulator.access import caller_of, fake_token
from local.simulator.client import OPERATOR, ArmCallFailed, SimulatorClient
from local.simulator.values import ArmError, JsonObject, JsonValue, dig
from tests.local.simulator.conftest import BOT, Sdk

SERVER = seeds.flexible_server_id()
CLOSE: JsonObject = {"properties": {"network": {"publicNetworkAccess": "Disabled"}}}


def raw(client: SimulatorClient, method: str, path: str, headers: dict[str, str]) -> tuple[int, JsonValue]:
    parts = urlsplit(client.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=120)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_a_call_without_a_token_is_refused(client: SimulatorClient) -> None:
    status, body = raw(client, "GET", f"{SERVER}?api-version=2026-10-01", {})
    assert (status, dig(body, "error", "code")) == (401, "AuthenticationFailed")
    [call] = client.calls()
    assert call["status"] == 401


def test_a_call_without_an_api_version_is_refused(client: SimulatorClient) -> None:
    status, body = raw(client, "GET", SERVER, {"Authorization": "Bearer someone"})
    assert (status, dig(body, "error", "code")) == (400, "MissingApiVersionParameter")


def test_a_token_names_its_caller_and_text_that_is_no_token_is_a_name() -> None:
    known = caller_of(f"Bearer {fake_token('app', 'oid', 'Olive', 'olive@orders.example')}")
    assert (known.app_id, known.object_id, known.name, known.upn) == (
        "app",
        "oid",
        "Olive",
        "olive@orders.example",
    )
    assert caller_of("Bearer someone").name == "someone"
    for header in ("", "Bearer ", "Basic abc"):
        with pytest.raises(ArmError):
            caller_of(header)


def test_the_log_says_who_called(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([seeds.flexible_server()])
    sdk.flexible.servers.get(seeds.GROUP, seeds.SERVER)
    client.get(SERVER)
    callers = [dig(call, "caller", "appId") for call in client.calls()]
    assert callers == [BOT.app_id, OPERATOR.app_id]
    assert len(client.calls(app_id=BOT.app_id)) == 1


def test_a_role_without_the_action_is_refused_naming_caller_action_and_scope(
    client: SimulatorClient, sdk: Sdk
) -> None:
    client.seed([seeds.flexible_server()])
    client.roles({BOT.app_id.upper(): ["microsoft.dbforpostgresql/*/READ"]})
    sdk.flexible.servers.get(seeds.GROUP, seeds.SERVER)
    with pytest.raises(HttpResponseError) as refused:
        sdk.flexible.servers.begin_update(seeds.GROUP, seeds.SERVER, CLOSE)  # type: ignore[call-overload]  # a plain dict is accepted
    assert refused.value.status_code == 403
    assert refused.value.error is not None
    assert refused.value.error.code == "AuthorizationFailed"
    for part in (BOT.app_id, BOT.object_id, "Microsoft.DBforPostgreSQL/flexibleServers/write", SERVER):
        assert part in str(refused.value.error.message)
    client.patch(SERVER, CLOSE)


SETTINGS = f"{SERVER}/providers/Microsoft.Insights/diagnosticSettings"
STATUS = f"{SERVER}/providers/Microsoft.ResourceHealth/availabilityStatuses/current"
PROTECTION = f"{SERVER}/advancedThreatProtectionSettings"
FLEXIBLE = "Microsoft.DBforPostgreSQL/flexibleServers"


@pytest.mark.parametrize(
    ("path", "action"),
    [
        (SETTINGS, "Microsoft.Insights/diagnosticSettings/read"),
        (STATUS, "Microsoft.ResourceHealth/availabilityStatuses/read"),
        (f"{SERVER}/configurations", f"{FLEXIBLE}/configurations/read"),
        (f"{SERVER}/administrators", f"{FLEXIBLE}/administrators/read"),
        (f"{SERVER}/replicas", f"{FLEXIBLE}/replicas/read"),
        (PROTECTION, f"{FLEXIBLE}/advancedThreatProtectionSettings/read"),
    ],
)
def test_one_single_action_can_be_denied(client: SimulatorClient, path: str, action: str) -> None:
    client.seed([seeds.flexible_server()])
    client.deny(OPERATOR.app_id, [action.lower()])
    with pytest.raises(ArmCallFailed) as refused:
        client.get(path)
    assert (refused.value.status, refused.value.code) == (403, "AuthorizationFailed")
    assert refused.value.message.startswith(
        f"The client '{OPERATOR.app_id}' with object id '{OPERATOR.object_id}' does not have authorization "
        f"to perform action '{action}' over scope '{SERVER}"
    )
    client.get(SERVER)
    client.get(f"{SERVER}/firewallRules")


def test_polling_needs_an_action_of_its_own(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([seeds.flexible_server()])
    flexible = "Microsoft.DBforPostgreSQL/flexibleServers"
    polling = "Microsoft.DBforPostgreSQL/locations/azureAsyncOperation/read"
    client.roles({BOT.app_id: [f"{flexible}/read", f"{flexible}/write"]})
    with pytest.raises(HttpResponseError) as refused:
        sdk.flexible.servers.begin_update(seeds.GROUP, seeds.SERVER, CLOSE).result()  # type: ignore[call-overload]  # a plain dict is accepted
    assert polling in str(refused.value)
    assert client.wait_idle()
    client.roles({BOT.app_id: [f"{flexible}/read", f"{flexible}/write", polling]})
    sdk.flexible.servers.begin_update(seeds.GROUP, seeds.SERVER, CLOSE).result()  # type: ignore[call-overload]  # a plain dict is accepted


@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        (
            "DELETE",
            f"{SERVER}/firewallRules/x",
            "Microsoft.DBforPostgreSQL/flexibleServers/firewallRules/delete",
        ),
        ("POST", f"{SERVER}/restart", "Microsoft.DBforPostgreSQL/flexibleServers/restart/action"),
        (
            "PUT",
            f"{seeds.nsg_id()}/securityRules/x",
            "Microsoft.Network/networkSecurityGroups/securityRules/write",
        ),
        ("GET", f"{seeds.group_id()}", "Microsoft.Resources/subscriptions/resourceGroups/read"),
        ("GET", f"{SERVER}/providers/Microsoft.Authorization/locks", "Microsoft.Authorization/locks/read"),
        (
            "GET",
            f"/subscriptions/{seeds.SUBSCRIPTION}/providers/Microsoft.Network/locations/westus/serviceTags",
            "Microsoft.Network/locations/serviceTags/read",
        ),
    ],
)
def test_each_call_needs_the_action_of_its_type(
    client: SimulatorClient, method: str, path: str, action: str
) -> None:
    client.roles({OPERATOR.app_id: []})
    status, headers, body = client.arm(method, path, None if method in ("GET", "DELETE") else {})
    assert status == 403
    assert headers["x-ms-failure-cause"] == "gateway"
    assert f"'{action}'" in str(dig(body, "error", "message"))


def test_linking_a_group_needs_the_join_action_on_it(client: SimulatorClient) -> None:
    client.seed([seeds.nsg(), seeds.vnet(subnets=[seeds.subnet()])])
    client.roles({OPERATOR.app_id: ["Microsoft.Network/virtualNetworks/*"]})
    with pytest.raises(ArmCallFailed) as refused:
        client.put(seeds.subnet_id(), {"properties": seeds.subnet(nsg=seeds.nsg_id())["properties"]})
    assert refused.value.code == "LinkedAuthorizationFailed"


@pytest.mark.parametrize("scope", [SERVER, seeds.group_id(), f"/subscriptions/{seeds.SUBSCRIPTION}"])
def test_a_lock_reaches_everything_below_its_scope(client: SimulatorClient, scope: str) -> None:
    rule = seeds.firewall_rule(server=SERVER, name="office", start="9.9.9.9")
    client.seed([seeds.flexible_server(), rule])
    client.put(
        f"{scope}/providers/Microsoft.Authorization/locks/keep", {"properties": {"level": "CanNotDelete"}}
    )
    client.put(f"{SERVER}/firewallRules/office", {"properties": rule["properties"]})
    with pytest.raises(ArmCallFailed) as locked:
        client.delete(f"{SERVER}/firewallRules/office")
    assert (locked.value.status, locked.value.code) == (409, "ScopeLocked")
    assert scope in locked.value.message
    client.delete(f"{scope}/providers/Microsoft.Authorization/locks/keep")
    client.delete(f"{SERVER}/firewallRules/office")


def test_a_read_only_lock_forbids_writes_and_actions(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server(), seeds.lock(scope=SERVER, name="freeze", level="ReadOnly")])
    for write in (lambda: client.patch(SERVER, CLOSE), lambda: client.post(f"{SERVER}/restart", {})):
        with pytest.raises(ArmCallFailed) as locked:
            write()
        assert locked.value.code == "ScopeLocked"


def test_locks_are_listed_at_above_and_below_a_scope(client: SimulatorClient) -> None:
    subscription = f"/subscriptions/{seeds.SUBSCRIPTION}"
    client.seed(
        [
            seeds.lock(scope=subscription, name="top"),
            seeds.lock(scope=seeds.group_id(), name="middle"),
            seeds.lock(scope=SERVER, name="bottom"),
            seeds.lock(scope=seeds.group_id(group="rg-other"), name="elsewhere"),
        ]
    )
    path = f"{seeds.group_id()}/providers/Microsoft.Authorization/locks"
    assert [one["name"] for one in client.list_all(path)] == ["top", "middle", "bottom"]
    _, _, page = client.arm("GET", f"{path}?$filter=atScope()")
    assert "bottom" not in str(page)
    assert "middle" in str(page)


def test_an_authentication_failure_surfaces_as_such_in_the_sdk(client: SimulatorClient, sdk: Sdk) -> None:
    client.fault({"status": 401, "code": "ExpiredAuthenticationToken"}, method="GET")
    with pytest.raises(ClientAuthenticationError):
        sdk.flexible.servers.get(seeds.GROUP, seeds.SERVER)


def test_answers_carry_ids_to_correlate_and_what_is_left_of_the_budget(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server()])
    _, headers, _ = client.arm("GET", SERVER, headers={"x-ms-correlation-request-id": "mine"})
    assert headers["x-ms-correlation-request-id"] == "mine"
    assert headers["x-ms-request-id"]
    assert int(headers["x-ms-ratelimit-remaining-subscription-reads"]) > 0
    _, headers, _ = client.arm("PATCH", SERVER, CLOSE)
    assert "x-ms-ratelimit-remaining-subscription-writes" in headers


def test_groups_come_with_their_first_resource_and_take_everything_along_when_deleted(
    client: SimulatorClient,
) -> None:
    client.put(seeds.nsg_id(group="rg-new"), {"location": "westeurope"})
    groups = f"/subscriptions/{seeds.SUBSCRIPTION}/resourceGroups"
    assert [one["name"] for one in client.list_all(groups)] == ["rg-new"]
    client.delete(f"{groups}/rg-new")
    assert client.state()["resources"] == []


def test_a_list_that_is_not_simulated_is_refused_instead_of_empty(client: SimulatorClient) -> None:
    with pytest.raises(ArmCallFailed) as refused:
        client.get(f"/subscriptions/{seeds.SUBSCRIPTION}/tagNames")
    assert refused.value.status == 400


def test_what_is_missing_is_told_apart(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server()])
    for path, code in (
        (seeds.flexible_server_id(name="gone"), "ResourceNotFound"),
        (seeds.flexible_server_id(group="rg-gone"), "ResourceGroupNotFound"),
        (
            f"{seeds.group_id(group='rg-gone')}/providers/Microsoft.Network/virtualNetworks",
            "ResourceGroupNotFound",
        ),
        (f"{seeds.flexible_server_id(name='gone')}/firewallRules", "ResourceNotFound"),
    ):
        with pytest.raises(ArmCallFailed) as missing:
            client.get(path)
        assert (missing.value.status, missing.value.code) == (404, code)
    with pytest.raises(ArmCallFailed) as orphan:
        client.put(f"{seeds.flexible_server_id(name='gone')}/firewallRules/x", {"properties": {}})
    assert orphan.value.code == "ParentResourceNotFound"
