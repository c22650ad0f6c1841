"""How the text of one setting becomes a value; what cannot be meant raises with the setting's name and the
text.

Nothing secret is read here: the settings that hold secrets are shown by their readers, and masked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeVar

from shared.model.errors import ConfigurationError
from shared.model.resource_id import InvalidResourceId, ResourceId
from shared.model.web_addresses import is_loopback, scheme_and_host

EnumT = TypeVar("EnumT", bound=StrEnum)

SCOPE_TYPES: Final = frozenset(
    {"microsoft.resources/subscriptions", "microsoft.resources/subscriptions/resourcegroups"}
)
_API_VERSION: Final = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?", re.ASCII)
_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_UNRESOLVED: Final = "@microsoft.keyvault("


def text_of(environment: Mapping[str, str], name: str) -> str:
    """The text without blanks around it; ``""`` where there is none.

    A Key Vault reference that the platform could not resolve is handed to the app as it was written
    (learn.microsoft.com/azure/app-service/app-service-key-vault-references): raises ``ConfigurationError``.
    """
    text = environment.get(name, "").strip()
    if text.lower().startswith(_UNRESOLVED):
        raise ConfigurationError(
            f"{name}: the platform could not resolve the Key Vault reference {text!r}: the app's identity "
            "needs the role Key Vault Secrets User there, and a user-assigned one has to be the app's "
            "keyVaultReferenceIdentity"
        )
    return text


def endpoint(name: str, url: str) -> str:
    scheme, host = scheme_and_host(url)
    if url and not (scheme in {"http", "https"} and host):
        raise ConfigurationError(f"{name}: {url!r} is not an http or https URL")
    if scheme == "http" and not is_loopback(url):
        raise ConfigurationError(f"{name}: {url!r}: plain http is accepted for a loopback address only")
    return url.rstrip("/")


def member(kind: type[EnumT], name: str, text: str) -> EnumT:
    try:
        return kind(text.lower())
    except ValueError:
        choices = ", ".join(str(member) for member in kind)
        raise ConfigurationError(f"{name}: {text!r} is none of {choices}") from None


def is_allowed(name: str, text: str) -> bool:
    if text.lower() not in {"", "allow"}:
        raise ConfigurationError(f"{name}: {text!r} is neither empty nor allow")
    return bool(text)


def seconds(name: str, text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        raise ConfigurationError(f"{name}: {text!r} is not a number of seconds") from None
    if not 0 <= found <= 86_400:
        raise ConfigurationError(f"{name}: {text!r} is not between 0 and 86400 seconds")
    return found


def scopes_in(text: str, field: str) -> tuple[ResourceId, ...]:
    return tuple(parse_scope(part, field) for part in text.replace(",", " ").split())


def parse_scope(text: str, field: str) -> ResourceId:
    """A subscription or a resource group; raises ``ConfigurationError`` naming ``field``."""
    try:
        scope = ResourceId(text)
    except InvalidResourceId as error:
        meant = f": is /subscriptions/{text} meant?" if _GUID.fullmatch(text) else ""
        raise ConfigurationError(f"{field}: {error}{meant}") from None
    if scope.type not in SCOPE_TYPES:
        raise ConfigurationError(f"{field}: {text!r} is neither a subscription nor a resource group")
    return scope


def api_versions(text: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for part in text.replace(",", " ").split():
        name, _, version = part.partition("=")
        if name not in {"flexible", "single", "network"} or not _API_VERSION.fullmatch(version):
            raise ConfigurationError(
                f"ARM_API_VERSIONS: {part!r} is not flexible|single|network=<YYYY-MM-DD>"
            )
        pairs.append((name, version))
    return tuple(pairs)
