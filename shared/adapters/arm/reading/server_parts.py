"""Readers of a server's small optional parts that its SDK knows: administrators and threat protection.

Each costs one request, and none where the answer could not matter: who may sign in with Microsoft Entra is
not asked where that is off. What must not live here: what any of it means, the reading of JSON (``wire``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from shared.adapters.arm.session.session import Hooks, Session, bodies_of, items_of
from shared.adapters.arm.wire import fields, server_parts
from shared.model import Json, ServerSnapshot

_DEFAULT: Final = "Default"
"""The one name under which a server's threat protection can be read."""


# --- administrators --------------------------------------------------------------------------------


def flexible_administrators(session: Session, server: ServerSnapshot) -> ServerSnapshot:
    """The snapshot with the Microsoft Entra administrators; unchanged where Entra sign-in is off."""
    if server.sign_in.entra is False:
        return server
    where = server.id
    client = session.clients.flexible(where.subscription).administrators_microsoft_entra

    def listed(hooks: Hooks) -> list[Json]:
        return bodies_of(client.list_by_server(where.resource_group, where.name, **hooks))

    bodies = session.ask(listed, server=server.state)
    return replace(server, administrators=server_parts.administrators(bodies))


def single_administrators(session: Session, server: ServerSnapshot) -> ServerSnapshot:
    """The snapshot with the Microsoft Entra administrator of a single server, which has one at most."""
    where = server.id
    client = session.clients.single(where.subscription).server_administrators
    version = session.clients.versions.single

    def listed(hooks: Hooks) -> list[Json]:
        pages = client.list(where.resource_group, where.name, api_version=version, **hooks)
        return [one and one.serialize(keep_readonly=True) for one in items_of(pages)]

    bodies = session.ask(listed, server=server.state)
    return replace(server, administrators=server_parts.administrators(bodies))


# --- threat protection -----------------------------------------------------------------------------


def flexible_threat_protection(session: Session, server: ServerSnapshot) -> ServerSnapshot:
    """The snapshot with the state of ``advancedThreatProtectionSettings/Default``."""
    where = server.id
    client = session.clients.flexible(where.subscription).advanced_threat_protection_settings
    body = session.ask(
        lambda hooks: client.get(where.resource_group, where.name, _DEFAULT, **hooks).as_dict(),
        server=server.state,
    )
    return replace(server, threat_protection=fields.text(body, "properties", "state"))


def single_threat_protection(session: Session, server: ServerSnapshot) -> ServerSnapshot:
    """The snapshot with the state of ``securityAlertPolicies/Default``."""
    where = server.id
    client = session.clients.single(where.subscription).server_security_alert_policies
    version = session.clients.versions.single
    found = session.ask(
        lambda hooks: client.get(where.resource_group, where.name, _DEFAULT, api_version=version, **hooks),
        server=server.state,
    )
    return replace(server, threat_protection=str(found.state or ""))
