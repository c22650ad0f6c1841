"""A module for each form; each makes a text of a ``Report``. ``FORMS`` names their files.

Those that tell of every target are written piece by piece.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from shared.model.values import value
from shared.report.forms import as_csv, as_html, as_json, as_junit, as_markdown, as_ocsf, as_sarif
from shared.report.rows import Report


@value
class Form:
    """A form of a report, and the name of its file."""

    file: str
    write: Callable[[Report], Iterator[str]]
    """The text in pieces."""


def _in_one(text: Callable[[Report], str]) -> Callable[[Report], Iterator[str]]:
    return lambda report: iter((text(report),))


FORMS: Final[Mapping[str, Form]] = {
    "json": Form(file="findings.json", write=as_json.pieces),
    "csv": Form(file="findings.csv", write=_in_one(as_csv.text)),
    "html": Form(file="report.html", write=_in_one(as_html.text)),
    "ocsf": Form(file="findings.ocsf.json", write=as_ocsf.pieces),
    "sarif": Form(file="findings.sarif", write=_in_one(as_sarif.text)),
    "junit": Form(file="findings.junit.xml", write=as_junit.pieces),
    "markdown": Form(file="findings.md", write=_in_one(as_markdown.text)),
}
