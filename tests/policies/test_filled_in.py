"""What `python -m local new-policy` wrote is filled in: the lines that still are not are listed.

Asked of every policy: a file that was begun and left would otherwise say something, but nothing true.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Final

import pytest

from shared.model import TargetKind
from shared.policies import discover, modules
from shared.posture.policy import AnyPolicy
from tests.catalogue import scenarios
from tests.policies.stored import path

FILL_IN: Final = "FILL IN"
"""As ``local.dev.scaffold`` marks what only a person can say."""

every_policy = pytest.mark.parametrize("policy", discover(), ids=lambda policy: policy.id)
every_place = pytest.mark.parametrize(
    ("policy", "kind"),
    [
        pytest.param(policy, kind, id=f"{policy.id}-{kind}")
        for policy in discover()
        for kind in sorted(policy.targets)
    ],
)


@every_policy
def test_nothing_of_a_policy_is_left_to_be_filled_in(policy: AnyPolicy) -> None:
    module = Path(inspect.getfile(modules()[policy.id]))
    scenario = Path(scenarios.__path__[0]) / module.name
    left = [line for file in (module, scenario) for line in left_in(file)]
    assert not left, "\n".join([f"{policy.id} is not finished. Fill in:", *left])


@every_place
def test_the_stored_readings_of_a_policy_differ(policy: AnyPolicy, kind: TargetKind) -> None:
    first, *others = [path(policy.id, kind, state) for state in ("compliant", "drifted", "unknown")]
    same = [str(file) for file in others if file.read_bytes() == first.read_bytes()]
    assert not same, "\n".join([f"Fill in: as {first.name} still, without what makes the difference:", *same])


def left_in(file: Path) -> list[str]:
    """`file:line: text` of every line with the marker."""
    lines = enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
    return [f"{file}:{number}: {line.strip()}" for number, line in lines if FILL_IN in line]
