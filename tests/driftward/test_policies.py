"""`python -m local policies`: the promised shape for machines, a readable table for people."""

import json
import re

import pytest

from local.__main__ import main
from shared.policies import discover

_NAMES = {
    *("id", "title", "severity", "safety", "kind", "targets", "effect", "parameters"),
    *("controls", "permissions", "raisedBy", "docs"),
}
_GUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")


@pytest.fixture
def listed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    assert main(["policies", "--json"]) == 0
    content: list[dict[str, object]] = json.loads(capsys.readouterr().out)
    return content


def test_every_policy_is_listed_with_the_promised_names(listed: list[dict[str, object]]) -> None:
    assert [one["id"] for one in listed] == [policy.id for policy in discover()]
    assert all(set(one) >= _NAMES for one in listed)


def test_values_are_those_that_interfaces_promises(listed: list[dict[str, object]]) -> None:
    for one in listed:
        assert one["severity"] in {"Critical", "High", "Medium", "Low", "Informational"}
        assert one["safety"] in {"AUTO", "APPROVAL", "MANUAL"}
        assert one["kind"] in {"tightening", "connectivity", "setting"}
        assert one["raisedBy"] in {"event", "sweep"}
        assert one["permissions"]


def test_azure_policy_ids_are_full_guids(listed: list[dict[str, object]]) -> None:
    ids = [
        control["id"]
        for one in listed
        if isinstance(one["controls"], list)
        for control in one["controls"]
        if control["framework"] == "Azure Policy"
    ]
    assert ids
    assert all(_GUID.fullmatch(found) for found in ids)


def test_people_get_every_policy_without_escape_sequences_in_a_pipe(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    assert main(["policies"]) == 0
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert all(policy.id in printed for policy in discover())
