"""Plans as `terraform show -json` writes them, put together resource by resource.

``known`` are the values that a plan has, ``unknown`` the paths of what is known after apply, ``refers`` the
references of each argument as the configuration has them. What must not live here: what a plan means.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

GROUP = "rg-orders"
ID_UNKNOWN = ("id",)


def refer(*references: str) -> dict[str, Any]:
    return {"references": list(references)}


def to(address: str, attribute: str = "id") -> dict[str, Any]:
    """What Terraform lists for ``<address>.<attribute>``."""
    bare = address.partition("[")[0]
    return refer(*dict.fromkeys([f"{address}.{attribute}", address, bare]))


@dataclass
class Planned:
    """A plan in the making."""

    subscription: str = ""
    changes: list[dict[str, Any]] = field(default_factory=list)
    configured: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: dict[str, dict[str, Any]] = field(default_factory=dict)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(
        self,
        address: str,
        known: Mapping[str, Any],
        *,
        unknown: Sequence[str] = ID_UNKNOWN,
        refers: Mapping[str, Any] | None = None,
        actions: Sequence[str] = ("create",),
        before: Mapping[str, Any] | None = None,
        sensitive: Any = False,
        index: str | int | None = None,
        module: str = "",
        for_each: Any = None,
    ) -> Planned:
        """A change; its configuration too, once for all instances."""
        kind, name = address.split(".", 1)
        instance = address if index is None else f"{address}[{_written(index)}]"
        change: dict[str, Any] = {
            "address": f"{module}.{instance}" if module else instance,
            "mode": "managed",
            "type": kind,
            "name": name,
            "provider_name": "registry.terraform.io/hashicorp/azurerm",
            "change": {
                "actions": list(actions),
                "before": dict(before) if before is not None else None,
                "after": None if list(actions) == ["delete"] else copy.deepcopy(dict(known)),
                "after_unknown": _tree(unknown),
                "after_sensitive": sensitive,
            },
        }
        if module:
            change["module_address"] = module
        if index is not None:
            change["index"] = index
        self.changes.append(change)
        place = module.replace('["a"]', "").replace("[0]", "")
        block: dict[str, Any] = {"address": address, "mode": "managed", "type": kind, "name": name}
        block["expressions"] = {key: _expression(one) for key, one in known.items()} | dict(refers or {})
        if for_each is not None:
            block["for_each_expression"] = for_each
        self.configured[f"{place}|{address}"] = block
        return self

    def call(self, name: str, **given: Any) -> Planned:
        """A module that is called from the root, with what its variables refer to."""
        self.calls[name] = given
        return self

    def output(self, module: str, name: str, expression: Any) -> Planned:
        self.outputs.setdefault(module, {})[name] = {"expression": expression}
        return self

    def document(self) -> dict[str, Any]:
        calls = {
            name: {
                "source": f"./{name}",
                "expressions": given,
                "module": {
                    "resources": self._blocks(f"module.{name}"),
                    "outputs": self.outputs.get(name, {}),
                },
            }
            for name, given in self.calls.items()
        }
        provider: dict[str, Any] = {"name": "azurerm", "expressions": {}}
        if self.subscription:
            provider["expressions"]["subscription_id"] = {"constant_value": self.subscription}
        return {
            "format_version": "1.2",
            "terraform_version": "1.14.0",
            "planned_values": {"root_module": {}},
            "resource_changes": self.changes,
            "prior_state": {"format_version": "1.0", "values": {"root_module": {}}},
            "configuration": {
                "provider_config": {"azurerm": provider},
                "root_module": {"resources": self._blocks(""), "module_calls": calls},
            },
        }

    def _blocks(self, place: str) -> list[dict[str, Any]]:
        return [one for key, one in self.configured.items() if key.partition("|")[0] == place]


def _written(index: str | int) -> str:
    return str(index) if isinstance(index, int) else f'"{index}"'


def _expression(known: Any) -> Any:
    if isinstance(known, list) and known and isinstance(known[0], dict):
        return [{key: _expression(one) for key, one in block.items()} for block in known]
    return {"constant_value": known}


def _tree(paths: Sequence[str]) -> dict[str, Any]:
    """``a.0.b`` as ``{"a": [{"b": True}]}``."""
    found: dict[str, Any] = {}
    for path in paths:
        head, _, rest = path.partition(".")
        if not rest:
            found[head] = True
        else:
            found[head] = [_tree([rest.partition(".")[2]])]
    return found


def server(name: str, **given: Any) -> dict[str, Any]:
    """The values of a new server as azurerm plans them."""
    return {
        "name": name,
        "resource_group_name": GROUP,
        "location": "canadacentral",
        "version": "17",
        "sku_name": "GP_Standard_D2ads_v5",
        "create_mode": "Default",
        "public_network_access_enabled": True,
        "geo_redundant_backup_enabled": False,
        "delegated_subnet_id": None,
        "private_dns_zone_id": None,
        "customer_managed_key": [],
        "high_availability": [],
        "identity": [],
        "tags": None,
        **given,
    }


SERVER_UNKNOWN = ("id", "fqdn", "authentication", "backup_retention_days", "administrator_login")


def subnet(name: str, prefix: str, *, delegated: bool = True, **given: Any) -> dict[str, Any]:
    service = [{"name": "Microsoft.DBforPostgreSQL/flexibleServers", "actions": []}]
    return {
        "name": name,
        "resource_group_name": GROUP,
        "virtual_network_name": "vnet",
        "address_prefixes": [prefix],
        "delegation": [{"name": "postgres", "service_delegation": service}] if delegated else [],
        "service_endpoint": [],
        "private_endpoint_network_policies": "Disabled",
        "default_outbound_access_enabled": True,
        **given,
    }


def network(name: str = "vnet", **given: Any) -> dict[str, Any]:
    return {
        "name": name,
        "resource_group_name": GROUP,
        "location": "canadacentral",
        "address_space": ["10.20.0.0/16"],
        "dns_servers": None,
        **given,
    }


def security_group(name: str = "nsg", rules: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    return {
        "name": name,
        "resource_group_name": GROUP,
        "location": "canadacentral",
        "security_rule": [dict(one) for one in rules],
    }


def rule(name: str, priority: int, **given: Any) -> dict[str, Any]:
    return {
        "name": name,
        "priority": priority,
        "direction": "Inbound",
        "access": "Deny",
        "protocol": "*",
        "source_port_range": "*",
        "source_port_ranges": [],
        "destination_port_range": "*",
        "destination_port_ranges": [],
        "source_address_prefix": "*",
        "source_address_prefixes": [],
        "destination_address_prefix": "*",
        "destination_address_prefixes": [],
        "source_application_security_group_ids": [],
        "destination_application_security_group_ids": [],
        "description": "",
        **given,
    }
