"""The ARM actions that a policy needs, told from what it reads and which edits it can make.

What a reading asks for hangs on the aspect and the kind of target; what an edit asks for, on its type and
the kind. Both begin operations, and following one is a read of its own. A policy that needs more than this
says so itself (``further_permissions``). Pure data, and the look-up in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from shared.model import (
    Aspect,
    DeleteFirewallRule,
    DeleteSecurityRule,
    Edit,
    PutFirewallRule,
    PutSecurityRule,
    SetParameter,
    SetPublicAccess,
    SetServerTls,
    TargetKind,
)

_POSTGRES: Final = "Microsoft.DBforPostgreSQL"
_NETWORK: Final = "Microsoft.Network"
_FLEXIBLE: Final = f"{_POSTGRES}/flexibleServers"
_SINGLE: Final = f"{_POSTGRES}/servers"
_GROUPS: Final = f"{_NETWORK}/networkSecurityGroups"
_ZONES: Final = f"{_NETWORK}/privateDnsZones"

_ADMIN_RULES: Final = f"{_NETWORK}/virtualNetworks/listNetworkManagerEffectiveSecurityAdminRules/action"
"""A list, which Azure gives out to a POST alone."""

_ByKind = Mapping[TargetKind, tuple[str, ...]]


def _servers(flexible: str, single: str) -> _ByKind:
    """An action below the server itself, by the kind of server; ``""`` where a kind has no such thing."""
    named = {
        TargetKind.FLEXIBLE_SERVER: flexible and f"{_FLEXIBLE}/{flexible}",
        TargetKind.SINGLE_SERVER: single and f"{_SINGLE}/{single}",
    }
    return {kind: (action,) for kind, action in named.items() if action}


def _everywhere(*actions: str) -> _ByKind:
    return dict.fromkeys(TargetKind, actions)


_READING: Final[Mapping[Aspect, _ByKind]] = {
    Aspect.SERVER: _servers("read", "read"),
    Aspect.FIREWALL_RULES: _servers("firewallRules/read", "firewallRules/read"),
    Aspect.VIRTUAL_NETWORK_RULES: _servers("", "virtualNetworkRules/read"),
    Aspect.PARAMETERS: _servers("configurations/read", "configurations/read"),
    Aspect.ADMINISTRATORS: _servers("administrators/read", "administrators/read"),
    Aspect.THREAT_PROTECTION: _servers("advancedThreatProtectionSettings/read", "securityAlertPolicies/read"),
    Aspect.DIAGNOSTIC_SETTINGS: _everywhere("Microsoft.Insights/diagnosticSettings/read"),
    Aspect.HEALTH: _everywhere(
        "Microsoft.ResourceHealth/availabilityStatuses/read",
        "Microsoft.ResourceHealth/availabilityStatuses/current/read",
    ),
    Aspect.PRIVATE_DNS: _everywhere(
        f"{_NETWORK}/privateEndpoints/read",
        f"{_NETWORK}/privateEndpoints/privateDnsZoneGroups/read",
        f"{_NETWORK}/virtualNetworks/read",
        f"{_ZONES}/read",
        f"{_ZONES}/virtualNetworkLinks/read",
        f"{_ZONES}/A/read",
    ),
    Aspect.DNS_LOCKS: _everywhere("Microsoft.Authorization/locks/read"),
    Aspect.SUBNET: _everywhere(
        f"{_NETWORK}/virtualNetworks/read", f"{_NETWORK}/virtualNetworks/subnets/read"
    ),
    Aspect.SECURITY_GROUP: _everywhere(
        f"{_GROUPS}/read", f"{_GROUPS}/securityRules/read", f"{_GROUPS}/defaultSecurityRules/read"
    ),
    Aspect.SUBNET_SERVERS: _everywhere(f"{_FLEXIBLE}/read", f"{_FLEXIBLE}/configurations/read"),
    Aspect.SUBNET_REPLICAS: _everywhere(f"{_FLEXIBLE}/replicas/read"),
    Aspect.SUBNET_ENDPOINTS: _everywhere(
        f"{_NETWORK}/privateEndpoints/read", f"{_NETWORK}/networkInterfaces/read"
    ),
    Aspect.ROUTES: _everywhere(f"{_NETWORK}/routeTables/read"),
    Aspect.VIRTUAL_NETWORK: _everywhere(f"{_NETWORK}/virtualNetworks/read"),
    Aspect.ADMIN_RULES: _everywhere(_ADMIN_RULES),
    Aspect.NETWORK_LOCKS: _everywhere("Microsoft.Authorization/locks/read"),
    Aspect.PLACES: _everywhere(
        f"{_NETWORK}/virtualNetworks/read",
        f"{_NETWORK}/virtualNetworks/subnets/read",
        _ADMIN_RULES,
        f"{_NETWORK}/privateEndpoints/read",
        f"{_NETWORK}/networkInterfaces/read",
        f"{_NETWORK}/routeTables/read",
        *(f"{_GROUPS}/{what}" for what in ("read", "securityRules/read", "defaultSecurityRules/read")),
    ),
    Aspect.ANY_SUBNET: {},
}

_WRITING: Final[Mapping[type[Edit], _ByKind]] = {
    SetPublicAccess: _servers("write", "write"),
    SetServerTls: _servers("", "write"),
    SetParameter: _servers("configurations/write", "configurations/write"),
    PutFirewallRule: _servers("firewallRules/write", "firewallRules/write"),
    DeleteFirewallRule: _servers("firewallRules/delete", "firewallRules/delete"),
    PutSecurityRule: {TargetKind.SUBNET: (f"{_GROUPS}/securityRules/write",)},
    DeleteSecurityRule: {TargetKind.SUBNET: (f"{_GROUPS}/securityRules/delete",)},
}

_FOLLOWING_POSTGRES: Final = (
    f"{_POSTGRES}/locations/azureAsyncOperation/read",
    f"{_POSTGRES}/locations/operationResults/read",
)
_FOLLOWING: Final[_ByKind] = {
    TargetKind.FLEXIBLE_SERVER: _FOLLOWING_POSTGRES,
    TargetKind.SINGLE_SERVER: _FOLLOWING_POSTGRES,
    TargetKind.SUBNET: (
        f"{_NETWORK}/locations/operations/read",
        f"{_NETWORK}/locations/operationResults/read",
    ),
}
"""Following the operation that a write begins."""

_DEPENDANTS: Final[_ByKind] = {
    TargetKind.FLEXIBLE_SERVER: (f"{_FLEXIBLE}/configurations/read", f"{_FLEXIBLE}/migrations/read")
}
"""Finding the workloads that may rely on what was found, for the alert."""


def actions_for(
    targets: Collection[TargetKind],
    reads: Collection[Aspect],
    edits: Collection[type[Edit]],
    *,
    shows_dependants: bool = False,
) -> tuple[str, ...]:
    """The actions, each once: reads first, then writes, each in alphabetical order."""
    held = {action for kind in targets for action in _of(kind, reads, edits)}
    held |= {action for kind in targets if shows_dependants for action in _DEPENDANTS.get(kind, ())}
    return in_order(held)


def in_order(actions: Collection[str]) -> tuple[str, ...]:
    """Each action once, reads before writes."""
    return tuple(sorted(set(actions), key=lambda action: (not only_reads(action), action.lower())))


def only_reads(action: str) -> bool:
    """Whether nothing can be changed by it."""
    return action.endswith("/read") or action == _ADMIN_RULES


def _of(kind: TargetKind, reads: Collection[Aspect], edits: Collection[type[Edit]]) -> Iterator[str]:
    for aspect in reads:
        yield from _READING[aspect].get(kind, ())
    for edit in edits:
        yield from _WRITING[edit].get(kind, ())
    if edits:
        yield from _FOLLOWING[kind]
