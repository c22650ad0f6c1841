"""An answer takes a bounded number of steps, and what is beyond them is said to be so."""

from __future__ import annotations

from typing import Any

import pytest

from shared.model import Json
from shared.nsg import State, TooComplex, decide, state_of
from shared.nsg.asking import read_question
from shared.nsg.documents.document import read_program
from shared.nsg.engine import budget, fixes
from shared.nsg.engine.budget import STEPS
from shared.nsg.explain import explain
from shared.nsg.packets.cover import uncovered
from shared.nsg.packets.steps import OutOfSteps, Steps
from tests.nsg_check.adversarial import between_groups, largest_random
from tests.nsg_check.instances import Object


def taken(line: Object) -> float:
    """The steps that the verdict on a line takes."""
    asked = read_question(line)
    _, program = read_program(line["nsg"], asked.tags)
    steps = Steps(STEPS)
    decide(program, asked.question, steps)
    return STEPS - steps.left


def apart(count: int) -> Object:
    """As ``between_groups``, with ten groups of its own on each side of each rule."""
    line: dict[str, Any] = between_groups(count, 1)
    for number, rule in enumerate(line["nsg"]["properties"]["securityRules"]):
        for side in ("source", "destination"):
            rule["properties"][f"{side}ApplicationSecurityGroups"] = [
                {"id": f"/asg/{side}-{number}-{n}"} for n in range(10)
            ]
    return line


@pytest.mark.field(
    "nsg",
    "Twenty rules between ten application security groups a side cost what the rules cost, not the groups",
    source="an NSG of 20 rules with 10 groups a side took 76 to 127 s",
    date="2026-11-29",
)
def test_groups_that_no_rule_tells_apart_cost_nothing() -> None:
    one: dict[str, Any] = apart(20)
    many = apart(20)
    for rule in one["nsg"]["properties"]["securityRules"]:
        for side in ("source", "destination"):
            del rule["properties"][f"{side}ApplicationSecurityGroups"][1:]
    assert taken(many) <= taken(one) + 4 * 20 * 20
    assert taken(many) < STEPS / 100


@pytest.mark.parametrize("seed", range(3))
def test_groups_that_rules_tell_apart_are_decided_within_the_budget(seed: int) -> None:
    assert taken(between_groups(20, seed)) < STEPS / 2


def test_the_hardest_nsg_of_prefixes_is_far_from_the_budget() -> None:
    assert taken(largest_random(1)) < STEPS / 4


HARD = between_groups(300, 1)


@pytest.mark.field(
    "nsg",
    "A question that is too complex is said to be so, within a bounded number of steps",
    source="a question of 46 KB kept /api/nsg/explain busy for 230 s",
    date="2026-11-29",
)
@pytest.mark.parametrize("steps", [10_000, pytest.param(STEPS, marks=pytest.mark.long)])
def test_what_is_beyond_the_budget_is_too_complex_and_names_the_nsg(
    steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "STEPS", steps)
    asked = read_question(HARD)
    _, program = read_program(HARD["nsg"], asked.tags)
    with pytest.raises(TooComplex, match="too complex") as told:
        decide(program, asked.question)
    assert told.value.field == "nsg"
    with pytest.raises(TooComplex):
        state_of(program, asked.question, Steps(1000))
    answer = explain({**HARD, "id": 7})
    assert (answer["id"], answer["field"], answer["rule"]) == (7, "nsg", None)


def test_a_verdict_stands_where_only_its_fix_is_too_complex(monkeypatch: pytest.MonkeyPatch) -> None:
    line = {**between_groups(5, 1), "id": 1, "want": "allow"}
    assert "too complex" not in str(explain(line)["noFixReason"])
    monkeypatch.setattr(fixes, "STEPS", 100)
    answer = explain(line)
    assert answer["verdict"] == "depends"
    assert answer["fix"] is None
    assert "too complex" in answer["noFixReason"]


def test_a_question_of_many_tags_has_only_the_kinds_that_there_are() -> None:
    tags: Json = ["Storage", "Sql", "AzureMonitor", "AzureKeyVault", "EventHub", "ServiceBus", "AppService"]
    line = {**between_groups(2, 1), "source": [*tags, *(f"Storage.{n}" for n in range(20))]}
    assert taken(line) < STEPS / 10


def of_tags(count: int) -> Object:
    """A question from so many tags to so many, all of them named by two denies."""
    here, there = ([f"{side}{n}" for n in range(count)] for side in ("Here", "There"))
    ends = [("a", 100, here, ["*"]), ("b", 101, ["*"], there)]
    rules = [
        {
            "name": name,
            "properties": {
                "priority": priority,
                "direction": "Inbound",
                "access": "Deny",
                "protocol": "*",
                "sourceAddressPrefixes": sources,
                "destinationAddressPrefixes": destinations,
                "sourcePortRange": "*",
                "destinationPortRange": "*",
            },
        }
        for name, priority, sources, destinations in ends
    ]
    return {
        "id": 1,
        "nsg": {"properties": {"securityRules": rules}},
        "direction": "Inbound",
        "source": here,
        "destination": there,
        "ports": ["5432"],
        "openTags": True,
    }


@pytest.mark.field(
    "nsg",
    "A question of a thousand tags that no rule tells apart costs what its rules cost",
    source="a question of 13 KB kept the engine busy for 6 s, one twice as large four times as long",
    date="2026-11-29",
)
def test_tags_of_a_question_that_no_rule_tells_apart_cost_nothing() -> None:
    assert taken(of_tags(1000)) <= taken(of_tags(10)) + 10 * 1000


@pytest.mark.field(
    "nsg",
    "The search for rules to add is bounded as the answer is: by what each combination of tags costs",
    source="a question of 2 KB that wanted 60 tags to reach 60 others took minutes",
    date="2026-11-29",
)
def test_a_fix_for_many_tags_comes_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fixes, "STEPS", 20_000)
    answer = explain({**of_tags(40), "want": "allow"})
    assert answer["verdict"] == "denied"
    assert "too complex" in answer["noFixReason"]


def test_steps_that_end_while_rules_are_left_out_are_too_complex_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line: dict[str, Any] = {**of_tags(3), "destination": ["10.0.0.0/24"], "want": "allow"}
    for rule in line["nsg"]["properties"]["securityRules"]:
        rule["properties"]["priority"] += 400
    reasons = []
    for steps in range(0, 60_000, 6_000):
        monkeypatch.setattr(fixes, "STEPS", steps)
        reasons.append(explain(line)["noFixReason"])
    assert reasons[-1] is None
    assert all(reason is None or "too complex" in reason for reason in reasons)


def test_covering_stops_where_no_steps_are_left() -> None:
    boxes = [(1 << n, 0b1111) for n in range(8)]
    assert uncovered((0xFF, 0b1111), boxes, Steps(100)) is None
    with pytest.raises(OutOfSteps):
        uncovered((0xFF, 0b1111), boxes, Steps(5))


def test_what_is_spent_by_one_answer_is_not_missing_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = read_question(HARD)
    _, program = read_program(between_groups(3, 1)["nsg"], asked.tags)
    monkeypatch.setattr(budget, "STEPS", 2 * taken(between_groups(3, 1)))
    assert {state_of(program, asked.question) for _ in range(5)} == {State.DEPENDS}
