"""Commands about private DNS for a person: azure-cli 2.91.0, one line each, quoted for a POSIX shell.

Nothing here is ever run or written by the app: DNS is shared by many. Pure.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable

from shared.model.dns_names import canonical
from shared.model.parts import EndpointDns, ZoneLink
from shared.model.resource_id import ResourceId, free_name
from shared.posture.shell import options, place


def az(*words: str) -> str:
    """An azure-cli command, quoted for a POSIX shell."""
    return shlex.join(("az", *words))


def az_at(where: ResourceId, *words: str) -> str:
    """An azure-cli command in the subscription and resource group of ``where``."""
    return f"{az(*words)} {options(place(where))}"


def link_command(zone: ResourceId, network: ResourceId, name: str = "") -> str:
    """``name`` is the link's, where its network's own will not do (``link_names``)."""
    return az_at(
        zone,
        *("network", "private-dns", "link", "vnet", "create", "--zone-name", zone.name),
        *("--name", name or network.name, "--virtual-network", str(network)),
        *("--registration-enabled", "false"),
    )


def link_names(networks: Iterable[ResourceId], links: Iterable[ZoneLink] | None) -> dict[ResourceId, str]:
    """A free name for each network's link. Networks of two groups may have one name, and Azure refuses to
    have a link that is there lead to another network."""
    named: dict[ResourceId, str] = {}
    for network in networks:
        taken = [link.name for link in links or ()] + [*named.values()]
        named[network] = free_name(network.name, taken)
    return named


def show_link_command(zone: ResourceId, link: ZoneLink) -> str:
    return _of_link("show", zone, link)


def delete_link_command(zone: ResourceId, link: ZoneLink) -> str:
    return f"{_of_link('delete', zone, link)} --yes"


def _of_link(verb: str, zone: ResourceId, link: ZoneLink) -> str:
    words = ("network", "private-dns", "link", "vnet", verb, "--zone-name", zone.name, "--name", link.name)
    return az_at(zone, *words)


def group_commands(endpoint: EndpointDns, zone: ResourceId) -> tuple[str, ...]:
    """What makes the endpoint's zone group name the zone, and so write its record anew.

    A group that names zones of this name only is made again. Of any other, entries for a zone of this name
    go first; where there are none, the only other zone goes afterwards: it is what was named by mistake. Of
    several other zones none is taken out, for some may be meant.
    """
    if not endpoint.group:
        return (_group_command(endpoint, "create", "postgres", zone),)
    named = set(endpoint.group_zones or ())
    same = {one for one in named if canonical(one.name) == canonical(zone.name)}
    if same and same == named:
        return (_group_command(endpoint, "delete"), _group_command(endpoint, "create", "postgres", zone))
    kept = [config.name for config in endpoint.group_configs if config.zone not in same]
    add = _group_command(endpoint, "add", free_name("postgres", kept), zone)
    mistaken = named if not same and len(named) == 1 else set()
    return (*_removals(endpoint, same), add, *_removals(endpoint, mistaken))


def _removals(endpoint: EndpointDns, zones: Collection[ResourceId]) -> list[str]:
    """What takes zones out of a zone group; an entry's name that was not read has to be looked up."""
    known = [config for config in endpoint.group_configs if config.zone in zones]
    gone = [_group_command(endpoint, "remove", config.name) for config in known]
    unknown = names(set(zones) - {config.zone for config in known})
    if not unknown:
        return gone
    told = f"Take {', '.join(unknown)} out of the zone group by the name that its entry has there."
    return [*gone, told, _group_command(endpoint, "show")]


def _group_command(endpoint: EndpointDns, verb: str, config: str = "", zone: ResourceId | None = None) -> str:
    """``verb`` is ``create``, ``delete`` or ``show`` of a group, ``add`` or ``remove`` of an entry of it."""
    words = ["network", "private-endpoint", "dns-zone-group", verb, "--endpoint-name", endpoint.id.name]
    words += ["--name", endpoint.group or "default"]
    words += ["--zone-name", config] if config else []
    words += ["--private-dns-zone", str(zone)] if zone is not None else []
    return az_at(endpoint.id, *words)


def zone_command(where: ResourceId, name: str) -> str:
    return az_at(where, "network", "private-dns", "zone", "create", "--name", name)


def record_command(zone: ResourceId, verb: str, label: str, address: str) -> str:
    """``verb`` is ``add-record`` or ``remove-record``."""
    words = ("network", "private-dns", "record-set", "a", verb, "--zone-name", zone.name)
    return az_at(zone, *words, "--record-set-name", label, "--ipv4-address", address)


def names(ids: Iterable[ResourceId]) -> list[str]:
    """Ids in one order, as the evidence lists them."""
    return [str(one) for one in sorted(ids)]
