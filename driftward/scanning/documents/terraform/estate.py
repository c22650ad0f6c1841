"""The estate that a plan makes, as ARM's bodies, each with the Terraform address that it comes from.

What the plan cannot know (locks, zones of others, security admin rules, threat protection) is Unknown. So is
what may belong to any of several: a rule whose NSG is known only after apply leaves every NSG of the plan
unknown, an association whose subnet is not known every subnet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from driftward.scanning.documents.holdings import FOUND_BY, NETWORKS, Holdings
from driftward.scanning.documents.joining import Body, joined
from driftward.scanning.documents.terraform import endpoints, networks, servers, unsure
from driftward.scanning.documents.terraform.azapi import azapi_body, laid_over
from driftward.scanning.documents.terraform.identity import (
    AZAPI,
    ENDPOINT,
    NETWORK,
    NO_SUBSCRIPTION,
    ROUTE_TABLE,
    SECURITY_GROUP,
    SERVER,
    SUBNET,
    TOP,
    ZONE,
    Identities,
)
from driftward.scanning.documents.terraform.plan import Plan, Resource
from driftward.scanning.documents.terraform.values import blocks, is_after_apply
from shared.model import Json
from shared.model.resource_id import ResourceId

SOURCE: Final = "the plan"
_DNS: Final = "azurerm_virtual_network_dns_servers"
_RETIRED: Final = "azurerm_postgresql_server"
_WRITTEN_WHOLE: Final = frozenset(
    f"{TOP[SERVER]}/{one}".lower() for one in ("configurations", "firewallRules", "administrators")
)
"""What an update may be all that is said of: it has no more than the update writes."""
_Makes: TypeAlias = Callable[[Resource, ResourceId, Identities], Iterator[Body]]
_MAKES: Final[Mapping[str, _Makes]] = {
    SERVER: servers.server,
    "azurerm_postgresql_flexible_server_firewall_rule": servers.firewall_rule,
    "azurerm_postgresql_flexible_server_configuration": servers.configuration,
    "azurerm_postgresql_flexible_server_active_directory_administrator": servers.administrator,
    SECURITY_GROUP: networks.security_group,
    "azurerm_network_security_rule": networks.security_rule,
    ROUTE_TABLE: networks.route_table,
    "azurerm_route": networks.route,
    NETWORK: networks.network,
    "azurerm_virtual_network_peering": networks.peering,
    SUBNET: networks.subnet,
    ENDPOINT: endpoints.endpoint,
    ZONE: endpoints.zone,
    "azurerm_private_dns_zone_virtual_network_link": endpoints.zone_link,
    "azurerm_private_dns_a_record": endpoints.record,
    "azurerm_management_lock": servers.lock,
    AZAPI: azapi_body,
}
"""What makes ARM's bodies of a resource, by its Terraform type."""
_PARTS: Final[Mapping[str, tuple[str, str]]] = {
    SECURITY_GROUP: ("azurerm_network_security_rule", "security_rule"),
    ROUTE_TABLE: ("azurerm_route", "route"),
}
"""What may stand within a resource or be resources of their own: their type, and the argument."""


