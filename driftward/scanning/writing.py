"""A report in the forms that were asked for: on standard output, or a file each in a folder."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from driftward.refusing import complain
from driftward.scanning.whole_file import write_whole
from shared.report.forms import FORMS
from shared.report.rows import Report


def write_forms(
    forms: Iterable[str], out: Path | None, report: Report, show: Callable[[Report], None]
) -> None:
    """``show`` draws the table, which is for people and no file."""
    for form in forms:
        if form == "table":
            show(report)
        elif out is None:
            sys.stdout.writelines(FORMS[form].write(report))
        else:
            path = out / FORMS[form].file
            write_whole(path, FORMS[form].write(report))
            complain(str(path))
