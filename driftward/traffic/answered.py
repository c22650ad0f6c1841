"""An answer together with what it is about: what the command found, and what its texts are made from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.model import Access, Json, SecurityGroup
from shared.model.values import value
from shared.nsg.asking import Asked

_MET: Final = {Access.ALLOW: "allowed", Access.DENY: "denied"}


@value
class Answered:
    """The answer to one question, with what it was about."""

    out: dict[str, Json]
    group: SecurityGroup
    asked: Asked
    line: Mapping[str, Json]
    """The question's fields, as they were given."""

    @property
    def is_met(self) -> bool:
        """Whether what was wanted holds; nothing wanted always does."""
        return self.asked.want is None or self.out["verdict"] == _MET[self.asked.want]
