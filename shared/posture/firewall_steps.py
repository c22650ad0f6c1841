"""What a person does about firewall rules where we have no edit: narrow them, or wait for the next enabling.

Azure takes no firewall writes while public access is off (azure-cli 2.91.0 refuses them itself,
``validate_public_access_server``), so nothing is printed to be pasted then. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from shared.model import (
    DeleteFirewallRule,
    Edit,
    FirewallRule,
    PublicAccess,
    PutFirewallRule,
    ServerSnapshot,
    Snapshot,
    TargetKind,
)
from shared.posture.server_findings import az
from shared.posture.shell import FLEXIBLE_API, SINGLE_API, options, rest, with_blanks

CLOSED: Final = "Azure refuses firewall writes while public access is off"
WITH_THE_NEXT_ENABLING: Final = (
    "with the next enabling of public network access, right after it, delete these rules: until then they"
    " admit nobody, and Azure refuses to write firewall rules"
)
FIREWALL_NAME: Final = re.compile(r"[a-zA-Z0-9][-_a-zA-Z0-9]{0,79}(?<!-)")
"""azure-cli's own check of a firewall rule's name; ARM allows 128 characters."""

_FIRST: Final = "<first address of its clients>"
_LAST: Final = "<last address of its clients>"


def refused(snapshot: Snapshot, edits: Iterable[Edit]) -> bool:
    """Whether Azure refuses these edits because they write firewall rules that are not in force."""
    closed = isinstance(snapshot, ServerSnapshot) and (
        snapshot.vnet_integrated or snapshot.public_access is PublicAccess.DISABLED
    )
    return closed and any(isinstance(edit, PutFirewallRule | DeleteFirewallRule) for edit in edits)


def narrowing(server: ServerSnapshot, rules: Iterable[FirewallRule], more: str) -> tuple[str, ...]:
    """Each rule narrowed to its clients, whose addresses only a person knows; ``more`` ends the sentence."""
    asked = f"find out which addresses of these ranges hold clients, and narrow each rule to them; {more}"
    return (asked, *(_narrowed(server, rule) for rule in rules))


def _narrowed(server: ServerSnapshot, rule: FirewallRule) -> str:
    if server.kind is TargetKind.FLEXIBLE_SERVER and FIREWALL_NAME.fullmatch(rule.name):
        named = {"--name": rule.name, "--start-ip-address": _FIRST, "--end-ip-address": _LAST}
        return az(server, "firewall-rule update", options(named), name="--server-name")
    api = FLEXIBLE_API if server.kind is TargetKind.FLEXIBLE_SERVER else SINGLE_API
    body = {"properties": {"startIpAddress": _FIRST, "endIpAddress": _LAST}}
    return with_blanks(rest("put", server.id, f"/firewallRules/{quote(rule.name, safe='')}", api, body))
