"""Sets of addresses that a rule names but does not list: service tags, security groups, odd texts.

Whoever asks brings ``Tags``: what is known. A tag whose prefixes are known is *closed* and becomes
addresses. Any other set is *open*: all that is known are bounds. ``lower`` holds addresses that surely
belong to it, ``upper`` those that may. The only inclusion used is that ``X.Region`` lies in ``X``.
Nothing here knows rules or packets.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import field
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from shared.model.values import value
from shared.nsg.packets.addresses import EVERY_ADDRESS, PUBLIC_ADDRESSES, parse_addresses
from shared.nsg.packets.spans import Spans, common, minus, union
from shared.nsg.rules.published_tags import PUBLISHED_TAGS


class SetKind(StrEnum):
    VIRTUAL_NETWORK = "virtualNetwork"
    INTERNET = "internet"
    PUBLIC_TAG = "publicTag"
    UNKNOWN_TAG = "unknownTag"
    SECURITY_GROUP = "applicationSecurityGroup"
    EXPRESSION = "expression"
    """What a template leaves to its deployment; shown as it is written, in brackets."""
    MALFORMED = "malformed"
    ODD_RULE = "oddRule"
    """What a rule matches that cannot be read whole."""


class OpenSet(NamedTuple):
    """A set of addresses known by its bounds. Known by ``key``: the name in lower case, or the ASG's id."""

    kind: SetKind
    key: str
    name: str
    """As the rule spells it."""
    bound: Spans = ()
    """Of an odd rule: the addresses that it may match."""
    id: str = ""
    """Of a security group, as the rule spells it: two in two resource groups may share a name."""

    @property
    def holder(self) -> str | None:
        """The key of the tag that this one is a part of: ``storage`` for ``storage.westeurope``."""
        is_tag = self.kind in {SetKind.PUBLIC_TAG, SetKind.UNKNOWN_TAG}
        return (self.key.rpartition(".")[0] or None) if is_tag else None

    def closure(self) -> frozenset[str]:
        """The keys of the sets that an address of this one lies in: its own and those of its holders."""
        if self.holder is None:
            return frozenset({self.key})
        parts = self.key.split(".")
        return frozenset(".".join(parts[:length]) for length in range(1, len(parts) + 1))


VIRTUAL_NETWORK: Final = "virtualnetwork"
INTERNET: Final = "internet"
LOAD_BALANCER: Final = "azureloadbalancer"
_CLASSIC: Final = {
    "virtual_network": VIRTUAL_NETWORK,  # the classic deployment model's names
    "azure_loadbalancer": LOAD_BALANCER,
}
_OWN_KINDS: Final = {VIRTUAL_NETWORK: SetKind.VIRTUAL_NETWORK, INTERNET: SetKind.INTERNET}
_PUBLISHED: Final = frozenset({*(name.lower() for name in PUBLISHED_TAGS), LOAD_BALANCER})


def tag_key(text: str) -> str:
    """What a tag is known by: its name in lower case, in today's spelling."""
    key = text.strip().lower()
    return _CLASSIC.get(key, key)


_TAG: Final = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
"""Every published tag, and the names of the classic model, are such words."""


def is_tag_name(text: str) -> bool:
    """Whether a text that is no address can be a tag, and not an address with a slip of the pen."""
    return _TAG.fullmatch(text) is not None


def open_tag(text: str) -> OpenSet:
    """The open set that ``text``, which is neither an address nor ``*``, names."""
    if text.startswith("[") and text.endswith("]"):
        return OpenSet(kind=SetKind.EXPRESSION, key=text, name=text)
    key = tag_key(text)
    kind = _OWN_KINDS.get(key)
    if kind is None and (key in _PUBLISHED or key.rpartition(".")[0] in _PUBLISHED):
        kind = SetKind.PUBLIC_TAG
    if kind is None:
        # No tag begins with a digit or holds a colon or a slash: ARM was seen to take "789" as a prefix.
        odd = not text or text[0].isdigit() or ":" in text or "/" in text
        kind = SetKind.MALFORMED if odd else SetKind.UNKNOWN_TAG
    return OpenSet(kind=kind, key=key, name=text)


