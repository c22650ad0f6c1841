"""`driftward scan` as its user runs it, against the simulator."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from concurrent.futures import CancelledError
from datetime import UTC, datetime
from errno import ENOSPC
from pathlib import Path
from threading import Event
from typing import Any
from xml.etree import ElementTree

import pytest
from azure.core.exceptions import ClientAuthenticationError

from driftward.catalogue.file import chosen
from driftward.cli import main
from driftward.scanning import looking, places, surveying
from driftward.scanning.resuming import FILE, Asked, Notes
from driftward.scanning.whole_file import write_whole
from driftward.signing_in import NOT_SIGNED_IN
from local.simulator import seeds
from local.simulator.client import SimulatorClient
from local.simulator.server import SimulatorServer
from shared.adapters.arm.reading import graph
from shared.model import ComplianceState, Target, TargetKind
from shared.model.codec import dump
from shared.model.errors import Transient
from shared.model.resource_id import ResourceId
from shared.model.results import TargetResult
from shared.report.estate import Seen
from tests.report.estates import finding

SUBSCRIPTION = seeds.SUBSCRIPTION
OPEN, SHUT = seeds.flexible_server_id(name="open"), seeds.flexible_server_id(name="shut")
UNKNOWN = ComplianceState.UNKNOWN


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorServer]:
    """A server that every Azure address reaches, one that is shut, and a subnet that lets everybody in."""
    with SimulatorServer() as server:
        rules = [seeds.security_rule(name="anybody", priority=100, access="Allow")]
        SimulatorClient(server.url).seed(
            [
                seeds.flexible_server(name="open"),
                seeds.firewall_rule(server=OPEN, name="AllowAllAzureIps", start="0.0.0.0"),
                seeds.flexible_server(name="shut", public_access="Disabled"),
                seeds.nsg(name="nsg", rules=rules),
                seeds.vnet(name="vnet", subnets=[seeds.subnet(name="db", nsg=seeds.nsg_id(name="nsg"))]),
            ]
        )
        yield server


@pytest.fixture(autouse=True)
def _at_the_simulator(simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ARM_ENDPOINT", simulator.url)
    monkeypatch.chdir(tmp_path)


def scan(*options: str) -> int:
    return main(["scan", "--subscription", SUBSCRIPTION, *options])


def found(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def policies_of(report: dict[str, Any], target: str) -> set[str]:
    return {
        one["policy"]
        for one in report["findings"]
        if one["target"] == target and one["state"] == "NonCompliant"
    }


def test_what_is_wrong_is_found_without_an_app(capsys: pytest.CaptureFixture[str]) -> None:
    assert scan("-o", "json") == 1
    report = found(capsys)
    assert "postgres-public-access-enabled" in policies_of(report, OPEN)
    assert "postgres-public-access-enabled" not in policies_of(report, SHUT)
    assert {one["id"] for one in report["targets"]} >= {OPEN, SHUT}
    assert report["counts"]["targets"] == 3
    assert report["counts"]["unread"] == 0


def test_a_finding_says_how_it_is_mended(capsys: pytest.CaptureFixture[str]) -> None:
    scan("-o", "json", "--policy", "postgres-public-access-enabled")
    commands = [one["commands"] for one in found(capsys)["findings"] if one["target"] == OPEN]
    assert commands
    assert commands[0][0].startswith("az postgres flexible-server ")


def test_nothing_is_written_whatever_the_environment_says(
    simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENFORCEMENT_MODE", "enforce")
    monkeypatch.setenv("SCOPES", f"/subscriptions/{SUBSCRIPTION}")
    azure = SimulatorClient(simulator.url)
    before = len(azure.calls())
    assert scan() == 1
    methods = {
        (call["method"], "resourcegraph" in str(call["path"]).lower()) for call in azure.calls()[before:]
    }
    assert methods <= {("GET", False), ("POST", True)}


def test_the_table_tells_the_worst_first_and_sums_up(capsys: pytest.CaptureFixture[str]) -> None:
    scan()
    told = capsys.readouterr().out
    severities = [line.split()[0] for line in told.splitlines() if line[:1].isalpha()]
    order = [one for one in severities if one in {"Critical", "High", "Medium", "Low"}]
    assert order == sorted(order, key=["Critical", "High", "Medium", "Low"].index)
    assert "3 servers and subnets" in told


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--fail-on", "Critical", "--policy", "postgres-public-access-enabled"), 0),
        (("--fail-on", "Informational", "--policy", "postgres-public-access-enabled"), 1),
        (("--family", "public_reach"), 1),
        (("--family", "public_reach", "--policy", "nsg-blocks-postgres-clients"), 2),
    ],
)
def test_the_exit_code_goes_by_what_is_asked(options: tuple[str, ...], code: int) -> None:
    assert scan(*options) == code


def test_a_baseline_holds_what_was_known_and_fails_for_the_rest(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    scan("-o", "json")
    known = found(capsys)
    (tmp_path / "all.json").write_text(json.dumps(known))
    assert scan("--baseline", "all.json", "-o", "json") == 0
    assert not any(one["new"] for one in found(capsys)["findings"] if one["state"] == "NonCompliant")
    grave = next(one for one in known["findings"] if one["severity"] in {"Critical", "High"})
    known["findings"].remove(grave)
    (tmp_path / "less.json").write_text(json.dumps(known))
    assert scan("--baseline", "less.json", "-o", "json") == 1
    assert [
        one["id"] for one in found(capsys)["findings"] if one["new"] and one["state"] == "NonCompliant"
    ] == [grave["id"]]


@pytest.mark.parametrize(
    "text", ["", "[]", '{"findings": []}', '{"form": "driftward-findings", "formVersion": 9}']
)
def test_what_is_no_baseline_is_refused_by_name(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "odd.json").write_text(text)
    assert scan("--baseline", "odd.json") == 2
    assert "odd.json" in capsys.readouterr().err


def test_several_forms_are_files_of_one_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    forms = ("json", "csv", "html", "ocsf", "sarif", "junit", "markdown")
    options = [word for form in forms for word in ("-o", form)]
    assert scan(*options, "--out", "results") == 1
    assert {path.name for path in (tmp_path / "results").iterdir()} == {
        *("findings.json", "findings.csv", "findings.ocsf.json", "findings.sarif"),
        *("findings.junit.xml", "findings.md", "report.html"),
    }
    wrong = json.loads((tmp_path / "results/findings.json").read_text())["findings"]
    lines = list(csv.DictReader(io.StringIO((tmp_path / "results/findings.csv").read_text(), newline="")))
    assert [line["id"] for line in lines] == [one["id"] for one in wrong]
    suites = ElementTree.fromstring((tmp_path / "results/findings.junit.xml").read_text())
    failures = sum(one["state"] == "NonCompliant" for one in wrong)
    assert int(suites.get("failures", "0")) == len(suites.findall(".//failure")) == failures
    assert capsys.readouterr().out == ""


def test_several_forms_without_a_folder_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert scan("-o", "json", "-o", "csv") == 2
    assert "--out" in capsys.readouterr().err


@pytest.mark.parametrize(
    "scope",
    ["shop", "/subscriptions", OPEN, "/subscriptions/x/resourceGroups"],
)
def test_what_is_no_scope_is_refused_by_name(scope: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "--scope", scope]) == 2
    assert scope in capsys.readouterr().err


def test_a_scan_that_was_broken_off_goes_on_where_it_was(
    tmp_path: Path,
    simulator: SimulatorServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from driftward import scan as command

    def broken(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken_off:
        broken_off.setattr(command, "_write", broken)
        assert scan("-o", "json", "--out", "results") == 130
    notes = tmp_path / "results" / FILE
    whole = notes.read_text()
    notes.write_text(whole[: len(whole) - 40])  # the last look was cut while it was written
    azure = SimulatorClient(simulator.url)
    before = len(azure.calls())
    assert scan("-o", "json", "--out", "results", "--resume") == 1
    looked = {str(call["path"]).lower() for call in azure.calls()[before:] if call["method"] == "GET"}
    again = [one for one in (OPEN, SHUT) if one.lower() in looked]
    assert len(again) <= 1
    report = json.loads((tmp_path / "results/findings.json").read_text())
    assert report["counts"]["targets"] == 3
    assert not notes.exists()
    capsys.readouterr()
    assert scan("-o", "json") == 1
    assert found(capsys)["findings"] == report["findings"]


def test_another_scan_is_not_gone_on_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "results").mkdir()
    assert scan("--out", "results", "--resume") == 2
    assert FILE in capsys.readouterr().err
    for odd in (b"", b"no scan\n", b"\xff\xfe\x00"):
        (tmp_path / "results" / FILE).write_bytes(odd)
        assert scan("--out", "results", "--resume") == 2
        assert FILE in capsys.readouterr().err
        assert (tmp_path / "results" / FILE).read_bytes() == odd


def test_looks_that_are_noted_twice_or_of_a_policy_that_is_gone_are_not_told(tmp_path: Path) -> None:
    policies = ("postgres-public-access-enabled",)
    asked = Asked(scopes=(), policies=policies, judged_by="", began=datetime(2026, 11, 30, tzinfo=UTC))
    target = Target(kind=TargetKind.FLEXIBLE_SERVER, id=ResourceId(OPEN))
    sound = Seen(result=TargetResult(target=target, findings=()))
    gone = Seen(result=TargetResult(target=target, findings=(finding(target, "gone", UNKNOWN, "odd"),)))
    (tmp_path / FILE).write_text("\n".join(map(dump, [asked, sound, gone, sound])))
    _, seen = Notes(tmp_path, asked).go_on()
    assert seen == [sound, sound]
    assert surveying._kept(seen, [target]) == [sound]


def test_a_file_stays_as_it_was_where_there_is_no_room_for_the_new_one(tmp_path: Path) -> None:
    def full() -> Iterator[str]:
        yield "new"
        raise OSError(ENOSPC, "No space left on device")

    (tmp_path / "findings.json").write_text("old")
    with pytest.raises(OSError, match="No space"):
        write_whole(tmp_path / "findings.json", full())
    assert [path.name for path in tmp_path.iterdir()] == ["findings.json"]
    assert (tmp_path / "findings.json").read_text() == "old"


@pytest.mark.parametrize(
    "scope",
    [
        "/subscriptions/11111111-1111-4111-8111-111111111111",
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/typo",
    ],
)
def test_a_scope_in_which_nothing_is_found_is_not_taken_for_a_clean_one(
    scope: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scan", "--scope", scope, "-o", "json"]) == 2
    (unlisted,) = found(capsys)["unlisted"]
    assert unlisted["scope"] == scope
    assert "does not exist" in unlisted["reason"]


@pytest.mark.parametrize(
    ("name", "said"), [("ENFORCEMENT_MODE", "enforce"), ("ENFORCEMENT_MODE", "odd"), ("SCOPES", "odd")]
)
def test_how_an_app_would_act_is_no_concern_of_a_scan(
    name: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, said)
    assert scan("--policy", "postgres-public-access-enabled") == 1


def test_nobody_signed_in_is_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nobody(*_: object) -> None:
        try:
            raise ClientAuthenticationError("no token")
        except ClientAuthenticationError as error:
            raise Transient(str(error)) from error

    monkeypatch.setattr(graph, "enumerate_scope", nobody)
    monkeypatch.setattr(places, "_TRIES", 1)
    assert scan("-o", "json") == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == f"{NOT_SIGNED_IN}\n"


def test_a_target_that_stays_throttled_is_unknown_to_the_policies_that_were_asked_for_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def throttled(*_: object) -> None:
        raise Transient("too many requests", status=429, retry_after=0)

    monkeypatch.setattr(looking, "look_at", throttled)
    monkeypatch.setattr(looking, "TRIES", 1)
    assert scan("-o", "json", "--policy", "postgres-public-access-enabled") == 2
    told = found(capsys)
    assert {one["policy"] for one in told["findings"]} == {"postgres-public-access-enabled"}
    assert told["counts"]["unread"] == 3


def test_a_scan_that_is_broken_off_waits_for_no_pause_of_azure(monkeypatch: pytest.MonkeyPatch) -> None:
    is_waited_for = Event()

    def looked(target: Target, *_: object) -> None:
        if target.id.name != "open":
            is_waited_for.set()
            raise Transient("too many requests", status=429, retry_after=60)
        is_waited_for.wait()
        raise KeyboardInterrupt

    monkeypatch.setattr(looking, "look_at", looked)
    held = chosen(None, {"ARM_ENDPOINT": "http://127.0.0.1:1"})
    looks = looking.Looks(held.settings, held.configuration)
    targets = [Target(kind=TargetKind.FLEXIBLE_SERVER, id=ResourceId(one)) for one in (OPEN, SHUT)]
    with pytest.raises(KeyboardInterrupt):
        list(looks.at_all(targets))
    with pytest.raises(CancelledError):
        looks.pause(60)
    looks.close()


def test_a_target_that_cannot_be_read_is_unknown_and_fails_a_strict_scan(
    simulator: SimulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    azure = SimulatorClient(simulator.url)
    azure.fault(
        {"status": 403, "code": "AuthorizationFailed"}, path_contains="flexibleServers/shut", times=10_000
    )
    try:
        assert scan("-o", "json", "--fail-on", "Critical") == 0
        report = found(capsys)
        assert report["counts"]["unread"] == 1
        states = {one["state"] for one in report["findings"] if one["target"] == SHUT}
        assert states == {"Unknown"}
        assert scan("-o", "json", "--fail-on", "Critical", "--strict") == 3
    finally:
        azure.clear_faults()
