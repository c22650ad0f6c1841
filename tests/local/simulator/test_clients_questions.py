"""What clients ask before they write: endpoints, capabilities, names, providers, places."""

from __future__ import annotations

import http.client
import json
from urllib.parse import urlsplit

import pytest
from azure.mgmt.network.models import EffectiveSecurityAdminRule, QueryRequestOptions

from local.simulator import seeds
from local.simulator.client import ArmCallFailed, SimulatorClient
from local.simulator.network_manager import EFFECTIVE_RULES
from local.simulator.server import SimulatorServer
from local.simulator.values import JsonValue, as_list, dig
from tests.local.simulator.conftest import BOT, Sdk

SERVER = seeds.flexible_server_id()
PROVIDERS = f"/subscriptions/{seeds.SUBSCRIPTION}/providers"


def asked_by_nobody(simulator: SimulatorServer, path: str, **headers: str) -> tuple[int, JsonValue]:
    """A GET without a token."""
    parts = urlsplit(simulator.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


@pytest.mark.field(
    "simulator",
    "A client that registers the simulator as its cloud is told its endpoints without a token.",
    source="azure-cli 2.91.0, `azure.cli.core.cloud` (`az cloud register --endpoint-resource-manager`)",
    date="2026-11-29",
)
def test_the_endpoints_of_the_cloud_are_told_to_anybody(simulator: SimulatorServer) -> None:
    status, cloud = asked_by_nobody(simulator, "/metadata/endpoints?api-version=2022-09-01")
    assert status == 200
    assert dig(cloud, "resourceManager") == simulator.url
    assert as_list(dig(cloud, "authentication", "audiences"))
    assert dig(cloud, "suffixes", "postgresqlServerEndpoint") == "postgres.database.azure.com"
    status, _ = asked_by_nobody(simulator, f"{SERVER}?api-version=2025-08-01")
    assert status == 401


def test_older_versions_of_the_endpoints_are_a_list_of_clouds(simulator: SimulatorServer) -> None:
    _, clouds = asked_by_nobody(simulator, "/metadata/endpoints?api-version=2019-05-01")
    assert [dig(one, "resourceManager") for one in as_list(clouds)] == [simulator.url]


def test_a_gateway_that_speaks_tls_for_the_simulator_is_the_address_in_its_answers(
    simulator: SimulatorServer,
) -> None:
    _, cloud = asked_by_nobody(
        simulator,
        "/metadata/endpoints?api-version=2022-09-01",
        **{"Host": "arm.example", "X-Forwarded-Proto": "https"},
    )
    assert dig(cloud, "resourceManager") == "https://arm.example"


@pytest.mark.field(
    "simulator",
    "A server tells its capabilities, which every `az postgres flexible-server update` asks for first.",
    source="azure-cli 2.91.0, `get_postgres_server_capability_info`",
    date="2026-11-29",
)
def test_a_server_tells_what_it_can_become(client: SimulatorClient, sdk: Sdk) -> None:
    client.seed([seeds.flexible_server()])
    [capability] = sdk.flexible.capabilities_by_server.list(seeds.GROUP, seeds.SERVER)
    features = {one.name: one.status for one in capability.supported_features or []}
    assert features["OfferRestricted"] == "Disabled"
    assert features["ZoneRedundantHa"] == "Enabled"
    editions = {one.name: one for one in capability.supported_server_editions or []}
    [disk] = editions["GeneralPurpose"].supported_storage_editions or []
    assert disk.name == "ManagedDisk"
    assert not any(sku.supported_ha_mode for sku in editions["Burstable"].supported_server_skus or [])
    upgrades = {
        one.name: one.supported_versions_to_upgrade for one in capability.supported_server_versions or []
    }
    assert upgrades["17"] == ["18"]
    with pytest.raises(ArmCallFailed, match="ParentResourceNotFound"):
        client.get(f"{SERVER}-other/capabilities")


def test_a_location_tells_its_capabilities(sdk: Sdk) -> None:
    [capability] = sdk.flexible.capabilities_by_location.list(seeds.LOCATION)
    assert capability.geo_backup_supported == "Enabled"


@pytest.mark.field(
    "simulator",
    "A name of a server is free or taken in all of Azure, asked for globally or for a location.",
    source="https://learn.microsoft.com/rest/api/postgresql/name-availability/check-globally",
    date="2026-11-29",
)
@pytest.mark.parametrize("place", ["", f"/locations/{seeds.LOCATION}"])
def test_a_name_of_a_server_is_free_or_taken(client: SimulatorClient, place: str) -> None:
    client.seed([seeds.flexible_server()])
    path = f"{PROVIDERS}/Microsoft.DBforPostgreSQL{place}/checkNameAvailability"
    answers = [
        client.arm("POST", path, {"name": name, "type": "Microsoft.DBforPostgreSQL/flexibleServers"})
        for name in (seeds.SERVER.upper(), "another")
    ]
    assert [status for status, _, _ in answers] == [200, 200]
    assert [dig(body, "nameAvailable") for _, _, body in answers] == [False, True]
    assert dig(answers[0][2], "reason") == "AlreadyExists"
    assert client.arm("POST", path, {"name": "another"})[0] == 400


@pytest.mark.field(
    "simulator",
    "The suffix of private zones is told as a bare text.",
    source="https://learn.microsoft.com/rest/api/postgresql/private-dns-zone-suffix/get",
    date="2026-11-29",
)
def test_the_suffix_of_private_zones_is_a_text(sdk: Sdk) -> None:
    assert sdk.flexible.private_dns_zone_suffix.get() == "private.postgres.database.azure.com"


@pytest.mark.field(
    "simulator",
    "Slashes that follow each other in a path count as one: clients put a resource's id after a slash.",
    source="https://github.com/Azure/azure-powershell/issues/12165",
    date="2026-11-29",
)
def test_two_slashes_are_one(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server(), seeds.diagnostic_setting(resource=SERVER)])
    listed = client.get(f"/{SERVER}//providers/Microsoft.Insights/diagnosticSettings")
    assert len(as_list(listed["value"])) == 1
    assert client.get(f"/{SERVER}/")["id"] == SERVER


