"""NSG that keeps the servers of its subnet from Microsoft Entra ID.

*What it finds.* A subnet delegated to ``Microsoft.DBforPostgreSQL/flexibleServers`` in which a server has
Microsoft Entra sign-in on, and whose NSG denies TCP 443 outbound to the service tag
``AzureActiveDirectory``. A rule for that tag, for ``Internet`` or for everything lets it pass, and so do
the default rules. What these rules leave open is unknown: whether ``VirtualNetwork`` or ``AzureCloud``
holds Entra ID, whether listed addresses are what it uses. Where it is denied and it is not known whether a
server has Entra sign-in on, that is unknown too. Only IPv4 is asked about.

*Why it matters.* A server asks Entra ID for signing keys and group memberships. Cut off from it, nobody
signs in with a token: applications with managed identities lose the database, and people the way that can
be taken away from them centrally; passwords come back.

*What the change does.* Adds one outbound allow rule from the subnet's own prefixes to the tag
``AzureActiveDirectory``, TCP 443, ahead of every rule that may deny it. No rule is edited, moved or put
back, and the Internet is never opened.

*What it may break.* Nothing that passes now. It asks for approval where the NSG may not be this subnet's
alone, as ``nsg-blocks-postgres-in-subnet`` does. Routes are not judged here: where everything is sent to an
appliance, that may block Entra ID as well.

*References.* Private access networking of Azure Database for PostgreSQL (Microsoft Entra authentication,
outbound to the service tag); Virtual network service tags.
"""

from __future__ import annotations

from typing import Final

from shared.model import Aspect, Change, Finding, Kind, Safety, Severity, SubnetSnapshot
from shared.posture.controls import MCSB
from shared.posture.need_verdicts import judge, service_plan
from shared.posture.needs import by_group_alone, entra
from shared.posture.policy import SUBNETS, Policy, without_caution
from shared.posture.service_questions import service_traffic
from shared.posture.subnet_questions import About
from shared.posture.subnet_rules import RULE_EDITS

ABOUT: Final = About(policy="nsg-blocks-entra-outbound", severity=Severity.HIGH, rule_name="driftward-entra")
SIGN_IN: Final = by_group_alone(entra(ABOUT))
"""Its way is judged by postgres-subnet-routed-through-appliance."""


def evaluate(subnet: SubnetSnapshot) -> Finding:
    return judge(SIGN_IN, subnet)


def plan(found: Finding, subnet: SubnetSnapshot) -> Change | None:
    return service_plan(SIGN_IN, found, subnet)


POLICY: Policy[SubnetSnapshot] = Policy(
    id=ABOUT.policy,
    title="An NSG blocks Microsoft Entra ID outbound from a PostgreSQL subnet",
    kind=Kind.CONNECTIVITY,
    targets=SUBNETS,
    severity=ABOUT.severity,
    safety=Safety.AUTO,
    reads=frozenset({Aspect.SUBNET, Aspect.SECURITY_GROUP, Aspect.SUBNET_SERVERS, Aspect.VIRTUAL_NETWORK}),
    edits=RULE_EDITS,
    controls=(MCSB.NS_1,),
    evaluate=evaluate,
    plan=plan,
    assess=without_caution,
    forbidden=service_traffic,
    order=51,
    why="Nobody can sign in to the servers of this subnet with a Microsoft Entra token.",
)
