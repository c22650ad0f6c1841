"""PostgreSQL firewall rules that sleep while public access is off.

*What it finds.* Any firewall rule of a flexible or single server whose public network access is
disabled, 0.0.0.0–0.0.0.0 and 0.0.0.0–255.255.255.255 included. Such rules admit nobody now; Azure keeps
them and enforces them again with the next enabling. Where it is not known whether public access is
off, it is not known whether the rules sleep. A rule for private or reserved addresses alone would admit
nobody then either, and is none.

*Why it matters.* Whoever enables public access, even for an hour and for one address, reopens every old
hole at the same moment.

*What the change does.* None is made: Azure refuses to write or delete firewall rules while public access
is off, and opening a server in order to tidy it up is for its owner to decide. The alert lists what
would be admitted again. Delete the rules with the next enabling, or before public access is disabled.

*What it may break.* Deleting a dormant rule cuts off nobody now; its clients are missed once public
access is on again.

*References.* Private Link for Azure Database for PostgreSQL, combined with firewall rules; firewall
rules in Azure Database for PostgreSQL. No framework among the project's controls states it.
"""

from __future__ import annotations

from shared.model import Aspect, Finding, FirewallRule, Kind, PublicAccess, ServerSnapshot, Severity
from shared.posture.findings import Facts, Judged, compliant, drifted, finding, unknown
from shared.posture.firewall import (
    admitted_by,
    by_name,
    named,
    ranges_print,
    reaching_nobody,
    shown,
    without_effect,
)
from shared.posture.firewall_steps import CLOSED, WITH_THE_NEXT_ENABLING
from shared.posture.odd_rules import beside_odd, odd_evidence
from shared.posture.policy import ALL_SERVERS, Policy
from shared.posture.traffic import PUBLIC_ADDRESSES, public_sources
from shared.posture.unread import unread_reason

ID = "postgres-firewall-dormant-rules"
SEVERITY = Severity.LOW


def evaluate(server: ServerSnapshot) -> Finding:
    return finding(ID, SEVERITY, server, _judge(server), _facts(server))


def _judge(server: ServerSnapshot) -> Judged:
    if server.vnet_integrated:
        return compliant("the server is VNet-integrated: its public access cannot be enabled")
    if server.public_access is PublicAccess.ENABLED:
        return compliant("public network access is enabled: no firewall rule is dormant")
    if server.firewall_rules is None:
        return unknown(unread_reason(server, Aspect.FIREWALL_RULES))
    return beside_odd(_of_readable(server), server, server.odd_rules, "a firewall rule is dormant")


def _of_readable(server: ServerSnapshot) -> Judged:
    opening = _opening(server)
    if not opening:
        idle = without_effect(server)
        return compliant(
            f"no firewall rule would admit anybody{idle}" if idle else "there are no firewall rules"
        )
    rules = f"firewall rule {named(opening)}"
    if server.public_access is PublicAccess.UNKNOWN:
        return unknown(f"whether {rules} is dormant is unknown, as is publicNetworkAccess")
    opens = f"{rules} is dormant: it is in force again with the next enabling"
    return drifted(opens, ranges_print(opening), what_to_do=WITH_THE_NEXT_ENABLING)


def _opening(server: ServerSnapshot) -> tuple[FirewallRule, ...]:
    """The rules that would admit somebody."""
    rules = by_name(server.firewall_rules or ())
    idle = reaching_nobody(rules)
    return tuple(rule for rule in rules if rule not in idle)


def _facts(server: ServerSnapshot) -> Facts:
    rules = by_name(server.firewall_rules or ())
    dormant = server.public_access is PublicAccess.DISABLED and not server.vnet_integrated
    return {
        "rules": [shown(rule) for rule in rules],
        "opensAgain": public_sources(server).describe() if dormant else [],
        "opensWholeInternet": dormant and PUBLIC_ADDRESSES.within(admitted_by(rules)),
        **odd_evidence(server),
    }


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="Firewall rules are dormant and open again with public access",
    kind=Kind.TIGHTENING,
    targets=ALL_SERVERS,
    severity=SEVERITY,
    reads=frozenset({Aspect.SERVER, Aspect.FIREWALL_RULES, Aspect.VIRTUAL_NETWORK_RULES}),
    evaluate=evaluate,
    no_command=CLOSED,
    why="Whoever enables public access, for whatever reason, reopens every one of these ranges at once.",
)
