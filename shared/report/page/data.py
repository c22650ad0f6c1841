"""What the script makes tables of: every finding and every target, as JSON within the page.

An estate of thousands says the same thousands of times, so what is said is said once: a *kind* is a policy
with a state, a severity, a reason and a place, in which the target's id, group and name are marks that the
script fills in; a target has the numbers of its kinds. Details (evidence, commands) are blocks of their own,
which the script reads when somebody looks at a target of theirs, the gravest targets first, until the page is
as large as it may be: what is left out is said there, and is in every other form.

With many findings the JSON is compressed (gzip, RFC 1952) and base64: every browser since 2023 reads that by
itself.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, TypeAlias

from shared.alerts.phrases import evidence_lines
from shared.model import ComplianceState, Json, Severity, TargetKind
from shared.model.resource_id import ResourceId
from shared.model.results import TargetResult
from shared.posture.controls import Control
from shared.report.estate import Seen
from shared.report.harmless import printable
from shared.report.page.figures import Standings, Stands
from shared.report.page.markup import Markup, el
from shared.report.pictures.values import DrawnCell, DrawnGroup, Picture
from shared.report.rows import Report, Row

PLAIN: Final = 400
"""Findings up to which JSON stands as it is: whoever searches the file finds them there."""
MOST_DETAILS: Final = 3_500_000
"""Characters of all blocks of details together."""
OF_A_BLOCK: Final = 48
"""Targets."""
MOST_EVIDENCE: Final = 12

_ID, _GROUP, _NAME = "\x01", "\x02", "\x03"
"""Marks in texts; ``printable`` leaves none of them in what strangers wrote."""
SEVERITIES: Final = list(Severity)
STATES: Final = list(ComplianceState)
KINDS: Final = list(TargetKind)
STANDS: Final = list(Stands)
_RowsOf: TypeAlias = Mapping[str, Sequence[Row]]
_Write: TypeAlias = Callable[[Json], Markup]


@dataclass(kw_only=True)
class _Listed:
    """Things by number, each once."""

    numbers: dict[Json, int] = field(default_factory=dict)

    def number(self, thing: Json) -> int:
        return self.numbers.setdefault(thing, len(self.numbers))


def embedded(report: Report, standings: Standings) -> Iterator[Markup]:
    """The index, then the blocks of details."""
    rows = _by_target(report.rows)
    in_detail = _gravest(report, rows)
    write = _plain if len(report.rows) <= PLAIN else _packed
    blocks = list(_blocks(in_detail, rows, write))
    told = {one.result.target.key: number // OF_A_BLOCK for number, one in enumerate(in_detail)}
    held = {key: number for key, number in told.items() if number < len(blocks)}
    yield _script("estate", write(_index(report, rows, standings, held)))
    yield from (_script(f"details-{number}", block) for number, block in enumerate(blocks))


def _by_target(rows: Sequence[Row]) -> _RowsOf:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.finding.target.key].append(row)
    return found


# --- the index -------------------------------------------------------------------------------------


def _index(
    report: Report, rows: _RowsOf, standings: Standings, details: Mapping[str, int]
) -> dict[str, Json]:
    kinds, prefixes, policies, controls, places = (_Listed() for _ in range(5))
    targets = []
    for result in report.estate.results:
        key = result.target.key
        found = rows.get(key, ())
        targets.append(
            [
                prefixes.number(_prefix(result)),
                printable(result.target.id.name),
                KINDS.index(result.target.kind),
                places.number(printable(result.location)),
                STANDS.index(standings.of[key]),
                [kinds.number(_kind(row, policies, controls)) for row in found],
                sum(one.state is ComplianceState.COMPLIANT for one in result.findings),
                details.get(key, -1),
                printable(result.error),
            ]
        )
    return {
        "takenAt": report.estate.taken_at.isoformat(),
        "severities": [str(one) for one in SEVERITIES],
        "states": [str(one) for one in STATES],
        "kindNames": [_CALLED[one] for one in KINDS],
        "stands": [str(one) for one in STANDS],
        "prefixes": list(prefixes.numbers),
        "locations": list(places.numbers),
        "policies": [list(one) for one in policies.numbers],
        "controls": list(controls.numbers),
        "kinds": [list(one) for one in kinds.numbers],
        "targets": targets,
    }


_CALLED: Final[Mapping[TargetKind, str]] = {
    TargetKind.FLEXIBLE_SERVER: "flexible server",
    TargetKind.SINGLE_SERVER: "single server",
    TargetKind.SUBNET: "subnet",
}


def _prefix(result: TargetResult) -> str:
    whole = str(result.target.id)
    return printable(whole[: len(whole) - len(result.target.id.name)])


def _kind(row: Row, policies: _Listed, controls: _Listed) -> Json:
    """What is said of every target alike; a tuple, which is a list in JSON."""
    return (
        policies.number((row.policy, row.title, row.family)),
        STATES.index(row.state),
        SEVERITIES.index(row.severity),
        int(row.is_new),
        int(row.is_exposure),
        _marked(row.finding.reason, row),
        _marked(str(row.finding.resource_id), row),
        tuple(controls.number(_control(one)) for one in row.controls),
        row.open_since.isoformat() if row.open_since is not None else "",
    )


def _control(control: Control) -> str:
    return printable(f"{control.framework} {control.version} {control.id}: {control.title}")


def _marked(text: str, row: Row) -> str:
    """The text with marks for what is the target's own."""
    marked = printable(text)
    for own, mark in _own(row.finding.target.id):
        marked = marked.replace(own, mark)
    return marked


