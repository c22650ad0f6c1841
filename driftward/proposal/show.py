"""How `propose-nsg` answers a person: a sentence, the rules, what is denied from now on, the proof, the
commands.

It is made from the JSON answer; nothing is decided here, and how texts are made harmless is
``driftward.terminal``'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from driftward.proposal.view import Answer
from driftward.refusing import plain
from driftward.terminal import bullets, few, section, write
from shared.model import Json

_HEADLINES: Final[Mapping[str, tuple[str, str]]] = {
    Answer.PROVED: ("PROVED", "bold green"),
    Answer.UNKNOWN: ("UNKNOWN", "bold yellow"),
    Answer.NOT_KEPT: ("NOT PROVED", "bold red"),
}
_ROWS: Final = 12
_RATIOS: Final = {"rule": 3, "with": 3, "ports": 2, "because": 3}
"""Columns that may be folded, and their shares of what the others leave."""


def show(out: Mapping[str, Json], commands: Sequence[str]) -> None:
    """Print the answer; in colour on a terminal."""
    write(partial(_answer, out=out, commands=commands))


def _answer(page: Console, out: Mapping[str, Json], commands: Sequence[str]) -> None:
    headline, colour = _HEADLINES[out["answer"]]
    page.print(Text.assemble((headline, colour), "  ", (_sentence(out), "bold")))
    page.print(Text(_about_log(out)))
    _rules(page, out)
    _denied(page, out)
    _digest(page, "Set apart too, but a rule that something else takes lets it pass", out["passesBeside"])
    _left_out(page, "Legitimate, and the NSG has no room for it", out["leftOut"])
    bullets(page, "Proof", list(_proof(out)))
    _commands(page, commands)
    bullets(page, "Besides", out["notes"])


def _commands(page: Console, commands: Sequence[str]) -> None:
    """As they are pasted: a line that is broken is another command."""
    section(page, "Commands, in this order", [Text()] if commands else [])
    for line in commands:
        page.print(Text(line), soft_wrap=True)


def _sentence(out: Mapping[str, Json]) -> str:
    rules, removed = out["rules"], out["removed"]
    new = sum(not rule["stands"] for rule in (*rules, *out["denies"]))
    kept = sum(rule["flows"] for rule in rules)
    stand = len(rules) + len(out["denies"]) - new
    changes = f"{_count(new, 'rule')} to add, {stand} that stand, {len(removed)} to remove"
    return f"{few(out['subnet'], 'and')}: {changes}; {kept:,} flows pass."


def _about_log(out: Mapping[str, Json]) -> str:
    log = out["log"]
    here = log["flows"] - log["ofOtherSubnets"]
    return (
        f"{_count(log['files'], 'file')} with {log['flows']:,} flows, {here:,} of them the subnet's "
        f"({log['streams']:,} kinds), from {log['first']} to {log['last']}"
    )


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


# --- rules -----------------------------------------------------------------------------------------


def _rules(page: Console, out: Mapping[str, Json]) -> None:
    table = _table("", "no.", "rule", "with", "ports", "flows", "since")
    for rule in out["rules"]:
        flows = f"{rule['flows']:,}" if rule["flows"] else "none"
        table.add_row(*_cells(rule), flows, _day(rule["first"]))
    for rule in out["denies"]:
        table.add_row(*_cells(rule), "", "")
    section(page, "Rules", [table])
    doubts = _by(out["rules"], "depends")
    bullets(page, "What they are for", [*_by(out["rules"], "for"), *doubts])
    gone = [f"{rule['name']} ({rule['priority']})" for rule in out["removed"]]
    bullets(page, "Removed at the end, when the rules above decide in their place", gone)


def _by(rules: Sequence[Mapping[str, Json]], field: str) -> Iterator[str]:
    """`allow-storage: write-ahead log and backups go to Storage`, rules of which that is said together."""
    for said in dict.fromkeys(rule[field] for rule in rules if rule[field]):
        yield f"{few((rule['name'] for rule in rules if rule[field] == said), 'and')}: {said}"


def _cells(rule: Mapping[str, Json]) -> Iterator[Text]:
    found = rule["properties"]
    side = "source" if found["direction"] == "Inbound" else "destination"
    other = _texts(found, f"{side}AddressPrefix", f"{side}AddressPrefixes")
    ports = _texts(found, "destinationPortRange", "destinationPortRanges")
    mark = "=" if rule["stands"] else "+"
    arrow = "from" if side == "source" else "to"
    for text in (
        mark,
        str(found["priority"]),
        rule["name"],
        f"{arrow} {few(other)}",
        "any" if found["protocol"] == "*" else f"{found['protocol'].lower()} {few(ports)}",
    ):
        yield Text(plain(text))


def _texts(found: Mapping[str, Json], singular: str, plural: str) -> list[str]:
    return list(found[plural]) if plural in found else [found[singular]]


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for column in columns:
        is_number = column in {"no.", "flows"}
        ratio = _RATIOS.get(column)
        table.add_column(
            column, overflow="fold", justify="right" if is_number else "left", ratio=ratio, no_wrap=not ratio
        )
    return table


def _day(moment: str | None) -> str:
    return moment[:10] if moment else ""


# --- what is denied --------------------------------------------------------------------------------


def _denied(page: Console, out: Mapping[str, Json]) -> None:
    day = out["deniedLastDay"]
    said = (
        f"Denied from now on; in the last day of the log (since {day['since']}): {day['flows']:,} flows, "
        f"{day['ofThemPassed']:,} of which passed"
    )
    _digest(page, said, out["setApart"])


def _digest(page: Console, heading: str, heap: Mapping[str, Json]) -> None:
    """A scan by its source, what there is much of in one row, the rest singly."""
    rows = heap["digest"]
    table = _table("flows", "", "with", "port", "", "last", "because")
    for row in rows[:_ROWS]:
        way = "from" if row["direction"] == "Inbound" else "to"
        other = row["address"] if row["addresses"] == 1 else f"{row['addresses']:,} addresses"
        port = row["port"] if row["ports"] == 1 else f"{row['ports']:,} ports"
        cells = (f"{row['flows']:,}", way, other, port, _passed(row), _day(row["last"]), row["because"])
        table.add_row(*(Text(plain(cell)) for cell in cells))
    section(page, heading, [table, *_more(len(rows))] if rows else [])


def _passed(row: Mapping[str, Json]) -> str:
    if row["passed"] in {0, row["flows"]}:
        return "passed" if row["passed"] else "denied"
    return f"{row['passed']:,} passed"


def _more(rows: int) -> list[Text]:
    return [Text(f"and {rows - _ROWS:,} more: -o json has them")] if rows > _ROWS else []


def _left_out(page: Console, heading: str, heap: Mapping[str, Json]) -> None:
    table = _table("flows", "", "with", "port", "last")
    for one in heap["listed"][:_ROWS]:
        way = "from" if one["direction"] == "Inbound" else "to"
        port = f"{one['protocol'].lower()} {one['port']}"
        cells = (f"{one['flows']:,}", way, one["address"], port, _day(one["last"]))
        table.add_row(*(Text(plain(cell)) for cell in cells))
    section(page, heading, [table, *_more(heap["streams"])] if heap["listed"] else [])


# --- the proof -------------------------------------------------------------------------------------


def _proof(out: Mapping[str, Json]) -> Iterator[str]:
    proof = out["proof"]
    passing, needs, denied = (
        proof[name] for name in ("streamsThatPass", "needsThatPass", "streamsThatAreDenied")
    )
    for name, good, bad in (
        (
            "doNotPass",
            f"all {passing:,} kinds of traffic that are kept pass, and all {needs} that are needed",
            "does not surely pass",
        ),
        ("areNotDenied", f"all {denied:,} that are set apart are denied", "is not surely denied"),
        ("otherRulesThatDecide", "no other rule decides a packet of the subnet", "decides packets too"),
        ("brokenOnTheWay", "what passes now passes after every command", "passes now and not on the way"),
    ):
        yield from [f"{found}: {bad}" for found in proof[name][:_ROWS]] or [good]
    limits = out["limits"]
    yield (
        f"of ARM's limits it takes {limits['rules']} of {limits['rulesAtMost']:,} rules, and of "
        f"{limits['prefixesAtMost']:,} each {limits['sources']} sources and "
        f"{limits['destinations']} destinations"
    )
