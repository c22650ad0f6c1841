"""What a command says when it cannot answer: a message on standard error, and exit code 2.

A message is what somebody can act on; how it came about is shown by ``--debug``. No project module is
imported before there is an error to tell.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Final

from driftward.options import tell_all
from driftward.signing_in import NOT_SIGNED_IN, is_without_credential

_UNUSABLE: Final = 2


def refuse(error: Exception) -> int:
    """Say why there is no answer; returns the exit code."""
    complain(f"{_whose(error)}{said(error)}")
    tell_all(error)
    return _UNUSABLE


def said(error: Exception) -> str:
    """What is wrong, in words."""
    return NOT_SIGNED_IN if is_without_credential(error) else str(error)


def complain(*lines: str) -> None:
    """Lines on standard error, as `plain` texts; that nobody can read them changes no exit code."""
    with suppress(OSError):
        for text in lines:
            print("\n".join(plain(line) for line in text.split("\n")), file=sys.stderr, flush=True)


def plain(text: str) -> str:
    """Without what would move the cursor or change colours."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _whose(error: Exception) -> str:
    """Whose answer an error is: a reason such as `Not Found` names nobody."""
    from shared.model.errors import GatewayError

    if not isinstance(error, GatewayError) or is_without_credential(error):
        return ""
    return f"Azure answered {error.status}: " if error.status else "Azure: "
