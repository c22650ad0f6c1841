"""No command finds an app that whoever runs the tests has remembered or named."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def no_app_is_known(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    home: Path = tmp_path_factory.mktemp("configuration")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    for name in ("DRIFTWARD_URL", "DRIFTWARD_KEY", "DRIFTWARD_TOKEN", "CLOUD"):
        monkeypatch.delenv(name, raising=False)
    return home
