"""A check of the journal as JSON and for people, and the exit code that says it in a number."""

from __future__ import annotations

from functools import partial

from rich.console import Console
from rich.text import Text

from driftward.journal.asking import Verified
from driftward.refusing import plain
from driftward.terminal import bullets, write
from shared.model import Json


def exit_code(verified: Verified) -> int:
    """0 it holds; 1 it does not; 3 not known."""
    if verified.findings.faults:
        return 1
    return 3 if verified.findings.unknown else 0


def view(verified: Verified) -> dict[str, Json]:
    found = verified.findings
    return {
        "holds": {0: True, 1: False}.get(exit_code(verified)),
        "faults": [{"kind": str(one.kind), "where": one.where, "detail": one.detail} for one in found.faults],
        "unknown": list(found.unknown),
        "notes": list(found.notes),
        "chains": verified.chains,
        "links": verified.links,
        "anchors": verified.anchors,
        "changes": verified.changes,
        "cutOff": verified.cut_off,
        "writes": verified.writes,
    }


def show(verified: Verified) -> None:
    write(partial(_draw, verified))


def _draw(verified: Verified, page: Console) -> None:
    verdict, style = _VERDICTS[exit_code(verified)]
    page.print(Text(verdict, style=style))
    page.print(Text(_counted(verified)))
    found = verified.findings
    bullets(page, "Not as it was written", [f"{one.kind}: {one.where}: {one.detail}" for one in found.faults])
    bullets(page, "Not known", found.unknown)
    bullets(page, "Worth knowing", found.notes)


def _counted(verified: Verified) -> str:
    log = "Azure's log left out" if verified.writes is None else f"{verified.writes} lines of Azure's log"
    return plain(
        f"{verified.links} links in {verified.chains} chains, {verified.anchors} anchors, "
        f"{verified.changes} changes, {log}"
    )


_VERDICTS = {
    0: ("The journal holds.", "bold green"),
    1: ("The journal does not hold.", "bold red"),
    3: ("Whether the journal holds is not known.", "bold yellow"),
}
