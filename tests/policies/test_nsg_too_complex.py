"""An NSG beyond the engine's budget: unknown to every policy that asks it, and an error to callers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from driftward.cli import main
from driftward.traffic.batch import answer_line
from shared.model import ComplianceState, Direction, SubnetServer, SubnetSnapshot
from shared.model.resource_id import ResourceId
from shared.nsg.documents.document import read_group
from shared.nsg.engine import budget
from shared.policies import discover
from shared.posture.policy import SUBNETS, bound, examples
from tests.api.calling import call, problem
from tests.fakes import World
from tests.nsg.builders import group, subnet
from tests.nsg_check.adversarial import between_groups

ENOUGH = budget.STEPS
SERVER = ResourceId(
    "/subscriptions/0a/resourceGroups/g/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders"
)
LINE = {**between_groups(6, 1), "id": "hard"}
ASKING = [policy for policy in discover() if policy.targets == SUBNETS and policy.id.startswith("nsg-")]


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "STEPS", 50)


def hard_subnet() -> SubnetSnapshot:
    inbound = [replace(rule, destination_ports=("*",)) for rule in read_group(LINE["nsg"]).rules]
    outbound = [replace(r, name=f"{r.name}-out", direction=Direction.OUTBOUND) for r in inbound]
    server = SubnetServer(id=SERVER, high_availability=True, pgbouncer=True, entra=True)
    return subnet(group(*inbound, *outbound), servers=(server,))


def test_every_policy_that_asks_the_nsg_does_not_know_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    bounds = [bound(policy, examples(policy)) for policy in ASKING]
    hard = hard_subnet()
    short = [policy.evaluate(hard) for policy in bounds]
    planned = [(p.plan(found, hard), p.suggest(found, hard)) for p, found in zip(bounds, short, strict=True)]
    monkeypatch.setattr(budget, "STEPS", ENOUGH)
    whole = [policy.evaluate(hard) for policy in bounds]
    undecided = {found.policy: found for found in short if found.reason.startswith("too complex")}
    assert {found.state for found in undecided.values()} == {ComplianceState.UNKNOWN}
    assert len(undecided) >= 6, short
    for before, after, told in zip(short, whole, planned, strict=True):
        assert before.policy in undecided or before == after
        assert before.policy not in undecided or told == (None, ())


def test_the_api_answers_422_and_names_the_nsg() -> None:
    problem(call(World(), "explain_nsg", LINE), 422, "too-complex", "nsg")


def test_the_command_ends_with_2_and_a_line_of_a_batch_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "nsg.json"
    file.write_text(json.dumps(LINE["nsg"]), encoding="utf-8")
    asked = ["--direction", "Inbound", "--source", "10.0.0.0/16", "--destination", "10.0.0.0/16"]
    assert main(["explain-nsg", "--nsg", str(file), *asked, "--ports", "5432"]) == 2
    assert "too complex" in capsys.readouterr().err
    answer = answer_line(json.dumps(LINE).encode())
    assert (answer["id"], answer["field"]) == ("hard", "nsg")
