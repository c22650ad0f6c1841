"""What the API needs of the composition root, so that it need not know it."""

from __future__ import annotations

from typing import Protocol

from shared.configuration import Configuration
from shared.deps import Deps
from shared.settings import Settings
from shared.store import Store


class Sources(Protocol):
    """Each part may raise ``ConfigurationError`` when it is first asked for."""

    def deps(self) -> Deps: ...

    @property
    def settings(self) -> Settings: ...

    @property
    def configuration(self) -> Configuration: ...

    @property
    def store(self) -> Store: ...
