"""What the app needs of Azure: a token, the right cloud and time, permissions, targets that can be read,
events that arrive, and Event Grid's way in past the sign-in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final

from shared.controller.doctor.checks import Asked, Check, Installation, State, assign_command, set_command
from shared.controller.doctor.deliveries import deliveries
from shared.controller.event_subscriptions import (
    EventFault,
    EventFaultKind,
    Wanted,
    faults_of,
    leads_to_us,
)
from shared.model import Effect, EnforcementMode
from shared.model.clouds import PLACES
from shared.model.errors import Denied, GatewayError
from shared.model.event_grid import EventSubscription
from shared.model.resource_id import ResourceId
from shared.policies import discover
from shared.posture.permissions import in_order, only_reads

_MOST_SKEW: Final = timedelta(minutes=2)
"""Leases, claims and quiet time compare clocks; Azure refuses signatures that are a quarter of an hour
off."""
_READER: Final = "Driftward Reader"
_WRITERS: Final = {
    "Microsoft.DBforPostgreSQL/": "Driftward PostgreSQL Remediator",
    "Microsoft.Network/": "Driftward Network Remediator",
}
_UPDATE_READER: Final = (
    "az role definition update --role-definition "
    '"$(sed "s/00000000-0000-0000-0000-000000000000/$SUBSCRIPTION/" docs/roles/reader.json)"'
)
"""A role of before an upgrade lacks what the newer version reads."""
_EVENTS_PAGE: Final = "docs/deploy.md#events"
_VERSION: Final = "2025-02-15"
_LEFT_OUT: Final = ("/api/health", "/runtime/webhooks/eventgrid")
"""What must not ask for a token."""
_MOST_NAMED: Final = 5


def identity(installation: Installation, _: Asked) -> Iterator[Check]:
    try:
        found = installation.gateway().identity()
    except GatewayError as error:
        remedy = ("az functionapp identity assign --name $APP --resource-group $GROUP", "az login")
        yield Check(name="identity", state=State.MISSING, said=f"no token: {error}", remedy=remedy)
        return
    named = found.name or found.object_id or found.app_id
    yield Check(name="identity", state=State.OK, said=f"a token for {named}")


def arm(installation: Installation, _: Asked) -> Iterator[Check]:
    """The clock of Azure Resource Manager, and the cloud that it belongs to."""
    try:
        found = installation.surroundings().arm()
    except GatewayError as error:
        yield Check(name="cloud", state=State.UNKNOWN, said=str(error))
        return
    own = installation.settings.cloud
    for cloud, places in PLACES.items():
        if cloud is not own and places.storage_suffix == found.storage_suffix:
            said = f"{installation.settings.management_endpoint} is in the cloud {cloud}, and CLOUD is {own}"
            yield Check(name="cloud", state=State.MISSING, said=said, remedy=(set_command(f"CLOUD={cloud}"),))
    if found.time is not None:
        yield _of_clock(abs(found.time - installation.clock.now()))


def _of_clock(apart: timedelta) -> Check:
    if apart <= _MOST_SKEW:
        return Check(name="clock", state=State.OK, said="agrees with Azure's")
    said = f"is {apart.total_seconds():.0f} s apart from Azure's"
    return Check(name="clock", state=State.MISSING, said=said, remedy=("timedatectl set-ntp true",))


# --- scopes ----------------------------------------------------------------------------------------


def scopes(installation: Installation, _: Asked) -> Iterator[Check]:
    for scope in installation.settings.scopes:
        yield _target_in(scope, installation)
        yield from _permissions(scope, installation)


def _target_in(scope: ResourceId, installation: Installation) -> Check:
    name, gateway = f"read {scope}", installation.gateway()
    try:
        pages = gateway.enumerate(scope)
        first = next((target for page in pages for target in page.targets), None)
        if first is not None:
            gateway.read(first, frozenset())
    except Denied as error:
        return Check(
            name=name, state=State.MISSING, said=str(error), remedy=(assign_command(_READER, str(scope)),)
        )
    except GatewayError as error:
        return Check(name=name, state=State.UNKNOWN, said=str(error))
    said = f"{first.id} was read" if first is not None else "nothing of PostgreSQL is shown there"
    return Check(name=name, state=State.OK, said=said)


def _permissions(scope: ResourceId, installation: Installation) -> Iterator[Check]:
    name = f"permissions {scope}"
    try:
        held = installation.surroundings().permissions(scope)
    except Denied as error:
        mended = (_UPDATE_READER, assign_command(_READER, str(scope)))
        yield Check(name=name, state=State.MISSING, said=f"no role: {error}", remedy=mended)
        return
    except GatewayError as error:
        yield Check(name=name, state=State.UNKNOWN, said=str(error))
        return
    missing = [one for one in _wanted(scope, installation) if not any(grant.allows(one) for grant in held)]
    if not missing:
        yield Check(name=name, state=State.OK, said="all that the enabled policies declare")
    for role, actions in _by_role(missing).items():
        said = f"{role}: {_few(actions)} may not be performed"
        remedy = (assign_command(role, str(scope)),)
        yield Check(name=name, state=State.MISSING, said=said, remedy=remedy)


def _wanted(scope: ResourceId, installation: Installation) -> tuple[str, ...]:
    """Reads of what is on somewhere in the scope; writes of what reverts there, where anything may be written
    at all."""
    enforces = installation.settings.mode is EnforcementMode.ENFORCE
    wanted: set[str] = set()
    for policy in discover():
        effects = installation.configuration.possible_within(policy, scope)
        if effects != {Effect.OFF}:
            writes = enforces and Effect.REVERT in effects
            wanted |= {one for one in policy.permissions if writes or only_reads(one)}
    return in_order(wanted)


def _by_role(actions: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for action in actions:
        writer = next((role for prefix, role in _WRITERS.items() if action.startswith(prefix)), _READER)
        found.setdefault(_READER if only_reads(action) else writer, []).append(action)
    return found


def _few(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


# --- events ----------------------------------------------------------------------------------------


def events(installation: Installation, asked: Asked) -> Iterator[Check]:
    settings = installation.settings
    for one in dict.fromkeys(scope.subscription.lower() for scope in settings.scopes):
        wanted = Wanted(
            subscription=one,
            scopes=tuple(scope for scope in settings.scopes if scope.subscription.lower() == one),
            site=asked.app.name if asked.app is not None else "",
            now=installation.clock.now(),
            by_queue=installation.events_by_queue,
        )
        yield from _events_of(wanted, installation)


def _events_of(wanted: Wanted, installation: Installation) -> Iterator[Check]:
    name = f"events {wanted.subscription}"
    seen = installation.gateway().event_subscriptions(wanted.subscription)
    faults = [_event_check(name, fault, seen.found) for fault in faults_of(seen, wanted)]
    if not installation.by_key:
        faults.extend(_keyed(name, seen.found))
    yield from faults or [Check(name=name, state=State.OK, said="all that we handle is let through to us")]
    ours = [one for one in seen.found if leads_to_us(one.endpoint, wanted)]
    yield from deliveries(name, ours, installation, (_UPDATE_READER,))


def _event_check(name: str, fault: EventFault, found: tuple[EventSubscription, ...]) -> Check:
    state = State.UNKNOWN if fault.kind is EventFaultKind.NOT_READABLE else State.MISSING
    return Check(name=name, state=state, said=fault.said, remedy=_event_remedy(fault.kind, found))


def _event_remedy(kind: EventFaultKind, found: tuple[EventSubscription, ...]) -> tuple[str, ...]:
    match kind:
        case EventFaultKind.NOT_READABLE:
            return (assign_command(_READER, "/subscriptions/$SUBSCRIPTION"),)
        case EventFaultKind.FILTERED | EventFaultKind.NARROWED if found:
            return tuple(_patch(one, '{\\"filter\\": $(cat docs/event-filter.json)}') for one in found)
        case EventFaultKind.DROPPED if found:
            return tuple(map(_identity_for, found))
        case _:
            return (_EVENTS_PAGE,)


def _patch(one: EventSubscription, body: str) -> str:
    return f'az rest --method patch --url "{one.id}?api-version={_VERSION}" --body "{body}"'


def _identity_for(one: EventSubscription) -> str:
    topic = one.topic or "$TOPIC_ID"
    return f"az resource update --ids {topic} --set identity.type=SystemAssigned --api-version {_VERSION}"


def _keyed(name: str, found: tuple[EventSubscription, ...]) -> Iterator[Check]:
    """Without an identity dead letters are written with the account's key, which ours is asked without."""
    for one in found:
        if one.dead_letters and not one.dead_letters_as:
            said = f"event subscription {one.name!r} dead-letters without an identity, by the account's key"
            remedy = (_identity_for(one), _EVENTS_PAGE)
            yield Check(name=name, state=State.MISSING, said=said, remedy=remedy)


# --- signing in ------------------------------------------------------------------------------------


def sign_in(installation: Installation, asked: Asked) -> Iterator[Check]:
    if asked.app is None:
        said = "which Function App it is was not said (--app)"
        yield Check(name="sign-in", state=State.NOT_ASKED, said=said)
        return
    try:
        found = installation.surroundings().excluded_paths(asked.app)
    except GatewayError as error:
        remedy = (assign_command("Reader", str(asked.app)),)
        yield Check(name="sign-in", state=State.UNKNOWN, said=str(error), remedy=remedy)
        return
    yield _of_paths(found)


def _of_paths(found: tuple[str, ...] | None) -> Check:
    if found is None:
        return Check(name="sign-in", state=State.OK, said="authentication is off: keys are asked for")
    listed = {path.lower() for path in found}
    missing = [path for path in _LEFT_OUT if path not in listed]
    if not missing:
        return Check(name="sign-in", state=State.OK, said="health and Event Grid need no token")
    said = f"authentication does not leave out {' and '.join(missing)}: events get 401"
    return Check(name="sign-in", state=State.MISSING, said=said, remedy=("docs/deploy.md#who-may-write",))
