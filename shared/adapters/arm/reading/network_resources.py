"""One GET of one network resource: a subnet, its NSG, its route table, its network, a private endpoint.

The security admin rules of a network are asked for by POST, page by page. What must not live here: which of
them belong together, what any of it means.
"""

from __future__ import annotations

from functools import partial

from shared.adapters.arm.session.session import MOST_PAGES, Hooks, Session, body_of, endless
from shared.adapters.arm.wire import fields, security_groups
from shared.model import Json
from shared.model.errors import Permanent
from shared.model.resource_id import ResourceId
from shared.model.rules import GroupReading


def subnet(session: Session, subnet: ResourceId) -> Json:
    """The body of a subnet. Raises ``Gone`` when it does not exist."""
    network = subnet.parent.name if subnet.parent is not None else ""
    client = session.clients.network(subnet.subscription)
    version = session.clients.versions.network
    return session.ask(
        lambda hooks: client.subnets.get(
            subnet.resource_group, network, subnet.name, api_version=version, cls=body_of, **hooks
        )
    )


def security_group(session: Session, group: ResourceId) -> GroupReading:
    """The NSG as ARM has it now. Raises ``Gone`` when it does not exist."""
    client = session.clients.network(group.subscription)
    version = session.clients.versions.network
    body = session.ask(
        lambda hooks: client.network_security_groups.get(
            group.resource_group, group.name, api_version=version, cls=body_of, **hooks
        )
    )
    return GroupReading(group=security_groups.security_group(body), location=fields.text(body, "location"))


def route_table(session: Session, table: ResourceId) -> Json:
    """The body of a route table. Raises ``Gone`` when it does not exist."""
    client = session.clients.network(table.subscription)
    version = session.clients.versions.network
    return session.ask(
        lambda hooks: client.route_tables.get(
            table.resource_group, table.name, api_version=version, cls=body_of, **hooks
        )
    )


def virtual_network(session: Session, network: ResourceId) -> Json:
    """The body of a virtual network. Raises ``Gone`` when it does not exist."""
    client = session.clients.network(network.subscription)
    version = session.clients.versions.network
    return session.ask(
        lambda hooks: client.virtual_networks.get(
            network.resource_group, network.name, api_version=version, cls=body_of, **hooks
        )
    )


def admin_rules(session: Session, network: ResourceId) -> list[Json]:
    """The security admin rules that hold in a network; none where no network manager manages it.

    Raises ``Permanent`` for an answer without a list, or without an end.
    """
    token, found = "", list[Json]()
    for _ in range(MOST_PAGES):
        page = session.ask(partial(_admin_rules, session, network, token))
        held = fields.get(page, "value")
        if not isinstance(held, list):
            raise Permanent("the security admin rules are no list", code="MalformedAnswer")
        found += held
        token = fields.text(page, "skipToken")
        if not token:
            return found
    raise endless("security admin rules")


def _admin_rules(session: Session, network: ResourceId, token: str, hooks: Hooks) -> Json:
    from azure.mgmt.network.models import QueryRequestOptions

    client = session.clients.network(network.subscription)
    return client.list_network_manager_effective_security_admin_rules(
        network.resource_group,
        network.name,
        QueryRequestOptions(skip_token=token or None),
        api_version=session.clients.versions.network,
        cls=body_of,
        **hooks,
    )


def private_endpoint(session: Session, endpoint: ResourceId) -> Json:
    """The body of a private endpoint. Raises ``Gone`` when it does not exist."""
    client = session.clients.network(endpoint.subscription)
    version = session.clients.versions.network
    return session.ask(
        lambda hooks: client.private_endpoints.get(
            endpoint.resource_group, endpoint.name, api_version=version, cls=body_of, **hooks
        )
    )


def interface(session: Session, interface: ResourceId) -> Json:
    """The body of a network interface. Raises ``Gone`` when it does not exist."""
    client = session.clients.network(interface.subscription)
    version = session.clients.versions.network
    return session.ask(
        lambda hooks: client.network_interfaces.get(
            interface.resource_group, interface.name, api_version=version, cls=body_of, **hooks
        )
    )
