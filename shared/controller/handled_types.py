"""The one table of what is handled: resource types, what their events name and what those may change.

The mapping of an event, the filter of the Event Grid subscription and docs/events.md are made from it.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from shared.model import Aspect, LocatorKind, TargetKind
from shared.model.values import value

Named: TypeAlias = TargetKind | LocatorKind
"""What an event names: a target, or something from which targets are found."""


@value
class Operations:
    """Operations below a resource type, as ``write`` or ``firewallRules/write``, and what they may change."""

    names: tuple[str, ...]
    changes: frozenset[Aspect]


@value
class Handled:
    """A resource type whose events are looked at."""

    type: str
    """In Azure's spelling."""
    names: Named | None
    """None: the resource that it hangs on (a lock, a diagnostic setting, tags)."""
    operations: tuple[Operations, ...]
    """What is known to matter to the policies."""
    whole: bool = True
    """Whether every other operation below the type counts as well."""
    on_group: bool = False
    """Whether it concerns everything in a resource group when it hangs on the group."""

    def covers(self, operation: str) -> bool:
        """Whether ``operation``, in lower case, is one of this type."""
        if self.whole:
            return operation.startswith(f"{self.type.lower()}/")
        return operation in {name.lower() for name in self.operation_names}

    @property
    def operation_names(self) -> tuple[str, ...]:
        """The full names of the listed operations."""
        return tuple(f"{self.type}/{name}" for listed in self.operations for name in listed.names)


def _written(*children: str, changes: tuple[Aspect, ...]) -> Operations:
    """Writing and deleting the type itself (``""``) or its children."""
    names = (f"{child}/{verb}" if child else verb for child in children for verb in ("write", "delete"))
    return Operations(names=tuple(names), changes=frozenset(changes))


def _done(*names: str, changes: tuple[Aspect, ...]) -> Operations:
    return Operations(names=names, changes=frozenset(changes))


