"""NSG that keeps the servers of its subnet from Azure Key Vault.

*What it finds.* A subnet delegated to ``Microsoft.DBforPostgreSQL/flexibleServers`` in which a server is
encrypted with a customer's key, and whose NSG denies TCP 443 outbound to the service tag ``AzureKeyVault``
of the subnet's region. A rule for the region's tag, for ``AzureKeyVault``, for ``Internet`` or for
everything lets it pass, and so do the default rules. What these rules leave open is unknown, and so is a
denial where it is not known whose key a server uses. Only IPv4 is asked about.

*Why it matters.* The service fetches the key again and again. When it cannot, the server becomes
``Inaccessible`` and every connection is refused until the key can be reached and is validated again.

*What the change does.* Nothing is changed: where the vault is, and whether it is reached by its public
addresses or by a private endpoint in the virtual network, is nothing that the reading says. Allow the tag,
narrowed to the vault's region, from the subnet's prefixes ahead of the deny; the alert shows such a rule.

*What it may break.* The rule shown only adds. Where the vault has a private endpoint the finding does not
hold: exempt the subnet, with that reason.

*References.* Data encryption with customer-managed keys of Azure Database for PostgreSQL (the way to the
vault is the customer's duty); Virtual network service tags.
"""

from __future__ import annotations

from typing import Final

from shared.model import Aspect, Edit, Finding, Kind, Safety, Severity, SubnetSnapshot
from shared.nsg import NoFix
from shared.posture.controls import MCSB
from shared.posture.findings import is_drift
from shared.posture.policy import SUBNETS, Assessment, Policy
from shared.posture.service_questions import (
    CUSTOMER_KEY,
    KEY_VAULT,
    Service,
    finding_where_needed,
    in_region,
    letting_pass,
    service_traffic,
)
from shared.posture.subnet_questions import About, sharing_note
from shared.posture.subnet_rules import puts

ABOUT: Final = About(
    policy="nsg-blocks-key-vault-outbound", severity=Severity.HIGH, rule_name="driftward-key-vault"
)


def evaluate(subnet: SubnetSnapshot) -> Finding:
    return finding_where_needed(_vault(subnet), subnet, CUSTOMER_KEY)


def suggest(found: Finding, subnet: SubnetSnapshot) -> tuple[Edit, ...]:
    """The rule for all of the tag; nothing without room for it."""
    group = subnet.security_group
    if not is_drift(found) or group is None:
        return ()
    proposed = letting_pass(_vault(subnet), subnet)
    return () if isinstance(proposed, NoFix) else puts(group, proposed.rules)


def assess(subnet: SubnetSnapshot, _baseline: SubnetSnapshot | None) -> Assessment:
    return Assessment(safety=Safety.MANUAL, notes=sharing_note(subnet))


def _vault(subnet: SubnetSnapshot) -> Service:
    return Service(about=ABOUT, tag=KEY_VAULT, asked=in_region(KEY_VAULT, subnet.location))


POLICY: Policy[SubnetSnapshot] = Policy(
    id=ABOUT.policy,
    title="An NSG blocks Azure Key Vault outbound from a PostgreSQL subnet",
    kind=Kind.CONNECTIVITY,
    targets=SUBNETS,
    severity=ABOUT.severity,
    reads=frozenset({Aspect.SUBNET, Aspect.SECURITY_GROUP, Aspect.SUBNET_SERVERS, Aspect.VIRTUAL_NETWORK}),
    controls=(MCSB.NS_1,),
    evaluate=evaluate,
    assess=assess,
    forbidden=service_traffic,
    suggest=suggest,
    order=64,
    why="The servers of this subnet cannot fetch their encryption key and will refuse every connection.",
)
