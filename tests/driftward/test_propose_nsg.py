"""`propose-nsg` as its user calls it: files in, answers in each form out, exit codes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from driftward.cli import main
from driftward.proposal import gathering
from local.simulator import seeds
from local.simulator.client import SimulatorClient
from local.simulator.server import SimulatorServer
from shared.model import Json
from tests.driftward.flows.builders import encoded, log, vnet_record, vnet_tuple
from tests.driftward.proposal.builders import CDN, PREFIXES, STORAGE, SUBNET, document, nsg, rule

CLIENT, STRANGER = "10.1.2.4", "203.0.113.7"


def passed(other: str, *, port: int = 5432, outbound: bool = False, at: int = 0) -> str:
    ends = ("10.1.0.4", other) if outbound else (other, "10.1.0.4")
    return vnet_tuple(
        ends[1], source=ends[0], port=port, how=f"6,{'O' if outbound else 'I'},B,NX", millisecond=at
    )


THREAD = [vnet_tuple(address) for address in (CDN, "23.0.237.118", STORAGE)]


@pytest.fixture(name="here")
def a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Logs of two hours, an NSG and the prefixes of tags, in the folder where the command is called."""
    for hour, flows in (("09", [passed(CLIENT), passed(STRANGER)]), ("10", THREAD)):
        place = tmp_path / "logs" / f"h={hour}" / "PT1H.json"
        place.parent.mkdir(parents=True)
        place.write_bytes(encoded(log(vnet_record(flows))))
    standing = nsg(
        rule("wide", 100, "* > *"), rule("deny-all-out", 4096, "* > *", access="Deny", way="Outbound")
    )
    written = {**document(standing), "id": str(standing.id), "name": "nsg-pg"}
    (tmp_path / "nsg.json").write_text(json.dumps(written), encoding="utf-8")
    (tmp_path / "tags.json").write_text(json.dumps(PREFIXES), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("POLICIES_FILE", raising=False)
    return tmp_path


FILES = ("--flows", "logs", "--subnet", SUBNET, "--nsg", "nsg.json", "--tags", "tags.json")


def ask(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code = main(["propose-nsg", *words, "-o", "json"])
    return code, json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["propose-nsg", *words]) == 2
    shown = capsys.readouterr()
    assert not shown.out
    return shown.err


@pytest.mark.usefixtures("here")
def test_a_folder_of_logs_becomes_rules_with_their_proof(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = ask(capsys, *FILES)
    assert (code, found["answer"]) == (0, "proved")
    assert found["log"]["files"] == 2
    assert found["proof"] == {
        "holds": True,
        "streamsThatPass": 2,
        "needsThatPass": 5,
        "streamsThatAreDenied": 3,
        "doNotPass": [],
        "areNotDenied": [],
        "otherRulesThatDecide": [],
        "brokenOnTheWay": [],
    }
    purposes = [one["purpose"] for one in found["rules"]]
    assert purposes == ["withinSubnet", "withinSubnet", "storage", "entra", "keyVault", "observed"]
    assert [one["name"] for one in found["removed"]] == ["wide"]
    assert found["deniedLastDay"]["flows"] == 3
    assert found["deniedLastDay"]["ofThemPassed"] == 1
    assert found["setApart"]["byReason"] == {"internet": 1, "denied": 2}


@pytest.mark.usefixtures("here")
def test_a_person_reads_the_same(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "110")
    assert main(["propose-nsg", *FILES]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("PROVED  10.1.0.0/28: 7 rules to add, 1 that stand, 1 to remove; 2 flows pass.")
    for part in (
        CLIENT,
        STRANGER,
        "it came from the Internet",
        "no other rule decides a packet",
        "az network nsg",
    ):
        assert part in shown


@pytest.mark.usefixtures("here")
def test_a_stranger_is_kept_when_named(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = ask(capsys, *FILES, "--keep", f"{STRANGER}:5432")
    assert code == 0
    (named,) = (one for one in found["rules"] if one["purpose"] == "named")
    assert named["properties"]["sourceAddressPrefix"] == f"{STRANGER}/32"
    assert found["setApart"]["byReason"] == {"denied": 2}


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("keep", "said"),
    [
        ("10.1.2.4", "--keep 10.1.2.4: nothing of it was set apart"),
        ("here", "--keep 'here' is not an address or a prefix"),
        ("203.0.113.7:70000", "--keep '203.0.113.7:70000' is not"),
        ("2001:db8::7:5432", "--keep '2001:db8::7:5432' is not"),
    ],
)
def test_a_name_that_is_none_is_told(keep: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert said in refused(capsys, *FILES, "--keep", keep)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--flows", "logs"), "--subnet is missing"),
        (("--flows", "logs", "--subnet", "10.7.0.0/24"), "2 logs: no flow of the log is of the subnet"),
        (("--flows", "nothing", "--subnet", SUBNET), "nothing: no .json file in this folder or below it"),
        (("--flows", "absent", "--subnet", SUBNET), "absent: No such file or directory"),
        (("--flows", "nsg.json", "--subnet", SUBNET), "nsg.json: "),
        (("--flows", "logs", "--subnet", SUBNET, "--client", "office"), "--client 'office' is no prefix"),
        *(
            (("--flows", "logs", "--subnet", SUBNET, option, wide), f"{option} holds so much of the Internet")
            for option in ("--client", "--replica", "--dns-server", "--subnet")
            for wide in ("0.0.0.0/0", "8.0.0.0/7", "0.0.0.0/1,128.0.0.0/1", "2000::/3")
        ),
        (("--flows", "logs", "--subnet", SUBNET, "--file", "no.yaml"), "no.yaml: No such file"),
        (("--flows", "logs", "--subnet", SUBNET, "--json", "-o", "az"), "--json and -o az contradict"),
    ],
)
def test_what_cannot_be_used_is_named(
    words: tuple[str, ...], said: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "nothing").mkdir()
    assert said in refused(capsys, *words)


def test_declared_clients_have_a_rule_before_anybody_was_seen(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = "version: 1\npolicies:\n  nsg-blocks-postgres-clients:\n    parameters: {clients: [10.1.2.0/24]}\n"
    (here / "policies.yaml").write_text(said, encoding="utf-8")
    code, found = ask(capsys, *FILES, "--client", "10.6.0.0/24,10.8.0.0/24")
    assert code == 0
    (declared,) = (one for one in found["rules"] if one["purpose"] == "declaredClients")
    assert declared["properties"]["sourceAddressPrefixes"] == ["10.1.2.0/24", "10.6.0.0/24", "10.8.0.0/24"]
    assert declared["flows"] == 1
    assert "observed" not in {one["purpose"] for one in found["rules"]}
    assert "declared clients are those of policies.yaml of this folder" in found["notes"]


def test_rules_that_let_nobody_in_are_no_answer_to_rely_on(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The way in that stands goes only when another one is known."""
    thread = ("--flows", "logs/h=10", *FILES[2:])
    code, found = ask(capsys, *thread)
    assert (code, found["answer"], found["proof"]["holds"]) == (3, "unknown", True)
    assert found["notes"][0].startswith("no client from outside the subnet was seen and none is declared")
    assert ask(capsys, *thread, "--client", "10.1.2.0/24")[0] == 0


def test_policies_file_is_read_and_the_settings_of_an_app_are_not(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ENFORCEMENT_MODE", "sometimes")
    assert ask(capsys, *FILES)[0] == 0
    monkeypatch.setenv("POLICIES_FILE", str(here / "absent.yaml"))
    assert "absent.yaml: No such file" in refused(capsys, *FILES)


@pytest.mark.usefixtures("here")
def test_clients_of_a_family_that_the_subnet_has_not_need_no_rule(capsys: pytest.CaptureFixture[str]) -> None:
    """policies.yaml declares them for every place."""
    code, found = ask(capsys, *FILES, "--client", "10.1.2.0/24,fd00:2::/64,9.0.0.0/8")
    assert code == 0
    (clients,) = (one for one in found["rules"] if one["purpose"] == "declaredClients")
    assert clients["properties"]["sourceAddressPrefixes"] == ["9.0.0.0/8", "10.1.2.0/24"]


@pytest.mark.usefixtures("here")
def test_replicas_are_let_in_and_out(capsys: pytest.CaptureFixture[str]) -> None:
    _, found = ask(capsys, *FILES, "--replica", "10.5.0.0/28")
    ways = [one["properties"]["direction"] for one in found["rules"] if one["purpose"] == "replicas"]
    assert ways == ["Inbound", "Outbound"]


@pytest.mark.usefixtures("here")
def test_commands_are_pasted_as_they_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["propose-nsg", *FILES, "-o", "az"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("# what is to pass, then")
    assert all(line.startswith(("#", "az network nsg rule ", "    ")) for line in lines)
    _, found = ask(capsys, *FILES)
    assert found["commands"] == lines


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("form", "begins"), [("bicep", "// Replaces all rules"), ("terraform", "# Holds all rules")]
)
def test_the_whole_nsg_is_printed_alone(form: str, begins: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["propose-nsg", *FILES, "-o", form]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith(begins)
    assert "does not say which subnets it serves" in shown.err


@pytest.mark.usefixtures("here")
def test_what_is_over_the_bound_makes_the_answer_unknown(
    monkeypatch: pytest.MonkeyPatch, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gathering.Gathering.__init__, "__defaults__", (1,))
    (here / "logs" / "more.json").write_bytes(
        encoded(log(vnet_record([passed("10.1.9.9"), passed("10.1.9.8")])))
    )
    code, found = ask(capsys, *FILES)
    assert (code, found["answer"]) == (3, "unknown")
    assert found["log"]["overTheBound"] == {"inside": 2, "denied": 2}
    assert any("2 flows from or to private addresses came when" in note for note in found["notes"])


def test_a_broken_log_is_told_and_counted_when_asked(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = (here / "logs" / "h=09" / "PT1H.json").read_bytes()
    (here / "logs" / "h=09" / "PT1H.json").write_bytes(whole[:-20])
    assert "PT1H.json" in refused(capsys, *FILES)
    code, found = ask(capsys, *FILES, "--partial")
    assert (code, found["log"]["unread"]) == (3, 1)


def test_no_commands_are_printed_without_a_proof(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A thousand rules stand, so that there is no room for what was seen."""
    full: Json = [
        {
            "name": f"r{number}",
            "properties": {
                "priority": 100 + number,
                "direction": "Inbound",
                "access": "Allow",
                "protocol": "*",
                "sourceAddressPrefix": "10.9.0.0/24",
                "sourcePortRange": "*",
                "destinationAddressPrefix": "*",
                "destinationPortRange": "*",
            },
        }
        for number in range(993)
    ]
    written = {"id": str(nsg().id), "name": "nsg-pg", "properties": {"securityRules": full}}
    (here / "nsg.json").write_text(json.dumps(written), encoding="utf-8")
    code, found = ask(capsys, *FILES)
    assert (code, found["answer"], found["commands"]) == (1, "notKept", [])
    assert found["leftOut"]["streams"] == 1
    assert main(["propose-nsg", *FILES, "-o", "az"]) == 1
    shown = capsys.readouterr()
    assert not shown.out
    assert "not proved, so nothing is printed" in shown.err


# --- Azure -----------------------------------------------------------------------------------------


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server without Entra sign-in, in a delegated subnet whose NSG another subnet shares."""
    server = seeds.flexible_server(
        public_access="Disabled",
        delegated_subnet=seeds.subnet_id(),
        properties={"authConfig": {"activeDirectoryAuth": "Disabled", "passwordAuth": "Enabled"}},
    )
    deny = seeds.security_rule(name="deny-all-outbound", priority=4000, direction="Outbound")
    gre: dict[str, Any] = {"protocol": "Gre"}
    odd = seeds.security_rule(name="odd", priority=4050, direction="Outbound", properties=gre)
    vnet = seeds.vnet(subnets=[seeds.subnet(nsg=seeds.nsg_id())])
    with SimulatorServer() as simulator:
        SimulatorClient(simulator.url).seed([seeds.nsg(rules=[deny, odd]), vnet, server])
        monkeypatch.setenv("ARM_ENDPOINT", simulator.url)
        yield


@pytest.mark.usefixtures("azure", "here")
def test_an_id_brings_subnet_nsg_tags_and_features(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flows = [vnet_tuple("198.51.100.130", source="10.20.1.4")]
    (here / "one.json").write_bytes(encoded(log(vnet_record(flows))))
    server = seeds.flexible_server_id()
    code, found = ask(capsys, "--flows", "one.json", "--server", server, "--client", "10.20.9.0/24")
    assert (code, found["subnet"]) == (0, ["10.20.1.0/24"])
    storage = [one for one in found["rules"] if one["purpose"] == "storage"]
    assert [one["flows"] for one in storage] == [1]
    assert "entra" not in {one["purpose"] for one in found["rules"]}
    assert "rules that cannot be read whole stay, and may decide something else: odd" in found["notes"]
    words = ("--flows", "one.json", "--server", server, "--client", "10.20.9.0/24", "-o", "bicep")
    assert "these cannot be read whole: odd; -o az leaves them alone" in refused(capsys, *words)


@pytest.mark.parametrize("form", ["az", "bicep", "terraform"])
@pytest.mark.usefixtures("here")
def test_who_passed_until_today_and_is_cut_off_is_said_beside_what_is_pasted(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["propose-nsg", *FILES, "-o", form]) == 0
    told = capsys.readouterr().err
    assert f"{STRANGER} passed until now (flows: 1; in the last day 1) and will be denied (internet)" in told


@pytest.mark.usefixtures("here")
def test_without_the_prefixes_of_tags_the_remedy_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Storage's rule may admit what was denied: nobody can tell without its prefixes."""
    code, found = ask(capsys, *FILES[:6])
    assert (code, found["proof"]["holds"]) == (1, False)
    assert any("--tags FILE" in note for note in found["notes"])


def test_a_deny_of_the_platforms_own_traffic_has_no_stand_in(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = (
        rule("no-metadata", 300, "* > AzurePlatformIMDS", access="Deny", way="Outbound"),
        rule("dns", 310, "* > AzurePlatformDNS", way="Outbound"),
    )
    written = {**document(nsg(*rules)), "id": str(nsg().id)}
    (here / "nsg.json").write_text(json.dumps(written), encoding="utf-8")
    code, found = ask(capsys, *FILES)
    assert (code, {one["name"] for one in found["removed"]}) == (0, {"no-metadata", "dns"})
    (said,) = [note for note in found["notes"] if "metadata" in note]
    assert said.startswith("no-metadata denies the platform's own")


def test_the_nsg_of_another_subnet_keeps_its_rules(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its subnet is there by its id: a server tells that it is not the server's."""
    served = {
        **document(nsg(rule("wide", 300, "* > *"))),
        "id": str(nsg().id),
        "subnets": [{"id": seeds.subnet_id()}],
    }
    (here / "nsg.json").write_text(json.dumps(served), encoding="utf-8")
    code, found = ask(capsys, *FILES)
    assert (code, [one["name"] for one in found["removed"]]) == (0, ["wide"])
    assert any("--server tells" in note and "serves the subnet" in note for note in found["notes"])

    network = {"delegatedSubnetResourceId": f"{seeds.subnet_id()}-of-another"}
    server = {"id": seeds.flexible_server_id(), "properties": {"network": network}}
    (here / "server.json").write_text(json.dumps(server), encoding="utf-8")
    code, found = ask(capsys, *FILES, "--server", "server.json")
    assert (code, found["removed"]) == (0, [])
    assert any("serves more than this subnet" in note for note in found["notes"])


def test_what_keep_may_have_meant_is_missed_when_it_is_over_the_bound(
    monkeypatch: pytest.MonkeyPatch, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gathering.Gathering.__init__, "__defaults__", (1,))
    more = [passed("203.0.113.8"), passed("203.0.113.9")]
    (here / "logs" / "h=10" / "PT1H.json").write_bytes(encoded(log(vnet_record(more))))
    assert ask(capsys, *FILES)[0] == 0
    code, found = ask(capsys, *FILES, "--keep", "203.0.113.0/24")
    assert (code, found["answer"]) == (3, "unknown")
