"""What passes otherwise than before, in words: the semantic diff that alerts and change records show.

One mechanism for both kinds of target: of a subnet packets are compared, exactly and over everything
that the rules can match; of a server who may come in. An alert is about its policy's question, so
``difference_between`` keeps to the traffic that the policy asks for; a change is told whole
(``difference_made``). Pure; what is done about a difference is no business of this module.
"""

from __future__ import annotations

from dataclasses import replace

from shared.model import Change, SecurityGroup, ServerSnapshot, Snapshot, SubnetSnapshot
from shared.model.change_records import TrafficDifference
from shared.model.edits import apply_to
from shared.nsg import Difference, NsgError, changed, diff, tolerated
from shared.posture.policy import AnyPolicy
from shared.posture.subnet_questions import virtual_network
from shared.posture.traffic import (
    ServerTraffic,
    SubnetTraffic,
    Traffic,
    describe_box,
    odd_texts,
    server_traffic,
)


def difference_between(before: Snapshot, after: Snapshot, policy: AnyPolicy) -> TrafficDifference:
    """How ``after`` differs from ``before`` in the traffic that ``policy`` asks for on ``after``.

    A rule of no one meaning counts for all that it may be. Raises ``NsgError`` where they differ in too many
    ways to be told.
    """
    return _difference(before, after, policy.forbidden(after))


def difference_made(change: Change, before: Snapshot) -> TrafficDifference | None:
    """All that ``change`` does to the traffic of ``before``; None when its rules cannot be read.

    Raises ``EditDoesNotFit`` when the change was not made for this reading.
    """
    try:
        return _difference(before, apply_to(before, change), None)
    except NsgError:
        return None


def _difference(before: Snapshot, after: Snapshot, asked: Traffic | None) -> TrafficDifference:
    match before, after:
        case ServerSnapshot(), ServerSnapshot():
            return _between_servers(before, after, asked)
        case SubnetSnapshot(), SubnetSnapshot():
            return _between_subnets(before, after, asked)
        case _:
            return TrafficDifference()


def _between_servers(
    before: ServerSnapshot, after: ServerSnapshot, asked: Traffic | None
) -> TrafficDifference:
    old, new = server_traffic(before), server_traffic(after)
    gains, losses = new.minus(old), old.minus(new)
    if isinstance(asked, ServerTraffic):
        gains, losses = gains.minus(gains.minus(asked)), losses.minus(losses.minus(asked))
    return TrafficDifference(
        newly_allowed=tuple(gains.describe()),
        newly_denied=tuple(losses.describe()),
    )


def _between_subnets(
    before: SubnetSnapshot, after: SubnetSnapshot, asked: Traffic | None
) -> TrafficDifference:
    if isinstance(asked, SubnetTraffic):
        old, new = map(tolerated, (before.security_group, after.security_group))
        found = diff(old, new, asked.boxes, virtual_network(after))
    else:
        found = compared(before, after)
    told = (found.newly_allowed, found.newly_denied, found.newly_open)
    allowed, denied, left_open = (tuple(dict.fromkeys(map(describe_box, boxes))) for boxes in told)
    return TrafficDifference(newly_allowed=allowed, newly_denied=denied, newly_open=left_open)


def compared(before: SubnetSnapshot, after: SubnetSnapshot) -> Difference:
    """Every packet that passes otherwise than before. Raises ``NsgError``."""
    sides = before.security_group, after.security_group
    old, new = map(tolerated, sides)
    if _none_more_odd(old, new):
        sides = old, new
    return changed(*sides, virtual_network(after))


def _none_more_odd(old: SecurityGroup | None, new: SecurityGroup | None) -> bool:
    """Whether a change leaves no rule odd that was not odd before: else what it does cannot be told."""
    return new is None or set(new.odd_rules) <= set(old.odd_rules if old else ())


def same_reach(one: Snapshot, other: Snapshot) -> bool:
    """Whether two readings admit the same traffic, as far as edits can change it."""
    if isinstance(one, ServerSnapshot) and isinstance(other, ServerSnapshot):
        same_access = one.public_access is other.public_access
        return same_access and server_traffic(one) == server_traffic(other) and _rules(one) == _rules(other)
    if isinstance(one, ServerSnapshot) or isinstance(other, ServerSnapshot):
        return False
    mine, theirs = one.security_group, other.security_group
    if mine is None or theirs is None:
        return mine is theirs
    return _effects(mine) == _effects(theirs)


def _effects(group: SecurityGroup) -> tuple[frozenset[object], frozenset[object]]:
    return frozenset(replace(rule, etag=None) for rule in group.rules), frozenset(group.odd_rules)


def _rules(server: ServerSnapshot) -> frozenset[object]:
    ranges = ((int(rule.start), int(rule.end)) for rule in server.firewall_rules or ())
    return frozenset((*ranges, *odd_texts(server)))
