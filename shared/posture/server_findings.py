"""What the policies share that tell something of a server's own properties, and leave the rest to a person.

Such a policy judges a few fields of one reading and plans nothing; what its owner can do stands in the
evidence as ``whatToDo``: one ``az`` command where there is one, else the step in words. What a stopped
server does not show is Unknown until its start, and the reason says so. Pure.

What must not live here: which value is right, and why.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from shared.model import Aspect, Json, ServerSnapshot, ServerState
from shared.model.resource_id import ResourceId
from shared.posture.findings import Facts, Judged, unknown
from shared.posture.shell import FLEXIBLE_API, SINGLE_API, rest, with_blanks
from shared.posture.unread import unread_reason

_BACKUP_KEY: Final = (
    "--backup-key '<id of a key in the paired region>'"
    " --backup-identity '<id of an identity that may use that key>'"
)


NEW_SERVER: Final[Facts] = {"endsOnNewServer": True}
"""Evidence of what was settled at a server's creation: it ends with another server."""


def unknown_of(server: ServerSnapshot, reason: str) -> Judged:
    """It cannot be told now; of a server that is stopped it may be told once it runs."""
    return unknown(f"{reason}{_while_stopped(server)}")


def unsaid(server: ServerSnapshot, field: str, text: str = "") -> Judged:
    """A field of the server that is absent, or whose value means nothing to us."""
    said = f"{field} is {text!r}, which cannot be judged" if text else f"the server does not say {field}"
    return unknown_of(server, said)


def unread(server: ServerSnapshot, aspect: Aspect) -> Judged:
    """A part that could not be read, with the reason, for example the action that our identity lacks."""
    return unknown_of(server, unread_reason(server, aspect))


def _while_stopped(server: ServerSnapshot) -> str:
    if server.state is not ServerState.STOPPED:
        return ""
    return f"; the server is {server.state_text.lower()}: this waits until it runs"


def is_replica(server: ServerSnapshot) -> bool:
    """Whether it is a read replica: ``AsyncReplica``, ``GeoAsyncReplica``, a single server's ``Replica``."""
    return server.replication.role.lower().endswith("replica")


def switched(on: bool | None) -> str | None:
    """A switch as ARM spells it."""
    return None if on is None else "Enabled" if on else "Disabled"


def sign_in_facts(server: ServerSnapshot) -> Mapping[str, Json]:
    """Which ways to sign in the server accepts, as ARM names them."""
    return {
        "activeDirectoryAuth": switched(server.sign_in.entra),
        "passwordAuth": switched(server.sign_in.passwords),
    }


def az(server: ServerSnapshot, command: str, options: str, *, name: str = "--name") -> str:
    """An ``az postgres flexible-server`` command of azure-cli 2.91.0 about this server, one line for a shell.

    ``options`` stand as they are; ``name`` is the option under which the command takes the server's name.
    """
    where = server.id
    group, called, subscription = map(shlex.quote, (where.resource_group, where.name, where.subscription))
    address = f"--subscription {subscription} --resource-group {group} {name} {called}"
    return f"az postgres flexible-server {command} {address} {options}".rstrip()


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
    group, subscription = map(shlex.quote, (source.resource_group, source.subscription))
    address = f"--subscription {subscription} --resource-group {group} --name '<name of the new server>'"
    from_ = f"--source-server {shlex.quote(str(source))}"
    return f"az postgres flexible-server {command} {address} {from_} {options}".rstrip()


def az_administrator(server: ResourceId) -> str:
    """A group as Microsoft Entra administrator of a flexible server that is no replica."""
    group, called, subscription = map(shlex.quote, (server.resource_group, server.name, server.subscription))
    address = f"--subscription {subscription} --resource-group {group} --server-name {called}"
    who = "--display-name '<name of a group>' --object-id '<its object id>' --type Group"
    return f"az postgres flexible-server microsoft-entra-admin create {address} {who}"


def primary_of(server: ServerSnapshot) -> ResourceId | None:
    """The server itself, or of a replica its primary; None where that is not told."""
    return server.replication.source if is_replica(server) else server.id


def entra_command(server: ServerSnapshot) -> str:
    """Without an administrator nobody can make roles that sign in with Microsoft Entra: one is named next."""
    return az(server, "update", "--microsoft-entra-auth Enabled")


def administrator_steps(server: ServerSnapshot) -> tuple[str, ...]:
    """A replica has the administrators of its primary, and azure-cli refuses to name one there."""
    primary = primary_of(server)
    if primary is None:
        return (
            "name a Microsoft Entra administrator on the primary of this replica, which has it from there",
        )
    said = ("the primary of a replica has its administrators",) if primary != server.id else ()
    return (*said, az_administrator(primary))


# --- parameters ------------------------------------------------------------------------------------


def wrong_switch(chosen: Json) -> str | None:
    """What is wrong with a parameter that is a switch; None when nothing is."""
    return None if isinstance(chosen, bool) else "true or false"


def wrong_names(names: Json) -> str | None:
    """What is wrong with a parameter that lists names; None when nothing is."""
    good = isinstance(names, list) and all(isinstance(name, str) and name.strip() for name in names)
    return None if good else "a list of names"


def plainly(names: Iterable[str]) -> frozenset[str]:
    """Names as they are compared: without surrounding blanks, in lower case."""
    return frozenset(name.strip().lower() for name in names)
