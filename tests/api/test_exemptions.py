"""Exemptions over HTTP: listed page by page, filtered, revoked."""

from __future__ import annotations

import pytest

from shared.model import Json
from tests.api.test_api import call, problem
from tests.builders import GROUP, SERVER, SUBNET
from tests.controller.test_expired_exemptions import ENTRY
from tests.controller.test_rolled_back_edits import INTERNET, rolled_back
from tests.fakes import World


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
