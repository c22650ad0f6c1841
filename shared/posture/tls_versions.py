"""The versions of TLS that a server accepts: their order, and the edits that raise the lowest one.

A flexible server has two parameters, the lowest and the highest version; a single server has one setting,
and knows nothing above TLS 1.2. Pure.

What must not live here: which version is low enough to be wrong, and why.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from shared.model import Edit, ServerSnapshot, SetParameter, SetServerTls
from shared.model.parts import ServerParameter
from shared.posture.allowed_values import allows
from shared.posture.server_parameters import needs_restart, parameter

LOWEST: Final = "ssl_min_protocol_version"
HIGHEST: Final = "ssl_max_protocol_version"
VERSIONS: Final = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
"""As PostgreSQL spells them, the lowest first."""
SINGLE_VERSIONS: Final = ("TLS1_0", "TLS1_1", "TLS1_2")
"""As a single server spells them, in the same order."""

WithInverse: TypeAlias = tuple[Edit, Edit]
"""An edit, and the one that undoes it."""


def rank(version: str) -> int | None:
    """The place of a version among those known; None for an empty or unknown one."""
    lowered = [known.lower() for known in VERSIONS]
    name = version.strip().lower()
    return lowered.index(name) if name in lowered else None


def single_rank(minimum: str) -> int:
    """A single server knows nothing above TLS 1.2: more cannot be asked of it."""
    return min(VERSIONS.index(minimum), len(SINGLE_VERSIONS) - 1)


def ends(server: ServerSnapshot) -> list[ServerParameter]:
    """The parameters for the lowest and the highest version, as far as the server lists them."""
    return [p for name in (LOWEST, HIGHEST) if (p := parameter(server, name)) is not None]


def edits_to(server: ServerSnapshot, minimum: str) -> list[WithInverse]:
    """What makes ``minimum`` the lowest; none where Azure would refuse it or a restart would be needed."""
    return _flexible(server, minimum) if server.tls is None else _single(server, minimum)


def _flexible(server: ServerSnapshot, minimum: str) -> list[WithInverse]:
    """The maximum first, so that no moment has a minimum above it; none above a maximum that is not known."""
    lowest, highest = parameter(server, LOWEST), parameter(server, HIGHEST)
    lowest_rank = rank(lowest.value) if lowest else None
    if lowest is None or lowest_rank is None or any(p.pending_restart or p.odd for p in ends(server)):
        return []
    wanted = VERSIONS[max(lowest_rank, VERSIONS.index(minimum))]
    highest_rank = rank(highest.value) if highest else None
    changes = [(lowest, wanted)] if wanted.lower() != lowest.value.strip().lower() else []
    if highest is not None and highest_rank is not None and highest_rank < VERSIONS.index(wanted):
        changes.insert(0, (highest, _no_limit(highest, wanted)))
    if any(p.read_only or needs_restart(p) or not allows(p, text) for p, text in changes):
        return []
    return [(_setting(server, p.name, text), _setting(server, p.name, p.value)) for p, text in changes]


def _no_limit(highest: ServerParameter, minimum: str) -> str:
    """No maximum; where the list of allowed values does not have that (the service's documentation lists
    versions only), the highest version that it has from ``minimum`` on."""
    enough = VERSIONS[VERSIONS.index(minimum) :]
    offered = [version for version in enough if allows(highest, version)]
    return "" if allows(highest, "") or not offered else offered[-1]


def _setting(server: ServerSnapshot, name: str, text: str) -> Edit:
    return SetParameter(server=server.id, name=name, value=text)


def _single(server: ServerSnapshot, minimum: str) -> list[WithInverse]:
    if server.tls is None:
        return []
    wanted = SINGLE_VERSIONS[single_rank(minimum)]
    former = SetServerTls(server=server.id, minimum_version=server.tls.minimum_version)
    return [(SetServerTls(server=server.id, minimum_version=wanted), former)]
