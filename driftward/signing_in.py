"""Signing in to Azure: whose error it is when nobody is, and what azure-identity is let say of it.

What it knows of every credential that it tried fills a screen and helps few. It logs that once an attempt,
and puts it into its error: both are kept for ``--debug``.
"""

from __future__ import annotations

import sys
from typing import Final

from driftward.options import is_debugging

NOT_SIGNED_IN: Final = "not signed in to Azure: `az login`, or set ARM_ENDPOINT"


def hush() -> None:
    """Keep Azure's libraries from logging, unless that was asked for: what azure-identity tried, and a
    traceback for each answer that is no JSON."""
    import logging

    if not is_debugging():
        logging.getLogger("azure").setLevel(logging.CRITICAL)


def is_without_credential(error: BaseException) -> bool:
    """Whether no token could be had. Where nothing of Azure was imported, nobody asked for one."""
    if "azure.core.exceptions" not in sys.modules:
        return False
    from shared.adapters.identity import no_token

    return no_token(error)
