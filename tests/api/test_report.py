"""The report over HTTP: what an app remembers, as the page that a scan writes, with its past."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

from shared.api import ApiResponse
from shared.model import Severity
from shared.model.alert_records import Approval
from shared.model.resource_id import ResourceId
from shared.report.page.assets import assets
from tests.api.calling import FIREWALL, PUBLIC, alerted, call, reverted
from tests.builders import SERVER
from tests.controller.test_expired_exemptions import ENTRY
from tests.fakes import START, SUBSCRIPTION, World


def page(world: World) -> str:
    response = call(world, "report")
    assert (response.status, response.media_type) == (200, "text/html")
    return response.text


def words(html: str) -> str:
    """What is read, without marks."""
    return re.sub(r"\s+", " ", re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", html, flags=re.S))


def index(html: str) -> Any:
    found = re.search(r'<script type="application/json" id="estate">(.*?)</script>', html)
    assert found is not None
    return json.loads(found[1])


def test_a_browser_is_told_to_run_nothing_else_and_to_keep_nothing() -> None:
    response: ApiResponse = call(World(), "report")
    policy = response.headers["Content-Security-Policy"]
    assert policy == f"{assets().policy}; frame-ancestors 'none'"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_an_app_that_knows_nothing_says_that_not_every_target_may_be_known() -> None:
    told = words(page(World()))
    assert "Nothing was looked at" in told
    assert "no pass of the sweep has come to its end yet" in told


def test_what_an_alert_tells_stands_in_the_page_with_what_mends_it() -> None:
    world, alert = alerted()
    html = page(world)
    found = index(html)
    kinds = {found["policies"][one[0]][0]: one for one in found["kinds"]}
    assert found["severities"][kinds[PUBLIC][2]] == alert.severity
    assert alert.commands
    details = re.search(r'id="details-0">(.*?)</script>', html)
    assert details is not None
    assert json.loads(details[1])["said"]


def test_what_is_exposed_is_told_since_when() -> None:
    world, alert = alerted()
    assert alert.severity.rank >= Severity.HIGH.rank
    told = words(page(world))
    assert f"since {alert.first_seen:%Y-%m-%d %H:%M} UTC" in told
    assert "one look cannot tell" not in told


def test_what_waits_for_an_approval_is_told_until_it_is_given() -> None:
    world, alert = alerted()
    assert f"driftward alert approve {alert.id}" in words(page(world))
    given = Approval(
        by="ada", at=START, expires_at=world.clock.now() + timedelta(hours=1), fingerprint=alert.fingerprint
    )
    world.store.put_alert(replace(alert, approval=given))
    assert f"driftward alert approve {alert.id}" not in words(page(world))


def test_what_was_put_back_is_counted_for_as_long_as_the_report_looks_back() -> None:
    world, _ = reverted()
    assert "changes put back 1 " in words(page(world))
    world.clock.advance(timedelta(days=120).total_seconds())
    assert "changes put back 0 " in words(page(world))


def test_a_change_tells_what_it_did_why_it_was_safe_and_what_undoes_it() -> None:
    world, change = reverted()
    told = words(page(world))
    assert "deletes firewall rule" in told
    assert f"driftward rollback {change.id} --for 14d" in told
    assert change.proof.steps
    for step in change.proof.steps:
        assert f"holds: {step.claim}" in re.sub(r" +", " ", told)
    assert change.difference is not None
    for text in change.difference.newly_denied:
        assert text in told


def test_a_target_outside_the_scopes_is_none_of_the_report() -> None:
    world, _ = alerted()
    assert [one[1] for one in index(page(world))["targets"]] == [SERVER.name]
    world.scopes = (ResourceId(f"/subscriptions/{SUBSCRIPTION}/resourceGroups/another"),)
    assert index(page(world))["targets"] == []


def test_of_a_policy_that_was_switched_off_nothing_is_told() -> None:
    world, alert = alerted()
    assert alert.reason in words(page(world))
    world.policies_file = "version: 1\ndefaults:\n  effect: off\n"
    told = words(page(world))
    assert alert.reason not in told
    assert "Nothing was judged" in told


def test_what_is_exempt_says_why_and_until_when() -> None:
    world, alert = alerted()
    world.policies_file = "version: 1\nexemptions:\n" + (ENTRY % "2027-01-01").replace(FIREWALL, PUBLIC)
    world.look(alert.target)
    world.drain()
    html = page(world)
    (kind,) = index(html)["kinds"]
    assert index(html)["states"][kind[1]] == "Exempt"
    assert kind[5] == "found when it was last looked at, and exempt"
    assert "a partner (until 2027-01-01T00:00:00+00:00)" in words(html)
