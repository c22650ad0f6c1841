"""Who denied a flow, and what can be done about it, by the name that the log gives the rule.

A rule of an NSG is logged with a prefix; one of Azure Virtual Network Manager, which is evaluated before any
NSG, by its bare name; what virtual network encryption dropped as ``unspecified``. Sources: MicrosoftDocs/
azure-docs, ``articles/network-watcher/vnet-flow-logs-overview.md`` (2025-02-04: the log format, the sample
record) and ``articles/virtual-network-manager/concept-virtual-network-flow-logs.md``.

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Final

PREFIXES: Final = ("UserRule_", "DefaultRule_")
_FOLDED: Final = tuple(prefix.lower() for prefix in PREFIXES)
_NO_RULE: Final = "unspecified"
_DROPPING: Final = frozenset({"NX_SW_NOT_READY", "NX_NOT_ACCEPTED", "NX_NOT_SUPPORTED"})
"""The states of virtual network encryption in which the packet is dropped (virtual network flow logs)."""


class Denier(StrEnum):
    NSG = "nsg"
    ADMIN_RULE = "adminRule"
    """A security admin rule of Azure Virtual Network Manager."""
    ENCRYPTION = "encryption"
    """Virtual network encryption."""
    UNNAMED = "unnamed"
    """The log of a virtual network names nobody."""


@lru_cache(maxsize=1 << 12)
def denier(rule: str, encryption: str) -> Denier:
    """Who denied, by the rule as the log names it and the state of encryption.

    In the log of an NSG, which has no state of encryption, nobody else can have denied without a name.
    """
    named = rule.strip().lower()
    if encryption in _DROPPING or named == _NO_RULE:
        return Denier.ENCRYPTION
    if not named:
        return Denier.UNNAMED if encryption else Denier.NSG
    return Denier.NSG if named.startswith(_FOLDED) else Denier.ADMIN_RULE


def bare(rule: str) -> str:
    """The name of an NSG's rule without the prefix that the log gives it."""
    prefix = next((prefix for prefix in PREFIXES if rule.lower().startswith(prefix.lower())), "")
    return rule[len(prefix) :]


WHAT_TO_DO: Final[Mapping[Denier, str]] = {
    Denier.NSG: "",
    Denier.ADMIN_RULE: (
        "a security admin rule of Azure Virtual Network Manager denied it, before any NSG was asked, so no "
        "NSG rule helps. In the network manager, change that admin rule, or add one that allows the traffic "
        "at a lower priority number to the network group's security admin configuration, and deploy it; "
        "after that the NSG decides"
    ),
    Denier.ENCRYPTION: (
        "virtual network encryption dropped it, no rule did, so no NSG rule helps. Look at the encryption "
        "setting of the network: unencrypted traffic passes where its enforcement is AllowUnencrypted, "
        "NX_SW_NOT_READY passes by itself within minutes, what stays is for Azure's support"
    ),
    Denier.UNNAMED: (
        "the log does not name who denied it, so no NSG rule is known to help: look at the security admin "
        "rules of the network group in Azure Virtual Network Manager and at the encryption setting of the "
        "virtual network"
    ),
}
"""In a sentence; of an NSG's denials the rules to add are told instead."""


def about_denier(by: Denier, rules: str) -> str:
    """One line for a whole log; ``rules`` are those that the log names."""
    match by:
        case Denier.NSG:
            return ""
        case Denier.ADMIN_RULE:
            return (
                f"{rules}: security admin rules of Azure Virtual Network Manager, which no NSG rule overrides"
            )
        case Denier.ENCRYPTION:
            return "virtual network encryption dropped some of the flows: no NSG rule admits them"
        case Denier.UNNAMED:
            return "of some flows the log does not name who denied them"
