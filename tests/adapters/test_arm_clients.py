"""Clients and credentials: which endpoints are taken, when the fake token is sent, what is imported when."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address
from urllib.parse import parse_qs

import pytest
from azure.core.exceptions import ResourceNotFoundError

from shared.adapters.arm.gateway import ArmGateway
from shared.adapters.arm.session.clients import ApiVersions, ArmClients, same_host
from shared.adapters.arm.session.tokens import LOCAL_IDENTITY, LocalBearerPolicy, LocalCredential, actor_of
from shared.config.settings import Settings
from shared.model import (
    Access,
    Actor,
    DeleteFirewallRule,
    DeleteSecurityRule,
    Direction,
    Edit,
    FirewallRule,
    PublicAccess,
    PutFirewallRule,
    PutSecurityRule,
    SecurityRule,
    SetPublicAccess,
    Target,
    TargetKind,
    edited_resource,
)
from shared.model.clouds import Cloud
from shared.model.errors import ConfigurationError, Gone
from shared.model.resource_id import ResourceId
from tests.adapters.conftest import Azure, Bench, StandingClock
from tests.adapters.scripted_arm import Reply, ScriptedArm

SERVER = "/subscriptions/5ab1/resourceGroups/rg/providers/Microsoft.DBforPostgreSQL/flexibleServers/db"
TARGET = Target(kind=TargetKind.FLEXIBLE_SERVER, id=ResourceId(SERVER))
GROUP = "/subscriptions/5ab1/resourceGroups/rg/providers"
OLD = Target(kind=TargetKind.SINGLE_SERVER, id=ResourceId(f"{GROUP}/Microsoft.DBforPostgreSQL/servers/old"))
SUBNET = Target(
    kind=TargetKind.SUBNET, id=ResourceId(f"{GROUP}/Microsoft.Network/virtualNetworks/vnet/subnets/db")
)
NSG = ResourceId(f"{GROUP}/Microsoft.Network/networkSecurityGroups/nsg")
RANGE = FirewallRule(name="range", start=IPv4Address("10.0.0.1"), end=IPv4Address("10.0.0.9"))
ALLOW = SecurityRule(
    name="allow",
    direction=Direction.INBOUND,
    access=Access.ALLOW,
    priority=100,
    protocol="Tcp",
    sources=("*",),
    destinations=("*",),
)
CHOSEN = (("flexible", "2025-08-01"), ("single", "2018-06-01"), ("network", "2024-05-01"))


def token(claims: object) -> str:
    middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{middle}.sig"


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://management.azure.com",
        "http://10.0.0.4:8080",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1@example.com",
        "http://localhost.example.com",
        "ftp://127.0.0.1",
        "https://user:word@management.azure.com",
        "https://management.azure.com/tenant",
        "https://management.azure.com?x=1",
        "management.azure.com",
        "https://",
    ],
)
def test_an_endpoint_that_would_leak_a_token_is_refused(endpoint: str) -> None:
    with pytest.raises(ConfigurationError, match="ARM_ENDPOINT"):
        ArmClients(Settings(arm_endpoint=endpoint))


@pytest.mark.parametrize(
    "endpoint",
    ["http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080", "http://127.0.0.1:8080/"],
)
def test_the_fake_identity_is_used_on_this_machine_only(endpoint: str) -> None:
    clients = ArmClients(Settings(arm_endpoint=endpoint))
    assert clients.identity() == LOCAL_IDENTITY
    assert clients.endpoint == endpoint.rstrip("/")


@pytest.mark.parametrize(
    ("cloud", "host"),
    [
        (Cloud.PUBLIC, "https://management.azure.com"),
        (Cloud.US_GOVERNMENT, "https://management.usgovcloudapi.net"),
        (Cloud.CHINA, "https://management.chinacloudapi.cn"),
    ],
)
def test_each_cloud_has_its_endpoint(cloud: Cloud, host: str) -> None:
    assert ArmClients(Settings(cloud=cloud)).endpoint == host


def test_a_real_endpoint_gets_a_real_credential() -> None:
    from azure.identity import DefaultAzureCredential, ManagedIdentityCredential

    plain = ArmClients(Settings())
    named = ArmClients(Settings(client_id="c1"))
    assert isinstance(plain._credential(), DefaultAzureCredential)
    assert isinstance(named._credential(), ManagedIdentityCredential)


def test_the_token_names_driftward_and_is_sent_over_plain_http(bench: Bench) -> None:
    body = {"id": SERVER, "name": "db", "properties": {}}
    bench.arm.on("GET", SERVER, Reply(body=body))
    bench.gateway.read(TARGET, frozenset())
    scheme, sent = bench.arm.asked[0].headers["Authorization"].split()
    assert (scheme, actor_of(sent)) == ("Bearer", LOCAL_IDENTITY)
    assert sent == LocalCredential().get_token().token


def test_the_simulator_sees_the_identity_that_we_claim(azure: Azure) -> None:
    gateway = azure.gateway()
    assert gateway.identity() == LOCAL_IDENTITY
    assert azure.simulator.calls() == []
    list(gateway.enumerate(ResourceId("/subscriptions/5ab1")))
    caller = azure.simulator.calls()[0]["caller"]
    assert caller == {
        "appId": LOCAL_IDENTITY.app_id,
        "objectId": LOCAL_IDENTITY.object_id,
        "name": LOCAL_IDENTITY.name,
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (token({"appid": "a", "oid": "o", "name": "n"}), Actor(app_id="a", object_id="o", name="n")),
        (token({"azp": "a", "oid": "o"}), Actor(app_id="a", object_id="o")),
        (token({}), Actor()),
        (token(["no claims"]), Actor()),
        ("opaque", Actor()),
        ("a.!!!.c", Actor()),
        ("", Actor()),
    ],
)
def test_a_token_names_whom_its_claims_name(text: str, expected: Actor) -> None:
    assert actor_of(text) == expected


def versions_on_the_wire(arm: ScriptedArm) -> list[str]:
    return [parse_qs(asked.target.partition("?")[2])["api-version"][0] for asked in arm.asked]


def ask_each_family(gateway: ArmGateway) -> None:
    for target in (TARGET, OLD, SUBNET):
        with pytest.raises(Gone):
            gateway.read(target, frozenset())


def test_the_api_versions_that_are_sent(bench: Bench) -> None:
    ask_each_family(bench.gateway)
    assert versions_on_the_wire(bench.arm) == ["2026-10-01", "2017-12-01", "2026-03-01"]


def test_other_api_versions_can_be_set(bench: Bench) -> None:
    clients = ArmClients(Settings(arm_endpoint=bench.arm.url, api_versions=CHOSEN))
    ask_each_family(ArmGateway(clients, StandingClock(), bench.slept.append))
    clients.close()
    assert versions_on_the_wire(bench.arm) == [version for _, version in CHOSEN]


@pytest.mark.parametrize(
    ("edit", "method", "version"),
    [
        (SetPublicAccess(server=TARGET.id, access=PublicAccess.DISABLED), "PATCH", "2025-08-01"),
        (PutFirewallRule(server=TARGET.id, rule=RANGE), "PUT", "2025-08-01"),
        (DeleteFirewallRule(server=TARGET.id, rule=RANGE), "DELETE", "2025-08-01"),
        (SetPublicAccess(server=OLD.id, access=PublicAccess.DISABLED), "PATCH", "2018-06-01"),
        (PutFirewallRule(server=OLD.id, rule=RANGE), "PUT", "2018-06-01"),
        (DeleteFirewallRule(server=OLD.id, rule=RANGE), "DELETE", "2018-06-01"),
        (PutSecurityRule(nsg=NSG, rule=ALLOW), "PUT", "2024-05-01"),
        (DeleteSecurityRule(nsg=NSG, rule=ALLOW), "DELETE", "2024-05-01"),
    ],
)
def test_writes_are_sent_with_the_versions_that_were_set(
    bench: Bench, edit: Edit, method: str, version: str
) -> None:
    bench.arm.on("GET", str(OLD.id), Reply(body={"id": str(OLD.id), "name": "old"}))
    bench.arm.on(method, str(edited_resource(edit)), Reply(status=202))
    before = bench.gateway.read(OLD, frozenset())
    clients = ArmClients(Settings(arm_endpoint=bench.arm.url, api_versions=CHOSEN))
    ArmGateway(clients, StandingClock(), bench.slept.append).submit(edit, before)
    clients.close()
    assert bench.arm.asked[-1].method == method
    assert versions_on_the_wire(bench.arm)[-1] == version


def test_the_api_versions_are_the_own_defaults_of_the_pinned_sdks(bench: Bench) -> None:
    """A new major of an SDK that speaks another version must be noticed here, not in production."""
    from azure.mgmt.network import NetworkManagementClient
    from azure.mgmt.postgresqlflexibleservers import PostgreSQLManagementClient as FlexibleClient
    from azure.mgmt.rdbms.postgresql import PostgreSQLManagementClient as SingleClient

    credential, url = LocalCredential(), bench.arm.url
    policy = LocalBearerPolicy(credential)
    flexible = FlexibleClient(credential, "5ab1", url, authentication_policy=policy)
    with flexible, pytest.raises(ResourceNotFoundError):
        flexible.servers.get("rg", "db")
    single = SingleClient(credential, "5ab1", url, authentication_policy=policy)
    with single, pytest.raises(ResourceNotFoundError):
        single.servers.get("rg", "old")
    network = NetworkManagementClient(credential, "5ab1", url, authentication_policy=policy)
    with network, pytest.raises(ResourceNotFoundError):
        network.subnets.get("rg", "vnet", "db")
    ours = ApiVersions()
    assert versions_on_the_wire(bench.arm) == [ours.flexible, ours.single, ours.network]


def test_a_client_is_made_once_whichever_thread_asks_first() -> None:
    clients = ArmClients(Settings(arm_endpoint="http://127.0.0.1:1"))
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: clients.flexible("5AB1"), range(16)))
    assert {id(client) for client in made} == {id(clients.flexible("5ab1"))}
    assert clients.flexible("another") is not made[0]


def test_only_the_link_to_the_endpoint_itself_is_the_same_host() -> None:
    endpoint = "https://management.azure.com"
    assert same_host("https://MANAGEMENT.azure.com:443/a?b", endpoint)
    assert not same_host("http://management.azure.com/a", endpoint)
    assert not same_host("https://management.azure.com:444/a", endpoint)
    assert not same_host("https://management.azure.com:port/a", endpoint)


def test_the_sdks_are_imported_when_their_client_is_first_asked_for() -> None:
    script = (
        "import sys\n"
        "from shared.adapters.arm.session.clients import ArmClients\n"
        "from shared.adapters.arm.gateway import ArmGateway\n"
        "from shared.config.settings import Settings\n"
        "clients = ArmClients(Settings(arm_endpoint='http://127.0.0.1:1'))\n"
        "heavy = ['azure.mgmt.network', 'azure.mgmt.postgresqlflexibleservers', 'azure.mgmt.rdbms',"
        " 'azure.mgmt.resourcegraph', 'azure.identity']\n"
        "print([name for name in heavy if name in sys.modules])\n"
        "clients.flexible('5ab1')\n"
        "print([name for name in heavy if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "['azure.mgmt.postgresqlflexibleservers']"]
