"""What a command says when it cannot answer: a message on standard error and exit code 2.

What azure-identity knows of every credential that it tried fills a screen and helps few: one line says what
to do, and ``--debug`` shows the rest.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from typing import Final

from driftward.options import is_debugging

NOT_SIGNED_IN: Final = "not signed in to Azure: `az login`, or set ARM_ENDPOINT"
_UNUSABLE: Final = 2


def refuse(error: Exception) -> int:
    """Say why there is no answer; returns the exit code."""
    print(said(error), file=sys.stderr)
    if is_debugging():
        traceback.print_exception(error)
    return _UNUSABLE


def said(error: Exception) -> str:
    """What is wrong, in words."""
    return NOT_SIGNED_IN if is_without_credential(error) else str(error)


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
