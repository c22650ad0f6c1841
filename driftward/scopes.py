"""Whether a resource lies below a scope, as ids say it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from driftward.app import NoAnswer
from shared.model import Json
from shared.model.resource_id import ResourceId, parse_resource_id

_TARGETS: Final = (
    "microsoft.dbforpostgresql/flexibleservers",
    "microsoft.dbforpostgresql/servers",
    "microsoft.network/virtualnetworks/subnets",
)


def within(scope: str | None) -> Callable[[Json], bool]:
    """A test of ids; of no scope everything is inside. Raises ``NoAnswer`` for what is no scope."""
    if scope is None:
        return lambda _: True
    around = parse_resource_id(scope)
    if around is None:
        raise NoAnswer(f"--scope {scope}: the id of a subscription, a group or a resource is expected")
    return lambda text: _is_inside(text, around)


def target_of(scope: str | None) -> str | None:
    """The server or subnet that a scope is or lies in; None where it may hold several."""
    found = parse_resource_id(scope) if scope is not None else None
    around = (found.ancestor(kind) for kind in _TARGETS) if found is not None else ()
    return next((str(target) for target in around if target is not None), None)


def _is_inside(text: Json, around: ResourceId) -> bool:
    found = parse_resource_id(text) if isinstance(text, str) else None
    return found is not None and found.within(around)
