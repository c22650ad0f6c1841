"""Sets of addresses that a rule names but does not list: service tags, security groups, odd texts.

Such a set is *open*: all that is known are bounds. ``lower`` holds addresses that surely belong to it,
``upper`` those that may. ``VirtualNetwork`` surely holds the addresses that the caller knows to lie
inside; ``Internet`` surely does not. A published tag of an Azure service holds public addresses only.
Anything else may hold anything. Nothing here knows rules or packets.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import Final

from shared.nsg.addresses import EVERY_ADDRESS, PUBLIC_ADDRESSES, parse_addresses
from shared.nsg.published_tags import PUBLISHED_TAGS
from shared.nsg.spans import Spans, minus
from shared.values import value


class SetKind(StrEnum):
    VIRTUAL_NETWORK = "virtualNetwork"
    INTERNET = "internet"
    PUBLIC_TAG = "publicTag"
    UNKNOWN_TAG = "unknownTag"
    SECURITY_GROUP = "applicationSecurityGroup"
    MALFORMED = "malformed"


@value
class OpenSet:
    """A set of addresses known by its bounds. Equal by ``key``: the name in lower case, or the ASG's id."""

    kind: SetKind
    key: str
    name: str = field(compare=False)
    """As the rule spells it."""

    @property
    def holder(self) -> str | None:
        """The key of the tag that this one is a part of: ``storage`` for ``storage.westeurope``."""
        is_tag = self.kind in {SetKind.PUBLIC_TAG, SetKind.UNKNOWN_TAG}
        return (self.key.rpartition(".")[0] or None) if is_tag else None


AZURE_LOAD_BALANCER: Final = parse_addresses("168.63.129.16") or ()
"""What the tag translates to (service tags overview)."""

_SPELLINGS: Final = {
    "virtualnetwork": SetKind.VIRTUAL_NETWORK,
    "virtual_network": SetKind.VIRTUAL_NETWORK,  # the classic deployment model's names
    "internet": SetKind.INTERNET,
}
LOAD_BALANCER_SPELLINGS: Final = frozenset({"azureloadbalancer", "azure_loadbalancer"})

_PUBLISHED: Final = frozenset(name.lower() for name in PUBLISHED_TAGS)


def open_tag(text: str) -> OpenSet:
    """The open set that ``text``, which is neither an address nor ``*``, names."""
    key = text.lower()
    kind = _SPELLINGS.get(key)
    if kind is None and (key in _PUBLISHED or key.rpartition(".")[0] in _PUBLISHED):
        kind = SetKind.PUBLIC_TAG
    if kind is None:
        # No tag begins with a digit or holds a colon or a slash: ARM was seen to take "789" as a prefix.
        odd = not text or text[0].isdigit() or ":" in text or "/" in text
        kind = SetKind.MALFORMED if odd else SetKind.UNKNOWN_TAG
    known = kind in {SetKind.VIRTUAL_NETWORK, SetKind.INTERNET}
    return OpenSet(kind=kind, key=kind.value.lower() if known else key, name=text)


def lower(open_set: OpenSet, vnet: Spans) -> Spans:
    """Addresses that surely belong to the set; ``vnet`` are those known to lie in the virtual network."""
    return vnet if open_set.kind is SetKind.VIRTUAL_NETWORK else ()


def upper(open_set: OpenSet, vnet: Spans) -> Spans:
    """Addresses that may belong to the set."""
    match open_set.kind:
        case SetKind.INTERNET:
            # "The IP address space that's outside the virtual network" (service tags overview).
            return minus(EVERY_ADDRESS, vnet)
        case SetKind.PUBLIC_TAG:
            return PUBLIC_ADDRESSES
        case _:
            return EVERY_ADDRESS
