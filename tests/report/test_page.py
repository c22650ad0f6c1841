"""The page's text: nothing is loaded, nothing hostile is HTML, and what it says is what was found."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from dataclasses import replace
from typing import Any

import pytest

from shared.model import ComplianceState
from shared.model.results import TargetResult
from shared.report.estate import Estate, Origin, Seen
from shared.report.page import data, document
from shared.report.page.assets import assets
from shared.report.page.figures import Stands, not_read, standings_of
from shared.report.rows import Report, report_of
from tests.report.estates import HOSTILE, PUBLIC, finding, report, report_of_many, server


def embedded(page: str, name: str) -> Any:
    """What a script of the page holds, compressed or not."""
    found = re.search(rf'<script type="application/json" id="{name}"( data-packed)?>(.*?)</script>', page)
    assert found is not None
    return json.loads(gzip.decompress(base64.b64decode(found[2])) if found[1] else found[2])


def of_one(state: ComplianceState, reason: str, *, error: str = "") -> Report:
    target = server("one")
    result = TargetResult(target=target, findings=(finding(target, PUBLIC, state, reason),), error=error)
    return report_of(Estate(taken_at=report().estate.taken_at, scopes=(), seen=(Seen(result=result),)), "1")


def test_the_policy_of_the_page_admits_its_own_script_and_style_and_nothing_else() -> None:
    page = document.text(report())
    held = assets()
    policy = held.policy
    assert policy.startswith("default-src 'none'; ")
    assert f'content="{policy}"'.replace("'", "&#x27;") in page
    for text in (held.style, held.script):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
        assert page.count(text) == 1
    assert "</script" not in held.script
    assert re.findall(r"(?:src|href)=\"(?!#)[^\"]*\"", page) == []


def test_what_strangers_wrote_is_text_in_html_and_in_json() -> None:
    page = document.text(report())
    assert "</script><b>" not in page
    assert "\x1b" not in page
    assert page.count("<b>") == 0
    reasons = {one[5] for one in embedded(page, "estate")["kinds"]}
    assert HOSTILE.replace("\x1b", "\ufffd") in reasons


@pytest.mark.parametrize(
    "said", ["half \ud800", "line \u2028 end", "-->", "<!--", "\x01\x02", "\u202egnp.exe"]
)
def test_odd_texts_break_neither_the_page_nor_its_data(said: str) -> None:
    page = document.text(of_one(ComplianceState.NON_COMPLIANT, said))
    assert page.encode()
    assert not {"\u2028", "\u202e", "\x01"} & set(page)
    assert embedded(page, "estate")["kinds"]


def test_many_findings_are_compressed_and_say_the_same() -> None:
    few, many = report_of_many(2), report_of_many(60)
    assert len(few.rows) <= data.PLAIN < len(many.rows)
    plain, packed = (embedded(document.text(one), "estate") for one in (few, many))
    assert plain["targets"][1][:2] == packed["targets"][1][:2]
    assert len(packed["targets"]) == 60
    blocks = [embedded(document.text(many), f"details-{number}") for number in range(2)]
    assert sum(len(one["findings"]) for one in blocks) == 60


def test_details_that_have_no_room_are_left_out_and_their_targets_know(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(data, "MOST_DETAILS", 10)
    page = document.text(report_of_many(60))
    assert 'id="details-0"' not in page
    assert {target[7] for target in embedded(page, "estate")["targets"]} == {-1}


def test_where_a_finding_is_written_stands_with_it() -> None:
    found = of_one(ComplianceState.NON_COMPLIANT, "open")
    (row,) = found.rows
    origin = Origin(
        address="azurerm_postgresql_flexible_server.one", file="main.tf", line=7, edit="a = false"
    )
    page = document.text(replace(found, rows=(replace(row, origin=origin),)))
    (said,) = embedded(page, "details-0")["said"]
    told = [part.replace("\x03", "one") for part in said[3:]]
    assert told == ["main.tf:7 azurerm_postgresql_flexible_server.one", "a = false"]


# --- what is not known -----------------------------------------------------------------------------


def test_the_permission_that_azure_names_is_the_one_that_is_told() -> None:
    said = "the firewall rules could not be read: our identity may not perform Microsoft.X/servers/read on /y"
    (found,) = not_read(of_one(ComplianceState.UNKNOWN, said))
    assert found.permissions == ("Microsoft.X/servers/read",)
    assert found.policies == (PUBLIC,)


def test_where_azure_names_none_it_is_what_the_policy_reads() -> None:
    (found,) = not_read(of_one(ComplianceState.UNKNOWN, "the firewall rules could not be read: 403"))
    assert "Microsoft.DBforPostgreSQL/flexibleServers/read" in found.permissions


def test_a_target_that_could_not_be_read_needs_its_own_permission_alone() -> None:
    (found,) = not_read(of_one(ComplianceState.UNKNOWN, "403", error="403"))
    assert found.permissions == ("Microsoft.DBforPostgreSQL/flexibleServers/read",)
    assert found.policies == ()


def test_what_is_no_matter_of_permission_names_none() -> None:
    (found,) = not_read(of_one(ComplianceState.UNKNOWN, "publicNetworkAccess is 'Perhaps'"))
    assert found.permissions == ()


# --- the sentence above everything -----------------------------------------------------------------


def headline(page: str) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page)
    assert found is not None
    return found[1]


def test_everything_is_as_it_should_be_only_where_everything_was_seen() -> None:
    fine = of_one(ComplianceState.COMPLIANT, "")
    assert "Every server and subnet" in headline(document.text(fine))
    unlisted = replace(fine, estate=replace(fine.estate, unlisted=report().estate.unlisted))
    assert "not everything could be listed" in headline(document.text(unlisted))
    nothing = replace(fine, estate=replace(fine.estate, seen=()))
    assert headline(document.text(nothing)) == "Nothing was looked at"


# --- what was not judged, and what is not sure -----------------------------------------------------


def of_results(*results: TargetResult) -> Report:
    seen = tuple(Seen(result=one) for one in results)
    return report_of(Estate(taken_at=report().estate.taken_at, scopes=(), seen=seen), "1")


def words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", page, flags=re.S))


def test_what_is_gone_and_what_no_policy_was_asked_about_are_not_as_they_should_be() -> None:
    gone = TargetResult(target=server("gone"), error="the resource does not exist", gone=True)
    unasked = TargetResult(target=server("unasked"))
    found = of_results(gone, unasked)
    assert set(standings_of(found).of.values()) == {Stands.UNJUDGED}
    assert found.counts.compliant_targets == 0
    page = document.text(found)
    assert headline(page) == "Nothing was judged"
    assert "not judged 2" in words(page)


def test_the_page_counts_what_is_as_it_should_be_as_json_does() -> None:
    fine = of_one(ComplianceState.COMPLIANT, "").estate.results[0]
    exempt = replace(
        fine, target=server("two"), findings=(finding(server("two"), PUBLIC, ComplianceState.EXEMPT, "x"),)
    )
    gone = TargetResult(target=server("gone"), error="the resource does not exist", gone=True)
    found = of_results(fine, exempt, gone)
    assert standings_of(found).count(Stands.FINE) == found.counts.compliant_targets == 2
    assert "as they should be 2 1 of them but for what is exempt" in words(document.text(found))


def test_nobody_is_let_in_for_sure_only_where_everything_is_known() -> None:
    for state, mark in ((ComplianceState.COMPLIANT, "fine"), (ComplianceState.UNKNOWN, "unknown")):
        page = document.text(of_one(state, "why"))
        assert re.search(rf'<dt>exposed now</dt><dd class="number {mark}">0<', page)


def test_what_could_not_be_read_is_told_where_no_policy_asked_about_it_either() -> None:
    (found,) = not_read(of_results(TargetResult(target=server("one"), error="could not be read: 403")))
    assert (found.reason, [one.id.name for one in found.targets]) == ("could not be read: 403", ["one"])
