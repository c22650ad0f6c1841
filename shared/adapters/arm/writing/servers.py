"""What is written to a PostgreSQL server: public access, firewall rules, TLS, one configuration.

Every function here turns an edit into a call that sends it: with the headers and hooks that it is given, and
without polling. What must not live here: when it is sent, and whether it should be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.adapters.arm.session.session import Session
from shared.adapters.arm.writing.requests import Write
from shared.model import (
    DeleteFirewallRule,
    PublicAccess,
    PutFirewallRule,
    SetParameter,
    SetPublicAccess,
    SetServerTls,
)
from shared.model.errors import Permanent
from shared.model.resource_id import ResourceId

if TYPE_CHECKING:
    from azure.mgmt.rdbms.postgresql.models import ServerUpdateParameters

_FLEXIBLE = "microsoft.dbforpostgresql/flexibleservers"


def set_public_access(session: Session, edit: SetPublicAccess) -> Write:
    """A PATCH of one property: both SDKs send exactly the fields that their update model is given."""
    if edit.access is PublicAccess.UNKNOWN:
        raise Permanent("public access can be set to Enabled or Disabled only", code="InvalidEdit")
    return _patch_flexible(session, edit) if _is_flexible(edit.server) else _patch_single(session, edit)


def _patch_flexible(session: Session, edit: SetPublicAccess) -> Write:
    from azure.mgmt.postgresqlflexibleservers.models import Network, ServerForPatch, ServerPropertiesForPatch

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


def set_server_tls(session: Session, edit: SetServerTls) -> Write:
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


# --- configurations --------------------------------------------------------------------------------


def set_parameter(session: Session, edit: SetParameter) -> Write:
    flexible = _is_flexible(edit.server)
    return _set_flexible_parameter(session, edit) if flexible else _set_single_parameter(session, edit)


def _set_flexible_parameter(session: Session, edit: SetParameter) -> Write:
    """A PATCH of one parameter. Without ``source`` the service answers that the value is the system's."""
    from azure.mgmt.postgresqlflexibleservers.models import ConfigurationForUpdate, ConfigurationProperties

    server = edit.server
    client = session.clients.flexible(server.subscription)
    body = ConfigurationForUpdate(
        properties=ConfigurationProperties(value=edit.value, source="user-override")
    )
    return lambda headers, hooks: client.configurations.begin_update(
        server.resource_group, server.name, edit.name, body, polling=False, headers=headers, **hooks
    )


def _set_single_parameter(session: Session, edit: SetParameter) -> Write:
    from azure.mgmt.rdbms.postgresql.models import Configuration

    server = edit.server
    client = session.clients.single(server.subscription)
    version = session.clients.versions.single
    body = Configuration(value=edit.value, source="user-override")
    return lambda headers, hooks: client.configurations.begin_create_or_update(
        server.resource_group,
        server.name,
        edit.name,
        body,
        api_version=version,
        polling=False,
        headers=headers,
        **hooks,
    )


# --- firewall rules --------------------------------------------------------------------------------


def put_firewall_rule(session: Session, edit: PutFirewallRule) -> Write:
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


def delete_firewall_rule(session: Session, edit: DeleteFirewallRule) -> Write:
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


def _is_flexible(server: ResourceId) -> bool:
    return server.type == _FLEXIBLE
