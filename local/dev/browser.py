"""The browser of this machine, for tests and pictures of the report: Debian's Chromium, driven by Playwright.

Nothing is downloaded: Playwright is told where the browser is. As root it runs without its sandbox, which
Chromium refuses to root; what it is shown are pages of our own making.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from playwright.sync_api import Browser, sync_playwright

MISSING: Final = "there is no Chromium on this machine: apt-get install chromium"
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """The path of the browser; None where there is none."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


@contextmanager
def started(path: str) -> Iterator[Browser]:
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield browser
        finally:
            browser.close()
