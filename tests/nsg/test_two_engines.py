"""The engine and z3 answer alike: verdict, blame, open sets, witnesses and fixes, on seeded random lines."""

from __future__ import annotations

import pytest

from local.nsg_check.agreement import differences
from local.nsg_check.instances import instance
from shared.nsg.explain import explain
from tests.nsg.tiny import tiny

CHUNK = 15


@pytest.mark.parametrize("chunk", range(20))
def test_the_engine_answers_as_z3_and_the_plain_loop_do(chunk: int) -> None:
    found = {seed: differences(instance(seed), explain(instance(seed))) for seed in _seeds(chunk)}
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


@pytest.mark.parametrize("chunk", range(5))
def test_they_answer_alike_where_open_sets_are_dense_and_addresses_send_to_themselves(chunk: int) -> None:
    lines = {
        seed: {**tiny(seed, 5, 3), "want": "deny" if seed % 2 else "allow"} for seed in range(chunk, 400, 5)
    }
    found = {seed: differences(line, explain(line)) for seed, line in lines.items()}
    assert {seed: texts for seed, texts in found.items() if texts} == {}


def _seeds(chunk: int) -> range:
    return range(chunk * CHUNK, (chunk + 1) * CHUNK)