@lru_cache(maxsize=4)
def _own(target: ResourceId) -> tuple[tuple[str, str], ...]:
    """What the target's marks stand for; a name of one or two letters is in half of all words."""
    group = f"/subscriptions/{target.subscription}/resourceGroups/{target.resource_group}"
    named = ((printable(target.name), _NAME),) if len(target.name) > 2 else ()
    return ((printable(str(target)), _ID), (printable(group), _GROUP), *named)


# --- details ---------------------------------------------------------------------------------------


def _gravest(report: Report, rows: _RowsOf) -> list[Seen]:
    """The targets with something to tell, those with the gravest and the most first."""
    told = [one for one in report.estate.seen if one.result.target.key in rows]
    return sorted(told, key=lambda one: _gravity(rows[one.result.target.key]))


def _gravity(rows: Sequence[Row]) -> list[int]:
    wrong = [row.severity for row in rows if row.is_wrong]
    return [-wrong.count(severity) for severity in SEVERITIES]


def _blocks(seen: Sequence[Seen], rows: _RowsOf, write: _Write) -> Iterator[Markup]:
    """Blocks, as many as there is room for."""
    left = MOST_DETAILS
    for first in range(0, len(seen), OF_A_BLOCK):
        block = write(_block(seen[first : first + OF_A_BLOCK], rows))
        left -= len(block)
        if left < 0:
            return
        yield block


def _block(seen: Sequence[Seen], rows: _RowsOf) -> dict[str, Json]:
    """By target id, the details of its findings in the order of the index."""
    said = _Listed()
    found = {
        printable(one.result.target.key): [said.number(_detail(row)) for row in rows[one.result.target.key]]
        for one in seen
    }
    pictures = {printable(one.result.target.key): _picture(one.picture) for one in seen if one.picture}
    reach = {printable(one.result.target.key): _reach(rows[one.result.target.key]) for one in seen}
    return {"said": list(said.numbers), "findings": found, "pictures": pictures, "reach": reach}


_OF_TARGET: Final = frozenset({"reach", "waysIn", "publicNetworkAccess"})
"""Evidence that every finding on a server has alike: it is told once."""


def _reach(rows: Sequence[Row]) -> str:
    return printable(str(rows[0].finding.evidence.get("reach", "")))


def _picture(picture: Picture) -> Json:
    """As the script draws it. What strangers chose in it is cleaned as everywhere."""
    group = picture.group
    return {
        "ways": [
            [
                *(printable(way.client), printable(way.about), way.state),
                [[one.stage, one.state, printable(one.says), int(one.blocks)] for one in way.gates],
            ]
            for way in picture.ways
        ],
        "ranges": [[printable(one.name), one.first, one.last, int(one.is_odd)] for one in picture.ranges],
        "public": picture.is_public,
        "group": None if group is None else _group(group),
    }


def _group(group: DrawnGroup) -> Json:
    sources = [printable(source) for source in group.sources]
    named = {"name": printable(group.name), "subnet": printable(group.subnet), "mends": group.mends}
    cells = {"cells": _cells(group.cells), "after": _cells(group.after)}
    return {**named, "ports": list(group.ports), "sources": sources, **cells}


def _cells(rows: Iterable[Iterable[DrawnCell]]) -> Json:
    return [
        [
            [one.state, [printable(rule) for rule in one.rules], [printable(name) for name in one.depends_on]]
            for one in row
        ]
        for row in rows
    ]


def _detail(row: Row) -> Json:
    own = {name: part for name, part in row.finding.evidence.items() if name not in _OF_TARGET and part}
    evidence = evidence_lines(own)[:MOST_EVIDENCE]
    return (
        tuple(_marked(line, row) for line in evidence),
        tuple(_marked(line, row) for line in row.commands),
        _marked(row.decision.detail, row) if row.decision is not None else "",
        _marked(row.origin.said, row),
        _marked(row.origin.edit, row),
    )


# --- JSON in HTML ----------------------------------------------------------------------------------


def _plain(found: Json) -> Markup:
    """JSON that ends no element and no line of JavaScript."""
    text = _json(found).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Markup(text)


def _packed(found: Json) -> Markup:
    return Markup(base64.b64encode(zlib.compress(_json(found).encode(), level=6, wbits=31)).decode())


def _json(found: Json) -> str:
    """ASCII alone: U+2028 and halves of characters are escaped."""
    return json.dumps(found, separators=(",", ":"))


def _script(name: str, text: Markup) -> Markup:
    packed = None if text.startswith("{") else ""
    return el("script", text, type="application/json", id=name, data_packed=packed)
