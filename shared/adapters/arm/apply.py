"""Sending one edit: the smallest write that ARM knows for it, guarded by an etag where there is one.

``begin_*`` is called without polling: the answer's headers tell where the operation can be looked at, and
the caller decides when. Security rules are guarded: a new one by ``If-None-Match: *``, one that is
replaced or deleted by ``If-Match`` with the etag that was read. PostgreSQL has no etags. Every write
carries its own correlation id, by which its event and its Activity Log entry are found.

What must not live here: waiting, retries (a write is sent once), the choice of what to write.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, assert_never
from uuid import uuid4

from shared.adapters.arm import wire
from shared.adapters.arm.operations import finished, operation_of
from shared.adapters.arm.parameters import set_flexible_parameter, set_single_parameter
from shared.adapters.arm.session import Hooks, Session
from shared.model import (
    DeleteFirewallRule,
    DeleteSecurityRule,
    Edit,
    Operation,
    PublicAccess,
    PutFirewallRule,
    PutSecurityRule,
    SecurityRule,
    ServerSnapshot,
    SetParameter,
    SetPublicAccess,
    SetServerTls,
    Snapshot,
    SubnetSnapshot,
)
from shared.model.errors import Gone, Permanent
from shared.model.resource_id import ResourceId

if TYPE_CHECKING:
    from azure.mgmt.rdbms.postgresql.models import ServerUpdateParameters

Headers = dict[str, str]
Write = Callable[[Headers, Hooks], object]

_FLEXIBLE = "microsoft.dbforpostgresql/flexibleservers"


def begin(session: Session, edit: Edit, snapshot: Snapshot) -> Operation:
    """Send ``edit`` and do not wait for it.

    A delete of what is already gone is an operation that ended at once. Raises the classified error of a
    refusal; ``Conflict`` when somebody else wrote the rule since ``snapshot`` was read.
    """
    correlation_id = str(uuid4())
    headers = {"x-ms-correlation-request-id": correlation_id} | _guard(edit, snapshot)
    write = _write(session, edit)
    state = snapshot.state if isinstance(snapshot, ServerSnapshot) else None
    try:
        accepted = session.tell(lambda hooks: write(headers, hooks), state)
    except Gone:
        if isinstance(edit, DeleteFirewallRule | DeleteSecurityRule):
            return finished(correlation_id)
        raise
    return operation_of(accepted, correlation_id)


def _guard(edit: Edit, snapshot: Snapshot) -> Headers:
    """The etag condition of a security rule's write; {} for everything that has no etag."""
    if not isinstance(edit, PutSecurityRule | DeleteSecurityRule):
        return {}
    standing = _standing_rule(edit, snapshot)
    if standing is not None and standing.etag:
        return {"If-Match": standing.etag}
    is_new = standing is None and isinstance(edit, PutSecurityRule)
    return {"If-None-Match": "*"} if is_new else {}


def _standing_rule(edit: PutSecurityRule | DeleteSecurityRule, snapshot: Snapshot) -> SecurityRule | None:
    """The rule that the edit replaces or deletes, as it was read; None when there is none."""
    group = snapshot.security_group if isinstance(snapshot, SubnetSnapshot) else None
    if group is None or group.id != edit.nsg:
        return edit.rule if edit.rule.etag else None
    name = edit.rule.name.lower()
    return next((rule for rule in group.rules if rule.name.lower() == name), None)


def _write(session: Session, edit: Edit) -> Write:
    match edit:
        case SetPublicAccess():
            return _set_public_access(session, edit)
        case PutFirewallRule():
            return _put_firewall_rule(session, edit)
        case DeleteFirewallRule():
            return _delete_firewall_rule(session, edit)
        case PutSecurityRule():
            return _put_security_rule(session, edit)
        case DeleteSecurityRule():
            return _delete_security_rule(session, edit)
        case SetParameter():
            return _set_parameter(session, edit)
        case SetServerTls():
            return _set_server_tls(session, edit)
        case _:
            assert_never(edit)


def _is_flexible(server: ResourceId) -> bool:
    return server.type == _FLEXIBLE


# --- servers ---------------------------------------------------------------------------------------


def _set_parameter(session: Session, edit: SetParameter) -> Write:
    flexible = _is_flexible(edit.server)
    return set_flexible_parameter(session, edit) if flexible else set_single_parameter(session, edit)


def _set_public_access(session: Session, edit: SetPublicAccess) -> Write:
    """A PATCH of one property: both SDKs send exactly the fields that their update model is given."""
    if edit.access is PublicAccess.UNKNOWN:
        raise Permanent("public access can be set to Enabled or Disabled only", code="InvalidEdit")
    return _patch_flexible(session, edit) if _is_flexible(edit.server) else _patch_single(session, edit)


