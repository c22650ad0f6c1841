"""Security admin rules of Virtual Network Manager, as a network lists those that hold in it: pure, no I/O.

The list names rules of any number of collections, custom and default ones alike (network API,
``EffectiveSecurityAdminRule`` and ``EffectiveDefaultSecurityAdminRule``). Each goes before every NSG, so one
that cannot be read leaves all of them unknown: it may stop what the others let pass. Prefixes and ports stay
the texts that they are, service tags and the ids of network groups among them: reading those is the engine's.
What must not live here: requests, and what any of it means for a packet.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from shared.adapters.arm.wire.fields import called, get, listed, malformed, member, text
from shared.model import Direction, Json
from shared.model.networks import AdminRule

_ACCESS: Final = frozenset({"allow", "alwaysallow", "deny"})
_PROTOCOLS: Final = frozenset({"tcp", "udp", "icmp", "esp", "ah", "any"})
_EVERY: Final = ("*",)


def admin_rules(bodies: Iterable[Json]) -> tuple[AdminRule, ...]:
    """The rules in ARM's order and spelling. Raises ``Permanent`` for one that does not say what it does."""
    return tuple(map(_admin_rule, bodies))


def _admin_rule(body: Json) -> AdminRule:
    return AdminRule(
        name=text(body, "id").rpartition("/")[2] or called(body),
        priority=_priority(body),
        direction=_direction(body),
        access=_one_of(_ACCESS, body, "access"),
        protocol=_one_of(_PROTOCOLS, body, "protocol"),
        sources=_prefixes(body, "sources"),
        destinations=_prefixes(body, "destinations"),
        source_ports=_texts(body, "sourcePortRanges"),
        ports=_texts(body, "destinationPortRanges"),
    )


def _priority(body: Json) -> int:
    found = get(body, "properties", "priority")
    if not isinstance(found, int) or isinstance(found, bool):
        raise malformed("security admin rule", body, "priority", found)
    return found


def _direction(body: Json) -> Direction:
    found = _one_of(frozenset(one.lower() for one in Direction), body, "direction")
    return member(Direction, found, Direction.INBOUND)


def _one_of(known: frozenset[str], body: Json, name: str) -> str:
    found = text(body, "properties", name)
    if found.lower() not in known:
        raise malformed("security admin rule", body, name, get(body, "properties", name))
    return found


def _prefixes(body: Json, name: str) -> tuple[str, ...]:
    return _required(body, name, [text(one, "addressPrefix") for one in _held(body, name)])


def _texts(body: Json, name: str) -> tuple[str, ...]:
    return _required(body, name, [one.strip() if isinstance(one, str) else "" for one in _held(body, name)])


def _held(body: Json, name: str) -> list[Json]:
    return listed(get(body, "properties", name))


def _required(body: Json, name: str, found: list[str]) -> tuple[str, ...]:
    """The texts; every one where the rule names none."""
    if not all(found):
        raise malformed("security admin rule", body, name, get(body, "properties", name))
    return tuple(found) or _EVERY
