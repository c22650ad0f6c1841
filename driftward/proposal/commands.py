"""The proposal as lines of `az`, in an order that makes nothing worse after any of them.

They are one chain: the order is safe only as long as each does what it says. Where a rule that lets pass
could not be put (its priority was taken meanwhile, a lock, a token that ended), no deny may follow. The one
comment stands ahead: not every shell that people paste into knows comments inside a command.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from driftward.proposal.proposing import Proposal
from driftward.shell import command_lines
from shared.alerts.commands import ACTIVE_CLOUD, fix_commands
from shared.model import Edit, SecurityGroup

ORDER: Final = (
    "# what is to pass, then a deny for the rest, then away with what decides nothing any more: "
    "one that fails ends it"
)


def script(proposal: Proposal, group: SecurityGroup) -> Iterator[str]:
    """Lines for a POSIX shell, all of them one command; none where nothing is to be changed."""
    if proposal.edits:
        yield ORDER
        yield from lines_of(proposal.edits, group)


def lines_of(edits: Sequence[Edit], group: SecurityGroup) -> Iterator[str]:
    commands = [[*command_lines(one, group.id)] for one in fix_commands(edits, ACTIVE_CLOUD)]
    for *lines, last in commands[:-1]:
        yield from (*lines, f"{last} &&")
    for command in commands[-1:]:
        yield from command
