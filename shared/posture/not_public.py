"""The IPv4 addresses from which no packet reaches a public endpoint (IANA special-purpose registry)."""

from __future__ import annotations

from typing import Final

NOT_PUBLIC: Final = (
    "0.0.0.0/8",  # this network (RFC 1122)
    "10.0.0.0/8",  # private (RFC 1918)
    "100.64.0.0/10",  # shared by carriers (RFC 6598)
    "127.0.0.0/8",  # loopback
    "169.254.0.0/16",  # link-local
    "172.16.0.0/12",  # private
    "192.168.0.0/16",  # private
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved, and the broadcast address
)
