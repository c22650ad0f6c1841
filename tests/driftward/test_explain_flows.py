"""`explain-flows` with what the simulator says: service tags, a server, its subnet and NSG."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from driftward.cli import main
from local.simulator import seeds
from local.simulator.client import SimulatorClient
from local.simulator.server import SimulatorServer
from tests.driftward.flows.builders import encoded, log, nsg_record, nsg_tuple

STORAGE, ENTRA, STRANGER = "198.51.100.130", "203.0.113.9", "104.74.50.201"
"""By the prefixes that the simulator invents."""


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatorClient]:
    """A server with Entra sign-in in a delegated subnet whose NSG denies everything outbound."""
    deny = seeds.security_rule(name="deny-all-outbound", priority=4000, direction="Outbound")
    server = seeds.flexible_server(
        public_access="Disabled",
        delegated_subnet=seeds.subnet_id(),
        properties={"authConfig": {"activeDirectoryAuth": "Enabled", "passwordAuth": "Disabled"}},
    )
    vnet = seeds.vnet(subnets=[seeds.subnet(nsg=seeds.nsg_id())])
    with SimulatorServer() as simulator:
        client = SimulatorClient(simulator.url)
        client.seed([seeds.nsg(rules=[deny]), vnet, server])
        monkeypatch.setenv("ARM_ENDPOINT", simulator.url)
        yield client


@pytest.fixture
def flow_log(tmp_path: Path) -> str:
    flows = [nsg_tuple(address, source="10.20.1.4") for address in (STORAGE, ENTRA, STRANGER)]
    path = tmp_path / "log.json"
    path.write_bytes(encoded(log(nsg_record(flows, rule="UserRule_deny-all-outbound"))))
    return str(path)


def ask(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code = main(["explain-flows", *words, "--json"])
    return code, json.loads(capsys.readouterr().out)


def kinds(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(group["kind"], group["name"], group["need"]) for group in found["groups"]]


@pytest.mark.usefixtures("azure")
def test_an_id_brings_the_subnet_its_nsg_the_tags_and_the_servers_features(
    flow_log: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = ask(capsys, flow_log, "--server", seeds.flexible_server_id())
    assert code == 1
    assert kinds(found) == [
        ("platform", "AzureActiveDirectory", "required"),
        ("platform", "Storage", "required"),
        ("unknownCdn", "", "none"),
    ]
    assert found["subnet"] == ["10.20.1.0/24"]
    assert found["nsg"] == seeds.nsg_id()
    assert found["server"]["entraSignIn"] is True
    assert found["tags"]["source"] == "service tags of canadacentral"
    rules = [rule["properties"] for group in found["groups"][:2] for rule in group["fix"]["rules"]]
    assert {rule["priority"] for rule in rules} == {3999, 3998}
    assert {rule["sourceAddressPrefix"] for rule in rules} == {"10.20.1.0/24"}
    assert found["notes"] == []


@pytest.mark.parametrize(
    ("own", "asked", "needs"),
    [
        ([], "168.63.129.16", [("platform", "azureDns", "required")]),
        (["10.9.0.4"], "10.9.0.4", [("platform", "dns", "required")]),
        (["10.9.0.4"], "10.9.0.5", [("other", "private", "none")]),
    ],
)
def test_an_id_brings_the_networks_dns_servers(
    own: list[str],
    asked: str,
    needs: list[tuple[str, str, str]],
    azure: SimulatorClient,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    dns: dict[str, Any] = {"dhcpOptions": {"dnsServers": own}}
    azure.seed([seeds.vnet(subnets=[seeds.subnet(nsg=seeds.nsg_id())], properties=dns)])
    path = tmp_path / "log.json"
    path.write_bytes(encoded(log(nsg_record([nsg_tuple(asked, source="10.20.1.4", port=53, how="U,O,D")]))))
    _, found = ask(capsys, str(path), "--server", seeds.flexible_server_id())
    assert kinds(found) == needs


@pytest.mark.field(
    "ways",
    "A flow to the public space of the server's own network is private, and no service's.",
    source="https://learn.microsoft.com/azure/virtual-network/service-tags-overview",
    date="2026-11-29",
)
def test_an_id_brings_the_space_of_the_network(
    azure: SimulatorClient, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    space = ["10.20.0.0/16", "145.10.0.0/16"]
    azure.seed([seeds.vnet(prefixes=space, subnets=[seeds.subnet(nsg=seeds.nsg_id())])])
    path = tmp_path / "log.json"
    flows = [nsg_tuple(address, source="10.20.1.4") for address in ("145.10.2.9", STRANGER)]
    path.write_bytes(encoded(log(nsg_record(flows))))
    _, found = ask(capsys, str(path), "--server", seeds.flexible_server_id())
    assert sorted(kinds(found)) == [("other", "private", "none"), ("unknownCdn", "", "none")]


def test_a_subscription_brings_the_tags_alone(
    azure: SimulatorClient, flow_log: str, capsys: pytest.CaptureFixture[str]
) -> None:
    azure.reset_calls()
    code, found = ask(capsys, flow_log, "--subscription", seeds.SUBSCRIPTION, "--location", "Canada Central")
    assert code == 1
    assert kinds(found) == [
        ("platform", "Storage", "required"),
        ("platform", "AzureActiveDirectory", "depends"),
        ("unknownCdn", "", "none"),
    ]
    assert (found["nsg"], found["server"], found["subnet"]) == (None, None, [])
    assert len(azure.calls()) == 1


@pytest.mark.usefixtures("azure")
@pytest.mark.parametrize(
    "words",
    [
        ["--server", seeds.flexible_server_id(name="nobody")],
        ["--subscription", seeds.SUBSCRIPTION, "--location", "atlantis"],
    ],
)
def test_what_azure_refuses_is_told_and_nothing_is_answered(
    words: list[str], flow_log: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain-flows", flow_log, *words]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.strip()
