"""Which type is written, deleted and shown by what: the table that the pipeline consults.

A type that is not in the table is kept as sent (`plain.py`). What must not live here: what a handler does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from local.simulator import (
    configurations,
    dns,
    endpoints,
    event_grid,
    extensions,
    network,
    peerings,
    plain,
    protection,
    server_children,
    servers,
)
from local.simulator.access import LOCKS
from local.simulator.network_manager import ADMIN_RULE, EFFECTIVE_RULES
from local.simulator.shapes import GROUP_TYPE, find
from local.simulator.store import Record
from local.simulator.values import Accepted, ArmError, ArmRequest, JsonObject, bad_request
from local.simulator.world import World


def _stored(world: World, request: ArmRequest) -> Record:
    return find(world, request.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """What can be done with one type; None is refused.

    `find` gives the addressed record and `members` those of a list, None being what the store holds there.
    `expand` adds to a shown body what `$expand` asks for. Lists of a type that is not `paged` come whole.
    `row` types are rows of Resource Graph.
    """

    type: str
    put: Callable[[World, ArmRequest, str], Accepted] | None
    patch: Callable[[World, ArmRequest], Accepted] | None
    delete: Callable[[World, ArmRequest], Accepted] | None
    show: Callable[[World, Record, str], JsonObject]
    act: Callable[[World, ArmRequest], Accepted] | None = None
    find: Callable[[World, ArmRequest], Record] = _stored
    members: Callable[[World, ArmRequest], list[Record]] | None = None
    expand: Callable[[World, JsonObject, str], JsonObject] | None = None
    paged: bool = True
    row: bool = False


def _server(kind: str) -> list[Handler]:
    server = Handler(
        type=kind,
        put=servers.put_server,
        patch=servers.patch_server,
        delete=servers.delete_server,
        show=servers.show_server,
        act=servers.act_on_server,
        row=True,
    )
    rules = Handler(
        type=f"{kind}/firewallRules",
        put=server_children.put_firewall_rule,
        patch=None,
        delete=server_children.delete_firewall_rule,
        show=server_children.show_firewall_rule,
    )
    replicas = Handler(
        type=f"{kind}/replicas",
        put=None,
        patch=None,
        delete=None,
        show=servers.show_server,
        members=servers.replicas,
    )
    return [server, rules, replicas, *_written_in_place(kind)]


def _flexible() -> list[Handler]:
    administrators = _kept_child(f"{servers.FLEXIBLE}/administrators", put=server_children.put_administrator)
    return [
        *_server(servers.FLEXIBLE),
        _protection(f"{servers.FLEXIBLE}/{protection.ADVANCED}"),
        replace(
            administrators,
            delete=server_children.delete_administrator,
            show=server_children.show_administrator,
        ),
        *(_kept_child(f"{servers.FLEXIBLE}/{name}") for name in ("databases", "virtualEndpoints")),
    ]


def _single() -> list[Handler]:
    return [
        *_server(servers.SINGLE),
        _protection(f"{servers.SINGLE}/{protection.ALERT_POLICIES}"),
        _kept_child(f"{servers.SINGLE}/virtualNetworkRules", put=server_children.put_network_rule),
        *(_kept_child(f"{servers.SINGLE}/{name}") for name in ("databases", "administrators", "keys")),
    ]


def _protection(kind: str) -> Handler:
    return Handler(
        type=kind,
        put=lambda world, request, _: protection.write_setting(world, request),
        patch=protection.write_setting,
        delete=None,
        show=plain.show_plain,
        find=protection.setting,
        members=protection.settings_of,
    )


def _written_in_place(kind: str) -> list[Handler]:
    """Children that exist by themselves and can only be changed: parameters and endpoint connections."""
    return [
        Handler(
            type=f"{kind}/configurations",
            put=lambda world, request, _: configurations.write_configuration(world, request),
            patch=configurations.write_configuration,
            delete=None,
            show=plain.show_plain,
            find=configurations.configuration,
            members=configurations.configurations,
        ),
        Handler(
            type=f"{kind}/privateEndpointConnections",
            put=lambda world, request, _: server_children.write_connection(world, request),
            patch=server_children.write_connection,
            delete=server_children.delete_connection,
            show=plain.show_plain,
        ),
    ]


def _kept_child(
    kind: str, put: Callable[[World, ArmRequest, str], Accepted] = server_children.put_child
) -> Handler:
    return Handler(
        type=kind,
        put=put,
        patch=None,
        delete=server_children.delete_child,
        show=plain.show_plain,
    )


def _family(kind: str) -> list[Handler]:
    return [
        Handler(
            type=kind,
            put=network.put_root,
            patch=network.patch_root,
            delete=network.delete_root,
            show=network.show_root,
            expand=network.expand_root,
            row=True,
        ),
        Handler(
            type=network.child_type(kind),
            put=network.put_child,
            patch=None,
            delete=network.delete_child,
            show=network.show_child,
            find=network.find_child,
        ),
    ]


def _dns(kind: str, show: Callable[[World, Record, str], JsonObject], *, row: bool = True) -> Handler:
    return Handler(
        type=kind,
        put=dns.put_zone_part,
        patch=dns.patch_zone_part,
        delete=dns.delete_zone_part,
        show=show,
        row=row,
    )


def _kept(kind: str) -> Handler:
    return Handler(
        type=kind,
        put=plain.put_plain,
        patch=plain.patch_plain,
        delete=plain.delete_plain,
        show=plain.show_plain,
    )


_TABLE: tuple[Handler, ...] = (
    *_flexible(),
    *_single(),
    *_family(network.NSG),
    *_family(network.VNET),
    *_family(network.ROUTE_TABLE),
    Handler(
        type=peerings.PEERING,
        put=peerings.put_peering,
        patch=None,
        delete=peerings.delete_peering,
        show=network.show_plain_with_etag,
        find=peerings.peering,
        members=peerings.peerings,
    ),
    Handler(
        type=endpoints.ENDPOINT,
        put=endpoints.put_endpoint,
        patch=None,
        delete=endpoints.delete_endpoint,
        show=endpoints.show_endpoint,
        expand=endpoints.expand_endpoint,
        row=True,
    ),
    Handler(
        type=endpoints.INTERFACE,
        put=None,
        patch=None,
        delete=None,
        show=network.show_plain_with_etag,
        row=True,
    ),
    Handler(
        type=dns.ZONE_GROUP,
        put=dns.put_zone_group,
        patch=None,
        delete=dns.delete_zone_group,
        show=dns.show_zone_group,
    ),
    _dns(dns.ZONE, dns.show_zone),
    _dns(dns.ZONE_LINK, dns.show_link),
    _dns(dns.A_RECORD, dns.show_a_record, row=False),
    Handler(
        type=plain.TAGS,
        put=lambda world, request, _: plain.write_tags(world, request),
        patch=plain.write_tags,
        delete=None,
        show=plain.show_plain,
    ),
    _kept(GROUP_TYPE),
    replace(_kept(LOCKS), members=extensions.locks_at),
    Handler(
        type=extensions.DIAGNOSTICS,
        put=extensions.put_diagnostics,
        patch=None,
        delete=plain.delete_plain,
        show=plain.show_plain,
        members=extensions.diagnostics_of,
        paged=False,
    ),
    replace(_kept(event_grid.TOPIC), put=event_grid.put_topic),
    *(
        replace(_kept(kind), put=event_grid.put_subscription, show=event_grid.show_subscription)
        for kind in (event_grid.SUBSCRIPTION, event_grid.EXTENSION)
    ),
    Handler(
        type=extensions.STATUSES,
        put=None,
        patch=None,
        delete=None,
        show=plain.show_plain,
        find=extensions.status_of,
        members=extensions.statuses_under,
    ),
)
_HANDLERS = {handler.type.lower(): handler for handler in _TABLE}
_SPELLINGS = {handler.type.lower(): handler.type for handler in _TABLE} | {
    "microsoft.network/networksecuritygroups/defaultsecurityrules": f"{network.NSG}/defaultSecurityRules",
    "microsoft.network/locations/servicetags": "Microsoft.Network/locations/serviceTags",
    EFFECTIVE_RULES.lower(): EFFECTIVE_RULES,
    ADMIN_RULE.lower(): ADMIN_RULE,
    **{
        f"{kind}/{action}".lower(): f"{kind}/{action}"
        for kind in (servers.FLEXIBLE, servers.SINGLE)
        for action in ("start", "stop", "restart", "migrateNetwork")
    },
}


def spelling(kind: str) -> str:
    """A type in the provider's own spelling, where it is known."""
    return _SPELLINGS.get(kind.lower(), kind)


