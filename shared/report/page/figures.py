"""What the summary counts: targets by how they stand, findings by family and severity, groups, what was not
read. Values only; how they are shown is ``summary``'s."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Final

from shared.model import Aspect, Severity, Target, TargetKind
from shared.model.results import TargetResult
from shared.model.values import value
from shared.policies import families, find
from shared.posture.permissions import actions_for
from shared.report.rows import Report, Row


class Stands(StrEnum):
    """How a target stands, the graver first."""

    WRONG = "not as it should be"
    UNKNOWN = "not known"
    FINE = "as it should be"
    UNJUDGED = "not judged"
    """No policy that was asked says anything about it, or it was gone when it was looked at."""


@value
class Standings:
    """How each target stands, and the worst that was found on it."""

    of: Mapping[str, Stands]
    """By the target's key."""
    worst: Mapping[str, Severity]

    def count(self, stands: Stands) -> int:
        return sum(one is stands for one in self.of.values())


def standings_of(report: Report) -> Standings:
    of = {result.target.key: _alone(result) for result in report.estate.results}
    worst: dict[str, Severity] = {}
    for row in report.rows:
        key = row.finding.target.key
        if row.is_wrong:
            of[key] = Stands.WRONG
            worst.setdefault(key, row.severity)  # rows come gravest first
        elif row.is_open and of[key] is Stands.FINE:
            of[key] = Stands.UNKNOWN
    return Standings(of=of, worst=worst)


def _alone(result: TargetResult) -> Stands:
    """By what was asked, before what was found."""
    if result.gone:
        return Stands.UNJUDGED
    if result.error:
        return Stands.UNKNOWN
    return Stands.FINE if result.findings else Stands.UNJUDGED


# --- by family, by place ---------------------------------------------------------------------------


@value
class Tally:
    """Findings of one family: what is wrong by severity, what is not known, what is exempt."""

    name: str
    wrong: Mapping[Severity, int]
    unknown: int
    exempt: int

    @property
    def total(self) -> int:
        return sum(self.wrong.values())


def by_family(rows: Iterable[Row]) -> list[Tally]:
    """Every family, also one in which nothing was found."""
    held: dict[str, list[Row]] = {name: [] for name in families()}
    for row in rows:
        held.setdefault(row.family, []).append(row)  # what lies inside a server has a family of its own
    tallies = [_tally(name, found) for name, found in held.items()]
    return sorted(tallies, key=lambda one: [-one.wrong[severity] for severity in Severity])


def _tally(name: str, rows: Iterable[Row]) -> Tally:
    rows = list(rows)
    wrong = Counter(row.severity for row in rows if row.is_wrong)
    unknown = sum(row.is_open for row in rows)
    wrong_of_each = {severity: wrong[severity] for severity in Severity}
    exempt = len(rows) - unknown - sum(wrong.values())
    return Tally(name=name, wrong=wrong_of_each, unknown=unknown, exempt=exempt)


@value
class Place:
    """A resource group with its targets, by how they stand."""

    id: str
    name: str
    subscription: str
    stand: Mapping[Stands, int]
    worst: Severity | None

    @property
    def targets(self) -> int:
        return sum(self.stand.values())


def by_place(report: Report, standings: Standings) -> list[Place]:
    """The resource groups, the one with the gravest and the most first."""
    targets: dict[str, list[Target]] = defaultdict(list)
    for result in report.estate.results:
        targets[_group(result.target).lower()].append(result.target)
    places = [_place(held, standings) for held in targets.values()]
    return sorted(places, key=_grave_first)


def _place(targets: list[Target], standings: Standings) -> Place:
    first = targets[0]
    stand = Counter(standings.of[one.key] for one in targets)
    found = [standings.worst[one.key] for one in targets if one.key in standings.worst]
    return Place(
        id=_group(first),
        name=first.id.resource_group or first.id.subscription,
        subscription=first.id.subscription,
        stand={one: stand[one] for one in Stands},
        worst=max(found, key=lambda one: one.rank, default=None),
    )


