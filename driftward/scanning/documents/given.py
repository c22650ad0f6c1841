"""The documents that a scan is given instead of Azure, and the clients that answer out of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from driftward.documents import document
from driftward.scanning.documents.answering import Answering
from driftward.scanning.documents.folder import exported
from driftward.scanning.documents.holdings import Holdings
from driftward.scanning.documents.origins import origins_of
from driftward.scanning.documents.source.pointing import BicepSource, Source, TerraformSource
from driftward.scanning.documents.terraform.estate import PlannedEstate
from driftward.scanning.documents.terraform.plan import FIELD, plan_of
from driftward.scanning.documents.what_if import FIELD as WHAT_IF
from driftward.scanning.documents.what_if import foreseen
from shared.config.settings import Settings
from shared.model.resource_id import ResourceId
from shared.model.values import value
from shared.nsg.asking import BadInput
from shared.nsg.rules.published_tags import PUBLISHED_ON
from shared.report.estate import Estate, Origin, Unlisted

if TYPE_CHECKING:
    from shared.adapters.arm.session.clients import ArmClients


@value
class Documents:
    """``says`` is what somebody ought to know of them, a line each."""

    holdings: Holdings
    says: tuple[str, ...] = ()
    addresses: Mapping[str, str] = field(default_factory=dict)
    """What a resource is called in the source, by the key of its id."""
    source: Source | None = None

    def clients(self, settings: Settings) -> ArmClients:
        from shared.adapters.arm.session.answered import AnsweredClients

        return AnsweredClients(settings, Answering(self.holdings))

    def scopes(self, asked: tuple[ResourceId, ...]) -> tuple[ResourceId, ...]:
        """Those that are asked for, else every subscription that the documents show."""
        return asked or tuple(ResourceId(f"/subscriptions/{one}") for one in self.holdings.subscriptions)

    def unlisted(self, said: Iterable[Unlisted]) -> tuple[Unlisted, ...]:
        """The scopes of which documents do not hold every list that targets are found by."""
        return tuple(_reasoned(one, lacks) for one in said if (lacks := self._lacks(one)))

    def origins(self, estate: Estate) -> Mapping[str, Origin]:
        """Where each finding comes from, by its alert's id; none where documents are an export."""
        return dict(origins_of(estate, self.addresses, self.source)) if self.addresses else {}

    def _lacks(self, said: Unlisted) -> str:
        kinds = self.holdings.unlisted(ResourceId(said.scope).subscription)
        return f"{self.holdings.source} holds no list of all {', '.join(kinds)}" if kinds else ""


def _reasoned(said: Unlisted, lacks: str) -> Unlisted:
    return Unlisted(scope=said.scope, reason=lacks)


@value
class Given:
    """Where documents are; at most one of them."""

    folder: Path | None = None
    plan: Path | None = None
    what_if: Path | None = None
    source: Path | None = None
    """The folder with what the plan or the deployment was made from."""

    @property
    def named(self) -> list[str]:
        """The options that name one."""
        given = {"--from-export": self.folder, "--plan": self.plan, "--what-if": self.what_if}
        return [option for option, path in given.items() if path is not None]


def documents_given(given: Given) -> Documents | None:
    """None where Azure is looked at. Raises ``BadInput`` that names the file or the options."""
    if len(given.named) > 1:
        raise BadInput(f"one of {' and '.join(given.named)} is looked at, not both", field="documents")
    if given.source is not None and given.plan is None and given.what_if is None:
        raise BadInput("--source is the source of a --plan or a --what-if", field="source")
    if given.source is not None and not given.source.is_dir():
        raise BadInput(f"{given.source}: this is no folder", field="source")
    if given.folder is not None:
        found = exported(given.folder)
        return Documents(holdings=found.holdings, says=(*found.says, _tags_said(found.holdings)))
    if given.what_if is not None:
        return _foreseen(given.what_if, given.source)
    return None if given.plan is None else _planned(given.plan, given.source)


def _foreseen(path: Path, source: Path | None) -> Documents:
    """A resource of a deployment is called by its id; its symbol is known from the source alone."""
    found = foreseen(document(str(path), WHAT_IF), str(path))
    addresses = {key: str(body["id"]) for key, body in found.holdings.bodies.items()}
    return Documents(
        holdings=found.holdings,
        says=(*found.says, _tags_said(found.holdings)),
        addresses=addresses,
        source=None if source is None else BicepSource(source),
    )


def _planned(path: Path, source: Path | None) -> Documents:
    plan = plan_of(document(str(path), FIELD), str(path))
    estate = PlannedEstate(plan)
    holdings = estate.holdings()
    says = (*plan.says, *estate.says, _tags_said(holdings))
    return Documents(
        holdings=holdings,
        says=says,
        addresses=estate.addresses,
        source=None if source is None else TerraformSource(source, estate.addresses),
    )


def _tags_said(holdings: Holdings) -> str:
    if holdings.tags is None:
        return (
            f"service tags: {holdings.source} holds no list of their addresses; of a name it is known that "
            f"it is a tag (published {PUBLISHED_ON})"
        )
    return f"service tags: the list of {holdings.source}, change number {holdings.tags['changeNumber']}"


def refuse_beside(given: Given, *, resume: bool, groups: bool) -> None:
    """Raises ``BadInput`` for what goes with Azure alone."""
    if given.named and resume:
        raise BadInput("--resume goes with Azure: documents are read at once", field="resume")
    if given.named and groups:
        told = "--management-group goes with Azure: documents do not tell what lies below one"
        raise BadInput(told, field="management-group")
