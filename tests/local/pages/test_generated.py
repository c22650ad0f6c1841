"""What is generated is up to date, complete, and says what the code says."""

import json
from pathlib import Path

import pytest

from local.dev.environments import ROOT
from local.pages.documents import CannotGenerate, documents, main, outdated, unexplained, with_settings
from local.pages.reasons import OUTCOMES, REASONS
from local.pages.roles import FURTHER_ACTIONS, READER, ROLES, actions_of
from shared.config.settings import SETTINGS, read_settings
from shared.model import Outcome, Reason
from shared.policies import discover


def test_every_generated_file_is_up_to_date() -> None:
    assert main(["--check"]) == 0


def test_a_file_that_differs_or_is_absent_is_named(tmp_path: Path) -> None:
    wanted = {"a.md": "one\n", "b.md": "two\n", "c.md": "three\n"}
    (tmp_path / "a.md").write_text("one\n", encoding="utf-8")
    (tmp_path / "b.md").write_text("too\n", encoding="utf-8")
    assert outdated(wanted, tmp_path) == ["b.md", "c.md"]


def test_a_reason_or_outcome_without_a_sentence_is_found() -> None:
    assert unexplained(REASONS, OUTCOMES) == []
    fewer = dict(REASONS)
    del fewer[Reason.FLAPPING]
    fewer_outcomes = dict(OUTCOMES)
    del fewer_outcomes[Outcome.CONFLICTED]
    assert unexplained(fewer, fewer_outcomes) == ["flapping", "Conflicted"]


def test_every_policy_has_a_section_with_its_docstring_and_permissions() -> None:
    page = documents()["docs/policies.md"]
    for policy in discover():
        section = page.split(f"\n## {policy.id}\n")[1].split("\n## ")[0]
        for part in ("What it finds.", "Why it matters.", "What the change does.", "What it may break."):
            assert f"**{part}**" in section
        assert all(f"`{action}`" in section for action in policy.permissions)
        assert all(f"`{control.id}`" in section for control in policy.controls)


def test_the_roles_together_hold_exactly_what_is_declared() -> None:
    held = [action for role in ROLES for action in actions_of(role)]
    declared = {action for policy in discover() for action in policy.permissions}
    assert set(held) == declared | set(FURTHER_ACTIONS)
    assert len(held) == len(set(held))


def test_the_reader_can_only_read_and_the_remediators_only_write() -> None:
    assert all(action.endswith("/read") for action in actions_of(READER))
    for role in ROLES:
        if role is not READER:
            assert actions_of(role)
            assert not [action for action in actions_of(role) if action.endswith("/read")]


def test_no_role_holds_a_wildcard() -> None:
    assert not [action for role in ROLES for action in actions_of(role) if "*" in action]


def test_the_sample_holds_every_setting_and_is_accepted() -> None:
    values = json.loads(documents()["local.settings.sample.json"])["Values"]
    assert set(values) == {"FUNCTIONS_WORKER_RUNTIME", *(setting.name for setting in SETTINGS)}
    assert read_settings(values).simulated


def test_the_table_of_settings_stands_between_its_markers() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert with_settings(readme) == readme
    assert all(f"| `{setting.name}` |" in readme for setting in SETTINGS)


def test_a_readme_without_markers_cannot_be_generated() -> None:
    with pytest.raises(CannotGenerate, match="markers"):
        with_settings("# Driftward\n")
