"""The composition root refuses a ``policies.yaml`` that cannot be meant, with the line and the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.model.errors import ConfigurationError
from shared.policies import discover
from shared.wiring import Wiring


def test_a_file_that_cannot_be_meant_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "policies.yaml").write_text("version: 1\nscopes:\n  - scope: everything\n", encoding="utf-8")
    with pytest.raises(
        ConfigurationError, match=r"^policies\.yaml:3: scopes\.0\.scope: not an ARM resource id"
    ):
        _ = Wiring({}, tmp_path).configuration


def test_another_file_is_named_in_what_is_wrong_with_it(tmp_path: Path) -> None:
    (tmp_path / "ours.yaml").write_text("version: 2\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"^ours\.yaml:1: version: "):
        _ = Wiring({"POLICIES_FILE": "ours.yaml"}, tmp_path).configuration


def test_a_file_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"POLICIES_FILE: .*policies\.yaml"):
        _ = Wiring({}, tmp_path).configuration


def test_an_app_that_would_enforce_without_scopes_does_nothing_at_all() -> None:
    """Every trigger asks for this first, so none of them writes; health says that the settings are wrong."""
    enforcing = Wiring({"ENFORCEMENT_MODE": "enforce"})
    with pytest.raises(ConfigurationError, match=r"^SCOPES: "):
        enforcing.deps()
    with pytest.raises(ConfigurationError, match=r"^SCOPES: "):
        _ = enforcing.settings


def test_quiet_time_comes_from_the_settings(tmp_path: Path) -> None:
    (tmp_path / "policies.yaml").write_text("version: 1\n", encoding="utf-8")
    made = Wiring({"SETTLE_SECONDS": "7"}, tmp_path)
    policy = next(p for p in discover() if p.settle_seconds is None)
    assert made.configuration.everywhere(policy).settle_seconds == 7
