"""What each write that a remediator role holds lets its holder do, beside the one thing that Driftward does.

Rows with their source: the fields that a PATCH or PUT of the resource takes, as Azure's REST reference and
the models of its SDKs have them. Whoever can act as Driftward's identity can do all of it.
"""

from __future__ import annotations

from typing import Final

from local.pages.markdown import code, link, table
from shared.model.values import value

_REST: Final = "https://learn.microsoft.com/en-us/rest/api"
_LEARN: Final = "https://learn.microsoft.com/en-us/azure"
_POSTGRES: Final = "Microsoft.DBforPostgreSQL"
_WIRE: Final = "tests/adapters/test_arm_writes.py"


@value
class Power:
    """An action: what Driftward does with it, what else it allows, and where that is written."""

    action: str
    used_for: str
    allows: str
    source: str


_FLEXIBLE: Final = (
    "by PATCH: a new password for the administrator (`administratorLoginPassword`), who may sign in and in "
    "what way (`authConfig`), public access and the private DNS zone (`network`), SKU and storage, the "
    "major version (`version`: no way back), high availability, backup retention, the maintenance window, "
    "the key of the encryption and the identity that reads it (`dataEncryption`, `identity`), FIPS mode, "
    "the cluster's size, the promotion of a replica (`replica`), tags. By PUT, with `createMode`: a server "
    "of one's own with the data of another (`PointInTimeRestore`, `GeoRestore`, `Replica`, "
    "`ReviveDropped`), or an empty one"
)
_SINGLE: Final = (
    "a new password for the administrator, public access, whether TLS is asked for and which version, SKU, "
    "storage and backup, tags; by PUT a restore or a replica"
)
_PARAMETERS: Final = (
    "any parameter of the server: `require_secure_transport` off, logging and `pgaudit` off, "
    "`azure.extensions`, `shared_preload_libraries`, limits that make it refuse connections"
)
_RULES: Final = (
    "a rule for any range, the whole Internet and all of Azure among them; another range under a known name"
)
POWERS: Final = (
    Power(
        action=f"{_POSTGRES}/flexibleServers/write",
        used_for="a PATCH of `network.publicNetworkAccess` and nothing else",
        allows=_FLEXIBLE,
        source=f"{_REST}/postgresql/servers/update",
    ),
    Power(
        action=f"{_POSTGRES}/servers/write",
        used_for="a PATCH of `publicNetworkAccess`, or of `sslEnforcement` and `minimalTlsVersion`",
        allows=_SINGLE,
        source=f"{_REST}/postgresql(singleserver)/servers/update",
    ),
    Power(
        action=f"{_POSTGRES}/flexibleServers/configurations/write",
        used_for="the value of one parameter that a policy names",
        allows=_PARAMETERS,
        source=f"{_REST}/postgresql/configurations/update",
    ),
    Power(
        action=f"{_POSTGRES}/servers/configurations/write",
        used_for="the value of one parameter that a policy names",
        allows=_PARAMETERS,
        source=f"{_REST}/postgresql(singleserver)/configurations/create-or-update",
    ),
    Power(
        action=f"{_POSTGRES}/flexibleServers/firewallRules/write",
        used_for="putting back a rule that was there: a rollback, or the good rule before the hole is shut",
        allows=_RULES,
        source=f"{_REST}/postgresql/firewall-rules/create-or-update",
    ),
    Power(
        action=f"{_POSTGRES}/flexibleServers/firewallRules/delete",
        used_for="deleting one rule that a policy forbids",
        allows="deleting the last way in: an outage of everything that comes by the public address",
        source=f"{_REST}/postgresql/firewall-rules/delete",
    ),
    Power(
        action=f"{_POSTGRES}/servers/firewallRules/write",
        used_for="putting back a rule that was there",
        allows=_RULES,
        source=f"{_REST}/postgresql(singleserver)/firewall-rules/create-or-update",
    ),
    Power(
        action=f"{_POSTGRES}/servers/firewallRules/delete",
        used_for="deleting one rule that a policy forbids",
        allows="deleting the last way in",
        source=f"{_REST}/postgresql(singleserver)/firewall-rules/delete",
    ),
    Power(
        action="Microsoft.Network/networkSecurityGroups/securityRules/write",
        used_for="one rule, on condition that it is as it was read (`If-Match`)",
        allows=(
            "an allow or a deny of any traffic at any priority, in every NSG of the scope and so for every "
            "subnet and interface that has it, databases or not"
        ),
        source=f"{_REST}/virtualnetwork/security-rules/create-or-update",
    ),
    Power(
        action="Microsoft.Network/networkSecurityGroups/securityRules/delete",
        used_for="one rule that a policy wrote or forbids, by the etag that was read",
        allows="taking away any deny, which opens, and any allow, which cuts off",
        source=f"{_REST}/virtualnetwork/security-rules/delete",
    ),
)


def further_powers() -> list[str]:
    """The section, as blocks of Markdown."""
    rows = ((one.used_for, code(one.action), f"{one.allows} ({_link(one.source)})") for one in POWERS)
    return [
        "## What else these writes can do",
        "Azure's roles stop at the action: there is no right to write one property of a resource, and "
        f"{link('conditions', f'{_LEARN}/role-based-access-control/conditions-overview')} on role "
        "assignments are for storage and for role assignments themselves. So a role that lets Driftward "
        "close public access lets whoever can act as its identity do everything that the same write does. "
        "What Driftward does with it stands first; last what its code does not do and the role does not "
        "prevent.",
        table(("what Driftward does", "the action it takes", "which also allows"), rows),
        "### What holds it narrow",
        "- **The code.** The body of every write is asserted on the wire: closing public access is exactly "
        f"one property (`{_WIRE}::test_closing_a_flexible_server_is_exactly_one_property_on_the_wire`, "
        "`::test_closing_a_single_server_is_exactly_one_property_on_the_wire`), a security rule is "
        "replaced and deleted by the etag that was read "
        "(`::test_a_rule_is_replaced_and_deleted_by_the_etag_that_was_read`).",
        "- **The assignment.** Assign the remediators on the resource groups that may be reverted, not on "
        "the subscription; the reader alone elsewhere. Restarting, stopping and deleting servers, Entra "
        "administrators, subnets, NSG assignments, DNS and locks are in no role of Driftward.",
        "- **The identity.** A system-assigned managed identity has no secret that could be copied; "
        "whoever may deploy code to the app, or change its settings, acts as it. Guard that as you guard "
        "the databases ([threat model](threat-model.md)).",
        "- **Azure Policy.** A `deny` looks at what is written, whoever writes it "
        f"({_link(f'{_LEARN}/governance/policy/concepts/effect-deny')}): one that denies "
        "`publicNetworkAccess: Enabled` or wide firewall rules binds this identity too, and Driftward's "
        "reverts pass it where they close. `denyAction` stops deletes only "
        f"({_link(f'{_LEARN}/governance/policy/concepts/effect-deny-action')}); on firewall rules it would "
        "stop the deletions that shut a hole.",
        "- **The record.** `driftward verify-journal` names every write in the Activity Log by this "
        "identity that is no change of the journal. It is told, not stopped.",
    ]


def _link(source: str) -> str:
    return link("source", source.replace("(", "%28").replace(")", "%29"))
