"""Reading a target whole, finding targets from a locator, and what hangs on a server's public path.

A snapshot carries the time at which its first request was made: nothing in it is older. A server costs
one GET, and one request more for each optional part that an enabled policy asks for; how a subnet is read
stands in ``subnets``. Who may rely on the public path is evidence, so a failure there is told as None and
never fails the run — except throttling, which a caller must hear of.
What must not live here: writes, decisions, the reading of JSON (``wire``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final, TypeVar, assert_never

from shared.adapters.arm import graph, locators, parameters, posture, private_dns, subnets, wire
from shared.adapters.arm.parts import Reader, with_parts
from shared.adapters.arm.session import Hooks, Session, body_of
from shared.model import (
    Aspect,
    Json,
    Locator,
    LocatorKind,
    ServerSnapshot,
    Snapshot,
    Target,
    TargetKind,
)
from shared.model.errors import GatewayError, Permanent, Throttled
from shared.model.interfaces import Enumerated, Relation
from shared.model.resource_id import ResourceId

_RUNNING: Final = frozenset({"inprogress", "waitingforuseraction", "cleaningup"})
_T = TypeVar("_T")


def read(session: Session, target: Target, aspects: frozenset[Aspect]) -> Snapshot:
    """The target as ARM has it now. Raises ``Gone`` when it does not exist."""
    match target.kind:
        case TargetKind.FLEXIBLE_SERVER:
            return with_parts(session, _flexible_server(session, target.id), FLEXIBLE_PARTS, aspects)
        case TargetKind.SINGLE_SERVER:
            return with_parts(session, _single_server(session, target.id), SINGLE_PARTS, aspects)
        case TargetKind.SUBNET:
            return subnets.read(session, target.id, aspects)
        case _:
            assert_never(target.kind)


def resolve(session: Session, locator: Locator) -> Enumerated:
    """The targets that a locator names now. Raises ``Gone`` when what it names does not exist."""
    match locator.kind:
        case LocatorKind.NSG:
            group = subnets.security_group(session, locator.id).group
            targets = tuple(Target(kind=TargetKind.SUBNET, id=subnet) for subnet in group.subnets)
            relations = tuple(Relation(source=locator, target=target) for target in targets)
            return Enumerated(targets=targets, relations=relations)
        case LocatorKind.VIRTUAL_NETWORK:
            return locators.network_targets(session, locator.id)
        case LocatorKind.SCOPE:
            pages = tuple(graph.enumerate_scope(session, locator.id))
            return Enumerated(
                targets=tuple(target for page in pages for target in page.targets),
                relations=tuple(relation for page in pages for relation in page.relations),
            )
        case LocatorKind.PRIVATE_ENDPOINT:
            return locators.endpoint_targets(session, locator.id)
        case LocatorKind.ROUTE_TABLE:
            return locators.route_table_targets(session, locator.id)
        case LocatorKind.PRIVATE_DNS_ZONE:
            return Enumerated(targets=())  # a zone names no server: the relation index knows whose it is
        case _:
            assert_never(locator.kind)


# --- servers ---------------------------------------------------------------------------------------


def _flexible_server(session: Session, server: ResourceId) -> ServerSnapshot:
    read_at = session.clock.now()
    client = session.clients.flexible(server.subscription)
    body = session.ask(
        lambda hooks: client.servers.get(server.resource_group, server.name, cls=body_of, **hooks)
    )
    return wire.flexible_server(body, None, read_at)


def _single_server(session: Session, server: ResourceId) -> ServerSnapshot:
    read_at = session.clock.now()
    client = session.clients.single(server.subscription)
    version = session.clients.versions.single
    body = session.ask(
        lambda hooks: client.servers.get(
            server.resource_group, server.name, api_version=version, cls=body_of, **hooks
        )
    )
    return wire.single_server(body, None, read_at)


def _with_flexible_rules(session: Session, server: ServerSnapshot) -> ServerSnapshot:
    """The snapshot with its rules.

    A server in a subnet has no firewall, and Azure may refuse to handle rules of it ("cannot be requested
    for a private access enabled server", firewall article): that refusal says that there are none. Some
    were seen all the same (azure-rest-api-specs 20616), so they are asked for.
    """
    try:
        bodies = session.ask(partial(_flexible_rules, session, server.id), server=server.state)
    except Permanent:
        if not server.vnet_integrated:
            raise
        bodies = []
    return replace(server, firewall_rules=wire.firewall_rules(bodies))


def _with_single_rules(session: Session, server: ServerSnapshot) -> ServerSnapshot:
    bodies = session.ask(partial(_single_rules, session, server.id), server=server.state)
    return replace(server, firewall_rules=wire.firewall_rules(bodies))


def _flexible_rules(session: Session, server: ResourceId, hooks: Hooks) -> list[Json]:
    rules = session.clients.flexible(server.subscription).firewall_rules
    return [rule.as_dict() for rule in rules.list_by_server(server.resource_group, server.name, **hooks)]


def _single_rules(session: Session, server: ResourceId, hooks: Hooks) -> list[Json]:
    rules = session.clients.single(server.subscription).firewall_rules
    version = session.clients.versions.single
    pages = rules.list_by_server(server.resource_group, server.name, api_version=version, **hooks)
    return [
        {
            "id": rule.id,
            "name": rule.name,
            "properties": {
                "startIpAddress": rule.start_ip_address,
                "endIpAddress": rule.end_ip_address,
            },
        }
        for rule in pages
    ]


FLEXIBLE_PARTS: Final[Mapping[Aspect, Reader[ServerSnapshot]]] = {
    Aspect.FIREWALL_RULES: _with_flexible_rules,
    Aspect.PARAMETERS: parameters.flexible_parameters,
    Aspect.ADMINISTRATORS: posture.flexible_administrators,
    Aspect.THREAT_PROTECTION: posture.flexible_threat_protection,
    Aspect.DIAGNOSTIC_SETTINGS: posture.diagnostic_settings,
    Aspect.HEALTH: posture.health,
    Aspect.PRIVATE_DNS: private_dns.private_dns,
    Aspect.DNS_LOCKS: private_dns.dns_locks,
}
SINGLE_PARTS: Final[Mapping[Aspect, Reader[ServerSnapshot]]] = {
    Aspect.FIREWALL_RULES: _with_single_rules,
    Aspect.VIRTUAL_NETWORK_RULES: posture.virtual_network_rules,
    Aspect.PARAMETERS: parameters.single_parameters,
    Aspect.ADMINISTRATORS: posture.single_administrators,
    Aspect.THREAT_PROTECTION: posture.single_threat_protection,
    Aspect.DIAGNOSTIC_SETTINGS: posture.diagnostic_settings,
}
"""What a server's parts are read by, in the order in which they are asked for."""


# --- evidence ---------------------------------------------------------------------------------------


def _if_readable(read_evidence: Callable[[], _T]) -> _T | None:
    """None where evidence cannot be read; throttling is passed on, for it concerns every later request."""
    try:
        return read_evidence()
    except Throttled:
        raise
    except GatewayError:
        return None


# --- what may rely on a server's public path -------------------------------------------------------


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
        pages = client.configurations.list_by_server(server.resource_group, server.name, **hooks)
        return [setting.as_dict() for setting in pages]

    bodies: Iterable[Json] = _if_readable(lambda: session.ask(listed)) or ()
    return {wire.text(body, "name").lower(): wire.text(body, "properties", "value") for body in bodies}


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
        return [migration.as_dict() for migration in pages]

    return [wire.text(body, "name") for body in session.ask(listed) if _is_running(body)]


def _is_running(migration: Json) -> bool:
    """The list is asked for active ones only, so one that does not say its state counts as running."""
    state = wire.text(migration, "properties", "currentStatus", "state").lower()
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
    found = wire.text(body, "properties", "value").lower()
    return found == "logical" if found else None
