"""NSG or route that keeps the servers of its subnet from Azure Key Vault.

*What it finds.* A subnet delegated to ``Microsoft.DBforPostgreSQL/flexibleServers`` in which a server is
encrypted with a customer's key, and whose NSG denies TCP 443 outbound to the service tag ``AzureKeyVault``
of the subnet's region, or whose route table sends all of it nowhere (``None``) without a service endpoint.
A rule for the region's tag, for ``AzureKeyVault``, for ``Internet`` or for everything lets it pass, and so
do the default rules. What rules leave open is unknown, as is whether an appliance on the way lets it pass,
and a denial where it is not known whose key a server uses. Only IPv4 is asked about.

*Why it matters.* The service fetches the key again and again. When it cannot, the server becomes
``Inaccessible`` and every connection is refused until the key can be reached and is validated again.

*What the change does.* Nothing is changed: where the vault is, and whether it is reached by its public
addresses or by a private endpoint in the virtual network, is nothing that the reading says. Allow the tag,
narrowed to the vault's region, from the subnet's prefixes ahead of the deny; the alert shows such a rule,
and of a route that loses it the route for the tag that mends it.

*What it may break.* The rule shown only adds. Where the vault has a private endpoint the finding does not
hold: exempt the subnet, with that reason.

*References.* Data encryption with customer-managed keys of Azure Database for PostgreSQL (the way to the
vault is the customer's duty); Virtual network service tags.
"""

from __future__ import annotations

from typing import Final

from shared.model import Aspect, Edit, Finding, Kind, Safety, Severity, SubnetSnapshot
from shared.posture.controls import MCSB
from shared.posture.need_verdicts import judge, service_suggestion
from shared.posture.needs import key_vault
from shared.posture.policy import SUBNETS, Assessment, Policy
from shared.posture.service_questions import service_traffic
from shared.posture.subnet_questions import About, sharing_note

ABOUT: Final = About(
    policy="nsg-blocks-key-vault-outbound", severity=Severity.HIGH, rule_name="driftward-key-vault"
)


def evaluate(subnet: SubnetSnapshot) -> Finding:
    return judge(key_vault(ABOUT, subnet), subnet)


def suggest(found: Finding, subnet: SubnetSnapshot) -> tuple[Edit, ...]:
    """The rule for all of the tag; nothing without room for it."""
    return service_suggestion(key_vault(ABOUT, subnet), found, subnet)


def assess(subnet: SubnetSnapshot, _baseline: SubnetSnapshot | None) -> Assessment:
    return Assessment(safety=Safety.MANUAL, notes=sharing_note(subnet))


POLICY: Policy[SubnetSnapshot] = Policy(
    id=ABOUT.policy,
    title="An NSG or a route keeps a PostgreSQL subnet from Azure Key Vault",
    kind=Kind.CONNECTIVITY,
    targets=SUBNETS,
    severity=ABOUT.severity,
    reads=frozenset(
        {Aspect.SUBNET, Aspect.SECURITY_GROUP, Aspect.SUBNET_SERVERS, Aspect.ROUTES, Aspect.VIRTUAL_NETWORK}
    ),
    controls=(MCSB.NS_1,),
    evaluate=evaluate,
    assess=assess,
    forbidden=service_traffic,
    suggest=suggest,
    order=64,
    why="The servers of this subnet cannot fetch their encryption key and will refuse every connection.",
)