def _patch_flexible(session: Session, edit: SetPublicAccess) -> Write:
    from azure.mgmt.postgresqlflexibleservers.models import (
        Network,
        ServerForPatch,
        ServerPropertiesForPatch,
    )

    server = edit.server
    servers = session.clients.flexible(server.subscription).servers
    network = Network(public_network_access=edit.access.value)
    patch = ServerForPatch(properties=ServerPropertiesForPatch(network=network))
    return lambda headers, hooks: servers.begin_update(
        server.resource_group, server.name, patch, polling=False, headers=headers, **hooks
    )


def _patch_single(session: Session, edit: SetPublicAccess) -> Write:
    from azure.mgmt.rdbms.postgresql.models import ServerUpdateParameters

    patch = ServerUpdateParameters(public_network_access=edit.access.value)
    return _update_single(session, edit.server, patch)


def _set_server_tls(session: Session, edit: SetServerTls) -> Write:
    from azure.mgmt.rdbms.postgresql.models import ServerUpdateParameters

    enforcement = {None: None, True: "Enabled", False: "Disabled"}[edit.enforced]
    patch = ServerUpdateParameters(ssl_enforcement=enforcement, minimal_tls_version=edit.minimum_version)
    return _update_single(session, edit.server, patch)


def _update_single(session: Session, server: ResourceId, patch: ServerUpdateParameters) -> Write:
    servers = session.clients.single(server.subscription).servers
    version = session.clients.versions.single
    return lambda headers, hooks: servers.begin_update(
        server.resource_group,
        server.name,
        patch,
        api_version=version,
        polling=False,
        headers=headers,
        **hooks,
    )


def _put_firewall_rule(session: Session, edit: PutFirewallRule) -> Write:
    if not _is_flexible(edit.server):
        return _put_single_rule(session, edit)
    from azure.mgmt.postgresqlflexibleservers.models import FirewallRule, FirewallRuleProperties

    server, rule = edit.server, edit.rule
    rules = session.clients.flexible(server.subscription).firewall_rules
    properties = FirewallRuleProperties(start_ip_address=str(rule.start), end_ip_address=str(rule.end))
    return lambda headers, hooks: rules.begin_create_or_update(
        server.resource_group,
        server.name,
        rule.name,
        FirewallRule(properties=properties),
        polling=False,
        headers=headers,
        **hooks,
    )


def _put_single_rule(session: Session, edit: PutFirewallRule) -> Write:
    from azure.mgmt.rdbms.postgresql.models import FirewallRule

    server, rule = edit.server, edit.rule
    rules = session.clients.single(server.subscription).firewall_rules
    version = session.clients.versions.single
    body = FirewallRule(start_ip_address=str(rule.start), end_ip_address=str(rule.end))
    return lambda headers, hooks: rules.begin_create_or_update(
        server.resource_group,
        server.name,
        rule.name,
        body,
        api_version=version,
        polling=False,
        headers=headers,
        **hooks,
    )


def _delete_firewall_rule(session: Session, edit: DeleteFirewallRule) -> Write:
    server, rule = edit.server, edit.rule
    if _is_flexible(server):
        rules = session.clients.flexible(server.subscription).firewall_rules
        return lambda headers, hooks: rules.begin_delete(
            server.resource_group, server.name, rule.name, polling=False, headers=headers, **hooks
        )
    old_rules = session.clients.single(server.subscription).firewall_rules
    version = session.clients.versions.single
    return lambda headers, hooks: old_rules.begin_delete(
        server.resource_group,
        server.name,
        rule.name,
        api_version=version,
        polling=False,
        headers=headers,
        **hooks,
    )


# --- NSGs ------------------------------------------------------------------------------------------


def _put_security_rule(session: Session, edit: PutSecurityRule) -> Write:
    from azure.mgmt.network.models import SecurityRule as RuleModel

    nsg, rule = edit.nsg, edit.rule
    rules = session.clients.network(nsg.subscription).security_rules
    version = session.clients.versions.network
    return lambda headers, hooks: rules.begin_create_or_update(
        nsg.resource_group,
        nsg.name,
        rule.name,
        RuleModel(wire.security_rule_body(rule)),
        api_version=version,
        polling=False,
        headers=headers,
        **hooks,
    )


def _delete_security_rule(session: Session, edit: DeleteSecurityRule) -> Write:
    nsg, rule = edit.nsg, edit.rule
    rules = session.clients.network(nsg.subscription).security_rules
    version = session.clients.versions.network
    return lambda headers, hooks: rules.begin_delete(
        nsg.resource_group,
        nsg.name,
        rule.name,
        api_version=version,
        polling=False,
        headers=headers,
        **hooks,
    )
