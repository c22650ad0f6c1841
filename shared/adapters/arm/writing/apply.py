"""Sending one edit: the smallest write that ARM knows for it, guarded by an etag where there is one.

``begin_*`` is called without polling: the answer's headers tell where the operation can be looked at, and
the caller decides when. Security rules are guarded: a new one by ``If-None-Match: *``, one that is
replaced or deleted by ``If-Match`` with the etag that was read. PostgreSQL has no etags. Every write
carries its own correlation id, by which its event and its Activity Log entry are found.

What must not live here: waiting, retries (a write is sent once), the choice of what to write.
"""

from __future__ import annotations

from typing import assert_never
from uuid import uuid4

from shared.adapters.arm.session.session import Session
from shared.adapters.arm.writing import security_rules, servers
from shared.adapters.arm.writing.operations import finished, operation_of
from shared.adapters.arm.writing.requests import Headers, Write
from shared.model import (
    DeleteFirewallRule,
    DeleteSecurityRule,
    Edit,
    Operation,
    PutFirewallRule,
    PutSecurityRule,
    SecurityRule,
    ServerSnapshot,
    SetParameter,
    SetPublicAccess,
    SetServerTls,
    Snapshot,
    SubnetSnapshot,
)
from shared.model.errors import Gone


def submit(session: Session, edit: Edit, snapshot: Snapshot) -> Operation:
    """Send ``edit`` and do not wait for it.

    A delete of what is already gone is an operation that ended at once. Raises the classified error of a
    refusal; ``Conflict`` when somebody else wrote the rule since ``snapshot`` was read.
    """
    correlation_id = str(uuid4())
    headers = {"x-ms-correlation-request-id": correlation_id} | _guard(edit, snapshot)
    write = _write(session, edit)
    state = snapshot.state if isinstance(snapshot, ServerSnapshot) else None
    try:
        accepted = session.tell(lambda hooks: write(headers, hooks), state)
    except Gone:
        if isinstance(edit, DeleteFirewallRule | DeleteSecurityRule):
            return finished(correlation_id)
        raise
    return operation_of(accepted, correlation_id)


def _guard(edit: Edit, snapshot: Snapshot) -> Headers:
    """The etag condition of a security rule's write; {} for everything that has no etag."""
    if not isinstance(edit, PutSecurityRule | DeleteSecurityRule):
        return {}
    standing = _standing_rule(edit, snapshot)
    if standing is not None and standing.etag:
        return {"If-Match": standing.etag}
    is_new = standing is None and isinstance(edit, PutSecurityRule)
    return {"If-None-Match": "*"} if is_new else {}


def _standing_rule(edit: PutSecurityRule | DeleteSecurityRule, snapshot: Snapshot) -> SecurityRule | None:
    """The rule that the edit replaces or deletes, as it was read; None when there is none."""
    group = snapshot.security_group if isinstance(snapshot, SubnetSnapshot) else None
    if group is None or group.id != edit.nsg:
        return edit.rule if edit.rule.etag else None
    name = edit.rule.name.lower()
    return next((rule for rule in group.rules if rule.name.lower() == name), None)


def _write(session: Session, edit: Edit) -> Write:
    match edit:
        case SetPublicAccess():
            return servers.set_public_access(session, edit)
        case PutFirewallRule():
            return servers.put_firewall_rule(session, edit)
        case DeleteFirewallRule():
            return servers.delete_firewall_rule(session, edit)
        case PutSecurityRule():
            return security_rules.put_security_rule(session, edit)
        case DeleteSecurityRule():
            return security_rules.delete_security_rule(session, edit)
        case SetParameter():
            return servers.set_parameter(session, edit)
        case SetServerTls():
            return servers.set_server_tls(session, edit)
        case _:
            assert_never(edit)
