"""The ids of planned resources: their own where the state has one, else what Azure will make of their names.

A new resource has no id yet, but Azure's ids are made of names that the plan has: subscription, resource
group, parents and the resource's own. A name that is not known stands as the Terraform address in letters
that a name may have. The subscription is that of the ids in the plan, else the provider's, else zeros.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import Final

from driftward.scanning.documents.terraform.plan import Plan, Resource
from driftward.scanning.documents.terraform.references import References
from driftward.scanning.documents.terraform.values import shown
from shared.model import Json
from shared.model.resource_id import ResourceId, is_name, parse_resource_id

NO_SUBSCRIPTION: Final = "00000000-0000-0000-0000-000000000000"
GROUP: Final = "azurerm_resource_group"
LOCK: Final = "azurerm_management_lock"
AZAPI: Final = "azapi_resource"
SERVER: Final = "azurerm_postgresql_flexible_server"
NETWORK: Final = "azurerm_virtual_network"
SUBNET: Final = "azurerm_subnet"
SECURITY_GROUP: Final = "azurerm_network_security_group"
ROUTE_TABLE: Final = "azurerm_route_table"
ENDPOINT: Final = "azurerm_private_endpoint"
ZONE: Final = "azurerm_private_dns_zone"
TOP: Final[Mapping[str, str]] = {
    SERVER: "Microsoft.DBforPostgreSQL/flexibleServers",
    NETWORK: "Microsoft.Network/virtualNetworks",
    SECURITY_GROUP: "Microsoft.Network/networkSecurityGroups",
    ROUTE_TABLE: "Microsoft.Network/routeTables",
    ENDPOINT: "Microsoft.Network/privateEndpoints",
    ZONE: "Microsoft.Network/privateDnsZones",
}
"""What stands in a resource group, by its Terraform type."""
CHILDREN: Final[Mapping[str, str]] = {
    "azurerm_postgresql_flexible_server_firewall_rule": "firewallRules",
    "azurerm_postgresql_flexible_server_configuration": "configurations",
    "azurerm_postgresql_flexible_server_active_directory_administrator": "administrators",
    SUBNET: "subnets",
    "azurerm_virtual_network_peering": "virtualNetworkPeerings",
    "azurerm_network_security_rule": "securityRules",
    "azurerm_route": "routes",
    "azurerm_private_dns_zone_virtual_network_link": "virtualNetworkLinks",
    "azurerm_private_dns_a_record": "A",
}
_LONGEST: Final = 60
_UNKNOWN: Final = "(unknown)"
PARENTS: Final[Mapping[str, tuple[str, str, str]]] = {
    "azurerm_postgresql_flexible_server_firewall_rule": (SERVER, "server_id", ""),
    "azurerm_postgresql_flexible_server_configuration": (SERVER, "server_id", ""),
    "azurerm_postgresql_flexible_server_active_directory_administrator": (SERVER, "", "server_name"),
    SUBNET: (NETWORK, "", "virtual_network_name"),
    "azurerm_virtual_network_peering": (NETWORK, "", "virtual_network_name"),
    "azurerm_network_security_rule": (SECURITY_GROUP, "", "network_security_group_name"),
    "azurerm_route": (ROUTE_TABLE, "", "route_table_name"),
    "azurerm_private_dns_zone_virtual_network_link": (ZONE, "private_dns_zone_id", "private_dns_zone_name"),
    "azurerm_private_dns_a_record": (ZONE, "private_dns_zone_id", "zone_name"),
}
"""Of each child: its parent's Terraform type, and the arguments that name it by id or by name."""


