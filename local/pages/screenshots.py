"""`python -m local.pages.screenshots`: pictures of the report, for the README and docs/scan.md.

The estate is the demonstration's, with a few servers that nobody looks after, in the simulator; `driftward
scan -o html` writes the page, and Debian's Chromium is what draws it. It is run by hand when the page has
another look: no two browsers draw the same bytes, so no check compares them.

Exit codes: 0 written, 2 there is no browser on this machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser

from local.demo.world import resources
from local.dev.browser import MISSING, chromium, started
from local.dev.environments import ROOT
from local.simulator import seeds
from local.simulator.client import SimulatorClient
from local.simulator.server import SimulatorServer
from local.simulator.values import JsonObject
from shared.model.values import value

FOLDER: Final = ROOT / "docs" / "report"
_REPORT: Final = "report.html"


@value
class Shot:
    """One picture: what the address says, how wide and high the window is, light or dark, what is in it."""

    name: str
    view: str = ""
    width: int = 1200
    height: int = 820
    scheme: str = "light"
    at: str = ""
    """What is scrolled to."""


_BARE: Final = seeds.flexible_server_id(name="pg-sandbox")
SHOTS: Final = (
    Shot(name="overview"),
    Shot(name="overview-dark", scheme="dark"),
    Shot(name="server", view=f"#{_BARE}", height=980),
    Shot(name="findings", view="#findings?state=NonCompliant", at="#findings"),
    Shot(name="phone", width=390, height=820),
)


def main() -> int:
    path = chromium()
    if path is None:
        print(MISSING, file=sys.stderr)
        return 2
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, started(path) as browser:
        _scan(Path(folder))
        for shot in SHOTS:
            _take(shot, Path(folder) / _REPORT, browser)
    return 0


def estate() -> list[JsonObject]:
    """The demonstration's shop, and what somebody tried out and forgot."""
    forgotten = [
        seeds.flexible_server(name="pg-sandbox"),
        seeds.firewall_rule(server=_BARE, name="everybody", start="0.0.0.0", end="127.255.255.255"),
        seeds.firewall_rule(server=_BARE, name="office", start="203.0.113.7", end="203.0.113.7"),
        seeds.single_server(name="pg-legacy"),
        seeds.nsg(
            name="nsg-sandbox",
            rules=[
                seeds.security_rule(name="anybody", priority=100, access="Allow"),
                seeds.security_rule(name="deny-all", priority=200),
            ],
        ),
        seeds.vnet(
            name="vnet-sandbox",
            subnets=[
                seeds.subnet(name="sandbox", nsg=seeds.nsg_id(name="nsg-sandbox")),
                seeds.subnet(name="endpoints", delegated=False),
            ],
        ),
        *seeds.way_in(name="pg-sandbox-endpoint", server=_BARE, vnet="vnet-sandbox", subnet="endpoints"),
    ]
    return [*resources(), *forgotten]


def _scan(folder: Path) -> None:
    """By the command itself, which finds more than nothing."""
    with SimulatorServer() as simulator:
        SimulatorClient(simulator.url).seed(estate())
        command = [sys.executable, "-m", "driftward", "scan", "--subscription", seeds.SUBSCRIPTION]
        subprocess.run(
            [*command, "-o", "html", "--out", str(folder)],
            cwd=ROOT,
            env={**os.environ, "ARM_ENDPOINT": simulator.url},
            check=False,
        )


def _take(shot: Shot, report: Path, browser: Browser) -> None:
    context = browser.new_context(
        color_scheme="dark" if shot.scheme == "dark" else "light",
        viewport={"width": shot.width, "height": shot.height},
    )
    page = context.new_page()
    page.goto(f"{report.as_uri()}{shot.view}")
    page.wait_for_selector("html[data-ready]", state="attached")
    if shot.at:
        page.locator(shot.at).evaluate("(one) => one.scrollIntoView({ behavior: 'instant' })")
    page.screenshot(path=FOLDER / f"{shot.name}.png")
    context.close()


if __name__ == "__main__":
    sys.exit(main())
