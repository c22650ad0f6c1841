"""A module for each form; each makes one text of a ``Report``. ``FORMS`` names their files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from shared.model.values import value
from shared.report.forms import as_csv, as_html, as_json, as_junit, as_markdown, as_ocsf, as_sarif
from shared.report.rows import Report


@value
class Form:
    """A form of a report, and the name of its file."""

    file: str
    write: Callable[[Report], str]


FORMS: Final[Mapping[str, Form]] = {
    "json": Form(file="findings.json", write=as_json.text),
    "csv": Form(file="findings.csv", write=as_csv.text),
    "html": Form(file="report.html", write=as_html.text),
    "ocsf": Form(file="findings.ocsf.json", write=as_ocsf.text),
    "sarif": Form(file="findings.sarif", write=as_sarif.text),
    "junit": Form(file="findings.junit.xml", write=as_junit.text),
    "markdown": Form(file="findings.md", write=as_markdown.text),
}
