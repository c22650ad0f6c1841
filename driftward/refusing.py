"""What a command says when it cannot answer: a message on standard error, and exit code 2.

A message is what somebody can act on; how it came about is shown by ``--debug``.
"""

from __future__ import annotations

import sys
from typing import Final

from driftward.options import tell_all
from driftward.signing_in import NOT_SIGNED_IN, is_without_credential

_UNUSABLE: Final = 2


def refuse(error: Exception) -> int:
    """Say why there is no answer; returns the exit code."""
    print(said(error), file=sys.stderr)
    tell_all(error)
    return _UNUSABLE


def said(error: Exception) -> str:
    """What is wrong, in words."""
    return NOT_SIGNED_IN if is_without_credential(error) else str(error)