def _group(target: Target) -> str:
    named = target.id.resource_group
    return f"/subscriptions/{target.id.subscription}" + (f"/resourceGroups/{named}" if named else "")


def _grave_first(place: Place) -> tuple[int, int, str]:
    rank = place.worst.rank if place.worst is not None else 0
    return -rank, -place.stand[Stands.WRONG], place.id.lower()


# --- what was not read -----------------------------------------------------------------------------


@value
class NotRead:
    """One thing that is not known, of how many targets, and what reading it takes."""

    reason: str
    targets: tuple[Target, ...]
    policies: tuple[str, ...]
    """Empty where the target itself could not be read."""
    permissions: tuple[str, ...]
    """ARM actions: those that Azure named, else those that such a reading needs; none where it is no matter
    of permission."""


_NAMED: Final = re.compile(r"may not perform ([A-Za-z0-9.]+(?:/[A-Za-z0-9.*]+)+)")
"""As ``shared.adapters.arm.session.refusals`` says which action is missing."""
_NOT_READ: Final = "could not be read"
"""As ``shared.posture.unread`` says that a part is missing."""


def not_read(report: Report) -> list[NotRead]:
    """What is not known by its reason, what concerns most first."""
    errors = {one.target.key: one.error for one in report.estate.unread if not one.gone}
    held: dict[str, list[Row]] = defaultdict(list)
    for row in report.rows:
        if row.is_open:
            key = row.finding.target.key
            held[errors.get(key) or _alike(row)].append(row)
    found = [*(_not_read(reason, rows, errors) for reason, rows in held.items()), *_unasked(report)]
    return sorted(found, key=lambda one: (-len(one.targets), one.reason))


def _unasked(report: Report) -> Iterator[NotRead]:
    """What could not be read, and no policy asked about it either."""
    held: dict[str, list[Target]] = defaultdict(list)
    for one in report.estate.unread:
        if not one.findings and not one.gone:
            held[one.error].append(one.target)
    for reason, targets in held.items():
        needed = tuple(dict.fromkeys(_NAMED.findall(reason)))
        yield NotRead(reason=reason, targets=tuple(targets), policies=(), permissions=needed)


def _alike(row: Row) -> str:
    """The reason, whichever target it is said of."""
    target = row.finding.target
    return row.finding.reason.replace(str(target.id), f"this {_THING[target.kind]}")


def _not_read(reason: str, rows: list[Row], errors: Mapping[str, str]) -> NotRead:
    targets = {row.finding.target.key: row.finding.target for row in rows}
    whole = next(iter(targets)) in errors
    policies = () if whole else tuple(sorted({row.policy for row in rows}))
    needed = tuple(_needed(reason, rows, whole=whole))
    return NotRead(reason=reason, targets=tuple(targets.values()), policies=policies, permissions=needed)


def _needed(reason: str, rows: Iterable[Row], *, whole: bool) -> Iterator[str]:
    named = _NAMED.findall(reason)
    if named or (_NOT_READ not in reason and not whole):
        return iter(dict.fromkeys(named))
    asked = {(row.finding.target.kind, row.policy) for row in rows}
    return iter(
        dict.fromkeys(action for kind, policy in sorted(asked) for action in _reads(kind, policy, whole))
    )


def _reads(kind: TargetKind, policy: str, whole: bool) -> tuple[str, ...]:
    held = find(policy)
    own = Aspect.SUBNET if kind is TargetKind.SUBNET else Aspect.SERVER
    aspects = frozenset({own}) if whole or held is None else held.reads
    found: tuple[str, ...] = actions_for({kind}, aspects, ())
    return found


_THING: Final[Mapping[TargetKind, str]] = {
    TargetKind.FLEXIBLE_SERVER: "server",
    TargetKind.SINGLE_SERVER: "server",
    TargetKind.SUBNET: "subnet",
}
