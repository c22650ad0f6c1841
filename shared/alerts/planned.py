"""What is planned for an alert, as an approval is bound to it: the edits, and who loses and gains access.

The edits are held as hashes: an approval says which writes it is for, and nobody needs to read them from it.
A rule's etag changes with every write beside it and is no part of an edit.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Final

from shared.alerts.edit_words import edit_words
from shared.guardrails.approvals import NOT_TOLD, moved, wider
from shared.model import Change, DeleteSecurityRule, Edit, PutSecurityRule, Snapshot
from shared.model.alert_records import Approval, Planned
from shared.model.codec import dump
from shared.model.edits import EditDoesNotFit, apply_to
from shared.nsg import NsgError

_DIGEST: Final = 16


def planned_of(change: Change | None, before: Snapshot) -> Planned | None:
    """What an approval of ``change`` is for; None without a change that fits the reading."""
    if change is None:
        return None
    edits, does = tuple(map(_hash, change.edits)), tuple(map(edit_words, change.edits))
    try:
        loses, gains = moved(before, apply_to(before, change))
    except EditDoesNotFit:
        return None
    except NsgError:
        return Planned(edits=edits, does=does, digest=_digest(NOT_TOLD, *edits), is_told=False)
    digest = _digest(*edits, dump(loses), dump(gains))
    return Planned(edits=edits, does=does, loses=loses, gains=gains, digest=digest)


def beyond_approval(approval: Approval | None, change: Change | None, before: Snapshot) -> str:
    """What ``change`` does beyond the approval, in words; ``""`` where there is none."""
    return "" if approval is None else wider(approval.planned, planned_of(change, before))


def _hash(edit: Edit) -> str:
    if isinstance(edit, PutSecurityRule | DeleteSecurityRule):
        edit = replace(edit, rule=replace(edit.rule, etag=None))
    return _digest(dump(edit))


def _digest(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:_DIGEST]
