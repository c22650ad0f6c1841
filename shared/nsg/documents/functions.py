"""The functions of ARM templates that need nothing but their arguments, by their names in lower case.

Each raises ``TypeError``, ``ValueError`` or ``LookupError`` for arguments that it does not take; the caller
makes of these, and of ``Unresolved``, that the expression cannot be answered. A function that is not listed
is not guessed: ``uniqueString``, ``guid`` and ``utcNow`` are only a deployment's to answer. Source: "ARM
template functions" (Microsoft Learn).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from shared.model import Json
from shared.nsg.documents import lists, numbers, places, texts

FUNCTIONS: Final[Mapping[str, Callable[..., Json]]] = {
    **texts.FUNCTIONS,
    **numbers.FUNCTIONS,
    **lists.FUNCTIONS,
    **places.FUNCTIONS,
}
