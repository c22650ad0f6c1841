"""What is known besides the logs: files where options name them, Azure for the rest.

An option goes before what Azure says. ``driftward.flows.inputs`` reads the files, ``driftward.flows.azure``
asks Azure and is imported only where an id or a subscription is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from driftward.flows.inputs import Server, read_addresses, read_nsg_file, read_server_file, read_tags_file
from driftward.flows.labels import AZURE_DNS_AT, Features, Setting
from driftward.flows.services import VIRTUAL_NETWORK, services_of
from shared.model import Json, SecurityGroup
from shared.model.networks import VirtualNetwork
from shared.model.resource_id import ResourceId, parse_resource_id
from shared.model.values import value
from shared.nsg import Spans, Tags, parse_addresses, spans_of, union
from shared.nsg.asking import BadInput
from shared.posture.subnet_questions import virtual_network

if TYPE_CHECKING:
    from driftward.flows.azure import Azure


@value
class Sources:
    """Where to look, as the options say it."""

    subnet: tuple[str, ...]
    dns_server: tuple[str, ...]
    tags: str | None
    subscription: str | None
    location: str | None
    nsg: str | None
    nsg_name: str | None
    server: str | None


@value
class Known:
    """What is known besides the logs, from whatever source."""

    server: Server | None
    subnet: Spans
    dns: Spans
    group: SecurityGroup | None
    tags: Tags | None
    tags_from: Mapping[str, Json]
    notes: tuple[str, ...] = ()
    network: Spans = ()
    """What surely lies in the virtual network, where Azure was asked for it."""

    @property
    def setting(self) -> Setting:
        closed = self.tags.closed if self.tags else {}
        features = self.server.features if self.server else Features()
        return Setting(
            subnet=self.subnet,
            services=services_of(closed) if self.tags else None,
            virtual_network=closed.get(VIRTUAL_NETWORK, self.network),
            dns=self.dns,
            features=replace(features, dns=True if self.dns else None),
        )


def known_of(given: Sources) -> Known:
    """Files where options name them; Azure for the rest, where an id or a subscription is given."""
    server_id = _server_id(given.server)
    with ExitStack() as stack:
        azure = None
        if server_id is not None or given.subscription is not None:
            from driftward.flows.azure import Azure

            azure = stack.enter_context(closing(Azure()))
        if azure is not None and server_id is not None:
            return _of_server(azure, azure.server(server_id), given)
        server = read_server_file(given.server) if given.server is not None else None
        tags, tags_from = _tags(given, azure, server)
        return Known(
            server=server,
            subnet=read_addresses(given.subnet, "subnet"),
            dns=_dns(given),
            group=_group(given),
            tags=tags,
            tags_from=tags_from,
            notes=_about_server(server),
        )


def _server_id(text: str | None) -> ResourceId | None:
    """An id, unless there is a file of that name."""
    found = parse_resource_id(text)
    return found if found is not None and text is not None and not Path(text).exists() else None


def _of_server(azure: Azure, server: Server, given: Sources) -> Known:
    """What Azure says of a server that was given as an id, where no option says otherwise."""
    tags, tags_from = _tags(given, azure, server)
    group, subnet, dns = _group(given), read_addresses(given.subnet, "subnet"), _dns(given)
    network: Spans = ()
    if server.subnet is not None and not (group and subnet and dns):
        found = azure.subnet(server.subnet)
        group, subnet = group or found.security_group, subnet or spans_of(found.prefixes)
        dns = dns or _dns_of(found.virtual_network)
        network = spans_of(virtual_network(found))
    return Known(
        server=server,
        subnet=subnet,
        dns=dns,
        group=group,
        tags=tags,
        tags_from=tags_from,
        notes=_about_server(server),
        network=network,
    )


def _dns_of(network: VirtualNetwork | None) -> Spans:
    """The network's own DNS servers, or the one that every network has; none where it could not be read."""
    if network is None:
        return ()
    found = [parse_addresses(text) or () for text in network.dns_servers]
    return union(span for spans in found for span in spans) or AZURE_DNS_AT


def _dns(given: Sources) -> Spans:
    return read_addresses(given.dns_server, "dns-server")


def _group(given: Sources) -> SecurityGroup | None:
    return None if given.nsg is None else read_nsg_file(given.nsg, given.nsg_name)


def _tags(
    given: Sources, azure: Azure | None, server: Server | None
) -> tuple[Tags | None, Mapping[str, Json]]:
    """The prefixes of service tags and where they are from; None where nothing gives them."""
    if given.tags is not None:
        return read_tags_file(given.tags), {"source": given.tags}
    location = given.location or (server.location if server else "")
    subscription = given.subscription or (server.id.subscription if server and server.id else "")
    if azure is None:
        if given.location is not None:
            raise BadInput("--location goes with --subscription", field="subscription")
        return None, {}
    if not location:
        raise BadInput("--location is missing: whose copy of the service tags", field="location")
    listed = azure.tags(subscription, location)
    read_at = listed.read_at.isoformat(timespec="seconds").replace("+00:00", "Z")
    return listed.tags, {
        "source": f"service tags of {location}",
        "changeNumber": listed.change_number,
        "readAt": read_at,
    }


def _about_server(server: Server | None) -> tuple[str, ...]:
    if server is None or server.subnet is not None:
        return ()
    name = server.name or "the server"
    return (f"{name} is in no delegated subnet: what it calls does not pass an NSG of yours",)
