"""What a person does about a server's own properties, where azure-cli's commands depend on its situation.

What Azure or azure-cli refuses there is not printed: a replica has its primary's administrators and no
backups, a customer's key comes with an identity and with a second pair for geo-redundant backup, the
Burstable tier has no standby, a single server has no commands any more. Pure.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from shared.model import Json, ServerSnapshot
from shared.model.resource_id import ResourceId
from shared.posture.findings import Facts
from shared.posture.server_findings import az, is_replica
from shared.posture.shell import FLEXIBLE_API, SINGLE_API, place, rest, with_blanks
from shared.posture.shell import az as spoken

_BACKUP_KEY: Final = (
    "--backup-key '<id of a key in the paired region>'"
    " --backup-identity '<id of an identity that may use that key>'"
)

NEW_SERVER: Final[Facts] = {"endsOnNewServer": True}
"""Evidence of what was settled at a server's creation: it ends with another server."""

_SIZE: Final = "'<a size of the General Purpose tier>'"


def standby_command(server: ServerSnapshot, accepted: Collection[str]) -> str:
    """Gives the server a standby of an accepted mode (in lower case). azure-cli makes one in the same zone
    only where the region has no other, so where nothing else will do ARM is asked itself."""
    if set(accepted) == {"samezone"}:
        body = {"properties": {"highAvailability": {"mode": "SameZone"}}}
        return rest("patch", server.id, "", FLEXIBLE_API, body)
    anywhere = " --allow-same-zone" if "samezone" in accepted else ""
    return az(server, "update", f"--zonal-resiliency Enabled{anywhere}")


def without_standby(server: ServerSnapshot, command: str) -> tuple[str, ...]:
    """What Azure refuses while high availability is on: it is turned off before, and on again afterwards."""
    if not server.high_availability:
        return (command,)
    off = az(server, "update", "--zonal-resiliency Disabled")
    return off, command, standby_command(server, {server.availability.mode.lower()})


def single_rest(server: ServerSnapshot, method: str, child: str, body: Json) -> str:
    """A write of a single server or its ``child``: azure-cli has no commands for single servers any more.

    What only a person knows stands in ``child`` and ``body`` as ``<…>``.
    """
    return with_blanks(rest(method, server.id, child, SINGLE_API, body))


def az_restore(server: ResourceId, options: str) -> str:
    """A new flexible server from this one's backups, to settle what only creation can."""
    return _az_new("restore", server, options)


def restore_options(server: ServerSnapshot, *, geo: bool, key: bool) -> str:
    """What a new server is made with. Azure takes a customer's key together with an identity, and for
    geo-redundant backup a second pair of its own (azure-cli 2.91.0, ``pg_byok_validator``)."""
    parts = ["--geo-redundant-backup Enabled"] if geo else []
    if key or server.encryption.customer_key:
        parts.append("--key '<id of a key>' --identity '<id of an identity that may use it>'")
        parts += [_BACKUP_KEY] if geo else []
    return " ".join(parts)


def az_replica(primary: ResourceId, options: str) -> str:
    """A new replica of a flexible server: no backups are taken of a replica, so none is restored."""
    return _az_new("replica create", primary, options)


def _az_new(command: str, source: ResourceId, options: str) -> str:
    named = {"--name": "<name of the new server>", "--source-server": str(source)}
    said = spoken(f"postgres flexible-server {command}", {**place(source), **named})
    return f"{said} {options}".rstrip()


def az_administrator(server: ResourceId) -> str:
    """A group as Microsoft Entra administrator of a flexible server that is no replica."""
    who = {"--display-name": "<name of a group>", "--object-id": "<its object id>", "--type": "Group"}
    where = {**place(server), "--server-name": server.name}
    return spoken("postgres flexible-server microsoft-entra-admin create", {**where, **who})


def primary_of(server: ServerSnapshot) -> ResourceId | None:
    """The server itself, or of a replica its primary; None where that is not told."""
    return server.replication.source if is_replica(server) else server.id


def entra_steps(server: ServerSnapshot) -> tuple[str, ...]:
    """Without an administrator nobody can make roles that sign in with Microsoft Entra: one is named next."""
    return az(server, "update", "--microsoft-entra-auth Enabled"), *administrator_steps(server)


def administrator_steps(server: ServerSnapshot) -> tuple[str, ...]:
    """A replica has the administrators of its primary, and azure-cli refuses to name one there."""
    primary = primary_of(server)
    if primary is None:
        return (
            "name a Microsoft Entra administrator on the primary of this replica, which has it from there",
        )
    said = ("the primary of a replica has its administrators",) if primary != server.id else ()
    return (*said, az_administrator(primary))


def standby_steps(server: ServerSnapshot, accepted: Collection[str]) -> tuple[str, ...]:
    """The burstable tier cannot have a standby, and one kind of standby goes before another comes."""
    larger = az(server, "update", f"--tier GeneralPurpose --sku-name {_SIZE} --yes")
    off = az(server, "update", "--zonal-resiliency Disabled")
    return (
        *([larger] if server.tier.lower() == "burstable" else []),
        *([off] if server.high_availability else []),
        standby_command(server, accepted),
    )


def key_steps(server: ServerSnapshot) -> tuple[str, ...]:
    """A flexible server made with a customer's key: from backups, or of a replica from its primary."""
    if not is_replica(server):
        options = restore_options(server, geo=server.backup.geo_redundant is True, key=True)
        return (az_restore(server.id, options),)
    primary = server.replication.source
    if primary is None:
        return ("make this replica anew from its primary, with a key and an identity that may use it",)
    told = "no backups are taken of a replica: make it anew from its primary"
    return told, az_replica(primary, restore_options(server, geo=False, key=True))
