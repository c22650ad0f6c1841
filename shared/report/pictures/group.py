"""An NSG as a picture: who reaches the database's ports through it, each cell the exact engine's verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import Final, TypeAlias

from shared.model import Direction, SecurityGroup, SubnetSnapshot
from shared.model.edits import EditDoesNotFit, apply_edits
from shared.nsg import (
    Family,
    NsgError,
    Program,
    Question,
    Side,
    Tags,
    Verdict,
    decide,
    parse,
    read_side,
    tolerated,
)
from shared.posture.subnet_facts import PGBOUNCER_PORT, POSTGRES_PORT, delegated
from shared.posture.subnet_questions import internet_tags, own_addresses, ports_of, vnet_at_large, vnet_tags
from shared.report.pictures.values import DrawnCell, DrawnGroup, Proposed

MOST_SOURCES: Final = 8
"""Of those that rules name."""
MOST_RULES: Final = 3
_VNET, _INTERNET = "VirtualNetwork", "Internet"
_WHOLE: Final = frozenset({"*", "any", "0.0.0.0/0", _VNET.lower(), _INTERNET.lower()})


_Cells: TypeAlias = tuple[tuple[DrawnCell, ...], ...]
_Asked: TypeAlias = tuple[str, Side, Tags]
"""A source by its name, and what is known of tags for packets of it."""


def group_of(subnet: SubnetSnapshot, proposed: Iterable[Proposed] = ()) -> DrawnGroup | None:
    """None where the subnet has no NSG, or no addresses to ask about. Of what is ``proposed`` the first that
    changes what is drawn is drawn as well, as it would be afterwards."""
    group, inside = subnet.security_group, own_addresses(subnet).get(Family.IPV4)
    if group is None or not inside:
        return None
    ports = (POSTGRES_PORT, PGBOUNCER_PORT) if delegated(subnet) else (POSTGRES_PORT,)
    asked = list(_sources(subnet, group))
    cells = partial(_cells, asked=asked, inside=Side(inside), ports=ports)
    before = cells(group)
    afterwards = ((one.title, cells(mended)) for one, mended in _mended(subnet, proposed))
    mends, after = next((found for found in afterwards if _states(found[1]) != _states(before)), ("", ()))
    return DrawnGroup(
        name=group.id.name,
        subnet=subnet.id.name,
        ports=ports,
        sources=tuple(name for name, _, _ in asked),
        cells=before,
        mends=mends,
        after=after,
    )


def _mended(subnet: SubnetSnapshot, proposed: Iterable[Proposed]) -> Iterator[tuple[Proposed, SecurityGroup]]:
    """The NSG after each proposal that is about it."""
    for one in proposed:
        with suppress(EditDoesNotFit):
            after = apply_edits(subnet, one.edits)
            changed = after.security_group if isinstance(after, SubnetSnapshot) else None
            if changed is not None and changed != subnet.security_group:
                yield one, changed


def _states(cells: _Cells) -> list[str]:
    return [cell.state for row in cells for cell in row]


def _cells(group: SecurityGroup, asked: Iterable[_Asked], inside: Side, ports: tuple[int, ...]) -> _Cells:
    return tuple(
        tuple(_cell(group, tags, source, inside, port) for port in ports) for _, source, tags in asked
    )


def _sources(subnet: SubnetSnapshot, group: SecurityGroup) -> Iterator[_Asked]:
    """The subnet itself, its network, whom rules name, and the Internet, each with what is known of tags."""
    own = vnet_tags(subnet)
    yield f"this subnet ({subnet.id.name})", Side(own_addresses(subnet)[Family.IPV4]), own
    yield "the virtual network and what it is joined to", read_side([_VNET], Tags()), vnet_at_large(subnet)
    named = [text for rule in group.rules if rule.direction is Direction.INBOUND for text in rule.sources]
    others = [text for text in dict.fromkeys(named) if text.strip().lower() not in _WHOLE]
    for text in others[:MOST_SOURCES]:
        yield from _named(text, own)
    internet = internet_tags(subnet)
    yield "the Internet", read_side([_INTERNET], internet), internet


def _named(text: str, tags: Tags) -> Iterator[_Asked]:
    """A source as a rule spells it; what cannot be read is in the findings and not in the picture."""
    try:
        yield text, read_side([text], tags), tags
    except NsgError:
        return


def _cell(group: SecurityGroup, tags: Tags, source: Side, inside: Side, port: int) -> DrawnCell:
    question = Question(
        direction=Direction.INBOUND, source=source, destination=inside, ports=ports_of((port,))
    )
    try:
        found = decide(_program(group, tags), question)
    except NsgError as error:
        return DrawnCell(state="depends", rules=(), depends_on=(str(error),))
    return DrawnCell(state=str(found.state), rules=_deciding(found), depends_on=found.depends_on)


def _program(group: SecurityGroup, tags: Tags) -> Program:
    try:
        return parse(group, tags)
    except NsgError:
        return parse(tolerated(group), tags)


def _deciding(found: Verdict) -> tuple[str, ...]:
    rules = sorted({*found.blocking, *found.exposing}, key=lambda one: one.priority)
    return tuple(f"{one.name} ({one.priority}, {one.access})" for one in rules[:MOST_RULES])
