"""The engine and z3 answer alike: verdict, blame, open sets, witnesses and fixes, on seeded random lines."""

from __future__ import annotations

import pytest

from shared.nsg.explain import explain
from tests.nsg.seeds import seeds
from tests.nsg.tiny import tiny
from tests.nsg_check.agreement import differences
from tests.nsg_check.instances import instance

CHUNKS = 20


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_the_engine_answers_as_z3_and_the_plain_loop_do(chunk: int) -> None:
    found = {seed: differences(instance(seed), explain(instance(seed))) for seed in seeds(300, chunk, CHUNKS)}
    assert {seed: texts for seed, texts in found.items() if texts} == {}


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_they_answer_alike_where_open_sets_are_dense_and_addresses_send_to_themselves(chunk: int) -> None:
    goals = ("allow", "deny")
    lines = {seed: {**tiny(seed, 5, 3), "want": goals[seed % 2]} for seed in seeds(300, chunk, CHUNKS)}
    found = {seed: differences(line, explain(line)) for seed, line in lines.items()}
    assert {seed: texts for seed, texts in found.items() if texts} == {}


@pytest.mark.long
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_they_answer_alike_on_lines_that_no_other_run_tries(chunk: int) -> None:
    some = range(300 + chunk, 600, CHUNKS)
    found = {seed: differences(instance(seed), explain(instance(seed))) for seed in some}
    assert {seed: texts for seed, texts in found.items() if texts} == {}


def test_an_answer_that_was_tampered_with_differs() -> None:
    line = {**instance(1), "want": "allow"}
    answer = explain(line)
    assert differences(line, answer) == []
    assert differences(line, {**answer, "verdict": "allowed"})
    assert differences(line, {**answer, "blockingRules": []})
    assert differences(line, {**answer, "shadowedRules": answer["blockingRules"]})
    assert differences(line, {**answer, "dependsOn": ["Storage"]})
    assert differences(line, {**answer, "witnesses": []})
    assert differences(line, {**answer, "fix": None, "noFixReason": "none"})
