"""What the policies share that tell something of a server's own properties, and leave the rest to a person.

Such a policy judges a few fields of one reading and plans nothing; what its owner can do stands in the
evidence as ``whatToDo``: one ``az`` command where there is one, else the step in words. What a stopped
server does not show is Unknown until its start, and the reason says so. Pure.

What must not live here: which value is right, and why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shared.model import Aspect, Json, ServerSnapshot, ServerState
from shared.posture.findings import Judged, unknown
from shared.posture.shell import az as spoken
from shared.posture.shell import place
from shared.posture.unread import field_missing, unread_reason


def unknown_of(server: ServerSnapshot, reason: str) -> Judged:
    """It cannot be told now; of a server that is stopped it may be told once it runs."""
    return unknown(f"{reason}{_while_stopped(server)}")


def unsaid(server: ServerSnapshot, field: str, text: str = "") -> Judged:
    """A field of the server that is absent, or whose value means nothing to us."""
    said = f"{field} is {text!r}, which cannot be judged" if text else field_missing(server, field)
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
    said = spoken(f"postgres flexible-server {command}", {**place(server.id), name: server.id.name})
    return f"{said} {options}".rstrip()


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
