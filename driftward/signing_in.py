"""Signing in to Azure: whose error it is when nobody is, and what azure-identity is let say of it.

What it knows of every credential that it tried fills a screen and helps few. It logs that once an attempt,
and puts it into its error: both are kept for ``--debug``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final

from driftward.options import is_debugging

NOT_SIGNED_IN: Final = "not signed in to Azure: `az login`, or set ARM_ENDPOINT"


def hush() -> None:
    """Keep azure-identity from logging what it tried, unless that was asked for."""
    import logging

    if not is_debugging():
        logging.getLogger("azure.identity").setLevel(logging.CRITICAL)


def is_without_credential(error: BaseException) -> bool:
    """Whether no token could be had. The gateway tells it as an answer that never came (``Transient``), with
    azure-identity's own error as its cause; a refusal by ARM itself has an answer."""
    if "azure.core.exceptions" not in sys.modules:
        return False
    from azure.core.exceptions import ClientAuthenticationError

    causes = (cause for cause in _chain(error) if isinstance(cause, ClientAuthenticationError))
    return any(cause.response is None for cause in causes)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
