"""A browser for the tests of the page, and what a page does in it that it should not.

Where there is none, a developer is told and the tests are skipped; in CI (`CI=true`) they fail, for `.ci/run`
installs it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from local.dev.browser import MISSING, chromium

_PATIENCE: Final = 300_000
"""Milliseconds: what hangs ends; how fast a machine is decides over no test."""


def path_of_browser() -> str:
    """Without a browser nothing is tested, and in CI that is a fault."""
    found = chromium()
    if found is None and os.environ.get("CI") == "true":
        pytest.fail(MISSING)
    if found is None:
        pytest.skip(MISSING)
    return found


@dataclass(kw_only=True)
class Watched:
    """A page, and what it did that it should not: requests of others, errors, dialogues, what it logged."""

    page: Page
    requests: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def dismiss(self, dialog: Dialog) -> None:
        self.troubles.append(dialog.message)
        dialog.dismiss()

    def open(self, file: Path, view: str = "") -> Page:
        """The view is what the address says after its #; waits until the tables are made."""
        self.page.goto("about:blank")
        self.page.goto(f"{file.as_uri()}{view}")
        self.page.wait_for_selector("html[data-ready]", state="attached")
        return self.page


@contextmanager
def watched(browser: Browser, **options: Any) -> Iterator[Watched]:
    """A page in a context of its own."""
    context = browser.new_context(**options)
    context.set_default_timeout(_PATIENCE)
    expect.set_options(timeout=_PATIENCE)
    seen = Watched(page=context.new_page())
    seen.page.on("request", lambda request: seen.requests.append(request.url))
    seen.page.on("console", lambda message: seen.troubles.append(message.text))
    seen.page.on("pageerror", lambda error: seen.troubles.append(str(error)))
    seen.page.on("dialog", seen.dismiss)
    yield seen
    context.close()
