"""An IPv4 address from a text, as Azure's services spell them.

Leading zeros are decimal: the service took ``100.0.00.000`` for a firewall rule and gives it back so (pull
request 29224 of azure-cli). ``ipaddress`` refuses such a text, because some parsers take a number with a
leading zero for octal.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address
from typing import Final

_DOTTED: Final = re.compile(r"\d{1,12}(?:\.\d{1,12}){3}", re.ASCII)


def ipv4(text: str) -> IPv4Address | None:
    """The address that four decimal numbers spell; None for any other text."""
    if not _DOTTED.fullmatch(text.strip()):
        return None
    numbers = [int(part) for part in text.split(".")]
    return IPv4Address(bytes(numbers)) if max(numbers) < 256 else None
