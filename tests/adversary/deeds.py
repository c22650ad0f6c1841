"""What attackers and honest people write, as deeds on whatever is there; and what counts as exposed.

A deed whose outcome is there already writes nothing unless it is meant to be written ``again``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any, Final

from shared.model import (
    Actor,
    FirewallRule,
    PublicAccess,
    SecurityRule,
    ServerSnapshot,
    ServerState,
    Snapshot,
    SubnetSnapshot,
)
from shared.model.resource_id import ResourceId
from tests.adversary.attack import Becomes, Step, Write
from tests.builders import OFFICE, SERVER, rule
from tests.fakes import SOMEBODY

ALL_AZURE_POLICY: Final = "postgres-firewall-allows-all-azure"
WHOLE_POLICY: Final = "postgres-firewall-allows-whole-internet"
PUBLIC_POLICY: Final = "postgres-public-access-enabled"
PIECES_POLICY: Final = "postgres-firewall-covers-whole-internet-in-pieces"
DORMANT_POLICY: Final = "postgres-firewall-dormant-rules"
WIDE_POLICY: Final = "postgres-firewall-range-too-wide"
LOGS: Final = ("log_checkpoints", "log_connections", "log_disconnections")
LOG_POLICIES: Final = tuple(f"postgres-{name.replace('_', '-')}-off" for name in LOGS)

_FLEXIBLE: Final = "Microsoft.DBforPostgreSQL/flexibleServers"
_GROUP: Final = "Microsoft.Network/networkSecurityGroups"


def azure(name: str = "AllowAllAzure") -> FirewallRule:
    return rule(name, "0.0.0.0")


def everybody(name: str = "everybody") -> FirewallRule:
    return rule(name, "0.0.0.0", "255.255.255.255")


# --- on a server -----------------------------------------------------------------------------------


def on_server(change: Callable[[ServerSnapshot], ServerSnapshot]) -> Becomes:
    """What becomes of a server; of what is not there, nothing."""

    def becomes(there: Snapshot | None) -> Snapshot | None:
        return change(there) if isinstance(there, ServerSnapshot) else there

    return becomes


def puts(wanted: FirewallRule, server: ResourceId = SERVER, *, again: bool = False, **how: Any) -> Write:
    """Somebody writes a firewall rule."""

    def change(there: ServerSnapshot) -> ServerSnapshot:
        rules = there.firewall_rules or ()
        if wanted in rules and not again:
            return there
        others = tuple(one for one in rules if one.name != wanted.name)
        return replace(there, firewall_rules=(*others, wanted))

    return _rule_write(server, wanted.name, change, "write", how)


def deletes(name: str, server: ResourceId = SERVER, **how: Any) -> Write:
    """Somebody deletes a firewall rule, where it is there."""

    def change(there: ServerSnapshot) -> ServerSnapshot:
        left = tuple(one for one in there.firewall_rules or () if one.name != name)
        return there if left == there.firewall_rules else replace(there, firewall_rules=left)

    return _rule_write(server, name, change, "delete", how)


def _rule_write(
    server: ResourceId,
    name: str,
    change: Callable[[ServerSnapshot], ServerSnapshot],
    verb: str,
    how: dict[str, Any],
) -> Write:
    return Write(
        target=server,
        becomes=on_server(change),
        operation=f"{_FLEXIBLE}/firewallRules/{verb}",
        subject=server.child("firewallRules", name),
        **how,
    )


def sets(server: ResourceId = SERVER, **parts: Any) -> Write:
    """Somebody writes fields of a server itself: always a write, whatever they were."""
    how = {name: parts.pop(name) for name in ("actor", "event", "at_second") if name in parts}
    return Write(
        target=server,
        becomes=on_server(lambda there: replace(there, **parts)),
        operation=f"{_FLEXIBLE}/write",
        subject=server,
        **how,
    )


def opens_public_access(server: ResourceId = SERVER) -> Write:
    return sets(server, public_access=PublicAccess.ENABLED, public_access_text="Enabled")


def shuts_public_access(server: ResourceId = SERVER) -> Write:
    return sets(server, public_access=PublicAccess.DISABLED, public_access_text="Disabled")


def begins_operation(server: ResourceId = SERVER) -> Write:
    """Something long begins on the server; the event comes at its end."""
    return sets(server, state=ServerState.BUSY, state_text="Updating", event=False)


def ends_operation(server: ResourceId = SERVER) -> Write:
    return sets(server, state=ServerState.READY, state_text="Ready")


def tags(server: ResourceId = SERVER, **wanted: str) -> Write:
    """Somebody with Tag Contributor writes tags."""
    return Write(
        target=server,
        becomes=on_server(lambda there: replace(there, tags={**there.tags, **wanted})),
        operation="Microsoft.Resources/tags/write",
        subject=ResourceId(f"{server}/providers/Microsoft.Resources/tags/default"),
    )


def writes_diagnostics(server: ResourceId = SERVER) -> Write:
    """A diagnostic setting is written anew, which a server's reading need not show."""
    return Write(
        target=server,
        becomes=on_server(replace),
        operation="Microsoft.Insights/diagnosticSettings/write",
        subject=ResourceId(f"{server}/providers/Microsoft.Insights/diagnosticSettings/logs"),
    )


