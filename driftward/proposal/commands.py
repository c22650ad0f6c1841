"""The proposal as lines of `az`, in an order that makes nothing worse after any of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from driftward.proposal.proposing import Proposal
from driftward.shell import command_lines
from shared.alerts.commands import ACTIVE_CLOUD, fix_commands
from shared.model import Access, DeleteSecurityRule, Edit, PutSecurityRule, SecurityGroup


def script(proposal: Proposal, group: SecurityGroup) -> Iterator[str]:
    """Lines for a POSIX shell, with a comment ahead of each stage."""
    stages = (
        ("what is to pass", [one for one in proposal.edits if _puts(one, Access.ALLOW)]),
        ("the rest is denied", [one for one in proposal.edits if _puts(one, Access.DENY)]),
        ("what decides nothing any more goes", [one for one in proposal.edits if _deletes(one)]),
    )
    for comment, edits in stages:
        if edits:
            yield f"# {comment}"
            yield from lines_of(edits, group)


def lines_of(edits: Sequence[Edit], group: SecurityGroup) -> Iterator[str]:
    for command in fix_commands(edits, ACTIVE_CLOUD):
        yield from command_lines(command, group.id)


def _puts(edit: Edit, access: Access) -> bool:
    return isinstance(edit, PutSecurityRule) and edit.rule.access is access


def _deletes(edit: Edit) -> bool:
    return isinstance(edit, DeleteSecurityRule)
