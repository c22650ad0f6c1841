"""`driftward added`: rules that stand because Driftward added them, and none of anybody else's."""

from __future__ import annotations

import pytest

from driftward.cli import main
from driftward.day.added import added
from shared.model import DeleteSecurityRule, Json, PutSecurityRule
from shared.model.codec import to_json
from tests.builders import NSG, security_rule
from tests.driftward.test_day import Serve, serve
from tests.fakes import World

__all__ = ["serve"]

RULE = security_rule("driftward-allow", 200)
PUT, DELETE = PutSecurityRule(nsg=NSG, rule=RULE), DeleteSecurityRule(nsg=NSG, rule=RULE)


def change(applied: object, inverse: object, **more: Json) -> dict[str, Json]:
    return {
        "id": "c1",
        "policy": "nsg-blocks-postgres-clients",
        "createdAt": "2026-11-02T08:00:00Z",
        "applied": [to_json(applied)],
        "inverse": [to_json(inverse)],
        **more,
    }


def test_a_rule_that_was_added_is_listed_with_the_command_that_removes_it() -> None:
    (found,) = added([change(PUT, DELETE)])
    assert (found.rule, found.resource_id, found.change) == ("driftward-allow", NSG, "c1")
    assert found.command.startswith("az network nsg rule delete ")
    assert "driftward-allow" in found.command


@pytest.mark.parametrize(
    "changes",
    [
        [change(DELETE, PUT), change(PUT, DELETE)],
        [change(PUT, PUT)],
        [change(PUT, DELETE, restoredFrom="2026-11-01T08:00:00Z")],
        [change(PUT, DELETE, rolledBackBy="c2")],
        [{**change(PUT, DELETE), "applied": []}],
        [{**change(PUT, DELETE), "applied": [{"kind": "of a newer version"}, 1]}],
    ],
    ids=["removed since", "changed", "put back", "rolled back", "not made", "not known"],
)
def test_what_nobody_added_or_does_not_stand_is_not_listed(changes: list[dict[str, Json]]) -> None:
    assert added(changes) == []


def test_a_rule_that_was_added_again_is_listed_once() -> None:
    newest = {**change(PUT, DELETE), "id": "c3"}
    assert [one.change for one in added([newest, change(DELETE, PUT), change(PUT, DELETE)])] == ["c3"]


def test_an_app_that_added_nothing_says_so(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    serve(World())
    assert main(["added"]) == 0
    assert capsys.readouterr().out == "There is no rule that was added and stands still.\n"
