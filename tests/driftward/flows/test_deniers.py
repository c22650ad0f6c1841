"""Who denied, what was looked at and what is younger than the log: where all once seemed well."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from driftward.cli import main
from driftward.flows.deniers import Denier, denier
from shared.model import Json
from tests.driftward.flows.builders import (
    LOGS,
    NSG_ID,
    encoded,
    log,
    nsg_record,
    nsg_tuple,
    vnet_record,
    vnet_tuple,
)

TAGS = ("--tags", str(LOGS / "tags.json"))
NSG = ("--nsg", str(LOGS / "nsg.json"))
SUBNET = ("--subnet", "10.1.0.0/28")
STORAGE, ENTRA = "52.239.130.228", "20.190.128.9"
DENY_ALL = "UserRule_deny-all-outbound"
"""The rule of the NSG of the tests, as a log names it."""


class Asked:
    """The command on a log: exit code, the answer for machines, and the text for people."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._folder = folder
        self._capsys = capsys

    def file(self, document: Json, name: str = "log.json") -> str:
        path = self._folder / name
        path.write_bytes(document if isinstance(document, bytes) else encoded(document))
        return str(path)

    def __call__(self, *words: str) -> tuple[int, dict[str, Any]]:
        code = main(["explain-flows", *words, "--json"])
        return code, json.loads(self._capsys.readouterr().out)

    def text(self, *words: str) -> str:
        main(["explain-flows", *words])
        return " ".join(self._capsys.readouterr().out.split())


@pytest.fixture
def ask(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Asked:
    monkeypatch.setenv("COLUMNS", "80")
    return Asked(tmp_path, capsys)


def only(found: Mapping[str, Any], name: str) -> dict[str, Any]:
    (one,) = [group for group in found["groups"] if group["name"] == name]
    return dict(one)


def nsg_that(ask: Asked, *rules: Mapping[str, Json]) -> tuple[str, str]:
    """The NSG of the tests with more rules."""
    document = json.loads((LOGS / "nsg.json").read_text())
    document["properties"]["securityRules"] += rules
    return "--nsg", ask.file(document, "nsg.json")


def rule(name: str, *, priority: int, access: str, destination: str, port: str = "443") -> dict[str, Json]:
    return {
        "name": name,
        "properties": {
            "priority": priority,
            "direction": "Outbound",
            "access": access,
            "protocol": "*",
            "sourceAddressPrefix": "*",
            "sourcePortRange": "*",
            "destinationAddressPrefix": destination,
            "destinationPortRange": port,
        },
    }


ALLOW_STORAGE = rule("allow-storage", priority=300, access="Allow", destination="Storage")


# --- who denied ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("logged", "encryption", "by"),
    [
        ("UserRule_deny-all", "NX", Denier.NSG),
        ("DefaultRule_DenyAllInBound", "NX", Denier.NSG),
        ("userrule_deny-all", "X", Denier.NSG),
        ("UserRule_unspecified", "NX", Denier.NSG),
        ("DefaultRule_DenyAllOutBound", "", Denier.NSG),
        ("BlockHighRiskTCPPortsFromInternet", "NX", Denier.ADMIN_RULE),
        ("Internet", "NX", Denier.ADMIN_RULE),
        ("deny-all", "", Denier.ADMIN_RULE),
        ("unspecified", "NX", Denier.ENCRYPTION),
        (" Unspecified ", "NX_LOCAL_DST", Denier.ENCRYPTION),
        ("unspecified", "", Denier.ENCRYPTION),
        ("", "NX_NOT_ACCEPTED", Denier.ENCRYPTION),
        ("", "NX", Denier.UNNAMED),
        ("  ", "NX_HW_NOT_SUPPORTED", Denier.UNNAMED),
        ("", "", Denier.NSG),
    ],
)
def test_the_rules_name_says_who_denied(logged: str, encryption: str, by: Denier) -> None:
    assert denier(logged, encryption) is by


