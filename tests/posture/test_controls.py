"""Controls by name: each once, in full, with a page."""

from __future__ import annotations

import inspect
import re

import pytest

from shared import roles
from shared.policies import discover
from shared.posture import controls
from shared.posture.controls import CIS_3_0, MCSB, Control

NAMESPACES = [found for _, found in inspect.getmembers(controls, inspect.isclass) if found is not Control]
NAMED = [
    (f"{space.__name__}.{name}", control)
    for space in NAMESPACES
    for name, control in vars(space).items()
    if isinstance(control, Control)
]


def test_a_control_is_cited_by_its_framework_and_id() -> None:
    assert (MCSB.NS_1.framework, MCSB.NS_1.version, MCSB.NS_1.id) == ("MCSB", "v1", "NS-1")
    assert (CIS_3_0.P_5_2_1.version, CIS_3_0.P_5_2_1.id) == ("3.0.0", "5.2.1")


@pytest.mark.parametrize(("name", "control"), NAMED, ids=[name for name, _ in NAMED])
def test_a_named_control_is_told_in_full_and_has_an_official_page(name: str, control: Control) -> None:
    assert all((control.framework, control.version, control.id, control.title)), name
    assert control.link.startswith("https://"), name


@pytest.mark.parametrize(("name", "control"), NAMED, ids=[name for name, _ in NAMED])
def test_a_control_is_named_by_its_id_where_that_can_be_read(name: str, control: Control) -> None:
    space, number = name.split(".")
    if space.startswith(("MCSB", "CIS_", "CHECKOV", "PSRULE", "DATADOG")):
        assert number.removeprefix("P_") == re.sub(r"[.-]", "_", control.id).upper()


def test_no_control_has_two_names() -> None:
    keys = [(control.framework, control.version, control.id) for _, control in NAMED]
    assert len(set(keys)) == len(keys)


def test_no_control_is_named_that_no_policy_or_check_cites() -> None:
    cited = {control for policy in (*discover(), *roles.discover()) for control in policy.controls}
    assert [name for name, control in NAMED if control not in cited] == []