class PlannedEstate:
    """What a plan makes. ``addresses`` are Terraform's, by the keys of ids."""

    def __init__(self, plan: Plan) -> None:
        self.identities = Identities(plan)
        self.addresses: dict[str, str] = {}
        self._plan = plan
        self._by_type: dict[str, list[Resource]] = defaultdict(list)
        for one in plan.resources:
            self._by_type[one.type].append(one)

    def holdings(self) -> Holdings:
        found = joined(
            self._bodies(), self._there(), {self.identities.before(one).key for one in self._plan.gone}
        )
        why_not = {**found.why_not, **dict(unsure.why_not(self._by_type, self.identities, found))}
        return Holdings(
            source=SOURCE,
            bodies={key: body for key, body in found.bodies.items() if key not in why_not},
            lists={
                **self._tops(found.bodies),
                **{key: one for key, one in found.lists.items() if key not in why_not},
            },
            named=(*found.others, *unsure.shells(found, why_not)),
            why_not=why_not,
        )

    @property
    def says(self) -> tuple[str, ...]:
        kinds = (kind for kind in self._by_type if kind.startswith(_RETIRED))
        told = "single servers are not read from a plan, and not judged"
        unread = [f"{kind}: {told}" for kind in sorted(kinds)]
        if self.identities.subscription != NO_SUBSCRIPTION:
            return tuple(unread)
        return (f"the plan does not say which subscription: {NO_SUBSCRIPTION} stands for it", *unread)

    def _there(self) -> set[str]:
        """What was there before the plan."""
        return {self.identities.of(one).key for one in self._plan.resources if not one.is_new}

    # --- bodies

    def _bodies(self) -> list[Body]:
        bodies = {str(one["id"]).lower(): one for one in self._made()}
        for subnet, adds in self._joined(bodies).items():
            self._add(bodies, subnet, adds)
        for one in self._by_type[_DNS]:
            named = self.identities.named(one, ("virtual_network_id",), {NETWORK})
            if named is not None:
                self._add(bodies, named.key, {"dhcpOptions": {"dnsServers": one.values.get("dns_servers")}})
        for one in self._by_type[unsure.UPDATE]:
            self._update(bodies, one)
        return [*bodies.values()]

    def _update(self, bodies: dict[str, Body], update: Resource) -> None:
        """What stands beside its parent with a value of its own is written whole."""
        named = unsure.updated(update, self.identities)
        if named is None:
            return
        if (held := bodies.get(named.key)) is not None:
            bodies[named.key] = laid_over(held, update)
        elif named.type in _WRITTEN_WHOLE:
            self.addresses[named.key] = update.address
            bodies |= {str(one["id"]).lower(): one for one in azapi_body(update, named, self.identities)}

    def _made(self) -> Iterator[Body]:
        for kind, makes in _MAKES.items():
            for one in self._by_type[kind]:
                named = self.identities.of(one)
                self.addresses[named.key] = one.address
                yield from makes(self._with_own_parts(one), named, self.identities)
        for one in self._by_type[servers.DIAGNOSTICS]:
            target = self.identities.named(one, ("target_resource_id",), {SERVER})
            if target is not None:
                yield servers.diagnostic_setting(one, target)

    def _with_own_parts(self, resource: Resource) -> Resource:
        """A new NSG, or table, whose rules are resources of their own has no others: a plan has its list as
        known after apply (computed), and azurerm does not take both ("in-line … in conjunction with any")."""
        child, parts = _PARTS.get(resource.type, ("", ""))
        if not resource.is_new or not is_after_apply(resource.values.get(parts)):
            return resource
        own = self.identities.of(resource)
        if own not in {self.identities.parent(one) for one in self._by_type[child]}:
            return resource
        return replace(resource, values={**resource.values, parts: []})

    def _add(self, bodies: dict[str, Body], place: str, adds: Mapping[str, Json]) -> None:
        """To a body, or to a subnet within its network's."""
        if (held := bodies.get(place)) is not None:
            bodies[place] = {**held, "properties": {**held["properties"], **adds}}
            return
        network, _, name = place.rpartition("/subnets/")
        if (around := bodies.get(network)) is not None:
            inline = around["properties"].get("subnets") or ()
            shown = [networks.with_added(one, name, adds) for one in inline]
            bodies[network] = {**around, "properties": {**around["properties"], "subnets": shown}}

    def _joined(self, bodies: Mapping[str, Body]) -> Mapping[str, dict[str, Json]]:
        """What associations add to subnets, by the subnet; one that is known goes before one that may be."""
        found: dict[str, dict[str, Json]] = defaultdict(dict)
        known: list[tuple[str, dict[str, Json]]] = []
        for kind, (field, argument, whose) in networks.JOINED.items():
            for one in self._by_type[kind]:
                named = self.identities.named(one, ("subnet_id",), {SUBNET, NETWORK})
                if named is not None and named.type != NETWORKS:
                    joins = {"id": servers.id_text(one, self.identities, argument, whose)}
                    known.append((named.key, {field: joins}))
                    continue
                for place in networks.subnets_in(bodies, named):
                    found[place] |= {field: {"id": unsure.loose(one, "subnet")}}
        for place, adds in known:
            found[place] |= adds
        for place, before in self._before().items():
            found[place] = {**before, **found[place]}
        return found

    def _subnets(self) -> list[str]:
        return [self.identities.of(one).key for one in self._by_type[SUBNET]]

    def _before(self) -> Mapping[str, dict[str, Json]]:
        """What subnets that were there before may have beside the plan: their network shows it, or nobody."""
        shown = {
            self.identities.of(network).child("subnets", str(one.get("name"))).key: one
            for network in self._by_type[NETWORK]
            for one in blocks(network.values, "subnet")
        }
        left = {one.text("subnet_id") for one in self._plan.gone if one.type in networks.JOINED}
        return {
            key: networks.before(shown.get(key))
            for key, one in zip(self._subnets(), self._by_type[SUBNET], strict=True)
            if not one.is_new and key not in {str(place).lower() for place in left}
        }

    # --- lists

    def _tops(self, bodies: Mapping[str, Body]) -> dict[str, tuple[Json, ...]]:
        subscriptions = {key.split("/")[2] for key in bodies} or {self.identities.subscription.lower()}
        return {f"/subscriptions/{one}/providers/{kind}": () for one in subscriptions for kind in FOUND_BY}