@pytest.mark.field(
    "flows",
    "What a security admin rule of Virtual Network Manager or encryption denied is denied whatever the NSG "
    "allows, and never gets an NSG rule.",
    source="https://learn.microsoft.com/azure/network-watcher/vnet-flow-logs-overview",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("logged", "how", "by", "said"),
    [
        ("BlockOutbound", "6,O,D,NX", "adminRule", "security admin rule"),
        ("Internet", "6,O,D,X", "adminRule", "security admin rule"),
        ("unspecified", "6,O,D,NX", "encryption", "encryption"),
        ("unspecified", "6,O,D,NX_NOT_ACCEPTED", "encryption", "encryption"),
        ("UserRule_deny-all-outbound", "6,O,D,NX_SW_NOT_READY", "encryption", "encryption"),
        ("", "6,O,D,NX", "unnamed", "does not name who denied it"),
    ],
)
def test_what_no_nsg_denied_is_denied_whatever_the_nsg_allows(
    logged: str, how: str, by: str, said: str, ask: Asked
) -> None:
    path = ask.file(log(vnet_record([vnet_tuple(STORAGE, how=how)], rule=logged)))
    for nsg in ((), NSG, nsg_that(ask, ALLOW_STORAGE)):
        code, found = ask(path, *TAGS, *SUBNET, *nsg)
        storage = only(found, "Storage")
        assert (code, found["answer"], storage["need"]) == (1, "requiredDenied", "required")
        assert (storage["deniedBy"], storage["now"]) == (by, None)
        assert said in storage["whatToDo"]
        assert storage["fix"]["rules"] == storage["fix"]["commands"] == []
        text = ask.text(path, *TAGS, *SUBNET, *nsg)
        assert text.startswith("REQUIRED TRAFFIC IS DENIED")
        assert said in text
        assert "az network nsg rule" not in text


@pytest.mark.field(
    "flows",
    "What an NSG denied and what an admin rule denied are told apart, and only the NSG's gets a rule.",
    source="https://learn.microsoft.com/azure/virtual-network-manager/concept-virtual-network-flow-logs",
    date="2026-11-29",
)
def test_each_denier_has_its_own_part_of_the_answer(ask: Asked) -> None:
    records = [
        vnet_record([vnet_tuple(STORAGE)], rule=DENY_ALL),
        vnet_record([vnet_tuple(STORAGE), vnet_tuple("104.74.50.201")], rule="BlockOutbound"),
    ]
    code, found = ask(ask.file(log(*records)), *TAGS, *SUBNET, *NSG)
    storage = {group["deniedBy"]: group for group in found["groups"] if group["name"] == "Storage"}
    assert code == 1
    assert {by: group["count"] for by, group in storage.items()} == {"nsg": 1, "adminRule": 1}
    assert [bool(storage[by]["fix"]["rules"]) for by in ("nsg", "adminRule")] == [True, False]
    assert any("BlockOutbound" in note and "no NSG rule overrides" in note for note in found["notes"])


def test_who_denied_is_known_where_the_rule_is_named_after_its_flows(ask: Asked) -> None:
    record = vnet_record([vnet_tuple(STORAGE), vnet_tuple(STORAGE, how="6,O,D,NX_NOT_ACCEPTED")])
    (flow,) = record["flowRecords"]["flows"]
    flow["flowGroups"] = [{"flowTuples": flow["flowGroups"][0]["flowTuples"], "rule": "BlockOutbound"}]
    _, found = ask(ask.file(log(record)), *TAGS)
    groups = {group["deniedBy"]: group for group in found["groups"]}
    assert {by: group["count"] for by, group in groups.items()} == {"adminRule": 1, "encryption": 1}
    assert groups["adminRule"]["rules"] == [{"name": "BlockOutbound", "count": 1}]


def test_what_an_admin_rule_denied_and_nobody_needs_is_no_alarm(ask: Asked) -> None:
    path = ask.file(log(vnet_record([vnet_tuple("104.74.50.201")], rule="BlockOutbound")))
    code, found = ask(path, *TAGS, *SUBNET)
    assert (code, found["answer"]) == (0, "nothingRequiredDenied")
    assert "security admin rule" in ask.text(path, *TAGS, *SUBNET)


# --- what was looked at ----------------------------------------------------------------------------


@pytest.mark.field(
    "flows",
    "A subnet of which the log holds no flow is exit code 2, and named: nothing was looked at.",
    source="https://learn.microsoft.com/azure/network-watcher/vnet-flow-logs-overview",
    date="2026-11-29",
)
@pytest.mark.parametrize("make", [nsg_record, vnet_record])
def test_a_subnet_without_a_flow_is_no_answer(make: Any, ask: Asked) -> None:
    flow = nsg_tuple(STORAGE) if make is nsg_record else vnet_tuple(STORAGE)
    code, found = ask(ask.file(log(make([flow]))), *TAGS, "--subnet", "10.77.0.0/28")
    assert (code, found["field"]) == (2, "subnet")
    assert "10.77.0.0/28" in found["error"]


