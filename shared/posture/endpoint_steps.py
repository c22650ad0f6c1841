"""What a person does about private endpoints of a server: connections, a new endpoint, its zone group.

Commands of azure-cli 2.91.0, one line each. An endpoint that is made has no name in private DNS before a zone
group names a zone that is linked to its network, so those steps follow it wherever one is made. Pure.
"""

from __future__ import annotations

from shared.model import ConnectionStatus, PrivateEndpointConnection, ServerSnapshot
from shared.model.dns_names import endpoint_zone_name
from shared.model.resource_id import ResourceId
from shared.posture.dns_commands import az, az_at
from shared.posture.steps import OneOf, Way


def connection_command(verb: str, connection: ResourceId) -> str:
    """``verb`` is ``approve``, ``reject`` or ``delete``."""
    sure = ("--yes",) if verb == "delete" else ()
    return az("network", "private-endpoint-connection", verb, *sure, "--id", str(connection))


def endpoint_command(server: ResourceId, where: ResourceId, subnet: str) -> str:
    """Makes an endpoint that leads to the server; ``where`` is its id, ``subnet`` what a person fills in.

    It stands in the region of its network; azure-cli would take that of the resource group.
    """
    words = ("network", "private-endpoint", "create", "--name", where.name)
    leads = ("--private-connection-resource-id", str(server), "--group-id", "postgresqlServer")
    there = ("--subnet", subnet, "--location", "<region of its network>")
    return az_at(where, *words, "--connection-name", server.name, *leads, *there)


def closed_choice(server: ServerSnapshot, one: PrivateEndpointConnection) -> OneOf:
    """What is done about a connection that lets nobody in; ``Pending``, ``Rejected`` or ``Disconnected``."""
    if one.status is ConnectionStatus.PENDING:
        return OneOf(ways=(_refused(one), _approved(one)))
    return OneOf(ways=(_removed(one), _anew(server, one)))


def _refused(one: PrivateEndpointConnection) -> Way:
    steps = (connection_command("reject", one.id), connection_command("delete", one.id))
    return Way(when="where you do not know whose endpoint it is, or it is not to be let in", steps=steps)


def _approved(one: PrivateEndpointConnection) -> Way:
    return Way(when="where its network is to be let in", steps=(connection_command("approve", one.id),))


def _removed(one: PrivateEndpointConnection) -> Way:
    return Way(when="where nobody needs it", steps=(connection_command("delete", one.id),))


def _anew(server: ServerSnapshot, one: PrivateEndpointConnection) -> Way:
    """Azure lets nothing through a connection that was rejected or cut: another one is asked for."""
    gone = connection_command("delete", one.id)
    where = one.endpoint
    if where is None:
        return Way(when="where it is needed", steps=(gone, "have its owner make the endpoint anew"))
    old = az("network", "private-endpoint", "delete", "--ids", str(where))
    made = endpoint_command(server.id, where, "<id of its subnet>")
    return Way(when="where it is needed", steps=(gone, old, made, *named_steps(server, where)))


def named_steps(server: ServerSnapshot, where: ResourceId) -> tuple[str, ...]:
    """The endpoint's name, in a zone that is linked to its network already."""
    zone = _zone_name(server)
    return (
        f"have the endpoint's zone group name {zone}, which has to be linked to its network",
        _group(where, f"<id of the private DNS zone {zone}>"),
    )


def naming_choice(server: ServerSnapshot, where: ResourceId) -> OneOf:
    """The same where it is not known whether there is a zone. Azure links a network to one zone of a name, so
    none is made where one may be linked."""
    zone = _zone_name(server)
    scope = f"/subscriptions/{where.subscription}/resourceGroups/{where.resource_group}"
    made = f"{scope}/providers/Microsoft.Network/privateDnsZones/{zone}"
    link = ("network", "private-dns", "link", "vnet", "create", "--zone-name", zone, "--name", "postgres")
    network = ("--virtual-network", "<id of the network of the endpoint>", "--registration-enabled", "false")
    return OneOf(
        ways=(
            Way(
                when=f"where a zone {zone} is linked to the endpoint's network already",
                steps=(_group(where, f"<id of the private DNS zone {zone}>"),),
            ),
            Way(
                when="where the endpoint's network is linked to no zone of this name",
                steps=(
                    az_at(where, "network", "private-dns", "zone", "create", "--name", zone),
                    _group(where, made),
                    az_at(where, *link, *network),
                ),
            ),
        )
    )


def _zone_name(server: ServerSnapshot) -> str:
    return endpoint_zone_name(server.host_name) or "privatelink.postgres.database.azure.com"


def _group(where: ResourceId, zone: str) -> str:
    words = ("network", "private-endpoint", "dns-zone-group", "create", "--endpoint-name", where.name)
    entry = ("--name", "default", "--zone-name", "postgres", "--private-dns-zone", zone)
    return az_at(where, *words, *entry)
