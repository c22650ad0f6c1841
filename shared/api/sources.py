"""What the API needs of the composition root, so that it need not know it."""

from __future__ import annotations

from typing import Protocol

from shared.config.configuration import Configuration
from shared.config.settings import Settings
from shared.controller.deps import Deps
from shared.controller.doctor import Asked, Report
from shared.model.interfaces import Clock
from shared.state.store import Store


class Sources(Protocol):
    """Each part may raise ``ConfigurationError`` when it is first asked for."""

    def deps(self) -> Deps: ...

    def examined(self, asked: Asked) -> Report: ...

    @property
    def has_sinks(self) -> bool:
        """Whether anybody is told of anything."""
        ...

    @property
    def settings(self) -> Settings: ...

    @property
    def configuration(self) -> Configuration: ...

    @property
    def store(self) -> Store: ...

    @property
    def clock(self) -> Clock: ...
