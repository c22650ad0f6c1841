"""The documents that a scan is given instead of Azure, and the clients that answer out of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from driftward.scanning.documents.answering import Answering
from driftward.scanning.documents.folder import exported
from driftward.scanning.documents.holdings import Holdings
from shared.config.settings import Settings
from shared.model.resource_id import ResourceId
from shared.model.values import value
from shared.nsg.asking import BadInput
from shared.nsg.rules.published_tags import PUBLISHED_ON
from shared.report.estate import Unlisted

if TYPE_CHECKING:
    from shared.adapters.arm.session.clients import ArmClients


@value
class Documents:
    """``says`` is what somebody ought to know of them, a line each."""

    holdings: Holdings
    says: tuple[str, ...] = ()

    def clients(self, settings: Settings) -> ArmClients:
        from shared.adapters.arm.session.answered import AnsweredClients

        return AnsweredClients(settings, Answering(self.holdings))

    def scopes(self, asked: tuple[ResourceId, ...]) -> tuple[ResourceId, ...]:
        """Those that are asked for, else every subscription that the documents show."""
        return asked or tuple(ResourceId(f"/subscriptions/{one}") for one in self.holdings.subscriptions)

    def unlisted(self, said: Iterable[Unlisted]) -> tuple[Unlisted, ...]:
        """The scopes of which documents do not hold every list that targets are found by."""
        return tuple(_reasoned(one, lacks) for one in said if (lacks := self._lacks(one)))

    def _lacks(self, said: Unlisted) -> str:
        kinds = self.holdings.unlisted(ResourceId(said.scope).subscription)
        return f"{self.holdings.source} holds no list of all {', '.join(kinds)}" if kinds else ""


def _reasoned(said: Unlisted, lacks: str) -> Unlisted:
    return Unlisted(scope=said.scope, reason=lacks)


def documents_given(folder: Path | None) -> Documents | None:
    """None where Azure is looked at. Raises ``BadInput`` that names the file."""
    if folder is None:
        return None
    found = exported(folder)
    return Documents(holdings=found.holdings, says=(*found.says, _tags_said(found.holdings)))


def _tags_said(holdings: Holdings) -> str:
    if holdings.tags is None:
        return (
            f"service tags: {holdings.source} holds no list of their addresses; of a name it is known that "
            f"it is a tag (published {PUBLISHED_ON})"
        )
    return f"service tags: the list of {holdings.source}, change number {holdings.tags['changeNumber']}"


def refuse_beside(folder: Path | None, *, resume: bool) -> None:
    """Raises ``BadInput`` for what goes with Azure alone."""
    if folder is not None and resume:
        raise BadInput("--resume goes with Azure: documents are read at once", field="resume")