class Identities:
    """The ids within one plan."""

    def __init__(self, plan: Plan) -> None:
        self.references = References(plan)
        self._plan = plan
        self._made: dict[str, ResourceId] = {}
        self._taken: dict[str, str] = {}
        """Whose an id is, by its key: the address."""
        self.subscription = _subscription(plan)

    def of(self, resource: Resource) -> ResourceId:
        """The resource's id; one of its kind where not all of it is known."""
        if resource.address not in self._made:
            self._made[resource.address] = self._own(resource)
        return self._made[resource.address]

    def before(self, resource: Resource) -> ResourceId:
        """The id of what is deleted: what is made anew has the same address, and may have another name."""
        return parse_resource_id(resource.text("id")) or self.of(resource)

    def _own(self, resource: Resource) -> ResourceId:
        """An id that no other resource has: two of one name in groups that are not known are not one."""
        known = parse_resource_id(resource.text("id"))
        if known is not None:
            return known
        made = self._make(resource)
        if self._taken.setdefault(made.key, resource.address) == resource.address:
            return made
        return self._nobody(resource, TOP.get(resource.type, "Unknown/doubles"))

    def named(
        self, resource: Resource, path: tuple[str | int, ...], types: Collection[str]
    ) -> ResourceId | None:
        """The id that an argument has, or will have; None where nobody can say."""
        known = parse_resource_id(shown(_at(resource.values, path)))
        if known is not None:
            return known
        meant = self.references.one_meant(resource, path, {*types, AZAPI})
        return self.of(meant) if meant is not None else None

    def parent(self, resource: Resource) -> ResourceId | None:
        kind, by_id, by_name = PARENTS[resource.type]
        if by_id and (found := self.named(resource, (by_id,), {kind})) is not None:
            return found
        if not by_name:
            return None
        meant = self.references.one_meant(resource, (by_name,), {kind, AZAPI})
        name = resource.text(by_name)
        if meant is not None and name in (None, meant.text("name")):
            return self.of(meant)
        group = self._group(resource)
        if name is None or not is_segment(name) or group.name == _UNKNOWN:
            return None
        return ResourceId(f"{group}/providers/{TOP[kind]}/{name}")

    # --- making

    def _make(self, resource: Resource) -> ResourceId:
        if resource.type == GROUP:
            return ResourceId(f"/subscriptions/{self.subscription}/resourceGroups/{_name(resource)}")
        if resource.type in TOP:
            place = f"{self._group(resource)}/providers/{TOP[resource.type]}"
            return ResourceId(f"{place}/{_name(resource)}")
        if resource.type in CHILDREN:
            parent = self.parent(resource) or self._nobody(resource, TOP[PARENTS[resource.type][0]])
            return parent.child(CHILDREN[resource.type], _name(resource))
        if resource.type == LOCK:
            scope = self.named(resource, ("scope",), {*TOP, GROUP, SUBNET}) or self._nobody(resource)
            return ResourceId(f"{scope}/providers/Microsoft.Authorization/locks/{_name(resource)}")
        return self._azapi(resource)

    def _group(self, resource: Resource) -> ResourceId:
        name = resource.text("resource_group_name")
        if name is None:
            meant = self.references.one_meant(resource, ("resource_group_name",), {GROUP})
            name = self.of(meant).name if meant is not None else _UNKNOWN
        name = name if is_segment(name) else _slug(name)
        return ResourceId(f"/subscriptions/{self.subscription}/resourceGroups/{name}")

    def _azapi(self, resource: Resource) -> ResourceId:
        """``azapi_resource``: its parent, its type without the version, its name."""
        kind = (resource.text("type") or "").partition("@")[0]
        parent = self.named(resource, ("parent_id",), {GROUP, *TOP, SUBNET}) or self._group(resource)
        namespace, *types = kind.split("/")
        below = parent.type.startswith(f"{namespace.lower()}/") and len(types) > 1
        step = types[-1] if below else f"providers/{kind}"
        return parse_resource_id(f"{parent}/{step}/{_name(resource)}") or self._nobody(resource)

    def _nobody(self, resource: Resource, kind: str = "Unknown/parents") -> ResourceId:
        """A place of its own for what belongs to a parent that is not known."""
        return self.elsewhere(kind, _slug(resource.address))

    def elsewhere(self, kind: str, name: str) -> ResourceId:
        """The id of something of a kind of which nobody knows where it stands."""
        place = f"/subscriptions/{self.subscription}/resourceGroups/{_UNKNOWN}/providers"
        return ResourceId(f"{place}/{kind}/{name}")


def _name(resource: Resource) -> str:
    named = resource.text("name") or resource.text("object_id")
    return named if named and is_segment(named) else _slug(resource.address)


def is_segment(name: str) -> bool:
    """Whether an id can have it between two slashes."""
    return "/" not in name and is_name(name)


def _slug(address: str) -> str:
    """In letters that a name may have, short, and of this address alone."""
    said = re.sub(r"[^a-z0-9]+", "-", address.lower()).strip("-")
    if 0 < len(said) <= _LONGEST and re.fullmatch(r"[a-z0-9_.]+", address):
        return said
    return f"{said[: _LONGEST - 9] or 'x'}-{sha256(address.encode('utf-8', 'replace')).hexdigest()[:8]}"


def _at(found: Json, path: tuple[str | int, ...]) -> Json:
    for step in path:
        if isinstance(found, Mapping) and isinstance(step, str):
            found = found.get(step)
        else:
            found = (
                found[step]
                if isinstance(found, list) and isinstance(step, int) and step < len(found)
                else None
            )
    return found


def _subscription(plan: Plan) -> str:
    known = (parse_resource_id(one.text("id")) for one in plan.resources)
    first = next((one.subscription for one in known if one is not None), None)
    said = first or _of_provider(plan)
    return said if said is not None and is_segment(said) else NO_SUBSCRIPTION


def _of_provider(plan: Plan) -> str | None:
    """The provider's ``subscription_id``: written in the configuration, or a variable's value."""
    providers = plan.configuration.get("provider_config")
    for one in providers.values() if isinstance(providers, Mapping) else ():
        expression = _at(one, ("expressions", "subscription_id"))
        if isinstance(expression, Mapping):
            return shown(expression.get("constant_value")) or _of_variable(plan, expression.get("references"))
    return None


def _of_variable(plan: Plan, references: Json) -> str | None:
    names = [str(one).removeprefix("var.") for one in references or () if str(one).startswith("var.")]
    return next((found for name in names if (found := shown(_at(plan.variables, (name, "value"))))), None)
