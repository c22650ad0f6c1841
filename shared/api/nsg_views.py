"""The answer about an NSG as the HTTP API shows it; ``shared.nsg.explain`` makes it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from shared.model import Json
from shared.model.resource_id import ResourceId
from shared.model.values import value


@value
class RuleName:
    name: str
    priority: int


@value
class Memberships:
    """The tags and application security groups that the packet's ends are taken to belong to."""

    source: tuple[str, ...]
    destination: tuple[str, ...]


@value
class WitnessView:
    """A packet and the rule that decides it; ``sure`` when no membership changes the outcome.

    ``rule`` is null where the NSG does not filter the subnet's private endpoints.
    """

    outcome: Literal["allowed", "denied"]
    sure: bool
    protocol: str
    source: str
    source_port: int
    destination: str
    destination_port: int
    rule: str | None
    memberships: Memberships


@value
class FixRule:
    """A rule to add, as the body of its PUT."""

    name: str
    properties: Mapping[str, Json]


@value
class FixView:
    rules: tuple[FixRule, ...]


@value
class SharedWith:
    """Where else the NSG takes effect."""

    subnets: tuple[ResourceId, ...]
    network_interfaces: tuple[ResourceId, ...]


@value
class TagsAsOf:
    """Which list of service tags was used."""

    change_number: str
    read_at: datetime


@value
class ExplanationView:
    """What an NSG does to some traffic, why, and what to add.

    ``assumptions`` say what is taken for granted of tags that Azure defines. ``nsgId`` is null for an NSG in
    the request; ``tagsAsOf`` is null where no list of service tags was read.
    """

    id: str | bool | int | float | None
    verdict: Literal["allowed", "denied", "mixed", "depends"]
    depends_on: tuple[str, ...]
    witnesses: tuple[WitnessView, ...]
    blocking_rules: tuple[RuleName, ...]
    exposing_rules: tuple[RuleName, ...]
    shadowed_rules: tuple[RuleName, ...]
    fix: FixView | None
    no_fix_reason: str | None
    shared_with: SharedWith
    assumptions: tuple[str, ...]
    caveats: tuple[str, ...]
    nsg_id: ResourceId | None
    tags_as_of: TagsAsOf | None
    ms: float
