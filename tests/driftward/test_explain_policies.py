"""`driftward policies --explain`: what holds for one resource, and which line of which file says so."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from driftward.cli import main
from shared.model import TargetKind
from shared.policies import discover

PUBLIC = "postgres-public-access-enabled"
NSG = "nsg-blocks-postgres-in-subnet"
SUBSCRIPTION = "/subscriptions/11111111-2222-3333-4444-555555555555"
GROUP = f"{SUBSCRIPTION}/resourceGroups/data"
SERVER = f"{GROUP}/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders"
SUBNET = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/hub/subnets/postgres"
FILE = f"""version: 1
defaults: {{effect: alert}}
policies:
  {NSG}:
    parameters: {{ports: [5432]}}
scopes:
  - scope: {GROUP}
    tags: {{env: prod}}
    effect: revert
    policies:
      {PUBLIC}: {{settleSeconds: 5, duringFreeze: alert}}
exemptions:
  - scope: {SUBSCRIPTION}
    policy: {PUBLIC}
    reason: a partner [bold]connects[/bold] until the VPN is built
    approver: jane@example.com
    expires: 2999-01-31
  - {{scope: {SUBSCRIPTION}, policy: {PUBLIC}, reason: long over, approver: j, expires: 2020-01-31}}
tagExemptions: {{enabled: true}}
freezes:
  - {{scope: {GROUP}, from: 2020-01-01, to: 2999-01-01, reason: a very long freeze}}
  - {{scope: {GROUP}, from: 2020-01-01, to: 2020-01-02, reason: over}}
