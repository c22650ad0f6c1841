"""A scan and the deployed app find the same on the same subscription."""

from __future__ import annotations

import json
from typing import Any

import pytest

from driftward.cli import main
from local.demo.world import resources
from local.simulator import seeds
from tests.e2e.conftest import Installation, Site

pytestmark = [pytest.mark.engine, pytest.mark.azurite, pytest.mark.long]

SCOPE = f"/subscriptions/{seeds.SUBSCRIPTION}"
NEGLECTED = (
    seeds.flexible_server(name="pg-bare"),
    seeds.firewall_rule(
        server=seeds.flexible_server_id(name="pg-bare"), name="all", start="0.0.0.0", end="255.255.255.255"
    ),
    seeds.flexible_server(name="pg-shut", public_access="Disabled"),
    seeds.single_server(name="pg-old"),
    seeds.nsg(name="nsg-bare", rules=[seeds.security_rule(name="deny-all", priority=100)]),
    seeds.vnet(name="vnet-bare", subnets=[seeds.subnet(name="db", nsg=seeds.nsg_id(name="nsg-bare"))]),
)
SAID = ("policy", "state", "severity", "resourceId", "reason", "evidence")


def told(findings: list[dict[str, Any]]) -> list[str]:
    """What is not compliant, in an order of its own."""
    wrong = (one for one in findings if one["state"] != "Compliant")
    return sorted(json.dumps({name: one[name] for name in SAID}, sort_keys=True) for one in wrong)


@pytest.fixture(scope="module")
def auditing(site: Site) -> Installation:
    installed = site.install(subscribe=False, ENFORCEMENT_MODE="audit")
    installed.simulator.seed([*resources(), *NEGLECTED])
    return installed


def test_a_scan_finds_what_the_app_finds(
    auditing: Installation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, begun = auditing.api("POST", "runs", {"scope": SCOPE})
    by_app = auditing.wait_for_run(begun["id"])
    monkeypatch.setenv("ARM_ENDPOINT", auditing.simulator.url)
    assert main(["scan", "--scope", SCOPE, "-o", "json"]) == 1
    by_scan = json.loads(capsys.readouterr().out)
    assert told(by_scan["findings"]) == told(by_app["findings"])
    assert len(told(by_scan["findings"])) > 20
    assert {one["id"] for one in by_scan["targets"]} == {one["target"]["id"] for one in by_app["targets"]}
    compliant = {
        (part["target"]["id"], one["policy"])
        for part in by_app["targets"]
        for one in part["findings"]
        if one["state"] == "Compliant"
    }
    assert {(one["id"], policy) for one in by_scan["targets"] for policy in one["compliant"]} == compliant
