"""What is scanned: subscriptions and resource groups, and the targets in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final
from uuid import UUID

from driftward.scanning.errors import NoScope
from driftward.scanning.waiting import wait_after
from driftward.signing_in import is_without_credential
from shared.controller.dispatch import nothing_in
from shared.model import Target
from shared.model.errors import GatewayError, Transient
from shared.model.interfaces import Gateway
from shared.model.resource_id import ResourceId, is_name, parse_resource_id
from shared.report.estate import Unlisted

_TRIES: Final = 4
_GROUPS: Final = "/providers/microsoft.management/managementgroups"


def scopes_named(subscriptions: Iterable[str], scopes: Iterable[str]) -> tuple[ResourceId, ...]:
    """Each once, without those that lie in another. Raises ``NoScope`` for one that is none."""
    return outermost([*map(_subscription, subscriptions), *map(_scope, scopes)])


def outermost(scopes: Iterable[ResourceId]) -> tuple[ResourceId, ...]:
    """Each once, without those that lie in another."""
    found = {*scopes}
    return tuple(
        sorted(one for one in found if not any(one != other and one.within(other) for other in found))
    )


def _subscription(text: str) -> ResourceId:
    try:
        return ResourceId(f"/subscriptions/{UUID(text.strip().removeprefix('/subscriptions/'))}")
    except ValueError as error:
        raise NoScope(
            f"--subscription {text}: the id of a subscription is expected (`az account show --query id`)"
        ) from error


def _scope(text: str) -> ResourceId:
    found = parse_resource_id(text.strip())
    if found is None or "/providers/" in found.key:
        raise NoScope(
            f"--scope {text}: /subscriptions/… or /subscriptions/…/resourceGroups/… is expected; "
            "a resource on its own is `driftward run`'s"
        )
    return found


def group_named(text: str) -> str:
    """The name of a management group, by itself or as the last part of its id. Raises ``NoScope``."""
    head, _, name = text.strip().rstrip("/").rpartition("/")
    if not is_name(name) or head.lower() not in {"", _GROUPS}:
        raise NoScope(f"--management-group {text}: the id of a management group is expected")
    return name


def targets_in(
    scopes: Iterable[ResourceId],
    gateway: Callable[[], Gateway],
    pause: Callable[[float], None],
    may_be_empty: Callable[[ResourceId], bool],
) -> tuple[tuple[Target, ...], tuple[Unlisted, ...]]:
    """Every server and PostgreSQL subnet, in the order of ids, and the scopes that could not be listed
    whole.

    Resource Graph leaves out what does not exist and what we may not read alike: of a scope in which it finds
    nothing it is not known that there is nothing, unless it ``may_be_empty``. Raises ``GatewayError`` where
    nobody is signed in."""
    found: dict[str, Target] = {}
    unlisted = []
    for scope in scopes:
        try:
            _list(scope, gateway, pause, found)
        except GatewayError as error:
            if is_without_credential(error):
                raise
            unlisted.append(Unlisted(scope=str(scope), reason=str(error)))
        else:
            if not any(target.id.within(scope) for target in found.values()) and not may_be_empty(scope):
                unlisted.append(Unlisted(scope=str(scope), reason=nothing_in(scope)))
    return tuple(found[key] for key in sorted(found)), tuple(unlisted)


def _list(
    scope: ResourceId,
    gateway: Callable[[], Gateway],
    pause: Callable[[float], None],
    found: dict[str, Target],
) -> None:
    """Adds to ``found`` as pages come: what was listed before a failure is looked at all the same."""
    for attempt in range(_TRIES):
        try:
            for page in gateway().enumerate(scope):
                found.update((target.key, target) for target in page.targets)
            return
        except Transient as trouble:
            if attempt == _TRIES - 1:
                raise
            pause(wait_after(attempt, trouble))
