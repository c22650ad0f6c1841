"""PostgreSQL flexible server that accepts passwords where only Microsoft Entra sign-in is wanted.

*What it finds.* A flexible server with ``authConfig.passwordAuth`` Enabled, in a scope whose ``entraOnly`` is
true. Out of the box no scope asks for it: then there is nothing to find.

*Why it matters.* A password needs no device, no second factor and no living account: whoever has it and can
reach the server is in, and conditional access never hears of it.

*What the change does.* None is made: it would lock out every role that signs in with a password. A person
maps those roles to Microsoft Entra first and then turns passwords off.

*What it may break.* Turning passwords off ends new sessions of every role that has no Entra identity, the
administrator login that was given at creation among them.

*References.* Microsoft Entra authentication with Azure Database for PostgreSQL.
"""

from __future__ import annotations

from typing import Final

from shared.model import Finding, Kind, ServerSnapshot, Severity
from shared.posture.controls import AZURE_POLICY, CIS_DATABASES_2_0, MCSB
from shared.posture.findings import Judged, beside_the_point, compliant, drifted, finding
from shared.posture.policy import FLEXIBLE_SERVERS, SERVER_ALONE, Parameter, Policy
from shared.posture.server_findings import az, sign_in_facts, unsaid, wrong_switch
from shared.posture.server_steps import entra_steps

ID: Final = "postgres-password-sign-in-on"
SEVERITY: Final = Severity.MEDIUM
_ADMINISTRATOR: Final = "see that there is a Microsoft Entra administrator"
_ROLES: Final = (
    "map the roles that sign in with a password to Microsoft Entra: the next step locks out the rest"
)


def evaluate(server: ServerSnapshot, *, entra_only: bool) -> Finding:
    facts = {"entraOnly": entra_only, **sign_in_facts(server)}
    return finding(ID, SEVERITY, server, _judge(server, entra_only), facts)


def _judge(server: ServerSnapshot, entra_only: bool) -> Judged:
    if not entra_only:
        return beside_the_point("this scope does not ask for Microsoft Entra sign-in only (entraOnly)")
    match server.sign_in.passwords:
        case False:
            return compliant("passwords are not accepted")
        case True:
            return drifted(
                "passwords are accepted, and this scope wants Microsoft Entra sign-in only",
                fingerprint="passwordAuth=Enabled",
                what_to_do=_remedy(server),
            )
        case None:
            return unsaid(server, "authConfig.passwordAuth")


def _remedy(server: ServerSnapshot) -> tuple[str, ...]:
    """Without Entra sign-in and an administrator, turning passwords off would leave nobody a way in."""
    entra = () if server.sign_in.entra else entra_steps(server)
    seen = () if server.administrators or entra else (_ADMINISTRATOR,)
    return (*entra, *seen, _ROLES, az(server, "update", "--password-auth Disabled"))


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="A PostgreSQL server accepts passwords where only Microsoft Entra is wanted",
    kind=Kind.SETTING,
    targets=FLEXIBLE_SERVERS,
    severity=SEVERITY,
    reads=SERVER_ALONE,
    controls=(CIS_DATABASES_2_0.P_6_2, AZURE_POLICY.ENTRA_ONLY_FLEXIBLE, MCSB.IM_1),
    evaluate=evaluate,
    parameters=(
        Parameter(
            name="entraOnly",
            default=False,
            description="Whether servers here are to accept Microsoft Entra sign-in only.",
            check=wrong_switch,
            example=True,
        ),
    ),
    why="A database password that leaks works from anywhere that reaches the server, past every "
    "second factor.",
)
