"""The address space of the other network, as a peering shows it.

`remoteVirtualNetworkAddressSpace` is the space as it is now; `remoteAddressSpace` what the peering has taken
over, the same unless a seed says otherwise (a peering that was not synchronized since the space grew). Where
the other network is not here neither is shown. What must not live here: the states of peerings.
"""

from __future__ import annotations

from local.simulator.values import JsonObject, as_list, as_object, as_text, dig
from local.simulator.world import World


def with_spaces(world: World, peering: JsonObject) -> JsonObject:
    """An entry of a network's list of peerings with what the service adds."""
    properties = as_object(peering.get("properties"))
    remote = world.store.get(as_text(dig(properties, "remoteVirtualNetwork", "id")))
    if remote is None:
        return peering
    now: JsonObject = {"addressPrefixes": as_list(dig(remote.properties, "addressSpace", "addressPrefixes"))}
    shown: JsonObject = {"remoteAddressSpace": now, "remoteVirtualNetworkAddressSpace": now}
    return peering | {"properties": shown | properties}
