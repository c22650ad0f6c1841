"""What Azure defines of tags that no list holds: ``Internet``, ``AzureLoadBalancer``, ``VirtualNetwork``.

``Internet`` is the address space "outside the virtual network and reachable by the public internet";
``AzureLoadBalancer`` is the host's virtual address 168.63.129.16, which ``VirtualNetwork`` holds, and so
``Internet`` does not ("Virtual network service tags", MicrosoftDocs/azure-docs @0006b738). How far the
virtual network extends stays open. Whoever gives prefixes for one of them is believed.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Final

from shared.nsg.packets.addresses import PUBLIC_ADDRESSES
from shared.nsg.packets.spans import Spans, common, minus, union
from shared.nsg.rules.tags import AZURE_LOAD_BALANCER, INTERNET, LOAD_BALANCER, VIRTUAL_NETWORK, Tags

_SAID: Final = {
    INTERNET: "Internet is taken for the public address space outside the virtual network, whatever that "
    "holds: what lies in Internet does not lie in VirtualNetwork",
    LOAD_BALANCER: "AzureLoadBalancer is taken for 168.63.129.16, the host's virtual address, which lies in "
    "VirtualNetwork and not in Internet",
}

_HOST_OUTSIDE: Final = (
    "AzureLoadBalancer is taken for 168.63.129.16, the host's virtual address, which is not in Internet; the "
    "prefixes given for VirtualNetwork leave it out, and are believed, though Azure counts it among them"
)


def as_azure_defines(given: Tags) -> Tags:
    """``given``, and what Azure defines of the tags that it does not hold."""
    closed = {LOAD_BALANCER: AZURE_LOAD_BALANCER, **given.closed}
    network = given.closed.get(VIRTUAL_NETWORK)
    if network is not None:
        closed = {INTERNET: _outside(network), **closed}
    return replace(
        given,
        closed=MappingProxyType(closed),
        vnet=union((*given.vnet, *AZURE_LOAD_BALANCER)),
        apart=INTERNET not in closed,
    )


def _outside(network: Spans) -> Spans:
    return minus(PUBLIC_ADDRESSES, union((*network, *AZURE_LOAD_BALANCER)))


def assumptions(given: Tags) -> dict[str, str]:
    """By tag what ``as_azure_defines`` takes for granted, in words."""
    network = given.closed.get(VIRTUAL_NETWORK)
    outside = network is not None and not common(network, AZURE_LOAD_BALANCER)
    said = {**_SAID, LOAD_BALANCER: _HOST_OUTSIDE} if outside else _SAID
    return {tag: text for tag, text in said.items() if tag not in given.closed}
