"""Fields of a server's answer that are there and mean nothing to us: pure, no I/O.

An absent field and an odd one both leave their part of the snapshot unknown; only the odd one is told of with
what stands there. What must not live here: what a field means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from shared.adapters.arm.wire.fields import get, wrong
from shared.model import Json


class _Field(NamedTuple):
    name: str
    """As findings call it."""
    path: tuple[str, ...]
    usable: Callable[[Json], bool]
    what: str


def _one_of(*members: str) -> Callable[[Json], bool]:
    return lambda found: isinstance(found, str) and found.strip().lower() in members


_is_switch: Final = _one_of("enabled", "disabled")


def _is_number(found: Json) -> bool:
    return isinstance(found, int) and not isinstance(found, bool)


def _is_list(found: Json) -> bool:
    return isinstance(found, list)


def _switch(name: str, *path: str) -> _Field:
    return _Field(name, path, _is_switch, "neither Enabled nor Disabled")


_CONNECTIONS: Final = _Field(
    "privateEndpointConnections", ("privateEndpointConnections",), _is_list, "no list"
)
FLEXIBLE: Final = (
    _switch("authConfig.activeDirectoryAuth", "authConfig", "activeDirectoryAuth"),
    _switch("authConfig.passwordAuth", "authConfig", "passwordAuth"),
    _switch("geoRedundantBackup", "backup", "geoRedundantBackup"),
    _Field("backupRetentionDays", ("backup", "backupRetentionDays"), _is_number, "no number of days"),
    _Field(
        "dataEncryption.type",
        ("dataEncryption", "type"),
        _one_of("azurekeyvault", "systemmanaged"),
        "no kind of key that is known",
    ),
    _CONNECTIONS,
)
SINGLE: Final = (
    _switch("byokEnforcement", "byokEnforcement"),
    _switch("infrastructureEncryption", "infrastructureEncryption"),
    _switch("sslEnforcement", "sslEnforcement"),
    _switch("geoRedundantBackup", "storageProfile", "geoRedundantBackup"),
    _Field("backupRetentionDays", ("storageProfile", "backupRetentionDays"), _is_number, "no number of days"),
    _CONNECTIONS,
)


def odd_fields(body: Json, fields: tuple[_Field, ...]) -> Mapping[str, str]:
    """What is wrong with each of ``fields`` that is there and cannot be used, by its name."""
    held = ((field, get(body, "properties", *field.path)) for field in fields)
    return {
        field.name: wrong(found, field.name, field.what)
        for field, found in held
        if found not in (None, "") and not field.usable(found)
    }
