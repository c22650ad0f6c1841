"""Rules of an NSG as a table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from driftward.refusing import plain
from driftward.terminal import few, section
from shared.model import SecurityGroup, SecurityRule
from shared.nsg.rules.reading import DEFAULT_RULES

_ROWS: Final = 20


def rules_by_name(group: SecurityGroup) -> dict[str, SecurityRule]:
    given = {rule.direction for rule in group.default_rules}
    supplied = (rule for rule in DEFAULT_RULES if rule.direction not in given)
    return {rule.name: rule for rule in chain(supplied, group.default_rules, group.rules)}


def rules_table(console: Console, heading: str, rules: Sequence[SecurityRule]) -> None:
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
        sources = (*rule.sources, *(group.name for group in rule.source_groups))
        destinations = (*rule.destinations, *(group.name for group in rule.destination_groups))
        cells = (str(rule.priority), rule.name, rule.protocol.lower(), few(sources), few(destinations))
        table.add_row(*(Text(plain(cell)) for cell in (*cells, few(rule.destination_ports))))
    more = [Text(f"and {len(rules) - _ROWS} more: --json has all")] if len(rules) > _ROWS else []
    section(console, heading, [table, *more])
