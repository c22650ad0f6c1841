"""Readers of a server's small optional parts: administrators, threat protection, logs, health, subnets.

Each costs one request, and none where the answer could not matter: who may sign in with Microsoft Entra is
not asked where that is off, and how a standby fares is not asked where there is none or it is healthy.
Diagnostic settings and Resource Health belong to no SDK that this project needs otherwise: they are asked
for through the bare pipeline. What must not live here: what any of it means, the reading of JSON
(``posture_wire``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from urllib.parse import quote

from azure.core.rest import HttpRequest

from shared.adapters.arm import posture_wire, wire
from shared.adapters.arm.session import Hooks, Session
from shared.model import Json, ServerSnapshot
from shared.model.resource_id import ResourceId

DIAGNOSTICS_VERSION: Final = "2021-05-01-preview"
"""The only version of diagnostic settings that knows category groups."""
HEALTH_VERSION: Final = "2025-05-01"
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
        return [one.as_dict() for one in client.list_by_server(where.resource_group, where.name, **hooks)]

    bodies = session.ask(listed, server=server.state)
    return replace(server, administrators=posture_wire.administrators(bodies))


def single_administrators(session: Session, server: ServerSnapshot) -> ServerSnapshot:
    """The snapshot with the Microsoft Entra administrator of a single server, which has one at most."""
    where = server.id
    client = session.clients.single(where.subscription).server_administrators
    version = session.clients.versions.single

    def listed(hooks: Hooks) -> list[Json]:
        pages = client.list(where.resource_group, where.name, api_version=version, **hooks)
        return [one.serialize(keep_readonly=True) for one in pages]

    bodies = session.ask(listed, server=server.state)
    return replace(server, administrators=posture_wire.administrators(bodies))


# --- threat protection -----------------------------------------------------------------------------


def flexible_threat_protection(session: Session, server: ServerSnapshot) -> ServerSnapshot:
    """The snapshot with the state of ``advancedThreatProtectionSettings/Default``."""
    where = server.id
    client = session.clients.flexible(where.subscription).advanced_threat_protection_settings
    body = session.ask(
        lambda hooks: client.get(where.resource_group, where.name, _DEFAULT, **hooks).as_dict(),
        server=server.state,
    )
    return replace(server, threat_protection=wire.text(body, "properties", "state"))


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


# --- virtual network rules -------------------------------------------------------------------------


def virtual_network_rules(session: Session, server: ServerSnapshot) -> ServerSnapshot:
    """The snapshot with the subnets that a single server admits through their service endpoint."""
    where = server.id
    client = session.clients.single(where.subscription).virtual_network_rules
    version = session.clients.versions.single

    def listed(hooks: Hooks) -> list[Json]:
        pages = client.list_by_server(where.resource_group, where.name, api_version=version, **hooks)
        return [one.serialize(keep_readonly=True) for one in pages]

    bodies = session.ask(listed, server=server.state)
    return replace(server, virtual_network_rules=posture_wire.virtual_network_rules(bodies))


# --- what hangs on the server's id -----------------------------------------------------------------


def diagnostic_settings(session: Session, server: ServerSnapshot) -> ServerSnapshot:
    """The snapshot with its diagnostic settings, which come in one answer without pages."""
    body = _get(session, server.id, "Microsoft.Insights/diagnosticSettings", DIAGNOSTICS_VERSION)
    return replace(server, diagnostic_settings=posture_wire.diagnostic_settings(body))


def health(session: Session, server: ServerSnapshot) -> ServerSnapshot:
    """The snapshot with Resource Health's word, asked for only where a standby is not healthy.

    A healthy server costs no request: Resource Health adds why a standby is ill (an NSG that blocks it, a
    server that became read-only), and nothing where none is.
    """
    if server.high_availability is False or server.availability.state.lower() == "healthy":
        return server
    body = _get(session, server.id, "Microsoft.ResourceHealth/availabilityStatuses/current", HEALTH_VERSION)
    return replace(server, health=posture_wire.health(body))


def _get(session: Session, owner: ResourceId, extension: str, version: str) -> Json:
    """One GET of an extension resource; a refusal is raised as its classified error."""
    url = f"{session.clients.endpoint}{quote(str(owner))}/providers/{extension}"
    request = HttpRequest("GET", url, params={"api-version": version})

    def send(hooks: Hooks) -> Json:
        response = session.clients.pipeline().send_request(request, **hooks)
        response.raise_for_status()
        return response.json()

    return session.ask(send)
