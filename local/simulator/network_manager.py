"""Security admin rules of Virtual Network Manager, as a network lists those that hold in it.

A rule is seeded under its rule collection and says by itself to which networks it applies
(`seeds.admin_rule`): network groups and deployments, by which Azure finds that out, are not here. A network
that no rule names answers with an empty list, as one does that nobody manages. What must not live here: what
a rule does to traffic.
"""

from __future__ import annotations

from local.simulator.access import refuse_if_locked
from local.simulator.shapes import find
from local.simulator.values import (
    ArmRequest,
    JsonObject,
    JsonValue,
    as_list,
    as_text,
    dig,
    key,
    parse_address,
)
from local.simulator.world import World

ADMIN_RULE = "Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections/rules"
EFFECTIVE_RULES = "Microsoft.Network/virtualNetworks/listNetworkManagerEffectiveSecurityAdminRules"


def effective_rules(world: World, request: ArmRequest) -> JsonObject:
    """The rules that apply to the addressed network, by priority; raises 404 where there is none.

    It is a POST, so a ReadOnly lock on the network forbids it (article on locks: considerations).
    """
    network = find(world, parse_address(request.address.parent))
    refuse_if_locked(world.store, request.method, network.id)
    rules = [one for one in world.store.of_type(ADMIN_RULE, "") if _applies(one.body, network.id)]
    shown: list[JsonValue] = [
        {
            "id": one.id,
            "kind": as_text(one.body.get("kind")) or "Custom",
            "ruleGroups": [],
            "ruleCollectionAppliesToGroups": [],
            "properties": {"provisioningState": "Succeeded", **one.properties},
        }
        for one in sorted(rules, key=lambda rule: str(dig(rule.properties, "priority")).zfill(4))
    ]
    return {"value": shown, "skipToken": ""}


def _applies(rule: JsonObject, network: str) -> bool:
    return key(network) in {key(as_text(one)) for one in as_list(rule.get("appliesTo"))}
