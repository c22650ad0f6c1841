"""Settings in force inside that are not what Azure shows.

A value of the server waits for a restart, or a role or a database has one of its own, which stands above the
server's: ``ALTER ROLE … SET log_statement = 'none'`` leaves what ARM shows, and what policies judge, without
effect. Of the latter only those settings are asked that say what is logged, how passwords are stored and what
is loaded: that a role has a shorter time limit of its own is nobody's fault.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Final

from shared.model import Severity
from shared.model.parts import ServerParameter
from shared.posture.controls import MCSB
from shared.posture.findings import Judged
from shared.posture.policy import AnyPolicy
from shared.posture.server_parameters import RESTART_ENDS_SESSIONS, SWITCH, restart
from shared.roles.names import identifier
from shared.roles.reading import Inside, Override, Part, Setting
from shared.roles.telling import Case, beside_unread, check, not_read, told

_ASKED: Final = (
    *("log_", "pgaudit.", "password_encryption", "row_security"),
    *("session_preload_libraries", "shared_preload_libraries"),
)
_WHY_NOT_SHOWN: Final = (
    "the reading role is no member of pg_read_all_settings, or what brings the setting is not loaded"
)
_MILLISECONDS: Final = {"ms": 1.0, "s": 1e3, "min": 6e4, "h": 3.6e6, "d": 8.64e7}


def differs(inside: Inside) -> Judged:
    if inside.azure is None or inside.azure.parameters is None:
        return not_read(inside, Part.AZURE)
    if inside.settings is None:
        return not_read(inside, Part.SETTINGS)
    shown = {one.name.lower(): one for one in inside.azure.parameters if not one.odd}
    units = {one.name.lower(): one.unit for one in inside.settings}
    cases = [*_of_server(inside, shown), *_of_roles(inside, shown, units)]
    judged = told(
        cases, "settings in force are not those that Azure shows: {}", "Azure shows what is in force"
    )
    return beside_unread(judged, [*_not_shown(shown, units)])


def _not_shown(shown: Mapping[str, ServerParameter], seen: Container[str]) -> Iterator[str]:
    """What somebody set and the server does not show: the reading role may not see it, or the library that
    has the setting is not loaded, and then it is without effect."""
    for name, one in sorted(shown.items()):
        if name.startswith(_ASKED) and one.value != one.default and name not in seen:
            yield f"whether {one.name} is in force ({_WHY_NOT_SHOWN})"


def _of_server(inside: Inside, shown: Mapping[str, ServerParameter]) -> Iterator[Case]:
    for one in inside.settings or ():
        told_by_azure = shown.get(one.name.lower())
        if told_by_azure is None:
            continue
        if one.pending_restart or not _same(one.value, told_by_azure.value, one.unit):
            yield Case(name=one.name, detail=_detail(one, told_by_azure), sql=_restarted(inside))


def _detail(one: Setting, shown: ServerParameter) -> str:
    waits = ", and a value waits for a restart" if one.pending_restart else ""
    return f"{one.value!r} in force, {shown.value!r} by Azure{waits}"


def _restarted(inside: Inside) -> tuple[str, ...]:
    """No SQL sets a parameter of the server: Azure does."""
    return (f"-- {RESTART_ENDS_SESSIONS}", restart(inside.azure)) if inside.azure is not None else ()


def _of_roles(
    inside: Inside, shown: Mapping[str, ServerParameter], units: Mapping[str, str]
) -> Iterator[Case]:
    for one in inside.overrides:
        name = one.name.lower()
        by_azure = shown.get(name)
        if by_azure is None or not name.startswith(_ASKED):
            continue
        if not _same(one.value, by_azure.value, units.get(name, "")):
            detail = f"{one.value!r} {_whose(one)}, {by_azure.value!r} by Azure"
            yield Case(name=one.name, detail=detail, sql=(_reset(one),))


def _whose(one: Override) -> str:
    role = f"for role {identifier(one.role)}" if one.role else ""
    database = f"in database {identifier(one.database)}" if one.database else ""
    return " ".join(filter(None, (role, database)))


def _reset(one: Override) -> str:
    setting = ".".join(map(identifier, one.name.split(".")))
    if not one.role:
        return (
            f"ALTER DATABASE {identifier(one.database)} RESET {setting};"
            if one.database
            else f"ALTER ROLE ALL RESET {setting};"
        )
    where = f" IN DATABASE {identifier(one.database)}" if one.database else ""
    return f"ALTER ROLE {identifier(one.role)}{where} RESET {setting};"


# --- whether two spellings mean the same -----------------------------------------------------------


def _same(inside: str, azure: str, unit: str) -> bool:
    one, other = inside.strip().lower(), azure.strip().lower()
    if one == other or _members(one) == _members(other):
        return True
    if one in SWITCH and other in SWITCH:
        return SWITCH[one] is SWITCH[other]
    number, another = _number(one, unit), _number(other, unit)
    return number is not None and number == another


def _members(text: str) -> frozenset[str]:
    """Of a list neither order nor blanks matter."""
    return frozenset(part.strip().strip("\"'") for part in text.split(",") if part.strip())


def _number(text: str, unit: str) -> float | None:
    """In milliseconds for a time; a number without a unit is in the setting's own."""
    digits = text.rstrip("abcdefghijklmnopqrstuvwxyz ")
    named = text[len(digits) :].strip() or unit
    try:
        return (
            float(digits) * _MILLISECONDS.get(named, 1.0) if named == unit or named in _MILLISECONDS else None
        )
    except ValueError:
        return None


CHECKS: Final[tuple[AnyPolicy, ...]] = (
    check(
        "postgres-setting-differs-from-azure",
        "Settings in force inside a PostgreSQL server are not those that Azure shows",
        Severity.MEDIUM,
        differs,
        "What Azure shows as switched on is without effect for some, or for all until a restart.",
        (MCSB.PV_2,),
    ),
)