@pytest.mark.field(
    "flows",
    "A log in which nothing was looked at is exit code 2: no records, no flows, no flow of the direction.",
    source="https://learn.microsoft.com/azure/network-watcher/vnet-flow-logs-overview",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("document", "words", "field"),
    [
        (log(), (), "logs"),
        ([], (), "logs"),
        (log(nsg_record([])), SUBNET, "logs"),
        (log({"properties": {"flows": None}}), (), "logs"),
        (log(nsg_record([nsg_tuple(STORAGE)])), ("--direction", "Inbound"), "direction"),
        (
            log(nsg_record([nsg_tuple(STORAGE, how="T,O,A")])),
            (*SUBNET, "--direction", "inbound"),
            "direction",
        ),
        (log(nsg_record([nsg_tuple(STORAGE, how="T,O,A")])), ("--subnet", "10.1.0.16/28"), "subnet"),
        (log(nsg_record([nsg_tuple("10.1.0.4", source="10.9.0.9")])), SUBNET, "subnet"),
    ],
)
def test_nothing_looked_at_is_no_answer(
    document: Json, words: tuple[str, ...], field: str, ask: Asked
) -> None:
    code, found = ask(ask.file(document), *TAGS, *words)
    assert (code, found["field"]) == (2, field)
    assert "nothing was looked at" in found["error"] or "no flow log" in found["error"]


@pytest.mark.parametrize("how", ["T,O,A", "T,I,A"])
def test_flows_that_all_passed_are_looked_at(how: str, ask: Asked) -> None:
    source, destination = ("10.1.0.4", STORAGE) if "O" in how else ("10.9.0.9", "10.1.0.4")
    path = ask.file(log(nsg_record([nsg_tuple(destination, source=source, how=how)])))
    code, found = ask(path, *TAGS, *SUBNET)
    assert (code, found["answer"], found["flows"]["total"]) == (0, "nothingRequiredDenied", 1)


def test_of_several_subnets_the_one_without_a_flow_is_named(ask: Asked) -> None:
    path = ask.file(log(nsg_record([nsg_tuple("104.74.50.201"), nsg_tuple(how="T,O,A", source="10.3.0.9")])))
    code, found = ask(path, *TAGS, *SUBNET, "--subnet", "10.2.0.0/28,10.3.0.0/28")
    assert code == 0
    assert found["notes"] == ["no flow of the log is of 10.2.0.0/28: nothing of it was looked at"]


@pytest.mark.field(
    "flows",
    "An answer that stays Unknown is exit code 3, as everywhere a question stays open.",
    source="https://learn.microsoft.com/azure/network-watcher/vnet-flow-logs-overview",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("flow", "words"),
    [
        (nsg_tuple(STORAGE), ()),
        (nsg_tuple(ENTRA), TAGS),
        (nsg_tuple("10.9.0.4", port=53, how="U,O,D"), TAGS),
        ("1,2", (*TAGS, "--partial")),
    ],
)
def test_unknown_is_a_code_of_its_own(flow: str, words: tuple[str, ...], ask: Asked) -> None:
    code, found = ask(ask.file(log(nsg_record([flow]))), *words, *SUBNET)
    assert (code, found["answer"]) == (3, "unknown")


# --- names -----------------------------------------------------------------------------------------


@pytest.mark.field(
    "flows",
    "Denied questions to DNS servers are named, and required where --dns-server names them.",
    source="https://learn.microsoft.com/azure/virtual-network/virtual-networks-name-resolution-for-vms-and-role-instances",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("server", "name"), [("10.9.0.4", "dns"), ("168.63.129.16", "azureDns"), ("203.0.113.53", "dns")]
)
@pytest.mark.parametrize("protocol", ["U", "T"])
def test_denied_questions_for_names_are_told(server: str, name: str, protocol: str, ask: Asked) -> None:
    path = ask.file(log(nsg_record([nsg_tuple(server, port=53, how=f"{protocol},O,D")], rule=DENY_ALL)))
    code, found = ask(path, *TAGS, *SUBNET)
    assert (code, only(found, name)["need"]) == (3, "depends")
    assert "--dns-server tells" in ask.text(path, *TAGS, *SUBNET)
    code, found = ask(path, *TAGS, *SUBNET, "--dns-server", server)
    assert (code, only(found, name)["need"]) == (1, "required")
    assert ask(path, *TAGS, *SUBNET, "--dns-server", "10.8.0.4,10.8.0.5")[0] == 0


def test_the_rule_for_dns_servers_is_for_the_addresses_that_were_asked(ask: Asked) -> None:
    flows = [nsg_tuple(server, port=53, how="U,O,D") for server in ("10.9.0.4", "10.9.0.5")]
    path = ask.file(log(nsg_record(flows, rule=DENY_ALL)))
    _, found = ask(path, *TAGS, *SUBNET, *NSG)
    fix = only(found, "dns")["fix"]
    (made,) = [body["properties"] for body in fix["rules"]]
    assert (fix["proved"], made["protocol"], made["destinationPortRange"]) == (True, "Udp", "53")
    assert made.get("destinationAddressPrefixes") or made["destinationAddressPrefix"] == "10.9.0.4/31"
    allow = nsg_that(ask, ALLOW_STORAGE, *fix["rules"])
    code, found = ask(path, *TAGS, *SUBNET, *allow)
    assert (code, only(found, "dns")["now"]["verdict"]) == (0, "allowed")


