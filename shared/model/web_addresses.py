"""Which machine a web address names."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit


def scheme_and_host(url: str) -> tuple[str, str]:
    """Both in lower case; a text that is no URL has neither."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    return parts.scheme, parts.hostname or ""


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine's loopback interface."""
    host = scheme_and_host(url)[1]
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
