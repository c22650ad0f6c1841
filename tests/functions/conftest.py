"""The app's functions as Python functions, over a world in memory instead of the composition root."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from tests.api.calling import WorldSources
from tests.fakes import World

Function: TypeAlias = Callable[[Any], Any]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """A world that the triggers reach instead of Azure."""
    made = World()
    monkeypatch.setattr("shared.wiring.deps", made.deps)
    monkeypatch.setattr("shared.wiring.wiring", lambda: WorldSources(made))
    return made
