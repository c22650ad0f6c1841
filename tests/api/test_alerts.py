"""Alerts over HTTP: listed, filtered, page by page, acknowledged, approved."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from local.pages.callers import principal_header
from shared.api import ApiRequest, ApiResponse, answer
from shared.api.operator import CLAIMED
from shared.api.routes import BY_NAME
from shared.model import EnforcementMode, Json, Severity
from shared.model.alert_records import AlertRecord
from shared.model.letters import Letter
from shared.policies import family_of
from tests.api.calling import (
    IN_AN_HOUR,
    PUBLIC,
    SCOPE,
    WorldSources,
    alerted,
    call,
    problem,
)
from tests.builders import (
    NSG,
    OFFICE,
    SERVER,
    SUBNET,
    server,
)
from tests.fakes import World


def test_alerts_are_listed_and_filtered() -> None:
    world, alert = alerted()
    assert [a["id"] for a in call(world, "list_alerts", query={"policy": PUBLIC}).body] == [alert.id]
    ours = call(world, "list_alerts", query={"resourceId": str(SERVER).upper(), "status": "open"}).body
    assert alert.id in {a["id"] for a in ours}
    assert call(world, "list_alerts", query={"resourceId": str(SUBNET)}).body == []
    assert call(world, "list_alerts", query={"status": "resolved", "policy": PUBLIC}).body == []
    assert len(call(world, "list_alerts", query={"limit": "1", "code": "the function key"}).body) == 1


@pytest.mark.parametrize(
    ("name", "query", "field"),
    [
        ("list_alerts", {"status": "broken"}, "status"),
        ("list_alerts", {"limit": "0"}, "limit"),
        ("list_alerts", {"limit": "1001"}, "limit"),
        ("list_alerts", {"limit": "many"}, "limit"),
        ("list_alerts", {"resourceId": "orders"}, "resourceId"),
        ("list_alerts", {"resourceId": str(NSG)}, "resourceId"),
        ("list_alerts", {"status": ""}, "status"),
        ("list_alerts", {"status": "open,resolved"}, "status"),
        ("list_alerts", {"severity": "high"}, "severity"),
        ("list_alerts", {"severity": "Severe"}, "severity"),
        ("list_alerts", {"family": "firewalls"}, "family"),
        ("list_alerts", {"family": ""}, "family"),
        ("list_alerts", {"policy": "no-such-policy"}, "policy"),
        ("list_alerts", {"target": "orders"}, "target"),
        ("list_alerts", {"target": str(SERVER), "resourceId": str(SUBNET)}, "target"),
        ("list_alerts", {"after": "orders"}, "after"),
        ("list_alerts", {"after": ""}, "after"),
        ("list_alerts", {"after": "\ud800"}, "after"),
        ("list_alerts", {"after": "Y2hhbmdlcyBu"}, "after"),
        ("list_changes", {"severity": "High"}, "severity"),
        ("list_changes", {"family": "firewalls"}, "family"),
        ("get_run", {"compliant": "maybe"}, "compliant"),
        ("list_changes", {"outcome": "reverted"}, "outcome"),
        ("list_changes", {"limit": "-1"}, "limit"),
        ("list_changes", {"resourceId": SCOPE}, "resourceId"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(name: str, query: Mapping[str, str], field: str) -> None:
    problem(call(World(), name, id="some", query=query), 400, "invalid-input", field)


def many_alerted(number: int) -> World:
    world, alert = alerted()
    for n in range(number):
        severity = (Severity.CRITICAL, Severity.LOW)[n % 2]
        seen = alert.last_seen - timedelta(minutes=n)
        world.store.put_alert(replace(alert, id=f"more-{n}", severity=severity, last_seen=seen, etag=None))
    return world


def next_page(response: ApiResponse) -> tuple[str, dict[str, str]] | None:
    """Where the link to the next page leads, and its query; None on the last page."""
    link = response.headers.get("Link")
    if link is None:
        return None
    found = re.fullmatch('<([^>]+)>; rel="next"', link)
    assert found is not None
    parts = urlsplit(found[1])
    return f"{parts.scheme}://{parts.netloc}{parts.path}", dict(parse_qsl(parts.query, strict_parsing=True))


@pytest.mark.field(
    "http",
    "A list goes on where its Link says, with its filters and without the key, and its total is in a header.",
    source="https://www.rfc-editor.org/rfc/rfc8288",
    date="2026-11-29",
)
def test_a_list_is_followed_to_its_end_page_by_page() -> None:
    world = many_alerted(7)
    whole = call(world, "list_alerts", query={"policy": PUBLIC, "limit": "1000"})
    assert (whole.headers["X-Total-Count"], "Link" in whole.headers) == ("8", False)
    query = {"policy": PUBLIC, "limit": "3", "code": "secret", "clientId": "default"}
    found: list[str] = []
    pages = 0
    while True:
        page = call(world, "list_alerts", query=query)
        assert isinstance(page.body, list)
        assert page.headers["X-Total-Count"] == "8"
        found += [alert["id"] for alert in page.body]
        pages += 1
        link = next_page(page)
        if link is None:
            break
        assert "secret" not in page.headers["Link"]
        where, query = link
        assert (where, set(query)) == (":///api/alerts", {"policy", "limit", "after"})
    assert (found, pages) == ([alert["id"] for alert in whole.body], 3)


def test_a_page_that_is_full_to_the_brim_is_the_last() -> None:
    world = many_alerted(2)
    assert "Link" not in call(world, "list_alerts", query={"policy": PUBLIC, "limit": "3"}).headers


@pytest.mark.parametrize(
    ("headers", "url", "origin"),
    [
        ({}, "", "://"),
        ({"host": "app.example.net"}, "", "://"),
        (
            {"host": "app.example.net"},
            "https://app.example.net/api/alerts?limit=1",
            "https://app.example.net",
        ),
        ({"host": "127.0.0.1:7071"}, "http://127.0.0.1:7071/api/alerts", "http://127.0.0.1:7071"),
        ({"host": "[::1]:7071"}, "http://[::1]:7071/api/alerts", "http://[::1]:7071"),
        (
            {
                "host": "inner",
                "x-forwarded-host": "door.example.com, inner",
                "x-forwarded-proto": "https,http",
            },
            "http://inner/api/alerts",
            "https://door.example.com",
        ),
        ({"host": 'a"b>'}, "https://x/api/alerts", "://"),
        ({"host": "app.example.net", "x-forwarded-proto": "javascript"}, "https://x/", "://"),
    ],
)
def test_the_link_leads_where_the_caller_came_from(headers: dict[str, str], url: str, origin: str) -> None:
    request = ApiRequest(query={"limit": "1"}, headers=headers, url=url)
    link = next_page(answer("list_alerts", request, WorldSources(many_alerted(2))))
    assert link is not None
    assert link[0] == f"{origin}/api/alerts"


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ({"severity": "Critical"}, lambda alert: alert["severity"] == "Critical"),
        (
            {"severity": "Low", "status": "open"},
            lambda one: (one["severity"], one["status"]) == ("Low", "open"),
        ),
        ({"severity": "Critical", "status": "resolved"}, lambda _: False),
        ({"family": "public_reach"}, lambda alert: family_of(alert["policy"]) == "public_reach"),
        ({"family": "nsg"}, lambda _: False),
        ({"family": "nsg", "policy": PUBLIC}, lambda _: False),
        ({"family": "public_reach", "policy": PUBLIC}, lambda alert: alert["policy"] == PUBLIC),
        ({"target": str(SERVER)}, lambda _: True),
        ({"target": f"{SERVER}/firewallRules/office", "resourceId": str(SERVER).upper()}, lambda _: True),
        ({"target": str(SUBNET)}, lambda _: False),
        ({"policy": "exemption-expired"}, lambda _: False),
    ],
)
def test_alerts_are_selected_by_all_that_is_asked(
    query: dict[str, str], fits: Callable[[Mapping[str, Json]], bool]
) -> None:
    world = many_alerted(8)
    everything = call(world, "list_alerts").body
    found = call(world, "list_alerts", query=query)
    assert found.body == [alert for alert in everything if fits(alert)]
    assert found.headers["X-Total-Count"] == str(len(found.body))


SIGNED_IN = {
    **principal_header("Driftward.Operator", "Driftward.Approver"),
    "content-type": "application/x-www-form-urlencoded",
}


@pytest.mark.field(
    "http",
    "A query parameter that a route does not know is refused by its name: passed over, it shows all.",
    source="https://www.rfc-editor.org/rfc/rfc9457",
    date="2026-11-29",
)
@pytest.mark.parametrize("route", sorted(BY_NAME))
@pytest.mark.parametrize("name", ["state", "Status", "LIMIT", "clientid", "x" * 500, "a b", ""])
def test_a_query_parameter_that_no_route_knows_is_refused(route: str, name: str) -> None:
    world = World(authentication=BY_NAME[route].page)
    response = call(world, route, {}, id="some", query={name: "open", "code": "secret"}, headers=SIGNED_IN)
    detail = problem(response, 400, "invalid-input", name[:100])
    assert "secret" not in detail
    assert len(detail) < 400


@pytest.mark.parametrize("route", sorted(BY_NAME))
def test_what_the_host_takes_for_itself_is_left_to_it(route: str) -> None:
    response = call(World(), route, {}, id="some", query={"code": "secret", "clientId": "default"})
    assert "query parameter" not in str(response.body)


def test_an_alert_shows_everything_but_what_only_the_store_needs() -> None:
    world, alert = alerted()
    shown = call(world, "get_alert", id=alert.id).body
    assert {"id", "status", "why", "evidence", "decision", "commands", "count", "portal"} <= set(shown)
    assert not {"etag", "unsent"} & set(shown)


def test_an_alert_is_acknowledged_once_and_by_name() -> None:
    world, alert = alerted()
    response = call(world, "acknowledge_alert", {"by": " Jane "}, id=alert.id)
    assert (response.status, response.body["status"], response.body["acknowledgedBy"]) == (
        200,
        "acknowledged",
        f"Jane ({CLAIMED})",
    )
    problem(call(world, "acknowledge_alert", id=alert.id), 409, "illegal-transition")
    world.drain(5)
    assert "Driftward.Alert.Updated" in {told.type for told in world.delivered}
    stored = world.store.alert(alert.id)
    assert stored is not None
    assert stored.unsent == ()


def test_an_approval_is_written_down_and_a_look_is_queued() -> None:
    world, alert = alerted()
    response = call(world, "approve_alert", {"expiresInMinutes": 30}, id=alert.id)
    assert (response.status, response.headers["Location"]) == (202, f"/api/alerts/{alert.id}")
    approval = response.body["approval"]
    assert (approval["by"], approval["actor"]["name"]) == (f"operator ({CLAIMED})",) * 2
    assert approval["notKnown"] == "the approver is not known"
    stored = world.store.alert(alert.id)
    assert stored is not None
    assert stored.approval is not None
    assert stored.approval.expires_at == world.clock.now() + timedelta(minutes=30)
    looks = [world.store.read_message(body) for body in world.queue.bodies()]
    assert [m.target for m in looks if m.kind == "look"] == [alert.target]


def test_what_was_approved_is_reverted_once_it_is_proved_again() -> None:
    world, alert = alerted()
    call(world, "approve_alert", {"by": "Jane"}, id=alert.id)
    world.drain(30)
    assert world.azure.snapshots[SERVER.key] == server(firewall_rules=(OFFICE,))
    assert call(world, "get_alert", id=alert.id).body["status"] == "resolved"
    problem(call(world, "approve_alert", id=alert.id), 409, "illegal-transition")


def test_an_approval_of_what_was_read_is_refused_when_another_change_is_planned_by_now() -> None:
    world, alert = alerted()
    problem(call(world, "approve_alert", {"digest": "of yesterday"}, id=alert.id), 409, "changed-since")
    digest = call(world, "get_alert", id=alert.id).body["planned"]["digest"]
    assert call(world, "approve_alert", {"digest": digest}, id=alert.id).status == 202


def test_an_approval_needs_enforcement() -> None:
    world, alert = alerted()
    world.mode = EnforcementMode.AUDIT
    problem(call(world, "approve_alert", id=alert.id), 409, "enforcement-disabled")
    assert call(world, "get_alert", id=alert.id).body["approval"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"expiresInMinutes": 0}, "expiresInMinutes"),
        ({"expiresInMinutes": 241}, "expiresInMinutes"),
        ({"expiresInMinutes": "60"}, "expiresInMinutes"),
        ({"expiresInMinutes": 1.5}, "expiresInMinutes"),
        ({"by": ""}, "by"),
        ({"by": "a\nb"}, "by"),
        ({"by": "a" * 201}, "by"),
        ({"until": IN_AN_HOUR}, "until"),
    ],
)
def test_an_approval_that_makes_no_sense_is_refused(body: Json, field: str) -> None:
    world, alert = alerted()
    problem(call(world, "approve_alert", body, id=alert.id), 400, "invalid-input", field)


def test_a_step_is_taken_again_when_a_look_wrote_the_alert_meanwhile() -> None:
    world, alert = alerted()
    real = world.store.put_alert
    written: list[AlertRecord] = []

    def overtaken(record: AlertRecord, letters: Iterable[Letter] = ()) -> AlertRecord:
        if not written:
            known = world.store.alert(alert.id)
            assert known is not None
            written.append(real(replace(known, count=known.count + 1)))
        return real(record, letters)

    world.store.put_alert = overtaken  # type: ignore[method-assign]
    shown = call(world, "acknowledge_alert", id=alert.id).body
    assert (shown["status"], shown["count"]) == ("acknowledged", alert.count + 1)
