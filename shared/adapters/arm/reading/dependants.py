"""What may rely on a server's public path: replication, Fabric mirroring, running migrations.

That is evidence for a person, so a failure here is told as None and never fails the run, except throttling,
which a caller must hear of. What must not live here: decisions, the reading of JSON (``wire``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar, assert_never

from shared.adapters.arm.session.session import Hooks, Session, bodies_of, body_of
from shared.adapters.arm.wire import fields
from shared.model import Json, Target, TargetKind
from shared.model.errors import GatewayError, Throttled
from shared.model.resource_id import ResourceId

_RUNNING: Final = frozenset({"inprogress", "waitingforuseraction", "cleaningup"})
_T = TypeVar("_T")


def dependants(session: Session, target: Target) -> Mapping[str, Json]:
    """Workloads that may come in by the public path; a part that cannot be read is None.

    ``logicalReplication`` and ``fabricMirroring`` are booleans, ``runningMigrations`` a list of names.
    Sources: ``wal_level`` (flexible) and ``azure.replication_support`` (single) in the articles on logical
    decoding; ``azure.fabric_mirror_enabled`` in the article on Fabric mirroring, where ``azure_cdc`` among
    the preloaded libraries is the hint that remains when that parameter is not shown.
    """
    match target.kind:
        case TargetKind.FLEXIBLE_SERVER:
            settings = _settings(session, target.id)
            return {
                "logicalReplication": _equals(settings, "wal_level", "logical"),
                "fabricMirroring": _fabric_mirroring(settings),
                "runningMigrations": _if_readable(lambda: _running_migrations(session, target.id)),
            }
        case TargetKind.SINGLE_SERVER:
            return {
                "logicalReplication": _single_replication(session, target.id),
                "fabricMirroring": None,
                "runningMigrations": None,
            }
        case TargetKind.SUBNET:
            return {}
        case _:
            assert_never(target.kind)


def _settings(session: Session, server: ResourceId) -> Mapping[str, str]:
    """Every server parameter by its name in lower case; {} where they cannot be read."""
    client = session.clients.flexible(server.subscription)

    def listed(hooks: Hooks) -> list[Json]:
        return bodies_of(client.configurations.list_by_server(server.resource_group, server.name, **hooks))

    bodies: Iterable[Json] = _if_readable(lambda: session.ask(listed)) or ()
    return {fields.text(body, "name").lower(): fields.text(body, "properties", "value") for body in bodies}


def _equals(settings: Mapping[str, str], name: str, wanted: str) -> bool | None:
    found = settings.get(name)
    return None if found is None else found.lower() == wanted


def _fabric_mirroring(settings: Mapping[str, str]) -> bool | None:
    enabled = _equals(settings, "azure.fabric_mirror_enabled", "on")
    libraries = settings.get("shared_preload_libraries", "").lower().split(",")
    if enabled is None and "azure_cdc" in [library.strip() for library in libraries]:
        return True
    return enabled


def _running_migrations(session: Session, server: ResourceId) -> list[str]:
    client = session.clients.flexible(server.subscription)

    def listed(hooks: Hooks) -> list[Json]:
        pages = client.migrations.list_by_target_server(
            server.resource_group, server.name, migration_list_filter="Active", **hooks
        )
        return bodies_of(pages)

    return [fields.text(body, "name") for body in session.ask(listed) if _is_running(body)]


def _is_running(migration: Json) -> bool:
    """The list is asked for active ones only, so one that does not say its state counts as running."""
    state = fields.text(migration, "properties", "currentStatus", "state").lower()
    return not state or state in _RUNNING


def _single_replication(session: Session, server: ResourceId) -> bool | None:
    client = session.clients.single(server.subscription)
    version = session.clients.versions.single
    body = _if_readable(
        lambda: session.ask(
            lambda hooks: client.configurations.get(
                server.resource_group,
                server.name,
                "azure.replication_support",
                api_version=version,
                cls=body_of,
                **hooks,
            )
        )
    )
    found = fields.text(body, "properties", "value").lower()
    return found == "logical" if found else None


def _if_readable(read_evidence: Callable[[], _T]) -> _T | None:
    """None where evidence cannot be read; throttling is passed on, for it concerns every later request."""
    try:
        return read_evidence()
    except Throttled:
        raise
    except GatewayError:
        return None