def switches(name: str, text: str, server: ResourceId = SERVER, actor: Actor = SOMEBODY) -> Write:
    """Somebody writes a server parameter."""

    def change(there: ServerSnapshot) -> ServerSnapshot:
        held = there.parameters or ()
        if all(one.value == text for one in held if one.name == name):
            return there
        return replace(
            there, parameters=tuple(replace(one, value=text) if one.name == name else one for one in held)
        )

    return Write(
        target=server,
        becomes=on_server(change),
        operation=f"{_FLEXIBLE}/configurations/write",
        subject=server.child("configurations", name),
        actor=actor,
    )


def removed(server: ResourceId = SERVER) -> Write:
    return Write(target=server, becomes=lambda _: None, operation=f"{_FLEXIBLE}/delete", subject=server)


def made(snapshot: ServerSnapshot) -> Write:
    """A server is made, as it stands there."""
    return Write(
        target=snapshot.id, becomes=lambda _: snapshot, operation=f"{_FLEXIBLE}/write", subject=snapshot.id
    )


# --- on a subnet -----------------------------------------------------------------------------------


def puts_security_rule(subnet: SubnetSnapshot, wanted: SecurityRule, *, again: bool = False) -> Write:
    """Somebody writes a rule of the subnet's NSG."""
    group = subnet.security_group
    assert group is not None

    def becomes(there: Snapshot | None) -> Snapshot | None:
        held = there.security_group if isinstance(there, SubnetSnapshot) else None
        if held is None or not isinstance(there, SubnetSnapshot) or (wanted in held.rules and not again):
            return there
        others = tuple(one for one in held.rules if one.name != wanted.name)
        return replace(there, security_group=replace(held, rules=(*others, wanted)))

    return Write(
        target=subnet.id,
        becomes=becomes,
        operation=f"{_GROUP}/securityRules/write",
        subject=group.id.child("securityRules", wanted.name),
    )


def deletes_security_rule(subnet: SubnetSnapshot, name: str) -> Write:
    group = subnet.security_group
    assert group is not None

    def becomes(there: Snapshot | None) -> Snapshot | None:
        held = there.security_group if isinstance(there, SubnetSnapshot) else None
        if held is None or not isinstance(there, SubnetSnapshot):
            return there
        left = tuple(one for one in held.rules if one.name != name)
        return there if left == held.rules else replace(there, security_group=replace(held, rules=left))

    return Write(
        target=subnet.id,
        becomes=becomes,
        operation=f"{_GROUP}/securityRules/delete",
        subject=group.id.child("securityRules", name),
    )


def sets_subnet(subnet: ResourceId, **parts: Any) -> Write:
    """Somebody writes a subnet itself: joins it to another NSG, for example."""

    def becomes(there: Snapshot | None) -> Snapshot | None:
        return replace(there, **parts) if isinstance(there, SubnetSnapshot) else there

    return Write(
        target=subnet,
        becomes=becomes,
        operation="Microsoft.Network/virtualNetworks/subnets/write",
        subject=subnet,
    )


# --- schedules -------------------------------------------------------------------------------------


def at(second: float, *deeds: Write) -> Iterator[Step]:
    for deed in deeds:
        yield Step(at=second, deed=deed)


def every(
    seconds: float, deed: Callable[[int], Iterable[Write]], *, of: tuple[float, float]
) -> Iterator[Step]:
    """``deed(n)`` again and again from ``of[0]`` until ``of[1]``."""
    number, second = 0, of[0]
    while second < of[1]:
        for one in deed(number):
            yield Step(at=second, deed=one)
        number, second = number + 1, second + seconds


def in_order(*schedules: Iterable[Step]) -> Iterator[Step]:
    yield from sorted((step for schedule in schedules for step in schedule), key=lambda step: step.at)


# --- what is really so -----------------------------------------------------------------------------


def lets_strangers_in(there: Snapshot) -> bool:
    """Whether the public path of a server admits anybody outside the office."""
    if not isinstance(there, ServerSnapshot) or there.state is ServerState.STOPPED:
        return False
    is_public = there.public_access is PublicAccess.ENABLED
    return is_public and any(not _within_office(one) for one in there.firewall_rules or ())


def _within_office(one: FirewallRule) -> bool:
    return OFFICE.start <= one.start and one.end <= OFFICE.end


def opened_by_rule(*names: str) -> Callable[[Snapshot], bool]:
    """Whether a server is open by one of these rules, whoever else may come in by others."""

    def is_open(there: Snapshot) -> bool:
        if not isinstance(there, ServerSnapshot) or there.public_access is not PublicAccess.ENABLED:
            return False
        return any(one.name in names for one in there.firewall_rules or ())

    return is_open


def address(number: int) -> IPv4Address:
    return IPv4Address(number)