@pytest.mark.field(
    "simulator",
    "Providers, locations, subscriptions and tenants are listed, as clients read them before they begin.",
    source="https://learn.microsoft.com/rest/api/resources/providers/get",
    date="2026-11-29",
)
def test_providers_and_places_are_listed(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server()])
    provider = client.get(f"{PROVIDERS}/microsoft.dbforpostgresql")
    assert provider["registrationState"] == "Registered"
    kinds = {
        dig(kind, "resourceType"): as_list(dig(kind, "apiVersions"))
        for kind in as_list(provider["resourceTypes"])
    }
    assert kinds["flexibleServers"]
    assert kinds["servers"] == ["2017-12-01"]
    assert client.arm("POST", f"{PROVIDERS}/Microsoft.Network/register")[0] == 200
    assert provider["namespace"] in [one["namespace"] for one in client.list_all(PROVIDERS)]
    places = client.list_all(f"/subscriptions/{seeds.SUBSCRIPTION}/locations")
    assert ("canadacentral", "Canada Central") in [(one["name"], one["displayName"]) for one in places]
    assert [one["subscriptionId"] for one in client.list_all("/subscriptions")] == [seeds.SUBSCRIPTION]
    assert len(client.list_all("/tenants")) == 1
    assert client.get(f"/subscriptions/{seeds.SUBSCRIPTION}")["state"] == "Enabled"


@pytest.mark.field(
    "simulator",
    "Whether something is there is asked with HEAD and answered with 204 or 404, without a body.",
    source="https://learn.microsoft.com/rest/api/resources/resource-groups/check-existence",
    date="2026-11-29",
)
def test_head_tells_whether_something_is_there(client: SimulatorClient) -> None:
    client.seed([seeds.flexible_server()])
    assert client.arm("HEAD", seeds.group_id())[::2] == (204, None)
    assert client.arm("HEAD", seeds.group_id(group="rg-other"))[::2] == (404, None)
    assert client.arm("HEAD", SERVER)[::2] == (204, None)


@pytest.mark.field(
    "simulator",
    "The resources of a subscription or a group are listed, children left out, all or those of one type.",
    source="https://learn.microsoft.com/rest/api/resources/resources/list",
    date="2026-11-29",
)
def test_resources_of_a_scope_are_listed(client: SimulatorClient) -> None:
    elsewhere = seeds.nsg(group="rg-other")
    client.seed([seeds.flexible_server(), seeds.diagnostic_setting(resource=SERVER), elsewhere])
    client.seed([seeds.firewall_rule(server=SERVER, name="office", start="198.51.100.7")])
    subscription = f"/subscriptions/{seeds.SUBSCRIPTION}"
    listed = [one["id"] for one in client.list_all(f"{subscription}/resources")]
    assert listed == [SERVER, elsewhere["id"]]
    assert [one["id"] for one in client.list_all(f"{seeds.group_id()}/resources")] == [SERVER]
    kind = "Microsoft.Network/networkSecurityGroups"
    asked = client.list_all(f"{subscription}/resources?$filter=resourceType%20eq%20'{kind}'")
    assert [one["id"] for one in asked] == [elsewhere["id"]]


def test_a_network_lists_the_security_admin_rules_that_hold_in_it(client: SimulatorClient, sdk: Sdk) -> None:
    here, there = seeds.vnet_id(), seeds.vnet_id(name="vnet-hub")
    client.seed([seeds.vnet(), seeds.vnet(name="vnet-hub")])
    asked = QueryRequestOptions()
    rules = sdk.network.list_network_manager_effective_security_admin_rules
    assert rules(seeds.GROUP, seeds.VNET, asked).value == []
    client.seed(
        [
            seeds.admin_rule(name="second", priority=20, networks=[here, there]),
            seeds.admin_rule(name="first", priority=3, networks=[here], access="AlwaysAllow"),
            seeds.admin_rule(name="elsewhere", priority=1, networks=[there]),
        ]
    )
    found = rules(seeds.GROUP, seeds.VNET, asked)
    assert not found.skip_token
    held = [one for one in found.value or [] if isinstance(one, EffectiveSecurityAdminRule)]
    assert [(one.priority, one.access, one.direction) for one in held] == [
        (3, "AlwaysAllow", "Inbound"),
        (20, "Deny", "Inbound"),
    ]
    assert [call["kind"] for call in client.calls(method="POST")] == ["read", "read"]


def test_the_rules_of_a_network_are_asked_by_an_action_of_their_own_and_not_under_a_read_only_lock(
    client: SimulatorClient,
) -> None:
    path = f"{seeds.vnet_id()}/listNetworkManagerEffectiveSecurityAdminRules"
    assert client.arm("POST", path)[0] == 404
    client.seed([seeds.vnet()])
    client.deny(BOT.app_id, [EFFECTIVE_RULES + "/action"])
    assert client.arm("POST", path)[0] == 200
    assert SimulatorClient(client.url, BOT).arm("POST", path)[0] == 403
    client.seed([seeds.lock(scope=seeds.vnet_id(), name="keep", level="ReadOnly")])
    assert client.arm("POST", path)[0] == 409