maintenanceWindows:
  - {{scope: {GROUP}, days: [Sat], from: "22:00", to: "04:00", timezone: Europe/Berlin}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "policies.yaml"
    path.write_text(FILE, encoding="utf-8")
    return path


def explained(file: Path, capsys: pytest.CaptureFixture[str], *more: str, resource: str = SERVER) -> Any:
    assert main(["policies", "--file", str(file), "--explain", resource, "--json", *more]) == 0
    return json.loads(capsys.readouterr().out)


def of(answer: Any, policy_id: str) -> Any:
    (found,) = (policy for policy in answer["policies"] if policy["id"] == policy_id)
    return found


def test_each_setting_names_its_line_and_its_section(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = of(explained(file, capsys, "--tags", "Env=prod, team=data"), PUBLIC)
    assert said["effect"] == {
        "value": "revert",
        "place": "policies.yaml:9",
        "section": "scope data env=prod",
        "builtIn": "",
    }
    assert said["settleSeconds"]["place"] == "policies.yaml:11"
    assert said["duringFreeze"]["value"] == "alert"
    assert said["adopt"] == {"value": False, "place": None, "section": None, "builtIn": "default"}


def test_without_its_tags_a_section_by_tag_does_not_hold(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = of(explained(file, capsys), PUBLIC)
    assert (said["effect"]["value"], said["effect"]["place"]) == ("alert", "policies.yaml:2")
    assert said["settleSeconds"]["builtIn"] == "SETTLE_SECONDS"


def test_parameters_are_shown_with_their_source(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = explained(file, capsys, resource=SUBNET)
    assert of(answer, NSG)["parameters"]["ports"] == {
        "value": [5432],
        "place": "policies.yaml:5",
        "section": "policies",
        "builtIn": "",
    }
    storage = of(answer, "nsg-exposes-postgres-to-internet")["parameters"]["ports"]
    assert (storage["value"], storage["builtIn"]) == ([5432, 6432], "default")


def test_what_covers_the_resource_now_is_shown(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = explained(file, capsys, "--tags", f"driftward-exempt={PUBLIC} until 2999-01-01")
    said = of(answer, PUBLIC)
    assert [(one["approver"], one["place"]) for one in said["exemptions"]] == [
        ("jane@example.com", "policies.yaml:13")
    ]
    assert said["exemptByTag"] == f"{PUBLIC} until 2999-01-01"
    assert of(answer, "postgres-firewall-allows-all-azure")["exemptByTag"] is None
    assert [(one["holdsNow"], one["place"]) for one in answer["freezes"]] == [(True, "policies.yaml:21")]
    assert answer["windows"] == [
        {
            "days": ["Sat"],
            "opens": "22:00",
            "closes": "04:00",
            "timezone": "Europe/Berlin",
            "place": "policies.yaml:24",
        }
    ]


@pytest.mark.parametrize(
    ("resource", "kind"),
    [
        (SERVER, TargetKind.FLEXIBLE_SERVER),
        (SUBNET.upper().replace("/SUBSCRIPTIONS", "/subscriptions"), TargetKind.SUBNET),
    ],
)
def test_every_policy_about_that_kind_of_resource_is_explained(
    resource: str, kind: TargetKind, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = explained(file, capsys, resource=resource)
    assert answer["kind"] == kind
    assert [one["id"] for one in answer["policies"]] == [p.id for p in discover() if kind in p.targets]


def test_people_read_it_in_eighty_columns_and_texts_from_the_file_are_no_markup(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    tags = ["--tags", "env=prod,driftward-exempt=*"]
    assert main(["policies", "--file", str(file), "--explain", SERVER, "--policy", PUBLIC, *tags]) == 0
    printed = capsys.readouterr().out
    assert max(len(line) for line in printed.splitlines()) <= 80
    assert "[bold]connects[/bold]" in " ".join(printed.split())
    for part in (
        "policies.yaml:9 scope data",
        "a very long freeze",
        "exempt by tag",
        "otherwise: adopt",
    ):
        assert part in printed
    assert "reverts Sat 22:00–04:00 Europe/Berlin" in printed
    assert printed.count(PUBLIC) == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--explain", "orders"], "not an ARM resource id"),
        (["--explain", GROUP], "is neither"),
        (["--explain", f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/nsg"], "is neither"),
        (
            ["--explain", SERVER, "--policy", NSG],
            f"there is no policy '{NSG}' that looks at a flexibleServer",
        ),
        (["--explain", SERVER, "--tags", "prod"], "--tags: 'prod' is not name=value"),
        (["--explain", SUBNET, "--tags", "env=prod"], "a subnet has no tags"),
        (["--tags", "env=prod"], "belong to --explain"),
        (["--file", "nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_what_cannot_be_explained_is_said_and_ends_with_two(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["policies", *arguments]) == 2
    assert complaint in capsys.readouterr().err


def test_a_file_can_be_checked_before_it_is_deployed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "new.yaml"
    wrong.write_text("version: 1\ndefaults:\n  effect: delete\n", encoding="utf-8")
    assert main(["policies", "--file", str(wrong)]) == 2
    assert capsys.readouterr().err.startswith("new.yaml:3: defaults.effect: ")


def test_the_catalogue_says_what_the_file_says_everywhere(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["policies", "--file", str(file), "--json"]) == 0
    listed = {one["id"]: one for one in json.loads(capsys.readouterr().out)}
    assert listed[PUBLIC]["effect"] == "alert"
    (ports,) = listed[NSG]["parameters"]
    assert (ports["default"], ports["value"]) == ([5432, 6432], [5432])
    for policy in discover():
        assert listed[policy.id]["raisedBy"] == policy.raised_by
        if policy.opt_in:
            assert listed[policy.id]["effect"] == "off"


# --- what comes of it ------------------------------------------------------------------------------

ALL_AZURE = "postgres-firewall-allows-all-azure"
TLS = "postgres-tls-not-required"
WIDE = "postgres-firewall-range-too-wide"


@pytest.mark.parametrize(
    ("policy", "mode", "sections", "outcome"),
    [
        (ALL_AZURE, "enforce", "", "reverts"),
        (ALL_AZURE, "audit", "", "would revert; mode is audit"),
        (TLS, "enforce", "", "reverts after approval"),
        (TLS, "audit", "", "would revert after approval; mode is audit"),
        (TLS, "enforce", "defaults: {withoutApproval: true}", "reverts"),
        (WIDE, "enforce", "", "alerts only: MANUAL"),
        (WIDE, "audit", "", "alerts only: MANUAL"),
        (ALL_AZURE, "enforce", "defaults: {effect: alert}", "alerts only: its effect is alert"),
        (ALL_AZURE, "enforce", f"policies: {{{ALL_AZURE}: {{effect: off}}}}", "off"),
        (
            ALL_AZURE,
            "enforce",
            f"exemptions: [{{scope: {GROUP}, policy: {ALL_AZURE}, reason: why, approver: j, "
            "expires: 2999-01-31}]",
            "nothing: exempt until 2999-01-31 00:00Z",
        ),
        (
            ALL_AZURE,
            "enforce",
            f"freezes: [{{scope: {GROUP}, from: 2020-01-01, to: 2999-01-01, reason: long}}]",
            "alerts only: frozen until 2999-01-01 00:00Z",
        ),
        (
            TLS,
            "enforce",
            f"freezes: [{{scope: {GROUP}, from: 2020-01-01, to: 2999-01-01, reason: long}}]",
            "alerts only: frozen until 2999-01-01 00:00Z",
        ),
        (
            ALL_AZURE,
            "enforce",
            f"policies: {{{ALL_AZURE}: {{duringFreeze: revert}}}}\n"
            f"freezes: [{{scope: {GROUP}, from: 2020-01-01, to: 2999-01-01, reason: long}}]",
            "reverts",
        ),
    ],
)
def test_the_outcome_is_what_happens_after_everything_that_overrules_the_effect(
    policy: str,
    mode: str,
    sections: str,
    outcome: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ENFORCEMENT_MODE", mode)
    monkeypatch.setenv("SCOPES", GROUP)
    path = tmp_path / "policies.yaml"
    path.write_text(f"version: 1\n{sections}\n", encoding="utf-8")
    answer = explained(path, capsys, "--policy", policy)
    assert (of(answer, policy)["outcome"], answer["enforcementMode"]) == (outcome, mode)


def test_a_tag_lowers_a_revert_while_it_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENFORCEMENT_MODE", "enforce")
    monkeypatch.setenv("SCOPES", GROUP)
    path = tmp_path / "policies.yaml"
    path.write_text("version: 1\ntagExemptions: {enabled: true}\n", encoding="utf-8")

    def outcome(policy: str, until: str) -> Any:
        tags = ("--tags", f"driftward-exempt={policy} until {until}")
        return of(explained(path, capsys, *tags), policy)["outcome"]

    assert outcome(ALL_AZURE, "2999-01-01") == "alerts only: exempt by tag"
    assert outcome(ALL_AZURE, "2020-01-01") == "reverts"
    assert outcome(TLS, "2999-01-01") == "reverts after approval"


def test_a_closed_window_holds_up_what_nobody_has_to_approve(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENFORCEMENT_MODE", "enforce")
    monkeypatch.setenv("SCOPES", GROUP)
    day = (datetime.now(UTC) + timedelta(days=3)).strftime("%a")
    path = tmp_path / "policies.yaml"
    path.write_text(
        f'version: 1\nmaintenanceWindows: [{{scope: {GROUP}, days: [{day}], from: "10:00", to: "11:00"}}]\n',
        encoding="utf-8",
    )
    answer = explained(path, capsys)
    assert of(answer, ALL_AZURE)["outcome"].startswith("alerts only: no window until ")
    assert of(answer, TLS)["outcome"] == "reverts after approval"


@pytest.mark.parametrize(
    ("scopes", "in_scope"),
    [("", True), (GROUP, True), (SUBSCRIPTION, True), ("/subscriptions/9/resourceGroups/other", False)],
)
def test_what_is_outside_scopes_is_ignored_whatever_the_file_says(
    scopes: str,
    in_scope: bool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SCOPES", scopes)
    path = tmp_path / "policies.yaml"
    path.write_text("version: 1\n", encoding="utf-8")
    answer = explained(path, capsys)
    assert answer["inScope"] is in_scope
    outcomes = {policy["outcome"] for policy in answer["policies"]}
    assert (outcomes == {"outside SCOPES: events are ignored"}) is not in_scope


def test_people_read_the_outcome_above_the_effect(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["policies", "--file", str(file), "--explain", SERVER, "--policy", WIDE]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    place = next(number for number, words in enumerate(lines) if words[:1] == ["outcome"])
    assert " ".join(lines[place]) == "outcome alerts only: its effect is alert"
    assert lines[place + 1][0] == "effect"


def test_filters_belong_to_the_catalogue(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policies", "--explain", SERVER, "--severity", "High"]) == 2
    assert "do not go with --explain" in capsys.readouterr().err
