"""Rules of an NSG as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from driftward.refusing import plain
from driftward.terminal import few, section
from shared.model import SecurityGroup, SecurityRule
from shared.model.resource_id import ResourceId
from shared.nsg.rules.reading import DEFAULT_RULES

_ROWS: Final = 20


def rules_by_name(group: SecurityGroup) -> dict[str, SecurityRule]:
    given = {rule.direction for rule in group.default_rules}
    supplied = (rule for rule in DEFAULT_RULES if rule.direction not in given)
    return {rule.name: rule for rule in chain(supplied, group.default_rules, group.rules)}


def namesakes(group: SecurityGroup) -> frozenset[str]:
    """Names, in lower case, that two application security groups of its rules share."""
    ids = {
        g.key: g.name.lower() for rule in group.rules for g in (*rule.source_groups, *rule.destination_groups)
    }
    return frozenset(name for name, times in Counter(ids.values()).items() if times > 1)


def _called(groups: Iterable[ResourceId], shared: Collection[str]) -> Iterator[str]:
    return (str(group) if group.name.lower() in shared else group.name for group in groups)


def rules_table(
    console: Console, heading: str, rules: Sequence[SecurityRule], shared: Collection[str] = ()
) -> None:
    """``shared`` are names of application security groups that do not tell which is meant."""
    if not rules:
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("priority", justify="right")
    table.add_column("rule", overflow="fold", ratio=3)
    table.add_column("", no_wrap=True)
    table.add_column("from", overflow="fold", ratio=3)
    table.add_column("to", overflow="fold", ratio=3)
    table.add_column("ports", overflow="fold", ratio=2)
    for rule in rules[:_ROWS]:
        sources = (*rule.sources, *_called(rule.source_groups, shared))
        destinations = (*rule.destinations, *_called(rule.destination_groups, shared))
        cells = (str(rule.priority), rule.name, rule.protocol.lower(), few(sources), few(destinations))
        table.add_row(*(Text(plain(cell)) for cell in (*cells, few(rule.destination_ports))))
    more = [Text(f"and {len(rules) - _ROWS} more: --json has all")] if len(rules) > _ROWS else []
    section(console, heading, [table, *more])