def test_azures_own_dns_takes_no_rule_for_addresses(ask: Asked) -> None:
    path = ask.file(log(nsg_record([nsg_tuple("168.63.129.16", port=53, how="U,O,D")], rule=DENY_ALL)))
    _, found = ask(path, *TAGS, *SUBNET, *NSG)
    fix = only(found, "azureDns")["fix"]
    assert fix["rules"] == []
    assert "AzurePlatformDNS" in fix["noFixReason"]


# --- what is younger than the log ------------------------------------------------------------------


@pytest.mark.field(
    "flows",
    "A rule that decides now and that the log does not name is said to be younger than the log.",
    source="https://learn.microsoft.com/azure/network-watcher/nsg-flow-logs-overview",
    date="2026-11-29",
)
def test_a_rule_that_lets_pass_what_the_log_shows_as_denied_may_be_younger(ask: Asked) -> None:
    path = ask.file(log(nsg_record([nsg_tuple(STORAGE)], rule=DENY_ALL)))
    nsg = nsg_that(ask, ALLOW_STORAGE)
    code, found = ask(path, *TAGS, *SUBNET, *nsg)
    now = only(found, "Storage")["now"]
    assert (code, now["verdict"], now["youngerRules"]) == (0, "allowed", ["allow-storage"])
    (note,) = found["notes"]
    assert "'allow-storage'" in note
    assert "younger than the log" in note
    assert "2025-11-20T10:00:00Z" in note
    assert "by 'allow-storage', which may be younger than the log" in ask.text(path, *TAGS, *SUBNET, *nsg)


def test_another_rule_that_denies_now_may_be_younger(ask: Asked) -> None:
    path = ask.file(log(nsg_record([nsg_tuple(STORAGE)], rule=DENY_ALL)))
    deny = rule("deny-storage", priority=300, access="Deny", destination="Storage")
    code, found = ask(path, *TAGS, *SUBNET, *nsg_that(ask, deny))
    assert (code, only(found, "Storage")["now"]["youngerRules"]) == (1, ["deny-storage"])
    assert any("younger than the log" in note for note in found["notes"])


def test_where_the_logs_rule_still_decides_nothing_is_younger(ask: Asked) -> None:
    path = ask.file(log(nsg_record([nsg_tuple(STORAGE)], rule=DENY_ALL)))
    _, found = ask(path, *TAGS, *SUBNET, *NSG)
    assert (only(found, "Storage")["now"]["youngerRules"], found["notes"]) == ([], [])


def test_a_rule_that_is_gone_is_said_to_be(ask: Asked) -> None:
    path = ask.file(log(nsg_record([nsg_tuple(STORAGE)], rule="UserRule_gone")))
    _, found = ask(path, *TAGS, *SUBNET, *NSG)
    assert any(
        "does not have (UserRule_gone)" in note and "younger than the log" in note for note in found["notes"]
    )


@pytest.mark.field(
    "flows",
    "What an NSG denies now and the log never shows denied keeps the answer open: its rule may be younger.",
    source="https://learn.microsoft.com/azure/network-watcher/nsg-flow-logs-overview",
    date="2026-11-29",
)
def test_a_deny_that_the_log_never_met_may_be_younger(ask: Asked) -> None:
    path = ask.file(log(nsg_record([nsg_tuple(STORAGE, how="T,O,A")], rule="UserRule_allow-storage")))
    code, found = ask(path, *TAGS, *SUBNET, *NSG)
    assert (code, found["answer"]) == (3, "unknown")
    assert any("denies Storage now, by 'deny-all-outbound'" in note for note in found["notes"])
    assert ask(path, *TAGS, *SUBNET, *nsg_that(ask, ALLOW_STORAGE))[0] == 0


@pytest.mark.field(
    "flows",
    "What an NSG lets pass that the log is not about does not make its flows pass.",
    source="https://learn.microsoft.com/azure/network-watcher/nsg-flow-logs-overview",
    date="2026-11-29",
)
def test_the_log_of_another_nsg_is_not_answered_by_this_one(ask: Asked) -> None:
    other = {**nsg_record([nsg_tuple(STORAGE)], rule=DENY_ALL), "resourceId": f"{NSG_ID}-OTHER"}
    nsg = nsg_that(ask, ALLOW_STORAGE)
    code, found = ask(ask.file(log(other)), *TAGS, *SUBNET, *nsg)
    assert (code, only(found, "Storage")["now"]["isOfAnotherNsg"]) == (1, True)
    assert any("not about nsg-postgres" in note for note in found["notes"])
    both = ask.file(log(other, nsg_record([], rule=DENY_ALL)))
    assert ask(both, *TAGS, *SUBNET, *nsg)[0] == 0
