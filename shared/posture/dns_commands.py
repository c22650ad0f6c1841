"""Commands about private DNS for a person: azure-cli 2.91.0, one line each, quoted for a POSIX shell.

Nothing here is ever run or written by the app: DNS is shared by many. Pure.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable
from typing import Final

from shared.model.dns_names import canonical
from shared.model.parts import EndpointDns, ZoneLink
from shared.model.resource_id import ResourceId, free_name
from shared.posture.shell import options, place

FALLS_BACK: Final = "NxDomainRedirect"
"""The policy of a link with which a name that the zone does not hold is asked of public DNS (article on
fallback to internet); Azure knows it for zones called ``privatelink…`` alone."""


_FLAGS: Final = frozenset({"--yes"})
"""Options that take no value."""


def az(*words: str) -> str:
    """An azure-cli command, quoted for a POSIX shell; a value with a leading hyphen stands behind ``=``."""
    said, wants_value = ["az"], False
    for word in words:
        if wants_value and word.startswith("-"):
            said[-1] = f"{said[-1]}={shlex.quote(word)}"
        else:
            said.append(shlex.quote(word))
        wants_value = not wants_value and word.startswith("--") and word not in _FLAGS
    return " ".join(said)


def az_at(where: ResourceId, *words: str) -> str:
    """An azure-cli command in the subscription and resource group of ``where``."""
    return f"{az(*words)} {options(place(where))}"


def link_command(zone: ResourceId, network: ResourceId, name: str = "", policy: str = FALLS_BACK) -> str:
    """``name`` is the link's, where its network's own will not do (``link_names``).

    A link for a network that has none falls back to public DNS: else the names of other servers, which the
    zone does not hold, would stop resolving there.
    """
    private_link = canonical(zone.name).startswith("privatelink.")
    return az_at(
        zone,
        *("network", "private-dns", "link", "vnet", "create", "--zone-name", zone.name),
        *("--name", name or network.name),
        *(("--resolution-policy", policy) if policy and private_link else ()),
        *("--virtual-network", str(network), "--registration-enabled", "false"),
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
    """What makes the endpoint's zone group name the zone, and so write its record anew, and it alone."""
    return (*naming_commands(endpoint, zone), *unnaming_commands(endpoint, zone))


def naming_commands(endpoint: EndpointDns, zone: ResourceId) -> tuple[str, ...]:
    """A group that names zones of this name only is made again; of any other, entries for a zone of this name
    go first, for a group names one zone of a name."""
    if not endpoint.group:
        return (_group_command(endpoint, "create", "postgres", zone),)
    same = _of_this_name(endpoint, zone)
    if same and same == set(endpoint.group_zones or ()):
        return (_group_command(endpoint, "delete"), _group_command(endpoint, "create", "postgres", zone))
    kept = [config.name for config in endpoint.group_configs if config.zone not in same]
    return (*_removals(endpoint, same), _group_command(endpoint, "add", free_name("postgres", kept), zone))


def unnaming_commands(endpoint: EndpointDns, zone: ResourceId) -> tuple[str, ...]:
    """Where the group names none of this name, its only other zone goes afterwards: it is what was named by
    mistake. Of several none is taken out, for some may be meant."""
    named = set(endpoint.group_zones or ())
    mistaken = not _of_this_name(endpoint, zone) and len(named) == 1
    return tuple(_removals(endpoint, named)) if mistaken else ()


def _of_this_name(endpoint: EndpointDns, zone: ResourceId) -> set[ResourceId]:
    return {one for one in endpoint.group_zones or () if canonical(one.name) == canonical(zone.name)}


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
