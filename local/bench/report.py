"""Benchmark of the report's page: 10,000 servers with nine findings and a picture each in `full`, a fiftieth
of that in `quick`; how long it is made, how large it is, and what a browser takes to show it.

``report.firstPaint`` is the browser's own "first contentful paint", from the beginning of the navigation;
``report.ready`` is when the tables can be used. The page is read from disk. Without a browser on this machine
both are left out, and that is said.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from local.dev.browser import MISSING, chromium, started
from shared.report.page import document
from tests.report.estates import report_of_many

_SIZES: Final = {"quick": 200, "full": 10_000}
_PATIENCE: Final = 600_000
"""Milliseconds."""
_PAINT: Final = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
_READY: Final = """() => new Promise((resolve) => {
    const look = () => "ready" in document.documentElement.dataset ? resolve(performance.now())
        : requestAnimationFrame(look);
    look();
})"""


def measure(extent: str) -> dict[str, tuple[float, str]]:
    """Figures with their units."""
    told = report_of_many(_SIZES[extent])
    began = time.process_time()
    text = document.text(told)
    figures: dict[str, tuple[float, str]] = {
        "report.targets": (_SIZES[extent], "targets"),
        "report.making": (round(time.process_time() - began, 2), "s"),
        "report.bytes": (len(text.encode()), "B"),
    }
    path = chromium()
    if path is None:
        print(f"report.firstPaint is left out: {MISSING}", file=sys.stderr)
    else:
        figures |= _shown(text, path)
    for name, (amount, unit) in figures.items():
        print(f"{name:<30} {amount:>10} {unit}")
    return figures


def _shown(text: str, browser_path: str) -> dict[str, tuple[float, str]]:
    """What a browser takes that was started before and has shown nothing yet."""
    with tempfile.TemporaryDirectory() as folder, started(browser_path) as browser:
        file = Path(folder) / "report.html"
        file.write_text(text, encoding="utf-8")
        page = browser.new_page()
        page.set_default_timeout(_PATIENCE)
        page.goto(file.as_uri(), wait_until="commit")
        ready = page.evaluate(_READY)
        painted = page.evaluate(_PAINT)
    return {"report.firstPaint": (round(painted), "ms"), "report.ready": (round(ready), "ms")}


if __name__ == "__main__":
    measure(sys.argv[1] if len(sys.argv) > 1 else "full")
