"""Edits applied in memory: one pure ``apply_to`` for preview, proof, the fake gateway and the laws.

An edit that does not fit the snapshot (another server, a rule that is not there) raises
``EditDoesNotFit``: a change must be applied to the reading that it was planned on, or to one that
still looks the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import chain
from typing import TypeAlias, TypeVar, assert_never

from shared.model.changes import (
    Change,
    DeleteFirewallRule,
    DeleteSecurityRule,
    Edit,
    PutFirewallRule,
    PutSecurityRule,
    SetParameter,
    SetPublicAccess,
    SetServerTls,
)
from shared.model.kinds import PublicAccess
from shared.model.parts import ServerParameter, ServerTls
from shared.model.rules import FirewallRule, OddRule, OddSecurityRule, SecurityGroup, SecurityRule
from shared.model.snapshots import ServerSnapshot, Snapshot, SubnetSnapshot

_Named = TypeVar("_Named", FirewallRule, OddRule, SecurityRule, OddSecurityRule, ServerParameter)
_OnServer: TypeAlias = SetPublicAccess | PutFirewallRule | DeleteFirewallRule | SetParameter | SetServerTls


class EditDoesNotFit(ValueError):
    """The edit names something that the snapshot does not hold."""


def apply_to(snapshot: Snapshot, change: Change) -> Snapshot:
    """The snapshot as it would be after ``change``."""
    return apply_edits(snapshot, change.edits)


def apply_edits(snapshot: Snapshot, edits: Iterable[Edit]) -> Snapshot:
    """The snapshot as it would be after ``edits``, applied in order."""
    for edit in edits:
        snapshot = apply_edit(snapshot, edit)
    return snapshot


def apply_edit(snapshot: Snapshot, edit: Edit) -> Snapshot:
    match edit:
        case SetPublicAccess() | PutFirewallRule() | DeleteFirewallRule() | SetParameter() | SetServerTls():
            if not isinstance(snapshot, ServerSnapshot) or snapshot.id != edit.server:
                raise EditDoesNotFit(f"{edit.kind} is for {edit.server}, not for {snapshot.id}")
            return _edit_server(snapshot, edit)
        case PutSecurityRule() | DeleteSecurityRule():
            group = snapshot.security_group if isinstance(snapshot, SubnetSnapshot) else None
            if group is None or group.id != edit.nsg or not isinstance(snapshot, SubnetSnapshot):
                raise EditDoesNotFit(f"{edit.kind} is for {edit.nsg}, which {snapshot.id} does not use")
            return replace(snapshot, security_group=_edit_group(group, edit))
        case _:
            assert_never(edit)


def _edit_server(server: ServerSnapshot, edit: _OnServer) -> ServerSnapshot:
    match edit:
        case SetPublicAccess():
            return replace(server, public_access=edit.access, public_access_text=edit.access.value)
        case SetParameter():
            return replace(server, parameters=_with_parameter(server, edit))
        case SetServerTls():
            return replace(server, tls=_with_tls(server, edit))
        case PutFirewallRule():
            return _with_firewall_rule(server, edit.rule)
        case DeleteFirewallRule():
            return replace(server, firewall_rules=_with_rule(_read_rules(server), edit.rule, None))
        case _:
            assert_never(edit)


def _with_firewall_rule(server: ServerSnapshot, rule: FirewallRule) -> ServerSnapshot:
    """A PUT by name replaces an odd rule as well."""
    odd = tuple(one for one in server.odd_rules if one.name.lower() != rule.name.lower())
    return replace(server, firewall_rules=_with_rule(_read_rules(server), rule, rule), odd_rules=odd)


def _read_rules(server: ServerSnapshot) -> tuple[FirewallRule, ...]:
    if server.firewall_rules is None:
        raise EditDoesNotFit(f"the firewall rules of {server.id} were not read")
    return server.firewall_rules


def _with_parameter(server: ServerSnapshot, edit: SetParameter) -> tuple[ServerParameter, ...]:
    """A value that is in force only after a restart is pending until then."""
    name = edit.name.lower()
    if server.parameters is None or all(one.name.lower() != name for one in server.parameters):
        raise EditDoesNotFit(f"there is no parameter {edit.name!r} of {server.id}")
    return tuple(
        replace(one, value=edit.value, pending_restart=one.dynamic is False or one.pending_restart)
        if one.name.lower() == name
        else one
        for one in server.parameters
    )


def _with_tls(server: ServerSnapshot, edit: SetServerTls) -> ServerTls:
    if server.tls is None:
        raise EditDoesNotFit(f"{server.id} shows no TLS enforcement: it is no single server")
    return ServerTls(
        enforced=server.tls.enforced if edit.enforced is None else edit.enforced,
        minimum_version=server.tls.minimum_version if edit.minimum_version is None else edit.minimum_version,
    )


def _edit_group(group: SecurityGroup, edit: PutSecurityRule | DeleteSecurityRule) -> SecurityGroup:
    """A PUT by name replaces an odd rule as well."""
    put = edit.rule if isinstance(edit, PutSecurityRule) else None
    odd = tuple(one for one in group.odd_rules if one.name.lower() != edit.rule.name.lower())
    return replace(group, rules=_with_rule(group.rules, edit.rule, put), odd_rules=odd)


def _with_rule(rules: tuple[_Named, ...], named: _Named, put: _Named | None) -> tuple[_Named, ...]:
    """``rules`` without the one named like ``named``, and with ``put``; a PUT by name replaces."""
    name = named.name.lower()
    present = any(rule.name.lower() == name for rule in rules)
    if put is None and not present:
        raise EditDoesNotFit(f"there is no rule {named.name!r}")
    if put is None:
        return tuple(rule for rule in rules if rule.name.lower() != name)
    if present:
        return tuple(put if rule.name.lower() == name else rule for rule in rules)
    return tuple(chain(rules, (put,)))


def normalised(snapshot: Snapshot) -> Snapshot:
    """The snapshot in one order and spelling: ARM's order of rules and its letter case mean nothing."""
    if isinstance(snapshot, ServerSnapshot):
        return _normalised_server(snapshot)
    group = snapshot.security_group
    if group is None:
        return snapshot
    rules, odd = _by_name(group.rules), _by_name(group.odd_rules)
    return replace(snapshot, security_group=replace(group, rules=rules, odd_rules=odd))


def _normalised_server(server: ServerSnapshot) -> ServerSnapshot:
    rules, parameters = server.firewall_rules, server.parameters
    known = server.public_access is not PublicAccess.UNKNOWN
    return replace(
        server,
        public_access_text=server.public_access.value if known else server.public_access_text,
        firewall_rules=_by_name(rules) if rules is not None else None,
        odd_rules=_by_name(server.odd_rules),
        odd_network_rules=_by_name(server.odd_network_rules),
        parameters=_by_name(parameters) if parameters is not None else None,
    )


def _by_name(rules: tuple[_Named, ...]) -> tuple[_Named, ...]:
    return tuple(sorted(rules, key=lambda rule: rule.name.lower()))
