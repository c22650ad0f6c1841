"""Writes the set of records that `test_upgrade` reads: `python -m tests.upgrade.writing`, once for a version.

Worlds are led through what an app lives through, and whatever is written down on the way is kept, a few
records of each kind. A set that was written stays as it is: it is what lies in somebody's storage account.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import driftward
from shared.controller.sweep import sweep
from shared.model import (
    Change,
    DeleteFirewallRule,
    DeleteSecurityRule,
    Edit,
    PublicAccess,
    PutFirewallRule,
    PutSecurityRule,
    SetParameter,
    SetPublicAccess,
    SetServerTls,
    Target,
    TargetKind,
    codec,
)
from shared.model.retention import Position, RetentionPass, Stage
from tests.api.calling import IN_AN_HOUR, PUBLIC, SCOPE, alerted, call
from tests.builders import ALL_AZURE, GROUP, NSG, OFFICE, SERVER, public_server, security_rule, server, subnet
from tests.controller.test_rolled_back_edits import rolled_back
from tests.fakes import World

HERE = Path(__file__).parent
_MOST = 4


def main() -> None:
    """Write the records of this version."""
    path = HERE / f"records-{driftward.__version__}.json"
    kept = {"version": driftward.__version__, "records": written()}
    path.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(path)


def written() -> dict[str, list[str]]:
    """Texts by the name of their kind, the longest of each first."""
    found: dict[str, set[str]] = {}
    dump: Callable[[object], str] = codec.dump

    def noting(value: object) -> str:
        text = dump(value)
        found.setdefault(type(value).__name__, set()).add(text)
        return text

    with ExitStack() as stack:
        stack.enter_context(patch.object(codec, "dump", noting))
        for scene in SCENES:
            scene()
    return {kind: sorted(texts, key=lambda text: (-len(text), text))[:_MOST] for kind, texts in found.items()}


def _ordinary() -> None:
    """Drift, a revert, a rollback with its exemption, runs, passes of the sweep, and anchors."""
    world = rolled_back()
    world.azure.put(subnet())
    call(world, "start_run", {"scope": SCOPE})
    _let_pass(world, 2)


def _exempted() -> None:
    """A person exempts a group, and takes one back."""
    world, asked = World(), {"policy": PUBLIC, "reason": "a partner", "expiresAt": IN_AN_HOUR, "by": "jane"}
    call(world, "add_exemption", {**asked, "scope": GROUP})
    given = call(world, "add_exemption", {**asked, "scope": str(SERVER)}).body
    call(world, "revoke_exemption", {"by": "jane"}, id=given["id"])


def _approved() -> None:
    world, alert = alerted()
    call(world, "approve_alert", {"by": "jane"}, id=alert.id)
    call(world, "set_break_glass", {"on": True, "reason": "incident 4711", "by": "jane"})
    _let_pass(world, 1)
    world.azure.snapshots.clear()
    _let_pass(world, 1)


def _in_flight() -> None:
    """A change whose operation goes on."""
    world = World()
    world.azure.put(public_server())
    world.look(public_server().target)
    world.drain()
    world.azure.polls_until_done = 100
    world.azure.put(public_server(firewall_rules=(OFFICE, ALL_AZURE)))
    world.event(server().target)
    world.drain(30)


def _edits() -> None:
    """Every edit that a change may hold."""
    target = Target(kind=TargetKind.FLEXIBLE_SERVER, id=SERVER)
    edits: tuple[Edit, ...] = (
        SetPublicAccess(server=SERVER, access=PublicAccess.DISABLED),
        PutFirewallRule(server=SERVER, rule=OFFICE),
        DeleteFirewallRule(server=SERVER, rule=ALL_AZURE),
        PutSecurityRule(nsg=NSG, rule=security_rule("allow-clients", 200)),
        DeleteSecurityRule(nsg=NSG, rule=security_rule("allow-clients", 200)),
        SetParameter(server=SERVER, name="require_secure_transport", value="on"),
        SetServerTls(server=SERVER, enforced=True, minimum_version="TLS1_2"),
    )
    codec.dump(Change(policy="a-policy", target=target, edits=edits, inverse=tuple(reversed(edits))))


def _let_pass(world: World, sweeps: int) -> None:
    for _ in range(sweeps):
        world.clock.advance(3700)
        sweep(world.deps())
        world.drain(60)


def _retiring() -> None:
    """Where the retention stands."""
    began = datetime(2026, 11, 30, tzinfo=UTC)
    at = Position(table="alerts", partition="alerts", row="a-1")
    codec.dump(RetentionPass(number=3, began=began, until=began, stage=Stage.ALERTS, position=at))


SCENES: Iterable[Callable[[], None]] = (_ordinary, _exempted, _approved, _in_flight, _edits, _retiring)

if __name__ == "__main__":
    main()