HANDLED: Final[tuple[Handled, ...]] = (
    Handled(
        type="Microsoft.DBforPostgreSQL/flexibleServers",
        names=TargetKind.FLEXIBLE_SERVER,
        operations=(
            _written("", changes=(Aspect.SERVER, Aspect.PARAMETERS)),
            _done(
                "restart/action", "start/action", "stop/action", changes=(Aspect.SERVER, Aspect.PARAMETERS)
            ),
            _done("migrateNetwork/action", changes=(Aspect.SERVER, Aspect.PRIVATE_DNS)),
            _written("firewallRules", changes=(Aspect.FIREWALL_RULES,)),
            _done("configurations/write", changes=(Aspect.PARAMETERS,)),
            _written("administrators", changes=(Aspect.ADMINISTRATORS,)),
            _written("privateEndpointConnections", changes=(Aspect.SERVER, Aspect.PRIVATE_DNS)),
            _done("advancedThreatProtectionSettings/write", changes=(Aspect.THREAT_PROTECTION,)),
        ),
    ),
    Handled(
        type="Microsoft.DBforPostgreSQL/servers",
        names=TargetKind.SINGLE_SERVER,
        operations=(
            _written("", changes=(Aspect.SERVER,)),
            _done("restart/action", changes=(Aspect.SERVER, Aspect.PARAMETERS)),
            _written("firewallRules", changes=(Aspect.FIREWALL_RULES,)),
            _written("virtualNetworkRules", changes=(Aspect.VIRTUAL_NETWORK_RULES,)),
            _done("configurations/write", "updateConfigurations/action", changes=(Aspect.PARAMETERS,)),
            _written("administrators", changes=(Aspect.ADMINISTRATORS,)),
            _written("privateEndpointConnections", changes=(Aspect.SERVER, Aspect.PRIVATE_DNS)),
            _done("securityAlertPolicies/write", changes=(Aspect.THREAT_PROTECTION,)),
            _written("keys", changes=(Aspect.SERVER,)),
        ),
    ),
    Handled(
        type="Microsoft.Network/virtualNetworks/subnets",
        names=TargetKind.SUBNET,
        operations=(
            _written(
                "", changes=(Aspect.SUBNET, Aspect.SECURITY_GROUP, Aspect.ROUTES, Aspect.SUBNET_ENDPOINTS)
            ),
        ),
    ),
    Handled(
        type="Microsoft.Network/virtualNetworks",
        names=LocatorKind.VIRTUAL_NETWORK,
        operations=(
            # Its subnets are inline in it, and its DNS servers decide what names resolve to.
            _written(
                "",
                changes=(
                    Aspect.VIRTUAL_NETWORK,
                    Aspect.SUBNET,
                    Aspect.SECURITY_GROUP,
                    Aspect.ROUTES,
                    Aspect.PRIVATE_DNS,
                ),
            ),
            _written("virtualNetworkPeerings", changes=(Aspect.VIRTUAL_NETWORK,)),
        ),
    ),
    Handled(
        type="Microsoft.Network/networkSecurityGroups",
        names=LocatorKind.NSG,
        operations=(
            _written("", "securityRules", changes=(Aspect.SECURITY_GROUP,)),
            # Azure documents no write of a default rule; should one appear, it is looked at.
            _done("defaultSecurityRules/write", changes=(Aspect.SECURITY_GROUP,)),
        ),
    ),
    Handled(
        type="Microsoft.Network/routeTables",
        names=LocatorKind.ROUTE_TABLE,
        operations=(_written("", "routes", changes=(Aspect.ROUTES,)),),
    ),
    Handled(
        type="Microsoft.Network/privateEndpoints",
        names=LocatorKind.PRIVATE_ENDPOINT,
        operations=(
            _written("", changes=(Aspect.SERVER, Aspect.PRIVATE_DNS, Aspect.SUBNET_ENDPOINTS)),
            _written("privateDnsZoneGroups", changes=(Aspect.PRIVATE_DNS,)),
        ),
    ),
    Handled(
        type="Microsoft.Network/privateDnsZones",
        names=LocatorKind.PRIVATE_DNS_ZONE,
        operations=(
            _written("", "A", "AAAA", "CNAME", "virtualNetworkLinks", changes=(Aspect.PRIVATE_DNS,)),
        ),
    ),
    Handled(
        type="Microsoft.Authorization/locks",
        names=None,
        operations=(_written("", changes=(Aspect.DNS_LOCKS, Aspect.NETWORK_LOCKS)),),
        on_group=True,
    ),
    Handled(
        type="Microsoft.Insights/diagnosticSettings",
        names=None,
        operations=(_written("", changes=(Aspect.DIAGNOSTIC_SETTINGS,)),),
    ),
    # Defender's own way to the same switch; single resources are also set through it (Microsoft.Security).
    Handled(
        type="Microsoft.Security/advancedThreatProtectionSettings",
        names=None,
        operations=(_done("write", changes=(Aspect.THREAT_PROTECTION,)),),
    ),
    # Tags decide which scope of policies.yaml holds; on a group or a subscription they are not inherited.
    Handled(
        type="Microsoft.Resources/tags",
        names=None,
        operations=(_written("", changes=(Aspect.SERVER,)),),
    ),
    Handled(
        type="Microsoft.Resources/subscriptions/resourceGroups",
        names=LocatorKind.SCOPE,
        operations=(_done("delete", "moveResources/action", changes=(Aspect.SERVER, Aspect.SUBNET)),),
        whole=False,
    ),
)
"""What is handled, the more specific type first."""


def operation_prefixes() -> tuple[str, ...]:
    """What the name of a handled operation begins with, in Azure's spelling: the filter of the subscription.

    An operation that begins with none of these is ignored by ``map_event`` as well.
    """
    wanted = [
        prefix for row in HANDLED for prefix in ([f"{row.type}/"] if row.whole else row.operation_names)
    ]
    return tuple(one for one in wanted if not any(one != other and one.startswith(other) for other in wanted))
