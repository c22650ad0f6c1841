"""Which rules make a verdict unknown that was sure: what somebody wrote, told apart from what was not read.

A rule that names a tag or a security group, or one that nobody can read, in front of all others makes
``Unknown`` of *compliant*, and what stands behind it is judged no more. That is no failed read, which is over
in a moment. So it is asked with the rules that are there now in the last compliant reading, where all else is
known: if the verdict is unknown in that, the rules are why. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeAlias

from shared.model import ComplianceState, ServerSnapshot, Snapshot, SubnetSnapshot
from shared.posture.policy import AnyPolicy

_Fields: TypeAlias = tuple[str, str, str]
_SERVER: Final[tuple[_Fields, ...]] = (
    ("firewall rule", "firewall_rules", "odd_rules"),
    ("virtual network rule", "virtual_network_rules", "odd_network_rules"),
)


def shadows(policy: AnyPolicy, snapshot: Snapshot, former: Snapshot) -> tuple[str, ...]:
    """What makes the policy's verdict on ``snapshot`` unknown and is there since ``former``: ``rule 'x'``.

    Those that do it alone; where none does, all that are not as they were. Nothing where the policy did not
    read all that it asks for, and where the verdict would be a sure one had all been read.
    """
    if policy.reads & snapshot.unread.keys():
        return ()
    written = _as_written(snapshot, former)
    if written is None or _is_sure(policy, written) or not _is_sure(policy, former):
        return ()
    changed = list(_changed(written, former))
    alone = [told for told, mixed in changed if not _is_sure(policy, mixed)]
    return tuple(alone or [told for told, _ in changed])


def _is_sure(policy: AnyPolicy, snapshot: Snapshot) -> bool:
    return policy.evaluate(snapshot).state is not ComplianceState.UNKNOWN


def _as_written(snapshot: Snapshot, former: Snapshot) -> Snapshot | None:
    """The former reading with all rules that are there now, as far as they were read, or None."""
    match snapshot, former:
        case ServerSnapshot(), ServerSnapshot():
            return _with_rules(former, snapshot)
        case SubnetSnapshot(), SubnetSnapshot():
            table = snapshot.route_table or former.route_table
            return replace(former, security_group=snapshot.security_group, route_table=table)
        case _:
            return None


def _with_rules(former: ServerSnapshot, now: ServerSnapshot) -> ServerSnapshot:
    read = [fields for _, *fields in _SERVER if getattr(now, fields[0]) is not None]
    rules: dict[str, Any] = {field: getattr(now, field) for fields in read for field in fields}
    return replace(former, **rules)


def _changed(now: Snapshot, former: Snapshot) -> Iterator[tuple[str, Snapshot]]:
    """Each rule that is not as it was, in words, with the former reading in which it alone is as now."""
    match now, former:
        case ServerSnapshot(), ServerSnapshot():
            for what, *fields in _SERVER:
                for name in _names_that_differ(now, former, fields):
                    yield f"{what} {name!r}", _mixed(former, now, fields, name)
        case SubnetSnapshot(), SubnetSnapshot():
            yield from _in_part(now, former, "security_group", ("rule", "rules", "odd_rules"))
            yield from _in_part(now, former, "route_table", ("route", "routes"))
        case _:
            return


def _in_part(
    now: SubnetSnapshot, former: SubnetSnapshot, part: str, fields: tuple[str, ...]
) -> Iterator[tuple[str, Snapshot]]:
    """The same of the rules in an NSG or a route table; of another one than before that is told."""
    what, *names = fields
    held, before = getattr(now, part), getattr(former, part)
    swap: Any = partial(replace, former)
    if held is None or before is None or held.id != before.id:
        if held is not None:
            yield f"{held.id.name!r}, which was not there", swap(**{part: held})
        return
    for name in _names_that_differ(held, before, names):
        yield f"{what} {name!r}", swap(**{part: _mixed(before, held, names, name)})


def _names_that_differ(now: Any, former: Any, fields: Iterable[str]) -> list[str]:
    """Names of rules that are new, gone or changed, as they are spelled."""
    held, before = ({_plain(one) for one in _all_in(holder, fields)} for holder in (now, former))
    found = {one.name.lower(): one.name for one in before ^ held}
    return [found[key] for key in sorted(found)]


def _plain(rule: Any) -> Any:
    """A rule without what changes with every write."""
    return replace(rule, etag=None) if hasattr(rule, "etag") else rule


def _all_in(holder: Any, fields: Iterable[str]) -> Iterator[Any]:
    return (one for field in fields for one in getattr(holder, field) or ())


def _mixed(former: Any, now: Any, fields: Iterable[str], name: str) -> Any:
    """``former`` with what is called ``name`` as it is now."""
    mixed: dict[str, Any] = {field: _with(former, now, field, name) for field in fields}
    return replace(former, **mixed)


def _with(former: Any, now: Any, field: str, name: str) -> tuple[Any, ...]:
    key = name.lower()
    kept = [one for one in getattr(former, field) or () if one.name.lower() != key]
    return (*kept, *(one for one in getattr(now, field) or () if one.name.lower() == key))
