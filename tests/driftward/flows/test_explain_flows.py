"""`driftward explain-flows`: exit codes, shape, exact rules, and what a person is shown."""

from __future__ import annotations

import io
import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from driftward.cli import main
from shared.model import Direction, Json
from shared.nsg import Question, Tags, decide, parse, read_side
from shared.nsg.asking import read_tags
from shared.nsg.documents.document import read_group, read_rule
from shared.nsg.engine.fixes import with_rules
from shared.nsg.engine.verdict import State
from shared.nsg.rules.reading import Protocol
from tests.driftward.flows.builders import LOGS, encoded, log, nsg_record, nsg_tuple, vnet_record, vnet_tuple

THREAD = str(LOGS / "nsg_thread.json")
TAGS = ("--tags", str(LOGS / "tags.json"))
SUBNET = ("--subnet", "10.1.0.0/28")
NSG = ("--nsg", str(LOGS / "nsg.json"))
SERVER = ("--server", str(LOGS / "server.json"))
STORAGE, ENTRA, KEY_VAULT = "52.239.130.228", "20.190.128.9", "52.174.76.230"
Found = Mapping[str, Any]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the command for machines: exit code and answer."""

    def asked(*words: str) -> tuple[int, dict[str, Any]]:
        code = main(["explain-flows", *words, "--json"])
        return code, json.loads(capsys.readouterr().out)

    return asked


def file_of(folder: Path, document: Json, name: str = "log.json") -> str:
    path = folder / name
    path.write_bytes(document if isinstance(document, bytes) else encoded(document))
    return str(path)


def group(found: Found, kind: str, name: str = "", direction: str = "Outbound") -> Found:
    (only,) = [
        one
        for one in found["groups"]
        if (one["kind"], one["name"], one["direction"]) == (kind, name, direction)
    ]
    return dict(only)


def addresses(one: Found) -> dict[str, int]:
    return {sample["address"]: sample["count"] for sample in one["addresses"]}


# --- the question of the thread --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["nsg_thread.json", "nsg_thread_v1.json", "vnet_thread.json"])
def test_of_the_threads_three_addresses_two_are_unknown_and_one_is_storage(name: str, ask: Any) -> None:
    code, found = ask(str(LOGS / name), *TAGS)
    assert (code, found["answer"]) == (1, "requiredDenied")
    storage, cdn = group(found, "platform", "Storage"), group(found, "unknownCdn")
    assert (storage["need"], addresses(storage)) == ("required", {STORAGE: 3})
    assert addresses(cdn) == {"104.74.50.201": 2, "23.0.237.118": 1}
    assert (cdn["need"], cdn["fix"], cdn["sure"]) == ("none", None, True)
    assert storage["rules"] == [{"name": "UserRule_deny-all-outbound", "count": 3}]
    assert storage["ports"] == [{"protocol": "Tcp", "port": 443, "count": 3}]
    assert [storage["first"][:19], storage["last"][:19]] == ["2025-11-20T10:00:02", "2025-11-20T10:01:02"]
    assert group(found, "other", "private")["count"] == 1
    assert group(found, "other", "inbound", "Inbound")["count"] == 1
    assert found["flows"]["explained"] == found["flows"]["denied"] == 8


def test_nothing_ever_proposes_the_internet(ask: Any) -> None:
    for options in ((), NSG, (*NSG, *SUBNET), (*NSG, *SUBNET, *SERVER)):
        _, found = ask(THREAD, *TAGS, *options)
        fixes = [one["fix"] for one in found["groups"] if one["fix"]]
        assert fixes
        for fix in fixes:
            for rule in fix["rules"]:
                assert rule["properties"]["destinationAddressPrefix"] in {"Storage", "AzureActiveDirectory"}


def test_without_prefixes_public_addresses_are_unknown(ask: Any) -> None:
    code, found = ask(THREAD, *SUBNET)
    assert (code, found["answer"], found["tags"]) == (3, "unknown", None)
    assert set(addresses(group(found, "unknown"))) == {STORAGE, "104.74.50.201", "23.0.237.118"}
    assert not [one for one in found["groups"] if one["kind"] in {"platform", "unknownCdn"}]


def test_prefixes_of_some_tags_alone_leave_the_rest_unsure(ask: Any, tmp_path: Path) -> None:
    tags = file_of(tmp_path, {"Storage": ["52.239.128.0/17"]}, "tags.json")
    code, found = ask(THREAD, "--tags", tags)
    assert code == 1
    assert group(found, "unknownCdn")["sure"] is False
    assert found["tags"]["missing"] == ["AzureActiveDirectory", "AzureKeyVault", "AzureMonitor"]
    only = file_of(tmp_path, log(nsg_record([nsg_tuple("23.0.237.118")])))
    code, found = ask(only, "--tags", tags)
    assert (code, found["answer"]) == (3, "unknown")


def test_times_are_rfc_3339_with_the_milliseconds_that_the_log_has(ask: Any) -> None:
    times = [ask(str(LOGS / name), *TAGS)[1]["first"] for name in ("nsg_thread.json", "vnet_thread.json")]
    assert times == ["2025-11-20T10:00:02Z", "2025-11-20T10:00:02.250Z"]


# --- the rules -------------------------------------------------------------------------------------


def test_with_an_nsg_the_rules_are_exact_and_hold_on_it(ask: Any, tmp_path: Path) -> None:
    flows = [nsg_tuple(STORAGE), nsg_tuple(ENTRA), nsg_tuple("10.1.0.5", port=5432), nsg_tuple(KEY_VAULT)]
    code, found = ask(file_of(tmp_path, log(nsg_record(flows))), *TAGS, *NSG, *SUBNET, *SERVER)
    assert code == 1
    fixes = {one["name"]: one["fix"] for one in found["groups"] if one["fix"]}
    assert set(fixes) == {"Storage", "AzureActiveDirectory", "AzureKeyVault"}
    assert all(fix["proved"] for fix in fixes.values())
    rules = [read_rule(body) for fix in fixes.values() for body in fix["rules"]]
    assert sorted(rule.priority for rule in rules) == [4093, 4094, 4095]
    assert {rule.sources for rule in rules} == {("10.1.0.0/28",)}
    tags = read_tags(json.loads((LOGS / "tags.json").read_text()))
    patched = with_rules(read_group(json.loads((LOGS / "nsg.json").read_text())), rules)
    for name in fixes:
        assert _verdict(patched, name, tags) is State.ALLOWED
    assert group(found, "platform", "postgres")["now"]["verdict"] == "allowed"
    assert group(found, "platform", "postgres")["fix"] is None


def _verdict(patched: Any, name: str, tags: Tags) -> State:
    question = Question(
        direction=Direction.OUTBOUND,
        protocol=Protocol.TCP,
        source=read_side(["10.1.0.0/28"], tags),
        destination=read_side([name], tags),
        ports=((443, 443),),
    )
    return decide(parse(patched, tags), question).state


def test_what_the_present_nsg_lets_pass_is_not_denied_any_more(ask: Any, tmp_path: Path) -> None:
    _, found = ask(THREAD, *TAGS, *NSG, *SUBNET)
    assert group(found, "platform", "Storage")["now"]["blockingRules"] == [
        {"name": "deny-all-outbound", "priority": 4096}
    ]
    document = json.loads((LOGS / "nsg.json").read_text())
    document["properties"]["securityRules"] += group(found, "platform", "Storage")["fix"]["rules"]
    code, again = ask(THREAD, *TAGS, "--nsg", file_of(tmp_path, document, "nsg.json"), *SUBNET)
    storage = group(again, "platform", "Storage")
    assert (code, again["answer"]) == (0, "nothingRequiredDenied")
    assert (storage["need"], storage["now"]["verdict"], storage["fix"]) == ("required", "allowed", None)


def test_a_rule_for_one_region_passes_what_was_called_there(ask: Any, tmp_path: Path) -> None:
    document = json.loads((LOGS / "nsg.json").read_text())
    allow = {
        **document["properties"]["securityRules"][2]["properties"],
        "priority": 300,
        "access": "Allow",
        "destinationAddressPrefix": "Storage.WestEurope",
    }
    document["properties"]["securityRules"].append({"name": "allow-region", "properties": allow})
    nsg = ("--nsg", file_of(tmp_path, document, "nsg.json"))
    assert ask(THREAD, *TAGS, *nsg, *SUBNET)[0] == 0
    elsewhere = file_of(tmp_path, log(nsg_record([nsg_tuple("20.60.0.1")])))
    code, found = ask(elsewhere, *TAGS, *nsg, *SUBNET)
    assert (code, group(found, "platform", "Storage")["now"]["verdict"]) == (1, "denied")


def test_the_default_rules_let_storage_pass_for_it_lies_in_internet(ask: Any, tmp_path: Path) -> None:
    document = json.loads((LOGS / "nsg.json").read_text())
    document["properties"]["securityRules"] = []
    code, found = ask(THREAD, *TAGS, "--nsg", file_of(tmp_path, document, "nsg.json"), *SUBNET)
    assert (code, group(found, "platform", "Storage")["now"]["verdict"]) == (0, "allowed")


def test_without_an_nsg_the_rule_is_a_template_without_a_priority(ask: Any) -> None:
    _, found = ask(THREAD, *TAGS, *SUBNET)
    fix = group(found, "platform", "Storage")["fix"]
    assert fix["proved"] is False
    (rule,) = fix["rules"]
    assert "priority" not in rule["properties"]
    words = shlex.split(fix["commands"][0])
    assert words[:5] == ["az", "network", "nsg", "rule", "create"]
    assert words[words.index("--priority") + 1] == "<priority>"
    assert words[words.index("--nsg-name") + 1] == "<nsg>"


def test_where_no_rule_fits_the_reason_is_told(ask: Any, tmp_path: Path) -> None:
    document = json.loads((LOGS / "nsg.json").read_text())
    document["properties"]["securityRules"][2]["properties"]["priority"] = 100
    document["properties"]["securityRules"].pop(0)
    code, found = ask(THREAD, *TAGS, "--nsg", file_of(tmp_path, document, "nsg.json"), *SUBNET)
    fix = group(found, "platform", "Storage")["fix"]
    assert (code, fix["rules"], fix["proved"]) == (1, [], False)
    assert "priority 100" in fix["noFixReason"]


def test_traffic_within_the_subnet_gets_a_rule_in_its_direction(ask: Any, tmp_path: Path) -> None:
    flows = [nsg_tuple("10.1.0.5", port=5432, how="T,I,D")]
    code, found = ask(file_of(tmp_path, log(nsg_record(flows))), *SUBNET, *TAGS)
    within = group(found, "platform", "postgres", "Inbound")
    (rule,) = within["fix"]["rules"]
    properties = rule["properties"]
    assert code == 1
    assert (properties["direction"], properties["destinationPortRange"]) == ("Inbound", "5432")
    assert properties["sourceAddressPrefix"] == properties["destinationAddressPrefix"] == "10.1.0.0/28"


def test_ipv6_flows_get_ipv6_rules(ask: Any, tmp_path: Path) -> None:
    flows = [vnet_tuple("2603:1020:5::7", source="fd00:1::4"), vnet_tuple("2a02:26f0::1", source="fd00:1::4")]
    path = file_of(tmp_path, log(vnet_record(flows)))
    code, found = ask(path, *TAGS, *NSG, "--subnet", "10.1.0.0/28,fd00:1::/64")
    storage = group(found, "platform", "Storage")
    assert (code, addresses(storage)) == (1, {"2603:1020:5::7": 1})
    sources = {rule["properties"]["sourceAddressPrefix"] for rule in storage["fix"]["rules"]}
    assert sources == {"10.1.0.0/28", "fd00:1::/64"}
    assert addresses(group(found, "unknownCdn")) == {"2a02:26f0::1": 1}


# --- what is needed --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "entra", "vault"),
    [
        ({}, "required", "optional"),
        ({"authConfig": {"activeDirectoryAuth": "Disabled"}}, "optional", "optional"),
        ({"authConfig": {}}, "depends", "optional"),
        ({"dataEncryption": {"type": "AzureKeyVault"}}, "required", "required"),
    ],
)
def test_the_servers_features_say_what_is_required(
    changes: dict[str, Json], entra: str, vault: str, ask: Any, tmp_path: Path
) -> None:
    server = json.loads((LOGS / "server.json").read_text())
    server["properties"].update(changes)
    path = file_of(tmp_path, log(nsg_record([nsg_tuple(ENTRA), nsg_tuple(KEY_VAULT)])))
    code, found = ask(path, *TAGS, "--server", file_of(tmp_path, server, "server.json"))
    needs = [group(found, "platform", name)["need"] for name in ("AzureActiveDirectory", "AzureKeyVault")]
    assert needs == [entra, vault]
    assert code == (1 if "required" in needs else 3 if "depends" in needs else 0)
    assert (found["answer"] == "unknown") == (entra == "depends")


def test_a_server_as_az_prints_it_is_read_like_one_of_arm(ask: Any, tmp_path: Path) -> None:
    arm = json.loads((LOGS / "server.json").read_text())
    az = {**{key: arm[key] for key in ("id", "name", "location", "type")}, **arm["properties"]}
    views = [
        ask(THREAD, *TAGS, "--server", file_of(tmp_path, document, "server.json"))[1]["server"]
        for document in (arm, az)
    ]
    assert views[0] == views[1]
    assert views[0]["entraSignIn"] is True
    assert views[0]["location"] == "westeurope"


def test_a_server_in_no_subnet_is_noted(ask: Any, tmp_path: Path) -> None:
    server = json.loads((LOGS / "server.json").read_text())
    server["properties"]["network"] = {"publicNetworkAccess": "Enabled"}
    _, found = ask(THREAD, *TAGS, "--server", file_of(tmp_path, server, "server.json"))
    assert any("in no delegated subnet" in note for note in found["notes"])


# --- what is left out, and what is told ------------------------------------------------------------


def test_flows_of_other_subnets_and_directions_are_counted_apart(ask: Any) -> None:
    _, found = ask(THREAD, *TAGS, "--subnet", "10.1.0.4/32", "--direction", "outbound")
    flows = found["flows"]
    assert (flows["denied"], flows["ofOtherSubnets"], flows["ofOtherDirection"]) == (8, 1, 1)
    assert flows["explained"] == 6


def test_rules_that_the_nsg_does_not_have_are_noted(ask: Any, tmp_path: Path) -> None:
    path = file_of(tmp_path, log(nsg_record([nsg_tuple()], rule="BlockEverythingOutbound")))
    _, found = ask(path, *TAGS, *NSG, *SUBNET)
    assert any(
        "BlockEverythingOutbound" in note and "security admin rules" in note for note in found["notes"]
    )
    assert not any("does not have" in note for note in ask(THREAD, *TAGS, *NSG, *SUBNET)[1]["notes"])


def test_a_rules_name_that_the_log_cut_is_still_that_rule(ask: Any, tmp_path: Path) -> None:
    name = "deny-" + "x" * 70
    document = json.loads((LOGS / "nsg.json").read_text())
    document["properties"]["securityRules"][2]["name"] = name
    path = file_of(tmp_path, log(nsg_record([nsg_tuple()], rule=f"UserRule_{name[:65]}")))
    _, found = ask(path, *TAGS, "--nsg", file_of(tmp_path, document, "nsg.json"), *SUBNET)
    assert found["notes"] == []


def test_an_unknown_version_is_read_and_noted(ask: Any, tmp_path: Path) -> None:
    _, found = ask(file_of(tmp_path, log(nsg_record([nsg_tuple()], version=3))), *TAGS, *SUBNET)
    assert found["formats"] == ["nsg/3"]
    assert any("nsg/3, which is not documented" in note for note in found["notes"])


def test_several_logs_are_one_answer(ask: Any) -> None:
    _, found = ask(THREAD, str(LOGS / "vnet_thread.json"), *TAGS)
    assert (found["formats"], found["records"]) == (["nsg/2", "vnet/4"], 4)
    assert group(found, "platform", "Storage")["count"] == 6


def test_more_addresses_than_are_kept_are_a_lower_bound(ask: Any, tmp_path: Path) -> None:
    flows = [nsg_tuple(f"52.239.{130 + n // 256}.{n % 256}") for n in range(1100)]
    _, found = ask(file_of(tmp_path, log(nsg_record(flows))), *TAGS, *NSG, *SUBNET)
    storage = group(found, "platform", "Storage")
    assert storage["count"] == 1100
    assert storage["distinctAddresses"] == {"count": 1024, "isLowerBound": True}
    assert storage["now"]["asked"] == "every address of the tag"


def test_a_log_is_read_from_standard_input(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    text = io.TextIOWrapper(io.BytesIO(Path(THREAD).read_bytes()))
    monkeypatch.setattr("sys.stdin", text)
    assert ask("-", *TAGS)[0] == 1


# --- what cannot be used ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said", "field"),
    [
        (["/nowhere/log.json"], "/nowhere/log.json: No such file", "logs"),
        ([THREAD, "--tags", "/nowhere/tags.json"], "No such file", "tags"),
        ([THREAD, "--tags", THREAD], "has no list of prefixes|no name or no properties|holds", "tags"),
        ([THREAD, "--nsg", THREAD], "no network security group", "nsg"),
        ([THREAD, "--server", THREAD], "it is no PostgreSQL flexible server", "server"),
        ([THREAD, "--tags", "/nowhere/tags.json"], "^/nowhere/tags.json: No such file", "tags"),
        ([THREAD, "--server", NSG[1]], "networksecuritygroups is no PostgreSQL", "server"),
        ([THREAD, "--subnet", "10.1.0.0/33"], "'10.1.0.0/33' is no prefix", "subnet"),
        ([THREAD, "--direction", "up"], "it is Inbound or Outbound", "direction"),
        ([THREAD, "--location", "westeurope"], "--location goes with --subscription", "subscription"),
        ([THREAD, "--subscription", "5b5d"], "--location is missing", "location"),
    ],
)
def test_unusable_input_is_refused_with_the_option_named(
    words: list[str], said: str, field: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain-flows", *words, "--json"]) == 2
    told = capsys.readouterr()
    found = json.loads(told.out)
    assert re.search(said, found["error"])
    assert found["field"] == field
    assert found["error"] in told.err


def test_a_file_of_tags_is_no_server_though_it_has_a_storage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = file_of(tmp_path, b'{"Storage": ["52.239.130.0/24"]}')
    assert main(["explain-flows", THREAD, "--server", path]) == 2
    assert "it is no PostgreSQL flexible server" in capsys.readouterr().err


def test_a_broken_log_is_refused_with_the_file_and_the_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = file_of(tmp_path, Path(THREAD).read_bytes()[:2000])
    assert main(["explain-flows", path, *TAGS]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == f"{path}: record 2, byte 2000: the file ends in the middle: it is truncated\n"


def test_partial_answers_for_what_was_read_and_never_says_that_all_is_well(ask: Any, tmp_path: Path) -> None:
    path = file_of(tmp_path, Path(THREAD).read_bytes()[:2000])
    code, found = ask(path, *TAGS, "--partial")
    assert (code, found["unread"]["count"]) == (1, 1)
    assert "truncated" in found["unread"]["first"][0]
    nothing = file_of(tmp_path, encoded(log(nsg_record(["1,2"]))))
    code, found = ask(nothing, *TAGS, "--partial")
    assert (code, found["answer"]) == (3, "unknown")


# --- for people ------------------------------------------------------------------------------------


@pytest.fixture
def read(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the command for people, on 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")

    def shown(*words: str) -> str:
        main(["explain-flows", *words])
        return capsys.readouterr().out

    return shown


def test_the_text_says_what_is_required_and_fits_a_terminal(read: Any) -> None:
    text = read(THREAD, *TAGS, *NSG, *SUBNET, *SERVER)
    assert text.startswith("REQUIRED TRAFFIC IS DENIED  3 flows: Storage.")
    for part in (
        "Platform traffic (3 flows)",
        "Unknown addresses, as CDNs have them (3 flows)",
        "Somebody else's (2 flows)",
        "to 104.74.50.201, 23.0.237.118",
        "now: nsg-postgres still denies it, by 'deny-all-outbound' (priority 4096)",
        "--destination-address-prefixes Storage",
    ):
        assert part in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_text_says_unknown_where_it_is(read: Any) -> None:
    text = read(THREAD)
    assert text.startswith("UNKNOWN  6 flows to public addresses on 443")
    assert "give --tags" in text


def test_what_a_log_says_cannot_write_to_the_terminal(read: Any, tmp_path: Path) -> None:
    record = nsg_record([nsg_tuple(), nsg_tuple("10.9.9.9")], rule="evil\x1b[2J[red]name")
    text = read(file_of(tmp_path, log(record)), *TAGS)
    assert "\x1b" not in text
    assert "[red]name" in text.replace("\n", "")


def test_times_of_one_second_are_said_once(read: Any, tmp_path: Path) -> None:
    text = read(file_of(tmp_path, log(nsg_record([nsg_tuple()]))), *TAGS)
    assert "1 flow, 2025-11-20 10:00:00Z, tcp/443" in text
