"""One reading of what lies inside a server: roles and their memberships, databases, sessions, settings.

A part that could not be read is None, and ``unread`` says why. Names are as the server has them: any text but
the null character, up to 63 bytes, chosen by whoever may create a role.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from shared.model.snapshots import ServerSnapshot
from shared.model.targets import Target
from shared.model.values import value


class Part(StrEnum):
    """What is read by a query of its own."""

    PASSWORDS = "passwords"
    """How each role's password is stored."""
    ENTRA = "entra"
    """Which roles are mapped to Microsoft Entra principals."""
    SESSIONS = "sessions"
    SETTINGS = "settings"
    AZURE = "azure"
    """What ARM says of the server."""


@value
class Role:
    """A row of ``pg_roles``, with what else is known of it."""

    name: str
    ours: bool = True
    """False for one that PostgreSQL or the service brings."""
    superuser: bool = False
    creates_roles: bool = False
    replicates: bool = False
    bypasses_row_security: bool = False
    logs_in: bool = False
    expires: bool = False
    """Whether ``VALID UNTIL`` is a time that comes."""
    holds: bool = False
    """Whether something is its own or granted to it, in any database (``pg_shdepend``)."""


@value
class Membership:
    role: str
    member: str
    grantor: str = ""


@value
class Schema:
    name: str
    public: tuple[str, ...] = ()
    """What PUBLIC may do: ``CREATE``, ``USAGE``."""
    ours: bool = True
    """False for one that PostgreSQL, the service or an extension brings."""


@value
class Database:
    name: str
    public: tuple[str, ...] = ()
    """What PUBLIC may do: ``CONNECT``, ``CREATE``, ``TEMPORARY``."""
    ours: bool = True
    """False for the service's own and for templates."""
    schemas: tuple[Schema, ...] | None = None
    unread: str = ""
    """Why its schemas could not be read."""


@value
class Session:
    """A connection over the network, as it was seen at the time of the reading."""

    role: str
    database: str = ""
    address: str = ""
    encrypted: bool = True


@value
class Setting:
    """A row of ``pg_settings`` that holds for the whole server."""

    name: str
    value: str
    unit: str = ""
    pending_restart: bool = False


@value
class Override:
    """A setting that holds for a role, a database, or a role in a database (``pg_db_role_setting``)."""

    name: str
    value: str
    role: str = ""
    database: str = ""


@value
class EntraRole:
    name: str
    is_admin: bool = False


@value
class Inside:
    """Everything that was read of one server at one time."""

    target: Target
    read_at: datetime
    version: int
    """``server_version_num``: 160004 is 16.4."""
    reader: str
    """The role that read."""
    roles: tuple[Role, ...] = ()
    memberships: tuple[Membership, ...] = ()
    databases: tuple[Database, ...] = ()
    passwords: Mapping[str, str] | None = None
    """How a role's password is stored, as ``azure_roles_authtype()`` spells it: ``MD5``, ``SCRAM-256``;
    ``""`` for one without a password."""
    entra: tuple[EntraRole, ...] | None = None
    sessions: tuple[Session, ...] | None = None
    sees_all_sessions: bool = False
    settings: tuple[Setting, ...] | None = None
    overrides: tuple[Override, ...] = ()
    azure: ServerSnapshot | None = None
    administrators: frozenset[str] = frozenset()
    """Roles that are declared to administer the server."""
    unread: Mapping[Part, str] = field(default_factory=dict)

    @property
    def location(self) -> str:
        return self.azure.location if self.azure is not None else ""

    @property
    def entra_names(self) -> frozenset[str]:
        return frozenset(one.name for one in self.entra or ())

    def why_unread(self, part: Part) -> str:
        return self.unread.get(part, f"{part} were not read")

    @property
    def knows_administrators(self) -> bool:
        """Whether somebody said who administers: without that nobody is accused of being none."""
        if self.administrators or self.azure is None:
            return bool(self.administrators)
        return self.azure.administrators is not None or self.entra is not None

    def is_administrator(self, name: str) -> bool:
        """Whether it is meant to administer: declared, or an administrator by Azure's own lists."""
        return name in self.administrators | self._azure_administrators()

    def _azure_administrators(self) -> frozenset[str]:
        mapped = (one.name for one in self.entra or () if one.is_admin)
        if self.azure is None:
            return frozenset(mapped)
        listed = (one.name for one in self.azure.administrators or ())
        return frozenset(filter(None, (*mapped, *listed, self.azure.administrator_login)))
