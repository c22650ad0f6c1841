"""What an edit does, in words: before it is made, and after."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from shared.alerts.phrases import at, clean, code, few
from shared.model import (
    Change,
    DeleteFirewallRule,
    DeleteSecurityRule,
    Edit,
    FirewallRule,
    PublicAccess,
    PutFirewallRule,
    PutSecurityRule,
    SecurityRule,
    SetParameter,
    SetPublicAccess,
    SetServerTls,
)


def change_words(change: Change, restored_from: datetime | None = None) -> str:
    """What a change does: ``adds rule 'x'``, or ``restores rule 'x' as it was on <time>``.

    ``restored_from`` is the time of the reading whose rules the change puts back; None when it does not.
    """
    return "; ".join(_with_time(edit, restored_from) for edit in change.edits)


def _with_time(edit: Edit, restored_from: datetime | None) -> str:
    """What is deleted stood in no earlier reading."""
    restores = restored_from is not None and isinstance(edit, PutFirewallRule | PutSecurityRule)
    said = edit_words(edit, restores=restores)
    return f"{said} as it was on {at(restored_from)}" if restores and restored_from else said


def edit_words(edit: Edit, *, restores: bool = False) -> str:
    """``adds rule 'x'``, or with ``restores`` ``restores rule 'x'``."""
    match edit:
        case SetPublicAccess():
            return f"sets public network access to {edit.access.value}"
        case PutFirewallRule():
            return f"{'restores' if restores else 'adds'} firewall rule {edit.rule.name!r}"
        case DeleteFirewallRule():
            return f"deletes firewall rule {edit.rule.name!r}"
        case PutSecurityRule():
            return f"{'restores' if restores else 'adds'} rule {edit.rule.name!r}"
        case DeleteSecurityRule():
            return f"deletes rule {edit.rule.name!r}"
        case SetParameter():
            return f"sets parameter {edit.name!r} to {edit.value!r}"
        case SetServerTls():
            return f"sets {_tls_words(edit)}"
        case _:
            assert_never(edit)


def describe_edit(edit: Edit) -> str:
    """What an edit does, in words."""
    match edit:
        case SetPublicAccess():
            return f"public network access set to {edit.access.value}"
        case PutFirewallRule():
            return f"firewall rule {code(edit.rule.name)} ({_range(edit.rule)}) written"
        case DeleteFirewallRule():
            return f"firewall rule {code(edit.rule.name)} ({_range(edit.rule)}) deleted"
        case PutSecurityRule():
            return f"{_security_rule(edit.rule)} written to NSG {code(edit.nsg.name)}"
        case DeleteSecurityRule():
            return f"{_security_rule(edit.rule)} deleted from NSG {code(edit.nsg.name)}"
        case SetParameter():
            return f"parameter {code(edit.name)} set to {code(edit.value)}"
        case SetServerTls():
            return f"{_tls_words(edit)} set"
        case _:
            assert_never(edit)


def _tls_words(edit: SetServerTls) -> str:
    enforced = {None: [], True: ["TLS enforcement to Enabled"], False: ["TLS enforcement to Disabled"]}
    lowest = [] if edit.minimum_version is None else [f"the minimal TLS version to {edit.minimum_version}"]
    return " and ".join([*enforced[edit.enforced], *lowest])


def _range(rule: FirewallRule) -> str:
    if rule.allows_all_azure:
        return "every Azure address"
    return str(rule.start) if rule.start == rule.end else f"{rule.start}–{rule.end}"


def _security_rule(rule: SecurityRule) -> str:
    source = few([*rule.sources, *(group.name for group in rule.source_groups)])
    destination = few([*rule.destinations, *(group.name for group in rule.destination_groups)])
    return (
        f"rule {code(rule.name)} (priority {rule.priority}: {rule.access.value.lower()} "
        f"{rule.direction.value.lower()} {clean(rule.protocol)} from {source} to {destination}, "
        f"ports {few(rule.destination_ports)})"
    )


def closes_a_path(edit: Edit) -> bool:
    """Whether somebody may lose access by it."""
    match edit:
        case SetPublicAccess():
            return edit.access is PublicAccess.DISABLED
        case DeleteFirewallRule() | DeleteSecurityRule():
            return True
        case PutFirewallRule() | PutSecurityRule():
            return False
        case SetParameter() | SetServerTls():  # sessions that are open stay open
            return False
        case _:
            assert_never(edit)
