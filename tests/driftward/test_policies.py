"""`driftward policies`: the promised shape for machines, a line a policy for people, and one in full."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from driftward.cli import main
from shared.model import Severity
from shared.policies import discover, family_of

_NAMES = {
    *("id", "title", "severity", "safety", "kind", "targets", "effect", "parameters"),
    *("controls", "permissions", "raisedBy", "docs"),
}
_GUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")
PUBLIC = "postgres-public-access-enabled"
DELETED = "postgres-firewall-allows-whole-internet"


@pytest.fixture
def listed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    assert main(["policies", "--json"]) == 0
    content: list[dict[str, object]] = json.loads(capsys.readouterr().out)
    return content


@pytest.fixture
def ids(capsys: pytest.CaptureFixture[str]) -> Any:
    """The ids that some filters leave."""

    def ask(*words: str) -> set[str]:
        assert main(["policies", "--json", *words]) == 0
        return {one["id"] for one in json.loads(capsys.readouterr().out)}

    return ask


def test_every_policy_is_listed_with_the_promised_names(listed: list[dict[str, object]]) -> None:
    assert [one["id"] for one in listed] == [policy.id for policy in discover()]
    assert all(set(one) >= _NAMES for one in listed)


def test_values_are_those_that_interfaces_promises(listed: list[dict[str, object]]) -> None:
    for one in listed:
        assert one["severity"] in {"Critical", "High", "Medium", "Low", "Informational"}
        assert one["safety"] in {"AUTO", "APPROVAL", "MANUAL"}
        assert one["kind"] in {"tightening", "connectivity", "setting"}
        assert one["raisedBy"] in {"event", "sweep"}
        assert one["permissions"]


def test_azure_policy_ids_are_full_guids(listed: list[dict[str, object]]) -> None:
    ids = [
        control["id"]
        for one in listed
        if isinstance(one["controls"], list)
        for control in one["controls"]
        if control["framework"] == "Azure Policy"
    ]
    assert ids
    assert all(_GUID.fullmatch(found) for found in ids)


# --- for people ------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", ["80", "120", "40"])
def test_people_get_a_line_a_policy_within_eighty_columns_and_no_id_is_broken(
    columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert main(["policies"]) == 0
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    lines = printed.splitlines()
    assert max(len(line) for line in lines if line.split()[1:2]) <= max(80, int(columns))
    for policy in discover():
        (line,) = (line for line in lines if line.split()[:1] == [policy.id])
        assert len(line) <= 80
        _, severity, *outcome = line.split()
        assert severity == policy.severity
        assert " ".join(outcome) in {"reverts", "reverts after approval", "alerts", "off"}


def test_policies_stand_by_family_the_most_severe_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policies"]) == 0
    blocks = [block.splitlines() for block in capsys.readouterr().out.split("\n\n")]
    families, ranks = [block[0] for block in blocks[:-1]], list(Severity)
    assert len(set(families)) == len(families) == len({family_of(policy.id) for policy in discover()})
    for family, *lines in blocks[:-1]:
        assert {family_of(line.split()[0]).replace("_", " ") for line in lines} == {family}
        found = [ranks.index(Severity(line.split()[1])) for line in lines]
        assert found == sorted(found)


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("{}", "reverts"),
        ("defaults: {effect: alert}", "alerts"),
        (f"policies: {{{DELETED}: {{effect: 'off'}}}}", "off"),
    ],
)
def test_what_really_happens_follows_the_file(
    text: str, outcome: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "policies.yaml"
    file.write_text(f"version: 1\n{text.replace('{}', '')}\n", encoding="utf-8")
    assert main(["policies", "--file", str(file), "--search", DELETED]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith(DELETED))
    assert line.split("Critical")[1].strip() == outcome


def test_an_approval_that_the_file_waives_is_not_waited_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "policies.yaml"
    file.write_text("version: 1\ndefaults: {withoutApproval: true}\n", encoding="utf-8")
    assert main(["policies", "--file", str(file)]) == 0
    assert "reverts after approval" not in capsys.readouterr().out
    assert main(["policies"]) == 0
    assert "reverts after approval" in capsys.readouterr().out


@pytest.mark.parametrize(("mode", "is_said"), [("audit", True), ("enforce", False)])
def test_audit_mode_is_said_under_the_table(
    mode: str, is_said: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENFORCEMENT_MODE", mode)
    monkeypatch.setenv("SCOPES", "/subscriptions/11111111-2222-3333-4444-555555555555")
    assert main(["policies"]) == 0
    assert ("nothing is written" in capsys.readouterr().out) is is_said


# --- filters ---------------------------------------------------------------------------------------


def test_filters_choose_by_what_a_policy_is(ids: Any) -> None:
    every = discover()
    assert ids("--severity", "critical") == {p.id for p in every if p.severity == "Critical"}
    assert ids("--severity", "Low,High") == {p.id for p in every if p.severity in {"Low", "High"}}
    assert ids("--family", "public_reach") == {p.id for p in every if family_of(p.id) == "public_reach"}
    assert ids("--family", "sign-in,nsg") == {p.id for p in every if family_of(p.id) in {"sign_in", "nsg"}}
    assert ids("--target", "subnet") == {p.id for p in every if "subnet" in p.targets}
    assert ids("--severity", "High", "--target", "subnet") == {
        p.id for p in every if p.severity == "High" and "subnet" in p.targets
    }


def test_an_effect_is_what_the_file_says(ids: Any) -> None:
    found = [ids("--effect", effect) for effect in ("off", "alert", "revert")]
    assert sum(map(len, found)) == len(discover())
    assert {policy.id for policy in discover() if policy.opt_in} >= found[0] != set()


def test_every_word_of_a_search_is_found_in_id_title_reason_or_control(ids: Any) -> None:
    assert ids("--search", "WHOLE internet admits") >= {DELETED}
    assert ids("--search", "CKV2_AZURE_26") >= {DELETED}
    assert ids("--search", "no-such-word") == set()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--severity", "urgent"], "'urgent' is none of Critical, High"),
        (["--family", "public"], "'public' is none of public reach"),
        (["--target", "vm"], "'vm' is none of"),
        (["--effect", "delete"], "'delete' is none of"),
    ],
)
def test_a_name_that_a_filter_does_not_know_is_told_with_those_that_it_knows(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["policies", *words]) == 2
    assert said in capsys.readouterr().err


# --- one policy ------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", discover(), ids=lambda policy: policy.id)
def test_one_policy_is_shown_in_full(
    policy: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["policies", "show", policy.id]) == 0
    printed = capsys.readouterr().out
    words = " ".join(printed.split())
    assert max(len(line) for line in printed.splitlines()) <= 80
    assert printed.startswith(policy.id)
    assert " ".join(policy.why.split()) in words
    assert all(part in words for part in ("What it finds.", "Why it matters.", "Permissions"))
    assert f"#{policy.id}" in "".join(words.split())
    assert all(parameter.name in words for parameter in policy.parameters)


def test_one_policy_for_machines_is_the_listed_one_and_more(
    listed: list[dict[str, object]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["policies", "show", PUBLIC, "-o", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    (one,) = (entry for entry in listed if entry["id"] == PUBLIC)
    assert shown.items() >= one.items()
    assert (shown["family"], shown["outcome"]) == ("public reach", "reverts")
    assert "*What it finds.*" in shown["text"]


def test_the_file_may_stand_before_or_behind_show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "policies.yaml"
    file.write_text("version: 1\ndefaults: {effect: alert}\n", encoding="utf-8")
    for words in (["--file", str(file), "show", PUBLIC], ["show", PUBLIC, "--file", str(file)]):
        assert main(["policies", *words, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["effect"] == "alert"


def test_a_policy_that_does_not_exist_is_exit_2_with_the_nearest_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["policies", "show", "postgres-public-access-enable"]) == 2
    assert f"is {PUBLIC} meant?" in capsys.readouterr().err


# --- which file ------------------------------------------------------------------------------------


def test_the_file_is_the_named_one_the_environments_this_folders_or_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def effect_and_source(*words: str) -> tuple[str, str]:
        assert main(["policies", "--json", "--search", DELETED, *words]) == 0
        printed = capsys.readouterr()
        return json.loads(printed.out)[0]["effect"], printed.err

    effect, source = effect_and_source()
    assert effect == "revert"
    assert "the catalogue's defaults" in source
    (tmp_path / "policies.yaml").write_text("version: 1\ndefaults: {effect: alert}\n", encoding="utf-8")
    effect, source = effect_and_source()
    assert effect == "alert"
    assert "policies.yaml of this folder" in source
    off = f"version: 1\npolicies: {{{DELETED}: {{effect: off}}}}\n"
    (tmp_path / "other.yaml").write_text(off, encoding="utf-8")
    monkeypatch.setenv("POLICIES_FILE", "other.yaml")
    effect, source = effect_and_source()
    assert effect == "off"
    assert "other.yaml (POLICIES_FILE)" in source
    assert effect_and_source("--file", "policies.yaml") == ("alert", "policies.yaml: policies.yaml\n")


def test_the_table_says_which_file_it_goes_by(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "110")
    assert main(["policies"]) == 0
    assert "the catalogue's defaults (there is no policies.yaml here)" in capsys.readouterr().out


def test_a_file_that_is_no_text_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "policies.yaml").write_bytes(b"\xff\xfe\x00")
    assert main(["policies", "--file", str(tmp_path / "policies.yaml")]) == 2
    assert "no UTF-8" in capsys.readouterr().err