AZURE_LOAD_BALANCER: Final = parse_addresses("168.63.129.16") or ()
"""What the tag ``AzureLoadBalancer`` translates to (service tags overview)."""


@value
class Tags:
    """What is known of the sets that rules name."""

    closed: Mapping[str, Spans] = field(
        default_factory=lambda: MappingProxyType({LOAD_BALANCER: AZURE_LOAD_BALANCER})
    )
    """The addresses of tags whose prefixes are known, by ``tag_key``."""
    vnet: Spans = ()
    """Addresses known to lie in the virtual network; more may lie there."""
    apart: bool = False
    """Whether ``Internet`` is what ``VirtualNetwork`` leaves of the public space, as Azure defines it: an
    address then never lies in both, and a public one lies in one of them."""

    def addresses(self, text: str) -> Spans | None:
        """The addresses of a closed tag; None for every other one."""
        return self.closed.get(tag_key(text))

    def lower(self, open_set: OpenSet) -> Spans:
        """Addresses that surely belong to the set."""
        if open_set.kind is SetKind.SECURITY_GROUP:
            return ()
        parts = [spans for key, spans in self.closed.items() if key.startswith(f"{open_set.key}.")]
        known = self.vnet if open_set.kind is SetKind.VIRTUAL_NETWORK else ()
        return union(span for spans in (known, *parts) for span in spans) if parts else known

    def upper(self, open_set: OpenSet) -> Spans:
        """Addresses that may belong to the set; it holds ``lower``."""
        bound = self._bound(open_set)
        for holder in open_set.closure() - {open_set.key}:
            known = self.closed.get(holder)
            bound = common(bound, self._bound(open_tag(holder)) if known is None else known)
        return union((*bound, *self.lower(open_set)))

    def _bound(self, open_set: OpenSet) -> Spans:
        match open_set.kind:
            case SetKind.INTERNET:
                # Outside the virtual network and reachable from the internet (service tags overview).
                return minus(PUBLIC_ADDRESSES, self.vnet)
            case SetKind.PUBLIC_TAG:
                return PUBLIC_ADDRESSES
            case SetKind.ODD_RULE:
                return open_set.bound
            case SetKind.SECURITY_GROUP:
                return self.closed.get(VIRTUAL_NETWORK, EVERY_ADDRESS)
            case _:
                return EVERY_ADDRESS

    def reach(self, addresses: Spans, sets: Iterable[OpenSet]) -> Spans:
        """Every address that is listed or that one of ``sets`` may hold."""
        return union((*addresses, *(span for open_set in sets for span in self.upper(open_set))))


def ids_of_namesakes(sets: Iterable[OpenSet]) -> dict[str, str]:
    """By key the ids of security groups that share their name with another set."""
    by_key = {open_set.key: open_set for open_set in sets}
    times = Counter(open_set.name.lower() for open_set in by_key.values())
    return {key: s.id for key, s in by_key.items() if s.id and times[s.name.lower()] > 1}


NOTHING_GIVEN: Final = Tags(closed=MappingProxyType({}))


def apart_from(sets: Iterable[OpenSet]) -> str | None:
    """Which of ``Internet`` and ``VirtualNetwork`` holds nothing that lies in ``sets``, all of the other."""
    other = {INTERNET: VIRTUAL_NETWORK, VIRTUAL_NETWORK: INTERNET}
    keys = {open_set.key for open_set in sets}
    return other.get(keys.pop()) if len(keys) == 1 else None


def known_tags(prefixes: Mapping[str, Iterable[Spans]]) -> dict[str, Spans]:
    """``closed`` of ``Tags`` from the spans of each tag's prefixes, by whatever spelling of its name."""
    return {
        tag_key(name): union(span for spans in listed for span in spans) for name, listed in prefixes.items()
    }
