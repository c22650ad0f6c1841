"""What other tools read: each form as the one that takes it checks it, hostile names included."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

import pytest

from shared.model import ComplianceState
from shared.report.forms import FORMS, as_csv, as_json, as_junit, as_markdown, as_ocsf, as_sarif
from shared.report.rows import report_of, rows_of
from tests.report import estates
from tests.report.estates import HOSTILE, hostile, report

_OCSF: Final[dict[str, Any]] = json.loads((Path(__file__).parent / "data" / "ocsf.json").read_text())
WRONG: Final = next(row for row in report().rows if row.is_wrong)


@pytest.mark.parametrize("form", list(FORMS))
def test_the_same_estate_gives_the_same_text(form: str) -> None:
    assert list(FORMS[form].write(report())) == list(FORMS[form].write(report()))


def test_json_holds_everything_that_is_not_compliant_and_names_the_rest() -> None:
    document = json.loads("".join(as_json.pieces(report())))
    assert [one["state"] for one in document["findings"]] == [
        "NonCompliant", "Unknown", "Unknown", "Error", "Exempt"
    ]  # fmt: skip
    assert document["findings"][0]["reason"] == HOSTILE
    assert document["counts"]["unread"] == 1
    assert document["unlisted"][0]["reason"] == HOSTILE
    assert sum(len(one["compliant"]) for one in document["targets"]) == 6


def test_no_cell_is_a_formula() -> None:
    lines = list(csv.DictReader(io.StringIO(as_csv.text(report()), newline="")))
    assert tuple(lines[0]) == as_csv.COLUMNS
    cells = [cell for line in lines for cell in line.values()]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
    assert f"'{HOSTILE}".replace("\x1b", "\ufffd") in cells


@pytest.mark.parametrize("form", [one for one in FORMS if one != "json"])
@pytest.mark.parametrize(
    "said", ["half \ud800", "nul \0 tab \x0b", "no character \ufffe", "\uff1d1+1", "\n=1+1"]
)
def test_every_form_can_be_written_and_moves_no_cursor(
    form: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estates, "HOSTILE", said)
    text = "".join(FORMS[form].write(report()))
    assert text.encode()
    assert all(char.isprintable() or char in "\r\n\t\u2060" for char in text)
    if form == "junit":
        ElementTree.fromstring(text)
    if form == "csv":
        cells = [cell for line in csv.reader(io.StringIO(text, newline="")) for cell in line]
        assert not any(cell.startswith(("=", "\uff1d", "\n")) for cell in cells)


def test_junit_fails_for_what_is_wrong_and_new_alone() -> None:
    suites = ElementTree.fromstring("".join(as_junit.pieces(report())))
    assert (suites.get("failures"), suites.get("errors"), suites.get("skipped")) == ("1", "1", "4")
    assert int(suites.get("tests", "0")) == len(suites.findall(".//testcase")) == 12
    known = ElementTree.fromstring("".join(as_junit.pieces(report(frozenset({WRONG.id})))))
    assert known.get("failures") == "0"
    assert "in the baseline" in ElementTree.tostring(known, encoding="unicode")


def test_names_of_strangers_format_nothing_in_markdown() -> None:
    text = as_markdown.text(report())
    assert "</script>" not in text
    assert "\x1b" not in text
    assert "](http" not in text
    for line in text.splitlines():
        if line.startswith("| High | `"):
            assert len(re.findall(r"(?<!\\)\|", line)) == 5


def test_nothing_is_wrong_is_said_only_where_everything_is_known() -> None:
    whole = report()
    fine = [one for one in whole.estate.seen if one.result.target.id.name == "s0"]
    assert {one.state for seen in fine for one in seen.result.findings} == {ComplianceState.COMPLIANT}
    known = replace(whole.estate, seen=tuple(fine), unlisted=())
    assert as_markdown.text(report_of(known, "1")).startswith("# Driftward: nothing is wrong\n")
    unknown = [one for one in whole.estate.seen if one.result.findings[0].state is ComplianceState.UNKNOWN]
    for estate in (
        replace(known, seen=()),
        replace(known, unlisted=whole.estate.unlisted),
        replace(known, seen=tuple(one for one in unknown if not one.result.error)),
    ):
        said = as_markdown.text(report_of(estate, "1")).partition("\n")[0]
        assert said == "# Driftward: nothing wrong was seen, and not everything is known"


# --- SARIF -----------------------------------------------------------------------------------------


def test_sarif_has_a_rule_for_each_result_and_a_path_that_is_relative() -> None:
    (run,) = json.loads(as_sarif.text(report()))["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules))
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        address = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert re.fullmatch(r"[A-Za-z0-9._~%/-]+", address)
        assert not address.startswith("/")
    levels = {result["properties"]["state"]: (result["kind"], result["level"]) for result in run["results"]}
    assert levels["NonCompliant"] == ("fail", "error")
    assert levels["Unknown"] == ("open", "none")
    suppressed = [one for one in run["results"] if "suppressions" in one]
    assert [one["suppressions"][0]["justification"] for one in suppressed] == ["until spring"]


def test_what_strangers_wrote_is_no_link_in_sarif() -> None:
    messages = [one["message"]["text"] for one in json.loads(as_sarif.text(report()))["runs"][0]["results"]]
    assert any("http://evil" in one for one in messages)
    assert not any("](" in one or "\x1b" in one for one in messages)


def test_sarif_says_that_not_everything_was_seen() -> None:
    (run,) = json.loads(as_sarif.text(report()))["runs"]
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    assert {one["level"] for one in invocation["toolExecutionNotifications"]} == {"error", "warning"}


def test_sarif_knows_what_a_baseline_holds() -> None:
    (run,) = json.loads(as_sarif.text(report(frozenset({WRONG.id}))))["runs"]
    states = {one["partialFingerprints"]["driftwardAlert/v1"]: one["baselineState"] for one in run["results"]}
    assert states[WRONG.id] == "unchanged"
    assert "new" in states.values()


# --- OCSF ------------------------------------------------------------------------------------------

_OBJECTS: Final = _OCSF["objects"]
_KINDS: Final = {"integer_t": int, "long_t": int, "timestamp_t": int, "string_t": str, "boolean_t": bool}


def faults(value: dict[str, Any], form: dict[str, Any], profiles: list[str], where: str) -> list[str]:
    """What of an object does not fit the schema."""
    missing = [
        f"{where}.{name} is missing"
        for name, one in form.items()
        if one["requirement"] == "required" and one.get("profile") in (None, *profiles) and name not in value
    ]
    return missing + [
        fault
        for name, part in value.items()
        for fault in _faults(part, form.get(name), profiles, f"{where}.{name}")
    ]


def _faults(part: Any, form: dict[str, Any] | None, profiles: list[str], where: str) -> list[str]:
    if form is None:
        return [f"{where} is not known"]
    if bool(form.get("array")) != isinstance(part, list):
        return [f"{where} is a list or is none"]
    found = []
    for one in part if isinstance(part, list) else [part]:
        kind = _KINDS.get(form["type"])
        if kind is not None and type(one) is not kind:
            found.append(f"{where} is no {form['type']}")
        elif form["type"] in _OBJECTS:
            found += faults(one, _OBJECTS[form["type"]], profiles, where)
        if where.endswith("_id") and form.get("enum") and str(one) not in form["enum"]:
            found.append(f"{where} is {one}")
    return found


def test_ocsf_fits_the_schema() -> None:
    events = json.loads("".join(as_ocsf.pieces(report())))
    assert len(events) == 11
    assert _OCSF["version"] == as_ocsf.VERSION
    for event in events:
        assert faults(event, _OCSF["event"], event["metadata"]["profiles"], "event") == []
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
        assert event["time"] == 1796040000123


def test_the_check_finds_what_does_not_fit() -> None:
    event = json.loads("".join(as_ocsf.pieces(report())))[0]
    broken: list[dict[str, Any]] = [
        {**event, "time": "2026"},
        {**event, "severity_id": 17},
        {**event, "resources": event["resources"][0]},
        {**event, "invented": 1},
        {key: part for key, part in event.items() if key != "cloud"},
        {**event, "metadata": {"version": "1.8.0"}},
    ]
    for one in broken:
        assert len(faults(one, _OCSF["event"], ["cloud"], "event")) == 1


def test_what_is_exempt_is_suppressed_and_what_is_not_known_passes_nothing() -> None:
    told = {
        (one["unmapped"]["driftward"]["state"], one["status_id"], one["compliance"]["status_id"])
        for one in as_ocsf.events(report())
    }
    assert told == {
        ("Compliant", 4, 1), ("NonCompliant", 1, 3), ("Exempt", 3, 3), ("Unknown", 0, 0), ("Error", 0, 0)
    }  # fmt: skip


# --- order -----------------------------------------------------------------------------------------


def test_what_is_wrong_stands_before_what_is_not_known() -> None:
    states = [row.state for row in rows_of(hostile())]
    assert states[0] is ComplianceState.NON_COMPLIANT
    assert states[-1] is ComplianceState.EXEMPT
