"""The script and the style of the page, as they lie beside this module, and the policy that admits no others.

They are read once, as data of the package: the page is one file and asks nobody for anything.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Final

from shared.model.values import value

_ROOM: Final = "shared.report.page"


@value
class Assets:
    """``policy`` is the page's Content-Security-Policy, for a ``meta`` element."""

    style: str
    script: str
    policy: str


@cache
def assets() -> Assets:
    style, script = _read("report.css"), _read("report.js")
    return Assets(style=style, script=script, policy=_policy(style, script))


def _policy(style: str, script: str) -> str:
    """Nothing is loaded and nothing else runs; texts never become HTML in the script (Trusted Types)."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'; "
        "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _read(name: str) -> str:
    return files(_ROOM).joinpath(name).read_text(encoding="utf-8").replace("\r\n", "\n")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
