"""Whether two networks are joined: one and the same, or peered at both ends. Pure."""

from __future__ import annotations

from shared.model.networks import VirtualNetwork
from shared.model.resource_id import ResourceId
from shared.posture.ways.answers import State, among


def joined(
    one: VirtualNetwork | None, other: VirtualNetwork | None, ids: tuple[ResourceId | None, ...]
) -> State:
    """Whether two networks, by what was read of each and their ids, are one or peered with each other.

    A peering has two ends, and a network shows its own: what both show counts; where they differ, or none was
    read, it is not known.
    """
    here, there = ids
    if here is not None and here == there:
        return State.STANDS
    shown = [_shown(one, there)] if one is not None else []
    shown += [_shown(other, here)] if other is not None else []
    return among(shown) if shown and None not in ids else State.UNKNOWN


def _shown(network: VirtualNetwork, peer: ResourceId | None) -> State:
    """Whether a network shows a peering with another; one of some subnets only may leave these out."""
    whole = {peering.whole for peering in network.peerings if peering.network == peer}
    if whole:
        return State.STANDS if whole == {True} else State.UNKNOWN
    return State.UNKNOWN if network.odd_peerings else State.BLOCKED
