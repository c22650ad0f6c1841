"""Exemptions over HTTP: listed page by page, filtered, revoked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from local.pages.callers import principal_header
from shared.api import ApiResponse
from shared.api.rights import ROLES, Right
from shared.model import Json
from tests.api.calling import IN_AN_HOUR, PUBLIC, alerted, call, problem
from tests.builders import GROUP, NSG, SERVER, SUBNET
from tests.controller.test_expired_exemptions import ENTRY
from tests.controller.test_rolled_back_edits import INTERNET, rolled_back
from tests.fakes import SOMEBODY, START, World


def world() -> World:
    there = rolled_back()
    there.policies_file = "version: 1\nexemptions:\n" + ENTRY % "2026-11-01" + ENTRY % "2027-01-01"
    return there


def listed(there: World, **query: str) -> list[Json]:
    body: list[Json] = call(there, "list_exemptions", query=query).body
    return body


def test_exemptions_are_listed_with_where_they_come_from() -> None:
    there = world()
    ended, of_rollback, standing = listed(there)
    assert (ended["source"], ended["place"], ended["standing"]) == ("file", "policies.yaml:3", False)
    assert (standing["place"], standing["scope"], standing["standing"]) == ("policies.yaml:4", GROUP, True)
    assert of_rollback == {
        "id": of_rollback["rollback"],
        "source": "rollback",
        "place": None,
        "policy": INTERNET,
        "scope": str(SERVER),
        "reason": of_rollback["reason"],
        "approver": "Jane Doe",
        "expiresAt": "2026-11-02T12:00:00Z",
        "standing": True,
        "rollback": of_rollback["rollback"],
        "covers": ["deletes firewall rule 'a'"],
        "targets": None,
    }


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"standing": "true"}, 2),
        ({"standing": "false"}, 1),
        ({"policy": INTERNET}, 1),
        ({"target": str(SERVER)}, 3),
        ({"target": str(SUBNET)}, 2),
        ({"limit": "1"}, 1),
    ],
)
def test_they_are_filtered(query: dict[str, str], count: int) -> None:
    assert len(listed(world(), **query)) == count


def test_they_come_page_by_page() -> None:
    there = world()
    first = call(there, "list_exemptions", query={"limit": "2"})
    assert first.headers["X-Total-Count"] == "3"
    after = first.headers["Link"].partition("after=")[2].partition(">")[0].replace("%3D", "=")
    (last,) = listed(there, limit="2", after=after)
    assert [*first.body, last] == listed(there)


def test_one_of_a_rollback_is_revoked_once() -> None:
    there = world()
    (given,) = listed(there, policy=INTERNET)
    revoked = call(there, "revoke_exemption", id=given["id"])
    assert (revoked.status, revoked.body) == (200, {**given, "standing": False})
    problem(call(there, "revoke_exemption", id=given["id"]), 404, "not-found")


def test_one_of_the_file_is_refused_with_its_line() -> None:
    there = world()
    given = listed(there)[-1]
    answer = call(there, "revoke_exemption", id=given["id"])
    problem(answer, 409, "exemption-in-file")
    assert "policies.yaml:4" in answer.body["detail"]


# --- given by a person -----------------------------------------------------------------------------

ASKED = {"policy": PUBLIC, "scope": GROUP, "reason": "until the VPN is built", "expiresAt": IN_AN_HOUR}


def given(there: World, headers: dict[str, str] | None = None, **said: Json) -> ApiResponse:
    return call(there, "add_exemption", {**ASKED, **said}, headers=headers)


def test_one_that_a_person_gives_is_listed_and_says_how_much_it_covers() -> None:
    there, _ = alerted()
    answer = given(there, by="jane")
    assert answer.status == 200, answer.body
    assert {
        name: answer.body[name] for name in ("source", "policy", "scope", "reason", "targets", "standing")
    } == {
        "source": "operator",
        "policy": PUBLIC,
        "scope": GROUP,
        "reason": "until the VPN is built",
        "targets": 1,
        "standing": True,
    }
    assert answer.body["approver"] == "jane (claimed, by function key)"
    assert listed(there) == [{**answer.body, "targets": None}]
    there.drain(5)
    assert there.open_alerts(PUBLIC) == [], "it is exempt"
    revoked = call(there, "revoke_exemption", id=answer.body["id"])
    assert (revoked.status, revoked.body["standing"]) == (200, False)
    assert listed(there) == []
    there.drain(5)
    assert len(there.open_alerts(PUBLIC)) == 1


@pytest.mark.parametrize(
    ("field", "said", "told"),
    [
        ("reason", "no", "at least 3"),
        (
            "expiresAt",
            (START + timedelta(days=91)).isoformat(),
            "2027-02-01T08:00:00+00:00 is not within the next 90",
        ),
        ("expiresAt", (START - timedelta(days=1)).isoformat(), "is not within the next 90 days"),
        ("expiresAt", "2026-11-02T09:00:00", "timezone"),
        ("policy", "postgres-public", "there is no policy 'postgres-public'"),
        ("scope", "orders", "orders"),
        ("scope", "/subscriptions/22222222-2222-3333-4444-555555555555", "is in none of"),
        ("scope", str(SUBNET), "looks at a flexibleServer"),
        ("scope", str(NSG), "holds none"),
    ],
)
def test_what_cannot_be_given_is_refused_with_what_was_said(field: str, said: str, told: str) -> None:
    answer = given(World(), None, **{field: said})
    assert told in problem(answer, 400, "invalid-input", field)


@pytest.mark.parametrize(
    "section", ["enabled: false", f"never: [{PUBLIC}]"], ids=["none at all", "not from this policy"]
)
def test_what_the_file_forbids_is_refused_with_its_line(section: str) -> None:
    there = World(policies_file=f"version: 1\ngivenExemptions: {{{section}}}\n")
    assert "policies.yaml:2" in problem(given(there), 409, "exemption-forbidden")


def test_the_file_says_for_how_long_at_most() -> None:
    there = World(policies_file="version: 1\ngivenExemptions: {days: 7}\n")
    late = (START + timedelta(days=8)).isoformat()
    assert "next 7 days" in problem(given(there, expiresAt=late), 400, "invalid-input", "expiresAt")


def test_nobody_exempts_what_they_opened_themselves() -> None:
    there, alert = alerted()
    there.authentication = True
    own = principal_header(ROLES[Right.APPROVE], object_id=f"{SOMEBODY.object_id}")
    assert alert.id in problem(given(there, own), 403, "own-write")
    assert "somebody else" in problem(given(there, own, scope=str(SERVER)), 403, "own-write")
    other = principal_header(ROLES[Right.APPROVE], object_id="another-object")
    assert given(there, other).status == 200
    assert given(there, principal_header(ROLES[Right.OPERATE])).status == 403