def handler_for(kind: str) -> Handler:
    return _HANDLERS.get(kind.lower()) or _kept(kind)


def row_types() -> list[str]:
    return [handler.type for handler in _TABLE if handler.row]


def canonical_type(request: ArmRequest) -> str:
    return spelling(request.address.type)


def operation_name(kind: str) -> str:
    """A type as the operation names of events spell it: that of diagnostic settings is in lower case."""
    return kind.lower() if kind == extensions.DIAGNOSTICS else kind


def scope_of(request: ArmRequest) -> str:
    """The id over which an action is asked for: the item, or what a collection or action belongs to."""
    return request.address.path if request.address.is_item else request.address.parent


def subject_of(request: ArmRequest) -> str:
    """The id that an event names: the item, the target of an action, and the tagged resource for tags."""
    if canonical_type(request) == plain.TAGS:
        return request.address.scope
    return scope_of(request)


def show(world: World, record: Record, api_version: str) -> JsonObject:
    return handler_for(record.type).show(world, record, api_version)


def begin(world: World, request: ArmRequest) -> Accepted:
    """Check a write and say what it will do; raises ArmError."""
    kind = canonical_type(request)
    if request.method == "POST":
        owner = handler_for(kind.rsplit("/", 1)[0])
        if request.address.is_item or owner.act is None:
            raise bad_request("InvalidResourceAction", f"No action is simulated at {request.address.path}.")
        return owner.act(world, request)
    if not request.address.is_item:
        raise _not_allowed(request)
    handler = handler_for(kind)
    if request.method == "PUT" and handler.put is not None:
        return handler.put(world, request, kind)
    if request.method == "PATCH" and handler.patch is not None:
        return handler.patch(world, request)
    if request.method == "DELETE" and handler.delete is not None:
        return handler.delete(world, request)
    raise _not_allowed(request)


def _not_allowed(request: ArmRequest) -> ArmError:
    message = f"The requested resource does not support http method '{request.method}'."
    return ArmError(405, "MethodNotAllowed", message)
